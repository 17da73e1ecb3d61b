"""Columns that say nothing: found, left out where that is better, and nothing changed where not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tabular_cases import Classifier, Regressor, regressor, with_epochs

import clearprop as cp
from clearprop.tables.sources import source_of
from clearprop.tabular.bag import screening
from clearprop.tabular.bag.epochs import Epochs
from clearprop.tabular.bag.screening import is_positive
from clearprop.tabular.inputs import TableInputs

NOISE = [f"noise {i}" for i in range(6)]


def with_noise(n: int = 2000, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """y follows from a and b; six numbers, and a person of about three rows, say nothing of it."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"a": rng.normal(size=n), "b": rng.normal(size=n)})
    for name in NOISE:
        table[name] = rng.normal(size=n)
    table["person"] = [f"person {i}" for i in rng.integers(0, n // 3, n)]
    return table, np.asarray(table.a + np.abs(table.b) + 0.3 * rng.normal(size=n))


def fitted(table: pd.DataFrame, y: np.ndarray, **parameters: Any) -> Any:
    return with_epochs(regressor(8, **parameters), 60).fit(table, y)


X, Y = with_noise(seed=2)


def test_columns_that_say_nothing_are_left_out(monkeypatch: Any) -> None:
    X_new, y_new = with_noise(seed=1)
    model = fitted(X, Y)
    assert "person" in model.unused_columns_
    assert len(model.unused_columns_) >= 4
    assert not {"a", "b"} & set(model.unused_columns_)
    # the members are those of a table that never had these columns: same folds, seeds and steps
    monkeypatch.setattr(screening, "LEAST_MEMBERS", 1000)
    fewer = fitted(X.drop(columns=model.unused_columns_), Y)
    np.testing.assert_array_equal(model.predict(X_new), fewer.predict(X_new))
    rmse = np.sqrt(np.mean((model.predict(X_new) - y_new) ** 2))
    assert rmse < 0.4 * np.std(y_new)  # the noise itself is 0.3 of 1.2


def test_they_need_not_be_there_later(tmp_path: Path) -> None:
    model = fitted(X, Y)
    used = X[:20].drop(columns=model.unused_columns_)
    np.testing.assert_array_equal(model.predict(used), model.predict(X[:20]))
    model.save(tmp_path / "model.safetensors")
    again = Regressor.load(tmp_path / "model.safetensors")
    assert again.unused_columns_ == model.unused_columns_
    np.testing.assert_array_equal(again.predict(X[:20]), model.predict(X[:20]))


def test_all_columns_stay_where_all_say_something(monkeypatch: Any) -> None:
    """And no bit of the result depends on the question."""
    rng = np.random.default_rng(0)
    table = rng.normal(size=(1200, 3))
    y = table @ [1.0, 2.0, 3.0]
    model = fitted(pd.DataFrame(table), y)
    assert model.unused_columns_ == []
    monkeypatch.setattr(screening, "LEAST_MEMBERS", 1000)
    np.testing.assert_array_equal(
        fitted(pd.DataFrame(table), y).predict(table), model.predict(table)
    )


@pytest.mark.parametrize(
    ("promising", "epochs"), [(screening.PROMISING, 4), (np.inf, 12)], ids=["given up", "no better"]
)
def test_a_trial_that_is_no_better_changes_nothing(
    promising: float, epochs: int, monkeypatch: Any
) -> None:
    """Without the column that matters most, up to the first or the second cycle's end."""
    trained: list[int] = []
    train = screening.Contender.train

    def note(self: Any, *arguments: Any) -> Any:
        states = train(self, *arguments)
        trained.append(states[0].epoch)
        return states

    monkeypatch.setattr(screening.Contender, "train", note)
    monkeypatch.setattr(screening.Screening, "_judge", lambda *_: ([2], []))
    monkeypatch.setattr(screening, "PROMISING", promising)
    table = np.random.default_rng(0).normal(size=(1200, 3))
    y = table @ [0.5, 1.0, 3.0]
    model = fitted(pd.DataFrame(table), y)
    assert trained == [epochs]
    assert model.unused_columns_ == []
    monkeypatch.setattr(screening, "LEAST_MEMBERS", 1000)
    other = fitted(pd.DataFrame(table), y)
    np.testing.assert_array_equal(model.predict(table), other.predict(table))


def test_classes_and_other_scores() -> None:
    labels = np.where(Y > 0, "up", "down")
    recipe = replace(Classifier._recipe, epochs=60)
    kind = type("Classifier", (Classifier,), {"_recipe": recipe})
    for scoring in ("log_loss", "auc"):
        model = kind(8, scoring=scoring, random_state=0).fit(X, labels)
        assert not {"a", "b"} & set(model.unused_columns_)
        assert model.predict_proba(X[:5]).shape == (5, 2)


def test_bits_do_not_depend_on_threads() -> None:
    one, two = (fitted(X, Y, n_threads=n) for n in (1, 2))
    assert one.unused_columns_ == two.unused_columns_ != []
    np.testing.assert_array_equal(one.predict(X), two.predict(X))


def test_an_interrupt_of_a_trial_leaves_a_model(monkeypatch: Any) -> None:
    def interrupt(*arguments: Any, **options: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(screening.Contender, "train", interrupt)
    with pytest.warns(UserWarning, match="interrupted by user"):
        model = fitted(X, Y)
    assert model.stopped_ == "interrupted"
    assert model.unused_columns_ == []
    assert np.isfinite(model.predict(X[:9])).all()


def test_without_a_member_that_was_lost_nothing_is_asked() -> None:
    """Reports are of the others only, whose held-out rows are not those of the first members."""
    asked = screening.Screening(None, 0, (1, 3), 10, [], [])  # type: ignore[arg-type]
    course: Any = SimpleNamespace(
        state=Epochs(60, 1, epoch=1), members=SimpleNamespace(parts=[None] * 4)
    )
    assert asked.contend(course, [SimpleNamespace(stopping="")] * 3) is None  # type: ignore[list-item]
    assert asked.scores == []


def test_the_progress_counts_what_is_trained_besides(monkeypatch: Any) -> None:
    reports: list[tuple[int, int]] = []

    class Bar(cp.ProgressBar):
        def __call__(self, report: Any) -> None:
            reports.append((report.epoch, report.n_epochs))

    monkeypatch.setattr("clearprop.tabular.fitting.ProgressBar", Bar)
    fitted(X, Y, verbose=True)
    epochs = [epoch for epoch, _ in reports]
    assert epochs == sorted(epochs)
    assert all(epoch <= n for epoch, n in reports)
    assert reports[-1][1] == 60 + 12  # the plan, and a fifth of it once more


def test_places_of_columns() -> None:
    table = pd.DataFrame(
        {
            "number": [1.0, 2, None, 4] * 20,
            "colour": ["red", "green", "blue", None] * 20,
            "many": [f"m {i % 40}" for i in range(80)],
            "open": [True, False] * 40,
        }
    )
    inputs = TableInputs.fit(source_of(table))
    places = inputs.places
    assert sorted(np.concatenate(places).tolist()) == list(range(sum(inputs.sizes)))
    assert inputs.n_vectors == [0, 0, 41, 0]
    matrix = inputs.transform(source_of(table))
    fewer = inputs.without([1])
    np.testing.assert_array_equal(
        fewer.transform(source_of(table)), np.delete(matrix, places[1], axis=1)
    )
    assert fewer.names == inputs.names
    assert [column.name for column in fewer.columns] == ["number", "many", "open"]


@pytest.mark.parametrize(
    ("differences", "expected"),
    [([1.0, 1.1, 0.9, 1.0], True), ([1.0, -1.0, 0.5, 0.2], False), ([-1.0, -1.1, -0.9], False)],
)
def test_beyond_chance(differences: list[float], expected: bool) -> None:
    assert is_positive(np.array(differences), 0.01) is expected


def test_chance_is_rarely_taken_for_more() -> None:
    """A share p of differences that are chance alone: 5,000 of 8, four standard errors."""
    rng = np.random.default_rng(0)
    taken = np.mean([is_positive(rng.normal(size=8), 0.01) for _ in range(5000)])
    assert abs(taken - 0.01) < 4 * np.sqrt(0.01 * 0.99 / 5000)
