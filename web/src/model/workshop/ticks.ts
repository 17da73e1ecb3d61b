// Round numbers for the axes of a drawing, and their texts.

/** Round numbers from low to high: 1, 2 or 5 times a power of ten apart, at most `most` of them. */
export function ticks(low: number, high: number, most = 7): number[] {
  if (!(high > low) || !Number.isFinite(high - low)) return Number.isFinite(low) ? [low] : [];
  const rough = (high - low) / Math.max(1, most - 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((k) => k * power >= rough * (1 - 1e-9)) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, k) => rounded((first + k) * step));
}

/** Round numbers of a logarithmic axis: powers of ten, and 2 and 5 times them where there is room. */
export function logTicks(low: number, high: number, most = 7): number[] {
  if (!(low > 0) || !(high > low) || !Number.isFinite(high)) return [];
  const [from, to] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const inside = (x: number) => x >= low * (1 - 1e-9) && x <= high * (1 + 1e-9);
  const powers = Array.from({ length: to - from + 1 }, (_, k) => rounded(10 ** (from + k)));
  const finer = powers.flatMap((p) => [p, rounded(2 * p), rounded(5 * p)]).filter(inside);
  if (finer.length <= most) return finer;
  const whole = powers.filter(inside);
  const skip = Math.ceil(whole.length / most);
  return whole.filter((_, k) => k % skip === 0);
}

/** A number of an axis: −0.5, 1,200, 2e−7. */
export function tickLabel(value: number): string {
  const size = Math.abs(value);
  const text =
    size !== 0 && (size >= 1e6 || size < 1e-4)
      ? value.toExponential().replace("e+", "e")
      : value.toLocaleString("en", { maximumSignificantDigits: 12 });
  return text.replaceAll("-", "−");
}

function rounded(x: number): number {
  return Number(x.toPrecision(12));
}
