"""Attributions: they add up, agree with Shapley's values where they must, for every kind of y."""

from __future__ import annotations

import json
import math
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tabular_cases import classifier, columns, regressor, target

import clearprop as cp
from clearprop import explain
from clearprop.explain.attribution_task import _bag_link
from clearprop.explain.links import LogMean, LogOdds, Mean
from clearprop.explain.paths import Member

TABLE = pd.DataFrame(columns())
SIZE = target(columns())
THREE = np.digitize(SIZE, [-1, 2])
CASES: dict[str, tuple[Any, Any, int]] = {
    "two classes": (classifier(), np.where(SIZE > 0, "large", "small"), 1),
    "three classes": (classifier(), THREE, 3),
    "labels": (classifier(), np.stack([SIZE > 0, SIZE > 3], axis=1).astype(int), 2),
    "columns": (classifier(), np.stack([THREE, THREE > 0], axis=1), 4),
    "one number": (regressor(), 1e6 * SIZE, 1),
    "two numbers": (regressor(), np.stack([SIZE, 1000 * SIZE**2], axis=1), 2),
    "quantiles": (regressor(loss=cp.outputs.Quantile((0.1, 0.5, 0.9))), SIZE, 3),
    "counts": (regressor(loss="poisson"), np.round(np.abs(SIZE)), 1),
}


@pytest.fixture(scope="module", params=CASES)
def fitted(request: pytest.FixtureRequest) -> Any:
    model, y, n_outputs = CASES[request.param]
    return model.fit(TABLE, y), y, n_outputs


def predictions(model: Any, F: np.ndarray) -> np.ndarray:
    """What `predict` or `predict_proba` says, from F of all outputs."""
    if not hasattr(model, "predict_proba"):
        y = np.exp(F) if model.loss == "poisson" else F
        low, high = (
            np.repeat(v, F.shape[1] // len(v)) for v in (model.target_.low, model.target_.high)
        )
        return np.clip(y, low, high).reshape(np.shape(model.predict(TABLE[: len(F)])))
    return 1 / (1 + np.exp(-F))


def test_they_add_up_to_the_prediction(fitted: Any, tmp_path: Path) -> None:
    model, _, n_outputs = fitted
    rows = TABLE[:6]
    found = explain.attribute(model, rows)
    assert found.values.shape == (6, TABLE.shape[1], n_outputs)
    assert len(found.outputs) == n_outputs
    unit = model.target_.scale.max() if found.scale == "units of y" else 1.0
    missing = found.base + found.values.sum(axis=1) - found.prediction
    assert np.abs(missing).max() < 1e-12 * max(1, np.abs(found.prediction).max())
    assert (found.error <= 1e-3 * unit).all()
    p = predictions(model, found.prediction)
    if hasattr(model, "predict_proba"):
        expected = model.predict_proba(rows)
        if isinstance(expected, list):  # three classes, then two
            expected = np.concatenate([expected[0], expected[1][:, 1:]], axis=1)
        elif n_outputs == 1:
            expected = expected[:, 1:]
        np.testing.assert_allclose(p, expected, atol=1e-6)
    else:
        scale = np.abs(model.predict(TABLE)).max()
        np.testing.assert_allclose(p, model.predict(rows), atol=1e-5 * scale)
    path = tmp_path / "model.safetensors"
    model.save(path)
    again = explain.attribute(type(model).load(path), rows)
    np.testing.assert_array_equal(again.values, found.values)


def test_a_background_of_several_rows_is_the_mean(fitted: Any) -> None:
    model = fitted[0]
    rows, background = TABLE[:2], TABLE[50:53]
    together = explain.attribute(model, rows, background)
    alone = [explain.attribute(model, rows, background[i : i + 1]) for i in range(3)]
    unit = model.target_.scale.max() if together.scale == "units of y" else 1.0
    mean = np.mean([a.values for a in alone], axis=0)
    np.testing.assert_allclose(together.values, mean, rtol=0, atol=2e-3 * unit)
    np.testing.assert_allclose(together.base, np.mean([a.base for a in alone], axis=0))
    # a row compared with itself: nothing to explain
    same = explain.attribute(model, rows[:1], rows[:1])
    assert not same.values.any()


def test_gradients_are_those_of_the_values(fitted: Any) -> None:
    model = fitted[0]
    link, outputs, _ = _bag_link(model)
    K = model.target_.n_outputs
    z = np.random.default_rng(0).normal(size=(3, 4, K))
    gradients = list(link.gradients(z))
    assert len(gradients) == len(outputs) == link.value(z).shape[1]
    step = 1e-5
    for index in np.ndindex(z.shape):
        up, down = z.copy(), z.copy()
        up[index] += step
        down[index] -= step
        slope = (link.value(up) - link.value(down))[index[1]] / (2 * step)
        size = max(1.0, np.abs(slope).max())
        for q, dF in enumerate(gradients):
            assert abs(dF[index] - slope[q]) < 1e-8 * size


def test_columns_that_the_model_does_not_use_have_nothing() -> None:
    model = regressor(kinds={"heavy": "ignore"}).fit(TABLE, SIZE)
    found = explain.attribute(model, TABLE[:3].drop(columns=["constant"]))
    assert found.columns == tuple(TABLE.columns)
    for name in ("constant", "heavy"):
        assert not found.values[:, found.columns.index(name)].any()
    assert found.cells[0][found.columns.index("constant")] == ""
    assert found.cells[3 - 1][found.columns.index("colour")] == TABLE["colour"][2]
    assert explain.attribute(model, TABLE[3:4]).cells[0][0] == "(missing)"


def shapley(F: Any, x: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Shapley's values of F (n, Q) by enumeration of all sets of entries that are as in x."""
    D = len(x)
    sets = [s for k in range(D + 1) for s in combinations(range(D), k)]
    value = {}
    for s in sets:
        mixed = base.copy()
        mixed[list(s)] = x[list(s)]
        value[s] = F(mixed[None])[0]
    phi = np.zeros((D, len(value[()])))
    for c in range(D):
        for s in sets:
            if c not in s:
                weight = math.factorial(len(s)) * math.factorial(D - len(s) - 1) / math.factorial(D)
                phi[c] += weight * (value[tuple(sorted((*s, c)))] - value[s])
    return phi


SQUARE = cp.Activation("square", lambda z: z**2, lambda z, h: 2 * z)


@pytest.mark.parametrize(
    "net",
    [
        cp.Network([5, 2], seed=0),  # a sum of functions of one column each
        cp.Network([5, 4, 2], SQUARE, seed=1),  # pairs of columns, which share alike
        cp.Network([5, 2], output="poisson", seed=2),
        cp.Network([5, 1], output="logistic", seed=3),
        cp.Network([5, 2], output="softmax", seed=4),
    ],
)
def test_they_are_shapley_s_values_where_these_agree(net: cp.Network) -> None:
    rng = np.random.default_rng(0)
    x, base = rng.normal(size=(2, 5))
    found = explain.attribute(net, x[None], base[None], tolerance=1e-10)

    def F(X: np.ndarray) -> np.ndarray:
        y_hat = net.forward(X).y_hat
        if net.output.unit == "exponential":
            return np.log(y_hat)
        if net.output.unit == "linear":
            return y_hat
        p = y_hat[:, -1:]
        return np.log(p / (1 - p))

    np.testing.assert_allclose(found.values[0], shapley(F, x, base), atol=1e-9)


def test_they_are_near_shapley_s_values_on_a_table() -> None:
    table = TABLE[["size", "colour", "open", "place", "day"]]
    model = regressor().fit(table, SIZE)
    found = explain.attribute(model, table[:8], table[100:101])
    X, base = model.encode(table[:8]), model.encode(table[100:101])[0]
    places = model.inputs_.places

    def F(on: np.ndarray, x: np.ndarray) -> np.ndarray:
        mixed = np.tile(base, (len(on), 1))
        for row, which in enumerate(on):
            for c in np.flatnonzero(which):
                mixed[row, places[c]] = x[places[c]]
        y_hat = np.mean([net.forward(mixed).y_hat for net in model.networks_], axis=0)
        return y_hat * model.target_.scale + model.target_.centre

    exact = np.array(
        [shapley(lambda on, x=x: F(on, x), np.ones(5, bool), np.zeros(5, bool)) for x in X]
    )
    difference = np.abs(found.values - exact)
    assert difference.max() < 0.1 * np.abs(exact).max()
    assert np.corrcoef(found.values.ravel(), exact.ravel())[0, 1] > 0.99


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_estimators_of_scikit_learn_s_kind() -> None:
    X = TABLE[["size", "count", "zeros"]].fillna(0.0)
    for model, y, outputs in (
        (cp.MLPClassifier((8,), max_iter=5, random_state=0), THREE, ("0", "1", "2")),
        (cp.MLPClassifier((8,), max_iter=5, random_state=0), THREE > 1, ("True",)),
        (
            cp.MLPClassifier((8,), max_iter=5, random_state=0),
            np.stack([THREE > 0, THREE > 1], axis=1).astype(int),
            ("0", "1"),
        ),
        (cp.MLPRegressor(hidden_layer_sizes=(8,), max_iter=5, random_state=0), SIZE, ("ŷ",)),
    ):
        model.fit(X, y)
        found = explain.attribute(model, X[:4], X[:20])
        assert found.columns == ("size", "count", "zeros")
        assert found.outputs == outputs
        F = found.base + found.values.sum(axis=1)
        if isinstance(model, cp.MLPRegressor):
            np.testing.assert_allclose(F[:, 0], model.predict(X[:4]), atol=2e-3 * SIZE.std())
        else:
            p = model.predict_proba(X[:4])
            np.testing.assert_allclose(1 / (1 + np.exp(-F)), p[:, -len(outputs) :], atol=2e-3)
    with pytest.raises(TypeError, match="background is missing"):
        explain.attribute(model, X)


@pytest.mark.parametrize("name", ["kind", "three", "answer"])
def test_a_table_model_of_a_bag_and_of_one_network(name: str, tmp_path: Path) -> None:
    table = TABLE.drop(columns=["day", "heavy"]).assign(answer=SIZE, three=[f"c{k}" for k in THREE])
    table["kind"] = np.where(SIZE > 1, "large", "small")
    kinds = {other: "ignore" for other in ("kind", "three", "answer") if other != name}
    outputs = {"kind": ("small",), "three": ("c0", "c1", "c2"), "answer": ("answer",)}[name]
    of_bag: dict[str, Any] = {"n_members": 2, "random_state": 0}
    for options in (of_bag, {"network": cp.NetworkOptions(hidden_sizes=(8,), epochs=3)}):
        model = cp.TableModel.fit(table, name, kinds=kinds, **options)
        model.save(tmp_path / "model.safetensors")
        model = cp.TableModel.load(tmp_path / "model.safetensors")
        found = explain.attribute(model, table[:4], table[20:40])
        assert found.outputs == outputs
        assert found.cells[0][found.columns.index("colour")] == table["colour"][0]
        F = found.base + found.values.sum(axis=1)
        values = model.predict_values(table[:4]).values
        if name == "answer":
            low, high = (SIZE.min(), SIZE.max()) if model.is_bag else (-np.inf, np.inf)
            np.testing.assert_allclose(np.clip(F[:, 0], low, high), values, atol=1e-4)
        else:
            np.testing.assert_allclose(1 / (1 + np.exp(-F)), values[:, -len(outputs) :], atol=1e-5)
    with pytest.raises(TypeError, match="background is missing"):
        explain.attribute(model, table[:1])


def test_layers_in_any_order() -> None:
    """A scale behind a dense layer, and a first layer that is not one of single columns."""
    from clearprop.embeddings import Periodic, Scale
    from clearprop.layers import Dense

    tanh = cp.ACTIVATIONS["tanh"]
    layers = (Periodic(3, 4, 2), Dense(9, 5, tanh, gain=0.5, slope=True), Scale(5),
              Dense(5, 4, tanh), Dense(4, 1, None))  # fmt: skip
    architecture = cp.architecture.Architecture(layers, cp.outputs.Linear())
    theta = np.random.default_rng(0).normal(size=architecture.n_parameters)
    net = cp.Network.from_theta(architecture, theta)
    X = np.random.default_rng(1).normal(size=(4, 3))
    found = explain.attribute(net, X, np.zeros((1, 3)), tolerance=1e-6)
    np.testing.assert_allclose(
        found.base + found.values.sum(axis=1), net.forward(X).y_hat, atol=1e-5
    )
    assert Member.of(architecture, theta).columns.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_they_print_and_become_json() -> None:
    model = classifier().fit(TABLE, THREE)
    found = explain.attribute(model, TABLE[:4])
    text = str(found)
    assert "log-odds" in text
    assert "a typical row" in text
    first = found.columns[int(found.order(0)[0])]
    assert text.index(first) < text.index("(prediction)")
    assert "the first 3 of 4 rows" in text
    document = json.loads(json.dumps(found.to_document()))
    assert np.array(document["rows"][3]["values"]).shape == (TABLE.shape[1], 3)
    assert "<table>" in found._repr_html_()
    assert found.output_of(0, "1") == found.output_of(0, 1) == 1
    assert found.output_of(0) == model.predict(TABLE[:1])[0]
    with pytest.raises(ValueError, match="output must be one of"):
        found.output_of(0, "4")


@pytest.mark.parametrize("name", cp.OUTPUTS)
def test_every_output_unit(name: str) -> None:
    net = cp.Network([3, 6, {"softmax": 3, "ordinal": 3, "gaussian": 2}.get(name, 1)], "tanh", name)
    x, base = np.random.default_rng(0).normal(size=(2, 1, 3))
    found = explain.attribute(net, x, base)
    y_hat, at_base = net.forward(x).y_hat, net.forward(base).y_hat
    F = {"log": np.log, "log-odds": lambda p: np.log(p / (1 - p))}.get(found.scale, lambda y: y)
    np.testing.assert_allclose(found.prediction, F(y_hat)[:, : len(found.outputs)], atol=1e-12)
    np.testing.assert_allclose(found.base, F(at_base)[0], atol=1e-12)
    np.testing.assert_allclose(found.base + found.values.sum(axis=1), found.prediction)
    assert found.error[0] < 1e-3


def test_wrong_arguments() -> None:
    net = cp.Network([2, 3, 1], seed=0)
    with pytest.raises(ValueError, match="tolerance must be > 0"):
        explain.attribute(net, [[0, 0]], [[0, 0]], tolerance=0)
    with pytest.raises(ValueError, match="X must have 2 columns"):
        explain.attribute(net, [[0, 0, 0]], [[0, 0]])
    with pytest.raises(TypeError, match="a TableModel or a Network; got dict"):
        explain.attribute({}, [[0]])  # type: ignore[arg-type]
    with pytest.warns(cp.TableWarning, match="only the class 'same'"):
        one = classifier().fit(TABLE, ["same"] * len(TABLE))
    with pytest.raises(ValueError, match="a target with one class"):
        explain.attribute(one, TABLE[:1])


def test_a_tolerance_that_is_not_reached_is_told() -> None:
    net = cp.Network([2, 50, 1], "relu", seed=0)
    with pytest.warns(UserWarning, match="1 of 1 row missed tolerance=1e-14"):
        found = explain.attribute(net, [[5.0, -3.0]], [[0.0, 1.0]], tolerance=1e-14)
    assert 1e-14 < found.error[0] < 1e-3 * abs(found.prediction[0, 0] - found.base[0])
    fine = explain.attribute(net, [[5.0, -3.0]], [[0.0, 1.0]], tolerance=3e-3)
    assert 0 < np.abs(fine.values - found.values).max() < 2 * fine.error[0]


def test_the_links_by_kind_of_output() -> None:
    kinds = {name: type(_bag_link(CASES[name][0].fit(TABLE, CASES[name][1]))[0])
             for name in ("labels", "counts", "quantiles")}  # fmt: skip
    assert kinds == {"labels": LogOdds, "counts": LogMean, "quantiles": Mean}


def test_a_picture_has_a_bar_for_each_column_and_ends_at_the_prediction() -> None:
    model = classifier().fit(TABLE, THREE)
    found = explain.attribute(model, TABLE[:2])
    picture = explain.plot_attributions(found, 1, "2", top=3)
    axes, above = picture.figure.axes
    assert above.get_xlabel() == "probability"
    assert [t.get_text() for t in axes.get_yticklabels()][-1].endswith("other columns")
    bars = axes.patches
    assert len(bars) == 4
    q = found.output_of(1, "2")
    left = [min(bar.get_x(), bar.get_x() + bar.get_width()) for bar in bars]
    assert min(left) <= min(found.base[q], found.prediction[1, q]) + 1e-9
    total = sum(bar.get_width() for bar in bars)
    assert total == pytest.approx(found.prediction[1, q] - found.base[q])
    with pytest.raises(ValueError, match="row must be from 0 to 1; got 2"):
        explain.plot_attributions(found, 2)
    plain = explain.plot_attributions(explain.attribute(regressor().fit(TABLE, SIZE), TABLE[:1]))
    assert len(plain.figure.axes) == 1
