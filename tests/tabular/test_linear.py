"""Linear members: what they compute, when they are kept, and that they are networks as others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression, Ridge

import clearprop as cp
from clearprop.architecture import Architecture
from clearprop.engines.select import get_engine
from clearprop.jobs import Data
from clearprop.outputs import (
    AbsoluteError,
    Huber,
    Linear,
    Logistic,
    Output,
    Poisson,
    Quantile,
    Softmax,
)
from clearprop.tables.sources import source_of
from clearprop.tabular.bag.division import AT_RANDOM
from clearprop.tabular.bag.linear import Features, fit_linear, linear_architecture
from clearprop.tabular.bag.recipe import CLASSIFICATION, build_architectures
from clearprop.tabular.bag.solving import FeatureRows, LinearProblem
from clearprop.tabular.inputs import TableInputs

SHORT = "too short for more than linear members"


def separable(n: int, d: int, seed: int = 0) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    return X, X @ rng.normal(size=d) / np.sqrt(d)


def mixed(n: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "size": rng.normal(size=n),
            "heavy": rng.standard_cauchy(n) ** 3,
            "colour": rng.choice(["red", "green", "blue"], n),
            "place": [f"place {i}" for i in rng.integers(0, 40, n)],
            "open": rng.random(n) < 0.4,
        }
    )
    frame.loc[3, "size"] = None
    return frame


def architecture_of(inputs: TableInputs, output: Output, n_outputs: int) -> Architecture:
    built = build_architectures(inputs.layer, n_outputs, output, CLASSIFICATION)[0]
    return linear_architecture(built)


OUTPUTS: list[tuple[Output, Any]] = [
    (Linear(), lambda z: np.stack([z, -z], axis=1)),
    (AbsoluteError(), lambda z: z[:, None]),
    (Huber(0.5), lambda z: z[:, None]),
    (Quantile((0.1, 0.9)), lambda z: np.stack([z, z], axis=1)),
    (Poisson(), lambda z: np.exp(z / 3)[:, None]),
    (Softmax(), lambda z: np.eye(2)[(z > 0).astype(int)]),
    (Softmax(), lambda z: np.eye(3)[(z > 0).astype(int) + (z > 1)]),
    (Logistic(), lambda z: np.stack([z > 0, z > 1], axis=1)),
]


@pytest.mark.parametrize(("output", "t_of"), OUTPUTS)
def test_the_network_computes_the_features_times_the_weights(output: Output, t_of: Any) -> None:
    frame = mixed()
    size = frame["size"].fillna(0).to_numpy()
    z = size + 2 * (frame["colour"] == "red") + np.where(frame["place"] == "place 7", 3, 0)
    t = t_of(z.to_numpy()).astype(np.float32)
    source = source_of(frame)
    inputs = TableInputs.fit(source)
    data = Data(inputs.transform(source), t)
    architecture = architecture_of(inputs, output, t.shape[1])
    parts = AT_RANDOM.folds(len(t), 4, np.random.default_rng(0))
    thetas = fit_linear(architecture, data, parts, 5.0, 0).thetas
    assert len(thetas) == 4

    features = Features.of(inputs.layer)
    rows = features.rows(data, np.arange(len(t)), output)
    found, _ = LinearProblem.of(output, rows, np.inf).best(rows)
    tables = rows.tables(found, features.codes.sizes)
    found = type(found)(found.W, found.b, tables)
    wanted = (
        rows.A @ found.W
        + found.b
        + sum(table[codes] for table, codes in zip(tables, rows.codes, strict=True))
    )
    for engine in ("native", "reference"):
        runner = get_engine(engine, architecture)
        got = runner.forward(architecture, features.theta(architecture, found), data.X, logits=True)
        scale = 1 + np.abs(wanted).max()
        np.testing.assert_allclose(got, wanted, atol=1e-4 * scale)
    constant = np.full_like(t, 0) + t.mean(axis=0)
    if isinstance(output, Linear):  # held-out rows are predicted
        predicted = get_engine("auto", architecture).forward(
            architecture, thetas[0], data.X[parts[0].held]
        )
        held = t[parts[0].held]
        assert ((predicted - held) ** 2).mean() < 0.2 * ((constant[: len(held)] - held) ** 2).mean()


@pytest.mark.parametrize("binary", [True, False])
def test_the_weights_are_those_of_ridge_and_logistic_regression(binary: bool) -> None:
    A, z = separable(400, 5)
    A = (A - A.mean(axis=0)) / A.std(axis=0)
    z = z + 0.5 * np.random.default_rng(3).normal(size=400)
    t = np.eye(2)[(z > 0).astype(int)] if binary else z[:, None]
    output = Softmax() if binary else Linear()
    rows = FeatureRows(A.astype(np.float32), [], t, np.full(400, 1 / 400), output)
    found = LinearProblem.of(output, rows, np.inf).solve(0.1)
    strength = 0.1 * 5  # λ times the rows
    if binary:
        model = LogisticRegression(C=1 / strength, tol=1e-8).fit(A, t[:, 1])
        W, b = model.coef_[0], model.intercept_[0]
        np.testing.assert_allclose(found.W[:, 1] - found.W[:, 0], W, atol=5e-3)
        np.testing.assert_allclose(found.b[1] - found.b[0], b, atol=5e-3)
    else:
        np.testing.assert_allclose(found.W[:, 0], Ridge(strength).fit(A, z).coef_, atol=1e-4)


def test_a_short_time_limit_gives_what_linear_models_give() -> None:
    X, z = separable(3_000, 30)
    new, z_new = separable(3_000, 30, seed=0)
    with pytest.warns(cp.TableWarning, match=f"time_limit=0.1 is {SHORT}"):
        classifier = cp.TabularClassifier(random_state=0, time_limit=0.1).fit(X, z > 0)
    with pytest.warns(cp.TableWarning, match=SHORT):
        regressor = cp.TabularRegressor(random_state=0, time_limit=0.1).fit(X, z)
    assert classifier.linear_
    assert regressor.linear_
    assert classifier.stopped_ == regressor.stopped_ == "time_limit"
    assert classifier.score(new, z_new > 0) > 0.93
    assert regressor.score(new, z_new) > 0.98
    assert len(classifier.networks_) == 1  # which has learnt from all rows


def test_linear_members_win_against_networks_that_predict_worse() -> None:
    """Also if there was time for all of them; the last one learns from all rows."""
    X, z = separable(1_200, 5)
    model = cp.TabularClassifier(random_state=0, time_limit=60.0).fit(X[:200], z[:200] > 0)
    assert model.linear_
    assert model.stopped_ in ("patience", "epochs")
    assert model.score(X[200:], z[200:] > 0) > 0.975
    networks = cp.TabularClassifier(random_state=0).fit(X[:200], z[:200] > 0)
    assert networks.oof_score_ > 2 * model.oof_score_
    noisy = np.sin(3 * X[:200, 0]) + np.abs(X[:200, 1])
    assert not cp.TabularRegressor(random_state=0, time_limit=60.0).fit(X[:200], noisy).linear_


def test_weights_to_begin_with_are_those_of_the_features() -> None:
    X, z = separable(300, 4)
    for output, t in ((Linear(), z[:, None]), (Softmax(), np.eye(2)[(z > 0).astype(int)])):
        rows = FeatureRows(np.float32(3 * X + 1), [], t, np.full(300, 1 / 300), output)
        problem = LinearProblem.of(output, rows, np.inf)
        found = problem.solve(0.01)
        again = problem._linear(problem._from(found))
        np.testing.assert_allclose(again.W, found.W, atol=1e-6)
        np.testing.assert_allclose(again.b, found.b, atol=1e-6)
        late = LinearProblem.of(output, rows, -np.inf)  # one step is enough from there
        assert rows.loss(late.solve(0.01, found)) <= rows.loss(found) + 1e-6


def test_a_sample_of_the_rows_is_not_all_that_linear_members_learn_from() -> None:
    X, z = separable(60_000, 4)
    with pytest.warns((cp.TableWarning, UserWarning)) as caught:
        model = cp.TabularClassifier(random_state=0, time_limit=0.05).fit(
            X[:50_000], z[:50_000] > 0
        )
    assert model.linear_
    assert model.score(X[50_000:], z[50_000:] > 0) > 0.99
    assert np.isnan(model.oof_prediction_[:, 0]).sum() >= 30_000
    messages = " ".join(str(warning.message) for warning in caught)
    assert "enough for only 5000 of the 50000" not in messages


def test_linear_members_are_networks_as_others(tmp_path: Path) -> None:
    frame = mixed()
    y = frame["size"].fillna(0) + 2 * (frame["colour"] == "red")
    with pytest.warns(cp.TableWarning, match=SHORT):
        model = cp.TabularRegressor(random_state=0, time_limit=1e-3).fit(frame, y)
    assert (model.n_iter_, model.oof_curve_[0][0]) == (0, 0)
    assert np.isfinite(model.oof_prediction_).all()
    model.save(tmp_path / "model")
    again = cp.TabularRegressor.load(tmp_path / "model")
    assert again.linear_
    np.testing.assert_array_equal(again.predict(frame), model.predict(frame))
    one = frame.iloc[5].to_dict()
    assert model.predict_one(one) == model.predict(frame)[5]
    trace = model.networks_[0].forward(model.encode(frame))
    assert len(trace.z) == 1
    assert model.predict_interval(frame).shape == (300, 2)
    assert model.feature_importances(frame, y, random_state=0).mean.argmax() in (0, 2)


@pytest.mark.parametrize("n_classes", [2, 5])
def test_a_search_without_time_is_not_worse_than_a_constant(n_classes: int) -> None:
    rng = np.random.default_rng(0)
    y = rng.choice(n_classes, 400, p=[0.9] + [0.1 / (n_classes - 1)] * (n_classes - 1))
    t = np.eye(n_classes, dtype=np.float32)[y]
    A = rng.normal(size=(400, 3)).astype(np.float32)
    rows = FeatureRows(A, (), t, np.full(400, 1 / 400), Softmax())
    problem = LinearProblem.of(Softmax(), rows, -np.inf)
    share = t.mean(axis=0)
    b = problem._linear(np.concatenate([np.zeros((3, problem.t.shape[1])), problem._constant()])).b
    np.testing.assert_allclose(np.exp(b) / np.exp(b).sum(), share, rtol=1e-5)
    assert rows.loss(problem.solve(1.0)) <= -(share * np.log(share)).sum() + 1e-6


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8])
@pytest.mark.filterwarnings("ignore")
def test_few_rows_and_little_time(n: int) -> None:
    X, z = separable(n, 3)
    model = cp.TabularRegressor(random_state=0, time_limit=1e-3).fit(X, z)
    assert np.isfinite(model.predict(X)).all()
    labels = np.where(z > 0, "a", "b")
    labels[0] = "c"
    classifier = cp.TabularClassifier(random_state=0, time_limit=1e-3).fit(X, labels)
    assert np.isfinite(classifier.predict_proba(X)).all()


@settings(max_examples=12, deadline=None)
@given(data=st.data())
@pytest.mark.filterwarnings("ignore")
def test_any_table_in_little_time(data: st.DataObject) -> None:
    n = data.draw(st.integers(2, 40))
    values = st.one_of(st.none(), st.floats(-1e30, 1e30), st.sampled_from([0.0, 1e-30, 1e30]))
    frame = pd.DataFrame(
        {
            "number": data.draw(st.lists(values, min_size=n, max_size=n)),
            "word": data.draw(st.lists(st.sampled_from("abc"), min_size=n, max_size=n)),
        }
    )
    frame["number"] = frame["number"].astype(float)
    y = np.array(data.draw(st.lists(st.floats(-1e30, 1e30), min_size=n, max_size=n)))
    model = cp.TabularRegressor(random_state=0, time_limit=1e-3).fit(frame, y)
    assert np.isfinite(model.predict(frame)).all()
    assert y.min() <= model.predict(frame).min() <= model.predict(frame).max() <= y.max()


@pytest.mark.parametrize("apart", [0, 1e-7, 1e-4, 1e-3])
def test_features_that_are_nearly_the_same(apart: float) -> None:
    """Cholesky's factor may not exist in float32; with 3 and 8 features it once did not."""
    rng, n = np.random.default_rng(0), 2000
    for q in (3, 8):
        x = rng.normal(size=(n, 1))
        A = np.float32(x + apart * rng.normal(size=(n, q)))
        rows = FeatureRows(A, [], 2 * x + 1, np.full(n, 1 / n), Linear())
        for strength in (1e-4, 1e-3, 1e-2):
            found = LinearProblem.of(Linear(), rows, np.inf).solve(strength)
            assert rows.loss(found) < 1e-3


@pytest.mark.parametrize("directions", [{"a": 1, "b": -1}, {"a": -1, "b": 1, "d": -1}])
def test_linear_members_are_monotone(directions: dict[str, int]) -> None:
    """Also against the data, where the columns that may not be used are left out."""
    rng, n = np.random.default_rng(0), 400
    X = pd.DataFrame({"a": rng.normal(size=n), "b": rng.normal(size=n)})
    X["c"], X["d"] = rng.choice(list("xyz"), n), X["a"] + 0.3 * rng.normal(size=n)
    y = X["a"] - 2 * X["b"] + (X["c"] == "x")
    options = {"monotone": directions, "time_limit": 0.02, "random_state": 0}
    bag, classes = cp.TabularRegressor(4, **options), cp.TabularClassifier(4, **options)
    for estimator, target in ((bag, y), (classes, y > 0)):
        with pytest.warns(cp.TableWarning, match=SHORT):
            estimator.fit(X, target)
    assert bag.linear_
    assert classes.linear_
    along = [direction == {"a": 1, "b": -1, "d": 1}[c] for c, direction in directions.items()]
    assert bag.score(X, y) > (0.9 if all(along) else 0.01)
    grid = np.r_[-np.inf, -1e300, np.linspace(-6, 6, 2001), 1e300, np.inf]
    for column, direction in directions.items():
        rows = X.iloc[[5] * len(grid)].reset_index(drop=True)
        rows[column] = grid
        assert (np.diff(bag.predict(rows)) * direction >= 0).all()
        assert (np.diff(classes.predict_proba(rows)[:, 1]) * direction >= 0).all()
        assert bag.bag_.architectures[0].within_bounds(bag.bag_.thetas)
