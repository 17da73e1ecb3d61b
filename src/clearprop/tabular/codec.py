"""Tabular estimators as documents and tensors: one safe file, read strictly."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from clearprop._typing import Array
from clearprop.architecture import Architecture
from clearprop.callers import users_line
from clearprop.documents import (
    Document,
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
from clearprop.estimators.files import (
    decode_parameter,
    encode_parameter,
    labels_from_document,
    labels_to_document,
)
from clearprop.history import STOPPED
from clearprop.layers import Layer
from clearprop.limits import MAX_WEIGHT
from clearprop.network_files import (
    check_bounds,
    layer_from_document,
    layer_to_document,
    monotone_from_document,
    monotone_to_document,
    output_from_document,
    output_to_document,
)
from clearprop.persistence import read_file, write_file
from clearprop.tabular.bag.calibration import LEAST, MOST
from clearprop.tabular.bag.intervals import Residuals
from clearprop.tabular.bag.prediction import BagModel, set_bag
from clearprop.tabular.gain import Gain
from clearprop.tabular.input_codec import inputs_from_document, inputs_to_document
from clearprop.tabular.parameters import check_parameters
from clearprop.tabular.target import (
    CLASS_KINDS,
    LOSSES,
    ClassTarget,
    NumberTarget,
)

if TYPE_CHECKING:
    from clearprop.tabular.base import BaseTabular

    E = TypeVar("E", bound=BaseTabular)

GAIN_NUMBERS = ("value", "error", "constant")
NUMBERS = ("centre", "scale", "low", "high")
KEYS = (
    "parameters",
    "inputs",
    "named",
    "networks",
    "network_of",
    "target",
    "n_iter",
    "stopped",
    "oof_score",
    "oof_curve",
    "engine",
)


def save_tabular(path: str | PathLike[str], estimator: BaseTabular) -> None:
    """Write a fitted estimator to a file."""
    write_file(path, type(estimator).__name__, *tabular_to_document(estimator))


def load_tabular(path: str | PathLike[str], kind: type[E]) -> E:
    """Read a file of :func:`save_tabular`; ModelFileError for anything else."""
    where = fspath(path)
    document, tensors = read_file(path, kind.__name__)
    document.pop("kind")
    return tabular_from_document(document, tensors, where, kind)


def tabular_to_document(estimator: BaseTabular) -> tuple[Document, dict[str, Array]]:
    """A fitted estimator. Parameters that are not plain values are left out, with a warning.

    `n_threads` is a matter of the machine and is not kept.
    """
    from sklearn.utils.validation import check_is_fitted

    check_is_fitted(estimator)
    model, target = estimator.bag_, estimator.target_
    parameters, left_out = {}, []
    for name, value in estimator.get_params(deep=False).items():
        try:
            if name != "n_threads":
                parameters[name] = encode_parameter(value)
        except TypeError:
            left_out.append(name)
    if left_out:
        message = f"not kept in the file: {', '.join(left_out)}"
        warnings.warn(message, UserWarning, stacklevel=users_line())
    # the first layer follows from the inputs
    members = [list(map(layer_to_document, a.layers[1:])) for a in model.architectures]
    networks = [layers for i, layers in enumerate(members) if layers not in members[:i]]
    document: Document = {
        "parameters": parameters,
        "inputs": inputs_to_document(model.inputs),
        "named": model.named,
        "networks": networks,
        "network_of": [networks.index(layers) for layers in members],
        "n_iter": int(estimator.n_iter_),
        "stopped": estimator.stopped_,
        "oof_score": encode_float(estimator.oof_score_),
        "oof_curve": [[epoch, encode_float(score)] for epoch, score in estimator.oof_curve_],
        "engine": model.engine,
        **_gain_to_document(estimator),
        **monotone_to_document(model.architectures[0].monotone),
    }
    tensors: dict[str, Array] = {"theta": model.thetas}
    if isinstance(target, ClassTarget):
        document["target"] = {
            "kind": target.kind,
            "classes": [labels_to_document(labels) for labels in target.classes],
        }
        document["exponents"] = list(estimator.calibration_)
    else:
        document["target"] = {"output": output_to_document(target.output), "flat": target.flat}
        tensors |= {f"target.{name}": getattr(target, name) for name in NUMBERS}
        document["held_out"] = [residuals.n for residuals in estimator.residuals_]
        document["shrinkage"] = [residuals.shrinkage for residuals in estimator.residuals_]
        for m, residuals in enumerate(estimator.residuals_):
            for name in ("knots", "sizes", "ratios"):
                tensors[f"residuals{m}.{name}"] = getattr(residuals, name)
    return document, tensors


def tabular_from_document(
    document: Document, tensors: Mapping[str, Array], where: str, kind: type[E]
) -> E:
    """The inverse of :func:`tabular_to_document`; ModelFileError, naming `where`."""
    classifier = hasattr(kind, "predict_proba")
    own = ("exponents",) if classifier else ("held_out", "shrinkage")
    check_keys(document, (*KEYS, *own), where, optional=("monotone", "oof_gain"))
    estimator = kind()
    with reading(where):
        parameters = take(document, "parameters", dict, where)
        estimator.set_params(**{k: decode_parameter(v, where) for k, v in parameters.items()})
        check_parameters(estimator)
    entry = take(document, "target", dict, where)
    target: ClassTarget | NumberTarget
    if classifier:
        target = _class_target(entry, f"{where}: target")
        check_keys(tensors, ("theta",), where)
        exponents = take_list(
            document,
            "exponents",
            float,
            where,
            length=len(target.classes),
            minimum=LEAST,
            maximum=MOST,
        )
        estimator.calibration_ = tuple(exponents)
    else:
        target = _number_target(entry, tensors, f"{where}: target")
        estimator.residuals_ = _residuals(document, tensors, target, where)
        estimator.n_outputs_ = target.n_outputs
    estimator.target_ = target
    set_bag(estimator, _model(document, tensors, target, estimator, where))
    estimator.n_iter_ = take(document, "n_iter", int, where, minimum=0)
    estimator.stopped_ = take(document, "stopped", str, where, choices=tuple(STOPPED))
    estimator.oof_score_ = decode_float(document["oof_score"], f"{where}: oof_score")
    estimator.oof_curve_ = []
    for pair in take_list(document, "oof_curve", list, where):
        if len(pair) != 2 or type(pair[0]) is not int:
            raise ModelFileError(f"{where}: 'oof_curve' must have pairs of an epoch and a score")
        estimator.oof_curve_.append((pair[0], decode_float(pair[1], f"{where}: oof_curve")))
    if "oof_gain" in document:  # absent in files of earlier versions
        estimator.oof_gain_ = _gain(take(document, "oof_gain", dict, where), f"{where}: oof_gain")
    return estimator


def _gain_to_document(estimator: BaseTabular) -> Document:
    gain: Gain | None = getattr(estimator, "oof_gain_", None)
    if gain is None:  # of a file of an earlier version
        return {}
    numbers = {name: encode_float(getattr(gain, name)) for name in GAIN_NUMBERS}
    return {"oof_gain": {**numbers, "n": gain.n, "reason": gain.reason}}


def _gain(entry: Document, where: str) -> Gain:
    check_keys(entry, (*GAIN_NUMBERS, "n", "reason"), where)
    value, error, constant = (decode_float(entry[name], where) for name in GAIN_NUMBERS)
    n = take(entry, "n", int, where, minimum=0)
    return Gain(value, error, constant, n, take(entry, "reason", str, where))


def _model(
    document: Document,
    tensors: Mapping[str, Array],
    target: ClassTarget | NumberTarget,
    estimator: BaseTabular,
    where: str,
) -> BagModel:
    inputs = inputs_from_document(take(document, "inputs", dict, where), f"{where}: inputs")
    with reading(where):
        monotone = monotone_from_document(document, where)
        networks = [
            Architecture((inputs.layer, *_layers(network, where)), target.output, monotone)
            for network in take_list(document, "networks", list, where)
        ]
        for network in networks:
            target.output.check_outputs(network.n_outputs)
    numbers = take_list(document, "network_of", int, where, minimum=0, maximum=len(networks) - 1)
    if len(numbers) == 0:
        raise ModelFileError(f"{where}: there are no networks")
    if any(network.n_outputs != target.n_outputs for network in networks):
        raise ModelFileError(f"{where}: the networks' outputs do not fit the target")
    n_parameters = networks[0].n_parameters
    if any(network.n_parameters != n_parameters for network in networks):
        raise ModelFileError(f"{where}: the networks differ in their parameters")
    theta = take_tensor(tensors, "theta", "float32", (len(numbers), n_parameters), where)
    for network in networks:
        check_bounds(network, theta, where)
    take(document, "engine", str, where, choices=("native", "reference"))
    named = take(document, "named", bool, where)
    with reading(where):
        engine = get_engine(estimator.engine, networks[0]).name
        architectures = [networks[number] for number in numbers]
        model = BagModel(inputs, named, architectures, theta, engine, estimator.n_threads)
    check_predictions(model.y_hat_of_matrix, theta, sum(inputs.sizes), where)
    return model


def check_predictions(
    predict: Callable[[Array], Array], theta: Array, n_inputs: int, where: str
) -> None:
    """ModelFileError where weights are so large that predictions are not numbers.

    predict: ŷ of a matrix of inputs.
    """
    largest = float(np.abs(theta).max(initial=0.0))
    with np.errstate(all="ignore"):
        finite = np.isfinite(predict(np.array([[0.0], [1.0]], np.float32).repeat(n_inputs, 1)))
    if largest > MAX_WEIGHT or not finite.all():
        raise ModelFileError(
            f"{where}: a weight of {largest:.3g}: the predictions would not be numbers"
        )


def _layers(network: list[Any], where: str) -> list[Layer]:
    if not all(isinstance(layer, dict) for layer in network):
        raise ModelFileError(f"{where}: a layer of 'networks' must be an object")
    return [layer_from_document(layer, f"{where}: networks") for layer in network]


def _class_target(entry: Document, where: str) -> ClassTarget:
    check_keys(entry, ("kind", "classes"), where)
    kind: str = take(entry, "kind", str, where, choices=CLASS_KINDS)
    classes = tuple(
        labels_from_document(labels, where) for labels in take_list(entry, "classes", dict, where)
    )
    if not classes or (kind == "single" and len(classes) > 1):
        raise ModelFileError(f"{where}: {len(classes)} columns of classes")
    if kind == "labels" and any(labels.tolist() != [0, 1] for labels in classes):
        raise ModelFileError(f"{where}: labels are 0 or 1")
    return ClassTarget(kind, classes)


def _number_target(entry: Document, tensors: Mapping[str, Array], where: str) -> NumberTarget:
    check_keys(entry, ("output", "flat"), where)
    output = output_from_document(take(entry, "output", dict, where), where)
    if type(output) not in LOSSES.values():
        raise ModelFileError(f"{where}: {output.name!r} is not for quantities")
    flat = take(entry, "flat", bool, where)
    n = len(take_tensor(tensors, "target.centre", "float64", (None,), where))
    centre, scale, low, high = (
        take_tensor(tensors, f"target.{name}", "float64", (n,), where) for name in NUMBERS
    )
    if n == 0 or (flat and n > 1) or not (scale > 0).all() or not (low <= high).all():
        raise ModelFileError(f"{where}: its numbers do not fit together")
    return NumberTarget(output, centre, scale, low, high, flat)


def _residuals(
    document: Document, tensors: Mapping[str, Array], target: NumberTarget, where: str
) -> tuple[Residuals, ...]:
    counts = take_list(document, "held_out", int, where, minimum=1)
    shrinkages = take_list(
        document, "shrinkage", float, where, length=len(counts), minimum=0, maximum=1
    )
    if len(counts) != (len(target.centre) if target.n_quantiles == 1 else 0):
        raise ModelFileError(f"{where}: 'held_out' does not fit the target")
    result, names = [], []
    for m, (n, shrinkage) in enumerate(zip(counts, shrinkages, strict=True)):
        knots, sizes, ratios = (
            take_tensor(tensors, f"residuals{m}.{name}", "float64", (None,), where)
            for name in ("knots", "sizes", "ratios")
        )
        rising = (np.diff(knots) > 0).all() and (np.diff(ratios) >= 0).all()
        fit = len(knots) == len(sizes) > 0 and 0 < len(ratios) <= n and (sizes > 0).all()
        if not rising or not fit:
            raise ModelFileError(f"{where}: the residuals of output {m} do not fit together")
        result.append(Residuals(n, knots, sizes, ratios, shrinkage))
        names += [f"residuals{m}.{name}" for name in ("knots", "sizes", "ratios")]
    check_keys(tensors, ("theta", *(f"target.{name}" for name in NUMBERS), *names), where)
    return tuple(result)
