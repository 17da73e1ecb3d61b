"""Damaged and hostile model files of every kind: refused with one short error, or they predict."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import fuzz_models
import numpy as np
import pytest
from fuzz_files import pack, unpack
from sklearn.exceptions import ConvergenceWarning

import clearprop as cp
from clearprop import persistence
from clearprop.circuits.netlist import CircuitError
from clearprop.documents import parse_document
from clearprop.estimators import files
from clearprop.limits import MAX_MESSAGE, MAX_VALUES, bounded, shown_value

SPECIMENS = Path(__file__).with_name("specimens")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("models")
    return fuzz_models.make_models(folder, whole=False) + sorted(SPECIMENS.glob("*.safetensors"))


def test_mutations(models: list[Path], tmp_path: Path) -> None:
    outcomes, findings = fuzz_models.campaign(models, range(140), 7, tmp_path)
    assert not findings
    assert outcomes["refused"] > 50
    assert outcomes["loaded"] > 5


def edited(name: str, change: Any, path: Path) -> Path:
    """A specimen with a changed document."""
    header, body = unpack((SPECIMENS / f"{name}.safetensors").read_bytes())
    document = json.loads(header["__metadata__"]["clearprop"])
    change(document)
    header["__metadata__"]["clearprop"] = json.dumps(document)
    path.write_bytes(pack(header, body))
    return path


def test_a_wide_dtype_of_labels_takes_no_memory(tmp_path: Path) -> None:
    """Some hundred KB of labels with 64 KB declared for each took gigabytes."""

    def change(document: dict[str, Any]) -> None:
        values = [f"{i:05}" for i in range(20_000)]
        document["classes"] = [{"dtype": "<U16384", "values": values}]

    path = edited("mlp_classifier", change, tmp_path / "wide")
    tracemalloc.start()
    with pytest.raises(cp.ModelFileError, match=r"classes of dtype <U16384 are not supported"):
        cp.load(path)
    assert tracemalloc.get_traced_memory()[1] < 30e6
    tracemalloc.stop()


def test_long_labels_are_written_as_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written must load: the limit is one of the array, not of the texts."""
    monkeypatch.setattr(files, "MAX_LABEL_BYTES", 100)
    labels = np.array(["a", "b" * 50])
    document = files.labels_to_document(labels)
    assert document["dtype"] == "object"
    assert files.labels_from_document(document, "file").tolist() == labels.tolist()
    assert files.labels_to_document(labels[:1].astype("<U2"))["dtype"] == "<U2"


def test_the_number_of_values_is_limited_before_they_are_read() -> None:
    with pytest.raises(cp.ModelFileError, match=f"more than {MAX_VALUES:,} values"):
        parse_document('{"a":[' + "[]," * MAX_VALUES + "[]]}", "file")


def test_parts_of_a_date_have_no_gaps_of_their_own(tmp_path: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        columns = document["encoding"]["columns"]
        next(c for c in columns if c["kind"] == "date")["parts"][0]["n_missing"] = 3

    path = edited("table_network_quantity", change, tmp_path / "m")
    with pytest.raises(cp.ModelFileError, match="the parts of the date do not fit together"):
        cp.load(path)


def test_the_network_decides_the_form_of_predictions() -> None:
    """A loss in the parameters that is not the network's must not break predict."""
    X = np.arange(8.0)[:, None]
    with pytest.warns(ConvergenceWarning):
        model = cp.MLPRegressor(max_iter=1, random_state=0).fit(X, X[:, 0])
    before = model.predict(X)
    model.set_params(loss=cp.outputs.Quantile((0.1, 0.9)))
    assert model.predict(X).tolist() == before.tolist()


@pytest.mark.parametrize("error", [cp.ModelFileError, cp.TableError, CircuitError])
def test_messages_are_short_and_printable(error: type[Exception]) -> None:
    message = str(error("the column " + "x" * 100_000 + " \x1b[31m\nis too much\u202e"))
    assert len(message) <= MAX_MESSAGE
    assert message.isprintable()
    assert message.startswith("the column xxx")
    assert "is too much" in message


def test_bounded() -> None:
    assert bounded("a plain message") == "a plain message"
    assert bounded("a\nb\x00c") == "a b?c"
    assert bounded("abcdefghijkl", 11) == "abcdef … kl"
    assert shown_value(10**5000) == "a value of type int with too many digits to show"
    assert shown_value(1.5) == "1.5"


def test_a_long_document_is_a_tensor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The container's header holds some tens of MB, which 50,000 columns exceed."""
    monkeypatch.setattr(persistence, "LONG", 1000)
    path = tmp_path / "long"
    document = {"names": [f"Spalte ä{i}" for i in range(500)]}
    persistence.write_file(path, "network", document, {"W": np.ones(3)})
    read, tensors = persistence.read_file(path, "network")
    assert read == {"kind": "network", **document}
    assert list(tensors) == ["W"]
    header, body = unpack(path.read_bytes())
    text = header["__metadata__"]["clearprop"]
    assert json.loads(text) == {"format": 2, "kind": "network"}
    broken = {
        "is missing": {k: v for k, v in header.items() if k != "document"},
        "is not a document": {**header, "document": {**header["document"], "dtype": "I8"}},
    }
    for message, changed in broken.items():
        changed_body = body if "document" in changed else body[-24:]
        if "document" not in changed:
            changed["W"] = {**header["W"], "data_offsets": [0, 24]}
        path.write_bytes(pack(changed, changed_body))
        with pytest.raises(cp.ModelFileError, match=message):
            persistence.read_file(path, "network")
    path.write_bytes(pack(header, b"\xff" * len(body)))
    with pytest.raises(cp.ModelFileError, match="its document is damaged"):
        persistence.read_file(path, "network")
    monkeypatch.setattr(persistence, "MAX_DOCUMENT", 2000)
    with pytest.raises(ValueError, match="a file holds at most 2,000"):
        persistence.write_file(path, "network", document, {})


WILD = {
    "a flag": lambda column: column["flags"][0].__setitem__(1, 1e308),
    "an edge": lambda column: column["numbers"][0]["edges"].__setitem__(-1, 1e300),
    "equal edges": lambda column: column["numbers"][0].update(edges=[0.0, 1e-60, 1.0]),
}


@pytest.mark.parametrize("what", WILD)
def test_numbers_that_would_give_nan_are_refused(what: str, tmp_path: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        part = "flags" if what == "a flag" else "numbers"
        WILD[what](next(c for c in document["inputs"]["columns"] if c[part]))

    path = edited("tabular_classifier", change, tmp_path / "m")
    with pytest.raises(cp.ModelFileError, match=r"must be at most|rising order"):
        cp.load(path)
