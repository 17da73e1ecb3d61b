"""Uninformative columns of a table are left out if that makes the networks better.

A network also learns chance patterns in a column that is unrelated to the target, above all if each
category has few rows. At the end of the second cycle of the learning rate, a fifth into the
training, each column is judged by how the score of held-out rows changes when its values are
exchanged between rows. If some columns seem to matter little, new members train without them to the
same epoch. If these are better beyond chance, they replace the others; otherwise training continues
as if nothing had happened. One half of the rows judges the columns, the other half decides.

Sources: Breiman 2001 (importance by permutation); Student's t, over the members to judge columns,
over blocks of rows to decide.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from clearprop._typing import Array
from clearprop.architecture import Architecture
from clearprop.history import EpochReport, TrainingState
from clearprop.jobs import Data
from clearprop.tabular.bag.course import Course, Reporter
from clearprop.tabular.bag.epochs import cycle_ends
from clearprop.tabular.bag.members import Members
from clearprop.tabular.bag.recipe import batch_size
from clearprop.training import AllJobsCallback

LEAST_MEMBERS = 4  # for every row to be held out
BLOCKS = 20  # of the deciding rows, whose scores show how much is chance
# rows of a table: with fewer, an uninformative column looks like one that is learnt slowly; with
# more, networks learn little by chance
FEWEST_ROWS, MOST_ROWS = 1_000, 200_000
IDLE = 1.0  # standard errors; a column whose exchange costs less seems uninformative
FEW = 0.1  # of the columns; leaving out fewer gains little
# times the score with all columns: the most that is promising after the first cycle. Memorised rows
# show later, so that without columns of many categories the score may even be a little worse
PROMISING, PROMISING_LATER = 0.99, 1.02
BETTER = 0.02  # probability that members without some columns are as much better by chance alone
SHARE = 0.03  # of the arithmetic of the whole training, spent on exchanges
LEAST_ROWS = 200  # of each member, or all that it holds out, for an exchange to be meaningful
PASSES = 3  # the arithmetic of a training step per row, relative to a prediction


@dataclass(frozen=True)
class Columns:
    """The columns of a table as a bag sees them.

    places: for each column, its columns in the matrix.
    n_vectors: for each column, the number of its embedding vectors; 0 for most.
    without: from the numbers of some columns to the architectures and data of the others.
    """

    places: Sequence[Array]
    n_vectors: Sequence[int]
    without: Callable[[Sequence[int]], tuple[Sequence[Architecture], Data]]


@dataclass
class Screening:
    """Finds uninformative columns, and members without them that are better.

    epochs: the ends of the first two cycles.
    n_rows: rows of each member between which values are exchanged.
    judging: for each member, the rows that judge columns; none for one that holds no row out.
    blocks: the places of the rows that decide.
    scores: of the members at these epochs so far, for each block.
    """

    columns: Columns
    seed: int
    epochs: tuple[int, int]
    n_rows: int
    judging: Sequence[Array]
    blocks: Sequence[Array]
    scores: list[Array] = field(default_factory=list)

    @classmethod
    def prepare(cls, columns: Columns, course: Course, seed: int) -> Screening | None:
        """For the members of a course; None if it would be useless."""
        held_out, n = course.held_out, course.held_out.n
        places = np.random.default_rng(seed).permutation(n)
        held = np.zeros(n, bool)
        for own in held_out.places:
            held[own] = True
        places = places[held[places]]
        half = len(places) // 2
        deciding = np.zeros(n, bool)
        deciding[places[:half]] = True
        judging = [held_out.rows_at(own[~deciding[own]]) for own in held_out.places]
        first, second, _ = cycle_ends(course.plan.epochs)
        n_rows = _exchanged_rows(columns, course, min(len(rows) for rows in judging if len(rows)))
        if n_rows == 0 or first < 1:
            return None
        blocks = np.array_split(places[:half], BLOCKS)
        return cls(columns, seed, (first, second), n_rows, judging, blocks)

    def contend(self, course: Course, reports: Sequence[EpochReport]) -> Contender | None:
        """Members without some columns that are to replace those that report, if any are better."""
        epoch, members = course.state.epoch, course.members
        # a member that was lost is missing from the reports, and all are needed
        if epoch not in self.epochs or len(reports) < len(members.parts):
            return None
        if course.state.moved or any(report.stopping for report in reports):
            return None
        thetas = [report.read_theta() for report in reports]
        self.scores.append(self._scores_of_blocks(course, thetas))
        if len(self.scores) < len(self.epochs):
            return None
        if not course.has_time_for(course.plan.epochs + epoch):
            return None
        idle, doubtful = self._judge(course, thetas)
        if doubtful:
            found = self._better_without(course, sorted(idle + doubtful), PROMISING_LATER)
            if found is not None:
                return found
        enough = len(idle) >= FEW * len(self.columns.places)
        return self._better_without(course, idle, PROMISING) if enough else None

    def _scores_of_blocks(self, course: Course, thetas: Sequence[Array]) -> Array:
        """The scores of the out-of-fold predictions for each block of the deciding rows."""
        held_out = course.held_out
        y_hat, _ = held_out.predict(course.members.architectures, dict(enumerate(thetas)))
        return np.array(
            [held_out.score(y_hat[block], held_out.rows_at(block)) for block in self.blocks]
        )

    def _judge(self, course: Course, thetas: Sequence[Array]) -> tuple[list[int], list[int]]:
        """The numbers of the idle and of the doubtful columns.

        The values of an idle column can be exchanged between held-out rows at no cost. A doubtful
        column is embedded and may cost more than it is worth: it improves the score by less than
        its number of vectors, as free parameters, worsens it by chance.
        """
        held_out, members = course.held_out, course.members
        rng = np.random.default_rng(self.seed + 1)
        judges = [member for member, rows in enumerate(self.judging) if len(rows)]
        costs, scores = np.zeros((len(self.columns.places), len(judges))), []
        for place, member in enumerate(judges):
            theta = thetas[member]
            rows = rng.permutation(self.judging[member])[: self.n_rows]
            architecture, X = members.architectures[member], held_out.data.X[rows]
            y_hat = held_out.engine.forward(architecture, theta, X)
            scores.append(held_out.score(y_hat, rows))
            for column, places in enumerate(self.columns.places):
                exchanged = X.copy()
                exchanged[:, places] = X[rng.permutation(len(X))][:, places]
                y_hat = held_out.engine.forward(architecture, theta, exchanged)
                costs[column, place] = held_out.score(y_hat, rows) - scores[-1]
        mean, error = costs.mean(axis=1), costs.std(axis=1, ddof=1) / np.sqrt(len(judges))
        by_chance = np.array(self.columns.n_vectors) / members.n_train
        doubtful = (by_chance > 0) & (mean <= np.maximum(IDLE * error, by_chance * np.mean(scores)))
        idle = ~doubtful & (mean <= IDLE * error)
        return np.flatnonzero(idle).tolist(), np.flatnonzero(doubtful).tolist()

    def _better_without(
        self, course: Course, some: list[int], promising: float
    ) -> Contender | None:
        """Train members without some columns to the same epoch; None if they are not better."""
        if not 0 < len(some) < len(self.columns.places):
            return None
        contender = Contender.begin(course, some, self.columns)
        own = contender.course
        given_up = False

        def watch(reports: Sequence[EpochReport]) -> bool:
            nonlocal given_up
            over = own.watch(reports)
            course.reporter.report_besides(reports, course.state)
            if own.state.epoch == self.epochs[0]:
                now = self._scores_of_blocks(own, [report.read_theta() for report in reports])
                given_up = not now.mean() < promising * self.scores[0].mean()
            return over or given_up or own.state.epoch == self.epochs[1]

        states = contender.train(watch)
        if any(state.history.stopped == "interrupted" for state in states):
            raise KeyboardInterrupt
        if given_up or any(s.nonfinite or s.epoch < self.epochs[1] for s in states):
            return None
        after = self._scores_of_blocks(own, [state.theta for state in states])
        if not is_positive(self.scores[1] - after, BETTER):
            return None
        assert own.state.best is not None
        assert course.state.best is not None
        return contender if own.state.best[1] < course.state.best[1] else None


def _exchanged_rows(columns: Columns, course: Course, held: int) -> int:
    """Between how many of a member's `held` rows to exchange values; 0 if it would be useless."""
    parts, n_columns = course.members.parts, len(columns.places)
    if len(parts) < LEAST_MEMBERS or n_columns < 2 or held < 2:
        return 0
    if not FEWEST_ROWS <= len(course.held_out.data) <= MOST_ROWS:
        return 0
    in_training = course.plan.n_steps * batch_size(course.members.n_train)
    affordable = int(SHARE * PASSES * in_training / n_columns)
    return min(held, affordable) if affordable >= min(held, LEAST_ROWS) else 0


@dataclass(frozen=True)
class Contender:
    """Members without some columns, their course, and the states of their training."""

    left_out: tuple[int, ...]
    course: Course
    states: list[TrainingState]

    @classmethod
    def begin(cls, course: Course, some: Sequence[int], columns: Columns) -> Contender:
        """With the folds and seeds of the members of a course, judged in the same way."""
        before = course.members
        architectures, data = columns.without(some)
        members = Members.start(
            architectures, before.recipe, data, before.parts, before.seeds, before.at_once
        )
        held_out = dataclasses.replace(course.held_out, data=data)
        own = Course.begin(members, held_out, course.plan, Reporter())
        own.pace = None if course.pace is None else dataclasses.replace(course.pace)
        return cls(tuple(some), own, [TrainingState() for _ in members.parts])

    def train(self, watch: AllJobsCallback) -> list[TrainingState]:
        """Train until the watch ends it; the states keep what was done."""
        return self.course.train(watch, self.states)

    def train_on(self) -> list[TrainingState]:
        """To the end, once the course has taken the place of another."""
        for state in self.states:
            state.history.stopped = ""
        return self.course.train(self.course.watch, self.states, self.course.seconds_left)


def is_positive(differences: Array, p: float) -> bool:
    """Whether the mean of these is further above 0 than chance makes it with probability p."""
    from scipy.stats import t

    n = len(differences)
    error = differences.std(ddof=1) / np.sqrt(n)
    return bool(differences.mean() > t.isf(p, n - 1) * error)
