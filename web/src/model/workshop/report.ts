// The workshop's reports besides the losses: errors, calibration, rows by loss, layers, findings.
//
// Programs of "copy as Python" compute the same numbers with clearprop/playground/results.py.

import type { Numbers } from "../../protocol.ts";
import { bySeverity, type Finding, networkAndDataFindings } from "./findings.ts";
import { runFindings, unjudged } from "./judge.ts";
import { type LayerStatistics, layerStatistics, pass } from "./layers.ts";
import { isForClasses, rowsOf } from "./network.ts";
import type { Run } from "./run.ts";
import { mean, predicted, total } from "./scores.ts";

const WORST = 12;
const BINS = 10;
const MOST_RESIDUALS = 1000;

/** What is shown of each layer. */
export const STATISTICS = ["z", "h", "dL_dz", "W", "dL_dW", "update", "dead", "saturated"] as const;

export type Part = "train" | "test";

export interface Report {
  part: Part;
  numbers: Numbers;
  /** Of each layer: its activation, or the output unit. */
  activations: string[];
  findings: Finding[];
  /** What could not be judged, in words. */
  unjudged: string[];
  /** Of a numeric target: ŷ and t of some rows. */
  residuals: { y_hat?: number[]; t?: number[] };
}

/** X and t of the training or test rows; an Error for another name or missing rows. */
export function partOf(run: Run, part: unknown): { X: Float64Array; t: Float64Array; n: number } {
  const { dataset } = run;
  if (part === "train") return { X: dataset.X, t: dataset.t, n: dataset.n };
  if (part !== "test" || !dataset.n_test)
    throw new Error("part must be 'train', or 'test' if rows are held out for testing");
  return { X: dataset.X_test, t: dataset.t_test, n: dataset.n_test };
}

/** Numbers by name for the training or test rows, and the findings. */
export function report(run: Run, part: unknown): Report {
  const { engine, network, dataset, theta } = run;
  const { X, t, n } = partOf(run, part);
  const rows = rowsOf(network, X, t);
  const { z, yHat } = engine.forward(network, theta, X, n);
  const losses = engine.losses(network, z.at(-1)!, rows.t, n);
  const [D, K] = [dataset.n_inputs, network.sizes.at(-1)!];
  const worst = worstOf(losses);
  const numbers: Numbers = {
    "worst.row": worst,
    "worst.loss": worst.map((row) => losses[row]!),
    "worst.t": worst.map((row) => t[row]!),
    "worst.y_hat": worst.map((row) => Array.from(yHat.subarray(row * K, (row + 1) * K))),
    "worst.x": worst.map((row) => Array.from(X.subarray(row * D, (row + 1) * D))),
  };
  if (dataset.n_classes) {
    numbers.confusion = confusion(yHat, t, dataset.n_classes);
    if (isForClasses(network.output) && yHat.every(Number.isFinite)) {
      const found = calibrations(yHat, t);
      for (const [name, values] of Object.entries(found)) numbers[`calibration.${name}`] = values;
    }
  } else numbers.r2 = r2(yHat, t);
  const layers = layersOf(run);
  for (const name of STATISTICS) numbers[`layers.${name}`] = layers.map((layer) => layer[name]);
  const findings = findingsOf(run);
  numbers.findings = findings.map((finding) => finding.code);
  return {
    part: part as Part,
    numbers,
    activations: layers.map((layer) => layer.activation),
    findings,
    unjudged: unjudged(run),
    residuals: dataset.n_classes ? {} : residuals(yHat, t),
  };
}

/** All findings, the most severe first. */
export function findingsOf(run: Run): Finding[] {
  const found = runFindings(run);
  const seen = new Set(found.map((finding) => finding.code));
  const { engine, network, theta, rows, dataset } = run;
  const others = networkAndDataFindings(engine, network, theta, rows, dataset);
  return bySeverity([...found, ...others.filter((finding) => !seen.has(finding.code))]);
}

/** The layers on the training rows; the update is over the epoch, or its part so far. */
function layersOf(run: Run): LayerStatistics[] {
  const { engine, network, rows, theta } = run;
  const [before, steps] = run.legStep ? run.epochStart : [theta, 0];
  const { gradient } = engine.lossAndGradient(network, theta, rows);
  const passed = pass(engine, network, theta, rows);
  return layerStatistics(network, passed, theta, gradient, before, steps);
}

/** The number of rows of each true class (down) and predicted class (across). */
export function confusion(yHat: Float64Array, t: Float64Array, n_classes: number): number[][] {
  const counts = Array.from({ length: n_classes }, () => new Array<number>(n_classes).fill(0));
  const chosen = predicted(yHat, t.length);
  t.forEach((label, row) => {
    const k = Math.min(Math.max(chosen[row]!, 0), n_classes - 1) || 0;
    counts[label]![k]!++;
  });
  return counts;
}

/** For each class (class 1 for a single ŷ): mean ŷ and observed frequency by bin; the ECE. */
export function calibrations(
  yHat: Float64Array,
  t: Float64Array,
): { mean: number[][]; share: number[][]; ece: number[] } {
  const n = t.length;
  const K = yHat.length / n;
  const series = Array.from({ length: K }, (_, k) => {
    const label = K === 1 ? 1 : k;
    const p = Float64Array.from({ length: n }, (_, row) => yHat[row * K + k]!);
    return calibration(t.map((value) => Number(value === label)), p);
  });
  return {
    mean: series.map((one) => one.mean),
    share: series.map((one) => one.share),
    ece: series.map((one) => one.ece),
  };
}

/** In bins with equal numbers of rows. */
function calibration(isTrue: Float64Array, p: Float64Array) {
  const order = Array.from(p.keys()).sort((a, b) => p[a]! - p[b]!);
  const n = order.length;
  const bins = Math.min(BINS, n);
  const [size, larger] = [Math.floor(n / bins), n % bins];
  let at = 0;
  const parts = Array.from({ length: bins }, (_, bin) => {
    const part = order.slice(at, at + size + Number(bin < larger));
    at += part.length;
    return part;
  });
  const means = parts.map((part) => mean(part.map((row) => p[row]!)));
  const share = parts.map((part) => mean(part.map((row) => isTrue[row]!)));
  const off = parts.map((part, bin) => Math.abs(share[bin]! - means[bin]!) * part.length);
  return { mean: means, share, ece: total(off) / n };
}

/** The rows with the largest losses, largest first; NaN last, as np.argsort has it. */
export function worstOf(losses: Float64Array): number[] {
  const key = (row: number) => (Number.isNaN(losses[row]!) ? -Infinity : losses[row]!);
  return Array.from(losses.keys())
    .sort((a, b) => key(b) - key(a) || a - b)
    .slice(0, WORST);
}

/** 1 − Σ(t − ŷ)² / Σ(t − mean t)². */
export function r2(yHat: Float64Array, t: Float64Array): number {
  const centre = mean(t);
  const spread = total(t.map((value) => (value - centre) ** 2));
  const rest = total(t.map((value, row) => (value - yHat[row]!) ** 2));
  return spread ? 1 - rest / spread : NaN;
}

function residuals(yHat: Float64Array, t: Float64Array): Report["residuals"] {
  const most = MOST_RESIDUALS;
  return { y_hat: Array.from(yHat.subarray(0, most)), t: Array.from(t.subarray(0, most)) };
}
