"""How a column is read as a document: written, and read back strictly."""

from __future__ import annotations

from typing import Any

from clearprop.documents import Document, check_keys, take
from clearprop.tables.columns import TYPES, ColumnType
from clearprop.tables.reading import Reading


def reading_to_document(reading: Reading) -> Document:
    """Everything but the kind, which stands beside it in a file."""
    return {
        "reason": reading.reason,
        "type": None if reading.type is None else _type_to_document(reading.type),
    }


def reading_from_entry(entry: Document, kind: str, where: str) -> Reading:
    """The reading of a column of this kind; ModelFileError, naming `where`.

    Files of earlier versions have only the type, or nothing.
    """
    if "reading" not in entry:
        return Reading(kind, type=_type(entry, where) if "type" in entry else None)
    document: Document = take(entry, "reading", dict, where)
    place = f"{where}: reading"
    check_keys(document, ("reason", "type"), place)
    return Reading(kind, take(document, "reason", str, place), _type(document, place))


def _type_to_document(type_: ColumnType) -> Document:
    document = {"name": type_.name, "category": type_.category, "zone": type_.zone}
    if type_.bits != 64:  # these two are absent in files of earlier versions
        document["bits"] = type_.bits
    return document | ({"mixed": True} if type_.mixed else {})


def _type(entry: Document, where: str) -> ColumnType | None:
    document: Any = take(entry, "type", (dict, type(None)), where)
    if document is None:
        return None
    check_keys(document, ("name", "category", "zone"), where, optional=("bits", "mixed"))
    zone: str | None = take(document, "zone", (str, type(None)), where)
    name: str = take(document, "name", str, where, choices=TYPES)
    bits: int = take(document, "bits", int, where, choices=(16, 32)) if "bits" in document else 64
    mixed = take(document, "mixed", bool, where) if "mixed" in document else False
    return ColumnType(name, take(document, "category", bool, where), zone, bits, mixed)
