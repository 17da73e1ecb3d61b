"""The quick checks of plain arrays and parameters against scikit-learn's own."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data
from toy_data import Y_REAL, Y_SEVERAL, Y_THREE, N, X, classifier, regressor

import clearprop as cp
from clearprop.estimators import plain

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

INTEGERS = ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]


@st.composite
def labels(draw: Any) -> Any:
    """Vectors of few or many classes anywhere in the range of their dtype."""
    dtype = np.dtype(draw(st.sampled_from(INTEGERS)))
    if dtype.kind == "b":
        return draw(hnp.arrays(dtype, st.integers(1, 40)))
    info = np.iinfo(dtype)
    known = draw(st.lists(st.integers(int(info.min), int(info.max)), min_size=1, max_size=5))
    near = draw(st.integers(0, 100))
    known += [min(known[0] + near, int(info.max))]
    return np.array(draw(st.lists(st.sampled_from(known), min_size=1, max_size=40)), dtype=dtype)


@given(labels())
def test_classes_and_codes(y: Any) -> None:
    classes = plain.classes_of(y, len(y))
    unique, index = np.unique(y, return_inverse=True)
    if classes is None:  # left to scikit-learn, as it should be
        spread = int(unique[-1]) - int(unique[0])
        many = len(unique) > 2 and len(unique) > 0.5 * len(y)
        assert spread >= plain.MAX_SPAN or int(unique[-1]) >= 2**63 or many
        return
    np.testing.assert_array_equal(classes, unique)
    assert classes.dtype == y.dtype
    check_classification_targets(y)
    np.testing.assert_array_equal(plain.codes_of(y, classes), index)
    ours, theirs = plain.binarizer_of(classes), LabelBinarizer().fit(y)
    assert vars(ours).keys() == vars(theirs).keys()
    for name, value in vars(theirs).items():
        np.testing.assert_array_equal(getattr(ours, name), value)


def test_codes_of_labels_that_are_no_class() -> None:
    classes = np.array([2, 5, 9])
    for y in ([1, 2], [2, 10], [5, 6], [-(2**62), 2], []):
        assert plain.codes_of(np.array(y, dtype=int), classes) is None
    assert plain.codes_of(np.array([9, 2]), classes).tolist() == [2, 0]
    assert plain.codes_of(np.array([True, False]), np.array([0, 1])).tolist() == [1, 0]
    for y in ([9, 2], np.array([[9, 2]]), np.array([9.0]), np.array(["a"]), np.array([9], object)):
        assert plain.codes_of(y, classes) is None
    assert plain.codes_of(np.array([9]), np.array(["a"])) is None
    assert plain.codes_of(np.array([9]), [classes]) is None


@pytest.mark.parametrize("y", [[0, 1], "ab", np.array([0.0, 1]), np.zeros((2, 1), int), [], None])
def test_other_targets_are_left_to_scikit_learn(y: Any) -> None:
    assert plain.classes_of(y, 2) is None


def test_targets_of_another_length_or_without_rows() -> None:
    assert plain.classes_of(np.array([0, 1, 1]), 2) is None
    assert plain.classes_of(np.array([], dtype=int), 0) is None
    assert not plain.is_numeric_target(np.array([0.0, 1.0]), 3)
    for fit in (classifier().fit, regressor().fit):
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            fit(X, Y_THREE[:-1])
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            fit(X[:-1], Y_THREE)


FLOATS = st.floats(allow_nan=True, allow_infinity=True, width=32)
MATRICES = st.one_of(
    hnp.arrays(
        st.sampled_from(["f4", "f8", ">f8", "f2", "i8", "b1"]),
        hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4),
        elements=st.sampled_from([0, 1]),
    ),
    hnp.arrays(st.sampled_from(["f4", "f8"]), (3, 2), elements=FLOATS),
)


@given(MATRICES)
def test_what_passes_is_what_scikit_learn_returns_as_it_is(matrix: Any) -> None:
    ours, theirs = classifier(), classifier()
    if not plain.is_matrix(ours, matrix, reset=True):
        assert not hasattr(ours, "n_features_in_")
        return
    checked = validate_data(theirs, matrix, dtype=(np.float64, np.float32), reset=True)
    assert checked is matrix
    assert ours.n_features_in_ == theirs.n_features_in_
    assert plain.is_matrix(ours, matrix, reset=False)
    assert not plain.is_matrix(ours, np.hstack([matrix, matrix]), reset=False)


def test_plain_arrays_do_pass() -> None:
    for good in (X, X.astype("f4"), np.asfortranarray(X), X[::2, 1:], X[:1]):
        assert plain.is_matrix(classifier(), good, reset=True)
    assert plain.classes_of(Y_THREE, N) is not None
    for target in (Y_REAL, Y_SEVERAL, Y_THREE, Y_REAL > 0, Y_REAL.astype("f4")):
        assert plain.is_numeric_target(target, N)
    wrong = (Y_REAL[:, None], Y_REAL.tolist(), np.where(Y_REAL > 0, np.nan, 0), Y_REAL.astype(str))
    for target in wrong:
        assert not plain.is_numeric_target(target, N)


def test_default_parameters_are_valid() -> None:
    for kind in (cp.MLPClassifier, cp.MLPRegressor):
        assert plain.parameters_are_valid(kind())
        for name, default, constraints in plain._constraints(kind):
            assert default is not constraints, name  # a default that is not valid itself


VALUES = [
    0, 1, -1, 0.0, 0.5, 1.0, 1.5, -0.5, np.nan, np.inf, 10**9, 2000, np.int64(3), np.float32(0.5),
    True, False, np.True_, None, "", "adam", "relu", "auto", "native", "constant", "loss", (), (3,),
    [3], {}, {0: 1.0}, "balanced", "optimizer", np.ones(2), np.random.RandomState(0), lambda x: x,
    cp.Adam(), cp.LBFGS(), cp.schedules.Cosine(0.1), cp.ACTIVATIONS["relu"], "float32", np.float32,
]  # fmt: skip


def outcome(check: Any) -> str:
    try:
        check()
    except ValueError as error:
        return f"{type(error)}: {error}"
    return "fine"


@pytest.mark.parametrize("kind", [cp.MLPClassifier, cp.MLPRegressor])
def test_parameters_are_judged_as_scikit_learn_judges(kind: Any) -> None:
    for name in kind().get_params():
        for value in VALUES:
            estimator = kind(**{name: value})
            theirs = outcome(super(cp.estimators.base.BaseMLP, estimator)._validate_params)
            assert outcome(estimator._validate_params) == theirs
            assert plain.parameters_are_valid(estimator) == (theirs == "fine"), (name, value)


def test_parameters_of_a_subclass() -> None:
    class Mine(cp.MLPClassifier):
        _parameter_constraints: ClassVar[Any] = {
            **cp.MLPClassifier._parameter_constraints,
            "alpha": [None],
        }

        def __init__(self, alpha: Any = 0.5, extra: Any = "anything") -> None:
            super().__init__(alpha=alpha)
            self.extra = extra

    assert plain.parameters_are_valid(Mine(alpha=None, extra=object()))
    with pytest.raises(ValueError, match=r"'alpha' parameter of Mine must be None\. Got 0\.5"):
        Mine().fit(X, Y_THREE)
