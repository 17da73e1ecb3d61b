"""Fast checks for the common case: NumPy arrays and parameters that need no conversion.

scikit-learn's checks of a fit take as long as a thousand training steps of a small network. The
functions here accept what these checks would pass unchanged, and leave everything else to
scikit-learn: other types, and all errors and warnings.
"""

from __future__ import annotations

import functools
import inspect
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.preprocessing import LabelBinarizer

from clearprop._typing import Array
from clearprop.estimators.sklearn_private import make_constraint

if TYPE_CHECKING:
    from clearprop.estimators.base import BaseMLP

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
MAX_SPAN = 2**16  # largest minus smallest integer label


def parameters_are_valid(estimator: BaseMLP) -> bool:
    """Whether every parameter satisfies its constraints."""
    for name, default, constraints in _constraints(type(estimator)):
        value = getattr(estimator, name)
        if value is not default and not any(c.is_satisfied_by(value) for c in constraints):
            return False
    return True


@functools.cache
def _constraints(kind: type[BaseMLP]) -> list[tuple[str, Any, list[Any]]]:
    """For each parameter of the class: its name, a default that needs no check, its constraints."""
    table = []
    for name, parameter in inspect.signature(kind).parameters.items():
        given = kind._parameter_constraints.get(name, "no_validation")
        if not isinstance(given, str):
            constraints = [make_constraint(constraint) for constraint in given]
            valid = any(c.is_satisfied_by(parameter.default) for c in constraints)
            table.append((name, parameter.default if valid else constraints, constraints))
    return table


def is_matrix(estimator: BaseMLP, X: Any, *, reset: bool) -> bool:
    """Whether X is a finite float matrix that fits; with `reset`, it sets n_features_in_."""
    if type(X) is not np.ndarray or X.dtype not in FLOATS or X.ndim != 2 or 0 in X.shape:
        return False
    attributes = estimator.__dict__
    if "feature_names_in_" in attributes or not _is_finite(X):
        return False
    if reset:
        attributes["n_features_in_"] = X.shape[1]
    return bool(X.shape[1] == attributes.get("n_features_in_"))


def is_numeric_target(y: Any, n_rows: int) -> bool:
    """Whether y is a finite vector, or a matrix of several columns, with one entry per row."""
    return (
        type(y) is np.ndarray
        and (y.ndim == 1 or (y.ndim == 2 and y.shape[1] > 1))
        and y.dtype.kind in "biuf"
        and len(y) == n_rows
        and _is_finite(y)
    )


def _is_finite(values: Array) -> bool:
    with np.errstate(all="ignore"):  # if the sum overflows, scikit-learn checks again
        return math.isfinite(np.add.reduce(values, axis=None))


def classes_of(y: Any, n_rows: int) -> Array | None:
    """np.unique(y) for a vector of booleans or of integers that lie close together; otherwise None.

    Also None if there are more classes than half the rows, because scikit-learn warns about it.
    """
    if type(y) is not np.ndarray or y.ndim != 1 or len(y) != n_rows or not n_rows:
        return None
    if y.dtype.kind not in "biu":
        return None
    low, high = int(y.min()), int(y.max())
    if high - low >= MAX_SPAN or high >= 2**63:
        return None
    present = np.zeros(high - low + 1, dtype=bool)
    present[_distance(y, low)] = True
    classes = np.flatnonzero(present)
    if len(classes) > 2 and len(classes) > 0.5 * n_rows:
        return None
    return (classes + low).astype(y.dtype)


def binarizer_of(classes: Array) -> LabelBinarizer:
    """LabelBinarizer().fit(y) for a y with these classes, as :func:`classes_of` returns them."""
    binarizer = LabelBinarizer()
    binarizer.y_type_ = "binary" if len(classes) <= 2 else "multiclass"
    binarizer.sparse_input_ = False
    binarizer.classes_ = classes
    return binarizer


def codes_of(y: Any, classes: Any) -> Array | None:
    """The index (N,) into `classes` of each entry of y; None if :func:`classes_of` returns None."""
    if type(y) is not np.ndarray or y.ndim != 1 or not isinstance(classes, np.ndarray):
        return None
    if y.dtype.kind not in "biu" or classes.dtype.kind not in "biu" or not len(y):
        return None
    low, high = int(classes[0]), int(classes[-1])
    if high - low >= MAX_SPAN or high >= 2**63 or y.min() < low or y.max() > high:
        return None
    index = np.full(high - low + 1, -1)
    index[_distance(classes, low)] = np.arange(len(classes))
    codes: Array = index[_distance(y, low)]
    return codes if codes.min() >= 0 else None


def _distance(labels: Array, low: int) -> Array:
    return labels.astype(np.int64, copy=False) - low
