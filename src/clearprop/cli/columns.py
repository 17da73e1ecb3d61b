"""The columns of a table, as `clearprop fit` reports them."""

from __future__ import annotations

import dataclasses
from typing import Any

from clearprop.tabular.classifier import TabularClassifier
from clearprop.tabular.model import TableModel
from clearprop.tabular.plain import TableEncoding
from clearprop.tabular.regressor import TabularRegressor


def inputs_of_bag(estimator: TabularClassifier | TabularRegressor) -> list[dict[str, Any]]:
    """For each column of a bag's table: its type in training, and what it becomes."""
    used = {column.name: column for column in estimator.inputs_.columns}
    return [
        {
            "name": name,
            "type": used[name].type_name if name in used else "",
            "inputs": used[name].summary if name in used else "not used",
        }
        for name in estimator.inputs_.names
    ]


def columns_to_document(model: TableModel, encoding: TableEncoding) -> list[dict[str, Any]]:
    """The columns as JSON values, with the inputs of the bag or the features of the network."""
    described = [dataclasses.asdict(c) for c in encoding.describe()]
    if not model.is_bag:
        return described
    inputs = {column["name"]: column for column in inputs_of_bag(model.estimator)}
    kept = ("name", "kind", "n_missing")
    return [{**{key: c[key] for key in kept}, **inputs[c["name"]]} for c in described]
