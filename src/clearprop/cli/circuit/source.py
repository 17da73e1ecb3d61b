"""The circuit that a command works on, and the files that it writes."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clearprop._typing import Array
from clearprop.circuits.formats.expressions import parse
from clearprop.circuits.formats.files import FORMATS, dumps, loads
from clearprop.circuits.gates import all_bits
from clearprop.circuits.netlist import Circuit
from clearprop.circuits.synthesis.cubes import minimise, sum_of_products
from clearprop.cli.output import UsageError
from clearprop.writing import write_whole

MOST_TABLE_INPUTS = 12
MOST_NAMES = 12
_TABLE = re.compile(r"[01xX?-]+(,[01xX?-]+)*")
_ASSIGNED = re.compile(r"(?<![=!<>])=(?!=)")


@dataclass(frozen=True)
class Source:
    """A circuit from the command line. given: its name there. table: int8 (2^n, outputs), −1 where
    it does not matter, if it is a truth table. expression: whether it is an expression."""

    circuit: Circuit
    given: str
    table: Array | None = None
    expression: bool = False

    @property
    def file(self) -> bool:
        """Whether it is a netlist, which has a name of its own."""
        return self.table is None and not self.expression


def read_source(arguments: argparse.Namespace) -> Source:
    """The circuit of CIRCUIT or of --expression; UsageError unless it is one of them."""
    if (arguments.circuit is None) == (arguments.expression is None):
        if arguments.circuit is None:
            raise UsageError("CIRCUIT or --expression is missing")
        raise UsageError(f"give CIRCUIT or --expression, not both; got {arguments.circuit} as well")
    if arguments.expression is not None:
        return from_expression(arguments.expression)
    return from_argument(arguments.circuit, arguments.format)


def from_expression(text: str) -> Source:
    """A circuit of "s = a ^ b; c = a & b", or of "a & b", called y, or y_ if it reads y."""
    if not _ASSIGNED.search(text):
        words = set(re.findall(r"\w+", text))
        output = "y"
        while output in words:
            output += "_"
        circuit = parse(f"{output} = {text}")
    else:
        circuit = parse(text)
    return Source(circuit, _clip(text, 100), expression=True)


def from_argument(given: str, format: str | None) -> Source:
    """A circuit of a truth table, a file or standard input."""
    if _TABLE.fullmatch(given) and given != "-" and not os.path.exists(given):
        return _from_table(given)
    if format is None:
        format = format_of(given)
        if format is None and given != "-" and not os.path.exists(given):
            raise UsageError(
                f"{given}: there is no such file; a truth table consists of 0, 1 and x, and an "
                "expression needs -e"
            )
        if format is None:
            endings = " ".join(ending for row in FORMATS.values() for ending in row.endings)
            what = "standard input" if given == "-" else given
            raise UsageError(
                f"{what}: the format is unknown; give --format, or use an ending of {endings}"
            )
    if given == "-":
        return Source(loads(sys.stdin.buffer.read(), format, "standard input"), "standard input")
    path = Path(given)
    return Source(loads(path.read_bytes(), format, path.name), given)


def format_of(path: str) -> str | None:
    """The format that a file's name ends with, None if it has no such ending."""
    ending = Path(path).suffix.lower()
    return next((name for name, row in FORMATS.items() if ending in row.endings), None)


def _from_table(text: str) -> Source:
    columns = text.split(",")
    rows = len(columns[0])
    for column in columns:
        if len(column) != rows:
            raise UsageError(
                f"truth table {text}: its outputs have {rows} and {len(column)} entries"
            )
    n = rows.bit_length() - 1
    if rows != 2**n or not 1 <= n <= MOST_TABLE_INPUTS:
        raise UsageError(
            f"truth table {_clip(text)}: it must have 2^n entries for n = 1 ... "
            f"{MOST_TABLE_INPUTS} inputs, such as 2, 4 or 8; got {rows:,}"
        )
    entry = {"0": 0, "1": 1}
    table = np.array([[entry.get(c, -1) for c in column] for column in columns], np.int8).T
    inputs = [f"x{i + 1}" for i in range(n)]
    outputs = ["y"] if len(columns) == 1 else [f"y{k + 1}" for k in range(len(columns))]
    cubes = {name: minimise(column) for name, column in zip(outputs, table.T, strict=True)}
    return Source(sum_of_products(inputs, cubes), _clip(text), table)


def table_of(source: Source, most: int) -> Array:
    """Its truth table, int8 (2^n, outputs); UsageError for more than `most` inputs."""
    if source.table is not None:
        return source.table
    n = len(source.circuit.inputs)
    if not 1 <= n <= most or not source.circuit.outputs:
        raise UsageError(
            f"{source.given}: the circuit must have 1 ... {most} inputs and an output; it has "
            f"{n} and {len(source.circuit.outputs)}"
        )
    return source.circuit.evaluate(all_bits(n)).astype(np.int8)


def listed(names: Sequence[str]) -> str:
    """Names on one line, shortened if there are many."""
    rest = len(names) - MOST_NAMES
    if rest <= 1:
        return " ".join(names)
    return f"{' '.join(names[: MOST_NAMES - 1])} ... {names[-1]}"


def counted(n: int, what: str) -> str:
    """A number of things: "1 gate", "2 gates"."""
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def check_new(path: str, force: bool) -> None:
    """Check before any work that the file can be written and replaces nothing unasked."""
    if os.path.exists(path):
        if not os.path.isfile(path):
            raise UsageError(f"--output {path} exists and is not a regular file")
        if not force:
            raise UsageError(f"{path} exists; --force replaces it")
    check_folder(path)


def check_folder(path: str, *inputs: str | None) -> None:
    """UsageError if there is no folder for the file, or if it is one of the inputs."""
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder) or not os.access(folder, os.W_OK):
        raise UsageError(f"{path}: the folder {folder} does not exist or cannot be written to")
    for other in inputs:
        there = other and os.path.exists(path) and os.path.exists(other)
        if there and other and os.path.samefile(path, other):
            raise UsageError(f"--output {path} is an input of this command")


def output_format(arguments: argparse.Namespace) -> str:
    """The format of OUT: --to, or by its ending; Verilog on standard output."""
    if arguments.to is not None:
        return str(arguments.to)
    if arguments.output in ("-", None):
        return "verilog"
    format = format_of(arguments.output)
    if format is None:
        raise UsageError(f"{arguments.output}: the format is unknown; give --to, one of {known()}")
    return format


def known() -> str:
    """The formats, in words."""
    return ", ".join(FORMATS)


def put(text: str | bytes, path: str) -> None:
    """Write text or bytes to a file, or to standard output for "-"."""
    data = text if isinstance(text, bytes) else text.encode()
    if path != "-":
        write_whole(path, data)
    elif isinstance(text, bytes) and hasattr(sys.stdout, "buffer"):
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
    else:
        sys.stdout.write(data.decode())


def netlist(circuit: Circuit, format: str) -> str | bytes:
    """The circuit as a text, or as bytes for "aig"."""
    return dumps(circuit, format)


def _clip(text: str, most: int = 40) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."
