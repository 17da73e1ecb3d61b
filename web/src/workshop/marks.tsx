// The marks of rows: a colour and a shape for each class; filled for training, hollow for testing.

import { colour } from "../components/theme.tsx";
import { t } from "../text.ts";
import { classColour, signedColour } from "./heat.ts";
import type { DataSet } from "./live.ts";

/** The mark of a class in a legend. */
export function Mark({ k }: { k: number }) {
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

/** What filled, hollow and ringed marks mean. */
export function MarksLegend({ test, curve }: { test: boolean; curve: boolean }) {
  return (
    <>
      <span>
        <RowMark /> {t("training")}
      </span>
      {test && (
        <span>
          <RowMark hollow={curve ? "hollow test" : "hollow"} /> {t("test")}
        </span>
      )}
      <span>
        <RowMark hollow="ringed" /> {t("next mini-batch")}
      </span>
    </>
  );
}

function RowMark({ hollow = "" }) {
  return (
    <svg class="mark row-mark" width={14} height={14} aria-hidden="true">
      <circle cx={7} cy={7} r={4} class={hollow} />
    </svg>
  );
}

export interface DotStyle {
  hollow?: boolean;
  /** Width of a dark ring around the mark: of the next mini-batch, or of the example. */
  ring?: number;
  size: number;
}

/** How the targets of a dataset are drawn: the greatest size of a numeric target is the scale's end. */
export function dotColours(data: DataSet, scale: number): (target: number) => string {
  if (data.n_classes) return classColour;
  return (target) => signedColour(target / scale);
}

/** A row's mark at a place of the canvas. */
export function drawDot(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  shape: number,
  fill: string,
  { hollow = false, ring = 0, size }: DotStyle,
  numeric: boolean,
): void {
  const [paper, ink] = [colour("surface"), colour("ink")];
  context.beginPath();
  outline(context, shape, x, y, size);
  if (hollow) {
    context.lineWidth = 4;
    context.strokeStyle = numeric ? ink : paper;
    context.stroke();
    context.fillStyle = paper;
    context.fill();
    context.lineWidth = numeric ? 2.4 : 2;
    context.strokeStyle = fill;
    context.stroke();
    return;
  }
  context.fillStyle = fill;
  context.strokeStyle = ring || numeric ? ink : paper;
  context.lineWidth = ring || 1;
  context.fill();
  context.stroke();
}

function outline(context: CanvasRenderingContext2D, k: number, x: number, y: number, r: number): void {
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
    const [a, b] = [1.2 * r, 0.4 * r];
    context.moveTo(x - b, y - a);
    for (const [dx, dy] of [[b, -a], [b, -b], [a, -b], [a, b], [b, b], [b, a], [-b, a], [-b, b], [-a, b], [-a, -b], [-b, -b]])
      context.lineTo(x + dx!, y + dy!);
    context.closePath();
  } else context.arc(x, y, r, 0, 2 * Math.PI);
}

/** The greatest size of the targets. */
export function targetScale(data: DataSet): number {
  let most = 0;
  for (const targets of [data.t, data.t_test]) for (const target of targets) most = Math.max(most, Math.abs(target));
  return most || 1;
}
