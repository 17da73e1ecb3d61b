"""Initialisers: distributions, streams, orthogonality, errors."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from clearprop import initializers
from clearprop.initializers import INITIALIZERS, constant_weights, get_initializer, orthogonal

FAN_IN, FAN_OUT = 300, 200
EPS = float(np.finfo(np.float64).eps)

# name: variance of an entry of W
VARIANCE = {
    "glorot_uniform": 2 / (FAN_IN + FAN_OUT),
    "glorot_normal": 2 / (FAN_IN + FAN_OUT),
    "he_uniform": 2 / FAN_IN,
    "he_normal": 2 / FAN_IN,
    "lecun_uniform": 1 / FAN_IN,
    "lecun_normal": 1 / FAN_IN,
}
RNGS: list[Callable[[int], object]] = [np.random.default_rng, np.random.RandomState]
ALL = {**INITIALIZERS, "constant": constant_weights(0.5, bias=0.25), "gain": orthogonal(2.0)}


@pytest.mark.parametrize("rng", RNGS)
@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (4, 1), (5, 3)])
def test_w_and_b_have_the_lectures_shapes_and_the_seed_gives_the_bits(
    name: str, rng: Callable[[int], object], shape: tuple[int, int]
) -> None:
    fan_in, fan_out = shape
    W, b = ALL[name](rng(3), fan_in, fan_out)
    assert W.shape == (fan_out, fan_in)
    assert b.shape == (fan_out,)
    assert W.dtype == b.dtype == np.float64
    assert np.isfinite(W).all()
    again, _ = ALL[name](rng(3), fan_in, fan_out)
    np.testing.assert_array_equal(W, again)
    if name != "constant":
        assert not b.any()


@pytest.mark.parametrize("name", VARIANCE)
def test_mean_variance_and_support_are_those_of_the_formula(name: str) -> None:
    W, _ = INITIALIZERS[name](np.random.default_rng(0), FAN_IN, FAN_OUT)
    n, variance = W.size, VARIANCE[name]
    fourth = 9 / 5 if name.endswith("uniform") else 3.0  # E w⁴ / variance²
    # five standard errors of the mean and of the mean square
    assert abs(W.mean()) < 5 * math.sqrt(variance / n)
    assert abs((W**2).mean() - variance) < 5 * variance * math.sqrt((fourth - 1) / n)
    a = math.sqrt(3 * variance)
    if name.endswith("uniform"):
        assert 0.999 * a < np.abs(W).max() <= a
    else:
        assert np.abs(W).max() > 1.5 * a


@pytest.mark.parametrize("rng", RNGS)
def test_a_stream_gives_the_transpose_of_the_numbers_of_those_who_store_the_transpose(
    rng: Callable[[int], object],
) -> None:
    W, _ = INITIALIZERS["glorot_uniform"](rng(7), 5, 3)
    bound = np.sqrt(6.0 / (5 + 3))  # as scikit-learn writes it
    np.testing.assert_allclose(W.T, rng(7).uniform(-bound, bound, (5, 3)), rtol=4 * EPS)
    W, _ = INITIALIZERS["he_normal"](rng(7), 5, 3)
    np.testing.assert_allclose(W.T, rng(7).normal(0, np.sqrt(2 / 5), (5, 3)), rtol=4 * EPS)


@pytest.mark.parametrize("gain", [1.0, math.sqrt(2)])
@pytest.mark.parametrize("shape", [(1, 1), (6, 6), (7, 4), (4, 7), (30, 1), (1, 30)])
def test_orthogonal_has_orthonormal_rows_or_columns_times_the_gain(
    shape: tuple[int, int], gain: float
) -> None:
    fan_in, fan_out = shape
    W, b = orthogonal(gain)(np.random.default_rng(1), fan_in, fan_out)
    product = W.T @ W if fan_out >= fan_in else W @ W.T
    np.testing.assert_allclose(
        product, gain**2 * np.eye(min(shape)), rtol=0, atol=8 * max(shape) * EPS * gain**2
    )
    assert not b.any()


def test_orthogonal_is_uniform_without_a_preferred_sign() -> None:
    rng = np.random.default_rng(0)
    draws = np.stack([orthogonal()(rng, 2, 2)[0] for _ in range(400)])
    # Entries of a uniform orthogonal 2×2 have mean 0 and variance ½; LAPACK's bare Q would have
    # a diagonal of one sign. Five standard errors.
    assert np.abs(draws.mean(axis=0)).max() < 5 * math.sqrt(0.5 / 400)
    determinants = np.linalg.det(draws)
    assert 0.3 < (determinants > 0).mean() < 0.7


@pytest.mark.parametrize("shape", [(1, 1), (6, 6), (9, 4), (64, 64), (200, 64)])
def test_orthogonal_is_the_same_with_lapack_and_without(shape: tuple[int, int]) -> None:
    A = np.random.default_rng(2).standard_normal(shape)
    rows = initializers._orthonormal_rows(A.T)
    np.testing.assert_allclose(rows, initializers._qr_rows(A), rtol=0, atol=1e-12)
    np.testing.assert_allclose(rows @ rows.T, np.eye(shape[1]), rtol=0, atol=1e-14)


def test_orthogonal_gives_the_same_bits_for_any_number_of_threads() -> None:
    def draw(threads: int) -> np.ndarray:
        with threadpool_limits(threads, user_api="blas"):
            return orthogonal()(np.random.default_rng(0), 784, 256)[0]

    np.testing.assert_array_equal(draw(1), draw(2))


def test_zeros_and_constant() -> None:
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    W, b = INITIALIZERS["zeros"](rng, 3, 2)
    assert not W.any()
    assert not b.any()
    W, b = constant_weights(0.5, bias=-1)(rng, 3, 2)
    np.testing.assert_array_equal(W, np.full((2, 3), 0.5))
    np.testing.assert_array_equal(b, [-1.0, -1.0])
    assert rng.bit_generator.state == before  # nothing was drawn


def test_get_initializer_takes_names_and_callables_and_names_the_argument_in_errors() -> None:
    assert get_initializer("he_normal") is INITIALIZERS["he_normal"]
    own = constant_weights(0.1)
    assert get_initializer(own) is own
    with pytest.raises(ValueError, match=r"initializer: unknown initialiser 'he'.* he_normal"):
        get_initializer("he")
    with pytest.raises(TypeError, match=r"init must be a name or a callable .* got 0\.1"):
        get_initializer(0.1, argument="init")


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: constant_weights(math.nan), ValueError, "value must be finite, got nan"),
        (lambda: constant_weights("0"), TypeError, "value must be a number, got '0'"),
        (lambda: constant_weights(1.0, bias=math.inf), ValueError, "bias must be finite, got inf"),
        (lambda: orthogonal(0.0), ValueError, r"gain must be > 0, got 0\.0"),
        (lambda: orthogonal(True), TypeError, "gain must be a number, got True"),
    ],
)
def test_factories_refuse_what_they_cannot_use(
    make: Callable[[], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("name", ALL)
def test_initialisers_survive_pickle(name: str) -> None:
    assert pickle.loads(pickle.dumps(ALL[name])) == ALL[name]
