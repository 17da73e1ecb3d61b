"""One row as inputs of the networks, from plain Python and NumPy values, without Arrow.

The result has the same bits as :meth:`TableInputs.transform` of a table with this row. Values of
the usual types are read here. A value of any other type, or one that its column cannot take, is
read as a table, which also raises the error.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.tables.cells import number_text
from clearprop.tables.columns import ColumnType
from clearprop.tables.dates import date_parts
from clearprop.tables.frames import marked_numbers
from clearprop.tables.labels import SIGNS, canonical
from clearprop.tables.sources import Source, check_names
from clearprop.tables.words import words_of
from clearprop.tabular.input_columns import InputColumn, scaled
from clearprop.tabular.inputs import TableInputs
from clearprop.tabular.texts import NGrams

EPOCH, MICROSECOND = dt.datetime(1970, 1, 1), dt.timedelta(microseconds=1)
DAY, EPOCH_DAY = 86_400_000_000, dt.date(1970, 1, 1).toordinal()
GAP = np.iinfo(np.int64).min  # NaT as an integer of datetime64
_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_STAMP = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?)?", re.ASCII)

NoneType = type(None)
_INTEGERS: tuple[type, ...] = (
    np.int8,
    np.int16,
    np.int32,
    np.int64,
    np.uint8,
    np.uint16,
    np.uint32,
    np.uint64,
)
_FLOATS: tuple[type, ...] = (np.float64, np.float32, np.float16)


class UnusualValueError(Exception):
    """A value that has to be read as a table."""


# ---- a value of each kind ------------------------------------------------------------------------


def _no_value(value: Any) -> None:
    """None for a missing value of pandas; raises UnusualValueError for anything else."""
    if type(value).__name__ != "NAType":
        raise UnusualValueError


def read_number(value: Any) -> float:
    """A float, NaN for a gap."""
    kind = type(value)
    if kind is float:
        return value  # type: ignore[no-any-return]
    if kind is int:
        if -(2**63) <= value < 2**63:
            return float(value)
        raise UnusualValueError
    if kind is NoneType:
        return math.nan
    if kind is bool or kind is np.bool_ or kind in _INTEGERS or kind in _FLOATS:
        return float(value)
    if kind is str or kind is np.str_:
        text = value.strip()
        if not text:
            return math.nan
        if _NUMBER.fullmatch(text):
            return float(text)
        raise UnusualValueError
    _no_value(value)
    return math.nan


def read_label(value: Any) -> str | None:
    """The text of a category as `tables.columns.to_labels` writes it, None for a gap."""
    kind = type(value)
    if kind is str or kind is np.str_:
        return value.strip() or None
    if kind is NoneType:
        return None
    if kind is float or kind in _FLOATS:
        number = float(value)
        return None if math.isnan(number) else number_text(number)
    if kind is bool or kind is np.bool_:
        return "true" if value else "false"
    if kind is int or kind in _INTEGERS:
        return str(int(value))
    _no_value(value)
    return None


def read_sign(value: Any) -> float:
    """+1 for true, −1 for false, 0 for a gap."""
    if type(value) is bool:
        return 1.0 if value else -1.0
    label = read_label(value)
    if label is None:
        return 0.0
    sign = SIGNS.get(label.lower())
    if sign is None:
        raise UnusualValueError
    return sign


def read_stamp(value: Any) -> int:
    """Microseconds since 1970 in UTC, `GAP` for a gap."""
    kind = type(value)
    if kind is NoneType or kind.__name__ in ("NAType", "NaTType"):
        return GAP
    if kind is str or kind is np.str_:
        text = value.strip()
        if not text:
            return GAP
        if not _STAMP.fullmatch(text):
            raise UnusualValueError
        try:
            value = dt.datetime.fromisoformat(text)
        except ValueError:
            raise UnusualValueError from None
    elif kind.__name__ == "Timestamp":
        if value.nanosecond:
            raise UnusualValueError
        value = value.to_pydatetime()
    elif kind is dt.date:
        return int(value.toordinal() - EPOCH_DAY) * DAY
    elif kind is dt.time and value.tzinfo is None:
        seconds = (value.hour * 60 + value.minute) * 60 + value.second
        return int(seconds * 1_000_000 + value.microsecond)
    elif kind is float and math.isnan(value):
        return GAP
    if type(value) is not dt.datetime:
        raise UnusualValueError
    try:
        plain = value.astimezone(dt.UTC).replace(tzinfo=None) if value.tzinfo else value
    except OverflowError:
        raise UnusualValueError from None
    return (plain - EPOCH) // MICROSECOND


# ---- a row ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Labels:
    """What a categorical column becomes: for each label, and for none, its part of the row."""

    column: InputColumn
    place: slice
    rows: list[list[float]]  # by code; none where the code itself is the input

    @classmethod
    def of(cls, column: InputColumn, places: Array) -> _Labels:
        assert column.categories is not None
        flags = [f.encode(column.categories.values(i)) for i, f in enumerate(column.flags)]
        rows = np.zeros((0, 1)) if column.categories.embedded else np.stack(flags, axis=1)
        place = slice(int(places[0]), int(places[-1]) + 1)
        return cls(column, place, rows.tolist())

    def read(self, value: Any) -> list[float]:
        label = read_label(value)
        code = 0 if label is None else self._code(label)
        return self.rows[code] if self.rows else [float(code)]

    def _code(self, label: str) -> int:
        if not label.isascii():
            _check_unicode(label)
        return self.column.labels.find(label) + 1


def _check_unicode(label: str) -> None:
    try:
        label.encode()
    except UnicodeError:
        raise UnusualValueError from None


class RowReader:
    """Turns a source of one row into a matrix (1, D): the records of `inputs`, made ready.

    Numbers of all columns are scaled in one expression, categories are looked up, dates are taken
    apart together.
    """

    def __init__(self, inputs: TableInputs) -> None:
        self.inputs = inputs
        self.names = tuple(column.name for column in inputs.columns)
        n_numbers = inputs.sizes[0]
        numbers = [number for column in inputs.columns for number in column.numbers]
        self._exponents = np.array([number.exponent for number in numbers], dtype=np.int64)
        self._medians = np.array([number.median for number in numbers])
        self._scales = np.array([number.scale for number in numbers])
        self._blank = [0.0] * sum(inputs.sizes)
        self._columns: list[tuple[int, Callable[[Any, list[float], list[float]], None]]] = []
        dates: dict[float, list[int]] = {}
        self._places = inputs.places
        for i, (column, places) in enumerate(zip(inputs.columns, self._places, strict=True)):
            if column.kind == "date":
                dates.setdefault(column.angle_step, []).append(i)
            else:
                self._columns.append((i, _writer(column, places, n_numbers)))
        self._dates = list(dates.items())

    def read(self, source: Source) -> Array:
        """The inputs (1, D) float32 of the only row of a source.

        Raises TableError for a column that is missing or holds what its kind cannot be.
        """
        check_names(source, self.names)
        row = source.row()
        if row is None:
            return self.inputs.transform(source)
        missing = getattr(source, "missing", ())
        if missing:
            row = {name: _without_mark(row[name], missing) for name in self.names}
        values, unusual = self._blank.copy(), []
        x = [math.nan] * len(self._scales)
        for i, write in self._columns:
            try:
                write(row[self.names[i]], x, values)
            except UnusualValueError:
                unusual.append(i)
        for step, columns in self._dates:
            unusual += self._read_dates(step, columns, row, x, values)
        X = np.array([values], dtype=np.float32)
        if x:
            X[0, : len(x)] = scaled(np.array(x), self._exponents, self._medians, self._scales)
        if unusual:
            self.inputs.fill(source, X, unusual)
        return X

    def _read_dates(
        self,
        step: float,
        columns: list[int],
        row: Mapping[str, Any],
        x: list[float],
        values: list[float],
    ) -> list[int]:
        """Fill in the dates that are rounded alike; returns the columns with unusual values."""
        stamps, unusual = [], []
        for i in columns:
            try:
                stamps.append(read_stamp(row[self.names[i]]))
            except UnusualValueError:
                stamps.append(GAP)
                unusual.append(i)
        parts = date_parts(np.array(stamps, dtype="datetime64[us]"), step)
        for j, i in enumerate(columns):
            column, places = self.inputs.columns[i], self._places[i]
            for place, number in zip(places.tolist(), column.numbers, strict=False):
                x[place] = float(parts[number.name][j])
            if column.missing is not None:
                flags = column.missing.encode(np.array([0.0, 1.0]))
                values[int(places[-1])] = float(flags[int(stamps[j] == GAP)])
        return unusual


def _writer(
    column: InputColumn, places: Array, n_numbers: int
) -> Callable[[Any, list[float], list[float]], None]:
    """What writes a value of the column: a number into x, the rest into the values of the row."""
    if column.ngrams is not None:
        return _text_writer(column.ngrams, column.type, int(places[0]))
    if column.categories is not None:
        labels = _Labels.of(column, places)

        def write_label(value: Any, x: list[float], values: list[float]) -> None:
            values[labels.place] = labels.read(value)

        return write_label
    if column.kind == "boolean":
        place = int(places[0])
        encoded = column.flags[0].encode(np.array([0.0, 1.0, -1.0])).tolist()

        def write_sign(value: Any, x: list[float], values: list[float]) -> None:
            values[place] = encoded[int(read_sign(value))]

        return write_sign
    number = int(places[0]) if column.numbers else -1
    missing = column.missing
    present, absent = (
        (0.0, 0.0) if missing is None else missing.encode(np.array([0.0, 1.0])).tolist()
    )

    plain = column.reading.number is None

    def write_number(value: Any, x: list[float], values: list[float]) -> None:
        if not plain and isinstance(value, str):
            raise UnusualValueError  # it may be plain in another way
        v = read_number(value)
        if number >= 0:
            x[number] = v
        if missing is not None:
            values[int(places[-1])] = absent if math.isnan(v) else present

    return write_number


def _text_writer(
    ngrams: NGrams, type_: ColumnType | None, first: int
) -> Callable[[Any, list[float], list[float]], None]:
    def write_text(value: Any, x: list[float], values: list[float]) -> None:
        text = read_label(value)
        if text is None:
            return
        if not text.isascii():
            _check_unicode(text)
        codes = ngrams.find(words_of(text if type_ is None else canonical(text, type_)))
        values[first : first + len(codes)] = map(float, codes)

    return write_text


def _without_mark(value: Any, missing: tuple[str, ...]) -> Any:
    """The value, None where it is one of the texts, or of the numbers, that mean a gap."""
    if isinstance(value, str):
        return None if value.strip() in missing else value
    if isinstance(value, bool | np.bool_):
        return value
    if isinstance(value, int | float | np.integer | np.floating):
        return None if value in marked_numbers(missing) else value
    return value
