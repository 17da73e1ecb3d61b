"""Compressed files and archives, unpacked as they are read, with a bound on how far they grow."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any

from clearprop.tables.files.kinds import COMPRESSED, HEAD_BYTES, check_kind, kind_of
from clearprop.tables.files.records import explained, listed
from clearprop.tables.files.streams import CHUNK, Peeking, seekable
from clearprop.tables.frames import TableError

MOST_GROWTH = 200  # times its size that a compressed file may grow to, ...
FREE_BYTES = 2**26  # ... from this many bytes on
MOST_MEMORY = 2**28  # that unpacking a .xz file may take
# Members of zip archives that are not data: what macOS and Windows add.
NO_DATA = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")
# Members that say what a zip archive is, and what it is.
DOCUMENTS = (
    ("xl/workbook.bin", "an Excel file in binary form (.xlsb); save it as .xlsx or CSV"),
    ("word/document.xml", "a Word document"),
    ("ppt/presentation.xml", "a PowerPoint file"),
    ("META-INF/MANIFEST.MF", "a Java archive"),
)


@contextmanager
def unpacked(path: str, file: IO[bytes]) -> Iterator[tuple[str, Any]]:
    """What a file holds, and its kind: itself, or the content of a .gz, .xz, .bz2, .zst or .zip.

    A zip archive with one member is that member. Spreadsheets ("xlsx") and whatever else must be
    read back and forth are files, text is a `Peeking`.
    Raises TableError for what is refused by its kind or grows beyond the bounds, see
    `MOST_GROWTH`.
    """
    stream = Peeking(file)
    head = stream.head(HEAD_BYTES)
    kind = kind_of(head)
    if kind not in COMPRESSED:
        check_kind(path, head)
        with _usable(kind, stream, file) as usable:
            yield kind, usable
        return
    if kind == "zip":
        with _usable(kind, stream, file) as usable, _zip_file(path, usable) as archive:
            if "xl/workbook.xml" in archive.namelist():
                yield "xlsx", usable
                return
            member = _only_member(path, archive)
            packed = min(member.compress_size, usable.seek(0, 2))
            with _open_member(path, archive, member) as inner:
                yield from _inner(path, Peeking(_Guarded(path, inner, lambda: packed)))
        return
    with explained(path):
        plain = UNPACKERS[kind](stream)
    with plain:
        yield from _inner(path, Peeking(_Guarded(path, plain, lambda: stream.n_read)))


def _inner(path: str, stream: Peeking) -> Iterator[tuple[str, Any]]:
    head = stream.head(HEAD_BYTES)
    kind = kind_of(head)
    if kind == "zip":
        kind = "xlsx"  # the only archive that is read in another one; others fail there
    elif kind in COMPRESSED:
        raise TableError(f"{path}: compressed twice; unpack it once")
    check_kind(path, head)
    with _usable(kind, stream, None) as usable:
        yield kind, usable


@contextmanager
def _usable(kind: str, stream: Peeking, file: IO[bytes] | None) -> Iterator[Any]:
    """The stream, or for kinds that are read back and forth, the file or a copy of it."""
    if kind == "text":
        yield stream
    elif file is not None and file.seekable():
        file.seek(0)
        yield file
    else:
        with seekable(stream) as copy:
            yield copy


class _Guarded(io.RawIOBase):
    """What is unpacked, with an error where it grows too far.

    n_packed: gives the number of packed bytes that were read.
    """

    def __init__(self, path: str, plain: Any, n_packed: Callable[[], int]) -> None:
        self._path, self._plain, self._n_packed, self._n = path, plain, n_packed, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with explained(self._path):
            data = self._plain.read(len(buffer))
        self._n += len(data)
        if self._n > FREE_BYTES and self._n > MOST_GROWTH * self._n_packed():
            raise TableError(
                f"{self._path}: it unpacks to more than {MOST_GROWTH} times its size "
                f"({self._n:,} bytes so far), as a decompression bomb does; if it is a table, "
                "unpack it first"
            )
        buffer[: len(data)] = data
        return len(data)


# ---- streams -------------------------------------------------------------------------------------


class _Unpacking(io.RawIOBase):
    """The content of a .bz2 or .xz file, of one or several streams."""

    def __init__(self, packed: Any, make: Callable[[], Any]) -> None:
        self._packed, self._make, self._unpacker = packed, make, make()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while True:
            packed = b""
            if self._unpacker.eof:
                packed = (self._unpacker.unused_data or self._packed.read(CHUNK)).lstrip(b"\0")
                if not packed:
                    return 0
                self._unpacker = self._make()
            elif self._unpacker.needs_input:
                packed = self._packed.read(CHUNK)
                if not packed:
                    raise EOFError("the compressed file is cut off")
            data = self._unpacker.decompress(packed, len(buffer))
            if data:
                buffer[: len(data)] = data
                return len(data)


def _xz(packed: Any) -> Any:
    return _Unpacking(packed, lambda: lzma.LZMADecompressor(memlimit=MOST_MEMORY))


def _bzip2(packed: Any) -> Any:
    return _Unpacking(packed, bz2.BZ2Decompressor)


def _gzip(packed: Any) -> Any:
    return gzip.GzipFile(fileobj=packed)


def _zstd(packed: Any) -> Any:
    import pyarrow as pa

    return pa.CompressedInputStream(pa.PythonFile(packed, mode="r"), "zstd")


UNPACKERS: dict[str, Callable[[Any], Any]] = {
    "gzip": _gzip,
    "bzip2": _bzip2,
    "xz": _xz,
    "zstd": _zstd,
}


# ---- zip -----------------------------------------------------------------------------------------


def _zip_file(path: str, file: IO[bytes]) -> zipfile.ZipFile:
    with explained(path):
        return zipfile.ZipFile(file)


def _only_member(path: str, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    names = set(archive.namelist())
    what = next((what for name, what in DOCUMENTS if name in names), None)
    if "mimetype" in names:
        what = "an OpenDocument or EPUB file; save a spreadsheet as .xlsx or CSV"
    if names and all(name.endswith(".npy") for name in names):
        what = "a file of NumPy arrays (.npz); save its table as CSV or Parquet"
    if what is not None:
        about, _, way_out = what.partition("; ")
        raise TableError(f"{path}: this is {about}, not a table{way_out and f'; {way_out}'}")
    members = [
        info
        for info in archive.infolist()
        if not info.is_dir()
        and not info.filename.startswith("__MACOSX/")
        and info.filename.rpartition("/")[2] not in NO_DATA
    ]
    if not members:
        raise TableError(f"{path}: the archive is empty")
    if len(members) > 1:
        several = [info.filename for info in members]
        raise TableError(
            f"{path}: the archive has {len(members):,} files ({listed(several, 5)}); "
            "unpack it and name one of them"
        )
    return members[0]


def _open_member(path: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> IO[bytes]:
    if member.flag_bits & 1:
        raise TableError(f"{path}: the archive is encrypted; unpack it first")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2):
        raise TableError(f"{path}: the archive is compressed in an unusual way; unpack it first")
    with explained(path):
        return archive.open(member)
