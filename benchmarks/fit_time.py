"""Time of `fit` against scikit-learn's MLP on five sizes of network, in alternation, one process.

Run: python benchmarks/fit_time.py [--runs 5] [--threads 1] [--cases tiny small]. Prints, per case,
the median time of a training step of each, the whole of `fit` included, and the ratio
scikit-learn / clearprop of the pairs (median, min, max). float32, Adam, relu, softmax, shuffling
included; early stopping off.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
import warnings
from typing import NamedTuple

import numpy as np
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier as PeerClassifier
from threadpoolctl import threadpool_limits

import clearprop as cp
from clearprop import _native


class Case(NamedTuple):
    """A network size with its batch size and number of rows."""

    name: str
    sizes: tuple[int, ...]
    batch_size: int
    n_rows: int
    epochs: int


CASES = [
    Case("tiny", (2, 8, 8, 2), 32, 2_000, 50),
    Case("small", (20, 100, 3), 200, 8_000, 20),
    Case("tab", (50, 256, 256, 10), 256, 20_000, 3),
    Case("mnist", (784, 512, 512, 10), 128, 10_000, 2),
    Case("wide", (784, 1024, 1024, 1024, 10), 512, 8_192, 2),
]


def seconds_of_a_step(estimator_class: type, case: Case) -> float:
    """One fit, divided by its steps."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((case.n_rows, case.sizes[0]), dtype=np.float32)
    y = rng.integers(0, case.sizes[-1], case.n_rows)
    if case.sizes[-1] == 2:  # a softmax over two classes has no peer: scikit-learn's is logistic
        y = y.astype(bool)
    estimator = estimator_class(
        hidden_layer_sizes=case.sizes[1:-1],
        batch_size=case.batch_size,
        max_iter=case.epochs,
        n_iter_no_change=np.inf,
        random_state=0,
    )
    start = time.perf_counter()
    estimator.fit(X, y)
    return (time.perf_counter() - start) / (case.epochs * -(-case.n_rows // case.batch_size))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cases", nargs="*", default=[case.name for case in CASES])
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    threadpool_limits(arguments.threads)
    cp.set_num_threads(arguments.threads)
    print(
        f"{platform.machine()}, Python {platform.python_version()}, NumPy {np.__version__}, "
        f"scikit-learn {sklearn.__version__}, clearprop {cp.__version__} ({_native.isa()}), "
        f"{arguments.threads} thread(s)"
    )
    print(f"{'case':8}{'scikit-learn µs/step':>22}{'clearprop µs/step':>20}   ratio (min … max)")
    for case in (case for case in CASES if case.name in arguments.cases):
        pairs = [
            (
                seconds_of_a_step(PeerClassifier, case),
                seconds_of_a_step(cp.MLPClassifier, case),
            )
            for _ in range(arguments.runs)
        ]
        ratios = [peer / ours for peer, ours in pairs]
        peer, ours = (statistics.median(times) * 1e6 for times in zip(*pairs, strict=True))
        print(
            f"{case.name:8}{peer:22.0f}{ours:20.0f}   "
            f"{statistics.median(ratios):.2f} ({min(ratios):.2f} … {max(ratios):.2f})"
        )


if __name__ == "__main__":
    main()
