"""The arguments of every command. Nothing heavy is imported until one runs."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import clearprop
from clearprop.cli.circuit.arguments import SUBCOMMANDS
from clearprop.cli.output import complain
from clearprop.cli.values import (
    activations,
    character,
    count,
    inner,
    mark,
    members,
    names,
    nonnegative,
    output_unit,
    positive,
    rate,
    row_numbers,
    samples,
    seconds,
    share,
    sizes,
    threads,
)
from clearprop.interrupts import raise_interrupts

CIRCUIT = "digital circuits as networks of sigmoid neurons, and small networks as circuits"
BENCH = "compare the speed with scikit-learn, PyTorch, ...; only in a checkout of clearprop"
INPUTS = (
    "CSV, JSON lines, Parquet, Arrow or Excel (.xlsx) file, also as .gz, .xz, .bz2, .zst or .zip; "
    "or - for standard input"
)

# Of table files, first those of packed ones: a model file is called by what stands before them.
ENDINGS = (
    *(".gz", ".xz", ".bz2", ".zst", ".zip"),
    *(".csv", ".tsv", ".txt", ".data", ".jsonl", ".ndjson"),
    *(".parquet", ".pq", ".arrow", ".feather", ".xlsx"),
)


class OneLineParser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        complain(f"{message} (see {self.prog} --help)")
        sys.exit(2)


def build_parser() -> argparse.ArgumentParser:
    parser = OneLineParser(
        prog="clearprop",
        description="Fully connected neural networks for tables, with nothing hidden.",
        epilog="Exit codes: 0 success, 1 failure, 2 bad usage or input.",
    )
    parser.add_argument("--version", action="version", version=f"clearprop {clearprop.__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=OneLineParser)
    for row in COMMANDS:
        _add_command(commands, *row)
    # No argument begins with a NUL, so all arguments are passed on, including options.
    bench = commands.add_parser("bench", help=BENCH, prefix_chars="\0", add_help=False)
    bench.add_argument("arguments", nargs="*")
    bench.set_defaults(run=_runner("bench:bench"))
    circuit = commands.add_parser("circuit", help=CIRCUIT, description=CIRCUIT.capitalize() + ".")
    parts = circuit.add_subparsers(metavar="SUBCOMMAND", required=True, parser_class=OneLineParser)
    for row in SUBCOMMANDS:
        _add_command(parts, *row)
    return parser


def _add_command(
    commands: argparse._SubParsersAction[OneLineParser],
    name: str,
    help_: str,
    add_arguments: Callable[[argparse.ArgumentParser], None],
    function: str,
) -> None:
    command = commands.add_parser(name, help=help_, description=help_[:1].upper() + help_[1:] + ".")
    add_arguments(command)
    command.add_argument("--json", action="store_true", help="print one JSON document")
    command.add_argument("-q", "--quiet", action="store_true", help="no progress bar, no notes")
    command.set_defaults(run=_runner(function))


def _runner(function: str) -> Callable[[argparse.Namespace], int]:
    def run(arguments: argparse.Namespace) -> int:
        import importlib

        module, name = function.split(":")
        command = getattr(importlib.import_module(f"clearprop.cli.{module}"), name)
        raise_interrupts()
        code: int = command(arguments)
        return code

    return run


def _add_table(
    parser: argparse.ArgumentParser, nargs: str | None = None, or_else: str = ""
) -> None:
    parser.add_argument("table", metavar="TABLE", nargs=nargs, help=INPUTS + or_else)
    files = parser.add_argument_group("file", "What a file is follows from its content.")
    files.add_argument("--delimiter", type=character, metavar="CHARACTER",
                       help="separator of the values in a CSV file: one character, tab or blanks "
                       "(default: the one that gives all rows the same length)")  # fmt: skip
    files.add_argument("--encoding", help="encoding of a text file (default: utf-8, utf-16 or "
                       "cp1252, whichever fits)")  # fmt: skip
    files.add_argument("--no-header", dest="header", action="store_false",
                       help="the first row is data; the columns are called x0, x1, …")  # fmt: skip
    files.add_argument(
        "--comment", type=mark, metavar="MARK", help="leave out lines that begin with this mark"
    )
    files.add_argument(
        "--sheet", metavar="NAME", help="sheet of an Excel file (default: the first)"
    )


def _add_fit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-t", "--target", required=True, metavar="COLUMN", help="column to predict")
    _add_table(parser)
    parser.add_argument(
        "-m", "--model", metavar="PATH", help="model file to write (default: the name of TABLE "
        "with .safetensors, in the current folder)"
    )  # fmt: skip
    parser.add_argument("-f", "--force", action="store_true", help="replace an existing model file")
    parser.add_argument(
        "--task",
        choices=("classification", "regression"),
        help="task (default: inferred from the target)",
    )
    columns = parser.add_argument_group(
        "columns", "COLUMNS is one name, or several names separated by commas."
    )
    for kind in ("numeric", "categorical", "boolean", "date", "text", "ignore"):
        columns.add_argument(
            f"--{kind}", type=names, action="extend", default=[], metavar="COLUMNS",
            help={"ignore": "leave out these columns", "text": "read these columns as free text"}
            .get(kind, f"read these columns as {kind}"),
        )  # fmt: skip
    for option, verb in (("increasing", "rise"), ("decreasing", "fall")):
        columns.add_argument(
            f"--{option}", type=names, action="extend", default=[], metavar="COLUMNS",
            help=f"make predictions {verb} with these numbers, other columns being equal; of two "
            "classes, the probability of the second",
        )  # fmt: skip
    columns.add_argument(
        "--decimal", choices=(".", ","), help="decimal sign of numbers (default: by their values)"
    )
    columns.add_argument(
        "--thousands", choices=(",", ".", " ", "'", ""), metavar="SIGN",
        help="sign between thousands: , . ' a blank, or '' for none (default: by their values)",
    )  # fmt: skip
    order = columns.add_mutually_exclusive_group()
    order.add_argument(
        "--day-first",
        action="store_true",
        default=None,
        help="dates such as 1/2/2024 are 1 February",
    )
    order.add_argument(
        "--month-first", action="store_false", dest="day_first", default=None,
        help="dates such as 1/2/2024 are 2 January",
    )  # fmt: skip
    columns.add_argument(
        "--missing", type=names, action="extend", default=[], metavar="TEXTS",
        help="further texts that mark a missing value, besides empty, NA, NaN, null, ...",
    )  # fmt: skip
    columns.add_argument(
        "--no-default-missing", action="store_true",
        help="keep NA, None, null, ... as values: only empty cells and --missing are missing",
    )  # fmt: skip
    _add_skip_missing_target(columns)
    rows = parser.add_argument_group("rows")
    rows.add_argument("--test-size", type=share, default=0.2, metavar="FRACTION",
                      help="fraction of rows held out for the scores (default: 0.2)")  # fmt: skip
    apart = rows.add_mutually_exclusive_group()
    apart.add_argument(
        "--group", metavar="COLUMN", help="hold out rows with the same value in COLUMN together"
    )
    apart.add_argument(
        "--time", metavar="COLUMN", help="hold out the latest rows, by dates or numbers in COLUMN"
    )
    rows.add_argument("--seed", type=count, default=0, help="seed of split, weights and row order")
    rows.add_argument("--no-baseline", action="store_true",
                      help="skip the comparison with logistic or linear regression")  # fmt: skip
    training = parser.add_argument_group("training")
    training.add_argument("--members", type=members, dest="n_members", metavar="N",
                          help="number of networks in the bag (default: 8)")  # fmt: skip
    training.add_argument(
        "--class-weight", choices=("balanced",), help="give all classes the same total weight"
    )
    training.add_argument("--loss", choices=("squared_error", "absolute_error", "huber", "poisson"),
                          help="loss for regression (default: squared_error)")  # fmt: skip
    training.add_argument("--scoring", choices=("log_loss", "accuracy", "auc", "rmse", "mae"),
                          help="score that chooses the best epoch (default: the loss)")  # fmt: skip
    training.add_argument(
        "--time-limit", type=seconds, metavar="SECONDS", help="limit of the time of the command"
    )
    training.add_argument("--tune", type=seconds, metavar="SECONDS",
                          help="time to search for better settings before training")  # fmt: skip
    training.add_argument("--threads", type=threads, dest="n_threads", metavar="N",
                          help="threads for training (default: all processors)")  # fmt: skip
    net = parser.add_argument_group(
        "single network", "Any of these options trains a single network instead of a bag."
    )  # fmt: skip
    net.add_argument(
        "--network", action="store_true", help="train a single network with the defaults below"
    )
    net.add_argument("--validation-size", type=share, metavar="FRACTION",
                     help="fraction of rows for early stopping (default: 0.15)")  # fmt: skip
    net.add_argument("--hidden-sizes", type=sizes, metavar="SIZES",
                     help="units per hidden layer, or 0 for none (default: 256,128)")  # fmt: skip
    net.add_argument("--hidden", type=activations, metavar="NAMES",
                     help="one activation, or one per hidden layer (default: relu)")  # fmt: skip
    net.add_argument("--solver", choices=("adam", "adamw", "sgd", "rmsprop", "nadam", "lbfgs"),
                     help="optimiser (default: adam)")  # fmt: skip
    net.add_argument("--epochs", type=positive, help="maximum number of epochs (default: 300)")
    net.add_argument("--batch-size", type=positive, help="rows per step (default: 128)")
    net.add_argument("--learning-rate", type=rate, help="learning rate (default: 0.001)")
    net.add_argument("--dropout", type=share, help="rate after each hidden layer (default: 0.2)")
    net.add_argument(
        "--l2", type=nonnegative, help="penalty ½·l2·Σw² in the loss (default: 0.0001)"
    )
    net.add_argument("--patience", type=positive,
                     help="epochs without improvement before stopping (default: 20)")  # fmt: skip
    net.add_argument("--no-early-stopping", action="store_true", help="train for all epochs")


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    _add_model(parser)
    _add_table(parser)
    _add_skip_missing_target(parser)


def _add_skip_missing_target(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "--skip-missing-target", action="store_true", help="leave out rows without a target"
    )


def _add_predict(parser: argparse.ArgumentParser) -> None:
    _add_model(parser)
    _add_table(parser)
    parser.add_argument("-o", "--output", metavar="OUT", default="-",
                        help=".csv or .parquet file (default: CSV on standard output)")  # fmt: skip
    parser.add_argument("-f", "--force", action="store_true", help="replace an existing file OUT")
    parser.add_argument("--interval", type=inner, metavar="ALPHA",
                        help="for regression: add the ends of an interval that contains the "
                        "value with probability 1 - ALPHA")  # fmt: skip
    parser.add_argument("--keep", type=names, action="extend", default=[], metavar="COLUMNS",
                        help="columns of TABLE to copy to the front, or all")  # fmt: skip


def _add_trace(parser: argparse.ArgumentParser) -> None:
    _add_model(parser)
    _add_table(parser)
    parser.add_argument("--rows", type=row_numbers, default=[0], metavar="ROWS",
                        help="rows such as 0,5 or 10-12, counted from 0 (default: 0)")  # fmt: skip
    parser.add_argument("--units", type=count, default=8, metavar="N",
                        help="units to print per layer, 0 for all (default: 8)")  # fmt: skip
    parser.add_argument("--steps", action="store_true",
                        help="print the computation step by step instead")  # fmt: skip
    _add_member(parser, "0")


def _add_diagnose(parser: argparse.ArgumentParser) -> None:
    _add_model(parser)
    _add_table(parser)
    _add_member(parser, "all")


def _add_member(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument("--member", type=count, metavar="N",
                        help=f"network of the bag to inspect (default: {default})")  # fmt: skip


def _add_check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model", metavar="MODEL", nargs="?", help="model file written by clearprop fit"
    )
    _add_table(parser, nargs="?")
    parser.add_argument("--rows", type=row_numbers, default=None, metavar="ROWS",
                        help="rows of TABLE, counted from 0 (default: 0-3)")  # fmt: skip
    parser.add_argument("--tolerance", type=rate, default=1e-7,
                        help="largest relative error that passes (default: 1e-7)")  # fmt: skip
    _add_member(parser, "0")
    made = parser.add_argument_group("without MODEL and TABLE: a random network")
    made.add_argument("--layers", type=sizes, metavar="SIZES", help="layer sizes (default: 4,5,3)")
    made.add_argument("--hidden", type=activations, metavar="NAMES",
                      help="one activation, or one per hidden layer (default: tanh)")  # fmt: skip
    made.add_argument("--output", type=output_unit, metavar="NAME",
                      help="output unit: linear, logistic, ... (default: softmax)")  # fmt: skip
    made.add_argument("--samples", type=samples, help="rows of random data (default: 5)")
    made.add_argument("--seed", type=count, help="seed of weights and data (default: 0)")


def _add_play(parser: argparse.ArgumentParser) -> None:
    _add_table(parser, nargs="?", or_else="; or a link, as in '#station=softmax'")
    parser.add_argument("-t", "--target", metavar="COLUMN",
                        help="column of TABLE to predict (default: the last)")  # fmt: skip
    parser.add_argument(
        "--lessons",
        metavar="FILE",
        help="put lessons of your own into the page: JSON, see docs/lessons.md",
    )
    parser.add_argument("--write", metavar="FOLDER",
                        help="write the page to FOLDER/index.html, for a web server or a learning "
                        "platform, and open no browser")  # fmt: skip
    parser.add_argument("--no-browser", action="store_true", help="only print where the file is")


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="model file written by clearprop fit")


# Name, help, function that adds the arguments, module and function that runs.
COMMANDS: tuple[tuple[str, str, Callable[[argparse.ArgumentParser], None], str], ...] = (
    ("fit", "train a model that predicts a column of a table", _add_fit, "fit:fit"),
    ("evaluate", "score a model on a table with its target column", _add_evaluate, "use:evaluate"),
    ("predict", "predict for the rows of a table", _add_predict, "use:predict"),
    ("trace", "show every z, h, ∂ℒ/∂z and ∂ℒ/∂W for some rows", _add_trace, "inspect:trace"),
    (
        "diagnose",
        "look for problems that keep a model from learning, in data, units and gradients",
        _add_diagnose,
        "diagnose:diagnose",
    ),
    (
        "check-gradients",
        "compare back-propagation with central differences",
        _add_check,
        "inspect:check_gradients",
    ),
    ("play", "open the playground in the browser", _add_play, "play:play"),
)


def file_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """How TABLE is to be read, as the arguments of `tables.files.open_table`."""
    names = ("delimiter", "encoding", "header", "comment", "sheet")
    return {name: getattr(arguments, name) for name in names}


def default_model_path(table: str) -> str:
    """The model file for a table: its name with .safetensors, in the current folder."""
    name = "model" if table == "-" else os.path.basename(table)
    for ending in ENDINGS:
        name = name[: -len(ending)] if name.lower().endswith(ending) and name != ending else name
    return f"{name}.safetensors"
