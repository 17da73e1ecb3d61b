// Rounding as Python rounds.

/** The nearest integer, the even one of two: what Python's `round` gives. */
export function roundHalfEven(x: number): number {
  const down = Math.floor(x);
  const rest = x - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 !== 0) ? down + 1 : down;
}
