// A square of the plane shaded by the values of a neuron, with points and the line where it is ½.

import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../text.ts";
import { colour } from "./theme.tsx";

export interface PlaneView {
  low: number;
  high: number;
  /** Row by row, the lowest first. */
  h: number[][];
  line: [number, number][] | null;
}

export interface Point {
  x: number;
  y: number;
  label: string;
  /** The wanted value: a filled square is 1, a hollow circle 0. */
  one: boolean;
  wrong?: boolean;
}

interface PlaneProps {
  title: string;
  plane: PlaneView;
  points: Point[];
  xLabel: string;
  yLabel: string;
}

const SIZE = 300;

export function Plane({ title, plane, points, xLabel, yLabel }: PlaneProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [, redraw] = useState(0);
  const { low, high } = plane;
  const n = plane.h.length;
  useEffect(() => {
    const again = () => redraw((k) => k + 1);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", again);
    window.addEventListener("themechange", again);
    return () => {
      dark.removeEventListener("change", again);
      window.removeEventListener("themechange", again);
    };
  }, []);
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    const [zero, one, ground] = ["negative", "positive", "surface"].map((name) => rgb(colour(name)));
    const image = context.createImageData(n, n);
    plane.h.forEach((row, j) =>
      row.forEach((h, i) => {
        const side = h < 0.5 ? zero : one;
        const share = 0.15 + 0.5 * Math.abs(2 * h - 1);
        for (let c = 0; c < 3; c++) {
          const mixed = share * (side?.[c] ?? 0) + (1 - share) * (ground?.[c] ?? 0);
          image.data[4 * ((n - 1 - j) * n + i) + c] = mixed;
        }
        image.data[4 * ((n - 1 - j) * n + i) + 3] = 255;
      }),
    );
    context.putImageData(image, 0, 0);
  });
  const px = (value: number) => (SIZE * (value - low)) / (high - low);
  const py = (value: number) => SIZE - px(value);
  const [a, b] = plane.line ?? [];
  return (
    <figure class="plane">
      <div class="stack">
        <canvas ref={canvas} width={n} height={n} aria-hidden="true" />
        <svg viewBox={`0 0 ${SIZE} ${SIZE}`} role="img" aria-label={title}>
          {a && b && (
            <line class="border" x1={px(a[0])} y1={py(a[1])} x2={px(b[0])} y2={py(b[1])} />
          )}
          {points.map((point) => (
            <g class={`dot ${point.wrong ? "wrong" : ""}`}>
              {point.one ? (
                <rect x={px(point.x) - 8} y={py(point.y) - 8} width={16} height={16} rx={2} />
              ) : (
                <circle class="hollow" cx={px(point.x)} cy={py(point.y)} r={8.5} />
              )}
              {point.wrong && (
                <path
                  class="cross"
                  d={`M${px(point.x) - 5} ${py(point.y) - 5}l10 10m0 -10l-10 10`}
                />
              )}
              <text x={px(point.x)} y={py(point.y) - 14}>
                {point.label}
              </text>
            </g>
          ))}
          <text class="math" x={SIZE - 14} y={SIZE - 8}>
            {xLabel}
          </text>
          <text class="math" x={16} y={20}>
            {yLabel}
          </text>
        </svg>
      </div>
      <figcaption class="note">
        {points.some((point) => point.wrong)
          ? t("■ wanted 1, ○ wanted 0, × wrong")
          : t("■ wanted 1, ○ wanted 0")}
        ; <i class="swatch one" /> {t("z above 0, so h above ½")}, <i class="swatch zero" />{" "}
        {t("below")}
      </figcaption>
    </figure>
  );
}

function rgb(text: string): number[] {
  const numbers = (text.match(/[\d.]+/g) ?? []).map(Number);
  // color(srgb …) has shares, rgb(…) has bytes
  return text.startsWith("color(") ? numbers.slice(0, 3).map((x) => 255 * x) : numbers.slice(0, 3);
}
