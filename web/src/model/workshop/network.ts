// The network of the workshop's settings, and where its parameters lie in θ.

import type { NetworkSpec, Rows } from "../../engine/index.ts";
import type { Settings } from "../../protocol.ts";
import type { Dataset } from "./datasets.ts";
import type { Place } from "./legs.ts";
import { activationsOf } from "./settings.ts";

/** The network before training; an Error for an output unit that does not suit the data. */
export function networkOf(settings: Settings, dataset: Dataset): NetworkSpec {
  const { output, hidden, dropout } = settings;
  const wrong = whyNot(output, dataset.n_classes);
  if (wrong) throw new Error(wrong);
  return {
    sizes: [dataset.n_inputs, ...hidden, output === "softmax" ? dataset.n_classes : 1],
    activations: activationsOf(settings),
    output,
    dropout: hidden.length ? dropout : 0,
  };
}

/** Why an output unit does not suit this number of classes (0: a number); "" if it does. */
export function whyNot(output: string, nClasses: number): string {
  if (nClasses === 0 && isForClasses(output))
    return `${output} outputs are for classes, but this target is numeric; choose linear`;
  if (nClasses > 2 && output.startsWith("logistic"))
    return `a logistic unit separates two classes, but there are ${nClasses}; choose softmax`;
  return "";
}

/** Whether ŷ of a unit are probabilities of classes. */
export function isForClasses(output: string): boolean {
  return output === "softmax" || output.startsWith("logistic");
}

/** Rows as the engine takes them: t (N, K), one-hot for softmax. */
export function rowsOf(network: NetworkSpec, X: Float64Array, t: Float64Array): Rows {
  if (network.output !== "softmax") return { X, t, n: t.length };
  const n_classes = network.sizes.at(-1)!;
  const oneHot = new Float64Array(t.length * n_classes);
  t.forEach((label, row) => (oneHot[row * n_classes + label] = 1));
  return { X, t: oneHot, n: t.length };
}

/** Where W and b of each layer begin in θ: each W (row by row) before its b. */
export function layoutOf(sizes: readonly number[]): [W: number, b: number][] {
  let at = 0;
  return sizes.slice(1).map((units, layer) => {
    const W = at;
    const b = W + units * sizes[layer]!;
    at = b + units;
    return [W, b];
  });
}

/** The place of a parameter in θ; an Error if the network does not have it. */
export function indexOf(sizes: readonly number[], place: Place, name: string): number {
  const { layer, unit, source } = place;
  const [inputs, units] = [sizes[layer - 1], sizes[layer]];
  if (units === undefined || unit >= units || (place.name === "W" && source >= inputs!))
    throw new Error(`this network has no parameter ${name}`);
  const [W, b] = layoutOf(sizes)[layer - 1]!;
  return place.name === "W" ? W + unit * inputs! + source : b + unit;
}
