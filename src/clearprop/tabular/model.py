"""A model for tables: an estimator with the column that it learnt, in one file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from os import PathLike, fspath
from typing import Any

import numpy as np

from clearprop._typing import Array
from clearprop.documents import Document
from clearprop.estimators import MLPClassifier, MLPRegressor
from clearprop.network import Network
from clearprop.persistence import read_file, write_file
from clearprop.tables.frames import TableError, as_frame, shown, unknown_name
from clearprop.tables.inference import ColumnFinding
from clearprop.tables.names import name_text
from clearprop.tables.sources import FrameSource, find_all, row_source
from clearprop.tables.target_column import TargetColumn
from clearprop.tables.told import warn, warn_of_texts
from clearprop.tabular.classifier import TabularClassifier
from clearprop.tabular.model_codec import model_from_document, model_to_document
from clearprop.tabular.network import NetworkOptions, train_network
from clearprop.tabular.plain import NOT_READ, TableEncoding
from clearprop.tabular.problem import Problem, kinds_with_group, read_problem
from clearprop.tabular.regressor import TabularRegressor
from clearprop.tabular.scores import Scores, classification_scores, regression_scores
from clearprop.tabular.target import Standardization

KIND = "TableModel"
OLD_KINDS = ("table-model", "table-bag")  # one network, a bag
CHUNK_BYTES = 32 * 2**20  # of the matrix of a network at a time in predictions

Estimator = TabularClassifier | TabularRegressor | MLPClassifier | MLPRegressor


@dataclass(frozen=True)
class Predictions:
    """Predictions for N rows: probabilities (N, K) or ŷ (N,).

    unseen: for each column with any, how many labels were not seen in training.
    """

    values: Array
    unseen: dict[str, int]


@dataclass(frozen=True)
class TableModel:
    """An estimator with the column that it learnt.

    target: the column, whose values it reads as y. Classes are learnt by their numbers: label k of
    `target.labels` is y = k.
    estimator: a fitted TabularClassifier or TabularRegressor, which takes the columns as they are;
    or one network, an MLPClassifier or MLPRegressor.
    encoding: for one network, how the columns become its matrix; None for a bag.
    standardization: for one network and a quantity, how y becomes t; None otherwise.
    missing: texts that mean a missing value.
    about: facts about the training as JSON values, kept in the file.

    >>> import pyarrow as pa
    >>> frame = pa.table({"x": [0.0, 1.0] * 20, "answer": ["no", "yes"] * 20})
    >>> model = TableModel.fit(frame, "answer", n_members=4, random_state=0)
    >>> model.predict(frame.slice(0, 3)).tolist()
    ['no', 'yes', 'no']
    >>> type(model.estimator).__name__
    'TabularClassifier'
    """

    target: TargetColumn
    estimator: Estimator
    encoding: TableEncoding | None = None
    standardization: Standardization | None = None
    missing: tuple[str, ...] = ()
    about: Document = field(default_factory=dict)

    # ---- fitting -----------------------------------------------------------------------------

    @classmethod
    def fit(
        cls,
        frame: Any,
        target: Any,
        *,
        task: str | None = None,
        kinds: Mapping[Any, str] | None = None,
        missing: Collection[str] = (),
        text_format: Mapping[str, Any] | None = None,
        network: NetworkOptions | None = None,
        group: str | None = None,
        time: str | None = None,
        **parameters: Any,
    ) -> TableModel:
        """Learn to predict the column `target` of a data frame from its other columns and all rows.

        target: its name, which may be a number, a tuple or a date, as the names of other columns.
        task: "classification" or "regression"; None chooses by the values of the target.
        kinds: column → "numeric", "categorical", "boolean", "date", "text" or "ignore", instead of
        the kind that is inferred.
        missing: texts that mean a missing value.
        text_format: how numbers and dates are written as text, see TabularClassifier.
        network: options of one network, which is trained instead of a bag.
        group: column whose equal values are held out together, see `TabularClassifier.fit`. It is
        an input only if `kinds` names it.
        time: column of dates, times or numbers; judged rows are later than training rows.
        parameters: of the bag, see TabularClassifier and TabularRegressor.
        Raises TableError for a table that cannot be learnt from, TypeError for parameters of a bag
        together with `network`.
        """
        if network is not None and parameters:
            name = next(iter(parameters))
            raise TypeError(f"{name} is a parameter of a bag, but network= asks for one network")
        kinds = {name_text(name): kind for name, kind in (kinds or {}).items()}
        target = name_text(target)
        group, time = (None if name is None else name_text(name) for name in (group, time))
        if target in kinds:
            raise TableError(f"column {shown(target)} is the target; choose its task instead")
        problem = read_problem(
            frame,
            target,
            task=task,
            missing=missing,
            text_format=text_format,
            group=group,
            time=time,
        )
        kinds = kinds_with_group(kinds, group)
        findings = find_all(problem.source, kinds, text_format)
        warn(findings)
        if network is not None:
            encoding = TableEncoding.fit(problem.source, rows=problem.train, findings=findings)
            return cls.fit_network(problem, encoding, network)
        parameters = {**parameters, "text_format": text_format}
        return cls.fit_bag(problem, kinds, findings, **parameters)

    @classmethod
    def fit_bag(
        cls,
        problem: Problem,
        kinds: Mapping[str, str] | None = None,
        findings: Mapping[str, ColumnFinding] | None = None,
        **parameters: Any,
    ) -> TableModel:
        """A bag, trained on the training rows of a problem; kinds and parameters as for `fit`.

        findings: what each column is, where that is decided already.
        """
        bag = TabularClassifier if problem.target.has_classes else TabularRegressor
        rows = problem.train
        groups, times = problem.division(rows)
        source = replace(problem.source.take(rows), findings=findings or {})
        estimator = bag(kinds=kinds or None, **parameters)
        estimator.fit(source, problem.y[rows], groups=groups, time=times)
        about = {"n_rows": len(rows), "n_validation_rows": 0}
        return cls(problem.target, estimator, missing=problem.missing, about=about)

    @classmethod
    def fit_network(
        cls,
        problem: Problem,
        encoding: TableEncoding,
        options: NetworkOptions,
        *,
        callbacks: Collection[Callable[[Any], object]] = (),
    ) -> TableModel:
        """One network, trained on the training rows of a problem.

        encoding: fitted to these rows.
        callbacks: called with an EpochReport after every epoch; one that returns True ends
        training.
        """
        texts = [column.name for column in encoding.ignored if column.reading.kind == "text"]
        warn_of_texts(texts, NOT_READ, "a bag reads it")
        X, t = encoding.transform(problem.source.take(problem.train)), problem.y[problem.train]
        standardization = None
        if not problem.target.has_classes:
            standardization = Standardization.of(t)
            t = standardization.encode(t)
        groups, times = problem.division(problem.train)
        estimator, n_validation_rows = train_network(
            X,
            t,
            options,
            has_classes=problem.target.has_classes,
            callbacks=callbacks,
            groups=groups,
            times=times,
        )
        about = {"n_rows": len(t), "n_validation_rows": n_validation_rows}
        return cls(problem.target, estimator, encoding, standardization, problem.missing, about)

    # ---- the glass box -----------------------------------------------------------------------

    @property
    def networks(self) -> list[Network]:
        """The networks of the bag, or the one, over the matrix of `encode`."""
        return self.estimator.networks_ if self.is_bag else [self.estimator.network_]

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the D columns of the matrix."""
        if self.encoding is None:
            return tuple(self.estimator.inputs_.feature_names)
        return self.encoding.feature_names

    def encode(self, frame: Any, dtype: Any = np.float32) -> Array:
        """The matrix (N, D) of a frame that the networks take."""
        if self.encoding is None:
            matrix: Array = self.estimator.encode(self._source(frame, 0))
            return matrix.astype(dtype, copy=False)
        return self.encoding.transform(frame, dtype)

    # ---- predicting --------------------------------------------------------------------------

    @property
    def is_bag(self) -> bool:
        """Whether the estimator is a bag of networks, and not a single one."""
        return self.encoding is None

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that it predicts from; of a bag that uses none, the first."""
        if self.encoding is not None:
            return self.encoding.names
        inputs = self.estimator.inputs_
        return tuple(column.name for column in inputs.columns) or inputs.names[:1]

    def check_names(self, names: Collection[str]) -> None:
        """Raise TableError, with near matches, if a column is not among the names."""
        known = set(names)
        for name in self.names:
            if name not in known:
                raise TableError(unknown_name(name, list(names)))

    def predict(self, frame: Any) -> Array:
        """The most probable label, or the number, for each row (N,)."""
        return self.decide(self._values(frame))

    def predict_one(self, row: Any) -> Any:
        """The label, or the number, for one row, as a plain Python value.

        row: a dict of the values by the names of the columns, or a data frame with one row; see
        :meth:`TabularClassifier.predict_one`.
        """
        value = self.decide(self._values_of_row(row))[0]
        return value.item() if isinstance(value, np.generic) else value

    def predict_proba(self, frame: Any) -> Array:
        """The probability of each class (N, K), in the order of `target.labels`."""
        if not self.target.has_classes:
            raise TypeError("a model for a quantity has no probabilities; use predict(frame)")
        return self._values(frame)

    def predict_proba_one(self, row: Any) -> Array:
        """The probability of each class (K,) for one row; see `predict_one` for the row."""
        if not self.target.has_classes:
            raise TypeError("a model for a quantity has no probabilities; use predict_one(row)")
        p: Array = self._values_of_row(row)[0]
        return p

    def predict_interval(self, frame: Any, alpha: float = 0.1, *, first_row: int = 0) -> Array:
        """The two ends (N, 2) between which the quantity lies with probability 1 − α.

        first_row: as for `predict_values`.
        Raises TypeError for a model of classes and for one network, and ValueError as
        `TabularRegressor.predict_interval` does.
        """
        if not isinstance(self.estimator, TabularRegressor):
            what = "classes are" if self.target.has_classes else "a single network is"
            raise TypeError(f"only a bag for a quantity has intervals; here {what} predicted")
        return self.estimator.predict_interval(self._source(frame, first_row), alpha)

    def predict_values(self, frame: Any, *, first_row: int = 0) -> Predictions:
        """Probabilities (N, K), or ŷ (N,) in units of the target column.

        The matrix of one network is built in chunks, so that memory does not grow with N times its
        width. frame: a data frame, or a source of one. first_row: number of the first row of
        `frame` in the whole table, for messages.
        """
        if self.encoding is not None:
            return self._network_predictions(frame, first_row)
        source = self._source(frame, first_row).keeping()
        unseen = self.estimator.inputs_.count_unseen(source)
        return Predictions(self._estimates(source, source.n_rows), unseen)

    def _values(self, frame: Any) -> Array:
        if self.encoding is not None:
            return self._network_predictions(frame, 0).values
        source = self._source(frame, 0)
        return self._estimates(source, source.n_rows)

    def _values_of_row(self, row: Any) -> Array:
        source = replace(row_source(row), missing=self.missing)
        if self.encoding is None:
            return self._estimates(source, 1)
        self.check_names(source.names)
        row = source.frame if isinstance(source, FrameSource) else source
        return self.network_values(self.encoding.encode(row).X)

    def _source(self, frame: Any, first_row: int) -> FrameSource:
        if isinstance(frame, FrameSource):
            return frame
        return FrameSource(as_frame(frame), first_row, missing=self.missing)

    def _network_predictions(self, frame: Any, first_row: int) -> Predictions:
        assert self.encoding is not None
        source = self._source(frame, first_row)
        n_rows = max(1, CHUNK_BYTES // (4 * len(self.encoding.feature_names)))
        parts: list[Array] = []
        unseen: dict[str, int] = {}
        for start in range(0, max(source.n_rows, 1), n_rows):
            encoded = self.encoding.encode(source.rows(start, start + n_rows))
            parts.append(self.network_values(encoded.X))
            for name, n in encoded.unseen.items():
                unseen[name] = unseen.get(name, 0) + n
        return Predictions(np.concatenate(parts), unseen)

    def network_values(self, X: Array) -> Array:
        """Probabilities (N, K), or ŷ (N,) in units of the target column, for the matrix X."""
        values = self._estimates(X, len(X))
        return values if self.standardization is None else self.standardization.decode(values)

    def _estimates(self, X: Any, n_rows: int) -> Array:
        """What the estimator predicts; scikit-learn's checks refuse a table without rows."""
        if isinstance(self.estimator, TabularClassifier | MLPClassifier):
            if n_rows == 0:
                return np.empty((0, len(self.target.labels)))
            p: Array = self.estimator.predict_proba(X)
            return p
        return self.estimator.predict(X) if n_rows else np.empty(0)

    def decide(self, values: Array) -> Array:
        """The most probable label for probabilities (N, K); numbers (N,) as they are."""
        if self.target.has_classes:
            labels: Array = np.array(self.target.values())[values.argmax(axis=1)]
            return labels
        return values

    def to_table(self, values: Array) -> Any:
        """Predictions as an Arrow table: "prediction", and "probability_…" for each class."""
        import pyarrow as pa

        if not self.target.has_classes:
            return pa.table({"prediction": values.astype(np.float64)})
        columns = {"prediction": self.target.decode(values.argmax(axis=1))}
        for k, label in enumerate(self.target.labels):
            columns[f"probability_{label}"] = pa.array(np.ascontiguousarray(values[:, k]))
        return pa.table(columns)

    # ---- evaluating --------------------------------------------------------------------------

    def read_target(self, frame: Any, *, first_row: int = 0, skip_missing: bool = False) -> Array:
        """y (N,) of a frame that has the target column.

        Raises TableError, naming the row, for a missing value, unless skip_missing is true: see
        `tables.target_column.TargetColumn.read`.
        """
        return self.target.read(frame, self.missing, first_row=first_row, skip_missing=skip_missing)

    def network_targets(self, y: Array) -> Array:
        """y (N,) as the `loss` and `backward` of the networks take it."""
        if self.is_bag:
            return self.estimator.encode_target(y)
        net = self.estimator.network_
        t = y if self.standardization is None else self.standardization.encode(y)
        return t if net.output.unit == "softmax" else t.astype(net.theta.dtype)[:, None]

    def score(self, y: Array, values: Array) -> Scores:
        """The scores of predictions for rows with these y (N,)."""
        if self.target.has_classes:
            return classification_scores(y, values)
        return regression_scores(y, values)

    def evaluate(self, frame: Any) -> Scores:
        """The scores of the predictions for a frame that has the target column."""
        table = as_frame(frame)
        if len(table) == 0:
            raise TableError("the table has no rows")
        return self.score(self.read_target(table), self.predict_values(table).values)

    # ---- files -------------------------------------------------------------------------------

    def save(self, path: str | PathLike[str]) -> None:
        """Write the model to one safetensors file, completely or not at all; no pickle."""
        write_file(path, KIND, *model_to_document(self))

    @classmethod
    def load(cls, path: str | PathLike[str]) -> TableModel:
        """Read a file that `save` wrote; nothing in it is executed.

        Raises ModelFileError for a damaged, foreign or newer file, and OSError for a missing one.
        """
        document, tensors = read_file(path, (KIND, *OLD_KINDS))
        return model_from_document(document, tensors, fspath(path), cls)
