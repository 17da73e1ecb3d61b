// A circuit: cells between named nets, in topological order.

import { evaluate, gate } from "./gates.ts";

/** One gate in a circuit; `inputs` are names of nets. */
export interface Cell {
  output: string;
  kind: string;
  inputs: string[];
}

export interface Circuit {
  inputs: string[];
  outputs: string[];
  cells: Cell[];
}

/** Nets that lead back to the first of them. */
export class Cycle extends Error {
  constructor(public nets: string[]) {
    super(`there is a cycle: ${arrows(nets)}`);
  }
}

/** A circuit with its cells sorted, each after the cells that it reads; throws a Cycle. */
export function circuit(inputs: string[], outputs: string[], cells: Cell[]): Circuit {
  return { inputs, outputs, cells: inOrder(inputs, cells) };
}

/** The inputs, then the outputs of the cells, in order. */
export function netsOf({ inputs, cells }: Circuit): string[] {
  return [...inputs, ...cells.map((cell) => cell.output)];
}

/** For each net, the greatest number of cells on a path to it from an input. */
export function levelsOf({ inputs, cells }: Circuit): Map<string, number> {
  const level = new Map(inputs.map((net) => [net, 0]));
  for (const cell of cells)
    level.set(cell.output, 1 + Math.max(0, ...cell.inputs.map((net) => level.get(net)!)));
  return level;
}

/** The bits of all nets for one row of inputs, by the logic of the cells. */
export function evaluateNets({ inputs, cells }: Circuit, bits: number[]): Map<string, number> {
  const value = new Map(inputs.map((net, i) => [net, bits[i]!]));
  for (const { output, kind, inputs: read } of cells) {
    const x = read.map((net) => value.get(net)!);
    value.set(output, evaluate(gate(kind, x.length), x)[0]!);
  }
  return value;
}

/** The cells in topological order, found depth first. */
function inOrder(inputs: string[], cells: Cell[]): Cell[] {
  const driver = new Map(cells.map((cell) => [cell.output, cell]));
  const done = new Set(inputs);
  const order: Cell[] = [];
  const path: string[] = [];
  const visit = (cell: Cell) => {
    path.push(cell.output);
    for (const net of cell.inputs) {
      if (done.has(net)) continue;
      const at = path.indexOf(net);
      if (at >= 0) throw new Cycle([net, ...path.slice(at + 1).reverse()]);
      visit(driver.get(net)!);
    }
    path.pop();
    done.add(cell.output);
    order.push(cell);
  };
  for (const cell of cells) if (!done.has(cell.output)) visit(cell);
  return order;
}

function arrows(loop: string[]): string {
  const clipped = [...loop, loop[0]!].map((net) => (net.length <= 60 ? net : `${net.slice(0, 59)}…`));
  if (clipped.length <= 8) return clipped.join(" → ");
  return [...clipped.slice(0, 6), `… ${clipped.length - 7} more …`, clipped.at(-1)].join(" → ");
}
