// The stepper's presets. A preset changes the settings that it names; the others keep their defaults.

import type { StepperSettings } from "./settings.ts";

export const PRESETS: Record<string, Partial<StepperSettings>> = {
  "One example": {},
  "A batch of three": { example: 0 },
  "Two hidden layers": { hidden: [3, 2], example: 1 },
  "Softmax of three classes": { outputs: 3, output: "softmax", t: [0, 1, 2], example: 1 },
  "Slide 10: three hidden layers": {
    inputs: 5,
    hidden: [4, 3, 2],
    outputs: 3,
    output: "softmax",
    x: [0.5, -1, 0.3, 0.8, -0.2],
    t: [1],
    line: 3,
    at: [0, 1],
  },
  // what is the gradient of a bias? the lecture’s last question
  "The bias": { example: 0, line: 18, at: [0] },
  "No hidden layer: logistic regression": { hidden: [], example: 0 },
  "ReLU with a dead unit": {
    activation: "relu",
    hidden: [3],
    edits: "b1.0:-2;b1.1:0.1;b1.2:0.1",
  },
  "XOR by hand": {
    activation: "logistic",
    hidden: [2],
    edits:
      "W1.0.0:-10;W1.0.1:10;b1.0:-5;W1.1.0:10;W1.1.1:-10;b1.1:-5;W2.0.0:10;W2.0.1:10;b2.0:-5",
    x: [0, 0, 0, 1, 1, 0, 1, 1],
    t: [0, 1, 1, 0],
    example: 0,
  },
};
