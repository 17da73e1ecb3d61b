"""A running job: the plan of its next epoch, and the bookkeeping after it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, cast

import numpy as np

from clearprop._typing import Array
from clearprop.engines.protocol import Engine, EpochPlan, EpochResult
from clearprop.history import EpochReport, TrainingState
from clearprop.jobs import Data, Evaluation, Job
from clearprop.optimizers import Optimizer
from clearprop.row_orders import RowOrder
from clearprop.schedules import Clock, Constant, as_schedule

Callback: TypeAlias = Callable[[EpochReport], object]


class Track:
    """A running job: its plan for the next epoch, and the bookkeeping after it."""

    def __init__(
        self,
        number: int,
        job: Job,
        state: TrainingState,
        data: Data,
        engine: Engine,
        callbacks: Sequence[Callback],
        start: float,
        time_limit: float | None,
    ) -> None:
        self.number, self.job, self.state, self.data = number, job, state, data
        self.engine, self.callbacks = engine, callbacks
        state.history.engine = engine.name
        self.start = start - (state.history.seconds[-1] if len(state.history) else 0.0)
        self.deadline = None if time_limit is None else start + time_limit
        self.n_rows = len(data) if job.rows is None else len(job.rows)
        if self.n_rows == 0:
            raise ValueError("there are no rows to train on")
        full, rest = divmod(self.n_rows, job.batch_size)
        in_pass = max(full, 1) if job.drop_last else full + (rest > 0)
        self.steps_per_epoch = max(1, in_pass // job.parts)
        self.n_parts = min(job.parts, in_pass)
        self.planned_steps = min(
            job.epochs * self.steps_per_epoch,
            job.max_steps if job.max_steps is not None else np.iinfo(np.int64).max,
        )
        # where θ is: in the engine's run under `index`, or here for L-BFGS and before the start
        self.run: Any = None
        self.index = 0
        self.theta: Array = job.theta
        if state.engine_state is not None:
            self.theta = state.engine_state["theta"]
        self.constant_rates: Array | None = None

    def read_state(self, *, last: bool = False) -> dict[str, Array]:
        if self.run is None:
            return (self.state.engine_state or {}) | {"theta": self.theta.copy()}
        return self.engine.read(self.run, self.index, last=last)

    def read_theta(self) -> Array:
        if self.run is None:
            return self.theta.copy()
        return self.engine.read(self.run, self.index, only=("theta",))["theta"]

    def begin(self) -> None:
        """Prepare to continue from the state, which may be fresh."""
        state, job = self.state, self.job
        if state.order is None and job.shuffle is not None:
            # at most 2³¹ rows in parts: memory counts where they are many
            dtype = np.int32 if self.n_parts > 1 and self.n_rows < 2**31 else np.int64
            state.order = RowOrder(
                random_generator(job.shuffle), np.arange(self.n_rows, dtype=dtype)
            )
        if state.history.stopped in ("time_limit", "interrupted"):
            state.history.stopped = ""
        if not state.history.stopped and state.epoch >= job.epochs:
            self.finish("epochs")
        elif not state.history.stopped and state.n_steps >= (job.max_steps or np.inf):
            self.finish("max_steps")

    def clock(self, n_steps: int) -> Clock:
        state = self.state
        step = np.arange(state.n_steps, state.n_steps + n_steps, dtype=np.float64)
        return Clock(step, self.planned_steps, state.epoch, state.n_samples, state.reductions)

    def learning_rates(self, n_steps: int) -> Array:
        if self.constant_rates is not None and len(self.constant_rates) == n_steps:
            return self.constant_rates
        schedule = as_schedule(cast(Optimizer, self.job.optimizer).learning_rate)
        rates = schedule(self.clock(n_steps))
        if isinstance(schedule, Constant):  # an epoch of a small network is short
            rates.flags.writeable = False
            self.constant_rates = rates
        return rates

    def begins_pass(self) -> bool:
        """Whether the coming epoch, which may be part of a pass, needs a new order of the rows."""
        return self.state.epoch % self.n_parts == 0

    def plan(self) -> EpochPlan:
        """The plan of the coming epoch, whose order has been drawn."""
        state, job = self.state, self.job
        n_steps = self.steps_per_epoch
        if job.max_steps is not None:
            n_steps = min(n_steps, job.max_steps - state.n_steps)
        order = None if state.order is None else self.order_of_epoch(state.order)
        if job.rows is not None:
            order = job.rows if order is None else job.rows[order]
        schedules = (job.dropout_schedule, job.decay_schedule)
        dropout, decay = (None if s is None else s(self.clock(n_steps)) for s in schedules)
        return EpochPlan(order, self.learning_rates(n_steps), dropout, decay)

    def order_of_epoch(self, order: RowOrder) -> Array:
        """The order of a whole pass, or the part of it that comes next."""
        if self.n_parts == 1:
            return order.index
        part, size = self.state.epoch % self.n_parts, self.steps_per_epoch * self.job.batch_size
        return order.index[part * size : (part + 1) * size]

    def end_of_epoch(self, plan: EpochPlan, result: EpochResult) -> None:
        state, job = self.state, self.job
        state.n_steps += result.n_steps
        state.n_samples += result.n_samples
        state.epoch += 1
        state.nonfinite = result.nonfinite
        rate = float(plan.learning_rates[max(result.n_steps - 1, 0)])
        self.record(result.loss, rate)
        stopping = ""
        if result.nonfinite is not None:
            stopping = "nonfinite"
        elif result.n_steps < len(plan.learning_rates):
            stopping = "time_limit"  # also in the last epoch, which is then not done
        elif job.stopping is not None and state.n_no_improvement > job.stopping.patience:
            stopping = self.reduce_learning_rate()
        if not stopping and job.max_steps is not None and state.n_steps >= job.max_steps:
            stopping = "max_steps"
        self.notify(stopping)

    def record(self, loss: float, rate: float) -> None:
        """Evaluate the epoch and add it to the history; an interrupt leaves lists equally long."""
        state, job, history = self.state, self.job, self.state.history
        theta = None
        validation_loss, metrics = float("nan"), dict.fromkeys(job.metrics, float("nan"))
        if job.validation is not None and state.nonfinite is None:
            theta = self.read_theta()
            validation_loss, metrics = self.evaluate(theta)
        if job.stopping is not None:
            values = {"loss": loss, "validation_loss": validation_loss, **metrics}
            value = job.stopping.sign * values[job.stopping.monitor]
            no_improvement = not value >= state.best + job.stopping.tol  # NaN is none either
            state.n_no_improvement = state.n_no_improvement + 1 if no_improvement else 0
            if value > state.best:
                state.best = value
                if job.stopping.restore_best:
                    state.best_theta = self.read_theta() if theta is None else theta
        history.loss.append(loss)
        history.learning_rate.append(rate)
        history.seconds.append(time.monotonic() - self.start)
        if job.validation is not None:
            history.validation_loss.append(validation_loss)
            for name, score in metrics.items():
                history.metrics.setdefault(name, []).append(score)

    def evaluate(self, theta: Array) -> tuple[float, dict[str, float]]:
        """ℒ and the metrics on the validation data."""
        job, output = self.job, self.job.architecture.output
        data = job.validation
        if not isinstance(data, Data):
            data = self.data.rows(cast(Array, data))
        z = self.engine.forward(job.architecture, theta, data.X, logits=True)
        with np.errstate(all="ignore"):
            loss = float(np.average(output.loss(z, data.t), weights=data.sample_weight))
            evaluation = Evaluation(theta, output.y_hat(z), data.t, data.sample_weight)
        return loss, {name: float(metric(evaluation)) for name, metric in job.metrics.items()}

    def reduce_learning_rate(self) -> str:
        """Patience has run out: "patience", unless an adaptive schedule can reduce the rate."""
        schedule = as_schedule(cast(Optimizer, self.job.optimizer).learning_rate)
        exhausted = getattr(schedule, "exhausted", None)
        if exhausted is None or exhausted(self.clock(1)):
            return "patience"
        self.state.reductions += 1
        self.state.n_no_improvement = 0
        return ""

    def notify(self, stopping: str) -> None:
        """Call the callbacks with the epoch just recorded, and finish if there is a reason."""
        state, job = self.state, self.job
        if not stopping and state.epoch >= job.epochs:
            stopping = "epochs"
        if not stopping and self.deadline is not None and time.monotonic() >= self.deadline:
            stopping = "time_limit"
        if self.callbacks:
            report = self.report(stopping)
            # every callback is called, even after one has asked to stop
            asked = [callback(report) for callback in self.callbacks]
            if not stopping and any(isinstance(a, bool | np.bool_) and a for a in asked):
                stopping = "callback"
        if stopping:
            self.finish(stopping)

    def report(self, stopping: str | None = None) -> EpochReport:
        """The report of the epoch just recorded."""
        state, history = self.state, self.state.history
        return EpochReport(
            job=self.number,
            epoch=state.epoch,
            n_epochs=self.job.epochs,
            step=state.n_steps,
            loss=history.loss[-1],
            validation_loss=history.validation_loss[-1] if history.validation_loss else None,
            metrics={name: values[-1] for name, values in history.metrics.items()},
            learning_rate=history.learning_rate[-1],
            seconds=history.seconds[-1],
            stopping=history.stopped if stopping is None else stopping,
            read_theta=self.read_theta,
            nonfinite=state.nonfinite,
        )

    def finish(self, stopping: str) -> None:
        self.state.engine_state = self.read_state(last=True)
        self.state.history.stopped = stopping


def random_generator(
    shuffle: int | np.random.Generator | np.random.RandomState,
) -> np.random.Generator | np.random.RandomState:
    return np.random.default_rng(shuffle) if isinstance(shuffle, int | np.integer) else shuffle
