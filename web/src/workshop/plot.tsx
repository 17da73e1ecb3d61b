// The plane: what the network says everywhere, the rows on it, and a pen for own points.

import { useEffect, useRef, useState } from "preact/hooks";
import { colour } from "../components/theme.tsx";
import { Choice } from "../components/slider.tsx";
import type { Store } from "../store.ts";
import { classColour, drawClasses, drawUnit } from "./heat.ts";
import { type DataSet, type Frame, pictureOf } from "./live.ts";
import type { Chosen } from "./network.tsx";

const SIZE = 300;

interface PlotProps {
  store: Store;
  data: DataSet;
  chosen: Chosen | null;
}

export function Plot({ store, data, chosen }: PlotProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [withTest, setWithTest] = useState(true);
  const [ofUnit, setOfUnit] = useState(false);
  const [pen, setPen] = useState(1);
  const [at, setAt] = useState<[number, number] | null>(null);
  const settings = store.state?.settings ?? {};
  const drawing = settings.data === "drawn";
  const points = (settings.points ?? []) as number[][];
  useEffect(() => {
    const draw = () =>
      canvas.current &&
      store.live.frame &&
      data === store.live.data &&
      paint(canvas.current, data, store.live.frame, withTest, ofUnit ? chosen : null, at);
    draw();
    window.addEventListener("themechange", draw);
    const off = store.live.subscribe(draw);
    return () => {
      off();
      window.removeEventListener("themechange", draw);
    };
  }, [store.live, data, withTest, ofUnit, chosen, at]);

  const [left, right, bottom, top] = data.domain;
  const toPlane = (event: PointerEvent): [number, number] => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    const round = (x: number) => Math.round(x * 100) / 100;
    return [
      round(left + ((event.clientX - box.left) / box.width) * (right - left)),
      round(top - ((event.clientY - box.top) / box.height) * (top - bottom)),
    ];
  };
  const add = ([x, y]: [number, number]) => {
    if (points.length >= 1000 || Math.abs(x) > 3 || Math.abs(y) > 3) return;
    store.set({ points: [...points, [x, y, pen]] });
  };
  const last = useRef<[number, number] | null>(null);
  const press = (event: PointerEvent) => {
    if (!drawing) return;
    (event.currentTarget as Element).setPointerCapture(event.pointerId);
    last.current = toPlane(event);
    add(last.current);
  };
  const drag = (event: PointerEvent) => {
    if (!drawing || !last.current || !event.buttons) return;
    const to = toPlane(event);
    if (Math.hypot(to[0] - last.current[0], to[1] - last.current[1]) < 0.25) return;
    last.current = to;
    add(to);
  };
  const keys = (event: KeyboardEvent) => {
    if (!drawing) return;
    const [x, y] = at ?? [0, 0];
    const size = event.shiftKey ? 0.5 : 0.1;
    const to = {
      ArrowLeft: [x - size, y],
      ArrowRight: [x + size, y],
      ArrowUp: [x, y + size],
      ArrowDown: [x, y - size],
    }[event.key] as [number, number] | undefined;
    if (to) setAt(to.map((v) => Math.round(Math.max(-3, Math.min(3, v)) * 100) / 100) as [number, number]);
    else if (event.key === "Enter" || event.key === " ") add([x, y]);
    else return;
    event.preventDefault();
  };
  const features = Object.fromEntries(data.features.map((name, k) => [String(k), name]));
  const axis = (which: "x" | "y") => (to: string) => {
    const [x, y] = data.axes;
    void store.ask("axes", which === "x" ? { x: Number(to), y } : { x, y: Number(to) });
  };
  return (
    <div class="plot">
      <div
        class={`space ${drawing ? "pen" : ""}`}
        role={drawing ? "application" : "img"}
        tabIndex={drawing ? 0 : undefined}
        aria-label={
          drawing
            ? "Plot of the plane with a pen: arrow keys move it, Enter sets a point"
            : `Plot of the network's output over ${data.features[data.axes[0]]} and ${data.features[data.axes[1]]}`
        }
        onPointerDown={press}
        onPointerMove={drag}
        onPointerUp={() => (last.current = null)}
        onKeyDown={keys}
      >
        <canvas ref={canvas} aria-hidden="true" />
      </div>
      {data.features.length > 2 && (
        <div class="axes">
          <Choice label="across" value={String(data.axes[0])} options={features} onChange={axis("x")} />
          <Choice label="up" value={String(data.axes[1])} options={features} onChange={axis("y")} />
        </div>
      )}
      {drawing && (
        <div class="pens" role="group" aria-label="Class of the pen">
          {[0, 1, 2, 3, 4].map((k) => (
            <button class="pen" aria-pressed={pen === k} onClick={() => setPen(k)}>
              <Mark k={k} /> {k}
            </button>
          ))}
          <button
            class="small"
            disabled={points.length < 2}
            onClick={() => store.set({ points: points.slice(0, -1) })}
          >
            Undo
          </button>
        </div>
      )}
      <div class="plot-legend">
        {data.labels.map((label, k) => (
          <span>
            <Mark k={k} /> {label}
          </span>
        ))}
        <label class="option">
          <input
            type="checkbox"
            checked={withTest}
            onChange={(event) => setWithTest(event.currentTarget.checked)}
          />
          test rows
        </label>
        <label class="option">
          <input
            type="checkbox"
            checked={ofUnit}
            onChange={(event) => setOfUnit(event.currentTarget.checked)}
          />
          chosen unit
        </label>
      </div>
    </div>
  );
}

/** The mark of a class: a colour and a shape. */
function Mark({ k }: { k: number }) {
  const shape = [
    <circle cx={6} cy={6} r={4.5} />,
    <rect x={2} y={2} width={8} height={8} />,
    <path d="M6 1 11 10.5H1Z" />,
    <path d="M6 .5 11.5 6 6 11.5.5 6Z" />,
    <path d="M4.5 1h3v3.5H11v3H7.5V11h-3V7.5H1v-3h3.5Z" />,
  ][k % 5];
  return (
    <svg class="mark" width={12} height={12} aria-hidden="true" style={{ fill: `var(--class-${k % 8})` }}>
      {shape}
    </svg>
  );
}

function paint(
  canvas: HTMLCanvasElement,
  data: DataSet,
  frame: Frame,
  withTest: boolean,
  unit: Chosen | null,
  at: [number, number] | null,
): void {
  const ratio = window.devicePixelRatio || 1;
  const side = SIZE * ratio;
  if (canvas.height !== side) canvas.width = canvas.height = side;
  const context = canvas.getContext("2d")!;
  const layers = data.sizes.length - 1;
  const n = data.sizes[layers]!;
  scratch ??= document.createElement("canvas");
  if (unit) drawUnit(scratch, frame.heat, pictureOf(data, unit.layer, unit.unit));
  else if (n === 1) drawUnit(scratch, frame.heat, pictureOf(data, layers, 0));
  else drawClasses(scratch, frame.heat, pictureOf(data, layers, 0), n);
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "high";
  context.fillStyle = colour("middle");
  context.fillRect(0, 0, side, side);
  context.globalAlpha = 0.72; // so that the rows stand out
  context.drawImage(scratch, 0, 0, side, side);
  context.globalAlpha = 1;
  const [left, right, bottom, top] = data.domain;
  const px = (x: number) => ((x - left) / (right - left)) * side;
  const py = (y: number) => ((top - y) / (top - bottom)) * side;
  const paper = colour("surface");
  const ink = colour("ink");
  const spread = extent(data.t);
  const dot = (x: number, y: number, t: number, hollow: boolean, ring: number) => {
    const size = (data.t.length > 400 ? 2.6 : 3.8) * ratio;
    context.beginPath();
    shapeOf(context, data.n_classes ? t : 0, px(x), py(y), size);
    const fill = data.n_classes ? classColour(t) : shade(t, spread);
    context.fillStyle = hollow ? paper : fill;
    context.strokeStyle = ring ? ink : hollow ? fill : paper;
    context.lineWidth = (ring || (hollow ? 1.5 : 1)) * ratio;
    context.fill();
    context.stroke();
  };
  const [X, Xt] = [data.X, data.X_test];
  if (withTest)
    for (let i = 0; i < data.t_test.length; i++)
      dot(Xt[2 * i]!, Xt[2 * i + 1]!, data.t_test[i]!, true, 0);
  for (let i = 0; i < data.t.length; i++) dot(X[2 * i]!, X[2 * i + 1]!, data.t[i]!, false, 0);
  if (!frame.training) {
    for (const i of frame.batch) dot(X[2 * i]!, X[2 * i + 1]!, data.t[i]!, false, 1.6);
    if (frame.example) {
      const i = frame.example.row;
      dot(X[2 * i]!, X[2 * i + 1]!, data.t[i]!, false, 3.4);
    }
  }
  if (at) {
    context.strokeStyle = ink;
    context.lineWidth = ratio;
    context.beginPath();
    context.moveTo(px(at[0]) - 8 * ratio, py(at[1]));
    context.lineTo(px(at[0]) + 8 * ratio, py(at[1]));
    context.moveTo(px(at[0]), py(at[1]) - 8 * ratio);
    context.lineTo(px(at[0]), py(at[1]) + 8 * ratio);
    context.stroke();
  }
}
let scratch: HTMLCanvasElement | undefined;

function shapeOf(context: CanvasRenderingContext2D, k: number, x: number, y: number, r: number): void {
  if (k % 5 === 1) context.rect(x - r * 0.9, y - r * 0.9, 1.8 * r, 1.8 * r);
  else if (k % 5 === 2) {
    context.moveTo(x, y - 1.2 * r);
    context.lineTo(x + 1.1 * r, y + r);
    context.lineTo(x - 1.1 * r, y + r);
    context.closePath();
  } else if (k % 5 === 3) {
    context.moveTo(x, y - 1.3 * r);
    context.lineTo(x + 1.3 * r, y);
    context.lineTo(x, y + 1.3 * r);
    context.lineTo(x - 1.3 * r, y);
    context.closePath();
  } else if (k % 5 === 4) {
    context.rect(x - 1.2 * r, y - 0.4 * r, 2.4 * r, 0.8 * r);
    context.rect(x - 0.4 * r, y - 1.2 * r, 0.8 * r, 2.4 * r);
  } else context.arc(x, y, r, 0, 2 * Math.PI);
}

function extent(t: Float64Array): number {
  return t.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-300);
}

/** The colour of a number, as in the pictures of units. */
function shade(t: number, spread: number): string {
  const share = Math.round(100 * Math.min(1, Math.abs(t) / spread));
  return `color-mix(in srgb, ${colour(t < 0 ? "negative" : "positive")} ${share}%, ${colour("middle")})`;
}
