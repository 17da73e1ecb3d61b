"""ISCAS .bench files, read and written."""

from __future__ import annotations

import re

from clearprop.circuits.formats.covers import add_cover
from clearprop.circuits.formats.lowering import prepared
from clearprop.circuits.formats.source import Builder, decode, shown
from clearprop.circuits.netlist import Circuit

_GATES = {
    **{kind.upper(): kind for kind in ("and", "nand", "or", "nor", "xor", "xnor", "mux", "not")},
    "INV": "not",
    "BUF": "buf",
    "BUFF": "buf",
}
_CONSTANTS = {"VDD": 1, "GND": 0}
_TOKEN = re.compile(r"[^\s(),=#]+|[(),=]|#.*")
_MOST_OF_LUT = 12  # inputs
_PARITY = 2  # the most inputs of an XOR when writing: ABC reads no wider XOR


def read_bench(text: str | bytes, file: str = "bench") -> Circuit:
    """The circuit of a .bench file: INPUT(a), OUTPUT(y), y = NAND(a, b).

    Gates: AND NAND OR NOR XOR XNOR of any number of inputs, NOT or INV, BUF or BUFF, MUX(s, a, b)
    (b where s is 1), and ABC's vdd, gnd and LUT 0x8 (a, b) (with the first input as lowest digit).
    Raises CircuitError, with file, line and token, for everything else, such as DFF.
    Source: Brglez, Bryan & Kozminski, Combinational profiles of sequential benchmarks, 1989.
    """
    text = decode(text)
    builder = Builder(file, text)
    inputs: list[str] = []
    outputs: list[str] = []
    listed: dict[str, int] = {}  # the lines of the inputs
    for at, line in enumerate(text.split("\n"), 1):
        words = _TOKEN.findall(line)
        if words and words[-1][0] == "#":
            words.pop()
        if not words:
            continue
        if len(words) > 1 and words[1] == "=":
            _gate(builder, words, at)
            continue
        keyword = words[0].upper()
        if keyword not in ("INPUT", "OUTPUT"):
            raise builder.error(at, f"unexpected {shown(words[0])}: expected INPUT, OUTPUT or '='")
        nets = _arguments(builder, words, 1, at)
        for net in nets if keyword == "INPUT" else ():
            if net in listed:
                message = f"the input {shown(net)} is listed twice, first in line {listed[net]}"
                raise builder.error(at, message, net)
            listed[net] = at
        (inputs if keyword == "INPUT" else outputs).extend(nets)
        for net in nets:
            builder.where.setdefault(net, at)
    if not text.strip():
        raise builder.error(1, "the file is empty")
    return builder.circuit(re.sub(r"\.bench$", "", file), inputs, outputs)


def _gate(builder: Builder, words: list[str], at: int) -> None:
    output = words[0]
    if output in "(),=":
        raise builder.error(at, f"unexpected {shown(output)}: expected the name of a net")
    word = words[2] if len(words) > 2 else ""
    kind = word.upper()
    if kind in _CONSTANTS and len(words) == 3:
        builder.constant(_CONSTANTS[kind], at, output)
    elif kind == "LUT":
        _lut(builder, words, at)
    elif kind in ("DFF", "DFFSR", "LATCH", "DLATCH"):
        message = f"{word} is not supported: circuits must be combinational, without flip-flops"
        raise builder.error(at, f"{message} ({output!r})", output)
    elif kind not in _GATES:
        raise builder.error(at, f"unexpected {shown(word)}: expected one of {', '.join(_GATES)}")
    else:
        builder.add(_GATES[kind], _arguments(builder, words, 3, at), output, at)


def _lut(builder: Builder, words: list[str], at: int) -> None:
    nets = _arguments(builder, words, 4, at)
    k = len(nets)
    if k > _MOST_OF_LUT:
        raise builder.error(at, f"a LUT must have at most {_MOST_OF_LUT} inputs; got {k}")
    if not re.fullmatch(r"0[xX][0-9a-fA-F]{1,1024}", words[3]) or int(words[3], 16) >> 2**k:
        raise builder.error(at, f"unexpected {shown(words[3])}: expected a table of 2^{k} digits")
    table = int(words[3], 16)
    value = int(table.bit_count() <= 2 ** (k - 1))  # the value with fewer rows
    rows = [f"{i:0{k}b}"[::-1] for i in range(2**k) if (table >> i & 1) == value]
    builder.spend(len(rows), at)
    add_cover(builder, nets, rows, value, words[0], at)


def _arguments(builder: Builder, words: list[str], start: int, at: int) -> list[str]:
    """The nets in the parentheses at the end of the line."""
    wanted, nets = "(", []
    for word in words[start:]:
        if wanted == "net":
            if word in "(),=":
                raise builder.error(at, f"unexpected {shown(word)}: expected the name of a net")
            nets.append(word)
            wanted = ",)"
        elif wanted and word in wanted:
            wanted = "" if word == ")" else "net"
        else:
            raise builder.error(at, f"unexpected {shown(word)}: expected {_in_words(wanted)}")
    if wanted:
        raise builder.error(at, f"unexpected end of line: expected {_in_words(wanted)}")
    return nets


def _in_words(wanted: str) -> str:
    words = {"(": "'('", "net": "the name of a net", ",)": "',' or ')'"}
    return words.get(wanted, "end of line")


def write_bench(circuit: Circuit) -> str:
    """The circuit as .bench; gates that the format does not have become AND, OR, XOR and NOT.

    Constants are written as ABC's vdd and gnd. Raises CircuitError for an input or output whose
    name contains white space, parentheses, commas, '=' or '#'.
    """
    kinds = {*_GATES.values(), "const0", "const1"} - {"mux"}
    circuit = prepared(
        circuit, kinds, lambda net: bool(re.fullmatch(r"[^\s(),=#]+", net)), ".bench", _PARITY
    )
    lines = [f"# {' '.join(circuit.name.split())}"]
    lines += [f"INPUT({net})" for net in circuit.inputs]
    lines += [f"OUTPUT({net})" for net in circuit.outputs]
    for cell in circuit.cells:
        if cell.kind.startswith("const"):
            lines.append(f"{cell.output} = {'vdd' if cell.kind == 'const1' else 'gnd'}")
        else:
            kind = "BUFF" if cell.kind == "buf" else cell.kind.upper()
            lines.append(f"{cell.output} = {kind}({', '.join(cell.inputs)})")
    return "\n".join(lines) + "\n"
