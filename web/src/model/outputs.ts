// Station 5: output units with their losses, and the reasons for these pairs.

import { OUTPUT_UNITS } from "./output_units.ts";
import { type OutputsSettings, view } from "./outputs_view.ts";
import { choice, number, numbers } from "./settings.ts";
import type { Model } from "./station.ts";

const LOGIT = number("z", -40, 40, 0.1);

// The station compares each unit with the squared error anyway.
const SHOWN = Object.values(OUTPUT_UNITS).filter(({ name }) => name !== "logistic_squared_error");

export const UNITS: Record<string, string> = Object.fromEntries(
  SHOWN.map(({ name, title }) => [name, title]),
);

export const outputs: Model<OutputsSettings> = {
  key: "outputs",
  title: "Output units",
  slides: "The output units type: linear, logistic or softmax",
  fields: {
    unit: { kind: choice("Output unit and loss", UNITS), default: "logistic" },
    z: { kind: LOGIT, default: -2 },
    logits: { kind: numbers("z, the logits", LOGIT, 2, 6), default: [2, 1, -1] },
    t: { kind: number("t, a real number", -20, 20, 0.1), default: 1.5 },
    label: { kind: number("t, a label or its probability", 0, 1, 0.01), default: 1 },
    count: { kind: number("t, a count", 0, 50, 1), default: 3 },
    klass: { kind: number("t, the observed class", 0, 5, 1, { whole: true }), default: 1 },
    axis: {
      kind: number("logit on the horizontal axis", 0, 5, 1, { whole: true }),
      default: 0,
    },
    rate: { kind: number("Learning rate α", 0.01, 10), default: 1 },
    steps: { kind: number("Steps", 1, 300, 1, { whole: true }), default: 50 },
  },
  check(settings) {
    for (const name of ["klass", "axis"] as const) {
      if (settings[name] >= settings.logits.length)
        throw new Error(
          `${name} must be from 0 to ${settings.logits.length - 1}; got ${settings[name]}`,
        );
    }
  },
  view,
  actions: { resize },
  presets: {
    "Sigmoid and cross-entropy": {},
    "Confidently wrong: the sigmoid saturates": { z: -8 },
    "So confident that 1 − ŷ is 0": { z: 40, label: 0 },
    Softmax: { unit: "softmax" },
    "Softmax, confidently wrong": { unit: "softmax", logits: [9, 0, -1], klass: 1 },
    "Regression: linear, squared error": { unit: "linear", z: -1, t: 1.5 },
    "Counts: exponential, Poisson’s loss": { unit: "poisson", z: 0, rate: 0.1 },
  },
};

/** Another number of classes: new logits are 0. */
function resize(settings: OutputsSettings, given: Record<string, unknown>): OutputsSettings {
  const n: number = number("n", 2, 6, 0, { whole: true }).check("n", given.n);
  return {
    ...settings,
    logits: Array.from({ length: n }, (_, k) => settings.logits[k] ?? 0),
    klass: Math.min(settings.klass, n - 1),
    axis: Math.min(settings.axis, n - 1),
  };
}
