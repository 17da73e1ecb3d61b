// Station 1: two distributions to drag, KL term by term, and binary cross-entropy as a case of it.

import { Bars } from "../components/bars.tsx";
import { Signs, SlideNote } from "../components/legend.tsx";
import { Line } from "../components/line.tsx";
import { Named, Num } from "../components/numbers.tsx";
import { Panel } from "../components/panel.tsx";
import { Rich } from "../components/rich.tsx";
import { Count, Setting } from "../components/slider.tsx";
import { Formula, M, StationFrame, type StationProps } from "../components/station.tsx";
import { sub } from "../format.ts";
import { real, reals } from "../protocol.ts";
import { t } from "../text.ts";
import { INTRODUCTIONS } from "../texts/introductions.ts";

const WHOLE = 1000; // the settings are thousandths

export function Divergence({ settings, view, info, set, act, store }: StationProps) {
  const { numbers, python } = view;
  const number = (name: string) => real(numbers[name]);
  const n = reals(numbers.q).length;
  const distribution = (name: "q" | "p", title: string) => (
    <Bars
      title={title}
      high={1}
      colour={name === "q" ? "data" : "model"}
      bars={reals(numbers[name]).map((value, k) => ({
        label: `x${sub(k)}`,
        value,
        name: `${name}.${k}`,
      }))}
      onDrag={(index, value) => act("drag", { which: name, index, to: Math.round(value * WHOLE) })}
    />
  );
  const terms = (name: string, title: string) => {
    const values = reals(numbers[name]);
    const finite = values.filter(Number.isFinite);
    return (
      <Bars
        title={title}
        low={Math.min(0, ...finite) * 1.1}
        high={Math.max(0.05, ...finite) * 1.05}
        height={140}
        bars={values.map((value, k) => ({ label: `x${sub(k)}`, value, name: `${name}.${k}` }))}
      />
    );
  };
  const curve = view.curve as { y_hat: number[]; bce: (number | string)[] };
  return (
    <StationFrame
      info={info}
      store={store}
      intro={<Rich text={t(INTRODUCTIONS.divergence!)} />}
    >
      <Panel
        title={t("Two distributions")}
        class="w7"
        python={python}
        names={["q", "p"]}
        tools={
          <Count
            label={t("Outcomes")}
            explain="divergence.outcomes"
            value={n}
            low={2}
            high={8}
            onChange={(length) => act("resize", { n: length })}
          />
        }
      >
        <div class="pair">
          <figure>
            <figcaption>
              <Rich text={t("*Q*, the data")} />
            </figcaption>
            {distribution("q", t("Q, the data"))}
          </figure>
          <figure>
            <figcaption>
              <Rich text={t("*P*, the model")} />
            </figcaption>
            {distribution("p", t("P, the model"))}
          </figure>
        </div>
      </Panel>
      <Panel
        title={t("The distance")}
        class="w5"
        python={python}
        names={["entropy", "cross_entropy", "kl", "kl_reversed"]}
      >
        <Formula>
          KL(Q‖P) = Σ<sub>x</sub> Q(x) log <Fraction top="Q(x)" bottom="P(x)" />
        </Formula>
        <Named name="entropy" value={number("entropy")} note={t("entropy of the data")}>
          H(Q)
        </Named>
        <Named name="cross_entropy" value={number("cross_entropy")} note={t("cost if you predict P")}>
          H(Q, P)
        </Named>
        <Named name="kl" class="strong" value={number("kl")} note={t("H(Q, P) − H(Q), never negative")}>
          KL(Q‖P)
        </Named>
        <Named name="kl_reversed" value={number("kl_reversed")} note={t("reversed: a different value")}>
          KL(P‖Q)
        </Named>
      </Panel>
      <Panel
        title={t("Term by term")}
        class="w12"
        python={python}
        names={["entropy_terms", "cross_entropy_terms", "kl_terms"]}
      >
        <div class="pair three">
          <figure>
            <figcaption>
              <Rich text={t("*−Q(x) log Q(x)*, together H(Q)")} />
            </figcaption>
            {terms("entropy_terms", t("Terms of H(Q)"))}
          </figure>
          <figure>
            <figcaption>
              <Rich text={t("*−Q(x) log P(x)*, together H(Q, P)")} />
            </figcaption>
            {terms("cross_entropy_terms", t("Terms of H(Q, P)"))}
          </figure>
          <figure>
            <figcaption>
              <Rich
                text={t("*Q(x) log Q(x)/P(x)*, together KL(Q‖P); single terms may be negative")}
              />
            </figcaption>
            {terms("kl_terms", t("Terms of KL(Q‖P)"))}
          </figure>
        </div>
        <Signs />
      </Panel>
      <Panel
        title={t("Binary cross-entropy")}
        class="w12"
        python={python}
        names={["t", "y_hat", "bce", "binary_kl", "binary_entropy"]}
      >
        <div class="split">
          <div>
            <Formula>
              −t log ŷ − (1 − t) log(1 − ŷ) = KL(Q‖P) + H(Q)
            </Formula>
            <Setting of={info.settings.t!} value={settings.t} onChange={(to) => set({ t: to })} />
            <Setting
              of={info.settings.y_hat!}
              value={settings.y_hat}
              onChange={(y_hat) => set({ y_hat })}
            />
            <Named name="bce" class="strong" value={number("bce")}>
              {t("cross-entropy")}
            </Named>
            <Named name="binary_kl" value={number("binary_kl")}>
              KL(Q‖P)
            </Named>
            <Named
              name="binary_entropy"
              value={number("binary_entropy")}
              note={
                number("binary_entropy") === 0 ? t("0 · log 0 is 0: the label is certain") : ""
              }
            >
              H(Q)
            </Named>
            <p class="note">
              <M>Q = (1 − t, t)</M>, <M>P = (1 − ŷ, ŷ)</M>, <M>t</M> ={" "}
              <Num name="t" value={number("t")} />, <M>ŷ</M> ={" "}
              <Num name="y_hat" value={number("y_hat")} />
            </p>
            <SlideNote
              text={t(
                "The slide’s last term, *Σ Q log Q*, is *−H(Q)*. For an observed label, *t* is 0 or 1 and the term is 0: then KL is the cross-entropy.",
              )}
            />
          </div>
          <Line
            title={t("Binary cross-entropy for every prediction ŷ")}
            x={curve.y_hat}
            y={curve.bce.map(Number)}
            xLabel="ŷ"
            yLabel="ℒ"
            high={5}
            at={{ x: number("y_hat"), y: number("bce") }}
          />
        </div>
      </Panel>
    </StationFrame>
  );
}

function Fraction({ top, bottom }: { top: string; bottom: string }) {
  return (
    <span class="fraction">
      <span>{top}</span>
      <span class="hidden"> / </span>
      <span>{bottom}</span>
    </span>
  );
}
