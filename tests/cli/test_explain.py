"""`clearprop diagnose`, and the steps of `clearprop trace`."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pytest

from clearprop import explain
from clearprop.cli import main
from clearprop.tabular.model import TableModel

N = 240
rng = np.random.default_rng(0)
SIZE, AGE = rng.normal(size=N), rng.uniform(1, 90, N)
TABLE = pa.table(
    {
        "size": SIZE,
        "age": AGE,
        "skin": np.where(AGE > 40, "fur", "scales").tolist(),
        "kind": np.where(SIZE + AGE / 40 > 1, "dog", "ant").tolist(),
        "weight": (SIZE + AGE / 30).tolist(),
    }
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: Any) -> Path:
    path: Path = tmp_path_factory.mktemp("diagnose")
    pa_csv.write_csv(TABLE, path / "pets.csv")
    for target, other in (("kind", "weight"), ("weight", "kind")):
        arguments = ["fit", str(path / "pets.csv"), "-t", target, "--ignore", other, "-q"]
        arguments += [
            "--hidden-sizes",
            "16",
            "--epochs",
            "10",
            "-m",
            str(path / f"{target}.safetensors"),
        ]
        assert main(arguments) == 0
    return path


@pytest.fixture
def run(folder: Path, capsys: Any, monkeypatch: Any) -> Any:
    monkeypatch.chdir(folder)

    def command(*arguments: str) -> SimpleNamespace:
        capsys.readouterr()
        code = main(list(arguments))
        out, err = capsys.readouterr()
        return SimpleNamespace(code=code, out=out, err=err)

    return command


@pytest.mark.parametrize("target", ["kind", "weight"])
def test_a_healthy_model(run: Any, target: str) -> None:
    done = run("diagnose", f"{target}.safetensors", "pets.csv")
    assert (done.code, done.err) == (0, "")
    report = json.loads(run("diagnose", f"{target}.safetensors", "pets.csv", "--json").out)
    assert report["ok"]
    assert report["rows"] == N
    assert {finding["severity"] for finding in report["findings"]} <= {"note"}


def test_a_table_of_one_class_and_another_unit(run: Any) -> None:
    table = TABLE.set_column(1, "age", pa.array(AGE * 1000))
    pa_csv.write_csv(table.set_column(3, "kind", pa.array(["dog"] * N)), "odd.csv")
    done = run("diagnose", "kind.safetensors", "odd.csv")
    assert done.code == 1
    assert "✗ all rows are of class dog" in done.out
    # the encoding clips what is far outside of the training rows
    assert "· X is constant in column age" in done.out
    report = json.loads(run("diagnose", "kind.safetensors", "odd.csv", "--json").out)
    assert [f["code"] for f in report["findings"]] == ["constant_target", "constant_input"]


def test_a_long_table_is_thinned(run: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("clearprop.cli.diagnose.MOST_ROWS", 100)
    done = run("diagnose", "kind.safetensors", "pets.csv")
    assert done.code == 0
    assert "looking at 60 of 240 rows" in done.err
    assert "on 60 rows" in " ".join(done.out.split())


def test_wrong_tables(run: Any) -> None:
    pa_csv.write_csv(TABLE.drop_columns(["kind"]), "without.csv")
    done = run("diagnose", "kind.safetensors", "without.csv")
    assert done.code == 2
    assert "the table needs the target 'kind'" in done.err
    pa_csv.write_csv(TABLE.slice(0, 0), "empty.csv")
    assert run("diagnose", "kind.safetensors", "empty.csv").code == 2


@pytest.mark.parametrize("target", ["kind", "weight"])
def test_trace_step_by_step(run: Any, target: str) -> None:
    done = run("trace", f"{target}.safetensors", "pets.csv", "--rows", "3,5", "--steps")
    assert done.code == 0
    assert "z⁽¹⁾ = W⁽¹⁾ x + b⁽¹⁾" in done.out
    assert "∂ℒ/∂b⁽²⁾ = Σ_n ∂ℒ/∂z⁽²⁾" in done.out
    report = json.loads(
        run("trace", f"{target}.safetensors", "pets.csv", "--rows", "3,5", "--steps", "--json").out
    )
    model = TableModel.load(f"{target}.safetensors")
    net = model.estimator.network_
    table = TABLE.take([3, 5])
    X = model.encode(table, dtype=net.theta.dtype)
    t = model.network_targets(model.read_target(table))
    for step, record in zip(explain.steps(net, X, t), report["steps"], strict=True):
        np.testing.assert_array_equal(np.asarray(record["result"], net.theta.dtype), step.result)


def test_trace_step_by_step_without_the_target(run: Any) -> None:
    pa_csv.write_csv(TABLE.drop_columns(["kind"]), "forward.csv")
    done = run("trace", "kind.safetensors", "forward.csv", "--steps", "-q")
    assert done.code == 0
    assert "ŷ = f(z⁽²⁾)" in done.out
    assert "∂ℒ" not in done.out
