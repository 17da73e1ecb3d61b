// The data of the workshop: classic datasets, drawn points and targets, and tables.
//
// All depend only on their arguments: `clearprop.playground.datasets` makes the same numbers, bit for
// bit, so that "copy as Python" continues from the same rows.

import type { Settings } from "../../protocol.ts";
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
}

/** How a dataset is drawn, and how many classes it may have; 0 for a numeric target. */
export interface Classic {
  title: string;
  most_classes: number;
  /** Number of inputs: 2, or 1 for a curve. */
  n_inputs: 1 | 2;
}

/**
 * The datasets that are drawn at random. The setting `data` takes these names, "drawn" (points of
 * classes in the plane, setting `points`), "curve" (targets over one input, setting `targets`: rows
 * [x, t], x from −3 to 3, t from −2 to 2) and "table".
 */
export const CLASSICS: Record<string, Classic> = {
  circles: { title: "Circles", most_classes: 5, n_inputs: 2 },
  xor: { title: "XOR", most_classes: 2, n_inputs: 2 },
  blobs: { title: "Blobs", most_classes: 5, n_inputs: 2 },
  moons: { title: "Moons", most_classes: 2, n_inputs: 2 },
  spirals: { title: "Spirals", most_classes: 5, n_inputs: 2 },
  plane: { title: "Plane (regression)", most_classes: 0, n_inputs: 2 },
  hills: { title: "Hill and pit (regression)", most_classes: 0, n_inputs: 2 },
  wave: { title: "Wave (regression, one input)", most_classes: 0, n_inputs: 1 },
};

/**
 * The dataset of the workshop's settings; an Error says in one line why there is none.
 *
 * Uses data, n, noise, classes, test_share, data_seed, inputs (names of `features.ts`), points,
 * targets, and for a table target, kinds, scaling.
 */
export function datasetFromSettings(_settings: Settings, _table: Table | null): Dataset {
  throw new Error("not written yet");
}
