"""`clearprop circuit …`, in this process through main(argv) and once in a real one."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import clearprop as cp
from clearprop import circuits
from clearprop.circuits.formats.files import FORMATS
from clearprop.cli import main
from clearprop.cli.circuit import arguments
from clearprop.cli.circuit.arguments import SUBCOMMANDS

pytestmark = pytest.mark.usefixtures("c17_folder")

ADDER = "s = a ^ b ^ cin; cout = a & b | cin & (a ^ b)"


# ---- usage ---------------------------------------------------------------------------------------


def test_help(run_circuit):
    overview = run_circuit("--help")
    assert overview.code == 0
    for name, _, _, _ in SUBCOMMANDS:
        assert name in overview.out
        told = run_circuit(name, "--help")
        assert told.code == 0
        assert "--json" in told.out
        assert "--quiet" in told.out


def test_the_formats_are_those_of_the_package():
    assert tuple(FORMATS) == arguments.FORMATS


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ((), "required: SUBCOMMAND (see clearprop circuit --help)"),
        (("fly",), "invalid choice: 'fly'"),
        (("show",), "CIRCUIT or --expression is missing"),
        (("show", "c17.v", "-e", "a"), "CIRCUIT or --expression, not both; got c17.v"),
        (("show", "c18.v"), "c18.v: No such file or directory"),
        (("show", "c18"), "c18: there is no such file; a truth table consists of 0, 1 and x"),
        (("show", "."), "the format is unknown; give --format"),
        (("show", "010"), "2^n entries for n = 1 ... 12 inputs, such as 2, 4 or 8; got 3"),
        (("show", "0110,01"), "its outputs have 4 and 2 entries"),
        (("show", "-e", "a &"), "expressions:1: unexpected end of file"),
        (("show", "-e", "y = a & y"), "there is a cycle: y → y"),
        (("show", "c17.v", "--format", "blif"), "c17.v:1: "),
        (("show", "-e", "&".join(f"x{i}" for i in range(11)), "-t"), "at most 10 inputs"),
        (("show", "c17.v", "--gain", "0"), "--gain: must be a number above 0"),
        (("gate", "nandy"), "kind must be one of const0, "),
        (("gate", "mux", "2"), "arity of mux must be 3; got 2"),
        (("gate", "and", "11"), "a table is shown for at most 10 inputs; got 11"),
        (("draw", "0110", "--bits", "011"), "--bits has 3 digits for 2 inputs: x1 x2"),
        (("draw", "0110", "--bits", "0x"), "--bits: must be digits 0 and 1"),
        (("draw", "0110", "--hard"), "--gain and --hard need --bits"),
        (("draw", "0110", "-o", "none/a.svg"), "the folder none does not exist"),
        (("draw", "c17.v", "-o", "c17.v"), "--output c17.v is an input of this command"),
        (("convert", "c17.v", "-o", "a.txt"), "a.txt: the format is unknown; give --to"),
        (("convert", "c17.v", "-o", "a.aig", "--testbench", "t.v"), "a.aig has the format aig"),
        (("convert", "c17.v", "--json"), "--json needs --output OUT"),
        (("compile", "c17.v"), "required: -o/--output"),
        (("compile", "c17.v", "-o", "c17.v"), "c17.v exists; --force replaces it"),
        (("certify", "0110", "--error", "0.7"), "--error: must be a number above 0 and at most"),
        (("equal", "c17.v"), "give two circuits to compare, by CIRCUIT or --expression; got 1"),
        (
            ("equal", "c17.v", "0110"),
            "which 0110 does not have; --by-order pairs ports by their order",
        ),
        (("threshold", "-e", "&".join(f"x{i}" for i in range(17))), "1 ... 16 inputs"),
        (("learn", "xx", "-o", "m"), "nothing in it matters"),
        (
            ("learn", "0110", "-o", "m", "--hidden-sizes", "2,y"),
            "--hidden-sizes: must be a whole number",
        ),
        (("extract", "c17.v"), "c17.v: not a model file"),
        (("extract", "none"), "none: No such file or directory"),
        (("extract", "none", "--to", "blif"), "--to and --testbench need --output OUT"),
    ],
)
def test_bad_usage(run_circuit, command, message):
    before = sorted(os.listdir())
    done = run_circuit(*command)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert done.err.startswith("clearprop: error: ")
    assert done.err.count("\n") == 1
    assert sorted(os.listdir()) == before


@settings(max_examples=150)
@given(
    st.sampled_from(["show", "certify", "threshold", "convert", "draw"]),
    st.text(alphabet="ab01x-,~&|^()?:;= \n\x1b", max_size=24),
    st.booleans(),
)
def test_any_text_is_a_circuit_or_one_line_of_error(command, text, expression):
    with pytest.MonkeyPatch.context() as patch:
        out, err = io.StringIO(), io.StringIO()
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        patch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(text.encode())))
        given = ["-e", text] if expression else ["--", text]
        code = main(["circuit", command, *given])
    assert code in (0, 1, 2)
    assert "Error" not in err.getvalue()
    assert "\x1b" not in out.getvalue() + err.getvalue()
    if code == 2:
        assert out.getvalue() == ""
        assert err.getvalue().count("\n") == 1


# ---- gates and circuits to look at ---------------------------------------------------------------


def test_gate_is_the_lectures_table(run_circuit):
    done = run_circuit("gate", "or")
    assert (done.code, done.err) == (0, "")
    assert "y = σ(g (x1 + x2 - 0.5))" in done.out
    lines = [line.split() for line in done.out.splitlines()[-5:-1]]
    assert lines == [
        ["0", "0", "0", "0.006693"],
        ["0", "1", "1", "0.993307"],
        ["1", "0", "1", "0.993307"],
        ["1", "1", "1", "1.000000"],
    ]
    assert "majority" in run_circuit("gate").out
    assert "full_adder" in json.loads(run_circuit("gate", "--json").out)["kinds"]


@pytest.mark.parametrize("kind", [*circuits.GATES, "at_least_3"])
def test_every_gate_is_shown(run_circuit, kind):
    report = json.loads(run_circuit("gate", kind, "--gain", "20", "--json").out)
    table = np.array(report["truth_table"])
    n = len(report["inputs"])
    np.testing.assert_allclose(report["soft"], table[:, n:], atol=1e-4)  # ≥ e^(−20/2)
    text = run_circuit("gate", kind).out
    assert text.count("σ(") == len(report["neurons"])


def test_gate_formulas_have_the_signs_of_the_weights(run_circuit):
    assert "y = σ(g (-x1 - x2 + 1.5))" in run_circuit("gate", "nand").out
    assert "y = σ(g (x1 + x2 + x3 - 2 h1 - 0.5))" in run_circuit("gate", "xor", "3").out


def test_show(run_circuit):
    done = run_circuit("show", "c17.v")
    assert done.code == 0
    assert done.out.splitlines()[0] == "c17.v: c17"
    for text in ("5 nets", "N1 N2 N3 N6 N7", "6 nand", "3 gates", "6 neurons"):
        assert text in done.out
    report = json.loads(run_circuit("show", "-e", ADDER, "--table", "--json").out)
    assert report["kinds"] == {"xor": 2, "and": 2, "or": 1}
    assert report["certified"] is True
    a, b, cin, s, cout = np.array(report["truth_table"]).T
    np.testing.assert_array_equal(a + b + cin, s + 2 * cout)
    off = np.abs(np.array(report["soft"]) - np.stack([s, cout], 1)).max(axis=0)
    assert (off <= np.array(report["certified_error"]) * (1 + 1e-9)).all()
    text = run_circuit("show", "-e", ADDER, "--table").out
    assert "soft cout" in text
    assert "certified" in text


def test_a_truth_table_is_a_circuit(run_circuit):
    report = json.loads(run_circuit("show", "0110,0001", "--table", "--json").out)
    table = [[0, 0, 0, 0], [0, 1, 1, 0], [1, 0, 1, 0], [1, 1, 0, 1]]
    assert report["truth_table"] == table
    done = run_circuit("show", "01x1")
    assert "do not matter" in done.err
    assert run_circuit("show", "01x1", "-q").err == ""


def test_standard_input(run_circuit, monkeypatch):
    monkeypatch.setattr(
        sys, "stdin", SimpleNamespace(buffer=io.BytesIO(Path("c17.v").read_bytes()))
    )
    assert "6 nand" in run_circuit("show", "-", "--format", "verilog").out


def test_an_expression_may_read_y(run_circuit):
    report = json.loads(run_circuit("show", "-e", "s ? a : y", "--json").out)
    assert (report["inputs"], report["outputs"]) == (["s", "a", "y"], ["y_"])


def test_draw_a_part(run_circuit):
    done = run_circuit("draw", "c17.v", "--cone", "N10,N16", "-b", "0101", "--hard")
    assert done.code == 0
    assert "N10 = 1" in done.out
    assert "N7" not in done.out  # of the inputs only those that are read
    assert run_circuit("draw", "c17.v", "--cone", "N99").code == 2
    wide = " ^ ".join(f"(a{i} & b{i})" for i in range(401))
    assert "--cone" in run_circuit("draw", "-e", wide).err
    assert "standard input: the format is unknown" in run_circuit("show", "-").err


def test_draw(run_circuit):
    done = run_circuit("draw", "-e", ADDER, "--bits", "101", "-o", "adder.svg")
    assert (done.code, done.out) == (0, "circuit is drawn in adder.svg\n")
    svg = Path("adder.svg").read_text()
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    assert "cout = 0.98" in svg
    assert "cout = 1<" in run_circuit("draw", "-e", ADDER, "--bits", "101", "--hard").out
    assert "cout = 1.000" in run_circuit("draw", "-e", ADDER, "--bits", "101", "--gain", "40").out
    plain = run_circuit("draw", "c17.v")
    assert plain.out == circuits.draw(circuits.read("c17.v"))
    assert json.loads(run_circuit("draw", "c17.v", "--json").out)["svg"] == plain.out


# ---- files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", list(FORMATS))
def test_convert_to_every_format_and_back(run_circuit, format):
    out = f"c17{FORMATS[format].endings[0]}x"
    assert run_circuit("convert", "c17.v", "-o", out, "--to", format).code == 0
    back = circuits.read(out, format)
    assert circuits.equivalent(back, circuits.read("c17.v")).equal
    piped = run_circuit("convert", "c17.v", "--to", format)
    assert piped.bytes == Path(out).read_bytes()


def test_convert_writes_a_testbench(run_circuit):
    done = run_circuit("convert", "-e", ADDER, "-o", "adder.v", "--testbench", "test.v")
    assert done.code == 0
    assert "iverilog -g2012 -o test adder.v test.v && vvp -N test" in done.out
    if shutil.which("iverilog") is None:
        pytest.skip("Icarus Verilog is not installed")
    subprocess.run(["iverilog", "-g2012", "-o", "test", "adder.v", "test.v"], check=True)
    ran = subprocess.run(["vvp", "-N", "test"], check=True, capture_output=True, text=True)
    assert "PASS: 8 of 8 vectors" in ran.stdout


def test_compile(run_circuit):
    done = run_circuit("compile", "c17.v", "-o", "c17.safetensors")
    assert done.code == 0
    assert "network 5-4-3-2, gain 8, float64" in done.out
    assert "proved: for every input, every output" in done.out
    net = cp.Network.load("c17.safetensors")
    c = circuits.read("c17.v")
    bits = c.truth_table()[:, :5]
    np.testing.assert_array_equal(net.forward(bits.astype(float)).y_hat > 0.5, c.evaluate(bits))
    report = json.loads(
        run_circuit("compile", "c17.v", "-o", "c17.safetensors", "-f", "--json").out
    )
    error = np.abs(net.forward(bits.astype(float)).y_hat - c.evaluate(bits)).max()
    assert error <= report["certified_error"] < 0.5
    float32 = run_circuit("compile", "c17.v", "-o", "c17.safetensors", "-f", "--dtype", "float32")
    assert float32.code == 0
    assert cp.Network.load("c17.safetensors").theta.dtype == np.float32


def test_compile_refuses_what_is_not_proved_or_too_large(run_circuit):
    done = run_circuit("compile", "c17.v", "-o", "m.safetensors", "--gain", "2")
    assert done.code == 1
    assert "at gain 2 nothing is proved" in done.err
    assert not Path("m.safetensors").exists()
    assert (
        run_circuit("compile", "c17.v", "-o", "m.safetensors", "-g", "2", "--uncertified").code == 0
    )
    assert cp.Network.load("m.safetensors").sizes == [5, 4, 3, 2]
    chain = ";".join(f"y{i + 1} = y{i} & a{i} | ~b{i}" for i in range(300))
    done = run_circuit("compile", "-e", chain, "-o", "n.safetensors", "--max-mib", "1")
    assert done.code == 2
    assert "dense weights" in done.err
    assert "--max-mib allows 1 MiB" in done.err
    assert not Path("n.safetensors").exists()


# ---- proofs --------------------------------------------------------------------------------------


def test_certify(run_circuit):
    done = run_circuit("certify", "c17.v")
    assert done.code == 0
    assert "For all 2^5 inputs each output of c17 is within" in done.out
    assert "Measured on 32 inputs" in done.out
    assert "The least gain certified" in done.out
    assert "N23" in done.out
    report = json.loads(run_circuit("certify", "c17.v", "--json").out)
    assert report["certified"]
    assert report["measured_error"] <= report["certified_error"] < 0.5
    least = report["least_gain"]
    assert json.loads(run_circuit("certify", "c17.v", "-g", least, "--json").out)["certified"]
    failed = run_circuit("certify", "c17.v", "-g", 0.9 * least)
    assert failed.code == 1
    assert "nothing is proved for c17" in failed.out


def test_the_least_gain_that_is_told_is_certified(run_circuit):
    text = run_circuit("certify", "-e", ADDER, "--error", "0.01", "--vectors", "0").out
    told = text.split("within 0.01 of its bit: ")[1].split()[0]
    assert run_circuit("certify", "-e", ADDER, "--error", "0.01", "-g", told).code == 0
    assert run_circuit("certify", "-e", ADDER, "--error", "0.01", "-g", "8").code == 1


def test_certify_an_error_that_rounding_does_not_allow(run_circuit):
    done = run_circuit("certify", "c17.v", "--error", "1e-9", "--dtype", "float32")
    assert done.code == 1
    assert "No gain certifies c17 to within 1e-09 in float32" in done.out
    assert run_circuit("certify", "c17.v", "--error", "1e-9").code == 0
    soft = run_circuit("certify", "c17.v", "--input-error", "0.4")
    assert soft.code == 1


def test_equal(run_circuit):
    run_circuit("convert", "c17.v", "-o", "c17.blif")
    same = run_circuit("equal", "c17.v", "c17.blif")
    assert (same.code, same.out[:20]) == (0, "equal for all inputs")
    assert "SAT" in run_circuit("equal", "c17.v", "c17.blif", "--method", "sat").out
    assert run_circuit("equal", "-e", "a | a & b", "-e", "a").code == 0
    assert run_circuit("equal", "-e", "a & b", "0001", "--by-order").code == 0


def test_a_counterexample_is_one(run_circuit):
    Path("wrong.v").write_text(Path("c17.v").read_text().replace("nand (N16", "nor (N16"))
    done = run_circuit("equal", "c17.v", "wrong.v")
    assert done.code == 1
    assert done.out.startswith("different")
    report = json.loads(run_circuit("equal", "c17.v", "wrong.v", "--json").out)
    bits = [list(report["counterexample"].values())]
    first, second = (circuits.read(name).evaluate(bits)[0] for name in ("c17.v", "wrong.v"))
    differing = {row["output"]: (row["first"], row["second"]) for row in report["outputs"]}
    assert differing == {
        name: (u, v)
        for name, u, v in zip(("N22", "N23"), first.tolist(), second.tolist(), strict=True)
        if u != v
    }
    assert differing


def test_threshold(run_circuit):
    done = run_circuit("threshold", "0111")
    assert done.code == 0
    assert "1 where x1 + x2 ≥ 1" in done.out
    xor = run_circuit("threshold", "0110")
    assert xor.code == 1
    assert "No single neuron computes it" in xor.out
    report = json.loads(run_circuit("threshold", "0110", "--json").out)
    contradiction = report["outputs"][0]["contradiction"]
    assert {row["row"] for row in contradiction["true_rows"]} == {"01", "10"}
    assert "Its truth table: 1110" in run_circuit("threshold", "--", "-110").out
    both = run_circuit("threshold", "-e", ADDER)
    assert both.code == 1
    assert "These rows (a, b, cin) must give 1:" in both.out
    assert "a + b + cin ≥ 2" in both.out
    carry = json.loads(run_circuit("threshold", "-e", "a & b | a & c | b & c", "--json").out)
    assert carry["outputs"][0]["weights"] == [1, 1, 1]
    assert carry["outputs"][0]["threshold"] == 2


# ---- a real process ------------------------------------------------------------------------------


def test_a_reader_that_has_enough_ends_it_quietly():
    command = f"{sys.executable} -m clearprop circuit convert c17.v | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("module c17")
    assert done.stderr == ""
