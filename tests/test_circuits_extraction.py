"""From networks to logic: exact decisions, verdicts of the neurons, and the proof of agreement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import clearprop as cp
from clearprop._typing import Array
from clearprop.circuits.diagrams import CellBuilder, neuron_diagram, table_diagram
from clearprop.circuits.encoding import Domain, thermometer
from clearprop.circuits.enumeration import agree
from clearprop.circuits.exact import decide, exact_network
from clearprop.circuits.extraction import ExtractionError, extract
from clearprop.circuits.formats import dumps, loads
from clearprop.circuits.gates import Neuron, all_bits
from clearprop.circuits.netlist import Cell, Circuit, CircuitError
from clearprop.circuits.proof import equivalent


def network(
    weights: list[Array], biases: list[Array], hidden: str = "logistic", output: str = "logistic"
) -> cp.Network:
    """A network with these weights."""
    sizes = [weights[0].shape[1], *(len(W) for W in weights)]
    net = cp.Network(sizes, hidden=hidden, output=output)
    for W, b, given_W, given_b in zip(net.W, net.b, weights, biases, strict=True):
        W[...], b[...] = given_W, given_b
    return net


def xor_network(gain: float = 10.0, hidden: str = "logistic") -> cp.Network:
    """XOR = OR and not AND, as the lecture's neurons."""
    W = [gain * np.array([[1.0, 1], [1, 1]]), gain * np.array([[1.0, -2]])]
    b = [gain * np.array([-0.5, -1.5]), gain * np.array([-0.5])]
    if hidden == "tanh":  # h = 2 bit − 1
        W[1], b[1] = W[1] / 2, b[1] + W[1].sum(axis=1) / 2
    return network(W, b, hidden)


def random_network(
    seed: int,
    n: int,
    units: list[int],
    K: int = 1,
    hidden: str = "logistic",
    output: str = "logistic",
    gain: float = 1.0,
) -> cp.Network:
    rng = np.random.default_rng(seed)
    sizes = [n, *units, K]
    W = [gain * rng.normal(size=(a, b)) for b, a in pairwise(sizes)]
    b = [gain * rng.normal(size=a) for a in sizes[1:]]
    return network(W, b, hidden, output)


# ------------------------------------------------------------------------------ exact decisions


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
    from clearprop.circuits.intervals import decide_row

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
    from clearprop.circuits.exact import LIBRARY_ERROR
    from clearprop.circuits.intervals import Interval, Rounding, _context, _phi

    r = Rounding(_context(60, "ROUND_FLOOR"), _context(60, "ROUND_CEILING"))
    z = np.concatenate([np.linspace(-45, 45, 901), 10.0 ** np.arange(-20, 4), [-750, 750]])
    for name in ("logistic", "tanh"):
        h = ACTIVATIONS[name].phi(z)
        for one, value in zip(z.tolist(), h.tolist(), strict=True):
            lower, upper = _phi(name, Interval(Decimal(one), Decimal(one)), r)
            assert lower <= upper
            assert upper - lower < Decimal("1e-50")
            assert abs(float(lower - Decimal(value))) < LIBRARY_ERROR / 256


# ------------------------------------------------------------------------------------ extraction


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
    assert "unit 0 of layer 2: it is 0 and 1 for the same bits" in found.reason
    assert np.array_equal(
        found.circuit.evaluate(all_bits(6)),
        net.forward(all_bits(6).astype(float)).y_hat > 0.5,
    )
    with pytest.raises(ExtractionError, match="not two-valued"):
        extract(net, by="neurons")
    cubes = extract(net, by="table", form="cubes")
    assert cubes.ok
    assert {cell.kind for cell in cubes.circuit.cells} <= {"and", "or", "not", "buf"}


def test_no_neuron_is_shown_with_its_rows() -> None:
    found = extract(xor_network(), by="table")
    assert found.units[0].neuron is None
    assert "These rows (x1, x2) must give 1:" in str(found)


@pytest.mark.parametrize("n", [14, 18])
def test_many_inputs(n: int) -> None:
    """Above the tables: integer weights by rounding, and decision diagrams."""
    rng = np.random.default_rng(n)
    W = rng.integers(-3, 4, (4, n)).astype(float)
    W[:, 0] = 1
    b = 0.5 - rng.integers(-3, 4, 4)
    net = network([8 * W, 8 * np.array([[2.0, -1, -1, 2]])], [8 * b, 8 * np.array([-1.5])])
    found = extract(net)
    assert (found.by, found.ok) == ("neurons", True)
    for unit, weights, bias in zip(found.units[:4], W, b, strict=True):
        assert unit.neuron is not None
        names = [f"x{i + 1}" for i in np.flatnonzero(weights)]
        assert unit.patterns.inputs == tuple(names)
        x = all_bits(len(names)).astype(int)
        mine = x @ unit.neuron.weights >= unit.neuron.threshold
        assert np.array_equal(mine, x @ weights[weights != 0] + bias > 0)
    table = extract(net, by="table")
    assert table.ok
    assert equivalent(found.circuit, table.circuit).equal


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


def adder_network(n: int, gain: float, hidden: str) -> cp.Network:
    """a + b of n bits each: hidden units are the bits and the carries, c_i = [Σ_j≤i 2^j (a_j + b_j)
    ≥ 2^(i+1)]; outputs are s_i = [a_i + b_i + c_(i−1) − 2c_i ≥ 1] and the last carry."""
    W = np.zeros((3 * n, 2 * n))
    W[: 2 * n] = np.eye(2 * n)
    b = np.full(3 * n, -0.5)
    last, last_b = np.zeros((n + 1, 3 * n)), np.full(n + 1, -0.5)
    for i in range(n):
        W[2 * n + i, : i + 1] = W[2 * n + i, n : n + i + 1] = 2.0 ** np.arange(i + 1)
        b[2 * n + i] = 0.5 - 2.0 ** (i + 1)
        last[i, [i, n + i]], last[i, 2 * n + i] = 1, -2
        if i:
            last[i, 2 * n + i - 1] = 1
    last[n, -1] = 1
    if hidden == "tanh":
        last, last_b = last / 2, last_b + last.sum(axis=1) / 2
    return network([gain * W, gain * last], [gain * b, gain * last_b], hidden)


def ripple_adder(n: int) -> Circuit:
    a, b = [f"x{i + 1}" for i in range(n)], [f"x{n + i + 1}" for i in range(n)]
    cells = [Cell("y0", "xor", (a[0], b[0])), Cell("c0", "and", (a[0], b[0]))]
    for i in range(1, n):
        cells.append(Cell(f"y{i}", "xor", (a[i], b[i], f"c{i - 1}")))
        cells.append(Cell(f"c{i}", "majority", (a[i], b[i], f"c{i - 1}")))
    outputs = tuple(f"y{i}" for i in range(n + 1))
    cells.append(Cell(f"y{n}", "buf", (f"c{n - 1}",)))
    return Circuit((*a, *b), outputs, tuple(cells))


@pytest.mark.parametrize("hidden", ["logistic", "tanh"])
def test_more_inputs_than_are_gone_through(hidden: str) -> None:
    """28 inputs: proved by the neurons' gaps, and, independently, equal to a ripple-carry adder by
    SAT. At a low gain the outputs could be moved by the soft units, and nothing is claimed."""
    pytest.importorskip("pysat")
    found = extract(adder_network(14, 16.0, hidden))
    assert (found.ok, found.by) == (True, "neurons")
    assert "every neuron's gap is above the error" in str(found)
    assert equivalent(found.circuit, ripple_adder(14)).equal
    with pytest.raises(ExtractionError, match="a larger gain would help"):
        extract(adder_network(14, 2.0, hidden))
    # the same by all inputs, where there are few
    small = adder_network(3, 16.0, hidden)
    assert extract(small, most_rows=1).ok
    assert equivalent(extract(small, most_rows=1).circuit, extract(small).circuit).equal
    assert equivalent(extract(small).circuit, ripple_adder(3)).equal


@pytest.mark.parametrize("output", ["softmax", "linear", "logistic"])
@pytest.mark.parametrize("hidden", ["logistic", "tanh"])
def test_gaps_agree_with_all_inputs(hidden: str, output: str) -> None:
    """Sharp random networks: what the gaps prove is what all inputs show."""
    n_proved = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)  # sums are whole, thresholds half way between
        W = [rng.integers(-2, 3, shape) for shape in ((4, 6), (3, 4))]
        b = [rng.integers(-3, 4, size) + 0.5 for size in (4, 3)]
        b[1] = b[1] + np.arange(3) / 4  # for the differences of two of them
        net = network([20 * w for w in W], [20 * v for v in b], hidden, output)
        try:
            found = extract(net, most_rows=1)
        except ExtractionError:
            continue
        n_proved += 1
        assert agree(net, found.circuit).equal
    assert n_proved >= 3


def test_gaps_are_tried_before_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where they suffice, all inputs still prove it; where not, the rows give the logic: hidden
    units are off by σ(−g/2) < e^(−g/2), the outputs by five times that, which must be below ½."""
    monkeypatch.setattr("clearprop.circuits.extraction.MANY_ROWS", 1)
    for gain, table in ((16.0, False), (4.5, True)):
        found = extract(adder_network(3, gain, "logistic"))
        assert found.ok
        assert found.agreement.n_rows == 64
        assert (found.units[0].table is not None) == table
        assert equivalent(found.circuit, ripple_adder(3)).equal


def test_too_many_inputs() -> None:
    """30 inputs and a relu layer, or no agreement sought but by rows: refused, or "unknown"."""
    net = network([10 * np.ones((1, 30))], [np.array([-145.0])])
    names = tuple(f"x{i + 1}" for i in range(30))
    right = Circuit(names, ("y",), (Cell("y", "at_least_15", names),))
    found = extract(net)
    assert found.circuit == replace(right, name="extracted")
    assert found.units[0].neuron == Neuron((1,) * 30, 15)
    agreement = agree(net, right)
    assert agreement.verdict == "unknown"
    assert "more inputs than 16,777,216" in agreement.reason
    wrong = Circuit(names, ("y",), (Cell("y", "at_least_16", names),))
    assert agree(net, wrong).verdict == "different"
    with pytest.raises(ExtractionError, match=r"30 input bits have 1,073,741,824 values"):
        extract(net, by="table")
    with pytest.raises(ExtractionError, match=r"layer 1 is relu: only logistic and tanh"):
        extract(random_network(0, 30, [2], hidden="relu"))
    with pytest.raises(ExtractionError, match=r"more than 50,000 cells"):
        extract(random_network(0, 40, []))


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
    with pytest.raises(TypeError, match="infinite or no numbers"):
        extract(net)
    with pytest.raises(CircuitError, match="circuit has 1 inputs, but the network has 2"):
        agree(xor_network(), Circuit(("a",), ("a",), ()))


# -------------------------------------------------------------------------------------- diagrams


@given(seed=st.integers(0, 10**6))
def test_diagrams(seed: int) -> None:
    """Of a neuron and of a table: their cells compute the function."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 9))
    names = tuple(f"x{i}" for i in range(n))
    neuron = Neuron(tuple(rng.integers(-6, 7, n).tolist()), int(rng.integers(-12, 13)))
    build = CellBuilder("d", {*names, "y"})
    low, high, node = neuron_diagram(neuron, names, build)
    circuit = Circuit(names, ("y",), build.finish(node, "y"))
    sums = all_bits(n).astype(int) @ neuron.weights
    y = sums >= neuron.threshold
    assert np.array_equal(circuit.truth_table()[:, -1], y)
    assert low == (None if y.all() else sums[~y].max())
    assert high == (sums[y].min() if y.any() else None)
    n_bits = tuple(rng.integers(0, 4, 3).tolist())
    domain = Domain(n_bits)
    bit_names = [tuple(f"f{f}_{i}" for i in range(k)) for f, k in enumerate(n_bits)]
    table = rng.integers(0, 2, domain.size).astype(bool)
    every = tuple(name for row in bit_names for name in row)
    build = CellBuilder("d", {*every, "y"})
    circuit = Circuit(every, ("y",), build.finish(table_diagram(table, bit_names, build), "y"))
    bits = domain.bits(domain.codes(0, domain.size))
    assert np.array_equal(circuit.evaluate(bits)[:, 0], table)


# ---------------------------------------------------------------------------------- real columns


def test_thermometer() -> None:
    X = np.array([[20.0, 1], [30, 1], [40, 2], [50, 3], [60, 3]])
    bits, encoding = thermometer(X, 3, columns=["age", "children"])
    assert encoding.thresholds == ((35.0, 45.0), (1.5, 2.5))
    assert encoding.bit_names == ("age>35", "age>45", "children>1.5", "children>2.5")
    assert bits.astype(int).tolist() == [
        [0, 0, 0, 0],
        [0, 0, 0, 0],
        [1, 0, 1, 0],
        [1, 1, 1, 1],
        [1, 1, 1, 1],
    ]
    assert encoding.values == ((25.0, 40.0, 55.0), (1.0, 2.0, 3.0))
    bits, encoding = thermometer(X, thresholds=[[37.5], []])
    assert encoding.bit_names == ("x1>37.5",)
    assert bits[:, 0].tolist() == [False, False, True, True, True]
    with pytest.raises(ValueError, match="row 1 has a NaN"):
        thermometer([[1.0], [np.nan]])
    with pytest.raises(ValueError, match="thresholds of x1 must increase"):
        thermometer(X, thresholds=[[2, 1], []])
    with pytest.raises(ValueError, match="n_levels must be 2 or more"):
        thermometer(X, 1)
    with pytest.raises(ValueError, match="columns must be 2 different names"):
        thermometer(X, columns=["a", "a"])
    with pytest.raises(ValueError, match="X must have 2 columns"):
        encoding.encode([[1.0]])


def test_a_network_of_thermometer_bits() -> None:
    """Only codes that the encoding gives are gone through, and the others do not matter."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    t = (X[:, [0]] + X[:, [1]] * X[:, [2]] > 0).astype(float)
    bits, encoding = thermometer(X, 5)
    net = cp.Network([16, 6, 1], hidden="tanh", output="logistic", seed=0)
    net.train(bits.astype(float), t, epochs=30, seed=0)
    found = extract(net, encoding=encoding)
    assert found.ok
    assert found.agreement.n_rows == 5**4
    assert "that the encoding can give" in str(found)
    assert found.circuit.inputs[0].startswith("x1>")
    assert found.changes(X).sum() == 0
    y_hat = net.predict(bits.astype(float))
    assert np.array_equal(found.circuit.evaluate(bits)[:, 0], y_hat == 1)
    module = loads(dumps(found.circuit, "verilog"), "verilog")
    assert module.inputs == found.circuit.inputs
    assert equivalent(found.circuit, module).equal


def test_a_network_of_real_columns() -> None:
    """Approximated: agreement on the encoding's values, and the rows that change are counted."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(400, 3))
    t = (X[:, [0]] - 2 * X[:, [1]] > 0).astype(float)
    net = cp.Network([3, 4, 1], hidden="tanh", output="logistic", seed=0)
    net.train(X, t, epochs=60, seed=0)
    shares = []
    for n_levels in (3, 12):
        _, encoding = thermometer(X, n_levels, columns=["a", "b", "c"])
        found = extract(net, encoding=encoding)
        assert found.ok
        assert found.agreement.n_rows == n_levels**3
        changed = found.changes(X)
        mine = found.circuit.evaluate(encoding.encode(X))[:, 0]
        assert np.array_equal(changed, mine != (net.predict(X) == 1))
        shares.append(changed.mean())
        at = [np.array(v)[rng.integers(0, n_levels, 50)] for v in encoding.values]
        assert not found.changes(np.column_stack(at)).any()
    assert shares[1] < shares[0]
    with pytest.raises(ValueError, match="the network has 5 inputs, which is neither"):
        extract(cp.Network([5, 2, 1], output="logistic"), encoding=encoding)
