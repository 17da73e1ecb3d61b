"""The six operations of an engine, as every engine must have them."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import numpy as np
import pytest
from cases import CASES, GRID, STEPPERS, Case
from scipy import sparse

from clearprop import SGD, Adam, Data, Job, Network, Penalty
from clearprop.engines import Engine, EpochPlan, NonFinite, get_engine
from clearprop.engines.native import NativeEngine
from clearprop.engines.nonfinite import QUANTITIES, locate_nonfinite
from clearprop.engines.reference import ReferenceEngine, clip
from clearprop.initializers import constant_weights

EPS = float(np.finfo(np.float64).eps)
ENGINES: list[Engine] = [ReferenceEngine(), NativeEngine(1), NativeEngine(2)]
each_engine = pytest.mark.parametrize("engine", ENGINES, ids=("reference", "native", "native2"))
SOME = [case for case in (*GRID[::11], *CASES[len(GRID) :]) if not case.dropout]
each_case = pytest.mark.parametrize("case", SOME, ids=lambda case: case.name)


def data_of(case: Case, dtype: str = "float64") -> tuple[Network, Data]:
    net, X, t, w = case.make(dtype)
    t = net.output.targets(t, net.sizes[-1], net.theta.dtype)
    return net, Data(X, t, None if w is None else w.astype(dtype))


def started(
    engine: Engine, optimizer: Any = None, n: int = 20, **options: Any
) -> tuple[Any, Network, Data]:
    """A run of one job on n rows in batches of 8."""
    rng = np.random.default_rng(0)
    net = Network([3, 5, 2], hidden="tanh", seed=0, dropout=options.pop("dropout", 0.0))
    data = Data(rng.normal(size=(n, 3)), rng.normal(size=(n, 2)))
    optimizer = SGD(0.1) if optimizer is None else optimizer
    job = Job(net.architecture, net.theta.copy(), optimizer, batch_size=8, **options)
    return engine.start([job], data), net, data


def plan(n_steps: int = 3, order: Any = None) -> dict[int, EpochPlan]:
    return {0: EpochPlan(order, np.full(n_steps, 0.1))}


# ---- forward, loss and gradient ------------------------------------------------------------------


@each_engine
@each_case
def test_forward_is_the_definitions(engine: Engine, case: Case) -> None:
    net, data = data_of(case)
    trace = net.forward(data.X)
    scale = np.abs(trace.z[-1]).max()
    z = engine.forward(net.architecture, net.theta, data.X, logits=True)
    np.testing.assert_allclose(z, trace.z[-1], rtol=0, atol=1e3 * EPS * scale)
    y_hat = engine.forward(net.architecture, net.theta, data.X)
    np.testing.assert_allclose(y_hat, trace.y_hat, rtol=0, atol=1e3 * EPS * np.abs(y_hat).max())


@each_engine
@each_case
def test_loss_and_gradient_are_the_definitions(engine: Engine, case: Case) -> None:
    net, data = data_of(case)
    _, X, t, w = case.make()
    loss, gradient = engine.loss_and_gradient(net.architecture, net.theta, data, Penalty())
    expected = net.backward(net.forward(X), t, w).theta
    assert loss == pytest.approx(net.loss(X, t, w), rel=1e-13)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e3 * EPS * scale)


@each_engine
@pytest.mark.parametrize(
    "penalty",
    [
        Penalty(l1=0.3),
        Penalty(l2=0.7),
        Penalty(l2_per_batch=2.0),
        Penalty(l1=0.1, l2=0.2, l2_per_batch=0.3),
    ],
    ids=repr,
)
@pytest.mark.parametrize("weighted", [False, True])
def test_penalties_are_in_the_loss_and_their_derivative_in_the_gradient(
    engine: Engine, penalty: Penalty, weighted: bool
) -> None:
    case = next(c for c in GRID if c.name.startswith("tanh-linear-2"))
    net, data = data_of(dataclasses.replace(case, weighted=weighted))
    theta = net.theta.copy()
    loss, gradient = engine.loss_and_gradient(net.architecture, theta, data, penalty)
    plain, _ = engine.loss_and_gradient(net.architecture, theta, data, Penalty())
    weights = np.concatenate([W.ravel() for W in net.W])
    n = len(data) if data.sample_weight is None else data.sample_weight.sum()
    squares = (penalty.l2 + penalty.l2_per_batch / n) / 2 * (weights**2).sum()
    assert loss - plain == pytest.approx(penalty.l1 * np.abs(weights).sum() + squares, rel=1e-12)
    s = 1e-6
    for i in range(len(theta)):
        values = []
        for sign in (1, -1):
            moved = theta.copy()
            moved[i] += sign * s
            values.append(engine.loss_and_gradient(net.architecture, moved, data, penalty)[0])
        # error: s² plus eps·ℒ/s
        assert (values[0] - values[1]) / (2 * s) == pytest.approx(gradient[i], rel=1e-6, abs=1e-8)


@each_engine
def test_the_penalty_leaves_biases_and_zero_weights_alone(engine: Engine) -> None:
    net = Network([3, 4, 2], initializer="zeros")
    for b in net.b:
        b[...] = 5
    data = Data(np.zeros((6, 3)), np.full((6, 2), 5.0))
    _, gradient = engine.loss_and_gradient(
        net.architecture, net.theta, data, Penalty(l1=1, l2=1, l2_per_batch=1)
    )
    assert not gradient.any()


@each_engine
def test_sparse_and_float32(engine: Engine) -> None:
    case = next(c for c in GRID if c.name == "tanh-softmax-2")
    net, data = data_of(case)
    thin = dataclasses.replace(data, X=sparse.csr_matrix(data.X))
    for d in (data, thin):
        loss, gradient = engine.loss_and_gradient(net.architecture, net.theta, d, Penalty(l2=0.1))
        if d is data:
            expected = loss, gradient
    assert loss == pytest.approx(expected[0], rel=1e-13)
    np.testing.assert_allclose(gradient, expected[1], rtol=1e-10, atol=1e-14)
    y = engine.forward(net.architecture, net.theta, thin.X)
    np.testing.assert_allclose(y, engine.forward(net.architecture, net.theta, data.X), rtol=1e-12)
    small, data32 = data_of(case, "float32")
    loss, gradient = engine.loss_and_gradient(
        small.architecture, small.theta, data32, Penalty(1, 1)
    )
    assert gradient.dtype == np.float32
    assert engine.forward(small.architecture, small.theta, data32.X).dtype == np.float32


@each_engine
def test_overflow_gives_no_warning(engine: Engine) -> None:
    net = Network([1, 1], output="poisson", initializer="zeros")
    net.W[0][...] = 1e4
    data = Data(np.ones((1, 1)), np.ones((1, 1)))
    assert engine.forward(net.architecture, net.theta, data.X) == np.inf
    loss, gradient = engine.loss_and_gradient(net.architecture, net.theta, data, Penalty())
    assert loss == np.inf
    assert (gradient == np.inf).all()


# ---- runs ----------------------------------------------------------------------------------------


@each_engine
def test_an_epoch_follows_its_plan(engine: Engine) -> None:
    run, net, data = started(engine)
    order = np.random.default_rng(1).permutation(20)
    rates = np.array([0.1, 0.2, 0.3])
    (result,) = engine.run_epochs(run, {0: EpochPlan(order, rates)}).values()
    assert (result.n_steps, result.n_samples, result.nonfinite) == (3, 20, None)
    total = 0.0
    for step, rows in enumerate((order[:8], order[8:16], order[16:])):
        X, t = data.X[rows], data.t[rows]
        total += net.loss(X, t) * len(rows)
        net.theta -= rates[step] * net.backward(net.forward(X), t).theta
    state = engine.read(run, 0)
    np.testing.assert_allclose(state["theta"], net.theta, rtol=0, atol=1e-14)
    assert result.loss == pytest.approx(total / 20, rel=1e-13)
    assert state["n_steps"] == 3


@each_engine
def test_fewer_rates_than_batches_make_a_shorter_epoch(engine: Engine) -> None:
    run, _, _ = started(engine)
    (result,) = engine.run_epochs(run, plan(2)).values()
    assert (result.n_steps, result.n_samples) == (2, 16)
    assert result.loss > 0


@each_engine
def test_what_is_read_is_a_copy_and_the_start_is_not_written_to(engine: Engine) -> None:
    rng = np.random.default_rng(0)
    net = Network([3, 2], seed=0)
    before = net.theta.copy()
    data = Data(rng.normal(size=(9, 3)), rng.normal(size=(9, 2)))
    copies = [data.X.copy(), data.t.copy()]
    run = engine.start([Job(net.architecture, net.theta, Adam(0.1))], data)
    first = engine.read(run, 0)
    for array in first.values():
        array[...] = 99
    np.testing.assert_array_equal(engine.read(run, 0)["theta"], before)
    engine.run_epochs(run, plan(1))
    state = engine.read(run, 0)
    engine.run_epochs(run, plan(1))
    assert (engine.read(run, 0)["theta"] != state["theta"]).any()
    np.testing.assert_array_equal(net.theta, before)
    for a, b in zip((data.X, data.t), copies, strict=True):
        np.testing.assert_array_equal(a, b)


@each_engine
def test_only_what_is_asked_for_is_read(engine: Engine) -> None:
    run, _, _ = started(engine, Adam(0.1))
    assert set(engine.read(run, 0)) == {"theta", "n_steps", "step", "m", "v"}
    assert set(engine.read(run, 0, only=("theta",))) == {"theta"}


@each_engine
@pytest.mark.parametrize(
    "optimizer",
    [SGD(0.1, 0.9), *(kind() for kind in STEPPERS.values() if kind is not SGD)],
    ids=lambda o: type(o).__name__,
)
def test_a_restored_state_goes_on_bit_for_bit(engine: Engine, optimizer: Any) -> None:
    run, _, _ = started(engine, optimizer, dropout=0.5)
    engine.run_epochs(run, plan())
    state = engine.read(run, 0)
    results = [engine.run_epochs(run, plan())[0] for _ in range(2)]
    expected = engine.read(run, 0)
    other, _, _ = started(engine, optimizer, dropout=0.5)
    for target in (run, other):  # back in the same run, and on in another one
        engine.restore(target, 0, state)
        for array in state.values():
            array.flags.writeable = False
        again = [engine.run_epochs(target, plan())[0] for _ in range(2)]
        assert again == results
        for name, array in engine.read(target, 0).items():
            np.testing.assert_array_equal(array, expected[name])


@each_engine
def test_dropout_masks_follow_seed_and_step(engine: Engine) -> None:
    thetas = []
    for seed in (1, 1, 2):
        run, net, data = started(engine, dropout=0.5, seed=seed)
        engine.run_epochs(run, plan())
        thetas.append(engine.read(run, 0)["theta"])
    np.testing.assert_array_equal(thetas[0], thetas[1])
    assert (thetas[0] != thetas[2]).any()
    run, net, data = started(engine, dropout=0.5, seed=1)
    for step in range(3):
        rows = slice(8 * step, min(8 * step + 8, 20))
        trace = net.forward(data.X[rows], draw=(1, step))
        net.theta -= 0.1 * net.backward(trace, data.t[rows]).theta
    np.testing.assert_allclose(thetas[0], net.theta, rtol=0, atol=1e-14)


@each_engine
def test_jobs_do_not_know_of_each_other(engine: Engine) -> None:
    rng = np.random.default_rng(0)
    data = Data(rng.normal(size=(16, 3)), rng.normal(size=(16, 2)))
    nets = [Network([3, k, 2], seed=k) for k in (1, 4, 9)]
    jobs = [Job(net.architecture, net.theta.copy(), Adam(0.01), batch_size=8) for net in nets]
    together = engine.start(jobs, data)
    plans = {number: EpochPlan(None, np.full(2, 0.1)) for number in range(3)}
    engine.run_epochs(together, plans)
    results = engine.run_epochs(together, {2: plans[2], 0: plans[0]})  # job 1 rests
    assert set(results) == {0, 2}
    for number, epochs in enumerate((2, 1, 2)):
        alone = engine.start([jobs[number]], data)
        for _ in range(epochs):
            engine.run_epochs(alone, {0: plans[number]})
        ours, theirs = engine.read(together, number), engine.read(alone, 0)
        for name, array in theirs.items():
            np.testing.assert_array_equal(ours[name], array)


@each_engine
def test_a_deadline_lets_the_step_finish(engine: Engine) -> None:
    run, _, _ = started(engine)
    (result,) = engine.run_epochs(run, plan(), deadline=time.monotonic() - 1).values()
    assert (result.n_steps, result.n_samples) == (1, 8)
    assert engine.read(run, 0)["n_steps"] == 1
    (result,) = engine.run_epochs(run, plan(), deadline=time.monotonic() + 60).values()
    assert result.n_steps == 3


# ---- not a number --------------------------------------------------------------------------------


@each_engine
def test_a_step_that_gives_nan_is_not_done(engine: Engine) -> None:
    run, _, data = started(engine)
    data.X[17, 2] = np.nan  # in the third batch of three
    (result,) = engine.run_epochs(run, plan()).values()
    assert result.nonfinite == NonFinite("X", None, 3, 1)
    assert (result.n_steps, result.n_samples) == (2, 16)
    assert np.isnan(result.loss)
    state = engine.read(run, 0)
    assert state["n_steps"] == 2
    assert np.isfinite(state["theta"]).all()
    fresh, _, _ = started(engine)
    engine.run_epochs(fresh, plan(2))
    np.testing.assert_array_equal(engine.read(fresh, 0)["theta"], state["theta"])


BROKEN: list[tuple[str, int | None, int | None, Any]] = [
    ("X", None, 1, lambda net, data: data.X.__setitem__((1, 2), np.inf)),
    ("t", None, 3, lambda net, data: data.t.__setitem__((3, 0), np.nan)),
    ("z", 1, 0, lambda net, data: net.W[0].__setitem__((2, 1), np.nan)),
    ("z", 2, 0, lambda net, data: net.b[1].__setitem__(0, np.inf)),
    ("the loss", None, None, lambda net, data: data.t.__setitem__(slice(None), 1e300)),
]


@pytest.mark.parametrize(("quantity", "layer", "row", "break_it"), BROKEN)
def test_the_first_quantity_that_is_not_finite_is_named(
    quantity: str, layer: Any, row: Any, break_it: Any
) -> None:
    rng = np.random.default_rng(0)
    net = Network([3, 5, 2], hidden="tanh", seed=0)
    data = Data(rng.normal(size=(4, 3)), rng.normal(size=(4, 2)))
    break_it(net, data)
    for X in (data.X, sparse.csr_matrix(data.X)):
        found = locate_nonfinite(net.architecture, net.theta, Data(X, data.t), step=7)
        assert found == NonFinite(quantity, layer, 7, row)
    assert quantity in QUANTITIES
    text = str(found)
    assert text.startswith(quantity + ("" if layer is None else f" of layer {layer}"))
    assert "became NaN or infinite at step 7" in text
    assert ("in row" in text) == (row is not None)


def test_gradients_and_parameters_are_named_too() -> None:
    net = Network([1, 1, 1, 1], hidden="identity", initializer=constant_weights(1e200))
    # z = 0 and ℒ = ½·1e240; ∂ℒ/∂z⁽³⁾ = −1e120, and ∂ℒ/∂z⁽²⁾ overflows before ∂ℒ/∂z⁽¹⁾ does
    data = Data(np.array([[0.0]]), np.array([[1e120]]))
    found = locate_nonfinite(net.architecture, net.theta, data, 1)
    assert (found.quantity, found.layer) == ("∂ℒ/∂z", 2)
    net = Network([1, 1, 1], hidden="identity", initializer="zeros")
    net.theta[...] = 1, 0, 1, 0
    data = Data(np.array([[1e160]]), np.array([[1e160 * (1 - 1e-10)]]))
    found = locate_nonfinite(net.architecture, net.theta, data, 1)
    assert (found.quantity, found.layer) == ("∂ℒ/∂W", 2)
    fine = Data(np.ones((1, 1)), np.ones((1, 1)))
    assert locate_nonfinite(net.architecture, net.theta, fine, 1) == NonFinite("θ", None, 1)


# ---- clipping, names -----------------------------------------------------------------------------


def test_clip_keeps_the_direction() -> None:
    g = np.array([3.0, -4.0])
    np.testing.assert_allclose(clip(g, 1.0), [0.6, -0.8], rtol=1e-15)
    for norm in (5.0, 6.0, None):
        assert clip(g, norm) is g
    np.testing.assert_allclose(clip(g * 1e200, 5.0), g, rtol=1e-15)
    np.testing.assert_allclose(clip(g * 1e-200, 5e-201), g * 1e-201, rtol=1e-15)
    assert not clip(np.zeros(3), 1.0).any()
    assert np.isnan(clip(np.array([np.nan, 1.0]), 1.0)).any()
    assert clip(g.astype(np.float32), 1.0).dtype == np.float32


def test_engines_have_names() -> None:
    assert get_engine("reference").name == "reference"
    assert get_engine().name == get_engine("native").name == "native"
    with pytest.raises(ValueError, match="must be 'auto', 'native' or 'reference'; got 'gpu'"):
        get_engine("gpu")
