"""Headless Chromium for the tests of the playground's page."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playground_client import number

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
]
AXE = Path(__file__).parents[1] / "web" / "node_modules" / "axe-core" / "axe.min.js"


@contextmanager
def playground(*arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """`clearprop play` in a process of its own, and the address that it prints."""
    command = [sys.executable, "-P", "-m", "clearprop", "play", "--no-browser", "--json"]
    with subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            printed = ""
            while "}" not in printed:
                line = server.stdout.readline()
                assert line, "clearprop play has ended"
                printed += line
            yield json.loads(printed)["address"], server
        finally:
            server.terminate()


@contextmanager
def chromium() -> Iterator[Any]:
    """The browser; skips the test where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("there is no chromium here (on Debian: apt-get install chromium)")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, headless=True, args=ARGUMENTS
        )
        yield browser
        browser.close()


def values(scope: Any) -> dict[str, Any]:
    """Every number within a page or a part of it: name → data-value. One name has one value."""
    pairs = scope.locator("[data-name]").evaluate_all(
        "all => all.map(e => [e.dataset.name, e.dataset.value])"
    )
    found: dict[str, Any] = {}
    for name, text in pairs:
        try:
            value: Any = number(text)
        except ValueError:
            value = text
        assert name not in found or str(found[name]) == str(value), name
        found[name] = value
    return found


def compare(shown: dict[str, Any], expected: dict[str, Any], least: int = 1) -> None:
    """All that is shown is what the library computes, to 1e-9."""
    assert len(shown) >= least
    for name, value in shown.items():
        wanted = expected[name]
        if isinstance(value, str):
            assert value == wanted, name
        else:
            assert value == pytest.approx(number(wanted), rel=1e-9, abs=1e-9, nan_ok=True), name


def program(page: Any, panel: Any) -> str:
    """The lines of a panel's "Copy as Python"."""
    panel.get_by_role("button", name="Copy as Python").first.click()
    text = page.locator("dialog pre.python")
    text.wait_for()
    lines = text.text_content()
    page.locator("dialog").get_by_role("button", name="Close").click()
    page.locator("dialog").wait_for(state="detached")
    return lines


def serious(page: Any) -> list[str]:
    """What axe-core finds that is serious or worse."""
    if not AXE.exists():
        pytest.skip("axe-core is not here: scripts/page installs it")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{v['id']}: {v['help']}: {[n['target'] for n in v['nodes']][:4]}"
        for v in found["violations"]
        if v["impact"] in ("serious", "critical")
    ]
