// Station 3: gates as sigmoid neurons, the limits of one neuron, and circuits of neurons.

import { choice, number, numbers, shown, text } from "../settings.ts";
import type { Fields } from "../settings.ts";
import type { Model } from "../station.ts";
import { parse } from "./expressions.ts";
import { allBits, gate, type Gate, KINDS, range } from "./gates.ts";
import { type Circuit, evaluateNets } from "./netlist.ts";
import { allowedArities, type CircuitsSettings, kindOf, MOST_ARITY, padded, view } from "./view.ts";

const MOST_INPUTS = 10; // of an expression
const MOST_CELLS = 60;
const BIT = number("bit", 0, 1, 1, { whole: true });
const WEIGHT = number("w", -10, 10, 0.1);
const FULL_ADDER = "s = a ^ b ^ cin; cout = a & b | cin & (a ^ b)";

const TITLES = Object.fromEntries(Object.values(KINDS).map(({ kind, title }) => [kind, title]));
const fields = {
  gate: { kind: choice("Gate", TITLES), default: "or" },
  arity: { kind: number("Inputs", 0, MOST_ARITY, 1, { whole: true }), default: 2 },
  t: { kind: number("t, at least this many", 1, MOST_ARITY, 1, { whole: true }), default: 2 },
  gain: { kind: number("Gain g", 0.5, 40, 0.5), default: 10 },
  x: { kind: numbers("x, the inputs", BIT, 0, MOST_ARITY), default: [0, 1] },
  epsilon: {
    kind: number("ε, error of the inputs", 0, 0.45, 0.01),
    default: 0,
  },
  table: { kind: numbers("Wanted output", BIT, 4, 16), default: [0, 1, 1, 0] },
  w: { kind: numbers("w, the weights", WEIGHT, 2, 4), default: [1, 1] },
  b: { kind: number("b, the bias", -10, 10, 0.1), default: -0.5 },
  expression: { kind: text("Expressions", 500), default: FULL_ADDER },
  bits: { kind: numbers("Inputs of the circuit", BIT, 0, 10), default: [1, 1, 0] },
} satisfies Fields;

export const circuits: Model<CircuitsSettings> = {
  key: "circuits",
  title: "Circuits",
  slides: "Example 1: representing digital circuits with neural networks",
  fields,
  check(settings) {
    theGate(settings);
    const rows = settings.table.length;
    if (![4, 8, 16].includes(rows)) throw new Error(`table must have 4, 8 or 16 rows; got ${rows}`);
    if (2 ** settings.w.length !== rows)
      throw new Error(
        `w must have one weight for each of ${Math.log2(rows)} inputs; got ${settings.w.length}`,
      );
    circuitOf(settings);
  },
  view: (settings) => view(settings, theGate(settings), circuitOf(settings)),
  actions: { choose, count, toggle, resize, want },
  presets: {
    "The lecture’s soft OR": {},
    "A gain that is too small": { gain: 2, gate: "and", arity: 3, x: [1, 1, 0] },
    "A gain so large that nothing learns": { gain: 40 },
    "XOR: two neurons": { gate: "xor", x: [1, 1] },
    "Majority of three": {
      gate: "majority",
      arity: 3,
      x: [1, 0, 1],
      table: [0, 0, 0, 1, 0, 1, 1, 1],
      w: [1, 1, 1],
      b: -1.5,
      expression: "y = a & b | b & c | a & c",
      bits: [1, 0, 1],
    },
    "Parity of three bits": {
      gate: "xor",
      arity: 3,
      x: [1, 1, 1],
      table: [0, 1, 1, 0, 1, 0, 0, 1],
      w: [1, 1, 1],
      b: -0.5,
      expression: "y = a ^ b ^ c",
      bits: [1, 1, 1],
    },
    Multiplexer: {
      gate: "mux",
      arity: 3,
      x: [1, 0, 1],
      expression: "y = s ? b : a",
      bits: [1, 0, 1],
    },
    "Half adder": {
      gate: "half_adder",
      x: [1, 1],
      expression: "sum = a ^ b; carry = a & b",
      bits: [1, 1],
    },
    "Full adder": { gate: "full_adder", arity: 3, x: [1, 1, 0] },
    "A two-bit adder": {
      gate: "full_adder",
      arity: 3,
      x: [1, 1, 0],
      expression:
        "s0 = a0 ^ b0; c = a0 & b0; s1 = a1 ^ b1 ^ c; s2 = a1 & b1 | c & (a1 ^ b1)",
      bits: [1, 1, 1, 0],
    },
  },
};

function theGate(settings: CircuitsSettings): Gate {
  return gate(kindOf(settings), settings.arity);
}

/** The circuit of the expressions; throws an Error in one line if they are invalid. */
function circuitOf({ expression }: CircuitsSettings): Circuit {
  const found = parse(expression);
  for (const [n, most, what] of [
    [found.inputs.length, MOST_INPUTS, "inputs"],
    [found.cells.length, MOST_CELLS, "gates"],
  ] as const)
    if (n > most) throw new Error(`expression has ${n} ${what}; at most ${most} can be shown`);
  return found;
}

/** Another gate, with the nearest number of inputs that it allows (the larger in a tie). */
function choose(settings: CircuitsSettings, { gate: given }: Record<string, unknown>) {
  const chosen = fields.gate.kind.check("gate", given);
  const kind = kindOf({ ...settings, gate: chosen });
  const allowed = allowedArities(kind);
  const far = (k: number) => Math.abs(k - settings.arity);
  const arity = allowed.reduce((best, k) => (far(k) <= far(best) ? k : best));
  return { ...settings, gate: chosen, arity };
}

/** Another t for "at least t", with at least t inputs. */
function count(settings: CircuitsSettings, given: Record<string, unknown>) {
  const t = fields.t.kind.check("t", given.t);
  return { ...settings, t, arity: Math.max(settings.arity, t) };
}

/** Flip one bit of x, of the circuit's inputs ("bits") or of the wanted outputs ("table"). */
function toggle(settings: CircuitsSettings, given: Record<string, unknown>) {
  const lengths: Record<string, number> = {
    x: settings.arity,
    bits: circuitOf(settings).inputs.length,
    table: settings.table.length,
  };
  const { which } = given;
  if (typeof which !== "string" || !Object.hasOwn(lengths, which))
    throw new Error(`which must be one of x, bits, table; got ${shown(which)}`);
  const n = lengths[which]!;
  const i = number("", 0, n - 1, 1, { whole: true }).check("index", given.index);
  const bits = padded(settings[which as "x" | "bits" | "table"], n);
  return { ...settings, [which]: bits.map((bit, k) => (k === i ? 1 - bit : bit)) };
}

/** A table with another number of inputs: the XOR of all, and weights of 1 for new inputs. */
function resize(settings: CircuitsSettings, given: Record<string, unknown>) {
  const n = number("", 2, 4, 1, { whole: true }).check("n", given.n);
  const ones = (row: number) => row.toString(2).replaceAll("0", "").length;
  const table = range(2 ** n).map((row) => ones(row) % 2);
  const w = range(n).map((i) => settings.w[i] ?? 1);
  return { ...settings, table, w };
}

/** The table of an expression, such as "a & !b | c"; its names in order are the inputs. */
function want(settings: CircuitsSettings, given: Record<string, unknown>) {
  const expression = fields.expression.kind.check("expression", given.expression);
  const found = parse(/^[^=!]*[^=!~^]=[^=]/.test(expression) ? expression : `_ = ${expression}`);
  const names = [...found.inputs].sort();
  const numbered = names.every((name) => /^x[1-4]$/.test(name)); // x1 … x4 are the inputs themselves
  const places = names.map((name, i) => (numbered ? Number(name[1]) : i + 1));
  const n = Math.max(2, ...places);
  if (n > 4) throw new Error(`a table has at most 4 inputs; the expression has ${n}: ${names.join(", ")}`);
  if (found.outputs.length > 1)
    throw new Error(`a table has one output; got ${found.outputs.join(", ")}`);
  const table = allBits(n).map((row) => {
    const bits = found.inputs.map((name) => row[places[names.indexOf(name)]! - 1]!);
    return evaluateNets(found, bits).get(found.outputs[0]!)!;
  });
  return { ...settings, table, w: range(n).map((i) => settings.w[i] ?? 1) };
}
