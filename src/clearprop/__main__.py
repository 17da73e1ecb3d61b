"""The command `clearprop`, also as `python -m clearprop`."""

from __future__ import annotations

import sys

from clearprop.interrupts import stop, stop_at_once


def run() -> None:
    """Run the command of this process's arguments, then exit with its code."""
    stop_at_once()
    from clearprop.cli import main

    try:
        code = main()
        stop_at_once()
    except KeyboardInterrupt:  # where `main` does not expect it
        stop()
    sys.exit(code)


if __name__ == "__main__":
    run()
