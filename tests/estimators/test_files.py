"""Saved, pickled, copied and cloned estimators; files that are damaged or hostile."""

from __future__ import annotations

import copy
import json
import pickle
import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from fuzz_files import check_reader, pack, unpack
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from toy_data import (
    NAMES,
    Y_COLUMNS,
    Y_COUNTS,
    Y_LABELS,
    Y_REAL,
    Y_SEVERAL,
    Y_THREE,
    Y_TWO,
    N,
    X,
    classifier,
    flat,
    regressor,
    same_weights,
)

import clearprop as cp

# five epochs do not converge, and are not meant to
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

FRAME = pd.DataFrame(X, columns=["a", "b", "c", "d", "é\n"])
ADAPTIVE = {"solver": "sgd", "learning_rate": "adaptive", "tol": 1.0, "n_iter_no_change": 1}
CLASSIFIERS: dict[str, tuple[dict[str, Any], Any]] = {
    "three classes": ({}, Y_THREE),
    "two classes": ({}, Y_TWO),
    "strings": ({"early_stopping": True, "validation_fraction": 0.3}, NAMES),
    "objects": ({}, NAMES.astype(object)),
    "two objects": ({"class_weight": {"no": 2.0}}, np.array(["no", "yes"], object)[Y_TWO]),
    "booleans": ({}, Y_TWO > 0),
    "int8": ({}, Y_THREE.astype("i1")),
    "uint64": ({"class_weight": "balanced"}, Y_THREE.astype("u8") + 2**63),
    "floats": (
        {"solver": cp.AdamW(1e-3), "learning_rate": cp.schedules.Cosine(0.1)},
        Y_THREE * 2.0,
    ),
    "labels": ({}, Y_LABELS),
    "boolean labels": ({}, Y_LABELS > 0),
    "sparse labels": ({}, csr_matrix(Y_LABELS)),
    "columns": ({}, Y_COLUMNS),
    "columns of objects": ({}, np.stack([NAMES, NAMES[::-1]], axis=1).astype(object)),
    "one class": ({}, np.full(N, "x")),
    "one class, softmax": ({"output": "softmax"}, np.full(N, 3)),
    "softmax of two": ({"output": "softmax", "label_smoothing": 0.1}, Y_TWO),
    "ordered": ({"output": "ordinal"}, Y_THREE),
    "ordered, two": ({"output": "ordinal"}, Y_TWO),
    "one against the rest": ({"output": "logistic"}, Y_THREE),
    "watching the loss": ({"early_stopping": True, "scoring": "loss"}, Y_THREE),
    "adaptive": (ADAPTIVE, Y_THREE),
    "lbfgs": ({"solver": "lbfgs"}, Y_THREE),
    "lbfgs without a step": ({"solver": "lbfgs", "tol": 10.0}, Y_THREE),
    "lbfgs record": ({"solver": cp.LBFGS(memory=3)}, Y_THREE),
    "float32": ({"dtype": "float32", "n_iter_no_change": np.inf}, Y_THREE),
    "no hidden layer": ({"hidden_layer_sizes": ()}, Y_THREE),
    "schedules in schedules": (
        {"solver": cp.SGD(cp.schedules.WarmUp(cp.schedules.StepDecay(0.1, 3), 5))},
        Y_THREE,
    ),
    "activations": ({"activation": ["gelu"], "dropout": (0.2,), "l1": 0.1}, Y_THREE),
    "activation record": ({"activation": cp.ACTIVATIONS["mish"]}, Y_THREE),
    "NumPy numbers": ({"alpha": np.float32(0.5), "max_iter": np.int64(3)}, Y_THREE),
}
REGRESSORS: dict[str, tuple[dict[str, Any], Any]] = {
    "squared error": ({}, Y_REAL),
    "several outputs": ({"early_stopping": True}, Y_SEVERAL),
    "quantiles": ({"loss": cp.outputs.Quantile((0.1, 0.9))}, Y_SEVERAL),
    "gaussian": ({"loss": "gaussian"}, Y_REAL),
    "tweedie": ({"loss": cp.outputs.Tweedie(1.3)}, Y_COUNTS),
    "huber": ({"loss": cp.outputs.Huber(2.0), "warm_start": "optimizer"}, Y_REAL),
    "poisson": ({"loss": "poisson", "learning_rate": "one_cycle"}, Y_COUNTS),
    "cross entropy": ({"loss": "cross_entropy"}, cp.softmax(Y_SEVERAL)),
    "probabilities": ({"loss": "binary_cross_entropy", "dtype": "float32"}, 0.3 * Y_LABELS),
    "lbfgs": ({"solver": "lbfgs"}, Y_REAL),
}
ALL = [
    pytest.param(make, *entry, id=f"{make.__name__}, {name}")
    for make, table in ((classifier, CLASSIFIERS), (regressor, REGRESSORS))
    for name, entry in table.items()
]


def dense(result: Any) -> Any:
    return result.toarray() if hasattr(result, "toarray") else result


def assert_same(one: Any, other: Any, data: Any = FRAME) -> None:
    """The same predictions to the last bit, and the same public attributes."""
    assert type(one) is type(other)
    for method in ("predict", "predict_proba", "predict_log_proba"):
        if hasattr(one, method):
            a, b = getattr(one, method)(data), getattr(other, method)(data)
            assert type(a) is type(b)
            assert getattr(a, "dtype", None) == getattr(b, "dtype", None)
            np.testing.assert_equal(dense(a), dense(b))
    fitted = {name for name in dir(one) if name.endswith("_") and not name.startswith("_")}
    assert fitted == {n for n in dir(other) if n.endswith("_") and not n.startswith("_")}
    for name in fitted - {"network_", "history_"}:
        np.testing.assert_equal(getattr(other, name), getattr(one, name), err_msg=name)
    np.testing.assert_equal(vars(other.history_), vars(one.history_))
    assert repr(other.network_) == repr(one.network_)


def assert_own_memory(one: Any, other: Any) -> None:
    """Views of one θ, which is not that of the first."""
    theta = other.network_.theta
    assert not np.shares_memory(theta, one.network_.theta)
    assert all(np.shares_memory(a, theta) for a in (*other.coefs_, *other.intercepts_))
    before = dense(one.predict(FRAME))
    other.coefs_[0][...] = 7
    assert (other.network_.W[0] == 7).all()
    np.testing.assert_array_equal(dense(one.predict(FRAME)), before)


@pytest.mark.parametrize(("make", "parameters", "y"), ALL)
def test_save_and_load(make: Any, parameters: dict[str, Any], y: Any, tmp_path: Path) -> None:
    estimator = make(**parameters).fit(FRAME, y, X_val=FRAME[:9], y_val=y[:9])
    path = tmp_path / "model.safetensors"
    estimator.save(path)
    loaded = type(estimator).load(path)
    assert_same(estimator, loaded)
    given, read = estimator.get_params(), loaded.get_params()
    for name, value in given.items():
        wanted = value.name if isinstance(value, cp.Activation) else value
        assert read[name] == wanted, name
        assert type(read[name]) is type(wanted) or isinstance(value, np.number), name
    # it is a whole estimator: it trains again from the start to the same bits
    again = clone(loaded).fit(FRAME, y)
    assert same_weights(again, make(**parameters).fit(FRAME, y))
    loaded.save(str(path))
    assert_same(estimator, type(estimator).load(str(path)))


@pytest.mark.parametrize(("make", "parameters", "y"), ALL)
def test_pickle_joblib_and_copies(make: Any, parameters: dict[str, Any], y: Any) -> None:
    estimator = make(**parameters).fit(FRAME, y)

    def by_joblib(e: Any) -> Any:
        buffer = BytesIO()
        joblib.dump(e, buffer)
        return joblib.load(buffer)

    ways = (
        lambda e: pickle.loads(pickle.dumps(e)),
        lambda e: pickle.loads(pickle.dumps(e, protocol=2)),
        by_joblib,
        copy.copy,
        copy.deepcopy,
    )
    for way in ways:
        other = way(estimator)
        assert_same(estimator, other)
        assert_own_memory(estimator, other)


def test_training_goes_on_after_pickling_and_loading(tmp_path: Path) -> None:
    estimator = classifier().fit(X, Y_THREE)
    pickled = pickle.loads(pickle.dumps(estimator))
    estimator.save(tmp_path / "model")
    loaded = cp.MLPClassifier.load(tmp_path / "model")
    estimator.partial_fit(X, Y_THREE)
    assert same_weights(pickled.partial_fit(X, Y_THREE), estimator)  # with Adam's state
    before = flat(loaded)
    loaded.partial_fit(X, Y_THREE)  # a file has not got it; Adam starts anew
    assert not np.array_equal(flat(loaded), before)
    assert loaded.loss_curve_[:-1] == estimator.loss_curve_[:-1]
    assert loaded.t_ == estimator.t_


def test_clone_has_the_parameters_only() -> None:
    parameters = {
        "activation": ["gelu"],
        "solver": cp.Adam(cp.schedules.Cosine(0.1)),
        "initializer": cp.initializers.constant_weights(0.1),
        "callbacks": [print],
        "class_weight": {0: 2.0},
        "n_iter_no_change": np.inf,
    }
    estimator = classifier(**parameters)
    copied = clone(estimator)
    assert not hasattr(copied, "coefs_")
    assert repr(copied.get_params()) == repr(estimator.get_params())
    fitted = clone(classifier().fit(X, Y_THREE))
    assert vars(fitted).keys() == vars(classifier()).keys()


def test_a_changed_network_is_saved_as_it_is(tmp_path: Path) -> None:
    estimator = classifier().fit(X, Y_THREE)
    estimator.coefs_[0][...] = 1.0
    estimator.intercepts_[1] = np.array([0.0, 9.0, 0.0])
    estimator.save(tmp_path / "model")
    assert (cp.MLPClassifier.load(tmp_path / "model").predict(X) == 1).all()


def test_what_a_file_cannot_keep(tmp_path: Path) -> None:
    path = tmp_path / "model"
    for parameters, name in (
        ({"callbacks": [lambda report: None]}, "callbacks"),
        ({"random_state": np.random.RandomState(0)}, "random_state"),
        ({"initializer": cp.initializers.constant_weights(0.1)}, "initializer"),
        ({"scoring": lambda e, X, y: 0.5, "early_stopping": True}, "scoring"),
        ({"learning_rate": lambda clock: 0.1 + 0 * clock.step}, "learning_rate"),
        ({"checkpoint": tmp_path / "state"}, "checkpoint"),
        ({"checkpoint": str(tmp_path / "other")}, "checkpoint"),
    ):
        estimator = classifier(**parameters).fit(X, Y_THREE)
        with pytest.warns(UserWarning, match=f"not kept in the file: {name}") as record:
            estimator.save(path)
        assert record[0].filename == __file__
        loaded = cp.MLPClassifier.load(path)
        assert loaded.get_params()[name] == cp.MLPClassifier().get_params()[name]
        np.testing.assert_array_equal(loaded.predict_proba(X), estimator.predict_proba(X))
    before = path.read_bytes()
    own = cp.Activation("own", np.sin, lambda z, h: np.cos(z))
    with pytest.raises(ValueError, match="activation 'own' is none of clearprop's"):
        classifier(activation=own, engine="reference").fit(X, Y_THREE).save(path)
    dates = np.array(["2020-01-01", "2020-01-02"], dtype="M8[D]")[Y_TWO]
    with pytest.raises(ValueError, match="classes that are numbers, booleans or strings"):
        classifier().fit(X, dates).save(path)
    with pytest.raises(NotFittedError):
        classifier().save(path)
    assert path.read_bytes() == before


def test_wrong_files(tmp_path: Path) -> None:
    path = tmp_path / "model"
    classifier().fit(X, Y_THREE).save(path)
    with pytest.raises(cp.ModelFileError, match="holds 'MLPClassifier', not 'MLPRegressor'"):
        cp.MLPRegressor.load(path)
    cp.Network([2, 1]).save(tmp_path / "network")
    with pytest.raises(cp.ModelFileError, match="not 'MLPClassifier'"):
        cp.MLPClassifier.load(tmp_path / "network")
    with pytest.raises(FileNotFoundError):
        cp.MLPClassifier.load(tmp_path / "nowhere")
    (tmp_path / "pickle").write_bytes(pickle.dumps(classifier().fit(X, Y_THREE)))
    with pytest.raises(cp.ModelFileError, match="not a model file"):
        cp.MLPClassifier.load(tmp_path / "pickle")


def test_a_file_cannot_say_where_to_write(tmp_path: Path) -> None:
    """A checkpoint's path in a hostile file would be written to by the next fit."""
    path = tmp_path / "model"
    classifier().fit(X, Y_THREE).save(path)
    header, body = unpack(path.read_bytes())
    document = json.loads(header["__metadata__"]["clearprop"])
    document["parameters"]["checkpoint"] = str(tmp_path / "victim")
    header["__metadata__"]["clearprop"] = json.dumps(document)
    path.write_bytes(pack(header, body))
    with pytest.raises(cp.ModelFileError, match="must not name a checkpoint"):
        cp.MLPClassifier.load(path)


FUZZED = [
    (
        cp.MLPClassifier,
        [
            ({}, X, Y_THREE),
            (
                {
                    "early_stopping": True,
                    "solver": cp.SGD(cp.schedules.WarmUp(cp.schedules.Cosine(0.1), 3)),
                },
                FRAME,
                NAMES,
            ),
            ({}, X, csr_matrix(Y_LABELS)),
            ({}, X, Y_COLUMNS),
            ({"output": "softmax", "class_weight": {0: 1.0}, "n_iter_no_change": np.inf}, X, Y_TWO),
            ({"solver": "lbfgs", "dtype": "float32"}, X, Y_TWO * 2.0),
        ],
    ),
    (
        cp.MLPRegressor,
        [
            ({}, X, Y_REAL),
            ({"loss": cp.outputs.Quantile((0.1, 0.5)), "dropout": [0.1]}, FRAME, Y_SEVERAL),
            ({"early_stopping": True, "dtype": "float32", "loss": "poisson"}, X, Y_COUNTS),
        ],
    ),
]


@pytest.mark.parametrize(("kind", "fits"), FUZZED)
def test_damaged_files(kind: Any, fits: Any, tmp_path: Path) -> None:
    """Refused with ModelFileError, or loaded as an estimator that works."""
    files = []
    for number, (parameters, data, y) in enumerate(fits):
        files.append(tmp_path / f"model{number}")
        small = {"hidden_layer_sizes": (3,), "max_iter": 2, "random_state": 0}
        kind(**small | parameters).fit(data, y).save(files[-1])

    def read(path: Path) -> None:
        estimator = kind.load(path)
        rows = np.zeros((3, estimator.n_features_in_))
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # of feature names, which a mutation may have changed
            assert estimator.predict(rows).shape[0] == 3
            if kind is cp.MLPClassifier:
                estimator.predict_proba(rows)
        assert repr(estimator)
        clone(estimator)

    outcomes = check_reader(read, files, 2000, tmp_path)
    assert outcomes["refused"] > 1000
    assert outcomes["loaded"] > 10


def test_a_file_with_a_record_of_an_older_name(tmp_path: Path) -> None:
    """`Step` is what `StepDecay` was called."""
    path = tmp_path / "model"
    model = classifier(solver=cp.SGD(cp.schedules.StepDecay(0.1, every=3))).fit(X, Y_THREE)
    model.save(path)
    header, body = unpack(path.read_bytes())
    document = header["__metadata__"]["clearprop"]
    assert '"StepDecay"' in document
    header["__metadata__"]["clearprop"] = document.replace('"StepDecay"', '"Step"')
    path.write_bytes(pack(header, body))
    loaded = cp.MLPClassifier.load(path)
    assert loaded.solver == model.solver
    assert same_weights(loaded, model)
