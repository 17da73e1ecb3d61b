// Where the reader has been: the address follows the page, Back and Forward and undo lead through it.
//
// A gesture (a click, a drag, a key held down) makes one entry, however many changes it brings. Within
// another page (a frame of a notebook or a slide) the browser's Back belongs to that page, and there
// may be no address at all: then the entries are only kept here, for undo.

const PAUSE = 250; // milliseconds between two writes of the address: browsers limit them
const SAME_KEY = 1000; // milliseconds within which presses of one key are one gesture

export class Trail {
  /** The reader goes back, forward, or to an address typed in. */
  onTravel: (link: string) => void = () => {};
  private links: string[] = [];
  private at = -1;
  private link = "";
  private begun = false; // whether the next change begins an entry
  private timer = 0;
  private key = { code: "", target: null as EventTarget | null, time: 0 };
  private readonly framed = window.top !== window;

  constructor() {
    const state = history.state as { at?: number } | null;
    if (location.hash) {
      this.at = state?.at ?? 0; // after a reload the entries before are still the browser's
      this.link = this.links[this.at] = location.hash.slice(1);
      this.write();
    }
    const begin = () => (this.begun = true);
    addEventListener("pointerdown", begin, true);
    addEventListener("click", (event) => event.detail === 0 && begin(), true);
    addEventListener("change", (event) => event.target instanceof HTMLSelectElement && begin(), true);
    addEventListener("drop", begin, true);
    addEventListener("keydown", (event) => this.pressed(event), true);
    addEventListener("paste", (event) => this.pasted(event));
    addEventListener("popstate", (event) => this.travelled(event.state));
    addEventListener("hashchange", () => this.travelled(history.state));
  }

  /** The page shows this link now. */
  show(link: string): void {
    if (link === this.link && this.at >= 0) return;
    this.link = link;
    if (this.at < 0 || !this.begun) {
      this.at = Math.max(0, this.at);
      this.links[this.at] = link;
      this.timer ||= window.setTimeout(() => this.write(), PAUSE);
    } else {
      this.begun = false;
      this.write();
      this.links = [...this.links.slice(0, ++this.at), link];
      this.write(!this.framed);
    }
  }

  /** One step back (−1) or forward (1); whether there was one. */
  step(by: -1 | 1): void {
    this.write();
    if (this.framed) {
      const link = this.links[this.at + by];
      if (link === undefined) return;
      this.at += by;
      this.travel(link);
    } else if (by > 0 || this.at > 0) history.go(by);
  }

  private travel(link: string): void {
    this.begun = false; // the answer is no new entry
    this.link = link;
    this.onTravel(link);
  }

  private travelled(state: { at?: number } | null): void {
    const link = location.hash.slice(1);
    if (link === this.address()) return;
    clearTimeout(this.timer);
    this.timer = 0;
    this.at = state?.at ?? this.at + 1;
    this.links[this.at] = link;
    this.write(); // an address that was typed in gets its place
    this.travel(link);
  }

  private address(): string {
    return this.links[this.at] ?? "";
  }

  /** The entry's link into the address, in an entry of its own if `push`. */
  write(push = false): void {
    clearTimeout(this.timer);
    this.timer = 0;
    const link = this.address();
    const address = `#${link}`;
    if (!push && location.hash.slice(1) === link && history.state?.at === this.at) return;
    try {
      if (push) history.pushState({ at: this.at }, "", address);
      else history.replaceState({ at: this.at }, "", address);
    } catch {
      // no address here, or too many writes: undo works all the same
    }
  }

  /** A link that is pasted into the page is opened. */
  private pasted(event: ClipboardEvent): void {
    const text = event.clipboardData?.getData("text/plain").trim() ?? "";
    const link = /^\S*#(~\S+|(?:station|lesson)=\S+)$/.exec(text)?.[1];
    if (!link || typing(event.target)) return;
    event.preventDefault();
    this.onTravel(link); // its answer is an entry like any other
    this.begun = true;
  }

  private pressed(event: KeyboardEvent): void {
    const { code, target, timeStamp: time } = event;
    const same = code === this.key.code && target === this.key.target;
    if (!event.repeat && !(same && time < this.key.time + SAME_KEY)) this.begun = true;
    this.key = { code, target, time };
    if (!(event.ctrlKey || event.metaKey) || event.altKey || typing(target)) return;
    const letter = event.key.toLowerCase();
    const by = letter === "z" ? (event.shiftKey ? 1 : -1) : letter === "y" ? 1 : 0;
    if (!by) return;
    event.preventDefault();
    this.step(by);
  }
}

/** Whether an element has an undo of its own: a box that one types in. */
function typing(target: EventTarget | null): boolean {
  if (target instanceof HTMLInputElement)
    return !["range", "checkbox", "radio", "button", "file"].includes(target.type);
  return target instanceof HTMLTextAreaElement;
}
