// Station 4: forward and back-propagation of a small network, line by line, in vector form.

import type { Model } from "../station.ts";
import { edit, shape } from "./actions.ts";
import { PRESETS } from "./presets.ts";
import { check, FIELDS, type StepperSettings } from "./settings.ts";
import { view } from "./view.ts";

export const stepper: Model<StepperSettings> = {
  key: "stepper",
  title: "Forward and backward",
  slides: "Learning fully connected multi-layer neural networks",
  fields: FIELDS,
  check,
  view,
  actions: { edit, shape },
  presets: PRESETS,
};
