"""The stations: the lecture's, in its order, and the workshop. One record each, in one table.

A station is a frozen record of settings and a pure function from the settings to the document that
the page shows. The document from `view` has `numbers`, which the page shows under their names;
`python`, code that prints these numbers under the same names; and data that is only drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from clearprop.playground.stations import (
    circuits,
    circuits_view,
    divergence,
    outputs,
    outputs_view,
    softmax,
    stepper,
    stepper_view,
    workshop,
)


@dataclass(frozen=True)
class Station:
    """One tab. key: its name in links; slides: the part of the lecture that it belongs to.

    settings: its record of settings. view: settings → document; None for the workshop, whose view
    belongs to the training session. actions: (settings, arguments) → settings, by name. presets:
    titles and the settings that they change.
    """

    key: str
    title: str
    slides: str
    settings: type
    view: Callable[[Any], dict[str, Any]] | None
    actions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


STATIONS: dict[str, Station] = {
    station.key: station
    for station in (
        Station(
            "divergence",
            "KL and cross-entropy",
            "Measuring distance in probability space; Binary cross-entropy loss",
            divergence.Divergence,
            divergence.view,
            {"drag": divergence.drag, "resize": divergence.resize},
            divergence.PRESETS,
        ),
        Station(
            "softmax",
            "Softmax",
            "Multi-class cross-entropy loss and softmax",
            softmax.SoftmaxSettings,
            softmax.view,
            {"resize": softmax.resize},
            softmax.PRESETS,
        ),
        Station(
            "circuits",
            "Circuits",
            "Example 1: representing digital circuits with neural networks",
            circuits.Circuits,
            circuits_view.view,
            {
                "choose": circuits.choose,
                "count": circuits.count,
                "toggle": circuits.toggle,
                "resize": circuits.resize,
            },
            circuits.PRESETS,
        ),
        Station(
            "stepper",
            "Forward and backward",
            "Learning fully connected multi-layer neural networks",
            stepper.Stepper,
            stepper_view.view,
            {"edit": stepper.edit, "shape": stepper.shape},
            stepper.PRESETS,
        ),
        Station(
            "outputs",
            "Output units",
            "The output units type: linear, logistic or softmax",
            outputs.OutputUnits,
            outputs_view.view,
            {"resize": outputs.resize},
            outputs.PRESETS,
        ),
        Station(
            "workshop",
            "Workshop",
            "Learning fully connected multi-layer neural networks",
            workshop.Workshop,
            None,
            {},
            workshop.PRESETS,
        ),
    )
}


def find_station(key: object) -> Station:
    """The station with this key; ValueError if there is none."""
    if not isinstance(key, str) or key not in STATIONS:
        raise ValueError(f"station must be one of {list(STATIONS)}; got {str(key)[:60]!r}")
    return STATIONS[key]
