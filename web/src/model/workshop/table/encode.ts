// The columns of a table as the matrix of numbers that a network takes.
// As clearprop/tabular/plain.py and plain_columns.py encode them.

import { sum } from "../../maths.ts";
import { DATE_PARTS, dateParts, readDate } from "./dates.ts";
import { type Finding, isMark, shown } from "./infer.ts";
import { PLAIN, reader } from "./numbers.ts";
import { t } from "../../../text.ts";

const LIMIT = 5; // numeric inputs lie within ±5
const TAIL = 0.01; // share of the training rows at either end whose values are winsorised
const [MAX_CATEGORIES, RARE] = [64, 10];

type Cell = string | null;

/** The scale of an input: value = input × spread + centre. */
export interface Unit {
  centre: number;
  spread: number;
}

/** A column in its encoded form: one array of all rows for each input that it gives. */
export interface Encoded {
  name: string;
  kind: string;
  features: string[];
  columns: Float64Array[];
  /** Of a column of numbers: a value of the file is input × spread + centre. */
  unit?: Unit;
  /** A few words for the list of columns. */
  words: string;
}

/** Statistics of the training rows of a column of numbers. */
interface Numeric {
  median: number;
  centre: number;
  spread: number;
  n_missing: number;
}

/** Encode a column; rows: the training rows, which the statistics are taken from. */
export function encodeColumn(
  name: string,
  cells: Cell[],
  finding: Finding,
  rows: Int32Array,
  scaling: string,
): Encoded {
  if (finding.kind === "numeric") return numeric(name, numbersOf(name, cells, finding), rows, scaling);
  if (finding.kind === "boolean") return boolean(name, cells);
  if (finding.kind === "date") return date(name, cells, finding, rows);
  return categorical(name, cells, rows);
}

/** The numbers of a column, NaN where there is none. */
export function numbersOf(name: string, cells: Cell[], finding: Finding): Float64Array {
  const read = reader(finding.number ?? PLAIN);
  const gaps = new Set(finding.gaps.map(([text]) => text));
  return Float64Array.from(cells, (cell, i) => {
    if (cell === null || gaps.has(cell) || isMark(cell)) return NaN;
    const x = read(cell);
    if (Number.isNaN(x)) throw new Error(`column ${shown(name)}, row ${i}: ${shown(cell)} is not a number`);
    return x;
  });
}

function statistics(values: Float64Array): Numeric {
  const n_missing = values.reduce((n, x) => n + (Number.isNaN(x) ? 1 : 0), 0);
  const present = values.filter(Number.isFinite);
  if (!present.length) return { median: 0, centre: 0, spread: 0, n_missing };
  const sorted = present.slice().sort();
  const [low, median, high] = [TAIL, 0.5, 1 - TAIL].map((q) => quantile(sorted, q)) as [number, number, number];
  const body = low === high ? present : present.map((x) => Math.min(high, Math.max(low, x)));
  const constant = sorted[0] === sorted.at(-1);
  return { median, centre: mean(body), spread: constant ? 0 : deviation(body), n_missing };
}

/** The quantile of sorted values, as NumPy interpolates it. */
function quantile(sorted: Float64Array, q: number): number {
  const at = q * (sorted.length - 1);
  const below = Math.floor(at);
  const rest = at - below;
  const [a, b] = [sorted[below]!, sorted[Math.min(below + 1, sorted.length - 1)]!];
  return rest >= 0.5 ? b - (b - a) * (1 - rest) : a + (b - a) * rest;
}

/** The mean, as NumPy rounds it. */
export function mean(x: Float64Array): number {
  return sum(Array.from(x)) / x.length;
}

/** The standard deviation, as NumPy rounds it. */
export function deviation(x: Float64Array): number {
  const centre = mean(x);
  return Math.sqrt(sum(Array.from(x, (value) => (value - centre) * (value - centre))) / x.length);
}

function scaled(x: Float64Array, { median, centre, spread }: Numeric): Float64Array {
  if (!(spread > 0)) return new Float64Array(x.length);
  return x.map((value) => {
    const z = ((Number.isNaN(value) ? median : value) - centre) / spread;
    return Math.min(LIMIT, Math.max(-LIMIT, z));
  });
}

function pick(x: Float64Array, rows: Int32Array): Float64Array {
  return Float64Array.from(rows, (row) => x[row]!);
}

function numeric(name: string, x: Float64Array, rows: Int32Array, scaling: string): Encoded {
  const found = statistics(pick(x, rows));
  let values = scaled(x, found);
  let unit: Unit = { centre: found.centre, spread: found.spread || 1 };
  if (scaling !== "standard") {
    values = x.map((value) => (Number.isNaN(value) ? found.median : value));
    unit = { centre: 0, spread: 1 };
    if (scaling === "unit") {
      const own = pick(values, rows);
      const low = own.reduce((a, b) => Math.min(a, b));
      const high = own.reduce((a, b) => Math.max(a, b));
      values = values.map((value) => (value - low) / (high - low || 1));
      unit = { centre: low, spread: high - low || 1 };
    }
  }
  const missing = x.map((value) => (Number.isNaN(value) ? 1 : 0));
  return {
    name,
    kind: "numeric",
    features: found.n_missing ? [name, `${name} (missing)`] : [name],
    columns: found.n_missing ? [values, missing] : [values],
    unit,
    words: t("median {value}", { value: Number(found.median.toPrecision(6)) }),
  };
}

const SIGNS: Record<string, number> = {
  ...{ true: 1, t: 1, yes: 1, y: 1, "1": 1, "1.0": 1 },
  ...{ false: -1, f: -1, no: -1, n: -1, "0": -1, "0.0": -1 },
};

function boolean(name: string, cells: Cell[]): Encoded {
  const signs = Float64Array.from(cells, (cell, i) => {
    if (cell === null || isMark(cell)) return 0;
    const sign = SIGNS[cell.toLowerCase()];
    if (sign === undefined)
      throw new Error(`column ${shown(name)}, row ${i}: ${shown(cell)} is not true or false`);
    return sign;
  });
  return { name, kind: "boolean", features: [name], columns: [signs], words: t("+1 true, −1 false") };
}

function categorical(name: string, cells: Cell[], rows: Int32Array): Encoded {
  const counts = new Map<string, number>();
  let n_missing = 0;
  for (const row of rows) {
    const cell = cells[row]!;
    if (cell === null) n_missing++;
    else counts.set(cell, (counts.get(cell) ?? 0) + 1);
  }
  const rare = Math.min(RARE, rows.length / 1000);
  const byCount = [...counts.keys()].sort((a, b) => counts.get(b)! - counts.get(a)! || order(a, b));
  let own = byCount.filter((label) => counts.get(label)! >= rare);
  if (own.length > MAX_CATEGORIES || own.length < byCount.length) own = own.slice(0, MAX_CATEGORIES - 1);
  const n_pooled = byCount.length - own.length;
  own.sort(order);
  const listed = own.length <= 3 ? own.map((label) => shown(label)).join(", ") : t("{n} categories", { n: own.length });
  const words = listed + (n_pooled ? `; ${t("{n} rare, pooled", { n: n_pooled })}` : "");
  const n = cells.length;
  if (own.length === 2 && !n_pooled) {
    const signs = Float64Array.from(cells, (cell) => (cell === own[0] ? 1 : cell === own[1] ? -1 : 0));
    return { name, kind: "categorical", features: [`${name}=${own[0]}`], columns: [signs], words };
  }
  const names = [...own, ...(n_pooled ? ["(other)"] : []), ...(n_missing ? ["(missing)"] : [])];
  const place = new Map(own.map((label, k) => [label, k]));
  const columns = names.map(() => new Float64Array(n));
  cells.forEach((cell, i) => {
    const at =
      cell === null ? (n_missing ? names.length - 1 : -1) : (place.get(cell) ?? (n_pooled ? own.length : -1));
    if (at >= 0) columns[at]![i] = 1;
  });
  return { name, kind: "categorical", features: names.map((label) => `${name}=${label}`), columns, words };
}

/** The order of Python's texts: by code points. */
export function order(a: string, b: string): number {
  const [x, y] = [[...a], [...b]];
  for (let i = 0; i < Math.min(x.length, y.length); i++)
    if (x[i] !== y[i]) return x[i]!.codePointAt(0)! - y[i]!.codePointAt(0)!;
  return x.length - y.length;
}

function date(name: string, cells: Cell[], finding: Finding, rows: Int32Array): Encoded {
  const gaps = new Set(finding.gaps.map(([text]) => text));
  const stamps = Float64Array.from(cells, (cell, i) => {
    if (cell === null || gaps.has(cell) || isMark(cell)) return NaN;
    const stamp = readDate(finding.date ?? "iso", cell);
    if (Number.isNaN(stamp)) throw new Error(`column ${shown(name)}, row ${i}: ${shown(cell)} is not a date`);
    return stamp;
  });
  const all = Array.from(stamps, dateParts);
  const parts = DATE_PARTS.map((_, k) => Float64Array.from(all, (values) => values[k]!));
  const ends = (x: Float64Array) => {
    const present = pick(x, rows).filter((value) => !Number.isNaN(value));
    return [present.reduce((a, b) => Math.min(a, b), Infinity), present.reduce((a, b) => Math.max(a, b), -Infinity)];
  };
  const [first, last] = ends(parts[0]!.map(Math.floor)) as [number, number];
  const oneDay = !(first < last);
  const n_missing = pick(stamps, rows).filter(Number.isNaN).length;
  const kept = DATE_PARTS.flatMap((part, k) => {
    const [low, high] = ends(parts[k]!) as [number, number];
    const useful = !oneDay || part === "days" || part === "day sin" || part === "day cos";
    return useful && low < high ? [k] : [];
  });
  const columns = kept.map((k) => {
    const found = statistics(pick(parts[k]!, rows).filter((value) => !Number.isNaN(value)));
    return scaled(parts[k]!, found);
  });
  const features = kept.map((k) => `${name} (${DATE_PARTS[k]})`);
  if (n_missing) {
    features.push(`${name} (missing)`);
    columns.push(stamps.map((stamp) => (Number.isNaN(stamp) ? 1 : 0)));
  }
  return { name, kind: "date", features, columns, words: kept.map((k) => DATE_PARTS[k]).join(", ") };
}
