"""What all tests share: a deterministic Hypothesis profile, Ctrl-C, and `clearprop circuit`."""

from __future__ import annotations

import signal
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import settings

settings.register_profile("clearprop", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("clearprop")

# A shell may start what runs in the background with Ctrl-C ignored; some tests send it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

C17 = """\
module c17 (N1, N2, N3, N6, N7, N22, N23);
  input N1, N2, N3, N6, N7;
  output N22, N23;
  wire N10, N11, N16, N19;
  nand (N10, N1, N3);
  nand (N11, N3, N6);
  nand (N16, N2, N11);
  nand (N19, N11, N7);
  nand (N22, N10, N16);
  nand (N23, N16, N19);
endmodule
"""


@pytest.fixture
def c17_folder(tmp_path, monkeypatch):
    """The present folder, with c17.v."""
    monkeypatch.chdir(tmp_path)
    Path("c17.v").write_text(C17)
    return tmp_path


@pytest.fixture
def run_circuit(capfdbinary):
    """`clearprop circuit …` in this process: code, out, err, and the bytes of out."""
    from clearprop.cli import main

    def run_command(*arguments):
        capfdbinary.readouterr()
        code = main(["circuit", *map(str, arguments)])
        out, err = capfdbinary.readouterr()
        return SimpleNamespace(code=code, out=out.decode(), err=err.decode(), bytes=out)

    return run_command


# ---- the page of the playground ------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser():
    from browser import chromium

    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def page_of_module(browser):
    from page import open_page

    with open_page(browser) as opened:
        yield opened


@pytest.fixture
def page(page_of_module):
    """The page as a file in one tab; nothing may go wrong in it during a test."""
    yield page_of_module
    said, page_of_module.said = page_of_module.said, []
    assert said == []
