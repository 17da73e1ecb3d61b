// The workshop as a station: its presets. Its numbers are those of a run, so `view` has none; the page's
// session keeps the run, in session/workshop.ts.

import type { Model } from "../station.ts";
import { parseRun } from "./legs.ts";
import { FIELDS } from "./settings.ts";

export const workshop: Model = {
  key: "workshop",
  title: "Workshop",
  slides: "your own networks, on your own data",
  fields: FIELDS,
  check: (settings) => void parseRun(settings.run),
  view: () => ({ numbers: {}, python: "" }),
  actions: {},
  presets: {
    "Circles, a small network": { data: "circles", output: "logistic", hidden: [4, 2] },
    "XOR without a hidden layer: impossible": { data: "xor", output: "logistic", hidden: [] },
    "XOR without a hidden layer, with x₁x₂": {
      data: "xor",
      output: "logistic",
      hidden: [],
      inputs: ["x1", "x2", "x1x2"],
    },
    "XOR with a hidden layer": { data: "xor", output: "logistic", hidden: [4] },
    Spirals: {
      data: "spirals",
      output: "logistic",
      hidden: [8, 8],
      optimizer: "adam",
      learning_rate: 0.01,
      n: 400,
    },
    "Five classes": { data: "blobs", classes: 5, output: "softmax", hidden: [6] },
    Regression: { data: "hills", output: "linear", hidden: [8] },
    "A curve over one input": {
      data: "wave",
      output: "linear",
      hidden: [8, 8],
      optimizer: "adam",
      learning_rate: 0.01,
    },
  },
};
