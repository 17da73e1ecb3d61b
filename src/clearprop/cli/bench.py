"""`clearprop bench`: runs the benchmark suite, which is in a checkout and not in the package."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from clearprop.cli.output import UsageError

NO_CHECKOUT = (
    "bench needs the benchmark suite, which is not part of the installed package: run it in a "
    "checkout of clearprop, as clearprop bench or python -m benchmarks.speed"
)


def bench(arguments: argparse.Namespace) -> int:
    """Run the suite of the checkout that is the current folder, with the arguments as they are.

    Raises UsageError in any other folder.
    """
    checkout = Path.cwd()
    if not (checkout / "benchmarks" / "speed" / "command.py").is_file():
        raise UsageError(NO_CHECKOUT)
    if str(checkout) not in sys.path:
        sys.path.append(str(checkout))
    code: int = importlib.import_module("benchmarks.speed.command").main(arguments.arguments)
    return code
