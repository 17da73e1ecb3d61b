"""The code of "copy as Python": plain calls of the library that print the numbers shown.

Each number has a name. A line of output is the name, a space and the value as JSON. The page shows
the same value under the same name, so the two can be compared entry by entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

SHOW = """
def show(name, value):
    print(name, json.dumps(np.asarray(value).tolist()))
"""


def script(imports: Iterable[str], lines: Iterable[str], shown: Mapping[str, str]) -> str:
    """A program: the imports, the lines, and one `show` for each name → expression."""
    head = "\n".join(["import json", "", "import numpy as np", "import clearprop as cp", *imports])
    shows = "\n".join(f"show({name!r}, {expression})" for name, expression in shown.items())
    body = "\n".join(lines)
    return f"{head}\n\n{SHOW}\n\n{body}\n\n{shows}\n"


def listed(values: Iterable[float | int]) -> str:
    """Numbers as the text of a Python list that gives the same bits."""
    return "[" + ", ".join(map(repr, values)) + "]"
