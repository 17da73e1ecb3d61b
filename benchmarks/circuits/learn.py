"""How often and how fast truth tables are learnt, and what the choices in doing so are worth.

    python -m benchmarks.circuits.learn             all three tables, some minutes
    python -m benchmarks.circuits.learn --seeds 3   fewer seeds
    python -m benchmarks.circuits.learn choices     one table: fixed, search or choices

fixed: learn(table, hidden) with the defaults, then sharpen, for several seeds. search: without a
number of hidden units. choices: how many of single attempts come through within 2,000 steps, for
other optimisers, starts and coordinates, and the processor time for each that does.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import clearprop as cp
from benchmarks.circuits.functions import FUNCTIONS, half_free
from clearprop._typing import Array
from clearprop.circuits.gates import all_bits
from clearprop.circuits.learning.attempts import OPTIMIZER, score, start
from clearprop.circuits.learning.learn import learn
from clearprop.circuits.learning.sharpening import sharpen

TABLES: dict[str, tuple[Callable[[int], Array], int]] = {
    **FUNCTIONS,
    "random of 6, half free": (partial(half_free, 6), 5),
}


def run(name: str, hidden: int | None, n_seeds: int) -> str:
    table = TABLES[name][0]
    learned, sharp, seconds, sharpening = [], [], [], []
    for seed in range(n_seeds):
        began = time.perf_counter()
        learned.append(learn(table(seed), hidden, seed=seed))
        seconds.append(time.perf_counter() - began)
        began = time.perf_counter()
        sharp.append(sharpen(learned[-1]))
        sharpening.append(time.perf_counter() - began)
    sizes = sorted({each.hidden_sizes[0] if each.hidden_sizes else 0 for each in learned})
    units = f"{sizes[0]}…{sizes[-1]}" if len(sizes) > 1 else str(sizes[0])
    n_good = sum(each.ok for each in sharp)
    return (
        f"| {name} | {units} | {sum(each.ok for each in learned)}/{n_seeds} "
        f"| {statistics.median(seconds):.2f} ({min(seconds):.2f}…{max(seconds):.2f}) "
        f"| {n_good}/{n_seeds} | {statistics.median(sharpening):.3f} "
        f"| {max((each.bound.error for each in sharp if each.ok), default=float('nan')):.4f} |"
    )


HEAD = (
    "| table | hidden units | learnt | seconds: median (range) | sharpened | seconds "
    "| certified error |\n|---|---|---|---|---|---|---|"
)
CHOICES: dict[str, dict[str, Any]] = {
    "as it is": {},
    "all starts at random": {"along": (False,)},
    "all starts along a direction": {"along": (True,)},
    "Adam, rate 0.1": {"optimizer": cp.Adam(0.1, beta_2=0.99)},
    "Adam, rate 0.02": {"optimizer": cp.Adam(0.02, beta_2=0.99)},
    "Adam, β₂ 0.999": {"optimizer": cp.Adam(0.05)},
    "NAdam": {"optimizer": cp.NAdam(0.05)},
    "RMSprop": {"optimizer": cp.RMSprop(0.02)},
    "L-BFGS": {"optimizer": cp.LBFGS(tol=1e-6)},
    "3 × the weights": {"scale": 3.0},
    "bits 0/1, logistic": {"unit": "logistic", "low": 0.0, "scale": 3.0},
}
CHOSEN = ("parity of 4", "parity of 6", "parity of 8", "adder of 2 bits", "multiplexer 4:1",
          "random of 6")  # fmt: skip


def single_attempts(
    name: str,
    *,
    optimizer: Any = OPTIMIZER,
    along: tuple[bool, ...] = (False, True),
    scale: float = 1.0,
    unit: str = "tanh",
    low: float = -1.0,
    n: int = 48,
    n_steps: int = 2000,
) -> str:
    make, hidden = TABLES[name]
    table = make(0).reshape(len(make(0)), -1)
    X = np.where(all_bits(len(table).bit_length() - 1), 1.0, low)
    architecture = cp.architecture.fully_connected(
        [X.shape[1], hidden, table.shape[1]], unit, "logistic"
    )
    data = cp.Data(X, table.astype(float))
    whole = isinstance(optimizer, cp.LBFGS)
    repeats = 1 if whole else 50
    jobs = [
        cp.Job(
            architecture,
            scale * start(architecture, np.random.default_rng([0, i]), along=along[i % len(along)]),
            optimizer,
            epochs=n_steps // repeats,
            batch_size=len(X),
            rows=np.tile(np.arange(len(X)), repeats),
            shuffle=None,
        )
        for i in range(n)
    ]
    right = set()

    def look(report: cp.history.EpochReport) -> bool:
        z = cp.Network.from_theta(architecture, report.theta).forward(X).z[-1]
        if score(z, table)[1] >= 1.1:
            right.add(report.job)
        return report.job in right

    began = time.process_time()
    cp.train(jobs, data, callbacks=[look])
    seconds = time.process_time() - began
    each = f"{1000 * seconds / len(right):.0f} ms" if right else "–"
    return f"{100 * len(right) / n:.0f} % ({each})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tables", nargs="*", choices=["fixed", "search", "choices"])
    parser.add_argument("--seeds", type=int, default=10)
    given = parser.parse_args()
    tables = given.tables or ["fixed", "search", "choices"]
    for kind in tables:
        if kind != "choices":
            print(f"\n{kind}: {given.seeds} seeds, {cp.get_num_threads()} threads\n\n{HEAD}")
            for name, (_, hidden) in TABLES.items():
                print(run(name, hidden if kind == "fixed" else None, given.seeds), flush=True)
            continue
        print("\nchoices: single attempts that come through (processor time for each that does)\n")
        print("| | " + " | ".join(f"{name}, {TABLES[name][1]} units" for name in CHOSEN) + " |")
        print("|---" * (len(CHOSEN) + 1) + "|")
        for choice, settings in CHOICES.items():
            cells = [single_attempts(name, **settings) for name in CHOSEN]
            print(f"| {choice} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
