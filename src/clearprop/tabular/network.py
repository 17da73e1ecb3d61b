"""One network on the plain inputs of a table: its options and its training."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.estimators import MLPClassifier, MLPRegressor
from clearprop.tabular.problem import split


@dataclass(frozen=True)
class NetworkOptions:
    """The network and its training.

    hidden_sizes: units of each hidden layer.
    hidden: activation of all hidden layers, or one for each.
    solver: with "lbfgs" every step uses all rows, without batches, dropout, learning rate or early
    stopping.
    epochs: the most that are trained.
    l2: ½·l2·Σw² is added to the loss.
    early_stopping: watch the loss of a share of the training rows, validation_size; stop after
    `patience` epochs without a better one, and keep the best weights.
    class_weight: "balanced" gives all classes the same weight.
    time_limit: seconds.
    n_threads: of the training; None for clearprop.get_num_threads().

    On four tables of 1,000 to 10,000 rows (adult, credit_data, california, concrete; three splits
    each), no other options that were tried did better than the defaults.
    """

    hidden_sizes: tuple[int, ...] = (256, 128)
    hidden: str | tuple[str, ...] = "relu"
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


def train_network(
    X: Array,
    t: Array,
    options: NetworkOptions,
    *,
    has_classes: bool,
    callbacks: Collection[Callable[[Any], object]] = (),
    groups: Array | None = None,
    times: Array | None = None,
) -> tuple[MLPClassifier | MLPRegressor, int]:
    """Train a network on X (N, D) and t (N,), the number of each class or a standardized quantity.

    A part of the rows decides when to stop. Returns the estimator and the number of these rows.
    callbacks: called with an EpochReport after every epoch; one that returns True ends training.
    groups, times (N,): as `clearprop.tabular.problem.split` takes them.
    """
    t = t.astype(np.int64 if has_classes else X.dtype)
    train, held = np.arange(len(X)), np.arange(0)
    stepwise = options.solver != "lbfgs"
    if options.early_stopping and stepwise:
        classes = t if has_classes else None
        inner, held = split(
            len(X),
            options.validation_size,
            (options.seed, 1),
            classes=classes,
            groups=groups,
            times=times,
        )
        if len(held) >= 2:
            train = inner
        else:
            held = held[:0]
    validation = {"X_val": X[held], "y_val": t[held]} if len(held) else {}
    parameters: dict[str, Any] = {
        "hidden_layer_sizes": options.hidden_sizes,
        "activation": options.hidden,
        "solver": options.solver,
        "alpha": 0.0,
        "batch_size": min(options.batch_size, len(train)),
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
    if has_classes:
        estimator = MLPClassifier(**parameters, class_weight=options.class_weight)
    else:
        estimator = MLPRegressor(**parameters)
    with warnings.catch_warnings():
        # Why training ended is in history_.stopped, and is reported from there.
        warnings.simplefilter("ignore")
        estimator.fit(X[train], t[train], **validation)
    estimator.set_params(callbacks=None)
    return estimator, len(held)
