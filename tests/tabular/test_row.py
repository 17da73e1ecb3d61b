"""One row, read without Arrow: the same bits as a table with this row."""

from __future__ import annotations

import datetime as dt
import pickle
from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import example, given
from tabular_cases import classifier, columns, regressor, target

import clearprop as cp
from clearprop.tables.frames import as_frame
from clearprop.tables.sources import (
    FrameSource,
    RowSource,
    Source,
    row_of_pandas,
    row_source,
    source_of,
)
from clearprop.tabular.inputs import TableInputs
from clearprop.tabular.network import NetworkOptions
from clearprop.tabular.row import RowReader

N = 60
RNG = np.random.default_rng(0)
DAYS = pd.date_range("2026-01-01", periods=N, freq="37h")
TRAIN = pd.DataFrame(
    {
        "float": RNG.normal(size=N),
        "gaps": np.where(RNG.random(N) < 0.3, np.nan, RNG.normal(size=N)),
        "one value": np.where(RNG.random(N) < 0.3, np.nan, 1.0),
        "integer": RNG.integers(-5, 5, N),
        "huge": RNG.normal(size=N) * 1e300,
        "two": RNG.choice(["a", "b"], N),
        "text": RNG.choice(["x", "y", "é", "1", "2.5", "true"], N),
        "places": [f"p{i}" for i in RNG.integers(0, 30, N)],
        "codes": RNG.integers(0, 4, N),
        "levels": RNG.choice([0.5, 1.0, 2.0], N),
        "bool": RNG.random(N) < 0.5,
        "words": RNG.choice(["yes", "no", ""], N),
        "date": DAYS,
        "zone": DAYS.tz_localize("Europe/Berlin"),
        "date gaps": [None if i % 5 == 0 else day for i, day in enumerate(DAYS)],
        "time": [dt.time(i % 24, i % 60) for i in range(N)],
        "title": [f"{['Old', 'New'][i % 2]} York nº {i % 7} of {i}" for i in range(N)],
    }
)
KINDS = {
    "codes": "categorical",
    "levels": "categorical",
    "words": "boolean",
    "bool": "boolean",
    "text": "categorical",
    "places": "categorical",
    "title": "text",
}
INPUTS = TableInputs.fit(source_of(TRAIN), KINDS)
READER = RowReader(INPUTS)
NAMES = [column.name for column in INPUTS.columns]
MISSING = ("?", "-1", "2.5")

GAPS = st.sampled_from([None, float("nan"), pd.NA, pd.NaT, "", "  "])
NUMBERS = (
    st.floats()
    | st.integers(-(2**70), 2**70)
    | st.integers(-6, 6)
    | st.integers(-5, 5).map(float)
    | st.floats(width=32).map(np.float32)
    | st.floats(width=16).map(np.float16)
    | st.floats().map(np.float64)
    | st.integers(-128, 127).map(np.int8)
    | st.integers(-(2**63), 2**63 - 1).map(np.int64)
    | st.integers(0, 2**64 - 1).map(np.uint64)
    | st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-9, max_value=9)
)
TEXTS = (
    st.text(max_size=4)
    | st.sampled_from(["2.0", "0.50", "1e0", "3.", "-0", "TRUE", "f"])
    | st.sampled_from(["a", " b ", "x", "é", "1", "1.0", "2.5", "p3", "new", "True", "NO", "y"])
    | st.sampled_from(
        ["?", "-1", "1e5", "+1", "inf", "nan", ".5", "5.", "007", "1_0", "٣", "\ud800"]
    )
    | NUMBERS.map(str)
)
TITLES = st.lists(
    st.sampled_from(["old", "YORK", "ﬁnal", "№", "n°", "3", "straße", "İ", "новый"]) | st.text()
).map(" ".join)
BOOLS = st.booleans() | st.booleans().map(np.bool_)
ZONES = [None, dt.UTC, dt.timezone(dt.timedelta(hours=-7, minutes=30))]
STAMPS = st.datetimes(dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30))
DATES = (
    STAMPS
    | st.builds(lambda t, zone: t.replace(tzinfo=zone), STAMPS, st.sampled_from(ZONES))
    | st.dates()
    | st.times()
    | st.integers(-(2**62), 2**62).map(pd.Timestamp)
    | st.builds(lambda s, z: pd.Timestamp(s, tz=z), st.integers(0, 2**62), st.just("Asia/Tokyo"))
    | STAMPS.map(lambda t: np.datetime64(t, "us"))
    | STAMPS.map(str)
    | STAMPS.map(lambda t: t.isoformat(timespec="minutes"))
    | st.dates().map(str)
    | st.sampled_from(["2026-02-30", "2026-01-31T09:30:00+01:00", "0000-01-01", "2026-01-01 25:00"])
)
ANY = GAPS | NUMBERS | TEXTS | BOOLS | DATES | st.sampled_from([b"x", dt.timedelta(1), [1], {}])
BY_KIND = {
    "numeric": GAPS | NUMBERS,
    "categorical": GAPS | TEXTS | NUMBERS | BOOLS,
    "boolean": GAPS | BOOLS | st.sampled_from([0, 1, 0.0, 1.0, "yes", " No", "T", "0", np.int8(1)]),
    "date": GAPS | DATES,
    "text": GAPS | TEXTS | NUMBERS | BOOLS | TITLES,
}
USUAL = st.fixed_dictionaries({column.name: BY_KIND[column.kind] for column in INPUTS.columns})


def outcome(matrix: Any, source: Source) -> Any:
    """The matrix as bytes, or the error."""
    try:
        return matrix(source).tobytes()
    except (ValueError, TypeError) as error:
        return type(error), str(error)


def frames(row: dict[str, Any]) -> list[Any]:
    """The row as data frames of one row, as far as the libraries can hold it."""
    found = []
    makers = (
        lambda: pd.DataFrame({name: [value] for name, value in row.items()}),
        lambda: pd.DataFrame(
            {name: pd.Series([value], dtype=object) for name, value in row.items()}
        ),
        lambda: pl.DataFrame({name: [value] for name, value in row.items()}, strict=False),
        lambda: pa.table(
            {name: pa.array([value], from_pandas=True) for name, value in row.items()}
        ),
    )
    for make in makers:
        try:
            found.append(make())
        except (ValueError, TypeError, OverflowError, pa.ArrowException, pl.exceptions.PolarsError):
            continue
    # polars keeps what it does not know as pointers, which nothing can be read from
    return [f for f in found if not isinstance(f, pl.DataFrame) or pl.Object not in f.dtypes]


def check(row: dict[str, Any], missing: tuple[str, ...] = ()) -> None:
    source = RowSource(row, missing=missing)
    assert outcome(READER.read, source) == outcome(INPUTS.transform, source)
    for frame in frames(row):
        of_frame = FrameSource(as_frame(frame), missing=missing)
        expected = outcome(INPUTS.transform, of_frame)
        assert outcome(READER.read, of_frame) == expected, type(frame)
        if isinstance(frame, pd.DataFrame):
            at_once = row_of_pandas(frame)
            assert at_once is not None
            assert outcome(READER.read, replace(at_once, missing=missing)) == expected


@given(USUAL, st.sampled_from([(), MISSING]))
def test_a_row_is_read_as_a_table(row: dict[str, Any], missing: tuple[str, ...]) -> None:
    check(row, missing)


@given(st.sampled_from(NAMES), ANY, st.sampled_from([(), MISSING]))
@example("float", "١", ())
@example("levels", "\ud800", ())
def test_any_value_in_any_column(name: str, value: Any, missing: tuple[str, ...]) -> None:
    """What a column cannot hold is the same error."""
    check(dict.fromkeys(NAMES) | {name: value}, missing)


@pytest.mark.parametrize("library", ["pandas", "pandas at once", "polars", "dict"])
def test_rows_of_a_table_need_no_arrow(library: str, monkeypatch: Any) -> None:
    expected = INPUTS.transform(source_of(TRAIN))
    polars = pl.from_pandas(TRAIN)
    rows: dict[str, Any] = {
        "pandas": [source_of(TRAIN[i : i + 1]) for i in range(N)],
        "pandas at once": [row_of_pandas(TRAIN[i : i + 1]) for i in range(N)],
        "polars": [source_of(polars[i : i + 1]) for i in range(N)],
        "dict": [row_source(row) for row in TRAIN.to_dict("records")],
    }

    def refuse(*_: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(FrameSource, "column", refuse)
    found = np.concatenate([READER.read(row) for row in rows[library]])
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int8", "uint64", "bool"])
def test_rows_of_an_array(dtype: str) -> None:
    X = RNG.integers(0, 2 if dtype == "bool" else 9, (40, 4)).astype(dtype)
    if dtype.startswith("float"):
        X = X / np.array(3, dtype)
        X[::7, 1] = np.nan
    inputs = TableInputs.fit(source_of(X), {"x0": "categorical"})
    reader, expected = RowReader(inputs), inputs.transform(source_of(X))
    for i in range(len(X)):
        np.testing.assert_array_equal(reader.read(source_of(X[i : i + 1])), expected[i : i + 1])


TABLE = columns(240)
X, Y = pd.DataFrame(TABLE), target(TABLE)
TARGETS: dict[str, Any] = {
    "single": np.where(Y > 0, "yes", "no"),
    "labels": np.stack([Y > 0, Y < 2], axis=1).astype(int),
    "columns": np.stack([np.digitize(Y, [-1, 2]), 1 * (Y > 0)], axis=1),
}


@pytest.mark.parametrize("kind", TARGETS)
def test_one_row_of_a_classifier(kind: str) -> None:
    model = classifier().fit(X, TARGETS[kind])
    p, prediction = model.predict_proba(X), model.predict(X)
    for i in (0, 3, 4, 6):  # with gaps and infinity
        row = X.iloc[i].to_dict()
        found = model.predict_proba_one(row)
        expected = [p_m[i] for p_m in p] if kind == "columns" else p[i]
        np.testing.assert_equal(found, expected)
        np.testing.assert_equal(
            model.predict_proba(X[i : i + 1]),
            [p_m[i : i + 1] for p_m in p] if kind == "columns" else p[i : i + 1],
        )
        np.testing.assert_equal(model.predict_one(row), prediction[i])
    assert kind != "single" or type(model.predict_one(row)) is str


def test_one_row_of_a_regressor() -> None:
    model = pickle.loads(pickle.dumps(regressor().fit(X, Y)))
    y_hat, ends = model.predict(X), model.predict_interval(X, 0.2)
    for i, row in enumerate(X.to_dict("records")[:20]):
        found = model.predict_one(row)
        assert (type(found), found) == (float, y_hat[i])
    assert model.predict_one(X.iloc[5]) == y_hat[5]
    assert model.predict_one(pl.from_pandas(X)[5:6]) == y_hat[5]
    assert model.predict_one(pa.Table.from_pandas(X).slice(5, 1)) == y_hat[5]
    np.testing.assert_array_equal(model.predict_interval(X[5:6], 0.2), ends[5:6])
    np.testing.assert_array_equal(model.encode(X[5:6]), model.encode(X)[5:6])
    both = regressor().fit(X, np.stack([Y, -Y], axis=1))
    np.testing.assert_array_equal(both.predict_one(row), both.predict(X)[19])


def test_one_row_without_names() -> None:
    numbers = X[["count", "zeros"]].to_numpy()
    model = regressor().fit(numbers, Y)
    assert (
        model.predict_one(numbers[7])
        == model.predict_one(list(numbers[7]))
        == model.predict(numbers)[7]
    )
    frame = pd.DataFrame(numbers, columns=["a", "b"])[7:8]
    with pytest.warns(UserWarning, match="X has feature names, but"):
        assert model.predict(frame) == model.predict(numbers)[7]
    assert row_of_pandas(frame.set_axis([0, 1], axis=1)) is None
    assert row_of_pandas(X[:2]) is None
    named = regressor().fit(X[["count", "zeros"]], Y)
    with pytest.warns(UserWarning, match="X does not have valid feature names, but"):
        assert named.predict_one(numbers[7]) == model.predict(numbers)[7]


def test_what_is_not_one_row() -> None:
    model = regressor().fit(X, Y)
    row = X.iloc[0].to_dict()
    without = {name: value for name, value in row.items() if name != "colour"}
    with pytest.raises(cp.TableError, match="no column 'colour'; did you mean 'color'"):
        model.predict_one(without | {"color": "red"})
    with pytest.raises(cp.TableError, match="column 'size', row 0: 'big' is not a number"):
        model.predict_one(row | {"size": "big"})
    with pytest.raises(cp.TableError, match="column 'size' must hold numbers, not dicts"):
        model.predict_one(row | {"size": {}})
    with pytest.raises(cp.TableError, match="must hold numbers, not objects of type object"):
        model.predict_one(row | {"size": object()})
    with pytest.raises(ValueError, match="row must be a single row; got a data frame with 240"):
        model.predict_one(X)
    for wrong in ("row", 5, X.to_numpy()):
        with pytest.raises(TypeError, match="row must be a dict of values, or values"):
            model.predict_one(wrong)
    with pytest.raises(ValueError, match="X has 2 features"):
        model.predict_one([1.0, 2.0])


@pytest.mark.parametrize("network", [None, NetworkOptions(hidden_sizes=(8,), epochs=3)])
@pytest.mark.parametrize("name", ["label", "number"])
@pytest.mark.filterwarnings("ignore:column 'number' alone predicts")
def test_one_row_of_a_table_model(network: NetworkOptions | None, name: str) -> None:
    frame = X.drop(columns="heavy").assign(label=np.where(Y > 0, "yes", "no"), number=Y)
    parameters: dict[str, Any] = {} if network else {"n_members": 2}
    model = cp.TableModel.fit(frame, name, network=network, missing=("?",), **parameters)
    rows = frame[:6].assign(colour=["?", "red", "blue", "new", None, "green"])
    p = model.predict_values(rows).values
    for i, row in enumerate(rows.to_dict("records")):
        assert model.predict_one(row) == model.predict(rows)[i]
        assert type(model.predict_one(row)) is (str if name == "label" else float)
        of_frames = model.predict_proba if name == "label" else model.predict
        np.testing.assert_array_equal(of_frames(rows[i : i + 1]), p[i : i + 1])
        if name == "label":
            np.testing.assert_array_equal(model.predict_proba_one(row), p[i])
    del row["colour"]
    with pytest.raises(cp.TableError, match="no column 'colour'"):
        model.predict_one(row)
    if name == "number":
        with pytest.raises(TypeError, match="no probabilities"):
            model.predict_proba_one(row)
