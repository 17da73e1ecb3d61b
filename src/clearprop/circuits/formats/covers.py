"""Cells for a function that a file gives as a cover: rows of 0, 1 and - over its inputs."""

from __future__ import annotations

from collections.abc import Sequence

from clearprop.circuits.formats.source import Builder


def add_cover(
    builder: Builder, inputs: Sequence[str], rows: Sequence[str], value: int, output: str, at: int
) -> None:
    """Add cells that give `output` the value (0 or 1) if some row matches the inputs, else the
    other value.

    A row becomes an AND, and all rows together an OR; a parity of up to four inputs becomes an XOR.
    """
    rows = list(dict.fromkeys(rows))
    if not rows or any(
        not row.strip("-") for row in rows
    ):  # no row matches, or some row always does
        builder.constant(value if rows else 1 - value, at, output)
        return
    parity = _parity(rows)
    if parity is not None:
        builder.add("xor" if parity == value else "xnor", inputs, output, at)
        return
    if len(rows) == 1:
        _add_row(builder, inputs, rows[0], value, output, at)
        return
    literals = [[i for i, bit in enumerate(row) if bit != "-"] for row in rows]
    if all(len(row) == 1 for row in literals):
        alike = {row[i] for row, (i,) in zip(rows, literals, strict=True)}
        if alike == {"0"}:
            nets = [inputs[i] for (i,) in literals]
            builder.gate("nand" if value else "and", nets, at, output)
            return
    terms = [_add_row(builder, inputs, row, 1, None, at) for row in rows]
    builder.gate("or" if value else "nor", terms, at, output)


def _add_row(
    builder: Builder, inputs: Sequence[str], row: str, value: int, output: str | None, at: int
) -> str:
    used = [(net, bit) for net, bit in zip(inputs, row, strict=True) if bit != "-"]
    if all(bit == "0" for _, bit in used):
        return builder.gate("nor" if value else "or", [net for net, _ in used], at, output)
    nets = [net if bit == "1" else builder.invert(net, at) for net, bit in used]
    return builder.gate("and" if value else "nand", nets, at, output)


def _parity(rows: Sequence[str]) -> int | None:
    """1 if these are all rows with an odd number of ones, 0 if with an even number, else None."""
    k = len(rows[0])
    if not 2 <= k <= 4 or len(rows) != 2 ** (k - 1) or any("-" in row for row in rows):
        return None
    odd = {row.count("1") % 2 for row in rows}
    return odd.pop() if len(odd) == 1 else None
