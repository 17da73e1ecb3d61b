"""How the seconds of a time limit are spent: on which rows, and where the training has to end.

Rows that are prepared but hardly seen waste time. Apart from that, more rows are better, even if
there is time for only a few passes over them. The number of rows is chosen so that preparing them
leaves most of the time for steps, and so that these see every row once. Four networks that train
twice as long are better than eight. Training then continues to the deadline: its end, and the
schedules with it, move as the speed of the epochs becomes known.
"""

from __future__ import annotations

import math
import time
from bisect import bisect_right
from dataclasses import dataclass, field

import numpy as np

from clearprop._typing import Array
from clearprop.tabular.bag.division import Division
from clearprop.tabular.bag.epochs import MAX_CHECKS
from clearprop.tabular.bag.folds import N_FOLDS
from clearprop.tabular.bag.recipe import Recipe, TrainingPlan, batch_size, plan_epochs
from clearprop.tabular.inputs import SAMPLE

PILOT_ROWS = 5_000  # on which speeds are measured
LEAST_PILOTS = 4  # a table has at least four times the pilot rows, or all are taken
ROWS_SHARE = 1 / 3  # of the time at most, for work on rows before and after training
MOST_PREPARING = 0.25  # of the time for the pilot rows, or there is time for no more rows
MOST_RESERVED = 0.2  # of the time, for the work after training
AFTER = 0.25  # of the time to judge all rows: for the score, intervals, the model


SHORT_CHECKS = 0.1  # of the time of a shortened training, for evaluations
SHORT_EPOCHS = 64  # of a shortened training at least, so that its end can be moved
LEAST_STEPS = 32  # of a training that is worth its start; with less time linear members remain
LINEAR_SHARE, MOST_LINEAR = 0.2, 1.0  # of the time, and seconds, for linear members
ENOUGH_FOR_LINEAR, MOST_OF_SHORT = 0.1, 0.6  # seconds that they may have in any case, up to a share
TRUST = 3  # measured epochs that the trial steps count as, whatever the first epoch takes


@dataclass(frozen=True)
class Speeds:
    """Seconds of the parts of a fit.

    fit: per row of the sample that statistics are taken from; row: per row for other one-off work;
    step: of a step of all members.
    """

    fit: float
    row: float
    step: float


def affordable_rows(n: int, seconds: float, speeds: Speeds, recipe: Recipe) -> int:
    """How many of n rows to train on.

    All, if there is time for all epochs. Otherwise as many as can be seen once, and whose other
    work takes a third of the time; at least as many as in the pilot.
    """

    def trained(k: int) -> int:
        return max(1, k * (N_FOLDS - 1) // N_FOLDS)

    def preparing(k: int) -> float:
        return speeds.fit * min(k, SAMPLE) + speeds.row * k

    def cost(k: int) -> float:
        one_pass = trained(k) / batch_size(trained(k)) * speeds.step
        return max(preparing(k) / ROWS_SHARE, preparing(k) + one_pass)

    if preparing(n) + plan_epochs(trained(n), recipe).n_steps * speeds.step <= seconds:
        return n
    least = min(n, PILOT_ROWS)
    return least + bisect_right(range(least + 1, n + 1), seconds, key=cost)


def sample_rows(
    n: int, k: int, division: Division, weight: Array | None, rng: np.random.Generator
) -> Array:
    """k of n rows at random, in order; all rows with a weight > 0 if there are fewer than k.

    Rows are added so that each class has a row in every fold, if it has enough rows, and so that
    there are two times. Groups are drawn as a whole, up to k rows, but as many groups as there are
    folds.
    """
    rows = np.arange(n) if weight is None else np.flatnonzero(weight > 0)
    if len(rows) <= k:
        return rows
    if division.groups is not None:
        return _sample_groups(rows, k, division.groups, rng)
    drawn = rng.choice(rows, k, replace=False)
    needed: list[Array] = [] if division.strata is None else [division.strata]
    if division.times is not None:
        needed.append(division.times == division.times[drawn[0]])
    for labels in needed:
        for label in np.unique(labels):
            few = N_FOLDS - np.count_nonzero(labels[drawn] == label)
            if few > 0:
                others = np.setdiff1d(rows[labels[rows] == label], drawn)
                drawn = np.append(drawn, rng.permutation(others)[:few])
    return np.sort(drawn)


def is_fair(rows: Array, division: Division, weight: Array | None) -> bool:
    """Whether rows that were drawn from all serve as a sample as `sample_rows` draws it: each class
    has a row in every fold.
    """
    if weight is not None or division.groups is not None or division.times is not None:
        return False
    strata = division.strata
    if strata is None:
        return True
    counts = np.unique(strata[rows], return_counts=True)[1]
    return len(counts) == len(np.unique(strata)) and bool(counts.min() >= N_FOLDS)


def _sample_groups(rows: Array, k: int, groups: Array, rng: np.random.Generator) -> Array:
    """These rows of whole groups, drawn at random; the group that would exceed k is left out."""
    sizes = np.bincount(groups[rows])
    order = rng.permutation(np.flatnonzero(sizes))
    n_drawn = np.searchsorted(np.cumsum(sizes[order]), k, "right")
    chosen = np.zeros(len(sizes), bool)
    chosen[order[: max(int(n_drawn), N_FOLDS)]] = True
    return rows[chosen[groups[rows]]]


def linear_seconds(seconds: float) -> float:
    """How much of the time linear members may take, before anything else is trained."""
    least = min(MOST_OF_SHORT * seconds, ENOUGH_FOR_LINEAR)
    return max(least, min(LINEAR_SHARE * seconds, MOST_LINEAR))


def affordable_members(n: int, share: float, at_once: int = N_FOLDS) -> int:
    """How many of n networks to train if there is time for this share of the plan of all.

    Whole partitions of the rows, of `at_once` networks: at least one, and enough to use up the
    time.
    """
    return min(n, at_once * max(1, math.ceil(n * share / at_once)))


def shorten(
    plan: TrainingPlan, seconds: float, step: float, check: float, n_train: int, recipe: Recipe
) -> tuple[TrainingPlan, int]:
    """A plan with shorter epochs, whose end can be moved, and the epochs between evaluations.

    seconds: for training and its evaluations, less than the plan takes.
    step, check: seconds of a step and of an evaluation.
    """
    n_steps = (1 - SHORT_CHECKS) * seconds / step
    in_pass = plan.steps * plan.parts
    parts = math.ceil(SHORT_EPOCHS * in_pass / max(1.0, n_steps))
    plan = plan_epochs(n_train, recipe, parts)
    n_checks = min(MAX_CHECKS, SHORT_CHECKS * seconds / check)
    return plan, max(1, math.ceil(n_steps / plan.steps / n_checks))


@dataclass
class Budget:
    """The time limit of a bag, and how much of it is left for training.

    begun: start of the fit, by time.monotonic.
    seconds: the limit.
    judging: seconds that the last evaluation took.
    sampled: the share of the rows that are judged.
    epochs: seconds of each epoch so far; the first entries are estimates from trial steps.
    since: start of the present epoch.
    """

    begun: float
    seconds: float
    judging: float
    sampled: float = 1.0
    epochs: list[float] = field(default_factory=list)
    since: float | None = None

    @property
    def deadline(self) -> float:
        """When everything has to be done, by time.monotonic."""
        return self.begun + self.seconds

    @property
    def reserve(self) -> float:
        """Seconds for out-of-fold predictions of all rows, intervals and the model."""
        share = AFTER if self.sampled == 1 else 1 + AFTER
        return min(share * self.judging / self.sampled, MOST_RESERVED * self.seconds)

    def until_judging(self) -> float:
        """Seconds for training until the last evaluation has to begin; always more than 0."""
        return max(self.deadline - self.judging - time.monotonic(), 1e-3)

    def left(self) -> float:
        """Seconds for training and all evaluations but the last."""
        return self.deadline - self.reserve - self.judging - time.monotonic()

    def is_late(self) -> bool:
        """Whether there is too little time for another evaluation."""
        return time.monotonic() + self.judging > self.deadline

    def epochs_left(self, every: int) -> int:
        """How many epochs there is time for, with an evaluation after every `every` of them.

        An epoch counts as the median of the later half so far, since a machine may stall for a
        while.
        """
        n = max(4, len(self.epochs) // 2)
        seconds = float(np.median(self.epochs[-n:])) + self.judging / every
        return max(0, int(self.left() / max(seconds, 1e-9)))

    def end_epoch(self) -> None:
        """An epoch has ended; the first is not measured, as it includes the start."""
        if self.since is not None:
            self.epochs.append(time.monotonic() - self.since)

    def begin_epoch(self) -> None:
        self.since = time.monotonic()
