// CSV files of any usual dialect as a table of text, with the line of each row.

import Papa from "papaparse";
import { shown } from "./infer.ts";
import type { Table } from "./table.ts";
import { t } from "../../../text.ts";

export const MAX_BYTES = 8 * 2 ** 20;
const MAX_ROWS = 20_000;
const MAX_COLUMNS = 2_000;
const DELIMITERS = [",", ";", "\t", "|"];

/** A file's bytes as a table; an Error says in one line why they are none. */
export function readTable(bytes: Uint8Array, fileName: string): Table {
  const name = nameOf(fileName);
  if (bytes.length > MAX_BYTES)
    throw new Error(
      `the file has ${bytes.length.toLocaleString("en")} bytes; the playground takes at most ${MAX_BYTES.toLocaleString("en")}`,
    );
  const notes: string[] = [];
  return tableOf(decoded(bytes, name, notes), name, notes);
}

/** The last part of a file's name, printable. */
function nameOf(name: string): string {
  const last = name.replaceAll("\\", "/").split("/").at(-1) ?? "";
  return last.replace(/\p{C}/gu, "").slice(0, 100) || "table.csv";
}

/** The text of a file: UTF-8, UTF-16 by its mark or its zeros, otherwise Windows-1252. */
function decoded(bytes: Uint8Array, name: string, notes: string[]): string {
  const magic = String.fromCharCode(...bytes.subarray(0, 4));
  const known: [string, string][] = [
    ["PK\x03\x04", "a zip archive or a workbook"],
    ["PAR1", "Parquet"],
    ["%PDF", "PDF"],
    ["\x1f\x8b", "compressed"],
  ];
  for (const [start, what] of known)
    if (magic.startsWith(start))
      throw new Error(
        `${name} is ${what}; only CSV can be loaded here (clearprop play FILE opens other formats)`,
      );
  const text = (encoding: string) => new TextDecoder(encoding).decode(bytes);
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return text("utf-16le");
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return text("utf-16be");
  const head = bytes.subarray(0, 1000);
  const zeros = [0, 0];
  head.forEach((byte, i) => byte === 0 && zeros[i % 2]!++);
  if (zeros[1]! > head.length / 4) return text("utf-16le");
  if (zeros[0]! > head.length / 4) return text("utf-16be");
  if (zeros[0]! + zeros[1]!) throw new Error(`${name} is not a text file; only CSV can be loaded here`);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    notes.push(t("The file is not UTF-8 and was read as Windows-1252."));
    return text("windows-1252");
  }
}

interface Row {
  cells: string[];
  line: number;
}

/** A text as a table. */
export function tableOf(text: string, name: string, notes: string[] = []): Table {
  const asked = /^sep=(.)\r?\n/i.exec(text);
  const skipped = asked ? asked[0].length : 0;
  const body = text.slice(skipped);
  const delimiter = asked ? asked[1]! : delimiterOf(body);
  let rows: Row[] = parsed(body, delimiter).map((row) => ({ ...row, line: row.line + (asked ? 1 : 0) }));
  if (delimiter === " ")
    rows = rows.map(({ cells, line }) => ({ cells: cells.filter((cell) => cell !== ""), line }));
  rows = rows.filter(({ cells }) => cells.length > 1 || (cells[0] ?? "").trim() !== "");
  if (!rows.length) throw new Error(`${name}: the file is empty`);
  dropTitle(rows, notes);
  const header = rows.shift()!.cells.map((cell) => cell.trim());
  fitWidth(header, rows, notes);
  for (const { cells, line } of rows)
    if (cells.length !== header.length)
      throw new Error(`${name}: line ${line} has ${cells.length} values, the header has ${header.length}`);
  if (!rows.length) throw new Error(`${name}: the table has no rows`);
  if (rows.length > MAX_ROWS)
    throw new Error(
      `the table has ${rows.length.toLocaleString("en")} rows; the playground takes at most ${MAX_ROWS.toLocaleString("en")}`,
    );
  if (header.length > MAX_COLUMNS)
    throw new Error(`the table has ${header.length} columns; the playground takes at most ${MAX_COLUMNS}`);
  let first = 0;
  while (first < header.length - 1 && isIndex(header[first]!, rows, first)) first++;
  if (first) notes.push(t("The first column numbers the rows and was left out."));
  const keep = header.map((_, i) => i >= first);
  const columns = namesOf(header, first, notes);
  return {
    name,
    columns: columns.filter((_, i) => keep[i]),
    cells: columns.flatMap((_, i) => (keep[i] ? [rows.map(({ cells }) => cells[i]!.trim() || null)] : [])),
    n_rows: rows.length,
    lines: Int32Array.from(rows, ({ line }) => line),
    notes,
  };
}

/** Records with the line where each begins, from 1. */
function parsed(text: string, delimiter: string, preview = 0): Row[] {
  const rows: Row[] = [];
  let [line, place] = [1, 0];
  Papa.parse<string[]>(text, {
    delimiter,
    preview,
    step: ({ data, meta }) => {
      rows.push({ cells: data, line });
      for (; place < meta.cursor; place++) {
        const code = text.charCodeAt(place);
        if (code === 10 || (code === 13 && text.charCodeAt(place + 1) !== 10)) line++;
      }
    },
  });
  return rows;
}

/** The delimiter that gives all rows the same number of values; else the most frequent of the header. */
function delimiterOf(text: string): string {
  let best = { delimiter: ",", score: -1 };
  for (const delimiter of [...DELIMITERS, " "]) {
    const rows = parsed(text, delimiter, 51)
      .map(({ cells }) => (delimiter === " " ? cells.filter((cell) => cell !== "") : cells))
      .filter((cells) => cells.length > 1 || (cells[0] ?? "").trim());
    const width = rows[0]?.length ?? 0;
    const same = rows.filter((cells) => cells.length === width).length / (rows.length || 1);
    const numbers = rows.slice(1).flat().filter((cell) => /^\s*[-+]?[\d.,]*%?\s*$/.test(cell)).length;
    const share = numbers / (rows.slice(1).flat().length || 1);
    // all rows alike, then all one wider or narrower, then most; of equals the one with more
    // numbers, then the wider
    const widths = new Set(rows.slice(1).map((cells) => cells.length));
    const [other = 0] = widths;
    const almost = widths.size === 1 && other > 1 && Math.abs(other - width) === 1;
    const level = width < 2 ? 0 : same === 1 ? 3 : almost ? 2.5 : same >= 0.5 ? 1 + same : 0.5;
    const score = level * 1000 + share * 100 * (same === 1 ? 1 : 0) + Math.min(width, 99) / 10;
    if (delimiter === " " ? level > 2 && best.score < 2000 : score > best.score) best = { delimiter, score };
  }
  return best.delimiter;
}

/** Leave out lines before the header that are no rows: titles and comments. */
function dropTitle(rows: Row[], notes: string[]): void {
  const counts = new Map<number, number>();
  for (const { cells } of rows.slice(0, 100)) counts.set(cells.length, (counts.get(cells.length) ?? 0) + 1);
  const [width = 0, n = 0] = [...counts].sort((a, b) => b[1] - a[1])[0] ?? [];
  const start = rows.findIndex(({ cells }) => cells.length >= width - 1 && !/^\s*#/.test(cells[0]!));
  const titles = rows.slice(0, Math.max(0, start));
  const areTitles = titles.every(({ cells }) => cells.filter((cell) => cell.trim()).length <= 1 || /^\s*#/.test(cells[0]!));
  if (!titles.length || width < 2 || n < 2 || !areTitles) return;
  rows.splice(0, titles.length);
  const k = titles.length;
  notes.push(k > 1 ? t("{n} lines before the header were left out.", { n: k }) : t("1 line before the header was left out."));
}

/** A delimiter at the end of rows or of the header, and row names without a name. */
function fitWidth(header: string[], rows: Row[], notes: string[]): void {
  const widths = new Set(rows.map(({ cells }) => cells.length));
  if (widths.size === 1) {
    const [width] = widths as Set<number> & Iterable<number>;
    const endsBlank = rows.every(({ cells }) => cells.at(-1)!.trim() === "");
    if (width === header.length - 1 && header.at(-1) === "") header.pop();
    else if (width === header.length + 1 && endsBlank) for (const row of rows) row.cells.pop();
    else if (width === header.length + 1) {
      for (const row of rows) row.cells.shift();
      notes.push(t("The first column has row names without a name in the header and was left out."));
    } else if (width === header.length && header.length > 1 && header.at(-1) === "" && endsBlank) {
      header.pop();
      for (const row of rows) row.cells.pop();
    }
  }
}

/** Whether a column is an index that pandas wrote: no name, different whole numbers. */
function isIndex(name: string, rows: Row[], place: number): boolean {
  if (!/^(?:Unnamed: 0(?:\.\d+)*)?$/.test(name)) return false;
  const texts = rows.map(({ cells }) => cells[place]!.trim());
  return texts.every((text) => /^\d+$/.test(text)) && new Set(texts).size === texts.length;
}

/** A name for every column; an Error for two columns of one name. */
function namesOf(header: string[], first: number, notes: string[]): string[] {
  const names = header.map((name, i) => (i < first ? `\0${i}` : name || `Unnamed: ${i}`));
  if (header.includes("", first)) notes.push(t("Columns without a name in the header are called Unnamed: and their number."));
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new Error(`two columns are called ${shown(twice)}; rename one of them`);
  return names;
}
