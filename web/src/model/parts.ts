// A station's view, composed of parts for one or two panels each.

import type { Numbers, View } from "../protocol.ts";
import { quoted, script } from "./python.ts";

/** Numbers by name; the lines of Python that lead to them, and an expression for each name. */
export interface Part {
  numbers: Numbers;
  lines: string[];
  shown: Record<string, string>;
  /** What is only drawn beside them. */
  drawn?: Record<string, unknown>;
}

/** Numbers, program and drawings of all parts.
 *
 * In the program, each part prints its numbers after its lines, so that parts may use the same
 * variables.
 */
export function document(imports: string[], parts: Part[]): View {
  const lines = parts.flatMap(({ lines, shown }) => [
    ...lines,
    "",
    ...Object.entries(shown).map(([name, expression]) => `show(${quoted(name)}, ${expression})`),
    "",
  ]);
  return {
    numbers: Object.assign({}, ...parts.map((part) => part.numbers)),
    python: `${script(imports, lines, {}).trimEnd()}\n`,
    ...Object.assign({}, ...parts.map((part) => part.drawn ?? {})),
  };
}
