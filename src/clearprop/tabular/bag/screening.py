"""Columns of a table that say nothing are left out where that makes the networks better.

A network also learns what is by chance in a column that has nothing to do with the target, most of
all where each category has few rows. When the learning rate has come to rest for the second time, a
fifth into the training, each column is judged by what becomes of the score of held-out rows when
its values are exchanged between them. If there are columns without which little seems lost, the
members start anew without them, and if at the same epoch these are better beyond chance, they train
on in the place of the others, which otherwise go on as if nothing had been. The columns are judged
by one half of the rows, and the decision is made by the other.

Sources: Breiman 2001 (importance by permutation); Student's t, over the members to judge columns,
over blocks of rows to decide.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from clearprop._typing import Array
from clearprop.architecture import Architecture
from clearprop.history import EpochReport, TrainingState
from clearprop.jobs import Data
from clearprop.tabular.bag.epochs import cycle_ends
from clearprop.tabular.bag.members import Members
from clearprop.tabular.bag.recipe import batch_size
from clearprop.tabular.bag.selection import Bag, Selection
from clearprop.training import AllJobsCallback, train

LEAST_MEMBERS = 4  # for every row to be held out
BLOCKS = 20  # of the deciding rows, which tell what is chance
# rows of a table: fewer do not tell a column that says nothing from one that is learnt slowly, and
# of more, little that is by chance is learnt
FEWEST_ROWS, MOST_ROWS = 1_000, 200_000
IDLE = 1.0  # standard errors; a column whose exchange costs less seems to say nothing
FEW = 0.1  # of the columns; without fewer that seem to say nothing, little can be gained
# times the score with all columns, the most that is promising after the first cycle; what is learnt
# by heart shows later, so that without columns of many categories it may even be a little worse
PROMISING, PROMISING_LATER = 0.99, 1.02
BETTER = 0.02  # probability that chance alone makes members without some columns as much better
SHARE = 0.03  # of the arithmetic of the whole training, for the exchanges
LEAST_ROWS = 200  # of each member, or all that it holds out, for an exchange to tell anything
PASSES = 3  # of a network over a row in a step of training, for one in a prediction


@dataclass(frozen=True)
class Columns:
    """The columns of a table as a bag sees them.

    places: of each column, its columns in the matrix; n_vectors: by how many vectors each is
    embedded, 0 for most; without: for the numbers of some, architectures and data of the others.
    """

    places: Sequence[Array]
    n_vectors: Sequence[int]
    without: Callable[[Sequence[int]], tuple[Sequence[Architecture], Data]]


@dataclass
class Screening:
    """Tells a `Selection` after each epoch whether members without some columns are to go on.

    members: those that the selection is of; seed: of all that is drawn. found: the members without
    some columns, where these are better.
    """

    columns: Columns
    members: Members
    selection: Selection
    seed: int
    found: Trial | None = None

    def __post_init__(self) -> None:
        held_out = self.selection.held_out
        n = held_out.n
        places = np.random.default_rng(self.seed).permutation(n)
        self._blocks = np.array_split(places[: n // 2], BLOCKS)
        deciding = np.zeros(n, bool)
        deciding[places[: n // 2]] = True
        self._judged = []
        for places in held_out.places:
            self._judged.append(held_out.rows_at(places[~deciding[places]]))
        self._epochs = cycle_ends(self.selection.plan.epochs)[:2]
        self._scores: list[Array] = []  # of the members at these epochs

    @property
    def n_rows(self) -> int:
        """Of each member, that columns are exchanged between; 0 where there is no use in it."""
        held = min(map(len, self._judged))
        n_members, n_columns = len(self.members.parts), len(self.columns.places)
        if n_members < LEAST_MEMBERS or n_columns < 2 or held < 2 or self._epochs[0] < 1:
            return 0
        if not FEWEST_ROWS <= len(self.selection.held_out.data) <= MOST_ROWS:
            return 0
        in_training = self.selection.plan.n_steps * batch_size(len(self.members.parts[0].train))
        affordable = int(SHARE * PASSES * in_training / n_columns)
        return min(held, affordable) if affordable >= min(held, LEAST_ROWS) else 0

    def __call__(self, reports: Sequence[EpochReport]) -> bool:
        """Whether members without some columns take the place of those that report."""
        epoch = reports[0].epoch
        # a member that was lost is missing from the reports, and all are needed
        if epoch not in self._epochs or len(reports) < len(self.members.parts):
            return False
        thetas = [report.read_theta() for report in reports]
        self._scores.append(self._decide(self.selection, thetas))
        whole = self.selection.plan.epochs
        if len(self._scores) < len(self._epochs) or not self.selection.has_time_for(whole + epoch):
            return False
        idle, doubtful = self._judge(thetas)
        if doubtful and self._is_better_without(sorted(idle + doubtful), PROMISING_LATER):
            return True
        enough = len(idle) >= FEW * len(self.columns.places)
        return enough and self._is_better_without(idle, PROMISING)

    def _decide(self, selection: Selection, thetas: Sequence[Array]) -> Array:
        """The scores of the out-of-fold predictions for each block of the deciding rows."""
        held_out = selection.held_out
        y_hat, _ = held_out.predict(selection.bag.architectures, dict(enumerate(thetas)))
        return np.array(
            [held_out.score(y_hat[block], held_out.rows_at(block)) for block in self._blocks]
        )

    def _judge(self, thetas: Sequence[Array]) -> tuple[list[int], list[int]]:
        """The columns whose values can be exchanged between held-out rows at no cost; and, of those
        that are embedded, the ones that may cost more than they are worth: they make the score
        better by less than as many free parameters as they have vectors make it worse by chance."""
        held_out, rng = self.selection.held_out, np.random.default_rng(self.seed + 1)
        costs, scores = np.zeros((len(self.columns.places), len(thetas))), []
        for member, theta in enumerate(thetas):
            rows = rng.permutation(self._judged[member])[: self.n_rows]
            X = held_out.data.X[rows]
            scores.append(self._score(member, theta, X, rows))
            for column, places in enumerate(self.columns.places):
                exchanged = X.copy()
                exchanged[:, places] = X[rng.permutation(len(X))][:, places]
                score = self._score(member, theta, exchanged, rows)
                costs[column, member] = score - scores[-1]
        mean, error = costs.mean(axis=1), costs.std(axis=1, ddof=1) / np.sqrt(len(thetas))
        of_chance = np.array(self.columns.n_vectors) / len(self.members.parts[0].train)
        doubtful = (of_chance > 0) & (mean <= np.maximum(IDLE * error, of_chance * np.mean(scores)))
        idle = ~doubtful & (mean <= IDLE * error)
        return np.flatnonzero(idle).tolist(), np.flatnonzero(doubtful).tolist()

    def _score(self, member: int, theta: Array, X: Array, rows: Array) -> float:
        """Of what a member predicts from X for these rows."""
        held_out = self.selection.held_out
        y_hat = held_out.engine.forward(self.members.architectures[member], theta, X)
        return held_out.score(y_hat, rows)

    def _is_better_without(self, some: list[int], promising: float) -> bool:
        """Train members without some columns to the same epoch; keep them if they are better."""
        if not 0 < len(some) < len(self.columns.places):
            return False
        trial = Trial.start(self.members, self.selection, some, self.columns)
        given_up = False

        def watch(reports: Sequence[EpochReport]) -> bool:
            nonlocal given_up
            over = trial.selection(reports)
            self.selection.tell_more(reports)
            if reports[0].epoch == self._epochs[0]:
                now = self._decide(trial.selection, [report.read_theta() for report in reports])
                given_up = not now.mean() < promising * self._scores[0].mean()
            return over or given_up or reports[0].epoch == self._epochs[1]

        states = trial.train(watch)
        if any(state.history.stopped == "interrupted" for state in states):
            raise KeyboardInterrupt
        if given_up or any(s.nonfinite or s.epoch < self._epochs[1] for s in states):
            return False
        after = self._decide(trial.selection, [state.theta for state in states])
        if not is_positive(self._scores[1] - after, BETTER):
            return False
        if not trial.selection.bag.score < self.selection.bag.score:
            return False
        self.found = trial
        return True


@dataclass
class Trial:
    """Members without some columns, and where their training is."""

    members: Members
    selection: Selection
    states: list[TrainingState]

    @classmethod
    def start(
        cls, members: Members, selection: Selection, some: Sequence[int], columns: Columns
    ) -> Trial:
        """Of the same folds and seeds, judged in the same way."""
        architectures, data = columns.without(some)
        begun = Members.start(architectures, members.recipe, data, members.parts, members.seeds)
        bag = Bag(
            begun.architectures,
            engine=selection.bag.engine,
            n_trained=selection.bag.n_trained,
            left_out=tuple(some),
        )
        return cls(
            begun,
            Selection(
                bag,
                dataclasses.replace(selection.held_out, data=data),
                selection.plan,
                None,
                None if selection.pace is None else dataclasses.replace(selection.pace),
            ),
            [TrainingState() for _ in members.parts],
        )

    def train(self, watch: AllJobsCallback, time_limit: float | None = None) -> list[TrainingState]:
        """On from where it is."""
        return train(
            self.members.jobs(self.selection.plan, self.selection.pace),
            self.selection.held_out.data,
            engine=self.selection.held_out.engine,
            watch=watch,
            time_limit=time_limit,
            states=self.states,
        )

    def go_on(self, before: Selection, time_limit: float | None) -> list[TrainingState]:
        """To the end, in the place of those that were trained before, and in their time."""
        selection = self.selection
        selection.progress, selection.extra = before.progress, before.extra
        selection.budget, selection.every = before.budget, before.every
        for state in self.states:
            state.history.stopped = ""
        return self.train(selection, time_limit)


def is_positive(differences: Array, p: float) -> bool:
    """Whether the mean of these is so far above 0 as chance makes it with probability p only."""
    from scipy.stats import t

    n = len(differences)
    error = differences.std(ddof=1) / np.sqrt(n)
    return bool(differences.mean() > t.isf(p, n - 1) * error)
