// The engine as the page uses it.

import { Job } from "./job.ts";
import { Rng } from "./random.ts";
import type { JobSpec, NetworkSpec, Rows, Trace } from "./types.ts";

const soon = (): never => {
  throw new Error("the engine is still being built");
};

export class Engine {
  /** The engine, from the bytes in the page; every call returns the same one. */
  static async load(): Promise<Engine> {
    return soon();
  }

  /** NumPy's `default_rng(seed)`, bit for bit. */
  rng(_seed: number | bigint): Rng {
    return soon();
  }

  /** θ of `Network(…, initializer=…, seed=…)`. initializer: a name of Python's table, or "auto". */
  initialTheta(_spec: NetworkSpec, _initializer: string, _seed: number): Float64Array {
    return soon();
  }

  /** The number of parameters, the length of θ. */
  countParameters(_spec: NetworkSpec): number {
    return soon();
  }

  /** Starts training; the rows are copied. Free the job when it is no longer needed. */
  job(_spec: JobSpec, _theta: Float64Array, _rows: Rows): Job {
    return soon();
  }

  /** Forward propagation without dropout. */
  forward(_spec: NetworkSpec, _theta: Float64Array, _X: Float64Array, _n: number): Trace {
    return soon();
  }

  /** ŷ alone, in less memory. */
  predict(_spec: NetworkSpec, _theta: Float64Array, _X: Float64Array, _n: number): Float64Array {
    return soon();
  }

  /** ℒ of each row (N,), from z of the last layer and t (N, K). */
  losses(_spec: NetworkSpec, _z: Float64Array, _t: Float64Array, _n: number): Float64Array {
    return soon();
  }

  /** ℒ with the penalty over all rows, and its gradient (P,). Dropout is off. */
  lossAndGradient(
    _spec: NetworkSpec & { l1?: number; l2?: number; l2PerBatch?: number },
    _theta: Float64Array,
    _rows: Rows,
  ): { loss: number; gradient: Float64Array } {
    return soon();
  }

  /** h = φ(z) and φ′(z), entry by entry. */
  activation(_name: string, _z: Float64Array): { h: Float64Array; slope: Float64Array } {
    return soon();
  }

  /** The engine's exp, expm1, log, log1p, tanh, sigmoid, softplus or erfc, entry by entry. */
  math(_name: string, _x: Float64Array): Float64Array {
    return soon();
  }
}
