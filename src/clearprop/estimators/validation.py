"""The data of a fit, checked as scikit-learn does it, and what early stopping watches of them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import check_scoring
from sklearn.model_selection import train_test_split
from sklearn.utils import column_or_1d
from sklearn.utils.validation import validate_data

from clearprop._typing import Array
from clearprop.architecture import Architecture
from clearprop.estimators import settings
from clearprop.estimators.sklearn_private import check_sample_weight
from clearprop.jobs import Data, Evaluation
from clearprop.network import Network

if TYPE_CHECKING:
    from clearprop.estimators.base import BaseMLP, Targets


def checked_data(
    estimator: BaseMLP, X: Any, y: Any, *, reset: bool, y_numeric: bool = False
) -> tuple[Array, Any]:
    """X as a matrix of floats, dense or CSR, and y with one entry or row for each row of X."""
    X, y = validate_data(
        estimator,
        X,
        y,
        accept_sparse=["csr", "csc"],
        multi_output=True,
        y_numeric=y_numeric,
        dtype=(np.float64, np.float32),
        reset=reset,
    )
    X = X.tocsr() if hasattr(X, "tocsr") else X
    if y.ndim == 2 and y.shape[1] == 1:
        y = column_or_1d(y, warn=True)
    return X, y


def checked_weight(sample_weight: Any, X: Array, argument: str = "sample_weight") -> Array:
    """The weights (N,) float64 of the rows of X."""
    checked: Array = check_sample_weight(
        sample_weight, X, dtype=np.float64, allow_all_zero_weights=True
    )
    if not checked.any():
        raise ValueError(f"{argument} must have at least one entry > 0; all are zero")
    return checked


def held_out(
    estimator: BaseMLP,
    data: Data,
    y: Any,
    targets: Targets,
    given: tuple[Any, Any, Any],
    rng: np.random.RandomState,
) -> tuple[Array | None, Data | Array | None, Any]:
    """The training rows, the validation data or rows, and the validation targets as given.

    given: X_val, y_val and sample_weight_val of `fit`; otherwise early stopping holds rows out.
    """
    X_val, y_val, weight_val = given
    if (X_val is None) != (y_val is None):
        raise ValueError("X_val and y_val must be given together")
    if X_val is not None:
        X_val, y_val = estimator._validate_input(X_val, y_val, incremental=True, reset=False)
        if weight_val is not None:
            weight_val = checked_weight(weight_val, X_val, "sample_weight_val")
            weight_val = settings.bounded_weights(weight_val).astype(data.t.dtype)
        t = estimator._targets(y_val, data.t.dtype).t
        return None, Data(X_val.astype(data.X.dtype, copy=False), t, weight_val), y_val
    if weight_val is not None:
        raise ValueError("sample_weight_val needs X_val and y_val")
    if not estimator.early_stopping or settings.uses_lbfgs(estimator):
        return None, None, None
    rows, val_rows = train_test_split(
        np.arange(len(data)),
        random_state=rng,
        test_size=estimator.validation_fraction,
        stratify=targets.stratify,
    )
    if len(val_rows) < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' "
            "or the size of your dataset."
        )
    return rows, val_rows, y[val_rows]


def stopping_score(
    estimator: BaseMLP, architecture: Architecture, validation: Any, data: Data, y_val: Any
) -> Callable[[Evaluation], float] | None:
    """The early-stopping score; NaN for predictions that are not finite.

    None if early stopping watches the validation loss instead.
    """
    if estimator.scoring == "loss" or not estimator._scores_predictions():
        return None
    if estimator.scoring is not None:
        scorer = check_scoring(estimator, estimator.scoring)
        X_val = validation.X if isinstance(validation, Data) else data.X[validation]

    def score(e: Evaluation) -> float:
        if not np.isfinite(e.y_hat).all():
            return float("nan")
        if estimator.scoring is None:
            prediction = estimator._decode(e.y_hat)
            return estimator._default_score(y_val, prediction, e.sample_weight)
        fitted = copy.copy(estimator)
        fitted.__dict__.pop("feature_names_in_", None)  # X_val is a plain matrix by now
        fitted._set_network(Network.from_theta(architecture, e.theta))
        weights = {} if e.sample_weight is None else {"sample_weight": e.sample_weight}
        return float(scorer(fitted, X_val, y_val, **weights))

    return score
