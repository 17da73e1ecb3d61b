"""The process in which the fits run: one JSON line in, one JSON line out.

`python -m benchmarks.tabular.worker`; started by `processes.py` with so many threads for every
library, and ended by it when a fit takes too long. What a peer prints goes to the error stream.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from benchmarks.tabular.peers import PEERS
from benchmarks.tabular.scores import (
    classification_scores,
    interval_scores,
    regression_scores,
)
from benchmarks.tabular.sets import CLASSIFICATION, SETS, check

ALPHA = 0.1  # of predict_interval


@lru_cache(maxsize=1)
def _loaded(name: str) -> tuple[Any, Any]:
    return check(SETS[name])


def split(task: str, n: int, y: Any, seed: int) -> tuple[Any, Any]:
    """Rows of training (80 %) and test (20 %), stratified for classes."""
    import numpy as np
    from sklearn.model_selection import train_test_split

    stratify = y if task == CLASSIFICATION else None
    rows = train_test_split(np.arange(n), test_size=0.2, random_state=seed, stratify=stratify)
    return rows[0], rows[1]


def _timed(action: Callable[[], Any], times: dict[str, float], name: str) -> Any:
    wall, cpu = time.perf_counter(), time.process_time()
    result = action()
    times[f"{name}_seconds"] = time.perf_counter() - wall
    times[f"{name}_cpu"] = time.process_time() - cpu
    return result


def measure(name: str, seed: int, peer: str) -> dict[str, Any]:
    """Fit a peer on one split of a set; scores, seconds and the version that gave them."""
    data_set, contestant = SETS[name], PEERS[peer]
    df, y = _loaded(name)
    train, test = split(data_set.task, len(y), y, seed)
    df_train = df.iloc[train].reset_index(drop=True)
    df_test = df.iloc[test].reset_index(drop=True)
    times: dict[str, float] = {}
    model = contestant.make(data_set.task, seed, df_train)
    _timed(lambda: model.fit(df_train, y[train]), times, "fit")
    if data_set.task == CLASSIFICATION:
        p = _timed(lambda: model.predict_proba(df_test), times, "predict")
        scores = classification_scores(y[test], p, model.classes_)
    else:
        y_hat = _timed(lambda: model.predict(df_test), times, "predict")
        scores = regression_scores(y[test], y_hat)
        if hasattr(model, "predict_interval"):
            interval = model.predict_interval(df_test, ALPHA)
            scores |= interval_scores(y[test], interval, float(y.std()))
    return {
        "scores": scores,
        "times": {k: round(v, 4) for k, v in times.items()},
        "version": _version(contestant.package),
    }


def _version(package: str) -> str:
    for distribution in (package, f"{package}-cpu"):
        try:
            return importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            continue
    return "checkout"


def serve() -> None:
    """Answer jobs {"set", "seed", "peer"} from the standard input until it ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        job = json.loads(line)
        try:
            answer = measure(job["set"], job["seed"], job["peer"])
        except Exception as error:  # whatever a peer raises is its result, shown as such
            answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0][:200]}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    serve()
