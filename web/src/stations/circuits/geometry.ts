// The sizes of a circuit's diagram: where columns and wires are, and the paths that are stroked.

import { findKind, type Symbol } from "../../model/circuits/gates.ts";
import { arrange, type Place, pin, place, type Route, span } from "../../model/circuits/layout.ts";
import { type Circuit, levelsOf, netsOf } from "../../model/circuits/netlist.ts";

const TRACK = 8;
const LEAD = 36; // from a column to its first track, with room for a value
const SHOWN = 12; // characters of a name; the tooltip has the whole name
export const PAD = 14;
export const BUBBLE = 3.5;
const BACK = 9; // how far the back of an OR is curved in
const STUB = 8; // of wire before the body

/** A gate at the place of its body. */
export interface GateShape {
  net: string;
  kind: string;
  symbol: Symbol;
  x: number;
  y: number; // of its top
  height: number;
  path: string;
  pins: [label: string, y: number][];
  valueAt: number; // where the value of its output stands, from x
}

export interface WireShape {
  net: string;
  path: string;
  dots: [number, number][]; // where it branches
}

export interface Port {
  net: string;
  x: number;
  y: number;
}

export interface Diagram {
  width: number;
  height: number;
  wires: WireShape[];
  gates: GateShape[];
  inputs: Port[]; // texts that end there
  outputs: Port[]; // texts that begin there
}

export function shortName(net: string): string {
  return net.length <= SHOWN ? net : `${net.slice(0, SHOWN - 1)}…`;
}

export function diagramOf(circuit: Circuit): Diagram {
  const kinds = new Map(circuit.cells.map((cell) => [cell.output, cell.kind]));
  const symbolOf = (net: string) => findKind(kinds.get(net)!).symbol!;
  const [columns, routes] = arrange(columnsOf(circuit));
  const label = (nets: string[], digits: number) =>
    7 * Math.max(0, ...nets.map((net) => shortName(net).length + digits));
  const widths = columns.map((column, i) => {
    if (i === 0) return label(circuit.inputs, 4) + 6;
    if (i === columns.length - 1) return label(circuit.outputs, 8) + 8;
    const gates = column.filter((p) => !p.passage);
    return Math.max(...gates.map((p) => wholeWidth(symbolOf(p.net))));
  });
  const x = [PAD];
  routes.forEach((between, i) => {
    const tracks = 1 + Math.max(-1, ...between.map((route) => route.track ?? -1));
    x.push(x[i]! + widths[i]! + LEAD + TRACK * tracks + 12);
  });
  const strokes = new Map<string, string[]>(netsOf(circuit).map((net) => [net, []]));
  const dots = new Map<string, [number, number][]>(netsOf(circuit).map((net) => [net, []]));
  routes.forEach((between, i) => {
    for (const route of between) {
      const [path, branches] = stroke(route, x[i]! + widths[i]!, x[i + 1]!);
      strokes.get(route.net)!.push(path);
      dots.get(route.net)!.push(...branches);
    }
  });
  const gates: GateShape[] = [];
  columns.forEach((column, i) => {
    for (const p of column) {
      if (p.passage) strokes.get(p.net)!.push(`M${x[i]} ${p.y}h${widths[i]}`);
      else if (i > 0 && i < columns.length - 1) {
        const symbol = symbolOf(p.net);
        const whole = wholeWidth(symbol);
        if (widths[i]! > whole && strokes.get(p.net)!.length)
          strokes.get(p.net)!.push(`M${x[i]! + whole} ${p.y}h${widths[i]! - whole}`);
        p.reads.forEach((net, k) => {
          const share = (pin(p, k) - p.y + p.height / 2) / p.height;
          const edge = symbol.bent ? 2 * share * (1 - share) * BACK : 0;
          strokes.get(net)!.push(`M${x[i]} ${pin(p, k)}h${STUB + edge}`);
        });
        gates.push(gateShape(p, kinds.get(p.net)!, symbol, x[i]!, widths[i]!));
      }
    }
  });
  const low = Math.max(...columns.flat().map((p) => p.y + p.height / 2));
  const outputs = columns.at(-1)!.filter((p) => !p.passage);
  return {
    width: x.at(-1)! + widths.at(-1)! + PAD,
    height: low + 2 * PAD + 6,
    wires: [...strokes]
      .filter(([, paths]) => paths.length)
      .map(([net, paths]) => ({ net, path: paths.join(""), dots: dots.get(net)! })),
    gates,
    inputs: columns[0]!.map((p) => ({ net: p.net, x: x[0]! + widths[0]! - 6, y: p.y })),
    outputs: outputs.map((p) => ({ net: p.reads[0]!, x: x.at(-1)! + 6, y: p.y })),
  };
}

/** Inputs, then a column for each level, then outputs. */
function columnsOf({ inputs, outputs, cells }: Circuit): Place[][] {
  const level = levelsOf({ inputs, outputs, cells });
  const depth = Math.max(...level.values());
  const columns: Place[][] = Array.from({ length: depth + 2 }, () => []);
  for (const net of inputs) columns[0]!.push(place(net, 14, [], { gap: 10 }));
  for (const { output, kind, inputs: reads } of cells) {
    const height = Math.max(26, 12 * reads.length + 4);
    const more = { swap: kind !== "mux", gap: 18 };
    columns[level.get(output)!]!.push(place(output, height, reads, more));
  }
  outputs.forEach((net, i) => columns[depth + 1]!.push(place(`${i} ${net}`, 14, [net], { gap: 10 })));
  return columns;
}

function wholeWidth(symbol: Symbol): number {
  return STUB + symbol.width + (symbol.bubble ? 2 * BUBBLE : 0);
}

function gateShape(p: Place, kind: string, symbol: Symbol, x: number, width: number): GateShape {
  const number = ([start, slope]: number[]) => String(start! + slope! * p.height);
  return {
    net: p.net,
    kind,
    symbol,
    x: x + STUB,
    y: p.y - p.height / 2,
    height: p.height,
    path: symbol.path.map((part) => (typeof part === "string" ? part : number(part))).join(""),
    pins: symbol.pins.map((text, k) => [text, pin(p, k) - p.y + p.height / 2 + 3]),
    valueAt: width - STUB + 3,
  };
}

/** The strokes of a net between two columns, and the points where it branches. */
function stroke(route: Route, left: number, right: number): [string, [number, number][]] {
  const { start: y, ends } = route;
  const start = `M${left} ${y}`;
  if (route.slanted) {
    const [near, far] = [left + LEAD - 6, right - 6];
    return [`${start}H${near}${ends.map((to) => `M${near} ${y}L${far} ${to}H${right}`).join("")}`, []];
  }
  if (route.track === null) return [`${start}H${right}`, []];
  const x = left + LEAD + TRACK * route.track;
  const [low, high] = span(route);
  const distinct = [...new Set(ends)];
  const dots = [...new Set([y, ...ends])].filter(
    (at) => (low < at && at < high) || (at === y && ends.includes(at)),
  );
  const path = `${start}H${x}M${x} ${low}V${high}${distinct.map((to) => `M${x} ${to}H${right}`).join("")}`;
  return [path, dots.map((at) => [x, at])];
}
