// "This network, this example": a network from elsewhere as the stepper's settings, where it fits.

import { t } from "../../text.ts";
import { OUTPUT_UNITS } from "../output_units.ts";
import { defaults } from "../settings.ts";
import { check, FIELDS, MOST_UNITS, type StepperSettings, writeEdits } from "./settings.ts";
import { layersOf } from "./weights.ts";

/** A network with its parameters, and an example: x as the first layer takes it, t as the loss does. */
export interface Given {
  sizes: readonly number[];
  activations: readonly string[];
  output: string;
  theta: ArrayLike<number>;
  x: ArrayLike<number>;
  t: ArrayLike<number>;
}

/** The stepper's settings with every parameter set, or the reason why there are none. */
export function handedOver(given: Given): { settings: StepperSettings } | { reason: string } {
  const { sizes, activations, output } = given;
  const wide = sizes.findIndex((size) => size > MOST_UNITS);
  if (wide >= 0) return { reason: widthReason(wide, sizes) };
  if (sizes.length > 5)
    return {
      reason: t("The stepper draws up to 3 hidden layers; this network has {n}.", {
        n: sizes.length - 2,
      }),
    };
  const [activation = "tanh"] = activations;
  if (activations.some((other) => other !== activation))
    return { reason: t("The stepper has one activation; the layers of this network differ.") };
  if (!OUTPUT_UNITS[output])
    return { reason: t("The stepper does not have this network’s output unit.") };
  const classes = output === "softmax";
  const target = Array.from(given.t);
  const edits = layersOf(given.theta, sizes).flatMap(({ W, b }, l) => [
    ...W.flatMap((row, j) => row.map((w, i): [string, number] => [`W${l + 1}.${j}.${i}`, w])),
    ...b.map((v, j): [string, number] => [`b${l + 1}.${j}`, v]),
  ]);
  const settings: StepperSettings = {
    ...(defaults(FIELDS) as StepperSettings),
    inputs: sizes[0]!,
    hidden: sizes.slice(1, -1),
    outputs: sizes.at(-1)!,
    activation,
    output,
    edits: writeEdits(edits),
    x: Array.from(given.x),
    t: classes ? [target.indexOf(Math.max(...target))] : target,
  };
  try {
    for (const [name, value] of Object.entries(settings)) FIELDS[name]!.kind.check(name, value);
    check(settings);
  } catch {
    return { reason: t("The stepper takes values from −100 to 100; this network has others.") };
  }
  return { settings };
}

function widthReason(layer: number, sizes: readonly number[]): string {
  const n = sizes[layer]!;
  if (layer === 0)
    return t("The stepper draws up to 5 inputs; this network has {n}.", { n });
  if (layer === sizes.length - 1)
    return t("The stepper draws up to 5 outputs; this network has {n}.", { n });
  return t("The stepper draws up to 5 units a layer; layer {l} has {n}.", { l: layer, n });
}
