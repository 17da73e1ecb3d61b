// A job: a network in training.

import type { Module, Scope } from "./module.ts";
import type { EpochResult, JobState, NonFinite } from "./types.ts";

const QUANTITIES = ["X", "t", "z", "the loss", "∂ℒ/∂z", "∂ℒ/∂W", "θ"];

const memory = new FinalizationRegistry<() => void>((free) => free());

export class Job {
  private pointer: number;

  /**
   * Made by `engine.job(…)`. slots: the names of the optimiser's slots; hasProduct: whether its state
   * has ∏μ.
   */
  constructor(
    private readonly module: Module,
    pointer: number,
    private readonly nParameters: number,
    private readonly slots: readonly string[],
    private readonly hasProduct = false,
  ) {
    this.pointer = pointer;
    memory.register(this, () => module.wasm.end(pointer), this);
  }

  /**
   * The next steps: mini-batches of the rows in `order` (all rows in their order if null), one
   * learning rate per step. A step that gives NaN or infinity is not made and ends the epoch.
   */
  runEpoch(
    order: Int32Array | BigInt64Array | null,
    rates: Float64Array,
    factors: { dropout?: Float64Array; decay?: Float64Array } = {},
  ): EpochResult {
    const { dropout, decay } = factors;
    for (const f of [dropout, decay])
      if (f && f.length !== rates.length) throw new Error("there must be a factor for each step");
    return this.within((scope) => {
      const rows = order instanceof BigInt64Array ? Int32Array.from(order, Number) : order;
      const result = scope.room(7);
      const done = this.module.wasm.run(
        this.pointer,
        rows ? scope.putInts(rows) : 0,
        rows ? rows.length : -1,
        scope.put(rates),
        scope.put(dropout),
        scope.put(decay),
        rates.length,
        result,
      );
      this.module.check(done);
      const [total, nSteps, nSamples, failed, quantity, layer, row] = scope.get(result, 7);
      const nonfinite = failed ? this.nonfinite(quantity!, layer!, row!) : null;
      const loss = failed || !nSamples ? NaN : total! / nSamples;
      return { loss, nSteps: nSteps!, nSamples: nSamples!, nonfinite };
    });
  }

  /** A copy of θ. */
  theta(): Float64Array {
    return this.within((scope) => this.read(scope, -1));
  }

  /** A copy of the whole state. */
  state(): JobState {
    return this.within((scope) => {
      const slots = this.slots.map((name, slot) => [name, this.read(scope, slot)]);
      const [nSteps, step, muProduct] = this.counts(scope);
      return {
        theta: this.read(scope, -1),
        slots: Object.fromEntries(slots),
        nSteps: nSteps!,
        step: step!,
        muProduct: this.hasProduct ? muProduct! : 1,
      };
    });
  }

  /** Puts a state back; it continues with the same bits. */
  restore(state: JobState): void {
    const arrays = [state.theta, ...this.slots.map((name) => state.slots[name])];
    if (arrays.some((values) => values?.length !== this.nParameters))
      throw new Error("this is not the state of such a job");
    this.within((scope) => {
      arrays.forEach((values, i) => this.module.wasm.write(this.pointer, i - 1, scope.put(values)));
      this.module.wasm.set_counts(this.pointer, state.nSteps, state.step, state.muProduct);
    });
  }

  /** ℒ with the penalty over all rows, and its gradient (P,), for a job without dropout. */
  lossAndGradient(): { loss: number; gradient: Float64Array } {
    return this.within((scope) => {
      const room = scope.room(this.nParameters);
      const loss = this.module.wasm.gradient(this.pointer, room);
      return { loss, gradient: scope.get(room, this.nParameters) };
    });
  }

  /** Gives the memory back; the job cannot be used afterwards. */
  free(): void {
    if (this.pointer) this.module.wasm.end(this.pointer);
    memory.unregister(this);
    this.pointer = 0;
  }

  private within<R>(f: (scope: Scope) => R): R {
    if (!this.pointer) throw new Error("the job is over: its memory was given back");
    return this.module.within(f);
  }

  private read(scope: Scope, slot: number): Float64Array {
    const room = scope.room(this.nParameters);
    this.module.wasm.read(this.pointer, slot, room);
    return scope.get(room, this.nParameters);
  }

  private counts(scope: Scope): Float64Array {
    const room = scope.room(3);
    this.module.wasm.counts(this.pointer, room);
    return scope.get(room, 3);
  }

  private nonfinite(quantity: number, layer: number, row: number): NonFinite {
    const step = this.module.within((scope) => this.counts(scope)[0]!) + 1;
    const name = QUANTITIES[quantity]!;
    const ofLayer = layer < 0 ? "" : ` of layer ${layer}`;
    const inRow = row < 0 ? "" : `, in row ${row} of its batch`;
    return {
      quantity: name,
      layer: layer < 0 ? null : layer,
      step,
      row: row < 0 ? null : row,
      text: `${name}${ofLayer} became NaN or infinite at step ${step}${inRow}`,
    };
  }
}
