// The network: a picture for each unit, the weights as edges, and their gradients flowing back.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Num } from "../components/numbers.tsx";
import type { Store } from "../store.ts";
import { t } from "../text.ts";
import { curve, geometry, type Place } from "./geometry.ts";
import { colour } from "../components/theme.tsx";
import { drawClass, drawLevels, drawTwoClasses } from "./heat.ts";
import { type DataSet, type Frame, placeOfBias, placeOfWeight } from "./live.ts";
import { levelsOf, type Picture, pictureOf } from "./picture.ts";

/** A unit, or one of its incoming edges. Layers count from 1; sources from 0. */
export interface Chosen {
  layer: number;
  unit: number;
  source?: number;
}

interface NetworkProps {
  store: Store;
  data: DataSet;
  chosen: Chosen | null;
  choose: (chosen: Chosen) => void;
  /** "weights", "gradients", or "both". */
  edges: string;
}

export function NetworkDrawing({ store, data, chosen, choose, edges }: NetworkProps) {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(560);
  const [hover, setHover] = useState<Chosen | null>(null);
  useLayoutEffect(() => {
    const observer = new ResizeObserver(([entry]) => {
      if (entry) setWidth(Math.max(300, Math.floor(entry.contentRect.width)));
    });
    if (box.current) observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    const draw = () => {
      const { frame } = store.live;
      if (!box.current || !frame || data !== store.live.data) return;
      update(box.current, data, frame, edges);
      const picture = pictureOf(store.live);
      if (picture) drawUnits(box.current, data, picture);
    };
    draw();
    window.addEventListener("themechange", draw);
    const off = store.live.subscribe(draw);
    return () => {
      off();
      window.removeEventListener("themechange", draw);
    };
  }, [store.live, data, width, edges, chosen]);

  const plan = geometry(data, width);
  const last = data.sizes.length - 1;
  const at = chosen ?? { layer: last, unit: 0 };
  const move = (event: KeyboardEvent) => {
    const [layers, units] =
      { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [];
    if (layers === undefined || units === undefined) return;
    event.preventDefault();
    const layer = Math.min(last, Math.max(1, at.layer + layers));
    const unit = Math.min(data.sizes[layer]! - 1, Math.max(0, at.unit + units));
    choose({ layer, unit });
    requestAnimationFrame(() =>
      box.current?.querySelector<HTMLElement>(`[data-unit="${layer}.${unit}"]`)?.focus(),
    );
  };
  const isLit = (layer: number, unit: number, source: number) =>
    chosen?.layer === layer &&
    chosen.unit === unit &&
    (chosen.source === undefined || chosen.source === source);
  return (
    <div ref={box} class={`network ${edges}`} style={{ height: `${plan.height + 8}px` }}>
      <svg width={plan.width} height={plan.height} aria-hidden="true">
        {plan.places.slice(1).map((units, l) =>
          units.flatMap((to) =>
            plan.places[l]!.map((from) => {
              const path = curve(from, to, plan.sides[l]!, plan.sides[l + 1]!);
              const edge = { layer: to.layer, unit: to.unit, source: from.unit };
              return (
                <g class={isLit(edge.layer, edge.unit, edge.source) ? "lit" : ""}>
                  <path class="weight" d={path} data-edge={`${to.layer}.${to.unit}.${from.unit}`} />
                  {edges !== "weights" && <path class="gradient" d={path} />}
                  <path
                    class="reach"
                    d={path}
                    onPointerEnter={() => setHover(edge)}
                    onPointerLeave={() => setHover(null)}
                    onClick={() => choose(edge)}
                  />
                </g>
              );
            }),
          ),
        )}
      </svg>
      {plan.places[0]!.map((place) => (
        <InputUnit
          place={place}
          side={plan.sides[0]!}
          name={data.features[place.unit] ?? ""}
          pictured={data.bench.dataset.plane === 2}
        />
      ))}
      <div role="group" aria-label={t("Units: arrow keys move, Enter shows the weights")} onKeyDown={move}>
        {plan.places.slice(1).flatMap((units) =>
          units.map((place) => {
            const isChosen = chosen?.layer === place.layer && chosen.unit === place.unit;
            const name =
              place.layer === last
                ? `ŷ ${data.sizes[last]! > 1 ? data.labels[place.unit] ?? place.unit : ""}`
                : t("unit {unit} of layer {layer}", { unit: place.unit + 1, layer: place.layer });
            const side = plan.sides[place.layer]!;
            return (
              <button
                class="unit"
                aria-label={name}
                aria-pressed={isChosen}
                tabIndex={place.layer === at.layer && place.unit === at.unit ? 0 : -1}
                data-unit={`${place.layer}.${place.unit}`}
                style={{
                  left: `${place.x - side / 2}px`,
                  top: `${place.y - side / 2}px`,
                  width: `${side}px`,
                  height: `${side}px`,
                }}
                onClick={() => choose({ layer: place.layer, unit: place.unit })}
              >
                <canvas aria-hidden="true" />
                <i class="bias" />
              </button>
            );
          }),
        )}
      </div>
      {plan.places[last]!.map((place) => (
        <span
          class="output-name"
          style={{ left: `${place.x + plan.sides[last]! / 2 + 5}px`, top: `${place.y - 10}px` }}
          title={data.labels[place.unit]}
        >
          {data.sizes[last]! > 1 ? data.labels[place.unit] : "ŷ"}
        </span>
      ))}
      {hover && store.live.frame && <Tip {...{ hover, data, frame: store.live.frame, plan }} />}
    </div>
  );
}

function InputUnit(props: { place: Place; side: number; name: string; pictured: boolean }) {
  const { place, side, name, pictured } = props;
  if (pictured)
    return (
      <span
        class="input-unit pictured"
        title={name}
        style={{ right: `calc(100% - ${place.x + side / 2}px)`, top: `${place.y - side / 2}px` }}
      >
        <span class="math">{name}</span>
        <canvas data-input={place.unit} style={{ width: `${side}px`, height: `${side}px` }} aria-hidden="true" />
      </span>
    );
  return (
    <span
      class={`input-unit ${side < 20 ? "tight" : ""}`}
      title={name}
      style={{ right: `calc(100% - ${place.x + side / 2}px)`, top: `${place.y - Math.max(side, 14) / 2}px` }}
    >
      <span>{name}</span>
      <i style={{ width: `${Math.min(side, 12)}px`, height: `${Math.min(side, 12)}px` }} />
    </span>
  );
}

function Tip(props: {
  hover: Chosen;
  data: DataSet;
  frame: Frame;
  plan: ReturnType<typeof geometry>;
}) {
  const { hover, data, frame, plan } = props;
  const { layer, unit, source = 0 } = hover;
  const [from, to] = [plan.places[layer - 1]![source]!, plan.places[layer]![unit]!];
  const place = placeOfWeight(data, layer, unit, source);
  const index = `${layer}.${unit}.${source}`;
  return (
    <div class="tip" style={{ left: `${(from.x + to.x) / 2}px`, top: `${(from.y + to.y) / 2 + 10}px` }}>
      w = <Num name={`W${index}`} value={frame.theta[place]!} />
      <br />
      ∂ℒ/∂w = <Num name={`dL_dW${index}`} value={frame.gradient[place]!} />
      <br />
      <span class="note">{t("click to edit")}</span>
    </div>
  );
}

/** Widths and colours of a frame, written straight into the drawing. */
function update(box: HTMLElement, data: DataSet, frame: Frame, edges: string): void {
  const gradient = frame.exampleGradient ?? frame.gradient;
  const paths = box.querySelectorAll<SVGPathElement>("path.weight");
  let at = 0;
  for (let layer = 1; layer < data.sizes.length; layer++) {
    const first = placeOfWeight(data, layer, 0, 0);
    const n = data.sizes[layer]! * data.sizes[layer - 1]!;
    const largest = greatest(frame.theta, first, n);
    const steepest = greatest(gradient, first, n);
    for (let k = 0; k < n; k++, at++) {
      const path = paths[at];
      if (!path) return;
      const w = frame.theta[first + k]!;
      const g = gradient[first + k]!;
      const size = edges === "gradients" ? 0 : Math.abs(w) / largest;
      put(path, size && 0.6 + 5.4 * size, w < 0);
      if (edges === "weights") continue;
      const steep = Math.abs(g) / steepest;
      put(path.nextElementSibling as SVGPathElement, steep && 0.8 + 5.2 * steep, g < 0);
    }
  }
  const biases = data.layout.map(([, start], l) => greatest(frame.theta, start, data.sizes[l + 1]!));
  for (const button of box.querySelectorAll<HTMLElement>("[data-unit]")) {
    const [layer, unit] = button.dataset.unit!.split(".").map(Number) as [number, number];
    const b = frame.theta[placeOfBias(data, layer, unit)]!;
    const dot = button.lastElementChild as HTMLElement;
    dot.style.setProperty("--size", String(Math.round(4 + 6 * (Math.abs(b) / biases[layer - 1]!))));
    dot.classList.toggle("negative", b < 0);
  }
}

/** The pictures of the units; of a curve over one input, their values as curves. */
function drawUnits(box: HTMLElement, data: DataSet, picture: Picture): void {
  const last = data.sizes.length - 1;
  const draw = (canvas: HTMLCanvasElement, layer: number, unit: number) => {
    const { levels } = levelsOf(picture, data, layer, unit);
    const K = data.n_classes;
    if (picture.line) drawLine(canvas, levels);
    else if (layer < last || !K) drawLevels(canvas, levels, picture.n);
    else if (data.sizes[last]! > 1) drawClass(canvas, levels, picture.n, unit);
    else if (K === 2) drawTwoClasses(canvas, levels, picture.n);
    else drawLevels(canvas, levels, picture.n);
  };
  for (const canvas of box.querySelectorAll<HTMLCanvasElement>("[data-input]"))
    draw(canvas, 0, Number(canvas.dataset.input));
  for (const button of box.querySelectorAll<HTMLElement>("[data-unit]")) {
    const [layer, unit] = button.dataset.unit!.split(".").map(Number) as [number, number];
    draw(button.firstElementChild as HTMLCanvasElement, layer, unit);
  }
}

/** Levels from −1 to 1 as a small curve: orange above 0, blue below. */
function drawLine(canvas: HTMLCanvasElement, levels: Float32Array): void {
  const side = 84;
  if (canvas.width !== side) canvas.width = canvas.height = side;
  const context = canvas.getContext("2d")!;
  context.fillStyle = colour("middle");
  context.fillRect(0, 0, side, side);
  context.fillStyle = colour("rule");
  context.fillRect(0, side / 2 - 0.5, side, 1);
  context.lineWidth = 5;
  context.lineJoin = "round";
  for (const sign of [1, -1]) {
    context.save();
    context.beginPath();
    context.rect(0, sign > 0 ? 0 : side / 2, side, side / 2);
    context.clip();
    context.beginPath();
    levels.forEach((level, i) =>
      context.lineTo((i / (levels.length - 1)) * side, side / 2 - level * 0.42 * side),
    );
    context.strokeStyle = colour(sign > 0 ? "positive" : "negative");
    context.stroke();
    context.restore();
  }
}

function greatest(values: Float64Array, first: number, n: number): number {
  let most = 1e-300;
  for (let i = first; i < first + n; i++) {
    const size = Math.abs(values[i]!);
    if (size > most && size < Infinity) most = size;
  }
  return most;
}

/** Writes only what has changed, which stays fast with thousands of edges. */
function put(path: SVGPathElement, width: number, negative: boolean): void {
  const text = Number.isFinite(width) ? width.toFixed(1) : "0";
  if (path.getAttribute("stroke-width") !== text) path.setAttribute("stroke-width", text);
  path.classList.toggle("negative", negative);
}
