// The stepper's weights: drawn as the library draws them, rounded to hundredths, edited by hand.

import { loaded } from "../../engine/loaded.ts";
import { parseEdits, position, sizesOf, type StepperSettings } from "./settings.ts";

export interface Layer {
  W: number[][]; // (H_l, H_{l−1})
  b: number[];
}

/** θ of the library's network with this seed, cut into layers; the caller may change them. */
export function layersOf(theta: ArrayLike<number>, sizes: readonly number[]): Layer[] {
  const all = Array.from(theta);
  return sizes.slice(1).map((units, l) => {
    const W = Array.from({ length: units }, () => all.splice(0, sizes[l]!));
    return { W, b: all.splice(0, units) };
  });
}

/** As drawn, rounded to hundredths, so that it can be followed on a blackboard. */
const drawn = remembered((sizes: number[], activation: string, output: string, seed: number) => {
  const activations = sizes.slice(2).map(() => activation);
  const theta = loaded().initialTheta({ sizes, activations, output }, "auto", seed);
  return Array.from(theta, hundredths);
});

/** The layers with what was set by hand. */
export function weights(settings: StepperSettings): Layer[] {
  const { activation, output, seed } = settings;
  const sizes = sizesOf(settings);
  const layers = layersOf(drawn(sizes, activation, output, seed), sizes);
  for (const [place, value] of parseEdits(settings.edits)) {
    const { layer, index } = position(place);
    const { W, b } = layers[layer - 1]!;
    const [j = 0, i] = index;
    if (i === undefined) b[j] = value;
    else W[j]![i] = value;
  }
  return layers;
}

/** As NumPy's `round(2)`: times 100, to the nearest integer (halves to even), divided by 100. */
export function hundredths(value: number): number {
  const scaled = value * 100;
  const below = Math.floor(scaled);
  const rest = scaled - below;
  const up = rest > 0.5 || (rest === 0.5 && below % 2 !== 0);
  const whole = up ? below + 1 : below;
  return whole === 0 ? (value < 0 ? -0 : 0) : whole / 100;
}

/** The function with its results kept; a few hundred of them. */
function remembered<A extends unknown[], R>(f: (...given: A) => R): (...given: A) => R {
  const known = new Map<string, R>();
  return (...given) => {
    const key = JSON.stringify(given);
    if (!known.has(key)) {
      if (known.size >= 256) known.clear();
      known.set(key, f(...given));
    }
    return known.get(key)!;
  };
}
