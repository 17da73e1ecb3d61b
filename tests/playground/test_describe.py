"""The texts and tables that the page takes from the library."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from clearprop.activations import ACTIVATIONS
from clearprop.initializers import INITIALIZERS
from clearprop.playground import describe
from clearprop.playground.descriptions import ABOUT_ACTIVATIONS, ABOUT_INITIALIZERS

DATA = Path(__file__).parents[2] / "web/src/data"


@pytest.mark.skipif(not DATA.is_dir(), reason="the page's sources are not here")
def test_the_files_in_the_repository_are_what_the_library_says(capsys):
    assert describe.main(["--check", str(DATA)]) == 0
    assert capsys.readouterr().out == ""


def test_a_file_that_differs_is_named(tmp_path, capsys):
    assert describe.main([str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == set(describe.TABLES)
    (tmp_path / "activations.json").write_text("[]")
    (tmp_path / "penalties.json").unlink()
    assert describe.main(["--check", str(tmp_path)]) == 1
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()] == [
        "activations.json",
        "penalties.json",
    ]


def test_the_files_are_json_without_nan(tmp_path):
    describe.main([str(tmp_path)])
    for path in tmp_path.iterdir():
        json.loads(path.read_text(encoding="utf-8"), parse_constant=pytest.fail)


def test_every_part_of_the_library_has_a_text():
    assert list(ABOUT_ACTIVATIONS) == list(ACTIVATIONS)
    assert list(ABOUT_INITIALIZERS) == ["auto", *INITIALIZERS]
    assert all(entry["slope"] and entry["slope_latex"] for entry in describe.activations())


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_the_range_of_an_activation_is_that_of_its_values(name):
    h = ACTIVATIONS[name].phi(np.linspace(-30, 30, 60_001))
    low, high = (
        float(end.replace("−", "-").replace("∞", "inf"))
        for end in ABOUT_ACTIVATIONS[name].range[1:-1].split(", ")
    )
    assert h.max() == pytest.approx(high, abs=0.04) if np.isfinite(high) else h.max() > 29
    reached = h.min()
    if np.isfinite(low):
        assert reached == pytest.approx(low, abs=0.04 if name == "softsign" else 0.005)
    else:
        assert reached <= -0.3
