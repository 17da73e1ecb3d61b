"""Every derivative against central differences, and what the check itself must and must not say."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from cases import CASES, GRID, Case
from scipy import sparse

from clearprop import Activation, Network, check_gradients
from clearprop.activations import ACTIVATIONS
from clearprop.architecture import Architecture
from clearprop.gradient_check import GradientCheck
from clearprop.layers import Dense, Derivatives
from clearprop.outputs import AbsoluteError, Huber, Linear, Quantile

TANH = ACTIVATIONS["tanh"]
SMALL = [case for case in CASES if case not in GRID and case.n <= 10]


@pytest.mark.parametrize("case", [*GRID, *SMALL], ids=lambda case: case.name)
def test_every_derivative_is_right(case: Case) -> None:
    net, X, t, w = case.make()
    check = check_gradients(net, X, t, w, draw=(5, 9) if case.dropout else None)
    assert check.ok, check.worst
    assert check.max_relative_error <= 1e-7
    assert check.n_kinks == 0
    assert check.n_checked == net.theta.size + X.size


def example(hidden: Any, output: Any = "linear", sizes: Any = (3, 4, 3, 4, 2)) -> Any:
    net = Network(sizes, hidden, output, seed=0)
    for b in net.b:
        b[...] = np.random.default_rng(len(b)).normal(size=len(b))
    rng = np.random.default_rng(1)
    return net, rng.normal(size=(5, sizes[0])), rng.normal(size=(5, sizes[-1]))


# ---- it finds what is wrong, and says where ------------------------------------------------------


def wrong_layers(check: GradientCheck) -> set[str]:
    return {name for name, error in check.errors.items() if error > check.tolerance}


@pytest.mark.parametrize("factor", [-1.0, 0.0, 2.0, 1 + 1e-5])
@pytest.mark.parametrize("layer", [1, 2, 3])
def test_a_wrong_derivative_of_an_activation_is_named(layer: int, factor: float) -> None:
    broken = dataclasses.replace(TANH, dphi=lambda z, h: factor * (1 - h * h))
    hidden: list[Any] = ["tanh"] * 3
    hidden[layer - 1] = broken
    check = check_gradients(*example(hidden))
    assert not check.ok
    assert check.max_relative_error > 1e-6
    # back-propagation goes from the last layer to the first: what is wrong starts at `layer`
    below = {f"{name}[{number}]" for number in range(layer) for name in ("dL_dW", "dL_db")}
    assert wrong_layers(check) == below | {"dL_dX"}
    worst = check.worst
    assert worst.layer <= layer
    assert worst.array in wrong_layers(check)
    assert check.errors[worst.array] == worst.relative_error == check.max_relative_error
    assert check.first_wrong is not None
    assert check.first_wrong.layer == layer


def test_a_tolerance_below_the_round_off_fails() -> None:
    check = check_gradients(*example("tanh"), tolerance=1e-30)
    assert not check.ok
    assert check.max_relative_error <= 1e-7


def test_one_wrong_unit_is_named_by_its_index() -> None:
    def dphi(z: Any, h: Any) -> Any:
        d = 1 - h * h
        d[:, 2] *= 1.5
        return d

    net, X, t = example([dataclasses.replace(TANH, dphi=dphi)], sizes=(3, 4, 2))
    net.W[0][2] *= 1e-3  # so that little of the error reaches ∂ℒ/∂X
    check = check_gradients(net, X, t)
    assert not check.ok
    assert check.worst.quantity in ("dL_dW", "dL_db")
    assert check.worst.index[0] == 2
    assert check.worst.relative_error == pytest.approx(1 / 3)
    text = str(check.worst)
    assert text.startswith(f"{check.worst.quantity}⁽¹⁾[2")
    assert "back-propagation" in text
    assert "central difference" in text


def test_a_wrong_bias_gradient_is_named() -> None:
    class Forgetful(Dense):
        def backward(self, p: Any, saved: Any, dL_dh_next: Any) -> Derivatives:
            right = super().backward(p, saved, dL_dh_next)
            dL_db = right.parameters["b"] / len(dL_dh_next)  # the mean instead of the sum
            return right._replace(parameters={**right.parameters, "b": dL_db})

    layers = (Dense(3, 4, TANH), Forgetful(4, 4, TANH), Dense(4, 2, None))
    architecture = Architecture(layers, Linear())
    rng = np.random.default_rng(0)
    net = Network.from_theta(architecture, rng.normal(size=architecture.n_parameters))
    check = check_gradients(net, rng.normal(size=(5, 3)), rng.normal(size=(5, 2)))
    assert wrong_layers(check) == {"dL_db[1]"}
    assert check.worst.quantity == "dL_db"
    assert check.worst.layer == 2
    assert str(check.worst).startswith("dL_db⁽²⁾[")
    assert check.worst.relative_error == pytest.approx(0.8)
    assert check.worst.numeric == pytest.approx(5 * check.worst.analytic)


def test_a_loss_that_is_not_the_one_differentiated_is_found() -> None:
    @dataclasses.dataclass(frozen=True)
    class Doubled(Linear):
        def loss(self, z: Any, t: Any) -> Any:
            return ((z - t) ** 2).sum(axis=1)

    check = check_gradients(*example("tanh", Doubled()))
    assert wrong_layers(check) == set(check.errors)


def test_a_wrong_derivative_of_an_unused_size_is_found_too() -> None:
    """Gradients that are small all over are checked in relation to themselves."""
    net, X, t = example([dataclasses.replace(TANH, dphi=lambda z, h: 2 * (1 - h * h))] * 3)
    net.W[0][...] *= 1e-4
    t *= 1e-4
    assert not check_gradients(net, X, t).ok


def test_not_a_number_is_no_agreement() -> None:
    net, X, t = example("tanh")
    X[0, 0] = np.nan
    check = check_gradients(net, X, t)
    assert not check.ok
    assert check.max_relative_error == np.inf


# ---- kinks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu", "selu"])
def test_z_exactly_at_a_kink_is_left_out(name: str) -> None:
    """elu has no kink, but a jump of φ″ there, which a rule of high order would take for one."""
    net, X, t = example([name], sizes=(3, 4, 2))
    net.b[0][1] = 0
    X[3] = 0  # z_1 of row 3 is exactly 0, whatever W is
    assert net.forward(X).z[0][3, 1] == 0
    check = check_gradients(net, X, t)
    assert check.ok, check.worst
    # only b_1 and the three inputs of that row move this z; W times an input of 0 does not
    assert check.n_kinks == 4
    assert check.n_checked == net.theta.size + X.size - 4


@pytest.mark.parametrize("distance", [1e-3, 1e-4, -2e-5])
def test_close_to_a_kink_the_step_gets_smaller(distance: float) -> None:
    net, X, t = example(["relu"], sizes=(3, 4, 2))
    X[3], net.b[0][1] = 0, distance
    check = check_gradients(net, X, t)
    assert check.ok, check.worst
    assert check.n_kinks == 0


@pytest.mark.parametrize("output", [AbsoluteError(), Quantile((0.2, 0.7))])
def test_z_exactly_at_the_target_is_a_kink_of_the_loss(output: Any) -> None:
    net, X, t = example("tanh", output)
    if isinstance(output, Quantile):
        t = t[:, :1]
    t[2, 0] = net.forward(X).z[-1][2, 0]
    check = check_gradients(net, X, t)
    assert check.ok, check.worst
    assert check.n_kinks > 0
    assert check.n_checked > 0  # what does not move this z, or the other output, is checked


@pytest.mark.parametrize("delta", [1e-5, 1e-3, 1.0])
def test_the_bend_of_huber_is_recognised(delta: float) -> None:
    net, X, t = example("tanh", Huber(delta))
    z = net.forward(X).z[-1]
    t[...] = z + 3
    t[0, 0], t[1, 1] = z[0, 0] + delta, z[1, 1]
    check = check_gradients(net, X, t)
    assert check.ok, check.worst
    assert check.n_kinks > 0


def test_a_kink_does_not_hide_what_is_wrong() -> None:
    relu = dataclasses.replace(ACTIVATIONS["relu"], dphi=lambda z, h: 0.5 * (z > 0))
    net, X, t = example([relu], sizes=(3, 4, 2))
    net.b[0][1], X[3] = 0, 0
    assert not check_gradients(net, X, t).ok


def test_ones_own_activation_names_its_own_kinks() -> None:
    clipped = Activation(
        "clipped",
        lambda z: np.clip(z, -0.5, 0.5),
        lambda z, h: 1.0 * (np.abs(z) < 0.5),
        (-0.5, 0.5),
    )
    net, X, t = example([clipped], sizes=(3, 4, 2))
    X[0], net.b[0][2] = 0, 0.5
    check = check_gradients(net, X, t)
    assert check.ok, check.worst
    assert check.n_kinks == 4


# ---- no false alarm ------------------------------------------------------------------------------


def test_a_derivative_that_is_zero_is_not_compared_with_round_off() -> None:
    net, X, _ = example(["relu"], "softmax", sizes=(3, 4, 2))
    net.b[0][...] = -100  # all units dead: every ∂ℒ/∂W⁽¹⁾ is exactly 0
    check = check_gradients(net, X, np.zeros(5, dtype=int))
    assert check.ok, check.worst
    assert check.errors["dL_dW[0]"] <= 1e-7


@pytest.mark.parametrize("scale", [1e-3, 100.0])
@pytest.mark.parametrize("case", GRID[::37], ids=lambda case: case.name)
def test_inputs_of_any_scale(case: Case, scale: float) -> None:
    """Raw pixels or prices move z a hundred times further than standardised inputs."""
    net, X, t, w = case.make()
    check = check_gradients(net, X * scale, t, w)
    assert check.ok, check.worst


def test_a_float32_network_is_checked_in_float64() -> None:
    net, X, t = example("tanh")
    small = Network.from_theta(net.architecture, net.theta.astype(np.float32))
    check = check_gradients(small, X.astype(np.float32), t)
    assert check.ok, check.worst
    assert small.theta.dtype == np.float32


def test_nothing_is_changed_by_the_check() -> None:
    net, X, t = example("relu")
    before = net.theta.copy(), X.copy(), t.copy()
    check_gradients(net, X, t)
    for a, b in zip((net.theta, X, t), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_tolerance_is_the_callers() -> None:
    slightly = dataclasses.replace(TANH, dphi=lambda z, h: (1 + 1e-5) * (1 - h * h))
    net, X, t = example([slightly], sizes=(3, 4, 2))
    assert not check_gradients(net, X, t).ok
    check = check_gradients(net, X, t, tolerance=1e-4)
    assert check.ok
    assert check.tolerance == 1e-4
    assert check.max_relative_error > 1e-6


def test_sparse_inputs_are_refused_with_advice() -> None:
    net, X, t = example("tanh")
    with pytest.raises(
        ValueError, match=r"X must be dense for a gradient check; use X.toarray\(\)"
    ):
        check_gradients(net, sparse.csr_matrix(X), t)
