"""The document of the circuits station, and the Python code that prints its numbers."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.activations import sigmoid
from clearprop.circuits import (
    Cell,
    Circuit,
    Gate,
    compile,
    draw,
    least_gain,
    minimise,
    minimum_gain,
    network_error,
    sum_of_products,
    threshold,
)
from clearprop.circuits.drawing.diagram import net_values
from clearprop.circuits.gates import all_bits
from clearprop.circuits.soft.folding import Units
from clearprop.playground.code import listed
from clearprop.playground.parts import Part, document
from clearprop.playground.stations.circuits import MOST_TABLE, Circuits, allowed_arities, padded

EDGES = -0.5, 1.5  # of the pictures of a plane
GRID = 41
NO_GAIN = 1e-6  # below this, any gain is enough
# Kinds with two outputs, as cells with one output each and the same neurons.
ADDERS = {"half_adder": ("xor", "and"), "full_adder": ("xor", "majority")}


def view(settings: Circuits) -> dict[str, Any]:
    """The gate with its truth table, one neuron for a table, a hidden layer for it, the circuit."""
    return document(
        [
            "from clearprop import circuits",
            "from clearprop.circuits.drawing.diagram import net_values",
            "from clearprop.circuits.gates import all_bits",
        ],
        [_gate(settings), _neuron(settings), _hidden(settings), _circuit(settings)],
    )


def circuit_of(gate: Gate) -> Circuit:
    """The gate as a circuit, for a certificate."""
    kinds = ADDERS.get(gate.kind, (gate.kind,))
    cells = tuple(
        Cell(output, kind, gate.inputs) for output, kind in zip(gate.outputs, kinds, strict=True)
    )
    return Circuit(gate.inputs, gate.outputs, cells, gate.kind)


# ---- a gate --------------------------------------------------------------------------------------


def _gate(settings: Circuits) -> Part:
    gate, g = settings.the_gate(), settings.gain
    x = padded(settings.x, gate.arity)
    wires: list[float] = [float(bit) for bit in x]
    z, h = [], []
    for neuron in gate.neurons:
        z.append(g * (float(np.dot(neuron.weights, wires)) + neuron.bias))
        h.append(float(sigmoid(np.float64(z[-1]))))
        wires.append(h[-1])
    bits = all_bits(gate.arity)
    soft, hard = gate.evaluate(bits, g), gate.truth_table[:, gate.arity :]
    circuit = circuit_of(gate)
    certificate = compile(circuit, g).certify(input_error=settings.epsilon)
    norm = max(1, *(sum(map(abs, n.weights)) for n in gate.neurons))
    needed = minimum_gain(circuit)
    numbers: dict[str, Any] = {
        "gate_x": x,
        **{f"gate_w{j}": n.weights for j, n in enumerate(gate.neurons, 1)},
        "gate_b": [n.bias for n in gate.neurons],
        "gate_z": z,
        "gate_h": h,
        "gate_slope": [a * (1 - a) for a in h],
        "gate_y": [h[j] for j in gate.output_neurons],
        "truth_soft": soft,
        "truth_hard": hard,
        "truth_error": np.abs(soft - hard),
        "gate_measured": np.abs(soft - hard).max(axis=0),
        "gate_certified": certificate.certified_error,
        "gate_norm": norm,
        "gate_least_gain": least_gain(norm),
    }
    shown = {
        "gate_x": "x",
        **{f"gate_w{j}": f"gate.neurons[{j - 1}].weights" for j in range(1, len(z) + 1)},
        "gate_b": "[neuron.bias for neuron in gate.neurons]",
        "gate_z": "z",
        "gate_h": "h",
        "gate_slope": "[a * (1 - a) for a in h]",
        "gate_y": "[h[j] for j in gate.output_neurons]",
        "truth_soft": "soft",
        "truth_hard": "hard",
        "truth_error": "np.abs(soft - hard)",
        "gate_measured": "np.abs(soft - hard).max(axis=0)",
        "gate_certified": (
            f"circuits.compile(circuit, g).certify(input_error={settings.epsilon!r})"
            ".certified_error"
        ),
        "gate_norm": "norm",
        "gate_least_gain": "circuits.least_gain(norm)",
    }
    if needed > NO_GAIN:
        numbers["gate_minimum_gain"] = needed
        shown["gate_minimum_gain"] = "circuits.minimum_gain(circuit)"
    cells = ", ".join(
        f"circuits.Cell({cell.output!r}, {cell.kind!r}, gate.inputs)" for cell in circuit.cells
    )
    lines = [
        f"gate, g = circuits.gate({settings.kind!r}, {settings.arity}), {g!r}",
        f"x = {listed(x)}",
        "wires, z, h = [*x], [], []",
        "for neuron in gate.neurons:",
        "    z.append(g * (np.dot(neuron.weights, wires) + neuron.bias))",
        "    h.append(cp.sigmoid(z[-1]))",
        "    wires.append(h[-1])",
        "soft = gate.evaluate(all_bits(gate.arity), g)",
        "hard = gate.truth_table[:, gate.arity:]",
        f"circuit = circuits.Circuit(gate.inputs, gate.outputs, ({cells},))",
        "norm = max(1, *(sum(map(abs, neuron.weights)) for neuron in gate.neurons))",
    ]
    drawn = {
        "gate": {
            "inputs": gate.inputs,
            "outputs": gate.outputs,
            "output_neurons": gate.output_neurons,
            "arities": allowed_arities(settings),
            "rows": bits.astype(int),
            "row": sum(bit << (gate.arity - 1 - i) for i, bit in enumerate(x)),
            "certified": certificate.ok,
        }
    }
    return Part(numbers, lines, shown, drawn)


# ---- one neuron, and a hidden layer --------------------------------------------------------------


def _neuron(settings: Circuits) -> Part:
    table, g, w, b = settings.table, settings.gain, np.array(settings.w), settings.b
    n = len(w)
    bits = all_bits(n)
    verdict = threshold(table)
    z = bits @ w + b
    numbers: dict[str, Any] = {
        "table": table,
        "try_z": z,
        "try_h": sigmoid(g * z),
        "try_wrong": int(((z > 0) != np.array(table)).sum()),
        "one_possible": int(bool(verdict)),
    }
    lines = [
        f"table, g = {listed(table)}, {g!r}",
        f"w, b = np.array({listed(settings.w)}), {b!r}",
        f"bits = all_bits({n})",
        "z = bits @ w + b",
        "verdict = circuits.threshold(table)",
    ]
    shown = {
        "table": "table",
        "try_z": "z",
        "try_h": "cp.sigmoid(g * z)",
        "try_wrong": "((z > 0) != np.array(table)).sum()",
        "one_possible": "int(bool(verdict))",
    }
    if verdict.neuron is not None:
        numbers |= {
            "one_w": verdict.neuron.weights,
            "one_b": verdict.neuron.bias,
            "one_margin": verdict.margin,
        }
        shown |= {
            "one_w": "verdict.neuron.weights",
            "one_b": "verdict.neuron.bias",
            "one_margin": "verdict.margin",
        }
    rows: dict[str, list[tuple[int, int]]] = {"true": [], "false": []}
    if (found := verdict.contradiction) is not None:
        rows = {"true": list(found.true_rows), "false": list(found.false_rows)}
        numbers["contradiction_total"] = found.total
        shown["contradiction_total"] = "against.total"
        lines.append("against = verdict.contradiction")
        for side, counted in rows.items():
            numbers[f"contradiction_{side}"] = [
                [times, *bits[row].astype(int)] for row, times in counted
            ]
            numbers[f"contradiction_{side}_z"] = [z[row] for row, _ in counted]
            numbers[f"contradiction_{side}_sum"] = sum(times * z[row] for row, times in counted)
            of = f"for row, times in against.{side}_rows"
            shown |= {
                f"contradiction_{side}": f"[[times, *bits[row].astype(int)] {of}]",
                f"contradiction_{side}_z": f"[z[row] {of}]",
                f"contradiction_{side}_sum": f"sum(times * z[row] {of})",
            }
    drawn = {
        "one": {"rows": bits.astype(int), **rows, "plane": _plane(w, b, g) if n == 2 else None}
    }
    return Part(numbers, lines, shown, drawn)


def _hidden(settings: Circuits) -> Part:
    """AND units for the cubes of the table, one unit for their OR: two layers."""
    table, g = settings.table, settings.gain
    n = len(settings.w)
    inputs = [f"x{i + 1}" for i in range(n)]
    soft = compile(sum_of_products(inputs, {"y": minimise(table)}), g)
    net = soft.to_network()
    bits = all_bits(n).astype(np.float64)
    trace = net.forward(bits)
    levels = range(1, len(net.W) + 1)
    numbers: dict[str, Any] = {
        **{f"hidden_W{level}": net.W[level - 1] for level in levels},
        **{f"hidden_b{level}": net.b[level - 1] for level in levels},
        **{f"hidden_h{level}": trace.h[level] for level in levels[:-1]},
        "hidden_y": trace.y_hat[:, 0],
        "hidden_error": np.abs(trace.y_hat[:, 0] - table).max(),
        "hidden_certified": network_error(soft),
    }
    lines = [
        f"table, bits = {listed(table)}, all_bits({n}).astype(float)",
        f"circuit = circuits.sum_of_products({inputs!r}, {{'y': circuits.minimise(table)}})",
        f"soft = circuits.compile(circuit, {g!r})",
        "net = soft.to_network()",
        "trace = net.forward(bits)",
        "y_hat = trace.y_hat[:, 0]",
        "certified = circuits.network_error(soft)",
    ]
    shown = {
        **{f"hidden_W{level}": f"net.W[{level - 1}]" for level in levels},
        **{f"hidden_b{level}": f"net.b[{level - 1}]" for level in levels},
        **{f"hidden_h{level}": f"trace.h[{level}]" for level in levels[:-1]},
        "hidden_y": "y_hat",
        "hidden_error": "np.abs(y_hat - table).max()",
        "hidden_certified": "certified",
    }
    space = None
    if len(levels) == 2 and net.W[0].shape == (2, 2):
        space = _plane(net.W[1][0], float(net.b[1][0]), 1.0)
    return Part(numbers, lines, shown, {"hidden": {"sizes": net.sizes, "space": space}})


def _plane(w: Array, b: float, g: float) -> dict[str, Any]:
    """σ(g (w·x + b)) on a square, and where it is ½: the ends of the line, or none."""
    low, high = EDGES
    axis = np.linspace(low, high, GRID)
    x1, x2 = np.meshgrid(axis, axis)
    ends = []
    for i, other in ((0, 1), (1, 0)):
        for at in EDGES:
            if w[other]:
                there = -(b + w[i] * at) / w[other]
                if low <= there <= high:
                    ends.append((at, there) if i == 0 else (there, at))
    distinct = sorted({(round(a, 9), round(c, 9)) for a, c in ends})
    line = [distinct[0], distinct[-1]] if len(distinct) > 1 else None
    h = sigmoid(g * (w[0] * x1 + w[1] * x2 + b))
    return {"low": low, "high": high, "h": h.round(4), "line": line}


# ---- a circuit -----------------------------------------------------------------------------------


def _own_units(units: Units, i: int) -> list[int]:
    """The units of a cell, from 0; if it has none, those of the output that it is."""
    gates = units.gates
    net = gates[i].name
    outputs = gates[len(units.circuit.cells) :]
    own = gates[i].units or next((g.units for g in outputs if g.name == net), ())
    return [unit - units.n_inputs for unit in own]


def _circuit(settings: Circuits) -> Part:
    circuit, g = settings.circuit(), settings.gain
    n = len(circuit.inputs)
    bits = padded(settings.bits, n)
    soft = compile(circuit, g)
    certificate = soft.certify(input_error=settings.epsilon)
    norm = max(1.0, float(abs(soft.units.weights).sum(axis=1).max()))
    needed = minimum_gain(circuit)
    numbers: dict[str, Any] = {
        "circuit_bits": bits,
        "circuit_wires": list(net_values(soft, bits).values()),
        "circuit_soft": soft.evaluate([bits])[0],
        "circuit_wanted": circuit.evaluate([bits])[0].astype(int),
        "circuit_certified": certificate.certified_error,
        "circuit_units": soft.n_units,
        "circuit_levels": soft.n_levels,
        "circuit_norm": norm,
        "circuit_least_gain": least_gain(norm),
        "circuit_W": soft.units.weights.toarray(),
        "circuit_b": 0.5 - soft.units.thresholds,
        "circuit_unit_errors": certificate.unit_errors,
    }
    lines = [
        f"circuit = circuits.parse({settings.expression!r})",
        f"bits = {listed(bits)}",
        f"soft = circuits.compile(circuit, {g!r})",
        "norm = max(1.0, abs(soft.units.weights).sum(axis=1).max())",
    ]
    shown = {
        "circuit_bits": "bits",
        "circuit_wires": "list(net_values(soft, bits).values())",
        "circuit_soft": "soft.evaluate([bits])[0]",
        "circuit_wanted": "circuit.evaluate([bits])[0].astype(int)",
        "circuit_certified": f"soft.certify(input_error={settings.epsilon!r}).certified_error",
        "circuit_units": "soft.n_units",
        "circuit_levels": "soft.n_levels",
        "circuit_norm": "norm",
        "circuit_least_gain": "circuits.least_gain(norm)",
        "circuit_W": "soft.units.weights.toarray()",
        "circuit_b": "0.5 - soft.units.thresholds",
        "circuit_unit_errors": (f"soft.certify(input_error={settings.epsilon!r}).unit_errors"),
    }
    if needed > NO_GAIN:
        numbers["circuit_minimum_gain"] = needed
        shown["circuit_minimum_gain"] = "circuits.minimum_gain(circuit)"
    rows = None
    if n <= MOST_TABLE:
        numbers["circuit_table"] = soft.evaluate(all_bits(n))
        shown["circuit_table"] = f"soft.evaluate(all_bits({n}))"
        rows = all_bits(n).astype(int)
    # the page has the picture's style in its own sheet: none may stand in the document
    picture = re.sub(r"<style>.*?</style>", "", draw(soft, bits), flags=re.DOTALL)
    drawn = {
        "circuit": {
            "inputs": circuit.inputs,
            "outputs": circuit.outputs,
            "nets": circuit.nets,
            "cells": [dataclasses.asdict(cell) for cell in circuit.cells],
            "sources": [*circuit.inputs, *soft.units.names],
            "units": [_own_units(soft.units, i) for i in range(len(circuit.cells))],
            "rows": rows,
            "row": sum(bit << (n - 1 - i) for i, bit in enumerate(bits)),
            "certified": certificate.ok,
            "picture": picture,
        }
    }
    return Part(numbers, lines, shown, drawn)
