"""φ and φ′: values, derivatives, limits, dtypes; the Jacobian diag(φ′(z))."""

from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from clearprop.activations import (
    ACTIVATIONS,
    Activation,
    activation_jacobian,
    get_activation,
    sigmoid,
    softplus,
)

NAMES = sorted(ACTIVATIONS)
DTYPES = (np.float32, np.float64)
EPS = float(np.finfo(np.float64).eps)

every_activation = pytest.mark.parametrize("name", NAMES)
every_dtype = pytest.mark.parametrize("dtype", DTYPES)


def both(name: str, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    record = ACTIVATIONS[name]
    with np.errstate(all="raise", under="ignore"):
        h = record.phi(z)
        return h, record.dphi(z, h)


def torch_phi(name: str):
    return pytest.importorskip("torch_forms", exc_type=ImportError).PHI[name]


def test_the_table_holds_every_activation_under_its_own_name_and_cannot_be_written() -> None:
    torch_forms = pytest.importorskip("torch_forms", exc_type=ImportError)
    assert list(ACTIVATIONS) == list(torch_forms.PHI)
    assert all(record.name == name for name, record in ACTIVATIONS.items())
    with pytest.raises(TypeError, match="does not support item assignment"):
        ACTIVATIONS["relu"] = ACTIVATIONS["tanh"]


@every_activation
def test_phi_and_dphi_agree_with_pytorch_autograd(name: str) -> None:
    torch = pytest.importorskip("torch")
    z = np.concatenate([np.linspace(-30, 30, 1201), [0.0, 1e-9, -1e-9]])
    # at 0 PyTorch has the derivative from the left, too; at other kinks it has any
    z = z[~np.isin(z, [kink for kink in ACTIVATIONS[name].kinks if kink])]
    leaf = torch.tensor(z, requires_grad=True)
    expected = torch_phi(name).form(leaf)
    expected.sum().backward()
    h, dh_dz = both(name, z)
    # A few roundings of terms that are at most |z| (φ) and 1 + z² e^(−z²/2) or so (φ′).
    np.testing.assert_array_less(np.abs(h - expected.detach().numpy()), 8 * EPS * (1 + np.abs(z)))
    np.testing.assert_allclose(dh_dz, leaf.grad.numpy(), rtol=0, atol=32 * EPS)


@every_activation
def test_dphi_is_the_central_difference_of_phi(name: str) -> None:
    record = ACTIVATIONS[name]
    z = np.linspace(-9.0, 9.0, 361) + 0.0123  # meets no kink
    step = EPS ** (1 / 3)
    assert all(np.abs(z - kink).min() > step for kink in record.kinks)
    numeric = (record.phi(z + step) - record.phi(z - step)) / (2 * step)
    # The third derivatives are below 6, so truncation is below step²; rounding of φ is 4 ulp.
    tolerance = step**2 + 4 * EPS * (1 + np.abs(record.phi(z))) / step
    np.testing.assert_array_less(np.abs(record.dphi(z, record.phi(z)) - numeric), tolerance)


@every_dtype
@every_activation
@pytest.mark.parametrize("size", [1e4, 1e30, math.inf])
def test_far_from_zero_phi_and_dphi_have_reached_their_limits(
    name: str, dtype: type, size: float
) -> None:
    eps = float(np.finfo(dtype).eps)
    _, left, right, slow = torch_phi(name)
    if slow and math.isfinite(size):
        return
    for sign, limits in ((-1, left), (1, right)):
        z = np.array([sign * size], dtype=dtype)
        h, dh_dz = both(name, z)
        level, slope = limits
        expected = slope * float(z[0]) if level is None else level
        np.testing.assert_allclose(h, [expected], rtol=4 * eps, atol=0)
        np.testing.assert_allclose(dh_dz, [slope], rtol=4 * eps, atol=0)


@every_dtype
@every_activation
def test_at_zero_phi_and_dphi_have_pytorchs_values(name: str, dtype: type) -> None:
    """At a kink there that is the derivative from the left."""
    torch = pytest.importorskip("torch")
    leaf = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    value = torch_phi(name).form(leaf)
    value.sum().backward()
    h, dh_dz = both(name, np.array([0.0, -0.0], dtype=dtype))
    eps = float(np.finfo(dtype).eps)
    np.testing.assert_allclose(h, [value.item()] * 2, rtol=2 * eps, atol=0)
    np.testing.assert_allclose(dh_dz, [leaf.grad.item()] * 2, rtol=2 * eps, atol=0)


@every_activation
def test_dphi_or_its_slope_jumps_at_the_named_kinks_and_nowhere_else(name: str) -> None:
    """All kinks are at whole numbers, and have the derivative from the left."""
    record = ACTIVATIONS[name]
    assert all(float(kink).is_integer() and abs(kink) < 6 for kink in record.kinks)
    for place in range(-6, 7):
        z = place + np.array([-2e-6, -1e-6, 0.0, 1e-6, 2e-6])
        far_left, left, at, right, far_right = record.dphi(z, record.phi(z))
        slopes = (left - far_left) / 1e-6, (far_right - right) / 1e-6
        jumps = abs(right - left) > 0.1 or abs(slopes[1] - slopes[0]) > 0.1
        assert jumps == (place in record.kinks), place
        assert abs(at - left) < 1e-5, place


@every_dtype
@every_activation
@pytest.mark.parametrize("shape", [(1,), (3, 4), (0, 5), (2, 3, 4)])
def test_dtype_and_shape_are_kept_and_z_is_not_written(
    name: str, dtype: type, shape: tuple[int, ...]
) -> None:
    z = np.random.default_rng(0).normal(size=shape).astype(dtype)
    before = z.copy()
    z.flags.writeable = False
    h, dh_dz = both(name, z)
    assert (h.dtype, dh_dz.dtype) == (dtype, dtype)
    assert (h.shape, dh_dz.shape) == (shape, shape)
    assert not np.shares_memory(z, h)
    np.testing.assert_array_equal(z, before)


@every_dtype
@every_activation
def test_nan_stays_nan_without_a_warning(name: str, dtype: type) -> None:
    h, _ = both(name, np.array([np.nan, 1.0], dtype=dtype))
    assert np.isnan(h[0])
    assert not np.isnan(h[1])


@every_activation
@given(z=hnp.arrays(np.float64, st.integers(1, 8), elements=st.floats(-1e300, 1e300)))
def test_any_finite_z_gives_finite_values_and_a_bounded_slope(name: str, z: np.ndarray) -> None:
    h, dh_dz = both(name, z)
    assert np.isfinite(h).all()
    # the widest are hardswish (−0.5 to 1.5) and selu (up to λc = 1.76)
    assert ((dh_dz >= -0.5) & (dh_dz <= 1.8)).all()


@every_activation
def test_float32_is_float64_rounded(name: str) -> None:
    z = np.linspace(-8, 8, 129)
    h, dh_dz = both(name, z)
    h32, dh_dz32 = both(name, z.astype(np.float32))
    eps = float(np.finfo(np.float32).eps)
    # These z are exact in float32; a few roundings of terms up to 1 + |z| remain.
    np.testing.assert_array_less(np.abs(h32 - h), 4 * eps * (1 + np.abs(z)))
    np.testing.assert_array_less(np.abs(dh_dz32 - dh_dz), 8 * eps * (1 + np.abs(z)))


def test_sigmoid_and_softplus_take_lists_and_integers_and_keep_their_tails() -> None:
    np.testing.assert_allclose(sigmoid([0, 800, -800]), [0.5, 1.0, 0.0], rtol=0, atol=0)
    assert sigmoid(np.array([1, 2])).dtype == np.float64
    # e^−40 is below the resolution of 1 + e^−40, but not of these
    np.testing.assert_allclose(sigmoid(-40.0), math.exp(-40), rtol=4 * EPS)
    np.testing.assert_allclose(softplus([-40.0]), [math.exp(-40)], rtol=4 * EPS)
    np.testing.assert_allclose(softplus([0, 1000]), [math.log(2), 1000.0], rtol=2 * EPS)


@every_activation
def test_the_jacobian_of_one_layer_is_that_of_pytorch(name: str) -> None:
    torch = pytest.importorskip("torch")
    z = np.random.default_rng(1).normal(size=5)
    expected = torch.autograd.functional.jacobian(torch_phi(name).form, torch.tensor(z)).numpy()
    np.testing.assert_allclose(activation_jacobian(name, z), expected, rtol=0, atol=32 * EPS)


@every_dtype
def test_the_jacobian_of_a_batch_stacks_those_of_its_rows(dtype: type) -> None:
    z = np.random.default_rng(2).normal(size=(4, 3)).astype(dtype)
    batch = activation_jacobian(ACTIVATIONS["mish"], z)
    assert batch.shape == (4, 3, 3)
    assert batch.dtype == dtype
    for row, jacobian in zip(z, batch, strict=True):
        np.testing.assert_array_equal(jacobian, activation_jacobian("mish", row))
        dh_dz = both("mish", row)[1]
        np.testing.assert_array_equal(jacobian, np.diag(dh_dz))


def test_the_jacobian_takes_integers_and_refuses_other_shapes() -> None:
    np.testing.assert_array_equal(activation_jacobian("relu", [1, -1]), [[1.0, 0.0], [0.0, 0.0]])
    with pytest.raises(ValueError, match=r"z must have shape .* got \(\)"):
        activation_jacobian("relu", 1.0)
    with pytest.raises(ValueError, match=r"got \(1, 1, 1\)"):
        activation_jacobian("relu", [[[1.0]]])
    with pytest.raises(ValueError, match="activation: unknown activation 'rulu'"):
        activation_jacobian("rulu", [1.0])


def test_get_activation_takes_names_and_records_and_names_the_argument_in_errors() -> None:
    own = Activation("square", lambda z: z * z, lambda z, h: 2 * z)
    assert get_activation("tanh") is ACTIVATIONS["tanh"]
    assert get_activation(own) is own
    with pytest.raises(
        ValueError, match=r"hidden: unknown activation 'rleu'; .*logistic, tanh, relu"
    ):
        get_activation("rleu")
    with pytest.raises(TypeError, match=r"activation must be the name .* got 3"):
        get_activation(3, argument="activation")


@every_activation
def test_records_survive_pickle_and_deepcopy(name: str) -> None:
    record = ACTIVATIONS[name]
    assert pickle.loads(pickle.dumps(record)) == record
    assert copy.deepcopy(record) == record
