"""How time and memory of a fit grow with rows, columns and classes.

    python -m benchmarks.tabular.growth [rows] [columns] [classes] [cli]

Each size runs in a process of its own, with one thread and `time_limit`, which bounds the training;
what is left is the reading of the table, the inputs and the predictions. Printed are the seconds of
processor and the peak of memory above that of the smallest fit, and the exponents of growth: of the
last doubling, log2 of the ratio of what was taken above the smallest fit.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

SIZES = {
    "rows": (50_000, 100_000, 200_000),
    "columns": (2_000, 4_000, 8_000),
    "classes": (500, 1_000, 2_000),
    "cli": (1_500, 3_000, 6_000),  # columns of a CSV file, by `clearprop fit`
}
LEAST = {"rows": 1_000, "columns": 20, "classes": 4, "cli": 20}
TIME_LIMIT = 1.0


def table(what: str, size: int) -> tuple[dict[str, object], object]:
    """A table whose rows, columns or classes are so many, and its target."""
    import numpy as np

    rng = np.random.default_rng(0)
    n = {"rows": size, "classes": 8_000}.get(what, 60)
    d = size if what in ("columns", "cli") else 10
    columns: dict[str, object] = {f"column_{i}": rng.normal(size=n).round(4) for i in range(d)}
    y = rng.permutation(np.arange(n) % (size if what == "classes" else 2))
    return columns, np.array([f"class {i}" for i in y])


def run(what: str, size: int) -> tuple[float, float]:
    """Seconds of processor of a fit with its predictions, and the peak of memory in MB."""
    import contextlib
    import io
    import resource
    import time
    import warnings

    import pyarrow as pa

    import clearprop as cp
    from clearprop.cli import main as command

    warnings.simplefilter("ignore")
    columns, y = table(what, size)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        if what == "cli":
            import pandas as pd

            pd.DataFrame(columns).assign(y=y).to_csv(path, index=False)
        begun = time.process_time()
        if what == "cli":
            model = str(Path(folder) / "model")
            options = ["-q", "--time-limit", str(TIME_LIMIT), "--threads", "1", "-m", model]
            with contextlib.redirect_stdout(io.StringIO()):
                assert command(["fit", str(path), "-t", "y", *options]) == 0
        else:
            frame = pa.table(columns)
            options = {"time_limit": TIME_LIMIT, "random_state": 0, "n_threads": 1}
            cp.TabularClassifier(4, **options).fit(frame, y).predict(frame)
        seconds = time.process_time() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return seconds, peak / 1024


def measure(what: str, size: int) -> tuple[float, float]:
    """As `run`, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.tabular.growth", "--one", what, str(size)]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds, megabytes = json.loads(out.splitlines()[-1])
    return seconds, megabytes


def exponent(before: float, after: float) -> str:
    return f"{math.log2(after / before):5.2f}" if min(before, after) > 0 else "    –"


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--one"]:
        print(json.dumps(run(arguments[1], int(arguments[2]))))
        return 0
    for what in arguments or SIZES:
        least = measure(what, LEAST[what])
        print(f"\n{what:>8} {'seconds':>9} {'MB':>7}   exponents of growth")
        print(f"{LEAST[what]:8,} {least[0]:9.2f} {least[1]:7.0f}")
        before: tuple[float, float] | None = None
        for size in SIZES[what]:
            now = measure(what, size)
            above = (now[0] - least[0], now[1] - least[1])
            growth = ""
            if before is not None:
                growth = f"  seconds {exponent(before[0], above[0])}, memory "
                growth += exponent(before[1], above[1])
            print(f"{size:8,} {now[0]:9.2f} {now[1]:7.0f} {growth}", flush=True)
            before = above
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
