"""Links of the page, Back and undo: from a file, a web server, a frame without an address."""

from __future__ import annotations

import html
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from string import ascii_letters, digits

import pytest

pytest.importorskip("playwright")
from page import FILE, Page, open_page

LINK = "station=softmax&z=1,-2,0.5,3&shift=12&t=2"


def hash_of(page):
    page.rest()
    return page.evaluate("decodeURIComponent(location.hash.slice(1))")


def settings_of(page):
    page.rest()
    return page.state()["settings"]


@pytest.fixture
def served(monkeypatch, tmp_path):
    """The address of a copy of the page on a web server, under a path."""
    folder = tmp_path / "course" / "week 3"
    folder.mkdir(parents=True)
    (folder / "index.html").write_bytes(FILE.read_bytes())

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/course/week%203/"
    server.shutdown()
    server.server_close()


def test_a_link_opens_the_same_numbers_on_any_copy(page, browser, served):
    page.go(LINK)
    assert hash_of(page) == LINK
    first = page.check_shown(least=10)
    with open_page(browser, served) as copy:
        copy.go(LINK)
        assert copy.check_shown() == first
        assert copy.evaluate("location.href") == f"{served}#{LINK}"


def test_a_long_link_is_packed_and_opened_again(page):
    z = [k / 7 - 0.4 for k in range(6)]
    readable = "station=softmax&z=" + ",".join(map(str, z))
    link = page.evaluate("text => clearprop.packed(text)", readable + "&" * 200)
    assert link.startswith("~")
    assert len(link) < 150
    assert set(link[1:]) <= set(ascii_letters + digits + "-_")
    page.go(link)
    assert settings_of(page)["z"] == z
    assert hash_of(page) == readable


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        ("station=softmax&z=1,x", "z[1] must be a number"),
        ("~abcdefgh", "a part of it is missing or was changed"),
        ("station=nowhere", "station must be one of"),
    ],
)
def test_a_wrong_link_is_explained_and_the_page_works_on(page, link, reason):
    page.go(link)
    told = page.tab.get_by_role("alert", name="Wrong link")
    assert reason in told.inner_text()
    assert page.serious() == []
    page.check_shown(least=10)  # the first station
    told.get_by_role("button").click()
    assert told.count() == 0
    page.go(link)
    page.tab.locator(".presets button").first.click()
    page.rest()
    assert told.count() == 0


def test_back_forward_and_undo_lead_through_what_was_set(page):
    page.open("softmax")
    first = hash_of(page)
    for title in page.presets("softmax")[1:3]:
        page.preset("softmax", title)
    page.tab.get_by_role("tab").first.click()
    links = [hash_of(page)]
    for press in (page.tab.go_back, page.tab.go_back, page.tab.go_back):
        press()
        links.append(hash_of(page))
        page.check_shown()
    assert len(set(links)) == 4
    assert links[-1] == first
    page.tab.go_forward()
    assert hash_of(page) == links[2]
    page.tab.locator("body").press("Control+z")
    assert hash_of(page) == first
    page.tab.locator("body").press("Control+z")  # there is nothing before
    assert hash_of(page) == first
    page.tab.locator("body").press("Control+Shift+z")
    assert hash_of(page) == links[2]
    page.tab.reload()
    page.tab.wait_for_selector("html[data-ready]", state="attached")
    page.tab.locator("body").press("Control+z")
    assert hash_of(page) == first


def test_a_drag_is_one_step_back(page):
    page.open("softmax")
    before = settings_of(page)
    slider = page.tab.get_by_role("slider").first
    box = slider.bounding_box()
    page.tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.tab.mouse.down()
    for k in range(10):
        page.tab.mouse.move(box["x"] + box["width"] * (0.5 + k / 25), box["y"] + box["height"] / 2)
    page.tab.mouse.up()
    assert settings_of(page) != before
    page.tab.go_back()
    assert settings_of(page) == before


def test_keys_held_or_pressed_quickly_are_one_step_back(page):
    page.open("softmax")
    before = settings_of(page)
    for _ in range(5):
        page.tab.get_by_role("slider").first.press("ArrowRight")
    assert settings_of(page) != before
    page.tab.go_back()
    assert settings_of(page) == before


def test_a_link_is_pasted_into_the_page(page):
    page.open("divergence")
    before = hash_of(page)
    paste = """text => {
        const clipboardData = new DataTransfer();
        clipboardData.setData("text/plain", text);
        document.body.dispatchEvent(new ClipboardEvent("paste", {clipboardData, bubbles: true}));
    }"""
    page.evaluate(paste, f"https://example.org/any/page.html#{LINK}")
    assert hash_of(page) == LINK
    page.evaluate(paste, "some text")
    assert hash_of(page) == LINK
    page.tab.go_back()
    assert hash_of(page) == before


@pytest.mark.parametrize("sandbox", ["sandbox=allow-scripts", ""])
def test_it_works_within_a_frame_that_has_no_address(browser, tmp_path, sandbox):
    text = html.escape(FILE.read_text(encoding="utf-8"))
    host = tmp_path / "slide.html"
    host.write_text(f'<iframe {sandbox} width=1200 height=700 srcdoc="{text}"></iframe>')
    page = Page.__new__(Page)
    page.prepare(browser, host.as_uri())
    page.tab.goto(host.as_uri())
    frame = page.tab.frame_locator("iframe")
    frame.locator("html[data-ready]").wait_for(state="attached")
    n_entries = page.tab.evaluate("history.length")
    frame.get_by_role("tab", name="Softmax").click()
    frame.locator("h1", has_text="Softmax").wait_for()
    frame.locator("button.fold").first.click()
    frame.locator("body").press("Control+z")
    frame.locator("h1", has_text="KL").wait_for()
    frame.locator("body").press("Control+y")
    frame.locator("h1", has_text="Softmax").wait_for()
    assert page.tab.evaluate("history.length") == n_entries
    page.close()
