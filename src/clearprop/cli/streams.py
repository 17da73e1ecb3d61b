"""Standard input, output and error, made safe to write to before a command runs."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast


def prepare_streams() -> None:
    """Make the three standard streams what the commands expect.

    - A descriptor that is closed is opened on the null device, so that no file of ours gets its
      number and no message ends up among the predictions. What a command then prints on a closed
      standard output raises OSError; a closed standard error swallows messages.
    - Streams are buffered: the unbuffered ones of `python -u` and PYTHONUNBUFFERED=1 ignore that
      the system may take only a part of what they write.
    - A letter that the terminal cannot show becomes an escape, not an error.
    """
    closed = [number for number in range(3) if _is_closed(number)]
    for number in closed:
        _open_null(number)
    if 1 in closed or sys.stdout is None:
        sys.stdout = cast(TextIO, _ClosedOutput())
    if 2 in closed or sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, it stays open
    for number in (1, 2):
        with suppress(OSError, AttributeError):  # a pipe that another program made non-blocking
            os.set_blocking(number, True)
    sys.stdout, sys.stderr = _buffered(sys.stdout), _buffered(sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def silence_output() -> None:
    """What standard output still buffers goes nowhere: writing it has failed once."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def output_may_fail() -> Iterator[None]:
    """Go on to the end of the block where standard output fails, then raise its OSError.

    For commands whose result is a file, which a reader that has seen enough, or a full disk behind
    standard output, must not cost the user.
    """
    stream = sys.stdout
    lasting = _Lasting(stream)
    sys.stdout = cast(TextIO, lasting)
    try:
        yield
    finally:
        sys.stdout = stream
    if lasting.error is not None:
        raise lasting.error


class _Lasting(io.TextIOBase):
    """A text stream that keeps its first error, and from then on drops what is written."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.error: OSError | None = None

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding

    def isatty(self) -> bool:
        return self._stream.isatty()

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self._try(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        self._try(self._stream.flush)

    def _try(self, action: Callable[[], object]) -> None:
        if self.error is None:
            try:
                action()
            except OSError as error:
                self.error = error


class _ClosedOutput(io.TextIOBase):
    """A standard output that was closed when the process started."""

    @property
    def buffer(self) -> Any:
        """Its binary half, as closed as this one."""
        return self

    def writable(self) -> bool:
        return True

    def write(self, text: Any) -> int:
        if len(text) == 0:
            return 0
        raise OSError("standard output is closed")


def _buffered(stream: TextIO) -> TextIO:
    """The stream, or one over the same descriptor whose writes are whole."""
    raw = getattr(stream, "buffer", None)
    if not isinstance(stream, io.TextIOWrapper) or not isinstance(raw, io.RawIOBase):
        return stream
    if raw.fileno() > 2:  # a caller in this process, such as pytest, has put its own file there
        return stream
    stream.flush()
    # the descriptor is not ours to close when the new stream goes, which may be before the old one
    kept = io.FileIO(raw.fileno(), "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(kept),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=True,
        write_through=False,
    )


def _is_closed(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return True
    return False


def _open_null(number: int) -> None:
    with suppress(OSError):
        null = os.open(os.devnull, os.O_RDWR)
        if null != number:
            os.dup2(null, number)
            os.close(null)
