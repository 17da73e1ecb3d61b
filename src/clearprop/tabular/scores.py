"""What chooses the epoch, and what is told of it: scores of predictions, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from clearprop._typing import Array

SMALLEST = float(np.finfo(np.float64).tiny)
SMALLEST_P = np.float64(np.finfo(np.float32).tiny)  # networks compute in float32

Groups = list[tuple[Array, Array]]
"""For each target: probabilities p (n, K) and one-hot t (n, K) of its classes."""


@dataclass(frozen=True)
class ClassScore:
    """loss: less is better, chooses the epoch; value: the score under its usual definition.

    Both of (groups, weights of the rows (n,)).
    """

    loss: Callable[[Groups, Array], float]
    value: Callable[[Groups, Array], float]


def log_loss(groups: Groups, weight: Array) -> float:
    """−Σ w log p_t / Σ w, the mean over the targets."""
    losses = []
    for p, t in groups:
        log_p = np.log(np.maximum(p, SMALLEST_P))
        losses.append(-(weight @ (t * log_p).sum(axis=1)) / weight.sum())
    return float(np.mean(losses))


def accuracy(groups: Groups, weight: Array) -> float:
    """The share of rows with the most probable class right, in all targets."""
    right = np.ones(len(weight), bool)
    for p, t in groups:
        right &= t[np.arange(len(t)), p.argmax(axis=1)] > 0.5
    return float(weight @ right / weight.sum())


def error_and_log_loss(groups: Groups, weight: Array) -> float:
    """Error rate × log-loss: the error alone changes by whole rows, and ties are frequent."""
    return (1 - accuracy(groups, weight)) * log_loss(groups, weight)


def auc(groups: Groups, weight: Array) -> float:
    """Area under the ROC curve; of several classes each against the rest, weighted by its rows."""
    from sklearn.metrics import roc_auc_score

    areas, shares = [], []
    for p, t in groups:
        of_class = weight @ t
        classes = [1] if t.shape[1] == 2 else range(t.shape[1])
        present = [k for k in classes if 0 < of_class[k] < weight.sum()]
        for k in present:
            areas.append(roc_auc_score(t[:, k] > 0.5, p[:, k], sample_weight=weight))
            shares.append(of_class[k] / of_class[present].sum())
    return float(np.average(areas, weights=shares)) if areas else 1.0


CLASS_SCORES = {
    "log_loss": ClassScore(log_loss, log_loss),
    "accuracy": ClassScore(error_and_log_loss, accuracy),
    "auc": ClassScore(lambda groups, weight: 1 - auc(groups, weight), auc),
}


# ---- of numbers: (y (n, M), ŷ (n, M), weights of the rows (n,)) → a score of each output (M,) ----

NumberScore = Callable[[Array, Array, Array], Array]


def rmse(y: Array, y_hat: Array, weight: Array) -> Array:
    """Root of the mean squared error."""
    error = np.abs(y_hat - y)
    largest = np.maximum(error.max(axis=0), SMALLEST)  # squares of huge errors stay finite
    mean: Array = weight @ (error / largest) ** 2 / weight.sum()
    return np.asarray(largest * np.sqrt(mean))


def mae(y: Array, y_hat: Array, weight: Array) -> Array:
    """Mean absolute error."""
    return np.asarray(weight @ np.abs(y_hat - y) / weight.sum())


def poisson(y: Array, y_hat: Array, weight: Array) -> Array:
    """Mean Poisson deviance, 2 (y log(y/ŷ) − y + ŷ)."""
    from scipy.special import xlogy

    y_hat = np.maximum(y_hat, SMALLEST)
    return np.asarray(weight @ (2 * (xlogy(y, y / y_hat) - y + y_hat)) / weight.sum())


NUMBER_SCORES: dict[str, NumberScore] = {"rmse": rmse, "mae": mae}


T = TypeVar("T")


def find_score(scoring: Any, known: Mapping[str, T]) -> T:
    """The score of that name; ValueError lists the names."""
    if not isinstance(scoring, str) or scoring not in known:
        raise ValueError(f"scoring must be one of {', '.join(known)} or None; got {scoring!r}")
    return known[scoring]
