"""Warnings of scores that are too good: columns that give the target away, and copies of rows."""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import datasets

from clearprop import TableWarning, TabularClassifier, TabularRegressor
from clearprop.cli import main
from clearprop.tables.sources import source_of
from clearprop.tabular.inputs import TableInputs
from clearprop.tabular.leaks import share_of_copies, telling_columns


def prepared(X: Any) -> tuple[TableInputs, Any]:
    source = source_of(X)
    inputs = TableInputs.fit(source)
    return inputs, inputs.transform(source)


def customers(n: int, seed: int = 0) -> tuple[pd.DataFrame, Any, Any]:
    """Inputs that say something about a class and about a quantity, but not everything."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "age": rng.integers(18, 80, n),
            "income": rng.lognormal(size=n),
            "plan": rng.choice(["a", "b", "c"], n),
        }
    )
    risk = X["age"] / 20 + X["income"] + rng.normal(size=n)
    return X, np.where(risk > risk.median(), "left", "stayed"), risk.to_numpy()


# each gives the class, or the quantity, away
CLASS_LEAKS = {
    "a number": lambda y: np.where(y == "left", 2.0, 1.0) + np.linspace(0, 0.9, len(y)),
    "a category": lambda y: np.where(y == "left", "closed", "open"),
    "many categories": lambda y: np.char.add(y.astype(str), (np.arange(len(y)) % 10).astype(str)),
    "a gap": lambda y: np.where(y == "left", np.arange(len(y)) % 365, np.nan),
    "a boolean": lambda y: y == "left",
}
NUMBER_LEAKS = {
    "another unit": lambda y: 0.453 * y,
    "a function": np.exp,
    "rounded": lambda y: np.round(y, 2),
    "negative": lambda y: -(y**3),
}


@pytest.mark.parametrize("leak", [*CLASS_LEAKS, *NUMBER_LEAKS])
@pytest.mark.parametrize("n", [400, 3000])
def test_a_column_that_gives_the_target_away_is_found(leak: str, n: int) -> None:
    X, label, risk = customers(n)
    classes = leak in CLASS_LEAKS
    y = label if classes else risk
    inputs, matrix = prepared(X.assign(leak=(CLASS_LEAKS | NUMBER_LEAKS)[leak](y)))
    assert telling_columns(inputs, matrix, y, classes=classes, seed=0) == ["leak"]
    plain = prepared(X)
    assert telling_columns(*plain, y, classes=classes, seed=0) == []


@settings(max_examples=40, deadline=None)
@given(st.integers(200, 1500), st.integers(0, 999), st.integers(2, 6), st.booleans())
def test_chance_gives_no_alarm(n: int, seed: int, n_classes: int, numbers: bool) -> None:
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "number": rng.normal(size=n),
            "code": rng.integers(0, n // 2, n).astype(str),
            "few": rng.integers(0, 3, n),
            "gaps": np.where(rng.random(n) < 0.5, np.nan, rng.normal(size=n)),
        }
    )
    y = rng.normal(size=n) if numbers else rng.integers(0, n_classes, n)
    inputs, matrix = prepared(X)
    assert telling_columns(inputs, matrix, y, classes=not numbers, seed=0) == []
    assert share_of_copies(inputs, matrix) == 0


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes", "digits"])
def test_real_tables_give_no_alarm(name: str) -> None:
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True, as_frame=True)
    inputs, matrix = prepared(X)
    assert telling_columns(inputs, matrix, y.to_numpy(), classes=name != "diabetes", seed=0) == []
    assert share_of_copies(inputs, matrix) == 0


def test_small_and_easy_tables_give_no_alarm() -> None:
    X, label, _ = customers(150)
    y = (label == "left").astype(int)
    assert telling_columns(*prepared(X.assign(leak=y)), y, classes=True, seed=0) == []
    X, label, _ = customers(500)
    y = (label == "left").astype(int)
    easy = X.assign(**{f"leak{i}": y + i for i in range(4)})
    assert telling_columns(*prepared(easy), y, classes=True, seed=0) == []
    assert telling_columns(*prepared(pd.DataFrame({"only": y})), y, classes=True, seed=0) == []
    rare = np.arange(500) < 20  # the constant makes few errors
    assert telling_columns(*prepared(X.assign(leak=rare)), rare, classes=True, seed=0) == []


def test_copies_of_rows_are_found_where_they_are_not_natural() -> None:
    X, _, _ = customers(400)
    X["weight"] = np.random.default_rng(1).normal(size=400)
    twice = pd.concat([X, X.iloc[:50]], ignore_index=True)
    assert share_of_copies(*prepared(twice)) == pytest.approx(100 / 450)
    assert share_of_copies(*prepared(pd.concat([X, X.iloc[:8]], ignore_index=True))) == 0
    assert share_of_copies(*prepared(twice[["plan"]])) == 0
    ages = pd.concat([X[["age", "plan"]]] * 2, ignore_index=True)
    assert share_of_copies(*prepared(ages)) == 0  # people of one age and plan are no copies
    sparse = X.assign(income=0.0, weight=np.where(np.arange(400) < 150, 0, X["weight"]))
    assert share_of_copies(*prepared(sparse)) == 0  # zeros recur
    assert share_of_copies(*prepared(twice.iloc[:150])) == 0


def test_fit_warns_once_and_names_the_way_out(capsys: Any, tmp_path: Any) -> None:
    X, label, _ = customers(300)
    X["weight"] = np.random.default_rng(1).normal(size=300)
    X = pd.concat([X, X.iloc[:60]], ignore_index=True)
    label = np.r_[label, label[:60]]
    leaky = X.assign(state=np.where(label == "left", "closed", "open"))
    with pytest.warns(TableWarning) as caught:
        TabularClassifier(1, random_state=0).fit(leaky, label)
    messages = [str(warning.message) for warning in caught]
    assert len(messages) == 2
    assert messages[0].startswith("column 'state' alone predicts the target almost perfectly")
    assert "kinds={'state': \"ignore\"}, --ignore" in messages[0]
    assert messages[1].startswith("33% of the rows have the same inputs as another row")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = TabularClassifier(1, random_state=0, kinds={"state": "ignore"})
        model.fit(leaky, label, groups=np.r_[np.arange(300), np.arange(60)])
        TabularRegressor(1, random_state=0).fit(X[:300], np.c_[X["age"], X["age"]][:300])
    leaky.assign(answer=label).to_csv(tmp_path / "leaky.csv", index=False)
    arguments = ["fit", str(tmp_path / "leaky.csv"), "-t", "answer", "--members", "1", "--json"]
    assert main([*arguments, "-m", str(tmp_path / "model.safetensors")]) == 0
    notes = capsys.readouterr().err.splitlines()
    assert len([note for note in notes if "alone predicts" in note]) == 1
    assert len([note for note in notes if "same inputs" in note]) == 1


def test_looking_takes_a_small_part_of_a_fit() -> None:
    X, y = np.random.default_rng(0).normal(size=(2, 4000, 40))[0], np.arange(4000) % 2
    inputs, matrix = prepared(X)
    begun = time.process_time()
    telling_columns(inputs, matrix, y, classes=True, seed=0)
    share_of_copies(inputs, matrix)
    assert time.process_time() - begun < 0.5  # about 0.05; a fit takes several seconds
