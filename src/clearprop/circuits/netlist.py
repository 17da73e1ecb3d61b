"""A combinational circuit: cells between named nets, in topological order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from clearprop._typing import Array
from clearprop.circuits.gates import all_bits, find_kind
from clearprop.limits import bounded


class CircuitError(ValueError):
    """Something is wrong with a circuit.

    net: the name of the net concerned, or None. drivers: the nets whose drivers are at fault: one
    that is driven twice, or those of a cycle.
    """

    def __init__(self, message: str, net: str | None = None, drivers: Sequence[str] = ()) -> None:
        super().__init__(bounded(message))
        self.net = net
        self.drivers = tuple(drivers)


@dataclass(frozen=True)
class Cell:
    """One gate in a circuit. kind: a gate with one output, see `gate`; inputs: names of nets."""

    output: str
    kind: str
    inputs: tuple[str, ...]


@dataclass(frozen=True)
class Circuit:
    """A combinational circuit. Its nets are its inputs and the outputs of its cells.

    inputs, outputs: names of nets; an output may also be an input, and may appear twice. cells: in
    any order; they are sorted topologically, each cell after the cells whose outputs it reads.
    Raises CircuitError for a cycle, a net that is not driven or is driven more than once, a cell of
    an unknown kind, and a cell with a number of inputs that its kind cannot have.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    cells: tuple[Cell, ...]
    name: str = "circuit"

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", tuple(self.inputs))
        object.__setattr__(self, "outputs", tuple(self.outputs))
        object.__setattr__(self, "cells", _in_order(self.inputs, self.outputs, tuple(self.cells)))

    @cached_property
    def nets(self) -> tuple[str, ...]:
        """The inputs, then the outputs of the cells, in order."""
        return (*self.inputs, *(cell.output for cell in self.cells))

    @cached_property
    def level(self) -> dict[str, int]:
        """For each net, the greatest number of cells on a path to it from an input."""
        level = dict.fromkeys(self.inputs, 0)
        for cell in self.cells:
            level[cell.output] = 1 + max((level[net] for net in cell.inputs), default=0)
        return level

    @property
    def depth(self) -> int:
        """The greatest number of cells on a path from an input to an output."""
        return max((self.level[net] for net in self.outputs), default=0)

    @property
    def fan_in(self) -> int:
        """The greatest number of inputs of a cell."""
        return max((len(cell.inputs) for cell in self.cells), default=0)

    def evaluate(self, bits: npt.ArrayLike) -> Array:
        """The outputs, bool (N, outputs), for bits (N, inputs), by the logic of the cells.

        Raises ValueError for another shape and for values other than 0 and 1.
        """
        return self._read(self.outputs, bits)

    def evaluate_nets(self, bits: npt.ArrayLike) -> Array:
        """All nets, bool (N, nets), in the order of `nets`."""
        return self._read(self.nets, bits)

    def truth_table(self) -> Array:
        """Bits (2^inputs, inputs + outputs), counting up with the first input as the highest digit;
        ValueError for more than 24 inputs."""
        bits = all_bits(len(self.inputs))
        return np.column_stack([bits, self.evaluate(bits)]).astype(np.uint8)

    def words(self, inputs: Sequence[Array]) -> dict[str, Array]:
        """The word of each net from one word for each input; the bits of a word are independent
        cases.

        inputs: arrays of unsigned integers, or of bool, all of one shape. A circuit without inputs
        needs one array too, of which only the shape counts.
        """
        value = dict(zip(self.inputs, inputs, strict=False))
        for cell in self.cells:
            x = [value[net] for net in cell.inputs] or [inputs[0]]
            (value[cell.output],) = find_kind(cell.kind).logic(x)
        return value

    def cone(self, outputs: Iterable[str]) -> Circuit:
        """The part of the circuit that these nets depend on: all its inputs, and these nets as
        outputs.

        Raises CircuitError for a net that the circuit does not have.
        """
        outputs = tuple(outputs)
        for net in outputs:
            if net not in self.level:
                raise CircuitError(f"there is no net {_shown(net)} in {self.name}", net)
        needed = set(outputs)
        kept = []
        for cell in reversed(self.cells):
            if cell.output in needed:
                needed.update(cell.inputs)
                kept.append(cell)
        return Circuit(self.inputs, outputs, tuple(reversed(kept)), self.name)

    def _read(self, nets: Sequence[str], bits: npt.ArrayLike) -> Array:
        bits = as_bits(bits, len(self.inputs))
        n = len(bits)
        packed = np.zeros((len(self.inputs), -(-n // 64) * 8), np.uint8)
        packed[:, : -(-n // 8)] = np.packbits(bits.T, axis=1)
        words = packed.view(np.uint64)
        value = self.words(list(words) or [np.zeros(words.shape[1], np.uint64)])
        out = np.empty((n, len(nets)), bool)
        for i, net in enumerate(nets):
            out[:, i] = np.unpackbits(value[net].view(np.uint8), count=n)
        return out


def as_bits(bits: npt.ArrayLike, n: int, argument: str = "bits") -> Array:
    """`bits` as bool (N, n); ValueError for another shape and for values other than 0 and 1."""
    array = np.asarray(bits)
    if array.ndim != 2 or array.shape[1] != n:
        raise ValueError(f"{argument} must have shape (N, {n}); got {array.shape}")
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{argument} must be 0 or 1; got {array.dtype} entries")
    if array.dtype != bool:
        wrong = ~np.isin(array, (0, 1))
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            raise ValueError(
                f"{argument} must be 0 or 1; got {array[row, column]} in row {row}, column {column}"
            )
    return array.astype(bool)


def _drivers(
    inputs: tuple[str, ...], outputs: tuple[str, ...], cells: tuple[Cell, ...]
) -> dict[str, Cell | None]:
    """The cell that drives each net, None for an input; CircuitError unless exactly one does."""
    driver: dict[str, Cell | None] = {}
    for net in inputs:
        if net in driver:
            raise CircuitError(f"the input {_shown(net)} is listed twice", net)
        driver[net] = None
    for cell in cells:
        net = cell.output
        if net in driver:
            other = driver[net]
            what = "it is an input" if other is None else f"also by {_described(other)}"
            message = f"the net {_shown(net)} is driven by {_described(cell)}, but {what}"
            raise CircuitError(message, net, (net,))
        driver[net] = cell
        try:
            kind = find_kind(cell.kind)
        except ValueError as error:
            raise CircuitError(f"the net {_shown(net)}: {error}", net) from None
        fault = f"the net {_shown(net)} is driven by {_described(cell)}"
        if len(kind.outputs) != 1:
            raise CircuitError(f"{fault}, a gate with several outputs", net)
        if not kind.allows(len(cell.inputs)):
            raise CircuitError(f"{fault}, whose number of inputs must be {kind.arities()}", net)
    for net in outputs:
        if net not in driver:
            raise CircuitError(f"the output {_shown(net)} is not driven", net)
    return driver


def _in_order(
    inputs: tuple[str, ...], outputs: tuple[str, ...], cells: tuple[Cell, ...]
) -> tuple[Cell, ...]:
    """The cells in topological order, found depth first."""
    driver = _drivers(inputs, outputs, cells)
    done = set(inputs)
    order: list[Cell] = []
    for start in cells:
        if start.output in done:
            continue
        path = [(start, iter(start.inputs))]  # from `start` down to the cell that it waits for
        entered = {start.output}
        while path:
            cell, left = path[-1]
            net = next((net for net in left if net not in done), None)
            if net is None:
                done.add(cell.output)
                order.append(cell)
                path.pop()
                continue
            below = driver.get(net)
            if below is None:
                raise CircuitError(
                    f"the net {_shown(net)}, an input of {_described(cell)}, is not driven", net
                )
            if net in entered:
                loop = _cycle([c for c, _ in path], net)
                raise CircuitError(f"there is a cycle: {_arrows(loop)}", net, loop)
            entered.add(net)
            path.append((below, iter(below.inputs)))
    return tuple(order)


def _cycle(cells: list[Cell], net: str) -> list[str]:
    """The nets from `net` on, in the direction of the signal, which leads back to `net`."""
    path = [cell.output for cell in cells]
    return [net, *reversed(path[path.index(net) + 1 :])]


def _arrows(loop: list[str]) -> str:
    shown = [*map(_clipped, loop), _clipped(loop[0])]
    if len(shown) > 8:
        shown = [*shown[:6], f"… {len(shown) - 7} more …", shown[-1]]
    return " → ".join(shown)


def _clipped(net: str) -> str:
    return net if len(net) <= 60 else f"{net[:59]}…"


def _shown(net: str) -> str:
    return repr(_clipped(net))


def _described(cell: Cell) -> str:
    """A cell as an error shows it, with its first inputs."""
    inputs = ", ".join(map(_clipped, cell.inputs[:4])) + (", …" if len(cell.inputs) > 4 else "")
    many = f" of {len(cell.inputs):,} inputs" if len(cell.inputs) > 4 else ""
    return f"{cell.kind}({inputs}){many}"
