"""The network of a run as a file: safetensors for `Network.load`, and a drawing."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping

from clearprop.explain.drawing import draw_network
from clearprop.playground.runs import Run


def safetensors(run: Run) -> bytes:
    """The file that `Network.load` reads."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "network.safetensors")
        run.network.save(path)
        with open(path, "rb") as file:
            return file.read()


def svg(run: Run) -> bytes:
    """The network with its weights, as `explain.draw_network` draws it."""
    labels = run.dataset.labels
    named = run.architecture.output.unit == "softmax" and len(labels) == run.network.sizes[-1]
    drawing = draw_network(
        run.network,
        feature_names=run.dataset.features,
        class_names=labels if named else None,
        units=16,
    )
    return str(drawing).encode()


EXPORTS: Mapping[str, tuple[str, Callable[[Run], bytes]]] = {
    "safetensors": ("network.safetensors", safetensors),
    "svg": ("network.svg", svg),
}
