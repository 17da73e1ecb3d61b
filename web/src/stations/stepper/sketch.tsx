// The network as circles and wires, with what has been computed so far written into the circles.

import { SvgNum } from "../../components/numbers.tsx";
import type { Numbers } from "../../protocol.ts";
import { t } from "../../text.ts";
import { entry, type LineView } from "./shown.ts";

interface SketchProps {
  sizes: number[];
  numbers: Numbers;
  lines: LineView[];
  line: LineView;
  /** The samples; with more than one, the circles show no numbers. */
  n: number;
}

const COLUMN = 150;
const ROW = 66;
const R = 24;

export function Sketch({ sizes, numbers, lines, line, n }: SketchProps) {
  const tall = Math.max(...sizes);
  const width = 60 + COLUMN * (sizes.length - 1) + 60;
  const height = tall * ROW + 18;
  const at = (l: number, j: number) => ({
    x: 50 + COLUMN * l,
    y: height / 2 + (j - ((sizes[l] as number) - 1) / 2) * ROW,
  });
  const done = (code: string) => {
    const found = lines.find((other) => other.of === code);
    return !!found && found.number <= line.number;
  };
  const last = sizes.length - 1;
  const forward = (l: number) => (l === 0 ? "X" : l === last ? "y_hat" : `h${l}`);
  const active = line.layer ?? last;
  const largest = Math.max(1e-9, ...sizes.slice(1).flatMap((_, l) => flat(numbers[`W${l + 1}`])));
  return (
    <svg
      class="sketch"
      viewBox={`0 0 ${width} ${height}`}
      style={{ "--wide": `${width}px` }}
      role="img"
      aria-label={
        line.direction === "forward"
          ? t("The network; forward, at layer {l}", { l: active })
          : t("The network; backward, at layer {l}", { l: active })
      }
    >
      {sizes.slice(1).flatMap((size, l) =>
        Array.from({ length: size }, (_, j) =>
          Array.from({ length: sizes[l] as number }, (_, i) => {
            const from = at(l, i);
            const to = at(l + 1, j);
            const w = entry(numbers[`W${l + 1}`], [j, i]);
            return (
              <line
                class={`wire ${w < 0 ? "minus" : ""} ${active === l + 1 ? "active" : ""}`}
                style={{ strokeWidth: `${0.6 + (3.4 * Math.abs(w)) / largest}px` }}
                x1={from.x + R}
                y1={from.y}
                x2={to.x - R}
                y2={to.y}
              >
                <title>
                  {t("weight from unit {i} to unit {j} of layer {l}: {w}", {
                    i: i + 1,
                    j: j + 1,
                    l: l + 1,
                    w,
                  })}
                </title>
              </line>
            );
          }),
        ),
      )}
      {sizes.flatMap((size, l) =>
        Array.from({ length: size }, (_, j) => {
          const { x, y } = at(l, j);
          const shown = n === 1 && (l === 0 || done(forward(l)));
          const back = l === 0 ? "dL_dX" : `dL_dz${l}`;
          return (
            <g>
              <circle class={active === l ? "active" : ""} cx={x} cy={y} r={R} />
              {n > 1 && (
                <text class="math" x={x} y={y + 5}>
                  {l === 0 ? "x" : l === last ? "ŷ" : "h"}
                  <tspan class="index" dy="4">
                    {j + 1}
                  </tspan>
                </text>
              )}
              {shown && (
                <SvgNum
                  name={`${forward(l)}.0.${j}`}
                  value={entry(numbers[forward(l)], [0, j])}
                  digits={2}
                  x={x}
                  y={y + 4}
                />
              )}
              {n === 1 && done(back) && (
                <SvgNum
                  class="back"
                  name={`${back}.0.${j}`}
                  value={entry(numbers[back], [0, j])}
                  digits={2}
                  x={x}
                  y={y + R + 13}
                />
              )}
            </g>
          );
        }),
      )}
    </svg>
  );
}

function flat(value: unknown): number[] {
  return Array.isArray(value) ? value.flatMap(flat) : [Math.abs(Number(value))];
}
