"""The softmax, its logarithm and its Jacobian."""

from __future__ import annotations

import numpy as np

from clearprop._typing import Array


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
