"""A model for tables: how columns become a matrix, a network on it, and what it predicts.

A `TableModel` is fitted to a data frame and predicts for data frames; its file holds all three
parts, as JSON and tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

import numpy as np

from clearprop._typing import Array
from clearprop.documents import Document, ModelFileError, check_keys, take
from clearprop.persistence import read_file, write_file
from clearprop.tables.base_model import BaseTableModel, Predictions
from clearprop.tables.encoding import TableEncoding
from clearprop.tables.frames import as_frame
from clearprop.tables.targets import (
    ClassTarget,
    Target,
    target_from_document,
    target_to_document,
)

if TYPE_CHECKING:
    from clearprop.estimators import MLPClassifier
    from clearprop.tables.fit import NetworkOptions

KIND = "table-model"
CHUNK_BYTES = 32 * 2**20  # of the matrix at a time in predictions


@dataclass(frozen=True)
class TableModel(BaseTableModel):
    """Preprocessing, network and target in one.

    encoding: columns → X; estimator: a fitted MLPClassifier or MLPRegressor on X; target: t ↔
    values of the column; about: facts of the training as JSON values, kept in the file.

    >>> import pyarrow as pa
    >>> frame = pa.table({"x": [0.0, 1.0] * 20, "answer": ["no", "yes"] * 20})
    >>> model = TableModel.fit(frame, "answer")
    >>> model.predict(frame.slice(0, 3)).tolist()
    ['no', 'yes', 'no']
    """

    encoding: TableEncoding
    target: Target
    estimator: Any
    about: Document = field(default_factory=dict)

    @classmethod
    def fit(
        cls,
        frame: Any,
        target: str,
        *,
        task: str | None = None,
        kinds: Mapping[str, str] | None = None,
        parse_text: bool = False,
        missing: Collection[str] = (),
        options: NetworkOptions | None = None,
        callbacks: Collection[Callable[[Any], object]] = (),
    ) -> TableModel:
        """Learn the column `target` of a data frame from the others, with all of its rows.

        task: "classification" or "regression"; by default chosen from the target. kinds,
        parse_text, missing: as for `TableEncoding.fit`. options: of the network and its training.
        Raises TableError for a table that cannot be learnt from.
        """
        from clearprop.tables.fit import NetworkOptions, prepare, train

        prepared = prepare(
            frame, target, task=task, kinds=kinds, parse_text=parse_text, missing=missing
        )
        return train(prepared, options or NetworkOptions(), callbacks=callbacks)

    # ---- predicting --------------------------------------------------------------------------

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that it predicts from."""
        return tuple(self.encoding.names)

    @property
    def missing(self) -> tuple[str, ...]:
        """Texts that mean a missing value."""
        return tuple(self.encoding.missing)

    def predict_values(self, frame: Any, *, first_row: int = 0) -> Predictions:
        """Probabilities (N, K), or ŷ (N,) in units of the target column.

        The matrix is built in chunks, so that memory does not grow with N times its width.
        first_row: number of the first row of `frame` in the whole table, for messages.
        """
        table = as_frame(frame)
        width = len(self.encoding.feature_names)
        n_rows = max(1, CHUNK_BYTES // (4 * width))
        parts: list[Array] = []
        unseen: dict[str, int] = {}
        for start in range(0, max(len(table), 1), n_rows):
            encoded = self.encoding.encode(
                table[start : start + n_rows], first_row=first_row + start
            )
            parts.append(self.network_values(encoded.X))
            for name, n in encoded.unseen.items():
                unseen[name] = unseen.get(name, 0) + n
        return Predictions(np.concatenate(parts), unseen)

    def network_values(self, X: Array) -> Array:
        """Probabilities (N, K), or ŷ (N,) in units of the target column, for the matrix X."""
        if isinstance(self.target, ClassTarget):
            if len(X) == 0:  # scikit-learn's checks take no empty matrix
                return np.empty((0, len(self.target.labels)))
            p: Array = self.estimator.predict_proba(X)
            return p
        return self.target.decode(self.estimator.predict(X) if len(X) else np.empty(0))

    # ---- files -------------------------------------------------------------------------------

    def save(self, path: str | PathLike[str]) -> None:
        """Write the model to one safetensors file, whole or not at all; no pickle."""
        from clearprop.estimators.files import estimator_to_document

        document, tensors = estimator_to_document(self.estimator)
        parts = {
            "encoding": self.encoding.to_document(),
            "target": target_to_document(self.target),
            "estimator": document,
            "about": self.about,
        }
        write_file(path, KIND, parts, tensors)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> TableModel:
        """Read a file that `save` wrote; nothing in it is executed.

        Raises ModelFileError for a damaged, foreign or newer file, OSError where there is none.
        """
        return cls.from_document(*read_file(path, KIND), fspath(path))

    @classmethod
    def from_document(
        cls, document: Document, tensors: Mapping[str, Array], where: str
    ) -> TableModel:
        """From what a file holds; ModelFileError, naming `where`."""
        from clearprop.estimators import MLPClassifier, MLPRegressor
        from clearprop.estimators.files import estimator_from_document

        check_keys(document, ("kind", "encoding", "target", "estimator", "about"), where)
        encoding = TableEncoding.from_document(
            take(document, "encoding", dict, where), f"{where}: encoding"
        )
        target = target_from_document(take(document, "target", dict, where), f"{where}: target")
        parts = (take(document, "estimator", dict, where), tensors, f"{where}: estimator")
        estimator: MLPClassifier | MLPRegressor
        if isinstance(target, ClassTarget):
            estimator = estimator_from_document(*parts, MLPClassifier)
            fits = _labels(estimator) == list(range(len(target.labels)))
        else:
            estimator = estimator_from_document(*parts, MLPRegressor)
            fits = estimator.n_outputs_ == 1
        if not fits:
            raise ModelFileError(f"{where}: the network's outputs do not fit the target")
        if estimator.n_features_in_ != len(encoding.feature_names):
            raise ModelFileError(
                f"{where}: the network takes {estimator.n_features_in_} features, "
                f"the columns give {len(encoding.feature_names)}"
            )
        return cls(encoding, target, estimator, take(document, "about", dict, where))


def _labels(estimator: MLPClassifier) -> list[Any]:
    classes: Any = estimator.classes_
    return list(classes.tolist()) if isinstance(classes, np.ndarray) else []
