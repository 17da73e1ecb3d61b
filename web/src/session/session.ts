// The page's session: it answers the commands of the page from the models, in the page itself.
//
// A command is answered by a message or throws an Error whose text the page shows. Commands are run in
// the order in which they were asked, one at a time.

import type { Arrays, Message, Settings, State, StationInfo } from "../protocol.ts";
import { MODELS } from "../model/index.ts";
import { change, defaults, shown } from "../model/settings.ts";
import type { Model } from "../model/station.ts";
import { decode, encode, stationOf } from "./link.ts";
import { type Command, opened, type OpenStation, type Surroundings, withEngine } from "./opened.ts";
import { Workshop } from "./workshop.ts";

type Opener = (model: Model, around: Surroundings) => OpenStation;

/** Stations that keep more than their settings, by key; a line for each. */
export const OPENERS: Record<string, Opener> = {
  stepper: withEngine,
  workshop: (model, around) => new Workshop(model, around),
};

export class Session {
  /** Messages that nobody asked for: frames, new data. */
  onPush: (message: Message, arrays: Arrays) => void = () => {};
  private stations = new Map<string, OpenStation>();
  private current: string;
  private last: Promise<unknown> = Promise.resolve();

  constructor(readonly models: Record<string, Model> = MODELS) {
    for (const [key, model] of Object.entries(models)) {
      const around: Surroundings = {
        push: (message, arrays = {}) => this.onPush(message, arrays),
        link: () => this.link(this.stations.get(key)!),
      };
      this.stations.set(key, (OPENERS[key] ?? opened)(model, around));
    }
    this.current = Object.keys(models)[0] ?? "";
  }

  /** Run a command; returns the reply, or throws an Error with the message to show. */
  ask(command: string, given: object = {}, file?: Uint8Array): Promise<Message> {
    const answer = this.last.then(() => this.perform(command, given, file));
    this.last = answer.catch(() => undefined);
    return answer;
  }

  /** Until every command so far is answered. */
  async idle(): Promise<void> {
    for (let last; last !== this.last; ) await (last = this.last);
  }

  /** The station, its settings and their link, and its view. */
  state(): State {
    const { model, settings, view } = this.open;
    return { station: model.key, settings: settings(), link: this.link(), view: view() };
  }

  link(station: OpenStation = this.open): string {
    return encode(station.model, station.linked());
  }

  private get open(): OpenStation {
    const station = this.stations.get(this.current);
    if (!station) throw new Error("no station is open");
    return station;
  }

  private async perform(command: string, given: object, file?: Uint8Array): Promise<Message> {
    const run = this.commands[command] ?? this.open.commands?.[command];
    if (!run) throw new Error(`there is no command ${shown(command)} in this station`);
    const reply = await run(given as Record<string, any>, file);
    return reply.station === true
      ? { type: "reply", ...reply, ...this.state() }
      : { type: "reply", ...reply };
  }

  private commands: Record<string, Command> = {
    hello: () => {
      const greetings = [...this.stations.values()].map((station) => station.greeting?.() ?? {});
      const stations = Object.values(this.models).map(describe);
      return Object.assign({ stations, table: { name: "", columns: [] } }, ...greetings, {
        station: stations.length > 0,
      });
    },
    state: () => ({ station: true }),
    link: () => ({ link: this.link() }),
    open: async ({ link }) => {
      const [model, settings] = decode(this.models, String(link));
      await this.start(model, settings);
      return { station: true };
    },
    visit: async ({ station }) => {
      const { key } = stationOf(this.models, station);
      this.go(key);
      await this.open.enter?.();
      return { station: true };
    },
    set: async ({ changes }) => {
      await this.open.change(changes as Settings);
      return { station: true };
    },
    preset: async ({ title }) => {
      const { model } = this.open;
      const preset = Object.hasOwn(model.presets, title) && model.presets[title];
      if (!preset) {
        const titles = Object.keys(model.presets).join(", ");
        throw new Error(`there is no preset ${shown(title)}; the presets are ${titles}`);
      }
      await this.start(model, complete(model, preset));
      return { station: true };
    },
    act: async ({ name, arguments: parameters }) => {
      const { model, settings, start } = this.open;
      if (!Object.hasOwn(model.actions, name))
        throw new Error(`this station has no action ${shown(name)}`);
      await start(complete(model, model.actions[name]!(settings(), parameters)));
      return { station: true };
    },
  };

  private async start(model: Model, settings: Settings): Promise<void> {
    await this.stations.get(model.key)!.start(settings);
    this.go(model.key);
  }

  private go(key: string): void {
    if (key !== this.current) this.open.leave?.();
    this.current = key;
  }
}

/** All settings of a station, some of them given; throws an Error if they do not fit. */
export function complete(model: Model, given: Settings): Settings {
  const settings = change(model.fields, defaults(model.fields), given);
  model.check?.(settings);
  return settings;
}

function describe(model: Model): StationInfo {
  const kinds = Object.entries(model.fields).map(([name, field]) => [
    name,
    { ...field.kind, path: `${model.key}.${name}` },
  ]);
  return {
    key: model.key,
    title: model.title,
    slides: model.slides,
    presets: Object.keys(model.presets),
    settings: Object.fromEntries(kinds),
  };
}
