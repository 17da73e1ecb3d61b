// The output: what the network says over the plane or over one input, with the rows and a pen.

import { useState } from "preact/hooks";
import { Choice } from "../components/slider.tsx";
import type { Store } from "../store.ts";
import { t } from "../text.ts";
import { CurvePlot } from "./curve_plot.tsx";
import type { DataSet } from "./live.ts";
import { Mark, MarksLegend } from "./marks.tsx";
import type { Chosen } from "./network.tsx";
import { PlanePlot } from "./plane_plot.tsx";

interface PlotProps {
  store: Store;
  data: DataSet;
  chosen: Chosen | null;
}

/** What is drawn besides the output. */
export interface Shown {
  /** Whether rows of the test set are drawn. */
  test: boolean;
  /** The unit to draw instead of the output, or beside a curve. */
  unit: Chosen | null;
}

/** Class of the pen, or −1 for the eraser. */
export type PenKind = number;

export function Plot({ store, data, chosen }: PlotProps) {
  const [test, setTest] = useState(true);
  const [ofUnit, setOfUnit] = useState(false);
  const [pen, setPen] = useState<PenKind>(1);
  const settings = store.state?.settings ?? {};
  const curve = data.bench.dataset.plane === 1;
  const drawing = settings.data === "drawn" || settings.data === "curve";
  const key = settings.data === "curve" ? "targets" : "points";
  const points = (settings[key] ?? []) as number[][];
  const shown: Shown = { test: test && data.rows[1] > 0, unit: ofUnit ? chosen : null };
  const features = Object.fromEntries(data.features.map((name, k) => [String(k), name]));
  const axis = (which: "x" | "y") => (to: string) => {
    const [x, y] = data.axes;
    void store.ask("axes", which === "x" ? { x: Number(to), y } : { x, y: Number(to) });
  };
  const plane = data.bench.dataset.plane === 2;
  const Drawn = curve ? CurvePlot : PlanePlot;
  return (
    <div class="plot">
      <Drawn {...{ store, data, shown, pen }} />
      {!plane && !curve && (
        <div class="axes">
          <Choice label={t("across")} value={String(data.axes[0])} options={features} onChange={axis("x")} />
          <Choice label={t("up")} value={String(data.axes[1])} options={features} onChange={axis("y")} />
        </div>
      )}
      {drawing && (
        <div class="pens" role="group" aria-label={t("Class of the pen")}>
          {(settings.data === "curve" ? [1] : [0, 1, 2, 3, 4]).map((k) => (
            <button class="pen" aria-pressed={pen === k} onClick={() => setPen(k)}>
              {settings.data === "curve" ? (
                t("target")
              ) : (
                <>
                  <Mark k={k} /> {k}
                </>
              )}
            </button>
          ))}
          <button class="pen" aria-pressed={pen < 0} onClick={() => setPen(-1)}>
            {t("eraser")}
          </button>
          <button
            class="small"
            disabled={points.length < 2}
            onClick={() => store.set({ [key]: points.slice(0, -1) })}
          >
            {t("Undo")}
          </button>
        </div>
      )}
      <div class="plot-legend">
        {data.labels.map((label, k) => (
          <span>
            <Mark k={k} /> {label}
          </span>
        ))}
        <MarksLegend test={shown.test} curve={curve} />
        {!curve && data.n_classes > 0 && !shown.unit && (
          <span>
            <i class="line decision" /> {t("decision line")}
          </span>
        )}
        {data.rows[1] > 0 && (
          <label class="option">
            <input type="checkbox" checked={test} onChange={(event) => setTest(event.currentTarget.checked)} />
            {t("test rows")}
          </label>
        )}
        <label class="option">
          <input type="checkbox" checked={ofUnit} onChange={(event) => setOfUnit(event.currentTarget.checked)} />
          {curve ? t("chosen unit, too") : t("chosen unit instead of ŷ")}
        </label>
      </div>
    </div>
  );
}

/** Points with one more, or without the nearest if the pen is the eraser. */
export function penned(points: number[][], point: number[], erase: boolean, reach: number): number[][] {
  if (!erase) return points.length >= 1000 ? points : [...points, point];
  if (points.length < 2) return points;
  const far = points.map((p) => Math.hypot(p[0]! - point[0]!, p[1]! - point[1]!));
  const nearest = far.indexOf(Math.min(...far));
  return far[nearest]! > reach ? points : points.filter((_, i) => i !== nearest);
}
