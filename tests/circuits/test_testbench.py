"""The testbench is complete, runs in Icarus Verilog, and fails for a module that is wrong."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from clearprop.circuits.formats.files import dumps, loads
from clearprop.circuits.formats.testbench import vectors_for, write_testbench
from clearprop.circuits.gates import all_bits
from clearprop.circuits.netlist import Cell, Circuit, CircuitError

needs_icarus = pytest.mark.skipif(
    shutil.which("iverilog") is None or shutil.which("vvp") is None,
    reason="Icarus Verilog is not installed",
)


def simulate(folder: Path, module: str, bench: str) -> tuple[int, str]:
    """The exit status and the output of Icarus Verilog."""
    (folder / "module.v").write_text(module)
    (folder / "bench.v").write_text(bench)
    made = ["iverilog", "-g2012", "-Wall", "-o", "test", "module.v", "bench.v"]
    compiled = subprocess.run(made, cwd=folder, capture_output=True, text=True, check=True)
    assert compiled.stderr == ""
    ran = subprocess.run(
        ["vvp", "-N", "test"], cwd=folder, capture_output=True, text=True, check=False
    )
    return ran.returncode, ran.stdout


def adder(n: int) -> Circuit:
    """Two buses, the carry a majority, and names that must be escaped."""
    a, b = [f"a[{i}]" for i in range(n)], [f"b[{i}]" for i in range(n)]
    cells, carry = [], "carry>in"
    for i in range(n):
        cells.append(Cell(f"s[{i}]", "xor", (a[i], b[i], carry)))
        cells.append(Cell(f"c{i}", "majority", (a[i], b[i], carry)))
        carry = f"c{i}"
    outputs = (*(f"s[{i}]" for i in range(n)), carry, "always", "b[0]")
    return Circuit((*a, *b, "carry>in"), outputs, (*cells, Cell("always", "const1", ())), "2-adder")


@needs_icarus
@pytest.mark.parametrize("n", [1, 3, 8])
def test_it_passes(n: int, tmp_path: Path) -> None:
    circuit = adder(n)
    n_vectors = 2 ** (2 * n + 1) if n < 6 else 1024 + 2 * (2 * n + 1) + 2
    status, said = simulate(tmp_path, dumps(circuit, "verilog"), write_testbench(circuit))
    assert (status, said.splitlines()[0]) == (0, f"PASS: {n_vectors} of {n_vectors} vectors")


@needs_icarus
def test_it_fails_for_a_corrupted_module(tmp_path: Path) -> None:
    """One gate is another: the count and the exit status say so, and the rows are shown."""
    circuit = adder(2)
    bench = write_testbench(circuit)
    cells = [replace(c, kind="xnor") if c.output == "s[1]" else c for c in circuit.cells]
    wrong = replace(circuit, cells=tuple(cells))
    status, said = simulate(tmp_path, dumps(wrong, "verilog"), bench)
    assert status != 0
    assert "FAIL: 32 of 32 vectors" in said
    cells = [replace(c, kind="and") if c.output == "c1" else c for c in circuit.cells]
    wrong = replace(circuit, cells=tuple(cells))
    status, said = simulate(tmp_path, dumps(wrong, "verilog"), bench)
    # a majority that became an AND is wrong where two of three are 1
    n_wrong = int((wrong.evaluate(all_bits(5)) != circuit.evaluate(all_bits(5))).any(axis=1).sum())
    assert 0 < n_wrong < 32
    assert status != 0
    assert f"FAIL: {n_wrong} of 32 vectors" in said
    assert len(re.findall(r"FAIL: [01]+ gives [01]+ instead of [01]+", said)) == min(n_wrong, 10)


@needs_icarus
def test_an_undriven_output_fails(tmp_path: Path) -> None:
    """Z is no 0."""
    circuit = Circuit(("a",), ("y",), (Cell("y", "not", ("a",)),), "m")
    bench = write_testbench(circuit)
    status, said = simulate(tmp_path, "module m(input a, output y);\nendmodule\n", bench)
    assert status != 0
    assert "FAIL: 2 of 2 vectors" in said


@needs_icarus
def test_vectors_of_ones_own_and_no_inputs(tmp_path: Path) -> None:
    circuit = adder(2)
    bench = write_testbench(circuit, [[0, 1, 1, 0, 1], [1, 1, 1, 1, 1]])
    assert "vector[1]" in bench
    assert "vector[2]" not in bench
    assert simulate(tmp_path, dumps(circuit, "verilog"), bench)[1].startswith("PASS: 2 of 2")
    constant = Circuit((), ("y",), (Cell("y", "const1", ()),))
    bench = write_testbench(constant)
    assert simulate(tmp_path, dumps(constant, "verilog"), bench)[1].startswith("PASS: 1 of 1")


def test_it_holds_the_truth_table() -> None:
    """Each vector, read from the text, is a row of the truth table."""
    circuit = loads(
        "module m(input [2:0] x, output y);\nassign y = x[0] & ~x[2];\nendmodule", "verilog"
    )
    text = write_testbench(circuit)
    rows = re.findall(r"vector\[\d+\] = 4'b([01]{4});", text)
    assert [[int(bit) for bit in row] for row in rows] == circuit.truth_table().tolist()


def test_vectors_for_many_inputs() -> None:
    vectors = vectors_for(adder(10))
    assert vectors.shape == (1024 + 2 * 21 + 2, 21)
    assert np.array_equal(vectors, vectors_for(adder(10)))
    counts = vectors.sum(axis=1)
    assert [(counts == k).sum() >= m for k, m in ((0, 1), (1, 21), (20, 21), (21, 1))] == [True] * 4


def test_errors() -> None:
    with pytest.raises(CircuitError, match="no outputs"):
        write_testbench(Circuit(("a",), (), ()))
    with pytest.raises(ValueError, match="vectors must be 0 or 1"):
        write_testbench(adder(1), [[0, 1, 2]])
    with pytest.raises(ValueError, match="at least one row"):
        write_testbench(adder(1), np.zeros((0, 3)))
