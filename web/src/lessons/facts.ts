// What the checks of lessons may ask about: the numbers and settings of the open station by name.
//
// Every number that the page shows has its name (hover over it, or look at `data-name`), and every
// setting the name that it has in links. In the workshop there are also
//   loss.train, loss.test, score.train, score.test, step, epoch    where the run stands
//   best.loss.test, best.score.test    the best values of the curves up to here
//   start.loss.train                   the first value of the curve
//   hidden_layers, hidden_units, weights    of the network: units and parameters in all
//   stopped    whether NaN or infinity ended the run

import type { State, Value } from "../protocol.ts";
import type { Frame, Live } from "../workshop/live.ts";
import type { Fact, Facts } from "./expression.ts";

const CURVE = ["step", "epoch", "loss.train", "loss.test", "score.train", "score.test"];

/** The facts of a state; a workshop's need its last frame as well. */
export function factsOf(state: State, live: Live | null): Facts {
  const facts: Facts = { station: state.station };
  for (const [name, value] of Object.entries(state.settings)) facts[name] = value as Fact;
  for (const [name, value] of Object.entries(state.view?.numbers ?? {})) facts[name] = plain(value);
  if (state.station === "workshop" && live?.frame) Object.assign(facts, factsOfRun(live));
  return facts;
}

function factsOfRun(live: Live): Facts {
  const frame = live.frame as Frame;
  const facts: Facts = {
    hidden_layers: live.data!.sizes.length - 2,
    hidden_units: live.data!.sizes.slice(1, -1).reduce((a, b) => a + b, 0),
    weights: frame.theta.length,
    stopped: frame.nonfinite !== "",
  };
  for (const [name, value] of Object.entries(frame.numbers)) facts[name] = plain(value);
  const point = (name: string) => [...(frame.curve[CURVE.indexOf(name)] ?? [])];
  const here = (name: string) =>
    point(name).filter((_, k) => point("step")[k]! <= Number(facts.step));
  facts["start.loss.train"] = point("loss.train")[0] ?? NaN;
  facts["best.loss.test"] = Math.min(...here("loss.test"));
  facts["best.score.test"] = Math.max(...here("score.test"));
  return facts;
}

function plain(value: Value): Fact {
  return Array.isArray(value) ? value.map(plain) : typeof value === "string" ? Number(value) : value;
}
