"""The steps that are written for the page, filled in for networks of every depth."""

from __future__ import annotations

import re

import numpy as np
import pytest

from clearprop.activations import ACTIVATIONS
from clearprop.explain import steps
from clearprop.network import Network
from clearprop.notation import UP
from clearprop.outputs import OUTPUTS
from clearprop.playground.describe_steps import delta_form, describe_step, step_parts
from clearprop.playground.descriptions import ABOUT_OUTPUTS

PARTS = step_parts()


def filled(value, letters):
    """The value with its placeholders replaced, as the page replaces them."""
    if isinstance(value, dict):
        return {filled(k, letters): filled(v, letters) for k, v in value.items()}
    if isinstance(value, list):
        return [filled(each, letters) for each in value]
    if not isinstance(value, str):
        return value
    value = re.sub(r"⁽{([lmu])}⁾", lambda m: f"⁽{str(letters[m[1]]).translate(UP)}⁾", value)
    return re.sub(r"{([lmuN]|phi|formula|slope)}", lambda m: str(letters[m[1]]), value)


def listed(depth, activation, output, n):
    """All steps of a network, in their order, without their numbers."""
    layers = range(1, depth + 1)
    order = []
    for level in layers:
        order += [
            ("x" if level == 1 else "h", level),
            ("phi" if level < depth else output, level),
        ]
    order.append((f"{output} back", depth))
    for level in reversed(layers):
        order += [("phi back", level)] * (level < depth)
        order.append(("x back" if level == 1 else "h back", level))
    for part, level in order:
        for step in PARTS:
            if step["part"] == part:
                record = ACTIVATIONS[activation]
                letters = {"l": level, "m": level - 1, "u": level + 1, "N": n, "phi": activation}
                letters |= {"formula": record.formula[0], "slope": record.slope[0]}
                yield filled(step, letters)


@pytest.mark.parametrize("output", ABOUT_OUTPUTS)
@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_the_parts_make_up_the_steps_of_any_network(depth, output):
    compare(depth, "tanh", output)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_parts_say_which_activation_it_is(activation):
    compare(2, activation, "linear")


def compare(depth, activation, output):
    net = Network([3] * depth + [2], hidden=activation, output=output, seed=0)
    X = np.ones((7, 3))
    t = np.ones(7) if OUTPUTS[output].kind == "class" else np.ones((7, 2))
    wanted = steps(net, X, t)
    found = list(listed(depth, activation, output, 7))
    for own, step in zip(found, wanted, strict=True):
        described = describe_step(own["part"], step, 30)  # no layer has this number
        for name in ("equation", "entry", "code", "note", "sums", "operands", "layout", "function"):
            assert own.get(name) == described.get(name), (own["of"], name)
        assert own.get("delta", "") == delta_form(step, depth)
        assert own["of"] == step.symbol.code
