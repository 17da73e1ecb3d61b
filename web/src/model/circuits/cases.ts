// Everything that can happen at one gate: its minterms, grouped into cases, and their worst errors.
//
// Minterms with the same sums w·x in every neuron of the gate, and the same wanted output, are one
// case; an AND of k inputs has k + 1 cases. For each case, dynamic programming over the inputs finds
// the largest error that the inputs' errors can cause in a sum.

import { sigmoid } from "../maths.ts";

/** A gate and its units without names. */
export interface Pattern {
  symmetric: boolean; // whether only the number of inputs at 1 counts
  literals: [source: number, negated: boolean][]; // of the gate's inputs; source −1 is a constant 0
  nSources: number;
  units: [weights: number[], threshold: number][]; // from the sources, then from the units before
  output: number; // its source, in which the units are counted on after the sources
}

/** The cases of a pattern with k sources. */
export interface Cases {
  k: number;
  w: number[][]; // of each unit, from sources and earlier units
  rows: number[][]; // the different rows of weights from the sources
  rowOf: number[]; // the row of each unit
  moves: [to0: number[], to1: number[], n: number][]; // for each source: where each case leads to
  z: number[][]; // w·x + b of each unit in each case
}

const TINY = 1.1754943508222875e-38; // below it h may be a subnormal number of 32 bits, or 0
const known = new Map<string, Cases>();
const MOST_KNOWN = 4096;

/** The cases of a pattern. */
export function casesOf(pattern: Pattern): Cases {
  const key = JSON.stringify(pattern);
  let found = known.get(key);
  if (!found) {
    if (known.size >= MOST_KNOWN) known.clear();
    known.set(key, (found = computed(pattern)));
  }
  return found;
}

function computed({ symmetric, literals, nSources: k, units, output }: Pattern): Cases {
  const w = units.map(([weights]) => [...weights, ...Array(k + units.length - weights.length).fill(0)]);
  // What the gate's logic sees of each source: the number of inputs at 1, or a digit of its own.
  const seen = Array.from({ length: k }, (_, i) => (symmetric ? [0, 0] : [0, 2 ** i]));
  if (symmetric)
    for (const [source, negated] of literals)
      if (source >= 0 && source < k) seen[source]![negated ? 0 : 1]!++;
  const steps = seen.map(([at0, at1], i) => [
    [at0!, 0, ...w.map(() => 0)],
    [at1!, Number(i === output), ...w.map((row) => row[i]!)],
  ]);
  let sums: number[][] = [Array(2 + w.length).fill(0)];
  const moves: Cases["moves"] = [];
  for (const step of steps) {
    const number = new Map<string, number>();
    const next: number[][] = [];
    const to = step.map((added) =>
      sums.map((sum) => {
        const now = sum.map((v, i) => v + added[i]!);
        const key = now.join();
        if (!number.has(key)) {
          number.set(key, next.length);
          next.push(now);
        }
        return number.get(key)!;
      }),
    );
    sums = next;
    moves.push([to[0]!, to[1]!, next.length]);
  }
  const z: number[][] = [];
  units.forEach(([, threshold], j) => {
    z.push(
      sums.map((sum, c) => {
        const inner = z.reduce((all, row, m) => all + w[j]![k + m]! * Number(row[c]! > 0), 0);
        return sum[2 + j]! + inner + 0.5 - threshold;
      }),
    );
  });
  const rows: number[][] = [];
  const rowOf = w.map((row) => {
    const own = row.slice(0, k);
    const same = rows.findIndex((other) => other.every((v, i) => v === own[i]));
    return same >= 0 ? same : rows.push(own) - 1;
  });
  return { k, w, rows, rowOf, moves, z };
}

/** The largest error of each unit where it should be 0, and where it should be 1.
 *
 * e: the errors of the sources, likewise. rounding: the rounding error of z of each unit. slack: the
 * error of σ, relative where it should be 0 and absolute where it should be 1.
 */
export function errorsOf(
  { k, w, rows, rowOf, moves, z }: Cases,
  e: [at0: number, at1: number][],
  gain: number,
  rounding: number[],
  slack: number,
): [number, number][] {
  // for each row of weights: how much lower, and how much higher, its sum may be in each case
  const off = rows.map((row) => [-1, 1].map((side) => deviation(row, side, moves, e)));
  const inner: number[][] = [];
  return w.map((row, j) => {
    const worst: [number, number] = [0, 0];
    const [lower, higher] = off[rowOf[j]!]!;
    inner.push(
      z[j]!.map((zero, c) => {
        const bit = zero > 0;
        let loss = bit ? lower![c]! : higher![c]!;
        for (let m = 0; m < j; m++) {
          const weight = row[k + m]!;
          const against = (z[m]![c]! > 0 === weight > 0) === bit; // lowers the margin
          if (weight && against) loss += Math.abs(weight) * inner[m]![c]!;
        }
        const margin = Math.abs(zero) - loss - rounding[j]!;
        const raw = Math.min(sigmoid(-gain * margin) * (1 + slack), 1);
        const error = Math.min(raw + (bit ? slack : TINY), 1);
        worst[Number(bit)] = Math.max(worst[Number(bit)]!, error);
        return error;
      }),
    );
    return worst;
  });
}

/** How far a sum may be off to one side (−1: too low) in each case. */
function deviation(
  weights: number[],
  side: number,
  moves: Cases["moves"],
  e: [number, number][],
): number[] {
  let off = [0];
  moves.forEach(([to0, to1, n], i) => {
    // an input that should be 0 is too high, one that should be 1 too low
    const weight = side * weights[i]!;
    const at0 = Math.max(weight, 0) * e[i]![0];
    const at1 = Math.max(-weight, 0) * e[i]![1];
    const next = Array<number>(n).fill(0);
    off.forEach((before, c) => {
      next[to0[c]!] = before + at0;
    });
    off.forEach((before, c) => {
      next[to1[c]!] = Math.max(next[to1[c]!]!, before + at1);
    });
    off = next;
  });
  return off;
}
