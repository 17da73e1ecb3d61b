"""The metrics of one fit, in NumPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

# how a metric is compared: lower is better, by ratio; or higher is better, by difference in points
LOWER, HIGHER = "lower", "higher"
METRICS: dict[str, str] = {
    "log_loss": LOWER,
    "accuracy": HIGHER,
    "auc": HIGHER,
    "rmse": LOWER,
    "mae": LOWER,
}
LEAST = float(np.finfo(np.float64).eps)  # probabilities are clipped here, as scikit-learn does


def classification_scores(y: Any, p: Any, classes: Any) -> dict[str, float]:
    """Accuracy, log-loss −mean ln p(y) and, for two classes, the area under the ROC curve.

    p (N, K): probabilities, columns as in `classes`. ValueError if they are none: NaN, negative,
    or rows that do not add up to 1.
    """
    p = np.asarray(p, np.float64)
    classes = np.asarray(classes).astype(str)
    if p.shape != (len(y), len(classes)) or not np.isfinite(p).all() or (p < 0).any():
        raise ValueError(f"not probabilities: shape {p.shape}, NaN {int(np.isnan(p).sum())}")
    if np.abs(p.sum(1) - 1).max() > 1e-3:  # float32 sums of 26 classes stay within this
        raise ValueError("the rows of predict_proba do not add up to 1")
    p = p / p.sum(1, keepdims=True)
    place = {c: k for k, c in enumerate(classes)}
    known = np.array([place.get(str(c), -1) for c in y])
    p_true = np.where(known >= 0, p[np.arange(len(p)), known], 0.0)
    scores = {
        "accuracy": float(np.mean(p.argmax(1) == known)),
        "log_loss": float(-np.log(np.clip(p_true, LEAST, 1)).mean()),
    }
    if len(classes) == 2:
        scores["auc"] = auc(known == 1, p[:, 1])
    return scores


def auc(positive: Any, score: Any) -> float:
    """P(score of a positive > score of a negative), ties one half; NaN if a side is empty."""
    from scipy.stats import rankdata

    positive = np.asarray(positive, bool)
    n1, n0 = int(positive.sum()), int((~positive).sum())
    if n1 == 0 or n0 == 0:
        return math.nan
    return float((rankdata(score)[positive].sum() - n1 * (n1 + 1) / 2) / (n1 * n0))


def regression_scores(y: Any, y_hat: Any) -> dict[str, float]:
    """RMSE and MAE; ValueError for a prediction that is not finite."""
    error = np.asarray(y_hat, np.float64).reshape(-1) - np.asarray(y, np.float64)
    if not np.isfinite(error).all():
        raise ValueError(f"{int((~np.isfinite(error)).sum())} predictions are not finite")
    return {"rmse": float(np.sqrt(np.mean(error**2))), "mae": float(np.mean(np.abs(error)))}


def interval_scores(y: Any, interval: Any, deviation: float) -> dict[str, float]:
    """Coverage: share of rows with y in the interval; width: mean width / deviation of y."""
    low, high = np.asarray(interval, np.float64).T
    return {
        "coverage": float(np.mean((low <= y) & (y <= high))),
        "width": float(np.mean(high - low) / deviation),
    }
