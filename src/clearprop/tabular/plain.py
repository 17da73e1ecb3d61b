"""The columns of a data frame as the matrix of numbers that a network takes.

`TableEncoding` is fitted to the training rows. It finds the kind of every column, unless it is
given, and keeps the statistics that the kinds need (`column_encodings`). It turns frames into
matrices, describes itself, and can be written as JSON.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.documents import Document, ModelFileError, check_keys, take, take_list
from clearprop.tables.frames import TableError, as_frame, unknown_name
from clearprop.tables.inference import ColumnFinding
from clearprop.tables.reading import Reading
from clearprop.tables.sources import FrameSource, RowSource, find_all
from clearprop.tabular.plain_columns import (
    ENCODINGS,
    ColumnEncoding,
    column_from,
    column_to_document,
)

NOT_READ = "free text, which one network does not read"
NO_INPUTS = "the table has no column to learn from: all are ignored"


def check_inputs(source: FrameSource, findings: Mapping[str, ColumnFinding], *, text: bool) -> None:
    """Raise TableError for a value that is not of the kind that was asked for, and if all columns
    are left out.

    text: whether free text can be learnt from.
    """
    for name, found in findings.items():
        if found.asked and found.reading.kind in ENCODINGS:
            found.reading.read(source.column(name))
    left_out = ("ignore",) if text else ("ignore", "text")
    if all(found.reading.kind in left_out for found in findings.values()):
        raise TableError(NO_INPUTS)


@dataclass(frozen=True)
class IgnoredColumn:
    """A column that is not used, and why."""

    name: str
    reading: Reading

    @property
    def reason(self) -> str:
        if self.reading.kind == "text":
            return NOT_READ
        return self.reading.reason


@dataclass(frozen=True)
class Described:
    """One line of `TableEncoding.describe`."""

    name: str
    kind: str
    n_features: int
    n_missing: int
    summary: str


@dataclass(frozen=True)
class Encoded:
    """A table as a matrix: X (N, D), and per column how many labels were not seen in training."""

    X: Array
    unseen: dict[str, int]


@dataclass(frozen=True)
class TableEncoding:
    """How a data frame becomes a matrix: the columns used, in order, and the columns ignored.

    missing: texts that stand for a missing value, besides null, NaN and empty text.

    >>> import pyarrow as pa
    >>> frame = pa.table({"x": [1.0, 2.0, None, 3.0], "colour": ["red", "blue", "red", "green"]})
    >>> encoding = TableEncoding.fit(frame)
    >>> encoding.feature_names
    ('x', 'x (missing)', 'colour=blue', 'colour=green', 'colour=red')
    >>> encoding.transform(frame).shape
    (4, 5)
    """

    columns: tuple[ColumnEncoding, ...]
    ignored: tuple[IgnoredColumn, ...] = ()
    missing: tuple[str, ...] = ()

    @classmethod
    def fit(
        cls,
        frame: Any,
        kinds: Mapping[str, str] | None = None,
        *,
        missing: Collection[str] = (),
        rows: Array | None = None,
        findings: Mapping[str, ColumnFinding] | None = None,
    ) -> TableEncoding:
        """The kinds of the columns of `frame` (pandas, polars, pyarrow, …) and their statistics.

        frame: it may also be a source, which knows the texts for missing values.
        kinds: column → "numeric", "categorical", "boolean", "date", "text" or "ignore", instead of
        the kind that is inferred. Free text is left out.
        rows: indices of the training rows, which the statistics are taken from; by default all.
        findings: what each column is, where that is decided already.
        Raises TableError, naming column and row, for values that are not of the kind, and if no
        column is left to learn from.
        """
        source = frame
        if not isinstance(frame, FrameSource):
            source = FrameSource(as_frame(frame), missing=tuple(missing)).keeping()
        if source.n_rows == 0:
            raise TableError("the table has no rows")
        if findings is None:
            findings = find_all(source, kinds)
        columns: list[ColumnEncoding] = []
        ignored: list[IgnoredColumn] = []
        for name in source.names:
            reading = findings[name].reading
            if reading.kind in ("text", "ignore"):
                ignored.append(IgnoredColumn(name, reading))
            else:
                column = source.column(name)
                columns.append(ENCODINGS[reading.kind].fit(column, rows, reading))
        if not any(column.features for column in columns):
            raise TableError(NO_INPUTS)
        return cls(tuple(columns), tuple(ignored), source.missing)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the D columns of the matrix."""
        return tuple(feature for column in self.columns for feature in column.features)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns that a table must have."""
        return tuple(column.name for column in self.columns)

    def describe(self) -> tuple[Described, ...]:
        """One record for each column: name, kind, features, missing values, a few words."""
        used = (
            Described(c.name, c.kind, len(c.features), c.n_missing, c.summary) for c in self.columns
        )
        return (*used, *(Described(c.name, c.reading.kind, 0, 0, c.reason) for c in self.ignored))

    def transform(self, frame: Any, dtype: Any = np.float32) -> Array:
        """The matrix (N, D) of a data frame, which may have other columns and any order of columns.

        Raises TableError for a column that is missing, and, naming the row, for a value that is
        not of its column's kind. Labels never seen in training are not an error.
        """
        return self.encode(frame, dtype=dtype).X

    def encode(self, frame: Any, *, first_row: int = 0, dtype: Any = np.float32) -> Encoded:
        """As `transform`, with the number of labels never seen in training per column.

        frame: a data frame, or a source, which knows the texts for missing values.
        first_row: number of the first row of `frame` in the whole table, for messages.
        """
        source: FrameSource | RowSource
        if isinstance(frame, FrameSource | RowSource):
            source = frame
        else:
            source = FrameSource(as_frame(frame), first_row, missing=self.missing)
        self.check_names(source.names)
        X = np.empty((source.n_rows, len(self.feature_names)), dtype=dtype)
        unseen: dict[str, int] = {}
        for encoding, features in self._with_slices():
            n_unseen = encoding.encode(source.column(encoding.name), X[:, features])
            if n_unseen:
                unseen[encoding.name] = n_unseen
        return Encoded(X, unseen)

    def check_names(self, names: Collection[str]) -> None:
        """Raise TableError, with near matches, if a column is not among the names."""
        known = set(names)
        for name in self.names:
            if name not in known:
                raise TableError(unknown_name(name, list(names)))

    def _with_slices(self) -> Iterator[tuple[ColumnEncoding, slice]]:
        start = 0
        for column in self.columns:
            stop = start + len(column.features)
            yield column, slice(start, stop)
            start = stop

    def to_document(self) -> Document:
        """The encoding as JSON values."""
        return {
            "columns": [column_to_document(column) for column in self.columns],
            "ignored": [{"name": column.name, "reason": column.reason} for column in self.ignored],
            "missing": list(self.missing),
        }

    @classmethod
    def from_document(cls, document: Document, where: str) -> TableEncoding:
        """The encoding that `to_document` wrote; ModelFileError, naming `where`, otherwise."""
        check_keys(document, ("columns", "ignored", "missing"), where)
        columns = [
            column_from(entry, f"{where}: columns[{i}]")
            for i, entry in enumerate(take_list(document, "columns", dict, where))
        ]
        ignored = []
        for i, entry in enumerate(take_list(document, "ignored", dict, where)):
            place = f"{where}: ignored[{i}]"
            check_keys(entry, ("name", "reason"), place)
            reading = Reading("ignore", take(entry, "reason", str, place))
            ignored.append(IgnoredColumn(take(entry, "name", str, place), reading))
        names = [column.name for column in columns]
        if len(set(names)) < len(names) or not any(column.features for column in columns):
            raise ModelFileError(f"{where}: its columns must have different names and features")
        missing = take_list(document, "missing", str, where)
        return cls(tuple(columns), tuple(ignored), tuple(missing))
