"""What all readers of circuits share: text with line numbers for errors, and a builder of cells."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from clearprop.circuits.netlist import Cell, Circuit, CircuitError
from clearprop.limits import NAME, NETS_PER_BYTE, SPARE_NETS

MOST_PLACES = 8  # drivers whose lines an error gives


def decode(data: str | bytes) -> str:
    """The text, from UTF-8 or else Latin-1, without a byte order mark; lines end in \\n."""
    if isinstance(data, str):
        text = data
    else:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            text = data.decode("latin-1")
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def shown(token: str) -> str:
    """A token as it appears in an error."""
    if not token:
        return "end of file"
    return repr(token if len(token) <= 40 else token[:37] + "…")


def clipped(message: str) -> str:
    """A message, without its middle if names of nets make it very long."""
    return message if len(message) <= 600 else f"{message[:400]} … {message[-150:]}"


class Builder:
    """Collects the cells of one file while it is read.

    file: the name in errors. text: the whole text; new nets get names that do not occur in it.
    line: the line of a place, if places are not lines. size: the size of a file that is not text.
    """

    def __init__(
        self,
        file: str,
        text: str,
        line: Callable[[int], int] | None = None,
        size: int | None = None,
    ) -> None:
        self.file = file
        self.line = line or (lambda at: at)
        self.cells: list[Cell] = []
        self.where: dict[str, int] = {}  # the first place of each net
        self._drivers: dict[str, int] = {}  # the place of the first cell that drives a net
        self._again: dict[str, int] = {}  # of the second
        self._inverse: dict[str, str] = {}
        self._constants: dict[str, str] = {}  # by kind
        self._values: dict[str, int] = {}  # 0 or 1 of the nets in it
        used = {len(run) for run in re.findall(r"(?<![^\W_])n(_*)(?=\d)", text)}
        self._prefix = "n" + "_" * next(k for k in range(len(used) + 1) if k not in used)
        self._n_fresh = 0
        self._left = SPARE_NETS + NETS_PER_BYTE * (len(text) if size is None else size)

    def error(self, at: int, message: str, net: str | None = None) -> CircuitError:
        """A CircuitError whose message begins with file and line."""
        return CircuitError(f"{self.file}:{self.line(at)}: {clipped(message)}", net)

    def spend(self, n: int, at: int) -> None:
        """Count n more nets or cells; CircuitError if a small file defines very many."""
        self._left -= n
        if self._left < 0:
            raise self.error(
                at,
                f"the circuit is too large for its file: more than {SPARE_NETS:,} nets and cells, "
                f"and {NETS_PER_BYTE} for each byte",
            )

    def spend_names(self, n: int, length: int, at: int) -> None:
        """Count n nets with names of `length` characters; very long names count as several."""
        self.spend(n * (1 + length // NAME), at)

    def fresh(self) -> str:
        """A name that occurs nowhere in the file."""
        self._n_fresh += 1
        return f"{self._prefix}{self._n_fresh}"

    def add(self, kind: str, inputs: Sequence[str], output: str, at: int) -> str:
        """Add a cell as it is; its output."""
        self._left -= 1 + len(inputs) // 8
        if self._left < 0:
            self.spend(0, at)
        if output in self._drivers:
            self._again.setdefault(output, at)
        else:
            self._drivers[output] = at
        where = self.where
        where.setdefault(output, at)
        for net in inputs:
            where.setdefault(net, at)
        self.cells.append(Cell(output, kind, tuple(inputs)))
        if kind == "not" and inputs:
            self._inverse.setdefault(inputs[0], output)
        return output

    def constant(self, value: int, at: int, output: str | None = None) -> str:
        """A net that is always 0 or always 1; without an output, one net for the whole circuit."""
        kind = f"const{value}"
        if output is not None:
            return self.add(kind, (), output, at)
        if kind not in self._constants:
            self._constants[kind] = self.add(kind, (), self.fresh(), at)
            self._values[self._constants[kind]] = value
        return self._constants[kind]

    def invert(self, net: str, at: int, output: str | None = None) -> str:
        """NOT of a net; without an output, one cell for the whole circuit."""
        if net in self._values:
            return self.constant(1 - self._values[net], at, output)
        if output is not None:
            return self.add("not", (net,), output, at)
        return self._inverse.get(net) or self.add("not", (net,), self.fresh(), at)

    def gate(self, kind: str, inputs: Sequence[str], at: int, output: str | None = None) -> str:
        """Add buf, and, or, xor, nand, nor, xnor, or mux (s, a, b), simplified if inputs are
        constant; with one input it becomes a wire or NOT."""
        if self._values and not self._values.keys().isdisjoint(inputs):
            kind, inputs = self._simplified(kind, list(inputs), at)
        inverted = kind in ("nand", "nor", "xnor")
        if kind == "const":
            return self.constant(int(inputs[0]), at, output)
        if len(inputs) == 1:
            if inverted or kind == "not":
                return self.invert(inputs[0], at, output)
            if output is None:
                return inputs[0]
            value = self._values.get(inputs[0])
            if value is not None:
                return self.constant(value, at, output)
            kind = "buf"
        return self.add(kind, inputs, output or self.fresh(), at)

    def _simplified(self, kind: str, inputs: list[str], at: int) -> tuple[str, list[str]]:
        values = self._values
        if kind == "mux":
            s, a, b = inputs
            if s in values:
                return "buf", [b if values[s] else a]
            return "mux", inputs  # a constant branch is kept
        if kind == "buf":
            return kind, inputs
        inverted = kind in ("nand", "nor", "xnor")
        left = [net for net in inputs if net not in values]
        ones = sum(values[net] for net in inputs if net in values)
        if kind in ("xor", "xnor"):
            if not left:
                return "const", [str((ones + inverted) % 2)]
            return ("xnor" if (ones + inverted) % 2 else "xor"), left
        decides = 0 if kind in ("and", "nand") else 1  # the value that settles the gate
        zeros = len(inputs) - len(left) - ones
        if ones if decides else zeros:
            return "const", [str(decides ^ inverted)]
        return (kind, left) if left else ("const", [str(1 - decides ^ inverted)])

    def circuit(self, name: str, inputs: Sequence[str], outputs: Sequence[str]) -> Circuit:
        """The circuit, without constants that nothing reads any more. An error about a net gets the
        file, and the line that first names the net."""
        idle = set(self._constants.values())
        if idle:
            idle -= {*outputs, *(net for cell in self.cells for net in cell.inputs)}
        cells = tuple(cell for cell in self.cells if cell.output not in idle)
        try:
            return Circuit(tuple(inputs), tuple(outputs), cells, name)
        except CircuitError as error:
            net = error.net or ""
            at = self.where.get(net)
            if error.drivers and net not in inputs:
                at = self._again.get(net, self._drivers[net])
            place = self.file if at is None else f"{self.file}:{self.line(at)}"
            message = f"{place}: {clipped(str(error))}{self._places(error.drivers, inputs)}"
            raise CircuitError(message, error.net, error.drivers) from None

    def _places(self, nets: Sequence[str], inputs: Sequence[str]) -> str:
        """The lines of the drivers of these nets, for an error."""
        if not nets:
            return ""
        first = nets[0]
        lines = [self.line(self._drivers[net]) for net in nets[:MOST_PLACES]]
        if len(nets) > 1:
            listed = ", ".join(f"{shown(n)} {line}" for n, line in zip(nets, lines, strict=False))
            more = f", … {len(nets) - MOST_PLACES} more" if len(nets) > MOST_PLACES else ""
            return f"; lines of the drivers: {listed}{more}"
        if first in self._again:
            second = self.line(self._again[first])
            if second == lines[0]:
                return f"; both drivers are in line {second}"
            return f"; the drivers are in lines {lines[0]} and {second}"
        if first in inputs:
            input_line = self.line(self.where[first])
            return f"; the input is in line {input_line}, the driver in line {lines[0]}"
        return f"; the driver is in line {lines[0]}"
