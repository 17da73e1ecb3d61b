"""64 networks side by side on two threads (or --threads) against one after another on one.

Beside it as many processes that know nothing of one another, each with its part of the networks on
one thread: what the machine's processors gain when nothing has to be waited for.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import clearprop as cp
from benchmarks.speed.cases import CASES
from benchmarks.speed.compare import Run, Table, ratios, rounds, shown, shown_spread, spread
from benchmarks.speed.sections.threads import with_threads
from benchmarks.speed.settings import CHECKOUT, Settings, need_processors, thread_limits
from clearprop.jobs import Data, Job
from clearprop.training import train

N_JOBS, EPOCHS = 64, 10
CASE = CASES["small"]


def measure(settings: Settings, machine: dict[str, Any]) -> dict[str, Any]:
    """Rounds of: side by side, one after another, in separate processes."""
    n = settings.parallel
    need_processors(n)
    settings.report(f"jobs: {N_JOBS} side by side on {n} threads")
    epochs = 1 if settings.quick else EPOCHS
    jobs, data = make_jobs(epochs)
    with processes(n, epochs) as apart:
        runs = {
            "one": with_threads(1, _timed([[job] for job in jobs], data)),
            "together": with_threads(n, _timed([jobs], data)),
            "processes": apart,
        }
        seconds = rounds(runs, settings.runs)
    speed_ups = {
        name: ratios(zip(seconds[name], seconds["one"], strict=True))
        for name in ("together", "processes")
    }
    return {
        "case": CASE.name,
        "jobs": N_JOBS,
        "epochs": epochs,
        "threads": n,
        "seconds": spread(seconds["together"]),
        "seconds_one_after_another": spread(seconds["one"]),
        "speed_up": spread(speed_ups["together"]),
        "speed_up_of_processes": spread(speed_ups["processes"]),
        "seconds_of_rounds": seconds,
    }


def make_jobs(epochs: int) -> tuple[list[Job], Data]:
    """The networks of the small case, each with a different seed, and the rows for all of them."""
    X, y = CASE.data()
    nets = [
        cp.Network(CASE.sizes, output="softmax", seed=seed, dtype="float32")
        for seed in range(N_JOBS)
    ]
    jobs = [
        Job(
            net.architecture,
            net.theta,
            "adam",
            epochs=epochs,
            batch_size=CASE.batch_size,
            shuffle=seed,
        )
        for seed, net in enumerate(nets)
    ]
    return jobs, Data.from_arrays(nets[0].architecture, X, y, dtype=np.float32)


def _timed(calls: list[list[Job]], data: Data) -> Run:
    def run() -> float:
        start = time.perf_counter()
        for jobs in calls:
            train(jobs, data)
        return time.perf_counter() - start

    return run


@contextmanager
def processes(n: int, epochs: int) -> Iterator[Run]:
    """A run of all jobs by n processes, which have been started and wait for it."""
    program = "from benchmarks.speed.sections.jobs import serve; serve({}, {}, {})"
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program.format(i, n, epochs)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=CHECKOUT,
        )
        for i in range(n)
    ]

    def answers() -> None:
        for process in started:
            assert process.stdout is not None
            if not process.stdout.readline():
                raise RuntimeError(f"a process of the benchmark ended: {process.args!r}")

    def run() -> float:
        start = time.perf_counter()
        for process in started:
            assert process.stdin is not None
            process.stdin.write("train\n")
            process.stdin.flush()
        answers()
        return time.perf_counter() - start

    try:
        answers()
        yield run
    finally:
        for process in started:
            process.kill()
            process.communicate()


def serve(i: int, n: int, epochs: int) -> None:
    """In one of n processes: train its part of the jobs whenever a line comes in, and answer."""
    jobs, data = make_jobs(epochs)
    run = _timed([[job] for job in jobs[i::n]], data)
    with thread_limits(1):
        print("ready", flush=True)
        for _ in sys.stdin:
            print(run(), flush=True)


def tables(result: dict[str, Any]) -> list[Table]:
    """A single row."""
    n = result["threads"]
    row = (
        f"{result['jobs']} × {result['case']}, {result['epochs']} epoch(s)",
        shown(result["seconds_one_after_another"]["median"], 1e-3),
        shown(result["seconds"]["median"], 1e-3),
        *shown_spread(result["speed_up"]),
        *shown_spread(result["speed_up_of_processes"]),
    )
    header = (
        "jobs", "one after another, 1 thread: ms", f"side by side, {n} threads: ms",
        "times as fast", "min … max", f"{n} processes: times as fast", "min … max",
    )  # fmt: skip
    return [Table("many networks at once", header, [row])]
