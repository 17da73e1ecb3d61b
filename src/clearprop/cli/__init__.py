"""The command line: `clearprop fit | predict | evaluate | trace | diagnose | check-gradients | …`
for tables, and `clearprop circuit …` for digital circuits.

Exit codes: 0 success, 1 failure, 2 bad usage or input, 130 Ctrl-C. An error is one line on standard
error. CLEARPROP_TRACEBACK=1 shows the traceback.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from clearprop.cli.output import UsageError, complain, warnings_as_notes
from clearprop.cli.parser import build_parser
from clearprop.cli.streams import prepare_streams, silence_output
from clearprop.interrupts import INTERRUPTED

FAILED, BAD_INPUT, BROKEN_PIPE = 1, 2, 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. argv: arguments (default: of the process)."""
    prepare_streams()
    try:
        try:
            arguments = build_parser().parse_args(argv)
        except SystemExit as done:  # --help, --version, or an error that is already reported
            sys.stdout.flush()
            return done.code if isinstance(done.code, int) else FAILED
        with warnings_as_notes(getattr(arguments, "quiet", False)):
            code: int = arguments.run(arguments)
        sys.stdout.flush()
    except Exception as error:
        if os.environ.get("CLEARPROP_TRACEBACK") == "1":
            raise
        return _explain(error)
    except KeyboardInterrupt:
        complain("interrupted")
        return INTERRUPTED
    return code


def _explain(error: Exception) -> int:
    """One line about an error, and the exit code for it."""
    from clearprop.circuits.netlist import CircuitError
    from clearprop.documents import ModelFileError
    from clearprop.tables.frames import TableError

    if isinstance(error, OSError) and error.filename is None:
        silence_output()
    if isinstance(error, BrokenPipeError):  # the reader of the output has closed it
        return BROKEN_PIPE
    if isinstance(error, OSError):
        reason = error.strerror or str(error)
        complain(f"{error.filename}: {reason}" if error.filename else reason)
        return BAD_INPUT
    if isinstance(error, TableError | ModelFileError | UsageError | CircuitError):
        complain(str(error))
        return BAD_INPUT
    if isinstance(error, MemoryError):
        complain("there is not enough memory")
        return FAILED
    complain(f"{type(error).__name__}: {error}")
    return FAILED
