"""Free text: its n-grams, the trial that decides about it, and all ways in and out of a model."""

from __future__ import annotations

import io
import re
import warnings
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pytest
from hypothesis import given, settings
from tabular_cases import Classifier, Regressor, with_epochs

import clearprop as cp
from clearprop import explain
from clearprop.cli import main
from clearprop.documents import ModelFileError
from clearprop.tables.frames import as_frame
from clearprop.tables.inference import infer_reading
from clearprop.tables.sources import FrameSource, source_of
from clearprop.tables.words import words_of
from clearprop.tabular.bag.linear import Features
from clearprop.tabular.bag.recipe import REGRESSION
from clearprop.tabular.input_codec import inputs_from_document, inputs_to_document
from clearprop.tabular.inputs import TableInputs
from clearprop.tabular.model import TableModel
from clearprop.tabular.row import RowReader
from clearprop.tabular.text_trial import TextTrial
from clearprop.tabular.texts import NGrams, parts_of

WORDS = [
    *("old", "new", "red", "green", "house", "garden", "river", "road", "king", "queen", "night"),
    *("day", "star", "war", "love", "sea", "sun", "moon", "wind", "tree", "bird", "city", "wolf"),
]


def titles(n: int = 400, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Titles of five words and a number, and y, which follows from two of the words."""
    rng = np.random.default_rng(seed)
    texts = [" ".join(rng.choice(WORDS, 5)) + f" {i}" for i in range(n)]
    has = np.array([[word in text.split() for word in ("king", "love")] for text in texts])
    y = has @ [2.0, -3.0] + rng.normal(size=n) * 0.1
    return pd.DataFrame({"title": texts, "x": rng.normal(size=n)}), y


TABLE, Y = titles()
INPUTS = TableInputs.fit(source_of(TABLE))
READER = RowReader(INPUTS)


def test_words_and_parts() -> None:
    assert words_of("The ＫＩＮＧ's Straße, nº 7_a") == ["the", "king", "s", "strasse", "no", "7_a"]
    assert words_of(" –…\u3000") == []
    assert len(words_of("a " * 10_000)) == 400
    assert list(parts_of("york")) == ["yor-", "-ork"]
    assert list(parts_of("yorks")) == ["yor-", "-ork-", "-rks", "york-", "-orks"]
    assert list(parts_of("new")) == []


def test_the_n_grams_that_count() -> None:
    texts = ["old york"] * 5 + ["old yorker"] * 3 + ["new york"] * 4 + ["rare"] * 3 + [None] * 9
    found = NGrams.fit(pa.array(texts + ["yorkshire"] * 4 + ["so"] * 6, pa.large_string()))
    assert found is not None
    # 8 of 24 rows: words of at least 4 rows, then pairs, then parts that say more than one word;
    # the rarest first
    assert found.names == ("new", "so", "old", "york", "old york", "york-", "-ork-")
    assert "rare" not in found.names
    assert found.find(words_of("OLD rare")) == [found.code["old"]]
    assert NGrams.fit(pa.array(["a b", "c d"], pa.large_string())) is None


def test_a_text_keeps_the_smallest_codes() -> None:
    ngrams = NGrams(("a", "b", "a b", "c"), 2)
    assert ngrams.find(["c", "a", "b", "a"]) == [1, 2]
    codes = ngrams.codes(pa.array(["b C", None, "", "x", "a b"], pa.large_string()))
    np.testing.assert_array_equal(codes, [[2, 4], [0, 0], [0, 0], [0, 0], [1, 2]])
    assert codes.dtype == np.float32
    assert ngrams.names_of([1, 4, 0]) == ["a", "c"]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (TABLE["title"].tolist(), "text"),
        ([f"{i:08x}-{i * 7919 % 65536:04x}" for i in range(400)], "ignore"),
        ([f"id{i}" for i in range(400)], "ignore"),
        ([f"user {i}" for i in range(400)], "ignore"),
        (["night day"] * 200 + ["war"] * 200, "categorical"),
    ],
)
def test_what_is_free_text(values: list[str], kind: str) -> None:
    column = FrameSource(as_frame(pd.DataFrame({"a": values}))).column("a")
    assert infer_reading(column).kind == kind


def test_the_layer_and_the_matrix() -> None:
    assert [column.kind for column in INPUTS.columns] == ["text", "numeric"]
    text = INPUTS.columns[0]
    assert text.ngrams is not None
    n = len(text.ngrams.names)
    assert text.summary == f"learnt vector from {n:,} n-grams"
    assert sum(INPUTS.sizes) == INPUTS.layer.n_in == len(INPUTS.feature_names)
    assert INPUTS.feature_names[INPUTS.places[0][0]] == "title (n-gram 1)"
    assert INPUTS.layer.layers[-1].sizes == (n,)


TEXTS = st.text(max_size=30) | st.lists(st.sampled_from([*WORDS, "KING", "ｏｌｄ", "", "7"])).map(
    " ".join
)


@settings(max_examples=15)
@given(st.lists(st.none() | TEXTS.filter(lambda t: t.isprintable()), min_size=1, max_size=6))
def test_a_row_alone_is_read_as_in_any_table(texts: list[str | None]) -> None:
    """pandas, polars, Arrow and one row alone."""
    data = {"title": texts, "x": [0.5] * len(texts)}
    schema = pa.schema([("title", pa.string()), ("x", pa.float64())])
    frames = [
        pd.DataFrame(data),
        pl.DataFrame(data, schema_overrides={"title": pl.String}),
        pa.table(data, schema),
    ]
    expected = INPUTS.transform(source_of(frames[0]))
    for frame in frames[1:]:
        np.testing.assert_array_equal(INPUTS.transform(source_of(frame)), expected)
    for i, text in enumerate(texts):
        alone = cp.tables.sources.row_source({"title": text, "x": 0.5})
        np.testing.assert_array_equal(READER.read(alone), expected[i : i + 1])


def test_texts_that_help_are_used_and_others_left_out() -> None:
    quick = with_epochs(Regressor(4, random_state=0), 60)
    model = quick.fit(TABLE, Y)
    assert model.unused_columns_ in ([], ["x"])
    without = Regressor(4, random_state=0, kinds={"title": "ignore"}).fit(TABLE, Y)
    assert model.oof_score_ < 0.7 * without.oof_score_
    assert model.predict_one(TABLE.iloc[3].to_dict()) == model.predict(TABLE[3:4])[0]

    noise = np.random.default_rng(1).normal(size=len(Y)) + TABLE["x"]
    with pytest.warns(cp.TableWarning, match="left out: 'title' .free text; held-out"):
        model = quick.fit(TABLE, noise)
    assert model.unused_columns_ == ["title"]
    assert model.columns_[0].kind == "ignore"
    assert model.columns_[0].reason.startswith("free text; held-out rows")
    with warnings.catch_warnings():
        warnings.simplefilter("error", cp.TableWarning)
        asked = Regressor(4, random_state=0, kinds={"title": "text"}).fit(TABLE, noise)
    assert asked.unused_columns_ == []


def test_each_text_is_tried_alone() -> None:
    """A text of chance words beside one that helps; and a table of nothing but chance."""
    other, _ = titles(seed=5)
    table = TABLE.assign(other=other["title"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", cp.TableWarning)
        model = Regressor(4, random_state=0).fit(table, Y)
        assert "title" not in model.unused_columns_
        alone = Regressor(4, random_state=0).fit(
            other[["title"]], np.random.default_rng(2).normal(size=400)
        )
    assert alone.unused_columns_ == ["title"]
    assert np.isfinite(alone.predict(other[["title"]])).all()


def test_files_explanations_and_importances(tmp_path: Path) -> None:
    labels = np.where(Y > 0, "high", "low")
    model = with_epochs(Classifier(4, random_state=0), 60).fit(TABLE, labels)
    model.save(tmp_path / "model")
    loaded = type(model).load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict_proba(TABLE), model.predict_proba(TABLE))
    assert loaded.inputs_.columns == model.inputs_.columns
    names = model.inputs_.names
    attribution = explain.attribute(model, TABLE[:2])
    assert attribution.columns == names
    assert np.abs(attribution.values[..., names.index("title")]).max() > 0.1
    importances = model.feature_importances(TABLE, labels, n_repeats=2, random_state=0)
    assert importances.columns[0] == "title" or "title" in importances.columns
    steps = explain.steps(
        model.networks_[0], model.encode(TABLE[:2]), model.encode_target(labels[:2])
    )
    assert len(str(steps)) > 0
    explain.diagnose(model, TABLE, labels)


def change(document: Any, **parts: Any) -> Any:
    column = document["columns"][0]
    column["ngrams"] = column["ngrams"] | parts
    return document


@pytest.mark.parametrize(
    "broken",
    [
        lambda d: change(d, names=[]),
        lambda d: change(d, names=["a", "a"]),
        lambda d: change(d, names=["a", 1]),
        lambda d: change(d, names=[str(i) for i in range(5000)]),
        lambda d: change(d, n_codes=0),
        lambda d: change(d, n_codes=10**9),
        lambda d: change(d, more=1),
        lambda d: d["columns"][0].pop("ngrams") and d,
        lambda d: d["columns"][1].update(ngrams=d["columns"][0]["ngrams"]) or d,
        lambda d: d["columns"][0].update(flags=[[0.0, 1.0]]) or d,
    ],
)
def test_broken_files_are_refused(broken: Any) -> None:
    assert inputs_from_document(inputs_to_document(INPUTS), "file") == INPUTS
    with pytest.raises(ModelFileError):
        inputs_from_document(broken(inputs_to_document(INPUTS)), "file")


def test_csv_reads_the_same() -> None:
    buffer = io.BytesIO()
    pa.csv.write_csv(pa.Table.from_pandas(TABLE), buffer)
    table = pa.csv.read_csv(io.BytesIO(buffer.getvalue()))
    np.testing.assert_array_equal(
        INPUTS.transform(source_of(table)), INPUTS.transform(source_of(TABLE))
    )


def test_linear_members_of_a_table_with_texts() -> None:
    """Of texts beside columns of many categories, the codes of the categories are found."""
    table = TABLE.assign(place=[f"p{i % 40}" for i in range(len(TABLE))])
    inputs = TableInputs.fit(source_of(table))
    X = inputs.transform(source_of(table))
    features = Features.of(inputs.layer)
    (codes,) = features.code_columns(X)
    (place,) = inputs.places[[column.name for column in inputs.columns].index("place")]
    np.testing.assert_array_equal(codes, X[:, place])


@pytest.mark.parametrize("network", [False, True])
def test_the_command_line(network: bool, tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    """With --text a text is used without a trial; one network leaves it out and says so."""
    monkeypatch.chdir(tmp_path)
    TABLE.assign(y=Y.round(3)).to_csv("t.csv", index=False)
    options = ["--network", "--epochs", "2"] if network else ["--members", "2", "--text", "title"]
    assert main(["fit", "t.csv", "-t", "y", *options]) == 0
    printed = capsys.readouterr()
    assert re.search(r"title +text", printed.out)
    assert ("'title' (free text, which one network does not read)" in printed.err) == network
    model = TableModel.load("t.safetensors")
    assert model.is_bag != network
    assert main(["predict", "t.safetensors", "t.csv"]) == 0
    assert len(capsys.readouterr().out.split()) == len(TABLE) + 1


def test_an_interrupted_trial_leaves_texts_out(monkeypatch: Any) -> None:
    def interrupted(*arguments: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(TextTrial, "_predict", interrupted)
    with pytest.warns(UserWarning, match="Trial of free text interrupted"):
        model = Regressor(2, random_state=0).fit(TABLE, Y)
    assert model.unused_columns_ == ["title"]


def test_gains_are_judged_on_rows_that_both_predict() -> None:
    y = np.random.default_rng(0).normal(size=200)

    def score(y_hat: Any, rows: Any) -> float:
        return float(np.mean((y_hat[:, 0] - y[rows]) ** 2))

    trial = TextTrial(INPUTS, np.zeros((200, 1)), REGRESSION, None, score, 0)  # type: ignore[arg-type]
    good, bad = y[:, None].copy(), y[:, None] + np.random.default_rng(1).normal(size=(200, 1))
    good[::2] = np.nan
    assert trial._is_better(good, bad)
    assert not trial._is_better(bad, good)
    assert not trial._is_better(bad, bad)
    good[:195] = np.nan
    assert not trial._is_better(good, bad)
