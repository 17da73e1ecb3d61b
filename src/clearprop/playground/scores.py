"""The losses and scores of a network on the rows of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clearprop._typing import Array
from clearprop.jobs import Data
from clearprop.network import Network
from clearprop.playground.results import score
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
