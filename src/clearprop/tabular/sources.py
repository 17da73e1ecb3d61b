"""A data frame or an array as columns that are read one at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.tables.columns import infer_kind, to_datetimes, to_labels, to_numbers, to_signs
from clearprop.tables.frames import TableError, as_frame, read_column, unknown_name

KINDS = ("numeric", "categorical", "boolean", "date", "ignore")


@dataclass(frozen=True)
class FrameSource:
    """A data frame that narwhals knows. n_rows, names: of its rows and columns."""

    frame: Any

    @property
    def n_rows(self) -> int:
        return len(self.frame)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.frame.columns)

    def kind(self, name: str) -> str:
        """What the column is by its type and its values, see `tables.columns.infer_kind`."""
        return infer_kind(read_column(self.frame, name)).kind

    def numbers(self, name: str) -> Array:
        """float64 (N,), NaN where missing; infinities stay."""
        return to_numbers(read_column(self.frame, name), infinite=True)

    def signs(self, name: str) -> Array:
        """+1, −1 and 0 for true, false and missing, float64 (N,)."""
        return to_signs(read_column(self.frame, name))

    def stamps(self, name: str) -> Array:
        """datetime64[us] (N,), NaT where missing."""
        return to_datetimes(read_column(self.frame, name))

    def labels(self, name: str) -> Any:
        """Arrow text, null where missing."""
        return to_labels(read_column(self.frame, name))


@dataclass(frozen=True)
class ArraySource:
    """A matrix of numbers (N, D), whose columns are called x0, x1, …"""

    X: Array

    @property
    def n_rows(self) -> int:
        return len(self.X)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"x{i}" for i in range(self.X.shape[1]))

    def kind(self, name: str) -> str:
        return "numeric"

    def _column(self, name: str) -> Array:
        return self.X[:, int(name[1:])]

    def numbers(self, name: str) -> Array:
        return self._column(name).astype(np.float64)

    def signs(self, name: str) -> Array:
        return self._as_frame(name).signs(name)

    def stamps(self, name: str) -> Array:
        return self._as_frame(name).stamps(name)

    def labels(self, name: str) -> Any:
        return self._as_frame(name).labels(name)

    def _as_frame(self, name: str) -> FrameSource:
        import pyarrow as pa

        return FrameSource(as_frame(pa.table({name: np.ascontiguousarray(self._column(name))})))


Source = FrameSource | ArraySource


def source_of(X: Any) -> Source:
    """X as a source: a data frame, or what NumPy makes a matrix of.

    An array of other things than numbers is read as a data frame with columns x0, x1, …
    Raises TypeError or ValueError, naming X.
    """
    if hasattr(X, "columns") or hasattr(X, "column_names"):
        return FrameSource(as_frame(X))
    if hasattr(X, "tocsr"):
        raise TypeError("X must be dense; got a sparse matrix: X.toarray() makes it so")
    array = np.asarray(X)
    if array.ndim != 2:
        raise ValueError(f"X must have two dimensions; got shape {array.shape}")
    if array.dtype.kind in "biuf":
        return ArraySource(array)
    if array.dtype.kind == "c":
        raise ValueError("Complex data not supported: X must be real")
    import pyarrow as pa

    columns = {}
    for i in range(array.shape[1]):
        values = array[:, i].tolist()
        try:
            columns[f"x{i}"] = pa.array(values, from_pandas=True)
        except (pa.ArrowException, TypeError, OverflowError) as error:
            raise TypeError(f"argument must be a string or a number: X[:, {i}]: {error}") from None
    return FrameSource(as_frame(pa.table(columns)))


def check_names(source: Source, names: tuple[str, ...]) -> None:
    """Raise TableError, with near matches, if a column is missing; columns beyond them are fine."""
    for name in names:
        if name not in source.names:
            raise TableError(unknown_name(name, list(source.names)))
