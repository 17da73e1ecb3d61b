"""Quantiles of values that are in order already."""

from __future__ import annotations

import numpy as np

from clearprop._typing import Array


def quantiles(ordered: Array, shares: Array) -> Array:
    """The quantiles (Q,) of values (N,) in rising order at shares (Q,), as `numpy.quantile` has
    them: between two neighbours a and b at a place t it is a + (b − a) t, computed from the nearer.

    In tables of many columns and few rows, `numpy.quantile` takes most of the time of a column.
    """
    place = shares * (len(ordered) - 1)
    index = place.astype(np.int64)
    a, b = ordered[index], ordered[np.minimum(index + 1, len(ordered) - 1)]
    t, difference = place - index, b - a
    found: Array = np.where(t >= 0.5, b - difference * (1 - t), a + difference * t)
    return found
