"""The values of a column of any library as Arrow arrays of a few plain types.

`native_values` takes a series of any library, `array_values` an Arrow array. A type that is not
known, or that holds no single value, is a problem in words, not an error.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from clearprop.tables.cells import Values, decimal_text, interval_text, read_cells

LIBRARIES = ("pandas", "polars", "pyarrow", "narwhals")  # of series


def native_values(native: Any) -> Values:
    """The values of a column of any library that narwhals knows; UnicodeError for text that is not
    Unicode.
    """
    import narwhals as nw

    library = type(native).__module__.partition(".")[0]
    if library == "pyarrow":
        return array_values(native)
    if library == "pandas":
        return _of_pandas(native)
    if library == "polars":
        return _of_polars(native)
    return array_values(nw.from_native(native, series_only=True).to_arrow())


def _of_polars(series: Any) -> Values:
    import polars as pl

    if series.dtype == pl.Object:
        return read_cells(series.to_list())
    if series.dtype in (pl.Int128, getattr(pl, "UInt128", pl.Int128)):
        exact = series.cast(pl.String).to_arrow()
        return Values(series.cast(pl.Float64).to_arrow(), _large(exact), "decimal")
    return array_values(series.to_arrow())


# ---- pandas --------------------------------------------------------------------------------------


def _of_pandas(series: Any) -> Values:
    import pandas as pd
    import pyarrow as pa

    dtype = series.dtype
    if isinstance(dtype, pd.SparseDtype):
        return _of_pandas(series.sparse.to_dense())
    if isinstance(dtype, pd.CategoricalDtype):
        of_categories = _of_pandas(dtype.categories.to_series())
        return _labelled(of_categories, series.cat.codes.to_numpy())
    if isinstance(dtype, pd.IntervalDtype):
        return _of_intervals(series.array)
    if isinstance(dtype, pd.PeriodDtype):
        return _of_pandas(series.dt.to_timestamp())
    if dtype.kind == "c":
        return _problem(series.isna().to_numpy(), "complex numbers")
    if dtype.kind == "f" and dtype.itemsize > 8:  # a longdouble
        series = series.astype("float64")
    if dtype.kind != "O" or str(dtype) != "object":
        return array_values(pa.array(series, from_pandas=True))
    return objects_values(series.tolist())


def _of_intervals(intervals: Any) -> Values:
    """Of an IntervalArray: the middles, and intervals as text; of dates, only the middles."""
    import pandas as pd
    import pyarrow as pa

    middles = array_values(pa.array(pd.Series(intervals.mid), from_pandas=True))
    if not pa.types.is_floating(middles.array.type):
        return middles
    closed = intervals.closed
    ends = zip(intervals.left.tolist(), intervals.right.tolist(), intervals.isna(), strict=True)
    texts = [None if gap else interval_text(low, high, closed) for low, high, gap in ends]
    return Values(middles.array.cast(pa.float64()), pa.array(texts, pa.large_string()), "interval")


def _labelled(categories: Values, codes: Any) -> Values:
    """The values of categories, by their numbers (N,), −1 where missing."""
    import pyarrow as pa

    places = pa.array(codes.astype(np.int64), mask=codes < 0)
    more = {name: getattr(categories, name) for name in ("exact", "numbers", "stamps")}
    taken: dict[str, Any] = {
        name: None if x is None else x.take(places) for name, x in more.items()
    }
    return replace(categories, array=categories.array.take(places), labels=True, **taken)


def objects_values(values: list[Any]) -> Values:
    """The values of Python objects."""
    import pyarrow as pa
    import pyarrow.types as pt

    # Arrow is quicker where it reads the objects as cells do: not dates, of which it drops the time
    # of day, and not decimals.
    try:
        array = pa.array(values, from_pandas=True)
    except (pa.ArrowException, ArithmeticError, TypeError, ValueError):
        return read_cells(values)
    same = (pt.is_boolean, pt.is_integer, pt.is_float64, pt.is_string, pt.is_null)
    return array_values(array) if any(test(array.type) for test in same) else read_cells(values)


def sequence_values(y: Any) -> Values:
    """The values of a series, an array or a list, of any library."""
    library = type(y).__module__.partition(".")[0]
    if library == "pyarrow":
        return array_values(y)
    if library == "pandas":
        import pandas as pd

        y = y if isinstance(y, pd.Series) else pd.Series(y)  # an index, or an array of pandas
    elif library not in LIBRARIES:
        return objects_values(list(y))
    import narwhals as nw

    return native_values(nw.to_native(nw.from_native(y, series_only=True, pass_through=False)))


# ---- Arrow ---------------------------------------------------------------------------------------


def array_values(array: Any) -> Values:
    """The values of an Arrow array (or chunked array) of any type."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as pt

    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
        if isinstance(array, pa.ChunkedArray):  # of text that is too long for one array
            array = pa.concat_arrays([_large(chunk) for chunk in array.chunks])
    type_ = array.type
    if pt.is_dictionary(type_):
        dictionary = array_values(array.dictionary)
        if dictionary.problem:
            return _problem(np.asarray(array.is_null()), dictionary.problem)
        missing = np.asarray(array.indices.is_null())
        codes = np.where(missing, -1, np.asarray(pc.fill_null(array.indices, 0), dtype=np.int64))
        return _labelled(dictionary, codes)
    if pt.is_run_end_encoded(type_):
        return array_values(pc.run_end_decode(array))
    if isinstance(type_, pa.BaseExtensionType):
        return _of_extension(array)
    for tests, read in READERS:
        if any(getattr(pt, test)(type_) for test in tests):
            return read(array)
    return _problem(np.asarray(array.is_null()), _words(type_))


def _of_extension(array: Any) -> Values:
    name = array.type.extension_name
    if name == "arrow.bool8":
        return array_values(array.storage.cast("bool"))
    if name == "arrow.uuid":
        return read_cells(array.to_pylist())
    if name in ("pandas.interval", "pandas.period"):
        return _of_pandas(array.to_pandas())
    return array_values(array.storage)


def _words(type_: Any) -> str:
    """What a type holds, in words."""
    import pyarrow.types as pt

    if any(test(type_) for test in (pt.is_list, pt.is_large_list, pt.is_fixed_size_list)):
        return "lists"
    if any(test(type_) for test in (pt.is_list_view, pt.is_large_list_view)):
        return "lists"
    if pt.is_struct(type_):
        return "structs"
    return "maps" if pt.is_map(type_) else f"values of type {type_}"


def _problem(missing: Any, problem: str) -> Values:
    import pyarrow as pa

    values = [None if gap else b"" for gap in missing.tolist()]
    return Values(pa.array(values, pa.large_binary()), problem=problem)


def _large(array: Any) -> Any:
    import pyarrow as pa

    return array.cast(pa.large_string())


def _text(array: Any) -> Values:
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pc.utf8_trim_whitespace(array.cast(pa.large_string()))
    if pc.min(pc.binary_length(text)).as_py() == 0:
        text = pc.if_else(pc.equal(text, ""), None, text)
    return Values(text)


def _bytes(array: Any) -> Values:
    import pyarrow as pa

    try:
        return _text(array.cast(pa.large_binary()).cast(pa.large_string()))
    except pa.ArrowInvalid:
        return _problem(np.asarray(array.is_null()), "bytes that are not UTF-8 text")


def _floats(array: Any) -> Values:
    import pyarrow as pa
    import pyarrow.compute as pc

    numbers = array.cast(pa.float64())
    return Values(pc.if_else(pc.is_nan(numbers), None, numbers), bits=array.type.bit_width)


def _decimals(array: Any) -> Values:
    """Each decimal is the nearest float64; its exact text is kept."""
    import pyarrow as pa

    encoded = array.cast(pa.large_string()).dictionary_encode()
    from decimal import Decimal

    levels = [Decimal(text) for text in encoded.dictionary.to_pylist()]
    numbers = pa.array([float(level) for level in levels], pa.float64())
    texts = pa.array([decimal_text(level) for level in levels], pa.large_string())
    return Values(numbers.take(encoded.indices), texts.take(encoded.indices), "decimal")


def _integers(array: Any) -> Values:
    import pyarrow as pa

    return Values(array if pa.types.is_uint64(array.type) else array.cast(pa.int64()))


def _stamps(array: Any) -> Values:
    """In UTC; a time zone in the type changes only how a moment is shown."""
    import pyarrow as pa

    zone, unit = getattr(array.type, "tz", None), getattr(array.type, "unit", "")
    stamp = pa.timestamp("us")
    if unit == "ns":  # rounded down, as Python does it; Arrow rounds towards 1970
        array = array.cast(pa.timestamp("ns"))
        moments = array.to_numpy(zero_copy_only=False).astype("datetime64[us]")
        return Values(pa.array(moments, stamp), zone=zone)
    array = array.cast(pa.timestamp(unit)) if zone else array
    return Values(array.cast(stamp, safe=True), zone=zone)


def _times(array: Any) -> Values:
    import pyarrow as pa

    return Values(array.cast(pa.time64("us"), safe=False))


def _durations(array: Any) -> Values:
    """Seconds."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if array.type.unit == "ns":
        lengths = array.to_numpy(zero_copy_only=False).astype("timedelta64[us]")
        array = pa.array(lengths, pa.duration("us"))
    microseconds = array.cast(pa.duration("us")).cast(pa.int64())
    seconds = pc.divide(microseconds.cast(pa.float64(), safe=False), 1e6)
    return Values(seconds, held="duration")


READERS: tuple[tuple[tuple[str, ...], Callable[[Any], Values]], ...] = (
    (("is_boolean", "is_null"), Values),
    (("is_string", "is_large_string", "is_string_view"), _text),
    (("is_integer",), _integers),
    (("is_floating",), _floats),
    (("is_decimal",), _decimals),
    (("is_timestamp", "is_date"), _stamps),
    (("is_time",), _times),
    (("is_duration",), _durations),
    (("is_binary", "is_large_binary", "is_binary_view", "is_fixed_size_binary"), _bytes),
)


# ---- Parquet files of pandas ---------------------------------------------------------------------

# How many units of datetime64 a period of pandas has, by the letters of its frequency.
PERIODS = {"Y": "Y", "Q": "3M", "M": "M", "D": "D", "h": "h", "min": "m", "s": "s"}
EXTENSION = b"ARROW:extension:name"


def without_pandas_types(table: Any) -> Any:
    """An Arrow table whose intervals and periods of pandas are text and dates.

    Without pandas, Arrow reads them from files as structs and as integers.
    """
    import pyarrow as pa

    if not isinstance(table, pa.Table) or b"pandas" not in (table.schema.metadata or {}):
        return table
    for i, field in enumerate(table.schema):
        name = (field.metadata or {}).get(EXTENSION, b"")
        read = {b"pandas.interval": _stored_intervals, b"pandas.period": _stored_periods}.get(name)
        if read is not None:
            parameters = json.loads(field.metadata.get(b"ARROW:extension:metadata", b"{}"))
            table = table.set_column(i, field.name, read(table.column(i), parameters))
    return table


def _stored_intervals(column: Any, parameters: dict[str, Any]) -> Any:
    import pyarrow as pa

    if not pa.types.is_struct(column.type) or str(parameters.get("subtype")).startswith("datetime"):
        return column
    closed = str(parameters.get("closed", "right"))
    rows = column.to_pylist()
    texts = [row and interval_text(row["left"], row["right"], closed) for row in rows]
    return pa.array(texts, pa.large_string())


def _stored_periods(column: Any, parameters: dict[str, Any]) -> Any:
    import pyarrow as pa

    frequency = str(parameters.get("freq")).partition("-")
    unit = PERIODS.get(frequency[0]) if frequency[2] in ("", "DEC") else None
    if unit is None or not pa.types.is_integer(column.type):
        return column
    missing = np.asarray(column.is_null())
    stamps = np.asarray(column.fill_null(0)).astype(np.int64).astype(f"datetime64[{unit}]")
    return pa.array(stamps.astype("datetime64[us]"), mask=missing)
