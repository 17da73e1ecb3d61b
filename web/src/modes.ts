// How the page is shown: as it is, embedded in another page, or presented on a projector.
//
// `?embed` leaves out the header and what links away; `?present` shows large type and one panel at a
// time. Keys while presenting: → and Page Down for the next panel or station, ← and Page Up back,
// Escape ends. A page without an address (a frame of a notebook) is embedded.

import type { Store } from "./store.ts";

export type Mode = "page" | "embed" | "present";

const FORWARD = ["ArrowRight", "PageDown", " "];
const BACK = ["ArrowLeft", "PageUp"];

export class Modes {
  mode: Mode = "page";
  /** The panel that is presented, from 0. */
  panel = 0;

  constructor(private store: Store) {
    const asked = new URLSearchParams(location.search);
    if (asked.has("present")) this.set("present");
    else if (asked.has("embed") || location.protocol === "about:") this.set("embed");
    addEventListener("keydown", (event) => this.press(event));
    store.subscribe(() => requestAnimationFrame(() => this.draw()));
  }

  set(mode: Mode): void {
    this.mode = mode;
    this.panel = 0;
    document.documentElement.dataset.mode = mode;
    this.draw();
  }

  private press(event: KeyboardEvent): void {
    const { key, target } = event;
    const within = (target as HTMLElement).closest?.(
      "input, select, textarea, button, summary, [role=slider], [role=tab], [tabindex='0'] svg *",
    );
    if (this.mode !== "present" || event.ctrlKey || event.altKey || event.metaKey) return;
    const page = key === "PageDown" || key === "PageUp";
    if (key === "Escape") this.set("page");
    else if (within && !page) return;
    else if (FORWARD.includes(key)) this.go(1);
    else if (BACK.includes(key)) this.go(-1);
    else return;
    event.preventDefault();
  }

  /** To the next panel; after a station's last one comes the next station. */
  private go(by: number): void {
    const to = this.panel + by;
    if (to >= 0 && to < panels().length) {
      this.panel = to;
      this.draw();
      return;
    }
    const keys = this.store.stations.map((station) => station.key);
    const station = keys[keys.indexOf(this.store.state?.station ?? "") + by];
    if (!station) return;
    void this.store.ask("visit", { station }).then(() => {
      requestAnimationFrame(() => {
        this.panel = by > 0 ? 0 : panels().length - 1;
        this.draw();
      });
    });
  }

  /** Mark the panel that is presented; the style sheet hides the others. */
  private draw(): void {
    const all = panels();
    this.panel = Math.min(this.panel, Math.max(0, all.length - 1));
    all.forEach((panel, k) =>
      panel.toggleAttribute("data-presented", this.mode === "present" && k === this.panel),
    );
  }
}

function panels(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>("#station .panel")];
}
