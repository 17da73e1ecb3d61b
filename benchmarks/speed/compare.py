"""Measuring in alternation, and what a table says about several measurements."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any, NamedTuple, TypeAlias

Run: TypeAlias = Callable[[], float]  # does the work once and returns its seconds
Pair: TypeAlias = tuple[float, float]  # ours, the peer's


class Table(NamedTuple):
    """What a section shows: the first `left` columns are text."""

    title: str
    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    left: int = 1
    notes: tuple[str, ...] = ()


def alternate(ours: Run, peers: Mapping[str, Run], runs: int) -> dict[str, list[Pair]]:
    """Ours, a peer, ours, the next peer, …: for each peer the pairs (ours, peer) of seconds.

    What slows the machine for a while slows both of a pair. Without peers ours alone is run, and
    its pairs with itself are under "clearprop".
    """
    pairs: dict[str, list[Pair]] = {name: [] for name in peers or ("clearprop",)}
    for _ in range(runs):
        for name, several in pairs.items():
            seconds = measured(ours)
            several.append((seconds, measured(peers[name]) if peers else seconds))
    return pairs


def rounds(contestants: Mapping[str, Run], runs: int) -> dict[str, list[float]]:
    """One after another, again and again: for each of them its seconds."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(runs):
        for name, run in contestants.items():
            seconds[name].append(measured(run))
    return seconds


def measured(run: Run) -> float:
    """The time of one run, after the garbage of the previous run is collected."""
    gc.collect()
    return run()


def seconds_of_a_call(function: Callable[[], object], least: float = 0.05) -> Run:
    """A run that repeats a short call for about `least` seconds and returns the time of one."""
    n = 1
    while (seconds := _time(function, n)) < least / 4:
        n = max(2 * n, round(n * least / max(seconds, 1e-9) / 4))
    n = max(1, round(n * least / seconds))
    return lambda: _time(function, n) / n


def _time(function: Callable[[], object], n: int) -> float:
    start = time.perf_counter()
    for _ in repeat(None, n):
        function()
    return time.perf_counter() - start


def ratios(pairs: Iterable[Pair]) -> list[float]:
    """How many times as long the peer took, pair by pair."""
    return [peer / ours for ours, peer in pairs]


def spread(values: Sequence[float]) -> dict[str, float]:
    """The median with the least and the greatest value."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def standard_error(values: Sequence[float]) -> float:
    """Of the mean: s/√n; NaN for a single value."""
    return statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else float("nan")


def shown(value: float | None, unit: float = 1.0) -> str:
    """A number of some unit with three digits, "–" for none."""
    if value is None:
        return "–"
    value /= unit
    decimals = 0 if abs(value) >= 99.95 else 1 if abs(value) >= 9.995 else 2
    return f"{value:,.{decimals}f}" if abs(value) >= 0.095 or value == 0 else f"{value:.2g}"


def shown_spread(values: Mapping[str, Any], unit: float = 1.0) -> tuple[str, str]:
    """Two cells: the median, and the range."""
    return shown(
        values["median"], unit
    ), f"{shown(values['min'], unit)} … {shown(values['max'], unit)}"


def percent(share: float | None) -> str:
    """A share as a percentage, "–" for none."""
    return "–" if share is None else f"{100 * share:.0f} %"
