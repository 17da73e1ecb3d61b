// The line that is looked at: symbols, shapes, numbers; and one entry of its result in full.

import { Scroll } from "../../components/scroll.tsx";
import { Num } from "../../components/numbers.tsx";
import { Panel } from "../../components/panel.tsx";
import { Setting } from "../../components/slider.tsx";
import type { StationProps } from "../../components/station.tsx";
import { real, reals } from "../../protocol.ts";
import { t } from "../../text.ts";
import { Brackets, same } from "./brackets.tsx";
import {
  type CellView,
  factorText,
  type LineView,
  type Operand,
  place,
  type Quantity,
  sentence,
  termText,
  withMatrices,
} from "./shown.ts";
import { set, Slides, Tex } from "./tex.tsx";

export function LinePanel(props: StationProps & { line: LineView; go: (to: number) => void }) {
  const { settings, view, info, set: change, go } = props;
  const { numbers, python } = view;
  const quantities = view.quantities as Record<string, Quantity>;
  const lines = view.lines as LineView[];
  const cell = view.cell as CellView | null;
  const matrices = settings.diagonal === "matrix";
  const line = matrices ? withMatrices(props.line, view.n as number) : props.line;
  const { remark } = line;
  const result = quantities[line.of] as Quantity;
  const operands = line.layout.filter((part): part is Operand => typeof part !== "string");
  const slopes = [line.of, ...operands.map(({ of }) => of)].some((of) => of.startsWith("dphi"));
  const light = (of: string, index: number[]) => {
    const found = cell?.terms
      .flatMap((term) => term.factors.map((factor, k) => ({ ...factor, k })))
      .find((factor) => factor.of === of && factor.index && same(factor.index, index));
    return found ? (found.k === 0 ? "lit" : "lit-2") : "";
  };
  const pick = (index: number[]) =>
    change({ line: line.number, at: cell && same(cell.at, index) && index.length ? [] : index });
  const every = settings.differences === "on" && line.derivative;
  const names = [line.of, ...operands.map((operand) => operand.of)];
  return (
    <Panel
      title={t("The line")}
      class="line-panel"
      python={python}
      names={every ? [...names, "differences"] : names}
      tools={<Walk line={line.number} of={lines.length} go={go} />}
    >
      <div class="equation" aria-live="polite">
        <span class="order">
          {line.number}
          <span class="hidden"> {t("of {n}:", { n: lines.length })} </span>
        </span>
        <Tex>{line.equation}</Tex>
      </div>
      <div class="forms">
        {line.delta && line.delta !== line.equation && (
          <span>
            {t("with δ = ∂ℒ/∂z:")} <Tex>{line.delta}</Tex>
          </span>
        )}
        {line.entry && (
          <span>
            {t("each entry:")} <Tex>{line.entry}</Tex>
          </span>
        )}
      </div>
      <Scroll label={t("Table")}>
        <div class="layout" role="group" aria-label={t("The line in numbers")}>
          <Brackets
            of={line.of}
            quantity={result}
            symbol={matrices && line.of.startsWith("dphi") ? "∂h/∂z" : undefined}
            diagonal={matrices && line.of.startsWith("dphi")}
            numbers={numbers}
            light={() => ""}
            onPick={pick}
            picked={cell?.at ?? null}
            differences={every ? "differences" : undefined}
          />
          <span class="sign">=</span>
          {line.layout.map((part) =>
            typeof part === "string" ? (
              part && <span class="sign math">{set(part)}</span>
            ) : (
              <Brackets
                of={part.of}
                quantity={quantities[part.of] as Quantity}
                symbol={part.text}
                transposed={part.transposed}
                diagonal={part.diagonal}
                numbers={numbers}
                light={light}
              />
            ),
          )}
        </div>
      </Scroll>
      <p class="note">
        {line.note && <>{set(sentence(remark ? t(remark.text, remark.values) : line.note))} </>}
        {t("Choose an entry of the result (click, or arrow keys and Enter): its terms light up.")}
      </p>
      {/^(z|dL_dW)\d/.test(line.of) && <Slides />}
      <div class="row controls">
        <code class="code-line">{line.code}</code>
        {slopes && (
          <Setting
            of={info.settings.diagonal!}
            value={settings.diagonal}
            onChange={(diagonal) => change({ diagonal })}
          />
        )}
        {line.derivative && (
          <Setting
            of={info.settings.differences!}
            value={settings.differences}
            onChange={(differences) => change({ differences })}
          />
        )}
      </div>
    </Panel>
  );
}

/** First, previous, next, last line. */
function Walk({ line, of, go }: { line: number; of: number; go: (to: number) => void }) {
  return (
    <div class="walk" role="group" aria-label={t("Step through the lines")}>
      <button aria-label={t("First line")} disabled={line <= 1} onClick={() => go(1)}>
        |◀
      </button>
      <button
        aria-label={t("Previous line")}
        aria-keyshortcuts="PageUp ArrowLeft"
        disabled={line <= 1}
        onClick={() => go(line - 1)}
      >
        ◀
      </button>
      <button
        class="primary"
        aria-label={t("Next line")}
        aria-keyshortcuts="PageDown ArrowRight"
        disabled={line >= of}
        onClick={() => go(line + 1)}
      >
        {t("Next")} ▶
      </button>
      <button aria-label={t("Last line")} disabled={line >= of} onClick={() => go(of)}>
        ▶|
      </button>
    </div>
  );
}

/** The chosen entry: its terms, their sum, and the same number computed in another way. */
export function CellPanel({ view }: StationProps) {
  const { numbers, python } = view;
  const cell = view.cell as CellView | null;
  if (!cell)
    return (
      <Panel title={t("One entry")} class="cell-panel">
        <p class="note">
          {t("Choose an entry of the line’s result: its terms appear here, with a check.")}
        </p>
      </Panel>
    );
  const factors = reals(numbers.cell_factors);
  const terms = reals(numbers.cell_terms);
  let at = 0;
  const names = ["cell_value", "cell_terms", "cell_factors", "cell_expected", "cell_error"];
  const symbol = cell.name + place(cell.at);
  return (
    <Panel title={t("One entry")} class="cell-panel" python={python} names={names}>
      <Scroll label={t("Table")}>
        <table class="terms">
          <caption class="hidden">{t("The terms of {entry}", { entry: symbol })}</caption>
          <tbody>
            {cell.terms.map((term, i) => (
              <tr>
                <th scope="row" class="math">
                  {i > 0 && <span aria-hidden="true">+ </span>}
                  {set(term.factors.length ? termText(term) : symbol)}
                </th>
                <td class="left">
                  {term.factors.map((factor, k) => {
                    const number = at++;
                    return (
                      <>
                        {k > 0 && <span class="sign">{term.form ? "" : "·"}</span>}
                        <span
                          class={`factor ${k === 0 ? "lit" : "lit-2"}`}
                          title={factorText(factor)}
                        >
                          <Num name={`cell_factors.${number}`} value={factors[number] ?? NaN} />
                        </span>
                      </>
                    );
                  })}
                </td>
                <td>
                  = <Num name={`cell_terms.${i}`} value={terms[i] ?? NaN} />
                </td>
              </tr>
            ))}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row" class="math">
                {set(symbol)}
              </th>
              <td />
              <td class="strong">
                = <Num name="cell_value" value={real(numbers.cell_value)} />
              </td>
            </tr>
          </tfoot>
        </table>
      </Scroll>
      <Verdict cell={cell} expected={real(numbers.cell_expected)} error={real(numbers.cell_error)} />
    </Panel>
  );
}

/** Whether the number computed in another way is the same. */
function Verdict(props: { cell: CellView; expected: number; error: number }) {
  const { cell, expected, error } = props;
  const numbers = (
    <>
      <Num name="cell_expected" digits={6} value={expected} />
      {"; "}
      {t("relative error")} <Num name="cell_error" value={error} />
    </>
  );
  const method = cell.derivative ? t("Finite difference") : t("Exact sum of the terms");
  const said =
    cell.ok === null
      ? t("not comparable: a kink is too near")
      : cell.ok
        ? t("agrees")
        : t("does NOT agree");
  return (
    <div class={`check ${cell.ok === false ? "bad" : ""}`} role="status">
      <span class="mark" aria-hidden="true">
        {cell.ok === null ? "∿" : cell.ok ? "✓" : "✕"}
      </span>
      <span>
        {method}: {said}. {numbers}
      </span>
    </div>
  );
}
