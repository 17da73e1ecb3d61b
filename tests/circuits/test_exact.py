"""What a network decides on its inputs, in exact arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from extraction_networks import network, random_network
from hypothesis import given
from hypothesis import strategies as st

import clearprop as cp
from clearprop._typing import Array
from clearprop.circuits.extraction.decisions import decide
from clearprop.circuits.extraction.enumeration import agree
from clearprop.circuits.extraction.exact_network import exact_network
from clearprop.circuits.extraction.extract import ExtractionError, extract
from clearprop.circuits.gates import all_bits
from clearprop.circuits.netlist import Circuit


def in_fractions(net: cp.Network, bits: Array) -> Array:
    """z of the last layer of a relu network, as fractions."""
    rows = []
    for row in bits:
        h = [Fraction(int(x)) for x in row]
        for W, b in zip(net.W, net.b, strict=True):
            z = [
                sum((Fraction(w) * x for w, x in zip(weights, h, strict=True)), Fraction(bias))
                for weights, bias in zip(W.tolist(), b.tolist(), strict=True)
            ]
            h = [max(x, Fraction(0)) for x in z]
        rows.append(z)
    return np.array(rows, dtype=object)


@given(seed=st.integers(0, 10**6), dtype=st.sampled_from([np.float64, np.float32]))
def test_relu_networks_are_decided_as_in_fractions(seed: int, dtype: type) -> None:
    """Small integers over a power of two, so that many sums are exactly 0: none may go astray."""
    rng = np.random.default_rng(seed)
    W = [rng.integers(-4, 5, (5, 4)) / 4, rng.integers(-4, 5, (2, 5)) / 8]
    b = [rng.integers(-4, 5, 5) / 4, rng.integers(-4, 5, 2) / 8]
    net = cp.Network([4, 5, 2], hidden="relu", output="logistic", dtype=dtype)
    net.theta[...] = network(W, b, "relu").theta
    found = decide(exact_network(net), all_bits(4).astype(float))
    z = in_fractions(net, all_bits(4))
    assert np.array_equal(found.outputs, np.array(z > 0, bool))
    assert len(found.open_rows) == 0


def test_a_tenth_is_not_a_tenth() -> None:
    """0.1 + 0.2 − 0.3 is 0 for tenths and above 0 for the floats of these names, by 2.8e-17."""
    net = network([np.array([[0.1, 0.2, -0.3]])], [np.array([0.0])])
    found = decide(exact_network(net), all_bits(3).astype(float))
    exact = Fraction(0.1) + Fraction(0.2) - Fraction(0.3)
    assert 0 < exact < Fraction(1, 10**16)
    assert found.outputs[-1, 0]
    assert found.n_precise == 2  # this row, and that of no bit: z = 0
    assert not found.outputs[0, 0]


@pytest.mark.parametrize("hidden", ["logistic", "tanh"])
def test_equal_sums_of_sigmoids_are_found_equal(hidden: str) -> None:
    """σ(a) − σ(a) + σ(c) + σ(−c) − 1 is 0, and no digits show it; a nudge of the bias by one unit
    in the last place is seen."""
    W = np.array([[1.0, 2], [1, 2], [3, 0.5], [-3, -0.5]])
    b = np.array([0.25, 0.25, 0.125, -0.125])
    last = np.array([[1.0, -1, 0.7, 0.7]])
    bias = -0.7 if hidden == "logistic" else 0.0
    points = all_bits(2).astype(float)
    for nudge, bit in ((0.0, False), (1.0, True), (-1.0, False)):
        moved = np.array([bias + nudge * 2.0**-60])
        if nudge:
            moved = np.array([np.nextafter(bias, np.inf * nudge)])
        found = decide(exact_network(network([W, last], [b, moved], hidden)), points)
        assert found.outputs[:, 0].tolist() == [bit] * 4
        assert found.n_precise == 4
        assert len(found.open_rows) == 0


def test_deep_ties_stay_open() -> None:
    """Two hidden layers: nothing shows that the difference is 0, so nothing is claimed."""
    W = [np.array([[1.0, 2], [1, 2]]), np.array([[1.0, 0], [0, 1]]), np.array([[1.0, -1]])]
    net = network(W, [np.zeros(2) + 0.5, np.zeros(2), np.zeros(1)])
    found = decide(exact_network(net), all_bits(2).astype(float))
    assert found.open_rows.tolist() == [0, 1, 2, 3]  # the first is open, the others not tried
    with pytest.raises(ExtractionError, match="too close to its threshold"):
        extract(net)
    circuit = Circuit(("a", "b"), ("a",), ())
    agreement = agree(net, circuit)
    assert agreement.verdict == "unknown"
    assert "too close to its threshold for a=0 b=0" in str(agreement)


@given(seed=st.integers(0, 10**6), hidden=st.sampled_from(["logistic", "tanh", "leaky_relu"]))
def test_bounded_and_precise_decisions_agree(seed: int, hidden: str) -> None:
    """The rows' decisions by decimals, forced for all rows, are those of the float64 pass."""
    from clearprop.circuits.extraction.intervals import decide_row

    net = exact_network(random_network(seed, 3, [4, 3], 3, hidden, "softmax"))
    points = all_bits(3).astype(float)
    found = decide(net, points)
    for row in range(8):
        exact = decide_row(net, points[row], hidden=True)
        assert exact is not None
        assert exact[1] == found.outputs[row].tolist()
        assert [bits[row].tolist() for bits in found.hidden] == exact[0]


def test_the_library_is_as_exact_as_is_assumed() -> None:
    """σ and tanh of float64 against decimals: the bound of exact.py has 12 bits to spare."""
    from decimal import Decimal

    from clearprop.activations import ACTIVATIONS
    from clearprop.circuits.extraction.decisions import LIBRARY_ERROR
    from clearprop.circuits.extraction.intervals import Interval, Rounding, _context, _phi

    r = Rounding(_context(60, "ROUND_FLOOR"), _context(60, "ROUND_CEILING"))
    z = np.concatenate([np.linspace(-45, 45, 901), 10.0 ** np.arange(-20, 4), [-750, 750]])
    for name in ("logistic", "tanh"):
        h = ACTIVATIONS[name].phi(z)
        for one, value in zip(z.tolist(), h.tolist(), strict=True):
            lower, upper = _phi(name, Interval(Decimal(one), Decimal(one)), r)
            assert lower <= upper
            assert upper - lower < Decimal("1e-50")
            assert abs(float(lower - Decimal(value))) < LIBRARY_ERROR / 256
