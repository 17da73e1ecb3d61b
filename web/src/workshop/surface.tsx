// The loss surface: ℒ of the training rows on a plane through θ, with the path of the run.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { Choice } from "../components/slider.tsx";
import { colour } from "../components/theme.tsx";
import { contour } from "../model/workshop/contour.ts";
import {
  frameOf,
  meanLoss,
  parameterPlane,
  type Plane,
  pointOf,
  principalPlane,
  project,
} from "../model/workshop/surface.ts";
import type { Store } from "../store.ts";
import { t } from "../text.ts";
import { type Drawing, drawNodes, drawSegments, Field } from "./field.tsx";
import { drawGreys } from "./heat.ts";
import { type DataSet, useLive } from "./live.ts";
import { subscript } from "./plane_plot.tsx";
import { Scale } from "./scale.tsx";

/** Nodes along each side; fewer for many rows. */
const [NODES, FEWER_NODES, MANY_ROWS] = [41, 21, 1000];
const MOST_OF_PATH = 60;
/** Milliseconds of computing between two looks at the page. */
const SLICE = 12;

interface Surface {
  data: DataSet;
  /** The frame's θ, and the directions that were chosen. */
  theta: Float64Array;
  wanted: string;
  /** Number of steps at θ. */
  step: number;
  plane: Plane;
  names: [string, string];
  domain: [number, number, number, number];
  path: [number, number][];
  /** ℒ (n²), row by row from the top. */
  loss: Float64Array;
  n: number;
}

export function LossSurface({ store, data }: { store: Store; data: DataSet }) {
  useLive(store.live, 500);
  const [directions, setDirections] = useState("principal");
  const [first, setFirst] = useState(0);
  const [second, setSecond] = useState(1);
  const [surface, setSurface] = useState<Surface | null>(null);
  const busy = useRef(false);
  const { frame } = store.live;
  const names = parameterNames(data);
  const places: [number, number] = [Math.min(first, names.length - 1), Math.min(second, names.length - 1)];

  const compute = useCallback(async () => {
    const now = store.live.frame;
    if (!now || busy.current || data !== store.live.data) return;
    busy.current = true;
    try {
      const isWanted = () => store.live.frame?.theta === now.theta;
      const found = await computed(data, now.theta, Number(now.numbers.step), directions, places, names, isWanted);
      if (found) setSurface({ ...found, wanted: [directions, ...places].join() });
    } finally {
      busy.current = false;
    }
  }, [data, directions, places[0], places[1]]);
  const wanted = [directions, ...places].join();
  const moving = !frame || frame.training || frame.replaying;
  // anew whenever the run has come to rest elsewhere, or other directions are chosen
  const isRight = surface?.data === data && surface.theta === frame?.theta && surface.wanted === wanted;
  useEffect(() => {
    if (moving || isRight) return;
    const timer = window.setTimeout(() => void compute(), surface?.wanted === wanted ? 250 : 0);
    return () => window.clearTimeout(timer);
  }, [moving, isRight, compute, frame?.theta, surface]);

  const options = Object.fromEntries(names.map((name, k) => [String(k), name]));
  const controls = (
    <div class="axes">
      <Choice
        label={t("directions")}
        explain="workshop.surface"
        value={directions}
        options={{ principal: t("main directions of the run"), parameters: t("two parameters") }}
        onChange={setDirections}
      />
      {directions === "parameters" && (
        <>
          <Choice label={t("across")} value={String(places[0])} options={options} onChange={(to) => setFirst(Number(to))} />
          <Choice label={t("up")} value={String(places[1])} options={options} onChange={(to) => setSecond(Number(to))} />
        </>
      )}
    </div>
  );
  if (!surface || surface.data !== data)
    return (
      <>
        {controls}
        <p class="note">{moving ? t("It is computed when the run stands still.") : t("Computing…")}</p>
      </>
    );
  const shares = surface.plane.shares;
  const [low, high] = ends(surface.loss);
  return (
    <div class="plot">
      <Field
        domain={surface.domain}
        names={surface.names}
        paint={(drawing) => drawSurface(drawing, surface)}
        listen={() => () => {}}
        label={t("The loss on a plane through the parameters")}
      />
      <Scale kind="grey" name="ℒ" numbers={[0, 0.25, 0.5, 0.75, 1].map((share) => lossOf(share, low, high))} />
      <p class="note key">
        <i class="line path" /> {t("the run")} <i class="dot start" /> {t("start")} <i class="dot here" /> {t("step {step}", { step: surface.step })}
        {surface.path.length > 2 && Number.isFinite(shares[0]) && (
          <span>
            {t("The plane holds {share} % of the path’s spread; elsewhere the path is drawn where it is nearest.", {
              share: Math.round(100 * (shares[0] + shares[1])),
            })}
          </span>
        )}
      </p>
      {controls}
    </div>
  );
}

/** The parameters' names in the order of θ. */
function parameterNames(data: DataSet): string[] {
  const names: string[] = [];
  data.layout.forEach(([W, b], l) => {
    const up = `⁽${"⁰¹²³⁴⁵⁶⁷⁸⁹"[l + 1]}⁾`;
    const [n_in, n_out] = [data.sizes[l]!, data.sizes[l + 1]!];
    for (let j = 0; j < n_out; j++) {
      for (let i = 0; i < n_in; i++)
        names[W + j * n_in + i] = `W${up}${subscript(j + 1)}${n_in > 9 || n_out > 9 ? "," : ""}${subscript(i + 1)}`;
      names[b + j] = `b${up}${subscript(j + 1)}`;
    }
  });
  return names;
}

async function computed(
  data: DataSet,
  theta: Float64Array,
  step: number,
  directions: string,
  places: [number, number],
  names: string[],
  isWanted: () => boolean,
): Promise<Omit<Surface, "wanted"> | null> {
  const { engine, spec, rows, path } = data.bench;
  const steps = path().filter((point) => point.step <= step);
  const skip = Math.ceil(steps.length / MOST_OF_PATH) || 1;
  const some = steps.filter((_, k) => k % skip === 0).map((point) => point.theta);
  const principal = directions === "principal";
  const plane = principal ? principalPlane(theta, some) : parameterPlane(theta, places[0], places[1]);
  const on = [...some.map((at) => project(plane, at)), [0, 0] as [number, number]];
  const domain = frameOf(on);
  const [left, right, bottom, top] = domain;
  const n = rows.n > MANY_ROWS ? FEWER_NODES : NODES;
  const loss = new Float64Array(n * n);
  let until = performance.now() + SLICE;
  for (let j = 0, at = 0; j < n; j++)
    for (let i = 0; i < n; i++) {
      const a = left + ((right - left) * i) / (n - 1);
      const b = top - ((top - bottom) * j) / (n - 1);
      loss[at++] = meanLoss(engine, spec, pointOf(plane, a, b), rows);
      if (performance.now() > until) {
        await new Promise((done) => window.setTimeout(done));
        if (!isWanted()) return null;
        until = performance.now() + SLICE;
      }
    }
  const share = (k: 0 | 1) => (plane.shares[k] ? ` (${Math.round(100 * plane.shares[k])} %)` : "");
  return {
    data,
    theta,
    step,
    plane,
    domain,
    path: on,
    loss,
    n,
    names: principal
      ? [t("1st direction") + share(0), t("2nd direction") + share(1)]
      : [`Δ${names[places[0]]}`, `Δ${names[places[1]]}`],
  };
}

function ends(loss: Float64Array): [number, number] {
  const finite = loss.filter(Number.isFinite);
  return [Math.min(...finite), Math.max(...finite)];
}

// Shares of the grey scale: finer near the least loss, where the minimum is.
const POWER = 2;
const shareOf = (loss: number, low: number, high: number) => ((loss - low) / (high - low || 1)) ** (1 / POWER);
const lossOf = (share: number, low: number, high: number) => low + share ** POWER * (high - low);

function drawSurface(drawing: Drawing, surface: Surface): void {
  const { context, px, py } = drawing;
  const [low, high] = ends(surface.loss);
  const picture = document.createElement("canvas");
  const shares = surface.loss.map((loss) => (Number.isFinite(loss) ? shareOf(loss, low, high) : 1));
  drawGreys(picture, shares, surface.n);
  drawNodes(drawing, picture);
  for (let k = 1; k < 16; k++)
    drawSegments(drawing, contour(shares, surface.n, k / 16), surface.n, colour("edge"), "", 0.8);
  context.beginPath();
  for (const [a, b] of surface.path) context.lineTo(px(a), py(b));
  context.lineJoin = "round";
  context.strokeStyle = colour("surface");
  context.lineWidth = 5;
  context.stroke();
  context.strokeStyle = colour("output");
  context.lineWidth = 2.5;
  context.stroke();
  const dot = ([a, b]: [number, number], fill: string, size: number) => {
    context.beginPath();
    context.arc(px(a), py(b), size, 0, 2 * Math.PI);
    context.fillStyle = fill;
    context.strokeStyle = colour("output");
    context.lineWidth = 2;
    context.fill();
    context.stroke();
  };
  for (const point of surface.path.slice(1, -1)) dot(point, colour("output"), 1);
  dot(surface.path[0]!, colour("surface"), 5);
  dot(surface.path.at(-1)!, colour("output"), 5);
}
