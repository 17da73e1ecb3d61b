// Pictures of units on a canvas: orange above 0, blue below, the paper between.

import { colour } from "../components/theme.tsx";
import { GRID } from "./live.ts";

type Rgb = [number, number, number];

let table: Uint32Array | null = null;
let classes: Rgb[] = [];

window.addEventListener("themechange", forget);

function forget(): void {
  table = null;
}

function rgb(name: string): Rgb {
  return (colour(name).match(/[\d.]+/g) ?? ["0", "0", "0"]).slice(0, 3).map(Number) as Rgb;
}

function colours(): Uint32Array {
  if (table) return table;
  const [low, middle, high] = [rgb("negative"), rgb("middle"), rgb("positive")];
  classes = Array.from({ length: 8 }, (_, k) => rgb(`class-${k}`));
  table = new Uint32Array(256);
  for (let level = 0; level < 256; level++) {
    const at = level / 127.5 - 1;
    const end = at < 0 ? low : high;
    table[level] = packed(mix(middle, end, Math.abs(at) ** 0.8 * 0.9));
  }
  return table;
}

function mix(a: Rgb, b: Rgb, share: number): Rgb {
  return a.map((x, i) => x + (b[i]! - x) * share) as Rgb;
}

function packed([r, g, b]: Rgb): number {
  return (255 << 24) | (Math.round(b) << 16) | (Math.round(g) << 8) | Math.round(r);
}

function put(canvas: HTMLCanvasElement, pixels: Uint32Array): void {
  canvas.width = canvas.height = GRID;
  const image = new ImageData(new Uint8ClampedArray(pixels.buffer as ArrayBuffer), GRID, GRID);
  canvas.getContext("2d")?.putImageData(image, 0, 0);
}

/** The picture of one unit. */
export function drawUnit(canvas: HTMLCanvasElement, heat: Uint8Array, picture: number): void {
  const lut = colours();
  const pixels = new Uint32Array(GRID * GRID);
  const start = picture * GRID * GRID;
  for (let i = 0; i < pixels.length; i++) pixels[i] = lut[heat[start + i]!]!;
  put(canvas, pixels);
}

/** The outputs of several classes in one picture: their colours, mixed by probability. */
export function drawClasses(
  canvas: HTMLCanvasElement,
  heat: Uint8Array,
  first: number,
  n: number,
): void {
  colours();
  const middle = rgb("middle");
  const size = GRID * GRID;
  const pixels = new Uint32Array(size);
  for (let i = 0; i < size; i++) {
    let at: Rgb = [0, 0, 0];
    for (let k = 0; k < n; k++) {
      const share = heat[(first + k) * size + i]! / 255;
      at = at.map((x, c) => x + share * classes[k % 8]![c]!) as Rgb;
    }
    pixels[i] = packed(mix(middle, at.map((x) => Math.min(255, x)) as Rgb, 0.75));
  }
  put(canvas, pixels);
}

export function classColour(k: number): string {
  colours();
  const [r, g, b] = classes[k % 8] ?? [0, 0, 0];
  return `rgb(${r} ${g} ${b})`;
}
