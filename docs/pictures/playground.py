"""The pictures of docs/playground.md: python docs/pictures/playground.py (needs Chromium).

Pillow, if it is there, makes the files a third as large.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "tests" / "helpers"))

from browser import chromium  # noqa: E402  # after the path is set
from page import FILE, READ  # noqa: E402

SPIRALS = "station=workshop&data=spirals&n=400&hidden=8,6&optimizer=adam&learning_rate=0.01"
BLOBS = "station=workshop&data=blobs&classes=5&output=softmax&hidden=6"
PICTURES = {
    "divergence": ("station=divergence", "light", 800),
    "softmax": ("station=softmax&z=2,1,-1&shift=1000", "light", 800),
    "circuits": ("station=circuits", "light", 800),
    "stepper": ("station=stepper&line=14&at=0,1", "light", 800),
    "outputs": ("station=outputs", "dark", 800),
    "workshop": (SPIRALS + "&run=9000", "light", 940),
    "workshop-dark": (BLOBS + "&run=400", "dark", 940),
}


def main() -> None:
    with chromium() as browser:
        for name, (link, scheme, height) in PICTURES.items():
            size = {"width": 1280, "height": height}
            page = browser.new_page(viewport=size, color_scheme=scheme)
            page.add_init_script(READ)
            page.goto(f"{FILE.as_uri()}#{link}")
            page.wait_for_selector("html[data-ready]", state="attached")
            page.wait_for_timeout(2500)
            path = HERE / f"playground-{name}.png"
            page.screenshot(path=path)
            page.close()
            shrink(path)


def shrink(path: Path) -> None:
    """256 colours are enough for a page."""
    try:
        from PIL import Image
    except ImportError:
        return
    with Image.open(path) as image:
        small = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    small.save(path, optimize=True)


if __name__ == "__main__":
    main()
