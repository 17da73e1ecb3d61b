"""circuitgraph's circuits evaluated gate by gate in circuitgraph's own order."""

from __future__ import annotations

from typing import Any

import numpy as np


def simulate(graph: Any, value: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The word of each net of circuitgraph's circuit, from those of its inputs."""
    any_word = next(iter(value.values()))
    for net in graph.topo_sort():
        kind = graph.type(net)
        x = [value[fan_in] for fan_in in graph.fanin(net)]
        if kind in ("0", "1"):
            value[net] = np.zeros_like(any_word) if kind == "0" else ~np.zeros_like(any_word)
        elif kind in ("and", "nand"):
            value[net] = np.bitwise_and.reduce(x)
        elif kind in ("or", "nor"):
            value[net] = np.bitwise_or.reduce(x)
        elif kind in ("xor", "xnor"):
            value[net] = np.bitwise_xor.reduce(x)
        elif kind in ("buf", "not"):
            value[net] = x[0]
        elif kind != "input":
            raise ValueError(f"{net}: {kind}")
        if kind in ("nand", "nor", "xnor", "not"):
            value[net] = ~value[net]
    return value
