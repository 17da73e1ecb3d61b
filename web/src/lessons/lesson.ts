// A lesson: a goal, and steps with a question to think about, something to do, and a check of the state.

import { parse } from "./expression.ts";

/** A question that is answered before anything is done. */
export interface Prediction {
  question: string;
  options: string[];
  /** The number of the right option, from 0. */
  answer: number;
  because: string;
}

export interface Step {
  /** What to do. */
  text: string;
  /** A link (the part of an address after #) that sets the page up. */
  start?: string;
  predict?: Prediction;
  /** Conditions that must all hold; see expression.ts. */
  check?: string[];
  hint?: string;
  /** What was to be seen. */
  answer?: string;
  /** A link at which the check holds. */
  solution?: string;
}

export interface Lesson {
  id: string;
  title: string;
  slides?: string;
  goal: string;
  steps: Step[];
  next?: string;
}

type Shape = Record<string, "text" | "texts" | "number">;

const LESSON: Shape = { id: "text", title: "text", slides: "text", goal: "text", next: "text" };
const STEP: Shape = {
  text: "text",
  start: "text",
  check: "texts",
  hint: "text",
  answer: "text",
  solution: "text",
};
const PREDICTION: Shape = {
  question: "text",
  options: "texts",
  answer: "number",
  because: "text",
};

/** The lessons of a JSON text, a lesson or a list of them; throws an Error that names the fault. */
export function readLessons(text: string): Lesson[] {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw new Error(`the file is not JSON: ${(error as Error).message}`);
  }
  const lessons = (Array.isArray(document) ? document : [document]).map(lessonOf);
  const ids = lessons.map((lesson) => lesson.id);
  const twice = ids.find((id, k) => ids.indexOf(id) !== k);
  if (twice !== undefined) throw new Error(`two lessons have the id ${JSON.stringify(twice)}`);
  return lessons;
}

function lessonOf(given: unknown, k: number): Lesson {
  const where = `lesson ${k + 1}`;
  const lesson = record(where, given, LESSON, ["id", "title", "goal", "steps"], ["steps"]);
  if (!Array.isArray(lesson.steps) || !lesson.steps.length)
    throw new Error(`${where}: steps must be a list with at least one step`);
  const steps = lesson.steps.map((step, i) => stepOf(`${where}, step ${i + 1}`, step));
  return { ...lesson, steps } as unknown as Lesson;
}

function stepOf(where: string, given: unknown): Step {
  const step = record(where, given, STEP, ["text"], ["predict"]);
  for (const text of (step.check as string[] | undefined) ?? []) {
    try {
      parse(text);
    } catch (error) {
      throw new Error(`${where}: ${(error as Error).message}`);
    }
  }
  if (step.predict !== undefined) {
    const needed = ["question", "options", "answer", "because"];
    const predict = record(`${where}, predict`, step.predict, PREDICTION, needed, []);
    const { options, answer } = predict as unknown as Prediction;
    if (!Number.isInteger(answer) || answer < 0 || answer >= options.length)
      throw new Error(`${where}, predict: answer must be from 0 to ${options.length - 1}`);
  }
  return step as unknown as Step;
}

function record(
  where: string,
  given: unknown,
  shape: Shape,
  needed: string[],
  others: string[],
): Record<string, unknown> {
  if (!given || typeof given !== "object" || Array.isArray(given))
    throw new Error(`${where} must be an object`);
  const found = given as Record<string, unknown>;
  const known = [...Object.keys(shape), ...others];
  for (const name of needed)
    if (!(name in found)) throw new Error(`${where}: ${name} is missing`);
  for (const [name, value] of Object.entries(found)) {
    if (!known.includes(name))
      throw new Error(`${where}: there is no entry ${name}; the entries are ${known.join(", ")}`);
    const kind = shape[name];
    const right =
      !kind ||
      (kind === "text" && typeof value === "string") ||
      (kind === "number" && typeof value === "number") ||
      (kind === "texts" && Array.isArray(value) && value.every((v) => typeof v === "string"));
    if (!right) throw new Error(`${where}: ${name} must be ${KIND_NAMES[kind]}`);
  }
  return found;
}

const KIND_NAMES = { text: "a text", texts: "a list of texts", number: "a number" };
