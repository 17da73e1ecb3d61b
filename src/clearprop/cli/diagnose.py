"""`clearprop diagnose`: problems that keep a model from learning, on the rows of a table."""

from __future__ import annotations

import argparse

import numpy as np

from clearprop._typing import Array
from clearprop.cli.inspect import member_number
from clearprop.cli.output import note, print_json, print_rich
from clearprop.cli.parser import file_options
from clearprop.explain.diagnose import diagnose as look
from clearprop.explain.diagnose import diagnose_networks as look_at_all
from clearprop.tables.files import open_table
from clearprop.tables.frames import TableError
from clearprop.tabular.model import TableModel

MOST_ROWS = 100_000  # a longer table gives every second, fourth … row
MOST_ROWS_OF_BAG = 5_000  # if all networks of a bag are examined


def diagnose(arguments: argparse.Namespace) -> int:
    """Run the command; 0 if no finding is worse than a note, otherwise 1."""
    model = TableModel.load(arguments.model)
    number = member_number(model, arguments)
    several = model.is_bag and number is None
    most = MOST_ROWS_OF_BAG if several else MOST_ROWS
    net = model.networks[number or 0]
    X, y, n_rows = _read(arguments, model, net.theta.dtype, most)
    if len(X) < n_rows:
        note(f"looking at {len(X):,} of {n_rows:,} rows", arguments.quiet or arguments.json)
    labels = None
    if model.target.has_classes:
        labels = [str(label) for label in model.target.labels]
    t, names = model.network_targets(y), model.feature_names
    if several:
        diagnosis = look_at_all(model.networks, X, t, names, labels)
    else:
        diagnosis = look(net, X, t, feature_names=names, class_names=labels)
    if arguments.json:
        about = {"model": arguments.model, "table": arguments.table, "rows": len(X)}
        about |= {"member": number} if model.is_bag else {}
        print_json({**about, **diagnosis.to_document()})
    else:
        print_rich(diagnosis)
    return 0 if diagnosis.ok else 1


def _read(
    arguments: argparse.Namespace, model: TableModel, dtype: np.dtype[np.floating], most: int
) -> tuple[Array, Array, int]:
    """X and y of evenly spaced rows of the table, and the number of its rows."""
    parts: list[tuple[Array, Array]] = []
    n_rows, kept, stride = 0, 0, 1
    with open_table(
        arguments.table,
        columns=[*model.names, model.target.name],
        **file_options(arguments),
    ) as table:
        model.check_names(table.names)
        if model.target.name not in table.names:
            raise TableError(f"{table.path}: the table needs the target {model.target.name!r}")
        for batch in table.batches():
            t = model.read_target(batch, first_row=n_rows)
            X = model.encode(batch, dtype=dtype)
            chosen = slice(-n_rows % stride, None, stride)
            parts.append((X[chosen], t[chosen]))
            kept += len(parts[-1][1])
            n_rows += len(t)
            while kept > most:
                stride *= 2
                X, t = (np.concatenate([part[k] for part in parts])[::2] for k in (0, 1))
                parts, kept = [(X, t)], len(t)
    if n_rows == 0:
        raise TableError(f"{arguments.table}: the table has no rows")
    return np.concatenate([X for X, _ in parts]), np.concatenate([t for _, t in parts]), n_rows
