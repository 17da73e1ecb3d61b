"""The zoo of table files: each is read as it is, or refused by what it is."""

from __future__ import annotations

import io
import sys
import warnings
from types import SimpleNamespace

import pytest
from file_zoo import COLUMNAR, PACKED, SHEETS, ZOO

from clearprop.tables.files import read_table
from clearprop.tables.frames import TableError, TableWarning


def named(animal):
    return animal.name[:60]


@pytest.mark.parametrize("animal", ZOO, ids=named)
def test_the_zoo(animal, tmp_path):
    path = tmp_path / animal.file
    path.write_bytes(animal.data)
    check(animal, str(path), str(path))


# The name of a file matters for few, and all that is not read as it comes is packed or typed.
PIPED = [a for a in (*ZOO[::5], *PACKED, *COLUMNAR, *SHEETS[:5]) if a.file == "t.csv"]


@pytest.mark.parametrize("animal", PIPED, ids=named)
def test_the_zoo_from_a_pipe(animal, monkeypatch):
    pipe = io.BufferedReader(_Pipe(animal.data))
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=pipe))
    check(animal, "-", "standard input")


def check(animal, path, where):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if animal.columns is None:
            with pytest.raises(TableError) as error:
                read_table(path, **animal.options)
            message = str(error.value)
            assert animal.error in message.replace("standard input", "t.csv")
            assert message.isprintable()
            assert len(message) < 500
        else:
            table, _ = read_table(path, **animal.options)
            assert table.to_pydict() == animal.columns
    assert all(issubclass(warning.category, TableWarning) for warning in caught)
    notes = [str(warning.message) for warning in caught]
    assert all(note.startswith(f"{where}: ") for note in notes)
    assert len(notes) == len(animal.notes), notes
    for note, part in zip(notes, animal.notes, strict=True):
        assert part in note


class _Pipe(io.RawIOBase):
    """Bytes that cannot be gone back in."""

    def __init__(self, data):
        self._data = data

    def readable(self):
        return True

    def readinto(self, buffer):
        part, self._data = self._data[: len(buffer)], self._data[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)


def test_the_names_of_the_zoo_are_different():
    names = [animal.name for animal in ZOO]
    assert len(set(names)) == len(names) >= 150
