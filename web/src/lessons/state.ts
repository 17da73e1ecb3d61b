// The state of the lessons: which one is open, at which step, what was predicted, what is done.

import type { Store } from "../store.ts";
import { COURSE } from "./course.ts";
import { passes } from "./checking.ts";
import type { Facts } from "./expression.ts";
import { factsOf } from "./facts.ts";
import { type Lesson, readLessons, type Step } from "./lesson.ts";
import { add, type Done, load, save } from "./progress.ts";

export class Lessons {
  lessons: Lesson[] = COURSE;
  /** Whether the panel is shown. */
  shown = false;
  open: Lesson | null = null;
  at = 0;
  done: Done[] = load();
  /** The options chosen for predictions, by lesson and step. */
  predicted: Record<string, number> = {};
  private listeners = new Set<() => void>();

  constructor(readonly store: Store) {
    store.subscribe(() => this.look());
    store.live.subscribe(() => this.look());
  }

  get step(): Step | null {
    return this.open?.steps[this.at] ?? null;
  }

  get facts(): Facts {
    const { state, live } = this.store;
    return state ? factsOf(state, live) : {};
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  show(shown: boolean): void {
    this.shown = shown;
    this.changed();
  }

  /** Open a lesson by its id, or the list with null. */
  choose(id: string | null, at = 0): void {
    this.open = this.lessons.find((lesson) => lesson.id === id) ?? null;
    this.shown = true;
    this.go(at);
  }

  /** Go to a step, and set the page up for it. */
  go(at: number): void {
    this.at = at;
    this.changed();
    if (this.step?.start) void this.setUp(this.step.start);
  }

  async setUp(link: string): Promise<void> {
    await this.store.ask("open", { link });
  }

  predict(option: number): void {
    this.predicted = { ...this.predicted, [this.place]: option };
    this.changed();
  }

  /** The place of the step in `predicted`. */
  get place(): string {
    return `${this.open?.id}.${this.at}`;
  }

  forget(): void {
    this.done = [];
    save(this.done);
    this.changed();
  }

  /** Lessons of a teacher's file; a lesson with a known id takes its place. */
  addFrom(text: string): void {
    const given = readLessons(text);
    const ids = given.map((lesson) => lesson.id);
    this.lessons = [...this.lessons.filter((lesson) => !ids.includes(lesson.id)), ...given];
    this.choose(ids[0]!);
  }

  /** A step is done as soon as its check holds while nothing moves. */
  private look(): void {
    const { open, step, at } = this;
    const { state, live } = this.store;
    const moving = live.frame?.training || live.frame?.replaying;
    if (open && step?.check && state && !(state.station === "workshop" && moving)) {
      if (state.link && passes(step, this.facts)) {
        const one = { lesson: open.id, step: at, link: state.link, at: new Date().toISOString() };
        const done = add(this.done, one);
        if (done !== this.done) save((this.done = done));
      }
    }
    this.changed();
  }

  private changed(): void {
    for (const listener of this.listeners) listener();
  }
}
