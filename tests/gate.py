"""Do the numbers stay the same, to the bit? A fixed list of fits, against hashes kept in gate.json.

    python tests/gate.py                  compare every entry (exit code 1 where one differs)
    python tests/gate.py NAME …           only these entries
    python tests/gate.py --record [NAME …]  keep the hashes of today

Hashes hold for one instruction set (`engine` in the file names it) and the libraries of the day. On
another machine, record them from the commit before a change and compare after it.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import clearprop as cp

FILE = Path(__file__).with_name("gate.json")
ADULT = Path(__file__).parents[1] / "data" / "adult.csv"

Values = dict[str, Any]


def digest(value: Any) -> str:
    """A short hash of arrays (shape, dtype and bytes), lists of numbers and JSON values."""
    if isinstance(value, np.ndarray):
        content = f"{value.shape} {value.dtype}".encode() + np.ascontiguousarray(value).tobytes()
    elif isinstance(value, bytes):
        content = value
    else:
        content = json.dumps(value, sort_keys=True).encode()
    return hashlib.sha256(content).hexdigest()[:16]


# ---- tables --------------------------------------------------------------------------------------


def adult(n: int) -> tuple[Any, Any]:
    """The first n rows of the table: columns, and income as text."""
    import pandas as pd

    frame = pd.read_csv(ADULT, nrows=n)
    return frame.drop(columns="income"), frame["income"].to_numpy(dtype=object)


def mixed(n: int = 400, *, dates: bool = False) -> tuple[Any, Any]:
    """Numbers with gaps, few and many categories, truth values; a quantity that follows."""
    import pandas as pd

    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "size": rng.normal(size=n),
            "count": rng.integers(0, 5, n),
            "colour": rng.choice(["red", "green", "blue"], n),
            "place": [f"place {i}" for i in rng.integers(0, 40, n)],
            "open": rng.random(n) < 0.4,
            "zeros": np.where(rng.random(n) < 0.8, 0, rng.exponential(size=n)),
            "constant": 1.0,
        }
    )
    frame.loc[3, "size"], frame.loc[4, "colour"] = None, None
    if dates:
        hours = rng.integers(0, 24 * 500, n)
        frame["day"] = pd.Timestamp("2026-01-01") + pd.to_timedelta(hours, unit="h")
    y = 3 * frame["size"].fillna(0) + 4 * (frame["colour"] == "red") - 2 * frame["open"]
    return frame, (y + 0.3 * rng.normal(size=n)).to_numpy()


# ---- entries -------------------------------------------------------------------------------------


def tabular(estimator: Any, X: Any, y: Any, **fit: Any) -> Values:
    """Predictions, out-of-fold predictions, history, and predictions of the file read back."""
    estimator.fit(X, y, **fit)
    method = "predict_proba" if hasattr(estimator, "predict_proba") else "predict"
    prediction = getattr(estimator, method)(X)
    values: Values = {
        "prediction": np.asarray(prediction, dtype=np.float64)
        if not isinstance(prediction, list)
        else np.concatenate(prediction, axis=1),
        "oof": np.asarray(estimator.oof_prediction_)
        if not isinstance(estimator.oof_prediction_, list)
        else np.concatenate(estimator.oof_prediction_, axis=1),
        "history": [estimator.n_iter_, estimator.stopped_, estimator.oof_curve_],
    }
    if hasattr(estimator, "predict_interval") and values["prediction"].ndim == 1:
        with contextlib.suppress(ValueError):
            values["interval"] = estimator.predict_interval(X, alpha=0.2)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        estimator.save(path)
        again = getattr(type(estimator).load(path), method)(X)
    again = np.concatenate(again, axis=1) if isinstance(again, list) else np.asarray(again)
    assert np.array_equal(again, values["prediction"]), "a file read back predicts otherwise"
    return values


def classes(y: Any, k: int) -> Any:
    """y cut into k classes of equal size."""
    return np.searchsorted(np.quantile(y, np.linspace(0, 1, k + 1)[1:-1]), y)


def bag_adult() -> Values:
    return tabular(cp.TabularClassifier(4, random_state=0), *adult(2000))


def bag_classes() -> Values:
    X, y = mixed()
    w = np.linspace(0.5, 2, len(y))
    return tabular(cp.TabularClassifier(2, random_state=1), X, classes(y, 4), sample_weight=w)


def bag_labels() -> Values:
    X, y = mixed()
    labels = np.stack([y > 0, X["count"] > 2], axis=1).astype(int)
    return tabular(cp.TabularClassifier(2, random_state=2), X, labels)


def bag_quantity() -> Values:
    return tabular(cp.TabularRegressor(4, random_state=0), *mixed())


def bag_dates() -> Values:
    return tabular(cp.TabularRegressor(2, random_state=0), *mixed(dates=True))


def bag_columns() -> Values:
    X, y = mixed()
    return tabular(cp.TabularRegressor(2, random_state=3), X, np.stack([y, -y * y], axis=1))


def bag_quantiles() -> Values:
    X, y = mixed()
    loss = cp.outputs.Quantile((0.1, 0.5, 0.9))
    return tabular(cp.TabularRegressor(2, loss=loss, random_state=4), X, y)


def bag_poisson() -> Values:
    X, y = mixed()
    return tabular(cp.TabularRegressor(2, loss="poisson", random_state=5), X, np.exp(y / 4))


def bag_array() -> Values:
    X = np.random.default_rng(0).normal(size=(300, 5))
    return tabular(cp.TabularRegressor(2, random_state=0), X, X[:, 0] * X[:, 1])


def mlp() -> Values:
    """The drop-ins with their solvers."""
    X = np.random.default_rng(0).normal(size=(200, 6)).astype(np.float32)
    y = (X[:, 0] * X[:, 1] > 0).astype(int)
    values: Values = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for solver in ("adam", "sgd", "lbfgs", "adamw", "rmsprop", "nadam"):
            options = {"solver": solver, "max_iter": 15, "random_state": 0}
            classifier = cp.MLPClassifier(
                hidden_layer_sizes=(16, 8), early_stopping=solver != "lbfgs", **options
            )
            classifier.fit(X.astype(np.float64), y)
            values[f"{solver} p"] = classifier.predict_proba(X.astype(np.float64))
            values[f"{solver} curve"] = [float(v) for v in classifier.loss_curve_]
            regressor = cp.MLPRegressor(hidden_layer_sizes=(16,), activation="tanh", **options).fit(
                X, X[:, 0]
            )
            values[f"{solver} y"] = regressor.predict(X)
    return values


def network() -> Values:
    """Networks with several activations and output units, on both engines."""
    rng = np.random.default_rng(0)
    X, values = rng.normal(size=(120, 5)), {}
    targets = {
        "softmax": rng.integers(0, 3, 120),
        "logistic": rng.integers(0, 2, (120, 3)),
        "linear": rng.normal(size=(120, 3)),
    }
    for output, t in targets.items():
        for hidden in (["relu", "tanh"], ["selu", "mish"], ["gelu", "elu"]):
            for engine in ("native", "reference"):
                net = cp.Network([5, 9, 7, 3], hidden=hidden, output=output, seed=0)
                history = net.train(X, t, cp.Adam(0.01), epochs=4, batch_size=16, engine=engine)
                name = f"{output} {hidden[0]} {engine}"
                values[name] = np.concatenate([net.theta, np.array(history.loss)])
    return values


def command(*words: str) -> bytes:
    """What `clearprop` prints, whose exit code must be 0."""
    from clearprop.cli import main

    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        code = main([*words])
    assert code == 0, (words, code)
    return out.getvalue().encode()


def _command_line(target: str, *options: str) -> Values:
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "table.csv"
        lines = ADULT.read_text().splitlines(keepends=True)
        table.write_text("".join(lines[:1501]))
        model = str(Path(folder) / "model.safetensors")
        words = ("fit", str(table), "--target", target, "-m", model, "--json", "-q", *options)
        fitted = json.loads(command(*words))
        out = Path(folder) / "predictions.csv"
        command("predict", model, str(table), "-o", str(out))
        return {
            "scores": fitted["scores"],
            "evaluated": json.loads(command("evaluate", model, str(table), "--json"))["scores"],
            "predicted": out.read_bytes(),
        }


def cli_bag() -> Values:
    return _command_line("income", "--members", "2")


def cli_bag_quantity() -> Values:
    return _command_line("age", "--members", "2", "--task", "regression")


def cli_network() -> Values:
    return _command_line("income", "--network", "--epochs", "8")


def cli_network_quantity() -> Values:
    options = ("--task", "regression", "--hidden-sizes", "32,16", "--epochs", "8")
    return _command_line("age", *options)


ENTRIES: dict[str, Callable[[], Values]] = {
    entry.__name__: entry
    for entry in (
        network,
        mlp,
        bag_adult,
        bag_classes,
        bag_labels,
        bag_quantity,
        bag_dates,
        bag_columns,
        bag_quantiles,
        bag_poisson,
        bag_array,
        cli_bag,
        cli_bag_quantity,
        cli_network,
        cli_network_quantity,
    )
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(ENTRIES)}")
    parser.add_argument("--record", action="store_true", help="keep the hashes of today")
    arguments = parser.parse_args()
    kept = json.loads(FILE.read_text()) if FILE.exists() else {}
    status = 0
    for name in arguments.names or ENTRIES:
        found = {key: digest(value) for key, value in ENTRIES[name]().items()}
        if arguments.record:
            kept[name] = found
        else:
            old = kept.get(name, {})
            keys = {**old, **found}
            differing = [key for key in keys if found.get(key) != old.get(key)]
            print(f"{name}: {'differs in ' + ', '.join(differing) if differing else 'the same'}")
            status |= bool(differing)
        sys.stdout.flush()
    if arguments.record:
        FILE.write_text(json.dumps(kept, indent=1) + "\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
