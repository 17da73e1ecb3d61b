"""The search for a configuration: what is drawn, how it is halved, what is taken."""

from __future__ import annotations

import signal
import threading
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tabular_cases import classifier, columns, regressor, target, with_epochs

from clearprop.tabular.bag import search as search_module
from clearprop.tabular.bag.recipe import REGRESSION
from clearprop.tabular.bag.search import Trial, _lengths, _n_kept, best_of, draw_recipes

TABLE = columns(200)
X, Y = pd.DataFrame(TABLE), target(TABLE)


def test_recipes_are_different_and_the_first_is_the_base() -> None:
    recipes = draw_recipes(REGRESSION, 40, np.random.default_rng(0))
    assert recipes[0] == REGRESSION
    assert all(a != b for i, a in enumerate(recipes) for b in recipes[:i])
    assert {r.learning_rate / REGRESSION.learning_rate for r in recipes} <= {0.25, 0.5, 1.0, 2.0}
    assert recipes == draw_recipes(REGRESSION, 40, np.random.default_rng(0))
    monotone = replace(REGRESSION, activations=("relu",))
    kept = draw_recipes(monotone, 40, np.random.default_rng(0))
    assert {recipe.activations for recipe in kept} == {("relu",)}


def test_rounds_cost_alike_and_no_more_than_there_is() -> None:
    assert [_n_kept(27, i) for i in range(3)] == [27, 9, 3]
    assert [_n_kept(3, i) for i in range(3)] == [3, 2, 2]
    assert _lengths(27, 9.0) == pytest.approx([1 / 9, 1 / 3, 1])
    for n, affordable in ((3, 0.5), (9, 3.0), (81, 2.0)):
        lengths = _lengths(n, affordable)
        cost = sum(length * _n_kept(n, i) for i, length in enumerate(lengths))
        assert cost <= affordable * (1 + 1e-9)
        assert lengths == sorted(lengths)


def test_the_best_of_the_longest_trainings_is_taken() -> None:
    other = replace(REGRESSION, dropout=0.3)
    trials = [Trial(other, 3, 0.1), Trial(REGRESSION, 9, 0.3), Trial(other, 9, 0.2)]
    assert best_of(trials, REGRESSION) == other
    assert best_of(trials[:2], REGRESSION) == REGRESSION
    assert best_of([], REGRESSION) == REGRESSION


def test_a_search_finds_the_configuration_that_can_learn(monkeypatch: Any) -> None:
    """All but one learn next to nothing: a learning rate of almost 0."""
    monkeypatch.setattr(search_module, "MOST", 4)
    monkeypatch.setattr(
        search_module, "CHOICES", search_module.CHOICES | {"hidden_sizes": ((24,),)}
    )
    kind = type(regressor())
    slow = replace(kind._recipe, learning_rate=1e-6)

    def draw(base: Any, n: int, rng: Any) -> list[Any]:
        return [base, replace(base, dropout=0.2), replace(base, learning_rate=0.15)][:n]

    monkeypatch.setattr(search_module, "draw_recipes", draw)
    model = type("Regressor", (kind,), {"_recipe": slow})(4, tune=2.0, random_state=0)
    model.fit(X, Y)
    assert model.score(X, Y) > 0.5
    best = min(model.tune_results_, key=lambda trial: (-trial["epochs"], trial["score"]))
    assert best["learning_rate"] == 0.15
    assert len({trial["epochs"] for trial in model.tune_results_}) == 3


@pytest.mark.filterwarnings("ignore:column 'x0' alone predicts")
def test_seconds_are_kept_and_results_told(monkeypatch: Any) -> None:
    monkeypatch.setattr(
        search_module, "CHOICES", search_module.CHOICES | {"hidden_sizes": ((16, 16),)}
    )
    many = np.random.default_rng(0).normal(size=(4000, 4))
    y = many[:, 0] > 0
    begun = time.monotonic()
    model = with_epochs(classifier(tune=1.0), 100).fit(many, y)
    alone = with_epochs(classifier(), 100)
    tuned = time.monotonic() - begun
    begun = time.monotonic()
    alone.fit(many, y)
    # loose, for machines that do other work at the same time
    assert tuned - (time.monotonic() - begun) < 5
    assert len(model.tune_results_) >= 2
    assert alone.tune_results_ == []
    assert all(np.isfinite(trial["score"]) for trial in model.tune_results_)


@pytest.mark.filterwarnings("ignore:column 'x0' alone predicts")
def test_an_interrupt_ends_the_search() -> None:
    """And the training begins, with what was found so far."""
    many = np.random.default_rng(0).normal(size=(4000, 4))
    timer = threading.Timer(0.8, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.warns(UserWarning, match="Search interrupted by user"):
        model = regressor(tune=60.0).fit(many, many[:, 0])
    timer.join()
    assert model.score(many, many[:, 0]) > 0.9


def test_too_few_seconds_are_told_of() -> None:
    with pytest.warns(UserWarning, match=r"tune=0\.001 is not enough for a search"):
        model = regressor(tune=0.001).fit(X, Y)
    np.testing.assert_array_equal(model.predict(X), regressor().fit(X, Y).predict(X))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"tune": 0}, "tune must be None or a number of seconds > 0"),
        ({"tune": 5.0, "time_limit": 5.0}, "less than time_limit if there is one"),
        ({"tune": "5"}, "tune must be"),
    ],
)
def test_wrong_parameters(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        regressor(**parameters).fit(X, Y)
