"""The gates of a soft circuit: checked against its circuit, and sorted for one pass over them.

The check takes the units as they are: with the weights and thresholds that they have, the units of
each gate must compute the logic of the circuit's cell from the nets that the cell reads.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.circuits.gates import MARGIN, find_kind
from clearprop.circuits.netlist import Circuit
from clearprop.circuits.soft.cases import Cases, Pattern, cases_of
from clearprop.circuits.soft.folding import CONSTANT, SoftGate, Units, Wire
from clearprop.circuits.soft.layering import Spans

Row = dict[int, int]


@dataclass(frozen=True)
class Found:
    """A gate's pattern with its sources and units. flipped: whether the pattern sees a source
    negated, which is so if its first weight is negative; this makes AND and NOR one pattern."""

    pattern: Pattern
    sources: tuple[int, ...]
    flipped: tuple[bool, ...]
    units: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Together:
    """G gates of one pattern, none of which reads another.

    places: (2, k, G), the places of each source's errors in the flattened errors (2, sources).
    units: (u, G), the sources of the units. norm: (u, G), ‖w‖₁ + |b|. n_terms: the largest number
    of terms that a unit adds up.
    """

    cases: Cases
    places: Array
    units: Array
    norm: Array
    n_terms: int

    def errors(self, flat: Array, gain: float, dtype: np.dtype[Any]) -> Array:
        """(2, u, G), the errors of the units, from the errors of all sources.

        For g (w·s + b), n terms g w s and g b are added in the dtype in any order, each product
        rounded twice: the error is at most γ_{n+3} g (‖w‖₁ + |b|), γ_n = n u / (1 − n u) (Higham,
        Accuracy and Stability of Numerical Algorithms, section 3.1). σ is assumed to be right to
        16 ε of the dtype, several times the error of exp, 1 + and 1/ together. Both leave room for
        the rounding of this computation itself, in float64.
        """
        n = self.n_terms
        gamma = _gamma(n + 3, dtype) + _gamma(2 * n + 8, np.dtype(np.float64))
        slack = 16 * float(np.finfo(dtype).eps)
        return self.cases.errors(flat[self.places], gain, gamma * self.norm, slack)


@dataclass(frozen=True, eq=False)
class Plan:
    """All gates in topological order. faults: descriptions of where units and circuit differ.
    wires: for each net, the source that was found to carry it."""

    n_inputs: int
    n_sources: int
    steps: tuple[Together, ...]
    faults: tuple[str, ...]
    wires: dict[str, Wire]

    def errors(self, gain: float, dtype: np.dtype[Any], input_error: float = 0.0) -> Array:
        """(2, sources): the largest |h| where it should be 0, and |h − 1| where it should be 1."""
        e = np.ones((2, self.n_sources))
        e[:, : self.n_inputs] = input_error
        flat = e.reshape(-1)
        for step in self.steps:
            e[:, step.units] = step.errors(flat, gain, dtype)
        return e


def _gamma(n: int, dtype: np.dtype[Any]) -> float:
    nu = n * float(np.finfo(dtype).eps) / 2
    return nu / (1 - nu) if nu < 0.5 else np.inf


def plan(units: Units) -> Plan:
    """Check the gates, and sort the gates that have units by pattern and depth."""
    n_inputs, n_sources = units.n_inputs, units.n_inputs + units.n_units
    faults, wires = _structure(units)
    weights = units.weights.tocoo()
    level = np.concatenate([np.zeros(n_inputs, np.int64), units.levels])
    early = units.levels[weights.row] <= level[weights.col]
    if early.any():
        names = [units.names[unit] for unit in weights.row[early][:1]]
        faults.append(f"the unit {names[0]} reads a unit that is not of a lower level")
        return Plan(n_inputs, n_sources, (), tuple(faults), wires)
    rows = _rows(units)
    thresholds = units.thresholds.tolist()
    depth = dict.fromkeys(range(n_inputs), 0)
    groups: dict[tuple[int, Pattern], list[Found]] = defaultdict(list)
    for gate in units.gates:
        found = _find(gate, rows, thresholds, n_inputs)
        cases = cases_of(found.pattern)
        if cases is None:
            faults.append(f"the weights of {gate.name} have too many different sums to be checked")
        elif cases.wrong.any():
            faults.append(_fault(gate, found.pattern, cases, units.circuit))
        elif not depth.keys() >= set(found.sources):
            faults.append(f"{gate.name} reads a unit that comes after it")
        elif found.units:
            below = 1 + max((depth[source] for source in found.sources), default=0)
            depth.update(dict.fromkeys(found.units, below))
            groups[below, found.pattern].append(found)
            continue
        # a gate with a fault is left out, so that its units keep the error 1
        depth.update((unit, 0) for unit in found.units if unit not in depth)
    if len(depth) != n_sources:
        faults.append("some units belong to no gate")
    steps = _steps(groups, _norm(units), n_inputs)
    return Plan(n_inputs, n_sources, tuple(steps), tuple(faults), wires)


def network_errors(units: Units, gain: float, dtype: np.dtype[Any], where: Spans) -> Array:
    """(outputs,): the largest error of each output of the layered network, for units without
    faults. Each unit is considered by itself; what it reads may come through identity units."""
    rows, thresholds, norm = _rows(units), units.thresholds.tolist(), _norm(units)
    n, n_sources = units.n_inputs, units.n_inputs + units.n_units
    nothing = Wire(CONSTANT, False)
    groups: dict[tuple[int, Pattern], list[Found]] = defaultdict(list)
    for source in range(n, n_sources):
        level = int(where.first[source])
        if where.last[source] >= level:
            gate = SoftGate("", "const0", (), nothing, (source,))
            found = _find(gate, rows, thresholds, n)
            groups[level, found.pattern].append(found)
    by_level = defaultdict(list)
    for entry in groups.items():
        by_level[entry[0][0]].append(entry)
    identity = cases_of(Pattern("buf", ((0, False),), 1, (((1,), 1),), (1, False)))
    e = np.ones((2, n_sources))
    e[:, :n] = 0
    for level in range(1, where.n_levels + 1):
        before = e.reshape(-1).copy()
        carried = where.at(level)
        carried = carried[where.first[carried] < level]
        steps = _steps(dict(by_level[level]), norm, n)
        if identity is not None and len(carried):
            places = np.stack([carried, carried + n_sources])[:, None]
            steps.append(Together(identity, places, carried[None], np.full((1, 1), 1.5), 2))
        for step in steps:
            e[:, step.units] = step.errors(before, gain, dtype)
    outputs = n + np.array(units.outputs, dtype=np.int64)
    return np.asarray(e[:, outputs].max(axis=0))


def _steps(
    groups: dict[tuple[int, Pattern], list[Found]], norm: Array, n_inputs: int
) -> list[Together]:
    """The groups as arrays, in the order of depth."""
    steps = []
    n_sources = n_inputs + len(norm)
    for (_, pattern), group in sorted(groups.items(), key=lambda entry: entry[0][0]):
        cases = cases_of(pattern)
        if cases is not None:
            shape = (len(group), pattern.n_sources)
            sources = np.array([f.sources for f in group], dtype=np.int64).reshape(shape).T
            flipped = np.array([f.flipped for f in group], dtype=np.int64).reshape(shape).T
            units = np.array([f.units for f in group], dtype=np.int64).T
            places = np.stack([flipped, 1 - flipped]) * n_sources + sources
            most = 1 + pattern.n_sources + len(units)
            steps.append(Together(cases, places, units, norm[units - n_inputs], most))
    return steps


def _norm(units: Units) -> Array:
    """‖w‖₁ + |b| for each unit."""
    weights = np.asarray(abs(units.weights).sum(axis=1), dtype=np.float64)
    return weights + np.abs(MARGIN - units.thresholds)


def _rows(units: Units) -> list[Row]:
    """The weights of each unit by source."""
    w = units.weights
    starts, columns, data = (array.tolist() for array in (w.indptr, w.indices, w.data))
    return [dict(zip(columns[a:b], data[a:b], strict=True)) for a, b in pairwise(starts)]


def _structure(units: Units) -> tuple[list[str], dict[str, Wire]]:
    """Faults in the structure, and the wires. The gates must be the circuit's cells, on the nets
    that the cells read, and then its outputs."""
    circuit = units.circuit
    n_cells, n_outputs = len(circuit.cells), len(circuit.outputs)
    wires = {net: Wire(i, False) for i, net in enumerate(circuit.inputs)}
    if len(units.gates) != n_cells + n_outputs:
        return [
            f"there are {len(units.gates)} gates for {n_cells} cells and {n_outputs} outputs"
        ], wires
    faults = []
    for gate, cell in zip(units.gates, circuit.cells, strict=False):
        inputs = tuple(wires.get(net) for net in cell.inputs)
        if (gate.name, gate.kind, gate.inputs) != (cell.output, cell.kind, inputs):
            faults.append(f"{gate.name} is not {cell.output}, which {cell.kind} drives")
        wires[cell.output] = gate.output
    for gate, net in zip(units.gates[n_cells:], circuit.outputs, strict=True):
        if (gate.kind, gate.inputs) != ("buf", (wires[net],)):
            faults.append(f"{gate.name} is not the output {net}")
    return faults, wires


def _find(gate: SoftGate, rows: list[Row], thresholds: list[int], n_inputs: int) -> Found:
    """The pattern of a gate, from the weights that its units have."""
    units = sorted(gate.units)  # by level
    own = {unit: number for number, unit in enumerate(units)}
    mine = [rows[unit - n_inputs] for unit in units]
    place: dict[int, int] = {}
    for source in (
        *(wire.source for wire in (*gate.inputs, gate.output)),
        *(source for row in mine for source in row),
    ):
        if source not in own and source != CONSTANT:
            place.setdefault(source, len(place))
    k = len(place)
    flipped = [next((row[s] < 0 for row in mine if row.get(s)), False) for s in place]
    shaped = []
    for number, (unit, row) in enumerate(zip(units, mine, strict=True)):
        weights = [0] * (k + number)
        threshold = thresholds[unit - n_inputs]
        for source, weight in row.items():
            if source in own:
                weights[k + own[source]] = weight
            elif flipped[place[source]]:  # w x = w − w (1 − x)
                weights[place[source]] = -weight
                threshold -= weight
            else:
                weights[place[source]] = weight
        shaped.append((tuple(weights), threshold))

    def literal(wire: Wire) -> tuple[int, bool]:
        if wire.source == CONSTANT:
            return wire
        if wire.source in own:
            return k + own[wire.source], wire.negated
        at = place[wire.source]
        return at, wire.negated != flipped[at]

    literals = tuple(literal(wire) for wire in gate.inputs)
    pattern = Pattern(gate.kind, literals, k, tuple(shaped), literal(gate.output))
    return Found(pattern, tuple(place), tuple(flipped), tuple(units))


def _fault(gate: SoftGate, pattern: Pattern, cases: Cases, circuit: Circuit) -> str:
    """A description of the first minterm for which a gate's units are wrong."""
    case = int(cases.wrong.argmax())
    x = [
        negated != bool(source != CONSTANT and cases.example[case] >> source & 1)
        for source, negated in pattern.literals
    ]
    cell = next((cell for cell in circuit.cells if cell.output == gate.name), None)
    names = cell.inputs if cell and cell.kind == gate.kind else (gate.name,) * len(x)
    shown = ", ".join(f"{net} = {bit:d}" for net, bit in zip(names[:8], x, strict=False))
    (wanted,) = find_kind(gate.kind).logic([np.array([bit]) for bit in x] or [np.zeros(1, bool)])
    more = ", …" if len(x) > 8 else ""
    return (
        f"{gate.name} should be {int(wanted[0])} for {shown}{more}, as {gate.kind} is, "
        f"but its neurons say {1 - int(wanted[0])}"
    )
