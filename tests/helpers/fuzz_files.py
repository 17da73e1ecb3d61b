"""Mutations of model files, and the promise that every reader of one keeps.

The promise: a damaged or hostile file is either refused with ModelFileError or it loads as a
valid model. Blind mutations (bits, cuts, splices) test the container; the others take the file
apart, change one thing and put it together again, so that they get past the container and reach
the code that reads the document and the tensors.
"""

from __future__ import annotations

import json
import math
import random
import struct
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from clearprop.persistence import ModelFileError

WIDTHS = {"F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2} | {
    "U8": 1,
    "I8": 1,
    "BOOL": 1,
    "F8_E4M3": 1,
}
ODD_INTS = [-1, 0, 1, 2, 7, 255, 2**16, 2**31 - 1, 2**31, 2**32, 2**53, 2**62, 2**63, 2**64, 10**30]
ODD_VALUES: list[Any] = [
    *ODD_INTS,
    None,
    True,
    False,
    0.0,
    -0.0,
    0.5,
    -1.5,
    1e-308,
    1e308,
    "",
    "x",
    "inf",
    "nan",
    "relu",
    "é\u0000\n\u001b[31m",
    "../../etc/passwd",
    "__import__('os').system('true')",
    "x" * 5000,
    [],
    {},
    [[]],
    [None],
    [{}],
    {"kind": "x"},
    [0] * 50,
]
ODD_STRINGS = [
    "<U16384",
    "<U3",
    "|b1",
    "|O",
    "<M8[s]",
    "(9999999,)f8",
    "",
    "x" * 100_000,
    "\u0000\u001b[31m\u202e",
    "nan",
    "float64",
    "relu",
    "__class__",
]
# What no JSON encoder writes: pasted into the text of the document.
ODD_TEXTS = [
    "NaN",
    "Infinity",
    "-Infinity",
    "1e999",
    "-1e999",
    "9" * 5000,
    "0." + "1" * 5000,
    "[" * 5000,
    "[" * 100 + "]" * 100,
    '{"a":' * 1500 + "1" + "}" * 1500,
    '"\\ud800"',
    '{"a":1,"a":2}',
    "}",
    ",",
    '"',
    "\\",
]

Header = dict[str, Any]


def mutate(data: bytes, rng: random.Random) -> bytes:
    """One mutation of a file, chosen by `rng`: the same data and state give the same bytes."""
    for _ in range(20):
        changed = rng.choice(MUTATIONS)(data, rng)
        if changed is not None and changed != data:
            return changed
    return data[:-1]


def check_reader(
    read: Callable[[Path], object],
    files: Sequence[Path],
    count: int,
    folder: Path,
    seed: int = 0,
) -> Counter[str]:
    """Read `count` mutations of the valid `files`; anything but ModelFileError is raised.

    The mutation that broke the reader stays in `folder` as "mutation", and a note on the error
    tells its number. Returns how many were "refused" and how many "loaded".
    """
    rng = random.Random(seed)
    originals = [file.read_bytes() for file in files]
    target = folder / "mutation"
    outcomes: Counter[str] = Counter()
    for i in range(count):
        data = originals[i % len(originals)]
        for _ in range(rng.choice((1, 1, 1, 2, 4))):
            data = mutate(data, rng)
        target.write_bytes(data)
        try:
            read(target)
        except ModelFileError as error:
            message = str(error)
            assert message.startswith(str(target)), message
            assert message.isprintable(), message  # one line, no terminal codes
            outcomes["refused"] += 1
        except BaseException as error:
            error.add_note(f"mutation {i} with seed {seed} of {len(files)} files: see {target}")
            raise
        else:
            outcomes["loaded"] += 1
    return outcomes


def unpack(data: bytes) -> tuple[Header, bytes]:
    """The header and the body of a container."""
    (length,) = struct.unpack_from("<Q", data)
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def pack(header: Header | bytes, body: bytes) -> bytes:
    """A container with the right length in front, whatever the header says."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def pack_tensors(header: Header, tensors: dict[str, tuple[str, list[int], bytes]]) -> bytes:
    """A container that is right: offsets and body follow from the tensors."""
    new = {key: value for key, value in header.items() if key == "__metadata__"}
    body = b""
    for name, (dtype, shape, content) in tensors.items():
        offsets = [len(body), len(body) + len(content)]
        new[name] = {"dtype": dtype, "shape": shape, "data_offsets": offsets}
        body += content
    return pack(new, body)


def _tensors(header: Header, body: bytes) -> dict[str, tuple[str, list[int], bytes]]:
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            tensors[name] = (entry["dtype"], list(entry["shape"]), body[begin:end])
    return tensors


# ---- blind ---------------------------------------------------------------------------------------


def flip_bit(data: bytes, rng: random.Random) -> bytes:
    return _replace_byte(data, rng, lambda byte: byte ^ (1 << rng.randrange(8)))


def replace_byte(data: bytes, rng: random.Random) -> bytes:
    return _replace_byte(data, rng, lambda _: rng.choice((0, 255, ord('"'), rng.randrange(256))))


def _replace_byte(data: bytes, rng: random.Random, change: Callable[[int], int]) -> bytes:
    if not data:
        return b"\0"
    # Half of them in the first bytes: the body may be much longer than the header.
    i = rng.randrange(min(len(data), rng.choice((64, len(data)))))
    return data[:i] + bytes([change(data[i])]) + data[i + 1 :]


def truncate(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.choice((0, 1, 7, 8, 9, max(len(data) - 1, 0), rng.randrange(len(data) + 1)))]


def extend(data: bytes, rng: random.Random) -> bytes:
    return data + rng.randbytes(rng.choice((1, 8, 100)))


def cut_out(data: bytes, rng: random.Random) -> bytes:
    begin = rng.randrange(len(data) + 1)
    return data[:begin] + data[begin + rng.choice((1, 8, 64)) :]


def splice(data: bytes, rng: random.Random) -> bytes:
    begin, to = rng.randrange(len(data) + 1), rng.randrange(len(data) + 1)
    piece = data[begin : begin + rng.choice((1, 4, 16, 200))]
    return data[:to] + piece + data[to + rng.choice((0, len(piece))) :]


def header_length(data: bytes, rng: random.Random) -> bytes:
    if len(data) < 8:
        return data + bytes(8)
    (length,) = struct.unpack_from("<Q", data)
    odd = (0, 1, 2, 2**26, 2**26 + 1, 10**8, 2**32, 2**63, 2**64 - 1, len(data), len(data) - 8)
    near = (length + rng.choice((-8, -1, 1, 8))) % 2**64
    return struct.pack("<Q", rng.choice((*odd, near)) % 2**64) + data[8:]


# ---- the container's header ----------------------------------------------------------------------


def edit_header(data: bytes, rng: random.Random) -> bytes:
    """One wrong value anywhere in the header; offsets and body stay as they are."""
    header, body = unpack(data)
    return pack(_edit(header, rng), body)


def edit_entry(data: bytes, rng: random.Random) -> bytes | None:
    """One tensor's dtype, shape or offsets, not followed by the body."""
    header, body = unpack(data)
    names = [name for name in header if name != "__metadata__"]
    if not names:
        return None
    entry = header[rng.choice(names)]
    what = rng.choice(("dtype", "shape", "data_offsets"))
    if what == "dtype":
        entry["dtype"] = rng.choice((*WIDTHS, "F4", "F64 ", "f64", "OBJECT", "", None))
    elif entry[what] and rng.random() < 0.7:
        i = rng.randrange(len(entry[what]))
        entry[what][i] = rng.choice((*ODD_INTS, entry[what][i] + 1, -entry[what][i], 1.5, None))
    else:
        entry[what] = rng.choice(([], [1] * 70, [0], [2**62, 2**62, 0], [0, 2**63], None, "x"))
    return pack(header, body)


def add_empty_tensor(data: bytes, rng: random.Random) -> bytes:
    """A tensor without bytes that claims whatever shape it likes."""
    header, body = unpack(data)
    shape = rng.choice(([0], [0, 2**62, 2**62], [2**63 - 1, 0], [0] * 70, [0, 2**31]))
    offset = rng.choice((0, len(body)))
    entry = {"dtype": rng.choice(list(WIDTHS)), "shape": shape, "data_offsets": [offset, offset]}
    return pack({**header, _name(header, rng): entry}, body)


def edit_header_text(data: bytes, rng: random.Random) -> bytes:
    (length,) = struct.unpack_from("<Q", data)
    text = data[8 : 8 + length].decode("latin-1")
    return pack(_paste(text, rng).encode("latin-1", "replace"), data[8 + length :])


# ---- the document --------------------------------------------------------------------------------


def edit_document(data: bytes, rng: random.Random) -> bytes | None:
    """The document with one value, key or list changed: valid JSON in a valid container."""
    header, body = unpack(data)
    text = header.get("__metadata__", {}).get("clearprop")
    if text is None:
        return None
    document = _edit(json.loads(text), rng)
    header["__metadata__"]["clearprop"] = json.dumps(document, ensure_ascii=rng.random() < 0.5)
    return pack(header, body)


def edit_document_text(data: bytes, rng: random.Random) -> bytes | None:
    header, body = unpack(data)
    text = header.get("__metadata__", {}).get("clearprop")
    if text is None:
        return None
    header["__metadata__"]["clearprop"] = _paste(text, rng)
    return pack(header, body)


def edit_leaf(data: bytes, rng: random.Random) -> bytes | None:
    """One number, text or truth value of the document replaced by an odd one of its type."""
    return _with_document(data, _change_leaf, rng)


def edit_list(data: bytes, rng: random.Random) -> bytes | None:
    """One list or object of the document shorter, longer, in another order, or of another place."""
    return _with_document(data, _change_list, rng)


def _with_document(
    data: bytes, change: Callable[[Any, random.Random], None], rng: random.Random
) -> bytes | None:
    header, body = unpack(data)
    document = json.loads(header["__metadata__"]["clearprop"])
    change(document, rng)
    header["__metadata__"]["clearprop"] = json.dumps(document)
    return pack(header, body)


def _change_leaf(document: Any, rng: random.Random) -> None:
    # By paths without numbers, so that a long list does not take all the changes.
    slots: dict[str, list[tuple[Any, Any]]] = {}
    for path, parent, key in _paths(document, ""):
        if not isinstance(parent[key], (dict, list)):
            slots.setdefault(path, []).append((parent, key))
    parent, key = rng.choice(slots[rng.choice(list(slots))])
    value = parent[key]
    if isinstance(value, bool):
        parent[key] = not value
    elif isinstance(value, int):
        parent[key] = rng.choice((*ODD_INTS, value + 1, value - 1, -value, 2 * value))
    elif isinstance(value, float):
        odd = (0.0, -0.0, 5e-324, 1e-300, 1e300, 1.7e308, -1.7e308, 1e30, -value, value / 2)
        parent[key] = rng.choice((*odd, math.nextafter(value, 9e9), value * 1e200))
    elif isinstance(value, str):
        texts = [p[k] for _, p, k in _paths(document, "") if isinstance(p[k], str)]
        parent[key] = rng.choice((rng.choice(texts), rng.choice(texts), value + "x", *ODD_STRINGS))
    else:
        parent[key] = rng.choice(ODD_VALUES)


def _change_list(document: Any, rng: random.Random) -> None:
    slots: dict[str, list[tuple[Any, Any]]] = {}
    for path, parent, key in _paths(document, ""):
        if isinstance(parent[key], (dict, list)):
            slots.setdefault(path, []).append((parent, key))
    parent, key = rng.choice(slots[rng.choice(list(slots))])
    value = parent[key]
    if isinstance(value, dict):
        other = rng.choice(slots[rng.choice(list(slots))])
        if value and rng.random() < 0.5:
            del value[rng.choice(list(value))]
        else:
            parent[key] = json.loads(json.dumps(other[0][other[1]]))
        return
    i = rng.randrange(len(value) + 1)
    match rng.randrange(6):
        case 0:
            del value[i:]
        case 1:
            value[i : i + 1] = []
        case 2:
            value[i:i] = value[: rng.choice((1, 2, len(value)))]
        case 3:
            value.reverse()
        case 4:
            rng.shuffle(value)
        case _:
            value[:] = (value or [0]) * rng.choice((2, 50))


def _paths(tree: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """(path, parent, key) of every value below; all places of a list have one path."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in items:
        place = f"{path}/{key if isinstance(tree, dict) else ''}"
        yield place, tree, key
        if isinstance(value, (dict, list)):
            yield from _paths(value, place)


# ---- the tensors ---------------------------------------------------------------------------------


def edit_tensors(data: bytes, rng: random.Random) -> bytes | None:
    """Another set of tensors in a container that is right in itself."""
    header, body = unpack(data)
    tensors = _tensors(header, body)
    if not tensors:
        return None
    name = rng.choice(list(tensors))
    dtype, shape, content = tensors[name]
    count = len(content) // WIDTHS[dtype]
    what = rng.randrange(8)
    if what == 0:
        del tensors[name]
    elif what == 1:
        tensors[_name(header, rng)] = tensors[name]
    elif what == 2:
        tensors[_name(header, rng)] = tensors.pop(name)
    elif what == 3:  # the same bytes under another dtype of the same width
        width = WIDTHS[dtype]
        dtype = rng.choice([other for other in WIDTHS if WIDTHS[other] == width])
        tensors[name] = (dtype, shape, content)
    elif what == 4:  # as many numbers of another width
        dtype = rng.choice(list(WIDTHS))
        tensors[name] = (dtype, shape, (content * 8)[: count * WIDTHS[dtype]])
    elif what == 5:  # another shape for the same numbers
        shape = rng.choice(([count], [1, count], [count, 1], shape[::-1], [*shape, 1]))
        tensors[name] = (dtype, shape, content)
    elif what == 6:  # shorter or longer, or empty
        count = rng.choice((0, 1, max(count - 1, 0), count + 1))
        content = (content * 2 + bytes(8))[: count * WIDTHS[dtype]]
        tensors[name] = (dtype, [len(content) // WIDTHS[dtype]], content)
    else:
        other = rng.choice(list(tensors))
        tensors[name], tensors[other] = tensors[other], tensors[name]
    return pack_tensors(header, tensors)


def edit_numbers(data: bytes, rng: random.Random) -> bytes | None:
    """One number, or all, of a tensor replaced by an odd one."""
    header, body = unpack(data)
    tensors = {n: t for n, t in _tensors(header, body).items() if t[2]}
    if not tensors:
        return None
    name = rng.choice(list(tensors))
    dtype, shape, content = tensors[name]
    width = WIDTHS[dtype]
    nan, inf = struct.pack("<d", float("nan")), struct.pack("<d", float("inf"))
    if dtype == "F32":
        nan, inf = struct.pack("<f", float("nan")), struct.pack("<f", float("inf"))
    patterns = [b"\0" * width, b"\xff" * width, b"\x7f" * width, b"\x01" + bytes(width - 1)]
    number = rng.choice([nan, inf, *patterns])[:width]
    i = rng.randrange(len(content) // width) * width
    changed = content[:i] + number + content[i + width :]
    if rng.random() < 0.3:
        changed = number * (len(content) // width)
    return pack_tensors(header, {**_tensors(header, body), name: (dtype, shape, changed)})


def edit_bits(data: bytes, rng: random.Random) -> bytes | None:
    """One number of a tensor with other bits."""
    header, body = unpack(data)
    tensors = {n: t for n, t in _tensors(header, body).items() if t[2]}
    name = rng.choice(list(tensors))
    dtype, shape, content = tensors[name]
    width = WIDTHS[dtype]
    i = rng.randrange(len(content) // width) * width
    changed = content[:i] + rng.randbytes(width) + content[i + width :]
    return pack_tensors(header, {**_tensors(header, body), name: (dtype, shape, changed)})


# ---- what they share -----------------------------------------------------------------------------


def _name(header: Header, rng: random.Random) -> str:
    return rng.choice(("x", "", "W.0", "W.99", "theta", "../x", "é", "a" * 300, "\n\u001b[0m")) or (
        rng.choice(list(header)) + "2"
    )


def _edit(tree: Any, rng: random.Random) -> Any:
    """A copy of a JSON tree with one node changed."""
    tree = json.loads(json.dumps(tree))
    slots = list(_slots(tree))
    if not slots:
        return rng.choice(ODD_VALUES)
    parent, key = rng.choice(slots)
    what = rng.randrange(6)
    if what == 0:
        del parent[key]
    elif what == 1:
        _insert(parent, rng.choice(("x", "kind", "W.0", "")), parent[key])
    elif what == 2:
        other, place = rng.choice(slots)
        parent[key] = json.loads(json.dumps(other[place]))
    elif what == 3 and isinstance(parent[key], (int, float)):
        parent[key] = rng.choice((parent[key] + 1, parent[key] - 1, -parent[key], parent[key] * 2))
    elif what == 3 and isinstance(parent[key], list):
        rng.shuffle(parent[key])
    else:
        parent[key] = rng.choice(ODD_VALUES)
    return tree


def _slots(tree: Any) -> list[tuple[Any, Any]]:
    slots: list[tuple[Any, Any]] = []
    stack = [tree]
    while stack:
        node = stack.pop()
        keys = list(node) if isinstance(node, dict) else range(len(node))
        for key in keys:
            slots.append((node, key))
            if isinstance(node[key], (dict, list)):
                stack.append(node[key])
    return slots


def _insert(parent: Any, key: str, value: Any) -> None:
    if isinstance(parent, dict):
        parent[key] = value
    else:
        parent.append(value)


def _paste(text: str, rng: random.Random) -> str:
    """Odd JSON text in place of a token, or anywhere."""
    places = [i for i, c in enumerate(text) if c in ":,["] or [0]
    if rng.random() < 0.7:
        begin = rng.choice(places) + 1
        end = begin
        while end < len(text) and text[end] not in ",]}":
            end += 1
    else:
        begin = end = rng.randrange(len(text) + 1)
    return text[:begin] + rng.choice(ODD_TEXTS) + text[end:]


BLIND = (flip_bit, replace_byte, truncate, extend, cut_out, splice, header_length)
INFORMED = (
    edit_header,
    edit_entry,
    add_empty_tensor,
    edit_header_text,
    edit_document,
    edit_document,
    edit_document,
    edit_document_text,
    *(edit_leaf,) * 8,
    *(edit_list,) * 6,
    edit_tensors,
    edit_tensors,
    edit_numbers,
    edit_numbers,
    edit_bits,
)


def _informed(
    change: Callable[[bytes, random.Random], bytes | None],
) -> Callable[[bytes, random.Random], bytes | None]:
    def guarded(data: bytes, rng: random.Random) -> bytes | None:
        try:
            return change(data, rng)
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
            return None  # an earlier mutation has left nothing that can be taken apart
        except struct.error:
            return None

    return guarded


MUTATIONS = (*BLIND, *(_informed(change) for change in INFORMED))
