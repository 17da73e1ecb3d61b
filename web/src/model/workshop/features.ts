// The network's inputs, computed from the coordinates of the plane: x₁², x₂², x₁x₂, sin x₁, sin x₂.

import { sin } from "./elementary.ts";

/** The setting `inputs`: some of these names, in this order; x₁ and x₂ alone by default. */
export const INPUTS: Record<string, string> = {
  x1: "x₁",
  x2: "x₂",
  "x1^2": "x₁²",
  "x2^2": "x₂²",
  x1x2: "x₁x₂",
  "sin x1": "sin x₁",
  "sin x2": "sin x₂",
};
export const DEFAULT_INPUTS = ["x1", "x2"];

const FUNCTIONS: Record<string, (x1: number, x2: number) => number> = {
  x1: (x1) => x1,
  x2: (_, x2) => x2,
  "x1^2": (x1) => x1 * x1,
  "x2^2": (_, x2) => x2 * x2,
  x1x2: (x1, x2) => x1 * x2,
  "sin x1": (x1) => sin(x1),
  "sin x2": (_, x2) => sin(x2),
};

/** The inputs (n, inputs) of points (n, 2); an Error names an unknown input. */
export function featuresOf(points: Float64Array, inputs: readonly string[]): Float64Array {
  const functions = inputs.map((name) => {
    if (!Object.hasOwn(FUNCTIONS, name))
      throw new Error(`inputs must be some of ${Object.keys(INPUTS).join(", ")}; got ${name}`);
    return FUNCTIONS[name]!;
  });
  const n = points.length / 2;
  const X = new Float64Array(n * functions.length);
  for (let i = 0, at = 0; i < n; i++)
    for (const f of functions) X[at++] = f(points[2 * i]!, points[2 * i + 1]!);
  return X;
}
