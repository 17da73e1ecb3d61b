"""Settings: small frozen records whose fields know their bounds, and their form in a link.

A station's settings are a frozen dataclass. Each field is made by :func:`setting` with a record
that defines what the field may hold. The record checks values from a page, writes them into a link
and reads them back, and describes itself, so that the page draws its controls from the same bounds.
"""

from __future__ import annotations

import dataclasses
import json
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

Settings = TypeVar("Settings")


class SettingKind(ABC):
    """What one setting may hold."""

    kind: ClassVar[str]

    @abstractmethod
    def check(self, name: str, value: Any) -> Any:
        """The value as the record stores it; otherwise ValueError, naming the setting."""

    @abstractmethod
    def write(self, value: Any) -> str:
        """The value as text in a link; `read` returns it exactly."""

    @abstractmethod
    def read(self, name: str, text: str) -> Any:
        """The value of a text in a link, not yet checked; ValueError, naming the setting."""

    def describe(self) -> dict[str, Any]:
        """The description that the page needs for its control."""
        own = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}  # type: ignore[arg-type]  # every kind is a dataclass, which an ABC cannot say
        return {"kind": self.kind, **own}


@dataclass(frozen=True)
class OneNumber(SettingKind):
    """A number from low to high; `step`: step of the control, 0 for a multiplying control."""

    label: str
    low: float
    high: float
    step: float = 0.0
    whole: bool = False
    kind: ClassVar[str] = "number"

    def check(self, name: str, value: Any) -> float | int:
        right = isinstance(value, int | float) and not isinstance(value, bool)
        if right and self.whole:
            right = value == math.floor(value) if math.isfinite(value) else False
        if not right or not self.low <= value <= self.high:
            what = "an integer" if self.whole else "a number"
            raise ValueError(
                f"{name} must be {what} from {self.low:g} to {self.high:g}; got {_shown(value)}"
            )
        return int(value) if self.whole else float(value)

    def write(self, value: Any) -> str:
        return f"{value:.0f}" if self.whole or value == math.floor(value) else repr(value)

    def read(self, name: str, text: str) -> float:
        if len(text) <= 40:
            try:
                return float(text)
            except ValueError:
                pass
        raise ValueError(f"{name} must be a number; got {_shown(text)}")


@dataclass(frozen=True)
class Choice(SettingKind):
    """One of several names, each with a readable title."""

    label: str
    options: Mapping[str, str]
    kind: ClassVar[str] = "choice"

    def check(self, name: str, value: Any) -> str:
        if not isinstance(value, str) or value not in self.options:
            raise ValueError(f"{name} must be one of {list(self.options)}; got {_shown(value)}")
        return value

    def write(self, value: Any) -> str:
        return str(value)

    def read(self, name: str, text: str) -> str:
        return text


@dataclass(frozen=True)
class Numbers(SettingKind):
    """Between `least` and `most` numbers, each of the kind `each`."""

    label: str
    each: OneNumber
    least: int
    most: int
    kind: ClassVar[str] = "numbers"

    def check(self, name: str, value: Any) -> tuple[float | int, ...]:
        if not isinstance(value, list | tuple) or not self.least <= len(value) <= self.most:
            raise ValueError(
                f"{name} must be {self.least} to {self.most} numbers; got {_shown(value)}"
            )
        return tuple(self.each.check(f"{name}[{i}]", entry) for i, entry in enumerate(value))

    def write(self, value: Any) -> str:
        return ",".join(map(self.each.write, value))

    def read(self, name: str, text: str) -> tuple[float, ...]:
        parts = text.split(",", self.most) if text else []
        return tuple(self.each.read(f"{name}[{i}]", part) for i, part in enumerate(parts))

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), "each": self.each.describe()}


@dataclass(frozen=True)
class Rows(SettingKind):
    """Up to `most` rows of numbers, one kind for each column."""

    label: str
    columns: tuple[OneNumber, ...]
    most: int
    kind: ClassVar[str] = "rows"

    def check(self, name: str, value: Any) -> tuple[tuple[float | int, ...], ...]:
        if not isinstance(value, list | tuple) or len(value) > self.most:
            raise ValueError(f"{name} must be at most {self.most} rows; got {_shown(value)}")
        return tuple(self._check_row(f"{name}[{i}]", row) for i, row in enumerate(value))

    def _check_row(self, name: str, row: Any) -> tuple[float | int, ...]:
        if not isinstance(row, list | tuple) or len(row) != len(self.columns):
            raise ValueError(f"{name} must be {len(self.columns)} numbers; got {_shown(row)}")
        return tuple(
            column.check(f"{name}.{column.label}", entry)
            for column, entry in zip(self.columns, row, strict=True)
        )

    def write(self, value: Any) -> str:
        return ";".join(
            ",".join(c.write(entry) for c, entry in zip(self.columns, row, strict=True))
            for row in value
        )

    def read(self, name: str, text: str) -> tuple[tuple[float, ...], ...]:
        rows = text.split(";", self.most) if text else []
        return tuple(
            tuple(self.columns[0].read(f"{name}[{i}]", part) for part in row.split(","))
            for i, row in enumerate(rows)
        )

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), "columns": [column.describe() for column in self.columns]}


@dataclass(frozen=True)
class Choices(SettingKind):
    """Between `least` and `most` choices of the kind `each`."""

    label: str
    each: Choice
    least: int
    most: int
    kind: ClassVar[str] = "choices"

    def check(self, name: str, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list | tuple) or not self.least <= len(value) <= self.most:
            raise ValueError(
                f"{name} must be {self.least} to {self.most} names; got {_shown(value)}"
            )
        return tuple(self.each.check(f"{name}[{i}]", entry) for i, entry in enumerate(value))

    def write(self, value: Any) -> str:
        return ",".join(value)

    def read(self, name: str, text: str) -> tuple[str, ...]:
        return tuple(text.split(",", self.most)) if text else ()

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), "each": self.each.describe()}


@dataclass(frozen=True)
class Named(SettingKind):
    """Choices of the kind `each` for named things (any text), as a tuple of pairs."""

    label: str
    each: Choice
    most: int
    kind: ClassVar[str] = "named"

    def check(self, name: str, value: Any) -> tuple[tuple[str, str], ...]:
        if isinstance(value, dict):
            value = list(value.items())
        if not isinstance(value, list | tuple) or len(value) > self.most:
            raise ValueError(f"{name} must be at most {self.most} pairs; got {_shown(value)}")
        checked: dict[str, str] = {}
        for pair in value:
            if not isinstance(pair, list | tuple) or len(pair) != 2 or not isinstance(pair[0], str):
                raise ValueError(f"{name} must be pairs of a name and a choice; got {_shown(pair)}")
            checked[pair[0][:200]] = self.each.check(f"{name}[{_shown(pair[0])}]", pair[1])
        return tuple(checked.items())

    def write(self, value: Any) -> str:
        return json.dumps(dict(value), ensure_ascii=False, separators=(",", ":"))

    def read(self, name: str, text: str) -> dict[str, Any]:
        try:
            pairs = json.loads(text)
        except (ValueError, RecursionError):
            pairs = None
        if not isinstance(pairs, dict):
            raise ValueError(f"{name} must be a JSON object; got {_shown(text)}")
        return pairs

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), "each": self.each.describe()}


@dataclass(frozen=True)
class Text(SettingKind):
    """A text of at most `most` characters, all of them printable."""

    label: str
    most: int
    kind: ClassVar[str] = "text"

    def check(self, name: str, value: Any) -> str:
        if not isinstance(value, str) or len(value) > self.most or not value.isprintable():
            raise ValueError(
                f"{name} must be a text of up to {self.most} characters; got {_shown(value)}"
            )
        return value

    def write(self, value: Any) -> str:
        return str(value)

    def read(self, name: str, text: str) -> str:
        return text


def setting(default: Any, kind: SettingKind) -> Any:
    """A field of a settings record."""
    return field(default=default, metadata={"kind": kind})


def kinds(record: Any) -> dict[str, SettingKind]:
    """Name → kind, for the fields of a settings record or its class."""
    return {f.name: f.metadata["kind"] for f in dataclasses.fields(record)}


def check(record: Any) -> None:
    """For `__post_init__`: check every field and convert it to the form of its kind."""
    for name, kind in kinds(record).items():
        object.__setattr__(record, name, kind.check(name, getattr(record, name)))


def change(record: Settings, changes: Mapping[str, Any]) -> Settings:
    """The record with some settings changed; ValueError for an unknown name or invalid value."""
    known = kinds(record)
    for name in changes:
        if name not in known:
            raise ValueError(
                f"there is no setting {_shown(name)}; the settings are {', '.join(known)}"
            )
    return dataclasses.replace(record, **changes)  # type: ignore[type-var]  # a dataclass: `kinds` has read its fields


def to_pairs(record: Any) -> list[tuple[str, str]]:
    """Name and text of every setting that differs from its default, in the order of the fields."""
    default = type(record)()
    return [
        (name, kind.write(getattr(record, name)))
        for name, kind in kinds(record).items()
        if getattr(record, name) != getattr(default, name)
    ]


def from_pairs(cls: type[Settings], pairs: Mapping[str, str]) -> Settings:
    """The record of the texts that `to_pairs` wrote; ValueError for any others."""
    known = kinds(cls)
    values = {}
    for name, text in pairs.items():
        if name not in known:
            raise ValueError(
                f"there is no setting {_shown(name)}; the settings are {', '.join(known)}"
            )
        values[name] = known[name].read(name, text)
    return cls(**values)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
