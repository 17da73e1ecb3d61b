"""Any data frame -> columns: each an Arrow array of one of a few plain types, null where missing.

Frames of every library that narwhals knows (pandas, polars, pyarrow, ...) give the same columns, so
the rest of the package sees one kind of column. `TableError` is here, too, with the functions that
name columns, rows and values in its messages.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from clearprop.limits import bounded
from clearprop.tables.cells import Values
from clearprop.tables.names import repeated, texts_of
from clearprop.tables.values import native_values, without_pandas_types

if TYPE_CHECKING:
    import narwhals as nw


WORDS = {
    "bool": "truth values",
    "int": "numbers",
    "float": "numbers",
    "text": "text",
    "datetime": "dates",
    "time": "times of day",
}


class TableError(ValueError):
    """A table that cannot be used; the message names the column, and the row if there is one."""

    def __init__(self, message: object) -> None:
        super().__init__(bounded(message))


class TableWarning(UserWarning):
    """What was done with a table without being asked; the message names the way to change it."""


@dataclass(frozen=True)
class Column:
    """The values of one column as an Arrow array without NaN, empty text or missing-value marks.

    values: bool, int64, uint64, float64, timestamp[us] (UTC), time64[us], null or large_string; of
    any type, with null where missing, if a network cannot use it.
    labels: whether the frame marks the values as categories.
    first_row: number of the first value in the whole table, for messages (rows count from 0).
    zone: the time zone of dates in the frame, or None.
    exact: the text of each value as a label where `values` are rounded or the middles of
    intervals; otherwise None.
    held: "decimal", "interval", "duration" or "mixed" (objects of several types, as text) where
    the type of `values` does not say it.
    bits: the width of numbers with a floating point in the frame.
    problem: why a network cannot use the values, such as "lists"; otherwise "".
    numbers, stamps: of a mixed column, its numbers (float64) and its dates (timestamp[us]), which
    are not read from their text; null for any other value. Otherwise None.
    readings: what the readings of a column that is kept have made of it, by the name of the method;
    None for a column that is read once.
    places: the number of each value's row in the whole table, where they do not follow each other.
    """

    name: str
    values: Any
    labels: bool = False
    first_row: int = 0
    zone: str | None = None
    exact: Any = None
    held: str = ""
    bits: int = 64
    problem: str = ""
    numbers: Any = None
    stamps: Any = None
    readings: dict[str, tuple[Any, Any]] | None = field(default=None, compare=False, repr=False)
    places: Any = field(default=None, compare=False, repr=False)

    def row(self, i: int) -> str:
        """The place of value i, for messages."""
        row = self.first_row + i if self.places is None else int(self.places[i])
        return f"column {shown(self.name)}, row {row}"

    def quoted(self, i: int) -> str:
        """Value i, for messages."""
        values = self.values if self.exact is None else self.exact
        return shown(str(values[i].as_py()))

    def without(self, others: Any) -> Column:
        """The text of a mixed column without the cells that `others` has."""
        import pyarrow.compute as pc

        values = pc.if_else(pc.is_valid(others), None, self.values)
        return replace(self, values=values, numbers=None, stamps=None, readings=None)

    def take(self, rows: Any) -> Column:
        """Some rows of the column, with what its readings have made of them.

        rows: their numbers, or a slice.
        """
        cut = isinstance(rows, slice)

        def some(values: Any) -> Any:
            if values is None:
                return None
            if not hasattr(values, "as_py") and hasattr(values, "type"):  # of Arrow
                return values[rows] if cut else values.take(rows)
            return values[rows]

        readings = {name: (r, some(x)) for name, (r, x) in (self.readings or {}).items()}
        kept: list[Any] = [some(x) for x in (self.values, self.exact, self.numbers, self.stamps)]
        values, exact, numbers, stamps = kept
        first_row, places = self.first_row, self.places
        if places is not None:
            places = places[rows]
        elif cut:
            first_row += rows.start
        else:
            places = first_row + rows
        more = (self.labels, first_row, self.zone, exact, self.held, self.bits, self.problem)
        return Column(self.name, values, *more, numbers, stamps, readings, places)

    @property
    def empty(self) -> bool:
        """Whether all values are missing; such a column may be of any type."""
        return bool(self.values.null_count == len(self.values))

    @property
    def holds(self) -> str:
        """What the column holds, in words."""
        return self.problem or WORDS.get(self.type, f"values of type {self.values.type}")

    @cached_property
    def type(self) -> str:
        """ "bool", "int", "float", "text", "datetime", "time", "null" or "other"."""
        return "other" if self.problem else _type_name(self.values.type)


@cache
def _type_name(type_: Any) -> str:
    import pyarrow.types as pt

    tests: tuple[tuple[str, Callable[[Any], bool]], ...] = (
        ("bool", pt.is_boolean),
        ("int", pt.is_integer),
        ("float", pt.is_floating),
        ("text", pt.is_large_string),
        ("datetime", pt.is_timestamp),
        ("time", pt.is_time64),
        ("null", pt.is_null),
    )
    return next((name for name, test in tests if test(type_)), "other")


# ---- from any data frame to Arrow ----------------------------------------------------------------


def as_frame(table: Any) -> nw.DataFrame[Any]:
    """The table as a narwhals data frame; TypeError for what is none, TableError for its names.

    Names that are not text become text, see :mod:`clearprop.tables.names`.
    """
    import narwhals as nw

    names = list(getattr(table, "column_names", getattr(table, "columns", ())))
    if any(type(name) is not str for name in names) and hasattr(table, "set_axis"):
        table = table.set_axis(texts_of_names(names), axis=1)
    table = without_pandas_types(table)
    try:
        frame: nw.DataFrame[Any] = nw.from_native(table, eager_only=True)
    except nw.exceptions.DuplicateError as error:
        raise TableError(repeated(names, names)) from error
    except TypeError as error:
        raise TypeError(
            f"the table must be a data frame (pandas, polars, pyarrow, ...), got {type(table)}"
        ) from error
    texts_of_names(frame.columns)
    return frame


def texts_of_names(names: Sequence[Any]) -> list[str]:
    """The text of each name of a column; TableError if two have the same."""
    try:
        return texts_of(names)
    except ValueError as error:
        raise TableError(str(error)) from None


def read_column(
    frame: nw.DataFrame[Any], name: str, missing: Collection[str] = (), first_row: int = 0
) -> Column:
    """The column `name` of a frame as plain Arrow values, null where missing.

    Missing are null, NaN, empty text (after removing blanks around it), and the texts in `missing`
    (as numbers also in numeric columns). Raises TableError if there is no such column.
    """
    series = column_of(frame, name)
    return make_column(lambda: native_values(series), name, missing, first_row)


def column_of(frame: nw.DataFrame[Any], name: str) -> Any:
    """The column `name` of a frame, as its library has it; TableError, with near matches, if there
    is none.

    The list of all names is made only for the error: in some libraries it takes as long as there
    are columns, and callers ask for every column.
    """
    try:
        native = frame.to_native()
        if type(native).__module__.partition(".")[0] == "pyarrow":
            return native.column(name)
        return frame.get_column(name).to_native()
    except Exception as error:  # every library has an error of its own for an unknown name
        names = frame.columns
        if name in names:
            raise
        raise TableError(unknown_name(name, names)) from error


def make_column(
    read: Callable[[], Values], name: str, missing: Collection[str] = (), first_row: int = 0
) -> Column:
    """A column of the values that `read` returns; TableError, naming it, if they cannot be read."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        found = read()
    except UnicodeError as error:
        raise TableError(f"column {shown(name)}: text that is not Unicode") from error
    except (pa.ArrowException, OverflowError) as error:
        raise TableError(f"column {shown(name)}: {error}") from error
    values = _without_marks(found.array, tuple(missing))
    more: list[Any] = [found.exact, found.numbers, found.stamps]
    if values is not found.array:
        present = pc.is_valid(values)
        more = [None if x is None else pc.if_else(present, x, None) for x in more]
    exact, numbers, stamps = more
    kept = (found.labels, first_row, found.zone, exact, found.held, found.bits, found.problem)
    return Column(name, values, *kept, numbers, stamps)


def _without_marks(values: Any, missing: tuple[str, ...]) -> Any:
    import pyarrow.compute as pc

    marks = _marks(missing, values.type) if missing else None
    if marks is None or not len(marks):
        return values
    found = pc.is_in(values, value_set=marks)
    return pc.if_else(found, None, values) if found.true_count else values


@lru_cache(maxsize=64)
def _marks(missing: tuple[str, ...], type_: Any) -> Any:
    """The marks of missing values among values of an Arrow type; None if it has no marks."""
    import pyarrow as pa
    import pyarrow.types as pt

    if pt.is_large_string(type_):
        return pa.array(list(missing), type_)
    if not (pt.is_integer(type_) or pt.is_floating(type_)):
        return None
    numbers: list[float] = sorted(marked_numbers(missing))
    if pt.is_integer(type_):
        low, high = (0, 2**64) if pt.is_uint64(type_) else (-(2**63), 2**63)
        numbers = [int(x) for x in numbers if x.is_integer() and low <= x < high]
    return pa.array(numbers, type_)


@cache
def marked_numbers(missing: tuple[str, ...]) -> frozenset[float]:
    """Those of the texts that mean a missing value that are finite numbers."""
    return frozenset(x for x in map(_number_or_none, missing) if x is not None)


def _number_or_none(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


# ---- words for messages --------------------------------------------------------------------------


def shown(text: str, limit: int = 60) -> str:
    """A name or value in quotes, printable, on one line and not long."""
    short = text if len(text) <= limit else text[: limit - 1] + "…"
    return repr(short)


def near_matches(name: str, names: Iterable[str]) -> list[str]:
    """Up to three of the names that look like `name`, whatever their case."""
    by_lower: dict[str, str] = {}
    for other in names:
        by_lower.setdefault(other.lower(), other)
    close = difflib.get_close_matches(name.lower(), list(by_lower), n=3)
    return [by_lower[match] for match in close]


def unknown_name(name: str, names: Sequence[str]) -> str:
    """The message that there is no such column, with the ones that were perhaps meant."""
    close = near_matches(name, names)
    if close:
        hint = f"did you mean {' or '.join(map(shown, close))}?"
    else:
        listed = ", ".join(map(shown, list(names)[:12]))
        hint = f"its columns are {listed}{', …' if len(names) > 12 else ''}"
    return f"the table has no column {shown(name)}; {hint}"
