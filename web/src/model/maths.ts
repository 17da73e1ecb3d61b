// Elementary functions as NumPy and SciPy have them: sums in their order, logarithms without loss.
//
// Sums of the page have the bits of np.sum. The rest agrees with SciPy up to the last bits of exp and
// log; tests/playground/test_parts_page.py compares the functions over wide grids.

export type Vector = readonly number[];
export type Matrix = readonly Vector[];

/** Σ x in the order of np.sum over a contiguous axis: eight running sums from 8 entries on. */
export function sum(x: Vector, from = 0, to = x.length): number {
  const n = to - from;
  if (n < 8) {
    let total = 0;
    for (let i = from; i < to; i++) total += x[i]!;
    return total;
  }
  if (n > 128) {
    const half = Math.floor(n / 2);
    const middle = from + half - (half % 8);
    return sum(x, from, middle) + sum(x, middle, to);
  }
  const r = x.slice(from, from + 8);
  let i = from + 8;
  for (; i < to - (n % 8); i += 8) for (let j = 0; j < 8; j++) r[j]! += x[i + j]!;
  let total = r[0]! + r[1]! + (r[2]! + r[3]!) + (r[4]! + r[5]! + (r[6]! + r[7]!));
  for (; i < to; i++) total += x[i]!;
  return total;
}

/** A plain sum from the left, as a product of matrices adds its terms. */
export function dot(x: Vector, y: Vector): number {
  let total = 0;
  for (let i = 0; i < x.length; i++) total += x[i]! * y[i]!;
  return total;
}

/** x log y, 0 where x is 0. */
export function xlogy(x: number, y: number): number {
  return x === 0 && !Number.isNaN(y) ? 0 : x * Math.log(y);
}

/** x log(1 + y), 0 where x is 0. */
export function xlog1py(x: number, y: number): number {
  return x === 0 && !Number.isNaN(y) ? 0 : x * Math.log1p(y);
}

/** −x log x, the term of an entropy. */
export function entr(x: number): number {
  if (x > 0) return -x * Math.log(x);
  return x === 0 ? 0 : x < 0 ? -Infinity : NaN;
}

/** x log(x/y), the term of a KL divergence; accurate also where x is near y. */
export function relEntr(x: number, y: number): number {
  if (Number.isNaN(x) || Number.isNaN(y)) return NaN;
  if (x === 0 && y >= 0) return 0;
  if (!(x > 0 && y > 0)) return Infinity;
  const ratio = x / y;
  if (0.5 < ratio && ratio < 2) return x * Math.log1p((x - y) / y);
  if (2.2250738585072014e-308 < ratio && ratio < Infinity) return x * Math.log(ratio);
  return x * (Math.log(x) - Math.log(y));
}

/** log(eᵃ + eᵇ) without overflow, as np.logaddexp. */
export function logaddexp(a: number, b: number): number {
  if (a === b) return a + Math.LN2;
  const d = a - b;
  if (d > 0) return a + Math.log1p(Math.exp(-d));
  return d <= 0 ? b + Math.log1p(Math.exp(d)) : d;
}

/** log Σ eˣ without overflow; the largest entry is subtracted first. */
export function logsumexp(x: Vector): number {
  const most = Math.max(...x);
  if (!Number.isFinite(most)) return most;
  return most + Math.log(sum(x.map((v) => Math.exp(v - most))));
}

/** The sigmoid 1/(1 + e⁻ᶻ), without overflow. */
export function sigmoid(z: number): number {
  return 1 / (1 + Math.exp(-z));
}

/** log(1 + eᶻ), without overflow. */
export function softplus(z: number): number {
  return Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));
}

/** ŷ = softmax(z). */
export function softmax(z: Vector): number[] {
  const most = Math.max(...z);
  const e = z.map((v) => Math.exp(v - most));
  const total = sum(e);
  return e.map((v) => v / total);
}

/** log softmax(z), also where the softmax itself is 0. */
export function logSoftmax(z: Vector): number[] {
  const most = Math.max(...z);
  const lower = z.map((v) => v - most);
  const total = Math.log(sum(lower.map(Math.exp)));
  return lower.map((v) => v - total);
}

/** ∂ŷ_i/∂z_j = ŷ_i (δ_ij − ŷ_j) of the softmax. */
export function softmaxJacobian(z: Vector): number[][] {
  const y = softmax(z);
  return y.map((yi, i) => y.map((yj, j) => yi * ((i === j ? 1 : 0) - yj)));
}

/** n numbers from a to b at equal distances, as np.linspace has them. */
export function linspace(a: number, b: number, n: number): number[] {
  const step = (b - a) / (n - 1);
  return Array.from({ length: n }, (_, i) => (i === n - 1 ? b : i * step + a));
}

/** The sign of x: −1, 0 or 1. */
export function sign(x: number): number {
  return x > 0 ? 1 : x < 0 ? -1 : x === 0 ? 0 : NaN;
}

export function clip(x: number, low: number, high: number): number {
  return Math.min(Math.max(x, low), high);
}

/** diag(d). */
export function diagonal(d: Vector): number[][] {
  return d.map((v, i) => d.map((_, j) => (i === j ? v : 0)));
}

// The normal law's distribution function, by the rational approximations of Moshier's Cephes library.

const P = [
  2.46196981473530512524e-10, 5.64189564831068821977e-1, 7.46321056442269912687, 4.86371970985681366614e1,
  1.96520832956077098242e2, 5.26445194995477358631e2, 9.3452852717195760754e2, 1.02755188689515710272e3,
  5.57535335369399327526e2,
];
const Q = [
  1, 1.32281951154744992508e1, 8.67072140885989742329e1, 3.54937778887819891062e2, 9.75708501743205489753e2,
  1.82390916687909736289e3, 2.24633760818710981792e3, 1.65666309194161350182e3, 5.57535340817727675546e2,
];
const R = [
  5.64189583547755073984e-1, 1.275366707599781044163, 5.01905042251180477414, 6.16021097993053585195,
  7.4097426995044893916, 2.9788666537210024067,
];
const S = [
  1, 2.2605286322011727659, 9.39603524938001434673, 1.20489539808096656605e1, 1.70814450747565897222e1,
  9.60896809063285878198, 3.3690764510008151605,
];
const T = [
  9.60497373987051638749, 9.00260197203842689217e1, 2.23200534594684319226e3, 7.00332514112805075473e3,
  5.55923013010394962768e4,
];
const U = [
  1, 3.35617141647503099647e1, 5.21357949780152679795e2, 4.59432382970980127987e3, 2.26290000613890934246e4,
  4.92673942608635921086e4,
];

/** The polynomial with these coefficients, the highest power first. */
function polynomial(x: number, coefficients: Vector): number {
  return coefficients.reduce((value, c) => value * x + c, 0);
}

/** The error function, 2/√π ∫₀ˣ e^(−u²) du. */
export function erf(x: number): number {
  if (Math.abs(x) > 1) return 1 - erfc(x);
  return (x * polynomial(x * x, T)) / polynomial(x * x, U);
}

/** 1 − erf(x), also where erf(x) is 1. */
export function erfc(x: number): number {
  const a = Math.abs(x);
  if (a < 1) return 1 - erf(x);
  if (a > 27) return x < 0 ? 2 : 0; // e^(−x²) is 0 there
  const tail = Math.exp(-x * x);
  const y = a < 8 ? (tail * polynomial(a, P)) / polynomial(a, Q) : (tail * polynomial(a, R)) / polynomial(a, S);
  return x < 0 ? 2 - y : y;
}

/** Φ(z), the normal law's distribution function. */
export function ndtr(z: number): number {
  const x = z * Math.SQRT1_2;
  if (Math.abs(x) < 1) return 0.5 + 0.5 * erf(x);
  const y = 0.5 * erfc(Math.abs(x));
  return x > 0 ? 1 - y : y;
}
