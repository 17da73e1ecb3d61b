"""The network of a member, how it starts, and how it is trained.

Source: Holzmüller, Grinsztajn & Steinwart 2024 (RealMLP) for scale, gains, slopes, start and
schedules; Gorishniy et al. 2022 for the piecewise linear encoding.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.activations import Activation, get_activation
from clearprop.architecture import Architecture
from clearprop.embeddings import Embedding, EmbeddingBag, Parallel, PiecewiseLinear, Scale
from clearprop.jobs import Job
from clearprop.layers import Dense, Dropout, Layer, Parameters
from clearprop.monotone import Interval, Monotone
from clearprop.optimizers import Adam
from clearprop.outputs import Output
from clearprop.schedules import CosLog4, FlatCosine, Schedule
from clearprop.tabular.bag.epochs import Pace, Paced
from clearprop.tabular.inputs import FEW_ROWS

START_ROWS = 512  # training rows that the initial θ is fitted to
LEAST_STEPS = 1000  # of a training
MOST_EPOCHS, ENOUGH_EPOCHS = 256, 40  # more than the second only if 1,000 steps need them
FULL_STEPS = 1500  # for which learning rates are tuned; longer trainings have lower rates
STEPS_OF_EPOCH = 256  # at least, in each part of a longer pass
FULL_BATCH = 256  # rows, for which learning rates are tuned
SUPPORT = 5  # rows whose mean places the kink of a unit
MONOTONE_ACTIVATION = "relu"  # of networks that are monotone in some columns
FREE = 0.75  # at most, of their units: those that no constrained column reaches
CONVEX = 1.0  # first slope of a convex monotone unit: relu itself
LEAST_SPREAD = 0.3  # of a unit's z, relative to what random W give on average


@dataclass(frozen=True)
class Recipe:
    """The configuration of a member: see `CLASSIFICATION` and `REGRESSION`.

    activations: of the hidden units. The partitions of a bag take them in turn, since networks that
    differ make fewer errors together.
    rate_factors: factors of the learning rate by the names of parameters; other names are ignored.
    hidden_sizes: units of each hidden layer.
    few_rows_hidden_sizes: of a network for a table of few rows; None for hidden_sizes.
    epochs: passes over the rows; None for `n_epochs`.
    concave: the first slopes of concave monotone units, evenly spaced from the one to the other.
    """

    activations: tuple[str, ...]
    learning_rate: float
    rate_factors: Mapping[str, float]
    hidden_sizes: tuple[int, ...] = (128, 128)
    few_rows_hidden_sizes: tuple[int, ...] | None = None
    dropout: float = 0.1
    weight_decay: float = 0.02
    beta_2: float = 0.95
    epochs: int | None = None
    concave: tuple[float, float] = (-3.0, 0.0)

    def for_rows(self, n: int) -> Recipe:
        """The recipe for a table of n rows."""
        if self.few_rows_hidden_sizes is None or n > FEW_ROWS:
            return self
        return replace(self, hidden_sizes=self.few_rows_hidden_sizes)


CLASSIFICATION = Recipe(
    ("selu", "mish"),
    0.03,
    {"s": 6.0, "slope": 0.1, "b": 0.1, "G": 0.3},
    few_rows_hidden_sizes=(128, 64),
)
REGRESSION = Recipe(
    ("mish",), 0.075, {"s": 6.0, "slope": 0.1, "b": 0.1, "V": 0.3, "G": 0.3}, concave=(-3.0, -3.0)
)


def build_architectures(
    inputs: Layer,
    n_outputs: int,
    output: Output,
    recipe: Recipe,
    directions: tuple[int, ...] | None = None,
) -> list[Architecture]:
    """inputs → scale → hidden layers with gain 1/√n_in, slopes and dropout → outputs.

    One for each activation, all with the same parameters.
    directions: of the columns that `inputs` takes, for networks that are monotone, see
    :class:`clearprop.monotone.Monotone`; their units are relu units whatever the recipe says.
    """
    monotone = None
    if directions is not None and any(directions):
        recipe = replace(recipe, activations=(MONOTONE_ACTIVATION,))
        share = min(FREE, directions.count(0) / len(directions))
        free = tuple(round(share * units) for units in recipe.hidden_sizes)
        monotone = Monotone(directions, free)
    return [
        _architecture(inputs, n_outputs, output, recipe, get_activation(activation), monotone)
        for activation in recipe.activations
    ]


def _architecture(
    inputs: Layer,
    n_outputs: int,
    output: Output,
    recipe: Recipe,
    activation: Activation,
    monotone: Monotone | None,
) -> Architecture:
    assert inputs.n_out is not None
    layers: list[Layer] = [inputs, Scale(inputs.n_out)]
    width = inputs.n_out
    for units in recipe.hidden_sizes:
        layers.append(Dense(width, units, activation, gain=width**-0.5, slope=True))
        if recipe.dropout:
            layers.append(Dropout(recipe.dropout))
        width = units
    layers.append(Dense(width, n_outputs, None, gain=width**-0.5))
    return Architecture(tuple(layers), output, monotone)


def start(
    architecture: Architecture,
    X: Array,
    rng: np.random.Generator,
    concave: tuple[float, float] = (-1.0, -1.0),
) -> Array:
    """θ (P,) float32 that suits rows X (n, D): W ~ N(0, 1), so scaled that every z has variance 1.

    The bias of a hidden unit puts 0 at a random mean of five rows, weighted by Exp(1), so that its
    kink lies within the data; the bias of an output is 0. In a dense layer each unit's W is divided
    by the standard deviation of its g·W h over the rows, but by at least 0.3 of the average of this
    deviation over all W, g·√(Σ_j var h_j). Without the bound, a W that hardly distinguishes the
    rows would become huge if few rows differ.
    A parameter with bounds starts within them, see `_with_signs` and `_within`; concave: of the
    recipe.
    Source: Holzmüller et al. 2024 ("he+5"), which has no such bound.
    """
    h: Any = X.astype(np.float64)
    parameters = []
    for layer, intervals in zip(architecture.layers, architecture.intervals, strict=True):
        p = layer.initial(rng, partial(_draw_dense, layer, intervals.get("W"), h))
        p = _within(layer, p, intervals, concave)
        h, _ = layer.forward(p, h, None)
        parameters.append(p)
    return architecture.pack(parameters, np.dtype(np.float32))


def _draw_dense(
    layer: Layer, interval: Interval | None, h: Array, rng: Any, fan_in: int, fan_out: int
) -> tuple[Array, Array]:
    """W and b of a dense layer for its input h (n, fan_in) of some rows; see :func:`start`.

    interval: of W, if it has bounds.
    """
    assert isinstance(layer, Dense)
    W = rng.normal(size=(fan_out, fan_in))
    if interval is not None:
        W = _with_signs(W, interval, h)
    z = layer.gain * (h @ W.T)
    least = LEAST_SPREAD * layer.gain * np.sqrt(h.var(axis=0).sum())
    spread = np.maximum(z.std(axis=0), least)
    spread[spread == 0] = 1
    W /= spread[:, None]
    if layer.activation is None:
        return W, np.zeros(fan_out)
    rows = rng.integers(0, len(h), (fan_out, SUPPORT))
    weights = rng.exponential(size=(fan_out, SUPPORT))
    weights /= weights.sum(axis=1, keepdims=True)
    units = np.arange(fan_out)[:, None]
    return W, -(weights * (z / spread)[rows, units]).sum(axis=1)


def _with_signs(W: Array, interval: Interval, h: Array) -> Array:
    """W with the signs that its interval asks for, as variable as random signs would make it.

    Weights of one sign on inputs that rise together add up. A unit would then hardly depend on
    anything else, so these weights are divided by how much more they vary than if the inputs were
    independent.
    """
    low, high = interval
    signed = (low == 0) | (high == 0)
    W = np.where(signed, np.abs(W) * ((high > 0) * 1 - (low < 0)), W)
    together = (h @ np.where(signed, W, 0.0).T).std(axis=0)
    apart = np.sqrt(((signed & (low < high)) * h.var(axis=0)).sum(axis=1))
    factor = np.where(together > apart, apart / np.maximum(together, 1e-30), 1.0)
    return np.asarray(np.where(signed, W * factor[:, None], W))


def _within(
    layer: Layer, p: Parameters, intervals: dict[str, Interval], concave: tuple[float, float]
) -> Parameters:
    """The first parameters of a layer, such that it is monotone where it has to be.

    Half of the monotone units are convex, half concave. Of the functions of a constrained column
    one is x̃, linear between the edges, and the others rise at random.
    """
    p = dict(p)
    for name, (low, high) in intervals.items():
        if name == "slope":
            slopes = np.linspace(*concave, len(low))
            kinds = np.where(np.arange(len(low)) % 2 == 0, CONVEX, slopes)
            p[name] = np.where(np.isfinite(low), kinds, p[name])
        elif name.endswith("V"):
            inner = layer.layers[int(name.split(".")[0])] if isinstance(layer, Parallel) else layer
            assert isinstance(inner, PiecewiseLinear)
            rising = np.abs(p[name])
            edges = [np.array(edges) for edges in inner.edges]
            rising[:, 0] += np.concatenate(
                [np.diff(x / np.sqrt(1 + (x / inner.clip) ** 2)) for x in edges]
            )
            p[name] = np.where(np.isfinite(low), rising, p[name])
        p[name] = np.clip(p[name], low, high)
    return p


def forget_unseen(architecture: Architecture, theta: Array, X: Array, rows: Array) -> None:
    """Set the vectors of categories and n-grams that are not in these rows of X to 0, the middle.

    A network then treats such a category about like the average of all.
    """
    inputs, first = architecture.layers[0], 0
    assert isinstance(inputs, Parallel)
    for i, layer in enumerate(inputs.layers):
        if isinstance(layer, Embedding):
            E = architecture.unpack(theta)[0][f"{i}.E"]
            for column, begin in enumerate(layer.starts[:-1], first):
                size = layer.sizes[column - first]
                seen = np.bincount(X[rows, column].astype(np.int64), minlength=size) > 0
                E[begin : begin + size][~seen] = 0
        if isinstance(layer, EmbeddingBag):
            G = architecture.unpack(theta)[0][f"{i}.G"]
            for text, (begin, size) in enumerate(zip(layer.starts, layer.sizes, strict=False)):
                place = first + text * layer.n_codes
                codes = X[rows, place : place + layer.n_codes].astype(np.int64)
                G[begin : begin + size][np.bincount(codes.ravel(), minlength=size + 1)[1:] == 0] = 0
        first += layer.n_in or 0


def batch_size(n: int) -> int:
    """Rows of a batch for n training rows."""
    return min(n, 256 if n >= 2048 else 128 if n >= 512 else 64)


def steps_of_pass(n: int) -> int:
    """Batches of n training rows; a last one that is not full is left out."""
    return max(1, n // batch_size(n))


def peak_rate(n: int, recipe: Recipe) -> float:
    """The highest learning rate for n training rows: the recipe's, for 1,500 steps of 256 rows.

    It is lower for smaller batches: their gradients are noisier, and few rows are memorised sooner.
    It falls with the root of the number of steps, since more steps allow finer learning.
    """
    by_batch = min(1.0, max(64, batch_size(n)) / FULL_BATCH)
    n_steps = n_epochs(n) * steps_of_pass(n)
    return recipe.learning_rate * by_batch * min(1.0, math.sqrt(FULL_STEPS / n_steps))


def n_epochs(n: int) -> int:
    """Epochs for n training rows, of s steps each: 256/√s, but 40 at the most, unless these are
    fewer than 1,000 steps; 2 to 256.

    So they are 24 for 30,000 rows, and 3 for 2 million.
    """
    steps = steps_of_pass(n)
    epochs = min(ENOUGH_EPOCHS, round(MOST_EPOCHS / math.sqrt(steps)))
    return min(max(2, epochs, math.ceil(LEAST_STEPS / steps)), MOST_EPOCHS)


@dataclass(frozen=True)
class TrainingPlan:
    """How long members train: epochs of so many steps; `parts` epochs are a pass over the rows."""

    epochs: int
    steps: int
    parts: int = 1

    @property
    def n_steps(self) -> int:
        """Steps of the whole training."""
        return self.epochs * self.steps


def plan_epochs(n: int, recipe: Recipe, least_parts: int = 1) -> TrainingPlan:
    """For n training rows; a pass has at least about least_parts parts, if it has enough steps."""
    steps = steps_of_pass(n)
    in_epoch = max(1, steps // max(1, steps // STEPS_OF_EPOCH, least_parts))
    parts = steps // in_epoch
    passes = n_epochs(n) if recipe.epochs is None else recipe.epochs
    return TrainingPlan(passes * parts, in_epoch, parts)


def build_job(
    architecture: Architecture,
    theta: Array,
    rows: Array,
    recipe: Recipe,
    seed: int,
    plan: TrainingPlan,
    pace: Pace | None = None,
    *,
    even: bool = True,
) -> Job:
    """The training of a member on some rows of the shared data.

    pace: that the schedules follow; None for the pace of the plan.
    even: whether all members have as many rows, so that their steps are the steps of the plan.
    """
    own_steps = max(1, steps_of_pass(len(rows)) // plan.parts)
    ratio = 1.0 if even else plan.steps / own_steps

    def paced(schedule: Schedule) -> Schedule:
        return schedule if pace is None else Paced(schedule, pace, ratio)

    layers = architecture.layers
    names = {name.rpartition(".")[2] for layer in layers for name in layer.shapes}
    return Job(
        architecture,
        theta,
        Adam(
            paced(CosLog4(peak_rate(len(rows), recipe))),
            beta_1=0.9,
            beta_2=recipe.beta_2,
            epsilon=1e-8,
            weight_decay=recipe.weight_decay,
        ),
        epochs=plan.epochs,
        parts=plan.parts,
        batch_size=batch_size(len(rows)),
        rows=rows,
        shuffle=seed,
        seed=seed,
        drop_last=True,
        rate_factors={k: v for k, v in recipe.rate_factors.items() if k in names},
        dropout_schedule=paced(FlatCosine(1.0)) if recipe.dropout else None,
        decay_schedule=paced(FlatCosine(1.0)) if recipe.weight_decay else None,
    )
