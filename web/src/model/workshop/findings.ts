// What is wrong with a network or its data: clearprop/explain/net_findings.py and data_findings.py.
//
// The texts and the limits are Python's, in data/findings.json and data/limits.json.

import type { Engine, NetworkSpec, Rows } from "../../engine/index.ts";
import known from "../../data/findings.json";
import limits from "../../data/limits.json";
import { t as text } from "../../text.ts";
import type { Dataset } from "./datasets.ts";
import { deadUnits, type Pass, pass, rms, saturatedUnits } from "./layers.ts";
import { isForClasses } from "./network.ts";
import { largest, mean } from "./scores.ts";

export type Evidence = Record<string, number | string>;

/** One problem, or one fact worth knowing. */
export interface Finding {
  code: string;
  severity: "error" | "warning" | "note";
  message: string;
  advice: string;
  /** The numbers that show it. */
  evidence: Evidence;
  /** The layer concerned, from 1. */
  layer: number | null;
  /** The units, columns, classes or rows concerned, from 0. */
  where: number[];
}

interface Known {
  key: string;
  code: string;
  severity: Finding["severity"];
  message: string;
  advice: string;
  evidence: Record<string, string>;
  page: string;
}

const KNOWN = new Map((known as unknown as Known[]).map((entry) => [entry.key, entry]));
const SEVERITIES = ["error", "warning", "note"];

type Filled = Record<string, string | number>;
interface About {
  severity?: Finding["severity"] | "";
  layer?: number | null;
  where?: number[];
}

/** The finding of a key. evidence: by its short names, or by names from `evidenceName`. */
export function finding(key: string, evidence: Evidence, filled: Filled = {}, about: About = {}): Finding {
  const entry = KNOWN.get(key)!;
  const { severity, layer = null, where = [] } = about;
  const values = layer === null ? filled : { layer, ...filled };
  const named = Object.entries(evidence).map(([name, value]) => [
    text(entry.evidence[name] ?? name, values),
    value,
  ]);
  return {
    code: entry.code,
    severity: severity || entry.severity,
    message: text(entry.message, values),
    advice: text(entry.page || entry.advice),
    evidence: Object.fromEntries(named),
    layer,
    where,
  };
}

/** The name that evidence is shown with, for what appears more than once in a finding. */
export function evidenceName(key: string, name: string, filled: Filled): string {
  return text(KNOWN.get(key)!.evidence[name]!, filled);
}

/** The most severe first; else in their order. */
export function bySeverity(findings: Finding[]): Finding[] {
  const rank = (one: Finding) => SEVERITIES.indexOf(one.severity);
  return [...findings].sort((a, b) => rank(a) - rank(b));
}

/** NaN at a step of the run, counted from its start. */
export function nonfiniteFinding(place: {
  quantity: string;
  layer: number | null;
  step: number;
  row: number | null;
}): Finding {
  const { quantity, layer, step, row } = place;
  const key = ["X", "t"].includes(quantity) ? `nonfinite ${quantity}` : "nonfinite";
  const filled = {
    quantity: text(quantity),
    of_layer: layer === null ? "" : text(" of layer {layer}", { layer }),
    when: text(" at step {step}", { step }),
  };
  const evidence: Evidence = {};
  if (layer !== null) evidence.layer = layer;
  evidence.step = step;
  if (row !== null) evidence.batch = row + 1;
  return finding(key, evidence, filled, { layer });
}

/** The findings about a network and the rows that it is trained on. */
export function networkAndDataFindings(
  engine: Engine,
  network: NetworkSpec,
  theta: Float64Array,
  rows: Rows,
  dataset: Dataset,
): Finding[] {
  return [
    ...inputFindings(dataset.X, dataset.n, dataset.features),
    ...targetFindings(network, dataset),
    ...networkFindings(engine, network, theta, rows),
  ];
}

// ---- the inputs ----------------------------------------------------------------------------------

/** Constant and unscaled columns; X (n, D) is finite. */
export function inputFindings(X: Float64Array, n: number, names: readonly string[]): Finding[] {
  if (n < 2) return [];
  const D = names.length;
  const columns = names.map((_, j) => Float64Array.from({ length: n }, (_, row) => X[row * D + j]!));
  const means = columns.map(mean);
  const deviations = columns.map((x, j) => rms(x.map((v) => v - means[j]!)));
  const sizes = means.map((m, j) => Math.sqrt(m ** 2 + deviations[j]! ** 2));
  const most = columns.map((x) => x.reduce((size, v) => Math.max(size, Math.abs(v)), 0));
  const constant = columns.map((x) => x.every((v) => v === x[0]));
  const wrong = names.map((_, j) => {
    const centre = Math.abs(means[j]!);
    const far = centre > limits.far_from_zero * deviations[j]! && centre > 1;
    const size = sizes[j]! > limits.large_input || most[j]! < limits.small_input;
    return !constant[j] && (size || far);
  });
  const found: Finding[] = [];
  if (constant.some(Boolean)) {
    const where = placesOf(constant);
    const evidence = { constant: where.length, all: D };
    found.push(finding("constant_input", evidence, { columns: columnsText(where, names) }, { where }));
  }
  if (wrong.some(Boolean)) {
    const where = placesOf(wrong);
    const far = where.map((j) => Math.abs(Math.log(Math.max(sizes[j]!, 1e-300))));
    const worst = where[largest(far)]!;
    const evidence = {
      columns: where.length,
      worst: names[worst]!,
      mean: means[worst]!,
      deviation: deviations[worst]!,
    };
    found.push(finding("unscaled_input", evidence, { columns: columnsText(where, names) }, { where }));
  }
  return found;
}

// ---- the target ----------------------------------------------------------------------------------

function targetFindings(network: NetworkSpec, { t, n, labels }: Dataset): Finding[] {
  if (n < 2) return [];
  if (!isForClasses(network.output)) return numberFindings(t, n);
  const counts = new Array<number>(network.output === "softmax" ? labels.length : 2).fill(0);
  for (const label of t) counts[label]!++;
  return classFindings(counts, n, labels);
}

/** Findings from the number of rows of each class. */
function classFindings(counts: number[], n: number, labels: readonly string[]): Finding[] {
  const present = counts.map((count) => count > 0);
  const common = largest(counts);
  if (present.filter(Boolean).length <= 1) {
    const label = labels[common]!;
    return [finding("constant_class", { rows: n, class: label }, { label })];
  }
  const found: Finding[] = [];
  const missing = placesOf(present.map((is) => !is));
  if (missing.length && n >= limits.rows_per_class * counts.length) {
    const evidence = { rows: n, classes: counts.length, missing: missing.length };
    const names = listed(missing.map((k) => labels[k]!));
    found.push(finding("missing_class", evidence, { labels: names }, { where: missing }));
  }
  const there = placesOf(present);
  const rare = there[largest(there.map((k) => -counts[k]!))]!;
  if (n >= limits.rows_for_classes && counts[common]! >= limits.imbalance * counts[rare]!) {
    const evidence = { rare: counts[rare]!, common: counts[common]! };
    const names = { rare: labels[rare]!, common: labels[common]! };
    found.push(finding("imbalance", evidence, names, { where: [rare] }));
  }
  return found;
}

function numberFindings(t: Float64Array, n: number): Finding[] {
  const columns = columnsText([0], ["0"]);
  const found: Finding[] = [];
  if (t.every((value) => value === t[0]))
    found.push(finding("constant_target", { rows: n, value: t[0]! }, { columns }, { where: [0] }));
  if (rms(t) > limits.large_target) {
    const centre = mean(t);
    const evidence = { mean: centre, deviation: rms(t.map((value) => value - centre)) };
    found.push(finding("unscaled_target", evidence, { columns }, { where: [0] }));
  }
  return found;
}

// ---- the network ---------------------------------------------------------------------------------

/** NaN in a pass; dead, saturated and identical units; how ∂ℒ/∂z grows or shrinks on the way back. */
export function networkFindings(
  engine: Engine,
  network: NetworkSpec,
  theta: Float64Array,
  rows: Rows,
): Finding[] {
  const most = limits.rows_looked_at;
  const whole = pass(engine, network, theta, rows);
  const losses = engine.losses(network, whole.trace.z.at(-1)!, rows.t, rows.n);
  const broken = brokenPass(losses, whole);
  if (broken) return [broken];
  const passed = rows.n > most ? pass(engine, network, theta, sample(rows, network)) : whole;
  const [found, blocked] = unitFindings(network, passed);
  return blocked ? found : [...found, ...flowFindings(passed)];
}

/** The first NaN or infinity in a pass through all rows. */
function brokenPass(losses: Float64Array, { trace, dL_dz, n }: Pass): Finding | null {
  const candidates: [quantity: string, layer: number | null, values: Float64Array][] = [
    ...trace.z.map((z, i): [string, number, Float64Array] => ["z", i + 1, z]),
    [text("the loss"), null, losses],
    ...dL_dz.map((d, i): [string, number, Float64Array] => ["∂ℒ/∂z", i + 1, d]).reverse(),
  ];
  for (const [quantity, layer, values] of candidates) {
    const place = values.findIndex((value) => !Number.isFinite(value));
    if (place < 0) continue;
    const row = Math.floor((place * n) / values.length);
    const of_layer = layer === null ? "" : text(" of layer {layer}", { layer });
    const evidence: Evidence = layer === null ? { row } : { layer, row };
    return finding("nonfinite", evidence, { quantity, of_layer, when: "" }, { layer, where: [row] });
  }
  return null;
}

/** At most so many rows, at equal distances. */
function sample(rows: Rows, network: NetworkSpec): Rows {
  const most = limits.rows_looked_at;
  const [D, K] = [network.sizes[0]!, network.sizes.at(-1)!];
  const X = new Float64Array(most * D);
  const t = new Float64Array(most * K);
  for (let i = 0; i < most; i++) {
    const row = i === most - 1 ? rows.n - 1 : Math.floor(i * ((rows.n - 1) / (most - 1)));
    X.set(rows.X.subarray(row * D, (row + 1) * D), i * D);
    t.set(rows.t.subarray(row * K, (row + 1) * K), i * K);
  }
  return { X, t, n: most };
}

/** The findings, and whether a layer passes no gradient, or equal gradients to all units. */
function unitFindings(network: NetworkSpec, { n, trace, slopes }: Pass): [Finding[], boolean] {
  const found: Finding[] = [];
  let blocked = false;
  network.activations.forEach((activation, i) => {
    const layer = i + 1;
    const [units, z] = [network.sizes[layer]!, trace.z[i]!];
    if (units > 1 && z.every((value, e) => value === z[e - (e % units)])) {
      blocked = true;
      found.push(finding("identical_units", { units, difference: 0 }, { units }, { layer }));
      return;
    }
    if (n < limits.rows_for_units) return;
    const about = { sup: sup(layer), units: counted(units), activation };
    const dead = deadUnits(activation, slopes[i]!, units);
    const saturated = saturatedUnits(activation, slopes[i]!, units);
    let share = mean(dead.map(Number));
    if (share > limits.many_dead) {
      blocked ||= dead.every(Boolean);
      const largestZ = z.reduce((top, value, e) => (dead[e % units] ? Math.max(top, value) : top), -Infinity);
      const where = placesOf(dead);
      const severity = share >= limits.most_dead ? "error" : "";
      const evidence = { share, rows: n, largest: largestZ };
      found.push(finding("dead_units", evidence, { ...about, dead: where.length }, { severity, layer, where }));
    }
    share = mean(saturated.map(Number));
    if (share > limits.many_saturated) {
      blocked ||= saturated.every(Boolean);
      const where = placesOf(saturated);
      const severity = share >= limits.most_saturated ? "error" : "";
      const evidence = { share, rows: n, size: rms(z) };
      const filled = { ...about, saturated: where.length };
      found.push(finding("saturated_units", evidence, filled, { severity, layer, where }));
    }
  });
  return [found, blocked];
}

/** Findings about |∂ℒ/∂z| of the layers. */
function flowFindings({ dL_dz }: Pass): Finding[] {
  const sizes = dL_dz.map(rms);
  const last = sizes.at(-1)!;
  if (sizes.length < 2 || last === 0) return [];
  const ratio = sizes[0]! / last;
  if (!(ratio < limits.vanished || ratio > limits.exploded)) return [];
  const key = ratio < limits.vanished ? "vanishing_gradient" : "exploding_gradient";
  const names = (i: number) => evidenceName(key, "ratio", { sup: sup(i + 1), last: sup(sizes.length) });
  const evidence = Object.fromEntries(sizes.slice(0, -1).map((size, i) => [names(i), size / last]));
  return [finding(key, evidence, {}, { layer: 1 })];
}

// ---- words ---------------------------------------------------------------------------------------

function placesOf(these: boolean[]): number[] {
  return these.flatMap((is, place) => (is ? [place] : []));
}

/** Column a, or columns a, b and 7 more. */
function columnsText(columns: number[], names: readonly string[]): string {
  const list = listed(columns.map((j) => names[j]!));
  return columns.length === 1 ? text("column {list}", { list }) : text("columns {list}", { list });
}

function listed(names: string[]): string {
  const list = names.slice(0, limits.named).join(", ");
  const n = names.length - limits.named;
  return n > 0 ? text("{list} and {n} more", { list, n }) : list;
}

function counted(units: number): string {
  return units === 1 ? text("1 unit") : text("{n} units", { n: units });
}

/** ⁽¹²⁾ */
export function sup(layer: number): string {
  return `⁽${[...String(layer)].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]).join("")}⁾`;
}
