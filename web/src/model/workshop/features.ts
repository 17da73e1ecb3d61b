// Inputs computed from the coordinates of the plane: x₁², x₂², x₁x₂, sin x₁, sin x₂.

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
