"""Targets of any library and type: `classes_` keeps the type, errors name rows."""

from __future__ import annotations

import warnings
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tabular_cases import classifier, regressor

import clearprop as cp
from clearprop.tables.frames import as_frame, read_column
from clearprop.tables.given_targets import plain_classes, plain_numbers
from clearprop.tables.target_column import find_target

N = 24
X = np.arange(2.0 * N).reshape(N, 2)
BOOLS, INTS = [i % 3 == 0 for i in range(N)], [i % 3 for i in range(N)]
TEXTS = ["ab"[i % 2] for i in range(N)]
S = pd.Series
TARGETS: dict[str, tuple[Any, list[Any]]] = {
    "boolean": (S(BOOLS, dtype="boolean"), [False, True]),
    "bool[pyarrow]": (S(BOOLS, dtype="bool[pyarrow]"), [False, True]),
    "category of bool": (S(BOOLS).astype("category"), [False, True]),
    "objects of bool": (S(BOOLS, dtype=object), [False, True]),
    "polars bool": (pl.Series(BOOLS), [False, True]),
    "polars frame": (pl.DataFrame({"y": BOOLS}), [False, True]),
    "Arrow bool": (pa.array(BOOLS), [False, True]),
    "Arrow chunks": (pa.chunked_array([BOOLS[:5], BOOLS[5:]]), [False, True]),
    "Int64": (S(INTS, dtype="Int64"), [0, 1, 2]),
    "int8[pyarrow]": (S(INTS, dtype="int8[pyarrow]"), [0, 1, 2]),
    "category of int": (S(INTS).astype("category"), [0, 1, 2]),
    "Categorical": (pd.Categorical(INTS), [0, 1, 2]),
    "objects of int": (np.array(INTS, dtype=object), [0, 1, 2]),
    "decimals": ([Decimal(i) for i in INTS], [0, 1, 2]),
    "Arrow dictionary": (pa.array(INTS).dictionary_encode(), [0, 1, 2]),
    "polars UInt64": (pl.Series([2**63 + i for i in INTS]), [2**63, 2**63 + 1, 2**63 + 2]),
    "Float64": (S(INTS, dtype="Float64"), [0.0, 1.0, 2.0]),
    "1 and 1.0": ([1, 1.0, 0, 0.0] * (N // 4), [0.0, 1.0]),
    "string": (S(TEXTS, dtype="string"), ["a", "b"]),
    "category of text": (S(TEXTS).astype("category"), ["a", "b"]),
    "polars Categorical": (pl.Series(TEXTS, dtype=pl.Categorical), ["a", "b"]),
    "polars Enum": (pl.Series(TEXTS, dtype=pl.Enum(["b", "a"])), ["a", "b"]),
    "Arrow text": (pa.array(TEXTS), ["a", "b"]),
}


@pytest.mark.parametrize("name", TARGETS)
def test_classes_keep_their_type(name: str) -> None:
    y, expected = TARGETS[name]
    mlp = cp.MLPClassifier(hidden_layer_sizes=(2,), max_iter=1)
    for model in (classifier(1), mlp):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the one iteration
            model.fit(X, y)
        classes = model.classes_.tolist()
        assert classes == expected
        assert {type(c) for c in classes} == {type(expected[0])}
        assert type(model.predict(X)[0].item() if expected[0] != "a" else "") is type(expected[0])
        assert model.score(X, y) == np.mean(model.predict(X) == np.array(y, dtype=object).ravel())


MISSING = {
    "boolean": (S([True, None, False], dtype="boolean"), "1 row \\(1\\) of 3"),
    "Int64": (S([1, 2, None] * 4, dtype="Int64"), "4 rows \\(2, 5, 8, 11\\) of 12"),
    "text": (S(["a", None, "b", np.nan], dtype=object), "2 rows \\(1, 3\\) of 4"),
    "polars": (pl.Series([None, "a"] * 9), "9 rows \\(0, 2, 4, 6, 8, …\\) of 18"),
    "category": (pd.Categorical(["a", None]), "1 row \\(1\\) of 2"),
    "Arrow": (pa.array([1, None]), "1 row \\(1\\) of 2"),
    "list": ([1.0, float("nan")], "1 row \\(1\\) of 2"),
    "array": (np.array([[1.0], [np.nan]]), "1 row \\(1\\) of 2"),
}


@pytest.mark.parametrize("name", MISSING)
def test_missing_classes_are_named_by_row(name: str) -> None:
    y, rows = MISSING[name]
    with pytest.raises(ValueError, match=f"y contains NaN: the target is missing in {rows}"):
        classifier(1).fit(np.zeros((len(y), 1)), y)


def test_missing_quantities_are_named_by_row() -> None:
    for y in (S([1.0, None, 2.5], dtype="Float64"), pl.Series([1.0, None, 2.5]), [1.0, None, 2.5]):
        with pytest.raises(ValueError, match=r"missing in 1 row \(1\) of 3; leave these rows out$"):
            regressor(1).fit(X[:3], y)


def test_classes_of_several_types() -> None:
    message = r"text in 2 rows \('a' in row 0\), numbers in 1 row \(1 in row 1\); write all"
    for y in (["a", 1, "b"], np.array(["a", 1, "b"], dtype=object), S(["a", 1, "b"])):
        for model in (classifier(1), cp.MLPClassifier()):
            with pytest.raises(ValueError, match=message):
                model.fit(X[:3], y)
    with pytest.raises(ValueError, match="truth values in 1 row"):
        classifier(1).fit(X[:2], [True, "yes"])
    with pytest.raises(ValueError, match="y must hold classes, not dicts"):
        classifier(1).fit(X[:2], [{}, {}])
    with pytest.raises(ValueError, match="'a' is text, 'b' is not"):
        classifier(1).fit(X[:2], pd.DataFrame({"b": [0, 1], "a": ["x", "y"]}))


def test_quantities_of_any_type() -> None:
    y = [0.5 * i for i in range(N)]
    expected = regressor(1).fit(X, y).predict(X)
    for given_y in (
        S(y, dtype="Float64"),
        S(y, dtype="double[pyarrow]"),
        S(pd.arrays.SparseArray(y)),
        pl.Series(y),
        pa.array(y),
        [Decimal(str(v)) for v in y],
    ):
        np.testing.assert_array_equal(regressor(1).fit(X, given_y).predict(X).ravel(), expected)


def column(values: Any) -> Any:
    return read_column(as_frame(pa.table({"y": values})), "y")


FORMS: list[Any] = [
    pa.array([1, 0]),
    pa.array([1.0, 0.0]),
    pa.array([1.0, 0.0], pa.float32()),
    pa.array(["1", "0"]),
    pa.array(["1.0", "0.0"]),
    pa.array([Decimal("1.00"), Decimal("0.00")]),
    pa.array([1, 0], pa.uint64()),
    pa.array(["1", "0"]).dictionary_encode(),
]


def test_one_and_one_point_zero_are_one_class() -> None:
    for train in FORMS:
        target = find_target(column(train), "classification")
        assert target.values() == [0, 1]
        for later in FORMS:
            assert target.encode(column(later)).tolist() == [1, 0]
    words = find_target(column(["yes", "1.0", "0.0"]), "classification")
    assert words.encode(column([1.0, 0.0])).tolist() == [1, 0]
    codes = find_target(column(["007", "010"]), "classification")
    assert codes.values() == ["007", "010"]
    assert codes.encode(column([7, 10])).tolist() == [0, 1]


def test_truth_values_between_files() -> None:
    forms = [[True, False], ["True", "False"], ["TRUE", "FALSE"], ["true", "false"]]
    for train in forms:
        target = find_target(column(train), "classification")
        assert target.values() == [False, True]
        assert [target.encode(column(later)).tolist() for later in forms] == [[1, 0]] * 4


def test_a_target_of_mixed_objects() -> None:
    frame = pd.DataFrame({"x": [1, 2, 3], "y": ["a", 1, "b"]})
    with pytest.raises(cp.TableError, match=r"several types \('a' in row 0, '1' in"):
        cp.TableModel.fit(frame, "y")


KINDS: Any = st.sampled_from([st.booleans(), st.integers(-(2**63), 2**63 - 1), st.text("ab ")])


@given(KINDS.flatmap(lambda kind: st.lists(kind, min_size=1, max_size=8)))
@settings(max_examples=30)
def test_any_classes_in_any_form(values: list[Any]) -> None:
    """Every library gives the same classes, of the same type."""
    forms = [
        values,
        np.array(values, dtype=object),
        S(values, dtype=object),
        S(values).convert_dtypes(),
        S(values).astype("category"),
        pl.Series(values),
        pa.array(values),
        pa.array(values).dictionary_encode(),
    ]
    for form in forms:
        assert np.asarray(plain_classes(form)).tolist() == values
        if type(values[0]) is not str:
            found = np.asarray(plain_numbers(form), dtype=np.float64)
            assert found.tolist() == [float(v) for v in values]


def test_text_with_a_value_in_every_row_is_neither_classes_nor_silently_numbers():
    table = np.arange(60.0)[:, None]
    texts = [f"{v:.1f}" for v in table[:, 0]]
    texts[7] = "#DIV/0!"
    for kind in (cp.TabularClassifier, cp.TabularRegressor):
        for y in (texts, np.array(texts), pd.Series(texts), pl.Series(texts)):
            with pytest.raises(
                ValueError, match="y has numbers, and 1 other value: '#DIV/0!' once"
            ):
                kind(n_members=1).fit(table, y)
    with pytest.raises(ValueError, match="60 different texts in 60 rows, too many to be classes"):
        cp.TabularClassifier(n_members=1).fit(table, [f"person {i}" for i in range(60)])
    with pytest.raises(ValueError, match="row 3: 'three' is not a number"):
        cp.TabularRegressor(n_members=1).fit(table[:6], ["0", "1", "2", "three", "4", "four"])


def test_quantities_are_read_as_text_of_all_countries():
    y = ["1.234,50 €", "2,00 €", "12.000,25 €", "3,75 €"]
    np.testing.assert_array_equal(plain_numbers(y), [1234.5, 2, 12000.25, 3.75])
