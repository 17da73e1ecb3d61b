// The losses and scores of a network on the rows of a run, as clearprop/playground/scores.py has them.

import type { Engine, NetworkSpec, Rows } from "../../engine/index.ts";

/** ℒ and score on the training rows and on the test rows; NaN if there are none. */
export interface Scores {
  loss: number;
  test_loss: number;
  score: number;
  test_score: number;
}

/** ℒ and score of a network on some rows. t: class indices, or numbers. */
export function lossAndScore(
  engine: Engine,
  network: NetworkSpec,
  theta: Float64Array,
  rows: Rows,
  t: Float64Array,
  nClasses: number,
): [loss: number, score: number] {
  const { z, yHat } = engine.forward(network, theta, rows.X, rows.n);
  const losses = engine.losses(network, z.at(-1)!, rows.t, rows.n);
  return [mean(losses), score(yHat, t, nClasses)];
}

/** The accuracy; for a numeric target, the root mean squared error. yHat: (N, K), row by row. */
export function score(yHat: Float64Array, t: Float64Array, nClasses: number): number {
  if (!nClasses) return Math.sqrt(mean(t.map((target, row) => (yHat[row]! - target) ** 2)));
  const chosen = predicted(yHat, t.length);
  return mean(t.map((target, row) => Number(chosen[row] === target)));
}

/** Class indices from ŷ (N, K): the largest of K, or the integer nearest to a single ŷ. */
export function predicted(yHat: Float64Array, n: number): Float64Array {
  const width = yHat.length / n;
  const chosen = new Float64Array(n);
  for (let row = 0; row < n; row++) {
    if (width === 1) chosen[row] = rint(yHat[row]!);
    else chosen[row] = largest(yHat.subarray(row * width, (row + 1) * width));
  }
  return chosen;
}

/** The place of the largest value, of the first NaN if there is one, as np.argmax. */
export function largest(values: ArrayLike<number>): number {
  let best = 0;
  for (let k = 0; k < values.length; k++) {
    if (Number.isNaN(values[k]!)) return k;
    if (values[k]! > values[best]!) best = k;
  }
  return best;
}

export function mean(values: ArrayLike<number>): number {
  return total(values) / values.length;
}

export function total(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum;
}

/** The nearest integer, the even one if two are as near; as np.rint. */
export function rint(x: number): number {
  const below = Math.floor(x);
  if (x - below !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}
