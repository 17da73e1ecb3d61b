// The colour scale of a picture, with its numbers.

import { tickLabel } from "../model/workshop/ticks.ts";

interface ScaleProps {
  /** "signed": blue, paper, orange; "classes": class 0, paper, class 1; "grey": paper to dark. */
  kind: "signed" | "classes" | "grey";
  /** The numbers at equal distances from the left end to the right. */
  numbers: number[];
  name: string;
}

export function Scale({ kind, numbers, name }: ScaleProps) {
  return (
    <div class="colour-scale">
      <span class="math">{name}</span>
      <div class="bar-and-numbers">
        <div class={`bar ${kind}`} aria-hidden="true" />
        <div class="scale-numbers">
          {numbers.map((value) => (
            <span>{tickLabel(Number(value.toPrecision(3)))}</span>
          ))}
        </div>
      </div>
    </div>
  );
}
