"""Pictures of spaces: the plane of two features with the decisions, a hidden layer, θ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.checks import check_length
from clearprop.engines.reference import steady_numerics
from clearprop.explain.picture import COLOURS, MARKERS, Picture, colour_map, drawing
from clearprop.network import Network
from clearprop.notation import sup
from clearprop.propagation import forward_propagation, mean_loss

MOST_DOTS = 2000


def plot_decision_boundary(
    model: Any,
    X: Array,
    t: Array | None = None,
    *,
    features: tuple[int, int] = (0, 1),
    at: Array | None = None,
    names: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
    points: int = 150,
) -> Picture:
    """The predictions of a model over the plane of two features, with the rows of X on it.

    model: a Network or an estimator (`predict_proba`, else `predict`). features: the two columns;
    the other columns are held at `at` (D,), by default at their medians. The background shows the
    most probable class, paler where the model is less certain, or ŷ itself for a regression. t:
    classes or numbers, which colour the rows. points: grid points per side. Raises ValueError,
    naming the argument.
    """
    X = np.asarray(X)
    D = X.shape[1] if X.ndim == 2 else 0
    i, j = features
    if D < 2 or not (0 <= i < D and 0 <= j < D and i != j):
        raise ValueError(f"features must be two different columns of X {X.shape}; got {features}")
    if names is not None and len(names) != D:
        raise ValueError(f"names must have {D} entries, one per column; got {len(names)}")
    middle = np.median(X, axis=0) if at is None else np.asarray(at)
    if middle.shape != (D,):
        raise ValueError(f"at must have shape ({D},); got {middle.shape}")
    x, y = (_axis(X[:, f], points) for f in (i, j))
    grid = np.tile(middle.astype(np.float64), (points * points, 1))
    grid[:, i], grid[:, j] = np.tile(x, points), np.repeat(y, points)
    values, classes = _predict(model, grid)
    with drawing(6.2, 4.8) as figure:
        axes = figure.subplots()
        shape = (points, points)
        if classes:
            _class_areas(axes, x, y, values, shape)
            K = values.shape[1]
            labels = [str(k) for k in _labels(model, K)] if class_names is None else class_names
        else:
            mesh = axes.pcolormesh(x, y, values.reshape(shape), cmap="cividis", rasterized=True)
            figure.colorbar(mesh, ax=axes, label="ŷ")
            labels = []
        if t is None:
            axes.plot(X[:MOST_DOTS, i], X[:MOST_DOTS, j], ".", color="black", ms=3)
        else:
            limits = None if classes else (values.min(), values.max())
            known = list(_labels(model, len(labels))) if classes else None
            _dots(axes, X[:, [i, j]], np.asarray(t), labels, limits, known)
        axes.set_xlabel(f"feature {i}" if names is None else names[i])
        axes.set_ylabel(f"feature {j}" if names is None else names[j])
        axes.set_xlim(x[0], x[-1])
        axes.set_ylim(y[0], y[-1])
        axes.grid(visible=False)
        if D > 2:
            held = "their medians" if at is None else "the given values"
            axes.set_title(f"the other {D - 2} features are held at {held}")
    return Picture(figure)


def _predict(model: Any, grid: Array) -> tuple[Array, bool]:
    """(points, K) probabilities and True, or (points,) numbers and False."""
    if isinstance(model, Network):
        if model.output.unit in ("softmax", "logistic"):
            return model.predict_proba(grid), True
        return model.forward(grid).y_hat[:, 0], False
    if hasattr(model, "predict_proba"):
        return np.asarray(model.predict_proba(grid)), True
    predicted = np.asarray(model.predict(grid))
    return predicted.reshape(len(grid), -1)[:, 0], False


def _labels(model: Any, n: int) -> Sequence[Any]:
    known = getattr(model, "classes_", None)
    return list(known) if known is not None and len(known) == n else list(range(n))


def _class_areas(axes: Any, x: Array, y: Array, p: Array, shape: tuple[int, int]) -> None:
    from matplotlib.colors import to_rgb

    winner, K = p.argmax(axis=1), p.shape[1]
    # 0 if all classes tie, 1 if one is certain
    sure = np.clip((p.max(axis=1) - 1 / K) / (1 - 1 / K), 0, 1)
    colours = np.array([to_rgb(c) for c in colour_map(K)])
    strength = (0.08 + 0.47 * sure)[:, None]
    image = 1 - strength * (1 - colours[winner])
    extent = (x[0], x[-1], y[0], y[-1])
    axes.imshow(image.reshape(*shape, 3), extent=extent, origin="lower", aspect="auto",
                interpolation="bilinear")  # fmt: skip
    for k in range(K if K > 2 else 1):
        others = np.delete(p, k, axis=1).max(axis=1)
        if (p[:, k] > others).any() and (p[:, k] < others).any():
            margin = (p[:, k] - others).reshape(shape)
            axes.contour(x, y, margin, levels=[0.0], colors="#333333", linewidths=1)


def _dots(
    axes: Any,
    at: Array,
    t: Array,
    labels: Sequence[str],
    limits: tuple[float, float] | None = None,
    known: Sequence[Any] | None = None,
) -> None:
    """The rows: a colour and a marker for each class, or a colour scale for numbers."""
    t = t[:, 0] if t.ndim == 2 and t.shape[1] == 1 else t
    t = t.argmax(axis=1) if t.ndim == 2 else t
    if len(t) != len(at):
        raise ValueError(f"t must have one entry per row of X ({len(at)}); got {len(t)}")
    if len(at) > MOST_DOTS:
        some = np.linspace(0, len(at) - 1, MOST_DOTS).astype(int)
        at, t = at[some], t[some]
    if limits is not None:
        axes.scatter(at[:, 0], at[:, 1], c=t, s=18, cmap="cividis", vmin=limits[0], vmax=limits[1],
                     edgecolors="white", linewidths=0.5)  # fmt: skip
        return
    values = list(np.unique(t)) if known is None else known
    colours = colour_map(len(values))
    for k, value in enumerate(values):
        rows = t == value
        name = labels[k] if k < len(labels) else str(value)
        axes.scatter(at[rows, 0], at[rows, 1], s=20, color=colours[k], label=name,
                     marker=MARKERS[k % len(MARKERS)], edgecolors="white",
                     linewidths=0.5)  # fmt: skip
    if len(values) <= 12:
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), handletextpad=0.2)


def _axis(values: Array, points: int) -> Array:
    low, high = float(np.min(values)), float(np.max(values))
    margin = 0.08 * (high - low) or 0.5
    return np.linspace(low - margin, high + margin, points)


def plot_hidden_space(
    net: Network,
    X: Array,
    t: Array | None = None,
    *,
    layer: int | None = None,
    class_names: Sequence[str] | None = None,
) -> Picture:
    """The rows in the space of a hidden layer, h⁽ˡ⁾.

    Two units span the plane itself; more units are projected on their first two principal
    components. For two units and a classification, the decision boundaries of the layers above are
    shown. layer: l, by default the last hidden layer. t: classes or numbers, which colour the rows.
    Raises ValueError for a layer that does not exist.
    """
    n_hidden = len(net.architecture.dense) - 1
    layer = n_hidden if layer is None else layer
    if not 0 <= layer <= n_hidden:
        raise ValueError(f"layer must be 0 … {n_hidden}, with 0 for the input; got {layer}")
    h = net.forward(X).h[layer]
    h = np.asarray(h.toarray() if hasattr(h, "toarray") else h, dtype=np.float64)
    with drawing(6.0, 4.6) as figure:
        axes = figure.subplots()
        name = f"h{sup(layer)}" if layer else "x"
        if h.shape[1] == 1:
            at = np.column_stack([h[:, 0], np.zeros(len(h))])
            axes.set(xlabel=f"{name}, unit 0", yticks=[])
        elif h.shape[1] == 2:
            at = h
            axes.set(xlabel=f"{name}, unit 0", ylabel=f"{name}, unit 1")
        else:
            centred = h - h.mean(axis=0)
            _, s, Vt = np.linalg.svd(centred, full_matrices=False)
            at = centred @ Vt[:2].T
            total = float((s**2).sum()) or 1.0
            for set_label, k in ((axes.set_xlabel, 0), (axes.set_ylabel, 1)):
                share = float(s[k] ** 2) / total
                set_label(f"principal component {k + 1} of {name}, {share:.0%} of the variance")
        if h.shape[1] == 2 and net.output.unit in ("softmax", "logistic"):
            x, y = _axis(at[:, 0], 120), _axis(at[:, 1], 120)
            plane = np.column_stack([np.tile(x, 120), np.repeat(y, 120)]).astype(net.theta.dtype)
            p = above(net, layer, plane)
            p = (
                np.column_stack([1 - p, p]) if p.shape[1] == 1 else p
            )  # one logistic unit: two classes
            _class_areas(axes, x, y, p, (120, 120))
            axes.grid(visible=False)
        if t is None:
            axes.plot(at[:MOST_DOTS, 0], at[:MOST_DOTS, 1], ".", color=COLOURS[0], ms=4)
        else:
            t = np.asarray(t)
            is_class = net.output.unit in ("softmax", "logistic")
            limits = None if is_class else (float(t.min()), float(t.max()))
            labels = [] if class_names is None else class_names
            n = max(2, net.sizes[-1])
            _dots(axes, at, t, labels, limits, list(range(n)) if is_class else None)
        axes.set_title(f"{len(h):,} rows in the space of {name} ({h.shape[1]} units)")
    return Picture(figure)


def above(net: Network, layer: int, h: Array) -> Array:
    """ŷ for given h⁽ˡ⁾: the rest of the network."""
    numbers = [n for n, kind in enumerate(net.architecture.layers) if kind.name == "dense"]
    parameters = net.architecture.unpack(net.theta)
    for number in range(numbers[layer], len(parameters)):
        h = net.architecture.layers[number].forward(parameters[number], h, None)[0]
    return net.output.y_hat(h)


def plot_loss_slice(
    net: Network,
    X: Array,
    t: Array,
    *,
    radius: float = 1.0,
    points: int = 41,
    seed: int = 0,
    plane: bool = True,
) -> Picture:
    """ℒ around θ: over a plane of two random directions, or along one.

    Each direction is scaled to the weights, unit by unit, so that pictures can be compared
    (filter normalisation). radius: the distance from θ in units of the size of the weights.
    points: grid points per side. Source: Li et al., Visualizing the loss landscape of neural nets
    (2018).
    """
    if points < 3 or not radius > 0:
        raise ValueError(f"points must be >= 3 and radius > 0; got {points} and {radius}")
    trace = net.forward(X)
    t = net.output.targets(t, net.architecture.n_outputs, net.theta.dtype)
    check_length("t", len(t), len(trace.y_hat))
    rng = np.random.default_rng(seed)
    u, v = normalised_direction(net, rng), normalised_direction(net, rng)
    steps = np.linspace(-radius, radius, points)

    def loss(theta: Array) -> float:
        with steady_numerics():
            return mean_loss(
                net.architecture, forward_propagation(net.architecture, theta, trace.X), t
            )

    with drawing(5.8, 4.6 if plane else 3.6) as figure:
        axes = figure.subplots()
        if plane:
            values = np.array([[loss(net.theta + a * u + b * v) for a in steps] for b in steps])
            levels = np.geomspace(max(values.min(), 1e-12), values.max() * 1.0001, 18)
            from matplotlib.colors import LogNorm

            if values.min() > 0 and values.max() / values.min() > 3:
                norm: Any = LogNorm(values.min(), values.max())
            else:
                norm, levels = None, np.linspace(values.min(), values.max() + 1e-12, 18)
            area = axes.contourf(steps, steps, values, levels=levels, cmap="cividis", norm=norm)
            axes.contour(steps, steps, values, levels=levels, colors="white", linewidths=0.4)
            figure.colorbar(area, ax=axes, label="ℒ", format="%.3g")
            axes.plot(0, 0, "o", color="white", mec="black", ms=7)
            axes.annotate("θ", (0, 0), (6, 6), textcoords="offset points", color="white")
            axes.set(xlabel="first direction", ylabel="second direction")
            axes.grid(visible=False)
        else:
            for label, direction in (("first direction", u), ("second direction", v)):
                axes.plot(steps, [loss(net.theta + a * direction) for a in steps], label=label)
            axes.plot(0, loss(net.theta), "o", color="black", ms=6)
            axes.set(xlabel="distance from θ, relative to the weights", ylabel="ℒ")
            axes.legend()
        axes.set_title(f"ℒ around θ, where it is {loss(net.theta):.4g}")
    return Picture(figure)


def normalised_direction(net: Network, rng: np.random.Generator) -> Array:
    """A random direction with each unit's weights as long as in θ, and 0 for biases."""
    direction = rng.standard_normal(net.theta.shape).astype(net.theta.dtype)
    layers, unpack = net.architecture.layers, net.architecture.unpack
    for layer, d, p in zip(layers, unpack(direction), unpack(net.theta), strict=True):
        for name, value in d.items():
            if name in layer.biases or value.ndim < 2:
                value[...] = 0
            else:
                d_norm, p_norm = (
                    np.linalg.norm(a, axis=1, keepdims=True) for a in (value, p[name])
                )
                value[...] = value * (p_norm / d_norm)
    return direction
