"""Every station of the page on every screen, for everybody, and soon there."""

from __future__ import annotations

import pytest

pytest.importorskip("playwright")
from page import open_page

PHONES, TABLET, LAPTOP, PROJECTOR = [(360, 740), (390, 844)], (820, 1180), (1280, 800), (1920, 1080)
TOO_WIDE = """() => [...document.querySelectorAll("section.panel, .panel button:not(.why), h1")]
    .filter(e => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX === "visible"
        || e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".scroll, .presets"))
    .map(e => e.ariaLabel || e.outerHTML.slice(0, 100))"""


def resized(page, width, height):
    page.tab.set_viewport_size({"width": width, "height": height})
    page.rest()


def test_nothing_is_clipped_and_nothing_scrolls_sideways(page):
    for key in page.stations():
        page.go(f"station={key}")
        page.unfold()
        for size in (*PHONES, TABLET, LAPTOP, PROJECTOR):
            resized(page, *size)
            assert page.evaluate("document.documentElement.scrollWidth") <= size[0], (key, size)
            assert page.evaluate(TOO_WIDE) == [], (key, size)


def test_a_phone_shows_the_chosen_tab_and_scrolls_its_header_away(page):
    resized(page, *PHONES[0])
    page.go(f"station={page.stations()[-1]}")
    box = page.tab.locator("[role=tab][aria-selected=true]").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONES[0][0]
    page.tab.mouse.wheel(0, 600)
    page.tab.wait_for_timeout(100)
    assert page.evaluate("document.querySelector('.top').getBoundingClientRect().bottom") < 0
    resized(page, *LAPTOP)


def test_a_projector_shows_larger_type_over_the_whole_width(page):
    page.go("station=softmax")
    size = "parseFloat(getComputedStyle(document.documentElement).fontSize)"
    width = "document.querySelector('.grid').getBoundingClientRect().width"
    assert page.evaluate(size) <= 15.5
    resized(page, *PROJECTOR)
    assert page.evaluate(size) >= 18
    assert page.evaluate(width) > 0.95 * PROJECTOR[0]
    resized(page, *LAPTOP)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser, scheme):
    with open_page(browser, color_scheme=scheme) as page:
        for key in page.stations():
            page.go(f"station={key}")
            page.unfold()
            page.rest()
            assert page.serious() == []
        page.tab.get_by_role("button", name="Copy as Python").first.click()
        page.tab.locator("dialog pre").wait_for()
        assert page.serious() == []


def test_the_text_on_what_the_page_is_comes_once(browser):
    with open_page(browser, first_visit=True) as page:
        about = page.tab.get_by_role("region", name="About this page")
        about.get_by_role("button").click()
        assert about.count() == 0
        page.reload()
        assert about.count() == 0


def test_the_theme_is_switched_and_kept_as_are_folded_panels(browser):
    with open_page(browser, color_scheme="light") as page:
        page.go("station=divergence")
        ground = "getComputedStyle(document.documentElement).backgroundColor"
        light = page.evaluate(ground)
        switch = page.tab.locator("button[title^=Colours]")
        switch.click()
        assert page.evaluate(ground) == light
        switch.click()
        dark = page.evaluate(ground)
        assert dark != light
        page.tab.get_by_role("button", name="Term by term", exact=True).click()
        assert page.tab.locator("[data-name='kl_terms.0']").count() == 0
        page.reload()
        assert page.evaluate(ground) == dark
        assert page.tab.locator("[data-name='kl_terms.0']").count() == 0


def test_tabs_by_keys_and_every_control_has_a_name(page):
    keys = page.stations()
    page.go(f"station={keys[0]}")
    page.tab.get_by_role("tab").first.focus()
    for press, key in [("ArrowRight", keys[1]), ("ArrowLeft", keys[0]), ("ArrowLeft", keys[-1])]:
        page.tab.keyboard.press(press)
        page.rest()
        assert page.state()["station"] == key
        nameless = page.tab.locator("button, input, select").evaluate_all(
            """all => all.filter(e => !(e.ariaLabel || e.textContent.trim() || e.labels?.length))
            .map(e => e.outerHTML)"""
        )
        assert nameless == []


def test_a_station_is_drawn_in_less_than_half_a_second(page):
    for key in page.stations():
        for _ in range(10):  # others may work on this machine
            page.go(f"station={key}")
            time = page.evaluate("performance.getEntriesByName('drawn')[0].startTime")
            if time < 500:
                break
        assert time < 500, key
