"""What the two tabular estimators share: validation, the fit as one bag, predictions."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from clearprop._typing import Array
from clearprop.engines.protocol import get_engine
from clearprop.engines.threads import check_n_threads
from clearprop.jobs import Data
from clearprop.network import check_sample_weight
from clearprop.outputs import Output
from clearprop.predictor import Predictor
from clearprop.progress import ProgressBar
from clearprop.tables.frames import TableError
from clearprop.tabular.bag import Bag, train_bag
from clearprop.tabular.inputs import TableInputs
from clearprop.tabular.recipe import Recipe, build_architecture
from clearprop.tabular.scores import NamedScore
from clearprop.tabular.sources import FrameSource, Source, source_of

CHUNK_BYTES = 2**24  # of the matrix that is predicted at a time


@dataclass(frozen=True)
class Task:
    """What is learnt from y: targets as the output unit encodes them, and how they are judged.

    output: the unit; t (N, K) float32; truth (N, …): what `score` compares predictions with;
    strata (N,): classes that the folds share alike, or None.
    """

    output: Output
    t: Array
    truth: Array
    score: NamedScore
    recipe: Recipe
    strata: Array | None = None


class BaseTabular(BaseEstimator):
    """See :class:`TabularClassifier` and :class:`TabularRegressor`."""

    n_members: int
    scoring: str | None
    kinds: Mapping[str, str] | None
    time_limit: float | None
    n_threads: int | None
    random_state: Any
    verbose: bool
    engine: str

    # ---- what the subclasses say -------------------------------------------------------------

    @abstractmethod
    def _task(self, y: Any, weight: Array | None) -> Task:
        """What is to be learnt; keeps in the estimator what predictions need of y."""

    @abstractmethod
    def _decode(self, y_hat: Array) -> Array:
        """ŷ of the networks as numbers the user knows, (N, K): probabilities, or units of y."""

    def _weights(self, y: Any, sample_weight: Array | None) -> Array | None:
        """The weights to train with; class weights join them in the classifier."""
        return sample_weight

    # ---- fitting -----------------------------------------------------------------------------

    def _fit(self, X: Any, y: Any, sample_weight: Any) -> Self:
        begun = time.monotonic()
        self._check_parameters()
        source = source_of(X)
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None"
            )
        n = source.n_rows
        if n == 0:
            raise ValueError("Found array with 0 sample(s): X must have at least one row")
        if not source.names:
            raise ValueError("Found array with 0 feature(s): X must have at least one column")
        y = self._check_y(y, n)
        weight = check_sample_weight(sample_weight, n, np.float32)
        weight = self._weights(y, weight)
        task = self._task(y, weight)
        seed = self._seed()
        inputs = TableInputs.fit(source, self.kinds, seed)
        architecture = build_architecture(inputs.layer, task.t.shape[1], task.output, task.recipe)
        data = Data(inputs.transform(source), task.t, weight)
        judged = np.ones(n) if weight is None else weight.astype(np.float64)

        def score(y_hat: Array, rows: Array) -> float:
            w = judged[rows]
            if not w.any():
                w = np.ones(len(rows))
            return task.score(self._decode(y_hat), task.truth[rows], w)

        left = None if self.time_limit is None else self.time_limit - (time.monotonic() - begun)
        bag = train_bag(
            architecture,
            data,
            self.n_members,
            task.recipe,
            score,
            strata=task.strata,
            seed=seed,
            time_limit=left,
            n_threads=self.n_threads,
            engine=self.engine,
            callbacks=[ProgressBar()] if self.verbose else [],
        )
        self._keep(source, inputs, bag)
        return self

    def _keep(self, source: Source, inputs: TableInputs, bag: Bag) -> None:
        self.inputs_, self.bag_ = inputs, bag
        self.n_features_in_ = len(source.names)
        self.__dict__.pop("feature_names_in_", None)
        if isinstance(source, FrameSource) and not source.invented:
            self.feature_names_in_ = np.asarray(source.names, dtype=object)
        self.engine_ = bag.engine
        self.n_iter_ = bag.epoch
        self.oof_score_ = bag.score
        self._predictors = None

    def _check_parameters(self) -> None:
        if (
            not isinstance(self.n_members, int | np.integer)
            or isinstance(self.n_members, bool)
            or self.n_members < 1
        ):
            raise ValueError(f"n_members must be an integer >= 1; got {self.n_members!r}")
        if self.time_limit is not None and not self.time_limit > 0:
            raise ValueError(f"time_limit must be seconds > 0 or None; got {self.time_limit!r}")
        if self.kinds is not None and not isinstance(self.kinds, Mapping):
            raise TypeError(f"kinds must map columns to kinds; got {self.kinds!r}")
        check_n_threads(self.n_threads)

    def _check_y(self, y: Any, n: int) -> Any:
        from sklearn.utils import check_array

        y = check_array(
            y,
            ensure_2d=False,
            dtype=None,
            allow_nd=False,
            input_name="y",
            ensure_all_finite=True,
        )
        if len(y) != n:
            raise ValueError(
                f"Found input variables with inconsistent numbers of samples: X has {n}, y {len(y)}"
            )
        return y

    def _seed(self) -> int:
        from sklearn.utils import check_random_state

        return int(check_random_state(self.random_state).randint(2**31))

    # ---- predicting --------------------------------------------------------------------------

    def _y_hat(self, X: Any) -> Array:
        """Mean of the members' ŷ (N, K) for X, decoded."""
        check_is_fitted(self, "bag_")
        source = source_of(X)
        self._check_columns(source)
        if self._predictors is None:
            self._predictors = [
                Predictor(self.bag_.architecture, theta, engine=self.engine_, n_threads=self.n_threads)
                for theta in self.bag_.thetas
            ]
        width = sum(self.inputs_.sizes)
        step = max(1, CHUNK_BYTES // (4 * width))
        parts = []
        for begin in range(0, source.n_rows, step):
            matrix = self.inputs_.transform(source.rows(begin, begin + step))
            total = np.zeros((len(matrix), self.bag_.architecture.n_outputs))
            for predictor in self._predictors:
                total += predictor(matrix)
            parts.append(self._decode(total / len(self._predictors)))
        return np.concatenate(parts) if parts else self._decode(np.empty((0, width)))

    def _check_columns(self, source: Source) -> None:
        if source.n_rows == 0:
            raise ValueError("Found array with 0 sample(s): X must have at least one row")
        known = getattr(self, "feature_names_in_", None)
        if known is None and len(source.names) != self.n_features_in_:
            raise ValueError(
                f"X has {len(source.names)} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input"
            )
        if known is not None and not isinstance(source, FrameSource):
            raise TableError(
                f"X must be a data frame with the columns of the training table; got an array"
            )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.input_tags.sparse = False
        tags.target_tags.required = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        return state | ({"_predictors": None} if "_predictors" in state else {})
