"""The document of the stepper: every line with its operands, one entry with terms and check."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.explain import Explanation, Step, steps
from clearprop.network import Network
from clearprop.notation import sup
from clearprop.playground.code import listed
from clearprop.playground.parts import Part, document
from clearprop.playground.stations.stepper import Stepper, parse_edits, position

Layout = list[str | dict[str, Any]]


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
            "entry": check.entry,
            "method": check.method,
            "derivative": line.difference is not None,
            "ok": check.ok,
            "tolerance": check.tolerance,
            "terms": [
                {
                    "text": term.text,
                    "factors": [
                        {
                            "text": str(factor),
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


def delta_form(step: Step, last: int) -> str:
    """The line in the short notation δ⁽ˡ⁾ = ∂ℒ/∂z⁽ˡ⁾; empty if it has none."""
    match = re.fullmatch(r"dL_d([zWb])(\d+)", step.symbol.code)
    if not match:
        return ""
    letter, level = match[1], int(match[2])
    here, below = f"δ{sup(level)}", "x" if level == 1 else f"h{sup(level - 1)}"
    if letter == "W":
        return f"∂ℒ/∂W{sup(level)} = {here} {below}ᵀ"
    if letter == "b":
        return f"∂ℒ/∂b{sup(level)} = Σₙ {here}"
    if level == last:
        return f"{here} = (1/N) ∂ℒₙ/∂z{sup(level)}"
    up = sup(level + 1)
    return f"{here} = (W{up}ᵀ δ{up}) ⊙ φ′(z{sup(level)})"


def layout(step: Step) -> Layout:
    """The right side as signs and operands, in the order of the equation, with samples as columns.

    transposed: a quantity with samples as rows (as in the code), or Wᵀ.
    """
    found = step.operands

    def of(i: int, transposed: bool = False) -> dict[str, Any]:
        symbol = found[i].symbol
        return {"of": symbol.code, "text": symbol.text, "transposed": transposed}

    code = step.symbol.code
    kind = re.sub(r"\d+$", "", code)
    if kind == "dL_dh" or code == "dL_dX":
        return [of(0, True), of(1)]
    if kind == "dL_dW":
        return [of(0), of(1, True)]
    if kind == "dL_dz":
        return [of(0), "⊙" if len(found) == 2 and found[1].symbol.code != "dLn_dz" else "·", of(1)]
    plain: dict[str, Layout] = {
        "dL_db": ["Σₙ", of(0)],
        "h": ["φ(", of(0), ")"],
        "dphi": ["φ′(", of(0), ")"],
        "e": ["exp(", of(0), "− max z )"],
        "s": ["Σⱼ", of(0)],
        "L": ["Σₙ", of(0), "·", of(len(found) - 1)],
        "Ln": ["ℒₙ(", of(0), ",", of(min(1, len(found) - 1)), ")"],
        "dy_dz": ["∂ŷ/∂z at", of(0)],
    }
    if kind in plain:
        return plain[kind]
    if kind == "z":
        return [of(0), of(1), "+", of(2)]
    if code == "y_hat":
        return [of(0), "/", of(1)] if len(found) == 2 else ["f(", of(0), ")"]
    if code == "chain":
        return [of(0), "" if found[0].value.ndim == 3 else "⊙", of(1)]
    if code == "dLn_dy_hat":
        return ["∂ℒₙ/∂ŷ at", of(0), ",", of(1)]
    if kind == "dLn_dz" and "ŷ − t" in step.equation:
        return [of(0), "−", of(1)]
    return ["ℒₙ′ at", *(of(i) for i in range(len(found)))]
