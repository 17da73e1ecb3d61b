"""What the tests of the page share: `clearprop play` running, a browser, and what a page shows."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from browser import PATIENCE, chromium, program, serious, values
from playground_client import entries, number

from clearprop.playground import links
from clearprop.playground.messages import plain
from clearprop.playground.stations import STATIONS


@contextmanager
def served(*arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A `clearprop play` that runs meanwhile: its address, and its process."""
    command = [sys.executable, "-P", str(Path(__file__).parent / "old_server.py")]
    with subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            printed = ""
            while not printed.rstrip().endswith("}"):
                more = server.stdout.readline()
                assert more, "clearprop play ended before it told its address"
                printed += more
            yield json.loads(printed)["address"], server
        finally:
            server.kill()


@contextmanager
def playing(*arguments: str) -> Iterator[str]:
    """The address of a `clearprop play` that runs meanwhile."""
    with served(*arguments) as (address, _):
        yield address


class Shown:
    """A tab of a browser with the playground; `said`: what the console said that it should not."""

    def __init__(self, browser: Any, address: str, **context: Any) -> None:
        self.address = address
        self.context = browser.new_context(
            viewport={"width": 1280, "height": 800}, reduced_motion="reduce", **context
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(1000 * PATIENCE)
        self.said: list[str] = []
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.said.append(message.text)

    def open(self, key: str, **changes: Any) -> None:
        """Go to a station with these settings, and wait until the page shows them."""
        station = STATIONS[key]
        record = station.settings(**changes)
        self.page.goto("about:blank")  # so that another fragment is another page
        self.page.goto(f"{self.address}#{links.encode(station, record)}")
        self.page.wait_for_selector("#station .panel")
        self.expect(key, record)

    def numbers(self, within: str = "body") -> dict[str, Any]:
        """All numbers in an element by name."""
        return values(self.page.locator(within))

    def expect(self, key: str, record: Any) -> dict[str, float]:
        """The numbers on the page, once they are those that Python has for the record.

        Every number of the page is one of Python's, to 1e-9.
        """
        station = STATIONS[key]
        assert station.view is not None
        wanted = entries(plain(station.view(record)["numbers"]))
        link = links.encode(station, record)
        problem = ""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            shown_link = self.page.evaluate("location.hash.slice(1)")
            if shown_link == link:
                shown = self.numbers()
                problem = _differences(shown, wanted)
                if shown and not problem:
                    return shown
            else:
                problem = f"the link is {shown_link!r}, not {link!r}"
            self.page.wait_for_timeout(30)
        raise AssertionError(problem)

    def programs(self) -> dict[str, tuple[str, dict[str, float]]]:
        """Of each panel with "copy as Python": its program, and the numbers that it shows."""
        found = {}
        for panel in self.page.query_selector_all("section.panel"):
            title = panel.get_attribute("aria-label")
            button = panel.query_selector("button:has-text('Copy as Python')")
            if button is None:
                continue
            button.click()
            program = self.page.text_content("dialog.code pre.python")
            self.page.click("dialog.code button:has-text('Close')")
            self.page.wait_for_selector("dialog.code", state="detached")
            shown = self.numbers(f"section.panel[aria-label={json.dumps(title)}]")
            found[title] = program, shown
        return found

    def serious(self) -> list[str]:
        """Accessibility findings of axe-core that are serious or worse."""
        return serious(self.page)

    def overflow(self) -> float:
        """How many pixels the page is wider than its window."""
        script = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        return float(self.page.evaluate(script))

    def close(self) -> None:
        self.context.close()


@contextmanager
def visiting(browser: Any, address: str) -> Iterator[Callable[..., Any]]:
    """A function that opens a link in a tab.

    Afterwards nothing must have gone wrong there, nor have been asked of any other place.
    """
    contexts: list[Any] = []
    troubles: list[str] = []
    own = address.split("/?", maxsplit=1)[0]

    def listen(message: Any) -> None:
        if message.type in ("error", "warning"):
            troubles.append(message.text)

    def see(request: Any) -> None:
        if not request.url.startswith((own, "blob:", "data:")):
            troubles.append(request.url)

    def opened(link: str, width: int = 1280, height: int = 800, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        context.add_init_script("localStorage.welcome = 'read'")
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
        page.on("console", listen)
        page.on("request", see)
        page.goto(f"{address}#{link}")
        page.locator("h1").wait_for()
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not troubles


def settings_of(page):
    """The station and its record, as the address holds them."""
    return links.decode(page.evaluate("location.hash.slice(1)"))


def settled(page, script="true"):
    """Until a condition holds, in JavaScript or as a function; and a moment, for what follows.

    The page's policy forbids Playwright's own waiting, which evaluates a text in the page.
    """
    deadline = time.monotonic() + 15
    while not (page.evaluate(script) if isinstance(script, str) else script()):
        assert time.monotonic() < deadline, script
        page.wait_for_timeout(30)
    page.wait_for_timeout(150)


def compare(shown, expected, least=1):
    """All that is shown is what the library computes, to 1e-9."""
    assert len(shown) >= least
    for name, value in shown.items():
        wanted = expected[name]
        if isinstance(value, str):
            assert value == wanted, name
        else:
            assert value == pytest.approx(number(wanted), rel=1e-9, abs=1e-9, nan_ok=True), name


def agrees(page, expected, least=1):
    """All on the page is what `expected(page)` computes, as soon as the page has caught up."""
    deadline = time.monotonic() + 15
    while True:
        try:
            compare(values(page), expected(page), least)
        except (AssertionError, KeyError):
            if time.monotonic() > deadline:
                raise
            page.wait_for_timeout(100)
        else:
            return


def unfold(page):
    for button in page.locator("button.fold[aria-expanded=false]").all():
        button.click()


def stand(page, at=None):
    """Until the run stands still, at a step if one is given, and its report is there."""
    if at is not None:
        settled(page, f"document.querySelector('[data-name=step]')?.dataset.value === '{at}'")
    page.wait_for_timeout(700)


def _differences(shown: dict[str, float], wanted: dict[str, Any]) -> str:
    """What is wrong with the numbers of a page; nothing if all are right."""
    for name, value in shown.items():
        if name not in wanted:
            return f"{name} is on the page, but is no number of the station"
        right = number(wanted[name])
        same = value == right or (math.isnan(value) and math.isnan(right))
        if not same and not abs(value - right) <= 1e-9 * max(1.0, abs(right)):
            return f"{name} is {value} on the page, {right} in Python"
    return ""


__all__ = ["PATIENCE", "chromium", "program", "serious", "values"]
