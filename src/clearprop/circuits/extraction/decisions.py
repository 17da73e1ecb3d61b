"""The decisions of a network as bits, in exact arithmetic.

Most rows are decided by one float64 pass, whose error has a bound computed from the weights alone.
The few rows whose z lies within that bound of a threshold are decided one by one, with as many
digits as it takes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.activations import ACTIVATIONS
from clearprop.circuits.extraction.exact_network import BOUNDED, LIPSCHITZ, ExactLayer, ExactNetwork
from clearprop.circuits.extraction.intervals import decide_row

# How far float64's φ(z) may be off, relative to 1 or to |z|: twelve of the 53 bits are left to the
# C library's exp and tanh.
LIBRARY_ERROR = 2.0**-41
UNIT_ROUNDOFF = 2.0**-53
SAFETY = 1.01  # for the rounding of the bound itself, some 1e-15 of it


@dataclass(frozen=True)
class Decided:
    """The decisions of a network on N points.

    hidden: for each hidden layer the bits z > 0, (N, H_l). outputs: (N, outputs). closest: for each
    hidden layer the least |z| of each unit. n_precise: the number of rows that needed more than
    float64. open_rows: the first row that could not be decided, and the rows after it that were not
    tried; their bits mean nothing.
    """

    hidden: list[Array]
    outputs: Array
    closest: list[Array]
    n_precise: int
    open_rows: Array


def decide(
    net: ExactNetwork,
    points: Array,
    *,
    hidden: bool = True,
    most_precise: int = 20_000,
    check: Callable[[], None] = lambda: None,
) -> Decided:
    """The bits of the network on points (N, D) of float64; hidden: also for its hidden units.

    most_precise: the most rows that are decided with more digits; the others stay open.
    check: called before each of these rows; it may raise an exception to end the work.
    """
    x_max = np.abs(points).max(axis=0, initial=0.0)
    h, error = points, np.zeros(points.shape[1])
    unsure = np.zeros(len(points), bool)
    bits, closest = [], []
    with np.errstate(over="ignore", invalid="ignore"):
        for layer in net.layers:
            z, radius = h @ layer.W.T + layer.b, _radius(layer, x_max, error)
            if layer.activation is None:
                break
            if hidden:
                size = np.abs(z)
                bits.append(z > 0)
                closest.append(size.min(axis=0, initial=np.inf))
                unsure |= ~(size > radius).all(axis=1)
            h = np.asarray(ACTIVATIONS[layer.activation].phi(z))
            largest = np.abs(layer.W) @ x_max + np.abs(layer.b) + radius
            x_max = np.ones_like(largest) if layer.activation in BOUNDED else largest
            error = LIPSCHITZ[layer.activation] * radius + LIBRARY_ERROR * x_max
        outputs = np.empty((len(points), len(net.outputs)), bool)
        for i, comparisons in enumerate(net.outputs):
            true, false = np.ones(len(points), bool), np.zeros(len(points), bool)
            for c in comparisons:
                value, slack = z[:, c.plus] - c.threshold, radius[c.plus]
                if c.minus is not None:
                    value, slack = value - z[:, c.minus], slack + radius[c.minus]
                slack = slack + 4 * UNIT_ROUNDOFF * np.abs(z[:, c.plus])
                true &= value > slack
                false |= value < -slack
            outputs[:, i] = true
            unsure |= ~(true | false)
    rows = np.flatnonzero(unsure)
    n_decided = 0
    for row in rows[:most_precise]:
        check()
        found = decide_row(net, points[row], hidden=hidden)
        if found is None:
            break
        n_decided += 1
        for mine, exact in zip(bits, found[0], strict=True):
            mine[row] = exact
        outputs[row] = found[1]
    return Decided(bits, outputs, closest, n_decided, rows[n_decided:])


def _radius(layer: ExactLayer, x_max: Array, error: Array) -> Array:
    """A bound on the error of the computed z for every row: the inputs' error, and the rounding of
    a sum of n products in any order, γ_n Σ|w||x| (Higham 2002, section 3.1)."""
    n = layer.W.shape[1] + 2
    gamma = n * UNIT_ROUNDOFF / (1 - n * UNIT_ROUNDOFF)
    W, b = np.abs(layer.W), np.abs(layer.b)
    rounding = gamma * (W @ (x_max + error) + b)
    radius: Any = (
        SAFETY * (W @ error + rounding) + 2.0**-1000
    )  # the last for products that underflow
    return np.asarray(radius)
