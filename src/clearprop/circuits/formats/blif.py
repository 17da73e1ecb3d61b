"""BLIF, the Berkeley logic interchange format, read and written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product

from clearprop.circuits.formats.covers import add_cover
from clearprop.circuits.formats.lowering import prepared
from clearprop.circuits.formats.source import Builder, clipped, decode, shown
from clearprop.circuits.netlist import Cell, Circuit, CircuitError

# Ignored, as they do not change the logic: timing, layout, and annotations of Yosys.
_IGNORED = re.compile(
    r"\.(area|delay|wire|wire_load_slope|cname|attr|param"
    r"|(default_)?(input_arrival|output_required|input_drive|output_load|max_input_load))"
)
_SEQUENTIAL = (".latch", ".mlatch", ".clock", ".start_kiss", ".latch_order", ".flop")
_PARITY = 4  # the most inputs of an XOR that is written as one cover


@dataclass
class _Model:
    name: str
    at: int
    inputs: list[tuple[str, int]] = field(default_factory=list)
    outputs: list[tuple[str, int]] = field(default_factory=list)
    items: list[_Names | _Subckt] = field(default_factory=list)


@dataclass
class _Names:
    nets: list[str]  # the inputs, then the output
    at: int
    rows: list[str] = field(default_factory=list)
    value: int | None = None  # of the rows

    @property
    def longest(self) -> int:
        """The characters of the longest name."""
        return max(map(len, self.nets))


@dataclass
class _Subckt:
    model: str
    nets: dict[str, str]  # by the names in the model
    at: int


def read_blif(text: str | bytes, file: str = "blif") -> Circuit:
    """The circuit of a BLIF file: its first model, with the models that it uses expanded.

    Read are .names with covers of the on-set or the off-set, .subckt of models in the file, and
    Yosys's .conn; timing and layout are ignored. A cover becomes cells: an AND for each row, an OR
    of the rows, NOT, and XOR for a parity of up to four inputs.
    Raises CircuitError, with file, line and token, for everything else: .latch, .gate, .exdc,
    models that are not in the file, a model that contains itself.
    Source: Berkeley Logic Interchange Format, University of California, 1992.
    """
    text = decode(text)
    models = _read_models(text, file)
    if not models:
        raise CircuitError(f"{file}:1: there is no model")
    builder = Builder(file, text)
    top = next(iter(models.values()))
    separator = "." * (max(len(run) for run in [*re.findall(r"\.+", text), ""]) + 1)
    left: list[tuple[_Model, str, dict[str, str], int]] = [(top, "", {}, 0)]
    n_instances = 0
    while left:
        model, prefix, outside, depth = left.pop()
        given = {net for net, _ in model.inputs}
        for item in model.items:
            if isinstance(item, _Names):
                builder.spend_names(len(item.nets), len(prefix) + item.longest, item.at)
                nets = [outside.get(net) or prefix + net for net in item.nets]
                value = 1 if item.value is None else item.value
                if item.nets[-1] in given:
                    raise builder.error(item.at, _driven(model, item.nets[-1]), item.nets[-1])
                add_cover(builder, nets[:-1], item.rows, value, nets[-1], item.at)
                continue
            inner = models.get(item.model)
            if inner is None:
                raise builder.error(item.at, f"the model {item.model!r} is not in the file")
            if depth >= len(models):
                raise builder.error(item.at, f"the model {item.model!r} contains itself")
            n_ports = len(inner.inputs) + len(inner.outputs)
            builder.spend(1 + len(item.nets) + n_ports, item.at)
            ports = {net for net, _ in (*inner.inputs, *inner.outputs)}
            driven = {net for net, _ in inner.outputs}
            actual = {}
            for formal, net in item.nets.items():
                if formal not in ports:
                    raise builder.error(item.at, f"{item.model!r} has no port {formal!r}")
                if formal in driven and net in given:
                    raise builder.error(item.at, _driven(model, net), net)
                actual[formal] = outside.get(net) or prefix + net
                builder.where.setdefault(actual[formal], item.at)
            n_instances += 1
            name = f"{item.model}{separator}{n_instances}{separator}"
            left.append((inner, name, actual, depth + 1))
    for net, at in (*top.inputs, *top.outputs):
        builder.where[net] = min(at, builder.where.get(net, at))
    _check_inputs(builder, top)
    inputs, outputs = [net for net, _ in top.inputs], [net for net, _ in top.outputs]
    return builder.circuit(top.name or re.sub(r"\.blif$", "", file), inputs, outputs)


def _check_inputs(builder: Builder, model: _Model) -> None:
    """CircuitError, with both lines, for an input that is listed twice."""
    listed: dict[str, int] = {}
    for net, at in model.inputs:
        if net in listed:
            message = f"the input {shown(net)} is listed twice, first in line {listed[net]}"
            raise builder.error(at, message, net)
        listed[net] = at


def _driven(model: _Model, net: str) -> str:
    line = next(at for name, at in model.inputs if name == net)
    return f"{shown(net)} is an input (line {line}) and cannot be driven"


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """The words of each line with its number, without comments, with continued lines joined."""
    words: list[str] = []
    start = 0
    for at, line in enumerate(text.split("\n"), 1):
        code = line.partition("#")[0].rstrip()
        start = start or at
        words += code.removesuffix("\\").split()
        if not code.endswith("\\"):
            if words:
                yield start, words
            words, start = [], 0
    if words:
        yield start, words


def _read_models(text: str, file: str) -> dict[str, _Model]:
    def error(message: str) -> CircuitError:
        return CircuitError(f"{file}:{at}: {clipped(message)}")

    models: dict[str, _Model] = {}
    model: _Model | None = None
    names: _Names | None = None
    for at, (word, *words) in _lines(text):
        if word[0] != ".":
            if names is None:
                raise error(f"unexpected {shown(word)}: expected a line that begins with '.'")
            _row(names, [word, *words], error)
            continue
        names = None
        if word == ".model" or model is None:
            name = words[0] if word == ".model" and words else ""
            if name in models:
                raise error(f"the model {name!r} is defined twice")
            model = models[name] = _Model(name, at)
            if word == ".model":
                continue
        if word == ".end":
            model = None
        else:
            names = _directive(model, word, words, at, error)
    return models


def _directive(
    model: _Model, word: str, words: list[str], at: int, error: Callable[[str], CircuitError]
) -> _Names | None:
    """Add a directive to a model; for .names, the cover whose rows the next lines give."""
    if word in (".inputs", ".outputs"):
        (model.inputs if word == ".inputs" else model.outputs).extend((net, at) for net in words)
    elif word == ".names":
        if not words:
            raise error("unexpected end of line: expected the nets of .names")
        names = _Names(words, at)
        model.items.append(names)
        return names
    elif word == ".conn":
        if len(words) != 2:
            raise error(".conn must have two nets")
        model.items.append(_Names(words, at, ["1"], 1))
    elif word == ".subckt":
        model.items.append(_subckt(words, at, error))
    elif word in _SEQUENTIAL:
        raise error(f"{word} is not supported: circuits must be combinational, without latches")
    elif not _IGNORED.fullmatch(word):
        raise error(f"{shown(word)} is not supported")
    return None


def _row(names: _Names, words: list[str], error: Callable[[str], CircuitError]) -> None:
    inputs, value = ("", words[0]) if len(names.nets) == 1 else (words[0], (words[1:] or [""])[0])
    if len(words) != (1 if len(names.nets) == 1 else 2) or value not in ("0", "1"):
        raise error(f"unexpected {shown(' '.join(words))}: expected a row of a cover, then 0 or 1")
    if len(inputs) != len(names.nets) - 1 or inputs.strip("01-"):
        raise error(f"unexpected {shown(inputs)}: expected {len(names.nets) - 1} of 0, 1 or -")
    if names.value not in (None, int(value)):
        raise error(f"unexpected {value!r}: the rows of a cover must end alike")
    names.value = int(value)
    names.rows.append(inputs)


def _subckt(words: list[str], at: int, error: Callable[[str], CircuitError]) -> _Subckt:
    if not words:
        raise error("unexpected end of line: expected the name of a model")
    nets: dict[str, str] = {}
    for word in words[1:]:
        formal, equals, net = word.partition("=")
        if not (formal and equals and net):
            raise error(f"unexpected {shown(word)}: expected port=net")
        if formal in nets:
            raise error(f"the port {formal!r} is connected twice")
        nets[formal] = net
    return _Subckt(words[0], nets, at)


def write_blif(circuit: Circuit) -> str:
    """The circuit as one model of BLIF.

    Majority and at-least gates become AND, OR and XOR. Raises CircuitError for an input or output
    whose name contains white space, '#' or a backslash.
    """
    kinds = ("and", "or", "nand", "nor", "xor", "xnor", "not", "buf", "mux", "const0", "const1")
    circuit = prepared(
        circuit, kinds, lambda net: bool(re.fullmatch(r"[^\s#\\]+", net)), "BLIF", _PARITY
    )
    lines = [".model " + (re.sub(r"[\s#\\]+", "_", circuit.name) or "circuit")]
    lines += _wrapped(".inputs", circuit.inputs) + _wrapped(".outputs", circuit.outputs)
    for cell in circuit.cells:
        lines += _wrapped(".names", (*cell.inputs, cell.output)) + _cover(cell)
    return "\n".join([*lines, ".end"]) + "\n"


def _wrapped(directive: str, nets: tuple[str, ...]) -> list[str]:
    """A directive with its nets, ten to a line."""
    rows = [" ".join(nets[i : i + 10]) for i in range(0, len(nets), 10)]
    return [f"{directive} " + " \\\n ".join(rows)] if rows else [directive]


def _cover(cell: Cell) -> list[str]:
    k = len(cell.inputs)
    one_row = {"and": "1", "nand": "1", "or": "0", "nor": "0", "not": "0", "buf": "1"}
    if cell.kind in one_row:
        return [one_row[cell.kind] * k + (" 0" if cell.kind in ("nand", "or") else " 1")]
    if cell.kind == "mux":
        return ["01- 1", "1-1 1"]
    if cell.kind.startswith("const"):
        return ["1"] if cell.kind == "const1" else []
    odd = cell.kind == "xor"
    return ["".join(bits) + " 1" for bits in product("01", repeat=k) if bits.count("1") % 2 == odd]
