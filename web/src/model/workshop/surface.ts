// The loss on a plane through the network's parameters, and the run's path on it.
//
// θ(a, b) = θ + a u + b v. The directions u and v are orthonormal: the first two principal directions
// of the run's steps as seen from its present step, or two chosen parameters.

import type { Engine, NetworkSpec, Rows } from "../../engine/index.ts";

export interface Plane {
  /** θ at the middle: the run's present step. */
  theta: Float64Array;
  u: Float64Array;
  v: Float64Array;
  /** Shares of the path's variance about θ along u and v; NaN for chosen parameters. */
  shares: [number, number];
}

/**
 * The plane through θ that is closest to the path: u and v are the first right singular vectors of
 * the rows θₛ − θ, each with its largest entry positive. Directions that the path does not have are
 * those of single parameters.
 */
export function principalPlane(theta: Float64Array, path: readonly Float64Array[]): Plane {
  const P = theta.length;
  const steps = path.map((at) => at.map((x, i) => x - theta[i]!));
  const gram = steps.map((a) => steps.map((b) => dot(a, b)));
  const total = gram.reduce((sum, row, i) => sum + row[i]!, 0);
  const [values, vectors] = symmetricEigen(gram);
  const found: Float64Array[] = [];
  const shares: number[] = [];
  for (let k = 0; k < Math.min(2, P); k++) {
    const value = values[k] ?? 0;
    const direction = new Float64Array(P);
    if (value > 1e-24 * total && value > 0) {
      steps.forEach((step, s) => {
        const weight = vectors[k]![s]!;
        for (let i = 0; i < P; i++) direction[i]! += weight * step[i]!;
      });
      shares.push(value / total);
    } else {
      direction[leastUsed(found, P)] = 1;
      shares.push(0);
    }
    found.push(unit(direction, found));
  }
  const [u, v] = found as [Float64Array, Float64Array | undefined];
  return { theta, u, v: v ?? new Float64Array(P), shares: [shares[0]!, shares[1] ?? 0] };
}

/** The plane of two parameters, by their places in θ. */
export function parameterPlane(theta: Float64Array, first: number, second: number): Plane {
  const along = (place: number) => theta.map((_, i) => (i === place ? 1 : 0));
  return { theta, u: along(first), v: along(second), shares: [NaN, NaN] };
}

/** (a, b) of the point of the plane that is nearest to θ. */
export function project(plane: Plane, theta: Float64Array): [number, number] {
  const step = theta.map((x, i) => x - plane.theta[i]!);
  return [dot(step, plane.u), dot(step, plane.v)];
}

/** θ(a, b) */
export function pointOf(plane: Plane, a: number, b: number): Float64Array {
  return plane.theta.map((x, i) => x + a * plane.u[i]! + b * plane.v[i]!);
}

/** The mean loss of rows, without penalties: `net.loss(X, t)`. */
export function meanLoss(
  engine: Pick<Engine, "forward" | "losses">,
  spec: NetworkSpec,
  theta: Float64Array,
  rows: Rows,
): number {
  const z = engine.forward(spec, theta, rows.X, rows.n).z.at(-1)!;
  const losses = engine.losses(spec, z, rows.t, rows.n);
  return losses.reduce((sum, loss) => sum + loss, 0) / rows.n;
}

/** A square or oblong part of the plane that shows these points with a margin. */
export function frameOf(points: readonly (readonly [number, number])[]): [number, number, number, number] {
  const ends = (k: 0 | 1) => {
    const low = Math.min(0, ...points.map((p) => p[k]));
    const high = Math.max(0, ...points.map((p) => p[k]));
    return [low, high] as const;
  };
  const [[l, r], [b, t]] = [ends(0), ends(1)];
  const widest = Math.max(r - l, t - b) || 2;
  const widen = (low: number, high: number) => {
    const half = 0.7 * Math.max(high - low, 0.5 * widest);
    const middle = (low + high) / 2;
    return [middle - half, middle + half] as const;
  };
  const [left, right] = widen(l, r);
  const [bottom, top] = widen(b, t);
  return [left, right, bottom, top];
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** The direction at right angles to the others, of length 1, its largest entry positive. */
function unit(direction: Float64Array, others: Float64Array[]): Float64Array {
  for (const other of others) {
    const along = dot(direction, other);
    direction = direction.map((x, i) => x - along * other[i]!);
  }
  let largest = 0;
  direction.forEach((x, i) => {
    if (Math.abs(x) > Math.abs(direction[largest]!)) largest = i;
  });
  const length = Math.sqrt(dot(direction, direction)) * (direction[largest]! < 0 ? -1 : 1) || 1;
  return direction.map((x) => x / length);
}

function leastUsed(directions: Float64Array[], P: number): number {
  const use = (i: number) => directions.reduce((sum, d) => sum + Math.abs(d[i]!), 0);
  let best = 0;
  for (let i = 1; i < P; i++) if (use(i) < use(best)) best = i;
  return best;
}

/**
 * Eigenvalues, largest first, and eigenvectors of a symmetric matrix (Jacobi's rotations).
 */
export function symmetricEigen(matrix: number[][]): [number[], number[][]] {
  const n = matrix.length;
  const A = matrix.map((row) => [...row]);
  const V = A.map((_, i) => A.map((_, j) => (i === j ? 1 : 0)));
  const size = Math.sqrt(A.flat().reduce((sum, x) => sum + x * x, 0));
  for (let sweep = 0; sweep < 30; sweep++) {
    let off = 0;
    for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) off += A[i]![j]! ** 2;
    if (!(Math.sqrt(off) > 1e-15 * size)) break;
    for (let p = 0; p < n; p++)
      for (let q = p + 1; q < n; q++) {
        if (A[p]![q] === 0) continue;
        const ratio = (A[q]![q]! - A[p]![p]!) / (2 * A[p]![q]!);
        const tan = (ratio < 0 ? -1 : 1) / (Math.abs(ratio) + Math.sqrt(1 + ratio * ratio));
        const cos = 1 / Math.sqrt(1 + tan * tan);
        const sin = tan * cos;
        for (let k = 0; k < n; k++) rotate(A[k]!, p, q, cos, sin);
        const [rowP, rowQ] = [A[p]!, A[q]!];
        for (let k = 0; k < n; k++) {
          const [x, y] = [rowP[k]!, rowQ[k]!];
          rowP[k] = cos * x - sin * y;
          rowQ[k] = sin * x + cos * y;
        }
        for (let k = 0; k < n; k++) rotate(V[k]!, p, q, cos, sin);
      }
  }
  const order = A.map((row, i) => [row[i]!, i] as const).sort((a, b) => b[0] - a[0]);
  return [order.map(([value]) => value), order.map(([, i]) => V.map((row) => row[i]!))];
}

function rotate(row: number[], p: number, q: number, cos: number, sin: number): void {
  const [x, y] = [row[p]!, row[q]!];
  row[p] = cos * x - sin * y;
  row[q] = sin * x + cos * y;
}
