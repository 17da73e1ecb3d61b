"""The options of `clearprop fit`: checked together, and as parameters of what is fitted."""

from __future__ import annotations

import argparse
import dataclasses
import os
from typing import Any

from clearprop.cli.output import UsageError
from clearprop.tables.columns import KINDS
from clearprop.tables.frames import shown
from clearprop.tables.target_column import TargetColumn
from clearprop.tabular import NetworkOptions
from clearprop.tabular.scores import CLASS_SCORES

BAG_OPTIONS = ("n_members", "loss", "scoring", "tune")


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


def check_output(path: str, table: str, force: bool) -> None:
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


def column_kinds(arguments: argparse.Namespace) -> dict[str, str]:
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


def text_format(arguments: argparse.Namespace) -> dict[str, Any] | None:
    """How numbers and dates are written as text, if any option says so."""
    given = {key: getattr(arguments, key) for key in ("decimal", "thousands", "day_first")}
    if given["decimal"] is not None and given["decimal"] == given["thousands"]:
        raise UsageError(f"--decimal and --thousands are both {given['decimal']!r}")
    return {key: value for key, value in given.items() if value is not None} or None


def check_bag_options(target: TargetColumn, parameters: dict[str, Any]) -> None:
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
