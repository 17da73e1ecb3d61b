// Links: a station and its settings as the part of an address after the #.
//
// `station=softmax&z=1,2,0.5`: default settings are left out, the others are read back exactly.
// A long link is written as ~ and base64 of its deflated text. The same link gives the same numbers.

import { deflateSync, inflateSync, strFromU8, strToU8 } from "fflate";
import type { Settings } from "../protocol.ts";
import type { Model } from "../model/station.ts";
import { fromPairs, shown, toPairs } from "../model/settings.ts";

export const MOST_CHARACTERS = 65_536; // of a link
const READABLE = 200; // characters; a longer link is packed
const MOST_UNPACKED = 1_048_576;

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
  const own = link.replace(/^#/, "");
  for (const field of (own.startsWith("~") ? unpacked(own.slice(1)) : own).split("&")) {
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
  const readable = written([["station", model.key], ...toPairs(model.fields, settings)]);
  return packed(readable);
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

/** The text of a link, or a shorter one that stands for a long one. */
export function packed(readable: string): string {
  if (readable.length <= READABLE) return readable;
  const bytes = strFromU8(deflateSync(strToU8(readable), { level: 9 }), true);
  const text = btoa(bytes).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  return text.length + 1 < readable.length ? `~${text}` : readable;
}

function unpacked(text: string): string {
  let readable = "";
  try {
    const bytes = strToU8(atob(text.replace(/-/g, "+").replace(/_/g, "/")), true);
    readable = strFromU8(inflateSync(bytes));
  } catch {
    throw new Error("the link cannot be read: a part of it is missing or was changed");
  }
  if (readable.length > MOST_UNPACKED) throw new Error("the link is too long");
  return readable;
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
