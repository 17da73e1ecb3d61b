// The texts of the page that stand in data: labels, titles, explanations, lessons, findings. With the
// literals in t("…") they are what a translation has to have; web/texts.mjs collects both.

import activations from "../data/activations.json";
import findings from "../data/findings.json";
import initializers from "../data/initializers.json";
import optimizers from "../data/optimizers.json";
import units from "../data/output_units.json";
import steps from "../data/steps.json";
import { DATE_WORDS } from "../model/workshop/table/dates.ts";
import { COURSE } from "../lessons/course.ts";
import { MODELS } from "../model/index.ts";
import { EXPLANATIONS } from "./explanations.ts";
import { INTRODUCTIONS } from "./introductions.ts";

/** Entries of records whose values are shown to the reader. */
const SHOWN = new Set([
  ...["label", "title", "slides", "what", "attempt", "remark", "message", "advice", "page"],
  ...["goal", "text", "question", "because", "hint", "answer", "next"],
]);
/** Entries whose values are lists or records of texts. */
const ALL_SHOWN = new Set(["options", "evidence"]);

export function dataTexts(): string[] {
  const found = new Set<string>();
  const add = (value: unknown) => typeof value === "string" && value && found.add(value);
  const walk = (value: unknown): void => {
    if (!value || typeof value !== "object") return;
    for (const [name, entry] of Object.entries(value)) {
      if (SHOWN.has(name)) add(entry);
      if (ALL_SHOWN.has(name) && entry) Object.values(entry).forEach(add);
      walk(entry);
    }
  };
  for (const document of [activations, findings, initializers, optimizers, units, COURSE]) walk(document);
  walk(EXPLANATIONS);
  for (const step of steps) if ("note" in step) add(step.note);
  for (const texts of [INTRODUCTIONS, DATE_WORDS]) Object.values(texts).forEach(add);
  for (const model of Object.values(MODELS)) {
    [model.title, model.slides, ...Object.keys(model.presets)].forEach(add);
    for (const { kind } of Object.values(model.fields)) walk({ kind });
  }
  return [...found].sort();
}
