// Whether the state of the page fulfils a step of a lesson, and the checking of a progress file.

import { Session } from "../session/session.ts";
import { Live } from "../workshop/live.ts";
import { type Facts, lookUp, parse } from "./expression.ts";
import { factsOf } from "./facts.ts";
import type { Lesson, Step } from "./lesson.ts";
import type { Done } from "./progress.ts";
import { t } from "../text.ts";

const PATIENCE = 60_000; // milliseconds for the replay of a run

/** A condition of a step: whether it holds, and the values of the names in it. */
export interface Verdict {
  text: string;
  ok: boolean;
  /** The names in the condition and their values; without those that the page lacks here. */
  values: [string, string][];
}

export function verdicts(step: Step, facts: Facts): Verdict[] {
  return (step.check ?? []).map((text) => {
    const condition = parse(text);
    const values = condition.names.flatMap((name): [string, string][] => {
      try {
        const value = lookUp(facts, name);
        return [[name, typeof value === "number" ? short(value) : String(value)]];
      } catch {
        return [];
      }
    });
    let ok = false;
    try {
      ok = condition.holds(facts);
    } catch {
      // another station is open: it has no such number
    }
    return { text, ok, values };
  });
}

/** Whether a step's check holds. */
export function passes(step: Step, facts: Facts): boolean {
  const found = verdicts(step, facts);
  return found.length > 0 && found.every((verdict) => verdict.ok);
}

/** The facts of a link: it is opened in a session of its own, and a run is replayed to its end. */
export async function factsOfLink(link: string): Promise<Facts> {
  const session = new Session();
  const live = new Live();
  session.onPush = (message, arrays) => live.take(message, arrays);
  await session.ask("open", { link });
  const end = Date.now() + PATIENCE;
  while (session.state().station === "workshop" && (!live.frame || live.frame.replaying)) {
    if (Date.now() > end) throw new Error("the run takes too long to repeat");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const facts = factsOf(session.state(), live);
  await session.ask("visit", { station: Object.keys(session.models)[0] });
  return facts;
}

/** A claim of a progress file, and why it is not accepted ("" if it is). */
export interface Claim {
  lesson: string;
  step: number;
  fault: string;
}

export async function checked(done: Done[], lessons: Lesson[]): Promise<Claim[]> {
  const claims: Claim[] = [];
  for (const { lesson: id, step: k, link } of done) {
    const lesson = lessons.find((one) => one.id === id);
    const step = lesson?.steps[k];
    let fault = "";
    if (!step?.check) fault = t("this page has no such step");
    else
      try {
        if (!passes(step, await factsOfLink(link))) fault = t("the state does not pass the check");
      } catch (error) {
        fault = (error as Error).message;
      }
    claims.push({ lesson: lesson?.title ?? id, step: k, fault });
  }
  return claims;
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}
