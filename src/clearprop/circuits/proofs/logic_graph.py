"""A circuit as a graph of two-input AND and XOR nodes, in which equal structure is one node.

The literal 2·node is the node's output and 2·node + 1 its complement; node 0 is the constant 0, and
the inputs come next. Two circuits in one graph share all nodes that are built alike, so outputs
with the same structure are the same literal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from clearprop._typing import Array
from clearprop.circuits.netlist import Circuit

FALSE, TRUE = 0, 1
INPUT, AND, XOR = 0, 1, 2


@dataclass
class LogicGraph:
    """Nodes in topological order: node i is INPUT, or AND or XOR of the literals left[i], right[i].

    A graph grows: `add` adds a circuit to it.
    """

    n_inputs: int
    kinds: list[int] = field(init=False)
    left: list[int] = field(init=False)
    right: list[int] = field(init=False)
    _known: dict[tuple[int, int, int], int] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.kinds = [INPUT] * (self.n_inputs + 1)
        self.left = [FALSE] * (self.n_inputs + 1)
        self.right = [FALSE] * (self.n_inputs + 1)

    @property
    def inputs(self) -> list[int]:
        """The literals of the inputs."""
        return [2 * (i + 1) for i in range(self.n_inputs)]

    def add(self, circuit: Circuit, inputs: Sequence[int]) -> list[int]:
        """The literals of the circuit's outputs, from a literal for each of its inputs."""
        value = dict(zip(circuit.inputs, inputs, strict=True))
        for cell in circuit.cells:
            value[cell.output] = self._cell(cell.kind, [value[net] for net in cell.inputs])
        return [value[net] for net in circuit.outputs]

    def conjunction(self, a: int, b: int) -> int:
        """The literal of a ∧ b."""
        if a > b:
            a, b = b, a
        if a == FALSE or a == b ^ 1:
            return FALSE
        if a in (TRUE, b):
            return b
        return self._node(AND, a, b)

    def disjunction(self, a: int, b: int) -> int:
        """The literal of a ∨ b."""
        return self.conjunction(a ^ 1, b ^ 1) ^ 1

    def exclusive(self, a: int, b: int) -> int:
        """The literal of a ⊕ b; the node reads both literals without complement."""
        sign = (a & 1) ^ (b & 1)
        a, b = sorted((a & ~1, b & ~1))
        if a == b:
            return FALSE ^ sign
        if a == FALSE:
            return b ^ sign
        return self._node(XOR, a, b) ^ sign

    def simulate(self, words: Sequence[Array]) -> Array:
        """The words (nodes, W), whose bits are independent cases, from the words of each input."""
        value = np.zeros((len(self.kinds), len(words[0]) if len(words) else 1), np.uint64)
        for i, word in enumerate(words):
            value[1 + i] = word
        ones = np.uint64(2**64 - 1)
        for i in range(self.n_inputs + 1, len(self.kinds)):
            a, b = self.left[i], self.right[i]
            x = value[a >> 1] ^ ones if a & 1 else value[a >> 1]
            y = value[b >> 1] ^ ones if b & 1 else value[b >> 1]
            value[i] = x & y if self.kinds[i] == AND else x ^ y
        return value

    def clauses(self, node: int) -> list[list[int]]:
        """Tseitin's clauses of a node; variable i + 1 stands for node i."""
        c = node + 1
        if node == 0:
            return [[-c]]
        a, b = variable(self.left[node]), variable(self.right[node])
        if self.kinds[node] == AND:
            return [[-c, a], [-c, b], [c, -a, -b]]
        if self.kinds[node] == XOR:
            return [[-c, a, b], [-c, -a, -b], [c, -a, b], [c, a, -b]]
        return []

    def _node(self, kind: int, a: int, b: int) -> int:
        key = (kind, a, b)
        if key not in self._known:
            self._known[key] = 2 * len(self.kinds)
            self.kinds.append(kind)
            self.left.append(a)
            self.right.append(b)
        return self._known[key]

    def _cell(self, kind: str, x: list[int]) -> int:
        if kind in ("const0", "const1"):
            return FALSE if kind == "const0" else TRUE
        if kind in ("buf", "not"):
            return x[0] ^ (kind == "not")
        if kind in ("and", "nand"):
            return self._all(x) ^ (kind == "nand")
        if kind in ("or", "nor"):
            return self._all([a ^ 1 for a in x]) ^ (kind == "or")
        if kind in ("xor", "xnor"):
            return self._odd(x) ^ (kind == "xnor")
        if kind == "mux":
            s, a, b = x
            if a == b:
                return a
            if a == b ^ 1:
                return self.exclusive(s, a)
            return self.disjunction(self.conjunction(s ^ 1, a), self.conjunction(s, b))
        t = len(x) // 2 + 1 if kind == "majority" else int(kind.removeprefix("at_least_"))
        return self._count(x, t)

    # Operands are sorted, so that their order in a file does not change the structure.

    def _all(self, x: list[int]) -> int:
        value = TRUE
        for a in sorted(set(x)):
            value = self.conjunction(value, a)
        return value

    def _odd(self, x: list[int]) -> int:
        value = FALSE
        for a in sorted(x):
            value = self.exclusive(value, a)
        return value

    def _count(self, x: list[int], t: int) -> int:
        """Whether t ≥ 1 or more of x are 1: reached[j] means that more than j were, so far."""
        reached = [FALSE] * t
        for a in sorted(x):
            for j in range(t - 1, 0, -1):
                reached[j] = self.disjunction(reached[j], self.conjunction(reached[j - 1], a))
            reached[0] = self.disjunction(reached[0], a)
        return reached[-1]


def variable(literal: int) -> int:
    """The literal in a clause: ±(i + 1) for node i."""
    return -((literal >> 1) + 1) if literal & 1 else (literal >> 1) + 1
