// The network as a picture in a file (SVG): its units, and its real weights as edges.
//
// Drawn like `clearprop.explain.draw_network`: orange and solid for weights above 0, blue and dashed
// below 0, as wide as the weight is large within its layer; a ring shows a unit's bias.

import { short } from "../../format.ts";
import { sup } from "./findings.ts";
import { layoutOf } from "./network.ts";
import type { Run } from "./run.ts";

const [RADIUS, ROW, GAP, PAD, TOP, FOOT] = [11, 34, 150, 16, 46, 34];
const [POSITIVE, NEGATIVE] = ["#E07B00", "#2185C5"];
const MOST_LETTERS = 18;

/** The drawing as the text of an SVG file. */
export function drawing(run: Run): string {
  const { sizes, activations, output } = run.network;
  const { features, labels } = run.dataset;
  const theta = run.theta;
  const last = sizes.length - 1;
  const names = [features, ...activations.map(() => []), output === "softmax" ? labels : []];
  const margin = (own: readonly string[]) =>
    Math.max(56, ...own.map((name) => 6.6 * clipped(name).length + 8));
  const left = PAD + margin(names[0]!) + RADIUS;
  const height = TOP + ROW * (Math.max(...sizes) - 1) + 2 * RADIUS + FOOT;
  const middle = (TOP + height - FOOT) / 2;
  const x = (layer: number) => left + layer * Math.max(GAP, 9 * Math.max(...sizes));
  const y = (layer: number, unit: number) => middle + ROW * (unit - (sizes[layer]! - 1) / 2);
  const width = x(last) + RADIUS + margin(names[last]!) + PAD;
  const symbols = sizes.map((_, layer) => (layer === 0 ? "x" : layer === last ? "ŷ" : `h${sup(layer)}`));
  const kinds = ["inputs", ...activations, output];
  const parts: string[] = [];
  const title = `Fully connected network ${sizes.join("-")}, ${theta.length} parameters`;
  layoutOf(sizes).forEach(([W, b], i) => {
    const [inputs, layer] = [sizes[i]!, i + 1];
    const largest = largestSize(theta.subarray(W, b));
    const order = Array.from(theta.subarray(W, b).keys());
    order.sort((p, q) => Math.abs(theta[W + p]!) - Math.abs(theta[W + q]!)); // the largest on top
    parts.push(`<g fill="none" class="layer-${layer}">`);
    for (const place of order) {
      const [unit, source] = [Math.floor(place / inputs), place % inputs];
      const w = theta[W + place]!;
      const share = Math.abs(w) / (largest || 1);
      const line = `M${x(i) + RADIUS} ${y(i, source)}L${x(layer) - RADIUS} ${y(layer, unit)}`;
      parts.push(
        `<path d="${line}" ${stroke(w, 0.3 + 3.2 * share, 0.15 + 0.8 * share)}>` +
          `<title>W${sup(layer)}[${unit + 1}, ${source + 1}] = ${short(w)}</title></path>`,
      );
    }
    parts.push(
      "</g>",
      label((x(i) + x(layer)) / 2, 16, `|W${sup(layer)}| ≤ ${short(largest)}`, 'opacity="0.75"'),
    );
  });
  sizes.forEach((units, layer) => {
    const bias = layer ? layoutOf(sizes)[layer - 1]![1] : -1;
    const largest = layer ? largestSize(theta.subarray(bias, bias + units)) : 0;
    for (let unit = 0; unit < units; unit++) {
      const at = `cx="${x(layer)}" cy="${y(layer, unit)}"`;
      parts.push(
        `<circle ${at} r="${RADIUS}" fill="#808080" fill-opacity="0.1" stroke="currentColor" stroke-width="0.8"/>`,
      );
      const b = layer ? theta[bias + unit]! : 0;
      if (b) {
        const share = Math.abs(b) / largest;
        parts.push(
          `<circle ${at} r="${RADIUS + 1.6}" fill="none" ${stroke(b, 0.4 + 2 * share, 0.3 + 0.7 * share, false)}>` +
            `<title>b${sup(layer)}[${unit + 1}] = ${short(b)}</title></circle>`,
        );
      }
      const name = names[layer]![unit];
      if (name !== undefined) {
        const [side, anchor] = layer ? [1, "start"] : [-1, "end"];
        const place = x(layer) + side * (RADIUS + 7);
        parts.push(label(place, y(layer, unit) + 4, escaped(clipped(name)), "", anchor));
      }
    }
    parts.push(
      label(x(layer), 16, symbols[layer]!, 'font-size="13" font-style="italic"'),
      label(x(layer), 30, `${units} ${kinds[layer]}`, 'opacity="0.75"'),
    );
  });
  [1, -1].forEach((sign, i) => {
    const at = PAD + 98 * i;
    const words = sign > 0 ? "weight &gt; 0" : "weight &lt; 0";
    parts.push(
      `<path d="M${at} ${height - 16}h22" ${stroke(sign, 2.6, 1)}/>`,
      label(at + 27, height - 12, words, "", "start"),
    );
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${Math.ceil(width)} ${Math.ceil(height)}" \
width="${Math.ceil(width)}" height="${Math.ceil(height)}" role="img" aria-label="${title}" \
font-family="Helvetica, Arial, sans-serif" font-size="11" fill="currentColor">
<title>${title}</title>
${parts.join("\n")}
</svg>
`;
}

function stroke(w: number, width: number, opacity: number, dashed = w < 0): string {
  const dash = dashed ? ' stroke-dasharray="5 2.5"' : "";
  const colour = w > 0 ? POSITIVE : NEGATIVE;
  return `stroke="${colour}" stroke-width="${width.toFixed(2)}" stroke-opacity="${opacity.toFixed(2)}"${dash}`;
}

function label(x: number, y: number, text: string, more = "", anchor = "middle"): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" ${more}>${text}</text>`;
}

function largestSize(values: Float64Array): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

function clipped(name: string): string {
  return name.length <= MOST_LETTERS ? name : `${name.slice(0, MOST_LETTERS - 1)}…`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}
