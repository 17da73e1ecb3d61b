// The page's texts. They are written in English where they are used; a translation is a table from
// the English text to another language's, with {name} for what is filled in.

export type Translation = Record<string, string>;

let translation: Translation = {};

/** Use a translation from now on; {} is English. */
export function translate(table: Translation): void {
  translation = table;
}

/** A text in the reader's language: t("epoch {n}", { n: 3 }). */
export function t(text: string, values: Record<string, string | number> = {}): string {
  const found = translation[text] || text;
  return found.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}
