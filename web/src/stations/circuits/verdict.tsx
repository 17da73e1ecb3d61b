// The neuron with the smallest integers for a truth table, or the rows that contradict every neuron.

import { Matrix, Named, Num } from "../../components/numbers.tsx";
import { Panel } from "../../components/panel.tsx";
import { Rich } from "../../components/rich.tsx";
import { M, type StationProps } from "../../components/station.tsx";
import { Word } from "../../components/word.tsx";
import { sub } from "../../format.ts";
import { matrix, type Numbers, real, reals } from "../../protocol.ts";
import { t } from "../../text.ts";

export function Verdict(props: StationProps) {
  return real(props.view.numbers.one_possible) === 1 ? <Yes {...props} /> : <No {...props} />;
}

function Yes({ view, set }: StationProps) {
  const { numbers, python } = view;
  const w = reals(numbers.one_w);
  const b = real(numbers.one_b);
  return (
    <Panel
      title={t("The answer: yes")}
      class="w5"
      python={python}
      names={["one_w", "one_b", "one_margin"]}
    >
      <p>{t("One neuron computes this table. No smaller integers work as weights:")}</p>
      <Matrix
        name="one_w"
        caption="w"
        vector
        columns={w.map((_, i) => `w${sub(i)}`)}
        values={[w]}
        shade
      />
      <Named name="one_b" value={b}>
        b
      </Named>
      <Named name="one_margin" value={real(numbers.one_margin)} note={t("the smallest |w·x + b|")}>
        <Word>{t("margin")}</Word>
      </Named>
      <button class="primary" onClick={() => set({ w, b })}>
        {t("Take these weights")}
      </button>
    </Panel>
  );
}

function No({ view }: StationProps) {
  const { numbers, python } = view;
  const sides = ["true", "false"] as const;
  const names = sides.flatMap((side) =>
    ["", "_z", "_sum"].map((part) => `contradiction_${side}${part}`),
  );
  return (
    <Panel
      title={t("The answer: no")}
      class="w5"
      python={python}
      names={["contradiction_total", ...names]}
    >
      <p>{t("No single neuron computes this table. These rows prove it:")}</p>
      {sides.map((side) => (
        <Side side={side} wanted={Number(side === "true")} numbers={numbers} />
      ))}
      <p>
        <Rich
          text={t(
            "Both lists have equally many rows, and their *x* add up to the same sum. So *w·x + b* adds up to {same} over both lists, for any *w* and *b*: move the sliders to see it. But the sum would have to be above 0 over the first list, and not above 0 over the second.",
          )}
          fill={{ same: <strong>{t("the same number")}</strong> }}
        />
      </p>
    </Panel>
  );
}

/** The rows that must be 1, or 0, with how often each counts, and their sums. */
function Side({ side, wanted, numbers }: { side: string; wanted: number; numbers: Numbers }) {
  const name = `contradiction_${side}`;
  const z = reals(numbers[`${name}_z`]);
  const total = reals(numbers.contradiction_total);
  return (
    <table class="proof">
      <caption>
        {t("must give {wanted}:", { wanted })} <M>w·x + b {wanted ? "> 0" : "≤ 0"}</M>
      </caption>
      <thead>
        <tr>
          <th scope="col">{t("times")}</th>
          {total.map((_, i) => (
            <th scope="col">x{sub(i)}</th>
          ))}
          <th scope="col">{t("your w·x + b")}</th>
        </tr>
      </thead>
      <tbody>
        {matrix(numbers[name]).map((row, i) => (
          <tr>
            {row.map((value, j) => (
              <td>
                <Num name={`${name}.${i}.${j}`} value={value} />
              </td>
            ))}
            <td>
              <Num name={`${name}_z.${i}`} value={z[i] ?? NaN} />
            </td>
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">{t("sum")}</th>
          {total.map((value, j) => (
            <td>
              <Num name={`contradiction_total.${j}`} value={value} />
            </td>
          ))}
          <td class="strong">
            <Num name={`${name}_sum`} value={real(numbers[`${name}_sum`])} />
          </td>
        </tr>
      </tfoot>
    </table>
  );
}
