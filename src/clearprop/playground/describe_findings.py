"""What a diagnosis can find, for the page: texts and limits."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from clearprop.explain.known_findings import KNOWN, LIMITS
from clearprop.explain.statistics import STEEPEST


def findings() -> list[dict[str, Any]]:
    """Every entry of KNOWN with its key."""
    return [{"key": key, **asdict(known)} for key, known in KNOWN.items()]


def limits() -> dict[str, Any]:
    """The limits, and the bounded activations with their steepest slope."""
    return {**LIMITS, "steepest": STEEPEST}
