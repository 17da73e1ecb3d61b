"""Problems of the networks of a bag: the findings of all networks, each reported once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from clearprop.explain.finding import SEVERITIES, Finding

if TYPE_CHECKING:
    from clearprop.tabular import TabularClassifier, TabularRegressor

NAMED = 8  # networks that a finding lists


def merge_findings(findings_by_network: Sequence[Sequence[Finding]]) -> list[Finding]:
    """One finding for each code and layer, with its networks; the most severe gives the text."""
    M = len(findings_by_network)
    found: dict[tuple[str, int | None], list[tuple[int, Finding]]] = {}
    for number, findings in enumerate(findings_by_network):
        for finding in findings:
            found.setdefault((finding.code, finding.layer), []).append((number, finding))
    merged = []
    for same in found.values():
        number, worst = min(same, key=lambda pair: _rank(pair[1]))
        numbers = [str(n) for n, _ in same]
        listed = ", ".join(numbers[:NAMED]) + (", …" if len(numbers) > NAMED else "")
        if len(same) == M and all(f == worst for _, f in same):  # of the data
            merged.append(worst)
            continue
        message = f"in {len(same)} of {M} networks: {worst.message}"
        evidence = {"networks": listed, "shown for network": number, **worst.evidence}
        merged.append(replace(worst, message=message, evidence=evidence))
    return merged


def _rank(finding: Finding) -> tuple[int, int]:
    return SEVERITIES.index(finding.severity), -len(finding.where)


def class_names_of(model: TabularClassifier | TabularRegressor) -> list[str] | None:
    """The class names of a bag, for messages; None if it has no classes."""
    classes: Any = getattr(model, "classes_", None)
    if classes is None:
        return None
    if isinstance(classes, list):
        return [f"{label} of y[{m}]" for m, labels in enumerate(classes) for label in labels]
    return [str(label) for label in classes]
