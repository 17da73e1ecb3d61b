"""Circuits as sigmoid neurons: compiled, evaluated, and laid out as a layered network."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_circuits import circuits, ripple_adder
from scipy.special import expit

from clearprop._typing import Array
from clearprop.circuits.gates import GATES, all_bits, find_kind, gate
from clearprop.circuits.netlist import Cell, Circuit
from clearprop.circuits.soft.circuit import SoftCircuit, compile
from clearprop.circuits.soft.folding import CONSTANT, Wire

KINDS = [*(kind for kind in GATES if len(GATES[kind].outputs) == 1), "at_least_2", "at_least_3"]


def one_gate(kind: str, arity: int) -> Circuit:
    inputs = tuple(f"x{i}" for i in range(arity))
    return Circuit(inputs, ("y",), (Cell("y", kind, inputs),))


def by_definition(soft: SoftCircuit, bits: Array) -> Array:
    """h = σ(g (w·s + b)) unit by unit, in float64."""
    s = np.asarray(bits, dtype=np.float64)
    weights = soft.units.weights.toarray()
    for unit in range(soft.n_units):
        z = s @ weights[unit, : s.shape[1]] + 0.5 - soft.units.thresholds[unit]
        assert not weights[unit, s.shape[1] :].any()
        s = np.column_stack([s, expit(soft.gain * z)])
    return s[:, soft.n_inputs :]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("arity", [0, 1, 2, 3, 4, 5])
def test_each_gate_is_its_neurons(kind: str, arity: int) -> None:
    if not find_kind(kind).allows(arity):
        with pytest.raises(ValueError, match=r"driven|must have"):
            one_gate(kind, arity)
        return
    circuit = one_gate(kind, arity)
    soft = compile(circuit, gain=12)
    bits = all_bits(arity)
    np.testing.assert_array_equal(soft.predict(bits), circuit.evaluate(bits))
    if arity > 1:
        neurons = gate(kind, arity).neurons
        assert soft.n_units == len(neurons)
        for name, neuron, row in zip(
            soft.units.names, neurons, soft.units.weights.toarray(), strict=True
        ):
            number = neurons.index(neuron) + 1
            assert name == ("y" if number == len(neurons) else f"y.{number}")
            np.testing.assert_array_equal(row[: len(neuron.weights)], neuron.weights)
        expected = gate(kind, arity).evaluate(bits, gain=12)
        np.testing.assert_allclose(soft.evaluate(bits), expected, rtol=1e-12)


@given(circuits(), st.sampled_from(["float32", "float64"]), st.floats(1, 30))
def test_the_values_are_those_of_the_definition(circuit: Circuit, dtype: str, gain: float) -> None:
    soft = compile(circuit, gain=gain, dtype=dtype)
    bits = np.random.default_rng(0).random((9, soft.n_inputs))
    bits[:6] = bits[:6] < 0.5
    h = soft.evaluate_units(bits)
    assert h.dtype == dtype
    # z is a sum of ten terms or so, each at most g‖w‖ ≤ 30·12, σ has slope ¼ and damps what is
    # before it by g/4 ‖w‖ at the most where it does not saturate: a bound for 12 gates would be
    # of no use, so the tolerance is for one gate, and the values before it are the evaluated ones
    s = np.column_stack([bits, h]).astype(np.float64)
    z = s @ soft.units.weights.toarray().T + 0.5 - soft.units.thresholds
    tolerance = (
        40 * np.finfo(dtype).eps * (1 + gain * (np.abs(s) @ abs(soft.units.weights).toarray().T))
    )
    assert (np.abs(h - expit(gain * z)) <= tolerance).all()
    np.testing.assert_array_equal(soft.evaluate(bits), h[:, list(soft.units.outputs)])


@given(circuits())
def test_predictions_are_the_logic_at_a_large_gain(circuit: Circuit) -> None:
    soft = compile(circuit, gain=20)
    bits = all_bits(soft.n_inputs)
    np.testing.assert_array_equal(soft.predict(bits), circuit.evaluate(bits))
    assert (np.diff(soft.units.levels) >= 0).all()
    rows, columns = soft.units.weights.nonzero()
    units = columns >= soft.n_inputs
    assert (
        soft.units.levels[rows[units]] > soft.units.levels[columns[units] - soft.n_inputs]
    ).all()
    # every net is carried by the source that the table says
    h = np.column_stack([bits, soft.evaluate_units(bits) > 0.5, np.zeros(len(bits), bool)])
    for net, bit in zip(circuit.nets, circuit.evaluate_nets(bits).T, strict=True):
        source, negated = soft.units.wires[net]
        np.testing.assert_array_equal(h[:, source] != negated, bit)


def test_not_buf_and_constants_are_folded_into_what_reads_them() -> None:
    cells = (
        Cell("na", "not", ("a",)),
        Cell("nna", "not", ("na",)),
        Cell("same", "buf", ("nna",)),
        Cell("one", "const1", ()),
        Cell("zero", "const0", ()),
        Cell("y", "and", ("na", "b", "one")),
        Cell("off", "and", ("y", "zero", "b")),
        Cell("z", "nor", ("off", "y", "same")),
        Cell("x", "xor", ("b", "one")),
    )
    soft = compile(Circuit(("a", "b"), ("z", "x", "zero", "a", "z", "x"), cells))
    # y, z, and the outputs that are no unit yet: ¬b, 0, a, each once
    assert sorted(soft.units.names) == ["a", "x", "y", "z", "zero"]
    assert soft.units.wires["same"] == Wire(0, False)
    assert soft.units.wires["na"] == Wire(0, True)
    assert soft.units.wires["x"] == Wire(1, True)
    assert soft.units.wires["off"] == Wire(CONSTANT, False)
    y = soft.units.names.index("y")
    assert soft.units.weights.toarray()[y].tolist() == [-1, 1, 0, 0, 0, 0, 0]
    assert soft.units.thresholds[y] == 1  # (1 − a) + b + 1 ≥ 3
    assert soft.units.outputs[0] == soft.units.outputs[4]
    bits = all_bits(2)
    np.testing.assert_array_equal(soft.predict(bits), soft.circuit.evaluate(bits))


@pytest.mark.parametrize("kind", ["xor", "xnor", "and", "majority", "mux"])
def test_a_gate_may_read_one_net_several_times_and_its_negation(kind: str) -> None:
    nets = ("a", "na", "b", "one")
    for inputs in product(nets, repeat=3):
        cells = (
            Cell("na", "not", ("a",)),
            Cell("one", "const1", ()),
            Cell("y", kind, inputs),
            Cell("z", "or", ("y", "b")),
        )
        circuit = Circuit(("a", "b"), ("y", "z"), cells)
        soft = compile(circuit, gain=16)
        bits = all_bits(2)
        np.testing.assert_array_equal(soft.predict(bits), circuit.evaluate(bits))
        assert soft.certify().ok


def test_an_inner_neuron_takes_no_name_that_a_net_has() -> None:
    cells = (Cell("y.1", "and", ("a", "b")), Cell("y", "xor", ("a", "y.1")))
    soft = compile(Circuit(("a", "b"), ("y",), cells))
    assert len(set(soft.units.names)) == 3
    assert "y.1'" in soft.units.names


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_chunks_give_what_one_vector_at_a_time_gives(
    dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    soft = compile(ripple_adder(4), dtype=dtype)
    bits = all_bits(9)
    whole = soft.evaluate(bits)
    monkeypatch.setattr("clearprop.circuits.soft.circuit.CACHE", 1)
    # exp may differ in the last digits between the SIMD body and the rest of an array
    np.testing.assert_allclose(soft.evaluate(bits[:300]), whole[:300], rtol=1e-5)
    np.testing.assert_allclose(
        np.vstack([soft.evaluate(bits[i : i + 1]) for i in range(40)]), whole[:40], rtol=1e-5
    )
    assert soft.evaluate(bits[:0]).shape == (0, 5)


def test_a_saturated_unit_is_0_or_1_without_a_warning() -> None:
    circuit = one_gate("and", 40)
    bits = np.array([[0] * 40, [1] * 40])
    for dtype in ("float32", "float64"):
        h = compile(circuit, gain=1000, dtype=dtype).evaluate(bits)
        assert h.tolist() == [[0], [1]]


@pytest.mark.parametrize(
    ("bits", "message"),
    [
        ([[0, 1]], r"bits must have shape \(N, 3\); got \(1, 2\)"),
        ([0, 1, 1], r"bits must have shape"),
        ([[0, 1, 1], [0, 2, 1]], "bits must be from 0 to 1; got 2 in row 1, column 1"),
        ([[0, 0.5, -0.1]], "got -0.1 in row 0, column 2"),
        ([[0, float("nan"), 0]], "got nan in row 0, column 1"),
    ],
)
def test_wrong_bits_are_refused(bits: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compile(one_gate("and", 3)).evaluate(bits)


def test_wrong_arguments_are_refused() -> None:
    circuit = one_gate("and", 2)
    for gain in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="gain must be a positive number"):
            compile(circuit, gain=gain)
    with pytest.raises(ValueError, match="dtype must be float32 or float64"):
        compile(circuit, dtype="int8")
    with pytest.raises(TypeError, match="circuit must be a Circuit; got str"):
        compile("c432")
    with pytest.raises(TypeError, match="bits must be bool or numbers"):
        compile(circuit).evaluate([["a", "b"]])


def test_it_tells_its_size() -> None:
    soft = compile(ripple_adder(4), dtype="float32")
    assert repr(soft) == (
        "SoftCircuit('adder', 9 inputs, 5 outputs, 28 units in 10 levels, 64 weights, gain=8, "
        "dtype='float32')"
    )


@given(circuits())
def test_the_layered_network_agrees_on_every_input(circuit: Circuit) -> None:
    soft = compile(circuit, gain=20)
    net = soft.to_network()
    bits = all_bits(soft.n_inputs)
    predicted = net.predict(bits.astype(float)).reshape(len(bits), -1)
    np.testing.assert_array_equal(predicted, circuit.evaluate(bits))
    assert net.sizes[0] == soft.n_inputs
    assert net.output.name == "logistic"


def test_the_layers_have_identity_units_and_no_dead_ones() -> None:
    cells = (
        Cell("m", "and", ("a", "b")),
        Cell("dead", "or", ("a", "m")),
        Cell("deader", "or", ("dead", "m")),
        Cell("y", "or", ("m", "c")),
        Cell("z", "and", ("b", "c")),
    )
    soft = compile(Circuit(("a", "b", "c"), ("y", "z", "y"), cells), gain=8, dtype="float32")
    net = soft.to_network()
    assert net.sizes == [3, 3, 3]  # m, z, c carried; y, z carried, y
    assert net.theta.dtype == np.float32
    assert sorted(net.W[0].tolist()) == [[0, 0, 8], [0, 8, 8], [8, 8, 0]]
    assert sorted(net.b[0].tolist()) == [-12, -12, -4]
    assert (net.W[1] != 0).sum(axis=1).tolist() == [2, 1, 2]
    bits = all_bits(3)
    np.testing.assert_array_equal(net.predict(bits.astype(float)), soft.circuit.evaluate(bits))


def test_a_network_that_is_too_large_is_refused_with_its_size() -> None:
    soft = compile(ripple_adder(64))
    n = soft.to_network().theta.size
    with pytest.raises(ValueError, match=rf"{n:,} dense weights and biases instead of") as error:
        soft.to_network(max_bytes=n * 8 - 1)
    assert "adder in strict layers has" in str(error.value)
    assert soft.to_network(max_bytes=n * 8).theta.nbytes == n * 8
    with pytest.raises(ValueError, match="at least one input and one output"):
        compile(Circuit((), ("y",), (Cell("y", "const1", ()),))).to_network()


def test_a_large_adder_adds() -> None:
    soft = compile(ripple_adder(64), gain=10, dtype="float32")
    rng = np.random.default_rng(0)
    bits = rng.random((300, 129)) < 0.5
    powers = [2**i for i in range(65)]

    def number(row: Array) -> int:
        return sum(p for p, bit in zip(powers, row, strict=False) if bit)

    for row, y in zip(bits, soft.predict(bits), strict=True):
        assert number(y) == number(row[:64]) + number(row[64:128]) + int(row[128])
    other = replace(soft, gain=20, dtype=np.dtype("float64"))
    np.testing.assert_array_equal(other.predict(bits), soft.predict(bits))
