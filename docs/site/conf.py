"""How Sphinx builds the documentation site, from what stage.py lays out."""

from __future__ import annotations

import importlib
import inspect
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from sphinx_gallery.scrapers import figure_rst

import clearprop
from clearprop.explain.picture import Picture

PACKAGE = Path(clearprop.__file__).parent
project = "clearprop"
author = "the clearprop authors"
copyright = author  # Sphinx's own name for this setting
release = version = clearprop.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.linkcode",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["site", "examples"]
suppress_warnings = ["config.cache"]  # sphinx_gallery_conf holds a function
nitpicky = False

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
pygments_style = "default"
pygments_dark_style = "github-dark"

templates_path = ["_templates"]
html_theme = "furo"
html_title = "clearprop"
html_static_path = ["_static"]
html_favicon = "_static/favicon.svg"
html_css_files = ["site.css"]
html_extra_path = ["extra"]  # the playground, as it is
html_show_sourcelink = False
html_copy_source = False

autosummary_generate = True
autodoc_typehints = "signature"
autodoc_type_aliases = {"Array": "Array", "npt.ArrayLike": "ArrayLike"}
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "inherited-members": False}
autodoc_typehints_format = "short"
python_display_short_literal_types = True
napoleon_google_docstring = False
napoleon_use_ivar = True

shown: set[int] = set()  # the pictures of the examples that stand on a page already


def scrape(block: Any, variables: dict[str, Any], config: dict[str, Any]) -> str:
    """What an example has drawn since the last look: pictures, and SVG texts."""
    paths = []
    for value in variables["example_globals"].values():
        is_svg = isinstance(value, str) and value.lstrip().startswith("<svg")
        if id(value) in shown or not (is_svg or isinstance(value, Picture)):
            continue
        shown.add(id(value))
        path = Path(next(variables["image_path_iterator"]))
        if is_svg:
            path = path.with_suffix(".svg")
            path.write_text(value)
        else:
            value.save(path)
        paths.append(str(path))
    return figure_rst(paths, config["src_dir"])


sphinx_gallery_conf = {
    "default_thumb_file": str(Path(__file__).parent / "pictures" / "overview.png"),
    "image_scrapers": (scrape,),
    "examples_dirs": "examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py$",  # all of them are run
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_signature": False,
    "min_reported_time": 3600,
    "plot_gallery": os.environ.get("CLEARPROP_DOCS_GALLERY", "True"),
}


# a place in the playground, and how a page of the site leads there
PLACE = r"(?:station|lesson)=[^)]+"
PLAY = r'<a href="playground/index.html#\2">\1</a>'


def linkcode_resolve(domain: str, of: dict[str, str]) -> str | None:
    """The listing of the file that an entry of the reference comes from."""
    try:
        found: Any = importlib.import_module(of["module"])
        for part in of["fullname"].split("."):
            found = getattr(found, part)
        path = Path(inspect.getsourcefile(inspect.unwrap(found)) or "")
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    except (AttributeError, TypeError, ValueError):
        return None
    return f"../source/{name}.html"  # pages of the reference are one folder down


def source_link(match: re.Match[str]) -> str:
    """A link to a Python file of the package leads to its listing on the site."""
    return f"](source/{match['path'].replace('/', '.')}.md)"


def formula(match: re.Match[str]) -> str:
    """A formula as MathML, which browsers show without a script."""
    return f'```{{raw}} html\n<div class="formula">{convert(match["latex"], "block")}</div>\n```'


def read_page(app: Any, name: str, lines: list[str]) -> None:
    """Adapt a page of the repository to the site: formulas, and links out of docs/."""
    text = re.sub(r"```math\n(?P<latex>.*?)\n```", formula, lines[0], flags=re.DOTALL)
    text = re.sub(r"\]\(\.\./src/clearprop/(?P<path>[\w/]+)\.py\)", source_link, text)
    text = re.sub(r"\]\(\.\./examples/?\)", "](gallery/index.rst)", text)
    text = re.sub(rf"\[([^\]]+)\]\(playground\.md#({PLACE})\)(?:, `clearprop[^`]+`)?", PLAY, text)
    if name == "changelog":
        text = re.sub(r"\]\(docs/", "](", text)
    # what the site does not have is named in the text, without a link
    lines[0] = re.sub(r"\[([^\]]+)\]\((?:\.\./[^)]+|CONTRIBUTING\.md)\)", r"\1", text)


def read_docstring(app: Any, what: str, name: str, of: Any, options: Any, lines: list[str]) -> None:
    """Docstrings are plain text: "theta: the parameters" is a list; |W|, classes_ are not marks."""
    with suppress(TypeError, ValueError):
        lines[:] = list_arguments(lines, set(inspect.signature(of).parameters))
    for i, line in enumerate(lines):
        parts = re.split(r"(``.*?``|`[^`]*`_?|:\w+:`[^`]*`|^\s*(?:>>>|\.\.\.).*$)", line)
        parts[::2] = [re.sub(r"\||(?<=\w)_(?!\w)", r"\\\g<0>", part) for part in parts[::2]]
        lines[i] = "".join(parts)


def list_arguments(lines: list[str], known: set[str]) -> list[str]:
    """The lines with each "name: text" of an argument as an entry of a list."""
    changed: list[str] = []
    inside = False
    for line in lines:
        match = re.match(r"(\*{0,2}\w+(?:, \w+)*): (.*)", line)
        if match and set(re.split(", ", match[1].lstrip("*"))) <= known:
            changed += ["", f"- **{match[1].lstrip('*')}**: {match[2]}"]
            inside = True
        elif not line.strip() or re.match(r"(Raises|Returns|Source|>>>)\b|>>>", line):
            changed += ["", line] if inside else [line]
            inside = False
        else:
            changed.append(f"  {line.strip()}" if inside else line)
    return changed


def skip_member(app: Any, what: str, name: str, of: Any, skip: bool, options: Any) -> bool | None:
    """A package's page has what the package defines, and not what it imports from elsewhere."""
    page = re.fullmatch(r"modules/(\w+)", app.env.docname)
    home = str(getattr(of, "__module__", ""))
    return True if page and home and not f"{home}.".startswith(f"clearprop.{page[1]}.") else None


def setup(app: Any) -> None:
    app.connect("autodoc-skip-member", skip_member)
    app.connect("source-read", read_page)
    app.connect("autodoc-process-docstring", read_docstring, priority=900)  # after napoleon
