"""The layer kinds: forward and backward side by side.

A kind is a frozen record with the shapes of its parameters and a pair of pure functions. `forward`
returns the layer's output and the values that the backward pass needs (`saved`). `backward` turns
the gradient with respect to the output into the gradients with respect to the input and the
parameters. The record itself says which parameters are biases, which take weight decay, and how
they are initialised: the network, the engines' loops and the trainer know no kind by name. This
module has the kinds of the fully connected network; :mod:`clearprop.embeddings` has the kinds for
the columns of a table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol, TypeAlias

import numpy as np

from clearprop._typing import Array
from clearprop.activations import Activation
from clearprop.initializers import Initializer, Rng, get_initializer

Parameters: TypeAlias = dict[str, Array]


class Draw(NamedTuple):
    """Names the random numbers of one training step, so that any engine can draw the same ones.

    dropout: the factor that a schedule applies to the dropout rates at this step.
    """

    seed: int
    step: int
    layer: int
    dropout: float = 1.0


class Derivatives(NamedTuple):
    """What `backward` returns: the gradients of the input, the parameters, and z if it exists."""

    dL_dh: Array
    parameters: Parameters
    dL_dz: Array | None = None


StepDraw: TypeAlias = tuple[int, int] | tuple[int, int, float]
"""(seed, step) of a training step, or (seed, step, factor of the dropout rates)."""


def name_draw(draw: StepDraw | None, layer: int) -> Draw | None:
    """The draw for this layer (its number among all layers); None without a draw."""
    return None if draw is None else Draw(draw[0], draw[1], layer, *draw[2:])


class Layer(Protocol):
    """The interface of every kind. A custom kind needs no base class and runs on the reference."""

    name: ClassVar[str]

    @property
    def n_in(self) -> int | None:
        """The number of columns of its input h; None accepts any number and keeps it."""

    @property
    def n_out(self) -> int | None:
        """The number of columns of its output; None for as many as the input has."""

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Its parameters with their shapes, in their order in θ."""

    @property
    def biases(self) -> frozenset[str]:
        """The names of the parameters that are biases."""

    @property
    def decayed(self) -> frozenset[str]:
        """The names of the parameters that weight decay and penalties shrink."""

    @property
    def stochastic(self) -> bool:
        """Whether `forward` draws random numbers in training."""

    def initial(self, rng: Rng, initializer: str | Initializer) -> Parameters:
        """Its initial parameters, in float64.

        initializer: for parameters W and b, a name or a callable; "auto" lets the layer choose.
        """

    def forward(self, p: Parameters, h: Array, draw: Draw | None) -> tuple[Array, Any]:
        """Its output, and the values that `backward` needs. draw: None outside training."""

    def backward(self, p: Parameters, saved: Any, dL_dh_next: Array) -> Derivatives:
        """The gradients of its input and its parameters from the gradient of its output."""


class DenseSaved(NamedTuple):
    """The values that a dense layer saves: its input h⁽ˡ⁻¹⁾, z⁽ˡ⁾ and its output h⁽ˡ⁾."""

    h: Array
    z: Array
    h_next: Array


@dataclass(frozen=True)
class Dense:
    """Fully connected units: z = g·W h + b, h_next = φ(z); the gain g is 1 unless it is given.

    W: (n_out, n_in), row j holds the incoming weights of unit j; b: (n_out,). Rows of h are
    samples, so the code says z = h @ W.T + b. `activation` None marks layer L, whose f belongs to
    the output unit: forward returns z itself.
    gain: 1/√n_in with weights of variance 1 is the neural tangent parametrisation (Jacot et al.
    2018). slope: True adds the parameter "slope", s (n_out,), how much of φ each unit takes:
    h_next = z + s(φ(z) − z) (Holzmüller et al. 2024).
    """

    n_in: int
    n_out: int
    activation: Activation | None
    gain: float = 1.0
    slope: bool = False
    name: ClassVar[str] = "dense"
    biases: ClassVar[frozenset[str]] = frozenset({"b"})
    stochastic: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not (self.gain > 0 and np.isfinite(self.gain)):
            raise ValueError(f"gain must be a number > 0; got {self.gain!r}")
        if self.slope and self.activation is None:
            raise ValueError("slope needs an activation; this layer has none")

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        shapes: dict[str, tuple[int, ...]] = {"W": (self.n_out, self.n_in), "b": (self.n_out,)}
        return shapes | {"slope": (self.n_out,)} if self.slope else shapes

    @property
    def decayed(self) -> frozenset[str]:
        return frozenset({"W", "slope"} if self.slope else {"W"})

    def initial(self, rng: Rng, initializer: str | Initializer) -> Parameters:
        if isinstance(initializer, str) and initializer == "auto":
            phi = self.activation
            initializer = "glorot_uniform" if phi is None else phi.initializer
        W, b = get_initializer(initializer)(rng, self.n_in, self.n_out)
        slopes = {"slope": np.ones(self.n_out)} if self.slope else {}
        return {"W": W, "b": b, **slopes}

    def forward(self, p: Parameters, h: Array, draw: Draw | None) -> tuple[Array, DenseSaved]:
        Wh = h @ p["W"].T
        z = (Wh if self.gain == 1 else self.gain * Wh) + p["b"]
        h_next = z if self.activation is None else self.activation.phi(z)
        if self.slope:
            h_next = z + p["slope"] * (h_next - z)
        return h_next, DenseSaved(h, z, h_next)

    def backward(self, p: Parameters, saved: DenseSaved, dL_dh_next: Array) -> Derivatives:
        """From ∂ℒ/∂h of this layer to ∂ℒ/∂z, ∂ℒ/∂W, ∂ℒ/∂b and ∂ℒ/∂h of the layer below.

        ∂ℒ/∂z = ∂h/∂z ∂ℒ/∂h, where ∂h/∂z = diag(φ′(z)) multiplies entry by entry;
        ∂ℒ/∂W = ∂ℒ/∂z hᵀ and ∂ℒ/∂b = ∂ℒ/∂z, over a batch summed over the samples (b is the weight
        from a unit that is always 1); ∂ℒ/∂h below = Wᵀ ∂ℒ/∂z. A gain multiplies the first and the
        last. With slopes ∂h/∂z = 1 + s(φ′(z) − 1) and ∂ℒ/∂s = ∂ℒ/∂h ⊙ (φ(z) − z).
        """
        slope_gradient = {}
        if self.activation is None:
            dL_dz = dL_dh_next
        elif self.slope:
            phi = self.activation.phi(saved.z)
            dphi = self.activation.dphi(saved.z, phi)
            dL_dz = dL_dh_next * (1 + p["slope"] * (dphi - 1))
            slope_gradient = {"slope": (dL_dh_next * (phi - saved.z)).sum(axis=0)}
        else:
            dL_dz = dL_dh_next * self.activation.dphi(saved.z, saved.h_next)
        dL_db = dL_dz.sum(axis=0)
        dL_dWh = dL_dz if self.gain == 1 else self.gain * dL_dz
        dL_dW = (saved.h.T @ dL_dWh).T  # this order also works for a sparse h
        dL_dh = dL_dWh @ p["W"]
        return Derivatives(dL_dh, {"W": dL_dW, "b": dL_db, **slope_gradient}, dL_dz)


@dataclass(frozen=True)
class Dropout:
    """Inverted dropout: in training h_next = h ⊙ m / (1 − rate), m_i = 0 with probability `rate`.

    In prediction the layer does nothing. The mask is made of 16-bit words from NumPy's Philox
    (counter-based), so it depends only on seed, step and layer: a resumed run draws the same mask.
    `rate` is rounded to a multiple of 2⁻¹⁶ below 1.
    Source: Srivastava et al., Dropout, JMLR 15 (2014).
    """

    rate: float
    name: ClassVar[str] = "dropout"
    n_in: ClassVar[None] = None
    n_out: ClassVar[None] = None
    biases: ClassVar[frozenset[str]] = frozenset()
    decayed: ClassVar[frozenset[str]] = frozenset()
    stochastic: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 0 <= self.rate < 1:
            raise ValueError(f"dropout must lie in [0, 1); got {self.rate!r}")

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {}

    def initial(self, rng: Rng, initializer: str | Initializer) -> Parameters:
        return {}

    def mask(self, draw: Draw, shape: tuple[int, ...], dtype: Any) -> Array:
        """m / (1 − rate), (N, H)."""
        threshold = min(round(self.rate * draw.dropout * 65536), 65535)
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
