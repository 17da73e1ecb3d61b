// Computing the lines of forward and back-propagation from their description: a sum of terms, or a
// function with a name.

import { type Activation } from "../activations.ts";
import { logaddexp, logSoftmax } from "../maths.ts";
import { type OutputUnit } from "../output_units.ts";
import { entryOf, filled, type Index, matrixOf, type NumberArray, rowsOf, vector } from "./arrays.ts";
import type { Line, Of, TermForm } from "./lines.ts";

export type Arrays = Record<string, NumberArray>;

/** The functions that lines name are those of an activation and of an output unit. */
export interface Units {
  activation: Activation;
  output: OutputUnit;
}

type NamedFunction = (units: Units, ...given: NumberArray[]) => NumberArray;

const each = (a: NumberArray, f: (v: number) => number): NumberArray => ({ ...a, data: a.data.map(f) });
const byRow = (z: NumberArray, f: (row: number[], n: number) => number[]) => matrixOf(rowsOf(z).map(f));

const FUNCTIONS: Record<string, NamedFunction> = {
  phi: ({ activation }, z) => each(z, activation.phi),
  dphi: ({ activation }, z, h) => ({ ...z, data: z.data.map((v, i) => activation.dphi(v, h!.data[i]!)) }),
  shifted_exp: (_, z) =>
    byRow(z, (row) => {
      const most = Math.max(...row);
      return row.map((v) => Math.exp(v - most));
    }),
  quotient: (_, e, s) => byRow(e, (row, n) => row.map((v) => v / s!.data[n]!)),
  y_hat: ({ output }, z) => byRow(z, output.yHat),
  loss: ({ output }, z, t) => {
    const targets = rowsOf(t!);
    return vector(rowsOf(z).map((row, n) => output.loss(row, targets[n]!)));
  },
  losses: ({ output }, z, t) => {
    const targets = rowsOf(t!);
    return byRow(z, (row, n) => row.map((v, k) => output.loss([v], [targets[n]![k]!])));
  },
  dL_dy_hat: ({ output }, z, t) => {
    const targets = rowsOf(t!);
    return byRow(z, (row, n) => output.dLdyHat(row, targets[n]!));
  },
  dL_dz: ({ output }, z, t) => {
    const targets = rowsOf(t!);
    return byRow(z, (row, n) => output.dLdz(row, targets[n]!));
  },
  dy_dz: ({ output }, z) => {
    const jacobians = rowsOf(z).map(output.dydz);
    if (output.diagonal) return matrixOf(jacobians.map((J) => J.map((row, k) => row[k]!)));
    const [n = 0, width = 0] = z.shape;
    return { shape: [n, width, width], data: jacobians.flat(2) };
  },
  log_softmax: (_, z) => byRow(z, logSoftmax),
  log_sigmoid: (_, z) => each(z, (v) => -logaddexp(0, -v)),
  log_sigmoid_of_minus: (_, z) => each(z, (v) => -logaddexp(0, v)),
  one_minus: (_, t) => each(t, (v) => 1 - v),
};

function call([name, ...given]: readonly string[], arrays: Arrays, units: Units): NumberArray {
  return FUNCTIONS[name!]!(units, ...given.map((of) => arrays[of]!));
}

/** The result of a line. */
export function result(line: Line, arrays: Arrays, units: Units): NumberArray {
  if (line.function.length) return call(line.function, arrays, units);
  const own = { ...arrays, ...helpers(line, arrays, units) };
  const shape = [...line.axes].map((letter) => sizeOf(letter, line, own));
  return filled(shape, (index) => termsOf(line, index, own).reduce((sum, term) => sum + term.value, 0));
}

/** All arrays: what is given, and the result of every line. */
export function computed(lines: readonly Line[], given: Arrays, units: Units): Arrays {
  const arrays = { ...given };
  for (const line of lines) arrays[line.of] = result(line, arrays, units);
  return arrays;
}

/** The arrays that only the terms of a line need. */
export function helpers(line: Line, arrays: Arrays, units: Units): Arrays {
  return Object.fromEntries(
    line.helpers.map(({ name, function: by, value }) => [
      name,
      by ? call(by, arrays, units) : { shape: [], data: [value!] },
    ]),
  );
}

// ---- terms --------------------------------------------------------------------------------------------

export interface Factor {
  of: string; // the array
  index: Index | null; // null for a number beside the operands
  text: string; // such a number's own text
  value: number;
}

export interface Term {
  form: string; // with {0}, {1} for the factors; their product where it is empty
  sign: number;
  factors: Factor[];
  value: number;
}

/** The terms of an entry; none if the line's result is not described by terms. */
export function termsOf(line: Line, index: Index, arrays: Arrays): Term[] {
  const at: Record<string, number> = {};
  [...line.axes].forEach((letter, axis) => (at[letter] = index[axis]!));
  return line.sums.flatMap(({ over, terms }) => {
    if (!over) return terms.map((form) => term(form, at, arrays));
    const places = Array.from({ length: sizeOf(over, line, arrays) }, (_, i) => i);
    return places.flatMap((i) => terms.map((form) => term(form, { ...at, [over]: i }, arrays)));
  });
}

function term(given: TermForm, at: Record<string, number>, arrays: Arrays): Term {
  const { form = "", sign = 1, zero = false } = given;
  const factors = given.factors.map((of) => factor(of, at, arrays));
  const value = given.value
    ? factor(given.value, at, arrays).value
    : zero && factors[0]!.value === 0
      ? 0
      : factors.reduce((product, each) => product * each.value, sign);
  return { form, sign, factors, value };
}

function factor(of: Of, at: Record<string, number>, arrays: Arrays): Factor {
  const array = arrays[of.array]!;
  const index: number[] = [];
  for (const letter of of.index ?? "") {
    if (letter === "m") {
      const row = rowsOf(array)[index[0]!]!;
      index.push(row.indexOf(Math.max(...row)));
    } else index.push(letter === "0" ? 0 : at[letter]!);
  }
  const text = (of.text ?? "").replace(/\{(\w)\}/g, (_, letter: string) => String(at[letter]! + 1));
  return { of: of.array, index: of.text ? null : index, text, value: entryOf(array, index) };
}

/** How many values a letter has: the length of the axis that it counts. */
function sizeOf(letter: string, line: Line, arrays: Arrays): number {
  for (const { terms } of line.sums)
    for (const { factors } of terms)
      for (const { array, index = "" } of factors)
        if (index.includes(letter)) return arrays[array]!.shape[index.indexOf(letter)]!;
  return 1;
}
