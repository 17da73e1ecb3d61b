"""Reading and writing circuits as files."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, overload

from clearprop.circuits.formats.aiger import read_aiger, write_aiger
from clearprop.circuits.formats.bench import read_bench, write_bench
from clearprop.circuits.formats.blif import read_blif, write_blif
from clearprop.circuits.formats.verilog import read_verilog
from clearprop.circuits.formats.verilog_writer import write_verilog
from clearprop.circuits.netlist import Circuit
from clearprop.writing import write_whole


@dataclass(frozen=True)
class Format:
    """A row of FORMATS: the endings of its files, its reader (of the data, and the name in errors),
    and its writer."""

    endings: tuple[str, ...]
    read: Callable[[str | bytes, str], Circuit]
    write: Callable[[Circuit], str | bytes]


FORMATS: dict[str, Format] = {
    "verilog": Format((".v", ".vg", ".verilog"), read_verilog, write_verilog),
    "bench": Format((".bench",), read_bench, write_bench),
    "blif": Format((".blif",), read_blif, write_blif),
    "aag": Format((".aag",), read_aiger, lambda circuit: write_aiger(circuit).decode()),
    "aig": Format((".aig",), read_aiger, lambda circuit: write_aiger(circuit, binary=True)),
}


def read(path: str | os.PathLike[str], format: str | None = None) -> Circuit:
    """The circuit in a file.

    format: "verilog" (structural), "bench" (ISCAS), "blif", "aag" (AIGER ascii) or "aig" (AIGER
    binary); by default it follows from the file's ending: .v, .bench, .blif, .aag, .aig.
    Raises CircuitError, with file, line and token, for a file that is damaged or is not a
    combinational circuit; ValueError for an unknown format or ending; OSError.
    """
    path = Path(path)
    row = _format(format) if format is not None else _by_ending(path)
    return row.read(path.read_bytes(), path.name)


def loads(data: str | bytes, format: str, name: str = "circuit") -> Circuit:
    """The circuit in a text or in the bytes of a file; formats as for `read`.

    name: the name in errors, and the name of the circuit if the format has none.
    """
    return _format(format).read(data, name)


def write(circuit: Circuit, path: str | os.PathLike[str], format: str | None = None) -> None:
    """Write the circuit to a file; formats as for `read`.

    Kinds of gates that the format does not have become AND, OR, XOR and NOT.
    Raises CircuitError for inputs and outputs that the format cannot name.
    """
    path = Path(path)
    row = _format(format) if format is not None else _by_ending(path)
    write_whole(path, row.write(circuit))


@overload
def dumps(circuit: Circuit, format: Literal["aig"]) -> bytes: ...
@overload
def dumps(circuit: Circuit, format: Literal["verilog", "bench", "blif", "aag"]) -> str: ...
@overload
def dumps(circuit: Circuit, format: str) -> str | bytes: ...
def dumps(circuit: Circuit, format: str) -> str | bytes:
    """The circuit as a text, or as bytes for "aig"; formats as for `read`."""
    return _format(format).write(circuit)


def _format(format: str) -> Format:
    if format not in FORMATS:
        raise ValueError(f"format must be one of {', '.join(FORMATS)}; got {format!r}")
    return FORMATS[format]


def _by_ending(path: Path) -> Format:
    for row in FORMATS.values():
        if path.suffix.lower() in row.endings:
            return row
    endings = ", ".join(ending for row in FORMATS.values() for ending in row.endings)
    raise ValueError(f"format must be given unless the file ends in one of {endings}; got {path}")
