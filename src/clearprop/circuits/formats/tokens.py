"""The tokens of Verilog and of expressions, and what is read from a few of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from clearprop.circuits.formats.source import clipped, shown
from clearprop.circuits.netlist import CircuitError
from clearprop.limits import WIDEST

# Tokens of Verilog, of which expressions are a part; comments and directives are tokens here too.
TOKEN = re.compile(
    r"""//[^\n]* | /\*(?:.*?\*/|.*) | \(\*(?!\s*\))(?:.*?\*\)|.*) | `[^\n]* | \\\S+ | [^\W\d][\w$]*
    | \d[\d_]*(?:\s*'[sS]?[bBoOdDhH]\s*[\w?]+)? | '[sS]?[bBoOdDhH]\s*[\w?]+
    | ~\^ | \^~ | ~& | ~\| | && | \|\| | [=!]==? | <<<? | >>>? | <= | >= | \S""",
    re.VERBOSE | re.DOTALL,
)
NAME = re.compile(r"\\\S+|[^\W\d][\w$]*")
# A net with the indices of the bits selected: (), (bit,) or (left, right).
Reference = tuple[str, tuple[int, ...]]
Number = tuple[int, int | None]  # its value and its width, if it has one


@dataclass(frozen=True)
class Tokens:
    """The tokens of a file, with "" after the last, and their lines for errors."""

    text: str
    file: str
    words: list[str]

    @cached_property
    def _lines(self) -> list[int]:
        """The line of each token; found in a second pass because little but errors needs it."""
        lines, line, before = [], 1, 0
        for found in TOKEN.finditer(self.text):
            if found[0][0] not in "/(`" or not skipped(found[0]):
                line += self.text.count("\n", before, found.start())
                before = found.start()
                lines.append(line)
        return lines

    def line(self, at: int) -> int:
        """The line of token number `at`."""
        lines = self._lines
        return lines[min(at, len(lines) - 1)] if lines else 1

    def error(self, at: int, message: str) -> CircuitError:
        """A CircuitError with file and line."""
        return CircuitError(f"{self.file}:{self.line(at)}: {clipped(message)}")

    def unexpected(self, at: int, wanted: str) -> CircuitError:
        """The error for a token that is not allowed here."""
        return self.error(at, f"unexpected {shown(self.words[at])}: expected {wanted}")


def skipped(token: str) -> bool:
    """Whether a token is a comment, an attribute, or a directive that does not change the logic."""
    head = token[:2]
    return head in ("//", "/*", "(*") or (
        token[0] == "`"
        and re.match(r"`(timescale|default_nettype|(end)?celldefine|resetall)\b", token) is not None
    )


def tokenize(text: str, file: str) -> Tokens:
    """The tokens of a text; CircuitError for a comment without an end."""
    found = TOKEN.findall(text)
    words = [t for t in found if t[0] not in "/(`" or not skipped(t)]
    # A comment without an end takes the rest of the text.
    last = found[-1] if found else ""
    for begin, end in (("/*", "*/"), ("(*", "*)")):
        if last.startswith(begin) and (len(last) < 4 or not last.endswith(end)):
            line = text.count("\n", 0, text.rindex(last)) + 1
            raise CircuitError(f"{file}:{line}: {shown(last)} has no end {end!r}")
    return Tokens(text, file, [*words, ""])


def plain(token: str) -> str:
    """The name that an identifier stands for: \\name is name."""
    return token[1:] if token.startswith("\\") else token


def read_number(tokens: Tokens, at: int) -> Number:
    """Value and width of a number; CircuitError for x and z, and for a width out of range."""
    token = re.sub(r"[\s_]", "", tokens.words[at]).lower()
    size, quote, rest = token.partition("'")
    if len(size) > 10 or len(rest) > WIDEST + 2:
        raise tokens.error(at, f"the number {shown(token)} is too long")
    if not quote:
        return int(size), None
    if not rest:
        raise tokens.unexpected(at, "a number such as 1'b0")
    if rest[0] == "s":
        raise tokens.error(at, f"signed numbers such as {shown(token)} are not supported")
    base, digits = {"b": 2, "o": 8, "d": 10, "h": 16}[rest[0]], rest[1:]
    if re.search(r"[xz?]", digits):
        raise tokens.error(at, f"x and z are not supported, as in {shown(token)}")
    allowed = "0123456789abcdef"[:base]
    if not digits or not set(digits) <= set(allowed) or (base == 10 and len(digits) > 1000):
        raise tokens.error(at, f"{shown(token)} is not a number of base {base}")
    width = int(size) if size else None
    if width is not None and not 1 <= width <= WIDEST:
        raise tokens.error(at, f"a number must have 1 … {WIDEST} bits; got {shown(token)}")
    value = int(digits, base)
    return (value if width is None else value % (1 << width)), width


def read_reference(tokens: Tokens, at: int) -> tuple[Reference, int]:
    """A name with the selected bits, as in a, a[3] and a[7:4]; and the token after it."""
    words = tokens.words
    name = plain(words[at])
    if words[at + 1] != "[":
        return (name, ()), at + 1
    indices, at = read_range(tokens, at + 1)
    return (name, indices), at


def read_range(tokens: Tokens, at: int) -> tuple[tuple[int, ...], int]:
    """The indices of [3] or [7:0], read from the '[' on; and the token after it."""
    words, indices = tokens.words, []
    while True:
        at += 1
        minus = words[at] == "-"
        at += minus
        if not words[at][:1].isdecimal():
            raise tokens.unexpected(at, "a number (an index must be constant)")
        value, _ = read_number(tokens, at)
        indices.append(-value if minus else value)
        at += 1
        if words[at] == "]":
            return tuple(indices), at + 1
        if words[at] != ":" or len(indices) == 2:
            raise tokens.unexpected(at, "']'" if len(indices) == 2 else "':' or ']'")
