"""The basis of all plots: matplotlib on demand, one style, colour-blind-safe colours."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from clearprop.writing import write_whole

# Okabe & Ito: safe for colour-blind readers, in an order that prints well.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
STYLE: dict[str, Any] = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "svg.hashsalt": "clearprop",  # the same picture gives the same file
    "svg.fonttype": "none",
}


@dataclass(frozen=True, eq=False)
class Picture:
    """A matplotlib figure that a notebook shows; change it through `figure.axes`."""

    figure: Any

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to a .png, .svg or .pdf file."""
        _require("matplotlib")
        from matplotlib import rc_context

        kind = os.path.splitext(os.fspath(path))[1].removeprefix(".").lower() or "png"
        data = BytesIO()
        with rc_context(STYLE):
            metadata = {"Date": None} if kind == "svg" else None
            self.figure.savefig(data, format=kind, dpi=150, facecolor="white", metadata=metadata)
        write_whole(path, data.getvalue())

    def _repr_png_(self) -> bytes:
        data = BytesIO()
        self.figure.savefig(data, format="png", dpi=110, facecolor="white")
        return data.getvalue()


@contextmanager
def drawing(width: float = 6.4, height: float = 4.0) -> Iterator[Any]:
    """An empty figure in the style of all plots; ImportError without matplotlib."""
    _require("matplotlib")
    from cycler import cycler
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with rc_context({**STYLE, "axes.prop_cycle": cycler(color=COLOURS)}):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        yield figure


def _require(package: str) -> None:
    try:
        __import__(package)
    except ImportError as error:
        raise ImportError(
            f"plots need {package}, which is not installed: pip install 'clearprop[plot]'"
        ) from error


def colour_map(n: int) -> tuple[str, ...]:
    """A colour for each of n classes; colours repeat after eight, markers do not."""
    return tuple(COLOURS[k % len(COLOURS)] for k in range(n))
