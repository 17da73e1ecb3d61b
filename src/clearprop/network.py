"""The fully connected network: forward propagation, back-propagation, and the object that holds θ.

The two functions are the lecture's two recursions, for a batch of N samples in rows:

    h⁽⁰⁾ = x,  z⁽ˡ⁾ = W⁽ˡ⁾ h⁽ˡ⁻¹⁾ + b⁽ˡ⁾,  h⁽ˡ⁾ = φ(z⁽ˡ⁾),  ŷ = f(z⁽ᴸ⁾)
    ∂ℒ/∂z⁽ᴸ⁾ = ∂ŷ/∂z ∂ℒ/∂ŷ,  ∂ℒ/∂z⁽ˡ⁾ = ∂h⁽ˡ⁾/∂z⁽ˡ⁾ (W⁽ˡ⁺¹⁾ᵀ ∂ℒ/∂z⁽ˡ⁺¹⁾),
    ∂ℒ/∂W⁽ˡ⁾ = ∂ℒ/∂z⁽ˡ⁾ h⁽ˡ⁻¹⁾ᵀ,  ∂ℒ/∂b⁽ˡ⁾ = ∂ℒ/∂z⁽ˡ⁾
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop._typing import Array
from clearprop.activations import Activation
from clearprop.architecture import Architecture, fully_connected
from clearprop.initializers import Initializer, get_initializer
from clearprop.layers import DenseSaved, Draw
from clearprop.outputs import Logistic, Output, Softmax

if TYPE_CHECKING:
    from clearprop.checkpoints import Checkpoint
    from clearprop.history import History
    from clearprop.jobs import Metric, Penalty, Stopping
    from clearprop.optimizers import LBFGS, Optimizer
    from clearprop.predictor import Predictor
    from clearprop.training import Callback


@dataclass(frozen=True)
class Trace:
    """Everything that forward propagation computed.

    X: the input (N, D); z[l-1]: z⁽ˡ⁾ (N, H_l), l = 1 … L; h[l]: what W⁽ˡ⁺¹⁾ multiplies, h⁽ˡ⁾
    (N, H_l), l = 0 … L−1, after dropout where there is one; y_hat: ŷ (N, K). `saved` is per layer
    kind, for the backward pass.
    """

    X: Array
    y_hat: Array
    saved: tuple[Any, ...]

    @property
    def z(self) -> list[Array]:
        return [s.z for s in self.saved if isinstance(s, DenseSaved)]

    @property
    def h(self) -> list[Array]:
        return [s.h for s in self.saved if isinstance(s, DenseSaved)]

    def _repr_html_(self) -> str:
        from clearprop.explain.show_records import trace_html

        return trace_html(self)


@dataclass(frozen=True)
class Gradients:
    """Everything that back-propagation computed; ℒ is the (weighted) mean over the samples.

    dL_dz[l-1]: (N, H_l), l = 1 … L; dL_dh[l]: (N, H_l), l = 0 … L−1, so dL_dh[0] is ∂ℒ/∂X;
    dL_dW[l-1]: (H_l, H_{l−1}); dL_db[l-1]: (H_l,); theta: (P,), ∂ℒ/∂θ, of which dL_dW and dL_db
    are views.
    """

    dL_dz: list[Array]
    dL_dh: list[Array]
    dL_dW: list[Array]
    dL_db: list[Array]
    theta: Array

    def _repr_html_(self) -> str:
        from clearprop.explain.show_records import gradients_html

        return gradients_html(self)


def forward_propagation(
    architecture: Architecture, theta: Array, X: Array, draw: tuple[int, int] | None = None
) -> Trace:
    """From x to ŷ, layer by layer: z = W h + b, h = φ(z), and ŷ = f(z) at the end.

    X: (N, D), dense or SciPy sparse. draw: (seed, step) in training, where dropout is active.
    """
    h = X
    saved = []
    for number, (layer, p) in enumerate(
        zip(architecture.layers, architecture.unpack(theta), strict=True)
    ):
        h, kept = layer.forward(p, h, None if draw is None else Draw(*draw, layer=number))
        saved.append(kept)
    return Trace(X, architecture.output.y_hat(h), tuple(saved))


def back_propagation(
    architecture: Architecture,
    theta: Array,
    trace: Trace,
    t: Array,
    sample_weight: Array | None = None,
) -> Gradients:
    """From ∂ℒ/∂z⁽ᴸ⁾ back to ∂ℒ/∂x, with ∂ℒ/∂W and ∂ℒ/∂b on the way.

    t: targets as the output unit's `targets` returns them. ℒ is the mean of the samples' losses,
    weighted by `sample_weight` (N,) if given; the 1/N enters here and nowhere else.
    """
    z = trace.saved[-1].z
    dL = architecture.output.dL_dz(z, t) * mean_weights(len(z), sample_weight, z.dtype)[:, None]
    gradient = np.empty_like(theta)
    dL_dz, dL_dh, dL_dW, dL_db = [], [], [], []
    for layer, p, saved, g in zip(
        reversed(architecture.layers),
        reversed(architecture.unpack(theta)),
        reversed(trace.saved),
        reversed(architecture.unpack(gradient)),
        strict=True,
    ):
        derivatives = layer.backward(p, saved, dL)
        for name, value in derivatives.parameters.items():
            g[name][...] = value
        dL = derivatives.dL_dh
        if derivatives.dL_dz is not None:
            dL_dz.append(derivatives.dL_dz)
            dL_dh.append(derivatives.dL_dh)
            dL_dW.append(g["W"])
            dL_db.append(g["b"])
    return Gradients(dL_dz[::-1], dL_dh[::-1], dL_dW[::-1], dL_db[::-1], gradient)


def mean_weights(n: int, sample_weight: Array | None, dtype: Any) -> Array:
    """The weight of each sample in the mean: 1/N, or w_n / Σw; all 0 where Σw is 0."""
    if sample_weight is None:
        return np.full(n, 1 / n, dtype=dtype)
    total = sample_weight.sum()
    return (sample_weight / (total if total != 0 else 1)).astype(dtype)


def mean_loss(
    architecture: Architecture, trace: Trace, t: Array, sample_weight: Array | None = None
) -> float:
    """ℒ, the (weighted) mean over the samples of the output unit's loss."""
    z = trace.saved[-1].z
    losses = architecture.output.loss(z, t)
    if sample_weight is None:
        return float(losses.mean())
    return float(losses @ mean_weights(len(z), sample_weight, losses.dtype))


class Network:
    """A fully connected network: its architecture and its parameters θ.

    sizes: [D, H_1, …, K]; with two entries there is no hidden layer. hidden: activation of the
    hidden layers, one name or one per layer. output: output unit with its loss ("linear",
    "absolute_error", "huber", "quantile", "poisson", "logistic", "softmax", or a record of
    :mod:`clearprop.outputs`). dropout: rate after each hidden layer, in training only.
    initializer: a name of :data:`clearprop.initializers.INITIALIZERS`, a callable
    (rng, fan_in, fan_out) → (W, b), or "auto": He for the relu family, LeCun for selu, Glorot
    otherwise. seed: seeds numpy.random.default_rng, from which the layers draw in order.

    `theta` (P,) holds all parameters; W[l-1] (H_l, H_{l−1}) and b[l-1] (H_l,) are views into it.

    >>> net = Network([2, 3, 1], hidden="tanh", output="logistic", seed=0)
    >>> [W.shape for W in net.W]
    [(3, 2), (1, 3)]
    """

    def __init__(
        self,
        sizes: Sequence[int],
        hidden: str | Activation | Sequence[str | Activation] = "relu",
        output: str | Output = "linear",
        *,
        dropout: float | Sequence[float] = 0.0,
        initializer: str | Initializer = "auto",
        seed: int | np.random.Generator | None = 0,
        dtype: str | type | np.dtype[Any] = "float64",
    ) -> None:
        self.architecture = fully_connected(sizes, hidden, output, dropout)
        self.theta = initial_theta(
            self.architecture, np.random.default_rng(seed), initializer, check_dtype(dtype)
        )

    @classmethod
    def from_theta(cls, architecture: Architecture, theta: Array) -> Network:
        """The network with this architecture and these parameters (θ is kept, not copied)."""
        theta = np.asarray(theta)
        check_dtype(theta.dtype)
        if theta.shape != (architecture.n_parameters,):
            raise ValueError(
                f"theta must have shape ({architecture.n_parameters},); got {theta.shape}"
            )
        net = cls.__new__(cls)
        net.architecture, net.theta = architecture, theta
        return net

    @property
    def W(self) -> list[Array]:
        """[W⁽¹⁾, …, W⁽ᴸ⁾], views into theta, each (H_l, H_{l−1})."""
        return [p["W"] for p in self.architecture.unpack(self.theta) if "W" in p]

    @property
    def b(self) -> list[Array]:
        """[b⁽¹⁾, …, b⁽ᴸ⁾], views into theta, each (H_l,)."""
        return [p["b"] for p in self.architecture.unpack(self.theta) if "b" in p]

    @property
    def sizes(self) -> list[int]:
        """[D, H_1, …, H_{L−1}, K]."""
        return self.architecture.sizes

    @property
    def output(self) -> Output:
        """The output unit with its loss."""
        return self.architecture.output

    def __repr__(self) -> str:
        hidden = [layer.activation.name for layer in self.architecture.dense if layer.activation]
        return (
            f"Network({self.sizes}, hidden={hidden}, output={self.output.name!r}, "
            f"dtype={self.theta.dtype.name!r}, n_parameters={self.theta.size})"
        )

    def _repr_html_(self) -> str:
        from clearprop.explain.show_records import network_html

        return network_html(self)

    def forward(self, X: Array, *, draw: tuple[int, int] | None = None) -> Trace:
        """Forward propagation of X (N, D); the trace holds every z and h and ŷ.

        draw: (seed, step) to see a training pass with its dropout masks; None for prediction.
        """
        return forward_propagation(self.architecture, self.theta, self._check_X(X), draw)

    def loss(self, X: Array, t: Array, sample_weight: Array | None = None) -> float:
        """ℒ of X and targets t: the mean over the samples, weighted by sample_weight (N,) if given.

        t: class indices (N,) or distributions (N, K) for softmax, 0/1 or probabilities (N, K) for
        logistic, numbers (N,) or (N, K) for linear units. Raises ValueError for other targets.
        """
        trace = self.forward(X)
        t, sample_weight = self._check_t(trace.X, t, sample_weight)
        return mean_loss(self.architecture, trace, t, sample_weight)

    def backward(self, trace: Trace, t: Array, sample_weight: Array | None = None) -> Gradients:
        """Back-propagation through a trace of this network: every ∂ℒ/∂z, ∂ℒ/∂h, ∂ℒ/∂W, ∂ℒ/∂b."""
        if [z.shape[1] for z in trace.z] != self.sizes[1:]:
            raise ValueError(
                f"trace is of a network with layers of {[z.shape[1] for z in trace.z]} units; "
                f"this one has {self.sizes[1:]}"
            )
        t, sample_weight = self._check_t(trace.X, t, sample_weight)
        return back_propagation(self.architecture, self.theta, trace, t, sample_weight)

    def predict_proba(self, X: Array) -> Array:
        """ŷ (N, K) of a network with probabilities as outputs (softmax or logistic)."""
        if self.output.unit not in ("softmax", "logistic"):
            raise TypeError(f"{self.output.name} outputs are no probabilities; use predict(X)")
        return self._y_hat(X)

    def predict(self, X: Array) -> Array:
        """Class indices for softmax (N,), 0/1 for logistic, ŷ otherwise; (N,) where K is 1."""
        y_hat = self._y_hat(X)
        if isinstance(self.output, Softmax):
            groups = self.output.groups(y_hat.shape[1])
            classes = np.stack([y_hat[:, g].argmax(axis=1) for g in groups], axis=1)
            return np.asarray(classes[:, 0] if self.output.sizes is None else classes)
        if isinstance(self.output, Logistic):
            y_hat = (y_hat > 0.5).astype(np.int64)
        return np.asarray(y_hat[:, 0] if y_hat.shape[1] == 1 else y_hat)

    def predictor(self, *, engine: str = "auto", n_threads: int | None = None) -> Predictor:
        """This network as it is now, compiled for prediction: for one row at a time, or many.

        A later change of θ does not change the predictor. See
        :class:`clearprop.predictor.Predictor`, also for the arguments.
        """
        from clearprop.predictor import Predictor

        return Predictor(self.architecture, self.theta, engine=engine, n_threads=n_threads)

    def train(
        self,
        X: Array,
        t: Array,
        optimizer: str | Optimizer | LBFGS = "adam",
        epochs: int = 100,
        batch_size: int = 32,
        *,
        seed: int | np.random.Generator | None = 0,
        shuffle: bool = True,
        sample_weight: Array | None = None,
        validation: tuple[Array, ...] | float | None = None,
        stopping: Stopping | None = None,
        penalty: Penalty | None = None,
        clip_norm: float | None = None,
        metrics: Mapping[str, Metric] | None = None,
        callbacks: Sequence[Callback] = (),
        time_limit: float | None = None,
        max_steps: int | None = None,
        checkpoint: Checkpoint | str | PathLike[str] | None = None,
        engine: str = "auto",
        n_threads: int | None = None,
        precision: str | None = None,
    ) -> History:
        """Learn θ by gradient descent on ℒ; `network_training.train_network` has the details."""
        from clearprop.network_training import train_network

        return train_network(
            self,
            X,
            t,
            optimizer=optimizer,
            epochs=epochs,
            batch_size=batch_size,
            seed=seed,
            shuffle=shuffle,
            sample_weight=sample_weight,
            validation=validation,
            stopping=stopping,
            penalty=penalty,
            clip_norm=clip_norm,
            metrics=metrics,
            callbacks=callbacks,
            time_limit=time_limit,
            max_steps=max_steps,
            checkpoint=checkpoint,
            engine=engine,
            n_threads=n_threads,
            precision=precision,
        )

    def save(self, path: str | PathLike[str]) -> None:
        """Write architecture and θ to a safetensors file; atomic, no pickle."""
        from clearprop.network_files import save_network

        save_network(path, self)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Network:
        """Read a file of :meth:`save`. Raises ModelFileError for anything else; runs nothing."""
        from clearprop.network_files import load_network

        return load_network(path)

    def _y_hat(self, X: Array) -> Array:
        """ŷ by the native engine, or by the definition where there are parts of one's own."""
        from clearprop.engines.native import NativeEngine, why_not

        if why_not(self.architecture):
            return self.forward(X).y_hat
        return NativeEngine().forward(self.architecture, self.theta, self._check_X(X))

    def _check_X(self, X: Array) -> Array:
        return check_matrix(X, self.architecture.n_inputs, self.theta.dtype)

    def _check_t(
        self, X: Array, t: Array, sample_weight: Array | None
    ) -> tuple[Array, Array | None]:
        t = self.output.targets(t, self.architecture.n_outputs, self.theta.dtype)
        check_length("t", len(t), X.shape[0])
        return t, check_sample_weight(sample_weight, X.shape[0], self.theta.dtype)


def initial_theta(
    architecture: Architecture,
    rng: np.random.Generator | np.random.RandomState,
    initializer: str | Initializer,
    dtype: np.dtype[Any],
) -> Array:
    """θ drawn layer by layer from `rng`, in float64, then rounded to `dtype`."""
    parameters = []
    for layer in architecture.layers:
        p = {}
        if "W" in layer.shapes:
            fan_out, fan_in = layer.shapes["W"]
            draw = initializer
            if draw == "auto":
                activation = getattr(layer, "activation", None)
                draw = AUTO_INITIALIZERS.get(getattr(activation, "name", ""), "glorot_uniform")
            p["W"], p["b"] = get_initializer(draw)(rng, fan_in, fan_out)
        parameters.append(p)
    return architecture.pack(parameters, dtype)


AUTO_INITIALIZERS = {
    **dict.fromkeys(("relu", "leaky_relu", "elu", "gelu", "silu", "mish"), "he_normal"),
    "selu": "lecun_normal",
}


def check_dtype(dtype: str | type | np.dtype[Any]) -> np.dtype[Any]:
    result = np.dtype(dtype)
    if result not in (np.dtype("float32"), np.dtype("float64")):
        raise ValueError(f"dtype must be float32 or float64; got {result}")
    return result


def check_matrix(X: Array, n_columns: int, dtype: Any) -> Array:
    """X as a real (N, n_columns) matrix of `dtype`; a SciPy sparse one becomes CSR."""
    X = X.tocsr() if hasattr(X, "tocsr") else np.asarray(X)
    if X.dtype.kind not in "biuf":
        raise ValueError(f"X must be numbers; got dtype {X.dtype}")
    if X.ndim != 2:
        hint = "; one sample is a matrix of one row, x[None, :]" if X.ndim == 1 else ""
        raise ValueError(f"X must have shape (N, {n_columns}); got {X.shape}{hint}")
    if X.shape[1] != n_columns:
        raise ValueError(f"X must have {n_columns} columns; got {X.shape[1]}")
    if X.shape[0] == 0:
        raise ValueError("X must have at least one row; got none")
    return X.astype(dtype, copy=False)


def check_length(argument: str, length: int, n: int) -> None:
    if length != n:
        raise ValueError(f"{argument} must have one row per row of X ({n}); got {length}")


def check_sample_weight(sample_weight: Array | None, n: int, dtype: Any) -> Array | None:
    """sample_weight as an (N,) array of finite numbers ≥ 0 that are not all 0, or ValueError."""
    if sample_weight is None:
        return None
    w = np.asarray(sample_weight, dtype=np.float64)
    if w.shape != (n,):
        raise ValueError(f"sample_weight must have shape ({n},); got {w.shape}")
    if not np.isfinite(w).all() or (w < 0).any():
        bad = w[~(np.isfinite(w) & (w >= 0))][0]
        raise ValueError(f"sample_weight must be finite and >= 0; got {bad}")
    if not w.any():
        raise ValueError("sample_weight must have at least one entry > 0; all are 0")
    return w.astype(dtype)
