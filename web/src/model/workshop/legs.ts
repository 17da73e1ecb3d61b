// The legs of a run, and their text in a link: "200~W1.0.1:0.5;learning_rate:0.1;300".
//
// A leg changes some settings or single weights, and then trains for a number of steps. Legs are
// separated by ~. A leg has its changes and then its number of steps, separated by ;.

import { number, shown } from "../settings.ts";
import { FIELDS } from "./settings.ts";

export const MAX_STEPS = 10_000_000;
export const MAX_LEGS = 200;

/** Settings that may change during a run, which continues from its current weights. */
export const DURING = [
  ...["optimizer", "learning_rate", "momentum", "batch_size", "l1", "l2", "weight_decay"],
];

/** Settings of DURING by name, and single parameters as "W1.0.2" or "b1.0". */
export type Change = [name: string, value: number | string];

export interface Leg {
  changes: Change[];
  steps: number;
}

/** Layers count from 1; units and their inputs from 0. */
export interface Place {
  name: "W" | "b";
  layer: number;
  unit: number;
  source: number;
}

/** The parameter that a name means; null for any other text. */
export function placeOf(name: string): Place | null {
  const found = /^(?:W([1-9])\.(\d{1,3})\.(\d{1,3})|b([1-9])\.(\d{1,3}))$/.exec(name);
  if (!found) return null;
  const [, layer, unit, source, layerOfBias, unitOfBias] = found;
  return layer
    ? { name: "W", layer: Number(layer), unit: Number(unit), source: Number(source) }
    : { name: "b", layer: Number(layerOfBias), unit: Number(unitOfBias), source: 0 };
}

/** The legs of a text; throws an Error for anything else. */
export function parseRun(run: string): Leg[] {
  if (!run) return [{ changes: [], steps: 0 }];
  const parts = run.split("~");
  if (parts.length > MAX_LEGS)
    throw new Error(`run must have at most ${MAX_LEGS} legs; got ${parts.length}`);
  const legs = parts.map((part) => {
    const changes = part.split(";");
    const steps = changes.pop()!;
    if (!/^\d{1,12}$/.test(steps) || Number(steps) > MAX_STEPS)
      throw new Error(`run: a leg must end with its number of steps, at most ${grouped(MAX_STEPS)}`);
    return { changes: changes.map(parseChange), steps: Number(steps) };
  });
  if (stepsOf(legs) > MAX_STEPS)
    throw new Error(`run must have at most ${grouped(MAX_STEPS)} steps`);
  return legs;
}

/** The text that `parseRun` reads. */
export function writeRun(legs: readonly Leg[]): string {
  const [first] = legs;
  if (legs.length === 1 && !first!.changes.length && !first!.steps) return "";
  return legs
    .map((leg) => [...leg.changes.map(([name, value]) => `${name}:${value}`), leg.steps].join(";"))
    .join("~");
}

/** The number of steps of all legs. */
export function stepsOf(legs: readonly Leg[]): number {
  return legs.reduce((sum, leg) => sum + leg.steps, 0);
}

/** A change between legs, checked; throws an Error for an unknown name or an invalid value. */
export function checkChange(name: unknown, value: unknown): Change {
  if (typeof name === "string" && DURING.includes(name))
    return [name, FIELDS[name]!.kind.check(name, value)];
  if (typeof name === "string" && placeOf(name)) return [name, weight(name).check(name, value)];
  throw new Error(`${shown(name)} is neither a parameter nor one of ${DURING.join(", ")}`);
}

const weight = (name: string) => number(name, -1e6, 1e6);

function parseChange(change: string): Change {
  const at = change.indexOf(":");
  const [name, value] = at < 0 ? [change, ""] : [change.slice(0, at), change.slice(at + 1)];
  if (DURING.includes(name)) return checkChange(name, FIELDS[name]!.kind.read(name, value));
  return checkChange(name, placeOf(name) ? weight(name).read(name, value) : value);
}

function grouped(n: number): string {
  return n.toLocaleString("en");
}
