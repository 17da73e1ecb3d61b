"""The contestants: each a record with an adapter, all with their defaults.

    pip install lightgbm xgboost-cpu catboost pytabkit

An adapter makes an estimator for (task, seed, data frame) that takes data frames whose text columns
have the dtype category. Categories are handed over natively where the peer takes them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from benchmarks.tabular.sets import CLASSIFICATION


@dataclass(frozen=True)
class Peer:
    """A contestant: `make(task, seed, df)`; `package` is what to install; `slow`: minutes."""

    name: str
    label: str
    package: str
    make: Callable[[str, int, Any], Any]
    slow: bool = False
    note: str = ""


@dataclass
class Adapted:
    """An estimator behind a change of the data frame, and further arguments of `fit`."""

    estimator: Any
    change: Callable[[Any], Any]
    fit_arguments: dict[str, Any]

    def fit(self, df: Any, y: Any) -> Adapted:
        self.estimator.fit(self.change(df), y, **self.fit_arguments)
        return self

    def predict(self, df: Any) -> Any:
        return self.estimator.predict(self.change(df))

    def predict_proba(self, df: Any) -> Any:
        return self.estimator.predict_proba(self.change(df))

    @property
    def classes_(self) -> Any:
        return self.estimator.classes_


@dataclass
class Coded:
    """A classifier that wants the labels as numbers 0 … K−1."""

    estimator: Any

    def fit(self, df: Any, y: Any) -> Coded:
        self.classes_, codes = np.unique(y, return_inverse=True)
        self.estimator.fit(df, codes)
        return self

    def predict_proba(self, df: Any) -> Any:
        return self.estimator.predict_proba(df)


def columns_of(df: Any, kind: str) -> list[str]:
    """The names of the columns of numbers ("float64") or of categories ("category")."""
    return [c for c in df.columns if str(df[c].dtype) == kind]


def _pick(task: str, classifier: Any, regressor: Any) -> Any:
    return classifier if task == CLASSIFICATION else regressor


def threads() -> int:
    """That this process was given, see `processes.py`; one if it was not started there."""
    return int(os.environ.get("OMP_NUM_THREADS", "1"))


def _lightgbm(task: str, seed: int, df: Any) -> Any:
    import lightgbm as lgb

    return _pick(task, lgb.LGBMClassifier, lgb.LGBMRegressor)(
        random_state=seed, n_jobs=threads(), verbose=-1
    )


def _xgboost(task: str, seed: int, df: Any) -> Any:
    import xgboost as xgb

    arguments = {"random_state": seed, "n_jobs": threads(), "enable_categorical": True}
    if task == CLASSIFICATION:
        return Coded(xgb.XGBClassifier(**arguments))
    return xgb.XGBRegressor(**arguments)


def _catboost(task: str, seed: int, df: Any) -> Any:
    import catboost as cb

    categories = columns_of(df, "category")

    def change(df: Any) -> Any:  # it takes no missing values in categories
        return df.assign(**{c: df[c].astype(object).fillna("missing") for c in categories})

    estimator = _pick(task, cb.CatBoostClassifier, cb.CatBoostRegressor)(
        random_seed=seed, thread_count=threads(), verbose=False, allow_writing_files=False
    )
    return Adapted(estimator, change, {"cat_features": categories})


def _histgb(task: str, seed: int, df: Any) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    # it takes at most 255 categories in a column: columns with more are handed over as numbers
    many = [c for c in columns_of(df, "category") if df[c].cat.categories.size > 255]

    def change(df: Any) -> Any:
        codes = {c: df[c].cat.codes.astype(float).replace(-1.0, np.nan) for c in many}
        return df.assign(**codes)

    estimator = _pick(task, HistGradientBoostingClassifier, HistGradientBoostingRegressor)(
        random_state=seed, categorical_features="from_dtype"
    )
    return Adapted(estimator, change, {})


def _forest(task: str, seed: int, df: Any) -> Any:
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    forest = _pick(task, RandomForestClassifier, RandomForestRegressor)
    return make_pipeline(
        make_column_transformer((encoder, columns_of(df, "category")), remainder="passthrough"),
        forest(random_state=seed, n_jobs=threads()),
    )


def _mlp(task: str, seed: int, df: Any) -> Any:
    from sklearn.compose import TransformedTargetRegressor, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    columns = make_column_transformer(
        (numbers, columns_of(df, "float64")),
        (OneHotEncoder(handle_unknown="ignore"), columns_of(df, "category")),
    )
    if task == CLASSIFICATION:
        return make_pipeline(columns, MLPClassifier(random_state=seed))
    return TransformedTargetRegressor(
        make_pipeline(columns, MLPRegressor(random_state=seed)), transformer=StandardScaler()
    )


def _pytabkit(kind: str, task: str, seed: int, df: Any, **arguments: Any) -> Any:
    import pytabkit

    numbers, categories = columns_of(df, "float64"), columns_of(df, "category")
    # it does not take missing numbers: fill in the median, and add a column of flags
    median = df[numbers].median()
    gaps = [c for c in numbers if df[c].isna().any()]

    def change(df: Any) -> Any:
        flags = {f"{c} missing": df[c].isna().astype(float) for c in gaps}
        filled = {c: df[c].fillna(median[c]) for c in numbers if df[c].isna().any()}
        # a plain column of text, as its documentation shows; it handles levels unseen in training
        text = {c: df[c].astype(object).fillna("missing") for c in categories}
        return df.assign(**filled, **flags, **text)

    name = f"{kind}_{_pick(task, 'Classifier', 'Regressor')}"
    estimator = getattr(pytabkit, name)(
        device="cpu", random_state=seed, n_threads=threads(), verbosity=0, **arguments
    )
    return Adapted(estimator, change, {"cat_col_names": categories})


def _realmlp_loss(task: str, seed: int, df: Any) -> Any:
    arguments: dict[str, Any] = {}
    if task == CLASSIFICATION:
        arguments = {"use_ls": False, "val_metric_name": "cross_entropy"}
    return _pytabkit("RealMLP_TD", task, seed, df, **arguments)


def _clearprop(task: str, seed: int, df: Any) -> Any:
    import clearprop as cp

    return _pick(task, cp.TabularClassifier, cp.TabularRegressor)(
        random_state=seed, n_threads=threads()
    )


PEERS: dict[str, Peer] = {
    p.name: p
    for p in (
        Peer("clearprop", "clearprop", "clearprop", _clearprop),
        Peer("lightgbm", "LightGBM", "lightgbm", _lightgbm),
        Peer("histgb", "HistGradientBoosting", "scikit-learn", _histgb,
             note="columns with more than 255 categories as numbers"),
        Peer("xgboost", "XGBoost", "xgboost", _xgboost),
        Peer("forest", "random forest", "scikit-learn", _forest, note="categories as numbers"),
        Peer("catboost", "CatBoost", "catboost", _catboost),
        Peer("mlp", "scikit-learn MLP", "scikit-learn", _mlp,
             note="medians for missing values, one-hot, standardised columns and y"),
        Peer("realmlp", "RealMLP-TD", "pytabkit", partial(_pytabkit, "RealMLP_TD"), slow=True,
             note="medians for missing values"),
        Peer("realmlp_loss", "RealMLP-TD, for log-loss", "pytabkit", _realmlp_loss, slow=True,
             note="as its authors advise for log-loss: no smoothing, selection by cross-entropy"),
        Peer("tabm", "TabM", "pytabkit", partial(_pytabkit, "TabM_D"), slow=True,
             note="medians for missing values"),
    )
}  # fmt: skip
