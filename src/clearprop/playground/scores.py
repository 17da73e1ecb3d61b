"""The losses and scores of a network on the rows of a run; "copy as Python" uses them too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clearprop._typing import Array
from clearprop.jobs import Data
from clearprop.network import Network
from clearprop.propagation import mean_loss

if TYPE_CHECKING:
    from clearprop.playground.runs import Run


def losses_and_scores(net: Network, run: Run) -> tuple[float, float, float, float]:
    """ℒ and score on the training rows and on the test rows; NaN if there are none."""
    nan = float("nan")
    loss, y_score = _of(net, run.data, run.dataset.t, run.dataset.n_classes)
    if run.test is None:
        return loss, nan, y_score, nan
    test_loss, test_score = _of(net, run.test, run.dataset.t_test, run.dataset.n_classes)
    return loss, test_loss, y_score, test_score


def _of(net: Network, data: Data, t: Array, n_classes: int) -> tuple[float, float]:
    trace = net.forward(data.X)
    return mean_loss(net.architecture, trace, data.t), score(trace.y_hat, t, n_classes)


def score(y_hat: Array, t: Array, n_classes: int) -> float:
    """The accuracy; for a numeric target, the root mean squared error.

    y_hat: (N, K), with K = 1 for logistic and linear units; their class is the nearest integer.
    """
    if n_classes == 0:
        return float(np.sqrt(np.mean((y_hat[:, 0] - t) ** 2)))
    return float(np.mean(predicted(y_hat) == t))


def predicted(y_hat: Array) -> Array:
    """Class indices (N,) from ŷ (N, K): the largest of K, or the integer nearest to a single ŷ."""
    return np.asarray(y_hat.argmax(axis=1) if y_hat.shape[1] > 1 else np.rint(y_hat[:, 0]))
