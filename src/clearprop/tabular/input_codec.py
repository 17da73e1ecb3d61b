"""The fitted inputs of a table as a document: written, and read back strictly."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from clearprop.documents import Document, ModelFileError, check_keys, reading, take, take_list
from clearprop.tables.columns import KINDS
from clearprop.tables.dates import DATE_PARTS
from clearprop.tabular.input_columns import LIMIT, Categories, Flag, InputColumn, Number
from clearprop.tabular.inputs import MAX_UNITS, TableInputs
from clearprop.tabular.reading_codec import reading_from_entry, reading_to_document
from clearprop.tabular.table_columns import TableColumn
from clearprop.tabular.texts import MOST_CODES, MOST_NGRAMS, NGrams

TEXT_KEYS = ("names", "n_codes")
COLUMN_KEYS = ("name", "kind", "numbers", "categories", "embedded", "flags", "missing")


def inputs_to_document(inputs: TableInputs) -> Document:
    """The records of the columns, the names of all columns in training, and `least_units`."""
    return {
        "names": list(inputs.names),
        "least_units": inputs.least_units,
        "table": [asdict(column) for column in inputs.table],
        "columns": [_column_to_document(column) for column in inputs.columns],
    }


def inputs_from_document(document: Document, where: str) -> TableInputs:
    """The inverse of :func:`inputs_to_document`; ModelFileError, naming `where`."""
    check_keys(document, ("names", "least_units", "columns"), where, optional=("table",))
    names = take_list(document, "names", str, where)
    columns = []
    for i, entry in enumerate(take_list(document, "columns", dict, where)):
        columns.append(_column_from_document(entry, f"{where}: columns[{i}]"))
    used = [column.name for column in columns]
    if len(set(names)) < len(names) or len(set(used)) < len(used) or set(used) - set(names):
        raise ModelFileError(f"{where}: the names of the columns do not fit together")
    least_units: int = take(document, "least_units", int, where, minimum=1, maximum=MAX_UNITS)
    table = _table(document, where)
    if table and [column.name for column in table] != names:
        raise ModelFileError(f"{where}: the records of the table do not fit its columns")
    inputs = TableInputs(tuple(columns), tuple(names), least_units, table)
    with reading(where):
        _ = inputs.layer  # the edges must be in rising order
    return inputs


def _table(document: Document, where: str) -> tuple[TableColumn, ...]:
    """The records of all columns of the table; none in files of earlier versions."""
    records = []
    for i, entry in enumerate(
        take_list(document, "table", dict, where) if "table" in document else ()
    ):
        place = f"{where}: table[{i}]"
        check_keys(entry, ("name", "kind", "reason", "type", "inputs", "n_missing"), place)
        name, kind, reason, type_, inputs = (
            take(entry, key, str, place) for key in ("name", "kind", "reason", "type", "inputs")
        )
        n_missing: int = take(entry, "n_missing", int, place, minimum=0)
        records.append(TableColumn(name, kind, reason, type_, inputs, n_missing))
    return tuple(records)


def _column_to_document(column: InputColumn) -> Document:
    categories = column.categories
    document: Document = {
        "name": column.name,
        "kind": column.kind,
        "reading": reading_to_document(column.reading),
        "numbers": [
            {
                "name": number.name,
                "median": number.median,
                "scale": number.scale,
                "exponent": number.exponent,
                "edges": list(number.edges),
            }
            for number in column.numbers
        ],
        "categories": None if categories is None else list(categories.names),
        "embedded": categories is not None and categories.embedded,
        "flags": [[flag.centre, flag.scale] for flag in column.flags],
        "missing": None
        if column.missing is None
        else [column.missing.centre, column.missing.scale],
    }
    if column.angle_step:  # absent where an older version did not round
        document["angle_step"] = column.angle_step
    if column.ngrams is not None:
        document["ngrams"] = {"names": list(column.ngrams.names), "n_codes": column.ngrams.n_codes}
    return document


def _column_from_document(entry: Document, where: str) -> InputColumn:
    check_keys(entry, COLUMN_KEYS, where, optional=("reading", "type", "angle_step", "ngrams"))
    name = take(entry, "name", str, where)
    kind: str = take(entry, "kind", str, where, choices=tuple(k for k in KINDS if k != "ignore"))
    numbers = tuple(_number(n, where) for n in take_list(entry, "numbers", dict, where))
    embedded = take(entry, "embedded", bool, where)
    categories = None
    if take(entry, "categories", (list, type(None)), where) is not None:
        labels = take_list(entry, "categories", str, where)
        if not labels or len(set(labels)) < len(labels):
            raise ModelFileError(f"{where}: the categories are not distinct")
        categories = Categories(tuple(labels), embedded)
    flags = tuple(_flag({"flag": f}, "flag", where) for f in take_list(entry, "flags", list, where))
    missing = None
    if take(entry, "missing", (list, type(None)), where) is not None:
        missing = _flag(entry, "missing", where)
    step = 0.0
    if "angle_step" in entry:
        step = take(entry, "angle_step", float, where, minimum=2**-52, maximum=1)
    reading = reading_from_entry(entry, kind, where)
    ngrams = _ngrams(take(entry, "ngrams", dict, where), where) if "ngrams" in entry else None
    column = InputColumn(name, reading, numbers, categories, flags, missing, step, ngrams)
    if not _fits(column, embedded):
        raise ModelFileError(f"{where}: its parts do not fit its kind")
    return column


def _fits(column: InputColumn, embedded: bool) -> bool:
    """Whether the column has only parts that its kind may have."""
    parts = [number.name for number in column.numbers]
    if column.angle_step and column.kind != "date":
        return False
    if column.kind == "text" or column.ngrams is not None:
        others = parts or column.categories or embedded or column.flags or column.missing
        return column.kind == "text" and column.ngrams is not None and not others
    if column.kind == "categorical":
        categories = column.categories
        if categories is None or parts or column.missing is not None:
            return False
        return len(column.flags) == categories.n_flags
    if column.categories is not None or embedded:
        return False
    if column.kind == "boolean":
        return len(column.flags) == 1 and not parts and column.missing is None
    allowed = DATE_PARTS if column.kind == "date" else ("",)
    distinct = len(set(parts)) == len(parts) and set(parts) <= set(allowed)
    return distinct and not column.flags and bool(parts or column.missing)


def _ngrams(entry: Document, where: str) -> NGrams:
    check_keys(entry, TEXT_KEYS, where)
    names = take_list(entry, "names", str, where)
    if not 0 < len(set(names)) == len(names) <= MOST_NGRAMS:
        raise ModelFileError(f"{where}: its n-grams are not distinct, none, or too many")
    n_codes: int = take(entry, "n_codes", int, where, minimum=1, maximum=MOST_CODES)
    return NGrams(tuple(names), n_codes)


def _number(entry: Document, where: str) -> Number:
    check_keys(entry, ("name", "median", "scale", "exponent", "edges"), where)
    edges = take_list(entry, "edges", float, where, minimum=-LIMIT, maximum=LIMIT)
    if not (np.diff(np.array(edges, np.float32)) > 0).all():
        raise ModelFileError(f"{where}: the edges must be in rising order")
    return Number(
        take(entry, "name", str, where),
        take(entry, "median", float, where),
        take(entry, "scale", float, where, minimum=0),
        take(entry, "exponent", int, where, minimum=-1100, maximum=1100),
        tuple(edges),
    )


def _flag(entry: Document, key: str, where: str) -> Flag:
    # v is from -1 to 1 and z of the order of v: larger numbers would overflow
    centre, scale = take_list(entry, key, float, where, length=2, minimum=-LIMIT, maximum=LIMIT)
    return Flag(centre, scale)
