"""Logic written as expressions: the cells that they stand for, and `parse`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from clearprop.circuits.formats.operators import WORDS, Node, read_expression
from clearprop.circuits.formats.source import Builder, decode
from clearprop.circuits.formats.tokens import (
    NAME,
    Reference,
    Tokens,
    read_reference,
    tokenize,
)
from clearprop.circuits.netlist import Circuit, CircuitError
from clearprop.limits import WIDEST

_KINDS = {"&": "and", "|": "or", "^": "xor", "&&": "and", "||": "or"}
_INVERSE = {"and": "nand", "or": "nor", "xor": "xnor"}


def emit(
    nodes: list[Node],
    builder: Builder,
    resolve: Callable[[Reference, int], Sequence[str]],
    targets: Sequence[str] | None = None,
) -> list[str]:
    """Make the cells of an expression; its nets, the least significant first.

    resolve: the nets of a reference at a token. targets: the nets to be driven. The expression is
    cut to their number or extended by zeros, and by Verilog's rule operands are extended first.
    """
    leaves = [resolve(node.reference, node.at) if node.op == "net" else () for node in nodes]
    width = _widths(nodes, leaves, builder)
    needed = [0] * len(nodes)
    needed[-1] = len(targets) if targets is not None else width[-1]
    for i in range(len(nodes) - 1, -1, -1):
        _need(nodes[i], width, needed, needed[i])
    values: list[list[str]] = []
    for i, node in enumerate(nodes):
        last = targets if i == len(nodes) - 1 else None
        builder.spend(needed[i], node.at)
        values.append(_value(node, values, needed[i], leaves[i], builder, last))
    return values[-1]


def _widths(nodes: list[Node], leaves: list[Sequence[str]], builder: Builder) -> list[int]:
    width: list[int] = []
    for node, nets in zip(nodes, leaves, strict=True):
        bits = 1
        if node.op == "net":
            bits = len(nets)
        elif node.op == "number":
            bits = node.number[1] or max(32, node.number[0].bit_length())
        elif node.op in ("~", "&", "|", "^"):
            bits = max(width[part] for part in node.parts)
        elif node.op == "?":
            bits = max(width[node.parts[0]], *(width[part] for part in node.parts[1::2]))
        elif node.op == "{":
            bits = node.times * sum(width[part] for part in node.parts)
            for part in node.parts:
                if nodes[part].op == "number" and nodes[part].number[1] is None:
                    raise builder.error(node.at, "a number within { } must have a width: 4'd5")
        if bits > WIDEST:
            raise builder.error(
                node.at, f"an expression may have at most {WIDEST} bits; got {bits}"
            )
        width.append(bits)
    return width


def _need(node: Node, width: list[int], needed: list[int], n: int) -> None:
    """Set how many bits of its operands a node needs for n bits of its own."""
    op, parts = node.op, node.parts
    if op == "==":
        needed[parts[0]] = needed[parts[1]] = max(width[parts[0]], width[parts[1]])
        return
    for k, part in enumerate(parts):
        bitwise = op in ("~", "&", "|", "^") or (op == "?" and (k == 0 or k % 2 == 1))
        needed[part] = n if bitwise else width[part]


def _value(
    node: Node,
    values: list[list[str]],
    n: int,
    nets: Sequence[str],
    builder: Builder,
    targets: Sequence[str] | None,
) -> list[str]:
    """The n lowest bits of a node."""
    op, at = node.op, node.at
    parts = [values[part] for part in node.parts]

    def target(k: int) -> str | None:
        return None if targets is None else targets[k]

    if op in ("&", "|", "^"):
        kind = _INVERSE[_KINDS[op]] if node.inverted else _KINDS[op]
        return [builder.gate(kind, [p[k] for p in parts], at, target(k)) for k in range(n)]
    if op == "~":
        return [builder.invert(parts[0][k], at, target(k)) for k in range(n)]
    if op == "?":
        conditions = [builder.gate("or", part, at) for part in parts[2::2]] if n else []
        branches = [parts[0], *parts[1::2]]
        return [_choose(conditions, branches, k, at, builder, target(k)) for k in range(n)]
    if op == "net":
        bits = list(nets[:n])
    elif op == "number":
        value = node.number[0]
        if targets is not None:
            return [builder.constant(value >> k & 1, at, target(k)) for k in range(n)]
        return [builder.constant(value >> k & 1, at) for k in range(n)]
    elif op == "{":
        bits = [net for part in reversed(parts) for net in part] * node.times
    elif op == "":
        return []
    else:
        bits = [_truth(node, parts, builder, target(0) if n else None)][:n]
        extended = [builder.constant(0, at, target(k)) for k in range(len(bits), n)]
        return bits + extended
    bits = bits[:n]
    if targets is None:
        return bits + [builder.constant(0, at) for _ in range(len(bits), n)]
    copied = [builder.gate("buf", [net], at, target(k)) for k, net in enumerate(bits)]
    return copied + [builder.constant(0, at, target(k)) for k in range(len(bits), n)]


def _choose(
    conditions: list[str],
    branches: list[list[str]],
    k: int,
    at: int,
    builder: Builder,
    target: str | None,
) -> str:
    """Bit k of a chain of ?:, built from the last branch on."""
    net = branches[0][k]
    for i, condition in enumerate(conditions):
        last = target if i == len(conditions) - 1 else None
        net = builder.gate("mux", [condition, net, branches[i + 1][k]], at, last)
    return net


def _truth(node: Node, parts: list[list[str]], builder: Builder, target: str | None) -> str:
    """The one bit of a reduction, a comparison or a logical operator."""
    op, at = node.op, node.at
    if op == "!":
        return builder.gate("nor", parts[0], at, target)
    if op[0] == "r":
        kind = _KINDS[op[1]]
        return builder.gate(_INVERSE[kind] if node.inverted else kind, parts[0], at, target)
    if op == "==":
        if len(parts[0]) == 1:
            kind = "xor" if node.inverted else "xnor"
            return builder.gate(kind, [parts[0][0], parts[1][0]], at, target)
        differ = [builder.gate("xor", pair, at) for pair in zip(*parts, strict=True)]
        return builder.gate("or" if node.inverted else "nor", differ, at, target)
    truths = [builder.gate("or", part, at) for part in parts]
    return builder.gate(_KINDS[op], truths, at, target)


def parse(
    expressions: str,
    inputs: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
    name: str = "circuit",
) -> Circuit:
    """The circuit of expressions such as "s = a ^ b ^ cin; cout = a & b | cin & (a ^ b)".

    Each statement assigns a value to a net; statements end with ";" or at the end of the line, and
    may be in any order. Operators, tightest first: ~ ! not; == !=; & and; ^ xor, ~^ (xnor); | or;
    &&; ||; s ? a : b (a where s is 1). Constants: 0 and 1. A chain a & b & c is one gate with 3
    inputs. Comments begin with // . Names are as in Verilog; a[3] is also a name.

    inputs: by default the names that are never assigned, in the order of their first use.
    outputs: by default the names that are assigned and used in no other expression, in order.
    Raises CircuitError, with line and token, for text that cannot be read, for cycles, and for nets
    that are assigned never or twice.
    """
    tokens = tokenize(decode(expressions), "expressions")
    builder = Builder("expressions", tokens.text, tokens.line)
    used: dict[str, None] = {}
    given: dict[str, int] = {}

    def resolve(reference: Reference, at: int) -> list[str]:
        net = _scalar(tokens, reference, at)
        used.setdefault(net)
        builder.where.setdefault(net, at)
        return [net]

    at = 0
    while tokens.words[at]:
        if tokens.words[at] == ";":
            at += 1
            continue
        if not NAME.fullmatch(tokens.words[at]) or tokens.words[at] in WORDS:
            raise tokens.unexpected(at, "the name of a net")
        start = at
        reference, at = read_reference(tokens, at)
        net = _scalar(tokens, reference, start)
        if tokens.words[at] != "=":
            raise tokens.unexpected(at, f"'=' after {net!r}")
        if net in given:
            first = tokens.line(given[net])
            message = f"{net!r} is assigned twice, first in line {first}"
            raise CircuitError(str(tokens.error(start, message)), net)
        given[net] = start
        builder.where.setdefault(net, start)
        nodes, after = read_expression(tokens, at + 1, scalar=True)
        for node in nodes:
            if node.op == "number" and (node.number[0] > 1 or (node.number[1] or 1) > 1):
                raise tokens.error(node.at, f"constants are 0 and 1; got {tokens.words[node.at]!r}")
            if node.op == "number":
                node.number = (node.number[0], 1)
        emit(nodes, builder, resolve, [net])
        at = after
        ended = tokens.words[at] in (";", "")
        if not ended and not (
            NAME.fullmatch(tokens.words[at]) and tokens.line(at) > tokens.line(at - 1)
        ):
            raise tokens.unexpected(at, "an operator or ';'")
    if not given:
        raise tokens.error(at, "there is no expression")
    if inputs is None:
        inputs = [net for net in used if net not in given]
    if outputs is None:
        outputs = [net for net in given if net not in used]
    return builder.circuit(name, inputs, outputs)


def _scalar(tokens: Tokens, reference: Reference, at: int) -> str:
    name, indices = reference
    if len(indices) == 2:
        raise tokens.error(at, f"an expression must use single nets; {name!r} has a range")
    return f"{name}[{indices[0]}]" if indices else name
