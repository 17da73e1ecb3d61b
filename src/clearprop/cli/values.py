"""The values of command options: numbers, names, sizes."""

from __future__ import annotations

import argparse
import csv
import math
from collections.abc import Callable
from typing import Any

from clearprop.limits import MAX_COUNT, MAX_MEMBERS, MAX_SECONDS, MAX_UNITS, shown_value


def number(convert: type[Any], check: Callable[[Any], bool], what: str) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        try:
            value = convert(text)
        except ValueError:
            value = None
        if value is None or not check(value):
            raise argparse.ArgumentTypeError(f"must be {what}, got {shown_value(text)}")
        return value

    return parse


positive = number(int, lambda n: 1 <= n <= MAX_COUNT, f"a whole number from 1 to {MAX_COUNT:,}")
members = number(int, lambda n: 1 <= n <= MAX_MEMBERS, f"a whole number from 1 to {MAX_MEMBERS:,}")
units = number(int, lambda n: 1 <= n <= MAX_UNITS, f"a whole number from 1 to {MAX_UNITS:,}")
samples = number(int, lambda n: 1 <= n <= 10_000, "a whole number from 1 to 10,000")
seconds = number(
    float, lambda x: 0 < x <= MAX_SECONDS, f"seconds above 0 and up to {MAX_SECONDS:,}"
)
threads = number(int, lambda n: 1 <= n <= 1024, "a whole number from 1 to 1024")
count = number(int, lambda n: 0 <= n < 2**32, "a whole number from 0 to 2³² − 1")
share = number(float, lambda x: 0 <= x < 1, "a number of at least 0 and less than 1")
inner = number(float, lambda x: 0 < x < 1, "a number between 0 and 1")
rate = number(float, lambda x: 0 < x < math.inf, "a number above 0")
nonnegative = number(float, lambda x: 0 <= x < math.inf, "a number of at least 0")


def names(text: str) -> list[str]:
    """Names separated by commas; a name with a comma is written in double quotes."""
    return next(csv.reader([text], skipinitialspace=True), [])


def sizes(text: str) -> tuple[int, ...]:
    if text.strip() in ("0", "none", ""):
        return ()
    return tuple(units(part.strip()) for part in text.split(","))


def character(text: str) -> str:
    text = {"\\t": "\t", "tab": "\t", "blanks": " "}.get(text, text)
    if len(text) != 1 or not text.isascii() or text in "\"'\r\n\0":
        raise argparse.ArgumentTypeError(f"must be one character, tab or blanks, got {text!r}")
    return text


def mark(text: str) -> str:
    if not 0 < len(text) <= 10 or not text.isprintable() or text != text.strip():
        raise argparse.ArgumentTypeError(f"must be 1 to 10 characters without blanks, got {text!r}")
    return text


def row_numbers(text: str) -> list[int]:
    rows: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        start = count(first)
        stop = count(last) if dash else start
        if not start <= stop < start + 10_000:
            raise argparse.ArgumentTypeError(
                f"{part.strip()!r} is not a range of at most 10,000 rows"
            )
        rows += [row for row in range(start, stop + 1) if row not in rows]
    return rows


def activations(text: str) -> str | tuple[str, ...]:
    from clearprop.activations import get_activation

    names = tuple(part.strip() for part in text.split(","))
    try:
        for name in names:
            get_activation(name, "each name")
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return names[0] if len(names) == 1 else names


def output_unit(text: str) -> str:
    from clearprop.outputs import get_output

    try:
        get_output(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text
