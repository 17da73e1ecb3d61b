"""The quantities that attributions add up to, as functions of the z⁽ᴸ⁾ of several networks.

Each record has the pair `value` and `gradients`, for z (M, n, K): M networks, n points. What they
give depends on the mean ŷ over the networks, as the predictions of a bag do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import logsumexp

from clearprop._typing import Array
from clearprop.outputs import Output, Softmax, log_softmax


class Link(Protocol):
    """F (n, Q) of z (M, n, K), and ∂F_q/∂z (M, n, K) for each q in turn. scale: F in words."""

    @property
    def scale(self) -> str: ...
    def value(self, z: Array) -> Array: ...
    def gradients(self, z: Array) -> Iterator[Array]: ...


@dataclass(frozen=True)
class LogOdds:
    """F_k = log(p_k / (1 − p_k)) with p ∝ p̄^β in each group of classes, p̄ the mean over networks.

    Of a group of two classes there is F of the second one only, as the other is its negative.
    groups: the columns of z of each; of a logistic unit one column, for the classes 0 and 1.
    exponents: β of each group.
    """

    groups: tuple[slice, ...]
    logistic: bool
    exponents: tuple[float, ...]
    scale: str = "log-odds"

    def value(self, z: Array) -> Array:
        columns = []
        for number, beta in enumerate(self.exponents):
            log_p = beta * _log_mean(self._log_p(z, number))
            columns += [log_p[:, k] - _without(log_p, k) for k in _named(log_p.shape[1])]
        return np.stack(columns, axis=1)

    def gradients(self, z: Array) -> Iterator[Array]:
        for number, beta in enumerate(self.exponents):
            log_p = self._log_p(z, number)  # (M, n, K_g)
            mean = _log_mean(log_p)
            # ∂ log p̄_j / ∂ log p_mj, and ∂ log p_mj / ∂z_mi = δ_ji − p_mi
            share = np.exp(log_p - mean) / len(z)
            p = np.exp(log_p)
            for k in _named(mean.shape[1]):
                dF = -np.exp(beta * mean - _without(beta * mean, k)[:, None])
                dF[:, k] = 1
                dF_dlog_p = beta * dF * share
                dz = dF_dlog_p - p * dF_dlog_p.sum(axis=2, keepdims=True)
                full = np.zeros_like(z)
                full[:, :, self.groups[number]] = dz[:, :, 1:] if self.logistic else dz
                yield full

    def _log_p(self, z: Array, number: int) -> Array:
        part = z[:, :, self.groups[number]]
        if self.logistic:
            part = np.concatenate([np.zeros_like(part), part], axis=2)
        return log_softmax(part)


def _named(n_classes: int) -> Sequence[int]:
    return range(1, 2) if n_classes == 2 else range(n_classes)


def _log_mean(log_p: Array) -> Array:
    """log of the mean over the networks, (n, K)."""
    return np.asarray(logsumexp(log_p, axis=0) - np.log(len(log_p)))


def _without(log_p: Array, k: int) -> Array:
    """log Σ_{j≠k} p_j, (n,)."""
    return np.asarray(logsumexp(np.delete(log_p, k, axis=1), axis=1))


@dataclass(frozen=True, eq=False)
class LogMean:
    """F = log(factor · the mean of eᶻ over the networks), of exponential units; factor (K,)."""

    factor: Array
    scale: str = "log"

    def value(self, z: Array) -> Array:
        return np.asarray(_log_mean(z) + np.log(self.factor))

    def gradients(self, z: Array) -> Iterator[Array]:
        share = np.exp(z - _log_mean(z)) / len(z)
        for k in range(z.shape[2]):
            full = np.zeros_like(z)
            full[:, :, k] = share[:, :, k]
            yield full


@dataclass(frozen=True, eq=False)
class Mean:
    """F = centre + factor · the mean ŷ over the networks; centre, factor: (K,)."""

    output: Output
    centre: Array
    factor: Array
    scale: str = "ŷ"

    def value(self, z: Array) -> Array:
        y_hat = np.mean([self.output.y_hat(z_m) for z_m in z], axis=0)
        return np.asarray(self.centre + self.factor * y_hat)

    def gradients(self, z: Array) -> Iterator[Array]:
        dy_dz = np.stack([self.output.dy_dz(z_m) for z_m in z])  # (M, n, K, K)
        for k, factor in enumerate(self.factor):
            yield factor / len(z) * dy_dz[:, :, k]


def link_of(output: Output, n_outputs: int, exponents: Sequence[float] | None = None) -> Link:
    """Log-odds of probabilities, logarithms of exponential units, ŷ itself of all others."""
    one = np.ones(n_outputs)
    if output.unit == "logistic":
        columns = tuple(slice(k, k + 1) for k in range(n_outputs))
        return LogOdds(columns, True, tuple(exponents or one.tolist()))
    if isinstance(output, Softmax):
        groups = tuple(output.groups(n_outputs))
        if any(group.stop - group.start == 1 for group in groups):
            raise ValueError("a target with one class has nothing to attribute")
        return LogOdds(groups, False, tuple(exponents or [1.0] * len(groups)))
    if output.unit == "exponential":
        return LogMean(one)
    return Mean(output, 0 * one, one)
