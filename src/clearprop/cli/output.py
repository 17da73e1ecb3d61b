"""The output of the commands: tables for people, one JSON document for programs, errors."""

from __future__ import annotations

import json
import math
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from clearprop.callers import is_our_warning
from clearprop.limits import bounded


class UsageError(ValueError):
    """Arguments that cannot be combined."""


def complain(message: str) -> None:
    """Print an error as one line on standard error."""
    _report(f"error: {message}")


def note(message: str, quiet: bool = False) -> None:
    """Print a note as one line on standard error."""
    if not quiet:
        _report(message)


@contextmanager
def warnings_as_notes(quiet: bool) -> Iterator[None]:
    """Print the warnings that clearprop gives in the block as notes, each once; no others.

    What other libraries warn of is about their callers' code, which no user can change.
    """
    shown: set[str] = set()

    def show(message: Warning | str, *_: Any) -> None:
        text = str(message)
        if text not in shown and is_our_warning():
            shown.add(text)
            note(text, quiet)

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = show  # type: ignore[assignment]
        yield


def _report(message: str) -> None:
    text = bounded(printable(message))
    with suppress(OSError, ValueError):  # standard error is closed; the exit code remains
        print(f"clearprop: {text}", file=sys.stderr)


def printable(text: str) -> str:
    """The text on one line, with control and invisible characters escaped."""
    joined = " ".join(text.split())
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in joined
    )


def print_json(document: Mapping[str, Any]) -> None:
    """One JSON document on standard output; numbers that are not finite are null."""
    print(json_text(document))


def json_text(document: Mapping[str, Any]) -> str:
    """A document as JSON on many lines; numbers that are not finite are null."""
    return json.dumps(_plain(document), indent=2, allow_nan=False)


def to_json(value: Any) -> str:
    """A value as JSON on one line; numbers that are not finite are null."""
    return json.dumps(_plain(value), allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):  # NumPy's arrays and numbers
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def print_table(
    header: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = "", left: int = 1
) -> None:
    """Print a table on standard output; the first `left` columns are aligned left."""
    from rich.cells import cell_len

    cells = [[printable(name) for name in header]]
    cells += [[printable(number(cell)) for cell in row] for row in rows]
    widths = [[cell_len(text) for text in line] for line in cells]
    widest = [max(column) for column in zip(*widths, strict=True)]
    bold = ("\x1b[1m", "\x1b[0m") if _shows_styles() else ("", "")
    # No line is cut or wrapped: a narrow terminal can scroll, and a file is complete. Libraries
    # for tables that wrap their cells take seconds for thousands of columns.
    lines = []
    for n, (texts, sizes) in enumerate(zip(cells, widths, strict=True)):
        line = ""
        for i, (text, size) in enumerate(zip(texts, sizes, strict=True)):
            gap = " " * (widest[i] - size)
            shown = text if n else f"{bold[0]}{text}{bold[1]}"
            line += (shown + gap if i < left else gap + shown) + "  "
        lines.append(line.rstrip())
    print("\n".join([*([printable(title)] if title else []), *lines]))
    print()


def _shows_styles() -> bool:
    """Whether standard output is a terminal that shows bold text, and is asked to."""
    from rich.console import Console

    return Console(file=sys.stdout).color_system is not None


def print_rich(value: Any, width: int = 120) -> None:
    """Print a rich renderable on standard output, as wide as the terminal."""
    from rich.console import Console

    terminal = sys.stdout.isatty()
    console = Console(file=sys.stdout, width=None if terminal else width, highlight=False)
    with console.capture() as capture:
        console.print(value)
    print("\n".join(line.rstrip() for line in capture.get().splitlines()))


def number(value: object) -> str:
    """A number with four or five digits, "–" for None, anything else as a string."""
    if value is None:
        return "–"
    if isinstance(value, float):
        if value == 0:
            return "0"
        return f"{value:.4f}" if 1e-3 <= abs(value) < 1e4 else f"{value:.4g}"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)
