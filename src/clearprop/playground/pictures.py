"""The pictures of a run: a frame of numbers with a picture for each unit, and the data."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.playground.datasets import EXTENT, Dataset
from clearprop.playground.messages import pack
from clearprop.playground.report import Example
from clearprop.playground.runs import CURVE, Run
from clearprop.playground.scores import losses_and_scores

GRID = 40  # cells of a picture along each side
MIDDLE = 127.5  # the level of 0


def domain(dataset: Dataset, axes: tuple[int, int]) -> list[float]:
    """[left, right, bottom, top] of the pictures: a little more than the data on two axes."""
    if dataset.features == ("x₁", "x₂"):
        return [-EXTENT, EXTENT, -EXTENT, EXTENT]
    limits: list[float] = []
    for axis in axes:
        x = np.concatenate([dataset.X[:, axis], dataset.X_test[:, axis]])
        low, high = float(x.min()), float(x.max())
        margin = 0.05 * (high - low) or 1.0
        limits += [low - margin, high + margin]
    return limits


def grid(dataset: Dataset, axes: tuple[int, int]) -> Array:
    """Inputs (GRID², D) over the domain, rows from the top; the other features at their means."""
    left, right, bottom, top = domain(dataset, axes)
    centre = (np.arange(GRID) + 0.5) / GRID
    X = np.tile(dataset.X.mean(axis=0), (GRID * GRID, 1))
    X[:, axes[0]] = np.tile(left + (right - left) * centre, GRID)
    if axes[1] != axes[0]:
        X[:, axes[1]] = np.repeat(top - (top - bottom) * centre, GRID)
    return X


def frame(
    run: Run, axes: tuple[int, int], status: dict[str, Any], example: Example | None = None
) -> bytes:
    """The message with the state of a run and of the example being inspected.

    Its arrays: theta and gradient (∂ℒ/∂θ over the training rows), in the order of θ; curve, the
    rows of CURVE; heat, a picture for each unit, layer by layer (h of hidden units, ŷ of outputs),
    as levels around 127.5 that reach 0 or 255 at the unit's `scales`; and the gradient of the
    example, if there is one.
    """
    net = run.network
    trace = net.forward(run.data.X)
    gradient = net.backward(trace, run.dataset.t).theta
    losses = dict(zip(CURVE[2:], losses_and_scores(net, run), strict=True))
    pictures, scales = heat(run, axes)
    curve = np.array(run.curve).T.reshape(len(CURVE), -1)
    numbers: dict[str, Any] = {"step": run.step, "epoch": run.epoch, **losses}
    if run.test is None:
        numbers = {name: value for name, value in numbers.items() if "test" not in name}
    document = {
        "type": "frame",
        **status,
        "numbers": numbers,
        "n_steps": run.n_steps,
        "leg": run.leg,
        "scales": scales,
        "batch": run.next_batch()[:1000],
        "nonfinite": "" if run.nonfinite is None else str(run.nonfinite),
    }
    arrays = {"theta": net.theta, "gradient": gradient, "curve": curve, "heat": pictures}
    if example is not None:
        document["example"] = {"index": example.index, "of": example.of, "row": example.row}
        numbers.update(example.numbers)
        arrays["example_gradient"] = example.gradient
    return pack(document, arrays)


def heat(run: Run, axes: tuple[int, int]) -> tuple[Array, Array]:
    """Pictures (units, GRID, GRID) uint8, and the value (units,) of the highest level."""
    trace = run.network.forward(grid(run.dataset, axes))
    outputs = trace.y_hat
    if run.architecture.output.unit in ("logistic", "softmax"):
        outputs = 2 * outputs - 1  # the middle level means a probability of ½
    elif run.dataset.n_classes:
        outputs = outputs - (run.dataset.n_classes - 1) / 2
    values = np.concatenate([*trace.h[1:], outputs], axis=1).T
    scales = np.abs(np.nan_to_num(values)).max(axis=1)
    scales[scales == 0] = 1
    if run.architecture.output.unit in ("logistic", "softmax"):
        scales[-outputs.shape[1] :] = 1
    levels = np.rint(MIDDLE + MIDDLE * np.nan_to_num(values / scales[:, None]))
    pictures = np.clip(levels, 0, 255).astype(np.uint8).reshape(-1, GRID, GRID)
    return pictures, scales


def data(run: Run, axes: tuple[int, int]) -> bytes:
    """The message with a dataset, as the two axes show it, and the network's shape.

    layout: where W and b of each layer begin in θ.
    """
    dataset = run.dataset
    places = run.architecture.unpack(np.arange(run.architecture.n_parameters))
    document = {
        "type": "data",
        "axes": axes,
        "domain": domain(dataset, axes),
        "features": dataset.features,
        "labels": dataset.labels,
        "n_classes": dataset.n_classes,
        "columns": dataset.columns,
        "rows": [len(dataset.t), len(dataset.t_test)],
        "sizes": run.network.sizes,
        "layout": [[p["W"].flat[0], p["b"].flat[0]] for p in places if "W" in p],
        "activations": run.start.activations,
        "output": run.architecture.output.unit,
    }
    arrays = {
        "X": dataset.X[:, list(axes)],
        "t": dataset.t.astype(np.float64),
        "X_test": dataset.X_test[:, list(axes)],
        "t_test": dataset.t_test.astype(np.float64),
    }
    return pack(document, arrays)
