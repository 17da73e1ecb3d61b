"""Files of every kind that clearprop wrote before still open and give the same numbers.

tests/specimens/ holds one small file of each kind as version 0.1.0 wrote it, the rows that they
predict for, and the predictions of that day. They are never written anew: a new format gets new
files beside them.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import clearprop as cp
from clearprop.cli import main

FOLDER = Path(__file__).with_name("specimens")
EXPECTED = json.loads((FOLDER / "expected.json").read_text())
MATRIX = np.loadtxt(FOLDER / "matrix.csv", delimiter=",")
TOLERANCE = {"rtol": 2e-5, "atol": 2e-5}  # float32 networks; another instruction set rounds anew


def rows() -> pd.DataFrame:
    frame = pd.read_csv(FOLDER / "rows.csv", parse_dates=["day"])
    return frame.drop(columns=["price", "kind"])


def path(name: str) -> str:
    return str(FOLDER / f"{name}.safetensors")


def check(name: str, values: object) -> None:
    np.testing.assert_allclose(values, EXPECTED[name], **TOLERANCE)


def test_network() -> None:
    check("network", cp.Network.load(path("network")).predict_proba(MATRIX))


def test_estimators() -> None:
    check("mlp_classifier", cp.MLPClassifier.load(path("mlp_classifier")).predict_proba(MATRIX))
    check("mlp_regressor", cp.MLPRegressor.load(path("mlp_regressor")).predict(MATRIX))


def test_tabular_estimators() -> None:
    classifier = cp.TabularClassifier.load(path("tabular_classifier"))
    check("tabular_classifier", classifier.predict_proba(rows()))
    regressor = cp.TabularRegressor.load(path("tabular_regressor"))
    check("tabular_regressor", regressor.predict(rows()))
    check("tabular_regressor interval", regressor.predict_interval(rows(), alpha=0.2))


@pytest.mark.parametrize("what", ["bag", "network"])
@pytest.mark.parametrize("target", ["classes", "quantity"])
def test_models_of_the_command_line(what: str, target: str, tmp_path: Path) -> None:
    name, out = f"table_{what}_{target}", tmp_path / "out.csv"
    assert main(["predict", path(name), str(FOLDER / "rows.csv"), "-o", str(out)]) == 0
    table = pd.read_csv(out)
    kept = [c for c in table.columns if target == "quantity" or c != "prediction"]
    check(name, table[kept].to_numpy())


def test_a_checkpoint_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "checkpoint.safetensors"
    shutil.copy(path("checkpoint"), file)
    net = cp.Network([3, 4, 1], hidden="tanh", output="logistic", seed=0)
    epochs: list[int] = []
    t = (MATRIX[:, 0] > 0).astype(int)
    net.train(
        MATRIX,
        t,
        cp.Adam(0.05),
        epochs=5,
        batch_size=8,
        checkpoint=cp.Checkpoint(file),
        callbacks=[lambda report: epochs.append(1)],
    )
    assert len(epochs) == 2  # three epochs are in the file
    check("checkpoint", net.theta)


def test_playground() -> None:
    from clearprop.playground import settings, state_file

    record, table = state_file.load(Path(path("playground")).read_bytes())
    pairs = dict(settings.to_pairs(record))
    assert table is None
    assert pairs["seed"] == "3"
    assert pairs["run"]
