// Where to go back to after NaN, and with which learning rate.

import limits from "../../data/limits.json";
import type { Run } from "./run.ts";

const DIVISOR = 10;

/**
 * The step to go back to, and the learning rate from there.
 *
 * If the run was well when the leg began that led to NaN, then the start of that leg, else the start
 * of the run. The rate there is divided by 10.
 */
export function rewindPlace(run: Run): { step: number; rate: number } {
  const { leg, step, legStep, snapshots, start } = run;
  const begin = (number: number) => snapshots.find((one) => one.leg === number && one.legStep === 0);
  const [first, here] = [begin(0)?.scores.loss ?? NaN, begin(leg)?.scores.loss ?? NaN];
  const isWell = leg > 0 && here <= limits.rose * first;
  const settings = isWell ? run.settings : start;
  const place = isWell ? step - legStep : 0;
  const least = 1e-5; // of the setting
  return { step: place, rate: Math.max(rounded(settings.learning_rate / DIVISOR), least) };
}

/** With few digits: 0.003, not 0.0030000000000000001. */
function rounded(rate: number): number {
  return Number(rate.toPrecision(3));
}
