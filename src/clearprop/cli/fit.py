"""`clearprop fit`: read, split, learn, compare on the held-out rows, save."""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import clearprop
from clearprop.cli.command_time import CommandTime
from clearprop.cli.fit_options import (
    check_bag_options,
    check_output,
    column_kinds,
    fit_options,
    text_format,
)
from clearprop.cli.fit_report import FitReport
from clearprop.cli.output import note
from clearprop.cli.parser import default_model_path, file_options
from clearprop.cli.scores import gain_to_document, model_gain, quality
from clearprop.cli.streams import output_may_fail
from clearprop.interrupts import INTERRUPTED
from clearprop.progress import ProgressBar
from clearprop.tables.files import MISSING, read_table
from clearprop.tables.frames import TableError, shown
from clearprop.tables.inference import ColumnFinding
from clearprop.tables.sources import find_all
from clearprop.tables.told import ON_COMMAND_LINE, messages
from clearprop.tabular import (
    NetworkOptions,
    TableEncoding,
    TableModel,
)
from clearprop.tabular.baselines import Baseline, linear_baseline, trivial_baseline
from clearprop.tabular.plain import check_inputs
from clearprop.tabular.problem import Problem, kinds_with_group, read_problem
from clearprop.tabular.scores import Scores
from clearprop.writing import save_new


def fit(arguments: argparse.Namespace) -> int:
    """Run the command; 0 when the model is saved, 130 if Ctrl-C has ended the training before."""
    with output_may_fail():
        return _fit(arguments)


def _fit(arguments: argparse.Namespace) -> int:
    deadline = CommandTime.start(arguments.time_limit)
    path = arguments.model or default_model_path(arguments.table)
    check_output(path, arguments.table, arguments.force)
    options = fit_options(arguments)
    say = FitReport(arguments)
    missing = (*(() if arguments.no_default_missing else MISSING), *arguments.missing)
    table, _ = read_table(arguments.table, **file_options(arguments))
    kinds = column_kinds(arguments)
    if arguments.target in kinds:
        name = shown(arguments.target)
        raise TableError(f"column {name} is the target; choose its task instead")
    problem = read_problem(
        table,
        arguments.target,
        task=arguments.task,
        missing=missing,
        text_format=text_format(arguments),
        skip_missing_target=arguments.skip_missing_target,
        test_size=arguments.test_size,
        seed=arguments.seed,
        group=arguments.group,
        time=arguments.time,
        ways=ON_COMMAND_LINE,
    )
    if not isinstance(options, NetworkOptions):
        check_bag_options(problem.target, options)
    if arguments.group is not None and arguments.group not in kinds:
        say.note(
            f"column {shown(arguments.group)} holds the groups, and is not an input "
            "(--categorical keeps it)"
        )
    kinds = kinds_with_group(kinds, arguments.group)
    findings = find_all(problem.source, kinds, text_format(arguments))
    for message in messages(findings, ON_COMMAND_LINE):
        say.note(message)
    check_inputs(problem.source, findings, text=not isinstance(options, NetworkOptions))
    encoding = None
    if isinstance(options, NetworkOptions):
        encoding = TableEncoding.fit(problem.source, rows=problem.train, findings=findings)
    say.columns(arguments.table, problem, findings, encoding)
    started = time.monotonic()
    if isinstance(options, NetworkOptions):
        assert encoding is not None
        options = dataclasses.replace(options, time_limit=deadline.for_training())
        model = _train_network(problem, encoding, options, arguments.quiet)
    else:
        options |= deadline.training_option()
        model = _train_bag(problem, kinds, findings, options, arguments.quiet)
    seconds = time.monotonic() - started
    say.training(model, seconds)
    interrupted = _interrupted(model)
    try:
        linear = None if arguments.no_baseline else partial(linear_baseline, findings=findings)
        comparison = _compare(problem, model, linear, deadline.left())
    except KeyboardInterrupt:  # the model is worth more than the comparison
        comparison, interrupted = [], True
    own = comparison[0][1] if comparison else {}
    model = dataclasses.replace(
        model, about={**model.about, "clearprop": clearprop.__version__, "scores": own}
    )
    details = _details(model, problem, [predictor for predictor, _ in comparison], arguments.quiet)
    path = _save(model, path, arguments.force)
    say.comparison(model, comparison, details)
    say.saved(path, model, problem, seconds, comparison, details)
    if interrupted:
        note(f"interrupted; the model trained so far is saved to {path}")
        return INTERRUPTED
    return 0


def _details(
    model: TableModel, problem: Problem, compared: list[Baseline], quiet: bool
) -> dict[str, Any]:
    """The quality of the predictions and the gain, as JSON values; a note if there is no gain."""
    gain = model_gain(model, problem, compared)
    if not model.is_bag and gain is not None and not gain.is_positive:
        note(gain.message, quiet)
    found: dict[str, Any] = {"gain": gain_to_document(gain)}
    if compared:
        found = quality(model.target, problem.y[problem.test], compared[0].prediction) | found
    return found


def _save(model: TableModel, path: str, force: bool) -> str:
    """Save the model; without --force never over a file, even one that is newer than this run."""
    if force:
        model.save(path)
        return path
    name = save_new(model.save, path)
    if name != path:
        note(f"{path} was written by another process in the meantime; this model is in {name}")
    return name


def _interrupted(model: TableModel) -> bool:
    estimator = model.estimator
    stopped = estimator.stopped_ if model.is_bag else estimator.history_.stopped
    return bool(stopped == "interrupted")


def _train_network(
    problem: Problem, encoding: TableEncoding, options: NetworkOptions, quiet: bool
) -> TableModel:
    bar = ProgressBar()
    try:
        model = TableModel.fit_network(
            problem, encoding, options, callbacks=() if quiet else (bar,)
        )
    finally:
        bar.close()
    if model.estimator.history_.stopped == "interrupted" and not model.estimator.history_.loss:
        raise KeyboardInterrupt  # before the first epoch was done: there is no model
    return model


def _train_bag(
    problem: Problem,
    kinds: dict[str, str],
    findings: dict[str, ColumnFinding],
    parameters: dict[str, Any],
    quiet: bool,
) -> TableModel:
    model = TableModel.fit_bag(problem, kinds, findings, verbose=not quiet, **parameters)
    model.estimator.set_params(verbose=False)
    return model


def _compare(
    problem: Problem,
    model: TableModel,
    linear: Callable[..., Baseline | None] | None,
    seconds: float | None,
) -> list[tuple[Baseline, Scores]]:
    """The model's predictions for the held-out rows, then the baselines', with their scores.

    linear: makes the linear baseline, if one is wanted. seconds: about how long it may take, None
    for no limit.
    """
    if len(problem.test) == 0:
        return []
    prediction = model.predict_values(problem.source.take(problem.test)).values
    predictors = [Baseline("bag" if model.is_bag else "network", prediction)]
    if linear is not None:
        found = linear(problem, model.encoding, seconds=seconds)
        predictors += [] if found is None else [found]
    predictors.append(trivial_baseline(problem))
    return [(p, model.score(problem.y[problem.test], p.prediction)) for p in predictors]
