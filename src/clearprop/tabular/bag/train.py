"""A bag of networks, each a job on its own folds of one copy of the data.

The rows are partitioned into four folds, once for every four members. A member trains on three
folds and predicts the fourth, which it has not seen. So every row has out-of-fold predictions. They
choose the common epoch and estimate the score, at no more cost than the predictions. Rows can also
be divided by groups or by time, see :mod:`clearprop.tabular.bag.division`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from clearprop._typing import Array
from clearprop.architecture import Architecture
from clearprop.engines.nonfinite import NonFinite
from clearprop.engines.protocol import Engine
from clearprop.engines.select import get_engine
from clearprop.history import EpochReport, TrainingState
from clearprop.jobs import Data
from clearprop.tabular.bag.budget import LEAST_STEPS, Budget, linear_seconds
from clearprop.tabular.bag.course import Course, Kept, Reporter
from clearprop.tabular.bag.division import AT_RANDOM, Division
from clearprop.tabular.bag.folds import Apart, Fold, HeldOut, Score
from clearprop.tabular.bag.linear import AllRows, LinearMembers
from clearprop.tabular.bag.members import Members, can_start
from clearprop.tabular.bag.recipe import Recipe, plan_epochs
from clearprop.tabular.bag.screening import Columns, Contender, Screening
from clearprop.training import NonFiniteError

MOST_OF_LAST = 0.07  # of the time, that is kept for a last linear member
CLEARLY = 0.02  # less loss than networks have that were trained to their end: linear members win


@dataclass(frozen=True)
class Bag:
    """What training a bag found.

    architectures: of the n_trained networks.
    members: the numbers of the networks that are kept.
    thetas: their θ at the common epoch `epoch` of n_epochs.
    oof: mean out-of-fold ŷ (N, K), NaN for rows that no member held out.
    apart: the out-of-fold predictions of each member; None if there was no time for them.
    score: of the chosen epoch.
    scores: (epoch, score) of all evaluations.
    stopped: why training ended, as in `clearprop.history.STOPPED`.
    lost: members that stopped at NaN or infinity, and where it appeared.
    left_out: columns of the table that were left out, see `screening`.
    n_rows: that a network has learnt from at most, where these are more than the data has.
    """

    architectures: Sequence[Architecture]
    n_trained: int
    members: list[int]
    thetas: list[Array]
    epoch: int
    n_epochs: int
    oof: Array
    apart: Apart | None
    score: float
    scores: list[tuple[int, float]]
    stopped: str
    engine: str
    lost: dict[int, NonFinite]
    left_out: tuple[int, ...] = ()
    n_rows: int | None = None


def train_bag(
    architectures: Sequence[Architecture],
    data: Data,
    n_members: int,
    recipe: Recipe,
    score: Score,
    *,
    columns: Columns | None = None,
    division: Division = AT_RANDOM,
    seed: int = 0,
    time_limit: float | None = None,
    everything: AllRows | None = None,
    n_threads: int | None = None,
    engine: str = "auto",
    progress: Callable[[EpochReport], object] | None = None,
) -> Bag:
    """Train the members side by side, and keep the epoch whose out-of-fold predictions are best.

    architectures: the partitions of members take them in turn.
    score: of predictions for rows of the data, less is better; of equal epochs the later is kept.
    columns: of the table; uninformative ones may be left out. None keeps all.
    division: how rows are held out.
    time_limit: seconds; if the budget is tight, training uses fewer epochs and members.
    everything: all rows of the table, if the data are a sample of them.
    progress: called after each epoch, with the score as the validation loss.
    Raises NonFiniteError if every member stopped at NaN before anything was kept.
    """
    begun = time.monotonic()
    runner = get_engine(engine, architectures[0], n_threads=n_threads)
    fallback: Fallback | None = None
    if time_limit is not None:
        parts = division.folds(len(data), n_members, np.random.default_rng(seed))
        parts = [fold for fold in parts if fold.partition == 0]
        rows = everything or AllRows.of(data)
        fallback = Fallback.train(
            architectures[0], data, rows, parts, score, runner, seed, time_limit
        )
        time_limit -= fallback.reserved
        left = begun + time_limit - time.monotonic()
        if not can_start(architectures, recipe, data, parts, left):
            return fallback.bag(runner.name, "time_limit")
    starting = None if time_limit is None else time_limit / 10
    members = Members.draw(architectures, recipe, data, n_members, seed, division, seconds=starting)
    held_out = HeldOut.sample(data, members.parts, score, runner, seed)
    n_train = members.n_train
    plan, reporter = plan_epochs(n_train, recipe), Reporter(progress)
    if time_limit is None:
        course = Course.begin(members, held_out, plan, reporter)
    else:
        budget = Budget(begun, time_limit, judging=0.0, sampled=held_out.n / len(data))
        step, start = members.time_steps(data, runner, time_limit / 10)
        share = budget.left() / step / plan.n_steps
        members, step = members.fewer(share, step, data, runner, time_limit / 10)
        held_out = held_out.first_members(len(members.parts))
        budget.judging = held_out.estimate_seconds(architectures[0], members.thetas[0])
        if fallback is not None and budget.left() - start < LEAST_STEPS * step:
            return fallback.bag(runner.name, "time_limit")
        course = Course.begin_within(
            members, held_out, plan, reporter, budget, (step, start), n_train, recipe
        )
    course, states, left_out = _train(course, columns, seed)
    lost = {i: s.nonfinite for i, s in enumerate(states) if s.nonfinite is not None}
    if course.kept is None:
        alive = {i: state.theta for i, state in enumerate(states) if i not in lost}
        if not alive:
            raise NonFiniteError(f"all networks stopped at NaN or infinity: {lost[0]}")
        course.end(alive, max(state.epoch for state in states))
    assert course.kept is not None
    assert course.state.best is not None
    stopped = _why_stopped(states, shortened=course.state.n < course.plan.epochs)
    if fallback is not None and fallback.wins(course.state.best[1], stopped):
        return fallback.bag(runner.name, stopped)
    del states  # the optimisers' arrays make room for predictions
    architectures, kept, apart = course.members.architectures, course.kept, None
    thetas = _without_judges(kept, course.members.parts)
    if stopped not in ("interrupted", "time_limit"):
        apart = course.held_out.apart(architectures, kept.by_number, len(thetas))
    late = None if course.budget is None else course.budget.deadline - course.budget.judging
    oof, interrupted = _predict_all(
        course.held_out, course.members.parts, architectures, kept, late
    )
    if np.isnan(oof).all():
        raise NonFiniteError(f"all networks that judge stopped at NaN or infinity: {lost}")
    return Bag(
        architectures,
        len(members.parts),
        list(thetas),
        list(thetas.values()),
        course.state.best[0],
        course.state.n,
        oof,
        apart,
        course.state.best[1],
        list(course.state.scores),
        "interrupted" if interrupted else stopped,
        runner.name,
        lost,
        left_out,
    )


def _train(
    course: Course, columns: Columns | None, seed: int
) -> tuple[Course, list[TrainingState], tuple[int, ...]]:
    """Train to the end: the course whose members are taken, their states, the columns left out."""
    screening = None if columns is None else Screening.prepare(columns, course, seed)
    found: Contender | None = None

    def watch(reports: Sequence[EpochReport]) -> bool:
        nonlocal found
        course.judge(reports)
        if screening is not None:
            found = screening.contend(course, reports)
        return course.go_on(reports, replaced=found is not None)

    states = course.train(watch, time_limit=course.seconds_left)
    if found is None:
        return course, states, ()
    contender: Contender = found
    contender.course.take_over(course)
    return contender.course, contender.train_on(), contender.left_out


def _without_judges(kept: Kept, parts: Sequence[Fold]) -> dict[int, Array]:
    """The θ of the members that belong to the bag; if they were all lost, those of the judges."""
    thetas = {member: theta for member, theta in kept.by_number.items() if parts[member].kept}
    return thetas or kept.by_number


@dataclass(frozen=True)
class Fallback:
    """Linear members, which are the bag if its networks are no better.

    data: that they have learnt from. rows: all rows. deadline: of everything, by time.monotonic().
    reserved: seconds that one more member may take, which learns from all rows.
    """

    linear: LinearMembers
    data: Data
    rows: AllRows
    seed: int
    deadline: float
    reserved: float

    @classmethod
    def train(
        cls,
        architecture: Architecture,
        data: Data,
        rows: AllRows,
        parts: Sequence[Fold],
        score: Score,
        engine: Engine,
        seed: int,
        time_limit: float,
    ) -> Fallback:
        """The members, in the part of the limit that is theirs."""
        deadline = time.monotonic() + time_limit
        seconds = linear_seconds(time_limit)
        linear = LinearMembers.train(architecture, data, parts, score, engine, seed, seconds)
        reserved = min(MOST_OF_LAST * time_limit, linear.seconds(rows))
        return cls(linear, data, rows, seed, deadline, reserved)

    def wins(self, score: float, stopped: str) -> bool:
        """Whether networks with this score, which stopped for this reason, are worse."""
        if stopped == "interrupted":
            return False
        return self.linear.score < score - (0 if stopped == "time_limit" else CLEARLY * abs(score))

    def bag(self, engine: str, stopped: str) -> Bag:
        """The bag of linear members alone, which have no epochs: the last one, if there is time."""
        linear, n_rows = self.linear, None
        thetas = list(_without_judges(linear.kept, linear.parts).values())
        with suppress(TimeoutError, KeyboardInterrupt):
            theta, n_rows = linear.last(self.data, self.rows, self.deadline, self.seed)
            thetas = [theta]
        judges = [linear.architecture] * len(linear.parts)
        oof, interrupted = _predict_all(
            linear.held_out, linear.parts, judges, linear.kept, self.deadline
        )
        return Bag(
            judges[: len(thetas)],
            len(thetas),
            list(range(len(thetas))),
            thetas,
            0,
            0,
            oof,
            None,
            linear.score,
            [(0, linear.score)],
            "interrupted" if interrupted else stopped,
            engine,
            {},
            n_rows=n_rows,
        )


def _predict_all(
    held_out: HeldOut,
    parts: Sequence[Fold],
    architectures: Sequence[Architecture],
    kept: Kept,
    deadline: float | None,
) -> tuple[Array, bool]:
    """Out-of-fold predictions (N, K) of all rows, and whether Ctrl-C ended them.

    Rows that were not judged are predicted until the deadline, by time.monotonic().
    """
    if held_out.rows is None:
        return kept.y_hat, False
    oof = np.full((len(held_out.data), kept.y_hat.shape[1]), np.nan, np.float32)
    oof[held_out.rows] = kept.y_hat
    if deadline is not None and time.monotonic() > deadline:
        return oof, False
    everything = HeldOut.whole(held_out.data, parts, held_out.score, held_out.engine)
    try:
        y_hat, seen = everything.predict(architectures, kept.by_number, deadline)
    except KeyboardInterrupt:
        return oof, True
    np.copyto(oof, y_hat, where=seen[:, None])
    return oof, False


def _why_stopped(states: list[TrainingState], *, shortened: bool) -> str:
    reasons = {state.history.stopped for state in states}
    if "interrupted" in reasons:
        return "interrupted"
    if "time_limit" in reasons or (shortened and "callback" in reasons):
        return "time_limit"
    if "callback" in reasons:
        return "patience"
    return next(r for r in ("epochs", "nonfinite") if r in reasons)
