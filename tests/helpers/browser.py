"""A headless Chromium for tests of pages, and what a page shows."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
PATIENCE = 10.0  # seconds until the page must show what is asked


ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
]


@contextmanager
def chromium() -> Iterator[Any]:
    """A headless browser; skips the test, with the reason, where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no chromium on the PATH (Debian's package chromium; or set CHROMIUM)")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


def values(scope: Any) -> dict[str, Any]:
    """All numbers of a page or a part of it by name, and texts; those shown twice are the same."""
    pairs = scope.locator("[data-name]").evaluate_all(
        "all => all.map(e => [e.dataset.name, e.dataset.value])"
    )
    found: dict[str, Any] = {}
    for name, text in pairs:
        try:
            value: Any = float(text)
        except ValueError:
            value = text
        assert str(value) == str(found.setdefault(name, value)), name
    return found


def program(page: Any, panel: Any) -> str:
    """The lines of a panel's "Copy as Python"."""
    panel.get_by_role("button", name="Copy as Python").first.click()
    text = page.locator("dialog.code pre.python")
    text.wait_for()
    lines = text.text_content()
    page.locator("dialog.code").get_by_role("button", name="Close").click()
    page.locator("dialog.code").wait_for(state="detached")
    return str(lines)


def serious(page: Any) -> list[str]:
    """Accessibility findings of axe-core that are serious or worse."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: run scripts/page")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{finding['id']}: {finding['help']}: {node['html'][:150]} {node['failureSummary']}"
        for finding in result["violations"]
        if finding["impact"] in ("serious", "critical")
        for node in finding["nodes"][:3]
    ]
