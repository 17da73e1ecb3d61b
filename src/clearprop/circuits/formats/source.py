"""What the readers of circuits share: text with the lines of errors, and the making of cells."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from clearprop.circuits.netlist import Cell, Circuit, CircuitError

SPARE = 2**20  # how many nets and cells a file may stand for, besides one for each byte of it


def decode(data: str | bytes) -> str:
    """Text from UTF-8, else from Latin-1; without a byte order mark, lines ending in \\n."""
    if isinstance(data, str):
        text = data
    else:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            text = data.decode("latin-1")
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def shown(token: str) -> str:
    """A token as an error shows it."""
    if not token:
        return "end of file"
    return repr(token if len(token) <= 40 else token[:37] + "…")


def clipped(message: str) -> str:
    """A message without its middle, where names of nets make it very long."""
    return message if len(message) <= 600 else f"{message[:400]} … {message[-150:]}"


class Builder:
    """The cells of one file while it is read.

    file: its name in errors. text: all of it, so that new nets get names that do not occur in it.
    line: the line of a place, where places are not lines. size: of the file, where it is not text.
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
        self._inverse: dict[str, str] = {}
        self._constants: dict[str, str] = {}  # by kind
        self._values: dict[str, int] = {}  # 0 or 1 of the nets in it
        used = {len(run) for run in re.findall(r"(?<![^\W_])n(_*)(?=\d)", text)}
        self._prefix = "n" + "_" * next(k for k in range(len(used) + 1) if k not in used)
        self._n_fresh = 0
        self._left = SPARE + (len(text) if size is None else size)

    def error(self, at: int, message: str, net: str | None = None) -> CircuitError:
        """A CircuitError with file and line before the message."""
        return CircuitError(f"{self.file}:{self.line(at)}: {clipped(message)}", net)

    def spend(self, n: int, at: int) -> None:
        """Counts n more nets or cells; CircuitError when a small file stands for very many."""
        self._left -= n
        if self._left < 0:
            raise self.error(
                at, f"the circuit is too large for its file: more than {SPARE:,} nets and cells"
            )

    def fresh(self) -> str:
        """A name that occurs nowhere in the file."""
        self._n_fresh += 1
        return f"{self._prefix}{self._n_fresh}"

    def add(self, kind: str, inputs: Sequence[str], output: str, at: int) -> str:
        """The cell as it is; returns its output."""
        self._left -= 1
        if self._left < 0:
            self.spend(0, at)
        where = self.where
        where.setdefault(output, at)
        for net in inputs:
            where.setdefault(net, at)
        self.cells.append(Cell(output, kind, tuple(inputs)))
        if kind == "not" and inputs:
            self._inverse.setdefault(inputs[0], output)
        return output

    def constant(self, value: int, at: int, output: str | None = None) -> str:
        """The net that is always 0 or always 1: one for the circuit, where no output is given."""
        kind = f"const{value}"
        if output is not None:
            return self.add(kind, (), output, at)
        if kind not in self._constants:
            self._constants[kind] = self.add(kind, (), self.fresh(), at)
            self._values[self._constants[kind]] = value
        return self._constants[kind]

    def invert(self, net: str, at: int, output: str | None = None) -> str:
        """NOT of a net: one cell for the circuit, where no output is given."""
        if net in self._values:
            return self.constant(1 - self._values[net], at, output)
        if output is not None:
            return self.add("not", (net,), output, at)
        return self._inverse.get(net) or self.add("not", (net,), self.fresh(), at)

    def gate(self, kind: str, inputs: Sequence[str], at: int, output: str | None = None) -> str:
        """buf, and, or, xor, nand, nor, xnor, or mux (s, a, b), simplified where constants make
        that possible; for one input it is a wire, or NOT."""
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
            return "mux", inputs  # a constant branch stays
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
        """The circuit, without constants of its own that nothing reads any more; errors about a net
        get the file and the line that first names it."""
        idle = set(self._constants.values())
        if idle:
            idle -= {*outputs, *(net for cell in self.cells for net in cell.inputs)}
        cells = tuple(cell for cell in self.cells if cell.output not in idle)
        try:
            return Circuit(tuple(inputs), tuple(outputs), cells, name)
        except CircuitError as error:
            at = self.where.get(error.net) if error.net is not None else None
            place = self.file if at is None else f"{self.file}:{self.line(at)}"
            raise CircuitError(f"{place}: {clipped(str(error))}", error.net) from None
