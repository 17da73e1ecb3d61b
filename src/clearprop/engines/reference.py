"""The reference engine: the definition run step by step in NumPy. Never optimised; the oracle."""

from __future__ import annotations

import functools
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from clearprop._typing import Array
from clearprop.architecture import Architecture
from clearprop.engines.nonfinite import NonFinite, locate_nonfinite
from clearprop.engines.protocol import EpochPlan, EpochResult
from clearprop.jobs import Data, Job, Penalty
from clearprop.layers import StepDraw
from clearprop.optimizers import Optimizer
from clearprop.propagation import back_propagation, forward_propagation, mean_loss


@dataclass
class ReferenceRun:
    """The jobs, the shared data, and the present state of each job."""

    jobs: Sequence[Job]
    data: Data
    states: list[dict[str, Array]]
    steps: list[int]


class ReferenceEngine:
    """See :class:`clearprop.engines.protocol.Engine` for the operations."""

    name = "reference"
    n_threads = 1

    def forward(
        self, architecture: Architecture, theta: Array, X: Array, *, logits: bool = False
    ) -> Array:
        with steady_numerics():
            trace = forward_propagation(architecture, theta, X)
        return trace.z[-1] if logits else trace.y_hat

    def loss_and_gradient(
        self, architecture: Architecture, theta: Array, data: Data, penalty: Penalty
    ) -> tuple[float, Array]:
        with steady_numerics():
            return _loss_and_gradient(architecture, theta, data, penalty, None)

    def start(self, jobs: Sequence[Job], data: Data) -> ReferenceRun:
        states = []
        for job in jobs:
            optimizer = cast(Optimizer, job.optimizer)
            states.append({"theta": job.theta.copy(), **optimizer.init(job.theta)})
        return ReferenceRun(jobs, data, states, [0] * len(jobs))

    def run_epochs(
        self, run: ReferenceRun, plans: dict[int, EpochPlan], deadline: float | None = None
    ) -> dict[int, EpochResult]:
        with steady_numerics():
            return {n: _run_epoch(run, n, plan, deadline) for n, plan in plans.items()}

    def read(
        self,
        run: ReferenceRun,
        job: int,
        only: Collection[str] | None = None,
        *,
        last: bool = False,
    ) -> dict[str, Array]:
        state = run.states[job] | {"n_steps": np.asarray(run.steps[job])}
        return {name: a.copy() for name, a in state.items() if only is None or name in only}

    def restore(self, run: ReferenceRun, job: int, state: dict[str, Array]) -> None:
        kept = {name: value.copy() for name, value in state.items() if name != "n_steps"}
        run.states[job], run.steps[job] = kept, int(state["n_steps"])


@contextmanager
def steady_numerics() -> Iterator[None]:
    """One BLAS thread, and no warnings of overflow: NaN and infinity are looked for by name."""
    with _controller().limit(limits=1, user_api="blas"), np.errstate(all="ignore"):
        yield


@functools.cache
def _controller() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _run_epoch(
    run: ReferenceRun, number: int, plan: EpochPlan, deadline: float | None
) -> EpochResult:
    job, data = run.jobs[number], run.data
    n_rows = len(data) if plan.order is None else len(plan.order)
    total, n_steps, n_samples = 0.0, 0, 0
    nonfinite = None
    for step, rate in enumerate(plan.learning_rates.tolist()):
        factors = [1.0 if f is None else float(f[step]) for f in (plan.dropout, plan.decay)]
        start = n_steps * job.batch_size
        rows: Any = slice(start, min(start + job.batch_size, n_rows))
        n = rows.stop - rows.start
        batch = data.rows(rows if plan.order is None else plan.order[rows])
        loss, nonfinite = _step(run, number, batch, rate, *factors)
        if nonfinite is not None:
            break
        total, n_steps, n_samples = total + loss * n, n_steps + 1, n_samples + n
        if deadline is not None and time.monotonic() >= deadline:
            break
    mean = float("nan") if nonfinite is not None or n_samples == 0 else total / n_samples
    return EpochResult(mean, n_steps, n_samples, nonfinite)


def _step(
    run: ReferenceRun,
    number: int,
    batch: Data,
    learning_rate: float,
    dropout: float,
    decay: float,
) -> tuple[float, NonFinite | None]:
    """One step of stochastic gradient descent: θ ← θ − update(∂ℒ/∂θ)."""
    job, state, step = run.jobs[number], run.states[number], run.steps[number]
    optimizer = cast(Optimizer, job.optimizer)
    theta = state["theta"]
    draw = (job.seed, step, dropout)
    loss, gradient = _loss_and_gradient(job.architecture, theta, batch, job.penalty, draw)
    gradient = clip(gradient, job.clip_norm)
    factors = job.rates_of_parameters
    new_theta, new_state = optimizer.update(
        theta,
        gradient,
        {name: value for name, value in state.items() if name != "theta"},
        learning_rate if factors is None else learning_rate * factors,
        (decay * job.architecture.is_decayed).astype(theta.dtype),
    )
    if not (np.isfinite(loss) and np.isfinite(new_theta).all()):
        return loss, locate_nonfinite(job.architecture, theta, batch, step + 1, draw)
    new_theta = job.architecture.project(new_theta)
    # one assignment, so that an interrupt leaves the state before or after the step
    run.states[number], run.steps[number] = {"theta": new_theta, **new_state}, step + 1
    return loss, None


def _loss_and_gradient(
    architecture: Architecture,
    theta: Array,
    data: Data,
    penalty: Penalty,
    draw: StepDraw | None,
) -> tuple[float, Array]:
    """ℒ + penalty, and its gradient by θ."""
    trace = forward_propagation(architecture, theta, data.X, draw)
    loss = mean_loss(architecture, trace, data.t, data.sample_weight)
    gradient = back_propagation(architecture, theta, trace, data.t, data.sample_weight).theta
    return loss + add_penalty(architecture, theta, penalty, data, gradient), gradient


def add_penalty(
    architecture: Architecture, theta: Array, penalty: Penalty, data: Data, gradient: Array
) -> float:
    """The penalty on the weights; its gradient is added to `gradient` in place."""
    if penalty == Penalty():
        return 0.0
    w = theta * architecture.is_decayed.astype(theta.dtype)
    n = len(data) if data.sample_weight is None else float(data.sample_weight.sum())
    l2 = penalty.l2 + (penalty.l2_per_batch / n if n else 0.0)
    gradient += l2 * w + penalty.l1 * np.sign(w)
    return float(0.5 * l2 * (w @ w) + penalty.l1 * np.abs(w).sum())


def clip(gradient: Array, norm: float | None) -> Array:
    """g·min(1, norm/‖g‖₂). Source: Pascanu et al., On the difficulty of training RNNs (2013)."""
    largest = float(np.abs(gradient).max())
    if norm is None or not 0 < largest < np.inf:
        return gradient
    scaled = gradient / largest  # its squares cannot overflow
    length = float(np.linalg.norm(scaled))
    return gradient if length * largest <= norm else scaled * (norm / length)
