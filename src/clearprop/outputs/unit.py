"""An output unit with its loss: one record, the pair (f, ℒ) as functions of z, the z of layer L.

Unit and loss are one object, because only the pair has a stable value and a simple derivative:
softmax with cross-entropy gives ∂ℒ/∂z = ŷ − t, and so do logistic with binary cross-entropy and
linear with squared error. Every loss is per sample; only :mod:`clearprop.propagation` takes the
mean over the samples.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np

from clearprop._typing import Array

# What the entries of t are: any number, a number ≥ 0 such as a count, a number > 0, a label 0 or 1
# or its probability, or the index of a class.
Kind: TypeAlias = Literal["real", "count", "positive", "probability", "class"]


@dataclass(frozen=True)
class Formulas:
    """The formulas of a unit, each as text and as LaTeX; `note`: why ∂ℒ/∂z is what it is.

    f, dy_dz: ŷ and ∂ŷ/∂z as functions of z or ŷ (the second with one entry of the matrix in place
    of LaTeX). loss: ℒ of a sample. by_y_hat, by_z: its derivatives.
    """

    f: tuple[str, str] = ("z", "z")
    dy_dz: tuple[str, str] = ("∂ŷ/∂z = f′(z)", "∂ŷ_nk/∂z_nk = f′(z_nk)")
    loss: tuple[str, str] = ("loss(ŷ, t)", r"\ell(\hat{\mathbf{y}},\mathbf{t})")
    by_y_hat: tuple[str, str] = ("∂ℒₙ/∂ŷ of the unit", r"\ell'(\hat{\mathbf{y}})")
    by_z: tuple[str, str] = ("ℒₙ′(ŷ)", r"\ell'(\hat{\mathbf{y}})")
    note: str = "the output unit is ŷ = z, so ∂ŷ/∂z = 1"


UNKNOWN = Formulas(f=("", ""), note="a formula of the output unit itself")
Y_MINUS_T = ("ŷ − t", r"\hat{\mathbf{y}}-\mathbf{t}")


class Output(ABC):
    """An output unit f with its loss ℒ, both as functions of z (N, K).

    name: the key in :data:`clearprop.OUTPUTS`.
    unit: the lecture's name of f.
    title: unit and loss in words.
    loss_name: MLPRegressor's name of the loss; None if the loss is not for quantities.
    kind: what the entries of t are.
    formulas: for explanations.
    diagonal: whether ŷ_k depends on z_k alone.
    """

    name: ClassVar[str]
    unit: ClassVar[str]
    title: ClassVar[str] = ""
    loss_name: ClassVar[str | None] = None
    kind: ClassVar[Kind] = "real"
    formulas: ClassVar[Formulas] = UNKNOWN
    diagonal: ClassVar[bool] = True

    @property
    def width(self) -> int:
        """The number of outputs for each column of t; they are side by side."""
        return 1

    def n_classes(self, n_outputs: int) -> int:
        """The number of classes of a unit with K = `n_outputs`, if t is the index of a class."""
        return n_outputs

    def constants(self, n_outputs: int) -> tuple[float, ...]:
        """The numbers in the formulas of a unit with K = `n_outputs`, for the native engine."""
        return ()

    def y_hat(self, z: Array) -> Array:
        """ŷ = f(z), (N, K); the identity unless the unit says otherwise."""
        return z

    @abstractmethod
    def loss(self, z: Array, t: Array) -> Array:
        """ℒ of each sample, (N,), summed over the K outputs; t as :meth:`targets` returns it."""

    @abstractmethod
    def dL_dz(self, z: Array, t: Array) -> Array:
        """∂ℒₙ/∂z, the derivative of the loss of each sample, (N, K)."""

    def dL_dy_hat(self, z: Array, t: Array) -> Array:
        """∂ℒₙ/∂ŷ, the derivative of the loss of each sample, (N, K), with ∂ℒ/∂z = ∂ŷ/∂z ∂ℒ/∂ŷ.

        It is for explanations only. Nothing is computed from it, because it is infinite if ŷ has
        vanished, although ∂ℒ/∂z is not.
        """
        return self.dL_dz(z, t)

    def dy_dz(self, z: Array) -> Array:
        """The Jacobian ∂ŷ/∂z, (N, K, K): entry i, k is ∂ŷ_i/∂z_k."""
        return diagonal(np.ones_like(z))

    def targets(self, t: Array, n_outputs: int, dtype: np.dtype[Any]) -> Array:
        """Check t against K = `n_outputs` and return it as the other methods expect it."""
        return real_targets(t, n_outputs, dtype)

    def piece(self, z: Array, t: Array) -> Array | None:
        """Which smooth piece of ℒ each entry of z is on, (N, K); None if ℒ is smooth everywhere."""
        return None

    def check_outputs(self, n_outputs: int) -> None:
        """Raise ValueError if the unit cannot have `n_outputs` outputs; most can have any."""
        return

    # ---- for predictions and explanations ------------------------------------------------------

    def prediction(self, y_hat: Array) -> Array:
        """The prediction for each column of t from ŷ (N, K): (N, M), or (N, M, several)."""
        return y_hat

    def std(self, y_hat: Array) -> Array | None:
        """The standard deviation of each column of t (N, M), for a unit that predicts it."""
        return None

    def best_constant(self, t: Array) -> Array:
        """Approximately the best z (K,) that is the same for all rows of t (N, K)."""
        mean: Array = t.mean(axis=0)
        return mean

    def loss_of_y_hat(self, y_hat: Array, t: Array) -> Array:
        """ℒ of each sample as in the lecture, a function of ŷ. It may contain log 0."""
        return self.loss(y_hat, t)

    def room(self, y_hat: Array, k: int) -> float:
        """How far ŷ_k (of ŷ (K,)) may move alone before the unit could not give this ŷ."""
        return float("inf")

    def alone(self, k: int) -> Output | None:
        """The unit of output k alone, if ℒ is a sum over the outputs; else None."""
        return None


class Elementwise(Output):
    """A unit whose loss is a sum over the outputs, of one z and one t each."""

    def alone(self, k: int) -> Output | None:
        return self


def diagonal(d: Array) -> Array:
    """diag(d): (..., K) to (..., K, K)."""
    J = np.zeros((*d.shape, d.shape[-1]), dtype=d.dtype)
    k = np.arange(d.shape[-1])
    J[..., k, k] = d
    return J


def real_targets(t: Array, n_columns: int, dtype: np.dtype[Any]) -> Array:
    """t as an (N, n_columns) array of `dtype`; (N,) is taken as one column."""
    t = np.asarray(t)
    if t.dtype.kind not in "biuf":
        raise ValueError(f"t must be numbers; got dtype {t.dtype}")
    columns = t[:, None] if t.ndim == 1 else t
    if columns.ndim != 2 or columns.shape[1] != n_columns:
        wanted = f"(N, {n_columns})" + (" or (N,)" if n_columns == 1 else "")
        raise ValueError(f"t must have shape {wanted}; got {t.shape}")
    return columns.astype(dtype, copy=False)


def ratio(a: Array, b: Array) -> Array:
    """a / b; 0 where a is 0, and infinite where only b is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(a == 0, 0, a / b), dtype=np.result_type(a, b))
