"""Output units for classes: logistic units, softmax and ordered classes, with cross-entropies.

One has the squared error instead, for comparison.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.special import xlog1py, xlogy

from clearprop._typing import Array
from clearprop.activations import sigmoid, softplus
from clearprop.outputs.softmax import log_softmax, softmax, softmax_jacobian
from clearprop.outputs.unit import (
    Y_MINUS_T,
    Elementwise,
    Formulas,
    Kind,
    Output,
    diagonal,
    ratio,
    real_targets,
)

__all__ = ["Logistic", "LogisticSquaredError", "Ordinal", "Softmax"]


@dataclass(frozen=True)
class Logistic(Elementwise):
    """Logistic units with binary cross-entropy: one output, or K independent ones (multi-label).

    ŷ = 1/(1 + exp(−z)), ℒ = Σ_k −t_k log ŷ_k − (1 − t_k) log(1 − ŷ_k)
    = Σ_k softplus(z_k) − t_k z_k, ∂ℒ/∂z = ŷ − t; t is 0/1 or a probability.
    With label smoothing ε, t is replaced by (1 − ε)t + ε/2.
    Source: the lecture, "Binary cross-entropy loss".
    """

    label_smoothing: float = 0.0
    name: ClassVar[str] = "logistic"
    unit: ClassVar[str] = "logistic"
    title: ClassVar[str] = "logistic, binary cross-entropy"
    loss_name: ClassVar[str | None] = "binary_cross_entropy"
    kind: ClassVar[Kind] = "probability"
    formulas: ClassVar[Formulas] = Formulas(
        f=("σ(z) = 1/(1 + e⁻ᶻ)", r"\frac{1}{1+e^{-z}}"),
        dy_dz=("∂ŷ/∂z = ŷ (1 − ŷ)", "∂ŷ_nk/∂z_nk = ŷ_nk (1 − ŷ_nk)"),
        loss=(
            "−Σ_k [t_k log ŷ_k + (1 − t_k) log(1 − ŷ_k)]",
            r"-\sum_k\left[t_k\log\hat y_k+(1-t_k)\log(1-\hat y_k)\right]",
        ),
        by_y_hat=(
            "(1 − t)/(1 − ŷ) − t/ŷ",
            r"\frac{1-\mathbf{t}}{1-\hat{\mathbf{y}}}-\frac{\mathbf{t}}{\hat{\mathbf{y}}}",
        ),
        by_z=Y_MINUS_T,
        note="ŷ − t: the logistic unit's ŷ(1 − ŷ) and the cross-entropy's 1/(ŷ(1 − ŷ)) cancel",
    )

    def __post_init__(self) -> None:
        check_label_smoothing(self.label_smoothing)

    def targets(self, t: Array, n_outputs: int, dtype: np.dtype[Any]) -> Array:
        t = _probabilities(t, n_outputs, dtype)
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
        return ratio(1 - t, sigmoid(-z)) - ratio(t, sigmoid(z))

    def dy_dz(self, z: Array) -> Array:
        return diagonal(sigmoid(z) * sigmoid(-z))

    def loss_of_y_hat(self, y_hat: Array, t: Array) -> Array:
        return np.asarray(-(xlogy(t, y_hat) + xlog1py(1 - t, -y_hat)).sum(axis=1))

    def best_constant(self, t: Array) -> Array:
        return _logit(t.mean(axis=0))

    def room(self, y_hat: Array, k: int) -> float:
        y = float(y_hat[k])
        return min(y, 1 - y)


@dataclass(frozen=True)
class LogisticSquaredError(Elementwise):
    """Logistic units with the squared error, to compare with the cross-entropy.

    ŷ = 1/(1 + exp(−z)), ℒ = ½ Σ_k (ŷ_k − t_k)², ∂ℒ/∂z = ŷ(1 − ŷ)(ŷ − t); t is 0/1 or a
    probability. By the chain rule ∂ŷ/∂z = ŷ(1 − ŷ) stays in ∂ℒ/∂z, where the cross-entropy's
    1/(ŷ(1 − ŷ)) would cancel it: a unit that is confident and wrong hardly learns.
    """

    name: ClassVar[str] = "logistic_squared_error"
    unit: ClassVar[str] = "logistic"
    title: ClassVar[str] = "logistic, squared error"
    kind: ClassVar[Kind] = "probability"
    formulas: ClassVar[Formulas] = Formulas(
        f=Logistic.formulas.f,
        dy_dz=Logistic.formulas.dy_dz,
        loss=("½ Σ_k (ŷ_k − t_k)²", r"\tfrac12\sum_k(\hat y_k-t_k)^2"),
        by_y_hat=Y_MINUS_T,
        by_z=(
            "ŷ ⊙ (1 − ŷ) ⊙ (ŷ − t)",
            r"\hat{\mathbf{y}}\odot(1-\hat{\mathbf{y}})\odot(\hat{\mathbf{y}}-\mathbf{t})",
        ),
        note="the logistic unit's ŷ(1 − ŷ) stays: it is near 0 where ŷ is near 0 or 1",
    )

    def targets(self, t: Array, n_outputs: int, dtype: np.dtype[Any]) -> Array:
        return _probabilities(t, n_outputs, dtype)

    def y_hat(self, z: Array) -> Array:
        return sigmoid(z)

    def loss(self, z: Array, t: Array) -> Array:
        return self.loss_of_y_hat(sigmoid(z), t)

    def dL_dz(self, z: Array, t: Array) -> Array:
        y_hat = sigmoid(z)
        return np.asarray(y_hat * sigmoid(-z) * (y_hat - t))

    def dL_dy_hat(self, z: Array, t: Array) -> Array:
        return np.asarray(sigmoid(z) - t)

    def dy_dz(self, z: Array) -> Array:
        return diagonal(sigmoid(z) * sigmoid(-z))

    def loss_of_y_hat(self, y_hat: Array, t: Array) -> Array:
        return np.asarray(0.5 * ((y_hat - t) ** 2).sum(axis=1))

    def best_constant(self, t: Array) -> Array:
        return _logit(t.mean(axis=0))

    def room(self, y_hat: Array, k: int) -> float:
        y = float(y_hat[k])
        return min(y, 1 - y)


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
    title: ClassVar[str] = "softmax, cross-entropy"
    loss_name: ClassVar[str | None] = "cross_entropy"
    kind: ClassVar[Kind] = "class"
    formulas: ClassVar[Formulas] = Formulas(
        f=("", ""),
        dy_dz=("∂ŷ_i/∂z_k = ŷ_i (δ_ik − ŷ_k)", "∂ŷ_ni/∂z_nk = ŷ_ni (δ_ik − ŷ_nk)"),
        loss=("−Σ_k t_k log ŷ_k", r"-\sum_k t_k\log\hat y_k"),
        by_y_hat=("−t / ŷ", r"-\mathbf{t}/\hat{\mathbf{y}}"),
        by_z=Y_MINUS_T,
        note="ŷ − t: the softmax's Jacobian and the 1/ŷ of the cross-entropy cancel",
    )
    diagonal: ClassVar[bool] = False

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

    def constants(self, n_outputs: int) -> tuple[float, ...]:
        """The sizes of the groups."""
        return tuple(float(g.stop - g.start) for g in self.groups(n_outputs))

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
        return -ratio(t, self.y_hat(z))

    def dy_dz(self, z: Array) -> Array:
        jacobian = np.zeros((*z.shape, z.shape[-1]), dtype=z.dtype)
        for g in self.groups(z.shape[1]):
            jacobian[:, g, g] = softmax_jacobian(z[:, g])
        return jacobian

    def loss_of_y_hat(self, y_hat: Array, t: Array) -> Array:
        return np.asarray(-xlogy(t, y_hat).sum(axis=1))

    def best_constant(self, t: Array) -> Array:
        return np.asarray(np.log(np.maximum(t.mean(axis=0), 1e-12)))

    def room(self, y_hat: Array, k: int) -> float:
        return float(y_hat[k])


@dataclass(frozen=True)
class Ordinal(Output):
    """Cumulative logits for classes in an order: K outputs for the K + 1 classes 0 … K.

    ŷ_k = P(t > k | x) = σ(c_k) with c_0 = z_0 and c_k = c_{k−1} − softplus(z_k), so that the
    probabilities of the classes, differences of neighbours, are positive whatever z is. Where only
    z_0 depends on x, these are McCullagh's proportional odds. ℒ = −log P(t | x)
    = softplus(−c_{t−1}) + softplus(c_t) + softplus(−z_t), the first term for t > 0, the second for
    t < K, the third for both.
    t: class indices (N,) from 0 to K; as the unit uses them 1 for each k < t, (N, K).
    Source: McCullagh, Regression models for ordinal data, J. R. Statist. Soc. B 42 (1980).
    """

    name: ClassVar[str] = "ordinal"
    unit: ClassVar[str] = "ordinal"
    title: ClassVar[str] = "ordered classes, cross-entropy"
    kind: ClassVar[Kind] = "class"
    diagonal: ClassVar[bool] = False
    formulas: ClassVar[Formulas] = Formulas(
        f=("σ(c), c_k = z_0 − Σ_{i=1}^k softplus(z_i)", r"\sigma(c)"),
        dy_dz=(
            "∂ŷ_i/∂z_k = ŷ_i (1 − ŷ_i) ∂c_i/∂z_k",
            "∂c_i/∂z_0 = 1, ∂c_i/∂z_k = −σ(z_k) for 0 < k ≤ i, else 0",
        ),
        loss=("−log P(t | x)", r"-\log P(t\,|\,\mathbf{x})"),
        by_y_hat=("±1 / P(t | x) beside the class t, else 0", r"\pm1/P(t\,|\,\mathbf{x})"),
        note="log P(t | x) is a sum of log σ of cut points and of their distance",
    )

    def n_classes(self, n_outputs: int) -> int:
        return n_outputs + 1

    def targets(self, t: Array, n_outputs: int, dtype: np.dtype[Any]) -> Array:
        t = np.asarray(t)
        if t.ndim == 2 and t.shape[1] == 1:
            t = t[:, 0]
        if t.ndim != 1:
            raise ValueError(f"t must have shape (N,); got {t.shape}")
        classes = class_indices(t, slice(0, n_outputs + 1))
        return (classes[:, None] > np.arange(n_outputs)).astype(dtype)

    def cut_points(self, z: Array) -> Array:
        """c (N, K), falling from left to right."""
        steps = z.copy()
        steps[:, 1:] = -softplus(z[:, 1:])
        return np.asarray(steps.cumsum(axis=1))

    def probabilities(self, y_hat: Array) -> Array:
        """P(t = k | x) of the classes 0 … K, (N, K + 1), from ŷ."""
        ends = np.ones((len(y_hat), 1), y_hat.dtype)
        p = -np.diff(y_hat, axis=1, prepend=ends, append=0 * ends)
        return np.maximum(p, 0)  # neighbours that are equal may be rounded the wrong way

    def _sides(self, t: Array) -> tuple[Array, Array]:
        """Where output k is the cut point below the class of t, and above it."""
        ends = np.ones((len(t), 1), t.dtype)
        steps = -np.diff(t, axis=1, prepend=ends, append=0 * ends)  # one-hot, (N, K + 1)
        return steps[:, 1:], steps[:, :-1]

    def y_hat(self, z: Array) -> Array:
        return sigmoid(self.cut_points(z))

    def loss(self, z: Array, t: Array) -> Array:
        c, (below, above) = self.cut_points(z), self._sides(t)
        terms = below * softplus(-c) + above * softplus(c)
        terms[:, 1:] += above[:, 1:] * softplus(-z[:, 1:])
        return np.asarray(terms.sum(axis=1))

    def dL_dz(self, z: Array, t: Array) -> Array:
        c, (below, above) = self.cut_points(z), self._sides(t)
        by_c = above * sigmoid(c) - below * sigmoid(-c)
        dL_dz: Array = by_c[:, ::-1].cumsum(axis=1)[:, ::-1].copy()
        dL_dz[:, 1:] *= -sigmoid(z[:, 1:])
        dL_dz[:, 1:] -= above[:, 1:] * sigmoid(-z[:, 1:])
        return dL_dz

    def dL_dy_hat(self, z: Array, t: Array) -> Array:
        p, (below, above) = self.probabilities(self.y_hat(z)), self._sides(t)
        return ratio(above, p[:, :-1]) - ratio(below, p[:, 1:])

    def dy_dz(self, z: Array) -> Array:
        c, K = self.cut_points(z), z.shape[1]
        by_z = np.ones_like(z)
        by_z[:, 1:] = -sigmoid(z[:, 1:])
        slope = sigmoid(c) * sigmoid(-c)
        return np.asarray(slope[:, :, None] * by_z[:, None, :] * np.tri(K, dtype=z.dtype))

    def best_constant(self, t: Array) -> Array:
        z = _logit(t.mean(axis=0))
        z[1:] = np.log(np.expm1(np.maximum(-np.diff(z), 1e-12)))
        return z

    def loss_of_y_hat(self, y_hat: Array, t: Array) -> Array:
        ends = np.ones((len(t), 1), t.dtype)
        p = -np.diff(y_hat, axis=1, prepend=ends, append=0 * ends)
        below, above = self._sides(t)
        classes = np.hstack([above, below[:, -1:]])
        return np.asarray(-xlogy(classes, p).sum(axis=1))

    def room(self, y_hat: Array, k: int) -> float:
        around = np.concatenate([[1.0], y_hat, [0.0]])
        return float(min(around[k] - around[k + 1], around[k + 1] - around[k + 2]))


def _probabilities(t: Array, n_outputs: int, dtype: np.dtype[Any]) -> Array:
    t = real_targets(t, n_outputs, dtype)
    if not ((t >= 0) & (t <= 1)).all():
        bad = t[~((t >= 0) & (t <= 1))][0]
        raise ValueError(f"t must be probabilities between 0 and 1; got {bad}")
    return t


def _logit(p: Array) -> Array:
    return np.asarray(np.log(np.clip(p, 1e-12, 1) / np.clip(1 - p, 1e-12, 1)))


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
