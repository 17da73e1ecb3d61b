"""Station 3: gates as sigmoid neurons, the limits of one neuron, and circuits of neurons."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clearprop.circuits import Circuit, Gate, gate, parse
from clearprop.circuits.gates import at_least, find_kind
from clearprop.playground.describe_circuits import AT_LEAST, TITLES
from clearprop.playground.settings import Choice, Numbers, OneNumber, Text, change, check, setting

MOST_ARITY = 5
MOST_INPUTS = 10  # of an expression; its truth table is shown up to MOST_TABLE of them
MOST_TABLE = 4
MOST_CELLS = 60
BIT = OneNumber("bit", 0, 1, 1, whole=True)
WEIGHT = OneNumber("w", -10, 10, 0.1)
FULL_ADDER = "s = a ^ b ^ cin; cout = a & b | cin & (a ^ b)"


@dataclass(frozen=True)
class Circuits:
    """A gate with its inputs; a truth table to try on one neuron; a circuit.

    x, bits: missing bits are 0, extra bits have no effect. w: one weight per input of the table.
    """

    gate: str = setting("or", Choice("Gate", TITLES))
    arity: int = setting(2, OneNumber("Inputs", 0, MOST_ARITY, 1, whole=True))
    t: int = setting(2, OneNumber("t, at least this many", 1, MOST_ARITY, 1, whole=True))
    gain: float = setting(10.0, OneNumber("Gain g", 0.5, 40, 0.5))
    x: tuple[int, ...] = setting((0, 1), Numbers("x, the inputs", BIT, 0, MOST_ARITY))
    epsilon: float = setting(0.0, OneNumber("ε, error of the inputs", 0, 0.45, 0.01))
    table: tuple[int, ...] = setting((0, 1, 1, 0), Numbers("Wanted output", BIT, 4, 16))
    w: tuple[float, ...] = setting((1.0, 1.0), Numbers("w, the weights", WEIGHT, 2, 4))
    b: float = setting(-0.5, OneNumber("b, the bias", -10, 10, 0.1))
    expression: str = setting(FULL_ADDER, Text("Expressions", 500))
    bits: tuple[int, ...] = setting((1, 1, 0), Numbers("Inputs of the circuit", BIT, 0, 10))

    def __post_init__(self) -> None:
        check(self)
        self.the_gate()
        if len(self.table) not in (4, 8, 16):
            raise ValueError(f"table must have 4, 8 or 16 rows; got {len(self.table)}")
        if 2 ** len(self.w) != len(self.table):
            raise ValueError(
                f"w must have one weight for each of {len(self.table).bit_length() - 1} inputs; "
                f"got {len(self.w)}"
            )
        self.circuit()

    @property
    def kind(self) -> str:
        """The name of the gate in the library."""
        return f"{AT_LEAST}_{self.t}" if self.gate == AT_LEAST else self.gate

    def the_gate(self) -> Gate:
        """The gate with its neurons; ValueError if it cannot have this number of inputs."""
        return gate(self.kind, self.arity)

    def circuit(self) -> Circuit:
        """The circuit of the expressions; a one-line ValueError if they are invalid."""
        found = parse(self.expression)
        if len(found.inputs) > MOST_INPUTS:
            raise ValueError(
                f"expression has {len(found.inputs)} inputs; at most {MOST_INPUTS} can be shown"
            )
        if len(found.cells) > MOST_CELLS:
            raise ValueError(
                f"expression has {len(found.cells)} gates; at most {MOST_CELLS} can be shown"
            )
        return found


PRESETS: Mapping[str, Mapping[str, Any]] = {
    "The lecture’s soft OR": {},
    "A gain that is too small": {"gain": 2.0, "gate": "and", "arity": 3, "x": (1, 1, 0)},
    "A gain so large that nothing learns": {"gain": 40.0},
    "XOR: two neurons": {"gate": "xor", "x": (1, 1)},
    "Majority of three": {
        "gate": "majority",
        "arity": 3,
        "x": (1, 0, 1),
        "table": (0, 0, 0, 1, 0, 1, 1, 1),
        "w": (1.0, 1.0, 1.0),
        "b": -1.5,
        "expression": "y = a & b | b & c | a & c",
        "bits": (1, 0, 1),
    },
    "Parity of three bits": {
        "gate": "xor",
        "arity": 3,
        "x": (1, 1, 1),
        "table": (0, 1, 1, 0, 1, 0, 0, 1),
        "w": (1.0, 1.0, 1.0),
        "b": -0.5,
        "expression": "y = a ^ b ^ c",
        "bits": (1, 1, 1),
    },
    "Multiplexer": {
        "gate": "mux",
        "arity": 3,
        "x": (1, 0, 1),
        "expression": "y = s ? b : a",
        "bits": (1, 0, 1),
    },
    "Half adder": {
        "gate": "half_adder",
        "x": (1, 1),
        "expression": "sum = a ^ b; carry = a & b",
        "bits": (1, 1),
    },
    "Full adder": {"gate": "full_adder", "arity": 3, "x": (1, 1, 0)},
    "A two-bit adder": {
        "gate": "full_adder",
        "arity": 3,
        "x": (1, 1, 0),
        "expression": "s0 = a0 ^ b0; c = a0 & b0; s1 = a1 ^ b1 ^ c; s2 = a1 & b1 | c & (a1 ^ b1)",
        "bits": (1, 1, 1, 0),
    },
}


def choose(settings: Circuits, gate: object) -> Circuits:
    """Another gate, with the nearest number of inputs that it allows (the larger in a tie)."""
    kind = str(Circuits.__dataclass_fields__["gate"].metadata["kind"].check("gate", gate))
    row = at_least(settings.t) if kind == AT_LEAST else find_kind(kind)
    allowed = [k for k in range(MOST_ARITY + 1) if row.allows(k)]
    arity = min(allowed, key=lambda k: (abs(k - settings.arity), -k))
    return dataclasses.replace(settings, gate=kind, arity=arity)


def count(settings: Circuits, t: object) -> Circuits:
    """Another t for "at least t", with at least t inputs."""
    least = int(Circuits.__dataclass_fields__["t"].metadata["kind"].check("t", t))
    return dataclasses.replace(settings, t=least, arity=max(settings.arity, least))


def toggle(settings: Circuits, which: object, index: object) -> Circuits:
    """Flip one bit of x, of the circuit's inputs ("bits") or of the wanted outputs ("table")."""
    lengths = {
        "x": settings.arity,
        "bits": len(settings.circuit().inputs),
        "table": len(settings.table),
    }
    if not isinstance(which, str) or which not in lengths:
        raise ValueError(f"which must be one of {list(lengths)}; got {str(which)[:60]!r}")
    n = lengths[which]
    i = int(OneNumber("index", 0, n - 1, whole=True).check("index", index))
    bits = padded(getattr(settings, which), n)
    return change(settings, {which: tuple(bit ^ (k == i) for k, bit in enumerate(bits))})


def resize(settings: Circuits, n: object) -> Circuits:
    """A table with another number of inputs: the XOR of all, and weights of 1 for new inputs."""
    k = int(OneNumber("n", 2, 4, whole=True).check("n", n))
    table = tuple(row.bit_count() % 2 for row in range(2**k))
    w = (*settings.w[:k], *[1.0] * (k - len(settings.w)))
    return dataclasses.replace(settings, table=table, w=w)


def padded(bits: tuple[int, ...], n: int) -> tuple[int, ...]:
    """n bits; missing bits are 0."""
    return (*bits[:n], *[0] * (n - len(bits)))


def allowed_arities(settings: Circuits) -> list[int]:
    """The numbers of inputs that the gate allows here."""
    row = find_kind(settings.kind)
    return [k for k in range(MOST_ARITY + 1) if row.allows(k)]
