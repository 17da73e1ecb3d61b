"""How a column is read: decided in training, kept with the model, and used for every later row.

`infer_reading` decides from all values of a column. The record `Reading` then reads each later
value by itself, so that it means the same in any batch, library and file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from clearprop._typing import Array
from clearprop.tables.columns import (
    KINDS,
    ColumnType,
    parse_numbers,
    to_datetimes,
    to_labels,
    to_numbers,
    to_signs,
    type_of,
)
from clearprop.tables.frames import Column, TableError, shown
from clearprop.tables.labels import as_trained

# text with more distinct values than this share of its rows identifies rows instead of describing
# them; text with at most this many values is kept
IDENTIFIER_SHARE = 0.5
IDENTIFIER_LEVELS = 20
KINDS_OF_TYPES = {
    "bool": "boolean",
    "integer": "numeric",
    "float": "numeric",
    "decimal": "numeric",
    "interval": "numeric",
    "date": "date",
    "time": "date",
}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}.*)?", re.ASCII)


@dataclass(frozen=True)
class Reading:
    """How the values of a column are read.

    kind: one of `KINDS`.
    reason: why, in a few words.
    type: what the column held in training; None in files of versions that did not keep it.
    """

    kind: str
    reason: str = ""
    type: ColumnType | None = None

    def numbers(self, column: Column) -> Array:
        """float64 (N,), NaN where missing; infinities stay."""
        return to_numbers(column, infinite=True)

    def signs(self, column: Column) -> Array:
        """+1, −1 and 0 for true, false and missing, float64 (N,)."""
        return to_signs(column)

    def stamps(self, column: Column) -> Array:
        """datetime64[us] (N,), NaT where missing."""
        return to_datetimes(column)

    def labels(self, column: Column) -> Any:
        """Arrow text, null where missing."""
        return as_trained(to_labels(column), self.type)


# ---- what kind a column is -----------------------------------------------------------------------


def check_kinds(kinds: Mapping[str, str]) -> None:
    """Raise ValueError, naming the column, for an unknown kind."""
    for name, kind in kinds.items():
        if kind not in KINDS:
            raise ValueError(f"kinds[{name!r}] must be one of {', '.join(KINDS)}; got {kind!r}")


def infer_reading(column: Column, kind: str | None = None) -> Reading:
    """How a column is read, and why; `kind` is the kind that was asked for.

    Typed columns are what their type says. Text is numeric, boolean (true/false) or a date (ISO
    8601) where all its values are, and categorical otherwise. Ignored are columns with no value or
    a single one, text with a different value in most rows (identifiers, free text), and types that
    hold no single value.
    """
    type_ = type_of(column)
    if kind is not None:
        return Reading(kind, "as asked", type_)
    return Reading(*_infer(column), type_)


def _infer(column: Column) -> tuple[str, str]:
    import pyarrow.compute as pc

    values = column.values
    n_present = len(values) - values.null_count
    if column.type == "other":
        return "ignore", f"{column.holds} cannot be used"
    if n_present == 0:
        return "ignore", "no value at all"
    if column.labels or column.type == "text":
        levels = pc.unique(values).drop_null()
        constant = len(levels) == 1
    else:
        ends = pc.min_max(values)
        constant = ends["min"] == ends["max"]
    if constant and n_present == len(values):
        return "ignore", f"the same value in every row: {shown(str(values[0].as_py()))}"
    if column.labels:
        return "categorical", f"{len(levels)} categories"
    if column.type == "text":
        return _infer_text(levels, n_present)
    return KINDS_OF_TYPES[type_of(column).name], column.holds


def _infer_text(levels: Any, n_present: int) -> tuple[str, str]:
    n_levels = len(levels)
    if n_levels <= 6 and {x.lower() for x in levels.to_pylist()} <= {"true", "false"}:
        return "boolean", "true and false"
    if _DATE.fullmatch(levels[0].as_py()) and _reads(to_datetimes, levels):
        return "date", f"{n_levels} different dates"
    if _reads(parse_numbers, levels):
        return "numeric", f"{n_levels} different numbers"
    if n_levels > max(IDENTIFIER_LEVELS, IDENTIFIER_SHARE * n_present):
        return "ignore", f"text with {n_levels} different values in {n_present} rows"
    return "categorical", f"{n_levels} categories"


def _reads(read: Callable[[Column], Any], values: Any) -> bool:
    try:
        read(Column("", values))
    except TableError:
        return False
    return True
