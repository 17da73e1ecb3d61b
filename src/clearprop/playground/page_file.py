"""The playground's page as a file: with what it starts with, for one browser or for a web server.

static/page.html is whole: it needs no server and nothing else beside it. What a page starts with, a
link or a table, is written into it as JSON, in a script element that no browser runs;
web/src/session/payload.ts reads it.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import sys
import tempfile
import webbrowser
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from clearprop.writing import write_whole

PAGE = Path(__file__).parent / "static" / "page.html"
MARK = "<title>clearprop playground</title>"
BODY = '<div id="page">'
LINK = re.compile(r"#(~\S+|(?:station|lesson)=.+)")  # in an address, or alone
READABLE = 200  # characters of a link; a longer one is packed


def page_text(payload: Mapping[str, Any] | None = None) -> str:
    """The page with its payload: link, table; see web/src/session/payload.ts."""
    text = PAGE.read_text(encoding="utf-8")
    if not payload:
        return text
    # "<" never stands in it, so that nothing in a table can end the element
    data = json.dumps(payload, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    script = f'<script type="application/json" id="payload">{data}</script>\n    '
    return text.replace(BODY, script + BODY, 1)


def link_of(station: str, settings: Iterable[tuple[str, str]]) -> str:
    """The link (without the #) of a station and the texts of its settings, as the page writes it.

    A long link is ~ and base64 of its deflated text.
    """
    readable = urlencode([("station", station), *settings], safe=",;:")
    if len(readable) <= READABLE:
        return readable
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = deflate.compress(readable.encode()) + deflate.flush()
    return "~" + base64.urlsafe_b64encode(packed).decode().rstrip("=")


def write_page(text: str) -> Path:
    """Write the page to a new temporary folder that only this user can read."""
    folder = Path(tempfile.mkdtemp(prefix="clearprop-playground-", dir=_readable_by_browsers()))
    path = folder / "playground.html"
    path.write_text(text, encoding="utf-8")
    return path


def write_site(folder: Path, text: str) -> Path:
    """Write the page as the index.html of a folder, which is made if it is missing.

    Raises OSError, and FileExistsError if an index.html is there that is another page.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "index.html"
    if path.exists() and MARK not in path.read_text(encoding="utf-8", errors="replace")[:5000]:
        raise FileExistsError(f"{path} is there already and is another page: choose a new folder")
    write_whole(path, text)
    return path


def open_in_browser(path: Path, link: str = "") -> bool:
    """Open the file in the user's browser; whether there is one.

    The link also goes into the address, where it can be seen and copied. Some systems drop it from
    the address of a file, so that the page must have it, too.
    """
    return webbrowser.open(path.as_uri() + (f"#{link}" if link else ""))


def _readable_by_browsers() -> Path | None:
    """Where a browser can read files; None for the usual temporary folder.

    A browser installed as a snap sees neither /tmp nor hidden folders.
    """
    names = ("firefox", "chromium", "google-chrome", "x-www-browser")
    found = (shutil.which(name) for name in names)
    first = next((Path(path) for path in found if path), None)
    snap = Path("/snap/bin")
    if first is None or not (first.parent == snap or (snap / first.name).exists()):
        return None
    folder = Path.home() / "clearprop-playground"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def main(arguments: list[str]) -> None:
    """Open the page with the link in the argument, if there is one: for scripts/play."""
    link = LINK.search(arguments[0]) if arguments else None
    path = write_page(page_text({"link": link[1]} if link else None))
    print(f"The playground is the file {path}")
    open_in_browser(path, link[1] if link else "")


if __name__ == "__main__":
    main(sys.argv[1:])
