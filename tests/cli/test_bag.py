"""`clearprop fit` with its default, the bag of networks, and what follows from its files."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fuzz_files import check_reader

import clearprop as cp
from clearprop.cli import main
from clearprop.tables.frames import TableError
from clearprop.tabular.model import TableModel

N = 240
FEW = ("--members", "4")


def write_table(path: Path, n: int = N, seed: int = 0, *, colour: str = "blue") -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n).round(3)
    kinds = rng.choice(["red", colour, "green"], n)
    value = (3 * x + 2 * (kinds == "red") + 0.2 * rng.normal(size=n)).round(3)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["x", "kind", "day", "constant", "value", "size"])
        for i in range(n):
            gap = "?" if i % 17 == 3 else x[i]
            day = f"2026-0{1 + i % 9}-01"
            writer.writerow([gap, kinds[i], day, 1, value[i], "big" if value[i] > 1 else "small"])


@pytest.fixture(scope="module")
def models(tmp_path_factory: Any) -> Path:
    """A folder with the table and a bag for each task."""
    folder: Path = tmp_path_factory.mktemp("bags")
    write_table(folder / "t.csv")
    for target, other in (("size", "value"), ("value", "size")):
        options = ["--ignore", other, "--missing", "?", "--json", *FEW]
        path = str(folder / f"{target}.safetensors")
        code = main(["fit", str(folder / "t.csv"), "-t", target, "-m", path, *options])
        assert code == 0
    return folder


@pytest.fixture
def here(models: Path, tmp_path: Path, monkeypatch: Any) -> Path:
    for path in models.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(here: Path, capfdbinary: Any) -> Any:
    def run_command(*arguments: str) -> SimpleNamespace:
        capfdbinary.readouterr()
        code = main(list(arguments))
        out, err = capfdbinary.readouterr()
        return SimpleNamespace(code=code, out=out.decode(), err=err.decode())

    return run_command


def test_fit_trains_a_bag(run: Any) -> None:
    options = ("--ignore", "value", "--missing", "?", *FEW)
    report = json.loads(run("fit", "t.csv", "-t", "size", *options, "--force", "--json").out)
    assert report["bag"]["members"] == 4
    assert report["bag"]["columns"] == ["x", "kind", "day"]
    assert list(report["scores"]) == ["bag", "logistic regression", "always small"]
    assert report["scores"]["bag"]["accuracy"] > 0.85
    training = report["training"]
    assert training["oof_score"] == min(score for _, score in training["oof_curve"])
    told = run("fit", "t.csv", "-t", "size", *options, "--force")
    assert told.code == 0
    assert "bag of 4 networks of" in told.out
    assert "columns not used: constant" in told.out
    inputs = {column["name"]: column["inputs"] for column in report["columns"]}
    assert inputs["constant"] == ""
    assert re.fullmatch(r"number in \d+ bins(, flag for missing values)?", inputs["x"])
    used = {c.name: c.summary for c in TableModel.load("t.safetensors").estimator.inputs_.columns}
    assert {name: inputs[name] for name in used} == used
    for name, text in inputs.items():
        shown = re.escape(text) or "not used: (as asked|the same value in every row: '1')"
        assert re.search(rf"^{name} .*\b{shown}$", told.out, re.MULTILINE)
    assert "with an out-of-fold log-loss of 0." in told.out


def test_predictions_are_those_of_the_estimator(run: Any, here: Path) -> None:
    """Streamed from a file in batches, or from a data frame at once."""
    import pandas as pd

    done = run("predict", "size.safetensors", "t.csv", "--keep", "x")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert list(rows[0]) == ["x", "prediction", "probability_big", "probability_small"]
    assert len(rows) == N
    model = TableModel.load("size.safetensors")
    frame = pd.read_csv(here / "t.csv", na_values="?")
    p = model.predict_proba(frame)
    told = [[float(row["probability_big"]), float(row["probability_small"])] for row in rows]
    np.testing.assert_array_equal(told, p)
    np.testing.assert_array_equal([row["prediction"] for row in rows], model.predict(frame))
    assert model.evaluate(frame)["accuracy"] > 0.9
    again = run("predict", "size.safetensors", "t.csv", "--keep", "x")
    assert again.out == done.out


def test_intervals(run: Any) -> None:
    done = run("predict", "value.safetensors", "t.csv", "--interval", "0.2", "--keep", "value")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    numbers = np.array([[float(v) for v in row.values()] for row in rows])
    assert list(rows[0]) == ["value", "prediction", "low", "high"]
    value, prediction, low, high = numbers.T
    assert ((low < prediction) & (prediction < high)).all()
    assert ((low <= value) & (value <= high)).mean() > 0.75
    classes = run("predict", "size.safetensors", "t.csv", "--interval", ".1")
    assert "this model predicts classes, which have prob" in classes.err
    few = run("predict", "value.safetensors", "t.csv", "--interval", "0.001")
    assert (few.code, few.err.count("\n")) == (2, 1)
    assert "rows that members held out" in few.err


def test_evaluate(run: Any) -> None:
    report = json.loads(run("evaluate", "value.safetensors", "t.csv", "--json").out)
    assert report["rows"] == N
    assert report["scores"]["R²"] > 0.9
    assert run("evaluate", "value.safetensors", "t.csv").out.splitlines()[1].startswith("bag")


def test_new_labels_are_counted(run: Any, here: Path) -> None:
    write_table(here / "new.csv", 90, seed=1, colour="violet")
    done = run("predict", "size.safetensors", "new.csv", "--output", "out.parquet")
    assert done.code == 0
    assert "column 'kind': " in done.err
    assert "values were not seen in training (treated as unknown)" in done.err
    report = json.loads(run("evaluate", "size.safetensors", "new.csv", "--json").out)
    assert 20 < report["unseen_labels"]["kind"] < 40


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--members", "4", "--hidden-sizes", "8"),
            "--members is for a bag, but other options",
        ),
        (("--network", "--scoring", "auc"), "--scoring is for a bag"),
        (("--loss", "huber"), "--loss is not for classification"),
        (("--scoring", "rmse"), "--scoring rmse is not for classification"),
        (("--members", "0"), "--members: must be a whole number from 1 to 1,000"),
    ],
)
def test_options_that_do_not_go_together(run: Any, arguments: Any, message: str) -> None:
    done = run("fit", "t.csv", "-t", "size", "--force", *arguments)
    assert done.code == 2
    assert message in done.err
    assert done.err.count("\n") == 1


def test_wrong_tables(run: Any, here: Path) -> None:
    text = (here / "t.csv").read_text()
    (here / "other.csv").write_text(text.replace("kind", "kinds", 1))
    done = run("predict", "size.safetensors", "other.csv")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "no column 'kind'; did you mean 'kinds'" in done.err
    (here / "other.csv").write_text(text.replace("-0.132", "much", 1))
    done = run("predict", "size.safetensors", "other.csv")
    assert done.code == 2
    assert "column 'x', row" in done.err
    assert "'much' is not a number" in done.err


def test_one_network(run: Any) -> None:
    options = ("--network", "--epochs", "3", "--missing", "?", "--ignore", "value", "-q")
    assert run("fit", "t.csv", "-t", "size", "-m", "one.safetensors", *options).code == 0
    assert "network" in run("evaluate", "one.safetensors", "t.csv").out
    assert run("trace", "one.safetensors", "t.csv").code == 0
    done = run("predict", "one.safetensors", "t.csv", "--interval", "0.1")
    assert "this model is a single network" in done.err


def test_ctrl_c_leaves_a_model(run: Any, here: Path) -> None:
    write_table(here / "long.csv", 30_000)
    timer = threading.Timer(1.5, os.kill, [os.getpid(), signal.SIGINT])
    timer.start()
    done = run(
        "fit", "long.csv", "-t", "value", "--ignore", "size", "--missing", "?", "--members", "64"
    )
    timer.join()
    assert done.code == 130
    if (here / "long.safetensors").exists():  # it may come before the training has begun
        assert "is saved to long.safetensors" in done.err
        assert run("evaluate", "long.safetensors", "t.csv").code == 0


def test_damaged_files(here: Path) -> None:
    import pyarrow.csv

    frame = pyarrow.csv.read_csv(here / "t.csv").slice(0, 3)

    def read(path: Path) -> None:
        model = cp.load(path)
        try:
            with np.errstate(all="ignore"):
                assert len(model.predict(frame)) == 3
        except TableError:
            return  # a column of another name or kind

    files = [here / "size.safetensors", here / "value.safetensors"]
    assert check_reader(read, files, 200, here)["refused"] > 120
    with pytest.raises(cp.ModelFileError):
        cp.TabularClassifier.load(files[0])


# ---- predictions that rise or fall with a column ------------------------------------------------


@pytest.mark.parametrize(
    ("target", "option", "direction", "line"),
    [  # the classes are "big" and "small"
        ("size", "--decreasing", -1, "the probability of small falls with x"),
        ("value", "--increasing", 1, "the prediction rises with x"),
    ],
)
def test_directions_of_columns(
    run: Any, here: Path, target: str, option: str, direction: int, line: str
) -> None:
    other = {"size": "value", "value": "size"}[target]
    words = ("t.csv", "-t", target, "-m", "up.safetensors", "--ignore", other, "--missing", "?")
    done = run("fit", *words, option, "x", *FEW)
    assert done.code == 0
    assert line in done.out
    assert TableModel.load("up.safetensors").estimator.monotone == {"x": direction}
    x = [-1e300, *np.linspace(-9, 9, 400), 1e300]
    lines = [f"{value!r},red,2026-03-01,1" for value in map(float, x)]
    Path("new.csv").write_text("\n".join(["x,kind,day,constant", *lines]))
    told = csv.DictReader(io.StringIO(run("predict", "up.safetensors", "new.csv").out))
    name = "probability_small" if target == "size" else "prediction"
    steps = np.diff([float(row[name]) for row in told])
    assert len(steps) == len(x) - 1
    assert (steps * direction >= 0).all()
    assert (steps != 0).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--increasing kind", "monotone: column 'kind' is categorical"),
        ("--increasing y", "no column 'y'|there is no column 'y'"),
        ("--increasing x --decreasing value,x", "both --increasing and --decreasing"),
        ("--decreasing size", "'size' is the target itself"),
        ("--decreasing x --network", "are for a bag"),
    ],
)
def test_directions_that_cannot_be(run: Any, options: str, message: str) -> None:
    done = run(
        "fit", "t.csv", "-t", "size", "-m", "no.safetensors", "--missing", "?", *options.split()
    )
    assert done.code == 2
    assert re.search(message, done.err.splitlines()[-1])
    done = run("fit", "t.csv", "-t", "kind", "-m", "no.safetensors", "--increasing", "x")
    assert done.code == 2
    assert "need a quantity or two classes; there are 3" in done.err
