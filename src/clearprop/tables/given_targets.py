"""The targets given to `fit`, of any library, as NumPy arrays of a plain type.

Truth values stay bool, whole numbers become int64, text stays text; so `classes_` has the type that
the user gave. Errors name rows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.limits import shown_value
from clearprop.tables.cells import cell_of
from clearprop.tables.frames import Column
from clearprop.tables.inference import counted, is_identifying, numbers_and_others
from clearprop.tables.reading import Reading
from clearprop.tables.values import LIBRARIES, sequence_values

MAX_ROWS = 5  # that a message names
GROUPS = {"bool": "truth values", "number": "numbers", "date": "dates", "time": "times of day"}
WHOLE = 2.0**63
OWN_CLASS = ", or give the missing value a class of its own"


def plain_classes(y: Any) -> Any:
    """Classes as an array of bool, int64, uint64, float64 or objects that are text.

    What NumPy and scikit-learn read as it is stays as it is. Raises ValueError, naming rows, for
    missing classes and for classes of several types.
    """
    return _each_column(y, _plain_column)


def plain_numbers(y: Any) -> Any:
    """Quantities as an array of float64, NaN where missing; what NumPy reads stays as it is.

    Raises ValueError for text that is not a number, naming it.
    """
    if isinstance(y, list | tuple) and y and all(isinstance(v, str) for v in y):
        y = np.array(y)
    if isinstance(y, np.ndarray) and y.ndim == 1 and y.dtype.kind == "U":
        return _quantities(y)
    return _each_column(y, _numbers_column)


def check_describes(y: Array) -> None:
    """Raise ValueError where the classes (N,) are text with a different value in most rows.

    If nearly all of them are numbers, it names the others.
    """
    if y.ndim != 1 or y.dtype.kind not in "OU":
        return
    column = _text_column(y)
    n_levels = len(column.values.unique())
    if not is_identifying(n_levels, len(y)):
        return
    _refuse_others(numbers_and_others(column))
    raise ValueError(
        f"y has {n_levels:,} different texts in {len(y):,} rows, too many to be classes"
    )


def _quantities(y: Array) -> Array:
    """Numbers (N,) that are written as text, in any of the usual ways."""
    column = _text_column(y)
    found = numbers_and_others(column)
    _refuse_others(found)
    return Reading("numeric", number=None if found is None else found[0]).numbers(column)


def _text_column(y: Array) -> Column:
    import pyarrow as pa

    texts = [v if isinstance(v, str) else str(v) for v in y.tolist()]
    return Column("y", pa.array(texts, pa.large_string()))


def _refuse_others(found: tuple[Any, tuple[tuple[str, int], ...]] | None) -> None:
    if found is not None and found[1]:
        n = sum(count for _, count in found[1])
        raise ValueError(
            f"y has numbers, and {n:,} other value{'s' if n > 1 else ''}: {counted(found[1])}; "
            "leave these rows out"
        )


def check_present(y: Any) -> None:
    """Raise ValueError, naming rows, where numbers (N,) or (N, M) are NaN."""
    if isinstance(y, list | tuple):
        try:
            y = np.asarray(y)
        except ValueError:  # of rows with different lengths, which scikit-learn explains
            return
    if getattr(getattr(y, "dtype", None), "kind", "") == "f":
        y = np.asarray(y)
        missing = np.isnan(y)
        _refuse_missing(missing if y.ndim == 1 else missing.any(axis=1))


def _each_column(y: Any, read: Callable[[Any], Any]) -> Any:
    if not _is_special(y):
        return y
    if not hasattr(y, "columns") and not hasattr(y, "column_names"):
        return read(y)
    from clearprop.tables.frames import as_frame, column_of

    frame = as_frame(y)
    columns = [read(column_of(frame, name)) for name in frame.columns]
    are_text = [column.dtype.kind in "OUS" for column in columns]
    if len(set(are_text)) > 1:
        names = [frame.columns[are_text.index(kind)] for kind in (True, False)]
        raise ValueError(
            f"y has columns of different types: {names[0]!r} is text, {names[1]!r} is not; "
            "write all of them as text"
        )
    return np.column_stack(columns)


def _is_special(y: Any) -> bool:
    """Whether NumPy alone does not read y for what it is."""
    if type(y).__module__.partition(".")[0] in LIBRARIES:
        return not isinstance(getattr(y, "dtype", None), np.dtype) or y.dtype.kind == "O"
    if isinstance(y, np.ndarray):
        return y.dtype.kind == "O" and y.ndim == 1
    if isinstance(y, list | tuple) and y and not any(isinstance(v, list | tuple) for v in y):
        if all(isinstance(v, str) for v in y):
            return False
        try:
            return np.asarray(y).dtype.kind in "OUS"
        except ValueError:
            return False
    return False


def _objects(y: Any) -> list[Any]:
    found: list[Any] = y.to_pylist() if hasattr(y, "to_pylist") else list(y)
    return found


def _plain_column(y: Any) -> Any:
    values = sequence_values(y)
    if values.problem:
        raise ValueError(f"y must hold classes, not {values.problem}")
    if values.held == "mixed":
        _refuse_mixed(_objects(y))
    kind = str(values.array.type)
    if kind in ("large_string", "null"):  # texts are kept as they are, blanks included
        objects = _objects(y)
        _refuse_missing(np.array([_is_missing(v) for v in objects], dtype=bool), OWN_CLASS)
        return np.array([v if type(v) is str else str(v) for v in objects], dtype=object)
    _refuse_missing(values.array.is_null().to_numpy(zero_copy_only=False), OWN_CLASS)
    if kind not in ("bool", "int64", "uint64", "double"):
        return np.asarray(y)
    array = values.array.to_numpy(zero_copy_only=False)
    if values.held == "decimal" and _are_whole(array):
        return array.astype(np.int64)
    return array


def _numbers_column(y: Any) -> Any:
    values = sequence_values(y)
    kind = str(values.array.type)
    if kind == "large_string" and not values.problem and values.held != "mixed":
        _refuse_missing(values.array.is_null().to_numpy(zero_copy_only=False))
        return _quantities(np.array(values.array.to_pylist(), dtype=object))
    if values.problem or kind not in ("bool", "int64", "uint64", "double", "null"):
        return np.asarray(y)
    array = values.array.cast("int64") if kind == "bool" else values.array
    found: Array = array.cast("float64", safe=False).to_numpy(zero_copy_only=False)
    return found


def _are_whole(x: Array) -> bool:
    return bool((np.abs(x) < WHOLE).all() and (x == np.rint(x)).all())


def _is_missing(value: Any) -> bool:
    return value is None or (not isinstance(value, str) and cell_of(value) is None)


def _refuse_missing(missing: Array, advice: str = "") -> None:
    if missing.any():
        raise ValueError(
            f"Input y contains NaN: the target is missing in {_rows(np.flatnonzero(missing))} of "
            f"{len(missing)}; leave these rows out{advice}"
        )


def _rows(rows: Array) -> str:
    """How many rows and the first of them: "2 rows (3, 7)"."""
    listed = ", ".join(map(str, rows[:MAX_ROWS].tolist()))
    more = ", …" if len(rows) > MAX_ROWS else ""
    return f"{len(rows)} row{'s' * (len(rows) > 1)} ({listed}{more})"


def _refuse_mixed(objects: list[Any]) -> None:
    """Raise ValueError, with a row of each type."""
    cells = [cell_of(value) for value in objects]
    groups = [cell.group if cell is not None else "" for cell in cells]
    parts = []
    for group in sorted(set(groups) - {""}, key=groups.index):
        first, n = groups.index(group), groups.count(group)
        name = GROUPS.get(group, group)
        rows = f"{n} row{'s' * (n > 1)}"
        parts.append(f"{name} in {rows} ({shown_value(objects[first])} in row {first})")
    raise ValueError(
        f"y mixes classes of several types: {', '.join(parts)}; write all of them as text, or all "
        "as numbers"
    )
