// What the engine is given and what it returns. Names are those of the Python library; matrices are
// row-major, as NumPy's are; layers count from 1 where they are named, and lists begin with layer 1.

/** A fully connected network without its parameters. */
export interface NetworkSpec {
  sizes: number[]; // [D, H_1, …, K]
  activations: string[]; // one per hidden layer
  output: string;
  outputConstants?: number[]; // of the output unit's formulas; the library's defaults if left out
  gains?: number[]; // one per layer; 1 if left out
  slopes?: boolean[]; // one per hidden layer; false if left out
  dropout?: number | number[]; // one rate for all hidden layers, or one per layer; 0 if left out
}

/** A network and how it is trained. */
export interface JobSpec extends NetworkSpec {
  optimizer: string; // "sgd", "adam", "adamw", "rmsprop", "nadam", "lion"
  optimizerOptions?: Record<string, number | boolean>; // by Python's names: momentum, nesterov, beta_1, …
  weightDecay?: number; // the optimiser's default if left out
  batchSize: number;
  l1?: number;
  l2?: number;
  l2PerBatch?: number;
  clipNorm?: number; // 0: none
  seed: bigint | number; // of the dropout masks
}

/** Rows of data. t is (N, K) as `Data.from_arrays` encodes it: one-hot for softmax. */
export interface Rows {
  X: Float64Array; // (N, D)
  t: Float64Array; // (N, K)
  n: number;
  weights?: Float64Array; // (N,)
}

/** Everything that forward propagation computes. */
export interface Trace {
  z: Float64Array[]; // z[l−1]: (N, H_l), for l = 1 … L
  h: Float64Array[]; // h[l]: (N, H_l), for l = 0 … L−1; h[0] is X itself
  yHat: Float64Array; // (N, K)
}

/** The first NaN or infinity of a run, as Python's record of the same name. */
export interface NonFinite {
  quantity: string; // "X", "t", "z", "the loss", "∂ℒ/∂z", "∂ℒ/∂W", "θ"
  layer: number | null; // from 1
  step: number; // from 1
  row: number | null; // of its batch, from 0
  text: string; // the sentence that Python prints
}

/** What came of an epoch, or a part of one. */
export interface EpochResult {
  loss: number; // mean over the rows, of the loss with the penalty; NaN if `nonfinite`
  nSteps: number;
  nSamples: number;
  nonfinite: NonFinite | null;
}

/** The state of a job: a copy that `restore` puts back exactly. */
export interface JobState {
  theta: Float64Array;
  slots: Record<string, Float64Array>; // by Python's names: velocity, m, v
  nSteps: number; // of the job, which number the dropout masks
  step: number; // of the optimiser
  muProduct: number; // of NAdam; 1 elsewhere
}

/** The state of a generator, as NumPy's `bit_generator.state` of a PCG64. */
export interface RngState {
  state: bigint;
  inc: bigint;
  hasUint32: number;
  uinteger: number;
}
