// The activations: φ and φ′ of one number, in one table. Their texts come from Python.
//
// As in clearprop/activations.py, φ′ is written from z and h = φ(z), whichever is simpler, is right for
// huge and infinite z, and is the derivative from the left at a kink.

import texts from "../data/activations.json";
import { clip, ndtr, sigmoid, softplus } from "./maths.ts";

/** What Python knows about an activation: clearprop/playground/describe.py writes it. */
export interface ActivationText {
  name: string;
  title: string;
  formula: string; // φ(z)
  latex: string;
  slope: string; // φ′(z)
  slope_latex: string;
  range: string; // the values that φ takes
  remark: string; // what it is good for
  kinks: number[]; // where φ′ or φ″ jumps
  initializer: string; // which initial weights "auto" draws
}

export interface Activation extends ActivationText {
  phi: (z: number) => number;
  dphi: (z: number, h: number) => number;
}

// Beyond this |z| the tails are exactly 0 or 1; clipping z there keeps ∞·0 out.
const FAR = 1000;
const LEAKY_SLOPE = 0.01;
const SELU_C = 1.6732632423543772;
const SELU_LAMBDA = 1.0507009873554805;
const far = (z: number) => clip(z, -FAR, FAR);

const PAIRS: Record<string, Pick<Activation, "phi" | "dphi">> = {
  identity: { phi: (z) => z, dphi: () => 1 },
  logistic: { phi: sigmoid, dphi: (_, h) => h * (1 - h) },
  tanh: { phi: Math.tanh, dphi: (_, h) => 1 - h * h },
  relu: { phi: (z) => Math.max(z, 0), dphi: (z) => (z > 0 ? 1 : 0) },
  leaky_relu: {
    phi: (z) => (z > 0 ? z : LEAKY_SLOPE * z),
    dphi: (z) => (z > 0 ? 1 : LEAKY_SLOPE),
  },
  elu: {
    phi: (z) => (z > 0 ? z : Math.expm1(z)),
    dphi: (z) => (z > 0 ? 1 : Math.exp(z)),
  },
  selu: {
    phi: (z) => SELU_LAMBDA * (z > 0 ? z : SELU_C * Math.expm1(z)),
    dphi: (z) => SELU_LAMBDA * (z > 0 ? 1 : SELU_C * Math.exp(z)),
  },
  gelu: {
    phi: (z) => Math.max(z, -FAR) * ndtr(z),
    dphi(z) {
      const x = far(z);
      return ndtr(x) + (x * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
    },
  },
  silu: {
    phi: (z) => Math.max(z, -FAR) * sigmoid(z),
    dphi(z) {
      const x = far(z);
      const s = sigmoid(x);
      return s * (1 + x * (1 - s));
    },
  },
  mish: {
    phi: (z) => Math.max(z, -FAR) * Math.tanh(softplus(z)),
    dphi(z) {
      const x = far(z);
      const w = Math.tanh(softplus(x));
      return w + x * (1 - w * w) * sigmoid(x);
    },
  },
  hardtanh: { phi: (z) => clip(z, -1, 1), dphi: (z) => (z > -1 && z <= 1 ? 1 : 0) },
  hardswish: {
    phi: (z) => Math.max(z, -FAR) * (clip(z + 3, 0, 6) / 6),
    dphi: (z) => (z <= -3 ? 0 : z <= 3 ? (2 * z + 3) / 6 : 1),
  },
  softsign: {
    phi(z) {
      const x = clip(z, -Number.MAX_VALUE, Number.MAX_VALUE); // φ(∞) = 1, not ∞/∞
      return x / (1 + Math.abs(x));
    },
    dphi(z) {
      const r = 1 / (1 + Math.abs(z));
      return r * r;
    },
  },
  softplus: { phi: softplus, dphi: sigmoid },
};

/** The activations by name, in the order of the library. */
export const ACTIVATIONS: Record<string, Activation> = Object.fromEntries(
  (texts as ActivationText[]).map((text) => [text.name, { ...text, ...PAIRS[text.name]! }]),
);
