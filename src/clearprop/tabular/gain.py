"""Is a model better than the predictor that sees no input, and if not, why?

The gain is the mean over held-out rows of how much lower the model's loss is than the loss of the
best constant prediction. Its standard error is that of a mean of differences between paired losses.
A model is better if the gain is above 0 beyond chance, at a level of 5 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clearprop._typing import Array
from clearprop.outputs import AbsoluteError, Huber, Linear, Output, Poisson, Quantile
from clearprop.tabular.bag.calibration import temper
from clearprop.tabular.scores import SMALLEST_P
from clearprop.tabular.target import ClassTarget, NumberTarget

LEAST_ERRORS = 1.645  # standard errors: chance exceeds them in 5 % of cases
FEW_ROWS = 200  # with fewer, the gain is too uncertain, or there is too little to learn from


@dataclass(frozen=True)
class Gain:
    """How much better than a constant held-out rows are predicted.

    value, error: the mean difference of the losses and its standard error.
    constant: the mean loss of the constant prediction, in the same units.
    n: held-out rows.
    reason: why it is not better; "" if it is.
    """

    value: float
    error: float
    constant: float
    n: int
    reason: str = ""

    @classmethod
    def of(cls, model: Array, constant: Array, weight: Array, stopped: str, limit: str) -> Gain:
        """From the losses of rows (n,), their weights, and how training ended.

        limit: the argument that limited the time, with its value.
        """
        counted = weight > 0
        if not counted.any():
            counted, weight = np.ones(len(weight), bool), np.ones(len(weight))
        w = weight[counted].astype(np.float64)
        w = w / w.sum()
        with np.errstate(all="ignore"):
            difference = constant[counted] - model[counted]
            value = float(w @ difference)
            error = float(np.sqrt(w**2 @ (difference - value) ** 2))
        found = cls(value, error, float(w @ constant[counted]), int(counted.sum()))
        if found.is_positive:
            return found
        return cls(found.value, error, found.constant, found.n, _reason(stopped, limit, found.n))

    @property
    def is_positive(self) -> bool:
        """Whether the gain is above 0 beyond chance."""
        return self.value > LEAST_ERRORS * self.error

    @property
    def message(self) -> str:
        """One line for a warning."""
        return (
            f"held-out rows are not predicted better than by a constant: the mean loss of "
            f"{self.n:,} rows is {self.constant - self.value:.4g} instead of {self.constant:.4g}, "
            f"with a standard error of {self.error:.2g} for the difference; {self.reason}"
        )


def _reason(stopped: str, limit: str, n: int) -> str:
    if stopped == "interrupted":
        return "the likely reason is that training was interrupted"
    if stopped == "time_limit":
        return f"the likely reason is that {limit} is too short"
    if stopped == "nonfinite":
        return "the likely reason is that training stopped at NaN or infinity"
    if n < FEW_ROWS:
        return "the likely reason is that there are few rows"
    return "the columns seem to say little or nothing about the target"


def class_losses(
    target: ClassTarget, p: Array, t: Array, weight: Array, exponents: Sequence[float]
) -> tuple[Array, Array]:
    """Log-losses (n,) of probabilities p (n, K), and of the shares of the classes in these rows.

    t (n, K): one-hot for each target. Of several targets the mean. exponents: of the calibration.
    """
    w = weight if weight.any() else np.ones(len(weight))
    pairs = zip(target.groups(p), exponents, strict=True)
    tempered = [temper(p_m.astype(np.float64), beta) for p_m, beta in pairs]
    groups = list(zip(tempered, target.groups(t), strict=True))
    shares = [w @ t_m / w.sum() for _, t_m in groups]
    model = np.mean([_log_loss(p_m, t_m) for p_m, t_m in groups], axis=0)
    constant = [_log_loss(q, t_m) for q, (_, t_m) in zip(shares, groups, strict=True)]
    return model, np.mean(constant, axis=0)


def _log_loss(p: Array, t: Array) -> Array:
    """−log p of what is true, for each row."""
    true = (t * p).sum(axis=1).astype(np.float64)
    return np.asarray(-np.log(np.maximum(true, SMALLEST_P)))


def number_losses(target: NumberTarget, y_hat: Array, y: Array, w: Array) -> tuple[Array, Array]:
    """Losses (n,) of the networks' ŷ, and of the best constant for these rows.

    They are the losses of the output unit, in units of the scale.
    """
    t = target.encode(y).astype(np.float64)
    w = w if w.any() else np.ones(len(w))
    low, high = (
        np.repeat((ends - target.centre) / target.scale, target.n_quantiles)
        for ends in (target.low, target.high)
    )
    z = np.clip(y_hat.astype(np.float64), low, high)
    constant = best_constant(target.output, t, w)
    if isinstance(target.output, Poisson):
        z, constant = (np.log(np.maximum(v, 1e-30)) for v in (z, constant))
    with np.errstate(all="ignore"):
        losses = target.output.loss(z, t)
        return losses, target.output.loss(np.broadcast_to(constant, t.shape), t)


def best_constant(output: Output, t: Array, weight: Array) -> Array:
    """The prediction (K,) with the least mean loss for t (n, K): a mean, median or quantile."""
    if isinstance(output, Linear | Poisson):
        return np.asarray(weight @ t / weight.sum())
    levels = np.full(t.shape[1], 0.5)
    if isinstance(output, Quantile):
        levels = np.tile(output.quantiles, t.shape[1] // len(output.quantiles))
    if not isinstance(output, AbsoluteError | Huber | Quantile):
        return np.asarray(weight @ t / weight.sum())
    order = np.argsort(t, axis=0, kind="stable")
    reached = np.cumsum(weight[order], axis=0) / weight.sum()
    places = (reached < levels - 1e-12).sum(axis=0).clip(0, len(t) - 1)
    columns = np.arange(t.shape[1])
    return np.asarray(t[order[places, columns], columns])
