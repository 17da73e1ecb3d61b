"""How much a bag's predictions need each column: permutation importance on the encoded matrix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop._typing import Array
from clearprop.numpy_random import random_state

if TYPE_CHECKING:
    from clearprop.tabular.bag.prediction import BagModel

GROUPS = 20  # of rows that are left out in turn, for the standard errors
MORE_IS_BETTER = ("accuracy", "auc")


@dataclass(frozen=True, eq=False)
class FeatureImportances:
    """How much worse the score becomes if the values of a column are exchanged between rows.

    columns: C names, in the order of the table.
    repeats: (C, R), one for each exchange, in units of the score; > 0 means a worse score.
    standard_error: (C,), of the mean over the repeats, for another sample of rows (a jackknife that
    leaves out a twentieth of the rows in turn).
    score: of the unchanged rows, by the estimator's `scoring`, on n_rows rows.
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
        """The numbers of the columns, from the largest mean to the smallest."""
        return np.argsort(-self.mean, kind="stable")

    def to_document(self) -> dict[str, Any]:
        """The importances as JSON values."""
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
    bag: BagModel,
    matrix: Array,
    score: Callable[[Array, Array], float],
    scoring: str,
    *,
    weight: Array,
    n_repeats: int,
    seed: Any,
) -> FeatureImportances:
    """The importances of a bag's columns for the rows of a matrix (N, D), which it may overwrite.

    score: of (ŷ (N, K), some of the rows); scoring: its name. weight (N,): of the rows.
    """
    n = len(matrix)
    rng = np.random.default_rng(random_state(seed).randint(2**31))
    groups = rng.permutation(n) % min(GROUPS, n)

    def scores() -> Array:
        """The score of all rows, and without each group."""
        y_hat, every = bag.y_hat_of_matrix(matrix), np.ones(n, bool)
        found = [score(y_hat, every)]
        for g in range(groups.max() + 1):
            rows = groups != g
            found.append(score(y_hat, rows if weight[rows].any() else every))
        return np.array(found)

    sign = -1.0 if scoring in MORE_IS_BETTER else 1.0
    names = bag.inputs.names
    worse = np.zeros((len(names), n_repeats, groups.max() + 2))
    before = scores()
    for column, places in zip(bag.inputs.columns, bag.inputs.places, strict=True):
        own = matrix[:, places].copy()
        for repeat in range(n_repeats):
            matrix[:, places] = own[rng.permutation(n)]
            worse[names.index(column.name), repeat] = sign * (scores() - before)
        matrix[:, places] = own
    left_out = worse[:, :, 1:].mean(axis=1)
    G = left_out.shape[1]
    variance = (G - 1) / G * ((left_out - left_out.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    return FeatureImportances(
        tuple(names), worse[:, :, 0], np.sqrt(variance), float(before[0]), scoring, n
    )
