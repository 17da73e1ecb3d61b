"""Output units with their losses: one record is the pair (f, ℒ) over z, the z of layer L.

The lecture's three output units are linear, logistic and softmax. Unit and loss are one object,
because only the pair has a stable value and a simple derivative: softmax with cross-entropy gives
∂ℒ/∂z = ŷ − t, and so does logistic with binary cross-entropy, and linear with squared error.

Every loss here is per sample; the mean over samples is taken in one place only,
:func:`clearprop.propagation.back_propagation` and :func:`clearprop.propagation.mean_loss`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.special import xlogy

from clearprop._typing import Array
from clearprop.activations import sigmoid


def softmax(z: Array, axis: int = -1) -> Array:
    """P(t = k | x) = exp(z_k) / Σ_j exp(z_j) along `axis`, unchanged by adding a constant to z.

    z: logits of any shape; the result has the same shape and sums to 1 along `axis`.
    Source: the lecture, "Multi-class cross-entropy loss and softmax".
    """
    z = _floating(z)
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return np.asarray(e / e.sum(axis=axis, keepdims=True))


def log_softmax(z: Array, axis: int = -1) -> Array:
    """log softmax(z) = z − log Σ_j exp(z_j) along `axis`, in nats, also where softmax is 0."""
    z = _floating(z)
    z = z - z.max(axis=axis, keepdims=True)
    return np.asarray(z - np.log(np.exp(z).sum(axis=axis, keepdims=True)))


def softmax_jacobian(z: Array) -> Array:
    """∂ŷ/∂z of the softmax: ∂ŷ_i/∂z_j = ŷ_i (δ_ij − ŷ_j).

    z: (K,) or (N, K); the result is (K, K) or (N, K, K), symmetric, each row summing to 0.
    """
    y_hat = softmax(z)
    return np.asarray(
        y_hat[..., :, None] * (np.eye(y_hat.shape[-1], dtype=y_hat.dtype) - y_hat[..., None, :])
    )


def _floating(z: Array) -> Array:
    z = np.asarray(z)
    return z if np.issubdtype(z.dtype, np.floating) else z.astype(np.float64)


def _diagonal(d: Array) -> Array:
    """diag(d): (..., K) to (..., K, K)."""
    J = np.zeros((*d.shape, d.shape[-1]), dtype=d.dtype)
    k = np.arange(d.shape[-1])
    J[..., k, k] = d
    return J


class Output(ABC):
    """An output unit f with its loss ℒ, both as functions of z (N, K).

    `unit` is the lecture's name of f; `name` is the key in :data:`OUTPUTS`.
    """

    name: ClassVar[str]
    unit: ClassVar[str]

    def y_hat(self, z: Array) -> Array:
        """ŷ = f(z), (N, K); the identity unless the unit says otherwise."""
        return z

    @abstractmethod
    def loss(self, z: Array, t: Array) -> Array:
        """ℒ of each sample, (N,), summed over the K outputs; t as :meth:`targets` returns it."""

    @abstractmethod
    def dL_dz(self, z: Array, t: Array) -> Array:
        """∂ℒ/∂z of each sample's own loss, (N, K)."""

    def dL_dy_hat(self, z: Array, t: Array) -> Array:
        """∂ℒ/∂ŷ of each sample's own loss, (N, K), with ∂ℒ/∂z = ∂ŷ/∂z ∂ℒ/∂ŷ.

        It is there to be looked at. Where ŷ has vanished it is infinite although ∂ℒ/∂z is not,
        which is why nothing is computed from it.
        """
        return self.dL_dz(z, t)

    def dy_dz(self, z: Array) -> Array:
        """The Jacobian ∂ŷ/∂z, (N, K, K); diagonal for all units but the softmax."""
        return _diagonal(np.ones_like(z))

    def targets(self, t: Array, n_outputs: int, dtype: np.dtype[Any]) -> Array:
        """Check t against K = `n_outputs` and return it as the other methods expect it."""
        return real_targets(t, n_outputs, dtype)

    def piece(self, z: Array, t: Array) -> Array | None:
        """Which smooth piece of ℒ each entry of z is on, (N, K); None if ℒ is smooth everywhere."""
        return None

    def check_outputs(self, n_outputs: int) -> None:
        """Raise ValueError if the unit cannot have `n_outputs` outputs; most can have any."""
        return


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


@dataclass(frozen=True)
class Linear(Output):
    """Linear units with the squared error: ŷ = z, ℒ = ½ Σ_k (ŷ_k − t_k)², ∂ℒ/∂z = ŷ − t."""

    name: ClassVar[str] = "linear"
    unit: ClassVar[str] = "linear"

    def loss(self, z: Array, t: Array) -> Array:
        return np.asarray(0.5 * ((z - t) ** 2).sum(axis=1))

    def dL_dz(self, z: Array, t: Array) -> Array:
        return np.asarray(z - t)


@dataclass(frozen=True)
class AbsoluteError(Output):
    """Linear units with the absolute error: ŷ = z, ℒ = Σ_k |ŷ_k − t_k|; optimal is the median."""

    name: ClassVar[str] = "absolute_error"
    unit: ClassVar[str] = "linear"

    def loss(self, z: Array, t: Array) -> Array:
        return np.asarray(np.abs(z - t).sum(axis=1))

    def dL_dz(self, z: Array, t: Array) -> Array:
        return np.asarray(np.sign(z - t))

    def piece(self, z: Array, t: Array) -> Array:
        return np.asarray(np.sign(z - t))


@dataclass(frozen=True)
class Huber(Output):
    """Linear units with Huber's loss: ½r² for |r| ≤ δ, else δ(|r| − ½δ), with r = ŷ − t.

    Source: Huber, Robust estimation of a location parameter, Ann. Math. Statist. 35 (1964).
    """

    delta: float = 1.0
    name: ClassVar[str] = "huber"
    unit: ClassVar[str] = "linear"

    def __post_init__(self) -> None:
        if not (self.delta > 0 and np.isfinite(self.delta)):
            raise ValueError(f"delta must be a positive number; got {self.delta!r}")

    def loss(self, z: Array, t: Array) -> Array:
        r = np.abs(z - t)
        c = np.minimum(r, self.delta)  # ½c² + δ(r − c) is both branches at once
        return np.asarray((0.5 * c**2 + self.delta * (r - c)).sum(axis=1))

    def dL_dz(self, z: Array, t: Array) -> Array:
        return np.asarray(np.clip(z - t, -self.delta, self.delta))

    def piece(self, z: Array, t: Array) -> Array:
        return np.asarray(np.sign(z - t - self.delta) + np.sign(z - t + self.delta))


@dataclass(frozen=True)
class Quantile(Output):
    """Linear units with the pinball loss, one output per quantile and target column.

    ℒ = Σ_q max(q (t − ŷ_q), (q − 1)(t − ŷ_q)); the optimum ŷ_q is the q-quantile of t given x.
    With Q quantiles and M target columns there are K = M·Q outputs, the quantiles of one target
    side by side. Source: Koenker & Bassett, Regression quantiles, Econometrica 46 (1978).
    """

    quantiles: tuple[float, ...] = (0.5,)
    name: ClassVar[str] = "quantile"
    unit: ClassVar[str] = "linear"

    def __post_init__(self) -> None:
        values = np.atleast_1d(np.asarray(self.quantiles, dtype=float))
        if values.ndim != 1 or values.size == 0 or not ((values > 0) & (values < 1)).all():
            raise ValueError(f"quantiles must lie strictly between 0 and 1; got {self.quantiles!r}")
        object.__setattr__(self, "quantiles", tuple(float(q) for q in values))

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


@dataclass(frozen=True)
class Poisson(Output):
    """Exponential units (log link) with half the Poisson deviance, for counts and rates t ≥ 0.

    ŷ = exp(z), ℒ = Σ_k ŷ_k − t_k z_k + (t_k log t_k − t_k), which is 0 at ŷ = t; ∂ℒ/∂z = ŷ − t.
    Source: McCullagh & Nelder, Generalized Linear Models (1989), chapter 2.
    """

    name: ClassVar[str] = "poisson"
    unit: ClassVar[str] = "exponential"

    def targets(self, t: Array, n_outputs: int, dtype: np.dtype[Any]) -> Array:
        t = real_targets(t, n_outputs, dtype)
        if not (t >= 0).all():
            raise ValueError(f"t must be >= 0 for the Poisson loss; got {t[~(t >= 0)][0]}")
        return t

    def y_hat(self, z: Array) -> Array:
        with np.errstate(over="ignore"):  # exp(z) is inf beyond the dtype's range, as it should be
            return np.asarray(np.exp(z))

    def loss(self, z: Array, t: Array) -> Array:
        return np.asarray((self.y_hat(z) - t * z + (xlogy(t, t) - t)).sum(axis=1))

    def dL_dz(self, z: Array, t: Array) -> Array:
        return np.asarray(self.y_hat(z) - t)

    def dL_dy_hat(self, z: Array, t: Array) -> Array:
        return 1 - _ratio(t, self.y_hat(z))

    def dy_dz(self, z: Array) -> Array:
        return _diagonal(self.y_hat(z))


@dataclass(frozen=True)
class Logistic(Output):
    """Logistic units with binary cross-entropy: one output, or K independent ones (multi-label).

    ŷ = 1/(1 + exp(−z)), ℒ = Σ_k −t_k log ŷ_k − (1 − t_k) log(1 − ŷ_k)
    = Σ_k softplus(z_k) − t_k z_k, ∂ℒ/∂z = ŷ − t; t is 0/1 or a probability.
    With label smoothing ε, t is replaced by (1 − ε)t + ε/2.
    Source: the lecture, "Binary cross-entropy loss".
    """

    label_smoothing: float = 0.0
    name: ClassVar[str] = "logistic"
    unit: ClassVar[str] = "logistic"

    def __post_init__(self) -> None:
        check_label_smoothing(self.label_smoothing)

    def targets(self, t: Array, n_outputs: int, dtype: np.dtype[Any]) -> Array:
        t = real_targets(t, n_outputs, dtype)
        if not ((t >= 0) & (t <= 1)).all():
            bad = t[~((t >= 0) & (t <= 1))][0]
            raise ValueError(f"t must be probabilities between 0 and 1; got {bad}")
        return t * (1 - self.label_smoothing) + self.label_smoothing / 2

    def y_hat(self, z: Array) -> Array:
        return sigmoid(z)

    def loss(self, z: Array, t: Array) -> Array:
        # softplus(z) − t z, with softplus(z) = max(z, 0) + log(1 + exp(−|z|)); each part is ≥ 0
        return np.asarray(
            (np.maximum(z, 0) * (1 - t) - np.minimum(z, 0) * t + np.log1p(np.exp(-np.abs(z)))).sum(
                axis=1
            )
        )

    def dL_dz(self, z: Array, t: Array) -> Array:
        return np.asarray(sigmoid(z) - t)

    def dL_dy_hat(self, z: Array, t: Array) -> Array:
        return _ratio(1 - t, sigmoid(-z)) - _ratio(t, sigmoid(z))

    def dy_dz(self, z: Array) -> Array:
        return _diagonal(sigmoid(z) * sigmoid(-z))


@dataclass(frozen=True)
class Softmax(Output):
    """Softmax units with cross-entropy, for one class out of K.

    ŷ = softmax(z), ℒ = −Σ_k t_k log ŷ_k, ∂ℒ/∂z = ŷ − t. t: class indices (N,) from 0 to K − 1, or
    distributions (N, K). With label smoothing ε, t is replaced by (1 − ε)t + ε/K.
    `sizes` cuts the outputs into several softmax groups (several class targets at once,
    K = Σ sizes); t is then (N, len(sizes)) class indices, and the losses of the groups add up.
    Source: the lecture, "Multi-class cross-entropy loss and softmax".
    """

    label_smoothing: float = 0.0
    sizes: tuple[int, ...] | None = None
    name: ClassVar[str] = "softmax"
    unit: ClassVar[str] = "softmax"

    def __post_init__(self) -> None:
        check_label_smoothing(self.label_smoothing)
        if self.sizes is not None:
            sizes = tuple(int(size) for size in self.sizes)
            if not sizes or min(sizes) < 1:
                raise ValueError(f"sizes must be positive group sizes; got {self.sizes!r}")
            object.__setattr__(self, "sizes", sizes)

    def check_outputs(self, n_outputs: int) -> None:
        if self.sizes is not None and sum(self.sizes) != n_outputs:
            raise ValueError(
                f"sizes {self.sizes} add up to {sum(self.sizes)}, "
                f"but the network has {n_outputs} outputs"
            )

    def groups(self, n_outputs: int) -> list[slice]:
        """The columns of z that belong to each softmax group."""
        stops = np.cumsum(self.sizes if self.sizes is not None else (n_outputs,)).tolist()
        return [slice(a, b) for a, b in zip([0, *stops[:-1]], stops, strict=True)]

    def targets(self, t: Array, n_outputs: int, dtype: np.dtype[Any]) -> Array:
        t = np.asarray(t)
        groups = self.groups(n_outputs)
        if t.ndim == 1 or (self.sizes is not None and t.shape[1:] == (len(groups),)):
            columns = t.reshape(len(t), -1)
            if columns.shape[1] != len(groups):
                raise ValueError(f"t must have shape (N, {len(groups)}); got {t.shape}")
            one_hot = np.zeros((len(t), n_outputs), dtype=dtype)
            flat, row_starts = one_hot.reshape(-1), np.arange(len(t)) * n_outputs
            for group, index in zip(groups, columns.T, strict=True):
                flat[row_starts + (group.start + class_indices(index, group))] = 1
            t = one_hot
        else:
            # a float32 distribution in a float64 network sums to 1 within float32's precision
            dtypes = [np.dtype(dtype), t.dtype] if t.dtype.kind == "f" else [np.dtype(dtype)]
            tolerance = 4 * n_outputs * max(float(np.finfo(d).eps) for d in dtypes)
            t = real_targets(t, n_outputs, dtype).copy()
            for group in groups:
                total = t[:, group].sum(axis=1, keepdims=True)
                if not ((t[:, group] >= 0).all() and (np.abs(total - 1) <= tolerance).all()):
                    raise ValueError("t must be distributions: entries >= 0, each row summing to 1")
                t[:, group] /= total  # ŷ − t is the derivative only if Σ t = 1
        if self.label_smoothing:
            for group in groups:
                t[:, group] *= 1 - self.label_smoothing
                t[:, group] += self.label_smoothing / (group.stop - group.start)
        return t

    def y_hat(self, z: Array) -> Array:
        if self.sizes is None:
            return softmax(z)
        return np.concatenate([softmax(z[:, g]) for g in self.groups(z.shape[1])], axis=1)

    def loss(self, z: Array, t: Array) -> Array:
        # a term is 0·(−inf) = 0 where t is 0 and the probability has vanished
        loss = np.zeros(len(z), dtype=z.dtype)
        for g in self.groups(z.shape[1]):
            log_p = np.where(t[:, g] == 0, 0, log_softmax(z[:, g]))
            loss -= (t[:, g] * log_p).sum(axis=1)
        return loss

    def dL_dz(self, z: Array, t: Array) -> Array:
        return np.asarray(self.y_hat(z) - t)

    def dL_dy_hat(self, z: Array, t: Array) -> Array:
        return -_ratio(t, self.y_hat(z))

    def dy_dz(self, z: Array) -> Array:
        jacobian = np.zeros((*z.shape, z.shape[-1]), dtype=z.dtype)
        for g in self.groups(z.shape[1]):
            jacobian[:, g, g] = softmax_jacobian(z[:, g])
        return jacobian


def _ratio(a: Array, b: Array) -> Array:
    """a / b, 0 where a is 0 and infinite where only b is."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(a == 0, 0, a / b), dtype=np.result_type(a, b))


def class_indices(t: Array, group: slice) -> Array:
    """t as integers from 0 to K − 1, K the size of the group, or ValueError."""
    n_classes = group.stop - group.start
    if t.dtype.kind not in "biuf":
        raise ValueError(f"t must be class indices 0 … {n_classes - 1}; got dtype {t.dtype}")
    good = (t >= 0) & (t < n_classes) & (t == np.floor(t))
    if not good.all():
        raise ValueError(f"t must be class indices 0 … {n_classes - 1}; got {t[~good][0]}")
    return t.astype(np.int64)


def check_label_smoothing(value: float) -> None:
    if not 0 <= value < 1:
        raise ValueError(f"label_smoothing must lie in [0, 1); got {value!r}")


OUTPUTS: dict[str, type[Output]] = {
    kind.name: kind for kind in (Linear, AbsoluteError, Huber, Quantile, Poisson, Logistic, Softmax)
}


def get_output(output: str | Output) -> Output:
    """The record for a name of :data:`OUTPUTS`, or the record itself; ValueError otherwise."""
    if isinstance(output, Output):
        return output
    if isinstance(output, str) and output in OUTPUTS:
        return OUTPUTS[output]()
    raise ValueError(f"output must be one of {sorted(OUTPUTS)} or an Output record; got {output!r}")
