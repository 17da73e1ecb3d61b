"""Arrays and tables as static HTML without scripts, readable on light and dark pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from clearprop._typing import Array
from clearprop.notation import counted, number

MOST_ROWS, MOST_COLUMNS = 10, 12
# Colours are a thin layer over the page's background, and text keeps the page's colour.
# Orange for > 0 and blue for < 0 are safe for colour-blind readers; the sign is shown too.
POSITIVE, NEGATIVE = "230,120,0", "0,114,178"
STYLE = """<style>
.clearprop{font-size:13px;line-height:1.45}
.clearprop table{font-size:inherit;border-collapse:collapse;margin:4px 0;width:auto}
.clearprop th,.clearprop td{padding:1px 7px;text-align:right;border:0;background:none;color:inherit;
font-variant-numeric:tabular-nums;white-space:nowrap}
.clearprop th{font-weight:normal;opacity:.65}
.clearprop th.l,.clearprop td.l{text-align:left}
.clearprop .e{font-family:"STIX Two Math","Cambria Math",serif;font-size:16px}
.clearprop .s{opacity:.7}
.clearprop details{margin:6px 0}
.clearprop summary{cursor:pointer}
.clearprop pre{margin:2px 0;background:none;color:inherit;white-space:pre-wrap}
.clearprop .m{overflow-x:auto}
</style>"""


def page(content: str) -> str:
    """The content with its style, for a notebook."""
    return f'{STYLE}<div class="clearprop">{content}</div>'


def table_html(header: Sequence[str], rows: Iterable[Sequence[object]], left: int = 1) -> str:
    """A table of texts and numbers; the first `left` columns are flush left."""

    def cell(tag: str, k: int, value: object) -> str:
        text = number(value) if isinstance(value, float) else str(value)
        kind = ' class="l"' if k < left else ""
        return f"<{tag}{kind}>{escape(text)}</{tag}>"

    head = "".join(cell("th", k, name) for k, name in enumerate(header))
    body = "".join(
        "<tr>" + "".join(cell("td", k, value) for k, value in enumerate(row)) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def matrix_html(value: Array, axes: tuple[str, ...]) -> str:
    """The first rows and columns of an array as shaded cells, with a note on the rest."""
    notes = []
    while value.ndim > 2:
        notes.append(f"{axes[0]} = 0, the first of {value.shape[0]:,}")
        value, axes = value[0], axes[1:]
    if value.ndim == 0:
        return f"<div>{number(float(value))}</div>"
    rows = value[None, :] if value.ndim == 1 else value
    n_rows, n_columns = rows.shape
    row_axis, column_axis = ("", axes[0]) if value.ndim == 1 else axes
    shown = rows[:MOST_ROWS, :MOST_COLUMNS].astype(np.float64)
    finite = np.abs(shown[np.isfinite(shown)])
    largest = float(finite.max()) if finite.size and finite.max() > 0 else 1.0
    head = "".join(f"<th>{column_axis}&nbsp;{k}</th>" for k in range(shown.shape[1]))
    body = "".join(
        f'<tr><th class="l">{f"{row_axis}&nbsp;{r}" if row_axis else ""}</th>'
        + "".join(_cell(v, largest) for v in row)
        + "</tr>"
        for r, row in enumerate(shown.tolist())
    )
    if n_rows > MOST_ROWS:
        notes.append(f"the first {MOST_ROWS} of {counted(n_rows, 'row')}")
    if n_columns > MOST_COLUMNS:
        notes.append(f"the first {MOST_COLUMNS} of {counted(n_columns, 'column')}")
    note = f'<div class="s">… {", ".join(notes)}</div>' if notes else ""
    return (
        f'<div class="m"><table><thead><tr><th></th>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>{note}"
    )


def _cell(value: float, largest: float) -> str:
    if not np.isfinite(value):
        return f"<td><b>{value}</b></td>"
    strength = min(abs(value) / largest, 1.0) * 0.5
    colour = POSITIVE if value > 0 else NEGATIVE
    shade = f' style="background:rgba({colour},{strength:.2f})"' if strength >= 0.01 else ""
    return f"<td{shade}>{number(value)}</td>"
