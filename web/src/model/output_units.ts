// The output units with their losses: functions of z and t of one example. Their texts come from Python.
//
// As in clearprop/outputs, unit and loss are one record, because only the pair has a stable value and a
// simple derivative. The mean over examples is taken elsewhere.

import texts from "../data/output_units.json";
import {
  clip,
  diagonal,
  logSoftmax,
  type Matrix,
  sigmoid,
  sign,
  softmax,
  softmaxJacobian,
  sum,
  type Vector,
  xlog1py,
  xlogy,
} from "./maths.ts";

/** A formula as text and as LaTeX. */
export type Formula = [text: string, latex: string];

/** What Python knows about a unit: clearprop/playground/describe.py writes it. */
export interface UnitText {
  name: string;
  unit: string; // the lecture's name of f
  title: string;
  kind: "real" | "count" | "positive" | "probability" | "class"; // what t is
  diagonal: boolean; // whether ŷ_k depends on z_k alone
  y_hat_line: string; // ŷ and ℒ in one line each
  loss_line: string;
  remark: string;
  formulas: Record<"f" | "dy_dz" | "loss" | "by_y_hat" | "by_z", Formula>;
  note: string; // why ∂ℒ/∂z is what it is
}

interface Functions {
  /** ŷ = f(z). */
  yHat(z: Vector): number[];
  /** ℒ of the example, summed over the outputs. */
  loss(z: Vector, t: Vector): number;
  /** ∂ℒ/∂z. */
  dLdz(z: Vector, t: Vector): number[];
  /** ∂ℒ/∂ŷ, for explanations only: it is infinite where ŷ has vanished. */
  dLdyHat(z: Vector, t: Vector): number[];
  /** The Jacobian: entry i, k is ∂ŷ_i/∂z_k. */
  dydz(z: Vector): number[][];
  /** The target as the functions take it, K numbers; throws an Error if it is not one. */
  targets(t: Vector, nOutputs: number): number[];
  /** Which smooth piece of ℒ each z is on; without it, ℒ is smooth everywhere. */
  piece?(z: Vector, t: Vector): number[];
  /** ℒ as in the lecture, a function of ŷ. It may contain log 0. */
  lossOfYHat(y: Vector, t: Vector): number;
  /** How far ŷ_k may move alone before the unit could not give this ŷ. */
  room(y: Vector, k: number): number;
}

export interface OutputUnit extends UnitText, Functions {}

const HUBER_DELTA = 1;
const each = <T>(z: Vector, t: Vector, f: (z: number, t: number) => T) => z.map((v, k) => f(v, t[k]!));
const total = (z: Vector, t: Vector, f: (z: number, t: number) => number) => sum(each(z, t, f));
/** a / b; 0 where a is 0. */
const ratio = (a: number, b: number) => (a === 0 ? 0 : a / b);

function real(t: Vector, nOutputs: number): number[] {
  if (t.length !== nOutputs) throw new Error(`t must have ${nOutputs} numbers; got ${t.length}`);
  return [...t];
}

/** A linear unit, ŷ = z, with a loss of each output: its value, its slope, and its pieces. */
function linear(
  loss: (z: number, t: number) => number,
  slope: (z: number, t: number) => number,
  piece?: (z: number, t: number) => number,
): Functions {
  return {
    yHat: (z) => [...z],
    loss: (z, t) => total(z, t, loss),
    dLdz: (z, t) => each(z, t, slope),
    dLdyHat: (z, t) => each(z, t, slope),
    dydz: (z) => diagonal(z.map(() => 1)),
    targets: real,
    ...(piece && { piece: (z: Vector, t: Vector) => each(z, t, piece) }),
    lossOfYHat: (y, t) => total(y, t, loss),
    room: () => Infinity,
  };
}

const LOGISTIC: Functions = {
  yHat: (z) => z.map(sigmoid),
  // softplus(z) − t z; each part is ≥ 0
  loss: (z, t) =>
    total(
      z,
      t,
      (v, s) => Math.max(v, 0) * (1 - s) - Math.min(v, 0) * s + Math.log1p(Math.exp(-Math.abs(v))),
    ),
  dLdz: (z, t) => each(z, t, (v, s) => sigmoid(v) - s),
  dLdyHat: (z, t) => each(z, t, (v, s) => ratio(1 - s, sigmoid(-v)) - ratio(s, sigmoid(v))),
  dydz: (z) => diagonal(z.map((v) => sigmoid(v) * sigmoid(-v))),
  targets(t, nOutputs) {
    const wrong = t.find((v) => !(v >= 0 && v <= 1));
    if (wrong !== undefined)
      throw new Error(`t must be probabilities between 0 and 1; got ${wrong}`);
    return real(t, nOutputs);
  },
  lossOfYHat: (y, t) => -total(y, t, (v, s) => xlogy(s, v) + xlog1py(1 - s, -v)),
  room: (y, k) => Math.min(y[k]!, 1 - y[k]!),
};

/** With the squared error, ŷ(1 − ŷ) stays in ∂ℒ/∂z. */
const LOGISTIC_SQUARED: Functions = {
  ...LOGISTIC,
  loss: (z, t) => total(z, t, (v, s) => 0.5 * (sigmoid(v) - s) ** 2),
  dLdz: (z, t) => each(z, t, (v, s) => sigmoid(v) * sigmoid(-v) * (sigmoid(v) - s)),
  dLdyHat: (z, t) => each(z, t, (v, s) => sigmoid(v) - s),
  lossOfYHat: (y, t) => total(y, t, (v, s) => 0.5 * (v - s) ** 2),
};

const SOFTMAX: Functions = {
  yHat: softmax,
  loss(z, t) {
    const log = logSoftmax(z);
    return 0 - sum(t.map((s, k) => (s === 0 ? 0 : s * log[k]!)));
  },
  dLdz(z, t) {
    const y = softmax(z);
    return y.map((v, k) => v - t[k]!);
  },
  dLdyHat(z, t) {
    const y = softmax(z);
    return y.map((v, k) => -ratio(t[k]!, v));
  },
  dydz: softmaxJacobian,
  /** The index of the class, or a distribution over the classes. */
  targets(t, nOutputs) {
    if (t.length === 1) {
      const index = t[0]!;
      if (!(index >= 0 && index < nOutputs && index % 1 === 0))
        throw new Error(`t must be class indices 0 … ${nOutputs - 1}; got ${index}`);
      return Array.from({ length: nOutputs }, (_, k) => (k === index ? 1 : 0));
    }
    const whole = sum(real(t, nOutputs));
    if (!(t.every((v) => v >= 0) && Math.abs(whole - 1) <= 4 * nOutputs * Number.EPSILON))
      throw new Error("t must be distributions: entries >= 0, each row summing to 1");
    return t.map((v) => v / whole); // ŷ − t is the derivative only if Σ t = 1
  },
  lossOfYHat: (y, t) => -total(y, t, (v, s) => xlogy(s, v)),
  room: (y, k) => y[k]!,
};

const POISSON: Functions = {
  yHat: (z) => z.map(Math.exp),
  loss: (z, t) => total(z, t, (v, s) => Math.exp(v) - s * v + (xlogy(s, s) - s)),
  dLdz: (z, t) => each(z, t, (v, s) => Math.exp(v) - s),
  dLdyHat: (z, t) => each(z, t, (v, s) => 1 - ratio(s, Math.exp(v))),
  dydz: (z) => diagonal(z.map(Math.exp)),
  targets(t, nOutputs) {
    const wrong = t.find((v) => !(v >= 0));
    if (wrong !== undefined)
      throw new Error(`t must be >= 0 for the loss 'poisson'; got ${wrong}`);
    return real(t, nOutputs);
  },
  lossOfYHat: (y, t) => total(y, t, (v, s) => v - xlogy(s, v) + xlogy(s, s) - s),
  room: (y, k) => y[k]!,
};

const FUNCTIONS: Record<string, Functions> = {
  linear: linear(
    (z, t) => 0.5 * (z - t) ** 2,
    (z, t) => z - t,
  ),
  absolute_error: linear(
    (z, t) => Math.abs(z - t),
    (z, t) => sign(z - t),
    (z, t) => sign(z - t),
  ),
  huber: linear(
    (z, t) => {
      const r = Math.abs(z - t);
      const c = Math.min(r, HUBER_DELTA); // ½c² + δ(r − c) is both branches at once
      return 0.5 * c ** 2 + HUBER_DELTA * (r - c);
    },
    (z, t) => clip(z - t, -HUBER_DELTA, HUBER_DELTA),
    (z, t) => sign(z - t - HUBER_DELTA) + sign(z - t + HUBER_DELTA),
  ),
  logistic: LOGISTIC,
  logistic_squared_error: LOGISTIC_SQUARED,
  softmax: SOFTMAX,
  poisson: POISSON,
};

/** The units that the stations offer, by name. */
export const OUTPUT_UNITS: Record<string, OutputUnit> = Object.fromEntries(
  (texts as unknown as UnitText[]).map((text) => [text.name, { ...text, ...FUNCTIONS[text.name]! }]),
);

/** ½ Σ (ŷ − t)² of an example, for any unit. */
export function squaredError(unit: OutputUnit, z: Vector, t: Vector): number {
  return 0.5 * total(unit.yHat(z), t, (y, s) => (y - s) ** 2);
}

/** ∂ŷ/∂z (ŷ − t): the gradient of the squared error by the chain rule. */
export function squaredErrorSlope(unit: OutputUnit, z: Vector, t: Vector): number[] {
  return product(unit.dydz(z), each(unit.yHat(z), t, (y, s) => y - s));
}

/** A matrix times a vector. */
export function product(A: Matrix, x: Vector): number[] {
  return A.map((row) => row.reduce((whole, a, k) => whole + a * x[k]!, 0));
}
