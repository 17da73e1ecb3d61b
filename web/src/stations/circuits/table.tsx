// A truth table: bits, what is wanted, soft values with a bar, and how far they are off.

import type { ComponentChildren } from "preact";
import { Num } from "../../components/numbers.tsx";
import { t } from "../../text.ts";

interface Column {
  head: ComponentChildren;
  /** For each row, a name and a value, shown with a bar from 0 to 1 if `bar` is set. */
  name: (row: number) => string;
  values: number[];
  bar?: boolean;
  wrong?: (row: number) => boolean;
  /** Makes the cells buttons. */
  onPress?: (row: number) => void;
  say?: (row: number) => string;
}

export function TruthTable(props: {
  caption: string;
  inputs: string[];
  rows: number[][];
  columns: Column[];
  /** The row of the current inputs. */
  row?: number;
  onRow?: (bits: number[]) => void;
}) {
  const { caption, inputs, rows, columns, row, onRow } = props;
  return (
    <div class="scroll tall" tabIndex={0} role="region" aria-label={caption}>
      <table class="truth">
        <caption class="hidden">{caption}</caption>
        <thead>
          <tr>
            <th scope="col">{inputs.join(" ")}</th>
            {columns.map((column) => (
              <th scope="col">{column.head}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((bits, i) => (
            <tr class={i === row ? "now" : ""} aria-current={i === row ? "true" : undefined}>
              <th scope="row">
                {onRow ? (
                  <button
                    class="cell bits"
                    aria-label={t("Set the inputs to {bits}", { bits: bits.join(" ") })}
                    onClick={() => onRow(bits)}
                  >
                    {bits.join(" ")}
                  </button>
                ) : (
                  <span class="bits">{bits.join(" ")}</span>
                )}
              </th>
              {columns.map((column) => {
                const value = column.values[i] ?? NaN;
                const number = <Num name={column.name(i)} value={value} />;
                const wrong = column.wrong?.(i);
                return (
                  <td class={wrong ? "wrong" : ""}>
                    {column.bar && (
                      <span class="meter" aria-hidden="true">
                        <span style={{ width: `${100 * Math.min(1, Math.max(0, value))}%` }} />
                      </span>
                    )}
                    {column.onPress ? (
                      <button
                        class="cell bit"
                        aria-label={column.say?.(i)}
                        onClick={() => column.onPress?.(i)}
                      >
                        {number}
                      </button>
                    ) : (
                      number
                    )}
                    {wrong && <span class="wrongly"> ✕<span class="hidden"> {t("wrong")}</span></span>}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
