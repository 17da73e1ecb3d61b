"""The benchmarks of circuits: what each module's table is made of, without times."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
from random_circuits import changed, one_gate, ripple_adder

from benchmarks.circuits import (
    certify,
    exhaustive,
    extract,
    functions,
    fuzz,
    integers,
    learn,
    markdown,
    mutations,
    netlists,
    peer,
    roundtrip,
    speed,
    threshold_functions,
    tools,
)
from clearprop.circuits.gates import all_bits
from clearprop.circuits.netlist import Circuit
from clearprop.circuits.soft.circuit import compile


def inverted(circuit: Circuit) -> Circuit:
    """Another function: its last gate has the inverse of its logic."""
    other = {"xor": "xnor", "or": "nor", "and": "nand", "nand": "and", "majority": "nor"}
    last = circuit.cells[-1]
    cells = (*circuit.cells[:-1], replace(last, kind=other[last.kind]))
    return replace(circuit, cells=cells)


def test_markdown() -> None:
    assert markdown.head(["a", "b"]) == "| a | b |\n|---|---:|"
    assert markdown.line(["x", 12345, "0.5"]) == "| x | 12,345 | 0.5 |"
    assert [markdown.seconds(s) for s in (0.00123, 0.5, 12.4)] == ["0.0012", "0.50", "12"]


def test_functions() -> None:
    assert functions.adder(2)[0b0111].tolist() == [1, 0, 0]  # 1 + 3
    assert functions.multiplexer(1).tolist() == [0, 0, 1, 1, 0, 1, 0, 1]
    assert functions.parity(3).tolist() == [0, 1, 1, 0, 1, 0, 0, 1]
    assert functions.majority(3).tolist() == [0, 0, 0, 1, 0, 1, 1, 1]
    for make, _ in functions.FUNCTIONS.values():
        assert len(make(0)).bit_count() == 1
        assert set(np.unique(make(0))) <= {0, 1}


# ----------------------------------------------------------------- certify, exhaustive, mutations


def test_certify() -> None:
    pytest.importorskip("circuitgraph")
    pytest.importorskip("pysat")
    row, right = certify.measure("c17", 64, 10.0)
    assert right
    assert len(row) == len(certify.COLUMNS)
    assert row[:8] == ["c17", 5, 2, 6, 3, 6, 3, 12]
    assert row[-3:-1] == ["0 of 256", "0 of 64"]


def test_certify_sees_what_is_wrong() -> None:
    """Another netlist, and another one's simulation."""
    pytest.importorskip("circuitgraph")
    pytest.importorskip("pysat")
    soft = compile(peer.load("c17"))
    bits = all_bits(5)
    theirs = peer.Peer.of("c17")
    good = certify.compare(soft, theirs, bits, 10.0)
    assert (good.n, good.n_different) == (32, 0)
    other = compile(inverted(soft.circuit))
    assert certify.compare(other, theirs, bits, 10.0).n_different > 0
    assert certify.compare(soft, theirs, bits, 1e-9).n == 16
    broken = changed(soft, thresholds=soft.units.thresholds + (np.arange(6) == 5))
    assert certify.measured(broken, bits)[2] > 0
    error, net_error, wrong = certify.measured(soft, bits)
    assert wrong == 0
    assert error <= net_error <= soft.certify().worst_error


def test_integers() -> None:
    pytest.importorskip("circuitgraph")
    bits = np.array([[1, 0, 1, 0], [0, 1, 1, 1]], bool)
    assert integers.numbers(bits, (4,)) == [(5,), (14,)]
    assert integers.numbers(bits, (1, 3)) == [(1, 2), (0, 7)]
    for name in ("c6288", "adder", "bar"):
        soft, what = compile(peer.load(name)), integers.ARITHMETIC[name]
        assert integers.count_right(soft, what, 16) == 16
        unit = soft.units.outputs[0]
        thresholds = soft.units.thresholds + 99 * (np.arange(soft.n_units) == unit)
        assert integers.count_right(changed(soft, thresholds=thresholds), what, 16) < 16


def test_exhaustive() -> None:
    pytest.importorskip("circuitgraph")
    seen = []
    for name, circuit, _, table in exhaustive.cases(8):
        row, right = exhaustive.measure(circuit, table)
        assert right, name
        assert row[1] == 2 ** len(circuit.inputs)
        seen.append(name)
    assert {"c17", "ctrl", "adder 4+4", "4 × 4", "multiplexer 4:1", "xor of 8"} <= set(seen)
    circuit = exhaustive.ripple_adder(2)
    assert not exhaustive.measure(inverted(circuit), lambda: functions.adder(2))[1]


def test_mutations() -> None:
    softs = [compile(ripple_adder(2)), compile(one_gate("majority", 3))]
    for mutate in mutations.MUTATIONS.values():
        found = mutations.look(softs, mutate, 12, seed=0)
        assert (found.n, found.by_certificate, found.missed) == (12, 12, ())
        assert found.by_vectors > 6
    unchanged = mutations.look(softs, lambda soft, rng: ("nothing", soft), 2, seed=0)
    assert unchanged.by_certificate == unchanged.by_vectors == 0
    assert unchanged.missed == ("adder: nothing", "circuit: nothing")
    broken = changed(softs[0], thresholds=softs[0].units.thresholds + 1)
    with pytest.raises(SystemExit, match="adder is not certified as it is"):
        mutations.look([broken], mutations.flip_weight, 1, seed=0)


# ---------------------------------------------------------------------------- files, other programs


def test_fuzz() -> None:
    pytest.importorskip("circuitgraph")
    found = fuzz.files("blif", ("c17", "mux_2"))
    assert [format for _, format in found] == ["blif", "blif"]
    told = fuzz.check(found, 20, seed=0, seconds=fuzz.SECONDS)
    assert told["refused"] + told["read"] == 20


def test_netlists(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("circuitgraph")
    monkeypatch.setattr("sys.argv", ["netlists", "c17.v", "s27.v"])
    netlists.main()
    _, c17, s27 = capsys.readouterr().out.splitlines()
    assert c17.endswith(" yes")
    assert "refused: s27.v:15" in s27


needs_icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")
needs_abc = pytest.mark.skipif(shutil.which("berkeley-abc") is None, reason="needs berkeley-abc")


@pytest.mark.parametrize(
    ("ask", "good"),
    [
        pytest.param(tools.in_icarus, "PASS: 32 of 32", marks=needs_icarus),
        pytest.param(tools.in_abc, "equal", marks=needs_abc),
    ],
)
def test_tools(ask: Callable[..., str], good: str, tmp_path: object) -> None:
    circuit = ripple_adder(2)
    assert ask(circuit, circuit, tmp_path) == good
    assert ask(inverted(circuit), circuit, tmp_path) != good


def test_roundtrip() -> None:
    pytest.importorskip("pysat")
    row, right = roundtrip.there_and_back("XOR", 0, search=False)
    assert right
    assert len(row) == len(roundtrip.HEAD)
    wanted = roundtrip.original(functions.adder(2))
    assert wanted.truth_table()[:, 4:].tolist() == functions.adder(2).tolist()
    assert list(roundtrip.chosen(["XOR", "random of 4"], 2)) == [
        ("XOR", 0),
        ("random of 4", 0),
        ("random of 4", 1),
    ]


# ------------------------------------------------------------------------- learning, speed, counts


def test_learn_and_extract(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("sklearn")
    assert "| XOR | 2 | 1/1 |" in learn.run("XOR", 2, 1)
    net, learnt = extract.train(functions.parity(2), 3, "tanh")
    assert learnt
    found = extract.extract(net)
    extract.show("xor", net, found, extract.extract(net, by="table"))
    assert "equal" in capsys.readouterr().out


def test_speed() -> None:
    soft = compile(ripple_adder(4))
    assert speed.batch(soft) == 16384
    found = speed.rates(soft, 64, 3)
    assert len(found) == 3
    assert min(found) > 0
    assert speed.shown([2e6, 1e6, 9e6]) == "2 (1…9)"


def test_threshold_functions(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["threshold_functions", "3"])
    assert threshold_functions.main() == 0
    assert "104" in capsys.readouterr().out
    assert [len(threshold_functions.monotone_functions(n)) for n in range(5)] == [2, 3, 6, 20, 168]


@pytest.mark.parametrize("module", [certify, exhaustive, integers, mutations, roundtrip, speed])
def test_each_says_how_it_is_run(module: ModuleType) -> None:
    assert f"python -m {module.__name__}" in str(module.__doc__)
