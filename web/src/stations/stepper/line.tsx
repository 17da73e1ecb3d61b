// The line that is looked at: symbols, shapes, numbers; and one entry of its result in full.

import { Num } from "../../components/numbers.tsx";
import { Panel } from "../../components/panel.tsx";
import { Setting } from "../../components/slider.tsx";
import type { StationProps } from "../../components/station.tsx";
import { real, reals } from "../../protocol.ts";
import { Brackets, same } from "./brackets.tsx";
import { Tex } from "./tex.tsx";
import type { CellView, LineView, Operand, Quantity } from "./shown.ts";

export function LinePanel(props: StationProps & { line: LineView; go: (to: number) => void }) {
  const { settings, view, info, set, line, go } = props;
  const { numbers, python } = view;
  const quantities = view.quantities as Record<string, Quantity>;
  const lines = view.lines as LineView[];
  const cell = view.cell as CellView | null;
  const result = quantities[line.of] as Quantity;
  const operands = line.layout.filter((part): part is Operand => typeof part !== "string");
  const light = (of: string, index: number[]) => {
    const found = cell?.terms
      .flatMap((term) => term.factors.map((factor, k) => ({ ...factor, k })))
      .find((factor) => factor.of === of && factor.index && same(factor.index, index));
    return found ? (found.k === 0 ? "lit" : "lit-2") : "";
  };
  const pick = (index: number[]) =>
    set({ line: line.number, at: cell && same(cell.at, index) && index.length ? [] : index });
  const every = settings.differences === "on" && line.derivative;
  const names = [line.of, ...operands.map((operand) => operand.of)];
  return (
    <Panel
      title="The line"
      class="line-panel"
      python={python}
      names={every ? [...names, "differences"] : names}
      tools={<Walk line={line.number} of={lines.length} go={go} />}
    >
      <div class="equation" aria-live="polite">
        <span class="order">
          {line.number}
          <span class="hidden"> of {lines.length}: </span>
        </span>
        <Tex>{line.equation}</Tex>
      </div>
      <div class="forms">
        {line.delta && line.delta !== line.equation && (
          <span>
            with <Tex>δ = ∂ℒ/∂z</Tex>: <Tex>{line.delta}</Tex>
          </span>
        )}
        {line.entry && (
          <span>
            each entry: <Tex>{line.entry}</Tex>
          </span>
        )}
      </div>
      <div class="scroll">
        <div class="layout" role="group" aria-label="The line in numbers">
          <Brackets
            of={line.of}
            quantity={result}
            numbers={numbers}
            light={() => ""}
            onPick={pick}
            picked={cell?.at ?? null}
            differences={every ? "differences" : undefined}
          />
          <span class="sign">=</span>
          {line.layout.map((part) =>
            typeof part === "string" ? (
              part && <span class="sign math">{part}</span>
            ) : (
              <Brackets
                of={part.of}
                quantity={quantities[part.of] as Quantity}
                symbol={part.text}
                transposed={part.transposed}
                numbers={numbers}
                light={light}
              />
            ),
          )}
        </div>
      </div>
      <p class="note">
        {line.note && <>{line.note}. </>}
        Choose an entry of the result (click, or arrow keys and Enter) to light up its terms.
      </p>
      <div class="row controls">
        <code class="code-line">{line.code}</code>
        {line.derivative && (
          <Setting
            of={info.settings.differences!}
            value={settings.differences}
            onChange={(differences) => set({ differences })}
          />
        )}
      </div>
    </Panel>
  );
}

/** First, previous, next, last line. */
function Walk({ line, of, go }: { line: number; of: number; go: (to: number) => void }) {
  return (
    <div class="walk" role="group" aria-label="Step through the lines">
      <button aria-label="First line" disabled={line <= 1} onClick={() => go(1)}>
        |◀
      </button>
      <button
        aria-label="Previous line"
        aria-keyshortcuts="PageUp ArrowLeft"
        disabled={line <= 1}
        onClick={() => go(line - 1)}
      >
        ◀
      </button>
      <button
        class="primary"
        aria-label="Next line"
        aria-keyshortcuts="PageDown ArrowRight"
        disabled={line >= of}
        onClick={() => go(line + 1)}
      >
        Next ▶
      </button>
      <button aria-label="Last line" disabled={line >= of} onClick={() => go(of)}>
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
      <Panel title="One entry" class="cell-panel">
        <p class="note">
          Choose an entry of the line’s result to see here the terms of its sum, and a check.
        </p>
      </Panel>
    );
  const factors = reals(numbers.cell_factors);
  const terms = reals(numbers.cell_terms);
  let at = 0;
  const names = ["cell_value", "cell_terms", "cell_factors", "cell_expected", "cell_error"];
  return (
    <Panel title="One entry" class="cell-panel" python={python} names={names}>
      <div class="scroll">
        <table class="terms">
          <caption class="hidden">The terms of {cell.entry}</caption>
          <tbody>
            {cell.terms.map((term, i) => (
              <tr>
                <th scope="row" class="math">
                  {i > 0 && <span aria-hidden="true">+ </span>}
                  {term.text}
                </th>
                <td class="left">
                  {term.factors.map((factor, k) => {
                    const number = at++;
                    return (
                      <>
                        {k > 0 && <span class="sign">{term.factors.length > 1 ? "·" : ""}</span>}
                        <span class={`factor ${k === 0 ? "lit" : "lit-2"}`} title={factor.text}>
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
                {cell.entry}
              </th>
              <td />
              <td class="strong">
                = <Num name="cell_value" value={real(numbers.cell_value)} />
              </td>
            </tr>
          </tfoot>
        </table>
      </div>
      <div class={`check ${cell.ok === false ? "bad" : ""}`} role="status">
        <span class="mark" aria-hidden="true">
          {cell.ok === null ? "∿" : cell.ok ? "✓" : "✕"}
        </span>
        {cell.ok === null ? (
          <span>
            A kink of the loss is too near for a finite difference:{" "}
            <Num name="cell_expected" value={real(numbers.cell_expected)} />, error{" "}
            <Num name="cell_error" value={real(numbers.cell_error)} />.
          </span>
        ) : (
          <span>
            {cell.derivative ? "By a finite difference of ℒ" : "The exact sum of the terms"}:{" "}
            <Num name="cell_expected" digits={6} value={real(numbers.cell_expected)} />,{" "}
            {cell.ok ? "which agrees" : "which does NOT agree"}; relative error{" "}
            <Num name="cell_error" value={real(numbers.cell_error)} />
          </span>
        )}
      </div>
    </Panel>
  );
}
