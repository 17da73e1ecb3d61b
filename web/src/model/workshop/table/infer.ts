// What a column of text is: numbers, truth values, dates, categories, or nothing to learn from.
// As clearprop/tables/inference.py decides for columns of CSV files.

import { DATE_WORDS, type DateOrder, findDates, ISO_LIKE, readDate } from "./dates.ts";
import { areCodes, evenly, findFormat, formatWords, type NumberFormat, PLAIN, reader } from "./numbers.ts";
import { t } from "../../../text.ts";

/** What a column may be. */
export type ColumnKind = "numeric" | "categorical" | "boolean" | "date" | "text" | "ignore";

/** What was found for a column. */
export interface Finding {
  kind: ColumnKind;
  /** Why, in a few words. */
  reason: string;
  number?: NumberFormat;
  date?: DateOrder;
  /** Texts that stand for a missing value in a column of numbers or dates, with their counts. */
  gaps: [string, number][];
}

type Cell = string | null;

// What stands for a missing value in a column of numbers or dates, in any case of the letters.
const MARKS = new Set(
  (
    "?|-|--|---|–|—|.|..|…|*|**|/|#|n/a|na|n.a.|n.a|n/a.|n.d.|nd|nan|nat|null|nil|none|<na>|k.a.|n.v.|" +
    "missing|(missing)|unknown|undefined|not available|not applicable|keine angabe|(null)|" +
    "#n/a|#n/a n/a|#na|#div/0!|#value!|#ref!|#name?|#num!|#null!"
  ).split("|"),
);
export const isMark = (text: string) => MARKS.has(text.toLowerCase());

const [IDENTIFIER_SHARE, IDENTIFIER_LEVELS] = [0.5, 20];
const [FOREIGN_SHARE, ROWS_FOR_ONE, FOREIGN_LEVELS] = [0.05, 8, 20];
const DATE_LIKE =
  /\d{1,4}[-/.: ]|\b\d{1,2}\b.*\p{L}{3,}|\p{L}{3,}.*\b(\d{1,2}|\d{4})\b|\d{4}-?W\d|\d{4}[Qq][1-4]|[Qq][1-4]|^(19|20)\d{6}$/u;

/** The different texts of a column and their counts, marks apart. */
interface Words {
  levels: string[];
  counts: number[];
  marks: [string, number][];
  n_present: number;
}

function wordsOf(cells: Cell[]): Words {
  const counts = new Map<string, number>();
  let n_present = 0;
  for (const cell of cells)
    if (cell !== null) {
      counts.set(cell, (counts.get(cell) ?? 0) + 1);
      n_present++;
    }
  const all = [...counts];
  const words = all.filter(([text]) => !isMark(text));
  return {
    levels: words.map(([text]) => text),
    counts: words.map(([, n]) => n),
    marks: all.filter(([text]) => isMark(text)),
    n_present,
  };
}

/** The texts that were not read, with their counts; null where they are too many. */
function othersOf({ levels, counts }: Words, read: boolean[]): [string, number][] | null {
  const n = counts.reduce((a, b) => a + b, 0);
  const others = levels.flatMap((text, i): [string, number][] => (read[i] ? [] : [[text, counts[i]!]]));
  const n_others = others.reduce((sum, [, count]) => sum + count, 0);
  const n_read = levels.length - others.length;
  const few = n_others <= Math.max(FOREIGN_SHARE * n, n >= ROWS_FOR_ONE ? 1 : 0);
  const levelsFew = others.length <= FOREIGN_LEVELS && others.length < n_read;
  return n_read && few && (!others.length || levelsFew) ? others : null;
}

/** Whether at least half of a few of the texts match. */
function someMatch(levels: string[], pattern: RegExp): boolean {
  const some = evenly(levels, 50);
  return some.filter((text) => pattern.test(text)).length * 2 >= some.length;
}

/** Whether so many different texts in so many rows identify rows instead of describing them. */
export function isIdentifying(n_levels: number, n_present: number): boolean {
  return n_levels > Math.max(IDENTIFIER_LEVELS, IDENTIFIER_SHARE * n_present);
}

/** What a column is; `kind`: what the reader asks for. Throws an Error that names the column. */
export function find(name: string, cells: Cell[], kind?: ColumnKind): Finding {
  if (kind && kind !== "numeric" && kind !== "date") return { kind, reason: "as asked", gaps: [] };
  const words = wordsOf(cells);
  const ignored = (reason: string): Finding => ({ kind: "ignore", reason, gaps: [] });
  if (!words.n_present) return kind ? { kind, reason: "no value at all", gaps: [] } : ignored(t("no value at all"));
  const n_words = words.levels.length;
  if (!kind && !n_words) return ignored(t("no value but marks of missing values"));
  if (!kind && n_words === 1 && !words.marks.length && words.n_present === cells.length)
    return ignored(t("the same value in every row: {value}", { value: shown(words.levels[0]!) }));
  const numbers = kind === "date" ? null : findNumbers(words);
  const codes = !kind && numbers?.values != null && haveCodes(cells, words, numbers.finding);
  if (numbers) {
    if (!kind && isRowNumber(name, numbers.values)) return ignored(t("row numbers"));
    if (!codes) return numbers.finding;
  }
  const dates = numbers || kind === "numeric" ? null : findDateColumn(words);
  if (dates?.sure) return dates.finding;
  if (kind && dates)
    throw new Error(`column ${shown(name)}: the order of day and month cannot be told from its dates`);
  if (kind) {
    const strange = words.levels.find((text) =>
      Number.isNaN(kind === "numeric" ? reader(PLAIN)(text) : readDate("iso", text)),
    );
    throw new Error(
      `column ${shown(name)}: ${shown(strange ?? "")} is not a ${kind === "numeric" ? "number" : "date"}; ` +
        "an empty cell means that the value is missing",
    );
  }
  const lower = new Set(n_words <= 6 ? words.levels.map((text) => text.toLowerCase()) : [""]);
  if ([...lower].every((text) => text === "true" || text === "false"))
    return { kind: "boolean", reason: "true and false", gaps: words.marks };
  const n_levels = n_words + words.marks.length;
  if (isIdentifying(n_levels, words.n_present)) {
    if (isFreeText(words.levels)) return { kind: "text", reason: `${n_levels} different texts`, gaps: [] };
    const counts = { n: n_levels, rows: words.n_present };
    if (codes) return ignored(t("codes with leading zeros, {n} different values in {rows} rows", counts));
    return ignored(
      dates
        ? t("text with {n} different values in {rows} rows; it may be dates", counts)
        : t("text with {n} different values in {rows} rows", counts),
    );
  }
  return { kind: "categorical", reason: `${n_levels} categories`, gaps: [] };
}

/** Whether plain numbers are codes with leading zeros. */
function haveCodes(cells: Cell[], words: Words, finding: Finding): boolean {
  const all = finding.gaps.length || areCodes(cells.filter((cell) => cell !== null));
  return Boolean(all) && areCodes(words.levels);
}

interface FoundNumbers {
  finding: Finding;
  /** All plain numbers of the levels by their counts; null for numbers of another format. */
  values: { numbers: number[]; counts: number[]; complete: boolean } | null;
}

function findNumbers(words: Words): FoundNumbers | null {
  if (!words.levels.length || !someMatch(words.levels, /\d/)) return null;
  const { form, numbers } = findFormat(words.levels, words.counts);
  const read = numbers.map((x) => !Number.isNaN(x));
  const others = othersOf(words, read);
  if (!others) return null;
  const n_read = read.filter(Boolean).length;
  const reason = ["numbers", formatWords(form)].filter(Boolean).join(", ");
  const plain = formatWords(form) === "";
  const gaps = [...others, ...words.marks];
  return {
    finding: {
      kind: "numeric",
      reason: `${reason}: text with ${n_read} different values`,
      number: plain ? undefined : form,
      gaps,
    },
    values: plain ? { numbers, counts: words.counts, complete: !gaps.length } : null,
  };
}

/** The finding of numbers for a target: its format, and the other texts; null where it is text. */
export function numbersOf(cells: Cell[]): Finding | null {
  const words = wordsOf(cells);
  return words.n_present ? (findNumbers(words)?.finding ?? null) : null;
}

function findDateColumn(words: Words): { finding: Finding; sure: boolean } | null {
  if (!someMatch(words.levels, DATE_LIKE)) return null;
  const made = (order: DateOrder, stamps: number[], sure: boolean) => {
    const others = othersOf(words, stamps.map((stamp) => !Number.isNaN(stamp)));
    if (!others) return null;
    const what = order === "time" ? "times of day" : `dates, ${DATE_WORDS[order]}`;
    const reason = `${what}: text with ${words.levels.length - others.length} different values`;
    return { finding: { kind: "date" as const, reason, date: order, gaps: [...others, ...words.marks] }, sure };
  };
  if (ISO_LIKE.test(words.levels[0]!)) {
    const stamps = words.levels.map((text) => readDate("iso", text));
    if (!stamps.some(Number.isNaN)) return made("iso", stamps, true);
  }
  const found = findDates(words.levels, words.counts);
  return found && made(found.order, found.stamps, found.sure);
}

// ---- row numbers and free text -------------------------------------------------------------------

const ALWAYS = new Set(["rownames", "row.names", "row_names", "row names", "__index_level_0__", "level_0", ""]);
const UNNAMED = /^(?:unnamed: \d+(\.\d+)*|unnamed: \d+_level_\d+|\.\.\.1)$/;
const IDENTIFIER =
  /^(.*[ _.-])?(id|ids|idx|index|nr|no|no\.|num|number|row|rows|rownum|rowid|serial|seq|sno|s\.no|obs|observation|case|record|#)$/i;
const CAMEL = /^.*[a-z](Id|ID|Index|Nr|No|Number)$/;

function isRowNumber(name: string, values: FoundNumbers["values"]): boolean {
  const own = name.trim();
  const always = ALWAYS.has(own.toLowerCase()) || UNNAMED.test(own.toLowerCase());
  if (!always && !IDENTIFIER.test(own) && !CAMEL.test(own)) return false;
  if (!values?.complete || values.counts.some((n) => n > 1) || values.numbers.length < 10) return false;
  const n = values.numbers.length;
  const [low, high] = [Math.min(...values.numbers), Math.max(...values.numbers)];
  if (!always && ((low !== 0 && low !== 1) || high !== low + n - 1)) return false;
  return values.numbers.every(Number.isSafeInteger) && new Set(values.numbers).size === n;
}

function isFreeText(levels: string[]): boolean {
  const step = Math.max(1, Math.floor(levels.length / 2000));
  const texts = levels
    .filter((_, i) => i % step === 0)
    .map((text) => text.normalize("NFKC").toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? []);
  const counts = new Map<string, number>();
  for (const words of texts) for (const word of new Set(words)) counts.set(word, (counts.get(word) ?? 0) + 1);
  const recurring = new Set([...counts].flatMap(([word, n]) => (n >= 3 && !/^\d+$/.test(word) ? [word] : [])));
  const n_words = texts.reduce((n, words) => n + words.length, 0);
  const shared = texts.reduce((n, words) => n + words.filter((word) => recurring.has(word)).length, 0);
  return n_words >= 2 * texts.length && recurring.size >= 20 && shared >= 0.2 * n_words;
}

/** A text of a table in a message. */
export function shown(text: string, most = 60): string {
  return JSON.stringify(text.length <= most ? text : `${text.slice(0, most - 1)}…`).replaceAll('"', "'");
}
