"""Our own training on two threads (or --threads) against one."""

from __future__ import annotations

from typing import Any

from benchmarks.speed.compare import (
    Run,
    Table,
    alternate,
    ratios,
    shown,
    shown_spread,
    spread,
)
from benchmarks.speed.contestants import TRAINERS
from benchmarks.speed.settings import Settings, need_processors, thread_limits

CASES = ("tab", "mnist", "wide")  # in the other cases a step is too short to be shared


def with_threads(n: int, run: Run) -> Run:
    """The run on n threads."""

    def limited() -> float:
        with thread_limits(n):
            return run()

    return limited


def measure(settings: Settings, machine: dict[str, Any]) -> dict[str, Any]:
    """The pairs (several threads, one thread) of each case."""
    n = settings.parallel
    need_processors(n)
    records = []
    for case in settings.chosen(*CASES):
        settings.report(f"threads: {case.name}, {n} against 1")
        run = TRAINERS["clearprop", "float32"](case, *case.data(), "float32")
        one = {"one": with_threads(1, run)}
        pairs = alternate(with_threads(n, run), one, settings.runs)["one"]
        records.append(
            {
                "case": case.name,
                "seconds_per_step": spread([several / case.steps for several, _ in pairs]),
                "seconds_per_step_on_one": spread([one / case.steps for _, one in pairs]),
                "speed_up": spread(ratios(pairs)),
                "seconds_of_pairs": pairs,
            }
        )
    return {"threads": n, "cases": records}


def tables(result: dict[str, Any]) -> list[Table]:
    """One row per case."""
    n = result["threads"]
    rows = [
        (
            record["case"],
            shown(record["seconds_per_step_on_one"]["median"], 1e-6),
            shown(record["seconds_per_step"]["median"], 1e-6),
            *shown_spread(record["speed_up"]),
        )
        for record in result["cases"]
    ]
    header = ("case", "1 thread µs/step", f"{n} threads", "times as fast", "min … max")
    return [Table(f"{n} threads against one", header, rows)]
