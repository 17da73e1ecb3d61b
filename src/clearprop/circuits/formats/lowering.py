"""Circuits made ready for a format: only its kinds of gates, allowed names, distinct ports."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Protocol, TypeVar

from clearprop.circuits.netlist import Cell, Circuit, CircuitError

T = TypeVar("T")


class Logic(Protocol[T]):
    """AND, OR and XOR of two things, such as nets."""

    def both(self, a: T, b: T) -> T: ...
    def either(self, a: T, b: T) -> T: ...
    def differ(self, a: T, b: T) -> T: ...


def count_at_least(bits: Sequence[T], t: int, logic: Logic[T]) -> T:
    """Whether t ≥ 1 or more of the bits are 1: full adders add them up, and the sum is compared
    with t from the lowest digit on."""
    digits: list[T] = []
    column = list(bits)
    while column:
        carries: list[T] = []
        while len(column) > 1:
            a, b, *c = column[:3]
            del column[:3]
            half = logic.differ(a, b)
            if c:
                column.append(logic.differ(half, c[0]))
                carries.append(logic.either(logic.both(a, b), logic.both(half, c[0])))
            else:
                column.append(half)
                carries.append(logic.both(a, b))
        digits.append(column[0])
        column = carries
    reached: T | None = None
    for i, digit in enumerate(digits):
        if t >> i & 1:
            reached = digit if reached is None else logic.both(digit, reached)
        elif reached is not None:
            reached = logic.either(digit, reached)
    assert reached is not None
    return reached


def count_needed(cell: Cell) -> int:
    """t of a majority or at_least_t cell, which is 1 if t or more of its inputs are."""
    if cell.kind == "majority":
        return len(cell.inputs) // 2 + 1
    return int(cell.kind.removeprefix("at_least_"))


class _Cells:
    """Logic on nets, collected as a list of cells."""

    def __init__(self, fresh: Iterator[str]) -> None:
        self.fresh = fresh
        self.cells: list[Cell] = []

    def add(self, kind: str, *inputs: str) -> str:
        self.cells.append(Cell(next(self.fresh), kind, inputs))
        return self.cells[-1].output

    def both(self, a: str, b: str) -> str:
        return self.add("and", a, b)

    def either(self, a: str, b: str) -> str:
        return self.add("or", a, b)

    def differ(self, a: str, b: str) -> str:
        return self.add("xor", a, b)


def prepared(
    circuit: Circuit,
    kinds: Collection[str],
    allows: Callable[[str], bool],
    format: str,
    widest_parity: int | None = None,
) -> Circuit:
    """The same functions with cells of these kinds, which must include and, or, xor, not and buf.

    Inner nets whose names the format does not allow are renamed; CircuitError for such an input or
    output. An output that is also an input, or is listed twice, becomes a net of its own, named
    net_out. widest_parity: the most inputs that an XOR may have, if that is limited.
    """
    taken = set(circuit.nets)
    fresh = (name for i in itertools.count(1) if (name := f"n{i}") not in taken)
    for net in (*circuit.inputs, *circuit.outputs):
        if not allows(net):
            raise CircuitError(f"{format} cannot name the net {net!r}", net)
    renamed = {net: next(fresh) for net in circuit.nets if not allows(net)}
    cells: list[Cell] = []
    for cell in circuit.cells:
        inputs = tuple(renamed.get(net, net) for net in cell.inputs)
        named = Cell(renamed.get(cell.output, cell.output), cell.kind, inputs)
        cells.extend(_lowered(named, kinds, widest_parity, fresh))
    outputs: list[str] = []
    seen = set(circuit.inputs)
    for net in circuit.outputs:
        name = net
        while name in seen or (name != net and name in taken):
            name += "_out"
        if name != net:
            cells.append(Cell(name, "buf", (net,)))
            taken.add(name)
        seen.add(name)
        outputs.append(name)
    return Circuit(circuit.inputs, tuple(outputs), tuple(cells), circuit.name)


def _lowered(
    cell: Cell, kinds: Collection[str], widest_parity: int | None, fresh: Iterator[str]
) -> list[Cell]:
    """A cell, or the cells that replace it; the last of them drives its output."""
    made = _Cells(fresh)
    inputs = cell.inputs
    if cell.kind in ("xor", "xnor") and widest_parity and len(inputs) > widest_parity:
        net = inputs[0]
        for other in inputs[1:-1]:
            net = made.differ(net, other)
        return [*made.cells, Cell(cell.output, cell.kind, (net, inputs[-1]))]
    if cell.kind in kinds:
        return [cell]
    if cell.kind == "mux":
        s, a, b = inputs
        made.either(made.both(made.add("not", s), a), made.both(s, b))
    elif len(inputs) == 1:
        return [Cell(cell.output, "buf", inputs)]
    else:
        t = count_needed(cell)
        if t in (1, len(inputs)):
            return [Cell(cell.output, "or" if t == 1 else "and", inputs)]
        count_at_least(inputs, t, made)
    needed = {made.cells[-1].output}
    kept: list[Cell] = []
    for part in reversed(made.cells):
        if part.output in needed:
            needed.update(part.inputs)
            kept.append(part)
    last = kept[0]
    return [*reversed(kept[1:]), Cell(cell.output, last.kind, last.inputs)]
