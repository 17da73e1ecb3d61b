"""Lays out what Sphinx reads, in a folder of its own: docs/, the examples, sources, the playground.

`python docs/site/stage.py FOLDER`. Nothing in the checkout is written.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = ("conf.py", "index.md", "api.md", "play.md")
PLAYGROUND = ROOT / "src" / "clearprop" / "playground" / "static"


def stage(folder: Path) -> None:
    """Fill the folder, which is emptied first."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "docs", folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    for name in PAGES:
        shutil.copy(ROOT / "docs" / "site" / name, folder / name)
    shutil.copytree(ROOT / "docs" / "site" / "_templates", folder / "_templates")
    shutil.copytree(ROOT / "examples", folder / "examples")
    (folder / "_static").mkdir()
    shutil.copy(ROOT / "docs" / "site" / "site.css", folder / "_static" / "site.css")
    shutil.copy(ROOT / "web" / "src" / "favicon.svg", folder / "_static" / "favicon.svg")
    (folder / "extra" / "playground").mkdir(parents=True)
    shutil.copy(PLAYGROUND / "page.html", folder / "extra" / "playground" / "index.html")
    shutil.copy(ROOT / "CHANGELOG.md", folder / "changelog.md")
    list_sources(folder)
    list_modules(folder)


def list_modules(folder: Path) -> None:
    """A page for each module that api.md names in its table of modules."""
    (folder / "modules").mkdir()
    for name in re.findall(r"^modules/(\w+)$", (folder / "api.md").read_text(), re.MULTILINE):
        is_package = (ROOT / "src" / "clearprop" / name).is_dir()
        (folder / "modules" / f"{name}.md").write_text(
            f"# clearprop.{name}\n\n```{{eval-rst}}\n.. automodule:: clearprop.{name}\n"
            f"   :members:\n{'   :imported-members:' if is_package else ''}\n```\n"
        )


def list_sources(folder: Path) -> None:
    """A page for every Python file of the package, to which guides and reference link."""
    target = folder / "source"
    target.mkdir()
    package = ROOT / "src" / "clearprop"
    for path in package.rglob("*.py"):
        inside = path.relative_to(package)
        name = ".".join(inside.with_suffix("").parts)
        shutil.copy(path, target / f"{name}.py")
        (target / f"{name}.md").write_text(
            f"---\norphan: true\n---\n# {inside}\n\n"
            f"```{{literalinclude}} {name}.py\n:language: python\n```\n"
        )


if __name__ == "__main__":
    stage(Path(sys.argv[1]))
