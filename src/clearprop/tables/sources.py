"""A data frame or an array as columns that are read one at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.tables.cells import Values, read_cells
from clearprop.tables.columns import ColumnType
from clearprop.tables.frames import (
    Column,
    TableError,
    as_frame,
    make_column,
    read_column,
    shown,
    texts_of_names,
    unknown_name,
)
from clearprop.tables.inference import ColumnFinding, check_kinds, check_text_format, find
from clearprop.tables.kept import KeptColumns
from clearprop.tables.names import are_numbers_in_order
from clearprop.tables.reading import Reading
from clearprop.tables.values import array_values, objects_values


class ColumnReader:
    """What all sources read, each from a `Column`."""

    def column(self, name: str, rows: Array | None = None) -> Column:
        """The column of a name, all rows or those of these numbers."""
        raise NotImplementedError

    def find(
        self,
        name: str,
        kind: str | None = None,
        rows: Array | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> ColumnFinding:
        """What a column is, from some rows or all; kind and options are those asked for."""
        return find(self.column(name, rows), kind, options)

    def numbers(self, name: str, reading: Reading) -> Array:
        """float64 (N,), NaN where missing; infinities stay."""
        return reading.numbers(self.column(name))


@dataclass(frozen=True)
class FrameSource(ColumnReader):
    """A data frame that narwhals knows.

    first_row: number of its first row in the whole table, for messages.
    named: whether the user has named the columns.
    missing: texts that mean a missing value.
    findings: column → what it is, where that is decided already.
    kept: the columns of the whole frame, where they are read once and kept; chosen: the numbers of
    the rows of that frame, or None for all.
    """

    frame: Any
    first_row: int = 0
    named: bool = True
    missing: tuple[str, ...] = ()
    findings: Mapping[str, ColumnFinding] = field(default_factory=dict)
    kept: KeptColumns | None = None
    chosen: Array | slice | None = None

    @property
    def n_rows(self) -> int:
        return len(self.frame)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.frame.columns)

    def keeping(self) -> FrameSource:
        """The same; its columns, and those of its rows, are read once and kept."""
        if self.kept is not None:
            return self
        return replace(self, kept=KeptColumns(self.frame, self.missing, self.first_row))

    def rows(self, begin: int, end: int) -> FrameSource:
        if begin <= 0 and end >= self.n_rows:
            return self
        return self._some(slice(begin, end), self.first_row + begin)

    def take(self, rows: Array) -> FrameSource:
        return self._some(rows, 0)

    def _some(self, rows: Array | slice, first_row: int) -> FrameSource:
        chosen: Array | slice | None = None
        if self.kept is not None and self.chosen is None:
            chosen = rows
        elif self.kept is not None:
            every = self.chosen
            if isinstance(every, slice):
                every = np.arange(every.start, every.stop)
            chosen = every[rows]  # type: ignore[index]
        return replace(self, frame=self.frame[rows], first_row=first_row, chosen=chosen)

    def renamed(self, names: tuple[str, ...]) -> FrameSource:
        """With other names of the columns, in order."""
        frame = self.frame.rename(dict(zip(self.names, names, strict=True)))
        return replace(self, frame=frame, kept=None, chosen=None)

    def row(self) -> dict[str, Any] | None:
        """The values of the only row, by name; None where the library has no quick way to them."""
        native = self.frame.to_native()
        library = type(native).__module__.partition(".")[0]
        if library == "polars":
            return dict(zip(self.names, native.row(0), strict=True))
        return _cells(native) if library == "pandas" else None

    def find(
        self,
        name: str,
        kind: str | None = None,
        rows: Array | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> ColumnFinding:
        return self.findings.get(name) or super().find(name, kind, rows, options)

    def values(self, name: str) -> list[Any]:
        """What the column holds, as Python objects, to be shown."""
        values: list[Any] = self.frame[name].to_list()
        return values

    def column(self, name: str, rows: Array | None = None) -> Column:
        kept = None if self.kept is None else self.kept.get(name)
        if kept is not None:
            column = kept if self.chosen is None else kept.take(self.chosen)
            return column if rows is None else column.take(rows)
        frame = self.frame if rows is None else self.frame.select(name)[rows]
        return read_column(frame, name, self.missing, self.first_row)

    def numbers(self, name: str, reading: Reading) -> Array:
        kept = None if self.kept is None or self.chosen is None else self.kept.get(name)
        if kept is None or kept.type != "text":
            return super().numbers(name, reading)
        try:
            numbers: Array = reading.numbers(kept)[self.chosen]
        except TableError:  # of a row that may not be one of these
            return super().numbers(name, reading)
        return numbers


@dataclass(frozen=True)
class ArraySource(ColumnReader):
    """A matrix (N, D) of numbers or objects.

    Its columns are called x0, x1, … unless it is given names.
    """

    X: Array
    names: tuple[str, ...]
    first_row: int = 0
    named: bool = False

    @property
    def n_rows(self) -> int:
        return len(self.X)

    def rows(self, begin: int, end: int) -> ArraySource:
        return replace(self, X=self.X[begin:end], first_row=self.first_row + begin)

    def take(self, rows: Array) -> ArraySource:
        return replace(self, X=self.X[rows], first_row=0)

    def renamed(self, names: tuple[str, ...]) -> ArraySource:
        return replace(self, names=names)

    def row(self) -> dict[str, Any] | None:
        """The values of the only row, by name."""
        cells = self.X[0] if self.X.dtype.kind in "mM" else self.X[0].tolist()
        return dict(zip(self.names, cells, strict=True))

    def find(
        self,
        name: str,
        kind: str | None = None,
        rows: Array | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> ColumnFinding:
        if self.X.dtype.kind not in "biuf":
            return super().find(name, kind, rows, options)
        values = self._cells(name) if rows is None else self._cells(name)[rows]
        type_name = {"b": "bool", "f": "float"}.get(values.dtype.kind, "integer")
        bits = 8 * values.dtype.itemsize if type_name == "float" else 64
        type_ = ColumnType(type_name, bits=min(bits, 64))
        gaps, infinite = 0, 0
        if type_.name == "float":
            gaps, infinite = int(np.isnan(values).sum()), int(np.isinf(values).sum())
        if kind is not None:
            return ColumnFinding(Reading(kind, "as asked", type_), gaps, (), infinite, asked=True)
        if len(values) and gaps == len(values):
            reading = Reading("ignore", "no value at all", type_)
        elif len(values) and values.min() == values.max():
            reading = Reading("ignore", f"the same value in every row: {values[0]}", type_)
        elif type_.name == "bool":
            reading = Reading("boolean", "truth values", type_)
        else:
            reading = Reading("numeric", "numbers", type_)
        return ColumnFinding(reading, gaps, (), infinite)

    def values(self, name: str) -> list[Any]:
        return list(self._cells(name).tolist())

    def numbers(self, name: str, reading: Reading) -> Array:
        if self.X.dtype.kind not in "biuf":
            return super().numbers(name, reading)
        return self._cells(name).astype(np.float64)

    def column(self, name: str, rows: Array | None = None) -> Column:
        cells = self._cells(name)
        cells = cells if rows is None else cells[rows]
        return make_column(lambda: _values_of(cells), name, (), self.first_row)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.names)}

    def _cells(self, name: str) -> Array:
        return self.X[:, self._places[name]]


def _values_of(cells: Array) -> Values:
    """The values of an array (N,)."""
    import pyarrow as pa

    if cells.dtype.kind == "M" and np.datetime_data(cells.dtype)[0] not in ("s", "ms", "us", "ns"):
        cells = cells.astype("datetime64[us]")
    if cells.dtype.kind == "m" and np.datetime_data(cells.dtype)[0] not in ("s", "ms", "us", "ns"):
        cells = cells.astype("timedelta64[us]")
    if cells.dtype.kind == "f" and cells.dtype.itemsize > 8:  # a longdouble
        cells = cells.astype(np.float64)
    if cells.dtype.kind in "biufmM":
        return array_values(pa.array(np.ascontiguousarray(cells)))
    return objects_values(cells.tolist())


@dataclass(frozen=True)
class RowSource(ColumnReader):
    """One row: the cells by the names of their columns, plain Python or NumPy values.

    missing: texts that mean a missing value. frame: the data frame that it comes from, if any.
    """

    cells: Mapping[str, Any]
    named: bool = True
    missing: tuple[str, ...] = ()
    frame: Any = None

    @property
    def n_rows(self) -> int:
        return 1

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.cells)

    def rows(self, begin: int, end: int) -> RowSource:
        return self

    def take(self, rows: Array) -> FrameSource:
        return self.to_frame(*self.names).take(rows)

    def renamed(self, names: tuple[str, ...]) -> RowSource:
        """With other names of the columns, in order."""
        frame = None if self.frame is None else self.frame.set_axis(list(names), axis=1)
        return replace(self, cells=dict(zip(names, self.cells.values(), strict=True)), frame=frame)

    def values(self, name: str) -> list[Any]:
        return [self.cells[name]]

    def row(self) -> Mapping[str, Any]:
        return self.cells

    def column(self, name: str, rows: Array | None = None) -> Column:
        if self.frame is not None:
            return FrameSource(as_frame(self.frame), missing=self.missing).column(name)
        return make_column(lambda: read_cells([self.cells[name]]), name, self.missing)

    def to_frame(self, *names: str) -> FrameSource:
        """A data frame with the columns of these names."""
        import pyarrow as pa

        if self.frame is not None:
            return FrameSource(as_frame(self.frame), 0, self.named, self.missing)
        columns = {}
        for name in names:
            column = self.column(name)
            if column.problem:
                raise TableError(f"column {shown(name)} cannot hold {column.problem}")
            columns[name] = column.values if column.exact is None else column.exact
        return FrameSource(as_frame(pa.table(columns)), 0, self.named, self.missing)


Source = FrameSource | ArraySource | RowSource


def source_of(X: Any, *, keep: bool = False) -> Source:
    """X as a source: a source, a data frame, or what `check_array` of scikit-learn makes of it.

    keep: whether the columns of a data frame are read once and kept.

    Columns that have no names (of an array, or of a data frame with the names 0, 1, …) are called
    x0, x1, … Raises TypeError or ValueError, naming X; TableError for names that are not all
    different.
    """
    if isinstance(X, Source):
        return X.keeping() if keep and isinstance(X, FrameSource) else X
    if hasattr(X, "columns") or hasattr(X, "column_names"):
        source = _source_of_frame(X)
        return source.keeping() if keep else source
    from sklearn.utils import check_array

    if isinstance(X, np.ma.MaskedArray):
        filled: Any = X.astype(np.float64 if X.dtype.kind in "biuf" else object)
        X = filled.filled(np.nan)
    if not hasattr(X, "dtype") and np.asarray(X).dtype.kind in "USmM":  # 1.0 beside text stays 1.0
        X = np.array(X, dtype=object)
    array = check_array(X, dtype=None, ensure_all_finite=False, input_name="X")
    return ArraySource(array, tuple(f"x{i}" for i in range(array.shape[1])))


def row_of_pandas(X: Any) -> RowSource | None:
    """The row of a data frame of pandas that has one, read at once; None for anything else."""
    if (
        type(X).__module__.partition(".")[0] != "pandas"
        or getattr(X, "ndim", 0) != 2
        or len(X) != 1
    ):
        return None
    names = X.columns.tolist()
    if not names or len(set(names)) < len(names) or any(type(name) is not str for name in names):
        return None
    return RowSource(_cells(X), frame=X)


def _cells(frame: Any) -> dict[str, Any]:
    """The first row of a data frame of pandas, by name."""
    values = frame.to_numpy(dtype=object)[0].tolist()
    return dict(zip(frame.columns, values, strict=True))


def row_source(row: Any) -> FrameSource | RowSource:
    """One row as a source.

    row: values by the names of the columns (a mapping, or a Series of pandas), values in the order
    of the columns, or a data frame with one row. Raises TypeError or ValueError, naming row.
    """
    if hasattr(row, "columns") or hasattr(row, "column_names"):
        source = _source_of_frame(row)
        if source.n_rows != 1:
            raise ValueError(f"row must be a single row; got a data frame with {source.n_rows}")
        return source
    if hasattr(row, "keys") and hasattr(row, "items"):
        cells = dict(row.items())
        if any(type(name) is not str for name in cells):
            cells = dict(zip(texts_of_names(list(cells)), cells.values(), strict=True))
        return RowSource(cells)
    if isinstance(row, str) or not hasattr(row, "__len__") or getattr(row, "ndim", 1) > 1:
        raise TypeError(f"row must be a dict of values, or values (D,); got {row!r}")
    return RowSource({f"x{i}": value for i, value in enumerate(row)}, named=False)


def _source_of_frame(X: Any) -> FrameSource:
    names = list(getattr(X, "column_names", getattr(X, "columns", ())))
    numbered = are_numbers_in_order(names)
    if numbered and hasattr(X, "set_axis"):
        X = X.set_axis([f"x{i}" for i in range(len(names))], axis=1)
    source = FrameSource(as_frame(X), named=not numbered)
    for n, what in ((source.n_rows, "sample"), (len(names), "feature")):
        if n == 0:
            shape = (source.n_rows, len(names))
            raise ValueError(
                f"Found array with 0 {what}(s) (shape={shape}) while a minimum of 1 is required."
            )
    return source


def find_all(
    source: Source,
    kinds: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
    rows: Array | None = None,
) -> dict[str, ColumnFinding]:
    """What each column of a table is, from some rows or all.

    kinds: column → the kind that was asked for. options: how text is read, see
    `tables.inference.check_text_format`.
    Raises TableError for an unknown column, TypeError or ValueError for a wrong kind or option.
    """
    kinds, options = kinds or {}, check_text_format(options)
    check_names(source, tuple(kinds))
    check_kinds(kinds)
    return {name: source.find(name, kinds.get(name), rows, options) for name in source.names}


def check_names(source: Source, names: tuple[str, ...]) -> None:
    """Raise TableError, with near matches, if a column is missing; columns beyond them are fine."""
    known = set(source.names)
    for name in names:
        if name not in known:
            raise TableError(unknown_name(name, list(source.names)))
