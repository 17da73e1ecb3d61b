// What the colours of this station mean: values of wires are green, signs of weights orange and blue.

import { t } from "../../text.ts";

/** A value from 0 to 1 as a fill: green for 1, mixed into the surface, so that text stays readable. */
export function shade(value: number): { fill: string } {
  const share = Math.round(55 * Math.min(1, Math.max(0, value)));
  return { fill: `color-mix(in srgb, var(--bit) ${share}%, var(--surface))` };
}

/** Values from 0 to 1. */
export function Values() {
  return (
    <span class="note legend">
      {t("value: 0")} <i class="ramp" aria-hidden="true" /> 1
    </span>
  );
}

/** Signs of weights. */
export function Weights() {
  return (
    <span class="note legend">
      {t("weight:")} <i class="swatch one" /> {t("positive")} <i class="swatch zero" />{" "}
      {t("negative, dashed")}
    </span>
  );
}
