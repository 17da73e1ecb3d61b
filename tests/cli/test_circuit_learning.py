"""`clearprop circuit learn` and `extract`, in this process through main(argv)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import clearprop as cp

pytestmark = pytest.mark.usefixtures("c17_folder")

ADDER = "s = a ^ b ^ cin; cout = a & b | cin & (a ^ b)"


def test_learn_sharpen_extract_and_compare(run_circuit):
    done = run_circuit(
        "learn", "-e", ADDER, "--hidden-sizes", "4", "--sharpen", "-o", "adder.safetensors"
    )
    assert (done.code, done.err) == (0, "")  # no terminal: no progress bar
    assert "a 3-4-2 network gives all 8 rows" in done.out
    assert "certified on all 8 rows" in done.out
    done = run_circuit(
        "extract", "adder.safetensors", "-o", "again.v", "--testbench", "test.v",
        "--inputs", "a,b,cin", "--outputs", "s,cout",
    )  # fmt: skip
    assert done.code == 0
    assert "the logic equals the network" in done.out
    assert run_circuit("equal", "again.v", "-e", ADDER).code == 0
    assert "module testbench" in Path("test.v").read_text()
    report = json.loads(run_circuit("extract", "adder.safetensors", "--json").out)
    assert report["verdict"] == "equal"
    assert report["inputs"] == ["x1", "x2", "x3"]
    piped = run_circuit("extract", "adder.safetensors", "-o", "-", "--to", "blif")
    assert piped.out.startswith(".model extracted")
    wrong = run_circuit("extract", "adder.safetensors", "--inputs", "a")
    assert wrong.code == 2
    assert "inputs must be 3 different names" in wrong.err


def test_learn_reports_honestly(run_circuit):
    done = run_circuit(
        "learn", "0110", "--hidden-sizes", "1", "--steps", "100", "-o", "m.safetensors"
    )
    assert done.code == 1
    assert "not learned" in done.out
    assert "nothing is saved" in done.out
    assert not Path("m.safetensors").exists()
    report = json.loads(run_circuit("learn", "01x0", "-o", "m.safetensors", "--json").out)
    assert report["learned"]
    net = cp.Network.load("m.safetensors")
    assert [net.predict([row])[0] for row in ([0, 0], [0, 1], [1, 1])] == [0, 1, 0]
    again = run_circuit("learn", "0110", "-o", "m.safetensors")
    assert "m.safetensors exists; --force replaces it" in again.err


def test_extract_refuses_what_is_not_binary(run_circuit):
    cp.Network([30, 40, 1], hidden="tanh", output="logistic", seed=0).save("m.safetensors")
    done = run_circuit("extract", "m.safetensors")
    assert done.code == 1
    assert done.err.startswith("clearprop: error: m.safetensors: the 30 input bits have ")
    assert done.err.count("\n") == 1
    cp.Network([3, 4, 1], hidden="gelu", output="logistic", seed=0).save("m.safetensors")
    done = run_circuit("extract", "m.safetensors")
    assert done.code == 2
    assert "gelu" in done.err


def test_learn_without_a_file_only_reports(run_circuit, c17_folder):
    before = sorted(c17_folder.iterdir())
    done = run_circuit("learn", "0110")
    assert done.code == 0
    assert "2-2-1 network gives all 4 rows" in done.out
    assert "nothing is saved" in done.out
    assert sorted(c17_folder.iterdir()) == before
    assert json.loads(run_circuit("learn", "0110", "--json").out)["output"] is None


def test_rows_that_do_not_matter_are_not_counted(run_circuit):
    assert "gives all 3 rows that matter" in run_circuit("learn", "01x0").out


def test_extract_under_a_name(run_circuit):
    run_circuit("learn", "0110", "-o", "xor.safetensors")
    text = run_circuit("extract", "xor.safetensors", "--name", "exor", "-o", "-").out
    assert text.startswith("module exor(")


def test_extract_ends_within_a_time_limit(run_circuit):
    cp.Network([16, 12, 1], hidden="tanh", output="logistic", seed=0).save("m.safetensors")
    done = run_circuit("extract", "m.safetensors", "--time-limit", "0.000001")
    assert done.code == 1
    assert "time" in done.err
    assert done.err.count("\n") == 1
    assert run_circuit("extract", "m.safetensors", "--time-limit", "0").code == 2
