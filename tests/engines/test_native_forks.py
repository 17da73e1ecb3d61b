"""Forks and the native engine: the child has none of the threads, whenever it was forked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from textwrap import dedent

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

# An alarm's handler forks in the middle of `work`, which takes several times as long as the alarm.
# The parent waits for the child, some seconds at most, and goes on. The children take turns in what
# they do; one that returns from the handler ends with 9 if it could do the work, else with 3.
FORKS = """
import json, os, signal, time, warnings
import numpy as np
import clearprop as cp
from clearprop.engines.native import NativeEngine
from clearprop.training import train

warnings.simplefilter("ignore", DeprecationWarning)  # Python: fork with threads
rng = np.random.default_rng(0)
X, t = rng.normal(size=(8000, 256)).astype("float32"), rng.integers(0, 10, 8000)
X5 = np.tile(X, (5, 1))
T = np.eye(10, dtype="float32")[t]
wide = cp.Network([256, 512, 256, 10], output="softmax", seed=0, dtype="float32")

def train_jobs(n_jobs, n_threads, epochs, batch_size):
    jobs = [cp.Job(wide.architecture, wide.theta, cp.SGD(1e-3), batch_size=batch_size,
                   epochs=epochs, seed=seed) for seed in range(n_jobs)]
    states = train(jobs, cp.Data(X, T), engine=NativeEngine(n_threads))
    return np.concatenate([state.theta for state in states])

def small_fit():
    net = cp.Network([8, 64, 64, 3], output="softmax", seed=0)
    net.train(X[:, :8], t % 3, epochs=2, batch_size=4000)
    return net.theta

def use_the_engine():
    os._exit(0 if (small_fit() == small).all() else 7)

def leave():
    raise SystemExit(5)

cp.set_num_threads(2)
small, parent, codes = small_fit(), os.getpid(), []
children = [("ends", lambda: os._exit(0)), ("uses the engine", use_the_engine),
            ("raises", leave), ("returns", lambda: None)]

def wait(child):
    for _ in range(2000):
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "hangs"

def handler(_, frame):
    if frame.f_code.co_name not in ("run_epochs", "predict"):  # not in native code yet
        return
    signal.setitimer(signal.ITIMER_REAL, 0)
    name, act = children[len(codes) % len(children)]
    child = os.fork()
    if child:
        codes.append((name, wait(child)))
    else:
        act()

signal.signal(signal.SIGALRM, handler)
expected = work()
try:
    while len(codes) < len(children):
        signal.setitimer(signal.ITIMER_REAL, 0.04, 0.04)
        same = (work() == expected).all()
        assert same
        if os.getpid() != parent:
            os._exit(9)
except SystemExit as left:
    os._exit(left.code)
except RuntimeError as error:
    os._exit(3 if "was forked" in str(error) else 8)
print(json.dumps(codes))
"""


@pytest.mark.parametrize(
    ("work", "n_threads"),
    [
        pytest.param("train_jobs(1, 2, 2, 2000)", 2, id="an epoch on two threads"),
        pytest.param("train_jobs(2, 2, 1, 50)", 2, id="jobs side by side"),
        pytest.param("train_jobs(1, 1, 1, 2000)", 1, id="an epoch on one thread"),
        pytest.param("wide.predict_proba(X5)", 2, id="a prediction on two threads"),
    ],
)
def test_a_handler_that_forks(work: str, n_threads: int) -> None:
    """The child can end, use the engine or raise. If it returns to work that several threads share
    at that moment, the work ends with an error in the child; any other work goes on in both."""
    done = subprocess.run(
        [sys.executable, "-c", f"work = lambda: {work}\n" + dedent(FORKS)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    *others, (name, code) = json.loads(done.stdout)
    assert others == [["ends", 0], ["uses the engine", 0], ["raises", 5]]
    assert name == "returns"
    assert code in ((9,) if n_threads == 1 else (3, 9))  # 9: between two shared pieces of work
