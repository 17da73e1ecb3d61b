"""The document of the stepper: every line with its operands, one entry with terms and check."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.explain import Explanation, Step, steps
from clearprop.network import Network
from clearprop.notation import sup
from clearprop.playground.code import listed
from clearprop.playground.describe_steps import delta_form, layout
from clearprop.playground.parts import Part, document
from clearprop.playground.stations.stepper import Stepper, parse_edits, position


def view(settings: Stepper) -> dict[str, Any]:
    """All quantities of the computation by their names in Python, the lines, the chosen entry."""
    net = settings.network()
    X, t = settings.X, settings.T
    if settings.example:
        X, t = (
            X[settings.example - 1 : settings.example],
            t[settings.example - 1 : settings.example],
        )
    with np.errstate(all="ignore"):
        explanation = steps(net, X, t)
        line = explanation[min(settings.line, len(explanation)) - 1]
        parts = [_computation(settings, net, explanation), _line(settings, explanation, line)]
    return document(["from clearprop import explain"], parts)


def _computation(settings: Stepper, net: Network, explanation: Explanation) -> Part:
    quantities: dict[str, dict[str, Any]] = {}
    numbers: dict[str, Any] = {"inputs": settings.X, "targets": settings.T}

    def take(code: str, text: str, value: Array, axes: tuple[str, ...]) -> None:
        if code not in numbers:
            numbers[code] = value
            quantities[code] = {"text": text, "shape": list(np.shape(value)), "axes": list(axes)}

    for level, (W, b) in enumerate(zip(net.W, net.b, strict=True), 1):
        take(f"W{level}", f"W{sup(level)}", W, ("j", "i"))
        take(f"b{level}", f"b{sup(level)}", b, ("j",))
    for step in explanation:
        for operand in step.operands:
            given = {"X": ("n", "i"), "t": ("n", "k"), "a": ("n",)}.get(operand.symbol.code)
            if given:
                take(operand.symbol.code, operand.name, operand.value, given)
        take(step.symbol.code, step.name, step.result, step.axes)
    lines = [
        f"net = cp.Network({list(settings.sizes)}, hidden={settings.activation!r}, "
        f"output={settings.output!r}, seed={settings.seed})",
        "net.theta[:] = net.theta.round(2)",
        *map(_edit, parse_edits(settings.edits).items()),
        f"X = np.array({listed(settings.x)}).reshape({settings.rows}, {settings.inputs})",
        f"t = np.array({listed(settings.t)})"
        + ("" if settings.T.ndim == 1 else f".reshape({settings.rows}, {settings.outputs})"),
        "inputs, targets = X, t",
    ]
    if settings.example:
        lines.append(f"X, t = X[{settings.example - 1}:{settings.example}], "
                     f"t[{settings.example - 1}:{settings.example}]")  # fmt: skip
    lines += ["steps = explain.steps(net, X, t)", 'np.seterr(all="ignore")']
    lines += [line for line in explanation.code().splitlines() if line != "import numpy as np"]
    drawn = {
        "quantities": quantities,
        "lines": [_described(step, settings) for step in explanation],
        "sizes": settings.sizes,
        "n": len(explanation["z1"].result),
    }
    return Part(numbers, lines, {name: name for name in numbers}, drawn)


def _edit(item: tuple[str, float]) -> str:
    place, value = item
    layer, index = position(place)
    array = "W" if len(index) == 2 else "b"
    return f"net.{array}[{layer - 1}][{', '.join(map(str, index))}] = {value!r}"


def _line(settings: Stepper, explanation: Explanation, line: Step) -> Part:
    """The differences of the line, and the chosen entry, if its result has this entry."""
    numbers: dict[str, Any] = {}
    shown: dict[str, str] = {}
    lines = [f"step = steps[{line.symbol.code!r}]"]
    if settings.differences == "on" and line.difference is not None:
        found = [line.check(index).expected for index in np.ndindex(line.shape)]
        numbers["differences"] = np.array(found).reshape(line.shape)
        shown["differences"] = (
            "np.array([step.check(i).expected for i in np.ndindex(step.shape)]).reshape(step.shape)"
        )
    drawn: dict[str, Any] = {"line": line.number, "cell": None}
    at = settings.at
    if len(at) == len(line.shape) and all(i < n for i, n in zip(at, line.shape, strict=True)):
        terms, check = line.terms(at), line.check(at)
        code = _codes(explanation)
        numbers |= {
            "cell_value": check.value,
            "cell_terms": [term.value for term in terms],
            "cell_factors": [factor.value for term in terms for factor in term.factors],
            "cell_expected": check.expected,
            "cell_error": check.relative_error,
        }
        lines.append(f"terms, check = step.terms({at!r}), step.check({at!r})")
        shown |= {
            "cell_value": "check.value",
            "cell_terms": "[term.value for term in terms]",
            "cell_factors": "[factor.value for term in terms for factor in term.factors]",
            "cell_expected": "check.expected",
            "cell_error": "check.relative_error",
        }
        drawn["cell"] = {
            "at": at,
            "name": line.name,
            "derivative": line.difference is not None,
            "ok": check.ok,
            "tolerance": check.tolerance,
            "terms": [
                {
                    "form": term.text,
                    "sign": 1,
                    "factors": [
                        {
                            "text": factor.symbol,
                            "of": code.get(factor.symbol) if factor.index is not None else None,
                            "index": factor.index,
                        }
                        for factor in term.factors
                    ],
                }
                for term in terms
            ],
        }
    return Part(numbers, lines, shown, drawn)


def _codes(explanation: Explanation) -> dict[str, str]:
    """For each symbol, the name of the quantity in the code."""
    symbols = [step.symbol for step in explanation]
    symbols += [operand.symbol for step in explanation for operand in step.operands]
    return {symbol.text: symbol.code for symbol in symbols}


def _described(step: Step, settings: Stepper) -> dict[str, Any]:
    return {
        "number": step.number,
        "direction": step.direction,
        "layer": step.layer,
        "of": step.symbol.code,
        "equation": step.equation,
        "entry": step.entry,
        "code": step.code,
        "note": step.note,
        "derivative": step.difference is not None,
        "delta": delta_form(step, len(settings.sizes) - 1),
        "layout": layout(step),
    }
