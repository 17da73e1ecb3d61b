// Places in a run, the settings there, and where NaN appeared.

import type { NonFinite } from "../../engine/index.ts";
import type { Settings } from "../../protocol.ts";
import { t } from "../../text.ts";
import { type Leg, placeOf } from "./legs.ts";

/** Whether a place in a run comes before another. */
export function isBefore(a: { step: number; leg: number }, b: { step: number; leg: number }): boolean {
  return a.step < b.step || (a.step === b.step && a.leg < b.leg);
}

/** The settings after the changes of a leg. */
export function changed(settings: Settings, leg: Leg): Settings {
  const changes = leg.changes.filter(([name]) => !placeOf(name));
  return changes.length ? { ...settings, ...Object.fromEntries(changes) } : settings;
}

/** Where NaN appeared, with one count of steps: that of the run. */
export function ofRun(place: NonFinite, step: number): NonFinite {
  const { quantity, layer, row } = place;
  const values = { quantity: t(quantity), layer: layer ?? 0, step, example: (row ?? 0) + 1 };
  const what = layer === null ? t(quantity) : t("{quantity} of layer {layer}", values);
  const when = t("{what} became NaN or infinite at step {step}", { what, step });
  const text = row === null ? when : t("{when}, in example {example} of its mini-batch", { ...values, when });
  return { ...place, step, text };
}
