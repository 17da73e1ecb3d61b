// Where the units of the drawing stand.

import type { DataSet } from "./live.ts";

export interface Place {
  layer: number;
  unit: number;
  x: number;
  y: number;
}

export interface Geometry {
  width: number;
  height: number;
  /** Side of a unit's picture, by layer. */
  sides: number[];
  places: Place[][];
}

const PAD = 8;
const NAMES = 92; // at most, for the names of the inputs
const HIGHEST = 560;

export function geometry(data: DataSet, width: number): Geometry {
  const { sizes } = data;
  const most = Math.max(...sizes);
  const gap = Math.min(62, Math.max(14, HIGHEST / most));
  const height = Math.max(most * gap, 130);
  const longest = Math.max(...data.features.map((name) => name.length));
  const names = Math.min(NAMES, 22 + 9 * longest);
  const room = width - names - PAD - (sizes.at(-1)! > 1 ? 64 : 56);
  const sides = sizes.map((n, layer) => {
    const own = Math.min(height / n, gap * 1.2) - 6;
    return Math.max(8, Math.min(own, layer === 0 ? 34 : layer === sizes.length - 1 ? 50 : 42));
  });
  const places = sizes.map((n, layer) => {
    const step = Math.min(height / n, gap * 1.15);
    return Array.from({ length: n }, (_, unit) => ({
      layer,
      unit,
      x: names + (room * layer) / (sizes.length - 1) + 21,
      y: height / 2 + (unit - (n - 1) / 2) * step,
    }));
  });
  return { width, height, sides, places };
}

/** A calm curve from the right of one unit to the left of another. */
export function curve(from: Place, to: Place, sideFrom: number, sideTo: number): string {
  const [x, X] = [from.x + sideFrom / 2, to.x - sideTo / 2];
  const middle = (x + X) / 2;
  return `M${x} ${from.y}C${middle} ${from.y} ${middle} ${to.y} ${X} ${to.y}`;
}
