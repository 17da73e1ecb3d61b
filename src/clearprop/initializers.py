"""Initialisers: the initial W and b of a layer.

An initialiser is a callable (rng, fan_in, fan_out) → (W (fan_out, fan_in), b (fan_out,)), in
float64. rng is a `numpy.random.Generator` or `RandomState`; nothing else is random. W is drawn as
(fan_in, fan_out) and transposed, so that the same stream gives the same weights as in libraries
that store Wᵀ. b is zero unless stated.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from clearprop._typing import Array
from clearprop.checks import check_number
from clearprop.numpy_random import uniform

Rng: TypeAlias = np.random.Generator | np.random.RandomState
Initializer: TypeAlias = Callable[[Rng, int, int], tuple[Array, Array]]


def glorot_uniform(rng: Rng, fan_in: int, fan_out: int) -> tuple[Array, Array]:
    """W ~ U(−a, a), a = √(6/(fan_in + fan_out)); b = 0. Source: Glorot & Bengio 2010."""
    return _uniform(rng, fan_in, fan_out, variance=2 / (fan_in + fan_out))


def glorot_normal(rng: Rng, fan_in: int, fan_out: int) -> tuple[Array, Array]:
    """W ~ N(0, 2/(fan_in + fan_out)); b = 0. Source: Glorot & Bengio 2010."""
    return _normal(rng, fan_in, fan_out, variance=2 / (fan_in + fan_out))


def he_uniform(rng: Rng, fan_in: int, fan_out: int) -> tuple[Array, Array]:
    """W ~ U(−a, a), a = √(6/fan_in); b = 0. For relu. Source: He et al. 2015."""
    return _uniform(rng, fan_in, fan_out, variance=2 / fan_in)


def he_normal(rng: Rng, fan_in: int, fan_out: int) -> tuple[Array, Array]:
    """W ~ N(0, 2/fan_in); b = 0. For relu. Source: He et al. 2015."""
    return _normal(rng, fan_in, fan_out, variance=2 / fan_in)


def lecun_uniform(rng: Rng, fan_in: int, fan_out: int) -> tuple[Array, Array]:
    """W ~ U(−a, a), a = √(3/fan_in); b = 0. Source: LeCun et al. 1998."""
    return _uniform(rng, fan_in, fan_out, variance=1 / fan_in)


def lecun_normal(rng: Rng, fan_in: int, fan_out: int) -> tuple[Array, Array]:
    """W ~ N(0, 1/fan_in); b = 0. For selu. Source: LeCun et al. 1998."""
    return _normal(rng, fan_in, fan_out, variance=1 / fan_in)


def zeros(rng: Rng, fan_in: int, fan_out: int) -> tuple[Array, Array]:
    """W = 0, b = 0. Useful for a last layer; the units of a hidden layer would all stay equal."""
    return np.zeros((fan_out, fan_in)), np.zeros(fan_out)


def constant_weights(value: float, bias: float = 0.0) -> Initializer:
    """The initialiser with W = value and b = bias everywhere.

    Raises ValueError unless both are finite numbers.
    """
    check_number("value", value)
    check_number("bias", bias)
    return _Constant(float(value), float(bias))


def orthogonal(gain: float = 1.0) -> Initializer:
    """The initialiser whose W is gain times a random matrix with orthonormal rows or columns.

    WᵀW = gain²·I if fan_out ≥ fan_in, else WWᵀ = gain²·I; uniform over such matrices; b = 0.
    Raises ValueError unless gain > 0. Source: Saxe et al. 2014; Mezzadri 2007.
    """
    check_number("gain", gain, above=0)
    return _Orthogonal(float(gain))


@dataclass(frozen=True)
class _Constant:
    value: float
    bias: float

    def __call__(self, rng: Rng, fan_in: int, fan_out: int) -> tuple[Array, Array]:
        return np.full((fan_out, fan_in), self.value), np.full(fan_out, self.bias)


@dataclass(frozen=True)
class _Orthogonal:
    gain: float

    def __call__(self, rng: Rng, fan_in: int, fan_out: int) -> tuple[Array, Array]:
        normal = rng.standard_normal((fan_in, fan_out))
        wide = fan_in < fan_out
        columns = normal.T if wide else normal
        rows = _orthonormal_rows(columns.T) if min(fan_in, fan_out) <= FEW else _qr_rows(columns)
        return self.gain * (rows.T if wide else rows), np.zeros(fan_out)


FEW = 64  # rows up to which W is computed without LAPACK, whose bits depend on the processor


def _orthonormal_rows(A: Array) -> Array:
    """Orthonormal rows that span what A's (n, m) first 1, 2, … rows span, n ≤ m: Gram and Schmidt.

    Row k has a positive product with that of A. Twice is enough (Giraud et al. 2005). Sums are in a
    fixed order, so that the bits are the same on every machine.
    """
    Q = np.array(A)
    for k in range(len(Q)):
        q = Q[k]
        for _ in range(2 if k > 0 else 0):
            shares = np.cumsum(Q[:k] * q, axis=1)[:, -1:]
            q -= np.cumsum(shares * Q[:k], axis=0)[-1]
        q /= np.sqrt(np.cumsum(q * q)[-1])
    return Q


def _qr_rows(A: Array) -> Array:
    """The same for the columns of A (m, n), by LAPACK: much faster for many of them."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):  # its bits depend on the number of threads
        q, r = np.linalg.qr(A)
    return np.asarray((q * np.where(np.diag(r) < 0, -1, 1)).T)  # unique factors, W uniform


INITIALIZERS: Mapping[str, Initializer] = MappingProxyType(
    {
        "glorot_uniform": glorot_uniform,
        "glorot_normal": glorot_normal,
        "he_uniform": he_uniform,
        "he_normal": he_normal,
        "lecun_uniform": lecun_uniform,
        "lecun_normal": lecun_normal,
        "orthogonal": orthogonal(),
        "zeros": zeros,
    }
)


def get_initializer(initializer: str | Initializer, argument: str = "initializer") -> Initializer:
    """The initialiser of that name, or the given callable itself.

    Raises ValueError for an unknown name, and TypeError for a value that is neither.
    """
    if isinstance(initializer, str):
        if initializer not in INITIALIZERS:
            raise ValueError(
                f"{argument}: unknown initialiser {initializer!r}; choose from "
                f"{', '.join(INITIALIZERS)}, or give a callable such as constant_weights(0.1)"
            )
        return INITIALIZERS[initializer]
    if not callable(initializer):
        raise TypeError(
            f"{argument} must be a name or a callable (rng, fan_in, fan_out) → (W, b), "
            f"got {initializer!r}"
        )
    return initializer


def _uniform(rng: Rng, fan_in: int, fan_out: int, variance: float) -> tuple[Array, Array]:
    a = math.sqrt(3 * variance)  # U(−a, a) has the variance a²/3
    return uniform(rng, -a, a, fan_out, fan_in), np.zeros(fan_out)


def _normal(rng: Rng, fan_in: int, fan_out: int, variance: float) -> tuple[Array, Array]:
    return rng.normal(0, math.sqrt(variance), (fan_in, fan_out)).T, np.zeros(fan_out)
