// A gate drawn as its neurons: inputs to toggle, weights on the wires, z and h in the neurons.

import { Scroll } from "../../components/scroll.tsx";
import { exact, named, short } from "../../format.ts";
import { SvgNum } from "../../components/numbers.tsx";
import { type Numbers, reals } from "../../protocol.ts";
import { t } from "../../text.ts";
import { shade } from "./legend.tsx";

export interface GateView {
  inputs: string[];
  outputs: string[];
  output_neurons: number[];
  arities: number[];
  rows: number[][];
  row: number;
  certified: boolean;
}

const COLUMN = 210;
const ROW = 78;
const R = 29;

export function GateDrawing(props: {
  gate: GateView;
  numbers: Numbers;
  gain: number;
  toggle: (index: number) => void;
}) {
  const { gate, numbers, toggle } = props;
  const x = reals(numbers.gate_x);
  const h = reals(numbers.gate_h);
  const b = reals(numbers.gate_b);
  const weights = h.map((_, j) => reals(numbers[`gate_w${j + 1}`]));
  const k = x.length;
  const level = levels(weights, k);
  const depth = Math.max(...level);
  const perLevel = (l: number) => level.filter((other) => other === l).length;
  const tall = Math.max(k, ...level.map(perLevel), 1);
  // where inputs reach past a level, that level stands above their wires and the last one below
  const skips = weights.some((row, j) => (level[j] ?? 0) > 1 && row.slice(0, k).some((w) => w));
  const height = Math.max(tall * ROW, 150) + (skips ? ROW : 0) + 24;
  const width = 70 + COLUMN * depth + 210;
  const spread = (i: number, n: number) => height / 2 + (i - (n - 1) / 2) * ROW;
  const atInput = (i: number) => ({ x: 46, y: spread(i, k) });
  const atNeuron = (j: number) => {
    const l = level[j] as number;
    const order = level.slice(0, j).filter((other) => other === l).length;
    const y = !skips
      ? spread(order, perLevel(l))
      : l < depth
        ? R + 12 + order * ROW
        : height - R - 30 - (perLevel(l) - 1 - order) * ROW;
    return { x: 46 + COLUMN * l, y };
  };
  const wires = weights.flatMap((row, j) =>
    row.flatMap((w, i) => (w === 0 ? [] : [{ w, i, j, from: i < k ? atInput(i) : atNeuron(i - k) }])),
  );
  return (
    <Scroll label={t("Table")}>
      <svg
        class="gate"
        viewBox={`0 0 ${width} ${height}`}
        role="group"
        aria-label={t("The gate as neurons")}
        style={{ "--wide": `${width}px` }}
      >
        {wires.map(({ w, from, j }) => {
          const to = atNeuron(j);
          return (
            <line
              class={`wire ${w < 0 ? "minus" : "plus"}`}
              style={{ strokeWidth: `${0.8 + 1.2 * Math.abs(w)}px` }}
              x1={from.x}
              y1={from.y}
              x2={to.x}
              y2={to.y}
            />
          );
        })}
        {wires.map(({ w, i, j, from }) => {
          const to = atNeuron(j);
          const share = i < k && (level[j] as number) > 1 ? 0.68 : 0.5;
          return (
            <SvgNum
              class="halo"
              name={`gate_w${j + 1}.${i}`}
              value={w}
              x={from.x + share * (to.x - from.x)}
              y={from.y + share * (to.y - from.y) + 4}
            />
          );
        })}
        {h.map((value, j) => {
          const { x: cx, y: cy } = atNeuron(j);
          const out = gate.output_neurons.indexOf(j);
          return (
            <g>
              {out >= 0 && <line class="wire out" x1={cx} y1={cy} x2={cx + 74} y2={cy} />}
              <circle class="neuron" cx={cx} cy={cy} r={R} style={shade(value)} />
              <SvgNum class="big" name={`gate_h.${j}`} value={value} x={cx} y={cy + 5} />
              <text class="label" x={cx} y={cy + R + 15}>
                b ={" "}
                <tspan data-name={`gate_b.${j}`} data-value={exact(b[j] ?? 0)}>
                  {String(b[j] ?? 0).replace("-", "−")}
                </tspan>
              </text>
              {out >= 0 && (
                <text class="port" x={cx + 80} y={cy + 5}>
                  {gate.outputs[out]} ={" "}
                  <tspan
                    class="num"
                    data-name={`gate_y.${out}`}
                    data-value={exact(reals(numbers.gate_y)[out] ?? NaN)}
                  >
                    {short(reals(numbers.gate_y)[out] ?? NaN)}
                  </tspan>
                </text>
              )}
            </g>
          );
        })}
        {x.map((bit, i) => {
          const { x: cx, y: cy } = atInput(i);
          return (
            <g
              class="input"
              role="button"
              tabindex={0}
              aria-pressed={bit === 1}
              aria-label={t("{input} {bit}, an input of the gate", { input: named(gate.inputs[i]!), bit })}
              onClick={() => toggle(i)}
              onKeyDown={(event: KeyboardEvent) => {
                if (event.key !== "Enter" && event.key !== " ") return;
                event.preventDefault();
                toggle(i);
              }}
            >
              <rect x={cx - 24} y={cy - 20} width={48} height={40} rx={9} style={shade(bit)} />
              <text class="label" x={cx} y={cy - 26}>
                {named(gate.inputs[i]!)}{" "}
              </text>
              <text
                class="num big"
                data-name={`gate_x.${i}`}
                data-value={exact(bit)}
                x={cx}
                y={cy + 6}
              >
                {bit}
              </text>
            </g>
          );
        })}
      </svg>
    </Scroll>
  );
}

/** The number of neurons on the path from an input to each neuron, inclusive. */
function levels(weights: number[][], k: number): number[] {
  const level: number[] = [];
  weights.forEach((row, j) => {
    const before = row.slice(k).map((w, i) => (w === 0 ? 0 : (level[i] as number)));
    level[j] = 1 + Math.max(0, ...before);
  });
  return level;
}
