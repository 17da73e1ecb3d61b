// A circuit's diagram: gates in their symbols, wires in the colour of their values, inputs to flip.

import { useMemo } from "preact/hooks";
import { exact, short } from "../../format.ts";
import type { Circuit } from "../../model/circuits/netlist.ts";
import { t } from "../../text.ts";
import { BUBBLE, diagramOf, type GateShape, PAD, type Port, shortName } from "./geometry.ts";

interface DiagramProps {
  circuit: Circuit;
  nets: string[];
  values: number[]; // of the nets
  toggle: (input: number) => void;
  /** The gate whose neurons are shown, and what chooses another. */
  chosen: string;
  choose: (net: string) => void;
  point: (net: string | null) => void;
}

export function Diagram(props: DiagramProps) {
  const { circuit, nets, values, toggle, chosen, choose, point } = props;
  const drawn = useMemo(() => diagramOf(circuit), [JSON.stringify(circuit)]);
  const valueOf = (net: string) => values[nets.indexOf(net)] ?? NaN;
  const style = (net: string) => ({ "--value": Math.min(1, Math.max(0, valueOf(net))) });
  const number = (net: string, text: string) => (
    <tspan data-name={`circuit_wires.${nets.indexOf(net)}`} data-value={exact(valueOf(net))}>
      {text}
    </tspan>
  );
  const said = (net: string) => `${net} = ${short(valueOf(net))}`;
  const width = `${drawn.width}px`;
  return (
    <div class="scroll diagram" tabIndex={0} role="region" aria-label={t("Diagram")}>
      <svg
        viewBox={`0 0 ${drawn.width} ${drawn.height}`}
        style={{ "--natural": width }}
        role="group"
        aria-label={t("Gates and wires")}
      >
        <g transform={`translate(0 ${PAD + 4})`}>
          {drawn.wires.map(({ net, path, dots }) => (
            <g class="wire" style={style(net)}>
              <title>{said(net)}</title>
              <path d={path} />
              {dots.map(([cx, cy]) => (
                <circle cx={cx} cy={cy} r={2.8} />
              ))}
            </g>
          ))}
          {drawn.gates.map((gate) => (
            <g
              class={`gate-symbol ${gate.net === chosen ? "chosen" : ""}`}
              transform={`translate(${gate.x} ${gate.y})`}
              onMouseEnter={() => point(gate.net)}
              onMouseLeave={() => point(null)}
            >
              <Body gate={gate} />
              {!circuit.outputs.includes(gate.net) && (
                <text class="name" x={0} y={-4}>
                  {shortName(gate.net)}
                </text>
              )}
              <text class="value" x={gate.valueAt} y={gate.height / 2 - 4}>
                {number(gate.net, valueOf(gate.net).toFixed(3))}
              </text>
              <rect
                class="hit"
                x={-6}
                y={-6}
                width={gate.symbol.width + 18}
                height={gate.height + 12}
                role="button"
                tabindex={0}
                aria-pressed={gate.net === chosen}
                aria-label={t("{kind} gate, {value}: show its neurons", {
                  kind: gate.kind.toUpperCase(),
                  value: said(gate.net),
                })}
                onClick={() => choose(gate.net)}
                onKeyDown={(event: KeyboardEvent) => {
                  if (event.key !== "Enter" && event.key !== " ") return;
                  event.preventDefault();
                  choose(gate.net);
                }}
                onFocus={() => point(gate.net)}
                onBlur={() => point(null)}
              />
            </g>
          ))}
          {drawn.inputs.map((port, i) => (
            <text class="port press" {...placed(port)} text-anchor="end" onClick={() => toggle(i)}>
              <title>{said(port.net)}</title>
              {shortName(port.net)} = {number(port.net, String(valueOf(port.net)))}
            </text>
          ))}
          {drawn.outputs.map((port) => (
            <text class="port" {...placed(port)}>
              <title>{said(port.net)}</title>
              {shortName(port.net)} = {number(port.net, valueOf(port.net).toFixed(3))}
            </text>
          ))}
        </g>
      </svg>
    </div>
  );
}

function placed({ x, y }: Port) {
  return { x, y: y + 4 };
}

/** The symbol of a gate, at the origin. */
function Body({ gate }: { gate: GateShape }) {
  const { symbol, height, path, pins } = gate;
  return (
    <>
      <path class="body" d={path} />
      {symbol.bubble && (
        <circle class="body" cx={symbol.width + BUBBLE} cy={height / 2} r={BUBBLE} />
      )}
      {symbol.text && (
        <text class="in" x={symbol.width / 2} y={height / 2 + 4}>
          {symbol.text}
        </text>
      )}
      {pins.map(([label, y]) => (
        <text class="in small" x={7} y={y}>
          {label}
        </text>
      ))}
    </>
  );
}
