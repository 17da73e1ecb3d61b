"""The estimators on data frames of any library, as they come: names, gaps, new categories."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from tabular_cases import classifier, columns, regressor, target, with_epochs

from clearprop import TableError
from clearprop.tables import TableWarning

TABLE = columns(200)
X, Y = pd.DataFrame(TABLE), target(TABLE)


def test_frames_of_all_libraries_give_the_same_model() -> None:
    frames = [X, pl.DataFrame(TABLE, strict=False), pa.table(TABLE)]
    models = [regressor().fit(frame, Y) for frame in frames]
    expected = models[0].predict(X)
    for model in models:
        for frame in frames:
            np.testing.assert_array_equal(model.predict(frame), expected)
        assert model.feature_names_in_.tolist() == list(TABLE)
        assert model.n_features_in_ == 9


def test_columns_are_found_by_name() -> None:
    model = regressor().fit(X, Y)
    shuffled = X[sorted(X.columns, reverse=True)].assign(more=1)
    np.testing.assert_array_equal(model.predict(shuffled), model.predict(X))
    with pytest.raises(TableError, match="no column 'colour'; did you mean 'color'"):
        model.predict(X.rename(columns={"colour": "color"}))
    without = X.drop(columns="constant")  # it says nothing and is not used
    np.testing.assert_array_equal(model.predict(without), model.predict(X))


def test_names_on_one_side_only() -> None:
    numbers = X[["count", "zeros"]].to_numpy()
    frame = pd.DataFrame(numbers, columns=["a", "b"])
    named, plain = regressor().fit(frame, Y), regressor().fit(numbers, Y)
    with pytest.warns(UserWarning, match="X does not have valid feature names, but"):
        np.testing.assert_array_equal(named.predict(numbers), named.predict(frame))
    with pytest.warns(UserWarning, match="X has feature names, but"):
        plain.predict(frame)
    assert not hasattr(plain, "feature_names_in_")
    with pytest.raises(ValueError, match="X has 1 features, but Regressor is expecting 2 feat"):
        plain.predict(numbers[:, :1])


def test_gaps_and_novelties_later() -> None:
    complete = X.dropna().reset_index(drop=True)
    model = with_epochs(classifier(), 30).fit(complete, Y[X.notna().all(axis=1)] > 0)
    gaps = {name: [None, None] for name in TABLE}
    nothing = model.predict_proba(
        pd.DataFrame(gaps).astype(complete.dtypes.to_dict(), errors="ignore")
    )
    assert np.isfinite(nothing).all()
    later = complete[:3].assign(colour=["violet", None, "red"], size=[np.inf, -np.inf, 1e308])
    assert np.isfinite(model.predict_proba(later)).all()
    new, missing = (
        model.predict_proba(complete[:5].assign(colour=colour)) for colour in ("violet", None)
    )
    np.testing.assert_array_equal(new, missing)


def test_nothing_but_gaps() -> None:
    table = pd.DataFrame({"a": [np.nan] * 40, "b": [None] * 40})
    model = regressor().fit(table, np.arange(40.0))
    assert model.predict(table).std() == 0


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT])
def test_missing_values_of_any_kind(missing: Any) -> None:
    table = pd.DataFrame({"x": pd.Series([1, missing, 3, 4] * 10, dtype=object)})
    expected = regressor().fit(pd.DataFrame({"x": [1, None, 3, 4] * 10}), np.arange(40.0))
    assert np.isfinite(expected.predict(table)).all()


def test_odd_columns() -> None:
    n = 120
    rng = np.random.default_rng(0)
    x = rng.normal(size=n)
    table = pd.DataFrame(
        {
            "x": x,
            "twice": x,
            "constant": "same",
            "huge": 1e300 * x,
            "tiny": 1e-300 * x,
            "infinite": np.where(x > 1, np.inf, x),
            "identifier": [f"row {i}" for i in range(n)],
            "category": pd.Categorical(rng.choice(["a", "b"], n)),
            "integers": rng.integers(-(2**62), 2**62, n),
            "text_numbers": [str(i % 7) for i in range(n)],
            "time": [datetime.time(i % 24) for i in range(n)],
            "nullable": pd.array([1, None] * (n // 2), dtype="Int64"),
            "truth": pd.array([True, None, False] * (n // 3), dtype="boolean"),
            "zones": pd.date_range("2026-01-01", periods=n, tz="Europe/Berlin"),
            "zeros": np.where(rng.random(n) < 0.97, 0, 1e9),
        }
    )
    with pytest.warns(TableWarning, match="read as numbers or dates: 'text_numbers' "):
        model = with_epochs(regressor(), 40).fit(table, x)
    assert model.score(table, x) > 0.9
    assert np.isfinite(model.predict(table)).all()


def test_many_categories_carry_what_they_know() -> None:
    """2,000 places in 20,000 rows, each with a level of its own."""
    rng = np.random.default_rng(0)
    place = rng.integers(0, 2000, 20_000)
    level = rng.normal(size=2000)[place]
    table = pa.table({"place": [f"p{i}" for i in place], "x": rng.normal(size=20_000)})
    model = with_epochs(regressor(), 8).fit(table, level)
    assert model.oof_score_ < 0.5  # without the places 1
    assert np.isfinite(model.predict(pa.table({"place": ["none"], "x": [0.0]}))).all()


def test_kinds() -> None:
    """A number that is a label, and a column left out."""
    rng = np.random.default_rng(0)
    code = rng.permutation(30)[rng.integers(0, 30, 300)]
    table = pd.DataFrame({"code": code, "noise": rng.normal(size=300)})
    odd = (code * 7 % 5).astype(float)
    plain = with_epochs(regressor(), 60).fit(table, odd)
    told = with_epochs(regressor(kinds={"code": "categorical", "noise": "ignore"}), 60)
    told.fit(table, odd)
    assert told.oof_score_ < 0.7 * plain.oof_score_
    with_array = with_epochs(regressor(kinds={0: "categorical", 1: "ignore"}), 60)
    with_array.fit(table.to_numpy(), odd)
    assert with_array.oof_score_ == pytest.approx(told.oof_score_, rel=0.5)
    with pytest.raises(ValueError, match="kinds names column 2; X has 2"):
        regressor(kinds={2: "numeric"}).fit(table.to_numpy(), odd)


def test_a_table_without_rows_or_columns() -> None:
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        regressor().fit(X[:0], [])
    with pytest.raises(ValueError, match=r"0 feature\(s\)"):
        regressor().fit(X[[]], Y)


@pytest.mark.filterwarnings("ignore:y is .* in all rows")
def test_few_rows() -> None:
    for n in (1, 2, 3, 4, 7):
        model = regressor(8).fit(X[:n], Y[:n])
        assert np.isfinite(model.predict(X)).all()
        if n == 1:
            np.testing.assert_allclose(model.predict(X), Y[0])
