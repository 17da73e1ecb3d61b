"""One column of a table: what kind of values it holds, and how they are read.

The kind is inferred (`infer_kind`), and a column of a given kind is read as numbers, booleans,
dates or labels (`to_numbers`, `to_signs`, `to_datetimes`, `to_labels`), so that the text of a CSV
file and typed columns mean the same. What the kinds become in the matrix of a network is decided in
:mod:`clearprop.tabular`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.tables.frames import Column, TableError, shown

# what a column may hold; "nothing": only missing values, "other": what no network can use
TYPES = ("text", "integer", "float", "bool", "date", "time", "nothing", "other")
KINDS = ("numeric", "categorical", "boolean", "date", "ignore")
# text with more distinct values than this share of its rows identifies rows instead of describing
# them; text with at most this many values is kept
IDENTIFIER_SHARE = 0.5
IDENTIFIER_LEVELS = 20
SIGNS = {"true": 1.0, "t": 1.0, "yes": 1.0, "y": 1.0, "1": 1.0, "1.0": 1.0} | {
    "false": -1.0,
    "f": -1.0,
    "no": -1.0,
    "n": -1.0,
    "0": -1.0,
    "0.0": -1.0,
}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}.*)?", re.ASCII)


@dataclass(frozen=True)
class Inference:
    """The kind found for a column and why, in a few words."""

    name: str
    kind: str
    reason: str


@dataclass(frozen=True)
class ColumnType:
    """What a column of a frame holds.

    name: one of `TYPES` ("float" also for decimals and for integers that may be beyond int64).
    category: whether the frame says that the values are categories. zone: the time zone of dates
    as the frame names it, or None.
    """

    name: str
    category: bool = False
    zone: str | None = None


_TYPE_NAMES = {"int": "integer", "datetime": "date", "null": "nothing"}


def type_of(column: Column) -> ColumnType:
    """What a column holds."""
    return ColumnType(_TYPE_NAMES.get(column.type, column.type), column.labels, column.zone)


# ---- what kind a column is -----------------------------------------------------------------------


def infer_kind(column: Column, *, parse_text: bool = False) -> Inference:
    """The kind of a column: "numeric", "categorical", "boolean", "date" or "ignore", and why.

    Typed columns are what their type says. Text is categorical, or, with parse_text (as for CSV
    files), numeric, boolean (true/false) or a date (ISO 8601) where all its values are. Ignored
    are columns with no value or a single one, text with a different value in most rows
    (identifiers, free text), and types that hold no single value.
    """
    import pyarrow.compute as pc

    values = column.values
    n_present = len(values) - values.null_count
    if column.type == "other":
        kind, reason = "ignore", f"values of type {values.type} cannot be used"
    elif n_present == 0:
        kind, reason = "ignore", "no value at all"
    else:
        n_levels = pc.count_distinct(values, mode="only_valid").as_py()
        if n_levels == 1 and n_present == len(values):
            only = shown(str(values[0].as_py()))
            kind, reason = "ignore", f"the same value in every row: {only}"
        elif column.labels:
            kind, reason = "categorical", f"{n_levels} categories"
        elif column.type == "text":
            kind, reason = _infer_text(column, n_levels, parse_text)
        else:
            kinds = {"bool": "boolean", "datetime": "date", "time": "date"}
            kind, reason = kinds.get(column.type, "numeric"), f"{n_levels} different values"
    return Inference(column.name, kind, reason)


def _infer_text(column: Column, n_levels: int, parse: bool) -> tuple[str, str]:
    import pyarrow.compute as pc

    levels = pc.unique(column.values).drop_null()
    if parse and n_levels <= 6 and {x.lower() for x in levels.to_pylist()} <= {"true", "false"}:
        return "boolean", "true and false"
    if parse and _DATE.fullmatch(levels[0].as_py()) and _reads(to_datetimes, levels):
        return "date", f"{n_levels} different dates"
    if parse and _reads(_parse_numbers, levels):
        return "numeric", f"{n_levels} different numbers"
    n_present = len(column.values) - column.values.null_count
    if n_levels > max(IDENTIFIER_LEVELS, IDENTIFIER_SHARE * n_present):
        return "ignore", f"text with {n_levels} different values in {n_present} rows"
    return "categorical", f"{n_levels} categories"


def _reads(read: Callable[[Column], Any], values: Any) -> bool:
    try:
        read(Column("", values))
    except TableError:
        return False
    return True


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
        numbers = _parse_numbers(column)
    else:
        values = column.values.cast(pa.int64()) if column.type == "bool" else column.values
        numbers = values.cast(pa.float64(), safe=False)
    result: Array = numbers.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
    wrong = np.isinf(result)
    if not infinite and wrong.any():
        i = int(wrong.argmax())
        raise TableError(f"{column.row(i)}: {column.quoted(i)} is not a finite number")
    return result


def _parse_numbers(column: Column) -> Any:
    import pyarrow as pa

    return _convert(column, lambda part: part.cast(pa.float64()), "not a number")


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

    Times without a date stand on 1970-01-01. Text must be ISO 8601, such as 2026-01-31,
    2026-01-31 09:30 or 2026-01-31T09:30:00+01:00; raises TableError, naming column and row, for
    any other.
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
        stamp = None if text is None else datetime.fromisoformat(text)
        if stamp is not None and stamp.tzinfo is not None:
            stamp = stamp.astimezone(UTC).replace(tzinfo=None)
        stamps.append(stamp)
    return pa.array(stamps, pa.timestamp("us"))


def to_labels(column: Column) -> Any:
    """The values as Arrow text (large_string), null where missing.

    Whole numbers are written without a decimal point (1.0 is "1"), booleans as true and false, and
    dates in ISO 8601. Raises TableError for types whose values are not single values.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    values, text = column.values, pa.large_string()
    if column.empty:
        return pa.nulls(len(values), text)
    if column.type == "other":
        raise TableError(f"column {shown(column.name)} must hold labels, not {column.holds}")
    if column.type != "float":
        return values.cast(text)
    levels = values.dictionary_encode()
    names = [written(x) for x in levels.dictionary.to_pylist()]
    return pc.take(pa.array(names, text), levels.indices)


def written(value: bool | float) -> str:
    """A boolean or a number as a label: true, 3 (also for 3.0), 2.5."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if value.is_integer() and abs(value) < 2**63 else repr(value)


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
