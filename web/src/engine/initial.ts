// Initial weights: initializers.py in another language, on the same random numbers.

import type { Rng } from "./random.ts";
import type { NetworkSpec } from "./types.ts";

type Draw = (rng: Rng, nIn: number, nOut: number) => Float64Array; // W as (n_in, n_out)

const uniform =
  (variance: (nIn: number, nOut: number) => number): Draw =>
  (rng, nIn, nOut) => {
    const a = Math.sqrt(3 * variance(nIn, nOut));
    return rng.uniform(-a, a, nIn * nOut);
  };
const normal =
  (variance: (nIn: number, nOut: number) => number): Draw =>
  (rng, nIn, nOut) =>
    rng.normal(nIn * nOut, 0, Math.sqrt(variance(nIn, nOut)));

const glorot = (nIn: number, nOut: number) => 2 / (nIn + nOut);
const he = (nIn: number) => 2 / nIn;
const lecun = (nIn: number) => 1 / nIn;

const INITIALIZERS: Record<string, Draw> = {
  glorot_uniform: uniform(glorot),
  glorot_normal: normal(glorot),
  he_uniform: uniform(he),
  he_normal: normal(he),
  lecun_uniform: uniform(lecun),
  lecun_normal: normal(lecun),
  orthogonal,
  zeros: (_rng, nIn, nOut) => new Float64Array(nIn * nOut),
};

/** What "auto" takes for an activation, where it is not Glorot's. */
const AUTO: Record<string, string> = {
  ...Object.fromEntries(
    ["relu", "leaky_relu", "elu", "gelu", "silu", "mish", "hardswish"].map((name) => [name, "he_normal"]),
  ),
  selu: "lecun_normal",
};

/** The names of the initialisers, as in Python's table. */
export const INITIALIZER_NAMES = Object.keys(INITIALIZERS);

/** θ as the layers draw it one after another, W before b, rows of W one after another. */
export function initialTheta(spec: NetworkSpec, initializer: string, rng: Rng): Float64Array {
  const theta: number[] = [];
  for (let l = 1; l < spec.sizes.length; l++) {
    const nIn = spec.sizes[l - 1]!;
    const nOut = spec.sizes[l]!;
    const auto = AUTO[spec.activations[l - 1] ?? ""] ?? "glorot_uniform";
    const draw = INITIALIZERS[initializer === "auto" ? auto : initializer];
    if (!draw)
      throw new Error(`unknown initialiser ${JSON.stringify(initializer)}; choose from auto, ${INITIALIZER_NAMES.join(", ")}`);
    const W = draw(rng, nIn, nOut);
    for (let j = 0; j < nOut; j++) for (let i = 0; i < nIn; i++) theta.push(W[i * nOut + j]!);
    for (let j = 0; j < nOut; j++) theta.push(0);
    if (spec.slopes?.[l - 1]) for (let j = 0; j < nOut; j++) theta.push(1);
  }
  return Float64Array.from(theta);
}

/** Rows or columns that are orthonormal: Gram and Schmidt, twice, with sums in Python's order. */
function orthogonal(rng: Rng, nIn: number, nOut: number): Float64Array {
  const drawn = rng.normal(nIn * nOut); // (n_in, n_out)
  const wide = nIn < nOut;
  const [n, m] = wide ? [nIn, nOut] : [nOut, nIn];
  const Q: Float64Array[] = [];
  for (let k = 0; k < n; k++) {
    const q = Float64Array.from({ length: m }, (_, i) => drawn[wide ? k * nOut + i : i * nOut + k]!);
    for (let twice = 0; twice < 2 && k > 0; twice++) {
      const shares = Q.map((row) => product(row, q));
      const along = q.map((_, i) => Q.reduce((sum, row, j) => sum + shares[j]! * row[i]!, 0));
      for (let i = 0; i < m; i++) q[i]! -= along[i]!;
    }
    const length = Math.sqrt(product(q, q));
    Q.push(q.map((x) => x / length));
  }
  return Float64Array.from({ length: nIn * nOut }, (_, at) => {
    const [i, j] = [Math.floor(at / nOut), at % nOut];
    return wide ? Q[i]![j]! : Q[j]![i]!;
  });
}

function product(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
