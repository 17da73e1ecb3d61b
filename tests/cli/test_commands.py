"""The command line, in this process through main(argv) and in a few real processes."""

from __future__ import annotations

import csv
import io
import json
import os
import pickle
import pty
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import clearprop as cp
from clearprop.activations import ACTIVATIONS
from clearprop.cli import main
from clearprop.cli.parser import default_model_path
from clearprop.tabular.model import TableModel
from clearprop.tabular.problem import split

ADULT = Path(__file__).parents[2] / "data" / "adult.csv"
QUICK = ("--hidden-sizes", "8", "--epochs", "8", "--learning-rate", "0.01", "--batch-size", "32")
N = 300


def write_tables(folder):
    """animals.csv with a class and a number to learn, and the same as Parquet."""
    rng = np.random.default_rng(0)
    legs = rng.choice([0, 2, 4], N)
    weight = np.round(np.exp(rng.standard_normal(N)), 3)
    table = pa.table(
        {
            "legs": legs,
            "weight": [None if i % 13 == 1 else float(w) for i, w in enumerate(weight)],
            "skin": rng.choice(["fur", "scales", "feathers", "skin, bare"], N).tolist(),
            "seen": [f"2024-0{1 + i % 9}-11" for i in range(N)],
            "tame": (rng.random(N) < 0.5).tolist(),
            "animal": np.array(["fish", "bird", "dog"])[legs // 2].tolist(),
            "length": (2 * np.cbrt(weight) + legs + 0.1).tolist(),
        }
    )
    pa_csv.write_csv(table, folder / "animals.csv")
    pq.write_table(table, folder / "animals.parquet")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A folder with the tables and a model for each task."""
    folder = tmp_path_factory.mktemp("models")
    write_tables(folder)
    table = str(folder / "animals.csv")
    for target, other, model in (
        ("animal", "length", "class.safetensors"),
        ("length", "animal", "number.safetensors"),
    ):
        arguments = ["fit", table, "--target", target, "--ignore", other, "--json", *QUICK]
        assert main([*arguments, "--model", str(folder / model)]) == 0
    return folder


@pytest.fixture
def here(models, tmp_path, monkeypatch):
    """The present folder, with copies of those files."""
    for path in models.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(capfdbinary):
    def run_command(*arguments):
        capfdbinary.readouterr()
        code = main([str(argument) for argument in arguments])
        out, err = capfdbinary.readouterr()
        return SimpleNamespace(code=code, out=out.decode(), err=err.decode())

    return run_command


def records(text):
    return list(csv.DictReader(io.StringIO(text)))


# ---- usage ---------------------------------------------------------------------------------------


def test_version_and_help(run):
    done = run("--version")
    assert (done.code, done.out) == (0, f"clearprop {cp.__version__}\n")
    overview = run("--help")
    assert overview.code == 0
    for command in ("fit", "predict", "evaluate", "trace", "diagnose", "check-gradients"):
        assert command in overview.out
        assert "--json" in run(command, "--help").out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "the following arguments are required: COMMAND (see clearprop --help)"),
        (("fly",), "invalid choice: 'fly'"),
        (("fit", "animals.csv"), "required: -t/--target (see clearprop fit --help)"),
        (("fit", "animals.csv", "-t", "animal", "--epochs", "0"), "--epochs: must be a whole"),
        (("fit", "animals.csv", "-t", "animal", "--test-size", "1"), "--test-size: must be a"),
        (
            ("fit", "animals.csv", "-t", "animal", "--hidden-sizes", "8,x"),
            "--hidden-sizes: must be a whole",
        ),
        (("fit", "animals.csv", "-t", "animal", "--hidden", "rellu"), "rellu"),
        (("fit", "animals.csv", "-t", "animal", "--hidden", "relu,tanh,gelu"), "3 names for 2"),
        (("fit", "animals.csv", "-t", "animal", "--solver", "lbfgs", "--dropout", ".1"), "lbfgs"),
        (("fit", "animals.csv", "-t", "animal", "--delimiter", "ab"), "one character or tab"),
        (("fit", "animals.csv", "-t", "animal", "--date", "legs"), "must hold dates, not text"),
        (
            ("fit", "animals.csv", "-t", "animal", "--date", "legs", "--numeric", "legs"),
            "column 'legs': both --numeric and --date",
        ),
        (("trace", "class.safetensors", "animals.csv", "--rows", "5-2"), "is not a range"),
        (("check-gradients", "class.safetensors"), "TABLE is missing"),
        (("check-gradients", "--layers", "3"), "at least the inputs and the outputs"),
        (("check-gradients", "--output", "max"), "output must be one of"),
        (("check-gradients", "--rows", "3"), "--samples"),
        (("check-gradients", "class.safetensors", "animals.csv", "--seed", "1"), "--seed is for"),
    ],
)
def test_bad_usage(run, here, arguments, message):
    before = sorted(os.listdir())
    done = run(*arguments)
    if message == "must hold dates, not text":  # a whole number as text is no date
        message = "is not a date in ISO 8601 form"
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert done.err.startswith("clearprop: error: ")
    assert done.err.count("\n") == 1
    assert sorted(os.listdir()) == before


def test_names_with_commas(run, here):
    text = Path("animals.csv").read_text().replace('"skin"', '"skin, or so"', 1)
    Path("animals.csv").write_text(text)
    done = run(
        "fit", "animals.csv", "-t", "animal", "--ignore", 'legs,"skin, or so"', *QUICK, "--json"
    )
    kinds = {column["name"]: column["kind"] for column in json.loads(done.out)["columns"]}
    assert kinds["legs"] == kinds["skin, or so"] == "ignore"


# ---- fit -----------------------------------------------------------------------------------------


def test_fit_shows_what_it_found_and_how_good_it_is(run, here):
    done = run("fit", "animals.csv", "--target", "animal", "--ignore", "length", *QUICK)
    assert (done.code, done.err) == (0, "")  # no terminal: no progress bar
    for text in (
        "animals.csv: 300 rows",
        "weight  numeric",
        "target 'animal': classification (the target is text",
        "classes: bird ",
        "240 rows to learn from, 60 held out",
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
    assert a.encoding.columns == b.encoding.columns
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
    assert "no regular file" in done.err


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
        ("x,t\n1,a\ninf,b\n", (), "column 'x', row 1: 'inf' is not a finite number"),
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
    Path("t.csv").write_text(Path("t.csv").read_text() + "x,a\n")
    done = run("fit", "t.csv", "-t", "t", "--skip-missing-target", "--numeric", "x", "--force")
    assert "row 80: 'x' is not a number" in done.err  # as the file counts, not as what is left


def test_own_marks_of_missing_values(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [f"{'?' if i % 5 == 0 else i},{i},{'ab'[i % 2]}" for i in range(50)]
    Path("t.csv").write_text("x,y,t\n" + "\n".join(rows) + "\n")
    plain = json.loads(run("fit", "t.csv", "-t", "t", "--json", *QUICK, "--force").out)
    # x is text with many values; used columns come first.
    assert [(c["name"], c["kind"]) for c in plain["columns"]] == [("y", "numeric"), ("x", "ignore")]
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
    assert run("predict", "number.safetensors", table, "-o", out, "--keep", "all", "-q").err == ""
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


# ---- trace and check-gradients -------------------------------------------------------------------


@pytest.mark.parametrize("name", ["class", "number"])
def test_trace_as_json(run, here, name):
    done = run("trace", f"{name}.safetensors", "animals.csv", "--rows", "7,2-3", "--json")
    report = json.loads(done.out)
    model = TableModel.load(f"{name}.safetensors")
    net = model.estimator.network_
    table = pa_csv.read_csv("animals.csv").take([7, 2, 3])
    X = model.encoding.transform(table)
    t = model.read_target(table)
    if name == "number":
        t = model.standardization.encode(t)[:, None].astype(np.float32)
    trace = net.forward(X)
    gradients = net.backward(trace, t)
    assert report["rows"] == [7, 2, 3]
    assert report["features"] == list(model.encoding.feature_names)
    assert report["loss"] == pytest.approx(net.loss(X, t), rel=1e-6)
    for i, layer in enumerate(report["layers"]):
        np.testing.assert_array_equal(np.float32(layer["z"]), trace.z[i])
        np.testing.assert_array_equal(np.float32(layer["dL_dz"]), gradients.dL_dz[i])
        np.testing.assert_array_equal(np.float32(layer["dL_dW"]), gradients.dL_dW[i])
        np.testing.assert_array_equal(np.float32(layer["dL_db"]), gradients.dL_db[i])
    np.testing.assert_array_equal(np.float32(report["layers"][0]["h"]), trace.h[1])
    np.testing.assert_array_equal(np.float32(report["y_hat"]), trace.y_hat)


def test_trace_as_tables(run, here):
    done = run("trace", "class.safetensors", "animals.csv", "--rows", "0,5", "--units", "3")
    assert done.code == 0
    for text in ("z⁽¹⁾ row 5", "h⁽¹⁾ row 0", "∂ℒ/∂z⁽²⁾ row 0", "∂ℒ/∂W⁽¹⁾", "∂ℒ/∂b", "ℒ = "):
        assert text in done.out
    assert "first 3 of 8 units" in done.out
    all_units = run("trace", "class.safetensors", "animals.csv", "--units", "0")
    assert "relu: 8 units" in all_units.out


def test_trace_without_the_target(run, here):
    table = pa_csv.read_csv("animals.csv")
    pa_csv.write_csv(table.drop_columns(["animal"]), "without.csv")
    done = run("trace", "class.safetensors", "without.csv")
    assert done.code == 0
    assert "no column 'animal': no loss and no gradients" in done.err
    assert "∂ℒ" not in done.out
    report = json.loads(run("trace", "class.safetensors", "without.csv", "--json", "-q").out)
    assert report["loss"] is None
    assert "dL_dz" not in report["layers"][0]
    done = run("trace", "class.safetensors", "animals.csv", "--rows", "300")
    assert done.code == 2
    assert "there is no row 300; the table has 300 rows" in done.err


@pytest.mark.parametrize("name", ["class", "number"])
def test_check_gradients_of_a_model(run, here, name):
    done = run("check-gradients", f"{name}.safetensors", "animals.csv", "--rows", "1,4")
    assert done.code == 0
    assert "back-propagation agrees within 1e-07" in done.out
    report = json.loads(
        run("check-gradients", f"{name}.safetensors", "animals.csv", "--json", "--rows", "1").out
    )
    assert report["ok"]
    assert report["max_relative_error"] <= 1e-7


@pytest.mark.parametrize("output", ["linear", "logistic", "softmax", "poisson", "huber"])
def test_check_gradients_of_a_made_up_network(run, output):
    done = run(
        "check-gradients", "--layers", "3,4,4,2", "--hidden", "gelu,tanh", "--output", output,
        "--samples", "3", "--json",
    )  # fmt: skip
    report = json.loads(done.out)
    assert (done.code, report["ok"]) == (0, True)
    assert report["n_checked"] + report["n_kinks"] == 3 * 4 + 4 + 4 * 4 + 4 + 4 * 2 + 2 + 3 * 3
    assert "3-4-4-2, gelu, tanh" in report["network"]


def test_a_check_that_fails_has_exit_code_1(run, monkeypatch):
    wrong = replace(ACTIVATIONS["tanh"], dphi=lambda z, h: 1 - h)  # it is 1 − h²
    monkeypatch.setitem(ACTIVATIONS, "tanh", wrong)
    done = run("check-gradients")
    assert done.code == 1
    assert "back-propagation DOES NOT AGREE within 1e-07" in done.out
    report = json.loads(run("check-gradients", "--json").out)
    assert not report["ok"]
    assert report["worst"]["layer"] <= 1  # the derivatives behind the hidden layer are right


# ---- what may happen -----------------------------------------------------------------------------


def test_ctrl_c_before_training(run, here, monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("clearprop.cli.fit.read_table", interrupted)
    done = run("fit", "animals.csv", "-t", "animal")
    assert (done.code, done.out, done.err) == (130, "", "clearprop: error: interrupted\n")
    assert not Path("animals.safetensors").exists()


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (MemoryError(), "there is not enough memory"),
        (RuntimeError("two\nlines"), "RuntimeError: two lines"),
        (cp.NonFiniteError("diverged"), "NonFiniteError: diverged"),
    ],
)
def test_what_fails_has_exit_code_1(run, here, monkeypatch, error, message):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr("clearprop.tabular.model.train_network", fail)
    done = run("fit", "animals.csv", "-t", "animal", "--network", "--json")
    assert (done.code, done.out, done.err) == (1, "", f"clearprop: error: {message}\n")
    monkeypatch.setenv("CLEARPROP_TRACEBACK", "1")
    with pytest.raises(type(error)):
        main(["fit", "animals.csv", "-t", "animal", "--network"])


def test_training_that_diverges_writes_nothing(run, here):
    done = run(
        "fit", "animals.csv", "-t", "length", *QUICK[:4], "--learning-rate", "1e30", "--solver",
        "sgd", "--no-early-stopping",
    )  # fmt: skip
    assert done.code == 1
    assert done.err.count("\n") == 1
    assert not Path("animals.safetensors").exists()


def start(*arguments, **kwargs):
    return subprocess.Popen(
        [sys.executable, "-m", "clearprop", *arguments],
        stdout=kwargs.pop("stdout", subprocess.PIPE),
        stderr=kwargs.pop("stderr", subprocess.PIPE),
        **kwargs,
    )


def test_a_closed_pipe_is_no_error(here):
    text = Path("animals.csv").read_text()
    header, rows = text.split("\n", 1)
    Path("big.csv").write_text(header + "\n" + rows * 100)
    process = start("predict", "class.safetensors", "big.csv")
    assert process.stdout.readline().startswith(b"prediction,")
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=60) == 141


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_full_disk_is_one_line(here):
    with open("/dev/full", "wb") as full:
        process = start("predict", "class.safetensors", "animals.csv", stdout=full)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err == b"clearprop: error: No space left on device\n"


def test_ctrl_c_during_training_leaves_a_usable_model(here):
    """On a terminal, where the progress bar tells that training runs."""
    ours, theirs = pty.openpty()
    process = start(
        "fit", "animals.csv", "-t", "animal", "--epochs", "1000000", "--no-early-stopping",
        stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    deadline = time.monotonic() + 60
    while b"loss" not in shown and time.monotonic() < deadline:
        shown += os.read(ours, 10_000)
    assert b"training" in shown
    process.send_signal(signal.SIGINT)
    rest = []
    try:
        while piece := os.read(ours, 10_000):
            rest.append(piece)
    except OSError:  # how Linux says that the terminal's other side is closed
        pass
    os.close(ours)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert b"Ctrl-C: training ends here" in b"".join(rest)
    assert b"ended: Ctrl-C" in out
    assert TableModel.load("animals.safetensors").predict(pa_csv.read_csv("animals.csv")).shape == (
        N,
    )


def test_a_terminal_without_unicode(here):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    process = start("trace", "class.safetensors", "animals.csv", env=environment)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert rb"\u2202" in out


def test_the_installed_command():
    command = Path(sys.executable).with_name("clearprop")
    done = subprocess.run([command, "--version"], capture_output=True, check=True)
    assert done.stdout.decode() == f"clearprop {cp.__version__}\n"


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from clearprop.cli import main; main(['fit', '--help']); "
        "print([m for m in ('numpy', 'sklearn', 'pyarrow', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout.decode().endswith("[]\n")


CELLS = st.sampled_from(
    [
        *("", "1", "2.5", "-1e308", "1e-320", "99999999999999999999", "1_000", "NaN", "inf"),
        *("true", "2020-01-01", "2020-02-30", "a", "b", " x ", "=cmd()"),
        *('"q,q"', '"a\nb"', "é", "\u202e", "\x1b["),
    ]
)


@given(
    st.lists(st.lists(CELLS, min_size=1, max_size=3), min_size=1, max_size=4).flatmap(
        lambda columns: st.lists(
            st.tuples(*(st.sampled_from(column) for column in columns)), max_size=40
        )
    ),
    st.sampled_from([(), ("--task", "regression"), ("--numeric", "c1"), ("--date", "c1")]),
)
@settings(max_examples=100)
def test_any_table_is_learnt_or_refused_in_one_line(tmp_path_factory, rows, options):
    folder = tmp_path_factory.mktemp("any")
    table, model = folder / "table.csv", folder / "m.safetensors"
    names = [f"c{i}" for i in range(len(rows[0]))] if rows else ["c0", "c1"]
    table.write_text("\n".join(",".join(row) for row in [names, *rows]))
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(["fit", str(table), "-t", "c0", "-m", str(model), "--json", *options, *QUICK])
    if code == 0:
        json.loads(out.getvalue())
        with redirect_stdout(io.StringIO()), redirect_stderr(err):
            assert main(["predict", str(model), str(table), "-o", str(folder / "out.csv")]) == 0
            assert main(["trace", str(model), str(table)]) == 0
    else:
        assert (code, out.getvalue()) == (2, "")
        assert err.getvalue().count("\n") == 1
        assert err.getvalue()[:-1].isprintable()
        assert os.listdir(folder) == ["table.csv"]
