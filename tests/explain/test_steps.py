"""The steps: the network's own numbers, terms that add up, checks that can fail, code that runs."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pytest

import clearprop as cp
from clearprop import explain
from clearprop.layers import Dense, Derivatives, Draw, Dropout

rng = np.random.default_rng(3)
X = rng.normal(size=(4, 3))
WEIGHTS = np.array([0.5, 2.0, 0.0, 1.25])
CASES: dict[str, tuple[cp.Network, Any]] = {
    "softmax": (cp.Network([3, 4, 3], "tanh", "softmax", seed=1), np.array([0, 2, 1, 1])),
    "two groups": (
        cp.Network([3, 4, 5], "tanh", cp.outputs.Softmax(sizes=(3, 2)), seed=1),
        np.array([[0, 1], [2, 0], [1, 1], [1, 0]]),
    ),
    "smoothed": (
        cp.Network([3, 3], output=cp.outputs.Softmax(label_smoothing=0.1)),
        np.array([0, 2, 1, 1]),
    ),
    "logistic": (cp.Network([3, 4, 2, 2], "relu", "logistic", seed=2), X[:, :2] > 0),
    "squared": (cp.Network([3, 4, 2], "tanh", "logistic_squared_error", seed=8), X[:, :2] > 0),
    "linear": (cp.Network([3, 4, 2], "gelu", "linear", seed=3), X[:, :2]),
    "absolute": (cp.Network([3, 4, 1], "silu", "absolute_error", seed=4), X[:, 0]),
    "huber": (cp.Network([3, 4, 1], "softplus", cp.outputs.Huber(0.3), seed=5), X[:, 0]),
    "quantile": (cp.Network([3, 4, 2], "elu", cp.outputs.Quantile((0.2, 0.7)), seed=6), X[:, 0]),
    "poisson": (cp.Network([3, 4, 1], "mish", "poisson", seed=7), np.array([0.0, 2.0, 1.0, 4.0])),
    "float32": (
        cp.Network([3, 4, 3], "tanh", "softmax", seed=1, dtype="float32"),
        np.array([0, 2, 1, 1]),
    ),
}


@pytest.fixture(params=CASES)
def case(request: Any) -> tuple[cp.Network, Any]:
    return CASES[request.param]


@pytest.mark.parametrize("weighted", [False, True])
def test_every_number_is_the_network_s(case: tuple[cp.Network, Any], weighted: bool) -> None:
    net, t = case
    w = WEIGHTS if weighted else None
    trace = net.forward(X)
    gradients = net.backward(trace, t, w)
    steps = explain.steps(net, X, t, w)
    for layer, z in enumerate(trace.z, 1):
        np.testing.assert_array_equal(steps[f"z{layer}"].result, z, strict=True)
        np.testing.assert_array_equal(steps[f"dL_dz{layer}"].result, gradients.dL_dz[layer - 1])
        np.testing.assert_array_equal(steps[f"dL_dW{layer}"].result, gradients.dL_dW[layer - 1])
        np.testing.assert_array_equal(steps[f"dL_db{layer}"].result, gradients.dL_db[layer - 1])
    for layer, h in enumerate(trace.h):
        if layer:
            np.testing.assert_array_equal(steps[f"h{layer}"].result, h)
        below = steps[f"dL_dh{layer}" if layer else "dL_dX"]
        np.testing.assert_array_equal(below.result, gradients.dL_dh[layer])
    np.testing.assert_array_equal(steps["ŷ"].result, trace.y_hat)
    assert steps.loss == float(steps["ℒ"].result) == net.loss(X, t, w)


def test_the_code_gives_the_same_bits(case: tuple[cp.Network, Any]) -> None:
    net, t = case
    for w in (None, WEIGHTS):
        steps = explain.steps(net, X, t, w)
        names: dict[str, Any] = {"net": net, "X": X, "t": t, "sample_weight": w}
        exec(steps.code(), names)
        for step in steps:
            np.testing.assert_array_equal(names[step.symbol.code], step.result, step.name)


def test_terms_add_up_to_every_entry(case: tuple[cp.Network, Any]) -> None:
    net, t = case
    eps = np.finfo(net.theta.dtype).eps
    for step in explain.steps(net, X, t, WEIGHTS):
        for index in np.ndindex(step.shape):
            values = [term.value for term in step.terms(index)]
            # n products and their sum, each rounded; 4 more for exp, log and a quotient
            bound = (len(values) + 4) * eps * max(sum(map(abs, values)), 1e-300)
            assert abs(sum(values) - float(step.result[index])) <= bound, (step.name, index)


def test_terms_and_derivatives_are_data(case: tuple[cp.Network, Any]) -> None:
    """Only the ŷ of several softmax groups has terms that depend on the place in another way."""
    net, t = case
    steps = explain.steps(net, X, t, WEIGHTS)
    codes = {"X", "t", "a", *(step.symbol.code for step in steps)}
    codes |= {f"{letter}{layer}" for letter in "Wb" for layer in range(1, len(net.W) + 1)}
    for step in steps:
        assert isinstance(step.summands, tuple) or step.operands[0].value.shape == (4, 5)
        assert set(step.function[1:]) <= codes
        assert step.function or step.summands
        assert (step.derivative is None) == (step.direction == "forward")
        assert step.derivative is None or set(step.derivative) <= codes


def test_factors_are_entries_of_the_operands(case: tuple[cp.Network, Any]) -> None:
    net, t = case
    for step in explain.steps(net, X, t):
        values = {operand.name: operand.value for operand in step.operands}
        for index in np.ndindex(step.shape):
            for term in step.terms(index):
                for factor in term.factors:
                    if factor.index is not None:
                        assert float(values[factor.symbol][factor.index]) == factor.value


def test_every_entry_passes_its_check(case: tuple[cp.Network, Any]) -> None:
    net, t = case
    for step in explain.steps(net, X, t, WEIGHTS):
        for index in np.ndindex(step.shape):
            check = step.check(index)
            assert check.ok, str(check)
            assert ("difference" in check.method) == (step.direction == "backward")


def test_a_check_finds_a_wrong_number(case: tuple[cp.Network, Any]) -> None:
    net, t = case
    for step in explain.steps(net, X, t):
        wrong = step.result.copy()
        index = tuple(int(i) for i in np.unravel_index(np.abs(wrong).argmax(), wrong.shape))
        wrong[index] *= 1.01
        assert replace(step, result=wrong).check(index).ok is False, step.name


def test_the_order_is_the_lecture_s() -> None:
    net, t = CASES["softmax"]
    names = [step.name for step in explain.steps(net, X, t)]
    assert names == [
        "z⁽¹⁾", "h⁽¹⁾", "z⁽²⁾", "e", "s", "ŷ", "ℒₙ", "ℒ",
        "∂ℒₙ/∂ŷ", "∂ŷ/∂z", "∂ŷ/∂z ∂ℒₙ/∂ŷ", "∂ℒₙ/∂z⁽²⁾", "∂ℒ/∂z⁽²⁾",
        "∂ℒ/∂W⁽²⁾", "∂ℒ/∂b⁽²⁾", "∂ℒ/∂h⁽¹⁾", "φ′(z⁽¹⁾)", "∂ℒ/∂z⁽¹⁾",
        "∂ℒ/∂W⁽¹⁾", "∂ℒ/∂b⁽¹⁾", "∂ℒ/∂x",
    ]  # fmt: skip
    assert [step.number for step in explain.steps(net, X, t)] == list(range(1, 22))


def test_the_bias_gradient_is_a_sum_over_the_batch() -> None:
    net, t = CASES["softmax"]
    terms = explain.steps(net, X, t)["∂ℒ/∂b⁽¹⁾"].terms(2)
    assert [term.factors[0].index for term in terms] == [(n, 2) for n in range(len(X))]
    assert {term.factors[1].value for term in terms} == {1.0}


def test_without_targets_there_is_the_forward_half() -> None:
    net, _ = CASES["logistic"]
    steps = explain.steps(net, X)
    assert steps.loss is None
    assert steps[-1].name == "ŷ"
    assert {step.direction for step in steps} == {"forward"}
    with pytest.raises(ValueError, match="sample_weight needs targets"):
        explain.steps(net, X, sample_weight=WEIGHTS)


def test_dropout_is_shown_with_its_mask() -> None:
    net = cp.Network([3, 6, 5, 2], "tanh", "softmax", dropout=[0.5, 0.25], seed=0)
    t = np.array([0, 1, 1, 0])
    assert not any("m⁽" in step.equation for step in explain.steps(net, X, t))
    draw = (7, 11)
    steps = explain.steps(net, X, t, draw=draw)
    trace = net.forward(X, draw=draw)
    gradients = net.backward(trace, t)
    assert steps["h1"].equation == "h⁽¹⁾ = φ(z⁽¹⁾) ⊙ m⁽¹⁾"
    np.testing.assert_array_equal(steps["h1"].result, trace.h[1])
    np.testing.assert_array_equal(steps["h2"].result, trace.h[2])
    np.testing.assert_array_equal(steps["dL_dW1"].result, gradients.dL_dW[0])
    names: dict[str, Any] = {"net": net, "X": X, "t": t}
    exec(steps.code(), names)
    for step in steps:
        np.testing.assert_array_equal(names[step.symbol.code], step.result, step.name)
        for index in np.ndindex(step.shape):
            assert step.check(index).ok, step.check(index)


@dataclass(frozen=True)
class Doubled:
    """A custom kind: twice its input, times a learnt factor."""

    n: int
    name: ClassVar[str] = "doubled"
    biases: ClassVar[frozenset[str]] = frozenset()
    decayed: ClassVar[frozenset[str]] = frozenset({"s"})
    stochastic: ClassVar[bool] = False

    @property
    def n_in(self) -> int:
        return self.n

    @property
    def n_out(self) -> int:
        return self.n

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {"s": (self.n,)}

    def forward(self, p: Any, h: Any, draw: Draw | None) -> tuple[Any, Any]:
        return 2 * h * p["s"], h

    def backward(self, p: Any, saved: Any, dL: Any) -> Derivatives:
        return Derivatives(2 * dL * p["s"], {"s": (2 * dL * saved).sum(axis=0)})


def test_any_other_kind_of_layer_is_one_step() -> None:
    plain = cp.Network([3, 4, 2], "tanh", "softmax", seed=0).architecture
    layers: Any = (Doubled(3), plain.layers[0], Doubled(4), *plain.layers[1:])
    architecture = replace(plain, layers=layers)
    theta = np.random.default_rng(0).normal(size=architecture.n_parameters)
    net = cp.Network.from_theta(architecture, theta)
    t = np.array([0, 1, 1, 0])
    steps = explain.steps(net, X, t)
    assert steps[0].equation == "h⁽⁰⁾ = doubled(x)"
    gradients = net.backward(net.forward(X), t)
    np.testing.assert_array_equal(steps["dL_ds_0"].result, gradients.theta[:3])
    names: dict[str, Any] = {"net": net, "X": X, "t": t}
    exec(steps.code(), names)
    for step in steps:
        np.testing.assert_array_equal(names[step.symbol.code], step.result, step.name)
        for index in np.ndindex(step.shape):
            assert step.check(index).ok, step.check(index)


def test_a_kink_has_no_check() -> None:
    """Relu units exactly at 0: there is no derivative to compare with."""
    net = cp.Network([1, 1, 1], "relu", "linear", initializer="zeros")
    net.theta[...] = [1.0, 0.0, 1.0, 0.0]
    check = explain.steps(net, np.zeros((1, 1)), np.ones(1))["∂ℒ/∂z⁽¹⁾"].check((0, 0))
    assert check.ok is None
    assert "kink" in str(check)


def test_vanished_probabilities_are_shown_and_not_hidden() -> None:
    net = cp.Network([1, 2], output="softmax", initializer="zeros")
    net.theta[:2] = [2000.0, -2000.0]
    steps = explain.steps(net, np.ones((1, 1)), np.array([1]))
    assert np.isneginf(steps["∂ℒₙ/∂ŷ"].result[0, 1])
    assert not np.isfinite(steps["chain"].result).all()
    np.testing.assert_array_equal(steps["∂ℒ/∂z⁽¹⁾"].result, [[1.0, -1.0]])
    assert "nan" in str(steps)
    assert "nan" in steps._repr_html_()


def test_a_large_jacobian_is_left_out(monkeypatch: Any) -> None:
    monkeypatch.setattr("clearprop.explain.output_steps.MOST_JACOBIAN", 10)
    net, t = CASES["softmax"]
    assert "∂ŷ/∂z" not in [step.name for step in explain.steps(net, X, t)]


@pytest.mark.parametrize("index", [5, (0,), (4, 0), (0, -1), (0, 0, 0)])
def test_a_wrong_index(index: Any) -> None:
    step = explain.steps(*CASES["softmax"][:1], X)["z1"]
    with pytest.raises(IndexError, match=r"z⁽¹⁾ has shape \(4, 4\); there is no entry"):
        step.terms(index)
    with pytest.raises(IndexError, match="there is no entry"):
        step.check(index)


def test_a_wrong_name() -> None:
    with pytest.raises(KeyError, match="there is no step 'z9'; the steps are z⁽¹⁾"):
        explain.steps(CASES["softmax"][0], X)["z9"]


def test_sparse_data_are_refused() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(ValueError, match="X must be dense to be explained"):
        explain.steps(CASES["softmax"][0], sparse.csr_matrix(X))


# ---- how they are shown --------------------------------------------------------------------------


def test_the_text_has_equations_shapes_and_numbers() -> None:
    net, t = CASES["softmax"]
    text = str(explain.steps(net, X, t))
    assert "z⁽¹⁾ = W⁽¹⁾ x + b⁽¹⁾" in text
    assert "z⁽¹⁾ (4, 4) from W⁽¹⁾ (4, 3), x (4, 3), b⁽¹⁾ (4,)" in text
    assert f"{net.forward(X).z[0][3, 2]:.4f}" in text
    assert text.index("forward propagation") < text.index("back-propagation")


def test_large_arrays_are_cut_and_the_cut_is_told() -> None:
    net = cp.Network([30, 40, 2], "relu", "softmax")
    steps = explain.steps(net, np.ones((50, 30)))
    assert "the first 8 of 50 rows, the first 8 of 40 columns" in str(steps["z1"])
    page = steps["z1"]._repr_html_()
    assert "the first 10 of 50 rows, the first 12 of 40 columns" in page
    assert page.count("<td") == 120


def test_the_html_is_well_formed_static_and_escaped() -> None:
    from xml.etree import ElementTree

    odd = replace(cp.activations.ACTIVATIONS["tanh"], name="<script>alert(1)</script>")
    for net, t in (
        *CASES.values(),
        (cp.Network([3, 2, 2], odd, "softmax"), np.array([0, 1, 1, 0])),
    ):
        page = explain.steps(net, X, t)._repr_html_()
        text = page.replace("&ensp;", " ").replace("&nbsp;", " ")
        ElementTree.fromstring(f"<div>{text}</div>")
        assert "<script" not in page
        assert "http" not in page


def test_every_equation_is_valid_latex() -> None:
    """As matplotlib's mathtext reads it, which knows no text and no small fractions."""
    mathtext = pytest.importorskip("matplotlib.mathtext")
    parser = mathtext.MathTextParser("path")
    for net, t in CASES.values():
        for step in explain.steps(net, X, t, WEIGHTS):
            latex = step.latex.replace(r"\tfrac12", r"\frac{1}{2}").replace(r"\textstyle", "")
            parser.parse(f"${latex}$")
    steps = explain.steps(*CASES["softmax"][:1], X)
    assert steps.latex().startswith("\\begin{aligned}\n  \\mathbf{z}^{(1)} &= W^{(1)}")


def test_the_document_is_json_with_the_same_numbers() -> None:
    net, t = CASES["logistic"]
    steps = explain.steps(net, X, t)
    document = json.loads(json.dumps(steps.to_document()))
    assert document["loss"] == steps.loss
    assert len(document["steps"]) == len(steps)
    for step, record in zip(steps, document["steps"], strict=True):
        np.testing.assert_array_equal(record["result"], step.result)


def test_slices_and_names() -> None:
    steps = explain.steps(CASES["linear"][0], X)
    assert [step.name for step in steps[:2]] == ["z⁽¹⁾", "h⁽¹⁾"]
    assert repr(steps) == "Explanation(z⁽¹⁾, h⁽¹⁾, z⁽²⁾, ŷ)"
    assert isinstance(steps["z1"].operands[0], explain.Operand)
    assert isinstance(CASES["linear"][0].architecture.layers[0], Dense | Dropout)
