"""The native engine on networks for tables: fronts, scale, gains, slopes, factors and schedules.

Against the reference, which defines the numbers. Tests named test_numbers_… run once more for each
other instruction set of this machine.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from against_reference import REFERENCE, apart, check_numbers, each_dtype, in_double
from cases import BY_NAME, STEPPERS
from table_cases import (
    LINEAR,
    MANY,
    MISH,
    RELU,
    SELU,
    SOFTMAX,
    TABLE_CASES,
    TANH,
    TableCase,
    data_of,
    odd_cases,
)

from clearprop import SGD, Adam, AdamW, Data, Job, Network, Penalty, _native
from clearprop.activations import ACTIVATIONS
from clearprop.architecture import Architecture
from clearprop.embeddings import Embedding, EmbeddingBag, Parallel, Periodic, PiecewiseLinear, Scale
from clearprop.engines import EpochPlan
from clearprop.engines.native import NativeEngine
from clearprop.engines.native_specs import why_not
from clearprop.layers import Dense, Dropout
from clearprop.monotone import Monotone
from clearprop.outputs import OUTPUTS
from clearprop.schedules import CosLog4, FlatCosine
from clearprop.training import train


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
        elif isinstance(layer, EmbeddingBag):
            terms += 2 * layer.n_codes
    return float(np.finfo(net.theta.dtype).eps) * float(terms)


def columns_of(architecture: Architecture) -> tuple[Any, ...]:
    first = architecture.layers[0]
    return first.layers if isinstance(first, Parallel) else (first,)


# ---- forward, loss and gradient ------------------------------------------------------------------


@each_dtype
@pytest.mark.parametrize("which", ["table", "odd"])
def test_numbers_of_every_case(which: str, dtype: str) -> None:
    """ŷ, z, ℒ and the gradient; float32 against the reference in float64 on the same numbers."""
    for case in TABLE_CASES if which == "table" else odd_cases():
        net, data = data_of(case, dtype)
        assert why_not(net.architecture) == "", case.name
        check_numbers(net, data, bound(net, data), case.name)


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
    parts = PiecewiseLinear((bins, bins[:4])), Embedding((2500, 3), 5), EmbeddingBag((9000, 2), 7)
    layers = (Parallel(parts), Scale(34), Dense(34, 5, TANH))
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
    *(
        kind(0.02, weight_decay=0.01)
        for kind in STEPPERS.values()
        if kind not in (SGD, Adam, AdamW)
    ),
]
FACTORS = {"s": 6.0, "slope": 0.1, "b": 0.1, "V": 0.3, "E": 2.0, "w_1": 0.5, "b_1": 0.2, "b_2": 0.0}


def recipe_layers(H: int = 17, dropout: float = 0.1, scale: bool = True) -> tuple[Any, ...]:
    return (
        MANY,
        *((Scale(39),) if scale else ()),
        Dense(39, H, MISH, gain=39**-0.5, slope=True),
        Dropout(dropout),
        Dense(H, 9, SELU, gain=H**-0.5, slope=True),
        Dropout(2 * dropout),
    )


def trajectory(
    engine: Any,
    dtype: str,
    layers: tuple[Any, ...],
    monotone: Monotone | None = None,
    **options: Any,
) -> Any:
    """50 steps on batches of 17, with weights, factors and schedules."""
    output = SOFTMAX if monotone is None else LINEAR
    case = TableCase(
        "trajectory", layers, output, n=17 * 10 - 3, seed=5, last_gain=1 / 3, monotone=monotone
    )
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
    penalty = {"penalty": Penalty(l1=1e-3, l2=1e-2, l2_per_batch=1e-2)}
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


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
@pytest.mark.parametrize("clip", [None, 0.3])
@pytest.mark.parametrize("scale", [True, False])
def test_numbers_of_monotone_networks(optimizer: Any, clip: float | None, scale: bool) -> None:
    """Every step ends within the bounds, on the same numbers as the reference's."""
    layers = recipe_layers(scale=scale)
    layers = tuple(replace(x, activation=RELU) if isinstance(x, Dense) else x for x in layers)
    options = {
        "optimizer": optimizer,
        "clip_norm": clip,
        "rate_factors": {k: f for k, f in FACTORS.items() if scale or k != "s"},
        "monotone": Monotone((0, -1, 1, 1, -1, 0, 0, 0, 0, 0), (5, 3)),
    }
    exact = trajectory(REFERENCE, "float64", layers, **options)
    ours = trajectory(NativeEngine(1), "float64", layers, **options)
    assert ours.history.loss == pytest.approx(exact.history.loss, rel=1e-10)
    for name, value in ours.engine_state.items():
        assert apart(value, exact.engine_state[name]) < 1e-10, name
    case = TableCase("bounds", layers, LINEAR, monotone=options["monotone"], last_gain=1 / 3)
    low, high = case.make().net.architecture.bounds or (None, None)
    assert low is not None
    assert high is not None
    for state in (ours, trajectory(NativeEngine(1), "float32", layers, **options)):
        assert ((low <= state.theta) & (state.theta <= high)).all()
    bounded = np.isfinite(low) | np.isfinite(high)
    assert (bounded & (low < high) & ((ours.theta == low) | (ours.theta == high))).any()


def test_numbers_of_relu_units_that_keep_the_order() -> None:
    """z + s(relu(z) − z) in float32 never falls where z rises, for any s ≤ 1, near any z."""
    rng = np.random.default_rng(0)
    architecture = Architecture(
        (Dense(1, 64, RELU, slope=True), Dense(64, 64, None)), OUTPUTS["linear"]()
    )
    starts = -np.concatenate([2.0 ** np.arange(-20, 20), rng.lognormal(0, 9, 400)])
    steps = np.arange(-40, 40)  # ulps around each
    z = np.float32(starts)[:, None].view(np.int32) - steps.astype(np.int32)
    z = np.sort(z.view(np.float32), axis=1)
    for slopes in (rng.uniform(0.7, 1, 64), 1 - 2.0 ** -rng.uniform(1, 24, 64), -rng.random(64)):
        theta = np.zeros(architecture.n_parameters, np.float32)
        first, last = architecture.unpack(theta)
        first["W"][...], first["slope"][...], last["W"][...] = 1, slopes, np.eye(64)
        h = NativeEngine(1).forward(architecture, theta, z.reshape(-1, 1))
        assert (np.diff(h.reshape(*z.shape, 64), axis=1) >= 0).all()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_numbers_of_slopes_with_every_activation(activation: str) -> None:
    layers = (Dense(3, 19, ACTIVATIONS[activation], gain=0.7, slope=True), Dropout(0.3))
    options = {"optimizer": Adam(0.01), "layers": layers, "rate_factors": {"slope": 3.0}}
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
        penalty=Penalty(l1=1e-3, l2=1e-2, l2_per_batch=1.0),
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
    others = str(Path(__file__).with_name("test_native_table_runs.py"))
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", __file__]
    command += [others, "-k", "test_numbers", "-p", "no:xdist"]
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
