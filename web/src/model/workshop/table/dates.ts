// Dates and times of day that are written as text, and dates as numbers.
// As clearprop/tables/text_dates.py and clearprop/tables/dates.py have them.

/** How the dates of a column are written; "iso": ISO 8601. */
export type DateOrder = "iso" | "ymd" | "dmy" | "mdy" | "named" | "time" | "month" | "week" | "quarter";

export const DATE_WORDS: Record<DateOrder, string> = {
  iso: "ISO 8601",
  ymd: "year first",
  dmy: "day first",
  mdy: "month first",
  named: "names of months",
  time: "times of day",
  month: "months",
  week: "weeks",
  quarter: "quarters",
};

const PIVOT = 69; // years of two digits from here on are of the 20th century
const DAY = 86_400_000; // milliseconds
const MONTHS = new Map(
  [
    "jan january januar jän jänner",
    "feb february februar",
    "mar march mär märz mrz",
    "apr april",
    "may mai",
    "jun june juni",
    "jul july juli",
    "aug august",
    "sep sept september",
    "oct october okt oktober",
    "nov november",
    "dec december dez dezember",
  ].flatMap((names, i) => names.split(" ").map((name): [string, number] => [name, i + 1])),
);
const TIME =
  "(?<hour>\\d{1,2}):(?<minute>\\d{2})(?::(?<second>\\d{2}(?:[.,]\\d{1,9})?))?" +
  " ?(?<half>[AaPp]\\.?[Mm]\\.?)? ?(?<zone>Z|UTC|GMT|[+-]\\d{2}:?\\d{2})?";
const WEEKDAY = "(?:[A-Za-z]{2,9}[.,]{0,2} )?";
const SEPARATOR = "(?:/|-|\\. ?)";
const DATES: Record<string, string[]> = {
  ymd: [
    "(?<year>\\d{4})[\\-/. ](?<month>\\d{1,2})[\\-/. ](?<day>\\d{1,2})\\.?",
    "(?<year>(?:19|20)\\d{2})(?<month>\\d{2})(?<day>\\d{2})",
  ],
  dmy: [`${WEEKDAY}(?<day>\\d{1,2})${SEPARATOR}(?<month>\\d{1,2})${SEPARATOR}(?<year>\\d{4}|\\d{2})`],
  mdy: [`${WEEKDAY}(?<month>\\d{1,2})${SEPARATOR}(?<day>\\d{1,2})${SEPARATOR}(?<year>\\d{4}|\\d{2})`],
  named: [
    `${WEEKDAY}(?<day>\\d{1,2})(?:st|nd|rd|th|\\.)?[\\-/ ]*(?<name>\\p{L}{3,9})\\.?,?[\\-/ ]*(?<year>\\d{4}|\\d{2})`,
    `${WEEKDAY}(?<name>\\p{L}{3,9})\\.?[\\-/ ]*(?<day>\\d{1,2})(?:st|nd|rd|th)?,?[\\-/ ]+(?<year>\\d{4})`,
    "(?<year>\\d{4})[\\-/ ](?<name>\\p{L}{3,9})[\\-/ ](?<day>\\d{1,2})",
    "(?<name>\\p{L}{3,9})\\.?,?[\\-/ ]+(?<year>\\d{4})",
    "(?<year>\\d{4})[\\-/ ]+(?<name>\\p{L}{3,9})",
  ],
};
const PERIODS: Record<string, string[]> = {
  month: [
    "(?<month>\\d{1,2})/(?<year>(?:19|20)\\d{2})",
    "(?<year>(?:19|20)\\d{2})/(?<month>\\d{1,2})",
    "(?<year>(?:19|20)\\d{2})-(?<month>\\d{2})",
  ],
  week: ["(?<year>(?:19|20)\\d{2})-?W(?<week>\\d{2})(?:-?(?<weekday>[1-7]))?"],
  quarter: [
    "(?<year>(?:19|20)\\d{2})[\\-/ ]?[Qq](?<quarter>[1-4])",
    "[Qq](?<quarter>[1-4])[\\-/ ]*(?<year>(?:19|20)\\d{2})",
    "(?<quarter>[1-4])[Qq][\\-/ ]?(?<year>(?:19|20)\\d{2})",
  ],
};
const PATTERNS = Object.fromEntries(
  Object.entries(DATES).map(([order, dates]) => [
    order,
    dates.map((date) => new RegExp(`^${date}(?:(?:[T ]|, ?| - )${TIME})?$`, "u")),
  ]),
);
for (const [order, periods] of Object.entries(PERIODS))
  PATTERNS[order] = periods.map((period) => new RegExp(`^${period}$`, "u"));
const TIMES = [new RegExp(`^${TIME}$`, "u")];
const ISO = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}(?::\d{2}(?::\d{2}(?:\.\d{1,6})?)?)?(?:Z|[+-]\d{2}(?::?\d{2})?)?)?$/;
export const ISO_LIKE = /^(?:\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}.*)?|\d{4}-(?:0[1-9]|1[0-2])|\d{4}Q[1-4])$/;

const patterns = (order: DateOrder) => (order === "time" ? TIMES : PATTERNS[order]!);

/** Whether a text is written in this order, without a look at its numbers. */
export function looksLike(order: DateOrder, text: string): boolean {
  return patterns(order).some((pattern) => pattern.test(text));
}

/** Milliseconds since 1970 in UTC, NaN where the text is not a date in this order. */
export function readDate(order: DateOrder, text: string): number {
  if (order === "iso") return readIso(text);
  for (const pattern of [...patterns(order), ...patterns("ymd")]) {
    const groups = pattern.exec(text)?.groups;
    const stamp = groups ? stampOf(groups) : NaN;
    if (!Number.isNaN(stamp)) return stamp;
  }
  return NaN;
}

function readIso(text: string): number {
  const month = /^(\d{4})-(\d{2})$/.exec(text);
  if (month) return dateOf(Number(month[1]), Number(month[2]), 1);
  const quarter = /^(\d{4})Q([1-4])$/.exec(text);
  if (quarter) return dateOf(Number(quarter[1]), 3 * Number(quarter[2]) - 2, 1);
  if (!ISO.test(text)) return NaN;
  const date = dateOf(Number(text.slice(0, 4)), Number(text.slice(5, 7)), Number(text.slice(8, 10)));
  const found = /^(\d{2})(?::?(\d{2})(?::?(\d{2}(?:\.\d+)?))?)?(Z|[+-].*)?$/.exec(text.slice(11));
  if (text.length === 10) return date;
  if (!found) return NaN;
  const [hour, minute, second] = [found[1], found[2] ?? "0", found[3] ?? "0"].map(Number) as [number, number, number];
  if (hour > 23 || minute > 59 || second >= 60) return NaN;
  return date + ((hour * 60 + minute) * 60 + second) * 1000 - offset(found[4] ?? "");
}

function dateOf(year: number, month: number, day: number): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const right = year >= 1 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return right && month >= 1 && month <= 12 ? date.getTime() : NaN;
}

function stampOf(groups: Record<string, string | undefined>): number {
  let year = Number(groups.year ?? 1970);
  if (groups.year?.length === 2) year += year < PIVOT ? 2000 : 1900;
  if (groups.week) return weekDay(year, Number(groups.week), Number(groups.weekday ?? 1));
  if (groups.quarter) return dateOf(year, 3 * Number(groups.quarter) - 2, 1);
  const month = groups.name ? (MONTHS.get(groups.name.toLowerCase()) ?? 0) : Number(groups.month ?? 1);
  const date = dateOf(year, month, Number(groups.day ?? 1));
  const second = Number((groups.second ?? "0").replace(",", "."));
  const minute = Number(groups.minute ?? 0);
  let hour = Number(groups.hour ?? 0);
  const half = groups.half?.[0]?.toLowerCase();
  if (half && (hour < 1 || hour > 12)) return NaN;
  if (half) hour = (hour % 12) + (half === "p" ? 12 : 0);
  if (hour > 23 || minute > 59 || second >= 60) return NaN;
  return date + ((hour * 60 + minute) * 60 + second) * 1000 - offset(groups.zone ?? "");
}

/** A day of a week as ISO 8601 numbers it, NaN if the year has no such week. */
function weekDay(year: number, week: number, weekday: number): number {
  /** Of the first week, which has 4 January. */
  const monday = (y: number) => {
    const day = dateOf(y, 1, 4) / DAY;
    return day - ((((day + 3) % 7) + 7) % 7);
  };
  const day = monday(year) + 7 * (week - 1) + (weekday - 1);
  return week >= 1 && day < monday(year + 1) ? day * DAY : NaN;
}

/** Milliseconds of an offset from UTC, such as +01:00. */
function offset(zone: string): number {
  const found = /^([+-])(\d{2}):?(\d{2})?$/.exec(zone);
  if (!found) return 0;
  return (found[1] === "-" ? -1 : 1) * (60 * Number(found[2]) + Number(found[3] ?? 0)) * 60_000;
}

/** The days since 1970, and the place in the year, month, week and day as sine and cosine. */
export const DATE_PARTS = [
  "days",
  ...["year", "month", "week", "day"].flatMap((cycle) => [`${cycle} sin`, `${cycle} cos`]),
];

/** The parts of a date in milliseconds, in the order of DATE_PARTS; NaN for NaN. */
export function dateParts(stamp: number): number[] {
  if (Number.isNaN(stamp)) return DATE_PARTS.map(() => NaN);
  const day = Math.floor(stamp / DAY);
  const time = (stamp - day * DAY) / DAY;
  const date = new Date(stamp);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  const within = (start: number, end: number) => (stamp - start) / DAY / ((end - start) / DAY);
  const first = (y: number, m: number) => {
    const at = new Date(0);
    at.setUTCFullYear(y, m, 1);
    return at.getTime();
  };
  const angles = [
    within(first(year, 0), first(year + 1, 0)),
    within(first(year, month), first(year, month + 1)),
    ((((day + 3) % 7) + 7) % 7 + time) / 7,
    time,
  ];
  return [day + time, ...angles.flatMap((a) => [Math.sin(2 * Math.PI * a), Math.cos(2 * Math.PI * a)])];
}

const ORDERS = ["ymd", "dmy", "mdy", "named", "time", "month", "week", "quarter"] as const;

/** The order that reads most of the cells, or null; `sure`: whether day and month cannot be swapped. */
export function findDates(
  levels: string[],
  counts: number[],
): { order: DateOrder; stamps: number[]; sure: boolean } | null {
  const step = Math.max(1, Math.floor(levels.length / 30));
  const some = levels.filter((_, i) => i % step === 0);
  const read: Partial<Record<DateOrder, number>> = {};
  let best: { n: number; order: DateOrder; stamps: number[] } | null = null;
  for (const order of ORDERS) {
    if (2 * some.filter((text) => looksLike(order, text)).length < some.length) continue;
    const stamps = levels.map((text) => readDate(order, text));
    const n = stamps.reduce((sum, stamp, i) => (Number.isNaN(stamp) ? sum : sum + counts[i]!), 0);
    read[order] = n;
    if (!best || n > best.n) best = { n, order, stamps };
  }
  if (!best || !best.n) return null;
  const pointed = levels.some((text) => /^\d{1,2}\./.test(text));
  const sure = !(best.order === "dmy" && read.mdy === best.n && !pointed);
  return { order: best.order, stamps: best.stamps, sure };
}
