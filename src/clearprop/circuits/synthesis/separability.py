"""Whether one neuron can compute a truth table: integer weights, or a proof that there are none.

A neuron separates the true rows x from the false rows x′: w·x ≥ T > w·x′. By Farkas's lemma it
exists unless some true rows and equally many false rows, counted with multiplicity, have the same
sum: w·x would then add up to the same number over both. Linear programs find one or the other in
floating point, and every result is verified in integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import gcd, lcm

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from clearprop._typing import Array
from clearprop.circuits.gates import MARGIN, Neuron, all_bits
from clearprop.circuits.synthesis.verdict_text import (
    Rows,
    contradiction_text,
    default_names,
    neuron_text,
)
from clearprop.circuits.truth import Table, as_table

AT_ONCE = 64  # rows; with more, a linear program starts with a few rows and adds others
INTEGER_INPUTS = 10  # the most for which branch and bound looks for the smallest integers
NODES = 1000  # of the branch and bound
PAIRS = 1_000_000  # of rows, the most in which to look for two true and two false rows of equal sum
TOLERANCE = 1e-7  # of the linear programs


@dataclass(frozen=True)
class Contradiction:
    """Equally many true rows and false rows with the same sum, so that no neuron exists.

    true_rows, false_rows: (number of the row, multiplicity). The binary digits of a row's number
    are the inputs, the first input being the highest digit.
    """

    n_inputs: int
    true_rows: Rows
    false_rows: Rows

    @property
    def count(self) -> int:
        """The number of rows on each side, counted with multiplicity."""
        return sum(times for _, times in self.true_rows)

    @property
    def total(self) -> tuple[int, ...]:
        """The sum of x over the rows of one side; it is the same for the other."""
        return _total(self.true_rows, self.n_inputs)

    def explain(self, inputs: Sequence[str] | None = None) -> str:
        """The proof in words; inputs: their names."""
        names = default_names(self.n_inputs, inputs)
        return contradiction_text(self.true_rows, self.false_rows, self.total, names)

    def __str__(self) -> str:
        return self.explain()


@dataclass(frozen=True)
class Verdict:
    """One neuron, or the reason why there is none; the other of the two is None.

    margin: the least |w·x + b| over the rows that matter, b = ½ − threshold; 0 without a neuron.
    minimal: whether no neuron with integer weights has a smaller Σ|w| (found by branch and bound).
    """

    n_inputs: int
    neuron: Neuron | None
    margin: float
    contradiction: Contradiction | None
    minimal: bool

    def __bool__(self) -> bool:
        return self.neuron is not None

    def explain(self, inputs: Sequence[str] | None = None) -> str:
        """The neuron, or the proof that there is none, in words; inputs: their names."""
        if self.neuron is None:
            assert self.contradiction is not None
            return f"No single neuron computes it.\n{self.contradiction.explain(inputs)}"
        names = default_names(self.n_inputs, inputs)
        return neuron_text(self.neuron, self.margin, self.minimal, names)

    def __str__(self) -> str:
        return self.explain()


def threshold(table: Table) -> Verdict:
    """The neuron with small integer weights that computes a truth table, or why there is none.

    table: 2^n entries 0, 1, or None (−1 in an array of integers) for rows that do not matter,
    counting up with the first input as the highest digit; n ≤ 16.

    >>> print(threshold([0, 1, 1, 1]))
    One neuron computes it: 1 where x1 + x2 ≥ 1, else 0.
    As h = σ(g (w·x + b)): w = (1, 1), b = -0.5, with margin 0.5; no smaller integers are possible.
    >>> bool(threshold([0, 1, 1, 0]))
    False

    Raises ValueError for a table of another form, and ArithmeticError if the linear programs are
    solved too inexactly for a proof.
    Source: Muroga, Threshold Logic and Its Applications (1971).
    """
    f = as_table(table)
    n = len(f).bit_length() - 1
    contradiction, inputs = _unateness(f, n)
    if contradiction is None:
        problem = _problem(f, inputs)
        w, rows, bound = _relaxed(problem)
        if w is not None:
            return _smallest(w, bound, problem)
        contradiction = _pairs(f, n) or _farkas(*rows)
    _verify(contradiction, f)
    return Verdict(n, None, 0.0, contradiction, False)


@lru_cache(maxsize=32)
def _low(n: int) -> tuple[tuple[int, int], ...]:
    """For each input: the distance between rows that differ in it, and the set of rows where it is
    0 (an integer with one bit for each row)."""
    out = []
    for i in range(n - 1, -1, -1):
        low, width = (1 << (1 << i)) - 1, 2 << i
        while width < 1 << n:
            low, width = low | low << width, 2 * width
        out.append((1 << i, low))
    return tuple(out)


@dataclass(frozen=True)
class _Input:
    """plus, minus: whether the weight of this input may be positive, and negative. witness: two
    rows that differ only in this input and force the sign."""

    plus: bool
    minus: bool
    witness: tuple[int, ...] = ()


def _unateness(f: Array, n: int) -> tuple[Contradiction | None, list[_Input]]:
    """What pairs of rows that differ in one input say about its weight; a contradiction if one pair
    forces it to be positive and another to be negative."""
    on, off = _as_integer(f == 1), _as_integer(f == 0)
    complete = on | off == (1 << len(f)) - 1
    inputs = []
    for step, low in _low(n):
        up, down = off & (on >> step) & low, on & (off >> step) & low
        a = ((up or down) & -(up or down)).bit_length() - 1
        if up and down:
            b = (down & -down).bit_length() - 1
            true, false = sorted([(a + step, 1), (b, 1)]), sorted([(a, 1), (b + step, 1)])
            return Contradiction(n, tuple(true), tuple(false)), []
        witness = (a, a + step) if up or down else ()
        free = not (up or down or complete)
        inputs.append(_Input(bool(up) or free, bool(down) or free, witness))
    return None, inputs


def _as_integer(rows: Array) -> int:
    return int.from_bytes(np.packbits(rows, bitorder="little").tobytes(), "little")


@dataclass(frozen=True)
class _Problem:
    """The true and the false rows x, the rows to begin with, and what is known about w.

    Only rows are kept where an input that changes nothing is 0; its weight is 0.
    """

    on: Array
    off: Array
    some_on: Array
    some_off: Array
    inputs: list[_Input]


def _problem(f: Array, inputs: list[_Input]) -> _Problem:
    n = len(inputs)
    x = all_bits(n).astype(np.int64)
    idle = [not (i.plus or i.minus) for i in inputs]
    kept = ~x[:, idle].any(axis=1)
    score = x @ np.array([int(i.plus) - int(i.minus) for i in inputs], np.int64)
    seen = np.zeros(len(f), bool)
    seen[[row for i in inputs for row in i.witness]] = True  # the known signs follow from these
    on, off = np.flatnonzero(kept & (f == 1)), np.flatnonzero(kept & (f == 0))
    if len(on) + len(off) <= AT_ONCE:
        seen[:] = True
    return _Problem(
        x[on],
        x[off],
        seen[on] | _worst(n + 1.0 - score[on], n),  # the true rows that are hardest to make 1
        seen[off] | _worst(n + 1.0 + score[off], n),
        inputs,
    )


def _relaxed(
    problem: _Problem, *, integer: bool = False
) -> tuple[Array | None, tuple[Array, Array], float]:
    """(w with the least Σ|w| such that w·x ≥ T on true rows and w·x ≤ T − 1 on false rows, or None
    if there is none; the rows that decided it; a lower bound of Σ|w|).

    integer: w and T must be integers; w is then also None if NODES do not suffice.
    """
    on, off, n = problem.on, problem.off, len(problem.inputs)
    some_on, some_off = problem.some_on.copy(), problem.some_off.copy()
    may = [*(i.plus for i in problem.inputs), *(i.minus for i in problem.inputs), True]
    bounds = Bounds(np.repeat([0, -np.inf], [2 * n, 1]), np.where(np.array(may, bool), np.inf, 0.0))
    while True:
        x, y = on[some_on], off[some_off]
        A = np.vstack(
            [
                np.column_stack([x, -x, -np.ones(len(x))]),
                np.column_stack([-y, y, np.ones(len(y))]),
            ]
        )
        lower = np.repeat([0.0, 1.0], [len(x), len(y)])
        solution = milp(
            np.repeat([1, 0], [2 * n, 1]),
            integrality=np.full(2 * n + 1, int(integer)),
            bounds=bounds,
            constraints=LinearConstraint(A, lb=lower),
            options={"node_limit": NODES, "mip_rel_gap": 0},
        )
        if solution.status != 0:
            if solution.status != 2 and not integer:
                raise ArithmeticError(f"the linear program was not solved: {solution.message}")
            return None, (x, y), np.inf
        w, T = solution.x[:n] - solution.x[n : 2 * n], solution.x[-1]
        short = np.where(some_on, -1.0, T - on @ w)
        over = np.where(some_off, -1.0, off @ w - (T - 1))
        if max(short.max(initial=-1), over.max(initial=-1)) <= TOLERANCE:
            return w, (x, y), float(solution.fun)
        some_on |= _worst(short, n)
        some_off |= _worst(over, n)


def _worst(violation: Array, n: int) -> Array:
    """The rows that violate their constraint most, at most 4n of them."""
    chosen = np.zeros(len(violation), bool)
    worst = np.argsort(-violation, kind="stable")[: 4 * n]
    chosen[worst] = violation[worst] > TOLERANCE
    return chosen


def _smallest(w: Array, bound: float, problem: _Problem) -> Verdict:
    """Integer weights from real weights whose gap between true and false rows is 1.

    k w rounded has a gap of at least k − n, so some k ≤ n + 1 is enough.
    """
    on, off, n = problem.on, problem.off, len(w)
    tried = (np.rint(k * w).astype(np.int64) for k in range(1, n + 3))
    best = next((weights for weights in tried if _gap(weights, on, off) > 0), None)
    if best is None:
        raise ArithmeticError("the linear program's weights could not be made integers")
    minimal = bool(np.abs(best).sum() < bound + 1 - 1e-6)
    if not minimal and n <= INTEGER_INPUTS:
        real, _, _ = _relaxed(problem, integer=True)
        whole = best if real is None else np.rint(real).astype(np.int64)
        if real is not None and _gap(whole, on, off) > 0:
            best, minimal = whole, True
    return _neuron(best, on, off, minimal)


def _gap(w: Array, on: Array, off: Array) -> int:
    """The least w·x of the true rows minus the greatest of the false rows; 1 if either is empty."""
    if not (len(on) and len(off)):
        return 1
    return int((on @ w).min() - (off @ w).max())


def _neuron(w: Array, on: Array, off: Array, minimal: bool) -> Verdict:
    """The verdict, with the threshold in the middle of the gap."""
    lowest = int((on @ w).min()) if len(on) else None
    highest = int((off @ w).max()) if len(off) else None
    if lowest is None:
        t = 1 if highest is None else highest + 1
    else:
        t = lowest if highest is None else (lowest + highest + 1) // 2
    neuron = Neuron(tuple(w.tolist()), t)
    distances = [*(on @ w - t), *(t - 1 - off @ w)]
    if min(distances, default=0) < 0:
        raise ArithmeticError("the neuron does not compute its table")
    return Verdict(len(w), neuron, float(min(distances, default=0)) + MARGIN, None, minimal)


def _pairs(f: Array, n: int) -> Contradiction | None:
    """Two true rows and two false rows with the same sum. Up to 8 inputs, such rows exist for every
    complete table that is not a threshold function."""
    bits = all_bits(n).astype(np.int64) @ 3 ** np.arange(n)  # sums of two have no carry
    sums, rows = [], []
    for value in (1, 0):
        some = np.flatnonzero(f == value)
        if len(some) ** 2 > 2 * PAIRS:
            return None
        pairs = np.triu_indices(len(some), 1)
        rows.append(np.column_stack([some[pairs[0]], some[pairs[1]]]))
        sums.append(bits[rows[-1]].sum(axis=1))
    _, a, b = np.intersect1d(sums[0], sums[1], return_indices=True)
    if not len(a):
        return None
    true, false = rows[0][a[0]].tolist(), rows[1][b[0]].tolist()
    return Contradiction(n, tuple((row, 1) for row in true), tuple((row, 1) for row in false))


def _farkas(on: Array, off: Array) -> Contradiction:
    """The contradiction among these rows, which no neuron separates.

    The multiplicities are a vertex of λ ≥ 0, Σ_on λ = 1, Σ_on λ (1, x) = Σ_off λ (1, x). The rows
    with λ > 0 determine the vertex, so it is computed again from them in fractions.
    """
    n = on.shape[1]
    M = np.vstack(
        [
            np.column_stack([np.ones_like(on[:, :1]), on]),
            -np.column_stack([np.ones_like(off[:, :1]), off]),
        ]
    ).T
    once = np.repeat([1, 0], [len(on), len(off)])
    solution = linprog(
        np.zeros(M.shape[1]), A_eq=np.vstack([once, M]), b_eq=np.eye(n + 2)[0], method="highs-ds"
    )
    if solution.x is None:
        raise ArithmeticError(f"the linear program was not solved: {solution.message}")
    support = np.flatnonzero(solution.x > TOLERANCE)
    times = _null_vector(M[:, support].tolist())
    numbers = np.vstack([on, off])[support] @ (1 << np.arange(n - 1, -1, -1))
    counted = list(zip(numbers.tolist(), times, support < len(on), strict=True))
    true, false = (
        tuple(sorted((row, k) for row, k, is_true in counted if is_true == side))
        for side in (True, False)
    )
    return Contradiction(n, true, false)


def _null_vector(M: list[list[int]]) -> list[int]:
    """The smallest positive integers v with M v = 0; the null space has one dimension."""
    rows = [[Fraction(v) for v in row] for row in M]
    n, pivots = len(rows[0]), 0
    for column in range(n - 1):
        pivot = next((i for i in range(pivots, len(rows)) if rows[i][column]), None)
        if pivot is None:
            raise ArithmeticError("the linear program's contradiction is not exact")
        rows[pivots], rows[pivot] = rows[pivot], rows[pivots]
        head = [v / rows[pivots][column] for v in rows[pivots]]
        rows[pivots] = head
        for i, row in enumerate(rows):
            if i != pivots and row[column]:
                rows[i] = [v - row[column] * u for v, u in zip(row, head, strict=True)]
        pivots += 1
    v = [*(-row[-1] for row in rows[:pivots]), Fraction(1)]
    scale = lcm(*(u.denominator for u in v))
    whole = [int(u * scale) for u in v]
    return [u // gcd(*whole) for u in whole]


def _verify(contradiction: Contradiction, f: Array) -> None:
    """Check in integers that the rows have the stated values and the two sums are equal."""
    n, sides = contradiction.n_inputs, (contradiction.true_rows, contradiction.false_rows)
    right = all(
        times > 0 and f[row] == value
        for side, value in zip(sides, (1, 0), strict=True)
        for row, times in side
    )
    counts = [sum(times for _, times in side) for side in sides]
    same = counts[0] == counts[1] > 0 and _total(sides[0], n) == _total(sides[1], n)
    if not (right and same):
        raise ArithmeticError("the linear program's contradiction is not exact")


def _total(rows: Rows, n: int) -> tuple[int, ...]:
    return tuple(sum(times * (row >> i & 1) for row, times in rows) for i in range(n - 1, -1, -1))
