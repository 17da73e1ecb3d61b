"""What bfloat16 costs on real data: scikit-learn's 1,797 handwritten digits, through `fit`."""

from __future__ import annotations

from statistics import fmean
from typing import Any

import numpy as np

import clearprop as cp
from benchmarks.speed.compare import Table, standard_error
from benchmarks.speed.estimators import fit

HIDDEN, EPOCHS = (64, 32), 40


def measure(n_seeds: int) -> dict[str, Any]:
    """Per seed accuracy and log loss on a held-out quarter, in float32 and in bfloat16.

    Both precisions have the same split, first weights and batches, so that the differences of the
    pairs show the precision alone. ValueError where the processor has no bfloat16.
    """
    from sklearn.datasets import load_digits
    from sklearn.metrics import log_loss
    from sklearn.model_selection import train_test_split

    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    scores: dict[str, list[tuple[float, float]]] = {"float32": [], "bfloat16": []}
    for seed in range(n_seeds):
        X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=seed, stratify=y)
        for precision, several in scores.items():
            estimator = cp.MLPClassifier(
                HIDDEN,
                max_iter=EPOCHS,
                n_iter_no_change=np.inf,
                random_state=seed,
                precision=None if precision == "float32" else precision,
            )
            fit(estimator, X_train, y_train)
            loss = float(log_loss(y_test, estimator.predict_proba(X_test)))
            several.append((float(estimator.score(X_test, y_test)), loss))
    return {"seeds": n_seeds, **scores}


def table(result: dict[str, Any]) -> Table:
    """A row for the accuracy and one for the log loss, with the mean of the paired differences."""
    rows = []
    for i, name in enumerate(("accuracy", "log loss")):
        single, half = ([scores[i] for scores in result[p]] for p in ("float32", "bfloat16"))
        differences = [b - a for a, b in zip(single, half, strict=True)]
        rows.append(
            (
                name,
                f"{fmean(single):.4f}",
                f"{fmean(half):.4f}",
                f"{fmean(differences):+.5f} ± {standard_error(differences):.5f}",
            )
        )
    title = f"handwritten digits, test rows, mean of {result['seeds']} seeds"
    return Table(title, ("", "float32", "bfloat16", "difference ± standard error"), rows)
