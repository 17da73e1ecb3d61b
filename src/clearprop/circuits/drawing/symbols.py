"""The distinctive shapes of gates (IEEE Std 91), as SVG paths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

BUBBLE = 3.5
BACK = 9.0  # how far the back of an OR is curved in
STUB = 8.0  # of wire before the body


@dataclass(frozen=True)
class GateSymbol:
    """path(height): the body, from x = 0. width: the width of the body. bubble: whether the output
    is inverted. bent: whether the inputs meet a curved back. text: the text in the body. pins: the
    labels of the inputs."""

    path: Callable[[float], str]
    width: float
    bubble: bool = False
    bent: bool = False
    text: str = ""
    pins: tuple[str, ...] = ()

    @property
    def whole_width(self) -> float:
        """The width including the stub before the body and the bubble after it."""
        return STUB + self.width + (2 * BUBBLE if self.bubble else 0.0)

    def edge(self, share: float) -> float:
        """The x at which an input at this share of the height meets the body."""
        return 2 * share * (1 - share) * BACK if self.bent else 0.0


def _and(h: float) -> str:
    return f"M0 0H18A20 {h / 2:g} 0 0 1 18 {h:g}H0Z"


def _or(h: float, x: float = 0.0) -> str:
    return (
        f"M{x:g} 0Q{x + BACK:g} {h / 2:g} {x:g} {h:g}Q{x + 26:g} {h:g} {x + 38:g} {h / 2:g}"
        f"Q{x + 26:g} 0 {x:g} 0Z"
    )


def _xor(h: float) -> str:
    return _or(h, 5.0) + f"M0 0Q{BACK:g} {h / 2:g} 0 {h:g}"


def _triangle(h: float) -> str:
    return f"M0 {h / 2 - 11:g}L24 {h / 2:g}L0 {h / 2 + 11:g}Z"


def _trapezium(h: float) -> str:
    return f"M0 0L28 8V{h - 8:g}L0 {h:g}Z"


def _box(h: float) -> str:
    return f"M0 0H38V{h:g}H0Z"


_SYMBOLS = {
    "and": GateSymbol(_and, 38.0),
    "nand": GateSymbol(_and, 38.0, bubble=True),
    "or": GateSymbol(_or, 38.0, bent=True),
    "nor": GateSymbol(_or, 38.0, bubble=True, bent=True),
    "xor": GateSymbol(_xor, 43.0, bent=True),
    "xnor": GateSymbol(_xor, 43.0, bubble=True, bent=True),
    "buf": GateSymbol(_triangle, 24.0),
    "not": GateSymbol(_triangle, 24.0, bubble=True),
    "mux": GateSymbol(_trapezium, 28.0, pins=("s", "0", "1")),
    "const0": GateSymbol(_box, 38.0, text="0"),
    "const1": GateSymbol(_box, 38.0, text="1"),
    "majority": GateSymbol(_box, 38.0, text="maj"),
}


def symbol(kind: str) -> GateSymbol:
    """The symbol of a gate with one output; at_least_t is a box with "≥t"."""
    if kind in _SYMBOLS:
        return _SYMBOLS[kind]
    return GateSymbol(_box, 38.0, text=f"≥{kind.removeprefix('at_least_')}")
