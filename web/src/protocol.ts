// What the session answers, and what the page draws from it.

/** Numbers of a view: a scalar, a vector or a matrix. NaN and infinities may be texts. */
export type Value = number | string | Value[];
export type Numbers = Record<string, Value>;

/** A setting's bounds, as its control needs them: a kind of model/settings.ts. */
export interface Kind {
  kind: "number" | "choice" | "numbers" | "rows" | "text" | "choices" | "named";
  label: string;
  low: number;
  high: number;
  step: number;
  whole: boolean;
  options: Record<string, string>;
  each: Kind;
  least: number;
  most: number;
  columns: Kind[];
  /** "station.setting": what texts/explanations.ts explains. */
  path?: string;
}

export interface StationInfo {
  key: string;
  title: string;
  slides: string;
  presets: string[];
  settings: Record<string, Kind>;
}

/** The document of a lecture station. `python` prints `numbers` under the same names. */
export interface View {
  numbers: Numbers;
  python: string;
  [extra: string]: unknown;
}

export type Settings = Record<string, any>; // eslint-free: each station knows its own record

export interface State {
  station: string;
  settings: Settings;
  link: string;
  view: View;
}

export interface Message {
  type: string;
  id?: number | null;
  [entry: string]: any;
}

export type Arrays = Record<string, { data: Float64Array | Uint8Array; shape: number[] }>;

/** A scalar as a number. */
export function real(value: Value | undefined): number {
  return typeof value === "number" ? value : Number(value);
}

/** A vector as numbers. */
export function reals(value: Value | undefined): number[] {
  return Array.isArray(value) ? value.map((entry) => real(entry)) : [];
}

/** A matrix as rows of numbers. */
export function matrix(value: Value | undefined): number[][] {
  return Array.isArray(value) ? value.map((row) => reals(row)) : [];
}
