"""Small training runs: data, a network, a job, and one call to train it."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop import (
    SGD,
    Data,
    Job,
    Network,
    train,
)
from clearprop.history import TrainingState


def spirals(n: int = 60, seed: int = 0) -> tuple[Any, Any]:
    """Two classes that no straight line parts."""
    rng = np.random.default_rng(seed)
    t = np.arange(n) % 2
    r, angle = rng.uniform(0.2, 1, n), rng.normal(0, 0.3, n)
    angle += np.pi * t + 3 * r
    return np.stack([r * np.cos(angle), r * np.sin(angle)], axis=1), t


def classifier(seed: int = 0, **options: Any) -> Network:
    return Network([2, 8, 2], hidden="tanh", output="softmax", seed=seed, **options)


def job(net: Network, **options: Any) -> Job:
    options = {"optimizer": SGD(0.1), "epochs": 3, "batch_size": 8} | options
    return Job(net.architecture, net.theta.copy(), **options)


def data_of(net: Network, X: Any, t: Any, w: Any = None) -> Data:
    return Data(X, net.output.targets(t, net.sizes[-1], net.theta.dtype), w)


def run(net: Network, X: Any, t: Any, w: Any = None, **options: Any) -> TrainingState:
    """One job on the data; the start θ is the network's."""
    outside = ("callbacks", "time_limit", "states")
    around = {name: options.pop(name) for name in outside if name in options}
    (state,) = train([job(net, **options)], data_of(net, X, t, w), **around)
    return state
