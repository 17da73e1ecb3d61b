"""Mutations of circuit files, and the promise that every reader of one keeps.

The promise: a damaged or hostile file is either refused with CircuitError or it is read as a valid
circuit, in a time and with memory that its size sets.

By hand, from the root: `python tests/helpers/fuzz_circuits.py --cases 20000`.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Sequence

from fuzz_memory import limit_memory, memory_watch

from clearprop.circuits.formats.files import FORMATS, dumps, loads
from clearprop.circuits.netlist import Circuit, CircuitError

MEGABYTES, PER_BYTE = 80, 3000  # of memory: for any file, and for each byte of it
TOKEN = re.compile(rb"\w+|\s+|.", re.DOTALL)
ODD = (
    *(
        b"",
        b"(",
        b")",
        b"[",
        b"]",
        b"{",
        b"}",
        b"?",
        b":",
        b"~",
        b"&",
        b"'",
        b"\\",
        b"#",
        b"//",
        b"/*",
    ),
    *(
        b"(*",
        b"`",
        b"=",
        b".",
        b",",
        b";",
        b"\n",
        b"\r",
        b"\x00",
        b"\xff",
        b"\xc3",
        b"\xe2\x80\xa8",
    ),
    *(b"0", b"1", b"-1", b"2000000000", b"9" * 30, b"[2000000000:0]", b"{1000000000{a}}", b"1'bx"),
    *(b"4'hF", b"module", b"endmodule", b"assign", b"input", b"output", b"wire", b"and", b"reg"),
    *(
        b".names",
        b".subckt",
        b".model",
        b".latch",
        b".end",
        b".inputs",
        b"INPUT(",
        b"DFF(",
        b"LUT 0x8",
    ),
    *(b"[65535:0]", b"[0:65535]", b"{65535{a}}", b"65536'b1", b"32'hFFFFFFFF", b"a" * 5000),
    *(b"aag 1 1 0 1 0", b"aig 4294967295 4294967295 0 0 0", b"( " * 3000, b"~" * 3000, b"{" * 3000),
)


def mutate(data: bytes, rng: random.Random) -> bytes:
    """The data with one to three things changed."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        data = rng.choice((_byte, _cut, _repeat, _truncate, _swap, _token, _token, _number, _line))(
            data, rng
        )
    return data


def _byte(data: bytes, rng: random.Random) -> bytes:
    i = rng.randrange(len(data) + 1)
    return data[:i] + bytes([rng.randrange(256)]) + data[i + rng.choice((0, 1)) :]


def _cut(data: bytes, rng: random.Random) -> bytes:
    i = rng.randrange(len(data) + 1)
    return data[:i] + data[i + rng.choice((1, 2, 10, 100)) :]


def _repeat(data: bytes, rng: random.Random) -> bytes:
    i, j = rng.randrange(len(data) + 1), rng.randrange(len(data) + 1)
    return data[:i] + data[j : j + rng.choice((1, 10, 100, 1000))] + data[i:]


def _truncate(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _swap(data: bytes, rng: random.Random) -> bytes:
    tokens = TOKEN.findall(data)
    if len(tokens) > 1:
        i, j = rng.randrange(len(tokens)), rng.randrange(len(tokens))
        tokens[i], tokens[j] = tokens[j], tokens[i]
    return b"".join(tokens)


def _number(data: bytes, rng: random.Random) -> bytes:
    """One number by a little or by a lot larger or smaller."""
    places = [m.span() for m in re.finditer(rb"\d+", data)]
    if not places:
        return data
    i, j = rng.choice(places)
    value = int(data[i:j][:18])
    new = rng.choice((0, 1, value + 1, value - 1, 2 * value, 10**6, 2**16, 2**31, 2**64))
    return data[:i] + str(new).encode() + data[j:]


def _line(data: bytes, rng: random.Random) -> bytes:
    """A line twice, without its neighbour, or at another place."""
    lines = data.split(b"\n")
    i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
    match rng.randrange(3):
        case 0:
            lines.insert(j, lines[i])
        case 1:
            del lines[i]
        case _:
            lines[i], lines[j] = lines[j], lines[i]
    return b"\n".join(lines)


def _token(data: bytes, rng: random.Random) -> bytes:
    """A token replaced by an odd one, or by another of the file."""
    tokens = TOKEN.findall(data) or [b""]
    i = rng.randrange(len(tokens))
    tokens[i] = rng.choice(ODD) if rng.random() < 0.6 else rng.choice(tokens)
    return b"".join(tokens)


def check(
    files: Sequence[tuple[bytes, str]], cases: int, seed: int, seconds: float
) -> Counter[str]:
    """Reads mutations of (data, format); how many were refused and read, and the slowest in ms.

    AssertionError, with the case, for another exception and for one that takes longer.
    """
    told: Counter[str] = Counter()
    for case in range(cases):
        rng = random.Random(f"{seed} {case}")
        data, format = files[case % len(files)]
        mutated = mutate(data, rng)
        start = time.perf_counter()
        with memory_watch((MEGABYTES << 20) + PER_BYTE * len(mutated)):
            message, circuit = _read(mutated, format, f"{format}, seed {seed}, case {case}")
        if circuit is None:
            told["refused"] += 1
            assert len(message) < 1000, f"{format}, case {case}: a long message"
            assert message.startswith("f:"), f"{format}, case {case}: {message}"
        else:
            told["read"] += 1
            if len(circuit.inputs) < 1000:
                circuit.evaluate([[case % 2] * len(circuit.inputs)])
        taken = time.perf_counter() - start
        assert taken < seconds, f"{format}, seed {seed}, case {case}: {taken:.1f} s"
        told["slowest ms"] = max(told["slowest ms"], int(taken * 1000))
    return told


def _read(data: bytes, format: str, where: str) -> tuple[str, Circuit | None]:
    """The error, or the circuit."""
    try:
        return "", loads(data, format, "f")
    except CircuitError as error:
        return str(error), None
    except Exception as error:
        raise AssertionError(f"{where}: {error!r}") from error


HIERARCHY = b"""module top(a, b, y); input [7:0] a, b; output [7:0] y; wire [7:0] t;
  pair u(.a(a), .b(b), .y(t)); assign y = {t[3:0], ~t[7:4]} ^ {8{a[0] & b[1]}};
endmodule
module pair(a, b, y); input [7:0] a, b; output [7:0] y;
  half l(a[3:0], b[3:0], y[3:0]); half h(.a(a[7:4]), .b(b[7:4]), .y(y[7:4])); endmodule
module half(input [3:0] a, input [3:0] b, output [3:0] y);
  assign y = a == 4'd5 ? a | b : b[0] ? ~(a & b) : {a[1:0], &b, ^a};
endmodule
"""
MODELS = b""".model top
.inputs a b c
.outputs y z
.subckt part p=a q=b r=y
.subckt part p=y q=c r=z
.end
.model part
.inputs p q
.outputs r
.names p q t r
11- 1
--1 1
.names p t
0 1
.end
"""


def specimens() -> list[tuple[bytes, str]]:
    """Small circuits in every format, with modules, models and buses."""
    files = [(HIERARCHY, "verilog"), (MODELS, "blif")]
    for data, format in files[:2]:
        circuit = loads(data, format)
        for other in FORMATS:
            written = dumps(circuit, other)
            files.append((written if isinstance(written, bytes) else written.encode(), other))
    return files


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    limit_memory()
    begun = time.perf_counter()
    told = check(specimens(), arguments.cases, arguments.seed, seconds=20)
    print(f"{time.perf_counter() - begun:.0f} s: {dict(told)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
