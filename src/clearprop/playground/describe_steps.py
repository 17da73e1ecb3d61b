"""The steps of forward and back-propagation as data, from which the page computes and shows them.

Every text comes from `explain.steps` of a network with four layers; the layer's number is replaced
by {l}, the one below by {m}, the one above by {u}, the number of samples by {N}, the activation by
{phi}, {formula} and {slope}. So one part serves every layer, and the page computes each step from
its terms or its function.
"""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

import numpy as np

from clearprop.activations import ACTIVATIONS
from clearprop.explain import Explanation, Step, steps
from clearprop.explain.terms import Helper, Of, Sum, TermForm
from clearprop.network import Network
from clearprop.notation import UP, sup
from clearprop.outputs import OUTPUTS
from clearprop.playground.descriptions import ABOUT_OUTPUTS

Layout = list[str | dict[str, Any]]
DEPTH, SAMPLES = 4, 5


def step_parts() -> list[dict[str, Any]]:
    """The steps of each part of a network, in their order; `part` names it.

    "x", "h": the sums z of a layer above the inputs or above another layer; "phi": h of a hidden
    layer; the output unit's name: from z to ℒ. With " back" the same way back.
    """
    found = _dense(_explanation("linear"))
    for output in ABOUT_OUTPUTS:
        found += _unit(_explanation(output), output)
    tanh = ACTIVATIONS["tanh"]
    for part in found:
        if part["part"] in ("phi", "phi back"):
            note = part["note"].replace(tanh.formula[0], "{formula}")
            part["note"] = note.replace(tanh.slope[0], "{slope}").replace("tanh", "{phi}")
    return found


def _explanation(output: str) -> Explanation:
    net = Network([2] * DEPTH + [2], hidden="tanh", output=output, seed=0)
    t = np.ones(SAMPLES) if OUTPUTS[output].kind == "class" else np.ones((SAMPLES, 2))
    return steps(net, np.ones((SAMPLES, 2)), t)


def _dense(explanation: Explanation) -> list[dict[str, Any]]:
    parts = {
        "x": (1, ["z1"]),
        "h": (3, ["z3"]),
        "phi": (3, ["h3"]),
        "phi back": (3, ["dphi3", "dL_dz3"]),
        "h back": (3, ["dL_dW3", "dL_db3", "dL_dh2"]),
        "x back": (1, ["dL_dW1", "dL_db1", "dL_dX"]),
    }
    return [
        describe_step(part, explanation[code], level)
        for part, (level, codes) in parts.items()
        for code in codes
    ]


def _unit(explanation: Explanation, output: str) -> list[dict[str, Any]]:
    names = [step.symbol.code for step in explanation]
    first, last = names.index(f"z{DEPTH}") + 1, names.index(f"dL_dW{DEPTH}")
    return [
        describe_step(output + " back" * (step.direction == "backward"), step, DEPTH)
        for step in explanation[first:last]
    ]


def describe_step(part: str, step: Step, level: int) -> dict[str, Any]:
    """A step as JSON values, with placeholders in place of the numbers of layers."""
    assert isinstance(step.summands, tuple)
    described = {
        "part": part,
        "direction": step.direction,
        "layer": step.layer is not None,
        "of": step.symbol.code,
        "name": step.name,
        "equation": step.equation,
        "entry": step.entry,
        "code": step.code,
        "note": step.note,
        "axes": "".join(step.axes),
        "operands": {operand.symbol.code: operand.name for operand in step.operands},
        "sums": [_without_defaults(each) for each in step.summands],
        "helpers": [_helper(each) for each in step.helpers if each.name != step.symbol.code],
        "function": list(step.function),
        "derivative": step.derivative and list(step.derivative),
        "delta": delta_form(step, DEPTH),
        "layout": layout(step),
    }
    return {name: _template(value, level) for name, value in described.items() if value}


def _helper(helper: Helper) -> dict[str, Any]:
    if helper.function:
        return {"name": helper.name, "function": list(helper.function)}
    return {"name": helper.name, "value": helper.value.tolist()}


def _without_defaults(record: Sum | TermForm | Of) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in fields(record):
        value = getattr(record, field.name)
        if isinstance(value, Of):
            value = _without_defaults(value)
        elif isinstance(value, tuple):
            value = [_without_defaults(each) for each in value]
        elif value == field.default:
            continue
        found[field.name] = value
    return found


def _template(value: Any, level: int) -> Any:
    if isinstance(value, dict):
        return {_template(k, level): _template(each, level) for k, each in value.items()}
    if isinstance(value, list):
        return [_template(each, level) for each in value]
    if not isinstance(value, str):
        return value
    letters = {str(level - 1): "{m}", str(level): "{l}", str(level + 1): "{u}"}
    value = value.replace(f"1/N = 1/{SAMPLES}", "1/N = 1/{N}")
    value = re.sub(
        r"layers\[(\d)\]", lambda found: f"layers[{letters.get(found[1], found[1])}]", value
    )
    value = re.sub(r"(?<=[A-Za-z])(\d)\b", lambda found: letters.get(found[1], found[1]), value)
    for digit, letter in letters.items():
        value = value.replace(f"⁽{digit.translate(UP)}⁾", f"⁽{letter}⁾")
    return value


# ---- how a line is drawn -------------------------------------------------------------------------


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
