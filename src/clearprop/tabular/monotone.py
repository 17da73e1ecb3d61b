"""Predictions that rise or fall with a column: what is asked for, and ŷ from z⁽ᴸ⁾.

The networks see to the order up to z⁽ᴸ⁾, see :mod:`clearprop.monotone`. The steps behind it keep
the order of any two rows to the last bit. However they are rounded, sums, products with constants
> 0 and clips do. An exponential function or a logarithm may be off by some ulps. Each is computed
in float64, for numbers that are float32 or multiples of 2⁻²⁴: two results then differ by far more
than their errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.limits import shown_value
from clearprop.outputs import Output, Poisson, Softmax
from clearprop.tables.frames import TableError, shown, unknown_name
from clearprop.tables.reading import Reading
from clearprop.tabular.target import ClassTarget, NumberTarget

STEP = 2.0**-24
NUMBERS = ("integer", "float", "decimal", "interval", "nothing")  # types
FAR = 700.0  # e to its power is a float64


def check_monotone(monotone: Any) -> None:
    """Raise TypeError or ValueError, naming the column, unless all directions are −1, 0 or 1."""
    if monotone is None:
        return
    if not isinstance(monotone, Mapping):
        raise TypeError(
            f"monotone must be a dict of columns and +1 or -1; got {shown_value(monotone)}"
        )
    for column, direction in monotone.items():
        whole = isinstance(direction, int | np.integer) and not isinstance(direction, bool)
        if not whole or direction not in (-1, 0, 1):
            raise ValueError(
                f"monotone[{shown_value(column)}] must be +1 (predictions rise with the column), "
                f"-1 or 0 (no constraint); got {shown_value(direction)}"
            )


def check_target(target: ClassTarget | NumberTarget) -> None:
    """Raise ValueError for a target that has no direction."""
    if isinstance(target, NumberTarget):
        return
    if target.kind != "single":
        raise ValueError("monotone needs one column of two classes, or quantities; y has several")
    n = len(target.classes[0])
    if n != 2:
        raise ValueError(
            f"monotone needs two classes, of which the second becomes more probable; y has {n}"
        )


def check_columns(monotone: Mapping[str, int], readings: Mapping[str, Reading]) -> None:
    """Raise TableError unless the table has the columns and they are numeric.

    A column of numbers that is left out, such as a constant, changes no prediction.
    """
    for name, direction in monotone.items():
        if name not in readings:
            raise TableError(f"monotone: {unknown_name(name, list(readings))}")
        reading = readings[name]
        constant = (
            reading.kind == "ignore" and reading.type is not None and reading.type.name in NUMBERS
        )
        if direction and reading.kind != "numeric" and not constant:
            kind = "left out" if reading.kind == "ignore" else reading.kind
            raise TableError(
                f"monotone: column {shown(name)} is {kind} ({reading.reason}), and only numeric "
                "columns can be constrained; kinds changes how a column is read"
            )


def y_hat(output: Output, z: Array) -> Array:
    """ŷ (N, K) float64 of z (N, K) of a monotone network; of two classes, both probabilities."""
    z = z.astype(np.float64)
    if isinstance(output, Softmax):
        return _two(z[:, 1] - z[:, 0])
    if isinstance(output, Poisson):
        return np.asarray(np.exp(np.clip(_apart(z), -FAR, FAR)))
    return z


def temper_two(p: Array, beta: float) -> Array:
    """p^β / Σ p^β for probabilities p (N, 2)."""
    if beta == 1:
        return p
    with np.errstate(divide="ignore"):
        log_p = np.log(p.astype(np.float32).astype(np.float64))
    return _two(beta * (log_p[:, 1] - log_p[:, 0]))


def _apart(z: Array) -> Array:
    """z rounded to multiples of 2⁻²⁴."""
    return np.asarray(np.rint(z / STEP) * STEP)


def _two(z: Array) -> Array:
    """σ(−z) and σ(z), (N, 2), for z (N,)."""
    z = np.clip(_apart(z), -FAR, FAR)
    return np.asarray(1 / (1 + np.exp(np.stack([z, -z], axis=1))))
