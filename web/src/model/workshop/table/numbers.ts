// Numbers that are written as text: separators, units and currencies, found from a whole column.
// As clearprop/tables/text_numbers.py reads them.

import { t } from "../../../text.ts";

/** How the numbers of a column are written. */
export interface NumberFormat {
  decimal: "." | ",";
  /** The sign between groups of digits: "", ",", ".", a blank or "'". */
  thousands: string;
  /** A unit, a currency or a per cent sign that may stand beside the number. */
  unit: string;
  /** Whether (5) and 5- mean −5. */
  brackets: boolean;
  /** Whether 3k is 3000 and 1.2M is 1200000. */
  multiples: boolean;
}

export const PLAIN: NumberFormat = {
  decimal: ".",
  thousands: "",
  unit: "",
  brackets: false,
  multiples: false,
};

const SAMPLE = 1000;
const SPELLINGS: [RegExp, string][] = [
  [/[\u00a0\u202f\u2009\u2007]/g, " "],
  [/[\u2212\u2013]/g, "-"],
  [/\u2019/g, "'"],
];
const CODES =
  "USD EUR GBP JPY CNY CHF CAD AUD NZD SEK NOK DKK PLN CZK HUF RON BGN TRY RUB UAH INR BRL MXN " +
  "ARS CLP COP ZAR KRW SGD HKD TWD THB IDR MYR PHP VND ILS AED SAR EGP NGN KES";
const CURRENCIES = [
  ..."US$ A$ C$ R$ NZ$ HK$ S$ CA$ AU$ Rs. Rs Fr. SFr. kr".split(" "),
  ..."$€£¥₹₽₩₪₺฿₫₴₦₱₡₲₵¢",
  ...CODES.split(" "),
];
const ENGLISH = ["$", "£", "¥", "USD", "GBP", "JPY", "US$", "A$", "C$", "CAD", "AUD"];
const GLUED = new Set([
  ...(
    "% ‰ kg g mg µg μg ug lb lbs oz t km m cm mm µm nm mi ft in yd m2 m3 m² m³ cm2 cm3 km2 km² ha " +
    "l L ml mL dl cl gal °C °F ° K s ms µs ns min h hr hrs kB KB MB GB TB PB kb Mb Gb bit Hz kHz " +
    "MHz GHz W kW MW GW kWh MWh Wh V kV mV mA Ah mAh kJ MJ cal kcal Pa hPa kPa MPa bar mbar psi kN " +
    "Nm hp bhp PS rpm mph kmh km/h kph m/s fps dpi ppi px dB lm lx mol mmol mg/dl mg/dL mmol/l " +
    "mmol/L mmHg cc ccm kmpl km/kg k M Mio Mrd bn mn pt pts pct ppm ppb yr yrs"
  ).split(" "),
  ...CURRENCIES,
  "€/m²",
  "$/m²",
]);
const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");
const PREFIX = [...CURRENCIES].sort((a, b) => b.length - a.length).map(escaped).join("|");
const PEEL = new RegExp(
  `^\\(?[-+]?\\s?(?<before>${PREFIX})?\\s?[-+]?` +
    "(?:\\d(?:[\\d.,' ]*[\\d.,])?|[.,]\\d+)(?:[eE][-+]?\\d+)?" +
    "(?<blank>\\s?)(?<after>[^\\d\\s.,'()+-][^\\s()]{0,11}(?: [^\\d\\s()]{1,11})?)?-?\\)?$",
);

// What stands for a power of ten at a number.
const MULTIPLES = new Map<string, number>([
  ...["k", "K"].map((name): [string, number] => [name, 1e3]),
  ...["M", "mn", "mln", "Mio", "Mio.", "million"].map((name): [string, number] => [name, 1e6]),
  ...["B", "bn", "Mrd", "Mrd.", "billion"].map((name): [string, number] => [name, 1e9]),
]);
const MULTIPLE = [...MULTIPLES.keys()]
  .sort((a, b) => b.length - a.length)
  .map((name) => name.replace(".", "\\."))
  .join("|");
const END = "($|[^\\p{L}\\d/²³])";
const AT_NUMBER = new RegExp(`(\\d) ?(?:${MULTIPLE})${END}`, "gu");
const FACTOR = new RegExp(`\\d ?(${MULTIPLE})${END}`, "u");
const MULTIPLES_AT_NUMBERS = new RegExp(`(\\d) ?(?:${MULTIPLE})`, "g");

/** Such as "kg, decimal comma, thousands point"; "" for plain numbers. */
export function formatWords(form: NumberFormat): string {
  const found = form.unit ? [form.unit] : [];
  if (form.decimal !== ".") found.push(t("decimal comma"));
  if (form.thousands) found.push(thousandsWords(form.thousands));
  if (form.brackets) found.push(t("brackets are negative"));
  if (form.multiples) found.push(t("k is 1000, M is a million"));
  return found.join(", ");
}

function thousandsWords(sign: string): string {
  if (sign === ",") return t("thousands comma");
  if (sign === ".") return t("thousands point");
  return sign === " " ? t("thousands blank") : t("thousands apostrophe");
}

/** One spelling of blanks, minus signs and apostrophes. */
export function spelled(text: string): string {
  return SPELLINGS.reduce((found, [from, to]) => found.replace(from, to), text);
}

/** A reader of texts in a format: NaN for a text that is not a number in it. */
export function reader(form: NumberFormat): (text: string) => number {
  const fits = new RegExp(patternOf(form));
  const plural = hasPlural(form);
  const trimmed = `+\\- ${form.brackets ? "()" : ""}${plural ? "s" : ""}`;
  const edges = new RegExp(`^[${trimmed}]+|[${trimmed}]+$`, "g");
  return (given) => {
    const text = spelled(given);
    const lower = text.replace(/^[-+]+/, "").toLowerCase();
    if (lower === "inf" || lower === "infinity") return text.startsWith("-") ? -Infinity : Infinity;
    if (!fits.test(text)) return NaN;
    let number = form.unit ? text.replaceAll(form.unit, "") : text;
    const factor = form.multiples ? (MULTIPLES.get(FACTOR.exec(text)?.[1] ?? "") ?? 1) : 1;
    if (form.multiples) number = number.replace(MULTIPLES_AT_NUMBERS, "$1");
    const negative = /^[ +]*[-(]|-$/.test(number);
    number = number.replace(edges, "");
    if (form.thousands) number = number.replaceAll(form.thousands, "");
    if (form.decimal !== ".") number = number.replaceAll(form.decimal, ".");
    return (negative ? -Number(number) : Number(number)) * factor;
  };
}

function hasPlural({ unit }: NumberFormat): boolean {
  return unit.length > 2 && /^\p{L}+$/u.test(unit) && unit !== unit.toUpperCase();
}

function patternOf(form: NumberFormat): string {
  const point = escaped(form.decimal);
  const comma = escaped(form.thousands);
  let digits = "\\d+";
  if (form.thousands) digits = `(?:[1-9]\\d{0,2}(?:${comma}\\d{2,3})*${comma}\\d{3}|\\d+)`;
  let body = `(?:${digits}(?:${point}\\d*)?|${point}\\d+)(?:[eE][-+]?\\d+)?`;
  if (form.multiples) body += `(?: ?(?:${MULTIPLE}))?`;
  let [before, after] = ["", ""];
  if (form.unit) {
    const unit = escaped(form.unit);
    before = CURRENCIES.includes(form.unit) ? `(?:${unit} ?)?[-+]?` : "";
    after = `(?: ?${unit}${hasPlural(form) ? "s?" : ""})?`;
  }
  const plain = `[-+]? ?${before}${body}${after}`;
  return form.brackets ? `^(?:${plain}-?|\\( ?${plain} ?\\))$` : `^${plain}$`;
}

/**
 * Whether texts of digits are codes, such as postcodes, and not numbers: some begin with a zero, and
 * all have the same length, or at least half begin with a zero.
 */
export function areCodes(texts: string[]): boolean {
  const n = texts.filter((text) => /^0\d+$/.test(text)).length;
  if (!n || !texts.every((text) => /^\d+$/.test(text))) return false;
  return texts.every((text) => text.length === texts[0]!.length) || 2 * n >= texts.length;
}

export interface FoundFormat {
  form: NumberFormat;
  /** Of each level; NaN where it is not a number. */
  numbers: number[];
  /** Whether a comma may not be meant otherwise. */
  sure: boolean;
}

/** The format that reads most of the cells. levels: the different texts; counts: their cells. */
export function findFormat(levels: string[], counts: number[]): FoundFormat {
  const plain = levels.map(reader(PLAIN));
  if (!plain.some(Number.isNaN)) return { form: PLAIN, numbers: plain, sure: true };
  const texts = levels.map(spelled);
  const brackets = texts.some((text) => /^\(.*\)$|\d ?-$/.test(text));
  const multiples = texts.some((text) => text.search(AT_NUMBER) >= 0);
  const unit = unitOf(multiples ? texts.map((text) => text.replace(AT_NUMBER, "$1$2")) : texts);
  const base: NumberFormat = { ...PLAIN, unit, brackets, multiples };
  const n_all = counts.reduce((a, b) => a + b, 0);
  const n_read = (numbers: number[]) =>
    numbers.reduce((n, x, i) => (Number.isNaN(x) ? n : n + counts[i]!), 0);
  let best: { n: number; form: NumberFormat; numbers: number[] } | null = null;
  for (const form of formsOf(texts, base)) {
    const numbers = texts.map(reader(form));
    const n = n_read(numbers);
    if (!best || n > best.n) best = { n, form, numbers };
    if (n === n_all) break;
  }
  const { n, form, numbers } = best!;
  if (form.decimal === "," && !form.thousands) {
    const other: NumberFormat = { ...base, thousands: "," };
    const asOther = texts.map(reader(other));
    if (n_read(asOther) === n) {
      const evident = ENGLISH.includes(base.unit) || isGrouped(texts, base);
      return evident ? { form: other, numbers: asOther, sure: true } : { form, numbers, sure: false };
    }
  }
  return { form, numbers, sure: true };
}

/** The formats that may be meant; of two that read the same, the first is taken. */
function formsOf(texts: string[], base: NumberFormat): NumberFormat[] {
  const has = (pattern: RegExp) => texts.some((text) => pattern.test(text));
  const present = new Set([",", " ", "'"].filter((sign) => has(new RegExp(`\\d${sign}\\d`))));
  if (has(/\d\.\d\d\d\b/)) present.add(".");
  const forms: NumberFormat[] = [];
  for (const thousands of ["", ",", " ", "'", "."])
    for (const decimal of [".", ","] as const) {
      if ((thousands && !present.has(thousands)) || decimal === thousands) continue;
      if (decimal === "," && thousands !== "." && !present.has(",")) continue;
      forms.push({ ...base, decimal, thousands });
    }
  const some = evenly(texts, SAMPLE);
  const read = forms.map((form) => some.map(reader(form)).filter((x) => !Number.isNaN(x)).length);
  const most = Math.max(...read);
  return forms.filter((_, k) => read[k]! >= 0.9 * most);
}

/** Whether whole numbers without a sign stand beside those with one, and are all below 1000. */
function isGrouped(texts: string[], base: NumberFormat): boolean {
  const numbers = texts.map(reader(base)).filter(Number.isFinite);
  return numbers.length > 0 && numbers.every((x) => Math.abs(x) < 1000);
}

/** The unit or currency that at least half of the texts with a number have, or "". */
function unitOf(texts: string[]): string {
  const found = new Map<string, number>();
  for (const text of evenly(texts, SAMPLE)) {
    const groups = PEEL.exec(text)?.groups;
    if (!groups) continue;
    const before = groups.before ?? "";
    let after = groups.after ?? "";
    if (after && !groups.blank && !GLUED.has(after)) after = "?"; // part of a code such as 12A
    let unit = before && after ? "?" : before || after;
    if (unit.length > 3 && /^\p{L}+$/u.test(unit)) unit = unit.replace(/s$/, "");
    found.set(unit, (found.get(unit) ?? 0) + 1);
  }
  let [unit, n, all] = ["", 0, 0];
  for (const [name, count] of found) {
    all += count;
    if (count > n) [unit, n] = [name, count];
  }
  return unit !== "?" && 2 * n >= all ? unit : "";
}

/** At most `most` of the texts, or twice as many, at equal distances. */
export function evenly<T>(texts: T[], most: number): T[] {
  const step = Math.max(1, Math.floor(texts.length / most));
  return texts.filter((_, i) => i % step === 0);
}
