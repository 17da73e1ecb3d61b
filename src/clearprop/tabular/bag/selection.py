"""What is kept of a bag's training: the epoch whose out-of-fold predictions are best."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from clearprop._typing import Array
from clearprop.architecture import Architecture
from clearprop.engines.nonfinite import NonFinite
from clearprop.history import EpochReport
from clearprop.tabular.bag.budget import Budget
from clearprop.tabular.bag.epochs import cycle_ends, is_over
from clearprop.tabular.bag.folds import Apart, HeldOut
from clearprop.tabular.bag.pace import Pace
from clearprop.tabular.bag.recipe import Plan, Recipe, plan_epochs

MAX_CHECKS = 64  # evaluations of the out-of-fold predictions in one training
SHORT_CHECKS = 0.1  # of the time of a training that is cut short, for evaluations
SHORT_EPOCHS = 64  # of such a training at least, so that its end can be moved
TRUST = 3  # epochs that are believed to take as long as was tried out, whatever the first one takes


@dataclass
class Bag:
    """What training a bag found.

    architectures: of the networks, n_trained of them; members: the numbers of those that are kept;
    thetas: their θ at the common epoch `epoch` of n_epochs. oof: mean out-of-fold ŷ (N, K), NaN for
    rows that no member held out; apart: those of each member, None where there was no time for it.
    score: what chose the epoch. scores: (epoch, score) of all evaluations. stopped: why training
    ended, as in `clearprop.history.STOPPED`. lost: members that ran into NaN or infinity, and
    where. left_out: columns of the table that were left out, see `screening`.
    """

    architectures: Sequence[Architecture]
    n_trained: int = 0
    members: list[int] = field(default_factory=list)
    thetas: list[Array] = field(default_factory=list)
    epoch: int = 0
    n_epochs: int = 0
    oof: Array = field(default_factory=lambda: np.empty((0, 0)))
    apart: Apart | None = None
    score: float = float("inf")
    scores: list[tuple[int, float]] = field(default_factory=list)
    stopped: str = ""
    engine: str = ""
    lost: dict[int, NonFinite] = field(default_factory=dict)
    left_out: tuple[int, ...] = ()


@dataclass
class Selection:
    """Called after every epoch: evaluates, keeps the best, and says when enough is known.

    plan: the whole training; every: epochs from evaluation to evaluation; pace, budget: with a
    time limit, how the schedules go, to an end that is moved, and what is left of the time.
    screen: asked after each epoch whether another training takes the place of this one; extra:
    epochs that were trained besides, for the progress.
    """

    bag: Bag
    held_out: HeldOut
    plan: Plan
    progress: Callable[[EpochReport], object] | None
    pace: Pace | None = None
    budget: Budget | None = None
    screen: Callable[[Sequence[EpochReport]], bool] | None = None
    extra: int = 0
    epoch: int = 0

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
        epoch = self.epoch = reports[0].epoch
        ending = {report.stopping for report in reports}
        alive = [report for report in reports if report.stopping != "nonfinite"]
        if self.budget is not None and "" in ending:
            self.budget.end_epoch()
            self._move_end(epoch)
        n = self.bag.n_epochs
        due = epoch % self.every == 0 or epoch in (*cycle_ends(n), n) or ending != {""}
        late = self.budget is not None and self.budget.is_late()
        if alive and due and not (self.bag.thetas and late):
            self.evaluate({report.job: report.read_theta() for report in alive}, epoch)
        moved = self.pace is not None and self.pace.end_was_moved()
        replaced = self.screen is not None and not moved and ending == {""} and self.screen(reports)
        over = replaced or epoch >= n or (not moved and self._is_over(epoch))
        if alive:
            self._tell(alive, over=over and not replaced)
        if self.budget is not None:
            self.budget.begin_epoch()
        return over

    def has_time_for(self, epochs: int) -> bool:
        """Whether so many can be trained from now on."""
        return self.budget is None or self.budget.epochs_left(self.every) >= epochs

    def tell_more(self, reports: Sequence[EpochReport]) -> None:
        """Of an epoch that was trained besides."""
        self.extra += 1
        now = [dataclasses.replace(report, epoch=self.epoch, stopping="") for report in reports]
        self._tell(now, over=False)

    def _tell(self, alive: Sequence[EpochReport], *, over: bool) -> None:
        """Of the epoch after which these are the reports, and of those besides."""
        if self.progress is None:
            return
        loss = float(np.mean([report.loss for report in alive]))
        score = self.bag.scores[-1][1] if self.bag.scores else None
        stopping = "callback" if over else alive[0].stopping
        report = dataclasses.replace(
            alive[0],
            job=0,
            epoch=alive[0].epoch + self.extra,
            n_epochs=self.bag.n_epochs + self.extra,
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
        score, y_hat = self.held_out.judge(bag.architectures, thetas, deadline)
        bag.scores.append((epoch, score))
        if not bag.thetas or score <= bag.score or np.isnan(bag.score):
            bag.members, bag.thetas = list(thetas), list(thetas.values())
            bag.epoch, bag.score, bag.oof = epoch, score, y_hat

    def _is_over(self, epoch: int) -> bool:
        bag = self.bag
        if not bag.scores or bag.scores[-1][0] != epoch:
            return False
        best = bag.epoch, bag.score
        return is_over(bag.scores, best, bag.n_epochs, self.every, self.plan.parts)
