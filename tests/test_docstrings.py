"""Docstrings: the examples run as they are printed, and the core documents every argument."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator

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


def documented() -> Iterator[Callable[..., object]]:
    """The public functions of the core whose arguments are all documented in place."""
    yield from (clearprop.Network, clearprop.train, clearprop.check_gradients)
    for name, member in vars(clearprop.Network).items():
        function = getattr(member, "__func__", member)
        if not name.startswith("_") and inspect.isfunction(function):
            yield function


@pytest.mark.parametrize("function", list(documented()), ids=lambda f: f.__name__)
def test_every_argument_is_documented_in_place(function: Callable[..., object]) -> None:
    text = inspect.getdoc(function) or ""
    arguments = set(inspect.signature(function).parameters) - {"self", "cls"}
    named = {
        name
        for line in re.findall(r"^\s*((?:\w+, )*\w+): ", text, re.MULTILINE)
        for name in line.split(", ")
    }
    assert sorted(arguments - named) == []
