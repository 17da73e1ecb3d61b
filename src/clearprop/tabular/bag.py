"""A bag of networks, each a job on its own folds of one copy of the data.

Members come in partitions of the rows into four folds: a member trains on three of them, and what
it predicts for the fourth it has not seen. So every row has out-of-fold predictions, which choose
the common epoch and estimate the score, at no more cost than the predictions.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from clearprop._typing import Array
from clearprop.architecture import Architecture
from clearprop.engines.nonfinite import NonFinite
from clearprop.engines.protocol import Engine, get_engine
from clearprop.history import EpochReport, TrainingState
from clearprop.jobs import Data
from clearprop.tabular.recipe import START_ROWS, Recipe, build_job, n_epochs, start
from clearprop.training import NonFiniteError, train

N_FOLDS = 4
MAX_CHECKS = 64  # evaluations of the out-of-fold predictions in one training
CYCLE_ENDS = (1 / 15, 3 / 15, 7 / 15)  # of the learning rate, as parts of the training
CHUNK = 16_384  # rows predicted at a time
MARGIN = 1.1  # for epochs that take longer than the first one

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
        number = np.empty(n, np.int8)
        number[order] = np.arange(n) % k
        for fold in range(min(k, n_members - len(result))):
            held = np.flatnonzero(number == fold)
            kept = np.flatnonzero(number != fold)
            result.append(Fold(kept if len(kept) else held, held))
    return result


@dataclass
class Bag:
    """What training a bag found.

    members: the numbers of those that are kept; thetas: their θ at the common epoch `epoch` of
    n_epochs. oof: mean out-of-fold ŷ (N, K), NaN for rows that no member held out. score: of oof.
    scores: (epoch, score) of all evaluations. stopped: why training ended, as in
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
    time_limit: seconds. A training that would take longer is begun anew with as many epochs as
    there is time for. progress: told of each epoch, with the score as the loss of validation.
    Raises NonFiniteError where every member ran into NaN before there was anything to keep.
    """
    deadline = None if time_limit is None else time.monotonic() + time_limit
    rng = np.random.default_rng(seed)
    parts = folds(len(data), n_members, rng, strata)
    seeds = rng.integers(0, 2**31, n_members).tolist()
    thetas = []
    for fold, member_seed in zip(parts, seeds, strict=True):
        own = np.random.default_rng(member_seed)
        rows = fold.train
        if len(rows) > START_ROWS:
            rows = np.sort(own.choice(rows, START_ROWS, replace=False))
        thetas.append(start(architecture, data.X[rows], own))
    runner = get_engine(engine, architecture, n_threads=n_threads)
    planned = n_epochs(len(parts[0].train)) if recipe.epochs is None else recipe.epochs
    seconds = _seconds_of_evaluation(runner, architecture, thetas[0], data, parts)
    before: Bag | None = None
    while True:
        bag = Bag(architecture, n_epochs=planned, engine=runner.name)
        selection = _Selection(bag, data, parts, score, runner, deadline, seconds, progress)
        selection.may_replan = before is None
        left = None if deadline is None else deadline - seconds - time.monotonic()
        states = train(
            [
                build_job(architecture, theta, fold.train, recipe, member_seed, planned)
                for theta, fold, member_seed in zip(thetas, parts, seeds, strict=True)
            ],
            data,
            engine=runner,
            watch=selection,
            time_limit=None if left is None else max(left, 1e-3),
        )
        if not selection.fewer_epochs or _interrupted(states):
            break
        before, planned, seconds = bag, selection.fewer_epochs, selection.seconds
    if not bag.thetas and before is not None:
        bag = before
    return _finish(bag, selection, states)


def _finish(bag: Bag, selection: _Selection, states: list[TrainingState]) -> Bag:
    """Why it ended, who was lost, and the last θ where there was no time to choose one."""
    bag.lost = {i: s.nonfinite for i, s in enumerate(states) if s.nonfinite is not None}
    if not bag.thetas:
        alive = {i: state.theta for i, state in enumerate(states) if i not in bag.lost}
        if not alive:
            raise NonFiniteError(f"training ran into NaN or infinity: {bag.lost[0]}")
        selection.evaluate(alive, max(state.epoch for state in states))
    reasons = {state.history.stopped for state in states}
    if "interrupted" in reasons:
        bag.stopped = "interrupted"
    elif "callback" in reasons:
        bag.stopped = "patience"
    else:
        bag.stopped = next(r for r in ("time_limit", "epochs", "nonfinite") if r in reasons)
    return bag


def _interrupted(states: list[TrainingState]) -> bool:
    return any(state.history.stopped == "interrupted" for state in states)


def _seconds_of_evaluation(
    engine: Engine, architecture: Architecture, theta: Array, data: Data, parts: list[Fold]
) -> float:
    """About how long it takes to predict all that is held out."""
    rows = parts[0].held[:CHUNK]
    begun = time.monotonic()
    engine.forward(architecture, theta, data.X[rows])
    return (time.monotonic() - begun) * sum(len(fold.held) for fold in parts) / len(rows)


@dataclass
class _Selection:
    """Called after every epoch: evaluates, keeps the best, and says when enough is known.

    deadline: of time.monotonic; seconds: that an evaluation takes. fewer_epochs: what there is
    time for, where that is less than was planned.
    """

    bag: Bag
    data: Data
    parts: list[Fold]
    score: Score
    engine: Engine
    deadline: float | None
    seconds: float
    progress: Callable[[EpochReport], object] | None
    may_replan: bool = True
    begun: float = field(default_factory=time.monotonic)
    fewer_epochs: int = 0

    def __call__(self, reports: Sequence[EpochReport]) -> bool:
        epoch, n = reports[0].epoch, reports[0].n_epochs
        of_epoch = time.monotonic() - self.begun
        every = max(1, n // MAX_CHECKS)
        ending = {report.stopping for report in reports}
        alive = [report for report in reports if report.stopping != "nonfinite"]
        due = epoch % every == 0 or epoch == n or ending != {""} or self._may_be_too_slow(epoch)
        if alive and due and not (self.bag.thetas and self._is_late()):
            begun = time.monotonic()
            self.evaluate({report.job: report.read_theta() for report in alive}, epoch)
            self.seconds = time.monotonic() - begun
        over = self._is_over(epoch, n, every) or self._replan(epoch, n, every, of_epoch, ending)
        if self.progress is not None and alive:
            loss = float(np.mean([report.loss for report in alive]))
            stopping = "callback" if over else alive[0].stopping
            score = self.bag.scores[-1][1] if self.bag.scores else None
            self.progress(
                dataclasses.replace(
                    alive[0], job=0, loss=loss, validation_loss=score, stopping=stopping
                )
            )
        return over

    def _is_late(self) -> bool:
        return self.deadline is not None and time.monotonic() + self.seconds > self.deadline

    def _may_be_too_slow(self, epoch: int) -> bool:
        return epoch == 1 and self.deadline is not None and self.may_replan

    def _replan(self, epoch: int, n: int, every: int, of_epoch: float, ending: set[str]) -> bool:
        """After the first epoch: whether there is time for the others, and for how many."""
        if not self._may_be_too_slow(epoch) or self.deadline is None or ending != {""}:
            return False
        left = self.deadline - self.seconds - time.monotonic()
        if (n - 1) * MARGIN * (of_epoch + self.seconds / every) <= left:
            return False
        affordable = int(left / MARGIN / (of_epoch + self.seconds))
        if not 2 <= affordable < n:
            return False  # the rest of the plan, as far as it goes, is more than a new one
        self.fewer_epochs = affordable
        return True

    def evaluate(self, thetas: dict[int, Array], epoch: int) -> None:
        """Score the out-of-fold predictions of these members; keep them if none were better.

        Where time is up before anything was kept, the rows that were predicted so far must do.
        """
        bag = self.bag
        total = np.zeros((len(self.data), bag.architecture.n_outputs))
        count = np.zeros(len(self.data), np.int32)
        for i, rows, theta in self._in_turn(thetas):
            if i and not bag.thetas and self.deadline and time.monotonic() > self.deadline:
                break
            total[rows] += self.engine.forward(bag.architecture, theta, self.data.X[rows])
            count[rows] += 1
        if count.all():
            total /= count[:, None]
            score = self.score(total, np.arange(len(count)))
        else:
            seen = np.flatnonzero(count)
            total[seen] /= count[seen, None]
            total[count == 0] = np.nan
            score = self.score(total[seen], seen)
        bag.scores.append((epoch, score))
        if not bag.thetas or score <= bag.score or np.isnan(bag.score):
            bag.members, bag.thetas = list(thetas), list(thetas.values())
            bag.epoch, bag.oof, bag.score = epoch, total, score

    def _in_turn(self, thetas: dict[int, Array]) -> Iterator[tuple[int, Array, Array]]:
        """The first rows that each member held out, then the next ones of each, …"""
        longest = max(len(self.parts[member].held) for member in thetas)
        for i, begin in enumerate(range(0, longest, CHUNK)):
            for member, theta in thetas.items():
                rows = self.parts[member].held[begin : begin + CHUNK]
                if len(rows):
                    yield i, rows, theta

    def _is_over(self, epoch: int, n: int, every: int) -> bool:
        """Whether a whole cycle of the learning rate has just ended without a new best."""
        ends = [round(end * n) for end in CYCLE_ENDS]
        for before, end in pairwise(ends):
            if epoch - every < end <= epoch:
                return 0 < self.bag.epoch <= before
        return False
