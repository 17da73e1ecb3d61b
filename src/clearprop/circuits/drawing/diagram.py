"""A circuit as an SVG picture, with the soft values on its wires, and its soft truth table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

import numpy as np
import numpy.typing as npt

from clearprop._typing import Array
from clearprop.circuits.drawing.layout import PIN, TRACK, Place, Route, arrange
from clearprop.circuits.drawing.symbols import BUBBLE, STUB, symbol
from clearprop.circuits.gates import all_bits
from clearprop.circuits.netlist import Circuit, CircuitError, as_bits
from clearprop.circuits.soft.circuit import SoftCircuit

MOST_CELLS = 400
MOST_INPUTS = 10
SHOWN = 12  # characters of a name; the tooltip has the whole name
PAD = 14.0

# Blue for 0, grey for ½, orange for 1, and 1 is thicker: also for the colour-blind, and in print.
_LIGHT = ((0x00, 0x5F, 0xA3), (0x76, 0x76, 0x76), (0xB9, 0x4A, 0x00))
_DARK = ((0x5A, 0xB4, 0xEE), (0x9A, 0x9A, 0x9A), (0xF0, 0xA2, 0x3A))


def draw(circuit: Circuit | SoftCircuit, bits: npt.ArrayLike | None = None) -> str:
    """The diagram as the text of a self-contained SVG file with a light and a dark theme.

    Inputs are on the left, then comes a column for each level, and outputs are on the right. bits:
    0 or 1 for each input; the wires then show their values (soft values for a soft circuit): blue
    for 0, grey for ½, orange for 1.
    Raises CircuitError for more than 400 cells, ValueError for wrong bits.
    """
    soft = circuit if isinstance(circuit, SoftCircuit) else None
    plain = soft.circuit if soft is not None else circuit
    assert isinstance(plain, Circuit)
    if len(plain.cells) > MOST_CELLS:
        raise CircuitError(
            f"{plain.name} has {len(plain.cells):,} cells; at most {MOST_CELLS} can be drawn: "
            "draw a part of it, for instance circuit.cone([net])"
        )
    if not plain.nets:
        raise CircuitError(f"{plain.name} has nothing to draw: no input and no cell")
    return _Picture(plain, None if bits is None else net_values(circuit, bits)).svg()


def net_values(circuit: Circuit | SoftCircuit, bits: npt.ArrayLike) -> dict[str, float]:
    """The value of each net for one row of bits; the soft value if the circuit is soft.

    Raises ValueError unless bits are 0 or 1, one for each input.
    """
    plain = circuit.circuit if isinstance(circuit, SoftCircuit) else circuit
    n, row = len(plain.inputs), np.asarray(bits)
    if row.shape not in ((n,), (1, n)):
        raise ValueError(f"bits must be one row of {n}; got the shape {row.shape}")
    row = as_bits(row.reshape(1, n), n)
    if isinstance(circuit, Circuit):
        values = circuit.evaluate_nets(row)[0].astype(float)
        return dict(zip(circuit.nets, values.tolist(), strict=True))
    sources = [*row[0].astype(float).tolist(), *circuit.evaluate_units(row)[0].tolist()]
    out = {}
    for net in plain.nets:
        source, negated = circuit.units.wires[net]
        value = sources[source] if source >= 0 else 0.0
        out[net] = 1.0 - value if negated else value
    return out


def table(soft: SoftCircuit) -> str:
    """The truth table as text: the inputs, each output's bit and soft value, and the bounds.

    Raises CircuitError for more than 10 inputs.
    """
    circuit = soft.circuit
    n = len(circuit.inputs)
    if n > MOST_INPUTS:
        raise CircuitError(
            f"{circuit.name} has {n} inputs; a table is shown for at most {MOST_INPUTS} inputs, "
            f"{2**MOST_INPUTS:,} rows"
        )
    bits = all_bits(n)
    hard, h = circuit.evaluate(bits), soft.evaluate(bits)
    certificate = soft.certify()
    heads = [_clean(net) for net in circuit.inputs]
    for net in circuit.outputs:
        heads += [_clean(net), f"soft {_clean(net)}"]
    rows = [heads]
    for x, y, soft_y in zip(bits, hard, h, strict=True):
        row = [str(int(v)) for v in x]
        for bit, value in zip(y, soft_y, strict=True):
            row += [str(int(bit)), f"{value:.6f}"]
        rows.append(row)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(v.rjust(width) for v, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    off = np.abs(h - hard).max(axis=0, initial=0.0)
    bounds = [
        f"{_clean(net)}: off by at most {worst:.6f} in this table, certified {bound:.6f}"
        for net, worst, bound in zip(circuit.outputs, off, certificate.certified_error, strict=True)
    ]
    return "\n".join([*lines, "", *bounds, str(certificate)])


class _Picture:
    """One drawing; the methods yield its SVG elements."""

    def __init__(self, circuit: Circuit, values: Mapping[str, float] | None) -> None:
        self.circuit, self.values = circuit, values
        self.hard = values is not None and all(v in (0.0, 1.0) for v in values.values())
        self.kind = {cell.output: cell.kind for cell in circuit.cells}
        self.columns, self.routes = arrange(self._columns())
        self._place()

    def _columns(self) -> list[list[Place]]:
        depth = max(self.circuit.level.values())
        columns: list[list[Place]] = [[] for _ in range(depth + 2)]
        for net in self.circuit.inputs:
            columns[0].append(Place(net, 14.0, (), gap=10.0))
        for cell in self.circuit.cells:
            height = max(26.0, PIN * len(cell.inputs) + 4)
            swap = cell.kind != "mux"
            place = Place(cell.output, height, cell.inputs, swap, gap=18.0)
            columns[self.circuit.level[cell.output]].append(place)
        for i, net in enumerate(self.circuit.outputs):
            columns[-1].append(Place(f"{i} {net}", 14.0, (net,), gap=10.0))
        return columns

    def _place(self) -> None:
        """Set x, the left ends of the columns, their widths, and the size of the whole picture."""
        labels = [self._label(net) for net in self.circuit.inputs] or [""]
        outs = [self._label(net) for net in self.circuit.outputs] or [""]
        self.widths = [max(map(len, labels)) * 7.0 + 6]
        for column in self.columns[1:-1]:
            cells = [p for p in column if not p.passage]
            self.widths.append(max(symbol(self.kind[p.net]).whole_width for p in cells))
        self.widths.append(max(map(len, outs)) * 7.0 + 8)
        self.x = [PAD]
        for width, routes in zip(self.widths, self.routes, strict=False):
            tracks = 1 + max((r.track for r in routes if r.track is not None), default=-1)
            self.x.append(self.x[-1] + width + self._lead() + TRACK * tracks + 12)
        self.width = self.x[-1] + self.widths[-1] + PAD
        low = max(p.y + p.height / 2 for column in self.columns for p in column)
        self.height = low + 2 * PAD + (26 if self.values is not None else 6)

    def _lead(self) -> float:
        """The distance from a column to its first track, with room for a value."""
        return 12.0 if self.values is None or self.hard else 36.0

    def svg(self) -> str:
        """The whole file."""
        name = _clean(self.circuit.name)
        what = "values for one input" if self.values is not None else "gates and wires"
        w, h = f"{self.width:g}", f"{self.height:g}"
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" '
            f'viewBox="0 0 {w} {h}" role="img" aria-label="{escape(name)}: {what}">',
            f"<title>{escape(name)}</title>",
            f"<style>{_style(self.values is not None)}</style>",
            f'<rect class="paper" width="{w}" height="{h}"/>',
            f'<g transform="translate(0 {PAD + 4:g})">',
            *self._wires(),
            *self._gates(),
            *self._labels(),
            "</g>",
            *self._legend(),
            "</svg>",
        ]
        return "\n".join(parts) + "\n"

    def _wires(self) -> Iterator[str]:
        """One group for each net: its strokes, the dots where it branches, and its tooltip."""
        strokes: dict[str, list[str]] = {net: [] for net in self.circuit.nets}
        dots: dict[str, list[tuple[float, float]]] = {net: [] for net in self.circuit.nets}
        for i, routes in enumerate(self.routes):
            left, right = self.x[i] + self.widths[i], self.x[i + 1]
            for route in routes:
                path, branches = _stroke(route, left, right, self._lead())
                strokes[route.net].append(path)
                dots[route.net] += branches
        for i, column in enumerate(self.columns):
            for place in column:
                if place.passage:
                    strokes[place.net].append(f"M{self.x[i]:g} {place.y:g}h{self.widths[i]:g}")
                elif 0 < i < len(self.columns) - 1:
                    shape = symbol(self.kind[place.net])
                    end = self.x[i] + shape.whole_width
                    rest = self.widths[i] - shape.whole_width
                    if rest > 0 and strokes[place.net]:
                        strokes[place.net].append(f"M{end:g} {place.y:g}h{rest:g}")
                    for k, net in enumerate(place.reads):
                        share = (place.pin(k) - place.y + place.height / 2) / place.height
                        strokes[net].append(
                            f"M{self.x[i]:g} {place.pin(k):g}h{STUB + shape.edge(share):g}"
                        )
        for net, paths in strokes.items():
            if paths:
                circles = "".join(f'<circle cx="{x:g}" cy="{y:g}" r="2.8"/>' for x, y in dots[net])
                yield (
                    f'<g class="wire {self._shade(net)}"{_data_net(net)}>{self._tip(net)}'
                    f'<path d="{"".join(paths)}"/>{circles}</g>'
                )

    def _gates(self) -> Iterator[str]:
        for i, column in enumerate(self.columns[1:-1], 1):
            for place in column:
                if not place.passage:
                    yield from self._gate(place, self.x[i] + STUB)

    def _gate(self, place: Place, x: float) -> Iterator[str]:
        kind = self.kind[place.net]
        shape, h = symbol(kind), place.height
        yield f'<g transform="translate({x:g} {place.y - h / 2:g})">{self._tip(place.net)}'
        yield f'<path class="body" d="{shape.path(h)}"/>'
        if shape.bubble:
            yield (
                f'<circle class="body" cx="{shape.width + BUBBLE:g}" cy="{h / 2:g}" r="{BUBBLE}"/>'
            )
        if shape.text:
            yield f'<text class="in" x="{shape.width / 2:g}" y="{h / 2 + 4:g}">{shape.text}</text>'
        for k, pin in enumerate(shape.pins):
            y = place.pin(k) - place.y + h / 2 + 3
            yield f'<text class="in small" x="7" y="{y:g}">{pin}</text>'
        outputs = set(self.circuit.outputs)
        if place.net not in outputs:
            yield f'<text class="name" x="0" y="-4">{escape(_short(place.net))}</text>'
        if self.values is not None and not self.hard:
            at = self.widths[self.circuit.level[place.net]] - STUB + 3
            value = f"{self.values[place.net]:.3f}"
            yield (
                f'<text class="value {self._shade(place.net)}"{_data_net(place.net)} '
                f'x="{at:g}" y="{h / 2 - 4:g}">'
                f"{value}</text>"
            )
        yield "</g>"

    def _labels(self) -> Iterator[str]:
        for place in self.columns[0]:
            x = self.x[0] + self.widths[0] - 6
            yield self._name(place.net, place.y, x, "end")
        for place in self.columns[-1]:
            yield self._name(place.reads[0], place.y, self.x[-1] + 6, "start")

    def _name(self, net: str, y: float, x: float, anchor: str) -> str:
        return (
            f'<text class="port {self._shade(net)}"{_data_net(net)} x="{x:g}" y="{y + 4:g}" '
            f'text-anchor="{anchor}">{self._tip(net)}{escape(self._label(net))}</text>'
        )

    def _label(self, net: str) -> str:
        if self.values is None:
            return _short(net)
        value = self.values[net]
        plain = self.hard or net in self.circuit.inputs
        return f"{_short(net)} = {value:.0f}" if plain else f"{_short(net)} = {value:.3f}"

    def _tip(self, net: str) -> str:
        kind = self.kind.get(net, "input")
        value = "" if self.values is None else f" = {self.values[net]:.6g}"
        return f"<title>{escape(_clean(net))}{value} ({kind})</title>"

    def _shade(self, net: str) -> str:
        return "" if self.values is None else f"v{round(10 * self.values[net])}"

    def _legend(self) -> Iterator[str]:
        if self.values is None:
            return
        y = self.height - 14
        yield f'<text class="name" x="{PAD:g}" y="{y + 3:g}">0</text>'
        for k in range(11):
            x = PAD + 10 + 7 * k
            yield f'<g class="wire v{k}"><path d="M{x:g} {y:g}h7"/></g>'
        yield f'<text class="name" x="{PAD + 91:g}" y="{y + 3:g}">1</text>'


def _stroke(
    route: Route, left: float, right: float, lead: float
) -> tuple[str, list[tuple[float, float]]]:
    """The strokes of a net between two columns, and the points where it branches."""
    start = f"M{left:g} {route.start:g}"
    if route.slanted:
        near, far = left + lead - 6, right - 6
        ends = "".join(f"M{near:g} {route.start:g}L{far:g} {y:g}H{right:g}" for y in route.ends)
        return f"{start}H{near:g}{ends}", []
    if route.track is None:
        return f"{start}H{right:g}", []
    x, (low, high) = left + lead + TRACK * route.track, route.span
    ends = "".join(f"M{x:g} {y:g}H{right:g}" for y in dict.fromkeys(route.ends))
    points = {route.start, *route.ends}
    dots = [
        (x, y) for y in sorted(points) if low < y < high or (y == route.start and y in route.ends)
    ]
    return f"{start}H{x:g}M{x:g} {low:g}V{high:g}{ends}", dots


def _style(shaded: bool) -> str:
    common = (
        "text{font:11px system-ui,sans-serif}.name{font-size:9px}.value{font-size:9.5px}"
        ".small{font-size:8px}.in{text-anchor:middle}.wire path{fill:none;stroke-width:1.4}"
        ".body{stroke-width:1.5}"
    )
    if shaded:
        common += "".join(f".v{k} path{{stroke-width:{1.1 + 0.15 * k:.2f}}}" for k in range(11))
    light = _theme("#ffffff", "#1b1f24", "#5c6570", "#f4f6f8", _LIGHT, shaded)
    dark = _theme("#14171c", "#e6e9ed", "#a0a8b2", "#20252c", _DARK, shaded)
    return f"{common}{light}@media (prefers-color-scheme:dark){{{dark}}}"


def _theme(paper: str, ink: str, faint: str, body: str, ramp: object, shaded: bool) -> str:
    text = (
        f".paper{{fill:{paper}}}text{{fill:{ink}}}.name,.small{{fill:{faint}}}"
        f".body{{fill:{body};stroke:{ink}}}.wire path{{stroke:{ink}}}.wire circle{{fill:{ink}}}"
    )
    if shaded:
        for k in range(11):
            colour = _colour(np.array(ramp, float), k / 10)
            text += f".v{k} path{{stroke:{colour}}}.v{k} circle,text.v{k}{{fill:{colour}}}"
    return text


def _colour(ramp: Array, value: float) -> str:
    """A colour between the three colours of a ramp."""
    rgb = [np.interp(value, [0, 0.5, 1], channel) for channel in ramp.T]
    return "#" + "".join(f"{round(float(c)):02x}" for c in rgb)


def _clean(name: str) -> str:
    """A name without characters that XML cannot hold or a terminal would not show."""
    return "".join(c if c.isprintable() else "�" for c in name)


def _data_net(net: str) -> str:
    """The attribute by which a program finds the elements of a net."""
    return f' data-net="{escape(_clean(net))}"'


def _short(name: str) -> str:
    name = _clean(name)
    return name if len(name) <= SHOWN else f"{name[: SHOWN - 1]}…"
