// A circuit's gates as units with integer weights, before a gain is chosen.
//
// A net is a wire: the signal of an input or of a unit, perhaps negated, or a constant. A neuron that
// reads ¬s with weight w has the weight −w on s, since w (1 − s) = w − w s. A neuron that is then
// constant, or that copies or negates its only input, becomes a wire instead of a unit.

import { findKind, neuronsOf, range, type Neuron } from "./gates.ts";
import { type Circuit, netsOf } from "./netlist.ts";

export const CONSTANT = -1;

/** source: an input of the circuit, a unit counted on after the inputs, or CONSTANT for 0. */
export interface Wire {
  source: number;
  negated: boolean;
}

/** A gate, the wire that carries its net, and the sources of its units in order. */
export interface SoftGate {
  name: string;
  kind: string;
  inputs: Wire[];
  output: Wire;
  units: number[];
}

/** A unit reads sources of lower levels: rows[unit] has a weight for each source that it reads. */
export interface Units {
  circuit: Circuit;
  nInputs: number;
  names: string[]; // of each unit: its net, or "net.1" for an inner neuron of the net's gate
  rows: Map<number, number>[];
  thresholds: number[];
  levels: number[]; // in increasing order
  gates: SoftGate[]; // one for each cell, then one for each output
  wires: Map<string, Wire>;
  outputs: number[]; // for each output of the circuit, its unit
}

/** The units of a circuit: of its cells, and one for each output that is not yet a unit. */
export function unitsOf(circuit: Circuit): Units {
  const n = circuit.inputs.length;
  const taken = new Set(netsOf(circuit));
  const names: string[] = [];
  const rows: Map<number, number>[] = [];
  const thresholds: number[] = [];
  const levels: number[] = Array(n).fill(0); // of all sources
  const gates: SoftGate[] = [];
  const unit = (name: string, row: Map<number, number>, threshold: number): Wire => {
    names.push(name);
    rows.push(row);
    thresholds.push(threshold);
    levels.push(1 + Math.max(0, ...[...row.keys()].map((source) => levels[source]!)));
    return { source: n + names.length - 1, negated: false };
  };
  const inner = (name: string, number: number): string => {
    let found = `${name}.${number}`;
    while (taken.has(found)) found += "'";
    taken.add(found);
    return found;
  };
  const wires = new Map<string, Wire>(
    circuit.inputs.map((net, i) => [net, { source: i, negated: false }]),
  );
  for (const { output: name, kind, inputs: read } of circuit.cells) {
    const inputs = read.map((net) => wires.get(net)!);
    const neurons = neuronsOf(findKind(kind), inputs.length);
    const all = [...inputs];
    const own: number[] = [];
    neurons.forEach((neuron, i) => {
      const [row, threshold] = fold(neuron, all);
      let wire = asWire(row, threshold);
      if (!wire) {
        wire = unit(i + 1 === neurons.length ? name : inner(name, i + 1), row, threshold);
        own.push(wire.source);
      }
      all.push(wire);
    });
    const output = all.at(-1)!;
    gates.push({ name, kind, inputs, output, units: own });
    wires.set(name, output);
  }
  const made = new Map<string, Wire>(); // the units made for outputs; equal outputs share one
  for (const net of circuit.outputs) {
    const wire = wires.get(net)!;
    const key = `${wire.source} ${wire.negated}`;
    if ((wire.negated || wire.source < n) && !made.has(key))
      made.set(key, unit(net, ...fold({ weights: [1], threshold: 1 }, [wire])));
    const own = made.get(key);
    const output = own ?? wire;
    gates.push({ name: net, kind: "buf", inputs: [wire], output, units: own ? [own.source] : [] });
  }
  // the units in the order of their levels
  const order = range(names.length).sort((a, b) => levels[n + a]! - levels[n + b]! || a - b);
  const place = range(n + order.length);
  order.forEach((unit, i) => (place[n + unit] = n + i));
  const moved = ({ source, negated }: Wire): Wire => ({
    source: source < n ? source : place[source]!,
    negated,
  });
  const sorted = gates.map((gate) => ({
    ...gate,
    inputs: gate.inputs.map(moved),
    output: moved(gate.output),
    units: gate.units.map((unit) => place[unit]!),
  }));
  return {
    circuit,
    nInputs: n,
    names: order.map((i) => names[i]!),
    rows: order.map((i) => {
      const row = [...rows[i]!].map(([source, w]): [number, number] => [place[source]!, w]);
      return new Map(row.sort((a, b) => a[0] - b[0]));
    }),
    thresholds: order.map((i) => thresholds[i]!),
    levels: order.map((i) => levels[n + i]!),
    gates: sorted,
    wires: new Map([...wires].map(([net, wire]) => [net, moved(wire)])),
    outputs: sorted.slice(sorted.length - circuit.outputs.length).map((g) => g.output.source - n),
  };
}

/** The weight of each source, and the threshold, of a neuron that reads these wires. */
function fold({ weights, threshold }: Neuron, wires: Wire[]): [Map<number, number>, number] {
  const row = new Map<number, number>();
  let level = threshold;
  weights.forEach((weight, i) => {
    const { source, negated } = wires[i]!;
    if (negated) level -= weight;
    if (source !== CONSTANT) row.set(source, (row.get(source) ?? 0) + (negated ? -weight : weight));
  });
  return [new Map([...row].filter(([, weight]) => weight)), level];
}

/** The wire that replaces a neuron that is constant, a source or its negation. */
function asWire(row: Map<number, number>, threshold: number): Wire | null {
  let [least, most] = [0, 0];
  for (const w of row.values()) w < 0 ? (least += w) : (most += w);
  if (threshold <= least) return { source: CONSTANT, negated: true };
  if (threshold > most) return { source: CONSTANT, negated: false };
  if (row.size !== 1) return null;
  const [[source, weight]] = [...row] as [[number, number]];
  return { source, negated: weight < 0 };
}
