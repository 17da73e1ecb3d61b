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
    """The network with its real weights, as an SVG that stands alone.

    An edge is as wide as its weight is large beside the largest of its layer: orange and solid for
    weights > 0, blue and dashed for those < 0. A ring shows a unit's bias in the same way. x: one
    sample (D,); the units are then filled by h and show it. feature_names, class_names: of inputs
    and outputs. units: drawn of each layer at most; the others are counted. Text takes the colour
    of the page around it. Raises ValueError, naming the argument.
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
