"""The circuits bench, the stepper and the output units in a browser: numbers and controls."""

from __future__ import annotations

import dataclasses

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("playwright")
from playground_browser import Shown
from playground_client import entries, number, run_python

from clearprop.playground.messages import plain
from clearprop.playground.settings import change
from clearprop.playground.stations import STATIONS
from clearprop.playground.stations.stepper import edit, shape

KEYS = ["circuits", "stepper", "outputs"]
PRESETS = [(key, title) for key in KEYS for title in STATIONS[key].presets]


@pytest.fixture
def shown(browser, address):
    tab = Shown(browser, address)
    yield tab
    said = tab.said
    tab.close()
    assert said == []


def names(numbers):
    return {name.split(".")[0] for name in numbers}


@pytest.mark.parametrize(("key", "title"), PRESETS)
def test_every_number_of_a_preset_is_the_librarys(shown, key, title):
    shown.open(key)
    shown.page.click(f".presets button:text-is({title!r})")
    station = STATIONS[key]
    record = station.settings(**station.presets[title])
    on_page = names(shown.expect(key, record))
    if key == "circuits":
        missing = {"truth_error"} if len(record.the_gate().outputs) > 1 else set()
        missing |= {"one_possible"}
        assert on_page == set(station.view(record)["numbers"]) - missing
    if key == "outputs":
        left = {} if record.unit == "softmax" else {"chain_terms"}
        assert on_page == set(station.view(record)["numbers"]) - set(left)


@pytest.mark.parametrize(
    ("key", "changes"),
    [
        ("circuits", {}),
        ("circuits", {"table": (0, 0, 0, 1), "gate": "full_adder", "arity": 3}),
        ("stepper", {"line": 14, "at": (0, 1), "example": 0, "differences": "on"}),
        ("stepper", {"line": 6, "output": "softmax", "outputs": 2, "at": (0, 1)}),
        ("outputs", {}),
        ("outputs", {"unit": "softmax"}),
    ],
)
def test_the_program_of_each_panel_prints_the_numbers_that_it_shows(shown, key, changes):
    shown.open(key, **changes)
    programs = shown.programs()
    assert len(programs) >= 5
    for title, (program, numbers) in programs.items():
        printed = entries(run_python(program))
        for name, value in numbers.items():
            assert name in printed, (title, name)
            assert value == pytest.approx(number(printed[name]), rel=1e-9, abs=1e-12, nan_ok=True)
        assert names(numbers) <= names(printed)


# ---- the circuits bench --------------------------------------------------------------------------


def test_the_bench_by_keyboard_alone(shown):
    station, page = STATIONS["circuits"], shown.page
    shown.open("circuits")
    record = station.settings()
    page.focus(".gate .input >> nth=0")
    page.keyboard.press("Enter")
    record = station.actions["toggle"](record, "x", 0)
    shown.expect("circuits", record)
    page.keyboard.press(" ")
    record = station.actions["toggle"](record, "x", 0)
    shown.expect("circuits", record)
    page.get_by_label("Gain g, slider").press("ArrowRight")
    record = change(record, {"gain": record.gain + 0.5})
    shown.expect("circuits", record)
    page.get_by_label("Gate", exact=True).select_option("majority")
    record = station.actions["choose"](record, "majority")
    shown.expect("circuits", record)
    page.get_by_role("button", name="Set the inputs to 1 1 1").first.focus()
    page.keyboard.press("Enter")
    record = change(record, {"x": (1,) * record.arity})
    shown.expect("circuits", record)


def test_a_table_is_clicked_until_one_neuron_does_it(shown):
    station, page = STATIONS["circuits"], shown.page
    shown.open("circuits")
    assert page.is_visible("text=The answer: no")
    page.get_by_role("button", name="Wanted for 1 1").click()
    record = station.actions["toggle"](station.settings(), "table", 3)
    shown.expect("circuits", record)
    assert page.is_visible("text=The answer: yes")
    page.get_by_label("b, the bias", exact=True).fill("-1.5")
    page.keyboard.press("Enter")
    record = change(record, {"b": -1.5})
    numbers = shown.expect("circuits", record)
    assert numbers["try_wrong"] == 2
    page.click("text=Take these weights")
    record = change(record, {"w": (1.0, 1.0), "b": -0.5})
    numbers = shown.expect("circuits", record)
    assert numbers["try_wrong"] == 0


def test_an_expression_is_typed_and_its_inputs_clicked_in_the_diagram(shown):
    station, page = STATIONS["circuits"], shown.page
    shown.open("circuits")
    box = page.get_by_label("Expressions", exact=True)
    box.fill("y = a & ~b | c")
    box.press("Enter")
    record = change(station.settings(), {"expression": "y = a & ~b | c"})
    shown.expect("circuits", record)
    page.click(".diagram text.port.press >> nth=1")
    record = station.actions["toggle"](record, "bits", 1)
    shown.expect("circuits", record)
    page.get_by_role("button", name="c = 0").press("Enter")
    record = station.actions["toggle"](record, "bits", 2)
    numbers = shown.expect("circuits", record)
    wires = entries(plain({"circuit_wires": station.view(record)["numbers"]["circuit_wires"]}))
    assert set(wires) <= set(numbers)  # every wire's value stands in the diagram

    box.fill("y = a &")
    box.press("Enter")
    page.wait_for_selector(".notice.error")
    shown.expect("circuits", record)
    assert box.input_value() == "y = a & ~b | c"
    assert "expressions:1" in page.inner_text(".notice.error span")  # it stays to be read


# ---- the stepper ---------------------------------------------------------------------------------


def test_all_lines_are_walked_with_a_presenters_keys(shown):
    station, page = STATIONS["stepper"], shown.page
    shown.open("stepper", hidden=(3, 2), example=0)
    record = station.settings(hidden=(3, 2), example=0)
    lines = station.view(record)["lines"]
    seen, wanted = set(), set()
    for n, line in enumerate(lines, 1):
        record = change(record, {"line": n, "at": ()})
        seen |= names(shown.expect("stepper", record))
        wanted |= set(station.view(record)["numbers"])
        current = page.inner_text(".lines [aria-current=step] .order")
        assert current == str(n)
        assert line["of"] in names(shown.numbers(".layout"))
        page.keyboard.press("PageDown" if n % 2 else "ArrowRight")
    assert seen == wanted
    page.keyboard.press("PageUp")
    shown.expect("stepper", change(record, {"line": len(lines) - 1}))
    page.get_by_role("button", name="First line").click()
    shown.expect("stepper", change(record, {"line": 1}))


def test_an_entry_is_chosen_by_keyboard_and_its_terms_light_up(shown):
    station, page = STATIONS["stepper"], shown.page
    base = {"line": 14, "example": 0}
    shown.open("stepper", **base)
    (line,) = [
        one for one in station.view(station.settings(**base))["lines"] if one["number"] == 14
    ]
    assert line["of"] == "dL_dh1"
    page.focus("[role=grid] [role=gridcell][tabindex='0']")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    record = station.settings(**base, at=(1, 1))  # down is the next unit, right the next sample
    numbers = shown.expect("stepper", record)
    assert {"cell_value", "cell_expected", "cell_error"} <= set(numbers)
    assert page.get_attribute("[role=gridcell][aria-selected=true]", "aria-label").startswith(
        "∂ℒ/∂h⁽¹⁾[2, 2] ="
    )
    lit = page.eval_on_selector_all(
        ".layout td.lit [data-name], .layout td.lit-2 [data-name]",
        "all => all.map(e => e.dataset.name)",
    )
    factors = [
        ".".join([factor["of"], *map(str, factor["index"])])
        for term in station.view(record)["cell"]["terms"]
        for factor in term["factors"]
    ]
    assert sorted(lit) == sorted(set(factors))
    assert "agrees" in page.inner_text(".check")
    page.keyboard.press("Enter")
    shown.expect("stepper", station.settings(**base))


def test_finite_differences_stand_beside_every_entry(shown):
    shown.open("stepper", line=16, example=0)
    shown.page.get_by_label("Finite differences").select_option("on")
    record = STATIONS["stepper"].settings(line=16, example=0, differences="on")
    numbers = shown.expect("stepper", record)
    pairs = [name for name in numbers if name.startswith("differences.")]
    assert len(pairs) == 9
    for name in pairs:
        entry = name.replace("differences", "dL_dz1")
        assert numbers[name] == pytest.approx(numbers[entry], rel=1e-6, abs=1e-9)


def test_weights_inputs_targets_and_the_shape_are_edited(shown):
    page = shown.page
    shown.open("stepper")
    record = STATIONS["stepper"].settings()
    for label, name, value in (
        ("W1, unit 3, input 1", "W1.2.0", 0.75),
        ("b2, unit 1", "b2.0", -0.5),
        ("x of example 1, input 2", "x.0.1", 2.5),
        ("t of example 1", "t.0.0", 0.25),
    ):
        box = page.get_by_label(label, exact=True)
        box.fill(str(value))
        box.press("Enter")
        record = edit(record, name, value)
        shown.expect("stepper", record)
    page.get_by_role("button", name="Hidden layers: one more").press("Enter")
    record = shape(record, hidden=[3, 2])
    shown.expect("stepper", record)
    page.get_by_label("Output unit", exact=True).select_option("softmax")
    record = shape(record, output="softmax")
    shown.expect("stepper", record)
    page.get_by_role("button", name="The batch").click()
    record = dataclasses.replace(record, example=0)
    shown.expect("stepper", record)
    page.get_by_label("Seed of the weights", exact=True).fill("7")
    page.keyboard.press("Enter")
    shown.expect("stepper", dataclasses.replace(record, seed=7, edits=""))


# ---- output units --------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", ["linear", "softmax", "absolute_error", "huber", "poisson"])
def test_every_unit(shown, unit):
    shown.open("outputs")
    shown.page.get_by_label("Output unit and loss", exact=True).select_option(unit)
    numbers = shown.expect("outputs", STATIONS["outputs"].settings(unit=unit))
    assert {"dL_dy_hat", "dy_dz", "chain", "y_hat_minus_t"} <= names(numbers)


def test_the_output_units_controls_by_keyboard(shown):
    page = shown.page
    shown.open("outputs")
    page.locator("input[type=range]").first.press("ArrowLeft")
    record = STATIONS["outputs"].settings(z=-2.1)
    shown.expect("outputs", record)
    page.get_by_label("Steps", exact=True).fill("120")
    page.keyboard.press("Enter")
    record = change(record, {"steps": 120})
    numbers = shown.expect("outputs", record)
    assert {"race_own.120", "race_squared.120"} <= set(numbers)


def test_a_number_that_is_none_is_shown_as_such(shown):
    shown.open("outputs", z=40.0, label=0.0)
    page = shown.page
    assert page.inner_text("[data-name='plain.0']") == "NaN"
    assert page.inner_text("[data-name='plain_dL_dy_hat.0']") == "∞"
    assert page.inner_text("[data-name='dL_dz.0']") == "1"


# ---- for everyone --------------------------------------------------------------------------------

STATES = [
    ("circuits", {}),
    ("circuits", {"table": (0, 0, 0, 1), "gate": "xor", "arity": 4}),
    ("stepper", {"line": 14, "at": (0, 1), "example": 0}),
    ("outputs", {}),
    ("outputs", {"unit": "softmax"}),
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("key", "changes"), STATES)
def test_no_serious_findings_of_accessibility(browser, address, key, changes, scheme):
    tab = Shown(browser, address, color_scheme=scheme)
    tab.open(key, **changes)
    assert tab.serious() == []
    tab.close()


@pytest.mark.parametrize(("key", "changes"), STATES)
def test_the_page_fits_its_window(shown, key, changes):
    shown.open(key, **changes)
    for width, height in ((1280, 800), (1024, 768), (768, 1024)):
        shown.page.set_viewport_size({"width": width, "height": height})
        assert shown.overflow() <= 0, width


@pytest.mark.parametrize("key", KEYS)
def test_panels_fold_and_a_folded_panel_shows_nothing(shown, key):
    shown.open(key)
    page = shown.page
    titles = page.eval_on_selector_all(
        "section.panel", "all => all.map(e => e.getAttribute('aria-label'))"
    )
    for title in titles:
        page.get_by_role("button", name=title, exact=True).press("Enter")
    page.wait_for_function("!document.querySelector('section.panel:not(.folded)')")
    assert shown.numbers("section.panel") == {}
    page.get_by_role("button", name=titles[0], exact=True).press("Enter")
    page.wait_for_selector("section.panel:not(.folded)")
