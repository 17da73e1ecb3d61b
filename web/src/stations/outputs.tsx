// Station 5: output units with their losses; why ∂ℒ/∂z is ŷ − t, and what happens otherwise.

import { Curves } from "../components/curves.tsx";
import { Named, Num } from "../components/numbers.tsx";
import { Panel } from "../components/panel.tsx";
import { Rich } from "../components/rich.tsx";
import { Scroll } from "../components/scroll.tsx";
import { Choice, Count, Setting, Slider } from "../components/slider.tsx";
import { Formula, M, StationFrame, type StationProps } from "../components/station.tsx";
import { Word } from "../components/word.tsx";
import { matrix, type Numbers, real, reals, type Value } from "../protocol.ts";
import { sub } from "../format.ts";
import { OUTPUT_UNITS } from "../model/output_units.ts";
import { targetName } from "../model/outputs_view.ts";
import { t } from "../text.ts";
import { INTRODUCTIONS } from "../texts/introductions.ts";
import { Cancellation } from "./outputs/cancellation.tsx";

export function Outputs(props: StationProps) {
  const { info, store } = props;
  return (
    <StationFrame info={info} store={store} intro={<Rich text={t(INTRODUCTIONS.outputs!)} />}>
      <Unit {...props} />
      <Shape {...props} />
      <Cancellation {...props} />
      <Squared {...props} />
      <Race {...props} />
      <Pairs {...props} />
    </StationFrame>
  );
}

function Unit({ settings, view, info, set, act }: StationProps) {
  const { numbers, python } = view;
  const kinds = info.settings;
  const softmax = settings.unit === "softmax";
  const logits = settings.logits as number[];
  const target = targetName(settings.unit);
  const unit = OUTPUT_UNITS[settings.unit]!;
  return (
    <Panel
      title={t("Unit, loss and target")}
      class="w5"
      python={python}
      names={["z", "t", "y_hat", "loss", "dL_dz", "dL_dz_difference"]}
      tools={
        softmax && (
          <Count
            label={t("Classes")}
            explain="outputs.classes"
            value={logits.length}
            low={2}
            high={6}
            onChange={(n) => act("resize", { n })}
          />
        )
      }
    >
      <Setting of={kinds.unit!} value={settings.unit} onChange={(to) => set({ unit: to })} />
      <Formula>
        {unit.y_hat_line}
        <br />
        {unit.loss_line}
      </Formula>
      {softmax ? (
        logits.map((value, k) => (
          <Slider
            key={k}
            label={t("z{index}, class {k}", { index: sub(k), k: k + 1 })}
            explain={k ? undefined : "outputs.logits"}
            value={value}
            low={-10}
            high={10}
            step={0.1}
            onChange={(to) => set({ logits: logits.map((old, i) => (i === k ? to : old)) })}
          />
        ))
      ) : (
        <Setting of={kinds.z!} value={settings.z} onChange={(z) => set({ z })} />
      )}
      {target === "klass" ? (
        <Choice
          label={t("Observed class, t")}
          explain="outputs.klass"
          value={String(settings.klass)}
          options={Object.fromEntries(
            logits.map((_, k) => [String(k), t("class {k}", { k: k + 1 })]),
          )}
          onChange={(to) => set({ klass: Number(to) })}
        />
      ) : (
        <Setting
          of={kinds[target]!}
          value={settings[target]}
          onChange={(to) => set({ [target]: to })}
        />
      )}
      <Quantities
        title={t("The unit’s numbers")}
        numbers={numbers}
        rows={[
          ["z", "z"],
          ["t", "t"],
          ["y_hat", "ŷ"],
          ["dL_dz", "∂ℒ/∂z", true],
          ["dL_dz_difference", t("by differences")],
        ]}
      />
      <Named name="loss" value={real(numbers.loss)}>
        ℒ
      </Named>
    </Panel>
  );
}

/** Vectors below each other, with one column per output. */
function Quantities(props: {
  title: string;
  numbers: Numbers;
  rows: [name: string, symbol: string, strong?: boolean][];
}) {
  const { title, numbers, rows } = props;
  const n = reals(numbers[rows[0]?.[0] ?? ""]).length;
  return (
    <Scroll label={title}>
      <table class="quantities">
        <caption class="hidden">{title}</caption>
        {n > 1 && (
          <thead>
            <tr>
              <td />
              {Array.from({ length: n }, (_, k) => (
                <th scope="col">{t("class {k}", { k: k + 1 })}</th>
              ))}
            </tr>
          </thead>
        )}
        <tbody>
          {rows.map(([name, symbol, strong]) => (
            <tr>
              <th scope="row" class={name.endsWith("_difference") ? "note" : "math"}>
                {symbol}
              </th>
              {reals(numbers[name]).map((value, k) => (
                <td class={strong ? "strong" : ""}>
                  <Num name={`${name}.${k}`} value={value} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

interface CurvesView {
  k: number;
  at: number;
  [curve: string]: number | Value;
}

/** ŷ, ℒ and ∂ℒ/∂z as z varies. */
function Shape({ settings, view, set }: StationProps) {
  const curves = view.curves as CurvesView;
  const x = reals(curves.z as Value);
  const y = (name: string) => reals(curves[name] as Value);
  const softmax = settings.unit === "softmax";
  const label = softmax ? `z${sub(curves.k)}` : "z";
  const probability = softmax || settings.unit === "logistic";
  return (
    <Panel title={t("As {z} varies", { z: label })} class="w7">
      {softmax && (
        <div class="toggles" role="group" aria-label={t("Which logit varies")}>
          {(settings.logits as number[]).map((_, k) => (
            <button aria-pressed={k === settings.axis} onClick={() => set({ axis: k })}>
              z{sub(k)}
            </button>
          ))}
        </div>
      )}
      <Curves
        title={t("ŷ, the loss and its gradient for every {z}", { z: label })}
        x={x}
        xLabel={label}
        low={probability ? -1.5 : -6}
        high={probability ? 4.5 : 12}
        at={curves.at}
        height={290}
        curves={[
          { label: "ŷ", y: y("y_hat"), colour: "series-1" },
          { label: "ℒ", y: y("loss"), colour: "series-2" },
          { label: `∂ℒ/∂${label}`, y: y("dL_dz"), colour: "series-3", dashed: true },
        ]}
      />
    </Panel>
  );
}

/** The same unit with the squared error on ŷ. */
function Squared({ settings, view }: StationProps) {
  const { numbers, python } = view;
  const curves = view.curves as CurvesView;
  const y = (name: string) => reals(curves[name] as Value);
  const own = reals(numbers.dL_dz);
  const linear = !["logistic", "softmax", "poisson"].includes(settings.unit);
  return (
    <Panel
      title={t("With the squared error instead")}
      class="w6"
      python={python}
      names={[
        "squared_loss",
        "squared_dL_dy_hat",
        "squared_dL_dz",
        "squared_difference",
        "own_size",
        "squared_size",
      ]}
    >
      <Formula>∂/∂z ½ Σ (ŷ − t)² = ∂ŷ/∂z (ŷ − t)</Formula>
      <p>
        {linear ? (
          <Rich text={t("For a linear unit *∂ŷ/∂z = 1*: nothing is lost.")} />
        ) : (
          <Rich
            text={t("The factor *∂ŷ/∂z* remains, and is nearly 0 where the unit saturates: {so}.")}
            fill={{ so: <strong>{t("a confidently wrong unit learns nothing")}</strong> }}
          />
        )}
      </p>
      <Quantities
        title={t("The squared error’s numbers")}
        numbers={numbers}
        rows={[
          ["squared_dL_dy_hat", "∂/∂ŷ = ŷ − t"],
          ["squared_dL_dz", "∂/∂z", true],
          ["squared_difference", t("by differences")],
        ]}
      />
      <Named name="squared_loss" value={real(numbers.squared_loss)}>
        ½ Σ (ŷ − t)²
      </Named>
      <div class="versus">
        <Named
          name="own_size"
          class="strong"
          value={real(numbers.own_size)}
          note={t("with the unit’s loss")}
        >
          max |∂ℒ/∂z|
        </Named>
        <Named
          name="squared_size"
          value={real(numbers.squared_size)}
          note={t("with the squared error")}
        >
          max |∂/∂z|
        </Named>
      </div>
      <Curves
        title={t("The gradient with each loss")}
        x={reals(curves.z as Value)}
        xLabel={settings.unit === "softmax" ? `z${sub(curves.k)}` : "z"}
        low={own.length > 0 && linear ? -6 : -1.1}
        high={linear ? 6 : 1.1}
        at={curves.at}
        curves={[
          { label: t("unit’s loss"), y: y("dL_dz"), colour: "series-1", dashed: true },
          { label: t("squared error"), y: y("squared_dL_dz"), colour: "series-3" },
        ]}
      />
    </Panel>
  );
}

/** Gradient descent on z with each loss. */
function Race({ settings, view, info, set }: StationProps) {
  const { numbers, python } = view;
  const race = view.race as { k: number; t: number };
  const own = reals(numbers.race_own);
  const squared = reals(numbers.race_squared);
  const finite = [...own, ...squared, race.t].filter((value) => Math.abs(value) < 1e3);
  const probability = ["logistic", "softmax"].includes(settings.unit);
  const last = own.length - 1;
  return (
    <Panel
      title={t("Learning with each loss")}
      class="w6"
      python={python}
      names={["race_own", "race_squared"]}
    >
      <p class="note">
        <Rich
          text={t("Gradient descent on *z* itself, *z ← z − α ∂ℒ/∂z*, from its current value.")}
        />
      </p>
      <Setting of={info.settings.rate!} value={settings.rate} onChange={(rate) => set({ rate })} />
      <Setting of={info.settings.steps!} value={settings.steps} onChange={(steps) => set({ steps })} />
      <Curves
        title={t("ŷ at each step")}
        x={own.map((_, i) => i)}
        xLabel={t("step")}
        low={probability ? 0 : Math.min(...finite)}
        high={probability ? 1 : Math.max(...finite)}
        curves={[
          { label: t("ŷ, unit’s loss"), y: own, colour: "series-1", dashed: true },
          { label: t("ŷ, squared error"), y: squared, colour: "series-3" },
          { label: "t", y: own.map(() => race.t), colour: "edge" },
        ]}
      />
      <Named name={`race_own.${last}`} class="strong" value={own[last] ?? NaN} note={t("unit’s loss")}>
        ŷ <Word>{t("at the end")}</Word>
      </Named>
      <Named name={`race_squared.${last}`} value={squared[last] ?? NaN} note={t("squared error")}>
        ŷ <Word>{t("at the end")}</Word>
      </Named>
    </Panel>
  );
}

const units = () => [t("linear"), t("logistic"), t("softmax of (0, z)")];
const CELLS = [
  ["ŷ − t", ""],
  ["(ŷ − t) ŷ (1 − ŷ)", "ŷ − t"],
  ["2 (ŷ − t) ŷ (1 − ŷ)", "ŷ − t"],
];

/** Every unit with every loss, at the same z and label. */
function Pairs({ settings, view, info, set }: StationProps) {
  const { numbers, python } = view;
  const y_hat = reals(numbers.pairs_y_hat);
  const loss = matrix(numbers.pairs_loss);
  const slope = matrix(numbers.pairs_dL_dz);
  return (
    <Panel
      title={t("Every unit with every loss")}
      class="w12"
      python={python}
      names={["pairs_y_hat", "pairs_loss", "pairs_dL_dz"]}
    >
      <div class="split">
        <Setting of={info.settings.z!} value={settings.z} onChange={(z) => set({ z })} />
        <Setting
          of={info.settings.label!}
          value={settings.label}
          onChange={(label) => set({ label })}
        />
      </div>
      <div class="scroll" tabIndex={0} role="region" aria-label={t("Units and losses")}>
        <table class="pairs">
          <caption class="hidden">{t("Losses and gradients of each pair")}</caption>
          <thead>
            <tr>
              <th scope="col">{t("unit")}</th>
              <th scope="col">ŷ</th>
              <th scope="col">{t("squared error")}</th>
              <th scope="col">{t("cross-entropy")}</th>
            </tr>
          </thead>
          <tbody>
            {units().map((unit, i) => (
              <tr>
                <th scope="row">{t(unit)}</th>
                <td>
                  <Num name={`pairs_y_hat.${i}`} value={y_hat[i] ?? NaN} />
                </td>
                {[0, 1].map((j) => (
                  <td class={(i === 0) === (j === 0) ? "natural" : ""}>
                    {CELLS[i]?.[j] ? (
                      <>
                        <div>
                          <M>ℒ</M> = <Num name={`pairs_loss.${i}.${j}`} value={loss[i]?.[j] ?? NaN} />
                        </div>
                        <div>
                          <M>∂ℒ/∂z = {CELLS[i]?.[j]}</M> ={" "}
                          <Num name={`pairs_dL_dz.${i}.${j}`} value={slope[i]?.[j] ?? NaN} />
                        </div>
                        {(i === 0) === (j === 0) && <div class="note">{t("the natural pair")}</div>}
                      </>
                    ) : (
                      <span class="note">
                        {t("not defined: a linear ŷ is not a probability")}
                      </span>
                    )}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="note">
        {t(
          "The softmax of two logits is the sigmoid of their difference. Its squared error is summed over both outputs, hence the factor 2.",
        )}
      </p>
    </Panel>
  );
}

