"""The results of training: history, state of a job, epoch reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from clearprop._typing import Array
from clearprop.engines.nonfinite import NonFinite
from clearprop.row_orders import RowOrder


@dataclass
class History:
    """Lists with one entry per epoch (per iteration of L-BFGS), and how training ended.

    loss: the mean over the epoch's batches, penalty included.
    validation_loss: ℒ on the validation data without penalty; empty if there is none.
    metrics: the values of each metric on the validation data, by its name.
    learning_rate: the rate of the epoch's last step.
    seconds: the time since the start of training.
    stopped: why training ended, one of :data:`STOPPED`, or "" while it goes on.
    engine: the name of the engine that ran.
    """

    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    metrics: dict[str, list[float]] = field(default_factory=dict)
    learning_rate: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    stopped: str = ""
    engine: str = ""

    def __len__(self) -> int:
        return len(self.loss)

    def _repr_html_(self) -> str:
        from clearprop.notebook.records import history_html

        return history_html(self)


STOPPED = {
    "epochs": "all epochs are done",
    "patience": "no improvement for longer than the stopping rule's patience",
    "converged": "L-BFGS met its tolerance",
    "max_fun": "L-BFGS used up its evaluations of the loss",
    "abnormal": "L-BFGS could not reduce the loss further",
    "max_steps": "the budget of steps is used up",
    "time_limit": "the budget of time is used up",
    "callback": "a callback asked to stop",
    "interrupted": "Ctrl-C",
    "nonfinite": "NaN or infinity appeared",
}


@dataclass
class TrainingState:
    """The state of a job at the end of an epoch, from which training can continue bit-exactly.

    engine_state: θ and the optimiser's arrays, as the engine reads them; None before the start.
    epoch, n_steps, n_samples: the epochs, steps and samples done so far.
    reductions: how often an adaptive learning rate was reduced.
    best: the monitored value of the best epoch, signed so that more is better.
    best_theta: the θ of that epoch, if the stopping rule restores it.
    n_no_improvement: epochs since the value improved by the stopping rule's tol.
    order: the order of the rows, and its generator.
    history: what was seen after each epoch.
    nonfinite: where NaN or infinity appeared, if it did.
    """

    engine_state: dict[str, Array] | None = None
    epoch: int = 0
    n_steps: int = 0
    n_samples: int = 0
    reductions: int = 0
    best: float = -np.inf
    best_theta: Array | None = None
    n_no_improvement: int = 0
    order: RowOrder | None = None
    history: History = field(default_factory=History)
    nonfinite: NonFinite | None = None

    @property
    def theta(self) -> Array:
        """The result: θ of the best epoch if the stopping rule restores it, else the last θ."""
        if self.best_theta is not None:
            return self.best_theta
        if self.engine_state is None:
            raise RuntimeError("training has not started: this state has no theta yet")
        return self.engine_state["theta"]


@dataclass(frozen=True)
class EpochReport:
    """What a callback is called with after an epoch of a job.

    job: the number of the job, from 0.
    epoch, n_epochs: the number of the epoch, from 1, and the number of epochs planned.
    step: the steps done so far.
    loss: the mean over the epoch's batches, penalty included.
    validation_loss: ℒ on the validation data; None without any.
    metrics: the value of each metric on the validation data, by its name.
    learning_rate: the rate of the epoch's last step.
    seconds: the time since the start of training.
    stopping: "" while training goes on, else why it ends, one of :data:`STOPPED`.
    nonfinite: where NaN or infinity appeared, if that is the reason.
    """

    job: int
    epoch: int
    n_epochs: int
    step: int
    loss: float
    validation_loss: float | None
    metrics: Mapping[str, float]
    learning_rate: float
    seconds: float
    stopping: str
    read_theta: Callable[[], Array] = field(repr=False)
    nonfinite: NonFinite | None = None

    @property
    def theta(self) -> Array:
        """A copy of the current θ (P,)."""
        return self.read_theta()
