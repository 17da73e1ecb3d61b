"""Gradient check: back-propagation against central differences, for every parameter and input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from clearprop._typing import Array
from clearprop.architecture import Architecture
from clearprop.checks import check_matrix
from clearprop.jobs import Data
from clearprop.layers import Dense, StepDraw
from clearprop.propagation import Gradients, Trace, back_propagation, forward_propagation, mean_loss

if TYPE_CHECKING:
    from clearprop.network import Network

# How far the five-point rule moves a z; smaller steps avoid a nearby kink.
STEPS = (5e-4, 5e-5, 5e-6)
EPS = float(np.finfo(np.float64).eps)
# A gradient that round-off hides at this relative error counts as small enough.
RESOLUTION = 1e-7
SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class WorstEntry:
    """The entry with the largest relative error: array, layer (0 for X), index and both values."""

    quantity: str
    layer: int
    index: tuple[int, ...]
    analytic: float
    numeric: float
    relative_error: float

    @property
    def array(self) -> str:
        """The name of its array in :class:`clearprop.Gradients`: "dL_dW[0]" for layer 1."""
        inside = self.layer and "." not in self.quantity
        return f"{self.quantity}[{self.layer - 1}]" if inside else self.quantity

    def __str__(self) -> str:
        place = ", ".join(str(i) for i in self.index)
        layer = f"⁽{self.layer}⁾".translate(SUPERSCRIPT) if self.layer else ""
        return (
            f"{self.quantity}{layer}[{place}]: back-propagation {self.analytic:.10g}, "
            f"central difference {self.numeric:.10g}, relative error {self.relative_error:.1e}"
        )


@dataclass(frozen=True)
class GradientCheck:
    """The result of :func:`check_gradients`.

    ok: whether the largest error is at most the tolerance.
    max_relative_error: the largest error of all entries checked.
    worst: the entry that has it.
    first_wrong: the worst entry of the first array, on the way back from ℒ, whose error exceeds the
        tolerance, or None. The mistake is there: all arrays further back inherit its error.
    errors: the largest relative error of each array, by a name such as "dL_dW[0]".
    n_checked: the number of entries compared.
    n_kinks: the number of entries left out, because the loss has a kink (relu at 0, say) within
        even the smallest step.
    tolerance: the largest error allowed.
    """

    ok: bool
    max_relative_error: float
    worst: WorstEntry
    first_wrong: WorstEntry | None
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
    draw: StepDraw | None = None,
    tolerance: float = 1e-7,
) -> GradientCheck:
    """Compare the gradient of ℒ by every parameter and input with central differences, in float64.

    Inputs are compared only if the first layer is dense.

    The five-point rule (ℒ(−2s) − 8ℒ(−s) + 8ℒ(s) − ℒ(2s)) / 12s has an error of order s⁴; s is
    chosen for each entry so that no z of its layer moves far. The error of an entry is
    |analytic − numeric| / max(|analytic|, |numeric|, ‖·‖∞ / 1000, r / 10⁻⁷), where ‖·‖∞ is the
    largest entry of its array and r the round-off of the rule: differences of ℒ resolve nothing
    smaller. If a z crosses a kink of its activation (or an output crosses a kink of its loss)
    between the points, s is made smaller; if that does not help, the entry is left out and counted
    in n_kinks. An entry costs 4 forward passes.

    net: the network; its θ is rounded to float64, and stays as it is.
    X: (N, D) dense.
    t, sample_weight: as :meth:`clearprop.Network.loss` takes them.
    draw: (seed, step) to check a training pass with its dropout masks.
    tolerance: the largest relative error allowed.
    Raises ValueError, naming the argument, for shapes and values that do not fit.
    """
    if hasattr(X, "tocsr"):
        raise ValueError("X must be dense for a gradient check; use X.toarray()")
    architecture, theta = net.architecture, net.theta.astype(np.float64)
    X = check_matrix(X, architecture.n_inputs, net.theta.dtype).astype(np.float64)
    data = Data.from_arrays(architecture, X, t, sample_weight, np.float64)
    t, w = data.t, data.sample_weight

    def loss_and_pieces() -> tuple[float, list[Array]]:
        trace = forward_propagation(architecture, theta, X, draw)
        return mean_loss(architecture, trace, t, w), smooth_pieces(architecture, trace, t)

    trace = forward_propagation(architecture, theta, X, draw)
    gradients = back_propagation(architecture, theta, trace, t, w)
    checks = _arrays(architecture, theta, X, trace, gradients)
    worst: list[WorstEntry] = []
    n_kinks = 0
    n_checked = 0
    for quantity, layer, array, analytic, reach in checks:
        n_checked += array.size
        reaches = np.broadcast_to(reach, array.shape)
        entries = [
            derivative(array, i, float(reaches[i]), loss_and_pieces)
            for i in np.ndindex(array.shape)
        ]
        kinks = np.array([entry is None for entry in entries]).reshape(array.shape)
        values = np.array([(0.0, 0.0) if entry is None else entry for entry in entries])
        numeric, noise = values.T.reshape(2, *array.shape)
        n_kinks += int(kinks.sum())
        numeric = np.where(kinks, analytic, numeric)
        worst.append(_worst_entry(quantity, layer, analytic, numeric, noise / RESOLUTION))
    total = max(worst, key=lambda entry: entry.relative_error)
    return GradientCheck(
        ok=total.relative_error <= tolerance,
        max_relative_error=total.relative_error,
        worst=total,
        first_wrong=next(
            (e for e in sorted(worst, key=lambda e: -e.layer) if not e.relative_error <= tolerance),
            None,
        ),
        errors={entry.array: entry.relative_error for entry in worst},
        n_checked=n_checked - n_kinks,
        n_kinks=n_kinks,
        tolerance=tolerance,
    )


def _arrays(
    architecture: Architecture, theta: Array, X: Array, trace: Trace, gradients: Gradients
) -> list[tuple[str, int, Array, Array, Array]]:
    """What to check: quantity, layer, array, its gradient, and how far it moves a z (reach)."""
    dense: list[tuple[str, int, Array, Array, Array]] = []
    others: list[tuple[str, int, Array, Array, Array]] = []
    number = 0
    for layer, saved, p, g in zip(
        architecture.layers,
        trace.saved,
        architecture.unpack(theta),
        architecture.unpack(gradients.theta),
        strict=True,
    ):
        if isinstance(layer, Dense):
            number += 1
            reach = {"W": layer.gain * np.abs(saved.h).max(axis=0)}
            dense += [
                (f"dL_d{name}", number, p[name], g[name], reach.get(name, np.ones(1))) for name in p
            ]
        else:
            place = f"{layer.name}." if number == 0 else f"{layer.name} after layer {number}."
            others += [(place + name, number, p[name], g[name], np.full(1, 10.0)) for name in p]
    inputs: list[tuple[str, int, Array, Array, Array]] = []
    first = architecture.layers[0]
    if isinstance(first, Dense):
        W = architecture.unpack(theta)[0]["W"]
        inputs = [("dL_dX", 0, X, gradients.dL_dX, first.gain * np.abs(W).max(axis=0))]
    return [*inputs, *dense, *others]


def derivative(
    array: Array,
    index: tuple[int, ...],
    reach: float,
    loss_and_pieces: Callable[[], tuple[float, list[Array]]],
) -> tuple[float, float] | None:
    """∂ℒ/∂array[index] by the five-point rule with its round-off; None at a kink.

    `loss_and_pieces` reads `array`; the entry is moved and then restored. reach: how far a z moves
    if the entry moves by 1.
    """
    value = float(array[index])
    size = max(1.0, abs(value))
    for distance in STEPS:
        step = distance * size / max(1.0, reach * size)
        losses, pieces = [], []
        for k in (-2, -1, 1, 2):
            array[index] = value + k * step
            loss, piece = loss_and_pieces()
            losses.append(loss)
            pieces.append(piece)
        array[index] = value
        if all(_same(pieces[0], other) for other in pieces[1:]):
            slope = (losses[0] - 8 * losses[1] + 8 * losses[2] - losses[3]) / (12 * step)
            # each ℒ is accurate to a few eps, and so are the four points
            noise = EPS * (6 * max(map(abs, losses)) + abs(value * slope)) / step
            return slope, noise
    return None


def _same(pieces: list[Array], others: list[Array]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(pieces, others, strict=True))


def smooth_pieces(architecture: Architecture, trace: Trace, t: Array) -> list[Array]:
    """On which side of every kink each z lies; ℒ is smooth between points with equal results."""
    pieces = []
    for layer, z in zip(architecture.dense, trace.z, strict=True):
        if layer.activation is not None:
            pieces += [np.sign(z - kink) for kink in layer.activation.kinks]
    output = architecture.output.piece(trace.z[-1], t)
    return pieces if output is None else [*pieces, output]


def _worst_entry(
    quantity: str, layer: int, analytic: Array, numeric: Array, resolution: Array
) -> WorstEntry:
    magnitude = np.maximum(np.abs(analytic), np.abs(numeric))
    scale = np.maximum(np.maximum(magnitude, magnitude.max() / 1000), resolution)
    error = np.abs(analytic - numeric) / np.where(scale > 0, scale, 1)
    error = np.where(np.isfinite(error), error, np.inf)
    index = tuple(int(i) for i in np.unravel_index(int(error.argmax()), error.shape))
    return WorstEntry(
        quantity, layer, index, float(analytic[index]), float(numeric[index]), float(error[index])
    )
