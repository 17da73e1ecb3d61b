// Lines where a function over a grid has a value (marching squares), and decision lines.

/**
 * Segments [x₀, y₀, x₁, y₁, …] where values (n, n), row by row, have the level. Coordinates count
 * nodes: x along a row, y from row to row. Cells with a value that is not finite have no line.
 */
export function contour(values: ArrayLike<number>, n: number, level: number): number[] {
  const segments: number[] = [];
  for (let j = 0; j + 1 < n; j++)
    for (let i = 0; i + 1 < n; i++) {
      const at = j * n + i;
      const a = values[at]! - level;
      const b = values[at + 1]! - level;
      const c = values[at + n + 1]! - level;
      const d = values[at + n]! - level;
      if (!Number.isFinite(a + b + c + d)) continue;
      const kind = (a > 0 ? 1 : 0) | (b > 0 ? 2 : 0) | (c > 0 ? 4 : 0) | (d > 0 ? 8 : 0);
      if (kind === 0 || kind === 15) continue;
      const top: Point = [i + a / (a - b), j];
      const right: Point = [i + 1, j + b / (b - c)];
      const bottom: Point = [i + d / (d - c), j + 1];
      const left: Point = [i, j + a / (a - d)];
      const draw = (p: Point, q: Point) => segments.push(p[0], p[1], q[0], q[1]);
      if (kind === 5 || kind === 10) {
        // a saddle: the mean of the corners says which corners are joined
        const joined = a + b + c + d > 0 === (kind === 5);
        draw(left, joined ? bottom : top);
        draw(right, joined ? top : bottom);
      } else {
        const cut: Point[] = [];
        if (a > 0 !== b > 0) cut.push(top);
        if (b > 0 !== c > 0) cut.push(right);
        if (c > 0 !== d > 0) cut.push(bottom);
        if (d > 0 !== a > 0) cut.push(left);
        draw(cut[0]!, cut[1]!);
      }
    }
  return segments;
}
type Point = [number, number];

/**
 * Where the predicted class changes: segments as of `contour`, from outputs (n·n, K) at the nodes.
 *
 * One output stands for the class nearest to it; of several, the largest is the class.
 */
export function decisionLines(outputs: Float64Array, n: number, n_classes: number): number[] {
  const K = outputs.length / (n * n);
  if (n_classes === 0) return [];
  if (K === 1)
    return Array.from({ length: n_classes - 1 }, (_, k) => contour(outputs, n, k + 0.5)).flat();
  const lines: number[] = [];
  const lead = new Float64Array(n * n);
  for (let k = 0; k < K; k++) {
    for (let i = 0; i < lead.length; i++) {
      let best = -Infinity;
      for (let m = 0; m < K; m++) if (m !== k && outputs[i * K + m]! > best) best = outputs[i * K + m]!;
      lead[i] = outputs[i * K + k]! - best;
    }
    lines.push(...contour(lead, n, 0));
  }
  return lines;
}
