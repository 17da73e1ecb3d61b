"""Table models as documents and tensors, including files of earlier versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import ClassifierMixin

from clearprop._typing import Array
from clearprop.documents import Document, ModelFileError, check_keys, take, take_list
from clearprop.estimators import MLPClassifier, MLPRegressor
from clearprop.estimators.files import estimator_from_document, estimator_to_document
from clearprop.tables.target_column import LABEL_TYPES, TASKS, TargetColumn
from clearprop.tabular.base import BaseTabular
from clearprop.tabular.classifier import TabularClassifier
from clearprop.tabular.codec import check_predictions, tabular_from_document, tabular_to_document
from clearprop.tabular.plain import TableEncoding
from clearprop.tabular.reading_codec import number_from_entry, number_to_document
from clearprop.tabular.regressor import TabularRegressor
from clearprop.tabular.target import Standardization

if TYPE_CHECKING:
    from clearprop.tabular.model import TableModel

ESTIMATORS = (TabularClassifier, TabularRegressor, MLPClassifier, MLPRegressor)


def model_to_document(model: TableModel) -> tuple[Document, dict[str, Array]]:
    """A table model, with the estimator as the estimator's file has it."""
    estimator = model.estimator
    kind = next(kind for kind in ESTIMATORS if isinstance(estimator, kind))
    write = tabular_to_document if isinstance(estimator, BaseTabular) else estimator_to_document
    document, tensors = write(estimator)
    scale = model.standardization
    return {
        "target": {
            "name": model.target.name,
            "task": model.target.task,
            "labels": list(model.target.labels),
            "type": model.target.type,
            **number_to_document(model.target.number),
        },
        "estimator": {"kind": kind.__name__, **document},
        "encoding": None if model.encoding is None else model.encoding.to_document(),
        "standardization": None if scale is None else [scale.mean, scale.spread],
        "missing": list(model.missing),
        "about": model.about,
    }, tensors


def model_from_document(
    document: Document, tensors: Mapping[str, Array], where: str, kind: type[TableModel]
) -> TableModel:
    """The inverse of :func:`model_to_document`, for files of earlier versions, too.

    kind: the class to be made. Raises ModelFileError, naming `where`.
    """
    upgrade = UPGRADES.get(document.pop("kind"))
    if upgrade is not None:
        document = upgrade(document, where)
    keys = ("target", "estimator", "encoding", "standardization", "missing", "about")
    check_keys(document, keys, where)
    target = _target_column(take(document, "target", dict, where), f"{where}: target")
    estimator = _estimator(take(document, "estimator", dict, where), tensors, f"{where}: estimator")
    encoding = None
    if take(document, "encoding", (dict, type(None)), where) is not None:
        encoding = TableEncoding.from_document(document["encoding"], f"{where}: encoding")
    scale = None
    if take(document, "standardization", (list, type(None)), where) is not None:
        mean, spread = take_list(document, "standardization", float, where, length=2)
        if spread <= 0:
            raise ModelFileError(f"{where}: the spread of a quantity must be positive")
        scale = Standardization(mean, spread)
    missing = tuple(take_list(document, "missing", str, where))
    about = take(document, "about", dict, where)
    model = kind(target, estimator, encoding, scale, missing, about)
    _check_parts(model, where)
    return model


def _estimator(entry: Document, tensors: Mapping[str, Array], where: str) -> Any:
    kinds = {kind.__name__: kind for kind in ESTIMATORS}
    kind: Any = kinds[take(entry, "kind", str, where, choices=tuple(kinds))]
    read: Any = tabular_from_document if issubclass(kind, BaseTabular) else estimator_from_document
    rest = {key: value for key, value in entry.items() if key != "kind"}
    return read(rest, tensors, where, kind)


def _check_parts(model: TableModel, where: str) -> None:
    """ModelFileError where the target, the inputs and the estimator do not fit together."""
    estimator, target, encoding = model.estimator, model.target, model.encoding
    if isinstance(estimator, ClassifierMixin):
        classes: Any = estimator.classes_
        plain = classes.tolist() if isinstance(classes, np.ndarray) else []
        fits = target.has_classes and list(plain) == list(range(len(target.labels)))
    else:
        fits = not target.has_classes and estimator.n_outputs_ == 1
    if not fits:
        raise ModelFileError(f"{where}: the outputs of the estimator do not fit the target")
    is_network = not isinstance(estimator, BaseTabular)
    scaled = model.standardization is not None
    if (encoding is not None) != is_network or scaled != (is_network and not target.has_classes):
        raise ModelFileError(f"{where}: the inputs do not fit the estimator")
    if encoding is not None:
        net = estimator.network_
        check_predictions(
            lambda X: net.forward(X.astype(net.theta.dtype)).y_hat, net.theta, net.sizes[0], where
        )
    if encoding is not None and estimator.n_features_in_ != len(encoding.feature_names):
        raise ModelFileError(
            f"{where}: the network takes {estimator.n_features_in_} features, "
            f"the columns give {len(encoding.feature_names)}"
        )


def _target_column(entry: Document, where: str) -> TargetColumn:
    check_keys(entry, ("name", "task", "labels", "type"), where, optional=("number",))
    name = take(entry, "name", str, where)
    task: str = take(entry, "task", str, where, choices=TASKS)
    labels = take_list(entry, "labels", str, where)
    type_: str = take(entry, "type", str, where, choices=LABEL_TYPES)
    if task == "regression":
        if labels or type_ != "number":
            raise ModelFileError(f"{where}: a quantity has no labels")
        return TargetColumn(name, task, number=number_from_entry(entry, where))
    if len(labels) < 2 or len(set(labels)) < len(labels):
        raise ModelFileError(f"{where}: 'labels' must be two or more different texts")
    target = TargetColumn(name, task, tuple(labels), type_)
    try:
        target.values()
    except ValueError as error:
        raise ModelFileError(f"{where}: 'labels' are not of the type {type_!r}") from error
    return target


# ---- files of earlier versions -------------------------------------------------------------------


def _from_network(document: Document, where: str) -> Document:
    """Of kind "table-model": one network."""
    check_keys(document, ("encoding", "target", "estimator", "about"), where)
    encoding = take(document, "encoding", dict, where)
    missing = take_list(encoding, "missing", str, f"{where}: encoding")
    target, scale = _old_target(document, where)
    return (
        document
        | _old_estimator(document, target, "MLP", where)
        | {
            "target": target,
            "standardization": scale,
            "missing": missing,
        }
    )


def _from_bag(document: Document, where: str) -> Document:
    """Of kind "table-bag": a bag, whose quantity was scaled for the reports alone."""
    check_keys(document, ("target", "estimator", "missing", "about"), where)
    target, _ = _old_target(document, where)
    return (
        document
        | _old_estimator(document, target, "Tabular", where)
        | {
            "target": target,
            "encoding": None,
            "standardization": None,
        }
    )


def _old_target(document: Document, where: str) -> tuple[Document, list[Any] | None]:
    entry, place = take(document, "target", dict, where), f"{where}: target"
    if take(entry, "task", str, place, choices=TASKS) == "classification":
        return entry, None
    check_keys(entry, ("task", "name", "mean", "spread"), place)
    target = {"name": entry["name"], "task": "regression", "labels": [], "type": "number"}
    return target, [entry["mean"], entry["spread"]]


def _old_estimator(document: Document, target: Document, family: str, where: str) -> Document:
    task = "Classifier" if target["task"] == "classification" else "Regressor"
    entry = take(document, "estimator", dict, where)
    return {"estimator": {**entry, "kind": f"{family}{task}"}}


UPGRADES = {"table-model": _from_network, "table-bag": _from_bag}
