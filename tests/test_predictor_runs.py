"""Predictions while they run: threads, forks, Ctrl-C, memory, the caller's own numbers."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from own_python import python

from clearprop import Network
from clearprop.engines.native import NativeEngine
from tests.test_predictor import each_dtype, example, rows


def run_python(code: str) -> None:
    done = python(code)
    assert done.returncode == 0, done.stdout + done.stderr


# ---- threads -------------------------------------------------------------------------------------


@each_dtype
@pytest.mark.parametrize("n", [1, 2, 5, 6, 7, 40, 49, 500, 5001])
def test_bits_do_not_depend_on_threads(n: int, dtype: str) -> None:
    net = Network([600, 1700, 600, 7], output="softmax", seed=0, dtype=dtype)
    if n > 1000:  # many small rows, where items are groups of panels
        net = Network([20, 100, 3], output="softmax", seed=0, dtype=dtype)
    X = rows(n, net.sizes[0], dtype)
    expected = net.predictor(n_threads=1)(X)
    for n_threads in (2, 3, 8):
        p = net.predictor(n_threads=n_threads)
        for _ in range(3):
            np.testing.assert_array_equal(p(X), expected, strict=True)
        engine = NativeEngine(n_threads)
        np.testing.assert_array_equal(engine.forward(net.architecture, net.theta, X), expected)


def test_several_python_threads_at_once() -> None:
    net = Network([65, 129, 63, 5], output="softmax", seed=0, dtype="float32")
    predictors = [net.predictor(n_threads=n) for n in (1, 2, 3)]
    X = rows(3000, 65, "float32")
    y_hat = predictors[0](X)
    rng = np.random.default_rng(1)

    def some(number: int) -> bool:
        p = predictors[number % 3]
        out = np.empty((3000, 5), np.float32)
        for n in sizes[number]:
            if (
                not (p(X[:n], out[:n]) == y_hat[:n]).all()
                or not (p(X[n - 1]) == y_hat[n - 1]).all()
            ):
                return False
        return True

    sizes = rng.integers(1, 3000, (24, 10))
    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(some, range(24)))


def test_other_threads_run_during_a_long_prediction() -> None:
    net = Network([64, 256, 256, 3], seed=0, dtype="float32")
    p = net.predictor(n_threads=1)
    X = rows(20_000, 64, "float32")
    count, done = 0, False

    def run() -> None:
        nonlocal count
        while not done:
            time.sleep(0.0005)
            count += 1

    thread = threading.Thread(target=run)
    thread.start()
    begin = count
    p(X)  # some 30 ms
    counted = count - begin
    done = True
    thread.join()
    assert counted > 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_forks() -> None:
    run_python(
        """
        import os, warnings
        import numpy as np
        import clearprop as cp
        warnings.simplefilter("ignore", DeprecationWarning)  # Python: fork with threads
        p = cp.Network([64, 200, 10], output="softmax", seed=0).predictor(n_threads=3)
        X = np.random.default_rng(0).normal(size=(2000, 64))
        before = p(X)
        for _ in range(3):
            child = os.fork()
            if child == 0:
                os._exit(0 if (p(X) == before).all() and (p(X[3]) == before[3]).all() else 7)
            assert os.waitpid(child, 0)[1] == 0
            assert (p(X) == before).all()
        """
    )


# ---- trouble -------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize(
    ("sizes", "n"),
    [
        ("[20, 256, 256, 2]", 1_000_000),
        ("[64, 6000, 6000, 6000, 2]", 2_000),  # a panel alone takes some tens of milliseconds
    ],
)
def test_an_interrupt(sizes: str, n: int, n_threads: int) -> None:
    run_python(
        f"""
        import os, signal, threading, time
        import numpy as np
        import clearprop as cp

        p = cp.Network({sizes}, seed=0, dtype="float32").predictor(n_threads={n_threads})
        X = np.zeros(({n}, {sizes}[0]), np.float32)
        sent = []

        def send():
            sent.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGINT)

        threading.Timer(0.2, send).start()
        try:
            p(X)
        except KeyboardInterrupt:
            took = time.monotonic() - sent[0]
        assert took < 1, took  # 0.25 s where nobody else uses the processors
        p(X[:100])
        """
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_memory_is_for_the_result_only(dtype: str) -> None:
    """200 MB of X, also where they have to be converted."""
    run_python(
        f"""
        import resource
        import numpy as np
        import clearprop as cp

        def peak():
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # MB

        net = cp.Network([500, 64, 3], output="softmax", seed=0, dtype="float32")
        p = net.predictor(n_threads=2)
        X = np.ones((200_000_000 // 500 // np.dtype("{dtype}").itemsize, 500), "{dtype}")
        p(X[:100])
        before = peak()
        y_hat = p(X)
        assert peak() - before < 20, peak() - before
        before = peak()
        if X.dtype == net.theta.dtype:
            net.predict_proba(X)
        assert peak() - before < 20, peak() - before
        """
    )


def test_the_callers_numbers_stay_as_they_are() -> None:
    p, X, _ = example()
    p(X)
    p(X[0])
    small = np.full(4, np.float32(1e-45))
    assert (small * np.float32(1) > 0).all()
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        np.float64(1.0) / np.zeros(1)


def test_denormal_numbers_are_the_same_in_any_company() -> None:
    """Flushed on every way, so that rows still agree bit for bit."""
    net = Network([5, 40, 3], hidden="relu", seed=0, dtype="float32")
    net.theta *= np.float32(1e-20)
    X = rows(100, 5, "float32") * np.float32(1e-20)
    y_hat = net.predictor()(X)
    for i in range(0, 100, 7):
        np.testing.assert_array_equal(net.predictor()(X[i]), y_hat[i])
