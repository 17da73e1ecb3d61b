"""A network as a picture (SVG text, no matplotlib): its units, and its real weights as edges."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from clearprop._typing import Array
from clearprop.notation import counted, number, sup
from clearprop.writing import write_whole

if TYPE_CHECKING:
    from clearprop.network import Network

MOST_EDGES = 4000
RADIUS = 11.0
STEP_Y, LEAST_GAP_X = 34.0, 150.0
PAD, TOP, FOOT = 16.0, 46.0, 34.0
SHOWN = 18  # characters of a name; the tooltip has the full name
# Orange for > 0 and blue for < 0, as in the tables. Both stand out on white and on black; edges of
# negative weights are dashed, for printing in grey.
POSITIVE, NEGATIVE = "#E07B00", "#2185C5"


class Svg(str):
    """The text of an SVG file, which a notebook shows as a picture."""

    __slots__ = ()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to a file."""
        write_whole(path, str(self))

    def _repr_svg_(self) -> str:
        return str(self)


def network_picture(
    net: Network,
    activity: Sequence[Array] | None = None,
    *,
    feature_names: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
    units: int = 12,
) -> Svg:
    """The drawing of :func:`clearprop.explain.draw_network`.

    activity: h of one sample for each layer, (H_l,), from x to ŷ; units are then filled by it.
    """
    columns = [LayerColumn.of(size, units) for size in net.sizes]
    return Svg(_Picture(net, columns, activity, feature_names, class_names).svg())


@dataclass(frozen=True)
class LayerColumn:
    """The units of a layer that are drawn, and whether a gap stands for the others."""

    n: int
    drawn: tuple[int, ...]
    gap_after: int | None  # the place in `drawn` before the gap

    @classmethod
    def of(cls, n: int, most: int) -> LayerColumn:
        if n <= most:
            return cls(n, tuple(range(n)), None)
        first = most - most // 2
        return cls(n, (*range(first), *range(n - most // 2, n)), first - 1)

    @property
    def height(self) -> float:
        return STEP_Y * (len(self.drawn) - 1 + (self.gap_after is not None))

    def y(self, place: int) -> float:
        """Of a drawn unit, from the middle of the column."""
        gap = self.gap_after is not None and place > self.gap_after
        return STEP_Y * (place + gap) - self.height / 2


class _Picture:
    """One drawing; the methods yield its elements."""

    def __init__(
        self,
        net: Network,
        columns: list[LayerColumn],
        activity: Sequence[Array] | None,
        feature_names: Sequence[str] | None,
        class_names: Sequence[str] | None,
    ) -> None:
        self.net, self.columns, self.activity = net, columns, activity
        self.names: dict[int, Sequence[str] | None] = {
            0: feature_names,
            len(columns) - 1: class_names,
        }
        most = max(len(column.drawn) for column in columns)
        gap = max(LEAST_GAP_X, 9.0 * most)
        left = self._margin(feature_names, columns[0])
        self.xs = [PAD + left + RADIUS + i * gap for i in range(len(columns))]
        self.middle = TOP + max(column.height for column in columns) / 2 + RADIUS
        right = self._margin(class_names, columns[-1])
        # the first and the last caption are centred on their columns and may be the widest
        self.width = self.xs[-1] + RADIUS + max(right, 56.0) + PAD
        if left < 56.0:
            self.xs = [x + 56.0 - left for x in self.xs]
            self.width += 56.0 - left
        self.height = self.middle + max(c.height for c in columns) / 2 + RADIUS + FOOT

    @staticmethod
    def _margin(names: Sequence[str] | None, column: LayerColumn) -> float:
        if names is None:
            return 0.0
        return 6.6 * max(len(_short(names[j])) for j in column.drawn) + 8

    def svg(self) -> str:
        w, h = self.width, self.height
        sizes = "-".join(map(str, self.net.sizes))
        title = f"Fully connected network {sizes}, {counted(self.net.theta.size, 'parameter')}"
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w:.0f} {h:.0f}" '
                f'width="{w:.0f}" height="{h:.0f}" role="img" aria-label="{title}" '
                'font-family="Helvetica, Arial, sans-serif" font-size="11" fill="currentColor">',
                f"<title>{title}</title>",
                *self._edges(),
                *self._units(),
                *self._captions(),
                *self._legend(),
                "</svg>",
            ]
        )

    # ---- edges -------------------------------------------------------------------------------

    def _edges(self) -> Iterator[str]:
        """The edges of each layer, the largest weights last, so that they lie on top."""
        for layer, W in enumerate(self.net.W, 1):
            below, column = self.columns[layer - 1], self.columns[layer]
            weights = W[np.ix_(column.drawn, below.drawn)].astype(np.float64)
            size = np.abs(np.nan_to_num(W.astype(np.float64))).max() or 1.0
            order = np.argsort(np.abs(np.nan_to_num(weights)), axis=None)[-MOST_EDGES:]
            yield f'<g fill="none" class="layer-{layer}">'
            for flat in order.tolist():
                j, i = divmod(flat, len(below.drawn))
                w = float(weights[j, i])
                share = min(abs(w) / size, 1.0) if np.isfinite(w) else 1.0
                if share < 0.004:
                    continue
                x1, x2 = self.xs[layer - 1] + RADIUS, self.xs[layer] - RADIUS
                y1, y2 = self.middle + below.y(i), self.middle + column.y(j)
                name = f"W{sup(layer)}[{column.drawn[j]}, {below.drawn[i]}] = {number(w)}"
                dash = "" if w > 0 else ' stroke-dasharray="5 2.5"'
                yield (
                    f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" '
                    f'stroke="{POSITIVE if w > 0 else NEGATIVE}" '
                    f'stroke-width="{0.3 + 3.2 * share:.2f}" '
                    f'stroke-opacity="{0.15 + 0.8 * share:.2f}"{dash}>'
                    f"<title>{name}</title></path>"
                )
            yield "</g>"

    # ---- units -------------------------------------------------------------------------------

    def _units(self) -> Iterator[str]:
        last = len(self.columns) - 1
        for layer, column in enumerate(self.columns):
            x = self.xs[layer]
            h = None if self.activity is None else self.activity[layer].astype(np.float64)
            largest = 1.0 if h is None else float(np.abs(np.nan_to_num(h)).max()) or 1.0
            b = None if layer == 0 else self.net.b[layer - 1].astype(np.float64)
            for place, unit in enumerate(column.drawn):
                y = self.middle + column.y(place)
                symbol = {0: "x", last: "ŷ"}.get(layer, f"h{sup(layer)}")
                tip = [self._name(layer, unit) or f"{symbol}[{unit}]"]
                if b is not None:
                    tip.append(f"b{sup(layer)}[{unit}] = {number(b[unit])}")
                if h is not None:
                    tip.append(f"{symbol}[{unit}] = {number(h[unit])}")
                yield f"<g><title>{escape(', '.join(tip))}</title>"
                yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{RADIUS}" fill="#808080" '
                yield 'fill-opacity="0.10" stroke="currentColor" stroke-width="0.8"/>'
                if b is not None and b[unit] != 0:
                    share = min(abs(float(b[unit])) / (np.abs(b).max() or 1.0), 1.0)
                    colour = POSITIVE if b[unit] > 0 else NEGATIVE
                    yield (
                        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{RADIUS + 1.6:.1f}" fill="none" '
                        f'stroke="{colour}" stroke-width="{0.4 + 2 * share:.2f}" '
                        f'stroke-opacity="{0.3 + 0.7 * share:.2f}"/>'
                    )
                if h is not None:
                    share = min(abs(float(np.nan_to_num(h[unit]))) / largest, 1.0)
                    colour = POSITIVE if h[unit] > 0 else NEGATIVE
                    yield (
                        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{RADIUS - 0.6:.1f}" '
                        f'fill="{colour}" fill-opacity="{0.6 * share:.2f}"/>'
                    )
                    text = _brief(float(h[unit]))
                    yield (
                        f'<text x="{x:.1f}" y="{y + 2.8:.1f}" font-size="7.6" '
                        f'text-anchor="middle">{text}</text>'
                    )
                yield "</g>"
                yield from self._label(layer, unit, x, y)
            if column.gap_after is not None:
                y = self.middle + (column.y(column.gap_after) + column.y(column.gap_after + 1)) / 2
                yield (
                    f'<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle" opacity="0.75">'
                    f"⋮<title>{column.n - len(column.drawn):,} more</title></text>"
                )

    def _name(self, layer: int, unit: int) -> str:
        names = self.names.get(layer)
        return "" if names is None else str(names[unit])

    def _label(self, layer: int, unit: int, x: float, y: float) -> Iterator[str]:
        name = self._name(layer, unit)
        if name:
            side, anchor = (-1, "end") if layer == 0 else (1, "start")
            yield (
                f'<text x="{x + side * (RADIUS + 7):.1f}" y="{y + 4:.1f}" '
                f'text-anchor="{anchor}">{escape(_short(name))}</text>'
            )

    # ---- words -------------------------------------------------------------------------------

    def _captions(self) -> Iterator[str]:
        """Above each column, its symbol, size and unit; between the columns, the weights."""
        dense = self.net.architecture.dense
        for layer, (x, column) in enumerate(zip(self.xs, self.columns, strict=True)):
            if layer == 0:
                symbol, kind = "x", "inputs"
            elif layer == len(dense):
                symbol, kind = "ŷ", self.net.output.unit
            else:
                activation = dense[layer - 1].activation
                symbol, kind = f"h{sup(layer)}", "" if activation is None else activation.name
            drawn = "" if column.gap_after is None else f", {len(column.drawn)} drawn"
            yield (
                f'<text x="{x:.1f}" y="16" text-anchor="middle" font-size="13" '
                f'font-style="italic">{symbol}</text>'
            )
            yield (
                f'<text x="{x:.1f}" y="30" text-anchor="middle" opacity="0.75">'
                f"{column.n:,} {escape(kind)}{drawn}</text>"
            )
        for layer, (left, right) in enumerate(zip(self.xs[:-1], self.xs[1:], strict=True), 1):
            largest = float(np.abs(self.net.W[layer - 1]).max())
            yield (
                f'<text x="{(left + right) / 2:.1f}" y="16" text-anchor="middle" opacity="0.75">'
                f"|W{sup(layer)}| ≤ {number(largest)}</text>"
            )

    def _legend(self) -> Iterator[str]:
        y = self.height - 12
        x = PAD
        for colour, dash, text in (
            (POSITIVE, "", "weight > 0"),
            (NEGATIVE, ' stroke-dasharray="5 2.5"', "weight < 0"),
        ):
            yield (
                f'<path d="M{x:.1f} {y - 4:.1f}h22" stroke="{colour}" stroke-width="2.6"{dash}/>'
                f'<text x="{x + 27:.1f}" y="{y:.1f}">{escape(text)}</text>'
            )
            x += 98


def _short(name: str) -> str:
    name = str(name)
    return name if len(name) <= SHOWN else name[: SHOWN - 1] + "…"


def _brief(value: float) -> str:
    """A number short enough for a unit."""
    if not np.isfinite(value):
        return str(value)
    size = abs(value)
    text = f"{value:.2f}" if size < 10 else f"{value:.0f}" if size < 1000 else f"{value:.0e}"
    text = text.replace("-", "−")
    return text.replace("0.", ".", 1) if size < 0.995 else text
