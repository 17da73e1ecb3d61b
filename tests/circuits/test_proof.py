"""Equivalence of circuits: by all inputs and by SAT, with counterexamples that are real."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearprop.circuits.gates import GATES, all_bits, find_kind
from clearprop.circuits.netlist import Cell, Circuit, CircuitError
from clearprop.circuits.proofs.equivalence import case_words, equivalent
from clearprop.circuits.proofs.logic_graph import LogicGraph

ONE_OUTPUT = [kind for kind, row in GATES.items() if len(row.outputs) == 1]


def names(letter: str, n: int) -> tuple[str, ...]:
    return tuple(f"{letter}{i}" for i in range(n))


def random_circuit(rng: np.random.Generator, n: int, n_cells: int, n_outputs: int) -> Circuit:
    """Any cells that fit, of the nets so far."""
    nets = list(names("x", n))
    cells = []
    for i in range(n_cells):
        kind = str(rng.choice([*ONE_OUTPUT, "at_least_2", "at_least_3"]))
        row = find_kind(kind)
        arity = int(rng.choice([k for k in range(6) if row.allows(k)]))
        chosen = tuple(str(net) for net in rng.choice(nets, arity))
        cells.append(Cell(f"n{i}", kind, chosen))
        nets.append(f"n{i}")
    return Circuit(names("x", n), tuple(nets[-n_outputs:]), tuple(cells))


def in_two_input_gates(circuit: Circuit) -> Circuit:
    """The same function from NAND and NOT only, built from each cell's truth table."""
    cells: list[Cell] = []

    def put(kind: str, *inputs: str) -> str:
        cells.append(Cell(f"t{len(cells)}", kind, inputs))
        return cells[-1].output

    value = {net: net for net in circuit.inputs}
    for cell in circuit.cells:
        k = len(cell.inputs)
        bits = all_bits(k)
        x = list(bits.T) if k else [np.zeros(1, bool)]
        (table,) = find_kind(cell.kind).logic(x)
        terms = []
        for row in bits[np.asarray(table)]:
            literals = [
                value[net] if bit else put("not", value[net])
                for net, bit in zip(cell.inputs, row, strict=True)
            ]
            terms.append(put("nand", *literals) if literals else put("const0"))
        value[cell.output] = put("nand", *terms) if terms else put("const0")
    outputs = [Cell(f"y{i}", "buf", (value[net],)) for i, net in enumerate(circuit.outputs)]
    return Circuit(circuit.inputs, tuple(cell.output for cell in outputs), (*cells, *outputs))


def adder(n: int, *, majority: bool, swap: bool = False) -> Circuit:
    """n-bit ripple adder: the carry as a majority, or from the sum's xor by a mux."""
    a, b = names("a", n), names("b", n)
    cells, carry = [], "c_in"
    for i in range(n):
        x, y = (b[i], a[i]) if swap else (a[i], b[i])
        cells.append(Cell(f"p{i}", "xor", (x, y)))
        cells.append(Cell(f"s{i}", "xor", (f"p{i}", carry)))
        if majority:
            cells.append(Cell(f"c{i}", "majority", (x, y, carry)))
        else:
            cells.append(Cell(f"c{i}", "mux", (f"p{i}", x, carry)))
        carry = f"c{i}"
    return Circuit((*a, *b, "c_in"), (*names("s", n), carry), tuple(cells), f"adder_{majority}")


def test_case_words_are_all_bits() -> None:
    for n in (1, 3, 6, 9):
        words = case_words(n, 0, max(2**n // 64, 1))
        unpacked = [
            np.unpackbits(w.astype("<u8").view(np.uint8), bitorder="little")[: 2**n] for w in words
        ]
        assert np.array_equal(np.array(unpacked).T.astype(bool), all_bits(n))


@pytest.mark.parametrize(
    ("kind", "arity"),
    [
        (kind, arity)
        for kind in (*ONE_OUTPUT, "at_least_1", "at_least_2", "at_least_4")
        for arity in range(6)
        if find_kind(kind).allows(arity)
    ],
)
def test_every_kind_as_a_graph(kind: str, arity: int) -> None:
    """Tseitin's graph, simulated, gives each gate's logic."""
    circuit = Circuit(names("x", arity), ("y",), (Cell("y", kind, names("x", arity)),))
    graph = LogicGraph(arity)
    (literal,) = graph.add(circuit, graph.inputs)
    word = graph.simulate(case_words(arity, 0, 1))[literal >> 1][0]
    found = [(int(word) >> case & 1) ^ (literal & 1) for case in range(2**arity)]
    assert found == circuit.truth_table()[:, -1].tolist()


@pytest.mark.parametrize("method", ["exhaustive", "sat"])
@given(seed=st.integers(0, 10**6))
def test_random_circuits_and_their_copies(method: str, seed: int) -> None:
    if method == "sat":
        pytest.importorskip("pysat")
    rng = np.random.default_rng(seed)
    circuit = random_circuit(rng, int(rng.integers(1, 9)), int(rng.integers(1, 25)), 2)
    copy = in_two_input_gates(circuit)
    proof = equivalent(circuit, copy, match="order", method=method)
    assert proof.equal
    assert proof.verdict == "equal"
    cells = list(copy.cells)
    i = int(rng.integers(len(cells)))
    other = {"nand": "and", "not": "buf", "const0": "const1", "buf": "not"}[cells[i].kind]
    cells[i] = Cell(cells[i].output, other, cells[i].inputs)
    mutant = Circuit(copy.inputs, copy.outputs, tuple(cells))
    same = np.array_equal(circuit.truth_table(), mutant.truth_table())
    proof = equivalent(circuit, mutant, match="order", method=method)
    assert proof.equal == same
    if not same:
        assert proof.verdict == "different"
        bits = np.array([[proof.counterexample[net] for net in circuit.inputs]])
        at = circuit.outputs.index(proof.output)
        assert circuit.evaluate(bits)[0, at] != mutant.evaluate(bits)[0, at]


def test_adders_of_many_bits_by_sat() -> None:
    """65 inputs: no cases, but a proof; and the one wrong gate in the last carry is found."""
    pytest.importorskip("pysat")
    a, b = adder(32, majority=True), adder(32, majority=False, swap=True)
    proof = equivalent(a, b)
    assert (proof.verdict, proof.method) == ("equal", "SAT")
    # only where all 32 bits propagate does the carry-in decide: random cases do not find it
    cells = [
        *b.cells,
        Cell("all", "and", (*names("p", 32), "c_in")),
        Cell("z", "xor", ("c31", "all")),
    ]
    wrong = Circuit(b.inputs, (*b.outputs[:-1], "z"), tuple(cells))
    proof = equivalent(a, wrong, match="order")
    assert (proof.verdict, proof.method, proof.output) == ("different", "SAT", "c31")
    assert proof.counterexample["c_in"] == 1
    assert all(proof.counterexample[f"a{i}"] != proof.counterexample[f"b{i}"] for i in range(32))
    assert "different: output 'c31' for a0=" in str(proof)


def test_equal_structure_needs_no_solver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pysat.solvers", None)
    a = adder(32, majority=True)
    assert equivalent(a, adder(32, majority=True, swap=True)).equal
    proof = equivalent(a, adder(32, majority=False))
    assert (proof.verdict, proof.counterexample) == ("unknown", None)
    assert "python-sat" in proof.reason
    assert "unknown: the proof needs python-sat" in str(proof)


def product(n: int, *, by_rows: bool) -> Circuit:
    """An n × n multiplier; its partial products are added row by row, or column by column."""
    a, b = names("a", n), names("b", n)
    cells: list[Cell] = []

    def put(kind: str, *inputs: str) -> str:
        cells.append(Cell(f"t{len(cells)}", kind, inputs))
        return cells[-1].output

    columns: list[list[str]] = [[] for _ in range(2 * n)]
    for i in range(n):
        for j in range(n):
            columns[i + j].append(put("and", a[i], b[j]))
    for i in range(2 * n):
        while len(columns[i]) > 1:
            x, y = (
                (columns[i].pop(), columns[i].pop())
                if by_rows
                else (columns[i].pop(0), columns[i].pop(0))
            )
            columns[i].append(put("xor", x, y))
            if i + 1 < 2 * n:
                columns[i + 1].append(put("and", x, y))
    outputs = tuple(column[0] if column else put("const0") for column in columns)
    return Circuit((*a, *b), outputs, tuple(cells))


def test_limits_end_in_unknown() -> None:
    """Multipliers of different structure are what SAT cannot do: it says so, and in time."""
    pytest.importorskip("pysat")
    a, b = product(13, by_rows=True), product(13, by_rows=False)
    proof = equivalent(a, b, match="order", conflict_limit=200, time_limit=3)
    assert (proof.verdict, proof.reason) == ("unknown", "the SAT solver reached its conflict limit")
    proof = equivalent(a, b, match="order", time_limit=0.2)
    assert (proof.verdict, proof.reason) == ("unknown", "the SAT solver reached its time limit")
    assert proof.seconds < 10  # looked at between slices of conflicts
    small = product(5, by_rows=True), product(5, by_rows=False)
    assert equivalent(*small, match="order").equal
    assert equivalent(*small, match="order", method="sat").equal


def test_ports() -> None:
    a = Circuit(
        ("p", "q"), ("y", "z"), (Cell("y", "mux", ("p", "q", "p")), Cell("z", "buf", ("q",)))
    )
    b = Circuit(("q", "p"), ("z", "y"), (Cell("y", "and", ("p", "p")), Cell("z", "or", ("q",))))
    # mux(p, q, p) is q where p is 0: p or q
    c = Circuit(("q", "p"), ("z", "y"), (Cell("y", "or", ("p", "q")), Cell("z", "or", ("q",))))
    assert equivalent(a, c).equal
    proof = equivalent(a, b)
    assert proof.counterexample == {"p": 0, "q": 1}
    assert proof.output == "y"
    assert not equivalent(a, c, match="order").equal
    d = Circuit(("q", "r"), ("z", "y"), (Cell("y", "or", ("r", "q")), Cell("z", "or", ("q",))), "d")
    with pytest.raises(CircuitError, match="circuit has the inputs p, which d does not have"):
        equivalent(a, d)
    with pytest.raises(CircuitError, match="d has the outputs y, which circuit does not have"):
        equivalent(Circuit(("q", "r"), ("z",), (Cell("z", "buf", ("q",)),)), d)
    with pytest.raises(CircuitError, match="circuit has 1 outputs, but d has 2"):
        equivalent(Circuit(("q", "r"), ("q",), ()), d, match="order")
    assert equivalent(
        Circuit((), ("y",), (Cell("y", "const1", ()),)),
        Circuit((), ("y",), (Cell("y", "const1", ()),)),
    ).equal
    assert not equivalent(
        Circuit((), ("y",), (Cell("y", "const1", ()),)),
        Circuit((), ("y",), (Cell("y", "const0", ()),)),
    ).equal


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"match": "both"}, "match must be"),
        ({"method": "bdd"}, "method must be"),
        ({"time_limit": 0}, "time_limit must be"),
        ({"conflict_limit": 0}, "conflict_limit must be"),
    ],
)
def test_arguments(arguments: dict[str, object], message: str) -> None:
    a = adder(2, majority=True)
    with pytest.raises(ValueError, match=message):
        equivalent(a, a, **arguments)


def test_exhaustive_refuses_25_inputs() -> None:
    a = adder(12, majority=True)
    with pytest.raises(ValueError, match=r"at most 2\^24 inputs"):
        equivalent(a, a, method="exhaustive")
