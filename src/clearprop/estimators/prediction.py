"""Predictions of a fitted estimator: compiled once, and correct even if its weights change.

Once a user has read `coefs_`, `intercepts_` or `network_`, they can write to θ at any time. From
then on, each call compares θ bit for bit with the compiled copy. This takes half a microsecond for
a small network, but for a million weights it takes longer than predicting one row.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.checks import check_n_threads
from clearprop.engines.threads import get_num_threads
from clearprop.network import Network

FEW = 1e6  # operations; less is not worth a second thread
SMALL = 2**16  # numbers that are converted in one go


class CompiledNetwork:
    """ŷ of a network by the native engine; the first call makes the handle."""

    def __init__(self, net: Network) -> None:
        self.net = net
        self.is_shared = False  # whether other code can write to θ
        # the handle and, if θ is shared, the θ that was compiled; replaced as a whole, because
        # many threads may call
        self.compiled: tuple[Any, Array | None] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return CompiledNetwork, (self.net,)  # the handle is made again on demand

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
        """The handle for the current θ."""
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
