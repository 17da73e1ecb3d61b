"""The memory of a fit: what is needed no more is given back, and an interrupt loses nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fits import classifier, data_of, job, spirals

import clearprop as cp
from clearprop import Adam, NAdam, train
from clearprop.engines.native import NativeEngine
from clearprop.engines.reference import ReferenceEngine

# ---- the peak ------------------------------------------------------------------------------------

PROGRAM = """
import sys, warnings
import numpy as np
from pathlib import Path
import clearprop as cp

def peak():
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split("VmHWM:")[1].split()[0])

warnings.simplefilter("ignore")
cp.set_num_threads(1)
rng = np.random.default_rng(0)
X, y = rng.standard_normal((1024, 512), dtype=np.float32), rng.integers(0, 10, 1024)
fit = lambda sizes: cp.MLPClassifier(sizes, batch_size=128, max_iter=1, random_state=0).fit(X, y)
fit((8, 8))
before = peak()
model = fit((1536, 1536))
print(peak() - before, model.network_.theta.nbytes)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak cannot be told")
def test_the_peak_of_a_fit() -> None:
    """θ and Adam's two moments of it, the activations of a batch, and no more than 20 MB beyond."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=True)
    grown, theta = map(int, done.stdout.split())
    activations = 4 * 128 * (512 + 2 * 1536 + 10)
    assert theta > 12e6  # so that two more copies of it would be too many
    assert grown < 3 * theta + activations + 20e6


# ---- the last reading ----------------------------------------------------------------------------


@pytest.mark.parametrize("engine", [NativeEngine(1), ReferenceEngine()])
@pytest.mark.parametrize("optimizer", [Adam(0.01), NAdam(0.01), cp.SGD(0.1)], ids=repr)
def test_the_last_reading_is_a_reading(engine: Any, optimizer: Any) -> None:
    X, t = spirals()
    net = classifier()
    jobs, data = [job(net, optimizer=optimizer) for _ in range(2)], data_of(net, X, t)
    run = engine.start(jobs, data)
    order = np.arange(60)
    plan = cp.engines.EpochPlan(order, np.full(8, 0.01))
    engine.run_epochs(run, {0: plan, 1: plan})
    expected = engine.read(run, 0)
    for _ in range(2):  # the second time, as after an interrupt
        last = engine.read(run, 0, last=True)
        assert last.keys() == expected.keys()
        for name, value in expected.items():
            np.testing.assert_array_equal(last[name], value)
            assert last[name].dtype == value.dtype
    theta = engine.read(run, 0, only=("theta",))
    assert theta.keys() == {"theta"}
    np.testing.assert_array_equal(theta["theta"], expected["theta"])
    theta["theta"][:] = 0  # a copy
    np.testing.assert_array_equal(engine.read(run, 0)["theta"], expected["theta"])
    engine.run_epochs(run, {1: plan})  # the other job goes on
    assert engine.read(run, 1)["n_steps"] == 16


def test_a_job_that_is_over_is_over() -> None:
    X, t = spirals()
    net = classifier()
    engine = NativeEngine(1)
    run = engine.start([job(net)], data_of(net, X, t))
    state = engine.read(run, 0)
    out = np.empty_like(net.theta)
    with pytest.raises(ValueError, match="the job is not over"):
        run.native.take(0, 0, out)
    engine.read(run, 0, last=True)
    plan = cp.engines.EpochPlan(None, np.full(8, 0.1))
    for call in (
        lambda: engine.run_epochs(run, {0: plan}),
        lambda: engine.restore(run, 0, state),
        lambda: run.native.read_theta(0, out),
        lambda: run.native.loss_and_gradient(0, out, 1),
    ):
        with pytest.raises(ValueError, match="the job is over: its memory was given back"):
            call()
    for slot in (-2, 2):
        with pytest.raises(ValueError, match="no such slot"):
            run.native.take(0, slot, out)


@pytest.mark.parametrize("place", range(6))
def test_an_interrupt_in_the_last_reading_loses_nothing(place: int, monkeypatch: Any) -> None:
    """Before or after each of the native calls that take θ, m and v."""
    X, t = spirals()
    net = classifier()
    (expected,) = train([job(net, optimizer=Adam(0.1))], data_of(net, X, t))

    class Native:
        def __init__(self, native: Any) -> None:
            self.native, self.left = native, place

        def __getattr__(self, name: str) -> Any:
            return getattr(self.native, name)

        def take(self, *arguments: Any) -> None:
            self.interrupt()
            self.native.take(*arguments)
            self.interrupt()

        def interrupt(self) -> None:
            self.left -= 1
            if self.left == -1:
                raise KeyboardInterrupt

    start = NativeEngine.start

    def started(self: NativeEngine, *arguments: Any) -> Any:
        run = start(self, *arguments)
        run.native = Native(run.native)
        return run

    monkeypatch.setattr(NativeEngine, "start", started)
    (state,) = train([job(net, optimizer=Adam(0.1))], data_of(net, X, t))
    assert state.history.stopped == "interrupted"
    assert state.engine_state.keys() == expected.engine_state.keys()
    for name, value in expected.engine_state.items():
        np.testing.assert_array_equal(state.engine_state[name], value)


def test_reports_can_be_asked_after_the_end() -> None:
    X, t = spirals()
    net, reports = classifier(), []
    history = net.train(X, t, epochs=3, callbacks=[reports.append])
    assert len(history) == 3
    for report in reports:
        np.testing.assert_array_equal(report.theta, net.theta)
        report.theta[:] = 0


# ---- the θ that jobs begin with ------------------------------------------------------------------


def test_the_start_is_kept_unless_it_is_given_up() -> None:
    X, t = spirals()
    net = classifier()
    kept, given = job(net), job(net)
    (a,) = train([kept], data_of(net, X, t))
    (b,) = train([given], data_of(net, X, t), keep_theta=False)
    np.testing.assert_array_equal(a.theta, b.theta)
    np.testing.assert_array_equal(kept.theta, net.theta)
    assert given.theta.shape == net.theta.shape
    assert given.theta.strides == (0,)
    assert given.theta.dtype == net.theta.dtype


def test_what_a_scorer_sees_while_another_network_is_fitted() -> None:
    """A second fit with other sizes: no trace of the first one's weights."""
    X, t = spirals()
    seen = []

    def score(estimator: Any, X: Any, y: Any) -> float:
        seen.append([W.shape for W in estimator.coefs_])
        return float(estimator.score(X, y))

    model = cp.MLPClassifier((5,), max_iter=2, random_state=0, early_stopping=True, scoring=score)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        model.fit(X, t)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        model.set_params(hidden_layer_sizes=(3, 4)).fit(X, t)
    assert seen == [[(2, 5), (5, 1)]] * 2 + [[(2, 3), (3, 4), (4, 1)]] * 2


def test_the_state_of_the_optimiser_does_not_follow_the_weights() -> None:
    """θ is in one place only, but what was best stays what it was."""
    X, t = spirals()
    model = cp.MLPClassifier((5,), max_iter=3, random_state=0, early_stopping=True)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        model.fit(X, t)
    best = model._state.best_theta.copy()
    model.coefs_[0][:] = 7
    np.testing.assert_array_equal(model._state.best_theta, best)
    model = cp.MLPClassifier((5,), max_iter=3, random_state=0)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        model.fit(X, t)
    twin = cp.MLPClassifier((5,), max_iter=3, random_state=0)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        twin.fit(X, t)
    model.coefs_[0][:] *= 2
    twin.coefs_ = [twin.coefs_[0] * 2, twin.coefs_[1]]
    np.testing.assert_array_equal(
        model.partial_fit(X, t).network_.theta, twin.partial_fit(X, t).network_.theta
    )
