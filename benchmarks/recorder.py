"""What the recorder costs: training with and without it, in turns, on the case "tab".

Run: python benchmarks/recorder.py [runs]
"""

from __future__ import annotations

import statistics
import sys
import time

import clearprop as cp
from benchmarks.speed.cases import CASES
from clearprop import explain

EPOCHS = 12


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    case = CASES["tab"]
    X, t = case.data()
    layers = "-".join(map(str, case.sizes))
    print(f"{layers}, {case.n_rows:,} rows in batches of {case.batch_size}, a record each epoch")

    def seconds(recorded: bool, n_threads: int) -> float:
        net = cp.Network(case.sizes, "relu", "softmax", dtype="float32")
        start = time.perf_counter()
        callbacks = [explain.Recorder(net, X, t)] if recorded else []
        optimizer = cp.Adam(1e-3)
        net.train(
            X, t, optimizer, EPOCHS, case.batch_size, callbacks=callbacks, n_threads=n_threads
        )
        return time.perf_counter() - start

    for n_threads in (1, cp.get_num_threads()):
        seconds(True, n_threads)
        alone, more = [], []
        for _ in range(runs):
            alone.append(seconds(False, n_threads))
            more.append(seconds(True, n_threads) / alone[-1] - 1)
        print(
            f"{n_threads} thread(s): {1e3 * statistics.median(alone) / EPOCHS:.0f} ms an epoch, "
            f"with the recorder {statistics.median(more):+.1%} "
            f"({min(more):+.1%} … {max(more):+.1%}) in {runs} runs"
        )


if __name__ == "__main__":
    main()
