"""From networks to logic: verdicts of the neurons, and the proof of agreement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from extraction_networks import network, random_network, xor_network

import clearprop as cp
from clearprop._typing import Array
from clearprop.circuits.extraction.enumeration import agree
from clearprop.circuits.extraction.extract import ExtractionError, extract
from clearprop.circuits.formats.files import dumps, loads
from clearprop.circuits.gates import Neuron, all_bits
from clearprop.circuits.netlist import Circuit, CircuitError
from clearprop.circuits.proofs.equivalence import equivalent
from clearprop.outputs import get_output


@pytest.mark.parametrize("hidden", ["logistic", "tanh"])
@pytest.mark.parametrize("form", ["auto", "cubes", "threshold"])
def test_xor(hidden: str, form: str) -> None:
    """The known answer: OR, AND, and a output of weights 1 and −1."""
    found = extract(xor_network(hidden=hidden), ["a", "b"], ["s"], form=form)
    assert found.ok
    assert found.by == "neurons"
    assert found.circuit.truth_table()[:, 2].tolist() == [0, 1, 1, 0]
    assert [unit.table.tolist() for unit in found.units] == [
        [0, 1, 1, 1],
        [0, 0, 0, 1],
        [0, -1, 1, 0],
    ]
    assert [unit.neuron for unit in found.units[:2]] == [Neuron((1, 1), 1), Neuron((1, 1), 2)]
    assert all(unit.verdict for unit in found.units)
    assert "h1_0 = [a + b ≥ 1]" in str(found)
    assert "the logic equals the network (all 4 inputs" in str(found)


TASKS: dict[str, tuple[int, list[int], Callable[[Array], Array]]] = {
    "xor": (2, [3], lambda x: x[:, [0]] ^ x[:, [1]]),
    "parity": (4, [6], lambda x: x.sum(axis=1, keepdims=True) % 2),
    "mux": (3, [4], lambda x: np.where(x[:, [0]], x[:, [2]], x[:, [1]])),
    "adder": (4, [8], lambda x: (x @ [2, 1, 2, 1])[:, None] >> np.array([2, 1, 0]) & 1),
    "deep": (3, [4, 3], lambda x: x.sum(axis=1, keepdims=True) % 2),
}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("hidden", ["logistic", "tanh", "relu"])
def test_trained_networks(task: str, hidden: str) -> None:
    """Whatever training gave: the logic is what the network decides on every row."""
    n, units, function = TASKS[task]
    bits = all_bits(n)
    t = function(bits.astype(int)).astype(float)
    net = cp.Network([n, *units, t.shape[1]], hidden=hidden, output="logistic", seed=1)
    net.train(bits.astype(float), t, cp.SGD(0.3, momentum=0.9), epochs=600, batch_size=8, seed=0)
    found = extract(net)
    assert found.ok
    decided = net.forward(bits.astype(float)).y_hat > 0.5
    assert np.array_equal(found.circuit.evaluate(bits), decided)
    again = loads(dumps(found.circuit, "blif"), "blif")
    assert equivalent(found.circuit, again).equal
    assert equivalent(found.circuit, loads(dumps(found.circuit, "verilog"), "verilog")).equal


@pytest.mark.parametrize(("output", "K"), [("softmax", 2), ("softmax", 3), ("linear", 2)])
def test_other_outputs(output: str, K: int) -> None:
    net = random_network(3, 5, [4], K, "tanh", output, gain=2.0)
    bits = all_bits(5)
    found = extract(net)
    y_hat = net.forward(bits.astype(float)).y_hat
    if output == "softmax":
        classes = y_hat.argmax(axis=1)
        wanted = classes[:, None] == np.arange(K) if K > 2 else classes[:, None] == 1
        assert found.circuit.outputs == (("y",) if K == 2 else ("class_0", "class_1", "class_2"))
    else:
        wanted = y_hat > 0.5
    assert found.ok
    assert np.array_equal(found.circuit.evaluate(bits), wanted)


def test_argmax_takes_the_first_of_equals() -> None:
    net = network([np.array([[1.0], [1], [2]])], [np.zeros(3)], output="softmax")
    assert extract(net).circuit.evaluate([[0], [1]]).tolist() == [[1, 0, 0], [0, 0, 1]]


def test_soft_units_fall_back_to_the_table() -> None:
    """Nearly linear units: the output is no function of their bits, and it says which."""
    net = random_network(5, 6, [2], hidden="tanh", gain=0.2)
    found = extract(net)
    assert (found.by, found.ok) == ("table", True)
    assert "unit 0 of layer 2: it is 0 on some rows and 1 on others" in found.reason
    assert np.array_equal(
        found.circuit.evaluate(all_bits(6)),
        net.forward(all_bits(6).astype(float)).y_hat > 0.5,
    )
    with pytest.raises(ExtractionError, match="not close enough to bits"):
        extract(net, by="neurons")
    cubes = extract(net, by="table", form="cubes")
    assert cubes.ok
    assert {cell.kind for cell in cubes.circuit.cells} <= {"and", "or", "not", "buf"}


def test_no_neuron_is_shown_with_its_rows() -> None:
    found = extract(xor_network(), by="table")
    assert found.units[0].neuron is None
    assert "These rows (x1, x2) must give 1:" in str(found)


def test_every_flipped_cell_is_found() -> None:
    """The certificate finds each of the circuit's cells replaced, where that changes an output."""
    net = random_network(2, 5, [4], 2, gain=6.0)
    circuit = extract(net).circuit
    other = {"and": "nand", "or": "nor", "not": "buf", "buf": "not", "mux": "majority"}
    n_changed = 0
    for i, cell in enumerate(circuit.cells):
        kind = other.get(cell.kind, "nor" if cell.inputs else "const0")
        cells = list(circuit.cells)
        cells[i] = replace(cell, kind=kind)
        mutant = replace(circuit, cells=tuple(cells))
        agreement = agree(net, mutant)
        changed = not np.array_equal(mutant.truth_table(), circuit.truth_table())
        assert agreement.equal != changed
        if changed:
            n_changed += 1
            row = np.array([list(agreement.counterexample.values())], dtype=float)
            k = circuit.outputs.index(agreement.output)
            assert (net.forward(row).y_hat[0, k] > 0.5) != mutant.evaluate(row)[0, k]
            assert "the logic differs from the network: output" in str(agreement)
    assert n_changed > 5


def test_one_flipped_weight_is_found() -> None:
    """Integer weights, each of which matters in some row."""
    net = xor_network()
    circuit = extract(net).circuit
    assert agree(net, circuit).equal
    for W in net.W:
        for place in np.ndindex(W.shape):
            W[place] *= -1
            assert agree(net, circuit).verdict == "different"
            W[place] *= -1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"inputs": ["a"]}, "inputs must be 2 different names"),
        ({"outputs": ["a", "b"]}, "outputs must be 1 different names"),
        ({"inputs": ["a", "y"]}, "share the name 'y'"),
        ({"by": "magic"}, "by must be"),
        ({"form": "lut"}, "form must be"),
    ],
)
def test_arguments(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        extract(xor_network(), **arguments)


def test_networks_that_are_no_logic() -> None:
    with pytest.raises(TypeError, match="hidden activations identity, relu"):
        extract(cp.Network([2, 2, 1], hidden="gelu", output="logistic"))
    with pytest.raises(TypeError, match="'poisson' outputs"):
        extract(cp.Network([2, 2, 1], hidden="relu", output="poisson"))
    net = xor_network()
    net.theta[0] = np.nan
    scaled = cp.architecture.Architecture(
        (cp.layers.Dense(2, 3, cp.ACTIVATIONS["tanh"], gain=0.5), cp.layers.Dense(3, 1, None)),
        get_output("logistic"),
    )
    with pytest.raises(TypeError, match="without gains and slopes"):
        extract(cp.Network.from_theta(scaled, np.zeros(scaled.n_parameters)))
    with pytest.raises(TypeError, match=r"must be a clearprop\.Network"):
        extract(3)
    with pytest.raises(TypeError, match="infinite or NaN"):
        extract(net)
    with pytest.raises(CircuitError, match="circuit has 1 inputs, but the network has 2"):
        agree(xor_network(), Circuit(("a",), ("a",), ()))
