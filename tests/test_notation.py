"""docs/notation.md is true: every file exists, every name evaluates, every shape agrees."""

from __future__ import annotations

import ast
import dataclasses
import doctest
import inspect
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import clearprop as cp

DOCUMENT = Path(__file__).parents[1] / "docs" / "notation.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")
HEADER = ["lecture", "meaning", "name", "file", "shape"]

# What the slides write down; each must be an entry of the first column, whole.
LECTURE = """
KL(Q‖P) = Σ Q log(Q/P); −Σ Q log P; −Σ Q log Q; −t log ŷ − (1 − t) log(1 − ŷ); t; I(k, t);
P(t = k | x); P(t = 1 | x); Q(t = k | x); −Σ I(k, t) log P(t = k | x); σ(z);
exp(z_k) / Σ exp(z_j); soft OR gate; w₁; w₂; bias; fully connected network; linear; logistic;
softmax; x; D; H₁; K; W⁽ˡ⁾; W_j⁽ˡ⁾; w_ij⁽ˡ⁾; 𝒲_j·⁽ˡ⁺¹⁾; b⁽ˡ⁾; z⁽ˡ⁾; z_j⁽ˡ⁾; φ; h⁽ˡ⁾; h_j⁽ˡ⁾; f; ŷ;
ℒ; forward propagation; back-propagation; stochastic gradient descent; ∂ℒ/∂w_ij⁽ˡ⁾; ∂ℒ/∂z_j⁽ˡ⁾;
∂z_j⁽ˡ⁾/∂w_ij⁽ˡ⁾; ∂h_j/∂z_j; φ′(z_j); ∂z_i⁽ˡ⁺¹⁾/∂h_j⁽ˡ⁾; diag{∂h_j/∂z_j}; ∂h⁽ˡ⁾/∂z⁽ˡ⁾; ∂ŷ/∂z;
∂ŷ/∂z ∂ℒ/∂ŷ; ∂ŷ/∂z of the softmax; ∂ℒ/∂z⁽ˡ⁾; ∂ℒ/∂h⁽ˡ⁾; W⁽ˡ⁺¹⁾ᵀ ∂ℒ/∂z⁽ˡ⁺¹⁾; ∂ℒ/∂W⁽ˡ⁾;
∂ℒ/∂z⁽ˡ⁾ h⁽ˡ⁻¹⁾ᵀ; ∂ℒ/∂b⁽ˡ⁾; ∂ℒ/∂x
"""


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of a table, its cells as they stand there."""

    lecture: str
    meaning: str
    name: str
    file: str
    shape: str


def rows() -> list[Row]:
    found = []
    in_table = False
    for line in TEXT.splitlines():
        cells = [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if cells == HEADER:
            in_table = True
        elif not cells:
            in_table = False
        elif in_table and not set(line) <= set("|-"):
            found.append(Row(*cells))
    return found


ROWS = rows()


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    """What the lines of code in the document define."""
    defined: dict[str, Any] = {}
    for example in doctest.DocTestParser().get_examples(TEXT):
        exec(example.source, defined)
    return defined


def layers(row: Row, n_layers: int) -> range:
    """The l that the row is for: the range it states, else 1 … L."""
    stated = re.search(r"l = ([01]) … L(−1)?", row.meaning)
    if stated is None:
        return range(1, n_layers + 1)
    return range(int(stated[1]), n_layers + (0 if stated[2] else 1))


def shape_of(cell: str, layer: int, sizes: list[int], names: dict[str, Any]) -> tuple[int, ...]:
    """A cell such as `(N, H_{l−1})` as numbers."""
    if cell == "scalar":
        return ()
    assert re.fullmatch(r"`\(.*\)`", cell), f"not a shape: {cell}"
    expression = re.sub(r"H_\{?(l[−+]?1?)\}?", lambda m: f"H[{m[1]}]", cell.strip("`"))
    letters = {
        **{letter: names[letter] for letter in "NDK"},
        "H": sizes,
        "L": len(sizes) - 1,
        "P": names["net"].theta.size,
        "l": layer,
    }
    shape = eval(expression.replace("−", "-"), letters)
    assert isinstance(shape, tuple)
    return shape


def code(cell: str) -> str:
    """The one piece of code in a cell."""
    pieces = re.findall(r"`([^`]+)`", cell)
    assert len(pieces) == 1, cell
    return str(pieces[0])


def defined_name(expression: str) -> str | None:
    """The last attribute of an expression, calls and indices aside: cp.f(z)[0] → f."""
    node: ast.expr = ast.parse(expression, mode="eval").body
    while isinstance(node, ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.attr if isinstance(node, ast.Attribute) else None


def definitions(path: Path) -> set[str]:
    """All names that a file defines: functions, classes, fields, attributes, module variables."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for target in targets:
            parts = target.elts if isinstance(target, ast.Tuple) else [target]
            found |= {part.id for part in parts if isinstance(part, ast.Name)}
            found |= {part.attr for part in parts if isinstance(part, ast.Attribute)}
    return found


def test_the_tables_are_found() -> None:
    assert len(ROWS) >= 60
    # every table but the one of the letters
    assert TEXT.count("\n|---") == TEXT.count("| " + " | ".join(HEADER) + " |") + 1


@pytest.mark.parametrize("quantity", re.split(r";\s+", LECTURE.strip()))
def test_every_quantity_of_the_lecture_has_a_row(quantity: str) -> None:
    entry = re.compile(rf"(^|, | = ){re.escape(quantity)}($|, | = )")
    assert any(entry.search(row.lecture) for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_name_exists_where_the_table_says_and_has_the_shape(
    row: Row, names: dict[str, Any]
) -> None:
    link = re.fullmatch(r"\[(\S+)\]\((\S+)\)", row.file)
    assert link is not None, row.file
    path = DOCUMENT.parent / link[2]
    assert path.is_file()
    assert path.name == link[1]

    expression = code(row.name)
    name = defined_name(expression)
    if name is not None:
        assert name in definitions(path)

    net = names["net"]
    for layer in layers(row, len(net.W)):
        value = eval(expression, {**names, "l": layer, "n": 0, "j": 0, "i": 0})
        match row.shape:
            case "function":
                assert inspect.isroutine(value)
            case "record":
                assert dataclasses.is_dataclass(value)
                assert isinstance(value, type)
            case "table":
                assert isinstance(value, Mapping)
                assert value
            case "network":
                assert isinstance(value, cp.Network)
            case shape:
                assert np.shape(value) == shape_of(shape, layer, net.sizes, names)
