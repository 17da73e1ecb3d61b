// Several curves over one axis, told apart by colour, dashes and a legend; marks on them.

import { ticks } from "../model/workshop/ticks.ts";

export interface Curve {
  label: string;
  y: number[];
  /** A custom property of the page: "class-1". */
  colour: string;
  dashed?: boolean;
}

interface CurvesProps {
  title: string;
  x: number[];
  curves: Curve[];
  xLabel: string;
  low: number;
  high: number;
  /** Where a vertical line stands, and the points on the curves. */
  at?: number;
  height?: number;
}

const W = 460;
const LEFT = 44;
const RIGHT = 12;
const FOOT = 34;
const TOP = 12;

export function Curves({ title, x, curves, xLabel, low, high, at, height = 230 }: CurvesProps) {
  const [from, to] = [x[0] ?? 0, x.at(-1) ?? 1];
  const px = (value: number) => LEFT + ((W - LEFT - RIGHT) * (value - from)) / (to - from || 1);
  const py = (value: number) => TOP + ((height - FOOT - TOP) * (high - value)) / (high - low || 1);
  const nearest = (y: number[]) => {
    if (at === undefined) return NaN;
    let best = 0;
    x.forEach((value, i) => {
      if (Math.abs(value - at) < Math.abs((x[best] as number) - at)) best = i;
    });
    return y[best] ?? NaN;
  };
  return (
    <figure class="curves">
      <svg viewBox={`0 0 ${W} ${height}`} role="img" aria-label={title}>
        {ticks(low, high).map((value) => (
          <>
            <line class="rule" x1={LEFT} x2={W - RIGHT} y1={py(value)} y2={py(value)} />
            <text class="tick end" x={LEFT - 6} y={py(value) + 4}>
              {label(value)}
            </text>
          </>
        ))}
        {low < 0 && high > 0 && (
          <line class="axis" x1={LEFT} x2={W - RIGHT} y1={py(0)} y2={py(0)} />
        )}
        {ticks(from, to).map((value) => (
          <text class="tick" x={px(value)} y={height - FOOT + 16}>
            {label(value)}
          </text>
        ))}
        <text class="tick math" x={(W + LEFT) / 2} y={height - 3}>
          {xLabel}
        </text>
        {at !== undefined && (
          <line class="drop" x1={px(at)} x2={px(at)} y1={TOP} y2={height - FOOT} />
        )}
        <svg
          x={LEFT}
          y={TOP - 2}
          width={W - LEFT - RIGHT}
          height={height - FOOT - TOP + 4}
          viewBox={`${LEFT} ${TOP - 2} ${W - LEFT - RIGHT} ${height - FOOT - TOP + 4}`}
        >
          {curves.map((curve) => (
            <path
              class={`many ${curve.dashed ? "dashed" : ""}`}
              style={{ stroke: `var(--${curve.colour})` }}
              d={path(x, curve.y, low, high, px, py)}
            />
          ))}
        </svg>
        {at !== undefined &&
          curves.map((curve) => {
            const y = nearest(curve.y);
            return Number.isFinite(y) && y >= low && y <= high ? (
              <circle
                class="mark"
                cx={px(at)}
                cy={py(y)}
                r={5}
                style={{ fill: `var(--${curve.colour})` }}
              />
            ) : null;
          })}
      </svg>
      <figcaption class="legend">
        {curves.map((curve) => (
          <span>
            <svg viewBox="0 0 28 8" width={28} height={8} aria-hidden="true">
              <path
                class={`many ${curve.dashed ? "dashed" : ""}`}
                style={{ stroke: `var(--${curve.colour})` }}
                d="M1 4H27"
              />
            </svg>
            {curve.label}
          </span>
        ))}
      </figcaption>
    </figure>
  );
}

function label(value: number): string {
  return String(Number(value.toPrecision(2))).replace("-", "−");
}

/** The line of a curve; the picture clips points outside, and points far outside are left out. */
function path(
  x: number[],
  y: number[],
  low: number,
  high: number,
  px: (value: number) => number,
  py: (value: number) => number,
): string {
  let line = "";
  let drawing = false;
  x.forEach((value, i) => {
    const at = y[i] ?? NaN;
    const inside = !Number.isNaN(at) && Math.abs(at - (low + high) / 2) <= 20 * (high - low);
    if (inside) line += `${drawing ? "L" : "M"}${px(value).toFixed(1)} ${py(at).toFixed(1)}`;
    drawing = inside;
  });
  return line;
}
