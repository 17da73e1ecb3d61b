"""The workshop as a file: settings with the run, θ, and the data; safetensors and JSON.

Loading a file replays its run, which gives the same numbers again. A table is kept as the CSV text
that was loaded; a table that `clearprop play FILE` opened from another format must be opened again.
"""

from __future__ import annotations

import os
import tempfile
from typing import Any

import numpy as np

from clearprop.documents import ModelFileError, check_keys, take
from clearprop.persistence import read_file, write_file
from clearprop.playground import settings as settings_
from clearprop.playground.datasets import MAX_BYTES, Table, file_name, read_upload
from clearprop.playground.runs import Run
from clearprop.playground.stations.workshop import Workshop

KIND = "playground"
NAME = "workshop.safetensors"


def save(run: Run, table: Table) -> bytes:
    """The content of the file."""
    document: dict[str, Any] = {
        "settings": dict(settings_.to_pairs(run.link_settings)),
        "table": table.name if run.start.data == "table" else None,
    }
    tensors = {"theta": run.theta, "X": run.dataset.X, "t": run.dataset.t.astype(np.float64)}
    if run.start.data == "table" and table.source is not None:
        tensors["table"] = np.frombuffer(table.source, dtype=np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, NAME)
        write_file(path, KIND, document, tensors)
        with open(path, "rb") as file:
            return file.read()


def load(data: bytes) -> tuple[Workshop, Table | None]:
    """Settings, and the table if there is one; ModelFileError or TableError for other files."""
    if len(data) > 4 * MAX_BYTES:
        raise ModelFileError(f"{NAME}: the file is too large")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, NAME)
        with open(path, "wb") as file:
            file.write(data)
        try:
            document, tensors = read_file(path, KIND)
        except ModelFileError as error:
            raise ModelFileError(str(error).replace(path, NAME)) from None
    document.pop("kind")
    check_keys(document, ("settings", "table"), NAME)
    pairs = take(document, "settings", dict, NAME)
    if not all(isinstance(value, str) for value in pairs.values()):
        raise ModelFileError(f"{NAME}: the settings must be texts")
    try:
        record = settings_.from_pairs(Workshop, pairs)
    except ValueError as error:
        raise ModelFileError(f"{NAME}: {error}") from None
    name = document["table"]
    if name is None or "table" not in tensors:
        return record, None
    if not isinstance(name, str):
        raise ModelFileError(f"{NAME}: the table must have a name")
    return record, read_upload(tensors["table"].tobytes(), file_name(name))
