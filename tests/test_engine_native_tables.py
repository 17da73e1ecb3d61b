"""The native engine on networks for tables: fronts, scale, gains, slopes, factors and schedules.

Against the reference, which defines the numbers. Tests named test_numbers_… run once more for each
other instruction set of this machine.
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
from cases import BY_NAME
from scipy import sparse
from table_cases import (
    LINEAR,
    LOGISTIC,
    MANY,
    MISH,
    SELU,
    SOFTMAX,
    TABLE_CASES,
    TANH,
    TableCase,
    edges,
)

from clearprop import SGD, Adam, AdamW, Data, Job, NAdam, Network, Penalty, RMSprop, _native
from clearprop.activations import ACTIVATIONS
from clearprop.architecture import Architecture
from clearprop.embeddings import Embedding, Identity, Parallel, Periodic, PiecewiseLinear, Scale
from clearprop.engines import EpochPlan
from clearprop.engines.native import NativeEngine, compiled, predict, why_not
from clearprop.engines.reference import ReferenceEngine
from clearprop.layers import Dense, Dropout
from clearprop.schedules import CosLog4, FlatCosine
from clearprop.training import train

REFERENCE = ReferenceEngine()
SIZES = (1, 2, 3, 15, 16, 17, 31, 32, 33, 47, 48, 49)
each_dtype = pytest.mark.parametrize("dtype", ["float64", "float32"])


def data_of(case: TableCase, dtype: str) -> tuple[Network, Data]:
    net, X, t, w = case.make(dtype)
    t = net.output.targets(t, net.sizes[-1], net.theta.dtype)
    return net, Data(X.astype(dtype), t, None if w is None else w.astype(dtype))


def in_double(data: Data) -> Data:
    parts = (data.X, data.t, data.sample_weight)
    return Data(*(None if part is None else part.astype(np.float64) for part in parts))


def bound(net: Network, data: Data) -> float:
    """The rounding of the sums of each layer, over units below or rows, with reserve.

    Before the first dense layer: a sum over bins or frequencies, and 2πx·w + b, whose rounding
    sine and cosine pass on.
    """
    terms = 8 * len(net.sizes) + sum(net.sizes[:-1]) + len(data)
    for layer in columns_of(net.architecture):
        if isinstance(layer, PiecewiseLinear):
            # β is rounded to the dtype; 1/width makes that of the fraction larger by up to
            terms += 4 * max(
                max(abs(e) for e in of_column) / np.diff(of_column).min()
                for of_column in layer.edges
            )
        elif isinstance(layer, Periodic):
            terms += 8 * layer.n_frequencies
    return float(np.finfo(net.theta.dtype).eps) * float(terms)


def columns_of(architecture: Architecture) -> tuple[Any, ...]:
    first = architecture.layers[0]
    return first.layers if isinstance(first, Parallel) else (first,)


def apart(a: Any, b: Any) -> float:
    """The largest difference, relative to the largest entry of b."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    assert a.shape == b.shape
    return float(np.abs(a - b).max(initial=0) / (np.abs(b).max(initial=0) or 1.0))


# ---- forward, loss and gradient ------------------------------------------------------------------


def odd_cases() -> list[TableCase]:
    """Odd numbers of columns, units, bins, categories and rows; every activation with slopes."""
    rng = np.random.default_rng(0)
    names = itertools.cycle(ACTIVATIONS)
    cases = []
    for number, (size, n) in enumerate(itertools.product(SIZES, SIZES[::2])):
        a, b, c, d, k = (int(i) for i in rng.choice((1, 2, 3, 4, 5, 7, 8, 9), 5))
        fronts = [
            PiecewiseLinear(edges(*rng.integers(1, 12, a).tolist()), n_units=d, clip=1.0 + b),
            Periodic(a, k, d),
            Embedding(tuple(rng.integers(1, 20, b).tolist()), n_units=d),
            Identity(size),
        ]
        chosen = [fronts[i] for i in rng.permutation(4)[: 1 + number % 4]]
        front = chosen[0] if len(chosen) == 1 else Parallel(tuple(chosen))
        width = front.n_out
        layers: list[Any] = [front]
        if number % 3:
            layers.append(Scale(width))
        if number % 2:
            act = ACTIVATIONS[next(names)]
            layers.append(Dense(width, size, act, gain=width**-0.5, slope=number % 5 > 0))
        output = dataclasses.replace((LINEAR, LOGISTIC)[number % 2], K=c)
        cases.append(
            TableCase(f"odd-{number}", tuple(layers), output, n, 100 + number, last_gain=0.3 + c)
        )
    return cases


@each_dtype
@pytest.mark.parametrize("which", ["table", "odd"])
def test_numbers_of_every_case(which: str, dtype: str) -> None:
    """ŷ, z, ℒ and the gradient; float32 against the reference in float64 on the same numbers."""
    for case in TABLE_CASES if which == "table" else odd_cases():
        net, data = data_of(case, dtype)
        assert why_not(net.architecture) == "", case.name
        theta, exact, tol = net.theta.astype(np.float64), in_double(data), bound(net, data)
        engine = NativeEngine(1)
        for logits in (True, False):
            ours = engine.forward(net.architecture, net.theta, data.X, logits=logits)
            expected = REFERENCE.forward(net.architecture, theta, exact.X, logits=logits)
            assert ours.dtype == dtype
            assert apart(ours, expected) < tol, (case.name, logits)
        for penalty in (Penalty(), Penalty(l1=0.1, l2=0.2, alpha=0.3)):
            loss, g = engine.loss_and_gradient(net.architecture, net.theta, data, penalty)
            expected = REFERENCE.loss_and_gradient(net.architecture, theta, exact, penalty)
            assert g.dtype == dtype
            assert loss == pytest.approx(expected[0], rel=tol, abs=tol), case.name
            assert apart(g, expected[1]) < tol, case.name


@each_dtype
def test_numbers_of_mish(dtype: str) -> None:
    """φ within 4 ulp of the true value, φ′ within 8 ε; both come from longer numbers."""
    limit = 80.0 if dtype == "float32" else 650.0  # not yet denormal
    z = np.concatenate([np.linspace(-limit, limit, 50_001), np.linspace(-3, 3, 50_001)]).astype(
        dtype
    )
    net = Network([1, 1, 1], hidden="mish", output="linear", dtype=dtype)
    net.theta[...] = (1, 0, 1, 0)
    ours = NativeEngine(1).forward(net.architecture, net.theta, z[:, None])[:, 0]
    x = z.astype(np.longdouble)
    e = np.exp(np.minimum(x, 50))
    n = e * (e + 2)
    w = np.where(x < 50, n / (n + 2), 1)
    ulp = np.spacing(abs(x * w).astype(dtype)).astype(np.longdouble)
    assert float((abs(ours - x * w) / ulp)[x != 0].max()) <= 4
    slope = w + np.where(x < 50, 4 * x * e * (e + 1) / (n + 2) ** 2, 0)
    eps = float(np.finfo(dtype).eps)
    for i in range(0, len(z), 997):  # ∂ℒ/∂b⁽¹⁾ = ∂ℒ/∂ŷ φ′(z) for one row, ∂ℒ/∂ŷ = 1
        data = Data(z[i : i + 1, None], (ours[i : i + 1] - 1)[:, None])
        _, g = NativeEngine(1).loss_and_gradient(net.architecture, net.theta, data, Penalty())
        one = ours[i] - (ours[i] - 1)
        assert abs(g[1] - one * slope[i]) <= 8 * eps * max(1, abs(one))


def test_numbers_at_edges_and_far_from_them() -> None:
    """x on an edge, beyond the first and the last one, ±∞, NaN: what the definition says."""
    layer = PiecewiseLinear(((-1.0, 0.0, 0.5, 4.0), (0.0, 1.0)), n_units=2)
    architecture = Architecture((layer, Dense(6, 1, None)), BY_NAME["linear"].output)
    rng = np.random.default_rng(0)
    theta = rng.normal(size=architecture.n_parameters)
    x = np.array([-1e300, -5, -1, -0.5, 0, 0.25, 0.5, 1, 4, 7.5, 9, 1e10, 0.0])
    X = np.stack([x, x[::-1]], axis=1)
    for dtype, eps in (("float64", 1e-15), ("float32", 1e-6)):
        few = X[1:-1].astype(dtype)
        ours = NativeEngine(1).forward(architecture, theta.astype(dtype), few)
        expected = REFERENCE.forward(architecture, theta, few.astype(np.float64))
        assert apart(ours, expected) < 8 * eps
    for value in (np.nan, np.inf, -np.inf):  # x̃ is NaN
        for engine in (NativeEngine(1), REFERENCE):
            assert np.isnan(engine.forward(architecture, theta, np.full((1, 2), value))).all()


@each_dtype
def test_numbers_of_many_bins_and_categories(dtype: str) -> None:
    """More bins than a byte counts, more categories than one item of work takes."""
    rng = np.random.default_rng(0)
    bins = tuple(np.sort(rng.normal(size=700)))
    front = Parallel((PiecewiseLinear((bins, bins[:4])), Embedding((2500, 3), 5)))
    layers = (front, Scale(18), Dense(18, 5, TANH))
    case = TableCase("many", layers, LINEAR, n=300, seed=3)
    net, data = data_of(case, dtype)
    theta, exact, tol = net.theta.astype(np.float64), in_double(data), bound(net, data)
    ours = NativeEngine(2).loss_and_gradient(net.architecture, net.theta, data, Penalty(l1=0.01))
    expected = REFERENCE.loss_and_gradient(net.architecture, theta, exact, Penalty(l1=0.01))
    assert ours[0] == pytest.approx(expected[0], rel=tol)
    assert apart(ours[1], expected[1]) < tol
    if dtype == "float32":
        return
    job = Job(net.architecture, net.theta, Adam(0.01), epochs=4, batch_size=77)
    states = [train([job], data, engine=e)[0] for e in (NativeEngine(2), REFERENCE)]
    for name, value in states[0].engine_state.items():
        assert apart(value, states[1].engine_state[name]) < 1e-10, name


# ---- trajectories --------------------------------------------------------------------------------

OPTIMIZERS = [
    SGD(0.02, weight_decay=0.01),
    SGD(0.02, momentum=0.9),
    SGD(0.02, momentum=0.9, nesterov=True, weight_decay=0.01),
    Adam(CosLog4(0.03), beta_2=0.95, weight_decay=0.02),
    AdamW(0.02),
    RMSprop(0.02, weight_decay=0.01),
    NAdam(0.02, weight_decay=0.01),
]
FACTORS = {"s": 6.0, "alpha": 0.1, "b": 0.1, "V": 0.3, "E": 2.0, "w_1": 0.5, "b_1": 0.2, "b_2": 0.0}


def recipe_layers(H: int = 17, dropout: float = 0.1, scale: bool = True) -> tuple[Any, ...]:
    return (
        MANY,
        *((Scale(39),) if scale else ()),
        Dense(39, H, MISH, gain=39**-0.5, slope=True),
        Dropout(dropout),
        Dense(H, 9, SELU, gain=H**-0.5, slope=True),
        Dropout(2 * dropout),
    )


def trajectory(engine: Any, dtype: str, layers: tuple[Any, ...], **options: Any) -> Any:
    """50 steps on batches of 17, with weights, factors and schedules."""
    case = TableCase("trajectory", layers, SOFTMAX, n=17 * 10 - 3, seed=5, last_gain=1 / 3)
    net, data = data_of(case, "float64")
    parts = (data.X, data.t, data.sample_weight)
    data = Data(*(None if part is None else part.astype(dtype) for part in parts))
    options = {
        "epochs": 5,
        "batch_size": 17,
        "rate_factors": FACTORS,
        "dropout_schedule": FlatCosine(1.5),
        "decay_schedule": FlatCosine(1.0),
        "seed": 8,
    } | options
    job = Job(net.architecture, net.theta.astype(dtype), **options)
    (state,) = train([job], data, engine=engine)
    assert state.n_steps == 50
    return state


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
@pytest.mark.parametrize("clip", [None, 0.3])
@pytest.mark.parametrize("scale", [True, False])
def test_numbers_of_trajectories(optimizer: Any, clip: float | None, scale: bool) -> None:
    options = {"optimizer": optimizer, "clip_norm": clip, "layers": recipe_layers(scale=scale)}
    options["rate_factors"] = {k: f for k, f in FACTORS.items() if scale or k != "s"}
    penalty = {"penalty": Penalty(l1=1e-3, l2=1e-2, alpha=1e-2)}
    exact = trajectory(REFERENCE, "float64", **options, **penalty)
    ours = trajectory(NativeEngine(1), "float64", **options, **penalty)
    # a kink met from the other side, or sign(w), would turn a rounding into another path: none is
    assert ours.history.loss == pytest.approx(exact.history.loss, rel=1e-10)
    assert ours.engine_state.keys() == exact.engine_state.keys()
    for name, value in ours.engine_state.items():
        assert apart(value, exact.engine_state[name]) < 1e-10, name
    # float32: as near to the exact path as NumPy in float32 is, up to the luck of the rounding
    exact = trajectory(REFERENCE, "float64", **options)
    single, numpy = (
        apart(trajectory(engine, "float32", **options).theta, exact.theta)
        for engine in (NativeEngine(1), REFERENCE)
    )
    assert single < 4 * numpy + 1e-6


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_numbers_of_slopes_with_every_activation(activation: str) -> None:
    layers = (Dense(3, 19, ACTIVATIONS[activation], gain=0.7, slope=True), Dropout(0.3))
    options = {"optimizer": Adam(0.01), "layers": layers, "rate_factors": {"alpha": 3.0}}
    exact = trajectory(REFERENCE, "float64", **options)
    ours = trajectory(NativeEngine(1), "float64", **options)
    for name, value in ours.engine_state.items():
        assert apart(value, exact.engine_state[name]) < 1e-11, name


@pytest.mark.parametrize("factor", [0.0, 0.3, 1.0, 1.7, 1e6])
@pytest.mark.parametrize(("H", "n"), [(1, 33), (16, 40), (21, 17), (37, 65)])
def test_numbers_of_dropout_masks_with_a_factor(H: int, n: int, factor: float) -> None:
    """z = 0 and ∂ℒ/∂z = 1, as in tests of masks without one: a step holds the sums of the masks."""
    net = Network([1, H, 1], hidden="identity", initializer="zeros", dropout=0.37)
    net.b[0][...] = 1
    powers = 3.0 ** -np.arange(n)
    data = Data(np.zeros((n, 1)), -powers[:, None] * n)
    job = Job(net.architecture, net.theta, SGD(1.0), batch_size=n, seed=77)
    thetas = []
    for engine in (NativeEngine(1), REFERENCE):
        run = engine.start([job], data)
        engine.run_epochs(run, {0: EpochPlan(None, np.ones(1), dropout=np.array([factor]))})
        thetas.append(engine.read(run, 0)["theta"])
    np.testing.assert_allclose(*thetas, rtol=1e-13, atol=0)


@pytest.mark.parametrize("clip", [None, 0.3])
def test_numbers_of_batches_in_blocks(clip: float | None) -> None:
    """More rows than are done at a time: the masks, weights and penalties are of one batch."""
    case = TableCase("blocks", recipe_layers(dropout=0.2), SOFTMAX, n=700, seed=5)
    net, data = data_of(case, "float64")
    n = 13_000
    job = Job(
        net.architecture,
        net.theta,
        Adam(0.01),
        batch_size=9000,
        penalty=Penalty(l1=1e-3, l2=1e-2, alpha=1.0),
        clip_norm=clip,
        rate_factors=FACTORS,
        seed=5,
    )
    rows = np.random.default_rng(0).integers(0, 700, n)
    plan = EpochPlan(rows, np.full(2, 0.01), dropout=np.array([1.0, 0.4]))  # 9,000 rows, 4,000
    outcomes = []
    for engine in (REFERENCE, NativeEngine(1), NativeEngine(2), NativeEngine(8)):
        run = engine.start([job], data)
        results = [engine.run_epochs(run, {0: plan})[0] for _ in range(2)]
        assert [(r.n_steps, r.n_samples) for r in results] == [(2, n)] * 2
        outcomes.append((results[-1].loss, engine.read(run, 0)))
    exact, first = outcomes[0], outcomes[1]
    assert first[0] == pytest.approx(exact[0], rel=1e-12)
    for name, value in exact[1].items():
        assert apart(first[1][name], value) < 1e-10, name
        for _, state in outcomes[2:]:
            np.testing.assert_array_equal(state[name], first[1][name])


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


# ---- bits ----------------------------------------------------------------------------------------


def wide_job(dtype: str = "float32", **options: Any) -> tuple[Job, Data]:
    """Enough work for several threads, sizes that do not divide."""
    front = Parallel(
        (PiecewiseLinear(edges(*range(3, 30))), Identity(9), Periodic(3), Embedding((2000, 7)))
    )
    width = front.n_out
    layers = (
        front,
        Scale(width),
        Dense(width, 129, SELU, gain=width**-0.5, slope=True),
        Dropout(0.1),
        Dense(129, 63, MISH, gain=129**-0.5, slope=True),
    )
    net, data = data_of(TableCase("wide", layers, SOFTMAX, n=700, seed=2), dtype)
    options = {
        "epochs": 2,
        "batch_size": 300,
        "seed": 3,
        "rate_factors": {"s": 6.0},
        "dropout_schedule": FlatCosine(1.0),
    } | options
    return Job(net.architecture, net.theta, Adam(0.01, weight_decay=0.1), **options), data


@each_dtype
@pytest.mark.parametrize("clip", [None, 0.5])
def test_bits_do_not_depend_on_threads(dtype: str, clip: float | None) -> None:
    job, data = wide_job(dtype, clip_norm=clip)
    (first,) = train([job], data, engine=NativeEngine(1))
    penalty = Penalty(l1=0.1, alpha=0.2)
    many = Data(np.tile(data.X, (8, 1)), np.tile(data.t, (8, 1)))  # several blocks of rows
    y_hat = NativeEngine(1).forward(job.architecture, first.theta, many.X)
    loss, g = NativeEngine(1).loss_and_gradient(job.architecture, first.theta, many, penalty)
    for n_threads in (1, 2, 3, 8):
        engine = NativeEngine(n_threads)
        (state,) = train([job], data, engine=engine)
        assert state.history.loss == first.history.loss
        for name, value in state.engine_state.items():
            np.testing.assert_array_equal(value, first.engine_state[name])
        np.testing.assert_array_equal(engine.forward(job.architecture, first.theta, many.X), y_hat)
        again = engine.loss_and_gradient(job.architecture, first.theta, many, penalty)
        assert again[0] == loss
        np.testing.assert_array_equal(again[1], g)


def test_bits_do_not_depend_on_other_jobs() -> None:
    job, data = wide_job()
    (expected,) = train([job], data, engine=NativeEngine(1))
    rng = np.random.default_rng(0)
    for n_threads, n_jobs in itertools.product((1, 2, 3, 8), (2, 9)):
        others = [
            dataclasses.replace(job, batch_size=int(rng.integers(50, 700)), seed=k)
            for k in range(n_jobs - 1)
        ]
        at = int(rng.integers(n_jobs))
        states = train([*others[:at], job, *others[at:]], data, engine=NativeEngine(n_threads))
        np.testing.assert_array_equal(states[at].theta, expected.theta)


def test_jobs_with_other_edges_over_the_same_data() -> None:
    """Each finds its own bins, also those that come after one with the same edges."""
    rng = np.random.default_rng(0)
    data = Data(rng.normal(size=(90, 2)), rng.normal(size=(90, 1)))
    jobs = []
    for bins in ((3, 9), (9, 3), (3, 9), (200, 300)):
        layers = (PiecewiseLinear(edges(*bins)), Dense(8, 1, None))
        architecture = Architecture(layers, LINEAR.output)
        theta = rng.normal(size=architecture.n_parameters)
        jobs.append(Job(architecture, theta, Adam(0.01), epochs=3))
    together = train(jobs, data, engine=NativeEngine(2))
    for job, state in zip(jobs, together, strict=True):
        (alone,) = train([job], data, engine=NativeEngine(1))
        np.testing.assert_array_equal(state.theta, alone.theta)
        (exact,) = train([job], data, engine=REFERENCE)
        assert apart(state.theta, exact.theta) < 1e-11


@each_dtype
def test_a_restored_state_goes_on_bit_for_bit(dtype: str) -> None:
    job, data = wide_job(dtype)
    engine = NativeEngine(2)
    order = np.random.default_rng(0).permutation(700)
    plan = EpochPlan(order, np.full(3, 0.01), np.array([1.0, 0.5, 0.2]), np.array([1.0, 0.0, 2.0]))
    run = engine.start([job], data)
    engine.run_epochs(run, {0: plan})
    middle = engine.read(run, 0)
    engine.run_epochs(run, {0: plan})
    end = engine.read(run, 0)
    for run_again in (run, engine.start([job], data)):
        engine.restore(run_again, 0, middle)
        for name, value in engine.read(run_again, 0).items():
            np.testing.assert_array_equal(value, middle[name])
        engine.run_epochs(run_again, {0: plan})
        for name, value in engine.read(run_again, 0).items():
            np.testing.assert_array_equal(value, end[name])
    last = engine.read(run, 0, last=True)
    np.testing.assert_array_equal(last["theta"], end["theta"])


@each_dtype
def test_a_row_is_predicted_as_in_a_batch(dtype: str) -> None:
    for case in (*TABLE_CASES, *odd_cases()[::5]):
        net, X, _, _ = dataclasses.replace(case, n=131).make(dtype)
        X = X.astype(dtype)
        handle = compiled(net.architecture, net.theta)
        for logits in (False, True):
            whole = predict(handle, X, None, logits, 1)
            rows = np.stack([predict(handle, x, None, logits, 1) for x in X])
            np.testing.assert_array_equal(rows, whole, err_msg=case.name)
            for n in (2, 5, 16, 17, 48, 50):
                np.testing.assert_array_equal(predict(handle, X[:n], None, logits, 3), whole[:n])


# ---- trouble -------------------------------------------------------------------------------------


@pytest.mark.parametrize("units", [9, 600])  # 600: copies of the state only where there is doubt
@pytest.mark.parametrize("what", ["nan_X", "nan_t", "explodes", "scale", "embedding"])
def test_numbers_that_are_none(what: str, units: int) -> None:
    """The step, layer and row of the reference, and the state before the bad step."""
    front = Parallel((PiecewiseLinear(edges(3, 5)), Periodic(1), Embedding((1000 + units,))))
    width = front.n_out
    layers = (front, Scale(width), Dense(width, units, SELU, gain=0.2, slope=True), Dropout(0.2))
    if units > 9:
        layers = (*layers, Dense(units, units, TANH, slope=True, gain=units**-0.5))
    outcomes = []
    for engine in (NativeEngine(1), NativeEngine(2), REFERENCE):
        net, data = data_of(TableCase(what, layers, LINEAR, n=40, seed=2), "float64")
        optimizer: Any = SGD(0.01)
        factors = {}
        if what == "nan_X":
            data.X[37, 1] = np.nan
        elif what == "nan_t":
            data.t[21, 0] = np.nan
        elif what == "explodes":
            optimizer = SGD(1e3)
        else:
            optimizer = SGD(1e-2)
            factors = {"s" if what == "scale" else "E": 1e160}
        job = Job(net.architecture, net.theta, optimizer, batch_size=8, rate_factors=factors)
        run = engine.start([job], data)
        order = np.random.default_rng(1).permutation(40)
        steps = 0
        for _ in range(30):
            rates = np.full(5, float(optimizer.learning_rate))
            plan = EpochPlan(order, rates, dropout=np.linspace(1, 0, 5))
            (result,) = engine.run_epochs(run, {0: plan}).values()
            steps += result.n_steps
            if result.nonfinite:
                break
        outcomes.append((result, steps, engine.read(run, 0)))
    expected, n_steps, _ = outcomes[-1]
    assert expected.nonfinite is not None
    for result, steps, ours in outcomes[:-1]:
        assert (result.nonfinite, steps) == (expected.nonfinite, n_steps)
        assert all(np.isfinite(value).all() for value in ours.values())
        engine = NativeEngine(1)
        run = engine.start([job], data)  # bit for bit the state of a run that ends there
        for done in range(0, steps, 5):
            now = min(5, steps - done)
            plan = EpochPlan(order, rates[:now], dropout=np.linspace(1, 0, 5)[:now])
            engine.run_epochs(run, {0: plan})
        for key, value in engine.read(run, 0).items():
            np.testing.assert_array_equal(value, ours[key])


@pytest.mark.parametrize("value", [-1.0, 4.0, 0.5, np.nan, np.inf])
def test_what_is_no_category(value: float) -> None:
    architecture = Architecture(
        (Parallel((Identity(1), Embedding((9, 4)))), Dense(17, 2, None)), LINEAR.output
    )
    theta = np.zeros(architecture.n_parameters)
    X = np.zeros((6, 3))
    X[5, 2] = value
    data = Data(X, np.zeros((6, 2)))
    for engine in (NativeEngine(1), REFERENCE):
        message = r"X must hold whole numbers 0 … 3 in category column 1; got .* in row 5"
        with pytest.raises(ValueError, match=message):
            engine.forward(architecture, theta, X)
        with pytest.raises(ValueError, match=message):
            engine.loss_and_gradient(architecture, theta, data, Penalty())
    with pytest.raises(ValueError, match=message):
        NativeEngine(1).start([Job(architecture, theta, SGD())], data)
    handle = compiled(architecture, theta)
    many = np.zeros((2**20, 3), order="F")  # converted in parts
    many[-1, 2] = value
    with pytest.raises(ValueError, match=f"in row {2**20 - 1}"):
        predict(handle, many, None, False, 1)


def test_a_sparse_X_needs_a_dense_first_layer() -> None:
    net, data = data_of(next(c for c in TABLE_CASES if c.name == "piecewise"), "float64")
    X = sparse.csr_array(data.X)
    engine = NativeEngine(1)
    with pytest.raises(ValueError, match="needs a dense X"):
        engine.forward(net.architecture, net.theta, X)
    with pytest.raises(ValueError, match="needs a dense X"):
        engine.start([Job(net.architecture, net.theta, SGD())], Data(X, data.t))
    for name in ("gain", "slope"):  # these have one
        net, data = data_of(next(c for c in TABLE_CASES if c.name == name), "float64")
        X = sparse.csr_array(data.X)
        expected = REFERENCE.forward(net.architecture, net.theta, data.X)
        assert apart(engine.forward(net.architecture, net.theta, X), expected) < 1e-14
        ours = engine.loss_and_gradient(net.architecture, net.theta, Data(X, data.t), Penalty())
        expected = REFERENCE.loss_and_gradient(
            net.architecture, net.theta, Data(data.X, data.t), Penalty()
        )
        assert apart(ours[1], expected[1]) < 1e-14


def test_bfloat16_is_for_plain_networks() -> None:
    for name in ("gain", "slope", "scale", "embedding"):
        net, data = data_of(next(c for c in TABLE_CASES if c.name == name), "float32")
        job = Job(net.architecture, net.theta, SGD(), precision="bfloat16")
        with pytest.raises(ValueError, match="bfloat16"):
            NativeEngine(1).start([job], data)


def test_what_the_engine_has_not() -> None:
    inner = Dense(3, 2, TANH)
    cases = [
        ((inner, Scale(2), Dense(2, 1, None)), "no layer 'scale' in this place"),
        ((Scale(3), Scale(3), Dense(3, 1, None)), "no layer 'scale' in this place"),
        ((inner, Identity(2), Dense(2, 1, None)), "no layer 'identity' in this place"),
        ((Parallel((Parallel((Identity(3),)),)), Dense(3, 1, None)), "'parallel' in this place"),
        ((Dropout(0.1), inner, Dense(2, 1, None)), "no dropout but after a dense layer"),
        ((Scale(3), Dropout(0.1), Dense(3, 1, None)), "no dropout but after a dense layer"),
    ]
    for layers, reason in cases:
        architecture = Architecture(layers, LINEAR.output)
        assert reason in why_not(architecture)
        with pytest.raises(ValueError, match=reason):
            NativeEngine(1).forward(
                architecture, np.zeros(architecture.n_parameters), np.ones((1, 3))
            )


def part_of(**changes: Any) -> Any:
    part = _native.PartSpec()
    fields = {"kind": 1, "n": 1, "n_units": 2, "clip": 3.0, "edges": [[0.0, 1.0]]}
    for name, value in (fields | changes).items():
        setattr(part, name, value)
    return part


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": -1},
        {"kind": 4},
        {"n": 0},
        {"n_units": 0},
        {"n_units": -1},
        {"clip": 0.0},
        {"edges": []},
        {"edges": [[0.0]]},
        {"n": 2},
        {"n_units": 3},
        {"kind": 2},
        {"kind": 3},
        {"kind": 3, "sizes": [0]},
    ],
    ids=str,
)
def test_a_wrong_description_is_an_exception(changes: Any) -> None:
    run = _native.RunF64(np.zeros((8, 1)), np.zeros((8, 2)), None)

    def spec_of(**changes: Any) -> Any:
        spec = _native.JobSpec()
        spec.sizes, spec.parts, spec.batch_size = [3, 2], [part_of(**changes)], 4
        return spec

    with pytest.raises(ValueError, match=r"."):
        run.add(spec_of(**changes), np.zeros(10))
    with pytest.raises(ValueError, match="theta has another length"):
        run.add(spec_of(), np.zeros(11))
    assert run.add(spec_of(), np.zeros(10)) == 0  # what failed has left nothing behind
