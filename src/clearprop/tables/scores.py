"""How good predictions for a table are, beside the trivial predictor and a linear model.

A prediction is a matrix: for classes their probabilities (N, K), for a quantity ŷ (N,) in units
of the column. Scores are in a dict by name, in the order in which they are shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.tables.targets import ClassTarget, NumberTarget, Target

BASELINE_ROWS = 50_000  # the linear baseline learns from at most as many rows
QUANTILES = {"min": 0.0, "5%": 0.05, "25%": 0.25, "median": 0.5, "75%": 0.75, "95%": 0.95, "max": 1}

Scores = dict[str, float | None]


@dataclass(frozen=True)
class Baseline:
    """A predictor to compare with: its name and its predictions for the held-out rows."""

    name: str
    prediction: Array


def score(target: Target, t: Array, prediction: Array) -> Scores:
    """The scores of a prediction for targets t (N,), in the form that the target record encodes."""
    if isinstance(target, ClassTarget):
        return classification_scores(t, prediction)
    return regression_scores(target.decode(t), prediction)


def classification_scores(t: Array, p: Array) -> Scores:
    """Accuracy, balanced accuracy, log-loss in nats, and for two classes the area under the ROC.

    t: class indices (N,); p: probabilities (N, K). Balanced accuracy is the mean over the classes
    that occur of the share of their rows that is right. A probability of 0 (or one rounded to 0)
    counts as the smallest positive float64, so that the log-loss is finite. The area, which is
    the chance that a row of the second class has a higher probability of it than one of the first
    class has, is None where one of the two does not occur.
    """
    predicted = p.argmax(axis=1)
    right = predicted == t
    recalls = [right[t == k].mean() for k in np.unique(t)]
    own = np.maximum(p[np.arange(len(t)), t].astype(np.float64), np.finfo(np.float64).tiny)
    scores: Scores = {
        "accuracy": float(right.mean()),
        "balanced accuracy": float(np.mean(recalls)),
        "log-loss": float(-np.log(own).mean()),
    }
    if p.shape[1] == 2:
        from sklearn.metrics import roc_auc_score

        both = 0 < t.sum() < len(t)
        scores["AUC"] = float(roc_auc_score(t, p[:, 1])) if both else None
    return scores


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


def confusion_matrix(t: Array, p: Array) -> list[list[int]]:
    """Counts: row = true class, column = class of the highest probability."""
    k = p.shape[1]
    counts = np.bincount(t * k + p.argmax(axis=1), minlength=k * k)
    table: list[list[int]] = counts.reshape(k, k).tolist()
    return table


def residual_summary(y: Array, y_hat: Array) -> dict[str, float]:
    """Mean and quantiles of the residuals y − ŷ, in units of the column."""
    residual = y - y_hat
    quantiles = np.quantile(residual, list(QUANTILES.values()))
    return {
        "mean": float(residual.mean()),
        **{name: float(q) for name, q in zip(QUANTILES, quantiles, strict=True)},
    }


def trivial_baseline(target: Target, t_train: Array, n: int) -> Baseline:
    """The predictor that sees no input: the frequencies of the classes, or the mean, for n rows."""
    if isinstance(target, NumberTarget):
        mean = float(target.decode(t_train).mean())
        return Baseline(f"always the mean ({mean:.4g})", np.full(n, mean))
    share = np.bincount(t_train, minlength=len(target.labels)) / len(t_train)
    name = f"always {target.labels[int(share.argmax())]}"
    return Baseline(name, np.tile(share, (n, 1)))


def linear_baseline(
    target: Target, X_train: Array, t_train: Array, X: Array, seed: int = 0
) -> Baseline:
    """scikit-learn's logistic or linear regression on the same matrix, at its defaults.

    It learns from at most 50,000 of the rows, drawn with the seed; its name says so.
    """
    rows: Any = slice(None)
    if len(X_train) > BASELINE_ROWS:
        rows = np.random.default_rng(seed).choice(len(X_train), BASELINE_ROWS, replace=False)
    suffix = f" on {BASELINE_ROWS} rows" if len(X_train) > BASELINE_ROWS else ""
    A, t, B = (values.astype(np.float64) for values in (X_train[rows], t_train[rows], X))
    if isinstance(target, NumberTarget):
        from sklearn.linear_model import LinearRegression

        y_hat = LinearRegression().fit(A, t).predict(B)
        return Baseline(f"linear regression{suffix}", target.decode(y_hat))
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(max_iter=1000).fit(A, t.astype(np.int64))
    p = np.zeros((len(B), len(target.labels)))
    p[:, model.classes_] = model.predict_proba(B)  # a class may have no row among those drawn
    return Baseline(f"logistic regression{suffix}", p)
