"""Ctrl-C in a command: one line and exit code 130, whenever it comes.

While modules are imported and when all work is done, the process stops at once: there is nothing to
clean up, and an import that is cut off may raise anything. While a command works, Ctrl-C raises
KeyboardInterrupt as usual, so that it can keep what it has and remove what is half written.
"""

from __future__ import annotations

import contextlib
import os
import signal

INTERRUPTED = 130


def stop(*_: object) -> None:
    """Report Ctrl-C and leave, without running anything that could be interrupted again."""
    with contextlib.suppress(OSError):  # standard error is closed
        os.write(2, b"clearprop: error: interrupted\n")
    os._exit(INTERRUPTED)


def stop_at_once() -> None:
    """From now on Ctrl-C stops the process, unless somebody has decided otherwise."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, stop)


def raise_interrupts() -> None:
    """From now on Ctrl-C raises KeyboardInterrupt, if it would have stopped the process."""
    if signal.getsignal(signal.SIGINT) is stop:
        signal.signal(signal.SIGINT, signal.default_int_handler)
