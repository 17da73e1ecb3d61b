"""`clearprop trace` and `clearprop check-gradients`."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyarrow.csv as pa_csv
import pytest

from clearprop.activations import ACTIVATIONS
from clearprop.tabular.model import TableModel


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
    monkeypatch.setattr("clearprop.activations.ACTIVATIONS", {**ACTIVATIONS, "tanh": wrong})
    done = run("check-gradients")
    assert done.code == 1
    assert "back-propagation DOES NOT AGREE within 1e-07" in done.out
    report = json.loads(run("check-gradients", "--json").out)
    assert not report["ok"]
    assert report["worst"]["layer"] <= 1  # the derivatives behind the hidden layer are right
