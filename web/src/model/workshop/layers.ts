// Back-propagation by layer, and the statistics of each layer, as clearprop/explain/statistics.py.

import type { Engine, NetworkSpec, Rows, Trace } from "../../engine/index.ts";
import limits from "../../data/limits.json";
import { OUTPUT_UNITS } from "../output_units.ts";
import { layoutOf } from "./network.ts";
import { mean } from "./scores.ts";

/** One pass forwards and backwards. Matrices are (N, units), row by row; lists begin with layer 1. */
export interface Pass {
  n: number;
  trace: Trace;
  /** h of the hidden layers, and ŷ. */
  h: Float64Array[];
  /** φ′(z) of the hidden layers. */
  slopes: Float64Array[];
  /** ∂ℒ/∂z; ℒ is the mean over the rows. */
  dL_dz: Float64Array[];
}

/** Forward propagation and back-propagation without dropout. */
export function pass(engine: Engine, network: NetworkSpec, theta: Float64Array, rows: Rows): Pass {
  const { sizes, activations } = network;
  const trace = engine.forward(network, theta, rows.X, rows.n);
  const slopes = activations.map((name, i) => engine.activation(name, trace.z[i]!).slope);
  const layout = layoutOf(sizes);
  const dL_dz = [outputGradient(network, trace, rows)];
  for (let i = activations.length - 1; i >= 0; i--) {
    const [units, above, W] = [sizes[i + 1]!, sizes[i + 2]!, layout[i + 1]![0]];
    const from = dL_dz[0]!;
    const own = new Float64Array(rows.n * units);
    for (let n = 0; n < rows.n; n++)
      for (let k = 0; k < above; k++) {
        const d = from[n * above + k]!;
        for (let j = 0; j < units; j++) own[n * units + j]! += d * theta[W + k * units + j]!;
      }
    for (let e = 0; e < own.length; e++) own[e]! *= slopes[i]![e]!;
    dL_dz.unshift(own);
  }
  return { n: rows.n, trace, h: [...trace.h.slice(1), trace.yHat], slopes, dL_dz };
}

/** ∂ℒ/∂z of the output unit. */
function outputGradient(network: NetworkSpec, trace: Trace, rows: Rows): Float64Array {
  const { yHat } = trace;
  if (["linear", "logistic", "softmax"].includes(network.output))
    return yHat.map((y, e) => (y - rows.t[e]!) / rows.n);
  const [z, K] = [trace.z.at(-1)!, network.sizes.at(-1)!];
  const unit = OUTPUT_UNITS[network.output]!;
  const gradient = new Float64Array(z.length);
  for (let n = 0; n < rows.n; n++) {
    const row = (values: Float64Array) => Array.from(values.subarray(n * K, (n + 1) * K));
    gradient.set(
      unit.dLdz(row(z), row(rows.t)).map((d) => d / rows.n),
      n * K,
    );
  }
  return gradient;
}

/** A layer on some rows; sizes are root mean squares over the entries. */
export interface LayerStatistics {
  activation: string;
  z: number;
  h: number;
  /** |∂ℒₙ/∂z| of each row's own loss. */
  dL_dz: number;
  W: number;
  dL_dW: number;
  /** The change of W, per step and divided by |W|; NaN before the first step. */
  update: number;
  /** The fraction of units that pass no gradient back, or are at the flat ends of φ. */
  dead: number;
  saturated: number;
}

/** before: θ from `steps` steps ago. gradient: ∂ℒ/∂θ. */
export function layerStatistics(
  network: NetworkSpec,
  passed: Pass,
  theta: Float64Array,
  gradient: Float64Array,
  before: Float64Array,
  steps: number,
): LayerStatistics[] {
  const updates = updatesOf(network.sizes, theta, before, steps);
  return layoutOf(network.sizes).map(([W, b], i) => {
    const activation = network.activations[i];
    const units = network.sizes[i + 1]!;
    return {
      activation: activation ?? network.output,
      z: rms(passed.trace.z[i]!),
      h: rms(passed.h[i]!),
      dL_dz: rms(passed.dL_dz[i]!) * passed.n,
      W: rms(theta.subarray(W, b)),
      dL_dW: rms(gradient.subarray(W, b)),
      update: updates[i]!,
      dead: activation ? share(deadUnits(activation, passed.slopes[i]!, units)) : 0,
      saturated: activation ? share(saturatedUnits(activation, passed.slopes[i]!, units)) : 0,
    };
  });
}

/** |ΔW| / |W| per step of each layer; NaN if there are no steps, or W was 0. */
export function updatesOf(
  sizes: readonly number[],
  theta: Float64Array,
  before: Float64Array,
  steps: number,
): number[] {
  return layoutOf(sizes).map(([W, b]) => {
    const size = rms(before.subarray(W, b));
    const change = rms(theta.slice(W, b).map((w, e) => w - before[W + e]!));
    return steps > 0 && size ? change / (size * steps) : NaN;
  });
}

/** √(mean of the squares). */
export function rms(values: Float64Array): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]! * values[i]!;
  return Math.sqrt(total / Math.max(values.length, 1));
}

const STEEPEST: Record<string, number> = limits.steepest;

/** Which units pass no gradient back on any row; those of a bounded activation saturate instead. */
export function deadUnits(activation: string, slopes: Float64Array, units: number): boolean[] {
  if (activation in STEEPEST) return new Array(units).fill(false);
  const most = new Float64Array(units);
  slopes.forEach((slope, e) => (most[e % units] = Math.max(most[e % units]!, Math.abs(slope))));
  return Array.from(most, (slope) => slope <= limits.dead_slope);
}

/** Which units of a bounded activation are at its flat ends on almost all rows. */
export function saturatedUnits(activation: string, slopes: Float64Array, units: number): boolean[] {
  const steepest = STEEPEST[activation];
  if (steepest === undefined) return new Array(units).fill(false);
  const flat = new Float64Array(units);
  slopes.forEach((slope, e) => {
    if (Math.abs(slope) < limits.saturated_slope * steepest) flat[e % units]!++;
  });
  const rows = slopes.length / units;
  return Array.from(flat, (count) => count / rows >= limits.saturated_rows);
}

function share(units: boolean[]): number {
  return mean(units.map(Number));
}
