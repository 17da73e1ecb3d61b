// One neuron for a truth table, tried by hand and found or disproved; then two layers for it.

import { linspace, sigmoid } from "../maths.ts";
import type { Part } from "../parts.ts";
import { float, floats, quoted } from "../python.ts";
import { networkError } from "./certificate.ts";
import { minimise, sumOfProducts } from "./cover.ts";
import { allBits, range } from "./gates.ts";
import { compile, layersOf } from "./soft.ts";
import { type Rows, threshold } from "./threshold.ts";
import type { CircuitsSettings } from "./view.ts";

const EDGES = [-0.5, 1.5] as const; // of the pictures of a plane
const GRID = 41;

/** σ(g (w·x + b)) on a square, and where it is ½: the ends of the line, or null. */
export interface PlaneValues {
  low: number;
  high: number;
  h: number[][];
  line: [number, number][] | null;
}

export function neuronPart({ table, gain: g, w, b }: CircuitsSettings): Part {
  const n = w.length;
  const bits = allBits(n);
  const z = bits.map((x) => x.reduce((sum, bit, i) => sum + bit * w[i]!, 0) + b);
  const verdict = threshold(table);
  const part: Part = {
    numbers: {
      table,
      try_z: z,
      try_h: z.map((value) => sigmoid(g * value)),
      try_wrong: z.filter((value, row) => value > 0 !== (table[row] === 1)).length,
      one_possible: Number(verdict.neuron !== null),
    },
    lines: [
      `table, g = [${table.join(", ")}], ${float(g)}`,
      `w, b = np.array(${floats(w)}), ${float(b)}`,
      `bits = all_bits(${n})`,
      "z = bits @ w + b",
      "verdict = circuits.threshold(table)",
    ],
    shown: {
      table: "table",
      try_z: "z",
      try_h: "cp.sigmoid(g * z)",
      try_wrong: "((z > 0) != np.array(table)).sum()",
      one_possible: "int(bool(verdict))",
    },
  };
  const against = verdict.contradiction;
  if (verdict.neuron) {
    const { weights, threshold: t } = verdict.neuron;
    Object.assign(part.numbers, { one_w: weights, one_b: 0.5 - t, one_margin: verdict.margin });
    Object.assign(part.shown, {
      one_w: "verdict.neuron.weights",
      one_b: "verdict.neuron.bias",
      one_margin: "verdict.margin",
    });
  } else if (against) {
    const total = range(n).map((i) =>
      against.true.reduce((sum, [row, times]) => sum + times * bits[row]![i]!, 0),
    );
    part.numbers.contradiction_total = total;
    part.shown.contradiction_total = "against.total";
    part.lines.push("against = verdict.contradiction");
    for (const side of ["true", "false"] as const) contradictionSide(part, side, against[side], z, bits);
  }
  const rows: Record<string, Rows> = { true: against?.true ?? [], false: against?.false ?? [] };
  part.drawn = { one: { rows: bits, ...rows, plane: n === 2 ? plane(w, b, g) : null } };
  return part;
}

/** The rows of one side with how often each counts, their w·x + b, and the sum. */
function contradictionSide(part: Part, side: string, rows: Rows, z: number[], bits: number[][]): void {
  const name = `contradiction_${side}`;
  const of = `for row, times in against.${side}_rows`;
  Object.assign(part.numbers, {
    [name]: rows.map(([row, times]) => [times, ...bits[row]!]),
    [`${name}_z`]: rows.map(([row]) => z[row]!),
    [`${name}_sum`]: rows.reduce((sum, [row, times]) => sum + times * z[row]!, 0),
  });
  Object.assign(part.shown, {
    [name]: `[[times, *bits[row].astype(int)] ${of}]`,
    [`${name}_z`]: `[z[row] ${of}]`,
    [`${name}_sum`]: `sum(times * z[row] ${of})`,
  });
}

/** AND units for the cubes of the table, one unit for their OR: two layers. */
export function hiddenPart({ table, gain: g, w }: CircuitsSettings): Part {
  const n = w.length;
  const inputs = range(n).map((i) => `x${i + 1}`);
  const soft = compile(sumOfProducts(inputs, minimise(table)), g);
  const layers = layersOf(soft);
  const h: number[][][] = [allBits(n)]; // of each layer, row by row
  for (const { W, b } of layers)
    h.push(
      h.at(-1)!.map((x) =>
        W.map((row, i) => sigmoid(row.reduce((sum, v, j) => sum + v * x[j]!, 0) + b[i]!)),
      ),
    );
  const y = h.at(-1)!.map((row) => row[0]!);
  const each = <T>(entries: (level: number) => [string, T][]): Record<string, T> =>
    Object.fromEntries(layers.flatMap((_, i) => entries(i + 1)));
  const inner = (level: number) => (level < layers.length ? [`hidden_h${level}`] : []);
  const space =
    layers.length === 2 && layers[0]!.W.length === 2 && n === 2
      ? plane(layers[1]!.W[0]!, layers[1]!.b[0]!, 1)
      : null;
  return {
    numbers: {
      ...each((level) => [[`hidden_W${level}`, layers[level - 1]!.W]]),
      ...each((level) => [[`hidden_b${level}`, layers[level - 1]!.b]]),
      ...each((level) => inner(level).map((name) => [name, h[level]!])),
      hidden_y: y,
      hidden_error: Math.max(...y.map((value, row) => Math.abs(value - table[row]!))),
      hidden_certified: networkError(soft),
    },
    lines: [
      `table, bits = [${table.join(", ")}], all_bits(${n}).astype(float)`,
      `circuit = circuits.sum_of_products([${inputs.map(quoted).join(", ")}], {"y": circuits.minimise(table)})`,
      `soft = circuits.compile(circuit, ${float(g)})`,
      "net = soft.to_network()",
      "trace = net.forward(bits)",
      "y_hat = trace.y_hat[:, 0]",
      "certified = circuits.network_error(soft)",
    ],
    shown: {
      ...each((level) => [[`hidden_W${level}`, `net.W[${level - 1}]`]]),
      ...each((level) => [[`hidden_b${level}`, `net.b[${level - 1}]`]]),
      ...each((level) => inner(level).map((name) => [name, `trace.h[${level}]`])),
      hidden_y: "y_hat",
      hidden_error: "np.abs(y_hat - table).max()",
      hidden_certified: "certified",
    },
    drawn: { hidden: { sizes: [n, ...layers.map(({ b }) => b.length)], space } },
  };
}

function plane(w: number[], b: number, g: number): PlaneValues {
  const [low, high] = EDGES;
  const axis = linspace(low, high, GRID);
  const ends: [number, number][] = [];
  for (const [i, other] of [
    [0, 1],
    [1, 0],
  ] as const)
    for (const at of EDGES) {
      if (!w[other]) continue;
      const there = -(b + w[i]! * at) / w[other]!;
      if (low <= there && there <= high) ends.push(i === 0 ? [at, there] : [there, at]);
    }
  const round = (v: number) => Math.round(v * 1e9) / 1e9;
  const sorted = ends
    .map(([p, q]): [number, number] => [round(p), round(q)])
    .sort((p, q) => p[0] - q[0] || p[1] - q[1]);
  const [first, last] = [sorted[0], sorted.at(-1)];
  const line = first && last && `${first}` !== `${last}` ? [first, last] : null;
  const h = axis.map((x2) => axis.map((x1) => sigmoid(g * (w[0]! * x1 + w[1]! * x2 + b))));
  return { low, high, h, line };
}
