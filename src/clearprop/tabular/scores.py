"""Scores of predictions, both to choose the epoch of a bag and to report.

Both uses share one definition of each score. A mean over the rows takes weights (n,), or None,
which counts each row as one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from clearprop._typing import Array
from clearprop.limits import shown_value

SMALLEST = float(np.finfo(np.float64).tiny)
SMALLEST_P = np.float64(np.finfo(np.float32).tiny)  # networks compute in float32
QUANTILES = {"min": 0.0, "5%": 0.05, "25%": 0.25, "median": 0.5, "75%": 0.75, "95%": 0.95, "max": 1}

Scores = dict[str, float | None]
"""Scores by name, in the order in which they are shown; None where one is not defined."""

Groups = list[tuple[Array, Array]]
"""For each target: probabilities p (n, K) and one-hot t (n, K) of its classes."""


def weighted_mean(values: Array, weight: Array | None) -> float:
    """Σ w v / Σ w of values (n,); the plain mean without weights."""
    return float(values.mean() if weight is None else weight @ values / weight.sum())


# ---- classes -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ClassScore:
    """loss: less is better, chooses the epoch; value: the score under its usual definition.

    Both of (groups, weights of the rows (n,) or None).
    """

    loss: Callable[[Groups, Array | None], float]
    value: Callable[[Groups, Array | None], float]


def mean_log_loss(p: Array, weight: Array | None) -> float:
    """−Σ w log p / Σ w in nats of the probabilities p (n,) of what is true.

    p below 1.2e-38, the smallest normal number of float32, counts as that, so that the loss is
    finite.
    """
    return -weighted_mean(np.log(np.maximum(p, SMALLEST_P)), weight)


def log_loss(groups: Groups, weight: Array | None) -> float:
    """The mean over the targets of the mean log-loss of the rows."""
    return float(np.mean([mean_log_loss((t * p).sum(axis=1), weight) for p, t in groups]))


def accuracy(groups: Groups, weight: Array | None) -> float:
    """The share of rows with the most probable class right, in all targets."""
    right = np.ones(len(groups[0][0]), bool)
    for p, t in groups:
        right &= t[np.arange(len(t)), p.argmax(axis=1)] > 0.5
    return weighted_mean(right, weight)


def error_and_log_loss(groups: Groups, weight: Array | None) -> float:
    """Error rate × log-loss: the error alone changes by whole rows, and ties are frequent."""
    return (1 - accuracy(groups, weight)) * log_loss(groups, weight)


def auc(groups: Groups, weight: Array | None) -> float:
    """Area under the ROC curve; of several classes each against the rest, weighted by its rows."""
    from sklearn.metrics import roc_auc_score

    areas, shares = [], []
    for p, t in groups:
        w = np.ones(len(t)) if weight is None else weight
        class_weight = w @ t
        classes = [1] if t.shape[1] == 2 else range(t.shape[1])
        present = [k for k in classes if 0 < class_weight[k] < w.sum()]
        for k in present:
            areas.append(roc_auc_score(t[:, k] > 0.5, p[:, k], sample_weight=weight))
            shares.append(class_weight[k] / class_weight[present].sum())
    return float(np.average(areas, weights=shares)) if areas else 1.0


CLASS_SCORES = {
    "log_loss": ClassScore(log_loss, log_loss),
    "accuracy": ClassScore(error_and_log_loss, accuracy),
    "auc": ClassScore(lambda groups, weight: 1 - auc(groups, weight), auc),
}


def classification_scores(y: Array, p: Array) -> Scores:
    """Accuracy, balanced accuracy, log-loss in nats, and for two classes the area under the ROC.

    y: the numbers of the classes (N,); p: probabilities (N, K). Balanced accuracy is the mean over
    the classes that occur of the share of their rows that is right. The area, which is the chance
    that a row of the second class has a higher probability of it than one of the first class has,
    is None where one of the two does not occur.
    """
    right = p.argmax(axis=1) == y
    scores: Scores = {
        "accuracy": weighted_mean(right, None),
        "balanced accuracy": float(np.mean([right[y == k].mean() for k in np.unique(y)])),
        "log-loss": mean_log_loss(p[np.arange(len(y)), y], None),
    }
    if p.shape[1] == 2:
        both = 0 < y.sum() < len(y)
        scores["AUC"] = auc([(p, np.stack([1 - y, y], axis=1))], None) if both else None
    return scores


def confusion_matrix(y: Array, p: Array) -> list[list[int]]:
    """Counts: row = true class, column = class of the highest probability."""
    k = p.shape[1]
    counts = np.bincount(y * k + p.argmax(axis=1), minlength=k * k)
    table: list[list[int]] = counts.reshape(k, k).tolist()
    return table


# ---- quantities ----------------------------------------------------------------------------------

NumberScore = Callable[[Array, Array, Array], Array]
"""(y (n, M), ŷ (n, M), weights of the rows (n,)) → a score of each output (M,)."""


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


def regression_scores(y: Array, y_hat: Array) -> Scores:
    """Root-mean-square error, mean absolute error (units of the column), and R².

    R² = 1 − Σ(y − ŷ)² / Σ(y − ȳ)², None where all y are equal.
    """
    residual = y - y_hat
    spread = float(np.square(y - y.mean()).sum())
    return {
        "RMSE": float(np.sqrt(np.square(residual).mean())),
        "MAE": float(np.abs(residual).mean()),
        "R²": 1 - float(np.square(residual).sum()) / spread if spread > 0 else None,
    }


def residual_summary(y: Array, y_hat: Array) -> dict[str, float]:
    """Mean and quantiles of the residuals y − ŷ, in units of the column."""
    residual = y - y_hat
    quantiles = np.quantile(residual, list(QUANTILES.values()))
    return {
        "mean": float(residual.mean()),
        **{name: float(q) for name, q in zip(QUANTILES, quantiles, strict=True)},
    }


T = TypeVar("T")


def find_score(scoring: Any, known: Mapping[str, T]) -> T:
    """The score of that name; ValueError lists the names."""
    if not isinstance(scoring, str) or scoring not in known:
        raise ValueError(
            f"scoring must be one of {', '.join(known)} or None; got {shown_value(scoring)}"
        )
    return known[scoring]
