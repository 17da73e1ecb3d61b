// The state of the page: what the session answered last, and what is on its way there.

import { Live } from "./workshop/live.ts";
import type { Session } from "./session/session.ts";
import { Trail } from "./session/trail.ts";
import type { Message, Settings, State, StationInfo } from "./protocol.ts";

export interface Table {
  name: string;
  columns: string[];
  /** What the reader of its file noticed. */
  notes?: string[];
}

type Listener = () => void;

interface Command {
  command: string;
  given: Record<string, any>;
}

export class Store {
  stations: StationInfo[] = [];
  table: Table = { name: "", columns: [] };
  state: State | null = null;
  /** A link that could not be opened, and why. */
  wrong: { link: string; reason: string } | null = null;
  error = "";
  status = "";
  live = new Live();
  private listeners = new Set<Listener>();
  private waiting: Command[] = [];
  private sending = false;
  readonly trail = new Trail();
  /** A link to a lesson, by its id. */
  onLesson: (id: string) => void = () => {};

  constructor(readonly session: Session) {}

  /** startLink: what to open if the address has no link. */
  async start(startLink = ""): Promise<void> {
    this.session.onPush = (message, arrays) => {
      if (message.type === "error") this.update({ error: message.message });
      else this.live.take(message, arrays);
      if (message.type === "frame" && message.link) this.show(message.link);
    };
    const hello = await this.session.ask("hello");
    this.stations = hello.stations;
    this.table = hello.table;
    this.trail.onTravel = (link) => void this.open(link);
    const link = location.hash.slice(1) || startLink;
    if (link) await this.open(link);
    else this.take(hello);
  }

  /** Go to a link. One that cannot be opened is explained above the station that is open. */
  async open(link: string): Promise<void> {
    const lesson = /^lesson=([\w-]+)$/.exec(link);
    if (lesson) return this.onLesson(lesson[1]!);
    try {
      this.take(await this.session.ask("open", { link }));
    } catch (error) {
      await this.ask("state");
      this.update({ wrong: { link, reason: (error as Error).message } });
    }
  }

  subscribe(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  update(changes: Partial<Pick<Store, "error" | "status" | "wrong">>): void {
    Object.assign(this, changes);
    for (const listener of this.listeners) listener();
  }

  /** Run a command; the page shows its reply or its error. */
  async ask(command: string, given: object = {}, file?: Uint8Array): Promise<Message | null> {
    try {
      const reply = await this.session.ask(command, given, file);
      this.take(reply);
      return reply;
    } catch (error) {
      this.update({ error: (error as Error).message });
      return null;
    }
  }

  /** Whether commands wait for their turn. */
  get busy(): boolean {
    return this.sending;
  }

  /** Settings of the station. */
  set(changes: Settings): void {
    if (!this.state) return;
    this.state = { ...this.state, settings: { ...this.state.settings, ...changes } };
    this.send({ command: "set", given: { changes: { ...changes } } });
    this.update({});
  }

  /** An action of the station, such as a bar that is dragged. */
  act(name: string, given: object): void {
    this.send({ command: "act", given: { name, arguments: given } });
  }

  /** A command that is sent during a drag. */
  later(command: string, given: object): void {
    this.send({ command, given });
  }

  /** Later commands wait for the current one; of several for the same thing, only the newest is sent. */
  private send(next: Command): void {
    const last = this.waiting.at(-1);
    if (!last || !isReplaced(last, next)) this.waiting.push(next);
    else if (next.command === "set") Object.assign(last.given.changes, next.given.changes);
    else last.given = next.given;
    if (!this.sending) void this.drain();
  }

  private async drain(): Promise<void> {
    this.sending = true;
    for (let next; (next = this.waiting.shift()); ) {
      try {
        const reply = await this.session.ask(next.command, next.given);
        if (!this.waiting.length) this.take(reply);
      } catch (error) {
        if (!this.waiting.length) await this.ask("state"); // the controls go back to what holds
        this.update({ error: (error as Error).message }); // and the error stays visible
      }
    }
    this.sending = false;
  }

  private take(reply: Message): void {
    if (reply.table) this.table = reply.table;
    if (reply.station) {
      const { station, settings, link, view } = reply;
      this.state = { station, settings, link, view };
    }
    if (typeof reply.link === "string") this.show(reply.link);
    this.update(reply.station ? { error: "", wrong: null } : { error: "" });
  }

  /** The address holds everything that the numbers depend on. */
  private show(link: string): void {
    if (this.state) this.state = { ...this.state, link };
    this.trail.show(link);
  }
}

/** Whether a command replaces a waiting one: settings, a seek, a drag of the same bar. */
function isReplaced(last: Command, next: Command): boolean {
  if (last.command !== next.command) return false;
  if (next.command !== "act") return true;
  const [a, b] = [last.given.arguments, next.given.arguments];
  const drags = last.given.name === "drag" && next.given.name === "drag";
  return drags && a.which === b.which && a.index === b.index;
}
