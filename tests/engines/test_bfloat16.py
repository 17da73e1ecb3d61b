"""precision="bfloat16" of the native engine: the rounding, the step, training, and who is refused.

The step is held to the definition in float64 on operands that are rounded where the engine rounds
them. Where float32 may fall on the other side of a rounding boundary, the oracle knows by how much.
"""

from __future__ import annotations

import dataclasses
import itertools
import os
import subprocess
import sys
import warnings
from pathlib import Path
from textwrap import dedent
from typing import Any, NamedTuple

import numpy as np
import pytest
from against_reference import apart
from cases import BY_NAME, CASES, STEPPERS, Case
from scipy import sparse

import clearprop as cp
from clearprop import SGD, Adam, Data, Job, Network, Penalty, _native
from clearprop.engines import EpochPlan
from clearprop.engines.native import NativeEngine
from clearprop.layers import Draw, Dropout
from clearprop.training import train
from tests.engines.test_native import data_of, odd_cases

REASON = _native.why_not_bfloat16()
needs_bfloat16 = pytest.mark.skipif(bool(REASON), reason=f"no bfloat16: {REASON}")
EPS = 2.0**-23  # of float32, twice the rounding of one operation


# ---- rounding ------------------------------------------------------------------------------------


def rounded(x: Any) -> Any:
    """float32 or float64 to the nearest bfloat16, ties to even; denormals to 0. As float64."""
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32).astype(np.uint64)
    exponent, fraction = bits & 0x7F800000, bits & 0x7FFFFF
    nearest = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000
    nearest = np.where(exponent == 0, bits & 0x80000000, nearest)
    nan = (exponent == 0x7F800000) & (fraction != 0)
    nearest = np.where(nan, (bits & 0xFFFF0000) | 0x400000, nearest)
    return nearest.astype(np.uint32).view(np.float32).astype(np.float64)


def engine_rounded(x: Any) -> Any:
    y = np.empty(len(x), np.uint16)
    _native.round_to_bfloat16(x, y)
    return y


@needs_bfloat16
def test_rounding_of_every_bfloat16_and_what_lies_between() -> None:
    upper = np.arange(2**16, dtype=np.uint32) << 16
    lower = np.array([0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF, 0x5555, 0xAAAA], np.uint32)
    x = (upper[:, None] | lower).ravel().view(np.float32)
    ours = engine_rounded(x)
    with np.errstate(invalid="ignore"):  # signalling NaN
        expected = (rounded(x).astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
    nan = np.isnan(x)
    np.testing.assert_array_equal(ours[~nan], expected[~nan])
    assert np.isnan((ours[nan].astype(np.uint32) << 16).view(np.float32)).all()
    # where the next one is infinity, and where 0
    largest = np.float32(np.finfo(np.float32).max)
    edges = np.array([largest, -largest, 3.3895e38, np.inf, -np.inf, 1e-40, -1e-40, 0], np.float32)
    ours = engine_rounded(np.resize(edges, 32))[:8]
    assert [hex(y) for y in ours] == [
        "0x7f80", "0xff80", "0x7f7f", "0x7f80", "0xff80", "0x0", "0x8000", "0x0",
    ]  # fmt: skip


@needs_bfloat16
def test_rounding_is_pytorchs() -> None:
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).normal(size=2**16) * 10.0 ** np.linspace(-30, 30, 2**16)
    x = x.astype(np.float32)
    theirs = torch.tensor(x).to(torch.bfloat16).view(torch.int16).numpy().view(np.uint16)
    np.testing.assert_array_equal(engine_rounded(x), theirs)


# ---- one step ------------------------------------------------------------------------------------


class Bounded(NamedTuple):
    """Values in float64, and how far off the engine's may be."""

    value: Any
    error: Any


def round_bounded(x: Bounded) -> Bounded:
    """To bfloat16; within the error the engine may have met the other side of a boundary."""
    value = rounded(x.value)
    # half a unit of float32 more: `rounded` goes through float32 first
    error = x.error + EPS * np.abs(x.value)
    low, high = rounded(x.value - error), rounded(x.value + error)
    return Bounded(value, np.maximum(np.abs(low - value), np.abs(high - value)))


def product(a: Bounded, b: Bounded) -> Bounded:
    """a @ b: the errors of the operands, and of a sum of K terms in float32."""
    size, size_b = np.abs(a.value), np.abs(b.value)
    rounding = (a.value.shape[1] + 4) * EPS
    size, size_b = size + a.error, size_b + b.error
    error = a.error @ size_b + size @ b.error + rounding * (size @ size_b)
    return Bounded(a.value @ b.value, error)


def slope_bounded(activation: Any, z: Bounded, h: Any, act_error: Any) -> Bounded:
    """φ′, whose slope is at most 2 for all of them but where it jumps."""
    error = 2 * z.error + 16 * EPS + act_error
    if activation.kinks:
        error = error + (np.abs(z.value) <= z.error + 1e-30)
    return Bounded(activation.dphi(z.value, h), error)


def step_bounded(net: Network, data: Data, masks: list[Any] | None = None) -> Bounded:
    """∂ℒ/∂θ of one step, with W, h and ∂ℒ/∂z rounded to bfloat16."""
    exact = Bounded(rounded(data.X), 0.0 * data.X)
    W = [Bounded(rounded(w), 0.0 * w) for w in net.W]
    h, slopes = [exact], []
    dense = net.architecture.dense
    for number, layer in enumerate(dense):
        z = product(h[-1], Bounded(W[number].value.T, W[number].error.T))
        b = net.b[number].astype(np.float64)
        z = Bounded(z.value + b, z.error + 2 * EPS * (np.abs(z.value) + np.abs(b)))
        if layer.activation is None:
            break
        value = layer.activation.phi(z.value)
        # |φ′| ≤ 1.13 for all of them; φ within 4 ulp
        phi = Bounded(value, 1.2 * z.error + 8 * EPS * np.abs(value))
        slope = slope_bounded(layer.activation, z, value, 0.0)
        if masks is not None:
            phi = Bounded(
                phi.value * masks[number], (phi.error + EPS * np.abs(value)) * masks[number]
            )
            slope = Bounded(slope.value * masks[number], slope.error * masks[number])
        h.append(round_bounded(phi))
        slopes.append(slope)
    output, t = net.output, data.t.astype(np.float64)
    w = np.ones(len(t)) if data.sample_weight is None else data.sample_weight.astype(np.float64)
    w = (w / w.sum())[:, None]
    d = output.dL_dz(z.value, t)
    # its slope in z is at most 1, or ŷ for poisson; jumps of up to 2 where z = t
    steep = max(1.0, 2 * float(np.exp(z.value).max())) if output.name == "poisson" else 1.0
    error = steep * z.error.max(axis=1, keepdims=True) + 16 * EPS * steep
    if output.name in ("absolute_error", "quantile"):
        error = error + 2 * (np.abs(z.value - t) <= z.error)
    dz = round_bounded(Bounded(d * w, (error + 4 * EPS * np.abs(d)) * w))
    gradients: list[Bounded] = []
    for number in reversed(range(len(dense))):
        dW = product(Bounded(dz.value.T, dz.error.T), h[number])
        ones = np.ones((1, len(t)))
        db = product(Bounded(ones, 0 * ones), dz)
        gradients = [dW, db, *gradients]
        if number > 0:
            dh, slope = product(dz, W[number]), slopes[number - 1]
            size, steepness = np.abs(dh.value) + dh.error, np.abs(slope.value)
            error = dh.error * steepness + size * slope.error + 2 * EPS * size * steepness
            dz = round_bounded(Bounded(dh.value * slope.value, error))
    value, error = (np.concatenate([np.ravel(g[part]) for g in gradients]) for part in (0, 1))
    return Bounded(value, error)


RATE = 2.0**40  # θ₀ is lost beside the step: θ₁ = −RATE·g


def step_of_engine(net: Network, data: Data, n_threads: int = 1, **options: Any) -> Any:
    """∂ℒ/∂θ as a step of SGD has it, the update fused with the products as in training."""
    job = Job(
        net.architecture,
        net.theta.copy(),
        SGD(RATE),
        batch_size=len(data),
        precision="bfloat16",
        **options,
    )
    engine = NativeEngine(n_threads)
    run = engine.start([job], data)
    (result,) = engine.run_epochs(run, {0: EpochPlan(None, np.array([RATE]))}).values()
    assert result.nonfinite is None
    return (net.theta.astype(np.float64) - engine.read(run, 0)["theta"]) / RATE


@needs_bfloat16
@pytest.mark.parametrize("which", ["table", "odd"])
def test_the_step_of_every_case(which: str) -> None:
    refused, cases = 0, CASES if which == "table" else odd_cases()
    for case in cases:
        net, data = data_of(dataclasses.replace(case, dropout=0.0), "float32")
        expected = step_bounded(net, data)
        ours = step_of_engine(net, data)
        # θ₁ is rounded to float32, and θ₀/RATE may be
        error = expected.error + EPS * np.abs(expected.value) + EPS
        assert (np.abs(ours - expected.value) <= error).all(), case.name
        _, single = NativeEngine(1).loss_and_gradient(net.architecture, net.theta, data, Penalty())
        refused += bool((np.abs(single - expected.value) > error).any())
    # the oracle is sharp: what is not rounded does not pass, but for networks of a few units
    assert refused > 0.9 * len(cases)


@needs_bfloat16
def test_the_step_with_dropout() -> None:
    case = Case(
        "dropout", (6, 21, 17, 4), ("relu", "tanh"), BY_NAME["softmax"], n=37, dropout=0.3, seed=5
    )
    net, data = data_of(case, "float32")
    masks = [
        Dropout(0.3).mask(Draw(5, 0, number), (37, size), np.float64)
        for number, size in ((1, 21), (3, 17))
    ]
    expected = step_bounded(net, data, masks)
    ours = step_of_engine(net, data, seed=5)
    error = expected.error + EPS * np.abs(expected.value) + EPS
    assert (np.abs(ours - expected.value) <= error).all()


@needs_bfloat16
@pytest.mark.parametrize("n", [1, 2, 15, 17])
@pytest.mark.parametrize("H", [1, 3, 16, 21])
def test_dropout_masks_are_those_of_float32(H: int, n: int) -> None:
    """z = 0 and ∂ℒ/∂z = 2ⁱ/n in row i: the step holds the bits of each unit's masks, exactly."""
    net = Network([1, H, 1], "identity", initializer="zeros", dropout=0.5, dtype="float32")
    net.b[0][...] = 1
    t = -(2.0 ** np.arange(n, dtype=np.float32))[:, None] * n
    job = Job(net.architecture, net.theta, SGD(1.0), batch_size=n, seed=77, precision="bfloat16")
    engine = NativeEngine(2)
    for step in range(3):
        run = engine.start([job], Data(np.zeros((n, 1), np.float32), t))
        engine.restore(run, 0, engine.read(run, 0) | {"n_steps": np.array(step)})
        engine.run_epochs(run, {0: EpochPlan(None, np.ones(1))})
        trained = Network.from_theta(net.architecture, engine.read(run, 0)["theta"])
        mask = Dropout(0.5).mask(Draw(77, step, 1), (n, H), np.float64)
        np.testing.assert_array_equal(trained.W[1][0], -(2.0 ** np.arange(n) @ mask))


@needs_bfloat16
def test_samples_that_do_not_exist_are_nothing() -> None:
    """z overflows where x = 0, as in the rows that fill a panel up; the true rows stay finite."""
    net = Network([1, 2, 2], hidden="identity", initializer="zeros", dtype="float32")
    net.b[0][...] = 2.0**127  # z = 0 for x = 1, and infinity above for x = 0
    net.W[0][...] = -(2.0**127)
    net.W[1][0] = 2.0
    for n in (1, 3, 17, 33):
        data = Data(np.ones((n, 1), np.float32), np.ones((n, 2), np.float32))
        g = step_of_engine(net, data)
        # ∂ℒ/∂b of the outputs: the sum of ∂ℒ/∂z = (ŷ − t)/n = −1/n
        np.testing.assert_array_equal(g[-2:], -n * rounded([1 / n, 1 / n]))


# ---- many steps ----------------------------------------------------------------------------------

OPTIMIZERS = [
    SGD(0.05),
    SGD(0.02, momentum=0.9),
    SGD(0.02, momentum=0.9, nesterov=True),
    *(kind(0.01) for kind in STEPPERS.values() if kind is not SGD),
]


def wide_job(**options: Any) -> tuple[Job, Data]:
    rng = np.random.default_rng(0)
    net = Network(
        [65, 129, 63, 5], ["relu", "tanh"], "softmax", seed=1, dropout=0.2, dtype="float32"
    )
    X = rng.normal(size=(700, 65)).astype(np.float32)
    t = np.eye(5, dtype=np.float32)[rng.integers(0, 5, 700)]
    given: dict[str, Any] = {"epochs": 2, "batch_size": 299, "seed": 3, "precision": "bfloat16"}
    options = given | options
    job = Job(net.architecture, net.theta, options.pop("optimizer", Adam(0.01)), **options)
    return job, Data(X, t)


def trained(n_threads: int = 1, **options: Any) -> Any:
    job, data = wide_job(**options)
    (state,) = train([job], data, engine=NativeEngine(n_threads))
    return state


def assert_same_bits(a: Any, b: Any) -> None:
    assert a.history.loss == b.history.loss
    assert a.engine_state.keys() == b.engine_state.keys()
    for name, value in a.engine_state.items():
        np.testing.assert_array_equal(value, b.engine_state[name])


@needs_bfloat16
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_the_copies_of_W_are_never_old(optimizer: Any) -> None:
    """Step after step in one run, the tiles rewrite them; a restored run makes them all anew."""
    job, data = wide_job(optimizer=optimizer, penalty=Penalty(l1=1e-4, l2=1e-3, l2_per_batch=1e-3))
    engine, rates = NativeEngine(1), np.full(3, optimizer.learning_rate)
    run = engine.start([job], data)
    engine.run_epochs(run, {0: EpochPlan(np.arange(700), rates)})
    state: dict[str, Any] | None = None
    for rows in (np.arange(299), np.arange(299, 598), np.arange(598, 700)):
        again = engine.start([job], data)
        if state is not None:
            engine.restore(again, 0, state)
        engine.run_epochs(again, {0: EpochPlan(rows, rates[:1])})
        state = engine.read(again, 0)
    assert state is not None
    for name, value in engine.read(run, 0).items():
        np.testing.assert_array_equal(value, state[name])


@needs_bfloat16
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_the_gradient_kept_for_clipping_is_the_one_that_is_fused(optimizer: Any) -> None:
    """A norm that is never reached: the same bits, by way of the whole gradient."""
    assert_same_bits(trained(optimizer=optimizer), trained(optimizer=optimizer, clip_norm=1e6))
    clipped = trained(optimizer=optimizer, clip_norm=0.01)
    assert clipped.history.loss != trained(optimizer=optimizer).history.loss


@needs_bfloat16
@pytest.mark.parametrize("clip", [None, 0.5])
def test_bits_do_not_depend_on_threads(clip: float | None) -> None:
    first = trained(clip_norm=clip)
    for n_threads in (1, 2, 3, 8):
        for _ in range(2):
            assert_same_bits(trained(n_threads, clip_norm=clip), first)


@needs_bfloat16
def test_bits_do_not_depend_on_other_jobs() -> None:
    job, data = wide_job()
    expected = trained()
    for n_threads, n_jobs in itertools.product((1, 2, 3), (2, 5)):
        others = [
            dataclasses.replace(
                job, batch_size=50 + 77 * k, seed=k, precision=(None, "bfloat16")[k % 2]
            )
            for k in range(n_jobs - 1)
        ]
        at = n_jobs // 2
        states = train([*others[:at], job, *others[at:]], data, engine=NativeEngine(n_threads))
        assert_same_bits(states[at], expected)


@needs_bfloat16
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_trajectories_stay_near_those_of_float32(optimizer: Any, dropout: float) -> None:
    """50 steps: X, W, h and ∂ℒ/∂z are rounded by up to 2⁻⁹ each; the steps do not build it up."""
    rng = np.random.default_rng(3)
    net = Network([6, 17, 9, 3], ["relu", "silu"], "softmax", dropout=dropout, dtype="float32")
    X = rng.normal(size=(167, 6)).astype(np.float32)
    t = np.eye(3, dtype=np.float32)[(X[:, 0] > 0) + (X[:, 1] > 0.5).astype(int)]
    curves = []
    for precision in (None, "bfloat16"):
        job = Job(
            net.architecture,
            net.theta,
            optimizer,
            epochs=5,
            batch_size=17,
            penalty=Penalty(l2=1e-3),
            seed=8,
            precision=precision,
        )
        (state,) = train([job], Data(X, t))
        assert state.n_steps == 50
        curves.append(np.array(state.history.loss))
    assert (curves[0] != curves[1]).all()
    np.testing.assert_allclose(curves[1], curves[0], rtol=2.0**-6)
    assert curves[1][-1] < curves[1][0]


@needs_bfloat16
def test_sparse_X_trains_as_dense_does() -> None:
    rng = np.random.default_rng(0)
    X = (rng.normal(size=(200, 70)) * (rng.uniform(size=(200, 70)) < 0.2)).astype(np.float32)
    t = rng.integers(0, 3, 200)
    thetas = []
    inputs: tuple[Any, ...] = (X, sparse.csr_array(X))
    for given in inputs:
        net = Network([70, 33, 3], output="softmax", seed=0, dtype="float32")
        net.train(given, t, epochs=3, precision="bfloat16")
        thetas.append(net.theta)
    np.testing.assert_array_equal(thetas[0], thetas[1])


@needs_bfloat16
def test_a_checkpoint_resumes_bit_for_bit(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X, t = rng.normal(size=(100, 5)).astype(np.float32), rng.integers(0, 2, 100)

    def train_net(path: Path, precision: str | None = "bfloat16", **options: Any) -> Any:
        net = Network([5, 20, 2], output="softmax", seed=0, dtype="float32")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            net.train(X, t, epochs=6, precision=precision, checkpoint=path, **options)
        return net.theta

    expected = train_net(tmp_path / "whole")

    def interrupt(report: Any) -> None:
        if report.epoch == 3:
            raise KeyboardInterrupt

    train_net(tmp_path / "parts", callbacks=[interrupt])
    with pytest.raises(ValueError, match="it differs in: precision"):
        train_net(tmp_path / "parts", precision=None)
    np.testing.assert_array_equal(train_net(tmp_path / "parts"), expected)


# ---- trouble -------------------------------------------------------------------------------------


@needs_bfloat16
@pytest.mark.parametrize("hidden", ["relu", "tanh", "gelu", "leaky_relu"])
@pytest.mark.parametrize("part", ["X", "t", "W"])
def test_nan_is_reported_as_in_float32(part: str, hidden: str) -> None:
    outcomes = []
    for precision, n_threads in ((None, 1), ("bfloat16", 1), ("bfloat16", 2)):
        rng = np.random.default_rng(0)
        net = Network([3, 17, 2], hidden=hidden, seed=0, dtype="float32")
        X = rng.normal(size=(40, 3)).astype(np.float32)
        data = Data(X, rng.normal(size=(40, 2)).astype(np.float32))
        if part == "W":
            net.W[1][0, 0] = np.nan
        else:
            getattr(data, part)[21, -1] = np.nan
        job = Job(net.architecture, net.theta, SGD(0.01), batch_size=8, precision=precision)
        engine = NativeEngine(n_threads)
        run = engine.start([job], data)
        plan = EpochPlan(np.random.default_rng(1).permutation(40), np.full(5, 0.01))
        (result,) = engine.run_epochs(run, {0: plan}).values()
        assert np.isnan(result.loss)
        outcomes.append((result.nonfinite, result.n_steps, result.n_samples))
        if result.n_steps:  # the state of a run that ends there, bit for bit
            again = engine.start([job], data)
            rates = plan.learning_rates[: result.n_steps]
            engine.run_epochs(again, {0: dataclasses.replace(plan, learning_rates=rates)})
            for name, value in engine.read(again, 0).items():
                np.testing.assert_array_equal(value, engine.read(run, 0)[name])
    assert outcomes[0][0] is not None
    assert outcomes[1] == outcomes[2] == outcomes[0]


@needs_bfloat16
def test_an_explosion_is_an_error_that_names_the_step() -> None:
    rng = np.random.default_rng(0)
    net = Network([3, 17, 2], seed=0, dtype="float32")
    X = rng.normal(size=(40, 3)).astype(np.float32)
    before = net.theta.copy()
    with pytest.raises(cp.NonFiniteError, match="at step"):
        net.train(X, X[:, :2], optimizer=SGD(1e6), epochs=50, precision="bfloat16")
    np.testing.assert_array_equal(net.theta, before)


# ---- real data -----------------------------------------------------------------------------------


@needs_bfloat16
def test_accuracy_on_digits_is_that_of_float32() -> None:
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    X, y = load_digits(return_X_y=True)
    scores: dict[str | None, list[float]] = {None: [], "bfloat16": []}
    for precision, seed in itertools.product(scores, range(6)):
        X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=seed)
        clf = cp.MLPClassifier(
            (64, 32), max_iter=30, random_state=seed, dtype="float32", precision=precision
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # not converged in 30 epochs
            clf.fit(X_train, y_train)
        assert clf.coefs_[0].dtype == np.float32
        scores[precision].append(clf.score(X_test, y_test))
    single, half = np.array(scores[None]), np.array(scores["bfloat16"])
    # 6 · 450 test rows at 96 %: the mean of the differences has a standard error below 0.004
    assert single.mean() > 0.95
    assert abs((half - single).mean()) < 3 * 0.004


@needs_bfloat16
def test_regression_comes_as_near_as_in_float32() -> None:
    from sklearn.datasets import load_diabetes

    X, y = load_diabetes(return_X_y=True)
    X, y = X / X.std(axis=0), (y - y.mean()) / y.std()
    losses = {}
    for precision in (None, "bfloat16"):
        regr = cp.MLPRegressor(
            hidden_layer_sizes=(50,),
            max_iter=40,
            random_state=0,
            dtype="float32",
            precision=precision,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            losses[precision] = regr.fit(X, y).loss_
        assert regr.predict(X).dtype == np.float32
    assert losses["bfloat16"] == pytest.approx(losses[None], rel=0.02)


# ---- asking for it -------------------------------------------------------------------------------


@needs_bfloat16
def test_the_estimators_train_float32_weights() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 4)), rng.integers(0, 2, 60)
    options: dict[str, Any] = {"max_iter": 3, "tol": 0.0, "random_state": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        clf = cp.MLPClassifier(precision="bfloat16", **options).fit(X, y)
        single = cp.MLPClassifier(dtype="float32", **options).fit(X, y)
        assert clf.predict_proba(X).dtype == clf.coefs_[0].dtype == np.float32
        assert 0 < apart(clf.coefs_[0], single.coefs_[0]) < 2.0**-8
        clf.partial_fit(X, y)
    assert clf.engine_ == "native"


@needs_bfloat16
def test_files_keep_the_precision(tmp_path: Path) -> None:
    X, y = np.eye(4), [0, 1, 0, 1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        clf = cp.MLPClassifier(precision="bfloat16", max_iter=2).fit(X, y)
    clf.save(tmp_path / "m.safetensors")
    again = cp.MLPClassifier.load(tmp_path / "m.safetensors")
    assert again.precision == "bfloat16"
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "float16"}, "'precision' parameter"),
        ({"precision": "bfloat16", "dtype": "float64"}, "needs dtype 'auto' or 'float32'"),
        ({"precision": "bfloat16", "solver": "lbfgs"}, "L-BFGS needs the gradient in full"),
        ({"precision": "bfloat16", "engine": "reference"}, "needs the native engine"),
    ],
)
def test_what_the_estimators_refuse(options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cp.MLPClassifier(**options).fit(np.eye(4), [0, 1, 0, 1])


def test_what_jobs_refuse() -> None:
    net = Network([2, 3, 2])
    X = np.zeros((4, 2))
    with pytest.raises(ValueError, match="network of dtype 'float32'; got float64"):
        net.train(X, X, precision="bfloat16")
    with pytest.raises(ValueError, match="must be 'bfloat16' or None; got 'half'"):
        net.train(X, X, precision="half")
    net = Network([2, 3, 2], dtype="float32")
    with pytest.raises(ValueError, match="this job runs on the reference engine"):
        net.train(X, X, precision="bfloat16", engine="reference")


@pytest.mark.parametrize("isa", [name for name in _native.available_isas() if name != "avx512"])
def test_other_instruction_sets_refuse(isa: str) -> None:
    code = """
        import numpy as np
        import clearprop as cp
        from clearprop import _native

        assert _native.why_not_bfloat16()
        net = cp.Network([2, 3, 2], dtype="float32")
        X = np.zeros((4, 2), np.float32)
        try:
            net.train(X, X, precision="bfloat16")
        except ValueError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", dedent(code)],
        env=os.environ | {"CLEARPROP_ISA": isa},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("precision='bfloat16' is not available here: "), done.stderr
    if not REASON:
        assert f"AVX512_BF16, and the instruction set in use is {isa}" in done.stdout


@needs_bfloat16
def test_the_native_job_refuses_what_it_cannot_do() -> None:
    spec = _native.JobSpec()
    spec.sizes, spec.bfloat16 = [2, 1], True
    X, t = np.zeros((4, 2)), np.zeros((4, 1))
    with pytest.raises(ValueError, match="it needs float32"):
        _native.RunF64(X, t, None).add(spec, np.zeros(3))
