"""`clearprop circuit gate`, `show` and `draw`: print or draw gates and circuits."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.circuits.drawing.diagram import MOST_CELLS
from clearprop.circuits.drawing.diagram import draw as draw_svg
from clearprop.circuits.gates import GATES, Gate, find_kind
from clearprop.circuits.gates import gate as find_gate
from clearprop.circuits.netlist import Circuit, CircuitError
from clearprop.circuits.soft.circuit import SoftCircuit, compile
from clearprop.cli.circuit.source import check_folder, counted, listed, put, read_source
from clearprop.cli.output import UsageError, note, print_json, print_table, printable

GAIN = 8.0
LECTURE_GAIN = 10.0
MOST_INPUTS = 10  # of a truth table that is shown


def gate(arguments: argparse.Namespace) -> int:
    """Run the command; 0 when the gate is shown."""
    if arguments.kind is None:
        return _list(arguments)
    found = _gate(arguments.kind.lower(), arguments.arity)
    gain = arguments.gain or LECTURE_GAIN
    rows = found.truth_table
    soft = found.evaluate(rows[:, : found.arity], gain=gain)
    if arguments.json:
        neurons = [
            {"weights": n.weights, "bias": n.bias, "threshold": n.threshold} for n in found.neurons
        ]
        print_json(
            {
                "kind": found.kind,
                "inputs": found.inputs,
                "outputs": found.outputs,
                "neurons": neurons,
                "output_neurons": found.output_neurons,
                "margin": found.margin,
                "gain": gain,
                "truth_table": rows,
                "soft": soft,
            }
        )
        return 0
    print(
        f"{found.kind} of {counted(found.arity, 'input')}: {counted(len(found.neurons), 'neuron')}"
    )
    for line in _formulas(found):
        print(f"  {line}")
    print(f"gain g = {gain:g}; for bits, each ( ) is at least {found.margin:g} away from 0")
    print()
    _show_rows(found.inputs, found.outputs, rows, soft)
    return 0


def _show_rows(inputs: Sequence[str], outputs: Sequence[str], rows: Array, soft: Array) -> None:
    """A truth table with soft outputs. rows: (N, inputs + outputs) bits; soft: (N, outputs)."""
    n = len(inputs)
    cells = []
    for row, values in zip(rows.astype(int), soft, strict=True):
        pairs = zip(row[n:], values, strict=True)
        cells.append(
            (*map(str, row[:n]), *(cell for y, h in pairs for cell in (str(y), f"{h:.6f}")))
        )
    heads = [head for y in outputs for head in (y, f"soft {y}")]
    print_table((*inputs, *heads), cells, left=0)


def _gate(kind: str, arity: int | None) -> Gate:
    try:
        row = find_kind(kind)
        if arity is None:
            arity = next(k for k in (2, 3, row.least) if row.allows(k))
        if arity > MOST_INPUTS and row.allows(arity):
            raise UsageError(f"a table is shown for at most {MOST_INPUTS} inputs; got {arity}")
        return find_gate(kind, arity)
    except UsageError:
        raise
    except ValueError as error:
        raise UsageError(str(error)) from None


def _formulas(gate: Gate) -> list[str]:
    """Each neuron's z = w·x + b as text; inner neurons are called h1, h2, …"""
    names = list(gate.inputs)
    lines = []
    for i, neuron in enumerate(gate.neurons):
        if i in gate.output_neurons:
            name = gate.outputs[gate.output_neurons.index(i)]
        else:
            name = f"h{i + 1}"
        terms = [
            f"{'-' if w < 0 else '+'} {'' if abs(w) == 1 else f'{abs(w)} '}{source}"
            for w, source in zip(neuron.weights, names, strict=False)
            if w
        ]
        text = " ".join([*terms, f"{'-' if neuron.bias < 0 else '+'} {abs(neuron.bias):g}"])
        text = f"-{text[2:]}" if text[0] == "-" else text.removeprefix("+ ")
        lines.append(f"{name} = σ(g ({text}))")
        names.append(name)
    return lines


def _list(arguments: argparse.Namespace) -> int:
    kinds = {kind: row.arities() for kind, row in GATES.items()} | {"at_least_<t>": "t or more"}
    if arguments.json:
        print_json({"kinds": kinds})
    else:
        print_table(("kind", "inputs"), list(kinds.items()), left=2)
    return 0


def show(arguments: argparse.Namespace) -> int:
    """Run the command; 0 when the circuit is shown."""
    source = read_source(arguments)
    circuit = source.circuit
    named = circuit if source.file else replace(circuit, name="the circuit")
    soft = compile(named, arguments.gain or GAIN)
    n = len(circuit.inputs)
    if arguments.table and n > MOST_INPUTS:
        raise UsageError(f"--table is for at most {MOST_INPUTS} inputs; {source.given} has {n}")
    kinds = dict(Counter(cell.kind for cell in circuit.cells).most_common())
    if arguments.json:
        print_json(_document(circuit, soft, kinds, arguments.table))
        return 0
    rows = [
        ("inputs", counted(n, "net"), listed(circuit.inputs)),
        ("outputs", counted(len(circuit.outputs), "net"), listed(circuit.outputs)),
        ("gates", counted(len(circuit.cells), "gate"), _in_words(kinds)),
        (
            "depth",
            counted(circuit.depth, "gate"),
            f"at most {counted(circuit.fan_in, 'input')} each",
        ),
        (
            "as neurons",
            counted(soft.n_units, "neuron"),
            f"{counted(soft.n_levels, 'level')}, {counted(soft.units.weights.nnz, 'weight')}",
        ),
    ]
    if source.table is not None:
        print(f"truth table {source.given}, as a sum of products")
    else:
        print(printable(source.given if source.expression else f"{source.given}: {circuit.name}"))
    width = max(len(number) for _, number, _ in rows)
    for head, number, text in rows:
        print(f"  {head:<10}  {number:<{width}}  {printable(text)}".rstrip())
    if source.table is not None and (source.table < 0).any():
        note(
            "rows that do not matter (x) became 0 or 1, whichever makes the circuit smaller",
            arguments.quiet,
        )
    if arguments.table:
        print()
        _show_table(soft)
    return 0


def _show_table(soft: SoftCircuit) -> None:
    circuit, certificate = soft.circuit, soft.certify()
    n, rows = len(circuit.inputs), circuit.truth_table()
    h = soft.evaluate(rows[:, :n])
    _show_rows(circuit.inputs, circuit.outputs, rows, h)
    off = np.abs(h - rows[:, n:]).max(axis=0, initial=0.0)
    bounds = zip(circuit.outputs, off, certificate.certified_error, strict=True)
    print_table(
        ("output", "off by at most", "certified"),
        [(y, f"{worst:.6f}", f"{bound:.6f}") for y, worst, bound in bounds],
    )
    print(printable(str(certificate)))


def _in_words(kinds: dict[str, int]) -> str:
    return ", ".join(f"{n:,} {kind}" for kind, n in kinds.items())


def _document(
    circuit: Circuit, soft: SoftCircuit, kinds: dict[str, int], table: bool
) -> dict[str, Any]:
    document: dict[str, Any] = {
        "name": circuit.name,
        "inputs": circuit.inputs,
        "outputs": circuit.outputs,
        "cells": len(circuit.cells),
        "kinds": kinds,
        "depth": circuit.depth,
        "fan_in": circuit.fan_in,
        "neurons": soft.n_units,
        "levels": soft.n_levels,
        "weights": soft.units.weights.nnz,
    }
    if table:
        rows = circuit.truth_table()
        certificate = soft.certify()
        document |= {
            "gain": soft.gain,
            "truth_table": rows,
            "soft": soft.evaluate(rows[:, : len(circuit.inputs)]),
            "certified": certificate.ok,
            "certified_error": certificate.certified_error,
        }
    return document


def draw(arguments: argparse.Namespace) -> int:
    """Run the command; 0 when the picture is written."""
    source = read_source(arguments)
    circuit, bits, path = source.circuit, arguments.bits, arguments.output
    if arguments.cone is not None:
        circuit = _cone(circuit, arguments.cone)
    if bits is None and (arguments.gain is not None or arguments.hard):
        raise UsageError("--gain and --hard need --bits, whose values they change")
    if arguments.hard and arguments.gain is not None:
        raise UsageError("--hard and --gain exclude each other")
    if bits is not None and len(bits) != len(circuit.inputs):
        given, n = counted(len(bits), "digit"), counted(len(circuit.inputs), "input")
        raise UsageError(f"--bits has {given} for {n}: {listed(circuit.inputs)}")
    if path != "-":
        check_folder(path, arguments.circuit)
    soft = bits is not None and not arguments.hard
    if len(circuit.cells) > MOST_CELLS:
        raise UsageError(
            f"{circuit.name} has {len(circuit.cells):,} gates; at most {MOST_CELLS} can be drawn: "
            "--cone NET draws only what a net depends on"
        )
    svg = draw_svg(compile(circuit, arguments.gain or GAIN) if soft else circuit, bits)
    if arguments.json:
        if path != "-":
            put(svg, path)
        shown = {"svg": svg} if path == "-" else {}
        print_json({"name": circuit.name, "output": path, "bits": bits, **shown})
        return 0
    put(svg, path)
    if path != "-":
        print(printable(f"{circuit.name} is drawn in {path}"))
    return 0


def _cone(circuit: Circuit, nets: Sequence[str]) -> Circuit:
    """The part that the nets depend on, without other inputs; UsageError for an unknown net."""
    try:
        cone = circuit.cone(nets)
    except CircuitError as error:
        raise UsageError(f"--cone: {error}") from None
    read = {*nets, *(net for cell in cone.cells for net in cell.inputs)}
    return replace(cone, inputs=tuple(net for net in cone.inputs if net in read))
