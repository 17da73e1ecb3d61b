// The document of the circuits station: a gate, one neuron for a table, a hidden layer, a circuit.

import type { View } from "../../protocol.ts";
import { document, type Part } from "../parts.ts";
import { float, quoted } from "../python.ts";
import { certify, leastGain, minimumGain } from "./certificate.ts";
import type { Units } from "./folding.ts";
import { neuronPart, hiddenPart } from "./neuron_view.ts";
import {
  activations,
  allBits,
  allows,
  AT_LEAST,
  evaluate,
  findKind,
  type Gate,
  preActivation,
  range,
} from "./gates.ts";
import { type Circuit, circuit, evaluateNets, netsOf } from "./netlist.ts";
import { compile, evaluateSoft, netValues } from "./soft.ts";

export const MOST_ARITY = 5;
const MOST_TABLE = 4; // inputs of an expression whose truth table is shown
const NO_GAIN = 1e-6; // below this, any gain is enough
// Kinds with two outputs, as cells with one output each and the same neurons.
const ADDERS: Record<string, string[]> = {
  half_adder: ["xor", "and"],
  full_adder: ["xor", "majority"],
};

/** A gate with its inputs; a truth table to try on one neuron; a circuit.
 *
 * x, bits: missing bits are 0, extra bits have no effect. w: one weight per input of the table.
 */
export interface CircuitsSettings {
  gate: string;
  arity: number;
  t: number;
  gain: number;
  x: number[];
  epsilon: number;
  table: number[];
  w: number[];
  b: number;
  expression: string;
  bits: number[];
}

/** The name of the gate in the library. */
export function kindOf({ gate, t }: CircuitsSettings): string {
  return gate === AT_LEAST ? `${AT_LEAST}_${t}` : gate;
}

/** The numbers of inputs that a kind allows here. */
export function allowedArities(kind: string): number[] {
  return range(MOST_ARITY + 1).filter((k) => allows(findKind(kind), k));
}

/** n bits; missing bits are 0. */
export function padded(bits: number[], n: number): number[] {
  return range(n).map((i) => bits[i] ?? 0);
}

/** What was computed last under a name; it is computed again if what it depends on has changed. */
const last = new Map<string, [key: string, value: unknown]>();

function once<T>(name: string, from: unknown, compute: () => T): T {
  const key = JSON.stringify(from);
  if (last.get(name)?.[0] !== key) last.set(name, [key, compute()]);
  return last.get(name)![1] as T;
}

export function view(settings: CircuitsSettings, gate: Gate, found: Circuit): View {
  const { gain, epsilon } = settings;
  return document(
    [
      "from clearprop import circuits",
      "from clearprop.circuits.drawing.diagram import net_values",
      "from clearprop.circuits.gates import all_bits",
    ],
    [
      once("gate", [kindOf(settings), settings.arity, gain, settings.x, epsilon], () =>
        gatePart(settings, gate),
      ),
      neuronPart(settings),
      once("hidden", [settings.table, gain], () => hiddenPart(settings)),
      once("circuit", [settings.expression, settings.bits, gain, epsilon], () =>
        circuitPart(settings, found),
      ),
    ],
  );
}

function gatePart(settings: CircuitsSettings, gate: Gate): Part {
  const { gain: g, epsilon } = settings;
  const n = gate.inputs.length;
  const x = padded(settings.x, n);
  const h = activations(gate, x, g);
  const wires = [...x, ...h];
  const bits = allBits(n);
  const soft = bits.map((row) => evaluate(gate, row, g));
  const hard = bits.map((row) => evaluate(gate, row));
  const error = soft.map((row, i) => row.map((v, k) => Math.abs(v - hard[i]![k]!)));
  const kinds = ADDERS[gate.kind] ?? [gate.kind];
  const cells = gate.outputs.map((output, i) => ({ output, kind: kinds[i]!, inputs: gate.inputs }));
  const alone = circuit(gate.inputs, gate.outputs, cells); // the gate as a circuit
  const certificate = certify(compile(alone, g), epsilon);
  const size = (w: number[]) => w.reduce((sum, v) => sum + Math.abs(v), 0);
  const norm = Math.max(1, ...gate.neurons.map(({ weights }) => size(weights)));
  const needed = once("gain of the gate", alone, () => minimumGain(alone));
  const part: Part = {
    numbers: {
      gate_x: x,
      ...Object.fromEntries(gate.neurons.map(({ weights }, j) => [`gate_w${j + 1}`, weights])),
      gate_b: gate.neurons.map(({ threshold }) => 0.5 - threshold),
      gate_z: gate.neurons.map((neuron) => g * preActivation(neuron, wires)),
      gate_h: h,
      gate_slope: h.map((a) => a * (1 - a)),
      gate_y: gate.outputNeurons.map((j) => h[j]!),
      truth_soft: soft,
      truth_hard: hard,
      truth_error: error,
      gate_measured: gate.outputs.map((_, k) => Math.max(...error.map((row) => row[k]!))),
      gate_certified: certificate.outputs,
      gate_norm: norm,
      gate_least_gain: leastGain(norm),
    },
    lines: [
      `gate, g = circuits.gate(${quoted(gate.kind)}, ${settings.arity}), ${float(g)}`,
      `x = [${x.join(", ")}]`,
      "wires, z, h = [*x], [], []",
      "for neuron in gate.neurons:",
      "    z.append(g * (np.dot(neuron.weights, wires) + neuron.bias))",
      "    h.append(cp.sigmoid(z[-1]))",
      "    wires.append(h[-1])",
      "soft = gate.evaluate(all_bits(gate.arity), g)",
      "hard = gate.truth_table[:, gate.arity:]",
      `circuit = circuits.Circuit(gate.inputs, gate.outputs, (${cells
        .map((c) => `circuits.Cell(${quoted(c.output)}, ${quoted(c.kind)}, gate.inputs)`)
        .join(", ")},))`,
      "norm = max(1, *(sum(map(abs, neuron.weights)) for neuron in gate.neurons))",
    ],
    shown: {
      gate_x: "x",
      ...Object.fromEntries(h.map((_, j) => [`gate_w${j + 1}`, `gate.neurons[${j}].weights`])),
      gate_b: "[neuron.bias for neuron in gate.neurons]",
      gate_z: "z",
      gate_h: "h",
      gate_slope: "[a * (1 - a) for a in h]",
      gate_y: "[h[j] for j in gate.output_neurons]",
      truth_soft: "soft",
      truth_hard: "hard",
      truth_error: "np.abs(soft - hard)",
      gate_measured: "np.abs(soft - hard).max(axis=0)",
      gate_certified: `circuits.compile(circuit, g).certify(input_error=${float(epsilon)}).certified_error`,
      gate_norm: "norm",
      gate_least_gain: "circuits.least_gain(norm)",
    },
    drawn: {
      gate: {
        inputs: gate.inputs,
        outputs: gate.outputs,
        output_neurons: gate.outputNeurons,
        arities: allowedArities(gate.kind),
        rows: bits,
        row: numberOf(x),
        certified: certificate.ok,
      },
    },
  };
  return withMinimum(part, "gate_minimum_gain", needed);
}

function circuitPart(settings: CircuitsSettings, found: Circuit): Part {
  const { gain: g, epsilon, expression } = settings;
  const n = found.inputs.length;
  const bits = padded(settings.bits, n);
  const soft = compile(found, g);
  const { units } = soft;
  const certificate = certify(soft, epsilon);
  const sizes = units.rows.map((row) => [...row.values()].reduce((sum, w) => sum + Math.abs(w), 0));
  const norm = Math.max(1, ...sizes);
  const exact = evaluateNets(found, bits);
  const part: Part = {
    numbers: {
      circuit_bits: bits,
      circuit_wires: netValues(soft, bits),
      circuit_soft: evaluateSoft(soft, bits),
      circuit_wanted: found.outputs.map((net) => exact.get(net)!),
      circuit_certified: certificate.outputs,
      circuit_units: units.names.length,
      circuit_levels: units.levels.at(-1) ?? 0,
      circuit_norm: norm,
      circuit_least_gain: leastGain(norm),
      circuit_W: units.rows.map((row) => range(n + units.names.length).map((s) => row.get(s) ?? 0)),
      circuit_b: units.thresholds.map((threshold) => 0.5 - threshold),
      circuit_unit_errors: certificate.errors,
    },
    lines: [
      `circuit = circuits.parse(${quoted(expression)})`,
      `bits = [${bits.join(", ")}]`,
      `soft = circuits.compile(circuit, ${float(g)})`,
      "norm = max(1.0, abs(soft.units.weights).sum(axis=1).max())",
    ],
    shown: {
      circuit_bits: "bits",
      circuit_wires: "list(net_values(soft, bits).values())",
      circuit_soft: "soft.evaluate([bits])[0]",
      circuit_wanted: "circuit.evaluate([bits])[0].astype(int)",
      circuit_certified: `soft.certify(input_error=${float(epsilon)}).certified_error`,
      circuit_units: "soft.n_units",
      circuit_levels: "soft.n_levels",
      circuit_norm: "norm",
      circuit_least_gain: "circuits.least_gain(norm)",
      circuit_W: "soft.units.weights.toarray()",
      circuit_b: "0.5 - soft.units.thresholds",
      circuit_unit_errors: `soft.certify(input_error=${float(epsilon)}).unit_errors`,
    },
    drawn: {
      circuit: {
        inputs: found.inputs,
        outputs: found.outputs,
        nets: netsOf(found),
        cells: found.cells,
        sources: [...found.inputs, ...units.names],
        units: found.cells.map((_, i) => ownUnits(units, i)),
        rows: n <= MOST_TABLE ? allBits(n) : null,
        row: numberOf(bits),
        certified: certificate.ok,
      },
    },
  };
  withMinimum(part, "circuit_minimum_gain", once("gain", expression, () => minimumGain(found)));
  if (n <= MOST_TABLE) {
    part.numbers.circuit_table = allBits(n).map((row) => evaluateSoft(soft, row));
    part.shown.circuit_table = `soft.evaluate(all_bits(${n}))`;
  }
  return part;
}

/** The units of a cell, from 0; if it has none, those of the output that it is. */
function ownUnits({ gates, circuit, nInputs }: Units, i: number): number[] {
  const { name, units } = gates[i]!;
  const output = gates.slice(circuit.cells.length).find((gate) => gate.name === name);
  return (units.length ? units : (output?.units ?? [])).map((unit) => unit - nInputs);
}

/** The least gain that is enough, if not any gain is. */
function withMinimum(part: Part, name: string, needed: number): Part {
  if (needed > NO_GAIN) {
    part.numbers[name] = needed;
    part.shown[name] = "circuits.minimum_gain(circuit)";
  }
  return part;
}

/** The row of a truth table with these bits. */
function numberOf(bits: number[]): number {
  return bits.reduce((sum, bit) => 2 * sum + bit, 0);
}
