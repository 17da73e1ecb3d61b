"""MLPRegressor: scikit-learn's interface, plus what its users have asked for."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.callback import with_callbacks
from sklearn.metrics import r2_score
from sklearn.utils.metaestimators import available_if

from clearprop._typing import Array
from clearprop.checks import check_sample_weight
from clearprop.estimators import plain, validation
from clearprop.estimators.base import BaseMLP, Targets
from clearprop.estimators.settings import is_stochastic
from clearprop.estimators.sklearn_private import Hidden, StrOptions, fit_context
from clearprop.outputs import OUTPUTS, AbsoluteError, Output, Quantile, Softmax

LOSSES: dict[str, type[Output]] = {
    unit.loss_name: unit for unit in OUTPUTS.values() if unit.loss_name is not None
}


class MLPRegressor(RegressorMixin, BaseMLP):
    """Multi-layer perceptron for regression, a drop-in for scikit-learn's.

    With the same parameters and `random_state`, training follows the same trajectory as
    scikit-learn. The loss of several outputs is the sum over the outputs, and every solver uses the
    gradient of this sum. (scikit-learn's L-BFGS minimises the mean with the gradient of the sum,
    its issue #8349, so its results for several outputs differ.)

    Parameters
    ----------
    loss : str or output record, default="squared_error"
        Loss and output unit in one, by name: "squared_error" (half of it), "absolute_error",
        "huber", "quantile" (the median), "poisson" (y ≥ 0), "binary_cross_entropy" (y in [0, 1]),
        "cross_entropy" (rows of y that are distributions), or the `loss_name` of any other record
        in ``clearprop.OUTPUTS``. Or a record: ``clearprop.outputs.Huber(delta=2)``,
        ``clearprop.outputs.Quantile((0.1, 0.5, 0.9))``, which predicts all its quantiles at once.
    hidden_layer_sizes : array-like of int, default=(100,)
        Number of units in each hidden layer; () means no hidden layer.
    activation : str, Activation or list of them, default="relu"
        φ of the hidden layers: a name from ``clearprop.ACTIVATIONS`` or a custom record; a list
        has one entry per layer.
    solver : str or optimizer record, default="adam"
        A name from ``clearprop.OPTIMIZERS``, or a record such as ``clearprop.Adam(1e-3)``, which
        has its own learning rate.
    alpha : float, default=0.0001
        L2 penalty ½·alpha·Σw² / n, as in scikit-learn, where n is the number of samples in the
        batch or the sum of their sample weights; its effect depends on the batch size, unlike the
        effect of `l2`. Sample weights with a mean beyond 1e-6 … 1e6 are divided by it.
    batch_size : int or "auto", default="auto"
        Rows per step; "auto" is min(200, n_samples).
    learning_rate : str or schedule, default="constant"
        "constant", "invscaling", "adaptive" (the last two only with solver="sgd"), "cosine",
        "one_cycle", "coslog4", or a schedule such as ``clearprop.schedules.Cosine(0.01)``.
    learning_rate_init : float, default=0.001
        The rate at the start (the peak of "one_cycle" and "coslog4").
    power_t : float, default=0.5
        Exponent of "invscaling".
    max_iter : int, default=200
        Maximum number of epochs; for L-BFGS, of iterations.
    shuffle : bool, default=True
        Whether to shuffle the rows before each epoch.
    random_state : int, RandomState or None, default=None
        Seed of weights, split, shuffles and dropout; the draws are the same as scikit-learn's.
    tol : float, default=1e-4
        Smaller improvements do not count; for L-BFGS, the tolerance on the gradient.
    verbose : bool or int, default=False
        Whether to print a line per epoch.
    warm_start : bool or "optimizer", default=False
        Whether `fit` starts from the current weights; "optimizer" keeps the optimiser's state too.
    momentum : float, default=0.9
        Momentum of solver="sgd".
    nesterovs_momentum : bool, default=True
        Whether solver="sgd" uses Nesterov's momentum.
    early_stopping : bool, default=False
        Whether to stop when a validation score stops improving, and restore the best weights. The
        validation data are X_val, y_val of `fit`, or a part of the training data.
    validation_fraction : float, default=0.1
        Fraction of the training data held out for early stopping.
    beta_1, beta_2, epsilon : float, default=0.9, 0.999, 1e-8
        Parameters of the Adam family; "rmsprop" uses epsilon too.
    n_iter_no_change : int or inf, default=10
        Epochs without improvement before training stops.
    max_fun : int, default=15000
        Maximum number of evaluations of the loss by L-BFGS.
    dropout : float or list of float, default=0.0
        Rate after each hidden layer (inverted dropout, in training only).
    l1, l2 : float, default=0.0
        Penalties l1·Σ|w| and ½·l2·Σw² on the mean loss, independent of the batch size.
    weight_decay : float or None, default=None
        Decoupled weight decay; None is the optimiser's default (0, but 0.01 for "adamw").
    clip_norm : float or None, default=None
        Maximum norm of the gradient of a step; a longer gradient is shortened to it.
    scoring : str, callable or None, default=None
        What early stopping monitors: a scikit-learn scorer, "loss", or None for R².
    initializer : str, callable or (coefs, intercepts), default="auto"
        "auto" draws the same weights as scikit-learn. Otherwise a name from
        ``clearprop.INITIALIZERS``, a function (rng, fan_in, fan_out) -> (W, b), or the weights.
    callbacks : list or None, default=None
        Functions called with an ``EpochReport`` after each epoch; returning True ends training.
        `set_callbacks` sets scikit-learn's own callbacks.
    time_limit : float or None, default=None
        Seconds after which training stops.
    max_steps : int or None, default=None
        Number of mini-batches after which training stops.
    checkpoint : path, Checkpoint or None, default=None
        File in which the state of training is saved, and from which training resumes. A path saves
        after each epoch.
    dtype : "auto", "float32" or "float64", default="auto"
        dtype of the weights. "auto" is float32 if X is float32 or precision="bfloat16", and float64
        otherwise.
    engine : str, default="auto"
        "auto" (native if it supports the network), "native" or "reference"; `engine_` says which
        one ran.
    n_threads : int or None, default=None
        Threads of the native engine, in `fit` and in predictions; None means
        ``clearprop.get_num_threads()``: all processors available to the process, but not more than
        the environment variable OMP_NUM_THREADS, which joblib sets in its workers. Results do not
        depend on the number of threads.
    precision : "bfloat16" or None, default=None
        "bfloat16" rounds the factors of the matrix products in training and keeps weights, sums and
        the optimiser's state in float32. It is faster on processors with AVX512_BF16; other
        processors refuse it.

    Attributes
    ----------
    coefs_, intercepts_ : lists of ndarray
        Weights (n_in, n_out) and biases (n_out,) of each layer; `network_` shares their memory.
    network_ : Network
        The fitted network: W, b, forward, backward and loss under the lecture's names.
    loss_, best_loss_ : float
        Training loss of the last epoch, and the smallest of all (None with early stopping).
    loss_curve_, validation_loss_curve_ : list of float
        Losses per epoch; validation_loss_curve_ is None without validation data.
    validation_scores_, best_validation_score_ : list of float, float
        Scores per epoch, and the best score; None without early stopping.
    history_ : History
        All curves, with seconds and learning rates, and the reason why training stopped.
    n_iter_, t_, n_layers_, n_outputs_, n_features_in_, feature_names_in_, out_activation_
        As in scikit-learn.
    learning_rate_ : float
        The learning rate of the next step.
    engine_ : str
        The engine that ran.

    Examples
    --------
    >>> from sklearn.datasets import make_regression
    >>> from clearprop import MLPRegressor
    >>> X, y = make_regression(n_samples=200, n_features=5, random_state=1)
    >>> regr = MLPRegressor(solver="lbfgs", random_state=1, max_iter=5000, max_fun=20000).fit(X, y)
    >>> bool(regr.score(X, y) > 0.99)
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseMLP._parameter_constraints,
        "loss": [StrOptions(set(LOSSES)), Hidden(Output)],
    }

    def __init__(
        self,
        loss: Any = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: Any = "adam",
        alpha: Any = 0.0001,
        batch_size: Any = "auto",
        learning_rate: Any = "constant",
        learning_rate_init: Any = 0.001,
        power_t: Any = 0.5,
        max_iter: Any = 200,
        shuffle: Any = True,
        random_state: Any = None,
        tol: Any = 1e-4,
        verbose: Any = False,
        warm_start: Any = False,
        momentum: Any = 0.9,
        nesterovs_momentum: Any = True,
        early_stopping: Any = False,
        validation_fraction: Any = 0.1,
        beta_1: Any = 0.9,
        beta_2: Any = 0.999,
        epsilon: Any = 1e-8,
        n_iter_no_change: Any = 10,
        max_fun: Any = 15000,
        dropout: Any = 0.0,
        l1: Any = 0.0,
        l2: Any = 0.0,
        weight_decay: Any = None,
        clip_norm: Any = None,
        scoring: Any = None,
        initializer: Any = "auto",
        callbacks: Any = None,
        time_limit: Any = None,
        max_steps: Any = None,
        checkpoint: Any = None,
        dtype: Any = "auto",
        engine: Any = "auto",
        n_threads: Any = None,
        precision: Any = None,
    ) -> None:
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.dropout = dropout
        self.l1 = l1
        self.l2 = l2
        self.weight_decay = weight_decay
        self.clip_norm = clip_norm
        self.scoring = scoring
        self.initializer = initializer
        self.callbacks = callbacks
        self.time_limit = time_limit
        self.max_steps = max_steps
        self.checkpoint = checkpoint
        self.dtype = dtype
        self.engine = engine
        self.n_threads = n_threads
        self.precision = precision

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Train on X (n_samples, n_features), dense or sparse, and y (n_samples[, n_targets]).

        sample_weight: (n_samples,). X_val, y_val, sample_weight_val: your own validation data, for
        the validation curve and, with early_stopping=True, for stopping. Returns self.
        """
        self._fit(X, y, sample_weight, validation=(X_val, y_val, sample_weight_val))
        return self

    @available_if(is_stochastic)
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """One epoch over this data, continuing from the current weights and optimiser state."""
        self._fit(X, y, sample_weight, incremental=True)
        return self

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """ŷ of each row: (n_samples,), or (n_samples, n_outputs).

        With several quantiles: (n_samples, n_quantiles), or (n_samples, n_targets, n_quantiles).
        return_std: also the standard deviation of y given x, of the same shape as ŷ, as a second
        array. Raises ValueError for it unless the loss predicts one.
        """
        y_hat = self._y_hat(X)
        if not return_std:
            return self._decode(y_hat)
        std = self._architecture.output.std(y_hat)
        if std is None:
            raise ValueError(
                f"return_std=True needs a loss that predicts it, as 'gaussian'; got {self.loss!r}"
            )
        return self._decode(y_hat), _one_column(std)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R² of the predictions. Raises ValueError for several quantiles, which have no R²."""
        if not self._scores_predictions():
            raise ValueError(
                "score is R² of one prediction per target; with several quantiles use "
                "sklearn.metrics.mean_pinball_loss on each of them"
            )
        prediction = self.predict(X)
        weight = check_sample_weight(sample_weight, len(prediction), np.float64)
        return float(r2_score(y, prediction, sample_weight=weight))

    # ---- targets -----------------------------------------------------------------------------

    def _output(self) -> Output:
        return LOSSES[self.loss]() if isinstance(self.loss, str) else self.loss

    def _scores_predictions(self) -> bool:
        output = self._output()
        return output.prediction(np.zeros((1, output.width))).ndim == 2

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Array, Any]:
        if plain.is_matrix(self, X, reset=reset) and plain.is_numeric_target(y, len(X)):
            return X, y
        return validation.checked_data(self, X, y, reset=reset, y_numeric=True)

    def _encode(self, y: Any, dtype: Any) -> Targets:
        t = np.asarray(y)
        t = t.reshape(len(t), -1)
        output = self._output()
        n_outputs = t.shape[1] * output.width
        if isinstance(output, Softmax):
            output.check_outputs(n_outputs)
        else:
            _check_size(t, output, np.dtype(dtype))
        return Targets(output.targets(t, n_outputs, np.dtype(dtype)), n_outputs, output)

    def _decode(self, y_hat: Array) -> Array:
        return _one_column(self._architecture.output.prediction(y_hat))

    def _default_score(self, y: Any, prediction: Any, sample_weight: Array | None) -> float:
        return float(r2_score(y, prediction, sample_weight=sample_weight))


def _check_size(t: Array, output: Output, dtype: Any) -> None:
    """ValueError, naming the row of y, for a number whose loss is beyond the largest number."""
    limit = float(np.finfo(dtype).max) / 4
    if not isinstance(output, AbsoluteError | Quantile):
        limit = np.sqrt(limit)  # losses in squares
    if t.dtype.kind not in "fiu":
        return
    sizes = np.abs(t.astype(np.float64))
    if sizes.size and sizes.max() > limit:
        row, column = np.unravel_index(int(sizes.argmax()), sizes.shape)
        raise ValueError(
            f"y must be at most {limit:.3g} in size for this loss; got {t[row, column]:g} in row "
            f"{row}; divide y by a constant"
        )


def _one_column(values: Array) -> Array:
    """(N, M, …), but (N, …) for a single column of y."""
    return values[:, 0] if values.shape[1] == 1 else values
