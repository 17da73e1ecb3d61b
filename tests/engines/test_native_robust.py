"""The native engine in trouble: Ctrl-C anywhere, forks, threads, no memory, the caller's state."""

from __future__ import annotations

import ctypes
import dataclasses
import os
import platform
import signal
import sys
import threading
import time
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import own_python
import pytest

import clearprop as cp
from clearprop import Adam, Data, Job, Network, _native
from clearprop.engines import EpochPlan
from clearprop.engines.native import NativeEngine
from clearprop.training import train

each_thread_count = pytest.mark.parametrize("n_threads", [1, 2])
posix = pytest.mark.skipif(os.name != "posix", reason="POSIX only")
linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux only")


def python(code: str, **env: str) -> str:
    """What a Python of its own prints; it must end well."""
    done = own_python.python(code, **env)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# ---- Ctrl-C --------------------------------------------------------------------------------------

PRELUDE = """
import os, signal, threading, time
import numpy as np
import clearprop as cp
from clearprop.engines.native import NativeEngine
from clearprop.training import train

rng = np.random.default_rng(0)
sent = []

def send():
    sent.append(time.monotonic())
    os.kill(os.getpid(), signal.SIGINT)

def make(sizes, n):
    net = cp.Network(sizes, seed=0, dtype="float32")
    X, t = rng.normal(size=(n, sizes[0])), rng.normal(size=(n, sizes[-1]))
    return net, cp.Data(X.astype("float32"), t.astype("float32"))

def interrupted(jobs, data, n_threads, delay=0.4):
    threading.Timer(delay, send).start()
    states = train(jobs, data, engine=NativeEngine(n_threads))
    took = time.monotonic() - sent[0]
    assert took < 1, took  # 0.25 s, and what a busy machine adds
    return states

def check_whole_steps(state, make_job, data):
    n = int(state.engine_state["n_steps"])
    assert state.engine_state["step"] == n
    if n == 0:
        assert (state.theta == make_job().theta).all()
        assert not any(state.engine_state[name].any() for name in ("m", "v"))
        return n
    (same,) = train([make_job(max_steps=n)], data)
    for name, value in same.engine_state.items():
        assert (value == state.engine_state[name]).all(), name
    return n
"""


@posix
@pytest.mark.parametrize(("n_threads", "clip"), [(1, None), (2, 0.5)])
def test_an_interrupt_in_one_long_step(n_threads: int, clip: float | None) -> None:
    """A step of half a minute: it has not been."""
    code = f"""
        net, data = make([20, 512, 512, 2], 1000)
        def job(**options):
            return cp.Job(net.architecture, net.theta.copy(), cp.Adam(1e-4), shuffle=None,
                          epochs=9, batch_size=3_000_000, rows=rows, clip_norm={clip}, **options)
        rows = np.tile(np.arange(1000), 3000)
        (state,) = interrupted([job()], data, {n_threads})
        assert state.history.stopped == "interrupted"
        assert check_whole_steps(state, job, data) == 0
        print("done")
    """
    assert python(PRELUDE + dedent(code)) == "done\n"


@posix
@each_thread_count
@pytest.mark.parametrize("batch_size", [512, 9000])
def test_an_interrupt_among_steps_of_some_length(n_threads: int, batch_size: int) -> None:
    """Wherever it comes, θ and the optimiser are those after some number of whole steps."""
    code = f"""
        net, data = make([64, 256, 256, 8], 18_000)
        def job(**options):
            return cp.Job(net.architecture, net.theta.copy(), cp.Adam(1e-4), shuffle=None,
                          epochs=10_000, batch_size={batch_size}, **options)
        for delay in (0.25, 0.31):
            (state,) = interrupted([job()], data, {n_threads}, delay)
            assert state.history.stopped == "interrupted"
            check_whole_steps(state, job, data)
            sent.clear()
        print("done")
    """
    assert python(PRELUDE + dedent(code)) == "done\n"


@posix
def test_an_interrupt_while_only_other_threads_have_work() -> None:
    code = """
        net, data = make([20, 256, 256, 2], 1000)
        long = np.tile(np.arange(1000), 3000)
        def job(rows=long, **options):
            return cp.Job(net.architecture, net.theta.copy(), cp.Adam(1e-4), shuffle=None,
                          epochs=1, batch_size=32, rows=rows, **options)
        short, state = interrupted([job(np.arange(32)), job()], data, 2)
        assert short.history.stopped == state.history.stopped == "interrupted"
        assert check_whole_steps(state, job, data) > 1
        assert short.engine_state["n_steps"] == 1
        print("done")
    """
    assert python(PRELUDE + dedent(code)) == "done\n"


@posix
@each_thread_count
def test_an_interrupt_of_jobs_with_layers_for_columns(n_threads: int) -> None:
    code = f"""
        from clearprop.architecture import Architecture
        from clearprop.embeddings import Embedding, Parallel, PiecewiseLinear, Scale
        from clearprop.layers import Dense, Dropout
        from clearprop.outputs import OUTPUTS

        edges = tuple(np.linspace(-2, 2, 49))
        front = Parallel((PiecewiseLinear((edges,) * 7), Embedding((2000,))))
        selu = cp.ACTIVATIONS["selu"]
        layers = (front, Scale(36), Dense(36, 128, selu, gain=1 / 6, slope=True),
                  Dropout(0.1), Dense(128, 2, None))
        architecture = Architecture(layers, OUTPUTS["linear"]())
        theta = rng.normal(size=architecture.n_parameters).astype("float32")
        X = np.c_[rng.normal(size=(1000, 7)), rng.integers(0, 2000, 1000)]
        data = cp.Data(X.astype("float32"), rng.normal(size=(1000, 2)).astype("float32"))
        rows = np.tile(np.arange(1000), 3000)
        def job(seed=0, **options):
            return cp.Job(architecture, theta.copy(), cp.Adam(1e-4), shuffle=None, epochs=1,
                          batch_size=256, rows=rows, seed=seed, **options)
        for number, state in enumerate(interrupted([job(0), job(1), job(2)], data, {n_threads})):
            assert state.history.stopped == "interrupted"
            check_whole_steps(state, lambda **options: job(number, **options), data)
        print("done")
    """
    assert python(PRELUDE + dedent(code)) == "done\n"


@posix
@each_thread_count
def test_an_interrupt_in_one_evaluation_of_lbfgs(n_threads: int) -> None:
    code = f"""
        net, data = make([20, 512, 512, 2], 400_000)
        job = cp.Job(net.architecture, net.theta.copy(), cp.LBFGS(), epochs=100)
        (state,) = interrupted([job], data, {n_threads})
        assert state.history.stopped == "interrupted"
        assert (state.theta == net.theta).all()
        print("done")
    """
    assert python(PRELUDE + dedent(code)) == "done\n"


def wide_job(**options: Any) -> tuple[Job, Data]:
    rng = np.random.default_rng(0)
    net = Network([65, 129, 63, 5], output="softmax", seed=0, dropout=0.2, dtype="float32")
    X = rng.normal(size=(700, 65)).astype(np.float32)
    t = np.eye(5, dtype=np.float32)[rng.integers(0, 5, 700)]
    options = {"epochs": 2, "batch_size": 300, "seed": 3} | options
    return Job(net.architecture, net.theta, Adam(0.01), **options), Data(X, t)


@posix
@each_thread_count
def test_a_signal_that_does_not_raise(n_threads: int) -> None:
    """Its handler sees the caller's numbers, not a half-done step, and training goes on."""
    job, data = wide_job()
    engine = NativeEngine(n_threads)
    run = engine.start([job], data)
    seen: list[str] = []

    def handler(*_: object) -> None:
        assert np.float32(1e-45) * np.float32(1) > 0
        try:
            engine.read(run, 0)
        except RuntimeError as error:
            seen.append(str(error))

    plan = EpochPlan(np.tile(np.arange(600), 3000), np.full(6000, 1e-3))
    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
        (result,) = engine.run_epochs(run, {0: plan}, time.monotonic() + 0.4).values()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert 0 < result.n_steps < 6000
    assert all(message.startswith("the run is at work") for message in seen)
    assert len(seen) > 0
    assert engine.read(run, 0)["n_steps"] == result.n_steps


def test_a_run_belongs_to_one_thread_at_a_time() -> None:
    job, data = wide_job()
    engine = NativeEngine(1)
    run = engine.start([job], data)
    plan = EpochPlan(np.tile(np.arange(600), 3000), np.full(6000, 1e-3))
    other = threading.Thread(
        target=engine.run_epochs, args=(run, {0: plan}, time.monotonic() + 0.5)
    )
    other.start()
    time.sleep(0.1)
    with pytest.raises(RuntimeError, match="the run is at work"):
        engine.read(run, 0)
    with pytest.raises(RuntimeError, match="the run is at work"):
        engine.run_epochs(run, {0: plan})
    other.join()
    assert engine.read(run, 0)["n_steps"] > 0


# ---- forks and threads ---------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_fork_while_the_pool_is_at_work() -> None:
    code = """
        import os, threading, time, warnings
        import numpy as np
        import clearprop as cp
        warnings.simplefilter("ignore", DeprecationWarning)  # Python: fork with threads

        rng = np.random.default_rng(0)
        X, y = rng.normal(size=(600, 64)), rng.integers(0, 10, 600)

        def fit(epochs, **options):
            net = cp.Network([64, 200, 10], output="softmax", seed=0)
            net.train(X, y, epochs=epochs, batch_size=300, **options)
            return net.theta

        cp.set_num_threads(3)
        expected = fit(2)
        other = threading.Thread(target=fit, args=(10**9,), kwargs={"time_limit": 1.5})
        other.start()
        for _ in range(20):
            time.sleep(0.013)
            child = os.fork()
            if child == 0:
                os._exit(0 if (fit(2) == expected).all() else 7)
            assert os.waitpid(child, 0)[1] == 0
        other.join()
        print("done")
    """
    assert python(code) == "done\n"


@linux
def test_a_system_without_threads_to_give() -> None:
    """A thread needs room for its stack; where there is none left, those there do the work."""
    code = """
        import resource
        import numpy as np
        import clearprop as cp
        from clearprop.engines import EpochPlan
        from clearprop.engines.native import NativeEngine

        def status(name):
            return int(next(line.split()[1] for line in open("/proc/self/status")
                            if line.startswith(name)))

        net = cp.Network([4, 8, 1], seed=0)
        data = cp.Data(np.ones((60, 4)), np.ones((60, 1)))
        jobs = [cp.Job(net.architecture, net.theta, cp.Adam(), batch_size=60)] * 60
        run = NativeEngine(1).start(jobs, data)
        plans = {k: EpochPlan(None, np.full(1, 1e-3)) for k in range(60)}
        first = NativeEngine(1).run_epochs(run, plans)
        resource.setrlimit(resource.RLIMIT_AS, (1024 * status("VmSize") + 100_000_000, -1))
        second = NativeEngine(60).run_epochs(run, plans)
        assert status("Threads") < 50
        resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
        assert len({result.loss for result in second.values()}) == 1
        assert second[0].loss < first[0].loss
        assert NativeEngine(60).run_epochs(run, plans)[59].loss < second[0].loss
        print("done")
    """
    # threads of BLAS would count
    assert python(code, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1") == "done\n"


# ---- the caller's floating-point state -----------------------------------------------------------


@each_thread_count
def test_denormals_are_flushed_inside_only(n_threads: int) -> None:
    net = Network([1, 600, 1], hidden="identity", initializer="zeros", dtype="float32")
    net.W[0][...], net.W[1][...] = 1e-20, 1.0
    data = Data(np.full((600, 1), 1e-20, np.float32), np.zeros((600, 1), np.float32))
    engine = NativeEngine(n_threads)
    for _ in range(2):
        assert (engine.forward(net.architecture, net.theta, data.X) == 0).all()
        _, gradient = engine.loss_and_gradient(net.architecture, net.theta, data, cp.Penalty())
        assert not gradient.any()
        assert np.float32(1e-20) * np.float32(1e-20) > 0


UPWARD = {"x86_64": 0x800, "aarch64": 0x400000}.get(platform.machine(), 0)


@linux
@pytest.mark.skipif(not UPWARD, reason="rounding modes of this processor are not known here")
@each_thread_count
def test_the_callers_rounding_neither_matters_nor_changes(n_threads: int) -> None:
    job, data = wide_job(clip_norm=0.5)
    engine = NativeEngine(n_threads)
    order, rates = np.arange(700), np.full(3, 0.01)
    thetas = []
    libm = ctypes.CDLL("libm.so.6")
    for mode in (0, UPWARD):
        run = engine.start([job, job], data)
        assert libm.fesetround(mode) == 0
        try:
            for plans in (
                {0: EpochPlan(order, rates)},
                dict.fromkeys((0, 1), EpochPlan(None, rates)),
            ):
                engine.run_epochs(run, plans)
                assert libm.fegetround() == mode
            engine.loss_and_gradient(job.architecture, job.theta, data, cp.Penalty(l2=0.1))
            engine.forward(job.architecture, job.theta, data.X)
            assert libm.fegetround() == mode
        finally:
            libm.fesetround(0)
        thetas += [engine.read(run, 0)["theta"], engine.read(run, 1)["theta"]]
    np.testing.assert_array_equal(thetas[2], thetas[0])
    np.testing.assert_array_equal(thetas[3], thetas[1])


# ---- memory --------------------------------------------------------------------------------------


@linux
def test_no_memory_is_a_memory_error() -> None:
    """And what could not be done for want of memory can be done when there is some."""
    code = """
        import resource
        import numpy as np
        from clearprop import _native

        def limit(more):
            size = 1024 * int(next(line.split()[1] for line in open("/proc/self/status")
                                   if line.startswith("VmSize")))
            resource.setrlimit(resource.RLIMIT_AS, (size + more if more else -1, -1))

        def no_memory(call, *arguments):
            limit(100_000_000)
            try:
                call(*arguments)
            except MemoryError:
                limit(0)
            else:
                raise AssertionError("there was memory")

        def spec_of(sizes, batch_size):
            spec = _native.JobSpec()
            spec.sizes, spec.activations, spec.dropout, spec.dropout_index = sizes, [3], [0], [0]
            spec.batch_size = batch_size
            spec.optimizer = list(_native.OPTIMIZERS).index("adam")
            spec.optimizer_constants = [0.9, 0.999, 1e-8]
            return spec

        X, t = np.ones((4000, 2)), np.ones((4000, 1))
        run = _native.RunF64(X, t, None)
        wide = spec_of([2, 2_000_000, 1], 8)
        theta = np.zeros(8_000_001)
        no_memory(run.add, wide, theta)
        assert run.add(wide, theta) == 0
        del theta

        theta = np.linspace(-1, 1, 40_001)
        other = spec_of([2, 10_000, 1], 4000)
        assert run.add(other, theta) == 1
        rate = np.full(1, 1e-3)
        no_memory(run.run_epochs, [(1, None, rate)], np.inf, 2)
        no_memory(run.loss_and_gradient, 1, np.zeros(40_001), 2)
        out = np.empty(40_001)
        run.read_theta(1, out)
        assert (out == theta).all() and run.counts(1)[0] == 0
        small = np.arange(3)
        run.run_epochs([(1, small, rate)], np.inf, 2)
        fresh = _native.RunF64(X, t, None)
        fresh.add(other, theta)
        fresh.run_epochs([(0, small, rate)], np.inf, 1)
        expected = np.empty(40_001)
        run.read_theta(1, out), fresh.read_theta(0, expected)
        assert (out == expected).all() and (out != theta).any()

        try:  # more than there are addresses
            run.add(spec_of([2, 2**31 - 1, 1], 8), theta)
        except ValueError as error:
            assert "another length" in str(error)
        print("done")
    """
    assert python(code, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1") == "done\n"


def test_epochs_of_growing_length() -> None:
    """Buffers are made for the largest batch, whatever the first one was."""
    job, data = wide_job(batch_size=700)
    plans = [
        EpochPlan(np.arange(700), np.zeros(0)),
        EpochPlan(np.arange(3), np.full(1, 1e-3)),
        EpochPlan(np.arange(700), np.full(1, 1e-3)),
    ]
    thetas = []
    for n_threads in (1, 8):
        engine = NativeEngine(n_threads)
        run = engine.start([job], data)
        for plan in plans:
            engine.run_epochs(run, {0: plan})
        thetas.append(engine.read(run, 0)["theta"])
        run = engine.start([job], data)
        for plan in plans[1:]:
            engine.run_epochs(run, {0: plan})
        thetas.append(engine.read(run, 0)["theta"])
    for theta in thetas[1:]:
        np.testing.assert_array_equal(theta, thetas[0])


# ---- how many threads ----------------------------------------------------------------------------


def write(root: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(root)


@linux
@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({}, np.inf),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}, np.inf),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "150000 100000\n"}, 1.5),
        (  # our own group, and the one above it
            {
                "proc/self/cgroup": "0::/user.slice/job.scope\n",
                "sys/fs/cgroup/user.slice/job.scope/cpu.max": "max 100000\n",
                "sys/fs/cgroup/user.slice/cpu.max": "400000 100000\n",
            },
            4,
        ),
        (  # in a container the path is the host's
            {
                "proc/self/cgroup": "4:cpu,cpuacct:/docker/ab\n3:memory:/docker/ab\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            0.5,
        ),
        (
            {
                "proc/self/cgroup": "2:cpu,cpuacct:/a\n",
                "sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us": "100000\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "300000\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            },
            3,
        ),
        ({"proc/self/cgroup": "nonsense\n0:\n", "sys/fs/cgroup/cpu.max": "1 1\n"}, np.inf),
    ],
)
def test_the_quota_of_cgroups(files: dict[str, str], quota: float, tmp_path: Path) -> None:
    assert _native.cgroup_quota(write(tmp_path, files)) == quota


def test_few_jobs_on_many_threads() -> None:
    """Side by side or split inside, whichever is sooner: the same bits."""
    job, data = wide_job(batch_size=700)  # worth several threads
    small = dataclasses.replace(job, batch_size=8)
    alone = [train([j], data, engine=NativeEngine(1))[0].theta for j in (job, small)]
    for n_threads in (2, 3, 8):
        for jobs in ([job] * 2, [small] * 2, [job] * 5, [small, job, small, job, job]):
            states = train(jobs, data, engine=NativeEngine(n_threads))
            for one, state in zip(jobs, states, strict=True):
                np.testing.assert_array_equal(state.theta, alone[one is small])
