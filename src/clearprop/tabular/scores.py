"""What chooses the epoch: scores of predictions by name, less is better, weighted by rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from clearprop._typing import Array

SMALLEST = float(np.finfo(np.float64).tiny)


def log_loss(y_hat: Array, t: Array, weight: Array) -> float:
    """−Σ w log p_t / Σ w, for probabilities (n, K) and one-hot t (n, K)."""
    p = np.where(t > 0, np.maximum(y_hat, SMALLEST), 1.0)
    return float(-(weight @ (t * np.log(p)).sum(axis=1)) / weight.sum())


def error_rate(y_hat: Array, t: Array, weight: Array) -> float:
    """The share of rows whose most probable class is another one."""
    wrong = y_hat.argmax(axis=1) != t.argmax(axis=1)
    return float(weight @ wrong / weight.sum())


def accuracy(y_hat: Array, t: Array, weight: Array) -> float:
    """Error rate × log-loss: the error alone changes by whole rows, and ties are frequent."""
    return error_rate(y_hat, t, weight) * log_loss(y_hat, t, weight)


def one_minus_auc(y_hat: Array, t: Array, weight: Array) -> float:
    """1 − area under the ROC curve, one class against the rest, weighted by their rows."""
    from sklearn.metrics import roc_auc_score

    present = [k for k in range(t.shape[1]) if 0 < t[:, k] @ weight < weight.sum()]
    if t.shape[1] == 2:
        present = present[-1:]
    if not present:
        return 0.0
    areas = [roc_auc_score(t[:, k] > 0.5, y_hat[:, k], sample_weight=weight) for k in present]
    shares = [float(t[:, k] @ weight) for k in present]
    return 1 - float(np.average(areas, weights=shares))


def binary_log_loss(y_hat: Array, t: Array, weight: Array) -> float:
    """Mean over rows and labels of the binary cross-entropy, for multi-label targets."""
    p, q = np.maximum(y_hat, SMALLEST), np.maximum(1 - y_hat, SMALLEST)
    losses = -(t * np.log(p) + (1 - t) * np.log(q))
    return float(weight @ losses.mean(axis=1) / weight.sum())


def rmse(y_hat: Array, t: Array, weight: Array) -> float:
    """Root of the weighted mean squared error, over all outputs."""
    return float(np.sqrt(weight @ ((y_hat - t) ** 2).mean(axis=1) / weight.sum()))


def mae(y_hat: Array, t: Array, weight: Array) -> float:
    """Weighted mean absolute error, over all outputs."""
    return float(weight @ np.abs(y_hat - t).mean(axis=1) / weight.sum())


NamedScore = Callable[[Array, Array, Array], float]
CLASS_SCORES: dict[str, NamedScore] = {
    "log_loss": log_loss,
    "accuracy": accuracy,
    "auc": one_minus_auc,
}
NUMBER_SCORES: dict[str, NamedScore] = {"rmse": rmse, "mae": mae}


def find_score(scoring: Any, known: dict[str, NamedScore], default: str) -> NamedScore:
    """The score of that name, the default one for None; ValueError lists the names."""
    if scoring is None:
        return known[default]
    if not isinstance(scoring, str) or scoring not in known:
        raise ValueError(f"scoring must be one of {', '.join(known)} or None; got {scoring!r}")
    return known[scoring]
