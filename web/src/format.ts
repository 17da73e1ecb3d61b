// Numbers for people. The exact value is always beside it, in data-value and in the title.

/** About four digits: 0.6000, −1.25e−6, ∞. */
export function short(value: number, digits = 4): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  let text: string;
  if (Number.isInteger(value) && size < 1e6) text = String(value);
  else if (size < 1e-3 || size >= 1e5) text = value.toExponential(2);
  else text = value.toFixed(Math.max(0, digits - Math.max(0, Math.floor(Math.log10(size)))));
  return text.replaceAll("-", "−");
}

/** All digits, as Python and JSON write them. */
export function exact(value: number): string {
  return String(value);
}

/** A subscript that counts from 1, as the page counts units, outputs and classes: ₁ for entry 0. */
export function sub(k: number): string {
  return [...String(k + 1)].map((digit) => "₀₁₂₃₄₅₆₇₈₉"[Number(digit)]).join("");
}

/** A name as the page writes it: x₁ for x1, others as they are. */
export function named(name: string): string {
  return /^x\d$/.test(name) ? `x${sub(Number(name[1]) - 1)}` : name;
}
