"""The native engine against the reference: every kernel, both dtypes, NaN at the same place.

Tests named test_numbers_… run once more for each other instruction set of this machine.
"""

from __future__ import annotations

import dataclasses
import itertools
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from against_reference import REFERENCE, apart, check_numbers, each_dtype, in_double
from cases import BY_NAME, CASES, STEPPERS, Case, draw_targets
from own_python import python

import clearprop as cp
from clearprop import SGD, Adam, Data, Job, Network, Penalty, _native
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


# ---- instruction sets ----------------------------------------------------------------------------


@pytest.mark.parametrize("isa", [i for i in _native.available_isas() if i != _native.isa()])
def test_every_instruction_set(isa: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    command += ["-k", "test_numbers", "-p", "no:xdist", "test_native.py", "test_native_math.py"]
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
