// How quantities of the computation are laid out: samples as columns, as the lecture writes them.

import type { Value } from "../../protocol.ts";

/** A quantity: its symbol, shape, and what its axes count (n samples; i, j, k units). */
export interface Quantity {
  text: string;
  shape: number[];
  axes: string[];
}

export interface Operand {
  of: string;
  text: string;
  transposed: boolean;
}

export interface LineView {
  number: number;
  direction: "forward" | "backward";
  layer: number | null;
  of: string;
  equation: string;
  entry: string;
  code: string;
  note: string;
  derivative: boolean;
  delta: string;
  layout: (string | Operand)[];
}

export interface Factor {
  text: string;
  of: string | null;
  index: number[] | null;
}

export interface CellView {
  at: number[];
  entry: string;
  method: string;
  derivative: boolean;
  ok: boolean | null;
  tolerance: number;
  terms: { text: string; factors: Factor[] }[];
}

/** One rectangle of numbers: which entry of the quantity is at a row and column. */
export interface Block {
  rows: number;
  columns: number;
  index: (row: number, column: number) => number[];
  label: string;
}

/** The rectangles that a quantity is drawn as; one for each sample where it has three axes. */
export function blocks(quantity: Quantity, transposed = false): Block[] {
  const { shape, axes } = quantity;
  const [a = 1, b = 1, c = 1] = shape;
  if (shape.length === 0) return [{ rows: 1, columns: 1, index: () => [], label: "" }];
  if (shape.length === 1)
    return axes[0] === "n"
      ? [{ rows: 1, columns: a, index: (_, column) => [column], label: "" }]
      : [{ rows: a, columns: 1, index: (row) => [row], label: "" }];
  if (shape.length === 2) {
    const samplesFirst = axes[0] === "n";
    return samplesFirst === transposed
      ? [{ rows: a, columns: b, index: (row, column) => [row, column], label: "" }]
      : [{ rows: b, columns: a, index: (row, column) => [column, row], label: "" }];
  }
  return Array.from({ length: a }, (_, n) => ({
    rows: c,
    columns: b,
    index: (row: number, column: number) => [n, column, row],
    label: a > 1 ? `n = ${n}` : "",
  }));
}

/** The entry of nested lists at an index. */
export function entry(value: Value | undefined, index: number[]): number {
  let at: Value | undefined = value;
  for (const i of index) at = Array.isArray(at) ? at[i] : undefined;
  return typeof at === "number" ? at : Number(at);
}

export function nameOf(code: string, index: number[]): string {
  return [code, ...index].join(".");
}

export function place(index: number[]): string {
  return index.length ? `[${index.join(", ")}]` : "";
}

/** The shape as it is drawn, H × N. */
export function shapeText(quantity: Quantity, transposed = false): string {
  const [block] = blocks(quantity, transposed);
  if (!block || quantity.shape.length === 0) return "a number";
  const one = `${block.rows} × ${block.columns}`;
  return quantity.shape.length === 3 ? `${quantity.shape[0]} of ${one}` : one;
}
