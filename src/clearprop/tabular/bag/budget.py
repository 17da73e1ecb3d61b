"""How the seconds of a time limit are spent: on which rows, and where the training has to end.

Rows that are prepared but hardly seen are a waste of time; beyond that, as many as possible are
best, also where there is time for some passes over them only. So many are taken that preparing
them leaves most of the time for steps, and that these see every row once. Four networks that are
trained twice as long are better than eight. Training then goes on to the deadline: its end is moved
as it turns out how long epochs take, and the schedules with it.
"""

from __future__ import annotations

import math
import time
from bisect import bisect_right
from dataclasses import dataclass, field

import numpy as np

from clearprop._typing import Array
from clearprop.tabular.bag.epochs import MAX_CHECKS
from clearprop.tabular.bag.folds import N_FOLDS
from clearprop.tabular.bag.recipe import Plan, Recipe, batch_size, plan_epochs
from clearprop.tabular.inputs import SAMPLE

PILOT_ROWS = 5_000  # that speeds are measured on
LEAST_PILOTS = 4  # so many times as many rows a table must have for a choice
ROWS_SHARE = 1 / 3  # of the time at most, for what is done with rows before and after training
MOST_RESERVED = 0.2  # of the time, for what follows training
AFTER = 0.25  # of the time to judge all rows: for the score, intervals, the model


SHORT_CHECKS = 0.1  # of the time of a training that is cut short, for evaluations
SHORT_EPOCHS = 64  # of such a training at least, so that its end can be moved
TRUST = 3  # epochs that are believed to take as long as was tried out, whatever the first one takes


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
    """How many of n rows to train on: all, where there is time for all epochs, or else as many as
    take a third of the time besides training and can be seen once; not less than for the pilot."""

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
    n: int, k: int, strata: Array | None, weight: Array | None, rng: np.random.Generator
) -> Array:
    """k of n rows at random, in order, of those with a weight, if there are as many of them; and a
    row for each fold of every class that has so many."""
    rows = np.arange(n) if weight is None else np.flatnonzero(weight > 0)
    if len(rows) <= k:
        return rows
    drawn = rng.choice(rows, k, replace=False)
    if strata is None:
        return np.sort(drawn)
    for label in np.unique(strata):
        few = N_FOLDS - np.count_nonzero(strata[drawn] == label)
        if few > 0:
            others = np.setdiff1d(rows[strata[rows] == label], drawn)
            drawn = np.append(drawn, rng.permutation(others)[:few])
    return np.sort(drawn)


def affordable_members(n: int, share: float) -> int:
    """How many of n networks to train where there is time for so much of the plan of all: whole
    partitions of the rows, so many that they use up the time, and one at least."""
    return min(n, N_FOLDS * max(1, math.ceil(n * share / N_FOLDS)))


def shorten(
    plan: Plan, seconds: float, step: float, check: float, n_train: int, recipe: Recipe
) -> tuple[Plan, int]:
    """A plan whose end can be moved to where there is time for, and epochs between evaluations.

    seconds: for training and its evaluations, fewer than the plan takes; step, check: seconds of a
    step and of an evaluation. Epochs are cut shorter, and evaluations are fewer.
    """
    n_steps = (1 - SHORT_CHECKS) * seconds / step
    in_pass = plan.steps * plan.parts
    parts = math.ceil(SHORT_EPOCHS * in_pass / max(1.0, n_steps))
    plan = plan_epochs(n_train, recipe, parts)
    n_checks = min(MAX_CHECKS, SHORT_CHECKS * seconds / check)
    return plan, max(1, math.ceil(n_steps / plan.steps / n_checks))


@dataclass
class Budget:
    """The time of a bag, from `begun` (time.monotonic) on: what is left of it for training.

    judging: seconds that the last evaluation took; sampled: rows that are judged, as a part of all.
    epochs: seconds of each so far, the first ones as tried out before; since: when the present one
    began.
    """

    begun: float
    seconds: float
    judging: float
    sampled: float = 1.0
    epochs: list[float] = field(default_factory=list)
    since: float | None = None

    @property
    def deadline(self) -> float:
        """Of everything (time.monotonic)."""
        return self.begun + self.seconds

    @property
    def reserve(self) -> float:
        """Seconds for out-of-fold predictions of all rows, intervals and the model."""
        share = AFTER if self.sampled == 1 else 1 + AFTER
        return min(share * self.judging / self.sampled, MOST_RESERVED * self.seconds)

    def until_judging(self) -> float:
        """Seconds for training, until the last evaluation has to begin; some in any case."""
        return max(self.deadline - self.judging - time.monotonic(), 1e-3)

    def left(self) -> float:
        """Seconds for training and all evaluations but the last."""
        return self.deadline - self.reserve - self.judging - time.monotonic()

    def is_late(self) -> bool:
        """Whether there is no time for another evaluation."""
        return time.monotonic() + self.judging > self.deadline

    def epochs_left(self, every: int) -> int:
        """How many epochs there is time for, with an evaluation after each so many of them.

        They are taken to be as long as the median of the later half so far: a machine may stand
        still.
        """
        n = max(4, len(self.epochs) // 2)
        seconds = float(np.median(self.epochs[-n:])) + self.judging / every
        return max(0, int(self.left() / max(seconds, 1e-9)))

    def end_epoch(self) -> None:
        """An epoch has ended; the first began with work that others do not have."""
        if self.since is not None:
            self.epochs.append(time.monotonic() - self.since)

    def begin_epoch(self) -> None:
        self.since = time.monotonic()
