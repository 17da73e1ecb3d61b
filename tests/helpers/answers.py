"""A table with a class and a quantity that follow from its columns."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from clearprop.tables.frames import as_frame, read_column
from clearprop.tabular.network import NetworkOptions

QUICK = NetworkOptions(
    hidden_sizes=(16,), epochs=60, dropout=0.0, learning_rate=0.01, batch_size=32
)


def made_table(n=400, seed=0):
    """A table whose two targets follow from its columns, with some values missing."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(n)
    colour = rng.choice(["red", "green", "blue"], n)
    y = 3 * x + np.where(colour == "red", 4.0, 0.0) + 100
    return {
        "x": [None if i % 17 == 3 else float(v) for i, v in enumerate(x)],
        "colour": colour.tolist(),
        "answer": np.where(y > 101, "yes", "no").tolist(),
        "y": y.tolist(),
    }


def frame(*without, **kwargs):
    table = pa.table(made_table(**kwargs))
    return table.drop_columns(list(without))


def column_of(values, type_=None):
    return read_column(as_frame(pa.table({"t": pa.array(values, type_)})), "t")
