"""Peak memory of a fit: the peak of a process that fits, minus one that does everything else."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from benchmarks.speed.cases import Case
from benchmarks.speed.compare import Table, shown
from benchmarks.speed.settings import CHECKOUT, Settings, UnavailableError, label

CHILD = "benchmarks.speed.memory_child"


def measure(settings: Settings, machine: dict[str, Any]) -> dict[str, Any]:
    """For each case and contestant: the bytes that a fit adds to the peak, without X."""
    records = []
    for case in settings.chosen("mnist", "wide"):
        for who in ("clearprop", *settings.present("scikit-learn", "torch")):
            settings.report(f"memory: {case.name}, {label(who)}")
            # one run of each: they repeat to within 1 MB
            baseline, fit = (peak_of_child(who, case, what) for what in ("baseline", "fit"))
            records.append(
                {
                    "case": case.name,
                    "who": who,
                    "bytes": fit - baseline,
                    "bound_bytes": bound(case),
                    "X_bytes": 4 * case.n_rows * case.sizes[0],
                    "peak_bytes": fit,
                    "peak_bytes_without_fit": baseline,
                }
            )
    return {"cases": records}


def bound(case: Case) -> int:
    """Bytes of float32 that any fit needs, besides X.

    θ, its two moments in Adam, and the activations h⁽⁰⁾ … h⁽ᴸ⁾ of one batch.
    """
    return 4 * (3 * case.n_parameters + case.batch_size * sum(case.sizes))


def peak_of_child(who: str, case: Case, what: str) -> int:
    """The peak of a fresh process on one thread; UnavailableError if it cannot be measured."""
    command = [sys.executable, "-m", CHILD, who, case.name, what]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=CHECKOUT)
    if done.returncode != 0:
        reason = (done.stderr.strip() or "no reason given").splitlines()[-1]
        raise UnavailableError(f"{label(who)}, {case.name}: {reason}")
    peak: int = json.loads(done.stdout)["peak_bytes"]
    return peak


def tables(result: dict[str, Any]) -> list[Table]:
    """One row per case and contestant."""
    rows = [
        (
            record["case"],
            label(record["who"]),
            shown(record["bytes"], 1e6),
            shown(record["bound_bytes"], 1e6),
            shown((record["bytes"] - record["bound_bytes"]), 1e6),
        )
        for record in result["cases"]
    ]
    header = ("case", "", "fit adds MB", "3 θ + activations MB", "beyond MB")
    return [Table("peak memory of a fit, beside X and what is imported", header, rows, 2)]
