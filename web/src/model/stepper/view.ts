// What the stepper shows: every line with its operands, and the chosen entry with its terms and check.

import type { Numbers, View } from "../../protocol.ts";
import { ACTIVATIONS } from "../activations.ts";
import { OUTPUT_UNITS } from "../output_units.ts";
import { document, type Part } from "../parts.ts";
import { filled, type Index, indices, matrixOf, nested, vector } from "./arrays.ts";
import { check, type Computation } from "./checks.ts";
import { type Arrays, computed, helpers, termsOf } from "./compute.ts";
import { type Line, linesOf } from "./lines.ts";
import { computationProgram, entryProgram } from "./program.ts";
import { cut, encodedTargets, rowsIn, sizesOf, type StepperSettings, targetsEach } from "./settings.ts";
import { weights } from "./weights.ts";

/** A quantity as it is drawn: its symbol, its shape, and what its axes count. */
export interface Quantity {
  text: string;
  shape: number[];
  axes: string[];
}

/** The axes of what is given; every other quantity is the result of a line. */
const GIVEN: Record<string, string> = { X: "ni", t: "nk", a: "n" };

/** All quantities of the computation by their names in Python, the lines, the chosen entry. */
export function view(settings: StepperSettings): View {
  const computation = compute(settings);
  const { lines } = computation;
  const line = lines[Math.min(settings.line, lines.length) - 1]!;
  const parts = [overview(settings, computation), entryPart(settings, computation, line)];
  return document(["from clearprop import explain"], parts);
}

/** The lines and their results. */
export function compute(settings: StepperSettings): Computation {
  const { activation, output, example } = settings;
  const chosen = <T>(rows: T[]) => (example ? rows.slice(example - 1, example) : rows);
  const X = chosen(cut(settings.x, settings.inputs));
  const given: Arrays = {
    X: matrixOf(X),
    t: matrixOf(chosen(encodedTargets(settings))),
    a: vector(X.map(() => 1 / X.length)),
  };
  weights(settings).forEach(({ W, b }, l) => {
    given[`W${l + 1}`] = matrixOf(W);
    given[`b${l + 1}`] = vector(b);
  });
  const depth = settings.hidden.length + 1;
  const lines = linesOf({ depth, activation, output, n: X.length });
  const units = { activation: ACTIVATIONS[activation]!, output: OUTPUT_UNITS[output]! };
  return { lines, arrays: computed(lines, given, units), units };
}

function overview(settings: StepperSettings, { lines, arrays }: Computation): Part {
  const quantities: Record<string, Quantity> = {};
  const targets = cut(settings.t, targetsEach(settings));
  const numbers: Numbers = {
    inputs: cut(settings.x, settings.inputs),
    targets: settings.output === "softmax" ? settings.t : targets,
  };
  const take = (code: string, text: string, axes: string) => {
    if (Object.hasOwn(quantities, code)) return;
    numbers[code] = nested(arrays[code]!) as Numbers[string];
    quantities[code] = { text, shape: [...arrays[code]!.shape], axes: [...axes] };
  };
  for (let l = 1; l < sizesOf(settings).length; l++) {
    const up = `⁽${"⁰¹²³⁴"[l]}⁾`;
    take(`W${l}`, `W${up}`, "ji");
    take(`b${l}`, `b${up}`, "j");
  }
  for (const line of lines) {
    for (const [code, text] of Object.entries(line.operands))
      if (GIVEN[code]) take(code, text, GIVEN[code]);
    take(line.of, line.name, line.axes);
  }
  const drawn = {
    quantities,
    lines: lines.map((line) => ({ ...line, derivative: line.derivative !== null })),
    sizes: sizesOf(settings),
    n: settings.example ? 1 : rowsIn(settings),
  };
  return {
    numbers,
    lines: computationProgram(settings, lines),
    shown: Object.fromEntries(Object.keys(numbers).map((name) => [name, name])),
    drawn,
  };
}

/** The differences of the line, and the chosen entry, if its result has this entry. */
function entryPart(settings: StepperSettings, computation: Computation, line: Line): Part {
  const result = computation.arrays[line.of]!;
  const numbers: Numbers = {};
  const differences = settings.differences === "on" && line.derivative !== null;
  if (differences) {
    const all = filled(result.shape, (index) => check(computation, line, index).expected);
    numbers.differences = nested(all) as Numbers[string];
  }
  const wanted = String(settings.at);
  const at = indices(result.shape).find((index) => String(index) === wanted);
  const cell = at && entry(computation, line, at);
  Object.assign(numbers, cell?.numbers);
  const { lines, shown } = entryProgram(line, differences, at);
  return { numbers, lines, shown, drawn: { line: line.number, cell: cell?.drawn ?? null } };
}

function entry(computation: Computation, line: Line, at: Index) {
  const { arrays, units } = computation;
  const found = check(computation, line, at);
  const own = { ...arrays, ...helpers(line, arrays, units) };
  const terms = termsOf(line, at, own);
  if (!terms.length) terms.push({ form: line.name, sign: 1, factors: [], value: found.value });
  const symbols: Record<string, string> = { [line.of]: line.name, ...line.operands };
  return {
    numbers: {
      cell_value: found.value,
      cell_terms: terms.map((term) => term.value),
      cell_factors: terms.flatMap((term) => term.factors.map((factor) => factor.value)),
      cell_expected: found.expected,
      cell_error: found.error,
    },
    drawn: {
      at,
      name: line.name,
      derivative: line.derivative !== null,
      ok: found.ok,
      tolerance: found.tolerance,
      terms: terms.map(({ form, sign, factors }) => ({
        form,
        sign,
        factors: factors.map(({ of, index, text }) => ({
          of: index && of,
          index,
          text: index ? symbols[of]! : text,
        })),
      })),
    },
  };
}
