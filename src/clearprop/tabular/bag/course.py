"""The course of a bag's training: the one owner of what changes from epoch to epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from clearprop._typing import Array
from clearprop.history import EpochReport, TrainingState
from clearprop.tabular.bag.budget import TRUST, Budget, shorten
from clearprop.tabular.bag.epochs import Action, Epochs, Pace, decide
from clearprop.tabular.bag.folds import HeldOut
from clearprop.tabular.bag.members import Members
from clearprop.tabular.bag.recipe import Recipe, TrainingPlan
from clearprop.training import AllJobsCallback, train


@dataclass(frozen=True)
class Kept:
    """The best members so far: their numbers, their θ, and their mean out-of-fold ŷ (n, K)."""

    members: tuple[int, ...]
    thetas: tuple[Array, ...]
    y_hat: Array

    @property
    def by_number(self) -> dict[int, Array]:
        """The θ of each member by its number."""
        return dict(zip(self.members, self.thetas, strict=True))


@dataclass
class Reporter:
    """Reports epochs to a progress bar, if there is one.

    besides: epochs of other members that were trained for a comparison.
    """

    progress: Callable[[EpochReport], object] | None = None
    besides: int = 0

    def report_besides(self, reports: Sequence[EpochReport], state: Epochs) -> None:
        """After an epoch of other members; state: of the bag, which waits for them."""
        self.besides += 1
        self.report(reports, state, "")

    def report(self, alive: Sequence[EpochReport], state: Epochs, stopping: str) -> None:
        """After an epoch of these members; the last score is reported as the validation loss."""
        if self.progress is None:
            return
        combined = replace(
            alive[0],
            job=0,
            epoch=state.epoch + self.besides,
            n_epochs=state.n + self.besides,
            loss=float(np.mean([report.loss for report in alive])),
            validation_loss=state.scores[-1][1] if state.scores else None,
            stopping=stopping,
        )
        self.progress(combined)


@dataclass
class Course:
    """One training of the members of a bag.

    plan: the whole training.
    state: what is known after the last epoch.
    reporter: of the epochs.
    kept: the best members so far.
    pace, budget: with a time limit, the pace of the schedules and the time that is left.
    """

    members: Members
    held_out: HeldOut
    plan: TrainingPlan
    state: Epochs
    reporter: Reporter
    kept: Kept | None = None
    pace: Pace | None = None
    budget: Budget | None = None

    @classmethod
    def begin(
        cls, members: Members, held_out: HeldOut, plan: TrainingPlan, reporter: Reporter
    ) -> Course:
        """Before the first epoch, without a limit of time."""
        return cls(members, held_out, plan, Epochs.plan(plan.epochs, plan.parts), reporter)

    @classmethod
    def begin_within(
        cls,
        members: Members,
        held_out: HeldOut,
        plan: TrainingPlan,
        reporter: Reporter,
        budget: Budget,
        seconds: tuple[float, float],
        n_train: int,
        recipe: Recipe,
    ) -> Course:
        """Before the first epoch, with a budget; the plan is shortened if it has to be.

        seconds: of a step of all members, and of the start.
        n_train, recipe: what the plan is for.
        """
        step, start = seconds
        left, check = max(1e-3, budget.left() - start), max(1e-9, budget.judging)
        state = Epochs.plan(plan.epochs, plan.parts)
        whole = plan.n_steps * step + plan.epochs // state.every * check
        if whole > left:
            plan, every = shorten(plan, left, step, check, n_train, recipe)
            state = Epochs(plan.epochs, every, plan.parts)
        budget.epochs = [plan.steps * step] * TRUST
        pace = Pace(plan.n_steps)
        course = cls(members, held_out, plan, state, reporter, None, pace, budget)
        if whole > left:
            course._move_end()
        return course

    def train(
        self,
        watch: AllJobsCallback,
        states: Sequence[TrainingState] | None = None,
        time_limit: float | None = None,
    ) -> list[TrainingState]:
        """Train the members, from these states on, until the watch ends it."""
        return train(
            self.members.jobs(self.plan, self.pace),
            self.held_out.data,
            engine=self.held_out.engine,
            watch=watch,
            time_limit=time_limit,
            states=states,
        )

    def watch(self, reports: Sequence[EpochReport]) -> bool:
        """After an epoch: judge if it is due, and say whether training is over."""
        self.judge(reports)
        return self.go_on(reports)

    def judge(self, reports: Sequence[EpochReport]) -> None:
        """Note that an epoch has ended, and judge the predictions if that is due."""
        self.state = replace(self.state, epoch=reports[0].epoch)
        if self.budget is not None and any(report.stopping == "" for report in reports):
            self.budget.end_epoch()
            self._move_end()
        if self._decide(reports) is Action.JUDGE:
            self.evaluate({report.job: report.read_theta() for report in _alive(reports)})

    def go_on(self, reports: Sequence[EpochReport], *, replaced: bool = False) -> bool:
        """Report the epoch; whether training is over, or replaced by another."""
        over = self._decide(reports) is Action.END
        alive = _alive(reports)
        if alive:
            ends = over and not replaced
            self.reporter.report(alive, self.state, "callback" if ends else alive[0].stopping)
        if self.budget is not None:
            self.budget.begin_epoch()
        return over or replaced

    def evaluate(self, thetas: dict[int, Array]) -> None:
        """Judge these members; keep them if none before were better.

        If time runs out before anything was kept, the rows predicted so far decide.
        """
        deadline = None if self.kept is not None or self.budget is None else self.budget.deadline
        found = self.held_out.judge(self.members.architectures, thetas, deadline)
        if self.budget is not None:
            self.budget.judging = found.seconds
        before, self.state = self.state.best, self.state.judged(found.score)
        if self.state.best != before:
            self.kept = Kept(tuple(thetas), tuple(thetas.values()), found.y_hat)

    def has_time_for(self, epochs: int) -> bool:
        """Whether there is time for this many more epochs."""
        return self.budget is None or self.budget.epochs_left(self.state.every) >= epochs

    @property
    def seconds_left(self) -> float | None:
        """For training until the last evaluation; None without a limit."""
        return None if self.budget is None else self.budget.until_judging()

    def end(self, thetas: dict[int, Array], epoch: int) -> None:
        """Judge the members if training ended, after this epoch, before any evaluation."""
        self.state = replace(self.state, epoch=epoch)
        self.evaluate(thetas)

    def take_over(self, before: Course) -> None:
        """Go on in the place of another course, in its time."""
        self.reporter, self.budget = before.reporter, before.budget
        self.state = replace(self.state, every=before.state.every)

    def _decide(self, reports: Sequence[EpochReport]) -> Action:
        late = self.kept is not None and self.budget is not None and self.budget.is_late()
        stopping = any(report.stopping != "" for report in reports)
        return decide(self.state, stopping=stopping, can_judge=bool(_alive(reports)) and not late)

    def _move_end(self) -> None:
        """Move the end to the last epoch that there is time for, within the plan."""
        assert self.budget is not None
        assert self.pace is not None
        epoch, left = self.state.epoch, self.budget.epochs_left(self.state.every)
        n = min(self.plan.epochs, max(1, epoch + left))
        if n != self.state.n:
            self.pace.move_end(epoch * self.plan.steps, n * self.plan.steps)
            self.state = replace(self.state, n=n, moved=True)


def _alive(reports: Sequence[EpochReport]) -> list[EpochReport]:
    return [report for report in reports if report.stopping != "nonfinite"]
