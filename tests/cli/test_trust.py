"""`fit` says when a model is not better than a constant, or linear for lack of time."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from clearprop.cli.command_time import CommandTime

NOT_BETTER = "held-out rows are not predicted better than by a constant"


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: Any) -> Path:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(400, 4)), columns=list("abcd"))
    frame["noise"] = rng.normal(size=400)
    frame["word"] = np.where(frame["a"] + frame["b"] > 0, "yes", "no")
    frame.to_csv(tmp_path / "t.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("options", [("--members", "4"), ("--network", "--epochs", "60")])
def test_a_target_of_noise(tables: Path, run: Any, options: Any) -> None:
    fit = ("fit", "t.csv", "-t", "noise", "--ignore", "word", "--force", *options)
    result = run(*fit, "--json")
    assert result.code == 0
    assert NOT_BETTER in result.err
    gain = json.loads(result.out)["gain"]
    assert gain["better_than_constant"] is False
    assert gain["reason"]
    assert gain["lower_by"] < 1.645 * gain["standard_error"]
    assert NOT_BETTER not in run(*fit, "-q").err


def test_a_target_that_can_be_learnt(tables: Path, run: Any) -> None:
    for options in (("--members", "4"), ("--network", "--epochs", "60")):
        result = run("fit", "t.csv", "-t", "word", "--force", "--json", *options)
        assert NOT_BETTER not in result.err
        document = json.loads(result.out)
        assert document["gain"]["better_than_constant"] is True
        assert document["gain"]["reason"] is None
        assert document.get("bag", {"linear": False})["linear"] is False


def test_a_short_time_limit(tables: Path, run: Any) -> None:
    fit = ("fit", "t.csv", "-t", "word", "--force", "--time-limit", "0.02")
    result = run(*fit, "--json")
    assert "too short for more than linear members" in result.err
    document = json.loads(result.out)
    assert document["bag"]["linear"] is True
    assert document["training"]["stopped"] == "time_limit"
    assert document["scores"]["bag"]["accuracy"] > 0.85
    assert "logistic regression" in document["scores"]
    assert "linear networks" in run(*fit).out
    path = next(tables.glob("*.safetensors"))
    for command in (
        ("predict", path, "t.csv"),
        ("evaluate", path, "t.csv"),
        ("trace", path, "t.csv", "--rows", "0"),
        ("diagnose", path, "t.csv"),
    ):
        assert run(*command).code == 0, command


def test_the_clock_leaves_time_to_compare() -> None:
    deadline = CommandTime(time.monotonic() - 1, 10.0)
    left, training = deadline.left(), deadline.for_training()
    assert left is not None
    assert training is not None
    assert 8.9 < left < 9
    assert 7.9 < training < 8
    assert CommandTime(time.monotonic() - 99, 10.0).for_training() == 1
    assert CommandTime.start(None).left() is None
