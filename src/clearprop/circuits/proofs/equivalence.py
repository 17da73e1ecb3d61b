"""Whether two circuits compute the same: by all inputs, or by SAT."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

import numpy as np

from clearprop._typing import Array
from clearprop.circuits.netlist import Circuit, CircuitError
from clearprop.circuits.proofs.logic_graph import LogicGraph
from clearprop.circuits.proofs.sat import OutOfReachError, difference

MOST_INPUTS = 24  # 2^24 cases are the most that are gone through
MOST_WORK = 2 * 10**10  # words of 64 cases times cells: more of them than some ten seconds take
CHUNK_BYTES = 2**27  # of words held at a time
RANDOM_CASES = 4096  # before SAT is asked; most differences show in them

# Bit b of a word is its case b: the value of the input that toggles every 2^i cases, i = 0 … 5.
_TOGGLES = [sum(1 << b for b in range(64) if b >> i & 1) for i in range(6)]


@dataclass(frozen=True)
class Proof:
    """Whether two circuits compute the same.

    verdict: "equal", "different" or "unknown". method: how it was found. counterexample: the values
    of the first circuit's inputs for which they differ, by name; output: the name of an output that
    does (of the first circuit). reason: why nothing could be proved. n_cases: how many inputs were
    gone through. seconds: how long it took.
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
        """Whether they are proved equal."""
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

    match: ports belong together by their "name", or by their "order". method: "exhaustive" goes
    through all 2^n inputs, n ≤ 24, 64 at a time; "sat" proves by python-sat (the extra `circuits`)
    that the two never differ; "auto" takes the first where it ends within seconds, and else the
    second. A counterexample is checked by evaluating both circuits on it.
    time_limit: of the SAT proof in seconds; conflict_limit: of it, for each output; past them the
    verdict is "unknown", and it is where python-sat is not installed.
    Raises CircuitError where the ports do not match, ValueError for an argument not allowed.
    """
    if method not in ("auto", "exhaustive", "sat"):
        raise ValueError(f"method must be 'auto', 'exhaustive' or 'sat'; got {method!r}")
    if not time_limit > 0:
        raise ValueError(f"time_limit must be positive, in seconds; got {time_limit!r}")
    if conflict_limit is not None and not conflict_limit > 0:
        raise ValueError(f"conflict_limit must be positive or None; got {conflict_limit!r}")
    order, pairs = _ports(a, b, match)
    start = time.perf_counter()
    n = len(a.inputs)
    if method == "exhaustive" and n > MOST_INPUTS:
        raise ValueError(
            f"method='exhaustive' goes through at most 2^{MOST_INPUTS} inputs; "
            f"{a.name} has {n} of them"
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
    """Words of the cases 64·first, … of all 2^n inputs counted up, one array for each input.

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
    """Which input of a each input of b is, and which outputs belong together."""
    if match == "order":
        for what, of_a, of_b in (
            ("inputs", a.inputs, b.inputs),
            ("outputs", a.outputs, b.outputs),
        ):
            if len(of_a) != len(of_b):
                raise CircuitError(
                    f"{a.name} has {len(of_a)} {what}, but {b.name} has {len(of_b)} of them"
                )
        return list(range(len(a.inputs))), [(i, i) for i in range(len(a.outputs))]
    if match != "name":
        raise ValueError(f"match must be 'name' or 'order'; got {match!r}")
    for what, of_a, of_b in (("input", a.inputs, b.inputs), ("output", a.outputs, b.outputs)):
        for one, other, only in ((a, b, set(of_a) - set(of_b)), (b, a, set(of_b) - set(of_a))):
            if only:
                names = ", ".join(sorted(only)[:6]) + (", …" if len(only) > 6 else "")
                raise CircuitError(
                    f"{one.name} has the {what}s {names}, which {other.name} has not; "
                    "match='order' pairs them by their order",
                    sorted(only)[0],
                )
    place = {name: i for i, name in enumerate(a.inputs)}
    there = {name: j for j, name in enumerate(b.outputs)}
    return [place[name] for name in b.inputs], [(i, there[y]) for i, y in enumerate(a.outputs)]


def _exhaustive(
    a: Circuit, b: Circuit, order: list[int], pairs: list[tuple[int, int]]
) -> list[bool] | None:
    """The first case in which they differ, among all of them."""
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
    """A random case in which they differ."""
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
    """Words with a 1 for each case in which an output differs."""
    some = inputs or [np.zeros(1, np.uint64)]
    y_a = a.words(some)
    y_b = b.words([inputs[i] for i in order] or some)
    wrong = np.zeros_like(some[0])
    for i, j in pairs:
        wrong |= y_a[a.outputs[i]] ^ y_b[b.outputs[j]]
    return wrong
