"""Output units for quantities: linear units with their losses, and a mean with its variance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from clearprop._typing import Array
from clearprop.outputs.unit import Y_MINUS_T, Elementwise, Formulas, Output, diagonal, real_targets

__all__ = ["AbsoluteError", "Gaussian", "Huber", "Linear", "Quantile"]


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


@dataclass(frozen=True)
class Gaussian(Output):
    """A mean and a log-variance for each target, with the normal law's negative log-likelihood.

    z = (μ, s) side by side for each column of t, ŷ = (μ, σ) with σ = e^(s/2), and
    ℒ = Σ ½[s + (t − μ)² e^(−s) + log 2π]; ∂ℒ/∂μ = (μ − t)/σ², ∂ℒ/∂s = ½[1 − (t − μ)²/σ²].
    With M columns of t there are K = 2M outputs.
    Source: Nix & Weigend, Estimating the mean and variance of the target probability distribution,
    ICNN 1994.
    """

    name: ClassVar[str] = "gaussian"
    unit: ClassVar[str] = "gaussian"
    title: ClassVar[str] = "mean and variance, normal likelihood"
    loss_name: ClassVar[str | None] = "gaussian"
    formulas: ClassVar[Formulas] = Formulas(
        f=("(μ, e^(s/2))", r"(\mu, e^{s/2})"),
        dy_dz=("∂ŷ/∂z = (1, σ/2)", "∂μ/∂μ = 1, ∂σ_nk/∂s_nk = σ_nk/2"),
        loss=(
            "Σ ½[log σ² + (t − μ)²/σ² + log 2π]",
            r"\sum\tfrac12\left[\log\sigma^2+(t-\mu)^2/\sigma^2+\log2\pi\right]",
        ),
        by_y_hat=(
            "((μ − t)/σ², 1/σ − (t − μ)²/σ³)",
            r"((\mu-t)/\sigma^2,\ 1/\sigma-(t-\mu)^2/\sigma^3)",
        ),
        by_z=(
            "((μ − t)/σ², ½[1 − (t − μ)²/σ²])",
            r"((\mu-t)/\sigma^2,\ \tfrac12[1-(t-\mu)^2/\sigma^2])",
        ),
        note="the surprise of t in standard deviations, (t − μ)/σ, is all that counts",
    )

    @property
    def width(self) -> int:
        return 2

    def check_outputs(self, n_outputs: int) -> None:
        if n_outputs % 2:
            raise ValueError(f"the number of outputs must be even (μ and s); got {n_outputs}")

    def targets(self, t: Array, n_outputs: int, dtype: np.dtype[Any]) -> Array:
        return np.repeat(real_targets(t, n_outputs // 2, dtype), 2, axis=1)

    def y_hat(self, z: Array) -> Array:
        y_hat = z.copy()
        with np.errstate(over="ignore"):
            y_hat[:, 1::2] = np.exp(z[:, 1::2] / 2)
        return y_hat

    def _scaled(self, z: Array, t: Array) -> tuple[Array, Array]:
        """(μ − t)/σ² and (μ − t)²/σ², 0 where μ = t also if 1/σ² is infinite."""
        r = z[:, ::2] - t[:, ::2]
        with np.errstate(over="ignore"):
            inverse = np.exp(-z[:, 1::2])
            first = np.multiply(r, inverse, where=r != 0, out=np.zeros_like(r))
            return first, first * r

    def loss(self, z: Array, t: Array) -> Array:
        _, square = self._scaled(z, t)
        return np.asarray((0.5 * (z[:, 1::2] + square + math.log(2 * math.pi))).sum(axis=1))

    def dL_dz(self, z: Array, t: Array) -> Array:
        dL_dz = np.empty_like(z)
        dL_dz[:, ::2], square = self._scaled(z, t)
        dL_dz[:, 1::2] = 0.5 * (1 - square)
        return dL_dz

    def dL_dy_hat(self, z: Array, t: Array) -> Array:
        result = self.dL_dz(z, t)
        with np.errstate(over="ignore", invalid="ignore"):
            result[:, 1::2] *= 2 * np.exp(-z[:, 1::2] / 2)
        return result

    def dy_dz(self, z: Array) -> Array:
        slopes = np.ones_like(z)
        slopes[:, 1::2] = self.y_hat(z)[:, 1::2] / 2
        return diagonal(slopes)

    def prediction(self, y_hat: Array) -> Array:
        return y_hat[:, ::2]

    def std(self, y_hat: Array) -> Array | None:
        return y_hat[:, 1::2]

    def best_constant(self, t: Array) -> Array:
        z: Array = t.mean(axis=0)
        z[1::2] = np.log(np.maximum(t[:, 1::2].var(axis=0), 1e-12))
        return z

    def loss_of_y_hat(self, y_hat: Array, t: Array) -> Array:
        z = y_hat.copy()
        z[:, 1::2] = 2 * np.log(y_hat[:, 1::2])
        return self.loss(z, t)

    def room(self, y_hat: Array, k: int) -> float:
        return float(y_hat[k]) if k % 2 else float("inf")
