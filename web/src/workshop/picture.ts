// The values of all units over the plane of the data at the frame shown, computed once per frame.

import {
  type Domain,
  domain,
  gridInputs,
  layerValues,
  NODES,
  outputScale,
  UNIT_NODES,
  unitLevels,
} from "../model/workshop/pictures.ts";
import type { DataSet, Frame, Live } from "./live.ts";

/** Values at n × n nodes, row by row from the top; of a curve over one input, at n nodes. */
export interface Picture {
  domain: Domain;
  n: number;
  /** The outputs alone, at more nodes. */
  fine: { n: number; outputs: Float64Array };
  /** Whether the values stand along one input. */
  line: boolean;
  /** (nodes, units) of each layer: the inputs first, the outputs last. */
  values: Float64Array[];
  sizes: number[];
}

const known = new WeakMap<Frame, Picture>();
const inputs = new WeakMap<DataSet, { coarse: Float64Array; fine: Float64Array }>();

/** The picture of the frame shown; null before there is one. */
export function pictureOf(live: Live): Picture | null {
  const { data, frame } = live;
  if (!data || !frame) return null;
  let picture = known.get(frame);
  if (!picture) known.set(frame, (picture = computed(data, frame)));
  return picture;
}

function computed(data: DataSet, frame: Frame): Picture {
  const { engine, dataset, spec } = data.bench;
  const line = dataset.plane === 1;
  const nodes = (n: number) =>
    line ? along(domain(dataset, data.axes), n) : gridInputs(dataset, data.axes, n);
  const n = line ? NODES : UNIT_NODES;
  let X = inputs.get(data);
  if (!X) inputs.set(data, (X = { coarse: nodes(n), fine: line ? nodes(0) : nodes(NODES) }));
  const values = layerValues(engine, spec, frame.theta, X.coarse, line ? n : n * n);
  const outputs = line ? values.at(-1)! : engine.predict(spec, frame.theta, X.fine, NODES * NODES);
  return {
    domain: domain(dataset, data.axes),
    n,
    fine: { n: NODES, outputs },
    line,
    values: [X.coarse, ...values],
    sizes: spec.sizes,
  };
}

function along([left, right]: Domain, n: number): Float64Array {
  return Float64Array.from({ length: n }, (_, i) => left + ((right - left) * i) / (n - 1));
}

/** The levels (nodes,) of a unit from −1 to 1; layer 0 has the inputs. */
export function levelsOf(
  picture: Picture,
  data: DataSet,
  layer: number,
  unit: number,
): { levels: Float32Array; scale: number; centre: number } {
  const last = layer === picture.sizes.length - 1;
  const { centre, scale } = last ? outputScale(data.output, data.n_classes) : { centre: 0, scale: 0 };
  const found = unitLevels(picture.values[layer]!, picture.sizes[layer]!, unit, centre, scale);
  return { ...found, centre };
}

/** The levels of the only output at the finer nodes. */
export function outputLevels(picture: Picture, data: DataSet): Float32Array {
  const { centre, scale } = outputScale(data.output, data.n_classes);
  return unitLevels(picture.fine.outputs, 1, 0, centre, scale).levels;
}
