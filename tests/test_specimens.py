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


def test_any_file_opens_as_what_it_holds() -> None:
    """By `cp.load`, and predicts as by its class; what is no model says so."""
    kinds = {
        "network": cp.Network,
        "mlp_classifier": cp.MLPClassifier,
        "mlp_regressor": cp.MLPRegressor,
        "tabular_classifier": cp.TabularClassifier,
        "tabular_regressor": cp.TabularRegressor,
        "table_bag_classes": cp.TableModel,
        "table_bag_quantity": cp.TableModel,
        "table_network_classes": cp.TableModel,
        "table_network_quantity": cp.TableModel,
        "checkpoint": cp.Checkpoint,
    }
    loaded = {name: cp.load(path(name)) for name in kinds}
    assert {name: type(model) for name, model in loaded.items()} == kinds
    check("network", loaded["network"].predict_proba(MATRIX))
    check("mlp_regressor", loaded["mlp_regressor"].predict(MATRIX))
    check("tabular_classifier", loaded["tabular_classifier"].predict_proba(rows()))
    text = pd.read_csv(FOLDER / "rows.csv", dtype=str, keep_default_na=False)
    check("table_bag_classes", loaded["table_bag_classes"].predict_proba(text))
    check("table_network_quantity", loaded["table_network_quantity"].predict(text)[:, None])
    with pytest.raises(cp.ModelFileError, match="holds the state of a playground"):
        cp.load(path("playground"))


@pytest.mark.parametrize(
    ("name", "estimator", "quantity"),
    [
        ("table_bag_classes", cp.TabularClassifier, False),
        ("table_bag_quantity", cp.TabularRegressor, True),
        ("table_network_classes", cp.MLPClassifier, False),
        ("table_network_quantity", cp.MLPRegressor, True),
    ],
)
def test_old_table_models_become_the_one_of_today(
    name: str, estimator: type, quantity: bool, tmp_path: Path
) -> None:
    model = cp.load(path(name))
    assert type(model.estimator) is estimator
    assert model.is_bag == name.startswith("table_bag")
    assert model.target.has_classes != quantity
    assert (model.encoding is None) == model.is_bag
    model.save(tmp_path / "again.safetensors")
    again = cp.load(tmp_path / "again.safetensors")
    text = pd.read_csv(FOLDER / "rows.csv", dtype=str, keep_default_na=False)
    np.testing.assert_array_equal(again.predict(text), model.predict(text))
    assert (again.target, again.missing, again.about) == (model.target, model.missing, model.about)


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
