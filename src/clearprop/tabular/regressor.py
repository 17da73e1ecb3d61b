"""TabularRegressor: quantities from a table, with nothing to tune."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score

from clearprop._typing import Array
from clearprop.checks import check_number, check_sample_weight
from clearprop.limits import MAX_SQUARED, MAX_TARGET
from clearprop.outputs import AbsoluteError, Huber, Linear, Output, Poisson
from clearprop.tabular.bag.intervals import Residuals, excess_variance
from clearprop.tabular.bag.recipe import REGRESSION, Recipe
from clearprop.tabular.bag.train import Bag
from clearprop.tabular.base import BaseTabular
from clearprop.tabular.fitting import Task
from clearprop.tabular.gain import number_losses
from clearprop.tabular.scores import NUMBER_SCORES, NumberScore, find_score, poisson
from clearprop.tabular.target import NumberTarget, find_loss


class TabularRegressor(RegressorMixin, BaseTabular):
    """Quantities from a table as it is: a bag of networks, each trained on three folds of four.

    Columns may hold numbers, text, categories, booleans or dates. Values may be missing, in
    training and later, and categories may be new. Neither columns nor y have to be scaled or
    encoded. Every row is held out by some of the networks. Their predictions for it choose the
    epoch and estimate the score (`oof_score_`) and the width of intervals, without another split.

    y may be (N,) or (N, M). Predictions lie within the range of y in training.

    Parameters
    ----------
    n_members : int, default=8
        Networks in the bag. More are better and take longer; with 4 or more, every row is held out.
    loss : str or output record, default="squared_error"
        "squared_error", "absolute_error", "huber", "quantile" (the median), or "poisson" for
        y ≥ 0. Or a record: ``clearprop.outputs.Huber(delta=0.5)``, with δ in units of y, or
        ``clearprop.outputs.Quantile((0.1, 0.9))``, which predicts several quantiles at once. For
        "huber", δ is the mean absolute distance of each column of y from its median.
    scoring : "rmse", "mae" or None, default=None
        The score that chooses the epoch; None is the loss itself ("rmse" for the squared error).
        If there are several outputs, each one counts in units of its spread.
    kinds : dict or None, default=None
        Kinds of columns whose type and values mislead: name → "numeric", "categorical",
        "boolean", "date", "text" or "ignore". Columns of an array are named by their number.
    text_format : dict or None, default=None
        How numbers and dates are written as text, where it is not to be found from the values:
        "decimal" (".", ","), "thousands" (".", ",", " ", "'", ""), "day_first" (True, False).
    monotone : dict or None, default=None
        Numeric columns that the prediction rises with (+1) or falls with (-1): name → direction.
        For any two rows that differ in such a column alone, the prediction and both ends of its
        interval never move the other way, within the range of the training rows and beyond. A
        missing value is not compared with others. Columns of an array are named by their number.
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
    oof_prediction_ : ndarray
        Predictions for the training rows, each by the networks that did not see the row; NaN for
        rows that none held out, such as the earlier half with `time`, or for which `time_limit`
        left no time. Not kept in files.
    oof_score_ : float
        The score of `oof_prediction_`, in units of y, the mean over the outputs; less is better.
        Huber's loss is in units of y².
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
    n_outputs_ : int
        Outputs of the networks: M columns of y times Q quantiles.
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
    target_ : NumberTarget
        How y becomes the networks' targets, and ŷ a prediction: centres, scales, limits.
    residuals_ : tuple of Residuals
        What the intervals of each column of y are made of; empty for several quantiles.
    n_features_in_, feature_names_in_ : int, ndarray
        Of X; the names only if X had any.
    engine_ : str
        The engine that ran.

    Examples
    --------
    >>> import numpy as np
    >>> from clearprop import TabularRegressor
    >>> X = np.linspace(-1, 1, 60)[:, None]
    >>> model = TabularRegressor(n_members=4, random_state=0).fit(X, 5 * X[:, 0] + 2)
    >>> model.predict([[0.4]]).round()
    array([4.])
    >>> model.predict_interval([[0.4]]).shape
    (1, 2)
    """

    _recipe: ClassVar[Recipe] = REGRESSION
    target_: NumberTarget
    residuals_: tuple[Residuals, ...]

    def __init__(
        self,
        n_members: Any = 8,
        *,
        loss: Any = "squared_error",
        scoring: Any = None,
        kinds: Any = None,
        text_format: Any = None,
        monotone: Any = None,
        time_limit: Any = None,
        tune: Any = None,
        n_threads: Any = None,
        random_state: Any = None,
        verbose: Any = False,
        engine: Any = "auto",
    ) -> None:
        self.n_members = n_members
        self.loss = loss
        self.scoring = scoring
        self.kinds = kinds
        self.text_format = text_format
        self.monotone = monotone
        self.time_limit = time_limit
        self.tune = tune
        self.n_threads = n_threads
        self.random_state = random_state
        self.verbose = verbose
        self.engine = engine

    def predict(self, X: Any) -> Array:
        """ŷ of each row: (N,), or (N, M) for M columns of y.

        With Q > 1 quantiles: (N, Q), or (N, M, Q) for M columns of y.
        """
        y_hat = self._numbers(X)
        return self.target_.shaped(y_hat)

    def predict_interval(self, X: Any, alpha: float = 0.1) -> Array:
        """For each row the two ends between which y lies with probability 1 − α, (N, 2).

        For several columns of y the shape is (N, M, 2), with a separate interval for each column.
        The probability is an average over all rows like the training rows. Intervals are wide where
        held-out rows with a similar ŷ had large errors. y lies beyond either end with probability
        α/2 each.
        Raises ValueError for α outside (0, 1), for an α that is too small for the number of rows,
        and for a loss with several quantiles.
        """
        check_number("alpha", alpha)
        if not 0 < alpha < 1:
            raise ValueError(f"alpha must lie between 0 and 1; got {alpha!r}")
        y_hat = self._numbers(X)
        if not self.residuals_:
            raise ValueError("predict_interval needs a loss with one prediction for each column")
        ends = [
            residuals.interval(y_hat[:, m], alpha, rising=self.bag_.is_monotone)
            for m, residuals in enumerate(self.residuals_)
        ]
        intervals = np.stack([np.stack(pair, axis=1) for pair in ends], axis=1)
        if isinstance(self.target_.output, Poisson):
            intervals = np.maximum(intervals, 0)
        return intervals[:, 0] if self.target_.flat else intervals

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R², the mean over the outputs; ValueError for a loss with several quantiles."""
        if self._several_quantiles():
            raise ValueError(
                "score has no meaning for several quantiles; use "
                "sklearn.metrics.mean_pinball_loss on each of them"
            )
        prediction = self.predict(X)
        weight = check_sample_weight(sample_weight, len(prediction), np.float64)
        return float(r2_score(y, prediction, sample_weight=weight))

    # ---- fitting -----------------------------------------------------------------------------

    def _several_quantiles(self) -> bool:
        return "target_" in self.__dict__ and self.target_.n_quantiles > 1

    def _numbers(self, X: Any) -> Array:
        y_hat = self._y_hat(X)
        return self.target_.decode(y_hat)

    def _read_y(self, y: Any) -> Array:
        return self._column_or_matrix(y, np.float64)

    def _score(self, output: Output) -> NumberScore | None:
        """What chooses the epoch; None for the loss of the output unit itself."""
        by_loss: dict[type[Output], NumberScore] = {
            Linear: NUMBER_SCORES["rmse"],
            AbsoluteError: NUMBER_SCORES["mae"],
            Poisson: poisson,
        }
        if self.scoring is not None:
            return find_score(self.scoring, NUMBER_SCORES)
        return by_loss.get(type(output))

    def _task(self, y: Array, weight: Array | None) -> Task:
        output = find_loss(self.loss)
        score = self._score(output)
        limit = MAX_SQUARED if isinstance(output, Huber | Poisson) else MAX_TARGET
        huge = np.abs(y.reshape(len(y), -1)).max(axis=1) > limit
        if huge.any():
            row = int(huge.argmax())
            raise ValueError(
                f"y must be at most {limit:g} in size for this loss; got {y[row]} in row {row}; "
                "divide y by a constant"
            )
        target = NumberTarget.of(y, output, weight)
        if isinstance(self.loss, Huber):
            target = target.in_units_of_y()
        if score is not None and target.n_quantiles > 1:
            raise ValueError("scoring must be None for several quantiles")

        def loss(y_hat: Array, y: Array, w: Array) -> float:
            return float(_scores(target, score, y_hat, y, w).mean())

        return Task(target, target.encode(y), weight, loss)

    def _judge(self, y: Array, bag: Bag, weight: Array) -> Any:
        target, oof = self.target_, bag.oof
        decoded = target.decode(oof)
        self.n_outputs_ = target.n_outputs
        self.oof_score_ = self._value(oof, y, weight)
        columns, counted = y.reshape(len(y), -1), weight > 0
        if not counted.any():
            counted[:] = True
        excess = np.zeros_like(target.scale)
        if bag.apart is not None and target.n_quantiles == 1:
            excess = np.sqrt(excess_variance(bag.apart)) * target.scale
        self.residuals_ = tuple(
            Residuals.of(columns[counted, m], decoded[counted, m], excess[m])
            for m in range(columns.shape[1] if target.n_quantiles == 1 else 0)
        )
        return target.shaped(decoded)

    def _losses(self, y_hat: Array, y: Array, weight: Array) -> tuple[Array, Array]:
        return number_losses(self.target_, y_hat, y, weight)

    def _value(self, y_hat: Array, y: Array, weight: Array) -> float:
        target = self.target_
        w = weight if weight.any() else np.ones(len(y))
        score = self._score(target.output)
        power = 0 if score is poisson else 2 if score is None and self._has_huber() else 1
        with np.errstate(over="ignore"):  # y² of y beyond 1e154 is infinite
            return float((_scores(target, score, y_hat, y, w) * target.scale**power).mean())

    def _has_huber(self) -> bool:
        return isinstance(self.target_.output, Huber)

    @property
    def _scoring_name(self) -> str:
        if self.scoring is not None:
            return str(self.scoring)
        names: dict[type[Output], str] = {
            Linear: "rmse",
            AbsoluteError: "mae",
            Poisson: "poisson deviance",
        }
        output = self.target_.output
        return names.get(type(output), f"{output.name} loss")


def _scores(
    target: NumberTarget, score: NumberScore | None, y_hat: Array, y: Array, w: Array
) -> Array:
    """The score of each column of y, in units of its scale (Poisson's deviance as it is)."""
    columns = y[:, None] if y.ndim == 1 else y
    if score is None:  # the loss itself, of one column at a time
        width, t = target.n_quantiles, target.encode(y)
        parts = [slice(m * width, (m + 1) * width) for m in range(columns.shape[1])]
        losses = [target.output.loss(y_hat[:, part], t[:, part]) for part in parts]
        return np.array([w @ loss / w.sum() for loss in losses])
    values = score(columns, target.decode(y_hat), w)
    return values if score is poisson else values / target.scale
