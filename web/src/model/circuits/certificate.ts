// A proof that a soft circuit is right for every input, from one pass over its gates.
//
// Each source gets (ε₀, ε₁), the largest error that it can have where it should be 0 and where it should
// be 1: the worst over all minterms of its gate, from the errors of what the gate reads. By induction
// the bounds hold for all inputs at once. They include rounding in 64 bits.

import { type Cases, casesOf, errorsOf } from "./cases.ts";
import { CONSTANT, type SoftGate, type Units, unitsOf, type Wire } from "./folding.ts";
import { findKind, range } from "./gates.ts";
import type { Circuit } from "./netlist.ts";
import { at, type SoftCircuit, spansOf } from "./soft.ts";

export type Errors = [at0: number, at1: number];

const EPS = 2 ** -52;
const SLACK = 16 * EPS; // of σ: several times the error of exp, 1 + and 1/ together

/** A gate with what it reads: flipped sources are seen negated. */
interface Found {
  cases: Cases;
  sources: number[];
  flipped: boolean[];
  units: number[];
}

export interface Certificate {
  errors: Errors[]; // of each unit
  outputs: number[]; // for each output the larger of the two
  ok: boolean; // whether every unit is proved to be on the right side of ½
}

/** The bounds of all errors, if the inputs are within inputError of bits. */
export function certify({ units, gain }: SoftCircuit, inputError = 0): Certificate {
  const e = allErrors(planOf(units), units, gain, inputError);
  const errors = e.slice(units.nInputs);
  const worst = errors.map((pair) => Math.max(...pair));
  return {
    errors,
    outputs: units.outputs.map((unit) => worst[unit]!),
    ok: worst.every((error) => error < 0.5),
  };
}

/** The smallest gain, to 0.1 %, at which every unit is certified to be on the right side of ½. */
export function minimumGain(circuit: Circuit): number {
  const units = unitsOf(circuit);
  const plan = planOf(units);
  const certified = (gain: number) =>
    allErrors(plan, units, gain, 0)
      .slice(units.nInputs)
      .every(([a, b]) => a < 0.5 && b < 0.5);
  let [low, high] = [0, 8];
  while (!certified(high)) [low, high] = [high, 2 * high];
  while (high - low > 1e-3 * high) {
    const middle = (low + high) / 2;
    if (certified(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** The least g for which f(ε) = σ(−g (½ − W ε)) has a fixed point below 1/(2W); W = weight ≥ 1. */
export function leastGain(weight: number): number {
  const margin = 0.5;
  let [low, high] = [0, margin / weight];
  while (high - low > 1e-6 * high) {
    const eps = (low + high) / 2;
    const slope = (margin - weight * eps) / (eps * (1 - eps));
    if (weight * Math.log1p((1 - 2 * eps) / eps) < slope) low = eps;
    else high = eps;
  }
  return Math.log1p((1 - 2 * low) / low) / (margin - weight * low);
}

/** The largest error of an output of the circuit in strict layers. */
export function networkError({ units, gain }: SoftCircuit): number {
  const spans = spansOf(units);
  const n = units.nInputs;
  const identity = casesOf({
    symmetric: true,
    literals: [[0, false]],
    nSources: 1,
    units: [[[1], 1]],
    output: 1,
  });
  let e: Errors[] = range(n + units.rows.length).map((i) => (i < n ? [0, 0] : [1, 1]));
  for (let level = 1; level <= spans.nLevels; level++) {
    const before = e;
    e = [...e];
    for (const source of at(spans, level)) {
      if (spans.first[source]! < level)
        e[source] = errorsOf(identity, [before[source]!], gain, [gamma(2) * 1.5], SLACK)[0]!;
      else {
        const wire: Wire = { source: CONSTANT, negated: false };
        const gate = { name: "", kind: "const0", inputs: [], output: wire, units: [source] };
        e[source] = gateErrors(found(gate, units), units, before, gain)[0]!;
      }
    }
  }
  return Math.max(0, ...units.outputs.flatMap((unit) => e[n + unit]!));
}

/** The gates that have units, each after those that it reads. */
function planOf(units: Units): Found[] {
  return units.gates.map((gate) => found(gate, units)).filter((gate) => gate.units.length);
}

function allErrors(plan: Found[], units: Units, gain: number, inputError: number): Errors[] {
  const e: Errors[] = units.circuit.inputs.map(() => [inputError, inputError]);
  for (const gate of plan) {
    const errors = gateErrors(gate, units, e, gain);
    gate.units.forEach((unit, j) => (e[unit] = errors[j]!));
  }
  return e;
}

/** The errors of a gate's units from those of all sources.
 *
 * For g (w·s + b), n terms are added in any order, each product rounded twice: the error is at most
 * γ_{n+3} g (‖w‖₁ + |b|), γ_n = n u / (1 − n u).
 */
function gateErrors(gate: Found, units: Units, e: Errors[], gain: number): Errors[] {
  const { cases, sources, flipped } = gate;
  const read = sources.map((source, i): Errors => {
    const [at0, at1] = e[source]!;
    return flipped[i] ? [at1, at0] : [at0, at1];
  });
  const n = 1 + sources.length + gate.units.length;
  const rounding = gate.units.map((unit) => gamma(n) * norm(units, unit - units.nInputs));
  return errorsOf(cases, read, gain, rounding, SLACK);
}

/** γ of the sum in the network, and of the computation of the bound. */
function gamma(n: number): number {
  const of = (terms: number) => (terms * EPS) / 2 / (1 - (terms * EPS) / 2);
  return of(n + 3) + of(2 * n + 8);
}

/** ‖w‖₁ + |b| of a unit. */
function norm({ rows, thresholds }: Units, unit: number): number {
  const weights = [...rows[unit]!.values()].reduce((sum, w) => sum + Math.abs(w), 0);
  return weights + Math.abs(0.5 - thresholds[unit]!);
}

/** A gate without names. A source whose first weight is negative is seen negated. */
function found(gate: SoftGate, { rows, thresholds, nInputs }: Units): Found {
  const units = [...gate.units].sort((a, b) => a - b);
  const mine = units.map((unit) => rows[unit - nInputs]!);
  const wires = [...gate.inputs, gate.output].map((wire) => wire.source);
  const all = [...wires, ...mine.flatMap((row) => [...row.keys()])];
  const outer = (source: number) => source !== CONSTANT && !units.includes(source);
  const sources = [...new Set(all.filter(outer))];
  const k = sources.length;
  const flipped = sources.map((s) => (mine.find((row) => row.get(s))?.get(s) ?? 0) < 0);
  const shaped = units.map((unit, number): [number[], number] => {
    const weights = Array<number>(k + number).fill(0);
    let threshold = thresholds[unit - nInputs]!;
    for (const [source, weight] of mine[number]!) {
      const own = units.indexOf(source);
      const i = sources.indexOf(source);
      if (own >= 0) weights[k + own] = weight;
      else if (flipped[i]) {
        weights[i] = -weight; // w x = w − w (1 − x)
        threshold -= weight;
      } else weights[i] = weight;
    }
    return [weights, threshold];
  });
  const place = (source: number) => {
    const own = units.indexOf(source);
    return own >= 0 ? k + own : sources.indexOf(source);
  };
  const pattern = {
    symmetric: !findKind(gate.kind).inputs.length,
    literals: gate.inputs.map(({ source, negated }): [number, boolean] =>
      source === CONSTANT
        ? [CONSTANT, negated]
        : [place(source), negated !== (flipped[sources.indexOf(source)] ?? false)],
    ),
    nSources: k,
    units: shaped,
    output: gate.output.source === CONSTANT ? CONSTANT : place(gate.output.source),
  };
  return { cases: casesOf(pattern), sources, flipped, units };
}
