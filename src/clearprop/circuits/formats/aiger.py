"""AIGER, and-inverter graphs, read and written: ascii (aag) and binary (aig)."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable
from functools import reduce

from clearprop.circuits.formats.lowering import count_at_least, count_needed
from clearprop.circuits.formats.source import Builder, clipped, shown
from clearprop.circuits.netlist import Cell, Circuit, CircuitError
from clearprop.limits import SPARE_NETS

_HEADER = ("M", "I", "L", "O", "A", "B", "C", "J", "F")


class _Reader:
    """Reads the bytes of a file line by line, or byte by byte where it is binary."""

    def __init__(self, data: bytes, file: str) -> None:
        self.data, self.file, self.at, self.line = data, file, 0, 0

    def next(self) -> bytes:
        """The next line, without its end; CircuitError if there is none."""
        self.line += 1
        if self.at >= len(self.data):
            raise self.error("unexpected end of file")
        end = self.data.find(b"\n", self.at)
        end = len(self.data) if end < 0 else end
        line = self.data[self.at : end].removesuffix(b"\r")
        self.at = end + 1
        return line

    def numbers(self, count: int, what: str) -> list[int]:
        """The numbers of the next line; CircuitError unless there are `count`."""
        line = self.next()
        words = line.split(b" ")
        if len(words) != count or not all(re.fullmatch(rb"[0-9]{1,10}", w) for w in words):
            raise self.error(f"unexpected {shown(line.decode('latin-1'))}: expected {what}")
        return [int(word) for word in words]

    def delta(self) -> int:
        """A number of the binary format: seven bits to a byte, the lowest first."""
        value = shift = 0
        while True:
            if self.at >= len(self.data):
                raise self.error("unexpected end of file within the AND gates")
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
            if shift > 35:
                raise self.error("a number of the AND gates is too long")

    def error(self, message: str, net: str | None = None, line: int | None = None) -> CircuitError:
        """A CircuitError with file and line; None: the line that was read last."""
        line = max(self.line, 1) if line is None else line
        return CircuitError(f"{self.file}:{line}: {clipped(message)}", net)


def read_aiger(data: str | bytes, file: str = "aiger") -> Circuit:
    """The circuit of an AIGER file, ascii or binary, of format 1.0 or 1.9 without latches.

    Inputs and outputs have their names from the symbol table, or i0, i1, … and o0, o1, …. The nets
    in between are called n<variable>. An inverted edge becomes a NOT cell, one for each net.
    Raises CircuitError, with file and line, for latches, properties and inconsistent numbers.
    Source: Biere, The AIGER and-inverter graph format, 2007; Biere, Heljanko & Wieringa, 2011.
    """
    data = data.encode() if isinstance(data, str) else bytes(data)
    reader = _Reader(data.removeprefix(b"\xef\xbb\xbf"), file)
    binary, m, n_inputs, n_outputs, n_ands = _header(reader)
    if n_inputs + n_ands + n_outputs > SPARE_NETS + len(data):
        raise reader.error(
            f"the circuit is too large for its file: more than {SPARE_NETS:,} nets and cells, "
            "and one for each byte"
        )
    if binary:
        inputs = list(range(2, 2 * n_inputs + 2, 2))
    else:
        inputs = [reader.numbers(1, "the literal of an input")[0] for _ in range(n_inputs)]
    first = reader.line - n_inputs + 1  # the line of the first input of an ascii file
    outputs = [reader.numbers(1, "the literal of an output")[0] for _ in range(n_outputs)]
    if binary:
        gates = _binary_gates(reader, n_inputs, n_ands)
    else:
        gates = []
        for _ in range(n_ands):
            lhs, a, b = reader.numbers(3, "the three literals of an AND")
            gates.append((lhs, a, b, reader.line))
    defined = {0: 0}  # literal → the line that defines it
    places = enumerate(inputs, first)
    for line, literal in itertools.chain(places, ((gate[3], gate[0]) for gate in gates)):
        if literal in defined and literal:
            message = f"the literal {literal} is defined twice, first in line {defined[literal]}"
            raise reader.error(message, f"n{literal >> 1}", line)
        if literal % 2 or literal == 0 or literal > 2 * m:
            message = f"the literal {literal} cannot be defined"
            raise reader.error(message, f"n{literal >> 1}", line)
        defined[literal] = line
    for literal in itertools.chain(outputs, *((a, b) for _, a, b, _ in gates)):
        if literal & ~1 not in defined:
            raise reader.error(f"the literal {literal} is not driven", f"n{literal >> 1}")
    names = _symbols(reader, {"i": n_inputs, "o": n_outputs})
    return _circuit(file, len(data), inputs, outputs, gates, names)


def _header(reader: _Reader) -> tuple[bool, int, int, int, int]:
    """Whether the file is binary; M, I, O and A."""
    words = reader.next().decode("latin-1").split(" ")
    counted = words[1:]
    if words[0] not in ("aag", "aig") or not 5 <= len(counted) <= 9:
        wanted = "expected aag or aig, then M I L O A"
        raise reader.error(f"unexpected {shown(' '.join(words))}: {wanted}")
    for name, word in zip(_HEADER, counted, strict=False):
        if not re.fullmatch(r"[0-9]{1,10}", word):
            raise reader.error(f"unexpected {shown(word)}: expected {name}, a number")
    m, n_inputs, n_latches, n_outputs, n_ands = (int(word) for word in counted[:5])
    if n_latches:
        raise reader.error(f"{n_latches} latches: circuits must be combinational")
    for name, word in zip(_HEADER[5:], counted[5:], strict=False):
        if int(word):
            raise reader.error(f"{name} = {word}: properties and constraints are not supported")
    binary = words[0] == "aig"
    if n_inputs + n_ands > m or (binary and n_inputs + n_ands != m):
        raise reader.error(f"M = {m} does not match I = {n_inputs} and A = {n_ands}")
    return binary, m, n_inputs, n_outputs, n_ands


_Gate = tuple[int, int, int, int]  # literals of the output and the two inputs; the line


def _binary_gates(reader: _Reader, n_inputs: int, n_ands: int) -> list[_Gate]:
    gates: list[_Gate] = []
    for lhs in range(2 * n_inputs + 2, 2 * (n_inputs + n_ands) + 2, 2):
        a = lhs - reader.delta()
        b = a - reader.delta()
        if not lhs > a >= b >= 0:
            raise reader.error(f"the AND gate {lhs} reads {a} and {b}, which must be smaller")
        gates.append((lhs, a, b, reader.line))
    return gates


def _symbols(reader: _Reader, counts: dict[str, int]) -> dict[str, str]:
    """The names in the symbol table, by "i0", "o3", …."""
    names: dict[str, str] = {}
    while reader.at < len(reader.data):
        line = reader.next()
        if line[:1] == b"c" and line.strip() == b"c":
            break
        try:
            text = line.decode()
        except UnicodeDecodeError:
            text = line.decode("latin-1")
        place, _, name = text.partition(" ")
        number = place[1:]
        known = place[:1] in counts and number.isascii() and number.isdecimal()
        if not known or len(number) > 10 or int(number) >= counts[place[:1]] or not name:
            raise reader.error(f"unexpected {shown(text)}: expected a symbol such as 'i0 name'")
        if place in names:
            raise reader.error(f"{place} has two names")
        names[place] = name
    return names


def _circuit(
    file: str,
    size: int,
    inputs: list[int],
    outputs: list[int],
    gates: list[_Gate],
    names: dict[str, str],
) -> Circuit:
    taken = set(names.values())

    def free(name: str) -> str:
        while name in taken:
            name += "_"
        taken.add(name)
        return name

    net = {literal: names.get(f"i{k}") or free(f"i{k}") for k, literal in enumerate(inputs)}
    input_names = [net[literal] for literal in inputs]
    given = set(input_names)
    output_names = [names.get(f"o{k}") or "" for k in range(len(outputs))]
    driver = {gate[0] for gate in gates}
    for literal, name in zip(outputs, output_names, strict=True):
        if name and literal in driver and literal not in net and name not in given:
            net[literal] = name  # the AND has the name of its output
            given.add(name)
    for lhs, *_ in gates:
        if lhs not in net:
            net[lhs] = free(f"n{lhs // 2}")
    for k, name in enumerate(output_names):
        if not name:
            output_names[k] = free(f"o{k}")
    builder = Builder(file, " ".join(taken), size=2 * size)  # an AND of two bytes can need two NOTs

    def net_for(literal: int, at: int, output: str | None = None) -> str:
        if literal < 2:
            return builder.constant(literal, at, output)
        if literal & 1:
            return builder.invert(net[literal & ~1], at, output)
        return net[literal] if output is None else builder.gate("buf", [net[literal]], at, output)

    for lhs, a, b, at in gates:
        builder.gate("and", (net_for(a, at), net_for(b, at)), at, net[lhs])
    for literal, name in dict.fromkeys(zip(outputs, output_names, strict=True)):
        if net.get(literal) != name:
            net_for(literal, 1, name)
    return builder.circuit(re.sub(r"\.(aag|aig)$", "", file), input_names, output_names)


class _Graph:
    """An and-inverter graph with literals 2 v + inverted, where v = 0 is the constant 0."""

    def __init__(self, n_inputs: int) -> None:
        self.n_inputs = n_inputs
        self.gates: list[tuple[int, int]] = []
        self._known: dict[tuple[int, int], int] = {}

    def both(self, a: int, b: int) -> int:
        """AND; the same operands give the same literal."""
        a, b = max(a, b), min(a, b)
        if b == 0 or a ^ b == 1:
            return 0
        if b in (1, a):
            return a
        if (a, b) not in self._known:
            self.gates.append((a, b))
            self._known[a, b] = 2 * (self.n_inputs + len(self.gates))
        return self._known[a, b]

    def either(self, a: int, b: int) -> int:
        return self.both(a ^ 1, b ^ 1) ^ 1

    def differ(self, a: int, b: int) -> int:
        return self.both(self.both(a, b) ^ 1, self.both(a ^ 1, b ^ 1) ^ 1)

    def balanced(self, operation: Callable[[int, int], int], literals: Iterable[int]) -> int:
        """One operation over all literals, as a balanced tree."""
        row = list(literals)
        while len(row) > 1:
            pairs = [operation(a, b) for a, b in zip(row[::2], row[1::2], strict=False)]
            row = pairs + row[len(row) & ~1 :]
        return row[0]

    def cell(self, cell: Cell, x: list[int]) -> int:
        """The literal of a cell."""
        kind = cell.kind
        if kind in ("const0", "const1"):
            return int(kind[-1])
        if kind in ("buf", "not"):
            return x[0] ^ (kind == "not")
        if kind in ("and", "nand"):
            return self.balanced(self.both, x) ^ (kind == "nand")
        if kind in ("or", "nor"):
            return self.balanced(self.both, (a ^ 1 for a in x)) ^ (kind == "or")
        if kind in ("xor", "xnor"):
            return reduce(self.differ, x) ^ (kind == "xnor")
        if kind == "mux":
            s, a, b = x
            return self.either(self.both(s ^ 1, a), self.both(s, b))
        return count_at_least(x, count_needed(cell), self)


def write_aiger(circuit: Circuit, binary: bool = False) -> bytes:
    """The circuit as an and-inverter graph with a symbol table; equal ANDs are shared.

    Raises CircuitError for an input or output whose name is empty or contains a line break.
    """
    for name in (*circuit.inputs, *circuit.outputs):
        if not name or "\n" in name or "\r" in name:
            raise CircuitError(f"AIGER cannot name the net {name!r}", name)
    graph = _Graph(len(circuit.inputs))
    literal = {net: 2 * (i + 1) for i, net in enumerate(circuit.inputs)}
    for cell in circuit.cells:
        literal[cell.output] = graph.cell(cell, [literal[net] for net in cell.inputs])
    gates, outputs = _used(graph, [literal[net] for net in circuit.outputs])
    n = graph.n_inputs
    kind = "aig" if binary else "aag"
    lines = [f"{kind} {n + len(gates)} {n} 0 {len(outputs)} {len(gates)}"]
    if not binary:
        lines += [str(2 * (i + 1)) for i in range(n)]
    lines += [str(output) for output in outputs]
    body = b""
    if binary:
        body = b"".join(
            _delta(2 * (n + i + 1) - a) + _delta(a - b) for i, (a, b) in enumerate(gates)
        )
    else:
        lines += [f"{2 * (n + i + 1)} {a} {b}" for i, (a, b) in enumerate(gates)]
    symbols = [f"i{i} {net}" for i, net in enumerate(circuit.inputs)]
    symbols += [f"o{i} {net}" for i, net in enumerate(circuit.outputs)]
    symbols += ["c", " ".join(circuit.name.split())]
    return ("\n".join(lines) + "\n").encode() + body + ("\n".join(symbols) + "\n").encode()


def _used(graph: _Graph, outputs: list[int]) -> tuple[list[tuple[int, int]], list[int]]:
    """The gates that the outputs depend on, renumbered, and the outputs."""
    n = graph.n_inputs
    needed = {output >> 1 for output in outputs}
    for i in range(len(graph.gates) - 1, -1, -1):
        if n + i + 1 in needed:
            needed.update(part >> 1 for part in graph.gates[i])
    number = {v: v for v in range(n + 1)}
    gates: list[tuple[int, int]] = []
    for i, (a, b) in enumerate(graph.gates):
        if n + i + 1 in needed:
            c, d = (2 * number[part >> 1] + (part & 1) for part in (a, b))
            gates.append((max(c, d), min(c, d)))
            number[n + i + 1] = n + len(gates)
    return gates, [2 * number[output >> 1] + (output & 1) for output in outputs]


def _delta(value: int) -> bytes:
    digits = bytearray()
    while value > 127:
        digits.append(value & 127 | 128)
        value >>= 7
    digits.append(value)
    return bytes(digits)
