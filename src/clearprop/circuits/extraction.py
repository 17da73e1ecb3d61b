"""From a small trained network to logic, with a proof that both decide the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from clearprop._typing import Array
from clearprop.circuits.diagrams import CellBuilder, TooLargeError, table_diagram
from clearprop.circuits.encoding import Domain, Encoding
from clearprop.circuits.enumeration import (
    CHUNK,
    MOST_ROWS,
    TIME_LIMIT,
    Agreement,
    Clock,
    Columns,
    OutOfTimeError,
    columns,
    compare,
    domain_of,
    pack,
    random_difference,
    unpack,
)
from clearprop.circuits.exact import Comparison, ExactNetwork, decide, exact_network
from clearprop.circuits.layered import by_gaps
from clearprop.circuits.netlist import Cell, Circuit, as_bits
from clearprop.circuits.neurons import (
    COVER_INPUTS,
    Form,
    NoFunctionError,
    Patterns,
    UnitLogic,
    find_patterns,
    unit_logic,
)
from clearprop.network import Network

RANDOM_ROWS = 4096
NEURONS_SHARE = 0.75  # of the time, where the table is still to come
MANY_ROWS = 2**20  # more of them: the logic of a neuron is first sought without them


class ExtractionError(ValueError):
    """Why no logic was extracted from a network."""


@dataclass(frozen=True)
class Extraction:
    """Logic that was extracted from a network.

    circuit: its inputs are the network's (or the encoding's bits), its outputs what the network
    decides. agreement: the proof that they decide the same. by: "neurons" (each unit by itself) or
    "table" (the outputs' truth tables); reason: why not by neurons. units: each unit that was made
    into logic; by table these are the outputs. encoding: of real inputs. seconds: how long it took.
    """

    circuit: Circuit
    agreement: Agreement
    by: str
    reason: str
    units: tuple[UnitLogic, ...]
    encoding: Encoding | None
    network: Network
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether logic and network are proved to decide the same on all inputs."""
        return self.agreement.equal

    def changes(self, X: npt.ArrayLike) -> Array:
        """Which rows X the circuit decides otherwise than the network, bool (N,).

        X: real rows of the encoding's columns, or rows of bits where there is no encoding. The
        network is given X itself if it is one of real inputs, and the bits of X otherwise.
        """
        if self.encoding is None:
            bits = as_bits(X, len(self.circuit.inputs), "X")
        else:
            bits = self.encoding.encode(X)
        real = self.encoding is not None and self.network.sizes[0] != bits.shape[1]
        points = np.asarray(X, np.float64) if real else bits.astype(np.float64)
        found = decide(exact_network(self.network), points, hidden=False)
        if len(found.open_rows):
            raise ExtractionError(f"row {found.open_rows[0]} of X is too close to a threshold")
        changed: Array = (found.outputs != self.circuit.evaluate(bits)).any(axis=1)
        return changed

    def __str__(self) -> str:
        kinds = len(self.circuit.cells)
        lines = [
            f"{self.circuit.name}: {_counted(len(self.circuit.inputs), 'input')}, "
            f"{_counted(len(self.circuit.outputs), 'output')}, {_counted(kinds, 'cell')} of depth "
            f"{self.circuit.depth}, "
            f"by {'its neurons' if self.by == 'neurons' else 'the truth table of each output'}"
            + (f" ({self.reason})" if self.reason else "")
        ]
        lines += [f"  {unit}" for unit in self.units]
        return "\n".join([*lines, str(self.agreement)])


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}{'s' * (n != 1)}"


def extract(
    network: Network,
    inputs: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
    *,
    encoding: Encoding | None = None,
    by: Literal["auto", "neurons", "table"] = "auto",
    form: Form = "auto",
    most_rows: int = MOST_ROWS,
    time_limit: float = TIME_LIMIT,
    name: str = "extracted",
) -> Extraction:
    """The logic of a network with binary inputs, and the proof that both decide the same.

    network: hidden units identity, relu, leaky_relu, logistic or tanh; its outputs are read as bits
    (`exact_network`): ŷ > ½, or the class. inputs, outputs: names of the ports; x1, x2, … (or the
    encoding's) and y, y0, y1, … or class_0, class_1, … otherwise.
    encoding: of `thermometer`, for a network of its bits, or for one of its real columns, which is
    then approximated: its decision for `encoding.values`; see `Extraction.changes`.
    by: "neurons": each unit is a function of the bits of the units before it, z > 0, where that is
    so on every input; "table": of the outputs the truth table alone; "auto": neurons, or else the
    table. form: of each unit, "cubes" (a sum of products), "threshold" (one gate at_least_t where
    it has integer weights) or "auto", the smaller of these and a decision diagram.
    most_rows: how many inputs are gone through at most; with more, and no encoding, logistic and
    tanh networks are still made into logic where each neuron's gap is wide enough (`by_gaps`).
    time_limit: seconds, within some ten more; three quarters of them for the neurons where the
    table is still to come. Logic that is found but not proved by then has the agreement "unknown".

    Raises ExtractionError where the inputs are too many, the logic too large, the time up, or a
    decision too close to its threshold; TypeError for a network that is not read as bits;
    ValueError for an argument that is not allowed.
    """
    if by not in ("auto", "neurons", "table"):
        raise ValueError(f"by must be 'auto', 'neurons' or 'table'; got {by!r}")
    if form not in ("auto", "cubes", "threshold"):
        raise ValueError(f"form must be 'auto', 'cubes' or 'threshold'; got {form!r}")
    clock = Clock.starting(time_limit)
    net = exact_network(network)
    domain = domain_of(network, encoding)
    in_names = _names(inputs, sum(domain.n_bits), "inputs", _default_inputs(domain, encoding))
    out_names = _names(outputs, len(net.outputs), "outputs", net.labels)
    both = set(in_names) & set(out_names)
    if both:
        raise ValueError(f"inputs and outputs share the name {min(both)!r}")
    task = _Task(net, domain, in_names, out_names, by, form, name, clock)
    if domain.size > most_rows:
        bits = sum(domain.n_bits)
        many = f"the {bits} input bits have {domain.size:,} values, more than {most_rows:,}"
        if encoding is not None or by == "table":
            raise ExtractionError(many)
        result = _without_rows(task, many)
    else:
        result = _with_rows(task)
    return Extraction(*result, encoding=encoding, network=network, seconds=clock.seconds)


@dataclass(frozen=True)
class _Task:
    """What is asked for."""

    net: ExactNetwork
    domain: Domain
    in_names: tuple[str, ...]
    out_names: tuple[str, ...]
    by: str
    form: Form
    name: str
    clock: Clock

    def check_neurons(self) -> None:
        """Raise OutOfTimeError if no time is left for the neurons."""
        self.clock.check(NEURONS_SHARE if self.by == "auto" else 1.0)

    def circuit(self, cells: list[Cell]) -> Circuit:
        """The cells that the outputs need."""
        whole = Circuit(self.in_names, self.out_names, tuple(cells), self.name)
        return whole.cone(self.out_names)


# circuit, agreement, by, reason and units of an Extraction
_Result = tuple[Circuit, Agreement, str, str, tuple[UnitLogic, ...]]


def _without_rows(task: _Task, many: str) -> _Result:
    """Neuron by neuron, by their gaps."""
    try:
        units, cells = by_gaps(task.net, task.in_names, task.out_names, task.clock.check)
    except (NoFunctionError, TooLargeError, OutOfTimeError) as why:
        raise ExtractionError(f"{many}; neuron by neuron: {why}") from None
    circuit = task.circuit(cells)
    return circuit, _proved_by_gaps(task, circuit), "neurons", many, tuple(units)


def _proved_by_gaps(task: _Task, circuit: Circuit) -> Agreement:
    """That `by_gaps` proves it; random rows check the program, not the proof."""
    different = random_difference(task.net, circuit, task.domain, RANDOM_ROWS)
    if different is not None:
        raise AssertionError(f"the proof by gaps is refuted by {different}")
    method = (
        "every neuron's gap is above the error of the units before it; "
        f"{RANDOM_ROWS:,} random inputs agree"
    )
    return Agreement("equal", method, seconds=task.clock.seconds)


def _with_rows(task: _Task) -> _Result:
    """From what the network decides on all rows of its domain."""
    net, domain, by, clock = task.net, task.domain, task.by, task.clock
    if domain.size > MANY_ROWS and domain.plain and by != "table" and task.form == "auto":
        try:
            units, cells = by_gaps(net, task.in_names, task.out_names, task.check_neurons)
        except (NoFunctionError, TooLargeError, OutOfTimeError):
            pass  # what the gaps do not show, the rows may
        else:
            circuit = task.circuit(cells)
            try:
                agreement = compare(
                    columns(net, domain, clock, hidden=False), circuit, domain, clock
                )
            except OutOfTimeError:
                agreement = _proved_by_gaps(task, circuit)
            return circuit, agreement, "neurons", "", tuple(units)
    found = _columns(task, hidden=by != "table")
    reason = ""
    if found.open_row is not None and by == "auto":  # it may be a hidden unit that stays open
        found = _columns(task, hidden=False)
        by, reason = "table", "a hidden unit is too close to its threshold"
    if found.open_row is not None:
        bits = domain.bits(domain.codes(found.open_row, found.open_row + 1))[0].astype(int)
        raise ExtractionError(f"a unit is too close to its threshold for the bits {bits.tolist()}")
    inputs = _input_columns(domain)
    try:
        if by != "table":
            try:
                units, cells = _by_neurons(task, found, inputs)
                by = "neurons"
            except (NoFunctionError, TooLargeError, OutOfTimeError) as why:
                if by == "neurons":
                    raise
                by, reason = "table", str(why)
                clock.check()
        if by == "table":
            units, cells = _by_table(task, found, inputs)
    except (NoFunctionError, TooLargeError, OutOfTimeError) as why:
        raise ExtractionError(f"{why}; by neurons: {reason}" if reason else str(why)) from None
    circuit = task.circuit(cells)
    agreement = compare(found, circuit, domain, clock)
    return circuit, agreement, by, reason, tuple(units)


def _columns(task: _Task, *, hidden: bool) -> Columns:
    """The network on all rows; ExtractionError if there is no time for it."""
    try:
        return columns(task.net, task.domain, task.clock, hidden=hidden)
    except OutOfTimeError as why:
        raise ExtractionError(f"{why} with {task.domain.size:,} inputs to go through") from None


def _by_neurons(
    task: _Task, found: Columns, inputs: list[Array]
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
                np.abs(layer.W[_rows_of(net.outputs[j])]).any(axis=0) if last else layer.W[j]
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


def _by_table(
    task: _Task, found: Columns, inputs: list[Array]
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


def _input_columns(domain: Domain) -> list[Array]:
    """The packed column of each input bit over all rows."""
    parts = [
        pack(domain.bits(domain.codes(start, min(start + CHUNK, domain.size))))
        for start in range(0, domain.size, CHUNK)
    ]
    return list(np.hstack(parts))


def _input_places(
    domain: Domain, points: Array, weights: Array | None
) -> tuple[Array, Array | None]:
    """The bits that the first layer's inputs depend on, and the weight of each bit: what the value
    grows by when it goes on."""
    places: list[int] = []
    hint: list[float] = []
    for point in points:
        places += domain.bits_of(int(point))
        if weights is not None:
            steps = np.ones(1) if domain.values is None else np.diff(domain.values[point])
            hint += list(weights[point] * steps)
    return np.array(places, np.int64), None if weights is None else np.array(hint)


def _rows_of(comparisons: Sequence[Comparison]) -> list[int]:
    """The units that an output's comparisons look at."""
    return sorted({k for c in comparisons for k in (c.plus, c.minus) if k is not None})


def _comparison_weights(W: Array, comparisons: Sequence[Comparison]) -> Array | None:
    """The weights of an output that is one comparison."""
    if len(comparisons) != 1:
        return None
    c = comparisons[0]
    weights: Array = W[c.plus] if c.minus is None else W[c.plus] - W[c.minus]
    return weights


def _default_inputs(domain: Domain, encoding: Encoding | None) -> tuple[str, ...]:
    if encoding is not None:
        return encoding.bit_names
    return tuple(f"x{i + 1}" for i in range(sum(domain.n_bits)))


def _names(
    names: Sequence[str] | None, n: int, argument: str, default: Sequence[str]
) -> tuple[str, ...]:
    chosen = tuple(default if names is None else names)
    if isinstance(names, str) or len(chosen) != n or len(set(chosen)) != n:
        raise ValueError(f"{argument} must be {n} different names; got {names!r}")
    return chosen


def _fresh(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name
