"""The native engine on networks for tables: the same bits however they are made, and trouble.

The numbers themselves are held to the reference in test_engine_native_tables.py.
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import numpy as np
import pytest
from against_reference import REFERENCE, apart, each_dtype
from scipy import sparse
from table_cases import (
    LINEAR,
    MISH,
    SELU,
    SOFTMAX,
    TABLE_CASES,
    TANH,
    TableCase,
    data_of,
    edges,
    odd_cases,
)

from clearprop import SGD, Adam, Data, Job, Penalty, _native
from clearprop.architecture import Architecture
from clearprop.embeddings import (
    Embedding,
    EmbeddingBag,
    Identity,
    Parallel,
    Periodic,
    PiecewiseLinear,
    Scale,
)
from clearprop.engines import EpochPlan
from clearprop.engines.native import NativeEngine, compiled, predict
from clearprop.engines.native_specs import why_not
from clearprop.layers import Dense, Dropout
from clearprop.schedules import FlatCosine
from clearprop.training import train

# ---- bits ----------------------------------------------------------------------------------------


def wide_job(dtype: str = "float32", **options: Any) -> tuple[Job, Data]:
    """Enough work for several threads, sizes that do not divide."""
    front = Parallel(
        (
            PiecewiseLinear(edges(*range(3, 30))),
            Identity(9),
            Periodic(3),
            Embedding((2000, 7)),
            EmbeddingBag((5000, 7), 5, 9),
        )
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
    penalty = Penalty(l1=0.1, l2_per_batch=0.2)
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
