"""The object that holds an architecture and θ: the face over propagation, training and files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop._typing import Array
from clearprop.activations import Activation
from clearprop.architecture import Architecture, fully_connected
from clearprop.checks import (
    check_dtype,
    check_length,
    check_matrix,
    check_sample_weight,
    check_theta,
)
from clearprop.initializers import Initializer, get_initializer
from clearprop.layers import Dense, StepDraw
from clearprop.outputs import Logistic, Output, Softmax
from clearprop.propagation import (
    Gradients,
    Trace,
    back_propagation,
    forward_propagation,
    mean_loss,
)

if TYPE_CHECKING:
    from clearprop.checkpoints import Checkpoint
    from clearprop.history import History
    from clearprop.jobs import Metric, Penalty, Stopping
    from clearprop.optimizers import LBFGS, Optimizer
    from clearprop.predictor import Predictor
    from clearprop.training import Callback


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
        net = cls.__new__(cls)
        net.architecture, net.theta = architecture, check_theta(theta, architecture.n_parameters)
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

    def forward(self, X: Array, *, draw: StepDraw | None = None) -> Trace:
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
        p = layer.initial(rng)
        if isinstance(layer, Dense):
            fan_out, fan_in = layer.shapes["W"]
            draw = initializer
            if draw == "auto":
                draw = AUTO_INITIALIZERS.get(
                    getattr(layer.activation, "name", ""), "glorot_uniform"
                )
            p["W"], p["b"] = get_initializer(draw)(rng, fan_in, fan_out)
        parameters.append(p)
    return architecture.pack(parameters, dtype)


AUTO_INITIALIZERS = {
    **dict.fromkeys(("relu", "leaky_relu", "elu", "gelu", "silu", "mish"), "he_normal"),
    "selu": "lecun_normal",
}
