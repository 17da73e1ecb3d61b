// A drawing with axes: numbers at round places, names, and a canvas for what is inside.

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useEffect, useRef, useState } from "preact/hooks";
import type { Unit } from "../model/workshop/table/encode.ts";
import { tickLabel, ticks } from "../model/workshop/ticks.ts";

/** Where to draw: coordinates of the canvas in CSS pixels. */
export interface Drawing {
  context: CanvasRenderingContext2D;
  px: (x: number) => number;
  py: (y: number) => number;
  width: number;
  height: number;
}

interface FieldProps {
  /** [left, right, bottom, top] */
  domain: readonly [number, number, number, number];
  /** Names of the axes. */
  names: [string, string];
  /** Numbers of the axes: a place x of the domain is called x × spread + centre. */
  units?: [Unit | null, Unit | null];
  /** Height / width of the inside. */
  aspect?: number;
  /** Draws the inside; called after each change and by `listen`. */
  paint: (drawing: Drawing) => void;
  /** Calls back when there is something new to draw; returns what ends it. */
  listen: (redraw: () => void) => () => void;
  label: string;
  /** Properties of the element above the canvas, such as listeners. */
  inside?: Record<string, unknown>;
  /** SVG above the canvas, in its pixels. */
  above?: (at: Pick<Drawing, "px" | "py" | "width" | "height">) => ComponentChildren;
}

// Room for numbers and names, in units of the page's type.
const FOOT = 36;
const TOP = 8;
const RIGHT = 12;
const SAME: Unit = { centre: 0, spread: 1 };
const TYPE = 15; // pixels of the page's type at which these hold

export function Field(props: FieldProps) {
  const { domain, names, units, aspect = 1, paint, listen, label, inside = {}, above } = props;
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [full, setFull] = useState(300);
  const [type, setType] = useState(1);
  useLayoutEffect(() => {
    const root = box.current!;
    const measure = () => {
      if (root.clientWidth) setFull(root.clientWidth);
      setType(parseFloat(getComputedStyle(document.documentElement).fontSize) / TYPE || 1);
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(root);
    return () => observer.disconnect();
  }, []);
  const [left, right, bottom, top] = domain;
  const up = numbered(bottom, top, 8, units?.[1]);
  const gutter = type * (24 + 7 * Math.max(...up.map(([, text]) => text.length), 1));
  const foot = type * FOOT;
  const width = Math.max(80, Math.floor(full - gutter - type * RIGHT));
  const height = Math.round(width * aspect);
  const across = numbered(left, right, Math.max(4, Math.min(9, Math.round(width / (36 * type)))), units?.[0]);
  const px = (x: number) => ((x - left) / (right - left)) * width;
  const py = (y: number) => ((top - y) / (top - bottom)) * height;

  useEffect(() => {
    const draw = () => {
      const ratio = window.devicePixelRatio || 1;
      const target = canvas.current;
      if (!target) return;
      const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
      if (target.width !== w || target.height !== h) [target.width, target.height] = [w, h];
      const context = target.getContext("2d")!;
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.clearRect(0, 0, width, height);
      paint({ context, px, py, width, height });
    };
    draw();
    window.addEventListener("themechange", draw);
    const off = listen(draw);
    return () => {
      off();
      window.removeEventListener("themechange", draw);
    };
  });

  return (
    <div ref={box} class="field" style={{ height: `${height + TOP + foot}px` }}>
      <svg class="axis-numbers" width={full} height={height + TOP + foot} aria-hidden="true">
        <g transform={`translate(${gutter} ${TOP})`}>
          {across.map(([at, text]) => (
            <g transform={`translate(${px(at)} ${height})`}>
              <line y2={5} />
              <text y={5 + 12 * type}>{text}</text>
            </g>
          ))}
          {up.map(([at, text]) => (
            <g transform={`translate(0 ${py(at)})`}>
              <line x2={-5} />
              <text class="end" x={-8} y={4}>
                {text}
              </text>
            </g>
          ))}
          <text class="name" x={width / 2} y={height + 33 * type}>
            {names[0]}
          </text>
          <text class="name" transform={`translate(${11 * type - gutter} ${height / 2}) rotate(-90)`}>
            {names[1]}
          </text>
        </g>
      </svg>
      <div
        class="inside"
        role="img"
        aria-label={label}
        {...inside}
        style={{ left: `${gutter}px`, top: `${TOP}px`, width: `${width}px`, height: `${height}px` }}
      >
        <canvas ref={canvas} aria-hidden="true" style={{ width: `${width}px`, height: `${height}px` }} />
        {above && (
          <svg class="above" width={width} height={height}>
            {above({ px, py, width, height })}
          </svg>
        )}
      </div>
    </div>
  );
}

/** Places in a domain at round numbers of a unit, with these numbers as text. */
function numbered(low: number, high: number, most: number, unit?: Unit | null): [number, string][] {
  const { centre, spread } = unit ?? SAME;
  return ticks(low * spread + centre, high * spread + centre, most).map((value) => [
    (value - centre) / spread,
    tickLabel(value),
  ]);
}

/** A picture of n × n nodes, its outermost nodes on the edges of the drawing. */
export function drawNodes({ context, width, height }: Drawing, picture: HTMLCanvasElement): void {
  const n = picture.width;
  const [dx, dy] = [width / (n - 1), height / (n - 1)];
  context.save();
  context.beginPath();
  context.rect(0, 0, width, height);
  context.clip();
  context.imageSmoothingEnabled = true; // "high" quality takes several milliseconds
  context.drawImage(picture, -dx / 2, -dy / 2, width + dx, height + dy);
  context.restore();
}

/** Segments in coordinates of n × n nodes, as a line with a rim that is seen on any ground. */
export function drawSegments(
  { context, width, height }: Drawing,
  segments: readonly number[],
  n: number,
  stroke: string,
  rim: string,
  thickness = 2,
): void {
  if (!segments.length) return;
  const [dx, dy] = [width / (n - 1), height / (n - 1)];
  const path = new Path2D();
  for (let k = 0; k < segments.length; k += 4) {
    path.moveTo(segments[k]! * dx, segments[k + 1]! * dy);
    path.lineTo(segments[k + 2]! * dx, segments[k + 3]! * dy);
  }
  context.lineCap = "round";
  if (rim) {
    context.strokeStyle = rim;
    context.lineWidth = thickness + 2;
    context.stroke(path);
  }
  context.strokeStyle = stroke;
  context.lineWidth = thickness;
  context.stroke(path);
}
