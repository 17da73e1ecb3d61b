"""Dates as numbers: days, and the place in each cycle as sine and cosine."""

from __future__ import annotations

import numpy as np

from clearprop._typing import Array


def date_parts(stamps: Array, step: float = 0.0) -> dict[str, Array]:
    """Dates (N,) datetime64[us] as numbers (N,), NaN where missing.

    They are the days since 1970 and the place in each cycle (year, month, week, day). A place is
    an angle a, 0 at the start of the cycle and 2π at its end, given as sin a and cos a, so that the
    end of one cycle lies next to the start of the next. Sines and cosines are rounded to the
    nearest multiple of `step`, ties to even; 0: not rounded.
    """
    days = stamps.astype("datetime64[D]")
    missing = np.isnat(stamps)
    time = _days_between(days, stamps)
    day = np.where(missing, np.nan, days.astype(np.int64).astype(np.float64))
    parts = {"days": day + time}
    angles = {"week": (np.mod(day + 3, 7) + time) / 7, "day": time}  # 1970-01-01 was a Thursday
    for cycle, unit in (("year", "Y"), ("month", "M")):
        start = stamps.astype(f"datetime64[{unit}]")
        angles[cycle] = _days_between(start, stamps) / _days_between(start, start + 1)
    for cycle in ("year", "month", "week", "day"):
        for name, function in (("sin", np.sin), ("cos", np.cos)):
            x = function(2 * np.pi * angles[cycle])
            parts[f"{cycle} {name}"] = np.rint(x / step) * step if step else x
    return parts


def _days_between(start: Array, end: Array) -> Array:
    """end − start in days, NaN where either is missing."""
    difference = end.astype("datetime64[us]") - start.astype("datetime64[us]")
    return np.where(np.isnat(difference), np.nan, difference.astype(np.int64) / 86_400e6)


DATE_PARTS = tuple(date_parts(np.array([], dtype="datetime64[us]")))
