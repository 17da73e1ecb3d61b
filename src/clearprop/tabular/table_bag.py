"""A model for tables on disk: a tabular estimator with the column that it learnt, in one file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike, fspath
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.documents import Document, ModelFileError, check_keys, take, take_list
from clearprop.persistence import read_file, write_file
from clearprop.tables.base_model import BaseTableModel, Predictions
from clearprop.tables.frames import as_frame
from clearprop.tables.model import KIND as NETWORK_KIND
from clearprop.tables.model import TableModel
from clearprop.tables.targets import (
    ClassTarget,
    Target,
    target_from_document,
    target_to_document,
)
from clearprop.tabular.bag.intervals import Residuals
from clearprop.tabular.classifier import TabularClassifier
from clearprop.tabular.files import tabular_from_document, tabular_to_document
from clearprop.tabular.regressor import TabularRegressor
from clearprop.tabular.sources import FrameSource

KIND = "table-bag"


@dataclass(frozen=True)
class TableBag(BaseTableModel):
    """A bag of networks on the columns of a table.

    estimator: a fitted TabularClassifier of t, or TabularRegressor of the column's values; marks:
    texts that mean a missing value; about: facts of the training as JSON values.

    >>> import pyarrow as pa
    >>> frame = pa.table({"x": [0.0, 1.0] * 20, "t": [5.0, 7.0] * 20})
    >>> from clearprop.tables.targets import NumberTarget
    >>> t = np.array([-1.0, 1.0] * 20)
    >>> model = TableBag.fit(frame, NumberTarget("t", 6.0, 1.0), t, random_state=0)
    >>> model.predict(frame.slice(0, 2)).round().tolist()
    [5.0, 7.0]
    """

    target: Target
    estimator: TabularClassifier | TabularRegressor
    marks: tuple[str, ...] = ()
    about: Document = field(default_factory=dict)

    @classmethod
    def fit(
        cls,
        frame: Any,
        target: Target,
        t: Array,
        *,
        kinds: Mapping[str, str] | None = None,
        missing: tuple[str, ...] = (),
        **parameters: Any,
    ) -> TableBag:
        """Learn t (N,), which the target encoded, from the columns of a frame but the target's.

        kinds: of the columns, see the estimators, to which the other parameters go.
        """
        table = as_frame(frame)
        if target.name in table.columns:
            table = table.drop([target.name])
        source = FrameSource(table, missing=tuple(missing))
        estimator: TabularClassifier | TabularRegressor
        if isinstance(target, ClassTarget):
            estimator = TabularClassifier(kinds=kinds, **parameters).fit(source, t)
        else:
            estimator = TabularRegressor(kinds=kinds, **parameters).fit(source, target.decode(t))
        return cls(target, estimator, tuple(missing))

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that it predicts from: those that say something, or the first of all."""
        inputs = self.estimator.inputs_
        return tuple(column.name for column in inputs.columns) or inputs.names[:1]

    @property
    def missing(self) -> tuple[str, ...]:
        """Texts that mean a missing value."""
        return self.marks

    def predict_values(self, frame: Any, *, first_row: int = 0) -> Predictions:
        """Probabilities (N, K), or ŷ (N,) in units of the target column.

        first_row: number of the first row of `frame` in the whole table, for messages.
        """
        source = FrameSource(as_frame(frame), first_row, missing=self.marks)
        unseen = self.estimator.inputs_.count_unseen(source)
        if isinstance(self.estimator, TabularClassifier):
            p = np.zeros((source.n_rows, len(self.estimator.classes_)))
            return Predictions(self.estimator.predict_proba(source) if len(p) else p, unseen)
        y_hat = self.estimator.predict(source) if source.n_rows else np.empty(0)
        return Predictions(y_hat, unseen)

    @property
    def residuals(self) -> tuple[Residuals, ...]:
        """Of held-out rows; what intervals are made of. None for classes."""
        return getattr(self.estimator, "residuals_", ())

    def predict_interval(self, frame: Any, alpha: float, *, first_row: int = 0) -> Array:
        """The two ends (N, 2) between which the quantity lies with probability 1 − α."""
        if not isinstance(self.estimator, TabularRegressor):
            raise TypeError("a model of classes has probabilities, and no intervals")
        source = FrameSource(as_frame(frame), first_row, missing=self.marks)
        return self.estimator.predict_interval(source, alpha)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the model to one safetensors file, whole or not at all; no pickle."""
        document, tensors = tabular_to_document(self.estimator)
        parts = {
            "target": target_to_document(self.target),
            "estimator": document,
            "missing": list(self.marks),
            "about": self.about,
        }
        write_file(path, KIND, parts, tensors)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> TableBag:
        """Read a file that `save` wrote; nothing in it is executed.

        Raises ModelFileError for a damaged, foreign or newer file, OSError where there is none.
        """
        return cls.from_document(*read_file(path, KIND), fspath(path))

    @classmethod
    def from_document(
        cls, document: Document, tensors: Mapping[str, Array], where: str
    ) -> TableBag:
        """From what a file holds; ModelFileError, naming `where`."""
        check_keys(document, ("kind", "target", "estimator", "missing", "about"), where)
        target = target_from_document(take(document, "target", dict, where), f"{where}: target")
        parts = (take(document, "estimator", dict, where), tensors, f"{where}: estimator")
        estimator: TabularClassifier | TabularRegressor
        if isinstance(target, ClassTarget):
            estimator = tabular_from_document(*parts, TabularClassifier)
            fits = _plain(estimator.classes_) == list(range(len(target.labels)))
        else:
            estimator = tabular_from_document(*parts, TabularRegressor)
            fits = estimator.n_outputs_ == 1
        if not fits:
            raise ModelFileError(f"{where}: the networks' outputs do not fit the target")
        marks = tuple(take_list(document, "missing", str, where))
        return cls(target, estimator, marks, take(document, "about", dict, where))


def _plain(classes: Any) -> list[Any]:
    return list(classes.tolist()) if isinstance(classes, np.ndarray) else []


def load_table_model(path: str | PathLike[str]) -> TableModel | TableBag:
    """The model in a file of `clearprop fit`, of either kind; errors as those of `load`."""
    where = fspath(path)
    document, tensors = read_file(path, (NETWORK_KIND, KIND))
    if document["kind"] == KIND:
        return TableBag.from_document(document, tensors, where)
    return TableModel.from_document(document, tensors, where)
