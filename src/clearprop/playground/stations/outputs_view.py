"""The document of the station for output units, and the Python code that prints its numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.gradient_check import derivative
from clearprop.outputs import Logistic, Output, Softmax
from clearprop.playground.code import listed
from clearprop.playground.parts import Part, document
from clearprop.playground.stations.outputs import OutputUnits

REACH = 10.0  # range of the curves' axis to either side
POINTS = 161
SLOPES = """
def slopes(loss, z):
    # five-point differences of a loss by each z; NaN at a kink
    found = [derivative(z, (0, k), 1.0, lambda: loss(z)) for k in range(z.shape[1])]
    return [float("nan") if slope is None else slope[0] for slope in found]
"""
Loss = Callable[[Array], tuple[float, list[Array]]]


def view(settings: OutputUnits) -> dict[str, Any]:
    """The unit, its gradient by the chain rule, the squared error instead, descents, all pairs."""
    with np.errstate(all="ignore"):
        parts = [_unit(settings), _chain(settings), _squared(settings), _race(settings)]
        parts.append(_pairs(settings))
    return document(["from clearprop.gradient_check import derivative"], parts)


def squared_error(output: Output, z: Array, t: Array) -> Array:
    """½ Σ (ŷ − t)² of each sample, for any unit."""
    return np.asarray(0.5 * ((output.y_hat(z) - t) ** 2).sum(axis=1))


def squared_error_slope(output: Output, z: Array, t: Array) -> Array:
    """∂ŷ/∂z (ŷ − t) of each sample: the gradient of the squared error by the chain rule."""
    return np.asarray((output.dy_dz(z) @ (output.y_hat(z) - t)[:, :, None])[:, :, 0])


def slopes(loss: Loss, z: Array) -> list[float]:
    """Five-point differences of a loss for each z; NaN at a kink."""
    found = [derivative(z, (0, k), 1.0, lambda: loss(z)) for k in range(z.shape[1])]
    return [float("nan") if slope is None else slope[0] for slope in found]


def _own_loss(output: Output, t: Array) -> Loss:
    def loss(z: Array) -> tuple[float, list[Array]]:
        piece = output.piece(z, t)
        return float(output.loss(z, t)[0]), [] if piece is None else [piece]

    return loss


def _unit(settings: OutputUnits) -> Part:
    output, z, t = settings.output, settings.Z, settings.T
    numbers = {
        "z": z[0],
        "t": t[0],
        "y_hat": output.y_hat(z)[0],
        "loss": output.loss(z, t)[0],
        "dL_dz": output.dL_dz(z, t)[0],
        "dL_dz_difference": slopes(_own_loss(output, t), z),
    }
    lines = [
        SLOPES,
        f"unit = cp.OUTPUTS[{settings.unit!r}]()",
        f"z = np.array([{listed(z[0].tolist())}])",
        f"t = unit.targets(np.array([{settings.target!r}]), {z.shape[1]}, z.dtype)",
        "",
        "def own(z):",
        "    piece = unit.piece(z, t)",
        "    return float(unit.loss(z, t)[0]), [] if piece is None else [piece]",
        "",
        'np.seterr(all="ignore")',
    ]
    shown = {
        "z": "z[0]",
        "t": "t[0]",
        "y_hat": "unit.y_hat(z)[0]",
        "loss": "unit.loss(z, t)[0]",
        "dL_dz": "unit.dL_dz(z, t)[0]",
        "dL_dz_difference": "slopes(own, z)",
    }
    return Part(numbers, lines, shown, {"curves": _curves(settings)})


def _curves(settings: OutputUnits) -> dict[str, Any]:
    """ŷ, both losses and both gradients as one z varies and the others stay fixed."""
    output, t = settings.output, settings.T
    k = settings.axis if settings.unit == "softmax" else 0
    middle = float(settings.Z[0, k])
    low, high = min(-REACH, middle), max(REACH, middle)
    axis = np.linspace(low, high, POINTS)
    z = np.repeat(settings.Z, POINTS, axis=0)
    z[:, k] = axis
    T = np.repeat(t, POINTS, axis=0)
    found = {
        "z": axis,
        "y_hat": output.y_hat(z)[:, k],
        "loss": output.loss(z, T),
        "dL_dz": output.dL_dz(z, T)[:, k],
        "squared": squared_error(output, z, T),
        "squared_dL_dz": squared_error_slope(output, z, T)[:, k],
    }
    return {"k": k, "at": middle, **{name: value.round(6) for name, value in found.items()}}


def _chain(settings: OutputUnits) -> Part:
    """∂ℒ/∂z = ∂ŷ/∂z ∂ℒ/∂ŷ, computed stably, and in plain floating point from the rounded ŷ."""
    output, z, t = settings.output, settings.Z, settings.T
    y_hat, by_y, J = output.y_hat(z), output.dL_dy_hat(z, t), output.dy_dz(z)[0]
    numbers: dict[str, Any] = {
        "dL_dy_hat": by_y[0],
        "dy_dz": J,
        "chain_terms": J * by_y,
        "chain": J @ by_y[0],
        "y_hat_minus_t": (y_hat - t)[0],
    }
    lines = ["y_hat, by_y, J = unit.y_hat(z), unit.dL_dy_hat(z, t), unit.dy_dz(z)[0]"]
    shown = {
        "dL_dy_hat": "by_y[0]",
        "dy_dz": "J",
        "chain_terms": "J * by_y",
        "chain": "J @ by_y[0]",
        "y_hat_minus_t": "(y_hat - t)[0]",
    }
    if settings.unit == "logistic":
        plain = ((1 - t) / (1 - y_hat) - t / y_hat)[0]
        slope = (y_hat * (1 - y_hat))[0]
        numbers |= {"plain_dL_dy_hat": plain, "plain_dy_dz": slope, "plain": plain * slope}
        lines.append("plain, slope = (1 - t) / (1 - y_hat) - t / y_hat, y_hat * (1 - y_hat)")
        shown |= {
            "plain_dL_dy_hat": "plain[0]",
            "plain_dy_dz": "slope[0]",
            "plain": "(plain * slope)[0]",
        }
    return Part(numbers, lines, shown)


def _squared(settings: OutputUnits) -> Part:
    output, z, t = settings.output, settings.Z, settings.T
    own, squared = output.dL_dz(z, t)[0], squared_error_slope(output, z, t)[0]

    def loss(z: Array) -> tuple[float, list[Array]]:
        return float(squared_error(output, z, t)[0]), []

    numbers = {
        "squared_loss": squared_error(output, z, t)[0],
        "squared_dL_dy_hat": (output.y_hat(z) - t)[0],
        "squared_dL_dz": squared,
        "squared_difference": slopes(loss, z),
        "own_size": np.abs(own).max(),
        "squared_size": np.abs(squared).max(),
    }
    lines = [
        "def squared(z):",
        "    return float(0.5 * ((unit.y_hat(z) - t) ** 2).sum()), []",
        "",
        "squared_slope = unit.dy_dz(z)[0] @ (unit.y_hat(z) - t)[0]",
    ]
    shown = {
        "squared_loss": "squared(z)[0]",
        "squared_dL_dy_hat": "(unit.y_hat(z) - t)[0]",
        "squared_dL_dz": "squared_slope",
        "squared_difference": "slopes(squared, z)",
        "own_size": "np.abs(unit.dL_dz(z, t)).max()",
        "squared_size": "np.abs(squared_slope).max()",
    }
    return Part(numbers, lines, shown)


def _race(settings: OutputUnits) -> Part:
    """ŷ during gradient descent on z, with the unit's loss and with the squared error."""
    output, t = settings.output, settings.T
    k = settings.klass if settings.unit == "softmax" else 0
    ways: dict[str, Callable[[Array], Array]] = {
        "race_own": lambda z: output.dL_dz(z, t),
        "race_squared": lambda z: squared_error_slope(output, z, t),
    }
    numbers: dict[str, Any] = {}
    for name, slope in ways.items():
        z = settings.Z
        y = [float(output.y_hat(z)[0, k])]
        for _ in range(settings.steps):
            z = z - settings.rate * slope(z)
            y.append(float(output.y_hat(z)[0, k]))
        numbers[name] = y
    lines = [
        "def descend(slope, z):",
        f"    y = [float(unit.y_hat(z)[0, {k}])]",
        f"    for _ in range({settings.steps}):",
        f"        z = z - {settings.rate!r} * slope(z)",
        f"        y.append(float(unit.y_hat(z)[0, {k}]))",
        "    return y",
        "",
        "def by_squared(z):",
        "    return (unit.dy_dz(z) @ (unit.y_hat(z) - t)[:, :, None])[:, :, 0]",
    ]
    shown = {
        "race_own": "descend(lambda z: unit.dL_dz(z, t), z)",
        "race_squared": "descend(by_squared, z)",
    }
    return Part(numbers, lines, shown, {"race": {"k": k, "t": float(t[0, k])}})


def _pairs(settings: OutputUnits) -> Part:
    """Every unit with every loss at the same z and label; NaN if a loss is not defined.

    The softmax has the two logits 0 and z, and the distribution (1 − t, t).
    """
    z, label = settings.z, settings.label
    rows: list[tuple[Output, Array, Array]] = [
        (Logistic(), np.array([[z]]), np.array([[label]])),
        (Softmax(), np.array([[0.0, z]]), np.array([[1 - label, label]])),
    ]
    nan = float("nan")
    loss = [[0.5 * (z - label) ** 2, nan]]
    slope = [[z - label, nan]]
    y_hat = [z]
    for output, Z, T in rows:
        loss.append([float(squared_error(output, Z, T)[0]), float(output.loss(Z, T)[0])])
        slope.append(
            [float(squared_error_slope(output, Z, T)[0, -1]), float(output.dL_dz(Z, T)[0, -1])]
        )
        y_hat.append(float(output.y_hat(Z)[0, -1]))
    lines = [
        f"z, t = {z!r}, {label!r}",
        "y_hat, loss = [z], [[0.5 * (z - t) ** 2, np.nan]]",
        "slope = [[z - t, np.nan]]",
        "for unit, Z, T in [",
        "    (cp.outputs.Logistic(), np.array([[z]]), np.array([[t]])),",
        "    (cp.outputs.Softmax(), np.array([[0.0, z]]), np.array([[1 - t, t]])),",
        "]:",
        "    y = unit.y_hat(Z)",
        "    y_hat.append(y[0, -1])",
        "    loss.append([0.5 * ((y - T) ** 2).sum(), unit.loss(Z, T)[0]])",
        "    slope.append([(unit.dy_dz(Z)[0] @ (y - T)[0])[-1], unit.dL_dz(Z, T)[0, -1]])",
    ]
    numbers = {"pairs_y_hat": y_hat, "pairs_loss": loss, "pairs_dL_dz": slope}
    shown = {"pairs_y_hat": "y_hat", "pairs_loss": "loss", "pairs_dL_dz": "slope"}
    return Part(numbers, lines, shown)
