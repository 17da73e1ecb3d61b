// Settings: plain records whose fields know their bounds, and their form in a link.
//
// Each field has a kind, which says what the field may hold. The kind checks values from the page or
// from a link and names the setting in its errors; the controls are drawn from the same bounds.

import type { Settings } from "../protocol.ts";

/** What one setting may hold. Each kind throws an Error that names the setting. */
export interface Kind {
  kind: "number" | "choice" | "numbers" | "rows" | "choices" | "named" | "text";
  label: string;
  /** The value in the form in which it is kept. */
  check(name: string, value: unknown): any;
  /** The value as text in a link; `read` returns it exactly. */
  write(value: any): string;
  /** The value of a text in a link, not yet checked. */
  read(name: string, text: string): any;
}

export interface NumberKind extends Kind {
  kind: "number";
  low: number;
  high: number;
  step: number; // of the control; 0 for a multiplying control
  whole: boolean;
}

export interface ChoiceKind extends Kind {
  kind: "choice";
  options: Record<string, string>; // name → title
}

export interface NumbersKind extends Kind {
  kind: "numbers";
  each: NumberKind;
  least: number;
  most: number;
}

export interface RowsKind extends Kind {
  kind: "rows";
  columns: NumberKind[];
  most: number;
}

export interface ChoicesKind extends Kind {
  kind: "choices";
  each: ChoiceKind;
  least: number;
  most: number;
}

export interface NamedKind extends Kind {
  kind: "named";
  each: ChoiceKind;
  most: number;
}

export interface TextKind extends Kind {
  kind: "text";
  most: number;
}

export type AnyKind =
  | NumberKind
  | ChoiceKind
  | NumbersKind
  | RowsKind
  | ChoicesKind
  | NamedKind
  | TextKind;

export type Fields = Record<string, { kind: AnyKind; default: any }>;

/** A number from low to high. */
export function number(
  label: string,
  low: number,
  high: number,
  step = 0,
  { whole = false }: { whole?: boolean } = {},
): NumberKind {
  return {
    kind: "number",
    label,
    low,
    high,
    step,
    whole,
    check(name, value) {
      const right =
        typeof value === "number" && value >= low && value <= high && (!whole || value % 1 === 0);
      if (!right) {
        const what = whole ? "an integer" : "a number";
        throw new Error(`${name} must be ${what} from ${low} to ${high}; got ${shown(value)}`);
      }
      return value;
    },
    write: (value: number) => String(value),
    read(name, text) {
      const value = Number(text);
      if (text.trim() === "" || text.length > 40 || Number.isNaN(value))
        throw new Error(`${name} must be a number; got ${shown(text)}`);
      return value;
    },
  };
}

/** One of several names, each with a readable title. */
export function choice(label: string, options: Record<string, string>): ChoiceKind {
  return {
    kind: "choice",
    label,
    options,
    check(name, value) {
      if (typeof value !== "string" || !Object.hasOwn(options, value))
        throw new Error(
          `${name} must be one of ${Object.keys(options).join(", ")}; got ${shown(value)}`,
        );
      return value;
    },
    write: (value: string) => value,
    read: (_, text) => text,
  };
}

/** Between `least` and `most` numbers, each of the kind `each`. */
export function numbers(label: string, each: NumberKind, least: number, most: number): NumbersKind {
  return {
    kind: "numbers",
    label,
    each,
    least,
    most,
    check: (name, value) =>
      list(name, value, least, most, "numbers").map((v, i) => each.check(`${name}[${i}]`, v)),
    write: (value: number[]) => value.map((v) => each.write(v)).join(","),
    read: (name, text) => split(text, ",").map((part, i) => each.read(`${name}[${i}]`, part)),
  };
}

/** Up to `most` rows of numbers, one kind for each column. */
export function rows(label: string, columns: NumberKind[], most: number): RowsKind {
  return {
    kind: "rows",
    label,
    columns,
    most,
    check: (name, value) =>
      list(name, value, 0, most, "rows").map((row, i) =>
        list(`${name}[${i}]`, row, columns.length, columns.length, "numbers").map((v, j) =>
          columns[j]!.check(`${name}[${i}].${columns[j]!.label}`, v),
        ),
      ),
    write: (value: number[][]) =>
      value.map((row) => row.map((v, j) => columns[j]!.write(v)).join(",")).join(";"),
    read: (name, text) =>
      split(text, ";").map((row, i) =>
        row.split(",").map((part) => columns[0]!.read(`${name}[${i}]`, part)),
      ),
  };
}

/** Between `least` and `most` choices of the kind `each`. */
export function choices(label: string, each: ChoiceKind, least: number, most: number): ChoicesKind {
  return {
    kind: "choices",
    label,
    each,
    least,
    most,
    check: (name, value) =>
      list(name, value, least, most, "names").map((v, i) => each.check(`${name}[${i}]`, v)),
    write: (value: string[]) => value.join(","),
    read: (_, text) => split(text, ","),
  };
}

/** Choices of the kind `each` for named things (any text), kept as pairs. */
export function named(label: string, each: ChoiceKind, most: number): NamedKind {
  return {
    kind: "named",
    label,
    each,
    most,
    check(name, value) {
      const pairs = Array.isArray(value)
        ? value
        : value && typeof value === "object"
          ? Object.entries(value)
          : [value];
      if (pairs.length > most)
        throw new Error(`${name} must be at most ${most} pairs; got ${shown(value)}`);
      const checked = new Map<string, string>();
      for (const pair of pairs) {
        if (!Array.isArray(pair) || pair.length !== 2 || typeof pair[0] !== "string")
          throw new Error(`${name} must be pairs of a name and a choice; got ${shown(pair)}`);
        checked.set(pair[0].slice(0, 200), each.check(`${name}[${shown(pair[0])}]`, pair[1]));
      }
      return [...checked];
    },
    write: (value: [string, string][]) => JSON.stringify(Object.fromEntries(value)),
    read(name, text) {
      try {
        const pairs = JSON.parse(text);
        if (pairs && typeof pairs === "object" && !Array.isArray(pairs)) return pairs;
      } catch {
        // told below
      }
      throw new Error(`${name} must be a JSON object; got ${shown(text)}`);
    },
  };
}

/** A text of at most `most` characters, without control characters. */
export function text(label: string, most: number): TextKind {
  return {
    kind: "text",
    label,
    most,
    check(name, value) {
      if (typeof value !== "string" || value.length > most || /\p{Cc}/u.test(value))
        throw new Error(`${name} must be a text of up to ${most} characters; got ${shown(value)}`);
      return value;
    },
    write: (value: string) => value,
    read: (_, text) => text,
  };
}

/** The settings as they are at first. */
export function defaults(fields: Fields): Settings {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.default]));
}

/** The settings with some changed, each checked; throws an Error for an unknown name. */
export function change(fields: Fields, settings: Settings, changes: Settings): Settings {
  const changed: Settings = { ...settings };
  for (const [name, value] of Object.entries(changes)) {
    changed[name] = field(fields, name).kind.check(name, value);
  }
  return changed;
}

/** Name and text of every setting that differs from its default, in the order of the fields. */
export function toPairs(fields: Fields, settings: Settings): [string, string][] {
  return Object.entries(fields)
    .map(([name, { kind, default: usual }]): [string, string, string] => [
      name,
      kind.write(settings[name]),
      kind.write(kind.check(name, usual)),
    ])
    .filter(([, own, usual]) => own !== usual)
    .map(([name, own]) => [name, own]);
}

/** The settings of the texts that `toPairs` wrote; throws an Error for any others. */
export function fromPairs(fields: Fields, pairs: Iterable<[string, string]>): Settings {
  const changes: Settings = {};
  for (const [name, text] of pairs) changes[name] = field(fields, name).kind.read(name, text);
  return change(fields, defaults(fields), changes);
}

/** A value in an error message, of bounded length. */
export function shown(value: unknown): string {
  const text = (typeof value === "number" ? String(value) : JSON.stringify(value)) ?? "undefined";
  return text.length <= 60 ? text : text.slice(0, 57) + "…";
}

function field(fields: Fields, name: string): Fields[string] {
  if (!Object.hasOwn(fields, name))
    throw new Error(
      `there is no setting ${shown(name)}; the settings are ${Object.keys(fields).join(", ")}`,
    );
  return fields[name]!;
}

function list(
  name: string,
  value: unknown,
  least: number,
  most: number,
  what: string,
): unknown[] {
  if (!Array.isArray(value) || value.length < least || value.length > most) {
    const range = least === most ? `${least}` : `${least} to ${most}`;
    throw new Error(`${name} must be ${range} ${what}; got ${shown(value)}`);
  }
  return value;
}

function split(text: string, separator: string): string[] {
  return text ? text.split(separator) : [];
}
