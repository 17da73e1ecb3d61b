"""Linear members: networks without a hidden layer, whose best weights take milliseconds.

They are what remains if there is no time for more. A column of numbers enters as x between the
first bin edge and the last, widened by a bin on either side, and, where held-out rows are predicted
better with both, also as its clipped x̃. A flag enters as it is. A category with a learnt vector
adds a number to each output (for up to eight outputs), from what the other inputs leave; a text
adds nothing. :mod:`clearprop.tabular.bag.solving` finds the weights; the first fold chooses their
penalty.

The members of the folds judge. If the linear members are the bag, one more takes their place, which
learns from all rows in the time that is left (`LinearMembers.last`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.architecture import Architecture
from clearprop.embeddings import Embedding, Identity, Parallel, PiecewiseLinear
from clearprop.engines.protocol import Engine
from clearprop.jobs import Data
from clearprop.layers import Dense
from clearprop.monotone import Monotone
from clearprop.outputs import Output
from clearprop.tabular.bag.course import Kept
from clearprop.tabular.bag.folds import Fold, HeldOut, Score
from clearprop.tabular.bag.solving import (
    FeatureRows,
    LinearMap,
    LinearProblem,
    is_binary,
    mean_map,
)

MOST_ROWS = 50_000  # that a member of a fold learns from
MOST_OF_ALL = 200_000  # that the last member learns from
LEAST_OF_LAST = 0.05  # seconds of the last member
FIRST_ROWS = 2_000  # that choose λ and show how long more rows take
SHARE = 0.8  # of the seconds, that is planned for
SEARCH_SHARE = 0.4  # of the seconds, for the search for λ
SEARCH_SOLVES = 3.0  # so many times as long as with one λ


@dataclass(frozen=True)
class Features:
    """From the matrix that networks take to the features of linear members.

    inputs: the first layer of the networks, and its parts.
    clipped: whether x̃ is among the features.
    """

    inputs: Parallel
    numbers: PiecewiseLinear | None
    n_flags: int
    codes: Embedding | None
    clipped: bool = False

    @classmethod
    def of(cls, inputs: Parallel) -> Features:
        """For the networks with this first layer."""
        parts: dict[type, Any] = {type(layer): layer for layer in inputs.layers}
        flags = parts.get(Identity)
        n_flags = 0 if flags is None else flags.n_out
        return cls(inputs, parts.get(PiecewiseLinear), n_flags, parts.get(Embedding))

    def matrix(self, X: Array) -> Array:
        """A (n, p) float32 of rows X (n, D): x of numbers, their x̃ if they are clipped, flags."""
        n = self._n_numbers
        parts = [X[:, n : n + self.n_flags]]
        if self.numbers is not None and self.clipped:
            x = np.clip(X[:, :n], -1e15, 1e15)
            x /= np.sqrt(1 + np.square(x / np.float32(self.numbers.clip)))
            parts.insert(0, x)
        if self.numbers is not None:
            parts.insert(0, np.clip(X[:, :n], *self._bounds))
        return np.concatenate(parts, axis=1, dtype=np.float32)

    @property
    def _n_numbers(self) -> int:
        return 0 if self.numbers is None else self.numbers.n_in

    @property
    def _bounds(self) -> tuple[Array, Array]:
        """Where the piecewise linear encoding ends on either side, for each column."""
        assert self.numbers is not None
        ends = [
            (2 * edges[0] - edges[1], 2 * edges[-1] - edges[-2]) for edges in self.numbers.edges
        ]
        low, high = np.array(ends, np.float32).T
        return low, high

    def code_columns(self, X: Array) -> list[Array]:
        """The codes of each column that has learnt vectors, int64 (n,)."""
        if self.codes is None:
            return []
        begin = self.n_flags + (0 if self.numbers is None else self.numbers.n_in)
        return list(X[:, begin : begin + self.codes.n_in].astype(np.int64).T)

    def solve_within(
        self,
        directions: Array,
        rows: FeatureRows,
        found: LinearMap,
        strength: float,
        deadline: float,
    ) -> LinearMap:
        """The weights without the features of constrained columns that may not be used.

        These are their x̃, and every x whose weight has the wrong sign, until none is left.
        directions (D,): as `Monotone` has them. found: the weights with all features.
        """
        n = self._n_numbers
        signs = directions[:n]
        rising = np.array([-1, 1]) if is_binary(rows.output, rows.t.shape[1]) else 1

        def wrong() -> Array:
            return np.flatnonzero((found.W[:n] * rising * signs[:, None] < 0).any(axis=1))

        off, A = np.flatnonzero(signs) + n if self.clipped else wrong(), rows.A.copy()
        while len(off):
            A[:, off] = 0
            rows = replace(rows, A=A)
            found = LinearProblem.of(rows.output, rows, deadline).solve(strength)
            off = wrong()
        return found

    def theta(self, architecture: Architecture, found: LinearMap) -> Array:
        """θ of a network without a hidden layer that computes the same, float32."""
        theta = np.zeros(architecture.n_parameters, np.float32)
        first, scale, last = architecture.unpack(theta)
        scale["s"][:] = 1
        W, begin = np.zeros((architecture.n_outputs, architecture.dense[0].n_in)), 0
        b, n = found.b.copy(), 0
        for i, layer in enumerate(self.inputs.layers):
            width = layer.n_out or 0
            part = W[:, begin : begin + width]
            if isinstance(layer, PiecewiseLinear):
                n = layer.n_in
                V, starts = first[f"{i}.V"], layer.starts
                for column, edges in enumerate(layer.edges):
                    V[starts[column] : starts[column + 1], 0] = np.diff(edges)
                    b += edges[0] * found.W[column]
                if self.clipped:
                    part[:, :: 1 + layer.n_units] = found.W[n : 2 * n].T
                part[:, 1 :: 1 + layer.n_units] = found.W[:n].T
            elif isinstance(layer, Identity):
                part[:] = found.W[len(found.W) - self.n_flags :].T
            elif isinstance(layer, Embedding) and found.tables:  # texts are left out
                E = first[f"{i}.E"]
                E[:, : len(b)] = np.concatenate(found.tables)
                for column in range(layer.n_in):
                    part[:, column * layer.n_units :][:, : len(b)] = np.eye(len(b))
            begin += width
        last["W"][:] = W / architecture.dense[0].gain
        last["b"][:] = b
        return theta

    def rows(self, data: Data, rows: Array, output: Output) -> FeatureRows:
        """These rows of the data, to learn from or to judge."""
        X, t = data.X[rows], data.t[rows].astype(np.float64)
        w = np.ones(len(rows)) if data.sample_weight is None else data.sample_weight[rows]
        w = w.astype(np.float64)
        total = w.sum()
        w = w / total if total > 0 else np.full(len(rows), 1 / max(1, len(rows)))
        return FeatureRows(self.matrix(X), self.code_columns(X), t, w, output)


@dataclass(frozen=True)
class AllRows:
    """All rows of a table, of which a fit may have only a sample.

    n: how many. read: makes the data of rows (numbers, in order). seconds: of reading a row.
    """

    n: int
    read: Callable[[Array], Data]
    seconds: float = 0.0

    @classmethod
    def of(cls, data: Data) -> AllRows:
        """The rows of the data, where these are all."""
        return cls(len(data), lambda rows: data if len(rows) == len(data) else data.rows(rows))


@dataclass(frozen=True)
class LinearFit:
    """What linear members have learnt.

    thetas: θ for each fold. maps: the weights that are in them.
    features, strength: of λ, the best for held-out rows. complete: whether there was time to try
    all that might have been better. samples: the rows that have chosen them.
    n_rows: that a member has learnt from. row_seconds: of learning, per row.
    """

    thetas: list[Array]
    maps: list[LinearMap]
    features: Features
    strength: float
    complete: bool
    samples: list[Array]
    n_rows: int
    row_seconds: float


@dataclass(frozen=True)
class LinearMembers:
    """The linear members of the first folds, and how they are judged: less is better.

    y_hat (n, K): their mean predictions for the rows of `held_out`.
    """

    architecture: Architecture
    parts: list[Fold]
    held_out: HeldOut
    fit: LinearFit
    score: float
    y_hat: Array

    @property
    def kept(self) -> Kept:
        """All of them."""
        return Kept(tuple(range(len(self.fit.thetas))), tuple(self.fit.thetas), self.y_hat)

    @classmethod
    def train(
        cls,
        architecture: Architecture,
        data: Data,
        parts: Sequence[Fold],
        score: Score,
        engine: Engine,
        seed: int,
        seconds: float,
    ) -> LinearMembers:
        """With the inputs and outputs of this architecture, in about so many seconds."""
        linear = linear_architecture(architecture)
        deadline = time.monotonic() + 2 * seconds
        fit = fit_linear(linear, data, parts, seconds, seed)
        held_out = HeldOut.sample(data, parts, score, engine, seed)
        found = held_out.judge([linear] * len(parts), dict(enumerate(fit.thetas)), deadline)
        return cls(linear, list(parts), held_out, fit, found.score, found.y_hat)

    def seconds(self, rows: AllRows) -> float:
        """About how long `last` takes with all rows."""
        return rows.n * (self.fit.row_seconds + rows.seconds)

    def last(self, data: Data, rows: AllRows, deadline: float, seed: int) -> tuple[Array, int]:
        """θ of one more member, and how many rows it has learnt from: all, or as many as there is
        time for until the deadline, by time.monotonic().

        It begins with the mean of the members' weights. If there was no time for some λ or for more
        than a few steps, λ is chosen again first. It has 0.05 seconds even after the deadline.
        data: that the members have learnt from. Raises TimeoutError if there is no time for more
        rows than these had.
        """
        fit, output = self.fit, self.architecture.output
        features, strength, start = fit.features, fit.strength, mean_map(fit.maps)
        deadline = max(deadline, time.monotonic() + LEAST_OF_LAST)
        if not fit.complete:
            now = time.monotonic()
            found = _search(features, data, fit.samples, output, now + (deadline - now) / 2)
            features, strength, start = found.features, found.strength, found.map
        left = max(deadline - time.monotonic(), LEAST_OF_LAST / 4)
        n = int(SHARE * left / (fit.row_seconds + rows.seconds))
        n = min(n, rows.n, MOST_OF_ALL)
        if n < min(fit.n_rows, rows.n):
            raise TimeoutError
        rng, numbers = np.random.default_rng(seed), np.arange(rows.n)
        some = rows.read(numbers if n == rows.n else np.sort(rng.choice(rows.n, n, replace=False)))
        train = features.rows(some, np.arange(n), output)
        solution = LinearProblem.of(output, train, deadline).solve(strength, start)
        return _theta(features, self.architecture, train, solution, strength, deadline), n


def linear_architecture(architecture: Architecture) -> Architecture:
    """The network with the same inputs and outputs, and no hidden layer."""
    inputs, scale = architecture.layers[:2]
    width = inputs.n_out
    assert width is not None
    last = Dense(width, architecture.n_outputs, None, gain=width**-0.5)
    monotone = architecture.monotone
    if monotone is not None:
        monotone = Monotone(monotone.directions, ())
    return Architecture((inputs, scale, last), architecture.output, monotone)


def fit_linear(
    architecture: Architecture, data: Data, parts: Sequence[Fold], seconds: float, seed: int
) -> LinearFit:
    """A linear member for each fold, from as many rows as there is time for.

    architecture: without a hidden layer.
    The first fold chooses λ, with at most 2,000 rows; this also shows how long a row takes.
    """
    begun = time.monotonic()
    rng, output = np.random.default_rng(seed), architecture.output
    inputs = architecture.layers[0]
    assert isinstance(inputs, Parallel)
    features, n = Features.of(inputs), len(parts[0].train)
    samples = [_sample(rows, FIRST_ROWS, rng) for rows in (parts[0].train, parts[0].held)]
    chosen = _search(features, data, samples, output, begun + SEARCH_SHARE * seconds)
    features, strength = chosen.features, chosen.strength
    affordable = SEARCH_SOLVES / len(parts) * (SHARE * seconds / chosen.seconds - 1) * FIRST_ROWS
    n = min(n, max(FIRST_ROWS, min(int(affordable), MOST_ROWS)))
    row_seconds = chosen.seconds / SEARCH_SOLVES / len(samples[0])
    found: dict[int, tuple[Array, LinearMap]] = {}
    for i, fold in enumerate(parts):
        key = id(fold.train)  # the same rows in another fold give the same member
        if key not in found:
            solution, train = chosen.map, features.rows(data, samples[0], output)
            if i > 0 or n > FIRST_ROWS:
                now = time.monotonic()
                deadline = now + max(begun + seconds - now, 0) / (len(parts) - i)
                train = features.rows(data, _sample(fold.train, n, rng), output)
                solution = LinearProblem.of(output, train, deadline).solve(strength)
                row_seconds = (time.monotonic() - now) / len(train.A)
            end = time.monotonic() + max(begun + seconds - time.monotonic(), 0)
            found[key] = _theta(features, architecture, train, solution, strength, end), solution
    return LinearFit(
        [found[id(fold.train)][0] for fold in parts],
        [solution for _, solution in found.values()],
        features,
        strength,
        chosen.complete,
        samples,
        min(n, len(parts[0].train)),
        row_seconds,
    )


def _theta(
    features: Features,
    architecture: Architecture,
    train: FeatureRows,
    solution: LinearMap,
    strength: float,
    deadline: float,
) -> Array:
    """θ of the member with these weights, found from these rows: within the constraints, and with
    the learnt vectors of categories.
    """
    if architecture.monotone is not None:
        directions = np.array(architecture.monotone.directions)
        solution = features.solve_within(directions, train, solution, strength, deadline)
    if features.codes is not None and architecture.n_outputs <= features.codes.n_units:
        solution = replace(solution, tables=train.tables(solution, features.codes.sizes))
    return np.asarray(architecture.project(features.theta(architecture, solution)))


@dataclass(frozen=True)
class _Chosen:
    """The features and the strength of λ that are best for held-out rows, and the weights.

    seconds: of a search with these features. complete: whether it came to its end.
    """

    features: Features
    map: LinearMap
    strength: float
    seconds: float
    complete: bool


def _search(
    features: Features, data: Data, samples: list[Array], output: Output, deadline: float
) -> _Chosen:
    """Choose with these rows, training rows and held-out rows, until the deadline."""
    best: tuple[float, _Chosen] | None = None
    for clipped in (False, True):
        begun = time.monotonic()
        if best is not None and (features.numbers is None or begun > deadline):
            break
        some = replace(features, clipped=clipped)
        train, held = (some.rows(data, rows, output) for rows in samples)
        found, strength = LinearProblem.of(output, train, deadline).best(held)
        now, loss = time.monotonic(), held.loss(found)
        if best is None or loss < best[0]:
            best = loss, _Chosen(some, found, strength, now - begun, now < deadline)
    assert best is not None
    return best[1]


def _sample(rows: Array, n: int, rng: np.random.Generator) -> Array:
    return rows if len(rows) <= n else np.sort(rng.choice(rows, n, replace=False))
