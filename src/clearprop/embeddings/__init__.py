"""The layer kinds that turn the columns of a table into inputs of a network.

Forward and backward are side by side, as in :mod:`clearprop.layers`. A numeric column becomes
itself and some learnt functions of it; each category of a category column becomes a learnt vector;
the n-grams of a text become one learnt vector.
:class:`Parallel` puts such layers next to each other, each with its own columns of X.
"""

from __future__ import annotations

from typing import Any

from clearprop.embeddings.categories import Embedding, EmbeddingBag
from clearprop.embeddings.numbers import Identity, Periodic, PiecewiseLinear, Scale
from clearprop.embeddings.parallel import Parallel
from clearprop.layers import Dense, Dropout

__all__ = [
    "LAYER_KINDS",
    "Embedding",
    "EmbeddingBag",
    "Identity",
    "Parallel",
    "Periodic",
    "PiecewiseLinear",
    "Scale",
]

LAYER_KINDS: dict[str, type[Any]] = {
    kind.name: kind
    for kind in (
        Dense,
        Dropout,
        Scale,
        Identity,
        PiecewiseLinear,
        Periodic,
        Embedding,
        EmbeddingBag,
        Parallel,
    )
}
