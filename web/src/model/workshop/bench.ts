// The computing behind the workshop's data and drawings, as tests and other programs may use it.

export { contour, decisionLines } from "./contour.ts";
export { datasetFromSettings } from "./datasets.ts";
export * as elementary from "./elementary.ts";
export { outputsOver, restOf } from "./hidden.ts";
export { domain, gridInputs, layerValues } from "./pictures.ts";
export { meanLoss, parameterPlane, pointOf, principalPlane, project } from "./surface.ts";
export { encodeColumn } from "./table/encode.ts";
export { find } from "./table/infer.ts";
export { Run } from "./run.ts";
export { readTable, tableOf } from "./table/read.ts";
export { logTicks, tickLabel, ticks } from "./ticks.ts";
