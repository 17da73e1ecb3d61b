"""Output units with their losses: one record is the pair (f, ℒ) over z, the z of layer L.

The lecture's three output units are linear, logistic and softmax. The modules here have a family of
units each; :data:`OUTPUTS` has all of them by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.limits import shown_value
from clearprop.outputs import classes, quantities, rates
from clearprop.outputs.classes import *  # noqa: F403
from clearprop.outputs.quantities import *  # noqa: F403
from clearprop.outputs.rates import *  # noqa: F403
from clearprop.outputs.softmax import log_softmax, softmax, softmax_jacobian
from clearprop.outputs.unit import Formulas, Output, real_targets

FAMILIES = (quantities, rates, classes)
UNITS: tuple[type[Output], ...] = tuple(
    vars(family)[name] for family in FAMILIES for name in family.__all__
)
OUTPUTS: Mapping[str, type[Output]] = MappingProxyType({unit.name: unit for unit in UNITS})

__all__ = [
    "OUTPUTS",
    "Formulas",
    "Output",
    "example_targets",
    "get_output",
    "log_softmax",
    "real_targets",
    "softmax",
    "softmax_jacobian",
]
__all__ += [unit.__name__ for unit in UNITS]


def get_output(output: str | Output) -> Output:
    """The record for a name of :data:`OUTPUTS`, or the record itself; ValueError otherwise."""
    if isinstance(output, Output):
        return output
    if isinstance(output, str) and output in OUTPUTS:
        return OUTPUTS[output]()
    raise ValueError(
        f"output must be one of {sorted(OUTPUTS)} or an Output record; got {shown_value(output)}"
    )


def example_targets(output: Output, n: int, n_outputs: int, rng: np.random.Generator) -> Array:
    """Targets of n samples drawn at random, of the kind that the unit takes; for trying it out."""
    shape = n, n_outputs // output.width
    drawn: dict[str, Any] = {
        "real": lambda: rng.standard_normal(shape),
        "count": lambda: rng.poisson(2.0, size=shape).astype(float),
        "positive": lambda: rng.gamma(2.0, size=shape),
        "probability": lambda: rng.integers(2, size=shape).astype(float),
        "class": lambda: rng.integers(output.n_classes(n_outputs), size=n),
    }
    return np.asarray(drawn[output.kind]())
