"""A station's document, composed of parts for one or two panels each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from clearprop.playground.code import script


@dataclass(frozen=True)
class Part:
    """Numbers by name; the lines of Python that lead to them, and an expression for each name; the
    drawings beside them."""

    numbers: Mapping[str, Any]
    lines: Sequence[str]
    shown: Mapping[str, str]
    drawn: Mapping[str, Any] = field(default_factory=dict)


def document(imports: Iterable[str], parts: Iterable[Part]) -> dict[str, Any]:
    """The result of a station's `view`: numbers, Python, and everything drawn.

    In the program, each part prints its numbers after its lines, so that parts may use the same
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
