"""A separate process for the memory section: clearprop|scikit-learn|torch CASE fit|baseline.

Prints the peak of its resident memory as JSON. The baseline imports, makes the data and fits a few
rows, as the other does too, and then only leaves out the fit.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks.speed import estimators, torch_peer
from benchmarks.speed.cases import CASES, Case
from benchmarks.speed.settings import PEERS, Settings, load, thread_limits
from clearprop._typing import Array


def main(who: str, name: str, what: str) -> None:
    load(Settings(peers=(who,) if who in PEERS else (), precisions=("float32",)))
    case = replace(CASES[name], epochs=1)
    with thread_limits(1):
        X, y = case.data()
        few = few_rows(case)
        fit(who, few, X[: few.n_rows], y[: few.n_rows])
        if what == "fit":
            fit(who, case, X, y)
    print(json.dumps({"peak_bytes": peak_bytes()}))


def fit(who: str, case: Case, X: Array, y: Array) -> None:
    """One fit of a fresh estimator or network."""
    if who == "torch":
        torch_peer.prepare(case, X, y)()
    else:
        kind = {"clearprop": estimators.ours, "scikit-learn": estimators.theirs}[who]
        estimators.fit(kind(case), X, y)


def few_rows(case: Case) -> Case:
    """A network and a batch so small that they do not show, through the same code."""
    sizes = (case.sizes[0], *(8 for _ in case.sizes[1:-1]), case.sizes[-1])
    return replace(case, sizes=sizes, batch_size=16, n_rows=32)


def peak_bytes() -> int:
    """The most memory that was resident.

    On Linux from /proc: there getrusage counts what the parent had when it started this process.
    """
    status = Path("/proc/self/status")
    if status.exists():
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        return 1024 * int(fields["VmHWM"].split()[0])
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    raise SystemExit("peak memory can be measured only on Linux and macOS")


if __name__ == "__main__":
    main(*sys.argv[1:])
