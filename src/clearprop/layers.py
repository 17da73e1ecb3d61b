"""The layer kinds: forward and backward side by side.

A kind is a frozen record with the shapes of its parameters and a pair of pure functions. `forward`
returns the layer's output with what the backward pass needs (`saved`); `backward` turns the
gradient by the output into the gradient by the input and by the parameters. New kinds join
:data:`LAYER_KINDS`; neither the network, nor an engine's loop, nor the trainer knows them by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, TypeAlias

import numpy as np

from clearprop._typing import Array
from clearprop.activations import Activation

Parameters: TypeAlias = dict[str, Array]


class Draw(NamedTuple):
    """Names the random numbers of one training step, so that any engine can draw the same ones."""

    seed: int
    step: int
    layer: int


class Derivatives(NamedTuple):
    """What `backward` returns: ∂ℒ by the layer's input, by its parameters, by z if it has one."""

    dL_dh: Array
    parameters: Parameters
    dL_dz: Array | None = None


class DenseSaved(NamedTuple):
    """What a dense layer keeps: its input h⁽ˡ⁻¹⁾, z⁽ˡ⁾ and its output h⁽ˡ⁾."""

    h: Array
    z: Array
    h_next: Array


@dataclass(frozen=True)
class Dense:
    """Fully connected units: z = W h + b, h_next = φ(z).

    W: (n_out, n_in), row j holds the incoming weights of unit j; b: (n_out,). Rows of h are
    samples, so the code says z = h @ W.T + b. `activation` None marks layer L, whose f belongs to
    the output unit: forward returns z itself.
    """

    n_in: int
    n_out: int
    activation: Activation | None
    name: ClassVar[str] = "dense"

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {"W": (self.n_out, self.n_in), "b": (self.n_out,)}

    def forward(self, p: Parameters, h: Array, draw: Draw | None) -> tuple[Array, DenseSaved]:
        z = h @ p["W"].T + p["b"]
        h_next = z if self.activation is None else self.activation.phi(z)
        return h_next, DenseSaved(h, z, h_next)

    def backward(self, p: Parameters, saved: DenseSaved, dL_dh_next: Array) -> Derivatives:
        """From ∂ℒ/∂h of this layer to ∂ℒ/∂z, ∂ℒ/∂W, ∂ℒ/∂b and ∂ℒ/∂h of the layer below.

        ∂ℒ/∂z = ∂h/∂z ∂ℒ/∂h, where ∂h/∂z = diag(φ′(z)) multiplies entry by entry;
        ∂ℒ/∂W = ∂ℒ/∂z hᵀ and ∂ℒ/∂b = ∂ℒ/∂z, over a batch summed over the samples (b is the weight
        from a unit that is always 1); ∂ℒ/∂h below = Wᵀ ∂ℒ/∂z.
        """
        if self.activation is None:
            dL_dz = dL_dh_next
        else:
            dL_dz = dL_dh_next * self.activation.dphi(saved.z, saved.h_next)
        dL_dW = (saved.h.T @ dL_dz).T  # in this order it also takes a sparse h
        dL_db = dL_dz.sum(axis=0)
        dL_dh = dL_dz @ p["W"]
        return Derivatives(dL_dh, {"W": dL_dW, "b": dL_db}, dL_dz)


@dataclass(frozen=True)
class Dropout:
    """Inverted dropout: in training h_next = h ⊙ m / (1 − rate), m_i = 0 with probability `rate`.

    In prediction the layer does nothing. The mask is made of 16-bit words from NumPy's Philox
    (counter-based), so it depends on seed, step and layer alone: a resumed run draws the same.
    `rate` is rounded to a multiple of 2⁻¹⁶ below 1.
    Source: Srivastava et al., Dropout, JMLR 15 (2014).
    """

    rate: float
    name: ClassVar[str] = "dropout"

    def __post_init__(self) -> None:
        if not 0 <= self.rate < 1:
            raise ValueError(f"dropout must lie in [0, 1); got {self.rate!r}")

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {}

    def mask(self, draw: Draw, shape: tuple[int, ...], dtype: Any) -> Array:
        """m / (1 − rate), (N, H)."""
        threshold = min(round(self.rate * 65536), 65535)
        n = int(np.prod(shape))
        philox = np.random.Philox(key=[draw.seed, draw.layer], counter=[0, draw.step, 0, 0])
        words = philox.random_raw(-(-n // 4)).astype("<u8").view("<u2")[:n].reshape(shape)
        keep = np.asarray(65536 / (65536 - threshold), dtype=dtype)
        return np.where(words >= threshold, keep, np.zeros((), dtype=dtype))

    def forward(self, p: Parameters, h: Array, draw: Draw | None) -> tuple[Array, Array | None]:
        if draw is None:
            return h, None
        m = self.mask(draw, h.shape, h.dtype)
        return h * m, m

    def backward(self, p: Parameters, saved: Array | None, dL_dh_next: Array) -> Derivatives:
        return Derivatives(dL_dh_next if saved is None else dL_dh_next * saved, {})


Layer: TypeAlias = Dense | Dropout
LAYER_KINDS: dict[str, type[Dense] | type[Dropout]] = {"dense": Dense, "dropout": Dropout}
