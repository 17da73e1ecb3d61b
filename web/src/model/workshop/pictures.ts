// What the drawings show of a network at one step: its units over the plane of the data.

import type { Engine, NetworkSpec } from "../../engine/index.ts";
import { type Dataset, EXTENT } from "./datasets.ts";
import { featuresOf, INPUTS } from "./features.ts";
import { isForClasses } from "./network.ts";

/** Nodes of the output's picture along each side: 100 cells between them. */
export const NODES = 101;
/** Nodes of the pictures of all units. */
export const UNIT_NODES = 51;

/** Half the side of the plane that is shown. */
const SIDE = EXTENT + 0.3;

/** [left, right, bottom, top] */
export type Domain = [number, number, number, number];

/** The part of the plane that is shown: a little more than the data on two of a table's inputs. */
export function domain(dataset: Dataset, axes: readonly [number, number]): Domain {
  if (dataset.plane === 2) return [-SIDE, SIDE, -SIDE, SIDE];
  if (dataset.plane === 1) return [-SIDE, SIDE, ...targetRange(dataset)];
  return axes.flatMap((axis) => {
    const [low, high] = extent([dataset.X, dataset.X_test], dataset.n_inputs, axis);
    const margin = 0.05 * (high - low) || 1;
    return [low - margin, high + margin];
  }) as Domain;
}

/** The inputs that are shown at first: of a table its first two numbers, if it has them. */
export function firstAxes({ n_inputs, origin }: Dataset): [number, number] {
  const numbers = (origin?.units ?? []).flatMap((unit, k) => (unit ? [k] : []));
  const [first = 0, second] = numbers;
  const other = first > 0 ? 0 : Math.min(1, n_inputs - 1);
  return [first, second ?? other];
}

/** The targets with a margin; drawn targets lie between −2 and 2. */
function targetRange(dataset: Dataset): [number, number] {
  const [low, high] = extent([dataset.t, dataset.t_test], 1, 0);
  const margin = 0.15 * (high - low);
  return [Math.min(-2.2, low - margin), Math.max(2.2, high + margin)];
}

/** The least and the greatest value of a column of matrices. */
export function extent(matrices: Float64Array[], width: number, column: number): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const X of matrices)
    for (let i = column; i < X.length; i += width) {
      low = Math.min(low, X[i]!);
      high = Math.max(high, X[i]!);
    }
  return low <= high ? [low, high] : [0, 1];
}

/**
 * The network's inputs (n·n, D) at the nodes of a grid, row by row from the top. The inputs of a
 * table that are not shown stand at their means over the training rows.
 */
export function gridInputs(
  dataset: Dataset,
  axes: readonly [number, number],
  n: number = NODES,
): Float64Array {
  const [left, right, bottom, top] = domain(dataset, axes);
  const across = (i: number) => left + ((right - left) * i) / (n - 1);
  const up = (j: number) => top - ((top - bottom) * j) / (n - 1);
  if (dataset.plane === 2) {
    const points = new Float64Array(2 * n * n);
    for (let j = 0, at = 0; j < n; j++)
      for (let i = 0; i < n; i++) {
        points[at++] = across(i);
        points[at++] = up(j);
      }
    return featuresOf(points, inputNames(dataset));
  }
  const D = dataset.n_inputs;
  const means = columnMeans(dataset.X, D);
  const X = new Float64Array(n * n * D);
  for (let j = 0, at = 0; j < n; j++)
    for (let i = 0; i < n; i++, at += D) {
      X.set(means, at);
      X[at + axes[0]] = across(i);
      if (axes[1] !== axes[0]) X[at + axes[1]] = up(j);
    }
  return X;
}

/** The setting `inputs` of a dataset in the plane. */
function inputNames(dataset: Dataset): string[] {
  return dataset.features.map((title) => Object.keys(INPUTS).find((name) => INPUTS[name] === title)!);
}

export function columnMeans(X: Float64Array, width: number): Float64Array {
  const means = new Float64Array(width);
  const n = X.length / width;
  for (let i = 0; i < X.length; i++) means[i % width]! += X[i]! / n;
  return means;
}

/** The values (n, units) of each layer from 1 on; those of the last are the outputs ŷ. */
export function layerValues(
  engine: Pick<Engine, "forward">,
  spec: NetworkSpec,
  theta: Float64Array,
  X: Float64Array,
  n: number,
): Float64Array[] {
  const trace = engine.forward(spec, theta, X, n);
  return [...trace.h.slice(1), trace.yHat];
}

/**
 * The values of a unit about 0 and the greatest size among them, for a picture from −1 to 1.
 *
 * Probabilities are shown about ½, and classes that are numbers about their middle.
 */
export function unitLevels(
  values: Float64Array,
  units: number,
  unit: number,
  centre = 0,
  scale = 0,
): { levels: Float32Array; scale: number } {
  const n = values.length / units;
  const levels = new Float32Array(n);
  let most = 0;
  for (let i = 0; i < n; i++) {
    const value = values[i * units + unit]! - centre;
    levels[i] = Number.isFinite(value) ? value : 0;
    most = Math.max(most, Math.abs(levels[i]!));
  }
  const by = scale || most || 1;
  for (let i = 0; i < n; i++) levels[i]! /= by;
  return { levels, scale: by };
}

/** Centre and scale of the pictures of outputs; 0 for a scale that the values themselves give. */
export function outputScale(output: string, n_classes: number): { centre: number; scale: number } {
  if (isForClasses(output)) return { centre: 0.5, scale: 0.5 };
  return { centre: n_classes ? (n_classes - 1) / 2 : 0, scale: 0 };
}
