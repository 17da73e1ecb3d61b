"""Networks as documents and tensors: writing them to files, and reading them back strictly."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.activations import ACTIVATIONS, Activation
from clearprop.architecture import Architecture
from clearprop.documents import ModelFileError, check_keys, reading, take, take_list, take_tensor
from clearprop.embeddings import LAYER_KINDS
from clearprop.layers import Dense, Layer
from clearprop.monotone import Monotone
from clearprop.outputs import OUTPUTS, Output
from clearprop.persistence import read_file, write_file

KIND = "network"
FILE_NAMES = {"slope": "alpha"}  # what a dense layer's parameter is called in files, if otherwise
MAX_WIDTH = 2**31  # wider layers fit no file; keeps products of sizes far from overflow


def save_network(path: str | PathLike[str], architecture: Architecture, theta: Array) -> None:
    """Write θ to `path` as a safetensors file with the architecture as JSON."""
    document, tensors = network_to_document(architecture, theta)
    write_file(path, KIND, document, tensors)


def load_network(path: str | PathLike[str]) -> tuple[Architecture, Array]:
    """Architecture and θ from a file of :func:`save_network`; ModelFileError for any other file."""
    document, tensors = read_file(path, KIND)
    document.pop("kind")
    return network_from_document(document, tensors, str(path))


def network_to_document(
    architecture: Architecture, theta: Array
) -> tuple[dict[str, Any], dict[str, Array]]:
    """The architecture as JSON values, and W1, b1, W2, b2, … as arrays.

    Raises ValueError for a θ that is not finite, which no reader would accept.
    """
    if not np.isfinite(theta).all():
        raise ValueError("the network cannot be saved: it has weights that are NaN or infinite")
    document = {"architecture": architecture_to_document(architecture)}
    tensors: dict[str, Array] = {}
    for names, p in zip(_tensor_names(architecture), architecture.unpack(theta), strict=True):
        tensors |= {names[name]: values for name, values in p.items()}
    return document, tensors


def _tensor_names(architecture: Architecture) -> list[dict[str, str]]:
    """For each layer, the name of each parameter's tensor in a file.

    W1 and b1 belong to the first dense layer, and so on. In a name such as "scale1.s" the number is
    the number of the next dense layer.
    """
    names, number = [], 1
    for layer in architecture.layers:
        if isinstance(layer, Dense):
            names.append({p: f"{FILE_NAMES.get(p, p)}{number}" for p in layer.shapes})
            number += 1
        else:
            names.append({p: f"{layer.name}{number}.{p}" for p in layer.shapes})
    return names


def network_from_document(
    document: Mapping[str, Any], tensors: Mapping[str, Array], where: str
) -> tuple[Architecture, Array]:
    """The inverse of :func:`network_to_document`; every shape, dtype and name is checked."""
    check_keys(document, ["architecture"], where)
    architecture = architecture_from_document(take(document, "architecture", dict, where), where)
    names = _tensor_names(architecture)
    all_names = [name for layer_names in names for name in layer_names.values()]
    check_keys(tensors, all_names, where)
    if len(set(all_names)) < len(all_names):
        raise ModelFileError(f"{where}: two layers of one kind stand before one dense layer")
    dtype = tensors["W1"].dtype.name
    if dtype not in ("float32", "float64"):
        raise ModelFileError(f"{where}: W1 must be float32 or float64; got {dtype}")
    parameters: list[dict[str, Array]] = []
    for layer, layer_names in zip(architecture.layers, names, strict=True):
        parameters.append(
            {
                name: take_tensor(tensors, layer_names[name], dtype, shape, where)
                for name, shape in layer.shapes.items()
            }
        )
    theta = architecture.pack(parameters, np.dtype(dtype))
    check_bounds(architecture, theta, where)
    return architecture, theta


def check_bounds(architecture: Architecture, theta: Array, where: str) -> None:
    """Raise ModelFileError unless θ (P,) or several of them are as monotone as the file says."""
    if not architecture.within_bounds(theta):
        raise ModelFileError(f"{where}: weights of a monotone network are beyond their bounds")


def architecture_to_document(architecture: Architecture) -> dict[str, Any]:
    """The layers and the output unit as JSON values; ValueError for a custom activation."""
    return {
        "layers": [layer_to_document(layer) for layer in architecture.layers],
        "output": output_to_document(architecture.output),
        **monotone_to_document(architecture.monotone),
    }


def monotone_to_document(monotone: Monotone | None) -> dict[str, Any]:
    """The constraint under the key "monotone", which is absent for None."""
    if monotone is None:
        return {}
    return {"monotone": {"directions": list(monotone.directions), "free": list(monotone.free)}}


def monotone_from_document(document: Mapping[str, Any], where: str) -> Monotone | None:
    """The inverse of :func:`monotone_to_document`, from a document that may have the key."""
    if "monotone" not in document:
        return None
    entry = take(document, "monotone", dict, where)
    check_keys(entry, ("directions", "free"), where)
    directions = take_list(entry, "directions", int, where, minimum=-1, maximum=1)
    return Monotone(tuple(directions), tuple(take_list(entry, "free", int, where, minimum=0)))


def architecture_from_document(document: Mapping[str, Any], where: str) -> Architecture:
    """The inverse of :func:`architecture_to_document`; ModelFileError, naming `where`."""
    check_keys(document, ["layers", "output"], where, optional=["monotone"])
    entries = take_list(document, "layers", dict, where)
    layers = tuple(layer_from_document(entry, where) for entry in entries)
    output = output_from_document(take(document, "output", dict, where), where)
    with reading(where):
        monotone = monotone_from_document(document, where)
        architecture = Architecture(layers, output, monotone)
        output.check_outputs(architecture.n_outputs)
    return architecture


def layer_to_document(layer: Layer) -> dict[str, Any]:
    """Its kind and its fields; ValueError for a custom kind or activation."""
    if LAYER_KINDS.get(layer.name) is not type(layer):
        raise ValueError(f"layer {layer!r} is none of clearprop's; a file can hold only those")
    document: dict[str, Any] = {"kind": layer.name}
    for field in dataclasses.fields(layer):  # type: ignore[arg-type]
        value = getattr(layer, field.name)
        if isinstance(value, Activation):
            if ACTIVATIONS.get(value.name) is not value:
                raise ValueError(
                    f"activation {value.name!r} is none of clearprop's "
                    f"({', '.join(ACTIVATIONS)}); a file can hold only those"
                )
            value = value.name
        elif field.name == "layers":
            value = [layer_to_document(inner) for inner in value]
        elif field.name in ("edges", "sizes"):
            value = [list(entry) if isinstance(entry, tuple) else entry for entry in value]
        document[field.name] = value
    return document


def layer_from_document(document: Mapping[str, Any], where: str, *, inner: bool = False) -> Layer:
    """The inverse of :func:`layer_to_document`. inner: for a layer within another."""
    kinds = [kind for kind in LAYER_KINDS if not (inner and kind in ("parallel", "dense"))]
    name: str = take(document, "kind", str, where, choices=kinds)
    kind = LAYER_KINDS[name]
    fields = [field.name for field in dataclasses.fields(kind)]
    check_keys(document, ["kind", *fields], where)
    values = {field: _field_from_document(document, field, where) for field in fields}
    with reading(where):
        layer: Layer = kind(**values)
    return layer


def _field_from_document(document: Mapping[str, Any], field: str, where: str) -> Any:
    match field:
        case "rate" | "clip" | "gain":
            number: float = take(document, field, float, where)
            return number
        case "slope":
            yes: bool = take(document, field, bool, where)
            return yes
        case "activation":
            names = (None, *ACTIVATIONS)
            name: str | None = take(document, field, (str, type(None)), where, choices=names)
            return None if name is None else ACTIVATIONS[name]
        case "layers":
            entries = take_list(document, field, dict, where)
            return tuple(layer_from_document(entry, where, inner=True) for entry in entries)
        case "edges":
            columns = take_list(document, field, list, where)
            return tuple(
                tuple(take_list({field: column}, field, float, where)) for column in columns
            )
        case "sizes":
            return tuple(take_list(document, field, int, where, minimum=1, maximum=MAX_WIDTH))
        case _:  # n_in, n_out, n, n_units, n_frequencies
            size: int = take(document, field, int, where, minimum=1, maximum=MAX_WIDTH)
            return size


def output_to_document(output: Output) -> dict[str, Any]:
    """The name of the output unit and its parameters."""
    if OUTPUTS.get(output.name) is not type(output):
        raise ValueError(f"output {output!r} is none of clearprop's; a file can hold only those")
    parameters = dataclasses.asdict(output)  # type: ignore[call-overload]
    return {"name": output.name, **parameters}


def output_from_document(document: Mapping[str, Any], where: str) -> Output:
    """The inverse of :func:`output_to_document`."""
    kind = OUTPUTS[take(document, "name", str, where, choices=tuple(OUTPUTS))]
    fields = dataclasses.fields(kind)  # type: ignore[arg-type]
    check_keys(document, ["name", *(field.name for field in fields)], where)
    values = {field.name: _parameter(document, field, where) for field in fields}
    with reading(where):
        return kind(**values)


def _parameter(document: Mapping[str, Any], field: dataclasses.Field[Any], where: str) -> Any:
    """A field of an output unit, by its type; ModelFileError for anything else."""
    name = field.name
    match field.type:
        case "float":
            number: float = take(document, name, float, where)
            return number
        case "tuple[float, ...]":
            return tuple(take_list(document, name, float, where))
        case "tuple[int, ...] | None":
            if take(document, name, (list, type(None)), where) is None:
                return None
            return tuple(take_list(document, name, int, where, maximum=MAX_WIDTH))
    raise TypeError(f"a file cannot hold {name}, a {field.type}")
