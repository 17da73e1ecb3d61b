"""Whether two circuits compute the same function: by trying all inputs, or by SAT."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

import numpy as np

from clearprop._typing import Array
from clearprop.circuits.netlist import Circuit, CircuitError
from clearprop.circuits.proofs.logic_graph import LogicGraph
from clearprop.circuits.proofs.sat import OutOfReachError, difference

MOST_INPUTS = 24  # the most of which all inputs are tried
MOST_WORK = 2 * 10**10  # words of 64 cases times cells; takes some ten seconds
CHUNK_BYTES = 2**27  # of words held at a time
RANDOM_CASES = 4096  # tried before SAT; most differences show in them

# The word of an input that toggles every 2^i cases, i = 0 … 5; bit b of a word is its case b.
_TOGGLES = [sum(1 << b for b in range(64) if b >> i & 1) for i in range(6)]


@dataclass(frozen=True)
class Proof:
    """Whether two circuits compute the same function.

    verdict: "equal", "different" or "unknown". method: how it was found. counterexample: inputs of
    the first circuit, by name, for which the two differ; output: the name, in the first circuit, of
    an output that differs. reason: why nothing could be proved. n_cases: the number of inputs that
    were tried. seconds: the time taken.
    """

    verdict: Literal["equal", "different", "unknown"]
    method: str
    counterexample: dict[str, int] | None = None
    output: str | None = None
    reason: str = ""
    n_cases: int = 0
    seconds: float = 0.0

    @property
    def equal(self) -> bool:
        """Whether the circuits are proved equal."""
        return self.verdict == "equal"

    def __str__(self) -> str:
        took = f"in {self.seconds:.3g} s"
        if self.counterexample is not None:
            inputs = " ".join(f"{name}={bit}" for name, bit in self.counterexample.items())
            return f"different: output {self.output!r} for {inputs} ({self.method}, {took})"
        why = f": {self.reason}" if self.reason else ""
        return f"{self.verdict}{why} ({self.method}, {took})"


def equivalent(
    a: Circuit,
    b: Circuit,
    *,
    match: Literal["name", "order"] = "name",
    method: Literal["auto", "exhaustive", "sat"] = "auto",
    time_limit: float = 60.0,
    conflict_limit: int | None = None,
) -> Proof:
    """Whether two circuits have the same outputs for all inputs.

    match: whether ports are paired by "name" or by "order". method: "exhaustive" tries all 2^n
    inputs, n ≤ 24, 64 at a time; "sat" proves with python-sat (the extra `circuits`) that the two
    never differ; "auto" is "exhaustive" if that takes only seconds, and "sat" otherwise. A
    counterexample is checked by evaluating both circuits on it.
    time_limit: seconds for the SAT proof. conflict_limit: conflicts of the SAT solver for each
    output. Beyond a limit, or without python-sat, the verdict is "unknown".
    Raises CircuitError if the ports do not match, ValueError for an argument that is not allowed.
    """
    if method not in ("auto", "exhaustive", "sat"):
        raise ValueError(f"method must be 'auto', 'exhaustive' or 'sat'; got {method!r}")
    if not time_limit > 0:
        raise ValueError(f"time_limit must be a positive number of seconds; got {time_limit!r}")
    if conflict_limit is not None and not conflict_limit > 0:
        raise ValueError(f"conflict_limit must be positive or None; got {conflict_limit!r}")
    order, pairs = _ports(a, b, match)
    start = time.perf_counter()
    n = len(a.inputs)
    if method == "exhaustive" and n > MOST_INPUTS:
        raise ValueError(
            f"method='exhaustive' tries at most 2^{MOST_INPUTS} inputs; {a.name} has 2^{n}"
        )
    work = (len(a.cells) + len(b.cells)) * 2 ** max(n - 6, 0) if n <= MOST_INPUTS else MOST_WORK + 1
    if method == "exhaustive" or (method == "auto" and work <= MOST_WORK):
        bits, how, n_cases = _exhaustive(a, b, order, pairs), f"all 2^{n} inputs", 2**n
    else:
        how, n_cases = "SAT", 0
        bits = _random(a, b, order, pairs)
        if bits is not None:
            how = "random inputs"
        else:
            graph = LogicGraph(n)
            literals = graph.inputs
            left, right = graph.add(a, literals), graph.add(b, [literals[i] for i in order])
            try:
                bits = difference(
                    graph, [(left[i], right[j]) for i, j in pairs], time_limit, conflict_limit
                )
            except OutOfReachError as why:
                seconds = time.perf_counter() - start
                return Proof("unknown", how, reason=str(why), seconds=seconds)
    seconds = time.perf_counter() - start
    if bits is None:
        return Proof("equal", how, n_cases=n_cases, seconds=seconds)
    row = np.array([bits], dtype=bool)
    y_a, y_b = a.evaluate(row)[0], b.evaluate(row[:, order])[0]
    wrong = [a.outputs[i] for i, j in pairs if y_a[i] != y_b[j]]
    if not wrong:
        raise AssertionError(f"the counterexample {bits} by {how} shows no difference")
    named = {name: int(bit) for name, bit in zip(a.inputs, bits, strict=True)}
    return Proof("different", how, named, wrong[0], n_cases=n_cases, seconds=seconds)


def case_words(n: int, first: int, n_words: int) -> list[Array]:
    """One array of words for each input, for the cases 64·first, … of all 2^n inputs, counting up.

    Bit b of word w is case 64·w + b (beyond 2^n they repeat); the first input is the highest digit.
    """
    words = np.arange(first, first + n_words, dtype=np.uint64)
    columns = []
    for i in range(n - 1, -1, -1):
        if i < 6:
            columns.append(np.full(n_words, _TOGGLES[i], np.uint64))
        else:
            columns.append(-(words >> np.uint64(i - 6) & np.uint64(1)))
    return columns


def _ports(a: Circuit, b: Circuit, match: str) -> tuple[list[int], list[tuple[int, int]]]:
    """For each input of b the number of its input in a, and the pairs of outputs."""
    if match == "order":
        for what, mine, theirs in (
            ("inputs", a.inputs, b.inputs),
            ("outputs", a.outputs, b.outputs),
        ):
            if len(mine) != len(theirs):
                raise CircuitError(
                    f"{a.name} has {len(mine)} {what}, but {b.name} has {len(theirs)} of them"
                )
        return list(range(len(a.inputs))), [(i, i) for i in range(len(a.outputs))]
    if match != "name":
        raise ValueError(f"match must be 'name' or 'order'; got {match!r}")
    for what, mine, theirs in (("input", a.inputs, b.inputs), ("output", a.outputs, b.outputs)):
        x, y = set(mine), set(theirs)
        for one, other, only in ((a, b, x - y), (b, a, y - x)):
            if only:
                names = ", ".join(sorted(only)[:6]) + (", …" if len(only) > 6 else "")
                raise CircuitError(
                    f"{one.name} has the {what}s {names}, which {other.name} does not have; "
                    "match='order' pairs ports by their order",
                    sorted(only)[0],
                )
    place = {name: i for i, name in enumerate(a.inputs)}
    there = {name: j for j, name in enumerate(b.outputs)}
    return [place[name] for name in b.inputs], [(i, there[n]) for i, n in enumerate(a.outputs)]


def _exhaustive(
    a: Circuit, b: Circuit, order: list[int], pairs: list[tuple[int, int]]
) -> list[bool] | None:
    """The first case in which the circuits differ, among all cases."""
    n = len(a.inputs)
    total = max(2**n // 64, 1)
    held = max(len(a.nets) + len(b.nets), 1)
    step = min(total, 2**14, max(CHUNK_BYTES // (8 * held), 64))
    for first in range(0, total, step):
        inputs = case_words(n, first, min(step, total - first))
        wrong = _wrong(a, b, inputs, order, pairs)
        where = np.flatnonzero(wrong)
        if len(where):
            word = int(wrong[where[0]])
            case = 64 * (first + int(where[0])) + ((word & -word).bit_length() - 1)
            return [bool(case >> i & 1) for i in range(n - 1, -1, -1)]
    return None


def _random(
    a: Circuit, b: Circuit, order: list[int], pairs: list[tuple[int, int]]
) -> list[bool] | None:
    """A random case in which the circuits differ."""
    rng = np.random.default_rng(0)
    n = len(a.inputs)
    inputs = list(rng.integers(0, 2**64, (n, RANDOM_CASES // 64), dtype=np.uint64))
    wrong = _wrong(a, b, inputs, order, pairs)
    where = np.flatnonzero(wrong)
    if not len(where):
        return None
    bit = (int(wrong[where[0]]) & -int(wrong[where[0]])).bit_length() - 1
    return [bool(int(word[where[0]]) >> bit & 1) for word in inputs]


def _wrong(
    a: Circuit, b: Circuit, inputs: list[Array], order: list[int], pairs: list[tuple[int, int]]
) -> Array:
    """Words with a 1 for each case in which some output differs."""
    some = inputs or [np.zeros(1, np.uint64)]
    y_a = a.words(some)
    y_b = b.words([inputs[i] for i in order] or some)
    wrong = np.zeros_like(some[0])
    for i, j in pairs:
        wrong |= y_a[a.outputs[i]] ^ y_b[b.outputs[j]]
    return wrong
