"""A bag of networks, each a job on its own folds of one copy of the data.

Members come in partitions of the rows into four folds: a member trains on three of them, and what
it predicts for the fourth it has not seen. So every row has out-of-fold predictions, which choose
the common epoch and estimate the score, at no more cost than the predictions.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from clearprop._typing import Array
from clearprop.architecture import Architecture
from clearprop.engines.protocol import Engine, get_engine
from clearprop.history import EpochReport
from clearprop.jobs import Data
from clearprop.tabular.recipe import START_ROWS, Recipe, build_job, n_epochs, start
from clearprop.training import Callback, train

N_FOLDS = 4
MAX_CHECKS = 64  # evaluations of the out-of-fold predictions in one training
CYCLE_ENDS = (1 / 15, 3 / 15, 7 / 15)  # of the learning rate, as parts of the training
CHUNK = 65_536  # rows predicted at a time

Score = Callable[[Array, Array], float]
"""(ŷ (n, K), rows (n,)) → how bad the predictions for these rows are."""


@dataclass(frozen=True)
class Fold:
    """The rows that a member trains on, and those that it does not see."""

    train: Array
    held: Array


def folds(
    n: int, n_members: int, rng: np.random.Generator, strata: Array | None = None
) -> list[Fold]:
    """A fold for each member: independent partitions of n rows into four, member after member.

    strata (n,): classes whose shares each fold keeps, up to a row. Rows lie in order in a fold.
    Fewer than four rows make so many folds; a single row is trained on and held out.
    """
    k = min(N_FOLDS, n)
    result: list[Fold] = []
    while len(result) < n_members:
        order = rng.permutation(n)
        if strata is not None:
            order = order[np.argsort(strata[order], kind="stable")]
        number = np.empty(n, np.int64)
        number[order] = np.arange(n) % k
        for fold in range(min(k, n_members - len(result))):
            held = np.flatnonzero(number == fold)
            kept = np.flatnonzero(number != fold)
            result.append(Fold(kept if len(kept) else held, held))
    return result


@dataclass
class Bag:
    """What training a bag found.

    thetas: θ of each member at the common epoch `epoch` of n_epochs. oof: mean out-of-fold ŷ
    (N, K), NaN for rows that no member held out. score: of oof. scores: (epoch, score) of all
    evaluations. stopped: why training ended. engine: which one ran.
    """

    architecture: Architecture
    thetas: list[Array] = field(default_factory=list)
    epoch: int = 0
    n_epochs: int = 0
    oof: Array = field(default_factory=lambda: np.empty((0, 0)))
    score: float = float("inf")
    scores: list[tuple[int, float]] = field(default_factory=list)
    stopped: str = ""
    engine: str = ""


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
    epochs: int | None = None,
    callbacks: Sequence[Callback] = (),
) -> Bag:
    """Train the members side by side, and keep the epoch whose out-of-fold predictions are best.

    score: of predictions for rows of the data, less is better; ties go to the later epoch.
    time_limit: seconds. A training that would take longer is begun anew with as many epochs as
    there is time for. epochs: instead of the number that suits the rows.
    """
    begun = time.monotonic()
    rng = np.random.default_rng(seed)
    parts = folds(len(data), n_members, rng, strata)
    seeds = rng.integers(0, 2**31, n_members)
    thetas = []
    for fold, member_seed in zip(parts, seeds, strict=True):
        own = np.random.default_rng(member_seed)
        rows = fold.train
        if len(rows) > START_ROWS:
            rows = np.sort(own.choice(rows, START_ROWS, replace=False))
        thetas.append(start(architecture, data.X[rows], own))
    runner = get_engine(engine, architecture, n_threads=n_threads)
    planned = n_epochs(len(parts[0].train)) if epochs is None else epochs
    while True:
        left = None if time_limit is None else time_limit - (time.monotonic() - begun)
        selection = _Selection(
            Bag(architecture, n_epochs=planned), data, parts, score, runner, left
        )
        jobs = [
            build_job(architecture, theta, fold.train, recipe, int(member_seed), planned)
            for theta, fold, member_seed in zip(thetas, parts, seeds, strict=True)
        ]
        states = train(
            jobs,
            data,
            engine=runner,
            watch=selection,
            time_limit=None if left is None else max(left, 1e-3),
            callbacks=callbacks,
        )
        if not selection.fewer_epochs:
            break
        planned = selection.fewer_epochs
    bag = selection.bag
    bag.engine = runner.name
    reasons = {state.history.stopped for state in states}
    bag.stopped = next(r for r in ("interrupted", "nonfinite", *sorted(reasons)) if r in reasons)
    if not bag.thetas:  # it ended before an epoch was over
        selection.evaluate([state.theta for state in states], 0)
    return bag


@dataclass
class _Selection:
    """Called after every epoch: evaluates, keeps the best, and says when enough is known."""

    bag: Bag
    data: Data
    parts: list[Fold]
    score: Score
    engine: Engine
    time_left: float | None
    begun: float = field(default_factory=time.monotonic)
    fewer_epochs: int = 0

    def __call__(self, reports: Sequence[EpochReport]) -> bool:
        epoch, n = reports[0].epoch, reports[0].n_epochs
        if epoch == 1 and self.time_left is not None and n > 2:
            seconds = time.monotonic() - self.begun
            affordable = int((self.time_left - seconds) / max(seconds, 1e-9) / 1.1)
            if affordable < n and not reports[0].stopping:
                self.fewer_epochs = max(affordable, 2)
                if self.fewer_epochs < n:
                    return True
                self.fewer_epochs = 0
        out_of_time = any(report.stopping == "time_limit" for report in reports)
        every = max(1, n // MAX_CHECKS)
        if (epoch % every and epoch != n) or (out_of_time and self.bag.thetas):
            return False
        if any(report.stopping == "nonfinite" for report in reports):
            return True
        self.evaluate([report.read_theta() for report in reports], epoch)
        return self._is_over(epoch, n, every)

    def evaluate(self, thetas: list[Array], epoch: int) -> None:
        """Score the out-of-fold predictions of these θ; keep them if none were better."""
        bag = self.bag
        total = np.zeros((len(self.data), bag.architecture.n_outputs))
        count = np.zeros(len(self.data), np.int64)
        for theta, fold in zip(thetas, self.parts, strict=True):
            for rows in chunks(fold.held):
                total[rows] += self.engine.forward(bag.architecture, theta, self.data.X[rows])
            count[fold.held] += 1
        seen = np.flatnonzero(count)
        oof = np.full(total.shape, np.nan)
        oof[seen] = total[seen] / count[seen, None]
        score = self.score(oof[seen], seen)
        bag.scores.append((epoch, score))
        if score <= bag.score or not bag.thetas:
            bag.thetas, bag.epoch, bag.oof, bag.score = thetas, epoch, oof, score

    def _is_over(self, epoch: int, n: int, every: int) -> bool:
        """Whether a whole cycle of the learning rate has just ended without a new best."""
        ends = [round(end * n) for end in CYCLE_ENDS]
        for before, end in pairwise(ends):
            if epoch - every < end <= epoch:
                return self.bag.epoch <= before
        return False


def chunks(rows: Array) -> Iterator[Array]:
    """The rows, some thousand at a time."""
    for begin in range(0, len(rows), CHUNK):
        yield rows[begin : begin + CHUNK]
