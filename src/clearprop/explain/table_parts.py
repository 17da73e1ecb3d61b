"""The layers of a table's columns one by one, those side by side too, with their symbols."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from clearprop import notation as sy
from clearprop._typing import Array
from clearprop.embeddings import Embedding, EmbeddingBag, Identity, Parallel, PiecewiseLinear, Scale
from clearprop.explain.terms import Factor
from clearprop.layers import Parameters
from clearprop.notation import Symbol

if TYPE_CHECKING:
    from clearprop.explain.steps import LayerPlace

KINDS = (Scale, Identity, PiecewiseLinear, Embedding, EmbeddingBag)


def is_known(layer: Any) -> bool:
    """Whether these steps have the terms of every entry of the layer."""
    if type(layer) is Parallel:
        return all(type(part) in KINDS for part in layer.layers)
    return type(layer) in KINDS


@dataclass(frozen=True, eq=False)
class LayerPart:
    """A layer, or one of those side by side in it: its numbers, its symbols, its Python.

    first: its first column of `given`, which is the input of the whole layer; h: its own columns.
    layer_code, p_code, saved_code, columns: expressions for the layer, its parameters, what it
    saved, and which columns are its own, "" for all. names: of its parameters within the whole.
    """

    place: LayerPlace
    layer: Any
    p: Parameters
    saved: Any
    names: dict[str, str]
    first: int
    given: tuple[Symbol, Array]
    out: Symbol
    layer_code: str
    p_code: str
    saved_code: str
    columns: str

    @property
    def h(self) -> Array:
        return self.given[1][:, self.first : self.first + self.layer.n_in]

    @property
    def value(self) -> Array:
        value: Array = self.layer.forward(self.p, self.h, None)[0]
        return value

    def factor(self, n: int, column: int) -> Factor:
        """An entry of its input."""
        symbol, h = self.given
        at = n, self.first + column
        return Factor(symbol.text, at, float(h[at]))

    def symbol(self, name: str) -> Symbol:
        """Of a parameter."""
        return sy.parameter(self.names[name], self.place.number)


def parts_of(place: LayerPlace) -> list[LayerPart]:
    """The layer itself, or the layers side by side in it."""
    number, layer = place.number, place.layer
    code = f"net.architecture.layers[{number}]"
    if not isinstance(layer, Parallel):
        names = {name: name for name in place.p}
        whole = LayerPart(
            place, layer, place.p, place.saved, names, 0, place.given, place.out[0], code,
            f"p[{number}]", f"saved[{number}]", "",
        )  # fmt: skip
        return [whole]
    parts, begin = [], 0
    for i, part in enumerate(layer.layers):
        end = begin + (part.n_in or 0)
        names = {name: f"{i}.{name}" for name in part.shapes}
        p = {name: place.p[full] for name, full in names.items()}
        p_code = "{" + ", ".join(f"{n!r}: p[{number}][{f!r}]" for n, f in names.items()) + "}"
        parts.append(
            LayerPart(
                place, part, p, place.saved[i], names, begin, place.given,
                sy.part(place.out[0], i), f"{code}.layers[{i}]", p_code, f"saved[{number}][{i}]",
                f"[:, {begin}:{end}]",
            )
        )  # fmt: skip
        begin = end
    return parts
