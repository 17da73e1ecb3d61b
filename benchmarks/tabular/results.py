"""The file of results: a JSON line for each (set, seed, peer), only ever appended to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

Key = tuple[str, int, str]
Results = dict[Key, dict[str, Any]]


def read(paths: Iterable[str | Path]) -> Results:
    """All results; a later line replaces an earlier one of the same key.

    A last line cut short, as an interrupted run leaves it, is passed over; ValueError for any other
    line that is no result.
    """
    results: Results = {}
    for path in map(Path, paths):
        if not path.exists():
            continue
        lines = path.read_text("utf-8").split("\n")
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                entry = json.loads(line)
                results[entry["set"], int(entry["seed"]), entry["peer"]] = entry
            except (ValueError, KeyError, TypeError) as error:
                if number == len(lines):  # no newline after it
                    continue
                raise ValueError(f"{path}, line {number}: not the result of a fit") from error
    return results


def append(path: str | Path, entry: dict[str, Any]) -> None:
    """Add one line, and first drop a last line that was cut short."""
    with Path(path).open("a+b") as file:
        if file.tell():
            file.seek(-1, 2)
            if file.read(1) != b"\n":
                _drop_last_line(file)
        file.write(json.dumps(entry).encode() + b"\n")


def _drop_last_line(file: Any) -> None:
    file.seek(0)
    whole = file.read().rfind(b"\n") + 1
    file.truncate(whole)


def open_jobs(
    sets: Sequence[str], seeds: Sequence[int], peers: Sequence[str], done: Results, retry: bool
) -> list[Key]:
    """What is still to be run, seed by seed; failed fits again only with `retry`."""
    return [
        (name, seed, peer)
        for seed in seeds
        for peer in peers
        for name in sets
        if (name, seed, peer) not in done or (retry and "error" in done[name, seed, peer])
    ]
