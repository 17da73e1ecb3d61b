"""A small data set with targets of every kind, and small estimators for it, shared by the tests."""

from __future__ import annotations

from typing import Any

import numpy as np

import clearprop as cp

_rng = np.random.default_rng(0)
N = 80
X = _rng.normal(size=(N, 5))
Z = np.tanh(X @ _rng.normal(size=(5, 3))) + 0.2 * _rng.normal(size=(N, 3))
Y_THREE = Z.argmax(axis=1)  # three classes
Y_TWO = (Z[:, 0] > 0).astype(int)
Y_LABELS = (Z > 0).astype(int)  # three labels
Y_COLUMNS = np.stack([Y_THREE, Y_TWO + 4], axis=1)  # two columns of classes
Y_REAL = Z[:, 0]
Y_SEVERAL = Z
Y_COUNTS = _rng.poisson(np.exp(Z[:, 0])).astype(float)
NAMES = np.array(["ant", "bee", "cat"])[Y_THREE]
WEIGHTS = _rng.uniform(0.2, 2.0, N)

for _array in (X, Z, Y_THREE, Y_TWO, Y_LABELS, Y_COLUMNS, Y_COUNTS, NAMES, WEIGHTS):
    _array.flags.writeable = False

SMALL = {"hidden_layer_sizes": (6,), "max_iter": 5, "random_state": 0, "batch_size": 16}


def classifier(**parameters: Any) -> cp.MLPClassifier:
    return cp.MLPClassifier(**{**SMALL, **parameters})


def regressor(**parameters: Any) -> cp.MLPRegressor:
    return cp.MLPRegressor(**{**SMALL, **parameters})


def flat(estimator: Any) -> Any:
    """All weights and biases in one vector."""
    return np.concatenate([a.ravel() for a in (*estimator.coefs_, *estimator.intercepts_)])


def same_weights(a: Any, b: Any) -> bool:
    """The same bits in all weights and biases."""
    return flat(a).dtype == flat(b).dtype and bool(np.array_equal(flat(a), flat(b)))


class Watch:
    """A callback that keeps θ of every epoch."""

    def __init__(self) -> None:
        self.thetas: list[Any] = []

    def __call__(self, report: cp.history.EpochReport) -> None:
        self.thetas.append(report.theta)

    def networks(self, estimator: Any) -> list[cp.Network]:
        architecture = estimator.network_.architecture
        return [cp.Network.from_theta(architecture, theta) for theta in self.thetas]
