"""Groups and times of rows: which rows belong together, and which come later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.tables.columns import to_labels
from clearprop.tables.frames import Column, TableError, make_column
from clearprop.tables.inference import find
from clearprop.tables.values import sequence_values

LISTED = 5  # rows that an error names


def read_groups(groups: Any, n_rows: int) -> Array:
    """The numbers of the groups (N,) int64, from 0, of labels (N,) of any type.

    Raises ValueError for missing values, for another number of rows, and for a single group.
    """
    column = _as_column(groups, "groups", n_rows)
    if column.type == "other":  # pairs, for instance
        texts = [None if value is None else str(value) for value in groups]
        column = _as_column(texts, "groups", n_rows)
    return number_groups(column, "groups")


def read_times(time: Any, n_rows: int, options: Mapping[str, Any] | None = None) -> Array:
    """Whole numbers (N,) int64, from 0, in the order of dates, times or numbers (N,).

    Equal times have equal numbers. Text must hold dates or numbers; options: how it is written,
    see `clearprop.tables.inference.check_text_format`.
    Raises ValueError for missing values, for another number of rows, and for a single time.
    """
    return number_times(_as_column(time, "time", n_rows), "time", options=options)


def number_groups(column: Column, what: str, rows: Array | None = None) -> Array:
    """As `read_groups` has it, from these rows of a column, or all.

    what: the name of the column in messages.
    """
    _check_complete(column, what, rows)
    some = _take(column, rows)
    labels = to_labels(some if some.type != "other" else _as_text(some))
    numbers: Array = labels.dictionary_encode().indices.to_numpy().astype(np.int64)
    if numbers.max() == 0:
        raise TableError(f"{what}: all rows have the same value; at least two groups are needed")
    return numbers


def number_times(
    column: Column,
    what: str,
    rows: Array | None = None,
    options: Mapping[str, Any] | None = None,
) -> Array:
    """As `read_times` has it, from these rows of a column, or all.

    what: the name of the column in messages.
    """
    _check_complete(column, what, rows)
    moments = _moments(_take(column, rows), what, options)
    _check_present(
        column, np.isnat(moments) if moments.dtype.kind == "M" else np.isnan(moments), what, rows
    )
    numbers = np.unique(moments, return_inverse=True)[1].astype(np.int64)
    if numbers.max() == 0:
        raise TableError(f"{what}: all rows have the same value; at least two times are needed")
    return numbers


def _moments(column: Column, what: str, options: Mapping[str, Any] | None) -> Array:
    """Numbers or dates (N,), to be put in order."""
    if column.type == "int":
        exact: Array = column.values.to_numpy()
        return exact
    reading = find(column, None, options).reading
    if column.type == "text" and reading.kind not in ("numeric", "date"):
        reading = find(column, "numeric", options).reading  # row numbers, too
        if reading.number is None and reading.reason == "as asked":
            reading = find(column, "date", options).reading
    if reading.kind == "numeric" or column.type in ("float", "bool"):
        return reading.numbers(column)
    if reading.kind == "date" or column.type in ("datetime", "time"):
        return reading.stamps(column)
    raise TableError(f"{what} must hold dates, times or numbers, not {column.holds}")


def _take(column: Column, rows: Array | None) -> Column:
    return column if rows is None else replace(column, values=column.values.take(rows))


def _check_complete(column: Column, what: str, rows: Array | None) -> None:
    """Raise TableError, naming rows, if one of these rows has no value."""
    import pyarrow.compute as pc

    is_missing = pc.is_null(column.values).to_numpy(zero_copy_only=False)
    _check_present(column, is_missing if rows is None else is_missing[rows], what, rows)


def _check_present(column: Column, is_missing: Array, what: str, rows: Array | None) -> None:
    missing = np.flatnonzero(is_missing) if rows is None else rows[is_missing]
    if len(missing):
        listed = ", ".join(str(column.first_row + i) for i in missing[:LISTED])
        more = ", …" if len(missing) > LISTED else ""
        noun = "value is" if len(missing) == 1 else "values are"
        raise TableError(f"{what}: {len(missing)} {noun} missing (row {listed}{more})")


def _as_column(values: Any, name: str, n_rows: int) -> Column:
    """A sequence of values (N,), such as a list, an array or a series, as a column."""
    if isinstance(values, str):
        raise TypeError(f"{name} must have a value for each row, not the name of a column")
    if isinstance(values, np.ndarray) and values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if getattr(values, "ndim", 1) != 1:
        raise ValueError(
            f"{name} must have one value for each row; got an array of shape {values.shape}"
        )
    if len(values) != n_rows:
        raise ValueError(f"{name} has {len(values)} values, but there are {n_rows} rows")
    return make_column(lambda: sequence_values(values), name)


def _as_text(column: Column) -> Column:
    """Values that are not single ones, such as pairs, by their text."""
    import pyarrow as pa

    text = pa.array([str(value) for value in column.values.to_pylist()], pa.large_string())
    return Column(column.name, text, first_row=column.first_row)
