"""Training on two threads (or --threads) while other processes keep all processors but one busy."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.speed.cases import Case
from benchmarks.speed.compare import (
    Run,
    Table,
    measured,
    ratios,
    shown,
    shown_spread,
    spread,
)
from benchmarks.speed.contestants import TRAINERS, prepare_peers
from benchmarks.speed.sections.threads import CASES
from benchmarks.speed.settings import (
    Settings,
    label,
    n_processors,
    need_processors,
    thread_limits,
)

# It looks from time to time whether its parent is still there.
SPIN = """
import os
parent = os.getppid()
while os.getppid() == parent:
    for _ in range(1_000_000):
        pass
"""
SETTLE = 0.2  # seconds until a new process has started to spin


def measure(settings: Settings, machine: dict[str, Any]) -> dict[str, Any]:
    """For each case and contestant the pairs (idle, busy)."""
    need_processors(settings.parallel)
    n_busy = n_processors() - settings.parallel + 1
    records, notes = [], []
    with thread_limits(settings.parallel):
        for case in (case.shorter(2) for case in settings.chosen(*CASES)):
            X, y = case.data()
            ours = {"clearprop": TRAINERS["clearprop", "float32"](case, X, y, "float32")}
            peers, trouble = prepare_peers(settings, case, X, y, "float32")
            notes += trouble
            plain = ("scikit-learn", "torch")  # the other two only compute the same otherwise
            runs = ours | {name: run for name, run in peers.items() if name in plain}
            settings.report(f"busy: {case.name} beside {n_busy} busy process(es)")
            records += _measure_case(case, runs, n_busy, settings.runs)
    return {"threads": settings.parallel, "processes": n_busy, "cases": records, "notes": notes}


def _measure_case(
    case: Case, runs: dict[str, Run], n_busy: int, n_runs: int
) -> list[dict[str, Any]]:
    pairs: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for _ in range(n_runs):
        for name, run in runs.items():
            idle = measured(run)
            with busy_processes(n_busy):
                pairs[name].append((idle, measured(run)))
    return [
        {
            "case": case.name,
            "who": name,
            "seconds_per_step": spread([idle / case.steps for idle, _ in several]),
            "seconds_per_step_busy": spread([busy / case.steps for _, busy in several]),
            "ratio": spread(ratios(several)),
            "seconds_of_pairs": several,
        }
        for name, several in pairs.items()
    ]


@contextmanager
def busy_processes(n: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """n processes that do nothing but count, on whatever processor the system gives them."""
    processes = [subprocess.Popen([sys.executable, "-I", "-c", SPIN]) for _ in range(n)]
    try:
        time.sleep(SETTLE)
        yield processes
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()


def tables(result: dict[str, Any]) -> list[Table]:
    """One row per case and contestant."""
    rows = [
        (
            record["case"],
            label(record["who"]),
            shown(record["seconds_per_step"]["median"], 1e-6),
            shown(record["seconds_per_step_busy"]["median"], 1e-6),
            *shown_spread(record["ratio"]),
        )
        for record in result["cases"]
    ]
    header = ("case", "", "idle µs/step", "busy µs/step", "times as long", "min … max")
    title = f"{result['threads']} threads, {result['processes']} other busy process(es)"
    return [Table(title, header, rows, 2, tuple(result["notes"]))]
