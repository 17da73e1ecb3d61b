// The WebAssembly module: loading it, and handing arrays over.

import { inflateSync } from "fflate";

import packed from "./engine.wasm";

/** What web/engine/ exports. Pointers are numbers; 0 is none. */
interface Exports {
  memory: WebAssembly.Memory;
  _initialize(): void;
  allocate(bytes: number): number;
  release(pointer: number): void;
  error(): number;
  names(table: number): number;
  count(numbers: number, n: number): number;
  forward(numbers: number, nNumbers: number, theta: number, nTheta: number, X: number, n: number, all: number, out: number): number;
  losses(numbers: number, nNumbers: number, z: number, t: number, n: number, out: number): number;
  activation(act: number, z: number, h: number, slope: number, n: number): void;
  math(of: number, x: number, y: number, n: number): void;
  start(numbers: number, nNumbers: number, seed: bigint, theta: number, nTheta: number, X: number, t: number, weight: number, n: number): number;
  end(job: number): void;
  run(job: number, order: number, nOrder: number, rates: number, dropout: number, decay: number, nSteps: number, result: number): number;
  gradient(job: number, gradient: number): number;
  read(job: number, slot: number, values: number): void;
  write(job: number, slot: number, values: number): void;
  counts(job: number, values: number): void;
  set_counts(job: number, nSteps: number, step: number, muProduct: number): void;
  rng_new(seed: bigint): number;
  rng_free(rng: number): void;
  rng_state(rng: number, bytes: number): void;
  rng_set_state(rng: number, bytes: number): void;
  rng_random(rng: number, low: number, range: number, x: number, n: number): void;
  rng_normal(rng: number, x: number, n: number): void;
  rng_integer(rng: number, most: bigint): bigint;
  rng_integers(rng: number, most: bigint, x: number, n: number): void;
  rng_permutation(rng: number, x: number, n: number): void;
}

/** The instance, and what arrays need. A view of the memory lasts until the next allocation. */
export class Module {
  readonly activations: string[];
  readonly outputs: string[];
  readonly optimizers: Map<string, string[]>; // with the names of their slots

  private constructor(readonly wasm: Exports) {
    const names = (table: number) => this.text(wasm.names(table)).trim().split("\n");
    this.activations = names(0);
    this.outputs = names(1);
    this.optimizers = new Map(
      names(2).map((line) => {
        const [name, ...slots] = line.split(" ");
        return [name!, slots];
      }),
    );
  }

  static async load(): Promise<Module> {
    const deflated = Uint8Array.from(atob(packed), (c) => c.charCodeAt(0));
    const { instance } = await WebAssembly.instantiate(inflateSync(deflated), {}).catch((error) => {
      throw new Error(`this browser cannot run the engine, which needs WebAssembly with SIMD (${error.message})`);
    });
    const wasm = instance.exports as unknown as Exports;
    wasm._initialize();
    return new Module(wasm);
  }

  /** Calls `f` with a scope whose memory is released afterwards. */
  within<R>(f: (scope: Scope) => R): R {
    const scope = new Scope(this);
    try {
      return f(scope);
    } finally {
      scope.close();
    }
  }

  allocate(bytes: number): number {
    const pointer = this.wasm.allocate(Math.max(8, bytes));
    if (!pointer) throw new Error(this.text(this.wasm.error()) || "there is not enough memory");
    return pointer >>> 0;
  }

  /** Throws the engine's reason unless `done`. */
  check(done: number | boolean): void {
    if (!done) throw new Error(this.text(this.wasm.error()));
  }

  text(pointer: number): string {
    const bytes = new Uint8Array(this.wasm.memory.buffer, pointer >>> 0);
    return new TextDecoder().decode(bytes.slice(0, bytes.indexOf(0)));
  }
}

/** Arrays in the module's memory, for the time of a call. */
export class Scope {
  private readonly pointers: number[] = [];

  constructor(private readonly module: Module) {}

  /** Room for n float64. */
  room(n: number): number {
    const pointer = this.module.allocate(8 * n);
    this.pointers.push(pointer);
    return pointer;
  }

  /** A copy of numbers as float64; 0 for none. */
  put(values: ArrayLike<number> | undefined): number {
    if (!values) return 0;
    const pointer = this.room(values.length);
    this.view(pointer, values.length).set(values);
    return pointer;
  }

  /** A copy of whole numbers as int32. */
  putInts(values: ArrayLike<number>): number {
    const pointer = this.room(Math.ceil(values.length / 2));
    new Int32Array(this.module.wasm.memory.buffer, pointer, values.length).set(values);
    return pointer;
  }

  /** A copy of n float64. */
  get(pointer: number, n: number): Float64Array {
    return this.view(pointer, n).slice();
  }

  getInts(pointer: number, n: number): Int32Array {
    return new Int32Array(this.module.wasm.memory.buffer, pointer, n).slice();
  }

  bytes(pointer: number, n: number): DataView {
    return new DataView(this.module.wasm.memory.buffer, pointer, n);
  }

  close(): void {
    for (const pointer of this.pointers) this.module.wasm.release(pointer);
  }

  private view(pointer: number, n: number): Float64Array {
    return new Float64Array(this.module.wasm.memory.buffer, pointer, n);
  }
}
