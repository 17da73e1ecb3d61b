// How quantities of the computation are laid out: samples as columns, as the lecture writes them.
// What a reader sees counts from 1; data-names and indices in the code count from 0.

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
  /** Drawn as a diagonal matrix, one for each example. */
  diagonal?: boolean;
}

export interface LineView {
  number: number;
  direction: "forward" | "backward";
  layer: number | null;
  of: string;
  equation: string;
  entry: string;
  code: string;
  remark?: { text: string; values: Record<string, string | number> };
  note: string;
  derivative: boolean;
  delta: string;
  layout: (string | Operand)[];
}

export interface Factor {
  of: string | null; // null for a number that is not an entry of a quantity
  index: number[] | null;
  text: string; // its symbol, or its whole text without an index
}

/** A term: a form with {0}, {1} for the factors, or their product. */
export interface TermView {
  form: string;
  sign: number;
  factors: Factor[];
}

export interface CellView {
  at: number[];
  name: string;
  derivative: boolean;
  ok: boolean | null;
  tolerance: number;
  terms: TermView[];
}

/** One rectangle of numbers: which entry of the quantity is at a row and column; null for a 0. */
export interface Block {
  rows: number;
  columns: number;
  index: (row: number, column: number) => number[] | null;
  example?: number; // from 1
}

/** The rectangles that a quantity is drawn as; one for each sample where it has three axes. */
export function blocks(quantity: Quantity, transposed = false, diagonal = false): Block[] {
  const { shape, axes } = quantity;
  const [a = 1, b = 1, c = 1] = shape;
  const example = (n: number) => (a > 1 ? { example: n + 1 } : {});
  if (diagonal)
    return Array.from({ length: a }, (_, n) => ({
      rows: b,
      columns: b,
      index: (row: number, column: number) => (row === column ? [n, row] : null),
      ...example(n),
    }));
  if (shape.length === 0) return [{ rows: 1, columns: 1, index: () => [] }];
  if (shape.length === 1)
    return axes[0] === "n"
      ? [{ rows: 1, columns: a, index: (_, column) => [column] }]
      : [{ rows: a, columns: 1, index: (row) => [row] }];
  if (shape.length === 2) {
    const samplesFirst = axes[0] === "n";
    return samplesFirst === transposed
      ? [{ rows: a, columns: b, index: (row, column) => [row, column] }]
      : [{ rows: b, columns: a, index: (row, column) => [column, row] }];
  }
  return Array.from({ length: a }, (_, n) => ({
    rows: c,
    columns: b,
    index: (row: number, column: number) => [n, column, row],
    ...example(n),
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

/** An index as a reader sees it, from 1. */
export function place(index: number[]): string {
  return index.length ? `[${index.map((i) => i + 1).join(", ")}]` : "";
}

export function factorText({ text, index }: Factor): string {
  return index ? text + place(index) : text;
}

export function termText({ form, sign, factors }: TermView): string {
  const texts = factors.map(factorText);
  if (form) return form.replace(/\{(\d)\}/g, (_, i: string) => texts[Number(i)]!);
  return (sign < 0 ? "−" : "") + texts.join(" · ");
}

/** The line with the slopes of φ as the slides have them: ∂h/∂z is a matrix, which multiplies. */
export function withMatrices(line: LineView, n: number): LineView {
  if (line.of.startsWith("dphi"))
    return { ...line, layout: ["diag { φ′(", line.layout[1]!, ") }"] };
  const [above, sign, slope] = line.layout;
  if (n > 1 || sign !== "⊙" || typeof above !== "object" || typeof slope !== "object") return line;
  if (!slope.of.startsWith("dphi")) return line;
  const [left] = line.equation.split(" = ");
  const text = `diag { ${slope.text} }`;
  return {
    ...line,
    equation: `${left} = ${text} ${above.text}`,
    layout: [{ ...slope, text, diagonal: true }, above],
  };
}

/** A remark as a sentence: its first word with a capital, unless that is a symbol. */
export function sentence(note: string): string {
  const starts = /^(a |[a-z]{2,})/.test(note);
  return `${starts ? note[0]!.toUpperCase() + note.slice(1) : note}.`;
}
