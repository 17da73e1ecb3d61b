"""Circuits for tests: random ones for Hypothesis, single gates, and a ripple-carry adder."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from clearprop.circuits.gates import find_kind
from clearprop.circuits.netlist import Cell, Circuit
from clearprop.circuits.soft.circuit import SoftCircuit

KINDS = ["and", "or", "nand", "nor", "xor", "xnor", "not", "buf", "mux", "majority"]
KINDS += ["at_least_2", "const0", "const1"]


@st.composite
def circuits(draw: st.DrawFn, max_inputs: int = 5, max_cells: int = 12) -> Circuit:
    """Circuits of any gates on any nets before them, with any nets as outputs."""
    inputs = tuple(f"i{i}" for i in range(draw(st.integers(1, max_inputs))))
    nets = list(inputs)
    cells = []
    for number in range(draw(st.integers(0, max_cells))):
        kind = draw(st.sampled_from(KINDS))
        row = find_kind(kind)
        arity = draw(st.sampled_from([k for k in range(5) if row.allows(k)]))
        read = draw(st.lists(st.sampled_from(nets), min_size=arity, max_size=arity))
        cells.append(Cell(f"n{number}", kind, tuple(read)))
        nets.append(f"n{number}")
    outputs = draw(st.lists(st.sampled_from(nets), min_size=1, max_size=4))
    return Circuit(inputs, tuple(outputs), tuple(cells), "random")


def one_gate(kind: str, arity: int) -> Circuit:
    """y, of the inputs x0, x1, …"""
    inputs = tuple(f"x{i}" for i in range(arity))
    return Circuit(inputs, ("y",), (Cell("y", kind, inputs),))


def ripple_adder(n: int) -> Circuit:
    """a + b + c0 of n bits: inputs a0 …, b0 …, c0, outputs s0 … and the last carry."""
    cells = []
    for i in range(n):
        a, b, c = f"a{i}", f"b{i}", f"c{i}"
        cells += [
            Cell(f"p{i}", "xor", (a, b)),
            Cell(f"s{i}", "xor", (f"p{i}", c)),
            Cell(f"g{i}", "and", (a, b)),
            Cell(f"t{i}", "and", (f"p{i}", c)),
            Cell(f"c{i + 1}", "or", (f"g{i}", f"t{i}")),
        ]
    inputs = (*(f"a{i}" for i in range(n)), *(f"b{i}" for i in range(n)), "c0")
    outputs = (*(f"s{i}" for i in range(n)), f"c{n}")
    return Circuit(inputs, outputs, tuple(cells), "adder")


def changed(soft: SoftCircuit, **fields: Any) -> SoftCircuit:
    """The soft circuit with other weights, thresholds or gates, as if compiled wrong."""
    return replace(soft, units=replace(soft.units, **fields))
