"""A table and the column to predict: reads y and splits the rows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.tables.frames import TableError, as_frame, read_column
from clearprop.tables.target_column import (
    TASKS,
    TargetColumn,
    find_target,
    infer_task,
    missing_rows,
)


@dataclass(frozen=True)
class Problem:
    """What is to be learnt from a table.

    frame: the N rows of the other columns.
    target: the column that is learnt; y (N,) are its values.
    reason: why its task was chosen.
    train, test: the numbers of the training rows and of the held-out rows. Skipped rows, which have
    no target, are in neither.
    missing: texts that mean a missing value.
    """

    frame: Any
    target: TargetColumn
    reason: str
    y: Array
    train: Array
    test: Array
    missing: tuple[str, ...]


def read_problem(
    frame: Any,
    target: str,
    *,
    task: str | None = None,
    missing: Collection[str] = (),
    skip_missing_target: bool = False,
    test_size: float = 0.0,
    seed: int = 0,
) -> Problem:
    """Read the target and split the rows.

    task: "classification" or "regression"; None chooses by the values of the target.
    missing: texts that mean a missing value.
    skip_missing_target: leave out rows without a target, instead of raising an error.
    test_size: share of the rows that are held out, drawn with the seed (stratified for classes).
    Raises TableError for a target that cannot be learnt, ValueError for a wrong argument.
    """
    table = as_frame(frame)
    column = read_column(table, target, missing)
    if len(table) == 0:
        raise TableError("the table has no rows")
    if len(table.columns) == 1:
        raise TableError("the table has no column to learn from: the target is the only one")
    reason = "as asked"
    if task is None:
        task, reason = infer_task(column)
    elif task not in TASKS:
        raise ValueError(f"task must be one of {', '.join(TASKS)}; got {task!r}")
    record = find_target(column, task, skip_missing=skip_missing_target)
    rows = np.flatnonzero(~missing_rows(column))
    y = record.encode(column)
    train, test = split(len(rows), test_size, seed, classes=y[rows] if record.has_classes else None)
    return Problem(table.drop([target]), record, reason, y, rows[train], rows[test], tuple(missing))


def split(
    n: int, share: float, seed: int | tuple[int, ...], classes: Array | None = None
) -> tuple[Array, Array]:
    """Two disjoint sets of the rows 0 … n−1, each in order; the second has the share, rounded.

    With classes (n,) the second set has its share of every class, up to a row, and every class
    has a row in the first.
    """
    if not 0 <= share < 1:
        raise ValueError(f"share must be at least 0 and less than 1; got {share!r}")
    rng = np.random.default_rng(seed)
    order = rng.permutation(n)
    if classes is not None:
        order = order[np.argsort(classes[order], kind="stable")]
        order = order[np.diff(classes[order], prepend=-1) == 0]  # without the first of each class
    n_second = min(round(share * n), len(order))
    # At equal distances in an order that goes through the classes one after the other.
    places = (np.arange(n_second) + rng.uniform()) * (len(order) / max(n_second, 1))
    second = np.sort(order[places.astype(np.int64)])
    return np.setdiff1d(np.arange(n), second, assume_unique=True), second
