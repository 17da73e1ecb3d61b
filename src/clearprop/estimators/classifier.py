"""MLPClassifier: scikit-learn's interface, plus what its users have asked for."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.callback import with_callbacks
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from clearprop._typing import Array
from clearprop.checks import check_sample_weight
from clearprop.estimators import labels, plain, validation
from clearprop.estimators.base import BaseMLP, Targets, unchanged_on_error
from clearprop.estimators.settings import is_stochastic
from clearprop.estimators.sklearn_private import (
    Interval,
    StrOptions,
    check_partial_fit_first_call,
    fit_context,
    num_samples,
    safe_indexing,
)
from clearprop.tables.given_targets import plain_classes


class MLPClassifier(ClassifierMixin, BaseMLP):
    """Multi-layer perceptron for classification, a drop-in for scikit-learn's.

    Two classes use one logistic output with binary cross-entropy, more classes a softmax with
    cross-entropy. Multi-label targets (an indicator matrix) use one logistic output per label,
    several class columns one softmax per column. With the same parameters and `random_state`,
    training follows the same trajectory as scikit-learn. (The two may part if L-BFGS tries a step
    so large that an output saturates on the wrong side, beyond |z| = 36: scikit-learn then clips
    the loss but not its gradient.)

    Parameters
    ----------
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
    class_weight : dict, list of dict, "balanced" or None, default=None
        Class weights, which multiply the sample weights; for several labels or class columns, a
        list with one dict for each. "balanced": Σw / (number of classes · Σw in the class).
    output : "auto", "logistic", "softmax" or "ordinal", default="auto"
        The output unit. "softmax" has two outputs even for two classes; "logistic" for several
        classes is one against the rest, with probabilities scaled to sum to 1; "ordinal" is for
        classes in the order of `classes_`, with one output for each step from class to class.
    label_smoothing : float, default=0.0
        ε in t ← (1 − ε)t + ε/K.
    dropout : float or list of float, default=0.0
        Rate after each hidden layer (inverted dropout, in training only).
    l1, l2 : float, default=0.0
        Penalties l1·Σ|w| and ½·l2·Σw² on the mean loss, independent of the batch size.
    weight_decay : float or None, default=None
        Decoupled weight decay; None is the optimiser's default (0, but 0.01 for "adamw").
    clip_norm : float or None, default=None
        Maximum norm of the gradient of a step; a longer gradient is shortened to it.
    scoring : str, callable or None, default=None
        What early stopping monitors: a scikit-learn scorer, "loss", or None for accuracy.
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
    classes_ : ndarray or list of ndarray
        The class labels (one array per column of y for several class columns).
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
    >>> from sklearn.datasets import load_iris
    >>> from clearprop import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MLPClassifier(solver="lbfgs", hidden_layer_sizes=(8,), random_state=1).fit(X, y)
    >>> clf.predict(X[:2])
    array([0, 0])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseMLP._parameter_constraints,
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
        "output": [StrOptions(set(labels.UNITS))],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self,
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
        class_weight: Any = None,
        output: Any = "auto",
        label_smoothing: Any = 0.0,
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
        self.class_weight = class_weight
        self.output = output
        self.label_smoothing = label_smoothing
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
        """Train on X (n_samples, n_features), dense or sparse, and y.

        y: labels (n_samples,), an indicator matrix, or several columns of labels. sample_weight:
        (n_samples,). X_val, y_val, sample_weight_val: your own validation data, for the validation
        curve and, with early_stopping=True, for stopping. Returns self.
        """
        self._fit(X, y, sample_weight, validation=(X_val, y_val, sample_weight_val))
        return self

    @available_if(is_stochastic)
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """One epoch over this data, continuing from the current weights and optimiser state.

        classes: all labels that will ever occur, required in the first call; for several class
        columns, a list with the labels of each column. Returns self.
        """
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' is not supported for partial_fit. To use it, compute the "
                "weights on all data with sklearn.utils.class_weight.compute_class_weight and "
                "pass them as a dict."
            )
        with unchanged_on_error(self):
            self._learn_classes(y, classes)
            self._fit(X, y, sample_weight, incremental=True)
        return self

    def initialize(self, X: Any, y: Any, classes: Any = None) -> Self:
        """Draw the initial weights for this data without training.

        classes: all labels, if some are missing from y. Afterwards, `predict` uses these weights,
        and `partial_fit` and `fit` with warm_start=True start from them. Returns self.
        """
        if classes is not None:
            y = np.asarray(classes)
            X = safe_indexing(X, np.arange(len(y)) % num_samples(X))
        super().initialize(X, y)
        return self

    def predict(self, X: Any) -> Any:
        """The class of each row of X: (n_samples,), or a matrix for several labels or columns."""
        return self._decode(self._y_hat(X))

    def predict_proba(self, X: Any) -> Any:
        """The probability of each class, (n_samples, n_classes), with columns as in `classes_`.

        For multi-label y, the probability of each label; for several class columns, a list with
        one array per column.
        """
        return labels.probabilities(self._y_hat(X), self._binarizer(), self._architecture.output)

    def predict_log_proba(self, X: Any) -> Any:
        """The logarithm of `predict_proba`."""
        proba = self.predict_proba(X)
        with np.errstate(divide="ignore"):
            return [np.log(p) for p in proba] if isinstance(proba, list) else np.log(proba)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy; for several labels or class columns, the fraction of rows with all correct."""
        prediction = self.predict(X)
        return self._default_score(
            y, prediction, check_sample_weight(sample_weight, len(prediction), np.float64)
        )

    # ---- targets -----------------------------------------------------------------------------

    def _binarizer(self) -> LabelBinarizer | None:
        """The one that has seen y; None for several class columns."""
        return None if isinstance(self.classes_, list) else self._label_binarizer

    def _learn_classes(self, y: Any, classes: Any) -> None:
        """`classes` of partial_fit: required in the first call, and the same in all later calls."""
        kind, known = type_of_target(y), getattr(self, "classes_", None)
        columns = classes is not None and all(np.ndim(column) == 1 for column in classes)
        if kind == "multiclass-multioutput" or isinstance(known, list) or columns:
            self.classes_: Any = labels.agreed_columns(classes, known)
        elif check_partial_fit_first_call(self, classes):
            multilabel = kind.startswith("multilabel")
            self._label_binarizer = LabelBinarizer().fit(y if multilabel else classes)

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Array, Any]:
        y, classes = plain_classes(y), None
        if plain.is_matrix(self, X, reset=reset):
            classes = plain.classes_of(y, len(X))
        if classes is None:
            X, y = validation.checked_data(self, X, y, reset=reset)
            check_classification_targets(y)
        known = hasattr(self, "classes_") and (self.warm_start or incremental)
        columns = classes is None and type_of_target(y) == "multiclass-multioutput"
        if columns or (known and isinstance(self.classes_, list)):
            if known:
                labels.check_columns(y, self.classes_)
            else:
                self.classes_ = [np.unique(column) for column in y.T]
        elif known:
            same = self.warm_start and not incremental
            labels.check_known(y, classes, self.classes_, all_of_them=same)
        else:
            binarizer = LabelBinarizer().fit(y) if classes is None else plain.binarizer_of(classes)
            self._label_binarizer, self.classes_ = binarizer, binarizer.classes_
        return X, y

    def _encode(self, y: Any, dtype: Any) -> Targets:
        how = self.output, self.label_smoothing, np.dtype(dtype)
        return labels.encode(y, self.classes_, self._binarizer(), *how)

    def _decode(self, y_hat: Array) -> Any:
        output = self._architecture.output
        return labels.decode(y_hat, self.classes_, self._binarizer(), output)

    def _default_score(self, y: Any, prediction: Any, sample_weight: Array | None) -> float:
        y = plain_classes(y)
        if isinstance(self.classes_, list):
            right = (np.asarray(y) == prediction).all(axis=1)
            return float(np.average(right, weights=sample_weight))
        return float(accuracy_score(y, prediction, sample_weight=sample_weight))

    def _fit_weights(self, y: Any, sample_weight: Array | None, incremental: bool) -> Array | None:
        return labels.weights(self.class_weight, y, self.classes_, sample_weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
