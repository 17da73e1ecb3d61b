// The stepper's settings: a network, its examples, the line and the entry that are looked at.

import { ACTIVATIONS } from "../activations.ts";
import { OUTPUT_UNITS } from "../output_units.ts";
import { choice, type Fields, number, numbers, shown, text } from "../settings.ts";

export const MOST_UNITS = 5;
export const MOST_ROWS = 6;
export const MOST_EDITS = 200;
export const UNITS = number("units", 1, MOST_UNITS, 1, { whole: true });
export const VALUE = number("value", -100, 100, 0.1);
export const WEIGHT = number("weight", -100, 100, 0.1);
export const ROWS = number("rows", 1, MOST_ROWS, 1, { whole: true });

/**
 * edits: parameters set by hand, "W1.0.2:0.5;b1.0:-1" (layers count from 1, units and inputs from 0);
 * the others are drawn with the seed and rounded to hundredths. x: rows · inputs values, one example
 * after another. t: rows · outputs values; for the softmax, one class per example. example: from 1; 0
 * for the whole batch. line: from 1. at: the index of an entry of the line's result; empty for none.
 * diagonal: whether the slopes of φ are drawn as a vector or as the matrix of the slides.
 */
export interface StepperSettings {
  inputs: number;
  hidden: number[];
  outputs: number;
  activation: string;
  output: string;
  seed: number;
  edits: string;
  x: number[];
  t: number[];
  example: number;
  line: number;
  at: number[];
  differences: "off" | "on";
  diagonal: "vector" | "matrix";
}

const titles = (table: Record<string, { title: string }>) =>
  Object.fromEntries(Object.entries(table).map(([name, { title }]) => [name, title]));

export const FIELDS: Fields = {
  inputs: { kind: number("Inputs D", 1, MOST_UNITS, 1, { whole: true }), default: 2 },
  hidden: { kind: numbers("Hidden layers", UNITS, 0, 3), default: [3] },
  outputs: { kind: number("Outputs K", 1, MOST_UNITS, 1, { whole: true }), default: 1 },
  activation: { kind: choice("Activation φ", titles(ACTIVATIONS)), default: "tanh" },
  output: { kind: choice("Output unit and loss", titles(OUTPUT_UNITS)), default: "logistic" },
  seed: { kind: number("Seed of the weights", 0, 2 ** 32 - 1, 1, { whole: true }), default: 0 },
  edits: { kind: text("Parameters set by hand", 5000), default: "" },
  x: {
    kind: numbers("x, the inputs", VALUE, 1, MOST_ROWS * MOST_UNITS),
    default: [1, 0.5, -0.5, 1, 0, -1],
  },
  t: { kind: numbers("t, the targets", VALUE, 1, MOST_ROWS * MOST_UNITS), default: [1, 0, 1] },
  example: { kind: number("Example", 0, MOST_ROWS, 1, { whole: true }), default: 1 },
  line: { kind: number("Line", 1, 60, 1, { whole: true }), default: 1 },
  at: { kind: numbers("Entry", number("index", 0, 100, 1, { whole: true }), 0, 3), default: [] },
  differences: {
    kind: choice("Finite differences", { off: "of the entry", on: "of all entries" }),
    default: "off",
  },
  diagonal: {
    kind: choice("Slopes of φ", { vector: "as a vector", matrix: "as a diagonal matrix" }),
    default: "matrix",
  },
};

/** The number of examples. */
export function rowsIn(settings: StepperSettings): number {
  return settings.x.length / settings.inputs;
}

/** The number of values of t for each example. */
export function targetsEach(settings: Pick<StepperSettings, "output" | "outputs">): number {
  return settings.output === "softmax" ? 1 : settings.outputs;
}

/** D, H₁, …, K. */
export function sizesOf(settings: Pick<StepperSettings, "inputs" | "hidden" | "outputs">): number[] {
  return [settings.inputs, ...settings.hidden, settings.outputs];
}

/** Values cut into rows. */
export function cut(values: readonly number[], width: number): number[][] {
  return Array.from({ length: values.length / width }, (_, n) =>
    values.slice(n * width, (n + 1) * width),
  );
}

/** Throws an Error that names the setting, if the settings do not fit together. */
export function check(settings: StepperSettings): void {
  const { inputs, x, t, example, output, outputs } = settings;
  if (x.length % inputs)
    throw new Error(
      `x must have ${inputs} values for each example; got ${x.length} in total`,
    );
  const n = rowsIn(settings);
  if (n > MOST_ROWS) throw new Error(`x must have at most ${MOST_ROWS} examples; got ${n}`);
  const each = targetsEach(settings);
  if (t.length !== n * each)
    throw new Error(
      `t must have ${n * each} values, ${each} for each example; got ${t.length}`,
    );
  if (example > n) throw new Error(`example must be at most ${n}; got ${example}`);
  if (output === "softmax" && outputs < 2)
    throw new Error("outputs must be 2 or more for the softmax; got 1");
  for (const place of parseEdits(settings.edits).keys()) checkPlace(place, sizesOf(settings));
  encodedTargets(settings);
}

/** t as the output unit takes it, K numbers for each example; throws an Error for wrong ones. */
export function encodedTargets(settings: StepperSettings): number[][] {
  const unit = OUTPUT_UNITS[settings.output]!;
  return cut(settings.t, targetsEach(settings)).map((t) => unit.targets(t, settings.outputs));
}

// ---- parameters set by hand ---------------------------------------------------------------------------

const PARAMETER = /^(W[1-9]\.\d{1,3}\.\d{1,3}|b[1-9]\.\d{1,3})$/;

export function isParameter(name: string): boolean {
  return PARAMETER.test(name);
}

/** Values by place, of "W1.0.2:0.5;b1.0:-1"; throws an Error for anything else. */
export function parseEdits(written: string): Map<string, number> {
  const edits = new Map<string, number>();
  for (const part of written ? written.split(";") : []) {
    const [place = "", value = ""] = part.split(/:(.*)/s);
    if (!isParameter(place) || edits.has(place))
      throw new Error(
        `edits must look like W1.0.2:0.5 and b1.0:-1; got ${shown(part.slice(0, 40))}`,
      );
    edits.set(place, WEIGHT.check(place, WEIGHT.read(place, value)));
  }
  if (edits.size > MOST_EDITS)
    throw new Error(`edits must be at most ${MOST_EDITS}; got ${edits.size}`);
  return edits;
}

export function writeEdits(edits: Iterable<[string, number]>): string {
  return [...edits].map(([place, value]) => `${place}:${WEIGHT.write(value)}`).join(";");
}

/** Layer, unit and input of "W1.0.2", or layer and unit of "b1.0". */
export function position(place: string): { layer: number; index: number[] } {
  const [layer = 0, ...index] = place.slice(1).split(".").map(Number);
  return { layer, index };
}

/** Throws an Error if the network has no such parameter. */
export function checkPlace(place: string, sizes: readonly number[]): void {
  const { layer, index } = position(place);
  if (layer >= sizes.length || index.some((i, axis) => i >= sizes[layer - axis]!))
    throw new Error(`edits: the network has no parameter ${place}`);
}
