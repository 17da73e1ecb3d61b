// Loss and score over the epochs, live; pinned runs beside them.

import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { colour } from "../components/theme.tsx";
import { logTicks, tickLabel } from "../model/workshop/ticks.ts";
import type { Store } from "../store.ts";
import { t } from "../text.ts";
import type { Pin } from "./pins.tsx";

interface CurvesProps {
  store: Store;
  title: string;
  /** Rows of the frame's curve: of the training rows, of the test rows. */
  rows: [number, number];
  logarithmic: boolean;
  pins: Pin[];
  /** Ends of the scale, where they are known. */
  range?: [number, number];
}

const EPOCH = 1;
const HEIGHT = 150;
const PAUSE = 80; // milliseconds between two drawings while training

export function Curves({ store, title, rows, logarithmic, pins, range }: CurvesProps) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const root = box.current as HTMLDivElement;
    let plot: uPlot | null = null;
    const make = () => {
      plot?.destroy();
      const now = () => Number(store.live.frame?.numbers.epoch);
      plot = new uPlot(options(root.clientWidth || 300, title, logarithmic, pins, now, range), [[], [], []], root);
      fill();
    };
    const fill = () => {
      const curve = store.live.frame?.curve;
      if (plot && curve) plot.setData(table(curve, rows, pins));
    };
    make();
    const observer = new ResizeObserver(() => {
      if (plot && root.clientWidth) plot.setSize({ width: root.clientWidth, height: HEIGHT });
    });
    observer.observe(root);
    let last = 0;
    let timer = 0;
    const off = store.live.subscribe(() => {
      const wait = store.live.frame?.training ? last + PAUSE - performance.now() : 0;
      window.clearTimeout(timer);
      const now = () => {
        last = performance.now();
        fill();
      };
      if (wait > 0) timer = window.setTimeout(now, wait);
      else now();
    });
    window.addEventListener("themechange", make);
    return () => {
      off();
      window.clearTimeout(timer);
      observer.disconnect();
      window.removeEventListener("themechange", make);
      plot?.destroy();
    };
  }, [store.live, title, logarithmic, pins, range?.[0], range?.[1]]);
  return <div ref={box} class="live-curve" role="img" aria-label={t("{title} over the epochs", { title })} />;
}

const labels = (_plot: uPlot, splits: (number | null)[]) => splits.map((v) => (v === null ? "" : tickLabel(v)));

function options(
  width: number,
  title: string,
  logarithmic: boolean,
  pins: Pin[],
  now: () => number,
  range?: [number, number],
): uPlot.Options {
  const ink = colour("soft");
  const rule = colour("rule");
  const axis = { stroke: ink, grid: { stroke: rule, width: 1 }, ticks: { stroke: rule, width: 1 } };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 18, 0, 0],
    hooks: { draw: [(plot) => markNow(plot, now())] },
    scales: {
      x: { time: false },
      y: logarithmic ? { distr: 3 } : range ? { range } : { range: (_u, _low, high) => [0, high || 1] },
    },
    axes: [
      { ...axis, size: 26, font: "11px system-ui", values: labels },
      {
        ...axis,
        size: 52,
        font: "11px system-ui",
        label: title,
        labelSize: 16,
        labelFont: "12px system-ui",
        splits: logarithmic ? (_u, _axis, low, high) => logTicks(low, high, 5) : undefined,
        values: labels,
      },
    ],
    series: [
      {},
      { stroke: colour("train"), width: 2 },
      { stroke: colour("test"), width: 2, dash: [5, 3] },
      ...pins.map((pin) => ({
        stroke: colour(`class-${pin.number % 6}`),
        width: 1.5,
        spanGaps: true,
      })),
    ],
  };
}

/** Where the run stands: the place of the history's slider. */
function markNow(plot: uPlot, epoch: number): void {
  const { left, top, width, height } = plot.bbox;
  const x = plot.valToPos(epoch, "x", true);
  if (!(x >= left - 1 && x <= left + width + 1)) return;
  const { ctx } = plot;
  ctx.save();
  ctx.strokeStyle = colour("accent");
  ctx.lineWidth = window.devicePixelRatio || 1;
  ctx.setLineDash([4, 3]);
  ctx.beginPath();
  ctx.moveTo(x, top);
  ctx.lineTo(x, top + height);
  ctx.stroke();
  ctx.restore();
}

/** One table of all curves: each has its own epochs. */
function table(curve: Float64Array[], rows: [number, number], pins: Pin[]): uPlot.AlignedData {
  const own: uPlot.AlignedData = [
    listed(curve[EPOCH]),
    values(curve[rows[0]]),
    values(curve[rows[1]]),
  ];
  if (!pins.length) return own;
  const others = pins.map(
    (pin): uPlot.AlignedData => [listed(pin.curve[EPOCH]), values(pin.curve[rows[0]])],
  );
  return uPlot.join([own, ...others]);
}

function listed(row: Float64Array | undefined): number[] {
  return row ? [...row] : [];
}

function values(row: Float64Array | undefined): (number | null)[] {
  return row ? [...row].map((v) => (Number.isFinite(v) ? v : null)) : [];
}
