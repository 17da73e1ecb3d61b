"""One neuron or none: every verdict is checked in integers, by the definitions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearprop.circuits.gates import all_bits, gate
from clearprop.circuits.synthesis.separability import Verdict, threshold

Table = list[int | None]
tables = st.integers(0, 6).flatmap(
    lambda n: st.lists(st.sampled_from([0, 1, None]), min_size=2**n, max_size=2**n)
)


def check(table: Table, verdict: Verdict) -> None:
    """The neuron computes every row that matters; or the rows contradict each other."""
    n = len(table).bit_length() - 1
    rows = list(itertools.product((0, 1), repeat=n))
    assert bool(verdict) == (verdict.neuron is not None) == (verdict.contradiction is None)
    if verdict.neuron is not None:
        w, t = verdict.neuron.weights, verdict.neuron.threshold
        sums = [sum(a * b for a, b in zip(w, x, strict=True)) for x in rows]
        cared = [(s, y) for s, y in zip(sums, table, strict=True) if y is not None]
        assert all((s >= t) == bool(y) for s, y in cared)
        least = min((abs(s + verdict.neuron.bias) for s, _ in cared), default=0.5)
        assert verdict.margin == least >= 0.5
        return
    proof = verdict.contradiction
    assert proof is not None
    assert all(table[row] == 1 and k > 0 for row, k in proof.true_rows)
    assert all(table[row] == 0 and k > 0 for row, k in proof.false_rows)
    for side in (proof.true_rows, proof.false_rows):
        assert sum(k for _, k in side) == proof.count
        assert proof.total == tuple(sum(k * rows[r][i] for r, k in side) for i in range(n))
    assert proof.count > 0


@pytest.mark.parametrize(("n", "count"), [(0, 2), (1, 4), (2, 14), (3, 104), (4, 1882)])
def test_number_of_threshold_functions(n: int, count: int) -> None:
    """OEIS A000609; for n = 5 see benchmarks.circuits.threshold_functions."""
    found = 0
    for table in all_bits(2**n).astype(np.int8)[: 2 ** (2**n - 1)]:  # those that begin with 0
        verdict = threshold(table)
        found += 2 * bool(verdict)  # and its complement: w·x < T is (−w)·x ≥ 1 − T
        if n < 4:
            check(table.tolist(), verdict)
            check((1 - table).tolist(), threshold(1 - table))
    assert found == count


@given(tables)
def test_every_verdict_is_right(table: Table) -> None:
    check(table, threshold(table))


@given(st.integers(1, 7), st.data())
def test_neurons_are_recognised(n: int, data: st.DataObject) -> None:
    w = np.array(data.draw(st.lists(st.integers(-9, 9), min_size=n, max_size=n)))
    s = all_bits(n).astype(int) @ w
    f = (s >= data.draw(st.integers(int(s.min()), int(s.max()) + 1))).astype(int)
    full = threshold(f)
    check(f.tolist(), full)
    assert full.neuron is not None
    assert sum(map(abs, full.neuron.weights)) <= np.abs(w).sum()
    hidden = np.array(data.draw(st.lists(st.booleans(), min_size=2**n, max_size=2**n)))
    part = threshold(np.where(hidden, -1, f))
    assert part.neuron is not None, "fewer rows are never harder"
    assert sum(map(abs, part.neuron.weights)) <= sum(map(abs, full.neuron.weights))


def test_weights_are_the_smallest() -> None:
    """Against all weights between −3 and 3, which suffice for three inputs."""
    x = all_bits(3).astype(int)
    neurons = [
        (sum(map(abs, w)), x @ np.array(w) >= t)
        for w in itertools.product(range(-3, 4), repeat=3)
        for t in range(-9, 11)
    ]
    cost = np.array([c for c, _ in neurons])
    value = np.array([v for _, v in neurons])
    for table in itertools.islice(itertools.product((0, 1, None), repeat=8), 0, None, 17):
        care = [i for i, v in enumerate(table) if v is not None]
        fits = (value[:, care] == np.array([table[i] for i in care], bool)).all(axis=1)
        verdict = threshold(table)
        assert bool(verdict) == fits.any()
        if verdict.neuron is not None:
            assert verdict.minimal
            assert sum(map(abs, verdict.neuron.weights)) == cost[fits].min()


def test_gates_get_their_weights_back() -> None:
    for kind in ("and", "or", "nand", "nor", "majority", "at_least_2"):
        known = gate(kind, 5)
        found = threshold(known.truth_table[:, -1].astype(np.int8))
        assert found.neuron == known.neurons[0]
        assert found.margin == known.margin == 0.5
        assert found.minimal
    assert not threshold(gate("mux", 3).truth_table[:, -1].astype(np.int8))


def test_unate_functions_that_are_no_neurons() -> None:
    x = all_bits(4)
    table = (x[:, 0] & x[:, 1]) | (x[:, 2] & x[:, 3])  # a·b + c·d: each input only helps
    verdict = threshold(table)
    check(table.astype(int).tolist(), verdict)
    assert verdict.contradiction is not None
    assert verdict.contradiction.true_rows == ((3, 1), (12, 1))


@pytest.mark.parametrize("n", [10, 13, 16])
def test_many_inputs(n: int) -> None:
    rng = np.random.default_rng(n)
    x = all_bits(n).astype(int)
    w = rng.integers(-20, 21, n)
    f = (x @ w >= 3).astype(int)
    found = threshold(f)
    assert found.neuron is not None
    assert (((x @ np.array(found.neuron.weights)) >= found.neuron.threshold) == f).all()
    assert sum(map(abs, found.neuron.weights)) <= np.abs(w).sum()
    u, v = rng.integers(0, 6, (2, n))
    unate = ((x @ u > 0.6 * u.sum()) | (x @ v > 0.6 * v.sum())).astype(int)
    check(unate.tolist(), threshold(unate))
    unknown = np.where(rng.random(2**n) < 0.5, -1, unate)
    check(np.where(unknown < 0, None, unknown).tolist(), threshold(unknown))


def test_one_contradiction_that_needs_several_copies() -> None:
    n = 5
    table: Table = [None] * 2**n
    for row in (0b11000, 0b00110, 0b00001):
        table[row] = 1
    table[0b11111] = table[0] = 0  # 1·(0b11000 + 0b00110 + 0b00001) = 0b11111 + 2·0
    verdict = threshold(table)
    check(table, verdict)
    assert verdict.contradiction is not None
    assert verdict.contradiction.false_rows == ((0, 2), (31, 1))
    assert verdict.contradiction.count == 3


def test_words_for_a_learner() -> None:
    assert str(threshold([0, 1, 1, 1])).startswith(
        "One neuron computes it: 1 where x1 + x2 ≥ 1, else 0.\n"
        "As h = σ(g (w·x + b)): w = (1, 1), b = -0.5, with margin 0.5"
    )
    text = str(threshold([0, 1, 1, 0]))
    assert text.startswith("No single neuron computes it.")
    assert "must give 1:\n  1 × (0, 1)\n  1 × (1, 0)\n" in text
    assert "must give 0:\n  1 × (0, 0)\n  1 × (1, 1)\n" in text
    assert "2 rows and add up to (1, 1)" in text
    assert "1 where −2·x1 + x2 + x3 ≥ 0" in str(threshold([1, 1, 1, 1, 0, 0, 0, 1]))
    assert "1 where 0 ≥ 1" in str(threshold([0, 0]))


def test_wrong_tables_are_refused() -> None:
    with pytest.raises(ValueError, match="2\\^n entries; got 6"):
        threshold([0, 1, 0, 1, 1, 1])
    with pytest.raises(ValueError, match="got 7 in row 3"):
        threshold(np.array([0, 1, 0, 7]))
    with pytest.raises(ValueError, match="one output"):
        threshold(gate("or", 2).truth_table)
