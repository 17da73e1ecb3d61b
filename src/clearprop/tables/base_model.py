"""What all models of tables share: predictions as labels or tables, scores, the target's side."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.tables.frames import TableError, as_frame, read_column, unknown_name
from clearprop.tables.scores import Scores, score
from clearprop.tables.targets import ClassTarget, Target, missing_rows


@dataclass(frozen=True)
class Predictions:
    """Predictions for N rows: probabilities (N, K) or ŷ (N,).

    unseen: per column, how many labels were not seen in training.
    """

    values: Array
    unseen: dict[str, int]


class BaseTableModel(ABC):
    """A model that learnt the column of a table from the others.

    target: t ↔ values of the column.
    """

    target: Target

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """The columns that it predicts from."""

    @property
    @abstractmethod
    def missing(self) -> tuple[str, ...]:
        """Texts that mean a missing value."""

    @abstractmethod
    def predict_values(self, frame: Any, *, first_row: int = 0) -> Predictions:
        """Probabilities (N, K), or ŷ (N,) in units of the target column.

        first_row: number of the first row of `frame` in the whole table, for messages.
        """

    @abstractmethod
    def save(self, path: str | PathLike[str]) -> None:
        """Write the model to one safetensors file, whole or not at all; no pickle."""

    def check_names(self, names: Collection[str]) -> None:
        """Raise TableError, with near matches, if a column is not among the names."""
        for name in self.names:
            if name not in names:
                raise TableError(unknown_name(name, list(names)))

    # ---- predicting --------------------------------------------------------------------------

    def predict(self, frame: Any) -> Array:
        """The most probable label, or the number, for each row (N,)."""
        return self.decide(self.predict_values(frame).values)

    def predict_proba(self, frame: Any) -> Array:
        """The probability of each class (N, K), in the order of `target.labels`."""
        if not isinstance(self.target, ClassTarget):
            raise TypeError("a model of a quantity has no probabilities; use predict(frame)")
        return self.predict_values(frame).values

    def decide(self, values: Array) -> Array:
        """The most probable label for probabilities (N, K); numbers (N,) as they are."""
        if isinstance(self.target, ClassTarget):
            labels: Array = np.array(self.target.values())[values.argmax(axis=1)]
            return labels
        return values

    def to_table(self, values: Array) -> Any:
        """Predictions as an Arrow table: "prediction", and "probability_…" for each class."""
        import pyarrow as pa

        if not isinstance(self.target, ClassTarget):
            return pa.table({"prediction": values.astype(np.float64)})
        columns = {"prediction": self.target.decode(values.argmax(axis=1))}
        for k, label in enumerate(self.target.labels):
            columns[f"probability_{label}"] = pa.array(np.ascontiguousarray(values[:, k]))
        return pa.table(columns)

    # ---- evaluating --------------------------------------------------------------------------

    def read_target(self, frame: Any, *, first_row: int = 0) -> Array:
        """The targets t (N,) of a frame that has the target column.

        Raises TableError, naming the row, where one is missing or cannot be one of this model.
        """
        column = read_column(as_frame(frame), self.target.name, self.missing, first_row)
        missing = missing_rows(column)
        if missing.any():
            raise TableError(f"{column.row(int(missing.argmax()))}: the target is missing")
        return self.target.encode(column)

    def evaluate(self, frame: Any) -> Scores:
        """The scores of the predictions for a frame that has the target column."""
        table = as_frame(frame)
        if len(table) == 0:
            raise TableError("the table has no rows")
        return score(self.target, self.read_target(table), self.predict_values(table).values)
