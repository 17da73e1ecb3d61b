"""Cells from decision diagrams: for a neuron with integer weights, and for a long truth table.

A node of a diagram is a multiplexer: one input chooses between two nodes below it. Equal nodes are
merged (Bryant 1986).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

from clearprop._typing import Array
from clearprop.circuits.gates import Neuron
from clearprop.circuits.netlist import Cell

MOST_CELLS = 50_000
Node = str | bool  # a net, or a constant


class TooLargeError(ValueError):
    """The diagram has more cells than are allowed in a circuit."""


class CellBuilder:
    """Makes cells with new names, and each cell only once."""

    def __init__(self, prefix: str, taken: set[str], most_cells: int = MOST_CELLS) -> None:
        self.cells: list[Cell] = []
        self._prefix = prefix
        self._taken = taken
        self._most = most_cells
        self._made: dict[tuple[str, tuple[str, ...]], str] = {}

    def put(self, kind: str, *inputs: str) -> str:
        """The net of a cell of this kind on these inputs; makes the cell if it is new."""
        key = (kind, inputs)
        if key not in self._made:
            if len(self.cells) >= self._most:
                raise TooLargeError(f"the logic has more than {self._most:,} cells")
            number = len(self.cells)
            while (name := f"{self._prefix}_{number}") in self._taken:
                number += 1
            self._taken.add(name)
            self._made[key] = name
            self.cells.append(Cell(name, kind, inputs))
        return self._made[key]

    def choose(self, x: str, if_0: Node, if_1: Node) -> Node:
        """`if_1` where x is 1, else `if_0`; a simpler gate than a multiplexer if possible."""
        if if_0 is if_1 or if_0 == if_1:
            return if_0
        if if_0 is False:
            return x if if_1 is True else self.put("and", x, str(if_1))
        if if_1 is True:
            return self.put("or", x, str(if_0))
        if if_1 is False:
            inverse = self.put("not", x)
            return inverse if if_0 is True else self.put("and", inverse, str(if_0))
        if if_0 is True:
            return self.put("or", self.put("not", x), str(if_1))
        return self.put("mux", x, str(if_0), str(if_1))

    def finish(self, node: Node, output: str) -> tuple[Cell, ...]:
        """All cells, with the node on the net `output`."""
        if isinstance(node, bool):
            return (Cell(output, "const1" if node else "const0", ()),)
        if self.cells and self.cells[-1].output == node:  # no other cell reads the last one
            last = self.cells[-1]
            return (*self.cells[:-1], Cell(output, last.kind, last.inputs))
        return (*self.cells, Cell(output, "buf", (node,)))


def neuron_diagram(
    neuron: Neuron, inputs: Sequence[str], build: CellBuilder
) -> tuple[int | None, int | None, Node]:
    """(low, high, node): the node is 1 where w·x ≥ threshold; low is the largest w·x below the
    threshold, high the smallest w·x that is not below it (None: there is no such x).

    The inputs are taken in the order of their weights. All thresholds between two neighbouring sums
    of the remaining inputs give the same node, so each node is stored with the interval of
    thresholds for which it is right (Abío et al., A New Look at BDDs for Pseudo-Boolean
    Constraints, JAIR 45, 2012).
    """
    order = sorted(range(len(inputs)), key=lambda i: -abs(neuron.weights[i]))
    weights = [neuron.weights[i] for i in order]
    names = [inputs[i] for i in order]
    least = [0] * (len(weights) + 1)  # the smallest and largest sum of the inputs from i on
    most = [0] * (len(weights) + 1)
    for i in range(len(weights) - 1, -1, -1):
        least[i] = least[i + 1] + min(weights[i], 0)
        most[i] = most[i + 1] + max(weights[i], 0)
    ends: list[list[int]] = [[] for _ in weights]
    found: list[list[tuple[int, int, Node]]] = [[] for _ in weights]  # low < threshold ≤ high

    def node(i: int, threshold: int) -> tuple[int | None, int | None, Node]:
        if threshold <= least[i]:
            return None, least[i], True
        if threshold > most[i]:
            return most[i], None, False
        at = bisect_left(ends[i], threshold)
        if at < len(ends[i]) and found[i][at][0] < threshold:
            return found[i][at]
        low_0, high_0, if_0 = node(i + 1, threshold)
        low_1, high_1, if_1 = node(i + 1, threshold - weights[i])
        w = weights[i]
        low = max(x for x in (low_0, None if low_1 is None else low_1 + w) if x is not None)
        high = min(x for x in (high_0, None if high_1 is None else high_1 + w) if x is not None)
        result = low, high, build.choose(names[i], if_0, if_1)
        at = bisect_left(ends[i], high)
        ends[i].insert(at, high)
        found[i].insert(at, result)
        return result

    return node(0, neuron.threshold)


def table_diagram(table: Array, features: Sequence[Sequence[str]], build: CellBuilder) -> Node:
    """The node of a function of features in thermometer code, from its value on every row.

    table: bool, one entry for each row of the domain, with the first feature as the highest digit.
    features: for each feature, the names of its bits (one bit: a plain input).
    """
    nodes: list[Node] = [False, True]
    ids = table.astype(np.int64)
    for names in reversed(features):
        children = ids.reshape(-1, len(names) + 1)
        key = children[:, 0]
        for column in children.T[1:]:
            key = np.unique(key * len(nodes) + column, return_inverse=True)[1]
        _, first, ids = np.unique(key, return_index=True, return_inverse=True)
        below = []
        for row in children[first]:
            value = nodes[row[0]]
            for name, child in zip(names, row[1:], strict=True):
                value = build.choose(name, value, nodes[child])
            below.append(value)
        nodes = below
    return nodes[int(ids[0])]
