// A matrix in brackets, with its symbol above and its shape below; cells may be chosen.

import { useRef } from "preact/hooks";
import { exact, short } from "../../format.ts";
import { Num } from "../../components/numbers.tsx";
import type { Numbers } from "../../protocol.ts";
import { type Block, blocks, entry, nameOf, place, type Quantity, shapeText } from "./shown.ts";

interface BracketsProps {
  of: string;
  quantity: Quantity;
  numbers: Numbers;
  transposed?: boolean;
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
  const { of, quantity, transposed = false, symbol = quantity.text } = props;
  const parts = blocks(quantity, transposed);
  return (
    <div class="quantity">
      <div class="math name">
        {symbol}
        {transposed && <sup>T</sup>}
      </div>
      <div class="blocks">
        {parts.map((block) => (
          <div>
            {block.label && <div class="note math">{block.label}</div>}
            <Rectangle {...props} block={block} key={of + transposed} />
          </div>
        ))}
      </div>
      <div class="note shape">{shapeText(quantity, transposed)}</div>
    </div>
  );
}

function Rectangle(props: BracketsProps & { block: Block }) {
  const { of, quantity, numbers, light, onPick, picked, differences, block } = props;
  const table = useRef<HTMLTableElement>(null);
  const isPicked = (index: number[]) => picked !== null && picked !== undefined && same(index, picked);
  const indices = Array.from({ length: block.rows }, (_, r) =>
    Array.from({ length: block.columns }, (_, c) => block.index(r, c)),
  );
  const anyPicked = indices.some((row) => row.some(isPicked));
  const move = (event: KeyboardEvent, r: number, c: number) => {
    const to = {
      ArrowUp: [r - 1, c],
      ArrowDown: [r + 1, c],
      ArrowLeft: [r, c - 1],
      ArrowRight: [r, c + 1],
      Home: [r, 0],
      End: [r, block.columns - 1],
    }[event.key];
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      onPick?.(block.index(r, c));
    } else if (to) {
      event.preventDefault();
      event.stopPropagation();
      const [row = 0, column = 0] = to;
      table.current?.rows[row]?.cells[column]?.focus();
    }
  };
  return (
    <table
      ref={table}
      class="brackets"
      role={onPick ? "grid" : undefined}
      aria-label={onPick ? `${quantity.text}: choose an entry` : quantity.text}
    >
      <tbody>
        {indices.map((row, r) => (
          <tr>
            {row.map((index, c) => {
              const value = entry(numbers[of], index);
              const number = (
                <>
                  <Num name={nameOf(of, index)} value={value} />
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
              if (!onPick) return <td class={lit}>{number}</td>;
              const chosen = isPicked(index);
              const first = !anyPicked && r === 0 && c === 0;
              return (
                <td
                  role="gridcell"
                  class={`${lit} pick ${chosen ? "picked" : ""}`}
                  tabIndex={chosen || first ? 0 : -1}
                  aria-selected={chosen}
                  aria-label={`${quantity.text}${place(index)} = ${short(value)}`}
                  title={`${quantity.text}${place(index)} = ${exact(value)}`}
                  onClick={() => onPick(index)}
                  onKeyDown={(event) => move(event, r, c)}
                >
                  {number}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function same(a: number[], b: number[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}
