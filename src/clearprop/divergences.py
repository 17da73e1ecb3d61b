"""Distance in probability space: entropy, cross-entropy and KL divergence, in nats.

Q and P are discrete distributions along one axis; 0·log 0 = 0, and q > 0 where p = 0 gives +∞.
Everything is computed in float64. A distribution of K entries must sum to 1 within √eps + K·eps,
with eps of its dtype. It is first divided by its sum, so that KL(Q‖P) = H(Q, P) − H(Q) holds up to
rounding.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

from clearprop._typing import Array
from clearprop.checks import check_entries, check_real_array, check_same_shape


def entropy(q: npt.ArrayLike, axis: int = -1) -> Array:
    """H(Q) = −Σ_x Q(x) log Q(x) ≥ 0, in nats.

    q: distributions along `axis`. Returns the shape of q without that axis.
    Raises ValueError for negative or non-finite entries, a sum other than 1, no entries, or an axis
    that q does not have; TypeError if q does not hold real numbers. Source: Shannon 1948.
    """
    q = _distribution("q", q, axis)
    h: Array = special.entr(q).sum(axis=axis)
    return h


def cross_entropy(q: npt.ArrayLike, p: npt.ArrayLike, axis: int = -1) -> Array:
    """H(Q, P) = −Σ_x Q(x) log P(x) ≥ H(Q), in nats; +∞ where Q(x) > 0 = P(x).

    q, p: distributions along `axis`, of the same shape. Returns that shape without the axis.
    Raises ValueError as `entropy` does, and for different shapes; TypeError as `entropy` does.
    """
    q, p = _distributions(q, p, axis)
    h: Array = (-special.xlogy(q, p)).sum(axis=axis)
    return h


def kl_divergence(q: npt.ArrayLike, p: npt.ArrayLike, axis: int = -1) -> Array:
    """KL(Q‖P) = Σ_x Q(x) log(Q(x)/P(x)) ≥ 0, in nats; +∞ where Q(x) > 0 = P(x).

    Not symmetric: KL(Q‖P) ≠ KL(P‖Q). The sum uses Q log(Q/P) − Q + P, where every term is ≥ 0.
    q, p: distributions along `axis`, of the same shape. Returns that shape without the axis.
    Raises ValueError as `entropy` does, and for different shapes; TypeError as `entropy` does.
    Source: Kullback & Leibler 1951.
    """
    q, p = _distributions(q, p, axis)
    terms = np.maximum(special.rel_entr(q, p) + (p - q), 0)  # rounding can leave −1e-17 in a term
    kl: Array = terms.sum(axis=axis)
    return kl


def binary_cross_entropy(t: npt.ArrayLike, y_hat: npt.ArrayLike) -> Array:
    """−t log ŷ − (1−t) log(1−ŷ), elementwise, in nats; +∞ where ŷ rules out the label t.

    t: probability of the label 1, in [0, 1]; 0 or 1 for an observed label. y_hat: in [0, 1], of the
    same shape. Returns that shape.
    Raises ValueError for entries outside [0, 1] and for different shapes; TypeError for entries
    that are not real numbers.
    """
    t, y_hat = check_real_array("t", t), check_real_array("y_hat", y_hat)
    check_same_shape("t", t, "y_hat", y_hat)
    for name, value in (("t", t), ("y_hat", y_hat)):
        check_entries(name, value, most=1.0)
    loss: Array = -special.xlogy(t, y_hat) - special.xlog1py(1 - t, -y_hat) + 0.0
    return loss


def _distributions(q: npt.ArrayLike, p: npt.ArrayLike, axis: int) -> tuple[Array, Array]:
    q, p = check_real_array("q", q), check_real_array("p", p)
    check_same_shape("q", q, "p", p)
    return _distribution("q", q, axis), _distribution("p", p, axis)


def _distribution(name: str, value: npt.ArrayLike, axis: int) -> Array:
    """The distributions in float64, divided by their sums; raises an error if they are invalid."""
    given = check_real_array(name, value)
    if not -given.ndim <= axis < given.ndim:
        raise ValueError(f"axis={axis} is not an axis of {name}, which has shape {given.shape}")
    k = given.shape[axis]
    if k == 0:
        raise ValueError(f"{name} has no entries along axis {axis}: shape {given.shape}")
    check_entries(name, given, most=np.inf)
    eps = float(np.finfo(given.dtype).eps)
    total = given.sum(axis=axis, keepdims=True, dtype=np.float64)
    wrong = np.abs(total - 1) > np.sqrt(eps) + k * eps
    if wrong.any():
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        where = f" at index {at}" if given.ndim > 1 else ""
        raise ValueError(f"{name} must sum to 1 along axis {axis}, got {total[at]:.10g}{where}")
    probabilities: Array = given / total
    return probabilities
