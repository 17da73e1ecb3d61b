"""Networks as documents and tensors: what is written to files, and how it is read back strictly."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from itertools import pairwise
from os import PathLike
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.activations import ACTIVATIONS
from clearprop.architecture import Architecture
from clearprop.documents import ModelFileError, check_keys, reading, take, take_list, take_tensor
from clearprop.layers import Dense, Dropout, Layer
from clearprop.network import Network
from clearprop.outputs import OUTPUTS, Output
from clearprop.persistence import read_file, write_file

KIND = "network"
MAX_WIDTH = 2**31  # a layer this wide fits no file; keeps products of sizes far from overflow


def save_network(path: str | PathLike[str], net: Network) -> None:
    """Write the network to `path` as a safetensors file with its architecture as JSON."""
    document, tensors = network_to_document(net)
    write_file(path, KIND, document, tensors)


def load_network(path: str | PathLike[str]) -> Network:
    """Read a network written by :func:`save_network`; ModelFileError for anything else."""
    document, tensors = read_file(path, KIND)
    document.pop("kind")
    return network_from_document(document, tensors, str(path))


def network_to_document(net: Network) -> tuple[dict[str, Any], dict[str, Array]]:
    """The architecture as JSON values, and W1, b1, W2, b2, … as arrays.

    Raises ValueError for a θ that is not finite, which no reader would take.
    """
    if not np.isfinite(net.theta).all():
        raise ValueError("the network has weights that are NaN or infinite; it cannot be saved")
    document = {"architecture": architecture_to_document(net.architecture)}
    tensors: dict[str, Array] = {}
    for number, (W, b) in enumerate(zip(net.W, net.b, strict=True), 1):
        tensors |= {f"W{number}": W, f"b{number}": b}
    return document, tensors


def network_from_document(
    document: Mapping[str, Any], tensors: Mapping[str, Array], where: str
) -> Network:
    """The inverse of :func:`network_to_document`; every shape, dtype and name is checked."""
    check_keys(document, ["architecture"], where)
    architecture = architecture_from_document(take(document, "architecture", dict, where), where)
    n_layers = len(architecture.dense)
    check_keys(tensors, [f"{name}{n}" for n in range(1, n_layers + 1) for name in "Wb"], where)
    dtype = tensors["W1"].dtype.name
    if dtype not in ("float32", "float64"):
        raise ModelFileError(f"{where}: W1 must be float32 or float64; got {dtype}")
    parameters: list[dict[str, Array]] = []
    number = 0
    for layer in architecture.layers:
        number += isinstance(layer, Dense)
        parameters.append(
            {
                name: take_tensor(tensors, f"{name}{number}", dtype, shape, where)
                for name, shape in layer.shapes.items()
            }
        )
    return Network.from_theta(architecture, architecture.pack(parameters, np.dtype(dtype)))


def architecture_to_document(architecture: Architecture) -> dict[str, Any]:
    """The layers and the output unit as JSON values; ValueError for an activation of one's own."""
    return {
        "layers": [_layer_to_document(layer) for layer in architecture.layers],
        "output": output_to_document(architecture.output),
    }


def architecture_from_document(document: Mapping[str, Any], where: str) -> Architecture:
    """The inverse of :func:`architecture_to_document`; ModelFileError, naming `where`."""
    check_keys(document, ["layers", "output"], where)
    entries = take_list(document, "layers", dict, where)
    layers = [_layer_from_document(entry, where) for entry in entries]
    dense = [layer for layer in layers if isinstance(layer, Dense)]
    if not dense or layers[-1] is not dense[-1] or dense[-1].activation is not None:
        raise ModelFileError(f"{where}: the last layer must be a dense one without activation")
    if any(layer.activation is None for layer in dense[:-1]):
        raise ModelFileError(f"{where}: a hidden layer has no activation")
    if any(a.n_out != b.n_in for a, b in pairwise(dense)):
        raise ModelFileError(f"{where}: the layers do not fit together")
    output = output_from_document(take(document, "output", dict, where), where)
    with reading(where):
        output.check_outputs(dense[-1].n_out)
    return Architecture(tuple(layers), output)


def _layer_to_document(layer: Layer) -> dict[str, Any]:
    if isinstance(layer, Dropout):
        return {"kind": layer.name, "rate": layer.rate}
    activation = None if layer.activation is None else layer.activation.name
    if activation is not None and ACTIVATIONS.get(activation) is not layer.activation:
        raise ValueError(
            f"activation {activation!r} is none of clearprop's ({', '.join(ACTIVATIONS)}); "
            "a file can hold only those"
        )
    return {
        "kind": layer.name,
        "n_in": layer.n_in,
        "n_out": layer.n_out,
        "activation": activation,
    }


def _layer_from_document(document: Mapping[str, Any], where: str) -> Layer:
    kind: str = take(document, "kind", str, where, choices=("dense", "dropout"))
    if kind == "dropout":
        check_keys(document, ["kind", "rate"], where)
        with reading(where):
            return Dropout(take(document, "rate", float, where))
    check_keys(document, ["kind", "n_in", "n_out", "activation"], where)
    n_in: int = take(document, "n_in", int, where, minimum=1, maximum=MAX_WIDTH)
    n_out: int = take(document, "n_out", int, where, minimum=1, maximum=MAX_WIDTH)
    name: str | None = take(
        document, "activation", (str, type(None)), where, choices=(None, *ACTIVATIONS)
    )
    return Dense(n_in, n_out, None if name is None else ACTIVATIONS[name])


def output_to_document(output: Output) -> dict[str, Any]:
    """The name of the output unit and its parameters."""
    if OUTPUTS.get(output.name) is not type(output):
        raise ValueError(f"output {output!r} is none of clearprop's; a file can hold only those")
    parameters = dataclasses.asdict(output)  # type: ignore[call-overload]
    return {"name": output.name, **parameters}


def output_from_document(document: Mapping[str, Any], where: str) -> Output:
    """The inverse of :func:`output_to_document`."""
    kind = OUTPUTS[take(document, "name", str, where, choices=tuple(OUTPUTS))]
    fields = [field.name for field in dataclasses.fields(kind)]  # type: ignore[arg-type]
    check_keys(document, ["name", *fields], where)
    values: dict[str, Any] = {}
    for name in fields:
        if name in ("delta", "label_smoothing"):
            values[name] = take(document, name, float, where)
        elif name == "quantiles":
            values[name] = tuple(take_list(document, name, float, where))
        elif take(document, name, (list, type(None)), where) is None:  # sizes
            values[name] = None
        else:
            values[name] = tuple(take_list(document, name, int, where, maximum=MAX_WIDTH))
    with reading(where):
        return kind(**values)
