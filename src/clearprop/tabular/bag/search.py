"""The search for a better recipe: successive halving, all configurations over one copy of the data.

Configurations are drawn, the default first. All train for a short time, jobs side by side; the
better third continues with a training three times as long, and so on to the full length. They are
judged by predictions for the rows that their networks did not see. Scores are only comparable at
the end of a learning-rate schedule, so each round starts anew, with schedules of its own length.
Source: Jamieson & Talwalkar 2016 (successive halving).
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.architecture import Architecture
from clearprop.engines.select import get_engine
from clearprop.history import EpochReport
from clearprop.jobs import Data
from clearprop.tabular.bag.division import AT_RANDOM, Division
from clearprop.tabular.bag.folds import HeldOut, Score
from clearprop.tabular.bag.members import Members
from clearprop.tabular.bag.recipe import (
    MONOTONE_ACTIVATION,
    Recipe,
    TrainingPlan,
    plan_epochs,
)
from clearprop.training import train

FACTOR = 3  # training is so many times longer in each round, and configurations fewer
ROUNDS = 3
LEAST, MOST = 3, 81  # configurations in the first round
MEMBERS = 4  # networks of each: every row that can be held out is held out
JOBS_AT_ONCE = 32
CHECKS = 32  # evaluations in a round
SHARE = 0.8  # of the seconds, that is planned for

# What is drawn; the learning rate of the base is multiplied by its entry.
CHOICES: dict[str, tuple[Any, ...]] = {
    "learning_rate": (0.25, 0.5, 1.0, 1.0, 2.0),
    "hidden_sizes": ((128, 128), (128, 128), (256, 256), (128, 128, 128), (64, 64), (256,)),
    "dropout": (0.0, 0.05, 0.1, 0.1, 0.2, 0.3),
    "weight_decay": (0.0, 0.005, 0.02, 0.02, 0.08),
    "activations": (("selu",), ("mish",), ("silu",), ("relu",)),
}


@dataclass(frozen=True)
class Trial:
    """The best score of a configuration in a round of so many epochs; less is better."""

    recipe: Recipe
    epochs: int
    score: float

    @property
    def configuration(self) -> dict[str, Any]:
        """What distinguishes it."""
        return {name: getattr(self.recipe, name) for name in CHOICES}


def draw_recipes(base: Recipe, n: int, rng: np.random.Generator) -> list[Recipe]:
    """Different ones, n of them, the base first. A base of monotone networks keeps its units."""
    recipes = [base]
    while len(recipes) < n:
        drawn = {name: values[rng.integers(len(values))] for name, values in CHOICES.items()}
        drawn["learning_rate"] *= base.learning_rate
        if base.activations == (MONOTONE_ACTIVATION,):
            drawn["activations"] = base.activations
        recipe = dataclasses.replace(base, **drawn)
        if recipe not in recipes:
            recipes.append(recipe)
    return recipes


def search(
    build: Callable[[Recipe], Sequence[Architecture]],
    data: Data,
    base: Recipe,
    score: Score,
    *,
    seconds: float,
    division: Division = AT_RANDOM,
    seed: int = 0,
    n_threads: int | None = None,
    engine: str = "auto",
    progress: Callable[[EpochReport], object] | None = None,
) -> tuple[list[Trial], bool]:
    """The trials of all rounds, in order, and whether Ctrl-C ended the search.

    build: from a recipe to its architectures.
    seconds: about how long the search may take; the number of configurations depends on it.
    """
    deadline = time.monotonic() + seconds
    trials: list[Trial] = []
    try:
        architectures = build(base)
        runner = get_engine(engine, architectures[0], n_threads=n_threads)
        first = Members.draw(architectures, base, data, MEMBERS, seed, division, only_judges=True)
        held_out = HeldOut.sample(data, first.parts, score, runner, seed)
        full = plan_epochs(first.n_train, base)
        step, start = first.time_steps(data, runner)
        training = start + full.n_steps * step
        affordable = SHARE * (deadline - time.monotonic()) / max(training, 1e-9)
        n = int(np.clip(ROUNDS * affordable, LEAST, MOST))
        recipes = draw_recipes(base, n, np.random.default_rng(seed))
        for i, length in enumerate(_lengths(n, affordable)):
            done = _round(
                trials,
                recipes,
                lambda r: Members.start(build(r), r, data, first.parts, first.seeds, MEMBERS),
                held_out,
                dataclasses.replace(full, epochs=max(2, round(full.epochs * length))),
                deadline,
                progress,
            )
            if time.monotonic() > deadline or not done:
                break
            better = sorted(done, key=lambda trial: trial.score)
            recipes = [trial.recipe for trial in better[: _n_kept(n, i + 1)]]
            if base not in recipes:  # the one to beat comes along
                recipes[-1] = base
    except KeyboardInterrupt:
        return trials, True
    return trials, False


def best_of(trials: Sequence[Trial], base: Recipe) -> Recipe:
    """The best recipe among the longest trainings; the base if there were none."""
    if not trials:
        return base
    longest = max(trial.epochs for trial in trials)
    last = [trial for trial in trials if trial.epochs == longest]
    return min(last, key=lambda trial: trial.score).recipe


def _n_kept(n: int, i: int) -> int:
    """Configurations in round i; at least two, or there is nothing to compare."""
    return int(max(2, n // FACTOR**i))


def _lengths(n: int, affordable: float) -> list[float]:
    """The lengths of training in each round, relative to the full one, that are affordable."""
    lengths = [FACTOR ** float(i + 1 - ROUNDS) for i in range(ROUNDS)]
    cost = sum(length * _n_kept(n, i) for i, length in enumerate(lengths))
    return [length * min(1.0, affordable / cost) for length in lengths]


def _round(
    trials: list[Trial],
    recipes: list[Recipe],
    begin: Callable[[Recipe], Members],
    held_out: HeldOut,
    plan: TrainingPlan,
    deadline: float,
    progress: Callable[[EpochReport], object] | None,
) -> list[Trial]:
    """Train all by the plan, some at a time; each trial is added to the list at once."""
    n_before = len(trials)
    at_once = max(1, JOBS_AT_ONCE // MEMBERS)
    for i in range(0, len(recipes), at_once):
        group = [begin(recipe) for recipe in recipes[i : i + at_once]]
        left = deadline - time.monotonic()
        if left <= 0:
            break
        judge = _Judge(group, held_out, plan, progress)
        jobs = [job for members in group for job in members.jobs(plan)]
        states = train(jobs, held_out.data, engine=held_out.engine, watch=judge, time_limit=left)
        trials += [
            Trial(members.recipe, plan.epochs, best)
            for members, best in zip(group, judge.best, strict=True)
            if np.isfinite(best)
        ]
        if judge.interrupted or any(s.history.stopped == "interrupted" for s in states):
            raise KeyboardInterrupt
    return trials[n_before:]


@dataclass
class _Judge:
    """Judges the configurations of a group from time to time."""

    group: list[Members]
    held_out: HeldOut
    plan: TrainingPlan
    progress: Callable[[EpochReport], object] | None
    interrupted: bool = False
    best: list[float] = field(init=False)

    def __post_init__(self) -> None:
        self.best = [float("inf")] * len(self.group)

    def __call__(self, reports: Sequence[EpochReport]) -> bool:
        try:
            self._judge(reports)
        except KeyboardInterrupt:
            self.interrupted = True  # the jobs may all have come to their end
            raise
        if self.progress is not None:
            best = min(self.best)
            loss = best if np.isfinite(best) else None
            self.progress(dataclasses.replace(reports[0], job=0, validation_loss=loss))
        return False

    def _judge(self, reports: Sequence[EpochReport]) -> None:
        epoch = reports[0].epoch
        every = max(1, self.plan.epochs // CHECKS)
        ending = {report.stopping for report in reports} - {"nonfinite"}
        if epoch % every != 0 and ending == {""}:
            return
        thetas: dict[int, dict[int, Array]] = {}
        for report in reports:
            if report.stopping != "nonfinite":
                number, member = divmod(report.job, MEMBERS)
                thetas.setdefault(number, {})[member] = report.read_theta()
        for number, own in thetas.items():
            if len(own) == MEMBERS:  # one that lost a network is not to be trusted
                found = self.held_out.judge(self.group[number].architectures, own)
                self.best[number] = min(self.best[number], found.score)
