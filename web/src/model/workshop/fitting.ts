// Settings that follow a change of the data: the output unit, and what a preset had set.

import type { Settings } from "../../protocol.ts";
import type { Model } from "../station.ts";
import type { Dataset } from "./datasets.ts";
import { whyNot } from "./network.ts";
import { FIELDS } from "./settings.ts";

/** What a preset sets. */
export type Preset = Settings;

/** Settings of training that belong to the preset's data. */
const OF_PRESET = ["optimizer", "learning_rate", "momentum", "batch_size"];
/** Data that the reader draws: all of it is for training, unless a test share is asked for. */
const DRAWN = ["drawn", "curve"];

/** The preset that these settings are; null if they are none. */
export function presetOf(model: Model, settings: Settings): Preset | null {
  const isSame = (preset: Settings) =>
    Object.entries(FIELDS).every(
      ([name, field]) =>
        JSON.stringify(settings[name]) === JSON.stringify(preset[name] ?? field.default),
    );
  return Object.values(model.presets).find(isSame) ?? null;
}

/**
 * The wanted settings, changed to fit the data.
 *
 * The output unit follows the target: linear for numbers, logistic or softmax for classes. With other
 * data, what only a preset had set of the training returns to the defaults. Points that are drawn are
 * for training, all of them, until the test share is set.
 */
export function fitting(
  dataset: Dataset,
  old: Settings,
  wanted: Settings,
  changes: Settings,
  datasetOf: (settings: Settings) => Dataset,
  preset: Preset | null,
): Settings {
  const record: Settings = { ...wanted };
  if (record.data !== old.data) {
    for (const name of OF_PRESET)
      if (preset && name in preset && !(name in changes) && old[name] === preset[name])
        record[name] = FIELDS[name]!.default;
    const [was, is] = [DRAWN.includes(old.data), DRAWN.includes(record.data)];
    if (!("test_share" in changes)) {
      if (is && !was) record.test_share = 0;
      else if (was && !is && !old.test_share) record.test_share = FIELDS.test_share!.default;
    }
  }
  const { n_classes } = datasetOf(record);
  const isOther = (n_classes === 0) !== (dataset.n_classes === 0);
  if (whyNot(record.output, n_classes) || (isOther && !("output" in changes)))
    record.output = n_classes === 0 ? "linear" : n_classes === 2 ? "logistic" : "softmax";
  return record;
}
