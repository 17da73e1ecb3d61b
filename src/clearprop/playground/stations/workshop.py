"""The workshop's settings: data, network, training, and the run so far."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clearprop import optimizers, outputs
from clearprop.activations import ACTIVATIONS
from clearprop.initializers import INITIALIZERS
from clearprop.lbfgs import LBFGS
from clearprop.playground.datasets import CLASSICS, EXTENT, SCALINGS
from clearprop.playground.settings import (
    Choice,
    Choices,
    Named,
    Numbers,
    OneNumber,
    Rows,
    Text,
    check,
    setting,
)
from clearprop.tables.columns import KINDS

OUTPUTS = {
    name: outputs.OUTPUTS[name].title
    for name in (
        "logistic",
        "logistic_squared_error",
        "softmax",
        "linear",
        "absolute_error",
        "huber",
    )
}
# by name what Python calls them; L-BFGS takes no mini-batches
OPTIMIZERS = {
    name: kind.__name__ for name, kind in optimizers.OPTIMIZERS.items() if kind is not LBFGS
}
DATA = {
    **{name: classic.title for name, classic in CLASSICS.items()},
    "drawn": "Drawn points",
    "table": "Table",
}
MAX_STEPS = 10_000_000
MAX_LEGS = 200
SEED = OneNumber("seed", 0, 2**32 - 1, 1, whole=True)
POINT = (
    OneNumber("x₁", -EXTENT, EXTENT),
    OneNumber("x₂", -EXTENT, EXTENT),
    OneNumber("class", 0, 4, whole=True),
)
# Settings that may change during a run, which continues from its current weights.
DURING = ("optimizer", "learning_rate", "momentum", "batch_size", "l1", "l2", "weight_decay")


@dataclass(frozen=True)
class Workshop:
    """Everything that the numbers depend on; the rows of a table are in a file, its columns here.

    activation: one per hidden layer; the last one also applies to all later layers.
    run: the steps taken, and the changes between them; see :mod:`clearprop.playground.runs`.
    """

    data: str = setting("circles", Choice("Data", DATA))
    n: int = setting(200, OneNumber("Points", 10, 1000, 10, whole=True))
    noise: float = setting(0.1, OneNumber("Noise", 0, 1, 0.05))
    classes: int = setting(2, OneNumber("Classes", 2, 5, 1, whole=True))
    test_share: float = setting(0.5, OneNumber("Test fraction", 0, 0.9, 0.05))
    data_seed: int = setting(0, dataclasses.replace(SEED, label="Seed of the data"))
    points: tuple[tuple[float, ...], ...] = setting((), Rows("Drawn points", POINT, 1000))
    target: str = setting("", Text("Target column", 200))
    kinds: tuple[tuple[str, str], ...] = setting(
        (), Named("Kinds of columns", Choice("Kind", {k: k for k in KINDS}), 200)
    )
    scaling: str = setting("standard", Choice("Scaling", SCALINGS))
    hidden: tuple[int, ...] = setting(
        (4, 2), Numbers("Hidden layers", OneNumber("Units", 1, 16, 1, whole=True), 0, 6)
    )
    activation: tuple[str, ...] = setting(
        ("tanh",), Choices("Activations", Choice("φ", {n: n for n in ACTIVATIONS}), 1, 6)
    )
    output: str = setting("logistic", Choice("Output unit and loss", OUTPUTS))
    initializer: str = setting(
        "auto", Choice("Initial weights", {n: n for n in ("auto", *INITIALIZERS)})
    )
    dropout: float = setting(0.0, OneNumber("Dropout", 0, 0.9, 0.05))
    optimizer: str = setting("sgd", Choice("Optimiser", OPTIMIZERS))
    learning_rate: float = setting(0.03, OneNumber("Learning rate α", 1e-5, 10))
    momentum: float = setting(0.0, OneNumber("Momentum (SGD)", 0, 0.99, 0.01))
    batch_size: int = setting(10, OneNumber("Batch size", 1, 1000, 1, whole=True))
    l1: float = setting(0.0, OneNumber("L1 penalty", 0, 10, 0.0005))
    l2: float = setting(0.0, OneNumber("L2 penalty", 0, 10, 0.0005))
    weight_decay: float = setting(0.0, OneNumber("Weight decay", 0, 10, 0.001))
    seed: int = setting(0, dataclasses.replace(SEED, label="Seed of the weights"))
    run: str = setting("", Text("Run", 20_000))

    def __post_init__(self) -> None:
        check(self)
        parse_run(self.run)

    @property
    def activations(self) -> list[str]:
        """One activation per hidden layer."""
        last = len(self.activation) - 1
        return [self.activation[min(i, last)] for i in range(len(self.hidden))]


PRESETS: Mapping[str, Mapping[str, Any]] = {
    "Circles, a small network": {"data": "circles", "output": "logistic", "hidden": (4, 2)},
    "XOR without a hidden layer: impossible": {"data": "xor", "output": "logistic", "hidden": ()},
    "XOR with a hidden layer": {"data": "xor", "output": "logistic", "hidden": (4,)},
    "Spirals": {
        "data": "spirals",
        "output": "logistic",
        "hidden": (8, 8),
        "optimizer": "adam",
        "learning_rate": 0.01,
        "n": 400,
    },
    "Five classes": {"data": "blobs", "classes": 5, "output": "softmax", "hidden": (6,)},
    "Regression": {"data": "hills", "output": "linear", "hidden": (8,)},
}


@dataclass(frozen=True)
class Leg:
    """A part of a run: some changes, then a number of training steps.

    changes: settings of DURING by name, and single parameters as "W1.0.2" or "b1.0" (layers count
    from 1, units and inputs from 0).
    """

    changes: tuple[tuple[str, Any], ...] = ()
    n_steps: int = 0


PARAMETER = re.compile(r"W([1-9])\.(\d{1,3})\.(\d{1,3})|b([1-9])\.(\d{1,3})")


def parse_run(text: str) -> tuple[Leg, ...]:
    """The legs of a run: "200~W1.0.1:0.5;learning_rate:0.1;300"; ValueError for anything else.

    Legs are separated by ~. A leg has its changes and then its number of steps, separated by ;.
    """
    if not text:
        return (Leg(),)
    parts = text.split("~")
    if len(parts) > MAX_LEGS:
        raise ValueError(f"run must have at most {MAX_LEGS} legs; got {len(parts)}")
    legs = []
    for part in parts:
        *changes, steps = part.split(";")
        if not (steps.isascii() and steps.isdigit() and int(steps[:12]) <= MAX_STEPS):
            raise ValueError(f"run: a leg must end with its number of steps, at most {MAX_STEPS:,}")
        legs.append(Leg(tuple(_parse_change(c) for c in changes), int(steps[:12])))
    if sum(leg.n_steps for leg in legs) > MAX_STEPS:
        raise ValueError(f"run must have at most {MAX_STEPS:,} steps")
    return tuple(legs)


def write_run(legs: tuple[Leg, ...]) -> str:
    """The text that `parse_run` reads."""
    if legs == (Leg(),):
        return ""
    return "~".join(
        ";".join([*(f"{n}:{_write_value(n, v)}" for n, v in leg.changes), str(leg.n_steps)])
        for leg in legs
    )


def check_change(name: object, value: object) -> tuple[str, Any]:
    """A change between legs, checked; ValueError for an unknown name or an invalid value."""
    if isinstance(name, str) and name in DURING:
        kind = Workshop.__dataclass_fields__[name].metadata["kind"]
        return name, kind.check(name, value)
    if isinstance(name, str) and PARAMETER.fullmatch(name):
        return name, OneNumber(name, -1e6, 1e6).check(name, value)
    raise ValueError(f"{str(name)[:60]!r} is neither a parameter nor one of {', '.join(DURING)}")


def _parse_change(text: str) -> tuple[str, Any]:
    name, _, value = text.partition(":")
    if name in DURING:
        kind = Workshop.__dataclass_fields__[name].metadata["kind"]
        return check_change(name, kind.read(name, value))
    return check_change(name, OneNumber(name, -1e6, 1e6).read(name, value))


def _write_value(name: str, value: Any) -> str:
    return value if isinstance(value, str) else repr(value)
