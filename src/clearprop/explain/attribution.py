"""The prediction for a row as a sum over the columns: Aumann–Shapley values."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from clearprop._typing import Array
from clearprop.callers import users_line
from clearprop.checks import check_number
from clearprop.explain.attribution_task import task_of
from clearprop.explain.paths import Member, shares
from clearprop.network import Network
from clearprop.notation import counted, number

if TYPE_CHECKING:
    from clearprop.estimators import MLPClassifier, MLPRegressor
    from clearprop.tabular import TabularClassifier, TabularRegressor
    from clearprop.tabular.model import TableModel

    Model: TypeAlias = (
        TableModel | Network | MLPClassifier | MLPRegressor | TabularClassifier | TabularRegressor
    )

ROWS_SHOWN, COLUMNS_SHOWN, OUTPUTS_SHOWN = 3, 15, 4


@dataclass(frozen=True, eq=False)
class Attributions:
    """The contribution of each column to the prediction of each row, on an additive scale.

    values: (N, C, Q), the contributions.
    base: (Q,), F of the background.
    prediction: (N, Q), F of the rows: base + values.sum(axis=1) = prediction.
    error: (N,), the largest error of any value of the row; see :func:`attribute`.
    columns: C names. outputs: Q names.
    scale: the name of F, such as "log-odds".
    cells: (N, C), the contents of the rows.
    compared_with: the background in words.
    """

    columns: tuple[str, ...]
    outputs: tuple[str, ...]
    scale: str
    values: Array
    base: Array
    prediction: Array
    error: Array
    cells: tuple[tuple[str, ...], ...]
    compared_with: str

    def __len__(self) -> int:
        return len(self.values)

    def order(self, row: int = 0, output: int | None = None) -> Array:
        """The numbers of the columns (C,), those with the largest attributions first."""
        part = self.values[row] if output is None else self.values[row][:, [output]]
        return np.argsort(-np.abs(part).max(axis=1), kind="stable")

    def output_of(self, row: int, output: str | int | None = None) -> int:
        """The number of an output, by its name or number; None is the one with the largest F."""
        if output is None:
            return int(np.argmax(self.prediction[row]))
        if isinstance(output, str):
            if output not in self.outputs:
                raise ValueError(f"output must be one of {list(self.outputs)}; got {output!r}")
            return self.outputs.index(output)
        if not 0 <= output < len(self.outputs):
            raise ValueError(f"output must be from 0 to {len(self.outputs) - 1}; got {output}")
        return int(output)

    def to_document(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {
            "scale": self.scale,
            "columns": list(self.columns),
            "outputs": list(self.outputs),
            "compared_with": self.compared_with,
            "base": self.base.tolist(),
            "rows": [
                {
                    "cells": list(self.cells[n]),
                    "values": self.values[n].tolist(),
                    "prediction": self.prediction[n].tolist(),
                    "error": float(self.error[n]),
                }
                for n in range(len(self))
            ],
        }

    def table(self, row: int = 0) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """The heads and the lines of a table of one row of the data, the largest values first."""
        Q = len(self.outputs)
        shown = range(Q) if Q <= OUTPUTS_SHOWN else [self.output_of(row)]
        order = self.order(row, None if Q <= OUTPUTS_SHOWN else shown[0])
        used = [c for c in order if self.values[row, c].any()]
        lines = [("(base)", "", *(number(self.base[q]) for q in shown))]
        for c in used[:COLUMNS_SHOWN]:
            values = (_signed(self.values[row, c, q]) for q in shown)
            lines.append((self.columns[c], self.cells[row][c], *values))
        rest = used[COLUMNS_SHOWN:]
        if rest:
            sums = self.values[row, rest].sum(axis=0)
            name = counted(len(rest), "other column")
            lines.append((name, "", *(_signed(sums[q]) for q in shown)))
        lines.append(("(prediction)", "", *(number(self.prediction[row, q]) for q in shown)))
        return ("column", "value", *(self.outputs[q] for q in shown)), lines

    def heading(self, row: int = 0) -> str:
        """One line above the table of a row."""
        scale = f"{self.scale} (error {self.error[row]:.1e})"
        return f"row {row}, {scale}, compared with {self.compared_with}"

    def __repr__(self) -> str:
        rows, columns = counted(len(self), "row"), counted(len(self.columns), "column")
        return f"Attributions({rows}, {columns}, {list(self.outputs)}, {self.scale})"

    def __str__(self) -> str:
        from clearprop.explain.show_text import plain

        return plain(self)

    def __rich__(self) -> Any:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        parts: list[Any] = []
        for row in range(min(len(self), ROWS_SHOWN)):
            head, lines = self.table(row)
            table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
            for k, name in enumerate(head):
                table.add_column(Text(name), justify="left" if k < 2 else "right")
            for line in lines:
                table.add_row(*map(Text, line))
            parts += [Text(self.heading(row)), table, Text("")]
        if len(self) > ROWS_SHOWN:
            parts.append(Text(f"… the first {ROWS_SHOWN} of {counted(len(self), 'row')}"))
        return Group(*parts)

    def _repr_html_(self) -> str:
        from html import escape

        from clearprop.notebook.html import page, table_html

        parts = []
        for row in range(min(len(self), ROWS_SHOWN)):
            parts.append(f"<div>{escape(self.heading(row))}</div>")
            parts.append(table_html(*self.table(row), left=2))
        if len(self) > ROWS_SHOWN:
            parts.append(f"<div>… the first {ROWS_SHOWN} of {counted(len(self), 'row')}</div>")
        return page("".join(parts))


def _signed(value: float) -> str:
    return f"{'+' if value > 0 else ''}{number(value)}"


def attribute(
    model: Model, rows: Any, background: Any = None, *, tolerance: float = 1e-3
) -> Attributions:
    """The prediction for each row as a sum over the columns: base + Σ_c A_c = F(row).

    F is the output of the model on an additive scale. For classes, F is the log-odds of each class
    against all others (for two classes, only of the second), calibrated as in `predict_proba`. For
    the Poisson loss, F is the logarithm of the prediction. Otherwise F is ŷ in units of y, before
    it is clipped to the range of y in training. A_c is the Aumann–Shapley value of column c on the
    path from a background row to the row, averaged over the background:

        A_c = Σ_{i ∈ c} (h_i − h′_i) ∫₀¹ ∂F/∂h_i (h′ + s (h − h′)) ds,

    where h is the output of the embedding layers, in which every entry belongs to one column. The
    values add up. A column that the model does not use has value 0. If F is a sum of functions of
    single columns, A_c is the difference of the function of column c. The values describe the
    model, not the world.

    rows: a table as the model takes it.
    background: rows to compare with, or None for a typical row. A typical row has the median of
    each numeric column. For a column with up to 24 categories, it has the category of more than
    half of the rows, if there is one; otherwise it has no category. A network and an MLP have no
    typical row.
    tolerance: the accuracy of the integral, which is a sum over nodes. The number of nodes grows
    until the sum over the columns misses F(row) − base by at most `tolerance` and no value changes
    by more than `tolerance`, measured in log-odds or logarithms, or in standard deviations of y
    (for a network, of F over rows and background). `error` is the larger of the two. The remaining
    difference is then distributed in proportion to |A_c|. A warning reports rows for which 4096
    nodes were not enough.
    Raises ValueError or TypeError for values that the model does not take.
    Source: Aumann & Shapley 1974; Sundararajan, Taly & Yan 2017 (integrated gradients).

    >>> import clearprop as cp
    >>> net = cp.Network([2, 1], seed=0)
    >>> net.theta[:] = [2, -1, 5]
    >>> found = attribute(net, [[1.0, 3.0]], [[0.0, 0.0]])
    >>> found.base.tolist(), found.values[0, :, 0].round(6).tolist(), found.prediction.tolist()
    ([5.0], [2.0, -3.0], [[4.0]])
    """
    check_number("tolerance", tolerance)
    if not tolerance > 0:
        raise ValueError(f"tolerance must be > 0; got {tolerance!r}")
    task = task_of(model, rows, background)
    members = [Member.of(net.architecture, net.theta) for net in task.networks]
    unit = task.unit
    found = shares(
        members, task.link, task.X, task.background, task.groups, len(task.columns),
        tolerance * unit if unit is not None else tolerance,
    )  # fmt: skip
    missed = found.error > tolerance * (unit or 1.0)
    if missed.any():
        warnings.warn(
            f"{missed.sum()} of {counted(len(missed), 'row')} missed tolerance={tolerance:g}; "
            "see `error`",
            stacklevel=users_line(),
        )
    return Attributions(
        task.columns, task.outputs, task.link.scale, found.values, found.base, found.prediction,
        found.error, task.cells, task.compared_with,
    )  # fmt: skip
