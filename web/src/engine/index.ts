// The engine: the library's native code as WebAssembly, with its bits under CLEARPROP_ISA=baseline.

export type {
  EpochResult,
  JobSpec,
  JobState,
  NetworkSpec,
  NonFinite,
  RngState,
  Rows,
  Trace,
} from "./types.ts";
export { Engine } from "./engine.ts";
export { Job } from "./job.ts";
export { Rng } from "./random.ts";
