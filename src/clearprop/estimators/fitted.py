"""A fitted network with scikit-learn's interface: its attributes and methods."""

from __future__ import annotations

from operator import is_
from os import PathLike
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from clearprop._typing import Array
from clearprop.architecture import Architecture
from clearprop.engines.select import get_engine
from clearprop.estimators import plain, settings
from clearprop.estimators.prediction import CompiledNetwork
from clearprop.network import Network
from clearprop.propagation import Trace


class FittedMLP(BaseEstimator):
    """The network behind the fitted attributes; coefs_ and intercepts_ are views of its θ."""

    n_threads: Any
    engine_: str
    _architecture: Architecture
    _compiled: CompiledNetwork
    _views: tuple[Array, ...] = ()  # the arrays of coefs_ and intercepts_ that share θ

    # ---- fitted attributes -------------------------------------------------------------------

    def _describe(self, architecture: Architecture) -> None:
        """The attributes that describe the shape of the network."""
        self._architecture = architecture
        self.n_outputs_ = architecture.n_outputs
        self.n_layers_ = len(architecture.dense) + 1
        names = {"linear": "identity", "exponential": "exp"}
        self.out_activation_ = names.get(architecture.output.unit, architecture.output.unit)

    def _set_network(self, net: Network) -> None:
        """coefs_ and intercepts_ as views of the network's θ."""
        self._coefs, self._intercepts = [W.T for W in net.W], net.b
        self._net, self._compiled = net, CompiledNetwork(net)
        self._views = (*self._coefs, *self._intercepts)

    def _forget_network(self) -> None:
        for name in ("_coefs", "_intercepts", "_net", "_compiled", "_views"):
            self.__dict__.pop(name, None)

    def _network(self) -> Network:
        """The network of coefs_ and intercepts_, rebuilt if the user has replaced an entry."""
        present = (*self._coefs, *self._intercepts)
        if len(present) != len(self._views) or not all(map(is_, present, self._views)):
            dtype = np.result_type(*map(np.asarray, present))
            dtype = dtype if dtype in (np.float32, np.float64) else np.dtype(np.float64)
            theta = settings.pack_coefs(
                self._architecture, self._coefs, self._intercepts, dtype, "coefs_, intercepts_"
            )
            self._set_network(Network.from_theta(self._architecture, theta))
        return self._net

    # properties, so that we know whether other code can write to θ
    @property
    def coefs_(self) -> list[Array]:
        """[W⁽¹⁾ᵀ, …, W⁽ᴸ⁾ᵀ], each (n_in, n_out), views of the network's θ."""
        return self._given_away("_coefs")

    @coefs_.setter
    def coefs_(self, coefs: list[Array]) -> None:
        self._coefs = coefs

    @property
    def intercepts_(self) -> list[Array]:
        """[b⁽¹⁾, …, b⁽ᴸ⁾], each (n_out,), views of the network's θ."""
        return self._given_away("_intercepts")

    @intercepts_.setter
    def intercepts_(self, intercepts: list[Array]) -> None:
        self._intercepts = intercepts

    def _given_away(self, name: str) -> list[Array]:
        if name not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute '{name[1:]}_'")
        if "_compiled" in self.__dict__:
            self._compiled.is_shared = True
        arrays: list[Array] = self.__dict__[name]
        return arrays

    @property
    def network_(self) -> Network:
        """The fitted network: W, b, forward, backward, loss; shares memory with coefs_."""
        check_is_fitted(self)
        net = self._network()
        self._compiled.is_shared = True
        return net

    # ---- using -------------------------------------------------------------------------------

    def trace(self, X: Any) -> Trace:
        """Every z and h and ŷ of the network for X (N, D)."""
        check_is_fitted(self)
        return self._network().forward(self._check_X(X))

    def hidden_activations(self, X: Any, layer: int = -1) -> Array:
        """h⁽ˡ⁾ (N, H_l) of a hidden layer; layers count from 1, or backwards from −1 (the last)."""
        h = self.trace(X).h[1:]
        if not h:
            raise ValueError("the network has no hidden layer")
        if layer == 0 or not -len(h) <= layer <= len(h):
            raise ValueError(
                f"layer must be from 1 to {len(h)}, or from -1 to -{len(h)}; got {layer}"
            )
        return h[layer - 1 if layer > 0 else layer]

    def save(self, path: str | PathLike[str]) -> None:
        """Write the fitted estimator to a safetensors file, without pickle or executable code."""
        from clearprop.estimators.files import save_estimator

        save_estimator(path, self)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """Read a file written by :meth:`save`; ModelFileError for any other file."""
        from clearprop.estimators.files import load_estimator

        return load_estimator(path, cls)

    def _check_X(self, X: Any) -> Array:
        if plain.is_matrix(self, X, reset=False):
            matrix: Array = X
            return matrix
        X = validate_data(
            self, X, accept_sparse=["csr", "csc"], dtype=(np.float64, np.float32), reset=False
        )
        checked: Array = X.tocsr() if hasattr(X, "tocsr") else X
        return checked

    def _y_hat(self, X: Any) -> Array:
        """ŷ (N, K) by the engine."""
        if not self.__sklearn_is_fitted__():
            check_is_fitted(self)  # raises
        net = self._network()
        X = self._check_X(X)
        if self.engine_ == "native":
            return self._compiled(X, self.n_threads)
        engine = get_engine(self.engine_)
        return engine.forward(net.architecture, net.theta, X.astype(net.theta.dtype, copy=False))

    def __getstate__(self) -> dict[str, Any]:
        # pickled views become copies and no longer share memory, so the network is rebuilt
        hidden = ("_net", "_compiled", "_views")
        return {k: v for k, v in super().__getstate__().items() if k not in hidden}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._views = ()
        if "_coefs" in state and "_architecture" in state:
            self._network()

    def __sklearn_is_fitted__(self) -> bool:
        return "_coefs" in self.__dict__ and "_architecture" in self.__dict__

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
