"""Forward propagation and back-propagation, with every quantity by its name.

The two functions are the lecture's two recursions, for a batch of N samples in rows:

    h⁽⁰⁾ = x,  z⁽ˡ⁾ = W⁽ˡ⁾ h⁽ˡ⁻¹⁾ + b⁽ˡ⁾,  h⁽ˡ⁾ = φ(z⁽ˡ⁾),  ŷ = f(z⁽ᴸ⁾)
    ∂ℒ/∂z⁽ᴸ⁾ = ∂ŷ/∂z ∂ℒ/∂ŷ,  ∂ℒ/∂z⁽ˡ⁾ = ∂h⁽ˡ⁾/∂z⁽ˡ⁾ (W⁽ˡ⁺¹⁾ᵀ ∂ℒ/∂z⁽ˡ⁺¹⁾),
    ∂ℒ/∂W⁽ˡ⁾ = ∂ℒ/∂z⁽ˡ⁾ h⁽ˡ⁻¹⁾ᵀ,  ∂ℒ/∂b⁽ˡ⁾ = ∂ℒ/∂z⁽ˡ⁾
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.architecture import Architecture
from clearprop.layers import DenseSaved, StepDraw, name_draw


@dataclass(frozen=True)
class Trace:
    """Everything that forward propagation computed.

    X: (N, D), the input.
    y_hat: (N, K), ŷ.
    z[l-1]: (N, H_l), z⁽ˡ⁾ for l = 1 … L.
    h[l]: (N, H_l), h⁽ˡ⁾ for l = 0 … L−1, which W⁽ˡ⁺¹⁾ multiplies; after dropout, if any.
    saved: what each layer keeps for the backward pass.
    """

    X: Array
    y_hat: Array
    saved: tuple[Any, ...]

    @property
    def z(self) -> list[Array]:
        return [s.z for s in self.saved if isinstance(s, DenseSaved)]

    @property
    def h(self) -> list[Array]:
        return [s.h for s in self.saved if isinstance(s, DenseSaved)]

    def _repr_html_(self) -> str:
        from clearprop.notebook.records import trace_html

        return trace_html(self)


@dataclass(frozen=True)
class Gradients:
    """Everything that back-propagation computed; ℒ is the (weighted) mean over the samples.

    dL_dz[l-1]: (N, H_l), ∂ℒ/∂z⁽ˡ⁾ for l = 1 … L.
    dL_dh[l]: (N, H_l), ∂ℒ/∂h⁽ˡ⁾ for l = 0 … L−1.
    dL_dW[l-1]: (H_l, H_{l−1}), ∂ℒ/∂W⁽ˡ⁾, a view of theta.
    dL_db[l-1]: (H_l,), ∂ℒ/∂b⁽ˡ⁾, a view of theta.
    theta: (P,), ∂ℒ/∂θ.
    dL_dX: (N, D), ∂ℒ/∂x, which is dL_dh[0] if the first layer is dense.
    """

    dL_dz: list[Array]
    dL_dh: list[Array]
    dL_dW: list[Array]
    dL_db: list[Array]
    theta: Array
    dL_dX: Array

    def _repr_html_(self) -> str:
        from clearprop.notebook.records import gradients_html

        return gradients_html(self)


def forward_propagation(
    architecture: Architecture, theta: Array, X: Array, draw: StepDraw | None = None
) -> Trace:
    """From x to ŷ, layer by layer: z = W h + b, h = φ(z), and ŷ = f(z) at the end.

    X: (N, D), dense or SciPy sparse. draw: (seed, step) in training, where dropout is active, or
    (seed, step, factor of the dropout rates); None in prediction.
    """
    h = X
    saved = []
    for number, (layer, p) in enumerate(
        zip(architecture.layers, architecture.unpack(theta), strict=True)
    ):
        h, kept = layer.forward(p, h, name_draw(draw, number))
        saved.append(kept)
    return Trace(X, architecture.output.y_hat(h), tuple(saved))


def back_propagation(
    architecture: Architecture,
    theta: Array,
    trace: Trace,
    t: Array,
    sample_weight: Array | None = None,
) -> Gradients:
    """From ∂ℒ/∂z⁽ᴸ⁾ back to ∂ℒ/∂x, with ∂ℒ/∂W and ∂ℒ/∂b on the way.

    t: targets as the output unit's `targets` returns them. ℒ is the mean of the samples' losses,
    weighted by `sample_weight` (N,) if given; the 1/N enters here and nowhere else.
    """
    z = trace.saved[-1].z
    dL = architecture.output.dL_dz(z, t) * mean_weights(len(z), sample_weight, z.dtype)[:, None]
    gradient = np.empty_like(theta)
    dL_dz, dL_dh, dL_dW, dL_db = [], [], [], []
    for layer, p, saved, g in zip(
        reversed(architecture.layers),
        reversed(architecture.unpack(theta)),
        reversed(trace.saved),
        reversed(architecture.unpack(gradient)),
        strict=True,
    ):
        derivatives = layer.backward(p, saved, dL)
        for name, value in derivatives.parameters.items():
            g[name][...] = value
        dL = derivatives.dL_dh
        if derivatives.dL_dz is not None:
            dL_dz.append(derivatives.dL_dz)
            dL_dh.append(derivatives.dL_dh)
            dL_dW.append(g["W"])
            dL_db.append(g["b"])
    return Gradients(dL_dz[::-1], dL_dh[::-1], dL_dW[::-1], dL_db[::-1], gradient, dL)


def mean_weights(n: int, sample_weight: Array | None, dtype: Any) -> Array:
    """The weight of each sample in the mean: 1/N, or w_n / Σw; all 0 where Σw is 0."""
    if sample_weight is None:
        return np.full(n, 1 / n, dtype=dtype)
    total = sample_weight.sum()
    return (sample_weight / (total if total != 0 else 1)).astype(dtype)


def mean_loss(
    architecture: Architecture, trace: Trace, t: Array, sample_weight: Array | None = None
) -> float:
    """ℒ, the (weighted) mean over the samples of the output unit's loss."""
    z = trace.saved[-1].z
    losses = architecture.output.loss(z, t)
    if sample_weight is None:
        return float(losses.mean())
    return float(losses @ mean_weights(len(z), sample_weight, losses.dtype))
