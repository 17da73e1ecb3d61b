// The stations' pages by key. A new one is a module in stations/ and a line here.

import type { FunctionComponent } from "preact";
import type { StationProps } from "./components/station.tsx";
import { Circuits } from "./stations/circuits.tsx";
import { Divergence } from "./stations/divergence.tsx";
import { Outputs } from "./stations/outputs.tsx";
import { Softmax } from "./stations/softmax.tsx";
import { Stepper } from "./stations/stepper.tsx";
import { Workshop } from "./stations/workshop.tsx";

export const PAGES: Record<string, FunctionComponent<StationProps>> = {
  divergence: Divergence,
  softmax: Softmax,
  circuits: Circuits,
  stepper: Stepper,
  outputs: Outputs,
  workshop: Workshop,
};
