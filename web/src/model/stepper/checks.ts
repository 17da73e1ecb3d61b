// The check of an entry: a derivative beside a finite difference, anything else beside the exact sum of
// its terms. As clearprop/gradient_check.py and clearprop/explain/step.py have it.

import { entryOf, type Index, offset, rowsOf } from "./arrays.ts";
import { type Arrays, helpers, result, termsOf, type Units } from "./compute.ts";
import type { Line } from "./lines.ts";

/** How far the five-point rule moves a z; smaller steps avoid a nearby kink. */
const STEPS = [5e-4, 5e-5, 5e-6];
const EPS = Number.EPSILON;
/** A gradient that round-off hides at this relative error counts as small enough. */
const RESOLUTION = 1e-7;
const TOLERANCE = 1e-7;

export interface Check {
  value: number;
  expected: number;
  error: number;
  tolerance: number;
  ok: boolean | null; // null at a kink of the loss
}

/** A network's computation: its lines, their results, and the functions of its units. */
export interface Computation {
  lines: readonly Line[];
  arrays: Arrays;
  units: Units;
}

/** An entry beside the same number computed in a different way. */
export function check(computation: Computation, line: Line, index: Index): Check {
  const { arrays, units } = computation;
  const all = arrays[line.of]!;
  const value = entryOf(all, index);
  if (!line.derivative) {
    const own = { ...arrays, ...helpers(line, arrays, units) };
    const terms = termsOf(line, index, own).map((term) => term.value);
    const size = exactSum(terms.map(Math.abs));
    const expected = terms.length ? exactSum(terms) : value;
    const error = Math.abs(value - expected) / (size === 0 ? 1 : size);
    const tolerance = (terms.length + 4) * EPS; // a sum of n products, and a function or two
    return { value, expected, error, tolerance, ok: error <= tolerance };
  }
  const found = difference(computation, line, index);
  if (!found) return { value, expected: NaN, error: NaN, tolerance: TOLERANCE, ok: null };
  const [expected, noise] = found;
  const largest = all.data.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  const scale = greatest(Math.abs(value), Math.abs(expected), largest / 1000, noise / RESOLUTION);
  const error = scale === 0 ? 0 : Math.abs(value - expected) / scale;
  return { value, expected, error, tolerance: TOLERANCE, ok: error <= TOLERANCE };
}

/** As Python's max: a NaN counts only if it comes first. */
function greatest(...values: number[]): number {
  return values.reduce((most, v) => (v > most ? v : most));
}

/** The derivative of an entry by the five-point rule with its round-off; null at a kink. */
export function difference(
  computation: Computation,
  line: Line,
  index: Index,
): [slope: number, noise: number] | null {
  const { arrays } = computation;
  const [, by] = line.derivative!;
  // ∂ŷ_i/∂z_k at (n, i, k) is by z_nk
  const place = by.startsWith("z") ? [index[0]!, index.at(-1)!] : index;
  const start = arrays[by]!;
  const value = entryOf(start, place);
  const size = Math.max(1, Math.abs(value));
  const reach = reachOf(computation, by, place);
  const watch = watcher(computation, line, index);
  for (const distance of STEPS) {
    const step = (distance * size) / Math.max(1, reach * size);
    const points = [-2, -1, 1, 2].map((k) => {
      const data = [...start.data];
      data[offset(start.shape, place)] = value + k * step;
      return watch({ ...start, data });
    });
    if (points.some((point) => String(point.pieces) !== String(points[0]!.pieces))) continue;
    const [a, b, c, d] = points.map((point) => point.value) as [number, number, number, number];
    const slope = (a - 8 * b + 8 * c - d) / (12 * step);
    // each ℒ is accurate to a few eps, and so are the four points
    const most = greatest(...points.map((point) => Math.abs(point.value)));
    return [slope, (EPS * (6 * most + Math.abs(value * slope))) / step];
  }
  return null;
}

/** How far a z moves if the entry moves by 1. */
function reachOf({ arrays, units }: Computation, by: string, index: Index): number {
  const level = Number(/\d+$/.exec(by)?.[0] ?? 0);
  const column = index.at(-1)!;
  const most = (of: string) =>
    Math.max(...rowsOf(arrays[of]!).map((row) => Math.abs(row[column]!)));
  if (by.startsWith("W")) return most(level === 1 ? "X" : `h${level - 1}`);
  if (by === "X" || by.startsWith("h")) return most(`W${level + 1}`);
  if (by !== "y_hat") return 1;
  const room = units.output.room(rowsOf(arrays.y_hat!)[index[0]!]!, column);
  return room === Infinity ? 1 : 1 / Math.max(room, 1e-300);
}

interface Point {
  value: number;
  pieces: unknown[]; // which smooth piece of each kinked function it is on
}

/** The watched number as a function of the array that is moved. */
function watcher(
  { lines, arrays, units }: Computation,
  line: Line,
  index: Index,
): (moved: Arrays[string]) => Point {
  const [of, by] = line.derivative!;
  const row = index[0]!;
  const targets = rowsOf(arrays.t!);
  if (by === "y_hat")
    return (moved) => ({
      value: units.output.lossOfYHat(rowsOf(moved)[row]!, targets[row]!),
      pieces: [],
    });
  const place = (code: string) => lines.findIndex((each) => each.of === code);
  const again = lines.slice(place(by) + 1, place(of) + 1);
  const last = lines.filter((each) => /^z\d/.test(each.of)).length;
  const watched = of === "L" ? [] : of === "Ln" ? [row] : index.slice(0, 2);
  return (moved) => {
    const found = { ...arrays, [by]: moved };
    for (const each of again) found[each.of] = result(each, found, units);
    const sides = [by, ...again.map((each) => each.of)]
      .filter((code) => /^z\d/.test(code) && code !== `z${last}`)
      .map((code) =>
        found[code]!.data.map((z) => units.activation.kinks.map((kink) => Math.sign(z - kink))),
      );
    const piece = /^Ln?$/.test(of) && units.output.piece;
    const own = piece ? rowsOf(found[`z${last}`]!).map((z, n) => piece(z, targets[n]!)) : [];
    return { value: entryOf(found[of]!, watched), pieces: [sides, own] };
  };
}

/** The sum of the numbers, rounded once, as Python's math.fsum gives it. */
export function exactSum(values: readonly number[]): number {
  if (!values.every(Number.isFinite)) return values.reduce((a, b) => a + b, 0);
  let parts: number[] = []; // do not overlap, from small to large
  for (const value of values) {
    let x = value;
    const kept: number[] = [];
    for (let y of parts) {
      if (Math.abs(x) < Math.abs(y)) [x, y] = [y, x];
      const high = x + y;
      const low = y - (high - x);
      if (low) kept.push(low);
      x = high;
    }
    parts = [...kept, x];
  }
  let i = parts.length - 1;
  let total = parts[i--] ?? 0;
  let low = 0;
  while (i >= 0) {
    const x = total;
    const y = parts[i--]!;
    total = x + y;
    low = y - (total - x);
    if (low) break;
  }
  // half-way cases are rounded to even with the rest in mind
  if (i >= 0 && ((low < 0 && parts[i]! < 0) || (low > 0 && parts[i]! > 0))) {
    const y = low * 2;
    const x = total + y;
    if (y === x - total) total = x;
  }
  return total;
}
