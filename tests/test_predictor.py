"""Compiled networks against the reference: numbers, inputs of all kinds, the object.

Tests named test_numbers_… run once more for each other instruction set of this machine.
"""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import GRID, ODD, Case
from scipy import sparse

import clearprop as cp
from clearprop import Network, _native
from clearprop.activations import Activation
from clearprop.engines.native import compiled
from clearprop.engines.reference import ReferenceEngine
from clearprop.predictor import Predictor

REFERENCE = ReferenceEngine()
NUMBERS = (1, 2, 3, 4, 5, 6, 7, 15, 16, 17, 31, 32, 33, 47, 48, 49, 95, 96, 97, 100, 1000)
each_dtype = pytest.mark.parametrize("dtype", ["float64", "float32"])


def rows(n: int, D: int, dtype: Any, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=(n, D)).astype(dtype)


def exact(net: Network, X: Any, *, logits: bool = False) -> Any:
    """The definition in float64, on the same numbers."""
    theta = net.theta.astype(np.float64)
    return REFERENCE.forward(net.architecture, theta, X.astype(np.float64), logits=logits)


def apart(a: Any, b: Any) -> float:
    """The largest difference, relative to the largest entry of b."""
    assert a.shape == b.shape
    return float(np.abs(a.astype(np.float64) - b).max() / (np.abs(b).max() or 1.0))


def bound(net: Network) -> float:
    """The rounding of sums over all units below, of φ within 4 ulp, with reserve."""
    return float(np.finfo(net.theta.dtype).eps) * (8 * len(net.sizes) + sum(net.sizes[:-1]))


def check_numbers(net: Network, n: int) -> None:
    """Against the definition; then each row alone, and in any company, bit for bit."""
    X = rows(n, net.sizes[0], net.theta.dtype)
    p = net.predictor(n_threads=1)
    for logits in (False, True):
        y_hat = p(X, logits=logits)
        assert y_hat.dtype == net.theta.dtype
        assert apart(y_hat, exact(net, X, logits=logits)) < bound(net)
        for number in NUMBERS:
            if number < n:
                start = (7 * number) % (n - number)
                part = slice(start, start + number)
                np.testing.assert_array_equal(p(X[part], logits=logits), y_hat[part], strict=True)
        for i in range(0, n, max(1, n // 5)):
            np.testing.assert_array_equal(p(X[i], logits=logits), y_hat[i], strict=True)


@each_dtype
@pytest.mark.parametrize("cases", [GRID, ODD], ids=["grid", "odd"])
def test_numbers_of_every_case(cases: tuple[Case, ...], dtype: str) -> None:
    for case in cases:
        check_numbers(case.make(dtype).net, 101 if cases is GRID else 1003)


@each_dtype
@pytest.mark.parametrize(
    "sizes",
    [
        (127, 128, 129, 3),
        (128, 1, 257, 2),
        (385, 16, 17),
        (1, 48, 49, 33),
        (47, 31, 32, 15, 100),
        (300, 5),
        (2, 8, 8, 2),
        (1, 1),
    ],
    ids=str,
)
def test_numbers_of_sizes_around_the_blocks(sizes: tuple[int, ...], dtype: str) -> None:
    for hidden, output in (("relu", "softmax"), ("gelu", "linear"), ("leaky_relu", "logistic")):
        net = Network(sizes, hidden=hidden, output=output, seed=1, dtype=dtype)
        for b in net.b:
            b[...] = rows(1, len(b), dtype)[0]
        check_numbers(net, 301)


@each_dtype
def test_numbers_of_groups_and_quantiles(dtype: str) -> None:
    outputs = [
        (cp.outputs.Softmax(sizes=sizes), sum(sizes)) for sizes in ((2,) * 9, (1, 2, 17, 3), (33,))
    ]
    outputs += [
        (cp.outputs.Quantile((0.1, 0.5, 0.9)), 6),
        (cp.outputs.Huber(2.0), 17),
        (cp.outputs.Poisson(), 16),
    ]
    for output, K in outputs:
        check_numbers(Network([5, 9, K], hidden="silu", output=output, seed=1, dtype=dtype), 101)


@each_dtype
@pytest.mark.parametrize("hidden", list(cp.ACTIVATIONS))
def test_numbers_that_are_none_stay_in_their_row(hidden: str, dtype: str) -> None:
    X = rows(100, 7, dtype)
    bad = {3: np.nan, 50: np.inf, 51: -np.inf, 98: np.nan}
    for row, value in bad.items():
        X[row, row % 7] = value
    for output in ("softmax", "linear", "logistic"):
        net = Network([7, 33, 5], hidden=hidden, output=output, seed=0, dtype=dtype)
        p = net.predictor()
        y_hat = p(X)
        good = np.setdiff1d(np.arange(100), list(bad))
        assert np.isfinite(y_hat[good]).all()
        np.testing.assert_array_equal(y_hat[good], p(X[good]))
        assert np.isnan(y_hat[[3, 98]]).all()
        for row in bad:
            np.testing.assert_array_equal(p(X[row]), y_hat[row])
        with np.errstate(all="ignore"):
            definition = net.forward(X).y_hat
        np.testing.assert_array_equal(np.isnan(y_hat), np.isnan(definition))


@each_dtype
def test_numbers_far_from_zero(dtype: str) -> None:
    X = rows(100, 7, dtype) * 1000
    for hidden in cp.ACTIVATIONS:
        for output in ("softmax", "logistic"):
            net = Network([7, 33, 5], hidden=hidden, output=output, seed=0, dtype=dtype)
            y_hat = net.predictor()(X)
            assert np.isfinite(y_hat).all()
            # φ′ and e^z amplify the rounding of z by |z|, here some thousands
            assert apart(y_hat, exact(net, X)) < 1e4 * bound(net)


@each_dtype
def test_numbers_of_sparse_rows(dtype: str) -> None:
    rng = np.random.default_rng(0)
    for D, n, density in ((33, 133, 0.2), (1000, 50, 0.01), (3, 7, 0.0), (17, 48, 1.0)):
        X = sparse.random(n, D, density, format="csr", random_state=0, dtype=dtype)
        for hidden, output in (("relu", "softmax"), ("tanh", "linear")):
            net = Network([D, 21, 4], hidden=hidden, output=output, seed=0, dtype=dtype)
            for b in net.b:
                b[...] = rng.normal(size=b.shape)
            p = net.predictor()
            y_hat = p(X)
            assert apart(y_hat, exact(net, X.toarray())) < bound(net)
            for number in (1, 2, 16, 47):
                np.testing.assert_array_equal(p(X[:number]), y_hat[:number], strict=True)
    shallow = Network([17, 4], seed=0, dtype=dtype)
    assert apart(shallow.predictor()(X), exact(shallow, X.toarray())) < bound(shallow)


@pytest.mark.parametrize("isa", [i for i in _native.available_isas() if i != _native.isa()])
def test_every_instruction_set(isa: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", __file__]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
    done = subprocess.run(
        [*command, "-k", "test_numbers", "-p", "no:xdist"],
        capture_output=True,
        text=True,
        check=False,
        env=environment | {"CLEARPROP_ISA": isa},
        cwd=Path(__file__).parent,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


# ---- inputs and outputs --------------------------------------------------------------------------


def example(dtype: str = "float32", output: str = "softmax") -> tuple[Predictor, Any, Any]:
    p = Network([6, 21, 3], hidden="tanh", output=output, seed=0, dtype=dtype).predictor()
    X = np.round(8 * rows(53, 6, dtype)) / 8  # exact in every dtype that follows
    return p, X, p(X)


@each_dtype
def test_inputs_of_all_kinds(dtype: str) -> None:
    p, X, y_hat = example(dtype)
    wide, tall = np.zeros((53, 12), dtype), np.zeros((106, 6), dtype)
    wide[:, ::2], tall[::2] = X, X
    frozen = X.copy()
    frozen.flags.writeable = False
    memory = np.zeros(X.nbytes + 1, np.uint8)
    crooked = memory[1:].view(dtype).reshape(X.shape)
    crooked[...] = X
    assert not crooked.flags.aligned
    kinds = [
        np.asfortranarray(X), wide[:, ::2], tall[::2], X[::-1][::-1], X[::-1].copy()[::-1],
        X.astype(np.float32), X.astype(np.float64), X.astype(np.float16), X.astype(">f4"),
        X.tolist(), frozen, crooked, memoryview(X), sparse.csr_matrix(X), sparse.csc_array(X),
        sparse.coo_array(X),
    ]  # fmt: skip
    for kind in kinds:
        result = p(kind)
        assert result.dtype == dtype
        if sparse.issparse(kind):
            np.testing.assert_allclose(result, y_hat, rtol=1e-5)
        else:
            np.testing.assert_array_equal(result, y_hat, strict=True)
    whole = np.round(X)
    for integers in (whole.astype(np.int8), whole.astype(np.int64), whole.astype(int).tolist()):
        np.testing.assert_array_equal(p(integers), p(whole))
    np.testing.assert_array_equal(p(X > 0), p((X > 0).astype(dtype)))
    for one in (X[5].tolist(), X[5].astype(np.float64), wide[5, ::2], memoryview(X[5])):
        np.testing.assert_array_equal(p(one), y_hat[5], strict=True)
    pandas = pytest.importorskip("pandas")
    np.testing.assert_array_equal(p(pandas.DataFrame(X)), y_hat)


def test_many_rows_of_another_dtype_are_converted_in_pieces() -> None:
    net = Network([2000, 3, 2], seed=0, dtype="float32")
    p = net.predictor()
    X = np.round(8 * rows(1203, 2000, "float32")) / 8
    y_hat = p(X)
    for kind in (X.astype(np.float64), np.asfortranarray(X), X[::-1].copy()[::-1]):
        np.testing.assert_array_equal(p(kind), y_hat)
        out = np.empty_like(y_hat)
        assert p(kind, out) is out
        np.testing.assert_array_equal(out, y_hat)
        for shape in ((1202, 2), (1204, 2), (1203, 3)):
            with pytest.raises(ValueError, match=r"out must have shape \(1203, 2\)"):
                p(kind, np.empty(shape, np.float32))
    with pytest.raises(ValueError, match="out must not share memory with X"):
        p(X[:, ::-1], X[:, :2])
    with pytest.raises(ValueError, match="X must have 2000 columns; got 1999"):
        p(X[:, 1:])
    with pytest.raises(TypeError, match="out must be a C-contiguous array of float32"):
        p(X.astype(np.float64), np.empty((1203, 2)))


def test_sparse_rows_with_entries_twice_and_out_of_order() -> None:
    p, _, _ = example()
    X = sparse.csr_array(
        (np.array([1.0, 2.0, 4.0, -1.0]), np.array([5, 0, 5, 2]), np.array([0, 3, 3, 4])), (3, 6)
    )
    np.testing.assert_allclose(p(X), p(X.toarray()), rtol=1e-6)
    assert p(X[:0]).shape == (0, 3)
    out = np.empty((3, 3), np.float32)
    assert p(X, out) is out
    with pytest.raises(ValueError, match=r"out must have shape \(3, 3\)"):
        p(X, out[:2])
    with pytest.raises(ValueError, match="X must have 6 columns; got 7"):
        p(sparse.csr_array((3, 7)))


@each_dtype
@pytest.mark.parametrize("n", [1, 2, 16, 17, 53])
def test_out_takes_the_result(n: int, dtype: str) -> None:
    p, X, y_hat = example(dtype)
    guarded = np.full((n + 2, 3), 77, dtype)
    out = guarded[1:-1]
    assert p(X[:n], out) is out
    np.testing.assert_array_equal(out, y_hat[:n])
    assert (guarded[[0, -1]] == 77).all()
    assert p(X[:n], out=out, logits=True) is out
    np.testing.assert_array_equal(out, p(X[:n], logits=True))
    y = np.empty(3, dtype)
    assert p(X[0], out=y) is y
    np.testing.assert_array_equal(y, y_hat[0])


def test_nothing_is_allocated_where_out_is_given() -> None:
    p, X, _ = example()
    x, y = X[0], np.empty(3, np.float32)
    many = range(1000)
    p(x, y)
    before = sys.getallocatedblocks()
    for _ in many:
        p(x, y)
    assert abs(sys.getallocatedblocks() - before) <= 2  # the loop's own


def test_no_rows() -> None:
    for dtype in ("float32", "float64"):
        p, X, _ = example(dtype)
        assert p(X[:0]).shape == (0, 3)
        assert p(X[:0].astype(int)).shape == (0, 3)


def test_wrong_arguments_are_one_clear_sentence() -> None:
    p, X, _ = example()
    wrong: list[tuple[Any, type[Exception], str]] = [
        (X[:, :5], ValueError, "^X must have 6 columns; got 5$"),
        (X[0, :5], ValueError, "^X must have 6 columns; got 5$"),
        (X.astype(int)[:, :5], ValueError, "^X must have 6 columns; got 5$"),
        (X[None], TypeError, "^X must be a C-contiguous array of float32 with one or two axes$"),
        (np.float32(1), TypeError, "with one or two axes$"),
        (1.5, TypeError, "with one or two axes$"),
        (None, TypeError, "^X must be numbers; got dtype object$"),
        ("word", TypeError, "^X must be numbers; got dtype <U4$"),
        (X.astype(complex), TypeError, "^X must be numbers; got dtype complex128$"),
        (X.astype(object), TypeError, "^X must be numbers; got dtype object$"),
    ]
    for argument, kind, message in wrong:
        with pytest.raises(kind, match=message) as error:
            p(argument)
        assert error.value.__context__ is None  # no second traceback
    frozen = np.empty((53, 3), np.float32)
    frozen.flags.writeable = False
    outs: list[tuple[Any, type[Exception], str]] = [
        (np.empty((52, 3), np.float32), ValueError, r"^out must have shape \(53, 3\)$"),
        (np.empty((53, 4), np.float32), ValueError, r"^out must have shape \(53, 3\)$"),
        (np.empty(3, np.float32), ValueError, r"^out must have shape \(53, 3\)$"),
        (np.empty((53, 3)), TypeError, "^out must be a C-contiguous array of float32 that can be"),
        (np.empty((53, 6), np.float32)[:, ::2], TypeError, "^out must be a C-contiguous array"),
        (np.empty((3, 53), np.float32).T, TypeError, "^out must be a C-contiguous array"),
        (frozen, TypeError, "that can be written to$"),
        ([[0.0] * 3] * 53, TypeError, "that can be written to$"),
    ]
    for out, kind, message in outs:
        with pytest.raises(kind, match=message):
            p(X, out)
    with pytest.raises(ValueError, match=r"^out must have shape \(3,\)$"):
        p(X[0], np.empty((1, 3), np.float32))
    memory = np.zeros(53 * 6 + 10, np.float32)
    shared = memory[: 53 * 6].reshape(53, 6)
    for begin in (0, 53 * 6 - 1):
        p(shared, np.zeros((53, 3), np.float32))
        if begin + 53 * 3 > len(memory):
            continue
        with pytest.raises(ValueError, match=r"^out must not share memory with X$"):
            p(shared, memory[begin : begin + 53 * 3].reshape(53, 3))
    beside = memory[53 * 6 :][:3]
    p(shared[-1], beside)  # neighbours are apart
    for n_threads in (0, -1, 2.0, "2"):
        with pytest.raises(ValueError, match="n_threads must be an integer from 1 to"):
            Network([1, 1]).predictor(n_threads=n_threads)
    with pytest.raises(ValueError, match="engine must be 'auto', 'native' or 'reference'"):
        Network([1, 1]).predictor(engine="fast")
    with pytest.raises(ValueError, match=r"theta must have shape \(2,\); got \(3,\)"):
        Predictor(Network([1, 1]).architecture, np.zeros(3))
    with pytest.raises(ValueError, match="dtype must be float32 or float64; got int64"):
        Predictor(Network([1, 1]).architecture, np.zeros(2, np.int64))


def test_the_handle_checks_what_it_is_made_of() -> None:
    net = Network([3, 4, 2], output="softmax", seed=0)
    good = compiled(net.architecture, net.theta)
    assert good(np.zeros((2, 3))).shape == (2, 2)
    quantile, softmax = (_native.OUTPUTS.index(name) for name in ("quantile", "softmax"))
    for kind in (_native.PredictorF32, _native.PredictorF64):
        for changes in (
            {"sizes": []}, {"sizes": [3]}, {"sizes": [3, 0, 2]}, {"sizes": [3, -4, 2]},
            {"activations": []}, {"activations": [len(_native.ACTIVATIONS)]}, {"dropout": []},
            {"output": len(_native.OUTPUTS)}, {"output": quantile}, {"output": softmax},
            {"output": softmax, "output_constants": [3]},
            {"output": softmax, "output_constants": [0.5, 1.5]},
        ):  # fmt: skip
            spec = _native.JobSpec()
            fields = {"sizes": [3, 4, 2], "activations": [3], "dropout": [0], "dropout_index": [0]}
            for name, value in (fields | changes).items():
                setattr(spec, name, value)
            with pytest.raises(ValueError, match=r"."):
                kind(spec, np.zeros(26))
        spec.output, spec.output_constants = 0, []
        for length in (25, 27, 0):
            with pytest.raises(ValueError, match="theta has another length"):
                kind(spec, np.zeros(length))
        handle = kind(spec, np.zeros(26))
        values, indices, indptr = np.ones(2), np.array([0, 2]), np.array([0, 1, 2])
        assert handle.sparse(values, indices, indptr, 3).shape == (2, 2)
        for parts in (
            (values, indices[:1], indptr, 3), (values, indices + 1, indptr, 3),
            (values, indices - 1, indptr, 3), (values, indices, indptr[:0], 3),
            (values, indices, indptr[:2], 3), (values, indices, np.array([0, 3, 2]), 3),
            (values, indices, np.array([1, 1, 2]), 3), (values, indices, indptr, 4),
        ):  # fmt: skip
            with pytest.raises(ValueError, match=r"."):
                handle.sparse(*parts)


# ---- the object ----------------------------------------------------------------------------------


def test_it_is_a_snapshot() -> None:
    net = Network([6, 8, 2], seed=0)
    X = rows(5, 6, "float64")
    p = net.predictor()
    before = p(X)
    net.theta[...] = 0
    np.testing.assert_array_equal(p(X), before)
    np.testing.assert_array_equal(net.predictor()(X), 0)
    with pytest.raises(ValueError, match="read-only"):
        p.theta[0] = 1
    assert (p.engine, p.dtype, p.n_threads) == ("native", np.dtype("float64"), cp.get_num_threads())
    assert repr(p) == "Predictor([6, 8, 2], dtype='float64', engine='native')"


@each_dtype
def test_it_can_be_pickled_and_copied(dtype: str) -> None:
    p, X, y_hat = example(dtype)
    p = Predictor(p.architecture, p.theta, n_threads=3)
    for again in (pickle.loads(pickle.dumps(p)), copy.copy(p), copy.deepcopy(p)):
        assert (again.engine, again.dtype, again.n_threads) == ("native", p.dtype, 3)
        np.testing.assert_array_equal(again(X), y_hat, strict=True)
    joblib = pytest.importorskip("joblib")
    with joblib.parallel_config("loky", n_jobs=2):
        for there in joblib.Parallel()(joblib.delayed(p)(X) for _ in range(3)):
            np.testing.assert_array_equal(there, y_hat, strict=True)


def own(z: Any) -> Any:
    return np.sin(z)


def own_slope(z: Any, h: Any) -> Any:
    return np.cos(z)


def test_parts_of_ones_own_run_by_the_definition() -> None:
    net = Network([3, 5, 2], hidden=Activation("own", own, own_slope), output="softmax", seed=0)
    with pytest.warns(
        UserWarning, match="no activation 'own': the slow reference engine runs"
    ) as w:
        p = net.predictor()
    assert w[0].filename == __file__
    with pytest.raises(ValueError, match="no activation 'own'; engine='reference' can run it"):
        net.predictor(engine="native")
    for q in (p, net.predictor(engine="reference"), pickle.loads(pickle.dumps(p))):
        assert q.engine == "reference"
        X = rows(7, 3, "float64")
        expected = net.forward(X)
        np.testing.assert_array_equal(q(X), expected.y_hat)
        np.testing.assert_array_equal(q(X, logits=True), expected.z[-1])
        np.testing.assert_allclose(q(X[2].tolist()), expected.y_hat[2], rtol=1e-14)
        np.testing.assert_allclose(q(sparse.csr_array(X)), expected.y_hat, rtol=1e-14)
        out = np.empty((7, 2))
        assert q(X, out) is out
        np.testing.assert_array_equal(out, expected.y_hat)
        with pytest.raises(ValueError, match=r"out must have shape \(7, 2\); got \(6, 2\)"):
            q(X, out[:6])
        with pytest.raises(TypeError):
            q(X, out.astype(np.float32))
        with pytest.raises(ValueError, match="X must have 3 columns; got 2"):
            q(X[:, :2])
    np.testing.assert_array_equal(net.predict_proba(X), expected.y_hat)  # says nothing, is not slow
