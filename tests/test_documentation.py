"""The documentation site: its reference names every public name, and its layout is complete."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import clearprop as cp
from clearprop import circuits, explain

SITE = Path(__file__).parents[1] / "docs" / "site"
API = (SITE / "api.md").read_text(encoding="utf-8")


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, SITE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_has_every_public_name_once() -> None:
    parts = re.split(r"\.\. currentmodule:: ([\w.]+)", API)[1:]
    listed = sorted(
        f"{module}.{name}"
        for module, text in zip(parts[::2], parts[1::2], strict=True)
        for name in re.findall(r"^   (\w+)$", text, re.MULTILINE)
    )
    tables = {"ACTIVATIONS", "INITIALIZERS", "OPTIMIZERS", "OUTPUTS", "SCHEDULES", "FORMATS"}
    modules = set(re.findall(r"^modules/(\w+)$", API, re.MULTILINE)) | {"circuits", "explain"}
    public = {
        f"{module.__name__}.{name}" for module in (cp, circuits, explain) for name in module.__all__
    }
    hidden = {f"clearprop.{name}" for name in modules}
    hidden |= {f"{m.__name__}.{name}" for m in (cp, circuits) for name in (*tables, "GATES")}
    assert listed == sorted(public - hidden)


def test_what_sphinx_reads_is_laid_out_in_a_folder_of_its_own(tmp_path: Path) -> None:
    script("stage").stage(tmp_path / "source")
    found = {p.relative_to(tmp_path / "source").as_posix() for p in tmp_path.rglob("*.*")}
    wanted = "index.md api.md lecture.md source/network.md extra/playground/index.html"
    assert set(wanted.split()) <= found


def test_broken_links_are_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('<a href="b.html#here">b</a><a href="c.html">c</a>')
    (tmp_path / "b.html").write_text('<p id="there"></p><a href="a.html">a</a><img src="d.png">')
    found = script("check_links").broken(tmp_path)
    assert found == ["a.html: b.html#here", "a.html: c.html", "b.html: d.png"]
