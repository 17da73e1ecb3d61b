"""The certificate: never below what can be measured, and what it proves in words and numbers."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_circuits import KINDS, changed, circuits, one_gate, ripple_adder
from scipy import sparse
from scipy.special import expit

from clearprop.circuits.gates import GATES, all_bits, find_kind
from clearprop.circuits.netlist import Cell, Circuit
from clearprop.circuits.soft.certificate import (
    least_gain,
    minimum_gain,
    sufficient_gain,
)
from clearprop.circuits.soft.circuit import certify, compile, network_error
from clearprop.circuits.soft.folding import Wire


def ladder(kind: str, arity: int, length: int) -> Circuit:
    """Levels of as many gates as each of them has inputs: all of the level before."""
    cells = [
        Cell(f"n{level + 1}.{i}", kind, tuple(f"n{level}.{j}" for j in range(arity)))
        for level in range(length)
        for i in range(arity)
    ]
    inputs = tuple(f"n0.{i}" for i in range(arity))
    return Circuit(inputs, (f"n{length}.0",), tuple(cells))


@given(circuits(), st.floats(0.5, 30), st.sampled_from(["float32", "float64"]))
def test_no_net_is_further_off_than_certified(circuit: Circuit, gain: float, dtype: str) -> None:
    soft = compile(circuit, gain=gain, dtype=dtype)
    proof = certify(soft)
    assert not proof.faults
    bits = all_bits(soft.n_inputs)
    nets = circuit.evaluate_nets(bits)
    h = soft.evaluate_units(bits).astype(np.float64)
    for net, bit in zip(circuit.nets, nets.T, strict=True):
        source, negated = soft.units.wires[net]
        if source >= soft.n_inputs:
            value = h[:, source - soft.n_inputs]
            error = np.abs(np.where(negated, 1 - value, value) - bit)
            for right in (0, 1):
                if (bit == right).any():
                    assert error[bit == right].max() <= proof.net_errors[net][right]
    measured = np.abs(soft.evaluate(bits) - circuit.evaluate(bits)).max(axis=0)
    assert (measured <= proof.certified_error).all()
    if proof.ok:
        np.testing.assert_array_equal(soft.predict(bits), circuit.evaluate(bits))


@given(circuits(max_inputs=4), st.floats(3, 20), st.floats(0, 0.2), st.integers(0, 2**32 - 1))
def test_inputs_that_are_not_quite_bits(
    circuit: Circuit, gain: float, input_error: float, seed: int
) -> None:
    soft = compile(circuit, gain=gain)
    proof = certify(soft, input_error=input_error)
    bits = all_bits(soft.n_inputs)
    rng = np.random.default_rng(seed)
    for off in (input_error, input_error * rng.choice([0, 1], bits.shape)):
        error = np.abs(soft.evaluate(np.abs(bits - off)) - circuit.evaluate(bits)).max(axis=0)
        assert (error <= proof.certified_error).all()
    assert (proof.certified_error >= certify(soft).certified_error).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("arity", range(2, 6))
def test_the_worst_case_of_a_gate_is_that_of_all_its_minterms(kind: str, arity: int) -> None:
    if not find_kind(kind).allows(arity):
        return
    soft = compile(one_gate(kind, arity), gain=9)
    found = certify(soft, input_error=0.05)
    # by brute force: every minterm, every input at its bit or off it by 0.05; h is monotone in
    # each input for these gates' neurons one by one, not through two, so XOR and MUX are bounded
    worst = [0.0, 0.0]
    for x in all_bits(arity):
        (bit,) = find_kind(kind).logic([np.array([v]) for v in x])
        off = np.array(list(product((0, 0.05), repeat=arity)))
        error = np.abs(soft.evaluate(np.abs(x - off))[:, 0] - bit[0]).max()
        worst[int(bit[0])] = max(worst[int(bit[0])], float(error))
    net = np.array(found.net_errors["y"])
    if soft.n_units == 1:
        np.testing.assert_allclose(net, worst, rtol=1e-9)
    assert (net >= np.array(worst) - 1e-15).all()
    assert (net <= np.array(worst) * 1.6 + 1e-12).all()


@pytest.mark.parametrize("kind", GATES)
def test_only_the_number_of_ones_counts_where_inputs_have_no_names(kind: str) -> None:
    """The certificate groups the minterms of such a gate by it."""
    row = find_kind(kind)
    if row.inputs:
        return
    for arity in range(1, 6):
        if row.allows(arity):
            bits = all_bits(arity)
            (out,) = row.logic(list(bits.T))
            for ones in range(arity + 1):
                assert len(set(out[bits.sum(axis=1) == ones].tolist())) == 1


def test_the_least_gain_is_that_of_the_table() -> None:
    table = {1: 4.00, 2: 7.18, 3: 8.36, 4: 9.14, 8: 10.92, 16: 12.60}
    for k, gain in table.items():
        assert round(least_gain(k), 2) == gain
        assert sufficient_gain(k) >= least_gain(k)
        assert sufficient_gain(k) == pytest.approx(4 * np.log(4 * k - 1))
        # at the least gain f(ε) = σ(−g (½ − k ε)) touches the diagonal, below it does not reach it
        eps = np.linspace(0, 0.5 / k, 200001)[1:-1]
        above, below = 1.0001 * least_gain(k), 0.9999 * least_gain(k)
        assert (expit(-above * (0.5 - k * eps)) <= eps).any()
        assert (expit(-below * (0.5 - k * eps)) > eps).all()


def test_at_the_sufficient_gain_any_depth_is_certified() -> None:
    for kind, arity in (("and", 2), ("or", 3), ("nand", 4)):
        deep = ladder(kind, arity, 150)
        assert certify(compile(deep, gain=sufficient_gain(arity))).ok
        assert certify(compile(deep, gain=1.001 * least_gain(arity))).ok
        # in a ladder of AND or OR one of the two bits takes the error of all inputs at each level
        assert certify(compile(deep, gain=0.98 * least_gain(arity))).ok == (kind == "nand")


def test_a_chain_of_identity_units_dies_for_a_gain_of_4_and_lives_above() -> None:
    cells = tuple(Cell(f"n{i + 1}", "and", (f"n{i}", "one")) for i in range(300))
    circuit = Circuit(("n0", "one"), ("n300",), cells)
    # the AND with an input that is exactly 1 passes its error on as an identity unit does
    assert certify(compile(circuit, gain=4.2)).ok
    soft = compile(circuit, gain=3.9)
    assert certify(soft).error > 0.4999
    h = soft.evaluate([[0, 1], [1, 1]])[:, 0]
    assert abs(h[1] - h[0]) < 1e-3


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("error", [0.5, 0.1, 0.001])
def test_the_minimum_gain_is_certified_and_a_little_less_is_not(error: float, dtype: str) -> None:
    circuit = ripple_adder(8)
    gain = minimum_gain(circuit, error=error, dtype=dtype)
    soft = compile(circuit, gain=gain, dtype=dtype)
    assert certify(soft).ok
    assert certify(soft).error < error
    less = certify(replace(soft, gain=0.998 * gain))
    assert not (less.ok and less.error < error)
    for larger in (1.01, 1.3, 2, 5, 20):
        more = certify(replace(soft, gain=larger * gain))
        assert more.ok
        assert more.error <= certify(soft).error


@given(circuits(max_cells=8))
def test_a_larger_gain_never_takes_the_certificate_away(circuit: Circuit) -> None:
    gain = minimum_gain(circuit)
    errors = [certify(compile(circuit, gain=g * gain)).error for g in (1, 1.1, 2, 10)]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] < 0.5


def test_rounding_is_part_of_it() -> None:
    circuit = one_gate("and", 600)
    double = certify(compile(circuit, gain=8)).error
    single = certify(compile(circuit, gain=8, dtype="float32")).error
    assert double == pytest.approx(expit(-4))
    assert single == pytest.approx(expit(-8 * (0.5 - 604 * 2**-24 * (600 + 599.5))), rel=1e-3)
    with pytest.raises(ValueError, match="no gain certifies adder to within 1e-07 in float32"):
        minimum_gain(ripple_adder(2), error=1e-7, dtype="float32")
    assert minimum_gain(ripple_adder(2), error=1e-7) < 40


def test_sigma_is_as_exact_as_the_certificate_takes_it_to_be() -> None:
    """16 ε, relative for h near 0; a BUF of an exact bit has no error but σ's and its product's."""
    for dtype in ("float32", "float64"):
        eps = float(np.finfo(dtype).eps)
        y = np.linspace(-80, 80, 20011).astype(dtype)
        with np.errstate(over="ignore"):
            h = np.reciprocal(np.exp(-y) + np.ones(1, dtype)).astype(np.longdouble)
        exact = 1 / (1 + np.exp(-y.astype(np.longdouble)))
        assert (np.abs(h - exact) <= 16 * eps * exact).all()


def test_the_same_for_the_engine_of_the_layered_network() -> None:
    for dtype in ("float32", "float64"):
        eps = float(np.finfo(dtype).eps)
        soft = compile(one_gate("buf", 1), gain=1, dtype=dtype)
        x = np.linspace(0, 1, 4001)[:, None].astype(dtype)
        for gain in (1, 8, 40, 120):
            net = replace(soft, gain=gain).to_network()
            y = gain * (x.astype(np.longdouble) - 0.5)
            exact = 1 / (1 + np.exp(-y))
            error = np.abs(net.predictor()(x) - exact)
            assert (error <= (16 * eps + 5 * gain * eps) * np.maximum(exact, 1e-30)).all()


def test_faults_are_named() -> None:
    circuit = Circuit(
        ("a", "b", "s"),
        ("y", "z"),
        (
            Cell("y", "xor", ("a", "b")),
            Cell("n", "not", ("y",)),
            Cell("z", "mux", ("s", "n", "a")),
        ),
    )
    soft = compile(circuit)
    broken = soft.units.weights.copy()
    broken.data[0] *= -1
    proof = certify(changed(soft, weights=broken), vectors=8)
    assert str(proof).startswith(
        "The network does not compute circuit: y should be 0 for a = 1, b = 1, as xor is, but its "
        "neurons say 1.\nMeasured on 8 inputs: an error of at most"
    )
    assert proof.measured_wrong > 0
    assert proof.net_errors["y"] == (1, 1)
    swapped = changed(soft, gates=(soft.units.gates[0], *soft.units.gates[2:]))
    assert "there are 4 gates for 3 cells and 2 outputs" in str(certify(swapped))
    other = replace(soft.units.gates[2], inputs=(Wire(2, False), Wire(0, False), Wire(0, False)))
    rewired = changed(soft, gates=(*soft.units.gates[:2], other, *soft.units.gates[3:]))
    assert "z is not z, which mux drives" in str(certify(rewired))
    out = replace(soft.units.gates[4], inputs=(Wire(0, False),))
    assert "is not the output z" in str(certify(changed(soft, gates=(*soft.units.gates[:4], out))))
    loop = soft.units.weights.tolil()
    loop[0, 3] = 1
    looped = changed(soft, weights=sparse.csr_array(loop))
    assert "reads a unit that is not of a lower level" in str(certify(looped))
    with pytest.raises(ValueError, match="the network does not compute circuit: y should be 0"):
        network_error(changed(soft, weights=broken))


@given(circuits(), st.data())
def test_a_mutation_is_found_or_changes_nothing(circuit: Circuit, data: st.DataObject) -> None:
    """Of the gates; in `a ∨ b ∨ b` a weight of b may be 2 or 1, and XOR(a, ¬a …) has such too."""
    soft = compile(circuit, gain=20)
    if not soft.units.weights.nnz:
        return
    weights, thresholds = soft.units.weights.copy(), soft.units.thresholds.copy()
    if data.draw(st.booleans()):
        weights.data[data.draw(st.integers(0, weights.nnz - 1))] *= -1
    else:
        thresholds[data.draw(st.integers(0, soft.n_units - 1))] += data.draw(
            st.sampled_from([-1, 1])
        )
    mutated = changed(soft, weights=weights, thresholds=thresholds)
    if certify(mutated).ok:
        bits = all_bits(soft.n_inputs)
        np.testing.assert_array_equal(mutated.predict(bits), circuit.evaluate(bits))


def test_each_mutation_of_an_adder_is_found() -> None:
    soft = compile(ripple_adder(6))
    for at in range(soft.units.weights.nnz):
        weights = soft.units.weights.copy()
        weights.data[at] *= -1
        assert certify(changed(soft, weights=weights)).faults
    for unit, step in product(range(soft.n_units), (-1, 1)):
        thresholds = soft.units.thresholds.copy()
        thresholds[unit] += step
        assert certify(changed(soft, thresholds=thresholds)).faults


def test_it_says_what_is_proved() -> None:
    soft = compile(ripple_adder(8))
    proof = soft.certify(vectors=1000)
    assert str(proof).splitlines()[0] == (
        "For all 2^17 inputs each output of adder is within 0.031 of its bit at gain 8, "
        "including rounding in float64; so each output rounds to the right bit."
    )
    assert "Measured on 1,000 inputs: an error of at most 0.0" in str(proof)
    assert str(proof).endswith("0 wrong bits.")
    low = str(replace(soft, gain=3).certify())
    assert low.startswith("At gain 3 nothing is proved for adder: the error of ")
    assert "0.05 of bits" in str(soft.certify(input_error=0.05))
    assert "For its only input" in str(
        compile(Circuit((), ("y",), (Cell("y", "const1", ()),))).certify()
    )
    assert "For all 4 inputs" in str(compile(one_gate("and", 2)).certify(vectors=9))
    assert soft.certify(vectors=3).n_measured == 3
    few = compile(one_gate("and", 2)).certify(vectors=9)
    assert few.n_measured == 4


def test_wrong_arguments_are_refused() -> None:
    soft = compile(one_gate("and", 2))
    for value in (-0.1, 0.5, float("nan")):
        with pytest.raises(ValueError, match="input_error must be"):
            certify(soft, input_error=value)
    with pytest.raises(ValueError, match="vectors must not be negative"):
        certify(soft, vectors=-1)
    for value in (0, 0.6, float("nan")):
        with pytest.raises(ValueError, match="error must be above 0"):
            minimum_gain(soft.circuit, error=value)
    with pytest.raises(ValueError, match="fan_in must be at least 1; got 0"):
        sufficient_gain(0)
    with pytest.raises(ValueError, match="margin must be"):
        least_gain(2, margin=0)


@given(circuits(), st.floats(2, 20), st.sampled_from(["float32", "float64"]))
def test_the_layered_network_is_within_its_own_bound(
    circuit: Circuit, gain: float, dtype: str
) -> None:
    soft = compile(circuit, gain=gain, dtype=dtype)
    bits = all_bits(soft.n_inputs)
    y = soft.to_network().predictor()(bits.astype(dtype))
    assert np.abs(y - circuit.evaluate(bits)).max() <= network_error(soft)


def test_identity_units_are_counted_in_the_network() -> None:
    cells = (Cell("n", "or", ("a", "b")), Cell("y", "or", ("n", "c")))
    soft = compile(Circuit(("a", "b", "c"), ("y",), cells))
    e = expit(-4)  # a carried bit and n, each off by as much at the most; c itself is exact
    assert certify(soft).error == pytest.approx(expit(-8 * (0.5 - e)))
    assert network_error(soft) == pytest.approx(expit(-8 * (0.5 - 2 * e)))
    assert network_error(compile(ripple_adder(8))) < 0.04
