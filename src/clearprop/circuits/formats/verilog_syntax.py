"""Structural Verilog as records: modules with declarations, gates, assigns and instances."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from clearprop.circuits.formats.operators import Node, read_expression
from clearprop.circuits.formats.tokens import (
    NAME,
    Reference,
    Tokens,
    plain,
    read_range,
    read_reference,
)
from clearprop.circuits.netlist import CircuitError
from clearprop.limits import WIDEST

PRIMITIVES = ("and", "nand", "or", "nor", "xor", "xnor", "not", "buf")
_NETS = ("wire", "supply0", "supply1")
_DIRECTIONS = ("input", "output")
_SEQUENTIAL = "circuits must be combinational, without registers, latches or processes"
_TRISTATE = "every net must have one driver and only the values 0 and 1"
_REFUSED = {
    **dict.fromkeys(("reg", "logic", "integer", "real", "time", "event", "initial"), _SEQUENTIAL),
    **dict.fromkeys(("always", "always_ff", "always_comb", "always_latch"), _SEQUENTIAL),
    **dict.fromkeys(("task", "function", "specify", "primitive", "force"), _SEQUENTIAL),
    **dict.fromkeys(("tri", "tri0", "tri1", "triand", "trior", "trireg"), _TRISTATE),
    **dict.fromkeys(("inout", "wand", "wor", "pullup", "pulldown"), _TRISTATE),
    **dict.fromkeys(("bufif0", "bufif1", "notif0", "notif1"), _TRISTATE),
    **dict.fromkeys(("nmos", "pmos", "cmos", "rnmos", "rpmos", "rcmos"), _TRISTATE),
    **dict.fromkeys(("tran", "tranif0", "tranif1", "rtran", "rtranif0", "rtranif1"), _TRISTATE),
}
_REFUSED |= dict.fromkeys(
    ("parameter", "localparam", "defparam", "generate", "genvar", "for", "if", "case"),
    "modules must be flat lists of gates; a synthesis tool such as Yosys makes such modules",
)
_REFUSED["signed"] = "buses must be unsigned"
_KEYWORDS = {
    *(*PRIMITIVES, *_NETS, *_DIRECTIONS, *_REFUSED),
    *("module", "endmodule", "assign", "begin", "end", "else"),
}

Range = tuple[int, int] | None  # of a bus, from the most to the least significant bit
Expression = str | list[Node]  # a net or bus by itself is given by its name


@dataclass(frozen=True, slots=True)
class Declaration:
    """A net or bus of a module. what: "input", "output", "wire", "supply0" or "supply1"."""

    name: str
    what: str
    range: Range
    at: int


@dataclass(frozen=True, slots=True)
class Assign:
    """assign targets = expression; the most significant target comes first."""

    targets: tuple[tuple[Reference, int], ...]
    expression: Expression
    at: int


@dataclass(frozen=True, slots=True)
class Primitive:
    """A gate: its kind, and its terminals, outputs first."""

    kind: str
    terminals: list[Expression]
    at: int


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance of a module: its ports by name or by position; None for a port left open."""

    module: str
    name: str
    ports: list[tuple[str | int, Expression | None, int]]
    at: int


@dataclass
class Module:
    """One module of a file: its ports in order, and its items in order."""

    name: str
    at: int
    ports: list[str] = field(default_factory=list)
    declarations: list[Declaration] = field(default_factory=list)
    items: list[Assign | Primitive | Instance] = field(default_factory=list)


def read_modules(tokens: Tokens) -> dict[str, Module]:
    """The modules of a file by name, in order; CircuitError for what is not structural Verilog."""
    modules: dict[str, Module] = {}
    at = 0
    while tokens.words[at]:
        if tokens.words[at] == ";":
            at += 1
            continue
        if tokens.words[at] != "module":
            raise _refused(tokens, at, "'module'")
        module, at = _Reader(tokens).module(at)
        if module.name in modules:
            raise tokens.error(module.at, f"the module {module.name!r} is defined twice")
        modules[module.name] = module
    if not modules:
        raise tokens.error(at, "there is no module")
    return modules


def _refused(tokens: Tokens, at: int, wanted: str) -> CircuitError:
    """The error for a token, with the reason if it is Verilog that is not supported."""
    word = tokens.words[at]
    if word in _REFUSED:
        return tokens.error(at, f"{word!r} is not supported: {_REFUSED[word]}")
    if word.startswith("`"):
        return tokens.error(at, f"the directive {word.split()[0]!r} is not supported")
    return tokens.unexpected(at, wanted)


@dataclass
class _Reader:
    tokens: Tokens

    def module(self, at: int) -> tuple[Module, int]:
        """The module whose keyword is at a token, and the token after its endmodule."""
        words = self.tokens.words
        module = Module(self._identifier(at + 1, "the name of a module"), at + 1)
        at += 2
        if words[at] == "(":
            at = self._header(module, at + 1)
        at = self._expect(at, ";")
        while words[at] != "endmodule":
            at = self._item(module, at)
        return module, at + 1

    def _header(self, module: Module, at: int) -> int:
        """The list of ports, in either style, from after its '('."""
        words = self.tokens.words
        if words[at] == ")":
            return at + 1
        what, bounds, first = "", None, True
        while True:
            if words[at] in _DIRECTIONS:
                what, at = words[at], at + 1
                at += words[at] == "wire"
                bounds, at = self._bounds(at)
            elif words[at] in _REFUSED:
                raise _refused(self.tokens, at, "")
            name = self._identifier(at, "the name of a port")
            module.ports.append(name)
            if what:
                module.declarations.append(Declaration(name, what, bounds, at))
            elif not first and module.declarations:
                raise self.tokens.unexpected(at, "'input' or 'output'")
            first, at = False, at + 1
            if words[at] == ")":
                return at + 1
            at = self._expect(at, ",", "',' or ')'")

    def _item(self, module: Module, at: int) -> int:
        """One item of a module; the token after its ';'."""
        words, word = self.tokens.words, self.tokens.words[at]
        if word in PRIMITIVES:
            return self._list(self._delay(at + 1), lambda i: self._primitive(module, word, i))
        if word == "assign":
            return self._list(self._delay(at + 1), lambda i: self._assign(module, i))
        if word in _DIRECTIONS or word in _NETS:
            at += 1
            if word in _DIRECTIONS:
                at += words[at] == "wire"
            bounds, at = self._bounds(at)
            at = self._delay(at)
            return self._list(at, lambda i: self._declared(module, word, bounds, i))
        if word == ";":
            return at + 1
        if word not in _KEYWORDS and NAME.fullmatch(word):
            if words[at + 1] == "#":
                raise self.tokens.error(at + 1, "parameters of instances are not supported")
            name = plain(word)
            return self._list(at + 1, lambda i: self._instance(module, name, i))
        raise _refused(self.tokens, at, "a declaration, a gate, an instance or 'endmodule'")

    def _list(self, at: int, read: Callable[[int], int]) -> int:
        """Read one or more items, separated by commas, up to ';'; the token after that."""
        while True:
            at = read(at)
            if self.tokens.words[at] == ";":
                return at + 1
            at = self._expect(at, ",", "',' or ';'")

    def _declared(self, module: Module, what: str, bounds: Range, at: int) -> int:
        name = self._identifier(at, "the name of a net")
        module.declarations.append(Declaration(name, what, bounds, at))
        if self.tokens.words[at + 1] == "=" and what == "wire":  # a declaration that assigns
            return self._assign(module, at)
        if self.tokens.words[at + 1] == "[":
            raise self.tokens.error(at + 1, "arrays of nets are not supported")
        return at + 1

    def _assign(self, module: Module, at: int) -> int:
        words, start = self.tokens.words, at
        targets: list[tuple[Reference, int]] = []
        braces = 0
        while True:
            while words[at] == "{":
                braces, at = braces + 1, at + 1
            self._identifier(at, "the name of a net")
            reference, after = read_reference(self.tokens, at)
            targets.append((reference, at))
            at = after
            while braces and words[at] == "}":
                braces, at = braces - 1, at + 1
            if not braces:
                break
            at = self._expect(at, ",", "',' or '}'")
        at = self._expect(at, "=")
        expression, at = self._expression(at)
        module.items.append(Assign(tuple(targets), expression, start))
        return at

    def _primitive(self, module: Module, kind: str, at: int) -> int:
        words, start = self.tokens.words, at
        if words[at] != "(":
            self._identifier(at, "the name of a gate or '('")
            at += 1
        if words[at] == "[":
            raise self.tokens.error(at, "arrays of gates are not supported")
        at = self._expect(at, "(")
        terminals: list[Expression] = []
        while True:
            expression, at = self._expression(at)
            terminals.append(expression)
            if words[at] == ")":
                break
            at = self._expect(at, ",", "',' or ')'")
        if len(terminals) < 2:
            raise self.tokens.error(start, f"{kind} must have an output and an input")
        module.items.append(Primitive(kind, terminals, start))
        return at + 1

    def _instance(self, module: Module, kind: str, at: int) -> int:
        words, start = self.tokens.words, at
        name = self._identifier(at, f"the name of an instance of {kind!r}")
        if words[at + 1] == "[":
            raise self.tokens.error(at + 1, "arrays of instances are not supported")
        at = self._expect(at + 1, "(")
        ports: list[tuple[str | int, Expression | None, int]] = []
        while words[at] != ")" or ports:
            port: str | int = len(ports)
            place, expression = at, None
            if words[at] == ".":
                port = self._identifier(at + 1, "the name of a port")
                at = self._expect(at + 2, "(")
                if words[at] != ")":
                    expression, at = self._expression(at)
                at = self._expect(at, ")")
            elif words[at] not in (",", ")"):
                expression, at = self._expression(at)
            ports.append((port, expression, place))
            if words[at] == ")":
                break
            at = self._expect(at, ",", "',' or ')'")
        module.items.append(Instance(kind, name, ports, start))
        return at + 1

    def _expression(self, at: int) -> tuple[Expression, int]:
        words = self.tokens.words
        word, after = words[at], words[at + 1] if words[at] else ""
        if after in (",", ")", ";") and NAME.fullmatch(word) and word not in _KEYWORDS:
            return (word[1:] if word[0] == "\\" else word), at + 1  # by far the most common case
        return read_expression(self.tokens, at)

    def _bounds(self, at: int) -> tuple[Range, int]:
        """The bounds of [7:0], if there are any; and the token after them."""
        if self.tokens.words[at] in _REFUSED:
            raise _refused(self.tokens, at, "")
        if self.tokens.words[at] != "[":
            return None, at
        indices, after = read_range(self.tokens, at)
        if len(indices) != 2:
            raise self.tokens.unexpected(after - 1, "':'")
        if abs(indices[0] - indices[1]) >= WIDEST:
            bus = f"[{indices[0]}:{indices[1]}]"
            raise self.tokens.error(at, f"the bus {bus} is too wide: at most {WIDEST} bits")
        return (indices[0], indices[1]), after

    def _delay(self, at: int) -> int:
        """Skip #1 and #(1, 2): a delay does not change the logic."""
        words = self.tokens.words
        if words[at] != "#":
            return at
        if words[at + 1] != "(":
            if not words[at + 1][:1].isdecimal():
                raise self.tokens.unexpected(at + 1, "a delay")
            return at + 2
        while words[at] and words[at] not in (")", ";"):
            at += 1
        return self._expect(at, ")")

    def _identifier(self, at: int, wanted: str) -> str:
        word = self.tokens.words[min(at, len(self.tokens.words) - 1)]
        if word in _KEYWORDS or not NAME.fullmatch(word):
            raise _refused(self.tokens, min(at, len(self.tokens.words) - 1), wanted)
        return plain(word)

    def _expect(self, at: int, word: str, wanted: str = "") -> int:
        if self.tokens.words[at] != word:
            raise _refused(self.tokens, at, wanted or f"{word!r}")
        return at + 1
