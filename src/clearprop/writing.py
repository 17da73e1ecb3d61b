"""Files are written whole or not at all: a reader sees the old content or the new one."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO

# What a write to a file that is open can meet; the error then names no file.
_WRITE_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS}


@contextmanager
def replacing(path: str | os.PathLike[str], *, devices: bool = True) -> Iterator[IO[bytes]]:
    """A binary file that takes the place of `path` when the block ends without an error.

    The bytes go to a temporary file in the same folder, to the disk, and then in one step to
    `path`; a crash, a full disk or an error in the block leaves the old file untouched. A new file
    gets the permissions of any new file, a replaced one keeps its own, and a symbolic link stays
    a link: the file that it names is replaced.

    devices: whether `path` may be a device or a pipe, such as /dev/null, which is then written to
    directly.

    Raises OSError, with `path` as its file name, where the file cannot be written.
    """
    name = os.fspath(path)
    target = os.path.realpath(name)
    folder = os.path.dirname(target)
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"cannot write {name}: there is no folder {folder}")
    old = None
    with suppress(FileNotFoundError):
        old = os.stat(target).st_mode
    if old is not None and not stat.S_ISREG(old):
        if stat.S_ISDIR(old):
            raise IsADirectoryError(f"cannot write {name}: it is a folder")
        if not devices:
            raise OSError(f"cannot write {name}: it is not a regular file")
        with open(target, "wb") as file:
            yield file
        return
    temporary = os.path.join(folder, f".clearprop-{secrets.token_hex(8)}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        with open(os.open(temporary, flags, 0o666), "wb") as file:
            if old is not None and os.fstat(file.fileno()).st_mode != old:
                os.chmod(temporary, stat.S_IMODE(old))
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException as error:
        with suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError) and _is_about(error, temporary):
            # The user knows the file by this name.
            raise type(error)(error.errno, error.strerror, name) from error
        raise
    _sync_folder(folder)


def _is_about(error: OSError, temporary: str) -> bool:
    """Whether an error is of the file being written, and not of another one that was read."""
    if error.filename is None:
        return error.errno in _WRITE_ERRORS
    return bool(error.filename == temporary)


def write_whole(path: str | os.PathLike[str], data: bytes | str, *, devices: bool = True) -> None:
    """Write bytes, or text as UTF-8, to a file by :func:`replacing`."""
    with replacing(path, devices=devices) as file:
        file.write(data.encode() if isinstance(data, str) else data)


def save_new(save: Callable[[str], None], path: str) -> str:
    """Save a new file under a path, or under the next free name beside it; returns its name.

    save: writes the file of the name that it gets. A file that another process has put at the path
    in the meantime stays: model.safetensors then gives model-2.safetensors.
    Raises OSError where the file cannot be written.
    """
    stem, ending = os.path.splitext(path)
    temporary = f"{stem}-{secrets.token_hex(8)}{ending}"
    try:
        save(temporary)
        number, name = 1, path
        while not _claimed(temporary, name):
            number += 1
            name = f"{stem}-{number}{ending}"
        return name
    except OSError as error:
        if error.filename == temporary:
            error.filename = path
        raise
    finally:
        with suppress(OSError):
            os.unlink(temporary)


def _claimed(file: str, name: str) -> bool:
    """Give a file a second name, unless the name is taken; returns whether it was free."""
    try:
        os.link(file, name)
    except FileExistsError:
        return False
    except OSError:  # a file system without links
        try:
            os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return False
        os.replace(file, name)
    return True


def _sync_folder(folder: str) -> None:
    """Put the new name on the disk; it is in the folder's own data.

    Some file systems cannot sync a folder, and the file is in place by now, so a failure here is
    not the caller's.
    """
    if hasattr(os, "O_DIRECTORY"):
        with suppress(OSError):
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
