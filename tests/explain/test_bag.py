"""A bag seen through on the command line, and its diagnoses."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tabular_cases import classifier, columns, regressor, target

from clearprop import explain
from clearprop.cli import main
from clearprop.tabular.model import TableModel

COLUMNS = columns(240) | {"answer": target(columns(240)).tolist()}
TABLE = pd.DataFrame(COLUMNS).drop(columns=["heavy", "day"])
TABLE["kind"] = np.where(TABLE["answer"] > 1, "large", "small")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: Any) -> Path:
    path: Path = tmp_path_factory.mktemp("bag")
    TABLE.to_csv(path / "t.csv", index=False)
    for name, other in (("kind", "answer"), ("answer", "kind")):
        arguments = ["fit", str(path / "t.csv"), "-t", name, "--ignore", other, "-q"]
        arguments += ["--members", "4", "-m", str(path / f"{name}.safetensors")]
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


@pytest.mark.parametrize("name", ["kind", "answer"])
@pytest.mark.parametrize("member", [0, 3])
def test_a_trace_is_that_of_a_member(run: Any, name: str, member: int) -> None:
    choice = ["--member", str(member)] if member else []
    done = run("trace", f"{name}.safetensors", "t.csv", "--rows", "5,2", "--json", *choice)
    assert (done.code, done.err) == (0, "")
    found = json.loads(done.out)
    model = TableModel.load(f"{name}.safetensors")
    rows = TABLE.iloc[[5, 2]]
    net, X = model.networks[member], model.encode(rows)
    t = model.network_targets(model.read_target(rows))
    seen = net.forward(X)
    gradients = net.backward(seen, t)
    assert found["member"] == member
    assert found["features"] == list(model.feature_names)
    np.testing.assert_allclose(found["x"], X, rtol=1e-6)
    np.testing.assert_allclose(found["h0"], seen.h[0], rtol=1e-6)
    np.testing.assert_allclose(found["y_hat"], seen.y_hat, rtol=1e-6)
    for layer, z, dL_dW in zip(found["layers"], seen.z, gradients.dL_dW, strict=True):
        np.testing.assert_allclose(layer["z"], z, rtol=1e-6)
        np.testing.assert_allclose(layer["dL_dW"], dL_dW, rtol=1e-6)
    assert found["loss"] == pytest.approx(net.loss(X, t))
    predictions = model.predict(rows).tolist()
    assert found["predictions"] == (predictions if name == "kind" else pytest.approx(predictions))
    # every entry of h⁽⁰⁾ is made of one input, whose name it has
    assert len(found["h0_names"]) == seen.h[0].shape[1]
    assert {n.rpartition("[")[0] or n for n in found["h0_names"]} == set(found["features"])


def test_a_trace_as_tables(run: Any) -> None:
    done = run("trace", "kind.safetensors", "t.csv", "--rows", "7", "--member", "2", "--units", "0")
    assert done.code == 0
    model = TableModel.load("kind.safetensors")
    assert "network 2 of 4, network " in done.out
    assert f"colour={TABLE['colour'][7]}" in done.out
    assert "from size[0]" in done.out
    lines = done.out.splitlines()
    assert f"prediction of the bag    {model.predict(TABLE[7:8])[0]}" in lines
    assert any(line.split() == ["kind", TABLE["kind"][7]] for line in lines)
    quantity = run("trace", "answer.safetensors", "t.csv", "--rows", "7").out
    assert f"{TABLE['answer'][7]:.4f}" in quantity  # the target, back in its units
    steps = run("trace", "kind.safetensors", "t.csv", "--steps", "--member", "1")
    assert steps.code == 0
    assert "z⁽¹⁾ = g W⁽¹⁾ h⁽⁰⁾ + b⁽¹⁾" in steps.out


def test_members_that_are_not_there(run: Any) -> None:
    for command in ("trace", "diagnose", "check-gradients"):
        done = run(command, "kind.safetensors", "t.csv", "--member", "4")
        assert done.code == 2
        assert "--member must be from 0 to 3; got 4" in done.err
    done = run("check-gradients", "--member", "1")
    assert (done.code, "--member is for a bag" in done.err) == (2, True)
    fit = ("fit", "t.csv", "-t", "kind", "--hidden-sizes", "4", "--epochs", "2", "-q", "-f")
    assert run(*fit, "-m", "one.safetensors").code == 0
    done = run("trace", "one.safetensors", "t.csv", "--member", "0")
    assert (done.code, "is a single network, not a bag" in done.err) == (2, True)


def test_a_healthy_bag(run: Any) -> None:
    for choice in ([], ["--member", "1"]):
        done = run("diagnose", "kind.safetensors", "t.csv", *choice)
        assert (done.code, done.err) == (0, "")
        assert "4 networks" in done.out if not choice else "Network(" in done.out
    report = json.loads(run("diagnose", "answer.safetensors", "t.csv", "--json").out)
    assert (report["ok"], report["member"], report["rows"]) == (True, None, 240)


def test_a_long_table_is_thinned_for_a_bag(run: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("clearprop.cli.diagnose.MOST_ROWS_OF_BAG", 100)
    assert "looking at 60 of 240 rows" in run("diagnose", "kind.safetensors", "t.csv").err
    assert run("diagnose", "kind.safetensors", "t.csv", "--member", "0").err == ""


def test_findings_of_some_networks_are_said_once() -> None:
    X, y = pd.DataFrame(columns(200)), target(columns(200))
    model = regressor().fit(X, y)
    assert explain.diagnose(model, X, y).ok
    model.bag_.thetas = model.bag_.thetas.copy()
    for member in (1, 3):
        model.networks_[member].architecture.unpack(model.bag_.thetas[member])[-1]["b"][:] = np.nan
    found = explain.diagnose(model, X, y)
    assert found.codes.count("nonfinite_weights") == 1
    finding = found["nonfinite_weights"]
    assert finding.message.startswith("in 2 of 4 networks: b of layer ")
    assert finding.evidence["networks"] == "1, 3"
    assert finding.evidence["shown for network"] == 1


def test_findings_about_the_data_have_the_names_of_columns_and_classes() -> None:
    X, y = pd.DataFrame(columns(200)), target(columns(200)) > 0
    model = classifier().fit(X, y)
    same = X.assign(size=1.0, place="place 3")
    found = explain.diagnose(model, same, np.ones(200, bool))
    assert found["constant_target"].message == "all rows are of class True"
    assert "size" in found["constant_input"].message
    # numbers of categories and numbers that are clipped may have any scale
    assert "unscaled_input" not in found.codes
    assert model.encode(X).max() > 10


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_a_recorder_and_a_drawing_of_a_member(loss: str) -> None:
    import clearprop as cp

    X, y = pd.DataFrame(columns(200)), np.abs(target(columns(200)))
    model = regressor(loss=loss).fit(X, y)
    member = model.networks_[1]
    net = cp.Network.from_theta(member.architecture, member.theta.copy())
    matrix, t = model.encode(X), model.encode_target(y)
    recorder = explain.Recorder(net, matrix, t)
    net.train(matrix, t, cp.Adam(1e-3), epochs=2, callbacks=[recorder])
    assert recorder.recording.series("h", 1).shape == (3,)
    assert explain.diagnose(recorder).ok
    drawing = explain.draw_network(net, matrix[0])
    assert drawing.startswith("<svg")


def test_a_member_in_a_notebook() -> None:
    X, y = pd.DataFrame(columns(200)), target(columns(200))
    model = regressor().fit(X, y)
    net, matrix = model.networks_[0], model.encode(X)
    trace = net.forward(matrix)
    gradients = net.backward(trace, model.encode_target(y))
    assert "parallel" in net._repr_html_()
    assert f"x {matrix.shape}" in trace._repr_html_()  # and not x = h⁽⁰⁾
    assert f"h⁽⁰⁾ {trace.h[0].shape}" in trace._repr_html_()
    assert "h⁽⁰⁾ = ∂ℒ/∂x" not in gradients._repr_html_()
