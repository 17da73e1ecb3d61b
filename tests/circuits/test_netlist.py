"""Circuits against an evaluator that knows nothing of words, and every refusal by name."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearprop.circuits.gates import all_bits
from clearprop.circuits.netlist import Cell, Circuit, CircuitError
from tests.circuits.test_gates import DEFINITIONS

KINDS = [kind for kind in DEFINITIONS if "adder" not in kind]
ARITY = {"const0": 0, "const1": 0, "buf": 1, "not": 1, "mux": 3}


@st.composite
def circuits(draw: st.DrawFn) -> Circuit:
    """Up to 7 inputs and 20 cells, given in any order."""
    inputs = tuple(f"i{k}" for k in range(draw(st.integers(0, 7))))
    nets, cells = list(inputs), []
    for k in range(draw(st.integers(0, 20))):
        kind = draw(st.sampled_from(KINDS if nets else ["const0", "const1"]))
        least = int(kind.split("_")[-1]) if kind.startswith("at_least") else 1
        arity = ARITY.get(kind, draw(st.integers(least, least + 3)))
        arity += kind == "majority" and arity % 2 == 0
        cells.append(Cell(f"n{k}", kind, tuple(draw(st.sampled_from(nets)) for _ in range(arity))))
        nets.append(f"n{k}")
    outputs = tuple(draw(st.lists(st.sampled_from(nets), max_size=4)) if nets else ())
    return Circuit(inputs, outputs, tuple(draw(st.permutations(cells))))


def naive(circuit: Circuit, row: tuple[int, ...]) -> dict[str, int]:
    value = dict(zip(circuit.inputs, row, strict=True))
    waiting = list(circuit.cells)[::-1]
    while waiting:
        for cell in list(waiting):
            if all(net in value for net in cell.inputs):
                (value[cell.output],) = DEFINITIONS[cell.kind](tuple(value[n] for n in cell.inputs))
                waiting.remove(cell)
    return value


@given(circuits())
def test_circuits_against_the_naive_evaluator(circuit: Circuit) -> None:
    bits = all_bits(len(circuit.inputs))
    values = [naive(circuit, tuple(row)) for row in bits.astype(int).tolist()]
    wanted = np.array([[v[net] for net in circuit.outputs] for v in values], bool)
    np.testing.assert_array_equal(
        circuit.evaluate(bits), wanted.reshape(len(bits), len(circuit.outputs))
    )
    nets = np.array([[v[net] for net in circuit.nets] for v in values], bool)
    np.testing.assert_array_equal(
        circuit.evaluate_nets(bits), nets.reshape(len(bits), len(circuit.nets))
    )
    np.testing.assert_array_equal(
        circuit.truth_table(), np.column_stack([bits, circuit.evaluate(bits)])
    )
    for dtype in (np.int64, np.float32, np.uint8):
        np.testing.assert_array_equal(circuit.evaluate(bits.astype(dtype)), circuit.evaluate(bits))
    seen = set(circuit.inputs)
    for cell in circuit.cells:
        assert seen.issuperset(cell.inputs), "not topological"
        assert circuit.level[cell.output] == 1 + max(
            (circuit.level[n] for n in cell.inputs), default=0
        )
        seen.add(cell.output)
    assert circuit.fan_in == max((len(cell.inputs) for cell in circuit.cells), default=0)
    assert circuit.depth == max((circuit.level[n] for n in circuit.outputs), default=0)


@given(circuits(), st.data())
def test_cones_are_the_same_functions(circuit: Circuit, data: st.DataObject) -> None:
    if not circuit.nets:
        return
    net = data.draw(st.sampled_from(circuit.nets))
    cone = circuit.cone([net])
    bits = all_bits(len(circuit.inputs))
    column = circuit.nets.index(net)
    np.testing.assert_array_equal(cone.evaluate(bits)[:, 0], circuit.evaluate_nets(bits)[:, column])
    for cell in cone.cells:
        assert cell.output == net or any(cell.output in other.inputs for other in cone.cells)


@pytest.mark.parametrize("n", [0, 1, 7, 8, 63, 64, 65, 1000])
def test_any_number_of_rows(n: int) -> None:
    circuit = Circuit(
        ("a", "b"), ("y", "a"), (Cell("y", "xor", ("a", "b")), Cell("t", "const1", ()))
    )
    bits = np.random.default_rng(n).integers(0, 2, (n, 2))
    np.testing.assert_array_equal(circuit.evaluate(bits)[:, 0], bits[:, 0] != bits[:, 1])
    assert circuit.evaluate_nets(bits)[:, -1].all()
    without = Circuit((), ("t",), (Cell("t", "const1", ()),))
    assert without.evaluate(np.zeros((n, 0))).tolist() == [[True]] * n


def test_a_chain_of_100_000_cells() -> None:
    n = 100_000
    cells = [Cell(f"n{k}", "not", (f"n{k - 1}" if k else "a",)) for k in range(n)]
    start = time.perf_counter()
    for order in (cells, cells[::-1]):
        circuit = Circuit(("a",), (f"n{n - 1}",), tuple(order))
        assert circuit.evaluate([[0], [1]]).tolist() == [[False], [True]]
        assert circuit.depth == n
    assert [cell.output for cell in circuit.cells[:2]] == ["n0", "n1"]
    assert len(circuit.cone(["n9"]).cells) == 10
    assert time.perf_counter() - start < 30  # it is about one second; a quadratic one takes hours
    with pytest.raises(CircuitError, match=r"cycle: .* … \d+ more … ") as error:
        Circuit((), (), (Cell("a", "buf", (f"n{n - 1}",)), *cells))
    assert len(str(error.value)) < 200


def test_a_cell_of_10_000_inputs() -> None:
    nets = tuple(f"i{k}" for k in range(10_000))
    kinds = ("and", "or", "xor", "at_least_5000")
    circuit = Circuit(nets, kinds, tuple(Cell(kind, kind, nets) for kind in kinds))
    bits = np.arange(10_000)[None, :] < np.array([0, 1, 4999, 5000, 10_000])[:, None]
    assert circuit.evaluate(bits).astype(int).tolist() == [
        [0, 0, 0, 0],
        [0, 1, 1, 0],
        [0, 1, 1, 0],
        [0, 1, 0, 1],
        [1, 1, 0, 1],
    ]


@pytest.mark.parametrize(
    ("inputs", "outputs", "cells", "message", "net"),
    [
        (
            "ab",
            "y",
            [("y", "and", "az")],
            r"'z', an input of and\(a, z\), is not driven",
            "z",
        ),
        ("ab", "q", [("y", "and", "ab")], "the output 'q' is not driven", "q"),
        (
            "ab",
            "y",
            [("y", "and", "ab"), ("y", "or", "ab")],
            r"'y' is driven by or\(a, b\).*also by and\(a, b\)",
            "y",
        ),
        ("ab", "a", [("a", "and", "ab")], "'a' is driven by .* but it is an input", "a"),
        ("aa", "a", [], "the input 'a' is listed twice", "a"),
        ("a", "y", [("y", "and", "ay")], "cycle: y → y", "y"),
        (
            "a",
            "x",
            [("x", "and", "ay"), ("y", "or", "az"), ("z", "not", "x")],
            "cycle: x → z → y → x",
            "x",
        ),
        ("a", "y", [("y", "foo", "a")], "'y': kind must be one of .* got 'foo'", "y"),
        (
            "a",
            "y",
            [("y", "half_adder", "aa")],
            "'y' is driven by half_adder.* several outputs",
            "y",
        ),
        ("ab", "y", [("y", "not", "ab")], "'y' is driven by not.* number of inputs must be 1", "y"),
        ("ab", "y", [("y", "majority", "ab")], "1 or more, an odd number", "y"),
        ("ab", "y", [("y", "at_least_3", "ab")], "inputs must be 3 or more", "y"),
    ],
)
def test_refusals(
    inputs: str, outputs: str, cells: list[tuple[str, str, str]], message: str, net: str
) -> None:
    with pytest.raises(CircuitError, match=message) as error:
        Circuit(tuple(inputs), tuple(outputs), tuple(Cell(o, k, tuple(i)) for o, k, i in cells))
    assert error.value.net == net


def test_wrong_bits_are_refused() -> None:
    circuit = Circuit(("a", "b"), ("y",), (Cell("y", "or", ("a", "b")),))
    for bits, message in (
        ([0, 1], r"shape \(N, 2\); got \(2,\)"),
        (np.zeros((3, 3)), r"got \(3, 3\)"),
        ([[0, 1], [0, 2]], "got .*2.* in row 1, column 1"),
        ([[0.5, 1]], "in row 0, column 0"),
        ([[float("nan"), 1]], "in row 0, column 0"),
        ([["0", "1"]], "0 or 1; got <U1 entries"),
    ):
        with pytest.raises(ValueError, match=message):
            circuit.evaluate(bits)
    with pytest.raises(CircuitError, match="no net 'q' in circuit"):
        circuit.cone(["q"])
