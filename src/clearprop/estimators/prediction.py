"""Predictions of a fitted estimator: compiled once, and right also after its weights were changed.

Who has been given `coefs_`, `intercepts_` or `network_` may write to θ at any time. From then on θ
is compared at each call with the copy that was compiled, bit for bit: half a microsecond for a
small network, but more than the prediction of a row takes for one of a million weights.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.checks import check_n_threads
from clearprop.engines.threads import get_num_threads
from clearprop.network import Network

FEW = 1e6  # operations, which are not worth a second thread
SMALL = 2**16  # numbers, which are converted in one go


class CompiledNetwork:
    """ŷ of a network by the native engine; makes its handle at the first call."""

    def __init__(self, net: Network) -> None:
        self.net = net
        self.is_shared = False  # whether anybody else can write to θ
        # the handle and, if θ is shared, the θ that was compiled; replaced as a whole, for calls
        # from many threads
        self.compiled: tuple[Any, Array | None] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return CompiledNetwork, (self.net,)  # the handle is made again where it is needed

    def __call__(self, X: Array, n_threads: int | None) -> Array:
        """ŷ (N, K) for X (N, D), dense or CSR."""
        from clearprop.engines.native import predict

        theta = self.net.theta
        handle = self._handle(theta)
        n = 1
        if 2.0 * X.shape[0] * theta.size >= FEW:
            n = check_n_threads(n_threads) or get_num_threads()
        if isinstance(X, np.ndarray) and X.size < SMALL:
            X = np.ascontiguousarray(X, theta.dtype)
        try:
            y_hat: Array = handle(X, None, False, n)
        except TypeError:  # of another dtype or layout
            y_hat = predict(handle, X, None, False, n)
        return y_hat

    def _handle(self, theta: Array) -> Any:
        """The handle of θ as it is now."""
        from clearprop import _native
        from clearprop.engines.native import compiled

        if self.compiled is not None:
            handle, compiled_theta = self.compiled
            if not self.is_shared:
                return handle
            if (
                compiled_theta is not None
                and compiled_theta.dtype == theta.dtype
                and _native.same_bytes(compiled_theta, theta)
            ):
                return handle
        copy = theta.copy() if self.is_shared else None
        handle = compiled(self.net.architecture, theta if copy is None else copy)
        self.compiled = handle, copy
        return handle
