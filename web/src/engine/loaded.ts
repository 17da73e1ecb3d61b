// The one engine of the page, for models, which cannot wait: the page loads it before it asks them.

import { Engine } from "./index.ts";

let engine: Engine | null = null;

/** Load the engine; after that `loaded` has it. */
export async function loadEngine(): Promise<Engine> {
  return (engine ??= await Engine.load());
}

/** The engine; throws an Error if nobody has loaded it. */
export function loaded(): Engine {
  if (!engine) throw new Error("the engine has not been loaded yet");
  return engine;
}
