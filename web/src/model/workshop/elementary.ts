// sin, cos and exp from additions, multiplications and divisions alone, as
// `clearprop.playground.elementary` computes them: the same bits in every browser and in Python.
// The formulas are those of fdlibm (Sun Microsystems, 1993).

const TWO_OVER_PI = 0.6366197723675814;
const HALF_PI = 1.5707963267341256; // 33 bits
const HALF_PI_REST = 6.077100506506192e-11;
const ONE_OVER_LN2 = 1.4426950408889634;
const LN2 = 0.6931471803691238;
const LN2_REST = 1.9082149292705877e-10;

export const sin = (x: number): number => quarter(x, 0);
export const cos = (x: number): number => quarter(x, 1);

/** eˣ; x beyond ±700 counts as ±700. */
export function exp(x: number): number {
  x = Math.min(700, Math.max(-700, x));
  const k = Math.floor(x * ONE_OVER_LN2 + 0.5);
  const high = x - k * LN2;
  const low = k * LN2_REST;
  const r = high - low;
  const s = r * r;
  const c =
    r -
    s *
      (0.16666666666666602 +
        s *
          (-0.0027777777777015593 +
            s * (6.613756321437934e-5 + s * (-1.6533902205465252e-6 + s * 4.1381367970572385e-8))));
  power[1] = (1023 + k) << 20; // 2ᵏ, by its exponent's bits
  return (1 - (low - (r * c) / (2 - c) - high)) * double[0]!;
}
const power = new Uint32Array(2);
const double = new Float64Array(power.buffer);

/** sin(x + quarters · π/2): x is taken to ±π/4, where one of two polynomials gives it. */
function quarter(x: number, quarters: number): number {
  const k = Math.floor(x * TWO_OVER_PI + 0.5);
  const near = x - k * HALF_PI;
  const tail = k * HALF_PI_REST;
  const r = near - tail;
  const rest = near - r - tail;
  const turn = (((k + quarters) % 4) + 4) % 4;
  const result = turn % 2 === 0 ? sinNear0(r, rest) : cosNear0(r, rest);
  return turn < 2 ? result : -result;
}

function sinNear0(x: number, rest: number): number {
  const z = x * x;
  const v = z * x;
  const w = z * z;
  const r =
    0.00833333333332249 +
    z * (-0.0001984126982985795 + z * 2.7557313707070068e-6) +
    z * w * (-2.5050760253406863e-8 + z * 1.58969099521155e-10);
  return x - (z * (0.5 * rest - v * r) - rest - v * -0.16666666666666632);
}

function cosNear0(x: number, rest: number): number {
  const z = x * x;
  const v = z * z;
  const r =
    z * (0.0416666666666666 + z * (-0.001388888888887411 + z * 2.480158728947673e-5)) +
    v * v * (-2.7557314351390663e-7 + z * (2.087572321298175e-9 + z * -1.1359647557788195e-11));
  const half = 0.5 * z;
  const w = 1 - half;
  return w + (1 - w - half + (z * r - x * rest));
}
