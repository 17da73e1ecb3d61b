"""The examples in the docstrings of the installed package run as they are printed."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from collections.abc import Iterator

import pytest

import clearprop


def examples() -> Iterator[doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    names = ["clearprop"]
    names += [m.name for m in pkgutil.walk_packages(clearprop.__path__, "clearprop.")]
    for name in names:
        if not name.endswith("__main__"):
            yield from finder.find(importlib.import_module(name), name)


@pytest.mark.parametrize("example", [e for e in examples() if e.examples], ids=lambda e: e.name)
def test_docstring(example: doctest.DocTest) -> None:
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    report: list[str] = []
    doctest.DocTestRunner(optionflags=flags).run(example, out=report.append)
    assert not report, "".join(report)
