// The network of a run as a file: safetensors for `Network.load`, a Python program, a drawing.

import { toBase64 } from "../../base64.ts";
import { quoted } from "../python.ts";
import { architectureArguments, program } from "./code.ts";
import { drawing } from "./drawing.ts";
import { layoutOf } from "./network.ts";
import type { Run } from "./run.ts";
import { numbers, type Tensor, writeFile } from "./safetensors.ts";

export interface Exported {
  name: string;
  file: Uint8Array;
}

/** The files that the workshop writes, by the name of what is asked for. */
export const EXPORTS: Record<string, (run: Run, tableName: string) => Exported> = {
  safetensors: (run) => ({ name: "network.safetensors", file: networkFile(run) }),
  svg: (run) => ({ name: "network.svg", file: bytes(drawing(run)) }),
  python: (run) => ({ name: "network.py", file: bytes(networkProgram(run)) }),
  training: (run, tableName) => ({
    name: "training.py",
    file: bytes(program({ run, part: "train", example: null, tableName }, "training")),
  }),
};

/** The file that `cp.Network.load` reads. */
export function networkFile(run: Run): Uint8Array {
  const { sizes, activations, output, dropout } = run.network;
  const theta = run.theta;
  const tensors: Record<string, Tensor> = {};
  const layers: Record<string, unknown>[] = [];
  layoutOf(sizes).forEach(([W, b], i) => {
    const [n_in, n_out] = [sizes[i]!, sizes[i + 1]!];
    tensors[`W${i + 1}`] = numbers(theta.slice(W, b), n_out, n_in);
    tensors[`b${i + 1}`] = numbers(theta.slice(b, b + n_out), n_out);
    const activation = activations[i] ?? null;
    layers.push({ kind: "dense", n_in, n_out, activation, gain: 1, slope: false });
    if (activation && dropout) layers.push({ kind: "dropout", rate: dropout });
  });
  const architecture = { layers, output: { name: output, ...PARAMETERS[output] } };
  return writeFile("network", { architecture }, tensors);
}

/** Fields of output units in files, as Python's records have them. */
const PARAMETERS: Record<string, Record<string, unknown>> = {
  logistic: { label_smoothing: 0 },
  softmax: { label_smoothing: 0, sizes: null },
  huber: { delta: 1 },
};

/** A program that makes the network with exactly this θ. */
export function networkProgram(run: Run): string {
  const { theta, dataset } = run;
  const bytes = toBase64(new Uint8Array(theta.buffer, theta.byteOffset, theta.byteLength));
  const lines = bytes.match(/.{1,80}/g)!.map((line) => `    "${line}"`);
  return `# A network of the clearprop playground after ${run.step} steps, to the last bit.
# Its inputs: ${dataset.features.map(quoted).join(", ")}

import base64

import clearprop as cp
import numpy as np

theta = (
${lines.join("\n")}
)
net = cp.Network(${architectureArguments(run).join(", ")})
net.theta[...] = np.frombuffer(base64.b64decode(theta), dtype="<f8")
print(net)
`;
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
