"""Forward and back-propagation: the lecture's formulas, shapes, weights, sparse X, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cases import CASES, GRID, Case
from scipy import sparse

import clearprop as cp
from clearprop import Network
from clearprop.activations import Activation, activation_jacobian
from clearprop.layers import Draw, Dropout
from clearprop.outputs import Huber, Quantile, Softmax

EPS = float(np.finfo(np.float64).eps)
each_case = pytest.mark.parametrize("case", CASES[::7] + CASES[-11:], ids=lambda case: case.name)


def close(ours: Any, expected: Any, digits: float = 1e3) -> None:
    """Equal up to `digits`·eps of the largest entry, for sums in another order."""
    scale = max(float(np.abs(expected).max()), 1e-300)
    np.testing.assert_allclose(ours, expected, rtol=0, atol=digits * EPS * scale)


# ---- the lecture, slide by slide -----------------------------------------------------------------


def lecture_network() -> tuple[Network, Any, int]:
    """Three hidden layers as on the slides, one training example and its class."""
    net = Network([3, 4, 2, 5, 3], hidden="logistic", output="softmax", seed=1)
    for b in net.b:
        b[...] = np.random.default_rng(len(b)).normal(size=len(b))
    return net, np.array([0.5, -1.0, 2.0]), 2


def phi(z: float) -> float:
    return 1 / (1 + np.exp(-z))


def scalar_forward(net: Network, x: Any) -> tuple[list[Any], list[Any], Any]:
    """z_j = Σ_i w_ij h_i + b_j, h_j = φ(z_j), ŷ_k = exp(z_k) / Σ_j exp(z_j), one unit at a time."""
    h, z = [list(x)], []
    L = len(net.W)
    for layer in range(L):
        W, b = net.W[layer], net.b[layer]
        z_layer = []
        for j in range(len(b)):
            z_j = 0.0
            for i in range(len(h[layer])):
                w_ij = W[j, i]  # row j of W holds the incoming weights of unit j
                z_j += w_ij * h[layer][i]
            z_layer.append(z_j + b[j])
        z.append(z_layer)
        if layer < L - 1:
            h.append([phi(z_j) for z_j in z_layer])
    total = sum(np.exp(z_k) for z_k in z[-1])
    return z, h, [np.exp(z_k) / total for z_k in z[-1]]


def test_forward_propagation_is_the_slides_scalar_formula() -> None:
    net, x, _ = lecture_network()
    trace = net.forward(x[None, :])
    z, h, y_hat = scalar_forward(net, x)
    for layer in range(4):
        close(trace.z[layer][0], z[layer])
        close(trace.h[layer][0], h[layer])
    close(trace.y_hat[0], y_hat)


def test_back_propagation_is_the_slides_scalar_formula() -> None:
    net, x, t = lecture_network()
    z, h, y_hat = scalar_forward(net, x)
    L = len(net.W)

    # ∂ℒ/∂z⁽ᴸ⁾ = ∂ŷ/∂z ∂ℒ/∂ŷ, with ℒ = −log ŷ_t and ∂ŷ_k/∂z_j = ŷ_k(δ_kj − ŷ_j)
    dL_dz: list[Any] = [None] * L
    dL_dz[L - 1] = [-1 / y_hat[t] * y_hat[t] * ((j == t) - y_hat[j]) for j in range(3)]
    # ∂ℒ/∂z_j⁽ˡ⁾ = (Σ_i ∂ℒ/∂z_i⁽ˡ⁺¹⁾ w_ji⁽ˡ⁺¹⁾) ∂h_j/∂z_j
    for layer in reversed(range(L - 1)):
        W_next = net.W[layer + 1]
        dL_dz[layer] = []
        for j in range(len(z[layer])):
            dL_dh_j = 0.0
            for i in range(len(z[layer + 1])):
                w_ji = W_next[i, j]  # from unit j of this layer to unit i of the next
                dL_dh_j += dL_dz[layer + 1][i] * w_ji
            dh_dz = phi(z[layer][j]) * (1 - phi(z[layer][j]))
            dL_dz[layer].append(dL_dh_j * dh_dz)

    gradients = net.backward(net.forward(x[None, :]), np.array([t]))
    for layer in range(L):
        close(gradients.dL_dz[layer][0], dL_dz[layer])
        for j in range(len(z[layer])):
            for i in range(len(h[layer])):
                # ∂ℒ/∂w_ij = ∂ℒ/∂z_j h_i
                expected = dL_dz[layer][j] * h[layer][i]
                close(gradients.dL_dW[layer][j, i], expected)
            # the closing question: a bias is the weight from a unit that is always 1
            close(gradients.dL_db[layer][j], dL_dz[layer][j] * 1)
    assert net.loss(x[None, :], np.array([t])) == pytest.approx(-np.log(y_hat[t]), rel=1e-13)


@each_case
def test_back_propagation_is_the_slides_vector_formula(case: Case) -> None:
    """∂ℒ/∂z⁽ˡ⁾ = ∂h⁽ˡ⁾/∂z⁽ˡ⁾ (W⁽ˡ⁺¹⁾ᵀ ∂ℒ/∂z⁽ˡ⁺¹⁾) with the Jacobian as a matrix, per sample."""
    net, X, t, w = case.make()
    trace = net.forward(X)
    g = net.backward(trace, t, w)
    for layer in range(len(net.W)):
        close(trace.z[layer], trace.h[layer] @ net.W[layer].T + net.b[layer])
        close(g.dL_dh[layer], g.dL_dz[layer] @ net.W[layer])
        outer = sum(np.outer(g.dL_dz[layer][n], trace.h[layer][n]) for n in range(case.n))
        close(g.dL_dW[layer], outer)
        close(g.dL_db[layer], g.dL_dz[layer].sum(axis=0))
    for layer, name in enumerate(case.hidden):
        J = activation_jacobian(name, trace.z[layer])  # diag(φ′(z)), (N, H, H)
        for n in range(case.n):
            close(g.dL_dz[layer][n], J[n] @ (net.W[layer + 1].T @ g.dL_dz[layer + 1][n]))


def test_a_bias_is_the_weight_from_a_unit_that_is_always_one() -> None:
    rng = np.random.default_rng(0)
    X, t = rng.normal(size=(6, 3)), rng.integers(0, 4, 6)
    net = Network([3, 4], output="softmax", seed=0)
    net.b[0][...] = rng.normal(size=4)
    with_one = Network([4, 4], output="softmax", initializer="zeros")
    with_one.W[0][:, :3], with_one.W[0][:, 3] = net.W[0], net.b[0]
    X_1 = np.hstack([X, np.ones((6, 1))])
    g, g_1 = net.backward(net.forward(X), t), with_one.backward(with_one.forward(X_1), t)
    close(g_1.dL_dW[0], np.column_stack([g.dL_dW[0], g.dL_db[0]]))


def test_a_worked_example_in_whole_numbers() -> None:
    net = Network([2, 2, 1], hidden="relu", output="linear", initializer="zeros")
    net.W[0][...], net.b[0][...] = [[1, -1], [2, 1]], [0, -5]
    net.W[1][...], net.b[1][...] = [[3, 4]], [1]
    X, t = np.array([[3.0, 1.0]]), np.array([8.0])
    trace = net.forward(X)
    # z⁽¹⁾ = (3 − 1, 6 + 1 − 5) = (2, 2), h = (2, 2), z⁽²⁾ = 6 + 8 + 1 = 15, ℒ = ½·7²
    assert trace.z[0].tolist() == [[2, 2]]
    assert trace.h[1].tolist() == [[2, 2]]
    assert trace.y_hat.tolist() == [[15]]
    assert net.loss(X, t) == 24.5
    g = net.backward(trace, t)
    # ∂ℒ/∂z⁽²⁾ = 7; ∂ℒ/∂h⁽¹⁾ = (21, 28) = ∂ℒ/∂z⁽¹⁾; ∂ℒ/∂x = (21 + 56, −21 + 28)
    assert [d.tolist() for d in g.dL_dz] == [[[21, 28]], [[7]]]
    assert [d.tolist() for d in g.dL_dW] == [[[63, 21], [84, 28]], [[14, 14]]]
    assert [d.tolist() for d in g.dL_db] == [[21, 28], [7]]
    assert g.dL_dh[0].tolist() == [[77, 7]]
    assert g.theta.tolist() == [63, 21, 84, 28, 21, 28, 14, 14, 7]


def test_a_soft_or_gate_of_one_sigmoid_unit() -> None:
    net = Network([2, 1], output="logistic", initializer="zeros")
    net.W[0][...], net.b[0][...] = 20, -10
    X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    assert net.predict(X).tolist() == [0, 1, 1, 1]
    np.testing.assert_allclose(net.predict_proba(X)[:, 1], [0, 1, 1, 1], atol=5e-5)


# ---- names and shapes ----------------------------------------------------------------------------


@each_case
def test_shapes(case: Case) -> None:
    net, X, t, w = case.make()
    D, *H = net.sizes
    L, N, K = len(H), case.n, H[-1]
    assert [W.shape for W in net.W] == list(zip(H, [D, *H], strict=False))
    assert [b.shape for b in net.b] == [(n,) for n in H]
    assert net.theta.shape == (sum(W.size + b.size for W, b in zip(net.W, net.b, strict=True)),)
    trace = net.forward(X)
    assert [z.shape for z in trace.z] == [(N, n) for n in H]
    assert [h.shape for h in trace.h] == [(N, n) for n in [D, *H[:-1]]]
    assert trace.y_hat.shape == (N, K)
    np.testing.assert_array_equal(trace.h[0], X)
    g = net.backward(trace, t, w)
    assert [d.shape for d in g.dL_dz] == [z.shape for z in trace.z]
    assert [d.shape for d in g.dL_dh] == [h.shape for h in trace.h]
    assert [d.shape for d in g.dL_dW] == [W.shape for W in net.W]
    assert [d.shape for d in g.dL_db] == [b.shape for b in net.b]
    assert len(trace.z) == len(trace.h) == L
    flat = [part.ravel() for pair in zip(g.dL_dW, g.dL_db, strict=True) for part in pair]
    np.testing.assert_array_equal(np.concatenate(flat), g.theta)


def test_the_table_leaves_no_derivative_out() -> None:
    """No array of derivatives in the table is all zero: agreement there would mean nothing."""
    for case in GRID:
        net, X, t, w = case.make()
        g = net.backward(net.forward(X), t, w)
        for array in (*g.dL_dz, *g.dL_dh, *g.dL_dW, *g.dL_db):
            assert array.any(), case.name
    assert {case.hidden[0] for case in GRID if case.hidden} == set(cp.ACTIVATIONS)
    assert {case.output.output.name for case in GRID} == set(cp.OUTPUTS)
    assert {len(case.hidden) for case in GRID} == {0, 1, 2, 3, 4}
    assert len({case.name for case in CASES}) == len(CASES)


def test_W_and_b_are_views_into_theta() -> None:
    net = Network([3, 4, 2], seed=0)
    assert net.theta.flags.c_contiguous
    for view in (*net.W, *net.b):
        assert np.shares_memory(view, net.theta)
    net.theta[...] = np.arange(26)
    assert net.W[0].tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]  # rows of W first
    assert net.b[0].tolist() == [12, 13, 14, 15]
    assert net.W[1].tolist() == [[16, 17, 18, 19], [20, 21, 22, 23]]
    assert net.b[1].tolist() == [24, 25]
    net.W[1][0, 2] = -1
    net.b[0][...] = 7
    assert net.theta[18] == -1
    assert net.theta[12:16].tolist() == [7] * 4
    g = net.backward(net.forward(np.ones((1, 3))), np.ones((1, 2)))
    for view in (*g.dL_dW, *g.dL_db):
        assert np.shares_memory(view, g.theta)


def test_from_theta_keeps_the_vector() -> None:
    net = Network([3, 4, 2], seed=0)
    theta = net.theta.copy()
    other = Network.from_theta(net.architecture, theta)
    assert other.theta is theta
    X = np.ones((2, 3))
    np.testing.assert_array_equal(other.forward(X).y_hat, net.forward(X).y_hat)
    with pytest.raises(ValueError, match=r"theta must have shape \(26,\); got \(25,\)"):
        Network.from_theta(net.architecture, theta[1:])
    with pytest.raises(ValueError, match="dtype must be float32 or float64; got int64"):
        Network.from_theta(net.architecture, np.zeros(26, dtype=int))


def test_nothing_that_is_given_is_changed() -> None:
    net, X, t, w = next(c for c in GRID if c.weighted and c.name.startswith("relu")).make()
    before = [a.copy() for a in (net.theta, X, t, w)]
    g = net.backward(net.forward(X), t, w)
    theirs = g.theta.copy()
    net.backward(net.forward(X), t, w)
    np.testing.assert_array_equal(g.theta, theirs)  # nor is the result of the call before
    for a, b in zip((net.theta, X, t, w), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_one_activation_per_hidden_layer_also_of_ones_own() -> None:
    cube = Activation("cube", lambda z: z**3, lambda z, h: 3 * z**2)
    net = Network([2, 3, 3, 1], hidden=["tanh", cube], seed=0)
    X = np.random.default_rng(0).normal(size=(4, 2))
    trace = net.forward(X)
    np.testing.assert_array_equal(trace.h[1], np.tanh(trace.z[0]))
    np.testing.assert_array_equal(trace.h[2], trace.z[1] ** 3)
    assert cp.check_gradients(net, X, np.ones(4)).ok
    assert repr(net) == (
        "Network([2, 3, 3, 1], hidden=['tanh', 'cube'], output='linear', dtype='float64', "
        "n_parameters=25)"
    )


# ---- the mean over samples -----------------------------------------------------------------------


@each_case
def test_the_gradient_is_the_mean_of_the_samples_gradients(case: Case) -> None:
    net, X, t, w = case.make()
    weights = np.ones(case.n) if w is None else w
    rows = [net.backward(net.forward(X[n : n + 1]), t[n : n + 1]).theta for n in range(case.n)]
    losses = [net.loss(X[n : n + 1], t[n : n + 1]) for n in range(case.n)]
    close(net.backward(net.forward(X), t, w).theta, np.average(rows, axis=0, weights=weights))
    close(net.loss(X, t, w), np.average(losses, weights=weights))


def test_a_weight_of_two_is_the_row_twice_and_zero_is_the_row_left_out() -> None:
    case = next(c for c in GRID if c.name == "tanh-softmax-2")
    net, X, t, _ = case.make()
    w = np.array([2, 0, 1, 3, 0][: case.n])
    repeated = np.repeat(np.arange(case.n), w)
    weighted, plain = net.forward(X), net.forward(X[repeated])
    close(net.backward(weighted, t, w).theta, net.backward(plain, t[repeated]).theta)
    close(net.loss(X, t, w), net.loss(X[repeated], t[repeated]))
    close(net.backward(weighted, t, w * 1e-9).theta, net.backward(weighted, t, w).theta)


def test_least_squares_and_logistic_regression_without_hidden_layer() -> None:
    rng = np.random.default_rng(0)
    X, t = rng.normal(size=(20, 3)), rng.normal(size=20)
    net = Network([3, 1], seed=0)
    residual = X @ net.W[0][0] + net.b[0] - t
    g = net.backward(net.forward(X), t)
    close(g.dL_dW[0][0], X.T @ residual / 20)
    close(net.loss(X, t), 0.5 * np.mean(residual**2))
    labels = (t > 0).astype(float)
    net = Network([3, 1], output="logistic", seed=0)
    p = 1 / (1 + np.exp(-(X @ net.W[0][0] + net.b[0])))
    g = net.backward(net.forward(X), labels)
    close(g.dL_dW[0][0], X.T @ (p - labels) / 20)
    close(net.loss(X, labels), -np.mean(labels * np.log(p) + (1 - labels) * np.log(1 - p)))


# ---- kinds of X ----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["csr_matrix", "csc_matrix", "coo_matrix", "csr_array"])
@pytest.mark.parametrize("sizes", [[6, 4], [6, 5, 4]])
def test_sparse_X_gives_what_dense_X_gives(form: str, sizes: list[int]) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(9, 6)) * (rng.uniform(size=(9, 6)) < 0.3)
    X[2] = 0
    t = rng.integers(0, 4, 9)
    net = Network(sizes, hidden="tanh", output="softmax", seed=0)
    X_sparse = getattr(sparse, form)(X)
    dense, thin = net.forward(X), net.forward(X_sparse)
    close(thin.y_hat, dense.y_hat)
    assert sparse.issparse(thin.h[0])
    g, g_sparse = net.backward(dense, t), net.backward(thin, t)
    assert isinstance(g_sparse.theta, np.ndarray)
    close(g_sparse.theta, g.theta)
    close(g_sparse.dL_dh[0], g.dL_dh[0])
    close(net.loss(X_sparse, t), net.loss(X, t))
    np.testing.assert_array_equal(net.predict(X_sparse), net.predict(X))
    empty = net.forward(getattr(sparse, form)((2, 6)))
    close(empty.y_hat, net.forward(np.zeros((2, 6))).y_hat)


def test_lists_integers_truth_values_and_any_memory_order() -> None:
    net = Network([2, 3, 1], hidden="tanh", seed=0)
    X = [[0, 1], [1, 1]]
    expected = net.predict(np.array(X, dtype=float))
    for given in (X, np.array(X), np.array(X, dtype=bool), np.asfortranarray(X, dtype=np.uint8)):
        np.testing.assert_array_equal(net.predict(given), expected)


@each_case
def test_float32_stays_float32_and_is_close_to_float64(case: Case) -> None:
    net, X, t, w = case.make("float32")
    wide, X64, _, _ = case.make()
    trace = net.forward(X)
    g = net.backward(trace, t, w)
    for array in (*trace.z, *trace.h, trace.y_hat, *g.dL_dz, *g.dL_dh, g.theta, *g.dL_dW, *net.b):
        assert array.dtype == np.float32
    reference = wide.backward(wide.forward(X64), t, w)
    # sums of up to 129 terms through 5 layers, in units of float32's eps = 1.2e-7
    scale = np.abs(reference.theta).max()
    np.testing.assert_allclose(g.theta, reference.theta, rtol=0, atol=2e-5 * scale)
    assert net.loss(X, t, w) == pytest.approx(wide.loss(X64, t, w), rel=1e-5)


# ---- dropout -------------------------------------------------------------------------------------


def test_dropout_acts_in_training_only_and_the_trace_shows_it() -> None:
    net = Network([4, 50, 3], hidden="tanh", output="softmax", dropout=0.4, seed=0)
    X = np.random.default_rng(0).normal(size=(20, 4))
    plain = net.forward(X)
    np.testing.assert_array_equal(plain.h[1], np.tanh(plain.z[0]))
    np.testing.assert_allclose(net.predict_proba(X), plain.y_hat, rtol=60 * EPS)  # sums of 50
    trace = net.forward(X, draw=(0, 0))
    kept = trace.h[1] != 0
    scale = 65536 / (65536 - round(0.4 * 65536))  # 1 / (1 − rate) for the rate in 16 bits
    np.testing.assert_array_equal(trace.h[1][kept], (np.tanh(trace.z[0]) * scale)[kept])
    close(trace.z[1], trace.h[1] @ net.W[1].T + net.b[1])
    g = net.backward(trace, np.zeros(20, dtype=int))
    assert not g.dL_dz[0][~kept].any()
    assert g.dL_dz[0][kept].all()


def test_dropout_masks_depend_on_seed_step_and_layer_alone() -> None:
    net = Network([4, 30, 30, 3], hidden="identity", dropout=0.5, seed=0)
    X = np.ones((5, 4))

    def masks(draw: tuple[int, int]) -> list[Any]:
        return [h != 0 for h in net.forward(X, draw=draw).h[1:]]

    first = masks((1, 2))
    for a, b in zip(first, masks((1, 2)), strict=True):
        np.testing.assert_array_equal(a, b)
    for other in ((1, 3), (2, 2)):
        assert all((a != b).any() for a, b in zip(first, masks(other), strict=True))
    assert (first[0] != first[1]).any()
    net.theta *= 2
    np.testing.assert_array_equal(masks((1, 2))[0], first[0])


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_drops_its_rate_and_keeps_the_mean(rate: float) -> None:
    n = 200_000
    m = Dropout(rate).mask(Draw(7, 3, 1), (n // 10, 10), np.float64)
    # five standard deviations of a mean of n independent draws; the rate is in steps of 2⁻¹⁶
    sigma = np.sqrt(rate * (1 - rate) / n)
    assert abs((m == 0).mean() - rate) <= 5 * sigma + 2**-17
    assert abs(m.mean() - 1) <= 5 * sigma / (1 - rate)
    rows = (m == 0).mean(axis=1)
    assert rows.std() == pytest.approx(np.sqrt(rate * (1 - rate) / 10), rel=0.02)  # independent


def test_dropout_masks_are_made_of_16_bit_words_of_philox() -> None:
    """The definition that every engine follows: words of 64 bits, cut from the low end."""
    rate, draw = 0.3, Draw(seed=2**40 + 5, step=2**33 + 1, layer=3)
    raw = np.random.Philox(key=[draw.seed, 3], counter=[0, draw.step, 0, 0]).random_raw(4)
    words = [int(raw[i // 4]) >> 16 * (i % 4) & 0xFFFF for i in range(15)]
    m = Dropout(rate).mask(draw, (3, 5), np.float64)
    assert (m != 0).ravel().tolist() == [word >= round(rate * 65536) for word in words]
    assert set(m.ravel()) == {0, 65536 / (65536 - round(rate * 65536))}
    # a word at the threshold is kept: 1 in 65536 is dropped at the smallest rate, not 2
    dropped = (Dropout(2**-16).mask(Draw(0, 0, 0), (2_000_000,), np.float32) == 0).sum()
    assert 0 < dropped < 46  # 30.5 ± 5.5; twice as many would be 61


def test_dropout_rates_close_to_one_are_finite() -> None:
    m = Dropout(1 - 1e-9).mask(Draw(0, 0, 0), (50, 50), np.float32)
    assert np.isfinite(m).all()
    assert m.dtype == np.float32


# ---- initialisation ------------------------------------------------------------------------------


def test_the_seed_decides_the_parameters() -> None:
    sizes = [5, 7, 3]
    first = Network(sizes, seed=3).theta
    np.testing.assert_array_equal(Network(sizes, seed=3).theta, first)
    np.testing.assert_array_equal(Network(sizes, seed=np.random.default_rng(3)).theta, first)
    assert (Network(sizes, seed=4).theta != first).any()
    assert (Network(sizes, seed=None).theta != Network(sizes, seed=None).theta).any()
    np.testing.assert_array_equal(
        Network(sizes, seed=3, dtype="float32").theta, first.astype(np.float32)
    )
    assert not any(b.any() for b in Network(sizes, seed=3).b)


@pytest.mark.parametrize(
    ("activation", "variance"),
    [("relu", 2 / 300), ("gelu", 2 / 300), ("selu", 1 / 300), ("tanh", 2 / 500)],
)
def test_the_initialiser_follows_the_activation(activation: str, variance: float) -> None:
    net = Network([300, 200, 100], hidden=activation, seed=0)
    # the variance of n draws is known to about √(2/n), n = 60,000; Glorot before the output
    assert net.W[0].var() == pytest.approx(variance, rel=0.03)
    assert net.W[1].var() == pytest.approx(2 / 300, rel=0.05)


def test_another_initialiser() -> None:
    net = Network([3, 2, 1], initializer=cp.initializers.constant_weights(0.5, bias=-1))
    assert {*net.W[0].ravel(), *net.W[1].ravel()} == {0.5}
    assert {*net.b[0], *net.b[1]} == {-1.0}
    q = Network([6, 4, 2], initializer="orthogonal").W[0]
    np.testing.assert_allclose(q @ q.T, np.eye(4), atol=1e-14)


# ---- predictions ---------------------------------------------------------------------------------


def test_predictions_have_the_form_of_the_targets() -> None:
    X = np.random.default_rng(0).normal(size=(6, 3))

    def net(output: Any, K: int) -> Network:
        return Network([3, 4, K], output=output, seed=0)

    soft = net("softmax", 4)
    np.testing.assert_array_equal(soft.predict(X), soft.predict_proba(X).argmax(axis=1))
    np.testing.assert_allclose(soft.predict_proba(X).sum(axis=1), 1, rtol=8 * EPS)
    binary, multi = net("logistic", 1), net("logistic", 3)
    y_hat = binary.predictor()(X)
    np.testing.assert_array_equal(binary.predict_proba(X), np.hstack([1 - y_hat, y_hat]))
    np.testing.assert_array_equal(binary.predict(X), y_hat[:, 0] > 0.5)
    assert multi.predict_proba(X).shape == (6, 3)
    assert binary.predict(X).dtype == np.int64
    assert multi.predict(X).shape == (6, 3)
    groups = net(Softmax(sizes=(3, 2)), 5)
    p = groups.predict_proba(X)
    expected = np.stack([p[:, :3].argmax(axis=1), p[:, 3:].argmax(axis=1)], axis=1)
    np.testing.assert_array_equal(groups.predict(X), expected)
    assert net(Softmax(sizes=(4,)), 4).predict(X).shape == (6, 1)
    assert net("linear", 1).predict(X).shape == (6,)
    assert net("linear", 2).predict(X).shape == (6, 2)
    poisson = net("poisson", 1)
    exact = np.exp(poisson.forward(X).z[-1][:, 0])
    np.testing.assert_allclose(poisson.predict(X), exact, rtol=20 * EPS)
    with pytest.raises(TypeError, match=r"linear outputs are not probabilities; use predict\(X\)"):
        net("linear", 1).predict_proba(X)


# ---- errors --------------------------------------------------------------------------------------

NET = Network([2, 3, 1], seed=0)
X2 = np.zeros((4, 2))
ERRORS: list[tuple[Any, str]] = [
    (lambda: Network([3]), r"sizes must be at least two positive integers .*; got \[3\]"),
    (lambda: Network([3, 0, 1]), r"sizes must be .*; got \[3, 0, 1\]"),
    (lambda: Network([3, 2.0, 1]), r"sizes must be .*; got \[3, 2.0, 1\]"),
    (lambda: Network([3, True]), r"sizes must be .*; got \[3, True\]"),
    (
        lambda: Network([3, 2, 1], hidden="rectifier"),
        "hidden: unknown activation 'rectifier'; choose",
    ),
    (lambda: Network([3, 2, 1], hidden=["relu", "relu"]), r"hidden must be one value or .*\(1\)"),
    (lambda: Network([3, 1], hidden=["relu"]), r"one per hidden layer \(0\); got 1: \['relu'\]"),
    (lambda: Network([3, 2, 1], output="sigmoid"), "output must be one of .*; got 'sigmoid'"),
    (lambda: Network([3, 3], output=Softmax(sizes=(2, 2))), "add up to 4, .* has 3 outputs"),
    (lambda: Network([3, 3], output=Quantile((0.1, 0.9))), "a multiple of the 2 quantiles; got 3"),
    (lambda: Network([3, 2, 1], dropout=1.0), r"dropout must lie in \[0, 1\); got 1.0"),
    (lambda: Network([3, 2, 1], dropout=[0.1, 0.2]), "dropout must be one value or one per hidden"),
    (lambda: Network([3, 1], dtype="float16"), "dtype must be float32 or float64; got float16"),
    (lambda: Network([3, 1], initializer="xavier"), "initializer: unknown initialiser 'xavier'"),
    (lambda: NET.forward(np.zeros(2)), r"X must have shape \(N, 2\); got \(2,\); one sample"),
    (lambda: NET.forward(np.zeros((1, 1, 2))), r"X must have shape \(N, 2\); got \(1, 1, 2\)"),
    (lambda: NET.forward(np.zeros((4, 3))), "X must have 2 columns; got 3"),
    (lambda: NET.forward(np.zeros((0, 2))), "X must have at least one row; got none"),
    (lambda: NET.forward(np.array([["a", "b"]])), "X must be numbers; got dtype <U1"),
    (lambda: NET.forward(X2 * 1j), "X must be numbers; got dtype complex128"),
    (lambda: NET.forward(sparse.csr_matrix((4, 3))), "X must have 2 columns; got 3"),
    (lambda: NET.loss(X2, np.zeros(3)), r"t must have one row per row of X \(4\); got 3"),
    (lambda: NET.loss(X2, np.zeros((4, 2))), r"t must have shape \(N, 1\) or \(N,\); got \(4, 2\)"),
    (lambda: NET.loss(X2, np.zeros(4), np.ones(3)), r"sample_weight must have shape \(4,\); got"),
    (lambda: NET.loss(X2, np.zeros(4), -np.ones(4)), "sample_weight must be finite and >= 0; got"),
    (lambda: NET.loss(X2, np.zeros(4), np.full(4, np.nan)), "sample_weight must be finite .* nan"),
    (lambda: NET.loss(X2, np.zeros(4), np.zeros(4)), "at least one entry > 0; all are zero"),
    (lambda: NET.backward(NET.forward(X2), np.zeros(5)), r"one row per row of X \(4\); got 5"),
    (
        lambda: NET.backward(Network([2, 4, 1]).forward(X2), np.zeros(4)),
        r"trace is of a network with layers of \[4, 1\] units; this one has \[3, 1\]",
    ),
    (lambda: Network([2, 1], output=Huber(-1)), "delta must be a positive number; got -1"),
]


@pytest.mark.parametrize(("call", "message"), ERRORS)
def test_errors_name_the_argument(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_what_is_no_name_at_all_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="hidden must be the name of an activation or an Activ"):
        Network([2, 2, 1], hidden=np.tanh)
    with pytest.raises(TypeError, match="initializer must be a name or a callable"):
        Network([2, 1], initializer=0.5)
