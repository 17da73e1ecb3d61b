"""Every type of column has the right values, labels and reasons."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import uuid
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from column_forms import MIXED_VALUES, D, S, objects, single

from clearprop.tables.columns import to_labels, to_numbers, type_of
from clearprop.tables.frames import as_frame, read_column
from clearprop.tables.sources import RowSource, source_of
from clearprop.tabular.inputs import TableInputs
from clearprop.tabular.row import RowReader

SEVERAL_ZONES = [
    dt.datetime(2026, 1, 1, 12),
    dt.date(2026, 1, 2),
    pd.Timestamp("2026-01-03", tz="Asia/Tokyo"),
    dt.datetime(2026, 1, 4, tzinfo=dt.timezone(dt.timedelta(hours=-5))),
    np.datetime64("2026-01-05"),
    pd.NaT,
    pd.Period("2026-01", "M"),
]
UTC_TIMES = ["01-01 12:00", "01-02", "01-02 15:00", "01-04 05:00", "01-05", None, "01-01"]
GAPS = [None, np.nan, pd.NA, pd.NaT]
READ: dict[str, tuple[Any, str, list[Any]]] = {
    "sparse numbers": (S(pd.arrays.SparseArray([0, 1.5, 0])), "float", [0.0, 1.5, 0.0]),
    "sparse integers": (S(pd.arrays.SparseArray([0, 2])), "integer", [0, 2]),
    "sparse booleans": (S(pd.arrays.SparseArray([False, True])), "bool", [False, True]),
    "True beside floats": (objects([True, 2.5, None]), "float", [1.0, 2.5, None]),
    "Decimal beside float": (objects([D("1.5"), 2.5]), "decimal", [1.5, 2.5]),
    "one huge integer": (objects([10**30, 1, 2.5]), "float", [1e30, 1.0, 2.5]),
    "beyond float64": (objects([10**400, -(10**400)]), "decimal", [np.inf, -np.inf]),
    "numbers": (
        objects([1, np.float32(0.5), np.int8(3), *GAPS]),
        "float",
        [1, 0.5, 3, *[None] * 4],
    ),
    "long doubles": (S(np.array([1.5, 2], np.longdouble)), "float", [1.5, 2.0]),
    "half floats": (pa.array([1.5, None], pa.float16()), "float", [1.5, None]),
    "dates": (objects(SEVERAL_ZONES), "date", UTC_TIMES),
    "nanoseconds": (S(np.array([-1500], "datetime64[ns]")), "date", ["1969-12-31 23:59:59.999998"]),
    "durations": (objects([dt.timedelta(1), pd.Timedelta("1s")]), "duration", [86400.0, 1.0]),
    "periods": (S(pd.period_range("2026-01", periods=2, freq="Q")), "date", ["01-01", "04-01"]),
    "intervals": (S(pd.interval_range(0, 2)), "interval", [0.5, 1.5]),
    "cut": (pd.cut(S([1.0, 2, 3]), [0, 2, 4]), "interval", [1.0, 1.0, 3.0]),
    "intervals of dates": (
        S(pd.interval_range(pd.Timestamp("2026-01-01"), periods=1)),
        "date",
        ["01-01 12:00"],
    ),
    "bytes": (objects([b"a", " b ", b""]), "text", ["a", "b", None]),
    "Binary": (pl.Series([b"a", None]), "text", ["a", None]),
    "fixed bytes": (pa.array([b"ab"], pa.binary(2)), "text", ["ab"]),
    "view": (pa.array(["a", ""], pa.string_view()), "text", ["a", None]),
    "polars objects": (
        pl.Series([uuid.UUID(int=1)], dtype=pl.Object),
        "text",
        [f"{uuid.UUID(int=1)}"],
    ),
    "bool8": (
        pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1, 0], pa.int8())),
        "bool",
        [True, False],
    ),
    "Arrow periods": (
        pa.array(S(pd.period_range("2026-01", periods=1, freq="M"))),
        "date",
        ["01-01"],
    ),
    "decimal": (pa.array([D("0.10")], pa.decimal128(30, 10)), "decimal", [0.1]),
}


@pytest.mark.parametrize("name", READ)
def test_values(name: str) -> None:
    column, type_name, expected = READ[name]
    read = read_column(as_frame(single(column)), "x")
    assert type_of(read).name == type_name
    if type_name == "date":
        days = [v and pd.Timestamp(v if len(v) > 12 else f"2026-{v}") for v in expected]
        assert read.values.to_pylist() == days
    else:
        assert read.values.to_pylist() == expected
    if type_name in ("float", "integer", "decimal", "interval", "duration", "bool"):
        np.testing.assert_array_equal(to_numbers(read, infinite=True), S(expected, dtype=float))


class Strange:
    __slots__ = ()


UNUSABLE: dict[str, tuple[Any, str]] = {
    "lists": (pa.array([[1], None]), "lists"),
    "large lists": (pl.Series([[1, 2]]), "lists"),
    "structs": (pl.Series([{"a": 1}]), "structs"),
    "maps": (pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int8())), "maps"),
    "lists of objects": (objects(["a", [1]]), "lists (first in row 1)"),
    "dicts": (objects([{}]), "dicts"),
    "sets": (objects([{1}]), "sets"),
    "arrays": (objects([np.array([1, 2])]), "arrays"),
    "complex": (S([1j]), "complex numbers"),
    "complex objects": (objects([None, 1j]), "complex numbers (first in row 1)"),
    "bytes": (objects([b"\xff"]), "bytes that are not UTF-8 text"),
    "Binary": (pl.Series([b"\xff"]), "bytes that are not UTF-8 text"),
    "objects": (objects([Strange()]), "objects of type Strange"),
    "categories": (S([(1, 2)]).astype("category"), "tuples"),
    "months": (pa.array([(1, 2, 3)], pa.month_day_nano_interval()), "values of type month"),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_what_cannot_be_used(name: str) -> None:
    column, reason = UNUSABLE[name]
    read = read_column(as_frame(single(column)), "x")
    assert (read.type, type_of(read).name) == ("other", "other")
    assert read.holds.startswith(reason)
    found = source_of(single(column)).find("x").reading
    assert (found.kind, found.reason) == ("ignore", f"{read.holds} cannot be used")


def test_a_cell_has_its_text_whatever_its_neighbours() -> None:
    texts = ["1", "1", "2.5", "true", "a", "unknown", "2.5", "1.5", "3", "0.10000000149011612"]
    for others in ([], ["word"], [1], [2.5, None], [True], [dt.date(2026, 1, 1)], [D("2.50")]):
        for value, text in zip(MIXED_VALUES, texts, strict=True):
            read = read_column(as_frame(single(objects([value, *others]))), "x")
            assert to_labels(read)[0].as_py() == text


def codes(train: Any, later: Any) -> list[int]:
    """The places of later values among the categories of training, from 1; 0 for a new one."""
    column = TableInputs.fit(source_of(single(train)), {"x": "categorical"}).columns[0]
    labels = column.reading.labels(read_column(as_frame(single(later)), "x"))
    found: list[int] = column.codes(labels).tolist()
    return found


def test_the_type_of_training_decides() -> None:
    words = ["1.0", "2.0", "unknown"]
    assert codes(S(words), S([1.0, 2.0])) == [1, 2]
    assert codes(S(words), S([1, 2])) == [1, 2]
    assert codes(objects([1.0, 2.0, "unknown"]), S(["1.0", "2", "unknown"])) == [1, 2, 3]
    assert codes(S(["01234", "98765", "none"]), S([1234, 98765])) == [1, 2]
    assert codes(S(["True", "False", "maybe"]), S([True, False])) == [2, 1]
    assert codes(S(["2026-01-01", "2026-01-02", "never"]), S(pd.to_datetime(["2026-01-02"]))) == [2]
    assert codes(S([1, 2, 3]), S(["1.0", "2", "03", "x", "True"])) == [1, 2, 3, 0, 1]
    assert codes(S([True, False]), S(["True", "0", "no", "maybe"])) == [2, 1, 1, 0]
    assert codes(S(["1.1", "1.10", "2"]), S(["1.10", "1.1", "1.100", "2.0"])) == [2, 1, 0, 0]
    assert codes(S(["v", "1.10"]), S(["1.1", "1.100"])) == [1, 0]


def test_float32_and_float64() -> None:
    narrow, wide = np.float32([0.1, 0.5, 16777216]), np.array([0.1, 0.5, 16777216])
    for later in (S(narrow), S(wide), S(narrow.astype(float)), S(["0.1", "0.5", "16777216"])):
        assert codes(S(narrow), later) == codes(S(wide), later) == [1, 2, 3]
    assert codes(S(narrow.astype(float)), S(narrow)) == [1, 2, 3]


def test_numbers_in_a_mixed_batch_of_text_with_a_decimal_comma() -> None:
    """1.5 is one and a half, and "1.500" fifteen hundred."""
    inputs = TableInputs.fit(source_of(single(S(["1,5", "2,25", "1.500,0", "7,0"] * 5))))
    assert inputs.columns[0].kind == "numeric"
    expected = inputs.transform(source_of(single(S(["1,5", "1.500,0", "2,25"]))))
    mixed = objects([1.5, "1.500,0", D("2.25")])
    np.testing.assert_array_equal(inputs.transform(source_of(single(mixed))), expected)
    reader = RowReader(inputs)
    for i, value in enumerate(mixed):
        np.testing.assert_array_equal(reader.read(RowSource({"x": value})), expected[i : i + 1])


def test_arrays_of_objects_and_times() -> None:
    X = np.array([[1.0, "a"], [2, "b"], [True, "a"]], dtype=object)
    assert source_of(X).column("x0").values.to_pylist() == [1.0, 2.0, 1.0]
    assert source_of(X.tolist()).column("x0").values.to_pylist() == [1.0, 2.0, 1.0]
    days = np.array([["2026-01-01"], ["NaT"]], dtype="datetime64[ns]")
    assert source_of(days).column("x0").values.to_pylist() == [dt.datetime(2026, 1, 1), None]
    hours = np.array([[1], [2]], dtype="timedelta64[h]")
    assert source_of(hours).column("x0").values.to_pylist() == [3600.0, 7200.0]
    masked = np.ma.masked_array([[1.0], [2.0]], [[False], [True]])
    assert np.isnan(source_of(masked).X).ravel().tolist() == [False, True]


@pytest.mark.parametrize("write", ["2026-{:02}", "2026-{:02}-01", "2026-{:02}-01 00:00"])
def test_months_as_files_write_periods(write: str) -> None:
    months = S(pd.period_range("2026-01", periods=12, freq="M"))
    texts = S([write.format(i + 1) for i in range(12)])
    for train in (months, texts):
        inputs = TableInputs.fit(source_of(single(train)))
        assert inputs.columns[0].kind == "date"
        expected = inputs.transform(source_of(single(months)))
        np.testing.assert_array_equal(inputs.transform(source_of(single(texts))), expected)
        row = RowReader(inputs).read(RowSource({"x": texts[3]}))
        np.testing.assert_array_equal(row, expected[3:4])
    quarters = ["2026Q1", "2026Q2", "2026Q3", "2026Q4"]
    found = source_of(single(S(quarters))).find("x").reading
    stamps = found.stamps(read_column(as_frame(single(S(quarters))), "x"))
    assert stamps.astype("datetime64[M]").astype(str).tolist() == [
        f"2026-{m:02}" for m in (1, 4, 7, 10)
    ]


def test_intervals_and_periods_in_parquet_files(tmp_path: Any) -> None:
    """The command line reads them without pandas, which registers its types with Arrow."""
    frame = pd.DataFrame(
        {
            "interval": pd.arrays.IntervalArray.from_breaks(np.arange(41.0)),
            "month": pd.period_range("1969-01", periods=40, freq="M"),
            "quarter": pd.period_range("1969-01", periods=40, freq="Q"),
            "y": np.arange(40.0) % 7,
        }
    )
    frame.loc[3, "interval"] = None
    frame.to_parquet(tmp_path / "t.parquet")
    code = (
        "import pyarrow as pa, pyarrow.parquet as pq, sys;"
        "from clearprop.tables.frames import as_frame;"
        "t = pa.Table.from_batches(pq.ParquetFile('t.parquet').iter_batches());"
        "assert 'pandas' not in sys.modules;"
        "t = as_frame(t).to_native();"
        "print(t['interval'].to_pylist()[2:4], *(str(t[n][k].as_py().date())"
        " for n in ('month', 'quarter') for k in (0, 13)))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    dates = "1969-01-01 1970-02-01 1969-01-01 1972-04-01"
    assert (done.stdout, done.stderr) == (f"['(2, 3]', None] {dates}\n", "")
