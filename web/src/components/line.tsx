// A curve in SVG with one point on it. Curves that grow while one looks are uPlot's.

import { ticks } from "../model/workshop/ticks.ts";
import { clamp } from "./slider.tsx";

interface LineProps {
  title: string;
  x: number[];
  y: number[];
  xLabel: string;
  yLabel: string;
  low?: number;
  high: number;
  at?: { x: number; y: number };
}

const W = 420;
const H = 240;
const LEFT = 40;
const FOOT = 34;

export function Line({ title, x, y, xLabel, yLabel, low = 0, high, at }: LineProps) {
  const [from, to] = [x[0] ?? 0, x.at(-1) ?? 1];
  const px = (value: number) => LEFT + ((W - LEFT - 10) * (value - from)) / (to - from);
  const py = (value: number) =>
    10 + ((H - FOOT - 10) * (high - clamp(value, low, high))) / (high - low);
  const path = x
    .map((value, i) => [value, y[i] ?? NaN] as const)
    .filter(([, value]) => !Number.isNaN(value) && value <= high)
    .map(([a, b], i) => `${i ? "L" : "M"}${px(a).toFixed(1)} ${py(b).toFixed(1)}`)
    .join("");
  return (
    <svg class="line" viewBox={`0 0 ${W} ${H}`} role="img" aria-label={title}>
      {ticks(low, high).map((value) => (
        <>
          <line class="rule" x1={LEFT} x2={W - 10} y1={py(value)} y2={py(value)} />
          <text class="tick end" x={LEFT - 6} y={py(value) + 4}>
            {Number(value.toPrecision(2))}
          </text>
        </>
      ))}
      {ticks(from, to).map((value) => (
        <text class="tick" x={px(value)} y={H - FOOT + 16}>
          {Number(value.toPrecision(2))}
        </text>
      ))}
      <text class="tick math" x={(W + LEFT) / 2} y={H - 3}>
        {xLabel}
      </text>
      <text class="tick math" x={10} y={16}>
        {yLabel}
      </text>
      <path class="curve" d={path} />
      {at && <line class="drop" x1={px(at.x)} x2={px(at.x)} y1={py(at.y)} y2={H - FOOT} />}
      {at && <circle class="point" cx={px(at.x)} cy={py(at.y)} r={6} />}
    </svg>
  );
}
