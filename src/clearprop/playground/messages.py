"""The messages on the socket: JSON, and JSON followed by arrays.

A binary message is the length of its JSON as a 32-bit integer (little-endian), the JSON padded with
spaces to a multiple of 8 bytes less 4, then the arrays that its "arrays" entry lists as
[name, type, shape], each padded to 8 bytes. Types are "f8" and "u1". Numbers that JSON lacks are
the texts "NaN", "Infinity" and "-Infinity".
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from clearprop._typing import Array

MAX_MESSAGE = 9 * 2**20  # a table and its name
MAX_TEXT = 2**18


def pack(document: Mapping[str, Any], arrays: Mapping[str, Array] | None = None) -> bytes:
    """A binary message."""
    ready = {name: np.ascontiguousarray(a) for name, a in (arrays or {}).items()}
    listed = [[name, _code(a), list(a.shape)] for name, a in ready.items()]
    text = to_json({**document, "arrays": listed}).encode()
    text += b" " * (-(len(text) + 4) % 8)
    parts = [len(text).to_bytes(4, "little"), text]
    for array in ready.values():
        data = array.tobytes()
        parts += [data, bytes(-len(data) % 8)]
    return b"".join(parts)


def unpack(message: bytes) -> tuple[dict[str, Any], bytes]:
    """The JSON and the rest of a binary message from a page; ValueError for anything else."""
    length = int.from_bytes(message[:4], "little")
    if len(message) < 4 or length > min(len(message) - 4, MAX_TEXT):
        raise ValueError("the message cannot be read: its length is wrong")
    return parse(message[4 : 4 + length]), message[4 + length :]


def parse(text: str | bytes) -> dict[str, Any]:
    """The JSON object of a message from a page; a one-line ValueError for anything else."""
    if len(text) > MAX_TEXT:
        raise ValueError(
            f"the message is too long: {len(text)} characters, at most {MAX_TEXT} are allowed"
        )
    try:
        document = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the message cannot be read: {error}") from None
    if not isinstance(document, dict):
        raise ValueError("the message cannot be read: it must be a JSON object")
    return document


def to_json(value: Any) -> str:
    """JSON that a page can parse."""
    return json.dumps(plain(value), allow_nan=False, separators=(",", ":"))


def plain(value: Any) -> Any:
    """JSON values of data that may hold NumPy arrays and numbers, or NaN and infinity."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _code(array: Array) -> str:
    codes = {"float64": "f8", "uint8": "u1"}
    return codes[array.dtype.name]


def _refuse(text: str) -> Any:
    raise ValueError(f"{text} is not a JSON number")
