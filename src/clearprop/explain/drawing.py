"""A network as a picture: its units, and its real weights as edges."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clearprop._typing import Array
from clearprop.network import Network
from clearprop.notebook.network_picture import Svg, network_picture

__all__ = ["Svg", "draw_network"]


def draw_network(
    net: Network,
    x: Array | None = None,
    *,
    feature_names: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
    units: int = 12,
) -> Svg:
    """The network with its real weights, as a standalone SVG.

    The width of an edge shows the size of its weight relative to the largest weight of the layer;
    edges are orange and solid for weights > 0, blue and dashed for weights < 0. A ring shows the
    bias of a unit in the same way. x: one sample (D,); the units then show h as number and fill.
    feature_names, class_names: names of the inputs and outputs. units: the most units to draw per
    layer; the rest are counted. Text takes the colour of the surrounding page. Raises ValueError,
    naming the argument.
    """
    if not 2 <= units <= 100:
        raise ValueError(f"units must lie between 2 and 100; got {units!r}")
    sizes = net.sizes
    named = (
        ("feature_names", feature_names, sizes[0]),
        ("class_names", class_names, sizes[-1]),
    )
    for argument, names, n in named:
        if names is not None and len(names) != n:
            raise ValueError(f"{argument} must be {n} names; got {len(names)}")
    activity: list[Array] | None = None
    if x is not None:
        trace = net.forward(np.asarray(x).reshape(1, -1))
        activity = [*(h[0] for h in trace.h), trace.y_hat[0]]
    return network_picture(
        net, activity, feature_names=feature_names, class_names=class_names, units=units
    )
