"""Any data frame -> columns: each an Arrow array of one of a few plain types, null where missing.

Frames of every library that narwhals knows (pandas, polars, pyarrow, ...) give the same columns, so
the rest of the package sees one kind of column. `TableError` is here, too, with the functions that
name columns, rows and values in its messages.
"""

from __future__ import annotations

import difflib
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from clearprop.limits import bounded

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

    values: bool, int64, float64, timestamp[us] (UTC), time64[us], null or large_string; any other
    type if a network cannot use it.
    labels: whether the frame marks the values as categories.
    first_row: number of the first value in the whole table, for messages (rows count from 0).
    zone: the time zone of dates in the frame, or None.
    """

    name: str
    values: Any
    labels: bool = False
    first_row: int = 0
    zone: str | None = None

    def row(self, i: int) -> str:
        """The place of value i, for messages."""
        return f"column {shown(self.name)}, row {self.first_row + i}"

    def quoted(self, i: int) -> str:
        """Value i, for messages."""
        return shown(str(self.values[i].as_py()))

    @property
    def empty(self) -> bool:
        """Whether all values are missing; such a column may be of any type."""
        return bool(self.values.null_count == len(self.values))

    @property
    def holds(self) -> str:
        """What the column holds, in words."""
        return WORDS.get(self.type, f"values of type {self.values.type}")

    @property
    def type(self) -> str:
        """ "bool", "int", "float", "text", "datetime", "time", "null" or "other"."""
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
        return next((name for name, test in tests if test(self.values.type)), "other")


# ---- from any data frame to Arrow ----------------------------------------------------------------


def as_frame(table: Any) -> nw.DataFrame[Any]:
    """The table as a narwhals data frame; TypeError for what is none, TableError for its names."""
    import narwhals as nw

    try:
        frame: nw.DataFrame[Any] = nw.from_native(table, eager_only=True)
    except nw.exceptions.DuplicateError as error:
        names = list(getattr(table, "column_names", getattr(table, "columns", [])))
        raise TableError(_repeated(names)) from error
    except TypeError as error:
        raise TypeError(
            f"the table must be a data frame (pandas, polars, pyarrow, ...), got {type(table)}"
        ) from error
    names = list(frame.columns)
    for name in names:
        if not isinstance(name, str):
            raise TableError(f"column names must be text, got {name!r}")
    if len(set(names)) < len(names):
        raise TableError(_repeated(names))
    return frame


def _repeated(names: Sequence[str]) -> str:
    counts = Counter(names)
    repeated = next((name for name in names if counts[name] > 1), "")
    return f"the table has two columns of the same name: {shown(str(repeated))}"


def read_column(
    frame: nw.DataFrame[Any], name: str, missing: Collection[str] = (), first_row: int = 0
) -> Column:
    """The column `name` of a frame as plain Arrow values, null where missing.

    Missing are null, NaN, empty text (after removing blanks around it), and the texts in `missing`
    (as numbers also in numeric columns). Raises TableError if there is no such column.
    """
    array = _to_arrow(column_of(frame, name), name)
    values, labels = _plain(array, name)
    zone = getattr(array.type, "tz", None)
    return Column(name, _without_marks(values, missing), labels, first_row, zone)


def column_of(frame: nw.DataFrame[Any], name: str) -> nw.Series[Any]:
    """The column `name` of a frame; TableError, with near matches, if there is none.

    The list of all names is made only for the error: in some libraries it takes as long as there
    are columns, and callers ask for every column.
    """
    try:
        return frame[name]
    except Exception as error:  # every library has an error of its own for an unknown name
        names = frame.columns
        if name in names:
            raise
        raise TableError(unknown_name(name, names)) from error


def _to_arrow(series: nw.Series[Any], name: str) -> Any:
    import narwhals as nw
    import pyarrow as pa

    try:
        array = series.to_arrow()
    except (pa.ArrowException, OverflowError, UnicodeError):
        if series.dtype.is_numeric():  # integers of 128 bits and the like
            array = series.cast(nw.Float64).to_arrow()
        else:  # a column of mixed Python objects
            try:
                array = pa.array([None if _is_missing(v) else str(v) for v in series.to_list()])
            except UnicodeError as error:
                raise TableError(f"column {shown(name)}: text that is not Unicode") from error
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float) and math.isnan(value)


def _plain(values: Any, name: str) -> tuple[Any, bool]:
    """The values in one of the few types of `Column`, and whether they came as categories."""
    import pyarrow as pa
    import pyarrow.types as pt

    if pt.is_dictionary(values.type):
        return _plain(values.dictionary_decode(), name)[0], True
    casts: tuple[tuple[tuple[Callable[[Any], bool], ...], Callable[[Any], Any]], ...] = (
        ((pt.is_string, pt.is_large_string, pt.is_string_view), _trimmed),
        ((pt.is_floating, pt.is_decimal, pt.is_uint64), _without_nan),
        ((pt.is_integer,), lambda v: v.cast(pa.int64())),
        ((pt.is_timestamp, pt.is_date), _in_utc),
        ((pt.is_time,), lambda v: v.cast(pa.time64("us"), safe=False)),
        ((pt.is_duration,), _seconds),
    )
    for tests, cast in casts:
        if any(test(values.type) for test in tests):
            try:
                return cast(values), False
            except pa.ArrowInvalid as error:
                raise TableError(f"column {shown(name)}: {error}") from error
    return values, False


def _trimmed(values: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pc.utf8_trim_whitespace(values.cast(pa.large_string()))
    return pc.if_else(pc.equal(text, ""), None, text)


def _without_nan(values: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    number = values.cast(pa.float64(), safe=False)
    return pc.if_else(pc.is_nan(number), None, number)


def _in_utc(values: Any) -> Any:
    import pyarrow as pa

    # A time zone in the type changes only how the moment, which is kept in UTC, is shown.
    zone = getattr(values.type, "tz", None)
    return values.cast(pa.timestamp("us", zone), safe=False).cast(pa.timestamp("us"))


def _seconds(values: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    microseconds = values.cast(pa.duration("us"), safe=False).cast(pa.int64())
    return pc.divide(microseconds.cast(pa.float64()), 1e6)


def _without_marks(values: Any, missing: Collection[str]) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as pt

    if not missing:
        return values
    if pt.is_large_string(values.type):
        marks = pa.array(list(missing), pa.large_string())
    elif pt.is_integer(values.type) or pt.is_floating(values.type):
        numbers: list[float] = sorted(marked_numbers(tuple(missing)))
        if pt.is_integer(values.type):
            numbers = [int(x) for x in numbers if x.is_integer() and abs(x) < 2**63]
        marks = pa.array(numbers, values.type)
    else:
        return values
    return pc.if_else(pc.is_in(values, value_set=marks), None, values)


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
