"""The steps of a member of a bag: bins, embeddings, scales, gains and slopes, entry by entry."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tabular_cases import classifier, columns, regressor, target

import clearprop as cp
from clearprop import explain
from clearprop.embeddings import (
    Embedding,
    EmbeddingBag,
    Identity,
    Parallel,
    Periodic,
    PiecewiseLinear,
    Scale,
)
from clearprop.layers import Dense, Dropout

MISH, TANH = cp.ACTIVATIONS["mish"], cp.ACTIVATIONS["tanh"]
BINS = PiecewiseLinear(((-1.0, 0.0, 0.5, 2.0), (-2.0, 1.0)), n_units=2)


def network(dtype: str, *layers: Any, output: Any = None) -> cp.Network:
    architecture = cp.architecture.Architecture(layers, output or cp.outputs.Softmax())
    theta = np.random.default_rng(4).normal(size=architecture.n_parameters) / 2
    return cp.Network.from_theta(architecture, theta.astype(dtype))


def table_layers(dropout: bool = False) -> list[Any]:
    """As in a bag: the columns side by side, a scale, layers with gains and slopes."""
    inputs = Parallel((BINS, Identity(1), Embedding((3, 4), 2)))
    drop = [Dropout(0.25)] if dropout else []
    return [inputs, Scale(11), Dense(11, 4, MISH, 0.3, True), *drop,
            Dense(4, 3, TANH, 0.5, True), *drop, Dense(3, 2, None, 0.6)]  # fmt: skip


X = np.array([[0.3, -4.0, 1.0, 0, 3], [1.7, 0.2, -0.5, 2, 1], [-1.4, 3.0, 0.0, 2, 3]])
T = np.array([0, 1, 1])
CASES: dict[str, tuple[cp.Network, np.ndarray, Any, Any]] = {
    "a member": (network("float64", *table_layers()), X, T, None),
    "in float32": (network("float32", *table_layers()), X, T, None),
    "in training": (network("float64", *table_layers(dropout=True)), X, T, (3, 5)),
    "bins alone": (network("float64", BINS, Dense(6, 2, None)), X[:, :2], T, None),
    "embeddings alone": (
        network("float64", Embedding((3, 4)), Dense(16, 2, None)), X[:, 3:], T, None),
    "texts alone": (
        network("float64", EmbeddingBag((4, 3), 2, 2), Dense(4, 2, None)),
        np.array([[1.0, 4, 0, 2], [0, 0, 3, 3], [4, 2, 1, 0]]), T, None),
    "a scale alone": (network("float64", Scale(2), Dense(2, 2, None)), X[:, :2], T, None),
    "as they are": (
        network("float64", Identity(2), Scale(2), Dense(2, 2, None)), X[:, :2], T, None),
    "a gain and relu": (
        network("float64", Dense(2, 3, cp.ACTIVATIONS["relu"], 0.4), Dense(3, 1, None, 2.0),
                output=cp.outputs.Huber(0.3)), X[:, :2], np.array([0.1, -3.0, 2.0]), None),
}  # fmt: skip


@pytest.fixture(params=CASES)
def case(request: Any) -> tuple[cp.Network, np.ndarray, Any, Any]:
    return CASES[request.param]


def test_every_number_is_the_network_s(case: Any) -> None:
    net, X, t, draw = case
    trace = net.forward(X, draw=draw)
    gradients = net.backward(trace, t)
    steps = explain.steps(net, X, t, draw=draw)
    for layer, (z, h) in enumerate(zip(trace.z, trace.h, strict=True), 1):
        np.testing.assert_array_equal(steps[f"z{layer}"].result, z, strict=True)
        below = f"h{layer - 1}" if layer > 1 or net.architecture.layers[0].name != "dense" else ""
        if below:
            np.testing.assert_array_equal(steps[below].result, h)
        np.testing.assert_array_equal(steps[f"dL_dW{layer}"].result, gradients.dL_dW[layer - 1])
    np.testing.assert_array_equal(steps["dL_dX"].result, gradients.dL_dX)
    views = net.architecture.unpack(gradients.theta)
    level = 0
    for number, (layer, p) in enumerate(zip(net.architecture.layers, views, strict=True)):
        level += isinstance(layer, Dense)
        for name, value in p.items():
            known = {"W": f"dL_dW{level}", "b": f"dL_db{level}", "slope": f"dL_ds{level}"}
            code = known.get(name, f"dL_d{name.replace('.', '_')}_{number}")
            np.testing.assert_array_equal(steps[code].result, value)


def test_the_code_gives_the_same_bits(case: Any) -> None:
    net, X, t, draw = case
    steps = explain.steps(net, X, t, draw=draw)
    names: dict[str, Any] = {"net": net, "X": X, "t": t}
    exec(steps.code(), names)
    for step in steps:
        np.testing.assert_array_equal(names[step.symbol.code], step.result, step.name)
    assert len({step.name for step in steps}) == len(steps)


def test_terms_add_up_to_every_entry(case: Any) -> None:
    net, X, t, draw = case
    eps = np.finfo(net.theta.dtype).eps
    for step in explain.steps(net, X, t, draw=draw):
        assert step.summands is not None or step.name == "∂ŷ/∂z"
        values = {operand.name: operand.value for operand in step.operands}
        for index in np.ndindex(step.shape):
            terms = step.terms(index)
            size = max(sum(abs(term.value) for term in terms), 1e-300)
            bound = (2 * len(terms) + 4) * eps * size
            total = sum(term.value for term in terms)
            assert abs(total - float(step.result[index])) <= bound, (step.name, index)
            for term in terms:
                for factor in term.factors:
                    if factor.index is not None:
                        assert float(values[factor.symbol][factor.index]) == factor.value


def test_every_entry_passes_its_check(case: Any) -> None:
    net, X, t, draw = case
    n_checked = 0
    for step in explain.steps(net, X, t, draw=draw):
        for index in np.ndindex(step.shape):
            check = step.check(index)
            assert check.ok is not False, str(check)
            n_checked += check.ok is True
    assert n_checked > 20


def test_a_check_finds_a_wrong_number() -> None:
    net, X, t, _ = CASES["a member"]
    for step in explain.steps(net, X, t):
        if not step.result.any():  # the gradient by numbers of categories
            continue
        wrong = step.result.copy()
        index = tuple(int(i) for i in np.unravel_index(np.abs(wrong).argmax(), wrong.shape))
        wrong[index] *= 1.01
        assert replace(step, result=wrong).check(index).ok is False, step.name


def test_an_edge_of_a_bin_is_a_kink() -> None:
    net = CASES["bins alone"][0]
    steps = explain.steps(net, np.array([[0.5, 0.0]]), np.array([1]))
    assert steps["dL_dX"].check((0, 0)).ok is None
    assert steps["dL_dX"].check((0, 1)).ok is True


def test_the_equations() -> None:
    net, X, t, _ = CASES["a member"]
    steps = explain.steps(net, X, t)
    equations = [step.equation for step in steps]
    assert equations[:8] == [
        "u⁽⁰⁾₀ = [x̃, 0.V⟨0⟩ᵀ PLE(x)] of each column of x[:, 0:2]",
        "u⁽⁰⁾₁ = x[:, 2:3]",
        "u⁽⁰⁾₂ = rows x[:, 3:5] of 2.E⟨0⟩",
        "u⁽⁰⁾ = [u⁽⁰⁾₀, u⁽⁰⁾₁, u⁽⁰⁾₂]",
        "h⁽⁰⁾ = s⟨1⟩ ⊙ u⁽⁰⁾",
        "z⁽¹⁾ = g W⁽¹⁾ h⁽⁰⁾ + b⁽¹⁾",
        "φ(z⁽¹⁾)",
        "h⁽¹⁾ = z⁽¹⁾ + s⁽¹⁾ ⊙ (φ(z⁽¹⁾) − z⁽¹⁾)",
    ]
    assert "∂ℒ/∂s⁽¹⁾ = Σ_n ∂ℒ/∂h⁽¹⁾ ⊙ (φ(z⁽¹⁾) − z⁽¹⁾)" in equations
    assert equations[-1] == "∂ℒ/∂x = [∂ℒ/∂x₀, ∂ℒ/∂x₁, ∂ℒ/∂x₂]"


def test_every_equation_is_valid_latex(case: Any) -> None:
    mathtext = pytest.importorskip("matplotlib.mathtext")
    parser = mathtext.MathTextParser("path")
    net, X, t, draw = case
    for step in explain.steps(net, X, t, draw=draw):
        latex = step.latex.replace(r"\tfrac12", r"\frac{1}{2}").replace(r"\textstyle", "")
        latex = latex.replace(r"\frac1N", r"\frac{1}{N}")
        parser.parse(f"${latex}$")


def test_a_periodic_layer_is_still_one_step() -> None:
    net = network("float64", Periodic(2, 3, 2), Dense(6, 2, None))
    steps = explain.steps(net, X[:, :2], T)
    assert steps[0].equation == "h⁽⁰⁾ = periodic(x)"


@pytest.mark.parametrize("kind", ["classes", "numbers"])
def test_the_members_of_a_fitted_bag(kind: str) -> None:
    table, y = pd.DataFrame(columns()), target(columns())
    model = classifier().fit(table, y > 0) if kind == "classes" else regressor().fit(table, y)
    net, X, t = model.networks_[2], model.encode(table[:3]), model.encode_target(
        y[:3] > 0 if kind == "classes" else y[:3])  # fmt: skip
    steps = explain.steps(net, X, t)
    gradients = net.backward(net.forward(X), t)
    np.testing.assert_array_equal(steps["dL_dW1"].result, gradients.dL_dW[0])
    for name in ("z1", "h1", "dL_dz1", "dL_ds1", "dL_ds_1"):
        step = steps[name]
        assert step.check((0,) * step.result.ndim).ok is True, step.check((0,) * step.result.ndim)
    assert "PLE" in str(steps[0])
