// What the workshop's session tells the page by itself: the data, and a frame of the run.
//
// The pictures of units are computed by the drawings, from the bench and from θ.

import type { Arrays, Message, Numbers } from "../../protocol.ts";
import type { Dataset } from "./datasets.ts";
import type { Example } from "./example.ts";
import { layoutOf } from "./network.ts";
import { domain } from "./pictures.ts";
import type { Run } from "./run.ts";
import { activationsOf } from "./settings.ts";

/** What a session adds to a frame. */
export interface Status {
  training: boolean;
  replaying: boolean;
  /** "" while the run moves. */
  link: string;
}

type Pushed = [message: Message, arrays: Arrays];

/** The dataset as the two axes show it, the network's shape, and what drawings compute with. */
export function dataMessage(run: Run, axes: [number, number]): Pushed {
  const { dataset, network, engine, rows } = run;
  const message = {
    type: "data",
    bench: { engine, dataset, spec: network, rows, path: () => run.path() },
    axes,
    domain: domain(dataset, axes),
    features: dataset.features,
    labels: dataset.labels,
    n_classes: dataset.n_classes,
    columns: dataset.columns,
    rows: [dataset.n, dataset.n_test],
    sizes: network.sizes,
    layout: layoutOf(network.sizes),
    activations: activationsOf(run.start),
    output: network.output,
  };
  const arrays = {
    X: array(shown(dataset, dataset.X, dataset.at, axes), 2),
    t: array(dataset.t),
    X_test: array(shown(dataset, dataset.X_test, dataset.at_test, axes), 2),
    t_test: array(dataset.t_test),
  };
  return [message, arrays];
}

/** The places of rows in the plot. */
function shown(
  dataset: Dataset,
  X: Float64Array,
  at: Float64Array,
  axes: [number, number],
): Float64Array {
  if (dataset.plane === 2) return at;
  const D = dataset.n_inputs;
  return Float64Array.from({ length: (2 * X.length) / D }, (_, e) => X[(e >> 1) * D + axes[e & 1]!]!);
}

/** The state of a run and of the example being inspected. */
export function frameMessage(run: Run, status: Status, example: Example | null = null): Pushed {
  const { network, engine, rows, theta, curve } = run;
  const { gradient } = engine.lossAndGradient(network, theta, rows);
  const { loss, test_loss, score, test_score } = run.scores;
  const numbers: Numbers = { step: run.step, epoch: run.epoch, "loss.train": loss, "score.train": score };
  if (run.test) Object.assign(numbers, { "loss.test": test_loss, "score.test": test_score });
  const message: Message = {
    type: "frame",
    ...status,
    numbers,
    n_steps: run.nSteps,
    leg: run.leg,
    batch: Array.from(run.nextBatch().subarray(0, 1000)),
    nonfinite: run.nonfinite?.text ?? "",
  };
  const points = new Float64Array(6 * curve.length);
  curve.forEach((point, i) =>
    [point.step, point.epoch, point.loss, point.test_loss, point.score, point.test_score].forEach(
      (value, row) => (points[row * curve.length + i] = value),
    ),
  );
  const arrays: Arrays = {
    theta: array(theta),
    gradient: array(gradient),
    curve: { data: points, shape: [6, curve.length] },
  };
  if (example) {
    const { index, of, row } = example;
    message.example = { index, of, row };
    Object.assign(numbers, example.numbers);
    arrays.example_gradient = array(example.gradient);
  }
  return [message, arrays];
}

function array(data: Float64Array, width?: number) {
  return { data, shape: width ? [data.length / width, width] : [data.length] };
}
