// The tokens of expressions, and what is read from a few of them. A text has one line.

/** An error whose message begins as the library's does. */
export function fault(message: string): Error {
  const short = message.length <= 600 ? message : `${message.slice(0, 400)} … ${message.slice(-150)}`;
  return new Error(`expressions:1: ${short}`);
}

const WORD = "[\\p{L}\\p{Nl}\\p{No}_][\\p{L}\\p{N}_$]*";
const NAME = new RegExp(`^(?:\\\\\\S+|${WORD})$`, "u");
const TOKEN = new RegExp(
  [
    "//.*",
    "/\\*(?:.*?\\*/|.*)",
    "\\(\\*(?!\\s*\\))(?:.*?\\*\\)|.*)",
    "`.*",
    "\\\\\\S+",
    WORD,
    "\\d[\\d_]*(?:\\s*'[sS]?[bBoOdDhH]\\s*[\\p{L}\\p{N}_?]+)?",
    "'[sS]?[bBoOdDhH]\\s*[\\p{L}\\p{N}_?]+",
    "~\\^|\\^~|~&|~\\||&&|\\|\\||[=!]==?|<<<?|>>>?|<=|>=|\\S",
  ].join("|"),
  "gu",
);
const DIRECTIVE = /^`(timescale|default_nettype|(end)?celldefine|resetall)(?![\p{L}\p{N}_])/u;
const WIDEST = 65_536; // bits of a number

/** A value and its width, if it has one. */
export interface NumberToken {
  value: bigint;
  width: number | null;
}

/** The tokens of a text, with "" after the last; throws an Error for a comment without an end. */
export function tokenize(text: string): string[] {
  const found = text.replace(/^\ufeff/, "").match(TOKEN) ?? [];
  const last = found.at(-1) ?? "";
  for (const [begin, end] of [
    ["/*", "*/"],
    ["(*", "*)"],
  ] as const) {
    if (last.startsWith(begin) && (last.length < 4 || !last.endsWith(end)))
      throw fault(`${named(last)} has no end '${end}'`);
  }
  return [...found.filter((token) => !skipped(token)), ""];
}

export function isName(token: string): boolean {
  return NAME.test(token);
}

export function isDigit(token: string): boolean {
  return /^\d/.test(token);
}

/** A token as it appears in an error, quoted as Python quotes it. */
export function named(token: string): string {
  if (!token) return "end of file";
  const text = token.length <= 40 ? token : `${token.slice(0, 37)}…`;
  return repr(text);
}

export function repr(text: string): string {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  return mark + text.replaceAll("\\", "\\\\").replaceAll(mark, `\\${mark}`) + mark;
}

/** The error for a token that is not allowed here. */
export function unexpected(token: string, wanted: string): Error {
  return fault(`unexpected ${named(token)}: expected ${wanted}`);
}

/** Value and width of a number; throws an Error for x and z, and for a width out of range. */
export function readNumber(token: string): NumberToken {
  const plain = token.replace(/[\s_]/g, "").toLowerCase();
  const quote = plain.indexOf("'");
  const size = quote < 0 ? plain : plain.slice(0, quote);
  let rest = quote < 0 ? "" : plain.slice(quote + 1);
  if (size.length > 10 || rest.length > WIDEST + 2)
    throw fault(`the number ${named(plain)} is too long`);
  if (quote < 0) return { value: BigInt(size), width: null };
  if (!rest) throw unexpected(token, "a number such as 1'b0");
  if (rest[0] === "s") throw fault(`signed numbers such as ${named(plain)} are not supported`);
  const base = { b: 2, o: 8, d: 10, h: 16 }[rest[0]!]!;
  rest = rest.slice(1);
  if (/[xz?]/.test(rest)) throw fault(`x and z are not supported, as in ${named(plain)}`);
  const digits = "0123456789abcdef".slice(0, base);
  if (!rest || [...rest].some((digit) => !digits.includes(digit)))
    throw fault(`${named(plain)} is not a number of base ${base}`);
  const width = size ? Number(size) : null;
  if (width !== null && (width < 1 || width > WIDEST))
    throw fault(`a number must have 1 … ${WIDEST} bits; got ${named(plain)}`);
  let value = 0n;
  for (const digit of rest) value = value * BigInt(base) + BigInt(digits.indexOf(digit));
  return { value: width === null ? value : BigInt.asUintN(width, value), width };
}

/** A net: its name, such as a or a[3]. */
export interface Net {
  name: string;
  range?: string; // the name of the nets that were read, if there are several: a of a[3:0]
}

/** A net and the place after it. */
export function readNet(words: string[], at: number): [Net, number] {
  const word = words[at]!;
  const name = word.startsWith("\\") ? word.slice(1) : word;
  if (words[at + 1] !== "[") return [{ name }, at + 1];
  const indices: bigint[] = [];
  let next = at + 1;
  for (;;) {
    next++;
    const minus = words[next] === "-";
    if (minus) next++;
    if (!isDigit(words[next]!)) throw unexpected(words[next]!, "a number (an index must be constant)");
    const { value } = readNumber(words[next]!);
    indices.push(minus ? -value : value);
    next++;
    if (words[next] === "]") break;
    if (words[next] !== ":" || indices.length === 2)
      throw unexpected(words[next]!, indices.length === 2 ? "']'" : "':' or ']'");
  }
  const range = indices.length === 2 ? name : undefined;
  return [{ name: `${name}[${indices[0]}]`, range }, next + 1];
}

/** The name of a net that is only one. */
export function single({ name, range }: Net): string {
  if (range !== undefined)
    throw fault(`an expression must use single nets; ${repr(range)} has a range`);
  return name;
}

/** Whether a token is a comment, an attribute, or a directive that does not change the logic. */
function skipped(token: string): boolean {
  return /^(\/\/|\/\*|\(\*)/.test(token) || DIRECTIVE.test(token);
}
