"""The whole suite: the machine, then section after section."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from benchmarks.speed import machine
from benchmarks.speed.compare import Table
from benchmarks.speed.settings import Settings, UnavailableError, load, why_missing


def run(
    settings: Settings, show: Callable[[dict[str, Any], str], None] = lambda document, name: None
) -> dict[str, Any]:
    """Measure, and return everything as one JSON document.

    show(document, name) is called with the document so far: first for "machine", then for each
    section when it is done.
    """
    load(settings)
    document: dict[str, Any] = {
        "clearprop_benchmark": 1,  # the form of this document
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "settings": {
            "sections": settings.sections,
            "cases": settings.cases,
            "peers": settings.peers,
            "precisions": settings.precisions,
            "runs": settings.runs,
            "threads": settings.threads,
            "quick": settings.quick,
        },
        "not_available": {p: why for p in settings.peers if (why := why_missing(p)) is not None},
        "sections": {},
    }
    settings.report("the machine: products and copies")
    document["machine"] = machine.describe(settings)
    show(document, "machine")
    for name in settings.sections:
        section = importlib.import_module(f"benchmarks.speed.sections.{name}")
        try:
            result = section.measure(settings, document["machine"])
        except UnavailableError as error:
            result = {"not_available": str(error)}
        document["sections"][name] = result
        show(document, name)
    return document


def tables(document: dict[str, Any], name: str) -> list[Table]:
    """What a section of the document shows."""
    result = document["sections"][name]
    if "not_available" in result:
        return [Table(name, (), [], notes=(result["not_available"],))]
    section = importlib.import_module(f"benchmarks.speed.sections.{name}")
    shown: list[Table] = section.tables(result)
    return shown
