"""Two-level minimisation: covers against the table, minimality against every set of cubes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearprop.circuits.gates import all_bits
from clearprop.circuits.netlist import Circuit, CircuitError
from clearprop.circuits.synthesis.covering import FEW, cheapest_cover
from clearprop.circuits.synthesis.cubes import (
    Cover,
    cover,
    cubes_to_cells,
    evaluate_cubes,
    minimise,
    sum_of_products,
)

tables = st.integers(0, 7).flatmap(
    lambda n: st.lists(st.sampled_from([0, 1, None]), min_size=2**n, max_size=2**n)
)


def holds(cube: tuple[int | None, ...], row: tuple[int, ...]) -> bool:
    return all(v is None or v == bit for v, bit in zip(cube, row, strict=True))


def check(table: list[int | None], found: Cover) -> None:
    """Every row by the definition of a cube, and no cube superfluous."""
    n = len(table).bit_length() - 1
    rows = list(itertools.product((0, 1), repeat=n))
    held = [[holds(cube, row) for row in rows] for cube in found.cubes]
    for i, (row, t) in enumerate(zip(rows, table, strict=True)):
        if t is not None:
            assert any(h[i] for h in held) == bool(t), row
    for left_out in range(len(held)):
        others = [h for j, h in enumerate(held) if j != left_out]
        missing = [i for i, t in enumerate(table) if t == 1 and not any(h[i] for h in others)]
        assert missing, "a cube is redundant"


@given(tables)
def test_covers_compute_their_table(table: list[int | None]) -> None:
    found = cover(table)
    check(table, found)
    assert minimise(table) == list(found.cubes)
    assert found.literals == sum(v is not None for cube in found.cubes for v in cube)


def least_costs(n: int) -> np.ndarray:
    """For every set of rows the least 1000·cubes + literals with which cubes make up just it."""
    cubes = []
    for cube in itertools.product((0, 1, None), repeat=n):
        rows = sum(1 << i for i, row in enumerate(all_bits(n)) if holds(cube, tuple(row)))
        cubes.append((rows, 1000 + sum(v is not None for v in cube)))
    least = np.full(2 ** (2**n), 10**6)
    least[0] = 0
    for _ in range(2 ** (n - 1)):  # no function of n inputs needs more cubes
        for rows, cost in cubes:
            np.minimum.at(least, np.arange(len(least)) | rows, least + cost)
    return least


def test_few_inputs_get_the_fewest_cubes_and_then_the_fewest_literals() -> None:
    for n, count in ((2, 81), (3, 300), (4, 200)):
        least = least_costs(n)
        sets = np.arange(len(least))
        every = itertools.product((0, 1, None), repeat=4)
        drawn = np.random.default_rng(n).choice([0, 1, 1, 0, None], (count, 2**n))
        for table in every if n == 2 else drawn.tolist():
            on = sum(1 << i for i, t in enumerate(table) if t == 1)
            off = sum(1 << i for i, t in enumerate(table) if t == 0)
            fits = (sets & on == on) & (sets & off == 0)
            found = cover(table)
            assert found.minimal
            assert 1000 * len(found.cubes) + found.literals == least[fits].min(), table


def test_well_known_functions() -> None:
    assert minimise([0, 0]) == []
    assert minimise([None, None]) == []
    assert minimise([1, None]) == [(None,)]
    assert minimise([1]) == [()]
    assert minimise([0, 1, 1, 0]) == [(0, 1), (1, 0)]
    for n in (5, 8):
        ones = all_bits(n).sum(axis=1)
        parity = cover(ones % 2)
        assert len(parity.cubes) == 2 ** (n - 1)
        assert parity.minimal
    majority = cover(all_bits(7).sum(axis=1) > 3)
    assert majority.minimal
    assert len(majority.cubes) == 35
    assert {sum(v == 1 for v in cube) for cube in majority.cubes} == {4}
    # the cyclic core of Quine–McCluskey: no prime is essential, three of six do
    assert len(minimise([1, 1, 1, 0, 0, 1, 1, 1])) == 3
    # a seven-segment digit's top bar, from four bits, 10 … 15 never coming: a + c + b·d + b̄·d̄
    digits = [1, 0, 1, 1, 0, 1, 1, 1, 1, 1] + [None] * 6
    assert cover(digits) == Cover(
        ((None, None, 1, None), (None, 0, None, 0), (None, 1, None, 1), (1, None, None, None)), True
    )


@pytest.mark.parametrize(("n", "density"), [(10, 0.5), (12, 0.1), (12, 0.5), (12, 0.9)])
def test_random_functions_of_many_inputs(n: int, density: float) -> None:
    f = np.random.default_rng(n).random(2**n) < density
    found = cover(f)
    np.testing.assert_array_equal(evaluate_cubes(found.cubes, n), f)
    assert len(found.cubes) < f.sum()


def test_sixteen_inputs() -> None:
    x = all_bits(16)
    f = (x[:, :8] & x[:, 8:]).any(axis=1)
    assert minimise(f) == sorted(
        (tuple(1 if i in (k, k + 8) else None for i in range(16)) for k in range(8)),
        key=lambda cube: [-1 if v is None else v for v in cube],
    )


def test_wrong_tables_are_refused() -> None:
    for table, message in (
        ([0, 1, 1], "2\\^n entries; got 3"),
        ([], "2\\^n entries; got 0"),
        ([0, 2], "got 2 in row 1"),
        ([0.0, 0.5], "got 0.5 in row 1"),
        ([0.0, float("nan")], "got nan in row 1"),
        (np.zeros((4, 2), int), r"one output; got \(4, 2\)"),
        (np.zeros(2**17, int), "at most 16 inputs; got 17"),
        (["0", "1"], "got <U1 entries"),
    ):
        with pytest.raises(ValueError, match=message):
            cover(table)
    with pytest.raises(TypeError, match="sequence of 0, 1 and None"):
        cover("01")


@given(st.lists(tables, min_size=1, max_size=3).filter(lambda t: len({len(f) for f in t}) == 1))
@settings(max_examples=50)
def test_cells_compute_the_cubes(functions: list[list[int | None]]) -> None:
    n = len(functions[0]).bit_length() - 1
    inputs = [f"y1_{i}" if i % 2 else f"x{i}_not" for i in range(n)]  # names that would clash
    outputs = {f"y{j}": minimise(table) for j, table in enumerate(functions)}
    circuit = sum_of_products(inputs, outputs, "several")
    assert circuit.outputs == tuple(outputs)
    got = circuit.evaluate(all_bits(n))
    for j, cubes in enumerate(outputs.values()):
        np.testing.assert_array_equal(got[:, j], evaluate_cubes(cubes, n))
        cells = cubes_to_cells(cubes, inputs, "out", taken=["out_1"])
        alone = Circuit(tuple(inputs), ("out",), cells)
        assert "out_1" not in alone.nets
        np.testing.assert_array_equal(alone.evaluate(all_bits(n))[:, 0], got[:, j])
    kinds = [(cell.kind, cell.inputs) for cell in circuit.cells if cell.output not in outputs]
    assert len(kinds) == len(set(kinds)), "inverters and cubes are shared"


def test_cubes_of_another_size_are_refused() -> None:
    with pytest.raises(CircuitError, match="'y' must have 2 inputs"):
        cubes_to_cells([(0, 1, None)], ["a", "b"], "y")
    with pytest.raises(ValueError, match="must have 2 inputs"):
        evaluate_cubes([(0,)], 2)


@given(st.data())
def test_covering_against_all_choices(data: st.DataObject) -> None:
    m = data.draw(st.integers(1, 8))
    sets = data.draw(st.lists(st.sets(st.integers(0, m - 1), min_size=1), min_size=1, max_size=8))
    sets.append(set(range(m)) - set.union(*sets[:4]) or {0})
    sets.extend({i} for i in range(m) if not any(i in s for s in sets))
    cost = np.array(data.draw(st.lists(st.integers(1, 9), min_size=len(sets), max_size=len(sets))))
    needed = np.array(data.draw(st.lists(st.booleans(), min_size=m, max_size=m)))
    want = set(np.flatnonzero(needed).tolist())
    costs = [
        sum(int(cost[j]) for j in some)
        for k in range(len(sets) + 1)
        for some in itertools.combinations(range(len(sets)), k)
        if want <= set().union(*(sets[j] for j in some))
    ]
    more = max(0, FEW + 1 - len(sets))  # of a set that costs too much: then a solver is used
    for again in (0, more):
        chosen, proved = cheapest_cover(
            [np.array(sorted(s)) for s in [*sets, *sets[:1] * again]],
            needed,
            np.append(cost, [100] * again),
        )
        assert want <= set().union(*(sets[j] for j in chosen))
        assert proved
        assert cost[chosen].sum() == min(costs)


def test_of_equally_cheap_covers_the_first_is_taken() -> None:
    pairs = [np.array(pair) for pair in [(0, 1), (1, 2), (2, 3), (3, 0)]]
    chosen, _ = cheapest_cover(pairs, np.ones(4, bool), np.ones(4, np.int64))
    assert chosen.tolist() == [0, 2]
    chosen, _ = cheapest_cover(pairs, np.ones(4, bool), np.array([2, 1, 2, 1]))
    assert chosen.tolist() == [1, 3]
    assert minimise([1, 1, 1, 0, 0, 1, 1, 1]) == [(None, 1, 0), (0, 0, None), (1, None, 1)]
