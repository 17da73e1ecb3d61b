"""The records that describe a training run before it starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from clearprop._typing import Array
from clearprop.architecture import Architecture
from clearprop.checks import (
    check_length,
    check_matrix,
    check_number,
    check_positive_integer,
    check_rows,
    check_sample_weight,
)
from clearprop.optimizers import LBFGS, Optimizer, get_optimizer
from clearprop.schedules import Schedule


@dataclass(frozen=True)
class Data:
    """The data that jobs share; :meth:`from_arrays` checks it and encodes the targets.

    X: (N, D), dense or CSR.
    t: (N, K), the targets as the output unit encodes them.
    sample_weight: (N,), or None for equal weights.
    """

    X: Array
    t: Array
    sample_weight: Array | None = None

    @classmethod
    def from_arrays(
        cls,
        architecture: Architecture,
        X: Array,
        t: Array,
        sample_weight: Array | None = None,
        dtype: Any = np.float64,
    ) -> Data:
        """Data for networks of this architecture; t as :meth:`clearprop.Network.loss` takes it.

        Raises ValueError, naming the argument, for shapes and values that do not fit.
        """
        X = check_matrix(X, architecture.n_inputs, dtype)
        t = architecture.output.targets(t, architecture.n_outputs, np.dtype(dtype))
        check_length("t", len(t), X.shape[0])
        return cls(X, t, check_sample_weight(sample_weight, X.shape[0], dtype))

    def rows(self, rows: Array | slice) -> Data:
        """The same data for some of the rows."""
        w = self.sample_weight
        return Data(self.X[rows], self.t[rows], None if w is None else w[rows])

    def __len__(self) -> int:
        return int(self.X.shape[0])


@dataclass(frozen=True)
class Penalty:
    """What is added to ℒ for large weights: l1·Σ|w| + ½·l2·Σw² + ½·l2_per_batch·Σw² / n.

    n is the sum of the batch's sample weights, or its number of rows. The sums over w take the
    parameters that their layers list as `decayed`; biases are exempt.
    l1, l2: numbers ≥ 0 that mean the same for any batch.
    l2_per_batch: ≥ 0, for a whole batch, so that its effect grows as the batch shrinks; this is
    scikit-learn's alpha.
    Raises TypeError or ValueError, naming the field.
    """

    l1: float = 0.0
    l2: float = 0.0
    l2_per_batch: float = 0.0

    def __post_init__(self) -> None:
        for name in ("l1", "l2", "l2_per_batch"):
            check_number(name, getattr(self, name), at_least=0)


@dataclass(frozen=True)
class Evaluation:
    """What a metric is called with after an epoch: the present θ, and the validation data.

    theta: (P,), the present parameters.
    y_hat: (N, K), the outputs on the validation data.
    t: (N, K), the targets as the output unit encodes them; one-hot for softmax.
    sample_weight: (N,), or None for equal weights.
    """

    theta: Array
    y_hat: Array
    t: Array
    sample_weight: Array | None


Metric: TypeAlias = Callable[[Evaluation], float]


@dataclass(frozen=True)
class Stopping:
    """When to stop: after more than `patience` epochs in a row that improved by less than `tol`.

    monitor: "loss" (in training, penalty included), "validation_loss", or the name of a metric,
        where more is better.
    patience: the number of such epochs, ≥ 0.
    tol: the least improvement that counts, ≥ 0.
    restore_best: whether to end with the θ of the best epoch instead of the last.
    Raises ValueError, naming the field.
    """

    monitor: str = "validation_loss"
    patience: float = 10
    tol: float = 0.0
    restore_best: bool = True

    def __post_init__(self) -> None:
        if not self.patience >= 0:
            raise ValueError(f"patience must be >= 0; got {self.patience!r}")
        if not self.tol >= 0:
            raise ValueError(f"tol must be >= 0; got {self.tol!r}")

    @property
    def sign(self) -> int:
        """+1 if higher is better, −1 if lower is better."""
        return -1 if self.monitor in ("loss", "validation_loss") else 1


Shuffle: TypeAlias = int | np.random.Generator | np.random.RandomState | None


@dataclass(frozen=True)
class Job:
    """One training run: a network with its start θ, an optimiser, the rows and a stopping rule.

    architecture: the network.
    theta: (P,) float32 or float64, the parameters at the start.
    optimizer: a record such as Adam(0.01), or its name.
    epochs: passes over the rows, ≥ 1.
    batch_size: rows of a mini-batch, ≥ 1.
    rows: the training rows of the shared data, as indices or a mask; None for all.
    validation: Data of its own, or rows of the shared data; None for none.
    stopping: the stopping rule; None to run through all epochs.
    metrics: functions of an Evaluation by name, called with the validation data.
    penalty: what is added to ℒ for large weights.
    clip_norm: the greatest length of a gradient, > 0; None for no limit.
    shuffle: seed or generator of the order of the rows; None to keep them as they lie.
    seed: seed of the dropout masks.
    rate_factors: factors of the learning rate by the names of parameters, {"b": 0.1}.
    dropout_schedule: the factor of the dropout rates at each step; None for 1.
    decay_schedule: the factor of λ, the weight decay, at each step; None for 1.
    max_steps: mini-batches in all, ≥ 1; None for no limit.
    drop_last: whether to leave out an epoch's last batch if it is smaller than the others.
    parts: into how many epochs one pass over very many rows is cut, so that more is seen on the
        way. All have the same number of steps; a rest of fewer steps is left out.
    precision: None computes in the dtype of θ throughout. "bfloat16" rounds what the matrix
        products multiply (h, ∂ℒ/∂z and a copy of W); sums, θ and the optimiser stay in float32.
    Raises ValueError or TypeError, naming the field.
    """

    architecture: Architecture
    theta: Array
    optimizer: str | Optimizer | LBFGS
    epochs: int = 100
    batch_size: int = 32
    rows: Array | None = None
    validation: Data | Array | None = None
    stopping: Stopping | None = None
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    penalty: Penalty = field(default_factory=Penalty)
    clip_norm: float | None = None
    shuffle: Shuffle = 0
    seed: int = 0
    rate_factors: Mapping[str, float] = field(default_factory=dict)
    dropout_schedule: Schedule | None = None
    decay_schedule: Schedule | None = None
    max_steps: int | None = None
    drop_last: bool = False
    parts: int = 1
    precision: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "optimizer", get_optimizer(self.optimizer))
        object.__setattr__(self, "rows", check_rows("rows", self.rows))
        if not isinstance(self.validation, Data):
            object.__setattr__(self, "validation", check_rows("validation", self.validation))
        self._check_theta()
        for name in ("epochs", "batch_size", "max_steps", "parts"):
            value = getattr(self, name)
            if name != "max_steps" or value is not None:
                check_positive_integer(name, value)
                object.__setattr__(self, name, int(value))  # NumPy's small integers overflow
        self._check_factors()
        if self.parts > 1 and self.shuffle is None:
            raise ValueError("parts needs shuffled rows; shuffle is None")
        if self.clip_norm is not None and not self.clip_norm > 0:
            raise ValueError(f"clip_norm must be > 0 or None; got {self.clip_norm!r}")
        if self.metrics and self.validation is None:
            raise ValueError("metrics need validation data, and there is none")
        if self.precision is not None:
            self._check_precision()
        if isinstance(self.optimizer, LBFGS):
            self._check_lbfgs()
        if self.stopping is not None:
            known = ["loss"]
            if self.validation is not None:
                known += ["validation_loss", *self.metrics]
            if self.stopping.monitor not in known:
                raise ValueError(
                    f"stopping can monitor {known} here; got {self.stopping.monitor!r}"
                    + ("" if self.validation is not None else " (there is no validation data)")
                )

    def _check_theta(self) -> None:
        if np.shape(self.theta) != (self.architecture.n_parameters,):
            raise ValueError(
                f"theta must have shape ({self.architecture.n_parameters},); "
                f"got {np.shape(self.theta)}"
            )
        if not self.architecture.within_bounds(self.theta):
            raise ValueError("theta must lie within the bounds of the monotone architecture")

    def _check_factors(self) -> None:
        names = {
            name.rpartition(".")[2] for layer in self.architecture.layers for name in layer.shapes
        }
        for name, factor in self.rate_factors.items():
            if name not in names:
                raise ValueError(
                    f"rate_factors must be for parameters of the network, {sorted(names)}; "
                    f"got one for {name!r}"
                )
            check_number(f"rate_factors[{name!r}]", factor, at_least=0)
        for argument in ("dropout_schedule", "decay_schedule"):
            schedule = getattr(self, argument)
            if schedule is not None and not callable(schedule):
                raise TypeError(f"{argument} must be a schedule or None; got {schedule!r}")

    def _check_precision(self) -> None:
        if self.precision != "bfloat16":
            raise ValueError(f"precision must be 'bfloat16' or None; got {self.precision!r}")
        if isinstance(self.optimizer, LBFGS):
            raise ValueError(
                "precision='bfloat16' is for training on mini-batches; L-BFGS needs the gradient "
                "in full precision"
            )
        if self.theta.dtype != np.float32:
            raise ValueError(
                f"precision='bfloat16' needs a network of dtype 'float32'; got {self.theta.dtype}"
            )

    @property
    def rates_of_parameters(self) -> Array | None:
        """The factor of the learning rate of each parameter, (P,); None if all are 1."""
        if not self.rate_factors:
            return None
        return self.architecture.by_name(lambda name: self.rate_factors.get(name, 1.0))

    def forget_theta(self) -> None:
        """Release θ, which may be large; the placeholder has its shape and dtype but no memory."""
        nothing = np.broadcast_to(np.zeros((), self.theta.dtype), self.theta.shape)
        object.__setattr__(self, "theta", nothing)

    def _check_lbfgs(self) -> None:
        """L-BFGS uses the loss of all rows at once; refuse settings that concern mini-batches."""
        given = {
            "monotone": self.architecture.monotone is not None,
            "clip_norm": self.clip_norm is not None,
            "max_steps": self.max_steps is not None,
            "rate_factors": bool(self.rate_factors),
            "dropout_schedule": self.dropout_schedule is not None,
            "decay_schedule": self.decay_schedule is not None,
            **{layer.name: layer.stochastic for layer in self.architecture.layers},
        }
        for name, present in given.items():
            if present:
                raise ValueError(f"{name} has no meaning for L-BFGS, which takes no mini-batches")


def check_job(job: Job, data: Data, engine: str) -> None:
    """Raise ValueError unless data and engine fit the job: shapes, rows, precision."""
    D, K = job.architecture.n_inputs, job.architecture.n_outputs
    for name, part in (("data", data), ("validation", job.validation)):
        if isinstance(part, Data):
            if part.X.shape[1:] != (D,):
                raise ValueError(f"X of {name} must have shape (N, {D}); got {part.X.shape}")
            if part.t.shape != (len(part), K):
                raise ValueError(
                    f"t of {name} must have shape ({len(part)}, {K}), as the output unit encodes "
                    f"it; got {part.t.shape}; Data.from_arrays(...) does that"
                )
        elif part is not None and part.size and part.max() >= len(data):
            raise ValueError(
                f"validation must hold row numbers below {len(data)}; got {part.max()}"
            )
    if job.precision is not None and engine != "native":
        raise ValueError(
            f"precision={job.precision!r} needs the native engine; "
            f"this job runs on the {engine} engine"
        )
    if job.rows is not None and job.rows.size and job.rows.max() >= len(data):
        raise ValueError(f"rows must hold row numbers below {len(data)}; got {job.rows.max()}")


def split_validation(
    architecture: Architecture,
    data: Data,
    validation: tuple[Array, ...] | float | None,
    rng: np.random.Generator,
) -> tuple[Array | None, Data | Array | None]:
    """The training rows (None for all) and the validation data or rows.

    validation: (X, t), (X, t, sample_weight), or the fraction of the rows that `rng` holds out.
    Raises ValueError for anything else, and for a fraction that leaves no rows on one side.
    """
    if validation is None:
        return None, None
    if isinstance(validation, tuple | list):
        if len(validation) not in (2, 3):
            raise ValueError(
                "validation must be (X, t), (X, t, sample_weight) or a fraction of the rows; "
                f"got a tuple of {len(validation)}"
            )
        weight = validation[2] if len(validation) == 3 else None
        try:
            X, t = validation[:2]
            return None, Data.from_arrays(architecture, X, t, weight, data.X.dtype)
        except ValueError as error:  # its message begins with the argument's name
            argument, rest = str(error).split(" ", 1)
            raise ValueError(f"{argument} of validation {rest}") from None
    fraction = validation if isinstance(validation, int | float) else 0.0
    n_validation = round(len(data) * fraction) if 0 < fraction < 1 else 0
    if not 0 < n_validation < len(data):
        raise ValueError(
            "validation must be (X, t) or a fraction that leaves rows on both sides; "
            f"got {validation!r} of {len(data)} rows"
        )
    order = rng.permutation(len(data))
    return np.sort(order[n_validation:]), np.sort(order[:n_validation])
