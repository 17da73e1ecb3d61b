"""Predictions of a fitted estimator: compiled once, and right also after its weights were changed.

`coefs_` and `intercepts_` are views of θ, and anybody may write to them at any time. So θ is
compared with the copy that was compiled, bit for bit, at each call. That is half a microsecond for
a small network, and some 30 µs for each megabyte of a large one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.engines.threads import check_n_threads, get_num_threads
from clearprop.network import Network

FEW = 1e6  # operations, which are not worth a second thread
SMALL = 2**16  # numbers, which are converted in one go


class CompiledNetwork:
    """ŷ of a network by the native engine; makes its handle at the first call."""

    def __init__(self, net: Network) -> None:
        self.net = net
        # θ as it was compiled, with the handle; replaced as a whole, for calls from many threads
        self.compiled: tuple[Array, Any] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return CompiledNetwork, (self.net,)  # the handle is made again where it is needed

    def __call__(self, X: Array, n_threads: int | None) -> Array:
        """ŷ (N, K) for X (N, D), dense or CSR."""
        from clearprop import _native
        from clearprop.engines.native import compiled, predict

        theta, known = self.net.theta, self.compiled
        if (
            known is None
            or known[0].dtype != theta.dtype
            or not _native.same_bytes(known[0], theta)
        ):
            copy = theta.copy()
            known = self.compiled = copy, compiled(self.net.architecture, copy)
        n = 1
        if 2.0 * X.shape[0] * theta.size >= FEW:
            n = check_n_threads(n_threads) or get_num_threads()
        if isinstance(X, np.ndarray) and X.size < SMALL:
            X = np.ascontiguousarray(X, theta.dtype)
        try:
            y_hat: Array = known[1](X, None, False, n)
        except TypeError:  # of another dtype or layout
            y_hat = predict(known[1], X, None, False, n)
        return y_hat
