"""The errors of predictions, for `fit` and `evaluate`: confusion matrix or residuals."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.cli.output import print_table
from clearprop.tables.target_column import TargetColumn
from clearprop.tabular import TableModel
from clearprop.tabular.baselines import Baseline
from clearprop.tabular.gain import Gain
from clearprop.tabular.problem import Problem
from clearprop.tabular.scores import SMALLEST_P, confusion_matrix, residual_summary

MAX_CLASSES_SHOWN = 20


def quality(target: TargetColumn, y: Array, prediction: Array) -> dict[str, Any]:
    """The confusion matrix, or the residuals y − ŷ, as JSON values."""
    if target.has_classes:
        table = confusion_matrix(y, prediction)
        return {"confusion": {"classes": target.values(), "rows_true_columns_predicted": table}}
    return {"residuals": residual_summary(y, prediction)}


def model_gain(model: TableModel, problem: Problem, compared: list[Baseline]) -> Gain | None:
    """How much better than a constant the model is, by out-of-fold predictions of a bag.

    For one network by the held-out rows, of which there may be none. compared: the predictions for
    these rows, of the network first, of the trivial predictor last.
    """
    if model.is_bag:
        found: Gain = model.estimator.oof_gain_
        return found
    if not compared:
        return None
    y = problem.y[problem.test]
    if model.target.has_classes:
        own, constant = (
            -np.log(np.maximum(each.prediction[np.arange(len(y)), y], SMALLEST_P))
            for each in (compared[0], compared[-1])
        )
    else:
        own, constant = (np.square(y - each.prediction) for each in (compared[0], compared[-1]))
    stopped = model.estimator.history_.stopped
    return Gain.of(own, constant, np.ones(len(y)), stopped, "--time-limit")


def gain_to_document(gain: Gain | None) -> dict[str, Any] | None:
    """A gain as JSON values."""
    if gain is None:
        return None
    return {
        "loss_of_constant": gain.constant,
        "lower_by": gain.value,
        "standard_error": gain.error,
        "rows": gain.n,
        "better_than_constant": gain.is_positive,
        "reason": gain.reason or None,
    }


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
