"""Networks with layers for the columns of a table, their data, and the same in PyTorch."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from cases import BY_NAME, Example, OutputCase, draw_targets

from clearprop import Data, Network
from clearprop.activations import ACTIVATIONS
from clearprop.architecture import Architecture, initial_theta
from clearprop.embeddings import (
    Embedding,
    EmbeddingBag,
    Identity,
    Parallel,
    Periodic,
    PiecewiseLinear,
    Scale,
)
from clearprop.layers import Dense, Dropout, Layer
from clearprop.monotone import Monotone

SELU, MISH, TANH, RELU = (ACTIVATIONS[name] for name in ("selu", "mish", "tanh", "relu"))


def edges(*numbers: int) -> tuple[tuple[float, ...], ...]:
    """For each column so many bins, over what normal numbers take, wider at the ends."""
    return tuple(tuple(np.linspace(-1.3, 1.3, n + 1) ** 3 + 0.01 * n) for n in numbers)


@dataclass(frozen=True)
class TableCase:
    """Layers up to the last one, which is made to fit, the output, and the data's seed."""

    name: str
    layers: tuple[Layer, ...]
    output: OutputCase
    n: int = 7
    seed: int = 0
    last_gain: float = 1.0
    monotone: Monotone | None = None

    def make(self, dtype: str = "float64") -> Example:
        """Network, inputs, targets and weights; the same call gives the same numbers."""
        rng = np.random.default_rng(self.seed)
        width = next(layer.n_out for layer in reversed(self.layers) if layer.n_out)
        last = Dense(width, self.output.K, None, gain=self.last_gain)
        architecture = Architecture((*self.layers, last), self.output.output, self.monotone)
        theta = initial_theta(architecture, rng, "glorot_uniform", np.dtype(dtype))
        for p in architecture.unpack(theta):
            for name, values in p.items():
                if name not in ("W",):  # what is 0 or 1 at the start would hide mistakes
                    values[...] += rng.normal(0, 0.3, values.shape)
        theta = architecture.project(theta)
        X = rng.normal(size=(self.n, architecture.n_inputs)).astype(dtype)
        self._draw_categories(X, rng)
        t = draw_targets(self.output, self.n, rng)
        w = rng.integers(0, 4, self.n) + 0.5 * (np.arange(self.n) == 0) if self.seed % 2 else None
        return Example(Network.from_theta(architecture, theta), X, t, w)

    def _draw_categories(self, X: Any, rng: np.random.Generator) -> None:
        column = 0
        first = self.layers[0]
        for layer in first.layers if isinstance(first, Parallel) else (first,):
            if isinstance(layer, Embedding):
                for i, size in enumerate(layer.sizes):
                    X[:, column + i] = rng.integers(0, size, len(X))
            if isinstance(layer, EmbeddingBag):
                for i, size in enumerate(np.repeat(layer.sizes, layer.n_codes)):
                    X[:, column + i] = rng.integers(0, size + 1, len(X))
                X[len(X) // 2, column : column + layer.n_codes] = 0  # a row without a text
            column += layer.n_in or 0


SOFTMAX, LINEAR, LOGISTIC = (BY_NAME[name] for name in ("softmax", "linear", "logistic"))
MANY = Parallel(
    (Identity(2), PiecewiseLinear(edges(4, 1, 9)), Embedding((3, 5)), Periodic(2), Identity(1))
)
TABLE_CASES = (
    TableCase("scale", (Scale(3), Dense(3, 4, TANH)), LINEAR, seed=1),
    TableCase("scale_alone", (Scale(3),), SOFTMAX),
    TableCase("gain", (Dense(3, 5, MISH, gain=3**-0.5),), SOFTMAX, seed=2, last_gain=5**-0.5),
    TableCase("slope", (Dense(3, 5, SELU, slope=True), Dense(5, 4, MISH, slope=True)), LINEAR),
    TableCase("piecewise", (PiecewiseLinear(edges(5, 2)), Dense(8, 4, TANH)), LINEAR, seed=3),
    TableCase("piecewise_5", (PiecewiseLinear(edges(3), n_units=5), Scale(6)), LOGISTIC, seed=4),
    TableCase("periodic", (Periodic(3, 5, 2), Dense(9, 4, TANH)), SOFTMAX, seed=5),
    TableCase("embedding", (Embedding((4, 1, 7), 3), Dense(9, 4, TANH)), SOFTMAX, seed=6),
    TableCase(
        "embedding_bag", (EmbeddingBag((6, 1, 9), 4, 3), Dense(9, 4, TANH)), SOFTMAX, seed=10
    ),
    TableCase(
        "text_and_more",
        (Parallel((EmbeddingBag((5,), 3, 9), Identity(1), Embedding((3,), 2))), Scale(12)),
        LINEAR,
        seed=11,
    ),
    TableCase("many_columns", (MANY, Dense(39, 5, TANH)), SOFTMAX, seed=7, n=9),
    TableCase(
        "recipe",
        (
            MANY,
            Scale(39),
            Dense(39, 16, SELU, gain=39**-0.5, slope=True),
            Dropout(0.1),
            Dense(16, 17, SELU, gain=0.25, slope=True),
            Dropout(0.1),
        ),
        SOFTMAX,
        seed=8,
        n=33,
        last_gain=17**-0.5,
    ),
    TableCase(
        "recipe_one_row",
        (MANY, Scale(39), Dense(39, 3, MISH, gain=39**-0.5, slope=True)),
        LINEAR,
        seed=9,
        n=1,
    ),
    TableCase(
        "monotone",
        (MANY, Scale(39), Dense(39, 17, RELU, gain=39**-0.5, slope=True), Dense(17, 9, RELU)),
        LINEAR,
        seed=10,
        n=33,
        monotone=Monotone((0, 1, 1, 0, -1, 0, 0, 0, 0, 0), (5, 3)),
    ),
)


def in_torch(layer: Layer, p: dict[str, Any], h: Any, activation: Callable[[str], Any]) -> Any:
    """A layer's output by PyTorch's own functions, without dropout."""
    import torch

    match layer:
        case Dense():
            z = layer.gain * (h @ p["W"].T) + p["b"]
            if layer.activation is None:
                return z
            phi = activation(layer.activation.name).form(z)
            return torch.lerp(z, phi, p["slope"].expand_as(z)) if layer.slope else phi
        case Scale():
            return h @ torch.diag(p["s"])
        case PiecewiseLinear():
            columns = []
            for i, column in enumerate(layer.edges):
                x, edges = h[:, i], torch.tensor(column, dtype=h.dtype)
                columns.append((x / torch.hypot(torch.ones_like(x), x / layer.clip))[:, None])
                bins = []
                for j in range(len(column) - 1):
                    low = -1.0 if j == 0 else 0.0
                    high = 2.0 if j == len(column) - 2 else 1.0
                    bins.append(((x - edges[j]) / (edges[j + 1] - edges[j])).clamp(low, high))
                V = p["V"][layer.starts[i] : layer.starts[i + 1]]
                columns.append(torch.stack(bins, 1) @ V)
            return torch.cat(columns, 1)
        case Periodic():
            columns = []
            for i in range(layer.n):
                x = h[:, i : i + 1]
                cos = torch.cos(2 * torch.pi * x @ p["w_1"][i : i + 1] + p["b_1"][i])
                columns += [x, torch.nn.functional.linear(cos, p["W_2"][i], p["b_2"][i])]
            return torch.cat(columns, 1)
        case Embedding():
            numbers = h.detach().long()
            return torch.cat(
                [
                    torch.nn.functional.embedding(numbers[:, i], p["E"][start : start + size])
                    for i, (start, size) in enumerate(zip(layer.starts, layer.sizes, strict=False))
                ],
                1,
            )
        case EmbeddingBag():
            return _texts_in_torch(layer, p, h)
        case Parallel():
            outputs, column = [], 0
            for i, inner in enumerate(layer.layers):
                own = {name: p[f"{i}.{name}"] for name in inner.shapes}
                n = inner.n_in or 0
                outputs.append(in_torch(inner, own, h[:, column : column + n], activation))
                column += n
            return torch.cat(outputs, 1)
    return h


def _texts_in_torch(layer: EmbeddingBag, p: dict[str, Any], h: Any) -> Any:
    import torch

    texts, T = [], layer.n_codes
    for i, (start, size) in enumerate(zip(layer.starts, layer.sizes, strict=False)):
        codes = h.detach()[:, i * T : (i + 1) * T].long()
        table = torch.cat([torch.zeros_like(p["G"][:1]), p["G"][start : start + size]])
        total = torch.nn.functional.embedding_bag(codes, table, mode="sum", padding_idx=0)
        texts.append(total / (codes > 0).sum(1, keepdim=True).clamp(min=1).to(h.dtype).sqrt())
    return torch.cat(texts, 1)


def data_of(case: TableCase, dtype: str) -> tuple[Network, Data]:
    net, X, t, w = case.make(dtype)
    t = net.output.targets(t, net.sizes[-1], net.theta.dtype)
    return net, Data(X.astype(dtype), t, None if w is None else w.astype(dtype))


SIZES = (1, 2, 3, 15, 16, 17, 31, 32, 33, 47, 48, 49)


def odd_cases() -> list[TableCase]:
    """Odd numbers of columns, units, bins, categories and rows; every activation with slopes."""
    rng = np.random.default_rng(0)
    names = itertools.cycle(ACTIVATIONS)
    cases = []
    for number, (size, n) in enumerate(itertools.product(SIZES, SIZES[::2])):
        a, b, c, d, k = (int(i) for i in rng.choice((1, 2, 3, 4, 5, 7, 8, 9), 5))
        fronts = [
            PiecewiseLinear(edges(*rng.integers(1, 12, a).tolist()), n_units=d, clip=1.0 + b),
            Periodic(a, k, d),
            Embedding(tuple(rng.integers(1, 20, b).tolist()), n_units=d),
            Identity(size),
        ]
        chosen = [fronts[i] for i in rng.permutation(4)[: 1 + number % 4]]
        if number % 3 == 0:
            chosen.append(EmbeddingBag(tuple(range(1, 2 + b)), n_codes=k, n_units=d))
        front = chosen[0] if len(chosen) == 1 else Parallel(tuple(chosen))
        width = front.n_out
        layers: list[Any] = [front]
        if number % 3:
            layers.append(Scale(width))
        if number % 2:
            act = ACTIVATIONS[next(names)]
            layers.append(Dense(width, size, act, gain=width**-0.5, slope=number % 5 > 0))
        output = dataclasses.replace((LINEAR, LOGISTIC)[number % 2], K=c)
        cases.append(
            TableCase(f"odd-{number}", tuple(layers), output, n, 100 + number, last_gain=0.3 + c)
        )
    return cases
