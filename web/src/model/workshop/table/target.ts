// The column to predict: classes or a quantity. As clearprop/tables/target_column.py reads it.

import { deviation, mean, numbersOf as readNumbers, order } from "./encode.ts";
import { isIdentifying, numbersOf, shown } from "./infer.ts";
import { t } from "../../../text.ts";
import { areCodes } from "./numbers.ts";

const [MAX_INTEGER_CLASSES, ROWS_PER_CLASS] = [20, 10];

export interface Target {
  /** Labels of the classes; empty for a quantity. */
  labels: string[];
  /** Class index or value of each row of the table; NaN where missing. */
  y: Float64Array;
  /** Why it was read so. */
  reason: string;
}

type Cell = string | null;

/** Read a target; an Error says in one line why it cannot be learnt. */
export function readTarget(name: string, cells: Cell[]): Target {
  if (cells.every((cell) => cell === null))
    throw new Error(`column ${shown(name)}: the target is missing in every row`);
  const numbers = numbersOf(cells);
  if (!numbers) return classes(name, cells, t("the target is text"));
  const others = numbers.gaps;
  if (others.length) {
    const n = others.reduce((total, [, count]) => total + count, 0);
    const listed = others.slice(0, 5).map(([text, count]) => `${shown(text)} ${count === 1 ? "once" : `${count} times`}`);
    throw new Error(
      `column ${shown(name)}: the target has numbers, and ${n} other value${n > 1 ? "s" : ""}: ` +
        `${listed.join(", ")}${others.length > 5 ? ", …" : ""}; leave these cells empty in the file`,
    );
  }
  if (!numbers.number && areCodes(cells.filter((cell) => cell !== null)))
    return classes(name, cells, t("the target has codes with leading zeros"));
  const y = readNumbers(name, cells, numbers);
  const present = y.filter((value) => !Number.isNaN(value));
  const levels = new Set(present);
  const whole = present.every(Number.isInteger);
  const few = levels.size <= MAX_INTEGER_CLASSES && cells.length >= ROWS_PER_CLASS * levels.size;
  if (whole && (levels.size <= 2 || few))
    return classes(name, cells, t("the target has {n} different whole numbers", { n: levels.size }));
  if (levels.size === 1)
    throw new Error(`column ${shown(name)}: the target is ${present[0]} in every row`);
  if (present.some((value) => !Number.isFinite(value)))
    throw new Error(`column ${shown(name)}: the target must be finite in every row`);
  const reason = whole
    ? t("the target has {n} different numbers", { n: levels.size })
    : t("the target has numbers with fractions");
  return { labels: [], y, reason };
}

const WHOLE = /^-?(0|[1-9]\d{0,17})(\.0*)?$/;

function classes(name: string, cells: Cell[], reason: string): Target {
  const texts = new Set(cells.filter((cell) => cell !== null));
  const all = [...texts];
  const areWhole = all.every((text) => WHOLE.test(text));
  const areTruth = all.every((text) => /^(true|false)$/i.test(text));
  const label = (text: string) =>
    areWhole ? text.replace(/\.0*$/, "").replace(/^-0$/, "0") : areTruth ? text.toLowerCase() : text;
  const labels = [...new Set(all.map(label))];
  if (labels.length < 2)
    throw new Error(`column ${shown(name)}: the target has one class only, ${shown(labels[0]!)}`);
  const n = cells.filter((cell) => cell !== null).length;
  if (!areWhole && !areTruth && isIdentifying(labels.length, n))
    throw new Error(
      `column ${shown(name)}: the target has ${labels.length} different texts in ${n} rows, too many to be classes`,
    );
  labels.sort(areWhole ? (a, b) => Number(a) - Number(b) : order);
  const place = new Map(labels.map((text, k) => [text, k]));
  const y = Float64Array.from(cells, (cell) => (cell === null ? NaN : place.get(label(cell))!));
  return { labels, y, reason };
}

/** Mean and standard deviation of a quantity over the training rows; the deviation is 1 where it is 0. */
export function standardization(y: Float64Array): { centre: number; spread: number } {
  const size = y.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
  const shares = y.map((value) => value / size);
  return { centre: mean(shares) * size, spread: deviation(shares) * size || 1 };
}
