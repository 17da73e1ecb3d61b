"""Logic for a network with too many inputs to enumerate: neuron by neuron, by its gaps.

On bits, each neuron is 1 where a sum of rational weights is above a threshold. Its decision diagram
gives the logic and the two sums next to the threshold. This gap bounds how far the soft unit is
from its bit, which the next layer takes into account. If every output's gap is wider than the error
that the units before it can cause, logic and network decide the same on all inputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from math import gcd, lcm

from clearprop.circuits.extraction.exact_network import BOUNDED, ExactLayer, ExactNetwork
from clearprop.circuits.extraction.neurons import (
    NoFunctionError,
    Patterns,
    UnitLogic,
    threshold_cells,
    threshold_size,
)
from clearprop.circuits.gates import Neuron
from clearprop.circuits.netlist import Cell
from clearprop.circuits.synthesis.decision_diagrams import CellBuilder, Node, neuron_diagram

MOST_PER_ROW = 400  # inputs of a neuron; its diagram is built by recursion
INFINITE = Fraction(10) ** 400


def by_gaps(
    net: ExactNetwork,
    in_names: Sequence[str],
    out_names: Sequence[str],
    check: Callable[[], None] = lambda: None,
) -> tuple[list[UnitLogic], list[Cell]]:
    """The units, and the cells of all units.

    check: called before each unit; it may raise an exception to end the work.
    Raises NoFunctionError if a gap is too small or units are not two-valued, TooLargeError if a
    diagram is too large.
    """
    taken = {*in_names, *out_names}
    names = list(in_names)
    error = [Fraction(0)] * len(names)  # how far each unit may be from its bit
    before: str | None = None
    units: list[UnitLogic] = []
    cells: list[Cell] = []
    for number, layer in enumerate(net.layers[:-1], 1):
        if layer.activation not in BOUNDED:
            raise NoFunctionError(
                f"layer {number} is {layer.activation}: only logistic and tanh units can be bits"
            )
        nets, next_error = [], []
        for j in range(len(layer.b)):
            check()
            weights, bias = _on_bits(layer, j, before)
            slack = _slack(layer.W[j].tolist(), error)
            output = f"h{number}_{j}"
            while output in taken:
                output += "_"
            taken.add(output)
            unit, more, low, high = _neuron(weights, bias, names, output, number, j, taken)
            gap = min(high, -low) - slack
            units.append(unit)
            cells += more
            nets.append(output)
            next_error.append(_error(layer.activation, gap))
        names, error, before = nets, next_error, layer.activation
    last, number = net.layers[-1], len(net.layers)
    for k, comparisons in enumerate(net.outputs):
        parts: list[str] = []
        for i, c in enumerate(comparisons):
            check()
            weights, bias = _on_bits(last, c.plus, before)
            slack = _slack(last.W[c.plus].tolist(), error)
            bias -= Fraction(c.threshold)
            if c.minus is not None:
                others, other_bias = _on_bits(last, c.minus, before)
                weights = [w - v for w, v in zip(weights, others, strict=True)]
                bias -= other_bias
                slack = _slack(_differences(last, c.plus, c.minus), error)
            output = out_names[k] if len(comparisons) == 1 else f"{out_names[k]}_over_{i}"
            while output in taken and len(comparisons) > 1:
                output += "_"
            taken.add(output)
            unit, more, low, high = _neuron(
                weights, bias, names, output, number, k, taken, or_equal=c.or_equal
            )
            if slack and not (high > slack and -low > slack):
                raise NoFunctionError(
                    f"output {out_names[k]} comes within {float(min(high, -low)):.3g} of its "
                    f"threshold, and the hidden units may move it by {float(slack):.3g}; "
                    "a larger gain would help"
                )
            units.append(unit)
            cells += more
            parts.append(output)
        if len(comparisons) != 1:
            cells.append(Cell(out_names[k], "and" if parts else "const1", tuple(parts)))
    return units, cells


def _on_bits(layer: ExactLayer, j: int, before: str | None) -> tuple[list[Fraction], Fraction]:
    """w and b of the unit as a function of the bits before it; a tanh unit is 2 bit − 1."""
    weights = [Fraction(w) for w in layer.W[j].tolist()]
    bias = Fraction(float(layer.b[j]))
    if before == "tanh":
        return [2 * w for w in weights], bias - sum(weights)
    return weights, bias


def _differences(layer: ExactLayer, j: int, k: int) -> list[Fraction]:
    rows = zip(layer.W[j].tolist(), layer.W[k].tolist(), strict=True)
    return [Fraction(w) - Fraction(v) for w, v in rows]


def _slack(weights: Sequence[float | Fraction], error: Sequence[Fraction]) -> Fraction:
    """How far the units' errors can move z."""
    return sum((abs(Fraction(w)) * e for w, e in zip(weights, error, strict=True)), Fraction())


def _error(activation: str, gap: Fraction) -> Fraction:
    """How far h can be from its bit's value if |z| ≥ gap on the right side: σ(−gap) < e^−gap,
    1 − tanh(gap) < 2e^−2gap; the whole range, 1 or 2, if the gap is 0."""
    scale = 1 if activation == "logistic" else 2
    if gap <= 0:
        return Fraction(scale)
    e = math.exp(
        -scale * float(min(gap, Fraction(300)))
    )  # the rounding error is far below a thousandth
    return Fraction(scale) * Fraction(e) * Fraction(1001, 1000)


def _neuron(
    weights: Sequence[Fraction],
    bias: Fraction,
    names: Sequence[str],
    output: str,
    layer: int,
    unit: int,
    taken: set[str],
    *,
    or_equal: bool = False,
) -> tuple[UnitLogic, tuple[Cell, ...], Fraction, Fraction]:
    """The unit that is 1 where w·x + b > 0 (≥ 0 if or_equal), its cells, and the two values of
    w·x + b next to 0, below and above."""
    used = [i for i, w in enumerate(weights) if w]
    if len(used) > MOST_PER_ROW:
        raise NoFunctionError(f"{output} has {len(used)} inputs, more than {MOST_PER_ROW}")
    scale = Fraction(lcm(1, *(weights[i].denominator for i in used)))
    whole = [int(weights[i] * scale) for i in used]
    scale /= gcd(*whole) or 1
    whole = [int(weights[i] * scale) for i in used]
    sum_of_zero = -bias * scale  # w·x + b is 0 where the integers' sum is this
    t = math.ceil(sum_of_zero) if or_equal else math.floor(sum_of_zero) + 1
    neuron, inputs = Neuron(tuple(whole), t), tuple(names[i] for i in used)
    build = CellBuilder(output, set(taken))
    low, high, node = neuron_diagram(neuron, inputs, build)
    cells, form = _cells(neuron, inputs, output, node, build, taken)
    taken.update(cell.output for cell in cells)
    logic = UnitLogic(
        output, layer, unit, Patterns.unseen(inputs), neuron, None, form, None, len(cells)
    )
    return (
        logic,
        cells,
        -INFINITE if low is None else (low - sum_of_zero) / scale,
        INFINITE if high is None else (high - sum_of_zero) / scale,
    )


def _cells(
    neuron: Neuron,
    inputs: tuple[str, ...],
    output: str,
    node: Node,
    build: CellBuilder,
    taken: set[str],
) -> tuple[tuple[Cell, ...], str]:
    size = threshold_size(neuron)
    if size and size["threshold"] <= 3 * len(build.cells):
        return threshold_cells(neuron, inputs, output, taken), "threshold"
    return build.finish(node, output), "diagram"
