"""Station 2: from logits to probabilities, the loss, and its gradient ŷ − t."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from clearprop.outputs import Softmax, log_softmax, softmax, softmax_jacobian
from clearprop.playground.code import listed, script
from clearprop.playground.settings import Numbers, OneNumber, check, setting

EPSILON = 1e-6  # step of the central difference
LOGIT = OneNumber("z", -20, 20, 0.1)


@dataclass(frozen=True)
class SoftmaxSettings:
    """Logits z, a constant that is added to all of them, and the observed class t."""

    z: tuple[float, ...] = setting((2.0, 1.0, -1.0), Numbers("z, the logits", LOGIT, 2, 8))
    shift: float = setting(0.0, OneNumber("c, added to every logit", -1000, 1000, 1))
    t: int = setting(0, OneNumber("t, the observed class", 0, 7, 1, whole=True))

    def __post_init__(self) -> None:
        check(self)
        if self.t >= len(self.z):
            raise ValueError(f"t must be a class from 0 to {len(self.z) - 1}; got {self.t}")


PRESETS: Mapping[str, Mapping[str, Any]] = {
    "Three classes": {"z": (2.0, 1.0, -1.0), "shift": 0.0, "t": 0},
    "All equal": {"z": (0.0, 0.0, 0.0, 0.0), "shift": 0.0, "t": 0},
    "Confidently wrong": {"z": (8.0, -2.0, 0.0), "shift": 0.0, "t": 1},
    "Two classes: the sigmoid of z₂ − z₁": {"z": (0.0, 1.5), "shift": 0.0, "t": 1},
    "A shift that overflows a naive exp()": {"z": (2.0, 1.0, -1.0), "shift": 1000.0, "t": 0},
}


def resize(settings: SoftmaxSettings, n: object) -> SoftmaxSettings:
    """Another number of classes: new logits are 0."""
    length = int(OneNumber("n", 2, 8, whole=True).check("n", n))
    z = (*settings.z[:length], *[0.0] * (length - len(settings.z)))
    return dataclasses.replace(settings, z=z, t=min(settings.t, length - 1))


def view(settings: SoftmaxSettings) -> dict[str, Any]:
    """ŷ with and without the shift, ℒ, ∂ℒ/∂z = ŷ − t with a difference quotient, the Jacobian."""
    z = np.array(settings.z)
    shifted = z + settings.shift
    unit = Softmax()
    t = unit.targets(np.array([settings.t]), len(z), z.dtype)
    steps = EPSILON * np.eye(len(z))
    quotient = (unit.loss(z + steps, t) - unit.loss(z - steps, t)) / (2 * EPSILON)
    numbers: dict[str, Any] = {
        "z": z,
        "exp": np.exp(z - z.max()),
        "exp_sum": np.exp(z - z.max()).sum(),
        "y_hat": softmax(z),
        "log_y_hat": log_softmax(z),
        "shifted": shifted,
        "y_hat_shifted": softmax(shifted),
        "t": t[0],
        "loss": unit.loss(z[None], t)[0],
        "dL_dz": unit.dL_dz(z[None], t)[0],
        "dL_dz_sum": unit.dL_dz(z[None], t).sum(),
        "dL_dz_difference": quotient,
        "jacobian": softmax_jacobian(z),
    }
    return {"numbers": numbers, "python": _python(settings)}


def _python(settings: SoftmaxSettings) -> str:
    return script(
        [],
        [
            f"z = np.array({listed(settings.z)})",
            f"shifted = z + {settings.shift!r}",
            "unit = cp.outputs.Softmax()",
            f"t = unit.targets(np.array([{settings.t}]), len(z), z.dtype)",
            f"steps = {EPSILON!r} * np.eye(len(z))",
        ],
        {
            "z": "z",
            "exp": "np.exp(z - z.max())",
            "exp_sum": "np.exp(z - z.max()).sum()",
            "y_hat": "cp.softmax(z)",
            "log_y_hat": "cp.outputs.log_softmax(z)",
            "shifted": "shifted",
            "y_hat_shifted": "cp.softmax(shifted)",
            "t": "t[0]",
            "loss": "unit.loss(z[None], t)[0]",
            "dL_dz": "unit.dL_dz(z[None], t)[0]",
            "dL_dz_sum": "unit.dL_dz(z[None], t).sum()",
            "dL_dz_difference": (
                f"(unit.loss(z + steps, t) - unit.loss(z - steps, t)) / (2 * {EPSILON!r})"
            ),
            "jacobian": "cp.softmax_jacobian(z)",
        },
    )
