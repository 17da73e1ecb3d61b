"""All that can happen at one gate: its minterms, in few cases, and its worst error in each.

Minterms with the same sums w·x in every neuron of the gate (and the same wanted output) are one
case; an AND of k inputs has k + 1 of them. For each case the largest error that the inputs' errors
make in a sum is found by dynamic programming over the inputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from operator import add

import numpy as np
from scipy.special import expit

from clearprop._typing import Array
from clearprop.circuits.folding import CONSTANT
from clearprop.circuits.gates import MARGIN, find_kind

MOST_CASES = 2**14


@dataclass(frozen=True)
class Pattern:
    """A gate and its units without names: gates of one pattern are computed together.

    literals: for each input of the gate its source, counted from 0, or CONSTANT, and whether it is
    negated. n_sources: how many there are. units: for each its weights from the sources, then from
    the units before it, and its threshold. output: a literal, where units follow the sources.
    """

    kind: str
    literals: tuple[tuple[int, bool], ...]
    n_sources: int
    units: tuple[tuple[tuple[int, ...], int], ...]
    output: tuple[int, bool]


@dataclass(frozen=True, eq=False)
class Cases:
    """The cases of a pattern, S of them, with u units and k sources.

    moves: for each source, to which case each case so far goes with the source at 0, and at 1, and
    how many there are then.
    w: (u, k + u). z: w·x + b (u, S), never 0. bits: z > 0. wrong: of each case, whether the output
    is not what the gate's logic says. example: of each case one minterm, source i at digit 2^i.
    """

    moves: tuple[tuple[Array, Array, int], ...]
    w: Array
    z: Array
    bits: Array
    wrong: Array
    example: tuple[int, ...]

    def errors(self, e: Array, gain: float, rounding: Array, slack: float) -> Array:
        """For G gates (2, u, G): the largest error of each unit where it should be 0, and 1.

        e: (2, k, G), those of the sources. rounding: (u, G), the error of z. slack: of σ, relative
        for what should be 0, absolute for what should be 1.
        """
        n_units, n_gates = len(self.w), e.shape[2]
        up, down = np.maximum(self.w, 0), np.maximum(-self.w, 0)
        toward = np.stack([down, up])[..., None, None]  # what lowers z, and what raises it, at 0
        off = np.zeros((2, n_units, 1, n_gates))
        for i, (to_0, to_1, n) in enumerate(self.moves):
            before = off
            off = np.zeros((2, n_units, n, n_gates))
            off[:, :, to_0] = before + toward[:, :, i] * e[0, i]
            off[:, :, to_1] = np.maximum(off[:, :, to_1], before + toward[::-1, :, i] * e[1, i])
        result = np.zeros((2, n_units, n_gates))
        inner: list[Array] = []
        for j, bit in enumerate(self.bits):
            loss = np.where(bit[:, None], off[0, j], off[1, j])
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
                of_value = error[bit == value]
                if len(of_value):
                    result[value, j] = of_value.max(axis=0)
        return result


TINY = float(np.finfo(np.float32).tiny)  # below it h may be a subnormal number, or 0


@lru_cache(maxsize=4096)
def cases_of(pattern: Pattern) -> Cases | None:
    """The cases of a pattern; None where there would be more than MOST_CASES of them."""
    k, u = pattern.n_sources, len(pattern.units)
    w = np.zeros((u, k + u), dtype=np.int64)
    for j, (weights, _) in enumerate(pattern.units):
        w[j, : len(weights)] = weights
    cases: dict[tuple[int, ...], int] = {(0,) * (2 + u): 0}  # in the order of _counted
    moves = []
    for i in range(k):
        number: dict[tuple[int, ...], int] = {}
        after: list[int] = []
        to: tuple[list[int], list[int]] = ([], [])
        for x in (0, 1):
            step = _counted(pattern, w, i, x)
            for case, example in cases.items():
                now = tuple(map(add, case, step))
                if now not in number:
                    number[now] = len(number)
                    after.append(example | x << i)
                to[x].append(number[now])
        if len(number) > MOST_CASES:
            return None
        cases = dict(zip(number, after, strict=True))
        moves.append((np.array(to[0]), np.array(to[1]), len(number)))
    table = np.array(list(cases), dtype=np.int64).T
    z = table[2:].astype(np.float64)
    bits = np.zeros((u, len(cases)), dtype=bool)
    for j, (_, threshold) in enumerate(pattern.units):
        z[j] += w[j, k:] @ bits + MARGIN - threshold
        bits[j] = z[j] > 0
    source, negated = pattern.output
    got = np.zeros(len(cases), bool)
    if source != CONSTANT:
        got = table[1] == 1 if source < k else bits[source - k]
    wrong = (got != negated) != _logic(pattern, table[0])
    return Cases(tuple(moves), w, z, bits, wrong, tuple(cases.values()))


def _symmetric(pattern: Pattern) -> bool:
    """Whether only the number of inputs at 1 counts: they have no roles, hence no names."""
    return not find_kind(pattern.kind).inputs


def _counted(pattern: Pattern, w: Array, i: int, x: int) -> tuple[int, ...]:
    """What the value x of source i adds to: what the gate's logic sees (the number of its inputs at
    1, or a digit for each source), the output if it is a source, and w·x of each unit."""
    if _symmetric(pattern):
        seen = sum(negated != bool(x) for source, negated in pattern.literals if source == i)
    else:
        seen = x << i
    return (seen, x * (i == pattern.output[0]), *(x * w[:, i]).tolist())


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
