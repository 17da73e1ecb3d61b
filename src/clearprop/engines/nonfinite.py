"""The origin of a NaN or infinity: the definition is run again on the batch that gave it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clearprop._typing import Array
from clearprop.architecture import Architecture
from clearprop.jobs import Data
from clearprop.layers import StepDraw
from clearprop.propagation import back_propagation, forward_propagation, mean_loss

QUANTITIES = ("X", "t", "z", "the loss", "∂ℒ/∂z", "∂ℒ/∂W", "θ")


@dataclass(frozen=True)
class NonFinite:
    """The first NaN or infinity of a run: quantity, layer, step (from 1), row.

    quantity: one of :data:`QUANTITIES`; layer and row: None if the quantity has none.
    """

    quantity: str
    layer: int | None
    step: int
    row: int | None = None

    def __str__(self) -> str:
        layer = "" if self.layer is None else f" of layer {self.layer}"
        row = "" if self.row is None else f", in row {self.row} of its batch"
        return f"{self.quantity}{layer} became NaN or infinite at step {self.step}{row}"


def locate_nonfinite(
    architecture: Architecture,
    theta: Array,
    batch: Data,
    step: int,
    draw: StepDraw | None = None,
) -> NonFinite:
    """The first quantity, in the order of computation, that is not finite on this batch at θ.

    If all are finite, the update of θ itself overflowed, and θ is named.
    """
    with np.errstate(all="ignore"):
        trace = forward_propagation(architecture, theta, batch.X, draw)
        loss = mean_loss(architecture, trace, batch.t, batch.sample_weight)
        gradients = back_propagation(architecture, theta, trace, batch.t, batch.sample_weight)
    X = batch.X.toarray() if hasattr(batch.X, "toarray") else batch.X
    candidates: list[tuple[str, int | None, Array]] = [("X", None, X), ("t", None, batch.t)]
    candidates += [("z", layer, z) for layer, z in enumerate(trace.z, 1)]
    candidates += [("the loss", None, np.asarray(loss))]
    candidates += [("∂ℒ/∂z", layer, d) for layer, d in enumerate(gradients.dL_dz, 1)][::-1]
    candidates += [("∂ℒ/∂W", layer, d) for layer, d in enumerate(gradients.dL_dW, 1)][::-1]
    for quantity, layer, values in candidates:
        finite = np.isfinite(values)
        if not finite.all():
            row = None
            if values.ndim and quantity != "∂ℒ/∂W":
                row = int(np.argmin(finite.reshape(len(values), -1).all(axis=1)))
            return NonFinite(quantity, layer, step, row)
    return NonFinite("θ", None, step)
