"""`clearprop predict` and `clearprop evaluate`."""

from __future__ import annotations

import csv
import io
import json
import os
import pickle
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from animals import N, records

import clearprop as cp
from clearprop.tabular.model import TableModel

# ---- predict -------------------------------------------------------------------------------------


def test_predict_to_standard_output(run, here):
    done = run("predict", "class.safetensors", "animals.csv")
    assert (done.code, done.err) == (0, "")
    rows = records(done.out)
    assert list(rows[0]) == [
        "prediction",
        "probability_bird",
        "probability_dog",
        "probability_fish",
    ]
    model = TableModel.load("class.safetensors")
    table = pa_csv.read_csv("animals.csv")
    assert [row["prediction"] for row in rows] == model.predict(table).tolist()
    p = np.array([[float(v) for v in list(row.values())[1:]] for row in rows])
    np.testing.assert_allclose(p, model.predict_proba(table), rtol=1e-6)


@pytest.mark.parametrize("table", ["animals.csv", "animals.parquet"])
@pytest.mark.parametrize("out", ["out.csv", "out.parquet"])
def test_predict_to_a_file(run, here, table, out):
    done = run("predict", "number.safetensors", table, "-o", out, "--keep", "skin,legs")
    assert (done.code, done.out) == (0, "")
    assert "300 predictions written" in done.err
    written = pa_csv.read_csv(out) if out.endswith("csv") else pq.read_table(out)
    assert written.column_names == ["skin", "legs", "prediction"]
    original = pa_csv.read_csv("animals.csv")
    assert written.column("skin").to_pylist() == original.column("skin").to_pylist()
    expected = TableModel.load("number.safetensors").predict(original)
    np.testing.assert_allclose(written.column("prediction").to_numpy(), expected, rtol=1e-6)
    before = Path(out).read_bytes()
    words = ("predict", "number.safetensors", table, "-o", out, "--keep", "all", "-q")
    done = run(*words)
    assert (done.code, done.err) == (2, f"clearprop: error: {out} exists; --force replaces it\n")
    assert Path(out).read_bytes() == before
    assert run(*words, "--force").err == ""
    assert Path(out).read_bytes() != before  # replaced


def test_predict_as_json(run, here):
    done = run("predict", "class.safetensors", "animals.parquet", "--json", "--keep", "seen")
    report = json.loads(done.out)
    assert report["rows"] == len(report["predictions"]) == N
    assert set(report["predictions"][0]) == {
        "seen",
        "prediction",
        "probability_bird",
        "probability_dog",
        "probability_fish",
    }
    done = run("predict", "class.safetensors", "animals.csv", "--json", "-o", "out.csv")
    assert json.loads(done.out) == {
        "model": "class.safetensors",
        "output": "out.csv",
        "rows": N,
        "unseen_labels": {},
    }


def write_rows(path, rows):
    with Path(path).open("w", newline="") as file:
        csv.writer(file).writerows(rows)


def test_rows_without_a_target_can_be_left_out_of_an_evaluation(run, here):
    names, *rows = csv.reader(Path("animals.csv").read_text().splitlines()[:21])
    place, gaps = names.index("animal"), (3, 7)
    write_rows("whole.csv", [names, *(row for i, row in enumerate(rows) if i not in gaps)])
    for i in gaps:
        rows[i][place] = ""
    write_rows("gaps.csv", [names, *rows])
    done = run("evaluate", "class.safetensors", "gaps.csv")
    assert done.code == 2
    assert "row 3: the target is missing" in done.err
    done = run("evaluate", "class.safetensors", "gaps.csv", "--skip-missing-target", "--json")
    assert "2 rows without a target are left out" in done.err
    report = json.loads(done.out)
    assert (report["rows"], report["without_target"]) == (18, 2)
    whole = json.loads(run("evaluate", "class.safetensors", "whole.csv", "--json").out)
    assert report["scores"] == pytest.approx(whole["scores"], rel=1e-12)


def test_unseen_labels_are_told_and_predicted(run, here):
    text = Path("animals.csv").read_text().replace('"fur"', '"velvet"')
    Path("new.csv").write_text(text)
    n = text.count('"velvet"')
    done = run("predict", "class.safetensors", "new.csv")
    assert done.code == 0
    assert len(records(done.out)) == N
    assert f"column 'skin': {n} values were not seen in training" in done.err
    report = json.loads(run("predict", "class.safetensors", "new.csv", "--json", "-q").out)
    assert report["unseen_labels"] == {"skin": n}
    report = json.loads(run("evaluate", "class.safetensors", "new.csv", "--json").out)
    assert report["unseen_labels"] == {"skin": n}


def test_predict_reads_standard_input(run, here, monkeypatch):
    data = Path("animals.csv").read_bytes()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))
    assert len(records(run("predict", "class.safetensors", "-").out)) == N


def test_a_table_of_many_batches(run, here):
    """More than the block that is read at a time: all rows in order, errors by their number."""
    text = Path("animals.csv").read_text()
    header, rows = text.split("\n", 1)
    Path("big.csv").write_text(header + "\n" + rows * 130)
    assert os.path.getsize("big.csv") > 2 * 2**20
    done = run("predict", "class.safetensors", "big.csv", "-o", "big_out.csv")
    assert done.code == 0
    small = records(run("predict", "class.safetensors", "animals.csv").out)
    big = records(Path("big_out.csv").read_text())
    assert [row["prediction"] for row in big] == [row["prediction"] for row in small] * 130
    Path("big_out.csv").unlink()
    Path("big.csv").write_text(header + "\n" + rows * 130 + "four,1,fur,2024-01-11,true,dog,1\n")
    done = run("predict", "class.safetensors", "big.csv", "-o", "big_out.csv")
    assert done.code == 2
    assert "column 'legs', row 39000: 'four' is not a number" in done.err
    assert not Path("big_out.csv").exists()
    assert not list(Path().glob(".clearprop-*"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("class.safetensors", "animals.csv", "-o", "out.txt"), "must end in .csv or .parquet"),
        (("class.safetensors", "animals.csv", "-o", "none/out.csv"), "there is no folder"),
        (
            ("class.safetensors", "animals.csv", "-o", "animals.csv"),
            "is also an input of this command",
        ),
        (("class.safetensors", "animals.csv", "--keep", "leg"), "did you mean 'legs' or 'length'?"),
        (("class.safetensors", "none.csv"), "none.csv: No such file or directory"),
        (("none.safetensors", "animals.csv"), "No such file or directory"),
        (("animals.csv", "animals.csv"), "animals.csv: not a model file"),
        (("class.safetensors", "class.safetensors"), "class.safetensors: "),
        (("class.safetensors", "empty.csv"), "the file is empty"),
        (("class.safetensors", "header.csv"), "the table has no rows"),
        (("class.safetensors", "other.csv"), "the table has no column 'legs'"),
        (("pickle.safetensors", "animals.csv"), "pickle.safetensors: not a model file"),
        (("cut.safetensors", "animals.csv"), "cut.safetensors: "),
        (("network.safetensors", "animals.csv"), "not 'TableModel'"),
        (
            ("class.safetensors", "clash.csv", "--keep", "prediction"),
            "is also the name of a column of",
        ),
    ],
)
def test_what_cannot_be_predicted(run, here, arguments, message):
    Path("empty.csv").write_text("")
    Path("header.csv").write_text(Path("animals.csv").read_text().split("\n")[0] + "\n")
    Path("other.csv").write_text("a,b\n1,2\n")
    Path("clash.csv").write_text(
        "".join(
            f"{'prediction' if i == 0 else 1},{line}\n"
            for i, line in enumerate(Path("animals.csv").read_text().splitlines())
        )
    )
    Path("pickle.safetensors").write_bytes(pickle.dumps({"a": 1}))
    Path("cut.safetensors").write_bytes(Path("class.safetensors").read_bytes()[:-40])
    cp.Network([2, 1]).save("network.safetensors")
    before = {path: Path(path).read_bytes() for path in os.listdir()}
    done = run("predict", *arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert done.err.count("\n") == 1
    assert {path: Path(path).read_bytes() for path in os.listdir()} == before


# ---- evaluate ------------------------------------------------------------------------------------


def test_evaluate(run, here):
    done = run("evaluate", "class.safetensors", "animals.parquet")
    assert done.code == 0
    assert "on 300 rows of animals.parquet  accuracy" in done.out
    assert "true ↓ predicted →" in done.out
    done = run("evaluate", "number.safetensors", "animals.csv", "--json")
    report = json.loads(done.out)
    expected = TableModel.load("number.safetensors").evaluate(pa_csv.read_csv("animals.csv"))
    assert report["scores"] == pytest.approx(expected, rel=1e-6)
    assert set(report["residuals"]) >= {"mean", "median", "max"}


def test_evaluate_needs_the_target(run, here):
    table = pa_csv.read_csv("animals.csv")
    pa_csv.write_csv(table.drop_columns(["animal"]), "without.csv")
    done = run("evaluate", "class.safetensors", "without.csv")
    assert done.code == 2
    assert "no column 'animal'" in done.err
    Path("new.csv").write_text(Path("animals.csv").read_text().replace('"dog"', '"cat"'))
    done = run("evaluate", "class.safetensors", "new.csv")
    assert done.code == 2
    assert "'cat' is not a class of this model ('bird', 'dog', 'fish')" in done.err
