"""The certificate of wide gates and of real circuits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from random_circuits import changed, one_gate
from scipy.special import expit

from clearprop.circuits.netlist import Cell, Circuit
from clearprop.circuits.soft.cases import MOST_CASES, cases_of
from clearprop.circuits.soft.certificate import minimum_gain
from clearprop.circuits.soft.circuit import SoftCircuit, certify, compile
from clearprop.circuits.soft.worst_case import plan


@pytest.mark.parametrize(
    ("kind", "arity"), [("and", 200), ("xor", 41), ("xnor", 30), ("at_least_9", 60)]
)
def test_wide_gates_are_not_enumerated(kind: str, arity: int) -> None:
    soft = compile(one_gate(kind, arity), gain=8)
    proof = certify(soft, vectors=500)
    assert proof.ok
    assert proof.measured_error is not None
    assert (proof.measured_error <= proof.certified_error).all()
    thresholds = soft.units.thresholds.copy()
    thresholds[-1] += 1
    assert not certify(changed(soft, thresholds=thresholds)).ok


def test_weights_with_too_many_sums_are_not_certified() -> None:
    soft = compile(one_gate("or", 20))
    weights = soft.units.weights.copy()
    weights.data[:] = 2 ** np.arange(20)
    odd = changed(soft, weights=weights)  # it does compute OR, but has 2^20 sums
    assert MOST_CASES < 2**20
    proof = certify(odd)
    assert not proof.ok
    assert "too many different sums" in str(proof)
    assert proof.certified_error == [1]


@pytest.mark.parametrize(
    ("kind", "most"), [("and", 1000), ("nor", 1000), ("at_least_500", 501), ("xor", 1000)]
)
def test_a_thousand_inputs(kind: str, most: int) -> None:
    """Where the sum is next to the threshold, the errors of so many inputs add up: of 1000 ones or
    zeros; of 501 zeros where one more 1 would be enough; in the neurons of XOR, at either end."""
    circuit = one_gate(kind, 1000)
    proof = certify(compile(circuit, gain=16), input_error=1e-4)
    assert proof.ok
    units = proof.unit_errors if kind != "xor" else proof.unit_errors[:-1]
    assert units.max() == pytest.approx(expit(-16 * (0.5 - most * 1e-4)), rel=1e-6)
    soft = compile(circuit)
    thresholds = soft.units.thresholds.copy()
    thresholds[len(thresholds) // 2] += 1
    assert certify(changed(soft, thresholds=thresholds)).faults


def test_too_many_sums_are_refused_at_once() -> None:
    """Without going through the 2^27 steps from case to case before."""
    proof = certify(compile(one_gate("and", MOST_CASES)))
    assert "too many different sums" in str(proof)
    assert certify(compile(one_gate("and", MOST_CASES // 4))).ok


def test_cases_are_few() -> None:
    """An AND of k inputs has k + 1 cases, and so has a XOR, not 2^k."""
    for kind in ("and", "xor"):
        soft = compile(one_gate(kind, 12))
        assert isinstance(soft, SoftCircuit)
        (step,) = plan(soft.units).steps
        assert step.cases.z.shape == (len(soft.units.gates[0].units), 13)
    assert cases_of.cache_info().currsize > 0


def netlist(name: str) -> Circuit:
    circuitgraph = pytest.importorskip("circuitgraph")
    from clearprop.circuits.formats.files import read

    return read(Path(circuitgraph.__file__).parent / "netlists" / f"{name}.v")


def with_larger_xor(circuit: Circuit) -> Circuit:
    """Each XOR of two as (a ∨ b) ∧ ¬(a ∧ b): units [a + b ≥ 1], [a + b ≥ 2], and their difference,
    three where ours has two."""
    cells = []
    for cell in circuit.cells:
        if cell.kind == "xor":
            some, both = f"{cell.output} some", f"{cell.output} both"
            cells += [Cell(some, "or", cell.inputs), Cell(both, "nand", cell.inputs)]
            cells.append(Cell(cell.output, "and", (some, both)))
        else:
            cells.append(cell)
    return Circuit(circuit.inputs, circuit.outputs, tuple(cells), circuit.name)


def test_real_circuits_are_certified_close_to_what_is_measured() -> None:
    c432, adder = netlist("c432"), netlist("adder")
    for circuit, units, of_outputs, of_all in (
        (with_larger_xor(c432), 175, 0.0364, 0.0408),
        (c432, 157, 0.0364, 0.0416),
        (adder, 1020, 0.0253, 0.0257),
    ):
        soft = compile(circuit, gain=8)
        proof = certify(soft, vectors=1024)
        assert soft.n_units == units
        assert proof.ok
        assert proof.error == pytest.approx(of_outputs, abs=6e-5)
        assert proof.worst_error == pytest.approx(of_all, abs=6e-5)
        assert proof.measured_wrong == 0
        assert proof.measured_error is not None
        assert 0.88 * proof.error < proof.measured_error.max() <= proof.error


def test_a_real_circuit_multiplies_in_float32() -> None:
    circuit = netlist("c6288")
    soft = compile(circuit, gain=minimum_gain(circuit, dtype="float32"), dtype="float32")
    bits = np.random.default_rng(0).random((1024, 32)) < 0.5
    y = soft.predict(bits)
    y[:, [30, 31]] = y[:, [31, 30]]  # swapped in the file
    powers = 2 ** np.arange(32)
    np.testing.assert_array_equal(
        (bits[:, :16] @ powers[:16]) * (bits[:, 16:] @ powers[:16]), y @ powers
    )
