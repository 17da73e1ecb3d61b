"""The page of the playground as a file in Chromium: what a station shows against the library.

The lasting test of a station, in full:

    def test_presets_show_what_their_programs_print(page):  # a fixture of tests/conftest.py
        for title in page.presets("softmax"):
            page.preset("softmax", title)     # clicks the preset and waits until it is drawn
            page.check_programs(least=3)      # each panel: program run here, every number compared

    def test_settings_give_what_the_library_computes(page):
        view = page.view("softmax", z=[1.0, 2.0, 0.5], t=2)     # the model alone, nothing is drawn
        assert view["numbers"]["log_sum_exp"] == pytest.approx(2.4644, abs=1e-4)
        page.check_view("softmax", z=[1.0, 2.0, 0.5])           # runs view.python, compares all
        page.open("softmax", z=[1.0, 2.0, 0.5], t=2)            # drawn: by a link
        assert page.numbers()["z.1"] == 2.0                     # data-name → data-value

`page` is one tab for a test module, opened from file://. After each test, nothing may have gone
wrong in it (no message in the console) and no other address may have been asked. Numbers must agree
to 1e-12, relative to the greater of 1 and the value; `exact=True` asks for the same bits, and
`rough={"dL_dz_difference": 1e-8}` allows more for a number that is itself only an approximation.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from browser import PATIENCE, program, serious, values

import clearprop

FILE = Path(clearprop.__file__).parent / "playground" / "static" / "page.html"
TOLERANCE = 1e-12
READ = "try { localStorage.welcome = 'read' } catch {}"  # the text on what the page is

# what the browser's storage has for a page that begins to load
AT_START = "try { window.storedAtStart = {...localStorage} } catch {}"


class Page:
    """A tab with page.html; `said`: what went wrong there."""

    def __init__(self, browser: Any, address: str = FILE.as_uri(), **options: Any) -> None:
        self.prepare(browser, address, **options)
        self.go("")

    def prepare(self, browser: Any, address: str, **options: Any) -> None:
        """An empty tab that watches what goes wrong."""
        first_visit = options.pop("first_visit", False)
        viewport = options.pop("viewport", {"width": 1280, "height": 800})
        self.address = address
        self.context = browser.new_context(viewport=viewport, reduced_motion="reduce", **options)
        if not first_visit:
            self.context.add_init_script(READ)
        self.tab = self.context.new_page()
        self.tab.set_default_timeout(1000 * PATIENCE)
        self.said: list[str] = []
        self.tab.on("console", self._listen)
        self.tab.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        self.tab.on("request", self._see)

    def _listen(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.said.append(message.text)

    def _see(self, request: Any) -> None:
        if not request.url.startswith((self.address, "blob:", "data:", "about:")):
            self.said.append(f"asked for {request.url}")

    def go(self, link: str) -> None:
        """Load the page afresh with a link (without the #), and wait for a station."""
        self.tab.goto("about:blank")  # so that another fragment is another page
        self.tab.goto(f"{self.address}#{link}")
        self.tab.wait_for_selector("html[data-ready]", state="attached")

    def reload(self) -> None:
        """Load the page again, with what it wrote into the browser's storage.

        The storage is a process of its own in Chromium: on a busy machine, a page that is loaded
        again at once may still get what was there before. Then it is loaded once more.
        """
        written = self.evaluate("({...localStorage})")
        self.tab.add_init_script(AT_START)
        end = time.monotonic() + PATIENCE
        while True:
            self.tab.reload()
            self.tab.wait_for_selector("html[data-ready]", state="attached")
            if self.evaluate("storedAtStart") == written or time.monotonic() > end:
                return
            self.tab.wait_for_timeout(200)

    def open(self, key: str, **settings: Any) -> None:
        """Go to a station with some settings changed from their defaults."""
        self.go(self.tab.evaluate("([k, s]) => clearprop.link(k, s)", [key, settings]))

    def evaluate(self, script: str, argument: Any = None) -> Any:
        """The value of a script in the page."""
        return self.tab.evaluate(script, argument)

    def stations(self) -> list[str]:
        """The stations of the page."""
        return list(self.evaluate("Object.keys(clearprop.models)"))

    def presets(self, key: str) -> list[str]:
        """The titles of a station's presets."""
        return list(self.evaluate("k => Object.keys(clearprop.models[k].presets)", key))

    def preset(self, key: str, title: str) -> None:
        """Press a preset of a station, and wait until its settings are drawn."""
        if self.state()["station"] != key:
            self.open(key)
        self.tab.locator(".presets").get_by_role("button", name=title, exact=True).first.click()
        self.rest()

    def view(self, key: str, settings: Mapping[str, Any] | None = None, /, **more: Any) -> Any:
        """`numbers`, `python` and the rest of a station's view, computed in the page."""
        given = {**(settings or {}), **more}
        return self.evaluate("([k, s]) => clearprop.view(k, s)", [key, given])

    def ask(self, command: str, **given: Any) -> dict[str, Any]:
        """The reply of the page's session; its error is raised as Playwright's Error."""
        return dict(self.evaluate("([c, g]) => clearprop.session.ask(c, g)", [command, given]))

    def state(self) -> dict[str, Any]:
        """Station, settings, link and view that are open."""
        return dict(self.evaluate("clearprop.session.state()"))

    def rest(self) -> None:
        """Wait until all that was asked is answered and drawn."""
        self.evaluate("clearprop.rest()")

    def unfold(self) -> None:
        """Open every panel."""
        for button in self.tab.locator("button.fold[aria-expanded=false]").all():
            button.click()

    def numbers(self, within: str = "body") -> dict[str, Any]:
        """Every `data-name` in an element with its `data-value`."""
        return values(self.tab.locator(within))

    def check_shown(self, least: int = 1) -> dict[str, Any]:
        """Compare what is drawn with the view, entry by entry; returns what is drawn."""
        self.rest()
        shown, end = self.numbers(), time.monotonic() + PATIENCE
        wanted = entries(self.state()["view"]["numbers"])
        while (wrong := differences(shown, wanted, exact=True)) and time.monotonic() < end:
            self.tab.wait_for_timeout(30)
            shown = self.numbers()
        assert wrong == []
        assert len(shown) >= least
        return shown

    def check_programs(
        self, least: int = 1, *, exact: bool = False, rough: Mapping[str, float] | None = None
    ) -> None:
        """Run "copy as Python" of each panel; it prints every number that the panel shows."""
        self.unfold()
        self.rest()
        n_programs = 0
        for panel in self.tab.locator("section.panel").all():
            shown = {name: v for name, v in values(panel).items() if not isinstance(v, str)}
            if not shown or "Copy as Python" not in panel.inner_text():
                continue
            printed = run(program(self.tab, panel))
            assert differences(shown, printed, exact=exact, rough=rough) == []
            n_programs += 1
        assert n_programs >= least

    def check_view(
        self,
        key: str,
        settings: Mapping[str, Any] | None = None,
        /,
        *,
        exact: bool = False,
        rough: Mapping[str, float] | None = None,
    ) -> Any:
        """Run the program of a view; it prints every number of the view. Returns the view."""
        view = self.view(key, settings)
        printed = run(view["python"])
        assert differences(entries(view["numbers"]), printed, exact=exact, rough=rough) == []
        return view

    def serious(self) -> list[str]:
        """Accessibility findings of axe-core that are serious or worse."""
        return serious(self.tab)

    def close(self) -> None:
        """Close the tab; nothing may have gone wrong in it."""
        self.context.close()
        assert self.said == []


@contextmanager
def open_page(browser: Any, address: str = FILE.as_uri(), **options: Any) -> Iterator[Page]:
    """A tab with the page meanwhile; options: of Playwright's `new_context`, and first_visit."""
    page = Page(browser, address, **options)
    yield page
    page.close()


def run(text: str) -> dict[str, Any]:
    """What a program of "copy as Python" prints, by the name of each entry; run here."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(text, "<copy as Python>", "exec"), {"__name__": "__main__"})
    lines = (line.split(" ", 1) for line in printed.getvalue().splitlines())
    return entries({name: json.loads(value) for name, value in lines})


def entries(numbers: Mapping[str, Any]) -> dict[str, Any]:
    """Every entry under its own name, as the page names them: W1.0.2."""
    found: dict[str, Any] = {}
    for name, value in numbers.items():
        if isinstance(value, list):
            found |= entries({f"{name}.{i}": entry for i, entry in enumerate(value)})
        else:
            found[name] = value
    return found


def differences(
    shown: Mapping[str, Any],
    wanted: Mapping[str, Any],
    *,
    exact: bool = False,
    rough: Mapping[str, float] | None = None,
) -> list[str]:
    """The numbers that are not as wanted, or are not there; in words."""
    found = []
    for name, value in shown.items():
        if name not in wanted:
            found.append(f"{name} is not among what is wanted")
        elif not _same(_number(value), _number(wanted[name]), _tolerance(name, exact, rough)):
            found.append(f"{name} is {value!r}, not {wanted[name]!r}")
    return found


def _number(value: Any) -> Any:
    """NaN and infinity may come as texts; a text that is not a number stays one."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return value


def _tolerance(name: str, exact: bool, rough: Mapping[str, float] | None) -> float:
    return 0 if exact else (rough or {}).get(name.split(".", maxsplit=1)[0], TOLERANCE)


def _same(a: Any, b: Any, tolerance: float) -> bool:
    if not (isinstance(a, float) and isinstance(b, float)):
        return bool(a == b)
    if a == b or (math.isnan(a) and math.isnan(b)):
        return True
    return math.isfinite(b) and abs(a - b) <= tolerance * max(1.0, abs(b))
