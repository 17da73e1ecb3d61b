// A derivative by differences: the five-point rule, as clearprop/gradient_check.py has it.

// How far the rule moves a z; smaller steps avoid a nearby kink.
const STEPS = [5e-4, 5e-5, 5e-6];

/** A loss, and on which side of each kink it was computed. */
export interface LossAndPieces {
  loss: number;
  pieces: readonly number[];
}

/** The slope at `value` of a loss as a function of it; null at a kink.
 *
 * reach: how far a z moves if the value moves by 1.
 */
export function derivative(
  value: number,
  lossAt: (value: number) => LossAndPieces,
  reach = 1,
): number | null {
  const size = Math.max(1, Math.abs(value));
  for (const distance of STEPS) {
    const step = (distance * size) / Math.max(1, reach * size);
    const points = [-2, -1, 1, 2].map((k) => lossAt(value + k * step));
    const [a, b, c, d] = points as [LossAndPieces, LossAndPieces, LossAndPieces, LossAndPieces];
    const smooth = points.every(({ pieces }) => pieces.every((piece, i) => piece === a.pieces[i]));
    if (smooth) return (a.loss - 8 * b.loss + 8 * c.loss - d.loss) / (12 * step);
  }
  return null;
}
