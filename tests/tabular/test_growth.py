"""Time and memory grow with what is asked for, and no faster."""

from __future__ import annotations

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import clearprop as cp
from clearprop import limits
from clearprop.tables.frames import TableError, as_frame, read_column
from clearprop.tables.sources import source_of
from clearprop.tabular import NetworkOptions
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


HUGE = np.where(np.arange(40) % 2 == 0, 1.0, -1.0)


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "quantile"])
def test_targets_of_any_size_give_finite_numbers_or_a_clear_error(loss: str) -> None:
    X = np.random.default_rng(0).random((40, 2))
    model = cp.TabularRegressor(4, loss=loss, random_state=0)
    limit = 1e150 if loss == "huber" else 1e301
    model.fit(X, HUGE * limit)
    assert np.isfinite(model.predict(X)).all()
    assert np.isfinite(model.oof_score_)
    if loss != "quantile":
        assert np.isfinite(model.predict_interval(X, 0.5)).all()
    y = X[:, 0].copy()
    y[3] = -1e308
    with pytest.raises(ValueError, match=r"y must be at most 1e\+\d+ in size.*in row 3"):
        model.fit(X, y)


def test_a_target_column_of_any_size() -> None:
    x = np.arange(40.0)
    for options in ({"n_members": 4}, {"network": NetworkOptions(epochs=1, hidden_sizes=(2,))}):
        frame = pa.table({"x": x, "y": HUGE * 1e300 * (1 - x / 100)})
        model = cp.TableModel.fit(frame, "y", task="regression", **options)
        assert np.isfinite(model.predict(frame)).all()
        with pytest.raises(TableError, match=r"column 'y', row 0: '1e\+308' is too large"):
            cp.TableModel.fit(pa.table({"x": x, "y": HUGE * 1e308 / (1 + x)}), "y", **options)


@pytest.mark.filterwarnings("ignore:The number of unique classes")
def test_limits_are_checked_before_any_work() -> None:
    n, many = limits.MAX_COLUMNS + 1, limits.MAX_CLASSES + 1
    with pytest.raises(
        ValueError, match="number of columns of X must be at most 100,000; got 100,"
    ):
        cp.TabularClassifier().fit(np.zeros((2, n)), [0, 1])
    with pytest.raises(ValueError, match="number of classes must be at most 20,000; got 20,001"):
        cp.TabularClassifier().fit(np.zeros((many, 1)), np.arange(many))
