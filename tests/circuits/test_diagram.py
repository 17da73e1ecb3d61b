"""Diagrams as XML: every gate once, wires that touch no stranger, the values that are carried."""

from __future__ import annotations

import re
import runpy
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearprop.circuits.drawing.diagram import draw, net_values, table
from clearprop.circuits.drawing.layout import Place, arrange
from clearprop.circuits.drawing.symbols import symbol
from clearprop.circuits.formats.expressions import parse
from clearprop.circuits.gates import all_bits
from clearprop.circuits.netlist import Cell, Circuit, CircuitError
from clearprop.circuits.soft.circuit import compile
from tests.circuits.test_netlist import circuits

SVG = "{http://www.w3.org/2000/svg}"
ADDER = parse("s = a ^ b ^ cin; cout = a & b | cin & (a ^ b)")

Line = tuple[float, float, float, float]


def lines(path: str) -> list[Line]:
    """The strokes of a path of M, L, H, V, h as (x, y, x, y)."""
    out, x, y = [], 0.0, 0.0
    for letter, numbers in re.findall(r"([MLHVh])([-\d. ]+)", path):
        values = [float(v) for v in numbers.split()]
        match letter:
            case "M" | "L":
                to = values[0], values[1]
            case "H":
                to = values[0], y
            case "h":
                to = x + values[0], y
            case _:
                to = x, values[0]
        if letter != "M":
            out.append((x, y, *to))
        x, y = to
    return out


def wires(svg: str) -> dict[str, list[Line]]:
    """The strokes of each net, by the name in its tooltip."""
    found = {}
    for group in ET.fromstring(svg).iter(f"{SVG}g"):
        title, path = group.find(f"{SVG}title"), group.find(f"{SVG}path")
        if group.get("class", "").startswith("wire") and title is not None and path is not None:
            found[str(title.text).split(" ")[0]] = lines(str(path.get("d")))
    return found


def overlap(a: Line, b: Line) -> bool:
    """Whether two strokes, both level or both upright, run over each other."""
    for i, j in ((0, 1), (1, 0)):  # upright, then level
        if a[i] == a[i + 2] and b[i] == b[i + 2] and abs(a[i] - b[i]) < 1:
            low, high = sorted((a[j], a[j + 2])), sorted((b[j], b[j + 2]))
            if min(low[1], high[1]) - max(low[0], high[0]) > 0.5:
                return True
    return False


@given(circuits().filter(lambda c: len(c.nets) > 0))
@settings(max_examples=40)
def test_wires_of_different_nets_never_run_over_each_other(circuit: Circuit) -> None:
    svg = draw(circuit)
    bodies = re.findall(r'<path class="body"', svg)
    assert len(bodies) == len(circuit.cells)
    drawn = wires(svg)
    read = {net for cell in circuit.cells for net in cell.inputs} | set(circuit.outputs)
    assert set(drawn) == read
    nets = sorted(drawn)
    for i, one in enumerate(nets):
        for other in nets[i + 1 :]:
            assert not any(overlap(a, b) for a in drawn[one] for b in drawn[other]), (one, other)


@given(circuits().filter(lambda c: len(c.nets) > 0))
@settings(max_examples=20)
def test_every_wire_is_in_one_piece(circuit: Circuit) -> None:
    """From the first stroke all others of its net are reached; all lie in the picture."""
    svg = draw(circuit)
    root = ET.fromstring(svg)
    width, height = float(str(root.get("width"))), float(str(root.get("height")))
    for net, strokes in wires(svg).items():
        reached, waiting = [], strokes[:1]
        rest = strokes[1:]
        while waiting:
            a = waiting.pop()
            reached.append(a)
            near = [b for b in rest if touch(a, b)]
            rest = [b for b in rest if b not in near]
            waiting += near
        assert not rest, net
        assert all(0 <= x <= width for s in strokes for x in (s[0], s[2]))
        assert all(-18 <= y <= height for s in strokes for y in (s[1], s[3]))


def touch(a: Line, b: Line) -> bool:
    def on(x: float, y: float, s: Line) -> bool:
        within_x = min(s[0], s[2]) - 0.6 <= x <= max(s[0], s[2]) + 0.6
        return within_x and min(s[1], s[3]) - 0.6 <= y <= max(s[1], s[3]) + 0.6

    return any(on(a[k], a[k + 1], b) or on(b[k], b[k + 1], a) for k in (0, 2))


def test_places_of_a_column_keep_apart() -> None:
    rng = np.random.default_rng(0)
    columns = [[Place(f"i{k}", 14.0, ()) for k in range(6)]]
    for c in range(5):
        nets = [place.net for column in columns for place in column]
        columns.append(
            [Place(f"c{c}_{k}", 40.0, tuple(rng.choice(nets, 3)), True) for k in range(5)]
        )
    arranged, _ = arrange(columns)
    for column in arranged:
        for above, below in pairwise(column):
            room = below.y - above.y - (above.height + below.height) / 2
            assert room >= max(above.gap, below.gap) - 1  # heights are rounded to whole numbers


def test_values_are_those_of_the_soft_circuit() -> None:
    soft = compile(ADDER, gain=8.0)
    for bits in all_bits(3):
        values = net_values(soft, bits)
        out = soft.evaluate(bits[None])[0]
        for net, value in zip(ADDER.outputs, out, strict=True):
            assert values[net] == value
            text = f"{net} = {value:.3f}"
            svg = draw(soft, bits)
            assert text in svg
        hard = net_values(ADDER, bits)
        assert all(round(values[net]) == hard[net] for net in ADDER.nets)
        assert set(hard.values()) <= {0.0, 1.0}
        assert f"s = {int(bits.sum() % 2)}<" in draw(ADDER, bits)


def test_folded_inverters_show_what_they_mean() -> None:
    circuit = Circuit(("a", "b"), ("y",), (Cell("n", "not", ("a",)), Cell("y", "and", ("n", "b"))))
    assert round(net_values(compile(circuit), [0, 1])["n"]) == 1
    assert round(net_values(compile(circuit), [1, 1])["n"]) == 0


def test_light_and_dark_and_alone() -> None:
    svg = draw(compile(ADDER), [1, 0, 1])
    assert "@media (prefers-color-scheme:dark)" in svg
    assert svg.count("http") == 1, "only the name space"
    assert "<script" not in svg
    assert draw(compile(ADDER), [1, 0, 1]) == svg


def test_hostile_names_are_escaped() -> None:
    names = ("<script>", 'a"b&c', "x\x00\x1b[31m", "\ud800", "a" * 300)
    circuit = Circuit(names, ("]]>",), (Cell("]]>", "and", names),), name='"><script>')
    for svg in (draw(circuit), draw(circuit, [1, 0, 1, 0, 1])):
        ET.fromstring(svg.encode())
        assert "<script" not in svg
        assert "\x1b" not in svg
        assert "a" * 11 + "…" in svg


def test_distinctive_shapes() -> None:
    kinds = ("and", "or", "xor", "nand", "nor", "xnor", "buf", "not", "mux", "majority", "const0")
    shapes = {(symbol(kind).path(28.0), symbol(kind).bubble) for kind in kinds}
    assert len(shapes) == len(kinds) - 1  # majority and const0 are boxes, told apart by their text
    assert symbol("at_least_3").text == "≥3"


def test_size_limits() -> None:
    chain = [Cell(f"n{k}", "not", (f"n{k - 1}" if k else "a",)) for k in range(401)]
    with pytest.raises(CircuitError, match="401 cells; at most 400 can be drawn"):
        draw(Circuit(("a",), (), tuple(chain)))
    ET.fromstring(draw(Circuit(("a",), ("n399",), tuple(chain[:400]))))
    with pytest.raises(CircuitError, match="nothing to draw"):
        draw(Circuit((), (), ()))
    with pytest.raises(CircuitError, match="11 inputs; a table is shown for at most 10"):
        table(compile(Circuit(tuple(map(str, range(11))), ("0",), ())))


@pytest.mark.parametrize("bits", [[0, 1], [[0, 1, 1], [1, 1, 1]], [0, 1, 2], [0, 1, 0.5]])
def test_wrong_bits_are_refused(bits: list[float]) -> None:
    with pytest.raises(ValueError, match="bits must be"):
        draw(ADDER, bits)


def test_the_soft_truth_table() -> None:
    soft = compile(parse("y = a | b"), gain=10.0)
    lines = table(soft).splitlines()
    assert lines[:5] == [
        "a  b  y    soft y",
        "0  0  0  0.006693",
        "0  1  1  0.993307",
        "1  0  1  0.993307",
        "1  1  1  1.000000",
    ]
    assert lines[6] == "y: off by at most 0.006693 in this table, certified 0.006693"
    assert lines[7:] == str(soft.certify()).splitlines()


@given(st.integers(1, 6))
def test_tables_have_all_rows(n: int) -> None:
    inputs = tuple(f"i{k}" for k in range(n))
    circuit = Circuit(inputs, ("y", "y", "i0"), (Cell("y", "xor", inputs),))
    text = table(compile(circuit)).split("\n\n")[0].splitlines()
    assert len(text) == 1 + 2**n
    for line, row in zip(text[1:], circuit.truth_table(), strict=True):
        cells = line.split()
        assert [int(v) for v in cells[:n]] == row[:n].tolist()
        for j in range(3):
            assert int(cells[n + 2 * j]) == row[n + j] == round(float(cells[n + 2 * j + 1]))


def test_the_guides_pictures_are_what_their_script_draws() -> None:
    folder = Path(__file__).parents[2] / "docs" / "pictures"
    script = runpy.run_path(str(folder / "circuits.py"))
    for name in script["PICTURES"]:
        assert (folder / name).read_text(encoding="utf-8") == script["picture"](name)
