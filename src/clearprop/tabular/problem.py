"""A table and the column to predict: reads y and splits the rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.tables.division import number_groups, number_times
from clearprop.tables.frames import Column, TableError, as_frame, read_column, shown
from clearprop.tables.inference import check_text_format
from clearprop.tables.names import name_text
from clearprop.tables.sources import FrameSource
from clearprop.tables.target_column import (
    TASKS,
    TargetColumn,
    count_marks,
    find_target,
    infer_task,
    missing_rows,
)
from clearprop.tables.told import IN_PYTHON, Ways
from clearprop.tabular.bag.division import cut_by_time, deal_groups


@dataclass(frozen=True)
class Problem:
    """What is to be learnt from a table.

    source: the N rows of the other columns, each of which is read once and kept.
    target: the column that is learnt; y (N,) are its values.
    reason: why its task was chosen.
    train, test: the numbers of the training rows and of the held-out rows. Skipped rows, which have
    no target, are in neither.
    groups, times (N,): the number of each row's group, or of its time in order; -1 for skipped
    rows.
    n_unjudged: rows that train although they are among the latest, since earlier rows lack their
    classes.
    """

    source: FrameSource
    target: TargetColumn
    reason: str
    y: Array
    train: Array
    test: Array
    groups: Array | None = None
    times: Array | None = None
    n_unjudged: int = 0

    @property
    def frame(self) -> Any:
        """The data frame of the N rows without the target."""
        return self.source.frame

    @property
    def missing(self) -> tuple[str, ...]:
        """The texts that mean a missing value."""
        return self.source.missing

    def division(self, rows: Array) -> tuple[Array | None, Array | None]:
        """The numbers of the groups of these rows, from 0, and of their times."""
        groups, times = self.groups, self.times
        if groups is not None:
            groups = np.unique(groups[rows], return_inverse=True)[1]
        return groups, None if times is None else times[rows]


def kinds_with_group(kinds: Mapping[str, str] | None, group: str | None) -> dict[str, str]:
    """Kinds of columns, which leave out the column of groups unless they name it."""
    return {**({} if group is None else {group: "ignore"}), **(kinds or {})}


def read_problem(
    frame: Any,
    target: Any,
    *,
    task: str | None = None,
    missing: Collection[str] = (),
    text_format: Mapping[str, Any] | None = None,
    skip_missing_target: bool = False,
    test_size: float = 0.0,
    seed: int = 0,
    group: str | None = None,
    time: str | None = None,
    ways: Ways = IN_PYTHON,
) -> Problem:
    """Read the target and split the rows.

    task: "classification" or "regression"; None chooses by the values of the target.
    missing: texts that mean a missing value.
    text_format: how numbers are written as text, see TabularClassifier.
    skip_missing_target: leave out rows without a target, instead of raising an error.
    test_size: share of the rows that are held out, drawn with the seed (stratified for classes).
    group, time: columns; rows of one group are held out together, or the latest rows.
    ways: of the caller, for messages.
    Raises TableError for a target that cannot be learnt, ValueError for a wrong argument.
    """
    if group is not None and time is not None:
        raise ValueError("group and time exclude each other; give one of them")
    table = as_frame(frame)
    target = name_text(target)
    column = read_column(table, target, missing)
    if target in (group, time):
        what = "group" if target == group else "time"
        raise TableError(f"column {shown(target)} is the target; it cannot be the {what}, too")
    if len(table) == 0:
        raise TableError("the table has no rows")
    if len(table.columns) == 1:
        raise TableError("the table has no column to learn from: the target is the only one")
    text_format = check_text_format(text_format)
    reason = "as asked"
    if task is None:
        task, reason = infer_task(column, text_format, ways)
    elif task not in TASKS:
        raise ValueError(f"task must be one of {', '.join(TASKS)}; got {task!r}")
    marks = count_marks(table, target, missing)
    record = find_target(
        column,
        task,
        skip_missing=skip_missing_target,
        options=text_format,
        missing=missing,
        marks=marks,
        ways=ways,
    )
    rows = np.flatnonzero(~missing_rows(column, task, missing))
    y = record.encode(column, missing)
    groups = _numbers(table, group, missing, rows, number_groups)
    in_order = partial(number_times, options=text_format)
    times = _numbers(table, time, missing, rows, in_order)
    train, test = split(
        len(rows),
        test_size,
        seed,
        classes=y[rows] if record.has_classes else None,
        groups=None if groups is None else groups[rows],
        times=None if times is None else times[rows],
    )
    n_unjudged = 0
    if times is not None and len(test):
        n_unjudged = int(np.count_nonzero(times[rows[train]] >= times[rows[test]].min()))
    return Problem(
        FrameSource(table.drop([target]), missing=tuple(missing)).keeping(),
        record,
        reason,
        y,
        rows[train],
        rows[test],
        groups,
        times,
        n_unjudged,
    )


def _numbers(
    table: Any,
    name: str | None,
    missing: Collection[str],
    rows: Array,
    number: Callable[[Column, str, Array], Array],
) -> Array | None:
    """The numbers (N,) of groups or times in a column, of these rows, and -1 for the others."""
    if name is None:
        return None
    column = read_column(table, name, missing)
    result = np.full(len(table), -1)
    result[rows] = number(column, f"column {shown(name)}", rows)
    return result


def split(
    n: int,
    share: float,
    seed: int | tuple[int, ...],
    classes: Array | None = None,
    *,
    groups: Array | None = None,
    times: Array | None = None,
) -> tuple[Array, Array]:
    """Two disjoint sets of the rows 0 … n−1, each in order; the second has the share, rounded.

    With classes (n,) the second set has its share of every class, up to a row, and every class
    has a row in the first.
    groups (n,): numbers from 0; no group is in both sets, and the second has about the share.
    times (n,): the second set has the latest rows, and equal times are in one set; rows of classes
    that no earlier row has are in the first set.
    """
    if not 0 <= share < 1:
        raise ValueError(f"share must be at least 0 and less than 1; got {share!r}")
    rng = np.random.default_rng(seed)
    if share > 0 and groups is not None:
        second = np.flatnonzero(_grouped(groups, share, rng, classes))
    elif share > 0 and times is not None:
        late = cut_by_time(times, share)
        if classes is not None:
            late &= np.isin(classes, classes[~late])
        second = np.flatnonzero(late)
    else:
        second = _drawn(n, share, rng, classes)
    return np.setdiff1d(np.arange(n), second, assume_unique=True), second


def _grouped(groups: Array, share: float, rng: np.random.Generator, classes: Array | None) -> Array:
    """Which rows (n,) are in the second set, by groups."""
    in_second = deal_groups(groups, np.array([1 - share, share]), rng, classes) == 1
    if classes is not None:
        for label in np.setdiff1d(classes, classes[~in_second[groups]]):
            if label not in classes[~in_second[groups]]:
                own = groups[classes == label]
                in_second[own[np.bincount(groups)[own].argmin()]] = False
    held: Array = in_second[groups]
    return held


def _drawn(n: int, share: float, rng: np.random.Generator, classes: Array | None) -> Array:
    """The rows of the second set, in order, row by row."""
    order = rng.permutation(n)
    if classes is not None:
        order = order[np.argsort(classes[order], kind="stable")]
        order = order[np.diff(classes[order], prepend=-1) == 0]  # without the first of each class
    n_second = min(round(share * n), len(order))
    # At equal distances in an order that goes through the classes one after the other.
    places = (np.arange(n_second) + rng.uniform()) * (len(order) / max(n_second, 1))
    drawn: Array = np.sort(order[places.astype(np.int64)])
    return drawn
