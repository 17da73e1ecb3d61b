"""Files of circuits: what is written is read as the same circuit; c17 in every format."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearprop.circuits.formats.files import FORMATS, dumps, loads, read, write
from clearprop.circuits.gates import GATES
from clearprop.circuits.netlist import Cell, Circuit, CircuitError

# The smallest of the ISCAS-85 circuits (Brglez & Fujiwara, 1985): six NAND gates.
C17 = {
    "verilog": """
module c17 (N1, N2, N3, N6, N7, N22, N23);
  input N1, N2, N3, N6, N7; output N22, N23; wire N10, N11, N16, N19;
  nand a (N10, N1, N3), b (N11, N3, N6); // two instances in one statement
  nand (N16, N2, N11), (N19, N11, N7);
  nand #1 e (N22, N10, N16);
  nand #(1, 2) f (N23, N16, N19);
endmodule""",
    "bench": """# c17
INPUT(N1)\nINPUT(N2)\nINPUT(N3)\nINPUT(N6)\nINPUT(N7)\nOUTPUT(N22)\nOUTPUT(N23)
N22 = NAND(N10, N16)
N23 = nand(N16,N19)   # in any order
N10 = NAND(N1, N3)\nN11 = NAND(N3, N6)\nN16 = NAND(N2, N11)\nN19 = NAND(N11, N7)
""",
    "blif": """.model c17
.inputs N1 N2 N3 \\
N6 N7
.outputs N22 N23
.subckt two a=N1 b=N3 y=N10
.subckt two y=N11 a=N3 b=N6
.names N2 N11 N16 # on-set
0- 1
-0 1
.names N11 N7 N19
11 0
.subckt two a=N10 b=N16 y=N22
.names N16 N19 N23
11 0
.end
.model two
.inputs a b
.outputs y
.names a b y
00 1
01 1
10 1
.end
""",
    "aag": """aag 11 5 0 2 6
2\n4\n6\n8\n10\n19\n23
12 2 6
14 6 8
16 4 15
20 15 10
18 13 17
22 17 21
i0 N1\ni1 N2\ni2 N3\ni3 N6\ni4 N7\no0 N22\no1 N23\nc\nc17
""",
}


def reference(x: np.ndarray) -> np.ndarray:
    n1, n2, n3, n6, n7 = x.T.astype(bool)
    n11 = ~(n3 & n6)
    n16 = ~(n2 & n11)
    return np.column_stack([~(~(n1 & n3) & n16), ~(n16 & ~(n11 & n7))])


@pytest.mark.parametrize("format", C17)
@pytest.mark.parametrize("change", ["", "CRLF", "BOM", "bytes", "CR"])
def test_c17(format: str, change: str) -> None:
    data: str | bytes = C17[format]
    if change == "CRLF":
        data = C17[format].replace("\n", "\r\n")
    elif change == "CR" and format != "aag":
        data = C17[format].replace("\n", "\r")
    elif change == "BOM":
        data = b"\xef\xbb\xbf" + C17[format].encode()
    elif change == "bytes":
        data = C17[format].encode()
    circuit = loads(data, format, "c17")
    assert circuit.inputs == ("N1", "N2", "N3", "N6", "N7")
    assert circuit.outputs == ("N22", "N23")
    assert circuit.name == "c17"
    table = circuit.truth_table()
    np.testing.assert_array_equal(table[:, 5:], reference(table[:, :5]))


@st.composite
def circuits(draw: st.DrawFn) -> Circuit:
    """Circuits of all kinds, with names that make trouble."""
    rng = random.Random(draw(st.integers(0, 2**32)))
    inputs = [f"a[{i}]" for i in range(draw(st.integers(0, 4)))]
    inputs += ["x", "module", "b[7]"][: draw(st.integers(0, 3))]
    kinds = [kind for kind in GATES if "adder" not in kind]
    kinds += ["at_least_1", "at_least_2", "at_least_3", "at_least_5"]
    nets, cells = list(inputs), []
    for i in range(draw(st.integers(0, 12))):
        kind = rng.choice(kinds)
        counts = {"mux": 3, "not": 1, "buf": 1, "const0": 0, "const1": 0}
        arity = rng.choice((5, 7)) if kind.startswith("at_l") else rng.choice((1, 3, 5))
        if kind in GATES and kind != "majority":
            arity = counts.get(kind, rng.randint(1, 6))
        if arity and not nets:
            continue
        name = rng.choice(("w[{}]", "n{}", "and{}", "x.y{}", "é{}", "q r{}", "\\{}", "(,{}", "#{}"))
        read_nets = tuple(rng.choice(nets) for _ in range(arity))
        cells.append(Cell(name.format(i), kind, read_nets))
        nets.append(name.format(i))
    plain = [net for net in nets if not set(net) & set(" \\(,#")]
    outputs = [rng.choice(plain) for _ in range(draw(st.integers(0, 4)))] if plain else []
    return Circuit(tuple(inputs), tuple(outputs), tuple(cells), rng.choice(("c", "and", "a b", "")))


@pytest.mark.parametrize("format", FORMATS)
@given(circuit=circuits())
def test_what_is_written_is_read_again(format: str, circuit: Circuit) -> None:
    again = loads(dumps(circuit, format), format)
    assert again.inputs == circuit.inputs
    for new, old in zip(again.outputs, circuit.outputs, strict=True):
        assert new.removesuffix("_out" * new.count("_out")) == old
    np.testing.assert_array_equal(again.truth_table(), circuit.truth_table())


@pytest.mark.parametrize("format", FORMATS)
def test_files(format: str, tmp_path: Path) -> None:
    circuit = loads(C17["bench"], "bench", "c17.bench")
    for ending in FORMATS[format].endings:
        path = tmp_path / ("c17" + ending)
        write(circuit, path)
        again = read(path)
        assert again.name == "c17"
        np.testing.assert_array_equal(again.truth_table(), circuit.truth_table())
        assert read(str(path), format).inputs == circuit.inputs
    other = tmp_path / "c17.txt"
    write(circuit, other, format)
    assert read(other, format).outputs == circuit.outputs
    with pytest.raises(ValueError, match=r"c17\.txt"):
        read(other)
    with pytest.raises(ValueError, match=r"c17\.txt"):
        write(circuit, other)
    with pytest.raises(FileNotFoundError):
        read(tmp_path / ("none" + ending))


def test_unknown_format() -> None:
    with pytest.raises(ValueError, match=r"format must be one of verilog, bench, blif, aag, aig"):
        loads("", "edif")


@pytest.mark.parametrize("format", FORMATS)
def test_the_structure_is_kept_where_the_format_can(format: str) -> None:
    """Gates of one kind each: AIGER knows AND and NOT alone, .bench no multiplexer."""
    nets = ("a", "b", "c")
    kinds = ("and", "or", "nand", "nor", "xor", "xnor", "not", "buf", "const0", "const1")
    arity = {"not": 1, "buf": 1, "const0": 0, "const1": 0}
    cells = tuple(Cell(f"y_{kind}", kind, nets[: arity.get(kind, 3)]) for kind in kinds)
    circuit = Circuit(nets, tuple(cell.output for cell in cells), cells)
    again = loads(dumps(circuit, format), format)
    if format in ("aag", "aig"):
        assert {cell.kind for cell in again.cells} <= {"and", "not", "buf", "const0", "const1"}
    else:
        limited = ("xor", "xnor") if format == "bench" else ()  # to two inputs each
        expected = {cell for cell in cells if cell.kind not in limited}
        assert expected <= set(again.cells)
        assert format == "bench" or len(again.cells) == len(cells)


@pytest.mark.parametrize(
    ("format", "name"),
    [
        *(("verilog", "a b"), ("verilog", "a\x00"), ("bench", "f(x)"), ("bench", "a=b")),
        *(("blif", "a#"), ("blif", "a b"), ("aag", "a\nb"), ("aig", "")),
    ],
)
def test_ports_that_a_format_cannot_name(format: str, name: str) -> None:
    with pytest.raises(CircuitError, match="cannot name") as raised:
        dumps(Circuit((name,), ("y",), (Cell("y", "not", (name,)),)), format)
    assert raised.value.net == name


def test_buses_are_written_as_buses() -> None:
    inputs = ("a[0]", "a[1]", "a[2]", "d[2]", "d[1]", "s[5]", "t[1]", "t[3]", "u[0]", "b", "u[1]")
    cells = (
        Cell("w[1]", "and", inputs),
        Cell("w[0]", "or", inputs),
        Cell("y[1]", "buf", ("w[1]",)),
    )
    cells += (Cell("y[0]", "xor", ("w[0]", "w[1]")),)
    circuit = Circuit(inputs, ("y[0]", "y[1]"), cells)
    text = dumps(circuit, "verilog")
    ports = [line.strip() for line in text.splitlines() if "put " in line]
    assert ports == [
        "input [2:0] a;",
        "input [1:2] d;",
        "input [5:5] s;",
        "input \\t[1] ;",
        "input \\t[3] ;",
        "input \\u[0] ;",
        "input b;",
        "input \\u[1] ;",
        "output [1:0] y;",
    ]
    assert "wire [1:0] w;" in text
    again = loads(text, "verilog")
    assert (again.inputs, again.outputs) == (circuit.inputs, circuit.outputs)
    assert set(again.cells) == set(circuit.cells)


def run(*command: str | Path) -> str:
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.skipif(not shutil.which("berkeley-abc"), reason="berkeley-abc is not installed")
@pytest.mark.parametrize("format", FORMATS)
def test_abc_finds_them_equivalent(format: str, tmp_path: Path) -> None:
    """ABC reads what is written, and what it writes is read."""
    inputs = tuple(f"a[{i}]" for i in range(5))
    kinds = ("and", "or", "nand", "nor", "xor", "xnor", "majority", "at_least_2")
    cells = tuple(Cell(f"y{i}", kind, inputs) for i, kind in enumerate(kinds))
    cells += (Cell("m", "mux", ("a[0]", "y4", "y6")), Cell("n", "not", ("m",)))
    cells += (Cell("k", "const1", ()), Cell("l", "xnor", ("k", "n")))
    circuit = Circuit(inputs, (*(f"y{i}" for i in range(8)), "m", "n", "l"), cells, "all")
    kind = {"aag": "aig"}.get(format, format)  # ABC reads binary AIGER alone
    path, other = tmp_path / f"c{FORMATS[kind].endings[0]}", tmp_path / "other.blif"
    write(circuit, path, kind)
    write(circuit, other)
    assert "Networks are equivalent" in run("berkeley-abc", "-q", f"cec {path} {other}")
    writer = {"verilog": "write_verilog", "bench": "write_bench", "blif": "write_blif"}
    back = tmp_path / f"back{FORMATS[kind].endings[0]}"
    command = f"read {path}; strash; {writer.get(kind, 'write_aiger -s')} {back}"
    run("berkeley-abc", "-q", command)
    again = read(back)
    np.testing.assert_array_equal(again.truth_table(), circuit.truth_table())


def test_counts_and_parities_of_many_inputs() -> None:
    """No table of 2^k rows, and no count that grows with k t."""
    inputs = tuple(f"x{i}" for i in range(501))
    cells = (Cell("m", "majority", inputs), Cell("p", "xor", inputs), Cell("o", "or", inputs))
    circuit = Circuit(inputs, ("m", "p", "o"), cells)
    rng = np.random.default_rng(0)
    bits = rng.random((200, 501)) < rng.choice([0.0, 0.48, 0.5, 0.52], (200, 1))
    for format in FORMATS:
        data = dumps(circuit, format)
        assert len(data) < 500_000
        np.testing.assert_array_equal(loads(data, format).evaluate(bits), circuit.evaluate(bits))
