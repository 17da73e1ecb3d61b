// Expressions as a circuit: the diagram with what its wires carry, inputs to flip, bounds.

import { useState } from "preact/hooks";
import { short } from "../../format.ts";
import { Explain } from "../../components/explain.tsx";
import { Matrix, Named, Num } from "../../components/numbers.tsx";
import { Panel } from "../../components/panel.tsx";
import { useId } from "../../components/slider.tsx";
import type { StationProps } from "../../components/station.tsx";
import { Word } from "../../components/word.tsx";
import type { Cell } from "../../model/circuits/netlist.ts";
import { matrix, type Numbers, real, reals } from "../../protocol.ts";
import { t } from "../../text.ts";
import { GateDetail } from "./detail.tsx";
import { Diagram } from "./diagram.tsx";
import { Values } from "./legend.tsx";
import { SafeGain } from "./safe_gain.tsx";
import { TruthTable } from "./table.tsx";

export interface CircuitView {
  inputs: string[];
  outputs: string[];
  nets: string[];
  cells: Cell[];
  sources: string[]; // inputs and neurons
  units: number[][]; // the neurons of each cell
  rows: number[][] | null;
  row: number;
  certified: boolean;
}

export function CircuitPanel({ settings, view, set, act }: StationProps) {
  const { numbers, python } = view;
  const circuit = view.circuit as CircuitView;
  const [chosen, choose] = useState<string | null>(null);
  const [pointed, point] = useState<string | null>(null);
  const bits = reals(numbers.circuit_bits);
  const soft = reals(numbers.circuit_soft);
  const table = matrix(numbers.circuit_table);
  const toggle = (index: number) => act("toggle", { which: "bits", index });
  const isGate = (net: string | null) => circuit.cells.some((cell) => cell.output === net);
  const gate = [pointed, chosen, circuit.outputs[0]!].find(isGate) ?? "";
  const names = Object.keys(numbers).filter((name) => name.startsWith("circuit_"));
  const said = circuit.outputs.map((net, i) => `${net} = ${short(soft[i] ?? NaN)}`).join(", ");
  return (
    <Panel title={t("A circuit of neurons")} class="w12" python={python} names={names}>
      <Expression text={settings.expression} onChange={(expression) => set({ expression })} />
      <div class="toggles" role="group" aria-label={t("Inputs of the circuit")}>
        {circuit.inputs.map((net, i) => (
          <button aria-pressed={bits[i] === 1} onClick={() => toggle(i)}>
            {net} = <Num name={`circuit_bits.${i}`} value={bits[i] ?? 0} />
          </button>
        ))}
      </div>
      <Diagram
        circuit={{ inputs: circuit.inputs, outputs: circuit.outputs, cells: circuit.cells }}
        nets={circuit.nets}
        values={reals(numbers.circuit_wires)}
        {...{ toggle, choose, point }}
        chosen={isGate(chosen) ? chosen! : gate}
      />
      <p class="hidden" role="status">
        {said}
      </p>
      <p class="note diagram-legend">
        <Values /> {t("Point at a gate, or choose it, to see its neurons; click an input to flip it.")}
      </p>
      <GateDetail net={gate} circuit={circuit} numbers={numbers} />
      <div class="split top-aligned">
        <Facts circuit={circuit} numbers={numbers} />
        {circuit.rows && (
          <TruthTable
            caption={t("Soft values of the circuit’s outputs for all inputs")}
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

/** Outputs and their bounds, the size of the circuit, the gains that are enough. */
function Facts({ circuit, numbers }: { circuit: CircuitView; numbers: Numbers }) {
  const outputs = (name: string, caption: string) => (
    <Matrix
      name={name}
      caption={caption}
      vector
      columns={circuit.outputs}
      values={[reals(numbers[name])]}
    />
  );
  return (
    <div>
      {outputs("circuit_soft", t("soft outputs at these inputs"))}
      {outputs("circuit_wanted", t("exact logic"))}
      {outputs(
        "circuit_certified",
        circuit.certified
          ? t("proved for all inputs: the largest error of an output is at most")
          : t("nothing is proved at this gain: the bound is not below ½"),
      )}
      <Named
        name="circuit_units"
        value={real(numbers.circuit_units)}
        note={t("NOT and BUF need no neuron")}
      >
        <Word>{t("neurons")}</Word>
      </Named>
      <Named
        name="circuit_levels"
        value={real(numbers.circuit_levels)}
        note={t("neurons on the longest path")}
      >
        <Word>{t("depth")}</Word>
      </Named>
      {"circuit_minimum_gain" in numbers && (
        <Named
          name="circuit_minimum_gain"
          value={real(numbers.circuit_minimum_gain)}
          note={t("the smallest gain that is proved to be enough for this circuit")}
        >
          <Word>{t("gain needed")}</Word>
        </Named>
      )}
      <SafeGain of="circuit" numbers={numbers} />
    </div>
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
  const label = t("Expressions");
  return (
    <div class="expression">
      <span class="labelled">
        <label for={id}>{label}</label>
        <Explain of="circuits.expression" label={label} />
      </span>
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
        {t("~ not, & and, ^ xor, | or, s ? a : b; statements end with “;”")}
      </span>
    </div>
  );
}
