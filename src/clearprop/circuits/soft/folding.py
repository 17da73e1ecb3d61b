"""A circuit's gates as units with integer weights: what `compile` does before a gain is chosen.

A net is a wire: the signal of an input or of a unit, perhaps negated, or a constant. A neuron that
reads a negated wire ¬s with weight w has the weight −w on s, since w (1 − s) = w − w s; a constant
1 lowers the threshold. A neuron that is then constant, or that copies or negates its only input,
becomes a wire instead of a unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy import sparse

from clearprop._typing import Array
from clearprop.circuits.gates import Neuron, find_kind
from clearprop.circuits.netlist import Circuit

CONSTANT = -1  # the source of a wire that carries a constant


class Wire(NamedTuple):
    """Where a signal comes from. source: the number of an input of the circuit (0 … n_inputs − 1)
    or of a unit (from n_inputs on), or CONSTANT for 0. negated: whether the wire is 1 − source."""

    source: int
    negated: bool


@dataclass(frozen=True)
class SoftGate:
    """A gate and the units that compute it.

    name: its net. output: the wire that carries the net; it may belong to another gate's unit.
    units: the sources of its units, in the order of evaluation.
    """

    name: str
    kind: str
    inputs: tuple[Wire, ...]
    output: Wire
    units: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Units:
    """The units of a circuit, level by level.

    A source is an input of the circuit or a unit; the inputs have the first numbers.

    names: the net of each unit, or "net.1" for an inner neuron of the gate that drives the net.
    weights: integers (n_units, n_inputs + n_units), sparse. thresholds: integers (n_units,).
    levels: (n_units,), in increasing order; a unit reads only units of lower levels. gates: one
    for each cell of the circuit, then one for each output, with their units. wires: for each net,
    the source that carries it, perhaps negated.
    """

    circuit: Circuit
    names: tuple[str, ...]
    weights: sparse.csr_array
    thresholds: Array
    levels: Array
    gates: tuple[SoftGate, ...]
    wires: dict[str, Wire]

    @property
    def n_inputs(self) -> int:
        """The number of inputs of the circuit."""
        return len(self.circuit.inputs)

    @property
    def n_units(self) -> int:
        """The number of units."""
        return len(self.names)

    @property
    def n_levels(self) -> int:
        """The greatest number of units on a path from an input."""
        return int(self.levels[-1]) if self.n_units else 0

    @property
    def outputs(self) -> tuple[int, ...]:
        """For each output of the circuit, its unit, counted from 0."""
        gates = self.gates[len(self.gates) - len(self.circuit.outputs) :]
        return tuple(gate.output.source - self.n_inputs for gate in gates)


class Folding:
    """Makes the units, one gate after another."""

    def __init__(self, n_inputs: int, taken: set[str]) -> None:
        self.n_inputs = n_inputs
        self.taken = taken
        self.names: list[str] = []
        self.rows: list[dict[int, int]] = []
        self.thresholds: list[int] = []
        self.levels = [0] * n_inputs
        self.gates: list[SoftGate] = []

    def gate(self, name: str, kind: str, inputs: tuple[Wire, ...]) -> Wire:
        """Add a gate, whose neurons become units unless they are wires; its output wire."""
        neurons = neurons_of(kind, len(inputs))
        wires = list(inputs)
        units = []
        for number, neuron in enumerate(neurons, start=1):
            row, threshold = fold(neuron, wires)
            wire = as_wire(row, threshold)
            if wire is None:
                last = number == len(neurons)
                wire = self.unit(name if last else self._inner(name, number), row, threshold)
                units.append(wire.source)
            wires.append(wire)
        self.gates.append(SoftGate(name, kind, inputs, wires[-1], tuple(units)))
        return wires[-1]

    def unit(self, name: str, row: dict[int, int], threshold: int) -> Wire:
        """Add a unit; its wire."""
        self.names.append(name)
        self.rows.append(row)
        self.thresholds.append(threshold)
        self.levels.append(1 + max((self.levels[source] for source in row), default=0))
        return Wire(self.n_inputs + len(self.names) - 1, False)

    def finish(self, circuit: Circuit, wires: dict[str, Wire]) -> Units:
        """The units in the order of their levels."""
        n = self.n_inputs
        levels = np.array(self.levels[n:], dtype=np.int64)
        order = np.argsort(levels, kind="stable")
        place = np.arange(n + len(order))  # the number of each source in the new order
        place[n + order] = n + np.arange(len(order))
        rows = [self.rows[i] for i in order]

        def moved(wire: Wire) -> Wire:
            return wire if wire.source < n else Wire(int(place[wire.source]), wire.negated)

        return Units(
            circuit,
            tuple(self.names[i] for i in order),
            as_csr([{int(place[s]): w for s, w in row.items()} for row in rows], n + len(rows)),
            np.array(self.thresholds, dtype=np.int64)[order],
            levels[order],
            tuple(
                SoftGate(
                    g.name,
                    g.kind,
                    tuple(moved(wire) for wire in g.inputs),
                    moved(g.output),
                    tuple(int(place[unit]) for unit in g.units),
                )
                for g in self.gates
            ),
            {net: moved(wire) for net, wire in wires.items()},
        )

    def _inner(self, name: str, number: int) -> str:
        inner = f"{name}.{number}"
        while inner in self.taken:
            inner += "'"
        self.taken.add(inner)
        return inner


def units_of(circuit: Circuit) -> Units:
    """The units of a circuit: of its cells, and one for each output that is not yet a unit."""
    folding = Folding(len(circuit.inputs), set(circuit.nets))
    wires = {net: Wire(i, False) for i, net in enumerate(circuit.inputs)}
    for cell in circuit.cells:
        inputs = tuple(wires[net] for net in cell.inputs)
        wires[cell.output] = folding.gate(cell.output, cell.kind, inputs)
    own: dict[Wire, Wire] = {}  # the units made for outputs; equal outputs share one
    for net in circuit.outputs:
        wire = wires[net]
        if (wire.negated or wire.source < len(circuit.inputs)) and wire not in own:
            own[wire] = folding.unit(net, *fold(Neuron((1,), 1), [wire]))
        units = (own[wire].source,) if wire in own else ()
        folding.gates.append(SoftGate(net, "buf", (wire,), own.get(wire, wire), units))
    return folding.finish(circuit, wires)


@lru_cache(maxsize=256)
def neurons_of(kind: str, arity: int) -> tuple[Neuron, ...]:
    """The neurons of a gate."""
    return find_kind(kind).neurons(arity)


def fold(neuron: Neuron, wires: Sequence[Wire]) -> tuple[dict[int, int], int]:
    """The weight of each source, and the threshold, of a neuron that reads these wires."""
    row: dict[int, int] = {}
    threshold = neuron.threshold
    for weight, wire in zip(neuron.weights, wires, strict=True):
        signed = weight
        if wire.negated:
            threshold -= weight
            signed = -weight
        if wire.source != CONSTANT:
            row[wire.source] = row.get(wire.source, 0) + signed
    return {source: weight for source, weight in row.items() if weight}, threshold


def as_wire(row: dict[int, int], threshold: int) -> Wire | None:
    """The wire that replaces a neuron that is constant, a source or its negation; else None."""
    if threshold <= sum(w for w in row.values() if w < 0):
        return Wire(CONSTANT, True)
    if threshold > sum(w for w in row.values() if w > 0):
        return Wire(CONSTANT, False)
    if len(row) == 1:
        ((source, weight),) = row.items()
        return Wire(source, weight < 0)
    return None


def as_csr(rows: Sequence[dict[int, int]], n_columns: int) -> sparse.csr_array:
    """Rows of weights by source as a sparse matrix of integers."""
    starts = np.cumsum([0, *(len(row) for row in rows)])
    columns = [source for row in rows for source in sorted(row)]
    weights = [row[source] for row in rows for source in sorted(row)]
    return sparse.csr_array(
        (np.array(weights, np.int64), np.array(columns, np.int64), starts),
        shape=(len(rows), n_columns),
    )
