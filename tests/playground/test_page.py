"""The page in headless Chromium: stations of the lecture, and what all stations share."""

from __future__ import annotations

import re

import numpy as np
import pytest

pytest.importorskip("starlette")
from playground_browser import (
    agrees,
    compare,
    playing,
    program,
    serious,
    served,
    settings_of,
    settled,
    stand,
    unfold,
    values,
)
from playground_client import entries, run_python

from clearprop.playground.messages import plain
from clearprop.playground.stations import STATIONS

LECTURE = [key for key, station in STATIONS.items() if station.view is not None]


def expected_of_lecture(page):
    station, record = settings_of(page)
    return entries(plain(station.view(record)["numbers"]))


# ---- the lecture's stations ----------------------------------------------------------------------


@pytest.mark.parametrize("key", LECTURE)
def test_every_number_of_a_station_is_the_librarys(visit, key):
    page = visit(f"station={key}")
    for preset in STATIONS[key].presets:
        page.get_by_role("button", name=preset, exact=True).first.click()
        settled(page)
        unfold(page)
        agrees(page, expected_of_lecture, least=10)


@pytest.mark.parametrize("key", LECTURE)
def test_every_copy_as_python_of_a_station_prints_what_is_shown(visit, key):
    page = visit(f"station={key}")
    unfold(page)
    panels = [p for p in page.locator("section.panel").all() if "Copy as Python" in p.inner_text()]
    n_panels = 0
    for panel in panels:
        if shown := values(panel):  # a panel may wait for something to be chosen
            compare(shown, entries(run_python(program(page, panel))))
            n_panels += 1
    assert n_panels >= 3


def test_bars_are_pulled_with_the_mouse_and_by_keys(visit):
    page = visit("station=divergence")
    bar = page.get_by_role("slider", name="Q, the data, x₁")
    box = bar.locator(".track").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.4)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.1, steps=5)
    page.mouse.up()
    settled(page, lambda: 850 <= settings_of(page)[1].q[0] <= 950)
    q = settings_of(page)[1].q
    assert sum(q) == 1000
    bar.focus()
    page.keyboard.press("ArrowDown")
    settled(page, lambda: settings_of(page)[1].q[0] == q[0] - 10)
    page.keyboard.press("End")
    settled(page, lambda: settings_of(page)[1].q == (1000, 0, 0))
    agrees(page, expected_of_lecture, least=20)
    assert values(page)["entropy"] == 0


def test_sliders_boxes_and_counts(visit):
    page = visit("station=softmax")
    page.get_by_label("z₁", exact=True).fill("7.25")
    page.keyboard.press("Enter")
    page.get_by_role("slider", name="z₂").focus()
    page.keyboard.press("ArrowRight")
    page.get_by_role("button", name="Classes: one more").click()
    page.get_by_label("Observed class, t").select_option("3")
    settled(page, "location.hash.includes('t=3')")
    record = settings_of(page)[1]
    assert record.z == (7.25, 1.1, -1, 0)
    assert record.t == 3
    agrees(page, expected_of_lecture, least=30)


def test_clicks_faster_than_the_replies_all_count(visit):
    page = visit("station=circuits")
    before = settings_of(page)[1].bits
    page.get_by_role("group", name="Inputs of the circuit").evaluate(
        "group => group.querySelectorAll('button').forEach(button => button.click())"
    )
    turned = tuple(1 - bit for bit in before)
    settled(page, lambda: settings_of(page)[1].bits == turned)
    page.get_by_role("group", name="Inputs of the circuit").evaluate(
        "group => [0, 1, 1, 1, 0].forEach(i => group.querySelectorAll('button')[i].click())"
    )
    settled(page, lambda: settings_of(page)[1].bits == (turned[0], before[1], turned[2]))


def test_links_lead_to_the_same_numbers(visit):
    link = "station=softmax&z=1,-2,0.5,3&shift=12&t=2"
    page = visit(link)
    assert page.evaluate("location.hash") == "#" + link
    first = values(page)
    page.evaluate("location.hash = 'station=divergence&t=0.5'")
    settled(page, "document.querySelector('h1').textContent.startsWith('KL')")
    page.evaluate(f"location.hash = '{link}'")
    settled(page, "document.querySelector('h1').textContent === 'Softmax'")
    assert values(page) == first


def test_a_wrong_link_is_told_and_the_page_works_on(visit):
    page = visit("station=softmax&z=1,x")
    page.get_by_text("z[1] must be a number").wait_for()
    page.get_by_role("button", name="Close the message").click()
    page.get_by_role("button", name="The same: KL is 0").click()
    settled(page, lambda: values(page)["kl"] == 0)


# ---- for everyone --------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("key", STATIONS)
def test_axe_finds_nothing_serious(visit, key, scheme):
    page = visit(f"station={key}", color_scheme=scheme)
    stand(page)
    unfold(page)
    assert serious(page) == []
    if key == "workshop":
        page.get_by_role("button", name="Step by one example").click()
        page.get_by_role("combobox", name="Data", exact=True).select_option("drawn")
        page.locator(".space.pen").wait_for()
        assert serious(page) == []
    page.get_by_role("button", name="Copy as Python").first.click()
    page.locator("dialog pre").wait_for()
    assert serious(page) == []


@pytest.mark.parametrize("key", STATIONS)
def test_no_size_of_screen_scrolls_sideways(visit, key):
    sizes = [(1280, 800), (1180, 820), (820, 1180), (1920, 1080)]
    page = visit(f"station={key}", *sizes[0])
    stand(page)
    for width, height in sizes:
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("innerWidth") == width
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
        wide = page.locator("section.panel").evaluate_all(
            "all => all.filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.ariaLabel)"
        )
        assert wide == [], width


def test_tabs_by_keys_and_every_control_has_a_name(visit):
    page = visit("station=divergence")
    page.get_by_role("tab", name="KL and cross-entropy").focus()
    page.keyboard.press("ArrowRight")
    page.locator("h1", has_text=list(STATIONS.values())[1].title).wait_for()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.locator("h1", has_text="Workshop").wait_for()
    stand(page)
    nameless = page.locator("button, input, select").evaluate_all(
        """all => all.filter(e => !(e.ariaLabel || e.textContent.trim() || e.labels?.length))
        .map(e => e.outerHTML)"""
    )
    assert nameless == []


def test_the_theme_is_switched_and_kept(visit):
    page = visit("station=divergence", color_scheme="light")
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(ground)
    switch = page.locator("button[title^=Colours]")
    switch.click()
    assert page.evaluate(ground) == light
    switch.click()
    dark = page.evaluate(ground)
    assert dark != light
    page.reload()
    page.locator("h1").wait_for()
    assert page.evaluate(ground) == dark


def test_panels_hide_and_stay_hidden(visit):
    page = visit("station=divergence")
    page.get_by_role("button", name="Term by term", exact=True).click()
    assert page.locator("[data-name='kl_terms.0']").count() == 0
    page.reload()
    page.locator("h1").wait_for()
    assert page.locator("[data-name='kl_terms.0']").count() == 0


def test_it_loads_in_under_a_second(visit, browser, address):
    times = []
    for _ in range(3):
        page = visit("station=divergence")
        page.locator("[data-name=kl]").wait_for()
        entry = "performance.getEntriesByType('navigation')[0]"
        times.append(page.evaluate(f"{entry}.loadEventEnd - {entry}.startTime"))
    assert min(times) < 1000


def test_a_lost_server_is_told(browser):
    with served() as (address, server):
        context = browser.new_context()
        page = context.new_page()
        page.goto(address)
        page.locator("h1").wait_for()
        server.terminate()
        page.get_by_text("The connection to clearprop play was lost").wait_for()
        assert page.get_by_role("button", name="Reconnect").is_visible()
        context.close()


def test_without_the_token_the_page_says_so(browser, address):
    context = browser.new_context()
    page = context.new_page()
    page.goto(re.sub(r"\?token=.*", "", address))
    page.get_by_text("use the address that clearprop play printed").wait_for()
    assert page.locator("h1").count() == 0
    context.close()


def test_a_table_from_the_command_line(browser, tmp_path):
    rng = np.random.default_rng(0)
    rows = "".join(f"{a:.3f},{b:.3f},{int(a > b)}\n" for a, b in rng.normal(size=(60, 2)))
    (tmp_path / "t.csv").write_text("a,b,c\n" + rows)
    with playing(str(tmp_path / "t.csv"), "--target", "c") as address:
        context = browser.new_context()
        page = context.new_page()
        page.goto(address)
        page.locator("summary", has_text="t.csv").wait_for()
        assert page.get_by_label("Target").input_value() == "c"
        context.close()
