"""The layer kinds for the columns of a table, against their formulas, differences and autograd."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from table_cases import MANY, TABLE_CASES, TableCase, in_torch

import clearprop as cp
from clearprop import Network, check_gradients
from clearprop.activations import ACTIVATIONS
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
from clearprop.layers import Dense, Dropout
from clearprop.outputs import Linear

each = pytest.mark.parametrize("case", TABLE_CASES, ids=lambda case: case.name)


@each
def test_every_derivative_is_right(case: TableCase) -> None:
    net, X, t, w = case.make()
    check = check_gradients(net, X, t, w, draw=(5, 9, 0.5))
    assert check.ok, check.worst
    assert check.n_kinks == 0
    of_X = X.size if isinstance(case.layers[0], Dense) else 0
    assert check.n_checked == net.theta.size + of_X


@each
def test_every_derivative_agrees_with_autograd(case: TableCase) -> None:
    torch = pytest.importorskip("torch")
    torch_forms = pytest.importorskip("torch_forms", exc_type=ImportError)
    net, X, t, w = case.make()
    theta = torch.tensor(net.theta, requires_grad=True)
    leaf = torch.tensor(X, requires_grad=True)
    h, start = leaf, 0
    for layer in net.architecture.layers:
        p = {}
        for name, shape in layer.shapes.items():
            size = int(np.prod(shape))
            p[name] = theta[start : start + size].reshape(shape)
            start += size
        h = in_torch(layer, p, h, torch_forms.PHI.__getitem__)
    losses = torch_forms.losses(net.output, h, t)
    weights = torch.ones(len(losses)) if w is None else torch.tensor(w)
    loss = (weights * losses).sum() / weights.sum()
    loss.backward()
    gradients = net.backward(net.forward(X), t, w)
    assert net.loss(X, t, w) == pytest.approx(loss.item(), rel=1e-13)
    of_X = np.zeros_like(X) if leaf.grad is None else leaf.grad.numpy()
    for ours, theirs in ((gradients.theta, theta.grad.numpy()), (gradients.dL_dX, of_X)):
        # float64 sums of up to 39 terms in another order
        assert np.abs(ours - theirs).max() <= 1e-13 * max(1.0, np.abs(theirs).max())


@each
def test_files_hold_them(case: TableCase, tmp_path: Path) -> None:
    net, X, _, _ = case.make("float32")
    net.save(tmp_path / "net")
    loaded = Network.load(tmp_path / "net")
    assert loaded.architecture == net.architecture
    np.testing.assert_array_equal(loaded.theta, net.theta)
    np.testing.assert_array_equal(loaded.forward(X).y_hat, net.forward(X).y_hat)


def run(layer: Any, x: Any, **p: Any) -> Any:
    return layer.forward(
        {k: np.asarray(v, float) for k, v in p.items()}, np.asarray(x, float), None
    )


def test_piecewise_linear_encoding() -> None:
    layer = PiecewiseLinear(((0.0, 1.0, 3.0, 4.0),), n_units=3)
    x = [-9.0, -0.5, 0.25, 1.0, 2.0, 3.5, 4.5, 99.0]
    out, _ = run(layer, np.array(x)[:, None], V=np.eye(3))
    expected = [
        [-1, 0, 0],
        [-0.5, 0, 0],
        [0.25, 0, 0],
        [1, 0, 0],
        [1, 0.5, 0],
        [1, 1, 0.5],
        [1, 1, 1.5],
        [1, 1, 2],
    ]
    np.testing.assert_array_equal(out[:, 1:], expected)
    np.testing.assert_allclose(out[:, 0], np.array(x) / np.sqrt(1 + np.square(x) / 9), rtol=1e-15)
    one, _ = run(PiecewiseLinear(((0.0, 2.0),), n_units=1), [[-9.0], [1.0], [9.0]], V=[[1.0]])
    np.testing.assert_array_equal(one[:, 1], [-1, 0.5, 2])


def test_slope_is_between_the_identity_and_the_activation() -> None:
    layer = Dense(1, 3, ACTIVATIONS["tanh"], slope=True)
    (out,), _ = run(layer, [[0.7]], W=[[1], [1], [1]], b=[0, 0, 0], slope=[0, 0.5, 1])
    np.testing.assert_allclose(out, [0.7, (0.7 + np.tanh(0.7)) / 2, np.tanh(0.7)], rtol=1e-15)


def test_names_select_parameters() -> None:
    net, *_ = next(c for c in TABLE_CASES if c.name == "recipe").make()
    architecture = net.architecture
    chosen = architecture.by_name(lambda name: {"V": 2.0, "b": 3.0, "b_1": 4.0}.get(name, 1.0))
    parts = architecture.unpack(chosen)
    assert (parts[0]["1.V"] == 2).all()
    assert (parts[0]["3.b_1"] == 4).all()
    assert (parts[2]["b"] == 3).all()
    assert set(np.unique(chosen)) == {1.0, 2.0, 3.0, 4.0}
    decayed = architecture.unpack(architecture.is_decayed)
    for p in decayed:
        for name, values in p.items():
            assert (values == (0 if name.split(".")[-1].startswith("b") else 1)).all()


def test_rates_of_parameters_and_schedules_of_dropout_and_decay() -> None:
    """One step of plain gradient descent is what the definition says, factor by factor."""
    net, X, t, w = next(c for c in TABLE_CASES if c.name == "recipe").make()
    theta, architecture = net.theta.copy(), net.architecture
    factors = {"V": 0.3, "s": 6.0, "slope": 0.1, "b": 0.0}
    job = cp.Job(
        architecture,
        theta,
        cp.SGD(0.01, weight_decay=0.5),
        batch_size=len(X),
        epochs=2,
        shuffle=None,
        seed=3,
        rate_factors=factors,
        dropout_schedule=lambda clock: np.where(clock.step < 1, 1.0, 0.25),
        decay_schedule=lambda clock: np.where(clock.step < 1, 0.5, 0.0),
    )
    data = cp.Data.from_arrays(architecture, X, t, w)
    (state,) = cp.train([job], data, engine="reference")
    rates = 0.01 * architecture.by_name(lambda name: factors.get(name, 1.0))
    for step, dropout, decay in ((0, 1.0, 0.25), (1, 0.25, 0.0)):
        trace = Network.from_theta(architecture, theta).forward(X, draw=(3, step, dropout))
        g = Network.from_theta(architecture, theta).backward(trace, t, w).theta
        theta = theta * (1 - rates * decay * architecture.is_decayed) - rates * g
    np.testing.assert_allclose(state.theta, theta, rtol=1e-13)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PiecewiseLinear(((0.0, 1.0), (1.0, 1.0))), r"increasing order .* for column 1"),
        (lambda: PiecewiseLinear(((0.0,),)), "two or more"),
        (lambda: PiecewiseLinear(((0.0, np.inf),)), "finite"),
        (lambda: PiecewiseLinear(((0.0, 1.0),), clip=0), "clip must be a number > 0; got 0"),
        (lambda: PiecewiseLinear(((0.0, 1.0),), n_units=0), "n_units must be"),
        (lambda: Periodic(2, n_frequencies=0), "n_frequencies must be"),
        (lambda: Embedding((3, 0)), "sizes must be"),
        (lambda: EmbeddingBag((3, 0), 2), "sizes must be"),
        (lambda: EmbeddingBag((3,), 0), "n_codes must be"),
        (lambda: Parallel((Identity(2), Dropout(0.1))), "a fixed number of columns"),
        (lambda: Architecture((Scale(3), Dense(4, 1, None)), Linear()), "layer 1 .dense. takes 4"),
        (lambda: Architecture((Scale(3),), Linear()), "must end with a dense layer"),
    ],
)
def test_what_cannot_be(make: Any, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        make()


@pytest.mark.parametrize("wrong", [-1.0, 3.0, 0.5, np.nan])
def test_what_is_no_category_is_named(wrong: float) -> None:
    net, X, _, _ = next(c for c in TABLE_CASES if c.name == "many_columns").make()
    assert isinstance(net.architecture.layers[0], type(MANY))
    X[4, 5] = wrong
    with pytest.raises(ValueError, match=rf"0 … 2 in category column 0; got .*{wrong}.* in row 4"):
        net.forward(X)


@pytest.mark.parametrize("wrong", [-1.0, 6.0, 0.5, np.nan])
def test_what_is_no_code_is_named(wrong: float) -> None:
    layer = EmbeddingBag((2, 5), 3)
    with pytest.raises(ValueError, match=rf"0 … 5 in code column 4; got .*{wrong}.* in row 1"):
        run(layer, [[0, 1, 2, 0, 5, 0], [0, 1, 2, 0, wrong, 0]], G=np.zeros((7, 8)))


def test_a_text_is_the_sum_of_its_codes_over_the_root_of_their_number() -> None:
    layer = EmbeddingBag((3, 1), 4, n_units=2)
    G = [[1, 0], [0, 1], [5, 5], [7, 8]]
    out, _ = run(layer, [[1, 0, 2, 0, 0, 0, 0, 1], [0, 0, 0, 0, 1, 1, 1, 1]], G=G)
    half = 2**-0.5
    np.testing.assert_allclose(out, [[half, half, 7, 8], [0, 0, 14, 16]], rtol=1e-15)


def test_wrong_names_of_factors_are_refused() -> None:
    net = Network([3, 2])
    with pytest.raises(
        ValueError, match=r"parameters of the network, \['W', 'b'\]; got one for 'c'"
    ):
        cp.Job(net.architecture, net.theta, "adam", rate_factors={"c": 1.0})
    with pytest.raises(ValueError, match=r"must be ≥ 0, got -1\.0"):
        cp.Job(net.architecture, net.theta, "adam", rate_factors={"b": -1.0})
    with pytest.raises(TypeError, match="dropout_schedule must be a schedule"):
        cp.Job(net.architecture, net.theta, "adam", dropout_schedule=0.5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_value_far_out_is_clipped_and_not_taken_for_0(dtype: str) -> None:
    layer = PiecewiseLinear(((-1.0, 0.0, 1.0),), n_units=1)
    architecture = cp.architecture.Architecture((layer, Dense(2, 1, None)), cp.OUTPUTS["linear"]())
    theta = np.array([0, 0, 1, 0, 0], dtype)  # ŷ is the clipped x
    net = Network.from_theta(architecture, theta)
    X = np.array([[1e18], [1e20], [1e30], [3e38], [-3e38], [np.nan]], dtype)
    expected = [3, 3, 3, 3, -3, np.nan]
    np.testing.assert_allclose(net.forward(X).y_hat[:, 0], expected, rtol=1e-6)
    np.testing.assert_allclose(net.predict(X), expected, rtol=1e-6)
    gradients = net.backward(net.forward(X[:5]), np.zeros(5))
    np.testing.assert_allclose(gradients.dL_dX, 0, atol=1e-20)
