"""Structural Verilog: what it means, against Icarus Verilog where that is installed, and errors."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from clearprop.circuits.formats.files import dumps, loads
from clearprop.circuits.formats.verilog import read_verilog
from clearprop.circuits.gates import all_bits
from clearprop.circuits.netlist import Circuit, CircuitError


def values(circuit: Circuit, bits: np.ndarray, name: str) -> np.ndarray:
    """The number on a bus among the outputs, for each row of bits."""
    y = circuit.evaluate(bits)
    columns = [i for i, net in enumerate(circuit.outputs) if net.partition("[")[0] == name]
    return y[:, columns] @ (1 << np.arange(len(columns)))


def number(circuit: Circuit, bits: np.ndarray, name: str) -> np.ndarray:
    """The number on a bus among the inputs."""
    columns = [i for i, net in enumerate(circuit.inputs) if net.partition("[")[0] == name]
    return bits[:, columns] @ (1 << np.arange(len(columns)))


# an expression over a (4 bits), b (4 bits), c (2 bits), the width of y, and what y is
EXPRESSIONS = [
    ("a & b", 4, lambda a, b, c: a & b),
    ("~a", 6, lambda a, b, c: ~a & 63),  # extended first, inverted then
    ("~(a & b)", 6, lambda a, b, c: ~(a & b) & 63),
    ("a ^ c", 4, lambda a, b, c: a ^ c),
    ("a ~^ b ^~ c", 4, lambda a, b, c: a ^ b ^ c),
    ("a | b & c ^ a", 4, lambda a, b, c: a | ((b & c) ^ a)),
    ("{a, c}", 6, lambda a, b, c: a * 4 + c),
    ("{a, c}", 3, lambda a, b, c: (a * 4 + c) & 7),  # cut to the width of the target
    ("{2{c}}", 4, lambda a, b, c: c * 5),
    ("{2{c, 1'b1}}", 6, lambda a, b, c: (2 * c + 1) * 9),
    ("a[2:1]", 2, lambda a, b, c: a >> 1 & 3),
    ("a[3] & !b", 1, lambda a, b, c: (a >> 3) & (b == 0)),
    ("&a", 1, lambda a, b, c: a == 15),
    ("~|a", 2, lambda a, b, c: a == 0),
    ("^a ^ ~^b", 1, lambda a, b, c: np.bitwise_count(a * 16 + b) % 2 == 0),
    ("~&a", 1, lambda a, b, c: a != 15),
    ("a == b", 1, lambda a, b, c: a == b),
    ("a == c", 1, lambda a, b, c: a == c),
    ("a != 4'b1010", 1, lambda a, b, c: a != 10),
    ("a == 5", 1, lambda a, b, c: a == 5),
    ("a && b || c", 1, lambda a, b, c: ((a != 0) & (b != 0)) | (c != 0)),
    ("c ? a : b", 4, lambda a, b, c: np.where(c != 0, a, b)),
    ("c == 1 ? a : c == 2 ? b : 4'hF", 4, lambda a, b, c: np.select([c == 1, c == 2], [a, b], 15)),
    ("8'hA5", 8, lambda a, b, c: 165 + 0 * a),
    ("6'o5_3 ^ a", 6, lambda a, b, c: 43 ^ a),
    ("'d9 & a", 4, lambda a, b, c: 9 & a),
    ("~ ~ (~a)", 4, lambda a, b, c: ~a & 15),
    ("c == 2'b10 == a[0]", 1, lambda a, b, c: (c == 2) == (a & 1)),
    ("{a[0], a[1]} | c", 2, lambda a, b, c: (2 * (a & 1) + (a >> 1 & 1)) | c),
]


@pytest.mark.parametrize(("expression", "width", "expected"), EXPRESSIONS)
def test_expressions(expression: str, width: int, expected: object) -> None:
    assert callable(expected)
    text = f"module m(input [3:0] a, b, input [1:0] c, output [{width - 1}:0] y);"
    circuit = loads(text + f"assign y = {expression}; endmodule", "verilog")
    bits = all_bits(10)
    numbers = (number(circuit, bits, name) for name in "abc")
    np.testing.assert_array_equal(values(circuit, bits, "y"), expected(*numbers))


def random_expression(rng: random.Random, depth: int) -> str:
    leaves = [
        "a",
        "b",
        "c",
        "a[2:1]",
        "b[0]",
        "c[1]",
        "d",
        "d[1]",
        "3'b101",
        "1'b0",
        "2'd3",
        "4'hC",
    ]
    if depth == 0 or rng.random() < 0.1:
        return rng.choice(leaves)
    x, y, z = (random_expression(rng, depth - 1) for _ in range(3))
    return rng.choice(
        [
            *(f"{x} {op} {y}" for op in ("&", "|", "^", "~^", "^~", "&&", "||", "==", "!=")),
            *(f"({x}) {op} ({y})" for op in ("&", "|", "^", "==")),
            *(f"{op} ({x})" for op in ("~", "!", "&", "|", "^", "~&", "~|", "~^")),
            *(f"({x} ? {y} : {z})", f"{{{x}, {y}}}", f"{{2{{{x}}}}}", f"~({x} & {y})"),
        ]
    )


@pytest.mark.skipif(not shutil.which("iverilog"), reason="Icarus Verilog is not installed")
def test_icarus_says_the_same(tmp_path: Path) -> None:
    """Random expressions on all inputs; and the file that is written means the same again."""
    rng = random.Random(5)
    widths = [rng.randint(1, 9) for _ in range(60)]
    outputs = "".join(f", output [{w - 1}:0] y{i}" for i, w in enumerate(widths))
    assigns = "".join(f"  assign y{i} = {random_expression(rng, 3)};\n" for i in range(60))
    source = f"module m(input [3:0] a, input [2:0] b, input [0:1] c, d{outputs});\n{assigns}"
    source += "endmodule\n"
    circuit = loads(source, "verilog")
    bits = all_bits(11)
    expected = circuit.evaluate(bits)
    names = ", ".join(f"y{i}" for i in reversed(range(60)))
    for text in (source, dumps(circuit, "verilog")):
        ports = ", ".join([*"abcd", *(f"y{i}" for i in range(60))])
        wires = "".join(f"wire [{w - 1}:0] y{i};" for i, w in enumerate(widths))
        path = tmp_path / "m.v"
        path.write_text(
            f"""{text}
module bench; reg [11:0] i; wire [3:0] a; wire [2:0] b; wire [0:1] c, d; {wires}
  assign {{d, c, b, a}} = i; m m({ports});
  initial for (i = 0; i < 2048; i = i + 1) begin #1 $display("%b", {{{names}}}); end
endmodule
"""
        )
        command = ["iverilog", "-o", str(tmp_path / "m"), "-s", "bench", str(path)]
        subprocess.run(command, check=True, timeout=60)
        done = subprocess.run(
            ["vvp", "-n", str(tmp_path / "m")],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        lines = np.array([[int(c) for c in line[::-1]] for line in done.stdout.split()], bool)
        # Icarus counts i up, whose lowest bit is a[0], the first of our inputs
        order = bits @ (1 << np.arange(11))
        np.testing.assert_array_equal(lines[order], expected)


def test_hierarchy() -> None:
    text = """
`timescale 1ns / 1ps
module top(input [1:0] a, b, input cin, output [2:0] s); (* keep *) wire carry; supply0 zero;
  full u0 (a[0], b[0], cin, s[0], carry), u1 (.y(s[1]), .a(a[1]), .b(b[1]), .c(carry), .z(s[2]));
  full unused (.a(zero), .b(1), .c(2'b11 == 2'd3), .y(), .z());
endmodule
module full(a, b, c, y, z); /* by hand */ input a, b, c; output y, z; wire h = a ^ b, k;
  assign y = h ^ c, z = k | h & c; and (k, a, b);
endmodule
"""
    circuit = loads(text, "verilog")
    assert circuit.inputs == ("a[0]", "a[1]", "b[0]", "b[1]", "cin")
    assert circuit.outputs == ("s[0]", "s[1]", "s[2]")
    assert {"u0.h", "u1.k", "carry", "zero", "unused.y"} <= set(circuit.nets)
    bits = all_bits(5)
    a, b = number(circuit, bits, "a"), number(circuit, bits, "b")
    np.testing.assert_array_equal(values(circuit, bits, "s"), a + b + bits[:, 4])
    unused = circuit.cone(["unused.y", "unused.z"]).evaluate(bits)
    assert unused.tolist() == [[False, True]] * 32  # 0 + 1 + 1


def test_buses_across_instances() -> None:
    text = r"""
module swap(x, \y! ); input [1:0] x; output [0:1] \y! ; assign \y! = {x[0], x[1]}; endmodule
module top(input [3:0] a, output [3:0] \out );
  swap \u[0] (.x({a[0], a[3]}), .\y! (out[1:0]));  swap v (a[2:1], {out[2], out[3]});
endmodule"""
    circuit = loads(text, "verilog")
    bits = all_bits(4)  # a[0] first
    expected = np.column_stack([bits[:, 0], bits[:, 3], bits[:, 1], bits[:, 2]])
    np.testing.assert_array_equal(circuit.evaluate(bits), expected)


def test_names() -> None:
    """Escaped identifiers with and without need, and temporary nets beside nets called n1, n2."""
    text = r"""module \top! (a, \b.c[3] , \n1 , n2); input \a , \b.c[3] ; output n1, \n2 ;
  assign n1 = ~(a & ~\b.c[3] | ~a), n2 = \and ; or (\and , a, n1); endmodule"""
    circuit = loads(text, "verilog")
    assert circuit.name == "top!"
    assert circuit.inputs == ("a", "b.c[3]")
    assert circuit.outputs == ("n1", "n2")
    np.testing.assert_array_equal(circuit.truth_table()[:, 2:], [[0, 0], [0, 0], [0, 1], [1, 1]])


def test_the_inverse_of_a_net_is_one_cell() -> None:
    text = "module m(input a, b, output x, y, z); assign x = ~a & b, y = ~a | b, z = ~(a ^ b);"
    circuit = loads(text + " endmodule", "verilog")
    kinds = sorted(cell.kind for cell in circuit.cells)
    assert kinds == ["and", "not", "or", "xnor"]


M = "module m(input a, b, input [3:0] v, output y);\n"
# after M, unless it begins with "module"; the message after "file.v:"
ERRORS = [
    ("assign y = a +b;", r"2: unexpected '\+': expected ',' or ';'"),
    ("and (y, a, b));", r"2: unexpected '\)'"),
    ("\n\nassign y = (a & b;", r"4: unexpected ';': expected an operator or '\)'"),
    ("assign y = a & ;", r"2: unexpected ';': expected a net"),
    ("assign y = ;", r"2: unexpected ';'"),
    ("assign y = v[4];", r"2: the bus v\[3:0\] has no bit 4"),
    ("assign y = v[0:1] == 0;", r"2: \[0:1\] of 'v' runs against \[3:0\]"),
    ("assign y = a[0];", r"2: 'a' is not a bus"),
    ("assign y = v[a];", r"2: unexpected 'a': expected a number"),
    ("assign y = 4'b10x0;", r"2: x and z are not supported"),
    ("assign y = 2'b12;", r"2: .* is not a number of base 2"),
    ("assign y = 0'b0;", r"2: a number must have 1 … 65536 bits"),
    ("assign y = {a, 3} == 0;", r"2: a number within \{ \} must have a width"),
    ("assign a = b; buf (y, a);", r"2: 'a' is an input .* and cannot be driven"),
    (
        "buf (y, a), (y, b);",
        r"2: the net 'y' is driven by buf\(b\).*, but also by buf\(a\); both .* in line 2",
    ),
    ("", r"1: the output 'y' is not driven"),
    ("\nand (y, a, q);", r"3: the net 'q', an input of and\(a, q\).*is not driven"),
    (
        "wire p, q;\nand (p, a, q), (q, b, p); buf (y, q);",
        r"3: there is a cycle: p → q → p; .* 'p' 3, 'q' 3",
    ),
    ("and (y, v, a);", r"2: a terminal of and must be one bit; got 4"),
    ("and (y);", r"2: and must have an output and an input"),
    ("buf (~y, a);", r"2: an output must be connected to nets"),
    ("nope u (y, a);", r"2: the module 'nope' is not in the file"),
    ("and g[3:0] (y, a, b);", r"2: arrays of gates are not supported"),
    ("reg q;", r"2: 'reg' is not supported: circuits must be combinational"),
    ("always @(a) y = b;", r"2: 'always' is not supported"),
    ("inout z;", r"2: 'inout' is not supported: every net must have one driver"),
    ("bufif0 (y, a, b);", r"2: 'bufif0' is not supported"),
    ("tri q;", r"2: 'tri' is not supported"),
    ("parameter N = 3;", r"2: 'parameter' is not supported"),
    ("wire signed [3:0] q;", r"2: 'signed' is not supported"),
    ("wire [2000000000:0] q;", r"2: the bus \[2000000000:0\] is too wide: at most 65536"),
    ("wire [1:0] q [0:3];", r"2: arrays of nets"),
    ("wire q; wire q;", r"2: 'q' is declared twice, first in line 2"),
    ("wire [1:0] a;", r"2: 'a' is declared twice"),
    ("wire \\v[2] ;", r"2: 'v\[2\]' is also a bit of a bus"),
    ("wire \\w[2] ; wire [2:0] w;", r"2: 'w' has a bit that is also declared as a net"),
    ("assign y = {1000000000{a}} == 0;", r"2: a replication must be 1 … 65536 times"),
    ("assign y = {60000{v}} == 0;", r"2: an expression may have at most 65536 bits; got 240000"),
    ("assign y = " + "(" * 100_000 + "a", r"2: nested more than 1000 deep"),
    ("assign y = " + "~" * 100_000 + "a;", r"2: nested more than 1000 deep"),
    ("assign y = " + "{" * 100_000 + "a", r"2: nested more than 1000 deep"),
    ("assign y = 9999999999999'b1;", r"2: the number .* is too long"),
    ("assign y = a; /* never", r"2: '/\* never endmodule' has no end"),
    ('`include "x.v"', r"2: the directive '`include' is not supported"),
    ("input c;", r"2: the input 'c' is not a port"),
    ("m u (a, b, v, y);", r"1: every module contains itself"),
    ("assign y = a", r"2: unexpected 'endmodule'"),
    ("assign y = \x00;", r"2: unexpected '\\x00'"),
    ("module m; module n;", r"1: unexpected 'module'"),
    (
        "module m(a); input [1:0] a; m2 u(a); endmodule\nmodule m2(x); input x;",
        r"1: the port 'x' of",
    ),
    ("module m(a, a); input a;", r"1: the port 'a' is listed twice"),
    ("module m(a);", r"1: the port 'a' is neither an input nor an output"),
    ("module m; endmodule\nmodule m;", r"2: the module 'm' is defined twice"),
    (
        "module m; endmodule\nmodule n;",
        r"2: several modules are used by no other; choose one as top: m, n",
    ),
    ("module m(input a); n u(.b(a)); endmodule\nmodule n;", r"1: 'n' has no port 'b'"),
    (
        "module m(input a); n u(.b(a), .b(a)); endmodule module n(input b);",
        r"1: .* connected twice",
    ),
    ("module m(input a); n u(a, a); endmodule\nmodule n(input b);", r"1: 'n' has only 1 port"),
    (
        "module m; a u(); endmodule module a; b u(); endmodule\nmodule b; a u();",
        r"1: .* contains itself",
    ),
    ("module m #(parameter N = 1) (input a);", r"1: unexpected '#': expected ';'"),
    ("", r""),
]


@pytest.mark.parametrize(("text", "message"), ERRORS[:-1])
def test_errors(text: str, message: str) -> None:
    source = text + " endmodule" if text.startswith("module") else M + text + " endmodule"
    with pytest.raises(CircuitError, match=r"^file\.v:" + message) as raised:
        loads(source, "verilog", "file.v")
    assert len(str(raised.value)) < 300


def test_the_net_of_an_error() -> None:
    with pytest.raises(CircuitError) as raised:
        loads(M + "wire [1:0] w;\nbuf (w[1], w[0]), (w[0], w[1]), (y, a); endmodule", "verilog")
    assert raised.value.net == "w[1]"


def test_the_module_to_read() -> None:
    text = "module p(output y); assign y = 1; endmodule module q(output y); assign y = 0; endmodule"
    assert read_verilog(text, top="q").truth_table().tolist() == [[0]]
    with pytest.raises(CircuitError, match=r"there is no module 'r': p, q"):
        read_verilog(text, top="r")


def test_a_small_file_cannot_stand_for_a_huge_circuit(monkeypatch: pytest.MonkeyPatch) -> None:
    """2^40 instances, by modules that hold two of the next."""
    monkeypatch.setattr("clearprop.circuits.formats.source.SPARE_NETS", 2**16)
    text = "".join(f"module m{i}; m{i + 1} a(), b(); endmodule\n" for i in range(40))
    with pytest.raises(CircuitError, match=r"too large for its file"):
        loads(text + "module m40; endmodule", "verilog")
    wide = "module m(input [65535:0] a, output [65535:0] y); assign y = a"
    with pytest.raises(CircuitError, match=r"too large for its file"):
        loads(wide + " ^ (~a)" * 40 + "; endmodule", "verilog")


def test_long_files_take_linear_time() -> None:
    """A chain of 20,000 operands is one gate, and one of ?: as many as it has."""
    chain = " & ".join(f"v[{i % 4}]" for i in range(20_000))
    circuit = loads(M + f"assign y = {chain}; endmodule", "verilog")
    assert [len(cell.inputs) for cell in circuit.cells] == [20_000]
    chosen = "".join(f"v == {i % 16} ? a : " for i in range(300)) + "b"
    assert loads(M + f"assign y = {chosen}; endmodule", "verilog").truth_table().shape == (64, 7)
    gates = "".join(f"not (w{i + 1}, w{i});\n" for i in range(5_000))
    deep = loads(M + f"buf (w0, a);\n{gates} buf (y, w5000); endmodule", "verilog")
    assert deep.depth == 5_002
    assert re.search(r"^assign w7 = ~w6;$", dumps(deep, "verilog").replace("  ", ""), re.MULTILINE)
