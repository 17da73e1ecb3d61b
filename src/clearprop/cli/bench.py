"""`clearprop bench`: the speed of clearprop beside its peers, measured here."""

from __future__ import annotations

import argparse
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from clearprop.benchmark import machine
from clearprop.benchmark.plot import FORMATS, draw
from clearprop.benchmark.run import run, tables
from clearprop.benchmark.settings import DEFAULT_SECTIONS, SECTIONS, Settings, label
from clearprop.cli.output import UsageError, json_text, note, print_table, printable


def bench(arguments: argparse.Namespace) -> int:
    """Run the command; 0 when everything asked for is measured or said to be not available."""
    settings = _settings(arguments)
    _check_outputs(arguments, settings)
    on_stdout = arguments.json == "-"
    document = run(settings, (lambda document, name: None) if on_stdout else show)
    if on_stdout:
        print(json_text(document))
    elif arguments.json:
        Path(arguments.json).write_text(json_text(document) + "\n", encoding="utf-8")
        note(f"everything measured is in {arguments.json}", arguments.quiet)
    if arguments.plot:
        draw(document, arguments.plot)
        note(f"the picture is in {arguments.plot}", arguments.quiet)
    return 0


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
        # plain lines: a display that moves would take time from what is measured
        tell=lambda text: note(text, arguments.quiet),
        **{name: tuple(dict.fromkeys(v)) for name, v in given.items() if v is not None},
    )


def _check_outputs(arguments: argparse.Namespace, settings: Settings) -> None:
    """Minutes of measuring must not end with a file that cannot be written."""
    for option, path in (("--json", arguments.json), ("--plot", arguments.plot)):
        if path and path != "-":
            folder = os.path.dirname(path) or "."
            if os.path.isdir(path) or not os.access(folder, os.W_OK | os.X_OK):
                raise UsageError(f"{option}: {path} cannot be written")
    if arguments.plot:
        if not arguments.plot.lower().endswith(FORMATS):
            raise UsageError(f"--plot must end with {', '.join(FORMATS)}; got {arguments.plot}")
        if "fit" not in settings.sections:
            raise UsageError("--plot shows the section fit, which is not among those of --only")
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
