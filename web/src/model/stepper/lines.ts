// The lines of a network's computation, made of the parts that Python writes into data/steps.json.
//
// A part serves every layer: {l} is the layer's number, {m} the one below, {u} the one above, {N} the
// number of examples; {phi}, {formula} and {slope} are the activation. How a line is computed is data as
// well: see clearprop/explain/terms.py.

import { ACTIVATIONS } from "../activations.ts";
import parts from "../../data/steps.json";

/** An entry of an array, with a letter for each axis; `text` for a number beside the operands. */
export interface Of {
  array: string;
  index?: string;
  text?: string;
}

export interface TermForm {
  factors: Of[];
  form?: string;
  value?: Of;
  sign?: number;
  zero?: boolean;
}

export interface Sum {
  over?: string;
  terms: TermForm[];
}

export interface Helper {
  name: string;
  function?: string[];
  value?: number;
}

/** The right side of a line as it is drawn. */
export interface Drawn {
  of: string;
  text: string;
  transposed: boolean;
}

export interface Line {
  number: number;
  direction: "forward" | "backward";
  layer: number | null;
  of: string;
  name: string;
  equation: string;
  entry: string;
  code: string;
  note: string;
  /** The note with its placeholders, to be translated. */
  remark: { text: string; values: Record<string, string | number> };
  axes: string;
  operands: Record<string, string>; // name in the code → symbol
  sums: Sum[];
  helpers: Helper[];
  function: string[];
  derivative: [of: string, by: string] | null;
  delta: string;
  layout: (string | Drawn)[];
}

interface Part extends Partial<Omit<Line, "layer" | "number">> {
  part: string;
  layer?: boolean;
}

/** What the lines of a network depend on. */
export interface Shape {
  depth: number; // the number of layers, L
  activation: string;
  output: string;
  n: number; // the number of examples
}

const DIGITS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** All lines in the lecture's order: forward through the layers, then back. */
export function linesOf({ depth, activation, output, n }: Shape): Line[] {
  const layers = Array.from({ length: depth }, (_, i) => i + 1);
  const take = (part: string, level: number) =>
    (parts as unknown as Part[])
      .filter((each) => each.part === part)
      .map((each) => line(each, level, activation, n));
  const found = [
    ...layers.flatMap((l) => [
      ...take(l === 1 ? "x" : "h", l),
      ...(l < depth ? take("phi", l) : take(output, l)),
    ]),
    ...take(`${output} back`, depth),
    ...layers
      .reverse()
      .flatMap((l) => [
        ...(l < depth ? take("phi back", l) : []),
        ...take(l === 1 ? "x back" : "h back", l),
      ]),
  ];
  return found.map((each, i) => ({ ...each, number: i + 1 }));
}

function line(part: Part, level: number, activation: string, n: number): Line {
  const { formula, slope } = ACTIVATIONS[activation]!;
  const values = { l: level, m: level - 1, u: level + 1, N: n, phi: activation, formula, slope };
  const fill = (value: unknown): any => {
    if (typeof value === "string")
      return value
        .replace(/⁽\{([lmu])\}⁾/g, (_, letter: "l" | "m" | "u") => `⁽${DIGITS[values[letter]]}⁾`)
        .replace(/\{(\w+)\}/g, (whole, name: string) => {
          const found = values[name as keyof typeof values];
          return found === undefined ? whole : String(found);
        });
    if (Array.isArray(value)) return value.map(fill);
    if (value && typeof value === "object")
      return Object.fromEntries(Object.entries(value).map(([key, of]) => [fill(key), fill(of)]));
    return value;
  };
  const { part: _, layer, ...described } = part;
  return {
    number: 0,
    entry: "",
    note: "",
    axes: "",
    sums: [],
    helpers: [],
    function: [],
    derivative: null,
    delta: "",
    ...fill(described),
    remark: { text: part.note ?? "", values },
    layer: layer ? level : null,
  };
}
