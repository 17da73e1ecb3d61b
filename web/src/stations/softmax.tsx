// Station 2: logits become probabilities; a shift changes nothing; the gradient is ŷ − t.

import { Bars } from "../components/bars.tsx";
import { Matrix, Named, Num } from "../components/numbers.tsx";
import { Panel } from "../components/panel.tsx";
import { Choice, Count, Setting, Slider } from "../components/slider.tsx";
import { Formula, M, StationFrame, type StationProps } from "../components/station.tsx";
import { matrix, real, reals } from "../protocol.ts";

export function Softmax({ settings, view, info, set, act, store }: StationProps) {
  const { numbers, python } = view;
  const list = (name: string) => reals(numbers[name]);
  const z = settings.z as number[];
  const classes = list("z").map((_, k) => `class ${k}`);
  const bars = (name: string, title: string, low: number, high: number, byClass: boolean) => (
    <Bars
      title={title}
      low={low}
      high={high}
      byClass={byClass}
      bars={list(name).map((value, k) => ({ label: `${k}`, value, name: `${name}.${k}` }))}
    />
  );
  const changed = (k: number, value: number) => set({ z: z.map((old, i) => (i === k ? value : old)) });
  return (
    <StationFrame
      info={info}
      store={store}
      intro={
        <>
          The network’s outputs <M>z</M> may be any numbers. Softmax turns them into a distribution, and
          with cross-entropy its gradient is <M>ŷ − t</M>.
        </>
      }
    >
      <Panel
        title="Logits"
        class="w5"
        python={python}
        names={["z", "exp", "exp_sum"]}
        tools={
          <Count
            label="Classes"
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
            <>
              as computed: the largest logit is subtracted before exp; the sum is{" "}
              <Num name="exp_sum" value={real(numbers.exp_sum)} />
            </>
          }
          rows={["z", "exp(z − max z)"]}
          columns={classes}
          values={[list("z"), list("exp")]}
        />
      </Panel>
      <Panel title="Probabilities" class="w7" python={python} names={["y_hat", "log_y_hat"]}>
        <Formula>
          ŷ<sub>k</sub> = P(t = k | x) = e<sup>z<sub>k</sub></sup> / Σ<sub>j</sub> e
          <sup>z<sub>j</sub></sup>
        </Formula>
        {bars("y_hat", "Probabilities ŷ", 0, 1, true)}
        <Matrix
          name="log_y_hat"
          caption="log ŷ, computed from z and not from ŷ"
          vector
          columns={classes}
          values={[list("log_y_hat")]}
        />
      </Panel>
      <Panel
        title="Shift invariance"
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
          e<sup>c</sup> is in the numerator and in the denominator, so the probabilities do not change.
        </p>
      </Panel>
      <Panel
        title="Loss and gradient"
        class="w7"
        python={python}
        names={["y_hat", "t", "loss", "dL_dz", "dL_dz_sum", "dL_dz_difference"]}
        tools={
          <Choice
            label="Observed class, t"
            value={String(settings.t)}
            options={Object.fromEntries(classes.map((title, k) => [String(k), title]))}
            onChange={(t) => set({ t: Number(t) })}
          />
        }
      >
        <Named name="loss" class="strong" value={real(numbers.loss)} note="−log ŷ of the observed class">
          ℒ
        </Named>
        <Formula>∂ℒ/∂z = ŷ − t</Formula>
        {bars("dL_dz", "Gradient ŷ − t", -1, 1, false)}
        <Matrix
          names={["y_hat", "t", "dL_dz", "dL_dz_difference"]}
          rows={["ŷ", "t", "ŷ − t", "(ℒ(z + ε) − ℒ(z − ε)) / 2ε"]}
          columns={classes}
          digits={6}
          values={["y_hat", "t", "dL_dz", "dL_dz_difference"].map(list)}
        />
        <p class="note">
          Its entries add up to <Num name="dL_dz_sum" value={real(numbers.dL_dz_sum)} />: what one
            class gains, the other classes lose.
        </p>
      </Panel>
      <Panel title="Jacobian" class="w12" python={python} names={["jacobian"]} folded>
        <Matrix
          name="jacobian"
          caption={
            <>
              ∂ŷ/∂z = diag(ŷ) − ŷŷᵀ: row k shows how ŷ<sub>k</sub> responds to each logit
            </>
          }
          rows={classes}
          columns={classes}
          values={matrix(numbers.jacobian)}
          shade
        />
      </Panel>
    </StationFrame>
  );
}

function sub(k: number): string {
  return "₀₁₂₃₄₅₆₇"[k] ?? "";
}
