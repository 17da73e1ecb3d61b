"""Files of estimators: parameters, weights and classes as one document with tensors."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.validation import check_is_fitted

from clearprop._typing import Array
from clearprop.activations import ACTIVATIONS, Activation
from clearprop.documents import (
    ModelFileError,
    check_keys,
    decode_float,
    encode_float,
    reading,
    take,
    take_list,
    take_tensor,
)
from clearprop.engines.select import get_engine
from clearprop.estimators.settings import monitored
from clearprop.history import STOPPED, History, TrainingState
from clearprop.layers import Dense, Dropout, Layer
from clearprop.limits import MAX_LABEL_BYTES, shown_value
from clearprop.network import Network
from clearprop.network_files import network_from_document, network_to_document
from clearprop.optimizers import LBFGS, OPTIMIZERS
from clearprop.outputs import OUTPUTS
from clearprop.persistence import read_file, write_file
from clearprop.schedules import SCHEDULES, StepDecay

if TYPE_CHECKING:
    from clearprop.estimators.base import BaseMLP

    E = TypeVar("E", bound=BaseMLP)

# a parameter may be a record of these classes; other objects are not written
RECORDS: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (*OPTIMIZERS.values(), LBFGS, *SCHEDULES.values(), *OUTPUTS.values())
}
OLD_RECORDS = {"Step": StepDecay}  # the names of records in files of older versions
LABEL_KINDS = {"b": "bool", "i": "int64", "u": "int64", "f": "float64", "U": "str", "O": "str"}


def save_estimator(path: str | PathLike[str], estimator: BaseMLP) -> None:
    document, tensors = estimator_to_document(estimator)
    write_file(path, type(estimator).__name__, document, tensors)


def load_estimator(path: str | PathLike[str], kind: type[E]) -> E:
    document, tensors = read_file(path, kind.__name__)
    document.pop("kind")
    return estimator_from_document(document, tensors, str(path), kind)


def estimator_to_document(estimator: BaseMLP) -> tuple[dict[str, Any], dict[str, Array]]:
    """Parameters, network, classes and curves of a fitted estimator.

    Parameters that are plain values or clearprop's own records are kept. Functions, generators, the
    state of the optimiser and paths are not kept (a file must not decide where a later fit writes).
    A warning names the parameters that return to their defaults. `n_threads` depends on the
    machine and returns to None.
    """
    check_is_fitted(estimator)
    net = estimator._network()
    document, tensors = network_to_document(net.architecture, net.theta)
    parameters, left_out = {}, []
    for name, value in estimator.get_params(deep=False).items():
        if name == "n_threads":
            continue
        try:
            if name == "checkpoint" and value is not None:
                raise TypeError("a path")
            parameters[name] = encode_parameter(value)
        except TypeError:
            left_out.append(name)
    if left_out:
        warnings.warn(f"not kept in the file: {', '.join(left_out)}", UserWarning, stacklevel=4)
    history = estimator.history_
    document |= {
        "parameters": parameters,
        "n_iter": int(estimator.n_iter_),
        "loss": encode_float(estimator.loss_),
        **{name: int(getattr(estimator._state, name)) for name in COUNTS},
        "best": encode_float(estimator._state.best),
        "stopped": history.stopped,
        "engine": estimator.engine_,
        "metrics": list(history.metrics),
        "feature_names": getattr(estimator, "feature_names_in_", np.empty(0, object)).tolist(),
    }
    for name in CURVES:
        tensors[f"history.{name}"] = np.asarray(getattr(history, name), dtype=float)
    for number, values in enumerate(history.metrics.values()):
        tensors[f"metric{number}"] = np.asarray(values, dtype=float)
    if hasattr(estimator, "classes_"):
        several = isinstance(estimator.classes_, list)
        columns = estimator.classes_ if several else [estimator.classes_]
        document["classes"] = [labels_to_document(column) for column in columns]
        binarizer = None if several else estimator._label_binarizer
        document["target"] = "columns" if binarizer is None else binarizer.y_type_
        document["sparse_target"] = bool(getattr(binarizer, "sparse_input_", False))
    return document, tensors


COUNTS = ("epoch", "n_steps", "n_samples", "reductions", "n_no_improvement")
CURVES = ("loss", "validation_loss", "learning_rate", "seconds")


def estimator_from_document(
    document: Mapping[str, Any], tensors: Mapping[str, Array], where: str, kind: type[E]
) -> E:
    """The inverse of :func:`estimator_to_document`; ModelFileError for invalid contents."""
    required = [
        "architecture", "parameters", "n_iter", "loss", *COUNTS, "best", "stopped", "engine",
        "metrics", "feature_names",
    ]  # fmt: skip
    classifier = hasattr(kind, "predict_proba")
    if classifier:
        required += ["classes", "target", "sparse_target"]
    check_keys(document, required, where)
    metrics = take_list(document, "metrics", str, where)
    curves = [f"history.{name}" for name in CURVES] + [f"metric{n}" for n in range(len(metrics))]
    net = Network.from_theta(
        *network_from_document(
            {"architecture": document["architecture"]},
            {name: value for name, value in tensors.items() if name not in curves},
            where,
        )
    )
    if not all(_is_of_an_mlp(layer) for layer in net.architecture.layers):
        raise ModelFileError(
            f"{where}: the network has layers that {kind.__name__} does not support"
        )
    history = History(stopped=take(document, "stopped", str, where, choices=("", *STOPPED)))
    for name in CURVES:
        setattr(history, name, _curve(tensors, f"history.{name}", where))
    for number, name in enumerate(metrics):
        history.metrics[name] = _curve(tensors, f"metric{number}", where)

    estimator = kind()
    with reading(where):
        parameters = take(document, "parameters", dict, where)
        if parameters.get("checkpoint") is not None:
            raise ModelFileError(f"{where}: a file must not name a checkpoint")
        estimator.set_params(
            **{name: decode_parameter(value, where) for name, value in parameters.items()}
        )
        estimator._validate_params()
        estimator.engine_ = get_engine(estimator.engine, net.architecture).name
    estimator._describe(net.architecture)
    estimator._set_network(net)
    history.engine = take(document, "engine", str, where, choices=("native", "reference"))
    estimator.n_features_in_ = net.architecture.n_inputs
    names = take_list(document, "feature_names", str, where)
    if names:
        if len(names) != estimator.n_features_in_:
            raise ModelFileError(
                f"{where}: {len(names)} feature names do not match the network's inputs"
            )
        estimator.feature_names_in_ = np.asarray(names, dtype=object)
    if classifier:
        _restore_classes(estimator, document, where)
    state = TrainingState(
        best=decode_float(document["best"], f"{where}: best"),
        history=history,
    )
    for name in COUNTS:
        setattr(state, name, take(document, name, int, where, minimum=0))
    loss = decode_float(document["loss"], f"{where}: loss")
    with reading(where):
        if monitored(estimator) != "loss":
            state.best_theta = net.theta.copy()
        estimator._set_results(state, take(document, "n_iter", int, where, minimum=0), loss)
    return estimator


def _curve(tensors: Mapping[str, Array], name: str, where: str) -> list[float]:
    curve: list[float] = take_tensor(
        tensors, name, "float64", (None,), where, finite=False
    ).tolist()
    return curve


def _restore_classes(estimator: Any, document: Mapping[str, Any], where: str) -> None:
    entries = take_list(document, "classes", dict, where)
    columns = [labels_from_document(entry, where) for entry in entries]
    kinds = ("binary", "multiclass", "multilabel-indicator", "columns")
    target: str = take(document, "target", str, where, choices=kinds)
    sparse = take(document, "sparse_target", bool, where)
    if sparse and target != "multilabel-indicator":
        raise ModelFileError(f"{where}: only a multi-label target can be sparse")
    sizes = [len(column) for column in columns]
    n_outputs, output = estimator.n_outputs_, estimator._architecture.output
    if target == "columns":
        estimator.classes_ = columns
        fits = getattr(output, "sizes", None) == tuple(sizes)
    else:
        binarizer = LabelBinarizer()
        binarizer.y_type_, binarizer.sparse_input_ = target, sparse
        estimator._label_binarizer = binarizer
        if len(columns) != 1:
            raise ModelFileError(f"{where}: the classes do not match the network")
        estimator.classes_ = binarizer.classes_ = columns[0]
        if output.unit == "softmax":
            wanted = max(sizes[0], 2) if target == "binary" else sizes[0]
        elif output.unit == "ordinal":
            wanted = max(sizes[0] - 1, 1)
        else:
            wanted = 1 if target == "binary" else sizes[0]
        fits = n_outputs == wanted and (target != "binary" or sizes[0] <= 2)
        fits = fits and output.unit in ("softmax", "logistic", "ordinal")
    if not fits:
        raise ModelFileError(f"{where}: the classes do not match the network")


def labels_to_document(labels: Array) -> dict[str, Any]:
    kind = LABEL_KINDS.get(labels.dtype.kind)
    values = labels.tolist()
    if kind is None or (kind == "str" and not all(isinstance(v, str) for v in values)):
        raise ValueError(
            "a file can only hold classes that are numbers, booleans or strings; "
            f"got dtype {labels.dtype}"
        )
    if kind == "float64":
        values = [encode_float(value) for value in values]
    # Very long texts go into an array of objects, as a reader allocates no more for the classes.
    wide = kind == "str" and labels.nbytes > MAX_LABEL_BYTES
    dtype = "object" if labels.dtype == object or wide else labels.dtype.str
    return {"dtype": dtype, "values": values}


def labels_from_document(document: Mapping[str, Any], where: str) -> Array:
    check_keys(document, ["dtype", "values"], where)
    with reading(where):
        name: str = take(document, "dtype", str, where)
        if len(name) > 20:
            raise ModelFileError(f"{where}: {shown_value(name)} is not the dtype of classes")
        dtype = np.dtype(name)
        values = take(document, "values", list, where)
        kind = LABEL_KINDS.get(dtype.kind)
        if kind is None or dtype.itemsize * max(len(values), 1) > MAX_LABEL_BYTES:
            raise ModelFileError(f"{where}: classes of dtype {dtype.str} are not supported")
        types: Any = {"bool": bool, "int64": int, "float64": (float, int, str), "str": str}[kind]
        if not all(isinstance(value, types) for value in values):
            raise ModelFileError(f"{where}: classes that are not of dtype {dtype}")
        if kind == "float64":
            values = [decode_float(value, f"{where}: classes") for value in values]
        labels = np.array(values, dtype=dtype)
        if labels.ndim != 1 or not len(labels) or len(np.unique(labels)) != len(labels):
            raise ModelFileError(f"{where}: the classes are not distinct")
    return labels


def _is_of_an_mlp(layer: Layer) -> bool:
    """Whether the estimators can build this layer: dropout, or a plain dense layer."""
    return isinstance(layer, Dropout) or (
        isinstance(layer, Dense) and layer.gain == 1 and not layer.slope
    )


def encode_parameter(value: Any) -> Any:
    """A parameter as JSON values; TypeError for a value that a file cannot hold."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else {"float": encode_float(float(value))}
    if isinstance(value, list | np.ndarray):
        return [encode_parameter(entry) for entry in value]
    if isinstance(value, tuple):
        return {"tuple": [encode_parameter(entry) for entry in value]}
    if isinstance(value, dict):
        return {"pairs": [[encode_parameter(k), encode_parameter(v)] for k, v in value.items()]}
    if isinstance(value, Activation) and ACTIVATIONS.get(value.name) is value:
        return value.name
    if RECORDS.get(type(value).__name__) is type(value):
        fields = {
            f.name: encode_parameter(getattr(value, f.name)) for f in dataclasses.fields(value)
        }
        return {"record": type(value).__name__, "fields": fields}
    raise TypeError(f"{value!r} cannot be stored in a file")


def decode_parameter(value: Any, where: str) -> Any:
    """The inverse of :func:`encode_parameter`; ValueError or TypeError for anything else."""
    if isinstance(value, list):
        return [decode_parameter(entry, where) for entry in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"float"}:
        return decode_float(value["float"], f"{where}: parameters")
    if value.keys() == {"tuple"} and isinstance(value["tuple"], list):
        return tuple(decode_parameter(entry, where) for entry in value["tuple"])
    if value.keys() == {"pairs"} and isinstance(value["pairs"], list):
        pairs = value["pairs"]
        if all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
            return {
                decode_parameter(key, where): decode_parameter(entry, where) for key, entry in pairs
            }
    if value.keys() == {"record", "fields"} and isinstance(value["fields"], dict):
        name = str(value["record"])
        kind = OLD_RECORDS.get(name) or RECORDS.get(name)
        if kind is not None:
            return kind(
                **{name: decode_parameter(entry, where) for name, entry in value["fields"].items()}
            )
    raise ValueError(f"parameter {str(value)[:80]} is not one that clearprop writes")
