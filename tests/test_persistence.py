"""The model file: what is written comes back; what is wrong is refused."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fuzz_files import check_reader, mutate, pack, unpack
from hypothesis import given
from hypothesis import strategies as st

from clearprop.documents import MAX_DEPTH, MAX_DIGITS
from clearprop.limits import MAX_HEADER, MAX_NDIM
from clearprop.persistence import (
    DTYPES,
    ModelFileError,
    decode_float,
    encode_float,
    read_file,
    write_file,
)

DOCUMENT: dict[str, Any] = {
    "layers": [{"units": 3, "activation": "relu"}, {"units": 2, "activation": "identity"}],
    "categories": ["Zürich", "東京", 'quote " and \\ and \n', ""],
    "rate": 1e-3,
    "seed": 2**127 - 1,
    "mean": -0.0,
    "nothing": None,
    "flags": [True, False],
    "empty": {},
}
TENSORS: dict[str, Any] = {
    "W.0": np.arange(6, dtype=np.float64).reshape(3, 2),
    "b.0": np.array([np.nan, np.inf, -0.0], dtype=np.float32),
    "mask": np.array([True, False]),
    "step": np.array(7),
    "none": np.zeros((0, 4), dtype=np.int32),
    "bytes": np.arange(3, dtype=np.uint8),
    "state": np.arange(3, dtype=np.uint32),
}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    write_file(path, "network", DOCUMENT, TENSORS)
    return path


def rewrite(path: Path, change: Any) -> None:
    """Change header and body of a valid file and pack them again."""
    header, body = unpack(path.read_bytes())
    path.write_bytes(pack(*change(header, body)))


def rewrite_document(path: Path, text: str) -> None:
    def change(header: Any, body: bytes) -> Any:
        header["__metadata__"]["clearprop"] = text
        return header, body

    rewrite(path, change)


# ---- round trip ----------------------------------------------------------------------------------


def test_what_is_written_comes_back(model: Path) -> None:
    document, tensors = read_file(model, "network")
    assert document == {"kind": "network", **DOCUMENT}
    assert sorted(tensors) == sorted(TENSORS)
    for name, expected in TENSORS.items():
        array = tensors[name]
        assert array.dtype == expected.dtype
        assert array.shape == expected.shape
        assert array.tobytes() == expected.tobytes()  # NaN and the sign of zero too
        assert array.flags.writeable
        assert array.flags.c_contiguous


def test_the_same_model_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_file(tmp_path / name, "network", DOCUMENT, TENSORS)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_nothing_but_the_kind(tmp_path: Path) -> None:
    write_file(tmp_path / "empty", "network", {}, {})
    assert read_file(tmp_path / "empty", "network") == ({"kind": "network"}, {})


def test_arrays_are_read_by_value_not_by_memory(tmp_path: Path) -> None:
    W = np.arange(12.0).reshape(3, 4)
    W.flags.writeable = False
    tensors = {"transposed": W.T, "strided": W[::2, ::3], "big": W.astype(">f4"), "back": W[::-1]}
    write_file(tmp_path / "m", "network", {}, tensors)
    _, read = read_file(tmp_path / "m", "network")
    for name, expected in tensors.items():
        np.testing.assert_array_equal(read[name], expected)
    assert read["big"].dtype == np.float32


def test_one_of_several_kinds(model: Path) -> None:
    document, _ = read_file(str(model), ("estimator", "network"))
    assert document["kind"] == "network"
    with pytest.raises(ModelFileError, match="holds 'network', not 'estimator' or 'table'"):
        read_file(model, ("estimator", "table"))


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10 ** (MAX_DIGITS - 1)) + 1, 10 ** (MAX_DIGITS - 1) - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
keys = st.text().filter(lambda key: key not in ("format", "kind"))


@given(document=st.dictionaries(keys, json_values))
def test_any_document_comes_back(
    document: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    write_file(path, "network", document, {})
    assert read_file(path, "network")[0] == {"kind": "network", **document}


@given(value=st.floats())
def test_any_float_comes_back(value: float) -> None:
    encoded = json.loads(json.dumps(encode_float(value), allow_nan=False))
    decoded = decode_float(encoded, "here")
    np.testing.assert_array_equal(decoded, value)
    assert np.signbit(decoded) == np.signbit(value) or np.isnan(value)


def test_the_library_alone_can_read_the_file(model: Path) -> None:
    from safetensors.numpy import load_file

    np.testing.assert_array_equal(load_file(model)["W.0"], TENSORS["W.0"])


# ---- what cannot be written ----------------------------------------------------------------------

cycle: list[Any] = []
cycle.append(cycle)


@pytest.mark.parametrize(
    ("document", "tensors", "error", "message"),
    [
        ({"format": 1}, {}, ValueError, "must not have the key 'format'"),
        ({"kind": "x"}, {}, ValueError, "must not have the key 'kind'"),
        ({"loss": float("nan")}, {}, ValueError, r"document\['loss'\]: nan is not a finite"),
        ({"a": [1, {"b": np.inf}]}, {}, ValueError, r"document\['a'\]: inf is not a finite"),
        ({"a": np.int64(3)}, {}, TypeError, r"document\['a'\]: a value of type int64"),
        ({"a": {1, 2}}, {}, TypeError, "type set is not JSON"),
        ({"a": b"x"}, {}, TypeError, "type bytes is not JSON"),
        ({"a": {3: 1}}, {}, TypeError, "the key 3 is not a string"),
        ({3: 1}, {}, TypeError, "the key 3 is not a string"),
        ({"a": "\ud800"}, {}, ValueError, "surrogate"),
        ({"\udfff": 1}, {}, ValueError, "surrogate"),
        ({"a": 10**MAX_DIGITS}, {}, ValueError, "digits"),
        ({"a": cycle}, {}, ValueError, "nested more than"),
        ({}, {"": np.zeros(1)}, ValueError, "the name '' must match"),
        ({}, {"__metadata__\n": np.zeros(1)}, ValueError, "must match"),
        ({}, {"a/b": np.zeros(1)}, ValueError, "the name 'a/b' must match"),
        ({}, {"W": np.zeros(1, dtype=np.float16)}, TypeError, "'W'.*float16 is not one of"),
        ({}, {"W": np.zeros(1, dtype=complex)}, TypeError, "complex128 is not one of"),
        ({}, {"W": np.array([None])}, TypeError, "object is not one of"),
        ({}, {"W": np.zeros([1] * (MAX_NDIM + 1))}, ValueError, "axes"),
    ],
)
def test_what_cannot_be_read_back_is_not_written(
    document: Any, tensors: Any, error: type[Exception], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "model"
    path.write_bytes(b"what was there before")
    with pytest.raises(error, match=message):
        write_file(path, "network", document, tensors)
    assert path.read_bytes() == b"what was there before"
    assert os.listdir(tmp_path) == ["model"]


def test_the_deepest_document_and_one_deeper(tmp_path: Path) -> None:
    def nest(depth: int) -> dict[str, Any]:
        value: Any = 1
        for _ in range(depth):
            value = [value]
        return {"a": value}

    write_file(tmp_path / "m", "network", nest(MAX_DEPTH - 1), {})
    assert read_file(tmp_path / "m", "network")[0]["a"] == nest(MAX_DEPTH - 1)["a"]
    with pytest.raises(ValueError, match="nested more than"):
        write_file(tmp_path / "m", "network", nest(MAX_DEPTH), {})


# ---- reading what is wrong -----------------------------------------------------------------------


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing"):
        read_file(tmp_path / "nothing", "network")


def test_what_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="it is a folder"):
        read_file(tmp_path, "network")
    os.mkfifo(tmp_path / "pipe")  # reading it would wait for a writer
    with pytest.raises(ModelFileError, match="it is not a regular file"):
        read_file(tmp_path / "pipe", "network")


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 8, b"age,income,target\n31,2000,yes\n", b"\x80\x04\x95" + b"\0" * 50, b"{}"],
)
def test_a_file_of_another_format(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match="not a model file, or a truncated or damaged one"):
        read_file(path, "network")


def test_a_pickle_is_not_run(tmp_path: Path) -> None:
    # The opcodes of a pickle that calls os.system; in a file, then in the document's place.
    attack = b"cos\nsystem\n(S'touch " + bytes(tmp_path / "pwned") + b"'\ntR."
    for content in (attack, pack({"__metadata__": {"clearprop": attack.decode()}}, b"")):
        (tmp_path / "m").write_bytes(content)
        with pytest.raises(ModelFileError):
            read_file(tmp_path / "m", "network")
    assert os.listdir(tmp_path) == ["m"]


def test_every_truncation_is_refused(model: Path) -> None:
    data = model.read_bytes()
    for length in range(len(data)):
        model.write_bytes(data[:length])
        with pytest.raises(ModelFileError, match="truncated"):
            read_file(model, "network")


def test_trailing_bytes_are_refused(model: Path) -> None:
    model.write_bytes(model.read_bytes() + b"\0")
    with pytest.raises(ModelFileError, match="truncated or damaged"):
        read_file(model, "network")


@pytest.mark.parametrize("header", [{}, {"__metadata__": {"format": "pt"}}, {"__metadata__": {}}])
def test_another_programs_safetensors_file(header: Any, tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(pack(header, b""))
    with pytest.raises(ModelFileError, match="not one written by clearprop"):
        read_file(tmp_path / "m", "network")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "damaged: Expecting value"),
        ("[]", "damaged: not a JSON object"),
        ('{"format":1', "damaged: Expecting"),
        ('{"format":1,"kind":"network"} x', "damaged: Extra data"),
        ('{"kind":"network"}', "'format' is missing"),
        ('{"format":1}', "'kind' is missing"),
        ('{"format":3,"kind":"network"}', "newer clearprop .file format 3, this one reads 2"),
        ('{"format":2,"kind":"network"}', "the tensor 'document' is missing"),
        ('{"format":0,"kind":"network"}', "'format' must be at least 1, got 0"),
        ('{"format":true,"kind":"network"}', "'format' must be an integer, got True"),
        ('{"format":1.0,"kind":"network"}', "'format' must be an integer, got 1.0"),
        ('{"format":1,"kind":"networks"}', "holds 'networks', not 'network'"),
        ('{"format":1,"kind":["network"]}', "'kind' must be a string"),
        ('{"format":1,"kind":"network","kind":"network"}', "the same key twice"),
        ('{"format":1,"kind":"network","a":{"b":1,"b":1}}', "the same key twice"),
        ('{"format":1,"kind":"network","a":NaN}', "NaN is not a JSON number"),
        ('{"format":1,"kind":"network","a":[-Infinity]}', "-Infinity is not a JSON number"),
        ('{"format":1,"kind":"network","a":1e999}', "inf is not a finite number"),
        ('{"format":1,"kind":"network","a":"\\ud800"}', "surrogate"),
        ('{"format":1,"kind":"network","a":%s}' % ("9" * 5000), "a number has 5000 characters"),
        ('{"format":1,"kind":"network","a":0.%s}' % ("9" * 5000), "a number has 5002 characters"),
        ('{"format":1,"kind":"network","a":%s}' % ("[" * 100_000), "damaged: .*recursion"),
        ('{"format":1,"kind":"network","a":%s}' % ("[" * 70 + "]" * 70), "nested more than 64"),
        ('{"format":1,"kind":"net\\u001b[31m\\nwork"}', r"holds 'net\\x1b\[31m\\nwork'"),
    ],
)
def test_a_wrong_document(text: str, message: str, model: Path) -> None:
    rewrite_document(model, text)
    with pytest.raises(ModelFileError, match=message) as info:
        read_file(model, "network")
    assert str(info.value).startswith(f"{model}: ")
    assert str(info.value).isprintable()  # one line, no terminal codes
    assert len(str(info.value)) < len(str(model)) + 400


@pytest.mark.parametrize(
    ("dtype", "shape", "size", "name", "message"),
    [
        ("F16", [4], 8, "W", "dtype F16 is not one of"),
        ("BF16", [4], 8, "W", "dtype BF16 is not one of"),
        ("F8_E4M3", [8], 8, "W", "dtype F8_E4M3 is not one of"),
        ("F4", [16], 8, "W", "dtype F4 is not one of"),
        ("U64", [1], 8, "W", "dtype U64 is not one of"),
        ("C64", [1], 8, "W", "dtype C64 is not one of"),
        ("OBJECT", [1], 8, "W", "truncated or damaged"),
        ("F64", [1] * 100, 8, "W", "impossible shape"),
        ("F64", [0, 2**62, 2**62], 0, "W", "impossible shape"),
        ("F64", [2**63, 0], 0, "W", "impossible shape"),
        ("F64", [0, 2**59], 0, "W", "impossible shape"),
        ("F64", [2**64, 0], 0, "W", "truncated or damaged"),
        ("F64", [2**61 + 1], 8, "W", "truncated or damaged"),
        ("F64", [-1], 8, "W", "truncated or damaged"),
        ("F64", [2], 8, "W", "truncated or damaged"),
        ("F64", [1], 8, "", "not a name"),
        ("F64", [1], 8, "../W", "not a name"),
        ("F64", [1], 8, "W\n\x1b[31m", r"tensor 'W\\n\\x1b\[31m': not a name"),
        ("F64", [1], 8, "W" * 10_000, "not a name"),
    ],
)
def test_a_wrong_tensor(
    dtype: str, shape: list[int], size: int, name: str, message: str, *, tmp_path: Path
) -> None:
    text = json.dumps({"format": 1, "kind": "network"})
    entry = {"dtype": dtype, "shape": shape, "data_offsets": [0, size]}
    path = tmp_path / "m"
    path.write_bytes(pack({"__metadata__": {"clearprop": text}, name: entry}, bytes(size)))
    with pytest.raises(ModelFileError, match=message) as info:
        read_file(path, "network")
    assert str(info.value).startswith(f"{path}: ")
    assert str(info.value).isprintable()


def test_the_largest_empty_shape_that_is_read(tmp_path: Path) -> None:
    # NumPy indexes bytes with 63 bits: 2**59 - 1 numbers of 8 bytes and a factor 2 to spare.
    text = json.dumps({"format": 1, "kind": "network"})
    entry = {"dtype": "F64", "shape": [0, 2**59 - 1], "data_offsets": [0, 0]}
    path = tmp_path / "m"
    path.write_bytes(pack({"__metadata__": {"clearprop": text}, "W": entry}, b""))
    assert read_file(path, "network")[1]["W"].shape == (0, 2**59 - 1)


def test_a_truth_value_is_0_or_1(tmp_path: Path) -> None:
    path = tmp_path / "m"
    write_file(path, "network", {}, {"mask": np.array([True, False])})
    data = path.read_bytes()
    path.write_bytes(data[:-2] + b"\x02\x00")  # NumPy would count it as two
    with pytest.raises(ModelFileError, match="'mask': a boolean that is neither 0 nor 1"):
        read_file(path, "network")


def refusal(path: Path, preparation: str) -> str:
    """What a new process, which has a memory of its own, prints when it reads the file."""
    code = f"""
from clearprop.persistence import ModelFileError, read_file
{textwrap.dedent(preparation)}
try:
    read_file({str(path)!r}, "network")
except ModelFileError as error:
    print(error)
"""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_file_that_claims_more_than_it_holds_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "m"
    text = json.dumps({"format": 1, "kind": "network"})
    size = 2**40
    claims = [
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", MAX_HEADER) + b"{}",
        pack(
            {
                "__metadata__": {"clearprop": text},
                "W": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]},
            },
            b"x" * 100,
        ),
    ]
    code = """
        import atexit, resource
        peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        atexit.register(lambda before: print(peak() - before), peak())
    """
    for claim in claims:
        path.write_bytes(claim)
        growth = int(refusal(path, code).split()[-1])
        assert growth < 20_000  # KiB; the smallest of the claims is 64 MiB


def test_a_file_larger_than_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m"
    text = json.dumps({"format": 1, "kind": "network"})
    size = 2**34
    entry = {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}
    start = pack({"__metadata__": {"clearprop": text}, "W": entry}, b"")
    with path.open("wb") as file:
        file.write(start)
        file.truncate(len(start) + size)  # a hole, which takes no disk
    code = """
        import resource
        resource.setrlimit(resource.RLIMIT_AS, (2**33, 2**33))
    """
    assert "not enough memory" in refusal(path, code)


def test_many_empty_tensors_are_refused_quickly(tmp_path: Path) -> None:
    path = tmp_path / "m"
    text = json.dumps({"format": 1, "kind": "network"})
    entry = {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]}
    names = {f"t{i}": entry for i in range(2**16 + 1)}
    path.write_bytes(pack({"__metadata__": {"clearprop": text}, **names}, b""))
    with pytest.raises(ModelFileError, match="more than 65536 tensors"):
        read_file(path, "network")


# ---- mutations -----------------------------------------------------------------------------------


def read_valid(path: Path) -> None:
    """Read, and check what read_file promises of whatever it returns."""
    document, tensors = read_file(path, "network")
    json.dumps(document, allow_nan=False, ensure_ascii=False).encode()
    assert document["kind"] == "network"
    for array in tensors.values():
        assert array.dtype.name in DTYPES.values()
        array.copy()


def test_mutations_are_refused_or_valid(model: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    write_file(small, "network", {}, {})
    outcomes = check_reader(read_valid, [model, small], 3000, tmp_path)
    # Both happen often, or the mutations would not test what they are for.
    assert outcomes["refused"] > 1000
    assert outcomes["loaded"] > 200


def test_the_mutation_helper_reports_what_breaks(model: Path, tmp_path: Path) -> None:
    def careless(path: Path) -> None:
        read_file(path, "network")[0]["layers"][0]["units"] + 1

    with pytest.raises((KeyError, TypeError, IndexError)) as info:
        check_reader(careless, [model], 3000, tmp_path)
    assert "mutation" in info.value.__notes__[0]
    with pytest.raises(type(info.value)):
        careless(tmp_path / "mutation")


def test_mutations_are_reproducible_and_change_something(model: Path) -> None:
    import random

    data = model.read_bytes()
    first = [mutate(data, random.Random(seed)) for seed in range(300)]
    assert first == [mutate(data, random.Random(seed)) for seed in range(300)]
    assert data not in first
    assert len(set(first)) > 200
