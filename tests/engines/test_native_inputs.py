"""What the native engine is given: layouts of X, wrong descriptions, parts that it lacks."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

import numpy as np
import pytest
from scipy import sparse

import clearprop as cp
from clearprop import SGD, Data, Job, Network, _native
from clearprop.activations import Activation
from clearprop.engines import EpochPlan
from clearprop.engines.native import NativeEngine
from clearprop.training import train
from tests.engines.test_native_bits import wide_job

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
