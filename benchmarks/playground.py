"""How fast the workshop trains, and how often its page is drawn meanwhile.

Run: python benchmarks/playground.py (needs Chromium, and the extras play and test)
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))

from playground_browser import chromium, playing  # after the path is set

PRESETS = (
    "Circles, a small network",
    "XOR with one",
    "Spirals",
    "Five classes",
    "Regression",
)
SECONDS = 4
READ = """[+document.documentElement.dataset.frames,
+document.querySelector('[data-name=epoch]').dataset.value, performance.now()]"""


def main() -> None:
    with playing() as address, chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(f"{address}#station=workshop")
        page.locator("canvas").first.wait_for()
        entry = "performance.getEntriesByType('navigation')[0]"
        loaded = page.evaluate(f"{entry}.loadEventEnd - {entry}.startTime")
        print(f"loaded in {loaded:.0f} ms")
        for preset in PRESETS:
            page.get_by_role("button", name=preset, exact=True).first.click()
            page.wait_for_timeout(300)
            page.get_by_role("button", name="Train", exact=True).click()
            page.wait_for_timeout(500)
            drawn, epochs, start = page.evaluate(READ)
            page.wait_for_timeout(1000 * SECONDS)
            drawn_2, epochs_2, end = page.evaluate(READ)
            page.get_by_role("button", name="Pause", exact=True).click()
            seconds = (end - start) / 1000
            pictures, pace = (drawn_2 - drawn) / seconds, (epochs_2 - epochs) / seconds
            print(f"{preset}: {pace:,.0f} epochs/s, {pictures:.1f} pictures/s")


if __name__ == "__main__":
    main()
