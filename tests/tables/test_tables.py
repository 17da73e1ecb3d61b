"""Data frames as matrices: kinds, statistics, errors, the same result from every library."""

from __future__ import annotations

import copy
import json
import math
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearprop.documents import ModelFileError, dump_document, parse_document
from clearprop.tables.columns import to_datetimes, to_labels, to_numbers, to_signs
from clearprop.tables.dates import date_parts as parts_of
from clearprop.tables.frames import Column, TableError, as_frame, read_column
from clearprop.tables.inference import infer_reading
from clearprop.tabular.plain import TableEncoding
from clearprop.tabular.plain_columns import (
    LIMIT,
    MAX_CATEGORIES,
    CategoricalColumn,
    NumericColumn,
)

N = 40
COLUMNS = {
    "height": [None if i % 7 == 3 else 1.5 + 0.01 * i for i in range(N)],
    "rooms": [i % 5 for i in range(N)],
    "colour": [None if i % 11 == 5 else ("red", "green", "blue")[i % 3] for i in range(N)],
    "side": [("left", "right")[i % 2] for i in range(N)],
    "new": [None if i == 8 else i % 4 == 0 for i in range(N)],
    "built": [None if i == 2 else datetime(1990 + i, 1 + i % 12, 3, i % 24) for i in range(N)],
}


def arrow_frame(columns=COLUMNS):
    return pa.table({name: pa.array(values) for name, values in columns.items()})


def pandas_frame():
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame(COLUMNS)


def polars_frame():
    return pytest.importorskip("polars").DataFrame(COLUMNS)


def text_frame():
    """The same table as a CSV file holds it."""
    written = {
        name: ["" if v is None else str(v) for v in values] for name, values in COLUMNS.items()
    }
    return arrow_frame(written)


def column_of(values, type_=None, **kwargs):
    return read_column(as_frame(pa.table({"x": pa.array(values, type_)})), "x", **kwargs)


def without_readings(encoding):
    """The statistics alone."""
    document = encoding.to_document()
    for column in document["columns"]:
        del column["reading"]
    return document


# ---- the same numbers from every frame -----------------------------------------------------------


@pytest.mark.parametrize("make", [pandas_frame, polars_frame, text_frame])
def test_every_frame_library_gives_the_same_matrix(make):
    expected = TableEncoding.fit(arrow_frame())
    frame = make()
    encoding = TableEncoding.fit(frame)
    assert without_readings(encoding) == without_readings(expected)
    np.testing.assert_array_equal(encoding.transform(frame), expected.transform(arrow_frame()))
    # An encoding fitted to one library reads the frames of another.
    np.testing.assert_array_equal(expected.transform(frame), expected.transform(arrow_frame()))


def test_features_and_description():
    encoding = TableEncoding.fit(arrow_frame())
    assert encoding.feature_names[:9] == (
        "height",
        "height (missing)",
        "rooms",
        "colour=blue",
        "colour=green",
        "colour=red",
        "colour=(missing)",
        "side=left",
        "new",
    )
    lines = {line.name: line for line in encoding.describe()}
    assert [lines[name].kind for name in COLUMNS] == [
        "numeric",
        "numeric",
        "categorical",
        "categorical",
        "boolean",
        "date",
    ]
    assert lines["colour"].n_missing == sum(v is None for v in COLUMNS["colour"])
    assert sum(line.n_features for line in lines.values()) == len(encoding.feature_names)
    X = encoding.transform(arrow_frame())
    assert X.dtype == np.float32
    assert X.shape == (N, len(encoding.feature_names))
    place = encoding.feature_names.index("side=left")
    np.testing.assert_array_equal(X[:, place], [1 if i % 2 == 0 else -1 for i in range(N)])
    np.testing.assert_array_equal(
        X[:, encoding.feature_names.index("new")],
        [0 if i == 8 else (1 if i % 4 == 0 else -1) for i in range(N)],
    )


def test_order_of_columns_is_free_and_more_columns_are_ignored():
    frame = arrow_frame()
    encoding = TableEncoding.fit(frame)
    other = frame.select(sorted(COLUMNS)).append_column("more", pa.array(["?"] * N))
    np.testing.assert_array_equal(encoding.transform(other), encoding.transform(frame))


@given(st.integers(0, N), st.integers(0, N))
def test_a_row_does_not_depend_on_the_others(start, stop):
    frame = arrow_frame()
    encoding = TableEncoding.fit(frame)
    part = frame.slice(start, max(stop - start, 0))
    X = encoding.transform(frame)[start : start + len(part)]
    np.testing.assert_array_equal(encoding.transform(part), X)


def test_statistics_are_those_of_the_training_rows_and_kinds_those_of_all():
    frame = arrow_frame({"x": [0.0, 1.0, 2.0, 50.0], "c": ["a", "b", "a", "z"]})
    encoding = TableEncoding.fit(frame, rows=np.array([0, 1, 2]))
    assert without_readings(encoding) == without_readings(TableEncoding.fit(frame.slice(0, 3)))
    assert encoding.encode(frame).unseen == {"c": 1}


# ---- numbers -------------------------------------------------------------------------------------


def test_numbers_are_centred_scaled_and_the_median_where_missing():
    x = np.array([1.0, 2.0, math.nan, 4.0, 9.0])
    column = NumericColumn.from_numbers("x", x)
    present = np.array([1.0, 2.0, 4.0, 9.0])
    body = np.clip(present, *np.quantile(present, [0.01, 0.99]))
    # A few roundings of float64 in the mean and the deviation.
    assert column.centre == pytest.approx(body.mean(), rel=1e-14)
    assert column.spread == pytest.approx(body.std(), rel=1e-14)
    assert (column.median, column.n_missing) == (3.0, 1)
    out = np.empty((5, 2))
    column.encode_numbers(x, out)
    filled = np.where(np.isnan(x), 3.0, x)
    np.testing.assert_allclose(out[:, 0], (filled - body.mean()) / body.std(), rtol=1e-13)
    np.testing.assert_array_equal(out[:, 1], [0, 0, 1, 0, 0])


def test_one_wild_value_does_not_squeeze_the_others():
    x = np.append(np.linspace(0, 1, 999), 1e12)
    column = NumericColumn.from_numbers("x", x)
    out = np.empty((1000, 1))
    column.encode_numbers(x, out)
    assert np.ptp(out[:-1]) > 3  # a uniform distribution is √12 deviations wide
    assert out[-1, 0] == LIMIT


@given(st.lists(st.one_of(st.none(), st.floats(allow_infinity=False)), min_size=1))
def test_any_finite_numbers_give_finite_features(values):
    frame = pa.table({"x": pa.array(values, pa.float64())})
    encoding = TableEncoding.fit(frame, {"x": "numeric"})
    X = encoding.transform(frame)
    assert np.isfinite(X).all()
    assert (np.abs(X) <= LIMIT).all()
    missing = np.array([v is None or math.isnan(v) for v in values])
    assert X.shape[1] == 1 + missing.any()
    if missing.any():
        np.testing.assert_array_equal(X[:, 1], missing)
    # Order is kept: a larger value never has a smaller feature.
    order = np.argsort([v for v in values if not (v is None or math.isnan(v))], kind="stable")
    assert (np.diff(X[~missing, 0][order]) >= 0).all()
    assert TableEncoding.from_document(encoding.to_document(), "x") == encoding


@pytest.mark.parametrize("value", [0.0, 0.1, -1e308, 5e-324])
def test_a_constant_column_is_zero(value):
    encoding = TableEncoding.fit(pa.table({"x": [value] * 7}), {"x": "numeric"})
    X = encoding.transform(pa.table({"x": [value, 7.0]}))
    np.testing.assert_array_equal(X, np.zeros((2, 1)))


@pytest.mark.parametrize(
    ("values", "type_", "expected"),
    [
        ([1, None, 3], pa.uint8(), [1, math.nan, 3]),
        ([2**63], pa.uint64(), [2.0**63]),
        ([2**62 + 1], pa.int64(), [2.0**62]),
        ([True, None], None, [1, math.nan]),
        ([timedelta(seconds=1.5)], None, [1.5]),
        (["1", " 2.5 ", "", "-1e3", "nan", "+4"], None, [1, 2.5, math.nan, -1000, math.nan, 4]),
        ([None, None], None, [math.nan, math.nan]),
        ([0.5, None], pa.float16(), [0.5, math.nan]),
    ],
)
def test_what_can_be_read_as_numbers(values, type_, expected):
    if type_ == pa.float16():
        values = [None if v is None else np.float16(v) for v in values]
    np.testing.assert_array_equal(to_numbers(column_of(values, type_)), expected)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["1", "2", "x2"], "column 'x', row 12: 'x2' is not a number"),
        (["1", "1_000"], "column 'x', row 11: '1_000' is not a number"),
        ([1.0, math.inf], "column 'x', row 11: 'inf' is not a finite number"),
        (["1", "-1e999"], "column 'x', row 11: '-1e999' is not a finite number"),
        ([datetime(2020, 1, 1)], "column 'x' must hold numbers, not dates"),
    ],
)
def test_what_is_no_number_names_column_and_row(values, message):
    with pytest.raises(TableError, match=f"^{message}$"):
        to_numbers(column_of(values, first_row=10))


@given(st.integers(0, 99))
def test_the_first_wrong_row_is_found(row):
    text = [str(i) for i in range(100)]
    text[row] = "wrong"
    text[-1] = text[-1] if row == 99 else "also wrong"
    with pytest.raises(TableError, match=f"row {row}: 'wrong'"):
        to_numbers(column_of(text))


# ---- categories ----------------------------------------------------------------------------------


def test_unseen_labels_are_counted_and_missing_ones_have_their_feature():
    frame = pa.table({"c": ["a", "b", "c", None]})
    encoding = TableEncoding.fit(frame)
    encoded = encoding.encode(pa.table({"c": ["b", "new", None, "newer"]}))
    assert encoded.unseen == {"c": 2}
    np.testing.assert_array_equal(
        encoded.X, [[0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]]
    )


def test_missing_labels_without_any_in_training_have_no_feature():
    encoding = TableEncoding.fit(pa.table({"c": ["a", "b", "c"]}))
    np.testing.assert_array_equal(encoding.transform(pa.table({"c": ["", "a"]}))[0], np.zeros(3))


def test_two_categories_are_one_feature():
    encoding = TableEncoding.fit(pa.table({"c": ["no", "yes", None, "yes"]}))
    assert encoding.feature_names == ("c=no",)
    X = encoding.encode(pa.table({"c": ["no", "yes", "", "perhaps"]}))
    np.testing.assert_array_equal(X.X, [[1], [-1], [0], [0]])
    assert X.unseen == {"c": 1}


def test_rare_categories_are_pooled():
    labels = ["a"] * 6000 + ["b"] * 3980 + ["c"] * 11 + ["d"] * 9
    column = CategoricalColumn.fit(column_of(labels))
    assert column.categories == ("a", "b", "c")
    assert column.pooled == ("d",)
    assert column.features == ("x=a", "x=b", "x=c", "x=(other)")
    out = np.empty((3, 4))
    n_unseen = column.encode(column_of(["d", "e", "c"]), out)
    np.testing.assert_array_equal(out, [[0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 1, 0]])
    assert n_unseen == 1  # d is rare, e is new


def test_nothing_is_rare_in_a_small_table():
    assert CategoricalColumn.fit(column_of(["a", "b", "c"])).pooled == ()


def test_the_number_of_categories_is_limited():
    labels = [f"c{i:03}" for i in range(200) for _ in range(1 + i % 5)]
    column = CategoricalColumn.fit(column_of(labels))
    assert len(column.features) == MAX_CATEGORIES
    assert column.features[-1] == "x=(other)"
    # The most frequent have features of their own; among equals the first in the alphabet.
    assert column.categories == tuple(
        sorted(
            [f"c{i:03}" for i in range(200) if i % 5 == 4]
            + [f"c{i:03}" for i in range(200) if i % 5 == 3][: MAX_CATEGORIES - 41]
        )
    )
    exact = CategoricalColumn.fit(column_of([f"c{i}" for i in range(MAX_CATEGORIES)]))
    assert (len(exact.categories), exact.pooled) == (MAX_CATEGORIES, ())


@given(st.lists(st.one_of(st.none(), st.text(max_size=3)), min_size=1, max_size=60), st.data())
def test_one_hot_rows_sum_to_one(labels, data):
    trained = pa.table({"c": pa.array(labels, pa.string())})
    column = CategoricalColumn.fit(read_column(as_frame(trained), "c"))
    tested = data.draw(st.lists(st.one_of(st.none(), st.text(max_size=3)), min_size=1))
    out = np.empty((len(tested), len(column.features)))
    read = read_column(as_frame(pa.table({"c": pa.array(tested, pa.string())})), "c")
    n_unseen = column.encode(read, out)
    seen = set(column.categories) | set(column.pooled)
    assert n_unseen == sum(v is not None and v not in seen for v in read.values.to_pylist())
    total = np.abs(out).sum(axis=1)
    for value, row in zip(read.values.to_pylist(), total, strict=True):
        known = value in column.categories or (value is None and column.n_missing > 0)
        if not column.binary:
            assert row == (1 if known or (column.pooled and value is not None) else 0)
        else:
            assert row == (1 if value in column.categories else 0)


@pytest.mark.parametrize(
    ("values", "type_", "expected"),
    [
        ([1, None, 22], None, ["1", None, "22"]),
        ([1.0, None, 0.5, 1e20], None, ["1", None, "0.5", "1e+20"]),
        ([True, None], None, ["true", None]),
        ([" a", "a ", " ", ""], None, ["a", "a", None, None]),
        (["x", None, "x"], pa.dictionary(pa.int8(), pa.string()), ["x", None, "x"]),
        ([date(2020, 1, 2)], None, ["2020-01-02 00:00:00.000000"]),
        ([None], None, [None]),
    ],
)
def test_what_labels_are_called(values, type_, expected):
    assert to_labels(column_of(values, type_)).to_pylist() == expected


def test_whole_numbers_as_categories_are_the_same_from_a_frame_and_from_a_file():
    encoding = TableEncoding.fit(pa.table({"zone": [1, 2, 3, None]}), {"zone": "categorical"})
    text = pa.table({"zone": ["1", "2", "3", ""]})
    floats = pa.table({"zone": [1.0, 2.0, 3.0, math.nan]})
    expected = encoding.transform(pa.table({"zone": [1, 2, 3, None]}))
    np.testing.assert_array_equal(encoding.transform(text), expected)
    np.testing.assert_array_equal(encoding.transform(floats), expected)


# ---- truth values --------------------------------------------------------------------------------


def test_truth_values():
    words = ["true", "F", "Yes", "n", None, "1", "0"]
    np.testing.assert_array_equal(to_signs(column_of(words)), [1, -1, 1, -1, 0, 1, -1])
    np.testing.assert_array_equal(to_signs(column_of([0, 1, None])), [-1, 1, 0])
    np.testing.assert_array_equal(to_signs(column_of([0.0, 1.0])), [-1, 1])


def test_what_is_no_truth_value_names_column_and_row():
    with pytest.raises(TableError, match=r"^column 'x', row 1: 'maybe' is not true or false$"):
        to_signs(column_of(["yes", "maybe"]))
    with pytest.raises(TableError, match=r"^column 'x', row 2: '2' is not true or false$"):
        to_signs(column_of([0, 1, 2]))


# ---- dates ---------------------------------------------------------------------------------------


def test_parts_of_a_date():
    stamps = np.array(["1970-01-05T06:00", "2023-12-31T00:00", "NaT"], dtype="datetime64[us]")
    parts = parts_of(stamps)
    np.testing.assert_array_equal(parts["days"], [4.25, 19722, math.nan])
    # A Monday at six, 4.25 days into a month of 31 and a year of 365, and the last day of a year.
    angle = {"day": 0.25, "week": 0.25 / 7, "month": 4.25 / 31, "year": 4.25 / 365}
    for cycle, share in angle.items():
        # sin and cos of angles that are rounded once or twice.
        assert parts[f"{cycle} sin"][0] == pytest.approx(math.sin(2 * math.pi * share), abs=1e-14)
        assert parts[f"{cycle} cos"][0] == pytest.approx(math.cos(2 * math.pi * share), abs=1e-14)
    assert parts["year cos"][1] == pytest.approx(math.cos(2 * math.pi * 364 / 365), abs=1e-14)
    assert all(math.isnan(values[2]) for values in parts.values())


def test_only_parts_that_vary_are_features():
    days = [date(2020, 1, 1) + timedelta(days=i) for i in range(10)]
    encoding = TableEncoding.fit(pa.table({"d": [*days, None]}))
    assert encoding.feature_names == (
        "d (days)",
        "d (year sin)",
        "d (year cos)",
        "d (month sin)",
        "d (month cos)",
        "d (week sin)",
        "d (week cos)",
        "d (missing)",
    )
    X = encoding.transform(pa.table({"d": [None, days[0]]}))
    np.testing.assert_array_equal(X[:, -1], [1, 0])
    times = TableEncoding.fit(pa.table({"t": [time(8), time(9, 30), time(17)]}))
    assert times.feature_names == ("t (days)", "t (day sin)", "t (day cos)")


def test_dates_as_text_and_with_time_zones():
    moments = [datetime(2020, 1, 1, 12, tzinfo=UTC), datetime(2020, 6, 1, 12, 30, tzinfo=UTC)]
    expected = np.array([m.replace(tzinfo=None) for m in moments], dtype="datetime64[us]")
    text = ["2020-01-01T14:00:00+02:00", "2020-06-01 12:30:00Z"]
    np.testing.assert_array_equal(to_datetimes(column_of(text)), expected)
    zoned = pa.array(moments, pa.timestamp("ms", "Asia/Tokyo"))
    np.testing.assert_array_equal(to_datetimes(column_of(zoned)), expected)
    np.testing.assert_array_equal(
        to_datetimes(column_of(["2020-01-01", None])),
        np.array(["2020-01-01", "NaT"], dtype="datetime64[us]"),
    )


@pytest.mark.parametrize("text", ["31/12/2020", "2020-02-30", "soon"])
def test_what_is_no_date_names_column_and_row(text):
    with pytest.raises(TableError, match=f"^column 'x', row 1: '{text}' is not a date in ISO 8601"):
        to_datetimes(column_of(["2020-01-01", text]))
    with pytest.raises(TableError, match="must hold dates, not numbers"):
        to_datetimes(column_of([1, 2]))


# ---- kinds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2], "numeric"),
        ([1.5, None], "numeric"),
        ([True, False], "boolean"),
        (["a", "b"], "categorical"),
        (["1", "2", ""], "numeric"),
        (["1", "2", "inf"], "numeric"),
        (["1", "2", "x"], "categorical"),
        (["true", "False"], "boolean"),
        (["2020-01-01", "2020-01-02T03:04"], "date"),
        (["2020-01-01", "2020-13-02"], "categorical"),
        (["20200101", "20200102"], "numeric"),
        ([date(2020, 1, 1), date(2020, 1, 2)], "date"),
        ([time(1), time(2)], "date"),
        ([None, None], "ignore"),
        ([3, 3, 3], "ignore"),
        ([3, None, 3], "numeric"),
        ([f"id {i}" for i in range(30)], "ignore"),
        ([f"id {i % 21}" for i in range(60)], "categorical"),
        ([[1], [2]], "ignore"),
    ],
)
def test_kinds(values, kind):
    assert infer_reading(column_of(values)).kind == kind


def test_categories_of_a_frame_stay_categories():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"c": pandas.Categorical([1, 2, 1]), "x": [1, 2, 3]})
    assert [line.kind for line in TableEncoding.fit(frame).describe()] == ["categorical", "numeric"]


def test_kinds_can_be_given():
    frame = pa.table({"a": [0, 1, 1], "b": [1, 2, 3], "c": ["2020-01-01", "2021-01-01", ""]})
    encoding = TableEncoding.fit(frame, {"a": "boolean", "b": "ignore", "c": "date"})
    assert [(line.name, line.kind) for line in encoding.describe()] == [
        ("a", "boolean"),
        ("c", "date"),
        ("b", "ignore"),
    ]


def test_marks_of_missing_values():
    frame = pa.table({"x": ["1", "?", "3"], "y": [-999, 1, 2]})
    encoding = TableEncoding.fit(frame, missing=("?", "-999"))
    assert encoding.feature_names == ("x", "x (missing)", "y", "y (missing)")
    np.testing.assert_array_equal(encoding.transform(frame)[:, 1], [0, 1, 0])
    np.testing.assert_array_equal(encoding.transform(frame)[:, 3], [1, 0, 0])


def test_columns_of_python_objects():
    pandas = pytest.importorskip("pandas")
    mixed = pandas.Series([1, "a", None, "a"], dtype=object)
    encoding = TableEncoding.fit(pandas.DataFrame({"c": mixed}))
    assert encoding.feature_names == ("c=1",)
    big = pytest.importorskip("polars").DataFrame({"x": [2**100, 1]})
    assert TableEncoding.fit(big).transform(big).shape == (2, 1)


# ---- errors --------------------------------------------------------------------------------------


def test_a_missing_column_is_named_with_near_matches():
    encoding = TableEncoding.fit(arrow_frame())
    frame = arrow_frame().rename_columns(["Hight", "rooms", "colour", "side", "new", "built"])
    with pytest.raises(TableError, match=r"no column 'height'; did you mean 'Hight'\?"):
        encoding.transform(frame)
    with pytest.raises(TableError, match="no column 'height'; its columns are 'a', 'b'"):
        encoding.transform(pa.table({"a": [1], "b": [2]}))
    with pytest.raises(TableError, match=r"no column 'side '; did you mean 'side'\?"):
        TableEncoding.fit(arrow_frame(), {"side ": "ignore"})


def test_other_bad_frames():
    with pytest.raises(TypeError, match=r"must be a data frame .* got <class 'numpy.ndarray'>"):
        TableEncoding.fit(np.zeros((3, 2)))
    with pytest.raises(TableError, match="two columns of the same name: 'a'"):
        TableEncoding.fit(pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]))
    with pytest.raises(TableError, match="the table has no rows"):
        TableEncoding.fit(arrow_frame().slice(0, 0))
    with pytest.raises(TableError, match="no column to learn from"):
        TableEncoding.fit(pa.table({"a": [1, 1]}))
    with pytest.raises(
        ValueError, match=r"kinds\['side'\] must be one of numeric, .*; got 'words'"
    ):
        TableEncoding.fit(arrow_frame(), {"side": "words"})
    with pytest.raises(TableError, match="column 'l' must hold labels, not lists"):
        TableEncoding.fit(pa.table({"l": [[1], [2]]}), {"l": "categorical"})
    pandas = pytest.importorskip("pandas")
    with pytest.raises(TableError, match="same name: 1 and '1' are both called '1'"):
        TableEncoding.fit(pandas.DataFrame([[1, 2]], columns=[1, "1"]))


def test_errors_name_the_row_of_the_whole_table():
    encoding = TableEncoding.fit(pa.table({"x": [1.0, 2.0]}))
    with pytest.raises(TableError, match="column 'x', row 1001: 'a lot' is not a number"):
        encoding.encode(pa.table({"x": ["1", "a lot"]}), first_row=1000)


def test_messages_are_one_short_line():
    name = "x\n\x1b[31m" + "y" * 500
    with pytest.raises(TableError) as caught:
        TableEncoding.fit(pa.table({name: ["1", "\x00"]}), {name: "numeric"})
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


# ---- files ---------------------------------------------------------------------------------------


def test_documents():
    encoding = TableEncoding.fit(arrow_frame(), {"rooms": "categorical"}, missing=("?",))
    document = parse_document(dump_document(encoding.to_document()), "file")
    assert TableEncoding.from_document(document, "file") == encoding


def _paths(value, path=()):
    yield path
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _paths(item, (*path, key))


@given(st.data())
def test_damaged_documents(data):
    """Any one entry replaced or removed: a ModelFileError, or an encoding that works."""
    frame = arrow_frame()
    document = json.loads(dump_document(TableEncoding.fit(frame).to_document()))
    document = copy.deepcopy(document)
    path = data.draw(st.sampled_from([p for p in _paths(document) if p]))
    parent = document
    for key in path[:-1]:
        parent = parent[key]
    value = data.draw(
        st.sampled_from([None, True, -1, 0, 2**70, 1e308, "", "a", "days", [], {}, [1], "remove"])
    )
    if value == "remove":
        del parent[path[-1]]
    else:
        parent[path[-1]] = value
    with suppress(ModelFileError):
        encoding = TableEncoding.from_document(document, "file")
        with suppress(TableError):  # the name of a column was replaced, or its kind
            assert np.isfinite(encoding.transform(frame)).all()


def test_importing_is_light():
    code = "import sys, clearprop.tables as t; print([m for m in sys.modules if m in sys.argv[1:]])"
    heavy = ["pyarrow", "narwhals", "pandas", "polars", "sklearn"]
    done = subprocess.run(
        [sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_column_says_what_it_holds():
    assert Column("x", pa.array([1.5])).holds == "numbers"
    assert Column("x", pa.array([b"1"]), problem="lists").holds == "lists"
