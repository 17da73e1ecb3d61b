"""Columns are found by their names, whatever the type of the names."""

from __future__ import annotations

import datetime as dt
import warnings
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tabular_cases import regressor

import clearprop as cp
from clearprop.tables.names import name_text
from clearprop.tables.sources import source_of

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 4)).round(1)
Y = X @ [1.0, 5.0, -3.0, 0.5]
ORDER = [2, 0, 3, 1]
NAMES: dict[str, Any] = {
    "numbers": [7, 3, 1, 9],
    "numbers in another order": [2, 0, 1, 3],
    "tuples": pd.MultiIndex.from_tuples([("a", "x"), ("a", "y"), ("b", "x"), ("b", "")]),
    "timestamps": pd.date_range("2026-01-01", periods=4),
    "dates": [dt.date(2026, 1, i + 1) for i in range(4)],
    "periods": pd.period_range("2026-01", periods=4, freq="M"),
    "intervals": pd.interval_range(0, 4),
    "categories": pd.CategoricalIndex(["a", "b", "c", "d"]),
    "mixed": [1, "x", 2.5, None],
}


@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
def test_columns_in_another_order(names: Any) -> None:
    frame = pd.DataFrame(X, columns=names)
    model = regressor().fit(frame, Y)
    expected = model.predict(frame)
    shuffled = frame.iloc[:, ORDER]
    np.testing.assert_array_equal(model.predict(shuffled), expected)
    row = shuffled.iloc[5]
    for one in (row, row.to_dict(), shuffled.iloc[5:6]):
        assert model.predict_one(one) == expected[5]
    assert model.predict(shuffled.iloc[5:6])[0] == expected[5]
    as_text = pl.DataFrame(X[:, ORDER], schema=model.feature_names_in_[ORDER].tolist())
    np.testing.assert_array_equal(model.predict(as_text), expected)
    first, second = list(frame.columns)[:2]
    told = regressor(kinds={first: "ignore", second: "categorical"}).fit(frame, Y)
    assert told.unused_columns_ == [name_text(first)]
    assert told.inputs_.columns[0].kind == "categorical"
    with pytest.raises(cp.TableError, match="the table has no column"):
        model.predict(frame.iloc[:, [0, 2, 3]])


def test_the_texts_of_names() -> None:
    texts = {
        "price": "price",
        3: "3",
        np.int8(3): "3",
        2.5: "2.5",
        ("price", "mean"): "price / mean",
        ("city", "", None): "city",
        dt.date(2026, 1, 31): "2026-01-31",
        pd.Timestamp("2026-01-31 09:30"): "2026-01-31 09:30:00",
        True: "True",
        None: "None",
    }
    assert [name_text(name) for name in texts] == list(texts.values())


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", "a"], "two columns of the same name: 'a'"),
        ([1, 1], "two columns of the same name: 1"),
        ([1, "1"], "two columns of the same name: 1 and '1' are both called '1'"),
        ([("a", "b"), "a / b"], r"\('a', 'b'\) and 'a / b' are both called 'a / b'"),
        ([dt.date(2026, 1, 1), pd.Timestamp("2026-01-01")], "both called '2026-01-01'"),
    ],
)
def test_two_columns_of_one_name(names: Any, message: str) -> None:
    frame = pd.DataFrame(X[:, :2], columns=pd.Index(names, tupleize_cols=False))
    with pytest.raises(cp.TableError, match=message):
        regressor().fit(frame, Y)
    with pytest.raises(cp.TableError, match=message):
        cp.TableModel.fit(frame, "a")


def test_numbers_in_order_are_no_names() -> None:
    """0, 1, … are what pandas gives to an array; in another order they are found all the same."""
    plain, frame = regressor().fit(X, Y), pd.DataFrame(X)
    expected = plain.predict(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for other in (frame, frame[ORDER], frame[ORDER].rename(columns=str)):
            np.testing.assert_array_equal(plain.predict(other), expected)
            assert plain.predict_one(other.iloc[3]) == expected[3]
            assert plain.predict_one(other.iloc[3].to_dict()) == expected[3]
        of_frame = regressor().fit(frame, Y)
        np.testing.assert_array_equal(of_frame.predict(frame[ORDER]), expected)
        np.testing.assert_array_equal(of_frame.predict(X), expected)
        assert not hasattr(of_frame, "feature_names_in_")
        shuffled = regressor().fit(frame[ORDER], Y)
        assert shuffled.feature_names_in_.tolist() == ["2", "0", "3", "1"]
        np.testing.assert_array_equal(shuffled.predict(frame), shuffled.predict(frame[ORDER]))
    told = regressor(kinds={3: "ignore"}).fit(frame, Y)
    assert told.unused_columns_ == ["x3"]
    with pytest.raises(ValueError, match="X has 3 features"):
        plain.predict(frame[[1, 2, 3]])


def test_a_target_named_by_a_number_or_a_tuple() -> None:
    for names in ([3, 2, 1, 0, 9], pd.MultiIndex.from_product([["a"], range(5)])):
        frame = pd.DataFrame(np.column_stack([X, Y]), columns=names)
        target, other = list(frame.columns)[4], list(frame.columns)[1]
        model = cp.TableModel.fit(frame, target, kinds={other: "ignore"}, n_members=1)
        assert model.target.name == name_text(target)
        assert name_text(other) not in model.names
        np.testing.assert_array_equal(model.predict(frame.iloc[:, ::-1]), model.predict(frame))
        assert model.evaluate(frame.iloc[:, ::-1]) == model.evaluate(frame)


KINDS_OF_NAMES = st.one_of(
    st.text(max_size=4),
    st.integers(-5, 5),
    st.floats(-3, 3, width=16),
    st.dates(dt.date(2026, 1, 1), dt.date(2026, 1, 4)),
    st.tuples(st.sampled_from("ab"), st.sampled_from(["", "x", "y"])),
)


@given(st.lists(KINDS_OF_NAMES, min_size=1, max_size=6), st.randoms(use_true_random=False))
@settings(max_examples=20)
def test_any_names(names: list[Any], random: Any) -> None:
    """Two of one text are refused; otherwise each name finds its column in any order."""
    frame = pd.DataFrame([range(len(names))], columns=pd.Index(names, tupleize_cols=False))
    texts = [name_text(name) for name in names]
    if len(set(texts)) < len(texts):
        with pytest.raises(cp.TableError, match="two columns of the same name"):
            source_of(frame)
        return
    places = list(range(len(names)))
    random.shuffle(places)
    source = source_of(frame.iloc[:, places])
    if source.named:
        found = [source.column(text).values.to_pylist() for text in texts]
        assert found == [[i] for i in range(len(names))]
