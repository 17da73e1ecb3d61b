// The data of the workshop: classic datasets, drawn points and targets, and tables.
//
// All depend only on their arguments: `clearprop.playground.datasets` makes the same numbers, bit for
// bit, so that "copy as Python" continues from the same rows.

import type { Settings } from "../../protocol.ts";
import { t as text } from "../../text.ts";
import type { Engine, Rng } from "../../engine/index.ts";
import { cos, exp, sin } from "./elementary.ts";
import { DEFAULT_INPUTS, featuresOf, INPUTS } from "./features.ts";
import { roundHalfEven } from "./rounding.ts";
import { tableDataset } from "./table/dataset.ts";
import type { Table } from "./table/table.ts";

/** The classic datasets lie in the square from −3 to 3. */
export const EXTENT = 3;

/** Rows for training and for testing; matrices are stored row by row. */
export interface Dataset {
  /** (n, n_inputs) and (n_test, n_inputs). */
  X: Float64Array;
  X_test: Float64Array;
  /** Class indices, or numbers. */
  t: Float64Array;
  t_test: Float64Array;
  n: number;
  n_test: number;
  n_inputs: number;
  /** Number of classes; 0 for a numeric target. */
  n_classes: number;
  /** Names of the inputs, and of the classes. */
  features: string[];
  labels: string[];
  /**
   * The coordinates that the inputs are functions of: 2 for a plane (inputs x₁, x₂, and perhaps x₁²
   * and others), 1 for a curve over one input, 0 for a table, whose inputs are its coordinates.
   */
  plane: 0 | 1 | 2;
  /** These coordinates of each row: (n, plane) and (n_test, plane). */
  at: Float64Array;
  at_test: Float64Array;
  /** Of a table: name, kind and a short description for each column, the target first. */
  columns: [name: string, kind: string, words: string][];
  /** Of a table: its rows and target in the units of the file. */
  origin?: Origin;
}

/** Where the rows of a table's dataset come from, and how to show them as the file has them. */
export interface Origin {
  table: Table;
  target: string;
  /** The table's row of each training row, and of each test row. */
  rows: Int32Array;
  rows_test: Int32Array;
  /** A numeric target is (value − centre) / spread. */
  centre: number;
  spread: number;
  /** Of each input, which is (value − centre) / spread; null for one that is no number of the file. */
  units: ({ centre: number; spread: number } | null)[];
}

/** How a dataset is drawn, and how many classes it may have; 0 for a numeric target. */
export interface Classic {
  title: string;
  most_classes: number;
  /** Number of inputs: 2, or 1 for a curve. */
  n_inputs: 1 | 2;
  /** X (n, n_inputs) and t (n,). The order of the draws is part of the definition. */
  draw: (rng: Rng, n: number, noise: number, classes: number) => Drawn;
}

interface Drawn {
  X: Float64Array;
  t: Float64Array;
}

const each = (n: number, f: (i: number) => number) => Float64Array.from({ length: n }, (_, i) => f(i));

/** (n, 2) from the coordinates of each row. */
function pairs(n: number, row: (i: number) => [number, number]): Float64Array {
  const X = new Float64Array(2 * n);
  for (let i = 0; i < n; i++) X.set(row(i), 2 * i);
  return X;
}

function blobs(rng: Rng, n: number, noise: number, classes: number): Drawn {
  const t = each(n, (i) => i % classes);
  const e = rng.normal(2 * n);
  const X = pairs(n, (i) => {
    const angle = (2 * Math.PI * t[i]!) / classes + Math.PI / 4;
    const spread = 0.3 + noise;
    return [1.8 * cos(angle) + spread * e[2 * i]!, 1.8 * sin(angle) + spread * e[2 * i + 1]!];
  });
  return { X, t };
}

function moons(rng: Rng, n: number, noise: number): Drawn {
  const t = each(n, (i) => i % 2);
  const u = rng.random(n);
  const e = rng.normal(2 * n);
  const X = pairs(n, (i) => {
    const angle = Math.PI * u[i]!;
    const x = (t[i] ? 1 - cos(angle) : cos(angle)) - 0.5;
    const y = (t[i] ? 0.5 - sin(angle) : sin(angle)) - 0.25;
    return [1.6 * x + noise * e[2 * i]!, 1.6 * y + noise * e[2 * i + 1]!];
  });
  return { X, t };
}

function circles(rng: Rng, n: number, noise: number, classes: number): Drawn {
  const t = each(n, (i) => i % classes);
  const ring = 2.6 / classes;
  const within = rng.uniform(0.15, 0.85, n);
  const u = rng.random(n);
  const e = rng.normal(2 * n);
  const X = pairs(n, (i) => {
    const radius = ring * (classes - 1 - t[i]! + within[i]!);
    const angle = 2 * Math.PI * u[i]!;
    return [radius * cos(angle) + noise * e[2 * i]!, radius * sin(angle) + noise * e[2 * i + 1]!];
  });
  return { X, t };
}

function spirals(rng: Rng, n: number, noise: number, classes: number): Drawn {
  const t = each(n, (i) => i % classes);
  const u = rng.uniform(0.01, 1, n);
  const e = rng.normal(2 * n);
  const X = pairs(n, (i) => {
    const turn = Math.sqrt(u[i]!);
    const angle = 1.75 * 2 * Math.PI * turn + (2 * Math.PI * t[i]!) / classes;
    const radius = 2.6 * turn;
    return [radius * sin(angle) + noise * e[2 * i]!, radius * cos(angle) + noise * e[2 * i + 1]!];
  });
  return { X, t };
}

function xor(rng: Rng, n: number, noise: number): Drawn {
  const size = rng.uniform(0.15, 2.6, 2 * n);
  const side = rng.integersArray(2, 2 * n);
  const x = each(2 * n, (i) => size[i]! * (side[i] ? 1 : -1));
  const t = each(n, (i) => (x[2 * i]! * x[2 * i + 1]! < 0 ? 1 : 0));
  const e = rng.normal(2 * n);
  return { X: each(2 * n, (i) => x[i]! + noise * e[i]!), t };
}

function plane(rng: Rng, n: number, noise: number): Drawn {
  const X = rng.uniform(-EXTENT, EXTENT, 2 * n);
  const e = rng.normal(n);
  const t = each(n, (i) => (X[2 * i]! + X[2 * i + 1]!) / (2 * EXTENT) + noise * e[i]!);
  return { X, t };
}

function hills(rng: Rng, n: number, noise: number): Drawn {
  const X = rng.uniform(-EXTENT, EXTENT, 2 * n);
  const e = rng.normal(n);
  const hill = (i: number, at: number) => {
    const [a, b] = [X[2 * i]! - at, X[2 * i + 1]! - at];
    return exp(-(a * a + b * b));
  };
  return { X, t: each(n, (i) => hill(i, 1.2) - hill(i, -1.2) + noise * e[i]!) };
}

function wave(rng: Rng, n: number, noise: number): Drawn {
  const X = rng.uniform(-EXTENT, EXTENT, n);
  const e = rng.normal(n);
  return { X, t: each(n, (i) => sin(2 * X[i]!) + noise * e[i]!) };
}

/**
 * The datasets that are drawn at random. The setting `data` takes these names, "drawn" (points of
 * classes in the plane, setting `points`), "curve" (targets over one input, setting `targets`: rows
 * [x, t], x from −3 to 3, t from −2 to 2) and "table".
 */
export const CLASSICS: Record<string, Classic> = {
  circles: { title: "Circles", draw: circles, most_classes: 5, n_inputs: 2 },
  xor: { title: "XOR", draw: xor, most_classes: 2, n_inputs: 2 },
  blobs: { title: "Blobs", draw: blobs, most_classes: 5, n_inputs: 2 },
  moons: { title: "Moons", draw: moons, most_classes: 2, n_inputs: 2 },
  spirals: { title: "Spirals", draw: spirals, most_classes: 5, n_inputs: 2 },
  plane: { title: "Plane (regression)", draw: plane, most_classes: 0, n_inputs: 2 },
  hills: { title: "Hill and pit (regression)", draw: hills, most_classes: 0, n_inputs: 2 },
  wave: { title: "Wave (regression, one input)", draw: wave, most_classes: 0, n_inputs: 1 },
};

/** Where random numbers come from. */
type Numbers = Pick<Engine, "rng">;

/** How the points of a dataset are divided, and what the network gets of each. */
export interface Division {
  test_share: number;
  /** Seed of the points, and of their division. */
  seed: number;
  /** Names of INPUTS. */
  inputs: readonly string[];
}

/**
 * One of the classic datasets: n points, of which a fraction is held out for testing.
 *
 * noise: standard deviation. classes: limited to the most that the dataset can have.
 */
export function make(
  engine: Numbers,
  name: string,
  { n, noise, classes }: { n: number; noise: number; classes: number },
  division: Division,
): Dataset {
  if (!Object.hasOwn(CLASSICS, name))
    throw new Error(`data must be one of ${Object.keys(CLASSICS).join(", ")}; got ${name}`);
  const classic = CLASSICS[name]!;
  const n_classes = Math.min(classes, classic.most_classes);
  const { X, t } = classic.draw(engine.rng(division.seed), n, noise, n_classes);
  return divided(engine, X, t, classic.n_inputs, n_classes, division);
}

/** Points [x₁, x₂, class] that the reader drew. */
export function drawn(
  engine: Numbers,
  points: readonly (readonly number[])[],
  division: Division,
): Dataset {
  if (!points.length)
    throw new Error(text("there are no points yet: draw some, or choose another dataset"));
  const t = each(points.length, (i) => points[i]![2]!);
  const X = pairs(points.length, (i) => [points[i]![0]!, points[i]![1]!]);
  return divided(engine, X, t, 2, Math.max(2, Math.max(...t) + 1), division);
}

/** Targets [x, t] over one input that the reader drew. */
export function curve(
  engine: Numbers,
  targets: readonly (readonly number[])[],
  division: Division,
): Dataset {
  if (!targets.length)
    throw new Error(text("there are no targets yet: draw some, or choose another dataset"));
  const X = each(targets.length, (i) => targets[i]![0]!);
  const t = each(targets.length, (i) => targets[i]![1]!);
  return divided(engine, X, t, 1, 0, division);
}

function divided(
  engine: Numbers,
  X: Float64Array,
  t: Float64Array,
  plane: 1 | 2,
  n_classes: number,
  { test_share, seed, inputs }: Division,
): Dataset {
  const [n, names] = [t.length, plane === 2 ? inputs : []];
  const features = plane === 2 ? names.map((name) => INPUTS[name]!) : ["x"];
  const all = plane === 2 ? featuresOf(X, names) : X;
  const order = engine.rng(seed).permutation(n);
  const n_test = Math.min(roundHalfEven(n * test_share), n - 1);
  const train = order.slice(n_test).sort();
  const test = order.slice(0, n_test).sort();
  const D = features.length;
  return {
    X: take(all, D, train),
    t: take(t, 1, train),
    X_test: take(all, D, test),
    t_test: take(t, 1, test),
    n: train.length,
    n_test: test.length,
    n_inputs: D,
    n_classes,
    features,
    labels: Array.from({ length: n_classes }, (_, k) => String(k)),
    plane,
    at: take(X, plane, train),
    at_test: take(X, plane, test),
    columns: [],
  };
}

/** Some rows of a matrix with `width` columns. */
export function take(X: Float64Array, width: number, rows: ArrayLike<number>): Float64Array {
  const taken = new Float64Array(width * rows.length);
  for (let i = 0; i < rows.length; i++)
    taken.set(X.subarray(width * rows[i]!, width * (rows[i]! + 1)), width * i);
  return taken;
}

/**
 * The dataset of the workshop's settings; an Error says in one line why there is none.
 *
 * Uses data, n, noise, classes, test_share, data_seed, inputs, points, targets, and for a table
 * target, kinds, scaling.
 */
export function datasetFromSettings(
  engine: Numbers,
  settings: Settings,
  table: Table | null,
): Dataset {
  const division = {
    test_share: settings.test_share,
    seed: settings.data_seed,
    inputs: settings.inputs ?? DEFAULT_INPUTS,
  };
  if (settings.data === "table") {
    if (!table) throw new Error("there is no table yet: load a CSV file");
    const { target, kinds, scaling } = settings;
    return tableDataset(engine, table, { target, kinds, scaling, ...division });
  }
  if (settings.data === "drawn") return drawn(engine, settings.points, division);
  if (settings.data === "curve") return curve(engine, settings.targets ?? [], division);
  const { n, noise, classes } = settings;
  return make(engine, settings.data, { n, noise, classes }, division);
}
