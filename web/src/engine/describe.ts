// Networks and jobs as lists of numbers for the module (web/engine/description.hpp), with the
// library's defaults filled in.

import type { Module } from "./module.ts";
import type { JobSpec, NetworkSpec } from "./types.ts";

/** The constants of each output unit's formulas for K outputs, unless they are given. */
const OUTPUT_CONSTANTS: Record<string, (n: number) => number[]> = {
  huber: () => [1],
  quantile: () => [0.5],
  tweedie: () => [1.5],
  negative_binomial: () => [1, 0],
  softmax: (n) => [n],
};

const BETAS = { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8 };

interface OptimizerKind {
  step: (options: Record<string, number | boolean>) => string; // its native name
  constants: Record<string, number>; // in order, with the defaults
  weightDecay?: number; // the default
}

/** Python's optimisers: their native step and the constants of its formula. */
const OPTIMIZERS: Record<string, OptimizerKind> = {
  sgd: { step: ({ nesterov }) => (nesterov ? "nesterov" : "sgd"), constants: { momentum: 0 } },
  adam: { step: () => "adam", constants: BETAS },
  adamw: { step: () => "adam", constants: BETAS, weightDecay: 0.01 },
  rmsprop: { step: () => "rmsprop", constants: { rho: 0.99, epsilon: 1e-8 } },
  nadam: { step: () => "nadam", constants: BETAS },
  lion: { step: () => "lion", constants: { beta_1: 0.9, beta_2: 0.99 } },
};

function place(names: readonly string[], name: string, what: string): number {
  const number = names.indexOf(name);
  if (number < 0) throw new Error(`unknown ${what} ${JSON.stringify(name)}; choose from ${names.join(", ")}`);
  return number;
}

function listed<T>(values: readonly T[] | undefined, n: number, otherwise: T, what: string): T[] {
  if (!values) return Array<T>(n).fill(otherwise);
  if (values.length !== n) throw new Error(`${what} must have ${n} entries; got ${values.length}`);
  return [...values];
}

export function describeNetwork(module: Module, spec: NetworkSpec): number[] {
  const { sizes } = spec;
  if (sizes.length < 2) throw new Error("sizes must have at least an input and an output");
  const hidden = sizes.length - 2;
  const outputs = sizes[hidden + 1]!;
  const activations = listed(spec.activations, hidden, "identity", "activations");
  const constants = spec.outputConstants ?? OUTPUT_CONSTANTS[spec.output]?.(outputs) ?? [];
  const dropout = typeof spec.dropout === "number" ? Array<number>(hidden).fill(spec.dropout) : spec.dropout;
  return [
    sizes.length,
    ...sizes,
    ...activations.map((name) => place(module.activations, name, "activation")),
    place(module.outputs, spec.output, "output unit"),
    constants.length,
    ...constants,
    ...listed(spec.gains, hidden + 1, 1, "gains"),
    ...listed(spec.slopes, hidden, false, "slopes").map(Number),
    ...listed(dropout, hidden, 0, "dropout"),
  ];
}

/** The optimiser's native step by its name. */
export function stepOf(spec: JobSpec): string {
  place(Object.keys(OPTIMIZERS), spec.optimizer, "optimiser");
  return OPTIMIZERS[spec.optimizer]!.step(spec.optimizerOptions ?? {});
}

export function describeJob(module: Module, spec: JobSpec): number[] {
  const step = stepOf(spec);
  const kind = OPTIMIZERS[spec.optimizer]!;
  const options = spec.optimizerOptions ?? {};
  const known = [...Object.keys(kind.constants), ...(spec.optimizer === "sgd" ? ["nesterov"] : [])];
  for (const name of Object.keys(options)) place(known, name, `option of ${spec.optimizer}`);
  const constants = Object.entries(kind.constants).map(([name, value]) => Number(options[name] ?? value));
  return [
    ...describeNetwork(module, spec),
    place([...module.optimizers.keys()], step, "optimiser"),
    constants.length,
    ...constants,
    Math.min(spec.batchSize, 2 ** 31 - 1),
    spec.weightDecay ?? kind.weightDecay ?? 0,
    spec.l1 ?? 0,
    spec.l2 ?? 0,
    spec.l2PerBatch ?? 0,
    spec.clipNorm ?? 0,
  ];
}

/** A network without dropout and training, as a job that only gives gradients. */
export function describeGradient(
  module: Module,
  spec: NetworkSpec & { l1?: number; l2?: number; l2PerBatch?: number },
): number[] {
  const none = { optimizer: "sgd", optimizerOptions: {}, weightDecay: 0, clipNorm: 0, batchSize: 1, seed: 0 };
  return describeJob(module, { ...spec, ...none, dropout: 0 });
}
