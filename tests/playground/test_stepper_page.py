"""The stepper in the page: every line against explain.steps, every number against its program."""

from __future__ import annotations

import re

import numpy as np
import pytest

pytest.importorskip("playwright")

from page import differences, entries, open_page, run

import clearprop as cp
from clearprop import explain
from clearprop.activations import ACTIVATIONS
from clearprop.notation import place
from clearprop.playground.descriptions import ABOUT_OUTPUTS

# A finite difference is only as good as the round-off of ℒ allows; its check resolves 10⁻⁷.
ROUGH = {"cell_expected": 1e-8, "differences": 1e-8, "cell_error": 1e-7}


def drawn(rng, output, activation):
    """Settings of a network at random, with its examples and some weights set by hand."""
    hidden = [int(n) for n in rng.integers(1, 6, size=rng.integers(0, 4))]
    inputs, outputs, rows = (int(n) for n in (*rng.integers(2, 6, size=2), rng.integers(1, 7)))
    shape = (rows,) if output == "softmax" else (rows, outputs)
    t = {
        "softmax": lambda: rng.integers(outputs, size=shape),
        "logistic": lambda: rng.random(shape),
        "logistic_squared_error": lambda: rng.random(shape),
        "poisson": lambda: rng.poisson(2.0, size=shape),
    }.get(output, lambda: rng.normal(size=shape))()
    return {
        "inputs": inputs,
        "hidden": hidden,
        "outputs": outputs,
        "activation": activation,
        "output": output,
        "seed": int(rng.integers(2**32)),
        "edits": f"W1.0.1:{rng.normal()};b1.0:{rng.normal()}",
        "x": rng.normal(size=rows * inputs).tolist(),
        "t": t.astype(float).ravel().tolist(),
        "example": int(rng.integers(0, rows + 1)),
    }


def library(settings):
    """The library's steps for the settings."""
    sizes = [settings["inputs"], *settings["hidden"], settings["outputs"]]
    net = cp.Network(
        sizes, hidden=settings["activation"], output=settings["output"], seed=settings["seed"]
    )
    net.theta[:] = net.theta.round(2)
    for edit in settings["edits"].split(";"):
        name, value = edit.split(":")
        layer, *index = map(int, name[1:].split("."))
        (net.W if name[0] == "W" else net.b)[layer - 1][tuple(index)] = float(value)
    X = np.array(settings["x"]).reshape(-1, settings["inputs"])
    t = np.array(settings["t"])
    if settings["output"] != "softmax":
        t = t.reshape(len(X), -1)
    if settings["example"]:
        n = settings["example"]
        X, t = X[n - 1 : n], t[n - 1 : n]
    with np.errstate(all="ignore"):
        return explain.steps(net, X, t)


def text_of(term):
    """A term of the page as the library writes it."""
    texts = []
    for factor in term["factors"]:
        text = factor["text"] + place(tuple(factor["index"] or ()))
        if factor["index"] is None:  # its text counts from 1
            text = re.sub(r"\d+(?=[,\]])", lambda found: str(int(found[0]) - 1), text)
        texts.append(text)
    if term["form"]:
        return re.sub(r"{(\d)}", lambda found: texts[int(found[1])], term["form"])
    return ("−" if term["sign"] < 0 else "") + " · ".join(texts)


ENTRIES = """all => all.map(s => {
    const {cell, numbers} = clearprop.view("stepper", s);
    const own = Object.entries(numbers).filter(([name]) => name.startsWith("cell_"));
    return {cell, ...Object.fromEntries(own)};
})"""


@pytest.mark.parametrize("output", ABOUT_OUTPUTS)
def test_the_lines_are_the_library_s_steps(page, output):
    rng = np.random.default_rng(list(ABOUT_OUTPUTS).index(output))
    for activation in rng.permutation(list(ACTIVATIONS))[:2].tolist():
        settings = drawn(rng, output, activation)
        steps = library(settings)
        places = [tuple(int(rng.integers(n)) for n in step.shape) for step in steps]
        asked = [{**settings, "line": n, "at": at} for n, at in enumerate(places, 1)]
        view, cells = page.view("stepper", settings), page.evaluate(ENTRIES, asked)
        for cell, line, step, at in zip(cells, view["lines"], steps, places, strict=True):
            assert (line["of"], line["name"]) == (step.symbol.code, step.name)
            assert (line["equation"], line["entry"]) == (step.equation, step.entry)
            assert (line["code"], line["note"]) == (step.code, step.note)
            assert view["quantities"][line["of"]]["shape"] == list(step.shape)
            close(view["numbers"][line["of"]], step.result)
            terms, check = step.terms(at), step.check(at)
            texts = [text_of(term) for term in cell["cell"]["terms"] if term["factors"]]
            assert texts == [term.text for term in terms if term.factors]
            close(cell["cell_terms"], [term.value for term in terms])
            close(cell["cell_factors"], [f.value for term in terms for f in term.factors])
            assert cell["cell"]["ok"] == check.ok
            close(cell["cell_expected"], check.expected, ROUGH["cell_expected"])


def close(found, wanted, within=1e-12):
    found = np.array(found, dtype=float)
    np.testing.assert_allclose(found, wanted, rtol=within, atol=within, equal_nan=True)


def test_presets_show_what_their_programs_print(page):
    for title in page.presets("stepper"):
        page.preset("stepper", title)
        shown = page.check_shown(least=10)
        assert differences(shown, run(page.state()["view"]["python"]), rough=ROUGH) == []
    page.check_programs(least=2, rough=ROUGH)


def test_settings_show_what_their_programs_print(page):
    rng = np.random.default_rng(0)
    for output in ABOUT_OUTPUTS:
        settings = drawn(rng, output, "gelu")
        steps = library(settings)
        for line in rng.integers(1, len(steps) + 1, size=2).tolist():
            at = [int(rng.integers(n)) for n in steps[line - 1].shape]
            own = {**settings, "line": line, "at": at, "differences": "on"}
            view = page.check_view("stepper", own, rough=ROUGH)
            assert "cell_value" in entries(view["numbers"])


# ---- by hand -------------------------------------------------------------------------------------


def test_every_line_is_reached_by_keyboard(page):
    page.open("stepper", example=0)
    lines = page.state()["view"]["lines"]
    keys = page.tab.keyboard
    for n, line in enumerate(lines, 1):
        current = page.tab.inner_text(".lines [aria-current=step] .order")
        assert current == str(n)
        assert any(name.split(".")[0] == line["of"] for name in page.numbers(".layout"))
        keys.press("PageDown" if n % 2 else "ArrowRight")
        page.rest()
    keys.press("PageUp")
    page.rest()
    assert page.state()["settings"]["line"] == len(lines) - 1


@pytest.mark.parametrize(
    ("line", "presses", "at", "label"),
    [
        (14, ["ArrowDown", "ArrowRight"], [1, 1], "∂ℒ/∂h⁽¹⁾[2, 2] ="),  # the next unit and sample
        (15, ["ArrowDown", "ArrowRight", "ArrowUp"], [0, 1], "φ′(z⁽¹⁾)[1, 2] ="),  # the diagonal
    ],
)
def test_an_entry_is_chosen_by_keyboard_and_its_terms_light_up(page, line, presses, at, label):
    page.open("stepper", line=line, example=0)
    page.tab.focus("[role=grid] [role=gridcell][tabindex='0']")
    for key in [*presses, "Enter"]:
        page.tab.keyboard.press(key)
    page.rest()
    assert page.state()["settings"]["at"] == at
    chosen = page.tab.get_attribute("[role=gridcell][aria-selected=true]", "aria-label")
    assert chosen.startswith(label)
    lit = page.tab.eval_on_selector_all(
        ".layout td.lit [data-name], .layout td.lit-2 [data-name]",
        "all => all.map(e => e.dataset.name)",
    )
    factors = {
        ".".join([factor["of"], *map(str, factor["index"])])
        for term in page.state()["view"]["cell"]["terms"]
        for factor in term["factors"]
    }
    assert sorted(lit) == sorted(factors)
    assert "agrees" in page.tab.inner_text(".check")
    page.tab.keyboard.press("Enter")
    page.rest()
    assert page.state()["settings"]["at"] == []


def test_slopes_are_a_matrix_as_on_the_slide_or_a_vector(page):
    page.open("stepper", line=16)
    assert page.tab.locator(".layout td.zero").count() == 6
    assert "diag" in page.tab.inner_text(".equation")
    page.tab.get_by_label("Slopes of φ").select_option("vector")
    page.rest()
    assert page.tab.locator(".layout td.zero").count() == 0
    assert "⊙" in page.tab.inner_text(".equation")


def test_weights_inputs_targets_and_the_shape_are_edited(page):
    page.open("stepper", differences="on", line=16, example=0)
    assert page.serious() == []
    for label, name, index in (
        ("W1, unit 3, input 1", "W1", (2, 0)),
        ("b2, unit 1", "b2", (0,)),
        ("x of example 1, input 2", "inputs", (0, 1)),
        ("t of example 1", "targets", (0, 0)),
    ):
        box = page.tab.get_by_label(label, exact=True)
        box.fill("0.75")
        box.press("Enter")
        page.rest()
        assert np.array(page.state()["view"]["numbers"][name])[index] == 0.75
    page.tab.get_by_role("button", name="Hidden layers: one more").press("Enter")
    page.tab.get_by_label("Output unit", exact=True).select_option("softmax")
    page.rest()
    settings = page.state()["settings"]
    assert (settings["hidden"], settings["outputs"]) == ([3, 2], 2)
    page.tab.get_by_label("Seed of the weights", exact=True).fill("7")
    page.tab.keyboard.press("Enter")
    page.rest()
    assert (page.state()["settings"]["seed"], page.state()["settings"]["edits"]) == (7, "")


def test_the_largest_network_fits_a_phone(browser):
    settings = {"inputs": 5, "hidden": [5, 5, 5], "outputs": 5, "x": [0.123456] * 5, "t": [1.0] * 5}
    with open_page(browser, viewport={"width": 390, "height": 844}) as page:
        page.open("stepper", **settings)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"x": [1.0, 2.0, 3.0]}, "x must have 2 values for each example; got 3 in total"),
        ({"t": [1.0]}, "t must have 3 values, 1 for each example; got 1"),
        ({"t": [1.0, 0.0, 2.0]}, "t must be probabilities between 0 and 1; got 2"),
        ({"example": 4}, "example must be at most 3; got 4"),
        ({"output": "softmax"}, "outputs must be 2 or more for the softmax; got 1"),
        ({"edits": "W1.0.9:1"}, "edits: the network has no parameter W1.0.9"),
        ({"edits": "W1"}, "edits must look like W1.0.2:0.5 and b1.0:-1; got"),
    ],
)
def test_settings_that_do_not_fit_are_told(page, given, message):
    script = """s => { try { clearprop.view("stepper", s); } catch (e) { return e.message; } }"""
    assert page.evaluate(script, given).startswith(message)


# ---- from the workshop ---------------------------------------------------------------------------


def test_the_workshop_hands_over_its_network_and_a_row(page):
    page.open("workshop", hidden=[3, 2])
    page.ask("step", unit="epoch", n=2)
    page.rest()
    theta = page.evaluate("Array.from(clearprop.store.live.frame.theta)")
    button = page.tab.get_by_role("button", name="in the stepper")
    n = int(re.search(r"row (\d+)", button.inner_text())[1]) - 1
    X = page.evaluate("Array.from(clearprop.store.live.data.bench.rows.X)")
    button.click()
    page.rest()
    state = page.state()
    assert state["station"] == "stepper"
    numbers = state["view"]["numbers"]
    found = [numbers[name] for layer in (1, 2, 3) for name in (f"W{layer}", f"b{layer}")]
    assert np.concatenate([np.ravel(each) for each in found]).tolist() == theta
    assert numbers["X"] == [X[2 * n : 2 * n + 2]]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"hidden": [3, 8]}, "up to 5 units a layer; layer 2 has 8"),
        ({"hidden": [2, 2, 2, 2]}, "up to 3 hidden layers; this network has 4"),
        ({"hidden": [2, 2], "activation": ["tanh", "relu"]}, "one activation"),
    ],
)
def test_a_network_that_is_too_large_says_so(page, changes, reason):
    page.open("workshop", **changes)
    assert page.tab.get_by_role("button", name="in the stepper").is_disabled()
    assert reason in page.tab.inner_text(".to-stepper")
