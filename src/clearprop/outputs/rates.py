"""Output units for t ≥ 0 with log link: ŷ = exp(z), and half a deviance as ℒ."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.special import xlogy

from clearprop._typing import Array
from clearprop.activations import sigmoid, softplus
from clearprop.checks import check_number
from clearprop.outputs.unit import (
    Y_MINUS_T,
    Elementwise,
    Formulas,
    Kind,
    diagonal,
    ratio,
    real_targets,
)

__all__ = ["Gamma", "NegativeBinomial", "Poisson", "Tweedie"]

EXP = ("eᶻ", "e^{z}")
EXP_SLOPE = ("∂ŷ/∂z = ŷ", "∂ŷ_nk/∂z_nk = ŷ_nk")


class Exponential(Elementwise):
    """The base of the units with log link: ŷ = exp(z), so that ∂ŷ/∂z = ŷ."""

    unit: ClassVar[str] = "exponential"

    def targets(self, t: Array, n_outputs: int, dtype: np.dtype[Any]) -> Array:
        t = real_targets(t, n_outputs, dtype)
        good = t > 0 if self.kind == "positive" else t >= 0
        if not good.all():
            sign = ">" if self.kind == "positive" else ">="
            raise ValueError(f"t must be {sign} 0 for the loss {self.name!r}; got {t[~good][0]}")
        return t

    def y_hat(self, z: Array) -> Array:
        with np.errstate(over="ignore"):  # exp(z) is inf beyond the dtype's range, as it should be
            return np.asarray(np.exp(z))

    def dy_dz(self, z: Array) -> Array:
        return diagonal(self.y_hat(z))

    def dL_dy_hat(self, z: Array, t: Array) -> Array:
        """∂ℒ/∂z / ŷ."""
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray(self.dL_dz(z, t) * np.exp(-z))

    def loss_of_y_hat(self, y_hat: Array, t: Array) -> Array:
        return self.loss(np.log(y_hat), t)

    def best_constant(self, t: Array) -> Array:
        return np.asarray(np.log(np.maximum(t.mean(axis=0), 1e-12)))

    def room(self, y_hat: Array, k: int) -> float:
        return float(y_hat[k])


@dataclass(frozen=True)
class Poisson(Exponential):
    """Exponential units (log link) with half the Poisson deviance, for counts and rates t ≥ 0.

    ŷ = exp(z), ℒ = Σ_k ŷ_k − t_k z_k + (t_k log t_k − t_k), which is 0 at ŷ = t; ∂ℒ/∂z = ŷ − t.
    Source: McCullagh & Nelder, Generalized Linear Models (1989), chapter 2.
    """

    name: ClassVar[str] = "poisson"
    title: ClassVar[str] = "exponential, Poisson’s loss"
    loss_name: ClassVar[str | None] = "poisson"
    kind: ClassVar[Kind] = "count"
    formulas: ClassVar[Formulas] = Formulas(
        f=EXP,
        dy_dz=EXP_SLOPE,
        loss=(
            "Σ_k [ŷ_k − t_k log ŷ_k + t_k log t_k − t_k]",
            r"\sum_k\left[\hat y_k-t_k\log\hat y_k+t_k\log t_k-t_k\right]",
        ),
        by_y_hat=("1 − t / ŷ", r"1-\mathbf{t}/\hat{\mathbf{y}}"),
        by_z=Y_MINUS_T,
        note="ŷ − t: ŷ = eᶻ and the 1/ŷ of the loss cancel",
    )

    def loss(self, z: Array, t: Array) -> Array:
        return np.asarray((self.y_hat(z) - t * z + (xlogy(t, t) - t)).sum(axis=1))

    def dL_dz(self, z: Array, t: Array) -> Array:
        return np.asarray(self.y_hat(z) - t)

    def dL_dy_hat(self, z: Array, t: Array) -> Array:
        return 1 - ratio(t, self.y_hat(z))

    def loss_of_y_hat(self, y_hat: Array, t: Array) -> Array:
        return np.asarray((y_hat - xlogy(t, y_hat) + xlogy(t, t) - t).sum(axis=1))


@dataclass(frozen=True)
class Gamma(Exponential):
    """Exponential units (log link) with half the gamma deviance, for quantities t > 0.

    ŷ = exp(z), ℒ = Σ_k log(ŷ_k / t_k) + t_k / ŷ_k − 1, which is 0 at ŷ = t; ∂ℒ/∂z = 1 − t/ŷ. The
    standard deviation of t is assumed to be proportional to its mean, as in GammaRegressor.
    Source: McCullagh & Nelder, Generalized Linear Models (1989), chapter 8.
    """

    name: ClassVar[str] = "gamma"
    title: ClassVar[str] = "exponential, gamma deviance"
    loss_name: ClassVar[str | None] = "gamma"
    kind: ClassVar[Kind] = "positive"
    formulas: ClassVar[Formulas] = Formulas(
        f=EXP,
        dy_dz=EXP_SLOPE,
        loss=(
            "Σ_k [log(ŷ_k / t_k) + t_k / ŷ_k − 1]",
            r"\sum_k\left[\log(\hat y_k/t_k)+t_k/\hat y_k-1\right]",
        ),
        by_y_hat=("1/ŷ − t/ŷ²", r"1/\hat{\mathbf{y}}-\mathbf{t}/\hat{\mathbf{y}}^2"),
        by_z=("1 − t/ŷ", r"1-\mathbf{t}/\hat{\mathbf{y}}"),
        note="1 − t/ŷ: ∂ŷ/∂z = ŷ cancels one ŷ of ∂ℒ/∂ŷ",
    )

    def _ratio(self, z: Array, t: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.asarray(t * np.exp(-z))

    def loss(self, z: Array, t: Array) -> Array:
        return np.asarray(((z - np.log(t)) + (self._ratio(z, t) - 1)).sum(axis=1))

    def dL_dz(self, z: Array, t: Array) -> Array:
        return 1 - self._ratio(z, t)

    def loss_of_y_hat(self, y_hat: Array, t: Array) -> Array:
        return np.asarray((np.log(y_hat / t) + t / y_hat - 1).sum(axis=1))


@dataclass(frozen=True)
class Tweedie(Exponential):
    """Exponential units (log link) with half the Tweedie deviance, for t ≥ 0 with many zeros.

    ŷ = exp(z), ℒ = Σ_k ŷ_k^(2−p)/(2−p) + t_k ŷ_k^(1−p)/(p−1) − t_k^(2−p)/((p−1)(2−p)), which is 0
    at ŷ = t; ∂ℒ/∂z = ŷ^(2−p) − t ŷ^(1−p). power: p, strictly between 1 (Poisson) and 2 (gamma); the
    variance of t is assumed to be proportional to mean^p, as in TweedieRegressor.
    Source: Jørgensen, The Theory of Dispersion Models (1997), chapter 4.
    """

    power: float = 1.5
    name: ClassVar[str] = "tweedie"
    title: ClassVar[str] = "exponential, Tweedie deviance"
    loss_name: ClassVar[str | None] = "tweedie"
    kind: ClassVar[Kind] = "count"
    formulas: ClassVar[Formulas] = Formulas(
        f=EXP,
        dy_dz=EXP_SLOPE,
        loss=(
            "Σ_k [ŷ_k^(2−p)/(2−p) + t_k ŷ_k^(1−p)/(p−1) − t_k^(2−p)/((p−1)(2−p))]",
            r"\sum_k\left[\frac{\hat y_k^{2-p}}{2-p}+\frac{t_k\hat y_k^{1-p}}{p-1}"
            r"-\frac{t_k^{2-p}}{(p-1)(2-p)}\right]",
        ),
        by_y_hat=("(ŷ − t) / ŷ^p", r"(\hat{\mathbf{y}}-\mathbf{t})/\hat{\mathbf{y}}^p"),
        by_z=("(ŷ − t) / ŷ^(p−1)", r"(\hat{\mathbf{y}}-\mathbf{t})/\hat{\mathbf{y}}^{p-1}"),
        note="∂ŷ/∂z = ŷ cancels one ŷ of ∂ℒ/∂ŷ",
    )

    def __post_init__(self) -> None:
        check_number("power", self.power, above=1, below=2)

    def constants(self, n_outputs: int) -> tuple[float, ...]:
        return (self.power,)

    def _powers(self, z: Array, t: Array) -> tuple[Array, Array]:
        """ŷ^(2−p) and t ŷ^(1−p)."""
        with np.errstate(over="ignore"):
            power = np.exp((2 - self.power) * z)
            inverse = np.exp((1 - self.power) * z)
            return power, np.multiply(t, inverse, where=t > 0, out=np.zeros_like(power))

    def loss(self, z: Array, t: Array) -> Array:
        power, rest = self._powers(z, t)
        a, b = 2 - self.power, self.power - 1
        return np.asarray((power / a + rest / b - t**a / (a * b)).sum(axis=1))

    def dL_dz(self, z: Array, t: Array) -> Array:
        power, rest = self._powers(z, t)
        return power - rest


@dataclass(frozen=True)
class NegativeBinomial(Exponential):
    """Exponential units (log link) with half the negative binomial deviance, for counts t ≥ 0.

    The variance of t is ŷ + αŷ², α the dispersion; α → 0 is Poisson's. With u = log(αŷ) = z + log α
    and v = log(αt): ŷ = exp(z), ℒ = Σ_k t_k [softplus(−u) − softplus(−v)] + [softplus(u) −
    softplus(v)] / α, which is 0 at ŷ = t; ∂ℒ/∂z = (ŷ − t)/(1 + αŷ) = σ(u)/α − t σ(−u).
    Source: Hilbe, Negative Binomial Regression (2011), chapter 8.
    """

    dispersion: float = 1.0
    name: ClassVar[str] = "negative_binomial"
    title: ClassVar[str] = "exponential, negative binomial deviance"
    loss_name: ClassVar[str | None] = "negative_binomial"
    kind: ClassVar[Kind] = "count"
    formulas: ClassVar[Formulas] = Formulas(
        f=EXP,
        dy_dz=EXP_SLOPE,
        loss=(
            "Σ_k [t_k log(t_k / ŷ_k) − (t_k + 1/α) log((1 + αt_k) / (1 + αŷ_k))]",
            r"\sum_k\left[t_k\log\frac{t_k}{\hat y_k}"
            r"-(t_k+\tfrac1\alpha)\log\frac{1+\alpha t_k}{1+\alpha\hat y_k}\right]",
        ),
        by_y_hat=(
            "(ŷ − t) / (ŷ (1 + αŷ))",
            r"(\hat{\mathbf{y}}-\mathbf{t})/(\hat{\mathbf{y}}(1+\alpha\hat{\mathbf{y}}))",
        ),
        by_z=(
            "(ŷ − t) / (1 + αŷ)",
            r"(\hat{\mathbf{y}}-\mathbf{t})/(1+\alpha\hat{\mathbf{y}})",
        ),
        note="∂ŷ/∂z = ŷ cancels the ŷ of ∂ℒ/∂ŷ",
    )

    def __post_init__(self) -> None:
        check_number("dispersion", self.dispersion, above=0)

    def constants(self, n_outputs: int) -> tuple[float, ...]:
        return (self.dispersion, math.log(self.dispersion))

    def loss(self, z: Array, t: Array) -> Array:
        u = z + math.log(self.dispersion)
        with np.errstate(divide="ignore"):
            v = np.log(self.dispersion * t)  # −∞ where t is 0: softplus(v) = 0
        ones = np.where(t > 0, softplus(-u) - softplus(-np.where(t > 0, v, 0)), 0)
        return np.asarray((t * ones + (softplus(u) - softplus(v)) / self.dispersion).sum(axis=1))

    def dL_dz(self, z: Array, t: Array) -> Array:
        u = z + math.log(self.dispersion)
        return np.asarray(sigmoid(u) / self.dispersion - t * sigmoid(-u))
