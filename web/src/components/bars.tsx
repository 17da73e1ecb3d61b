// Bars in SVG, of which some can be pulled: with the mouse, a finger, or the arrow keys.

import { useRef } from "preact/hooks";
import { exact, short } from "../format.ts";
import { clamp } from "./slider.tsx";

export interface Bar {
  /** Below the bar. */
  label: string;
  value: number;
  /** The number's name, as "copy as Python" prints it. */
  name: string;
}

interface BarsProps {
  title: string;
  bars: Bar[];
  /** The ends of the scale; 0 is always on it. */
  low?: number;
  high: number;
  /** A custom property of the page: "positive", "negative", "class-0". */
  colour?: string;
  /** Each bar in the colour of its class. */
  byClass?: boolean;
  height?: number;
  onDrag?: (index: number, value: number) => void;
  /** One press of an arrow key. */
  step?: number;
}

const TOP = 20;

export function Bars(props: BarsProps) {
  const { title, bars, low = 0, high, colour = "positive", byClass, height = 150 } = props;
  const { onDrag, step = 0.01 } = props;
  const BAR = bars.length > 4 ? 58 : 76;
  const BOTTOM = low < 0 ? 34 : 20; // below 0 there is a number under the bar
  const svg = useRef<SVGSVGElement>(null);
  const width = BAR * bars.length + 8;
  const inner = height - TOP - BOTTOM;
  const y = (value: number) => TOP + (inner * (high - clamp(value, low, high))) / (high - low || 1);
  const toValue = (event: PointerEvent) => {
    const box = (svg.current as SVGSVGElement).getBoundingClientRect();
    const at = ((event.clientY - box.top) / box.height) * height;
    return clamp(high - ((at - TOP) / inner) * (high - low), low, high);
  };
  const pull = (index: number) => ({
    onPointerDown: (event: PointerEvent) => {
      (event.currentTarget as Element).setPointerCapture(event.pointerId);
      onDrag?.(index, toValue(event));
    },
    onPointerMove: (event: PointerEvent) => {
      if ((event.currentTarget as Element).hasPointerCapture(event.pointerId))
        onDrag?.(index, toValue(event));
    },
    onKeyDown: (event: KeyboardEvent) => {
      const value = bars[index]?.value ?? 0;
      const many = event.shiftKey ? 10 : 1;
      const to = {
        ArrowUp: value + step * many,
        ArrowRight: value + step * many,
        ArrowDown: value - step * many,
        ArrowLeft: value - step * many,
        PageUp: value + 10 * step,
        PageDown: value - 10 * step,
        Home: low,
        End: high,
      }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      onDrag?.(index, clamp(to, low, high));
    },
  });
  return (
    <svg
      ref={svg}
      class="bars"
      role="group"
      aria-label={title}
      viewBox={`0 0 ${width} ${height}`}
      style={{ "--bars-width": `${width}px` }}
    >
      <line class="axis" x1={0} x2={width} y1={y(0)} y2={y(0)} />
      {bars.map((bar, i) => {
        const from = y(0);
        const to = y(Number.isFinite(bar.value) ? bar.value : bar.value > 0 ? high : low);
        const x = 4 + i * BAR;
        const up = to <= from;
        const fill = byClass ? `class-${i % 8}` : bar.value < 0 ? "negative" : colour;
        const text = up ? to - 5 : to + 13;
        return (
          <g
            class={onDrag ? "pull" : ""}
            {...(onDrag
              ? {
                  role: "slider",
                  tabindex: 0, // in SVG attributes keep their case
                  "aria-label": `${title}, ${bar.label}`,
                  "aria-orientation": "vertical" as const,
                  "aria-valuemin": low,
                  "aria-valuemax": high,
                  "aria-valuenow": Number.isFinite(bar.value) ? bar.value : high,
                  "aria-valuetext": short(bar.value),
                  ...pull(i),
                }
              : {})}
          >
            {onDrag && <rect class="track" x={x} y={TOP} width={BAR - 8} height={inner} rx={4} />}
            <rect
              class="bar"
              x={x}
              y={Math.min(from, to)}
              width={BAR - 8}
              height={Math.abs(from - to)}
              rx={2}
              style={{ fill: `var(--${fill})` }}
            />
            {onDrag && <rect class="grip" x={x + BAR / 2 - 14} y={to - 2} width={20} height={4} rx={2} />}
            <text
              class="num"
              x={x + BAR / 2 - 4}
              y={clamp(text, 12, height - BOTTOM + 13)}
              data-name={bar.name}
              data-value={exact(bar.value)}
            >
              {short(bar.value)}
            </text>
            <text class="label" x={x + BAR / 2 - 4} y={height - 6}>
              {bar.label}
            </text>
          </g>
        );
      })}
    </svg>
  );
}
