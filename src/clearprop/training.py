"""The training loop: epochs of mini-batches over many jobs, stopping, history, callbacks, budgets.

The same loop serves a single fit and a thousand jobs. Each turn asks the engine for one epoch of
every job that is still running, and then does the bookkeeping of each job.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from clearprop._typing import Array
from clearprop.callers import users_line
from clearprop.checkpoints import Checkpoint
from clearprop.engines.nonfinite import locate_nonfinite
from clearprop.engines.protocol import Engine
from clearprop.engines.select import choose_engine
from clearprop.history import EpochReport, TrainingState
from clearprop.jobs import Data, Job, check_job
from clearprop.optimizers import LBFGS
from clearprop.row_orders import draw_orders
from clearprop.track import Callback, Track

AllJobsCallback: TypeAlias = Callable[[Sequence[EpochReport]], bool]


class NonFiniteError(ValueError):
    """Training met NaN or infinity; the message names the step, the layer and the quantity."""


def train(
    jobs: Sequence[Job],
    data: Data,
    *,
    engine: str | Engine = "auto",
    n_threads: int | None = None,
    callbacks: Sequence[Callback] = (),
    watch: AllJobsCallback | None = None,
    time_limit: float | None = None,
    checkpoint: Checkpoint | None = None,
    states: Sequence[TrainingState] | None = None,
    keep_theta: bool = True,
) -> list[TrainingState]:
    """Train the jobs over shared data, side by side, and return the state in which each ended.

    jobs: what to train, one :class:`Job` each.

    data: what the jobs share, made by :meth:`Data.from_arrays`.

    engine: "auto", "native", "reference", or an engine, which then has its own number of threads.

    n_threads: of the native engine, from 1 to 1024; None: :func:`clearprop.get_num_threads`.

    callbacks: functions of an :class:`EpochReport`, called after every epoch of every job; one that
    returns True ends that job.

    watch: called after an epoch of all jobs that run, with the reports of all; True ends them all.

    time_limit: seconds for all jobs together, > 0; None: no limit.

    checkpoint: where the state is saved; see :class:`clearprop.checkpoints.Checkpoint`.

    states: go on from these states, which are changed in place. A job that has ended goes on only
    if a time limit or an interrupt ended it.

    keep_theta: False lets go of the θ that the jobs began with as soon as the engine has copied
    it, which saves memory for large networks; such jobs cannot be trained again.

    Ctrl-C ends training with the θ of the last whole step, and history.stopped is "interrupted".
    NaN or infinity ends a job before the step that gives it; its state names the place. Raises
    ValueError or TypeError, naming the argument, for values that do not fit.
    """
    if time_limit is not None and not time_limit > 0:
        raise ValueError(f"time_limit must be a number of seconds > 0; got {time_limit!r}")
    if callable(callbacks) or not all(callable(callback) for callback in callbacks):
        raise TypeError(f"callbacks must be a list of functions; got {callbacks!r}")
    engine = choose_engine(engine, jobs, n_threads)
    states = [TrainingState() for _ in jobs] if states is None else list(states)
    for job in jobs:
        check_job(job, data, engine.name)
    if checkpoint is not None:
        if any(isinstance(job.optimizer, LBFGS) for job in jobs):
            raise ValueError(
                "checkpoint: L-BFGS cannot be resumed, because its state is inside SciPy"
            )
        checkpoint.resume(states, jobs, data, engine.name)
    start = time.monotonic()
    tracks = [
        Track(number, job, state, data, engine, callbacks, start, time_limit)
        for number, (job, state) in enumerate(zip(jobs, states, strict=True))
    ]
    stepwise = [track for track in tracks if not isinstance(track.job.optimizer, LBFGS)]
    try:
        if stepwise:
            _run_stepwise(stepwise, checkpoint, watch, keep_theta)
        for track in tracks:
            if isinstance(track.job.optimizer, LBFGS):
                _run_lbfgs(track, track.job.optimizer)
    except KeyboardInterrupt:
        for track in tracks:
            if not track.state.history.stopped:
                track.finish("interrupted")
    if checkpoint is not None and any(
        state.history.stopped in ("interrupted", "time_limit") for state in states
    ):
        checkpoint.note_results(states)
    return states


def _begin(tracks: list[Track], run: Any, keep_theta: bool) -> None:
    """Make every job continue from its state in an engine's run that has just been started."""
    for number, track in enumerate(tracks):
        track.begin()
        if track.state.engine_state is not None and not track.state.history.stopped:
            expected = track.engine.read(run, number)
            if missing := sorted(expected.keys() - track.state.engine_state.keys()):
                name = type(track.job.optimizer).__name__
                raise ValueError(
                    f"the state of job {track.number} lacks {missing}, which {name} has"
                )
            track.engine.restore(run, number, track.state.engine_state)
        track.run, track.index = run, number
        del track.theta  # the engine has it now
        if not keep_theta:
            track.job.forget_theta()


def _run_stepwise(
    tracks: list[Track],
    checkpoint: Checkpoint | None,
    watch: AllJobsCallback | None,
    keep_theta: bool,
) -> None:
    """Epochs of mini-batches, all jobs in step."""
    engine, data = tracks[0].engine, tracks[0].data
    run = engine.start([track.job for track in tracks], data)
    _begin(tracks, run, keep_theta)
    while True:
        active = {n: track for n, track in enumerate(tracks) if not track.state.history.stopped}
        if not active:
            return
        beginning = [track.state.order for track in active.values() if track.begins_pass()]
        draw_orders([order for order in beginning if order is not None], engine.n_threads)
        plans = {number: track.plan() for number, track in active.items()}
        results = engine.run_epochs(run, plans, tracks[0].deadline)
        for number, result in results.items():
            active[number].end_of_epoch(plans[number], result)
        if watch is not None and watch([track.report() for track in active.values()]):
            for track in active.values():
                if not track.state.history.stopped:
                    track.finish("callback")
        if checkpoint is None:
            continue
        whole = all(r.n_steps == len(plans[n].learning_rates) for n, r in results.items())
        finished = all(track.state.history.stopped for track in tracks)
        if whole and (finished or checkpoint.is_due()):
            for track in active.values():
                if not track.state.history.stopped:
                    track.state.engine_state = track.read_state()
            checkpoint.write([track.state for track in tracks])


def _run_lbfgs(track: Track, optimizer: LBFGS) -> None:
    """SciPy's L-BFGS over all rows of the job at once; one iteration counts as one epoch."""
    job, state = track.job, track.state
    data = track.data if job.rows is None else track.data.rows(job.rows)
    state.history.stopped = ""

    def loss_and_gradient(theta: Array) -> tuple[float, Array]:
        if track.deadline is not None and time.monotonic() >= track.deadline:
            raise _TimeIsUpError
        theta = theta.astype(job.theta.dtype, copy=False)
        loss, gradient = track.engine.loss_and_gradient(job.architecture, theta, data, job.penalty)
        return loss, gradient.astype(np.float64, copy=False)

    def after_iteration(intermediate_result: Any) -> None:
        # only SciPy's result will show which iteration was the last
        track.theta = intermediate_result.x.astype(job.theta.dtype)
        state.epoch += 1
        state.n_samples += len(data)
        track.record(float(intermediate_result.fun), float("nan"))
        patience = np.inf if job.stopping is None else job.stopping.patience
        track.notify("patience" if state.n_no_improvement > patience else "")
        if state.history.stopped not in ("", "epochs"):
            raise StopIteration

    try:
        with np.errstate(all="ignore"):
            result = optimizer.minimize(
                loss_and_gradient, track.theta, job.epochs - state.epoch, after_iteration
            )
    except _TimeIsUpError:
        track.finish("time_limit")
        return
    if state.history.stopped not in ("", "epochs"):
        return
    theta = result.x.astype(job.theta.dtype)
    if np.isfinite(theta).all() and np.isfinite(result.fun):
        track.theta = theta
        # SciPy's status: 0 converged, 1 out of iterations or evaluations, 2 abnormal
        reasons = {0: "converged", 1: state.history.stopped or "max_fun"}
        track.finish(reasons.get(int(result.status), "abnormal"))
    else:
        state.nonfinite = locate_nonfinite(job.architecture, theta, data, state.epoch)
        track.finish("nonfinite")


class _TimeIsUpError(Exception):
    """Leaves SciPy's search when the deadline has passed."""


def report_trouble(state: TrainingState) -> None:
    """Warn about an interrupt, and about NaN or infinity if a best θ is kept, else raise."""
    if state.nonfinite is not None:
        message = (
            "Solver produced non-finite parameter weights. The input data may contain large values "
            f"and need to be preprocessed. ({state.nonfinite})"
        )
        if state.best_theta is None:
            raise NonFiniteError(message)
        warnings.warn(
            message + " Training stopped; the best parameters so far are kept.",
            RuntimeWarning,
            stacklevel=users_line(),
        )
    if state.history.stopped == "interrupted":
        message = "Training interrupted by user."
        warnings.warn(message, UserWarning, stacklevel=users_line())
