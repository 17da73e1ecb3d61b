"""From tables of any kind to the matrix of the networks."""

from __future__ import annotations

import datetime
import tracemalloc
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from tabular_cases import columns

from clearprop import TableError
from clearprop.documents import ModelFileError
from clearprop.tables.columns import ColumnType
from clearprop.tables.dates import date_parts
from clearprop.tables.sources import source_of
from clearprop.tabular import inputs as inputs_module
from clearprop.tabular.input_codec import inputs_from_document, inputs_to_document
from clearprop.tabular.input_columns import CLIP, LIMIT, Flag, Number, bin_edges
from clearprop.tabular.inputs import TableInputs


def fit(X: Any, kinds: dict[str, str] | None = None) -> TableInputs:
    return TableInputs.fit(source_of(X), kinds)


def test_frames_of_all_libraries_give_the_same_matrix() -> None:
    table = columns()
    frames = [pd.DataFrame(table), pl.DataFrame(table, strict=False), pa.table(table)]
    first = fit(frames[0])
    expected = first.transform(source_of(frames[0]))
    assert expected.dtype == np.float32
    assert expected.shape == (200, first.layer.n_in)
    assert np.isfinite(expected).all()
    for frame in frames[1:]:
        inputs = fit(frame)
        assert inputs == first
        np.testing.assert_array_equal(inputs.transform(source_of(frame)), expected)


def test_the_kinds_of_columns() -> None:
    inputs = fit(pd.DataFrame(columns()))
    kinds = {column.name: column.kind for column in inputs.columns}
    assert kinds == {
        "size": "numeric",
        "count": "numeric",
        "colour": "categorical",
        "place": "categorical",
        "open": "boolean",
        "day": "date",
        "zeros": "numeric",
        "heavy": "numeric",
    }  # and the constant column is left out
    by_name = {column.name: column for column in inputs.columns}
    assert by_name["size"].missing is not None
    assert by_name["count"].missing is None
    assert by_name["colour"].n_flags == 3
    assert by_name["place"].categories.embedded  # more than 24 categories


def test_the_types_of_training_are_kept() -> None:
    table = pd.DataFrame(
        {
            "text": ["a", "b"] * 10,
            "integer": [1, 2] * 10,
            "float": [1.5, 2.5] * 10,
            "bool": [True, False] * 10,
            "category": pd.Categorical([3, 4] * 10),
            "date": pd.date_range("2026-01-01", periods=20),
            "zone": pd.date_range("2026-01-01", periods=20, tz="Europe/Berlin"),
            "time": [datetime.time(hour) for hour in range(20)],
        }
    )
    inputs = fit(table, {"bool": "categorical"})
    assert {column.name: column.type for column in inputs.columns} == {
        "text": ColumnType("text"),
        "integer": ColumnType("integer"),
        "float": ColumnType("float"),
        "bool": ColumnType("bool"),
        "category": ColumnType("integer", category=True),
        "date": ColumnType("date"),
        "zone": ColumnType("date", zone="Europe/Berlin"),
        "time": ColumnType("time"),
    }
    assert inputs_from_document(inputs_to_document(inputs), "file") == inputs


def test_text_is_read_by_the_type_of_training() -> None:
    """A CSV file writes numbers and truth values in its own way."""
    train = {"float": [0.5, 1, 2, 3] * 5, "integer": [1, 2, 3, 4] * 5, "bool": [True, False] * 10}
    table = pd.DataFrame(train | {"text": ["1", "2", "2.0", "true"] * 5})
    inputs = fit(table, dict.fromkeys(table.columns, "categorical"))
    text = {"float": ["0.50", "1.0", "2", "3e0"], "integer": ["1.0", "2.", "3", "+4"]}
    text |= {"bool": ["True", "no", "1", "FALSE"], "text": ["1", "2", "2.0", "true"]}
    source = source_of(pa.table(text))
    expected = inputs.transform(source_of(table[:4]))
    np.testing.assert_array_equal(inputs.transform(source), expected)
    assert inputs.count_unseen(source) == {}
    new = source_of(pa.table(text | {"float": ["7.0", "x", None, "1_0"], "text": ["01"] * 4}))
    assert inputs.count_unseen(new) == {"float": 3, "text": 4}


def test_files_of_before_have_no_types() -> None:
    table = pd.DataFrame(columns())
    document = inputs_to_document(fit(table))
    for entry in document["columns"]:
        del entry["reading"]
    inputs = inputs_from_document(document, "file")
    assert {column.type for column in inputs.columns} == {None}
    expected = fit(table).transform(source_of(table))
    np.testing.assert_array_equal(inputs.transform(source_of(table)), expected)


def test_every_column_of_the_matrix_has_a_place_and_a_name() -> None:
    inputs = fit(pd.DataFrame(columns()))
    names = inputs.feature_names
    places = dict(zip([c.name for c in inputs.columns], inputs.places, strict=True))
    assert sorted(np.concatenate(inputs.places)) == list(range(inputs.layer.n_in))
    assert [names[i] for i in places["size"]] == ["size", "size (missing)"]
    assert [names[i] for i in places["colour"]] == ["colour=blue", "colour=green", "colour=red"]
    assert [names[i] for i in places["place"]] == ["place"]
    assert [names[i] for i in places["open"]] == ["open"]
    assert [names[i] for i in places["day"]][:2] == ["day (days)", "day (year sin)"]
    assert fit(pd.DataFrame({"a": [1.0, 1.0]})).feature_names == ("(none)",)


def test_a_number_is_scaled_by_its_quartiles() -> None:
    x = np.array([0.0, 1, 2, 3, 4, 5, 6, 7, 100, np.nan, np.inf])
    number = Number.fit("", x, 4)
    q25, median, q75 = np.quantile(x[:9], [0.25, 0.5, 0.75])
    z = number.encode(x)
    np.testing.assert_allclose(z[:9], (x[:9] - median) / (q75 - q25), rtol=1e-6)
    assert z[9] == 0
    assert z[10] == LIMIT


def test_a_zero_inflated_number_has_edges_among_its_other_values() -> None:
    x = np.r_[np.zeros(900), np.arange(1.0, 101)]
    number = Number.fit("", x, 48)
    assert number.scale == 2 / 100 / 2**-number.exponent  # the quartiles are all 0
    assert len(number.edges) == 49
    few = bin_edges(np.array([0, 0, 0, 1, 2], np.float32), 48)
    assert few.tolist() == [0, 1, 2]


def test_edges_that_differ_by_a_rounding_are_one() -> None:
    third = 0.1 + 0.2  # 0.30000000000000004
    x = np.array([0.0, 0.3, third, 0.3, third, 1.0, 2.0])
    assert len(Number.fit("", x, 8).edges) == 4  # with 0.3 in the middle, where z is 0
    assert Number.fit("", np.array([0.3, third, third, 0.3]), 8) is None
    # small numbers stay apart beside an outlier, a huge mark for gaps, or many zeros
    for few, many in ((1, 999_999.0), (4, 1e20), (30, 0.0)):
        values = np.r_[1.0, 1.5, 2.0, 1e-3, 2e-3, np.full(few, many)]
        assert len(Number.fit("", values, 48).edges) == 6


@pytest.mark.parametrize("spread", [1.0, 1e-9, 1e9])
def test_edges_of_different_numbers_stay(spread: float) -> None:
    x = np.random.default_rng(0).normal(size=5000) * spread
    for values in (x, np.exp(x / spread), (x / spread).round(2) * spread, x**5):
        z = Number.fit("", values, 128).encode(values)
        assert list(Number.fit("", values, 128).edges) == bin_edges(z, 128).tolist()


HOURS = [datetime.datetime(2026, 1, 1) + datetime.timedelta(hours=hour) for hour in range(9000)]


@pytest.mark.parametrize("up", [1, -1])
def test_another_sine_changes_nothing(monkeypatch: Any, up: int) -> None:
    """Sines and cosines of whole hours, of which many are equal but for the last bit."""
    source = source_of(pd.DataFrame({"t": HOURS}))
    inputs = TableInputs.fit(source)
    X = inputs.transform(source)
    for number in inputs.columns[0].numbers[1:]:
        assert np.diff(number.edges).min() > number.scale * 2.0**-number.exponent * 2.0**-19
    sine, cosine = np.sin, np.cos
    monkeypatch.setattr(np, "sin", lambda a: np.nextafter(sine(a), up * np.inf))
    monkeypatch.setattr(np, "cos", lambda a: np.nextafter(cosine(a), -up * np.inf))
    assert TableInputs.fit(source) == inputs
    np.testing.assert_array_equal(inputs.transform(source), X)


def test_dates_of_files_of_before_are_not_rounded() -> None:
    source = source_of(pd.DataFrame({"t": HOURS[::7]}))
    document = inputs_to_document(TableInputs.fit(source))
    assert document["columns"][0].pop("angle_step") == 2**-20
    before = inputs_from_document(document, "file")
    parts = date_parts(np.array(HOURS[::7], "datetime64[us]"))
    for place, number in zip(before.places[0], before.columns[0].numbers, strict=True):
        X = before.transform(source)[:, place]
        np.testing.assert_array_equal(X, number.encode(parts[number.name]))
    document["columns"][0] |= {"kind": "numeric", "angle_step": 0.25}
    with pytest.raises(ModelFileError, match="parts do not fit its kind"):
        inputs_from_document(document, "file")


def test_a_flag_is_clipped_smoothly() -> None:
    v = np.r_[np.zeros(99), 1.0]
    z = Flag.fit(v).encode(v)
    assert z[0] == 0
    assert z[-1] == pytest.approx(2 / np.sqrt(1 + (2 / CLIP) ** 2), rel=1e-6)
    assert Flag.fit(np.ones(5)) is None


@pytest.mark.parametrize("scale", [1e-310, 1e-30, 1.0, 1e30, 1e300])
def test_magnitude_is_no_matter(scale: float) -> None:
    x = np.random.default_rng(0).normal(size=100)
    z = Number.fit("", x, 8).encode(x)
    # subnormal numbers have few digits left
    tolerance = 1e-2 if scale == 1e-310 else 1e-5
    np.testing.assert_allclose(Number.fit("", x * scale, 8).encode(x * scale), z, atol=tolerance)


def test_missing_numbers_and_new_categories_later() -> None:
    train = pd.DataFrame({"x": [1.0, 2, 3, 4] * 5, "c": ["a", "b", "c", "a"] * 5})
    inputs = fit(train)
    later = pd.DataFrame({"c": ["b", "new", None], "x": [2.0, None, 9.0]})
    X = inputs.transform(source_of(later))
    assert X[1, 0] == 0  # the median
    b = X[0, 1:]
    assert (b != X[1, 1:]).any()
    np.testing.assert_array_equal(X[1, 1:], X[2, 1:])


def test_many_categories() -> None:
    """10⁵ of them, and some of a single row, which are not known as none has two rows."""
    labels = [f"c{i}" for i in range(100_000)] * 3 + [f"once{i}" for i in range(1000)]
    inputs = fit(pa.table({"c": labels}))
    assert inputs.layer.layers[0].sizes == (100_001,)
    X = inputs.transform(source_of(pa.table({"c": ["c0", "c99999", "once3", "other", None]})))
    assert len(set(X[:2, 0])) == 2
    np.testing.assert_array_equal(X[2:, 0], 0)


@pytest.mark.parametrize(("n_once", "n_twice", "known"), [(1000, 50, True), (1000, 49, False)])
def test_categories_of_a_single_row(n_once: int, n_twice: int, known: bool) -> None:
    """Each has 2 n₂/n₁ rows on average among as many new rows; a tenth is enough to know them."""
    labels = [f"once{i}" for i in range(n_once)] + [f"twice{i}" for i in range(n_twice)] * 2
    inputs = fit(pa.table({"c": labels}), kinds={"c": "categorical"})
    assert inputs.layer.layers[0].sizes == (1 + n_twice + n_once * known,)
    X = inputs.transform(source_of(pa.table({"c": ["twice0", "once3", "other"]})))
    assert X[0, 0] > 0
    assert (X[1, 0] > 0) == known
    assert X[2, 0] == 0


def test_kinds_of_the_users_choice() -> None:
    table = pd.DataFrame({"x": [1, 2, 3, 1] * 5, "y": [0.5, 1, 2, 3] * 5})
    inputs = fit(table, {"x": "categorical", "y": "ignore"})
    assert [column.kind for column in inputs.columns] == ["categorical"]
    with pytest.raises(TableError, match="no column 'xx'; did you mean 'x'"):
        fit(table, {"xx": "numeric"})
    with pytest.raises(ValueError, match=r"kinds\['x'\] must be one of numeric"):
        fit(table, {"x": "number"})
    with pytest.raises(TableError, match="column 'c', row 1: 'b' is not a number"):
        fit(pd.DataFrame({"c": ["1", "b", "3"]}), {"c": "numeric"})


def test_a_column_that_is_missing() -> None:
    inputs = fit(pd.DataFrame({"length": [1.0, 2, 3], "width": [3.0, 2, 1]}))
    with pytest.raises(TableError, match="no column 'width'; did you mean 'Width'"):
        inputs.transform(source_of(pd.DataFrame({"length": [1.0], "Width": [2.0]})))


def test_rows_in_messages_count_from_the_start_of_the_table(monkeypatch: Any) -> None:
    monkeypatch.setattr(inputs_module, "CHUNK_BYTES", 64)
    table = pa.table({"c": [str(i) for i in range(50)]})
    inputs = fit(table, {"c": "numeric"})
    wrong = pa.table({"c": [*(str(i) for i in range(40)), "x"]})
    with pytest.raises(TableError, match="column 'c', row 40: 'x' is not a number"):
        inputs.transform(source_of(wrong))


def test_nothing_to_learn_from() -> None:
    inputs = fit(pd.DataFrame({"a": [1.0, 1.0], "b": [None, None]}))
    assert inputs.columns == ()
    np.testing.assert_array_equal(
        inputs.transform(source_of(pd.DataFrame({"a": [2.0]}))), np.zeros((1, 1), np.float32)
    )


def test_arrays() -> None:
    X = np.random.default_rng(0).normal(size=(50, 3))
    inputs = fit(X)
    assert inputs.names == ("x0", "x1", "x2")
    np.testing.assert_array_equal(
        inputs.transform(source_of(X)), fit(X.tolist()).transform(source_of(X.tolist()))
    )
    mixed = np.array([[1.0, "a", True], [2, "b", None], [2.5, 3, False]] * 4, dtype=object)
    source = source_of(mixed)
    assert [source.find(name).reading.kind for name in source.names] == [
        "numeric",
        "categorical",
        "boolean",
    ]
    assert source.column("x1").values.to_pylist()[:3] == ["a", "b", "3"]
    unusable = source_of(np.array([["a"], [{}]], dtype=object))
    assert unusable.column("x0").holds == "dicts (first in row 1)"


def test_numbers_for_names() -> None:
    source = source_of(pd.DataFrame([[1.0, 2.0]], columns=[7, 9]))
    assert source.names == ("7", "9")
    assert source.named
    source = source_of(pd.DataFrame([[1.0, 2.0]]))
    assert source.names == ("x0", "x1")
    assert not source.named


def test_some_rows(monkeypatch: Any) -> None:
    """They are read as a table of these rows alone, statistics and chunks included."""
    monkeypatch.setattr(inputs_module, "CHUNK_BYTES", 400)
    X, rows = pd.DataFrame(columns(1000)), np.arange(5, 1000, 3)
    inputs = TableInputs.fit(source_of(X), rows=rows)
    alone = source_of(X.iloc[rows])
    assert inputs == TableInputs.fit(alone)
    np.testing.assert_array_equal(inputs.transform(source_of(X), rows), inputs.transform(alone))
    monkeypatch.setattr(inputs_module, "SAMPLE", 50)
    assert TableInputs.fit(source_of(X), rows=rows) == TableInputs.fit(alone)
    array = np.random.default_rng(0).normal(size=(90, 2)).round(1)
    of_some = TableInputs.fit(source_of(array), {"x1": "categorical"}, rows=rows[:20])
    assert of_some == TableInputs.fit(source_of(array[rows[:20]]), {"x1": "categorical"})


def test_statistics_of_many_rows_come_from_a_sample(monkeypatch: Any) -> None:
    monkeypatch.setattr(inputs_module, "SAMPLE", 500)
    X = pd.DataFrame({"x": np.arange(5000.0), "c": ["rare"] * 2 + ["a", "b"] * 2499})
    inputs = TableInputs.fit(source_of(X), seed=1)
    assert inputs == TableInputs.fit(source_of(X), seed=1)
    assert inputs != TableInputs.fit(source_of(X), seed=2)
    assert inputs.columns[1].categories.names == ("a", "b", "rare")  # of all rows


def test_memory() -> None:
    """The matrix and a column or two in float64 beside it, not a second matrix."""
    X = np.random.default_rng(0).normal(size=(60_000, 50)).astype(np.float32)
    tracemalloc.start()
    source = source_of(X)
    matrix = TableInputs.fit(source).transform(source)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # 20 MiB: a chunk of 16 MiB with its columns in float64, one after another
    assert peak < matrix.nbytes + 8 * X[:, 0].size * 8 + 20 * 2**20


CELLS: dict[str, st.SearchStrategy[Any]] = {
    "float": st.none() | st.floats(),
    "int": st.none() | st.integers(-(2**63), 2**63 - 1),
    "text": st.none() | st.text(max_size=5),
    "bool": st.none() | st.booleans(),
    "date": st.none() | st.datetimes(datetime.datetime(1900, 1, 1), datetime.datetime(2100, 1, 1)),
    "label": st.none() | st.sampled_from("abc"),
    "nothing": st.none(),
}


@st.composite
def tables(draw: st.DrawFn) -> tuple[pa.Table, pa.Table]:
    """Two tables of the same random columns, of any number of rows."""
    types = draw(st.lists(st.sampled_from(sorted(CELLS)), min_size=1, max_size=4))
    sizes = draw(st.integers(1, 30)), draw(st.integers(1, 5))
    arrow = {
        "float": pa.float64(),
        "int": pa.int64(),
        "bool": pa.bool_(),
        "date": pa.timestamp("us"),
    }
    result = []
    for n in sizes:
        table = {}
        for i, kind in enumerate(types):
            values = draw(st.lists(CELLS[kind], min_size=n, max_size=n))
            if kind == "text":
                values = [None if v is None else v.replace("\x00", "") for v in values]
            table[f"c{i}"] = pa.array(values, arrow.get(kind, pa.large_string()))
        result.append(pa.table(table))
    return result[0], result[1]


@given(tables())
def test_any_table(both: tuple[pa.Table, pa.Table]) -> None:
    """Whatever is in it, the matrix is finite, its layer takes it, and a file gives it back."""
    train, later = both
    inputs = fit(train)
    layer = inputs.layer
    p = layer.initial(np.random.default_rng(0), "auto")
    for table in (train, later):
        X = inputs.transform(source_of(table))
        assert X.shape == (table.num_rows, layer.n_in)
        assert np.isfinite(X).all()
        h, _ = layer.forward(p, X, None)
        assert np.isfinite(h).all()
    assert inputs_from_document(inputs_to_document(inputs), "file") == inputs
