// A table as a dataset: kinds of its columns, the division of its rows, the matrix of inputs.

import type { Engine } from "../../../engine/index.ts";
import type { Dataset } from "../datasets.ts";
import { roundHalfEven } from "../rounding.ts";
import { type Encoded, encodeColumn } from "./encode.ts";
import { DATE_WORDS } from "./dates.ts";
import { type ColumnKind, find, type Finding, shown } from "./infer.ts";
import { formatWords } from "./numbers.ts";
import type { Table } from "./table.ts";
import { readTarget, standardization } from "./target.ts";
import { t } from "../../../text.ts";

export const MAX_FEATURES = 64;
const MAX_CLASSES = 10;

export const SCALINGS = {
  standard: "mean 0, standard deviation 1",
  unit: "from 0 to 1",
  none: "unscaled",
};

export interface TableChoices {
  target: string;
  /** Kinds of columns that the reader chose. */
  kinds: readonly (readonly [string, string])[];
  /** One of SCALINGS. */
  scaling: string;
  test_share: number;
  seed: number;
}

/**
 * The dataset of a table; an Error says in one line why there is none.
 *
 * Where the columns make more inputs than the playground takes, the widest columns whose kind was
 * not chosen are left out first; the list of columns says so.
 */
export function tableDataset(engine: Pick<Engine, "rng">, table: Table, choices: TableChoices): Dataset {
  const { target, kinds, scaling, test_share, seed } = choices;
  const at = table.columns.indexOf(target);
  if (at < 0) throw new Error(`the table has no column '${target}'; choose the target`);
  if (table.columns.length === 1)
    throw new Error("the table has no column to learn from: the target is the only one");
  if (!Object.hasOwn(SCALINGS, scaling))
    throw new Error(`scaling must be one of ${Object.keys(SCALINGS).join(", ")}; got ${scaling}`);
  const { labels, y, reason } = readTarget(target, table.cells[at]!);
  if (labels.length > MAX_CLASSES)
    throw new Error(`the target has ${labels.length} classes; the playground takes at most ${MAX_CLASSES}`);
  const known = Int32Array.from(y.keys()).filter((row) => !Number.isNaN(y[row]!));
  const { train, test } = divide(engine, known, y, labels.length > 0, test_share, seed);
  const chosen = new Map(kinds as [string, ColumnKind][]);
  const used: Encoded[] = [];
  const ignored: [string, string, string][] = [];
  table.columns.forEach((name, k) => {
    if (k === at) return;
    const cells = table.cells[k]!;
    const finding: Finding = find(name, cells, chosen.get(name));
    if (finding.kind === "text" || finding.kind === "ignore")
      ignored.push([name, finding.kind, finding.kind === "text" ? t("free text, which one network does not read") : finding.reason]);
    else used.push(withReading(encodeColumn(name, cells, finding, train, scaling), finding));
  });
  leaveOutWidest(used, ignored, chosen);
  const features = used.flatMap((column) => column.features);
  if (!features.length) throw new Error("the table has no column to learn from: all are ignored");
  const X = (rows: Int32Array) => matrix(used, rows);
  const { centre, spread } = labels.length ? { centre: 0, spread: 1 } : standardization(values(y, train));
  const targets = (rows: Int32Array) => values(y, rows).map((value) => (value - centre) / spread);
  return {
    X: X(train),
    t: targets(train),
    X_test: X(test),
    t_test: targets(test),
    n: train.length,
    n_test: test.length,
    n_inputs: features.length,
    n_classes: labels.length,
    features,
    labels,
    plane: 0,
    at: new Float64Array(),
    at_test: new Float64Array(),
    columns: [
      [target, labels.length ? "classes" : "quantity", reason],
      ...used.map((column): [string, string, string] => [column.name, column.kind, column.words]),
      ...ignored,
    ],
    origin: {
      table,
      target,
      rows: train,
      rows_test: test,
      centre,
      spread,
      units: used.flatMap((column) => column.features.map((_, k) => (k ? null : (column.unit ?? null)))),
    },
  };
}

/** With how its texts were read, in words. */
function withReading(column: Encoded, { number, date, gaps }: Finding): Encoded {
  const parts = [column.words];
  if (number) parts.push(formatWords(number));
  if (date) parts.push(t(DATE_WORDS[date]));
  const foreign = gaps.slice(0, 5).map(([text, n]) => `${shown(text, 20)} ${n === 1 ? t("once") : t("{n} times", { n })}`);
  if (foreign.length) parts.push(t("missing: {list}", { list: foreign.join(", ") + (gaps.length > 5 ? ", …" : "") }));
  return { ...column, words: parts.join("; ") };
}

/** Leave out the widest columns, the last of equals first, until the inputs fit. */
function leaveOutWidest(
  used: Encoded[],
  ignored: [string, string, string][],
  chosen: Map<string, ColumnKind>,
): void {
  const total = () => used.reduce((n, column) => n + column.features.length, 0);
  while (total() > MAX_FEATURES) {
    let widest = -1;
    used.forEach((column, k) => {
      if (chosen.has(column.name)) return;
      if (widest < 0 || column.features.length >= used[widest]!.features.length) widest = k;
    });
    if (widest < 0)
      throw new Error(`the columns give ${total()} inputs; the playground takes at most ${MAX_FEATURES}`);
    const [column] = used.splice(widest, 1) as [Encoded];
    ignored.push([column.name, "ignore", leftOut(column)]);
  }
}

function leftOut({ features, kind }: Encoded): string {
  const [n, most] = [features.length, MAX_FEATURES];
  const what = n > 1 ? t("{n} inputs, of at most {most} in all", { n, most }) : t("1 input, of at most {most} in all", { most });
  return `${t("left out:")} ${what}; ${t("choose {kind} to bring it back", { kind: t(kind) })}`;
}

/** Training and test rows, as `clearprop fit` draws them: the test share of every class. */
function divide(
  engine: Pick<Engine, "rng">,
  known: Int32Array,
  y: Float64Array,
  hasClasses: boolean,
  share: number,
  seed: number,
): { train: Int32Array; test: Int32Array } {
  const rng = engine.rng(seed);
  let order = [...rng.permutation(known.length)];
  if (hasClasses) {
    const classOf = (i: number) => y[known[i]!]!;
    order.sort((a, b) => classOf(a) - classOf(b)); // stable
    order = order.filter((i, k) => k > 0 && classOf(order[k - 1]!) === classOf(i)); // without the first of each class
  }
  const n_test = Math.min(roundHalfEven(share * known.length), order.length);
  const start = rng.random(1)[0]!;
  const test = Int32Array.from(
    { length: n_test },
    (_, k) => order[Math.floor((k + start) * (order.length / Math.max(n_test, 1)))]!,
  ).sort();
  const isTest = new Set(test);
  const rows = (places: Iterable<number>) => Int32Array.from(places, (i) => known[i]!);
  return { train: rows([...known.keys()].filter((i) => !isTest.has(i))), test: rows(test) };
}

function matrix(used: Encoded[], rows: Int32Array): Float64Array {
  const columns = used.flatMap((column) => column.columns);
  const X = new Float64Array(rows.length * columns.length);
  let at = 0;
  for (const row of rows) for (const column of columns) X[at++] = column[row]!;
  return X;
}

function values(y: Float64Array, rows: Int32Array): Float64Array {
  return Float64Array.from(rows, (row) => y[row]!);
}
