"""Gates as the page needs them: titles, numbers of inputs, weights and thresholds, symbols.

The weights of a kind are described once for all numbers of inputs. They are taken from
`clearprop.circuits.gates`: the page knows nothing about gates that the library does not say.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from clearprop.circuits.drawing.symbols import GateSymbol, symbol
from clearprop.circuits.gates import GATES, GateKind, Neuron, at_least

AT_LEAST = "at_least"  # the kinds at_least_1, at_least_2, … in one choice
TITLES = {
    "or": "OR",
    "and": "AND",
    "nor": "NOR",
    "nand": "NAND",
    "not": "NOT",
    "buf": "BUF",
    "xor": "XOR",
    "xnor": "XNOR",
    "majority": "Majority",
    AT_LEAST: "At least t",
    "mux": "Multiplexer",
    "half_adder": "Half adder",
    "full_adder": "Full adder",
    "const0": "Always 0",
    "const1": "Always 1",
}
TRIED = 12  # numbers of inputs up to which a rule for all numbers of inputs is checked
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def circuit_gates() -> list[dict[str, Any]]:
    """Every kind of gate that the station offers."""
    return [_gate(kind, title) for kind, title in TITLES.items()]


def _gate(kind: str, title: str) -> dict[str, Any]:
    row = at_least(1) if kind == AT_LEAST else GATES[kind]
    shape = symbol("at_least_1" if kind == AT_LEAST else kind) if len(row.outputs) == 1 else None
    return {
        "kind": kind,
        "title": title,
        "least": row.least,
        "most": row.most,
        "odd": row.odd,
        "inputs": list(row.inputs),
        "outputs": list(row.outputs),
        "output_neurons": list(row.output_neurons),
        **_neurons(kind, row),
        "symbol": shape and _symbol(shape),
    }


def _neurons(kind: str, row: GateKind) -> dict[str, Any]:
    """`neurons` if there is one number of inputs; else a rule that gives them for k inputs.

    one: a single neuron with k equal weights and the threshold slope·k + start. parity: a neuron
    for each even j ≤ k, which is 1 if at least j inputs are, and one that adds the inputs up and
    takes 2 away for each of these; its weights from the inputs and its threshold are given.
    """
    if row.least == row.most:
        return {"neurons": [[list(n.weights), n.threshold] for n in row.neurons(row.least)]}
    tried = [k for k in range(row.least, TRIED) if row.allows(k)]
    if all(len(row.neurons(k)) == 1 for k in tried):
        (first,), (last,) = row.neurons(tried[0]), row.neurons(tried[-1])
        slope = (last.threshold - first.threshold) / (tried[-1] - tried[0])
        one = (first.weights[0], slope, first.threshold - slope * tried[0])
        assert all(row.neurons(k) == _single(k, *one) for k in tried), kind
        return {"one": dict(zip(("weight", "slope", "start"), one, strict=True))}
    end = row.neurons(1)[-1]
    assert all(row.neurons(k) == _parity(k, end.weights[0], end.threshold) for k in tried), kind
    return {"parity": {"weight": end.weights[0], "threshold": end.threshold}}


def _single(k: int, weight: int, slope: float, start: float) -> tuple[Neuron, ...]:
    return (Neuron((weight,) * k, round(slope * k + start)),)


def _parity(k: int, weight: int, threshold: int) -> tuple[Neuron, ...]:
    even = range(2, k + 1, 2)
    hidden = [Neuron((1,) * k + (0,) * i, j) for i, j in enumerate(even)]
    return (*hidden, Neuron((weight,) * k + (-2 * weight,) * len(even), threshold))


def _symbol(shape: GateSymbol) -> dict[str, Any]:
    """A symbol with its path as a template: texts, and between them numbers a + b·height."""
    return {
        "path": _template(shape.path(100.0), shape.path(200.0)),
        "width": shape.width,
        "bubble": shape.bubble,
        "bent": shape.bent,
        "text": shape.text,
        "pins": list(shape.pins),
    }


def _template(at_100: str, at_200: str) -> list[str | Sequence[float]]:
    texts = _NUMBER.split(at_100)
    assert texts == _NUMBER.split(at_200)
    parts: list[str | Sequence[float]] = [texts[0]]
    pairs = zip(_NUMBER.findall(at_100), _NUMBER.findall(at_200), texts[1:], strict=True)
    for low, high, text in pairs:
        slope = (float(high) - float(low)) / 100
        start = float(low) - 100 * slope
        if slope:
            parts += [[start, slope], text]
        else:
            parts[-1] = f"{parts[-1]}{low}{text}"
    return parts
