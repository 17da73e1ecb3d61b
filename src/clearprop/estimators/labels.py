"""Class labels as targets: what `fit` learns of them, and the ways from y to t and from ŷ to y.

`classes` is an array of labels, or a list with one array for each column of class labels. The
`binarizer` has seen y; several columns of class labels need none.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.multiclass import unique_labels

from clearprop._typing import Array
from clearprop.estimators import plain
from clearprop.estimators.base import Targets
from clearprop.estimators.settings import class_weights
from clearprop.outputs import Logistic, Ordinal, Output, Softmax

UNITS = ("auto", "logistic", "softmax", "ordinal")


# ---- what fit learns -----------------------------------------------------------------------------


def agreed_columns(given: Any, known: Any) -> Any:
    """The classes of several columns in partial_fit: the same in all calls, given in the first."""
    given = None if given is None else [np.unique(column) for column in given]
    if known is None and given is None:
        raise ValueError("classes must be passed on the first call to partial_fit.")
    if known is None:
        return given
    if given is not None and list(map(list, given)) != list(map(list, known)):
        raise ValueError(f"`classes` must be the same as in the first call, {known}; got {given}")
    return known


def check_known(y: Any, present: Any, known: Any, *, all_of_them: bool) -> None:
    """Raise ValueError if y has a class that is not known, or lacks one that it must have.

    present: the classes of y, or None if nobody has looked yet.
    """
    present = unique_labels(y) if present is None else present
    if all_of_them:
        if set(present) != set(known):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {known}, `y` has {present}"
            )
    elif len(np.setdiff1d(present, known, assume_unique=True)):
        raise ValueError(
            f"`y` has classes not in `self.classes_`. `self.classes_` has {known}. "
            f"'y' has {present}."
        )


def check_columns(y: Array, known: Any) -> None:
    """Raise ValueError if a column of y has a class that is not known for it."""
    if not isinstance(known, list) or y.shape[1:] != (len(known),):
        raise ValueError(f"y of shape {y.shape} does not match the classes of the previous fit")
    for number, (column, classes) in enumerate(zip(y.T, known, strict=True)):
        unknown = np.setdiff1d(column, classes)
        if len(unknown):
            raise ValueError(
                f"column {number} of `y` has classes not in `self.classes_`: {unknown}"
            )


def weights(class_weight: Any, y: Any, classes: Any, sample_weight: Array | None) -> Array | None:
    """The sample weights (N,) of training, multiplied with the class weights."""
    if class_weight is None:
        return sample_weight
    y = y.toarray() if hasattr(y, "toarray") else y
    if isinstance(classes, list):
        return class_weights(class_weight, list(y.T), list(classes), sample_weight)
    if y.ndim == 2:  # 0 or 1 for each label
        labels = [np.array([0, 1])] * y.shape[1]
        return class_weights(class_weight, list(y.T), labels, sample_weight)
    return class_weights(class_weight, [y], [classes], sample_weight)


# ---- from y to t ---------------------------------------------------------------------------------


def encode(
    y: Any,
    classes: Any,
    binarizer: LabelBinarizer | None,
    unit: str,
    label_smoothing: float,
    dtype: np.dtype[Any],
) -> Targets:
    """The targets of y for one of UNITS; ValueError for a y that this unit is not for."""
    if binarizer is None:
        return _encode_columns(y, classes, unit, label_smoothing, dtype)
    kind = binarizer.y_type_
    if unit == "ordinal":
        return _encode_ordered(y, classes, kind, label_smoothing, dtype)
    if unit == "auto":
        unit = "softmax" if kind == "multiclass" else "logistic"
    output: Output
    codes = None if kind.startswith("multilabel") else plain.codes_of(y, classes)
    if codes is not None and kind == "multiclass" and unit == "softmax":
        n_outputs, output = len(classes), Softmax(label_smoothing)
        return Targets(output.targets(codes, n_outputs, dtype), n_outputs, output)
    if codes is None:
        t = np.asarray(binarizer.transform(y)).astype(bool)
    else:
        t = codes[:, None] == (1 if kind == "binary" else np.arange(len(classes)))
    # like scikit-learn: the split is stratified only for two classes
    stratify = t if t.shape[1] == 1 else None
    if unit == "softmax":
        if kind.startswith("multilabel"):
            raise ValueError("output='softmax' picks one class; y is a multi-label indicator")
        if t.shape[1] == 1:
            t = np.hstack([~t, t])
        output = Softmax(label_smoothing)
    else:
        output = Logistic(label_smoothing)
    n_outputs = t.shape[1]
    return Targets(output.targets(t, n_outputs, dtype), n_outputs, output, stratify)


def _encode_columns(
    y: Any, classes: list[Array], unit: str, label_smoothing: float, dtype: np.dtype[Any]
) -> Targets:
    """One softmax for each column of class labels."""
    if unit in ("logistic", "ordinal"):
        raise ValueError(f"output={unit!r} is not possible for several class columns")
    columns = zip(np.asarray(y).T, classes, strict=True)
    t = np.stack([np.searchsorted(names, column) for column, names in columns], axis=1)
    sizes = tuple(len(names) for names in classes)
    output = Softmax(label_smoothing, sizes)
    return Targets(output.targets(t, sum(sizes), dtype), sum(sizes), output)


def _encode_ordered(
    y: Any, classes: Array, kind: str, label_smoothing: float, dtype: np.dtype[Any]
) -> Targets:
    """One output for each step from class to class, in the order of `classes`."""
    if kind.startswith("multilabel"):
        raise ValueError("output='ordinal' is for one class per row; y is a multi-label indicator")
    if label_smoothing:
        raise ValueError("label_smoothing must be 0 for output='ordinal'")
    output, n_outputs = Ordinal(), max(len(classes) - 1, 1)
    t = output.targets(np.searchsorted(classes, np.asarray(y)), n_outputs, dtype)
    return Targets(t, n_outputs, output, t if n_outputs == 1 else None)


# ---- from ŷ to y ---------------------------------------------------------------------------------


def decode(y_hat: Array, classes: Any, binarizer: LabelBinarizer | None, output: Output) -> Any:
    """The most probable labels for ŷ (N, K): (N,), or a matrix for several labels or columns."""
    if binarizer is None:
        assert isinstance(output, Softmax)
        columns = [
            names[y_hat[:, group].argmax(axis=1)]
            for group, names in zip(output.groups(y_hat.shape[1]), classes, strict=True)
        ]
        return np.stack(columns, axis=1)
    if binarizer.y_type_ == "multiclass":
        p = output.probabilities(y_hat) if isinstance(output, Ordinal) else y_hat
        return classes[p.argmax(axis=1)]
    if binarizer.y_type_ == "binary":
        if len(classes) == 1:
            return np.repeat(classes, len(y_hat))
        return classes[(y_hat[:, -1] > 0.5).astype(np.intp)]
    return binarizer.inverse_transform(y_hat)


def probabilities(y_hat: Array, binarizer: LabelBinarizer | None, output: Output) -> Any:
    """The probability of each class for ŷ (N, K); for several columns, a list of arrays."""
    if binarizer is None:
        assert isinstance(output, Softmax)
        return [y_hat[:, group] for group in output.groups(y_hat.shape[1])]
    if isinstance(output, Ordinal):
        return output.probabilities(y_hat)
    if y_hat.shape[1] == 1:
        both = np.empty((len(y_hat), 2), y_hat.dtype)
        np.subtract(1, y_hat[:, 0], out=both[:, 0])
        both[:, 1] = y_hat[:, 0]
        return both
    if isinstance(output, Logistic) and binarizer.y_type_ == "multiclass":
        total = y_hat.sum(axis=1, keepdims=True)
        return np.where(total > 0, y_hat / np.where(total > 0, total, 1), 1 / y_hat.shape[1])
    return y_hat
