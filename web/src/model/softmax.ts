// Station 2: from logits to probabilities, the loss, and its gradient ŷ − t.

import type { Settings, View } from "../protocol.ts";
import { logSoftmax, softmax as softmaxOf, softmaxJacobian, sum } from "./maths.ts";
import { OUTPUT_UNITS } from "./output_units.ts";
import { float, floats, script } from "./python.ts";
import { number, numbers } from "./settings.ts";
import type { Model } from "./station.ts";

export interface SoftmaxSettings extends Settings {
  z: number[];
  shift: number;
  t: number; // from 0, as the library counts classes
}

const EPSILON = 1e-6; // step of the central difference
const LOGIT = number("z", -20, 20, 0.1);
const UNIT = OUTPUT_UNITS.softmax!;

export const softmax: Model<SoftmaxSettings> = {
  key: "softmax",
  title: "Softmax",
  slides: "Multi-class cross-entropy loss and softmax",
  fields: {
    z: { kind: numbers("z, the logits", LOGIT, 2, 8), default: [2, 1, -1] },
    shift: { kind: number("c, added to every logit", -1000, 1000, 1), default: 0 },
    t: { kind: number("t, the observed class", 0, 7, 1, { whole: true }), default: 0 },
  },
  check({ z, t }) {
    if (t >= z.length)
      throw new Error(`t must be a class from 0 to ${z.length - 1}; got ${t}`);
  },
  view,
  actions: { resize },
  presets: {
    "Three classes": { z: [2, 1, -1], shift: 0, t: 0 },
    "All equal": { z: [0, 0, 0, 0], shift: 0, t: 0 },
    "Confidently wrong": { z: [8, -2, 0], shift: 0, t: 1 },
    "Two classes: the sigmoid of z₂ − z₁": { z: [0, 1.5], shift: 0, t: 1 },
    "A shift that overflows a naive exp()": { z: [2, 1, -1], shift: 1000, t: 0 },
  },
};

/** Another number of classes: new logits are 0. */
function resize(settings: SoftmaxSettings, given: Record<string, unknown>): SoftmaxSettings {
  const n: number = number("n", 2, 8, 0, { whole: true }).check("n", given.n);
  const z = Array.from({ length: n }, (_, k) => settings.z[k] ?? 0);
  return { ...settings, z, t: Math.min(settings.t, n - 1) };
}

/** ŷ with and without the shift, ℒ, ∂ℒ/∂z = ŷ − t with a difference quotient, the Jacobian. */
function view(settings: SoftmaxSettings): View {
  const { z } = settings;
  const shifted = z.map((v) => v + settings.shift);
  const t = UNIT.targets([settings.t], z.length);
  const most = Math.max(...z);
  const exp = z.map((v) => Math.exp(v - most));
  const gradient = UNIT.dLdz(z, t);
  const quotient = z.map((_, k) => {
    const at = (by: number) => UNIT.loss(z.map((v, i) => (i === k ? v + by : v)), t);
    return (at(EPSILON) - at(-EPSILON)) / (2 * EPSILON);
  });
  return {
    numbers: {
      z,
      exp,
      exp_sum: sum(exp),
      y_hat: softmaxOf(z),
      log_y_hat: logSoftmax(z),
      shifted,
      y_hat_shifted: softmaxOf(shifted),
      t,
      loss: UNIT.loss(z, t),
      dL_dz: gradient,
      dL_dz_sum: sum(gradient),
      dL_dz_difference: quotient,
      jacobian: softmaxJacobian(z),
    },
    python: python(settings),
  };
}

function python({ z, shift, t }: SoftmaxSettings): string {
  return script(
    [],
    [
      `z = np.array(${floats(z)})`,
      `shifted = z + ${float(shift)}`,
      "unit = cp.outputs.Softmax()",
      `t = unit.targets(np.array([${t}]), len(z), z.dtype)`,
      "steps = 1e-06 * np.eye(len(z))",
    ],
    {
      z: "z",
      exp: "np.exp(z - z.max())",
      exp_sum: "np.exp(z - z.max()).sum()",
      y_hat: "cp.softmax(z)",
      log_y_hat: "cp.outputs.log_softmax(z)",
      shifted: "shifted",
      y_hat_shifted: "cp.softmax(shifted)",
      t: "t[0]",
      loss: "unit.loss(z[None], t)[0]",
      dL_dz: "unit.dL_dz(z[None], t)[0]",
      dL_dz_sum: "unit.dL_dz(z[None], t).sum()",
      dL_dz_difference: "(unit.loss(z + steps, t) - unit.loss(z - steps, t)) / (2 * 1e-06)",
      jacobian: "cp.softmax_jacobian(z)",
    },
  );
}
