// The page's language: English, or a table of translations.
//
// A new language is a file in texts/, its import and a line here. `npm run texts` lists the texts that a table lacks.

import german from "./texts/de.json";
import { recall, remember } from "./storage.ts";
import { translate, type Translation } from "./text.ts";

/** The languages by code: each with its own name for itself, and its table. */
export const LANGUAGES: Record<string, { name: string; table: Translation }> = {
  en: { name: "English", table: {} },
  de: { name: "Deutsch", table: german },
};

let current = "";

/** The page's language. At first `?lang=de` in the address, else the last choice, else the browser's. */
export function language(): string {
  return current || first();
}

function first(): string {
  const asked = new URLSearchParams(location.search).get("lang") ?? recall("language");
  const wanted = asked ?? navigator.language.slice(0, 2);
  return Object.hasOwn(LANGUAGES, wanted) ? wanted : "en";
}

export function applyLanguage(code: string = language()): void {
  current = code;
  document.documentElement.lang = code;
  translate(LANGUAGES[code]!.table);
}

export function chooseLanguage(code: string): void {
  remember("language", code);
  applyLanguage(code);
}
