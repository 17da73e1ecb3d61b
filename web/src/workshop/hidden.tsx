// Hidden space: the rows where two units of a hidden layer put them, and the decision line there.

import { useState } from "preact/hooks";
import { Choice } from "../components/slider.tsx";
import { colour } from "../components/theme.tsx";
import { decisionLines } from "../model/workshop/contour.ts";
import { outputsOver, restOf, twoColumns } from "../model/workshop/hidden.ts";
import { columnMeans, extent, layerValues } from "../model/workshop/pictures.ts";
import type { Store } from "../store.ts";
import { t } from "../text.ts";
import { type Drawing, drawNodes, drawSegments, Field } from "./field.tsx";
import { drawClasses, drawLevels, drawTwoClasses } from "./heat.ts";
import { type DataSet, type Frame, useLive } from "./live.ts";
import { dotColours, drawDot, targetScale } from "./marks.tsx";
import { pictureOf } from "./picture.ts";
import { subscript } from "./plane_plot.tsx";

const NODES = 61;
/** Lines of the input plane that are followed into the hidden space. */
const LINES = 11;
/** Milliseconds between two drawings while training: less often than the output. */
const PAUSE = 250;

export function HiddenSpace({ store, data }: { store: Store; data: DataSet }) {
  useLive(store.live, 400); // the axes follow the run more slowly than the drawing
  const layers = data.sizes.slice(1, -1).flatMap((units, l) => (units >= 2 ? [l + 1] : []));
  const [wanted, setLayer] = useState<number | null>(null);
  const [units, setUnits] = useState<[number, number]>([0, 1]);
  const [grid, setGrid] = useState(true);
  const layer = wanted && layers.includes(wanted) ? wanted : layers.at(-1);
  const { bench } = data;
  const { frame } = store.live;
  if (!layer) return <p class="note">{t("Give a hidden layer two units or more to see its space.")}</p>;
  if (!frame || data !== store.live.data) return null;
  const H = data.sizes[layer]!;
  const pair = units.map((unit) => Math.min(unit, H - 1)) as [number, number];
  const h = hiddenOf(data, frame, layer);
  const domain = pair.flatMap((unit) => range(data.activations[layer - 1]!, h, H, unit)) as [
    number,
    number,
    number,
    number,
  ];
  const options = Object.fromEntries(Array.from({ length: H }, (_, k) => [String(k), unitName(layer, k)]));
  const paint = (drawing: Drawing) => {
    const now = store.live.frame;
    if (now && data === store.live.data) drawSpace(drawing, store, now, layer, pair, domain, grid);
  };
  return (
    <div class="plot">
      <Field
        domain={domain}
        names={[unitName(layer, pair[0]), unitName(layer, pair[1])]}
        paint={paint}
        listen={(redraw) => seldom(store, redraw)}
        label={t("The rows over two units of hidden layer {layer}", { layer })}
      />
      <div class="axes">
        <Choice
          label={t("layer")}
          explain="workshop.hidden_space"
          value={String(layer)}
          options={Object.fromEntries(layers.map((l) => [String(l), String(l)]))}
          onChange={(to) => setLayer(Number(to))}
        />
        <Choice label={t("across")} value={String(pair[0])} options={options} onChange={(to) => setUnits([Number(to), pair[1]])} />
        <Choice label={t("up")} value={String(pair[1])} options={options} onChange={(to) => setUnits([pair[0], Number(to)])} />
        {bench.dataset.plane === 2 && (
          <label class="option">
            <input type="checkbox" checked={grid} onChange={(event) => setGrid(event.currentTarget.checked)} />
            {t("the input plane’s grid")}
          </label>
        )}
      </div>
      <p class="note">
        {H > 2
          ? t("Colours and line hold where the layer’s other units are at their means over the training rows.")
          : t("The rest of the network sees only this plane: here colours and line are exact.")}
      </p>
    </div>
  );
}

/** Calls back for frames, while training at most every PAUSE milliseconds. */
function seldom(store: Store, redraw: () => void): () => void {
  let last = 0;
  return store.live.subscribe(() => {
    if (store.live.frame?.training && performance.now() < last + PAUSE) return;
    last = performance.now();
    redraw();
  });
}

const hidden = new WeakMap<Frame, Float64Array[]>();

/** h (n, H) of the training rows. */
function hiddenOf(data: DataSet, frame: Frame, layer: number): Float64Array {
  const { engine, spec, rows } = data.bench;
  let values = hidden.get(frame);
  if (!values) hidden.set(frame, (values = layerValues(engine, spec, frame.theta, rows.X, rows.n)));
  return values[layer - 1]!;
}

/** The range of an activation where it has one, else of the values with a margin. */
function range(activation: string, h: Float64Array, H: number, unit: number): [number, number] {
  if (activation === "tanh" || activation === "softsign") return [-1.1, 1.1];
  if (activation === "logistic") return [-0.05, 1.05];
  const [low, high] = extent([h], H, unit);
  const step = 10 ** Math.floor(Math.log10(high - low || 1));
  return [Math.floor(low / step - 0.1) * step, Math.ceil(high / step + 0.1) * step];
}

function unitName(layer: number, unit: number): string {
  const up = String(layer).replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]!);
  return `h⁽${up}⁾${subscript(unit + 1)}`;
}

let scratch: HTMLCanvasElement | undefined;

function drawSpace(
  drawing: Drawing,
  store: Store,
  frame: Frame,
  layer: number,
  pair: [number, number],
  domain: [number, number, number, number],
  grid: boolean,
): void {
  const data = store.live.data!;
  const { engine, spec, dataset } = data.bench;
  const { context, px, py, width, height } = drawing;
  const H = data.sizes[layer]!;
  const K = data.sizes.at(-1)!;
  const h = hiddenOf(data, frame, layer);
  const rest = restOf(spec, frame.theta, layer, data.layout);
  const outputs = outputsOver(engine, rest, pair, domain, columnMeans(h, H), NODES);
  scratch ??= document.createElement("canvas");
  const scale = targetScale(data);
  if (!data.n_classes) drawLevels(scratch, Float32Array.from(outputs, (y) => y / scale), NODES);
  else if (K > 1) drawClasses(scratch, outputs, NODES, K);
  else drawTwoClasses(scratch, Float32Array.from(outputs, (y) => 2 * y - 1), NODES);
  context.fillStyle = colour("middle");
  context.fillRect(0, 0, width, height);
  context.globalAlpha = 0.6;
  drawNodes(drawing, scratch);
  context.globalAlpha = 1;
  if (grid && dataset.plane === 2) drawGrid(drawing, store, layer, pair);
  drawSegments(drawing, decisionLines(outputs, NODES, data.n_classes), NODES, colour("ink"), colour("surface"));
  const points = twoColumns(h, H, pair);
  const fill = dotColours(data, scale);
  for (let i = 0; i < data.t.length; i++) {
    const target = data.t[i]!;
    const shape = data.n_classes ? target : 0;
    drawDot(context, px(points[2 * i]!), py(points[2 * i + 1]!), shape, fill(target), { size: 3.4 }, !data.n_classes);
  }
}

/** Lines x₁ = const. and x₂ = const. as the layer bends them. */
function drawGrid({ context, px, py }: Drawing, store: Store, layer: number, pair: [number, number]): void {
  const picture = pictureOf(store.live);
  if (!picture) return;
  const { n } = picture;
  const H = picture.sizes[layer]!;
  const values = picture.values[layer]!;
  const every = (n - 1) / (LINES - 1);
  context.beginPath();
  for (let k = 0; k < LINES; k++)
    for (const across of [true, false])
      for (let m = 0; m < n; m++) {
        const fixed = Math.round(k * every);
        const at = H * (across ? fixed * n + m : m * n + fixed);
        const [x, y] = [px(values[at + pair[0]]!), py(values[at + pair[1]]!)];
        if (m) context.lineTo(x, y);
        else context.moveTo(x, y);
      }
  context.strokeStyle = colour("edge");
  context.lineWidth = 0.8;
  context.stroke();
}
