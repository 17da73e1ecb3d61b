"""What tests of the command line share: models of the table of animals, and `run`."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from animals import QUICK, write_tables

from clearprop.cli import main


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """A folder with the tables and a model for each task."""
    folder = tmp_path_factory.mktemp("models")
    write_tables(folder)
    table = str(folder / "animals.csv")
    for target, other, model in (
        ("animal", "length", "class.safetensors"),
        ("length", "animal", "number.safetensors"),
    ):
        arguments = ["fit", table, "--target", target, "--ignore", other, "--json", *QUICK]
        assert main([*arguments, "--model", str(folder / model)]) == 0
    return folder


@pytest.fixture
def here(models, tmp_path, monkeypatch):
    """The present folder, with copies of those files."""
    for path in models.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(capfdbinary):
    def run_command(*arguments):
        capfdbinary.readouterr()
        code = main([str(argument) for argument in arguments])
        out, err = capfdbinary.readouterr()
        return SimpleNamespace(code=code, out=out.decode(), err=err.decode())

    return run_command
