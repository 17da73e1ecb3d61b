"""Output units with their losses: values, derivatives, huge z, targets."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from cases import OUTPUT_CASES, OutputCase, draw_targets
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from clearprop.outputs import (
    OUTPUTS,
    AbsoluteError,
    Huber,
    Linear,
    Logistic,
    LogisticSquaredError,
    Output,
    Poisson,
    Quantile,
    Softmax,
    get_output,
    log_softmax,
    softmax,
    softmax_jacobian,
)

EPS = float(np.finfo(np.float64).eps)
each_output = pytest.mark.parametrize("case", OUTPUT_CASES, ids=lambda case: case.name)


def drawn(case: OutputCase, n: int = 7, seed: int = 0) -> tuple[Any, Any]:
    """z (n, K), and t as the unit's targets() returns it."""
    rng = np.random.default_rng(seed)
    t = draw_targets(case, n, rng)
    z = rng.normal(0, 2, (n, case.K))
    return z, case.output.targets(t, case.K, np.dtype("float64"))


def one(output: Output, z: list[float], t: Any, dtype: str = "float64") -> tuple[Any, Any]:
    """ℒ and ∂ℒ/∂z of one sample."""
    row = np.array([z], dtype=dtype)
    targets = output.targets(np.array([t]), len(z), np.dtype(dtype))
    loss, dL_dz = output.loss(row, targets), output.dL_dz(row, targets)
    assert loss.dtype == dL_dz.dtype == row.dtype
    return loss[0], dL_dz[0]


# ---- softmax -------------------------------------------------------------------------------------

logits = hnp.arrays(np.float64, (3, 4), elements=st.integers(-800, 800).map(lambda n: n / 8))


@given(logits)
def test_softmax_is_a_distribution_in_the_order_of_the_logits(z: Any) -> None:
    p = softmax(z)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=8 * EPS)
    assert (p >= 0).all()
    for row_z, row_p in zip(z, p, strict=True):
        assert (np.diff(row_p[np.argsort(row_z)]) >= 0).all()


@given(logits, st.sampled_from([1e6, -1e6, 2.0**40]))
def test_softmax_is_unchanged_by_a_shift(z: Any, shift: float) -> None:
    # multiples of 1/8 of this size plus the shift are exact, so the results are the same bits
    np.testing.assert_array_equal(softmax(z + shift), softmax(z))
    np.testing.assert_array_equal(log_softmax(z + shift), log_softmax(z))
    np.testing.assert_array_equal(softmax_jacobian(z + shift), softmax_jacobian(z))
    output = Softmax(0.1)
    t = output.targets(np.array([0, 3, 1]), 4, np.dtype("float64"))
    for method in (output.loss, output.dL_dz):
        np.testing.assert_array_equal(method(z + shift, t), method(z, t))


def test_softmax_along_another_axis_and_for_integers() -> None:
    z = np.array([[1, 2], [3, 5]])
    expected = np.exp(z) / np.exp(z).sum(axis=0)
    np.testing.assert_allclose(softmax(z, axis=0), expected, rtol=4 * EPS)
    np.testing.assert_allclose(log_softmax(z, axis=0), np.log(expected), rtol=8 * EPS)
    assert softmax(z.astype(np.float32)).dtype == np.float32


def test_log_softmax_is_right_where_softmax_underflows() -> None:
    z = np.array([0.0, 1e4, -1e4])
    assert softmax(z).tolist() == [0.0, 1.0, 0.0]
    assert log_softmax(z).tolist() == [-1e4, 0.0, -2e4]


def test_softmax_jacobian_is_the_derivative_of_softmax() -> None:
    z = np.random.default_rng(0).normal(size=(3, 5))
    J = softmax_jacobian(z)
    s = 1e-6
    for j in range(5):
        step = s * np.eye(5)[j]
        numeric = (softmax(z + step) - softmax(z - step)) / (2 * s)
        # the error of the difference is s²/6 plus eps/s
        np.testing.assert_allclose(J[:, :, j], numeric, atol=1e-9)
    np.testing.assert_allclose(J.sum(axis=2), 0, atol=8 * EPS)
    np.testing.assert_array_equal(J, J.transpose(0, 2, 1))
    np.testing.assert_array_equal(softmax_jacobian(z[0]), J[0])


# ---- derivatives ---------------------------------------------------------------------------------


@each_output
def test_dL_dz_is_the_gradient_of_the_loss(case: OutputCase) -> None:
    z, t = drawn(case)
    dL_dz, s = case.output.dL_dz(z, t), 1e-6
    for k in range(case.K):
        step = s * np.eye(case.K)[k]
        up, down = case.output.loss(z + step, t), case.output.loss(z - step, t)
        # error: s²·ℒ‴/6 plus eps·ℒ/s, for losses up to about 100
        np.testing.assert_allclose(dL_dz[:, k], (up - down) / (2 * s), rtol=1e-6, atol=1e-7)


@each_output
def test_loss_and_dL_dz_agree_with_pytorch(case: OutputCase) -> None:
    torch_forms = pytest.importorskip("torch_forms", exc_type=ImportError)
    rng = np.random.default_rng(1)
    t = draw_targets(case, 50, rng)
    z = rng.normal(0, 5, (50, case.K))
    leaf = torch_forms.torch.tensor(z, requires_grad=True)
    losses = torch_forms.losses(case.output, leaf, t)
    losses.sum().backward()
    targets = case.output.targets(t, case.K, np.dtype("float64"))
    ours, theirs = case.output.loss(z, targets), losses.detach().numpy()
    scale = np.abs(theirs).max()
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=16 * EPS * scale)
    gradient = leaf.grad.numpy()
    scale = np.abs(gradient).max()
    np.testing.assert_allclose(case.output.dL_dz(z, targets), gradient, atol=16 * EPS * scale)


@each_output
def test_dy_dz_is_the_jacobian_of_the_unit(case: OutputCase) -> None:
    torch_forms = pytest.importorskip("torch_forms", exc_type=ImportError)
    torch = torch_forms.torch
    z, _ = drawn(case)
    y_hat, J, s = case.output.y_hat(z), case.output.dy_dz(z), 1e-6
    assert J.shape == (7, case.K, case.K)
    for n in range(7):
        row = torch.tensor(z[n])

        def f(row: Any) -> Any:
            return torch_forms.y_hat(case.output, row)

        np.testing.assert_allclose(y_hat[n], f(row).numpy(), rtol=8 * EPS)
        autograd = torch.autograd.functional.jacobian(f, row).numpy()
        np.testing.assert_allclose(J[n], autograd, atol=8 * EPS * max(1, np.abs(autograd).max()))
    for j in range(case.K):
        step = s * np.eye(case.K)[j]
        numeric = (case.output.y_hat(z + step) - case.output.y_hat(z - step)) / (2 * s)
        np.testing.assert_allclose(J[:, :, j], numeric, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("name", ["softmax", "softmax_soft", "multi_label", "poisson", "linear"])
def test_dL_dz_is_the_jacobian_times_dL_dy(name: str) -> None:
    """The lecture's ∂ℒ/∂z = ∂ŷ/∂z ∂ℒ/∂ŷ, with ∂ℒ/∂ŷ written down by hand."""
    case = next(case for case in OUTPUT_CASES if case.name == name)
    z, t = drawn(case)
    y = case.output.y_hat(z)
    dL_dy = {
        "softmax": -t / y,
        "logistic": (y - t) / (y * (1 - y)),
        "exponential": 1 - t / y,
        "linear": y - t,
    }[case.output.unit]
    chain = np.einsum("nkj,nk->nj", case.output.dy_dz(z), dL_dy)
    # ∂ŷ/∂z and ∂ℒ/∂ŷ are reciprocal to each other where ŷ is small, which costs some digits
    np.testing.assert_allclose(case.output.dL_dz(z, t), chain, rtol=1e-10, atol=1e-13)


def test_float32_distributions_in_a_float64_network_have_an_exact_gradient() -> None:
    """A row that sums to 1 in float32 only is made to sum to 1, for ŷ − t needs that."""
    t = np.random.default_rng(0).dirichlet(np.ones(7), 20).astype(np.float32)
    assert (t.astype(float).sum(axis=1) != 1).any()
    targets = Softmax().targets(t, 7, np.dtype("float64"))
    np.testing.assert_allclose(targets.sum(axis=1), 1, rtol=4 * EPS)
    np.testing.assert_allclose(targets, t, rtol=1e-6)


# ---- huge z --------------------------------------------------------------------------------------

HUGE: list[tuple[Output, list[float], Any, float, list[float]]] = [
    (Linear(), [1e4], 1.0, 0.5 * 9999.0**2, [9999]),
    (AbsoluteError(), [-1e4, 1e4], [0.0, 0.0], 2e4, [-1, 1]),
    (Huber(1.0), [-1e4], 0.0, 1e4 - 0.5, [-1]),
    (Quantile((0.25, 0.75)), [1e4, -1e4], 0.0, 1.5e4, [0.75, -0.75]),
    (Poisson(), [-1e4], 3.0, 3e4 + 3 * np.log(3) - 3, [-3]),
    (Poisson(), [1e4], 3.0, np.inf, [np.inf]),
    (Logistic(), [1e4], 1, 0.0, [0]),
    (LogisticSquaredError(), [1e4], 0, 0.5, [0]),
    (LogisticSquaredError(), [-1e4, 0.0], [0.0, 0.0], 0.125, [0, 0.125]),
    (Logistic(), [1e4], 0, 1e4, [1]),
    (Logistic(), [-1e4], 1, 1e4, [-1]),
    (Logistic(), [-1e4], 0, 0.0, [0]),
    (Logistic(), [1e4, -1e4], [0.5, 0.5], 1e4, [0.5, -0.5]),
    (Logistic(0.5), [1e4], 1, 2500.0, [0.25]),
    (Softmax(), [1e4, -1e4, 0.0], 0, 0.0, [0, 0, 0]),
    (Softmax(), [1e4, -1e4, 0.0], 1, 2e4, [1, -1, 0]),
    (Softmax(0.75), [1e4, -1e4], 0, 7500.0, [0.375, -0.375]),
    (Softmax(), [1e4, -1e4], [0.5, 0.5], 1e4, [0.5, -0.5]),
]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("output", "z", "t", "loss", "dL_dz"), HUGE)
def test_huge_z(
    output: Output, z: list[float], t: Any, loss: float, dL_dz: list[float], dtype: str
) -> None:
    """Right at |z| = 1e4, without a warning (pytest makes warnings errors)."""
    rtol = 4 * float(np.finfo(dtype).eps)
    L, derivative = one(output, z, t, dtype)
    np.testing.assert_allclose(L, loss, rtol=rtol)
    np.testing.assert_allclose(derivative, dL_dz, rtol=rtol)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@each_output
def test_huge_z_gives_no_nan_and_no_warning(case: OutputCase, dtype: str) -> None:
    rng = np.random.default_rng(0)
    z = rng.choice([-1e4, 0, 1e4], (40, case.K)).astype(dtype)
    t = case.output.targets(draw_targets(case, 40, rng), case.K, np.dtype(dtype))
    if case.output.unit == "exponential":
        assert case.output.y_hat(z).max() == np.inf  # exp(1e4) is beyond the dtype
    values = [case.output.y_hat(z), case.output.loss(z, t), case.output.dL_dz(z, t)]
    for array in [*values, case.output.dy_dz(z)]:
        assert array.dtype == np.dtype(dtype)
        assert not np.isnan(array).any()
        if case.output.unit not in ("exponential", "gaussian"):
            assert np.isfinite(array).all()
    if case.output.unit != "gaussian":  # a density may exceed 1
        assert (case.output.loss(z, t) >= 0).all()


def test_probabilities_that_vanish_keep_their_loss() -> None:
    """A clipped probability would end at −log(eps) ≈ 36."""
    assert one(Softmax(), [0.0, 800.0], 0)[0] == 800
    assert one(Logistic(), [800.0], 0)[0] == 800


def test_a_class_that_is_ruled_out_costs_nothing_if_it_is_not_the_target() -> None:
    loss, dL_dz = one(Softmax(), [0.0, -np.inf, 0.0], 2)
    assert loss == pytest.approx(np.log(2))
    np.testing.assert_allclose(dL_dz, [0.5, 0, -0.5])
    assert one(Softmax(), [0.0, -np.inf], 1)[0] == np.inf


# ---- what the losses mean ------------------------------------------------------------------------


def test_the_loss_is_zero_at_a_perfect_prediction() -> None:
    for output in (Linear(), AbsoluteError(), Huber(), Quantile((0.3,))):
        loss, dL_dz = one(output, [2.5], 2.5)
        assert loss == 0
        assert dL_dz[0] == 0
    loss, dL_dz = one(Poisson(), [np.log(4.0)], 4)
    assert abs(loss) <= 8 * EPS * 4
    assert abs(dL_dz[0]) <= 8 * EPS * 4
    assert one(Poisson(), [-1e4], 0)[0] == 0  # 0·log 0 = 0


def test_the_poisson_loss_is_half_the_deviance() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    t, z = rng.poisson(2.0, 50).astype(float), rng.normal(size=(50, 1))
    loss = Poisson().loss(z, t[:, None]).mean()
    deviance = metrics.mean_poisson_deviance(t, np.exp(z[:, 0]))
    assert loss == pytest.approx(deviance / 2, rel=1e-13)


@pytest.mark.parametrize(
    ("name", "options", "power"),
    [
        ("gamma", {}, 2),
        ("tweedie", {}, 1.5),
        ("tweedie", {"power": 1.1}, 1.1),
    ],
)
def test_deviances_are_twice_the_losses(name: str, options: Any, power: float) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    t, z = rng.gamma(2.0, size=50), rng.normal(size=(50, 1))
    if power < 2:
        t[:10] = 0
    loss = OUTPUTS[name](**options).loss(z, t[:, None]).mean()
    deviance = metrics.mean_tweedie_deviance(t, np.exp(z[:, 0]), power=power)
    assert loss == pytest.approx(deviance / 2, rel=1e-12)


def test_the_negative_binomial_loss_differs_from_scipys_likelihood_by_a_constant() -> None:
    """... that of ŷ = t; without dispersion it becomes Poisson's loss."""
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(0)
    t, z = rng.poisson(3.0, (50, 1)).astype(float), rng.normal(size=(50, 1))
    alpha = 0.4
    output = OUTPUTS["negative_binomial"](alpha)

    def log_likelihood(mean: Any) -> Any:
        return stats.nbinom.logpmf(t, 1 / alpha, 1 / (1 + alpha * mean))[:, 0]

    best = log_likelihood(np.maximum(t, 1e-300))
    np.testing.assert_allclose(output.loss(z, t), best - log_likelihood(np.exp(z)), atol=1e-12)
    nearly = OUTPUTS["negative_binomial"](1e-7)
    np.testing.assert_allclose(nearly.loss(z, t), Poisson().loss(z, t), rtol=1e-4, atol=1e-5)


def test_the_gaussian_loss_is_the_negative_log_likelihood() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(0)
    z, t = rng.normal(size=(50, 4)), rng.normal(size=(50, 2))
    output = OUTPUTS["gaussian"]()
    targets = output.targets(t, 4, np.dtype("float64"))
    expected = -stats.norm.logpdf(t, z[:, ::2], np.exp(z[:, 1::2] / 2)).sum(axis=1)
    np.testing.assert_allclose(output.loss(z, targets), expected, rtol=1e-12)
    exact = output.targets(z[:, ::2], 4, np.dtype("float64"))
    sharp = z.copy()
    sharp[:, 1::2] = -1e4  # σ = 0 at a perfect mean is no NaN
    assert (output.loss(sharp, exact) < -1e3).all()
    np.testing.assert_array_equal(output.dL_dz(sharp, exact)[:, ::2], 0)


def test_ordered_classes_have_the_differences_of_the_cumulative_probabilities() -> None:
    rng = np.random.default_rng(0)
    z, t = rng.normal(size=(60, 4)), rng.integers(5, size=60)
    output = OUTPUTS["ordinal"]()
    targets = output.targets(t, 4, np.dtype("float64"))
    p = output.probabilities(output.y_hat(z))
    assert (p > 0).all()
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=4 * EPS)
    np.testing.assert_allclose(output.loss(z, targets), -np.log(p[np.arange(60), t]), rtol=1e-12)
    # what cannot be told apart in ŷ has its loss all the same
    assert one(output, [-800.0, 0.0], 1)[0] == pytest.approx(800 + np.log(2), rel=1e-12)
    with pytest.raises(ValueError, match="t must be class indices 0 … 4; got 5"):
        output.targets(np.array([5]), 4, np.dtype("float64"))


def test_the_pinball_loss_is_scikit_learns() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    t, z = rng.normal(size=40), rng.normal(size=(40, 2))
    output = Quantile((0.2, 0.9))
    loss = output.loss(z, output.targets(t, 2, np.dtype("float64"))).mean()
    parts = [metrics.mean_pinball_loss(t, z[:, k], alpha=q) for k, q in enumerate((0.2, 0.9))]
    assert loss == pytest.approx(sum(parts), rel=1e-13)


@pytest.mark.parametrize("q", [0.1, 0.5, 0.9])
def test_the_optimum_of_the_pinball_loss_is_the_quantile(q: float) -> None:
    t = np.random.default_rng(0).normal(size=(999, 1))
    sample_quantile = float(np.quantile(t, q, method="inverted_cdf"))
    output = Quantile((q,))
    below = output.dL_dz(np.full_like(t, sample_quantile - 1e-9), t).mean()
    above = output.dL_dz(np.full_like(t, sample_quantile + 1e-9), t).mean()
    assert below < 0 < above


def test_quantiles_of_several_targets_lie_side_by_side() -> None:
    output = Quantile((0.25, 0.75))
    targets = output.targets(np.array([[1.0, 10.0]]), 4, np.dtype("float64"))
    assert targets.tolist() == [[1, 1, 10, 10]]
    z = np.array([[0.0, 0.0, 12.0, 12.0]])
    assert output.loss(z, targets).tolist() == [0.25 + 0.75 + 0.75 * 2 + 0.25 * 2]
    assert output.dL_dz(z, targets).tolist() == [[-0.25, -0.75, 0.75, 0.25]]


def test_huber_is_quadratic_within_delta_and_linear_beyond() -> None:
    output = Huber(2.0)
    assert one(output, [1.5], 0.0)[0] == 0.5 * 1.5**2
    assert one(output, [2.0], 0.0)[0] == 2.0
    assert one(output, [5.0], 0.0)[0] == 2.0 * (5 - 1)
    z, t = np.random.default_rng(0).normal(size=(2, 9, 2))
    np.testing.assert_array_equal(Huber(100.0).loss(z, t), Linear().loss(z, t))
    np.testing.assert_allclose(Huber(1e-9).loss(z, t) / 1e-9, AbsoluteError().loss(z, t))


def test_one_logistic_unit_is_a_softmax_of_two() -> None:
    z = np.linspace(-5, 5, 11)[:, None]
    t = np.arange(11) % 2
    two = np.hstack([np.zeros_like(z), z])
    logistic, soft = Logistic(), Softmax()
    one_hot = soft.targets(t, 2, np.dtype("float64"))
    np.testing.assert_allclose(logistic.y_hat(z)[:, 0], soft.y_hat(two)[:, 1], rtol=8 * EPS)
    loss = logistic.loss(z, t[:, None].astype(float))
    np.testing.assert_allclose(loss, soft.loss(two, one_hot), rtol=1e-13)


def test_label_smoothing_is_a_mixture_with_the_uniform_distribution() -> None:
    float64 = np.dtype("float64")
    soft = Softmax(0.3).targets(np.array([2, 0]), 3, float64)
    np.testing.assert_allclose(soft, [[0.1, 0.1, 0.8], [0.8, 0.1, 0.1]], rtol=4 * EPS)
    given = np.array([[0.5, 0.5, 0.0]])
    np.testing.assert_allclose(
        Softmax(0.3).targets(given, 3, float64), [[0.45, 0.45, 0.1]], rtol=4 * EPS
    )
    assert given.tolist() == [[0.5, 0.5, 0.0]]  # what the user gives is not written to
    multi = Logistic(0.2).targets(np.array([[0, 1], [1, 1]]), 2, float64)
    np.testing.assert_allclose(multi, [[0.1, 0.9], [0.9, 0.9]], rtol=4 * EPS)


def test_softmax_groups_are_softmaxes_of_their_own() -> None:
    rng = np.random.default_rng(0)
    z, t = rng.normal(size=(6, 5)), np.stack([np.arange(6) % 3, np.arange(6) % 2], axis=1)
    both, float64 = Softmax(sizes=(3, 2)), np.dtype("float64")
    targets = both.targets(t, 5, float64)
    parts = [(z[:, :3], t[:, 0], 3), (z[:, 3:], t[:, 1], 2)]
    alone = [(Softmax(), part, Softmax().targets(c, k, float64)) for part, c, k in parts]
    losses = [output.loss(part, target) for output, part, target in alone]
    np.testing.assert_allclose(both.loss(z, targets), sum(losses), rtol=8 * EPS)
    y_hat = np.hstack([output.y_hat(part) for output, part, _ in alone])
    np.testing.assert_array_equal(both.y_hat(z), y_hat)
    J = both.dy_dz(z)
    assert not J[:, :3, 3:].any()
    assert not J[:, 3:, :3].any()
    np.testing.assert_array_equal(J[:, 3:, 3:], softmax_jacobian(z[:, 3:]))
    soft = rng.dirichlet(np.ones(3), 6), rng.dirichlet(np.ones(2), 6)
    np.testing.assert_allclose(both.targets(np.hstack(soft), 5, float64), np.hstack(soft))


# ---- pieces, for the gradient check --------------------------------------------------------------


def test_the_pieces_tell_on_which_side_of_a_kink_z_is() -> None:
    z, t = np.array([[-3.0, -0.5, 0.0, 0.5, 3.0]]), np.zeros((1, 5))
    assert Linear().piece(z, t) is None
    assert Softmax().piece(z, t) is None
    assert AbsoluteError().piece(z, t).tolist() == [[-1, -1, 0, 1, 1]]
    assert Quantile().piece(z, t).tolist() == [[-1, -1, 0, 1, 1]]
    # the middle of a Huber loss may be narrower than a step across it
    pieces = Huber(1.0).piece(z, t)[0]
    assert len({pieces[0], pieces[1], pieces[4]}) == 3
    assert pieces[1] == pieces[2] == pieces[3]


# ---- targets and records -------------------------------------------------------------------------

BAD_TARGETS: list[tuple[Output, int, Any, str]] = [
    (Linear(), 2, [1.0, 2.0], r"t must have shape \(N, 2\); got \(2,\)"),
    (Linear(), 1, [[1.0, 2.0]], r"t must have shape \(N, 1\) or \(N,\); got \(1, 2\)"),
    (Linear(), 1, ["a"], "t must be numbers; got dtype <U1"),
    (Linear(), 1, [None], "t must be numbers; got dtype object"),
    (Linear(), 1, 3.0, r"t must have shape .*got \(\)"),
    (Linear(), 1, np.zeros((2, 1, 1)), r"t must have shape .*got \(2, 1, 1\)"),
    (Quantile((0.1, 0.9)), 4, [1.0], r"t must have shape \(N, 2\)"),
    (Poisson(), 1, [1.0, -2.0], "t must be >= 0 for the loss 'poisson'; got -2"),
    (Poisson(), 1, [np.nan], "t must be >= 0 for the loss 'poisson'; got nan"),
    (Logistic(), 1, [0, 1, 2], "t must be probabilities between 0 and 1; got 2"),
    (Logistic(), 1, [np.nan], "t must be probabilities between 0 and 1; got nan"),
    (Softmax(), 3, [0, 3], "t must be class indices 0 … 2; got 3"),
    (Softmax(), 3, [-1], "t must be class indices 0 … 2; got -1"),
    (Softmax(), 3, [0.5], "t must be class indices 0 … 2; got 0.5"),
    (Softmax(), 3, [np.nan], "t must be class indices 0 … 2; got nan"),
    (Softmax(), 3, ["cat"], "t must be class indices 0 … 2; got dtype <U3"),
    (Softmax(), 3, [[0.5, 0.6, 0.0]], "t must be distributions"),
    (Softmax(), 3, [[1.5, -0.5, 0.0]], "t must be distributions"),
    (Softmax(), 3, [[np.nan, 1.0, 0.0]], "t must be distributions"),
    (Softmax(), 3, [[0.5, 0.5]], r"t must have shape \(N, 3\)"),
    (Softmax(sizes=(2, 3)), 5, [0, 1], r"t must have shape \(N, 2\); got \(2,\)"),
    (Softmax(sizes=(2, 3)), 5, [[2, 0]], "t must be class indices 0 … 1; got 2"),
]


@pytest.mark.parametrize(("output", "K", "t", "message"), BAD_TARGETS)
def test_bad_targets_are_refused(output: Output, K: int, t: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        output.targets(np.asarray(t), K, np.dtype("float64"))


def test_class_indices_may_be_of_any_number_type() -> None:
    expected = np.eye(3)[[2, 0]]
    for t in ([2, 0], [2.0, 0.0], np.array([2, 0], dtype=np.uint8)):
        np.testing.assert_array_equal(
            Softmax().targets(np.asarray(t), 3, np.dtype("float64")), expected
        )
    one_hot = Softmax().targets(np.array([True, False]), 2, np.dtype("float32"))
    assert one_hot.dtype == np.float32
    assert one_hot.tolist() == [[0, 1], [1, 0]]


BAD_RECORDS: list[tuple[Any, str]] = [
    (lambda: Huber(0.0), "delta must be a positive number; got 0.0"),
    (lambda: Huber(np.inf), "delta must be a positive number; got inf"),
    (lambda: Huber(np.nan), "delta must be a positive number; got nan"),
    (lambda: Quantile(()), "quantiles must lie strictly between 0 and 1"),
    (lambda: Quantile((0.5, 1.0)), "quantiles must lie strictly between 0 and 1"),
    (lambda: Logistic(1.0), r"label_smoothing must lie in \[0, 1\); got 1.0"),
    (lambda: Softmax(-0.1), r"label_smoothing must lie in \[0, 1\); got -0.1"),
    (lambda: Softmax(sizes=()), "sizes must be positive group sizes"),
    (lambda: Softmax(sizes=(2, 0)), "sizes must be positive group sizes"),
    (lambda: Softmax(sizes=(2, 3)).check_outputs(4), "add up to 5, but the network has 4 outputs"),
    (lambda: Quantile((0.1, 0.9)).check_outputs(3), "a multiple of the 2 quantiles; got 3"),
    (lambda: get_output("sigmoid"), "output must be one of .*'logistic'.*; got 'sigmoid'"),
    (lambda: get_output(Softmax), "output must be one of .* or an Output record"),
]


@pytest.mark.parametrize(("make", "message"), BAD_RECORDS)
def test_bad_records_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_the_table_has_every_unit_of_the_lecture_and_more() -> None:
    assert {kind.unit for kind in OUTPUTS.values()} >= {"linear", "logistic", "softmax"}
    for name, kind in OUTPUTS.items():
        record = get_output(name)
        assert record == kind()
        assert record.name == name
        assert hash(record) == hash(kind())
        assert get_output(record) is record
    with pytest.raises(dataclasses.FrozenInstanceError):
        Huber().delta = 2.0
    assert Quantile([0.1, 0.5]).quantiles == (0.1, 0.5)
    assert Quantile(0.5).quantiles == (0.5,)
