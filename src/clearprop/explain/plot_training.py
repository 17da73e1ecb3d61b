"""Pictures of training: learning curves, and each layer over time."""

from __future__ import annotations

from typing import Any

import numpy as np

from clearprop.explain.picture import COLOURS, Picture, drawing
from clearprop.explain.recorder import Recorder, Recording
from clearprop.history import History
from clearprop.notation import sup

QUANTITIES = {
    "z": "|z|",
    "h": "|h|",
    "dL_dz": "|∂ℒₙ/∂z|",
    "dL_dW": "|∂ℒ/∂W|",
    "W": "|W|",
    "update": "|ΔW| / |W| per step",
    "dead": "fraction of dead units",
    "saturated": "fraction of saturated units",
}
SHARES = ("dead", "saturated")


def plot_history(history: History | Recording | Recorder, *, log: bool = False) -> Picture:
    """The losses, the metrics and the learning rate after each epoch.

    log: a logarithmic axis for the losses. Raises ValueError if no epoch has been run.
    """
    history = _as_history(history)
    if len(history) == 0:
        raise ValueError("the history has no epochs yet; train first")
    epochs = np.arange(1, len(history) + 1)
    rates = np.array(history.learning_rate, dtype=float)
    changing = len(rates) and np.isfinite(rates).all() and rates.min() < rates.max()
    panels = 1 + bool(history.metrics) + bool(changing)
    with drawing(6.4, 1.4 + 2.2 * panels) as figure:
        heights = [1.6] + [1.0] * (panels - 1)
        axes = figure.subplots(panels, 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
        dots = {"marker": "."} if len(history) <= 40 else {}
        axes[0].plot(epochs, history.loss, label="training", **dots)
        if history.validation_loss:
            values = np.array(history.validation_loss)
            axes[0].plot(epochs, values, label="validation", linestyle="--", **dots)
            if np.isfinite(values).any():
                best = int(np.nanargmin(values))
                axes[0].plot(epochs[best], values[best], "o", color=COLOURS[1], mfc="none", ms=9)
                axes[0].annotate(
                    f"best, epoch {best + 1}", (epochs[best], values[best]), (0, 9),
                    textcoords="offset points", ha="center", fontsize=8,
                )  # fmt: skip
        axes[0].set_ylabel("ℒ")
        axes[0].set_title("Loss after each epoch")
        axes[0].legend()
        if log:
            axes[0].set_yscale("log")
        if history.metrics:
            for k, (name, scores) in enumerate(history.metrics.items()):
                axes[1].plot(epochs, scores, label=name, color=COLOURS[2 + k % 4], **dots)
            axes[1].set_ylabel("validation")
            axes[1].legend()
        if changing:
            axes[-1].plot(epochs, rates, color="#555555")
            axes[-1].set_ylabel("learning rate")
        axes[-1].set_xlabel("epoch")
        axes[-1].xaxis.get_major_locator().set_params(integer=True)
    return Picture(figure)


def plot_layers(
    recording: Recording | Recorder,
    quantities: tuple[str, ...] = ("h", "dL_dz", "update", "dead"),
) -> Picture:
    """Statistics of each layer over the steps of training, one panel per quantity.

    quantities: names of :class:`LayerStatistics`. Raises ValueError for other names.
    """
    recording = _as_recording(recording)
    unknown = [name for name in quantities if name not in QUANTITIES]
    if unknown or not quantities:
        raise ValueError(f"quantities must be among {list(QUANTITIES)}; got {list(quantities)}")
    n_layers = len(recording.architecture.dense)
    with drawing(6.4, 0.8 + 1.8 * len(quantities)) as figure:
        panels = figure.subplots(len(quantities), 1, sharex=True, squeeze=False)[:, 0]
        for axes, name in zip(panels, quantities, strict=True):
            positive = False
            for layer in range(1, n_layers + 1):
                values = recording.series(name, layer)
                positive = positive or bool((values > 0).any())
                axes.plot(
                    recording.steps, values, color=COLOURS[(layer - 1) % len(COLOURS)],
                    label=f"layer {layer}", linestyle=("-", "--", ":", "-.")[(layer - 1) // 8 % 4],
                )  # fmt: skip
            axes.set_ylabel(QUANTITIES[name])
            if name in SHARES:
                axes.set_ylim(-0.03, 1.03)
            elif positive:
                axes.set_yscale("log")
        panels[0].set_title("Each layer during training")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right upper")
        panels[-1].set_xlabel("step")
    return Picture(figure)


def plot_histograms(recording: Recording | Recorder, quantity: str = "h") -> Picture:
    """The distribution of the activations or the gradients of each layer, record by record.

    quantity: "h" for h⁽ˡ⁾, or "dL_dz" for |∂ℒₙ/∂z⁽ˡ⁾| on a logarithmic axis. Each column of a
    panel is the histogram of one record; darker means more entries.
    """
    recording = _as_recording(recording)
    if quantity not in ("h", "dL_dz"):
        raise ValueError(f"quantity must be 'h' or 'dL_dz'; got {quantity!r}")
    n_layers = len(recording.architecture.dense)
    columns = min(n_layers, 4)
    rows = -(-n_layers // columns)
    with drawing(1.2 + 2.6 * columns, 0.7 + 2.6 * rows) as figure:
        panels = figure.subplots(rows, columns, squeeze=False, sharex=True).reshape(-1)
        for axes in panels[n_layers:]:
            axes.set_visible(False)
        image = None
        for layer, axes in enumerate(panels[:n_layers], 1):
            image = _histogram_panel(axes, recording, layer, quantity) or image
            if quantity == "h":
                symbol = "ŷ" if layer == n_layers else f"h{sup(layer)}"
            else:
                symbol = f"|∂ℒₙ/∂z{sup(layer)}|"
            kind = recording.records[0].layers[layer - 1].activation
            axes.set_title(f"{symbol}, {kind}" if quantity == "h" else symbol)
            axes.set_xlabel("step")
        if image is not None:
            figure.colorbar(
                image, ax=list(panels[:n_layers]), label="entries, relative to the fullest bin"
            )
    return Picture(figure)


def _histogram_panel(axes: Any, recording: Recording, layer: int, quantity: str) -> Any:
    name = f"{quantity}_histogram"
    found = [(record.step, getattr(record.layers[layer - 1], name)) for record in recording.records]
    found = [(step, h) for step, h in found if h is not None and h.counts.sum()]
    if not found:
        axes.text(0.5, 0.5, "none recorded", ha="center", transform=axes.transAxes)
        return None
    steps = np.array([step for step, _ in found], dtype=float)
    middles = (steps[1:] + steps[:-1]) / 2
    first = steps[0] - (steps[1] - steps[0]) / 2 if len(steps) > 1 else steps[0] - 0.5
    last = steps[-1] + (steps[-1] - steps[-2]) / 2 if len(steps) > 1 else steps[-1] + 0.5
    borders = [first, *middles, last]
    image = None
    for left, right, (_, h) in zip(borders[:-1], borders[1:], found, strict=True):
        shares = h.counts / h.counts.max()
        image = axes.pcolormesh(
            [left, right], h.edges, shares[:, None], cmap="Blues", vmin=0, vmax=1,
            rasterized=True,
        )  # fmt: skip
    axes.set_xlim(first, last)
    axes.grid(visible=False)
    if quantity == "dL_dz":
        axes.set_yscale("log")
    return image


def _as_recording(recording: Recording | Recorder) -> Recording:
    recording = recording.recording if isinstance(recording, Recorder) else recording
    if not recording.records:
        raise ValueError("the recording has no records yet; train first")
    return recording


def _as_history(history: History | Recording | Recorder) -> History:
    if isinstance(history, History):
        return history
    lines = (history.recording if isinstance(history, Recorder) else history).epochs
    return History(
        loss=[line.loss for line in lines],
        validation_loss=[v for line in lines if (v := line.validation_loss) is not None],
        learning_rate=[line.learning_rate for line in lines],
    )
