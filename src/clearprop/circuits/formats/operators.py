"""The grammar of expressions: operators by precedence, with a stack and without recursion."""

from __future__ import annotations

from dataclasses import dataclass

from clearprop.circuits.formats.tokens import (
    NAME,
    Number,
    Reference,
    Tokens,
    read_number,
    read_reference,
)
from clearprop.limits import WIDEST

DEEPEST = 1000  # nested parentheses and braces
_UNARY = {"~": 8, "!": 8, "&": 8, "|": 8, "^": 8, "~&": 8, "~|": 8, "~^": 8, "^~": 8}
_BINARY = {"==": 7, "!=": 7, "&": 6, "^": 5, "~^": 5, "^~": 5, "|": 4, "&&": 3, "||": 2}
_TERNARY = 1
WORDS = {"not": "~", "and": "&", "or": "|", "xor": "^"}
WORDS |= {word.upper(): symbol for word, symbol in WORDS.items()}


@dataclass(slots=True)
class Node:
    """One operation: op on the nodes `parts`, or a leaf ("net", "number"), at a token.

    op: "~", "!", "&", "|", "^", "&&", "||" (with any number of parts), "==", "?" (the last branch,
    then branch and condition in turn; the last pair decides first), "{" (repeated `times`), "r&",
    "r|", "r^" (reductions), or "" after a longer chain has taken over the parts. inverted: whether
    the result is inverted.
    """

    op: str
    at: int
    parts: list[int]
    reference: Reference = ("", ())
    number: Number = (0, None)
    times: int = 1
    inverted: bool = False


@dataclass
class _Parser:
    """Operator precedence with two stacks. scalar: the grammar of `parse`, in which a[3] is a name,
    and / or / xor / not are operators, and a new line with a name begins the next statement."""

    tokens: Tokens
    scalar: bool

    def read(self, at: int) -> tuple[list[Node], int]:
        """The nodes of the expression that begins at a token, and the first token after it."""
        self.nodes: list[Node] = []
        self.operands: list[int] = []
        self.closed: set[int] = set()  # nodes in parentheses, which no chain continues
        self.operators: list[tuple[str, int, int, int]] = []  # symbol, precedence, token, operands
        self.depth = 0
        words, wanted = self.tokens.words, True
        while True:
            token = self._symbol(words[at])
            if wanted:
                wanted, at = self._operand(token, at)
                continue
            if token in _BINARY:
                self._reduce(_BINARY[token])
                self._push(token, _BINARY[token], at)
                wanted = True
            elif token == "?":
                self._reduce(_TERNARY + 1)
                self._push("?", 0, at)
                wanted = True
            elif token in (":", ")", "}", ","):
                self._reduce(_TERNARY)
                top = self.operators[-1][0] if self.operators else ""
                if token == ":" and top == "?":
                    place = self.operators.pop()[2]
                    self._push("?:", _TERNARY, place)
                    wanted = True
                elif token == ")" and top == "(":
                    self._close(at)
                elif token == "}" and top in ("{", "{{"):
                    at = self._braces(at)
                elif token == "," and top in ("{", "{{"):
                    wanted = True
                else:
                    break
            else:
                break
            at += 1
        self._reduce(_TERNARY)
        if self.operators:
            wanted_token = {"(": "')'", "?": "':'"}.get(self.operators[-1][0], "'}'")
            raise self.tokens.unexpected(at, f"an operator or {wanted_token}")
        return self.nodes, at

    def _symbol(self, token: str) -> str:
        return WORDS.get(token, token) if self.scalar else token

    def _push(self, symbol: str, precedence: int, at: int) -> None:
        self.operators.append((symbol, precedence, at, len(self.operands)))

    def _operand(self, token: str, at: int) -> tuple[bool, int]:
        """Read a token where an operand is expected: whether one still is, and the next token."""
        words = self.tokens.words
        if token in _UNARY and (not self.scalar or token in "~!"):
            self._push("u" + token, _UNARY[token], at)
            return self._deeper(at), at + 1
        if token == "(":
            self._push("(", 0, at)
            return self._deeper(at), at + 1
        if token == "{" and not self.scalar:
            repeated = words[at + 1][:1].isdecimal() and words[at + 2] == "{"
            self._push("{{" if repeated else "{", 0, at)
            return self._deeper(at), at + (3 if repeated else 1)
        if token[:1].isdecimal() or token[:1] == "'":
            self._add(Node("number", at, [], number=read_number(self.tokens, at)))
            return False, at + 1
        if NAME.fullmatch(token):
            reference, after = read_reference(self.tokens, at)
            self._add(Node("net", at, [], reference))
            return False, after
        raise self.tokens.unexpected(at, "a net, a number, '(' or an operator such as '~'")

    def _deeper(self, at: int) -> bool:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.tokens.error(at, f"nested more than {DEEPEST} deep")
        return True

    def _add(self, node: Node) -> None:
        self.nodes.append(node)
        self.operands.append(len(self.nodes) - 1)

    def _close(self, at: int) -> None:
        self.depth -= 1
        self.operators.pop()
        self.closed.add(self.operands[-1])

    def _braces(self, at: int) -> int:
        """End a concatenation or replication at its '}'; its last token."""
        self.depth -= 1
        symbol, _, place, base = self.operators.pop()
        parts = self.operands[base:]
        del self.operands[base:]
        times = 1
        if symbol == "{{":
            times, _ = read_number(self.tokens, place + 1)
            if not 1 <= times <= WIDEST:
                raise self.tokens.error(place, f"a replication must be 1 … {WIDEST} times")
            at += 1
            if self.tokens.words[at] != "}":
                raise self.tokens.unexpected(at, "'}' after a replication")
        self._add(Node("{", place, parts, times=times))
        return at

    def _reduce(self, precedence: int) -> None:
        """Apply the operators on the stack that bind at least this tightly."""
        while self.operators and self.operators[-1][1] >= precedence:
            symbol, _, at, _ = self.operators.pop()
            right = self.operands.pop()
            if symbol[0] == "u":
                self.depth -= 1
                if symbol == "u~" and self.nodes[right].op in ("&", "|", "^"):
                    self.nodes[right].inverted ^= True  # ~(a & b) is one NAND
                    self.operands.append(right)
                else:
                    self._add(_unary(symbol[1:], at, right))
            elif symbol == "?:":
                then, condition = self.operands.pop(), self.operands.pop()
                chain = self._chain(right, "?") or [right]
                chain.extend((then, condition))
                self._add(Node("?", at, chain))
            elif symbol in ("==", "!="):
                pair = [self.operands.pop(), right]
                self._add(Node("==", at, pair, inverted=symbol == "!="))
            else:
                left = self.operands.pop()
                op = "^" if "^" in symbol else symbol
                before = self.nodes[left].inverted
                parts = self._chain(left, op)
                inverted = ("~" in symbol) != (before if parts else False)
                parts = parts or [left]
                parts.append(right)
                self._add(Node(op, at, parts, inverted=inverted))

    def _chain(self, i: int, op: str) -> list[int] | None:
        """The operands of node i, taken over from it if it is an `op` without parentheses."""
        node = self.nodes[i]
        if node.op != op or i in self.closed:
            return None
        parts, node.op, node.parts = node.parts, "", []
        return parts


def _unary(symbol: str, at: int, part: int) -> Node:
    if symbol in "~!":
        return Node(symbol, at, [part])
    reduction = "r" + symbol.replace("~", "")
    return Node(reduction, at, [part], inverted="~" in symbol)


def read_expression(tokens: Tokens, at: int, scalar: bool = False) -> tuple[list[Node], int]:
    """The nodes of an expression, operands first, and the first token that is not part of it."""
    return _Parser(tokens, scalar).read(at)
