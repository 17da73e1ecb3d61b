// A circuit as sigmoid neurons at a gain: values of its nets, and the same network in strict layers.
//
//   h = σ(g (w·s + b)),  b = ½ − threshold
//
// for each unit; s are the circuit's inputs and the units of lower levels, w integers, g the gain.

import { range } from "./gates.ts";
import { type Circuit, netsOf } from "./netlist.ts";
import { type Units, unitsOf } from "./folding.ts";

export interface SoftCircuit {
  units: Units;
  gain: number;
}

export function compile(circuit: Circuit, gain: number): SoftCircuit {
  return { units: unitsOf(circuit), gain };
}

/** The values of all sources, inputs and units, for one row of inputs from 0 to 1. */
export function sources({ units, gain }: SoftCircuit, x: readonly number[]): number[] {
  const s = [...x];
  units.rows.forEach((row, unit) => {
    let y = -gain * (0.5 - units.thresholds[unit]!);
    for (const [source, w] of row) y += -gain * w * s[source]!;
    s.push(1 / (Math.exp(y) + 1));
  });
  return s;
}

/** The soft outputs for one row of inputs. */
export function evaluateSoft(soft: SoftCircuit, x: readonly number[]): number[] {
  const s = sources(soft, x);
  return soft.units.outputs.map((unit) => s[soft.units.nInputs + unit]!);
}

/** The soft value of each net, in the order of the nets. */
export function netValues(soft: SoftCircuit, x: readonly number[]): number[] {
  const s = sources(soft, x);
  return netsOf(soft.units.circuit).map((net) => {
    const { source, negated } = soft.units.wires.get(net)!;
    const value = source >= 0 ? s[source]! : 0;
    return negated ? 1 - value : value;
  });
}

/** The levels that each source is in: itself in `first`, as an identity unit up to `last`.
 *
 * A source that no output depends on has last < first.
 */
export interface Spans {
  first: number[];
  last: number[];
  nLevels: number;
}

/** Each unit is kept until the last unit that reads it; outputs are kept to the end. */
export function spansOf({ nInputs: n, rows, levels, outputs }: Units): Spans {
  const first = [...Array(n).fill(0), ...levels];
  const last = first.map((level) => level - 1);
  const nLevels = Math.max(...outputs.map((unit) => first[n + unit]!));
  for (const unit of outputs) last[n + unit] = nLevels;
  last.fill(0, 0, n); // all inputs are present, read or not
  for (let unit = rows.length - 1; unit >= 0; unit--) {
    if (last[n + unit]! < first[n + unit]!) continue; // nothing reads it
    for (const source of rows[unit]!.keys())
      last[source] = Math.max(last[source]!, first[n + unit]! - 1);
  }
  return { first, last, nLevels };
}

/** The sources in a level. */
export function at({ first, last }: Spans, level: number): number[] {
  return range(first.length).filter((i) => first[i]! <= level && level <= last[i]!);
}

export interface Layer {
  W: number[][];
  b: number[];
}

/** The layers of a dense network; identity units carry signals across levels. */
export function layersOf({ units, gain }: SoftCircuit): Layer[] {
  const spans = spansOf(units);
  const n = units.nInputs;
  let below = range(n);
  return range(spans.nLevels).map((i) => {
    const level = i + 1;
    const here =
      level === spans.nLevels ? units.outputs.map((unit) => n + unit) : at(spans, level);
    const column = new Map(below.map((source, k) => [source, k]));
    const layer: Layer = { W: [], b: [] };
    for (const source of here) {
      const carried = spans.first[source]! < level;
      const row = carried ? new Map([[source, 1]]) : units.rows[source - n]!;
      const w = Array<number>(below.length).fill(0);
      for (const [read, weight] of row) w[column.get(read)!] = gain * weight;
      layer.W.push(w);
      layer.b.push(gain * (0.5 - (carried ? 1 : units.thresholds[source - n]!)));
    }
    below = here;
    return layer;
  });
}
