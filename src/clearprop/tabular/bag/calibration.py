"""Calibration of probabilities by rows that were not trained on.

Networks that memorise rows are overconfident; the mean of many networks is less so. p becomes

    p_k^β / Σ_j p_j^β,

where β < 1 lowers confidence and β > 1 raises it; no decision changes. For the mean of m members,
β minimises the log-loss on rows that none of them has seen. Out of fold, m is smaller than the
number M of members that predict a new row. The variance of a mean falls with 1/m, and so does the
temperature T = 1/β:

    T_M = T_m − (T_1 − T_m) (1/m − 1/M) / (1 − 1/m).

Source: Guo et al. 2017 (temperature scaling); the step to M is our own.
"""

from __future__ import annotations

import numpy as np

from clearprop._typing import Array
from clearprop.outputs import softmax
from clearprop.tabular.bag.folds import Apart

SPREAD = 0.1  # standard deviation of β around 1, before any row is seen
LEAST, MOST = 0.25, 4.0  # for β
FLOOR = 1e-7  # of p: beside 1, float32 cannot distinguish smaller values from 0
STEPS = 20  # of Newton's method at most; about four are needed


def temper(p: Array, beta: float) -> Array:
    """p^β / Σ p^β for each row of probabilities p (N, K)."""
    if beta == 1:
        return p
    powers = p**beta
    tempered: Array = powers / powers.sum(axis=1, keepdims=True)
    return tempered


def best_exponent(p: Array, t: Array, weight: Array) -> float:
    """β with the least Σ w (ln Σ p^β − β ln p_t) + (β − 1)² / (2·0.1²), which is convex.

    p, t: (N, K), t one-hot; weight (N,) w, of the mean 1 where each row counts as one.
    """
    log_p = np.log(np.maximum(p.astype(np.float64), FLOOR))
    log_p_true = (t * log_p).sum(axis=1)
    beta = 1.0
    for _ in range(STEPS):
        q = softmax(beta * log_p)
        mean = (q * log_p).sum(axis=1)
        variance = (q * log_p**2).sum(axis=1) - mean**2
        slope = weight @ (mean - log_p_true) + (beta - 1) / SPREAD**2
        curvature = weight @ np.maximum(variance, 0) + 1 / SPREAD**2
        before, beta = beta, float(np.clip(beta - slope / curvature, LEAST, MOST))
        if abs(beta - before) < 1e-6:
            break
    return beta


def exponent(apart: Apart, p: Array, t: Array, weight: Array) -> float:
    """β for the mean of all members, from what each member predicts for rows it has not seen.

    p (S, K): the predictions of `apart`, or their columns for one target.
    t (N, K), weight (N,): of all rows.
    The result is 1 if no row was held out by two members, or if p is not finite.
    """
    rows, m, mean = apart.means(p)
    if not len(rows) or not weight[rows].any() or not np.isfinite(mean).all():
        return 1.0
    w = weight[rows].astype(np.float64)
    w *= np.count_nonzero(w) / w.sum()
    each = np.zeros(len(t))
    each[rows] = w / m  # a row counts as one, however many members held it out
    some = each[apart.rows] > 0
    alone = best_exponent(p[some], t[apart.rows[some]], each[apart.rows[some]])
    together = best_exponent(mean, t[rows], w)
    part = (1 / m).mean()
    step = (part - 1 / apart.n_members) / (1 - part)
    temperature = 1 / together - (1 / alone - 1 / together) * step
    return float(1 / np.clip(temperature, 1 / MOST, 1 / LEAST))
