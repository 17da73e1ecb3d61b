"""Small circuits on every input: certified error, true error, and who else says so.

    pip install circuitgraph==0.2.1
    python -m benchmarks.circuits.exhaustive

circuitgraph's netlists with at most 20 inputs, against circuitgraph's graph evaluated gate by gate;
adders, multipliers, multiplexers and parities that are built here, against Python's integers. Each
at gain 8, and its bits again at its smallest certified gain. The exit status is 1 if a bit is wrong
or an error above the certified one.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from benchmarks.circuits.functions import adder, majority, multiplexer, parity
from benchmarks.circuits.markdown import head, line, machine, seconds, timed
from benchmarks.circuits.peer import load, netlists, simulate
from clearprop._typing import Array
from clearprop.circuits.gates import all_bits
from clearprop.circuits.netlist import Cell, Circuit
from clearprop.circuits.soft.certificate import minimum_gain
from clearprop.circuits.soft.circuit import certify, compile

AT_ONCE = 2**14  # inputs
FILES = ["c17", "c17_assign", "c17_gates", "c17g", "mux_2", "mux_4", "switch", "ctrl", "dec"]
FILES += ["cavlc", "int2float"]
COLUMNS = ["circuit", "inputs", "outputs", "units", "rows", "wrong bits", "certified error"]
COLUMNS += ["largest error", "least gain", "wrong bits there", "compared with", "s"]


def of_circuitgraph(name: str, circuit: Circuit) -> Array:
    """All rows of a netlist, as circuitgraph's graph has them: bool (2^n, outputs)."""
    import circuitgraph

    bits = all_bits(len(circuit.inputs))
    graph = circuitgraph.from_file(netlists() / f"{name}.v")
    net = {net.lstrip("\\"): net for net in graph.nodes()}
    value = simulate(
        graph, {net[x]: column for x, column in zip(circuit.inputs, bits.T, strict=True)}
    )
    return np.stack([value[net[y]] for y in circuit.outputs], axis=1)


def bus(letter: str, n: int) -> tuple[str, ...]:
    """The highest bit first."""
    return tuple(f"{letter}{i}" for i in range(n - 1, -1, -1))


def ripple_adder(n: int) -> Circuit:
    """a + b of n bits, from full adders."""
    cells = [Cell("s0", "xor", ("a0", "b0")), Cell("c1", "and", ("a0", "b0"))]
    for i in range(1, n):
        read = (f"a{i}", f"b{i}", f"c{i}")
        cells += [Cell(f"s{i}", "xor", read), Cell(f"c{i + 1}", "majority", read)]
    return Circuit(
        (*bus("a", n), *bus("b", n)), (f"c{n}", *bus("s", n)), tuple(cells), f"adder {n}+{n}"
    )


def array_multiplier(n: int) -> Circuit:
    """a · b of n bits: the rows of partial products, added one by one with half and full adders."""
    cells = [Cell(f"p{i}_{j}", "and", (f"a{i}", f"b{j}")) for j in range(n) for i in range(n)]
    total = {i: f"p{i}_0" for i in range(n)}
    for j in range(1, n):
        carry = ""
        for i in range(n):
            place = i + j
            read = tuple(net for net in (f"p{i}_{j}", total.get(place, ""), carry) if net)
            if len(read) == 1:
                total[place], carry = read[0], ""
                continue
            cells.append(Cell(f"s{j}_{place}", "xor", read))
            kind = "and" if len(read) == 2 else "majority"
            cells.append(Cell(f"c{j}_{place}", kind, read))
            total[place], carry = f"s{j}_{place}", f"c{j}_{place}"
        total[n + j] = carry
    cells += [Cell(f"y{place}", "buf", (net,)) for place, net in total.items()]
    return Circuit((*bus("a", n), *bus("b", n)), bus("y", 2 * n), tuple(cells), f"{n} × {n}")


def mux_tree(n: int) -> Circuit:
    """n selecting inputs, the highest first, then 2^n others."""
    cells, below = [], [f"x{i}" for i in range(2**n)]
    for level in range(n):
        pairs = zip(below[::2], below[1::2], strict=True)
        below = [f"m{level}_{i}" for i in range(len(below) // 2)]
        for net, pair in zip(below, pairs, strict=True):
            cells.append(Cell(net, "mux", (f"s{level}", *pair)))
    inputs = (*bus("s", n), *(f"x{i}" for i in range(2**n)))
    return Circuit(inputs, (below[0],), tuple(cells), f"multiplexer {2**n}:1")


def one_gate(kind: str, n: int) -> Circuit:
    """A single gate of n inputs."""
    inputs = tuple(f"x{i}" for i in range(n))
    return Circuit(inputs, ("y",), (Cell("y", kind, inputs),), f"{kind} of {n}")


def products(n: int) -> Array:
    """a · b of n bits each, the highest bit first, in 2n bits."""
    digits = 1 << np.arange(2 * n - 1, -1, -1)
    number = np.arange(2**n)
    digit: Array = np.outer(number, number).reshape(-1, 1) & digits != 0
    return digit


def cases(largest: int) -> Iterator[tuple[str, Circuit, str, Callable[[], Array]]]:
    """The name, the circuit, and who says what its outputs are on all rows; of few inputs."""
    for name in FILES:
        circuit = load(name)
        if len(circuit.inputs) <= largest:
            yield name, circuit, "circuitgraph", partial(of_circuitgraph, name, circuit)
    built: list[tuple[Circuit, Callable[[], Array]]] = []
    for n in (2, 4, 8):
        built.append((ripple_adder(n), partial(adder, n)))
        built.append((array_multiplier(n), partial(products, n)))
    built += [(mux_tree(n), partial(multiplexer, n)) for n in (1, 2, 3, 4)]
    built += [(one_gate("xor", n), partial(parity, n)) for n in (2, 8, 16)]
    built += [(one_gate("majority", n), partial(majority, n)) for n in (3, 9, 15)]
    for circuit, table in built:
        if len(circuit.inputs) <= largest:
            yield circuit.name, circuit, "integers", table


def measure(circuit: Circuit, table: Callable[[], Array]) -> tuple[list[object], bool]:
    """units, rows, wrong bits, …, and whether all is right."""
    soft = compile(circuit)
    proof, gain = certify(soft), minimum_gain(circuit)
    at_least = replace(soft, gain=gain)
    n = len(circuit.inputs)
    wanted = table().reshape(2**n, -1).astype(bool)
    wrong = wrong_there = 0
    error = 0.0
    for first in range(0, 2**n, AT_ONCE):
        rows = np.arange(first, min(first + AT_ONCE, 2**n))
        bits = rows[:, None] >> np.arange(n - 1, -1, -1) & 1 == 1
        y, t = soft.evaluate(bits), wanted[rows]
        wrong += int(((y > 0.5) != t).sum())
        wrong_there += int((at_least.predict(bits) != t).sum())
        error = max(error, float(np.abs(y - t).max()))
    row: list[object] = [soft.n_units, 2**n, wrong, f"{proof.error:.6f}", f"{error:.6f}"]
    row += [f"{gain:.3f}" if gain > 1e-3 else "any", wrong_there]
    return row, bool(proof.ok and wrong == wrong_there == 0 and error <= proof.error)


def main() -> int:
    """The table; 1 if anything in it was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--inputs", type=int, default=20, metavar="N", help="at most, 20")
    given = parser.parse_args()
    print(f"{machine()}\n\n{head(COLUMNS)}")
    good, n_rows = True, 0
    for name, circuit, who, table in cases(given.inputs):
        (row, right), taken = timed(partial(measure, circuit, table))
        shown = [name, len(circuit.inputs), len(circuit.outputs), *row, who, seconds(taken)]
        print(line(shown), flush=True)
        good, n_rows = good and right, n_rows + 2 ** len(circuit.inputs)
    print(f"\n{n_rows:,} rows; {'every bit is right' if good else 'NOT all is right'}")
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
