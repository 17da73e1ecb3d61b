// NumPy's random numbers: PCG64 from a seed, bit for bit.

import type { Module } from "./module.ts";
import type { RngState } from "./types.ts";

const memory = new FinalizationRegistry<() => void>((free) => free());

export class Rng {
  private readonly pointer: number;

  /** NumPy's `default_rng(seed)`, for 0 ≤ seed < 2⁶⁴. */
  constructor(
    private readonly module: Module,
    seed: number | bigint,
  ) {
    const whole = typeof seed === "bigint" || Number.isSafeInteger(seed);
    if (!whole || BigInt(seed) < 0n || BigInt(seed) >= 1n << 64n)
      throw new Error(`a seed must be an integer from 0 to 2^64 - 1; got ${seed}`);
    const pointer = module.wasm.rng_new(BigInt(seed));
    this.pointer = pointer;
    memory.register(this, () => module.wasm.rng_free(pointer));
  }

  /** Numbers of [0, 1): `rng.random(n)`. */
  random(n: number): Float64Array {
    return this.uniform(0, 1, n);
  }

  /** `rng.standard_normal(n)`, or `rng.normal(mean, deviation, n)` */
  normal(n: number, mean = 0, deviation = 1): Float64Array {
    const x = this.drawn(n, (room) => this.module.wasm.rng_normal(this.pointer, room, n));
    return mean === 0 && deviation === 1 ? x : x.map((v) => mean + deviation * v);
  }

  /** `rng.uniform(low, high, n)` */
  uniform(low: number, high: number, n: number): Float64Array {
    return this.drawn(n, (room) =>
      this.module.wasm.rng_random(this.pointer, low, high - low, room, n),
    );
  }

  /** `int(rng.integers(high))`, for 0 < high ≤ 2⁶³ */
  integers(high: bigint | number): bigint {
    const most = BigInt(high) - 1n;
    if (most < 0n || most >= 1n << 63n) throw new Error(`high must be from 1 to 2^63; got ${high}`);
    return BigInt.asUintN(64, this.module.wasm.rng_integer(this.pointer, most));
  }

  /** `rng.integers(high, size=n)`, for 0 < high ≤ 2³²; `rng.choice(high, n)` draws the same. */
  integersArray(high: number, n: number): Float64Array {
    if (!(high >= 1 && high <= 2 ** 32)) throw new Error(`high must be from 1 to 2^32; got ${high}`);
    const most = BigInt(high - 1);
    return this.drawn(n, (room) => this.module.wasm.rng_integers(this.pointer, most, room, n));
  }

  /** `rng.permutation(n)` */
  permutation(n: number): Int32Array {
    return this.module.within((scope) => {
      const room = scope.room(Math.ceil(n / 2));
      this.module.wasm.rng_permutation(this.pointer, room, n);
      return scope.getInts(room, n);
    });
  }

  /** `rng.shuffle(x)`, in place */
  shuffle(x: Int32Array): void {
    x.set(this.permutation(x.length).map((i) => x[i]!));
  }

  /** NumPy's `bit_generator.state` */
  state(): RngState {
    return this.module.within((scope) => {
      const room = scope.room(5);
      this.module.wasm.rng_state(this.pointer, room);
      const bytes = scope.bytes(room, 40);
      const wide = (at: number) =>
        bytes.getBigUint64(at, true) | (bytes.getBigUint64(at + 8, true) << 64n);
      return {
        state: wide(0),
        inc: wide(16),
        hasUint32: bytes.getUint32(32, true),
        uinteger: bytes.getUint32(36, true),
      };
    });
  }

  setState(state: RngState): void {
    this.module.within((scope) => {
      const room = scope.room(5);
      const bytes = scope.bytes(room, 40);
      [state.state, state.inc].forEach((wide, i) => {
        bytes.setBigUint64(16 * i, BigInt.asUintN(64, wide), true);
        bytes.setBigUint64(16 * i + 8, wide >> 64n, true);
      });
      bytes.setUint32(32, state.hasUint32, true);
      bytes.setUint32(36, state.uinteger, true);
      this.module.wasm.rng_set_state(this.pointer, room);
    });
  }

  private drawn(n: number, draw: (room: number) => void): Float64Array {
    return this.module.within((scope) => {
      const room = scope.room(n);
      draw(room);
      return scope.get(room, n);
    });
  }
}
