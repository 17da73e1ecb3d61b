"""Targets: y as the output unit's t, and ŷ as predictions in the form of y."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.limits import shown_value
from clearprop.outputs import (
    AbsoluteError,
    Huber,
    Linear,
    Logistic,
    Output,
    Poisson,
    Quantile,
    Softmax,
)
from clearprop.tabular.bag.calibration import temper

LOSSES: dict[str, type[Output]] = {
    "squared_error": Linear,
    "absolute_error": AbsoluteError,
    "huber": Huber,
    "quantile": Quantile,
    "poisson": Poisson,
}
MOST_DELTA = 1e30  # of Huber's loss, in units of the scale: no residual is larger
CLASS_KINDS = ("single", "labels", "columns")


@dataclass(frozen=True, eq=False)
class ClassTarget:
    """Classes, of one kind of y.

    kind "single": y (N,) of classes[0]; "labels": y (N, M) of 0 and 1, independent labels;
    "columns": y (N, M), column m of classes[m].
    """

    kind: str
    classes: tuple[Array, ...]

    @classmethod
    def of(cls, y: Array) -> ClassTarget:
        """For y as scikit-learn reads it; ValueError for a y without classes."""
        from sklearn.utils.multiclass import check_classification_targets, type_of_target

        check_classification_targets(y)
        kind = type_of_target(y)
        if kind == "multilabel-indicator":
            return cls("labels", tuple(np.array([0, 1]) for _ in range(y.shape[1])))
        if kind == "multiclass-multioutput":
            return cls("columns", tuple(np.unique(column) for column in y.T))
        return cls("single", (np.unique(y),))

    @property
    def output(self) -> Output:
        if self.kind == "labels":
            return Logistic()
        return Softmax(0.0, None if self.kind == "single" else tuple(map(len, self.classes)))

    @property
    def n_outputs(self) -> int:
        return len(self.classes) if self.kind == "labels" else sum(map(len, self.classes))

    @property
    def constant(self) -> str:
        """What is the same in all rows, for messages; "" if all targets differ somewhere."""
        if self.kind == "labels":
            return ""
        same = [m for m, classes in enumerate(self.classes) if len(classes) == 1]
        if not same:
            return ""
        what = "y" if self.kind == "single" else f"y[:, {same[0]}]"
        return f"{what} has only the class {self.classes[same[0]][:1].tolist()[0]!r}"

    def codes(self, y: Array) -> Array:
        """The number of each entry's class, int64 (N, M)."""
        columns = y[:, None] if y.ndim == 1 else y
        found = [np.searchsorted(c, y_m) for c, y_m in zip(self.classes, columns.T, strict=True)]
        return np.stack(found, axis=1)

    def encode(self, y: Array) -> Array:
        """t (N, K) float32: 0/1 for each label, or one-hot for each column."""
        codes = self.codes(y)
        if self.kind == "labels":
            return codes.astype(np.float32)
        codes = codes[:, 0] if self.kind == "single" else codes
        return np.asarray(self.output.targets(codes, self.n_outputs, np.dtype(np.float32)))

    def groups(self, values: Array) -> list[Array]:
        """ŷ or t (N, K) as one array (N, K_m) per target; a label has columns for 0 and for 1."""
        if self.kind == "labels":
            return [np.stack([1 - column, column], axis=1) for column in values.T]
        stops = np.cumsum([len(classes) for classes in self.classes])
        return np.split(values, stops[:-1], axis=1)

    def probabilities(self, y_hat: Array, exponents: Sequence[float] | None = None) -> Any:
        """As scikit-learn has them: (N, K), of labels (N, M); for columns a list of (N, K_m).

        exponents: β of each target, see :mod:`clearprop.tabular.bag.calibration`; None for 1.
        """
        groups = self.groups(y_hat.astype(np.float64, copy=False))
        if exponents is not None:
            groups = [temper(p, beta) for p, beta in zip(groups, exponents, strict=True)]
        if self.kind == "labels":
            return np.stack([p[:, 1] for p in groups], axis=1)
        parts = [p / p.sum(axis=1, keepdims=True) for p in groups]
        return parts if self.kind == "columns" else parts[0]

    def decide(self, y_hat: Array) -> Array:
        """The most probable classes, in the form of y."""
        best = [p.argmax(axis=1) for p in self.groups(y_hat)]
        columns = [c[k] for c, k in zip(self.classes, best, strict=True)]
        return columns[0] if self.kind == "single" else np.stack(columns, axis=1)


@dataclass(frozen=True, eq=False)
class NumberTarget:
    """Quantities: t = (y − centre) / scale, so that learning does not depend on the units.

    output: the output unit with its loss, in units of scale.
    centre, scale (M,): for each column of y, float64. They are mean and standard deviation for the
    squared error, 0 and the mean for Poisson's, otherwise the median and the mean distance from it.
    low, high (M,): the range of y in training; predictions are clipped to it.
    flat: whether y was (N,).
    """

    output: Output
    centre: Array
    scale: Array
    low: Array
    high: Array
    flat: bool

    @classmethod
    def of(cls, y: Array, output: Output, weight: Array | None = None) -> NumberTarget:
        """For y (N,) or (N, M); rows of weight 0 do not count. ValueError for y < 0 and Poisson."""
        columns = (y[:, None] if y.ndim == 1 else y).astype(np.float64)
        w = np.ones(len(columns)) if weight is None else weight.astype(np.float64)
        columns, w = columns[w > 0], w[w > 0] / w.max()
        if isinstance(output, Poisson) and not ((columns >= 0).all() and columns.any(axis=0).all()):
            raise ValueError("y must be >= 0, and > 0 somewhere, for loss='poisson'")
        low, high = columns.min(axis=0), columns.max(axis=0)
        largest = np.maximum(np.abs(columns).max(axis=0), np.finfo(float).tiny)
        columns = columns / largest  # squares of huge values stay finite
        mean = np.average(columns, axis=0, weights=w)
        if isinstance(output, Poisson):
            centre, scale = np.zeros_like(mean), mean
        elif isinstance(output, Linear):
            centre, scale = mean, np.sqrt(np.average((columns - mean) ** 2, axis=0, weights=w))
        else:
            centre = np.median(columns, axis=0)
            scale = np.average(np.abs(columns - centre), axis=0, weights=w)
        scale = np.where(low == high, 1.0, scale) * largest
        scale = np.where(scale > 0, scale, 1.0)
        return cls(output, centre * largest, scale, low, high, y.ndim == 1)

    @property
    def constant(self) -> str:
        """What is the same in all rows, for messages; "" if all columns of y differ somewhere."""
        same = np.flatnonzero(self.low == self.high)
        if not len(same):
            return ""
        what = "y" if self.flat else f"y[:, {same[0]}]"
        return f"{what} is {self.low[same[0]]:g} in all rows"

    @property
    def n_quantiles(self) -> int:
        """Outputs for each column of y."""
        return len(self.output.quantiles) if isinstance(self.output, Quantile) else 1

    @property
    def n_outputs(self) -> int:
        return len(self.centre) * self.n_quantiles

    def encode(self, y: Array) -> Array:
        """t (N, K) float32."""
        columns = y[:, None] if y.ndim == 1 else y
        t = (columns / self.scale - self.centre / self.scale).astype(np.float32)
        return np.asarray(self.output.targets(t, self.n_outputs, np.dtype(np.float32)))

    def decode(self, y_hat: Array) -> Array:
        """ŷ of the network (N, K) in units of y, float64."""
        each = [np.repeat(v, self.n_quantiles) for v in (self.scale, self.centre)]
        with np.errstate(over="ignore"):
            y = y_hat * each[0] + each[1]
        bounds = [np.repeat(v, self.n_quantiles) for v in (self.low, self.high)]
        return np.clip(y, *bounds)

    def shaped(self, y: Array) -> Array:
        """(N, K) as predictions: (N, M), or (N, M, Q) of Q > 1 quantiles; a flat y has no M."""
        if self.n_quantiles > 1:
            y = y.reshape(len(y), -1, self.n_quantiles)
        return y[:, 0] if self.flat else y

    def in_units_of_y(self) -> NumberTarget:
        """The same with a Huber loss whose δ is in units of y.

        All columns then have the largest scale s as theirs, since Huber_δ(r) = s² Huber_{δ/s}(r/s)
        for the residuals r of every column.
        """
        assert isinstance(self.output, Huber)
        scale = self.scale.max()
        with np.errstate(over="ignore"):
            output = Huber(float(np.minimum(self.output.delta / scale, MOST_DELTA)))
        return replace(self, output=output, scale=np.full_like(self.scale, scale))


@dataclass(frozen=True)
class Standardization:
    """One quantity for one network of the lecture's kind: t = (y − mean) / spread.

    mean, spread: mean and standard deviation of y in training; spread is 1 where that is 0.
    """

    mean: float
    spread: float

    @classmethod
    def of(cls, y: Array) -> Standardization:
        """From training values (N,); the squares of huge ones stay finite."""
        magnitude = np.abs(y).max() or 1.0
        spread = float((y / magnitude).std() * magnitude)
        return cls(float((y / magnitude).mean() * magnitude), spread or 1.0)

    def encode(self, y: Array) -> Array:
        """t (N,) float64."""
        t: Array = (y - self.mean) / self.spread
        return t

    def decode(self, y_hat: Array) -> Array:
        """ŷ (N,) of the network in units of y, float64."""
        y: Array = np.asarray(y_hat, dtype=np.float64) * self.spread + self.mean
        return y


def find_loss(loss: Any) -> Output:
    """The output unit of a name of LOSSES, or a record of one of them; ValueError otherwise."""
    if isinstance(loss, str) and loss in LOSSES:
        return LOSSES[loss]()
    if type(loss) in LOSSES.values():
        output: Output = loss
        return output
    raise ValueError(
        f"loss must be one of {', '.join(LOSSES)} or a record such as Huber(delta=2) or "
        f"Quantile((0.1, 0.9)); got {shown_value(loss)}"
    )
