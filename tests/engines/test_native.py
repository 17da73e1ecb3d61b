"""The native engine against the reference: every kernel, both dtypes, threads, trouble.

Tests named test_numbers_… run once more for each other instruction set of this machine.
"""

from __future__ import annotations

import dataclasses
import itertools
import os
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest
from against_reference import REFERENCE, apart, check_numbers, each_dtype, in_double
from cases import BY_NAME, CASES, STEPPERS, Case, draw_targets
from scipy import sparse, special

import clearprop as cp
from clearprop import SGD, Adam, Data, Job, Network, Penalty, _native
from clearprop.activations import Activation
from clearprop.engines import EpochPlan, NonFinite
from clearprop.engines.native import NativeEngine
from clearprop.layers import Draw, Dropout
from clearprop.schedules import Cosine
from clearprop.training import train

SIZES = (1, 2, 3, 15, 16, 17, 31, 32, 33, 47, 48, 49)


def data_of(case: Case, dtype: str = "float64") -> tuple[Network, Data]:
    net, X, t, w = case.make(dtype)
    t = net.output.targets(t, net.sizes[-1], net.theta.dtype)
    return net, Data(X, t, None if w is None else w.astype(dtype))


def bound(net: Network, data: Data) -> float:
    """The rounding of sums over all units below and all rows, of φ within 4 ulp, with reserve."""
    return float(np.finfo(net.theta.dtype).eps) * (8 * len(net.sizes) + sum(net.sizes[:-1]))


# ---- forward, loss and gradient ------------------------------------------------------------------


def odd_cases() -> list[Case]:
    """Every odd size as the number of inputs, of hidden units, of outputs, and of rows."""
    rng = np.random.default_rng(0)
    cases = []
    for number, (size, n) in enumerate(itertools.product(SIZES, SIZES)):
        D, other = (int(k) for k in rng.choice(SIZES, 2))
        hidden = ("relu", "tanh", "gelu", "elu")[number % 4]
        output = dataclasses.replace(BY_NAME["linear"], K=int(rng.choice(SIZES)))
        sizes = (D, size, other, output.K) if number % 2 else (size, D, output.K)
        cases.append(
            Case(
                f"odd-{sizes}-{n}",
                sizes,
                (hidden,) * (len(sizes) - 2),
                output,
                n=n,
                weighted=number % 3 == 0,
                seed=2000 + number,
            )
        )
    return cases


@each_dtype
@pytest.mark.parametrize("which", ["table", "odd"])
def test_numbers_of_every_case(which: str, dtype: str) -> None:
    """ŷ, z, ℒ and the gradient; float32 against the reference in float64 on the same numbers."""
    for case in CASES if which == "table" else odd_cases():
        net, data = data_of(case, dtype)
        check_numbers(net, data, bound(net, data), case.name)


@each_dtype
def test_numbers_of_groups_and_quantiles(dtype: str) -> None:
    rng = np.random.default_rng(0)
    outputs = [
        (cp.outputs.Softmax(sizes=sizes), sum(sizes)) for sizes in ((2,) * 9, (1, 2, 17, 3), (33,))
    ]
    outputs += [(cp.outputs.Softmax(0.2, sizes=(16, 15)), 31)]
    outputs += [
        (cp.outputs.Quantile(tuple((np.arange(k) + 0.5) / k)), 3 * k) for k in (1, 3, 16, 19)
    ]
    for output, K in outputs:
        net = Network([5, 9, K], hidden="silu", output=output, seed=1, dtype=dtype)
        t = rng.normal(size=(33, 3))
        if isinstance(output, cp.outputs.Softmax):
            t = np.stack([rng.integers(0, g.stop - g.start, 33) for g in output.groups(K)], axis=1)
            t = t[:, 0] if t.shape[1] == 1 else t
        X = rng.normal(size=(33, 5)).astype(dtype)
        data = Data(X, output.targets(t, K, net.theta.dtype))
        exact, theta = in_double(data), net.theta.astype(np.float64)
        ours = NativeEngine(1).loss_and_gradient(net.architecture, net.theta, data, Penalty())
        expected = REFERENCE.loss_and_gradient(net.architecture, theta, exact, Penalty())
        assert ours[0] == pytest.approx(expected[0], rel=bound(net, data))
        assert apart(ours[1], expected[1]) < bound(net, data)
        y_hat = NativeEngine(1).forward(net.architecture, net.theta, X)
        assert apart(y_hat, REFERENCE.forward(net.architecture, theta, exact.X)) < bound(net, data)


@each_dtype
def test_numbers_far_from_zero(dtype: str) -> None:
    """Saturated units and outputs; the loss of a wrong answer with certainty stays finite."""
    for name, hidden in itertools.product(("logistic", "softmax", "huber"), cp.ACTIVATIONS):
        case = next(c for c in CASES if c.name == f"{hidden}-{name}-1")
        net, data = data_of(case, dtype)
        net.theta *= 100
        theta = net.theta.astype(np.float64)
        ours = NativeEngine(1).loss_and_gradient(net.architecture, net.theta, data, Penalty())
        expected = REFERENCE.loss_and_gradient(net.architecture, theta, in_double(data), Penalty())
        # φ′ amplifies the rounding of z by |z|, here up to a thousand
        tol = 1e3 * bound(net, data)
        assert ours[0] == pytest.approx(expected[0], rel=tol, abs=tol), case.name
        assert apart(ours[1], expected[1]) < tol, case.name


def test_dropout_is_for_training_only() -> None:
    net, data = data_of(next(c for c in CASES if c.name == "dropout"))
    for engine in (NativeEngine(1), REFERENCE):
        loss, _ = engine.loss_and_gradient(net.architecture, net.theta, data, Penalty())
        X, t, w = data.X, data.t, data.sample_weight
        assert loss == pytest.approx(net.loss(X, t, w), rel=1e-13)


# ---- trajectories --------------------------------------------------------------------------------

OPTIMIZERS = [
    (SGD, {}),
    (SGD, {"momentum": 0.9}),
    (SGD, {"momentum": 0.9, "nesterov": True}),
    *((kind, {}) for kind in STEPPERS.values() if kind is not SGD),
]


def trajectory(
    engine: Any, dtype: str, optimizer: Any, clip: Any, dropout: float, l1: float = 0.0
) -> Any:
    """50 steps of a network of odd sizes on batches of 17, with weights and penalties."""
    rng = np.random.default_rng(3)
    n, K = 17 * 10 - 3, 3
    net = Network([6, 17, 9, K], hidden=["tanh", "silu"], output="softmax", seed=0, dropout=dropout)
    X = rng.normal(size=(n, 6)).astype(dtype)
    t = np.eye(K, dtype=dtype)[draw_targets(dataclasses.replace(BY_NAME["softmax"], K=K), n, rng)]
    w = rng.uniform(0.5, 2, n).astype(dtype)
    job = Job(
        net.architecture,
        net.theta.astype(dtype),
        optimizer,
        epochs=5,
        batch_size=17,
        penalty=Penalty(l1=l1, l2=1e-2, l2_per_batch=1e-2),
        clip_norm=clip,
        seed=8,
    )
    (state,) = train([job], Data(X, t, w), engine=engine)
    assert state.n_steps == 50
    return state


@pytest.mark.parametrize(("kind", "options"), OPTIMIZERS)
def test_numbers_of_trajectories(kind: Any, options: Any) -> None:
    grid = itertools.product((0.0, 0.01), (None, 0.3), (0.0, 0.3), (0.02, Cosine(0.02)))
    for weight_decay, clip, dropout, rate in grid:
        optimizer = kind(rate, **options, weight_decay=weight_decay)
        arguments = optimizer, clip, dropout
        exact = trajectory(REFERENCE, "float64", *arguments, l1=1e-3)
        ours = trajectory(NativeEngine(1), "float64", *arguments, l1=1e-3)
        assert ours.history.loss == pytest.approx(exact.history.loss, rel=1e-10)
        assert ours.engine_state.keys() == exact.engine_state.keys()
        for name, value in ours.engine_state.items():
            assert apart(value, exact.engine_state[name]) < 1e-10, (name, arguments)
        # float32: as near to the exact path as NumPy in float32 is, up to the luck of the rounding;
        # without l1, whose sign(w) turns a rounding near 0 into another path
        exact = trajectory(REFERENCE, "float64", *arguments)
        single, numpy = (
            apart(trajectory(engine, "float32", *arguments).theta, exact.theta)
            for engine in (NativeEngine(1), REFERENCE)
        )
        assert single < 4 * numpy + 1e-6, arguments


@pytest.mark.parametrize("clip", [None, 0.3])
def test_numbers_of_batches_in_blocks(clip: float | None) -> None:
    """More rows than are done at a time: masks, weights and penalties are those of one batch."""
    rng = np.random.default_rng(0)
    net = Network([3, 17, 2], hidden="tanh", output="softmax", seed=0, dropout=0.3)
    n = 13_000
    X, w = rng.normal(size=(700, 3)), rng.uniform(0.5, 2, 700)
    data = Data(X, np.eye(2)[rng.integers(0, 2, 700)], w)
    job = Job(
        net.architecture,
        net.theta,
        Adam(0.01),
        batch_size=9000,
        penalty=Penalty(l1=1e-3, l2=1e-2, l2_per_batch=1.0),
        clip_norm=clip,
        seed=5,
    )
    plan = EpochPlan(rng.integers(0, 700, n), np.full(2, 0.01))  # 9,000 rows, then 4,000
    outcomes = []
    for engine in (REFERENCE, NativeEngine(1), NativeEngine(2), NativeEngine(8)):
        run = engine.start([job], data)
        results = [engine.run_epochs(run, {0: plan})[0] for _ in range(2)]
        assert [(r.n_steps, r.n_samples) for r in results] == [(2, n)] * 2
        outcomes.append((results[-1].loss, engine.read(run, 0)))
    exact, first = outcomes[0], outcomes[1]
    assert first[0] == pytest.approx(exact[0], rel=1e-12)
    for name, value in exact[1].items():
        assert apart(first[1][name], value) < 1e-11, name
        for _, state in outcomes[2:]:
            np.testing.assert_array_equal(state[name], first[1][name])


@pytest.mark.parametrize("n", [1, 2, 15, 17, 33])
@pytest.mark.parametrize("H", [1, 3, 16, 21])
def test_numbers_of_dropout_masks(H: int, n: int) -> None:
    """z = 0 and ∂ℒ/∂z = 2ⁱ/n in row i: the step holds the bits of each unit's masks, exactly."""
    net = Network([1, H, 1], hidden="identity", initializer="zeros", dropout=0.5)
    net.b[0][...] = 1
    data = Data(np.zeros((n, 1)), -(2.0 ** np.arange(n))[:, None] * n)
    job = Job(net.architecture, net.theta, SGD(1.0), batch_size=n, seed=77)
    engine = NativeEngine(2)
    for step in range(3):
        run = engine.start([job], data)
        state = engine.read(run, 0) | {"n_steps": np.array(step)}
        engine.restore(run, 0, state)
        engine.run_epochs(run, {0: EpochPlan(None, np.ones(1))})
        trained = Network.from_theta(net.architecture, engine.read(run, 0)["theta"])
        mask = Dropout(0.5).mask(Draw(77, step, 1), (n, H), np.float64)
        np.testing.assert_array_equal(-trained.W[1][0], 2.0 ** np.arange(n) @ mask)


def test_numbers_of_a_dropout_that_is_almost_everything() -> None:
    """0.999999 is rounded to 1 − 2⁻¹⁶, as in the reference."""
    thetas = []
    for engine in (NativeEngine(1), REFERENCE):
        net = Network([3, 8, 2], hidden="tanh", dropout=0.999999, seed=0)
        data = Data(np.ones((400, 3)), np.ones((400, 2)))
        job = Job(net.architecture, net.theta, SGD(1e-4), epochs=50, batch_size=50, seed=1)
        (state,) = train([job], data, engine=engine)
        thetas.append(state.theta)
    assert (thetas[0] != net.theta).any()
    np.testing.assert_allclose(thetas[0], thetas[1], rtol=0, atol=1e-12)


@each_dtype
@pytest.mark.parametrize("size", [1e-30, 1e-15, 1.0, 1e15])
def test_numbers_of_clipping_beyond_the_squares(size: float, dtype: str) -> None:
    """1e±30 in float32 and its like in float64: where g² leaves the numbers of the dtype."""
    size = size if dtype == "float32" else size**8
    thetas = []
    for engine in (NativeEngine(1), REFERENCE):
        net = Network([2, 1], initializer="zeros", dtype=dtype)
        data = Data(np.full((1, 2), size, dtype), np.ones((1, 1), dtype))
        job = Job(net.architecture, net.theta, SGD(1.0), epochs=1, clip_norm=1e-4 * size)
        (state,) = train([job], data, engine=engine)
        thetas.append(state.theta)
    assert np.linalg.norm(thetas[0] / size) == pytest.approx(1e-4, rel=1e-5)
    assert apart(*thetas) < 4 * np.finfo(dtype).eps


# ---- vector functions ----------------------------------------------------------------------------


def softplus(x: Any) -> Any:
    return np.maximum(x, 0) + np.log1p(np.exp(-abs(x)))


FUNCTIONS: list[tuple[str, Any]] = [
    ("exp", np.exp),
    ("expm1", np.expm1),
    ("log", np.log),
    ("log1p", np.log1p),
    ("tanh", np.tanh),
    ("sigmoid", lambda x: 1 / (1 + np.exp(-x))),
    ("softplus", softplus),
    ("erfc", lambda x: special.erfc(x.astype(np.float64)).astype(x.dtype)),
]


def points(name: str, dtype: str, n: int = 1 << 15) -> Any:
    """Over all exponents and, closely, where the functions bend; a multiple of 16 of them."""
    rng = np.random.default_rng(0)
    info = np.finfo(dtype)
    low, high = np.log2(info.tiny), np.log2(info.max)
    wide = 2.0 ** rng.uniform(low + 1, high - 1, n)
    if name == "log":
        near = rng.uniform(0.5, 2, n)
    elif name == "log1p":
        wide, near = 2.0 ** rng.uniform(low + 1, 0, n), rng.uniform(0, 1, n)
    else:
        wide *= rng.choice([-1, 1], n)
        limit = {"erfc": 4.0 if dtype == "float64" else 9.0, "expm1": 80.0}.get(
            name, 1.2 * np.log(info.max)
        )
        if name == "expm1":  # tanh and elu need it up to 40
            wide = np.minimum(wide, 80)
        near = np.concatenate([rng.uniform(-limit, limit, n), rng.uniform(-2, 2, n)])
        wide = wide[(abs(wide) < limit) | (name != "erfc")]
    x = np.concatenate([wide, near]).astype(dtype)
    return x[: len(x) // 16 * 16]


@each_dtype
@pytest.mark.parametrize(("number", "name", "f"), [(i, *f) for i, f in enumerate(FUNCTIONS)])
def test_numbers_of_vector_functions(number: int, name: str, f: Any, dtype: str) -> None:
    """Within 4 ulp of the true value, which comes from longer numbers; erfc as it is used."""
    x = points(name, dtype)
    y = np.empty_like(x)
    _native.math(number, x, y)
    info = np.finfo(dtype)
    with np.errstate(all="ignore"):
        exact = f(x.astype(np.longdouble))
        in_range = (abs(exact) >= info.tiny) & (abs(exact) <= info.max)
        ulp = np.spacing(np.abs(exact[in_range]).astype(dtype)).astype(np.longdouble)
        error = abs(y[in_range].astype(np.longdouble) - exact[in_range]) / ulp
    limit = 4 if name != "erfc" else (16 if dtype == "float64" else 128)
    assert float(error.max()) <= limit
    below = abs(exact) < info.tiny  # denormal numbers may be flushed
    assert (abs(y[below]) <= info.tiny).all()
    above = abs(exact) > info.max
    assert np.isposinf(y[above]).all()


@each_dtype
@pytest.mark.parametrize(("number", "name", "f"), [(i, *f) for i, f in enumerate(FUNCTIONS)])
def test_numbers_of_vector_functions_at_their_ends(
    number: int, name: str, f: Any, dtype: str
) -> None:
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 500.0] * 4, dtype)
    y = np.empty_like(x)
    if name == "expm1":
        x[x > 40] = 40.0
    if name in ("log", "log1p"):
        x[2:5], x[6:8] = 1.0, 1.0
        x = np.tile(x[:8], 4)
        if name == "log1p":  # for 0 … 1 only
            x[x == np.inf] = 0.5
    _native.math(number, x, y)
    with np.errstate(all="ignore"):
        expected = f(x.astype(np.float64)).astype(dtype)
    np.testing.assert_allclose(y, expected, rtol=8 * np.finfo(dtype).eps, atol=np.finfo(dtype).tiny)


# ---- instruction sets ----------------------------------------------------------------------------


def python(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", dedent(code)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env=os.environ | env,
    )


@pytest.mark.parametrize("isa", [i for i in _native.available_isas() if i != _native.isa()])
def test_every_instruction_set(isa: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", __file__]
    command += ["-k", "test_numbers", "-p", "no:xdist"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env=environment | {"CLEARPROP_ISA": isa},
        cwd=Path(__file__).parent,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


def test_an_instruction_set_by_name() -> None:
    code = "from clearprop import _native; print(_native.isa())"
    for isa in _native.available_isas():
        assert python(code, CLEARPROP_ISA=isa).stdout.strip() == isa
    code = "import clearprop as cp; cp.Network([1, 1]).train([[0.0]], [[1.0]])"
    done = python(code, CLEARPROP_ISA="mmx")
    assert done.returncode == 1
    assert "ValueError: CLEARPROP_ISA=mmx is not available here; choose from " in done.stderr
    assert "baseline" in done.stderr.splitlines()[-1]


# ---- bits ----------------------------------------------------------------------------------------


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


# ---- trouble -------------------------------------------------------------------------------------


def broken_runs() -> list[tuple[str, Any]]:
    def nan_in(part: str, row: int, value: float = np.nan) -> Any:
        def change(net: Network, data: Data) -> dict[str, Any]:
            getattr(data, part)[row, -1] = value
            return {}

        return change

    return [
        ("nan_X", nan_in("X", 37)),
        ("inf_X", nan_in("X", 0, np.inf)),
        ("nan_t", nan_in("t", 21)),
        ("huge_t", nan_in("t", 21, 1e300)),
        ("explodes", lambda net, data: {"optimizer": SGD(1e3)}),
        ("adam", lambda net, data: {"optimizer": Adam(1e200)}),
        ("clipped", lambda net, data: {"optimizer": SGD(1e200), "clip_norm": 1.0}),
        ("momentum", lambda net, data: {"optimizer": SGD(1e4, momentum=0.9, nesterov=True)}),
        ("start", lambda net, data: net.W[1].__setitem__((0, 0), np.nan) or {}),
        ("overflow", lambda net, data: {"optimizer": SGD(1e308, weight_decay=1e308)}),
    ]


@pytest.mark.parametrize(
    ("hidden", "units"),
    [(name, (17,)) for name in ("relu", "tanh", "gelu", "identity", "selu", "softplus")]
    + [("relu", (600, 600))],  # large enough for copies of the state only where there is doubt
)
@pytest.mark.parametrize(("name", "change"), broken_runs())
def test_numbers_that_are_none(name: str, change: Any, hidden: str, units: tuple[int, ...]) -> None:
    """The same step, layer and row as the reference, and the state before the bad step."""
    outcomes = []
    for engine in (NativeEngine(1), NativeEngine(2), REFERENCE):
        rng = np.random.default_rng(0)
        net = Network([3, *units, 2], hidden=hidden, seed=0)
        data = Data(rng.normal(size=(40, 3)), rng.normal(size=(40, 2)))
        options = {"optimizer": SGD(0.01)} | change(net, data)
        job = Job(net.architecture, net.theta.copy(), epochs=30, batch_size=8, **options)
        run = engine.start([job], data)
        order = np.random.default_rng(1).permutation(40)
        steps = 0
        for _ in range(30):
            rates = np.full(5, float(job.optimizer.learning_rate))
            (result,) = engine.run_epochs(run, {0: EpochPlan(order, rates)}).values()
            steps += result.n_steps
            if result.nonfinite:
                break
        outcomes.append((result, steps, engine.read(run, 0)))
    expected, n_steps, state = outcomes[-1]
    assert isinstance(expected.nonfinite, NonFinite)
    for result, steps, ours_state in outcomes[:-1]:
        engine = NativeEngine(1)
        assert (result.nonfinite, steps) == (expected.nonfinite, n_steps)
        assert np.isnan(result.loss)
        assert (result.n_steps, result.n_samples) == (expected.n_steps, expected.n_samples)
        assert ours_state["n_steps"] == state["n_steps"] == steps
        assert set(ours_state) == set(state)
        if "_" in name:  # no explosion, which amplifies the rounding of each step
            assert apart(ours_state["theta"], state["theta"]) < 1e-13
        run = engine.start([job], data)  # bit for bit the state of a run that ends there
        for done in range(0, steps, 5):
            engine.run_epochs(run, {0: EpochPlan(order, rates[: steps - done])})
        for key, value in engine.read(run, 0).items():
            np.testing.assert_array_equal(value, ours_state[key])


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


# ---- inputs --------------------------------------------------------------------------------------


def test_layouts_and_dtypes_of_X() -> None:
    rng = np.random.default_rng(0)
    X = rng.integers(-3, 4, (40, 6)) * (rng.uniform(size=(40, 6)) < 0.4)
    X = X.astype(np.float64)
    t = rng.normal(size=(40, 2))

    def fit(X: Any, t: Any) -> Any:
        net = Network([6, 5, 2], seed=0)
        history = net.train(X, t, epochs=3, engine="native")
        assert history.engine == "native"
        return net.theta, net.predict(X)

    wide, tall = np.zeros((40, 12)), np.zeros((80, 6))
    wide[:, ::2], tall[::2] = X, X
    variants = [
        np.asfortranarray(X), wide[:, ::2], tall[::2], X[::-1][::-1], X.astype(np.float32),
        X.astype(np.int8), X.astype(">f8"), X.tolist(), sparse.csr_matrix(X), sparse.csc_array(X),
    ]  # fmt: skip
    frozen = X.copy()
    frozen.flags.writeable = False
    expected = fit(X, t)
    for variant in [*variants, frozen]:
        for ours, theirs in zip(fit(variant, t), expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-14)
    for variant in (np.asfortranarray(t), np.hstack([t, t])[:, 2:], t.tolist()):
        np.testing.assert_array_equal(fit(X, variant)[0], expected[0])


def test_sparse_X_trains_as_dense_does() -> None:
    rng = np.random.default_rng(0)
    X = sparse.random(90, 33, 0.2, format="csr", random_state=0)
    y = rng.integers(0, 3, 90)
    options: Any = {"epochs": 4, "batch_size": 17, "engine": "native"}
    thetas = []
    for matrix in (X, X.toarray()):
        net = Network([33, 8, 3], output="softmax", seed=0)
        net.train(matrix, y, **options)
        thetas.append(net.theta)
    np.testing.assert_array_equal(*thetas)


def test_empty_plans() -> None:
    job, data = wide_job()
    engine = NativeEngine(2)
    run = engine.start([job, job], data)
    assert engine.run_epochs(run, {}) == {}
    none = engine.run_epochs(run, {1: EpochPlan(None, np.zeros(0))})[1]
    assert (none.n_steps, none.n_samples) == (0, 0)
    none = engine.run_epochs(run, {0: EpochPlan(np.zeros(0, np.int64), np.zeros(0))})[0]
    assert (none.n_steps, none.nonfinite) == (0, None)
    np.testing.assert_array_equal(engine.read(run, 0)["theta"], job.theta)
    assert engine.forward(job.architecture, job.theta, data.X[:0]).shape == (0, 5)
    big = dataclasses.replace(job, batch_size=2**40)  # larger than any data
    whole = dataclasses.replace(job, batch_size=700)
    states = train([big, whole], data, engine=engine)
    np.testing.assert_array_equal(states[0].theta, states[1].theta)


QUANTILE, SOFTMAX = (_native.OUTPUTS.index(name) for name in ("quantile", "softmax"))


def spec_of(**changes: Any) -> Any:
    spec = _native.JobSpec()
    fields = {"sizes": [3, 4, 2], "activations": [3], "dropout": [0], "dropout_index": [0]}
    for name, value in (fields | {"batch_size": 4} | changes).items():
        setattr(spec, name, value)
    return spec


@pytest.mark.parametrize(
    "changes",
    [
        {"sizes": []},
        {"sizes": [3]},
        {"sizes": [3, 4, 3]},
        {"sizes": [2, 4, 2]},
        {"sizes": [3, 0, 2]},
        {"sizes": [3, -1, 2]},
        {"sizes": [3, 4, 4, 2]},
        {"activations": []},
        {"activations": [-1]},
        {"activations": [len(_native.ACTIVATIONS)]},
        {"dropout": [65536]},
        {"dropout": [-1]},
        {"dropout_index": []},
        {"output": -1},
        {"output": len(_native.OUTPUTS)},
        {"output": QUANTILE},
        {"output": SOFTMAX},
        {"output": SOFTMAX, "output_constants": [3, -1]},
        {"output": SOFTMAX, "output_constants": [3]},
        {"output": SOFTMAX, "output_constants": [0.5, 1.5]},
        {"output_constants": [1.0]},
        {"optimizer": len(_native.OPTIMIZERS)},
        {"optimizer_constants": [0.9, 0.999]},
        {"batch_size": 0},
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_wrong_description_is_an_exception(changes: Any, dtype: str) -> None:
    kind = {"float32": _native.RunF32, "float64": _native.RunF64}[dtype]
    run = kind(np.zeros((8, 3), dtype), np.zeros((8, 2), dtype), None)
    theta = np.zeros(26, dtype)
    with pytest.raises(ValueError, match=r"."):
        run.add(spec_of(**changes), theta)
    with pytest.raises(ValueError, match="theta has another length"):
        run.add(spec_of(), theta[1:])
    assert run.add(spec_of(), theta) == 0  # what failed has left nothing behind


def test_wrong_arguments_are_exceptions() -> None:
    X, t = np.zeros((8, 3)), np.zeros((8, 2))
    for arguments in ((X[1:], t, None), (X, t, np.ones(7))):
        with pytest.raises(ValueError, match="row"):
            _native.RunF64(*arguments)
    for arguments in ((X[0], t, None), (X, t[None], None), ("X", t, None), ()):
        with pytest.raises(TypeError):
            _native.RunF64(*arguments)
    run = _native.RunF64(X, t, None)
    run.add(spec_of(), np.zeros(26))
    two = np.full(2, 0.1)
    for order in ([0, 8], [-1, 0], [2**62, 0]):
        with pytest.raises(ValueError, match="order must be row numbers"):
            run.run_epochs([(0, np.array(order), two[:1])], np.inf, 1)
    plans: list[Any] = [
        [(1, None, two)],
        [(-1, None, two)],
        [(0, None, np.ones(3))],  # more steps than batches
        [(0, np.zeros(0, np.int64), two[:1])],
        [(0, None, two), (0, None, two)],
    ]
    for plan in plans:
        with pytest.raises(ValueError, match=r"no such job|learning rates|one plan per job"):
            run.run_epochs(plan, np.inf, 2)
    calls: list[tuple[Any, ...]] = [
        (run.read_theta, 1, np.zeros(26)),
        (run.read_theta, 0, np.zeros(25)),
        (run.write_theta, 0, np.zeros(27)),
        (run.read_slot, 0, 1, np.zeros(26)),
        (run.read_slot, 0, -1, np.zeros(26)),
        (run.write_slot, 0, 0, np.zeros(3)),
        (run.counts, 4),
        (run.set_counts, -1, 0, 0, 1.0),
        (run.loss_and_gradient, 0, np.zeros(2), 1),
        (_native.RunF64(X[:0], t[:0], None).read_theta, 0, np.zeros(26)),
    ]
    for function, *arguments in calls:
        with pytest.raises(ValueError, match=r"."):
            function(*arguments)
    for out in (np.zeros(26, "f4"), np.zeros(52)[::2], np.zeros((26, 1)), np.zeros(26).tolist()):
        for function, *arguments in ((run.read_theta, 0), (run.read_slot, 0, 0)):
            with pytest.raises(TypeError):  # a copy would be written to, and lost
                function(*arguments, out)
        with pytest.raises(TypeError):
            run.loss_and_gradient(0, out, 1)
    empty = _native.RunF64(X[:0], t[:0], None)
    empty.add(spec_of(), np.zeros(26))
    with pytest.raises(ValueError, match="there are no rows"):
        empty.loss_and_gradient(0, np.zeros(26), 1)
    for number, n, m in ((8, 16, 16), (-1, 16, 16), (0, 15, 15), (0, 16, 32)):
        with pytest.raises(ValueError, match=r"."):
            _native.math(number, np.zeros(n), np.zeros(m))
    with pytest.raises(ValueError, match="one dtype"):
        NativeEngine(1).start([wide_job()[0], wide_job(dtype="float64")[0]], wide_job()[1])


# ---- the choice of the engine --------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["auto", "native", "reference"])
def test_the_engine_that_ran_is_told(engine: str) -> None:
    X, y = np.arange(12.0).reshape(6, 2) / 6, np.arange(6) % 2
    name = "reference" if engine == "reference" else "native"
    for optimizer in ("sgd", "adam", "lbfgs"):
        net = Network([2, 3, 2], output="softmax", seed=0)
        assert net.train(X, y, epochs=2, optimizer=optimizer, engine=engine).engine == name
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # not converged
        estimator = cp.MLPClassifier((3,), max_iter=2, engine=engine).fit(X, y)
    assert estimator.engine_ == name


def test_own_parts_run_on_the_reference_engine() -> None:
    X, t = np.zeros((4, 2)), np.zeros((4, 1))
    own = Activation("own", np.sin, lambda z, h: np.cos(z))
    named_like_ours = Activation("tanh", np.sin, lambda z, h: np.cos(z))

    class Mine(SGD):
        pass

    class Cauchy(cp.outputs.Linear):
        pass

    parts: list[tuple[dict[str, Any], dict[str, Any], str]] = [
        ({"hidden": own}, {}, "activation 'own'"),
        ({"hidden": named_like_ours}, {}, "activation 'tanh'"),
        ({"output": Cauchy()}, {}, "output unit .*Cauchy"),
        ({}, {"optimizer": Mine(0.1)}, "optimiser .*Mine"),
    ]
    for network, options, part in parts:
        message = f"^the native engine has no {part}"
        net = Network([2, 3, 1], seed=0, **network)
        with pytest.warns(UserWarning, match=message + ".*: the slow reference engine runs$") as w:
            history = net.train(X, t, epochs=1, **options)
        assert len(w) == 1
        assert history.engine == "reference"
        with pytest.raises(ValueError, match=message + ".*engine='reference' can run it$"):
            net.train(X, t, epochs=1, engine="native", **options)
        assert net.train(X, t, epochs=1, engine="reference", **options).engine == "reference"
    net = Network([2, 3, 1], hidden=own, seed=0)
    with pytest.raises(ValueError, match="the native engine has no activation 'own'"):
        NativeEngine(1).forward(net.architecture, net.theta, X)


def test_sparse_rows_are_never_made_dense_as_a_whole() -> None:
    resource = pytest.importorskip("resource")
    n, width = 4_000, 100_000  # 3.2 GB as a dense float64 matrix
    rng = np.random.default_rng(0)
    places = rng.integers(0, width, (n, 3))
    X = sparse.csr_matrix((np.ones(3 * n), (np.repeat(np.arange(n), 3), places.ravel())))
    X = sparse.csr_matrix((X.data, X.indices, X.indptr), shape=(n, width))
    net = Network([width, 2, 1])
    data = Data.from_arrays(net.architecture, X, rng.normal(size=n))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    train([Job(net.architecture, net.theta, SGD(0.01), epochs=1, batch_size=32)], data)
    NativeEngine(1).forward(net.architecture, net.theta, X)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 1_000_000  # kilobytes
