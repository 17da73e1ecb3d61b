"""What a monotone constraint costs or gains: clearprop and peers, each with and without it.

    python -m benchmarks.tabular.monotone [--sets NAME …] [--seeds N] [--rows N]

RMSE or log-loss on test rows (less is better), means over the splits, and how often predictions for
grids of a constrained column move the wrong way. All methods run at their defaults, on one thread.
"""

from __future__ import annotations

import argparse
import warnings
from typing import Any

import numpy as np

from benchmarks.tabular.sets import CLASSIFICATION, SETS

# The direction of each column; of two classes, the probability of the second is meant.
CONSTRAINTS: dict[str, dict[str, int]] = {
    # looked at while the constraint was developed
    "concrete": {"cement": 1, "age": 1, "water": -1},
    "diabetes": {"bmi": 1, "bp": 1, "s5": 1},
    "credit": {"Seniority": 1, "Income": 1, "Amount": -1},
    "churn": {"number_customer_service_calls": 1, "total_day_minutes": 1},
    "ames": {"Gr_Liv_Area": 1, "Lot_Area": 1, "Year_Built": 1},
    # not looked at
    "california": {"MedInc": 1},
    "saratoga": {"livingArea": 1, "landValue": 1},
    "computers": {"speed": 1, "ram": 1, "hd": 1, "trend": -1},
    "telco": {"tenure": -1},
    "hmda": {"pirat": 1, "lvrat": 1, "chist": 1},
    "cps1988": {"education": 1},
    "diamonds": {"carat": 1},
}
PEERS = ("clearprop", "lightgbm", "hist_gb", "catboost")


def fit(peer: str, is_class: bool, X: Any, y: Any, monotone: dict[str, int], seed: int) -> Any:
    """A function from a data frame to predictions, of the second class the probabilities."""
    signs = [monotone.get(column, 0) for column in X]
    if peer == "clearprop":
        import clearprop as cp

        bag = cp.TabularClassifier if is_class else cp.TabularRegressor
        model: Any = bag(monotone=monotone, random_state=seed, n_threads=1)
    elif peer == "lightgbm":
        import lightgbm as lgb

        learner = lgb.LGBMClassifier if is_class else lgb.LGBMRegressor
        model = learner(monotone_constraints=signs, random_state=seed, n_jobs=1, verbose=-1)
    elif peer == "hist_gb":
        from sklearn import ensemble

        name = "HistGradientBoosting" + ("Classifier" if is_class else "Regressor")
        model = getattr(ensemble, name)(
            monotonic_cst=signs, categorical_features="from_dtype", random_state=seed
        )
    else:
        import catboost

        learner = catboost.CatBoostClassifier if is_class else catboost.CatBoostRegressor
        texts = [c for c in X if X[c].dtype == "category"]
        model = learner(
            monotone_constraints=monotone, cat_features=texts, random_seed=seed, thread_count=1,
            verbose=False, allow_writing_files=False,
        )  # fmt: skip
    model.fit(_prepared(peer, X), y)

    def predict(rows: Any) -> Any:
        rows = _prepared(peer, rows)
        return model.predict_proba(rows)[:, 1] if is_class else model.predict(rows)

    return predict


def _prepared(peer: str, X: Any) -> Any:
    """CatBoost wants text for categories, without gaps."""
    if peer != "catboost":
        return X
    texts = [c for c in X if X[c].dtype == "category"]
    return X.assign(**{c: X[c].astype(object).fillna("(missing)").astype(str) for c in texts})


def wrong_share(predict: Any, X: Any, column: str, direction: int) -> float:
    """Of the steps between neighbours of a grid, for 20 rows, the share in the wrong direction."""
    low, high = X[column].min(), X[column].max()
    grid = np.linspace(low - 0.2 * (high - low), high + 0.2 * (high - low), 500)
    rows = X.iloc[np.repeat(np.arange(min(20, len(X))), len(grid))].reset_index(drop=True)
    rows[column] = np.tile(grid, len(rows) // len(grid))
    steps = np.diff(predict(rows).reshape(-1, len(grid)), axis=1)
    return float((steps * direction < 0).mean())


def main() -> None:
    from sklearn.metrics import log_loss
    from sklearn.model_selection import train_test_split

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", choices=CONSTRAINTS, default=list(CONSTRAINTS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=4000, help="rows of a set at most")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    print("| set |", *(f"{peer} | constrained | wrong steps |" for peer in PEERS))
    print("|---|", *["---:|---:|---:|"] * len(PEERS))
    for name in arguments.sets:
        data, monotone = SETS[name], CONSTRAINTS[name]
        is_class = data.task == CLASSIFICATION
        X, y = data.load()
        if is_class:
            y = (y == np.unique(y)[1]).astype(int)
        some = np.random.default_rng(0).permutation(len(X))[: arguments.rows]
        X, y = X.iloc[some].reset_index(drop=True), y[some]
        cells = [name]
        for peer in PEERS:
            scores: dict[bool, list[float]] = {False: [], True: []}
            wrong = []
            for seed in range(arguments.seeds):
                train, test = train_test_split(
                    np.arange(len(X)),
                    test_size=0.2,
                    random_state=seed,
                    stratify=y if is_class else None,
                )
                for constrained, found in scores.items():
                    own = monotone if constrained else {}
                    predict = fit(peer, is_class, X.iloc[train], y[train], own, seed)
                    p = predict(X.iloc[test])
                    error = (
                        log_loss(y[test], p) if is_class else np.sqrt(np.mean((p - y[test]) ** 2))
                    )
                    found.append(float(error))
                    if constrained:
                        wrong += [wrong_share(predict, X.iloc[test], *one) for one in own.items()]
            free, bound = (float(np.mean(scores[constrained])) for constrained in (False, True))
            cells.append(
                f"{free:.4g} | {bound:.4g} ({100 * (bound / free - 1):+.1f} %) | {max(wrong):.2%}"
            )
        print("|", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()
