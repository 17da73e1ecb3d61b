// The workshop as a file: settings with the run, θ, and the data.
//
// Loading a file replays its run, which gives the same numbers again. A table is kept as the text of
// its file.

import type { Settings } from "../../protocol.ts";
import { fromPairs, toPairs } from "../settings.ts";
import type { Run } from "./run.ts";
import { numbers, readFile, writeFile } from "./safetensors.ts";
import { FIELDS } from "./settings.ts";

const KIND = "playground";
export const NAME = "workshop.safetensors";

/** A table as it was loaded. */
export interface TableFile {
  name: string;
  bytes: Uint8Array;
}

/** The content of the file. */
export function saved(run: Run, table: TableFile | null): Uint8Array {
  const { dataset, theta } = run;
  const isTable = run.start.data === "table" && table !== null;
  const document = {
    settings: Object.fromEntries(toPairs(FIELDS, run.linkSettings)),
    table: isTable ? table.name : null,
  };
  return writeFile(KIND, document, {
    theta: numbers(theta, theta.length),
    X: numbers(dataset.X, dataset.n, dataset.n_inputs),
    t: numbers(dataset.t, dataset.n),
    ...(isTable && {
      table: { dtype: "U8" as const, shape: [table.bytes.length], data: table.bytes },
    }),
  });
}

/** Settings, and the table if there is one; an Error for other files. */
export function loaded(bytes: Uint8Array): { settings: Settings; table: TableFile | null } {
  const { document, tensors } = readFile(bytes, KIND, NAME);
  const { settings, table } = document;
  const pairs = Object.entries((settings ?? {}) as Record<string, unknown>);
  if (!pairs.every((pair): pair is [string, string] => typeof pair[1] === "string"))
    throw new Error(`${NAME}: the settings must be texts`);
  let record: Settings;
  try {
    record = fromPairs(FIELDS, pairs);
  } catch (error) {
    throw new Error(`${NAME}: ${(error as Error).message}`);
  }
  const tensor = tensors.get("table");
  if (table === null || tensor?.dtype !== "U8") return { settings: record, table: null };
  if (typeof table !== "string") throw new Error(`${NAME}: the table must have a name`);
  return { settings: record, table: { name: table, bytes: tensor.data } };
}
