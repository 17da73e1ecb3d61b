"""How columns are read: decided in training, kept, told, and the same for every later row."""

from __future__ import annotations

import io
import json
import re
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tabular_cases import regressor

from clearprop import TableError, TableModel, TableWarning, TabularClassifier
from clearprop.documents import ModelFileError
from clearprop.tables.files import read_table
from clearprop.tables.inference import find
from clearprop.tables.sources import source_of
from clearprop.tables.target_column import find_target, infer_task
from clearprop.tabular import NetworkOptions
from clearprop.tabular.input_codec import inputs_from_document, inputs_to_document
from clearprop.tabular.inputs import TableInputs

N = 60


def found(values: Any, name: str = "x", kind: str | None = None) -> Any:
    return find(source_of(pa.table({name: values})).column(name), kind)


# ---- a row's prediction depends on that row alone ------------------------------------------------

CELLS = {
    "european": st.integers(-(10**6), 10**6).map(
        lambda i: f"{i / 100:,.2f}".translate(str.maketrans(",.", ".,")) + " €"
    ),
    "gaps": st.one_of(st.integers(0, 99).map(str), st.just("?")),
    "day": st.dates(date(1971, 1, 1), date(2059, 1, 1)).map(lambda d: f"{d:%d.%m.%Y}"),
    "number": st.floats(-9, 9, width=32),
    "code": st.sampled_from(["1", "2", "03", "x", "1.5"]),
    "flag": st.sampled_from(["true", "false", "True", "FALSE"]),
}
START = {
    "european": "1.234,50 €",
    "gaps": "7",
    "day": "31.12.2020",
    "number": 0.25,
    "code": "x",
    "flag": "true",
}


def tables(rows: list[dict[str, Any]], folder: Any) -> dict[str, Any]:
    """The rows as a table of every library and file format."""
    frame = pd.DataFrame(rows)
    frame.to_csv(folder / "t.csv", index=False)
    pq.write_table(pa.table(frame), folder / "t.parquet")
    return {
        "pandas": frame,
        "objects": frame.astype(object),
        "polars": pl.DataFrame(rows, infer_schema_length=None),
        "arrow": pa.Table.from_pylist(rows),
        "csv": read_table(str(folder / "t.csv"))[0],
        "parquet": read_table(str(folder / "t.parquet"))[0],
    }


@settings(max_examples=12, deadline=None)
@given(st.lists(st.fixed_dictionaries(CELLS), min_size=20, max_size=30), st.data())
def test_a_row_is_read_alone(tmp_path_factory: Any, rows: list[dict[str, Any]], data: Any) -> None:
    folder = tmp_path_factory.getbasetemp()
    rows = [START, START | {"gaps": "8", "code": "1", "flag": "False", "number": 1.0}, *rows]
    by_library = tables(rows, folder)
    inputs = TableInputs.fit(source_of(by_library["pandas"]))
    again = inputs_from_document(inputs_to_document(inputs), "file")
    assert again == inputs
    expected = inputs.transform(source_of(by_library["pandas"]))
    for name, table in by_library.items():
        np.testing.assert_array_equal(again.transform(source_of(table)), expected, name)
    some = sorted(data.draw(st.sets(st.integers(0, len(rows) - 1), min_size=1, max_size=3)))
    for name, table in tables([rows[i] for i in some], folder).items():
        np.testing.assert_array_equal(inputs.transform(source_of(table)), expected[some], name)


def test_a_word_beside_numbers_changes_nothing() -> None:
    x = pd.Series([1.0, 2.0, 3.0, "unknown"] * 15, dtype=object)
    with pytest.warns(TableWarning, match=r"count as missing: 'x' \('unknown' 15 times\)"):
        model = regressor().fit(pd.DataFrame({"x": x}), np.arange(60.0) % 4)
    alone = model.predict(pd.DataFrame({"x": [1.0, 2.0, 3.0]}))
    beside = model.predict(pd.DataFrame({"x": pd.Series([1.0, 2.0, 3.0, "unknown"], dtype=object)}))
    np.testing.assert_array_equal(alone, beside[:3])
    np.testing.assert_array_equal(alone, model.predict(pl.DataFrame({"x": ["1.0", "2", "3e0"]})))
    assert [model.predict_one({"x": v}) for v in (1, "2", 3.0, "unknown", "?")] == [
        *alone,
        beside[3],
        beside[3],
    ]


# ---- foreign cells -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "kind", "gaps"),
    [
        ([*map(str, range(11)), "Total"], "numeric", (("Total", 1),)),
        ([*map(str, range(95)), *["err"] * 5], "numeric", (("err", 5),)),
        ([*map(str, range(94)), *["err"] * 6], "ignore", ()),  # too many
        (["?", "1", "2", "?", "?"], "numeric", (("?", 3),)),  # marks may be many
        (["#DIV/0!", "n.a.", "-", "1", "2"], "numeric", (("#DIV/0!", 1), ("n.a.", 1), ("-", 1))),
        (["1", "2", "low"], "categorical", ()),  # a short column
        (["0"] * 97 + ["a", "b", "c"], "categorical", ()),  # more words than numbers
        ([f"{i}.1.2020" for i in range(1, 21)] + ["never"], "date", (("never", 1),)),
        (["true", "false", "?"], "boolean", (("?", 1),)),
        (["-", "+"] * 9, "categorical", ()),
    ],
)
def test_few_foreign_values_are_gaps(values: list[str], kind: str, gaps: Any) -> None:
    finding = found(values)
    assert (finding.reading.kind, finding.gaps) == (kind, gaps)
    assert finding.n_missing == sum(n for _, n in gaps)


def test_later_foreign_values_are_errors_unless_they_are_known() -> None:
    table = pd.DataFrame({"x": [*map(str, range(N - 1)), "Total"]})
    with pytest.warns(TableWarning, match=r"'x' \('Total' once\)"):
        model = regressor().fit(table, np.arange(N))
    gaps = model.predict(pd.DataFrame({"x": ["Total", "?", "n.a.", None]}))
    assert len(set(gaps)) == 1
    with pytest.raises(
        TableError, match="column 'x', row 1: 'many' is not a number; an empty cell"
    ):
        model.predict(pd.DataFrame({"x": ["1", "many"]}))
    with pytest.raises(TableError, match="'many' is not a number"):
        model.predict_one({"x": "many"})


def test_a_target_with_foreign_values_is_an_error_that_names_them() -> None:
    column = source_of(pa.table({"t": [*map(str, range(40)), "?", "?", "Total"]})).column("t")
    message = r"the target has numbers, and 3 other values: '[?]' 2 times, 'Total' once; missing="
    with pytest.raises(TableError, match=message):
        infer_task(column)
    with pytest.raises(TableError, match="43 rows, too many to be classes"):
        find_target(column, "classification")
    words = source_of(pa.table({"t": [f"word {i}" for i in range(43)]})).column("t")
    with pytest.raises(TableError, match="the target has 43 different texts in 43 rows"):
        find_target(words, infer_task(words)[0])
    euros = source_of(pa.table({"t": ["1.234,50 €", "7,25 €", "1 €"]})).column("t")
    target = find_target(euros, infer_task(euros)[0])
    assert target.encode(euros).tolist() == [1234.5, 7.25, 1]


def test_what_is_asked_for_is_read_or_named() -> None:
    assert found(pd.Categorical(["1", "2", "3"] * 4)).reading.kind == "categorical"
    column = source_of(pa.table({"x": ["1,5 €", "2,5 €", "7,25 €", "a", "b"]})).column("x")
    with pytest.raises(TableError, match=r"row 3: 'a' is not a number \(€, decimal comma\)"):
        find(column, "numeric").reading.numbers(column)
    dates = source_of(pa.table({"x": ["1/2/2020", "3/4/2020"]})).column("x")
    with pytest.raises(TableError, match=r"the order of day and month .* text_format=.'day_first'"):
        find(dates, "date")


# ---- row numbers ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "values", "left_out"),
    [
        ("rownames", range(1, N + 1), True),
        ("Unnamed: 0", range(N), True),
        ("Unnamed: 0", range(5, 5 + N), True),  # rows of a larger table
        ("", range(N), True),
        ("PassengerId", range(1, N + 1), True),
        ("customer_id", np.random.default_rng(0).permutation(N), True),
        ("index", [str(i) for i in range(N)], True),
        ("id", [float(i) for i in range(N)], True),
        ("id", [i % 30 for i in range(N)], False),
        ("id", range(100, 100 + N), False),
        ("x", range(1, N + 1), False),
        ("year", range(1960, 1960 + N), False),
        ("humid", range(1, N + 1), False),
        ("id", range(1, 6), False),  # too few to say
    ],
)
def test_row_numbers(name: str, values: Any, left_out: bool) -> None:
    reading = found(list(values), name).reading
    assert (reading.kind, reading.reason == "row numbers") == (
        "ignore" if left_out else "numeric",
        left_out,
    )
    assert found(list(values), name, "numeric").reading.kind == "numeric"


# ---- what is told --------------------------------------------------------------------------------


def test_every_column_has_a_record_with_its_reason() -> None:
    table = pd.DataFrame(
        {
            "id": range(1, N + 1),
            "price": [f"{i + 0.5:.2f}".replace(".", ",") + " €" for i in range(N)],
            "gaps": ["?" if i % 6 == 0 else str(i) for i in range(N)],
            "constant": "same",
            "lists": [[i] for i in range(N)],
            "words": [f"word {i}" for i in range(N)],
            "kind": ["a", "b", None] * 20,
            "infinite": np.where(np.arange(N) == 7, np.inf, np.arange(N)),
        }
    )
    with pytest.warns(TableWarning) as caught:
        model = regressor().fit(table, np.arange(N))
    told = [str(warning.message) for warning in caught]
    assert [text.partition(":")[0] for text in told] == [
        "left out",
        "left out",
        "values that count as missing",
        "text that is read as numbers or dates",
        "infinite values count as beyond all others",
    ]
    assert "'id' (row numbers), 'constant' (the same value in every row: 'same'), " in told[0]
    assert told[0].endswith("kinds={column: kind} decides otherwise")
    assert told[1].startswith("left out: 'lists' (lists cannot be used); ")
    assert "'price' (numbers, €, decimal comma), 'gaps' (numbers)" in told[3]
    columns = {column.name: column for column in model.columns_}
    assert list(columns) == list(table)
    assert columns["gaps"].n_missing == 10
    assert columns["kind"].n_missing == 20
    assert columns["price"].type == "numbers (€, decimal comma)"
    assert columns["words"].reason == "text with 60 different values in 60 rows"
    assert {name for name, c in columns.items() if c.kind == "ignore"} >= {"id", "lists", "words"}
    assert all(bool(c.inputs) == (c.kind != "ignore") for c in model.columns_)


def test_messages_are_bounded() -> None:
    table = pd.DataFrame({"x" * 300 + str(i): [1.0] * N for i in range(500)} | {"y": range(N)})
    with pytest.warns(TableWarning, match="and 490 more columns; kinds=") as caught:
        regressor().fit(table, np.arange(N))
    assert all(len(str(warning.message)) < 2000 for warning in caught)


def test_what_cannot_be_used_is_an_error_only_if_it_is_asked_for() -> None:
    table = pd.DataFrame({"lists": [[i] for i in range(N)], "x": range(N)})
    with pytest.warns(TableWarning, match=r"'lists' \(lists cannot be used\)"):
        model = regressor().fit(table, np.arange(N))
    assert np.isfinite(model.predict(table)).all()
    with pytest.raises(TableError, match="column 'lists' must hold numbers"):
        regressor(kinds={"lists": "numeric"}).fit(table, np.arange(N))


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (
            {"decimals": ","},
            ValueError,
            "has the keys decimal, thousands, day_first; got 'decimals'",
        ),
        ({"decimal": ";"}, ValueError, r"text_format\['decimal'\] must be one of '.', ','"),
        ({"decimal": ",", "thousands": ","}, ValueError, "decimal and thousands are both ','"),
        ([","], TypeError, "text_format must be a dict"),
    ],
)
def test_text_formats_are_checked(given: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        regressor(text_format=given).fit(pd.DataFrame({"x": ["1", "2"]}), [1.0, 2.0])


def test_text_formats_overrule(tmp_path: Any) -> None:
    table = pd.DataFrame({"x": ["1.234", "2.345"] * 30, "y": range(N)})
    with pytest.warns(TableWarning, match="'x' .numbers, decimal comma, thousands point."):
        model = regressor(text_format={"decimal": ","}).fit(table, np.arange(N) % 2)
    path = tmp_path / "model.safetensors"
    model.save(path)
    for known in (model, type(model).load(path)):
        assert known.columns_ == model.columns_
        expected = known.predict(pd.DataFrame({"x": [1234.0, 2345.0], "y": 0}))
        np.testing.assert_array_equal(
            known.predict(pd.DataFrame({"x": ["1.234", "2.345"], "y": 0})), expected
        )


# ---- infinite values -----------------------------------------------------------------------------


@pytest.mark.parametrize("network", [None, NetworkOptions(epochs=2)])
def test_infinite_values_are_beyond_all_others(network: Any, tmp_path: Any) -> None:
    x = np.arange(N) / 7
    numbers = pa.table({"x": [*x[:-1], np.inf], "t": x})
    text = pa.table({"x": [*map(str, x[:-1]), "inf"], "t": x})
    parameters: dict[str, Any] = {"network": network} if network else {"n_members": 2}
    if network is None:
        parameters["random_state"] = 0
    with pytest.warns(TableWarning, match="infinite values count as beyond all others: 'x' .1."):
        models = [TableModel.fit(table, "t", **parameters) for table in (numbers, text)]
    model = models[0]
    np.testing.assert_array_equal(model.predict(numbers), models[1].predict(text))
    np.testing.assert_array_equal(model.predict(numbers), model.predict(text))
    assert np.isfinite(model.predict(numbers)).all()
    far = model.predict(pa.table({"x": ["1e300", "Infinity"]}))
    assert far[0] == far[1]
    assert np.isfinite(model.evaluate(numbers)["RMSE"])
    with pytest.raises(TableError, match="'inf' is not a finite number"):
        TableModel.fit(pa.table({"t": ["1", "2.5", "inf"], "x": x[:3]}), "t", n_members=2)


# ---- files and the command line ------------------------------------------------------------------


def test_damaged_readings_are_refused() -> None:
    table = pa.table({"x": ["1,5 €", "2,5 €"], "d": ["31.12.2020", "1.2.2020"]})
    document = inputs_to_document(TableInputs.fit(source_of(table)))
    text = json.dumps(document)
    for old, new in (
        ('"decimal": ","', '"decimal": ";"'),
        ('"thousands": ""', '"thousands": ","'),
        ('"unit": "€"', f'"unit": "{"k" * 99}"'),
        ('"date": "dmy"', '"date": "ydm"'),
        ('"brackets": false', '"brackets": 1'),
        ('"n_missing": 0', '"n_missing": -1'),
    ):
        damaged = json.dumps(document, ensure_ascii=False).replace(old, new, 1)
        assert damaged != json.dumps(document, ensure_ascii=False)
        with pytest.raises(ModelFileError, match=r"^file: "):
            inputs_from_document(json.loads(damaged), "file")
    assert inputs_to_document(inputs_from_document(json.loads(text), "file")) == document


def test_a_file_of_another_country_from_fit_to_predict(tmp_path: Any) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=120) * 1000
    lines = [f"{v:.2f}".replace(".", ",") + " €;" + "ab"[i % 2] for i, v in enumerate(x)]
    path = tmp_path / "t.csv"
    path.write_text("preis;art\n" + "\n".join(lines) + "\n", encoding="utf-8")
    table, _ = read_table(str(path))
    with pytest.warns(TableWarning, match="'preis' .numbers, €, decimal comma."):
        model = TableModel.fit(table, "art", n_members=2, random_state=0)
    model.save(tmp_path / "m.safetensors")
    known = TableModel.load(tmp_path / "m.safetensors")
    p = known.predict_proba(table)
    np.testing.assert_array_equal(p, known.predict_proba(pd.DataFrame({"preis": np.round(x, 2)})))
    np.testing.assert_array_equal(p[3], known.predict_proba_one({"preis": lines[3].split(";")[0]}))
    assert isinstance(known.estimator, TabularClassifier)
    assert known.estimator.columns_ == model.estimator.columns_
    buffer = io.StringIO()
    print(known.estimator.columns_, file=buffer)
    assert re.search("reason='numbers, €, decimal comma", buffer.getvalue())
