"""Lines of the tables."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import numpy as np

import clearprop

T = TypeVar("T")


def machine() -> str:
    """Versions, for the line above a table."""
    return (
        f"clearprop {clearprop.__version__}, Python {platform.python_version()}, "
        f"NumPy {np.__version__}, {platform.machine()}"
    )


def head(columns: Sequence[str]) -> str:
    """The first two lines of a table; the first column is text, the others are numbers."""
    return f"{line(columns)}\n|---|{'---:|' * (len(columns) - 1)}"


def line(cells: Iterable[object]) -> str:
    """One line; integers get their commas."""
    return f"| {' | '.join(f'{c:,}' if isinstance(c, int) else str(c) for c in cells)} |"


def seconds(value: float) -> str:
    """As many digits as can be told apart."""
    return f"{value:.4f}" if value < 0.01 else f"{value:.2f}" if value < 10 else f"{value:.0f}"


def timed(f: Callable[[], T]) -> tuple[T, float]:
    """What f returns, and the seconds that it took."""
    start = time.perf_counter()
    result = f()
    return result, time.perf_counter() - start
