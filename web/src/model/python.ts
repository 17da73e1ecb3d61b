// The programs of "copy as Python": plain calls of the library that print the numbers shown.
//
// Each number has a name. A line of output is the name, a space and the value as JSON. The page shows
// the same value under the same name, so that the two can be compared entry by entry.

const SHOW = `
def show(name, value):
    print(name, json.dumps(np.asarray(value).tolist()))
`;

/** A program: the imports, the lines, and one `show` for each name → expression. */
export function script(imports: string[], lines: string[], shown: Record<string, string>): string {
  const head = ["import json", "", "import numpy as np", "import clearprop as cp", ...imports];
  const shows = Object.entries(shown).map(([name, expression]) => `show(${quoted(name)}, ${expression})`);
  return `${head.join("\n")}\n\n${SHOW}\n\n${lines.join("\n")}\n\n${shows.join("\n")}\n`;
}

/** A float as Python writes it: the same bits, and a float there too. */
export function float(x: number): string {
  if (Number.isNaN(x)) return "float('nan')";
  if (!Number.isFinite(x)) return x > 0 ? "float('inf')" : "-float('inf')";
  const text = Object.is(x, -0) ? "-0" : String(x);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

/** Floats as a Python list that gives the same bits; lists within lists for a matrix. */
export function floats(values: readonly (number | readonly number[])[]): string {
  const each = values.map((v) => (typeof v === "number" ? float(v) : floats(v)));
  return `[${each.join(", ")}]`;
}

/** A text as Python writes it. */
export function quoted(text: string): string {
  return JSON.stringify(text).replace(/[\u007f-\u009f\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
