"""The base of the two tabular estimators: validation, fit, predictions, inspection, files."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from dataclasses import replace
from os import PathLike
from time import monotonic
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils.validation import check_is_fitted

from clearprop._typing import Array
from clearprop.callers import users_line
from clearprop.checks import check_number, check_sample_weight, check_weights, scale_weights
from clearprop.limits import MAX_COLUMNS, check_limit
from clearprop.network import Network
from clearprop.numpy_random import random_state
from clearprop.tables.frames import TableWarning
from clearprop.tables.given_targets import check_present, plain_classes, plain_numbers
from clearprop.tables.names import name_text
from clearprop.tables.sources import Source, find_all, row_of_pandas, row_source, source_of
from clearprop.tables.told import warn
from clearprop.tabular.bag.prediction import BagModel, set_bag
from clearprop.tabular.bag.recipe import Recipe
from clearprop.tabular.bag.train import Bag
from clearprop.tabular.fitting import (
    Settings,
    Task,
    all_rows,
    choose_rows,
    divide,
    fit_bag,
    use_texts,
    warn_of_constants,
    warn_of_leaks,
    warn_of_sample,
)
from clearprop.tabular.gain import Gain
from clearprop.tabular.importances import FeatureImportances, feature_importances
from clearprop.tabular.monotone import check_columns, check_target
from clearprop.tabular.networks import encode_target, member_networks
from clearprop.tabular.parameters import check_parameters


class BaseTabular(BaseEstimator):
    """See :class:`TabularClassifier` and :class:`TabularRegressor`."""

    n_members: Any
    scoring: Any
    kinds: Any
    text_format: Any
    monotone: Any
    time_limit: Any
    tune: Any
    n_threads: Any
    random_state: Any
    verbose: Any
    engine: Any

    _recipe: ClassVar[Recipe]
    bag_: BagModel
    target_: Any

    @abstractmethod
    def _read_y(self, y: Any) -> Array:
        """y as an array of the shape and dtype that the targets take; otherwise ValueError."""

    @abstractmethod
    def _task(self, y: Array, weight: Array | None) -> Task:
        """The learning task for y and the sample weights."""

    @abstractmethod
    def _judge(self, y: Array, bag: Bag, weight: Array) -> Any:
        """Set what follows from the out-of-fold ŷ; returns `oof_prediction_`."""

    @abstractmethod
    def _losses(self, y_hat: Array, y: Array, weight: Array) -> tuple[Array, Array]:
        """The losses (n,) of the bag's ŷ (n, K), and of the best constant prediction."""

    @abstractmethod
    def _value(self, y_hat: Array, y: Array, weight: Array) -> float:
        """The score of the bag's ŷ (N, K) by its usual definition, as `oof_score_` has it."""

    @property
    @abstractmethod
    def _scoring_name(self) -> str:
        """The name of this score."""

    def _calibrate(self, task: Task, bag: Bag) -> None:
        """Set the attributes that follow from out-of-fold predictions of the members."""

    # ---- fitting -----------------------------------------------------------------------------

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, groups: Any = None, time: Any = None
    ) -> Self:
        """Train on a table X (N rows) and y (N,) or (N, M). Returns self.

        X: a data frame (pandas, polars, Arrow, …) or an array.
        sample_weight: (N,).
        groups: a label for each row (N,), such as the person that it belongs to. The rows of a
        group are held out together, so that `oof_score_` estimates the score for new groups.
        time: a date, time or number for each row (N,). No network judges rows that are earlier
        than rows that it was trained on, so that `oof_score_` estimates the score for later rows;
        see :mod:`clearprop.tabular.bag.division`. Neither groups nor time is an input.
        Raises TableError, ValueError or TypeError, naming the argument or the column.
        """
        begun = monotonic()
        check_parameters(self)
        source = source_of(X, keep=True)
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None"
            )
        check_limit("the number of columns of X", len(source.names), MAX_COLUMNS)
        y = self._read_y(y)
        check_consistent_length(range(source.n_rows), y)
        n = source.n_rows
        given = _scaled(check_weights(sample_weight, n))
        task = self._task(y, given)
        division = divide(task.division, groups, time, n, self.text_format)
        task = replace(task, division=division)
        monotone = self._by_name("monotone", source)
        if any(monotone.values()):
            check_target(task.target)
            task = replace(task, monotone=monotone)
        seed = int(random_state(self.random_state).randint(2**31))
        findings = find_all(source, self._by_name("kinds", source), self.text_format)
        if not getattr(source, "findings", None):  # otherwise they are known to the caller
            warn(findings)
        settings = Settings(
            self._recipe,
            findings,
            seed,
            begun,
            self.n_members,
            self.time_limit,
            self.tune,
            self.n_threads,
            self.engine,
            self.verbose,
        )
        check_columns(monotone, {name: found.reading for name, found in findings.items()})
        rows, prepared = choose_rows(source, task, settings)
        whole = task
        if rows is not None:
            task, y, given = task.rows(rows), y[rows], None if given is None else given[rows]
        warn_of_constants(prepared, settings)
        warn_of_leaks(prepared, task, y, settings)
        prepared = use_texts(prepared, task, y, settings)
        everything = None if rows is None else all_rows(source, whole, prepared)
        bag, trials = fit_bag(prepared, task, y, settings, everything)
        self.tune_results_ = [
            {"epochs": trial.epochs, "score": trial.score, **trial.configuration}
            for trial in trials
        ]
        self.target_ = task.target
        self._calibrate(task, bag)
        bag_model = BagModel(
            prepared.inputs.without(bag.left_out),
            source.named,
            [bag.architectures[member] for member in bag.members],
            np.stack(bag.thetas),
            bag.engine,
            self.n_threads,
        )
        set_bag(self, bag_model)
        self.n_iter_, self.stopped_ = bag.epoch, bag.stopped
        self.oof_curve_ = bag.scores
        seen = ~np.isnan(bag.oof[:, 0])
        places = seen if rows is None else rows[seen]
        weight = np.ones(len(y)) if given is None else given.astype(np.float64)
        if not seen.all():
            y, weight, bag = y[seen], weight[seen], replace(bag, oof=bag.oof[seen])
        warn_of_sample(bag.n_rows or len(task.t), n, self.time_limit)
        oof = self._judge(y, bag, weight)
        self.oof_prediction_ = oof if len(y) == n else _spread(oof, places, n)
        self._compare(bag, y, weight)
        return self

    def _compare(self, bag: Bag, y: Array, weight: Array) -> None:
        """Set `oof_gain_`; warn of linear members, of a constant y and of a model without gain."""
        limit = f"time_limit={self.time_limit:.3g}" if self.time_limit else ""
        self.oof_gain_ = Gain.of(*self._losses(bag.oof, y, weight), weight, bag.stopped, limit)
        messages = []
        if bag.stopped == "time_limit" and self.linear_:
            messages.append(
                f"{limit} is too short for more than linear members: the networks of the bag have "
                "no hidden layer"
            )
        if self.target_.constant:
            self.oof_gain_ = replace(self.oof_gain_, reason=self.target_.constant)
            messages.append(f"{self.target_.constant}; the model always predicts it")
        elif not self.oof_gain_.is_positive:
            messages.append(self.oof_gain_.message)
        for message in messages:
            warnings.warn(message, TableWarning, stacklevel=users_line())

    @property
    def linear_(self) -> bool:
        """Whether the networks have no hidden layer; see `time_limit`."""
        check_is_fitted(self)
        return len(self.bag_.architectures[0].dense) == 1

    def _by_name(self, parameter: str, source: Source) -> dict[str, Any]:
        """A parameter that is a dict by columns, by name; in a table without names also by number.

        Raises ValueError for a number that is not a column's.
        """
        names = source.names
        found = {}
        for column, value in (getattr(self, parameter) or {}).items():
            name = name_text(column)
            if isinstance(column, int | np.integer) and not source.named:
                if not 0 <= column < len(names):
                    raise ValueError(f"{parameter} names column {column}; X has {len(names)}")
                name = names[column]
            found[name] = value
        return found

    def _column_or_matrix(self, y: Any, dtype: Any) -> Array:
        """y (N,) or (N, M) without missing values; one column of a matrix becomes (N,)."""
        y = plain_classes(y) if dtype is None else plain_numbers(y)
        check_present(y)
        with np.errstate(over="ignore", invalid="ignore"):  # sums of huge values
            y = check_array(y, ensure_2d=False, dtype=dtype, input_name="y", ensure_min_features=0)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return np.asarray(y)

    # ---- predicting --------------------------------------------------------------------------

    def _y_hat(self, X: Any) -> Array:
        """Mean ŷ of the networks, float64 (N, K)."""
        check_is_fitted(self)
        return self.bag_.y_hat(row_of_pandas(X) or source_of(X), type(self).__name__)

    @abstractmethod
    def predict(self, X: Any) -> Array:
        """A prediction for each row of a table."""

    def predict_one(self, row: Any) -> Any:
        """The prediction for one row, as a plain Python value or (M,), equal to `predict`.

        row: a dict of values by the names of the columns, values (D,) in the order of the columns,
        or a data frame with one row. Values are Python or NumPy numbers, text, booleans or dates;
        None and NaN are missing values. Raises TableError, a ValueError, for a missing column or a
        value that its column cannot hold.
        """
        prediction = self.predict(row_source(row))[0]
        return prediction.item() if isinstance(prediction, np.generic) else prediction

    # ---- the glass box -----------------------------------------------------------------------

    @property
    def networks_(self) -> list[Network]:
        """The networks of the bag, over the matrix of :meth:`encode`.

        They share the parameters of the bag, which are read-only. The mean of their ŷ is the
        prediction of the bag before calibration, or in units of the target's scale.
        """
        check_is_fitted(self)
        return member_networks(self.bag_)

    def encode(self, X: Any) -> Array:
        """Encode a table X as the matrix (N, D) float32 that the networks take.

        `inputs_.feature_names` (D,) names the columns of the matrix; `inputs_.places` lists them
        for each column of the table.

        Raises TableError, a ValueError, for columns that are missing or hold invalid values.
        """
        check_is_fitted(self)
        source = self.bag_.named_as_in_training(source_of(X), type(self).__name__)
        return self.bag_.matrix(source)

    def feature_importances(
        self,
        X: Any,
        y: Any,
        *,
        n_repeats: int = 5,
        sample_weight: Any = None,
        random_state: Any = None,
    ) -> FeatureImportances:
        """How much worse the score becomes if a column's values are exchanged between rows.

        The score is `scoring`, by its usual definition. Two columns with the same information share
        their importance or have none, because each stands in for the other.

        X, y: rows that were not trained on; on training rows, columns that were only memorised
        would seem important.
        n_repeats: exchanges of each column.
        random_state: seeds the exchanges.
        Raises the errors of `fit` and `predict`.
        """
        check_is_fitted(self)
        check_number("n_repeats", n_repeats, at_least=1, integer=True)
        source = source_of(X)
        y = self._read_y(y)
        check_consistent_length(range(source.n_rows), y)
        encode_target(self.target_, y)  # raises for new classes
        given = check_sample_weight(sample_weight, source.n_rows, np.float64)
        weight = np.ones(source.n_rows) if given is None else given

        def score(y_hat: Array, rows: Array) -> float:
            return self._value(y_hat[rows], y[rows], weight[rows])

        return feature_importances(
            self.bag_,
            self.encode(source),
            score,
            self._scoring_name,
            weight=weight,
            n_repeats=n_repeats,
            seed=random_state,
        )

    def encode_target(self, y: Any) -> Array:
        """Encode y as the `loss` and `backward` of the networks take it, float32.

        Classes become 0 or 1 for each output, (N, K); M quantities become (y − centre) / scale,
        (N, M). Raises ValueError for classes that did not occur in training.
        """
        check_is_fitted(self)
        return encode_target(self.target_, self._read_y(y))

    def __sklearn_is_fitted__(self) -> bool:
        return "bag_" in self.__dict__

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags

    # ---- files -------------------------------------------------------------------------------

    def save(self, path: str | PathLike[str]) -> None:
        """Write the fitted estimator to one safetensors file, completely or not at all; no pickle.

        It keeps everything except `oof_prediction_`, which is as long as the training table.
        """
        from clearprop.tabular.codec import save_tabular

        save_tabular(path, self)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """Read a file of :meth:`save`; ModelFileError for anything else. Nothing is executed."""
        from clearprop.tabular.codec import load_tabular

        return load_tabular(path, cls)


def _scaled(weight: Array | None) -> Array | None:
    """Weights divided by their mean, float32."""
    return None if weight is None else scale_weights(weight)[0].astype(np.float32)


def _spread(prediction: Any, rows: Array, n: int) -> Any:
    """Predictions for some of n rows, or a list of them, with NaN for the other rows."""
    if isinstance(prediction, list):
        return [_spread(part, rows, n) for part in prediction]
    spread = np.full((n, *prediction.shape[1:]), np.nan)
    spread[rows] = prediction
    return spread
