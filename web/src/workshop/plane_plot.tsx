// The plane: the output or a unit as a field of colours, the decision line, the rows, the pen.

import { colour } from "../components/theme.tsx";
import { decisionLines } from "../model/workshop/contour.ts";
import type { Unit } from "../model/workshop/table/encode.ts";
import type { Store } from "../store.ts";
import { t } from "../text.ts";
import { drawNodes, drawSegments, type Drawing, Field } from "./field.tsx";
import { drawClasses, drawLevels, drawTwoClasses } from "./heat.ts";
import type { DataSet, Frame } from "./live.ts";
import { dotColours, type DotStyle, drawDot, targetScale } from "./marks.tsx";
import { usePen } from "./pen.ts";
import { levelsOf, outputLevels, type Picture, pictureOf } from "./picture.ts";
import { type PenKind, penned, type Shown } from "./plot.tsx";
import { Scale } from "./scale.tsx";

interface PlanePlotProps {
  store: Store;
  data: DataSet;
  shown: Shown;
  pen: PenKind;
}

const EXTENT = 3;

export function PlanePlot({ store, data, shown, pen }: PlanePlotProps) {
  const settings = store.state?.settings ?? {};
  const points = (settings.points ?? []) as number[][];
  const names = namesOf(data);
  const on = settings.data === "drawn";
  const { at, inside } = usePen({
    on,
    domain: data.domain,
    limits: [-EXTENT, EXTENT, -EXTENT, EXTENT],
    apart: pen < 0 ? 0.1 : 0.25,
    add: (x, y) => store.set({ points: penned(points, [x, y, Math.max(pen, 0)], pen < 0, 0.3) }),
    label: t("Plot of the plane with a pen: arrow keys move it, Enter sets a point"),
  });
  const paint = (drawing: Drawing) => {
    const picture = data === store.live.data ? pictureOf(store.live) : null;
    if (!picture || picture.line) return;
    drawField(drawing, data, picture, shown);
    drawRows(drawing, data, store.live.frame!, shown.test);
  };
  return (
    <>
      <Field
        domain={data.domain}
        names={names}
        units={data.axes.map((axis) => data.bench.dataset.origin?.units[axis] ?? null) as [Unit | null, Unit | null]}
        paint={paint}
        listen={(redraw) => store.live.subscribe(redraw)}
        label={t("The network's output over {x} and {y}", { x: names[0], y: names[1] })}
        inside={inside}
        above={
          at
            ? ({ px, py }) => (
                <path class="cross" d={`M${px(at[0]) - 8} ${py(at[1])}h16m-8 -8v16`} />
              )
            : undefined
        }
      />
      <FieldScale {...{ store, data, shown }} />
    </>
  );
}

/** The names of the two axes. */
export function namesOf(data: DataSet): [string, string] {
  if (data.bench.dataset.plane === 2) return ["x₁", "x₂"];
  return [data.features[data.axes[0]] ?? "", data.features[data.axes[1]] ?? ""];
}

let scratch: HTMLCanvasElement | undefined;

function drawField(drawing: Drawing, data: DataSet, picture: Picture, shown: Shown): void {
  const { context, width, height } = drawing;
  scratch ??= document.createElement("canvas");
  const layers = picture.sizes.length - 1;
  const K = picture.sizes[layers]!;
  const { outputs, n } = picture.fine;
  const unit = shown.unit;
  if (unit && unit.layer <= layers)
    drawLevels(scratch, levelsOf(picture, data, unit.layer, unit.unit).levels, picture.n);
  else if (!data.n_classes) drawLevels(scratch, scaled(outputs, targetScale(data)), n);
  else if (K > 1) drawClasses(scratch, outputs, n, K);
  else if (data.n_classes === 2) drawTwoClasses(scratch, outputLevels(picture, data), n);
  else drawClasses(scratch, nearestClass(outputs, data.n_classes), n, data.n_classes);
  context.fillStyle = colour("middle");
  context.fillRect(0, 0, width, height);
  context.globalAlpha = data.n_classes || unit ? 0.75 : 1; // so that marks of classes stand out
  drawNodes(drawing, scratch);
  context.globalAlpha = 1;
  if (unit) return;
  drawSegments(drawing, decisionLines(outputs, n, data.n_classes), n, colour("ink"), colour("surface"));
}

/** Values as levels from −1 to 1. */
function scaled(values: Float64Array, scale: number): Float32Array {
  const levels = new Float32Array(values.length);
  for (let i = 0; i < levels.length; i++) levels[i] = Math.max(-1, Math.min(1, values[i]! / scale)) || 0;
  return levels;
}

/** One number for each node as probabilities: 1 for the class nearest to it. */
function nearestClass(outputs: Float64Array, K: number): Float64Array {
  const shares = new Float64Array(outputs.length * K);
  outputs.forEach((value, i) => {
    shares[i * K + Math.max(0, Math.min(K - 1, Math.round(value) || 0))] = 1;
  });
  return shares;
}

/** The rows of a dataset as a picture of their own: they stay while the run moves. */
const pictures = new WeakMap<DataSet, { key: string; canvas: HTMLCanvasElement }>();

function rowsPicture(drawing: Drawing, data: DataSet, withTest: boolean): HTMLCanvasElement {
  const { width, height, px, py } = drawing;
  const ratio = window.devicePixelRatio || 1;
  const key = [width, height, ratio, withTest, colour("surface"), colour("class-0")].join();
  const known = pictures.get(data);
  if (known?.key === key) return known.canvas;
  const canvas = known?.canvas ?? document.createElement("canvas");
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d")!;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const dot = dotOf({ ...drawing, context, px, py }, data);
  if (withTest)
    for (let i = 0; i < data.t_test.length; i++) dot(data.X_test, data.t_test, i, { hollow: true });
  for (let i = 0; i < data.t.length; i++) dot(data.X, data.t, i, {});
  pictures.set(data, { key, canvas });
  return canvas;
}

/** Draws the mark of a row. */
function dotOf({ context, px, py }: Drawing, data: DataSet) {
  const fill = dotColours(data, targetScale(data));
  const size = data.t.length > 400 ? 2.8 : 4;
  const numeric = !data.n_classes;
  return (X: Float64Array, targets: Float64Array, i: number, style: Partial<DotStyle>) => {
    const target = targets[i]!;
    const shape = numeric ? 0 : target;
    drawDot(context, px(X[2 * i]!), py(X[2 * i + 1]!), shape, fill(target), { size, ...style }, numeric);
  };
}

function drawRows(drawing: Drawing, data: DataSet, frame: Frame, withTest: boolean): void {
  const { context, width, height } = drawing;
  context.drawImage(rowsPicture(drawing, data, withTest), 0, 0, width, height);
  if (frame.training) return;
  const dot = dotOf(drawing, data);
  for (const i of frame.batch) dot(data.X, data.t, i, { ring: 2 });
  if (frame.example) dot(data.X, data.t, frame.example.row, { ring: 3.6, size: 5 });
}

/** The numbers of the colours: of ŷ, or of the chosen unit, which has its own scale. */
function FieldScale({ store, data, shown }: { store: Store; data: DataSet; shown: Shown }) {
  const last = data.sizes.length - 1;
  const K = data.sizes[last]!;
  if (shown.unit && shown.unit.layer <= last) {
    const picture = data === store.live.data ? pictureOf(store.live) : null;
    if (!picture) return null;
    const { layer, unit } = shown.unit;
    const { scale, centre } = levelsOf(picture, data, layer, unit);
    const name = layer === last ? (K > 1 ? `ŷ${subscript(unit + 1)}` : "ŷ") : `h${subscript(unit + 1)}`;
    return <Scale kind="signed" name={name} numbers={[centre - scale, centre, centre + scale]} />;
  }
  if (!data.n_classes) {
    const most = targetScale(data);
    const { centre = 0, spread = 1 } = data.bench.dataset.origin ?? {};
    const numbers = [-1, -0.5, 0, 0.5, 1].map((share) => share * most * spread + centre);
    return <Scale kind="signed" name="ŷ, t" numbers={numbers} />;
  }
  if (K === 1 && data.n_classes === 2) return <Scale kind="classes" name="ŷ" numbers={[0, 0.25, 0.5, 0.75, 1]} />;
  return (
    <p class="note">
      {K > 1
        ? t("Colour: the most probable class; paler where a second class is nearly as probable.")
        : t("Colour: the class nearest to ŷ.")}
    </p>
  );
}

export function subscript(k: number): string {
  return String(k).replace(/\d/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[Number(digit)]!);
}
