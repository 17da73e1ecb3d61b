"""Statistics of each layer during training: sizes of z, h and gradients, dead units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.activations import Activation
from clearprop.architecture import Architecture
from clearprop.engines.reference import steady_numerics
from clearprop.explain.known_findings import LIMITS
from clearprop.propagation import back_propagation, forward_propagation, mean_loss

BINS = 40
# Bounded activations with their steepest slope; below a twentieth of it, a unit is saturated.
STEEPEST = {"logistic": 0.25, "tanh": 1.0}


@dataclass(frozen=True, eq=False)
class Histogram:
    """How many values lie between edges[i] and edges[i + 1]; `zeros`: left out of log bins."""

    edges: Array
    counts: Array
    zeros: int = 0


@dataclass(frozen=True, eq=False)
class LayerStatistics:
    """Layer l on some rows. |·| is the root mean square over the entries.

    z, h: |z⁽ˡ⁾| and |h⁽ˡ⁾| (for layer L, |ŷ|). dL_dz: |∂ℒₙ/∂z⁽ˡ⁾| of each sample's loss, which does
    not depend on N. W, dL_dW: |W⁽ˡ⁾| and |∂ℒ/∂W⁽ˡ⁾|. update: the change of W⁽ˡ⁾ since the previous
    record, per step and divided by |W⁽ˡ⁾|; NaN in the first record. dead: fraction of units with
    φ′ = 0 on all rows. saturated: fraction of units of a bounded activation with a slope below 5 %
    of the steepest slope on 95 % of the rows. h_histogram: histogram of h in linear bins.
    dL_dz_histogram: histogram of |∂ℒₙ/∂z| with powers of two as edges.
    """

    layer: int
    n_units: int
    activation: str
    z: float
    h: float
    dL_dz: float
    W: float
    dL_dW: float
    update: float
    dead: float
    saturated: float
    h_histogram: Histogram | None = None
    dL_dz_histogram: Histogram | None = None


def layer_statistics(
    architecture: Architecture,
    theta: Array,
    X: Array,
    t: Array,
    *,
    before: Array | None = None,
    n_steps: int = 1,
    histograms: bool = True,
) -> tuple[float, tuple[LayerStatistics, ...]]:
    """ℒ and the statistics of each layer; t as the output unit's `targets` returns it.

    before: θ from `n_steps` steps ago, for `update`.
    """
    with (
        steady_numerics()
    ):  # idle BLAS threads would keep spinning beside the threads of the training
        trace = forward_propagation(architecture, theta, X)
        gradients = back_propagation(architecture, theta, trace, t)
        loss = mean_loss(architecture, trace, t)
        W = [p["W"] for p in architecture.unpack(theta) if "W" in p]
        W_before = None
        if before is not None:
            W_before = [p["W"] for p in architecture.unpack(before) if "W" in p]
        found = []
        for i, dense in enumerate(architecture.dense):
            z, last = trace.z[i], dense.activation is None
            h = trace.y_hat if last else trace.h[i + 1]
            dL_dz = gradients.dL_dz[i]
            dead, saturated = unit_shares(dense.activation, z, h)
            update = float("nan")
            if W_before is not None and n_steps > 0:
                size = rms(W_before[i])
                update = rms(W[i] - W_before[i]) / (size * n_steps) if size else float("nan")
            found.append(
                LayerStatistics(
                    layer=i + 1,
                    n_units=dense.n_out,
                    activation=architecture.output.unit
                    if dense.activation is None
                    else dense.activation.name,
                    z=rms(z),
                    h=rms(h),
                    dL_dz=rms(dL_dz) * len(z),
                    W=rms(W[i]),
                    dL_dW=rms(gradients.dL_dW[i]),
                    update=update,
                    dead=dead,
                    saturated=saturated,
                    h_histogram=histogram(h) if histograms else None,
                    dL_dz_histogram=log_histogram(dL_dz, len(z)) if histograms else None,
                )
            )
    return loss, tuple(found)


def rms(values: Array) -> float:
    """√(mean of the squares)."""
    flat = np.asarray(values).reshape(-1)
    return float(np.sqrt(np.dot(flat, flat) / max(flat.size, 1)))


def slopes(activation: Activation, z: Array, h: Array) -> Array:
    return np.abs(activation.dphi(z, h))


def dead_units(activation: Activation, z: Array, h: Array) -> Array:
    """(H,) bool: units that pass no gradient back on any row.

    Units of a bounded activation count as saturated instead, which is a different problem.
    """
    if activation.name in STEEPEST:
        return np.zeros(z.shape[1], dtype=bool)
    return np.asarray(slopes(activation, z, h).max(axis=0) <= LIMITS["dead_slope"])


def saturated_units(activation: Activation, z: Array, h: Array) -> Array:
    """(H,) bool: units of a bounded activation that are at its flat ends on almost all rows."""
    steepest = STEEPEST.get(activation.name)
    if steepest is None:
        return np.zeros(z.shape[1], dtype=bool)
    flat = slopes(activation, z, h) < LIMITS["saturated_slope"] * steepest
    return np.asarray(flat.mean(axis=0) >= LIMITS["saturated_rows"])


def unit_shares(activation: Activation | None, z: Array, h: Array) -> tuple[float, float]:
    """The fractions of dead and of saturated units; an output layer has neither."""
    if activation is None:
        return 0.0, 0.0
    if activation.name in STEEPEST:
        return 0.0, float(saturated_units(activation, z, h).mean())
    return float(dead_units(activation, z, h).mean()), 0.0


def histogram(values: Array, bins: int = BINS) -> Histogram | None:
    """Equal bins from the smallest to the largest value; None if a value is not finite."""
    flat = np.asarray(values).reshape(-1)
    low, high = float(flat.min()), float(flat.max())
    if not np.isfinite(high - low):
        return None
    if high <= low:
        high = low + max(abs(low), 1.0) * 1e-6
    index = ((flat - low) * (bins / (high - low))).astype(np.intp)
    counts = np.bincount(np.minimum(index, bins - 1), minlength=bins)
    return Histogram(np.linspace(low, high, bins + 1), counts)


def log_histogram(values: Array, factor: float = 1.0) -> Histogram | None:
    """A bin for each power of two of |values|·factor; None if a value is not finite."""
    flat = np.asarray(values).reshape(-1)
    if not np.isfinite(np.dot(flat, flat)) and not np.isfinite(flat).all():
        return None
    exponents: Any = np.frexp(flat * factor)[1]
    nonzero = exponents[flat != 0]
    zeros = flat.size - nonzero.size
    if nonzero.size == 0:
        return Histogram(np.array([1.0, 2.0]), np.array([0]), zeros)
    low = int(nonzero.min())
    counts = np.bincount(nonzero - low)
    return Histogram(np.exp2(np.arange(low - 1, low + len(counts), dtype=float)), counts, zeros)
