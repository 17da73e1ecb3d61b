"""Columns of every type in the forms that pandas, polars and Arrow have for them."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

Form = Callable[[list[Any]], Any]
S, D = pd.Series, Decimal


def objects(values: list[Any]) -> Any:
    return S(values, dtype=object)


def text_of(write: Callable[[Any], str]) -> Form:
    return lambda values: pa.array([None if v is None else write(v) for v in values], pa.string())


def of(read: Form, change: Callable[[Any], Any]) -> Form:
    """A form of the values after a change of each."""
    return lambda values: read([None if v is None else change(v) for v in values])


def pandas(dtype: Any) -> Form:
    return lambda values: S(values, dtype=dtype)


def polars(dtype: Any = None) -> Form:
    return lambda values: pl.Series(values, dtype=dtype)


def arrow(type_: Any = None) -> Form:
    return lambda values: pa.array(values, type_)


def categories(values: list[Any]) -> Any:
    return objects(values).astype("category")


def dictionary(values: list[Any]) -> Any:
    return pa.array(values).dictionary_encode()


def sparse(values: list[Any]) -> Any:
    if all(type(v) is bool for v in values):
        return S(pd.arrays.SparseArray(values))
    return S(pd.arrays.SparseArray([np.nan if v is None else v for v in values]))


def run_ends(values: list[Any]) -> Any:
    return pc.run_end_encode(pa.array(values))


def intervals(values: list[Any]) -> Any:
    return S(pd.arrays.IntervalArray([np.nan if v is None else v for v in values]))


def utc(values: list[Any]) -> Any:
    return S(values, dtype="datetime64[us]").dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo")


MIXED_VALUES = [1, 1.0, 2.5, True, "a", "unknown", "2.5", D("1.50"), np.int8(3), np.float32(0.1)]
NUMBERS: list[Form] = [objects, categories, sparse, arrow(), dictionary, run_ends]
INTEGERS = [
    *NUMBERS,
    pandas("Int64"),
    pandas("float64"),
    pandas("int8[pyarrow]"),
    polars(pl.Int8),
    polars(pl.Float64),
    polars(pl.Int128),
    polars(pl.Decimal(10, 2)),
    arrow(pa.decimal256(40, 5)),
    arrow(pa.float16()),
    of(objects, D),
    of(objects, np.int16),
    text_of(str),
    text_of(lambda v: f"{v}.0"),
]
MANY: dict[str, tuple[list[Any], list[Form], str]] = {
    "bool": (
        [True, False],
        [*NUMBERS, pandas("boolean"), pandas("bool[pyarrow]"), polars(), text_of(str)],
        "boolean",
    ),
    "integer": ([0, 1, 2, 7, -3], INTEGERS, "numeric"),
    "identifier": (
        [2**53 + 1, 2**53 + 2, 2**53 + 3, 2**63 - 1],
        [objects, arrow(), pandas("Int64"), polars(), dictionary, of(objects, D), text_of(str)],
        "numeric",
    ),
    "unsigned": (
        [2**63 + 1, 2**63 + 2, 2**64 - 1, 5],
        [
            *(objects, arrow(pa.uint64()), pandas("UInt64"), polars(pl.UInt64)),
            *(polars(pl.Int128), of(objects, np.uint64), text_of(str)),
            arrow(pa.decimal128(20, 0)),
        ],
        "numeric",
    ),
    "huge": (
        [10**30, 10**30 + 1, 5, -(10**25)],
        [objects, polars(pl.Int128), arrow(pa.decimal256(40, 0)), text_of(str), of(objects, D)],
        "numeric",
    ),
    "float": (
        [0.1, 2.5, 1e30, -1e-7, 3.0],
        [*NUMBERS, pandas("Float64"), polars(), pandas("double[pyarrow]"), text_of(repr)],
        "numeric",
    ),
    "decimal": (
        [D("0.10"), D("2.5"), D("3"), D("12345678901234567.25")],
        [objects, categories, arrow(), polars(pl.Decimal(30, 4)), text_of(str), dictionary],
        "numeric",
    ),
    "text": (
        ["a", "b", "é", "two words"],
        [
            *(objects, categories, dictionary, arrow(), arrow(pa.string_view()), polars()),
            *(pandas("string"), polars(pl.Categorical), of(objects, str.encode)),
            *(of(polars(), str.encode), arrow(pa.large_string())),
            polars(pl.Enum(["two words", "é", "b", "a"])),
        ],
        "categorical",
    ),
    "date": (
        [dt.datetime(2026, 1, d, h) for d, h in ((1, 0), (2, 9), (31, 23))],
        [
            *(objects, categories, arrow(), polars(), utc, of(objects, pd.Timestamp)),
            *(pandas("datetime64[ns]"), arrow(pa.timestamp("s")), of(objects, np.datetime64)),
            *(text_of(str), text_of(lambda v: v.isoformat() + "+00:00")),
        ],
        "date",
    ),
    "day": (
        [dt.date(2026, 1, 1), dt.date(2026, 2, 1), dt.date(1999, 12, 31)],
        [
            *(objects, categories, arrow(), polars(), arrow(pa.date64()), text_of(str)),
            lambda values: S(values, dtype="period[D]"),
            of(arrow(), lambda v: dt.datetime(v.year, v.month, v.day)),
            of(objects, lambda v: pd.Period(v, "D")),
        ],
        "date",
    ),
    "time": (
        [dt.time(9, 30), dt.time(0), dt.time(23, 59, 59)],
        [objects, arrow(), polars(), arrow(pa.time32("s")), text_of(str)],
        "date",
    ),
    "duration": (
        [dt.timedelta(seconds=s) for s in (0.5, 3600, 90000)],
        [
            *(objects, arrow(), polars(), pandas("timedelta64[ns]"), of(objects, pd.Timedelta)),
            *(of(objects, np.timedelta64), text_of(lambda v: str(pd.Timedelta(v)))),
        ],
        "numeric",
    ),
    "interval": (
        [pd.Interval(0.0, 1.0), pd.Interval(1.0, 2.5), pd.Interval(2.5, 10.0)],
        [objects, categories, intervals, text_of(str)],
        "numeric",
    ),
    "uuid": (
        [uuid.UUID(int=i) for i in (1, 2, 3)],
        [objects, text_of(str), of(arrow(pa.uuid()), lambda v: v.bytes)],
        "categorical",
    ),
    "mixed": (MIXED_VALUES, [objects], "categorical"),
}


def frame_of(columns: dict[str, Any]) -> Any:
    """The columns as one frame of pandas where one is of pandas, otherwise of polars or Arrow."""
    if any(isinstance(c, pd.Series) for c in columns.values()):
        return pd.DataFrame({name: as_pandas(column) for name, column in columns.items()})
    if any(isinstance(c, pl.Series) for c in columns.values()):
        return pl.DataFrame({name: as_polars(column) for name, column in columns.items()})
    return pa.table(columns)


def as_pandas(column: Any) -> Any:
    if isinstance(column, pl.Series):
        if column.dtype == pl.Int128:
            return objects(column.to_list())
        column = column.to_arrow()
    if isinstance(column, pa.Array):
        return S(pd.arrays.ArrowExtensionArray(pa.chunked_array([column])))
    return column


def as_polars(column: Any) -> Any:
    if isinstance(column, pa.Array):  # polars has no such types
        if column.type == pa.uuid():
            column = [None if v is None else str(v) for v in column.to_pylist()]
        elif pa.types.is_decimal256(column.type):
            column = column.cast(pa.decimal128(38, column.type.scale))
        elif pa.types.is_run_end_encoded(column.type):
            column = pc.run_end_decode(column)
    return pl.Series(column)


def single(column: Any) -> Any:
    """A frame with this column alone, of its own library."""
    if isinstance(column, pd.Series):
        return pd.DataFrame({"x": column})
    return pl.DataFrame({"x": column}) if isinstance(column, pl.Series) else pa.table({"x": column})


def holds(form: Form, values: list[Any]) -> bool:
    """Whether the form can hold the values."""
    try:
        single(form(values))
    except (ValueError, TypeError, OverflowError, pa.ArrowException, pl.exceptions.PolarsError):
        return False
    return True
