"""From a small trained network to logic, with a proof that both decide the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from clearprop._typing import Array
from clearprop.circuits.extraction.decisions import decide
from clearprop.circuits.extraction.encoding import Domain, Encoding
from clearprop.circuits.extraction.enumeration import (
    MOST_ROWS,
    TIME_LIMIT,
    Agreement,
    BitColumns,
    Deadline,
    OutOfTimeError,
    columns,
    compare,
    domain_of,
    random_difference,
)
from clearprop.circuits.extraction.exact_network import exact_network
from clearprop.circuits.extraction.gaps import by_gaps
from clearprop.circuits.extraction.neurons import (
    Form,
    NoFunctionError,
    UnitLogic,
)
from clearprop.circuits.extraction.rows import ExtractionTask, by_neurons, by_table, input_columns
from clearprop.circuits.netlist import Circuit, as_bits
from clearprop.circuits.synthesis.decision_diagrams import TooLargeError
from clearprop.network import Network

RANDOM_ROWS = 4096
MANY_ROWS = 2**20  # with more, the logic of the neurons is first sought without enumerating rows


class ExtractionError(ValueError):
    """Why no logic was extracted from a network."""


@dataclass(frozen=True)
class Extraction:
    """Logic that was extracted from a network.

    circuit: its inputs are the network's inputs (or the encoding's bits), its outputs the network's
    decisions. agreement: the proof that both decide the same. by: "neurons" (each unit by itself)
    or "table" (the outputs' truth tables). reason: why not by neurons. units: the units that were
    made into logic; by table these are the outputs. encoding: the encoding of real inputs.
    seconds: the time taken.
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
        """Whether the circuit is proved to decide the same as the network on all inputs."""
        return self.agreement.equal

    def changes(self, X: npt.ArrayLike) -> Array:
        """The rows X on which the circuit decides differently from the network, bool (N,).

        X: real rows of the encoding's columns, or rows of bits if there is no encoding. A network
        with real inputs is given X itself; another network is given the bits of X.
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

    network: its hidden units must be identity, relu, leaky_relu, logistic or tanh. Its outputs are
    read as bits: ŷ > ½, or the class (see `exact_network`). inputs, outputs: names of the ports; by
    default x1, x2, … (or the encoding's names) and y, or y0, y1, …, or class_0, class_1, ….
    encoding: the result of `thermometer`, for a network of its bits or of its real columns. The
    latter is approximated by its decisions for `encoding.values`; see `Extraction.changes`.
    by: "neurons" makes each unit a function of the bits z > 0 of the units before it, which must be
    possible on every input; "table" uses only the truth tables of the outputs; "auto" tries
    neurons, then the table. form: the form of each unit: "cubes" (a sum of products), "threshold"
    (one gate at_least_t, if it has integer weights), or "auto", the smallest of these and a
    decision diagram.
    most_rows: the most inputs that are enumerated. With more inputs and no encoding, logistic and
    tanh networks still become logic if each neuron's gap is wide enough (`by_gaps`).
    time_limit: seconds; about ten more may pass. Neurons get three quarters of the time if the
    table may follow. Logic that is not proved by then has the agreement "unknown".

    Raises ExtractionError if there are too many inputs, the logic is too large, time runs out, or a
    decision is too close to its threshold; TypeError for a network that cannot be read as bits;
    ValueError for an argument that is not allowed.
    """
    if by not in ("auto", "neurons", "table"):
        raise ValueError(f"by must be 'auto', 'neurons' or 'table'; got {by!r}")
    if form not in ("auto", "cubes", "threshold"):
        raise ValueError(f"form must be 'auto', 'cubes' or 'threshold'; got {form!r}")
    clock = Deadline.starting(time_limit)
    net = exact_network(network)
    domain = domain_of(network, encoding)
    in_names = _names(inputs, sum(domain.n_bits), "inputs", _default_inputs(domain, encoding))
    out_names = _names(outputs, len(net.outputs), "outputs", net.labels)
    both = set(in_names) & set(out_names)
    if both:
        raise ValueError(f"inputs and outputs share the name {min(both)!r}")
    task = ExtractionTask(net, domain, in_names, out_names, by, form, name, clock)
    if domain.size > most_rows:
        bits = sum(domain.n_bits)
        many = f"the {bits} input bits have {domain.size:,} values, more than {most_rows:,}"
        if encoding is not None or by == "table":
            raise ExtractionError(many)
        result = _without_rows(task, many)
    else:
        result = _with_rows(task)
    return Extraction(*result, encoding=encoding, network=network, seconds=clock.seconds)


# circuit, agreement, by, reason and units of an Extraction
_Result = tuple[Circuit, Agreement, str, str, tuple[UnitLogic, ...]]


def _without_rows(task: ExtractionTask, many: str) -> _Result:
    """Neuron by neuron, by their gaps."""
    try:
        units, cells = by_gaps(task.net, task.in_names, task.out_names, task.clock.check)
    except (NoFunctionError, TooLargeError, OutOfTimeError) as why:
        raise ExtractionError(f"{many}; neuron by neuron: {why}") from None
    circuit = task.circuit(cells)
    return circuit, _proved_by_gaps(task, circuit), "neurons", many, tuple(units)


def _proved_by_gaps(task: ExtractionTask, circuit: Circuit) -> Agreement:
    """The agreement that `by_gaps` proves; random rows check the program, not the proof."""
    different = random_difference(task.net, circuit, task.domain, RANDOM_ROWS)
    if different is not None:
        raise AssertionError(f"the proof by gaps is refuted by {different}")
    method = (
        "every neuron's gap is above the error of the units before it; "
        f"{RANDOM_ROWS:,} random inputs agree"
    )
    return Agreement("equal", method, seconds=task.clock.seconds)


def _with_rows(task: ExtractionTask) -> _Result:
    """From the network's decisions on all rows of its domain."""
    net, domain, by, clock = task.net, task.domain, task.by, task.clock
    if domain.size > MANY_ROWS and domain.plain and by != "table" and task.form == "auto":
        try:
            units, cells = by_gaps(net, task.in_names, task.out_names, task.check_neurons)
        except (NoFunctionError, TooLargeError, OutOfTimeError):
            pass  # the rows may show what the gaps do not
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
    if found.open_row is not None and by == "auto":  # only a hidden unit may be undecided
        found = _columns(task, hidden=False)
        by, reason = "table", "a hidden unit is too close to its threshold"
    if found.open_row is not None:
        bits = domain.bits(domain.codes(found.open_row, found.open_row + 1))[0].astype(int)
        raise ExtractionError(f"a unit is too close to its threshold for the bits {bits.tolist()}")
    inputs = input_columns(domain)
    try:
        if by != "table":
            try:
                units, cells = by_neurons(task, found, inputs)
                by = "neurons"
            except (NoFunctionError, TooLargeError, OutOfTimeError) as why:
                if by == "neurons":
                    raise
                by, reason = "table", str(why)
                clock.check()
        if by == "table":
            units, cells = by_table(task, found, inputs)
    except (NoFunctionError, TooLargeError, OutOfTimeError) as why:
        raise ExtractionError(f"{why}; by neurons: {reason}" if reason else str(why)) from None
    circuit = task.circuit(cells)
    agreement = compare(found, circuit, domain, clock)
    return circuit, agreement, by, reason, tuple(units)


def _columns(task: ExtractionTask, *, hidden: bool) -> BitColumns:
    """The network on all rows; ExtractionError if there is not enough time."""
    try:
        return columns(task.net, task.domain, task.clock, hidden=hidden)
    except OutOfTimeError as why:
        raise ExtractionError(f"{why} with {task.domain.size:,} inputs to enumerate") from None


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
