"""The records of a diagnosis: the problem, the evidence and the advice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

from clearprop.notation import counted, number

SEVERITIES = ("error", "warning", "note")
MARKS = {"error": "✗", "warning": "!", "note": "·"}
COLOURS = {"error": "bold red", "warning": "bold yellow", "note": "dim"}


@dataclass(frozen=True)
class Finding:
    """One problem, or one fact worth knowing.

    code: a short name such as "dead_units". severity: "error" (the network cannot learn),
    "warning" (it learns badly) or "note". message: the problem. evidence: the numbers that show it,
    by name. advice: what to do. layer: l, if one layer is concerned. where: the numbers of the
    units, columns, classes or rows concerned.
    """

    code: str
    severity: str
    message: str
    advice: str
    evidence: Mapping[str, float | int | str] = field(default_factory=dict)
    layer: int | None = None
    where: tuple[int, ...] = ()

    @property
    def evidence_text(self) -> str:
        """The evidence on one line."""
        return ", ".join(
            f"{name} {number(v) if isinstance(v, float) else v}"
            for name, v in self.evidence.items()
        )

    def __str__(self) -> str:
        evidence = f" ({self.evidence_text})" if self.evidence else ""
        return f"{self.severity}: {self.message}{evidence}. {self.advice}"

    def to_document(self) -> dict[str, Any]:
        """The finding as JSON values."""
        return {
            "code": self.code,
            "severity": self.severity,
            "layer": self.layer,
            "message": self.message,
            "evidence": dict(self.evidence),
            "where": list(self.where),
            "advice": self.advice,
        }


@dataclass(frozen=True)
class Diagnosis(Sequence[Finding]):
    """The findings, the most severe first; empty if all is well. `about` says what was examined."""

    findings: tuple[Finding, ...]
    about: str

    @classmethod
    def of(cls, findings: Sequence[Finding], about: str) -> Diagnosis:
        return cls(tuple(sorted(findings, key=lambda f: SEVERITIES.index(f.severity))), about)

    @property
    def ok(self) -> bool:
        """Whether no finding is worse than a note."""
        return all(finding.severity == "note" for finding in self.findings)

    @property
    def codes(self) -> list[str]:
        """The short names of the findings."""
        return [finding.code for finding in self.findings]

    @overload
    def __getitem__(self, key: int | str) -> Finding: ...
    @overload
    def __getitem__(self, key: slice) -> tuple[Finding, ...]: ...
    def __getitem__(self, key: int | str | slice) -> Finding | tuple[Finding, ...]:
        if not isinstance(key, str):
            return self.findings[key]
        for finding in self.findings:
            if finding.code == key:
                return finding
        raise KeyError(f"there is no finding {key!r}; findings: {', '.join(self.codes) or 'none'}")

    def __len__(self) -> int:
        return len(self.findings)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def to_document(self) -> dict[str, Any]:
        """The diagnosis as JSON values."""
        findings = [finding.to_document() for finding in self.findings]
        return {"about": self.about, "ok": self.ok, "findings": findings}

    @property
    def heading(self) -> str:
        found = counted(len(self), "finding") if self.findings else "nothing found"
        return f"{self.about}: {found}"

    def __str__(self) -> str:
        from clearprop.explain.show_text import plain

        return plain(self)

    def __rich__(self) -> Any:
        from rich.console import Group
        from rich.padding import Padding
        from rich.text import Text

        parts: list[Any] = [Text(self.heading)]
        for finding in self.findings:
            style = COLOURS[finding.severity]
            parts.append(Text.assemble((f"{MARKS[finding.severity]} {finding.message}", style)))
            lines = [finding.evidence_text] if finding.evidence else []
            for line in [*lines, f"→ {finding.advice}"]:
                parts.append(Padding(Text(line), (0, 0, 0, 2)))
        return Group(*parts)

    def _repr_html_(self) -> str:
        from html import escape

        from clearprop.notebook.html import page

        parts = [f"<div>{escape(self.heading)}</div>"]
        for f in self.findings:
            evidence = f'<div class="s">{escape(f.evidence_text)}</div>' if f.evidence else ""
            parts.append(
                f"<div><b>{MARKS[f.severity]} {f.severity}: {escape(f.message)}</b>{evidence}"
                f"<div>→ {escape(f.advice)}</div></div>"
            )
        return page("".join(parts))
