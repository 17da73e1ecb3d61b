"""Models of tables: training, prediction and their files."""

from __future__ import annotations

import datetime
import json
import math
from contextlib import suppress

import numpy as np
import pyarrow as pa
import pytest
from answers import QUICK, frame, made_table

from clearprop.documents import ModelFileError
from clearprop.persistence import read_file, write_file
from clearprop.tables.frames import TableError, TableWarning
from clearprop.tabular import model as table_model
from clearprop.tabular.model import TableModel
from clearprop.tabular.network import NetworkOptions
from clearprop.tabular.plain import TableEncoding
from clearprop.tabular.problem import read_problem


@pytest.fixture(scope="module")
def classifier():
    return TableModel.fit(frame("y"), "answer", network=QUICK)


@pytest.fixture(scope="module")
def regressor():
    return TableModel.fit(frame("answer"), "y", network=QUICK)


# ---- learning ------------------------------------------------------------------------------------


def test_classification(classifier):
    held_out = frame("y", seed=1)
    scores = classifier.evaluate(held_out)
    assert scores["accuracy"] > 0.9
    p = classifier.predict_proba(held_out)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-6)  # float32
    predicted = classifier.predict(held_out)
    assert set(predicted.tolist()) == {"yes", "no"}
    accuracy = np.mean(predicted == np.array(held_out.column("answer").to_pylist()))
    assert accuracy == pytest.approx(scores["accuracy"])


def test_regression_in_units_of_the_column(regressor):
    held_out = frame("answer", seed=1)
    scores = regressor.evaluate(held_out)
    assert scores["R²"] > 0.9
    y_hat = regressor.predict(held_out)
    assert abs(y_hat.mean() - np.mean(held_out.column("y").to_pylist())) < 1
    with pytest.raises(TypeError, match="no probabilities"):
        regressor.predict_proba(held_out)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_other_libraries_give_the_same_model(library, classifier):
    module = pytest.importorskip(library)
    table = {name: values for name, values in made_table().items() if name != "y"}
    model = TableModel.fit(module.DataFrame(table), "answer", network=QUICK)
    assert model.encoding == classifier.encoding
    np.testing.assert_array_equal(
        model.predict_proba(module.DataFrame(table)), classifier.predict_proba(frame("y"))
    )


@pytest.mark.parametrize(
    ("labels", "type_"),
    [
        (["a", "b", "c"], "text"),
        ([3, 1, 10], "integer"),
        ([0.5, 1.5, 10.0], "number"),
        ([True, False], "boolean"),
    ],
)
def test_labels_come_back_as_they_were(labels, type_):
    n = 40 * len(labels)
    values = [labels[i % len(labels)] for i in range(n)]
    x = [float(labels.index(v)) for v in values]
    table = pa.table({"x": x, "t": values})
    model = TableModel.fit(table, "t", task="classification", network=QUICK)
    assert model.target.type == type_
    assert model.target.values() == sorted(labels)
    assert model.predict(table).tolist() == values
    assert model.to_table(model.predict_values(table).values).column("prediction").to_pylist() == (
        values
    )


def test_the_seed_decides_everything():
    table = frame("y")
    again = [TableModel.fit(table, "answer", network=QUICK).predict_proba(table) for _ in "ab"]
    np.testing.assert_array_equal(*again)
    other = NetworkOptions(**{**vars(QUICK), "seed": 1})
    assert (TableModel.fit(table, "answer", network=other).predict_proba(table) != again[0]).any()


def test_options_of_the_network():
    problem = read_problem(frame("y"), "answer")
    encoding = TableEncoding.fit(problem.frame)

    def trained(options, **more):
        return TableModel.fit_network(problem, encoding, options, **more)

    options = {"epochs": 3, "early_stopping": False}
    model = trained(NetworkOptions(**options, hidden_sizes=(7, 5), hidden=("tanh", "gelu")))
    net = model.estimator.network_
    assert net.sizes == [len(model.feature_names), 7, 5, 1]
    assert model.networks == [net]
    assert [layer.activation.name for layer in net.architecture.dense[:-1]] == ["tanh", "gelu"]
    assert len(model.estimator.history_) == 3
    assert model.about["n_validation_rows"] == 0
    linear = trained(NetworkOptions(**options, hidden_sizes=()))
    assert linear.estimator.network_.sizes == [len(model.feature_names), 1]
    lbfgs = trained(NetworkOptions(hidden_sizes=(4,), solver="lbfgs", epochs=5))
    assert len(lbfgs.estimator.history_) <= 5
    reports = []
    trained(QUICK, callbacks=[lambda report: reports.append(report) or True])
    assert [report.epoch for report in reports] == [1]
    with pytest.raises(TypeError, match="n_members is a parameter of a bag"):
        TableModel.fit(frame("y"), "answer", network=QUICK, n_members=4)


def test_balanced_class_weights_find_more_of_a_rare_class():
    rng = np.random.default_rng(0)
    t = rng.random(1000) < 0.05
    table = pa.table({"x": (rng.standard_normal(1000) + t).tolist(), "t": t.tolist()})
    plain, balanced = (
        TableModel.fit(table, "t", network=NetworkOptions(**{**vars(QUICK), "class_weight": w}))
        for w in (None, "balanced")
    )
    assert balanced.predict(table).sum() > plain.predict(table).sum()


@pytest.mark.parametrize("n", [2, 3, 7])
def test_tiny_tables(n):
    table = pa.table({"x": [float(i) for i in range(n)], "t": ["ab"[i % 2] for i in range(n)]})
    model = TableModel.fit(table, "t", network=NetworkOptions(epochs=2))
    assert model.predict_proba(table).shape == (n, 2)
    assert model.predict_proba(table.slice(0, 0)).shape == (0, 2)


# ---- what cannot be learnt -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "task", "message"),
    [
        (["a", "a", "a"], None, "column 't': the target has one class only, 'a'"),
        ([1.5, 1.5], None, "column 't': the target is 1.5 in every row"),
        (["a", None, "b"], None, r"column 't', row 1: the target is missing \(in 1 of 3 rows\)"),
        ([0.5, math.nan, 2.5], None, r"column 't', row 1: the target is missing"),
        (["1", "nan", "2"], "regression", "column 't', row 1: the target is missing"),
        (["1", "x", "2"], "regression", "column 't', row 1: 'x' is not a number"),
        ([1.0, 2.0, math.inf], None, "column 't', row 2: 'inf' is not a finite number"),
        ([datetime.date(2020, 1, 1)] * 2, None, "column 't': dates cannot be the target"),
        ([[1], [2]], None, "cannot be the target"),
    ],
)
def test_bad_targets(values, task, message):
    table = pa.table({"x": [float(i) for i in range(len(values))], "t": values})
    with pytest.raises(TableError, match=message):
        TableModel.fit(table, "t", task=task)


def test_bad_arguments():
    with pytest.raises(TableError, match=r"no column 'anser'; did you mean 'answer'\?"):
        TableModel.fit(frame("y"), "anser")
    with pytest.raises(TableError, match="'answer' is the target"):
        TableModel.fit(frame("y"), "answer", kinds={"answer": "categorical"})
    with pytest.raises(ValueError, match="task must be one of classification, regression"):
        TableModel.fit(frame("y"), "answer", task="clustering")
    with pytest.raises(TableError, match="no rows"):
        TableModel.fit(frame("y").slice(0, 0), "answer")
    with pytest.raises(TableError, match="no column to learn from"):
        TableModel.fit(frame("y").select(["answer"]), "answer")
    with pytest.raises(ValueError, match="share must be at least 0 and less than 1; got 1"):
        read_problem(frame("y"), "answer", test_size=1)


def test_bad_tables_at_prediction(classifier):
    table = frame("y").slice(0, 5)
    wrong = table.set_column(0, "x", pa.array(["1", "2", "much", "3", "4"]))
    with pytest.raises(TableError, match="column 'x', row 2: 'much' is not a number"):
        classifier.predict(wrong)
    with pytest.raises(TableError, match="row 102"):
        classifier.predict_values(wrong, first_row=100)
    with pytest.raises(TableError, match="no column 'colour'"):
        classifier.predict(table.drop_columns(["colour"]))
    strange = table.set_column(2, "answer", pa.array(["yes", "no", "yes", "maybe", "no"]))
    with pytest.raises(
        TableError, match=r"row 3: 'maybe' is not a class of this model \('no', 'yes'"
    ):
        classifier.evaluate(strange)
    missing = table.set_column(2, "answer", pa.array(["yes", "no", None, "no", "no"]))
    with pytest.raises(TableError, match="column 'answer', row 2: the target is missing"):
        classifier.evaluate(missing)
    with pytest.raises(TableError, match="no rows"):
        classifier.evaluate(table.slice(0, 0))


def test_unseen_labels_are_counted(classifier):
    table = pa.table({"x": [0.0, 1.0], "colour": ["mauve", "red"]})
    predictions = classifier.predict_values(table)
    assert predictions.unseen == {"colour": 1}
    assert np.isfinite(predictions.values).all()


def test_prediction_in_chunks(classifier, monkeypatch):
    table = frame("y")
    whole = classifier.predict_values(table)
    monkeypatch.setattr(table_model, "CHUNK_BYTES", 1000)
    parts = classifier.predict_values(table)
    # The order of the sums in a matrix product may depend on the number of rows: float32.
    np.testing.assert_allclose(parts.values, whole.values, rtol=1e-5)
    strange = table.set_column(0, "x", pa.array(["0"] * 399 + ["x"]))
    with pytest.raises(TableError, match="row 399"):
        classifier.predict(strange)


# ---- files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["classifier", "regressor"])
def test_a_saved_model_predicts_the_same_bits(name, request, tmp_path):
    model = request.getfixturevalue(name)
    path = tmp_path / "model.safetensors"
    model.save(path)
    loaded = TableModel.load(path)
    for part in ("encoding", "target", "standardization", "missing", "about"):
        assert getattr(loaded, part) == getattr(model, part)
    table = frame(seed=5)
    np.testing.assert_array_equal(
        loaded.predict_values(table).values, model.predict_values(table).values
    )
    loaded.save(tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()


def _document_of(model, tmp_path):
    path = tmp_path / "model.safetensors"
    model.save(path)
    document, tensors = read_file(path, table_model.KIND)
    del document["kind"]
    return path, document, tensors


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("target", "labels"), ["a", "b", "c"], "outputs of the estimator do not fit the target"),
        (("estimator", "kind"), "TabularClassifier", "estimator: "),
        (("estimator", "kind"), "Network", "'kind' must be one of"),
        (("encoding",), None, "the inputs do not fit the estimator"),
        (("standardization",), [0.0, 1.0], "the inputs do not fit the estimator"),
        (("standardization",), [0.0, 0.0], "spread of a quantity must be positive"),
        (("target", "task"), "regression", "target: "),
        (("target", "labels"), ["no"], "two or more"),
        (("target", "type"), "integer", "not of the type 'integer'"),
        (("encoding", "columns"), [], "its columns must have different names and features"),
        (("encoding", "columns", 0, "n_missing"), 0, "takes 5 features, the columns give 4"),
        (("encoding", "columns", 0, "spread"), -1.0, "spread"),
        (("encoding", "columns", 0, "kind"), "code", "kind"),
        (("encoding", "columns", 0, "other"), 1, "unknown key 'other'"),
        (("estimator",), {}, "estimator: "),
        (("about",), 3, "'about' must be an object"),
    ],
)
def test_files_whose_parts_do_not_fit(classifier, tmp_path, place, value, message):
    path, document, tensors = _document_of(classifier, tmp_path)
    document = json.loads(json.dumps(document))
    parent = document
    for key in place[:-1]:
        parent = parent[key]
    parent[place[-1]] = value
    write_file(path, table_model.KIND, document, tensors)
    with pytest.raises(ModelFileError, match=message) as caught:
        TableModel.load(path)
    assert str(caught.value).startswith(str(path))


def test_a_network_of_another_kind_does_not_fit(classifier, regressor, tmp_path):
    _, document, _ = _document_of(classifier, tmp_path)
    path, other, tensors = _document_of(regressor, tmp_path)
    for key in ("encoding", "target"):
        write_file(path, table_model.KIND, {**other, key: document[key]}, tensors)
        if key == "target":
            with pytest.raises(ModelFileError):
                TableModel.load(path)
        else:  # the same columns: it is a model of y
            assert not TableModel.load(path).target.has_classes


def test_damaged_files(classifier, tmp_path):
    """Any byte changed, or the file cut anywhere: a ModelFileError or a model that predicts."""
    path = tmp_path / "model.safetensors"
    classifier.save(path)
    data = path.read_bytes()
    rng = np.random.default_rng(0)
    table = frame().slice(0, 3)
    n_refused = 0
    for number in range(300):
        damaged = bytearray(data)
        if number % 3 == 0:
            damaged = damaged[: rng.integers(len(data))]
        else:
            # Most of the file is weights: go for its header.
            place = rng.integers(min(len(data), 6000))
            damaged[place] = rng.integers(256)
        path.write_bytes(bytes(damaged))
        try:
            model = TableModel.load(path)
        except ModelFileError:
            n_refused += 1
            continue
        with suppress(TableError):  # the name of a column has changed
            model.predict_values(table)
    assert n_refused > 150


def test_one_network_reads_a_number_in_a_row_as_in_a_table() -> None:
    """A plain number in a column that was text in training: the row was read as text."""
    n = 40
    prices = [f"{i * 41 % 97},{i % 10}0 €" for i in range(n)]
    frame = pa.table({"price": prices, "y": [float(i % 7) for i in range(n)]})
    with pytest.warns(TableWarning, match="price"):
        model = TableModel.fit(frame, "y", network=NetworkOptions(epochs=1, hidden_sizes=(2,)))
    one = model.predict_one({"price": 41.1})
    assert one == model.predict(pa.table({"price": [41.1]}))[0]
    assert one == model.predict_one({"price": "41,10 €"})
