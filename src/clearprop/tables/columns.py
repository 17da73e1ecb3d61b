"""One column of a table: what kind of values it holds, and how they are read.

A column of a given kind is read as numbers, booleans, dates or labels (`to_numbers`, `to_signs`,
`to_datetimes`, `to_labels`), so that the text of a CSV file and typed columns mean the same. Which
kind a column is, :mod:`clearprop.tables.reading` decides. What the kinds become in the matrix of a
network is decided in :mod:`clearprop.tabular`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.tables.cells import number_text
from clearprop.tables.frames import Column, TableError, shown
from clearprop.tables.labels import SIGNS, first_day, interval_ends

# what a column may hold; "nothing": only missing values, "other": what no network can use
TYPES = (
    *("text", "integer", "float", "decimal", "interval", "duration"),
    *("bool", "date", "time", "nothing", "other"),
)
KINDS = ("numeric", "categorical", "boolean", "date", "text", "ignore")


@dataclass(frozen=True)
class ColumnType:
    """What a column of a frame holds.

    name: one of `TYPES` ("decimal" also for integers beyond 64 bits).
    category: whether the frame says that the values are categories. zone: the time zone of dates
    as the frame names it, or None.
    bits: the width of numbers with a floating point.
    mixed: whether text stood beside objects of other types.
    """

    name: str
    category: bool = False
    zone: str | None = None
    bits: int = 64
    mixed: bool = False


_TYPE_NAMES = {"int": "integer", "datetime": "date", "null": "nothing"}


def type_of(column: Column) -> ColumnType:
    """What a column holds."""
    name = _TYPE_NAMES.get(column.type, column.type)
    mixed = column.held == "mixed"
    if column.held and not mixed:
        name = column.held
    return ColumnType(name, column.labels, column.zone, column.bits, mixed)


# ---- a column of a known kind --------------------------------------------------------------------


def to_numbers(column: Column, *, infinite: bool = False) -> Array:
    """The values as float64 (N,), NaN where missing.

    Raises TableError, naming column and row, for a text that is not a number, and for ±inf unless
    `infinite` is true.
    """
    import pyarrow as pa

    if column.type in ("datetime", "time", "other"):
        if column.empty:
            return np.full(len(column.values), np.nan)
        raise TableError(f"column {shown(column.name)} must hold numbers, not {column.holds}")
    if column.type == "text":
        numbers = parse_numbers(column)
    else:
        values = column.values.cast(pa.int64()) if column.type == "bool" else column.values
        numbers = values.cast(pa.float64(), safe=False)
    result: Array = numbers.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
    wrong = np.isinf(result)
    if not infinite and wrong.any():
        i = int(wrong.argmax())
        raise TableError(f"{column.row(i)}: {column.quoted(i)} is not a finite number")
    return result


def plain_numbers(values: Any) -> Any:
    """Texts (Arrow) as float64; None where one is not a plain number such as "-1.5" or "2e9"."""
    import pyarrow as pa

    try:
        return values.cast(pa.float64())
    except pa.ArrowInvalid:
        return None


def parse_numbers(column: Column) -> Any:
    """The numbers of a column of text, float64 as Arrow has them; TableError for other text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    def convert(values: Any) -> Any:
        try:
            return values.cast(pa.float64())
        except pa.ArrowInvalid:
            if not pc.any(pc.starts_with(pc.fill_null(values, ""), "(")).as_py():
                raise
            return pa.array([None if v is None else _number(v) for v in values.to_pylist()])

    return _convert(column, convert, "not a number")


def _number(text: str) -> float:
    """A number, or the middle of an interval as pandas writes it."""
    ends = interval_ends(text)
    return float(text) if ends is None else 0.5 * (ends[0] + ends[1])


def to_signs(column: Column) -> Array:
    """Truth values as float64 (N,): +1 for true, −1 for false, 0 where missing.

    Text may be true/false, t/f, yes/no, y/n or 1/0; numbers must be 0 or 1. Raises TableError,
    naming column and row, for anything else.
    """
    import pyarrow.compute as pc

    encoded = pc.utf8_lower(to_labels(column)).dictionary_encode()
    levels = encoded.dictionary.to_pylist()
    signs = np.array([SIGNS.get(level, math.nan) for level in levels] + [0.0])
    result: Array = signs[pc.fill_null(encoded.indices, len(levels)).to_numpy()]
    if np.isnan(result).any():
        i = int(np.isnan(result).argmax())
        raise TableError(f"{column.row(i)}: {column.quoted(i)} is not true or false")
    return result


def to_datetimes(column: Column) -> Array:
    """Dates and times as datetime64[us] (N,) in UTC, NaT where missing.

    Times without a date stand on 1970-01-01. Text must be ISO 8601, such as 2026-01-31, 2026-01,
    2026-01-31 09:30 or 2026-01-31T09:30:00+01:00, or a quarter, such as 2026Q1; raises TableError,
    naming column and row, for any other.
    """
    import pyarrow as pa

    stamp = pa.timestamp("us")
    if column.empty:
        return np.full(len(column.values), "NaT", dtype="datetime64[us]")
    if column.type == "datetime":
        stamps = column.values.cast(stamp)
    elif column.type == "time":
        stamps = column.values.cast(pa.int64()).cast(stamp)
    elif column.type == "text":
        try:
            stamps = column.values.cast(stamp)
        except pa.ArrowInvalid:  # some have an offset from UTC, or are wrong
            stamps = _convert(column, _from_iso, "not a date in ISO 8601 form")
    else:
        raise TableError(f"column {shown(column.name)} must hold dates, not {column.holds}")
    result: Array = stamps.to_numpy(zero_copy_only=False).astype("datetime64[us]", copy=False)
    return result


def _from_iso(values: Any) -> Any:
    import pyarrow as pa

    stamps: list[datetime | None] = []
    for text in values.to_pylist():
        stamp = None if text is None else datetime.fromisoformat(first_day(text) or text)
        if stamp is not None and stamp.tzinfo is not None:
            stamp = stamp.astimezone(UTC).replace(tzinfo=None)
        stamps.append(stamp)
    return pa.array(stamps, pa.timestamp("us"))


def to_labels(column: Column) -> Any:
    """The values as Arrow text (large_string), null where missing.

    Whole numbers are written without a decimal point (1.0 is "1"), booleans as true and false,
    decimals exactly, intervals as "(0, 1.5]", and dates in ISO 8601. Raises TableError
    for types whose values are not single values.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    values, text = column.values, pa.large_string()
    if column.empty:
        return pa.nulls(len(values), text)
    if column.type == "other":
        raise TableError(f"column {shown(column.name)} must hold labels, not {column.holds}")
    if column.exact is not None:
        return column.exact
    if column.type != "float":
        return values.cast(text)
    levels = values.dictionary_encode()
    names = [number_text(x) for x in levels.dictionary.to_pylist()]
    return pc.take(pa.array(names, text), levels.indices)


def _convert(column: Column, convert: Callable[[Any], Any], problem: str) -> Any:
    """convert(values); where that fails, TableError about the first value that is at fault."""
    import pyarrow as pa

    values = column.values
    try:
        return convert(values)
    except (pa.ArrowInvalid, ValueError, OverflowError):
        low, high = 0, len(values)  # the first wrong value is in values[low:high]
        while high - low > 1:
            middle = (low + high) // 2
            try:
                convert(values[low:middle])
                low = middle
            except (pa.ArrowInvalid, ValueError, OverflowError):
                high = middle
        raise TableError(f"{column.row(low)}: {column.quoted(low)} is {problem}") from None
