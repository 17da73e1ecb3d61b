"""What a playground starts with: a table, a network with its θ; and `cp.play`, which shows it.

The table travels as CSV in the page, the network as a link: its θ are changes of single weights
before the first step.
"""

from __future__ import annotations

import csv
import datetime
import html
import io
import json
import math
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.activations import ACTIVATIONS
from clearprop.network import Network
from clearprop.outputs import OUTPUTS
from clearprop.playground.page_file import link_of, open_in_browser, page_text, write_page

MAX_ROWS, MAX_CELLS = 20_000, 1_000_000  # of a table in the page
MAX_INPUTS, MAX_CLASSES, MAX_UNITS, MAX_LAYERS = 64, 10, 16, 6
UNITS = ("logistic", "logistic_squared_error", "softmax", "linear", "absolute_error", "huber")


class Playground:
    """The playground's page with what it starts with. A notebook shows it; `open` opens it.

    payload: link and table, see :mod:`clearprop.playground.page_file`. height: in pixels, in a
    notebook; it can be dragged there.
    """

    def __init__(self, payload: dict[str, Any] | None = None, height: int = 720) -> None:
        self.payload, self.height = payload or {}, height

    def html(self) -> str:
        """The page as one file."""
        return page_text(self.payload)

    def open(self) -> Path:
        """Write the page to a temporary file and open it in the browser; returns the file."""
        path = write_page(self.html())
        open_in_browser(path, self.payload.get("link", ""))
        return path

    def _repr_html_(self) -> str:
        box = f"height:{self.height}px;resize:vertical;overflow:hidden;padding-bottom:14px"
        frame = "width:100%;height:100%;border:0"
        return (
            f'<div style="{box}"><iframe style="{frame}" title="clearprop playground" '
            f'allow="clipboard-write; fullscreen" srcdoc="{html.escape(self.html())}">'
            "</iframe></div>"
        )

    def __repr__(self) -> str:
        table = self.payload.get("table")
        return f"Playground({table['name']!r})" if table else "Playground()"


def play(
    net: Network | None = None, X: Any = None, t: Any = None, *, height: int = 720
) -> Playground:
    """Open the playground: in a notebook the result shows it, elsewhere the browser does.

    net: a network that the workshop starts from, with dense layers of up to 16 units, activations
    and output unit of clearprop. X: inputs (N, D) as an array or a data frame, of up to 64 columns.
    t: targets (N,): class indices or labels, or numbers. Without X and t the workshop shows its own
    data, which has two inputs. height: of the frame in a notebook, in pixels.

    The workshop scales numbers in t to mean 0 and standard deviation 1, and the network's last
    layer with them. Rows beyond 20,000 are left out, in a sample. Raises ValueError, naming the
    argument, for what the page cannot show.

    >>> import clearprop as cp
    >>> net = cp.Network([2, 3, 1], hidden="tanh", output="logistic")
    >>> cp.play(net, [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0])  # doctest: +SKIP
    Playground('X and t')
    """
    if (X is None) != (t is None):
        raise ValueError("X and t belong together: give both, or neither")
    payload: dict[str, Any] = {}
    pairs: list[tuple[str, str]] = []
    if X is not None:
        columns, target = _columns(X, t)
        payload["table"] = table_payload("X and t", columns, target)
        pairs += [("data", "table"), ("target", target)]
    if net is not None:
        _check_network(net, None if X is None else len(columns) - 1)
        if X is not None:  # so that the inputs are the numbers that the network was trained on
            kinds = {name: "numeric" for name in columns if name != target}
            net = _for_target(net, payload["table"], kinds)
            pairs += [("kinds", json.dumps(kinds, ensure_ascii=False)), ("scaling", "none")]
            pairs += [("test_share", "0")]
        else:
            pairs += _data_for(net)
        pairs += _network_pairs(net)
    if pairs:
        payload["link"] = link_of("workshop", pairs)
    shown = Playground(payload, height)
    if not _in_notebook():
        shown.open()
    return shown


# ---- the table -----------------------------------------------------------------------------------


def table_payload(name: str, columns: dict[str, Any], target: str) -> dict[str, Any]:
    """A table for the page: its rows as CSV, or a sample of them if there are too many.

    columns: values by name: lists, arrays, or columns of a data frame.
    """
    n = len(columns[target])
    most = min(MAX_ROWS, max(1, MAX_CELLS // len(columns)))
    payload: dict[str, Any] = {"name": name, "target": target}
    rows = None
    if n > most:
        rows = np.sort(np.random.default_rng(0).choice(n, most, replace=False)).tolist()
        payload["sampledFrom"] = n
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    cells = zip(*(_values(column, rows) for column in columns.values()), strict=True)
    writer.writerows([_cell(value) for value in row] for row in cells)
    return {**payload, "text": text.getvalue()}


def _values(column: Any, rows: list[int] | None) -> list[Any]:
    """The values of a column as Python has them, of some rows alone."""
    if isinstance(column, list):
        return column if rows is None else [column[i] for i in rows]
    some = column if rows is None else column[rows]
    values: list[Any] = some.tolist() if isinstance(some, np.ndarray) else some.to_list()
    return values


def frame_columns(frame: Any) -> dict[str, Any]:
    """The columns of any data frame by name."""
    from clearprop.tables.frames import as_frame

    table = as_frame(frame)
    return {name: table[name] for name in table.columns}


def _columns(X: Any, t: Any) -> tuple[dict[str, Any], str]:
    """The columns of X and then t, by name; and the name of t."""
    if hasattr(X, "columns") or hasattr(X, "column_names"):
        columns = frame_columns(X)
    else:
        values = np.asarray(X)
        if values.ndim != 2 or not values.size:
            raise ValueError(f"X must have rows and columns; its shape is {values.shape}")
        columns = {f"x{j + 1}": values[:, j] for j in range(values.shape[1])}
    n = len(next(iter(columns.values())))
    target = np.asarray(t)
    if target.ndim == 2 and target.shape[1] == 1:
        target = target[:, 0]
    if target.shape != (n,):
        raise ValueError(f"t must have one value for each of the {n:,} rows of X")
    name = str(getattr(t, "name", None) or "t")
    while name in columns:
        name += "_"
    return {**columns, name: target}, name


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return str(value)


# ---- the network ---------------------------------------------------------------------------------


def _check_network(net: Network, n_columns: int | None) -> None:
    """Raise ValueError for a network that the workshop does not have."""
    architecture = net.architecture
    sizes, dense = architecture.sizes, architecture.dense
    plain = all(layer.activation == ACTIVATIONS.get(layer.activation.name)
                for layer in dense if layer.activation is not None)  # fmt: skip
    unit = architecture.output.name
    if unit not in UNITS or architecture.output != OUTPUTS[unit]():
        raise ValueError(f"net: the playground has the output units {', '.join(UNITS)}")
    n_plain = sum(W.size + b.size for W, b in zip(net.W, net.b, strict=True))
    if not plain or n_plain != net.theta.size:
        raise ValueError("net: the playground takes dense layers with activations of clearprop")
    if max(sizes[1:-1], default=0) > MAX_UNITS or len(sizes) - 2 > MAX_LAYERS:
        raise ValueError(
            f"net: the playground takes up to {MAX_LAYERS} hidden layers of up to {MAX_UNITS} "
            f"units; sizes are {sizes}"
        )
    if n_columns is None and sizes[0] != 2:
        raise ValueError(f"X and t are needed: the network has {sizes[0]} inputs, not 2")
    if n_columns is not None and sizes[0] != n_columns:
        raise ValueError(f"X has {n_columns} columns, but net has {sizes[0]} inputs")
    if sizes[0] > MAX_INPUTS:
        raise ValueError(f"X: the playground takes at most {MAX_INPUTS} columns")
    if not np.abs(net.theta).max() <= 1e6:
        raise ValueError("net: θ must be finite and between -1e6 and 1e6")


def _data_for(net: Network) -> list[tuple[str, str]]:
    """A dataset of the workshop that suits the output unit; ValueError if there is none."""
    unit, n_outputs = net.architecture.output.name, net.architecture.n_outputs
    if unit == "softmax" and 2 <= n_outputs <= 5:
        return [("data", "blobs"), ("classes", str(n_outputs))]
    if n_outputs != 1:
        raise ValueError(f"X and t are needed: the network has {n_outputs} outputs")
    return [("data", "circles" if unit == "logistic" else "hills")]


def _for_target(net: Network, table: dict[str, Any], kinds: dict[str, str]) -> Network:
    """The network for the targets as the workshop has them: a quantity has mean 0, deviation 1.

    Raises ValueError if the targets are not read as the network's output unit takes them.
    """
    import pyarrow as pa

    from clearprop.playground import datasets
    from clearprop.tabular.target import Standardization

    rows = list(csv.reader(io.StringIO(table["text"])))
    cells = zip(*rows[1:], strict=True)
    columns = {name: list(values) for name, values in zip(rows[0], cells, strict=True)}
    target, frame = table["target"], pa.table(columns)
    data = datasets.table(frame, target, test_share=0, kinds=kinds, scaling="none")
    unit, n_outputs = net.architecture.output.name, net.architecture.n_outputs
    if unit in ("logistic", "softmax"):
        wanted = 2 if unit == "logistic" else n_outputs
        if data.n_classes != wanted:
            read = f"as {data.n_classes} classes" if data.n_classes else "as numbers"
            raise ValueError(f"t must have {wanted} classes for net; it is read {read}")
        return net
    if data.n_classes or n_outputs != 1:
        raise ValueError(f"t must be numbers for net, {n_outputs} a row; it is read as classes")
    scale = Standardization.of(np.array(columns[target], float))
    scaled = Network.from_theta(net.architecture, net.theta.astype(np.float64))
    scaled.W[-1][:] /= scale.spread
    scaled.b[-1][:] = (scaled.b[-1] - scale.mean) / scale.spread
    return scaled


def _network_pairs(net: Network) -> list[tuple[str, str]]:
    """The settings of the workshop that make this network."""
    architecture = net.architecture
    names = [layer.activation.name for layer in architecture.dense if layer.activation is not None]
    return [
        ("hidden", ",".join(map(str, architecture.sizes[1:-1]))),
        *([("activation", ",".join(names))] if names else []),
        ("output", architecture.output.name),
        ("run", ";".join([*_weights(net.W, net.b), "0"])),
    ]


def _weights(W: Iterable[Array], b: Iterable[Array]) -> Iterable[str]:
    """ "W1.0.1:0.5" for each weight and bias: layers count from 1, units and inputs from 0."""
    for number, (weights, biases) in enumerate(zip(W, b, strict=True), 1):
        for (i, j), value in np.ndenumerate(weights):
            yield f"W{number}.{i}.{j}:{float(value)!r}"
        for i, bias in enumerate(biases):
            yield f"b{number}.{i}:{float(bias)!r}"


# ---- where it is shown ---------------------------------------------------------------------------


def _in_notebook() -> bool:
    """Whether the value of a cell is shown as HTML."""
    if marimo := sys.modules.get("marimo"):
        return bool(marimo.running_in_notebook())
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return getattr(shell, "kernel", None) is not None
