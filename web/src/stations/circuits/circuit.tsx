// Expressions as a circuit: the diagram with what its wires carry, inputs to toggle, bounds.

import { useEffect, useRef, useState } from "preact/hooks";
import { exact, short } from "../../format.ts";
import { Matrix, Named, Num } from "../../components/numbers.tsx";
import { Panel } from "../../components/panel.tsx";
import { useId } from "../../components/slider.tsx";
import type { StationProps } from "../../components/station.tsx";
import { Word } from "../../components/word.tsx";
import { matrix, type Numbers, real, reals } from "../../protocol.ts";
import { TruthTable } from "./table.tsx";

interface CircuitView {
  inputs: string[];
  outputs: string[];
  nets: string[];
  rows: number[][] | null;
  row: number;
  certified: boolean;
  picture: string;
}

export function CircuitPanel({ settings, view, set, act }: StationProps) {
  const { numbers, python } = view;
  const circuit = view.circuit as CircuitView;
  const bits = reals(numbers.circuit_bits);
  const soft = reals(numbers.circuit_soft);
  const wanted = reals(numbers.circuit_wanted);
  const certified = reals(numbers.circuit_certified);
  const table = matrix(numbers.circuit_table);
  const toggle = (index: number) => act("toggle", { which: "bits", index });
  const names = Object.keys(numbers).filter((name) => name.startsWith("circuit_"));
  return (
    <Panel title="A circuit of neurons" class="w12" python={python} names={names}>
      <Expression text={settings.expression} onChange={(expression) => set({ expression })} />
      <div class="toggles" role="group" aria-label="Inputs of the circuit">
        {circuit.inputs.map((net, i) => (
          <button aria-pressed={bits[i] === 1} onClick={() => toggle(i)}>
            {net} = <Num name={`circuit_bits.${i}`} value={bits[i] ?? 0} />
          </button>
        ))}
      </div>
      <Picture circuit={circuit} numbers={numbers} toggle={toggle} />
      <div class="split top-aligned">
        <div>
          <Matrix
            name="circuit_soft"
            caption="soft outputs at these inputs"
            vector
            columns={circuit.outputs}
            values={[soft]}
          />
          <Matrix
            name="circuit_wanted"
            caption="exact logic"
            vector
            columns={circuit.outputs}
            values={[wanted]}
          />
          <Matrix
            name="circuit_certified"
            caption={
              circuit.certified
                ? "proved for all inputs: the largest error of an output is at most"
                : "nothing is proved at this gain: the bound is not below ½"
            }
            vector
            columns={circuit.outputs}
            values={[certified]}
          />
          <Named name="circuit_units" value={real(numbers.circuit_units)} note="NOT and BUF are free">
            <Word>neurons</Word>
          </Named>
          <Named name="circuit_levels" value={real(numbers.circuit_levels)}>
            <Word>levels</Word>
          </Named>
          {"circuit_minimum_gain" in numbers && (
            <Named
              name="circuit_minimum_gain"
              value={real(numbers.circuit_minimum_gain)}
              note="the smallest gain proved to be right for this circuit"
            >
              <Word>gain needed</Word>
            </Named>
          )}
          <div class="named">
            <span class="symbol">
          <Word>any depth</Word>
        </span>
            <span aria-hidden="true">=</span>
            <Num name="circuit_least_gain" value={real(numbers.circuit_least_gain)} />
            <span class="note">
              with this gain, no circuit of units with ‖w‖₁ ≤{" "}
            <Num name="circuit_norm" value={real(numbers.circuit_norm)} /> fails, however deep
            </span>
          </div>
        </div>
        {circuit.rows && (
          <TruthTable
            caption="Soft values of the circuit’s outputs for all inputs"
            inputs={circuit.inputs}
            rows={circuit.rows}
            row={circuit.row}
            onRow={(row) => set({ bits: row })}
            columns={circuit.outputs.map((net, j) => ({
              head: net,
              name: (i) => `circuit_table.${i}.${j}`,
              values: table.map((row) => row[j] ?? NaN),
              bar: true,
            }))}
          />
        )}
      </div>
    </Panel>
  );
}

/** A text field for expressions; Enter or leaving the field applies them. */
function Expression({ text, onChange }: { text: string; onChange: (text: string) => void }) {
  const id = useId();
  const [draft, setDraft] = useState<string | null>(null);
  const commit = () => {
    if (draft !== null && draft.trim() !== text) onChange(draft.trim());
    setDraft(null);
  };
  return (
    <div class="expression">
      <label for={id}>Expressions</label>
      <input
        id={id}
        type="text"
        spellcheck={false}
        autocomplete="off"
        maxLength={500}
        value={draft ?? text}
        aria-describedby={`${id}-help`}
        onInput={(event) => setDraft(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") commit();
          if (event.key === "Escape") setDraft(null);
        }}
        onBlur={commit}
      />
      <span id={`${id}-help`} class="note">
        ~ not, &amp; and, ^ xor, | or, s ? a : b; statements end with “;”
      </span>
    </div>
  );
}

/** The library's drawing; its numbers get their names, its inputs can be clicked. */
function Picture(props: {
  circuit: CircuitView;
  numbers: Numbers;
  toggle: (index: number) => void;
}) {
  const { circuit, numbers, toggle } = props;
  const host = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = host.current as HTMLDivElement;
    element.innerHTML = circuit.picture;
    const values = reals(numbers.circuit_wires);
    const svg = element.querySelector("svg");
    const width = Number(svg?.getAttribute("width") ?? 0);
    svg?.style.setProperty("--natural", `${width}px`);
    for (const text of element.querySelectorAll<SVGTextElement>("text[data-net]")) {
      const net = circuit.nets.indexOf(text.dataset.net ?? "");
      if (net < 0) continue;
      const value = values[net] ?? NaN;
      text.dataset.name = `circuit_wires.${net}`;
      text.dataset.value = exact(value);
      const input = circuit.inputs.indexOf(text.dataset.net ?? "");
      if (input >= 0) {
        text.classList.add("press");
        text.addEventListener("click", () => toggle(input));
      }
      const title = text.querySelector("title");
      if (title) title.textContent = `${text.dataset.net} = ${exact(value)}`;
    }
  });
  const said = circuit.outputs
    .map((net, i) => `${net} = ${short(reals(numbers.circuit_soft)[i] ?? NaN)}`)
    .join(", ");
  return (
    <>
      <div class="scroll diagram" ref={host} tabIndex={0} role="region" aria-label="Diagram" />
      <p class="hidden" role="status">
        {said}
      </p>
    </>
  );
}
