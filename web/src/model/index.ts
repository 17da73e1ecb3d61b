// The lecture's stations, in its order. A new one is a module here and a line in this table.

import { circuits } from "./circuits/station.ts";
import { divergence } from "./divergence.ts";
import { outputs } from "./outputs.ts";
import { softmax } from "./softmax.ts";
import type { Model } from "./station.ts";
import { stepper } from "./stepper/index.ts";
import { workshop } from "./workshop/model.ts";

/** By key. Each model takes settings of its own record, so that the table cannot say which. */
export const MODELS: Record<string, Model<any>> = {
  divergence,
  softmax,
  circuits,
  stepper,
  outputs,
  workshop,
};
