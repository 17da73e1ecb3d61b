"""Gradient check: back-propagation against central differences, for every parameter and input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from clearprop._typing import Array
from clearprop.architecture import Architecture
from clearprop.network import Network, Trace, back_propagation, forward_propagation, mean_loss

STEPS = (1e-3, 1e-4, 1e-5)  # of the five-point rule; the smaller ones to get away from a kink


@dataclass(frozen=True)
class WorstEntry:
    """The entry with the largest relative error: its array, layer (0 for X), index, both values."""

    quantity: str
    layer: int
    index: tuple[int, ...]
    analytic: float
    numeric: float
    relative_error: float

    def __str__(self) -> str:
        place = ", ".join(str(i) for i in self.index)
        layer = f"⁽{self.layer}⁾" if self.layer else ""
        return (
            f"{self.quantity}{layer}[{place}]: back-propagation {self.analytic:.10g}, "
            f"central difference {self.numeric:.10g}, relative error {self.relative_error:.1e}"
        )


@dataclass(frozen=True)
class GradientCheck:
    """The result of :func:`check_gradients`.

    max_relative_error: over all entries checked. worst: that entry. errors: the largest relative
    error of each array, by name such as "dL_dW[0]". n_checked: entries compared; n_kinks: entries
    left out, because the loss has a kink (relu at 0, say) within even the smallest step.
    """

    ok: bool
    max_relative_error: float
    worst: WorstEntry
    errors: dict[str, float]
    n_checked: int
    n_kinks: int
    tolerance: float


def check_gradients(
    net: Network,
    X: Array,
    t: Array,
    sample_weight: Array | None = None,
    *,
    draw: tuple[int, int] | None = None,
    tolerance: float = 1e-7,
) -> GradientCheck:
    """Compare every ∂ℒ/∂W, ∂ℒ/∂b and ∂ℒ/∂X with central differences of ℒ, in float64.

    The five-point rule (ℒ(−2s) − 8ℒ(−s) + 8ℒ(s) − ℒ(2s)) / 12s has an error of order s⁴. The error
    of an entry is |analytic − numeric| / max(|analytic|, |numeric|, ‖·‖∞ / 1000), where ‖·‖∞ is
    the largest entry of its array: differences of ℒ resolve nothing smaller. If a z crosses a kink
    of its activation (or an output one of its loss) between the points, s is made smaller; where
    that does not help, the entry is counted in n_kinks and left out.
    X: (N, D) dense; cost: 4 forward passes an entry. draw: (seed, step) to check with dropout.
    """
    X, w = np.array(net._check_X(X), dtype=np.float64), sample_weight
    if X.ndim != 2:
        raise ValueError("X must be dense for a gradient check; use X.toarray()")
    net = Network.from_theta(net.architecture, net.theta.astype(np.float64))
    t, w = net._check_t(X, t, w)
    theta = net.theta.copy()

    def loss_and_pieces() -> tuple[float, list[Array]]:
        trace = forward_propagation(net.architecture, theta, X, draw)
        return mean_loss(net.architecture, trace, t, w), smooth_pieces(net.architecture, trace, t)

    trace = forward_propagation(net.architecture, theta, X, draw)
    gradients = back_propagation(net.architecture, theta, trace, t, w)
    pairs = [("dL_dX", 0, X, gradients.dL_dh[0])]
    views = [p for p in net.architecture.unpack(theta) if p]
    for layer, (p, dL_dW, dL_db) in enumerate(
        zip(views, gradients.dL_dW, gradients.dL_db, strict=True), 1
    ):
        pairs += [("dL_dW", layer, p["W"], dL_dW), ("dL_db", layer, p["b"], dL_db)]

    worst: list[WorstEntry] = []
    n_kinks = 0
    for quantity, layer, array, analytic in pairs:
        numeric = np.array([derivative(array, i, loss_and_pieces) for i in np.ndindex(array.shape)])
        numeric = numeric.reshape(array.shape)
        kinks = np.isnan(numeric)
        n_kinks += int(kinks.sum())
        worst.append(_worst_entry(quantity, layer, analytic, np.where(kinks, analytic, numeric)))
    total = max(worst, key=lambda entry: entry.relative_error)
    return GradientCheck(
        ok=total.relative_error <= tolerance,
        max_relative_error=total.relative_error,
        worst=total,
        errors={f"{w.quantity}{f'[{w.layer - 1}]' * bool(w.layer)}": w.relative_error for w in worst},
        n_checked=theta.size + X.size - n_kinks,
        n_kinks=n_kinks,
        tolerance=tolerance,
    )


def derivative(
    array: Array, index: tuple[int, ...], loss_and_pieces: Callable[[], tuple[float, list[Array]]]
) -> float:
    """∂ℒ/∂array[index] by the five-point rule, or NaN if a kink lies within the smallest step.

    `array` is what `loss_and_pieces` reads; the entry is moved and put back.
    """
    value = array[index]
    for step in STEPS:
        losses, pieces = [], []
        for k in (-2, -1, 1, 2):
            array[index] = value + k * step
            loss, piece = loss_and_pieces()
            losses.append(loss)
            pieces.append(piece)
        array[index] = value
        if all(np.array_equal(a, b) for other in pieces[1:] for a, b in zip(pieces[0], other, strict=True)):
            return (losses[0] - 8 * losses[1] + 8 * losses[2] - losses[3]) / (12 * step)
    return float("nan")


def smooth_pieces(architecture: Architecture, trace: Trace, t: Array) -> list[Array]:
    """On which side of every kink each z is; ℒ is smooth between points where this is equal."""
    pieces = []
    for layer, z in zip(architecture.dense, trace.z, strict=True):
        if layer.activation is not None:
            pieces += [np.sign(z - kink) for kink in layer.activation.kinks]
    output = architecture.output.piece(trace.z[-1], t)
    return pieces if output is None else [*pieces, output]


def _worst_entry(quantity: str, layer: int, analytic: Array, numeric: Array) -> WorstEntry:
    magnitude = np.maximum(np.abs(analytic), np.abs(numeric))
    scale = np.maximum(magnitude, magnitude.max() / 1000)
    error = np.abs(analytic - numeric) / np.where(scale > 0, scale, 1)
    error = np.where(np.isfinite(error), error, np.inf)
    index = tuple(int(i) for i in np.unravel_index(int(error.argmax()), error.shape))
    return WorstEntry(
        quantity, layer, index, float(analytic[index]), float(numeric[index]), float(error[index])
    )
