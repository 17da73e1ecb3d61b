"""`clearprop predict` and `clearprop evaluate`: a model on the rows of a table, batch by batch."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from clearprop.cli.output import UsageError, note, print_json, print_table, to_json
from clearprop.cli.parser import file_options
from clearprop.cli.scores import quality, show_quality
from clearprop.tables.files import TableFile, open_table, output_kind, write_table
from clearprop.tables.frames import TableError, as_frame, shown, unknown_name
from clearprop.tabular.model import TableModel


def predict(arguments: argparse.Namespace) -> int:
    """Run the command; 0 if all rows have predictions."""
    out = arguments.output
    output_kind(out)
    for other in (arguments.table, arguments.model):
        if os.path.exists(out) and os.path.exists(other) and os.path.samefile(out, other):
            raise UsageError(f"--output {out} is also an input of this command")
    if os.path.isfile(out) and not arguments.force:
        raise UsageError(f"{out} exists; --force replaces it")
    model = TableModel.load(arguments.model)
    if arguments.interval is not None:
        _check_intervals(model, arguments.interval)
    unseen: dict[str, int] = {}
    n_rows = 0
    everything = "all" in arguments.keep
    columns = None if everything else [*model.names, *arguments.keep]
    with _open(arguments, columns) as table:
        model.check_names(table.names)
        keep = _kept(arguments.keep, table, everything)
        batches = _predicted(model, table, keep, unseen, arguments.interval)
        if arguments.json and out == "-":
            n_rows = _write_json(batches, arguments, model, unseen)
        else:
            n_rows = _write(batches, out)
    if arguments.json and out != "-":
        print_json(
            {"model": arguments.model, "output": out, "rows": n_rows, "unseen_labels": unseen}
        )
    _report_unseen(unseen, arguments.quiet)
    if out != "-":
        note(f"{n_rows:,} predictions written to {out}", arguments.quiet or arguments.json)
    return 0


def _check_intervals(model: TableModel, alpha: float) -> None:
    if not model.is_bag:
        raise UsageError("--interval: this model is a single network; only a bag has intervals")
    if model.target.has_classes:
        raise UsageError(
            "--interval: this model predicts classes, which have probabilities instead of intervals"
        )
    try:
        for residuals in model.estimator.residuals_:
            residuals.interval(np.empty(0), alpha)
    except ValueError as error:
        raise UsageError(f"--interval: {error}") from error


def _open(arguments: argparse.Namespace, columns: list[str] | None) -> Any:
    return open_table(
        arguments.table,
        columns=columns,
        **file_options(arguments),
    )


def _kept(asked: list[str], table: TableFile, everything: bool) -> list[str]:
    keep = list(table.names) if everything else list(dict.fromkeys(asked))
    for name in keep:
        if name not in table.names:
            raise TableError(f"--keep: {unknown_name(name, table.names)}")
    return keep


def _predicted(
    model: TableModel,
    table: TableFile,
    keep: list[str],
    unseen: dict[str, int],
    alpha: float | None,
) -> Iterator[Any]:
    """The kept columns and the predictions of each batch; counts labels never seen in training.

    alpha: the level of the intervals; None for no intervals.
    """
    import pyarrow as pa

    first_row = 0
    for batch in table.batches():
        predictions = model.predict_values(batch, first_row=first_row)
        columns = model.to_table(predictions.values)
        if alpha is not None:
            ends = model.predict_interval(batch, alpha, first_row=first_row)
            for name, end in zip(("low", "high"), ends.T, strict=True):
                columns = columns.append_column(name, pa.array(end.copy()))
        clash = next((name for name in keep if name in columns.column_names), None)
        if clash is not None:
            raise UsageError(f"--keep: {shown(clash)} is also the name of a column of predictions")
        for name, n in predictions.unseen.items():
            unseen[name] = unseen.get(name, 0) + n
        kept = {name: batch.column(name) for name in keep}
        yield pa.table({**kept, **{name: columns.column(name) for name in columns.column_names}})
        first_row += len(batch)
    if first_row == 0:
        raise TableError(f"{table.path}: the table has no rows")


def _write(batches: Iterator[Any], out: str) -> int:
    first = next(batches)
    n_rows = len(first)
    with write_table(out, first.schema) as output:
        output.write(first)
        for batch in batches:
            output.write(batch)
            n_rows += len(batch)
    return n_rows


def _write_json(
    batches: Iterator[Any],
    arguments: argparse.Namespace,
    model: TableModel,
    unseen: dict[str, int],
) -> int:
    """Write one JSON document as the predictions arrive."""
    head = {"model": arguments.model, "target": model.target.name}
    first = next(batches)  # an error in the first rows leaves no partial document
    sys.stdout.write(to_json(head)[:-1] + ', "predictions": [\n')
    n_rows, batch = 0, first
    while batch is not None:
        for record in batch.to_pylist():
            sys.stdout.write((",\n" if n_rows else "") + to_json(_readable(record)))
            n_rows += 1
        batch = next(batches, None)
    sys.stdout.write(f'\n], "rows": {n_rows}, "unseen_labels": {to_json(unseen)}}}\n')
    return n_rows


def _readable(record: dict[str, Any]) -> dict[str, Any]:
    """Kept values that JSON lacks, such as dates, as text."""
    plain = (str, int, float, bool, type(None))
    return {k: v if isinstance(v, plain) else str(v) for k, v in record.items()}


def _report_unseen(unseen: dict[str, int], quiet: bool) -> None:
    for name, n in unseen.items():
        note(
            f"column {shown(name)}: {n:,} values were not seen in training (treated as unknown)",
            quiet,
        )


def evaluate(arguments: argparse.Namespace) -> int:
    """Run the command; 0 if the scores are printed."""
    model = TableModel.load(arguments.model)
    unseen: dict[str, int] = {}
    targets, values = [], []
    first_row = 0
    with _open(arguments, [*model.names, model.target.name]) as table:
        if model.target.name not in table.names:
            raise TableError(f"{table.path}: {unknown_name(model.target.name, table.names)}")
        model.check_names(table.names)
        for batch in table.batches():
            y = model.read_target(
                as_frame(batch), first_row=first_row, skip_missing=arguments.skip_missing_target
            )
            targets.append(y)
            predictions = model.predict_values(batch, first_row=first_row)
            values.append(predictions.values)
            for name, n in predictions.unseen.items():
                unseen[name] = unseen.get(name, 0) + n
            first_row += len(batch)
    if first_row == 0:
        raise TableError(f"{arguments.table}: the table has no rows")
    y, prediction = np.concatenate(targets), np.concatenate(values)
    known = model.target.known(y)
    if not known.any():
        raise TableError(f"{arguments.table}: the target is missing in every row")
    n_skipped = int((~known).sum())
    if n_skipped:
        note(f"{n_skipped:,} rows without a target are left out", arguments.quiet)
        y, prediction = y[known], prediction[known]
    scores = model.score(y, prediction)
    details = quality(model.target, y, prediction)
    if arguments.json:
        print_json(
            {
                "model": arguments.model,
                "table": arguments.table,
                "rows": len(y),
                "without_target": n_skipped,
                "target": model.target.name,
                "task": model.target.task,
                "classes": model.target.values() if model.target.has_classes else None,
                "scores": scores,
                "unseen_labels": unseen,
                **details,
            }
        )
        return 0
    print_table(
        (f"on {len(y):,} rows of {arguments.table}", *scores),
        [("bag" if model.is_bag else "network", *scores.values())],
    )
    show_quality(model.target, details)
    _report_unseen(unseen, arguments.quiet)
    return 0
