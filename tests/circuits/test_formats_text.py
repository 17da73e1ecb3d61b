"""Expressions, .bench, BLIF and AIGER: what they mean, and their errors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from netlist_oracle import simulate

from clearprop.circuits.formats.expressions import parse
from clearprop.circuits.formats.files import loads, read
from clearprop.circuits.gates import all_bits
from clearprop.circuits.netlist import CircuitError


def test_full_adder() -> None:
    circuit = parse("s = a ^ b ^ cin; cout = a & b | cin & (a ^ b)")
    assert (circuit.inputs, circuit.outputs) == (("a", "b", "cin"), ("s", "cout"))
    table = circuit.truth_table()
    np.testing.assert_array_equal(table[:, 3] + 2 * table[:, 4], table[:, :3].sum(axis=1))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("y = a & b & c", lambda a, b, c: a & b & c),
        ("y = not a and b or c xor a", lambda a, b, c: (~a & b) | (c ^ a)),
        ("y = ~(a & b) | c & 0", lambda a, b, c: ~(a & b) | (c & ~c)),
        ("y = a ? b : c", np.where),
        ("y = a ? b : b ? c : !a", lambda a, b, c: np.where(a, b, np.where(b, c, ~a))),
        ("y = a ~^ b ^ c", lambda a, b, c: ~(a ^ b ^ c)),
        ("y = a == b != c", lambda a, b, c: (a == b) != c),
        ("y = t | c // later\n t = a &\n b", lambda a, b, c: (a & b) | c),
        ("t[1] = a & b\ny = t[1] ^ c", lambda a, b, c: (a & b) ^ c),
        ("y = 1 ^ a & b | 0 & c", lambda a, b, c: ~(a & b) | (c & ~c)),
    ],
)
def test_operators(text: str, expected: object) -> None:
    assert callable(expected)
    circuit = parse(text, inputs=["a", "b", "c"])
    assert circuit.outputs == ("y",)
    bits = all_bits(3)
    np.testing.assert_array_equal(circuit.evaluate(bits)[:, 0], expected(*bits.T))


def test_a_chain_is_one_gate_and_ports_can_be_listed() -> None:
    circuit = parse(
        "y = a & b & c; z = y | (a | b) | c", outputs=["y", "z"], inputs=["c", "b", "a"]
    )
    assert [(cell.kind, len(cell.inputs)) for cell in circuit.cells] == [
        ("and", 3),
        ("or", 2),
        ("or", 3),
    ]
    assert (circuit.inputs, circuit.outputs) == (("c", "b", "a"), ("y", "z"))
    assert parse("y = a; z = y").outputs == ("z",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("s = a + b", r":1: unexpected '\+'"),
        ("y = a;\nz = (b", r":2: unexpected end of file: expected an operator or '\)'"),
        ("y = a b", r":1: unexpected 'b'"),
        ("y = 2", r":1: constants are 0 and 1; got '2'"),
        ("a = b; b = a", r"there is a cycle: a → b → a"),
        ("y = a\ny = b", r":2: 'y' is assigned twice, first in line 1"),
        ("y = " + "(" * 2000, r"nested more than 1000 deep"),
        ("y = a[1:0]", r"'a' has a range"),
        ("and = a", r"unexpected 'and'"),
        (" // y = a", r":1: there is no expression"),
        ("y = {a}", r"unexpected '\{'"),
        ("y = __import__('os')", r"unexpected '\('"),
    ],
)
def test_errors_of_expressions(text: str, message: str) -> None:
    with pytest.raises(CircuitError, match=message):
        parse(text)
    with pytest.raises(CircuitError, match=r"'b', an input of .*, is not driven"):
        parse("y = a & b", inputs=["a"])


ERRORS = [
    ("bench", "INPUT(a)\nOUTPUT(y)\ny = DFF(a)", r"3: DFF is not supported"),
    ("bench", "INPUT(a)\nOUTPUT(y)\ny = AND(a", r"3: unexpected end of line: expected ',' or '\)'"),
    ("bench", "INPUT(a)\ny = FOO(a)", r"2: unexpected 'FOO': expected one of AND"),
    ("bench", "INPUT(a)\nfoo", r"2: unexpected 'foo'"),
    ("bench", "INPUT(a)\ny = NOT(a, a)", r"2: .*number of inputs must be 1"),
    ("bench", "OUTPUT(y)\ny = AND(y, y)", r"2: there is a cycle: y → y; .*in line 2"),
    ("bench", "INPUT(a)\nINPUT(a)", r"2: the input 'a' is listed twice, first in line 1"),
    ("bench", "INPUT(a)\ny = LUT 0x100 (a, a)", r"2: unexpected '0x100'"),
    ("bench", "", r"1: the file is empty"),
    ("blif", ".model m\n.latch a b re clk 0\n.end", r"2: .latch is not supported"),
    ("blif", ".model m\n.gate nand2 a=b\n.end", r"2: '.gate' is not supported"),
    (
        "blif",
        ".model m\n.inputs a\n.names a y\n2 1\n",
        r"4: unexpected '2': expected 1 of 0, 1 or -",
    ),
    ("blif", ".model m\n.inputs a\n.names a y\n1 1\n0 0", r"5: unexpected '0': the rows"),
    ("blif", ".model m\n.names a a y\n1 1", r"3: unexpected '1': expected 2 of"),
    ("blif", ".model m\n1 1", r"2: unexpected '1'"),
    ("blif", ".model m\n.subckt n a=b", r"2: the model 'n' is not in the file"),
    ("blif", ".model m\n.subckt m", r"2: the model 'm' contains itself"),
    ("blif", ".model m\n.outputs y", r"2: the output 'y' is not driven"),
    ("blif", ".model m\n.inputs a\n.names a", r"3: 'a' is an input .* and cannot be driven"),
    ("blif", "", r"1: there is no model"),
    ("aag", "aag 1 0 1 0 0\n2 2", r"1: 1 latches"),
    ("aag", "aag 1 1 0 1 0 1\n2\n2", r"1: B = 1: properties"),
    ("aag", "aag 1 1 0 1 0\n2\n4\n", r"3: the literal 4 is not driven"),
    ("aag", "aag 3 1 0 1 2\n2\n4\n4 6 2\n6 4 2\n", r"\d: there is a cycle: n[23] → n[23] → n[23]"),
    ("aag", "aag 2 1 0 0 1\n2\n2 2 2", r"3: the literal 2 is defined twice, first in line 2"),
    ("aag", "aag 1 2 0 0 0", r"1: M = 1 does not match"),
    ("aag", "aag 1 1 0 0 0\n2\ni1 x", r"3: unexpected 'i1 x'"),
    ("aag", "aag 1 1 0 x 0", r"1: unexpected 'x': expected O, a number"),
    ("aig", "aig 4000000000 4000000000 0 0 0\n", r"1: the circuit is too large for its file"),
    ("aig", "aig 4000000000 0 0 0 4000000000\n", r"1: the circuit is too large for its file"),
    ("aig", "aig 3 1 0 0 2\n\x02", r"1: unexpected end of file within the AND gates"),
    ("aig", "aig 2 1 0 0 1\n\x00\x00", r"1: the AND gate 4 reads 4 and 4"),
]


@pytest.mark.parametrize(("format", "text", "message"), ERRORS)
def test_errors(format: str, text: str, message: str) -> None:
    with pytest.raises(CircuitError, match=r"^f\.x:" + message):
        loads(text, format, "f.x")


def test_lookup_tables_and_constants_of_abc() -> None:
    circuit = loads(
        "INPUT(a)\nINPUT(b)\nOUTPUT(x)\nOUTPUT(y)\nOUTPUT(z)\nOUTPUT(w)\n"
        "x = LUT 0x2 (a, b)\ny = lut 0x9 ( a, b )\nz = vdd\nw = MUX(a, b, z)",
        "bench",
    )
    expected = [[0, 1, 1, 0], [0, 0, 1, 1], [1, 0, 1, 1], [0, 1, 1, 1]]
    assert circuit.truth_table()[:, 2:].tolist() == expected


def test_covers() -> None:
    text = """.model m
.inputs a b c\n.outputs p q r s t
.names a b c p\n1-0 1\n-11 1\n.names a b c q\n1-0 0\n-11 0
.names r\n1\n.names s\n.names a b t\n-- 1
"""
    a, b, c = all_bits(3).T
    p = (a & ~c) | (b & c)
    expected = np.column_stack([p, ~p, p | True, p & False, p | True])
    np.testing.assert_array_equal(loads(text, "blif").evaluate(all_bits(3)), expected)


@pytest.mark.parametrize("name", ["c17", "mux_4", "c432", "c499", "ctrl", "int2float", "c1908"])
def test_circuitgraph_says_the_same(name: str) -> None:
    circuitgraph = pytest.importorskip("circuitgraph")
    path = Path(circuitgraph.__file__).parent / "netlists" / f"{name}.v"
    ours, theirs = read(path), circuitgraph.from_file(path)
    rng = np.random.default_rng(0)
    words = rng.integers(0, 2**64, (len(ours.inputs), 16), dtype=np.uint64)
    escaped = {net.lstrip("\\"): net for net in theirs.nodes()}
    inputs = {escaped[net]: word for net, word in zip(ours.inputs, words, strict=True)}
    expected, value = simulate(theirs, inputs), ours.words(list(words))
    for net in ours.outputs:
        np.testing.assert_array_equal(value[net], expected[escaped[net]])


def test_registers_are_refused() -> None:
    circuitgraph = pytest.importorskip("circuitgraph")
    path = Path(circuitgraph.__file__).parent / "netlists" / "s27.v"
    with pytest.raises(CircuitError, match=r"^s27\.v:15: the module 'ff' is not in the file"):
        read(path)
