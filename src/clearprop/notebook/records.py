"""The display of Network, Trace, Gradients and History in a notebook."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop._typing import Array
from clearprop.notation import counted, number, sup
from clearprop.notebook.html import MOST_ROWS, matrix_html, page, table_html
from clearprop.notebook.network_picture import network_picture

if TYPE_CHECKING:
    from clearprop.history import History
    from clearprop.network import Network
    from clearprop.propagation import Gradients, Trace

# With more edges than this, a picture adds nothing to the table.
MOST_DRAWN = 400
WIDTH, HEIGHT = 460, 150
STROKES = (("training", "#E07B00", ""), ("validation", "#2185C5", ' stroke-dasharray="6 3"'))


def network_html(net: Network) -> str:
    """A table of the layers, and a picture if the network is small."""
    rows = []
    parameters = net.architecture.unpack(net.theta)
    for layer, p in zip(net.architecture.layers, parameters, strict=True):
        activation = getattr(layer, "activation", None)
        what = activation.name if activation is not None else ""
        if layer is net.architecture.layers[-1]:
            what = f"{net.output.unit}, {net.output.name} loss"
        if layer.name == "dropout":
            what = f"rate {getattr(layer, 'rate', 0):g}"
        shapes = ", ".join(f"{name} {value.shape}" for name, value in p.items())
        W = p.get("W")
        size = "" if W is None else number(float(np.sqrt(np.mean(np.square(W)))))
        rows.append((layer.name, what, shapes, f"{sum(v.size for v in p.values()):,}", size))
    sizes = "-".join(map(str, net.sizes))
    about = f"{counted(net.theta.size, 'parameter')}, {net.theta.dtype}"
    head = f"<div><b>Network {sizes}</b>, {about}</div>"
    header = ("layer", "units", "parameters", "number", "|W| (root mean square)")
    table = table_html(header, rows, left=3)
    n_edges = sum(W.size for W in net.W)
    return page(head + table + (network_picture(net) if n_edges <= MOST_DRAWN else ""))


def trace_html(trace: Trace) -> str:
    """x, every z and h, and ŷ, folded layer by layer."""
    parts = [f"<div><b>Trace</b> of {counted(trace.X.shape[0], 'row')}</div>"]
    plain = trace.h[0] is trace.X
    parts.append(_folded("x = h⁽⁰⁾" if plain else "x", trace.X, ("n", "i")))
    if not plain:  # layers for the columns come first
        parts.append(_folded("h⁽⁰⁾", trace.h[0], ("n", "i")))
    for layer, z in enumerate(trace.z, 1):
        parts.append(_folded(f"z{sup(layer)}", z, ("n", "j")))
        if layer < len(trace.h):
            parts.append(_folded(f"h{sup(layer)}", trace.h[layer], ("n", "j")))
    parts.append(_folded("ŷ", trace.y_hat, ("n", "k")))
    return page("".join(parts))


def gradients_html(gradients: Gradients) -> str:
    """Every ∂ℒ/∂z, ∂ℒ/∂W, ∂ℒ/∂b and ∂ℒ/∂h, from the output back, folded."""
    length = number(float(np.linalg.norm(gradients.theta)))
    parts = [f"<div><b>Gradients</b>, length of ∂ℒ/∂θ {length}</div>"]
    plain = gradients.dL_dh[0] is gradients.dL_dX
    for i in reversed(range(len(gradients.dL_dz))):
        above, below = sup(i + 1), f"h{sup(i)}" if i or not plain else "h⁽⁰⁾ = ∂ℒ/∂x"
        parts += [
            _folded(f"∂ℒ/∂z{above}", gradients.dL_dz[i], ("n", "j")),
            _folded(f"∂ℒ/∂W{above}", gradients.dL_dW[i], ("j", "i")),
            _folded(f"∂ℒ/∂b{above}", gradients.dL_db[i], ("j",)),
            _folded(f"∂ℒ/∂{below}", gradients.dL_dh[i], ("n", "i")),
        ]
    return page("".join(parts))


def _folded(name: str, value: Array, axes: tuple[str, ...]) -> str:
    """One line with the shape and the size of an array, which unfolds to its numbers."""
    shape = value.shape
    first: Any = value[:MOST_ROWS]
    shown: Array = first.toarray() if hasattr(first, "toarray") else value
    with np.errstate(all="ignore"):
        size = float(np.sqrt(np.mean(np.square(shown, dtype=np.float64)))) if shown.size else 0.0
    line = f"{escape(name)} {shape}, root mean square {number(size)}"
    return f"<details><summary>{line}</summary>{matrix_html(shown, axes)}</details>"


def history_html(history: History) -> str:
    """The last epoch in a table, and the losses as curves."""
    n = len(history)
    stopped = f", ended by: {history.stopped}" if history.stopped else ""
    engine = f", engine {history.engine}" if history.engine else ""
    head = f"<div><b>History</b> of {counted(n, 'epoch')}{escape(stopped + engine)}</div>"
    if n == 0:
        return page(head)
    columns = {"loss": history.loss, "validation loss": history.validation_loss}
    columns |= history.metrics
    columns |= {"learning rate": history.learning_rate, "seconds": history.seconds}
    rows = []
    for name, values in columns.items():
        if values:
            finite = [v for v in values if np.isfinite(v)] or [float("nan")]
            rows.append((name, float(values[0]), min(finite), max(finite), float(values[-1])))
    table = table_html(("", "first", "least", "largest", "last"), rows)
    return page(head + table + curves_svg(history.loss, history.validation_loss))


def curves_svg(loss: list[float], validation: list[float]) -> str:
    """The two losses over the epochs, as SVG."""
    series = [np.array(loss, dtype=float), np.array(validation, dtype=float)]
    finite = np.concatenate(series)
    finite = finite[np.isfinite(finite)]
    if len(loss) < 2 or finite.size == 0:
        return ""
    low, high = float(finite.min()), float(finite.max())
    span = high - low or 1.0
    left, bottom = 58, HEIGHT - 22
    parts = []
    for values, (name, colour, dash) in zip(series, STROKES, strict=True):
        if len(values) == 0:
            continue
        x = left + (WIDTH - left - 8) * np.arange(len(values)) / (len(loss) - 1)
        y = 14 + (bottom - 14) * (1 - (values - low) / span)
        points = " ".join(
            f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True) if np.isfinite(b)
        )  # fmt: skip
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.6"{dash}>'
            f"<title>{name} loss</title></polyline>"
        )
    for value, where in ((high, 18), (low, bottom)):
        parts.append(f'<text x="{left - 6}" y="{where}" text-anchor="end">{number(value)}</text>')
    parts.append(f'<text x="{left}" y="{HEIGHT - 6}">epoch 1</text>')
    parts.append(f'<text x="{WIDTH - 8}" y="{HEIGHT - 6}" text-anchor="end">{len(loss)}</text>')
    legend = "training solid" + (", validation dashed" if validation else "")
    parts.append(f'<text x="{WIDTH - 8}" y="10" text-anchor="end">ℒ, {legend}</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" role="img" aria-label="losses over the epochs" font-size="10" '
        f'fill="currentColor">{"".join(parts)}</svg>'
    )
