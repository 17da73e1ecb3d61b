"""What the tests of the tabular estimators share: quick recipes, and tables of all types."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

import clearprop as cp
from clearprop.tabular.bag.recipe import CLASSIFICATION, REGRESSION


class Classifier(cp.TabularClassifier):
    """With few epochs and small layers."""

    _recipe = replace(CLASSIFICATION, epochs=12, hidden_sizes=(16, 16), few_rows_hidden_sizes=None)


class Regressor(cp.TabularRegressor):
    """With few epochs and small layers."""

    _recipe = replace(REGRESSION, epochs=12, hidden_sizes=(16, 16))


def classifier(n_members: int = 4, **parameters: Any) -> Classifier:
    return Classifier(n_members, **{"random_state": 0} | parameters)


def regressor(n_members: int = 4, **parameters: Any) -> Regressor:
    return Regressor(n_members, **{"random_state": 0} | parameters)


def with_epochs(estimator: Any, epochs: int) -> Any:
    """The estimator, of a class of its own with so many epochs."""
    kind = type(estimator)
    recipe = replace(kind._recipe, epochs=epochs)
    return type(kind.__name__, (kind,), {"_recipe": recipe})(**estimator.get_params())


def columns(n: int = 200, seed: int = 0) -> dict[str, list[Any]]:
    """A table with every kind of column, with missing values, by name."""
    import datetime

    rng = np.random.default_rng(seed)
    day = datetime.datetime(2026, 1, 1)
    table: dict[str, list[Any]] = {
        "size": rng.normal(size=n).tolist(),
        "count": rng.integers(0, 5, n).tolist(),
        "colour": rng.choice(["red", "green", "blue"], n).tolist(),
        "place": [f"place {i}" for i in rng.integers(0, 40, n)],
        "open": (rng.random(n) < 0.4).tolist(),
        "day": [day + datetime.timedelta(days=int(i)) for i in rng.integers(0, 700, n)],
        "zeros": np.where(rng.random(n) < 0.8, 0, rng.exponential(size=n)).tolist(),
        "heavy": (rng.standard_cauchy(n) ** 3).tolist(),
        "constant": [1.0] * n,
    }
    table["size"][3], table["colour"][4], table["heavy"][5] = None, None, None
    table["heavy"][6] = float("inf")
    return table


def target(table: dict[str, list[Any]], seed: int = 1) -> np.ndarray:
    """A quantity that follows from size, colour and open, with a little noise."""
    size = np.array([0.0 if v is None else v for v in table["size"]])
    red = np.array([v == "red" for v in table["colour"]])
    noise = np.random.default_rng(seed).normal(size=len(size))
    return 3 * size + 4 * red - 2 * np.array(table["open"]) + 0.3 * noise
