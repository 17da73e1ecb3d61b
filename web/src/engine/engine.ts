// The engine as the page uses it.

import { describeGradient, describeJob, describeNetwork, stepOf } from "./describe.ts";
import { initialTheta } from "./initial.ts";
import { Job } from "./job.ts";
import { Module } from "./module.ts";
import { Rng } from "./random.ts";
import type { JobSpec, NetworkSpec, Rows, Trace } from "./types.ts";

const FUNCTIONS = ["exp", "expm1", "log", "log1p", "tanh", "sigmoid", "softplus", "erfc"];

let loading: Promise<Engine> | undefined;

export class Engine {
  private constructor(private readonly module: Module) {}

  /** The engine, from the bytes in the page; every call returns the same one. */
  static load(): Promise<Engine> {
    loading ??= Module.load().then((module) => new Engine(module));
    return loading;
  }

  /** The names of the activations. */
  get activations(): readonly string[] {
    return this.module.activations;
  }

  /** The names of the output units. */
  get outputs(): readonly string[] {
    return this.module.outputs;
  }

  /** The bytes of memory that it has taken so far. */
  get bytes(): number {
    return this.module.wasm.memory.buffer.byteLength;
  }

  /** NumPy's `default_rng(seed)`, bit for bit. */
  rng(seed: number | bigint): Rng {
    return new Rng(this.module, seed);
  }

  /**
   * θ of `Network(…, initializer=…, seed=…)`. initializer: a name of Python's table, or "auto".
   * "orthogonal" agrees to rounding only beyond 64 units, where Python takes LAPACK.
   */
  initialTheta(spec: NetworkSpec, initializer: string, seed: number | bigint): Float64Array {
    this.countParameters(spec);
    return initialTheta(spec, initializer, this.rng(seed));
  }

  /** The number of parameters, the length of θ. */
  countParameters(spec: NetworkSpec): number {
    return this.module.within((scope) => {
      const numbers = describeNetwork(this.module, spec);
      const n = this.module.wasm.count(scope.put(numbers), numbers.length);
      this.module.check(n >= 0);
      return n;
    });
  }

  /** Starts training; the rows are copied. Free the job when it is no longer needed. */
  job(spec: JobSpec, theta: Float64Array, rows: Rows): Job {
    const seed = BigInt.asUintN(64, BigInt(spec.seed));
    const step = stepOf(spec);
    const slots = this.module.optimizers.get(step) ?? [];
    const pointer = this.start(spec, describeJob(this.module, spec), seed, theta, rows);
    return new Job(this.module, pointer, theta.length, slots, step === "nadam");
  }

  /** Forward propagation without dropout. */
  forward(spec: NetworkSpec, theta: Float64Array, X: Float64Array, n: number): Trace {
    const sizes = spec.sizes.slice(1);
    const K = sizes.at(-1)!;
    const total = n * (2 * sizes.reduce((sum, size) => sum + size, 0)); // the last h is ŷ
    const values = this.run(spec, theta, X, n, true, total);
    let at = 0;
    const next = (size: number) => values.subarray(at, (at += n * size));
    const z: Float64Array[] = [];
    const h: Float64Array[] = [X];
    sizes.forEach((size, l) => {
      z.push(next(size));
      if (l + 1 < sizes.length) h.push(next(size));
    });
    return { z, h, yHat: next(K) };
  }

  /** ŷ alone, in less memory. */
  predict(spec: NetworkSpec, theta: Float64Array, X: Float64Array, n: number): Float64Array {
    return this.run(spec, theta, X, n, false, n * spec.sizes.at(-1)!);
  }

  /** ℒ of each row (N,), from z of the last layer and t (N, K). */
  losses(spec: NetworkSpec, z: Float64Array, t: Float64Array, n: number): Float64Array {
    const K = spec.sizes.at(-1)!;
    checkLength("z", z, n * K);
    checkLength("t", t, n * K);
    return this.module.within((scope) => {
      const numbers = describeNetwork(this.module, spec);
      const room = scope.room(n);
      this.module.check(
        this.module.wasm.losses(scope.put(numbers), numbers.length, scope.put(z), scope.put(t), n, room),
      );
      return scope.get(room, n);
    });
  }

  /** ℒ with the penalty over all rows, and its gradient (P,). Dropout is off. */
  lossAndGradient(
    spec: NetworkSpec & { l1?: number; l2?: number; l2PerBatch?: number },
    theta: Float64Array,
    rows: Rows,
  ): { loss: number; gradient: Float64Array } {
    const pointer = this.start(spec, describeGradient(this.module, spec), 0n, theta, rows);
    const job = new Job(this.module, pointer, theta.length, []);
    try {
      return job.lossAndGradient();
    } finally {
      job.free();
    }
  }

  /** h = φ(z) and φ′(z), entry by entry. */
  activation(name: string, z: Float64Array): { h: Float64Array; slope: Float64Array } {
    const act = this.module.activations.indexOf(name);
    if (act < 0) throw new Error(`unknown activation ${JSON.stringify(name)}`);
    const n = z.length + (z.length % 2);
    return this.module.within((scope) => {
      const [h, slope] = [scope.room(n), scope.room(n)];
      this.module.wasm.activation(act, scope.put(padded(z, n)), h, slope, n);
      return { h: scope.get(h, z.length), slope: scope.get(slope, z.length) };
    });
  }

  /** The engine's exp, expm1, log, log1p, tanh, sigmoid, softplus or erfc, entry by entry. */
  math(name: string, x: Float64Array): Float64Array {
    const number = FUNCTIONS.indexOf(name);
    if (number < 0) throw new Error(`unknown function ${JSON.stringify(name)}; choose from ${FUNCTIONS.join(", ")}`);
    const n = Math.ceil(x.length / 16) * 16;
    return this.module.within((scope) => {
      const room = scope.room(n);
      this.module.wasm.math(number, scope.put(padded(x, n)), room, n);
      return scope.get(room, x.length);
    });
  }

  private run(
    spec: NetworkSpec,
    theta: Float64Array,
    X: Float64Array,
    n: number,
    all: boolean,
    total: number,
  ): Float64Array {
    checkLength("X", X, n * spec.sizes[0]!);
    return this.module.within((scope) => {
      const numbers = describeNetwork(this.module, spec);
      const out = scope.room(total);
      const done = this.module.wasm.forward(
        scope.put(numbers),
        numbers.length,
        scope.put(theta),
        theta.length,
        scope.put(X),
        n,
        Number(all),
        out,
      );
      this.module.check(done);
      return scope.get(out, total);
    });
  }

  private start(
    spec: NetworkSpec,
    numbers: number[],
    seed: bigint,
    theta: Float64Array,
    rows: Rows,
  ): number {
    const { X, t, n, weights } = rows;
    checkLength("X", X, n * spec.sizes[0]!);
    checkLength("t", t, n * spec.sizes.at(-1)!);
    if (weights) checkLength("weights", weights, n);
    return this.module.within((scope) => {
      const pointer = this.module.wasm.start(
        scope.put(numbers),
        numbers.length,
        seed,
        scope.put(theta),
        theta.length,
        scope.put(X),
        scope.put(t),
        scope.put(weights),
        n,
      );
      this.module.check(pointer);
      return pointer >>> 0;
    });
  }
}

function padded(x: Float64Array, n: number): Float64Array {
  const y = new Float64Array(n);
  y.set(x);
  return y;
}

function checkLength(name: string, x: Float64Array, wanted: number): void {
  if (x.length !== wanted) throw new Error(`${name} must have ${wanted} numbers; got ${x.length}`);
}
