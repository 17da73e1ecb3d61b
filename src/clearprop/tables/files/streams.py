"""Streams of bytes whose beginning can be looked at before they are read."""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Iterator
from typing import IO, Any

CHUNK = 2**20


class Peeking(io.RawIOBase):
    """A stream whose beginning can be looked at; counts the bytes that it has taken.

    n_read: how many bytes were read from the source.
    """

    def __init__(self, source: Any) -> None:
        self._source, self._head, self.n_read = source, b"", 0

    def head(self, n: int) -> bytes:
        """The first n bytes of what is still to be read, or all if there are fewer."""
        parts = [self._head]
        missing = n - len(self._head)
        while missing > 0 and (more := self._source.read(min(missing, CHUNK))):
            parts.append(more)
            missing -= len(more)
        self._head = b"".join(parts)
        self.n_read += len(self._head) - len(parts[0])
        return self._head[:n]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        if self._head:
            data, self._head = self._head[: len(view)], self._head[len(view) :]
        else:
            data = self._source.read(len(view))
            self.n_read += len(data)
        view[: len(data)] = data
        return len(data)


class Joined(io.RawIOBase):
    """Blocks of bytes as a stream."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks, self._rest = blocks, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        while not len(self._rest):
            block = next(self._blocks, None)
            if block is None:
                return 0
            self._rest = memoryview(block)
        data, self._rest = self._rest[: len(view)], self._rest[len(view) :]
        view[: len(data)] = data
        return len(data)


def seekable(stream: Any) -> IO[bytes]:
    """The rest of a stream as a temporary file, for readers that go back and forth."""
    file: IO[bytes] = tempfile.TemporaryFile(prefix="clearprop-")  # noqa: SIM115
    try:
        shutil.copyfileobj(stream, file, CHUNK)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file
