"""Station 4: forward and back-propagation of a small network, line by line, in vector form."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.activations import ACTIVATIONS
from clearprop.network import Network
from clearprop.outputs import get_output
from clearprop.playground.settings import Choice, Numbers, OneNumber, Text, check, setting
from clearprop.playground.stations import outputs
from clearprop.playground.stations.workshop import PARAMETER, SEED

MOST_UNITS, MOST_ROWS = 5, 6
MOST_EDITS = 200
OUTPUTS = outputs.UNITS
UNITS = OneNumber("units", 1, MOST_UNITS, 1, whole=True)
VALUE = OneNumber("value", -100, 100, 0.1)
WEIGHT = OneNumber("weight", -100, 100, 0.1)


@dataclass(frozen=True)
class Stepper:
    """A network, its examples, the current line, and an entry of the line's result.

    edits: parameters set by hand, "W1.0.2:0.5;b1.0:-1" (layers count from 1, units and inputs from
    0); the other parameters are drawn with the seed and rounded to hundredths. x: rows · inputs
    values, one example after another. t: rows · outputs values; for the softmax, one class per
    example. example: from 1; 0 for the whole batch. line: from 1. at: the index of an entry of the
    result; empty for none.
    """

    inputs: int = setting(2, OneNumber("Inputs D", 1, MOST_UNITS, 1, whole=True))
    hidden: tuple[int, ...] = setting((3,), Numbers("Hidden layers", UNITS, 0, 3))
    outputs: int = setting(1, OneNumber("Outputs K", 1, MOST_UNITS, 1, whole=True))
    activation: str = setting("tanh", Choice("Activation φ", {n: n for n in ACTIVATIONS}))
    output: str = setting("logistic", Choice("Output unit and loss", OUTPUTS))
    seed: int = setting(0, dataclasses.replace(SEED, label="Seed of the weights"))
    edits: str = setting("", Text("Parameters set by hand", 5000))
    x: tuple[float, ...] = setting(
        (1.0, 0.5, -0.5, 1.0, 0.0, -1.0),
        Numbers("x, the inputs", VALUE, 1, MOST_ROWS * MOST_UNITS),
    )
    t: tuple[float, ...] = setting(
        (1.0, 0.0, 1.0), Numbers("t, the targets", VALUE, 1, MOST_ROWS * MOST_UNITS)
    )
    example: int = setting(1, OneNumber("Example", 0, MOST_ROWS, 1, whole=True))
    line: int = setting(1, OneNumber("Line", 1, 60, 1, whole=True))
    at: tuple[int, ...] = setting(
        (), Numbers("Entry", OneNumber("index", 0, 100, 1, whole=True), 0, 3)
    )
    differences: str = setting(
        "off", Choice("Finite differences", {"off": "of the entry", "on": "of all entries"})
    )
    diagonal: str = setting(
        "matrix", Choice("Slopes of φ", {"vector": "as a vector", "matrix": "as a diagonal matrix"})
    )

    def __post_init__(self) -> None:
        check(self)
        if len(self.x) % self.inputs:
            raise ValueError(
                f"x must have {self.inputs} values for each example; got {len(self.x)} in total"
            )
        if self.rows > MOST_ROWS:
            raise ValueError(f"x must have at most {MOST_ROWS} examples; got {self.rows}")
        if len(self.t) != self.rows * self.targets:
            raise ValueError(
                f"t must have {self.rows * self.targets} values, {self.targets} for each example; "
                f"got {len(self.t)}"
            )
        if self.example > self.rows:
            raise ValueError(f"example must be at most {self.rows}; got {self.example}")
        if self.output == "softmax" and self.outputs < 2:
            raise ValueError("outputs must be 2 or more for the softmax; got 1")
        for place in parse_edits(self.edits):
            check_place(place, self.sizes)
        self.network().loss(self.X, self.T)  # the output unit checks the targets

    @property
    def rows(self) -> int:
        """The number of examples."""
        return len(self.x) // self.inputs

    @property
    def targets(self) -> int:
        """The number of values of t per example."""
        return 1 if self.output == "softmax" else self.outputs

    @property
    def sizes(self) -> tuple[int, ...]:
        """D, H₁, …, K."""
        return (self.inputs, *self.hidden, self.outputs)

    @property
    def X(self) -> Array:
        """All examples (N, D)."""
        return np.array(self.x).reshape(self.rows, self.inputs)

    @property
    def T(self) -> Array:
        """All targets: classes (N,), or (N, K)."""
        t = np.array(self.t)
        return t if self.output == "softmax" else t.reshape(self.rows, self.outputs)

    def network(self) -> Network:
        """The network with its rounded and edited weights."""
        theta = drawn(self.sizes, self.activation, self.output, self.seed)
        net = Network(list(self.sizes), hidden=self.activation, output=self.output, seed=self.seed)
        net.theta[:] = theta
        for place, value in parse_edits(self.edits).items():
            layer, index = position(place)
            (net.W if len(index) == 2 else net.b)[layer - 1][index] = value
        return net


@lru_cache(maxsize=256)
def drawn(sizes: tuple[int, ...], activation: str, output: str, seed: int) -> Array:
    """θ as drawn, rounded to hundredths, so that it can be followed on a blackboard."""
    net = Network(list(sizes), hidden=activation, output=output, seed=seed)
    return np.asarray(net.theta.round(2))


PRESETS: Mapping[str, Mapping[str, Any]] = {
    "One example": {},
    "A batch of three": {"example": 0},
    "Two hidden layers": {"hidden": (3, 2), "example": 1},
    "Softmax of three classes": {
        "outputs": 3,
        "output": "softmax",
        "t": (0.0, 1.0, 2.0),
        "example": 1,
    },
    "No hidden layer: logistic regression": {"hidden": (), "example": 0},
    "relu with a dead unit": {
        "activation": "relu",
        "hidden": (3,),
        "edits": "b1.0:-2;b1.1:0.1;b1.2:0.1",
    },
    "XOR by hand": {
        "activation": "logistic",
        "hidden": (2,),
        "edits": "W1.0.0:-10;W1.0.1:10;b1.0:-5;W1.1.0:10;W1.1.1:-10;b1.1:-5;"
        "W2.0.0:10;W2.0.1:10;b2.0:-5",
        "x": (0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0),
        "t": (0.0, 1.0, 1.0, 0.0),
        "example": 0,
    },
}


def parse_edits(text: str) -> dict[str, float]:
    """Values by place: "W1.0.2:0.5;b1.0:-1"; ValueError for anything else."""
    edits: dict[str, float] = {}
    for part in text.split(";") if text else []:
        place, _, value = part.partition(":")
        if not PARAMETER.fullmatch(place) or place in edits:
            raise ValueError(f"edits must look like W1.0.2:0.5 and b1.0:-1; got {part[:40]!r}")
        edits[place] = float(WEIGHT.check(place, WEIGHT.read(place, value)))
    if len(edits) > MOST_EDITS:
        raise ValueError(f"edits must be at most {MOST_EDITS}; got {len(edits)}")
    return edits


def position(place: str) -> tuple[int, tuple[int, ...]]:
    """Layer, unit and input of "W1.0.2", or layer and unit of "b1.0"."""
    layer, *index = map(int, place[1:].split("."))
    return layer, tuple(index)


def check_place(place: str, sizes: tuple[int, ...]) -> None:
    """ValueError if the network has no such parameter."""
    layer, index = position(place)
    if layer >= len(sizes) or any(
        i >= n for i, n in zip(index, (sizes[layer], sizes[layer - 1]), strict=False)
    ):
        raise ValueError(f"edits: the network has no parameter {place}")


# ---- actions -------------------------------------------------------------------------------------


def edit(settings: Stepper, name: object, value: object) -> Stepper:
    """Change one weight or bias ("W1.0.2"), input ("x.n.i") or target ("t.n.k")."""
    text = str(name)[:40]
    if PARAMETER.fullmatch(text):
        check_place(text, settings.sizes)
        edits = {**parse_edits(settings.edits), text: float(WEIGHT.check(text, value))}
        written = ";".join(f"{place}:{WEIGHT.write(v)}" for place, v in edits.items())
        return dataclasses.replace(settings, edits=written)
    letter, *index = text.split(".")
    widths = {"x": settings.inputs, "t": settings.targets}
    if letter not in widths or len(index) != 2 or not all(i.isdecimal() for i in index):
        raise ValueError(f"name must look like W1.0.2, b1.0, x.0.1 or t.0.0; got {text!r}")
    n, k = map(int, index)
    if n >= settings.rows or k >= widths[letter]:
        raise ValueError(f"there is no entry {text}")
    number = float(VALUE.check(text, value))
    values = list(settings.x if letter == "x" else settings.t)
    values[n * widths[letter] + k] = number
    if letter == "x":
        return dataclasses.replace(settings, x=tuple(values))
    return dataclasses.replace(settings, t=tuple(values))


def shape(settings: Stepper, **sizes: object) -> Stepper:
    """Another network or number of examples: inputs, hidden, outputs, activation, output, rows.

    Examples keep their values; new entries are 0. Edits of removed parameters are dropped.
    """
    rows = sizes.pop("rows", settings.rows)
    n = int(OneNumber("rows", 1, MOST_ROWS, 1, whole=True).check("rows", rows))
    known = Stepper.__dataclass_fields__
    new: dict[str, Any] = {
        name: getattr(settings, name)
        for name in ("inputs", "hidden", "outputs", "activation", "output")
    }
    for name, value in sizes.items():
        if name not in new:
            raise ValueError(
                f"there is no size {name[:40]!r}; the sizes are {', '.join(new)}, rows"
            )
        new[name] = known[name].metadata["kind"].check(name, value)
    if new["output"] == "softmax":
        new["outputs"] = max(2, new["outputs"])
    X = np.zeros((n, new["inputs"]))
    kept = settings.X[:n, : new["inputs"]]
    X[: len(kept), : kept.shape[1]] = kept
    net_sizes = (new["inputs"], *new["hidden"], new["outputs"])
    edits = [part for part in settings.edits.split(";") if part and _fits(part, net_sizes)]
    t = _targets(settings, new["output"], new["outputs"], n)
    return dataclasses.replace(
        settings,
        **new,
        x=tuple(X.ravel().tolist()),
        t=t,
        edits=";".join(edits),
        example=min(settings.example, n),
        line=1,
        at=(),
    )


def _fits(part: str, sizes: tuple[int, ...]) -> bool:
    try:
        check_place(part.partition(":")[0], sizes)
    except ValueError:
        return False
    return True


def _targets(settings: Stepper, output: str, k: int, n: int) -> tuple[float, ...]:
    """The old targets, as far as the output unit allows them."""
    old = settings.T.reshape(settings.rows, -1)
    if output == "softmax":
        return tuple(float(old[i, 0] % k // 1) if i < len(old) else 0.0 for i in range(n))
    t = np.zeros((n, k))
    t[: min(n, len(old)), : min(k, old.shape[1])] = old[:n, :k]
    kind = get_output(output).kind
    if kind == "probability":
        t = np.clip(t, 0, 1)
    if kind in ("count", "positive"):
        t = np.abs(t)
    if kind == "positive":
        t[t == 0] = 1
    return tuple(t.ravel().tolist())
