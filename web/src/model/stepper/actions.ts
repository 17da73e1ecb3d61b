// What can be done to the stepper's settings: edit one value, take another shape.

import { OUTPUT_UNITS } from "../output_units.ts";
import {
  check,
  checkPlace,
  cut,
  FIELDS,
  isParameter,
  parseEdits,
  ROWS,
  rowsIn,
  sizesOf,
  type StepperSettings,
  targetsEach,
  VALUE,
  WEIGHT,
  writeEdits,
} from "./settings.ts";

type Given = Record<string, unknown>;

/** Change one weight or bias ("W1.0.2"), input ("x.n.i") or target ("t.n.k"). */
export function edit(settings: StepperSettings, { name, value }: Given): StepperSettings {
  const text = String(name).slice(0, 40);
  if (isParameter(text)) {
    checkPlace(text, sizesOf(settings));
    const edits = parseEdits(settings.edits).set(text, WEIGHT.check(text, value));
    return checked({ ...settings, edits: writeEdits(edits) });
  }
  const [letter = "", ...index] = text.split(".");
  const widths: Record<string, number> = { x: settings.inputs, t: targetsEach(settings) };
  const width = Object.hasOwn(widths, letter) ? widths[letter]! : 0;
  if (!width || index.length !== 2 || !index.every((i) => /^\d+$/.test(i)))
    throw new Error(`name must look like W1.0.2, b1.0, x.0.1 or t.0.0; got '${text}'`);
  const [n, k] = index.map(Number) as [number, number];
  if (n >= rowsIn(settings) || k >= width) throw new Error(`there is no entry ${text}`);
  const values = [...(letter === "x" ? settings.x : settings.t)];
  values[n * width + k] = VALUE.check(text, value);
  return checked({ ...settings, [letter]: values });
}

const SIZES = ["inputs", "hidden", "outputs", "activation", "output"] as const;

/**
 * Another network or number of examples: inputs, hidden, outputs, activation, output, rows. Examples
 * keep their values; new entries are 0. Edits of removed parameters are dropped.
 */
export function shape(settings: StepperSettings, given: Given): StepperSettings {
  const { rows = rowsIn(settings), ...sizes } = given;
  const n: number = ROWS.check("rows", rows);
  const taken = { ...settings };
  for (const [name, value] of Object.entries(sizes)) {
    if (!(SIZES as readonly string[]).includes(name))
      throw new Error(
        `there is no size '${name.slice(0, 40)}'; the sizes are ${SIZES.join(", ")}, rows`,
      );
    Object.assign(taken, { [name]: FIELDS[name]!.kind.check(name, value) });
  }
  if (taken.output === "softmax") taken.outputs = Math.max(2, taken.outputs);
  const X = cut(settings.x, settings.inputs);
  const fits = (place: string) => {
    try {
      checkPlace(place, sizesOf(taken));
      return true;
    } catch {
      return false;
    }
  };
  return checked({
    ...taken,
    x: grid(n, taken.inputs, (row, i) => X[row]?.[i] ?? 0).flat(),
    t: targets(settings, taken.output, taken.outputs, n),
    edits: writeEdits([...parseEdits(settings.edits)].filter(([place]) => fits(place))),
    example: Math.min(settings.example, n),
    line: 1,
    at: [],
  });
}

/** The old targets, as far as the output unit allows them. */
function targets(settings: StepperSettings, output: string, k: number, n: number): number[] {
  const old = cut(settings.t, targetsEach(settings));
  if (output === "softmax")
    return Array.from({ length: n }, (_, i) => Math.floor(modulo(old[i]?.[0] ?? 0, k)));
  const { kind } = OUTPUT_UNITS[output]!;
  return grid(n, k, (row, j) => {
    const value = old[row]?.[j] ?? 0;
    if (kind === "probability") return Math.min(1, Math.max(0, value));
    if (kind === "count") return Math.abs(value);
    if (kind === "positive") return Math.abs(value) || 1;
    return value;
  }).flat();
}

function modulo(a: number, n: number): number {
  return ((a % n) + n) % n;
}

function grid(n: number, width: number, of: (row: number, column: number) => number): number[][] {
  return Array.from({ length: n }, (_, row) => Array.from({ length: width }, (_, j) => of(row, j)));
}

function checked(settings: StepperSettings): StepperSettings {
  check(settings);
  return settings;
}
