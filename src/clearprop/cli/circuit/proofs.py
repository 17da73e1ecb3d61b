"""`clearprop circuit certify`, `equal` and `threshold`: proofs about circuits."""

from __future__ import annotations

import argparse
import math
from dataclasses import replace
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.circuits.gates import all_bits
from clearprop.circuits.netlist import Circuit, CircuitError
from clearprop.circuits.proofs.equivalence import MOST_INPUTS, Proof, equivalent
from clearprop.circuits.soft.certificate import Certificate, minimum_gain
from clearprop.circuits.soft.circuit import compile
from clearprop.circuits.synthesis.separability import Verdict
from clearprop.circuits.synthesis.separability import threshold as find_neuron
from clearprop.cli.circuit.look import GAIN
from clearprop.cli.circuit.source import (
    Source,
    from_argument,
    from_expression,
    read_source,
    table_of,
)
from clearprop.cli.output import UsageError, print_json, print_table, printable

MOST_ROWS = 8  # of outputs, in a table
MOST_THRESHOLD_INPUTS = 16


def certify(arguments: argparse.Namespace) -> int:
    """Run the command; 0 when the circuit is certified, else 1."""
    source = read_source(arguments)
    circuit, wanted = source.circuit, arguments.error or 0.5
    if not source.file:
        circuit = replace(circuit, name="the circuit")
    why, least = "", None
    try:
        least = minimum_gain(circuit, wanted, arguments.dtype)
    except ValueError as error:  # the rounding errors are larger
        why = str(error)
    chosen = least if arguments.error is not None else None
    gain = arguments.gain or chosen or GAIN
    soft = compile(circuit, gain, arguments.dtype)
    found = soft.certify(input_error=arguments.input_error, vectors=arguments.vectors)
    ok = found.ok and found.error <= wanted
    if arguments.json:
        print_json(_certificate(found, ok, wanted, least))
        return 0 if ok else 1
    for line in str(found).split("\n"):
        print(printable(line))
    if found.ok and not ok:
        print(f"This is more than the error that was asked for, {wanted:g}.")
    needed = "right for every input" if wanted == 0.5 else f"within {wanted:g} of its bit"
    where = f" in {arguments.dtype}" + (" with exact inputs" if arguments.input_error else "")
    if least is not None:
        print(f"The least gain certified to make every output {needed}: {_up(least)}{where}.")
    else:
        print(printable(f"{why[:1].upper()}{why[1:]}."))
    if circuit.outputs and found.ok:
        print()
        _show_outputs(found)
    return 0 if ok else 1


def _up(gain: float) -> str:
    """A gain with four digits, rounded up: what is certified at one gain is so at larger ones."""
    unit = 10.0 ** (math.floor(math.log10(gain)) - 3)
    return f"{math.ceil(gain / unit) * unit:.4g}"


def _show_outputs(found: Certificate) -> None:
    """Certified and measured error of the outputs, the largest first."""
    names = found.circuit.outputs
    order = np.argsort(-found.certified_error, kind="stable")[:MOST_ROWS]
    measured = found.measured_error
    which = "" if len(names) <= MOST_ROWS else f"the {MOST_ROWS} largest of {len(names):,} outputs"
    print_table(
        ("output", "certified error", "measured"),
        [
            (names[k], float(found.certified_error[k]), None if measured is None else measured[k])
            for k in order
        ],
        title=which,
    )


def _certificate(
    found: Certificate, ok: bool, wanted: float, least: float | None
) -> dict[str, Any]:
    outputs = found.circuit.outputs
    measured = found.measured_error
    return {
        "name": found.circuit.name,
        "certified": ok,
        "gain": found.gain,
        "dtype": found.dtype,
        "input_error": found.input_error,
        "asked_error": wanted,
        "certified_error": found.error,
        "worst_neuron": found.worst,
        "worst_neuron_error": found.worst_error,
        "faults": found.faults,
        "least_gain": least,
        "measured_error": None if measured is None else float(measured.max(initial=0.0)),
        "measured_wrong_bits": found.measured_wrong,
        "measured_inputs": found.n_measured,
        "outputs": [
            {
                "output": name,
                "certified_error": float(found.certified_error[k]),
                "measured_error": None if measured is None else float(measured[k]),
            }
            for k, name in enumerate(outputs)
        ],
    }


# ---- equal ---------------------------------------------------------------------------------------


def equal(arguments: argparse.Namespace) -> int:
    """Run the command; 0 when the circuits are equal, 1 when they differ or nothing is proved."""
    sources = [from_argument(given, arguments.format) for given in arguments.circuits]
    sources += [from_expression(text) for text in arguments.expression]
    if len(sources) != 2:
        raise UsageError(
            f"give two circuits to compare, by CIRCUIT or --expression; got {len(sources)}"
        )
    a, b = sources
    if not arguments.by_order:
        a, b = _same_inputs(a, b), _same_inputs(b, a)
    n = len(a.circuit.inputs)
    if arguments.method == "exhaustive" and n > MOST_INPUTS:
        raise UsageError(f"--method exhaustive allows at most {MOST_INPUTS} inputs; got {n}")
    try:
        proof = equivalent(
            replace(a.circuit, name=a.given),
            replace(b.circuit, name=b.given),
            match="order" if arguments.by_order else "name",
            method=arguments.method,
            time_limit=arguments.time_limit,
        )
    except CircuitError as error:
        message = str(error).replace("match='order' pairs", "--by-order pairs")
        raise UsageError(message) from None
    values = _values(a.circuit, b.circuit, proof, arguments.by_order)
    if arguments.json:
        print_json(
            {
                "verdict": proof.verdict,
                "method": proof.method,
                "reason": proof.reason,
                "counterexample": proof.counterexample,
                "outputs": [{"output": y, "first": u, "second": v} for y, u, v in values],
                "seconds": proof.seconds,
            }
        )
    else:
        _show_proof(a, b, proof, values)
    return 0 if proof.equal else 1


def _same_inputs(source: Source, other: Source) -> Source:
    """An expression, with the other circuit's inputs that it does not read, as in a | a & b."""
    circuit = source.circuit
    more = [net for net in other.circuit.inputs if net not in set(circuit.nets)]
    if not source.expression or not more:
        return source
    wider = Circuit((*circuit.inputs, *more), circuit.outputs, circuit.cells, circuit.name)
    return Source(wider, source.given, expression=True)


def _values(a: Circuit, b: Circuit, proof: Proof, by_order: bool) -> list[tuple[str, int, int]]:
    """The outputs that differ for the counterexample, with both values."""
    if proof.counterexample is None:
        return []
    bits = proof.counterexample
    row = np.array([list(bits.values())], bool)
    y_a = a.evaluate(row)[0]
    y_b = b.evaluate(row if by_order else np.array([[bits[net] for net in b.inputs]], bool))[0]
    pairs = range(len(a.outputs)) if by_order else [b.outputs.index(net) for net in a.outputs]
    rows = [(a.outputs[k], int(y_a[k]), int(y_b[j])) for k, j in enumerate(pairs)]
    return [row for row in rows if row[1] != row[2]]


def _show_proof(a: Source, b: Source, proof: Proof, values: list[tuple[str, int, int]]) -> None:
    how = f"{proof.method}, {proof.seconds:.2g} s"
    if proof.equal:
        by = f"proved by a SAT solver, {proof.seconds:.2g} s" if proof.method == "SAT" else how
        print(printable(f"equal for all inputs ({by})"))
        return
    if proof.counterexample is None:
        print(printable(f"unknown: {proof.reason} ({how})"))
        return
    print(printable(f"different ({how})"))
    bits = proof.counterexample
    if len(bits) <= 40:
        print(printable("for " + " ".join(f"{net}={bit}" for net, bit in bits.items())))
    else:
        ones = [net for net, bit in bits.items() if bit]
        print(printable(f"with 1 at {' '.join(ones) or 'no input'} and 0 at all other inputs"))
    rest = len(values) - MOST_ROWS
    print_table(
        ("output", "first", "second"),
        values[:MOST_ROWS],
        title="" if rest <= 0 else f"{MOST_ROWS} of {len(values):,} outputs that differ",
    )


# ---- threshold -----------------------------------------------------------------------------------


def threshold(arguments: argparse.Namespace) -> int:
    """Run the command; 0 when one neuron is enough for each output, else 1."""
    source = read_source(arguments)
    table = table_of(source, MOST_THRESHOLD_INPUTS)
    inputs, outputs = source.circuit.inputs, source.circuit.outputs
    verdicts = [find_neuron(column) for column in table.T]
    ok = all(bool(verdict) for verdict in verdicts)
    if arguments.json:
        print_json(
            {
                "inputs": inputs,
                "one_neuron": ok,
                "outputs": [
                    {"output": y, **_verdict(v)} for y, v in zip(outputs, verdicts, strict=True)
                ],
            }
        )
        return 0 if ok else 1
    for y, column, verdict in zip(outputs, table.T, verdicts, strict=True):
        if len(outputs) > 1:
            print(printable(f"{y}:"))
        for line in verdict.explain(inputs).split("\n"):
            print(f"{'  ' if line.startswith('  ') else ''}{printable(line)}")
        if (column < 0).any() and verdict:
            print(_filled(column, verdict))
    return 0 if ok else 1


def _filled(column: Array, verdict: Verdict) -> str:
    """The neuron's whole truth table, for a table in which some rows do not matter."""
    assert verdict.neuron is not None
    x = all_bits(verdict.n_inputs).astype(int)
    y = x @ np.array(verdict.neuron.weights, int) >= verdict.neuron.threshold
    return f"Its truth table: {''.join(str(int(bit)) for bit in y)}."


def _verdict(verdict: Verdict) -> dict[str, Any]:
    if verdict.neuron is not None:
        return {
            "one_neuron": True,
            "weights": verdict.neuron.weights,
            "threshold": verdict.neuron.threshold,
            "bias": verdict.neuron.bias,
            "margin": verdict.margin,
            "minimal": verdict.minimal,
        }
    assert verdict.contradiction is not None
    sides = {"true_rows": verdict.contradiction.true_rows}
    sides |= {"false_rows": verdict.contradiction.false_rows}
    n = verdict.n_inputs
    return {
        "one_neuron": False,
        "contradiction": {
            name: [{"row": f"{row:0{n}b}", "times": times} for row, times in rows]
            for name, rows in sides.items()
        },
    }
