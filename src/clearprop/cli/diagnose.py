"""`clearprop diagnose`: what keeps a model from learning, seen on the rows of a table."""

from __future__ import annotations

import argparse

import numpy as np

from clearprop._typing import Array
from clearprop.cli.inspect import one_network
from clearprop.cli.output import note, print_json, print_rich
from clearprop.explain.diagnose import diagnose as look
from clearprop.tables.csv_parquet import open_table
from clearprop.tables.frames import TableError
from clearprop.tabular.table_model import TableModel

MOST_ROWS = 100_000  # of a longer table every second, fourth … row


def diagnose(arguments: argparse.Namespace) -> int:
    """Run the command; 0 if nothing worse than a note is found, 1 if something is."""
    model = one_network(arguments.model)
    net = model.estimator.network_
    X, t, n_rows = _read(arguments, model, net.theta.dtype)
    if len(X) < n_rows:
        note(f"looking at {len(X):,} of {n_rows:,} rows", arguments.quiet or arguments.json)
    labels = None
    if model.target.has_classes:
        labels = [str(label) for label in model.target.labels]
    diagnosis = look(
        net,
        X,
        model.network_targets(t),
        feature_names=model.feature_names,
        class_names=labels,
    )
    if arguments.json:
        about = {"model": arguments.model, "table": arguments.table, "rows": len(X)}
        print_json({**about, **diagnosis.to_document()})
    else:
        print_rich(diagnosis)
    return 0 if diagnosis.ok else 1


def _read(
    arguments: argparse.Namespace, model: TableModel, dtype: np.dtype[np.floating]
) -> tuple[Array, Array, int]:
    """X and t of evenly spaced rows of the table, and the number of all its rows."""
    parts: list[tuple[Array, Array]] = []
    n_rows, kept, stride = 0, 0, 1
    with open_table(
        arguments.table,
        columns=[*model.names, model.target.name],
        delimiter=arguments.delimiter,
        encoding=arguments.encoding,
    ) as table:
        model.check_names(table.names)
        if model.target.name not in table.names:
            raise TableError(f"{table.path}: it needs the target {model.target.name!r}")
        for batch in table.batches():
            t = model.read_target(batch, first_row=n_rows)
            X = model.encode(batch, dtype=dtype)
            chosen = slice(-n_rows % stride, None, stride)
            parts.append((X[chosen], t[chosen]))
            kept += len(parts[-1][1])
            n_rows += len(t)
            while kept > MOST_ROWS:
                stride *= 2
                X, t = (np.concatenate([part[k] for part in parts])[::2] for k in (0, 1))
                parts, kept = [(X, t)], len(t)
    if n_rows == 0:
        raise TableError(f"{arguments.table}: the table has no rows")
    return np.concatenate([X for X, _ in parts]), np.concatenate([t for _, t in parts]), n_rows
