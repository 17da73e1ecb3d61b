"""Pictures of columns: what they add to the prediction of a row, and how important they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop._typing import Array
from clearprop.explain.attribution import Attributions
from clearprop.explain.picture import COLOURS, Picture, drawing
from clearprop.notation import counted

if TYPE_CHECKING:
    from clearprop.tabular.importances import FeatureImportances

POSITIVE, NEGATIVE = COLOURS[5], COLOURS[0]  # vermilion and blue, safe for colour-blind readers
WHITE = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}  # a line ends beside a text
PROBABILITIES = (0.001, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99, 0.999)


def plot_attributions(
    attributions: Attributions, row: int = 0, output: str | int | None = None, *, top: int = 12
) -> Picture:
    """The path from the base to the prediction of a row, largest contributions first.

    output: name or number; None for the output with the largest F. top: number of columns with
    their own bars; the rest share one bar. Log-odds have a second axis with probabilities.
    Raises ValueError for a row or an output that does not exist.
    """
    if not 0 <= row < len(attributions):
        raise ValueError(f"row must be from 0 to {len(attributions) - 1}; got {row}")
    if top < 1:
        raise ValueError(f"top must be at least 1; got {top}")
    q = attributions.output_of(row, output)
    names, values = _bars(attributions, row, q, top)
    ends = attributions.base[q] + np.cumsum(values)
    starts = ends - values
    with drawing(7.0, 1.5 + 0.32 * len(values)) as figure:
        axes = figure.subplots()
        places = np.arange(len(values))
        colours = [POSITIVE if value > 0 else NEGATIVE for value in values]
        axes.barh(places, values, left=starts, color=colours, height=0.7)
        for place, (start, end, value) in enumerate(zip(starts, ends, values, strict=True)):
            if place + 1 < len(values):
                axes.plot([end, end], [place - 0.35, place + 1.35], color="#888888", linewidth=0.8)
            side = max(start, end)
            axes.annotate(
                _signed(value, "+"), (side, place), (4, 0),
                textcoords="offset points", va="center", fontsize=8, bbox=WHITE,
            )  # fmt: skip
        for x, label in ((attributions.base[q], "base"), (ends[-1], "prediction")):
            axes.axvline(x, color="#555555", linewidth=0.8, linestyle=":")
            axes.annotate(
                f"{label} {_signed(x)}", (x, len(values) - 0.4), (0, -2), va="top", ha="center",
                textcoords="offset points", fontsize=8, annotation_clip=False, bbox=WHITE,
            )  # fmt: skip
        axes.set_yticks(places, names)
        axes.set_ylim(len(values) + 0.3, -0.7)
        axes.use_sticky_edges = False
        axes.margins(x=0.14)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel(_label(attributions, q))
        axes.set_title(f"Row {row}, compared with {attributions.compared_with}")
        if attributions.scale == "log-odds":
            _probabilities(axes)
    return Picture(figure)


def plot_importances(importances: FeatureImportances, *, top: int = 20) -> Picture:
    """The importance of each column with its standard error and the single repeats.

    importances: of `TabularClassifier.feature_importances`. top: columns that are shown.
    """
    if top < 1:
        raise ValueError(f"top must be at least 1; got {top}")
    order = importances.order[:top]
    with drawing(6.4, 1.2 + 0.3 * len(order)) as figure:
        axes = figure.subplots()
        places = np.arange(len(order))
        mean, error = importances.mean[order], importances.standard_error[order]
        axes.barh(places, mean, color=COLOURS[0], height=0.7, alpha=0.75)
        axes.errorbar(mean, places, xerr=error, fmt="none", ecolor="#333333", capsize=3)
        for place, repeats in zip(places, importances.repeats[order], strict=True):
            axes.plot(repeats, np.full(len(repeats), place), "|", color=COLOURS[5], markersize=7)
        axes.axvline(0, color="#555555", linewidth=0.8)
        axes.set_yticks(places, [_short(importances.columns[c]) for c in order])
        axes.set_ylim(len(order) - 0.4, -0.6)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel(importances.heading)
        axes.set_title("Importance of the columns, ± a standard error")
    return Picture(figure)


def _bars(attributions: Attributions, row: int, q: int, top: int) -> tuple[list[str], Array]:
    """What stands beside the bars, and how long they are."""
    row_values = attributions.values[row, :, q]
    order = [int(c) for c in attributions.order(row, q) if row_values[c] != 0]
    shown = order if len(order) <= top + 1 else order[:top]
    names, values = [], []
    for c in shown:
        cell = attributions.cells[row][c]
        names.append(
            _short(f"{attributions.columns[c]} = {cell}" if cell else attributions.columns[c])
        )
        values.append(row_values[c])
    if len(shown) < len(order):
        rest = order[len(shown) :]
        names.append(counted(len(rest), "other column"))
        values.append(row_values[rest].sum())
    if not values:
        names, values = ["(nothing)"], [0.0]
    return names, np.array(values)


def _signed(value: float, plus: str = "") -> str:
    return f"{plus if value > 0 else '−' if value < 0 else ''}{abs(value):.3g}"


def _short(text: str, most: int = 42) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _label(attributions: Attributions, q: int) -> str:
    name = attributions.outputs[q]
    return {"log-odds": f"log-odds of {name}", "log": f"log {name}"}.get(
        attributions.scale, f"{name} ({attributions.scale})"
    )


def _probabilities(axes: Any) -> None:
    """A second axis above, with the probabilities of the log-odds."""
    low, high = axes.get_xlim()
    ticks = [p for p in PROBABILITIES if low <= np.log(p / (1 - p)) <= high]
    above = axes.twiny()
    above.set_xlim(low, high)
    above.set_xticks([np.log(p / (1 - p)) for p in ticks], [f"{p:g}" for p in ticks])
    above.grid(visible=False)
    above.spines["top"].set_visible(True)
    above.tick_params(labelsize=8)
    above.set_xlabel("probability", fontsize=8)
