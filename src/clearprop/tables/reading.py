"""How a column is read: decided in training, kept with the model, and used for every later row.

The record `Reading` reads each value by itself, so that it means the same in any batch, library and
file. :mod:`clearprop.tables.inference` makes it from all values of a column.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.tables.columns import (
    ColumnType,
    plain_numbers,
    to_datetimes,
    to_labels,
    to_numbers,
    to_signs,
)
from clearprop.tables.frames import Column, TableError
from clearprop.tables.labels import as_trained
from clearprop.tables.text_dates import DateFormat
from clearprop.tables.text_numbers import NumberFormat

# What stands for a missing value in a column of numbers or dates, in any case of the letters.
_MARKS = (
    "?|-|--|---|–|—|.|..|…|*|**|/|#|n/a|na|n.a.|n.a|n/a.|n.d.|nd|nan|nat|null|nil|none|<na>|k.a.|n.v.|"
    "missing|(missing)|unknown|undefined|not available|not applicable|keine angabe|(null)|"
    "#n/a|#n/a n/a|#na|#div/0!|#value!|#ref!|#name?|#num!|#null!"
)
WAY_OUT = "an empty cell means that the value is missing"
MARKS = frozenset(_MARKS.split("|"))


@cache
def marks() -> Any:
    """`MARKS` as Arrow text."""
    import pyarrow as pa

    return pa.array(sorted(MARKS), pa.large_string())


@dataclass(frozen=True)
class Reading:
    """How the values of a column are read.

    kind: one of `KINDS`.
    reason: why, in a few words.
    type: what the column held in training; None in files of versions that did not keep it.
    number, date: how text is read as numbers or dates; None for plain numbers and for ISO 8601.
    gaps: texts that mean a missing value, besides `MARKS`, in a column of numbers or dates.
    """

    kind: str
    reason: str = ""
    type: ColumnType | None = None
    number: NumberFormat | None = None
    date: DateFormat | None = None
    gaps: tuple[str, ...] = ()

    @property
    def what(self) -> str:
        """What the column held in training, such as "float", "numbers (kg)" or "dates (ISO)"."""
        if self.type is None or self.type.name != "text" or self.kind == "categorical":
            return "" if self.type is None else self.type.name
        if self.kind == "numeric" and self.number is not None and self.number.duration:
            return self.number.words
        form = self.number if self.kind == "numeric" else self.date
        name = {"numeric": "numbers", "date": "dates", "boolean": "truth values"}.get(self.kind)
        words = "" if form is None else form.words
        return f"{name or 'text'} ({words})" if words else name or "text"

    def numbers(self, column: Column) -> Array:
        """float64 (N,), NaN where missing; infinities stay. TableError for other text."""
        numbers: Array = self._kept(column, "numbers", self._numbers)
        return numbers

    def signs(self, column: Column) -> Array:
        """+1, −1 and 0 for true, false and missing, float64 (N,)."""
        signs: Array = self._kept(column, "signs", lambda c: to_signs(self._with_gaps(c)))
        return signs

    def stamps(self, column: Column) -> Array:
        """datetime64[us] (N,), NaT where missing. TableError for other text."""
        stamps: Array = self._kept(column, "stamps", self._stamps)
        return stamps

    def labels(self, column: Column) -> Any:
        """Arrow text, null where missing."""
        return self._kept(column, "labels", lambda c: as_trained(to_labels(c), self.type))

    def read(self, column: Column) -> Any:
        """The values of a column as its kind has them: numbers, signs, stamps or labels."""
        methods: dict[str, Callable[[Column], Any]] = {
            "numeric": self.numbers,
            "boolean": self.signs,
            "date": self.stamps,
        }
        return methods.get(self.kind, self.labels)(column)

    def _kept(self, column: Column, what: str, read: Callable[[Column], Any]) -> Any:
        """What the column holds: kept from an earlier reading, or read."""
        if column.readings is None:
            return read(column)
        reading, values = column.readings.get(what, (None, None))
        if reading is not self and reading != self:
            values = read(column)
            column.readings[what] = self, values
        return values

    def _numbers(self, column: Column) -> Array:
        if column.type == "text" and self.type is not None and self.type.name == "duration":
            column = _with_durations(column)
        if column.numbers is not None:  # only the other cells are read as text
            given = column.numbers.to_numpy(zero_copy_only=False)
            return np.where(np.isnan(given), self.numbers(column.without(column.numbers)), given)
        if column.type == "text" and self.number is None and not self.gaps:
            plain = plain_numbers(column.values)
            if plain is not None:  # "nan", the only mark that is a number, too, is missing anyway
                found: Array = plain.to_numpy(zero_copy_only=False)
                return found
        column = self._with_gaps(column)
        if column.type != "text":
            return to_numbers(column, infinite=True)
        if self.number is None:
            try:
                return to_numbers(column, infinite=True)
            except TableError as error:
                raise TableError(f"{error}; {WAY_OUT}") from None
        numbers = self.number.read(column.values)
        words = f" ({self.number.words})" if self.number.words else ""
        _check_read(column, np.asarray(numbers.is_null()), f"a number{words}")
        result: Array = numbers.to_numpy(zero_copy_only=False)
        return result

    def _stamps(self, column: Column) -> Array:
        if column.stamps is not None:
            dates = column.stamps.to_numpy(zero_copy_only=False)
            return np.where(np.isnat(dates), self.stamps(column.without(column.stamps)), dates)
        column, form = self._with_gaps(column), self.date
        if form is None and self.type is not None and self.type.name == "time":
            form = DateFormat("time")
        if column.type != "text" or form is None:
            return to_datetimes(column)
        stamps = form.read(column.values)
        _check_read(column, np.isnat(stamps), f"a date ({form.words})")
        return stamps

    def _with_gaps(self, column: Column) -> Column:
        """The column with its gaps missing."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if column.type != "text":
            return column
        gaps = pc.is_in(pc.utf8_lower(column.values), value_set=marks())
        if self.gaps:
            own = pa.array(self.gaps, column.values.type)
            gaps = pc.or_(gaps, pc.is_in(column.values, value_set=own))
        if not gaps.true_count:
            return column
        return replace(column, values=pc.if_else(gaps, None, column.values), readings=None)


def _with_durations(column: Column) -> Column:
    """A column of text whose durations are numbers of seconds."""
    seconds = NumberFormat(duration=True).read(column.values)
    some = column.numbers is None and seconds.null_count < len(seconds)
    return replace(column, numbers=seconds, readings=None) if some else column


def _check_read(column: Column, failed: Array, what: str) -> None:
    """Raise TableError for the first text that was not read."""
    failed = failed & np.asarray(column.values.is_valid())
    if failed.any():
        i = int(failed.argmax())
        raise TableError(f"{column.row(i)}: {column.quoted(i)} is not {what}; {WAY_OUT}")
