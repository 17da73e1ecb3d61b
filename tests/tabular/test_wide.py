"""Tables of many columns: each column is read once, whatever it is needed for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import clearprop as cp
from clearprop.cli import main
from clearprop.cli.output import print_table
from clearprop.tables import kept as kept_columns
from clearprop.tables import sources
from clearprop.tables.frames import Column, TableError, as_frame, read_column
from clearprop.tables.sources import FrameSource
from clearprop.tabular.inputs import TableInputs
from clearprop.tabular.quantiles import quantiles

pytestmark = pytest.mark.filterwarnings("ignore::clearprop.tables.frames.TableWarning")
N = 40


def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "number": rng.normal(size=N),
            "gaps": np.where(rng.random(N) < 0.2, np.nan, rng.normal(size=N)),
            "text": [f"{x:.1f} kg" for x in rng.random(N)],
            "mixed": [int(x) if x < 3 else "many" for x in rng.integers(0, 5, N)],
            "colour": rng.choice(["red", "green", "blue"], N),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, N), "D"),
            "true": rng.random(N) < 0.5,
        }
    )


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How often each column of a source was read."""
    counts: dict[str, int] = {}

    def counted(frame: object, name: str, *more: object) -> Column:
        counts[name] = counts.get(name, 0) + 1
        return read_column(frame, name, *more)

    for module in (sources, kept_columns):
        monkeypatch.setattr(module, "read_column", counted)
    return counts


@pytest.mark.parametrize("library", ["pandas", "polars", "arrow"])
def test_a_fit_reads_each_column_once(library: str, readings: dict[str, int]) -> None:
    of_pandas = table() if library == "pandas" else table().drop(columns="mixed")
    makers = {"polars": pl.from_pandas, "arrow": pa.Table.from_pandas}
    frame = makers.get(library, pd.DataFrame)(of_pandas)
    cp.TabularRegressor(4, time_limit=0.5, random_state=0).fit(frame, np.arange(N))
    assert readings == dict.fromkeys(of_pandas.columns, 1)


def test_the_command_reads_each_column_once(
    tmp_path: Path, readings: dict[str, int], capsys: pytest.CaptureFixture[str]
) -> None:
    frame = table().assign(y=np.arange(N))
    frame.to_csv(tmp_path / "t.csv", index=False)
    options = ["-t", "y", "--time-limit", "0.5", "-m", str(tmp_path / "model")]
    assert main(["fit", str(tmp_path / "t.csv"), *options]) == 0
    assert "linear regression" in capsys.readouterr().out
    assert readings == dict.fromkeys(frame.columns[:-1], 1)


@pytest.mark.parametrize("limit", [0, 2_000, 2**26])
def test_kept_columns_give_the_same_matrix(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_columns, "KEPT_BYTES", limit)
    plain = FrameSource(as_frame(table()), missing=("NA",))
    rows = np.array([3, 1, 4, 15, 9, 26, 5, 35, 8, 9, 7, 9])
    kept = plain.keeping()
    for some, same in (
        (plain, kept),
        (plain.take(rows), kept.take(rows)),
        (plain.rows(5, 20), kept.rows(5, 20)),
        (plain.take(rows).rows(2, 7), kept.take(rows).rows(2, 7)),
        (plain.rows(5, 30).rows(2, 7), kept.rows(5, 30).rows(2, 7)),
        (plain.rows(5, 30).take(rows[:3]), kept.rows(5, 30).take(rows[:3])),
    ):
        inputs = TableInputs.fit(some)
        assert TableInputs.fit(same) == inputs
        np.testing.assert_array_equal(inputs.transform(same), inputs.transform(some))
        np.testing.assert_array_equal(
            inputs.transform(same, np.arange(2)), inputs.transform(some, np.arange(2))
        )


def test_errors_in_kept_columns_name_the_row_of_the_table() -> None:
    frame = pd.DataFrame({"a": ["1", "2", "3", "x", "5"]})
    inputs = TableInputs.fit(FrameSource(as_frame(frame[:3].assign(b=1))), {"a": "numeric"})
    source = FrameSource(as_frame(frame)).keeping()
    for some in (source, source.take(np.array([0, 3])), source.rows(2, 5)):
        with pytest.raises(TableError, match="column 'a', row 3: 'x' is not a number"):
            inputs.transform(some)
    assert inputs.transform(source.take(np.array([0, 4]))).shape == (2, 1)


@given(
    st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=60),
    st.sampled_from([np.float32, np.float64]),
)
@settings(max_examples=50)
def test_quantiles_are_those_of_numpy(values: list[float], dtype: type) -> None:
    x = np.array(values, dtype)
    for shares in (np.linspace(0, 1, 5), np.linspace(0, 1, 49), np.array([0.01, 0.5, 0.99])):
        np.testing.assert_array_equal(quantiles(np.sort(x), shares), np.quantile(x, shares))


def test_tables_are_printed_in_columns(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [("name", 1, 0.5, None), ("日本\n語", 12345, 1e-9, "x")]
    print_table(("a", "count", "share", "b"), rows, title="title")
    assert capsys.readouterr().out == (
        "title\n"
        "a         count   share  b\n"
        "name          1  0.5000  –\n"
        "日本 語  12,345   1e-09  x\n\n"
    )


def test_a_table_of_text_alone_has_no_linear_baseline(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    words = ["red", "green", "blue", "small", "large", "old", "new", "fast", "slow", "cheap"]
    texts = [" ".join(rng.choice(words, 6)) for _ in range(120)]
    y = [str("red" in text) for text in texts]
    pd.DataFrame({"title": texts, "y": y}).to_csv(tmp_path / "t.csv", index=False)
    options = ["-t", "y", "--time-limit", "1", "-m", str(tmp_path / "model")]
    assert main(["fit", str(tmp_path / "t.csv"), "--text", "title", *options]) == 0
    out = capsys.readouterr().out
    assert "n-grams" in out
    assert "regression" not in out
