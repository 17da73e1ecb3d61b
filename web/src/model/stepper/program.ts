// The stepper's "copy as Python": the network, the lines one after another, the chosen entry.

import { float, floats } from "../python.ts";
import type { Index } from "./arrays.ts";
import type { Line } from "./lines.ts";
import { parseEdits, position, rowsIn, sizesOf, type StepperSettings } from "./settings.ts";

/** The network, the examples, and a line of Python for each line of the computation. */
export function computationProgram(settings: StepperSettings, lines: readonly Line[]): string[] {
  const { activation, output, seed, inputs, outputs, example } = settings;
  const rows = rowsIn(settings);
  const classes = output === "softmax";
  const cutOut = `[${example - 1}:${example}]`;
  const levels = sizesOf(settings).slice(1);
  return [
    `net = cp.Network([${sizesOf(settings).join(", ")}], hidden='${activation}', ` +
      `output='${output}', seed=${seed})`,
    "net.theta[:] = net.theta.round(2)",
    ...[...parseEdits(settings.edits)].map(editLine),
    `X = np.array(${floats(settings.x)}).reshape(${rows}, ${inputs})`,
    `t = np.array(${floats(settings.t)})${classes ? "" : `.reshape(${rows}, ${outputs})`}`,
    "inputs, targets = X, t",
    ...(example ? [`X, t = X${cutOut}, t${cutOut}`] : []),
    "steps = explain.steps(net, X, t)",
    'np.seterr(all="ignore")',
    "X = np.asarray(X, dtype=net.theta.dtype)",
    "p = net.architecture.unpack(net.theta)",
    ...levels.map((_, l) => `W${l + 1}, b${l + 1} = p[${l}]['W'], p[${l}]['b']`),
    "t = net.output.targets(t, net.sizes[-1], net.theta.dtype)",
    "a = np.full(len(X), 1 / len(X), dtype=net.theta.dtype)",
    ...lines.map((line) => line.code),
  ];
}

function editLine([place, value]: [string, number]): string {
  const { layer, index } = position(place);
  return `net.${place[0]}[${layer - 1}][${index.join(", ")}] = ${float(value)}`;
}

/** The differences of a line, and an entry of its result. */
export function entryProgram(
  line: Line,
  differences: boolean,
  at: Index | undefined,
): { lines: string[]; shown: Record<string, string> } {
  const lines = [`step = steps['${line.of}']`];
  const shown: Record<string, string> = {};
  if (differences)
    shown.differences =
      "np.array([step.check(i).expected for i in np.ndindex(step.shape)]).reshape(step.shape)";
  if (at) {
    const index = `(${at.join(", ")}${at.length === 1 ? "," : ""})`;
    lines.push(`terms, check = step.terms(${index}), step.check(${index})`);
    Object.assign(shown, {
      cell_value: "check.value",
      cell_terms: "[term.value for term in terms]",
      cell_factors: "[factor.value for term in terms for factor in term.factors]",
      cell_expected: "check.expected",
      cell_error: "check.relative_error",
    });
  }
  return { lines, shown };
}
