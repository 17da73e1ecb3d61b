"""Intervals that contain y with a given probability, from the residuals of held-out rows.

Residuals r = y − ŷ, divided by their local size s(ŷ), are exchangeable with the residuals of new
rows. So a new residual exceeds the k-th smallest of n with probability 1 − k/(n + 1), for any
distribution. This coverage is an average over all rows; s makes intervals wide where errors are
large. A held-out row is predicted by fewer members than a new row, so that its ŷ varies more.
Residuals are shrunk to allow for that; otherwise intervals would contain y more often than
promised. As not all of an error is variance, intervals miss at most 1.2 α of the held-out rows.
Source: Papadopoulos et al. 2002, Lei et al. 2018 (split conformal prediction, locally weighted).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from clearprop._typing import Array
from clearprop.tabular.bag.folds import Apart

ROWS_PER_KNOT, MAX_KNOTS = 100, 20
MORE_MISSED = 1.2  # times α: the share of held-out rows that shrunk residuals may miss
MAX_RATIOS = 20_001  # ratios that are kept, at evenly spaced ranks if there are more


def excess_variance(apart: Apart) -> Array:
    """How far the variance of out-of-fold ŷ exceeds the variance of the whole bag's ŷ, (K,).

    For a row that m of M members have not seen, s² = Σ (ŷ − ȳ)² / (m − 1) is the variance of these
    m predictions. Means of m and of M members differ in variance by s² (1/m − 1/M). The result is
    the mean over the rows with m > 1; it is 0 if there are none, or if ŷ is infinite.
    """
    y_hat = apart.y_hat.astype(np.float64)
    rows, m, means = apart.means(np.concatenate([y_hat, y_hat**2], axis=1))
    mean, square = np.split(means, 2, axis=1)
    if not len(rows):
        return np.zeros(y_hat.shape[1])
    with np.errstate(invalid="ignore"):  # ∞ − ∞
        variance = np.maximum(square - mean**2, 0) * (m / (m - 1))[:, None]
    excess: Array = (variance * (1 / m - 1 / apart.n_members)[:, None]).mean(axis=0)
    return np.where(np.isfinite(excess), excess, 0.0)


@dataclass(frozen=True, eq=False)
class Residuals:
    """The residuals of one output.

    n: the number of residuals.
    knots, sizes (B,): s(ŷ), linear between the knots, constant beyond them.
    ratios (m,): r / s(ŷ) in order, all of them or those at evenly spaced ranks.
    shrinkage: the size of the residuals of new rows relative to these.
    """

    n: int
    knots: Array
    sizes: Array
    ratios: Array
    shrinkage: float = 1.0

    @classmethod
    def of(cls, y: Array, y_hat: Array, excess: float = 0.0) -> Residuals:
        """From held-out rows, y (n,) and ŷ (n,).

        excess²: how far the variance of these ŷ exceeds the variance of ŷ for new rows. The
        shrinkage c follows from c² = 1 − excess² / mean r².
        """
        r = y - y_hat
        largest, shrinkage = float(np.abs(r).max()), 1.0
        if largest > 0:
            mean = float(np.mean((r / largest) ** 2))  # squares of huge residuals stay finite
            shrinkage = math.sqrt(max(1 - (excess / largest) ** 2 / mean, 0))
        order = np.argsort(y_hat, kind="stable")
        n_knots = min(max(len(r) // ROWS_PER_KNOT, 1), MAX_KNOTS)
        parts = np.array_split(order, n_knots)
        knots = np.array([y_hat[part].mean() for part in parts])
        sizes = np.array([np.abs(r[part]).mean() for part in parts])
        first = np.r_[True, np.diff(knots) > 0]
        floor = 1e-3 * float(sizes.mean())
        sizes = np.maximum(sizes, floor if floor > 0 else 1.0)
        knots, sizes = knots[first], sizes[first]
        ratios = np.sort(r / np.interp(y_hat, knots, sizes))
        if len(ratios) > MAX_RATIOS:
            ranks = np.linspace(0, len(ratios) - 1, MAX_RATIOS).round().astype(np.int64)
            ratios = ratios[ranks]
        return cls(len(r), knots, sizes, ratios, shrinkage)

    def interval(self, y_hat: Array, alpha: float, *, rising: bool = False) -> tuple[Array, Array]:
        """Lower and upper ends (N,), each missed with probability α/2 at most.

        rising: whether both ends never fall where ŷ rises. Where s(ŷ) changes so fast that they
        would, they are moved outwards.
        Raises ValueError if there were too few rows for so small an α.
        """
        if self._rank(alpha) > self.n:
            raise ValueError(
                f"alpha={alpha} needs at least {math.ceil(2 / alpha) - 1} rows that members held "
                f"out in training; there were {self.n}"
            )
        low, high = self._ends(alpha)
        least, most = self._ends(min(MORE_MISSED * alpha, 1.0))
        low, high = min(self.shrinkage * low, least), max(self.shrinkage * high, most)
        if rising:
            lower = np.minimum.accumulate((self.knots + low * self.sizes)[::-1])[::-1]
            upper = np.maximum.accumulate(self.knots + high * self.sizes)
            return self._rising(y_hat, lower), self._rising(y_hat, upper)
        s = np.interp(y_hat, self.knots, self.sizes)
        return y_hat + low * s, y_hat + high * s

    def _rising(self, y_hat: Array, ends: Array) -> Array:
        """Linear between ends (B,), which rise, at the knots; beyond them parallel to ŷ.

        Each step on the way keeps the order of any two ŷ, however it is rounded.
        """
        x = np.clip(y_hat, self.knots[0], self.knots[-1])
        k = np.clip(np.searchsorted(self.knots, x, "right") - 1, 0, max(len(ends) - 2, 0))
        after = np.minimum(k + 1, len(ends) - 1)
        width = np.where(after > k, self.knots[after] - self.knots[k], 1.0)
        rise = (x - self.knots[k]) / width * (ends[after] - ends[k])
        within = np.minimum(ends[k] + rise, ends[after])
        return np.asarray(within + (y_hat - x))

    def _rank(self, alpha: float) -> int:
        """Of the n residuals in order, from 1 on, the one that α/2 are to exceed."""
        return math.ceil((self.n + 1) * (1 - alpha / 2) - 1e-9)

    def _ends(self, alpha: float) -> tuple[float, float]:
        """The ratios that α/2 of all fall below and exceed."""
        last = len(self.ratios) - 1
        k = self._rank(alpha)
        place = 0 if self.n == 1 else math.ceil((k - 1) / (self.n - 1) * last - 1e-9)
        return float(self.ratios[last - place]), float(self.ratios[place])
