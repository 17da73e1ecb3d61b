"""Predictions that rise or fall with a column, exactly, for any values; what cannot be asked."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import clearprop as cp
from clearprop.documents import ModelFileError
from clearprop.outputs import Linear, Poisson, Quantile, Softmax
from clearprop.persistence import read_file, write_file
from clearprop.tables.frames import TableError
from clearprop.tabular.bag.intervals import Residuals
from clearprop.tabular.monotone import temper_two, y_hat

MONOTONE = {"income": 1, "age": -1, "other": 0}


def table(n: int = 240) -> tuple[pd.DataFrame, Any]:
    """A quantity that rises with income and falls with age, with wiggles that break the order."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "income": rng.exponential(30_000, n).round(2),
            "age": rng.integers(18, 90, n),
            "other": rng.normal(size=n),
            "city": rng.choice(["Aachen", "Bonn", "Calw"], n),
        }
    )
    X.loc[::9, "income"] = np.nan
    income = X["income"].fillna(20_000).to_numpy() / 3e4
    y = income * (1 + (X["city"] == "Bonn")) - X["age"] / 40 + np.sin(4 * income)
    return X, (y + 0.3 * X["other"] + 0.2 * rng.normal(size=n)).to_numpy()


def fitted(kind: str) -> Any:
    X, y = table()
    options: dict[str, Any] = {"monotone": MONOTONE, "random_state": 0}
    if kind == "classes":
        return cp.TabularClassifier(8, **options).fit(X, np.where(y > 0.5, "yes", "no"))
    if kind == "poisson":
        y = np.exp(y / 4)
    loss: Any = Quantile((0.2, 0.8)) if kind == "quantiles" else kind
    return cp.TabularRegressor(4, loss=loss, **options).fit(X, y)


KINDS = ("classes", "squared_error", "poisson", "quantiles")


@pytest.fixture(scope="module")
def models() -> dict[str, Any]:
    return {kind: fitted(kind) for kind in KINDS}


def rising_values(model: Any, X: pd.DataFrame) -> list[Any]:
    """What has to rise with income, (N, …) each."""
    if hasattr(model, "predict_proba"):
        p = model.predict_proba(X)
        return [p[:, 1], -p[:, 0], (model.predict(X) == "yes").astype(int)]
    values = [model.predict(X)]
    return [*values, model.predict_interval(X, 0.3)] if model.residuals_ else values


def values_of(model: Any, column: str) -> Any:
    """In order: edges with their neighbours, dense and far values, infinities."""
    record = next(c for c in model.inputs_.columns if c.name == column)
    (number,) = record.numbers
    edges = np.ldexp(np.array(number.edges) / number.scale + number.median, number.exponent)
    near = [edges, *(np.nextafter(edges, end) for end in (-np.inf, np.inf))]
    near += [np.nextafter(np.float32(edges), np.float32(end)) for end in (-np.inf, np.inf)]
    low, high = edges[0] - 3 * np.ptp(edges), edges[-1] + 3 * np.ptp(edges)
    far = np.array([1e9, 1e30, 1e300, np.inf])
    return np.unique(np.concatenate([*near, np.linspace(low, high, 2000), far, -far]))


@pytest.mark.parametrize("kind", KINDS)
def test_predictions_never_move_the_other_way(kind: str, models: dict[str, Any]) -> None:
    model, (X, _) = models[kind], table()
    for column in ("income", "age"):
        values = values_of(model, column)
        for row in (0, 5, 9):  # the first and the last have no income
            rows = X.iloc[[row] * len(values)].reset_index(drop=True)
            rows[column] = values
            for found in rising_values(model, rows):
                assert np.isfinite(found).all()
                assert (np.diff(found, axis=0) * MONOTONE[column] >= 0).all()
                assert len(np.unique(found)) > 1
            i = [0, 77, len(values) // 2]
            ones = [model.predict_one(rows.iloc[[k]]) for k in i]
            np.testing.assert_array_equal(ones, model.predict(rows)[i])
    other = X.iloc[[1] * 300].reset_index(drop=True)
    other["other"] = np.linspace(-2, 2, 300)
    assert len(np.unique(rising_values(model, other)[0])) > 1


def test_the_constraint_is_learnt_and_the_rest_stays_free(models: dict[str, Any]) -> None:
    X, y = table()
    model = models["squared_error"]
    free = cp.TabularRegressor(4, random_state=0).fit(X, y)
    rows = X.iloc[[1] * 200].reset_index(drop=True)
    rows["income"] = np.linspace(0, 90_000, 200)
    assert (np.diff(free.predict(rows)) < 0).any()  # what the constraint forbids is in the data
    assert model.score(X, y) > 0.8
    assert all(network.architecture.monotone is not None for network in model.networks_)
    assert free.bag_.architectures[0].monotone is None


@pytest.mark.parametrize("kind", KINDS)
def test_files_and_copies(kind: str, models: dict[str, Any], tmp_path: Path) -> None:
    model, (X, _) = models[kind], table()
    path = tmp_path / "m.safetensors"
    model.save(path)
    for back in (type(model).load(path), pickle.loads(pickle.dumps(model))):
        assert back.monotone == MONOTONE
        np.testing.assert_array_equal(back.predict(X), model.predict(X))
        assert back.bag_.architectures[0] == model.bag_.architectures[0]
    document, tensors = read_file(path, type(model).__name__)
    document.pop("kind")
    for constraint, message in (
        ({**document["monotone"], "directions": [1]}, "directions must be for each"),
        ({**document["monotone"], "free": [64, 65.5]}, "free"),
        ("up", "monotone"),
    ):
        write_file(path, type(model).__name__, document | {"monotone": constraint}, tensors)
        with pytest.raises(ModelFileError, match=message):
            type(model).load(path)
    wrong = tensors | {"theta": -np.abs(tensors["theta"])}
    write_file(path, type(model).__name__, document, wrong)
    with pytest.raises(ModelFileError, match="beyond their bounds"):
        type(model).load(path)


@pytest.mark.parametrize("form", [lambda X: X, pl.from_pandas, lambda X: X[list(X)[::-1]]])
def test_every_kind_of_frame(form: Any, models: dict[str, Any]) -> None:
    X, _ = table()
    model = models["squared_error"]
    np.testing.assert_array_equal(model.predict(form(X)), model.predict(X))


def test_columns_of_arrays_go_by_number() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 2))
    model = cp.TabularRegressor(2, monotone={1: -1}, random_state=0).fit(X, np.sin(3 * X[:, 1]))
    rows = np.c_[np.zeros(500), np.linspace(-5, 5, 500)]
    assert (np.diff(model.predict(rows)) <= 0).all()
    with pytest.raises(ValueError, match="monotone names column 2; X has 2"):
        cp.TabularRegressor(monotone={2: 1}).fit(X, X[:, 0])


def test_what_cannot_be_asked() -> None:
    X, y = table(60)
    X["day"], X["same"] = pd.date_range("2026-01-01", periods=60), 7.0
    bag = cp.TabularRegressor
    for monotone, message in (
        ({"city": 1}, "monotone: column 'city' is categorical"),
        ({"day": -1}, "monotone: column 'day' is date"),
        ({"incme": 1}, "monotone: .*'incme'.*income"),
        ({"income": 2}, r"monotone\['income'\] must be \+1 .*; got 2"),
        ({"income": True}, r"monotone\['income'\] must be .*; got True"),
        ({"income": "up"}, r"monotone\['income'\] must be .*; got 'up'"),
        ({"income": "x" * 10**5}, r"monotone\['income'\] must be .*; got"),
    ):
        with pytest.raises(ValueError, match=message) as caught:
            bag(monotone=monotone).fit(X, y)
        assert len(str(caught.value)) < 400
        assert isinstance(caught.value, TableError) == ("must be" not in message)
    with pytest.raises(TypeError, match="monotone must be a dict"):
        bag(monotone=["income"]).fit(X, y)
    texts = [f"text of its own {i}" for i in range(60)]
    with pytest.raises(TableError, match="'income' is left out"):
        bag(monotone={"income": 1}).fit(X.assign(income=texts), y)
    many = np.arange(60) % 3
    for target, message in (
        (many, "monotone needs two classes, .*; y has 3"),
        (np.c_[many > 0, many > 1].astype(int), "monotone needs one column of two classes"),
    ):
        with pytest.raises(ValueError, match=message):
            cp.TabularClassifier(monotone={"income": 1}).fit(X, target)
    # a constant changes no prediction, and no constraint is none
    model = bag(1, monotone={"same": 1, "city": 0}, random_state=0).fit(X, y)
    assert model.bag_.architectures[0].monotone is None


# ---- the steps behind z -----------------------------------------------------------------------

RISING = st.lists(st.floats(-200, 200, width=32), min_size=2, max_size=40).map(sorted)


@settings(max_examples=60, deadline=None)
@given(RISING, st.integers(0, 30))
def test_outputs_keep_the_order(values: list[float], ulps: int) -> None:
    z = np.float32(values)
    z = np.sort(np.concatenate([z, np.nextafter(z, np.float32(1000)), z + ulps * np.spacing(z)]))
    for output in (Linear(), Poisson()):
        assert (np.diff(y_hat(output, z[:, None]), axis=0) >= 0).all()
    p = y_hat(Softmax(), np.stack([-z, z], axis=1))
    assert (np.diff(p[:, 1]) >= 0).all()
    assert (np.diff(p[:, 0]) <= 0).all()
    np.testing.assert_allclose(p[:, 1], 1 / (1 + np.exp(-2 * z.astype(float))), atol=1e-7)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=40).map(sorted), st.floats(0.25, 4.0))
def test_temperatures_keep_the_order(values: list[float], beta: float) -> None:
    p = np.sort(np.concatenate([values, np.nextafter(values, 2), np.nextafter(values, -1)]))
    p = np.clip(p, 0, 1)
    q = temper_two(np.stack([1 - p, p], axis=1), beta)
    assert (np.diff(q[:, 1]) >= 0).all()
    assert (np.diff(q[:, 0]) <= 0).all()
    powers = np.stack([1 - p, p], axis=1) ** beta
    np.testing.assert_allclose(q, powers / powers.sum(axis=1, keepdims=True), atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    n=st.integers(30, 900),
    steep=st.floats(0, 5),
    alpha=st.floats(0.1, 1),
)
def test_ends_of_intervals_keep_the_order(seed: int, n: int, steep: float, alpha: float) -> None:
    """Also where the spread changes faster than ŷ; they are never inside the usual ends."""
    rng = np.random.default_rng(seed)
    predicted = rng.normal(size=n)
    y = predicted + rng.normal(size=n) * np.exp(steep * np.sin(3 * predicted))
    residuals = Residuals.of(y, predicted)
    at = np.concatenate([predicted, residuals.knots, np.linspace(-9, 9, 500)])
    at = np.sort(np.concatenate([at, np.nextafter(at, 99), np.nextafter(at, -99)]))
    low, high = residuals.interval(at, alpha, rising=True)
    assert (np.diff(low) >= 0).all()
    assert (np.diff(high) >= 0).all()
    usual = residuals.interval(at, alpha)
    tolerance = 1e-9 * (1 + np.abs(usual[0]) + np.abs(usual[1]))
    assert (low <= usual[0] + tolerance).all()
    assert (high >= usual[1] - tolerance).all()
