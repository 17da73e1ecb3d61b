// NumPy's random numbers: PCG64 from a seed, bit for bit.

import type { RngState } from "./types.ts";

const soon = (): never => {
  throw new Error("the engine is still being built");
};

export class Rng {
  /** Numbers of [0, 1): `rng.random(n)`. */
  random(_n: number): Float64Array {
    return soon();
  }

  /** `rng.standard_normal(n)`, or `rng.normal(mean, deviation, n)`. */
  normal(_n: number, _mean = 0, _deviation = 1): Float64Array {
    return soon();
  }

  /** `rng.uniform(low, high, n)` */
  uniform(_low: number, _high: number, _n: number): Float64Array {
    return soon();
  }

  /** `int(rng.integers(high))`, for 0 < high ≤ 2⁶³ */
  integers(_high: bigint | number): bigint {
    return soon();
  }

  /** `rng.integers(high, size=n)`, for 0 < high ≤ 2³² ; `rng.choice(high, n)` draws the same. */
  integersArray(_high: number, _n: number): Float64Array {
    return soon();
  }

  /** `rng.permutation(n)` */
  permutation(_n: number): Int32Array {
    return soon();
  }

  /** `rng.shuffle(x)`, in place */
  shuffle(_x: Int32Array): void {
    soon();
  }

  state(): RngState {
    return soon();
  }

  setState(_state: RngState): void {
    soon();
  }
}
