"""The workshop of the page by mouse, keys and files: what is drawn, and every way to change it."""

from __future__ import annotations

import time

import pytest

pytest.importorskip("playwright")
from browser import PATIENCE, program, values
from page import differences, run

STILL = """step => {
    const { frame } = clearprop.store.live;
    return Boolean(frame && !frame.training && !frame.replaying
        && (step === null || Number(frame.numbers.step) === step));
}"""


def until(page, condition):
    """Until a condition holds, in JavaScript or as a function."""
    end = time.monotonic() + PATIENCE
    while not (page.evaluate(condition) if isinstance(condition, str) else condition()):
        assert time.monotonic() < end, condition
        page.tab.wait_for_timeout(30)
    page.rest()


def stand(page, step=None):
    """Until the run stands still, at a step if one is given, and its report is drawn."""
    until(page, lambda: page.evaluate(STILL, step))
    page.tab.wait_for_timeout(500)
    page.rest()


def visit(page, link):
    page.go(f"station=workshop&{link}")
    stand(page)
    return page.tab


def record(page):
    return page.state()["settings"]


def test_training_pausing_and_rewinding_to_the_bit(page):
    tab = visit(page, "hidden=3&activation=tanh")
    page.unfold()
    stand(page)
    first = page.numbers()
    tab.get_by_role("button", name="Train", exact=True).click()
    until(page, "+document.querySelector('[data-name=epoch]').dataset.value > 100")
    tab.get_by_role("button", name="Pause", exact=True).click()
    tab.get_by_role("button", name="Train", exact=True).wait_for()
    stand(page)
    end = page.numbers()
    assert len(end) >= 70
    tab.get_by_role("button", name="Rewind to the start").click()
    stand(page, 0)
    until(page, lambda: str(page.numbers()) == str(first))  # NaN is not equal to itself
    history = tab.get_by_role("slider", name="History")
    history.focus()
    tab.keyboard.press("End")
    stand(page, end["step"])
    until(page, lambda: str(page.numbers()) == str(end))
    tab.keyboard.press("ArrowLeft")
    stand(page, end["step"] - 1)
    tab.go_back()  # the whole run is trained again
    stand(page, end["step"])
    until(page, lambda: str(page.numbers()) == str(end))


def test_units_and_edges_are_chosen_by_keys_and_by_mouse(page):
    tab = visit(page, "hidden=3,2")
    tab.locator("button.unit[tabindex='0']").focus()
    for key in ("ArrowLeft", "ArrowLeft", "ArrowDown"):
        tab.keyboard.press(key)
    tab.locator(".inspector h3", has_text="Unit 2 of layer 1").wait_for()
    tab.get_by_label("Value of the bias").focus()
    tab.keyboard.press("ArrowUp")
    until(page, lambda: "b1.1:0.1" in page.state()["link"])
    stand(page)
    assert page.numbers()["b1.1"] == 0.1
    edge = tab.locator("path.reach").nth(3)
    edge.dispatch_event("pointerenter")
    tip = tab.locator(".tip")
    tip.wait_for()
    shown = values(tip)
    assert len(shown) >= 2
    edge.dispatch_event("click")
    tab.locator(".inspector tr.lit").wait_for()
    page.rest()
    assert differences(shown, page.numbers(".inspector")) == []


def test_points_are_drawn_with_the_mouse_and_by_keys(page):
    tab = visit(page, "")
    tab.get_by_role("combobox", name="Data", exact=True).select_option("drawn")
    pen = tab.locator(".inside.pen")
    pen.wait_for()
    tab.get_by_role("group", name="Class of the pen").get_by_role("button", name="2").click()
    n_points = len(record(page)["points"])
    pen.evaluate("e => e.scrollIntoView({block: 'center'})")
    box = pen.bounding_box()
    tab.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.25)
    until(page, lambda: len(record(page)["points"]) == n_points + 1)
    x, y, k = record(page)["points"][-1]
    assert (x, y) == pytest.approx((1.65, 1.65), abs=0.05)
    assert k == 2
    assert record(page)["output"] == "softmax"
    pen.focus()
    for key in ("Shift+ArrowLeft", "ArrowUp", "Enter"):
        tab.keyboard.press(key)
    until(page, lambda: len(record(page)["points"]) == n_points + 2)
    assert record(page)["points"][-1] == [-0.5, 0.1, 2]
    link = page.state()["link"]
    tab.keyboard.press("Control+z")
    until(page, lambda: len(record(page)["points"]) == n_points + 1)
    page.go(link)
    stand(page)
    assert len(record(page)["points"]) == n_points + 2


def test_a_table_is_loaded_typed_and_scaled(page, tmp_path, monkeypatch):
    text = "size,colour,price,sold\n" + "".join(
        f"{i % 13},{'red' if i % 3 else 'blue'},{i * 7 % 50},{'yes' if i % 13 > 5 else 'no'}\n"
        for i in range(90)
    )
    (tmp_path / "shop.csv").write_text(text)
    tab = visit(page, "")
    tab.locator("input[type=file][accept*=csv]").set_input_files(tmp_path / "shop.csv")
    until(page, lambda: record(page)["data"] == "table")
    tab.get_by_label("Scaling").select_option("unit")
    tab.locator("summary", has_text="shop.csv").click()
    for kind in ("categorical", "numeric"):
        tab.get_by_label("Kind of price").select_option(kind)
        until(page, lambda kind=kind: record(page)["kinds"] == [["price", kind]])
    tab.get_by_role("region", name="Output").get_by_label("across").select_option(label="price")
    tab.get_by_role("button", name="Step by one epoch").click()
    until(page, "+document.querySelector('[data-name=step]')?.dataset.value > 0")
    stand(page)
    assert (record(page)["target"], record(page)["scaling"]) == ("sold", "unit")
    monkeypatch.chdir(tmp_path)
    printed = run(program(tab, tab.locator(".transport")))
    shown = page.numbers(".transport")
    assert differences(shown, printed) == []


def test_runs_are_pinned_and_gone_back_to(page):
    tab = visit(page, "hidden=2&run=40")
    tab.get_by_role("button", name="Pin this run").click()
    tab.get_by_role("button", name="Go back to run 1").wait_for()
    before = page.numbers()
    assert before["pin1.loss.train"] == before["loss.train"]
    tab.get_by_role("button", name="XOR with a hidden layer", exact=True).click()
    stand(page, 0)
    tab.go_back()
    stand(page, 40)
    pins = tab.get_by_role("region", name="Pinned runs")
    printed = run(program(tab, pins))
    assert printed["loss.test"] == pytest.approx(before["pin1.loss.test"], rel=1e-12)
    tab.get_by_role("button", name="Rewind to the start").click()
    stand(page, 0)
    tab.get_by_role("button", name="Go back to run 1").click()
    stand(page, 40)
    assert page.numbers()["loss.train"] == before["loss.train"]


def test_files_are_saved_opened_and_exported(page, tmp_path):
    tab = visit(page, "hidden=2&run=30")
    before = page.numbers()
    for button, name, begin in (
        ("Network (safetensors)", "network.safetensors", b""),
        ("Drawing (SVG)", "network.svg", b"<svg"),
        ("Training (Python)", "training.py", b"import json"),
        ("Save all", "playground.safetensors", b""),
    ):
        with tab.expect_download() as waiting:
            tab.get_by_role("button", name=button).click()
        assert waiting.value.suggested_filename == name
        waiting.value.save_as(tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(begin)
    printed = run((tmp_path / "training.py").read_text())
    assert printed["loss.train"] == pytest.approx(before["loss.train"], rel=1e-12)
    tab.get_by_role("button", name="Regression", exact=True).click()
    stand(page, 0)
    chosen = tmp_path / "playground.safetensors"
    tab.locator("input[aria-label='Saved state']").set_input_files(chosen)
    stand(page, 30)
    assert page.numbers()["loss.train"] == before["loss.train"]


def test_layers_are_added_and_changed(page):
    tab = visit(page, "hidden=2")
    tab.get_by_role("button", name="+ layer").click()
    tab.get_by_role("button", name="Layer 2: one unit more").click()
    tab.get_by_label("Activation of layer 2").select_option("relu")
    until(page, lambda: record(page)["activation"] == ["tanh", "relu"])
    assert record(page)["hidden"] == [2, 3]
    until(page, "document.querySelectorAll('button.unit').length === 6")
    tab.get_by_role("button", name="− layer").click()
    until(page, "document.querySelectorAll('button.unit').length === 3")
    assert record(page)["hidden"] == [2]


def test_the_page_keeps_up_with_training(page):
    """Twenty pictures and a thousand epochs a second; here with a wide margin: others may work."""
    tab = visit(page, "")
    tab.get_by_role("button", name="Train", exact=True).click()
    tab.wait_for_timeout(300)
    for _ in range(5):
        pictures, epochs = paces(page)
        if pictures > 2 and epochs > 100:
            break
    tab.get_by_role("button", name="Pause", exact=True).click()
    assert pictures > 2
    assert epochs > 100


def paces(page):
    """Pictures and epochs a second, of a second."""
    read = """[+document.documentElement.dataset.frames,
        +document.querySelector('[data-name=epoch]').dataset.value, performance.now()]"""
    first = page.evaluate(read)
    page.tab.wait_for_timeout(1000)
    second = page.evaluate(read)
    pictures, epochs, milliseconds = (b - a for a, b in zip(first, second, strict=True))
    return 1000 * pictures / milliseconds, 1000 * epochs / milliseconds
