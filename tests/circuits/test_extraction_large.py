"""Extraction where the inputs are many, or the time is short."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from extraction_networks import (
    adder_network,
    network,
    random_network,
    ripple_adder,
    xor_network,
)

from clearprop.circuits.extraction.decisions import decide
from clearprop.circuits.extraction.enumeration import (
    Deadline,
    OutOfTimeError,
    agree,
    columns,
    domain_of,
)
from clearprop.circuits.extraction.exact_network import exact_network
from clearprop.circuits.extraction.extract import ExtractionError, extract
from clearprop.circuits.gates import Neuron, all_bits
from clearprop.circuits.netlist import Cell, Circuit
from clearprop.circuits.proofs.equivalence import equivalent


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
    monkeypatch.setattr("clearprop.circuits.extraction.extract.MANY_ROWS", 1)
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
    assert "more than 16,777,216 inputs" in agreement.reason
    wrong = Circuit(names, ("y",), (Cell("y", "at_least_16", names),))
    assert agree(net, wrong).verdict == "different"
    with pytest.raises(ExtractionError, match=r"30 input bits have 1,073,741,824 values"):
        extract(net, by="table")
    with pytest.raises(ExtractionError, match=r"layer 1 is relu: only logistic and tanh"):
        extract(random_network(0, 30, [2], hidden="relu"))
    with pytest.raises(ExtractionError, match=r"more than 50,000 cells"):
        extract(random_network(0, 40, []))


# ------------------------------------------------------------------------------------- time limit


def test_no_time_for_the_rows() -> None:
    net = xor_network()
    with pytest.raises(ExtractionError, match=r"time limit of 1e-09 s was reached with 4 inputs"):
        extract(net, time_limit=1e-9)
    agreement = agree(net, extract(net).circuit, time_limit=1e-9)
    assert agreement.verdict == "unknown"
    assert "the time limit of 1e-09 s was reached" in str(agreement)
    for call in (lambda limit: extract(net, time_limit=limit), Deadline.starting):
        for limit in (0, -1.0, float("nan")):
            with pytest.raises(ValueError, match="time_limit must be a number of seconds > 0"):
                call(limit)


def test_no_time_for_the_neurons_leaves_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clearprop.circuits.extraction.rows.NEURONS_SHARE", 0.0)
    found = extract(xor_network())
    assert (found.by, found.ok) == ("table", True)
    assert found.reason == "the time limit of 0 s was reached"
    assert extract(xor_network(), by="neurons").by == "neurons"


def test_no_time_for_the_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    """Logic by rows is then not proved; logic by gaps is, without the rows."""

    def late(*arguments: object, **options: object) -> None:
        raise OutOfTimeError("too late")

    net = adder_network(3, 16.0, "logistic")
    net_columns = columns(
        exact_network(net), domain_of(net, None), Deadline.starting(60), hidden=True
    )
    monkeypatch.setattr(
        "clearprop.circuits.extraction.extract.columns", lambda *arguments, **options: net_columns
    )
    monkeypatch.setattr("clearprop.circuits.extraction.enumeration.Deadline.check", late)
    monkeypatch.setattr(
        "clearprop.circuits.extraction.rows.ExtractionTask.check_neurons", lambda task: None
    )
    unproved = extract(net)
    assert (unproved.by, unproved.ok, unproved.agreement.verdict) == ("neurons", False, "unknown")
    assert "too late, after 0 of them" in str(unproved)
    monkeypatch.setattr("clearprop.circuits.extraction.extract.columns", late)
    monkeypatch.setattr("clearprop.circuits.extraction.extract.MANY_ROWS", 1)
    proved = extract(net)
    assert (proved.by, proved.ok) == ("neurons", True)
    assert "every neuron's gap is above the error" in str(proved)
    assert equivalent(proved.circuit, ripple_adder(3)).equal


def test_time_is_looked_at_between_rows_in_decimals() -> None:
    """The 128 sums without the large weight are near the threshold, next to its rounding."""
    net = network([np.array([[1.0, *[1e-18] * 7]])], [np.zeros(1)])
    looked = []

    def look() -> None:
        looked.append(1)
        if len(looked) == 3:
            raise OutOfTimeError("enough")

    with pytest.raises(OutOfTimeError, match="enough"):
        decide(exact_network(net), all_bits(8).astype(float), check=look)
    assert decide(exact_network(net), all_bits(8).astype(float)).n_precise == 128
