"""One unit of a network as logic: its truth table, its integer weights, its cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from clearprop._typing import Array
from clearprop.circuits.extraction.enumeration import unpack
from clearprop.circuits.gates import Neuron
from clearprop.circuits.netlist import Cell
from clearprop.circuits.synthesis.cubes import Cube, cover, cubes_to_cells
from clearprop.circuits.synthesis.decision_diagrams import (
    MOST_CELLS,
    CellBuilder,
    TooLargeError,
    neuron_diagram,
)
from clearprop.circuits.synthesis.separability import Verdict, threshold
from clearprop.circuits.synthesis.verdict_text import inequality

TABLE_INPUTS = 16  # with more, there is no truth table, only the patterns that occur
VERDICT_INPUTS = 10  # with more, integer weights come from rounding, not from a linear program
COVER_INPUTS = 12  # with more, there is no sum of products unless asked for
MOST_PATTERN_INPUTS = 62  # the bits of a pattern's number
MOST_COUNTED = 4096  # inputs of one gate at_least_t, in which an input repeats |weight| times
HARDEST = 4096  # patterns that are tried first when weights are rounded

Form = Literal["auto", "cubes", "threshold"]


@dataclass(frozen=True)
class Patterns:
    """A unit's bit for each pattern of its inputs that occurs.

    inputs: the names of its inputs. x: the patterns, bool (P, inputs), each once. y: the unit's
    bits, (P,). P is 0 if the patterns were not enumerated or are not kept.
    """

    inputs: tuple[str, ...]
    x: Array
    y: Array

    @staticmethod
    def unseen(inputs: Sequence[str]) -> Patterns:
        """The record for a unit whose patterns were not enumerated, or are too many to keep."""
        return Patterns(tuple(inputs), np.zeros((0, len(inputs)), bool), np.zeros(0, bool))

    @property
    def table(self) -> Array | None:
        """The truth table, int8 with −1 for patterns that do not occur; None above 16 inputs."""
        k = len(self.inputs)
        if k > TABLE_INPUTS or not len(self.x):
            return None
        table = np.full(2**k, -1, np.int8)
        table[_numbers(self.x)] = self.y
        return table


@dataclass(frozen=True)
class UnitLogic:
    """One unit of the network as logic.

    net: its name in the circuit. layer: 1 … L. unit: from 0. patterns: its bit for its inputs.
    neuron: a threshold and integer weights, one for each of `patterns.inputs`, which give its bit
    for each pattern that occurs (checked in integers); None if none were found. verdict: for few
    inputs, the result of the linear program: the neuron's margin, or the contradiction that proves
    that there is no neuron. form: how its cells are built: "cubes", "threshold" (one gate
    at_least_t) or "diagram". cubes: its sum of products, if one was computed. n_cells: its cells in
    the circuit. closest: the least |z| of a hidden unit over all rows.
    """

    net: str
    layer: int
    unit: int
    patterns: Patterns
    neuron: Neuron | None
    verdict: Verdict | None
    form: str
    cubes: tuple[Cube, ...] | None
    n_cells: int
    closest: float | None = None

    @property
    def table(self) -> Array | None:
        """The truth table, int8 with −1 for patterns that do not occur; None above 16 inputs."""
        return self.patterns.table

    def __str__(self) -> str:
        size = f"{self.n_cells} cell{'s' * (self.n_cells != 1)}"
        if self.form == "cubes" and self.cubes is not None:
            size = f"{len(self.cubes)} cube{'s' * (len(self.cubes) != 1)}, {size}"
        elif self.form == "diagram":
            size = f"a decision diagram, {size}"
        if self.neuron is None:
            if self.verdict is not None:
                return f"{self.net}: no single neuron; {size}. {self.verdict}"
            return f"{self.net}: no integer weights found; {size}"
        return f"{self.net} = [{inequality(self.neuron, self.patterns.inputs)}]; {size}"


class NoFunctionError(ValueError):
    """The unit's bit is not a function of the bits that it should be computed from."""


def find_patterns(
    inputs: Sequence[str], columns: Sequence[Array], y: Array, n_rows: int
) -> Patterns:
    """The patterns of packed columns that occur, and the unit's bit y (packed) for each.

    Raises NoFunctionError if rows with the same pattern have different bits, and for more than 62
    inputs.
    """
    k = len(inputs)
    if k > MOST_PATTERN_INPUTS:
        raise NoFunctionError(f"it has {k} inputs, more than {MOST_PATTERN_INPUTS}")
    dtype = np.int32 if k < 31 else np.int64
    number: Array = np.zeros(n_rows, dtype)  # its last digit is the unit's bit
    for column in (*columns, y):
        number <<= 1
        number |= unpack(column, n_rows)
    if k <= 24:
        seen = np.zeros((2**k, 2), bool)
        seen.reshape(-1)[number] = True
        both = np.flatnonzero(seen.all(axis=1))
        occurs = np.flatnonzero(seen.any(axis=1))
        value = seen[occurs, 1]
    else:
        doubled = np.unique(number)
        occurs, value = doubled >> 1, (doubled & 1).astype(bool)
        both = occurs[1:][occurs[1:] == occurs[:-1]]
    if len(both):
        raise NoFunctionError(
            "it is 0 on some rows and 1 on others for the same bits of the units before it, which "
            "are not close enough to bits"
        )
    shifts = np.arange(k - 1, -1, -1)
    x = np.empty((len(occurs), k), bool)
    for i, shift in enumerate(shifts):
        x[:, i] = occurs >> shift & 1
    return Patterns(tuple(inputs), x, value)


def unit_logic(
    patterns: Patterns,
    weights: Array | None,
    net: str,
    layer: int,
    unit: int,
    taken: set[str],
    form: Form = "auto",
    closest: float | None = None,
    check: Callable[[], None] = lambda: None,
) -> tuple[UnitLogic, tuple[Cell, ...]]:
    """The unit, with the cells that compute it on the net `net`.

    weights: real weights of its inputs; they are rounded to integers if there are too many inputs
    for the linear program. taken: names of nets, to which the new names are added. form: see
    `extract`. check: called from time to time; it may raise an exception to end the work.
    Raises TooLargeError if no form is small enough.
    """
    k = len(patterns.inputs)
    verdict = None
    neuron = None
    table = patterns.table
    if table is not None and k <= VERDICT_INPUTS:
        verdict = threshold(table)
        neuron = verdict.neuron
    elif weights is not None:
        neuron = integer_neuron(patterns, weights, check)
    cubes = None
    sizes: dict[str, int] = {}  # the size of each form, in inputs of gates
    if table is not None and (k <= COVER_INPUTS or form == "cubes"):
        found = cover(table)
        cubes = found.cubes
        sizes["cubes"] = found.literals + len(cubes)
    if neuron is not None and form != "cubes":
        sizes |= threshold_size(neuron)
    smallest = min(sizes, key=lambda name: sizes[name]) if sizes else ""
    chosen = form if form in sizes else smallest
    cells: tuple[Cell, ...] = ()
    if neuron is not None and form == "auto" and smallest != "cubes":
        most = sizes[smallest] // 3 if smallest else MOST_CELLS  # a multiplexer has three inputs
        build = CellBuilder(net, set(taken), most)
        try:
            _, _, node = neuron_diagram(neuron, patterns.inputs, build)
            cells, chosen = build.finish(node, net), "diagram"
        except TooLargeError:
            if not smallest:
                raise
    if chosen == "cubes" and cubes is not None:
        cells = cubes_to_cells(cubes, patterns.inputs, net, taken)
    elif chosen == "threshold" and neuron is not None:
        cells = threshold_cells(neuron, patterns.inputs, net, taken)
    elif not chosen:
        raise TooLargeError(f"{net} has {k} inputs, and no small form was found")
    taken.update(cell.output for cell in cells)
    if k > TABLE_INPUTS:
        patterns = Patterns.unseen(patterns.inputs)
    return (
        UnitLogic(net, layer, unit, patterns, neuron, verdict, chosen, cubes, len(cells), closest),
        cells,
    )


def integer_neuron(
    patterns: Patterns, weights: Array, check: Callable[[], None] = lambda: None
) -> Neuron | None:
    """Integer weights close to s·w that separate the patterns, for the smallest s tried.

    check: called before each s; it may raise an exception to end the work. The sums are integers
    below 2^53, so they are exact in float64.
    """
    x, y = patterns.x, patterns.y
    largest = float(np.abs(weights).max(initial=0.0))
    if y.all() or not y.any():
        return Neuron((0,) * len(patterns.inputs), 0 if y.all() else 1)
    if largest == 0:
        return None
    z = _sums(x, weights)
    hard = np.concatenate([_least(np.where(y, np.inf, -z)), _least(np.where(y, z, np.inf))])
    scale = 1.0
    while scale < 2**31:
        check()
        w = np.rint(weights / largest * scale)
        if _between(_sums(x[hard], w), y[hard]) is not None:
            t = _between(_sums(x, w), y)
            if t is not None:
                return Neuron(tuple(int(v) for v in w), t)
        scale = scale + 1 if scale < 16 else scale * 1.25
    return None


def _least(z: Array) -> Array:
    """The places of the HARDEST smallest z."""
    return np.argpartition(z, HARDEST)[:HARDEST] if len(z) > HARDEST else np.arange(len(z))


def _between(sums: Array, y: Array) -> int | None:
    """An integer threshold above the sums of all rows that are 0, and at most the sums of rows that
    are 1; None if there is none."""
    low, high = int(sums[~y].max()), int(sums[y].min())
    return (low + high + 1) // 2 if low < high else None


def _sums(x: Array, w: Array) -> Array:
    return np.concatenate(
        [x[i : i + 2**16].astype(np.float64) @ w for i in range(0, len(x), 2**16)]
    )


def _numbers(x: Array) -> Array:
    k = x.shape[1]
    return x.astype(np.int64) @ (1 << np.arange(k - 1, -1, -1, dtype=np.int64))


def threshold_size(neuron: Neuron) -> dict[str, int]:
    """{"threshold": the number of inputs of gates if its at_least_t were expanded}; {} if it is a
    constant or very large."""
    s, t = _counted(neuron)
    return {"threshold": s * min(t, s + 1 - t)} if 1 <= t <= s <= MOST_COUNTED else {}


def _counted(neuron: Neuron) -> tuple[int, int]:
    """Σ|w|, and the threshold when the inputs of negative weight are inverted."""
    return (
        sum(abs(w) for w in neuron.weights),
        neuron.threshold - sum(min(w, 0) for w in neuron.weights),
    )


def threshold_cells(
    neuron: Neuron, inputs: Sequence[str], net: str, taken: set[str]
) -> tuple[Cell, ...]:
    """One gate at_least_t: each input |weight| times, and inverted if its weight is negative."""
    build = CellBuilder(net, taken)
    s, t = _counted(neuron)
    nets: list[str] = []
    for name, w in zip(inputs, neuron.weights, strict=True):
        nets += [build.put("not", name) if w < 0 else name] * abs(w)
    kind = "buf" if s == 1 else "and" if t == s else "or" if t == 1 else f"at_least_{t}"
    return (*build.cells, Cell(net, kind, tuple(nets)))
