"""Training runs that end in the middle, and what resuming them must give."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clearprop import Adam, Checkpoint, Data, Job, Network, train
from clearprop.history import TrainingState

EPOCHS = 6


class CutOffError(Exception):
    """Ends a run from a callback."""


def at_epoch(*cuts: int) -> Callable[[Any], None]:
    """A callback that breaks off when one of the epochs is done, before it is saved."""
    left = list(cuts)

    def callback(report: Any) -> None:
        if report.epoch in left:
            left.remove(report.epoch)
            raise CutOffError

    return callback


def shared_data(n: int = 30) -> Data:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3))
    return Data(X, np.eye(2)[(X[:, 0] > 0).astype(int)], rng.uniform(0.5, 1, n))


def make_job(**options: Any) -> Job:
    net = Network(
        options.pop("sizes", [3, 6, 2]),
        hidden="tanh",
        output=options.pop("output", "softmax"),
        dropout=options.pop("dropout", 0.0),
        seed=0,
        dtype=options.pop("dtype", "float64"),
    )
    options = {"optimizer": Adam(0.01), "epochs": EPOCHS, "batch_size": 8, "seed": 5} | options
    return Job(net.architecture, net.theta.copy(), **options)


def resumed(
    path: Path, make: Callable[[], list[Job]], data: Data, cuts: tuple[int, ...]
) -> list[TrainingState]:
    """Train to the end through as many cuts, each time from the file alone."""
    for cut in cuts:
        with pytest.raises(CutOffError):
            train(make(), data, checkpoint=Checkpoint(path), callbacks=[at_epoch(cut)])
    return train(make(), data, checkpoint=Checkpoint(path))


def assert_same(a: TrainingState, b: TrainingState) -> None:
    """The same bits in everything but the seconds."""
    np.testing.assert_array_equal(a.theta, b.theta)
    assert a.engine_state is not None
    assert b.engine_state is not None
    assert a.engine_state.keys() == b.engine_state.keys()
    for name, array in a.engine_state.items():
        assert array.dtype == b.engine_state[name].dtype
        np.testing.assert_array_equal(array, b.engine_state[name])
    for name in ("epoch", "n_steps", "n_samples", "reductions", "best", "n_no_improvement"):
        assert getattr(a, name) == getattr(b, name), name
    for name in ("loss", "validation_loss", "metrics", "learning_rate", "stopped"):
        np.testing.assert_equal(getattr(a.history, name), getattr(b.history, name))
    assert a.nonfinite == b.nonfinite
