"""The command `clearprop bench`: the speed of clearprop beside its peers, measured here."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Collection, Sequence
from importlib.util import find_spec
from typing import Any

from benchmarks.speed import machine
from benchmarks.speed.cases import CASES
from benchmarks.speed.plot import FORMATS, draw
from benchmarks.speed.run import run, tables
from benchmarks.speed.settings import (
    DEFAULT_SECTIONS,
    PEERS,
    PRECISIONS,
    SECTIONS,
    Settings,
    label,
)
from clearprop.cli.output import UsageError, json_text, note, print_table, printable
from clearprop.cli.parser import OneLineParser
from clearprop.cli.values import positive
from clearprop.writing import write_whole


def main(argv: Sequence[str]) -> int:
    """Run the command and return its exit code: 0 once everything that was asked for is measured or
    reported as not available. Raises UsageError for arguments that do not go together."""
    try:
        arguments = build_parser().parse_args(argv)
    except SystemExit as done:  # --help, or an error that has been reported
        return done.code if isinstance(done.code, int) else 1
    settings = _settings(arguments)
    _check_outputs(arguments, settings)
    on_stdout = arguments.json == "-"
    document = run(settings, (lambda document, name: None) if on_stdout else show)
    if on_stdout:
        print(json_text(document))
    elif arguments.json:
        write_whole(arguments.json, json_text(document) + "\n")
        note(f"everything measured is in {arguments.json}", arguments.quiet)
    if arguments.plot:
        draw(document, arguments.plot)
        note(f"the picture is in {arguments.plot}", arguments.quiet)
    return 0


def build_parser() -> OneLineParser:
    """The arguments of the command."""
    parser = OneLineParser(
        prog="clearprop bench",
        description="Measure the speed beside scikit-learn, PyTorch, ...",
    )
    sections = parser.add_mutually_exclusive_group()
    sections.add_argument("--only", type=_one_of("section", SECTIONS), nargs="+", metavar="SECTION",
                          help=f"any of {', '.join(SECTIONS)} "
                          f"(default: {' '.join(DEFAULT_SECTIONS)})")  # fmt: skip
    sections.add_argument("--all", action="store_true", help="all sections")
    parser.add_argument("--cases", type=_one_of("case", CASES), nargs="+", metavar="CASE",
                        help=f"any of {', '.join(CASES)} (default: the cases that each section "
                        "is about)")  # fmt: skip
    parser.add_argument("--peers", type=_one_of("peer", PEERS), nargs="*", metavar="PEER",
                        help=f"any of {', '.join(PEERS)}; none without a name (default: all "
                        "that are installed)")  # fmt: skip
    parser.add_argument("--precision", type=_one_of("precision", PRECISIONS), nargs="+",
                        metavar="NAME", help="float32, bfloat16 (default: both)")  # fmt: skip
    parser.add_argument("--runs", type=positive, metavar="N",
                        help="number of alternations (default: 5, with --quick 2)")  # fmt: skip
    parser.add_argument("--threads", type=positive, default=1, metavar="N",
                        help="threads of each program (default: 1)")  # fmt: skip
    parser.add_argument("--quick", action="store_true",
                        help="short fits with rough times, to check that it runs")  # fmt: skip
    parser.add_argument("--json", nargs="?", const="-", metavar="FILE",
                        help="write all measurements to FILE; without FILE, print nothing but "
                        "them")  # fmt: skip
    parser.add_argument("--plot", metavar="FILE", help="draw the ratios: .png, .svg or .pdf")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress, no notes")
    return parser


def _one_of(what: str, names: Collection[str]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in names:
            raise argparse.ArgumentTypeError(
                f"unknown {what} {text!r}; choose from {', '.join(names)}"
            )
        return text

    return parse


def _settings(arguments: argparse.Namespace) -> Settings:
    chosen = arguments.only or (SECTIONS if arguments.all else DEFAULT_SECTIONS)
    given = {
        "cases": arguments.cases,
        "peers": arguments.peers,
        "precisions": arguments.precision,
    }
    return Settings(
        sections=tuple(name for name in SECTIONS if name in chosen),
        runs=arguments.runs or (2 if arguments.quick else 5),
        threads=arguments.threads,
        quick=arguments.quick,
        # plain lines: an animated display would take time from the measurements
        report=lambda text: note(text, arguments.quiet),
        **{name: tuple(dict.fromkeys(v)) for name, v in given.items() if v is not None},
    )


def _check_outputs(arguments: argparse.Namespace, settings: Settings) -> None:
    """Raise UsageError now, rather than after minutes of measuring, if a file cannot be written."""
    for option, path in (("--json", arguments.json), ("--plot", arguments.plot)):
        if path and path != "-":
            folder = os.path.dirname(path) or "."
            if os.path.isdir(path) or not os.access(folder, os.W_OK | os.X_OK):
                raise UsageError(f"{option}: {path} cannot be written")
    if arguments.plot:
        if not arguments.plot.lower().endswith(FORMATS):
            raise UsageError(f"--plot must end with {', '.join(FORMATS)}; got {arguments.plot}")
        if "fit" not in settings.sections:
            raise UsageError("--plot shows the section fit, but --only leaves it out")
        if find_spec("matplotlib") is None:
            raise UsageError("--plot needs matplotlib: pip install 'clearprop[plot]'")


def show(document: dict[str, Any], name: str) -> None:
    """Print the machine, or the tables of a section."""
    if name == "machine":
        for line in machine.lines(document["machine"]):
            print(printable(line))
        for peer, reason in document["not_available"].items():
            print(printable(f"{label(peer)}: {reason}"))
        print(flush=True)
        return
    for table in tables(document, name):
        if table.rows:
            print_table(table.header, table.rows, title=table.title, left=table.left)
        for text in table.notes:
            print(printable(text if table.rows else f"{table.title}: {text}"))
        if table.notes:
            print(flush=True)
