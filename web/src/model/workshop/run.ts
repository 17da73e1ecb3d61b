// A training run that can be stepped, changed, rewound to any step, and written as Python.
//
// A run depends only on its settings, its data and its legs. Leg k trains with a fresh optimiser and a
// fresh order of the rows: it equals `net.train(X, t, optimizer, batch_size=…, seed=seed + k,
// max_steps=…)` in Python bit for bit. A bounded number of snapshots after epochs lead back to any
// step: the nearest one before it is restored, and the steps from there are taken again.

import type { Engine, Job, JobState, NetworkSpec, NonFinite, Rng, RngState, Rows } from "../../engine/index.ts";
import type { Settings } from "../../protocol.ts";
import type { Dataset } from "./datasets.ts";
import { checkChange, type Leg, MAX_LEGS, MAX_STEPS, parseRun, placeOf, stepsOf, writeRun } from "./legs.ts";
import { indexOf, networkOf, rowsOf } from "./network.ts";
import { changed, isBefore, ofRun } from "./places.ts";
import { lossAndScore, type Scores } from "./scores.ts";

const SNAPSHOT_BYTES = 32 * 2 ** 20;
const MOST_SNAPSHOTS = 400;
const CURVE_POINTS = 1000;

/** The state of a run after a whole epoch, or at the start of a leg. */
export interface Snapshot {
  step: number;
  leg: number;
  /** Steps since the start of the leg. */
  legStep: number;
  state: JobState;
  rng: RngState;
  scores: Scores;
}

/** A point of the curves. */
export interface CurvePoint extends Scores {
  step: number;
  epoch: number;
}

export class Run {
  /** All recorded legs; `leg` and `legStep` say where the run stands. */
  legs: Leg[];
  leg = 0;
  legStep = 0;
  /** Steps from the start of the run. */
  step = 0;
  /** The settings with the changes of the legs up to here. */
  settings: Settings;
  network: NetworkSpec;
  rows: Rows;
  test: Rows | null;
  curve: CurvePoint[] = [];
  snapshots: Snapshot[] = [];
  /** Epochs of a leg between two snapshots. */
  snapshotStride = 1;
  /** Where NaN or infinity would have appeared in the next step. */
  nonfinite: NonFinite | null = null;
  /** Losses and scores at the end of each leg before this one. */
  endScores: Scores[] = [];
  stepsPerEpoch = 1;
  private curveStride = 1;
  private mostSnapshots: number;
  private before: Float64Array[] = []; // θ before the changes of each leg
  private job!: Job;
  private end: Float64Array | null = null; // θ when the memory was given back
  private rng!: Rng;
  private order!: Int32Array;
  private offset = 0; // steps since the start of the epoch
  private rates!: Float64Array;
  private beforeEpoch!: Float64Array;
  private scored: { step: number; leg: number; scores: Scores } | null = null;

  /** The run of `start.run`, standing at its beginning. Free it when it is no longer needed. */
  constructor(
    readonly engine: Engine,
    readonly start: Settings,
    readonly dataset: Dataset,
  ) {
    this.settings = start;
    this.legs = parseRun(start.run);
    this.network = networkOf(start, dataset);
    for (const leg of this.legs) for (const [name] of leg.changes) this.place(name);
    this.rows = rowsOf(this.network, dataset.X, dataset.t);
    this.test = dataset.n_test ? rowsOf(this.network, dataset.X_test, dataset.t_test) : null;
    const theta = engine.initialTheta(this.network, start.initializer, start.seed);
    const fit = Math.floor(SNAPSHOT_BYTES / (3 * theta.byteLength));
    this.mostSnapshots = Math.min(Math.max(fit, 16), MOST_SNAPSHOTS);
    this.beginLeg(0, theta);
  }

  /** Give the engine's memory back. The run can still be read, but it trains no more. */
  free(): void {
    this.end = this.theta;
    this.job.free();
  }

  // ---- where it stands ---------------------------------------------------------------------------

  /** The number of recorded steps; the run stands at one of them. */
  get nSteps(): number {
    return stepsOf(this.legs);
  }

  /** The number of passes over the training rows so far. */
  get epoch(): number {
    return this.epochsAt(this.leg, this.legStep);
  }

  /** The number of passes over the training rows in this leg. */
  get epochsOfLeg(): number {
    return this.legStep / this.stepsPerEpoch;
  }

  /** A copy of θ here. */
  get theta(): Float64Array {
    return this.end ?? this.job.theta();
  }

  /**
   * θ at the start of the current epoch (of the last epoch, if it has just ended), and how many steps
   * ago this was.
   */
  get epochStart(): [theta: Float64Array, steps: number] {
    return [this.beforeEpoch, this.offset || Math.min(this.stepsPerEpoch, this.legStep)];
  }

  /** The legs up to here; the last leg has the steps done so far. */
  get legsHere(): Leg[] {
    const here = { changes: this.legs[this.leg]!.changes, steps: this.legStep };
    return [...this.legs.slice(0, this.leg), here];
  }

  /** The settings whose run ends here. */
  get linkSettings(): Settings {
    return { ...this.start, run: writeRun(this.legsHere) };
  }

  /** Losses and scores here. */
  get scores(): Scores {
    const { scored, step, leg } = this;
    if (scored && scored.step === step && scored.leg === leg) return scored.scores;
    const { engine, network, theta, dataset } = this;
    const of = (rows: Rows, t: Float64Array) =>
      lossAndScore(engine, network, theta, rows, t, dataset.n_classes);
    const [loss, score] = of(this.rows, dataset.t);
    const [test_loss, test_score] = this.test ? of(this.test, dataset.t_test) : [NaN, NaN];
    const scores = { loss, test_loss, score, test_score };
    this.scored = { step, leg, scores };
    return scores;
  }

  /** The training rows of the next step. */
  nextBatch(): Int32Array {
    let order = this.order;
    if (this.offset === 0) {
      const state = this.rng.state();
      order = this.rng.permutation(this.rows.n);
      this.rng.setState(state);
    }
    const size = this.settings.batch_size;
    return order.subarray(this.offset * size, (this.offset + 1) * size);
  }

  /** The number of passes over the training rows at a step of a leg. */
  epochsAt(leg: number, legStep: number): number {
    let epochs = 0;
    let settings = this.start;
    this.legs.slice(0, leg + 1).forEach((each, number) => {
      settings = changed(settings, each);
      epochs += (number === leg ? legStep : each.steps) / this.stepsInEpoch(settings);
    });
    return epochs;
  }

  /** The settings of a leg. */
  settingsOf(leg: number): Settings {
    return this.legs.slice(0, leg + 1).reduce(changed, this.start);
  }

  /** The number of steps in an epoch. */
  stepsInEpoch(settings: Settings): number {
    return Math.ceil(this.rows.n / settings.batch_size);
  }

  /** θ along the run up to here: at the snapshots, and now. */
  path(): { step: number; theta: Float64Array }[] {
    const before = this.snapshots.filter((one) => isBefore(one, this));
    const now = { step: this.step, theta: this.theta };
    return [...before.map(({ step, state }) => ({ step, theta: state.theta })), now];
  }

  // ---- moving ------------------------------------------------------------------------------------

  /** Train from here; everything recorded after this point is discarded first. */
  advance(steps: number): void {
    this.forgetWhatFollows();
    this.train(Math.min(steps, MAX_STEPS - this.step));
    this.legs[this.legs.length - 1] = { changes: this.legs.at(-1)!.changes, steps: this.legStep };
  }

  /** Train to the end of the current epoch. */
  advanceEpoch(): void {
    this.advance(this.stepsPerEpoch - this.offset);
  }

  /**
   * Change a weight or a setting here; everything recorded after this point is discarded.
   *
   * Throws an Error for an invalid name or value.
   */
  change(name: unknown, value: unknown): void {
    const change = checkChange(name, value);
    this.place(change[0]);
    if (this.legStep && this.legs.length >= MAX_LEGS)
      throw new Error(`a run can be changed at most ${MAX_LEGS} times; start a new run`);
    this.forgetWhatFollows();
    if (this.legStep === 0) {
      const changes = new Map(this.legs[this.leg]!.changes);
      changes.set(...change);
      this.legs[this.leg] = { changes: [...changes], steps: 0 };
      this.snapshots = this.snapshots.filter((snapshot) => snapshot.leg < this.leg);
      this.beginLeg(this.leg, this.before[this.leg]!);
    } else {
      this.legs.push({ changes: [change], steps: 0 });
      this.beginLeg(this.leg + 1, this.theta);
    }
  }

  /** Go back to the nearest snapshot at or before a step; `replay` continues from there. */
  rewind(step: number): void {
    const { snapshots } = this;
    let place = snapshots.length - 1;
    while (place >= 0 && snapshots[place]!.step > step) place--;
    // The epoch that ends here is trained again, to know its changes (see epochStart).
    while (place >= 0 && snapshots[place]!.legStep && snapshots[place]!.step === step) place--;
    if (place < 0) return;
    const isBetween = snapshots[place]!.step <= this.step && this.step <= step;
    if (!isBetween) this.restore(snapshots[place]!);
  }

  /** Repeat up to `steps` recorded steps towards a step; returns whether it is reached. */
  replay(step: number, steps: number): boolean {
    const goal = Math.min(step, this.nSteps);
    const atEnd = () => this.legStep === this.legs[this.leg]!.steps;
    while (this.step < goal && steps > 0 && !this.nonfinite) {
      if (atEnd()) {
        this.beginLeg(this.leg + 1, this.theta);
        continue;
      }
      const left = this.legs[this.leg]!.steps - this.legStep;
      const taken = Math.min(left, goal - this.step, steps);
      this.train(taken);
      steps -= taken;
    }
    // the changes at this step are part of it
    while (this.step === goal && atEnd() && this.leg + 1 < this.legs.length)
      this.beginLeg(this.leg + 1, this.theta);
    if (!this.nonfinite) return this.step >= goal;
    this.forgetWhatFollows(); // recorded on another machine: it ends here
    return true;
  }

  /** Go to a recorded step, however long it takes. */
  seek(step: number): void {
    this.rewind(step);
    while (!this.replay(step, 10_000));
  }

  // ---- inside ------------------------------------------------------------------------------------

  /** The place of a parameter in θ; −1 for a setting, otherwise an Error. */
  private place(name: string): number {
    const place = placeOf(name);
    return place ? indexOf(this.network.sizes, place, name) : -1;
  }

  /** Go to the start of a leg and apply its changes to θ and the settings. */
  private beginLeg(number: number, theta: Float64Array): void {
    if (this.leg === number - 1) this.endScores[this.leg] = this.scores;
    this.before.length = number;
    this.before.push(theta);
    const own = theta.slice();
    for (const [name, value] of this.legs[number]!.changes) {
      const place = this.place(name);
      if (place >= 0) own[place] = value as number;
    }
    this.startJob(number, own);
    this.snapshot();
    this.record();
  }

  /** Start like `Network.train`: the generator gives the dropout seed, then the row orders. */
  private startJob(leg: number, theta: Float64Array): void {
    this.leg = leg;
    this.legStep = this.offset = 0;
    this.nonfinite = this.scored = null;
    const settings = this.settingsOf(leg);
    this.settings = settings;
    this.rng = this.engine.rng(settings.seed + leg);
    const seed = this.rng.integers(2n ** 63n);
    this.job?.free();
    this.job = this.engine.job(
      {
        ...this.network,
        optimizer: settings.optimizer,
        optimizerOptions: settings.optimizer === "sgd" ? { momentum: settings.momentum } : {},
        weightDecay: settings.weight_decay,
        batchSize: settings.batch_size,
        l1: settings.l1,
        l2: settings.l2,
        seed,
      },
      theta,
      this.rows,
    );
    this.stepsPerEpoch = this.stepsInEpoch(settings);
    this.rates = new Float64Array(this.stepsPerEpoch).fill(settings.learning_rate);
    this.order = Int32Array.from({ length: this.rows.n }, (_, row) => row);
    this.beforeEpoch = theta;
  }

  private train(steps: number): void {
    const size = this.settings.batch_size;
    while (steps > 0 && !this.nonfinite) {
      let rng: RngState | null = null;
      if (this.offset === 0) {
        this.beforeEpoch = this.theta;
        rng = this.rng.state();
        this.order = this.rng.permutation(this.rows.n);
      }
      const k = Math.min(steps, this.stepsPerEpoch - this.offset);
      const order = this.order.subarray(this.offset * size, (this.offset + k) * size);
      const result = this.job.runEpoch(order, this.rates.subarray(0, k));
      if (rng && result.nSteps === 0) this.rng.setState(rng); // as if the epoch had not started
      this.step += result.nSteps;
      this.legStep += result.nSteps;
      this.offset = (this.offset + result.nSteps) % this.stepsPerEpoch;
      if (result.nonfinite) this.nonfinite = ofRun(result.nonfinite, this.step + 1);
      steps -= k;
      if (this.offset === 0 && !this.nonfinite) this.endEpoch();
    }
  }

  private endEpoch(): void {
    const epoch = this.legStep / this.stepsPerEpoch;
    if (epoch % this.snapshotStride === 0) this.snapshot();
    if (epoch % this.curveStride === 0) this.record();
  }

  private snapshot(): void {
    const { snapshots, step, leg, legStep } = this;
    let place = snapshots.length;
    while (place > 0 && isBefore({ step, leg }, snapshots[place - 1]!)) place--;
    const last = snapshots[place - 1];
    if (last && last.step === step && last.leg === leg) return;
    const { scores } = this;
    const rng = this.rng.state();
    snapshots.splice(place, 0, { step, leg, legStep, state: this.job.state(), rng, scores });
    if (snapshots.length <= this.mostSnapshots + this.legs.length) return;
    this.snapshotStride *= 2;
    this.snapshots = snapshots.filter((one) => {
      const epochs = Math.floor(one.legStep / this.stepsInEpoch(this.settingsOf(one.leg)));
      return one.legStep === 0 || epochs % this.snapshotStride === 0;
    });
  }

  /** Add a point to the curves if it is missing; drop every second point if there are many. */
  private record(): void {
    const { curve } = this;
    if (curve.length && curve.at(-1)!.step > this.step) return;
    if (curve.length && curve.at(-1)!.step === this.step) curve.pop(); // weights may have been changed by hand
    curve.push({ step: this.step, epoch: this.epoch, ...this.scores });
    if (curve.length <= CURVE_POINTS) return;
    this.curveStride *= 2;
    const last = curve.length - 1;
    this.curve = curve.filter((_, place) => place === last || place % 2 === 0);
  }

  private restore(snapshot: Snapshot): void {
    this.startJob(snapshot.leg, snapshot.state.theta.slice());
    this.job.restore(snapshot.state);
    this.rng.setState(snapshot.rng);
    this.step = snapshot.step;
    this.legStep = snapshot.legStep;
  }

  private forgetWhatFollows(): void {
    if (this.step === this.nSteps && this.leg === this.legs.length - 1) return;
    this.legs = this.legsHere;
    this.before.length = this.leg + 1;
    this.endScores.length = this.leg;
    this.snapshots = this.snapshots.filter((snapshot) => !isBefore(this, snapshot));
    this.curve = this.curve.filter((point) => point.step <= this.step);
  }
}
