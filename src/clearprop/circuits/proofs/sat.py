"""Whether pairs of literals of a logic graph are always equal, by SAT (python-sat's Glucose 4)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np

from clearprop.circuits.proofs.logic_graph import FALSE, INPUT, LogicGraph, variable

SWEEP_CONFLICTS = 300  # for one pair of inner nodes; a hard pair is left open, which is still sound
SLICE_CONFLICTS = 2_000  # between two looks at the clock
CASES = 2048  # random cases that select the pairs
SEED = 20240


class OutOfReachError(Exception):
    """The proof did not end within its limits, or there is no solver; the message says which."""


def difference(
    graph: LogicGraph,
    pairs: Sequence[tuple[int, int]],
    time_limit: float,
    conflict_limit: int | None = None,
) -> list[bool] | None:
    """Values of the inputs for which some pair of literals differs; None if there are none.

    Inner nodes that random cases do not distinguish are proved equal first, from the inputs on
    (Kuehlmann & Krohm 1997, "SAT sweeping"), so that the proofs for the outputs are short if the
    circuits are built alike. time_limit: seconds; conflict_limit: for each pair of outputs.
    Raises OutOfReachError if neither is found within the limits, or python-sat is not installed.
    """
    open_pairs = [(a, b) for a, b in dict.fromkeys(pairs) if a != b]
    if not open_pairs:
        return None
    try:
        solvers: Any = import_module("pysat.solvers")
    except ImportError:
        raise OutOfReachError(
            "the proof needs python-sat: pip install 'clearprop[circuits]'"
        ) from None
    start = time.monotonic()
    deadline = start + time_limit
    with solvers.Solver(name="glucose4") as solver:
        cone = _cone(graph, [literal for pair in open_pairs for literal in pair])
        for node in {0, *cone}:
            for clause in graph.clauses(node):
                solver.add_clause(clause)
        _sweep(graph, solver, cone, start + time_limit / 2)
        for a, b in open_pairs:
            found = _differ(solver, a, b, deadline, conflict_limit)
            if found is not None:
                true = set(found)
                return [variable(literal) in true for literal in graph.inputs]
    return None


def _cone(graph: LogicGraph, literals: Sequence[int]) -> list[int]:
    """The nodes that the literals depend on, in topological order."""
    needed = {literal >> 1 for literal in literals}
    for node in range(len(graph.kinds) - 1, graph.n_inputs, -1):
        if node in needed:
            needed.add(graph.left[node] >> 1)
            needed.add(graph.right[node] >> 1)
    return sorted(needed)


def _sweep(graph: LogicGraph, solver: Any, cone: Sequence[int], deadline: float) -> None:
    """Teach the solver which nodes are equal or complementary, where the proof is quick."""
    rng = np.random.default_rng(SEED)
    words = rng.integers(0, 2**64, (graph.n_inputs, CASES // 64), dtype=np.uint64)
    value = graph.simulate(list(words))
    kept: dict[bytes, list[int]] = {value[0].tobytes(): [FALSE]}
    for node in cone:
        if node == 0 or time.monotonic() > deadline:
            continue
        flipped = int(value[node, 0] & np.uint64(1))
        signature = (~value[node] if flipped else value[node]).tobytes()
        literal = 2 * node + flipped
        alike = kept.setdefault(signature, [])
        if graph.kinds[node] != INPUT:
            for other in alike:
                if _differ(solver, literal, other, deadline, SWEEP_CONFLICTS, sweep=True) is None:
                    break
            else:
                alike[4:] = []  # if many look alike but differ, only the first few are tried
                alike.append(literal)
        else:
            alike.append(literal)


def _differ(
    solver: Any,
    a: int,
    b: int,
    deadline: float,
    conflict_limit: int | None,
    *,
    sweep: bool = False,
) -> list[int] | None:
    """A model in which a ≠ b, or None if they are proved equal, which the solver then learns.

    In a sweep an open question counts as a difference, with the model [].
    """
    for x, y in ((a, b ^ 1), (a ^ 1, b)):
        left = conflict_limit
        while True:
            budget = SLICE_CONFLICTS if left is None else min(SLICE_CONFLICTS, left)
            solver.conf_budget(budget)
            answer = solver.solve_limited(assumptions=[variable(x), variable(y)])
            if answer is not None:
                break
            if left is not None:
                left -= budget
            if sweep or time.monotonic() > deadline or left == 0:
                if sweep:
                    return []
                spent = "time" if time.monotonic() > deadline else "conflict"
                raise OutOfReachError(f"the SAT solver reached its {spent} limit")
        if answer:
            model: list[int] = solver.get_model()
            return model
        solver.add_clause([variable(x ^ 1), variable(y ^ 1)])
    return None
