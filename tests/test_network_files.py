"""Network files: every network comes back bit for bit; nothing else is read, nothing is run."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import OUTPUT_CASES, OutputCase
from fuzz_files import check_reader

from clearprop import ACTIVATIONS, Activation, ModelFileError, Network
from clearprop.outputs import Huber, Linear, Quantile, Softmax
from clearprop.persistence import read_file, write_file


def same(a: Network, b: Network) -> None:
    assert a.architecture == b.architecture
    assert a.theta.dtype == b.theta.dtype
    np.testing.assert_array_equal(a.theta, b.theta)
    X = np.random.default_rng(0).normal(size=(5, a.sizes[0]))
    np.testing.assert_array_equal(a.predict(X), b.predict(X))
    masked = a.forward(X, draw=(1, 2)), b.forward(X, draw=(1, 2))
    np.testing.assert_array_equal(masked[0].y_hat, masked[1].y_hat)


# ---- round trip ----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("case", OUTPUT_CASES, ids=lambda case: case.name)
def test_every_output_unit_comes_back(case: OutputCase, dtype: str, tmp_path: Path) -> None:
    net = Network([3, 4, case.K], "gelu", case.output, dropout=0.25, seed=1, dtype=dtype)
    net.save(tmp_path / "net")
    loaded = Network.load(tmp_path / "net")
    same(loaded, net)
    assert loaded.output == case.output
    assert loaded.theta.flags.writeable
    for view in (*loaded.W, *loaded.b):
        assert np.shares_memory(view, loaded.theta)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_comes_back(name: str, tmp_path: Path) -> None:
    net = Network([3, 4, 5, 2], [name, "tanh"], dropout=[0.0, 0.3], seed=0)
    net.save(str(tmp_path / "net"))
    loaded = Network.load(str(tmp_path / "net"))
    same(loaded, net)
    assert loaded.architecture.dense[0].activation is ACTIVATIONS[name]


@pytest.mark.parametrize("sizes", [[1, 1], [4, 3], [2, 1, 1], [5, 9, 8, 7, 6, 2]])
def test_any_number_of_layers(sizes: list[int], tmp_path: Path) -> None:
    net = Network(sizes, seed=0)
    net.theta[...] = np.random.default_rng(0).normal(size=net.theta.shape)
    net.save(tmp_path / "net")
    same(Network.load(tmp_path / "net"), net)


def test_a_loaded_network_is_trained_as_the_first(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X, t = rng.normal(size=(30, 3)), rng.normal(size=30)
    net = Network([3, 5, 1], dropout=0.1, seed=0)
    net.save(tmp_path / "net")
    loaded = Network.load(tmp_path / "net")
    for n in (net, loaded):
        n.train(X, t, epochs=3)
    np.testing.assert_array_equal(loaded.theta, net.theta)


PLAIN = {"gain": 1.0, "slope": False}


def test_what_is_in_the_file(tmp_path: Path) -> None:
    net = Network([3, 4, 2], ["selu"], Huber(0.5), dropout=0.2, seed=0)
    net.save(tmp_path / "net")
    document, tensors = read_file(tmp_path / "net", "network")
    assert document == {
        "kind": "network",
        "architecture": {
            "layers": [
                {"kind": "dense", "n_in": 3, "n_out": 4, "activation": "selu", **PLAIN},
                {"kind": "dropout", "rate": 0.2},
                {"kind": "dense", "n_in": 4, "n_out": 2, "activation": None, **PLAIN},
            ],
            "output": {"name": "huber", "delta": 0.5},
        },
    }
    assert {name: a.shape for name, a in tensors.items()} == {
        "W1": (4, 3),
        "b1": (4,),
        "W2": (2, 4),
        "b2": (2,),
    }
    np.testing.assert_array_equal(tensors["W1"], net.W[0])


# ---- what a file cannot hold ---------------------------------------------------------------------


def test_own_activations_are_refused_and_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "net"
    Network([2, 1]).save(path)
    before = path.read_bytes()
    tanh = ACTIVATIONS["tanh"]
    for own in (
        Activation("cube", lambda z: z**3, lambda z, h: 3 * z**2),
        Activation("tanh", lambda z: z, tanh.dphi),  # the name of another one
    ):
        net = Network([2, 3, 1], hidden=own)
        with pytest.raises(ValueError, match=f"activation '{own.name}' is none of clearprop's"):
            net.save(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["net"]


def test_own_outputs_are_refused(tmp_path: Path) -> None:
    class Own(Linear):
        pass

    with pytest.raises(ValueError, match="is none of clearprop's; a file can hold only those"):
        Network([2, 1], output=Own()).save(tmp_path / "net")


def test_networks_that_are_not_finite_are_not_loaded(tmp_path: Path) -> None:
    Network([2, 1]).save(tmp_path / "net")
    document, tensors = read_file(tmp_path / "net", "network")
    del document["kind"]
    tensors["W1"][0, 0] = np.inf
    write_file(tmp_path / "net", "network", document, tensors)
    with pytest.raises(ModelFileError, match="'W1' has an entry that is not finite"):
        Network.load(tmp_path / "net")


# ---- what is not read ----------------------------------------------------------------------------


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "net"
    with pytest.raises(FileNotFoundError):
        Network.load(path)
    path.write_bytes(pickle.dumps(Network([2, 1])))
    with pytest.raises(ModelFileError, match="not a model file"):
        Network.load(path)
    write_file(path, "checkpoint", {}, {})
    with pytest.raises(ModelFileError, match="holds 'checkpoint', not 'network'"):
        Network.load(path)
    with pytest.raises(ModelFileError, match="it is a folder"):
        Network.load(tmp_path)


Document = dict[str, Any]
HIDDEN, DROPOUT, LAST = range(3)
WRONG: dict[str, tuple[str, Callable[[Document, list[Any], dict[str, Any]], object]]] = {
    "no_architecture": ("'architecture' is missing", lambda d, L, a: d.pop("architecture")),
    "extra": ("unknown key 'x'", lambda d, L, a: d.update(x=1)),
    "no_layers": ("must end with a dense layer", lambda d, L, a: L.clear()),
    "layers_text": ("must be", lambda d, L, a: L.append("dense")),
    "kind": ("'kind' must be one of 'dense', 'drop", lambda d, L, a: L[HIDDEN].update(kind="conv")),
    "key": ("unknown key 'bias'", lambda d, L, a: L[HIDDEN].update(bias=True)),
    "activation": (
        "'activation' must be one of",
        lambda d, L, a: L[HIDDEN].update(activation="os"),
    ),
    "no_activation": ("must have an activation", lambda d, L, a: L[HIDDEN].update(activation=None)),
    "last": (
        "an activation, except the last one",
        lambda d, L, a: L[LAST].update(activation="tanh"),
    ),
    "ends_in_dropout": ("must end with a dense layer", lambda d, L, a: L.append(L[DROPOUT])),
    "sizes": ("layers do not fit together", lambda d, L, a: L[LAST].update(n_in=5)),
    "n_in": ("'n_in' must be at least 1", lambda d, L, a: L[HIDDEN].update(n_in=0)),
    "n_in_large": ("'n_in' must be at most", lambda d, L, a: L[HIDDEN].update(n_in=2**40)),
    "n_in_true": ("'n_in' must be an integer", lambda d, L, a: L[HIDDEN].update(n_in=True)),
    "n_in_float": ("'n_in' must be an integer", lambda d, L, a: L[HIDDEN].update(n_in=3.0)),
    "gain": ("gain must be a number > 0", lambda d, L, a: L[HIDDEN].update(gain=0.0)),
    "slope": ("'slope' must be", lambda d, L, a: L[HIDDEN].update(slope=1)),
    "slope_of_last": ("slope needs an activation", lambda d, L, a: L[LAST].update(slope=True)),
    "rate": (r"dropout must lie in \[0, 1\)", lambda d, L, a: L[DROPOUT].update(rate=1.0)),
    "rate_text": ("'rate' must be a number", lambda d, L, a: L[DROPOUT].update(rate="0.1")),
    "output": ("'name' must be one of", lambda d, L, a: output(d).update(name="Output")),
    "no_output": ("'output' is missing", lambda d, L, a: d["architecture"].pop("output")),
    "output_key": ("unknown key", lambda d, L, a: output(d).update(delta=1.0)),
    "smoothing": ("label_smoothing must lie", lambda d, L, a: output(d).update(label_smoothing=2)),
    "groups": ("add up to 3, but", lambda d, L, a: output(d).update(sizes=[1, 2])),
    "groups_empty": ("sizes must be positive", lambda d, L, a: output(d).update(sizes=[])),
    "W": ("'W1' is missing", lambda d, L, a: a.pop("W1")),
    "W_more": ("unknown key 'W3'", lambda d, L, a: a.update(W3=a["W2"])),
    "W_shape": ("'W1' must have the shape", lambda d, L, a: a.update(W1=a["W1"].T)),
    "W_flat": ("'W1' must have the shape", lambda d, L, a: a.update(W1=a["W1"].ravel())),
    "b_dtype": ("'b1' must be float64", lambda d, L, a: a.update(b1=a["b1"].astype("float32"))),
    "W_dtype": ("W1 must be float32 or float64", lambda d, L, a: a.update(W1=a["W1"].astype(int))),
    "nan": ("not finite", lambda d, L, a: a["b2"].fill(np.nan)),
}


def output(document: Document) -> Document:
    result: Document = document["architecture"]["output"]
    return result


@pytest.mark.parametrize("name", WRONG)
def test_wrong_documents_and_tensors_are_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "net"
    Network([3, 4, 4], "tanh", Softmax(0.1), dropout=0.2, seed=0).save(path)
    document, tensors = read_file(path, "network")
    document = copy.deepcopy(document)
    del document["kind"]
    message, spoil = WRONG[name]
    spoil(document, document["architecture"]["layers"], tensors)
    write_file(path, "network", document, tensors)
    with pytest.raises(ModelFileError, match=message) as caught:
        Network.load(path)
    assert str(caught.value).startswith(str(path))


def test_quantiles_of_a_file_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "net"
    Network([3, 2], output=Quantile((0.1, 0.9))).save(path)
    document, tensors = read_file(path, "network")
    for bad in ([0.1, 2.0], [], [0.1, 0.5, 0.9], "ab", [None]):
        document["architecture"]["output"]["quantiles"] = bad
        write_file(path, "network", {"architecture": document["architecture"]}, tensors)
        with pytest.raises(ModelFileError):
            Network.load(path)


def test_sizes_that_the_file_does_not_hold_take_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "net"
    Network([3, 2]).save(path)
    document, tensors = read_file(path, "network")
    layer = document["architecture"]["layers"][0]
    layer["n_in"] = layer["n_out"] = 2**31  # 32 EiB of weights
    write_file(path, "network", {"architecture": document["architecture"]}, tensors)
    with pytest.raises(ModelFileError, match="'W1' must have the shape"):
        Network.load(path)


def load_and_use(path: Path) -> None:
    """What loads can be used: a forward pass, a training pass, and saving it again."""
    net = Network.load(path)
    X = np.ones((2, net.sizes[0]))
    with np.errstate(all="ignore"):  # the numbers may be anything
        assert net.forward(X).y_hat.shape == (2, net.sizes[-1])
        net.forward(X, draw=(0, 0))
    net.save(path)


def test_mutated_files_are_refused_or_are_valid_networks(tmp_path: Path) -> None:
    files = []
    for number, out in enumerate((Softmax(0.1, (2, 3)), Quantile((0.1, 0.5)), Huber(2.0))):
        K = 5 if number == 0 else 4
        net = Network(
            [2, 3, K], ["elu"], out, dropout=0.3, dtype="float32" if number else "float64"
        )
        files.append(tmp_path / f"net{number}")
        net.save(files[-1])
    outcomes = check_reader(load_and_use, files, count=1500, folder=tmp_path)
    assert outcomes["refused"] > 1000
    assert outcomes["loaded"] > 20


def test_weights_that_are_not_finite_are_not_saved(tmp_path: Path) -> None:
    net = Network([2, 1])
    net.W[0][0, 1] = np.inf
    with pytest.raises(ValueError, match="NaN or infinite"):
        net.save(tmp_path / "net")
    assert not (tmp_path / "net").exists()
