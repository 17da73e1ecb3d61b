"""What a fit leaves for predictions: the table's inputs and the members' networks."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.architecture import Architecture
from clearprop.callers import users_line
from clearprop.predictor import Predictor
from clearprop.tables.sources import ArraySource, FrameSource, Source
from clearprop.tabular import monotone
from clearprop.tabular.inputs import CHUNK_BYTES, TableInputs
from clearprop.tabular.row import RowReader


@dataclass(eq=False)
class BagModel:
    """ŷ of a table as the mean over the members.

    named: whether the table had names for its columns. engine: "native" or "reference";
    n_threads: of the native one.
    """

    inputs: TableInputs
    named: bool
    architectures: list[Architecture]
    thetas: Array
    engine: str
    n_threads: int | None = None
    predictors: list[Predictor] = field(default_factory=list, repr=False)
    _reader: RowReader | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self.predictors = [
            Predictor(architecture, theta, engine=self.engine, n_threads=self.n_threads)
            for architecture, theta in zip(self.architectures, self.thetas, strict=True)
        ]

    def y_hat(self, source: Source, of: str = "the estimator") -> Array:
        """Mean ŷ of the members for the rows of a source, float64 (N, K).

        Columns are found by name, or by position if this table or the training table has no names.
        Raises TableError, a ValueError, if columns are missing or there are too many.
        """
        source = self.named_as_in_training(source, of)
        n = source.n_rows
        total = np.zeros((n, self.architectures[0].n_outputs))
        step = max(1, CHUNK_BYTES // (4 * sum(self.inputs.sizes)))
        for begin in range(0, n, step):
            some = source if n <= step else source.rows(begin, begin + step)
            total[begin : begin + step] = self.y_hat_of_matrix(self.matrix(some))
        return total

    def y_hat_of_matrix(self, matrix: Array) -> Array:
        """Mean ŷ of the members for rows of the matrix that they take, float64 (N, K)."""
        total = np.zeros((len(matrix), self.architectures[0].n_outputs))
        for predictor in self.predictors:
            if self.is_monotone:
                z = predictor(matrix, logits=True)
                total += monotone.y_hat(predictor.architecture.output, z)
            else:
                total += predictor(matrix)
        return total / len(self.predictors)

    @property
    def is_monotone(self) -> bool:
        """Whether ŷ is a monotone function of some columns."""
        return self.architectures[0].monotone is not None

    def matrix(self, source: Source) -> Array:
        """The matrix (N, D) float32 that the networks take; columns are named as in training."""
        if source.n_rows != 1:
            return self.inputs.transform(source)
        if self._reader is None:
            self._reader = RowReader(self.inputs)
        return self._reader.read(source)

    def named_as_in_training(self, source: Source, of: str) -> Source:
        """The source with the names of training; a warning or ValueError where they do not fit.

        Columns of frames whose names are numbers are found by these numbers.
        """
        names = self.inputs.names
        if self.named and source.named:
            return source
        numbered = _by_number(source, names)
        if numbered is not None:
            return numbered
        if len(source.names) != len(names):
            raise ValueError(
                f"X has {len(source.names)} features, but {of} is expecting {len(names)} features "
                "as input"
            )
        if self.named:
            message = f"X does not have valid feature names, but {of} was fitted with feature names"
            warnings.warn(message, UserWarning, stacklevel=users_line())
        elif source.named:
            message = f"X has feature names, but {of} was fitted without feature names"
            warnings.warn(message, UserWarning, stacklevel=users_line())
        return source.renamed(names)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"predictors": [], "_reader": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.__post_init__()


def _by_number(source: Source, names: tuple[str, ...]) -> Source | None:
    """A source with the names of training where its own are the same numbers; otherwise None.

    x3 is the name of column 3 where there are no names.
    """
    if isinstance(source, ArraySource):
        return None
    if source.named:  # and the table of training was not
        found = tuple(f"x{name}" if name.isdecimal() else name for name in source.names)
    elif isinstance(source, FrameSource):
        found = tuple(name.removeprefix("x") for name in source.names)
    else:
        return None
    fits = set(names) <= set(found) and len(set(found)) == len(found)
    return source.renamed(found) if fits else None


def set_bag(estimator: Any, bag: BagModel) -> None:
    """Give a tabular estimator its bag, with what scikit-learn asks about the table."""
    names = bag.inputs.names
    estimator.bag_, estimator.inputs_, estimator.engine_ = bag, bag.inputs, bag.engine
    estimator.n_features_in_ = len(names)
    vars(estimator).pop("feature_names_in_", None)
    if bag.named:
        estimator.feature_names_in_ = np.asarray(names, dtype=object)
    used = {column.name for column in bag.inputs.columns}
    estimator.columns_ = bag.inputs.table_columns
    estimator.unused_columns_ = [name for name in names if name not in used]
