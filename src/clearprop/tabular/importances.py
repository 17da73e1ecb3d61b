"""How much a bag's predictions need each column: permutation importance on the encoded matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import check_consistent_length

from clearprop._typing import Array
from clearprop.checks import check_number, check_sample_weight
from clearprop.numpy_random import random_state
from clearprop.tables.sources import source_of
from clearprop.tabular.networks import encode_target

if TYPE_CHECKING:
    from clearprop.tabular.base import BaseTabular

GROUPS = 20  # of rows that are left out in turn, for the standard errors
MORE_IS_BETTER = ("accuracy", "auc")


@dataclass(frozen=True, eq=False)
class FeatureImportances:
    """How much worse the score is where the values of a column are exchanged between the rows.

    columns: C names, in the order of the table. repeats: (C, R), one for each exchange, in units of
    the score and > 0 where it is worse. standard_error: (C,), of the mean over the repeats, as
    another sample of rows would change it (a jackknife that leaves out a twentieth of the rows in
    turn). score: of the rows as they are, by the estimator's own `scoring`, on n_rows rows.
    Source: Breiman 2001; Fisher, Rudin & Dominici 2019.
    """

    columns: tuple[str, ...]
    repeats: Array
    standard_error: Array
    score: float
    scoring: str
    n_rows: int

    @property
    def mean(self) -> Array:
        """(C,), the mean over the repeats."""
        return np.asarray(self.repeats.mean(axis=1))

    @property
    def order(self) -> Array:
        """The numbers of the columns, those with the largest mean first."""
        return np.argsort(-self.mean, kind="stable")

    def to_document(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {
            "scoring": self.scoring,
            "score": self.score,
            "rows": self.n_rows,
            "columns": [
                {
                    "column": self.columns[c],
                    "importance": float(self.mean[c]),
                    "standard_error": float(self.standard_error[c]),
                }
                for c in self.order
            ],
        }

    def table(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """The heads and the lines of a table, the largest first."""
        from clearprop.notation import number

        lines: list[tuple[str, ...]] = [
            (str(self.columns[c]), number(self.mean[c]), f"± {self.standard_error[c]:.2g}")
            for c in self.order
        ]
        return ("column", "importance", "standard error"), lines

    @property
    def heading(self) -> str:
        """One line above the table."""
        from clearprop.notation import counted, number

        worse = "decrease" if self.scoring in MORE_IS_BETTER else "increase"
        rows = counted(self.n_rows, "row")
        return f"{worse} of {self.scoring}, which is {number(self.score)} on {rows}"

    def __repr__(self) -> str:
        return f"FeatureImportances({len(self.columns)} columns, {self.scoring})"

    def __str__(self) -> str:
        head, lines = self.table()
        widths = [max(map(len, column)) for column in zip(head, *lines, strict=True)]
        text = [
            "  ".join((name.ljust(widths[0]), *map(str.rjust, numbers, widths[1:])))
            for name, *numbers in (head, *lines)
        ]
        return "\n".join([self.heading, *text])

    def _repr_html_(self) -> str:
        from html import escape

        from clearprop.notebook.html import page, table_html

        return page(f"<div>{escape(self.heading)}</div>{table_html(*self.table())}")


def feature_importances(
    model: BaseTabular, X: Any, y: Any, n_repeats: int, sample_weight: Any, seed: Any
) -> FeatureImportances:
    """See :meth:`BaseTabular.feature_importances`."""
    check_number("n_repeats", n_repeats, at_least=1, integer=True)
    source = source_of(X)
    y = model._read_y(y)
    check_consistent_length(range(source.n_rows), y)
    encode_target(model.target_, y)  # an error for classes that are new
    matrix = model.encode(source)
    n = len(matrix)
    given = check_sample_weight(sample_weight, n, np.float64)
    weight = np.ones(n) if given is None else given
    rng = np.random.default_rng(random_state(seed).randint(2**31))
    groups = rng.permutation(n) % min(GROUPS, n)

    def scores() -> Array:
        """The score of all rows, and without each group."""
        y_hat = model._model.y_hat_of_matrix(matrix)
        found = [model._value(y_hat, y, weight)]
        for g in range(groups.max() + 1):
            rows = groups != g
            if not weight[rows].any():
                rows = np.ones(n, bool)
            found.append(model._value(y_hat[rows], y[rows], weight[rows]))
        return np.array(found)

    sign = -1.0 if model.scoring in MORE_IS_BETTER else 1.0
    names = model.inputs_.names
    worse = np.zeros((len(names), n_repeats, groups.max() + 2))
    before = scores()
    for column, places in zip(model.inputs_.columns, model.inputs_.places, strict=True):
        own = matrix[:, places].copy()
        for repeat in range(n_repeats):
            matrix[:, places] = own[rng.permutation(n)]
            worse[names.index(column.name), repeat] = sign * (scores() - before)
        matrix[:, places] = own
    left_out = worse[:, :, 1:].mean(axis=1)
    G = left_out.shape[1]
    variance = (G - 1) / G * ((left_out - left_out.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    return FeatureImportances(
        tuple(names), worse[:, :, 0], np.sqrt(variance), float(before[0]), model._scoring_name, n
    )
