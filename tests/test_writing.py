"""Files are written whole or not at all."""

from __future__ import annotations

import os
import resource
import signal
import stat
import threading
from pathlib import Path

import numpy as np
import pytest

from clearprop.persistence import read_file, write_file
from clearprop.writing import save_new


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    write_file(path, "network", {"rate": 0.5}, {"W": np.arange(6.0)})
    return path


def test_a_full_disk_leaves_the_old_file(model: Path) -> None:
    before = model.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # The limit stands in for a full disk: the kernel refuses to write beyond it.
    old_handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_file(model, "network", {}, {"W": np.zeros(10_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, old_handler)
    assert model.read_bytes() == before
    assert os.listdir(model.parent) == [model.name]


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError("no"), KeyboardInterrupt()])
def test_an_interrupted_write_leaves_the_old_file(
    step: str, error: BaseException, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = model.read_bytes()

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(type(error)):
        write_file(model, "network", {}, {})
    assert model.read_bytes() == before
    assert os.listdir(model.parent) == [model.name]


def test_the_file_is_on_the_disk_before_it_gets_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    fsync, replace = os.fsync, os.replace

    def record_fsync(descriptor: int) -> None:
        mode = os.fstat(descriptor).st_mode
        calls.append("fsync folder" if stat.S_ISDIR(mode) else "fsync file")
        fsync(descriptor)

    def record_replace(source: str, target: str) -> None:
        assert read_file(source, "network")[0] == {"kind": "network"}
        calls.append("replace")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", record_fsync)
    monkeypatch.setattr(os, "replace", record_replace)
    write_file(tmp_path / "m", "network", {}, {})
    assert calls == ["fsync file", "replace", "fsync folder"]


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "m"
    big = np.zeros(100_000)

    def write(value: int) -> None:
        write_file(path, "network", {"value": value}, {"W": big + value})

    write(0)
    stop = threading.Event()

    def keep_writing() -> None:
        value = 0
        while not stop.is_set():
            value += 1
            write(value)

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        for _ in range(30):
            document, tensors = read_file(path, "network")
            assert (tensors["W"] == document["value"]).all()
    finally:
        stop.set()
        writer.join()
    assert os.listdir(tmp_path) == ["m"]


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_a_new_file_has_the_permissions_of_any_new_file(umask: int, tmp_path: Path) -> None:
    old = os.umask(umask)
    try:
        write_file(tmp_path / "model", "network", {}, {})
        (tmp_path / "any").write_bytes(b"")
    finally:
        os.umask(old)
    assert (tmp_path / "model").stat().st_mode == (tmp_path / "any").stat().st_mode


@pytest.mark.parametrize("mode", [0o600, 0o664, 0o755])
def test_a_replaced_file_keeps_its_permissions(mode: int, model: Path) -> None:
    model.chmod(mode)
    write_file(model, "network", {}, {})
    assert stat.S_IMODE(model.stat().st_mode) == mode


def test_a_symbolic_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "latest").symlink_to("store/model")  # dangling: the target is yet to be made
    for value in (1, 2):
        write_file(tmp_path / "latest", "network", {"value": value}, {})
        assert (tmp_path / "latest").is_symlink()
        assert read_file(tmp_path / "store" / "model", "network")[0]["value"] == value
        assert read_file(tmp_path / "latest", "network")[0]["value"] == value


def test_where_a_file_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"cannot write .*/m: there is no folder .*nowhere"):
        write_file(tmp_path / "nowhere" / "m", "network", {}, {})
    with pytest.raises(OSError, match="it is a folder"):
        write_file(tmp_path, "network", {}, {})
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="it is not a regular file"):
        write_file(tmp_path / "pipe", "network", {}, {})
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError, match="loop"):
        write_file(tmp_path / "loop", "network", {}, {})
    assert sorted(os.listdir(tmp_path)) == ["loop", "pipe"]
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_a_relative_path_and_a_long_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name = "m" * 255  # the longest that the file system takes: a temporary name must not add to it
    write_file(name, "network", {}, {})
    assert read_file(name, "network")[0] == {"kind": "network"}


@pytest.mark.parametrize("links", [True, False])
def test_a_new_file_replaces_none(tmp_path, monkeypatch, links):
    """Two processes that both found no file: the second takes another name."""
    if not links:
        monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(PermissionError()))
    path = str(tmp_path / "model.safetensors")
    names = [save_new(lambda name, i=i: Path(name).write_text(str(i)), path) for i in range(3)]
    assert names[0] == path
    assert [Path(name).name for name in names[1:]] == [
        "model-2.safetensors", "model-3.safetensors",
    ]  # fmt: skip
    assert [Path(name).read_text() for name in names] == ["0", "1", "2"]
    assert sorted(os.listdir(tmp_path)) == sorted(Path(name).name for name in names)


def test_an_error_of_a_new_file_names_it(tmp_path):
    path = str(tmp_path / "nowhere" / "model.safetensors")
    with pytest.raises(FileNotFoundError) as caught:
        save_new(lambda name: Path(name).write_text("x"), path)
    assert caught.value.filename == path
