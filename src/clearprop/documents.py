"""The JSON documents of model files: strict parsing, and short checks for reading them.

A document comes from a file that may be damaged or hostile. So every entry is read through `take`,
`take_list` or `take_tensor`, and `check_keys` refuses unknown entries. All of them raise
ModelFileError with a one-line message that begins with their argument `where`: the path of the file
and, if it helps, the place in it.
"""

from __future__ import annotations

import json
import math
import os
import re
import reprlib
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, NoReturn, TypeAlias, TypeVar

import numpy as np

from clearprop._typing import Array
from clearprop.limits import MAX_VALUES, bounded

Document: TypeAlias = dict[str, Any]
T = TypeVar("T")

MAX_DEPTH = 64  # nesting of lists and objects in the document
MAX_DIGITS = 1000  # digits of one number: below Python's limit, and quick to parse
_BOUND = 10 ** (MAX_DIGITS - 1)  # still MAX_DIGITS characters with a sign
_SURROGATE = re.compile("[\ud800-\udfff]")
_WORDS = {math.inf: "inf", -math.inf: "-inf"}
_FLOATS = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}
_KINDS = {
    str: "a string",
    int: "an integer",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
    type(None): "null",
}


class ModelFileError(ValueError):
    """A file that is not a valid model file of the requested kind; the message is one line."""

    def __init__(self, message: object) -> None:
        super().__init__(bounded(message))


def dump_document(document: Mapping[str, Any]) -> str:
    """The JSON text of a document; `parse_document` returns it unchanged (tuples as lists).

    Raises TypeError or ValueError, naming the entry, if JSON or a reader would not accept it.
    """
    for key, value in document.items():
        try:
            _check_value({key: value})
        except (TypeError, ValueError) as error:
            raise type(error)(f"document[{reprlib.repr(key)}]: {error}") from None
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    if sum(map(text.count, ",[{")) > MAX_VALUES:
        raise ValueError(f"document: has more than {MAX_VALUES:,} values")
    return text


def parse_document(text: str, where: str) -> Document:
    """Parse strictly: one object, finite numbers of limited length, unique keys, limited nesting.

    Raises ModelFileError.
    """
    if sum(map(text.count, ",[{")) > MAX_VALUES:
        raise ModelFileError(f"{where}: its document has more than {MAX_VALUES:,} values")
    try:
        document = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_no_constant,
            parse_int=_number(int),
            parse_float=_number(float),
        )
        _check_value(document)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{where}: its document is damaged: {one_line(error)}") from error
    if type(document) is not dict:
        raise ModelFileError(f"{where}: its document is damaged: not a JSON object")
    return document


def _object(pairs: list[tuple[str, Any]]) -> Document:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("an object has the same key twice")
    return document


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a JSON number")


def _number(convert: Callable[[str], T]) -> Callable[[str], T]:
    def parse(text: str) -> T:
        if len(text) > MAX_DIGITS:
            raise ValueError(f"a number has {len(text)} characters, more than {MAX_DIGITS}")
        return convert(text)

    return parse


def _check_value(value: Any, depth: int = 0) -> None:
    """Raise TypeError or ValueError if a document cannot hold `value`, at any depth."""
    if depth > MAX_DEPTH:
        raise ValueError(f"lists and objects nested more than {MAX_DEPTH} deep")
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"the key {reprlib.repr(key)} is not a string")
            _check_scalar(key)
            _check_value(item, depth + 1)
    elif isinstance(value, (list, tuple)):
        if set(map(type, value)) == {float} and all(map(math.isfinite, value)):
            return  # at once: most of a long document are numbers
        for item in value:
            _check_value(item, depth + 1)
    else:
        _check_scalar(value)


def _check_scalar(value: Any) -> None:
    if isinstance(value, str):
        if not value.isascii() and _SURROGATE.search(value):  # UTF-8 cannot hold it
            raise ValueError(f"{reprlib.repr(value)} has an unpaired surrogate")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} is not a finite number")
    elif isinstance(value, int):
        if abs(value) >= _BOUND:
            raise ValueError(f"an integer of {MAX_DIGITS} or more digits")
    elif value is not None:
        raise TypeError(f"a value of type {type(value).__name__} is not JSON")


def one_line(message: object) -> str:
    """The message as one short printable line; it may quote a hostile file."""
    text = " ".join(str(message).split()) or type(message).__name__
    text = "".join(c if c.isprintable() else "?" for c in text)
    return text if len(text) <= 200 else text[:200] + "..."


@contextmanager
def reading(where: str | os.PathLike[str]) -> Iterator[None]:
    """Turn the errors of constructors about values in a file into a ModelFileError."""
    try:
        yield
    except ModelFileError:
        raise
    except (ValueError, TypeError, OverflowError, MemoryError) as error:
        raise ModelFileError(f"{os.fspath(where)}: {one_line(error)}") from error


def encode_float(value: float) -> float | str:
    """A float as JSON: a number, or "inf", "-inf" or "nan" (JSON has none of the three)."""
    value = float(value)
    return value if math.isfinite(value) else _WORDS.get(value, "nan")


def decode_float(value: Any, where: str) -> float:
    """The float that `encode_float` wrote; otherwise ModelFileError, naming `where`."""
    number = _to_float(value, nonfinite=True)
    if number is None:
        raise ModelFileError(f"{where}: must be a number, got {reprlib.repr(value)}")
    return number


def take(
    document: Mapping[str, Any],
    key: str,
    kind: type[T] | tuple[type[Any], ...],
    where: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: Collection[Any] | None = None,
    nonfinite: bool = False,
) -> T:
    """The entry `key` of a document, checked: str, int, float, bool, list, dict or NoneType.

    `kind` is a type or a tuple of types (then declare the type of the result). An int is never a
    bool and, unless `minimum` and `maximum` say otherwise, fits in int64. A float may be written as
    an integer and must be finite; with `nonfinite`, the strings of `encode_float` are allowed too.
    `minimum` and `maximum` are inclusive and apply to numbers; `choices` lists all allowed values.

    Raises ModelFileError, which begins with `where` (the file, and the place in it).
    """
    if key not in document:
        raise ModelFileError(f"{where}: {key!r} is missing")
    limits = _Limits(minimum, maximum, choices, nonfinite)
    try:
        value: T = _checked(document[key], kind, limits)
    except ModelFileError as error:
        raise ModelFileError(f"{where}: {key!r} {error}") from None
    return value


def take_list(
    document: Mapping[str, Any],
    key: str,
    kind: type[T],
    where: str,
    *,
    length: int | None = None,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: Collection[Any] | None = None,
    nonfinite: bool = False,
) -> list[T]:
    """The list `key` of a document: entries as for `take`, exactly `length` of them if given."""
    values = take(document, key, list, where)
    if length is not None and len(values) != length:
        raise ModelFileError(f"{where}: {key!r} must have {length} entries, got {len(values)}")
    limits = _Limits(minimum, maximum, choices, nonfinite)
    result: list[T] = []
    for i, value in enumerate(values):
        try:
            result.append(_checked(value, kind, limits))
        except ModelFileError as error:
            raise ModelFileError(f"{where}: {key!r}[{i}] {error}") from None
    return result


def take_tensor(
    tensors: Mapping[str, Array],
    name: str,
    dtype: str | Collection[str],
    shape: tuple[int | None, ...],
    where: str,
    *,
    finite: bool = True,
) -> Array:
    """The tensor `name`, checked for dtype, shape (None: any length) and finite entries.

    Raises ModelFileError, which begins with `where`.
    """
    if name not in tensors:
        raise ModelFileError(f"{where}: the tensor {name!r} is missing")
    array = tensors[name]
    dtypes = (dtype,) if isinstance(dtype, str) else tuple(dtype)
    if array.dtype.name not in dtypes:
        raise ModelFileError(
            f"{where}: the tensor {name!r} must be {' or '.join(dtypes)}, got {array.dtype.name}"
        )
    if len(shape) != array.ndim or any(
        n is not None and n != m for n, m in zip(shape, array.shape, strict=True)
    ):
        wanted = str(shape).replace("None", "any")
        raise ModelFileError(
            f"{where}: the tensor {name!r} must have the shape {wanted}, got {array.shape}"
        )
    if finite and array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ModelFileError(f"{where}: the tensor {name!r} has an entry that is not finite")
    return array


def check_keys(
    entries: Mapping[str, Any],
    required: Collection[str],
    where: str,
    *,
    optional: Collection[str] = (),
) -> None:
    """Check that a document, or the tensors, have all required keys and no unknown keys.

    Raises ModelFileError, which begins with `where`.
    """
    for key in required:
        if key not in entries:
            raise ModelFileError(f"{where}: {key!r} is missing")
    for key in entries:
        if key not in required and key not in optional:
            raise ModelFileError(f"{where}: unknown key {reprlib.repr(key)}")


class _Limits(NamedTuple):
    minimum: float | None
    maximum: float | None
    choices: Collection[Any] | None
    nonfinite: bool


def _checked(value: Any, kind: type[Any] | tuple[type[Any], ...], limits: _Limits) -> Any:
    """`value` if it has the kind and lies within the limits; the error does not name the place."""
    minimum, maximum, choices, nonfinite = limits
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if type(value) not in kinds:
        number = _to_float(value, nonfinite) if float in kinds else None
        if number is None:
            names = " or ".join(_KINDS[k] for k in kinds)
            raise ModelFileError(f"must be {names}, got {reprlib.repr(value)}")
        value = number
    if type(value) is int:
        minimum = -(2**63) if minimum is None else minimum
        maximum = 2**63 - 1 if maximum is None else maximum
    if type(value) in (int, float):
        if minimum is not None and not value >= minimum:
            raise ModelFileError(f"must be at least {minimum}, got {reprlib.repr(value)}")
        if maximum is not None and not value <= maximum:
            raise ModelFileError(f"must be at most {maximum}, got {reprlib.repr(value)}")
    if choices is not None and value not in choices:
        names = ", ".join(map(repr, choices))
        raise ModelFileError(f"must be one of {names}, got {reprlib.repr(value)}")
    return value


def _to_float(value: Any, nonfinite: bool) -> float | None:
    if nonfinite and type(value) is str:
        return _FLOATS.get(value)
    # An integer of hundreds of digits is too large for a float: float() raises OverflowError.
    if type(value) in (int, float) and abs(value) <= sys.float_info.max:
        return float(value)
    return None
