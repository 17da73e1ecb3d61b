"""A station's document put together from parts, one for each panel or two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from clearprop.playground.code import script


@dataclass(frozen=True)
class Part:
    """numbers by name; the lines of Python that lead to them, and an expression for each name;
    what is drawn beside them."""

    numbers: Mapping[str, Any]
    lines: Sequence[str]
    shown: Mapping[str, str]
    drawn: Mapping[str, Any] = field(default_factory=dict)


def document(imports: Iterable[str], parts: Iterable[Part]) -> dict[str, Any]:
    """What a station's `view` returns: numbers, python, and all that is drawn.

    In the program each part shows its numbers after its lines, so that parts may use the same
    variables.
    """
    numbers: dict[str, Any] = {}
    lines: list[str] = []
    drawn: dict[str, Any] = {}
    for part in parts:
        numbers.update(part.numbers)
        drawn.update(part.drawn)
        lines += [*part.lines, ""]
        lines += [f"show({name!r}, {expression})" for name, expression in part.shown.items()]
        lines.append("")
    python = script(imports, lines, {}).rstrip() + "\n"
    return {"numbers": numbers, "python": python, **drawn}
