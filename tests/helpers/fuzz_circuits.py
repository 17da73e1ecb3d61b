"""Mutations of circuit files, and the promise that every reader of one keeps.

The promise: a damaged or hostile file is either refused with CircuitError or it is read as a valid
circuit, in a time that its size sets.
"""

from __future__ import annotations

import random
import re
import time
from collections import Counter
from collections.abc import Sequence

from clearprop.circuits.formats.files import loads
from clearprop.circuits.netlist import Circuit, CircuitError

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
    *(b"aag 1 1 0 1 0", b"aig 4294967295 4294967295 0 0 0", b"( " * 3000, b"~" * 3000, b"{" * 3000),
)


def mutate(data: bytes, rng: random.Random) -> bytes:
    """The data with one to three things changed."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        data = rng.choice((_byte, _cut, _repeat, _truncate, _swap, _token, _token))(data, rng)
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
