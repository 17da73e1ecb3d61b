"""Learning a table: the split, the matrix, the network's options and its training."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.tables.columns import to_numbers
from clearprop.tables.encoding import TableEncoding
from clearprop.tables.frames import TableError, as_frame, read_column, shown
from clearprop.tables.model import TableModel
from clearprop.tables.targets import (
    TASKS,
    ClassTarget,
    Target,
    find_target,
    fit_number,
    infer_task,
    missing_rows,
)


@dataclass(frozen=True)
class NetworkOptions:
    """The network and its training.

    hidden: units of each hidden layer; activation: of all of them, or one for each. epochs: at
    most. Early stopping watches the loss of a share of the training rows, validation_size, stops
    after `patience` epochs without a better one and keeps the best weights. l2: ½·l2·Σw² is added
    to the loss. class_weight: "balanced" weighs the classes equally. time_limit: seconds.
    n_threads: of the training, None for clearprop.get_num_threads(). With
    solver="lbfgs" every step uses all rows: no batches, dropout, learning rate or early stopping.

    The defaults did best, or as well as any, of those tried on four tables of 1,000 to 10,000 rows
    (adult, credit_data, california, concrete; three splits each).
    """

    hidden: tuple[int, ...] = (256, 128)
    activation: str | tuple[str, ...] = "relu"
    solver: str = "adam"
    epochs: int = 300
    batch_size: int = 128
    learning_rate: float = 1e-3
    dropout: float = 0.2
    l2: float = 1e-4
    early_stopping: bool = True
    validation_size: float = 0.15
    patience: int = 20
    class_weight: str | None = None
    time_limit: float | None = None
    seed: int = 0
    n_threads: int | None = None


@dataclass(frozen=True)
class Prepared:
    """A table ready to be learnt: X (N, D), t (N,), and the rows for training and for testing.

    task_reason: why the task was chosen. Rows without a target, where they are skipped, are in
    neither part.
    """

    encoding: TableEncoding
    target: Target
    task_reason: str
    X: Array
    t: Array
    train: Array
    test: Array


def prepare(
    frame: Any,
    target: str,
    *,
    task: str | None = None,
    kinds: Mapping[str, str] | None = None,
    parse_text: bool = False,
    missing: Collection[str] = (),
    skip_missing_target: bool = False,
    test_size: float = 0.0,
    seed: int = 0,
) -> Prepared:
    """Read the target, split the rows, and encode the table by the statistics of the training rows.

    skip_missing_target: rows without a target are in neither part, instead of an error.
    test_size: share of the rows that are held out (stratified for classes), drawn with the seed.
    Raises TableError for a table that cannot be learnt from, ValueError for a wrong argument.
    """
    table = as_frame(frame)
    column = read_column(table, target, missing)
    if len(table) == 0:
        raise TableError("the table has no rows")
    if target in (kinds or {}):
        raise TableError(f"column {shown(target)} is the target; choose its task instead")
    reason = "as asked"
    if task is None:
        task, reason = infer_task(column, parse_text=parse_text)
    elif task not in TASKS:
        raise ValueError(f"task must be one of {', '.join(TASKS)}; got {task!r}")
    record = find_target(column, task, skip_missing=skip_missing_target)
    rows = np.flatnonzero(~missing_rows(column))
    if isinstance(record, ClassTarget):
        t = record.encode(column)
        train, test = split(len(rows), test_size, seed, classes=t[rows])
    else:
        train, test = split(len(rows), test_size, seed)
        record = fit_number(target, to_numbers(column)[rows[train]])
        t = record.encode(column)
    train, test = rows[train], rows[test]
    encoding = TableEncoding.fit(
        table.drop([target]), kinds, parse_text=parse_text, missing=missing, rows=train
    )
    return Prepared(encoding, record, reason, encoding.transform(table), t, train, test)


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


def train(
    prepared: Prepared,
    options: NetworkOptions,
    *,
    callbacks: Collection[Callable[[Any], object]] = (),
) -> TableModel:
    """Train the network on the training rows; a part of them decides when to stop.

    callbacks: called with an EpochReport after every epoch; one that returns True ends training.
    """
    from clearprop.estimators import MLPClassifier, MLPRegressor

    X, t, rows = prepared.X, prepared.t, prepared.train
    is_class = isinstance(prepared.target, ClassTarget)
    validation: dict[str, Array] = {}
    stepwise = options.solver != "lbfgs"
    if options.early_stopping and stepwise:
        inner, held = split(
            len(rows),
            options.validation_size,
            (options.seed, 1),
            classes=t[rows] if is_class else None,
        )
        if len(held) >= 2:
            t_val = t[rows[held]].astype(np.int64 if is_class else X.dtype)
            validation = {"X_val": X[rows[held]], "y_val": t_val}
            rows = rows[inner]
    parameters: dict[str, Any] = {
        "hidden_layer_sizes": options.hidden,
        "activation": options.activation,
        "solver": options.solver,
        "alpha": 0.0,
        "batch_size": min(options.batch_size, len(rows)),
        "learning_rate_init": options.learning_rate,
        "max_iter": options.epochs,
        "random_state": options.seed,
        "early_stopping": bool(validation),
        "scoring": "loss",
        "n_iter_no_change": options.patience if options.early_stopping else np.inf,
        "tol": 0.0 if stepwise else 1e-4,
        "dropout": options.dropout if stepwise else 0.0,
        "l2": options.l2,
        "callbacks": tuple(callbacks),
        "time_limit": options.time_limit,
        "n_threads": options.n_threads,
    }
    estimator: MLPClassifier | MLPRegressor
    if is_class:
        estimator = MLPClassifier(**parameters, class_weight=options.class_weight)
    else:
        estimator = MLPRegressor(**parameters)
    t = t.astype(np.int64 if is_class else X.dtype)
    with warnings.catch_warnings():
        # Why training ended is in history_.stopped, and is told from there.
        warnings.simplefilter("ignore")
        estimator.fit(X[rows], t[rows], **validation)
    estimator.set_params(callbacks=None)
    about = {
        "n_rows": len(prepared.train),
        "n_validation_rows": len(prepared.train) - len(rows),
    }
    return TableModel(prepared.encoding, prepared.target, estimator, about)
