"""Cells that are Python objects: what each holds, and its text, whatever its neighbours are.

`read_cells` reads a list of objects as one column. The text of a cell depends on this cell alone:
3, 3.0 and Decimal("3.00") are "3", True is "true", a date is ISO 8601.
"""

from __future__ import annotations

import datetime as dt
import enum
import math
import os
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, TypeGuard

import numpy as np

INT64, UINT64 = (-(2**63), 2**63), (0, 2**64)
EPOCH, MICROSECOND = dt.datetime(1970, 1, 1), dt.timedelta(microseconds=1)
MISSING_TYPES = ("NAType", "NaTType")
PLURALS = {"list": "lists", "tuple": "tuples", "dict": "dicts", "set": "sets", "bytes": "bytes"}


@dataclass(frozen=True)
class Values:
    """What a column holds, as Arrow arrays.

    array: the values, of one of the types of `Column`.
    exact: what labels are written from where `array` holds less: Arrow decimals or text; or None.
    held: "decimal", "interval", "duration" or "mixed" where the type of `array` does not say it.
    bits: the width of numbers with a floating point in the frame.
    labels: whether the frame marks the values as categories. zone: the time zone of dates, or None.
    problem: why the values cannot be used, such as "lists"; or "".
    numbers, stamps: of a mixed column, the cells that are numbers or truth values (float64), and
    dates or times (timestamp[us]), null for any other; otherwise None.
    """

    array: Any
    exact: Any = None
    held: str = ""
    bits: int = 64
    labels: bool = False
    zone: str | None = None
    problem: str = ""
    numbers: Any = None
    stamps: Any = None


@dataclass(frozen=True)
class CellValue:
    """One value.

    group: "number", "duration", "bool", "text", "date", "time", "interval" or "other".
    value: of a number int, float or Decimal; of a duration its seconds; of a date microseconds
    since 1970 in UTC; of a time of day microseconds since midnight; of an interval its middle; of
    anything else a few words.
    text: as a label.
    """

    group: str
    value: Any
    text: str
    zone: str | None = None


# ---- texts ---------------------------------------------------------------------------------------


def number_text(value: bool | int | float | Decimal) -> str:
    """A truth value or number as a label: true, 3 (also for 3.0), 2.5, 1e+30.

    Whole numbers have all their digits, except floats from 2⁶³ on; numbers with a fraction are as
    short as their width allows; decimals are exact.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if value.bit_length() <= 1024 else number_text(_float(value))
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**63 else repr(value)
    return decimal_text(value)


def decimal_text(value: Decimal) -> str:
    """Exact, without zeros at the end: 1.50 is "1.5", 2.00 is "2"."""
    if not value.is_finite() or abs(value.adjusted()) > 80:
        return number_text(float(value))
    if value == value.to_integral_value():
        return str(int(value))
    return f"{value:f}".rstrip("0") if value.adjusted() >= -4 else repr(float(value))


def stamp_text(microseconds: int) -> str:
    """A date and time as Arrow writes it, "2026-01-31 09:30:00.000000"."""
    return (EPOCH + microseconds * MICROSECOND).isoformat(" ", "microseconds")


def time_text(microseconds: int) -> str:
    """A time of day as Arrow writes it, "09:30:00.000000"."""
    return (EPOCH + microseconds * MICROSECOND).time().isoformat("microseconds")


def interval_text(left: Any, right: Any, closed: str) -> str:
    """An interval of numbers, "(0, 1.5]", whatever the type of its ends."""
    opening = "[" if closed in ("left", "both") else "("
    closing = "]" if closed in ("right", "both") else ")"
    return f"{opening}{number_text(left)}, {number_text(right)}{closing}"


# ---- one cell ------------------------------------------------------------------------------------


def cell_of(value: Any) -> CellValue | None:
    """What a Python, NumPy, pandas or Arrow value holds; None for a missing value or empty text."""
    kind = type(value)
    if kind is str:
        text = value.strip()
        return CellValue("text", text, text) if text else None
    if value is None or kind.__name__ in MISSING_TYPES:
        return None
    if kind is bool:
        return CellValue("bool", value, number_text(value))
    if kind is int:
        return CellValue("number", value, number_text(value))
    if kind is float:
        return None if math.isnan(value) else CellValue("number", value, number_text(value))
    return _cell_of_object(value)


def _cell_of_object(value: Any) -> CellValue | None:
    for types, read in OBJECTS:
        if isinstance(value, types):
            return read(value)
    name = kind_name(value)
    if name == "pandas.Period":
        return cell_of(value.to_timestamp())
    if name == "pandas.Interval":
        return _cell_of_interval(value)
    if name.startswith("pyarrow.") and hasattr(value, "as_py"):
        return cell_of(value.as_py())
    if isinstance(value, np.ndarray) and value.ndim == 0:
        return cell_of(value.item())
    if _has_text(value):
        return cell_of(str(value))
    return CellValue("other", PLURALS.get(type(value).__name__, _plural(value)), "")


def _cell_of_decimal(value: Decimal) -> CellValue | None:
    return None if value.is_nan() else CellValue("number", value, decimal_text(value))


def _cell_of_bytes(value: bytes) -> CellValue | None:
    try:
        return cell_of(bytes(value).decode("utf-8"))
    except UnicodeDecodeError:
        return CellValue("other", "bytes that are not UTF-8 text", "")


def kind_name(value: Any) -> str:
    """The library and the type of a value, such as "pandas.Interval"."""
    kind = type(value)
    return f"{kind.__module__.partition('.')[0]}.{kind.__name__}"


def _plural(value: Any) -> str:
    if isinstance(value, complex):
        return "complex numbers"
    if isinstance(value, np.ndarray):
        return "arrays"
    return f"objects of type {type(value).__name__}"


def _has_text(value: Any) -> bool:
    """Whether a value of a type that is not known here is one value with a text of its own."""
    several = hasattr(value, "__len__") or hasattr(value, "__iter__")
    own = any("__str__" in vars(kind) for kind in type(value).__mro__[:-1])
    return own and not several and not isinstance(value, complex)


def _cell_of_numpy(value: Any) -> CellValue | None:
    kind = value.dtype.kind
    if kind == "M":
        if np.isnat(value):
            return None
        return _stamp(int(value.astype("datetime64[us]").astype(np.int64)))
    if kind == "m":
        if np.isnat(value):
            return None
        return _seconds(int(value.astype("timedelta64[us]").astype(np.int64)))
    if kind == "f":  # a longdouble would stay one
        return cell_of(float(value))
    if kind in "cV":
        return CellValue("other", "complex numbers" if kind == "c" else "records", "")
    return cell_of(value.item())


def _cell_of_time(value: Any) -> CellValue | None:
    if isinstance(value, dt.timedelta):
        return _seconds(value // MICROSECOND)
    if isinstance(value, dt.time):
        microseconds = ((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000
        microseconds += value.microsecond
        return CellValue("time", microseconds, time_text(microseconds))
    if not isinstance(value, dt.datetime):
        value = dt.datetime(value.year, value.month, value.day)
    zone = None
    plain = value.replace(tzinfo=None)
    if value.tzinfo is not None:
        zone = str(value.tzinfo)
        plain -= value.utcoffset()
    if hasattr(plain, "to_pydatetime"):
        plain = plain.to_pydatetime(warn=False)
    return _stamp((plain - EPOCH) // MICROSECOND, zone)


def _stamp(microseconds: int, zone: str | None = None) -> CellValue:
    try:
        text = stamp_text(microseconds)
    except OverflowError:  # beyond the years 1 to 9999
        text = str(np.datetime64(microseconds, "us")).replace("T", " ")
    return CellValue("date", microseconds, text, zone)


def _seconds(microseconds: int) -> CellValue:
    seconds = microseconds / 1e6
    return CellValue("duration", seconds, number_text(seconds))


def _cell_of_interval(value: Any) -> CellValue | None:
    middle = cell_of(value.mid)
    if middle is None or middle.group == "date":  # of an interval of dates, its middle
        return middle
    left, right = cell_of(value.left), cell_of(value.right)
    assert left is not None
    assert right is not None
    return CellValue(
        "interval", float(middle.value), interval_text(left.value, right.value, value.closed)
    )


OBJECTS: tuple[tuple[Any, Callable[[Any], CellValue | None]], ...] = (
    (enum.Enum, lambda value: cell_of(value.value)),
    (np.generic, _cell_of_numpy),
    (str, lambda value: cell_of(str(value))),
    (int, lambda value: cell_of(int(value))),
    (float, lambda value: cell_of(float(value))),
    (Decimal, _cell_of_decimal),
    (Fraction, lambda value: cell_of(int(value) if value.denominator == 1 else float(value))),
    ((bytes, bytearray), _cell_of_bytes),
    ((dt.date, dt.time, dt.timedelta), _cell_of_time),
    ((uuid.UUID, os.PathLike), lambda value: cell_of(str(value))),
)


# ---- a column of cells ---------------------------------------------------------------------------


def read_cells(values: Sequence[Any]) -> Values:
    """A column of Python objects.

    All truth values, numbers (with truth values among them), dates, times, durations or intervals
    are that; a column of several of these is text.
    """
    import pyarrow as pa

    cells = [cell_of(value) for value in values]
    groups = {cell.group for cell in cells if cell is not None}
    if "other" in groups:
        row = next(i for i, cell in enumerate(cells) if cell is not None and cell.group == "other")
        return _other(cells, row)
    if not groups:
        return Values(pa.nulls(len(cells)))
    found = [None if cell is None else cell.value for cell in cells]
    if groups == {"bool"}:
        return Values(pa.array(found, pa.bool_()))
    texts = _texts(cells)
    if groups == {"text"}:
        return Values(texts)
    if groups == {"duration"}:
        return Values(pa.array(found, pa.float64()), held="duration")
    if groups <= {"number", "bool", "duration"}:
        return _numbers(found, texts)
    if groups == {"interval"}:
        return Values(pa.array(found, pa.float64()), texts, "interval")
    if groups == {"date"}:
        zones = {cell.zone for cell in cells if cell is not None}
        zone = zones.pop() if len(zones) == 1 else None
        return Values(pa.array(found, pa.int64()).cast(pa.timestamp("us")), zone=zone)
    if groups == {"time"}:
        return Values(pa.array(found, pa.int64()).cast(pa.time64("us")))
    numbers = [
        _float(cell.value) if _is_of(cell, "number", "bool", "duration") else None for cell in cells
    ]
    stamps = [cell.value if _is_of(cell, "date", "time") else None for cell in cells]
    return Values(
        texts,
        held="mixed",
        numbers=pa.array(numbers, pa.float64()),
        stamps=pa.array(stamps, pa.int64()).cast(pa.timestamp("us")),
    )


def _is_of(cell: CellValue | None, *groups: str) -> TypeGuard[CellValue]:
    return cell is not None and cell.group in groups


def _texts(cells: Sequence[CellValue | None]) -> Any:
    import pyarrow as pa

    return pa.array([None if cell is None else cell.text for cell in cells], pa.large_string())


def _other(cells: Sequence[CellValue | None], row: int) -> Values:
    """A column that cannot be used; its values are not empty where the cells are not."""
    import pyarrow as pa

    first = cells[row]
    assert first is not None
    return Values(
        pa.array([None if cell is None else b"" for cell in cells], pa.large_binary()),
        problem=f"{first.value} (first in row {row})" if row else str(first.value),
    )


def _numbers(found: list[Any], texts: Any) -> Values:
    import pyarrow as pa

    kinds = {type(value) for value in found if value is not None}
    if kinds == {int}:
        low, high = min(v for v in found if v is not None), max(v for v in found if v is not None)
        if low >= INT64[0] and high < INT64[1]:
            return Values(pa.array(found, pa.int64()))
        if low >= UINT64[0] and high < UINT64[1]:
            return Values(_uint64(found))
    floats = pa.array([None if v is None else _float(v) for v in found], pa.float64())
    exact = kinds == {int} or Decimal in kinds
    return Values(floats, texts, "decimal" if exact else "")


def _uint64(found: list[Any]) -> Any:
    import pyarrow as pa

    array = np.array([v or 0 for v in found], dtype=np.uint64)
    return pa.array(array, mask=np.array([v is None for v in found]))


def _float(value: Any) -> float:
    try:
        return float(value)
    except (OverflowError, InvalidOperation):  # beyond float64
        return -math.inf if value < 0 else math.inf
