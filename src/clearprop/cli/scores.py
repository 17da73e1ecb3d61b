"""The errors of predictions, for `fit` and `evaluate`: confusion matrix or residuals."""

from __future__ import annotations

from typing import Any

from clearprop._typing import Array
from clearprop.cli.output import print_table
from clearprop.tables.target_column import TargetColumn
from clearprop.tabular.scores import confusion_matrix, residual_summary

MAX_CLASSES_SHOWN = 20


def quality(target: TargetColumn, y: Array, prediction: Array) -> dict[str, Any]:
    """The confusion matrix, or the residuals y − ŷ, as JSON values."""
    if target.has_classes:
        table = confusion_matrix(y, prediction)
        return {"confusion": {"classes": target.values(), "rows_true_columns_predicted": table}}
    return {"residuals": residual_summary(y, prediction)}


def show_quality(target: TargetColumn, details: dict[str, Any]) -> None:
    """Print the result of `quality`."""
    if not target.has_classes:
        residuals = details["residuals"]
        print_table(("residuals y − ŷ", *residuals), [("", *residuals.values())])
        return
    table = details["confusion"]["rows_true_columns_predicted"]
    if len(table) > MAX_CLASSES_SHOWN:
        worst = sorted(
            (
                (table[i][j], target.labels[i], target.labels[j])
                for i in range(len(table))
                for j in range(len(table))
                if i != j and table[i][j]
            ),
            reverse=True,
        )
        print_table(("rows", "true", "predicted"), worst[:MAX_CLASSES_SHOWN], left=0)
        return
    print_table(
        ("true ↓  predicted →", *target.labels),
        [(label, *counts) for label, counts in zip(target.labels, table, strict=True)],
    )
