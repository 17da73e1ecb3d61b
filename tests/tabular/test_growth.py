"""Time and memory grow with what is asked for, and no faster."""

from __future__ import annotations

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from clearprop.tables.frames import TableError, as_frame, read_column
from clearprop.tables.sources import source_of
from clearprop.tabular.inputs import TableInputs

N, D = 20, 60
MAKERS = {
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "arrow": pa.table,
}


def columns(d: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {f"c{i}": rng.normal(size=N) for i in range(d)}


@pytest.mark.parametrize("library", MAKERS)
def test_names_are_not_listed_anew_for_every_column(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Listing names takes as long as there are columns: once for each would be quadratic."""
    source = source_of(MAKERS[library](columns(D)))
    count = 0
    plain = nw.DataFrame.columns.fget

    def counted(frame: nw.DataFrame) -> list[str]:
        nonlocal count
        count += 1
        return plain(frame)

    monkeypatch.setattr(nw.DataFrame, "columns", property(counted))
    inputs = TableInputs.fit(source, rows=np.arange(N // 2))
    inputs.transform(source)
    assert count < D / 4


@pytest.mark.parametrize("library", MAKERS)
def test_a_missing_column_is_named_in_every_library(library: str) -> None:
    frame = as_frame(MAKERS[library](columns(3)))
    with pytest.raises(TableError, match="no column 'other'; its columns are 'c0'"):
        read_column(frame, "other")
