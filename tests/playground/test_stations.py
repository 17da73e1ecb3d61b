"""What holds for each of the stations: programs, links, hostile settings, presets."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("starlette")
from playground_client import entries, number, run_python

from clearprop.playground import links, settings
from clearprop.playground.commands import perform
from clearprop.playground.messages import plain
from clearprop.playground.session import Session
from clearprop.playground.stations import STATIONS

KEYS = ["circuits", "stepper", "outputs"]
SHOWN = [(key, title) for key in KEYS for title in STATIONS[key].presets]
# settings that reach what the presets do not
MORE = {
    "circuits": [
        {"gate": "at_least", "arity": 5, "t": 3, "epsilon": 0.1},
        {"gate": "const0", "arity": 0},
        {"gate": "half_adder", "gain": 6.5},
        {"gate": "xnor", "arity": 5, "table": (1, 0, 0, 1, 0, 1, 1, 0), "w": (1.0, -0.5, 0.3)},
        {"table": (1, 1, 1, 1), "expression": "y = 1"},
        {"expression": "y = a[0] ^ \u03b1; z = ~y"},
    ],
    "stepper": [
        {"line": 7, "at": (0, 0), "differences": "on"},
        {"line": 14, "at": (2, 0), "example": 0, "activation": "relu", "differences": "on"},
        {"output": "poisson", "line": 10, "at": (0, 0), "edits": "W2.0.1:0.25;b2.0:-0.125"},
        {"output": "absolute_error", "line": 3, "at": (0, 0), "example": 2},
        {"hidden": (), "outputs": 2, "output": "softmax", "line": 8, "at": (0, 1, 0), "example": 0},
    ],
    "outputs": [
        {"unit": "huber", "z": -3.0},
        {"unit": "absolute_error", "z": 1.5, "t": 1.5},
        {"unit": "softmax", "logits": (40.0, -40.0), "klass": 1, "axis": 1},
        {"unit": "logistic", "label": 0.3, "z": 0.1, "rate": 10.0, "steps": 300},
    ],
}


@pytest.fixture
def page():
    """A tab's session, whose commands run in the test's own thread."""
    session = Session(lambda message: None)
    yield session
    session.close()
    session.thread.join(10)


def record_of(key, title):
    station = STATIONS[key]
    return station.settings(**station.presets[title])


def check_program(document):
    """The program prints every number of the document, and none else, in a new interpreter."""
    printed = run_python(document["python"])
    numbers = plain(document["numbers"])
    assert list(printed) == list(numbers)
    for name, value in entries(numbers).items():
        found = entries(printed)[name]
        # the same calls on the same bits; a sum may be grouped otherwise
        assert number(found) == pytest.approx(number(value), rel=1e-9, abs=1e-12, nan_ok=True), name


@pytest.mark.parametrize(("key", "title"), SHOWN)
def test_the_program_of_a_preset_prints_the_numbers_shown(key, title):
    check_program(STATIONS[key].view(record_of(key, title)))


@pytest.mark.parametrize(("key", "changes"), [(key, one) for key in KEYS for one in MORE[key]])
def test_so_does_that_of_other_settings(key, changes):
    station = STATIONS[key]
    check_program(station.view(station.settings(**changes)))


@pytest.mark.parametrize(
    ("key", "record"),
    [(key, record_of(key, title)) for key, title in SHOWN]
    + [(key, STATIONS[key].settings(**one)) for key in KEYS for one in MORE[key]],
)
def test_a_link_leads_back_to_the_same_record(key, record):
    assert links.decode(links.encode(STATIONS[key], record)) == (STATIONS[key], record)


@pytest.mark.parametrize(("key", "title"), SHOWN)
def test_a_view_is_one_message_that_a_page_can_read(key, title):
    text = json.dumps(plain(STATIONS[key].view(record_of(key, title))), allow_nan=False)
    assert len(text) < 100_000


HOSTILE = [
    ("circuits", {"gate": "rm -rf"}),
    ("circuits", {"gate": "mux", "arity": 2}),
    ("circuits", {"gate": "at_least", "t": 4, "arity": 3}),
    ("circuits", {"gain": 0}),
    ("circuits", {"gain": float("nan")}),
    ("circuits", {"gain": "10"}),
    ("circuits", {"x": [0, 2]}),
    ("circuits", {"x": [0.5]}),
    ("circuits", {"table": [0, 1, 1, 0, 1]}),
    ("circuits", {"table": [0, 1, 1, 0, 1, 0, 0, 1]}),
    ("circuits", {"w": [1.0]}),
    ("circuits", {"expression": "y = "}),
    ("circuits", {"expression": "y = a\nz = b"}),
    ("circuits", {"expression": "y = a; y = b"}),
    ("circuits", {"expression": "a = b; b = a"}),
    ("circuits", {"expression": "y = " + " & ".join(f"x{i}" for i in range(11))}),
    ("circuits", {"expression": "x" * 501}),
    ("circuits", {"expression": "y = " + "~" * 490 + "a"}),
    ("circuits", {"expression": "y = {400{a}}"}),
    ("stepper", {"inputs": 3}),
    ("stepper", {"inputs": 0}),
    ("stepper", {"hidden": [3, 3, 3, 3]}),
    ("stepper", {"hidden": [10**9]}),
    ("stepper", {"outputs": 2}),
    ("stepper", {"output": "softmax"}),
    ("stepper", {"t": [2.0, 0.0, 1.0]}),
    ("stepper", {"t": [1.0]}),
    ("stepper", {"x": [1e400]}),
    ("stepper", {"example": 4}),
    ("stepper", {"seed": -1}),
    ("stepper", {"edits": "W1.0.0:nan"}),
    ("stepper", {"edits": "W1.9.0:1"}),
    ("stepper", {"edits": "W9.0.0:1"}),
    ("stepper", {"edits": "b1.0:1;b1.0:2"}),
    ("stepper", {"edits": "__import__('os')"}),
    ("stepper", {"at": [0, 0, 0, 0]}),
    ("stepper", {"line": 0}),
    ("stepper", {"activation": "step"}),
    ("outputs", {"unit": "quantile"}),
    ("outputs", {"z": 41}),
    ("outputs", {"logits": [1.0]}),
    ("outputs", {"klass": 3}),
    ("outputs", {"axis": 5}),
    ("outputs", {"label": 1.01}),
    ("outputs", {"count": -1}),
    ("outputs", {"rate": 0}),
    ("outputs", {"steps": 10**6}),
    ("outputs", {"nothing": 1}),
]


@pytest.mark.parametrize(("key", "changes"), HOSTILE)
def test_hostile_settings_are_refused_in_one_line(key, changes):
    with pytest.raises(ValueError) as error:  # noqa: PT011  # each has its own words
        settings.change(STATIONS[key].settings(), changes)
    message = str(error.value)
    assert message
    assert "\n" not in message
    assert len(message) < 300


@pytest.mark.parametrize(
    ("key", "action", "arguments"),
    [
        ("circuits", "choose", {"gate": 3}),
        ("circuits", "choose", {"gate": "nonsense"}),
        ("circuits", "choose", {}),
        ("circuits", "count", {"t": 9}),
        ("circuits", "toggle", {"which": "gain", "index": 0}),
        ("circuits", "toggle", {"which": "x", "index": 2}),
        ("circuits", "toggle", {"which": "bits", "index": -1}),
        ("circuits", "toggle", {"which": "table", "index": "0"}),
        ("circuits", "resize", {"n": 5}),
        ("stepper", "edit", {"name": "W1.0.0", "value": "much"}),
        ("stepper", "edit", {"name": "W1.5.0", "value": 1}),
        ("stepper", "edit", {"name": "x.9.0", "value": 1}),
        ("stepper", "edit", {"name": "x.0", "value": 1}),
        ("stepper", "edit", {"name": "t.0.0", "value": 7}),
        ("stepper", "edit", {"name": None, "value": 1}),
        ("stepper", "shape", {"inputs": 6}),
        ("stepper", "shape", {"rows": 0}),
        ("stepper", "shape", {"hidden": "3"}),
        ("stepper", "shape", {"seed": 3}),
        ("outputs", "resize", {"n": 1}),
        ("outputs", "resize", {"n": True}),
    ],
)
def test_hostile_actions_are_refused_and_change_nothing(page, key, action, arguments):
    before = perform(page, {"do": "visit", "station": key})["settings"]
    with pytest.raises((ValueError, TypeError)) as error:  # what the page is told, in one line
        perform(page, {"do": "act", "name": action, "arguments": arguments})
    assert "\n" not in str(error.value)
    assert perform(page, {"do": "state"})["settings"] == before


@pytest.mark.parametrize("key", KEYS)
def test_a_tab_is_sent_what_view_returns(page, key):
    station = STATIONS[key]
    perform(page, {"do": "visit", "station": key})
    for title in station.presets:
        reply = perform(page, {"do": "preset", "title": title})
        assert plain(reply["view"]) == plain(station.view(record_of(key, title)))
        assert links.decode(reply["link"]) == (station, record_of(key, title))


def test_numbers_of_one_name_are_numbers():
    for key, title in SHOWN:
        for name, value in STATIONS[key].view(record_of(key, title))["numbers"].items():
            assert name.isidentifier()
            assert np.asarray(value).dtype.kind in "biuf", name
