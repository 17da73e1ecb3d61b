// The workshop's "copy as Python": data, network, each leg of the run, and what a panel shows.

import { float, floats, quoted, script } from "../python.ts";
import type { Settings } from "../../protocol.ts";
import type { Example } from "./example.ts";
import { DEFAULT_INPUTS } from "./features.ts";
import { placeOf } from "./legs.ts";
import { STATISTICS } from "./report.ts";
import { changed } from "./places.ts";
import type { Run } from "./run.ts";
import { activationsOf, OPTIMIZERS } from "./settings.ts";

/** The run, and the rows and the example that are shown. */
export interface Asked {
  run: Run;
  part: string;
  example: Example | null;
  tableName: string;
}

/** What a panel adds to the program. */
interface Part {
  /** Name → expression. */
  shown: Record<string, string>;
  lines?: string[];
  imports?: string[];
  /** Whether the last leg has a recorder of its layers, or each leg one of its whole course. */
  recorded?: "layers" | "course";
}

const HELPERS = "from clearprop.playground.results import";

/** A program that prints the numbers that a panel shows at this step of the run. */
export function program(asked: Asked, panel: string): string {
  if (!Object.hasOwn(PANELS, panel))
    throw new Error(`panel must be one of ${Object.keys(PANELS).join(", ")}; got ${panel.slice(0, 60)}`);
  const { shown, lines = [], imports = [], recorded } = PANELS[panel]!(asked);
  const { run, tableName } = asked;
  return script(
    ["from clearprop.playground import datasets", ...imports],
    [
      `data = ${dataExpression(run.start, tableName)}`,
      "X, t = data.X, data.t",
      `net = ${networkExpression(run)}`,
      ...legLines(run, recorded),
      ...lines,
    ],
    shown,
  );
}

function training({ run }: Asked): Part {
  const classes = run.dataset.n_classes;
  const shown: Record<string, string> = {
    step: String(run.step),
    epoch: float(run.epoch),
    "loss.train": "net.loss(X, t)",
    "score.train": `score(net.forward(X).y_hat, t, ${classes})`,
  };
  if (run.test) {
    shown["loss.test"] = "net.loss(data.X_test, data.t_test)";
    shown["score.test"] = `score(net.forward(data.X_test).y_hat, data.t_test, ${classes})`;
  }
  return { shown, imports: [`${HELPERS} score`] };
}

function network({ run }: Asked): Part {
  const shown: Record<string, string> = {};
  for (let layer = 1; layer < run.network.sizes.length; layer++) {
    shown[`W${layer}`] = `net.W[${layer - 1}]`;
    shown[`b${layer}`] = `net.b[${layer - 1}]`;
    shown[`dL_dW${layer}`] = `gradients.dL_dW[${layer - 1}]`;
    shown[`dL_db${layer}`] = `gradients.dL_db[${layer - 1}]`;
  }
  return { shown, lines: ["gradients = net.backward(net.forward(X), t)"] };
}

function example({ run, example: one }: Asked): Part {
  if (!one) throw new Error("there is no example: step by example first");
  const lines = [
    `row = ${one.row}  # number ${one.index + 1} of the next mini-batch`,
    "trace = net.forward(X[[row]])",
    "gradients = net.backward(trace, t[[row]])",
  ];
  const shown: Record<string, string> = {
    "example.loss": "net.loss(X[[row]], t[[row]])",
    "example.t": "t[row]",
    "example.x": "X[row]",
  };
  const n = run.network.sizes.length - 1;
  for (let layer = 1; layer <= n; layer++) {
    shown[`example.z${layer}`] = `trace.z[${layer - 1}][0]`;
    shown[`example.h${layer}`] = layer < n ? `trace.h[${layer}][0]` : "trace.y_hat[0]";
    shown[`example.dL_dz${layer}`] = `gradients.dL_dz[${layer - 1}][0]`;
    shown[`example.dL_dW${layer}`] = `gradients.dL_dW[${layer - 1}]`;
    shown[`example.dL_db${layer}`] = `gradients.dL_db[${layer - 1}]`;
  }
  return { shown, lines };
}

const rows = (part: string) => (part === "train" ? "X, t" : "data.X_test, data.t_test");

function errors({ run, part }: Asked): Part {
  const classes = run.dataset.n_classes;
  const lines = [`X_shown, t_shown = ${rows(part)}`, "y_hat = net.forward(X_shown).y_hat"];
  if (!classes) return { shown: { r2: "r2(y_hat, t_shown)" }, lines, imports: [`${HELPERS} r2`] };
  const shown = { confusion: `confusion(y_hat, t_shown, ${classes})` };
  return { shown, lines, imports: [`${HELPERS} confusion`] };
}

function calibration({ part }: Asked): Part {
  const lines = [
    `X_shown, t_shown = ${rows(part)}`,
    "found = calibrations(net.forward(X_shown).y_hat, t_shown)",
  ];
  const names = ["mean", "share", "ece"];
  const shown = Object.fromEntries(names.map((name) => [`calibration.${name}`, `found['${name}']`]));
  return { shown, lines, imports: [`${HELPERS} calibrations`] };
}

function worst({ part }: Asked): Part {
  const lines = [
    `X_shown, t_shown = ${rows(part)}`,
    "each = losses(net, X_shown, t_shown)",
    "rows = worst(each)",
  ];
  const shown = {
    "worst.row": "rows",
    "worst.loss": "each[rows]",
    "worst.t": "t_shown[rows]",
    "worst.y_hat": "net.forward(X_shown).y_hat[rows]",
    "worst.x": "X_shown[rows]",
  };
  return { shown, lines, imports: [`${HELPERS} losses, worst`] };
}

function layers({ run }: Asked): Part {
  const shown = Object.fromEntries(
    STATISTICS.map((name) => [`layers.${name}`, `[layer.${name} for layer in layers]`]),
  );
  const imports = ["from clearprop import explain"];
  if (run.legStep) {
    const lines = ["layers = recorder.recording.records[-1].layers"];
    return { shown, lines, imports, recorded: "layers" };
  }
  const lines = [
    "targets = net.output.targets(t, net.sizes[-1], X.dtype)",
    "layers = explain.layer_statistics(net.architecture, net.theta, X, targets)[1]",
  ];
  return { shown, lines, imports };
}

function diagnosis({ run }: Asked): Part {
  const imports = ["from clearprop import explain", `${HELPERS} findings`];
  if (run.nonfinite) imports.unshift("import contextlib");
  return {
    shown: { findings: "findings(recorders, data.features).codes" },
    imports,
    recorded: "course",
  };
}

const PANELS: Record<string, (asked: Asked) => Part> = {
  ...{ training, network, example, errors, calibration, rows: worst, layers, diagnosis },
};

// ---- the parts of a program ----------------------------------------------------------------------

/** The call that makes the dataset; a table's file is read from the program's own folder. */
export function dataExpression(settings: Settings, tableName: string): string {
  const share = `test_share=${float(settings.test_share)}, seed=${settings.data_seed}`;
  if (settings.data === "table") {
    const kinds = Object.fromEntries(settings.kinds);
    const more = [
      Object.keys(kinds).length ? `, kinds=${dictionary(kinds)}` : "",
      settings.scaling === "standard" ? "" : `, scaling=${quoted(settings.scaling)}`,
    ];
    return `datasets.table(${quoted(tableName)}, ${quoted(settings.target)}, ${share}${more.join("")})`;
  }
  const inputs = settings.inputs as string[];
  const usual = inputs.join() === DEFAULT_INPUTS.join();
  const own = usual ? "" : `, inputs=[${inputs.map(quoted).join(", ")}]`;
  if (settings.data === "drawn") {
    return `datasets.drawn(${floats(settings.points)}, ${share}${own})`;
  }
  if (settings.data === "curve") return `datasets.curve(${floats(settings.targets)}, ${share})`;
  const { data, n, noise, classes } = settings;
  const size = `n=${n}, noise=${float(noise)}, classes=${classes}`;
  return `datasets.make(${quoted(data)}, ${size}, ${share}${own})`;
}

/** The call that makes the network before training. */
export function networkExpression(run: Run): string {
  const { start, network: spec } = run;
  return `cp.Network(${[
    ...architectureArguments(run),
    start.dropout && spec.activations.length ? `dropout=${float(start.dropout)}` : "",
    start.initializer === "auto" ? "" : `initializer=${quoted(start.initializer)}`,
    `seed=${start.seed}`,
  ]
    .filter(Boolean)
    .join(", ")})`;
}

/** Sizes, activations and output unit as arguments. */
export function architectureArguments(run: Run): string[] {
  const hidden = activationsOf(run.start);
  const [first] = hidden;
  const same = hidden.every((name) => name === first);
  const names = same ? quoted(first ?? "") : `[${hidden.map(quoted).join(", ")}]`;
  return [
    `[${run.network.sizes.join(", ")}]`,
    hidden.length ? `hidden=${names}` : "",
    `output=${quoted(run.start.output)}`,
  ].filter(Boolean);
}

function legLines(run: Run, recorded: Part["recorded"]): string[] {
  const lines = recorded === "course" ? ["recorders = []"] : [];
  let settings = run.start;
  const legs = run.legsHere;
  legs.forEach((leg, number) => {
    settings = changed(settings, leg);
    const isLast = number === legs.length - 1;
    for (const [name, value] of leg.changes) {
      const place = placeOf(name);
      if (!place) continue;
      const entry = place.name === "W" ? `[${place.unit}, ${place.source}]` : `[${place.unit}]`;
      lines.push(`net.${place.name}[${place.layer - 1}]${entry} = ${float(value as number)}`);
    }
    const broken = isLast && recorded === "course" && run.nonfinite !== null;
    const steps = leg.steps + Number(broken); // the step that is not made
    if (recorded === "course" && (steps || isLast)) lines.push(courseLine(run, settings, steps));
    if (!steps) return;
    const own = recorded === "course" ? "recorders[-1]" : isLast && recorded ? "recorder" : "";
    if (own === "recorder") lines.push(recorderLine(run, settings, steps));
    const call = trainLine(run, settings, number, steps, own);
    if (broken) lines.push("with contextlib.suppress(cp.NonFiniteError):", `    ${call}`);
    else lines.push(call);
  });
  return lines;
}

const epochsOf = (run: Run, settings: Settings, steps: number) =>
  Math.ceil(steps / run.stepsInEpoch(settings));

/** A recorder of the layers at the start and the end of the last epoch. */
function recorderLine(run: Run, settings: Settings, steps: number): string {
  const epochs = epochsOf(run, settings, steps);
  const looks = `rows=len(X), epochs=[${epochs - 1}, ${epochs}], histograms=False`;
  return `recorder = explain.Recorder(net, X, t, ${looks})`;
}

/** A recorder of a leg, at the epochs that the page keeps, and its end. */
function courseLine(run: Run, settings: Settings, steps: number): string {
  const stride = run.snapshotStride;
  const looks = [
    "rows=len(X)",
    `epochs=range(0, ${epochsOf(run, settings, steps) + 1}, ${stride})`,
    "histograms=False",
    run.test ? "validation=(data.X_test, data.t_test)" : "",
  ];
  const given = looks.filter(Boolean).join(", ");
  return `recorders.append(explain.Recorder(net, X, t, ${given}))`;
}

function trainLine(run: Run, settings: Settings, leg: number, steps: number, recorder: string): string {
  const penalties = ["l1", "l2"]
    .filter((name) => settings[name])
    .map((name) => `${name}=${float(settings[name])}`);
  const given = [
    "X, t",
    `cp.${optimizer(settings)}`,
    `epochs=${epochsOf(run, settings, steps)}`,
    `batch_size=${settings.batch_size}`,
    `seed=${settings.seed + leg}`,
    steps % run.stepsInEpoch(settings) ? `max_steps=${steps}` : "",
    penalties.length ? `penalty=cp.Penalty(${penalties.join(", ")})` : "",
    recorder ? `callbacks=[${recorder}]` : "",
  ];
  return `net.train(${given.filter(Boolean).join(", ")})`;
}

function optimizer(settings: Settings): string {
  const given = [float(settings.learning_rate)];
  if (settings.optimizer === "sgd" && settings.momentum)
    given.push(`momentum=${float(settings.momentum)}`);
  // AdamW has decay by default, so 0 must be given explicitly
  if (settings.weight_decay || settings.optimizer === "adamw")
    given.push(`weight_decay=${float(settings.weight_decay)}`);
  return `${OPTIMIZERS[settings.optimizer]}(${given.join(", ")})`;
}

function dictionary(pairs: Record<string, string>): string {
  return `{${Object.entries(pairs)
    .map(([name, value]) => `${quoted(name)}: ${quoted(value)}`)
    .join(", ")}}`;
}
