// What a learner has done: kept in the browser, and written to a file that a teacher can check.
//
// A finished step keeps the link of the state in which its check held. Whoever checks the file opens
// each link again and evaluates the check: the file cannot claim what the page does not compute.

import { recall, remember } from "../storage.ts";
import type { Lesson } from "./lesson.ts";

export interface Done {
  lesson: string;
  step: number; // from 0
  link: string;
  at: string; // the time, in ISO form
}

export interface ProgressFile {
  format: "clearprop lessons";
  version: 1;
  name: string;
  done: Done[];
}

const KEY = "lessons";

/** What the browser remembers. */
export function load(): Done[] {
  try {
    const kept: unknown = JSON.parse(recall(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter(isDone) : [];
  } catch {
    return [];
  }
}

export function save(done: Done[]): void {
  remember(KEY, JSON.stringify(done));
}

/** The list with a step added; a step that was done before keeps its first link. */
export function add(done: Done[], one: Done): Done[] {
  return isIn(done, one.lesson, one.step) ? done : [...done, one];
}

export function isIn(done: Done[], lesson: string, step: number): boolean {
  return done.some((d) => d.lesson === lesson && d.step === step);
}

/** The steps of a lesson that have to be checked, and how many of them are done. */
export function share(done: Done[], lesson: Lesson): [number, number] {
  const places = lesson.steps.flatMap((step, k) => (step.check ? [k] : []));
  return [places.filter((k) => isIn(done, lesson.id, k)).length, places.length];
}

export function write(name: string, done: Done[]): string {
  const file: ProgressFile = { format: "clearprop lessons", version: 1, name, done };
  return JSON.stringify(file, null, 1);
}

/** The progress in a file; throws an Error with a readable message for other files. */
export function read(text: string): ProgressFile {
  let file: Partial<ProgressFile> | null = null;
  try {
    file = JSON.parse(text) as Partial<ProgressFile>;
  } catch {
    // told below
  }
  if (file?.format !== "clearprop lessons" || !Array.isArray(file.done) || !file.done.every(isDone))
    throw new Error("this is not a file of progress in the lessons");
  if (file.version !== 1)
    throw new Error(`the file has version ${String(file.version)}; this page reads version 1`);
  return { ...(file as ProgressFile), name: String(file.name ?? "") };
}

function isDone(value: unknown): value is Done {
  const done = value as Done | null;
  return (
    typeof done?.lesson === "string" &&
    Number.isInteger(done.step) &&
    typeof done.link === "string" &&
    typeof done.at === "string"
  );
}
