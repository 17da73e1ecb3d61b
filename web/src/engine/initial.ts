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

/** Rows or columns that are orthonormal: Q of a QR factorisation by Householder's reflections. */
function orthogonal(rng: Rng, nIn: number, nOut: number): Float64Array {
  const drawn = rng.normal(nIn * nOut);
  const wide = nIn < nOut;
  const [m, n] = wide ? [nOut, nIn] : [nIn, nOut]; // of the tall matrix
  const A = Array.from({ length: m }, (_, i) =>
    Float64Array.from({ length: n }, (_, j) => drawn[wide ? j * nOut + i : i * nOut + j]!),
  );
  const reflections: { v: Float64Array; scale: number }[] = [];
  const reflect = (M: Float64Array[], k: number, v: Float64Array, scale: number) => {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let i = k; i < m; i++) sum += v[i]! * M[i]![j]!;
      for (let i = k; i < m; i++) M[i]![j]! -= scale * sum * v[i]!;
    }
  };
  const signs: number[] = [];
  for (let k = 0; k < n; k++) {
    const v = new Float64Array(m);
    let square = 0;
    for (let i = k; i < m; i++) square += A[i]![k]! * A[i]![k]!;
    const length = Math.sqrt(square);
    for (let i = k; i < m; i++) v[i] = A[i]![k]!;
    const beta = v[k]! > 0 ? -length : length;
    v[k]! -= beta;
    let norm = 0;
    for (let i = k; i < m; i++) norm += v[i]! * v[i]!;
    const scale = norm === 0 ? 0 : 2 / norm;
    reflect(A, k, v, scale);
    reflections.push({ v, scale });
    signs.push(A[k]![k]! < 0 ? -1 : 1);
  }
  const Q = Array.from({ length: m }, (_, i) =>
    Float64Array.from({ length: n }, (_, j) => (i === j ? 1 : 0)),
  );
  for (let k = n - 1; k >= 0; k--) reflect(Q, k, reflections[k]!.v, reflections[k]!.scale);
  return Float64Array.from({ length: nIn * nOut }, (_, at) => {
    const i = Math.floor(at / nOut);
    const j = at % nOut;
    return wide ? Q[j]![i]! * signs[i]! : Q[i]![j]! * signs[j]!;
  });
}
