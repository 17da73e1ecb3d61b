"""Everything that can happen at one gate: its minterms, grouped into cases, and their worst errors.

Minterms with the same sums w·x in every neuron of the gate, and the same wanted output, are one
case; an AND of k inputs has k + 1 cases. For each case, dynamic programming over the inputs finds
the largest error that the inputs' errors can cause in a sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from operator import add

import numpy as np
from scipy.special import expit

from clearprop._typing import Array
from clearprop.circuits.gates import MARGIN, find_kind
from clearprop.circuits.soft.folding import CONSTANT

MOST_CASES = 2**14

Places = Array | slice


@dataclass(frozen=True)
class Pattern:
    """A gate and its units without names; gates of the same pattern are computed together.

    literals: for each input of the gate, its source (counted from 0, or CONSTANT) and whether it is
    negated. n_sources: the number of sources. units: for each unit, its weights from the sources
    and then from the units before it, and its threshold. output: a literal, in which the units are
    counted on after the sources.
    """

    kind: str
    literals: tuple[tuple[int, bool], ...]
    n_sources: int
    units: tuple[tuple[tuple[int, ...], int], ...]
    output: tuple[int, bool]


@dataclass(frozen=True, eq=False)
class Cases:
    """The S cases of a pattern with u units and k sources.

    moves: for each source, the case that each case so far leads to if the source is 0, and if it
    is 1, and the number of cases after that.
    w: (u, k + u). rows: (r, k), the different rows of weights from the sources. row_of: the row of
    each unit. z: w·x + b (u, S), never 0. bits: z > 0. wrong: (S,), whether the output differs
    from the gate's logic. example: one minterm for each case, with source i at digit 2^i.
    """

    moves: tuple[tuple[Places, Places, int], ...]
    w: Array
    rows: Array
    row_of: Array
    z: Array
    bits: Array
    wrong: Array
    example: tuple[int, ...]

    def errors(self, e: Array, gain: float, rounding: Array, slack: float) -> Array:
        """(2, u, G) for G gates: the largest error of each unit where it should be 0, and where it
        should be 1.

        e: (2, k, G), the errors of the sources. rounding: (u, G), the rounding error of z. slack:
        the error of σ, relative where it should be 0 and absolute where it should be 1.
        """
        n_units, n_gates = len(self.w), e.shape[2]
        up, down = np.maximum(self.rows, 0), np.maximum(-self.rows, 0)
        toward = np.stack([down, up])[..., None, None]  # what lowers z, and what raises z, at a 0
        off = np.zeros((2, len(self.rows), 1, n_gates))
        for i, (to_0, to_1, n) in enumerate(self.moves):
            before = off
            off = np.zeros((2, len(self.rows), n, n_gates))
            off[:, :, to_0] = before + toward[:, :, i] * e[0, i]
            off[:, :, to_1] = np.maximum(off[:, :, to_1], before + toward[::-1, :, i] * e[1, i])
        result = np.zeros((2, n_units, n_gates))
        inner: list[Array] = []
        for j, bit in enumerate(self.bits):
            row = self.row_of[j]
            loss = np.where(bit[:, None], off[0, row], off[1, row])
            for m, error in enumerate(inner):
                weight = self.w[j, len(self.moves) + m]
                if weight:
                    lowers = (self.bits[m] == (weight > 0)) == bit  # lowers the margin
                    loss = loss + abs(weight) * lowers[:, None] * error
            margin = np.abs(self.z[j])[:, None] - loss - rounding[j]
            error = np.minimum(expit(-gain * margin) * (1 + slack), 1)
            error = np.minimum(error + np.where(bit, slack, TINY)[:, None], 1)
            inner.append(error)
            for value in (0, 1):
                errors = error[bit == value]
                if len(errors):
                    result[value, j] = errors.max(axis=0)
        return result


TINY = float(np.finfo(np.float32).tiny)  # below it h may be a subnormal number, or 0


@lru_cache(maxsize=4096)
def cases_of(pattern: Pattern) -> Cases | None:
    """The cases of a pattern; None if there are more than MOST_CASES."""
    k, u = pattern.n_sources, len(pattern.units)
    w = np.zeros((u, k + u), dtype=np.int64)
    for j, (weights, _) in enumerate(pattern.units):
        w[j, : len(weights)] = weights
    steps = _steps(pattern, w)
    alike = len(set(steps)) == 1 and steps[0][0] != steps[0][1]
    if alike and k >= MOST_CASES:
        return None
    sums = _count(steps) if alike else _sums(steps, 2 + u)
    if sums is None:
        return None
    moves, table, example = sums
    z = table[2:].astype(np.float64)
    bits = np.zeros((u, len(example)), dtype=bool)
    for j, (_, threshold) in enumerate(pattern.units):
        z[j] += w[j, k:] @ bits + MARGIN - threshold
        bits[j] = z[j] > 0
    source, negated = pattern.output
    got = np.zeros(len(example), bool)
    if source != CONSTANT:
        got = table[1] == 1 if source < k else bits[source - k]
    wrong = (got != negated) != _logic(pattern, table[0])
    rows, row_of = np.unique(w[:, :k], axis=0, return_inverse=True)
    return Cases(moves, w, rows, row_of.reshape(-1), z, bits, wrong, example)


_Step = tuple[tuple[int, ...], tuple[int, ...]]  # what a source adds at 0, and at 1
# the moves; for each case the sum of its steps, (2 + u, S); an example of each case
_Sums = tuple[tuple[tuple[Places, Places, int], ...], Array, tuple[int, ...]]


def _count(steps: list[_Step]) -> _Sums:
    """The cases if all sources have the same step: only the number of sources at 1 matters."""
    k = len(steps)
    ones = np.arange(k + 1)
    table = np.outer(steps[0][0], k - ones) + np.outer(steps[0][1], ones)
    moves = tuple((slice(0, i + 1), slice(1, i + 2), i + 2) for i in range(k))
    return moves, table, tuple((1 << c) - 1 for c in range(k + 1))


def _sums(steps: list[_Step], n: int) -> _Sums | None:
    """The cases in general, by their sums of n numbers; None if there are too many."""
    cases: dict[tuple[int, ...], int] = {(0,) * n: 0}
    moves: list[tuple[Places, Places, int]] = []
    for i, step in enumerate(steps):
        number: dict[tuple[int, ...], int] = {}
        after: list[int] = []
        to: tuple[list[int], list[int]] = ([], [])
        for x in (0, 1):
            for case, example in cases.items():
                now = tuple(map(add, case, step[x]))
                if now not in number:
                    number[now] = len(number)
                    after.append(example | x << i)
                to[x].append(number[now])
        if len(number) > MOST_CASES:
            return None
        cases = dict(zip(number, after, strict=True))
        moves.append((np.array(to[0]), np.array(to[1]), len(number)))
    table = np.array(list(cases), dtype=np.int64).T
    return tuple(moves), table, tuple(cases.values())


def _symmetric(pattern: Pattern) -> bool:
    """Whether only the number of inputs at 1 counts: such inputs have no names."""
    return not find_kind(pattern.kind).inputs


def _steps(pattern: Pattern, w: Array) -> list[_Step]:
    """What each source adds at 0 and at 1 to three sums: what the gate's logic sees (the number of
    its inputs at 1, or one digit for each source), the output if it is a source, and w·x of each
    unit."""
    k = pattern.n_sources
    seen = [[0, 0] for _ in range(k)]
    if _symmetric(pattern):
        for source, negated in pattern.literals:
            if source != CONSTANT and source < k:
                seen[source][not negated] += 1
    else:
        seen = [[0, 1 << i] for i in range(k)]
    none = (0,) * len(w)
    return [
        ((at_0, 0, *none), (at_1, int(i == pattern.output[0]), *weights))
        for i, ((at_0, at_1), weights) in enumerate(zip(seen, w[:, :k].T.tolist(), strict=True))
    ]


def _logic(pattern: Pattern, seen: Array) -> Array:
    """The wanted output in each case, from what the gate's logic sees there."""
    n = len(pattern.literals)
    if _symmetric(pattern):
        ones = seen + sum(negated for source, negated in pattern.literals if source == CONSTANT)
        x = [i < ones for i in range(n)]
    else:
        x = [
            np.full(len(seen), negated) if source == CONSTANT else (seen >> source & 1) != negated
            for source, negated in pattern.literals
        ]
    (wanted,) = find_kind(pattern.kind).logic(x or [np.zeros(len(seen), bool)])
    return np.asarray(wanted)
