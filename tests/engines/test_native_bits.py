"""The native engine gives the same bits whatever runs beside it, and leaves the caller alone."""

from __future__ import annotations

import dataclasses
import itertools
import os
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from against_reference import each_dtype
from own_python import python

import clearprop as cp
from clearprop import Adam, Data, Job, Network, Penalty
from clearprop.engines import EpochPlan
from clearprop.engines.native import NativeEngine
from clearprop.training import train


def wide_job(seed: int = 0, dtype: str = "float32", **options: Any) -> tuple[Job, Data]:
    """Enough work for several threads, sizes that do not divide."""
    rng = np.random.default_rng(seed)
    net = Network([65, 129, 63, 5], output="softmax", seed=seed, dropout=0.2, dtype=dtype)
    X = rng.normal(size=(700, 65)).astype(dtype)
    t = np.eye(5, dtype=dtype)[rng.integers(0, 5, 700)]
    options = {"epochs": 2, "batch_size": 300, "clip_norm": 0.5, "seed": 3} | options
    return Job(net.architecture, net.theta, Adam(0.01), **options), Data(X, t)


def trained(engine: Any, dtype: str = "float32", **options: Any) -> Any:
    job, data = wide_job(dtype=dtype, **options)
    (state,) = train([job], data, engine=engine)
    return state


@each_dtype
@pytest.mark.parametrize("clip", [None, 0.5])
def test_bits_do_not_depend_on_threads(dtype: str, clip: float | None) -> None:
    job, data = wide_job(dtype=dtype)
    first = trained(NativeEngine(1), dtype, clip_norm=clip)
    net = Network.from_theta(job.architecture, first.theta)
    penalty = Penalty(l1=0.1, l2_per_batch=0.2)
    many = Data(np.tile(data.X, (8, 1)), np.tile(data.t, (8, 1)))  # several blocks of rows
    y_hat = NativeEngine(1).forward(net.architecture, net.theta, many.X)
    loss, g = NativeEngine(1).loss_and_gradient(net.architecture, net.theta, many, penalty)
    for n_threads in (1, 2, 3, 8):
        engine = NativeEngine(n_threads)
        for _ in range(2):  # run after run
            state = trained(engine, dtype, clip_norm=clip)
            assert state.history.loss == first.history.loss
            for name, value in state.engine_state.items():
                np.testing.assert_array_equal(value, first.engine_state[name])
        np.testing.assert_array_equal(
            engine.forward(net.architecture, net.theta, many.X), y_hat, strict=True
        )
        again = engine.loss_and_gradient(net.architecture, net.theta, many, penalty)
        assert again[0] == loss
        np.testing.assert_array_equal(again[1], g)


def test_bits_do_not_depend_on_other_jobs() -> None:
    job, data = wide_job()
    expected = trained(NativeEngine(1))
    rng = np.random.default_rng(0)
    for n_threads, n_jobs in itertools.product((1, 2, 3, 8), (2, 9)):
        others = [
            dataclasses.replace(job, batch_size=int(rng.integers(50, 700)), seed=k)
            for k in range(n_jobs - 1)
        ]
        at = int(rng.integers(n_jobs))
        states = train([*others[:at], job, *others[at:]], data, engine=NativeEngine(n_threads))
        np.testing.assert_array_equal(states[at].theta, expected.theta)
        assert states[at].history.loss == expected.history.loss


def test_several_python_threads_at_once() -> None:
    expected = trained(NativeEngine(1)).theta
    with ThreadPoolExecutor(5) as pool:
        results = list(pool.map(lambda n: trained(NativeEngine(n)).theta, (1, 2, 3, 8, 2) * 3))
    for theta in results:
        np.testing.assert_array_equal(theta, expected)


def test_workers_of_joblib() -> None:
    joblib = pytest.importorskip("joblib")
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(600, 64)), rng.integers(0, 10, 600)
    # the workers import what they run, so it must be a method of an installed class
    estimator = cp.MLPClassifier((200,), batch_size=300, max_steps=4, random_state=0)
    with joblib.parallel_config("loky", n_jobs=2):
        fitted = joblib.Parallel()(joblib.delayed(estimator.fit)(X, y) for _ in range(3))
    here = estimator.fit(X, y)  # the threads of this process still work
    for there in fitted:
        for a, b in zip(there.coefs_, here.coefs_, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_forks() -> None:
    """After a fork the threads are gone: a child starts its own."""
    done = python(
        """
        import multiprocessing, os, warnings
        import numpy as np
        import clearprop as cp
        warnings.simplefilter("ignore", DeprecationWarning)  # Python: fork with threads

        def fit(n_threads):
            cp.set_num_threads(n_threads)
            rng = np.random.default_rng(0)
            net = cp.Network([64, 200, 10], output="softmax", seed=0)
            net.train(rng.normal(size=(600, 64)), rng.integers(0, 10, 600), epochs=2,
                      batch_size=300)
            return net.theta

        before = fit(3)
        for _ in range(3):
            child = os.fork()
            if child == 0:
                os._exit(0 if (fit(3) == before).all() and (fit(2) == before).all() else 7)
            assert os.waitpid(child, 0)[1] == 0
            assert (fit(3) == before).all()
        with multiprocessing.get_context("fork").Pool(2) as pool:
            for theta in pool.map(fit, [1, 2, 3, 8]):
                assert (theta == before).all()
        print("done")
        """
    )
    assert done.stdout == "done\n", done.stderr


# ---- an epoch that ends early, and the caller --------------------------------------------------


def test_a_deadline_in_the_middle_of_an_epoch() -> None:
    rng = np.random.default_rng(0)
    net = Network([20, 64, 2], seed=0)
    data = Data(rng.normal(size=(1000, 20)), rng.normal(size=(1000, 2)))
    order = np.tile(np.arange(1000), 2000)
    job = Job(net.architecture, net.theta, Adam(0.001), batch_size=10)
    for n_threads in (1, 2):
        engine = NativeEngine(n_threads)
        run = engine.start([job], data)
        begin = time.monotonic()
        plan = EpochPlan(order, np.full(len(order) // 10, 1e-3))
        (result,) = engine.run_epochs(run, {0: plan}, begin + 0.1).values()
        assert 0.1 <= time.monotonic() - begin < 1
        assert 0 < result.n_steps < len(order) // 10
        assert result.n_samples == 10 * result.n_steps
        state = engine.read(run, 0)
        assert state["n_steps"] == state["step"] == result.n_steps
        again = engine.start([job], data)
        engine.run_epochs(again, {0: EpochPlan(order, np.full(result.n_steps, 1e-3))})
        np.testing.assert_array_equal(engine.read(again, 0)["theta"], state["theta"])


@pytest.mark.skipif(os.name != "posix", reason="a signal to oneself ends the process elsewhere")
@pytest.mark.parametrize("n_jobs", [1, 3])
def test_an_interrupt_in_one_long_epoch(n_jobs: int) -> None:
    done = python(
        f"""
        import os, signal, threading, time
        import numpy as np
        import clearprop as cp
        from clearprop.engines.native import NativeEngine
        from clearprop.training import train

        rng = np.random.default_rng(0)
        net = cp.Network([20, 256, 256, 2], seed=0)
        data = cp.Data(rng.normal(size=(1000, 20)), rng.normal(size=(1000, 2)))
        rows = np.tile(np.arange(1000), 3000)
        sent = []

        def send():
            sent.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGINT)

        def job(**options):
            return cp.Job(net.architecture, net.theta.copy(), cp.Adam(1e-4), epochs=1,
                          rows=rows, shuffle=None, batch_size=32, **options)

        jobs = [job() for _ in range({n_jobs})]
        threading.Timer(0.4, send).start()
        states = train(jobs, data, engine=NativeEngine(2))
        took = time.monotonic() - sent[0]
        print("took", took)
        assert took < 2, took
        for state in states:
            assert state.history.stopped == "interrupted"
        n = int(states[0].engine_state["n_steps"])
        assert 0 < n < 3_000_000 // 32
        (same,) = train([job(max_steps=n)], data)
        assert (same.theta == states[0].theta).all()
        print("done")
        """
    )
    assert done.stdout.endswith("done\n"), done.stdout + done.stderr


def test_the_callers_numbers_stay_as_they_are() -> None:
    small = np.full(4, np.float32(1e-45))
    estimator = cp.MLPClassifier((300,), max_iter=2, engine="native")
    rng = np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(rng.normal(size=(400, 30)), rng.integers(0, 2, 400))
    estimator.predict(rng.normal(size=(4, 30)))
    assert (small * np.float32(1) > 0).all()
    assert np.float64(5e-324) * np.float64(1) > 0
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        np.float64(1.0) / np.zeros(1)
