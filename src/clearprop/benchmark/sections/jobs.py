"""64 networks side by side on two threads (or --threads) against one after another on one."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

import clearprop as cp
from clearprop.benchmark.cases import CASES
from clearprop.benchmark.compare import Run, Table, alternate, ratios, shown, shown_spread, spread
from clearprop.benchmark.sections.threads import with_threads
from clearprop.benchmark.settings import Settings, need_processors
from clearprop.jobs import Data, Job
from clearprop.training import train

N_JOBS, EPOCHS = 64, 10


def measure(settings: Settings, machine: dict[str, Any]) -> dict[str, Any]:
    """The pairs (side by side, one after another) for the small case."""
    n = settings.parallel
    need_processors(n)
    settings.tell(f"jobs: {N_JOBS} side by side on {n} threads")
    case = CASES["small"]
    X, y = case.data()
    nets = [
        cp.Network(case.sizes, output="softmax", seed=seed, dtype="float32")
        for seed in range(N_JOBS)
    ]
    data = Data.of(nets[0].architecture, X, y, dtype=np.float32)
    jobs = [
        Job(
            net.architecture,
            net.theta,
            "adam",
            epochs=1 if settings.quick else EPOCHS,
            batch_size=case.batch_size,
            shuffle=seed,
        )
        for seed, net in enumerate(nets)
    ]
    together = with_threads(n, _timed([jobs], data))
    one_by_one = with_threads(1, _timed([[job] for job in jobs], data))
    pairs = alternate(together, {"one": one_by_one}, settings.runs)["one"]
    return {
        "case": case.name,
        "jobs": N_JOBS,
        "epochs": jobs[0].epochs,
        "threads": n,
        "seconds": spread([several for several, _ in pairs]),
        "seconds_one_after_another": spread([one for _, one in pairs]),
        "speed_up": spread(ratios(pairs)),
        "seconds_of_pairs": pairs,
    }


def _timed(calls: list[list[Job]], data: Data) -> Run:
    def run() -> float:
        start = time.perf_counter()
        for jobs in calls:
            train(jobs, data)
        return time.perf_counter() - start

    return run


def tables(result: dict[str, Any]) -> list[Table]:
    """A single row."""
    row = (
        f"{result['jobs']} × {result['case']}, {result['epochs']} epoch(s)",
        shown(result["seconds_one_after_another"]["median"], 1e-3),
        shown(result["seconds"]["median"], 1e-3),
        *shown_spread(result["speed_up"]),
    )
    header = (
        "jobs", "one after another, 1 thread: ms", f"side by side, {result['threads']} threads: ms",
        "times as fast", "min … max",
    )  # fmt: skip
    return [Table("many networks at once", header, [row])]
