"""A bag of networks, each a job on its own folds of one copy of the data.

Members come in partitions of the rows into four folds: a member trains on three of them, and what
it predicts for the fourth it has not seen. So every row has out-of-fold predictions, which choose
the common epoch and estimate the score, at no more cost than the predictions.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from clearprop._typing import Array
from clearprop.architecture import Architecture
from clearprop.engines.nonfinite import NonFinite
from clearprop.engines.protocol import Engine, get_engine
from clearprop.history import EpochReport, TrainingState
from clearprop.jobs import Data, Job
from clearprop.tabular.held_out import Fold, HeldOut, Score, folds
from clearprop.tabular.recipe import (
    START_ROWS,
    Plan,
    Recipe,
    batch_size,
    build_job,
    plan_epochs,
    start,
)
from clearprop.training import NonFiniteError, train

MAX_CHECKS = 64  # evaluations of the out-of-fold predictions in one training
CYCLE_ENDS = (1 / 15, 3 / 15, 7 / 15)  # of the learning rate, as parts of the training
LEAST_CHECKS = 3  # in a cycle for its end to end training
LAST_PEAK, FAR_WORSE = 0.7, 1.1  # where the last cycle's rate is highest; a score beyond recovery
MARGIN = 1.1  # for steps that take longer than the first ones
MOST_RESERVED = 0.1  # of the time, for out-of-fold predictions of all rows; else of some
TRIAL_EPOCHS, TRIAL_STEPS, TRIAL_ROWS = 4, 2, 20_000  # to find out how long a step takes


@dataclass
class Bag:
    """What training a bag found.

    members: the numbers of those that are kept; thetas: their θ at the common epoch `epoch` of
    n_epochs. oof: mean out-of-fold ŷ (N, K), NaN for rows that no member held out. score: what
    chose the epoch. scores: (epoch, score) of all evaluations. stopped: why training ended, as in
    `clearprop.history.STOPPED`. lost: members that ran into NaN or infinity, and where.
    """

    architecture: Architecture
    members: list[int] = field(default_factory=list)
    thetas: list[Array] = field(default_factory=list)
    epoch: int = 0
    n_epochs: int = 0
    oof: Array = field(default_factory=lambda: np.empty((0, 0)))
    score: float = float("inf")
    scores: list[tuple[int, float]] = field(default_factory=list)
    stopped: str = ""
    engine: str = ""
    lost: dict[int, NonFinite] = field(default_factory=dict)


@dataclass(frozen=True)
class Members:
    """The members of a bag before training: folds, seeds, and where they start."""

    architecture: Architecture
    recipe: Recipe
    parts: list[Fold]
    seeds: list[int]
    thetas: list[Array]

    @classmethod
    def draw(
        cls,
        architecture: Architecture,
        recipe: Recipe,
        data: Data,
        n_members: int,
        seed: int,
        strata: Array | None = None,
    ) -> Members:
        """Drawn with the seed."""
        rng = np.random.default_rng(seed)
        parts = folds(len(data), n_members, rng, strata)
        seeds = rng.integers(0, 2**31, n_members).tolist()
        return cls.start(architecture, recipe, data, parts, seeds)

    @classmethod
    def start(
        cls,
        architecture: Architecture,
        recipe: Recipe,
        data: Data,
        parts: list[Fold],
        seeds: list[int],
    ) -> Members:
        """Where members of these folds and seeds begin."""
        thetas = []
        for fold, seed in zip(parts, seeds, strict=True):
            own = np.random.default_rng(seed)
            rows = fold.train
            if len(rows) > START_ROWS:
                rows = np.sort(own.choice(rows, START_ROWS, replace=False))
            thetas.append(start(architecture, data.X[rows], own))
        return cls(architecture, recipe, parts, seeds, thetas)

    def jobs(self, plan: Plan) -> list[Job]:
        """The training of each."""
        return [
            build_job(self.architecture, theta, fold.train, self.recipe, seed, plan)
            for theta, fold, seed in zip(self.thetas, self.parts, self.seeds, strict=True)
        ]

    def time_steps(self, data: Data, engine: Engine) -> tuple[float, float]:
        """Seconds of a step of all members, and of beginning, from a few steps on some rows."""
        n = min(len(data), TRIAL_ROWS)
        some = data.rows(slice(n))
        n_train = max(1, len(self.parts[0].train) * n // len(data))
        parts = max(1, n_train // batch_size(n_train) // TRIAL_STEPS)
        plan = Plan(TRIAL_EPOCHS, TRIAL_STEPS, parts)
        jobs = [
            build_job(self.architecture, theta, np.arange(n_train), self.recipe, seed, plan)
            for theta, seed in zip(self.thetas, self.seeds, strict=True)
        ]
        states = train(jobs, some, engine=engine)
        first, *others = np.diff(states[0].history.seconds, prepend=0.0)
        of_epoch = float(np.median(others)) if others else first
        of_step = of_epoch * states[0].epoch / states[0].n_steps
        return of_step, max(0.0, first - of_epoch) * len(data) / n


def train_bag(
    architecture: Architecture,
    data: Data,
    n_members: int,
    recipe: Recipe,
    score: Score,
    *,
    strata: Array | None = None,
    seed: int = 0,
    time_limit: float | None = None,
    n_threads: int | None = None,
    engine: str = "auto",
    progress: Callable[[EpochReport], object] | None = None,
) -> Bag:
    """Train the members side by side, and keep the epoch whose out-of-fold predictions are best.

    score: of predictions for rows of the data, less is better; ties go to the later epoch.
    time_limit: seconds; where they are few, fewer epochs are planned. progress: told of each
    epoch, with the score as the loss of validation.
    Raises NonFiniteError where every member ran into NaN before there was anything to keep.
    """
    deadline = None if time_limit is None else time.monotonic() + time_limit
    runner = get_engine(engine, architecture, n_threads=n_threads)
    members = Members.draw(architecture, recipe, data, n_members, seed, strata)
    held_out = HeldOut.of(data, members.parts, score, runner, seed)
    bag = Bag(architecture, engine=runner.name)
    plan = plan_epochs(len(members.parts[0].train), recipe)
    selection = _Selection(bag, held_out, plan, deadline, progress)
    if deadline is not None:
        held_out.seconds = held_out.estimate_seconds(architecture, members.thetas[0])
        if held_out.rows is not None:
            of_all = held_out.seconds * len(data) / len(held_out.rows)
            selection.reserve = min(of_all, MOST_RESERVED * (deadline - time.monotonic()))
        of_step, selection.of_start = members.time_steps(data, runner)
        plan = selection.affordable(plan, of_step) or plan
    while True:
        selection.begin(plan)
        left = selection.seconds_left()
        states = train(
            members.jobs(plan),
            data,
            engine=runner,
            watch=selection,
            time_limit=None if left is None else max(left, 1e-3),
        )
        if selection.other is None or _interrupted(states):
            break
        plan = selection.other
    lost = {i: s.nonfinite for i, s in enumerate(states) if s.nonfinite is not None}
    if not bag.thetas:
        alive = {i: state.theta for i, state in enumerate(states) if i not in lost}
        if not alive:
            raise NonFiniteError(f"training ran into NaN or infinity: {lost[0]}")
        selection.evaluate(alive, max(state.epoch for state in states))
    bag.lost, bag.stopped = lost, _stopped(states, shortened=plan.max_steps is not None)
    del states
    if held_out.rows is not None:
        _predict_all(bag, HeldOut.of_all(data, members.parts, score, runner), held_out, deadline)
    return bag


def _predict_all(bag: Bag, everything: HeldOut, drawn: HeldOut, deadline: float | None) -> None:
    """Out-of-fold predictions of all rows instead of the drawn ones, unless that is interrupted."""
    kept = dict(zip(bag.members, bag.thetas, strict=True))
    try:
        bag.oof, _ = everything.predict(bag.architecture, kept, deadline)
    except KeyboardInterrupt:
        bag.stopped = "interrupted"
        of_drawn, bag.oof = bag.oof, np.full((len(drawn.data), bag.oof.shape[1]), np.nan)
        bag.oof[drawn.rows] = of_drawn


def _stopped(states: list[TrainingState], *, shortened: bool) -> str:
    reasons = {state.history.stopped for state in states}
    if "interrupted" in reasons:
        return "interrupted"
    if "callback" in reasons:
        return "patience"
    if shortened or "time_limit" in reasons:
        return "time_limit"
    return next(r for r in ("epochs", "max_steps", "nonfinite") if r in reasons)


def _interrupted(states: list[TrainingState]) -> bool:
    return any(state.history.stopped == "interrupted" for state in states)


@dataclass
class _Selection:
    """Called after every epoch: evaluates, keeps the best, and says when enough is known.

    full: the plan if there were time for all; deadline: of time.monotonic; reserve: seconds for
    what comes after training; of_start: before its first step. other: the plan there is time for,
    where that is not what was begun.
    """

    bag: Bag
    held_out: HeldOut
    full: Plan
    deadline: float | None
    progress: Callable[[EpochReport], object] | None
    reserve: float = 0.0
    of_start: float = 0.0
    plan: Plan = field(init=False)
    begun: float = 0.0
    n_begun: int = 0
    other: Plan | None = None

    def begin(self, plan: Plan) -> None:
        """A training by this plan is about to begin."""
        self.plan, self.other, self.begun = plan, None, time.monotonic()
        self.n_begun += 1
        self.bag.n_epochs = plan.epochs

    def seconds_left(self) -> float | None:
        """For training and evaluations but the last one."""
        if self.deadline is None:
            return None
        return self.deadline - self.reserve - self.held_out.seconds - time.monotonic()

    def affordable(self, plan: Plan, of_step: float) -> Plan | None:
        """The longest plan that there is time for if a step takes so long; None for this one."""
        left = self.seconds_left()
        if left is None:
            return None
        left = (left - self.of_start) / MARGIN
        of_epoch, of_evaluation = plan.steps * of_step, self.held_out.seconds
        if plan.epochs * (of_epoch + of_evaluation / self._every(plan.epochs)) <= left:
            return None
        n_steps = max(1, math.floor(left / (of_step + of_evaluation / plan.steps)))
        return dataclasses.replace(plan, epochs=math.ceil(n_steps / plan.steps), max_steps=n_steps)

    def __call__(self, reports: Sequence[EpochReport]) -> bool:
        epoch, n = reports[0].epoch, reports[0].n_epochs
        of_epoch = max(1e-6, time.monotonic() - self.begun - self.of_start)
        every = self._every(n)
        ending = {report.stopping for report in reports}
        alive = [report for report in reports if report.stopping != "nonfinite"]
        if epoch == 1 and ending == {""} and self._is_to_begin_anew(of_epoch):
            over = True
        else:
            due = epoch % every == 0 or epoch == n or ending != {""}
            if alive and due and not (self.bag.thetas and self._is_late()):
                self.evaluate({report.job: report.read_theta() for report in alive}, epoch)
            over = self._is_over(epoch, n, every)
        if self.progress is not None and alive:
            self._tell(alive, over=over and self.other is None)
        return over

    def _tell(self, alive: list[EpochReport], *, over: bool) -> None:
        assert self.progress is not None
        loss = float(np.mean([report.loss for report in alive]))
        score = self.bag.scores[-1][1] if self.bag.scores else None
        stopping = "callback" if over else alive[0].stopping
        report = dataclasses.replace(
            alive[0], job=0, loss=loss, validation_loss=score, stopping=stopping
        )
        self.progress(report)

    @staticmethod
    def _every(n_epochs: int) -> int:
        return max(1, n_epochs // MAX_CHECKS)

    def _is_late(self) -> bool:
        left = self.seconds_left()
        return left is not None and left < 0

    def _is_to_begin_anew(self, of_epoch: float) -> bool:
        """After the first epoch: whether there is time for far more steps than planned, or fewer.

        Where it is for most of what is planned, the plan goes on as far as it comes.
        """
        if self.deadline is None or self.n_begun > 1:
            return False
        wanted = self.affordable(self.full, of_epoch / self.plan.steps) or self.full
        planned = self.plan.n_steps
        done = min(self.plan.steps, planned)
        if 0.9 * planned - done < wanted.n_steps < max(1.15 * planned, 5 * done):
            return False
        self.other = wanted
        return True

    def evaluate(self, thetas: dict[int, Array], epoch: int) -> None:
        """Score the out-of-fold predictions of these members; keep them if none were better.

        Where time is up before anything was kept, the rows that were predicted so far must do.
        """
        bag = self.bag
        deadline = None if bag.thetas else self.deadline
        score, y_hat = self.held_out.judge(bag.architecture, thetas, deadline)
        bag.scores.append((epoch, score))
        if not bag.thetas or score <= bag.score or np.isnan(bag.score):
            bag.members, bag.thetas = list(thetas), list(thetas.values())
            bag.epoch, bag.score, bag.oof = epoch, score, y_hat

    def _is_over(self, epoch: int, n: int, every: int) -> bool:
        """Whether a whole cycle of the learning rate has just ended without a new best.

        In the last cycle the rate falls from its peak on, which gives back some percent of the
        score; where it has become far worse than the best by then, the rows are learnt by heart.
        """
        scores = self.bag.scores
        if epoch >= LAST_PEAK * n and scores and scores[-1][1] > FAR_WORSE * self.bag.score:
            return True
        ends = [round(end * n) for end in CYCLE_ENDS]
        for before, end in pairwise(ends):
            if epoch - every < end <= epoch and end - before >= LEAST_CHECKS * every:
                return 0 < self.bag.epoch <= before
        return False
