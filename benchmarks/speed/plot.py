"""The picture of the training times: relative to clearprop, case by case."""

from __future__ import annotations

import os
from typing import Any

from benchmarks.speed.compare import percent, shown
from benchmarks.speed.settings import LABELS, label

# Okabe & Ito: distinct for colour-blind readers, too.
COLOURS = {
    "scikit-learn": "#E69F00",
    "torch": "#0072B2",
    "torch-compile": "#56B4E9",
    "jax": "#009E73",
}
FORMATS = (".png", ".svg", ".pdf")


def draw(document: dict[str, Any], path: str | os.PathLike[str]) -> None:
    """Write the bar chart of the fit section to a .png, .svg or .pdf file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    records = [record for record in document["sections"]["fit"]["cases"] if record["peers"]]
    precisions = list(dict.fromkeys(record["precision"] for record in records))
    groups = {p: [record for record in records if record["precision"] == p] for p in precisions}
    names = list(dict.fromkeys(record["case"] for record in records))
    # a case is this many bars wide: some space beside them, and room for the text below
    slot = max([3.4, *(len(record["peers"]) + 0.8 for record in records)])
    heights = [3.6, 2.8, 2.8][: max(1, len(groups))]
    width = max(6.0, 1.0 + 0.42 * slot * len(names))
    figure = Figure(figsize=(width, 1.2 + sum(heights)), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, (precision, group) in zip(panels, groups.items(), strict=False):
        middles = [(names.index(record["case"]) + 0.5) * slot for record in group]
        _draw_panel(axes, precision, group, middles)
        axes.set_xlim(0, slot * len(names))
        axes.set_ylabel("clearprop = 1")
    figure.suptitle("Training time relative to clearprop", fontsize=13)
    figure.supxlabel(_caption(document), fontsize=8, color="#555555")
    figure.savefig(path, dpi=150, facecolor="white")


def _draw_panel(
    axes: Any, precision: str, group: list[dict[str, Any]], middles: list[float]
) -> None:
    from matplotlib.ticker import LogLocator, NullLocator

    seen = set()
    for record, middle in zip(group, middles, strict=True):
        start = middle - (len(record["peers"]) - 1) / 2
        for i, peer in enumerate(record["peers"]):
            name, ratio = peer["peer"], peer["ratio"]
            known = name in seen
            seen.add(name)
            axes.bar(
                start + i,
                ratio["median"] - 1,
                0.86,
                bottom=1,  # the foot of a bar on a logarithmic axis
                color=COLOURS.get(name, "#999999"),
                label=None if known else label(name, precision),
                zorder=2,
            )
            axes.vlines(start + i, ratio["min"], ratio["max"], color="#333333", lw=1, zorder=3)
            axes.annotate(
                shown(ratio["median"]),
                (start + i, max(ratio["max"], 1.0)),
                (0, 3),
                textcoords="offset points",
                ha="center",
                fontsize=8,
            )
    axes.set_yscale("log")
    ratios = [peer["ratio"][at] for r in group for peer in r["peers"] for at in ("min", "max")]
    axes.set_ylim(0.92 * min(1.0, *ratios), 1.4 * max(2.0, *ratios))
    axes.set_xticks(middles, [_case_label(record) for record in group], fontsize=9)
    axes.tick_params(axis="x", length=0)
    axes.axhline(1, color="black", lw=1, zorder=4)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}×")
    axes.yaxis.set_minor_locator(NullLocator())
    axes.tick_params(axis="y", length=0, labelsize=9)
    axes.grid(axis="y", color="#e4e4e4", zorder=0)
    axes.spines[["top", "right", "bottom", "left"]].set_visible(False)
    axes.set_title(precision, fontsize=11, loc="left")
    axes.legend(fontsize=9, loc="upper right", frameon=True, edgecolor="white", framealpha=1)


def _case_label(record: dict[str, Any]) -> str:
    sizes = record["layers"]
    hidden = sizes[1:-1]
    layers = "-".join(map(str, sizes))
    if len(hidden) > 2 and len(set(hidden)) == 1:
        layers = f"{sizes[0]}-{hidden[0]}×{len(hidden)}-{sizes[-1]}"
    lines = [record["case"], layers, f"{shown(record['seconds_per_step']['median'], 1e-6)} µs"]
    if record["share_of_limit"] is not None and record["share_of_limit"] > 0.1:
        lines.append(f"{percent(record['share_of_limit'])} of the limit")
    return "\n".join(lines)


def _caption(document: dict[str, Any]) -> str:
    machine = document["machine"]
    versions = machine["versions"]
    names = ("clearprop", *(n for n in LABELS if n in versions), "numpy")
    packages = ", ".join(f"{n} {versions[n]}" for n in dict.fromkeys(names) if n in versions)
    return (
        f"median (line: min … max) of {document['settings']['runs']} alternating runs, "
        f"{machine['threads']} thread(s), {machine['cpu']}, {machine['clearprop_isa']}\n"
        f"µs: a step of clearprop; the limit: its matrix products at the machine's peak\n{packages}"
    )
