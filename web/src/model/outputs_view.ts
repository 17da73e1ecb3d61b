// The view of the station for output units, and the Python code that prints its numbers.

import type { Settings, View } from "../protocol.ts";
import { derivative } from "./derivative.ts";
import { linspace, type Vector } from "./maths.ts";
import {
  OUTPUT_UNITS,
  type OutputUnit,
  product,
  squaredError,
  squaredErrorSlope,
} from "./output_units.ts";
import { document, type Part } from "./parts.ts";
import { float, floats, quoted } from "./python.ts";

/** A unit with z and its target, which is t, a label, a count or a class; and a descent on z. */
export interface OutputsSettings extends Settings {
  unit: string;
  z: number; // of every unit but the softmax
  logits: number[]; // of the softmax
  t: number;
  label: number;
  count: number;
  klass: number; // from 0, as the library counts classes
  axis: number; // the logit that the curves vary
  rate: number; // of gradient descent on z itself
  steps: number;
}

const REACH = 10; // range of the curves' axis to either side
const POINTS = 161;
const SLOPES = `
def slopes(loss, z):
    # five-point differences of a loss by each z; NaN at a kink
    found = [derivative(z, (0, k), 1.0, lambda: loss(z)) for k in range(z.shape[1])]
    return [float("nan") if slope is None else slope[0] for slope in found]
`;

export function unitOf(settings: OutputsSettings): OutputUnit {
  return OUTPUT_UNITS[settings.unit]!;
}

/** z as the unit takes it. */
export function zOf(settings: OutputsSettings): number[] {
  return settings.unit === "softmax" ? settings.logits : [settings.z];
}

/** Which setting holds the target of a unit. */
export function targetName(unit: string): "klass" | "label" | "count" | "t" {
  const { kind } = OUTPUT_UNITS[unit]!;
  if (kind === "class") return "klass";
  if (kind === "probability") return "label";
  return kind === "real" ? "t" : "count";
}

/** The settings with what follows from them. */
interface Given {
  settings: OutputsSettings;
  unit: OutputUnit;
  z: number[];
  t: number[];
}

/** The unit, its gradient by the chain rule, the squared error instead, descents, all pairs. */
export function view(settings: OutputsSettings): View {
  const [unit, z] = [unitOf(settings), zOf(settings)];
  const t = unit.targets([settings[targetName(settings.unit)]], z.length);
  const given = { settings, unit, z, t };
  const parts = [unitPart, chainPart, squaredPart, racePart, pairsPart].map((part) => part(given));
  return document(["from clearprop.gradient_check import derivative"], parts);
}

/** Five-point differences of a loss for each z; NaN at a kink. */
function slopes(
  z: Vector,
  loss: (z: Vector) => number,
  pieces: (z: Vector) => readonly number[] = () => [],
): number[] {
  return z.map((value, k) => {
    const slope = derivative(value, (to) => {
      const moved = z.map((v, i) => (i === k ? to : v));
      return { loss: loss(moved), pieces: pieces(moved) };
    });
    return slope ?? NaN;
  });
}

function unitPart({ settings, unit, z, t }: Given): Part {
  const name = targetName(settings.unit);
  const target = name === "klass" ? String(settings.klass) : float(settings[name]);
  return {
    numbers: {
      z,
      t,
      y_hat: unit.yHat(z),
      loss: unit.loss(z, t),
      dL_dz: unit.dLdz(z, t),
      dL_dz_difference: slopes(
        z,
        (at) => unit.loss(at, t),
        (at) => unit.piece?.(at, t) ?? [],
      ),
    },
    lines: [
      SLOPES,
      `unit = cp.OUTPUTS[${quoted(settings.unit)}]()`,
      `z = np.array([${floats(z)}])`,
      `t = unit.targets(np.array([${target}]), ${z.length}, z.dtype)`,
      "",
      "def own(z):",
      "    piece = unit.piece(z, t)",
      "    return float(unit.loss(z, t)[0]), [] if piece is None else [piece]",
      "",
      'np.seterr(all="ignore")',
    ],
    shown: {
      z: "z[0]",
      t: "t[0]",
      y_hat: "unit.y_hat(z)[0]",
      loss: "unit.loss(z, t)[0]",
      dL_dz: "unit.dL_dz(z, t)[0]",
      dL_dz_difference: "slopes(own, z)",
    },
    drawn: { curves: curves({ settings, unit, z, t }) },
  };
}

/** ŷ, both losses and both gradients as one z varies and the others stay fixed. */
function curves({ settings, unit, z, t }: Given): Record<string, number | number[]> {
  const k = settings.unit === "softmax" ? settings.axis : 0;
  const at = z[k]!;
  const axis = linspace(Math.min(-REACH, at), Math.max(REACH, at), POINTS);
  const points = axis.map((value) => z.map((v, i) => (i === k ? value : v)));
  return {
    k,
    at,
    z: axis,
    y_hat: points.map((point) => unit.yHat(point)[k]!),
    loss: points.map((point) => unit.loss(point, t)),
    dL_dz: points.map((point) => unit.dLdz(point, t)[k]!),
    squared: points.map((point) => squaredError(unit, point, t)),
    squared_dL_dz: points.map((point) => squaredErrorSlope(unit, point, t)[k]!),
  };
}

/** ∂ℒ/∂z = ∂ŷ/∂z ∂ℒ/∂ŷ, computed stably, and in plain floating point from the rounded ŷ. */
function chainPart({ settings, unit, z, t }: Given): Part {
  const [y, by, J] = [unit.yHat(z), unit.dLdyHat(z, t), unit.dydz(z)];
  const part: Part = {
    numbers: {
      dL_dy_hat: by,
      dy_dz: J,
      chain_terms: J.map((row) => row.map((slope, i) => slope * by[i]!)),
      chain: product(J, by),
      y_hat_minus_t: y.map((v, k) => v - t[k]!),
    },
    lines: ["y_hat, by_y, J = unit.y_hat(z), unit.dL_dy_hat(z, t), unit.dy_dz(z)[0]"],
    shown: {
      dL_dy_hat: "by_y[0]",
      dy_dz: "J",
      chain_terms: "J * by_y",
      chain: "J @ by_y[0]",
      y_hat_minus_t: "(y_hat - t)[0]",
    },
  };
  if (settings.unit !== "logistic") return part;
  const plain = y.map((v, k) => (1 - t[k]!) / (1 - v) - t[k]! / v);
  const slope = y.map((v) => v * (1 - v));
  Object.assign(part.numbers, {
    plain_dL_dy_hat: plain,
    plain_dy_dz: slope,
    plain: plain.map((v, k) => v * slope[k]!),
  });
  part.lines.push("plain, slope = (1 - t) / (1 - y_hat) - t / y_hat, y_hat * (1 - y_hat)");
  Object.assign(part.shown, {
    plain_dL_dy_hat: "plain[0]",
    plain_dy_dz: "slope[0]",
    plain: "(plain * slope)[0]",
  });
  return part;
}

function squaredPart({ unit, z, t }: Given): Part {
  const squared = squaredErrorSlope(unit, z, t);
  const size = (gradient: number[]) => Math.max(...gradient.map(Math.abs));
  return {
    numbers: {
      squared_loss: squaredError(unit, z, t),
      squared_dL_dy_hat: unit.yHat(z).map((y, k) => y - t[k]!),
      squared_dL_dz: squared,
      squared_difference: slopes(z, (at) => squaredError(unit, at, t)),
      own_size: size(unit.dLdz(z, t)),
      squared_size: size(squared),
    },
    lines: [
      "def squared(z):",
      "    return float(0.5 * ((unit.y_hat(z) - t) ** 2).sum()), []",
      "",
      "squared_slope = unit.dy_dz(z)[0] @ (unit.y_hat(z) - t)[0]",
    ],
    shown: {
      squared_loss: "squared(z)[0]",
      squared_dL_dy_hat: "(unit.y_hat(z) - t)[0]",
      squared_dL_dz: "squared_slope",
      squared_difference: "slopes(squared, z)",
      own_size: "np.abs(unit.dL_dz(z, t)).max()",
      squared_size: "np.abs(squared_slope).max()",
    },
  };
}

/** ŷ during gradient descent on z, with the unit's loss and with the squared error. */
function racePart({ settings, unit, z, t }: Given): Part {
  const k = settings.unit === "softmax" ? settings.klass : 0;
  const descend = (slope: (z: Vector) => number[]) => {
    let at: Vector = z;
    const y = [unit.yHat(at)[k]!];
    for (let step = 0; step < settings.steps; step++) {
      const by = slope(at);
      at = at.map((v, i) => v - settings.rate * by[i]!);
      y.push(unit.yHat(at)[k]!);
    }
    return y;
  };
  return {
    numbers: {
      race_own: descend((at) => unit.dLdz(at, t)),
      race_squared: descend((at) => squaredErrorSlope(unit, at, t)),
    },
    lines: [
      "def descend(slope, z):",
      `    y = [float(unit.y_hat(z)[0, ${k}])]`,
      `    for _ in range(${settings.steps}):`,
      `        z = z - ${float(settings.rate)} * slope(z)`,
      `        y.append(float(unit.y_hat(z)[0, ${k}]))`,
      "    return y",
      "",
      "def by_squared(z):",
      "    return (unit.dy_dz(z) @ (unit.y_hat(z) - t)[:, :, None])[:, :, 0]",
    ],
    shown: {
      race_own: "descend(lambda z: unit.dL_dz(z, t), z)",
      race_squared: "descend(by_squared, z)",
    },
    drawn: { race: { k, t: t[k]! } },
  };
}

/** Every unit with every loss at the same z and label; NaN if a loss is not defined.
 *
 * The softmax has the two logits 0 and z, and the distribution (1 − t, t).
 */
function pairsPart({ settings }: Given): Part {
  const { z, label } = settings;
  const rows: [OutputUnit, number[], number[]][] = [
    [OUTPUT_UNITS.logistic!, [z], [label]],
    [OUTPUT_UNITS.softmax!, [0, z], [1 - label, label]],
  ];
  return {
    numbers: {
      pairs_y_hat: [z, ...rows.map(([unit, Z]) => unit.yHat(Z).at(-1)!)],
      pairs_loss: [
        [0.5 * (z - label) ** 2, NaN],
        ...rows.map(([unit, Z, T]) => [squaredError(unit, Z, T), unit.loss(Z, T)]),
      ],
      pairs_dL_dz: [
        [z - label, NaN],
        ...rows.map(([unit, Z, T]) => [
          squaredErrorSlope(unit, Z, T).at(-1)!,
          unit.dLdz(Z, T).at(-1)!,
        ]),
      ],
    },
    lines: [
      `z, t = ${float(z)}, ${float(label)}`,
      "y_hat, loss = [z], [[0.5 * (z - t) ** 2, np.nan]]",
      "slope = [[z - t, np.nan]]",
      "for unit, Z, T in [",
      "    (cp.outputs.Logistic(), np.array([[z]]), np.array([[t]])),",
      "    (cp.outputs.Softmax(), np.array([[0.0, z]]), np.array([[1 - t, t]])),",
      "]:",
      "    y = unit.y_hat(Z)",
      "    y_hat.append(y[0, -1])",
      "    loss.append([0.5 * ((y - T) ** 2).sum(), unit.loss(Z, T)[0]])",
      "    slope.append([(unit.dy_dz(Z)[0] @ (y - T)[0])[-1], unit.dL_dz(Z, T)[0, -1]])",
    ],
    shown: { pairs_y_hat: "y_hat", pairs_loss: "loss", pairs_dL_dz: "slope" },
  };
}
