"""Station 5: output units with their losses, and the reasons for these pairs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.outputs import OUTPUTS, Output
from clearprop.playground.settings import Choice, Numbers, OneNumber, check, setting

LOGIT = OneNumber("z", -40, 40, 0.1)
# the lecture's three, then the others whose derivation the page writes out
EXPLAINED = ("linear", "logistic", "softmax", "absolute_error", "huber", "poisson")
UNITS = {name: OUTPUTS[name].title for name in EXPLAINED}
RANGE = OneNumber("logit on the horizontal axis", 0, 5, 1, whole=True)


@dataclass(frozen=True)
class OutputUnits:
    """A unit with z and its target, which is t, a label, a count or a class; and a descent on z.

    logits, klass: for the softmax; z: for the other units. axis: the logit that the curves vary.
    rate, steps: for gradient descent on z itself, with the unit's loss and the squared error.
    """

    unit: str = setting("logistic", Choice("Output unit and loss", UNITS))
    z: float = setting(-2.0, LOGIT)
    logits: tuple[float, ...] = setting((2.0, 1.0, -1.0), Numbers("z, the logits", LOGIT, 2, 6))
    t: float = setting(1.5, OneNumber("t, a real number", -20, 20, 0.1))
    label: float = setting(1.0, OneNumber("t, a label or its probability", 0, 1, 0.01))
    count: float = setting(3.0, OneNumber("t, a count", 0, 50, 1))
    klass: int = setting(1, OneNumber("t, the observed class", 0, 5, 1, whole=True))
    axis: int = setting(0, RANGE)
    rate: float = setting(1.0, OneNumber("Learning rate α", 0.01, 10))
    steps: int = setting(50, OneNumber("Steps", 1, 300, 1, whole=True))

    def __post_init__(self) -> None:
        check(self)
        for name in ("klass", "axis"):
            if getattr(self, name) >= len(self.logits):
                raise ValueError(
                    f"{name} must be from 0 to {len(self.logits) - 1}; got {getattr(self, name)}"
                )
        _ = self.T  # what the unit says about the target

    @property
    def output(self) -> Output:
        """The library's output unit."""
        return OUTPUTS[self.unit]()

    @property
    def Z(self) -> Array:
        """z as the unit takes it, (1, K)."""
        return np.array([self.logits if self.unit == "softmax" else (self.z,)])

    @property
    def target(self) -> float | int:
        """The value of t for this unit."""
        by_kind: dict[str, float | int] = {
            "class": self.klass,
            "probability": self.label,
            "count": self.count,
            "positive": self.count,
        }
        return by_kind.get(self.output.kind, self.t)

    @property
    def T(self) -> Array:
        """t as the unit's methods take it, (1, K)."""
        Z = self.Z
        return self.output.targets(np.array([self.target]), Z.shape[1], Z.dtype)


PRESETS: Mapping[str, Mapping[str, Any]] = {
    "Sigmoid and cross-entropy": {},
    "Confidently wrong: the sigmoid saturates": {"z": -8.0},
    "So confident that 1 − ŷ is 0": {"z": 40.0, "label": 0.0},
    "Softmax": {"unit": "softmax"},
    "Softmax, confidently wrong": {"unit": "softmax", "logits": (9.0, 0.0, -1.0), "klass": 1},
    "Regression: linear, squared error": {"unit": "linear", "z": -1.0, "t": 1.5},
    "Counts: exponential, Poisson’s loss": {"unit": "poisson", "z": 0.0, "rate": 0.1},
}


def resize(settings: OutputUnits, n: object) -> OutputUnits:
    """Another number of classes: new logits are 0."""
    length = int(OneNumber("n", 2, 6, whole=True).check("n", n))
    logits = (*settings.logits[:length], *[0.0] * (length - len(settings.logits)))
    return dataclasses.replace(
        settings,
        logits=logits,
        klass=min(settings.klass, length - 1),
        axis=min(settings.axis, length - 1),
    )
