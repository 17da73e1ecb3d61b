"""A network compiled for prediction, for a service that calls it a million times with one row."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.architecture import Architecture
from clearprop.checks import check_matrix, check_n_threads, check_theta
from clearprop.engines import get_engine
from clearprop.engines.threads import get_num_threads


class Predictor:
    """ŷ of a network with fixed θ: `p = net.predictor()`, then `p(x)` or `p(X)`.

    p(x) is ŷ (K,) of one sample x (D,), p(X) is ŷ (N, K) of X (N, D); with logits=True it is z⁽ᴸ⁾.
    `out`, an array of `dtype` and the right shape, receives the result without any allocation.
    The bits of a row's result do not depend on the other rows or on the number of threads.

    θ is copied when the predictor is made; training the network afterwards does not change it.
    A C-contiguous X of `dtype` is read in place. Lists and other dtypes and layouts are converted
    first; SciPy's sparse matrices are not made dense. X is not checked for NaN: a NaN in a row
    gives NaN in the ŷ of this row and affects no other row.

    Predictors can be pickled, and called from several threads at the same time. engine: "native",
    or "reference" for a network with a custom activation or output unit, which only the definition
    can compute; a warning says so when the predictor is made.

    >>> from clearprop import Network
    >>> p = Network([2, 3, 2], output="softmax", seed=0).predictor()
    >>> p([1.0, 2.0]).shape, p([[1.0, 2.0], [3.0, 4.0]]).shape
    ((2,), (2, 2))
    """

    def __init__(
        self,
        architecture: Architecture,
        theta: Array,
        *,
        engine: str = "auto",
        n_threads: int | None = None,
    ) -> None:
        """engine: "auto", "native" or "reference"; n_threads: number of threads for many rows; None
        means the current `get_num_threads()`. Raises ValueError for other values, and for a θ of
        the wrong length.
        """
        self.architecture = architecture
        self.theta = check_theta(np.array(theta), architecture.n_parameters)
        self.theta.flags.writeable = False
        self.n_threads = check_n_threads(n_threads) or get_num_threads()
        self._engine = get_engine(engine, architecture, n_threads=n_threads)
        self._options = {"engine": self._engine.name, "n_threads": n_threads}
        self._handle: Any = None
        if self.engine == "native":
            from clearprop.engines.native import compiled

            self._handle = compiled(architecture, self.theta)

    @property
    def engine(self) -> str:
        """The engine that computes ŷ: "native" or "reference"."""
        return self._engine.name

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of θ and ŷ, and of an X that is read in place."""
        return self.theta.dtype

    def __call__(self, X: Any, out: Array | None = None, *, logits: bool = False) -> Array:
        """ŷ of X: (K,) for one sample (D,), (N, K) for (N, D); z⁽ᴸ⁾ instead if `logits`.

        Raises ValueError if a shape is wrong, TypeError if X does not hold numbers or `out` is not
        a C-contiguous array of `dtype`.
        """
        if self._handle is None:
            return self._by_definition(X, out, logits)
        try:
            result: Array = self._handle(X, out, logits, self.n_threads)
        except TypeError:
            pass  # X must be converted, or something is wrong
        else:
            return result
        from clearprop.engines.native import predict

        return predict(self._handle, X, out, logits, self.n_threads)

    def _by_definition(self, X: Any, out: Array | None, logits: bool) -> Array:
        one = not hasattr(X, "tocsr") and np.ndim(X) == 1
        X = check_matrix(np.asarray(X)[None] if one else X, self.architecture.n_inputs, self.dtype)
        y_hat = self._engine.forward(self.architecture, self.theta, X, logits=logits)
        y_hat = y_hat[0] if one else y_hat
        if out is None:
            return y_hat
        if out.shape != y_hat.shape:
            raise ValueError(f"out must have shape {y_hat.shape}; got {out.shape}")
        np.copyto(out, y_hat, casting="no")
        return out

    def __repr__(self) -> str:
        sizes = self.architecture.sizes
        return f"Predictor({sizes}, dtype={self.dtype.name!r}, engine={self.engine!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.architecture, self.theta, self._options)


def _restore(architecture: Architecture, theta: Array, options: dict[str, Any]) -> Predictor:
    return Predictor(architecture, theta, **options)
