"""Parameters and options far beyond their bounds: one short error that names them, at once."""

from __future__ import annotations

import argparse
import inspect
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.checks import check_number
from clearprop.cli import main
from clearprop.cli.parser import build_parser
from clearprop.limits import MAX_MEMBERS

X = np.random.default_rng(0).random((20, 3))
ESTIMATORS = {
    cp.TabularClassifier: (X[:, 0] > 0.5).astype(int),
    cp.TabularRegressor: X[:, 0],
    cp.MLPClassifier: (X[:, 0] > 0.5).astype(int),
    cp.MLPRegressor: X[:, 0],
}
WILD = {
    "400 digits": 10**400,
    "minus 400 digits": -(10**400),
    "5000 digits": 10**5000,
    "long text": "x" * 100_000,
    "control characters": "\x1b[31m\n" * 3,
    "NaN": float("nan"),
}
# what any value may be, or what is not looked at
FREE = ("self", "callbacks", "verbose", "checkpoint", "scoring")


def parameters(estimator: type) -> list[str]:
    return [name for name in inspect.signature(estimator).parameters if name not in FREE]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("what", WILD)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_wild_values_of_every_parameter_are_refused(estimator: Any, what: str) -> None:
    for name in parameters(estimator):
        model = estimator(**{name: WILD[what]})
        with pytest.raises((ValueError, TypeError), match=name.rstrip("s")) as caught:
            model.fit(X, ESTIMATORS[estimator])
        assert len(str(caught.value)) < 800, name
        assert "\x1b" not in str(caught.value)


def test_the_number_of_members_has_a_limit() -> None:
    with pytest.raises(ValueError, match=f"n_members must be ≥ 1 and ≤ {MAX_MEMBERS}, got 100000"):
        cp.TabularClassifier(100_000).fit(X, X[:, 0] > 0.5)


@pytest.mark.filterwarnings("ignore::clearprop.TableWarning")
def test_more_members_than_there_is_time_for() -> None:
    """Members whose weights cannot even be drawn in a tenth of the time are left out."""
    wide = np.random.default_rng(0).random((40, 300))
    model = cp.TabularClassifier(MAX_MEMBERS, time_limit=0.2, random_state=0)
    model.fit(wide, wide[:, 0] > 0.5)
    assert 1 <= len(model.bag_.thetas) <= MAX_MEMBERS / 2
    assert model.linear_ or len(model.bag_.thetas) % 4 == 0


def test_too_wide_layers_are_refused_before_they_are_made() -> None:
    with pytest.raises(ValueError, match="the units of a layer must be at most 16,777,216"):
        cp.Network([2, 10**12, 1])
    with pytest.raises(ValueError, match="the number of weights must be at most 4,294,967,296"):
        cp.Network([2**20, 2**20, 1])


def test_numbers_that_no_float_holds() -> None:
    for value in (10**400, -(10**5000), float("inf"), float("nan")):
        with pytest.raises(ValueError, match=r"^rate must be"):
            check_number("rate", value, above=0)


NUMBERS = ("9" * 5000, "-" + "9" * 400, "nan", "1e999", "-1", "x" * 5000, "0x10", "")


def numeric_options(command: str) -> list[str]:
    """The options of a command that refuse the text "x"."""
    kind = argparse._SubParsersAction
    subparsers = next(a for a in build_parser()._actions if isinstance(a, kind))
    options = []
    for action in subparsers.choices[command]._actions:
        if action.option_strings and callable(action.type):
            try:
                action.type("x")
            except Exception:
                options.append(action.option_strings[-1])
    return options


@pytest.mark.parametrize("command", ["fit", "predict", "evaluate", "check-gradients", "play"])
def test_wild_numbers_of_every_option(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    for option in numeric_options(command):
        for text in NUMBERS:
            if option in ("--hidden-sizes", "--layers") and not text:
                continue  # no hidden layer
            assert main([command, f"{option}={text}"]) == 2, (option, text[:20])
            line = capsys.readouterr().err.splitlines()[-1]
            assert option in line, line[:300]
            assert len(line) < 400, option
