"""The workshop's reports besides the losses: errors, calibration, layers, findings."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.explain.diagnose import diagnose
from clearprop.explain.statistics import LayerStatistics, layer_statistics
from clearprop.playground.datasets import Dataset
from clearprop.playground.results import calibrations, confusion, losses, r2, worst
from clearprop.playground.runs import Run

STATISTICS = ("z", "h", "dL_dz", "W", "dL_dW", "update", "dead", "saturated")


def layers(run: Run) -> tuple[LayerStatistics, ...]:
    """The layers on the training rows; the update is over the epoch, or its part so far."""
    before, n_steps = run.epoch_start if run.leg_step else (None, 0)
    theta, data = run.theta, run.data
    return layer_statistics(
        run.architecture,
        theta,
        data.X,
        data.t,
        before=before,
        n_steps=n_steps,
        histograms=False,
    )[1]


def part_of(dataset: Dataset, part: str) -> tuple[Array, Array]:
    """X and t of the training or test rows; ValueError for another name or missing rows."""
    if part == "train":
        return dataset.X, dataset.t
    if part != "test" or not len(dataset.t_test):
        raise ValueError("part must be 'train', or 'test' if rows are held out for testing")
    return dataset.X_test, dataset.t_test


def report(run: Run, part: str) -> dict[str, Any]:
    """Numbers by name for the training or test rows, and the findings on the training rows."""
    dataset, net = run.dataset, run.network
    X, t = part_of(dataset, part)
    y_hat = net.forward(X).y_hat
    each = losses(net, X, t)
    rows = worst(each)
    numbers: dict[str, Any] = {
        "worst.row": rows,
        "worst.loss": each[rows],
        "worst.t": t[rows],
        "worst.y_hat": y_hat[rows],
        "worst.x": X[rows],
    }
    if dataset.n_classes:
        numbers["confusion"] = confusion(y_hat, t, dataset.n_classes)
        if run.architecture.output.unit in ("logistic", "softmax") and np.isfinite(y_hat).all():
            for name, values in calibrations(y_hat, t).items():
                numbers[f"calibration.{name}"] = values
    else:
        numbers["r2"] = r2(y_hat, t)
    found = layers(run)
    for name in STATISTICS:
        numbers[f"layers.{name}"] = [getattr(layer, name) for layer in found]
    diagnosis = diagnose(net, dataset.X, dataset.t, feature_names=dataset.features)
    numbers["findings"] = diagnosis.codes
    residuals = {} if dataset.n_classes else {"y_hat": y_hat[:1000, 0], "t": t[:1000]}
    return {
        "part": part,
        "numbers": numbers,
        "activations": [layer.activation for layer in found],
        "findings": [finding.to_document() for finding in diagnosis],
        "residuals": residuals,
    }


@dataclasses.dataclass(frozen=True)
class Example:
    """One row of the next mini-batch on its way through the network.

    index: its place in the batch of `of` rows. row: its row number in X. numbers: ℒ, and for each
    layer z, h (or ŷ) and ∂ℒ/∂z. gradient: ∂ℒₙ/∂θ of this row alone.
    """

    index: int
    of: int
    row: int
    numbers: dict[str, Any]
    gradient: Array


def example(run: Run, index: int) -> Example:
    """The example at this place in the next mini-batch."""
    batch = run.next_batch()
    row = int(batch[index])
    net = run.network
    trace = net.forward(run.dataset.X[row : row + 1])
    gradients = net.backward(trace, run.dataset.t[row : row + 1])
    loss = net.loss(run.dataset.X[row : row + 1], run.dataset.t[row : row + 1])
    numbers: dict[str, Any] = {"example.loss": loss, "example.t": run.dataset.t[row]}
    for layer, z in enumerate(trace.z, 1):
        numbers[f"example.z{layer}"] = z[0]
        numbers[f"example.dL_dz{layer}"] = gradients.dL_dz[layer - 1][0]
    for layer, h in enumerate([*trace.h[1:], trace.y_hat], 1):
        numbers[f"example.h{layer}"] = h[0]
    numbers["example.x"] = run.dataset.X[row]
    return Example(index, len(batch), row, numbers, gradients.theta)
