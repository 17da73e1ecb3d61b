// Pictures on a canvas: orange above 0 and blue below, or the colours of classes; paper between.

import { colour } from "../components/theme.tsx";

type Rgb = [number, number, number];

interface Palette {
  signed: Uint32Array;
  grey: Uint32Array;
  classes: Rgb[];
  middle: Rgb;
}

let palette: Palette | null = null;
window.addEventListener("themechange", () => (palette = null));

const STEPS = 256;

function colours(): Palette {
  if (palette) return palette;
  const [low, middle, high, ink, paper] = ["negative", "middle", "positive", "ink", "surface"].map(rgb) as Rgb[];
  palette = {
    signed: between(middle!, low!, high!),
    grey: Uint32Array.from({ length: STEPS }, (_, k) => packed(mix(paper!, ink!, (0.72 * k) / (STEPS - 1)))),
    classes: Array.from({ length: 8 }, (_, k) => rgb(`class-${k}`)),
    middle: middle!,
  };
  return palette;
}

function rgb(name: string): Rgb {
  const text = colour(name);
  const numbers = (text.match(/[\d.]+/g) ?? ["0", "0", "0"]).slice(0, 3).map(Number);
  return numbers.map((x) => (text.startsWith("color(") ? 255 * x : x)) as Rgb;
}

function mix(a: Rgb, b: Rgb, share: number): Rgb {
  return a.map((x, i) => x + (b[i]! - x) * share) as Rgb;
}

function packed([r, g, b]: Rgb): number {
  return ((255 << 24) | (Math.round(b) << 16) | (Math.round(g) << 8) | Math.round(r)) >>> 0;
}

function put(canvas: HTMLCanvasElement, pixels: Uint32Array, n: number): void {
  if (canvas.width !== n || canvas.height !== n) canvas.width = canvas.height = n;
  const image = new ImageData(new Uint8ClampedArray(pixels.buffer as ArrayBuffer), n, n);
  canvas.getContext("2d")?.putImageData(image, 0, 0);
}

const place = (level: number) =>
  Math.max(0, Math.min(STEPS - 1, Math.round(((level + 1) * (STEPS - 1)) / 2))) || 0;

/** Levels (n·n) from −1 to 1. */
export function drawLevels(canvas: HTMLCanvasElement, levels: Float32Array, n: number): void {
  drawTable(canvas, colours().signed, levels, n);
}

/** Levels in the colours of a table. */
function drawTable(canvas: HTMLCanvasElement, table: Uint32Array, levels: ArrayLike<number>, n: number): void {
  const pixels = new Uint32Array(n * n); // a loop: `from` takes ten times as long
  for (let i = 0; i < pixels.length; i++) pixels[i] = table[place(levels[i]!)]!;
  put(canvas, pixels, n);
}

/** Shares (n·n) from 0 to 1 in greys; NaN as paper. */
export function drawGreys(canvas: HTMLCanvasElement, shares: Float64Array, n: number): void {
  const { grey } = colours();
  drawTable(canvas, grey, shares.map((share) => 2 * share - 1), n);
}

/** Probabilities (n·n, K) of classes: their colours, mixed; the paper where two are equally likely. */
export function drawClasses(canvas: HTMLCanvasElement, outputs: Float64Array, n: number, K: number): void {
  const { classes, middle } = colours();
  const pixels = new Uint32Array(n * n);
  const sum: Rgb = [0, 0, 0];
  for (let i = 0; i < pixels.length; i++) {
    sum[0] = sum[1] = sum[2] = 0;
    let [first, second] = [0, 0];
    for (let k = 0; k < K; k++) {
      const p = outputs[i * K + k]!;
      const own = classes[k % 8]!;
      for (let c = 0; c < 3; c++) sum[c]! += p * own[c]!;
      if (p > first) [first, second] = [p, first];
      else if (p > second) second = p;
    }
    pixels[i] = packed(mix(middle, sum, Math.min(1, (first - second) || 0) ** 0.8 * 0.9));
  }
  put(canvas, pixels, n);
}

/** One output for two classes: from the colour of class 0 over paper to that of class 1. */
export function drawTwoClasses(canvas: HTMLCanvasElement, levels: Float32Array, n: number): void {
  const { classes, middle } = colours();
  drawTable(canvas, between(middle, classes[0]!, classes[1]!), levels, n);
}

/** The probability of class k, as a level from −1 to 1: from paper to the class's colour. */
export function drawClass(
  canvas: HTMLCanvasElement,
  levels: Float32Array,
  n: number,
  k: number,
): void {
  const { classes, middle } = colours();
  const own = classes[k % 8]!;
  const table = Uint32Array.from({ length: STEPS }, (_, i) => packed(mix(middle, own, (0.9 * i) / (STEPS - 1))));
  drawTable(canvas, table, levels, n);
}

/** A table of colours: low at level −1, middle at 0, high at 1. */
function between(middle: Rgb, low: Rgb, high: Rgb): Uint32Array {
  return Uint32Array.from({ length: STEPS }, (_, k) => {
    const at = (2 * k) / (STEPS - 1) - 1;
    return packed(mix(middle, at < 0 ? low : high, Math.abs(at) ** 0.8 * 0.9));
  });
}

export function classColour(k: number): string {
  const [r, g, b] = colours().classes[k % 8]!;
  return `rgb(${r} ${g} ${b})`;
}

/** The colour of a level from −1 to 1 in pictures of signed values. */
export function signedColour(level: number): string {
  const pixel = colours().signed[place(level)]!;
  return `rgb(${pixel & 255} ${(pixel >> 8) & 255} ${(pixel >> 16) & 255})`;
}
