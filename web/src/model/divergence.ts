// Station 1: the distance between two distributions, and binary cross-entropy as a special case.

import type { Settings, View } from "../protocol.ts";
import { binaryCrossEntropy, crossEntropy, entropy, klDivergence } from "./divergences.ts";
import { linspace, relEntr, xlogy } from "./maths.ts";
import { float, script } from "./python.ts";
import { number, numbers } from "./settings.ts";
import type { Model } from "./station.ts";

export interface DivergenceSettings extends Settings {
  q: number[]; // in thousandths
  p: number[];
  t: number;
  y_hat: number;
}

const WHOLE = 1000; // distributions are kept in thousandths, which add up exactly
const THOUSANDTHS = number("thousandths", 0, WHOLE, 1, { whole: true });
const CURVE_POINTS = 201;

export const divergence: Model<DivergenceSettings> = {
  key: "divergence",
  title: "KL and cross-entropy",
  slides: "Measuring distance in probability space; Binary cross-entropy loss",
  fields: {
    q: { kind: numbers("q, the data", THOUSANDTHS, 2, 8), default: [600, 300, 100] },
    p: { kind: numbers("p, the model", THOUSANDTHS, 2, 8), default: [200, 300, 500] },
    t: { kind: number("t, the label", 0, 1, 0.01), default: 1 },
    y_hat: { kind: number("ŷ, the prediction", 0, 1, 0.01), default: 0.7 },
  },
  check,
  view,
  actions: { drag, resize },
  presets: {
    "Two different distributions": { q: [600, 300, 100], p: [200, 300, 500] },
    "The same: KL is 0": { q: [250, 500, 250], p: [250, 500, 250] },
    "An observed label: H(Q) is 0": { q: [0, 1000, 0], p: [200, 700, 100] },
    "P gives 0 to something that happens: KL is infinite": { q: [500, 400, 100], p: [600, 400, 0] },
  },
};

function check({ q, p }: DivergenceSettings): void {
  for (const [name, parts] of Object.entries({ q, p })) {
    const total = parts.reduce((a, b) => a + b, 0);
    if (total !== WHOLE)
      throw new Error(`${name} must add up to ${WHOLE} thousandths; got ${total}`);
  }
  if (q.length !== p.length)
    throw new Error(
      `q and p must have equally many entries; got ${q.length} and ${p.length}`,
    );
}

/** Set one bar to a number of thousandths; the others keep their proportions in the rest. */
function drag(settings: DivergenceSettings, given: Record<string, unknown>): DivergenceSettings {
  const { which } = given;
  if (which !== "q" && which !== "p")
    throw new Error(`which must be 'q' or 'p'; got '${String(which).slice(0, 60)}'`);
  const old = settings[which];
  const index = number("index", 0, old.length - 1, 0, { whole: true });
  const k: number = index.check("index", given.index);
  const target: number = THOUSANDTHS.check("to", given.to);
  const others = old.map((v, i) => (i === k ? 0 : v));
  const total = others.reduce((a, b) => a + b, 0);
  const weights = total ? others : others.map((_, i) => (i === k ? 0 : 1));
  const whole = total || old.length - 1;
  const shares = weights.map((v) => (v / whole) * (WHOLE - target));
  const parts = shares.map(Math.floor);
  const missing = WHOLE - target - parts.reduce((a, b) => a + b, 0);
  // the largest remainders are rounded up, so that the numbers add up
  const order = parts.map((_, i) => i).sort((a, b) => parts[a]! - shares[a]! - (parts[b]! - shares[b]!));
  for (const i of order.slice(0, missing)) parts[i]!++;
  parts[k] = target;
  return { ...settings, [which]: parts };
}

/** Another number of outcomes: new ones get 0, and the last gets the removed probability. */
function resize(settings: DivergenceSettings, given: Record<string, unknown>): DivergenceSettings {
  const n: number = number("n", 2, 8, 0, { whole: true }).check("n", given.n);
  const resized = (old: number[]) => {
    const kept = Array.from({ length: n }, (_, i) => old[i] ?? 0);
    kept[n - 1]! += WHOLE - kept.reduce((a, b) => a + b, 0);
    return kept;
  };
  return { ...settings, q: resized(settings.q), p: resized(settings.p) };
}

/** H(Q), H(Q, P), KL both ways, their terms, and the binary case. */
function view(settings: DivergenceSettings): View {
  const [q, p] = [settings.q, settings.p].map((part) => part.map((v) => v / WHOLE)) as [
    number[],
    number[],
  ];
  const { t, y_hat } = settings;
  const [Q, P] = [[1 - t, t], [1 - y_hat, y_hat]];
  const grid = linspace(0, 1, CURVE_POINTS);
  return {
    numbers: {
      q,
      p,
      entropy: entropy(q),
      cross_entropy: crossEntropy(q, p),
      kl: klDivergence(q, p),
      kl_reversed: klDivergence(p, q),
      entropy_terms: q.map((v) => -xlogy(v, v) + 0),
      cross_entropy_terms: q.map((v, k) => -xlogy(v, p[k]!) + 0),
      kl_terms: q.map((v, k) => relEntr(v, p[k]!)),
      t,
      y_hat,
      bce: binaryCrossEntropy(t, y_hat),
      binary_kl: klDivergence(Q, P),
      binary_entropy: entropy(Q),
    },
    python: python(settings),
    curve: { y_hat: grid, bce: grid.map((y) => binaryCrossEntropy(t, y)) },
  };
}

function python({ q, p, t, y_hat }: DivergenceSettings): string {
  return script(
    ["from scipy.special import rel_entr, xlogy"],
    [
      `q = np.array([${q.join(", ")}]) / ${WHOLE}`,
      `p = np.array([${p.join(", ")}]) / ${WHOLE}`,
      `t, y_hat = ${float(t)}, ${float(y_hat)}`,
      "Q, P = np.array([1 - t, t]), np.array([1 - y_hat, y_hat])",
      'np.seterr(divide="ignore")  # −q log p is infinite where p is 0 and q is not',
    ],
    {
      q: "q",
      p: "p",
      entropy: "cp.entropy(q)",
      cross_entropy: "cp.cross_entropy(q, p)",
      kl: "cp.kl_divergence(q, p)",
      kl_reversed: "cp.kl_divergence(p, q)",
      entropy_terms: "-xlogy(q, q) + 0.0",
      cross_entropy_terms: "-xlogy(q, p) + 0.0",
      kl_terms: "rel_entr(q, p)",
      t: "t",
      y_hat: "y_hat",
      bce: "cp.binary_cross_entropy(t, y_hat)",
      binary_kl: "cp.kl_divergence(Q, P)",
      binary_entropy: "cp.entropy(Q)",
    },
  );
}
