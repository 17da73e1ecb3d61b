// Regression over one input: targets t and the network's ŷ over x, with a pen for targets.

import { colour } from "../components/theme.tsx";
import type { Store } from "../store.ts";
import { t } from "../text.ts";
import { type Drawing, Field } from "./field.tsx";
import type { DataSet, Frame } from "./live.ts";
import { drawDot } from "./marks.tsx";
import { usePen } from "./pen.ts";
import { type Picture, pictureOf } from "./picture.ts";
import { type PenKind, penned, type Shown } from "./plot.tsx";

interface CurvePlotProps {
  store: Store;
  data: DataSet;
  shown: Shown;
  pen: PenKind;
}

/** Targets can be drawn between −2 and 2. */
const LIMITS = [-3, 3, -2, 2] as const;

export function CurvePlot({ store, data, shown, pen }: CurvePlotProps) {
  const settings = store.state?.settings ?? {};
  const targets = (settings.targets ?? []) as number[][];
  const on = settings.data === "curve";
  const { at, inside } = usePen({
    on,
    domain: data.domain,
    limits: LIMITS,
    apart: 0.2,
    add: (x, y) => store.set({ targets: penned(targets, [x, y], pen < 0, 0.3) }),
    label: t("Plot of the targets with a pen: arrow keys move it, Enter sets a target"),
  });
  const paint = (drawing: Drawing) => {
    const picture = data === store.live.data ? pictureOf(store.live) : null;
    if (!picture?.line) return;
    drawCurves(drawing, data, picture, shown);
    drawTargets(drawing, data, store.live.frame!, shown.test);
  };
  return (
    <>
      <Field
        domain={data.domain}
        names={[data.features[0] ?? "x", "t, ŷ"]}
        aspect={0.8}
        paint={paint}
        listen={(redraw) => store.live.subscribe(redraw)}
        label={t("The targets t and the network's output ŷ over {x}", { x: data.features[0] ?? "x" })}
        inside={inside}
        above={
          at
            ? ({ px, py }) => <path class="cross" d={`M${px(at[0]) - 8} ${py(at[1])}h16m-8 -8v16`} />
            : undefined
        }
      />
      <p class="note key">
        <i class="line curve" /> ŷ
        {shown.unit && shown.unit.layer < data.sizes.length - 1 && (
          <>
            <i class="line unit" />{" "}
            {t("unit {unit} of layer {layer}", { unit: shown.unit.unit + 1, layer: shown.unit.layer })}
          </>
        )}
        {!on && settings.targets !== undefined && (
          <button
            class="small"
            onClick={() => store.set({ data: "curve", targets: rowsOf(data), test_share: 0 })}
          >
            {t("Draw targets yourself")}
          </button>
        )}
      </p>
    </>
  );
}

/** The training rows as targets to begin with. */
function rowsOf(data: DataSet): number[][] {
  const round = (x: number, low: number, high: number) =>
    Math.round(100 * Math.max(low, Math.min(high, x))) / 100;
  return Array.from(data.t, (target, i) => [
    round(data.bench.dataset.X[i]!, -3, 3),
    round(target, -2, 2),
  ]);
}

function drawCurves(drawing: Drawing, data: DataSet, picture: Picture, shown: Shown): void {
  const { context, width, height, py } = drawing;
  const last = picture.sizes.length - 1;
  context.fillStyle = colour("surface");
  context.fillRect(0, 0, width, height);
  context.strokeStyle = colour("rule");
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(0, py(0));
  context.lineTo(width, py(0));
  context.stroke();
  const line = (layer: number, unit: number, stroke: string, thickness: number, dash: number[] = []) => {
    const units = picture.sizes[layer]!;
    const values = picture.values[layer]!;
    context.beginPath();
    let drawn = false;
    for (let i = 0; i < picture.n; i++) {
      const y = py(values[i * units + unit]!);
      if (!Number.isFinite(y)) drawn = false;
      else {
        const at = (i / (picture.n - 1)) * width;
        const clipped = Math.max(-1e4, Math.min(1e4, y));
        if (drawn) context.lineTo(at, clipped);
        else context.moveTo(at, clipped);
        drawn = true;
      }
    }
    context.setLineDash(dash);
    context.strokeStyle = stroke;
    context.lineWidth = thickness;
    context.stroke();
    context.setLineDash([]);
  };
  const { unit } = shown;
  if (unit && unit.layer < last) line(unit.layer, unit.unit, colour("soft"), 2, [6, 4]);
  for (let k = 0; k < data.sizes[last]!; k++) line(last, k, colour("output"), 3);
}

function drawTargets(drawing: Drawing, data: DataSet, frame: Frame, withTest: boolean): void {
  const { context, px, py } = drawing;
  const dataset = data.bench.dataset;
  const dot = (X: Float64Array, targets: Float64Array, i: number, fill: string, style: object) =>
    drawDot(context, px(X[i]!), py(targets[i]!), 0, fill, { size: 4, ...style }, false);
  if (withTest)
    for (let i = 0; i < dataset.n_test; i++)
      dot(dataset.X_test, dataset.t_test, i, colour("test"), { hollow: true });
  for (let i = 0; i < dataset.n; i++) dot(dataset.X, dataset.t, i, colour("train"), {});
  if (frame.training) return;
  for (const i of frame.batch) dot(dataset.X, dataset.t, i, colour("train"), { ring: 2, size: 5.5 });
  if (frame.example) dot(dataset.X, dataset.t, frame.example.row, colour("train"), { ring: 3.6, size: 6 });
}
