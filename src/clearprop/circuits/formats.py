"""Reading and writing circuits as files."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from clearprop.circuits.netlist import Circuit
from clearprop.circuits.verilog import read_verilog


@dataclass(frozen=True)
class Format:
    """A row of FORMATS: the endings of its files, and its reader of text or bytes."""

    endings: tuple[str, ...]
    read: Callable[[str | bytes, str], Circuit]


FORMATS: dict[str, Format] = {
    "verilog": Format((".v", ".vg", ".verilog"), read_verilog),
}


def read(path: str | os.PathLike[str], format: str | None = None) -> Circuit:
    """The circuit in a file; its format by the ending of its name where it is not given."""
    path = Path(path)
    return loads(path.read_bytes(), format or _by_ending(path), path.name)


def loads(data: str | bytes, format: str, name: str = "circuit") -> Circuit:
    """The circuit in a text; name: what errors call it, and what a circuit without a name gets."""
    return _format(format).read(data, name)


def _format(format: str) -> Format:
    if format not in FORMATS:
        raise ValueError(f"format must be one of {', '.join(FORMATS)}; got {format!r}")
    return FORMATS[format]


def _by_ending(path: Path) -> str:
    for name, row in FORMATS.items():
        if path.suffix.lower() in row.endings:
            return name
    endings = ", ".join(ending for row in FORMATS.values() for ending in row.endings)
    raise ValueError(f"format must be given for a file that ends in none of {endings}: {path}")
