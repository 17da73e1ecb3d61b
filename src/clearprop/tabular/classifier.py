"""TabularClassifier: classes from a table, with nothing to tune."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score

from clearprop._typing import Array
from clearprop.checks import check_sample_weight, scale_weights
from clearprop.estimators.settings import class_weights
from clearprop.limits import MAX_CLASSES, MAX_TARGETS, check_limit
from clearprop.tables.given_targets import check_describes, plain_classes
from clearprop.tables.sources import row_source
from clearprop.tabular.bag.calibration import exponent, temper
from clearprop.tabular.bag.division import Division
from clearprop.tabular.bag.recipe import CLASSIFICATION, Recipe
from clearprop.tabular.bag.train import Bag
from clearprop.tabular.base import BaseTabular
from clearprop.tabular.fitting import Task
from clearprop.tabular.gain import class_losses
from clearprop.tabular.monotone import temper_two
from clearprop.tabular.scores import CLASS_SCORES, find_score
from clearprop.tabular.target import ClassTarget

MANY_CLASSES = "join rare classes, or predict a quantity"


class TabularClassifier(ClassifierMixin, BaseTabular):
    """Classes from a table as it is: a bag of small networks, each trained on three folds of four.

    Columns may hold numbers, text, categories, booleans or dates. Values may be missing, in
    training and later, and categories may be new. Nothing has to be scaled or encoded. Every row is
    held out by some of the networks, whose predictions for it choose the epoch and estimate the
    score (`oof_score_`) without another split.

    y may be labels (N,), an indicator matrix (N, M) of several labels, or M columns of classes.

    Parameters
    ----------
    n_members : int, default=8
        Networks in the bag. More are better and take longer; with 4 or more, every row is held out.
    scoring : "log_loss", "accuracy", "auc" or None, default=None
        What the epoch is chosen for; None is the log-loss.
    kinds : dict or None, default=None
        What columns are, where their type and values mislead: name → "numeric", "categorical",
        "boolean", "date", "text" or "ignore". Columns of an array are named by their number.
    text_format : dict or None, default=None
        How numbers and dates are written as text, where it is not to be found from the values:
        "decimal" (".", ","), "thousands" (".", ",", " ", "'", ""), "day_first" (True, False).
    monotone : dict or None, default=None
        Numeric columns that the prediction rises with (+1) or falls with (-1): name → direction.
        For any two rows that differ in such a column alone, the probability of `classes_[1]` never
        moves the other way, within the range of the training rows and beyond. There must be two
        classes. A missing value is not compared with others. Columns of an array are named by
        their number.
    class_weight : dict, list of dict, "balanced" or None, default=None
        Weights of the classes, which multiply the sample weights; for several labels or columns a
        list with a dict for each. "balanced": Σw / (number of classes · Σw of the class).
    time_limit : float or None, default=None
        Seconds for `fit`. If the budget is tight, training uses fewer epochs and networks (at least
        four). If the table is too large for it, training uses a random sample of the rows, and a
        warning says so; the other rows have NaN in `oof_prediction_`. Before that, linear members
        are fitted, which takes milliseconds. They are kept if held-out rows are predicted better
        by them (`linear_`), and a warning says so.
    tune : float or None, default=None
        Seconds that `fit` spends on a search for a better configuration of networks and training.
        To find one, the search needs several times the duration of a fit.
    n_threads : int or None, default=None
        Threads of the native engine; None is ``clearprop.get_num_threads()``. Results do not depend
        on it.
    random_state : int, RandomState or None, default=None
        Seeds folds, weights, shuffles and dropout.
    verbose : bool, default=False
        Whether to show a progress bar with rate, score and time left, on a terminal.
    engine : str, default="auto"
        "auto" (the native one where it can), "native" or "reference"; `engine_` says which ran.

    Attributes
    ----------
    classes_ : ndarray or list of ndarray
        The class labels; the numbers of the labels for an indicator matrix, one array per column
        for several columns.
    oof_prediction_ : ndarray or list of ndarray
        Probabilities for the training rows, each the plain mean over the networks that did not see
        the row; NaN for rows that none held out, such as the earlier half with `time`, or for which
        `time_limit` left no time. Not kept in files.
    oof_score_ : float
        The score of `oof_prediction_`, by the definition of `scoring` (for log_loss, less is
        better).
    oof_gain_ : Gain
        How much lower the loss of `oof_prediction_` is than that of the best constant prediction,
        with its standard error, and the likely reason if it is not lower. Not kept in files.
    oof_curve_ : list of (int, float)
        Each epoch that was judged, and its loss on held-out rows (less is better).
    n_iter_ : int
        The epoch chosen.
    stopped_ : str
        Why training ended, see ``clearprop.history.STOPPED``. "patience" means that a whole cycle
        of the learning rate brought no better epoch, that the third cycle ended after its best
        epoch, or that the last cycle was expected to end worse than the best epoch.
    tune_results_ : list of dict
        The configurations that the search tried, with their scores (less is better). The best
        configuration among those with the most epochs was taken. Not kept in files.
    columns_ : tuple of TableColumn
        For each column of the table its name, kind, the reason for it, its type in training, its
        inputs in words, and the number of rows without a value.
    unused_columns_ : list of str
        Columns that predictions do not depend on, because they have the same value in all rows, or
        different text in almost all rows, or because held-out rows were predicted better without
        them.
    bag_ : BagModel
        The networks with the inputs that they take. `bag_.y_hat_of_matrix(encode(X))` is the mean
        of their ŷ; `bag_.thetas` has a row of parameters for each network.
    inputs_ : TableInputs
        How a table becomes the networks' inputs: `inputs_.columns` has a frozen record for each
        column, `inputs_.places` the columns of the matrix that it fills.
    target_ : ClassTarget
        How y becomes the networks' targets, and ŷ classes.
    calibration_ : tuple of float
        For each target the exponent β of `predict_proba`.
    n_features_in_, feature_names_in_ : int, ndarray
        Of X; the names only if X had any.
    engine_ : str
        The engine that ran.

    Examples
    --------
    >>> import pandas as pd
    >>> from clearprop import TabularClassifier
    >>> X = pd.DataFrame({"size": [1.0, 2.0, None, 4.0] * 10, "colour": ["red", "blue"] * 20})
    >>> y = ["small", "large"] * 20
    >>> model = TabularClassifier(n_members=4, random_state=0).fit(X, y)
    >>> model.predict(pd.DataFrame({"colour": ["blue", "red"], "size": [4.0, None]}))
    array(['large', 'small'], dtype='<U5')
    """

    _recipe: ClassVar[Recipe] = CLASSIFICATION
    target_: ClassTarget
    calibration_: tuple[float, ...]

    def __init__(
        self,
        n_members: Any = 8,
        *,
        scoring: Any = None,
        kinds: Any = None,
        text_format: Any = None,
        monotone: Any = None,
        class_weight: Any = None,
        time_limit: Any = None,
        tune: Any = None,
        n_threads: Any = None,
        random_state: Any = None,
        verbose: Any = False,
        engine: Any = "auto",
    ) -> None:
        self.n_members = n_members
        self.scoring = scoring
        self.kinds = kinds
        self.text_format = text_format
        self.monotone = monotone
        self.class_weight = class_weight
        self.time_limit = time_limit
        self.tune = tune
        self.n_threads = n_threads
        self.random_state = random_state
        self.verbose = verbose
        self.engine = engine

    @property
    def classes_(self) -> Any:
        """The class labels, see above."""
        target = self.__dict__.get("target_")
        if target is None:
            raise AttributeError(f"{type(self).__name__} has no classes before it is fitted")
        if target.kind == "labels":
            return np.arange(len(target.classes))
        return list(target.classes) if target.kind == "columns" else target.classes[0]

    def predict(self, X: Any) -> Array:
        """The class of each row (N,), or a matrix (N, M) for several labels or columns."""
        y_hat = self._y_hat(X)
        return self.target_.decide(y_hat)

    def predict_proba(self, X: Any) -> Any:
        """The probability of each class (N, K), columns as in `classes_`.

        p^β / Σ p^β of the mean p over the networks. Each target has a β, found from the rows that
        networks have not seen (:mod:`clearprop.tabular.bag.calibration`); it is 1 for fewer than
        five networks. For several labels the result is the probability of each (N, M); for several
        columns it is a list of arrays.
        """
        y_hat = self._y_hat(X)
        if self.bag_.is_monotone:
            return temper_two(y_hat, self.calibration_[0])
        return self.target_.probabilities(y_hat, self.calibration_)

    def predict_proba_one(self, row: Any) -> Any:
        """The probability of each class (K,) for one row, as `predict_proba` gives it.

        row: as for :meth:`predict_one`. For several labels the probability of each (M,); for
        several columns a list of arrays.
        """
        p = self.predict_proba(row_source(row))
        return [p_m[0] for p_m in p] if isinstance(p, list) else p[0]

    def predict_log_proba(self, X: Any) -> Any:
        """The logarithm of `predict_proba`."""
        p = self.predict_proba(X)
        with np.errstate(divide="ignore"):
            return [np.log(p_m) for p_m in p] if isinstance(p, list) else np.log(p)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy; for several labels or columns the share of rows with all right."""
        prediction, y = self.predict(X), plain_classes(y)
        weight = check_sample_weight(sample_weight, len(prediction), np.float64)
        if self.target_.kind == "columns":
            right = (np.asarray(y) == prediction).all(axis=1)
            return float(np.average(right, weights=weight))
        return float(accuracy_score(y, prediction, sample_weight=weight))

    # ---- fitting -----------------------------------------------------------------------------

    def _read_y(self, y: Any) -> Array:
        y = y.toarray() if hasattr(y, "toarray") else y
        return self._column_or_matrix(y, None)

    def _task(self, y: Array, weight: Array | None) -> Task:
        score = find_score(self._scoring_name, CLASS_SCORES)
        check_describes(y)
        target = ClassTarget.of(y)
        check_limit("the number of classes", target.n_outputs, MAX_CLASSES, MANY_CLASSES)
        check_limit("rows times classes", len(y) * target.n_outputs, MAX_TARGETS, MANY_CLASSES)
        if self.class_weight is not None:
            columns = [y] if y.ndim == 1 else list(y.T)
            w = class_weights(self.class_weight, columns, target.classes, weight)
            weight = scale_weights(w)[0].astype(np.float32)

        def loss(y_hat: Array, y: Array, w: Array) -> float:
            t = target.encode(y)
            groups = zip(target.groups(y_hat), target.groups(t), strict=True)
            return score.loss(list(groups), w)

        strata = target.codes(y)[:, 0] if target.kind != "labels" else None
        return Task(target, target.encode(y), weight, loss, Division(strata))

    def _calibrate(self, task: Task, bag: Bag) -> None:
        assert isinstance(task.target, ClassTarget)
        targets = task.target.groups(task.t)
        self.calibration_ = (1.0,) * len(targets)
        if bag.apart is None:
            return
        weight = np.ones(len(task.t)) if task.weight is None else task.weight
        pairs = zip(task.target.groups(bag.apart.y_hat), targets, strict=True)
        self.calibration_ = tuple(exponent(bag.apart, p, t, weight) for p, t in pairs)

    def _judge(self, y: Array, bag: Bag, weight: Array) -> Any:
        one_each = (1.0,) * len(self.calibration_)
        self.oof_score_ = self._value(bag.oof, y, weight, one_each)
        return self.target_.probabilities(bag.oof)

    def _losses(self, y_hat: Array, y: Array, weight: Array) -> tuple[Array, Array]:
        t = self.target_.encode(y)
        return class_losses(self.target_, y_hat, t, weight, self.calibration_)

    def _value(
        self, y_hat: Array, y: Array, weight: Array, exponents: tuple[float, ...] | None = None
    ) -> float:
        target = self.target_
        score = find_score(self._scoring_name, CLASS_SCORES)
        betas = self.calibration_ if exponents is None else exponents
        groups = [temper(p, beta) for p, beta in zip(target.groups(y_hat), betas, strict=True)]
        pairs = zip(groups, target.groups(target.encode(y)), strict=True)
        return score.value(list(pairs), weight if weight.any() else np.ones(len(y)))

    @property
    def _scoring_name(self) -> str:
        return self.scoring or "log_loss"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
