"""One safe file for every model: safetensors for the arrays, JSON for the rest, never pickle.

A file holds named tensors and, in the entry "clearprop" of the container's metadata, one JSON
object {"format": 1, "kind": kind, ...document}. A very long document is a tensor of bytes instead,
and the entry says {"format": 2, "kind": kind}. Reading a file never runs code from it: the
safetensors library parses the container, `documents` parses the JSON, and this module checks the
results of both. Any fault in a file raises one ModelFileError.
"""

from __future__ import annotations

import math
import os
import re
import reprlib
import stat
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from clearprop._typing import Array
from clearprop.documents import (
    Document,
    ModelFileError,
    check_keys,
    decode_float,
    dump_document,
    encode_float,
    one_line,
    parse_document,
    reading,
    take,
    take_list,
    take_tensor,
)
from clearprop.limits import MAX_DOCUMENT, MAX_HEADER, MAX_NDIM, MAX_TENSORS
from clearprop.writing import write_whole

__all__ = [
    "DTYPES",
    "FORMAT",
    "Document",
    "ModelFileError",
    "check_keys",
    "decode_float",
    "encode_float",
    "read_file",
    "reading",
    "take",
    "take_list",
    "take_tensor",
    "write_file",
]

FORMAT = 1
LONG_FORMAT = 2  # the document is the tensor of this name, as UTF-8
DOCUMENT = "document"
LONG = 2**25  # characters of a document that go into the container's metadata
DTYPES = {
    "F32": "float32",
    "F64": "float64",
    "I64": "int64",
    "I32": "int32",
    "U8": "uint8",
    "U32": "uint32",
    "BOOL": "bool",
}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,127}")
_DAMAGED = "not a model file, or a truncated or damaged one"


def write_file(
    path: str | os.PathLike[str],
    kind: str,
    document: Mapping[str, Any],
    tensors: Mapping[str, Array],
) -> None:
    """Write a model file completely or not at all.

    The bytes are written to a temporary file in the same folder and flushed to disk; then the file
    is moved to `path` in one step. A reader sees either the old file or the new one, even after a
    crash or with a full disk. A new file gets default permissions, a replaced file keeps its
    permissions, and a symbolic link stays a link (its target is replaced).

    Parameters: `kind` names the contents of the file; `document` has str keys (not "format" or
    "kind") and JSON values with finite numbers (see `encode_float`); `tensors` are arrays of any
    shape with dtype float32, float64, int32, int64, uint8, uint32 or bool.

    Raises TypeError or ValueError for a document or tensor that the format cannot hold, and
    OSError if the file cannot be written (FileNotFoundError for a missing folder).
    """
    write_whole(path, _encode(kind, document, tensors), devices=False)


def _encode(kind: str, document: Mapping[str, Any], tensors: Mapping[str, Array]) -> bytes:
    for key in ("format", "kind"):
        if key in document:
            raise ValueError(f"document must not have the key {key!r}, which the file format sets")
    text = dump_document({"format": FORMAT, "kind": kind, **document})
    if len(tensors) > MAX_TENSORS:
        raise ValueError(f"tensors: got {len(tensors)}, but a file holds at most {MAX_TENSORS}")
    arrays = {name: _plain_array(name, tensor) for name, tensor in tensors.items()}
    if len(text) > LONG:
        content = text.encode()
        if len(content) > MAX_DOCUMENT:
            raise ValueError(
                f"document: takes {len(content):,} bytes; a file holds at most {MAX_DOCUMENT:,}"
            )
        arrays[DOCUMENT] = np.frombuffer(content, np.uint8)
        text = dump_document({"format": LONG_FORMAT, "kind": kind})
    data: bytes = save(arrays, {"clearprop": text})
    header = int.from_bytes(data[:8], "little")
    if header > MAX_HEADER:
        raise ValueError(f"document: takes {header} bytes, but a file holds at most {MAX_HEADER}")
    return data


def _plain_array(name: str, tensor: Array) -> Array:
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise ValueError(f"tensors: the name {reprlib.repr(name)} must match {_NAME.pattern}")
    array = np.asarray(tensor)
    if array.dtype.name not in DTYPES.values():
        allowed = ", ".join(DTYPES.values())
        raise TypeError(f"tensors[{name!r}]: dtype {array.dtype.name} is not one of {allowed}")
    if array.ndim > MAX_NDIM:
        raise ValueError(f"tensors[{name!r}]: {array.ndim} axes, at most {MAX_NDIM} are allowed")
    # safetensors takes the bytes in memory order and ignores the strides.
    return np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")


def read_file(
    path: str | os.PathLike[str], kind: str | Collection[str]
) -> tuple[Document, dict[str, Array]]:
    """Read a model file of the given kind, or of one of the given kinds.

    Returns the document as it was written, with the entry "kind", and the tensors by name, each in
    separate memory. Nothing in the file is executed or unpickled. Memory is allocated only for
    tensors that the file holds in full.

    Raises FileNotFoundError (or another OSError) if the file cannot be opened, and ModelFileError,
    with the path, for any fault inside it.
    """
    where = os.fspath(path)
    mode = os.stat(where).st_mode
    if not stat.S_ISREG(mode):  # opening a pipe would wait for ever
        what = "a folder" if stat.S_ISDIR(mode) else "not a regular file"
        raise ModelFileError(f"{where}: not a model file: it is {what}")
    with open(where, "rb") as file:
        header = int.from_bytes(file.read(8), "little")
    if header > MAX_HEADER:
        raise ModelFileError(f"{where}: {_DAMAGED}: header too large")
    try:
        # pread, not mmap: a file cut short by another program is an error instead of a SIGBUS.
        with safe_open(where, framework="numpy", backend="pread") as container:
            document, is_long = _read_document(container, kind, where)
            names = sorted(set(container.keys()) - ({DOCUMENT} if is_long else set()))
            if len(names) > MAX_TENSORS:
                raise ModelFileError(f"{where}: more than {MAX_TENSORS} tensors")
            tensors = {name: _read_tensor(container, name, where) for name in names}
    except SafetensorError as error:
        raise ModelFileError(f"{where}: {_DAMAGED}: {one_line(error)}") from error
    except MemoryError as error:
        raise ModelFileError(f"{where}: there is not enough memory to load it") from error
    return document, tensors


def _read_document(
    container: Any, kinds: str | Collection[str], where: str
) -> tuple[Document, bool]:
    """The document, and whether it was a tensor."""
    text = (container.metadata() or {}).get("clearprop")
    if text is None:
        raise ModelFileError(f"{where}: a safetensors file, but not one written by clearprop")
    document = parse_document(text, where)
    version = take(document, "format", int, where, minimum=1)
    if version > LONG_FORMAT:
        newer = f"file format {version}, this one reads {LONG_FORMAT}"
        raise ModelFileError(f"{where}: written by a newer clearprop ({newer})")
    is_long = version == LONG_FORMAT
    if is_long:
        document = parse_document(_long_text(container, where), where)
        take(document, "format", int, where, minimum=FORMAT, maximum=FORMAT)
    del document["format"]
    kind = take(document, "kind", str, where)
    allowed = (kinds,) if isinstance(kinds, str) else tuple(kinds)
    if kind not in allowed:
        raise ModelFileError(
            f"{where}: holds {reprlib.repr(kind)}, not {' or '.join(map(repr, allowed))}"
        )
    return document, is_long


def _long_text(container: Any, where: str) -> str:
    """The document that is a tensor, as text."""
    if DOCUMENT not in container.keys():  # noqa: SIM118 - not a mapping
        raise ModelFileError(f"{where}: the tensor {DOCUMENT!r} is missing")
    view = container.get_slice(DOCUMENT)
    shape = view.get_shape()
    if view.get_dtype() != "U8" or len(shape) != 1 or shape[0] > MAX_DOCUMENT:
        raise ModelFileError(f"{where}: the tensor {DOCUMENT!r} is not a document")
    try:
        return bytes(container.get_tensor(DOCUMENT)).decode()
    except UnicodeDecodeError as error:
        raise ModelFileError(f"{where}: its document is damaged: {one_line(error)}") from error


def _read_tensor(container: Any, name: str, where: str) -> Array:
    place = f"{where}: tensor {reprlib.repr(name)}"
    if _NAME.fullmatch(name) is None:
        raise ModelFileError(f"{place}: not a name that clearprop writes")
    view = container.get_slice(name)
    dtype = DTYPES.get(view.get_dtype())
    if dtype is None:
        raise ModelFileError(
            f"{place}: dtype {one_line(view.get_dtype())} is not one of {', '.join(DTYPES)}"
        )
    shape = view.get_shape()
    # An empty tensor may claim any other lengths; NumPy refuses lengths that it cannot index.
    if len(shape) > MAX_NDIM or math.prod(max(n, 1) for n in shape) >= 2**59:
        raise ModelFileError(f"{place}: impossible shape {reprlib.repr(shape)}")
    array: Array = container.get_tensor(name)
    if dtype == "bool" and array.size > 0 and array.view(np.uint8).max() > 1:
        raise ModelFileError(f"{place}: a boolean that is neither 0 nor 1")
    return array
