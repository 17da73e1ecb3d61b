// A job: a network in training.

import type { EpochResult, JobState } from "./types.ts";

const soon = (): never => {
  throw new Error("the engine is still being built");
};

export class Job {
  /**
   * The next steps: mini-batches of the rows in `order` (all rows in their order if null), one
   * learning rate per step. A step that gives NaN or infinity is not made and ends the epoch.
   */
  runEpoch(
    _order: Int32Array | BigInt64Array | null,
    _rates: Float64Array,
    _factors?: { dropout?: Float64Array; decay?: Float64Array },
  ): EpochResult {
    return soon();
  }

  /** A copy of θ. */
  theta(): Float64Array {
    return soon();
  }

  state(): JobState {
    return soon();
  }

  restore(_state: JobState): void {
    soon();
  }

  /** ℒ with the penalty over all rows, and its gradient. Dropout is off. */
  lossAndGradient(): { loss: number; gradient: Float64Array } {
    return soon();
  }

  /** Gives the memory back; the job cannot be used afterwards. */
  free(): void {
    soon();
  }
}
