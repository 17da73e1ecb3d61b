"""The recorder sees the same numbers as the network, on every engine, and changes nothing."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop import explain
from clearprop.explain.statistics import histogram, log_histogram, rms

rng = np.random.default_rng(0)
X = rng.normal(size=(200, 5))
T = (X[:, 0] > 0).astype(int)


def net(**options: Any) -> cp.Network:
    return cp.Network([5, 8, 6, 2], options.pop("hidden", "relu"), "softmax", seed=0, **options)


def train(network: cp.Network, recorder: Any, **options: Any) -> cp.history.History:
    callbacks = [] if recorder is None else [recorder]
    options = {"epochs": 6, "batch_size": 20, **options}
    return network.train(X, T, cp.SGD(0.1), callbacks=callbacks, **options)


@pytest.mark.parametrize("engine", ["native", "reference"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_it_changes_nothing_and_sees_what_is_there(engine: str, dtype: str) -> None:
    watched, alone = net(dtype=dtype), net(dtype=dtype)
    first = watched.theta.copy()
    recorder = explain.Recorder(watched, X, T, keep_theta=True)
    history = train(watched, recorder, engine=engine)
    train(alone, None, engine=engine)
    np.testing.assert_array_equal(watched.theta, alone.theta)

    recording = recorder.recording
    assert [record.epoch for record in recording.records] == list(range(7))
    assert recording.steps.tolist() == [10 * k for k in range(7)]
    assert [line.loss for line in recording.epochs] == history.loss
    assert recording.stopped == "epochs"
    np.testing.assert_array_equal(recording.records[0].theta, first)
    np.testing.assert_array_equal(recording.theta, watched.theta)

    sample, t = X[recording.rows], T[recording.rows]
    trace = watched.forward(sample)
    gradients = watched.backward(trace, t)
    last = recording.records[-1]
    assert last.loss == watched.loss(sample, t)
    eps = float(np.finfo(dtype).eps)
    for number, layer in enumerate(last.layers, 1):
        close = {"rel": 100 * eps}  # sums of some hundred squares
        h = trace.h[number] if number < 3 else trace.y_hat
        assert layer.z == pytest.approx(np.sqrt((trace.z[number - 1] ** 2).mean()), **close)
        assert layer.h == pytest.approx(np.sqrt((h**2).mean()), **close)
        mean_square = (gradients.dL_dz[number - 1] ** 2).mean()
        assert layer.dL_dz == pytest.approx(64 * np.sqrt(mean_square), **close)
        assert layer.dL_dW == pytest.approx(
            np.sqrt((gradients.dL_dW[number - 1] ** 2).mean()), **close
        )
        before = cp.Network.from_theta(watched.architecture, recording.records[-2].theta).W[
            number - 1
        ]
        moved = np.linalg.norm(watched.W[number - 1] - before) / np.linalg.norm(before) / 10
        assert recording.series("update", number)[-1] == pytest.approx(moved, **close)
        assert layer.h_histogram.counts.sum() == h.size
        dL_dz = layer.dL_dz_histogram
        assert dL_dz.counts.sum() + dL_dz.zeros == h.size


def test_shares_of_dead_and_saturated_units() -> None:
    relu, tanh = net(), net(hidden="tanh")
    relu.b[0][:2] = -100
    tanh.b[0][:4] = 50
    recording = explain.Recorder(relu, X, T).recording
    assert recording.series("dead", 1).tolist() == [0.25]
    assert recording.series("dead", 3).tolist() == [0.0]
    assert explain.Recorder(tanh, X, T).recording.series("saturated", 1).tolist() == [0.5]


@pytest.mark.parametrize(
    ("options", "epochs"),
    [
        ({"every": 4}, [0, 4, 6]),
        ({"epochs": (1, 2)}, [0, 1, 2, 6]),
        ({"min_steps": 25}, [0, 3, 6]),
        ({"every": 100}, [0, 6]),
    ],
)
def test_when_it_looks(options: Any, epochs: list[int]) -> None:
    network = net()
    recorder = explain.Recorder(network, X, T, **options)
    train(network, recorder)
    assert [record.epoch for record in recorder.recording.records] == epochs
    assert len(recorder.recording.epochs) == 6


def test_the_updates_are_per_step_whatever_the_distance() -> None:
    """Half as many looks see the same speed, as long as the weights go one way."""
    values = []
    for every in (1, 2):
        network = net(hidden="tanh")
        recorder = explain.Recorder(network, X, T, every=every)
        network.train(X, T, cp.SGD(1e-4), epochs=4, batch_size=200, callbacks=[recorder])
        values.append(np.nanmean(recorder.recording.series("update", 1)))
    assert values[0] == pytest.approx(values[1], rel=0.01)


def test_the_sample_is_fixed_and_seeded() -> None:
    a, b, c = (explain.Recorder(net(), X, T, rows=10, seed=seed).rows for seed in (0, 0, 1))
    assert a.tolist() == b.tolist() != c.tolist()
    assert len(explain.Recorder(net(), X, T, rows=1000).rows) == 200


def test_an_estimator_is_recorded_by_its_architecture() -> None:
    architecture = cp.architecture.fully_connected([5, 8, 1], "relu", "logistic")
    recorder = explain.Recorder(architecture, X, T)
    model = cp.MLPClassifier((8,), max_iter=3, random_state=0, callbacks=[recorder], tol=0)
    with pytest.warns(UserWarning, match="hasn't converged"):
        model.fit(X, T)
    assert [record.epoch for record in recorder.recording.records] == [1, 2, 3]
    np.testing.assert_array_equal(recorder.recording.theta, model.network_.theta)


def test_one_job_of_many() -> None:
    networks = [net(), net()]
    data = cp.Data.from_arrays(networks[0].architecture, X, T)
    jobs = [
        cp.Job(n.architecture, n.theta, cp.SGD(0.1), epochs=e)
        for n, e in zip(networks, (2, 4), strict=True)
    ]
    recorder = explain.Recorder(networks[1], X, T, job=1)
    cp.train(jobs, data, callbacks=[recorder])
    assert len(recorder.recording.records) == 5


def test_nan_ends_the_recording_with_its_place() -> None:
    network = cp.Network([5, 8, 1], "relu", "linear")
    recorder = explain.Recorder(network, X, 1e3 * X[:, 0])
    with pytest.raises(cp.NonFiniteError):
        network.train(X, 1e3 * X[:, 0], cp.SGD(1e3), callbacks=[recorder])
    recording = recorder.recording
    assert recording.stopped == "nonfinite"
    assert recording.nonfinite is not None
    assert recording.nonfinite.step > 0
    assert np.isfinite(recording.theta).all()


def test_sparse_data() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    network = net()
    recorder = explain.Recorder(network, sparse.csr_matrix(X), T)
    network.train(sparse.csr_matrix(X), T, "sgd", epochs=2, callbacks=[recorder])
    dense = explain.Recorder(net(), X, T)
    assert recorder.recording.records[0].loss == pytest.approx(dense.recording.records[0].loss)


def test_histograms() -> None:
    values = np.array([0.0, 0.1, 0.5, 1.0])
    linear = histogram(values, bins=2)
    assert linear is not None
    assert (linear.edges.tolist(), linear.counts.tolist()) == ([0.0, 0.5, 1.0], [2, 2])
    logarithmic = log_histogram(np.array([0.0, 1.0, -1.5, 2.0, 0.3]))
    assert logarithmic is not None
    assert logarithmic.zeros == 1
    assert logarithmic.edges.tolist() == [0.25, 0.5, 1.0, 2.0, 4.0]
    assert logarithmic.counts.tolist() == [1, 0, 2, 1]
    assert histogram(np.array([np.nan, 1.0])) is None
    assert log_histogram(np.array([np.inf, 1.0])) is None
    same = histogram(np.full(5, 3.0))
    assert same is not None
    assert same.counts.sum() == 5
    nothing = log_histogram(np.zeros(3))
    assert nothing is not None
    assert (nothing.zeros, nothing.counts.sum()) == (3, 0)
    assert rms(np.array([[3.0, 4.0]])) == pytest.approx(np.sqrt(12.5))


def test_the_document_is_json() -> None:
    network = net()
    recorder = explain.Recorder(network, X, T)
    train(network, recorder)
    document = json.loads(json.dumps(recorder.recording.to_document()))
    assert document["records"][3]["layers"][0]["z"] == recorder.recording.records[3].layers[0].z
    assert document["epochs"][5]["epoch"] == 6
    assert document["nonfinite"] is None
    assert repr(recorder.recording) == "Recording(7 records up to epoch 6)"


def test_wrong_arguments() -> None:
    with pytest.raises(ValueError, match="rows must be an integer >= 1; got 0"):
        explain.Recorder(net(), X, T, rows=0)
    with pytest.raises(ValueError, match="t must have one row per row of X"):
        explain.Recorder(net(), X, T[:5])
    recording = explain.Recorder(net(), X, T).recording
    with pytest.raises(ValueError, match="quantity must be one of"):
        recording.series("theta", 1)
    with pytest.raises(ValueError, match="layer must be 1 … 3; got 4"):
        recording.series("z", 4)
