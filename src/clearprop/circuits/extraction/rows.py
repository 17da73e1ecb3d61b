"""Logic from a network's decisions on all rows: neuron by neuron, or from its outputs' tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from clearprop._typing import Array
from clearprop.circuits.extraction.encoding import Domain
from clearprop.circuits.extraction.enumeration import CHUNK, BitColumns, Deadline, pack, unpack
from clearprop.circuits.extraction.exact_network import Comparison, ExactNetwork
from clearprop.circuits.extraction.neurons import (
    COVER_INPUTS,
    Form,
    NoFunctionError,
    Patterns,
    UnitLogic,
    find_patterns,
    unit_logic,
)
from clearprop.circuits.netlist import Cell, Circuit
from clearprop.circuits.synthesis.decision_diagrams import CellBuilder, table_diagram

NEURONS_SHARE = 0.75  # of the time, if the table is still to come


@dataclass(frozen=True)
class ExtractionTask:
    """What `extract` is asked for."""

    net: ExactNetwork
    domain: Domain
    in_names: tuple[str, ...]
    out_names: tuple[str, ...]
    by: str
    form: Form
    name: str
    clock: Deadline

    def check_neurons(self) -> None:
        """Raise OutOfTimeError if the neurons have used up their time."""
        self.clock.check(NEURONS_SHARE if self.by == "auto" else 1.0)

    def circuit(self, cells: list[Cell]) -> Circuit:
        """The cells that the outputs need."""
        whole = Circuit(self.in_names, self.out_names, tuple(cells), self.name)
        return whole.cone(self.out_names)


def by_neurons(
    task: ExtractionTask, found: BitColumns, inputs: list[Array]
) -> tuple[list[UnitLogic], list[Cell]]:
    net, form = task.net, task.form
    taken = {*task.in_names, *task.out_names}
    names, bits = list(task.in_names), inputs
    units: list[UnitLogic] = []
    cells: list[Cell] = []
    for number, layer in enumerate(net.layers, 1):
        last = number == len(net.layers)
        targets = found.outputs if last else found.hidden[number - 1]
        nets = (
            list(task.out_names)
            if last
            else [_fresh(f"h{number}_{j}", taken) for j in range(len(targets))]
        )
        for j, y in enumerate(targets):
            task.check_neurons()
            weights = _comparison_weights(layer.W, net.outputs[j]) if last else layer.W[j]
            places = np.flatnonzero(
                np.abs(layer.W[_units_compared(net.outputs[j])]).any(axis=0) if last else layer.W[j]
            )
            hint = weights
            if number == 1:
                places, hint = _input_places(task.domain, places, weights)
            elif weights is not None:
                hint = weights[places]
            try:
                patterns = find_patterns(
                    [names[i] for i in places], [bits[i] for i in places], y, found.n_rows
                )
            except NoFunctionError as why:
                raise NoFunctionError(f"unit {j} of layer {number}: {why}") from None
            closest = None if last else float(found.closest[number - 1][j])
            unit, more = unit_logic(
                patterns, hint, nets[j], number, j, taken, form, closest, task.check_neurons
            )
            units.append(unit)
            cells += more
        names, bits = nets, targets
    return units, cells


def by_table(
    task: ExtractionTask, found: BitColumns, inputs: list[Array]
) -> tuple[list[UnitLogic], list[Cell]]:
    form, in_names = task.form, task.in_names
    taken = {*in_names, *task.out_names}
    features, at = [], 0
    for n in task.domain.n_bits:
        features.append(in_names[at : at + n])
        at += n
    units: list[UnitLogic] = []
    cells: list[Cell] = []
    for k, (name, y) in enumerate(zip(task.out_names, found.outputs, strict=True)):
        task.clock.check()
        build = CellBuilder(name, set(taken))
        node = table_diagram(unpack(y, found.n_rows), features, build)
        diagram = build.finish(node, name)
        if len(in_names) <= COVER_INPUTS or form == "cubes":
            patterns = find_patterns(in_names, inputs, y, found.n_rows)
            unit, more = unit_logic(patterns, None, name, len(task.net.layers), k, taken, form)
            if form != "auto" or len(more) <= len(diagram):
                units.append(unit)
                cells += more
                continue
            unit = replace(unit, form="diagram", n_cells=len(diagram))
        else:
            unseen, layer = Patterns.unseen(in_names), len(task.net.layers)
            unit = UnitLogic(name, layer, k, unseen, None, None, "diagram", None, len(diagram))
        units.append(unit)
        taken.update(cell.output for cell in diagram)
        cells += diagram
    return units, cells


def input_columns(domain: Domain) -> list[Array]:
    """The packed column of each input bit over all rows."""
    parts = [
        pack(domain.bits(domain.codes(start, min(start + CHUNK, domain.size))))
        for start in range(0, domain.size, CHUNK)
    ]
    return list(np.hstack(parts))


def _input_places(
    domain: Domain, points: Array, weights: Array | None
) -> tuple[Array, Array | None]:
    """The bits that the first layer's inputs depend on, and the weight of each bit: by how much z
    grows when the bit becomes 1."""
    places: list[int] = []
    hint: list[float] = []
    for point in points:
        places += domain.bits_of(int(point))
        if weights is not None:
            steps = np.ones(1) if domain.values is None else np.diff(domain.values[point])
            hint += list(weights[point] * steps)
    return np.array(places, np.int64), None if weights is None else np.array(hint)


def _units_compared(comparisons: Sequence[Comparison]) -> list[int]:
    """The units that an output's comparisons read."""
    return sorted({k for c in comparisons for k in (c.plus, c.minus) if k is not None})


def _comparison_weights(W: Array, comparisons: Sequence[Comparison]) -> Array | None:
    """The weights of an output that is a single comparison; None for other outputs."""
    if len(comparisons) != 1:
        return None
    c = comparisons[0]
    weights: Array = W[c.plus] if c.minus is None else W[c.plus] - W[c.minus]
    return weights


def _fresh(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name
