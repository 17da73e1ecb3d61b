"""The object that holds an architecture and θ: the face over propagation, training and files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop._typing import Array
from clearprop.activations import Activation
from clearprop.architecture import Architecture, fully_connected, initial_theta
from clearprop.checks import (
    check_dtype,
    check_matrix,
    check_theta,
)
from clearprop.initializers import Initializer
from clearprop.jobs import Data, Job, Penalty, Stopping, split_validation
from clearprop.layers import StepDraw
from clearprop.outputs import Ordinal, Output, Softmax
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
    from clearprop.jobs import Metric
    from clearprop.optimizers import LBFGS, Optimizer
    from clearprop.predictor import Predictor
    from clearprop.track import Callback


class Network:
    """A fully connected network: its architecture and its parameters θ.

    sizes: [D, H_1, …, K], integers ≥ 1; with two entries there is no hidden layer.

    hidden: the activation of the hidden layers, a name of :data:`clearprop.ACTIVATIONS` or a
    record, one for all or a list with one for each (default "relu").

    output: the output unit with its loss, a name of :data:`clearprop.OUTPUTS` or a record (default
    "linear", whose loss is the squared error).

    dropout: the rate after each hidden layer, in [0, 1), one for all or a list with one for each;
    in training only (default 0).

    initializer: a name of :data:`clearprop.INITIALIZERS`, a callable (rng, fan_in, fan_out) →
    (W, b), or "auto" (the default): He for the relu family, LeCun for selu, Glorot otherwise.

    seed: an integer (default 0), a NumPy Generator, or None for a new one every time; the layers
    draw from it in order.

    dtype: "float64" (the default) or "float32", of θ and of all that is computed.

    Raises ValueError or TypeError, naming the argument.

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
        """The network with this architecture and these parameters.

        architecture: the layers in order and the output unit.

        theta: (P,) float32 or float64; it is kept, not copied.

        Raises ValueError for a θ of another shape or dtype.
        """
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
        from clearprop.notebook.records import network_html

        return network_html(self)

    def forward(self, X: Array, *, draw: StepDraw | None = None) -> Trace:
        """Forward propagation of X; the trace holds every z and h, and ŷ.

        X: (N, D) numbers, dense or a SciPy sparse matrix.

        draw: (seed, step) to see the pass of a training step with its dropout masks; the default,
        None, is the pass of prediction, without dropout.

        Raises ValueError unless X is a matrix of numbers with D columns and at least one row.
        """
        return forward_propagation(self.architecture, self.theta, self._check_X(X), draw)

    def loss(self, X: Array, t: Array, sample_weight: Array | None = None) -> float:
        """ℒ, the mean over the samples of the output unit's loss; no penalty is added.

        X: (N, D) numbers, dense or a SciPy sparse matrix.

        t: the targets: class indices (N,) or distributions (N, K) for softmax, 0/1 or
        probabilities (N, K) for logistic, numbers (N,) or (N, K) for the other units.

        sample_weight: (N,) numbers ≥ 0 that are not all 0, for a weighted mean; None: all equal.

        Raises ValueError, naming the argument, for shapes and values that do not fit.
        """
        data = self._data(X, t, sample_weight)
        trace = forward_propagation(self.architecture, self.theta, data.X)
        return mean_loss(self.architecture, trace, data.t, data.sample_weight)

    def backward(self, trace: Trace, t: Array, sample_weight: Array | None = None) -> Gradients:
        """Back-propagation through a trace: every ∂ℒ/∂z, ∂ℒ/∂h, ∂ℒ/∂W and ∂ℒ/∂b, and ∂ℒ/∂θ.

        trace: what :meth:`forward` of this network returned for X (N, D).

        t, sample_weight: as in :meth:`loss`, one row for each row of X.

        Raises ValueError for a trace of a network with other layers, and for targets or weights
        that do not fit.
        """
        if [z.shape[1] for z in trace.z] != self.sizes[1:]:
            raise ValueError(
                f"trace is of a network with layers of {[z.shape[1] for z in trace.z]} units; "
                f"this one has {self.sizes[1:]}"
            )
        data = self._data(trace.X, t, sample_weight)
        return back_propagation(self.architecture, self.theta, trace, data.t, data.sample_weight)

    def predict_proba(self, X: Array) -> Array:
        """The probabilities (N, K) of a network with softmax or logistic outputs.

        They are ŷ, except for a single logistic unit: its two classes have the columns 1 − ŷ and ŷ.
        Ordinal outputs give (N, K + 1), the differences of neighbours in 1, ŷ, 0.

        X: (N, D) numbers, dense or a SciPy sparse matrix.

        Raises TypeError for other output units, ValueError unless X is such a matrix.
        """
        if isinstance(self.output, Ordinal):
            return self.output.probabilities(self._y_hat(X))
        if self.output.unit not in ("softmax", "logistic"):
            raise TypeError(f"{self.output.name} outputs are not probabilities; use predict(X)")
        y_hat = self._y_hat(X)
        alone = self.output.unit == "logistic" and y_hat.shape[1] == 1
        return np.concatenate([1 - y_hat, y_hat], axis=1) if alone else y_hat

    def predict(self, X: Array) -> Array:
        """Class indices (N,) for softmax and ordinal, 0 or 1 for logistic, ŷ for all other units.

        X: (N, D) numbers, dense or a SciPy sparse matrix. The result is (N, K), or (N,) where K
        is 1; softmax in groups gives one class index for each group, (N, groups).

        Raises ValueError unless X is such a matrix.
        """
        y_hat = self._y_hat(X)
        if isinstance(self.output, Softmax):
            groups = self.output.groups(y_hat.shape[1])
            classes = np.stack([y_hat[:, g].argmax(axis=1) for g in groups], axis=1)
            return np.asarray(classes[:, 0] if self.output.sizes is None else classes)
        if isinstance(self.output, Ordinal):
            return np.asarray(self.output.probabilities(y_hat).argmax(axis=1))
        if self.output.unit == "logistic":
            y_hat = (y_hat > 0.5).astype(np.int64)
        return np.asarray(y_hat[:, 0] if y_hat.shape[1] == 1 else y_hat)

    def predictor(self, *, engine: str = "auto", n_threads: int | None = None) -> Predictor:
        """This network as it is now, compiled for prediction: for one row at a time, or many.

        A later change of θ does not change the predictor.

        engine: "native", "reference", or "auto" (the default): the native one, unless the network
        has custom parts that only the reference can run, which a warning says.

        n_threads: for many rows, from 1 to 1024; None: :func:`clearprop.get_num_threads`.

        Raises ValueError for other values, and for engine="native" with custom parts.
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
        """Learn θ in place by stochastic gradient descent on ℒ, and return the history.

        X: (N, D) numbers, dense or a SciPy sparse matrix.

        t: the targets, as :meth:`loss` takes them.

        optimizer: "sgd", "adam" (the default), "adamw", "rmsprop", "nadam", "lbfgs", or a record
        such as SGD(0.1, momentum=0.9), whose learning rate may be a schedule.

        epochs: passes over the rows, ≥ 1 (default 100); for L-BFGS iterations, at most.

        batch_size: rows of a mini-batch, ≥ 1 (default 32); the last one of an epoch may be
        smaller. L-BFGS takes all rows at once.

        seed: an integer (default 0), a NumPy Generator, or None for a new one every time; the
        order of the rows, the split and the dropout masks are drawn from it.

        shuffle: whether the rows are put into a new order in each epoch (default True).

        sample_weight: (N,) numbers ≥ 0 that are not all 0; None: all equal.

        validation: (X, t) or (X, t, sample_weight), or the fraction of the rows to hold out, above
        0 and below 1; None: no validation.

        stopping: a :class:`clearprop.Stopping` rule. None: Stopping() if there is validation data,
        which stops when the validation loss has not improved for 10 epochs, and restores the θ of
        the best epoch; else no rule.

        penalty: a :class:`clearprop.Penalty` on large weights; None: no penalty.

        clip_norm: the greatest length of a gradient, > 0; a longer one is scaled down to it. None:
        no limit.

        metrics: functions by name, each from a :class:`clearprop.Evaluation` to a number, called
        with the validation data after each epoch.

        callbacks: functions of a :class:`clearprop.history.EpochReport`, called after each epoch;
        one that returns True ends the training.

        time_limit: seconds, > 0; None: no limit.

        max_steps: mini-batches in all, ≥ 1; None: no limit.

        checkpoint: a path, or a :class:`clearprop.Checkpoint`: the state is saved there after
        epochs, and a run that is found there is resumed to the bit. None: nothing is saved.

        engine: "native", "reference", or "auto" (the default): the native one, unless the network
        or the optimiser has custom parts that only the reference can run, which a warning says.

        n_threads: of the native engine, from 1 to 1024; None: :func:`clearprop.get_num_threads`.
        The result does not depend on it.

        precision: None computes in the dtype of θ; "bfloat16" multiplies matrices in bfloat16, for
        networks of dtype "float32" and the native engine.

        Ctrl-C ends the training, keeps what was learnt, and warns. Raises ValueError or TypeError,
        naming the argument, for values that do not fit, and NonFiniteError if NaN or infinity
        appears and there is no best θ to go back to; θ is then as it was before.

        >>> net = Network([2, 8, 1], hidden="tanh", output="logistic", seed=0)
        >>> X, t = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
        >>> history = net.train(X, t, "lbfgs", epochs=50)
        >>> net.predict(X).tolist()
        [0, 1, 1, 0]
        """
        from clearprop.checkpoints import Checkpoint
        from clearprop.training import report_trouble, train

        data = self._data(X, t, sample_weight)
        rng = np.random.default_rng(seed)
        dropout_seed = int(rng.integers(2**63))
        rows, validation_data = split_validation(self.architecture, data, validation, rng)
        if stopping is None and validation is not None:
            stopping = Stopping()
        job = Job(
            self.architecture,
            self.theta,
            optimizer,
            epochs=epochs,
            batch_size=batch_size,
            rows=rows,
            validation=validation_data,
            stopping=stopping,
            metrics=dict(metrics or {}),
            penalty=penalty or Penalty(),
            clip_norm=clip_norm,
            shuffle=rng if shuffle else None,
            seed=dropout_seed,
            max_steps=max_steps,
            precision=precision,
        )
        if checkpoint is not None and not isinstance(checkpoint, Checkpoint):
            checkpoint = Checkpoint(checkpoint)
        (state,) = train(
            [job],
            data,
            engine=engine,
            n_threads=n_threads,
            callbacks=callbacks,
            time_limit=time_limit,
            checkpoint=checkpoint,
        )
        report_trouble(state)
        self.theta[...] = state.theta
        return state.history

    def save(self, path: str | PathLike[str]) -> None:
        """Write architecture and θ to a safetensors file; atomic, no pickle.

        path: the file; one that is there is replaced.

        Raises ValueError for a θ that is not finite and for custom parts, which a file cannot
        hold, OSError where the file cannot be written.
        """
        from clearprop.network_files import save_network

        save_network(path, self.architecture, self.theta)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Network:
        """The network in a file of :meth:`save`; reading it runs nothing that the file says.

        path: the file. Raises ModelFileError for any other file, OSError for one that cannot be
        read.
        """
        from clearprop.network_files import load_network

        return cls.from_theta(*load_network(path))

    def _y_hat(self, X: Array) -> Array:
        """ŷ by the native engine, or by the definition for a network with custom parts."""
        from clearprop.engines.native import NativeEngine
        from clearprop.engines.native_specs import why_not

        if why_not(self.architecture):
            return self.forward(X).y_hat
        return NativeEngine().forward(self.architecture, self.theta, self._check_X(X))

    def _check_X(self, X: Array) -> Array:
        return check_matrix(X, self.architecture.n_inputs, self.theta.dtype)

    def _data(self, X: Array, t: Array, sample_weight: Array | None) -> Data:
        return Data.from_arrays(self.architecture, X, t, sample_weight, self.theta.dtype)
