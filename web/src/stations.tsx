// The stations' pages by key. A new one is a module in stations/ and a line here.

import type { FunctionComponent } from "preact";
import type { StationProps } from "./components/station.tsx";
import { Divergence } from "./stations/divergence.tsx";
import { Softmax } from "./stations/softmax.tsx";

export const PAGES: Record<string, FunctionComponent<StationProps>> = {
  divergence: Divergence,
  softmax: Softmax,
};
