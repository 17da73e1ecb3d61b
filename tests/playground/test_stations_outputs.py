"""The station of output units against the formulas of the lecture, written out here."""

from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("starlette")

from clearprop.playground.stations.outputs import UNITS, OutputUnits, resize
from clearprop.playground.stations.outputs_view import view


def sigma(z):
    return 1 / (1 + math.exp(-z))


@pytest.mark.parametrize("label", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("z", [-8.0, -0.5, 0.0, 3.0])
def test_logistic(z, label):
    numbers = view(OutputUnits(z=z, label=label))["numbers"]
    y = sigma(z)
    assert numbers["y_hat"] == pytest.approx([y])
    loss = -label * math.log(y) - (1 - label) * math.log(1 - y)
    assert numbers["loss"] == pytest.approx(loss)
    assert numbers["dL_dy_hat"] == pytest.approx([(y - label) / (y * (1 - y))])
    assert numbers["dy_dz"] == pytest.approx(np.array([[y * (1 - y)]]))
    for name in ("dL_dz", "chain", "plain", "y_hat_minus_t"):
        assert numbers[name] == pytest.approx([y - label], abs=1e-12), name
    squared = (y - label) * y * (1 - y)
    assert numbers["squared_dL_dz"] == pytest.approx([squared])
    # the five-point rule with steps near 5e-4: about 1e-10 of the loss
    assert numbers["dL_dz_difference"] == pytest.approx([y - label], rel=1e-7, abs=1e-9)
    assert numbers["squared_difference"] == pytest.approx([squared], rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("klass", [0, 1, 2])
@pytest.mark.parametrize("logits", [(2.0, 1.0, -1.0), (9.0, 0.0, -1.0), (0.0, 0.0, 0.0)])
def test_softmax(logits, klass):
    numbers = view(OutputUnits(unit="softmax", logits=logits, klass=klass))["numbers"]
    e = [math.exp(z) for z in logits]
    y = np.array(e) / sum(e)
    t = np.eye(3)[klass]
    assert numbers["loss"] == pytest.approx(-math.log(y[klass]))
    J = np.array([[y[i] * ((i == k) - y[k]) for i in range(3)] for k in range(3)])
    np.testing.assert_allclose(numbers["dy_dz"], J, rtol=1e-9, atol=1e-15)
    by_y = -t / y
    np.testing.assert_allclose(numbers["dL_dy_hat"], by_y, rtol=1e-12)
    np.testing.assert_allclose(numbers["chain_terms"], J * by_y, rtol=1e-9, atol=1e-15)
    assert numbers["chain_terms"].sum(axis=1) == pytest.approx(y - t, abs=1e-12)
    for name in ("dL_dz", "chain", "y_hat_minus_t"):
        assert numbers[name] == pytest.approx(y - t, abs=1e-12), name
    assert numbers["squared_dL_dz"] == pytest.approx(J @ (y - t), abs=1e-12)
    assert numbers["dL_dz_difference"] == pytest.approx(y - t, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize(
    ("unit", "z", "changes", "y_hat", "loss", "slope"),
    [
        ("linear", -1.0, {"t": 1.5}, -1.0, 3.125, -2.5),
        ("absolute_error", -1.0, {"t": 1.5}, -1.0, 2.5, -1.0),
        ("huber", -1.0, {"t": 1.5}, -1.0, 2.0, -1.0),
        ("huber", 1.0, {"t": 1.5}, 1.0, 0.125, -0.5),
        ("poisson", 0.0, {"count": 3}, 1.0, 1 + 3 * math.log(3) - 3, -2.0),
    ],
)
def test_the_other_units(unit, z, changes, y_hat, loss, slope):
    numbers = view(OutputUnits(unit=unit, z=z, **changes))["numbers"]
    assert numbers["y_hat"] == pytest.approx([y_hat])
    assert numbers["loss"] == pytest.approx(loss)
    assert numbers["dL_dz"] == pytest.approx([slope])
    assert numbers["dL_dz_difference"] == pytest.approx([slope], rel=1e-7)


def test_at_a_kink_there_is_no_difference():
    numbers = view(OutputUnits(unit="absolute_error", z=1.5, t=1.5))["numbers"]
    assert math.isnan(numbers["dL_dz_difference"][0])


def test_the_rounded_chain_breaks_where_the_short_form_does_not():
    """At z = 40, ŷ rounds to 1, so that 1/(1 − ŷ) is infinite, and times ŷ (1 − ŷ) = 0 a NaN."""
    numbers = view(OutputUnits(z=40.0, label=0.0))["numbers"]
    assert numbers["dL_dz"] == [1.0]
    assert numbers["plain_dy_dz"] == [0.0]
    assert math.isinf(numbers["plain_dL_dy_hat"][0])
    assert math.isnan(numbers["plain"][0])
    assert numbers["squared_size"] < 1e-15


def test_the_saturated_sigmoid_learns_only_with_cross_entropy():
    numbers = view(OutputUnits(z=-8.0, label=1.0, steps=50))["numbers"]
    own, squared, z_own, z_squared = [], [], -8.0, -8.0
    for _ in range(51):
        y, s = sigma(z_own), sigma(z_squared)
        own.append(y)
        squared.append(s)
        z_own -= y - 1
        z_squared -= (s - 1) * s * (1 - s)
    assert numbers["race_own"] == pytest.approx(own)
    assert numbers["race_squared"] == pytest.approx(squared)
    assert own[-1] > 0.95
    assert squared[-1] < 0.001
    assert numbers["own_size"] / numbers["squared_size"] > 1000


@pytest.mark.parametrize(("z", "t"), [(-2.0, 1.0), (0.4, 0.3), (6.0, 0.0)])
def test_every_unit_with_every_loss(z, t):
    numbers = view(OutputUnits(z=z, label=t))["numbers"]
    y = sigma(z)
    entropy = -t * math.log(y) - (1 - t) * math.log(1 - y)
    gap = y - t
    assert numbers["pairs_y_hat"] == pytest.approx([z, y, y])
    expected = [
        [0.5 * (z - t) ** 2, math.nan],
        [0.5 * gap**2, entropy],
        [gap**2, entropy],
    ]
    np.testing.assert_allclose(numbers["pairs_loss"], expected, rtol=1e-12)
    expected = [
        [z - t, math.nan],
        [gap * y * (1 - y), gap],
        [2 * gap * y * (1 - y), gap],
    ]
    np.testing.assert_allclose(numbers["pairs_dL_dz"], expected, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("unit", UNITS)
def test_the_curves_pass_through_the_point(unit):
    settings = OutputUnits(unit=unit, z=1.0)
    document = view(settings)
    numbers, curves = document["numbers"], document["curves"]
    k = curves["k"]
    at = np.argmin(np.abs(curves["z"] - curves["at"]))
    assert abs(curves["z"][at] - curves["at"]) < 0.07
    slope = np.abs(np.diff(curves["loss"])).max()
    assert curves["loss"][at] == pytest.approx(numbers["loss"], abs=slope)
    assert curves["dL_dz"][at] == pytest.approx(numbers["dL_dz"][k], abs=1.0)


def test_resize():
    settings = resize(OutputUnits(klass=2, axis=2), 2)
    assert (settings.logits, settings.klass, settings.axis) == ((2.0, 1.0), 1, 1)
    assert resize(OutputUnits(), 5).logits == (2.0, 1.0, -1.0, 0.0, 0.0)
