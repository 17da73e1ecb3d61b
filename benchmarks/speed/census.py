"""The census table, and models that predict one row of it from its columns as they are."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import clearprop as cp
from benchmarks.speed.settings import CHECKOUT, UnavailableError

TABLE = CHECKOUT / "data" / "adult.csv"
TARGET = "income"
N_ROWS, N_ROWS_QUICK = 10_000, 600

Call: TypeAlias = Callable[[], object]


@dataclass(frozen=True)
class Calls:
    """How a model gives the probabilities of one row.

    frame: from a data frame of pandas with this row. values: from plain Python values, as a dict or
    a list, or None where the model cannot take them.
    """

    frame: Call
    values: Call | None = None


def read(*, quick: bool) -> tuple[Any, Any]:
    """X, a pandas data frame, and y; UnavailableError if the table is missing."""
    import pandas as pd

    if not TABLE.exists():
        raise UnavailableError(f"there is no {TABLE.relative_to(CHECKOUT)}")
    X = pd.read_csv(TABLE, nrows=N_ROWS_QUICK if quick else N_ROWS)
    return X, X.pop(TARGET)


def clearprop(X: Any, y: Any, i: int, *, quick: bool) -> Calls:
    """The bag with its defaults."""
    model = cp.TabularClassifier(2 if quick else 8, random_state=0, n_threads=1).fit(X, y)
    row = X.iloc[i].to_dict()
    return Calls(partial(model.predict_proba, X[i : i + 1]), partial(model.predict_proba_one, row))


def lightgbm(X: Any, y: Any, i: int, *, quick: bool) -> Calls:
    from lightgbm import LGBMClassifier

    X = X.astype(dict.fromkeys(_words(X), "category"))
    model = LGBMClassifier(n_estimators=5 if quick else 100, n_jobs=1, verbose=-1).fit(X, y)
    return Calls(partial(model.predict_proba, X[i : i + 1]))


def catboost(X: Any, y: Any, i: int, *, quick: bool) -> Calls:
    from catboost import CatBoostClassifier

    words = _words(X)
    X = X.fillna(dict.fromkeys(words, ""))
    model = CatBoostClassifier(
        iterations=5 if quick else 1000, thread_count=1, allow_writing_files=False, verbose=False
    ).fit(X, y, cat_features=words)
    call = partial(model.predict_proba, thread_count=1)
    return Calls(partial(call, X[i : i + 1]), partial(call, X.iloc[i].tolist()))


def scikit_learn(X: Any, y: Any, i: int, *, quick: bool) -> Calls:
    """One-hot categories and scaled numbers before an MLP."""
    from sklearn.compose import make_column_transformer
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), _words(X)), remainder=StandardScaler()
    )
    mlp = MLPClassifier(early_stopping=True, max_iter=20 if quick else 200, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a quick fit ends early
        model = make_pipeline(columns, mlp).fit(X, y)
    return Calls(partial(model.predict_proba, X[i : i + 1]))


def _words(X: Any) -> list[str]:
    return list(X.select_dtypes(exclude="number").columns)


MODELS: dict[str, Callable[..., Calls]] = {
    "clearprop": clearprop,
    "lightgbm": lightgbm,
    "catboost": catboost,
    "scikit-learn": scikit_learn,
}
