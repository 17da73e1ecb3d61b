"""Explanations in a notebook, as static HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from clearprop.notation import shape_text
from clearprop.notebook.html import matrix_html

if TYPE_CHECKING:
    from clearprop.explain.step import Explanation, Step


def step_html(step: Step) -> str:
    """The equation, the shapes and the numbers, followed by LaTeX and Python."""
    operands = ", ".join(f"{o.name} {shape_text(o.value.shape)}" for o in step.operands)
    count = f'<span class="s">{step.number}&ensp;</span>' if step.number else ""
    lines = [f"{step.name} {shape_text(step.shape)} from {operands}"]
    lines += [f"each entry: {step.entry}"] if step.entry else []
    lines += [step.note] if step.note else []
    small = "".join(f'<div class="s">{escape(line)}</div>' for line in lines)
    return (
        f'<div>{count}<span class="e">{escape(step.equation)}</span></div>{small}'
        f"{matrix_html(step.result, step.axes)}"
        f'<details><summary class="s">LaTeX and Python</summary><pre>{escape(step.latex)}</pre>'
        f"<pre>{escape(step.code)}</pre></details>"
    )


def explanation_html(explanation: Explanation) -> str:
    """All steps, each folded into its equation."""
    parts: list[str] = []
    direction = ""
    for step in explanation:
        if step.direction != direction:
            direction = step.direction
            name = "Forward propagation" if direction == "forward" else "Back-propagation"
            parts.append(f"<div><b>{name}</b></div>")
        summary = f'{step.number}&ensp;<span class="e">{escape(step.equation)}</span>'
        parts.append(f"<details><summary>{summary}</summary>{step_html(step)}</details>")
    return "".join(parts)
