"""Saved, pickled and cloned tabular estimators; files that are damaged or hostile."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tabular_cases
from fuzz_files import check_reader, pack, unpack
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from tabular_cases import classifier, columns, regressor, target

import clearprop as cp
from clearprop.persistence import ModelFileError, read_file, write_file
from clearprop.tabular.bag.recipe import CLASSIFICATION

TABLE = columns(120)
X, Y = pd.DataFrame(TABLE), target(TABLE)
THREE = np.digitize(Y, [-1, 2])
OPEN = np.array(TABLE["open"])
CLASSIFIERS: dict[str, tuple[dict[str, Any], Any]] = {
    "two classes": ({}, np.where(Y > 0, "é\n", "no")),
    "three classes": ({"scoring": "auc", "class_weight": "balanced"}, THREE),
    "booleans": ({"class_weight": {True: 2.0, False: 1.0}}, Y > 0),
    "objects": ({"kinds": {"count": "categorical"}}, np.array(["a", "b"], object)[1 * OPEN]),
    "labels": ({}, np.stack([Y > 0, OPEN], axis=1).astype(int)),
    "columns": ({"time_limit": 50.0}, np.stack([THREE, OPEN + 5], axis=1)),
    "one class": ({}, np.zeros(120, np.int8)),
    "two activations": ({"n_members": 5}, THREE),
}
REGRESSORS: dict[str, tuple[dict[str, Any], Any]] = {
    "squared error": ({"random_state": 7}, Y),
    "several outputs": ({"scoring": "mae"}, np.stack([Y, -Y], axis=1)),
    "poisson": ({"loss": "poisson"}, np.round(np.abs(Y))),
    "huber": ({"loss": cp.outputs.Huber(0.5)}, Y),
    "quantiles": ({"loss": cp.outputs.Quantile((0.1, 0.9))}, Y),
    "huge": ({"loss": "absolute_error"}, Y * 1e300),
}


def fitted(name: str) -> Any:
    make, cases = (classifier, CLASSIFIERS) if name in CLASSIFIERS else (regressor, REGRESSORS)
    parameters, y = cases[name]
    return make(**parameters).fit(X, y)


def same(one: Any, two: Any) -> None:
    """Predictions bit for bit, attributes and parameters."""
    later = X.assign(colour="violet")
    for table in (X, later):
        np.testing.assert_array_equal(one.predict(table), two.predict(table))
    if hasattr(one, "predict_proba"):
        np.testing.assert_equal(one.predict_proba(X), two.predict_proba(X))
        np.testing.assert_equal(one.classes_, two.classes_)
    elif one.residuals_:
        np.testing.assert_array_equal(one.predict_interval(X, 0.2), two.predict_interval(X, 0.2))
    for name in ("oof_score_", "oof_curve_", "n_iter_", "stopped_", "n_features_in_", "engine_"):
        assert getattr(one, name) == getattr(two, name), name
    assert list(one.feature_names_in_) == list(two.feature_names_in_)


@pytest.mark.filterwarnings("ignore:y has only the class")
@pytest.mark.parametrize("name", [*CLASSIFIERS, *REGRESSORS])
def test_a_file_gives_the_estimator_back(name: str, tmp_path: Path) -> None:
    model = fitted(name)
    path = tmp_path / "model.safetensors"
    model.save(path)
    loaded = type(model).load(path)
    same(model, loaded)
    assert repr(loaded.get_params()) == repr(model.get_params())
    assert not hasattr(loaded, "oof_prediction_")
    loaded.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == path.read_bytes()
    loaded.fit(X, CLASSIFIERS[name][1] if name in CLASSIFIERS else REGRESSORS[name][1])
    same(model, loaded)  # the parameters are those of the first fit


def test_an_array_has_no_names(tmp_path: Path) -> None:
    numbers = X[["count", "zeros"]].to_numpy()
    model = regressor().fit(numbers, Y)
    model.save(tmp_path / "model")
    loaded = type(model).load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict(numbers), model.predict(numbers))
    assert not hasattr(loaded, "feature_names_in_")


def test_pickles_and_copies() -> None:
    for model in (fitted("three classes"), fitted("squared error")):
        for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
            same(model, other)
            np.testing.assert_array_equal(other.oof_prediction_, model.oof_prediction_)
        with pytest.raises(NotFittedError):
            clone(model).predict(X)


def test_parameters_that_are_no_plain_values(tmp_path: Path) -> None:
    model = classifier(random_state=np.random.RandomState(0)).fit(X, THREE)
    with pytest.warns(UserWarning, match="not kept in the file: random_state"):
        model.save(tmp_path / "model")
    assert type(model).load(tmp_path / "model").random_state is None


def test_threads_are_a_matter_of_the_machine(tmp_path: Path) -> None:
    model = classifier(n_threads=3).fit(X, THREE)
    model.save(tmp_path / "model")
    assert type(model).load(tmp_path / "model").n_threads is None


def test_what_cannot_be_saved_or_loaded(tmp_path: Path) -> None:
    with pytest.raises(NotFittedError):
        classifier().save(tmp_path / "model")
    fitted("squared error").save(tmp_path / "model")
    with pytest.raises(ModelFileError, match="Regressor"):
        cp.TabularClassifier.load(tmp_path / "model")
    with pytest.raises(FileNotFoundError):
        cp.TabularClassifier.load(tmp_path / "none")
    header, body = unpack((tmp_path / "model").read_bytes())
    header["theta"]["shape"][1] += 1
    (tmp_path / "model").write_bytes(pack(header, body))
    with pytest.raises(ModelFileError):
        type(regressor()).load(tmp_path / "model")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"network_of": [0, 0, 0, 0, 2]}, r"'network_of'\[4\]"),
        ({"network_of": []}, "no networks"),
        ({"networks": []}, "'network_of'"),
        ({"networks": [[3]], "network_of": [0] * 5}, "must be an object"),
    ],
)
def test_networks_of_a_file_that_are_none(
    change: dict[str, Any], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "model"
    fitted("two activations").save(path)
    document, tensors = read_file(path, "Classifier")
    assert document["network_of"] == [0, 0, 0, 0, 1]
    del document["kind"]
    write_file(path, "Classifier", document | change, tensors)
    with pytest.raises(ModelFileError, match=message):
        type(classifier()).load(path)


def test_networks_of_a_file_have_the_same_parameters(tmp_path: Path) -> None:
    class Classifier(tabular_cases.Classifier):
        _recipe = replace(
            CLASSIFICATION, epochs=1, hidden_sizes=(16, 8), few_rows_hidden_sizes=None
        )

    documents = []
    for name, kind in (("model", tabular_cases.Classifier), ("other", Classifier)):
        kind(n_members=5, random_state=0).fit(X, THREE).save(tmp_path / name)
        documents.append(read_file(tmp_path / name, "Classifier"))
    (document, tensors), (other, _) = documents
    del document["kind"]
    document["networks"][1] = other["networks"][1]
    write_file(tmp_path / "model", "Classifier", document, tensors)
    with pytest.raises(ModelFileError, match="differ in their parameters"):
        type(classifier()).load(tmp_path / "model")


@pytest.mark.parametrize("kind", ["Classifier", "Regressor"])
def test_damaged_files(kind: str, tmp_path: Path) -> None:
    """Refused with one clear line, or a model that predicts."""
    names = (
        ["columns", "two activations"] if kind == "Classifier" else ["several outputs", "quantiles"]
    )
    files, table = [], X[:3]
    for name in names:
        model = fitted(name)
        model.save(tmp_path / name)
        files.append(tmp_path / name)

    def read(path: Path) -> None:
        loaded = type(model).load(path)
        with np.errstate(all="ignore"):
            try:
                shape = np.shape(loaded.predict(table))
            except cp.TableError:
                return  # a column of another name or kind
        assert shape[0] == 3

    outcomes = check_reader(read, files, 150, tmp_path)
    assert outcomes["refused"] > 100


def test_the_gain_is_in_the_file(tmp_path: Path) -> None:
    model = regressor().fit(X, Y)
    model.save(tmp_path / "m")
    assert type(model).load(tmp_path / "m").oof_gain_ == model.oof_gain_
    document, tensors = read_file(tmp_path / "m", type(model).__name__)
    document.pop("kind")
    del document["oof_gain"]  # a file of an earlier version
    write_file(tmp_path / "old", type(model).__name__, document, tensors)
    assert not hasattr(type(model).load(tmp_path / "old"), "oof_gain_")


@pytest.mark.parametrize("size", [1e38, 1e16])
def test_weights_that_would_predict_nan_are_refused_by_file(size: float, tmp_path: Path) -> None:
    model = regressor().fit(X, Y)
    model.save(tmp_path / "m")
    document, tensors = read_file(tmp_path / "m", type(model).__name__)
    document.pop("kind")
    theta = tensors["theta"].copy()
    theta[:, 5::7] = size
    write_file(tmp_path / "huge", type(model).__name__, document, {**tensors, "theta": theta})
    with pytest.raises(ModelFileError, match=r"huge: a weight of 1e.*would not be numbers"):
        type(model).load(tmp_path / "huge")
