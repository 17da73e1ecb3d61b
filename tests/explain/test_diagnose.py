"""Each disease is found when it is there, and healthy networks are told nothing."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop import explain

rng = np.random.default_rng(0)
N = 300
X = rng.normal(size=(N, 6))
T_TWO = (X[:, 0] * X[:, 1] > 0).astype(int)
T_THREE = np.argmax(X[:, :3] + 0.3 * rng.normal(size=(N, 3)), axis=1)
T_REAL = np.sin(X[:, 0]) + X[:, 1]


def run(net: cp.Network, X: Any, t: Any, *arguments: Any, **options: Any) -> explain.Diagnosis:
    """The diagnosis of a training run."""
    recorder = explain.Recorder(net, X, t)
    options = {"epochs": 20, "batch_size": 30, **options}
    with suppress(cp.NonFiniteError):
        net.train(X, t, *arguments, callbacks=[recorder], **options)
    return explain.diagnose(recorder)


# ---- the healthy are left alone ------------------------------------------------------------------

HEALTHY = [
    (hidden, output, t)
    for hidden in ("relu", "tanh", "gelu", "logistic", "selu", "leaky_relu")
    for output, t in (("softmax", T_THREE), ("logistic", T_TWO), ("linear", T_REAL))
]


@pytest.mark.parametrize(("hidden", "output", "t"), HEALTHY)
@pytest.mark.parametrize("seed", [0, 1])
def test_healthy_networks_are_told_nothing(hidden: str, output: str, t: Any, seed: int) -> None:
    K = 3 if output == "softmax" else 1
    net = cp.Network([6, 32, 16, K], hidden, output, seed=seed)
    assert explain.diagnose(net, X, t).codes == []
    diagnosis = run(net, X, t, cp.Adam(0.003), seed=seed)
    assert diagnosis.codes == [], str(diagnosis)
    assert explain.diagnose(net, X, t).codes == []
    assert diagnosis.ok


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_healthy_sgd_early_stopping_and_uniform_inputs(dtype: str) -> None:
    U = rng.uniform(0, 1, size=(N, 6))
    t = (U.sum(axis=1) > 3).astype(int)
    net = cp.Network([6, 16, 2], "relu", "softmax", dtype=dtype)
    options = {"validation": 0.2, "stopping": cp.Stopping(patience=3), "epochs": 60}
    assert run(net, U, t, cp.SGD(0.1, momentum=0.9), **options).codes == []


def test_a_few_rows_are_too_few_to_say_much() -> None:
    net = cp.Network([6, 40, 10], "relu", "softmax")
    assert explain.diagnose(net, X[:5], np.arange(5)).codes == []


# ---- inputs --------------------------------------------------------------------------------------


def with_column(values: Any) -> Any:
    changed = X.copy()
    changed[:, 2] = values
    return changed


def healthy() -> cp.Network:
    return cp.Network([6, 32, 3], "relu", "softmax", seed=0)


@pytest.mark.parametrize(
    ("column", "code", "severity"),
    [
        (1.0, "constant_input", "note"),
        (2000 + 5 * X[:, 2], "unscaled_input", "warning"),
        (255 * X[:, 2], "unscaled_input", "warning"),
        (1e-4 * X[:, 2], "unscaled_input", "warning"),
        (3 + 0.01 * X[:, 2], "unscaled_input", "warning"),
    ],
)
def test_inputs(column: Any, code: str, severity: str) -> None:
    names = ["a", "b", "year", "d", "e", "f"]
    diagnosis = explain.diagnose(healthy(), with_column(column), T_THREE, feature_names=names)
    finding = diagnosis[code]
    assert finding.severity == severity
    assert finding.where == (2,)
    assert "year" in finding.message
    assert diagnosis.ok == (severity == "note")


def test_nan_in_x_is_placed_and_the_rest_is_still_looked_at() -> None:
    bad = with_column(1.0)
    bad[17, 4] = np.nan
    bad[18, 4] = np.inf
    diagnosis = explain.diagnose(healthy(), bad, T_THREE)
    assert diagnosis.codes == ["nonfinite_input", "constant_input"]
    assert diagnosis[0].evidence == {"values": 2, "first row": 17, "its column": 4}
    assert diagnosis["constant_input"].where == (2,)
    alone = explain.diagnose(healthy(), np.full((3, 6), np.nan), T_THREE[:3])
    assert alone.codes == ["nonfinite_input"]


def test_sparse_inputs_are_looked_at_too() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    diagnosis = explain.diagnose(healthy(), sparse.csr_matrix(with_column(0.0)), T_THREE)
    assert diagnosis.codes == ["constant_input"]


# ---- targets -------------------------------------------------------------------------------------


def test_missing_rare_and_constant_classes() -> None:
    net = cp.Network([6, 32, 4], "relu", "softmax")
    names = ["ant", "bee", "cat", "dog"]
    missing = explain.diagnose(net, X, T_THREE, class_names=names)
    assert missing.codes == ["missing_class"]
    assert "dog" in missing[0].message
    rare = np.where(np.arange(N) < 5, 3, T_THREE)
    assert explain.diagnose(net, X, rare).codes == ["imbalance"]
    assert explain.diagnose(net, X, rare)[0].evidence["rows of the rarest class"] == 5
    constant = explain.diagnose(net, X, np.full(N, 2), class_names=names)
    assert constant.codes == ["constant_target"]
    assert constant[0].severity == "error"
    assert "cat" in constant[0].message
    assert explain.diagnose(net, X, np.arange(N) % 4).codes == []


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_smoothed_labels_are_counted_as_what_they_were(smoothing: float) -> None:
    net = cp.Network([6, 32, 4], "relu", cp.outputs.Softmax(label_smoothing=smoothing))
    assert explain.diagnose(net, X, np.arange(N) % 4).codes == []
    assert explain.diagnose(net, X, T_THREE).codes == ["missing_class"]
    one = cp.Network([6, 32, 1], "relu", cp.outputs.Logistic(label_smoothing=smoothing))
    assert explain.diagnose(one, X, T_TWO).codes == []
    assert explain.diagnose(one, X, np.arange(N) < 5).codes == ["imbalance"]
    assert explain.diagnose(one, X, np.ones(N)).codes == ["constant_target"]


def test_targets_that_are_numbers() -> None:
    net = cp.Network([6, 32, 1], "relu", "linear")
    assert explain.diagnose(net, X, np.full(N, 3.0)).codes == ["constant_target"]
    assert explain.diagnose(net, X, 5000 + 900 * T_REAL).codes == ["unscaled_target"]
    t = T_REAL.copy()
    t[9] = np.nan
    diagnosis = explain.diagnose(net, X, t)
    assert diagnosis.codes == ["nonfinite_target"]
    assert diagnosis[0].evidence == {"rows": 1, "first row": 9}


# ---- units and gradients -------------------------------------------------------------------------


def test_dead_units() -> None:
    net = healthy()
    dead = (0, *range(3, 15), 30)
    net.b[0][list(dead)] = -100.0
    finding = explain.diagnose(net, X, T_THREE)["dead_units"]
    assert (finding.severity, finding.layer, finding.where) == ("warning", 1, dead)
    assert finding.evidence["share"] == 14 / 32
    net.b[0][:] = -100.0
    diagnosis = explain.diagnose(net, X, T_THREE)
    assert diagnosis.codes == ["dead_units"]  # and not the vanished gradient besides
    assert diagnosis[0].severity == "error"


@pytest.mark.parametrize("hidden", ["tanh", "logistic"])
def test_saturated_units(hidden: str) -> None:
    net = cp.Network([6, 32, 3], hidden, "softmax")
    net.W[0][...] *= 1000
    diagnosis = explain.diagnose(net, X, T_THREE)
    assert diagnosis.codes == ["saturated_units"]  # not dead, and not the vanished gradient besides
    finding = diagnosis[0]
    assert finding.severity == "error"
    assert finding.layer == 1
    assert finding.evidence["|z⁽¹⁾|"] > 100


def test_identical_units() -> None:
    net = cp.Network(
        [6, 8, 3], "tanh", "softmax", initializer=cp.initializers.constant_weights(0.1)
    )
    assert explain.diagnose(net, X, T_THREE).codes == ["identical_units"]


def test_vanishing_and_exploding_gradients() -> None:
    deep = [6, *[16] * 8, 3]
    vanishing = explain.diagnose(cp.Network(deep, "logistic", "softmax"), X, T_THREE)
    assert vanishing.codes == ["vanishing_gradient"]
    assert vanishing[0].evidence["|∂ℒ/∂z⁽¹⁾| / |∂ℒ/∂z⁽⁹⁾|"] < 1e-3
    net = cp.Network(deep, "relu", "softmax")
    assert explain.diagnose(net, X, T_THREE).codes == []
    net.theta *= 4
    assert explain.diagnose(net, X, T_THREE).codes == ["exploding_gradient"]


def test_nan_is_placed_at_layer_and_row() -> None:
    net = cp.Network([6, 8, 8, 3], "relu", "softmax", dtype="float32")
    big = np.tile(X, (20, 1))
    big[5001] = 3e38
    net.W[0][...] = np.abs(net.W[0])
    diagnosis = explain.diagnose(net, big, np.tile(T_THREE, 20))
    finding = diagnosis["nonfinite"]
    assert (finding.layer, finding.evidence["row"], finding.where) == (1, 5001, (5001,))
    net.b[1][2] = np.nan
    finding = explain.diagnose(net, X, T_THREE)["nonfinite_weights"]
    assert finding.layer == 2
    assert finding.message == "b of layer 2 has NaN or infinity"


# ---- runs ----------------------------------------------------------------------------------------


def test_a_run_into_nan_names_step_layer_and_row() -> None:
    net = cp.Network([6, 32, 1], "relu", "linear")
    diagnosis = run(net, X, T_REAL, cp.SGD(50.0))
    finding = diagnosis["nonfinite"]
    assert finding.severity == "error"
    assert finding.layer is not None
    assert {"step", "row of its batch"} <= finding.evidence.keys()
    assert [f.code for f in diagnosis].count("nonfinite") == 1


def test_a_row_that_breaks_a_run_is_named() -> None:
    """Only row 171 is so large that z overflows; it is found whatever batch it was in."""
    big = X.copy()
    big[171] = 1e200
    net = cp.Network([6, 8, 8, 1], "relu", "linear", seed=0)
    net.theta[...] = np.abs(net.theta)
    net.theta *= 1e120
    finding = run(net, big, T_REAL, cp.SGD(1e-3), batch_size=300)["nonfinite"]
    assert finding.evidence["step"] == 1
    assert finding.evidence["row of X"] == 171
    assert finding.where == (171,)


def test_a_learning_rate_too_high() -> None:
    net = cp.Network([6, 32, 3], "tanh", "softmax")
    finding = run(net, X, T_THREE, cp.SGD(30.0))["learning_rate_high"]
    assert finding.evidence["learning rate"] == 30.0
    assert len(finding.evidence) > 1


def test_a_learning_rate_too_low() -> None:
    net = cp.Network([6, 32, 3], "relu", "softmax")
    diagnosis = run(net, X, T_THREE, cp.SGD(1e-9))
    assert diagnosis.codes == ["learning_rate_low"]
    assert diagnosis[0].evidence["steps"] == 200


def test_no_progress_on_noise() -> None:
    """Inputs that tell nothing: the loss stays where it is although the weights move."""
    net = cp.Network([6, 8, 2], "tanh", "softmax", seed=3)
    t = np.arange(N) % 2
    diagnosis = run(net, np.zeros((N, 6)), t, cp.SGD(0.1))
    assert "no_progress" in diagnosis.codes
    assert "constant_input" in diagnosis.codes


def test_a_network_that_has_learnt_need_not_go_on() -> None:
    net = cp.Network([6, 32, 3], "tanh", "softmax")
    net.train(X, T_THREE, cp.Adam(0.01), epochs=60)
    assert run(net, X, T_THREE, cp.Adam(1e-6)).codes == []


def test_overfitting() -> None:
    noise = np.random.default_rng(1).integers(0, 2, N)
    net = cp.Network([6, 64, 2], "relu", "softmax")
    options = {"validation": 0.5, "stopping": cp.Stopping(patience=np.inf), "epochs": 60}
    diagnosis = run(net, X, noise, cp.Adam(0.01), **options)
    assert "overfitting" in diagnosis.codes
    evidence = diagnosis["overfitting"].evidence
    assert evidence["last"] > evidence["best validation loss"]


def test_a_network_that_cannot_do_better_than_a_constant() -> None:
    net = cp.Network([6, 1], output="logistic", seed=0)
    sides = np.sign(X[:, 0] * X[:, 1])
    diagnosis = run(net, X, (sides > 0).astype(int), cp.SGD(0.1), epochs=60)
    assert diagnosis.codes == ["no_better_than_constant"]
    evidence = diagnosis[0].evidence
    assert 0.95 < evidence["lowest ℒ"] / evidence["ℒ of the best constant prediction"] < 1
    able = cp.Network([6, 8, 1], "tanh", "logistic", seed=0)
    assert run(able, X, (sides > 0).astype(int), cp.Adam(0.03), epochs=60).codes == []


def test_overfitting_is_seen_by_a_recorder_with_validation_rows() -> None:
    noise = np.random.default_rng(1).integers(0, 2, 2 * N)
    net = cp.Network([6, 64, 2], "relu", "softmax")
    Y = rng.normal(size=(N, 6))
    recorder = explain.Recorder(net, X, noise[:N], rows=N, validation=(Y, noise[N:]), every=4)
    before = net.loss(Y, noise[N:])
    net.train(X, noise[:N], cp.Adam(0.01), epochs=60, callbacks=[recorder])
    records = recorder.recording.records
    assert records[0].validation_loss == pytest.approx(before, abs=1e-6)
    assert records[-1].validation_loss == pytest.approx(net.loss(Y, noise[N:]), abs=1e-6)
    finding = explain.diagnose(recorder)["overfitting"]
    losses = [record.validation_loss for record in records[1:]]
    assert finding.evidence["best validation loss"] == min(losses)
    assert f"after epoch {4 * (1 + np.argmin(losses))}" in finding.message


# ---- how it is told ------------------------------------------------------------------------------


def test_the_gravest_comes_first_and_everything_is_told() -> None:
    bad = with_column(1.0)
    bad[:, 3] *= 1e4
    diagnosis = explain.diagnose(healthy(), bad, np.zeros(N, dtype=int))
    assert [f.severity for f in diagnosis] == ["error", "warning", "note"]
    text, page = str(diagnosis), diagnosis._repr_html_()
    for finding in diagnosis:
        for part in (finding.message, finding.advice):
            assert part.split(",")[0] in text.replace("\n  ", " ")
        assert finding.code in json.dumps(diagnosis.to_document())
        assert finding.severity in page
    assert "3 findings" in text
    assert "nothing found" in str(explain.diagnose(healthy(), X, T_THREE))
    assert "error: all rows are of class 0 (rows 300, class 0)" in str(diagnosis[0])
    assert (
        "&lt;" in replace(diagnosis, findings=(replace(diagnosis[0], message="<b>"),))._repr_html_()
    )


def test_wrong_arguments() -> None:
    with pytest.raises(TypeError, match="a network needs X and t"):
        explain.diagnose(healthy())
    with pytest.raises(ValueError, match="feature_names must be 6 names; got 1"):
        explain.diagnose(healthy(), X, T_THREE, feature_names=["a"])
    with pytest.raises(ValueError, match="class_names must be 3 names"):
        explain.diagnose(healthy(), X, T_THREE, class_names=["a"])
    with pytest.raises(TypeError, match="a recording has its own sample"):
        explain.diagnose(explain.Recorder(healthy(), X, T_THREE), X, T_THREE)
    with pytest.raises(KeyError, match="there is no finding 'x'; findings: none"):
        explain.diagnose(healthy(), X, T_THREE)["x"]
    with pytest.raises(ValueError, match="X must have 6 columns"):
        explain.diagnose(healthy(), X[:, :2], T_THREE)
