"""Learns a truth table: finds a small network by back-propagation from many starts."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from clearprop._typing import Array
from clearprop.activations import sigmoid
from clearprop.callers import users_line
from clearprop.checks import check_positive_integer
from clearprop.circuits.gates import MARGIN, all_bits
from clearprop.circuits.learning.attempts import (
    Goal,
    Outcome,
    attempt,
    from_signs,
    signed_architecture,
    start,
)
from clearprop.circuits.learning.hardening import harden, network_layers
from clearprop.circuits.netlist import Circuit
from clearprop.circuits.synthesis.separability import Contradiction, Verdict, threshold
from clearprop.network import Network

TruthTable: TypeAlias = npt.ArrayLike | Sequence[int | None] | Sequence[Sequence[int | None]]

MOST_INPUTS = 12
STOPPED = {
    "found": "every row is right",
    "steps": "all attempts used up their steps",
    "time_limit": "the time limit was reached",
    "interrupted": "Ctrl-C",
}


@dataclass(frozen=True)
class Tried:
    """The attempts with one choice of hidden units.

    hidden_sizes: the units of each hidden layer.
    n_right: the number of attempts that were right when the first one was.
    n_wrong: the wrong rows of the best attempt.
    n_steps: the steps of each attempt.
    """

    hidden_sizes: tuple[int, ...]
    n_attempts: int
    n_right: int
    n_wrong: int
    n_steps: int
    seconds: float


@dataclass(frozen=True)
class Learned:
    """The network that `learn` found, and how right it is.

    network: from bits 0 and 1 to ŷ (N, K). table: int8 (2^n, K), −1 where it does not matter.
    margin: the least distance of an ŷ from ½ on the right side; negative if some ŷ is wrong.
    asked_margin: the margin that was asked for. wrong_rows: the rows where some output is on the
    wrong side of ½, or at ½. close_rows: the rows that are right, but by less than asked_margin.
    saturated: whether the table must also hold with rounded hidden units. resting: (layer from 1,
    unit from 0) of hidden units that rest between 0 and 1 on some row. broken_rows: the rows that
    are wrong once the hidden units are rounded. tried: the attempts for each choice of hidden units
    in turn. contradiction: if the search found that hidden units are needed, the proof for the
    first output that needs them. stopped: why learning ended, a key of STOPPED.
    """

    network: Network
    table: Array = field(repr=False)
    margin: float
    asked_margin: float
    wrong_rows: Array = field(repr=False)
    close_rows: Array = field(repr=False)
    saturated: bool
    resting: tuple[tuple[int, int], ...]
    broken_rows: Array = field(repr=False)
    tried: tuple[Tried, ...]
    contradiction: Contradiction | None = field(repr=False)
    stopped: str
    seconds: float
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether every row is right, with the margin and saturation that were asked for."""
        soft = not len(self.wrong_rows) and not len(self.close_rows)
        return soft and not (self.saturated and (self.resting or len(self.broken_rows)))

    @property
    def n_wrong(self) -> int:
        """The number of rows with a wrong output."""
        return len(self.wrong_rows)

    @property
    def hidden_sizes(self) -> tuple[int, ...]:
        """The units of each hidden layer."""
        return tuple(self.network.sizes[1:-1])

    @property
    def attempts(self) -> int:
        """The number of attempts in all."""
        return sum(tried.n_attempts for tried in self.tried)

    def __str__(self) -> str:
        sizes = "-".join(str(size) for size in self.network.sizes)
        n = int((self.table >= 0).any(axis=1).sum())
        all_rows = f"all {n} rows" + (" that matter" if n < len(self.table) else "")
        how = (
            f"{self.attempts} attempt{'s' * (self.attempts != 1)}"
            if self.tried
            else "without training"
        )
        effort = f"{how}, {self.seconds:.2g} s"
        if self.ok:
            text = f"a {sizes} network gives {all_rows}, every ŷ at least {self.margin:.3g} from ½"
            if self.saturated and self.hidden_sizes:
                text += ", also with its hidden units rounded"
            text += f" ({effort})"
            if len(self.tried) == 1 and self.contradiction is not None:
                text += "; it is impossible without hidden units, see .contradiction"
            if len(self.tried) > 1:
                fewer = _counted(self.tried[-2].hidden_sizes)
                text += f"; with {fewer} no attempt succeeded, which does not prove that none can"
            return text
        rows = ", ".join(str(row) for row in self.wrong_rows[:8])
        more = ", …" if self.n_wrong > 8 else ""
        text = f"not learned: the best network, {sizes}, has {self.n_wrong} of {n} rows wrong"
        text += f" ({rows}{more})" if self.n_wrong else ""
        if len(self.close_rows):
            text += f", {len(self.close_rows)} closer to ½ than {self.asked_margin:g}"
        if self.saturated and not self.n_wrong and len(self.broken_rows):
            text += f", {len(self.broken_rows)} once the hidden units are rounded"
        if self.saturated and not self.n_wrong and self.resting:
            text += f", {len(self.resting)} hidden units that rest between 0 and 1"
        return f"{text}; {STOPPED[self.stopped]} ({effort})"


def learn(
    table: TruthTable | Circuit,
    hidden_sizes: int | Sequence[int] | None = None,
    *,
    unit: str = "logistic",
    margin: float = 0.25,
    saturated: bool = True,
    n_attempts: int = 64,
    n_steps: int = 2000,
    max_hidden: int = 64,
    seed: int = 0,
    time_limit: float | None = None,
    progress: bool = True,
    n_threads: int | None = None,
) -> Learned:
    """Find a small network that gives a truth table, by back-propagation from many starts.

    table: 2^n entries 0, 1, or None (or −1) where it does not matter, counting up with the first
    input as the highest digit; (2^n, K) for K outputs; or a circuit, whose table is then learned.
    hidden_sizes: the number of hidden units, or the numbers for each layer; None tries none, 2, 3,
    … in turn, up to max_hidden, and ends at the first number that succeeds. That is the smallest
    network found, and not always the smallest possible. (`threshold` decides without training
    whether hidden units are needed; a single one would not help.)
    unit: the kind of hidden units, "logistic" or "tanh"; outputs are logistic.
    margin: how far every ŷ must be from ½, on the right side. saturated: whether every row must
    also be right with all hidden units rounded to 0 or 1, which `sharpen` and logic need. With
    False, fewer units may be enough, but they compute with values in between.
    n_attempts: starts for each number of hidden units. They are trained side by side for at most
    n_steps steps of Adam each, with every row in every step, and end when one is right. seed: the
    same seed gives the same result, unless time_limit (seconds) ends it. progress: show a bar on
    the terminal.

    Ctrl-C, like the time limit, ends the search with the best network so far; check `.ok`.
    Raises ValueError, naming the argument, and TypeError for entries that are not bits.
    """
    bits, inputs, outputs = read_table(table)
    n, K = len(inputs), len(outputs)
    if unit not in ("logistic", "tanh"):
        raise ValueError(f"unit must be 'logistic' or 'tanh'; got {unit!r}")
    if not 0 < margin < 0.5:
        raise ValueError(f"margin must lie between 0 and 0.5; got {margin!r}")
    check_positive_integer("max_hidden", max_hidden)
    check_search(n_attempts, n_steps, seed, time_limit)
    began = time.monotonic()
    deadline = None if time_limit is None else began + time_limit
    goal = Goal(bits, math.log((0.5 + margin) / (0.5 - margin)), saturated)
    tried: list[Tried] = []
    best: tuple[int, Network] | None = None
    stopped = "steps"
    verdicts = [] if hidden_sizes is not None else [threshold(column) for column in bits.T]
    for sizes in _sizes(hidden_sizes, max_hidden):
        if not sizes and verdicts:
            if not all(verdicts):
                continue  # proved to be impossible
            best, stopped = (0, _neurons(verdicts, goal.margin)), "found"
            break
        architecture = signed_architecture([n, *sizes, K])
        count = n_attempts if sizes else 1  # without hidden units there are no local minima
        starts = [
            start(architecture, np.random.default_rng([seed, *sizes, i]), along=i % 2 == 1)
            for i in range(count)
        ]
        outcome = attempt(
            architecture,
            starts,
            goal,
            n_steps,
            deadline=deadline,
            progress=f"learning with {_counted(sizes)}" if progress else "",
            n_threads=n_threads,
        )
        tried.append(_tried(sizes, count, outcome))
        stopped = outcome.stopped
        if best is None or outcome.n_wrong < best[0] or stopped == "found":
            best = outcome.n_wrong, from_signs(architecture, outcome.theta, [unit] * len(sizes))
        if stopped != "steps":
            break
    assert best is not None
    if stopped == "interrupted":
        message = "Learning interrupted by user: the best network so far is returned."
        warnings.warn(message, UserWarning, stacklevel=users_line())
    network = best[1]
    X = all_bits(n).astype(np.float64)
    wrong, close, least = _rows(network.forward(X).z[-1], bits, margin)
    hard = harden(network_layers(network), X, bits)
    return Learned(
        network=network,
        table=bits,
        margin=least,
        asked_margin=margin,
        wrong_rows=wrong,
        close_rows=close,
        saturated=saturated,
        resting=hard.resting,
        broken_rows=np.flatnonzero(hard.broken),
        tried=tuple(tried),
        contradiction=next((v.contradiction for v in verdicts if not v), None),
        stopped=stopped,
        seconds=time.monotonic() - began,
        inputs=inputs,
        outputs=outputs,
    )


def read_table(
    table: TruthTable | Circuit, most: int = MOST_INPUTS
) -> tuple[Array, tuple[str, ...], tuple[str, ...]]:
    """A truth table as int8 (2^n, K), −1 where it does not matter, and names of inputs and outputs.

    Raises ValueError for another shape, other values, more than `most` inputs, and a table in which
    nothing matters.
    """
    if isinstance(table, Circuit):
        n = len(table.inputs)
        if not 1 <= n <= most or not table.outputs:
            raise ValueError(
                f"the circuit must have 1 … {most} inputs and an output; {table.name} has "
                f"{n} and {len(table.outputs)}"
            )
        return table.evaluate(all_bits(n)).astype(np.int8), table.inputs, table.outputs
    values: Array = np.asarray(table, dtype=object)
    if values.ndim not in (1, 2) or 0 in values.shape:
        raise ValueError(f"table must have shape (2^n,) or (2^n, K); got {values.shape}")
    n = len(values).bit_length() - 1
    if len(values) != 2**n or not 1 <= n <= most:
        raise ValueError(f"table must have 2^n rows for n = 1 … {most} inputs; got {len(values)}")
    bits = np.full((len(values), values.shape[1] if values.ndim == 2 else 1), -2, np.int8)
    nothing: Any = None
    for given, entry in (0, 0), (1, 1), (-1, -1), (nothing, -1):
        bits[np.equal(values, given).astype(bool).reshape(bits.shape)] = entry
    if (bits == -2).any():
        row, column = np.argwhere(bits == -2)[0]
        value = values.reshape(bits.shape)[row, column]
        raise ValueError(
            f"table must be 0, 1, or None or -1 where it does not matter; got {value!r} in row "
            f"{row}, column {column}"
        )
    if (bits < 0).all():
        raise ValueError("table must have a 0 or a 1 somewhere; nothing in it matters")
    K = bits.shape[1]
    outputs = ("y",) if K == 1 else tuple(f"y{k + 1}" for k in range(K))
    return bits, tuple(f"x{i + 1}" for i in range(n)), outputs


def _sizes(hidden_sizes: int | Sequence[int] | None, most: int) -> Iterator[tuple[int, ...]]:
    """The choices of hidden units in turn, in larger steps above 16."""
    if hidden_sizes is None:
        yield ()
        size = 2
        while size <= most:
            yield (size,)
            size += max(1, size // 8)
        return
    if not isinstance(hidden_sizes, Sequence):
        hidden_sizes = [] if hidden_sizes == 0 else [hidden_sizes]
    for size in hidden_sizes:
        check_positive_integer("hidden_sizes", size)
    yield tuple(int(size) for size in hidden_sizes)


def check_search(n_attempts: int, n_steps: int, seed: int, time_limit: float | None) -> None:
    """Raise ValueError, naming the argument, unless `learn` allows these."""
    check_positive_integer("n_attempts", n_attempts)
    check_positive_integer("n_steps", n_steps)
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(f"seed must be an integer >= 0; got {seed!r}")
    if time_limit is not None and not time_limit > 0:
        raise ValueError(f"time_limit must be a number of seconds > 0; got {time_limit!r}")


def _neurons(verdicts: Sequence[Verdict], least: float) -> Network:
    """One neuron for each output, with |z| ≥ least."""
    neurons = [verdict.neuron for verdict in verdicts if verdict.neuron is not None]
    gain = 1.001 * least / MARGIN
    network = Network([len(neurons[0].weights), len(neurons)], output="logistic")
    network.W[0][:] = gain * np.array([neuron.weights for neuron in neurons])
    network.b[0][:] = gain * np.array([neuron.bias for neuron in neurons])
    return network


def _rows(z: Array, table: Array, margin: float) -> tuple[Array, Array, float]:
    """The wrong rows, the rows too close to ½, and the least distance of an ŷ from ½."""
    y_hat = sigmoid(z)
    right = np.where(table < 0, np.inf, np.where(table == 1, y_hat - 0.5, 0.5 - y_hat)).min(axis=1)
    wrong = right <= 0
    return np.flatnonzero(wrong), np.flatnonzero(~wrong & (right < margin)), float(right.min())


def _tried(sizes: tuple[int, ...], count: int, outcome: Outcome) -> Tried:
    return Tried(sizes, count, outcome.n_right, outcome.n_wrong, outcome.n_steps, outcome.seconds)


def _counted(sizes: tuple[int, ...]) -> str:
    if not sizes:
        return "no hidden units"
    units = " + ".join(str(size) for size in sizes)
    return f"{units} hidden unit{'' if sizes == (1,) else 's'}"
