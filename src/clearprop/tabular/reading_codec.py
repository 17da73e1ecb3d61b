"""How a column is read as a document: written, and read back strictly."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from clearprop.documents import Document, ModelFileError, check_keys, take, take_list
from clearprop.tables.columns import TYPES, ColumnType
from clearprop.tables.reading import Reading
from clearprop.tables.text_dates import ORDERS, DateFormat
from clearprop.tables.text_numbers import DECIMALS, THOUSANDS, NumberFormat

MAX_UNIT = 40  # characters of a unit


def reading_to_document(reading: Reading) -> Document:
    """Everything but the kind, which stands beside it in a file."""
    return {
        "reason": reading.reason,
        "type": None if reading.type is None else _type_to_document(reading.type),
        **number_to_document(reading.number),
        **({} if reading.date is None else {"date": reading.date.order}),
        **({} if not reading.gaps else {"gaps": list(reading.gaps)}),
    }


def reading_from_entry(entry: Document, kind: str, where: str) -> Reading:
    """The reading of a column of this kind; ModelFileError, naming `where`.

    Files of earlier versions have only the type, or nothing.
    """
    if "reading" not in entry:
        return Reading(kind, type=_type(entry, where) if "type" in entry else None)
    document: Document = take(entry, "reading", dict, where)
    place = f"{where}: reading"
    check_keys(document, ("reason", "type"), place, optional=("number", "date", "gaps"))
    date = None
    if "date" in document:
        date = DateFormat(take(document, "date", str, place, choices=ORDERS))
    return Reading(
        kind,
        take(document, "reason", str, place),
        _type(document, place),
        number_from_entry(document, place),
        date,
        tuple(take_list(document, "gaps", str, place)) if "gaps" in document else (),
    )


def number_to_document(number: NumberFormat | None) -> Document:
    """An entry for the format of numbers; none for plain numbers."""
    if number is None:
        return {}
    document = asdict(number)
    if not number.multiples:  # absent in files of earlier versions
        del document["multiples"]
    return {"number": document}


def number_from_entry(entry: Document, where: str) -> NumberFormat | None:
    """The inverse of `number_to_document`; ModelFileError, naming `where`."""
    if "number" not in entry:
        return None
    document: Document = take(entry, "number", dict, where)
    place = f"{where}: number"
    keys = ("decimal", "thousands", "unit", "brackets", "duration")
    check_keys(document, keys, place, optional=("multiples",))
    form = NumberFormat(
        take(document, "decimal", str, place, choices=DECIMALS),
        take(document, "thousands", str, place, choices=THOUSANDS),
        take(document, "unit", str, place),
        take(document, "brackets", bool, place),
        take(document, "duration", bool, place),
        take(document, "multiples", bool, place) if "multiples" in document else False,
    )
    if form.decimal == form.thousands or len(form.unit) > MAX_UNIT:
        raise ModelFileError(f"{place}: its parts do not fit together")
    return form


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
