// The workshop's settings: data, inputs, network, training, and the run so far.
//
// Everything that the numbers depend on is here, except the rows of a table, which are in a file.

import initializers from "../../data/initializers.json";
import optimizers from "../../data/optimizers.json";
import type { Settings } from "../../protocol.ts";
import { ACTIVATIONS } from "../activations.ts";
import { OUTPUT_UNITS } from "../output_units.ts";
import {
  choice,
  choices,
  type Fields,
  named,
  number,
  numbers,
  rows,
  text,
} from "../settings.ts";
import { CLASSICS, EXTENT } from "./datasets.ts";
import { DEFAULT_INPUTS, INPUTS } from "./features.ts";

/** The workshop's settings as TypeScript sees them; `fields` below has their bounds. */
export interface WorkshopSettings extends Settings {
  data: string;
  n: number;
  noise: number;
  classes: number;
  test_share: number;
  data_seed: number;
  inputs: string[];
  points: number[][];
  targets: number[][];
  target: string;
  kinds: [string, string][];
  scaling: string;
  hidden: number[];
  /** One per hidden layer; the last one also applies to all later layers. */
  activation: string[];
  output: string;
  initializer: string;
  dropout: number;
  optimizer: string;
  learning_rate: number;
  momentum: number;
  batch_size: number;
  l1: number;
  l2: number;
  weight_decay: number;
  seed: number;
  /** The steps taken, and the changes between them: see legs.ts. */
  run: string;
}

const UNITS = ["logistic", "logistic_squared_error", "softmax", "linear", "absolute_error", "huber"];
const KINDS = ["numeric", "categorical", "boolean", "date", "text", "ignore"];
const SCALINGS = {
  standard: "mean 0, standard deviation 1",
  unit: "from 0 to 1",
  none: "unscaled",
};
const DATA = {
  ...Object.fromEntries(Object.entries(CLASSICS).map(([name, classic]) => [name, classic.title])),
  drawn: "Drawn points",
  curve: "Drawn curve (one input)",
  table: "Table",
};

const seed = (label: string) => number(label, 0, 2 ** 32 - 1, 1, { whole: true });
const coordinate = (label: string) => number(label, -EXTENT, EXTENT);
const same = (names: string[]) => Object.fromEntries(names.map((name) => [name, name]));

export const FIELDS: Fields = {
  data: { kind: choice("Data", DATA), default: "circles" },
  n: { kind: number("Points", 10, 1000, 10, { whole: true }), default: 200 },
  noise: { kind: number("Noise", 0, 1, 0.05), default: 0.1 },
  classes: { kind: number("Classes", 2, 5, 1, { whole: true }), default: 2 },
  test_share: { kind: number("Test share", 0, 0.9, 0.05), default: 0.5 },
  data_seed: { kind: seed("Seed of the data"), default: 0 },
  inputs: {
    kind: choices("Inputs", choice("Input", INPUTS), 1, Object.keys(INPUTS).length),
    default: DEFAULT_INPUTS,
  },
  points: {
    kind: rows(
      "Drawn points",
      [coordinate("x₁"), coordinate("x₂"), number("class", 0, 4, 0, { whole: true })],
      1000,
    ),
    default: [],
  },
  targets: {
    kind: rows("Drawn targets", [coordinate("x"), number("t", -2, 2)], 1000),
    default: [],
  },
  target: { kind: text("Column to predict", 200), default: "" },
  kinds: { kind: named("Kinds of columns", choice("Kind", same(KINDS)), 200), default: [] },
  scaling: { kind: choice("Scaling", SCALINGS), default: "standard" },
  hidden: {
    kind: numbers("Hidden layers", number("Units", 1, 16, 1, { whole: true }), 0, 6),
    default: [4, 2],
  },
  activation: {
    kind: choices("Activations", choice("φ", same(Object.keys(ACTIVATIONS))), 1, 6),
    default: ["tanh"],
  },
  output: {
    kind: choice(
      "Output unit and loss",
      Object.fromEntries(
        UNITS.filter((name) => name in OUTPUT_UNITS).map((name) => [name, OUTPUT_UNITS[name]!.title]),
      ),
    ),
    default: "logistic",
  },
  initializer: {
    kind: choice("Initial weights", same(initializers.map((scheme) => scheme.name))),
    default: "auto",
  },
  dropout: { kind: number("Dropout", 0, 0.9, 0.05), default: 0 },
  optimizer: {
    kind: choice(
      "Optimiser",
      Object.fromEntries(optimizers.map((optimizer) => [optimizer.name, optimizer.class])),
    ),
    default: "sgd",
  },
  learning_rate: { kind: number("Learning rate α", 1e-5, 10), default: 0.03 },
  momentum: { kind: number("Momentum (SGD)", 0, 0.99, 0.01), default: 0 },
  batch_size: { kind: number("Batch size", 1, 1000, 1, { whole: true }), default: 10 },
  l1: { kind: number("L1 penalty", 0, 10, 0.0005), default: 0 },
  l2: { kind: number("L2 penalty", 0, 10, 0.0005), default: 0 },
  weight_decay: { kind: number("Weight decay", 0, 10, 0.001), default: 0 },
  seed: { kind: seed("Seed of the weights"), default: 0 },
  run: { kind: text("Run", 100_000), default: "" },
};

/** Settings that the dataset depends on. */
export const OF_DATA = [
  ...["data", "n", "noise", "classes", "test_share", "data_seed", "inputs", "points", "targets"],
  ...["target", "kinds", "scaling"],
];

/** The classes of the optimisers in Python, by name. */
export const OPTIMIZERS: Record<string, string> = Object.fromEntries(
  optimizers.map((optimizer) => [optimizer.name, optimizer.class]),
);

/** One activation per hidden layer. */
export function activationsOf(settings: Settings): string[] {
  const { hidden, activation } = settings as WorkshopSettings;
  return hidden.map((_, i) => activation[Math.min(i, activation.length - 1)]!);
}
