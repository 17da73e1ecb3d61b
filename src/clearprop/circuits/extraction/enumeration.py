"""A network on every row of a domain: its bits as packed columns, compared with a circuit."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

import numpy as np

from clearprop._typing import Array
from clearprop.circuits.extraction.decisions import decide
from clearprop.circuits.extraction.encoding import Domain, Encoding
from clearprop.circuits.extraction.exact_network import ExactNetwork, exact_network
from clearprop.circuits.netlist import Circuit, CircuitError
from clearprop.network import Network

MOST_ROWS = 2**24
CHUNK = 2**15  # rows at a time, so that the values of a layer fit the cache
MOST_PRECISE = 20_000  # rows that are decided with more digits, at a few milliseconds each
CIRCUIT_BYTES = 2**27  # of words of a circuit at a time
TIME_LIMIT = 120.0  # seconds


class OutOfTimeError(Exception):
    """The time limit was reached."""


@dataclass(frozen=True)
class Deadline:
    """When the work began, by time.perf_counter(), and how many seconds it may take."""

    start: float
    time_limit: float

    @staticmethod
    def starting(time_limit: float) -> Deadline:
        """A clock that starts now; ValueError unless time_limit > 0."""
        if not time_limit > 0:
            raise ValueError(f"time_limit must be a number of seconds > 0; got {time_limit!r}")
        return Deadline(time.perf_counter(), time_limit)

    @property
    def seconds(self) -> float:
        """The seconds since the start."""
        return time.perf_counter() - self.start

    def check(self, share: float = 1.0) -> None:
        """Raise OutOfTimeError if more than this share of the time limit has passed."""
        if self.seconds > share * self.time_limit:
            limit = share * self.time_limit
            raise OutOfTimeError(f"the time limit of {limit:g} s was reached")


@dataclass(frozen=True)
class BitColumns:
    """A network's bits on all rows of a domain, packed along the rows as uint64 (words,), with the
    first row in the lowest bit of the first word.

    hidden[l][j]: z > 0 of unit j. outputs[k]: output k. closest[l]: the least |z| of each unit.
    n_rows: the number of rows. n_precise: the rows that float64 did not decide. open_row: the first
    row that is undecided.
    """

    hidden: list[list[Array]]
    outputs: list[Array]
    closest: list[Array]
    n_rows: int
    n_precise: int
    open_row: int | None


@dataclass(frozen=True)
class Agreement:
    """Whether a circuit and a network decide the same on every input.

    verdict: "equal", "different" or "unknown". method: how it was found. n_rows: the number of
    inputs tried. n_precise: the number that needed more than float64. counterexample: the bits of
    the circuit's inputs by name; output: the name of the output that differs there. reason: why
    the verdict is "unknown".
    """

    verdict: Literal["equal", "different", "unknown"]
    method: str
    n_rows: int = 0
    n_precise: int = 0
    counterexample: dict[str, int] | None = None
    output: str | None = None
    reason: str = ""
    seconds: float = 0.0

    @property
    def equal(self) -> bool:
        """Whether agreement is proved."""
        return self.verdict == "equal"

    def __str__(self) -> str:
        took = f"{self.method}, {self.seconds:.3g} s"
        if self.verdict == "equal":
            return f"the logic equals the network ({took})"
        if self.counterexample is not None:
            bits = " ".join(f"{name}={bit}" for name, bit in self.counterexample.items())
            return f"the logic differs from the network: output {self.output!r} for {bits} ({took})"
        return f"unknown whether the logic equals the network: {self.reason} ({took})"


def agree(
    network: Network,
    circuit: Circuit,
    encoding: Encoding | None = None,
    *,
    most_rows: int = MOST_ROWS,
    time_limit: float = TIME_LIMIT,
) -> Agreement:
    """Whether the circuit's outputs are the network's decisions, for every input.

    Inputs and outputs are paired by order. The network is a function of real numbers: its weights
    are exact, σ and tanh are not rounded; `exact_network` says how its outputs are read as bits.
    Without an encoding, all 2^n inputs are tried; with an encoding, all codes that it can give (a
    network of the encoding's columns is given `encoding.values`). Each row is decided in float64
    with a proved bound on the error, or with decimals of as many digits as needed. The verdict is
    "unknown" after time_limit seconds, and for more than most_rows rows, unless random rows show a
    difference.
    Raises CircuitError if the numbers of ports differ, TypeError for a network that cannot be read
    as bits, ValueError for a time_limit that is not positive.
    """
    clock = Deadline.starting(time_limit)
    net = exact_network(network)
    domain = domain_of(network, encoding)
    for what, mine, theirs in (
        ("inputs", len(circuit.inputs), sum(domain.n_bits)),
        ("outputs", len(circuit.outputs), len(net.outputs)),
    ):
        if mine != theirs:
            raise CircuitError(f"{circuit.name} has {mine} {what}, but the network has {theirs}")
    if domain.size > most_rows:
        rows = 4096
        found = random_difference(net, circuit, domain, rows)
        seconds = clock.seconds
        method = f"{rows:,} random inputs"
        if found is not None:
            return Agreement("different", method, rows, 0, *found, seconds=seconds)
        reason = f"there are more than {most_rows:,} inputs"
        return Agreement("unknown", method, rows, reason=reason, seconds=seconds)
    try:
        found_columns = columns(net, domain, clock, hidden=False)
    except OutOfTimeError as why:
        return Agreement("unknown", "all inputs", reason=str(why), seconds=clock.seconds)
    return compare(found_columns, circuit, domain, clock)


def domain_of(network: Network, encoding: Encoding | None) -> Domain:
    """All rows that a network can be given; ValueError if the encoding does not match it."""
    D = network.sizes[0]
    if encoding is None:
        return Domain((1,) * D)
    n_bits = tuple(len(row) for row in encoding.thresholds)
    if encoding.n_bits == D:
        return Domain(n_bits)
    if len(encoding.columns) == D:
        return Domain(n_bits, encoding.values)
    raise ValueError(
        f"encoding must have as many bits or columns as the network has inputs, {D}; got "
        f"{encoding.n_bits} bits of {len(encoding.columns)} columns"
    )


def columns(net: ExactNetwork, domain: Domain, clock: Deadline, *, hidden: bool) -> BitColumns:
    """The network on all rows of the domain; OutOfTimeError if the time is not enough."""
    units = [len(layer.b) for layer in net.layers[:-1]] if hidden else []
    words = -(-domain.size // 64)
    packed = [[np.zeros(words, np.uint64) for _ in range(n)] for n in units]
    outputs = [np.zeros(words, np.uint64) for _ in net.outputs]
    closest = [np.full(n, np.inf) for n in units]
    n_precise, open_row = 0, None
    for start in range(0, domain.size, CHUNK):
        clock.check()
        stop = min(start + CHUNK, domain.size)
        found = decide(
            net,
            domain.points(domain.codes(start, stop)),
            hidden=hidden,
            most_precise=max(MOST_PRECISE - n_precise, 0),
            check=clock.check,
        )
        for layer, bits in enumerate(found.hidden):
            _put(packed[layer], bits, start)
            np.minimum(closest[layer], found.closest[layer], out=closest[layer])
        _put(outputs, found.outputs, start)
        n_precise += found.n_precise
        if len(found.open_rows):
            open_row = start + int(found.open_rows[0])
            break
    return BitColumns(packed, outputs, closest, domain.size, n_precise, open_row)


def compare(found: BitColumns, circuit: Circuit, domain: Domain, clock: Deadline) -> Agreement:
    """Whether the circuit's outputs equal the network's columns; "unknown" if time runs out."""
    rows = f"all {found.n_rows:,} inputs"
    if set(domain.n_bits) != {1}:
        rows += " that the encoding can give"
    if found.n_precise:
        rows += f", {found.n_precise:,} of them in decimals"
    counts = (found.n_rows, found.n_precise)
    if found.open_row is not None:
        bits = domain.bits(domain.codes(found.open_row, found.open_row + 1))[0]
        where = " ".join(f"{name}={bit:d}" for name, bit in zip(circuit.inputs, bits, strict=True))
        reason = f"an output or a hidden unit is too close to its threshold for {where}"
        return Agreement("unknown", rows, *counts, reason=reason, seconds=clock.seconds)
    step = max(CHUNK, CIRCUIT_BYTES // (8 * max(len(circuit.nets), 1)) * 64 // CHUNK * CHUNK)
    step = min(step, 2**20)
    for first in range(0, found.n_rows, step):
        try:
            clock.check()
        except OutOfTimeError as why:
            reason = f"{why}, after {first:,} of them"
            return Agreement("unknown", rows, *counts, reason=reason, seconds=clock.seconds)
        last = min(first + step, found.n_rows)
        bits = domain.bits(domain.codes(first, last))
        inputs = list(pack(bits))
        value = circuit.words(inputs or [np.zeros(-(-(last - first) // 64), np.uint64)])
        for net, theirs in zip(circuit.outputs, found.outputs, strict=True):
            words = theirs[first // 64 : -(-last // 64)]
            wrong = np.flatnonzero(unpack(value[net] ^ words, last - first))
            if len(wrong):
                named = _named(circuit, bits[wrong[0]])
                return Agreement("different", rows, *counts, named, net, seconds=clock.seconds)
    return Agreement("equal", rows, *counts, seconds=clock.seconds)


def random_difference(
    net: ExactNetwork, circuit: Circuit, domain: Domain, n: int
) -> tuple[dict[str, int], str] | None:
    """A counterexample among n random rows, and the output that differs."""
    codes = domain.random_codes(n, np.random.default_rng(0))
    bits = domain.bits(codes)
    found = decide(net, domain.points(codes), hidden=False, most_precise=200)
    wrong = found.outputs != circuit.evaluate(bits)
    wrong[found.open_rows] = False
    if not wrong.any():
        return None
    row, k = np.argwhere(wrong)[0]
    return _named(circuit, bits[row]), circuit.outputs[k]


def pack(bits: Array) -> Array:
    """Columns of bits (N, n) as words (n, ⌈N/64⌉), the first row in the lowest bit."""
    N, n = bits.shape
    packed = np.zeros((n, -(-N // 64) * 8), np.uint8)
    packed[:, : -(-N // 8)] = np.packbits(bits, axis=0, bitorder="little").T
    return packed.view("<u8").astype(np.uint64)


def unpack(words: Array, n: int) -> Array:
    """The first n bits of words, as bool."""
    raw = words.astype("<u8").view(np.uint8)
    return np.unpackbits(raw, count=n, bitorder="little").view(bool)


def _put(into: list[Array], bits: Array, start: int) -> None:
    for words, column in zip(into, pack(bits), strict=True):
        words[start // 64 : start // 64 + len(column)] = column


def _named(circuit: Circuit, bits: Array) -> dict[str, int]:
    return {name: int(bit) for name, bit in zip(circuit.inputs, bits, strict=True)}
