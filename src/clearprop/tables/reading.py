"""How a column is read: decided in training, kept with the model, and used for every later row.

`infer_reading` decides from all values of a column. The record `Reading` then reads each later
value by itself, so that it means the same in any batch, library and file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.tables.columns import (
    KINDS,
    SIGNS,
    ColumnType,
    parse_numbers,
    to_datetimes,
    to_labels,
    to_numbers,
    to_signs,
    type_of,
    written,
)
from clearprop.tables.frames import Column, TableError, shown

# text with more distinct values than this share of its rows identifies rows instead of describing
# them; text with at most this many values is kept
IDENTIFIER_SHARE = 0.5
IDENTIFIER_LEVELS = 20
KINDS_OF_TYPES = {
    "bool": "boolean",
    "integer": "numeric",
    "float": "numeric",
    "date": "date",
    "time": "date",
}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}.*)?", re.ASCII)
_NUMBER = re.compile(r"[-+]?\d+(\.\d*)?([eE][-+]?\d+)?", re.ASCII)
_INTEGER = re.compile(r"[-+]?\d+(\.0*)?", re.ASCII)
_PLAIN = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?", re.ASCII)  # a number, and not a code such as 007


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
        return to_labels(column)

    def as_trained(self, label: str) -> str:
        """A label as a column of the type in training writes it.

        If they were numbers, "3.0" becomes "3". If they were booleans, "True" and "1" become
        "true". If they were dates, "2026-01-31" becomes the label of midnight. Text that is written
        as a number, boolean or date is written in the same way, except for codes such as "007". Any
        other text stays as it is, and so does every text if the type is not known.
        """
        name = None if self.type is None else self.type.name
        if name in ("integer", "float") and _NUMBER.fullmatch(label):
            return number_label(label)
        if name == "bool" and label.lower() in SIGNS:
            return written(SIGNS[label.lower()] > 0)
        if name == "text" and _PLAIN.fullmatch(label):
            return number_label(label)
        if name == "text" and label.lower() in ("true", "false"):
            return label.lower()
        if name in ("text", "date") and _DATE.fullmatch(label):
            return _date_label(label)
        return label


def number_label(text: str) -> str:
    """The label of a number that is written as text; integers keep all their digits."""
    if _INTEGER.fullmatch(text):
        return str(int(text.partition(".")[0]))
    return written(float(text))


def _date_label(text: str) -> str:
    try:
        stamp = datetime.fromisoformat(text)
    except ValueError:
        return text
    label: str = to_labels(_single(stamp.replace(tzinfo=None)))[0].as_py()
    return label if stamp.tzinfo is None else text


def _single(stamp: datetime) -> Column:
    import pyarrow as pa

    return Column("", pa.array([stamp], pa.timestamp("us")))


class Labels:
    """The names of categories, by what is written: exactly, or as the type in training writes it.

    index: the number of a name for each text that means it.
    """

    def __init__(self, names: tuple[str, ...], reading: Reading) -> None:
        self.names, self.reading = names, reading
        self.index = {name: i for i, name in enumerate(names)}

    @cached_property
    def _others(self) -> dict[str, int]:
        others: dict[str, list[int]] = {}
        for i, name in enumerate(self.names):
            others.setdefault(self.reading.as_trained(name), []).append(i)
        return {text: found[0] for text, found in others.items() if len(found) == 1}

    def find(self, label: str) -> int:
        """The number of the label's category, −1 for a label that was not in training."""
        found = self.index.get(label)
        if found is None:
            found = self._others.get(self.reading.as_trained(label), -1)
        return found

    def find_all(self, labels: Any) -> Array:
        """The number of each label's category (Arrow text), int64 (N,); −1 also for a gap."""
        encoded = labels.dictionary_encode()
        levels = [self.find(label) for label in encoded.dictionary.to_pylist()]
        codes = np.array([*levels, -1], dtype=np.int64)
        indices: Array = encoded.indices.fill_null(len(levels)).to_numpy(zero_copy_only=False)
        found: Array = codes[indices]
        return found


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
        return "ignore", f"values of type {values.type} cannot be used"
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
