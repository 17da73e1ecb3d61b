"""Netlists that ask for too much are refused before they take it; drivers at fault have lines."""

from __future__ import annotations

import tracemalloc

import pytest

from clearprop.circuits.formats import source
from clearprop.circuits.formats.files import loads
from clearprop.circuits.netlist import CircuitError

HEAD = "module m(a, y); input [65535:0] a; output y; "
LONG = "b" * 4000
GREEDY = {
    "buses": HEAD + " ".join(f"wire [65535:0] w{i};" for i in range(90)) + " endmodule",
    "replications": HEAD + "assign y = " + " | ".join(["(&{65536{a[0]}})"] * 90) + "; endmodule",
    "references": HEAD + "assign y = " + " | ".join(["(&a)"] * 300) + "; endmodule",
    "long names": HEAD + f"wire [65535:0] {LONG}; assign y = &a; endmodule",
    "long instances": "".join(
        f"module m{i}(a); input a; m{i + 1} {LONG}(a); endmodule\n" for i in range(9)
    )
    + "module m9(a); input a; wire [65535:0] w; endmodule",
    "instances": "".join(
        f"module m{i}(a); input a; m{i + 1} u(a); m{i + 1} v(a); endmodule\n" for i in range(30)
    )
    + "module m30(a); input a; wire w; not (w, a); endmodule",
    "ports": HEAD + " ".join(f"n u{i}(a);" for i in range(90)) + " endmodule "
    "module n(a); input [65535:0] a; endmodule",
}


@pytest.mark.parametrize("name", GREEDY)
def test_a_small_file_takes_little_memory(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """4.5 KB of Verilog took 186 MB, and with long names or many references gigabytes."""
    if name in ("buses", "instances", "ports"):  # for speed; bits are counted as they are made
        monkeypatch.setattr(source, "SPARE_NETS", 2**14)
    tracemalloc.start()
    try:
        with pytest.raises(CircuitError, match=r"f:\d+: the circuit is too large for its file"):
            loads(GREEDY[name], "verilog", "f")
        assert tracemalloc.get_traced_memory()[1] < 60e6
    finally:
        tracemalloc.stop()


def test_covers_with_many_inputs_are_counted_by_their_inputs() -> None:
    nets = " ".join(f"a{i}" for i in range(2000))
    models = "".join(
        f".model m{i}\n.inputs a\n.subckt m{i + 1} a=a\n.subckt m{i + 1} a=a\n.end\n"
        for i in range(20)
    )
    text = f"{models}.model m20\n.inputs a\n.names {nets} y\n{'1' * 2000} 1\n.end\n"
    with pytest.raises(CircuitError, match="too large for its file"):
        loads(text, "blif", "f")


VERILOG = "module m(a, b, y);\ninput a, b;\noutput y;\n"
BLIF = ".model m\n.inputs a b\n.outputs y\n"
TWICE = {
    "verilog": (VERILOG + "and (y, a, b);\n\nor (y, a, b);\nendmodule", 4, 6),
    "bench": ("INPUT(a)\nOUTPUT(y)\ny = NOT(a)\n\n# again\ny = BUFF(a)", 3, 6),
    "blif": (BLIF + ".names a y\n1 1\n.names b y\n1 1\n.end", 4, 6),
    "aag": ("aag 3 1 0 1 2\n2\n4\n4 2 2\n4 2 3\n", 4, 5),
}


@pytest.mark.parametrize("format", TWICE)
def test_two_drivers_are_reported_with_their_lines(format: str) -> None:
    text, first, second = TWICE[format]
    with pytest.raises(CircuitError) as caught:
        loads(text, format, "f")
    message = str(caught.value)
    assert message.startswith(f"f:{second}: ")
    assert f"lines {first} and {second}" in message or f"first in line {first}" in message
    assert "'y'" in message or "literal 4" in message


CYCLES = {
    "verilog": (VERILOG + "wire q;\nand (y, a, q);\nor (q, y, b);endmodule", "yq", 5, 6),
    "bench": ("INPUT(a)\nOUTPUT(y)\ny = AND(a, p)\np = NAND(a, q)\nq = NOT(p)", "pq", 4, 5),
    "blif": (BLIF + ".names a q p\n11 1\n.names p b q\n11 1\n.names p y\n1 1\n.end", "pq", 4, 6),
    "aag": ("aag 3 1 0 1 2\n2\n4\n4 2 6\n6 2 4\n", ("n2", "n3"), 4, 5),
}  # fmt: skip


@pytest.mark.parametrize("format", CYCLES)
def test_the_drivers_of_a_cycle_are_reported_with_their_lines(format: str) -> None:
    text, (p, q), first, second = CYCLES[format]
    with pytest.raises(CircuitError, match="there is a cycle") as caught:
        loads(text, format, "f")
    message = str(caught.value)
    assert f"'{p}' {first}" in message
    assert f"'{q}' {second}" in message
    assert set(caught.value.drivers) == {p, q}


INPUTS = {
    "verilog": (VERILOG + "not (a, b);\nendmodule", r"f:4: 'a' is an input \(line 2\)"),
    "bench": ("INPUT(a)\nOUTPUT(a)\n\na = NOT(a)", "the input is in line 1, the driver in line 4"),
    "blif": (BLIF + ".names b a\n1 1\n.end", r"f:4: 'a' is an input \(line 2\)"),
    "aag": ("aag 2 1 0 1 1\n2\n4\n2 4 4\n", "the literal 2 is defined twice, first in line 2"),
}


@pytest.mark.parametrize("format", INPUTS)
def test_a_driven_input_is_reported_with_both_lines(format: str) -> None:
    text, message = INPUTS[format]
    with pytest.raises(CircuitError, match=message):
        loads(text, format, "f")


def test_long_names_make_no_long_messages() -> None:
    name = "n" * 100_000
    cases = {
        "bench": f"INPUT(a)\nOUTPUT({name})\n{name} = NOT({name})",
        "blif": f".model m\n.inputs a\n.outputs {name}\n.names {name} {name}\n1 1\n.end",
        "verilog": f"module m({name}); output {name}; not ({name}, {name}); endmodule",
    }
    for format, text in cases.items():
        with pytest.raises(CircuitError) as caught:
            loads(text, format, "f")
        assert len(str(caught.value)) < 1000, format
