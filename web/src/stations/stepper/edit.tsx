// The network's shape, its parameters, the examples with their targets: all to be changed.

import { Explain } from "../../components/explain.tsx";
import { Panel } from "../../components/panel.tsx";
import { Choice, Count, NumberBox, Setting } from "../../components/slider.tsx";
import type { StationProps } from "../../components/station.tsx";
import { matrix, reals } from "../../protocol.ts";
import { t } from "../../text.ts";
import { Tex } from "./tex.tsx";

const MOST = 100; // of a value
const UP = "⁰¹²³⁴⁵⁶⁷⁸⁹";
/** Layers, units, activation, output unit, seed. */
export function Shape({ settings, view, info, set, act }: StationProps) {
  const kinds = info.settings;
  const hidden = settings.hidden as number[];
  const rows = matrix(view.numbers.inputs).length;
  const change = (sizes: object) => act("shape", sizes);
  return (
    <Panel title={t("The network")} class="shape-panel late">
      <Count
        label={t("Inputs")}
        explain="stepper.inputs"
        value={settings.inputs}
        low={1}
        high={5}
        onChange={(inputs) => change({ inputs })}
      />
      <Count
        label={t("Hidden layers")}
        explain="stepper.hidden"
        value={hidden.length}
        low={0}
        high={3}
        onChange={(n) => change({ hidden: [...hidden.slice(0, n), ...(n > hidden.length ? [2] : [])] })}
      />
      {hidden.map((units, l) => (
        <Count
          label={t("Units in layer {l}", { l: l + 1 })}
          explain={l ? undefined : "stepper.units"}
          value={units}
          low={1}
          high={5}
          onChange={(to) => change({ hidden: hidden.map((old, k) => (k === l ? to : old)) })}
        />
      ))}
      <Count
        label={t("Outputs")}
        explain="stepper.outputs"
        value={settings.outputs}
        low={settings.output === "softmax" ? 2 : 1}
        high={5}
        onChange={(outputs) => change({ outputs })}
      />
      <Count
        label={t("Examples")}
        explain="stepper.rows"
        value={rows}
        low={1}
        high={6}
        onChange={(n) => change({ rows: n })}
      />
      <Choice
        label={t("Activation φ")}
        explain="stepper.activation"
        value={settings.activation}
        options={kinds.activation!.options}
        onChange={(activation) => change({ activation })}
      />
      <Choice
        label={t("Output unit")}
        explain="stepper.output"
        value={settings.output}
        options={kinds.output!.options}
        onChange={(output) => change({ output })}
      />
      <Setting
        of={kinds.seed!}
        box
        value={settings.seed}
        onChange={(seed) => set({ seed, edits: "" })}
      />
    </Panel>
  );
}

/** One example or the batch. */
export function Which({ settings, view, set }: StationProps) {
  const rows = matrix(view.numbers.inputs).length;
  const each = Array.from({ length: rows }, (_, n) => t("Example {n}", { n: n + 1 }));
  const options = [t("The batch"), ...each];
  return (
    <div class="toggles which" role="group" aria-label={t("Which examples")}>
      {options.map((label, example) => (
        <button
          aria-pressed={settings.example === example}
          onClick={() => set({ example, at: [] })}
        >
          {label}
        </button>
      ))}
      <Explain of="stepper.example" label={t("Which examples")} />
    </div>
  );
}

/** Weights, inputs and targets in boxes. */
export function Values({ settings, view, act }: StationProps) {
  const { numbers, python } = view;
  const sizes = view.sizes as number[];
  const classes = settings.output === "softmax";
  const inputs = matrix(numbers.inputs);
  const targets = classes
    ? reals(numbers.targets).map((value) => [value])
    : matrix(numbers.targets);
  const levels = sizes.slice(1).map((_, l) => l + 1);
  const names = levels.flatMap((l) => [`W${l}`, `b${l}`]).concat("inputs", "targets");
  const box = (name: string, label: string, edited: string, value: number, whole = false) => (
    <td>
      <NumberBox
        name={name}
        label={label}
        value={value}
        low={whole ? 0 : -MOST}
        high={whole ? settings.outputs - 1 : MOST}
        step={whole ? 1 : 0.1}
        onChange={(to) => act("edit", { name: edited, value: to })}
      />
    </td>
  );
  return (
    <Panel title={t("Weights, inputs and targets")} class="late" python={python} names={names}>
      <div class="row editor">
        {levels.map((l) => (
          <>
            <table>
              <caption>
                <Tex>{`W⁽${UP[l]}⁾`}</Tex>
              </caption>
              <tbody>
                {matrix(numbers[`W${l}`]).map((row, j) => (
                  <tr>
                    {row.map((value, i) =>
                      box(
                        `W${l}.${j}.${i}`,
                        t("W{l}, unit {j}, input {i}", { l, j: j + 1, i: i + 1 }),
                        `W${l}.${j}.${i}`,
                        value,
                      ),
                    )}
                  </tr>
                ))}
              </tbody>
            </table>
            <table>
              <caption>
                <Tex>{`b⁽${UP[l]}⁾`}</Tex>
              </caption>
              <tbody>
                {reals(numbers[`b${l}`]).map((value, j) => (
                  <tr>
                    {box(
                      `b${l}.${j}`,
                      t("b{l}, unit {j}", { l, j: j + 1 }),
                      `b${l}.${j}`,
                      value,
                    )}
                  </tr>
                ))}
              </tbody>
            </table>
          </>
        ))}
        <table>
          <caption>
            <Tex>x</Tex> <Explain of="stepper.x" label="x" />
          </caption>
          <tbody>
            {inputs.map((row, n) => (
              <tr>
                {row.map((value, i) =>
                  box(
                    `inputs.${n}.${i}`,
                    t("x of example {n}, input {i}", { n: n + 1, i: i + 1 }),
                    `x.${n}.${i}`,
                    value,
                  ),
                )}
              </tr>
            ))}
          </tbody>
        </table>
        <table>
          <caption>
            <Tex>t</Tex> <Explain of="stepper.t" label="t" />
          </caption>
          <tbody>
            {targets.map((row, n) => (
              <tr>
                {row.map((value, k) =>
                  box(
                    classes ? `targets.${n}` : `targets.${n}.${k}`,
                    row.length > 1
                      ? t("t of example {n}, output {k}", { n: n + 1, k: k + 1 })
                      : t("t of example {n}", { n: n + 1 }),
                    `t.${n}.${k}`,
                    value,
                    classes,
                  ),
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="note">
        {t("Each row of x and t is an example.")} {classes && t("t is its class, from 0.")}
      </p>
    </Panel>
  );
}
