// A station while the page has it open: its settings, and what else it keeps between commands.
//
// Most stations are only their model: `opened` makes them. The workshop keeps a run, its data and its
// place in it; it has commands of its own, and sends frames without being asked.

import { loadEngine } from "../engine/loaded.ts";
import type { Arrays, Message, Settings, View } from "../protocol.ts";
import { change, defaults } from "../model/settings.ts";
import type { Model } from "../model/station.ts";

/** Runs a command: its arguments as they were given, and the file that came with it. */
export type Command = (
  given: Record<string, any>,
  file?: Uint8Array,
) => Record<string, unknown> | Promise<Record<string, unknown>>;

export interface OpenStation {
  model: Model;
  /** The settings as they are now. */
  settings: () => Settings;
  /** The settings that a link needs; with what was done since, such as the steps of a run. */
  linked: () => Settings;
  /** What `state` answers as the view. */
  view: () => View;
  /** Start with these settings, which are checked. May throw; then everything stays as it was. */
  start: (settings: Settings) => void | Promise<void>;
  /** Some settings changed, not yet checked. */
  change: (changes: Settings) => void | Promise<void>;
  /** The reader comes back to the station as it was left, or leaves it. */
  enter?: () => void | Promise<void>;
  leave?: () => void;
  /** Commands of this station alone, such as `train`. A reply with `station: true` gets the state. */
  commands?: Record<string, Command>;
  /** Entries added to the reply of `hello`. */
  greeting?: () => Record<string, unknown>;
}

/** What an open station may do by itself. */
export interface Surroundings {
  /** Send a message to the page that nobody asked for: a frame, new data, an error. */
  push: (message: Message, arrays?: Arrays) => void;
  /** The link of the station as it is now, for a frame of a run that stands still. */
  link: () => string;
}

/** A station that is nothing but its settings. */
export function opened(model: Model): OpenStation {
  let settings = defaults(model.fields);
  return {
    model,
    settings: () => settings,
    linked: () => settings,
    view: () => model.view(settings),
    start: (given) => {
      settings = given;
    },
    change: (changes) => {
      const changed = change(model.fields, settings, changes);
      model.check?.(changed);
      settings = changed;
    },
  };
}

/** A station whose model computes with the engine: it opens as soon as that is loaded. */
export function withEngine(model: Model): OpenStation {
  const station = opened(model);
  return {
    ...station,
    start: async (given) => {
      await loadEngine();
      await station.start(given);
    },
    enter: async () => {
      await loadEngine();
    },
  };
}
