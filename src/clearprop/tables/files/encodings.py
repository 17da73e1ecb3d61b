"""Text of any encoding as blocks of UTF-8."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from contextlib import suppress

from clearprop.tables.files.records import tell
from clearprop.tables.files.streams import CHUNK, Peeking
from clearprop.tables.frames import TableError, shown

MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Codecs of Python that are for names on the internet or for source code, not for files.
NOT_OF_FILES = ("idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape")
# Windows-1252 as browsers read it: its five undefined bytes stand for themselves.
WINDOWS_1252 = "".join(bytes([i]).decode("cp1252", "ignore") or chr(i) for i in range(256))


def check_encoding(name: str) -> str:
    """The name of an encoding as Python writes it; TableError if it is not an encoding of text."""
    try:
        found = codecs.lookup(name).name
        codecs.getincrementaldecoder(found)
        with suppress(UnicodeError):
            b"text".decode(name)  # LookupError for codecs that turn bytes into bytes
    except (LookupError, ValueError) as error:
        raise TableError(
            f"there is no encoding {shown(name)} of text files; choose one such as utf-8, cp1252, "
            "latin-1 or utf-16"
        ) from error
    if found.replace("_", "-") in NOT_OF_FILES:
        raise TableError(
            f"{shown(name)} is not an encoding of text files; choose one such as utf-8, cp1252, "
            "latin-1 or utf-16"
        )
    return found


def as_utf8(path: str, stream: Peeking, encoding: str | None) -> Iterator[bytes]:
    """The text of a stream in blocks of whole characters in UTF-8, without a byte order mark.

    encoding: None finds it: UTF-8, UTF-16 or UTF-32, otherwise Windows-1252, which is told.
    Raises TableError, with byte and line, for text that is not in the encoding, and for zero bytes.
    """
    lines = 1
    for block in _decoded(path, stream, encoding):
        _check_zeros(path, block, lines)
        lines += block.count(b"\n")
        yield block


def _check_zeros(path: str, block: bytes, line: int) -> None:
    place = block.find(b"\0")
    if place >= 0:
        line += block.count(b"\n", 0, place)
        raise TableError(f"{path}: this is a binary file, or damaged: zero bytes in line {line:,}")


def _decoded(path: str, stream: Peeking, encoding: str | None) -> Iterator[bytes]:
    head = stream.head(4096)
    mark = next(((mark, name) for mark, name in MARKS if head.startswith(mark)), None)
    if encoding is not None:
        blocks = _of_encoding(path, stream, check_encoding(encoding))
    elif mark is not None and mark[1] != "utf-8":
        tell(path, f"read as {mark[1]}; --encoding changes it")
        blocks = _of_encoding(path, stream, mark[1])
    elif (guess := _by_zeros(head)) is not None:
        tell(path, f"read as {guess}; --encoding changes it")
        blocks = _of_encoding(path, stream, guess)
    else:
        blocks = _utf8_or_windows(path, stream)
    first = next(blocks, b"")
    yield first.removeprefix(codecs.BOM_UTF8)
    yield from blocks


def _by_zeros(head: bytes) -> str | None:
    """UTF-16 without a byte order mark, where every second byte of mostly Latin text is zero."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    half = len(head) // 2
    if half == 0 or max(even, odd) < 0.5 * half or min(even, odd) > 0.02 * half:
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _of_encoding(path: str, stream: Peeking, name: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(name)("strict")
    place, lines, final = 0, 1, False
    while not final:
        data = stream.read(CHUNK) or b""
        final = not data
        try:
            text = decoder.decode(data, final)
        except UnicodeError as error:
            start = getattr(error, "start", 0)
            lines += data[:start].count(b"\n")
            raise TableError(
                f"{path}: not text in {name} (byte {place + start:,}, line {lines:,}); "
                "--encoding names another encoding"
            ) from error
        place += len(data)
        block = text.encode("utf-8", "replace")
        lines += block.count(b"\n")
        if block:
            yield block


def _utf8_or_windows(path: str, stream: Peeking) -> Iterator[bytes]:
    """UTF-8; or Windows-1252 from the first letter beyond ASCII on, if that is not UTF-8.

    Plain ASCII means the same in both, so a single pass is enough.
    """
    place, lines, ascii_only, held, final = 0, 1, True, b"", False
    while not final:
        data = stream.read(CHUNK) or b""
        final = not data
        data = held + data
        held = b""
        if not data.isascii():
            try:
                used = codecs.utf_8_decode(data, "strict", final)[1]
            except UnicodeDecodeError as error:
                line = lines + data.count(b"\n", 0, error.start)
                if not (ascii_only and _more_wrong_than_right(data)):
                    raise TableError(
                        f"{path}: not text in utf-8, as it is before byte "
                        f"{place + error.start:,} in line {line:,}; if all of it is in another "
                        "encoding, name it, such as --encoding cp1252"
                    ) from error
                _check_zeros(path, data, lines)
                sample = _around(data, error.start)
                tell(
                    path,
                    f"read as cp1252, as it is not utf-8 (line {line:,} has {shown(sample)}); "
                    "--encoding changes it",
                )
                yield from _windows(data, stream)
                return
            data, held = data[:used], data[used:]
            ascii_only = ascii_only and data.isascii()
        place += len(data)
        lines += data.count(b"\n")
        if data:
            yield data


def _more_wrong_than_right(data: bytes) -> bool:
    """Whether most of what is not ASCII is not UTF-8; a pair of letters may look like it."""
    text = data.decode("utf-8", "replace")
    wrong = text.count("\ufffd")
    right = len(text) - wrong - len(text.encode("ascii", "ignore"))
    return wrong > right


def _around(data: bytes, place: int) -> str:
    """The word at a place, as Windows-1252."""
    text = codecs.charmap_decode(data[max(place - 30, 0) : place + 30], "strict", WINDOWS_1252)[0]
    before = re.split(r"[\s,;|\"]", text[: min(place, 30)])[-1]
    return before + re.split(r"[\s,;|\"]", text[min(place, 30) :])[0]


def _windows(data: bytes, stream: Peeking) -> Iterator[bytes]:
    while data:
        yield codecs.charmap_decode(data, "strict", WINDOWS_1252)[0].encode()
        data = stream.read(CHUNK) or b""
