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
from clearprop.tabular.budget import AFTER, Budget, affordable_members
from clearprop.tabular.held_out import Fold, HeldOut, Score, folds
from clearprop.tabular.pace import Pace
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
RISING = 0.1  # of a cycle, in which the rate is not yet a fifth of its peak
LAST_PEAK, FAR_WORSE = 0.7, 1.1  # where the last cycle's rate is highest; a score beyond recovery
SHORT_CHECKS = 0.1  # of the time of a training that is cut short, for evaluations
SHORT_EPOCHS = 64  # of such a training at least, so that its end can be moved
FASTER = 0.75  # a step with fewer networks has to be, for these to be left out
TRUST = 3  # epochs that are believed to take as long as was tried out, whatever the first one takes
TRIAL_EPOCHS, TRIAL_STEPS, TRIAL_ROWS = 4, 6, 20_000  # to find out how long a step takes


@dataclass
class Bag:
    """What training a bag found.

    n_trained: how many networks; members: the numbers of those that are kept; thetas: their θ at
    the common epoch `epoch` of n_epochs. oof: mean out-of-fold ŷ (N, K), NaN for rows that no
    member held out. score: what chose the epoch. scores: (epoch, score) of all evaluations.
    stopped: why training ended, as in `clearprop.history.STOPPED`. lost: members that ran into NaN
    or infinity, and where.
    """

    architecture: Architecture
    n_trained: int = 0
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

    def jobs(self, plan: Plan, pace: Pace | None = None) -> list[Job]:
        """The training of each."""
        return [
            build_job(self.architecture, theta, fold.train, self.recipe, seed, plan, pace)
            for theta, fold, seed in zip(self.thetas, self.parts, self.seeds, strict=True)
        ]

    def time_steps(
        self, data: Data, engine: Engine, seconds: float | None = None
    ) -> tuple[float, float]:
        """Seconds of a step of all members, and of beginning, from a few steps on some rows.

        seconds: that this may take. Ctrl-C raises KeyboardInterrupt, as nothing is learnt yet.
        """
        n = min(len(data), TRIAL_ROWS)
        some = data.rows(slice(n))
        n_train = max(1, len(self.parts[0].train) * n // len(data))
        parts = max(1, n_train // batch_size(n_train) // TRIAL_STEPS)
        plan = Plan(TRIAL_EPOCHS, TRIAL_STEPS, parts)
        jobs = [
            build_job(self.architecture, theta, np.arange(n_train), self.recipe, seed, plan)
            for theta, seed in zip(self.thetas, self.seeds, strict=True)
        ]
        states = train(jobs, some, engine=engine, time_limit=seconds)
        if any(state.history.stopped == "interrupted" for state in states):
            raise KeyboardInterrupt
        longest = max(states, key=lambda state: state.epoch)
        first, *others = np.diff(longest.history.seconds, prepend=0.0)
        of_epoch = float(np.median(others)) if others else first
        n_steps = np.mean([state.n_steps for state in states])  # with a limit not the same for all
        of_step = of_epoch * longest.epoch / max(1.0, float(n_steps))
        return of_step, max(0.0, first - of_epoch) * len(data) / n

    def fewer(
        self, share: float, of_step: float, data: Data, engine: Engine, seconds: float
    ) -> tuple[Members, float]:
        """As many as there is time for, with the seconds of their steps, or all, whose steps take
        of_step, if fewer are not faster; for share and seconds see `affordable_members` and above.
        """
        n = affordable_members(len(self.parts), share)
        if n == len(self.parts):
            return self, of_step
        parts, seeds, thetas = self.parts[:n], self.seeds[:n], self.thetas[:n]
        some = dataclasses.replace(self, parts=parts, seeds=seeds, thetas=thetas)
        of_some, _ = some.time_steps(data, engine, seconds)
        return (some, of_some) if of_some < FASTER * of_step else (self, of_step)


def measure(members: Members, data: Data, engine: Engine, seconds: float) -> tuple[float, float]:
    """Seconds of a step of all members, and of judging a row, from some rows.

    seconds: that the steps may take. What beginning takes is left out: of some rows, it tells more
    of the machine than of the rows.
    """
    of_step, _ = members.time_steps(data, engine, seconds)
    held_out = HeldOut.of_all(data, members.parts, lambda *_: 0.0, engine)
    of_judging = held_out.estimate_seconds(members.architecture, members.thetas[0])
    return of_step, (1 + AFTER) * of_judging / len(data)


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
    time_limit: seconds; where they are few there are fewer epochs and members. progress: told of
    each epoch, with the score as the loss of validation.
    Raises NonFiniteError where every member ran into NaN before there was anything to keep.
    """
    begun = time.monotonic()
    runner = get_engine(engine, architecture, n_threads=n_threads)
    members = Members.draw(architecture, recipe, data, n_members, seed, strata)
    held_out = HeldOut.of(data, members.parts, score, runner, seed)
    bag = Bag(architecture, engine=runner.name, n_trained=n_members)
    n_train = len(members.parts[0].train)
    plan = plan_epochs(n_train, recipe)
    selection = _Selection(bag, held_out, plan, progress)
    left = None
    if time_limit is not None:
        budget = Budget(held_out, begun, time_limit)
        of_step, of_start = members.time_steps(data, runner, time_limit / 10)
        share = budget.left() / of_step / plan.n_steps
        members, of_step = members.fewer(share, of_step, data, runner, time_limit / 10)
        bag.n_trained = len(members.parts)
        held_out.places = held_out.places[: bag.n_trained]
        held_out.seconds = held_out.estimate_seconds(architecture, members.thetas[0])
        selection.limit(budget, of_step, of_start, n_train, recipe)
        left = max(budget.deadline - held_out.seconds - time.monotonic(), 1e-3)
    states = train(
        members.jobs(selection.plan, selection.pace),
        data,
        engine=runner,
        watch=selection,
        time_limit=left,
    )
    lost = {i: s.nonfinite for i, s in enumerate(states) if s.nonfinite is not None}
    if not bag.thetas:
        alive = {i: state.theta for i, state in enumerate(states) if i not in lost}
        if not alive:
            raise NonFiniteError(f"training ran into NaN or infinity: {lost[0]}")
        selection.evaluate(alive, max(state.epoch for state in states))
    bag.lost, bag.stopped = lost, _stopped(states, shortened=bag.n_epochs < selection.plan.epochs)
    del states
    if held_out.rows is not None:
        everything = HeldOut.of_all(data, members.parts, score, runner)
        _predict_all(bag, everything, held_out, selection.budget)
    return bag


def _predict_all(bag: Bag, everything: HeldOut, drawn: HeldOut, budget: Budget | None) -> None:
    """Out-of-fold predictions of all rows, as far as there is time, beside the drawn ones."""
    of_drawn, bag.oof = bag.oof, np.full((len(drawn.data), bag.oof.shape[1]), np.nan, np.float32)
    bag.oof[drawn.rows] = of_drawn
    if budget is not None and budget.is_late():
        return
    kept = dict(zip(bag.members, bag.thetas, strict=True))
    try:
        deadline = None if budget is None else budget.deadline
        y_hat, seen = everything.predict(bag.architecture, kept, deadline)
    except KeyboardInterrupt:
        bag.stopped = "interrupted"
    else:
        np.copyto(bag.oof, y_hat, where=seen[:, None])


def _stopped(states: list[TrainingState], *, shortened: bool) -> str:
    reasons = {state.history.stopped for state in states}
    if "interrupted" in reasons:
        return "interrupted"
    if "time_limit" in reasons or (shortened and "callback" in reasons):
        return "time_limit"
    if "callback" in reasons:
        return "patience"
    return next(r for r in ("epochs", "nonfinite") if r in reasons)


@dataclass
class _Selection:
    """Called after every epoch: evaluates, keeps the best, and says when enough is known.

    plan: the whole training; every: epochs from evaluation to evaluation; pace, budget: with a
    time limit, how the schedules go, to an end that is moved, and what is left of the time.
    """

    bag: Bag
    held_out: HeldOut
    plan: Plan
    progress: Callable[[EpochReport], object] | None
    pace: Pace | None = None
    budget: Budget | None = None

    def __post_init__(self) -> None:
        self.bag.n_epochs = self.plan.epochs
        self.every = max(1, self.plan.epochs // MAX_CHECKS)

    def limit(
        self, budget: Budget, of_step: float, of_start: float, n_train: int, recipe: Recipe
    ) -> None:
        """Make do with the budget, where a step takes of_step seconds, and the start of_start.

        Without time for the whole plan epochs are cut shorter, and evaluations are fewer.
        """
        self.budget = budget
        seconds = max(1e-3, budget.left() - of_start)
        of_check = max(1e-9, self.held_out.seconds)
        whole = self.plan.n_steps * of_step + self.plan.epochs // self.every * of_check
        if whole > seconds:
            n_steps = (1 - SHORT_CHECKS) * seconds / of_step
            in_pass = self.plan.steps * self.plan.parts
            parts = math.ceil(SHORT_EPOCHS * in_pass / max(1.0, n_steps))
            self.plan = plan_epochs(n_train, recipe, parts)
            n_checks = min(MAX_CHECKS, SHORT_CHECKS * seconds / of_check)
            self.every = max(1, math.ceil(n_steps / self.plan.steps / n_checks))
        self.bag.n_epochs = self.plan.epochs
        self.pace = Pace(self.plan.n_steps)
        budget.of_epochs = [self.plan.steps * of_step] * TRUST
        if whole > seconds:
            self._move_end(0)

    def _move_end(self, epoch: int) -> None:
        """To where there is time for after this epoch; not beyond the plan."""
        assert self.budget is not None
        assert self.pace is not None
        left = self.budget.epochs_left(self.every)
        n_epochs = min(self.plan.epochs, max(1, epoch + left))
        if n_epochs != self.bag.n_epochs:
            self.pace.move_end(epoch * self.plan.steps, n_epochs * self.plan.steps)
            self.bag.n_epochs = n_epochs

    def __call__(self, reports: Sequence[EpochReport]) -> bool:
        epoch = reports[0].epoch
        ending = {report.stopping for report in reports}
        alive = [report for report in reports if report.stopping != "nonfinite"]
        if self.budget is not None and "" in ending:
            self.budget.end_epoch()
            self._move_end(epoch)
        n = self.bag.n_epochs
        due = epoch % self.every == 0 or epoch == n or ending != {""}
        late = self.budget is not None and self.budget.is_late()
        if alive and due and not (self.bag.thetas and late):
            self.evaluate({report.job: report.read_theta() for report in alive}, epoch)
        moved = self.pace is not None and self.pace.end_was_moved()
        over = epoch >= n or (not moved and self._is_over(epoch, n))
        if self.progress is not None and alive:
            self._tell(alive, over=over)
        if self.budget is not None:
            self.budget.begin_epoch()
        return over

    def _tell(self, alive: list[EpochReport], *, over: bool) -> None:
        assert self.progress is not None
        loss = float(np.mean([report.loss for report in alive]))
        score = self.bag.scores[-1][1] if self.bag.scores else None
        stopping = "callback" if over else alive[0].stopping
        report = dataclasses.replace(
            alive[0],
            job=0,
            n_epochs=self.bag.n_epochs,
            loss=loss,
            validation_loss=score,
            stopping=stopping,
        )
        self.progress(report)

    def evaluate(self, thetas: dict[int, Array], epoch: int) -> None:
        """Score the out-of-fold predictions of these members; keep them if none were better.

        Where time is up before anything was kept, the rows that were predicted so far must do.
        """
        bag = self.bag
        deadline = None if bag.thetas or self.budget is None else self.budget.deadline
        score, y_hat = self.held_out.judge(bag.architecture, thetas, deadline)
        bag.scores.append((epoch, score))
        if not bag.thetas or score <= bag.score or np.isnan(bag.score):
            bag.members, bag.thetas = list(thetas), list(thetas.values())
            bag.epoch, bag.score, bag.oof = epoch, score, y_hat

    def _is_over(self, epoch: int, n: int) -> bool:
        """Whether a whole cycle of the learning rate has just ended without a new best.

        What is best while the rate begins to rise is the end of the cycle before. A cycle that is
        no pass over the rows does not count: nothing can be learnt by heart. In the last cycle the
        rate falls from its peak on, which gives back some percent of the score; where it has become
        far worse than the best by then, the rows are learnt by heart.
        """
        scores = self.bag.scores
        if epoch >= LAST_PEAK * n and scores and scores[-1][1] > FAR_WORSE * self.bag.score:
            return True
        ends = [round(end * n) for end in CYCLE_ENDS]
        for before, end in pairwise(ends):
            length = end - before
            if length < max(LEAST_CHECKS * self.every, self.plan.parts):
                continue
            if epoch - self.every < end <= epoch:
                return 0 < self.bag.epoch <= before + RISING * length
        return False
