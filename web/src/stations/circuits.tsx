// Station 3: gates as sigmoid neurons, what one neuron cannot do, circuits of neurons.

import { Named, Num } from "../components/numbers.tsx";
import { Panel } from "../components/panel.tsx";
import { Rich } from "../components/rich.tsx";
import { Choice, Count, Setting } from "../components/slider.tsx";
import { Formula, M, StationFrame, type StationProps } from "../components/station.tsx";
import { Word } from "../components/word.tsx";
import { named } from "../format.ts";
import { matrix, real, reals } from "../protocol.ts";
import { t } from "../text.ts";
import { INTRODUCTIONS } from "../texts/introductions.ts";
import { CircuitPanel } from "./circuits/circuit.tsx";
import { GateDrawing, type GateView } from "./circuits/gate.tsx";
import { Hidden } from "./circuits/hidden.tsx";
import { Values, Weights } from "./circuits/legend.tsx";
import { SafeGain } from "./circuits/safe_gain.tsx";
import { TruthTable } from "./circuits/table.tsx";
import { Try } from "./circuits/try.tsx";
import { Verdict } from "./circuits/verdict.tsx";

export function Circuits(props: StationProps) {
  const { info, store } = props;
  return (
    <StationFrame info={info} store={store} intro={<Rich text={t(INTRODUCTIONS.circuits!)} />}>
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
  const slope = reals(numbers.gate_slope);
  const { arities } = gate;
  const next = (to: number) =>
    to > settings.arity ? arities.find((k) => k >= to) : arities.filter((k) => k <= to).at(-1);
  const names = ["gate_x", "gate_b", "gate_z", "gate_h", "gate_slope", "gate_y"].concat(
    z.map((_, j) => `gate_w${j + 1}`),
  );
  return (
    <Panel title={t("A gate as a neuron")} class="w7" python={python} names={names}>
      <div class="row controls">
        <Choice
          label={t("Gate")}
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
            onChange={(value) => act("count", { t: value })}
          />
        )}
        <Count
          label={t("Inputs")}
          explain="circuits.arity"
          value={settings.arity}
          low={Math.min(...arities)}
          high={Math.max(...arities)}
          onChange={(arity) => set({ arity: next(arity) ?? settings.arity })}
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
      <div class="row legends">
        <Values />
        <Weights />
      </div>
      <table class="neurons">
        <caption class="hidden">{t("z and the slope of each neuron")}</caption>
        <tbody>
          {z.map((value, j) => (
            <tr>
              <th scope="row">{t("neuron {j}", { j: j + 1 })}</th>
              <td>
                <M>z = g (w·x + b)</M> = <Num name={`gate_z.${j}`} value={value} />
              </td>
              <td>
                <M>σ′(z) = h (1 − h)</M> ={" "}
                <Num name={`gate_slope.${j}`} value={slope[j] ?? NaN} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="note">
        {t(
          "Click an input to flip it. A large gain makes sharp bits, but the slope, which learning needs, vanishes.",
        )}
      </p>
    </Panel>
  );
}

function Truth({ settings, view, info, set }: StationProps) {
  const { numbers, python } = view;
  const gate = view.gate as GateView;
  const [soft, hard] = [matrix(numbers.truth_soft), matrix(numbers.truth_hard)];
  const error = matrix(numbers.truth_error);
  const several = gate.outputs.length > 1;
  const column = (values: number[][], k: number) => values.map((row) => row[k] ?? NaN);
  const names = Object.keys(numbers).filter(
    (name) => name.startsWith("truth_") || /^gate_(measured|certified|norm|.*gain)$/.test(name),
  );
  const proved = () => {
    if (!gate.certified) return t("not below ½: nothing is proved at this gain");
    return settings.epsilon
      ? t("proved for all inputs within ε of bits")
      : t("proved, rounding included");
  };
  return (
    <Panel title={t("Truth table")} class="w5" python={python} names={names}>
      <TruthTable
        caption={t("The gate for all inputs")}
        inputs={gate.inputs.map(named)}
        rows={gate.rows}
        row={gate.row}
        onRow={(bits) => set({ x: bits })}
        columns={gate.outputs.flatMap((output, k) => [
          {
            head: several ? output : t("bit"),
            name: (i: number) => `truth_hard.${i}.${k}`,
            values: column(hard, k),
          },
          {
            head: t("soft"),
            name: (i: number) => `truth_soft.${i}.${k}`,
            values: column(soft, k),
            bar: true,
            wrong: (i: number) => (error[i]?.[k] ?? 0) >= 0.5,
          },
          ...(several
            ? []
            : [
                {
                  head: t("error"),
                  name: (i: number) => `truth_error.${i}.${k}`,
                  values: column(error, k),
                },
              ]),
        ])}
      />
      {gate.outputs.map((output, k) => (
        <>
          <Named
            name={`gate_measured.${k}`}
            value={reals(numbers.gate_measured)[k] ?? NaN}
            note={
              several
                ? t("the largest error of {output} above", { output })
                : t("the largest error above")
            }
          >
            <Word>{t("measured")}</Word>
          </Named>
          <Named
            name={`gate_certified.${k}`}
            class="strong"
            value={reals(numbers.gate_certified)[k] ?? NaN}
            note={proved()}
          >
            <Word>{t("bound")}</Word>
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
          note={t("the smallest gain that is proved to be enough, for exact bits")}
        >
          <Word>{t("gain needed")}</Word>
        </Named>
      )}
      <SafeGain of="gate" numbers={numbers} />
    </Panel>
  );
}
