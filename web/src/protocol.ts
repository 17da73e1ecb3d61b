// What goes over the socket; the other side is clearprop/playground/messages.py and commands.py.

/** Numbers of a view: a scalar, a vector or a matrix; "NaN" and "Infinity" come as texts. */
export type Value = number | string | Value[];
export type Numbers = Record<string, Value>;

/** A setting's description: clearprop/playground/settings.py, `Kind.describe`. */
export interface Kind {
  kind: "number" | "choice" | "numbers" | "rows" | "text" | "choices" | "named" | "flag";
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

/** Who answers the page's commands. */
export interface Connection {
  /** Messages that nobody asked for: frames, new data. */
  onPush: (message: Message, arrays: Arrays) => void;
  onLost: (reason: string) => void;
  connect(): Promise<void>;
  /** Run a command; returns the reply, or throws an Error with the message to show. */
  ask(command: string, given?: object, file?: Uint8Array): Promise<Message>;
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

/** A binary message: its JSON, and the arrays that follow it (views, not copies). */
export function unpack(buffer: ArrayBuffer): { message: Message; arrays: Arrays } {
  const length = new DataView(buffer).getUint32(0, true);
  const text = new TextDecoder().decode(new Uint8Array(buffer, 4, length));
  const message = JSON.parse(text) as Message;
  const arrays: Arrays = {};
  let at = 4 + length;
  for (const [name, type, shape] of message.arrays as [string, string, number[]][]) {
    const n = shape.reduce((a, b) => a * b, 1);
    const data =
      type === "f8" ? new Float64Array(buffer, at, n) : new Uint8Array(buffer, at, n);
    arrays[name] = { data, shape };
    at += data.byteLength + ((8 - (data.byteLength % 8)) % 8);
  }
  return { message, arrays };
}

/** A message with a file after it. */
export function pack(message: object, file: Uint8Array): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(message));
  const whole = new Uint8Array(4 + text.length + file.length);
  new DataView(whole.buffer).setUint32(0, text.length, true);
  whole.set(text, 4);
  whole.set(file, 4 + text.length);
  return whole;
}
