// The lecture's stations, in its order. A new one is a module here and a line in this table.

import type { Model } from "./station.ts";

export const MODELS: Record<string, Model> = {};
