// Links: a station and its settings as the part of an address after the #.
//
// `station=softmax&z=1,2,0.5`: default settings are left out, the others are read back exactly.
// The same link gives the same numbers.

import type { Settings } from "../protocol.ts";
import type { Model } from "../model/station.ts";
import { fromPairs, shown, toPairs } from "../model/settings.ts";

export const MOST_CHARACTERS = 65_536;

/** A link of these pairs: commas, semicolons, colons and tildes stay readable. */
export function written(pairs: [string, string][]): string {
  return pairs.map(([name, value]) => `${quoted(name)}=${quoted(value)}`).join("&");
}

/** The pairs of a link; throws an Error with a readable message for anything else. */
export function pairsOf(link: string): Map<string, string> {
  if (link.length > MOST_CHARACTERS)
    throw new Error(
      `the link is too long: ${link.length} characters, at most ${MOST_CHARACTERS} are allowed`,
    );
  const pairs = new Map<string, string>();
  for (const field of link.replace(/^#/, "").split("&")) {
    if (!field) continue;
    const at = field.indexOf("=");
    if (at < 0) throw new Error(`the link cannot be read: ${shown(field)} has no value`);
    const name = unquoted(field.slice(0, at));
    if (pairs.has(name)) throw new Error("the link cannot be read: a setting appears twice");
    pairs.set(name, unquoted(field.slice(at + 1)));
  }
  return pairs;
}

/** The link of a station with these settings, without the #. */
export function encode(model: Model, settings: Settings): string {
  return written([["station", model.key], ...toPairs(model.fields, settings)]);
}

/** Station and settings of a link; throws an Error with a readable message for any other text. */
export function decode(models: Record<string, Model>, link: string): [Model, Settings] {
  const pairs = pairsOf(link);
  const model = stationOf(models, pairs.get("station") ?? Object.keys(models)[0] ?? "");
  pairs.delete("station");
  const settings = fromPairs(model.fields, pairs);
  model.check?.(settings);
  return [model, settings];
}

/** The station with this key; throws an Error if there is none. */
export function stationOf(models: Record<string, Model>, key: unknown): Model {
  if (typeof key !== "string" || !Object.hasOwn(models, key))
    throw new Error(`station must be one of ${Object.keys(models).join(", ")}; got ${shown(key)}`);
  return models[key]!;
}

function quoted(text: string): string {
  const all = encodeURIComponent(text).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return all.replace(/%20/g, "+").replace(/%2C/g, ",").replace(/%3B/g, ";").replace(/%3A/g, ":");
}

function unquoted(text: string): string {
  try {
    return decodeURIComponent(text.replace(/\+/g, " "));
  } catch {
    throw new Error(`the link cannot be read: ${shown(text)} is not a text of an address`);
  }
}
