"""The stepper against forward and back-propagation written out here, and against itself."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

pytest.importorskip("starlette")

from clearprop.playground.stations.stepper import OUTPUTS, PRESETS, Stepper, edit, shape
from clearprop.playground.stations.stepper_view import view


def by_hand(settings):
    """All quantities of a tanh network with a logistic or softmax output, loop by loop."""
    net = settings.network()
    X, T = settings.X, settings.T
    N = len(X)
    found = {}
    h = X
    for layer, (W, b) in enumerate(zip(net.W, net.b, strict=True), 1):
        z = np.array([[sum(W[j] * row) + b[j] for j in range(len(W))] for row in h])
        found[f"z{layer}"] = z
        if layer < len(net.W):
            h = np.tanh(z)
            found[f"h{layer}"] = h
    if settings.output == "softmax":
        y = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        t = np.eye(y.shape[1])[T.astype(int)]
        losses = -(t * np.log(y)).sum(axis=1)
    else:
        y, t = 1 / (1 + np.exp(-z)), T
        losses = -(t * np.log(y) + (1 - t) * np.log(1 - y)).sum(axis=1)
    found |= {"y_hat": y, "Ln": losses, "L": losses.sum() / N}
    delta = (y - t) / N
    for layer in range(len(net.W), 0, -1):
        below = X if layer == 1 else found[f"h{layer - 1}"]
        found[f"dL_dz{layer}"] = delta
        found[f"dL_dW{layer}"] = sum(np.outer(delta[n], below[n]) for n in range(N))
        found[f"dL_db{layer}"] = sum(delta[n] for n in range(N))
        back = delta @ net.W[layer - 1]
        if layer > 1:
            found[f"dL_dh{layer - 1}"] = back
            delta = back * (1 - below**2)
        else:
            found["dL_dX"] = back
    return found


@pytest.mark.parametrize(
    "changes",
    [
        {"example": 0},
        {"example": 0, "hidden": (3, 2)},
        {"example": 0, "hidden": (), "output": "softmax", "outputs": 3, "t": (2.0, 0.0, 1.0)},
        {"example": 0, "hidden": (4,), "output": "softmax", "outputs": 2, "t": (1.0, 0.0, 1.0)},
    ],
)
def test_every_line_is_what_back_propagation_by_hand_gives(changes):
    settings = Stepper(**changes)
    numbers = view(settings)["numbers"]
    for name, value in by_hand(settings).items():
        np.testing.assert_allclose(numbers[name], value, rtol=1e-9, atol=1e-14, err_msg=name)


def test_the_batch_is_the_mean_of_its_examples_and_their_bias_gradients_add_up():
    base = Stepper(example=0)
    batch = view(base)["numbers"]
    single = [view(dataclasses.replace(base, example=n + 1))["numbers"] for n in range(base.rows)]
    for name in ("dL_dW1", "dL_db1", "dL_dW2", "dL_db2", "L"):
        mean = sum(np.asarray(one[name]) for one in single) / base.rows
        np.testing.assert_allclose(batch[name], mean, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(batch["dL_db1"], batch["dL_dz1"].sum(axis=0), rtol=1e-12)


@pytest.mark.parametrize("output", OUTPUTS)
def test_every_entry_is_the_sum_of_its_terms_and_agrees_with_its_check(output):
    settings = shape(Stepper(), output=output, outputs=2, rows=2, hidden=[2])
    settings = dataclasses.replace(settings, example=0, differences="on")
    first = view(settings)
    kinks = 0
    for line in first["lines"]:
        size = first["quantities"][line["of"]]["shape"]
        for at in np.ndindex(*size):
            here = view(dataclasses.replace(settings, line=line["number"], at=at))
            numbers, cell = here["numbers"], here["cell"]
            assert numbers["cell_value"] == np.asarray(numbers[line["of"]])[at]
            total = sum(numbers["cell_terms"])
            assert numbers["cell_value"] == pytest.approx(total, rel=1e-9, abs=1e-12)
            assert len(numbers["cell_factors"]) == sum(len(t["factors"]) for t in cell["terms"])
            if cell["ok"] is None:
                kinks += 1
                continue
            assert cell["ok"], (line["equation"], at)
            if line["derivative"]:
                expected = numbers["cell_expected"]
                assert numbers["differences"][at] == pytest.approx(expected, nan_ok=True)
    assert kinks == 0 or output in ("absolute_error", "huber")


def test_factors_lead_to_the_entries_they_are():
    settings = dataclasses.replace(Stepper(), example=0)
    for line in view(settings)["lines"]:
        here = view(dataclasses.replace(settings, line=line["number"]))
        at = tuple(0 for _ in here["quantities"][line["of"]]["shape"])
        here = view(dataclasses.replace(settings, line=line["number"], at=at))
        numbers = here["numbers"]
        factors = [f for term in here["cell"]["terms"] for f in term["factors"]]
        for factor, value in zip(factors, numbers["cell_factors"], strict=True):
            if factor["of"] is not None:
                entry = np.asarray(numbers[factor["of"]])[tuple(factor["index"])]
                assert entry == value, factor


def shown(document, part):
    """A quantity as it is drawn: samples as columns unless transposed."""
    value = np.asarray(document["numbers"][part["of"]])
    axes = document["quantities"][part["of"]]["axes"]
    if value.ndim == 0:
        return value
    if value.ndim == 1:
        return value[None] if axes[0] == "n" else value[:, None]
    return value if (axes[0] == "n") == part["transposed"] else value.T


@pytest.mark.parametrize("example", [0, 2])
def test_the_drawn_matrices_multiply_to_the_drawn_result(example):
    """z = W x + b, ∂ℒ/∂W = δ xᵀ, ∂ℒ/∂h = Wᵀ δ and ∂ℒ/∂z = ∂ℒ/∂h ⊙ φ′ hold as they stand there."""
    document = view(Stepper(hidden=(3, 2), example=example))
    n_products = 0
    for line in document["lines"]:
        parts = line["layout"]
        result = shown(document, {"of": line["of"], "transposed": False})
        matrices = [shown(document, part) for part in parts if isinstance(part, dict)]
        signs = [part for part in parts if isinstance(part, str)]
        if line["of"].startswith("z"):
            assert signs == ["+"]
            product = matrices[0] @ matrices[1] + matrices[2]
        elif line["of"].startswith(("dL_dW", "dL_dh", "dL_dX")):
            product = matrices[0] @ matrices[1]
        elif line["of"].startswith("dL_db"):
            product = matrices[0].sum(axis=1, keepdims=True)
        elif line["of"] == "dL_dz3" or signs == ["⊙"]:
            product = matrices[0] * matrices[1]
        elif signs == ["−"]:
            product = matrices[0] - matrices[1]
        else:
            continue
        n_products += 1
        np.testing.assert_allclose(product, result, rtol=1e-9, atol=1e-15, err_msg=line["of"])
    assert n_products >= 3 + 3 + 3 + 3 + 3


def test_the_short_notation():
    lines = {line["of"]: line["delta"] for line in view(Stepper(hidden=(3, 2)))["lines"]}
    assert lines["dL_dz1"] == "δ⁽¹⁾ = (W⁽²⁾ᵀ δ⁽²⁾) ⊙ φ′(z⁽¹⁾)"
    assert lines["dL_dW1"] == "∂ℒ/∂W⁽¹⁾ = δ⁽¹⁾ xᵀ"
    assert lines["dL_db2"] == "∂ℒ/∂b⁽²⁾ = Σₙ δ⁽²⁾"


def test_weights_are_round_and_edits_stand():
    settings = Stepper(edits="W1.0.1:0.123;b2.0:-4")
    net = settings.network()
    assert net.W[0][0, 1] == 0.123
    assert net.b[1][0] == -4
    others = np.delete(net.theta, [1, net.theta.size - 1])
    np.testing.assert_array_equal(others, others.round(2))


def test_actions_edit_one_value_each():
    settings = edit(edit(edit(Stepper(), "W2.0.1", 0.5), "x.1.0", 3), "t.2.0", 0.25)
    assert settings.edits == "W2.0.1:0.5"
    assert settings.X[1, 0] == 3
    assert settings.T[2, 0] == 0.25
    assert edit(settings, "W2.0.1", -1).edits == "W2.0.1:-1"


@pytest.mark.parametrize("title", PRESETS)
def test_any_preset_can_take_any_shape(title):
    base = Stepper(**PRESETS[title])
    for output in OUTPUTS:
        for hidden in ([], [1], [5, 4, 3]):
            settings = shape(base, output=output, hidden=hidden, inputs=3, outputs=1, rows=6)
            assert settings.rows == 6
            assert settings.outputs == (2 if output == "softmax" else 1)
            numbers = view(settings)["numbers"]
            assert np.isfinite(numbers["L"])
    kept = shape(base, hidden=list(base.hidden))
    assert (kept.x, kept.t, kept.edits) == (base.x, base.t, base.edits)


def test_examples_keep_what_they_have():
    settings = shape(Stepper(), rows=4, inputs=3)
    assert settings.X.tolist() == [[1, 0.5, 0], [-0.5, 1, 0], [0, -1, 0], [0, 0, 0]]
    assert settings.T.ravel().tolist() == [1, 0, 1, 0]
    assert shape(settings, hidden=[]).edits == ""
    fewer = shape(Stepper(edits="W1.2.0:1;W1.0.0:2", example=3), hidden=[2], rows=2)
    assert (fewer.edits, fewer.example) == ("W1.0.0:2", 2)
