"""Gates as data: the logic of each, and the threshold neurons that compute it.

A neuron of integer weights w and threshold T is 1 where w·x ≥ T. Its soft form, for a gain g, is
the lecture's sigmoid neuron with the bias as threshold:

    h = σ(g (w·x + b)),  b = ½ − T

so that g (w·x + b) is at least g/2 away from 0 for all bits x: the margin is ½. A gate that is not
a threshold function (XOR, MUX, the adders) has several neurons; each reads the gate's inputs and
the neurons before it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_, xor

import numpy as np
import numpy.typing as npt

from clearprop._typing import Array
from clearprop.activations import sigmoid

MARGIN = 0.5


@dataclass(frozen=True)
class Neuron:
    """1 where w·x ≥ threshold, or softly σ(g (w·x + b)).

    weights: one integer for each input of the gate, then one for each earlier neuron of the gate.
    """

    weights: tuple[int, ...]
    threshold: int

    @property
    def bias(self) -> float:
        """b = ½ − threshold."""
        return MARGIN - self.threshold


@dataclass(frozen=True)
class Gate:
    """One gate: the names of its inputs and outputs, its logic, and the neurons that compute it.

    kind: the name in GATES. neurons: in the order of evaluation. output_neurons: the indices of the
    neurons that are the outputs.
    """

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    logic: Callable[[Sequence[Array]], tuple[Array, ...]]
    neurons: tuple[Neuron, ...]
    output_neurons: tuple[int, ...]

    @property
    def arity(self) -> int:
        """The number of inputs."""
        return len(self.inputs)

    @property
    def weights(self) -> Array:
        """w (arity,) of a gate that is one neuron; ValueError for a gate of several neurons."""
        return np.array(self._neuron.weights, dtype=np.float64)

    @property
    def bias(self) -> float:
        """b of a gate that is one neuron; ValueError for a gate of several neurons."""
        return self._neuron.bias

    @property
    def margin(self) -> float:
        """The least |w·x + b| over all bits x and all neurons of the gate."""
        k = self.arity
        if all(
            len(set(n.weights[:k])) == 1 for n in self.neurons
        ):  # only the number of ones matters
            x = np.tri(k + 1, k, -1)
        else:
            x = all_bits(k)
        wires = np.hstack([x, self._activations(x)])
        return min(
            float(np.abs(wires[:, : len(n.weights)] @ np.array(n.weights) + n.bias).min())
            for n in self.neurons
        )

    @property
    def truth_table(self) -> Array:
        """Bits (2^arity, arity + outputs): all inputs, counting up with the first input as the
        highest digit, and then the outputs by the gate's logic; ValueError above 24 inputs.
        """
        if self.arity > 24:
            raise ValueError(f"{self.kind} of {self.arity} inputs: a table has at most 2^24 rows")
        x = all_bits(self.arity)
        outputs = self.logic(list(x.T)) if self.arity else self.logic([np.zeros(1, bool)])
        return np.column_stack([x, *outputs]).astype(np.uint8)

    def evaluate(self, x: npt.ArrayLike, gain: float | None = None) -> Array:
        """The outputs (N, outputs) of the neurons for inputs x (N, arity).

        gain: g > 0 gives soft outputs between 0 and 1, and the inputs may be soft as well; None
        gives the hard threshold, as bool.
        """
        x = np.asarray(x, dtype=np.float64)
        if x.ndim != 2 or x.shape[1] != self.arity:
            raise ValueError(f"x must have shape (N, {self.arity}) for {self.kind}; got {x.shape}")
        if gain is not None and not gain > 0:
            raise ValueError(f"gain must be positive or None; got {gain!r}")
        h = self._activations(x, gain)[:, list(self.output_neurons)]
        return h if gain is not None else h.astype(bool)

    def _activations(self, x: Array, gain: float | None = None) -> Array:
        """h (N, neurons) of all neurons."""
        wires = x.astype(np.float64)
        for neuron in self.neurons:
            z = wires @ np.array(neuron.weights, dtype=np.float64) + neuron.bias
            h = (z > 0).astype(np.float64) if gain is None else sigmoid(gain * z)
            wires = np.column_stack([wires, h])
        return wires[:, x.shape[1] :]

    @property
    def _neuron(self) -> Neuron:
        if len(self.neurons) != 1:
            raise ValueError(
                f"{self.kind} of {self.arity} inputs is {len(self.neurons)} neurons: see .neurons"
            )
        return self.neurons[0]


@dataclass(frozen=True)
class GateKind:
    """A row of the table of gates, for every number of inputs that is allowed.

    logic(x): the outputs from the inputs. Each is an array of bool, or of integers whose bits are
    independent cases. neurons(k): the neurons for k inputs.
    """

    logic: Callable[[Sequence[Array]], tuple[Array, ...]]
    neurons: Callable[[int], tuple[Neuron, ...]]
    least: int = 1
    most: int | None = None
    odd: bool = False
    outputs: tuple[str, ...] = ("y",)
    output_neurons: tuple[int, ...] = (-1,)
    inputs: tuple[str, ...] = ()  # their names, unless they are x1, x2, …

    def allows(self, arity: int) -> bool:
        """Whether a gate of this kind can have that many inputs."""
        most = arity if self.most is None else self.most
        return self.least <= arity <= most and (arity % 2 == 1 or not self.odd)

    def arities(self) -> str:
        """The numbers of inputs that are allowed, in words."""
        if self.most == self.least:
            return str(self.least)
        odd = ", an odd number" if self.odd else ""
        return f"{self.least} or more{odd}" if self.most is None else f"{self.least} … {self.most}"


def _one(weight: int, threshold: Callable[[int], int]) -> Callable[[int], tuple[Neuron, ...]]:
    return lambda k: (Neuron((weight,) * k, threshold(k)),)


def _parity(k: int, *, odd: bool) -> tuple[Neuron, ...]:
    """Σx − 2 Σ_j [Σx ≥ j] over even j is 1 for an odd number of ones and 0 for an even one."""
    even = range(2, k + 1, 2)
    hidden = tuple(Neuron((1,) * k + (0,) * i, j) for i, j in enumerate(even))
    weights = (1,) * k + (-2,) * len(even)
    last = Neuron(weights, 1) if odd else Neuron(tuple(-w for w in weights), 0)
    return (*hidden, last)


def at_least(t: int) -> GateKind:
    """The gate that is 1 if t or more of its inputs are 1: the kind "at_least_t"."""
    return GateKind(lambda x: (_count(x, t),), _one(1, lambda k: t), least=t)


def _count(x: Sequence[Array], t: int) -> Array:
    """Whether t or more of x are 1, bit by bit: sums them in binary and compares the digits."""
    digits = [np.zeros_like(x[0]) for _ in range(max(t, len(x)).bit_length())]
    for bit in x:
        carry = bit
        for j, digit in enumerate(digits):
            digits[j] = digit ^ carry
            carry = digit & carry
    least = ~np.zeros_like(x[0])  # whether the sum's digits up to j are at least t's digits up to j
    for j, digit in enumerate(digits):
        least = digit & least if t >> j & 1 else digit | least
    return least


def _all(x: Sequence[Array]) -> Array:
    return reduce(and_, x)


def _any(x: Sequence[Array]) -> Array:
    return reduce(or_, x)


def _odd(x: Sequence[Array]) -> Array:
    return reduce(xor, x)


_CARRY_OF_2, _CARRY_OF_3 = Neuron((1, 1), 2), Neuron((1, 1, 1), 2)

GATES: dict[str, GateKind] = {
    "const0": GateKind(lambda x: (np.zeros_like(x[0]),), _one(0, lambda k: 1), 0, 0),
    "const1": GateKind(lambda x: (~np.zeros_like(x[0]),), _one(0, lambda k: 0), 0, 0),
    "buf": GateKind(lambda x: (x[0],), _one(1, lambda k: 1), 1, 1),
    "not": GateKind(lambda x: (~x[0],), _one(-1, lambda k: 0), 1, 1),
    "and": GateKind(lambda x: (_all(x),), _one(1, lambda k: k)),
    "or": GateKind(lambda x: (_any(x),), _one(1, lambda k: 1)),
    "nand": GateKind(lambda x: (~_all(x),), _one(-1, lambda k: 1 - k)),
    "nor": GateKind(lambda x: (~_any(x),), _one(-1, lambda k: 0)),
    "xor": GateKind(lambda x: (_odd(x),), lambda k: _parity(k, odd=True)),
    "xnor": GateKind(lambda x: (~_odd(x),), lambda k: _parity(k, odd=False)),
    "majority": GateKind(
        lambda x: (_count(x, len(x) // 2 + 1),), _one(1, lambda k: k // 2 + 1), odd=True
    ),
    "mux": GateKind(
        lambda x: ((~x[0] & x[1]) | (x[0] & x[2]),),
        lambda k: (Neuron((-1, 1, 0), 1), Neuron((1, 0, 1, 0), 2), Neuron((0, 0, 0, 1, 1), 1)),
        3,
        3,
        inputs=("s", "a", "b"),
    ),
    "half_adder": GateKind(
        lambda x: (x[0] ^ x[1], x[0] & x[1]),
        lambda k: (_CARRY_OF_2, Neuron((1, 1, -2), 1)),
        2,
        2,
        outputs=("sum", "carry"),
        output_neurons=(1, 0),
        inputs=("a", "b"),
    ),
    "full_adder": GateKind(
        lambda x: (_odd(x), _count(x, 2)),
        lambda k: (_CARRY_OF_3, Neuron((1, 1, 1, -2), 1)),
        3,
        3,
        outputs=("sum", "carry"),
        output_neurons=(1, 0),
        inputs=("a", "b", "carry_in"),
    ),
}


def find_kind(kind: str) -> GateKind:
    """The row of GATES of that name, or the row for "at_least_t"; ValueError for any other name."""
    if isinstance(kind, str):
        if kind in GATES:
            return GATES[kind]
        counted = re.fullmatch(r"at_least_([1-9][0-9]{0,5})", kind)
        if counted:
            return at_least(int(counted[1]))
    raise ValueError(f"kind must be one of {', '.join(GATES)} or at_least_<t>; got {kind!r}")


def gate(kind: str, arity: int) -> Gate:
    """A gate of `arity` inputs: "and", "or", "nand", "nor", "xor", "xnor" or "at_least_<t>" of any
    number, "majority" of an odd number, "not", "buf", "mux" (s, a, b), "half_adder", "full_adder".

    The lecture's soft OR gate is one sigmoid neuron, h = σ(g (x₁ + x₂ − ½)), "the bias as a
    threshold, w₁ and w₂ large positive values":

    >>> soft_or = gate("or", 2)
    >>> print(soft_or.weights, soft_or.bias)
    [1. 1.] -0.5
    >>> x = soft_or.truth_table[:, :2]
    >>> for (x_1, x_2, t), h in zip(soft_or.truth_table, soft_or.evaluate(x, gain=10)[:, 0]):
    ...     print(x_1, x_2, t, f"{h:.4f}")
    0 0 0 0.0067
    0 1 1 0.9933
    1 0 1 0.9933
    1 1 1 1.0000

    Raises ValueError for an unknown kind, and for a number of inputs that the kind cannot have.
    Source: the lecture, Example 1; for the others Muroga, Threshold Logic and Its Applications.
    """
    row = find_kind(kind)
    if isinstance(arity, bool) or not isinstance(arity, int | np.integer) or not row.allows(arity):
        raise ValueError(f"arity of {kind} must be {row.arities()}; got {arity!r}")
    arity = int(arity)
    neurons = row.neurons(arity)
    return Gate(
        kind,
        row.inputs or tuple(f"x{i + 1}" for i in range(arity)),
        row.outputs,
        row.logic,
        neurons,
        tuple(range(len(neurons))[i] for i in row.output_neurons),
    )


def all_bits(n: int) -> Array:
    """All 2^n rows of n bits (bool), counting up, with the first column as the highest digit."""
    if not 0 <= n <= 24:
        raise ValueError(f"n must be 0 … 24, for at most 2^24 rows; got {n!r}")
    numbers = np.arange(2**n, dtype=np.uint32)
    bits = np.empty((2**n, n), bool)
    for i in range(n):  # column by column: 2^24 rows of integers would take 3 GB
        bits[:, i] = numbers & (1 << (n - 1 - i))
    return bits
