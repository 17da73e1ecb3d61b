"""What a column of a table is: its kind and how it is read, decided from all its values.

`find` decides for one column. Typed columns are what their type says. Text is numbers, booleans,
dates or durations where nearly all its values are; a few other values then count as missing. What
was decided without being asked is kept as a `ColumnFinding`, for warnings and reports.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.tables.columns import (
    KINDS,
    parse_numbers,
    plain_numbers,
    to_datetimes,
    type_of,
)
from clearprop.tables.frames import Column, TableError, shown
from clearprop.tables.reading import Reading, marks
from clearprop.tables.row_numbers import is_row_number
from clearprop.tables.text_dates import find_date_format
from clearprop.tables.text_numbers import PLAIN, NumberFormat, are_codes, find_format
from clearprop.tables.words import is_free_text

# text with more distinct values than this share of its rows identifies rows instead of describing
# them; text with at most this many values is kept
IDENTIFIER_SHARE = 0.5
IDENTIFIER_LEVELS = 20
# A column of numbers or dates may have this share of other texts, or one in a short column; they
# have at most so many different values, and fewer than the numbers have.
FOREIGN_SHARE = 0.05
ROWS_FOR_ONE = 8
FOREIGN_LEVELS = 20
KINDS_OF_TYPES = {
    "bool": "boolean",
    "integer": "numeric",
    "float": "numeric",
    "decimal": "numeric",
    "interval": "numeric",
    "duration": "numeric",
    "date": "date",
    "time": "date",
}
_DATE = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}.*)?|\d{4}-(0[1-9]|1[0-2])|\d{4}Q[1-4]", re.ASCII
)
_DATE_LIKE = re.compile(
    r"\d{1,4}[-/.: ]|\b\d{1,2}\b.*\b[^\W\d_]{3,}\b|\b[^\W\d_]{3,}\b.*\b(\d{1,2}|\d{4})\b|"
    r"\d{4}-?W\d|\d{4}[Qq][1-4]|[Qq][1-4]|^(19|20)\d{6}$"
)


@dataclass(frozen=True)
class ColumnFinding:
    """What was found for a column.

    reading: its kind, and how it is read.
    n_missing: rows without a value, those with a gap included.
    gaps: the texts that were taken for missing values, with their counts.
    infinite: how many values are infinite.
    doubt: "comma" where a decimal comma may be a thousands comma, "day" where the order of day and
    month is not known, "codes" where texts of digits are categories; otherwise "".
    asked: whether the kind was asked for.
    """

    reading: Reading
    n_missing: int = 0
    gaps: tuple[tuple[str, int], ...] = ()
    infinite: int = 0
    doubt: str = ""
    asked: bool = False


def check_kinds(kinds: Mapping[str, str]) -> None:
    """Raise ValueError, naming the column, for an unknown kind."""
    for name, kind in kinds.items():
        if kind not in KINDS:
            raise ValueError(f"kinds[{name!r}] must be one of {', '.join(KINDS)}; got {kind!r}")


def check_text_format(options: Mapping[str, Any] | None) -> dict[str, Any]:
    """The options as a dict; TypeError or ValueError, naming the argument, for others."""
    if options is None:
        return {}
    if not isinstance(options, Mapping):
        raise TypeError(f"text_format must be a dict; got {options!r}")
    allowed = {
        "decimal": (".", ",", None),
        "thousands": (".", ",", " ", "'", "", None),
        "day_first": (True, False, None),
    }
    for key, value in options.items():
        if key not in allowed:
            raise ValueError(f"text_format has the keys {', '.join(allowed)}; got {key!r}")
        if not any(value is choice or value == choice for choice in allowed[key]):
            choices = ", ".join(map(repr, allowed[key]))
            raise ValueError(f"text_format[{key!r}] must be one of {choices}; got {value!r}")
    decimal, thousands = options.get("decimal"), options.get("thousands")
    if decimal is not None and decimal == thousands:
        raise ValueError(f"text_format: decimal and thousands are both {decimal!r}")
    if decimal is None and thousands in (".", ","):
        options = {**options, "decimal": "," if thousands == "." else "."}
    return dict(options)


def infer_reading(column: Column, kind: str | None = None) -> Reading:
    """How a column is read; `kind` is the kind that was asked for. See `find`."""
    return find(column, kind).reading


def find(
    column: Column, kind: str | None = None, options: Mapping[str, Any] | None = None
) -> ColumnFinding:
    """What a column is; kind and options (see `check_text_format`) are those that were asked for.

    Text with a different value in most rows is free text where its words recur. Ignored are columns
    with no value or a single one, row numbers, other text with a different value in most rows
    (identifiers), and types that hold no single value.
    """
    type_ = type_of(column)
    n_missing = int(column.values.null_count)
    parsed = ("numeric", "date") if column.labels else (None, "numeric", "date")
    if column.type == "text" and kind in parsed:
        found = _find_text(column, kind, dict(options or {}))
        found = replace(found, reading=replace(found.reading, type=type_))
        return replace(found, n_missing=found.n_missing + n_missing, asked=kind is not None)
    infinite = _count_infinite(column)
    if kind is not None:
        return ColumnFinding(Reading(kind, "as asked", type_), n_missing, (), infinite, asked=True)
    kind, reason = _of_type(column)
    return ColumnFinding(Reading(kind, reason, type_), n_missing, (), infinite)


def _of_type(column: Column) -> tuple[str, str]:
    """Kind and reason of a column of a type that is not text."""
    import pyarrow.compute as pc

    values = column.values
    n_present = len(values) - values.null_count
    if n_present == 0:
        return "ignore", "no value at all"
    if column.type == "other":
        return "ignore", f"{column.holds} cannot be used"
    if column.labels:
        n_levels = pc.count_distinct(values).as_py()
        constant = n_levels == 1
    else:
        ends = pc.min_max(values)
        constant = ends["min"] == ends["max"]
    if constant and n_present == len(values):
        return "ignore", _constant(values)
    if column.labels:
        return "categorical", f"{n_levels} categories"
    if column.type in ("int", "float") and is_row_number(column.name, values):
        return "ignore", "row numbers"
    return KINDS_OF_TYPES[type_of(column).name], column.holds


def _constant(values: Any) -> str:
    return f"the same value in every row: {shown(str(values[0].as_py()))}"


def _count_infinite(column: Column) -> int:
    import pyarrow.compute as pc

    if column.type != "float":
        return 0
    return int(pc.sum(pc.is_inf(column.values)).as_py() or 0)


# ---- text ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Words:
    """The distinct texts of a column that are not marks, and how many cells have each.

    marks: the marks, with their counts.
    """

    levels: Any
    counts: Array
    marks: tuple[tuple[str, int], ...]

    @classmethod
    def of(cls, column: Column) -> _Words:
        import pyarrow.compute as pc

        found = pc.value_counts(column.values.drop_null())
        levels, counts = found.field("values"), np.asarray(found.field("counts"))
        marked = np.asarray(pc.is_in(pc.utf8_lower(levels), value_set=marks()))
        pairs = zip(levels.filter(marked).to_pylist(), counts[marked].tolist(), strict=True)
        return cls(levels.filter(~marked), counts[~marked], tuple(pairs))

    def others(self, read: Array) -> tuple[tuple[str, int], ...] | None:
        """The texts that were not read, with their counts; None where they are too many."""
        others = np.flatnonzero(~read)
        n, n_others = int(self.counts.sum()), int(self.counts[others].sum())
        few = n_others <= max(FOREIGN_SHARE * n, 1 if n >= ROWS_FOR_ONE else 0)
        levels = len(others) <= FOREIGN_LEVELS and len(others) < int(read.sum())
        if not read.any() or not few or (len(others) and not levels):
            return None
        texts = self.levels.take(others).to_pylist()
        return tuple(zip(texts, self.counts[others].tolist(), strict=True))


def _find_text(column: Column, kind: str | None, options: dict[str, Any]) -> ColumnFinding:
    values = column.values
    n_present = len(values) - values.null_count
    if n_present == 0:
        return ColumnFinding(Reading(kind or "ignore", "no value at all"))
    plain = _find_plain(column, kind, options)
    if plain is not None:
        return plain
    words = _Words.of(column)
    n_words = len(words.levels)
    if kind is None and not n_words:
        reason = "no value but marks of missing values"
        return ColumnFinding(Reading("ignore", reason), n_missing=n_present)
    if kind is None and n_words == 1 and not words.marks and n_present == len(values):
        return ColumnFinding(Reading("ignore", _constant(values)))
    found = _find_numbers(words, kind, options) or _find_dates(words, kind, options)
    codes = kind is None and found is not None and found.reading.number is None
    codes = codes and are_codes(words.levels)
    if kind is None and found is not None and is_row_number(column.name, _plain(found, column)):
        return ColumnFinding(Reading("ignore", "row numbers"))
    if found is not None and found.doubt != "day" and not codes:
        return found
    if kind is not None and found is not None:
        raise TableError(
            f"column {shown(column.name)}: the order of day and month cannot be told from its "
            "dates; text_format={'day_first': True} or False (--day-first, --month-first) says it"
        )
    if kind is not None:  # the error is that of the first value which is not of the kind
        return ColumnFinding(Reading(kind, "as asked"))
    doubt = "" if found is None else "codes" if codes else found.doubt
    levels = {x.lower() for x in words.levels.to_pylist()} if n_words <= 6 else {""}
    if levels <= {"true", "false"}:
        gaps = words.marks
        return ColumnFinding(Reading("boolean", "true and false"), sum(n for _, n in gaps), gaps)
    n_levels = n_words + len(words.marks)
    if is_identifying(n_levels, n_present) and is_free_text(words.levels):
        return ColumnFinding(Reading("text", f"{n_levels} different texts"), doubt=doubt)
    if is_identifying(n_levels, n_present):
        what = "codes with leading zeros," if codes else "text with"
        reason = f"{what} {n_levels} different values in {n_present} rows"
        reason += "; it may be dates" if doubt == "day" else ""
        return ColumnFinding(Reading("ignore", reason), doubt=doubt)
    return ColumnFinding(Reading("categorical", f"{n_levels} categories"), doubt=doubt)


def _find_plain(column: Column, kind: str | None, options: dict[str, Any]) -> ColumnFinding | None:
    """The finding of a column of plain numbers; None for any other.

    It is what `_find_text` finds from the different texts, in a fraction of its time.
    """
    import pyarrow.compute as pc

    if kind == "date" or options.get("decimal") or options.get("thousands") is not None:
        return None
    texts = column.values
    numbers = plain_numbers(texts)
    if numbers is None or pc.any(pc.is_nan(numbers)).as_py():
        return None
    if kind is None and are_codes(texts):
        return None
    n_levels = pc.count_distinct(texts).as_py()
    if kind is None and n_levels == 1 and not texts.null_count:
        return ColumnFinding(Reading("ignore", _constant(texts)))
    if kind is None and is_row_number(column.name, numbers.drop_null()):
        return ColumnFinding(Reading("ignore", "row numbers"))
    reason = f"numbers: text with {n_levels} different values"
    infinite = int(pc.sum(pc.is_inf(numbers)).as_py() or 0)
    return ColumnFinding(Reading("numeric", reason), infinite=infinite)


def _plain(found: ColumnFinding, column: Column) -> Any:
    """The numbers of a column of plain numbers, without gaps (Arrow); none of another column."""
    import pyarrow as pa

    if found.reading.kind != "numeric" or found.reading.number is not None:
        return pa.nulls(0)
    numbers = found.reading.numbers(column)
    return pa.array(numbers[~np.isnan(numbers)])


def _find_numbers(words: _Words, kind: str | None, options: dict[str, Any]) -> ColumnFinding | None:
    """The finding of a column whose words are nearly all numbers, or durations."""
    import pyarrow.compute as pc

    if kind == "date":
        return None
    asked = {key: options.get(key) for key in ("decimal", "thousands")}
    form, sure, numbers = PLAIN, True, None
    if asked == {"decimal": None, "thousands": None}:
        try:
            numbers = parse_numbers(Column("", words.levels))
        except TableError:
            numbers = None
    if numbers is None:
        if not _some_match(words.levels, r"\d"):
            return None
        form, numbers, sure = find_format(words.levels, words.counts, asked)
        if words.others(np.asarray(pc.is_valid(numbers))) is None:
            form, numbers, sure = find_format(words.levels, words.counts, None)
        if words.others(np.asarray(pc.is_valid(numbers))) is None:
            asked_form = None if form == PLAIN else form
            form, sure = NumberFormat(duration=True), True
            numbers = form.read(words.levels)
            are_days = _some_match(words.levels, r"\bdays?\b")
            durations = are_days or _beyond_a_day(numbers)  # times of day are dates
            if not durations or words.others(np.asarray(pc.is_valid(numbers))) is None:
                # The error is that of the first text that is not a number.
                reading = Reading("numeric", "as asked", number=asked_form)
                return None if kind is None else ColumnFinding(reading)
    read = np.asarray(pc.is_valid(numbers))
    others = words.others(read)
    assert others is not None
    infinite = int(words.counts[np.asarray(pc.fill_null(pc.is_inf(numbers), False))].sum())
    what = form.words if form.duration else ", ".join(filter(None, ("numbers", form.words)))
    reason = f"{what}: text with {int(read.sum())} different values"
    is_plain = form == PLAIN and _are_plain(words.levels.filter(pc.is_valid(numbers)))
    number = None if is_plain else form  # a minus sign of its own is not plain
    reading = Reading("numeric", reason, None, number, None, tuple(text for text, _ in others))
    gaps = (*others, *words.marks)
    return ColumnFinding(reading, sum(n for _, n in gaps), gaps, infinite, "" if sure else "comma")


def _are_plain(levels: Any) -> bool:
    try:
        parse_numbers(Column("", levels))
    except TableError:
        return False
    return True


def _beyond_a_day(seconds: Any) -> bool:
    import pyarrow.compute as pc

    ends = pc.min_max(seconds)
    low, high = ends["min"].as_py(), ends["max"].as_py()
    return low is not None and (low < 0 or high >= 86400)


def _find_dates(words: _Words, kind: str | None, options: dict[str, Any]) -> ColumnFinding | None:
    """The finding of a column whose words are nearly all dates; its doubt is the order of days."""
    if kind == "numeric" or not _some_match(words.levels, _DATE_LIKE.pattern):
        return None
    first = words.levels[0].as_py()
    if _DATE.fullmatch(first):
        try:
            to_datetimes(Column("", words.levels))
        except TableError:
            pass
        else:
            return _dates(words, None, ())
    found = find_date_format(words.levels, words.counts, options.get("day_first"))
    if found is None:
        return None
    form, stamps, sure = found
    others = words.others(~np.isnat(stamps))
    if others is None:
        return None
    return replace(_dates(words, form, others), doubt="" if sure else "day")


def _dates(words: _Words, form: Any, others: tuple[tuple[str, int], ...]) -> ColumnFinding:
    what = "times of day" if form is not None and form.order == "time" else "dates"
    words_of = "ISO 8601" if form is None else form.words
    about = what if what == words_of else f"{what}, {words_of}"
    reason = f"{about}: text with {len(words.levels) - len(others)} different values"
    reading = Reading("date", reason, None, None, form, tuple(text for text, _ in others))
    gaps = (*others, *words.marks)
    return ColumnFinding(reading, sum(n for _, n in gaps), gaps)


def _some_match(levels: Any, pattern: str) -> bool:
    """Whether at least half of a few of the texts match."""
    import pyarrow as pa

    some = levels.take(pa.array(range(0, len(levels), max(1, len(levels) // 50))))
    return sum(re.search(pattern, text) is not None for text in some.to_pylist()) * 2 >= len(some)


# ---- the target ----------------------------------------------------------------------------------


def numbers_and_others(
    column: Column, options: Mapping[str, Any] | None = None
) -> tuple[NumberFormat | None, tuple[tuple[str, int], ...]] | None:
    """How a column of text is read as numbers, and the other texts with their counts.

    None for a column that is not text, or whose texts are not nearly all numbers.
    """
    if column.type != "text" or column.empty:
        return None
    found = _find_numbers(_Words.of(column), None, dict(options or {}))
    return None if found is None else (found.reading.number, found.gaps)


def is_identifying(n_levels: int, n_present: int) -> bool:
    """Whether so many different texts in so many rows identify rows instead of describing them."""
    return n_levels > max(IDENTIFIER_LEVELS, IDENTIFIER_SHARE * n_present)


def counted(texts: tuple[tuple[str, int], ...], most: int = 10) -> str:
    """Texts with their counts for a message, the most frequent first."""
    by_count = sorted(texts, key=lambda text: (-text[1], text[0]))
    named = [
        f"{shown(text, 30)} {'once' if n == 1 else f'{n:,} times'}" for text, n in by_count[:most]
    ]
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(named) + more
