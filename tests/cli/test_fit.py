"""`clearprop fit`: what it shows, what it learns, and what it refuses."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pyarrow.csv as pa_csv
import pytest
from animals import ADULT, QUICK, N

from clearprop.cli.parser import default_model_path
from clearprop.tabular.model import TableModel
from clearprop.tabular.problem import split


def test_fit_shows_what_it_found_and_how_good_it_is(run, here):
    done = run("fit", "animals.csv", "--target", "animal", "--ignore", "length", *QUICK)
    assert (done.code, done.err) == (0, "")  # no terminal: no progress bar
    for text in (
        "animals.csv: 300 rows",
        "weight  numeric",
        "target 'animal': classification, because the target is text",
        "classes: bird ",
        "240 rows for training, 60 held out",
        "logistic regression",
        "always ",
        "balanced accuracy",
        "true ↓ predicted →",
        "model saved to animals.safetensors",
    ):
        assert text in done.out
    assert "\x1b" not in done.out
    assert (here / "animals.safetensors").exists()
    number = run("fit", "animals.parquet", "--target", "length", *QUICK, "--force")
    assert number.code == 0
    for text in ("linear regression", "always the mean", "RMSE", "residuals y − ŷ", "median"):
        assert text in number.out


def test_fit_as_json(run, here):
    done = run(
        "fit", "animals.csv", "-t", "animal", "--ignore", "length", "--categorical", "legs",
        "--model", "m.safetensors", "--json", *QUICK,
    )  # fmt: skip
    report = json.loads(done.out)
    assert report["rows"] == {
        "all": 300,
        "without_target": 0,
        "training": 240,
        "validation": 36,
        "held_out": 60,
    }
    kinds = {column["name"]: column["kind"] for column in report["columns"]}
    assert kinds == {
        "legs": "categorical",
        "weight": "numeric",
        "skin": "categorical",
        "seen": "date",
        "tame": "boolean",
        "length": "ignore",
    }
    assert report["target"]["classes"] == ["bird", "dog", "fish"]
    assert report["network"]["sizes"][1:] == [8, 3]
    assert len(report["training"]["loss"]) == report["training"]["epochs"] <= 8
    network, logistic, trivial = report["scores"].values()
    assert network["log-loss"] < trivial["log-loss"]
    assert logistic["accuracy"] > trivial["accuracy"]
    confusion = np.array(report["confusion"]["rows_true_columns_predicted"])
    assert confusion.sum() == 60
    assert np.trace(confusion) / 60 == pytest.approx(network["accuracy"])


def test_csv_and_parquet_give_the_same_model(run, here):
    options = ("-t", "animal", "--ignore", "length", "--date", "seen", *QUICK)
    assert run("fit", "animals.csv", *options, "-m", "a.safetensors").code == 0
    assert run("fit", "animals.parquet", *options, "-m", "b.safetensors").code == 0
    a, b = TableModel.load("a.safetensors"), TableModel.load("b.safetensors")
    kinds = [[c.kind for c in model.encoding.columns] for model in (a, b)]
    assert kinds[0] == kinds[1]
    assert a.encoding.feature_names == b.encoding.feature_names
    np.testing.assert_array_equal(a.estimator.network_.theta, b.estimator.network_.theta)


def test_the_scores_are_those_of_the_held_out_rows(run, here):
    options = ("--ignore", "length", "--seed", "5", "--test-size", "0.3", "--json", *QUICK)
    report = json.loads(run("fit", "animals.csv", "-t", "animal", *options).out)
    table = pa_csv.read_csv("animals.csv")
    classes = np.unique(table.column("animal").to_numpy(), return_inverse=True)[1]
    held_out = split(N, 0.3, 5, classes=classes)[1]
    pa_csv.write_csv(table.take(held_out), "held_out.csv")
    again = json.loads(run("evaluate", "animals.safetensors", "held_out.csv", "--json").out)
    assert again["scores"] == pytest.approx(report["scores"]["network"], rel=1e-6)
    assert again["confusion"] == report["confusion"]
    assert again["rows"] == 90


def test_a_model_file_is_not_overwritten_by_accident(run, here):
    Path("animals.safetensors").write_text("precious")
    done = run("fit", "animals.csv", "-t", "animal", *QUICK)
    assert done.code == 2
    assert "animals.safetensors exists; --force replaces it" in done.err
    assert Path("animals.safetensors").read_text() == "precious"
    assert run("fit", "animals.csv", "-t", "animal", *QUICK, "--force").code == 0
    assert TableModel.load("animals.safetensors").target.name == "animal"
    done = run("fit", "animals.csv", "-t", "animal", "-m", "animals.csv", "--force")
    assert "animals.csv is the table itself" in done.err
    done = run("fit", "animals.csv", "-t", "animal", "-m", "none/m.safetensors")
    assert "there is no folder none" in done.err
    done = run("fit", "animals.csv", "-t", "animal", "-m", "/dev/null", "--force")
    assert "not a regular file" in done.err


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        ("", (), "the file is empty"),
        ("x,t\n", (), "the table has no rows"),
        ("x,t\n1,a\n2,a\n", (), "column 't': the target has one class only, 'a'"),
        ("x,t\n1,a\n2,\n3,b\n", (), "column 't', row 1: the target is missing (in 1 of 3 rows)"),
        ("x,t\n1,NaN\n2,1.5\n", (), "column 't', row 0: the target is missing"),
        ("x,t\n1,a\n2,b\n", ("--task", "regression"), "column 't', row 0: 'a' is not a number"),
        ("x,T\n1,a\n2,b\n", (), "has no column 't'; did you mean 'T'?"),
        ("t\na\nb\n", (), "no column to learn from"),
        ("x,t\n1,a\nb,b\n", ("--numeric", "x"), "column 'x', row 1: 'b' is not a number"),
        ("x,t\n1,a\n2,b\n", ("--numeric", "y"), "has no column 'y'"),
        ("x,t\n1,a\n2,b\n", ("--numeric", "t"), "column 't' is the target"),
        ("x,t\n1,a\n2\n", (), "row 1 has 1 values, the header has 2"),
        ("x,x,t\n1,2,a\n", (), "two columns have the name 'x'"),
        ("x,t\n1,\n2,\n", ("--skip-missing-target",), "missing in every row"),
        ("\x1b[31m,t\n1,a\n2,b\n", ("--numeric", "\x1b[31n"), r"did you mean '\x1b[31m'?"),
    ],
)
def test_tables_that_cannot_be_learnt(run, tmp_path, monkeypatch, text, arguments, message):
    monkeypatch.chdir(tmp_path)
    Path("table.csv").write_text(text)
    done = run("fit", "table.csv", "--target", "t", *arguments, *QUICK)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert done.err.count("\n") == 1
    assert done.err.isprintable() or done.err[:-1].isprintable()
    assert os.listdir() == ["table.csv"]


def test_files_that_are_no_tables(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("bytes.csv").write_bytes(bytes(range(256)))
    Path("folder").mkdir()
    for path, message in (
        ("bytes.csv", "bytes.csv: "),
        ("folder", "folder: Is a directory"),
        ("none.csv", "none.csv: No such file or directory"),
    ):
        done = run("fit", path, "--target", "t")
        assert done.code == 2
        assert f"clearprop: error: {message}" in done.err
        assert done.err.count("\n") == 1


def test_rows_without_a_target_can_be_left_out(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [f"{i},{'' if i % 4 == 0 else 'ab'[i % 2]}" for i in range(80)]
    Path("t.csv").write_text("x,t\n" + "\n".join(rows) + "\n")
    done = run("fit", "t.csv", "-t", "t", "--skip-missing-target", "--json", *QUICK)
    assert done.code == 0
    assert "20 rows without a target are left out" in done.err
    rows = json.loads(done.out)["rows"]
    assert (rows["all"], rows["without_target"]) == (80, 20)
    assert rows["training"] + rows["held_out"] == 60
    Path("t.csv").write_text(Path("t.csv").read_text() + "x,a\ny,b\nz,a\nu,b\nv,a\n")
    done = run("fit", "t.csv", "-t", "t", "--skip-missing-target", "--numeric", "x", "--force")
    assert "row 80: 'x' is not a number" in done.err  # as the file counts, not as what is left


def test_own_marks_of_missing_values(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [f"{'?' if i % 5 == 0 else i},{i},{'ab'[i % 2]}" for i in range(50)]
    Path("t.csv").write_text("x,y,t\n" + "\n".join(rows) + "\n")
    plain = json.loads(run("fit", "t.csv", "-t", "t", "--json", *QUICK, "--force").out)
    assert [(c["name"], c["kind"]) for c in plain["columns"]] == [
        ("x", "numeric"),
        ("y", "numeric"),
    ]
    marked = run("fit", "t.csv", "-t", "t", "--missing", "?", "--json", *QUICK, "--force")
    assert json.loads(marked.out)["columns"][0]["kind"] == "numeric"
    # The model knows the marks.
    assert run("predict", "t.safetensors", "t.csv").code == 0


def test_without_held_out_rows(run, here):
    done = run("fit", "animals.csv", "-t", "animal", "--test-size", "0", "--json", *QUICK)
    assert done.code == 0
    assert "no rows are held out" in done.err
    assert json.loads(done.out)["scores"] == {}
    quiet = run(
        "fit", "animals.csv", "-t", "animal", "--test-size", "0", "--force", "--quiet", *QUICK
    )
    assert quiet.err == ""


def test_training_options(run, here):
    done = run(
        "fit", "animals.csv", "-t", "animal", "--json", "--hidden-sizes", "6,5", "--hidden",
        "tanh,gelu", "--epochs", "3", "--no-early-stopping", "--no-baseline", "--solver", "adamw",
        "--l2", "0.01", "--dropout", "0", "--class-weight", "balanced",
    )  # fmt: skip
    report = json.loads(done.out)
    assert report["network"]["hidden"] == ["tanh", "gelu"]
    assert (report["training"]["epochs"], report["training"]["stopped"]) == (3, "epochs")
    assert report["rows"]["validation"] == 0
    assert len(report["scores"]) == 2
    done = run(
        "fit", "animals.csv", "-t", "length", "--json", "--force", "--epochs", "100000",
        "--no-early-stopping", "--time-limit", "0.3",
    )  # fmt: skip
    report = json.loads(done.out)
    assert report["training"]["stopped"] == "time_limit"
    linear = run(
        "fit", "animals.csv", "-t", "length", "--json", "--force", "--hidden-sizes", "0", *QUICK[2:]
    )
    assert len(json.loads(linear.out)["network"]["sizes"]) == 2


def test_the_name_of_the_model_file():
    assert default_model_path("a/b/adult.csv") == "adult.safetensors"
    assert default_model_path("adult.v2.csv.gz") == "adult.v2.safetensors"
    assert default_model_path("x.parquet") == "x.safetensors"
    assert default_model_path("-") == "model.safetensors"
    assert default_model_path(".csv") == ".csv.safetensors"


def test_real_data(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run(
        "fit", ADULT, "--target", "income", "--json", "--hidden-sizes", "32", "--epochs", "4"
    )
    report = json.loads(done.out)
    network, logistic, trivial = report["scores"].values()
    assert network["AUC"] > 0.89
    assert network["log-loss"] < 0.36 < trivial["log-loss"]
    assert logistic["log-loss"] < 0.36
    missing = {column["name"]: column["n_missing"] for column in report["columns"]}
    assert missing["occupation"] > 500


def test_numbers_and_dates_of_other_countries(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [f"{1 + i % 12}/{1 + i % 11}/2020;1.{100 + i};{i % 7},5 kg;{i % 2}" for i in range(60)]
    Path("t.csv").write_text("day;x;mass;t\n" + "\n".join(rows) + "\n")
    options = ("fit", "t.csv", "-t", "t", "--force", *QUICK)
    plain = run(*options)
    assert "mass    numeric  numbers, kg, decimal comma" in plain.out
    assert "dates whose day and month cannot be told apart: 'day'; --day-first or" in plain.err
    asked = ("--month-first", "--decimal", ",", "--json")
    columns = {c["name"]: c for c in json.loads(run(*options, *asked).out)["columns"]}
    assert columns["day"]["type"] == "dates (month first)"
    assert columns["x"]["type"] == "numbers (decimal comma, thousands point)"
    assert columns["mass"]["reason"] == "numbers, kg, decimal comma: text with 7 different values"
    assert run(*options, "--quiet").err == ""
    done = run(*options, "--decimal", ".", "--thousands", ".")
    assert (done.code, "--decimal and --thousands are both '.'" in done.err) == (2, True)
    text = Path("t.csv").read_text().replace(";0\n", ";?\n", 1).replace(";1\n", ";7,5\n", 1)
    Path("t.csv").write_text(text)
    done = run(*options)
    assert done.code == 2
    assert "the target has numbers, and 1 other value: '?' once; --missing" in done.err
    skipping = ("--missing", "?", "--skip-missing-target")
    assert run(*options, *skipping).code == 0
