"""The columns of a table, as `clearprop fit` reports them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from clearprop.cli.output import print_table
from clearprop.tables.inference import ColumnFinding
from clearprop.tabular.classifier import TabularClassifier
from clearprop.tabular.model import TableModel
from clearprop.tabular.plain import TableEncoding
from clearprop.tabular.regressor import TabularRegressor


def print_columns(
    findings: Mapping[str, ColumnFinding], encoding: TableEncoding | None, title: str
) -> None:
    """What each column is and why, before training; encoding: of a single network."""
    header, left = ["column", "kind", "because", "missing"], 3
    lines = [
        [name, found.reading.kind, found.reading.reason, found.n_missing or ""]
        for name, found in findings.items()
    ]
    if encoding is not None:
        header.append("features")
        features = {c.name: len(c.features) for c in encoding.columns}
        lines = [[*line, features.get(str(line[0]), "")] for line in lines]
    print_table(header, lines, title=title, left=left)


def print_inputs(estimator: TabularClassifier | TabularRegressor) -> None:
    """What each column of a bag's table held, and what it became."""
    print_table(
        ("column", "type in training", "inputs of the networks"),
        [(c.name, c.type, c.inputs or f"not used: {c.reason}") for c in estimator.columns_],
        left=3,
    )


def columns_to_document(
    model: TableModel, findings: Mapping[str, ColumnFinding]
) -> list[dict[str, Any]]:
    """The columns as JSON values, with the inputs of the bag or the features of the network."""
    if model.encoding is None:
        return [dataclasses.asdict(column) for column in model.estimator.columns_]
    used = {column.name: column for column in model.encoding.columns}
    return [
        {
            "name": name,
            "kind": found.reading.kind,
            "reason": found.reading.reason,
            "type": found.reading.what,
            "n_missing": found.n_missing,
            "n_features": len(used[name].features) if name in used else 0,
            "summary": used[name].summary if name in used else found.reading.reason,
        }
        for name, found in findings.items()
    ]
