// What is wrong with a run: clearprop/explain/run_findings.py, over the run's snapshots.
//
// Rates are judged from the last leg, overfitting from the whole run: what
// `clearprop.playground.results.findings` finds in Python from a recorder of each leg.

import limits from "../../data/limits.json";
import { t as text } from "../../text.ts";
import { type Evidence, evidenceName, type Finding, finding, nonfiniteFinding } from "./findings.ts";
import { updatesOf } from "./layers.ts";
import { isForClasses } from "./network.ts";
import type { Run } from "./run.ts";
import { mean } from "./scores.ts";

/** The state of the run after some epochs of a leg. */
interface Point {
  /** Epochs since the start of the leg; a part of an epoch counts as one. */
  epoch: number;
  step: number;
  loss: number;
  test: number;
  theta: Float64Array | null;
}

/** The findings about the course of a run up to where it stands. */
export function runFindings(run: Run): Finding[] {
  return [...rateFindings(run), ...overfitting(run)];
}

/** What could not be judged, in words. */
export function unjudged(run: Run): string[] {
  const words: string[] = [];
  const n = limits.epochs_for_plateau;
  if (run.epochsOfLeg < n)
    words.push(text("Training itself can be judged after {n} epochs with the same settings.", { n }));
  if (!run.test) words.push(text("Without test rows, overfitting cannot be seen."));
  return words;
}

/** The points of a leg after its start: every epoch that has a snapshot, and its end. */
function pointsOf(run: Run, leg: number): Point[] {
  const isHere = leg === run.leg;
  const end = isHere ? run.legStep : run.legs[leg]!.steps;
  const steps = run.stepsInEpoch(run.settingsOf(leg));
  const points: Point[] = run.snapshots
    .filter((one) => one.leg === leg && one.legStep > 0 && one.legStep < end)
    .map(({ legStep, scores, state }) => ({
      epoch: legStep / steps,
      step: legStep,
      loss: scores.loss,
      test: scores.test_loss,
      theta: state.theta,
    }));
  const scores = isHere ? run.scores : run.endScores[leg];
  if (end > 0 && scores)
    points.push({
      epoch: Math.ceil(end / steps),
      step: end,
      loss: scores.loss,
      test: scores.test_loss,
      theta: isHere ? run.theta : null,
    });
  return points;
}

/** NaN, steps that are too large or too small, and a loss that does not fall. */
function rateFindings(run: Run): Finding[] {
  const { leg } = run;
  const start = run.snapshots.find((one) => one.leg === leg && one.legStep === 0);
  const points = pointsOf(run, leg);
  const found = run.nonfinite ? [nonfiniteFinding(run.nonfinite)] : [];
  if (!start) return found;
  const course = {
    points,
    first: start.scores.loss,
    constant: bestConstant(run),
    steps: run.legStep,
    updates: mediansOfUpdates(run, { step: 0, theta: start.state.theta }, points),
    rate: run.settings.learning_rate,
  };
  const high = tooHigh(course);
  if (high.length || run.nonfinite) return [...found, ...high];
  const slow = noProgress(course);
  return slow.length ? slow : noBetterThanConstant(course);
}

interface Course {
  points: Point[];
  /** ℒ at the start of the leg, and of the best constant prediction. */
  first: number;
  constant: number;
  steps: number;
  /** For each layer, the median of |ΔW| / |W| per step. */
  updates: number[];
  rate: number;
}

/** Signs of steps that are too large: ℒ rises, ℒ jumps, weights swing. */
function tooHigh({ points, first, constant, updates, rate }: Course): Finding[] {
  const finite = points.filter((point) => Number.isFinite(point.loss));
  const signs: Evidence = {};
  let epoch = 0;
  const worst = finite.reduce((a, b) => (b.loss > a.loss ? b : a), finite[0] ?? { loss: NaN, epoch });
  const highest = limits.rose * Math.max(first, constant);
  if (Number.isFinite(first) && worst.loss > highest && highest > 0) {
    epoch = worst.epoch;
    Object.assign(signs, { first, worst: worst.loss });
  }
  if (finite.length >= limits.epochs_for_jumps) {
    const later = finite.slice(Math.floor(finite.length / 4)).map((point) => point.loss);
    const jumps = mean(
      later
        .slice(1)
        .map((loss, i) => Number(loss > limits.jump * later[i]! && loss > 0.1 * finite[0]!.loss)),
    );
    if (jumps >= limits.many_jumps) signs.jumps = `${Math.round(100 * jumps)}%`;
  }
  updates.forEach((update, i) => {
    if (points.length > 1 && update > limits.large_update)
      signs[evidenceName("learning_rate_high", "update", { layer: i + 1 })] = update;
  });
  if (!Object.keys(signs).length) return [];
  return [finding("learning_rate_high", { ...signs, rate }, { epoch })];
}

/** ℒ has not fallen, although it could. */
function noProgress({ points, first, constant, steps, updates }: Course): Finding[] {
  const lowest = least(points);
  const fell = !(lowest > limits.no_progress * first);
  if (steps < limits.steps_for_progress || fell || first < 0.5 * constant) return [];
  const known = updates.filter((update) => !Number.isNaN(update));
  const fastest = known.length ? Math.max(...known) : NaN;
  const key = fastest < limits.small_update ? "learning_rate_low" : "no_progress";
  return [finding(key, { first, lowest, steps, update: fastest })];
}

/** ℒ has fallen to that of a constant prediction, and stays there. */
function noBetterThanConstant({ points, constant, steps }: Course): Finding[] {
  const finite = points.filter((point) => Number.isFinite(point.loss));
  const short = finite.length < 2 || points.at(-1)!.epoch < limits.epochs_for_plateau;
  if (short || steps < limits.steps_for_progress) return [];
  const half = Math.floor(finite.length / 2);
  const falls = least(finite.slice(half)) < limits.flat * least(finite.slice(0, half));
  const lowest = least(points);
  if (falls || !(constant > 0 && lowest > limits.constant * constant)) return [];
  return [finding("no_better_than_constant", { lowest, constant, steps })];
}

/** The test loss is past its best while the training loss still falls. */
function overfitting(run: Run): Finding[] {
  if (!run.test) return [];
  const points = Array.from({ length: run.leg + 1 }, (_, leg) =>
    pointsOf(run, leg).map((point) => ({ ...point, epoch: run.epochsAt(leg, point.step) })),
  ).flat();
  const n = points.length;
  if (n < limits.epochs_for_jumps || !points.every((point) => Number.isFinite(point.test))) return [];
  const place = points.reduce((low, point, i) => (point.test < points[low]!.test ? i : low), 0);
  const [best, last] = [points[place]!, points[n - 1]!];
  if (place > Math.floor((2 * n) / 3) || !(last.test > limits.overfitted * best.test)) return [];
  if (last.loss >= best.loss) return [];
  const evidence = { best: best.test, last: last.test, then: best.loss, now: last.loss };
  return [finding("overfitting", evidence, { epoch: Math.round(best.epoch) })];
}

/** For each layer, the median of |ΔW| / |W| per step between two points; NaN if unknown. */
function mediansOfUpdates(
  run: Run,
  start: { step: number; theta: Float64Array },
  points: Point[],
): number[] {
  let before = start;
  const all = points.map(({ step, theta }) => {
    const updates = updatesOf(run.network.sizes, theta!, before.theta, step - before.step);
    before = { step, theta: theta! };
    return updates;
  });
  return run.network.sizes.slice(1).map((_, i) => {
    const values = all.map((updates) => updates[i]!).filter(Number.isFinite);
    return median(values);
  });
}

/** Approximately ℒ of the best constant prediction on the training rows. */
function bestConstant(run: Run): number {
  const { engine, network, rows } = run;
  const K = network.sizes.at(-1)!;
  const z = Array.from({ length: K }, (_, k) => {
    const t = Float64Array.from({ length: rows.n }, (_, row) => rows.t[row * K + k]!);
    const centre = mean(t);
    if (network.output === "softmax") return Math.log(Math.max(centre, 1e-12));
    return isForClasses(network.output) ? logit(centre) : centre;
  });
  const all = Float64Array.from({ length: rows.n * K }, (_, e) => z[e % K]!);
  return mean(engine.losses(network, all, rows.t, rows.n));
}

function logit(share: number): number {
  const p = Math.min(Math.max(share, 1e-12), 1 - 1e-12);
  return Math.log(p / (1 - p));
}

function least(points: Point[]): number {
  return points.length ? Math.min(...points.map((point) => point.loss)) : NaN;
}

function median(values: number[]): number {
  if (!values.length) return NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}
