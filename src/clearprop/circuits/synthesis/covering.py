"""The covering problem: the cheapest sets that together contain all elements."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csc_array, csr_array
from scipy.sparse.csgraph import connected_components

from clearprop._typing import Array

FEW = 16  # sets; of so few, the first of the cheapest covers is found without a solver
NODES = 100  # of the branch and bound, for each connected part
PART = 1000  # entries; a larger part is solved greedily
PAIRS = 20_000_000  # the most pairs of sets sharing an element that are compared


def cheapest_cover(sets: Sequence[Array], needed: Array, cost: Array) -> tuple[Array, bool]:
    """(numbers of sets that contain all needed elements, whether their cost is proved least); no
    sets if there are too many to compare.

    needed: bool, one for each element. cost: positive integers, one for each set. Essential sets
    are taken and dominated sets removed first. The rest falls into unconnected parts; each is
    solved by branch and bound (HiGHS) with a fixed number of nodes, or greedily. Up to FEW sets,
    the answer is the first of the cheapest covers, on every machine.
    """
    if len(sets) <= FEW:
        return _first_cheapest(sets, needed, cost), True
    column = np.repeat(np.arange(len(sets)), [len(s) for s in sets])
    row = np.concatenate(sets) if len(sets) else np.zeros(0, np.int64)
    keep = needed[row]
    place = np.cumsum(needed) - 1
    entries = np.ones(int(keep.sum()), np.int32)
    A = csc_array((entries, (place[row[keep]], column[keep])), (int(needed.sum()), len(sets)))
    if (np.asarray(A.sum(axis=1), np.int64) ** 2).sum() > PAIRS:
        return np.zeros(0, np.int64), False
    alive, columns = np.arange(A.shape[0]), np.arange(A.shape[1])
    chosen: list[int] = []
    while len(alive):
        size = alive.size, columns.size
        essential = np.unique(A[np.flatnonzero(A.sum(axis=1) == 1)].nonzero()[1])
        chosen += columns[essential].tolist()
        rows = np.flatnonzero(A[:, essential].sum(axis=1) == 0)
        others = np.flatnonzero(~np.isin(np.arange(len(columns)), essential))
        A, alive, columns = A[rows][:, others], alive[rows], columns[others]
        others = np.flatnonzero(~_dominated(A, cost[columns]))
        A, columns = A[:, others], columns[others]
        rows = np.flatnonzero(~_implied(A))
        A, alive = A[rows], alive[rows]
        if (alive.size, columns.size) == size:
            break
    if not len(alive):
        return np.array(sorted(chosen), np.int64), True
    n_parts, part = connected_components(A.T @ A, directed=False)
    proved = True
    for p in range(n_parts):
        inside = np.flatnonzero(part == p)
        B = A[:, inside]
        B = B[np.flatnonzero(B.sum(axis=1))]
        best, least = _solve(B, cost[columns[inside]])
        chosen += columns[inside[best]].tolist()
        proved &= least
    return np.array(sorted(chosen), np.int64), proved


def _first_cheapest(sets: Sequence[Array], needed: Array, cost: Array) -> Array:
    """The cheapest cover; of several, the first if each set in turn is rather taken than left."""
    rows = [sum(1 << int(i) for i in s) for s in sets]
    costs = [int(c) for c in cost]
    after = [0]  # what the sets from each one on contain together
    for row in reversed(rows):
        after.insert(0, after[0] | row)
    best: list[int] = []
    least = sum(costs) + 1

    def search(k: int, left: int, spent: int, taken: list[int]) -> None:
        nonlocal best, least
        if not left:
            if spent < least:
                best, least = taken, spent
        elif not left & ~after[k] and spent + min(costs[k:]) < least:
            if rows[k] & left:
                search(k + 1, left & ~rows[k], spent + costs[k], [*taken, k])
            search(k + 1, left, spent, taken)

    search(0, sum(1 << int(i) for i in np.flatnonzero(needed)), 0, [])
    return np.array(best, np.int64)


def _dominated(A: csc_array, cost: Array) -> Array:
    """Which columns are contained in another column that does not cost more."""
    sizes = np.asarray(A.sum(axis=0))
    common = (A.T @ A).tocoo()
    a, b = common.row, common.col
    within = (common.data == sizes[a]) & (a != b) & (cost[b] <= cost[a])
    same = (sizes[a] == sizes[b]) & (cost[a] == cost[b])  # of equal columns the first one stays
    out: Array = sizes == 0
    out[a[within & (~same | (b < a))]] = True
    return out


def _implied(A: csc_array) -> Array:
    """Which rows are covered whenever some other row is."""
    sizes = np.asarray(A.sum(axis=1))
    common = (A @ A.T).tocoo()
    a, b = common.row, common.col
    within = (common.data == sizes[b]) & (a != b)
    same = sizes[a] == sizes[b]
    out = np.zeros(len(sizes), bool)
    out[a[within & (~same | (b < a))]] = True
    return out


def _solve(A: csc_array, cost: Array) -> tuple[Array, bool]:
    greedy = _greedy(csr_array(A), cost)
    if A.nnz > PART:
        return greedy, False
    solution = milp(
        cost,
        integrality=np.ones(A.shape[1], np.int64),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(A, lb=1),
        options={"node_limit": NODES, "mip_rel_gap": 0},
    )
    if solution.x is None:
        return greedy, False
    best = np.flatnonzero(solution.x > 0.5)
    if (A[:, best].sum(axis=1) == 0).any() or cost[best].sum() > cost[greedy].sum():
        return greedy, False
    return best, solution.status == 0


def _greedy(A: csr_array, cost: Array) -> Array:
    """Always take the set with the least cost per new element; then drop redundant sets."""
    left = np.ones(A.shape[0], bool)
    chosen: list[int] = []
    while left.any():
        new = A.T @ left.astype(np.int32)
        chosen.append(int(np.argmax(new / cost)))
        left &= A[:, [chosen[-1]]].toarray()[:, 0] == 0
    times = np.asarray(A[:, chosen].sum(axis=1))
    kept = []
    for column in sorted(chosen, key=lambda c: -int(cost[c])):
        held = A[:, [column]].toarray()[:, 0] > 0
        if (times[held] > 1).all():
            times = times - held
        else:
            kept.append(column)
    return np.array(kept, np.int64)
