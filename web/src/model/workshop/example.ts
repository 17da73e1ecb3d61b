// One row of the next mini-batch on its way through the network: its ℒ, z, h and gradient.

import type { Numbers } from "../../protocol.ts";
import { pass } from "./layers.ts";
import { rowsOf } from "./network.ts";
import type { Run } from "./run.ts";

export interface Example {
  /** Its place in the next mini-batch, of so many rows; both from 0. */
  index: number;
  of: number;
  /** Its row among the training rows. */
  row: number;
  numbers: Numbers;
  /** ∂ℒₙ/∂θ of this row alone. */
  gradient: Float64Array;
}

/** The example at a place of the next mini-batch. */
export function exampleAt(run: Run, index: number): Example {
  const { engine, network, dataset, theta } = run;
  const batch = run.nextBatch();
  const row = batch[index]!;
  const D = dataset.n_inputs;
  const X = dataset.X.slice(row * D, (row + 1) * D);
  const t = dataset.t.slice(row, row + 1);
  const rows = rowsOf(network, X, t);
  const { trace, h, dL_dz } = pass(engine, network, theta, rows);
  const { loss, gradient } = engine.lossAndGradient(network, theta, rows);
  const numbers: Numbers = { "example.loss": loss, "example.t": t[0]!, "example.x": Array.from(X) };
  h.forEach((values, i) => {
    numbers[`example.z${i + 1}`] = Array.from(trace.z[i]!);
    numbers[`example.h${i + 1}`] = Array.from(values);
    numbers[`example.dL_dz${i + 1}`] = Array.from(dL_dz[i]!);
  });
  return { index, of: batch.length, row, numbers, gradient };
}
