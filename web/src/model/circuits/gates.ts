// Gates as data: their neurons with integer weights and thresholds, from the library's table.
//
// A neuron is 1 where w·x ≥ threshold, or softly σ(g (w·x + b)) with b = ½ − threshold. Each neuron of
// a gate reads the gate's inputs and the neurons before it.

import table from "../../data/circuits.json";
import { sigmoid } from "../maths.ts";

export interface Neuron {
  weights: number[];
  threshold: number;
}

export interface Symbol {
  /** Texts, and between them numbers start + slope·height. */
  path: (string | number[])[];
  width: number;
  bubble: boolean;
  bent: boolean; // the inputs meet a curved back
  text: string;
  pins: string[];
}

/** A line of the table; its neurons are listed, or follow from the number of inputs by a rule. */
export interface GateKind {
  kind: string;
  title: string;
  least: number;
  most: number | null;
  odd: boolean;
  inputs: string[]; // their names, unless they are x1, x2, …
  outputs: string[];
  output_neurons: number[];
  symbol: Symbol | null;
  neurons?: [number[], number][];
  one?: { weight: number; slope: number; start: number };
  parity?: { weight: number; threshold: number };
}

/** One gate with a number of inputs. */
export interface Gate {
  kind: string;
  inputs: string[];
  outputs: string[];
  neurons: Neuron[];
  outputNeurons: number[];
}

export const AT_LEAST = "at_least"; // the kinds at_least_1, at_least_2, … in one choice
export const KINDS = Object.fromEntries(
  (table as unknown as GateKind[]).map((row) => [row.kind, row]),
);

/** The line of the table; at_least_t has a line of its own for each t. */
export function findKind(kind: string): GateKind {
  const t = Number(/^at_least_(\d+)$/.exec(kind)?.[1]);
  if (!t) return KINDS[kind]!;
  const row = KINDS[AT_LEAST]!;
  const symbol = { ...row.symbol!, text: `≥${t}` };
  return { ...row, kind, least: t, one: { weight: 1, slope: 0, start: t }, symbol };
}

/** Whether a gate can have that many inputs. */
export function allows(row: GateKind, arity: number): boolean {
  return row.least <= arity && arity <= (row.most ?? arity) && (arity % 2 === 1 || !row.odd);
}

/** The numbers of inputs that are allowed, in words. */
function arities(row: GateKind): string {
  if (row.most === row.least) return String(row.least);
  return `${row.least} or more${row.odd ? ", an odd number" : ""}`;
}

/** A gate; throws an Error if it cannot have this number of inputs. */
export function gate(kind: string, arity: number): Gate {
  const row = findKind(kind);
  if (!allows(row, arity))
    throw new Error(`arity of ${kind} must be ${arities(row)}; got ${arity}`);
  const neurons = neuronsOf(row, arity);
  return {
    kind,
    inputs: row.inputs.length ? row.inputs : range(arity).map((i) => `x${i + 1}`),
    outputs: row.outputs,
    neurons,
    outputNeurons: row.output_neurons.map((i) => (i + neurons.length) % neurons.length),
  };
}

/** The neurons of a kind with that many inputs. */
export function neuronsOf(row: GateKind, k: number): Neuron[] {
  if (row.neurons) return row.neurons.map(([weights, threshold]) => ({ weights, threshold }));
  if (row.one) {
    const { weight, slope, start } = row.one;
    return [{ weights: Array(k).fill(weight), threshold: slope * k + start }];
  }
  // Σx − 2 Σ_j [Σx ≥ j] over even j is 1 for an odd number of ones and 0 for an even one
  const { weight, threshold } = row.parity!;
  const even = range(Math.floor(k / 2)).map((i) => 2 * (i + 1));
  const hidden = even.map((j, i) => ({
    weights: [...Array(k).fill(1), ...Array(i).fill(0)],
    threshold: j,
  }));
  const last = [...Array(k).fill(weight), ...even.map(() => -2 * weight)];
  return [...hidden, { weights: last, threshold }];
}

/** w·x + b of a neuron. */
export function preActivation({ weights, threshold }: Neuron, wires: readonly number[]): number {
  return weights.reduce((sum, w, i) => sum + w * wires[i]!, 0) + (0.5 - threshold);
}

/** h of all neurons of a gate; without a gain they are bits. */
export function activations(gate: Gate, x: readonly number[], gain?: number): number[] {
  const wires = [...x];
  for (const neuron of gate.neurons) {
    const z = preActivation(neuron, wires);
    wires.push(gain === undefined ? Number(z > 0) : sigmoid(gain * z));
  }
  return wires.slice(x.length);
}

/** The outputs of a gate; without a gain they are bits. */
export function evaluate(gate: Gate, x: readonly number[], gain?: number): number[] {
  const h = activations(gate, x, gain);
  return gate.outputNeurons.map((j) => h[j]!);
}

/** All 2ⁿ rows of n bits, counting up, with the first column as the highest digit. */
export function allBits(n: number): number[][] {
  return range(2 ** n).map((row) => range(n).map((i) => (row >> (n - 1 - i)) & 1));
}

export function range(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}
