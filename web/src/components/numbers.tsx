// Numbers with their names: every number on the page is one of these.

import type { ComponentChildren } from "preact";
import { exact, short } from "../format.ts";
import { Scroll } from "./scroll.tsx";
import { useId } from "./slider.tsx";

interface NumProps {
  /** The name under which "copy as Python" prints it, with indices: "jacobian.0.1". */
  name: string;
  value: number;
  digits?: number;
  class?: string;
  /** The text for NaN if it means that there is no value yet. */
  nothing?: string;
}

/** One number: about four visible digits, and all digits in data-value and the tooltip. */
export function Num({ name, value, digits = 4, class: extra = "", nothing }: NumProps) {
  return (
    <span
      class={`num ${extra}`}
      data-name={name}
      data-value={exact(value)}
      title={`${name} = ${exact(value)}`}
    >
      {nothing && Number.isNaN(value) ? nothing : short(value, digits)}
    </span>
  );
}

/** The same inside an SVG. */
export function SvgNum(props: NumProps & { x: number; y: number }) {
  const { name, value, digits = 4, class: extra = "", x, y } = props;
  return (
    <text class={`num ${extra}`} x={x} y={y} data-name={name} data-value={exact(value)}>
      <title>{`${name} = ${exact(value)}`}</title>
      {short(value, digits)}
    </text>
  );
}

/** A named number in a line: H(q) = 0.8979. */
export function Named(props: NumProps & { children: ComponentChildren; note?: string }) {
  const { children, note, ...num } = props;
  return (
    <div class="named">
      <span class="symbol">{children}</span>
      <span aria-hidden="true">=</span>
      <Num {...num} />
      {note && <span class="note">{note}</span>}
    </div>
  );
}

interface MatrixProps {
  name?: string;
  values: number[][];
  caption?: ComponentChildren;
  rows?: ComponentChildren[];
  columns?: ComponentChildren[];
  digits?: number;
  /** The values are a vector: its numbers have one index, `name.k`. */
  vector?: boolean;
  /** The rows are vectors of these names. */
  names?: string[];
  /** Shade the cells by their value: blue below 0, orange above. */
  shade?: boolean;
  /** Selectable cells, and the selected one. */
  onPick?: (row: number, column: number) => void;
  picked?: (row: number, column: number) => string;
}

/** A matrix with names of rows and columns; a vector is one of a single row or column. */
export function Matrix(props: MatrixProps) {
  const { name, names, values, caption, rows, columns, digits, vector, shade, onPick, picked } = props;
  const nameOf = (i: number, j: number) =>
    names ? `${names[i]}.${j}` : vector ? `${name}.${i + j}` : `${name}.${i}.${j}`;
  const id = useId();
  const scale = Math.max(1e-300, ...values.flat().filter(Number.isFinite).map(Math.abs));
  return (
    <Scroll labelledby={caption ? id : undefined}>
      {caption && (
        <div class="caption" id={id}>
          {caption}
        </div>
      )}
      <table class="matrix" aria-labelledby={caption ? id : undefined}>
        {columns && (
          <thead>
            <tr>
              {rows && <td />}
              {columns.map((column) => (
                <th scope="col">{column}</th>
              ))}
            </tr>
          </thead>
        )}
        <tbody>
          {values.map((row, i) => (
            <tr>
              {rows && <th scope="row">{rows[i]}</th>}
              {row.map((value, j) => {
                const cell = <Num name={nameOf(i, j)} value={value} digits={digits} />;
                return (
                  <td
                    class={picked?.(i, j) ?? ""}
                    style={shade ? shadeOf(value / scale) : undefined}
                  >
                    {onPick ? (
                      <button class="cell" onClick={() => onPick(i, j)}>
                        {cell}
                      </button>
                    ) : (
                      cell
                    )}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

/** A background for a value from −1 to 1: mixed into the surface, so that text stays readable. */
export function shadeOf(value: number): { background: string } | undefined {
  if (!Number.isFinite(value) || value === 0) return undefined;
  const share = Math.round(45 * Math.min(1, Math.abs(value)));
  const side = value < 0 ? "negative" : "positive";
  return { background: `color-mix(in srgb, var(--${side}) ${share}%, transparent)` };
}
