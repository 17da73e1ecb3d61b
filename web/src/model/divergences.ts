// Distance in probability space, in nats, as clearprop/divergences.py has it.
//
// 0·log 0 = 0, and q > 0 where p = 0 gives ∞. A distribution is first divided by its sum, so that
// KL(Q‖P) = H(Q, P) − H(Q) holds up to rounding.

import { entr, relEntr, sum, type Vector, xlog1py, xlogy } from "./maths.ts";

/** H(Q) = −Σ Q log Q. */
export function entropy(q: Vector): number {
  return sum(normalized(q).map(entr));
}

/** H(Q, P) = −Σ Q log P. */
export function crossEntropy(q: Vector, p: Vector): number {
  const [Q, P] = [normalized(q), normalized(p)];
  return sum(Q.map((v, k) => -xlogy(v, P[k]!)));
}

/** KL(Q‖P) = Σ Q log(Q/P); the sum uses Q log(Q/P) − Q + P, where every term is ≥ 0. */
export function klDivergence(q: Vector, p: Vector): number {
  const [Q, P] = [normalized(q), normalized(p)];
  return sum(Q.map((v, k) => Math.max(relEntr(v, P[k]!) + (P[k]! - v), 0)));
}

/** −t log ŷ − (1 − t) log(1 − ŷ). */
export function binaryCrossEntropy(t: number, yHat: number): number {
  return -xlogy(t, yHat) - xlog1py(1 - t, -yHat) + 0;
}

function normalized(q: Vector): number[] {
  const total = sum(q);
  return q.map((v) => v / total);
}
