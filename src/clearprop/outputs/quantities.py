"""Output units for quantities: linear units with their losses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from clearprop._typing import Array
from clearprop.outputs.unit import Y_MINUS_T, Elementwise, Formulas, Output, real_targets

__all__ = ["AbsoluteError", "Huber", "Linear", "Quantile"]


@dataclass(frozen=True)
class Linear(Elementwise):
    """Linear units with the squared error: ŷ = z, ℒ = ½ Σ_k (ŷ_k − t_k)², ∂ℒ/∂z = ŷ − t."""

    name: ClassVar[str] = "linear"
    unit: ClassVar[str] = "linear"
    title: ClassVar[str] = "linear, squared error"
    loss_name: ClassVar[str | None] = "squared_error"
    formulas: ClassVar[Formulas] = Formulas(
        loss=("½ Σ_k (ŷ_k − t_k)²", r"\tfrac12\sum_k(\hat y_k-t_k)^2"), by_z=Y_MINUS_T
    )

    def loss(self, z: Array, t: Array) -> Array:
        return np.asarray(0.5 * ((z - t) ** 2).sum(axis=1))

    def dL_dz(self, z: Array, t: Array) -> Array:
        return np.asarray(z - t)


@dataclass(frozen=True)
class AbsoluteError(Elementwise):
    """Linear units with the absolute error: ŷ = z, ℒ = Σ_k |ŷ_k − t_k|; optimal is the median."""

    name: ClassVar[str] = "absolute_error"
    unit: ClassVar[str] = "linear"
    title: ClassVar[str] = "linear, absolute error"
    loss_name: ClassVar[str | None] = "absolute_error"
    formulas: ClassVar[Formulas] = Formulas(loss=("Σ_k |ŷ_k − t_k|", r"\sum_k|\hat y_k-t_k|"))

    def loss(self, z: Array, t: Array) -> Array:
        return np.asarray(np.abs(z - t).sum(axis=1))

    def dL_dz(self, z: Array, t: Array) -> Array:
        return np.asarray(np.sign(z - t))

    def piece(self, z: Array, t: Array) -> Array:
        return np.asarray(np.sign(z - t))


@dataclass(frozen=True)
class Huber(Elementwise):
    """Linear units with Huber's loss: ½r² for |r| ≤ δ, else δ(|r| − ½δ), with r = ŷ − t.

    Source: Huber, Robust estimation of a location parameter, Ann. Math. Statist. 35 (1964).
    """

    delta: float = 1.0
    name: ClassVar[str] = "huber"
    unit: ClassVar[str] = "linear"
    title: ClassVar[str] = "linear, Huber’s loss"
    loss_name: ClassVar[str | None] = "huber"
    formulas: ClassVar[Formulas] = Formulas(
        loss=("Σ_k Huber(ŷ_k − t_k)", r"\sum_k\mathrm{Huber}_\delta(\hat y_k-t_k)")
    )

    def __post_init__(self) -> None:
        if not (self.delta > 0 and np.isfinite(self.delta)):
            raise ValueError(f"delta must be a positive number; got {self.delta!r}")

    def constants(self, n_outputs: int) -> tuple[float, ...]:
        return (self.delta,)

    def loss(self, z: Array, t: Array) -> Array:
        r = np.abs(z - t)
        c = np.minimum(r, self.delta)  # ½c² + δ(r − c) is both branches at once
        return np.asarray((0.5 * c**2 + self.delta * (r - c)).sum(axis=1))

    def dL_dz(self, z: Array, t: Array) -> Array:
        return np.asarray(np.clip(z - t, -self.delta, self.delta))

    def piece(self, z: Array, t: Array) -> Array:
        return np.asarray(np.sign(z - t - self.delta) + np.sign(z - t + self.delta))


@dataclass(frozen=True)
class Quantile(Elementwise):
    """Linear units with the pinball loss, one output per quantile and target column.

    ℒ = Σ_q max(q (t − ŷ_q), (q − 1)(t − ŷ_q)); the optimum ŷ_q is the q-quantile of t given x.
    With Q quantiles and M target columns there are K = M·Q outputs, the quantiles of one target
    side by side. Source: Koenker & Bassett, Regression quantiles, Econometrica 46 (1978).
    """

    quantiles: tuple[float, ...] = (0.5,)
    name: ClassVar[str] = "quantile"
    unit: ClassVar[str] = "linear"
    title: ClassVar[str] = "linear, pinball loss"
    loss_name: ClassVar[str | None] = "quantile"
    formulas: ClassVar[Formulas] = Formulas(
        loss=(
            "Σ_q max(q (t − ŷ_q), (q − 1)(t − ŷ_q))",
            r"\sum_q\max(q(t-\hat y_q),(q-1)(t-\hat y_q))",
        )
    )

    def __post_init__(self) -> None:
        values = np.atleast_1d(np.asarray(self.quantiles, dtype=float))
        if values.ndim != 1 or values.size == 0 or not ((values > 0) & (values < 1)).all():
            raise ValueError(f"quantiles must lie strictly between 0 and 1; got {self.quantiles!r}")
        object.__setattr__(self, "quantiles", tuple(float(q) for q in values))

    @property
    def width(self) -> int:
        return len(self.quantiles)

    def constants(self, n_outputs: int) -> tuple[float, ...]:
        return self.quantiles

    def check_outputs(self, n_outputs: int) -> None:
        if n_outputs % len(self.quantiles):
            raise ValueError(
                f"the number of outputs must be a multiple of the {len(self.quantiles)} quantiles; "
                f"got {n_outputs}"
            )

    def targets(self, t: Array, n_outputs: int, dtype: np.dtype[Any]) -> Array:
        t = real_targets(t, n_outputs // len(self.quantiles), dtype)
        return np.repeat(t, len(self.quantiles), axis=1)

    def _q(self, z: Array) -> Array:
        return np.tile(np.asarray(self.quantiles, dtype=z.dtype), z.shape[1] // len(self.quantiles))

    def loss(self, z: Array, t: Array) -> Array:
        r, q = t - z, self._q(z)
        return np.asarray(np.maximum(q * r, (q - 1) * r).sum(axis=1))

    def dL_dz(self, z: Array, t: Array) -> Array:
        q = self._q(z)
        return np.asarray(np.where(z > t, 1 - q, np.where(z < t, -q, np.zeros_like(z))))

    def piece(self, z: Array, t: Array) -> Array:
        return np.asarray(np.sign(z - t))

    def prediction(self, y_hat: Array) -> Array:
        return y_hat if self.width == 1 else y_hat.reshape(len(y_hat), -1, self.width)

    def alone(self, k: int) -> Output | None:
        return Quantile((self.quantiles[k % self.width],))
