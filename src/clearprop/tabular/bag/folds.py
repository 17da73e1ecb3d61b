"""Folds of the rows, and the predictions of networks for the rows that they have not seen."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from clearprop._typing import Array
from clearprop.architecture import Architecture
from clearprop.engines.protocol import Engine
from clearprop.jobs import Data

N_FOLDS = 4
CHUNK = 16_384  # rows predicted at a time
SCORED_ROWS = 100_000  # an epoch is judged by at most as many rows
ENTRIES = 4_000_000  # of the members' own predictions that are kept

Score = Callable[[Array, Array | slice], float]
"""(ŷ (n, K), rows (n,)) → the loss of the predictions for these rows."""


@dataclass(frozen=True)
class Fold:
    """The rows that a member trains on, and the rows that it does not see; both are read-only.

    partition: the number of the partition.
    kept: whether the member belongs to the bag; other members only judge.
    """

    train: Array
    held: Array
    partition: int = 0
    kept: bool = True


def folds(
    n: int, n_members: int, rng: np.random.Generator, strata: Array | None = None
) -> list[Fold]:
    """A fold for each member: independent partitions of n rows into four, member after member.

    strata (n,): classes whose shares each fold keeps, up to a row.
    The rows of a fold are in order. With n < 4 rows there are n folds; a single row is both trained
    on and held out.
    """
    k = min(N_FOLDS, n)
    dtype = np.int32 if n < 2**31 else np.int64
    result: list[Fold] = []
    while len(result) < n_members:
        order = rng.permutation(n).astype(dtype, copy=False)
        if strata is not None:
            order = order[np.argsort(strata[order], kind="stable")]
        number = np.empty(n, np.int8)
        for fold in range(k):
            number[order[fold::k]] = fold
        del order
        partition = len(result) // N_FOLDS
        result += [
            fold_of(number == fold, partition) for fold in range(min(k, n_members - len(result)))
        ]
    return result


def fold_of(is_held: Array, partition: int = 0) -> Fold:
    """The fold that holds out these rows; if these are all, they are trained on, too."""
    dtype = np.int32 if len(is_held) < 2**31 else np.int64
    held, train = (np.flatnonzero(m).astype(dtype, copy=False) for m in (is_held, ~is_held))
    held.flags.writeable = train.flags.writeable = False
    return Fold(train if len(train) else held, held, partition)


def held_rows(n: int, held: Sequence[Array]) -> Array:
    """Those of n rows that some member holds out, in order."""
    seen = np.zeros(n, bool)
    for rows in held:
        seen[rows] = True
    return np.flatnonzero(seen)


@dataclass(frozen=True)
class Apart:
    """Predictions of members for rows that they have not seen, not yet averaged.

    rows (S,): rows of the data; each occurs once per member that has predicted it.
    y_hat (S, K): the predictions.
    n_members: the size of the whole bag.
    """

    rows: Array
    y_hat: Array
    n_members: int

    def means(self, values: Array) -> tuple[Array, Array, Array]:
        """The rows (R,) that several members have predicted, how many did (R,), and means (R, Q).

        values (S, Q): belong to the predictions; their means over the members are returned.
        """
        order = np.argsort(self.rows, kind="stable")
        rows, starts, m = np.unique(self.rows[order], return_index=True, return_counts=True)
        total = np.add.reduceat(values[order], starts, axis=0, dtype=np.float64)
        several = m > 1
        m = m[several]
        return rows[several], m, total[several] / m[:, None]


@dataclass(frozen=True)
class Judgement:
    """The score of members (less is better), their mean ŷ (n, K), and the seconds this took."""

    score: float
    y_hat: Array
    seconds: float


@dataclass(frozen=True)
class HeldOut:
    """Judges networks by their mean predictions for the rows that they have not seen.

    places: for each member, the places of its held-out rows in `rows`.
    score: of predictions, less is better.
    rows: the rows of the data that are judged; None for all.
    """

    data: Data
    places: Sequence[Array]
    score: Score
    engine: Engine
    rows: Array | None = None

    @classmethod
    def sample(
        cls, data: Data, parts: Sequence[Fold], score: Score, engine: Engine, seed: int
    ) -> HeldOut:
        """All rows are judged, or 100,000 drawn with the seed if there are more."""
        n = len(data)
        if n <= SCORED_ROWS:
            return cls.whole(data, parts, score, engine)
        held = held_rows(n, [fold.held for fold in parts])
        if len(held) <= SCORED_ROWS:
            return cls.whole(data, parts, score, engine)
        drawn = np.random.default_rng(seed).choice(len(held), SCORED_ROWS, replace=False)
        rows = held[np.sort(drawn)]
        place = np.full(n, -1, np.int32)
        place[rows] = np.arange(SCORED_ROWS)
        places = [place[fold.held] for fold in parts]
        return cls(data, [p[p >= 0] for p in places], score, engine, rows)

    @classmethod
    def whole(cls, data: Data, parts: Sequence[Fold], score: Score, engine: Engine) -> HeldOut:
        """All rows are judged."""
        return cls(data, [fold.held for fold in parts], score, engine)

    def first_members(self, n: int) -> HeldOut:
        """The same for the first n members."""
        return replace(self, places=self.places[:n])

    @property
    def n(self) -> int:
        """How many rows are judged."""
        return len(self.data) if self.rows is None else len(self.rows)

    def rows_at(self, places: Array) -> Array:
        """The rows of the data at these places among the judged rows."""
        return places if self.rows is None else self.rows[places]

    def predict(
        self,
        architectures: Sequence[Architecture],
        thetas: Mapping[int, Array],
        deadline: float | None = None,
    ) -> tuple[Array, Array]:
        """Mean ŷ (n, K) float32 of these members, and the rows that have one (n,).

        architectures: of all members, even of those without a θ.
        thetas: θ by the number of the member.
        deadline: by time.monotonic. Members predict chunk by chunk; once it has passed and each has
        predicted one chunk, the remaining rows stay NaN.
        """
        total = np.zeros((self.n, architectures[0].n_outputs), np.float32)
        count = np.zeros(self.n, np.uint16)
        longest = max(len(self.places[member]) for member in thetas)
        for begin in range(0, longest, CHUNK):
            for member, theta in thetas.items():
                if begin and deadline is not None and time.monotonic() > deadline:
                    break
                places = self.places[member][begin : begin + CHUNK]
                if len(places):
                    total[places] += self._forward(architectures[member], theta, places)
                    count[places] += 1
        seen = count > 0
        np.maximum(count, 1, out=count)
        total /= count[:, None]
        total[~seen] = np.nan
        return total, seen

    def judge(
        self,
        architectures: Sequence[Architecture],
        thetas: Mapping[int, Array],
        deadline: float | None = None,
    ) -> Judgement:
        """Score the predictions for the rows that there was time for."""
        begun = time.monotonic()
        y_hat, seen = self.predict(architectures, thetas, deadline)
        if seen.all():
            value = self.score(y_hat, slice(None) if self.rows is None else self.rows)
        elif not seen.any():  # all members that hold out rows were lost
            value = float("inf")
        else:
            rows = np.flatnonzero(seen) if self.rows is None else self.rows[seen]
            value = self.score(y_hat[seen], rows)
        return Judgement(value, y_hat, time.monotonic() - begun)

    def apart(
        self, architectures: Sequence[Architecture], thetas: Mapping[int, Array], n_members: int
    ) -> Apart:
        """What each member predicts for the rows, or the first rows, that it has not seen.

        n_members: the size of the whole bag.
        """
        most = max(1, ENTRIES // (architectures[0].n_outputs * len(thetas)))
        rows, values = [], []
        for member, theta in thetas.items():
            places = self.places[member][:CHUNK]
            if len(places):
                rows.append(self.rows_at(places[:most]))
                values.append(self._forward(architectures[member], theta, places)[:most])
        return Apart(np.concatenate(rows), np.concatenate(values), n_members)

    def estimate_seconds(self, architecture: Architecture, theta: Array) -> float:
        """About how long it takes to judge all members, measured with one on the first rows."""
        rows = np.arange(min(CHUNK, len(self.data)))
        self.engine.forward(architecture, theta, self.data.X[rows[:100]])  # its first call is slow
        begun = time.monotonic()
        self.engine.forward(architecture, theta, self.data.X[rows])
        row_seconds = (time.monotonic() - begun) / len(rows)
        return row_seconds * sum(map(len, self.places))

    def _forward(self, architecture: Architecture, theta: Array, places: Array) -> Array:
        return self.engine.forward(architecture, theta, self.data.X[self.rows_at(places)])
