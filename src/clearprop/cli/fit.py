"""`clearprop fit`: read, split, learn, compare on the held-out rows, save."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

import clearprop
from clearprop.cli.clock import Clock
from clearprop.cli.columns import columns_to_document, print_columns, print_inputs
from clearprop.cli.output import UsageError, note, number, print_json, print_table, printable
from clearprop.cli.parser import default_model_path, file_options
from clearprop.cli.scores import gain_to_document, model_gain, quality, show_quality
from clearprop.cli.streams import output_may_fail
from clearprop.history import STOPPED
from clearprop.interrupts import INTERRUPTED
from clearprop.progress import ProgressBar
from clearprop.tables.columns import KINDS
from clearprop.tables.files import MISSING, read_table
from clearprop.tables.frames import TableError, shown
from clearprop.tables.inference import ColumnFinding
from clearprop.tables.sources import FrameSource, find_all
from clearprop.tables.target_column import TargetColumn
from clearprop.tables.told import ON_COMMAND_LINE, messages
from clearprop.tabular import (
    NetworkOptions,
    TableEncoding,
    TableModel,
    TabularClassifier,
    TabularRegressor,
)
from clearprop.tabular.baselines import Baseline, linear_baseline, trivial_baseline
from clearprop.tabular.problem import Problem, kinds_with_group, read_problem
from clearprop.tabular.scores import CLASS_SCORES, Scores
from clearprop.tabular.target import Standardization
from clearprop.writing import save_new

ENDED = STOPPED | {"patience": "more epochs would not improve the score"}
BAG_OPTIONS = ("n_members", "loss", "scoring", "tune")


def fit(arguments: argparse.Namespace) -> int:
    """Run the command; 0 when the model is saved, 130 if Ctrl-C has ended the training before."""
    with output_may_fail():
        return _fit(arguments)


def _fit(arguments: argparse.Namespace) -> int:
    clock = Clock.start(arguments.time_limit)
    path = arguments.model or default_model_path(arguments.table)
    _check_output(path, arguments.table, arguments.force)
    options = fit_options(arguments)
    say = _Progress(arguments)
    missing = (*(() if arguments.no_default_missing else MISSING), *arguments.missing)
    table, _ = read_table(arguments.table, **file_options(arguments))
    kinds = _kinds(arguments)
    if arguments.target in kinds:
        name = shown(arguments.target)
        raise TableError(f"column {name} is the target; choose its task instead")
    problem = read_problem(
        table,
        arguments.target,
        task=arguments.task,
        missing=missing,
        text_format=_text_format(arguments),
        skip_missing_target=arguments.skip_missing_target,
        test_size=arguments.test_size,
        seed=arguments.seed,
        group=arguments.group,
        time=arguments.time,
    )
    if not isinstance(options, NetworkOptions):
        _check_bag_options(problem.target, options)
    if arguments.group is not None and arguments.group not in kinds:
        say.note(
            f"column {shown(arguments.group)} holds the groups, and is not an input "
            "(--categorical keeps it)"
        )
    kinds = kinds_with_group(kinds, arguments.group)
    findings = find_all(FrameSource(problem.frame, missing=missing), kinds, _text_format(arguments))
    for message in messages(findings, ON_COMMAND_LINE):
        say.note(message)
    encoding = TableEncoding.fit(
        problem.frame, missing=missing, rows=problem.train, findings=findings
    )
    is_bag = not isinstance(options, NetworkOptions)
    say.columns(arguments.table, problem, findings, None if is_bag else encoding)
    started = time.monotonic()
    if isinstance(options, NetworkOptions):
        options = dataclasses.replace(options, time_limit=clock.for_training())
        model = _train_network(problem, encoding, options, arguments.quiet)
    else:
        options |= clock.training_option()
        model = _train_bag(problem, kinds, findings, options, arguments.quiet)
    seconds = time.monotonic() - started
    say.training(model, seconds)
    interrupted = _interrupted(model)
    try:
        comparison = _compare(problem, encoding, model, not arguments.no_baseline, clock.left())
    except KeyboardInterrupt:  # the model is worth more than the comparison
        comparison, interrupted = [], True
    own = comparison[0][1] if comparison else {}
    model = dataclasses.replace(
        model, about={**model.about, "clearprop": clearprop.__version__, "scores": own}
    )
    details = _details(model, problem, [predictor for predictor, _ in comparison], arguments.quiet)
    path = _save(model, path, arguments.force)
    say.comparison(model, comparison, details)
    say.saved(path, model, problem, encoding, seconds, comparison, details)
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


def fit_options(arguments: argparse.Namespace) -> NetworkOptions | dict[str, Any]:
    """The options of one network if any was given, else the parameters of the tabular estimator."""
    names = {field.name for field in dataclasses.fields(NetworkOptions)}
    given = {k: v for k, v in vars(arguments).items() if k in names and v is not None}
    shared = {"class_weight", "time_limit", "n_threads", "seed"}
    if arguments.network or arguments.no_early_stopping or given.keys() - shared:
        for name in BAG_OPTIONS:
            if getattr(arguments, name) is not None:
                option = name.removeprefix("n_")
                raise UsageError(f"--{option} is for a bag, but other options ask for one network")
        if _directions(arguments):
            raise UsageError(
                "--increasing and --decreasing are for a bag, but other options ask for one network"
            )
        return network_options(arguments, given)
    parameters: dict[str, Any] = {"random_state": arguments.seed}
    if directions := _directions(arguments):
        parameters["monotone"] = directions
    for name in (*BAG_OPTIONS, "class_weight", "time_limit", "n_threads"):
        value = getattr(arguments, name)
        if value is not None:
            parameters[name] = value
    return parameters


def network_options(arguments: argparse.Namespace, given: dict[str, Any]) -> NetworkOptions:
    """The options of the network that were given; the others are the defaults."""
    if arguments.no_early_stopping:
        given["early_stopping"] = False
    options = NetworkOptions(**given)
    names, n_layers = options.hidden, len(options.hidden_sizes)
    if not isinstance(names, str) and len(names) != n_layers:
        raise UsageError(f"--hidden: {len(names)} names for {n_layers} hidden layers")
    if options.solver == "lbfgs":
        for name in ("batch_size", "learning_rate", "dropout", "patience"):
            if name in given:
                option = name.replace("_", "-")
                raise UsageError(f"--{option} is not for lbfgs, which uses all rows in every step")
    return options


def _check_output(path: str, table: str, force: bool) -> None:
    """Check before any work that the model file can be written, and that no file is lost."""
    if os.path.exists(path):
        if os.path.exists(table) and os.path.samefile(path, table):
            raise UsageError(f"--model {path} is the table itself")
        if not os.path.isfile(path):
            raise UsageError(f"--model {path} exists and is not a regular file")
        if not force:
            raise UsageError(
                f"{path} exists; --force replaces it, --model PATH writes to another file"
            )
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        raise UsageError(f"--model {path}: there is no folder {folder}")
    if not os.access(folder, os.W_OK):
        raise UsageError(f"--model {path}: the folder cannot be written to")


def _kinds(arguments: argparse.Namespace) -> dict[str, str]:
    kinds: dict[str, str] = {}
    for kind in KINDS:
        for name in getattr(arguments, kind):
            if kinds.setdefault(name, kind) != kind:
                raise UsageError(f"column {shown(name)}: both --{kinds[name]} and --{kind}")
    return kinds


def _directions(arguments: argparse.Namespace) -> dict[str, int]:
    """The direction, 1 or −1, of the columns that predictions are to rise or fall with."""
    rising, falling = arguments.increasing, arguments.decreasing
    for name in rising:
        if name in falling:
            raise UsageError(f"column {shown(name)}: both --increasing and --decreasing")
    if arguments.target in (*rising, *falling):
        raise UsageError(f"column {shown(arguments.target)} is the target itself")
    return dict.fromkeys(rising, 1) | dict.fromkeys(falling, -1)


def _text_format(arguments: argparse.Namespace) -> dict[str, Any] | None:
    """How numbers and dates are written as text, if any option says so."""
    given = {key: getattr(arguments, key) for key in ("decimal", "thousands", "day_first")}
    if given["decimal"] is not None and given["decimal"] == given["thousands"]:
        raise UsageError(f"--decimal and --thousands are both {given['decimal']!r}")
    return {key: value for key, value in given.items() if value is not None} or None


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


def _check_bag_options(target: TargetColumn, parameters: dict[str, Any]) -> None:
    """Raise UsageError for an option that is not for the task of the target."""
    for name, for_classes in (("loss", False), ("class_weight", True)):
        if name in parameters and for_classes != target.has_classes:
            option = name.replace("_", "-")
            raise UsageError(f"--{option} is not for {target.task}")
    if "monotone" in parameters and target.has_classes and len(target.labels) != 2:
        raise UsageError(
            "--increasing and --decreasing need a quantity or two classes; "
            f"there are {len(target.labels)}"
        )
    scoring = parameters.get("scoring")
    if scoring is not None and (scoring in CLASS_SCORES) != target.has_classes:
        raise UsageError(f"--scoring {scoring} is not for {target.task}")


def _compare(
    problem: Problem,
    encoding: TableEncoding,
    model: TableModel,
    with_linear: bool,
    seconds: float | None,
) -> list[tuple[Baseline, Scores]]:
    """The model's predictions for the held-out rows, then the baselines', with their scores.

    seconds: about how long the linear baseline may take, None for no limit.
    """
    if len(problem.test) == 0:
        return []
    prediction = model.predict_values(problem.frame[problem.test]).values
    predictors = [Baseline("bag" if model.is_bag else "network", prediction)]
    if with_linear:
        predictors.append(linear_baseline(problem, encoding, seconds=seconds))
    predictors.append(trivial_baseline(problem))
    return [(p, model.score(problem.y[problem.test], p.prediction)) for p in predictors]


class _Progress:
    """The output of the command: tables as they are ready, or one JSON document at the end."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.json, self.quiet = arguments.json, arguments.quiet
        self.task_given = arguments.task is not None
        self.findings: Mapping[str, ColumnFinding] = {}

    def note(self, message: str) -> None:
        note(message, self.quiet)

    def columns(
        self,
        path: str,
        problem: Problem,
        findings: Mapping[str, ColumnFinding],
        encoding: TableEncoding | None,
    ) -> None:
        self.findings = findings
        if len(problem.test) == 0:
            self.note("no rows are held out, so there are no scores")
        n_skipped = len(problem.y) - len(problem.train) - len(problem.test)
        if n_skipped:
            self.note(f"{n_skipped:,} rows without a target are left out")
        if problem.n_unjudged:
            self.note(
                f"{problem.n_unjudged:,} of the latest rows are training rows, since earlier rows "
                "lack their classes"
            )
        if self.json:
            return
        target, y = problem.target, problem.y
        print_columns(findings, encoding, f"{path}: {len(y):,} rows")
        reason = "" if self.task_given else f", because {problem.reason} (--task changes it)"
        print(f"target {shown(target.name)}: {target.task}{reason}")
        if target.has_classes:
            counts = np.bincount(y[y >= 0], minlength=len(target.labels))
            pairs = [f"{label} {n:,}" for label, n in zip(target.labels, counts, strict=True)]
            more = ", …" if len(pairs) > 12 else ""
            print(f"classes: {printable(', '.join(pairs[:12]))}{more}")
        else:
            scale = Standardization.of(y[problem.train])
            print(f"mean {number(scale.mean)}, standard deviation {number(scale.spread)}")
        print(f"{len(problem.train):,} rows for training, {len(problem.test):,} held out\n")
        sys.stdout.flush()  # the training may take long

    def training(self, model: TableModel, seconds: float) -> None:
        if self.json:
            return
        if model.is_bag:
            self._bag(model.estimator, model.target, seconds)
            return
        history, net = model.estimator.history_, model.estimator.network_
        sizes = "-".join(map(str, net.sizes))
        best = ""
        if history.validation_loss:
            epoch = int(np.argmin(history.validation_loss)) + 1
            best = (
                f", best after epoch {epoch} by the loss of "
                f"{model.about['n_validation_rows']:,} validation rows"
            )
        print(
            f"network {sizes}, {net.theta.size:,} weights: {len(history)} epochs in {seconds:.1f} s"
        )
        print(f"training ended: {STOPPED.get(history.stopped, history.stopped)}{best}\n")

    def _bag(
        self,
        estimator: TabularClassifier | TabularRegressor,
        target: TargetColumn,
        seconds: float,
    ) -> None:
        networks = estimator.networks_
        n, n_weights = len(networks), networks[0].theta.size
        last = estimator.oof_curve_[-1][0]
        score = estimator.scoring or getattr(estimator, "loss", "log_loss")
        shown_score = {"squared_error": "rmse", "log_loss": "log-loss"}.get(score, score)
        print_inputs(estimator)
        kind, epochs = "networks", f": {last} epochs"
        best = f"best epoch: {estimator.n_iter_}, with"
        if estimator.linear_:
            kind, epochs, best = "linear networks", "", "the linear networks have"
        print(f"bag of {n} {kind} of {n_weights:,} weights{epochs} in {seconds:.1f} s")
        print(f"training ended: {ENDED.get(estimator.stopped_, estimator.stopped_)}")
        if estimator.unused_columns_:
            print(f"columns not used: {', '.join(estimator.unused_columns_)}")
        what = "the prediction"
        if isinstance(estimator, TabularClassifier) and estimator.monotone:
            what = f"the probability of {printable(str(target.labels[1]))}"
        for column, direction in (estimator.monotone or {}).items():
            print(f"{what} {'rises' if direction > 0 else 'falls'} with {printable(column)}")
        print(
            f"{best} an out-of-fold "
            f"{shown_score.replace('_', ' ')} of {number(estimator.oof_score_)}\n"
        )

    def comparison(
        self,
        model: TableModel,
        comparison: list[tuple[Baseline, Scores]],
        details: dict[str, Any],
    ) -> None:
        if self.json or not comparison:
            return
        names = list(comparison[0][1])
        print_table(
            ("on the held-out rows", *names),
            [(predictor.name, *scores.values()) for predictor, scores in comparison],
        )
        show_quality(model.target, details)

    def saved(
        self,
        path: str,
        model: TableModel,
        problem: Problem,
        encoding: TableEncoding,
        seconds: float,
        comparison: list[tuple[Baseline, Scores]],
        details: dict[str, Any],
    ) -> None:
        if not self.json:
            print(f"model saved to {path}")
            return
        target, n_rows = model.target, len(problem.y)
        print_json(
            {
                "model": path,
                "rows": {
                    "all": n_rows,
                    "without_target": n_rows - len(problem.train) - len(problem.test),
                    "training": len(problem.train),
                    "validation": model.about["n_validation_rows"],
                    "held_out": len(problem.test),
                },
                "columns": columns_to_document(model, encoding, self.findings),
                "target": {
                    "name": target.name,
                    "task": target.task,
                    "reason": problem.reason,
                    "classes": target.values() if target.has_classes else None,
                },
                **_trained(model, seconds),
                "scores": {predictor.name: scores for predictor, scores in comparison},
                **details,
            }
        )


def _trained(model: TableModel, seconds: float) -> dict[str, Any]:
    """The network or the bag, and its training, as JSON values."""
    if model.is_bag:
        estimator = model.estimator
        networks = estimator.networks_
        n, n_weights = len(networks), networks[0].theta.size
        return {
            "bag": {
                "members": n,
                "n_weights": n_weights,
                "linear": estimator.linear_,
                "columns": list(model.names),
                "monotone": estimator.monotone or {},
            },
            "training": {
                "best_epoch": estimator.n_iter_,
                "stopped": estimator.stopped_,
                "seconds": seconds,
                "oof_score": estimator.oof_score_,
                "oof_curve": estimator.oof_curve_,
            },
        }
    history, net = model.estimator.history_, model.estimator.network_
    return {
        "network": {
            "sizes": net.sizes,
            "hidden": [d.activation.name for d in net.architecture.dense if d.activation],
            "output": net.output.name,
            "n_weights": net.theta.size,
        },
        "training": {
            "epochs": len(history),
            "stopped": history.stopped,
            "seconds": seconds,
            "loss": history.loss,
            "validation_loss": history.validation_loss,
        },
    }
