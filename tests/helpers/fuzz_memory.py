"""What a fuzzer needs to catch a file that takes far more memory than its size allows."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path

LEEWAY = 1 << 30  # bytes of address space beyond what the process has


@contextlib.contextmanager
def memory_watch(allowed: int) -> Iterator[None]:
    """AssertionError if the process comes to need more than `allowed` bytes beyond what it has."""
    try:
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
        before = _status("VmRSS")
    except OSError:  # another system, or no right to it
        yield
        return
    yield
    taken = _status("VmHWM") - before
    assert taken <= allowed, f"took {taken >> 20} MB of memory"


def limit_memory() -> None:
    """Let the process have no more than 1 GB beyond what it has."""
    size = _status("VmSize") + LEEWAY
    resource.setrlimit(resource.RLIMIT_AS, (size, size))


def _status(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(key)).split()[1]) * 1024
