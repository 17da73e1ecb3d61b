"""The members of a bag before training, and how long their steps take."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clearprop._typing import Array
from clearprop.architecture import Architecture
from clearprop.engines.protocol import Engine
from clearprop.jobs import Data, Job
from clearprop.tabular.bag.budget import AFTER, affordable_members
from clearprop.tabular.bag.division import Division
from clearprop.tabular.bag.epochs import Pace
from clearprop.tabular.bag.folds import Fold, HeldOut
from clearprop.tabular.bag.recipe import (
    START_ROWS,
    Recipe,
    TrainingPlan,
    build_job,
    forget_unseen,
    start,
    steps_of_pass,
)
from clearprop.training import train

FASTER = 0.75  # networks are left out if a step then takes less than this part of its time
START_SHARE = 0.5  # of the time at most, to draw members
TRIAL_EPOCHS, TRIAL_STEPS, TRIAL_ROWS = 4, 6, 20_000  # to measure a step


@dataclass(frozen=True)
class Members:
    """The members of a bag before training: networks, folds, seeds and initial θ.

    at_once: how many of them are left out together if time is short.
    """

    architectures: list[Architecture]
    recipe: Recipe
    parts: list[Fold]
    seeds: list[int]
    thetas: list[Array]
    at_once: int

    @classmethod
    def draw(
        cls,
        architectures: Sequence[Architecture],
        recipe: Recipe,
        data: Data,
        n_members: int,
        seed: int,
        division: Division,
        *,
        only_judges: bool = False,
        seconds: float | None = None,
    ) -> Members:
        """Drawn with the seed; the architectures are taken in turn, partition by partition.

        n_members: how many are to be kept, or how many judges to draw if there are only judges.
        seconds: that this may take. If it is not enough, there are fewer: whole partitions, and at
        least one.
        """
        rng = np.random.default_rng(seed)
        parts = division.folds(len(data), n_members, rng, only_judges=only_judges)
        seeds = rng.integers(0, 2**31, len(parts)).tolist()
        return cls.start(architectures, recipe, data, parts, seeds, division.at_once, seconds)

    @classmethod
    def start(
        cls,
        architectures: Sequence[Architecture],
        recipe: Recipe,
        data: Data,
        parts: list[Fold],
        seeds: list[int],
        at_once: int,
        seconds: float | None = None,
    ) -> Members:
        """Members with these folds and seeds, and their initial θ; seconds: as for `draw`."""
        begun = time.monotonic()
        kinds = [architectures[fold.partition % len(architectures)] for fold in parts]
        thetas: list[Array] = []
        for architecture, fold, seed in zip(kinds, parts, seeds, strict=True):
            n = len(thetas)
            late = seconds is not None and time.monotonic() - begun > seconds
            if late and n > 0 and n % at_once == 0:
                return cls(kinds[:n], recipe, parts[:n], seeds[:n], thetas, at_once)
            own = np.random.default_rng(seed)
            rows = fold.train
            if len(rows) > START_ROWS:
                rows = np.sort(own.choice(rows, START_ROWS, replace=False))
            theta = start(architecture, data.X[rows], own, recipe.concave)
            forget_unseen(architecture, theta, data.X, fold.train)
            thetas.append(theta)
        return cls(kinds, recipe, parts, seeds, thetas, at_once)

    @property
    def n_train(self) -> int:
        """Rows that a member trains on, on average."""
        return sum(len(fold.train) for fold in self.parts) // len(self.parts)

    def some(self, which: slice) -> Members:
        """Those in this range."""
        architectures, parts = self.architectures[which], self.parts[which]
        seeds, thetas = self.seeds[which], self.thetas[which]
        return Members(architectures, self.recipe, parts, seeds, thetas, self.at_once)

    def jobs(self, plan: TrainingPlan, pace: Pace | None = None) -> list[Job]:
        """The training of each on its rows."""
        return self._jobs([fold.train for fold in self.parts], plan, pace)

    def _jobs(
        self, rows: Sequence[Array], plan: TrainingPlan, pace: Pace | None = None
    ) -> list[Job]:
        networks = zip(self.architectures, self.thetas, rows, self.seeds, strict=True)
        even = max(map(len, rows)) <= min(map(len, rows)) + 1
        return [
            build_job(architecture, theta, some, self.recipe, seed, plan, pace, even=even)
            for architecture, theta, some, seed in networks
        ]

    def time_steps(
        self, data: Data, engine: Engine, seconds: float | None = None
    ) -> tuple[float, float]:
        """Seconds of a step of all members, and of the start, from a few steps on some rows.

        seconds: that this may take.
        Ctrl-C raises KeyboardInterrupt, as nothing is learnt yet.
        """
        n = min(len(data), TRIAL_ROWS)
        some = data.rows(slice(n))
        n_train = max(1, self.n_train * n // len(data))
        parts = max(1, steps_of_pass(n_train) // TRIAL_STEPS)
        plan = TrainingPlan(TRIAL_EPOCHS, TRIAL_STEPS, parts)
        jobs = self._jobs([np.arange(n_train)] * len(self.parts), plan)
        states = train(jobs, some, engine=engine, time_limit=seconds)
        if any(state.history.stopped == "interrupted" for state in states):
            raise KeyboardInterrupt
        longest = max(states, key=lambda state: state.epoch)
        first, *others = np.diff(longest.history.seconds, prepend=0.0)
        epoch = float(np.median(others)) if others else first
        n_steps = np.mean([state.n_steps for state in states])  # with a limit not the same for all
        step = epoch * longest.epoch / max(1.0, float(n_steps))
        return step, max(0.0, first - epoch) * len(data) / n

    def fewer(
        self, share: float, step: float, data: Data, engine: Engine, seconds: float
    ) -> tuple[Members, float]:
        """As many members as there is time for, with the seconds of a step.

        All members, if fewer are not faster.
        share: see `affordable_members`.
        step: seconds of a step of all members.
        seconds: that measuring may take.
        """
        n = affordable_members(len(self.parts), share, self.at_once)
        if n == len(self.parts):
            return self, step
        some = self.some(slice(n))
        step_of_some, _ = some.time_steps(data, engine, seconds)
        return (some, step_of_some) if step_of_some < FASTER * step else (self, step)


def can_start(
    architectures: Sequence[Architecture],
    recipe: Recipe,
    data: Data,
    parts: list[Fold],
    seconds: float,
) -> bool:
    """Whether the members with these folds can be drawn in half of the seconds; one is tried."""
    begun = time.monotonic()
    Members.start(architectures, recipe, data, parts[:1], [0], len(parts))
    return (time.monotonic() - begun) * len(parts) < START_SHARE * seconds


def measure(members: Members, data: Data, engine: Engine, seconds: float) -> tuple[float, float]:
    """Seconds of a step of all members, and of judging a row, from some rows.

    seconds: that the steps may take.
    The time of the start is left out: on few rows it says more about the machine than the rows.
    """
    step, _ = members.time_steps(data, engine, seconds)
    held_out = HeldOut.whole(data, members.parts, lambda *_: 0.0, engine)
    judging = held_out.estimate_seconds(members.architectures[0], members.thetas[0])
    return step, (1 + AFTER) * judging / len(data)
