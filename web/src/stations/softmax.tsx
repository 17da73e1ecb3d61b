// Station 2: logits become probabilities; a shift changes nothing; the gradient is ŷ − t.

import { Bars } from "../components/bars.tsx";
import { Signs, SlideNote } from "../components/legend.tsx";
import { Matrix, Named, Num } from "../components/numbers.tsx";
import { Panel } from "../components/panel.tsx";
import { Rich } from "../components/rich.tsx";
import { Choice, Count, Setting, Slider } from "../components/slider.tsx";
import { Formula, StationFrame, type StationProps } from "../components/station.tsx";
import { sub } from "../format.ts";
import { matrix, real, reals } from "../protocol.ts";
import { t } from "../text.ts";
import { INTRODUCTIONS } from "../texts/introductions.ts";

export function Softmax({ settings, view, info, set, act, store }: StationProps) {
  const { numbers, python } = view;
  const list = (name: string) => reals(numbers[name]);
  const z = settings.z as number[];
  const classes = list("z").map((_, k) => t("class {k}", { k: k + 1 }));
  const bars = (name: string, title: string, low: number, high: number, byClass: boolean) => (
    <Bars
      title={title}
      low={low}
      high={high}
      byClass={byClass}
      bars={list(name).map((value, k) => ({ label: classes[k]!, value, name: `${name}.${k}` }))}
    />
  );
  const changed = (k: number, value: number) => set({ z: z.map((old, i) => (i === k ? value : old)) });
  return (
    <StationFrame info={info} store={store} intro={<Rich text={t(INTRODUCTIONS.softmax!)} />}>
      <Panel
        title={t("Logits")}
        class="w5"
        python={python}
        names={["z", "exp", "exp_sum"]}
        tools={
          <Count
            label={t("Classes")}
            explain="softmax.classes"
            value={z.length}
            low={2}
            high={8}
            onChange={(n) => act("resize", { n })}
          />
        }
      >
        {z.map((value, k) => (
          <Slider
            key={k}
            label={`z${sub(k)}`}
            explain={k ? undefined : "softmax.z"}
            value={value}
            low={-20}
            high={20}
            step={0.1}
            onChange={(to) => changed(k, to)}
          />
        ))}
        <Matrix
          names={["z", "exp"]}
          caption={
            <Rich
              text={t("as computed: the largest logit is subtracted before exp; the sum is {sum}")}
              fill={{ sum: <Num name="exp_sum" value={real(numbers.exp_sum)} /> }}
            />
          }
          rows={["z", "exp(z − max z)"]}
          columns={classes}
          values={[list("z"), list("exp")]}
        />
      </Panel>
      <Panel title={t("Probabilities")} class="w7" python={python} names={["y_hat", "log_y_hat"]}>
        <Formula>
          ŷ<sub>k</sub> = P(t = k | x) = e<sup>z<sub>k</sub></sup> / Σ<sub>j</sub> e
          <sup>z<sub>j</sub></sup>
        </Formula>
        {bars("y_hat", t("Probabilities ŷ"), 0, 1, true)}
        <Matrix
          name="log_y_hat"
          caption={t("log ŷ, computed from z and not from ŷ")}
          vector
          columns={classes}
          values={[list("log_y_hat")]}
        />
      </Panel>
      <Panel
        title={t("Shift invariance")}
        class="w5"
        python={python}
        names={["shifted", "y_hat_shifted", "y_hat"]}
      >
        <Setting
          of={info.settings.shift!}
          value={settings.shift}
          onChange={(shift) => set({ shift })}
        />
        <Matrix
          names={["shifted", "y_hat_shifted", "y_hat"]}
          rows={["z + c", "softmax(z + c)", "softmax(z)"]}
          columns={classes}
          values={[list("shifted"), list("y_hat_shifted"), list("y_hat")]}
        />
        <p class="note">
          <Rich
            text={t("The factor *eᶜ* is in the numerator and in the denominator, so the probabilities do not change.")}
          />
        </p>
      </Panel>
      <Panel
        title={t("Loss and gradient")}
        class="w7"
        python={python}
        names={["y_hat", "t", "loss", "dL_dz", "dL_dz_sum", "dL_dz_difference"]}
        tools={
          <Choice
            label={t("Observed class, t")}
            explain="softmax.t"
            value={String(settings.t)}
            options={Object.fromEntries(classes.map((title, k) => [String(k), title]))}
            onChange={(to) => set({ t: Number(to) })}
          />
        }
      >
        <Named
          name="loss"
          class="strong"
          value={real(numbers.loss)}
          note={t("−log ŷ of the observed class")}
        >
          ℒ
        </Named>
        <Formula>∂ℒ/∂z = ŷ − t</Formula>
        {bars("dL_dz", t("Gradient ŷ − t"), -1, 1, false)}
        <Signs />
        <Matrix
          names={["y_hat", "t", "dL_dz", "dL_dz_difference"]}
          rows={["ŷ", "t", "ŷ − t", "(ℒ(z + ε) − ℒ(z − ε)) / 2ε"]}
          columns={classes}
          digits={6}
          values={["y_hat", "t", "dL_dz", "dL_dz_difference"].map(list)}
        />
        <p class="note">
          <Rich
            text={t(
              "The entries of the gradient add up to {sum}: what one class gains, the others lose.",
            )}
            fill={{ sum: <Num name="dL_dz_sum" value={real(numbers.dL_dz_sum)} /> }}
          />
        </p>
        <SlideNote
          text={t(
            "The slide’s indicator *I(k, t)* is the entry *k* of the vector *t* here: 1 for the observed class, 0 for the others. Classes count from 1 to *K*; Python counts from 0, so class 1 is t = 0 in the program.",
          )}
        />
      </Panel>
      <Panel title={t("Jacobian")} class="w12" python={python} names={["jacobian"]} folded>
        <Matrix
          name="jacobian"
          caption={
            <Rich
              text={t("*∂ŷ/∂z = diag(ŷ) − ŷŷᵀ*: row *k* shows how *ŷₖ* responds to each logit")}
            />
          }
          rows={classes.map((_, k) => `ŷ${sub(k)}`)}
          columns={classes.map((_, k) => `z${sub(k)}`)}
          values={matrix(numbers.jacobian)}
          shade
        />
        <Signs />
      </Panel>
    </StationFrame>
  );
}
