"""The page as one file: its session and its links, with a station made up here."""

from __future__ import annotations

import pytest

pytest.importorskip("playwright")
from page import open_page

MADE_UP = """
(() => {
  const number = {
    label: "x", write: String, read: (_, text) => Number(text),
    check(name, value) {
      if (!(value >= 0 && value <= 9)) throw new Error(`${name} must be from 0 to 9`);
      return value;
    },
  };
  const text = {label: "s", write: s => s, read: (_, s) => s, check: (_, s) => s};
  const model = (key) => ({
    key, title: `Station ${key}`, slides: "", presets: {Four: {x: 4}},
    fields: {x: {kind: number, default: 1}, s: {kind: text, default: ""}},
    check: ({x}) => { if (x === 5) throw new Error("x must not be 5"); },
    view: ({x}) => ({numbers: {square: x * x}, python: `print('square', ${x * x})`}),
    actions: {double: (settings, {times}) => ({...settings, x: settings.x * 2 ** times})},
  });
  const Session = clearprop.session.constructor;
  window.madeUp = new Session({a: model("a"), b: model("b")});
})()
"""


@pytest.fixture
def ask(page):
    page.evaluate(MADE_UP)

    def asked(command, **given):
        script = """([c, g]) => madeUp.ask(c, g).then(
            reply => JSON.parse(JSON.stringify(reply)), error => ({error: error.message}))"""
        return page.evaluate(script, [command, given])

    return asked


def test_the_session_answers_as_a_station_is_worked_with(ask):
    hello = ask("hello")
    assert [station["key"] for station in hello["stations"]] == ["a", "b"]
    assert hello["stations"][0]["presets"] == ["Four"]
    assert hello["station"] == "a"
    assert ask("set", changes={"x": 3})["view"]["numbers"] == {"square": 9}
    assert ask("act", name="double", arguments={"times": 1})["settings"] == {"x": 6, "s": ""}
    assert ask("preset", title="Four")["link"] == "station=a&x=4"
    assert ask("visit", station="b")["settings"]["x"] == 1
    assert ask("visit", station="a")["settings"]["x"] == 4
    assert ask("open", link="#station=b&x=2")["view"]["numbers"] == {"square": 4}
    assert ask("link") == {"type": "reply", "link": "station=b&x=2"}


@pytest.mark.parametrize(
    ("command", "given", "message"),
    [
        ("sett", {}, 'there is no command "sett" in this station'),
        ("set", {"changes": {"x": 10}}, "x must be from 0 to 9"),
        ("set", {"changes": {"x": 5}}, "x must not be 5"),
        ("set", {"changes": {"y": 5}}, 'there is no setting "y"; the settings are x, s'),
        ("act", {"name": "double", "arguments": {"times": 4}}, "x must be from 0 to 9"),
        ("act", {"name": "constructor"}, 'this station has no action "constructor"'),
        ("preset", {"title": "Five"}, 'there is no preset "Five"; the presets are Four'),
        ("visit", {"station": "c"}, 'station must be one of a, b; got "c"'),
        ("open", {"link": "station=a&x"}, 'the link cannot be read: "x" has no value'),
        ("open", {"link": "x=1&x=2"}, "the link cannot be read: a setting appears twice"),
        ("open", {"link": "s=%E4"}, 'the link cannot be read: "%E4" is not a text of an address'),
        ("open", {"link": "s=" + "a" * 66_000}, "the link is too long: 66002 characters"),
    ],
)
def test_what_is_wrong_is_told_and_changes_nothing(ask, command, given, message):
    before = ask("state")
    assert ask(command, **given)["error"].startswith(message)
    assert ask("state") == before


def test_a_link_gives_back_any_text(ask):
    text = "a b+c&d=e%f#g;h,i:j~k!l'(m)*é😀\n\"\\"
    link = ask("set", changes={"s": text})["link"]
    assert "a+b%2Bc%26d%3De%25f%23g;h,i:j~k%21l%27%28m%29%2A" in link
    ask("set", changes={"s": ""})
    assert ask("open", link=link)["settings"]["s"] == text


def test_the_file_is_whole(page):
    """Everything stands in it: it was opened from a file, and asked for nothing."""
    assert page.address.startswith("file://")
    assert page.evaluate("document.title") == "clearprop playground"
    assert page.evaluate("document.querySelector('.brand img').naturalWidth") > 0
    assert (
        page.evaluate("document.querySelectorAll('[src]:not(img), link[rel=stylesheet]').length")
        == 0
    )
    assert page.evaluate("performance.getEntriesByType('resource').map(e => e.name)") == []


def test_the_policy_allows_no_other_script_and_no_address(browser):
    with open_page(browser) as page:
        page.evaluate("""() => {
            const script = document.createElement("script");
            script.textContent = "window.injected = true";
            document.body.append(script);
            const box = document.createElement("div");
            box.innerHTML = "<img src='data:,' onerror='window.injected = true'>";
            document.body.append(box);
        }""")
        page.tab.wait_for_timeout(100)
        assert page.evaluate("window.injected === undefined")
        fetched = "fetch('http://127.0.0.1:9/').then(() => 'there', (error) => error.name)"
        assert page.evaluate(fetched) == "TypeError"
        assert len(page.said) >= 3  # the browser says that it was forbidden
        page.said.clear()
