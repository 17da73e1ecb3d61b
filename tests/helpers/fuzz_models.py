"""Model files of every kind, mutated: each is refused with ModelFileError, or it predicts.

A file that loads must also predict rows with typical, missing and new values, save itself again,
and take no more time and memory than its size allows.

By hand, from the root: `python tests/helpers/fuzz_models.py --cases 50000`. The mutations run in
worker processes with a limit of memory; mutations that break the promise stay in a folder.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import multiprocessing
import os
import random
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from fuzz_files import mutate
from fuzz_memory import limit_memory, memory_watch

import clearprop as cp
from clearprop.embeddings import Embedding, Identity, Parallel, PiecewiseLinear
from clearprop.persistence import ModelFileError
from clearprop.training import NonFiniteError

SPECIMENS = Path(__file__).parents[1] / "specimens"
SECONDS = 10.0  # for one file: far more than any needs, even on a busy machine
MEGABYTES, PER_BYTE = 150, 150  # of memory: for any file, and for each byte of it


# ---- specimens -----------------------------------------------------------------------------------


def table(n: int = 60) -> dict[str, Any]:
    """Columns of every kind, with gaps."""
    rng = np.random.default_rng(0)
    days = [dt.datetime(2024, 1, 1) + dt.timedelta(days=7 * i, hours=i % 24) for i in range(n)]
    return {
        "number": [None if i % 9 == 0 else float(x) for i, x in enumerate(rng.normal(size=n))],
        "count": rng.integers(0, 50, n).tolist(),
        "colour": [None if i % 11 == 0 else ["red", "green", "blue"][i % 3] for i in range(n)],
        "two": ["yes" if i % 2 else "no" for i in range(n)],
        "place": [f"place {i % 27}" for i in range(n)],
        "open": [None if i % 13 == 0 else bool(i % 5 < 2) for i in range(n)],
        "day": [None if i % 17 == 0 else day for i, day in enumerate(days)],
        "price": ["?" if i == 7 else f"{i * 41 % 97},{i % 10}0 €" for i in range(n)],
        "sent": [day.strftime("%d.%m.%Y") for day in days],
    }


def make_models(folder: Path, *, whole: bool = True) -> list[Path]:
    """Small files of every kind, trained for as short as can be.

    whole: also those whose networks have several layers, which take a whole training.
    """
    import pandas as pd
    import pyarrow as pa

    frame = pd.DataFrame(table())
    n = len(frame)
    rng = np.random.default_rng(1)
    quantity = np.exp(frame["number"].fillna(0).to_numpy() + rng.normal(size=n) / 4)
    three = np.array(["low", "mid", "high"])[rng.integers(0, 3, n)]
    models: dict[str, Any] = {}
    quick = {"random_state": 0, "time_limit": 0.1, "n_threads": 1}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        models["classes"] = cp.TabularClassifier(5, **quick).fit(frame, three)
        models |= _whole_models(frame, three, quantity) if whole else {}
        labels = np.stack([frame["count"] > 20, frame["count"] % 2], axis=1).astype(int)
        models["labels"] = cp.TabularClassifier(4, **quick).fit(frame, labels)
        columns = np.stack([three, frame["two"].to_numpy(str)], axis=1)
        models["columns"] = cp.TabularClassifier(4, **quick).fit(frame, columns)
        models["array"] = cp.TabularClassifier(4, **quick).fit(frame[["count"]].to_numpy(), three)
        models["quantity"] = cp.TabularRegressor(5, **quick).fit(frame, quantity)
        two = np.stack([quantity, -quantity], axis=1)
        models["two"] = cp.TabularRegressor(4, **quick).fit(frame, two)
        quantiles = cp.outputs.Quantile((0.1, 0.5, 0.9))
        models["quantiles"] = cp.TabularRegressor(4, loss=quantiles, **quick).fit(frame, quantity)
        models["poisson"] = cp.TabularRegressor(4, loss="poisson", **quick).fit(frame, quantity)
        limit = {} if whole else {"time_limit": 0.1}
        arrow = pa.table(table() | {"answer": three, "paid": quantity})
        for target in ("answer", "paid"):
            task: dict[str, Any] = {"random_state": 0, "missing": ("?",)}
            bag = cp.TableModel.fit(arrow, target, n_members=4, **task, **limit)
            models[f"bag_{target}"] = bag
            options = cp.tabular.NetworkOptions(epochs=2, hidden_sizes=(4,))
            network = cp.TableModel.fit(arrow, target, network=options, missing=("?",))
            models[f"network_{target}"] = network
        models |= _plain_models(frame, three, labels, quantity, two)
    paths = []
    for name, model in models.items():
        paths.append(folder / f"{name}.safetensors")
        model.save(paths[-1])
    return paths


def _whole_models(frame: Any, three: Any, quantity: Any) -> dict[str, Any]:
    """With texts, with signs, and with calibration."""
    words = ["river", "house", "tree", "stone", "night", "green"]
    rng = np.random.default_rng(2)
    titles = [" ".join(rng.choice(words, 5)) for _ in three]
    same: dict[str, Any] = {"random_state": 0, "n_threads": 1}
    signs: dict[str, Any] = {**same, "monotone": {"count": 1}}
    texts = cp.TabularClassifier(4, kinds={"title": "text"}, **same)
    return {
        "text": texts.fit(
            frame[["two"]].assign(title=titles), ["river" in title for title in titles]
        ),
        "rising": cp.TabularRegressor(4, **signs).fit(frame, quantity),
        "falling": cp.TabularClassifier(4, **signs).fit(frame, frame["two"]),
        "calibrated": cp.TabularClassifier(5, **same).fit(frame[["two", "open"]], three),
    }


def _plain_models(frame: Any, three: Any, labels: Any, quantity: Any, two: Any) -> dict[str, Any]:
    """Estimators and networks that take a matrix."""
    import pandas as pd

    models: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        X = frame[["count"]].astype(float).to_numpy() / 50
        mlp: dict[str, Any] = {"hidden_layer_sizes": (3,), "max_iter": 2, "random_state": 0}
        models["mlp_classes"] = cp.MLPClassifier(**mlp, early_stopping=True).fit(X, three)
        models["mlp_labels"] = cp.MLPClassifier(**mlp).fit(X, labels)
        models["mlp_quantity"] = cp.MLPRegressor(**mlp, activation="tanh").fit(
            pd.DataFrame(X, columns=["x"]), quantity
        )
        models["mlp_two"] = cp.MLPRegressor(**mlp, solver="lbfgs").fit(X, two)
    first = Parallel((PiecewiseLinear(((0.0, 1.0, 2.0),), 2, 3.0), Identity(1), Embedding((4,), 2)))
    parts = (first, cp.layers.Dense(first.n_out, 3, cp.ACTIVATIONS["relu"], slope=True))
    last = cp.layers.Dense(3, 2, None)
    layered = cp.architecture.Architecture((*parts, last), cp.outputs.Softmax())
    theta = np.random.default_rng(0).normal(size=layered.n_parameters).astype(np.float32)
    models["parallel"] = cp.Network.from_theta(layered, theta)
    for output in ("gaussian", "ordinal", "tweedie", "negative_binomial", "gamma", "huber"):
        models[output] = cp.Network([2, 3, 2], output=output, seed=0, dtype="float64")
    return models


# ---- what is done with a file --------------------------------------------------------------------


def exercise(path: Path) -> str:
    """Load a file and predict with it: "refused", "loaded", or "odd" for a NaN.

    Raises AssertionError for a message that is not fit to be shown, and whatever went wrong.
    """
    try:
        model = cp.load(path)
        if isinstance(model, cp.Checkpoint):
            return _checkpoint(path)
    except ModelFileError as error:
        _check_message(str(error))
        return "refused"
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values = _predictions(model)
    model.save(path.with_suffix(".again"))
    cp.load(path.with_suffix(".again"))
    return "loaded" if all(np.isfinite(v).all() for v in values if v.dtype.kind == "f") else "odd"


def _check_message(message: str) -> None:
    assert len(message) < 1500, f"a message of {len(message)} characters"
    assert message.isprintable(), message


def _checkpoint(path: Path) -> str:
    """Resume the run of the specimen."""
    net = cp.Network([3, 4, 1], hidden="tanh", output="logistic", seed=0)
    X = np.loadtxt(SPECIMENS / "matrix.csv", delimiter=",")
    t = (X[:, 0] > 0).astype(int)
    try:
        checkpoint = cp.Checkpoint(path)
        net.train(X, t, cp.Adam(0.05), epochs=5, batch_size=8, checkpoint=checkpoint)
    except ModelFileError as error:
        _check_message(str(error))
        return "refused"
    except NonFiniteError as error:  # from weights of 1e38
        _check_message(str(error))
        return "odd"
    except ValueError as error:
        if "the checkpoint is from a different run" not in str(error):
            raise
        _check_message(str(error))
        return "other run"
    return "loaded"


def _predictions(model: Any) -> list[np.ndarray]:
    if isinstance(model, cp.Network):
        X = np.zeros((2, model.architecture.n_inputs), model.theta.dtype)
        X[1] = 1
        found = [np.asarray(model.predict(X), float)]
        with contextlib.suppress(TypeError):  # outputs that are not probabilities
            found.append(np.asarray(model.predict_proba(X)))
        return found
    if isinstance(model, cp.MLPClassifier | cp.MLPRegressor):
        X = np.ones((2, model.n_features_in_))
        X[1] = 0
        return _of_estimator(model, X)
    estimator = getattr(model, "estimator", model)
    columns = _columns(model)
    found = _of_estimator(model, _frame(columns))
    if getattr(estimator, "bag_", None) is None or estimator.bag_.named:
        for i in range(3):
            model.predict_one({name: values[i] for name, values in columns.items()})
    if hasattr(estimator, "predict_interval") and getattr(estimator, "residuals_", ()):
        found += _interval(model, columns)
    return found


def _interval(model: Any, columns: dict[str, list[Any]]) -> list[np.ndarray]:
    try:
        return [np.asarray(model.predict_interval(_frame(columns), 0.5))]
    except ValueError as error:
        if "held-out" not in str(error) and "alpha" not in str(error):
            raise
        return []


def _of_estimator(model: Any, X: Any) -> list[np.ndarray]:
    found = [model.predict(X)]
    if hasattr(model, "predict_proba"):
        with contextlib.suppress(TypeError):  # a TableModel for a quantity
            p = model.predict_proba(X)
            found += p if isinstance(p, list) else [p]
    return found


VALUES: dict[str, list[Any]] = {
    "numeric": [1.5, None, -1e300],
    "boolean": [True, None, False],
    "text": ["green house", None, "\u202e unknown " * 50],
    "date": [dt.datetime(2024, 5, 17, 3), None, dt.datetime(1890, 1, 1)],
}


def _columns(model: Any) -> dict[str, list[Any]]:
    """Three rows that the model must predict."""
    columns: dict[str, list[Any]] = {}
    encoding = getattr(model, "encoding", None)
    if encoding is not None:
        for column in encoding.columns:
            columns[column.name] = VALUES.get(column.kind, ["red", None, "new"])
        return columns
    inputs = getattr(model, "estimator", model).inputs_
    known = {column.name: column for column in inputs.columns}
    for name in inputs.names:
        column = known.get(name)
        if column is None:
            columns[name] = [None, None, None]
        elif column.categories is not None:
            columns[name] = [column.categories.names[0], None, "new"]
        else:
            columns[name] = VALUES.get(column.kind, ["some words", None, "new words"])
    return columns


def _frame(columns: dict[str, list[Any]]) -> Any:
    import pyarrow as pa

    return pa.table(columns)


# ---- campaigns -----------------------------------------------------------------------------------


def check_case(original: bytes, case: int, seed: int, path: Path) -> str:
    """One mutation of a file: what happened; any broken promise is raised."""
    rng = random.Random(f"{seed} {case}")
    data = original
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        data = mutate(data, rng)
    path.write_bytes(data)
    start = time.perf_counter()
    with memory_watch((MEGABYTES << 20) + PER_BYTE * len(data)):
        outcome = exercise(path)
    taken = time.perf_counter() - start
    assert taken < SECONDS, f"took {taken:.1f} s"
    return outcome


def campaign(
    files: Sequence[Path], cases: range, seed: int, folder: Path
) -> tuple[Counter[str], list[str]]:
    """Outcomes of these cases by kind of file, and the findings, each in a few lines."""
    originals = [(file.stem, file.read_bytes()) for file in files]
    outcomes: Counter[str] = Counter()
    findings = []
    path = folder / f"mutation-{os.getpid()}"
    for case in cases:
        name, data = originals[case % len(originals)]
        try:
            outcomes[check_case(data, case, seed, path)] += 1
        except Exception as error:
            outcomes["broken"] += 1
            kept = folder / f"{name}-{seed}-{case}.safetensors"
            path.replace(kept)
            frames = traceback.extract_tb(error.__traceback__)
            own = [f for f in frames if "clearprop" in f.filename]
            at = f"{Path(own[-1].filename).name}:{own[-1].lineno}" if own else "?"
            findings.append(f"{type(error).__name__} at {at}: {str(error)[:200]}  [{kept.name}]")
    return outcomes, findings


def _worker(task: tuple[list[Path], range, int, Path]) -> tuple[Counter[str], list[str]]:
    return campaign(*task)


def _prepare(files: Sequence[Path], folder: Path) -> None:
    """Import everything, then bound the memory of the worker."""
    warnings.simplefilter("ignore")
    for file in files:
        path = folder / f"warm-{os.getpid()}"
        path.write_bytes(file.read_bytes())
        exercise(path)
    limit_memory()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "fuzz")
    parser.add_argument("--short", action="store_true", help="only short trainings, small files")
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / "models"
    fresh.mkdir(exist_ok=True)
    files = sorted(SPECIMENS.glob("*.safetensors")) + make_models(fresh, whole=not arguments.short)
    starts = range(0, arguments.cases, 500)
    tasks = [
        (files, range(start, min(start + 500, arguments.cases)), arguments.seed, folder)
        for start in starts
    ]
    outcomes: Counter[str] = Counter()
    findings: Counter[str] = Counter()
    begun = time.perf_counter()
    context = multiprocessing.get_context("spawn")
    prepare: Callable[..., None] = _prepare
    with context.Pool(arguments.processes, prepare, (files, folder)) as pool:
        for some, found in pool.imap_unordered(_worker, tasks):
            outcomes += some
            for line in found:
                key = line.partition("  [")[0]
                if key not in findings:
                    print(line, flush=True)
                findings[key] += 1
    print(f"{len(files)} files, {time.perf_counter() - begun:.0f} s: {dict(outcomes)}")
    for line, count in findings.most_common():
        print(count, line)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
