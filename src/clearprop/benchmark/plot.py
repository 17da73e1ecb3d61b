"""The picture of the training times: how many times as long the peers take, case by case."""

from __future__ import annotations

import os
from typing import Any

from clearprop.benchmark.compare import percent, shown
from clearprop.benchmark.settings import LABELS, label

# Okabe & Ito: told apart by everybody.
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
    widths = [
        max(2.0, sum(len(r["peers"]) for r in group) + len(group)) for group in groups.values()
    ]
    figure = Figure(figsize=(max(6.0, 1.5 + 0.55 * sum(widths)), 5.2), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(
        1, max(1, len(groups)), sharey=True, squeeze=False, width_ratios=widths or [1]
    )[0]
    for axes, (precision, group) in zip(panels, groups.items(), strict=False):
        _draw_panel(axes, precision, group)
    panels[0].set_ylabel("time of a training step, clearprop = 1")
    figure.suptitle("How many times as long the others take to train", fontsize=14)
    figure.supxlabel(_caption(document), fontsize=8, color="#555555")
    figure.savefig(path, dpi=150, facecolor="white")


def _draw_panel(axes: Any, precision: str, group: list[dict[str, Any]]) -> None:
    ticks, seen = [], set()
    start = 0.0
    for record in group:
        for i, peer in enumerate(record["peers"]):
            name, ratio = peer["peer"], peer["ratio"]
            known = name in seen
            seen.add(name)
            axes.bar(
                start + i,
                ratio["median"] - 1,
                0.86,
                bottom=1,  # on a logarithmic axis a bar has no other foot
                color=COLOURS.get(name, "#999999"),
                label=None if known else label(name, precision),
                zorder=2,
            )
            axes.vlines(start + i, ratio["min"], ratio["max"], color="black", lw=1, zorder=3)
            axes.annotate(
                shown(ratio["median"]) if ratio["median"] < 9.995 else f"{ratio['median']:.0f}",
                (start + i, max(ratio["max"], 1.0)),
                (0, 3),
                textcoords="offset points",
                ha="center",
                fontsize=9,
            )
        ticks.append((start + (len(record["peers"]) - 1) / 2, _case_label(record)))
        start += len(record["peers"]) + 1
    axes.set_yscale("log")
    axes.set_xticks([x for x, _ in ticks], [text for _, text in ticks], fontsize=9)
    axes.tick_params(axis="x", length=0)
    axes.axhline(1, color="black", lw=1, zorder=4)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}×")
    axes.grid(axis="y", color="#dddddd", zorder=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_title(precision, fontsize=11)
    axes.margins(y=0.12)
    axes.legend(frameon=False, fontsize=9, loc="upper right")


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
