// The space of two hidden units: where the data lie there, and what the rest of the network says.

import type { Engine, NetworkSpec } from "../../engine/index.ts";

/** A network from a hidden layer on: that layer's values are its inputs. */
export interface Rest {
  spec: NetworkSpec;
  theta: Float64Array;
}

/** The layers after hidden layer `layer` (from 1); layout: where W and b of each layer begin in θ. */
export function restOf(
  spec: NetworkSpec,
  theta: Float64Array,
  layer: number,
  layout: readonly (readonly [number, number])[],
): Rest {
  const after = <T>(list: T[] | undefined) => list?.slice(layer);
  return {
    spec: {
      sizes: spec.sizes.slice(layer),
      activations: spec.activations.slice(layer),
      output: spec.output,
      outputConstants: spec.outputConstants,
      gains: after(spec.gains),
      slopes: after(spec.slopes),
    },
    theta: theta.slice(layout[layer]![0]),
  };
}

/** Outputs ŷ (n·n, K) at the nodes of a grid over two units, row by row from the top; the layer's
 * other units stand at `means`. */
export function outputsOver(
  engine: Pick<Engine, "predict">,
  rest: Rest,
  units: readonly [number, number],
  [left, right, bottom, top]: readonly [number, number, number, number],
  means: Float64Array,
  n: number,
): Float64Array {
  const H = means.length;
  const inputs = new Float64Array(n * n * H);
  for (let j = 0, at = 0; j < n; j++)
    for (let i = 0; i < n; i++, at += H) {
      inputs.set(means, at);
      inputs[at + units[0]] = left + ((right - left) * i) / (n - 1);
      inputs[at + units[1]] = top - ((top - bottom) * j) / (n - 1);
    }
  return engine.predict(rest.spec, rest.theta, inputs, n * n);
}

/** Two columns of a matrix with `width` columns. */
export function twoColumns(h: Float64Array, width: number, [a, b]: readonly [number, number]): Float64Array {
  const n = h.length / width;
  const points = new Float64Array(2 * n);
  for (let i = 0; i < n; i++) {
    points[2 * i] = h[i * width + a]!;
    points[2 * i + 1] = h[i * width + b]!;
  }
  return points;
}
