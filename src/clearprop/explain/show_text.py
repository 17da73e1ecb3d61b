"""Explanations in the terminal, as rich tables."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING, Any

from clearprop._typing import Array
from clearprop.notation import number, shape_text

if TYPE_CHECKING:
    from rich.console import Group

    from clearprop.explain.step import Explanation, Step

MOST_ROWS, MOST_COLUMNS = 8, 8
WIDTH = 120


def plain(value: Any) -> str:
    """The output of rich as text without colour."""
    from rich.console import Console

    console = Console(file=StringIO(), width=WIDTH, highlight=False, no_color=True)
    with console.capture() as capture:
        console.print(value.__rich__())
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def step_text(step: Step) -> Group:
    """The equation, the shapes and the numbers."""
    from rich.console import Group
    from rich.text import Text

    head = Text()
    head.append(f"{step.number:>3}  " if step.number else "", style="dim")
    head.append(step.equation, style="bold")
    operands = ", ".join(f"{o.name} {shape_text(o.value.shape)}" for o in step.operands)
    details = [f"{step.name} {shape_text(step.shape)} from {operands}"]
    details += [f"each entry: {step.entry}"] if step.entry else []
    details += [step.note] if step.note else []
    parts: list[Any] = [head, *(Text(f"     {line}", style="dim") for line in details)]
    return Group(*parts, *matrix_text(step.result, step.axes), Text(""))


def matrix_text(value: Array, axes: tuple[str, ...]) -> list[Any]:
    """An array as a table of its first rows and columns; for a stack of matrices, the first one."""
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    notes = []
    while value.ndim > 2:
        notes.append(f"{axes[0]} = 0, the first of {value.shape[0]}")
        value, axes = value[0], axes[1:]
    if value.ndim == 0:
        return [Text(f"     {number(float(value))}")]
    rows = value[None, :] if value.ndim == 1 else value
    n_rows, n_columns = rows.shape
    row_axis, column_axis = ("", axes[0]) if value.ndim == 1 else axes
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("", style="dim")
    for k in range(min(n_columns, MOST_COLUMNS)):
        table.add_column(f"{column_axis} {k}", justify="right")
    for r in range(min(n_rows, MOST_ROWS)):
        cells = (number(float(v)) for v in rows[r, :MOST_COLUMNS])
        table.add_row(f"{row_axis} {r}" if row_axis else "", *cells)
    if n_rows > MOST_ROWS:
        notes.append(f"the first {MOST_ROWS} of {n_rows:,} rows")
    if n_columns > MOST_COLUMNS:
        notes.append(f"the first {MOST_COLUMNS} of {n_columns:,} columns")
    lines = [Text(f"     … {', '.join(notes)}", style="dim")] if notes else []
    return [Padding(table, (0, 0, 0, 5)), *lines]


def explanation_text(explanation: Explanation) -> Group:
    """All steps, the forward half and the backward half under a heading."""
    from rich.console import Group
    from rich.rule import Rule

    parts: list[Any] = []
    direction = ""
    for step in explanation:
        if step.direction != direction:
            direction = step.direction
            name = "forward propagation" if direction == "forward" else "back-propagation"
            parts.append(Rule(name, align="left", style="dim"))
        parts.append(step_text(step))
    return Group(*parts)
