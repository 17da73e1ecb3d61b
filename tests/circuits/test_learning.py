"""Learning truth tables, and sharpening what was learnt until every unit is a bit."""

from __future__ import annotations

import os
import signal
import threading

import numpy as np
import pytest

from clearprop import Network
from clearprop._typing import Array
from clearprop.circuits.gates import all_bits, gate
from clearprop.circuits.learning.attempts import from_signs, signed_architecture, start, to_signs
from clearprop.circuits.learning.hardening import BitLayer, harden, network_layers
from clearprop.circuits.learning.learn import STOPPED, learn, read_table
from clearprop.circuits.learning.sharpening import bound, sharpen
from clearprop.circuits.netlist import Cell, Circuit


def parity(n: int) -> Array:
    ones: Array = all_bits(n).sum(axis=1)
    return ones % 2


def adder(n_bits: int) -> Array:
    """The sum of two numbers, by Python's integers; the carry first."""
    rows = [
        [int(digit) for digit in f"{a + b:0{n_bits + 1}b}"]
        for a in range(2**n_bits)
        for b in range(2**n_bits)
    ]
    return np.array(rows)


def of_gate(kind: str, arity: int) -> Array:
    return gate(kind, arity).truth_table[:, arity:]


TABLES = {
    "xor": (of_gate("xor", 2), 2),
    "half_adder": (of_gate("half_adder", 2), 2),
    "full_adder": (of_gate("full_adder", 3), 3),
    "parity4": (parity(4), 4),
    "mux": (of_gate("mux", 3), 2),
    "adder2": (adder(2), 4),
}


def y_hat(network: Network, n: int) -> Array:
    return network.forward(all_bits(n).astype(float)).y_hat


@pytest.mark.parametrize("name", TABLES)
def test_what_is_learnt_is_right_on_every_row_and_sharpens_to_bits(name: str) -> None:
    table, hidden = TABLES[name]
    n = len(table).bit_length() - 1
    table = table.reshape(2**n, -1)
    learned = learn(table, hidden)
    assert learned.ok
    assert learned.n_wrong == 0
    assert learned.stopped == "found"
    assert learned.hidden_sizes == (hidden,)
    distance = np.where(table == 1, 1, -1) * (y_hat(learned.network, n) - 0.5)
    assert distance.min() == pytest.approx(learned.margin)
    assert learned.margin >= 0.25
    sharp = sharpen(learned, error=0.01)
    assert sharp.ok
    trace = sharp.network.forward(all_bits(n).astype(float))
    assert np.abs(trace.y_hat - table).max() <= sharp.bound.error <= 0.01
    for h in trace.h[1:]:
        assert np.minimum(h, 1 - h).max() <= sharp.bound.hidden_error <= 0.01


def test_search_finds_the_known_smallest_threshold_networks() -> None:
    # one hidden layer of hard units: 2 for XOR, and n for parity of few inputs
    assert learn(parity(2)).hidden_sizes == (2,)
    assert learn(parity(3)).hidden_sizes == (3,)
    learned = learn(parity(3))
    assert [t.hidden_sizes for t in learned.tried] == [(2,), (3,)]
    assert [t.n_right > 0 for t in learned.tried] == [False, True]
    assert learned.contradiction is not None  # no neuron alone: proved


@pytest.mark.parametrize("weights", [(1, 1, 1, 1, 1), (1, 2, 3, 4, 5, 6), (1, 2, 4, 8, 16)])
def test_threshold_functions_need_no_hidden_units(weights: tuple[int, ...]) -> None:
    table = all_bits(len(weights)) @ np.array(weights) * 2 > sum(weights)
    learned = learn(table.astype(int))
    assert learned.ok
    assert learned.hidden_sizes == ()
    assert learned.attempts == 0
    assert learned.contradiction is None
    assert sharpen(learned).ok
    assert learn(table.astype(int), 0).ok  # by training


def test_values_in_between_can_do_with_fewer_units_but_do_not_sharpen() -> None:
    learned = learn(parity(3), 2, saturated=False)
    assert learned.ok
    assert len(learned.broken_rows) or learned.resting
    sharp = sharpen(learned, n_steps=300)
    assert not sharp.ok  # two hard units cannot: the function lies between two pairs of lines
    assert sharp.network is learned.network
    assert "did not help" in str(sharp)
    assert sharp.bound.error >= 1 - (0.5 + learned.margin)


def test_training_on_makes_units_steeper_until_rounding_them_changes_nothing() -> None:
    # XOR from a concave and a convex part of σ: rounded, one unit is always 1 and the other 0
    network = Network([2, 2, 1], hidden="logistic", output="logistic")
    network.W[0][:] = 1.0
    network.b[0][:] = [0.5, -2.5]
    network.W[1][:] = [40.0, -40.0]
    network.b[1][:] = -23.6
    xor = np.array([[0], [1], [1], [0]])
    assert np.array_equal(y_hat(network, 2) > 0.5, xor == 1)
    assert not harden(network_layers(network), all_bits(2).astype(float), xor).ok
    sharp = sharpen(network)
    assert sharp.ok
    assert sharp.n_steps > 0
    assert np.array_equal(sharp.table, xor)
    assert np.abs(y_hat(sharp.network, 2) - xor).max() <= 0.01


def test_parity_of_8_inputs() -> None:
    learned = learn(parity(8), 10)
    assert learned.ok
    assert sharpen(learned).ok


def test_tanh_units_and_two_layers() -> None:
    learned = learn(adder(2), (4, 4), unit="tanh")
    assert learned.ok
    assert learned.network.sizes == [4, 4, 4, 3]
    sharp = sharpen(learned)
    assert sharp.ok
    for h in sharp.network.forward(all_bits(4).astype(float)).h[1:]:
        assert np.abs(np.abs(h) - 1).max() <= 2 * 0.01  # of a range of 2


def test_what_does_not_matter_is_free_for_each_output_by_itself() -> None:
    # each output has a care set on which it is one input; elsewhere None
    x = all_bits(3).astype(int)
    table = np.full((8, 2), None, dtype=object)
    table[x[:, 2] == 0, 0] = x[x[:, 2] == 0, 0]
    table[x[:, 2] == 1, 1] = x[x[:, 2] == 1, 1]
    learned = learn(table)
    assert learned.ok
    assert learned.hidden_sizes == ()
    matters = learned.table >= 0
    assert matters.sum() == 8
    assert np.array_equal((y_hat(learned.network, 3) > 0.5)[matters], table[matters] == 1)
    sharp = sharpen(learned)
    assert sharp.ok
    assert np.array_equal(sharp.table[matters], table[matters])
    assert np.abs(y_hat(sharp.network, 3) - sharp.table).max() <= 0.01  # all of it is bits


def test_dont_cares_make_a_hard_function_easy() -> None:
    table = [0, 1, 1, None]  # XOR where not both are 1: that is OR
    assert learn(table).hidden_sizes == ()
    assert learn([0, 1, 1, 0]).hidden_sizes == (2,)
    minus = learn(np.array([0, 1, 1, -1]))
    assert np.array_equal(minus.network.theta, learn(table).network.theta)


def test_a_circuit_is_learnt_by_its_table() -> None:
    cells = (Cell("s", "xor", ("a", "b")), Cell("c", "and", ("a", "b")))
    learned = learn(Circuit(("a", "b"), ("s", "c"), cells))
    assert learned.ok
    assert (learned.inputs, learned.outputs) == (("a", "b"), ("s", "c"))
    assert learned.table.tolist() == [[0, 0], [1, 0], [1, 0], [0, 1]]


def test_what_cannot_be_learnt_is_reported() -> None:
    learned = learn([0, 1, 1, 0], 0, n_steps=200)
    assert not learned.ok
    assert learned.stopped == "steps"
    assert learned.n_wrong == len(learned.wrong_rows) >= 1
    said = y_hat(learned.network, 2)[:, 0] > 0.5
    assert set(np.flatnonzero(said != np.array([0, 1, 1, 0]))) <= set(learned.wrong_rows)
    assert str(learned).startswith("not learned")
    assert STOPPED["steps"] in str(learned)


def test_the_seed_decides_everything() -> None:
    one, two = learn(adder(2), 5, seed=3), learn(adder(2), 5, seed=3, n_threads=1)
    assert np.array_equal(one.network.theta, two.network.theta)
    assert not np.array_equal(one.network.theta, learn(adder(2), 5, seed=4).network.theta)


def test_time_limit_and_interrupt_leave_the_best_so_far() -> None:
    learned = learn(parity(8), 3, n_steps=10**6, time_limit=0.3)
    assert learned.stopped == "time_limit"
    assert learned.network.sizes == [8, 3, 1]
    assert learned.n_wrong > 0
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.warns(UserWarning, match="interrupted"):
        learned = learn(parity(8), 3, n_steps=10**6)
    timer.join()
    assert learned.stopped == "interrupted"
    assert 0 < learned.n_wrong < 128


@pytest.mark.parametrize("hidden", [["logistic", "tanh"], ["tanh", "logistic"], []])
def test_the_coordinates_of_training_are_the_same_function(hidden: list[str]) -> None:
    sizes = [3, 4, 2, 2] if hidden else [3, 2]
    architecture = signed_architecture(sizes)
    theta = start(architecture, np.random.default_rng(0), along=False)
    network = from_signs(architecture, theta, hidden)
    signed = Network.from_theta(architecture, theta)
    expected = signed.forward(2.0 * all_bits(3) - 1).y_hat
    assert np.allclose(y_hat(network, 3), expected, rtol=0, atol=1e-14)
    assert np.allclose(to_signs(network)[1], theta, rtol=0, atol=1e-14)


def test_hardening_centres_thresholds_and_finds_what_rests() -> None:
    X = all_bits(2).astype(float)
    xor = np.array([[0], [1], [1], [0]])
    layers = (
        BitLayer(
            np.array([[2.0, 2.0], [3.0, 3.0]]), np.array([-0.2, -5.9])
        ),  # OR and AND, off centre
        BitLayer(np.array([[5.0, -5.0]]), np.array([-1.0])),
    )
    hard = harden(layers, X, xor)
    assert hard.ok
    h = X
    for layer in hard.layers:
        z = h @ layer.W.T + layer.b
        assert np.abs(z).min(axis=0) == pytest.approx(1)
        h = (z > 0).astype(float)
    assert np.array_equal(h, xor)
    # a unit that takes x₁ + 0.001 x₂ over a threshold between 1 and 1.001
    resting = (BitLayer(np.array([[1.0, 0.001], [1.0, 1.0]]), np.array([-1.0005, -1.5])), layers[1])
    assert (1, 0) in harden(resting, X, xor).resting
    wrong = harden((layers[0], BitLayer(np.array([[5.0, 5.0]]), np.array([-1.0]))), X, xor)
    assert not wrong.ok
    assert wrong.broken[3]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_bound_holds_and_is_tight(dtype: str) -> None:
    table = parity(6).reshape(-1, 1)
    learned = learn(table, 8)
    network = Network.from_theta(learned.network.architecture, learned.network.theta.astype(dtype))
    sharp = sharpen(network, error=1e-3)
    assert sharp.ok
    assert sharp.network.theta.dtype == dtype
    X = all_bits(6).astype(dtype)
    seen = float(np.abs(sharp.network.forward(X).y_hat - table).max())
    engine = float(np.abs(sharp.network.predictor()(X).astype(float) - table).max())
    assert max(seen, engine) <= sharp.bound.error <= 1e-3
    assert sharp.bound.error <= 1.001 * seen + 1e-4 * (dtype == "float32")
    flipped = np.array(table)
    flipped[5] = 1 - flipped[5]
    assert list(bound(sharp.network, flipped).wrong_rows) == [5]
    assert bound(sharp.network, flipped).error > 0.99


def test_an_error_below_rounding_is_refused() -> None:
    learned = learn([0, 1, 1, 0], 2)
    network = Network.from_theta(
        learned.network.architecture, learned.network.theta.astype("float32")
    )
    sharp = sharpen(network, error=1e-7)
    assert not sharp.ok
    assert "float32" in sharp.reason
    assert sharpen(learned, error=1e-12).ok


def test_a_network_of_many_inputs_is_certified_on_all_rows() -> None:
    n = 16
    network = Network([n, 2, 1], hidden="logistic", output="logistic")
    network.W[0][:] = 1.0
    network.b[0][:] = [-3.2, -8.9]
    network.W[1][:] = [4.0, -4.0]
    network.b[1][:] = -1.0
    sharp = sharpen(network, ((all_bits(n).sum(1) > 3) & (all_bits(n).sum(1) < 9)).astype(int))
    assert sharp.ok
    assert len(sharp.table) == 2**n
    assert all(
        abs(abs(layer.W).min() - 2 * sharp.gain) < 1e-9
        for layer in network_layers(sharp.network)[:1]
    )  # a gap of 1 becomes one of 2 gains


def test_tables_are_read() -> None:
    table = [[0, None], [1, True], [-1, 0], [np.int64(1), 1]]
    bits, inputs, outputs = read_table(np.array(table, dtype=object))
    assert np.array_equal(read_table(np.array([0.0, 1.0]))[0], [[0], [1]])
    assert bits.tolist() == [[0, -1], [1, 1], [-1, 0], [1, 1]]
    assert (inputs, outputs) == (("x1", "x2"), ("y1", "y2"))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ([0, 1, 1], "2\\^n rows"),
        ([0], "2\\^n rows"),
        ([], "shape"),
        ([0, 2], "got 2 in row 1"),
        ([0, 0.5], "got .*0.5.* in row 1"),
        (["0", "1"], "row 0"),
        ([None, None], "nothing in it matters"),
        (np.zeros(2**13), "1 … 12 inputs"),
        (np.zeros((2, 2, 2)), "shape"),
    ],
)
def test_other_tables_are_refused(table: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        learn(table)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("hidden_sizes", -1),
        ("unit", "relu"),
        ("margin", 0.5),
        ("margin", 0),
        ("n_attempts", 0),
        ("n_steps", 1.5),
        ("max_hidden", 0),
        ("seed", -1),
        ("seed", True),
        ("time_limit", 0),
    ],
)
def test_wrong_arguments_are_named(argument: str, value: object) -> None:
    with pytest.raises(ValueError, match=argument):
        learn([0, 1, 1, 0], **{argument: value})  # type: ignore[arg-type]


def test_networks_that_cannot_be_sharpened_are_refused() -> None:
    with pytest.raises(ValueError, match="logistic or tanh; got 'relu'"):
        sharpen(Network([2, 2, 1], hidden="relu", output="logistic"))
    with pytest.raises(ValueError, match="outputs must be logistic"):
        sharpen(Network([2, 2, 1], hidden="tanh", output="linear"))
    with pytest.raises(ValueError, match="at most 20 inputs"):
        sharpen(Network([21, 1], output="logistic"))
    with pytest.raises(ValueError, match="table must have shape"):
        sharpen(Network([2, 1], output="logistic"), [0, 1])
    with pytest.raises(TypeError, match="network"):
        sharpen([0, 1])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="error"):
        sharpen(Network([2, 1], output="logistic"), error=0.5)
