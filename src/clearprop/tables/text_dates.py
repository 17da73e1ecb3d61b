"""Dates, times of day and durations that are written as text.

`find_date_format` finds how the dates of a column are written from its distinct texts.
`DateFormat` then reads each text by itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from clearprop._typing import Array

ORDERS = ("ymd", "dmy", "mdy", "named", "time", "month", "week", "quarter")
PIVOT = 69  # years of two digits from here on are of the 20th century, as POSIX has it
_DAY = 86_400_000_000  # microseconds
_MONTHS = {
    name: i + 1
    for i, names in enumerate(
        (
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
        )
    )
    for name in names.split()
}
_TIME = (
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}(?:[.,]\d{1,9})?))?"
    r" ?(?P<half>[AaPp]\.?[Mm]\.?)? ?(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2})?"
)
_WEEKDAY = r"(?:[A-Za-z]{2,9}[.,]{0,2} )?"
_DATES = {
    "ymd": (
        r"(?P<year>\d{4})[-/. ](?P<month>\d{1,2})[-/. ](?P<day>\d{1,2})\.?",
        r"(?P<year>(?:19|20)\d{2})(?P<month>\d{2})(?P<day>\d{2})",
    ),
    "dmy": (
        _WEEKDAY + r"(?P<day>\d{1,2})(?:/|-|\. ?)(?P<month>\d{1,2})(?:/|-|\. ?)"
        r"(?P<year>\d{4}|\d{2})",
    ),
    "mdy": (
        _WEEKDAY + r"(?P<month>\d{1,2})(?:/|-|\. ?)(?P<day>\d{1,2})(?:/|-|\. ?)"
        r"(?P<year>\d{4}|\d{2})",
    ),
    "named": (
        _WEEKDAY + r"(?P<day>\d{1,2})(?:st|nd|rd|th|\.)?[-/ ]*(?P<name>\pL{3,9})\.?,?[-/ ]*"
        r"(?P<year>\d{4}|\d{2})",
        _WEEKDAY + r"(?P<name>\pL{3,9})\.?[-/ ]*(?P<day>\d{1,2})(?:st|nd|rd|th)?,?[-/ ]+"
        r"(?P<year>\d{4})",
        r"(?P<year>\d{4})[-/ ](?P<name>\pL{3,9})[-/ ](?P<day>\d{1,2})",
        r"(?P<name>\pL{3,9})\.?,?[-/ ]+(?P<year>\d{4})",
        r"(?P<year>\d{4})[-/ ]+(?P<name>\pL{3,9})",
    ),
    "time": (),
    "month": (
        r"(?P<month>\d{1,2})/(?P<year>(?:19|20)\d{2})",
        r"(?P<year>(?:19|20)\d{2})/(?P<month>\d{1,2})",
    ),
    "week": (r"(?P<year>(?:19|20)\d{2})-?W(?P<week>\d{2})(?:-?(?P<weekday>[1-7]))?",),
    "quarter": (
        r"(?P<year>(?:19|20)\d{2})[-/ ]?[Qq](?P<quarter>[1-4])",
        r"[Qq](?P<quarter>[1-4])[-/ ]*(?P<year>(?:19|20)\d{2})",
        r"(?P<quarter>[1-4])[Qq][-/ ]?(?P<year>(?:19|20)\d{2})",
    ),
}
_ISO_MONTH = r"^(?P<year>\d{4})-(?P<month>0[1-9]|1[0-2])$"
_DURATION = (
    r"^(?P<minus>-)?(?:(?P<days>\d+) ?d(?:ays?)?,? ?)?(?P<plus>\+)?"
    r"(?:(?P<hours>\d+):(?P<minutes>[0-5]\d)(?::(?P<seconds>[0-5]\d(?:\.\d{1,9})?))?)?$"
)


@dataclass(frozen=True)
class DateFormat:
    """How the dates of a column are written.

    order: "ymd" (2024/12/31), "dmy" (31.12.2024), "mdy" (12/31/2024), "named" (31 Dec 2024, Dec 31,
    2024, Dec 2024) or "time" (times of day, which stand on 1970-01-01). Each may be followed by a
    time, also with AM or PM, and by an offset from UTC. "month" (12/2024), "week" (2024-W52) and
    "quarter" (2024Q4, Q4 2024) are their first days.
    """

    order: str

    @property
    def words(self) -> str:
        """Such as "day first"."""
        return {
            "ymd": "year first",
            "dmy": "day first",
            "mdy": "month first",
            "named": "names of months",
            "time": "times of day",
            "month": "months",
            "week": "weeks",
            "quarter": "quarters",
        }[self.order]

    def read(self, texts: Any) -> Array:
        """Arrow text as datetime64[us] (N,) in UTC, NaT where it is not written in this format."""
        import pyarrow.compute as pc

        encoded = texts.dictionary_encode()
        levels = encoded.dictionary
        found = np.full(len(levels) + 1, "NaT", dtype="datetime64[us]")
        for pattern in dict.fromkeys((*_patterns(self.order), *_patterns("ymd"), _ISO_MONTH)):
            todo = np.flatnonzero(np.isnat(found[:-1]))
            if len(todo):
                found[todo] = _stamps(levels.take(todo), pattern)
        indices = pc.fill_null(encoded.indices, len(levels))
        result: Array = found[indices.to_numpy(zero_copy_only=False)]
        return result


@cache
def _patterns(order: str) -> tuple[str, ...]:
    if order == "time":
        return (f"^{_TIME}$",)
    if order in ("month", "week", "quarter"):
        return tuple(f"^{date}$" for date in _DATES[order])
    return tuple(rf"^{date}(?:(?:[T ]|, ?| - ){_TIME})?$" for date in _DATES[order])


def _stamps(texts: Any, pattern: str) -> Array:
    """datetime64[us] (N,), NaT for a text that the pattern does not match, or no date."""
    import pyarrow.compute as pc

    stamps = np.full(len(texts), "NaT", dtype="datetime64[us]")
    fits = np.asarray(pc.match_substring_regex(texts, _unnamed(pattern)))
    if not fits.any():
        return stamps
    parts = pc.extract_regex(texts.filter(fits), pattern)
    names = {parts.type.field(i).name for i in range(parts.type.num_fields)}

    def number(name: str, default: str) -> Array:
        if name not in names:
            return np.full(len(parts), int(default))
        field = parts.field(name)
        field = pc.if_else(pc.equal(field, ""), default, field)
        return np.asarray(field.cast("int64"))

    day, year = number("day", "1"), number("year", "1970")
    if "year" in names:
        short = np.asarray(pc.utf8_length(parts.field("year"))) == 2
        year = np.where(short, year + np.where(year < PIVOT, 2000, 1900), year)
    if "name" in names:
        encoded = pc.utf8_lower(parts.field("name")).dictionary_encode()
        numbers = [_MONTHS.get(name, 0) for name in encoded.dictionary.to_pylist()]
        month = np.array(numbers)[encoded.indices.to_numpy()]
    elif "quarter" in names:
        month = 3 * number("quarter", "1") - 2
    else:
        month = number("month", "1")
    right = (month >= 1) & (month <= 12) & (day >= 1) & (year >= 1)
    months = (year - 1970) * 12 + np.where(right, month - 1, 0)
    first = months.astype("datetime64[M]")
    date = first.astype("datetime64[D]") + (day - 1)
    right &= date.astype("datetime64[M]") == first
    if "week" in names:
        date, right = _weeks(year, number("week", "1"), number("weekday", "1"))
    if "hour" not in names:
        date[~right] = np.datetime64("NaT")
        stamps[fits] = date
        return stamps
    micros, in_day = _time(parts, number)
    found = date.astype("datetime64[us]") + micros.astype("timedelta64[us]")
    found[~(right & in_day)] = np.datetime64("NaT")
    stamps[fits] = found
    return stamps


def _weeks(year: Array, week: Array, weekday: Array) -> tuple[Array, Array]:
    """The days of weeks as ISO 8601 numbers them, and whether the year has such a week."""

    def monday(year: Array) -> Array:
        """Of the first week, which has 4 January."""
        day = (year - 1970).astype("datetime64[Y]").astype("datetime64[D]") + 3
        return np.asarray(day - (day.astype(np.int64) + 3) % 7)

    date = monday(year) + 7 * (week - 1) + (weekday - 1)
    return date, (week >= 1) & (date < monday(year + 1))


def _time(parts: Any, number: Any) -> tuple[Array, Array]:
    """Microseconds since midnight in UTC, and whether the time of day is one."""
    import pyarrow.compute as pc

    hour, minute = number("hour", "0"), number("minute", "0")
    text = pc.replace_substring(parts.field("second"), ",", ".")
    seconds = np.asarray(pc.if_else(pc.equal(text, ""), "0", text).cast("float64"))
    right = (minute < 60) & (seconds < 60) & (hour < 24)
    half = pc.utf8_lower(pc.utf8_slice_codeunits(parts.field("half"), 0, 1))
    has_half = np.asarray(pc.not_equal(half, ""))
    right &= ~has_half | ((hour >= 1) & (hour <= 12))
    afternoon = np.asarray(pc.equal(half, "p"))
    hour = np.where(has_half, hour % 12 + 12 * afternoon, hour)
    micros = ((hour * 60 + minute) * 60) * 1_000_000 + np.rint(seconds * 1e6).astype(np.int64)
    zone = pc.replace_substring(parts.field("zone"), ":", "")
    encoded = zone.dictionary_encode()
    offsets = [
        (60 * int(z[1:3]) + int(z[3:])) * (-1 if z[0] == "-" else 1) if z[:1] in ("+", "-") else 0
        for z in (level or "" for level in encoded.dictionary.to_pylist())
        if z is not None
    ]
    shift = np.array(offsets, dtype=np.int64)[encoded.indices.to_numpy()]
    return micros - shift * 60_000_000, right


@cache
def _compiled(order: str) -> tuple[re.Pattern[str], ...]:
    """The patterns for Python, for which few texts are matched sooner than by Arrow."""
    return tuple(re.compile(p.replace(r"\pL", r"[^\W\d_]")) for p in _patterns(order))


@cache
def _unnamed(pattern: str) -> str:
    """The pattern without the names of its groups, which takes less time to match."""
    return re.sub(r"\(\?P<\w+>", "(?:", pattern)


def find_date_format(
    levels: Any, counts: Any, day_first: bool | None = None
) -> tuple[DateFormat, Array, bool] | None:
    """The format that reads most of the cells, the dates of the levels, and whether it is sure.

    levels: the distinct texts (Arrow). counts: how many cells have each (NumPy). day_first: the
    order of day and month, where it is asked for. Without it, the order is that of a date that has
    a day after the 12th; dates with points have the day first. None where hardly any text is a
    date.
    """
    best: tuple[int, DateFormat, Array] | None = None
    read = {}
    some = _some(levels).to_pylist()
    orders = [o for o in ORDERS if day_first is None or o != ("mdy" if day_first else "dmy")]
    for order in orders:
        form = DateFormat(order)
        if 2 * sum(any(p.fullmatch(text) for p in _compiled(order)) for text in some) < len(some):
            continue
        stamps = form.read(levels)
        read[order] = int(counts[~np.isnat(stamps)].sum())
        if best is None or read[order] > best[0]:
            best = read[order], form, stamps
    if best is None or best[0] == 0:
        return None
    n, form, stamps = best
    sure = not (form.order == "dmy" and read.get("mdy") == n and not _pointed(levels))
    return form, stamps, sure


def _pointed(levels: Any) -> bool:
    import pyarrow.compute as pc

    return bool(pc.any(pc.match_substring_regex(levels, r"^\d{1,2}\.")).as_py())


def _some(levels: Any) -> Any:
    import pyarrow as pa

    return levels.take(pa.array(range(0, len(levels), max(1, len(levels) // 30))))


def read_durations(texts: Any) -> Any:
    """Texts such as "1 days 02:03:04", "36:15" or "00:03:20" as seconds (Arrow float64).

    Null for any other text.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    fits = pc.and_(
        pc.match_substring_regex(texts, _unnamed(_DURATION)),
        pc.match_substring_regex(texts, r"\d"),
    )
    parts = pc.extract_regex(pc.if_else(fits, texts, None), _DURATION)
    days, time = pa.scalar(0.0), pa.scalar(0.0)
    for name, unit in (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0), ("seconds", 1.0)):
        field = pc.struct_field(parts, name)
        number = pc.if_else(pc.equal(field, ""), "0", field).cast(pa.float64())
        seconds = pc.multiply(number, unit)
        days, time = (seconds, time) if name == "days" else (days, pc.add(time, seconds))
    negative = pc.equal(pc.struct_field(parts, "minus"), "-")
    added = pc.equal(pc.struct_field(parts, "plus"), "+")  # "-1 days +23:00:00" is minus one hour
    days = pc.if_else(negative, pc.negate(days), days)
    time = pc.if_else(pc.and_(negative, pc.invert(added)), pc.negate(time), time)
    return pc.add(days, time)
