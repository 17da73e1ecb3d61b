"""Entropy, cross-entropy, KL divergence and binary cross-entropy."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import special

from clearprop.divergences import binary_cross_entropy, cross_entropy, entropy, kl_divergence

EPS = float(np.finfo(np.float64).eps)


def near(expected: float, relative: float) -> object:
    """Equal up to a relative error; pytest.approx alone would also allow 1e-12."""
    return pytest.approx(expected, rel=relative, abs=0)


@st.composite
def distributions(draw: st.DrawFn, count: int = 1, zeros: bool = True) -> list[np.ndarray]:
    """`count` distributions over the same K outcomes, K from 1 to 6; many probabilities are 0."""
    k = draw(st.integers(1, 6))
    weight = st.floats(0 if zeros else 1e-9, 1.0)
    drawn = []
    for _ in range(count):
        w = draw(hnp.arrays(np.float64, k, elements=weight))
        assume(w.sum() > 1e-6)
        drawn.append(w / w.sum())
    return drawn


@given(distributions(2))
def test_entropy_and_kl_are_never_negative_and_cross_entropy_is_their_sum(
    pair: list[np.ndarray],
) -> None:
    q, p = pair
    h, ce, kl = entropy(q), cross_entropy(q, p), kl_divergence(q, p)
    assert h >= 0
    assert kl >= 0
    assert h <= math.log(len(q)) + len(q) * EPS
    if np.any((q > 0) & (p == 0)):
        assert ce == np.inf
        assert kl == np.inf
    else:
        # Each of the K terms of H(Q, P) is rounded a few times; Σp − Σq is a few ulp.
        np.testing.assert_allclose(kl, ce - h, rtol=8 * EPS, atol=8 * len(q) * EPS * (1 + ce))


@given(distributions(2))
def test_the_values_are_those_of_scipy(pair: list[np.ndarray]) -> None:
    q, p = pair
    tolerance = {"rtol": 16 * EPS, "atol": 16 * len(q) * EPS}
    np.testing.assert_allclose(entropy(q), special.entr(q).sum(), **tolerance)
    # rel_entr's sum can fall below 0 by rounding, ours cannot
    np.testing.assert_allclose(kl_divergence(q, p), special.rel_entr(q, p).sum(), **tolerance)
    np.testing.assert_allclose(cross_entropy(q, p), -special.xlogy(q, p).sum(), **tolerance)


@given(distributions())
def test_a_distribution_is_at_no_distance_from_itself(one: list[np.ndarray]) -> None:
    assert kl_divergence(one[0], one[0]) == 0
    assert cross_entropy(one[0], one[0]) == near(float(entropy(one[0])), 8 * EPS)


@given(distributions(2, zeros=False))
def test_kl_is_zero_only_between_equal_distributions(pair: list[np.ndarray]) -> None:
    q, p = pair
    assume(np.abs(q - p).max() > 1e-6)
    # Pinsker's inequality: KL ≥ ½ (Σ|q − p|)²
    assert kl_divergence(q, p) >= 0.5 * np.abs(q - p).sum() ** 2 * (1 - 1e-9)


def test_kl_is_asymmetric() -> None:
    q, p = [0.9, 0.1], [0.5, 0.5]
    forward, backward = kl_divergence(q, p), kl_divergence(p, q)
    assert forward == near(0.9 * math.log(1.8) + 0.1 * math.log(0.2), 4 * EPS)
    assert backward == near(0.5 * math.log(5 / 9) + 0.5 * math.log(5), 4 * EPS)
    assert backward > forward + 0.1


def test_worked_values() -> None:
    assert entropy([0.25] * 4) == near(math.log(4), 2 * EPS)
    assert entropy([0, 1, 0]) == 0
    assert cross_entropy([0, 1, 0], [0.2, 0.5, 0.3]) == near(math.log(2), 2 * EPS)
    assert kl_divergence([0, 1, 0], [0.2, 0.5, 0.3]) == near(math.log(2), 2 * EPS)


def test_zero_times_log_zero_is_zero_and_a_missing_outcome_costs_infinity() -> None:
    with np.errstate(all="raise", under="ignore"):
        assert cross_entropy([0.5, 0.5, 0.0], [0.5, 0.5, 0.0]) == near(math.log(2), 4 * EPS)
        assert cross_entropy([1.0, 0.0], [0.0, 1.0]) == np.inf
        assert kl_divergence([0.5, 0.5], [1.0, 0.0]) == np.inf
        assert kl_divergence([1.0, 0.0], [0.5, 0.5]) == near(math.log(2), 4 * EPS)


def test_zero_results_are_plus_zero() -> None:
    for value in (
        entropy([1.0]),
        cross_entropy([1.0, 0.0], [1.0, 0.0]),
        kl_divergence([1.0, 0.0], [1.0, 0.0]),
        binary_cross_entropy(1.0, 1.0),
    ):
        assert value == 0
        assert not np.signbit(value)


def test_kl_is_not_negative_where_only_rounding_separates_the_distributions() -> None:
    rng = np.random.default_rng(0)
    q = rng.random((2000, 3))
    q /= q.sum(axis=1, keepdims=True)
    p = np.nextafter(q, rng.integers(0, 2, q.shape))
    kl = kl_divergence(q, p)
    assert (kl >= 0).all()
    assert (kl <= 3 * EPS).all()


def test_kl_is_finite_for_the_smallest_positive_probability() -> None:
    tiny = 5e-324
    with np.errstate(all="raise", under="ignore"):
        kl = kl_divergence([0.9, 0.1], [tiny, 1.0])
        reverse = kl_divergence([tiny, 1.0], [0.9, 0.1])
    expected = 0.9 * (math.log(0.9) - math.log(tiny)) + 0.1 * math.log(0.1)
    assert kl == near(expected, 8 * EPS)
    assert reverse == near(math.log(10), 8 * EPS)


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
def test_every_axis_gives_the_distributions_along_it(axis: int) -> None:
    rng = np.random.default_rng(0)
    q, p = (w / w.sum(axis=axis, keepdims=True) for w in rng.random((2, 3, 4, 5)))
    q_last, p_last = np.moveaxis(q, axis, -1), np.moveaxis(p, axis, -1)
    np.testing.assert_allclose(entropy(q, axis), entropy(q_last), rtol=8 * EPS)
    np.testing.assert_allclose(cross_entropy(q, p, axis), cross_entropy(q_last, p_last), rtol=8e-16)
    np.testing.assert_allclose(
        kl_divergence(q, p, axis=axis), kl_divergence(q_last, p_last), rtol=64 * EPS
    )
    assert entropy(q, axis).shape == q_last.shape[:-1]


def test_an_empty_batch_gives_an_empty_answer() -> None:
    assert entropy(np.empty((0, 3))).shape == (0,)
    assert kl_divergence(np.empty((0, 3)), np.empty((0, 3))).shape == (0,)


def test_inputs_may_be_lists_integers_or_float32_and_are_not_changed() -> None:
    q = np.random.default_rng(0).random((5, 7)).astype(np.float32)
    q /= q.sum(axis=1, keepdims=True)
    before = q.copy()
    h = entropy(q)
    assert h.dtype == np.float64
    np.testing.assert_array_equal(q, before)
    wide = q.astype(np.float64)
    wide /= wide.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(h, entropy(wide), rtol=16 * EPS)
    assert cross_entropy([0, 1], [0.5, 0.5]) == near(math.log(2), 4 * EPS)
    assert (kl_divergence(q, q[::-1]) >= 0).all()


def test_the_allowance_for_rounded_sums_follows_the_dtype_and_the_length() -> None:
    assert entropy([0.1] * 10) == near(math.log(10), 4 * EPS)
    k = 100_000
    assert entropy(np.full(k, 1 / k)) == near(math.log(k), 1e-12)
    slightly_off = np.array([0.5, 0.5 + 1e-5])
    entropy(slightly_off.astype(np.float32))
    with pytest.raises(ValueError, match=r"q must sum to 1 along axis -1, got 1\.00001"):
        entropy(slightly_off)


TWO: list[Callable[..., object]] = [cross_entropy, kl_divergence]
GOOD = [0.5, 0.5]


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        ([-0.1, 1.1], ValueError, r"q must be finite and ≥ 0, got -0\.1 at index \(0,\)"),
        ([0.5, np.nan], ValueError, r"q must be finite and ≥ 0, got nan at index \(1,\)"),
        ([0.5, np.inf], ValueError, "q must be finite and ≥ 0, got inf"),
        ([0.5, 0.4], ValueError, r"q must sum to 1 along axis -1, got 0\.9"),
        ([0.5, 0.6], ValueError, r"q must sum to 1 along axis -1, got 1\.1"),
        ([0.0, 0.0], ValueError, "q must sum to 1 along axis -1, got 0"),
        ([], ValueError, r"q has no entries along axis -1"),
        (1.0, ValueError, r"axis=-1 is not an axis of q, which has shape \(\)"),
        ([[0.5], [0.5, 0.5]], ValueError, "q is not a rectangular array"),
        (["a", "b"], TypeError, "q must hold real numbers"),
        ([0.5 + 0j, 0.5], TypeError, "q must hold real numbers"),
        ([None, 1.0], TypeError, "q must hold real numbers"),
    ],
)
def test_what_is_no_distribution_is_refused_with_the_reason(
    bad: object, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        entropy(bad)
    for two in TWO:
        with pytest.raises(error, match=message):
            two(bad, bad)


@pytest.mark.parametrize("two", TWO)
def test_the_second_argument_is_named_and_the_place_in_a_batch(two: Callable[..., object]) -> None:
    with pytest.raises(ValueError, match=r"p must sum to 1 along axis -1, got 0\.7 at index \(1, "):
        two([GOOD, GOOD], [GOOD, [0.5, 0.2]])
    with pytest.raises(ValueError, match=r"p must be finite and ≥ 0, got -1\.0 at index \(0, 1\)"):
        two([GOOD], [[2.0, -1.0]])


@pytest.mark.parametrize("two", TWO)
def test_shapes_must_be_equal(two: Callable[..., object]) -> None:
    with pytest.raises(ValueError, match=r"same shape, got \(2,\) and \(3,\)"):
        two(GOOD, [0.2, 0.3, 0.5])
    with pytest.raises(ValueError, match=r"same shape, got \(1, 2\) and \(2,\)"):
        two([GOOD], GOOD)


def test_an_axis_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match=r"axis=1 is not an axis of q, which has shape \(2,\)"):
        entropy(GOOD, axis=1)


def test_binary_cross_entropy_is_the_kl_divergence_of_the_lecture() -> None:
    rng = np.random.default_rng(0)
    t, y_hat = rng.integers(0, 2, (4, 3)), rng.random((4, 3))
    q, p = np.stack([t, 1 - t], axis=-1), np.stack([y_hat, 1 - y_hat], axis=-1)
    loss = binary_cross_entropy(t, y_hat)
    assert loss.shape == (4, 3)
    np.testing.assert_allclose(loss, kl_divergence(q, p), rtol=16 * EPS)
    np.testing.assert_allclose(loss, cross_entropy(q, p), rtol=16 * EPS)


def test_binary_cross_entropy_is_that_of_pytorch() -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    t, y_hat = rng.random(50), rng.random(50)
    expected = torch.nn.functional.binary_cross_entropy(
        torch.tensor(y_hat), torch.tensor(t), reduction="none"
    )
    np.testing.assert_allclose(binary_cross_entropy(t, y_hat), expected.numpy(), rtol=16 * EPS)


def test_binary_cross_entropy_at_certain_predictions() -> None:
    with np.errstate(all="raise", under="ignore"):
        loss = binary_cross_entropy([0, 1, 0, 1, 0.5], [0.0, 1.0, 1.0, 0.0, 1.0])
    np.testing.assert_array_equal(loss, [0.0, 0.0, np.inf, np.inf, np.inf])
    # log(1 − ŷ) by log1p keeps what 1 − ŷ would round away
    assert binary_cross_entropy(0.0, 1e-20) == near(1e-20, 4 * EPS)


@pytest.mark.parametrize(
    ("t", "y_hat", "message"),
    [
        ([0.5, 2.0], [0.5, 0.5], r"t must be in \[0, 1\], got 2\.0 at index \(1,\)"),
        ([0.5], [1.5], r"y_hat must be in \[0, 1\], got 1\.5"),
        ([0.5], [-0.5], r"y_hat must be in \[0, 1\], got -0\.5"),
        ([np.nan], [0.5], r"t must be in \[0, 1\], got nan"),
        ([0.5], [0.5, 0.5], r"t and y_hat must have the same shape, got \(1,\) and \(2,\)"),
    ],
)
def test_binary_cross_entropy_refuses_what_is_no_probability(
    t: object, y_hat: object, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        binary_cross_entropy(t, y_hat)
