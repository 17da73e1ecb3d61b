"""Predictors to compare a model with: one that sees no input, and a linear model."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from clearprop._typing import Array
from clearprop.tables.frames import TableError
from clearprop.tables.inference import ColumnFinding
from clearprop.tabular.plain import TableEncoding
from clearprop.tabular.problem import Problem

BASELINE_ROWS = 50_000  # the linear baseline learns from at most as many rows
FIRST_ROWS = 2_000  # from at least so many, and they show how long more take


@dataclass(frozen=True)
class Baseline:
    """A predictor's name, and its predictions for the held-out rows.

    For classes these are probabilities (N, K), for a quantity ŷ (N,) in units of the column.
    """

    name: str
    prediction: Array


def trivial_baseline(problem: Problem) -> Baseline:
    """The predictor that sees no input: the frequencies of the classes, or the mean."""
    y, labels, n = problem.y[problem.train], problem.target.labels, len(problem.test)
    if not problem.target.has_classes:
        mean = float(y.mean())
        return Baseline(f"always the mean ({mean:.4g})", np.full(n, mean))
    share = np.bincount(y, minlength=len(labels)) / len(y)
    return Baseline(f"always {labels[int(share.argmax())]}", np.tile(share, (n, 1)))


def linear_baseline(
    problem: Problem,
    encoding: TableEncoding | None = None,
    seed: int = 0,
    seconds: float | None = None,
    findings: Mapping[str, ColumnFinding] | None = None,
) -> Baseline | None:
    """scikit-learn's logistic or linear regression on plain inputs, at its defaults; None if there
    are no plain inputs, as in a table of texts.

    It learns from at most 50,000 of the rows, drawn with the seed; its name says so.
    encoding: of the plain inputs, where there is one already.
    seconds: about how long it may take, then from fewer rows, but at least 2,000.
    findings: what each column is, for the encoding.
    """
    if encoding is None:
        try:
            encoding = TableEncoding.fit(problem.source, rows=problem.train, findings=findings)
        except TableError:
            return None
    most = BASELINE_ROWS
    if seconds is not None and len(problem.train) > FIRST_ROWS:
        begun = time.monotonic()
        first = _linear_baseline(problem, encoding, seed, FIRST_ROWS)
        taken = time.monotonic() - begun
        most = min(most, int(FIRST_ROWS * (seconds - taken) / taken))
        if most <= FIRST_ROWS:
            return first
    return _linear_baseline(problem, encoding, seed, most)


def _linear_baseline(problem: Problem, encoding: TableEncoding, seed: int, most: int) -> Baseline:
    rows, suffix = problem.train, ""
    if len(rows) > most:
        drawn = np.random.default_rng(seed).choice(len(rows), most, replace=False)
        rows, suffix = rows[drawn], f" on {most} rows"
    A, B = (encoding.transform(problem.source.take(part)) for part in (rows, problem.test))
    A, y, B = A.astype(np.float64), problem.y[rows], B.astype(np.float64)
    if not problem.target.has_classes:
        from sklearn.linear_model import LinearRegression

        return Baseline(f"linear regression{suffix}", LinearRegression().fit(A, y).predict(B))
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(max_iter=1000).fit(A, y)
    p = np.zeros((len(B), len(problem.target.labels)))
    p[:, model.classes_] = model.predict_proba(B)  # a class may have no row in the sample
    return Baseline(f"logistic regression{suffix}", p)
