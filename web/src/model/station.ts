// What a station is: settings with their kinds, and pure functions of them. No drawing here.

import type { Settings, View } from "../protocol.ts";
import type { Fields } from "./settings.ts";

/** One tab. Everything in it is a pure function of its settings. */
export interface Model<S extends Settings = Settings> {
  key: string; // its name in links
  title: string;
  slides: string; // the part of the lecture that it belongs to
  fields: Fields; // name → kind and default
  /** Throws an Error that names the setting, if the settings do not fit together. */
  check?: (settings: S) => void;
  /** `numbers`, and the Python program of each panel that prints them under the same names. */
  view: (settings: S) => View;
  actions: Record<string, (settings: S, given: Record<string, unknown>) => S>;
  presets: Record<string, Partial<S>>;
}
