"""Many networks at once
=====================

Train many networks at once: a grid search over two settings with five-fold cross-validation.

Every fold of every setting is one job over one copy of the data, so all of them train side by side.
"""

from __future__ import annotations

import time

import numpy as np

import clearprop as cp

WIDTHS = (4, 32)
LEARNING_RATES = (0.001, 0.01, 0.1)


def spirals(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Three arms of a spiral: the points X (n, 2), and the arm t (n,) of each point."""
    t = rng.integers(3, size=n)
    radius = np.sqrt(rng.uniform(0.02, 1, size=n))
    angle = 2 * np.pi * t / 3 + 5 * radius + rng.normal(scale=0.1, size=n)
    return radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)]), t


def accuracy(evaluation: cp.Evaluation) -> float:
    """The fraction of the validation rows for which the most likely class is correct."""
    right = evaluation.y_hat.argmax(axis=1) == evaluation.t.argmax(axis=1)
    return float(right.mean())


def main() -> None:
    rng = np.random.default_rng(0)
    X, t = spirals(300, rng)
    data = cp.Data(X, cp.outputs.Softmax().targets(t, n_outputs=3, dtype=X.dtype))
    folds = np.array_split(rng.permutation(len(t)), 5)
    settings = [(width, rate) for width in WIDTHS for rate in LEARNING_RATES]

    jobs = []
    for width, rate in settings:
        net = cp.Network([2, width, 3], hidden="tanh", output="softmax", seed=0)
        jobs += [
            cp.Job(
                net.architecture,
                net.theta,
                cp.Adam(rate),
                epochs=30,
                batch_size=32,
                rows=np.setdiff1d(np.arange(len(t)), fold),
                validation=fold,
                metrics={"accuracy": accuracy},
            )
            for fold in folds
        ]
    start = time.perf_counter()
    states = cp.train(jobs, data)
    print(f"{len(jobs)} networks in {time.perf_counter() - start:.1f} s\n")

    scores = np.array([state.history.metrics["accuracy"][-1] for state in states])
    scores = scores.reshape(len(settings), len(folds))
    print("hidden units  learning rate  accuracy (mean and range over the folds)")
    for (width, rate), score in zip(settings, scores, strict=True):
        row = f"{score.mean():8.3f}   {score.min():.3f} to {score.max():.3f}"
        print(f"{width:12}  {rate:13g}  {row}")
    width, rate = settings[int(scores.mean(axis=1).argmax())]
    print(f"\nbest: {width} hidden units, learning rate {rate:g}")


if __name__ == "__main__":
    main()
