// Random numbers as NumPy's `default_rng(seed)` draws them, from the engine.

/** A stream of random numbers. */
export interface Random {
  /** n numbers, uniform in [0, 1). */
  random(n: number): Float64Array;
  /** n numbers, uniform in [low, high). */
  uniform(low: number, high: number, n: number): Float64Array;
  /** n numbers of the standard normal distribution. */
  normal(n: number): Float64Array;
  /** n integers, uniform in 0 … most − 1. */
  integers(most: number, n: number): ArrayLike<number>;
  /** The integers 0 … n − 1 in random order. */
  permutation(n: number): Int32Array;
}

export function random(_seed: number): Random {
  throw new Error("not written yet");
}
