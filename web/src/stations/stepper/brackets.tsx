// A matrix in brackets, with its symbol above and its shape below; cells may be chosen.

import { useRef } from "preact/hooks";
import { Num } from "../../components/numbers.tsx";
import { exact, short } from "../../format.ts";
import type { Numbers } from "../../protocol.ts";
import { t } from "../../text.ts";
import { type Block, blocks, entry, nameOf, place, type Quantity } from "./shown.ts";
import { Tex } from "./tex.tsx";

interface BracketsProps {
  of: string;
  quantity: Quantity;
  numbers: Numbers;
  transposed?: boolean;
  /** A vector for each example, drawn as a diagonal matrix. */
  diagonal?: boolean;
  symbol?: string;
  /** The class of a cell: which terms light up. */
  light: (of: string, index: number[]) => string;
  /** Makes it a grid with selectable cells, at most one of them selected. */
  onPick?: (index: number[]) => void;
  picked?: number[] | null;
  /** Shows beside each number its finite difference, under this name. */
  differences?: string;
}

export function Brackets(props: BracketsProps) {
  const { of, quantity, transposed = false, diagonal = false, symbol = quantity.text } = props;
  const parts = blocks(quantity, transposed, diagonal);
  return (
    <div class="quantity">
      <div class="name">
        <Tex>{symbol + (transposed ? "ᵀ" : "")}</Tex>
      </div>
      <div class="blocks">
        {parts.map((block) => (
          <div>
            {block.example && <div class="note">{t("example {n}", { n: block.example })}</div>}
            <Rectangle {...props} block={block} key={`${of}${transposed}${diagonal}`} />
          </div>
        ))}
      </div>
      <div class="note shape">{shapeText(quantity, transposed, diagonal)}</div>
    </div>
  );
}

/** The shape as it is drawn, H × N. */
export function shapeText(quantity: Quantity, transposed = false, diagonal = false): string {
  const parts = blocks(quantity, transposed, diagonal);
  const [block] = parts;
  if (!block || quantity.shape.length === 0) return t("a number");
  const one = `${block.rows} × ${block.columns}`;
  return parts.length > 1 ? t("{n} of {shape}", { n: parts.length, shape: one }) : one;
}

function Rectangle(props: BracketsProps & { block: Block }) {
  const { of, quantity, numbers, light, onPick, picked, differences, diagonal, block } = props;
  const table = useRef<HTMLTableElement>(null);
  const isPicked = (index: number[]) => !!picked && same(index, picked);
  const indices = Array.from({ length: block.rows }, (_, r) =>
    Array.from({ length: block.columns }, (_, c) => block.index(r, c)),
  );
  const anyPicked = indices.some((row) => row.some((index) => index && isPicked(index)));
  const move = (event: KeyboardEvent, index: number[], r: number, c: number) => {
    const last = block.columns - 1;
    const across = diagonal ? 1 : 0; // from one entry of the diagonal to the next
    const to = {
      ArrowUp: [r - 1, c - across],
      ArrowDown: [r + 1, c + across],
      ArrowLeft: [r - across, c - 1],
      ArrowRight: [r + across, c + 1],
      Home: diagonal ? [0, 0] : [r, 0],
      End: diagonal ? [last, last] : [r, last],
    }[event.key];
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      onPick?.(index);
    } else if (to) {
      event.preventDefault();
      event.stopPropagation();
      const [row = 0, column = 0] = to;
      table.current?.rows[row]?.cells[column]?.focus();
    }
  };
  const cell = (index: number[] | null, r: number, c: number) => {
    if (!index)
      return (
        <td class="zero" role={onPick ? "gridcell" : undefined}>
          0
        </td>
      );
    const value = entry(numbers[of], index);
    const number = (
      <>
        <Num name={nameOf(of, index)} value={value} />{" "}
        {differences && (
          <Num
            class="difference"
            name={nameOf(differences, index)}
            value={entry(numbers[differences], index)}
          />
        )}
      </>
    );
    const lit = light(of, index);
    const other = differences ? ` ${short(entry(numbers[differences], index))}` : "";
    if (!onPick) return <td class={lit}>{number}</td>;
    const chosen = isPicked(index);
    const first = !anyPicked && r === 0 && c === 0;
    return (
      <td
        role="gridcell"
        class={`${lit} pick ${chosen ? "picked" : ""}`}
        tabIndex={chosen || first ? 0 : -1}
        aria-selected={chosen}
        aria-label={`${quantity.text}${place(index)} = ${short(value)}${other}`}
        title={`${quantity.text}${place(index)} = ${exact(value)}`}
        onClick={() => onPick(index)}
        onKeyDown={(event) => move(event, index, r, c)}
      >
        {number}
      </td>
    );
  };
  return (
    <table
      ref={table}
      class="brackets"
      role={onPick ? "grid" : undefined}
      aria-label={onPick ? t("{symbol}: choose an entry", { symbol: quantity.text }) : quantity.text}
    >
      <tbody>
        {indices.map((row, r) => (
          <tr>{row.map((index, c) => cell(index, r, c))}</tr>
        ))}
      </tbody>
    </table>
  );
}

export function same(a: number[], b: number[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}
