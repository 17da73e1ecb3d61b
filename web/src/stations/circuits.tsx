// Station 3: gates as sigmoid neurons, what one neuron cannot do, circuits of neurons.

import { Named, Num } from "../components/numbers.tsx";
import { Panel } from "../components/panel.tsx";
import { Rich } from "../components/rich.tsx";
import { Choice, Count, Setting } from "../components/slider.tsx";
import { Formula, M, StationFrame, type StationProps } from "../components/station.tsx";
import { Word } from "../components/word.tsx";
import { matrix, real, reals } from "../protocol.ts";
import { t } from "../text.ts";
import { INTRODUCTIONS } from "../texts/introductions.ts";
import { CircuitPanel } from "./circuits/circuit.tsx";
import { GateDrawing, type GateView } from "./circuits/gate.tsx";
import { Hidden, Try, Verdict } from "./circuits/neuron.tsx";
import { TruthTable } from "./circuits/table.tsx";

export function Circuits(props: StationProps) {
  const { info, store } = props;
  return (
    <StationFrame
      info={info}
      store={store}
      intro={<Rich text={t(INTRODUCTIONS.circuits!)} />}
    >
      <Gate {...props} />
      <Truth {...props} />
      <Try {...props} />
      <Verdict {...props} />
      <Hidden {...props} />
      <CircuitPanel {...props} />
    </StationFrame>
  );
}

function Gate({ settings, view, info, set, act }: StationProps) {
  const { numbers, python } = view;
  const gate = view.gate as GateView;
  const kinds = info.settings;
  const z = reals(numbers.gate_z);
  const next = (to: number) => gate.arities.find((k) => (to > settings.arity ? k >= to : false)) ??
    [...gate.arities].reverse().find((k) => k <= to) ?? settings.arity;
  const names = ["gate_x", "gate_b", "gate_z", "gate_h", "gate_slope", "gate_y"].concat(
    z.map((_, j) => `gate_w${j + 1}`),
  );
  return (
    <Panel title="A gate as a neuron" class="w7" python={python} names={names}>
      <div class="row controls">
        <Choice
          label="Gate"
          explain="circuits.gate"
          value={settings.gate}
          options={kinds.gate!.options}
          onChange={(kind) => act("choose", { gate: kind })}
        />
        {settings.gate === "at_least" && (
          <Count
            label="t"
            explain="circuits.t"
            value={settings.t}
            low={1}
            high={5}
            onChange={(to) => act("count", { t: to })}
          />
        )}
        <Count
          label="Inputs"
          explain="circuits.arity"
          value={settings.arity}
          low={Math.min(...gate.arities)}
          high={Math.max(...gate.arities)}
          onChange={(arity) => set({ arity: next(arity) })}
        />
      </div>
      <Formula>
        h = σ(g (w·x + b)), &nbsp; g = <span class="upright">{settings.gain}</span>
      </Formula>
      <Setting of={kinds.gain!} value={settings.gain} onChange={(gain) => set({ gain })} />
      <GateDrawing
        gate={gate}
        numbers={numbers}
        gain={settings.gain}
        toggle={(index) => act("toggle", { which: "x", index })}
      />
      <table class="neurons">
        <caption class="hidden">z and the slope of each neuron</caption>
        <tbody>
          {z.map((value, j) => (
            <tr>
              <th scope="row">neuron {j + 1}</th>
              <td>
                <M>z = g (w·x + b)</M> = <Num name={`gate_z.${j}`} value={value} />
              </td>
              <td>
                <M>σ′(z) = h (1 − h)</M> ={" "}
                <Num name={`gate_slope.${j}`} value={reals(numbers.gate_slope)[j] ?? NaN} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="note">
        Click an input to toggle it; dashed wires have negative weights. A large gain makes sharp
            bits, but the slope, which learning needs, vanishes.
      </p>
    </Panel>
  );
}

function Truth({ settings, view, info, set }: StationProps) {
  const { numbers, python } = view;
  const gate = view.gate as GateView;
  const soft = matrix(numbers.truth_soft);
  const hard = matrix(numbers.truth_hard);
  const error = matrix(numbers.truth_error);
  const several = gate.outputs.length > 1;
  const names = Object.keys(numbers).filter(
    (name) => name.startsWith("truth_") || /^gate_(measured|certified|norm|.*gain)$/.test(name),
  );
  return (
    <Panel title="Truth table" class="w5" python={python} names={names}>
      <TruthTable
        caption="The gate for all inputs"
        inputs={gate.inputs}
        rows={gate.rows}
        row={gate.row}
        onRow={(bits) => set({ x: bits })}
        columns={gate.outputs.flatMap((output, k) => [
          {
            head: several ? output : "bit",
            name: (i: number) => `truth_hard.${i}.${k}`,
            values: hard.map((row) => row[k] ?? NaN),
          },
          {
            head: "soft",
            name: (i: number) => `truth_soft.${i}.${k}`,
            values: soft.map((row) => row[k] ?? NaN),
            bar: true,
            wrong: (i: number) => (error[i]?.[k] ?? 0) >= 0.5,
          },
          ...(several
            ? []
            : [
                {
                  head: "error",
                  name: (i: number) => `truth_error.${i}.${k}`,
                  values: error.map((row) => row[k] ?? NaN),
                },
              ]),
        ])}
      />
      {gate.outputs.map((output, k) => (
        <>
          <Named
            name={`gate_measured.${k}`}
            value={reals(numbers.gate_measured)[k] ?? NaN}
            note={several ? `the largest error of ${output} above` : "the largest error above"}
          >
            <Word>measured</Word>
          </Named>
          <Named
            name={`gate_certified.${k}`}
            class="strong"
            value={reals(numbers.gate_certified)[k] ?? NaN}
            note={
              gate.certified
                ? settings.epsilon
                  ? "proved for all inputs within ε of bits"
                  : "proved, rounding included"
                : "not below ½, so nothing is proved at this gain"
            }
          >
            <Word>bound</Word>
          </Named>
        </>
      ))}
      <Setting
        of={info.settings.epsilon!}
        value={settings.epsilon}
        onChange={(epsilon) => set({ epsilon })}
      />
      {"gate_minimum_gain" in numbers && (
        <Named
          name="gate_minimum_gain"
          value={real(numbers.gate_minimum_gain)}
          note="the minimum for exact bits"
        >
          <Word>gain needed</Word>
        </Named>
      )}
      <div class="named">
        <span class="symbol">
          <Word>any depth</Word>
        </span>
        <span aria-hidden="true">=</span>
        <Num name="gate_least_gain" value={real(numbers.gate_least_gain)} />
        <span class="note">
          with this gain, no circuit of such gates (‖w‖₁ ≤{" "}
            <Num name="gate_norm" value={real(numbers.gate_norm)} />) fails, however deep
        </span>
      </div>
    </Panel>
  );
}
