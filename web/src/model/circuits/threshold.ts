// Whether one neuron can compute a truth table of up to four inputs: the smallest integer weights, or
// rows that prove that there are none.
//
// A neuron exists unless some true rows and equally many false rows have the same sum of inputs: w·x
// would add up to the same number over both. With up to 8 inputs two rows on each side are enough. If
// there are no such rows, trying all integer weights in the order of Σ|w| ends at the smallest; with up
// to 7 inputs these are unique (Muroga, Threshold Logic and Its Applications, 1971).

import { allBits, type Neuron, range } from "./gates.ts";

/** Rows of a truth table with how often each counts. */
export type Rows = [row: number, times: number][];

export interface Contradiction {
  true: Rows;
  false: Rows;
}

/** The neuron and its margin min |w·x + b|, or the rows that contradict every neuron. */
export type Verdict =
  | { neuron: Neuron; margin: number; contradiction: null }
  | { neuron: null; contradiction: Contradiction };

/** The verdict on a table of 2ⁿ bits, counting up with the first input as the highest digit. */
export function threshold(table: number[]): Verdict {
  const n = Math.log2(table.length);
  const contradiction = opposite(table, n) ?? pairs(table, n);
  return contradiction ? { neuron: null, contradiction } : smallest(table, n);
}

/** Two pairs of rows that differ in one input alone, which must raise w·x and must lower it. */
function opposite(f: number[], n: number): Contradiction | null {
  for (let step = 2 ** (n - 1); step >= 1; step /= 2) {
    const low = range(f.length).filter((row) => !(row & step));
    const a = low.find((row) => !f[row] && f[row + step]);
    const b = low.find((row) => f[row] && !f[row + step]);
    if (a !== undefined && b !== undefined)
      return { true: once([a + step, b]), false: once([a, b + step]) };
  }
  return null;
}

/** Two true rows and two false rows with the same sum; of several, those with the smallest sum. */
function pairs(f: number[], n: number): Contradiction | null {
  const code = allBits(n).map((bits) => bits.reduce((sum, bit, i) => sum + bit * 3 ** i, 0));
  const sums = [1, 0].map((value) => {
    const found = new Map<number, [number, number]>();
    const rows = range(f.length).filter((row) => f[row] === value);
    rows.forEach((a, i) => {
      for (const b of rows.slice(i + 1)) {
        const sum = code[a]! + code[b]!;
        if (!found.has(sum)) found.set(sum, [a, b]);
      }
    });
    return found;
  });
  const [on, off] = [sums[0]!, sums[1]!];
  const common = [...on.keys()].filter((sum) => off.has(sum));
  if (!common.length) return null;
  const sum = Math.min(...common);
  return { true: once(on.get(sum)!), false: once(off.get(sum)!) };
}

function once(rows: number[]): Rows {
  return [...rows].sort((a, b) => a - b).map((row) => [row, 1]);
}

/** The neuron with the least Σ|w| for a table that one neuron computes. */
function smallest(f: number[], n: number): Verdict {
  const bits = allBits(n);
  for (let size = 0; ; size++) {
    for (const weights of withSize(n, size)) {
      const sums = bits.map((x) => x.reduce((sum, bit, i) => sum + bit * weights[i]!, 0));
      const lowest = Math.min(...sums.filter((_, row) => f[row]));
      const highest = Math.max(...sums.filter((_, row) => !f[row]));
      if (lowest <= highest) continue;
      const middle = Math.floor((lowest + highest + 1) / 2);
      const t = lowest === Infinity ? highest + 1 : highest === -Infinity ? lowest : middle;
      const margin = Math.min(lowest - t, t - 1 - highest) + 0.5;
      return { neuron: { weights, threshold: t }, margin, contradiction: null };
    }
  }
}

/** All n integers with Σ|w| = size. */
function* withSize(n: number, size: number): Generator<number[]> {
  if (n === 0) {
    if (size === 0) yield [];
    return;
  }
  for (let first = -size; first <= size; first++)
    for (const rest of withSize(n - 1, size - Math.abs(first))) yield [first, ...rest];
}
